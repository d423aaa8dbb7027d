/* label: fast libs: sertn_runtime */
/*
 * Rows and committed cells of one small model an operator, held to tests/sizes.csv. A change is a
 * change of circuits: read the difference, then refresh the file with SERTN_REFRESH_SIZES=1 and
 * commit it with the reason.
 *
 * Operands are written as a letter, the sizes between x, and, after =, values between ;.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/circuit.h"
#include "passes/bound_ranges.h"
#include "passes/place.h"
#include "runtime/digest_spec.h"
#include "tests/passes/lower_kit.h"

/* ---- operands ---- */

/* What a letter stands for: numbers of a pattern between low and high. */
struct operand_kind {
    char letter;
    enum graph_value_kind kind;
    enum element_type type;
    double low, high;
};

static const struct operand_kind kinds[] = {
    {'f', VALUE_INPUT, ELEMENT_F32, -1.75, 1.75},   /* any numbers */
    {'g', VALUE_INPUT, ELEMENT_F32, 1, 4.5},        /* from 1 up */
    {'h', VALUE_INPUT, ELEMENT_F32, -0.875, 0.875}, /* within 1 */
    {'b', VALUE_INPUT, ELEMENT_BOOL, 0, 1},
    {'n', VALUE_INPUT, ELEMENT_I64, 0, 3},
    {'u', VALUE_INPUT, ELEMENT_U8, 0, 7},
    {'p', VALUE_PARAMETER, ELEMENT_F32, -1.75, 1.75},
    {'q', VALUE_PARAMETER, ELEMENT_F32, 1, 4.5},
    {'x', VALUE_PARAMETER, ELEMENT_I8, -100, 100},
    {'i', VALUE_CONSTANT, ELEMENT_I64, 0, 3},
    {'r', VALUE_CONSTANT, ELEMENT_F32, 0, 1},
    {'w', VALUE_CONSTANT, ELEMENT_U8, 0, 255},
    {'y', VALUE_CONSTANT, ELEMENT_I8, -128, 127},
};

static const struct operand_kind *kind_of(char letter)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].letter == letter)
            return &kinds[i];
    test_fail(__FILE__, __LINE__, "no operand is written with '%c'", letter);
    test_end_case();
}

/* Element e of set `set`: runs through the interval in steps that meet no other soon. */
static double pattern(const struct operand_kind *kind, size_t e, size_t set)
{
    double unit = (double)((e * 11 + set * 5 + 3) % 29) / 28;
    double value = kind->low + (kind->high - kind->low) * unit;
    return kind->type == ELEMENT_F32 ? value : (double)(int64_t)value;
}

/* The tensor that a word says. */
static struct tensor *read_operand(struct kit *kit, const char *word, size_t set)
{
    const struct operand_kind *kind = kind_of(*word);
    struct shape shape = {0};
    const char *at = word + 1;
    while (*at >= '0' && *at <= '9') {
        char *end;
        shape.dim[shape.rank++] = strtoll(at, &end, 10);
        at = *end == 'x' ? end + 1 : end;
    }
    struct tensor *tensor = tensor_new(&kit->arena, kind->type, &shape);
    REQUIRE(tensor != NULL);
    for (size_t e = 0; e < tensor->count; e++) {
        double value = pattern(kind, e, set);
        if (*at == '=' || *at == ';') {
            char *end;
            value = strtod(at + 1, &end);
            at = end;
        }
        if (element_type_is_float(kind->type))
            tensor->data.real[e] = element_round(kind->type, value);
        else
            tensor->data.integer[e] = (int64_t)value;
    }
    return tensor;
}

enum { OPERANDS_MAX = 12, SETS = 3 };

/* Words of a text; those of `text` are cut apart in place. */
static size_t split(char *text, char **words)
{
    size_t count = 0;
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        REQUIRE(count < OPERANDS_MAX);
        words[count++] = word;
    }
    return count;
}

