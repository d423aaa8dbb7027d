/*
 * Import rules of arithmetic: elementwise operators, linear algebra, pooling, reductions,
 * normalisation. The name of the operator stands above each rule; the meaning is that of
 * https://onnx.ai/onnx/operators, older versions as that page lists them.
 */
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* Operands, checked against the canonical arity; NULL after a failure. */
static uint32_t *plain_operands(struct import_node *n, size_t *count)
{
    const struct op_info *info = op_info(n->rule->kind);
    if (n->in_count < info->min_inputs || n->in_count > info->max_inputs) {
        if (info->min_inputs == info->max_inputs)
            rule_fail(n, STATUS_BAD_INPUT, "%zu inputs, but it takes %u", n->in_count,
                      info->min_inputs);
        rule_fail(n, STATUS_BAD_INPUT, "%zu inputs, but it takes %u to %u", n->in_count,
                  info->min_inputs, info->max_inputs);
        return NULL;
    }
    uint32_t *in = arena_array(n->importer->arena, uint32_t, n->in_count);
    if (in == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    for (size_t i = 0; i < n->in_count; i++)
        in[i] = i < info->min_inputs && n->rule->kind != OP_LOOP ? required(n, i) : operand(n, i);
    *count = n->in_count;
    return n->status == STATUS_OK ? in : NULL;
}

/* Emits the rule's operator with the staged attributes, and gives the node's outputs. */
void emit_plain(struct import_node *n, const uint32_t *in, size_t in_count)
{
    const struct op_info *info = op_info(n->rule->kind);
    size_t count = n->out_count < info->min_outputs ? info->min_outputs : n->out_count;
    if (n->out_count > info->max_outputs) {
        rule_fail(n, STATUS_UNSUPPORTED, "%zu outputs, but at most %u are supported", n->out_count,
                  info->max_outputs);
        return;
    }
    uint32_t *out = arena_array(n->importer->arena, uint32_t, count);
    if (out == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = i < info->min_outputs || output_wanted(n, i) ? 0 : GRAPH_NONE;
    emit_outputs(n, n->rule->kind, in, in_count, out, count);
    for (size_t i = 0; i < n->out_count; i++)
        set_output(n, i, out[i]);
}

/* Any operator whose form has not changed, or has only grown optional parts. */
void import_plain(struct import_node *n)
{
    size_t count = 0;
    uint32_t *in = plain_operands(n, &count);
    if (in == NULL)
        return;
    stage_attributes(n);
    emit_plain(n, in, count);
}

/* Identity */
void import_identity(struct import_node *n)
{
    if (n->in_count != 1)
        rule_fail(n, STATUS_BAD_INPUT, "%zu inputs, but it takes 1", n->in_count);
    else
        set_output_binding(n, 0, &n->in[0]);
}

/* Whether the ratio of a Dropout in training mode is known to be 0: it drops nothing, and scales by
 * 1. */
static bool drops_nothing(struct import_node *n)
{
    uint32_t value = operand(n, 1);
    const struct tensor *ratio = value_known(n, value);
    if (value != GRAPH_NONE && ratio == NULL)
        want_known(n, value);
    return ratio != NULL && ratio->count == 1 && element_type_is_float(ratio->type) &&
           ratio->data.real[0] == 0;
}

/* Training mode: what a draw of at least `ratio` keeps, divided by 1 - ratio. */
static void drop_at_random(struct import_node *n, uint32_t x)
{
    uint32_t ratio = operand(n, 1);
    enum element_type type = value_type(n, x);
    if (ratio == GRAPH_NONE)
        ratio = constant_real(n, ELEMENT_F32, 0.5);
    ratio = cast_to(n, ratio, ELEMENT_F32);
    uint32_t kept = import_random_mask(n, x, ratio),
             share = emit2(n, OP_SUB, constant_real(n, ELEMENT_F32, 1), ratio);
    uint32_t scaled = emit2(n, OP_DIV, cast_to(n, kept, ELEMENT_F32), share);
    set_output(n, 0, emit2(n, OP_MUL, x, cast_to(n, scaled, type)));
    if (output_wanted(n, 1))
        set_output(n, 1, kept);
}

/* Dropout: identity at inference; the mask says that everything was kept. */
void import_dropout(struct import_node *n)
{
    uint32_t x = required(n, 0), training = operand(n, 2);
    if (n->status != STATUS_OK)
        return;
    if (training != GRAPH_NONE) {
        const struct tensor *flag = value_known(n, training);
        if (flag == NULL)
            want_known(n, training);
        if (flag == NULL || flag->count != 1) {
            rule_fail(n, STATUS_UNSUPPORTED,
                      "whether it trains has to be known; give training_mode with --bind");
            return;
        }
        if (flag->data.integer[0] != 0 && !drops_nothing(n)) {
            drop_at_random(n, x);
            return;
        }
    }
    set_output_binding(n, 0, &n->in[0]);
    if (!output_wanted(n, 1))
        return;
    struct tensor *kept =
        tensor_new(n->importer->arena, n->version < 10 ? value_type(n, x) : ELEMENT_BOOL,
                   &(struct shape){1, {1}});
    if (kept == NULL) {
        rule_out_of_memory(n);
        return;
    }
    if (element_type_is_float(kept->type))
        kept->data.real[0] = 1;
    else
        kept->data.integer[0] = 1;
    uint32_t shape = emit1(n, OP_SHAPE, x);
    stage_tensor(n, "value", kept);
    set_output(n, 1, emit1(n, OP_CONSTANT_OF_SHAPE, shape));
}

/* --- Cast --- */

/* Strings that are constant become numbers, and numbers strings, at once. */
static void cast_known_text(struct import_node *n, uint32_t x, enum element_type to)
{
    const struct tensor *known = value_known(n, x);
    struct diag diag;
    struct tensor *result = NULL;
    if (known == NULL) {
        rule_fail(n, STATUS_UNSUPPORTED, "strings that are not constant cannot be cast");
        return;
    }
    enum status status = text_tensor_cast(
        &result, n->importer, known,
        text_pool_of(n->importer, n->unit->graph->values[x].text_table), to, &diag);
    if (status != STATUS_OK)
        rule_fail(n, status, "%s", diag.text);
    set_output(n, 0, stored_tensor(n, result));
}

static void cast_value(struct import_node *n, uint32_t x, int64_t to)
{
    enum element_type type = (enum element_type)to;
    bool from_text = value_is_text(n, x), to_text = type == ELEMENT_STRING;
    if (n->status == STATUS_OK &&
        (to <= 0 || to > ELEMENT_I2 || (element_type_bits(type) == 0 && !to_text)))
        rule_fail(n, STATUS_UNSUPPORTED, "a cast to element type %lld", (long long)to);
    if (n->status != STATUS_OK)
        return;
    if (from_text && to_text) {
        set_output_binding(n, 0, &n->in[0]);
    } else if (from_text || to_text) {
        n->staged_count = 0;
        cast_known_text(n, x, type);
    } else {
        stage_int(n, "to", to);
        set_output(n, 0, emit1(n, OP_CAST, x));
    }
}

/* Cast since opset 6; files of its first days still spell the type out. */
void import_cast(struct import_node *n)
{
    if (attr_is_text(n, "to")) {
        import_cast_text(n);
        return;
    }
    uint32_t x = required(n, 0);
    if (!has_attr(n, "to"))
        rule_fail(n, STATUS_BAD_INPUT, "attribute 'to' is missing");
    stage_attributes(n);
    cast_value(n, x, attr_int(n, "to", 0));
}

/* CastLike: the target's type is known once the graph is. */
void import_cast_like(struct import_node *n)
{
    uint32_t x = required(n, 0), like = required(n, 1);
    stage_attributes(n);
    cast_value(n, x, value_is_text(n, like) ? ELEMENT_STRING : (int64_t)value_type(n, like));
}

/* Cast of opset 1: the type is spelled out. */
void import_cast_text(struct import_node *n)
{
    static const struct {
        const char *name;
        enum element_type type;
    } names[] = {{"FLOAT", ELEMENT_F32},   {"UINT8", ELEMENT_U8},      {"INT8", ELEMENT_I8},
                 {"UINT16", ELEMENT_U16},  {"INT16", ELEMENT_I16},     {"INT32", ELEMENT_I32},
                 {"INT64", ELEMENT_I64},   {"STRING", ELEMENT_STRING}, {"BOOL", ELEMENT_BOOL},
                 {"FLOAT16", ELEMENT_F16}, {"DOUBLE", ELEMENT_F64},    {"UINT32", ELEMENT_U32},
                 {"UINT64", ELEMENT_U64}};
    uint32_t x = required(n, 0);
    const char *to = attr_text(n, "to", "");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(to, names[i].name) == 0) {
            cast_value(n, x, names[i].type);
            return;
        }
    }
    rule_fail(n, STATUS_BAD_INPUT, "a cast to '%s'", to);
}

