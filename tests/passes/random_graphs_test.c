/* label: fast libs: sertn_runtime */
/*
 * Graphs of a few operators chosen at random: inputs, private parameters, public constants and
 * computed values in every operand's place, with axes of size 1 and broadcasts. Each is lowered and
 * placed, gives what the graph gave before any pass changed it, and is tampered with.
 * SERTN_TAMPER=many runs for minutes instead of seconds.
 */
#include "tests/passes/lower_kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ir/graph_interpret.h"

enum { VALUES_MAX = 64, RANK_MAX = 3, DIM_MAX = 3, SETS = 3, GIVEN_MAX = 7, DONE_LEAST = 15 };
#define BOUND_MAX 2000.0

struct value {
    uint32_t id;
    enum element_type type; /* F32, I64 or BOOL */
    struct shape shape;
    double bound;  /* of its magnitude */
    bool is_whole; /* exact: may be compared and rounded */
};

struct making {
    struct kit kit;
    struct value values[VALUES_MAX];
    size_t count;
    uint32_t input[4];
    size_t input_count;
};

static bool one_in(unsigned n)
{
    return test_random_below(n) == 0;
}

static int64_t random_between(int64_t low, int64_t high)
{
    return low + (int64_t)test_random_below((uint64_t)(high - low) + 1);
}

static struct shape any_shape(void)
{
    struct shape shape = {.rank = (uint8_t)random_between(1, RANK_MAX)};
    for (unsigned d = 0; d < shape.rank; d++)
        shape.dim[d] = one_in(3) ? 1 : random_between(1, DIM_MAX);
    return shape;
}

static size_t count_of(const struct shape *shape)
{
    size_t count = 1;
    for (unsigned d = 0; d < shape->rank; d++)
        count *= (size_t)shape->dim[d];
    return count;
}

static void keep(struct making *m, struct value value)
{
    if (m->count < VALUES_MAX)
        m->values[m->count++] = value;
}

/* ---- what a graph begins with ---- */

static struct tensor *whole_numbers(struct making *m, enum element_type type, struct shape shape,
                                    int64_t bound)
{
    struct tensor *t = tensor_new(&m->kit.arena, type, &shape);
    for (size_t i = 0; i < t->count; i++) {
        int64_t number = one_in(4) ? 0 : random_between(-bound, bound);
        if (type == ELEMENT_F32)
            t->data.real[i] = (double)number;
        else
            t->data.integer[i] = type == ELEMENT_BOOL ? number > 0 : number;
    }
    return t;
}

static void add_given(struct making *m, bool is_input)
{
    static const enum element_type types[] = {ELEMENT_F32, ELEMENT_F32, ELEMENT_I64, ELEMENT_BOOL};
    struct value v = {.type = types[test_random_below(4)],
                      .shape = any_shape(),
                      .bound = GIVEN_MAX,
                      .is_whole = true};
    if (is_input) {
        static const char *const names[] = {"a", "b", "c", "d"};
        v.id = kit_input(&m->kit, names[m->input_count], v.type, v.shape);
        m->input[m->input_count++] = v.id;
    } else {
        v.id = kit_parameter(&m->kit, "stored", v.shape, (const double[27]){0});
        m->kit.graph->values[v.id].type = v.type;
        m->kit.graph->values[v.id].data = whole_numbers(m, v.type, v.shape, GIVEN_MAX);
        if (one_in(2))
            m->kit.graph->values[v.id].kind = VALUE_CONSTANT;
    }
    keep(m, v);
}

/* ---- choosing operands ---- */

/* A value of a type; NULL when none was found. */
static const struct value *any_value(const struct making *m, enum element_type type, bool is_whole)
{
    for (unsigned tries = 0; tries < 20; tries++) {
        size_t from = one_in(2) && m->count > 3 ? m->count - 3 : 0;
        const struct value *v = &m->values[from + test_random_below(m->count - from)];
        if (v->type == type && (v->is_whole || !is_whole))
            return v;
    }
    return NULL;
}

static enum element_type any_number_type(void)
{
    return one_in(3) ? ELEMENT_I64 : ELEMENT_F32;
}

static bool broadcast(struct shape *out, const struct shape *a, const struct shape *b)
{
    *out = a->rank > b->rank ? *a : *b;
    for (unsigned d = 0; d < out->rank; d++) {
        int64_t x = d + a->rank < out->rank ? 1 : a->dim[d + a->rank - out->rank],
                y = d + b->rank < out->rank ? 1 : b->dim[d + b->rank - out->rank];
        if (x != y && x != 1 && y != 1)
            return false;
        out->dim[d] = x == 1 ? y : x;
    }
    return true;
}