static uint32_t add_operand(struct kit *kit, const char *word, size_t i)
{
    const struct operand_kind *kind = kind_of(*word);
    struct tensor *tensor = read_operand(kit, word, 0);
    char *name = arena_printf(&kit->arena, "operand %zu", i);
    if (kind->kind == VALUE_INPUT)
        return kit_input(kit, name, kind->type, tensor->shape);
    uint32_t v = graph_add_value(kit->graph, name, kind->kind, kind->type);
    kit->graph->values[v].shape = tensor->shape;
    kit->graph->values[v].shape_known = true;
    kit->graph->values[v].data = tensor;
    return v;
}

/* name=value: integers, lists of them with ;, floats with a point, else a text. */
static void add_attribute(struct kit *kit, char *word)
{
    char *value = strchr(word, '=');
    int64_t integers[16];
    size_t count = 0;
    REQUIRE(value != NULL);
    *value++ = '\0';
    if (strspn(value, "0123456789-.;") != strlen(value)) {
        kit_attribute_text(kit, word, value);
    } else if (strchr(value, '.') != NULL) {
        kit_attribute_float(kit, word, strtod(value, NULL));
    } else if (strchr(value, ';') == NULL) {
        kit_attribute_int(kit, word, strtoll(value, NULL, 10));
    } else {
        for (char *at = value; at != NULL && *at != '\0' && count < 16;) {
            integers[count++] = strtoll(at, &at, 10);
            at = *at == ';' ? at + 1 : NULL;
        }
        kit_attribute_ints(kit, word, integers, count);
    }
}

/* ---- cases ---- */

struct size_case {
    enum op_kind op;
    const char *operands, *attributes;
    size_t outputs;
};