/* --- elementwise --- */

/* Gives a second operand of opset 1 to 6 the axes numpy would: its first axis stands at `axis` of
 * the first operand. */
static uint32_t align_operand(struct import_node *n, uint32_t a, uint32_t b, int64_t axis)
{
    const struct shape *x = value_shape(n, a), *y = value_shape(n, b);
    if (x == NULL || y == NULL)
        return GRAPH_NONE;
    if (axis < 0)
        axis += x->rank;
    if (axis < 0 || axis > (int64_t)x->rank - y->rank) {
        rule_fail(n, STATUS_BAD_INPUT, "axis %lld does not fit the operands", (long long)axis);
        return GRAPH_NONE;
    }
    int64_t dims[TENSOR_RANK_MAX];
    size_t count = (size_t)(x->rank - axis);
    for (size_t i = 0; i < count; i++)
        dims[i] = i < y->rank ? y->dim[i] : 1;
    return count == y->rank ? b : reshape_to(n, b, dims, count);
}

/* Add Sub Mul Div Pow And Or Xor Equal Greater Less, opset 1 to 6 */
void import_broadcast(struct import_node *n)
{
    uint32_t a = required(n, 0), b = required(n, 1);
    if (attr_int(n, "broadcast", 0) != 0 && has_attr(n, "axis"))
        b = align_operand(n, a, b, attr_int(n, "axis", 0));
    set_output(n, 0, emit2(n, n->rule->kind, a, b));
}

