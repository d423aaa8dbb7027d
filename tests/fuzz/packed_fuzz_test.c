/* label: fast */
/* Packed bytes from hostile files, and any bytes through packing and back. */
#include <string.h>

#include "ir/support/packed.h"
#include "tests/fuzz/fuzz.h"
#include "tests/harness/harness.h"

enum { LIMIT = 1 << 22 };

/* Accepted is what packing gives, and nothing else. */
static void read_packed(const uint8_t *bytes, size_t count)
{
    struct buffer plain = {0}, again = {0};
    struct diag diag = {0};
    enum status status = packed_read(&plain, bytes, count, LIMIT, "the file", &diag);
    ASSERT((status == STATUS_OK) == (diag.text[0] == 0));
    ASSERT(plain.count <= LIMIT && plain.count / PACKED_RATIO_MOST <= count);
    if (status == STATUS_OK) {
        packed_write(&again, plain.data, plain.count);
        ASSERT(again.count == count && memcmp(again.data, bytes, count) == 0);
    }
    buffer_release(&plain);
    buffer_release(&again);
}

static void pack_and_read(const uint8_t *bytes, size_t count)
{
    struct buffer packed = {0}, back = {0};
    struct diag diag = {0};
    packed_write(&packed, bytes, count);
    ASSERT(packed_read(&back, packed.data, packed.count, count, "the file", &diag) == STATUS_OK);
    ASSERT(back.count == count && (count == 0 || memcmp(back.data, bytes, count) == 0));
    buffer_release(&packed);
    buffer_release(&back);
}

static void both_ways(const uint8_t *bytes, size_t count)
{
    read_packed(bytes, count);
    pack_and_read(bytes, count);
}

#ifdef SERTN_LIBFUZZER
FUZZ_ENTRY(both_ways)
#else
/* Plain bytes of loops, and what they are packed to. */
static void add_rounds(struct fuzz_corpus *corpus, size_t rounds)
{
    struct buffer plain = {0}, packed = {0};
    for (size_t r = 0; r < rounds; r++) {
        buffer_printf(&plain, "cell.%zu", r);
        for (size_t f = 0; f < 30; f++)
            buffer_put_u16(&plain, (uint16_t)(f % 3 == 0 ? 0x0180 + 256 * r : f * f * f));
    }
    packed_write(&packed, plain.data, plain.count);
    fuzz_add(corpus, plain.data, plain.count);
    fuzz_add(corpus, packed.data, packed.count);
    buffer_release(&plain);
    buffer_release(&packed);
}

TEST(packed_bytes_never_crash)
{
    struct fuzz_corpus corpus = {0};
    add_rounds(&corpus, 3);
    add_rounds(&corpus, 40);
    fuzz_add_folder(&corpus, "tests/fuzz/corpus/packed", "");
    fuzz_run(&corpus, both_ways, FUZZ_SECONDS);
    fuzz_release(&corpus);
}
#endif