static const struct size_case cases[] = {
#define U(op)                                                                                      \
    {                                                                                              \
        OP_##op, "f2x3", "", 1                                                                     \
    }
#define G(op)                                                                                      \
    {                                                                                              \
        OP_##op, "g2x3", "", 1                                                                     \
    }
#define H(op)                                                                                      \
    {                                                                                              \
        OP_##op, "h2x3", "", 1                                                                     \
    }
#define B(op)                                                                                      \
    {                                                                                              \
        OP_##op, "f2x3 f2x3", "", 1                                                                \
    }
#define R(op)                                                                                      \
    {                                                                                              \
        OP_##op, "f2x4 i1=1", "", 1                                                                \
    }
    U(IDENTITY),
    B(ADD),
    {OP_SUM, "f2x3 f2x3 f3", "", 1},
    B(SUB),
    U(NEG),
    B(MUL),
    {OP_MAT_MUL, "f2x3 p3x4", "", 1},
    {OP_GEMM, "f2x3 p3x4 p4", "", 1},
    {OP_EINSUM, "f2x3 p3x4", "equation=ij,jk->ik", 1},
    {OP_DET, "f3x3", "", 1},
    {OP_CONV, "f1x2x5x5 p3x2x3x3", "", 1},
    {OP_CONV_TRANSPOSE, "f1x2x3x3 p2x2x2x2", "", 1},
    {OP_DEFORM_CONV, "f1x1x3x3 p1x1x2x2 h1x8x2x2", "", 1},
    {OP_COL2IM, "f1x4x4 i2=3;3 i2=2;2", "", 1},
    {OP_DFT, "f1x4x2", "", 1},
    {OP_STFT, "f1x8x1 i=2 p4 i=4", "", 1},
    {OP_AFFINE_GRID, "f1x2x3 i4=1;1;2;2", "", 1},
    {OP_AVERAGE_POOL, "f1x1x4x4", "kernel_shape=2;2", 1},
    {OP_MAX_POOL, "f1x1x4x4", "kernel_shape=2;2", 1},
    {OP_LP_POOL, "f1x1x3x3", "kernel_shape=2;2", 1},
    {OP_GLOBAL_AVERAGE_POOL, "f1x2x3x3", "", 1},
    {OP_GLOBAL_MAX_POOL, "f1x2x3x3", "", 1},
    {OP_GLOBAL_LP_POOL, "f1x2x3x3", "", 1},
    {OP_MAX_UNPOOL, "f1x1x1x2 n1x1x1x2=1;6", "kernel_shape=2;2 strides=2;2", 1},
    {OP_MAX_ROI_POOL, "f1x1x4x4 p1x5=0;0;0;3;3", "pooled_shape=2;2", 1},
    {OP_ROI_ALIGN, "f1x1x4x4 p1x4=0;0;3;3 i1=0",
     "coordinate_transformation_mode=half_pixel output_height=2 output_width=2 sampling_ratio=1",
     1},
    {OP_ROI_ALIGN, "f1x1x4x4 f1x4 i1=0",
     "coordinate_transformation_mode=half_pixel output_height=2 output_width=2 most_samples=2;2",
     1},
    {OP_CAST, "f2x3", "to=7", 1},
    {OP_CAST_LIKE, "f2x3 i1", "", 1},
    U(RELU),
    U(ABS),
    U(SIGN),
    U(LEAKY_RELU),
    {OP_PRELU, "f2x3 p3", "", 1},
    B(MAX),
    B(MIN),
    {OP_CLIP, "f2x3 r=-1 r=1", "", 1},
    B(GREATER),
    B(GREATER_OR_EQUAL),
    B(LESS),
    B(LESS_OR_EQUAL),
    B(EQUAL),
    {OP_WHERE, "b2x3 f2x3 f2x3", "", 1},
    U(IS_NAN),
    U(IS_INF),
    {OP_NOT, "b2x3", "", 1},
    {OP_BITWISE_NOT, "u2x3", "", 1},
    {OP_BITWISE_AND, "u2x3 u2x3", "", 1},
    {OP_BITWISE_OR, "u2x3 u2x3", "", 1},
    {OP_BITWISE_XOR, "u2x3 u2x3", "", 1},
    {OP_BIT_SHIFT, "u2x3 u2x3", "direction=LEFT", 1},
    {OP_BIT_CAST, "f2x3", "to=6", 1},
    {OP_AND, "b2x3 b2x3", "", 1},
    {OP_OR, "b2x3 b2x3", "", 1},
    {OP_XOR, "b2x3 b2x3", "", 1},
    U(FLOOR),
    U(CEIL),
    U(ROUND),
    {OP_DIV, "f2x3 g2x3", "", 1},
    {OP_MOD, "n2x3 i3=2;3;5", "", 1},
    G(RECIPROCAL),
    G(SQRT),
    {OP_POW, "g2x3 r=2.5", "", 1},
    U(EXP),
    G(LOG),
    U(SIGMOID),
    U(TANH),
    U(ERF),
    U(SOFTPLUS),
    U(SOFTSIGN),
    U(GELU),
    U(SWISH),
    U(MISH),
    U(ELU),
    U(CELU),
    U(SELU),
    U(HARD_SIGMOID),
    U(THRESHOLDED_RELU),
    U(SHRINK),
    U(SIN),
    U(COS),
    H(TAN),
    H(ASIN),
    H(ACOS),
    U(ATAN),
    U(SINH),
    U(COSH),
    U(ASINH),
    G(ACOSH),
    H(ATANH),
    {OP_SOFTMAX, "f2x4", "", 1},
    {OP_LOG_SOFTMAX, "f2x4", "", 1},
    {OP_HARDMAX, "f2x4", "", 1},
    {OP_LAYER_NORMALIZATION, "f2x4 p4 p4", "", 1},
    {OP_RMS_NORMALIZATION, "f2x4 p4", "", 1},
    {OP_GROUP_NORMALIZATION, "f1x4x3 p4 p4", "num_groups=2", 1},
    {OP_BATCH_NORMALIZATION, "f1x2x3 p2 p2 p2 q2", "", 1},
    {OP_LRN, "f1x4x2x2", "size=3", 1},
    {OP_INSTANCE_NORMALIZATION, "f1x2x4 p2 p2", "", 1},
    {OP_ATTENTION, "f1x2x3x4 f1x2x3x4 f1x2x3x4", "", 1},
    {OP_ROTARY_EMBEDDING, "f1x2x3x4 p1x3x2 p1x3x2", "", 1},
    {OP_NEGATIVE_LOG_LIKELIHOOD_LOSS, "f2x3 n2=0;2", "", 1},
    {OP_SOFTMAX_CROSS_ENTROPY_LOSS, "f2x3 n2=0;2", "", 1},
    R(REDUCE_SUM),
    R(REDUCE_MEAN),
    R(REDUCE_MAX),
    R(REDUCE_MIN),
    R(REDUCE_PROD),
    R(REDUCE_SUM_SQUARE),
    R(REDUCE_LOG_SUM_EXP),
    {OP_ARG_MAX, "f2x4", "axis=1", 1},
    {OP_ARG_MIN, "f2x4", "axis=1", 1},
    {OP_TOP_K, "f2x4 i1=2", "", 2},
    {OP_CUM_SUM, "f2x4 i=1", "", 1},
    {OP_CUM_PROD, "f2x4 i=1", "", 1},
    {OP_RESHAPE, "f2x6 i2=3;4", "", 1},
    {OP_FLATTEN, "f2x3x2", "", 1},
    {OP_SQUEEZE, "f1x3", "", 1},
    {OP_UNSQUEEZE, "f3 i1=0", "", 1},
    U(TRANSPOSE),
    {OP_SLICE, "f2x4 i1=1 i1=3 i1=1", "", 1},
    {OP_SPLIT, "f2x4", "axis=1", 2},
    {OP_EXPAND, "f1x3 i2=2;3", "", 1},
    {OP_TILE, "f2x2 i2=1;2", "", 1},
    {OP_PAD, "f2x2 i4=0;1;0;1", "", 1},
    {OP_CONCAT, "f2x3 f2x3", "axis=0", 1},
    {OP_DEPTH_TO_SPACE, "f1x4x2x2", "blocksize=2", 1},
    {OP_SPACE_TO_DEPTH, "f1x1x4x4", "blocksize=2", 1},
    {OP_CENTER_CROP_PAD, "f4x4 i2=2;6", "", 1},
    {OP_REVERSE_SEQUENCE, "f3x2 n2=1;3", "", 1},
    {OP_TRILU, "f3x3", "", 1},
    {OP_GATHER, "f4x2 n3", "", 1},
    {OP_GATHER_ELEMENTS, "f4x2 n1x2", "", 1},
    {OP_GATHER_ND, "f4x2 n2x1", "", 1},
    {OP_SCATTER_ELEMENTS, "f4x2 n1x2 f1x2", "", 1},
    {OP_SCATTER_ND, "f4x2 n1x1 f1x2", "", 1},
    {OP_TENSOR_SCATTER, "f1x1x4x2 f1x1x2x2 n1=1", "", 1},
    {OP_COMPRESS, "f4x2 b4", "axis=0 count=4 padded=1", 2},
    {OP_NON_ZERO, "f2x2", "count=4 padded=1", 2},
    {OP_UNIQUE, "f4", "count=4 padded=1", 5},
    {OP_NON_MAX_SUPPRESSION, "f1x3x4 f1x1x3 i=2 r=0.5", "count=2 padded=1", 2},
    {OP_ONE_HOT, "n3 i=4 r2=0;1", "", 1},
    {OP_RANDOM_BITS, "n=5", "count=4", 1},
    {OP_RESIZE, "f1x1x2x2 - r4=1;1;2;2", "mode=linear", 1},
    {OP_GRID_SAMPLE, "f1x1x3x3 h1x2x2x2", "", 1},
    {OP_LABEL_ENCODER, "n3 i2=1;2 i2=5;6 i=0", "", 1},
    {OP_TFIDF_VECTORIZER, "n4",
     "mode=TF min_gram_length=1 max_gram_length=2 max_skip_count=0 ngram_counts=0;3 "
     "ngram_indexes=0;1;2;3 pool_int64s=0;1;2;0;1",
     1},
    {OP_QUANTIZE_LINEAR, "f2x3 r=0.05 w=128", "", 1},
    {OP_DEQUANTIZE_LINEAR, "u2x3 r=0.05 w=128", "", 1},
    {OP_DYNAMIC_QUANTIZE_LINEAR, "f2x3", "", 3},
    {OP_MAT_MUL_INTEGER, "u2x3 x3x2", "", 1},
    {OP_Q_LINEAR_MAT_MUL, "u2x3 r=0.05 w=128 x3x2 r=0.02 y=0 r=0.1 w=128", "", 1},
    {OP_CONV_INTEGER, "u1x1x3x3 x1x1x2x2", "", 1},
    {OP_Q_LINEAR_CONV, "u1x1x3x3 r=0.05 w=128 x1x1x2x2 r=0.02 y=0 r=0.1 w=128", "", 1},
    {OP_TREE_ENSEMBLE, "f2x2", "n_targets=1 aggregate=1", 1},
    {OP_PAIRWISE_COUPLING, "f1x3=0.3;0.6;0.8", "", 1},
#undef U
#undef G
#undef H
#undef B
#undef R
};