/* PRelu, opset 1 to 6: a list of slopes is one a channel. */
void import_prelu_1(struct import_node *n)
{
    uint32_t x = required(n, 0), slope = required(n, 1);
    const struct shape *a = value_shape(n, x), *s = value_shape(n, slope);
    if (a != NULL && s != NULL && s->rank == 1 && s->dim[0] != 1 && a->rank > 2)
        slope = align_operand(n, x, slope, 1);
    set_output(n, 0, emit2(n, OP_PRELU, x, slope));
}

/* Selu, opset 1: other constants than since 6. */
void import_selu_1(struct import_node *n)
{
    stage_float(n, "alpha", attr_float(n, "alpha", 1.6732));
    stage_float(n, "gamma", attr_float(n, "gamma", 1.0507));
    uint32_t x = operand(n, 0);
    set_output(n, 0, emit1(n, OP_SELU, x));
}

/* HardSwish: x HardSigmoid(x) with alpha 1/6, beta 1/2 */
void import_hard_swish(struct import_node *n)
{
    uint32_t x = required(n, 0);
    stage_float(n, "alpha", 1.0 / 6);
    stage_float(n, "beta", 0.5);
    uint32_t gate = emit1(n, OP_HARD_SIGMOID, x);
    set_output(n, 0, emit2(n, OP_MUL, x, gate));
}

/* Mean: the sum over the number of operands */
void import_mean(struct import_node *n)
{
    size_t count = 0;
    uint32_t *in = plain_operands(n, &count);
    if (in == NULL)
        return;
    uint32_t sum = emit_list(n, OP_SUM, in, count);
    uint32_t divisor = constant_real(n, value_type(n, sum), (double)count);
    set_output(n, 0, emit2(n, OP_DIV, sum, divisor));
}

