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
