/*
 * Arenas: memory given out in order and given back all at once. The graph of a compilation lives in
 * one, the scratch of a pass in another that is rewound after the pass; provers draw their plan
 * from one.
 *
 * Every allocation is zeroed. One of 64 bytes and more starts on a multiple of 64 (a cache line, a
 * vector register), a smaller one on a multiple of 16. One thread uses an arena at a time.
 */
#ifndef SERTN_IR_SUPPORT_ARENA_H
#define SERTN_IR_SUPPORT_ARENA_H

#include "ir/support/status.h"

#include <stddef.h>
#include <stdint.h>

struct arena_block;

struct arena {
    struct arena_block *block; /* owned, newest first */
    struct arena_block *spare; /* owned; a block that a rewind emptied, for the next one: what is
                                  rewound after each node takes no new memory for each */
    size_t used_bytes;         /* given out, alignment gaps included */
    size_t limit_bytes;        /* 0: none */
    size_t next_block_bytes;
};

/* A place to rewind to; valid until a rewind to an older one, or the release. */
struct arena_mark {
    struct arena_block *block;
    size_t offset;
    size_t used_bytes;
};

/*
 * Makes an empty arena; it takes memory from the system on first use. A zeroed struct is an arena
 * without limit. limit_bytes: used_bytes never exceeds it; 0 for none.
 */
void arena_init(struct arena *arena, size_t limit_bytes);

/* Frees everything. The arena may be used again, with its limit kept. */
void arena_release(struct arena *arena);

/*
 * Returns `bytes` zeroed bytes owned by the arena, or null when the limit is met or the system has
 * no more (see arena_failure). Zero bytes give a valid pointer to nothing.
 */
void *arena_alloc(struct arena *arena, size_t bytes) SERTN_MUST_CHECK;

/* arena_alloc of count * element_bytes; null also when the product overflows. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t element_bytes) SERTN_MUST_CHECK;

/* Returns `count` zeroed elements as a pointer to the type, or null. */
#define arena_array(arena, type, count) ((type *)arena_alloc_array((arena), (count), sizeof(type)))

/* Returns one zeroed object as a pointer to the type, or null. */
#define arena_new(arena, type) arena_array((arena), type, 1)

/* Returns a copy in the arena, or null. */
char *arena_strdup(struct arena *arena, const char *text) SERTN_MUST_CHECK;
/* Returns a copy of the first `count` bytes with a zero after them, or null. */
char *arena_strndup(struct arena *arena, const char *text, size_t count) SERTN_MUST_CHECK;
/* Returns a copy of `bytes` bytes, or null. */
void *arena_memdup(struct arena *arena, const void *data, size_t bytes) SERTN_MUST_CHECK;
/* Returns text formatted as by printf, or null. */
char *arena_printf(struct arena *arena, const char *format, ...)
    SERTN_PRINTF(2, 3) SERTN_MUST_CHECK;

/* Says why an allocation of about `bytes` for `what` failed: STATUS_LIMIT or STATUS_NO_MEMORY. */
enum status arena_failure(const struct arena *arena, size_t bytes, const char *what,
                          struct diag *diag);

/* Remembers where the arena stands. */
struct arena_mark arena_checkpoint(const struct arena *arena);
/* Gives back everything allocated since the mark was taken. */
void arena_rewind(struct arena *arena, struct arena_mark mark);

#endif