/* ---- operators ---- */

static void add_unary(struct making *m)
{
    static const struct {
        enum op_kind op;
        bool needs_whole;
    } list[] = {{OP_NEG, false},  {OP_ABS, false},      {OP_RELU, false},    {OP_SIGN, true},
                {OP_FLOOR, true}, {OP_IDENTITY, false}, {OP_SIGMOID, false}, {OP_NEG, false}};
    size_t k = test_random_below(sizeof list / sizeof *list);
    bool is_smooth = list[k].op == OP_SIGMOID, is_float = is_smooth || list[k].op == OP_FLOOR;
    const struct value *x =
        any_value(m, is_float ? ELEMENT_F32 : any_number_type(), list[k].needs_whole);
    if (x == NULL)
        return;
    struct value y = *x;
    if (list[k].op == OP_RELU && x->type != ELEMENT_F32)
        return;
    y.id = kit_unary(&m->kit, list[k].op, x->id);
    y.is_whole = x->is_whole && !is_smooth;
    keep(m, y);
}

static void add_binary(struct making *m)
{
    static const enum op_kind list[] = {OP_ADD, OP_SUB, OP_MUL, OP_MAX, OP_MIN, OP_ADD, OP_MUL};
    enum op_kind op = list[test_random_below(sizeof list / sizeof *list)];
    enum element_type type = any_number_type();
    const struct value *a = any_value(m, type, false), *b = any_value(m, type, false);
    struct value y = {.type = type};
    if (a == NULL || b == NULL || !broadcast(&y.shape, &a->shape, &b->shape))
        return;
    y.bound = op == OP_MUL ? a->bound * b->bound : a->bound + b->bound;
    y.is_whole = a->is_whole && b->is_whole;
    if (y.bound > BOUND_MAX)
        return;
    y.id = kit_binary(&m->kit, op, a->id, b->id);
    keep(m, y);
}

static void add_comparison(struct making *m)
{
    static const enum op_kind list[] = {OP_GREATER, OP_LESS, OP_EQUAL, OP_GREATER_OR_EQUAL};
    enum element_type type = any_number_type();
    const struct value *a = any_value(m, type, true), *b = any_value(m, type, true);
    struct value y = {.type = ELEMENT_BOOL, .bound = 1, .is_whole = true};
    if (a == NULL || b == NULL || !broadcast(&y.shape, &a->shape, &b->shape))
        return;
    y.id = kit_binary(&m->kit, list[test_random_below(4)], a->id, b->id);
    keep(m, y);
}

static void add_logic(struct making *m)
{
    static const enum op_kind list[] = {OP_AND, OP_OR, OP_XOR};
    const struct value *a = any_value(m, ELEMENT_BOOL, true), *b = any_value(m, ELEMENT_BOOL, true);
    struct value y = {.type = ELEMENT_BOOL, .bound = 1, .is_whole = true};
    if (a == NULL || b == NULL || !broadcast(&y.shape, &a->shape, &b->shape))
        return;
    y.id = kit_binary(&m->kit, list[test_random_below(3)], a->id, b->id);
    keep(m, y);
}

static void add_where(struct making *m)
{
    enum element_type type = any_number_type();
    const struct value *c = any_value(m, ELEMENT_BOOL, true), *a = any_value(m, type, false),
                       *b = any_value(m, type, false);
    struct value y = {.type = type};
    struct shape both;
    if (c == NULL || a == NULL || b == NULL || !broadcast(&both, &a->shape, &b->shape) ||
        !broadcast(&y.shape, &both, &c->shape))
        return;
    y.bound = fmax(a->bound, b->bound);
    y.is_whole = a->is_whole && b->is_whole;
    y.id = kit_node(&m->kit, OP_WHERE, (const uint32_t[]){c->id, a->id, b->id}, 3);
    keep(m, y);
}

static void add_cast(struct making *m)
{
    static const enum element_type types[] = {ELEMENT_F32, ELEMENT_I64, ELEMENT_BOOL};
    enum element_type from = types[test_random_below(3)], to = types[test_random_below(3)];
    const struct value *x = any_value(m, from, true);
    if (x == NULL)
        return;
    struct value y = *x;
    y.id = kit_unary(&m->kit, OP_CAST, x->id);
    kit_attribute_int(&m->kit, "to", to);
    y.type = to;
    if (to == ELEMENT_BOOL)
        y.bound = 1;
    keep(m, y);
}

