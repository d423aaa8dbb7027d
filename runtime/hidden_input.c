/* See hidden_input.h. */
#include "runtime/hidden_input.h"

#include <string.h>

#include "backend/hash/keccak.h"
#include "ir/support/reader.h"

static const char magic[8] = "SRTNHINP";
enum { VERSION = 1 };

size_t hidden_input_count(const struct model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < model->interface.input_count; i++)
        count += model->interface.inputs[i].visibility == PORT_HASHED;
    return count;
}

void hidden_input_salts(uint8_t (*salts)[HIDDEN_SALT_BYTES], const struct model *model,
                        const uint8_t account[32], const char *name, const void *input,
                        size_t count)
{
    static const char domain[] = "sertn.salt.v1";
    uint8_t digest[KECCAK256_BYTES], number[4];
    keccak256(digest, input, count);
    for (size_t i = 0; i < hidden_input_count(model); i++) {
        struct keccak256 hash;
        for (int k = 0; k < 4; k++)
            number[k] = (uint8_t)(i >> (8 * k));
        keccak256_init(&hash);
        keccak256_update(&hash, domain, sizeof domain - 1);
        keccak256_update(&hash, account, 32);
        keccak256_update(&hash, model->circuit_digest, sizeof model->circuit_digest);
        keccak256_update(&hash, digest, sizeof digest);
        keccak256_update(&hash, number, sizeof number);
        if (name != NULL)
            keccak256_update(&hash, name, strlen(name));
        keccak256_final(&hash, salts[i]);
        salts[i][0] = 0; /* below 2^248 */
        explicit_bzero(&hash, sizeof hash);
    }
}

void hidden_input_put(struct buffer *out, const struct model *model,
                      const uint8_t (*salts)[HIDDEN_SALT_BYTES], const void *input, size_t count)
{
    size_t hidden = hidden_input_count(model);
    buffer_put(out, magic, sizeof magic);
    buffer_put_u32(out, VERSION);
    buffer_put_u32(out, (uint32_t)hidden);
    buffer_put(out, salts, hidden * HIDDEN_SALT_BYTES);
    buffer_put(out, input, count);
}

enum status hidden_input_take(const uint8_t (**salts)[HIDDEN_SALT_BYTES], const uint8_t **input,
                              size_t *count, const struct model *model, const struct buffer *text,
                              struct diag *diag)
{
    size_t hidden = hidden_input_count(model);
    struct reader r;
    *salts = NULL;
    *input = text->data;
    *count = text->count;
    bool is_hidden = text->count >= sizeof magic && memcmp(text->data, magic, sizeof magic) == 0;
    if (is_hidden != (hidden > 0))
        return diag_set(diag, STATUS_BAD_INPUT,
                        hidden > 0 ? "the inputs of the model are hashed, and the job brings no "
                                     "salts for them"
                                   : "the job brings salts for hashed inputs, and the model has "
                                     "none");
    if (!is_hidden)
        return STATUS_OK;
    reader_init(&r, text->data, text->count);
    (void)reader_bytes(&r, sizeof magic);
    uint32_t version = reader_u32(&r), salt_count = reader_u32(&r);
    if (version != VERSION || salt_count != hidden)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the job brings %u salts in version %u, and the model takes %zu in version "
                        "%d",
                        salt_count, version, hidden, VERSION);
    *salts = (const uint8_t(*)[HIDDEN_SALT_BYTES])(const void *)reader_bytes(
        &r, hidden * HIDDEN_SALT_BYTES);
    *count = reader_left(&r);
    *input = reader_bytes(&r, *count);
    return reader_finish(&r, "the input of the job", diag);
}
