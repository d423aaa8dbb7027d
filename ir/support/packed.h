/*
 * Bytes with their repeats said once: what public/circuit is written in, where the rounds of a loop
 * stand one after the other and differ in their numbers alone.
 *
 * Packed bytes are the count of what was packed, then pieces until that many bytes are there. A
 * piece is a count of bytes, which may be 0, and these bytes; then, unless all is there, a copy: 2
 * (length - 4) + form, and how far back it starts, 0 for as far as the copy before. Lengths are 4
 * to 4096; counts are LEB128. Byte i of a copy from d bytes back is, by its form,
 *
 *     0  byte i - d
 *     1  what goes on from byte i - 2 d to byte i - d as numbers go that grow by the same each
 *        time: their low seven bits and a carry, the high bit as in byte i - d. The numbers of
 *        ir/support/codec are written so, and each round of a loop counts on from the one before.
 *
 * One form: of all ways to say it, a file must have the one that packed_write takes, so that equal
 * circuits are equal files. How copies are searched for is therefore part of the format.
 *
 * Stands on buffer and reader. Called by runtime/model.
 */
#ifndef SERTN_IR_SUPPORT_PACKED_H
#define SERTN_IR_SUPPORT_PACKED_H

#include "ir/support/buffer.h"
#include "ir/support/status.h"

/* No packed bytes stand for more than so many times their count, so that a small file takes no
 * large memory. */
enum { PACKED_RATIO_MOST = 1024 };

/* Appends `count` bytes, packed. Memory errors show in the buffer's own status. Cost: linear. */
void packed_write(struct buffer *out, const void *bytes, size_t count);

/*
 * Appends what was packed to an empty buffer. The packed bytes may come from anybody: no more than
 * `limit` bytes and PACKED_RATIO_MOST times their count are taken from memory. Errors:
 * STATUS_BAD_INPUT naming `what`, also for bytes that packed_write would have written otherwise;
 * STATUS_NO_MEMORY.
 */
enum status packed_read(struct buffer *out, const void *packed, size_t count, uint64_t limit,
                        const char *what, struct diag *diag) SERTN_MUST_CHECK;

#endif