enum { CASES = sizeof cases / sizeof *cases };

/* One tree of two comparisons. */
static void add_tree(struct kit *kit)
{
    static const int64_t zero[1] = {0}, features[2] = {0, 1}, modes[2] = {0, 0}, none[2] = {0, 0},
                         yes[2] = {-1, -2}, no[2] = {1, -3}, offsets[4] = {0, 1, 2, 3},
                         targets[3] = {0, 0, 0}, members[3] = {0, 0, 0};
    kit_attribute_ints(kit, "tree_roots", zero, 1);
    kit_attribute_ints(kit, "nodes_featureids", features, 2);
    kit_attribute_ints(kit, "nodes_modes", modes, 2);
    kit_attribute_tensor(kit, "nodes_splits", ELEMENT_F32, (const double[]){0.25, -0.5}, 2);
    kit_attribute_ints(kit, "nodes_missing_tracks_true", none, 2);
    kit_attribute_ints(kit, "nodes_true", yes, 2);
    kit_attribute_ints(kit, "nodes_false", no, 2);
    kit_attribute_ints(kit, "leaf_offsets", offsets, 4);
    kit_attribute_ints(kit, "leaf_targetids", targets, 3);
    kit_attribute_tensor(kit, "leaf_weights", ELEMENT_F32, (const double[]){1.5, -2, 0.75}, 3);
    kit_attribute_ints(kit, "membership_offsets", members, 3);
    kit_attribute_tensor(kit, "membership_values", ELEMENT_F32, NULL, 0);
}

