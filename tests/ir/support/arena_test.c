/* label: fast */
#include "ir/support/arena.h"

#include "tests/harness/harness.h"

#include <string.h>

TEST(memory_is_zeroed_aligned_and_apart)
{
    struct arena arena;
    arena_init(&arena, 0);
    unsigned char *last = NULL;
    size_t last_bytes = 0;
    for (int i = 0; i < 3000; i++) {
        size_t bytes = test_random_below(i % 100 == 0 ? 100000 : 300);
        unsigned char *p = arena_alloc(&arena, bytes);
        REQUIRE(p != NULL);
        CHECK_U64((uintptr_t)p % (bytes >= 64 ? 64 : 16), 0);
        for (size_t k = 0; k < bytes; k++)
            CHECK(p[k] == 0);
        memset(p, 0xA5, bytes);
        CHECK(last == NULL || p + bytes <= last || p >= last + last_bytes);
        last = p;
        last_bytes = bytes;
    }
    arena_release(&arena);
    CHECK_U64(arena.used_bytes, 0);
}

TEST(rewound_memory_comes_back_zeroed)
{
    struct arena arena = {0};
    char *kept = arena_strdup(&arena, "kept");
    for (int round = 0; round < 50; round++) {
        struct arena_mark mark = arena_checkpoint(&arena);
        size_t used = arena.used_bytes;
        for (int i = 0; i < 20; i++) {
            size_t bytes = test_random_below(5000);
            unsigned char *p = arena_alloc(&arena, bytes);
            REQUIRE(p != NULL);
            for (size_t k = 0; k < bytes; k++)
                CHECK(p[k] == 0);
            memset(p, 0xFF, bytes);
        }
        arena_rewind(&arena, mark);
        CHECK_U64(arena.used_bytes, used);
    }
    CHECK_TEXT(kept, "kept");
    arena_release(&arena);
}

TEST(rewind_to_before_the_first_allocation_empties_the_arena)
{
    struct arena arena = {0};
    struct arena_mark mark = arena_checkpoint(&arena);
    REQUIRE(arena_array(&arena, int, 100000) != NULL);
    arena_rewind(&arena, mark);
    CHECK(arena.block == NULL);
    CHECK_U64(arena.used_bytes, 0);
    arena_release(&arena);
}

/* Blocks of every age and size go and come back: what is given out is zero, and apart from all that
 * is still there. */
TEST(memory_of_a_spare_block_comes_back_zeroed)
{
    enum { DEPTH = 40 };
    struct arena arena = {0};
    struct arena_mark mark[DEPTH];
    unsigned char *given[DEPTH];
    size_t bytes[DEPTH], depth = 0;
    for (int step = 0; step < 4000; step++) {
        if (depth == DEPTH || (depth > 0 && test_random_below(2) == 0)) {
            size_t keep = test_random_below(3) == 0 ? 0 : test_random_below(depth);
            for (size_t i = 0; i < depth; i++)
                for (size_t k = 0; k < bytes[i]; k += 97)
                    CHECK(given[i][k] == (unsigned char)(i + 1));
            arena_rewind(&arena, mark[keep]);
            depth = keep;
            continue;
        }
        mark[depth] = arena_checkpoint(&arena);
        bytes[depth] = 1 + test_random_below(step % 50 == 0 ? 2000000 : 20000);
        unsigned char *p = given[depth] = arena_alloc(&arena, bytes[depth]);
        REQUIRE(p != NULL);
        for (size_t k = 0; k < bytes[depth]; k++)
            CHECK(p[k] == 0);
        memset(p, (int)depth + 1, bytes[depth]);
        depth++;
    }
    arena_release(&arena);
    CHECK(arena.block == NULL && arena.spare == NULL);
}

TEST(limit_is_met_exactly_and_explained)
{
    struct arena arena;
    arena_init(&arena, 1024);
    CHECK(arena_alloc(&arena, 1000) != NULL);
    CHECK(arena_alloc(&arena, 64) == NULL);
    CHECK(arena_alloc(&arena, 16) != NULL);
    CHECK(arena_alloc(&arena, 16) == NULL);
    struct diag diag = {0};
    CHECK_STATUS(arena_failure(&arena, 16000, "weights", &diag), STATUS_LIMIT, NULL);
    CHECK(strstr(diag.text, "weights") != NULL);
    arena_release(&arena);
    CHECK(arena_alloc(&arena, 1025) == NULL);
    CHECK(arena_alloc(&arena, 1024) != NULL);
    arena_release(&arena);
}

TEST(sizes_that_overflow_give_null)
{
    struct arena arena = {0};
    CHECK(arena_array(&arena, uint64_t, SIZE_MAX / 8 + 2) == NULL);
    CHECK(arena_alloc(&arena, SIZE_MAX) == NULL);
    CHECK(arena_alloc(&arena, SIZE_MAX - 100) == NULL);
    CHECK(arena_strndup(&arena, "x", SIZE_MAX) == NULL);
    CHECK(arena_alloc(&arena, 0) != NULL);
    arena_release(&arena);
}

TEST(copies_and_printed_text_are_whole)
{
    struct arena arena = {0};
    CHECK_TEXT(arena_strndup(&arena, "abcdef", 3), "abc");
    CHECK_TEXT(arena_printf(&arena, "%s-%d", "node", 12), "node-12");
    CHECK_BYTES(arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
    CHECK(arena_memdup(&arena, NULL, 0) != NULL);
    arena_release(&arena);
}