/* Clip, opset 1 to 10: bounds are attributes. */
void import_clip_1(struct import_node *n)
{
    uint32_t x = required(n, 0);
    enum element_type type = value_type(n, x);
    uint32_t low =
        has_attr(n, "min") ? constant_real(n, type, attr_float(n, "min", 0)) : GRAPH_NONE;
    uint32_t high =
        has_attr(n, "max") ? constant_real(n, type, attr_float(n, "max", 0)) : GRAPH_NONE;
    set_output(n, 0, emit3(n, OP_CLIP, x, low, high));
}

/* --- linear algebra, pooling --- */

/* Gemm, opset 1 to 6: as later, its third operand required. */
void import_gemm_1(struct import_node *n)
{
    uint32_t a = required(n, 0), b = required(n, 1), c = operand(n, 2);
    stage_attributes_except(n, "broadcast");
    set_output(n, 0, emit3(n, OP_GEMM, a, b, c));
}

/* Mean of a [N, C, ...] for every channel. */
static uint32_t channel_mean(struct import_node *n, uint32_t x, unsigned rank)
{
    int64_t axes[TENSOR_RANK_MAX];
    size_t count = 0;
    for (unsigned d = 0; d < rank; d++)
        if (d != 1)
            axes[count++] = d;
    uint32_t list = constant_ints(n, axes, count);
    stage_int(n, "keepdims", 0);
    return emit2(n, OP_REDUCE_MEAN, x, list);
}

/* momentum old + (1 - momentum) fresh */
static uint32_t running(struct import_node *n, uint32_t old, uint32_t fresh)
{
    enum element_type type = value_type(n, fresh);
    double momentum = attr_float(n, "momentum", (double)0.9f);
    uint32_t kept = emit2(n, OP_MUL, cast_to(n, old, type), constant_real(n, type, momentum));
    uint32_t added = emit2(n, OP_MUL, fresh, constant_real(n, type, 1 - momentum));
    return emit2(n, OP_ADD, kept, added);
}

/* Statistics of the batch itself; in[3], in[4] become them. Outputs 1 to 4: running mean and
 * variance, those of the batch. */
static void batch_statistics(struct import_node *n, uint32_t in[5])
{
    const struct shape *shape = value_shape(n, in[0]);
    if (shape == NULL || shape->rank < 2)
        rule_fail(n, STATUS_UNSUPPORTED, "training mode on an operand of unknown rank");
    if (n->status != STATUS_OK)
        return;
    unsigned rank = shape->rank;
    uint32_t mean = channel_mean(n, in[0], rank), beside = mean;
    for (unsigned d = 2; d < rank; d++)
        beside = unsqueeze_at(n, beside, 1);
    uint32_t centred = emit2(n, OP_SUB, in[0], beside);
    uint32_t variance = channel_mean(n, emit2(n, OP_MUL, centred, centred), rank);
    if (n->out_count > 1)
        set_output(n, 1, running(n, in[3], mean));
    if (n->out_count > 2)
        set_output(n, 2, running(n, in[4], variance));
    if (n->out_count > 3)
        set_output(n, 3, mean);
    if (n->out_count > 4)
        set_output(n, 4, variance);
    in[3] = mean;
    in[4] = variance;
}

/*
 * BatchNormalization with spatial = 0, opset 1 to 8: statistics for every position, over the batch
 * alone, so that scale, bias, mean and variance have the shape of one element of the batch.
 */
