/*
 * A relation program by hand, with what comes of it: what the tests of placement begin with.
 */
#ifndef SERTN_TESTS_PASSES_EXAMPLE_H
#define SERTN_TESTS_PASSES_EXAMPLE_H

#include <string.h>

#include "ir/circuit.h"
#include "ir/relation_interpret.h"
#include "passes/place.h"

struct example {
    struct arena arena;
    struct relation_program program;
    struct relation_values values;
    struct circuit circuit;
    struct place_summary summary;
    struct diag diag;
};

static inline void begin(struct example *e)
{
    memset(e, 0, sizeof *e);
    arena_init(&e->arena, 0);
    relation_program_init(&e->program, &e->arena);
}

static inline void end(struct example *e)
{
    arena_release(&e->arena);
}

/* A tensor of `count` integers; values: [count], or null. */
static inline uint32_t integers(struct example *e, enum relation_role role, int64_t count,
                                int64_t low, int64_t high, const wide *values)
{
    struct relation_tensor t = {.name = "t",
                                .rank = 1,
                                .shape = {count},
                                .count = (size_t)count,
                                .role = role,
                                .encoding = ENCODING_INTEGER,
                                .scale = {1, 1, 0},
                                .low = wide_from_i64(low),
                                .high = wide_from_i64(high),
                                .values = values};
    return relation_add_tensor(&e->program, &t);
}

/* Makes tensors public, in this order. */
static inline void publish_all(struct example *e, const uint32_t *tensors, size_t count)
{
    e->program.public_tensors = arena_array(&e->arena, uint32_t, count);
    memcpy(e->program.public_tensors, tensors, count * sizeof *tensors);
    e->program.public_tensor_count = count;
}

static inline void publish(struct example *e, uint32_t tensor)
{
    publish_all(e, &tensor, 1);
}

#endif