static void add_transpose(struct making *m)
{
    const struct value *x = any_value(m, any_number_type(), false);
    if (x == NULL || x->shape.rank < 2)
        return;
    struct value y = *x;
    int64_t order[RANK_MAX] = {0, 1, 2};
    for (unsigned d = x->shape.rank - 1; d > 0; d--) {
        unsigned k = (unsigned)test_random_below(d + 1);
        int64_t swap = order[d];
        order[d] = order[k];
        order[k] = swap;
    }
    for (unsigned d = 0; d < x->shape.rank; d++)
        y.shape.dim[d] = x->shape.dim[order[d]];
    y.id = kit_unary(&m->kit, OP_TRANSPOSE, x->id);
    kit_attribute_ints(&m->kit, "perm", order, x->shape.rank);
    keep(m, y);
}

static void add_reshape(struct making *m)
{
    const struct value *x = any_value(m, any_number_type(), false);
    if (x == NULL)
        return;
    struct value y = *x;
    size_t count = count_of(&x->shape);
    y.shape = any_shape();
    if (count_of(&y.shape) != count)
        y.shape = one_in(2) ? kit_shape(1, (int)count) : kit_shape(2, (int)count, 1);
    uint32_t shape = kit_constant_i64(&m->kit, kit_shape(1, (int)y.shape.rank), y.shape.dim);
    y.id = kit_binary(&m->kit, OP_RESHAPE, x->id, shape);
    keep(m, y);
}

static void add_concat(struct making *m)
{
    enum element_type type = any_number_type();
    const struct value *a = any_value(m, type, false), *b = any_value(m, type, false);
    if (a == NULL || b == NULL || a->shape.rank != b->shape.rank)
        return;
    for (unsigned axis = 0; axis < a->shape.rank; axis++) {
        bool fits = true;
        for (unsigned d = 0; d < a->shape.rank; d++)
            fits &= d == axis || a->shape.dim[d] == b->shape.dim[d];
        if (!fits || count_of(&a->shape) + count_of(&b->shape) > 18)
            continue;
        struct value y = *a;
        y.shape.dim[axis] += b->shape.dim[axis];
        y.bound = fmax(a->bound, b->bound);
        y.is_whole = a->is_whole && b->is_whole;
        y.id = kit_binary(&m->kit, OP_CONCAT, a->id, b->id);
        kit_attribute_int(&m->kit, "axis", axis);
        keep(m, y);
        return;
    }
}

static void add_matmul(struct making *m)
{
    const struct value *a = any_value(m, ELEMENT_F32, false), *b = any_value(m, ELEMENT_F32, false);
    if (a == NULL || b == NULL || a->shape.rank != 2 || b->shape.rank != 2 ||
        a->shape.dim[1] != b->shape.dim[0])
        return;
    struct value y = {.type = ELEMENT_F32,
                      .shape = kit_shape(2, (int)a->shape.dim[0], (int)b->shape.dim[1]),
                      .bound = a->bound * b->bound * (double)a->shape.dim[1],
                      .is_whole = a->is_whole && b->is_whole};
    if (y.bound > BOUND_MAX)
        return;
    y.id = kit_binary(&m->kit, OP_MAT_MUL, a->id, b->id);
    keep(m, y);
}

static void add_reduction(struct making *m)
{
    static const enum op_kind list[] = {OP_REDUCE_SUM, OP_REDUCE_MAX, OP_REDUCE_MIN,
                                        OP_REDUCE_MEAN};
    enum op_kind op = list[test_random_below(4)];
    const struct value *x = any_value(m, ELEMENT_F32, false);
    if (x == NULL)
        return;
    struct value y = *x;
    int64_t axis = random_between(0, x->shape.rank - 1);
    bool keeps = one_in(2) || x->shape.rank == 1;
    if (op == OP_REDUCE_SUM)
        y.bound *= (double)x->shape.dim[axis];
    if (op == OP_REDUCE_MEAN)
        y.is_whole = false;
    y.shape.dim[axis] = 1;
    for (unsigned d = (unsigned)axis; !keeps && d + 1 < x->shape.rank; d++)
        y.shape.dim[d] = y.shape.dim[d + 1];
    y.shape.rank = (uint8_t)(y.shape.rank - (keeps ? 0 : 1));
    y.id = kit_binary(&m->kit, op, x->id, kit_constant_i64(&m->kit, kit_shape(1, 1), &axis));
    kit_attribute_int(&m->kit, "keepdims", keeps);
    keep(m, y);
}

