/*
 * Import rules of the random operators. ONNX leaves their generator open; here it is that of
 * ir/random_bits.h under a public seed. A node that has a `seed` attribute draws stream 0 under its
 * float32 pattern (Dropout: its integer); the k-th other node, from 1 in the order of import, draws
 * stream k under the seed of --seed, 0 when none is given. A node in the body of a loop draws the
 * same numbers in each turn.
 *
 *   uniform  u = number / 2^24, in [0, 1)
 *   RandomUniform   low + (high - low) u
 *   RandomNormal    mean + scale sqrt(-2 log(1 - u)) cos(2 pi v), v the uniform numbers after all u
 *   Bernoulli       u < p
 *   Multinomial     how many of all but the last class have a cumulative probability of at most u
 */
#include <math.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* The integer that a float32 is stored as. */
static int64_t float_bits(double value)
{
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    return bits;
}

/* The attribute as a number of 32 bits: Dropout's is an integer, that of the others a float. */
static int64_t own_seed(struct import_node *n)
{
    return strcmp(n->proto->op_type, "Dropout") == 0 ? attr_int(n, "seed", 0) & UINT32_MAX
                                                     : float_bits(attr_float(n, "seed", 0));
}

/* The input that --seed names, seen from the node. */
static uint32_t seed_input(struct import_node *n, const char *name)
{
    struct binding binding = scope_lookup(n->importer, n->scope, name);
    if (binding.kind == BINDING_BROKEN)
        rule_break(n);
    if (binding.kind != BINDING_VALUE) {
        rule_fail(n, STATUS_UNSUPPORTED,
                  "--seed names '%s', which this node cannot see as a tensor; name an input of the "
                  "model of one integer, or give a number",
                  name);
        return GRAPH_NONE;
    }
    return binding.value;
}

/* [count] whole numbers of 24 bits. */
static uint32_t random_numbers(struct import_node *n, int64_t count)
{
    struct importer *importer = n->importer;
    bool has_own = has_attr(n, "seed");
    const char *name = importer->options->seed_input;
    uint32_t seed = has_own        ? constant_int(n, own_seed(n))
                    : name != NULL ? seed_input(n, name)
                                   : constant_int(n, importer->options->seed);
    stage_int(n, "count", count);
    stage_int(n, "stream", has_own ? 0 : ++importer->random_streams);
    rule_note(n,
              "its random numbers follow from a public seed, the same in every proof%s; see sertnc "
              "--seed",
              has_own || name == NULL ? "" : " with the same seed");
    return emit1(n, OP_RANDOM_BITS, seed);
}

/* [count] numbers in [0, 1). */
static uint32_t uniform(struct import_node *n, int64_t count)
{
    uint32_t number = cast_to(n, random_numbers(n, count), ELEMENT_F32);
    return emit2(n, OP_MUL, number, constant_real(n, ELEMENT_F32, 0x1p-24));
}

/* a x + b */
static uint32_t affine(struct import_node *n, double a, uint32_t x, double b)
{
    if (a != 1)
        x = emit2(n, OP_MUL, x, constant_real(n, ELEMENT_F32, a));
    return b == 0 ? x : emit2(n, OP_ADD, x, constant_real(n, ELEMENT_F32, b));
}

/* [count] numbers of the standard normal distribution. */
static uint32_t normal(struct import_node *n, int64_t count)
{
    uint32_t both = uniform(n, 2 * count), u = slice_along(n, both, 0, 0, count),
             v = slice_along(n, both, 0, count, 2 * count);
    uint32_t radius = emit1(n, OP_SQRT, affine(n, -2, emit1(n, OP_LOG, affine(n, -1, u, 1)), 0));
    return emit2(n, OP_MUL, radius, emit1(n, OP_COS, affine(n, 6.283185307179586, v, 0)));
}

static int64_t elements_of(struct import_node *n, const struct shape *shape)
{
    size_t count = 0;
    if (!shape_count(shape, (size_t)1 << 31, &count))
        rule_fail(n, STATUS_LIMIT, "more than 2^31 random numbers");
    return (int64_t)count;
}

/* The shape attribute, or the shape of operand 0. */
static bool result_shape(struct import_node *n, struct shape *shape)
{
    if (n->in_count > 0) {
        const struct shape *like = value_shape(n, required(n, 0));
        if (like != NULL)
            *shape = *like;
        return like != NULL;
    }
    size_t rank;
    const int64_t *dims = attr_ints(n, "shape", &rank);
    if (dims == NULL || rank > TENSOR_RANK_MAX) {
        rule_fail(n, STATUS_BAD_INPUT, "the attribute shape is missing or has more than %d axes",
                  TENSOR_RANK_MAX);
        return false;
    }
    shape->rank = (uint8_t)rank;
    for (size_t d = 0; d < rank; d++) {
        shape->dim[d] = dims[d];
        if (dims[d] < 0)
            rule_fail(n, STATUS_BAD_INPUT, "the attribute shape has a negative size");
    }
    return n->status == STATUS_OK;
}

