/*
 * Scatter and gather by tuples put and find elements where the interpreter does: indices known and
 * computed, negative and repeated, every reduction. An index outside has no proof.
 */
#include "tests/passes/lower_kit.h"

#include "ir/graph_interpret.h"

#include <string.h>

enum { TRIALS = 3 };

static const char *const reductions[] = {"none", "add", "mul", "max", "min"};

static struct tensor *indices_below(struct kit *kit, struct shape shape, const int64_t *bounds,
                                    size_t bound_count)
{
    struct tensor *x = tensor_new(&kit->arena, ELEMENT_I64, &shape);
    for (size_t i = 0; i < x->count; i++) {
        int64_t n = bounds[i % bound_count];
        x->data.integer[i] = (int64_t)test_random_below((uint64_t)(2 * n)) - n;
    }
    return x;
}

static uint32_t index_value(struct kit *kit, bool known, struct shape shape, struct tensor *data)
{
    return known ? kit_constant_i64(kit, shape, data->data.integer)
                 : kit_input(kit, "indices", ELEMENT_I64, shape);
}

struct scatter_case {
    enum op_kind op;
    struct shape data, indices, updates;
    int64_t axis;
    const int64_t *bounds;
    size_t bound_count;
    const char *attribute, *text;
};

static void run_scatter(const struct scatter_case *c, bool known, bool stored_updates)
{
    struct kit kit;
    const struct tensor *inputs[TRIALS][3];
    bool is_cache = c->op == OP_TENSOR_SCATTER;
    kit_init(&kit);
    struct tensor *first = indices_below(&kit, c->indices, c->bounds, c->bound_count);
    for (size_t i = 0; i < first->count && is_cache; i++)
        first->data.integer[i] = (int64_t)test_random_below((uint64_t)c->bounds[0]);
    uint32_t data = kit_input(&kit, "data", ELEMENT_F32, c->data),
             index = index_value(&kit, known, c->indices, first),
             updates = stored_updates ? kit_random_parameter(&kit, "updates", c->updates, 2)
                                      : kit_input(&kit, "updates", ELEMENT_F32, c->updates);
    uint32_t in[3] = {data, is_cache ? updates : index, is_cache ? index : updates};
    uint32_t y = kit_node(&kit, c->op, in, 3);
    kit_attribute_int(&kit, "axis", c->axis);
    kit_attribute_text(&kit, c->attribute, c->text);
    kit_output(&kit, y);
    for (int t = 0; t < TRIALS; t++) {
        size_t k = 0;
        inputs[t][k++] = kit_random_tensor(&kit, c->data, 2);
        if (!known)
            inputs[t][k++] = t == 0 || is_cache
                                 ? first
                                 : indices_below(&kit, c->indices, c->bounds, c->bound_count);
        if (!stored_updates)
            inputs[t][k++] = kit_random_tensor(&kit, c->updates, 2);
        kit_set(&kit, inputs[t]);
    }
    kit_run(&kit);
    for (int t = 0; t < TRIALS; t++)
        kit_compare(&kit, inputs[t], 1e-5, 1e-4);
    if (!known) {
        /* One beyond the last place. */
        struct tensor *bad = indices_below(&kit, c->indices, c->bounds, c->bound_count);
        memcpy(bad->data.integer, first->data.integer, first->count * sizeof(int64_t));
        bad->data.integer[0] = c->bounds[0];
        inputs[0][1] = bad;
        kit_refuse(&kit, inputs[0]);
    }
    kit_release(&kit);
}

TEST(scatter_elements_along_each_axis)
{
    struct shape data = kit_shape(3, 3, 4, 2), indices = kit_shape(3, 2, 3, 2);
    for (int64_t axis = 0; axis < 3; axis++)
        for (int r = 0; r < 5; r++)
            for (int flags = 0; flags < 4; flags++) {
                struct scatter_case c = {OP_SCATTER_ELEMENTS, data, indices,     indices,      axis,
                                         &data.dim[axis],     1,    "reduction", reductions[r]};
                run_scatter(&c, (flags & 1) != 0, (flags & 2) != 0);
            }
}