static void build(struct kit *kit, const struct size_case *c)
{
    char *operands = arena_strdup(&kit->arena, c->operands),
         *attributes = arena_strdup(&kit->arena, c->attributes), *word[OPERANDS_MAX];
    uint32_t in[OPERANDS_MAX], out[OPERANDS_MAX];
    size_t count = split(operands, word);
    for (size_t i = 0; i < count; i++)
        in[i] = word[i][0] == '-' ? GRAPH_NONE : add_operand(kit, word[i], i);
    for (size_t k = 0; k < c->outputs; k++)
        out[k] = graph_add_value(kit->graph, arena_printf(&kit->arena, "result %zu", k), VALUE_NODE,
                                 ELEMENT_UNDEFINED);
    graph_add_node(kit->graph, c->op, "node", in, count, out, c->outputs);
    for (size_t k = 0; k < c->outputs; k++)
        kit_output(kit, out[k]);
    for (size_t set = 0; set < SETS; set++) {
        const struct tensor *given[OPERANDS_MAX];
        size_t inputs = 0;
        for (size_t i = 0; i < count; i++)
            if (word[i][0] != '-' && kind_of(word[i][0])->kind == VALUE_INPUT)
                given[inputs++] = read_operand(kit, word[i], set);
        kit_set(kit, given);
    }
    count = split(attributes, word);
    for (size_t i = 0; i < count; i++)
        add_attribute(kit, word[i]);
    if (c->op == OP_TREE_ENSEMBLE)
        add_tree(kit);
}