/* Rows of anything at stored places, or at what a comparison gives. */
static void add_gather(struct making *m)
{
    const struct value *x = any_value(m, any_number_type(), false), *bit = NULL;
    if (x == NULL)
        return;
    struct value y = *x;
    int64_t list[3], count = random_between(1, 3);
    uint32_t index;
    if (x->shape.dim[0] >= 2 && one_in(2) && (bit = any_value(m, ELEMENT_BOOL, true)) != NULL &&
        bit->shape.rank == 1) {
        index = kit_unary(&m->kit, OP_CAST, bit->id);
        kit_attribute_int(&m->kit, "to", ELEMENT_I64);
        count = bit->shape.dim[0];
    } else {
        for (int64_t i = 0; i < count; i++)
            list[i] = random_between(-x->shape.dim[0], x->shape.dim[0] - 1);
        index = kit_constant_i64(&m->kit, kit_shape(1, (int)count), list);
    }
    y.shape.dim[0] = count;
    y.id = kit_binary(&m->kit, OP_GATHER, x->id, index);
    kit_attribute_int(&m->kit, "axis", 0);
    keep(m, y);
}

static void add_expand(struct making *m)
{
    const struct value *x = any_value(m, any_number_type(), false);
    struct shape wanted = any_shape();
    if (x == NULL)
        return;
    struct value y = *x;
    if (!broadcast(&y.shape, &x->shape, &wanted))
        return;
    uint32_t shape = kit_constant_i64(&m->kit, kit_shape(1, (int)wanted.rank), wanted.dim);
    y.id = kit_binary(&m->kit, OP_EXPAND, x->id, shape);
    keep(m, y);
}

static void add_arg_max(struct making *m)
{
    const struct value *x = any_value(m, ELEMENT_F32, true);
    if (x == NULL)
        return;
    struct value y = *x;
    int64_t axis = random_between(0, x->shape.rank - 1);
    y.type = ELEMENT_I64;
    y.bound = DIM_MAX * DIM_MAX;
    y.shape.dim[axis] = 1;
    y.id = kit_unary(&m->kit, one_in(2) ? OP_ARG_MAX : OP_ARG_MIN, x->id);
    kit_attribute_int(&m->kit, "axis", axis);
    kit_attribute_int(&m->kit, "keepdims", 1);
    keep(m, y);
}

/* Zeros, a stored number or a computed one around everything. */
static void add_pad(struct making *m)
{
    const struct value *x = any_value(m, ELEMENT_F32, false), *fill = NULL;
    if (x == NULL || count_of(&x->shape) > 9)
        return;
    struct value y = *x;
    int64_t pads[2 * RANK_MAX];
    for (unsigned d = 0; d < x->shape.rank; d++) {
        pads[d] = random_between(0, 1);
        pads[x->shape.rank + d] = random_between(0, 1);
        y.shape.dim[d] += pads[d] + pads[x->shape.rank + d];
    }
    uint32_t in[3] = {x->id, kit_constant_i64(&m->kit, kit_shape(1, 2 * (int)x->shape.rank), pads),
                      0};
    for (unsigned tries = 0; tries < 10 && fill == NULL; tries++) {
        fill = any_value(m, ELEMENT_F32, false);
        if (fill != NULL && count_of(&fill->shape) != 1)
            fill = NULL;
    }
    if (fill != NULL) {
        y.bound = fmax(y.bound, fill->bound);
        y.is_whole = y.is_whole && fill->is_whole;
        in[2] = kit_binary(&m->kit, OP_RESHAPE, fill->id,
                           kit_constant_i64(&m->kit, kit_shape(1, 0), NULL));
    }
    y.id = kit_node(&m->kit, OP_PAD, in, fill != NULL ? 3 : 2);
    keep(m, y);
}

static void add_slice(struct making *m)
{
    const struct value *x = any_value(m, any_number_type(), false);
    if (x == NULL)
        return;
    struct value y = *x;
    int64_t axis = random_between(0, x->shape.rank - 1), dim = x->shape.dim[axis],
            from = random_between(0, dim - 1), to = random_between(from + 1, dim);
    struct shape one = kit_shape(1, 1);
    uint32_t in[4] = {x->id, kit_constant_i64(&m->kit, one, &from),
                      kit_constant_i64(&m->kit, one, &to), kit_constant_i64(&m->kit, one, &axis)};
    y.shape.dim[axis] = to - from;
    y.id = kit_node(&m->kit, OP_SLICE, in, 4);
    keep(m, y);
}