static void normalize_positions(struct import_node *n, const uint32_t in[5])
{
    enum element_type type = value_type(n, in[0]);
    const struct shape *shape = value_shape(n, in[0]);
    for (size_t i = 1; i < 5 && shape != NULL; i++) {
        const struct shape *own = value_shape(n, in[i]);
        bool fits = own != NULL && shape->rank == own->rank + 1u &&
                    memcmp(own->dim, shape->dim + 1, own->rank * sizeof *own->dim) == 0;
        if (!fits)
            rule_fail(n, STATUS_BAD_INPUT,
                      "with spatial = 0 input %zu has the shape of one element of the batch", i);
    }
    uint32_t epsilon = constant_real(n, type, attr_float(n, "epsilon", 1e-5));
    uint32_t deviation = emit1(n, OP_SQRT, emit2(n, OP_ADD, in[4], epsilon));
    uint32_t centred = emit2(n, OP_SUB, in[0], in[3]);
    uint32_t scaled = emit2(n, OP_MUL, emit2(n, OP_DIV, centred, deviation), in[1]);
    set_output(n, 0, emit2(n, OP_ADD, scaled, in[2]));
}

/* BatchNormalization: before opset 14 more than one output means training. */
void import_batch_normalization(struct import_node *n)
{
    uint32_t in[5];
    for (size_t i = 0; i < 5; i++)
        in[i] = required(n, i);
    bool is_training = attr_int(n, "training_mode", 0) != 0 ||
                       (n->version < 14 && attr_int(n, "is_test", 0) == 0 && n->out_count > 1);
    bool is_spatial = attr_int(n, "spatial", 1) != 0;
    if (!is_spatial && is_training)
        rule_fail(n, STATUS_UNSUPPORTED, "spatial = 0 in training");
    if (!is_training && n->out_count > 1)
        rule_fail(n, STATUS_BAD_INPUT, "inference has one output, not %zu", n->out_count);
    if (!is_spatial && n->status == STATUS_OK) {
        normalize_positions(n, in);
        return;
    }
    if (is_training && n->status == STATUS_OK)
        batch_statistics(n, in);
    stage_float(n, "epsilon", attr_float(n, "epsilon", 1e-5));
    set_output(n, 0, emit_list(n, OP_BATCH_NORMALIZATION, in, 5));
}

/* ConvTranspose: output_shape is that of the spatial axes; old files give it with batch and
 * channels before them. */
void import_conv_transpose(struct import_node *n)
{
    uint32_t in[3] = {required(n, 0), required(n, 1), operand(n, 2)};
    size_t count;
    const int64_t *sizes = attr_ints(n, "output_shape", &count);
    const struct shape *shape = sizes == NULL ? NULL : value_shape(n, in[0]);
    if (shape == NULL || count != shape->rank || count < 3) {
        stage_attributes(n);
    } else {
        const struct shape *kernel = value_shape(n, in[1]);
        int64_t channels = sizes[1];
        if (kernel != NULL && kernel->rank >= 2 &&
            __builtin_mul_overflow(kernel->dim[1], attr_int(n, "group", 1), &channels))
            rule_fail(n, STATUS_BAD_INPUT, "%lld groups are too many",
                      (long long)attr_int(n, "group", 1));
        else if (sizes[0] != shape->dim[0] || sizes[1] != channels)
            rule_fail(n, STATUS_BAD_INPUT,
                      "output_shape says a batch of %lld and %lld channels, where there are %lld "
                      "and %lld",
                      (long long)sizes[0], (long long)sizes[1], (long long)shape->dim[0],
                      (long long)channels);
        stage_attributes_except(n, "output_shape");
        stage_ints(n, "output_shape", sizes + 2, count - 2);
    }
    set_output(n, 0, emit_list(n, OP_CONV_TRANSPOSE, in, 3));
}

/* LpPool and GlobalLpPool of opset 1: p is a float. */
void import_lp_pool_1(struct import_node *n)
{
    double p = attr_float(n, "p", 2);
    if (p != 1 && p != 2 && p != 3 && p != 4) {
        rule_fail(n, STATUS_UNSUPPORTED, "p = %g", p);
        return;
    }
    uint32_t x = required(n, 0);
    stage_attributes_except(n, "p");
    stage_int(n, "p", (int64_t)p);
    set_output(n, 0, emit1(n, n->rule->kind, x));
}

