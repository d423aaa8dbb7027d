/*
 * The reader of vectors.txt. See vectors.h.
 */
#include "tests/backend/curve/vectors.h"

#include <string.h>

#include "tests/harness/harness.h"

void vectors_open(struct vector_file *f, const char *kind)
{
    f->file = fopen(test_source_path("tests/backend/curve/vectors.txt"), "r");
    f->kind = kind;
    REQUIRE(f->file != NULL);
}

static void read_hex(struct vector *out, const char *text)
{
    size_t i = out->fields++;
    REQUIRE(i < VECTOR_FIELDS && strlen(text) / 2 <= VECTOR_BYTES);
    out->bytes[i] = 0;
    if (strcmp(text, "-") == 0)
        return;
    for (; *text; text += 2) {
        unsigned byte;
        REQUIRE(sscanf(text, "%2x", &byte) == 1);
        out->field[i][out->bytes[i]++] = (uint8_t)byte;
    }
}

bool vectors_next(struct vector_file *f, struct vector *out)
{
    static char line[2 * VECTOR_FIELDS * VECTOR_BYTES];
    while (fgets(line, sizeof line, f->file)) {
        char *rest = NULL, *word = strtok_r(line, " \n", &rest);
        if (!word || strcmp(word, f->kind) != 0)
            continue;
        out->fields = 0;
        while ((word = strtok_r(NULL, " \n", &rest)) != NULL)
            read_hex(out, word);
        return true;
    }
    return false;
}

void vectors_close(struct vector_file *f)
{
    fclose(f->file);
}