TEST(scatter_nd_of_every_depth)
{
    struct shape data = kit_shape(3, 3, 4, 2);
    struct shape updates[4] = {{0}, kit_shape(3, 3, 4, 2), kit_shape(2, 3, 2), kit_shape(1, 3)};
    for (int depth = 1; depth < 4; depth++)
        for (int r = 0; r < 5; r++)
            for (int flags = 0; flags < 4; flags++) {
                struct scatter_case c = {OP_SCATTER_ND,  data,        kit_shape(2, 3, depth),
                                         updates[depth], 0,           data.dim,
                                         (size_t)depth,  "reduction", reductions[r]};
                run_scatter(&c, (flags & 1) != 0, (flags & 2) != 0);
            }
}

TEST(cache_updates_begin_where_each_batch_says)
{
    static const int64_t linear = 4, circular = 6;
    struct shape cache = kit_shape(4, 2, 2, 6, 3), update = kit_shape(4, 2, 2, 3, 3);
    for (int flags = 0; flags < 4; flags++) {
        bool is_circular = (flags & 1) != 0;
        struct scatter_case c = {OP_TENSOR_SCATTER,
                                 cache,
                                 kit_shape(1, 2),
                                 update,
                                 -2,
                                 is_circular ? &circular : &linear,
                                 1,
                                 "mode",
                                 is_circular ? "circular" : "linear"};
        /* The index stands last among the inputs: known ones only come first. */
        run_scatter(&c, (flags & 2) != 0, true);
    }
}

static void run_gather_nd(struct shape data, struct shape tuples, int64_t batch_dims, bool known,
                          bool stored)
{
    struct kit kit;
    const struct tensor *inputs[TRIALS][2];
    kit_init(&kit);
    size_t depth = (size_t)tuples.dim[tuples.rank - 1];
    const int64_t *bounds = data.dim + batch_dims;
    struct tensor *first = indices_below(&kit, tuples, bounds, depth);
    uint32_t in[2] = {stored ? kit_random_parameter(&kit, "data", data, 2)
                             : kit_input(&kit, "data", ELEMENT_F32, data)};
    in[1] = index_value(&kit, known, tuples, first);
    if (stored && known)
        kit_input(&kit, "unused", ELEMENT_F32, kit_shape(1, 1));
    uint32_t y = kit_node(&kit, OP_GATHER_ND, in, 2);
    kit_attribute_int(&kit, "batch_dims", batch_dims);
    kit_output(&kit, y);
    for (int t = 0; t < TRIALS; t++) {
        size_t k = 0;
        if (!stored || known)
            inputs[t][k++] = kit_random_tensor(&kit, stored ? kit_shape(1, 1) : data, 2);
        inputs[t][k++] = t == 0 ? first : indices_below(&kit, tuples, bounds, depth);
        kit_set(&kit, inputs[t]);
    }
    kit_run(&kit);
    for (int t = 0; t < TRIALS; t++)
        kit_compare(&kit, inputs[t], 1e-6, 1e-4);
    kit_release(&kit);
}

TEST(tuples_gather_blocks)
{
    for (int flags = 0; flags < 4; flags++) {
        bool known = (flags & 1) != 0, stored = (flags & 2) != 0;
        run_gather_nd(kit_shape(3, 3, 4, 2), kit_shape(2, 5, 1), 0, known, stored);
        run_gather_nd(kit_shape(3, 3, 4, 2), kit_shape(3, 2, 2, 2), 0, known, stored);
        run_gather_nd(kit_shape(3, 3, 4, 2), kit_shape(2, 5, 3), 0, known, stored);
        run_gather_nd(kit_shape(3, 3, 4, 2), kit_shape(2, 3, 1), 1, known, stored);
        run_gather_nd(kit_shape(3, 3, 4, 2), kit_shape(3, 3, 4, 1), 2, known, stored);
    }
}
