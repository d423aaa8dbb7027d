/* label: fast */
#include "ir/support/names.h"

#include "tests/harness/harness.h"

#include <stdio.h>

TEST(names_keep_the_numbers_of_their_coming)
{
    struct arena arena = {0};
    struct names names;
    names_init(&names, &arena);
    CHECK_U64(names_find(&names, "x"), NAME_NONE);
    char text[32];
    for (uint32_t i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "value_%u", i * 7919u % 5000u);
        CHECK_U64(names_add(&names, text), i);
        CHECK_U64(names_add(&names, text), i);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "value_%u", i * 7919u % 5000u);
        CHECK_U64(names_find(&names, text), i);
        CHECK_TEXT(names_text(&names, i), text);
    }
    CHECK_U64(names_find(&names, "value_5000"), NAME_NONE);
    CHECK_U64(names_add(&names, ""), 5000);
    arena_release(&arena);
}

TEST(a_full_arena_refuses_a_name_and_keeps_the_others)
{
    struct arena arena;
    arena_init(&arena, 700);
    struct names names;
    names_init(&names, &arena);
    char text[32];
    uint32_t added = 0;
    for (;; added++) {
        snprintf(text, sizeof text, "name %u", added);
        if (names_add(&names, text) == NAME_NONE)
            break;
    }
    CHECK(added > 4 && added <= 16);
    CHECK_U64(names.count, added);
    CHECK_U64(names_find(&names, text), NAME_NONE);
    CHECK_U64(names_find(&names, "name 3"), 3);
    arena_release(&arena);
}