/* DFT, opset 17 to 19: the axis is an attribute. */
void import_dft_17(struct import_node *n)
{
    uint32_t x = required(n, 0), length = operand(n, 1);
    uint32_t axis = constant_int(n, attr_int(n, "axis", 1));
    stage_attributes_except(n, "axis");
    set_output(n, 0, emit3(n, OP_DFT, x, length, axis));
}

/* --- reductions --- */

/* The reduction `op` of x along the node's axes, be they attribute or input. */
static uint32_t reduce(struct import_node *n, enum op_kind op, uint32_t x)
{
    uint32_t axes = operand(n, 1);
    size_t count;
    const int64_t *list = attr_ints(n, "axes", &count);
    if (axes == GRAPH_NONE && count != 0)
        axes = constant_ints(n, list, count);
    stage_attributes_except(n, "axes");
    return emit2(n, op, x, axes);
}

/* ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceSumSquare ReduceLogSumExp */
void import_reduce(struct import_node *n)
{
    set_output(n, 0, reduce(n, n->rule->kind, required(n, 0)));
}

/* ReduceL1 */
void import_reduce_l1(struct import_node *n)
{
    uint32_t magnitude = emit1(n, OP_ABS, required(n, 0));
    set_output(n, 0, reduce(n, OP_REDUCE_SUM, magnitude));
}

/* ReduceL2 */
void import_reduce_l2(struct import_node *n)
{
    uint32_t squares = reduce(n, OP_REDUCE_SUM_SQUARE, required(n, 0));
    set_output(n, 0, emit1(n, OP_SQRT, squares));
}

/* ReduceLogSum */
void import_reduce_log_sum(struct import_node *n)
{
    uint32_t sum = reduce(n, OP_REDUCE_SUM, required(n, 0));
    set_output(n, 0, emit1(n, OP_LOG, sum));
}

static void top_k(struct import_node *n, uint32_t x, uint32_t k)
{
    uint32_t out[2] = {0, 0};
    emit_outputs(n, OP_TOP_K, (uint32_t[]){x, k}, 2, out, 2);
    set_output(n, 0, out[0]);
    set_output(n, 1, out[1]);
}

/* TopK, opset 1: k is an attribute. */
void import_top_k_1(struct import_node *n)
{
    uint32_t x = required(n, 0);
    int64_t count = attr_int(n, "k", 0);
    uint32_t k = constant_ints(n, &count, 1);
    stage_attributes_except(n, "k");
    top_k(n, x, k);
}

/* TopK since opset 10 */
void import_top_k(struct import_node *n)
{
    uint32_t x = required(n, 0), k = required(n, 1);
    stage_attributes(n);
    top_k(n, x, k);
}

/* --- normalisation --- */

/* Softmax LogSoftmax Hardmax, opset 1 to 12: over all axes from `axis` on, by default 1. */
void import_softmax_1(struct import_node *n)
{
    uint32_t x = required(n, 0);
    stage_int(n, "axis", attr_int(n, "axis", 1));
    stage_int(n, "flatten", 1);
    set_output(n, 0, emit1(n, n->rule->kind, x));
}

/* x / norm, and x where the norm is 0. */
static uint32_t divide_by_norm(struct import_node *n, uint32_t x, uint32_t norm)
{
    enum element_type type = value_type(n, x);
    uint32_t zero = constant_real(n, type, 0), one = constant_real(n, type, 1);
    uint32_t is_zero = emit2(n, OP_EQUAL, norm, zero);
    uint32_t divisor = emit3(n, OP_WHERE, is_zero, one, norm);
    return emit2(n, OP_DIV, x, divisor);
}

/* |x| in the norm p along one axis, which stays. */
static uint32_t norm_along(struct import_node *n, uint32_t x, int64_t axis, int64_t p)
{
    uint32_t axes = constant_ints(n, &axis, 1);
    if (p == 1) {
        uint32_t magnitude = emit1(n, OP_ABS, x);
        stage_int(n, "keepdims", 1);
        return emit2(n, OP_REDUCE_SUM, magnitude, axes);
    }
    stage_int(n, "keepdims", 1);
    return emit1(n, OP_SQRT, emit2(n, OP_REDUCE_SUM_SQUARE, x, axes));
}