/* ---- sizes ---- */

struct size {
    uint32_t rows;
    size_t cells;
};

static struct size size_of(const struct size_case *c)
{
    enum { CAPACITY_BITS = 253 };
    struct kit kit;
    struct circuit circuit;
    struct digest_spec spec;
    struct place_summary summary;
    struct place_options options = {.capacity_bits = CAPACITY_BITS, .digest = &spec};
    struct diag diag = {0};
    kit_init(&kit);
    build(&kit, c);
    kit_run(&kit);
    REQUIRE(digest_spec_init(&spec, &kit.arena));
    REQUIRE_OK(place_prepare(kit.result.program, &diag), &diag);
    REQUIRE_OK(relation_validate(kit.result.program, CAPACITY_BITS, &diag), &diag);
    REQUIRE_OK(pass_bound_ranges(kit.result.program, CAPACITY_BITS, &diag), &diag);
    REQUIRE_OK(place_circuit(&circuit, &summary, kit.result.program, &options, &kit.arena, &diag),
               &diag);
    struct size size = {0, circuit.fill_count};
    for (uint32_t row = 0; row < circuit.usable_rows; row++)
        size.rows += circuit_row_is_used(&circuit.rows[row]);
    kit_release(&kit);
    return size;
}

/* The line of a case; text of `bytes`. */
static void write_line(char *text, size_t bytes, const struct size_case *c)
{
    struct size size = size_of(c);
    snprintf(text, bytes, "%s,%s,%u,%zu\n", op_name(c->op), c->operands, size.rows, size.cells);
}

TEST(every_operator_that_is_lowered_has_a_size)
{
    for (unsigned op = 0; op < OP_COUNT; op++) {
        bool is_there = !lower_op_is_supported((enum op_kind)op);
        for (size_t i = 0; i < CASES && !is_there; i++)
            is_there = (unsigned)cases[i].op == op;
        CHECK_MSG(is_there, "no case for %s", op_name((enum op_kind)op));
    }
}

TEST(operators_take_the_rows_they_took)
{
    static const char head[] = "operator,operands,rows,committed_cells\n";
    const char *path = test_source_path("tests/sizes.csv");
    bool refresh = getenv("SERTN_REFRESH_SIZES") != NULL;
    FILE *file = fopen(path, refresh ? "wb" : "rb");
    char kept[512], now[512];
    REQUIRE(file != NULL);
    if (refresh)
        fputs(head, file);
    else
        CHECK(fgets(kept, sizeof kept, file) != NULL && strcmp(kept, head) == 0);
    for (size_t i = 0; i < CASES; i++) {
        write_line(now, sizeof now, &cases[i]);
        if (refresh)
            fputs(now, file);
        else
            CHECK_MSG(fgets(kept, sizeof kept, file) != NULL && strcmp(kept, now) == 0,
                      "tests/sizes.csv has %s  and it is %s  refresh with SERTN_REFRESH_SIZES=1",
                      kept, now);
    }
    CHECK(refresh || fgets(kept, sizeof kept, file) == NULL);
    REQUIRE(fclose(file) == 0);
}