/* Whole numbers by a stored divisor, or by one more than a computed square. */
static void add_division(struct making *m)
{
    const struct value *x = any_value(m, ELEMENT_I64, true), *d = any_value(m, ELEMENT_I64, true);
    if (x == NULL)
        return;
    struct value y = *x;
    int64_t number = random_between(1, 9), one = 1;
    uint32_t by = kit_constant_i64(&m->kit, kit_shape(1, 1), &number);
    struct shape both;
    if (d != NULL && d->bound <= 40 && one_in(2) && broadcast(&both, &x->shape, &d->shape)) {
        y.shape = both;
        by = kit_binary(&m->kit, OP_MUL, d->id, d->id);
        by = kit_binary(&m->kit, OP_ADD, by, kit_constant_i64(&m->kit, kit_shape(1, 1), &one));
    }
    y.id = kit_binary(&m->kit, one_in(2) ? OP_DIV : OP_MOD, x->id, by);
    y.bound = fmax(y.bound, 1601);
    keep(m, y);
}

static void add_clip(struct making *m)
{
    const struct value *x = any_value(m, ELEMENT_F32, false);
    if (x == NULL)
        return;
    struct value y = *x;
    uint32_t low = kit_parameter(&m->kit, "low", kit_shape(0), (const double[]){-3}),
             high = kit_parameter(&m->kit, "high", kit_shape(0), (const double[]){5});
    m->kit.graph->values[low].kind = one_in(2) ? VALUE_CONSTANT : VALUE_PARAMETER;
    y.id = kit_node(&m->kit, OP_CLIP, (const uint32_t[]){x->id, low, high}, 3);
    keep(m, y);
}

static void add_running_sum(struct making *m)
{
    const struct value *x = any_value(m, ELEMENT_F32, false);
    if (x == NULL)
        return;
    struct value y = *x;
    int64_t axis = random_between(0, x->shape.rank - 1);
    y.bound *= (double)x->shape.dim[axis];
    if (y.bound > BOUND_MAX)
        return;
    y.id = kit_binary(&m->kit, OP_CUM_SUM, x->id, kit_constant_i64(&m->kit, kit_shape(0), &axis));
    keep(m, y);
}

/* The largest, and the places of them. */
static void add_top(struct making *m)
{
    const struct value *x = any_value(m, ELEMENT_F32, true);
    if (x == NULL)
        return;
    struct value y = *x, places;
    int64_t axis = random_between(0, x->shape.rank - 1), k = random_between(1, x->shape.dim[axis]);
    uint32_t in[2] = {x->id, kit_constant_i64(&m->kit, kit_shape(1, 1), &k)},
             out[2] = {graph_add_value(m->kit.graph, "largest", VALUE_NODE, ELEMENT_UNDEFINED),
                       graph_add_value(m->kit.graph, "places", VALUE_NODE, ELEMENT_UNDEFINED)};
    graph_add_node(m->kit.graph, OP_TOP_K, "top", in, 2, out, 2);
    kit_attribute_int(&m->kit, "axis", axis);
    y.shape.dim[axis] = k;
    y.id = out[0];
    places = y;
    places.id = out[1];
    places.type = ELEMENT_I64;
    places.bound = DIM_MAX * DIM_MAX;
    keep(m, y);
    keep(m, places);
}

static void add_any(struct making *m)
{
    static void (*const list[])(struct making *) = {
        add_unary,     add_binary,    add_binary,      add_comparison, add_logic,  add_where,
        add_cast,      add_transpose, add_reshape,     add_concat,     add_matmul, add_matmul,
        add_reduction, add_gather,    add_expand,      add_arg_max,    add_pad,    add_slice,
        add_division,  add_clip,      add_running_sum, add_top};
    list[test_random_below(sizeof list / sizeof *list)](m);
}

/* ---- one graph ---- */

/* Inputs at the ends of their range, so that calibration has seen it. */
static const struct tensor **end_inputs(struct making *m)
{
    const struct tensor **list =
        arena_array(&m->kit.arena, const struct tensor *, m->input_count + 1);
    for (size_t i = 0; i < m->input_count; i++) {
        const struct graph_value *v = &m->kit.graph->values[m->input[i]];
        struct tensor *t = whole_numbers(m, v->type, v->shape, GIVEN_MAX);
        for (size_t e = 0; e < t->count; e++) {
            int64_t number = e % 2 == 0 ? GIVEN_MAX : -GIVEN_MAX;
            if (v->type == ELEMENT_F32)
                t->data.real[e] = (double)number;
            else
                t->data.integer[e] = v->type == ELEMENT_BOOL ? number > 0 : number;
        }
        list[i] = t;
    }
    return list;
}