/* LpNormalization */
void import_lp_normalization(struct import_node *n)
{
    uint32_t x = required(n, 0);
    int64_t p = attr_int(n, "p", 2);
    if (p != 1 && p != 2)
        rule_fail(n, STATUS_BAD_INPUT, "p = %lld, where 1 or 2 is expected", (long long)p);
    uint32_t norm = norm_along(n, x, attr_int(n, "axis", -1), p);
    set_output(n, 0, divide_by_norm(n, x, norm));
}

/*
 * Normalizer of ai.onnx.ml: along the last axis, by the sum of magnitudes, their root of squares,
 * or the largest element. Runtimes differ on MAX of negative elements; here, as in onnxruntime, it
 * is the largest element itself.
 */
void import_normalizer(struct import_node *n)
{
    uint32_t x = cast_to(n, required(n, 0), ELEMENT_F32);
    const char *norm = attr_text(n, "norm", "MAX");
    int64_t last = -1;
    uint32_t divisor = GRAPH_NONE;
    if (strcmp(norm, "L1") == 0 || strcmp(norm, "L2") == 0) {
        divisor = norm_along(n, x, -1, norm[1] == '1' ? 1 : 2);
    } else if (strcmp(norm, "MAX") == 0) {
        uint32_t axes = constant_ints(n, &last, 1);
        divisor = emit2(n, OP_REDUCE_MAX, x, axes);
    } else {
        rule_fail(n, STATUS_BAD_INPUT, "norm '%s', where MAX, L1 or L2 is expected", norm);
    }
    set_output(n, 0, divide_by_norm(n, x, divisor));
}

/* MeanVarianceNormalization: (x - mean) / (sqrt(mean of squares about the mean) + 1e-9) */
void import_mean_variance(struct import_node *n)
{
    static const int64_t standard[] = {0, 2, 3};
    uint32_t x = required(n, 0);
    size_t count;
    const int64_t *list = attr_ints(n, "axes", &count);
    uint32_t axes = list == NULL ? constant_ints(n, standard, 3) : constant_ints(n, list, count);
    uint32_t mean = emit2(n, OP_REDUCE_MEAN, x, axes);
    uint32_t centred = emit2(n, OP_SUB, x, mean);
    uint32_t variance = emit2(n, OP_REDUCE_MEAN, emit2(n, OP_MUL, centred, centred), axes);
    uint32_t small = constant_real(n, value_type(n, x), 1e-9);
    uint32_t deviation = emit2(n, OP_ADD, emit1(n, OP_SQRT, variance), small);
    set_output(n, 0, emit2(n, OP_DIV, centred, deviation));
}

/* GroupNormalization, opset 18 to 20: scale and bias are one a group; they are repeated for each
 * channel. */
void import_group_18(struct import_node *n)
{
    uint32_t x = required(n, 0);
    const struct shape *shape = value_shape(n, x);
    int64_t groups = attr_int(n, "num_groups", 0);
    if (shape != NULL && (shape->rank < 2 || groups <= 0 || shape->dim[1] % groups != 0))
        rule_fail(n, STATUS_BAD_INPUT, "%lld groups do not divide the channels", (long long)groups);
    if (n->status != STATUS_OK)
        return;
    int64_t spread[2] = {groups, shape->dim[1] / groups}, channels = shape->dim[1];
    uint32_t operands[3] = {x, GRAPH_NONE, GRAPH_NONE};
    for (size_t i = 1; i < 3; i++) {
        uint32_t column = unsqueeze_at(n, required(n, i), 1);
        uint32_t sizes = constant_ints(n, spread, 2);
        operands[i] = reshape_to(n, emit2(n, OP_EXPAND, column, sizes), &channels, 1);
    }
    stage_attributes(n);
    set_output(n, 0, emit_list(n, OP_GROUP_NORMALIZATION, operands, 3));
}
