/*
 * The bounded reader: the one way by which bytes from outside (artifacts, keys, SRS files, proofs)
 * become values. No read leaves the bytes; the first that would fails, and so do all after it,
 * giving zeros. So a parser reads straight on and asks once, at the end of each stage.
 *
 * Integers are little-endian. Counts are checked against the bytes left before anything is
 * allocated.
 */
#ifndef SERTN_IR_SUPPORT_READER_H
#define SERTN_IR_SUPPORT_READER_H

#include "ir/support/arena.h"
#include "ir/support/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const uint8_t *data; /* borrowed */
    size_t count;
    size_t offset; /* of the next byte; stands still once failed */
    bool failed;
};

/* Starts at the first of `count` borrowed bytes. */
void reader_init(struct reader *reader, const void *data, size_t count);

uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
/* A byte that must be 0 or 1. */
bool reader_bool(struct reader *reader);

/* Returns the next `count` bytes, borrowed from the data, and steps over them; null when failed. */
const uint8_t *reader_bytes(struct reader *reader, size_t count);
/* Copies the next bytes; zeros when failed. */
void reader_copy(struct reader *reader, void *out, size_t count);

/*
 * Reads a u64 count of elements that take at least `element_bytes` each in what follows; fails when
 * they could not all be there, or are more than `limit`. Requires: element_bytes > 0.
 */
size_t reader_count(struct reader *reader, size_t element_bytes, size_t limit);

/*
 * Reads what buffer_put_string wrote into the arena; fails on a length over `limit` and on a zero
 * byte inside. Returns null when failed or the arena is full.
 */
char *reader_string(struct reader *reader, struct arena *arena, size_t limit);

/* Marks the reader as failed, for the parser's own rules. */
void reader_fail(struct reader *reader);
/* Bytes not yet read; 0 once failed. */
size_t reader_left(const struct reader *reader);

/*
 * STATUS_OK when nothing failed and no byte is left. Else STATUS_BAD_INPUT, naming `what` and the
 * offset where the trouble starts.
 */
enum status reader_finish(const struct reader *reader, const char *what,
                          struct diag *diag) SERTN_MUST_CHECK;

/* The same without asking that all is read. */
enum status reader_status(const struct reader *reader, const char *what,
                          struct diag *diag) SERTN_MUST_CHECK;

#endif
