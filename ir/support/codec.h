/*
 * One description of a format for both directions: each codec_* call writes the value it points to,
 * or reads into it.
 *
 * Integers are LEB128 variable-length; signed ones zigzag. A failed codec reads zeros and writes
 * nothing more; check codec_failed once at the end. Stands on buffer (writing) and reader (reading,
 * bounded).
 */
#ifndef SERTN_IR_SUPPORT_CODEC_H
#define SERTN_IR_SUPPORT_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/support/arena.h"
#include "ir/support/buffer.h"
#include "ir/support/reader.h"
#include "ir/support/wide.h"

struct codec {
    bool is_writing;
    struct buffer *out;
    struct reader in;
    struct arena *arena; /* owns what is read */
    bool failed, no_memory;
};

struct codec codec_writer(struct buffer *out);
struct codec codec_reader(const void *bytes, size_t count, struct arena *arena);
void codec_fail(struct codec *codec);

void codec_u8(struct codec *codec, uint8_t *value);
void codec_bool(struct codec *codec, bool *value);
void codec_u64(struct codec *codec, uint64_t *value);
void codec_i64(struct codec *codec, int64_t *value);
/* Fail when the number read is above the type's or the given bound. */
void codec_u32(struct codec *codec, uint32_t *value);
void codec_u16(struct codec *codec, uint16_t *value);
void codec_i32(struct codec *codec, int32_t *value);
/* Number of things that follow, each at least `least_bytes` long in the file (which bounds it by
 * what is left) and at most `limit`. */
void codec_count(struct codec *codec, size_t *count, size_t least_bytes, size_t limit);
void codec_wide(struct codec *codec, wide *value);
void codec_bytes(struct codec *codec, void *bytes, size_t count);
/* Zero-terminated text of at most 65,535 bytes; read into the arena. */
void codec_text(struct codec *codec, const char **text);
/* When reading: a zeroed array in the arena, NULL (and failed) when memory ran out. When writing:
 * returns `given`. */
void *codec_array(struct codec *codec, const void *given, size_t count, size_t element_bytes);
/* Reads 32 bits of the difference to *previous and moves *previous; for sequences that grow slowly.
 */
void codec_delta_u32(struct codec *codec, uint32_t *value, uint32_t *previous);
/* Fails unless everything was consumed. */
void codec_finish(struct codec *codec);
enum status codec_status(const struct codec *codec, const char *what,
                         struct diag *diag) SERTN_MUST_CHECK;

#endif
