/*
 * Every operator on operands and attributes drawn at random, most of which break its rules: it
 * computes or says why not, and never does more than that (the checked build watches memory and
 * overflow).
 */
#include "ir/graph_infer.h"
#include "ir/graph_interpret.h"
#include "ir/ops.h"
#include "tests/harness/harness.h"

#include <math.h>
#include <string.h>

enum { OPERANDS_MAX = 9, ATTRIBUTES_MAX = 6, ROUNDS = 200 };

static const char *const int_names[] = {
    "axis",
    "keepdims",
    "noop_with_empty_axes",
    "select_last_index",
    "largest",
    "sorted",
    "flatten",
    "to",
    "transA",
    "transB",
    "exclusive",
    "reverse",
    "group",
    "ceil_mode",
    "storage_order",
    "allowzero",
    "blocksize",
    "batch_axis",
    "time_axis",
    "upper",
    "start",
    "end",
    "batch_dims",
    "k",
    "dtype",
    "num_groups",
    "stash_type",
    "size",
    "ignore_index",
    "hidden_size",
    "layout",
    "block_size",
    "output_dtype",
    "p",
    "n_targets",
    "aggregate",
    "min_gram_length",
    "max_gram_length",
    "max_skip_count",
    "antialias",
    "exclude_outside",
    "count_include_pad",
    "fmod",
    "saturate",
    "num_heads",
    "q_num_heads",
    "kv_num_heads",
    "is_causal",
    "onesided",
    "inverse",
    "align_corners",
    "offset_group",
    "output_height",
    "output_width",
    "sampling_ratio",
    "center_point_box",
    "rotary_embedding_dim",
    "interleaved",
    "output_datatype",
    "periodic",
};
static const char *const ints_names[] = {
    "axes",           "perm",
    "pads",           "strides",
    "dilations",      "kernel_shape",
    "output_padding", "output_shape",
    "tree_roots",     "nodes_featureids",
    "nodes_modes",    "nodes_true",
    "nodes_false",    "nodes_missing_tracks_true",
    "leaf_offsets",   "leaf_targetids",
    "ngram_counts",   "ngram_indexes",
    "pool_int64s",    "pooled_shape",
};
static const struct {
    const char *name, *value[6];
} text_choices[] = {
    {"mode", {"constant", "reflect", "edge", "wrap", "cubic", "linear"}},
    {"auto_pad", {"SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "", "x"}},
    {"direction", {"LEFT", "RIGHT", "forward", "reverse", "bidirectional", "?"}},
    {"equation", {"ij,jk->ik", "ii->i", "...i,...i", "ij->", "i,j", "->"}},
    {"reduction", {"none", "add", "mul", "max", "mean", "sum"}},
    {"coordinate_transformation_mode",
     {"asymmetric", "align_corners", "tf_crop_and_resize", "half_pixel", "half_pixel_symmetric",
      "output_half_pixel"}},
    {"keep_aspect_ratio_policy",
     {"stretch", "not_larger", "not_smaller", "", "stretch", "stretch"}},
    {"padding_mode", {"zeros", "border", "reflection", "", "zeros", "zeros"}},
};

static const enum element_type types[] = {ELEMENT_F32, ELEMENT_F32,  ELEMENT_F64, ELEMENT_I64,
                                          ELEMENT_I64, ELEMENT_I32,  ELEMENT_U8,  ELEMENT_I8,
                                          ELEMENT_U64, ELEMENT_BOOL, ELEMENT_F16};

static int64_t random_integer(void)
{
    static const int64_t wild[] = {INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX, 1 << 12, -1};
    if (test_random_below(12) == 0)
        return wild[test_random_below(sizeof wild / sizeof *wild)];
    return (int64_t)test_random_below(7) - 2;
}

static double random_real(void)
{
    static const double wild[] = {NAN, INFINITY, -INFINITY, 1e30, -0.0, 1e-40};
    if (test_random_below(10) == 0)
        return wild[test_random_below(sizeof wild / sizeof *wild)];
    return (double)test_random_below(64) / 8.0 - 4.0;
}

static struct tensor *random_tensor(struct arena *arena, enum element_type type)
{
    struct shape shape = {.rank = (uint8_t)test_random_below(5)};
    for (unsigned i = 0; i < shape.rank; i++)
        shape.dim[i] = (int64_t)test_random_below(4) + (test_random_below(8) != 0 ? 1 : 0);
    struct tensor *tensor = tensor_new(arena, type, &shape);
    REQUIRE(tensor != NULL);
    for (size_t i = 0; i < tensor->count; i++) {
        if (element_type_is_float(type))
            tensor->data.real[i] = element_round(type, random_real());
        else
            tensor->data.integer[i] = element_wrap(type, random_integer());
    }
    return tensor;
}

static struct graph_attribute random_attribute(struct arena *arena)
{
    struct graph_attribute a = {0};
    switch (test_random_below(4)) {
    case 0:
        a.name = int_names[test_random_below(sizeof int_names / sizeof *int_names)];
        a.kind = ATTRIBUTE_INT;
        a.integer = random_integer();
        break;
    case 1: {
        int64_t *list = arena_array(arena, int64_t, 6);
        a.name = ints_names[test_random_below(sizeof ints_names / sizeof *ints_names)];
        a.kind = ATTRIBUTE_INTS;
        a.count = test_random_below(7);
        for (size_t i = 0; i < a.count; i++)
            list[i] = random_integer();
        a.integers = list;
        break;
    }
    case 2: {
        size_t which = test_random_below(sizeof text_choices / sizeof *text_choices);
        a.name = text_choices[which].name;
        a.kind = ATTRIBUTE_TEXT;
        a.text = text_choices[which].value[test_random_below(6)];
        break;
    }
    default: {
        static const char *const names[] = {"value", "nodes_splits", "leaf_weights",
                                            "membership_values"};
        a.name = names[test_random_below(4)];
        a.kind = ATTRIBUTE_TENSOR;
        a.tensor = random_tensor(arena, types[test_random_below(3)]);
        break;
    }
    }
    return a;
}

/* One call. Returns whether it computed. */
static bool try_once(struct arena *arena, const struct graph *graph, enum op_kind op)
{
    const struct op_info *info = op_info(op);
    const struct tensor *in[OPERANDS_MAX] = {NULL};
    struct tensor *out[OPERANDS_MAX] = {NULL};
    uint32_t inputs[OPERANDS_MAX], outputs[OPERANDS_MAX];
    struct graph_attribute attributes[ATTRIBUTES_MAX];
    size_t most = info->max_inputs < OPERANDS_MAX ? info->max_inputs : OPERANDS_MAX;
    size_t results = info->max_outputs < 4 ? info->max_outputs : 4;
    struct graph_node node = {
        .op = op, .name = "node", .inputs = inputs, .outputs = outputs, .attributes = attributes};
    node.input_count = info->min_inputs + test_random_below(most - info->min_inputs + 1);
    node.output_count = info->min_outputs + test_random_below(results - info->min_outputs + 1);
    node.attribute_count = test_random_below(ATTRIBUTES_MAX + 1);
    /* Mostly one type for all operands, else most operators end at their first check. */
    enum element_type common = types[test_random_below(sizeof types / sizeof *types)];
    for (size_t i = 0; i < node.input_count; i++) {
        bool other = test_random_below(4) == 0 || op_input_is_constant(op, i);
        enum element_type type = op_input_is_constant(op, i) ? ELEMENT_I64
                                 : other ? types[test_random_below(sizeof types / sizeof *types)]
                                         : common;
        bool absent = test_random_below(8) == 0;
        inputs[i] = absent ? GRAPH_NONE : (uint32_t)i;
        in[i] = absent ? NULL : random_tensor(arena, type);
        if (i > 0 && in[0] != NULL && in[i] != NULL && test_random_below(3) == 0 &&
            in[0]->type == in[i]->type)
            in[i] = in[0];
    }
    for (size_t i = 0; i < node.output_count; i++)
        outputs[i] = test_random_below(8) == 0 && i > 0 ? GRAPH_NONE : (uint32_t)i;
    for (size_t i = 0; i < node.attribute_count; i++)
        attributes[i] = random_attribute(arena);
    struct diag diag = {0};
    enum status status = graph_interpret_node(graph, &node, in, out, NULL, arena, &diag);
    if (status != STATUS_OK) {
        CHECK_MSG(strlen(diag.text) > 20, "%s fails without a reason", info->name);
        return false;
    }
    for (size_t i = 0; i < node.output_count; i++)
        CHECK_MSG(outputs[i] == GRAPH_NONE || out[i] != NULL, "%s leaves output %zu out",
                  info->name, i);
    return true;
}

/* What a node of two operands, of zeros, says with one attribute of integers. */
static enum status run_with(enum op_kind op, enum element_type second, const struct shape shape[2],
                            const struct graph_attribute *attribute, struct diag *diag)
{
    struct arena arena;
    uint32_t inputs[] = {0, 1}, outputs[] = {0};
    const struct graph_node node = {.op = op,
                                    .name = "node",
                                    .inputs = inputs,
                                    .input_count = 2,
                                    .outputs = outputs,
                                    .output_count = 1,
                                    .attributes = (struct graph_attribute *)(uintptr_t)attribute,
                                    .attribute_count = 1};
    arena_init(&arena, 0);
    struct graph *graph = graph_new(&arena, "graph");
    const struct tensor *in[] = {tensor_new(&arena, ELEMENT_F32, &shape[0]),
                                 tensor_new(&arena, second, &shape[1])};
    struct tensor *out[] = {NULL};
    REQUIRE(in[0] != NULL && in[1] != NULL);
    enum status status = graph_interpret_node(graph, &node, in, out, NULL, &arena, diag);
    arena_release(&arena);
    return status;
}

/* Seed 997807 of the case below. */
TEST(pads_that_no_integer_holds_together_are_refused)
{
    static const int64_t pads[] = {INT64_MAX, 1};
    static const struct shape shape[2] = {{.rank = 3, .dim = {1, 1, 2}},
                                          {.rank = 3, .dim = {1, 1, 2}}};
    const struct graph_attribute attribute = {
        .name = "pads", .kind = ATTRIBUTE_INTS, .integers = pads, .count = 2};
    struct diag diag = {0};
    CHECK_STATUS(run_with(OP_MAX_UNPOOL, ELEMENT_I64, shape, &attribute, &diag), STATUS_BAD_INPUT,
                 &diag);
    CHECK_MSG(strstr(diag.text, "would get a bad size") != NULL, "%s", diag.text);
}

/* Seed 220349823: weights were read beyond their end. */
TEST(a_kernel_shape_that_is_not_the_weights_is_refused)
{
    static const int64_t sizes[] = {3, 2};
    static const struct shape shape[2] = {{.rank = 3, .dim = {1, 1, 4}},
                                          {.rank = 3, .dim = {1, 1, 2}}};
    for (int i = 0; i < 2; i++) {
        const struct graph_attribute attribute = {
            .name = "kernel_shape", .kind = ATTRIBUTE_INTS, .integers = &sizes[i], .count = 1};
        struct diag diag = {0};
        CHECK_STATUS(run_with(OP_CONV_TRANSPOSE, ELEMENT_F32, shape, &attribute, &diag),
                     i == 0 ? STATUS_BAD_INPUT : STATUS_OK, &diag);
    }
}

static struct tensor *number(struct arena *arena, enum element_type type, double value)
{
    struct shape shape = {.rank = 0};
    struct tensor *tensor = tensor_new(arena, type, &shape);
    REQUIRE(tensor != NULL);
    if (element_type_is_float(type))
        tensor->data.real[0] = value;
    else
        tensor->data.integer[0] = (int64_t)value;
    return tensor;
}

/* Seed 16337731: edges far beyond the spectrum were gone through bin by bin, for hours. */
TEST(triangles_beyond_the_spectrum_take_no_time)
{
    struct arena arena;
    struct diag diag = {0};
    uint32_t inputs[] = {0, 1, 2, 3, 4}, outputs[] = {0};
    const struct graph_node node = {.op = OP_MEL_WEIGHT_MATRIX,
                                    .name = "node",
                                    .inputs = inputs,
                                    .input_count = 5,
                                    .outputs = outputs,
                                    .output_count = 1};
    arena_init(&arena, 0);
    struct graph *graph = graph_new(&arena, "bins");
    const struct tensor *in[] = {number(&arena, ELEMENT_I64, 1), number(&arena, ELEMENT_I64, 8),
                                 number(&arena, ELEMENT_I64, 1), number(&arena, ELEMENT_F32, 0),
                                 number(&arena, ELEMENT_F32, 0x1p36)};
    struct tensor *out[] = {NULL};
    CHECK_STATUS(graph_interpret_node(graph, &node, in, out, NULL, &arena, &diag), STATUS_OK,
                 &diag);
    CHECK(out[0] != NULL && out[0]->count == 5);
    arena_release(&arena);
}

TEST(no_operator_trips_over_operands_it_cannot_use)
{
    struct arena arena;
    size_t computed = 0;
    arena_init(&arena, (size_t)64 << 20);
    struct graph *graph = graph_new(&arena, "random");
    struct arena_mark mark = arena_checkpoint(&arena);
    for (unsigned op = 0; op < OP_COUNT; op++) {
        if (!graph_op_is_supported((enum op_kind)op) ||
            (op_info((enum op_kind)op)->traits & TRAIT_BODY) != 0)
            continue;
        for (unsigned round = 0; round < ROUNDS; round++) {
            computed += try_once(&arena, graph, (enum op_kind)op) ? 1 : 0;
            arena_rewind(&arena, mark);
        }
    }
    CHECK(computed > 1000);
    arena_release(&arena);
}