static const struct tensor **any_inputs(struct making *m)
{
    const struct tensor **list =
        arena_array(&m->kit.arena, const struct tensor *, m->input_count + 1);
    for (size_t i = 0; i < m->input_count; i++) {
        const struct graph_value *v = &m->kit.graph->values[m->input[i]];
        list[i] = whole_numbers(m, v->type, v->shape, GIVEN_MAX);
    }
    return list;
}

/* The graph's own answer, before any pass has seen it. */
static struct tensor **own_outputs(struct making *m, const struct tensor *const *inputs)
{
    struct graph_values values;
    struct diag diag = {0};
    struct tensor **list = arena_array(&m->kit.arena, struct tensor *, 4);
    graph_values_init(&values, &m->kit.arena);
    REQUIRE_OK(graph_interpret(m->kit.graph, inputs, &values, &diag), &diag);
    for (size_t o = 0; o < m->kit.graph->output_count; o++)
        list[o] = values.item[m->kit.graph->outputs[o]];
    return list;
}

/* The passes may move what an operator gives by rounding, by no more. */
static void check_passes(struct making *m, const struct tensor *const *inputs,
                         struct tensor *const *expected)
{
    struct tensor **got = own_outputs(m, inputs);
    for (size_t o = 0; o < m->kit.graph->output_count; o++) {
        REQUIRE(got[o]->count == expected[o]->count && got[o]->type == expected[o]->type);
        for (size_t i = 0; i < got[o]->count; i++) {
            bool same = element_type_is_float(got[o]->type)
                            ? fabs(got[o]->data.real[i] - expected[o]->data.real[i]) <= 1e-4
                            : got[o]->data.integer[i] == expected[o]->data.integer[i];
            CHECK_MSG(same, "output %zu element %zu is another after the passes", o, i);
        }
    }
}

static void choose_outputs(struct making *m)
{
    size_t wanted = 1 + test_random_below(3), count = 0;
    for (size_t i = m->count; i-- > 0 && count < wanted;) {
        const struct graph_value *v = &m->kit.graph->values[m->values[i].id];
        if (v->kind == VALUE_NODE && (count == 0 || one_in(2))) {
            kit_output(&m->kit, m->values[i].id);
            count++;
        }
    }
}

enum outcome { NOTHING, REFUSED, DONE };

static enum outcome run_one(void)
{
    struct making m = {.count = 0};
    enum outcome outcome = NOTHING;
    kit_init(&m.kit);
    for (int64_t i = random_between(1, 3); i > 0; i--)
        add_given(&m, true);
    for (int64_t i = random_between(1, 3); i > 0; i--)
        add_given(&m, false);
    for (int64_t i = random_between(2, 14); i > 0; i--)
        add_any(&m);
    choose_outputs(&m);
    if (m.kit.graph->output_count > 0) {
        const struct tensor **inputs = any_inputs(&m);
        kit_set(&m.kit, end_inputs(&m));
        for (int k = 1; k < SETS; k++)
            kit_set(&m.kit, any_inputs(&m));
        struct tensor **expected = own_outputs(&m, inputs);
        enum status status =
            pipeline_run(&m.kit.result, m.kit.graph, &m.kit.options, &m.kit.arena, &m.kit.problems);
        CHECK_MSG(status == STATUS_OK || status == STATUS_UNSUPPORTED || status == STATUS_LIMIT,
                  "refused: %s", m.kit.problems.count > 0 ? m.kit.problems.item[0].text : "");
        outcome = status == STATUS_OK ? DONE : REFUSED;
        if (status == STATUS_OK) {
            check_passes(&m, inputs, expected);
            kit_compare(&m.kit, inputs, 1e-2, 1e-2);
        }
    }
    kit_release(&m.kit);
    return outcome;
}

TEST(random_graphs_leave_no_cell_free)
{
    const char *share = getenv("SERTN_TAMPER");
    bool many = share != NULL && strcmp(share, "many") == 0;
    time_t until = time(NULL) + (many ? 600 : 2);
    size_t count[3] = {0};
    while (time(NULL) < until || count[DONE] < DONE_LEAST)
        count[run_one()]++;
    CHECK_MSG(count[REFUSED] * 5 < count[DONE], "%zu done, %zu refused", count[DONE],
              count[REFUSED]);
}