/* x [count] in the shape and type of the result. */
static void give(struct import_node *n, uint32_t x, const struct shape *shape,
                 enum element_type type)
{
    set_output(n, 0, cast_to(n, reshape_to(n, x, shape->dim, shape->rank), type));
}

/* Type of the result: dtype, else that of operand 0, else float32. */
static enum element_type result_type(struct import_node *n)
{
    enum element_type like = n->in_count > 0 ? value_type(n, required(n, 0)) : ELEMENT_F32;
    enum element_type type = (enum element_type)attr_int(n, "dtype", like);
    if (!element_type_is_float(type))
        rule_fail(n, STATUS_UNSUPPORTED, "random numbers are floats; dtype is %d", (int)type);
    return type;
}

/* RandomUniform, RandomUniformLike */
void import_random_uniform(struct import_node *n)
{
    struct shape shape = {0};
    enum element_type type = result_type(n);
    double low = attr_float(n, "low", 0), high = attr_float(n, "high", 1);
    if (!result_shape(n, &shape))
        return;
    give(n, affine(n, high - low, uniform(n, elements_of(n, &shape)), low), &shape, type);
}

/* RandomNormal, RandomNormalLike */
void import_random_normal(struct import_node *n)
{
    struct shape shape = {0};
    enum element_type type = result_type(n);
    if (!result_shape(n, &shape))
        return;
    give(n,
         affine(n, attr_float(n, "scale", 1), normal(n, elements_of(n, &shape)),
                attr_float(n, "mean", 0)),
         &shape, type);
}

/* Bernoulli */
void import_bernoulli(struct import_node *n)
{
    struct shape shape = {0};
    uint32_t p = required(n, 0);
    enum element_type type = (enum element_type)attr_int(n, "dtype", value_type(n, p));
    if (!result_shape(n, &shape))
        return;
    uint32_t u = reshape_to(n, uniform(n, elements_of(n, &shape)), shape.dim, shape.rank);
    p = cast_to(n, p, ELEMENT_F32);
    set_output(n, 0, cast_to(n, emit2(n, OP_LESS, u, p), type));
}

/* Multinomial: rows of logarithms of weights, sample_size draws of each. */
void import_multinomial(struct import_node *n)
{
    uint32_t x = required(n, 0);
    int64_t size = attr_int(n, "sample_size", 1);
    const struct shape *shape = value_shape(n, x);
    if (shape == NULL || shape->rank != 2 || shape->dim[1] < 1 || size < 1) {
        rule_fail(n, STATUS_BAD_INPUT,
                  "the input has to be [batch, classes], and sample_size at least 1");
        return;
    }
    int64_t rows = shape->dim[0], classes = shape->dim[1], u_dims[3] = {rows, size, 1}, draws;
    if (__builtin_mul_overflow(rows, size, &draws)) {
        rule_fail(n, STATUS_LIMIT, "%lld draws of each row are too many", (long long)size);
        return;
    }
    enum element_type type = (enum element_type)attr_int(n, "dtype", ELEMENT_I32);
    uint32_t u = reshape_to(n, uniform(n, draws), u_dims, 3);
    stage_int(n, "axis", 1);
    uint32_t p = emit1(n, OP_SOFTMAX, cast_to(n, x, ELEMENT_F32));
    uint32_t sums = emit2(n, OP_CUM_SUM, p, constant_int(n, 1));
    sums = unsqueeze_at(n, slice_along(n, sums, 1, 0, classes - 1), 1);
    uint32_t passed = cast_to(n, emit2(n, OP_LESS_OR_EQUAL, sums, u), type);
    stage_int(n, "keepdims", 0);
    set_output(n, 0, emit2(n, OP_REDUCE_SUM, passed, constant_ints(n, (int64_t[]){2}, 1)));
}

uint32_t import_random_mask(struct import_node *n, uint32_t x, uint32_t ratio)
{
    const struct shape *shape = value_shape(n, x);
    if (shape == NULL)
        return GRAPH_NONE;
    uint32_t u = reshape_to(n, uniform(n, elements_of(n, shape)), shape->dim, shape->rank);
    return emit2(n, OP_GREATER_OR_EQUAL, u, cast_to(n, ratio, ELEMENT_F32));
}
