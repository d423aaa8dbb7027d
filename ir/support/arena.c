/* Arenas: see arena.h. */
#include "ir/support/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif

#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
/* What is not given out must not be touched. */
#define POISON(start, bytes) ASAN_POISON_MEMORY_REGION((start), (bytes))
#define UNPOISON(start, bytes) ASAN_UNPOISON_MEMORY_REGION((start), (bytes))
#else
#define POISON(start, bytes) ((void)(start), (void)(bytes))
#define UNPOISON(start, bytes) ((void)(start), (void)(bytes))
#endif

#define FIRST_BLOCK_BYTES ((size_t)4096)
#define LARGEST_STEP_BYTES ((size_t)1 << 20)
#define LINE_BYTES ((size_t)64)
#define SMALL_ALIGN_BYTES ((size_t)16)

struct arena_block {
    struct arena_block *older;
    unsigned char *data; /* inside this allocation, a multiple of LINE_BYTES */
    size_t capacity;
    size_t offset;
    size_t dirty; /* bytes from here on are still zero, as calloc gave them */
};

void arena_init(struct arena *arena, size_t limit_bytes)
{
    *arena = (struct arena){.limit_bytes = limit_bytes};
}

static void free_block(struct arena_block *block)
{
    if (block == NULL)
        return;
    UNPOISON(block->data, block->capacity);
    free(block);
}

/* Takes the newest block off the arena: it is the spare one when it is of the common size, larger
 * ones are not held back from others. */
static void drop_newest_block(struct arena *arena)
{
    struct arena_block *block = arena->block;
    arena->block = block->older;
    bool is_kept = block->capacity <= LARGEST_STEP_BYTES &&
                   (arena->spare == NULL || arena->spare->capacity < block->capacity);
    free_block(is_kept ? arena->spare : block);
    if (!is_kept)
        return;
    POISON(block->data, block->capacity);
    arena->spare = block;
}

void arena_release(struct arena *arena)
{
    while (arena->block != NULL)
        drop_newest_block(arena);
    free_block(arena->spare);
    arena_init(arena, arena->limit_bytes);
}

/* Adds a block with room for `bytes`. */
static bool add_block(struct arena *arena, size_t bytes)
{
    struct arena_block *spare = arena->spare;
    if (spare != NULL && bytes <= spare->capacity) {
        arena->spare = NULL;
        spare->offset = 0;
        spare->older = arena->block;
        arena->block = spare;
        return true;
    }
    size_t step = arena->next_block_bytes == 0 ? FIRST_BLOCK_BYTES : arena->next_block_bytes;
    size_t capacity = bytes > step ? bytes : step;
    size_t head = sizeof(struct arena_block) + LINE_BYTES;
    if (capacity > SIZE_MAX - head)
        return false;
    struct arena_block *block = calloc(1, head + capacity);
    if (block == NULL)
        return false;
    uintptr_t after = (uintptr_t)(block + 1);
    block->data = (unsigned char *)(block + 1) + (0 - after) % LINE_BYTES;
    block->capacity = capacity;
    block->older = arena->block;
    POISON(block->data, capacity);
    arena->block = block;
    arena->next_block_bytes = step < LARGEST_STEP_BYTES ? 2 * step : step;
    return true;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    size_t align = bytes >= LINE_BYTES ? LINE_BYTES : SMALL_ALIGN_BYTES;
    struct arena_block *block = arena->block;
    size_t gap = block == NULL ? 0 : (0 - block->offset) % align;
    if (block == NULL || gap > block->capacity - block->offset ||
        bytes > block->capacity - block->offset - gap)
        gap = 0, block = NULL;
    if (bytes > SIZE_MAX - gap - arena->used_bytes)
        return NULL;
    if (arena->limit_bytes != 0 && arena->used_bytes + gap + bytes > arena->limit_bytes)
        return NULL;
    if (block == NULL) {
        if (!add_block(arena, bytes))
            return NULL;
        block = arena->block;
    }
    size_t start = block->offset + gap;
    unsigned char *result = block->data + start;
    UNPOISON(result, bytes);
    if (start < block->dirty)
        memset(result, 0, bytes < block->dirty - start ? bytes : block->dirty - start);
    block->offset = start + bytes;
    if (block->offset > block->dirty)
        block->dirty = block->offset;
    arena->used_bytes += gap + bytes;
    return result;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t element_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, element_bytes, &bytes))
        return NULL;
    return arena_alloc(arena, bytes);
}

void *arena_memdup(struct arena *arena, const void *data, size_t bytes)
{
    void *copy = arena_alloc(arena, bytes);
    if (copy != NULL && bytes > 0)
        memcpy(copy, data, bytes);
    return copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t count)
{
    if (count == SIZE_MAX)
        return NULL;
    char *copy = arena_alloc(arena, count + 1);
    if (copy != NULL && count > 0)
        memcpy(copy, text, count);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}

enum status arena_failure(const struct arena *arena, size_t bytes, const char *what,
                          struct diag *diag)
{
    if (arena->limit_bytes != 0 && bytes > arena->limit_bytes - arena->used_bytes)
        return diag_set(diag, STATUS_LIMIT,
                        "%s needs %zu bytes more, beyond the limit of %zu bytes", what, bytes,
                        arena->limit_bytes);
    return diag_set(diag, STATUS_NO_MEMORY, "no memory for the %zu bytes of %s", bytes, what);
}

struct arena_mark arena_checkpoint(const struct arena *arena)
{
    return (struct arena_mark){arena->block, arena->block == NULL ? 0 : arena->block->offset,
                               arena->used_bytes};
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    while (arena->block != mark.block) {
        ASSERT(arena->block != NULL);
        drop_newest_block(arena);
    }
    ASSERT(mark.used_bytes <= arena->used_bytes);
    if (arena->block != NULL) {
        ASSERT(mark.offset <= arena->block->offset);
        POISON(arena->block->data + mark.offset, arena->block->capacity - mark.offset);
        arena->block->offset = mark.offset;
    }
    arena->used_bytes = mark.used_bytes;
}
