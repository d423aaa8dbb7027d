/* label: fast libs: sertn_runtime */
/* A graph that cannot be a circuit: everything that can be said of it is said at once, of each node
 * once, of what hangs on a node without a meaning nothing, and before anything is computed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/passes/lower_kit.h"

static bool has(const struct kit *kit, size_t i, const char *text)
{
    return i < kit->problems.count && strstr(kit->problems.item[i].text, text) != NULL;
}

static enum status run(struct kit *kit)
{
    return pipeline_run(&kit->result, kit->graph, &kit->options, &kit->arena, &kit->problems);
}

static void check_problems(const struct kit *kit, size_t count)
{
    CHECK_MSG(kit->problems.count == count, "%zu problems, the first: %s", kit->problems.count,
              kit->problems.count > 0 ? kit->problems.item[0].text : "none");
}

static uint32_t matrix(struct kit *kit, const char *name, int rows)
{
    return kit_input(kit, name, ELEMENT_F32, kit_shape(2, rows, rows));
}

/* Determinants of 11 rows, and one of 2. */
TEST(every_node_that_does_not_lower_is_named)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t large = matrix(&kit, "large", 11),
             small = kit_input(&kit, "small", ELEMENT_F32, kit_shape(2, 2, 2));
    uint32_t a = kit_unary(&kit, OP_DET, large), b = kit_unary(&kit, OP_DET, small),
             c = kit_unary(&kit, OP_DET, kit_unary(&kit, OP_NEG, large));
    kit_output(&kit, kit_unary(&kit, OP_RELU, a));
    kit_output(&kit, kit_unary(&kit, OP_RELU, b));
    kit_output(&kit, kit_binary(&kit, OP_ADD, a, c));
    kit_set(&kit, (const struct tensor *[]){kit_random_tensor(&kit, kit_shape(2, 11, 11), 1),
                                            kit_random_tensor(&kit, kit_shape(2, 2, 2), 1)});
    CHECK_STATUS(run(&kit), STATUS_UNSUPPORTED, NULL);
    check_problems(&kit, 2);
    CHECK(has(&kit, 0, "node Det_0 (Det") && has(&kit, 0, "11"));
    CHECK(has(&kit, 1, "node Det_3 (Det"));
    kit_release(&kit);
}

/* 2^24 + 2^12 comparisons, none of which is ever made. */
TEST(a_graph_that_no_table_holds_is_refused_by_its_size)
{
    struct kit kit;
    kit_init(&kit);
    kit_output(&kit, kit_unary(&kit, OP_RELU,
                               kit_input(&kit, "x", ELEMENT_F32, kit_shape(2, 4097, 4096))));
    CHECK_STATUS(run(&kit), STATUS_LIMIT, NULL);
    CHECK(has(&kit, 0, "the limit is 2^26") && has(&kit, 0, "compares or looks up 16781312"));
    kit_release(&kit);
}

/* A shape that stays open, a node that does not lower, a size that no table holds, and options that
 * name nothing: each is a problem of another pass. */
TEST(problems_of_all_passes_are_listed_together)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(2, 4097, 4096));
    uint32_t open =
        kit_unary(&kit, OP_NON_ZERO, kit_unary(&kit, OP_NEG, kit_unary(&kit, OP_RELU, x)));
    kit_output(&kit, kit_unary(&kit, OP_NEG, open));
    kit_output(&kit, kit_unary(&kit, OP_DET, matrix(&kit, "large", 11)));
    CHECK_STATUS(run(&kit), STATUS_UNSUPPORTED, NULL);
    check_problems(&kit, 3);
    CHECK(has(&kit, 0, "node NonZero_2") && has(&kit, 0, "--max-dim"));
    CHECK(has(&kit, 1, "node Det_4"));
    CHECK(has(&kit, 2, "the limit is 2^26"));
    kit_release(&kit);
}

/* What reads the comparisons is not known: a pool before them would leave a quarter. */
TEST(the_size_of_what_a_problem_reads_is_not_judged)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(2, 4097, 4096));
    kit_output(&kit, kit_unary(&kit, OP_NON_ZERO, kit_unary(&kit, OP_RELU, x)));
    CHECK_STATUS(run(&kit), STATUS_UNSUPPORTED, NULL);
    check_problems(&kit, 1);
    CHECK(has(&kit, 0, "NonZero_1"));
    kit_release(&kit);
}

/* A zero that divides is seen by itself, a number that no fixed point holds by lowering: both
 * beside a determinant that does not lower, and what hangs on that. */
TEST(what_values_show_is_listed_with_the_rest)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(1, 3));
    uint32_t divisors = kit_parameter(&kit, "d", kit_shape(1, 3), (const double[]){1, 0, 2}),
             infinite = kit_parameter(&kit, "i", kit_shape(0), (const double[]){INFINITY});
    uint32_t det = kit_unary(&kit, OP_DET, matrix(&kit, "large", 11));
    kit_output(&kit, kit_binary(&kit, OP_DIV, x, divisors));
    kit_output(&kit, kit_binary(&kit, OP_MUL, x, infinite));
    kit_output(&kit, kit_binary(&kit, OP_MUL, det, infinite));
    CHECK_STATUS(run(&kit), STATUS_UNSUPPORTED, NULL);
    check_problems(&kit, 3);
    CHECK(has(&kit, 0, "Det_0"));
    CHECK(has(&kit, 1, "Div_1") && has(&kit, 1, "division by a stored zero"));
    CHECK(has(&kit, 2, "Mul_2") && has(&kit, 2, "the stored number inf has no fixed-point form"));
    kit_release(&kit);
}

TEST(options_that_name_nothing_are_listed_with_the_nodes)
{
    struct kit kit;
    kit_init(&kit);
    kit_output(&kit, kit_unary(&kit, OP_DET, matrix(&kit, "large", 11)));
    struct named_visibility named[] = {{"nothing", PORT_PUBLIC}, {"large", PORT_PUBLIC}};
    struct declared_range ranges[] = {{"nowhere", 0, 1}, {"large", 1, 0}};
    kit.options.named = named;
    kit.options.named_count = 2;
    kit.options.quantize.ranges = ranges;
    kit.options.quantize.range_count = 2;
    CHECK_STATUS(run(&kit), STATUS_UNSUPPORTED, NULL);
    check_problems(&kit, 4);
    CHECK(has(&kit, 0, "Det_0") && has(&kit, 1, "'nothing'") && has(&kit, 2, "nowhere") &&
          has(&kit, 3, "large=1:0"));
    kit_release(&kit);
}

/* The determinant is computed for nobody: only its shape is asked for. */
TEST(what_nothing_needs_is_not_judged)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(3, 2, 11, 11));
    uint32_t shape = kit_unary(&kit, OP_SHAPE, kit_unary(&kit, OP_DET, x));
    kit_output(&kit,
               kit_binary(&kit, OP_EXPAND, kit_input(&kit, "y", ELEMENT_F32, kit_shape(0)), shape));
    kit_output(&kit, kit_unary(&kit, OP_NON_ZERO, x));
    CHECK_STATUS(run(&kit), STATUS_UNSUPPORTED, NULL);
    check_problems(&kit, 1);
    CHECK(has(&kit, 0, "NonZero_3"));
    kit_release(&kit);
}

/* What a left-out node reads is needed; what reads from it is unknown. */
TEST(what_stands_before_a_problem_is_judged_and_what_stands_after_is_not)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(3, 2, 11, 11));
    uint32_t open = kit_unary(&kit, OP_NON_ZERO, kit_unary(&kit, OP_DET, x));
    uint32_t after = kit_unary(&kit, OP_CELU, kit_unary(&kit, OP_CAST, open));
    kit_attribute_float(&kit, "alpha", -1);
    kit_output(&kit, after);
    CHECK(run(&kit) != STATUS_OK);
    check_problems(&kit, 2);
    CHECK(has(&kit, 0, "NonZero_1") && has(&kit, 1, "Det_0"));
    kit_release(&kit);
}

/* Four nodes that are rounds of one, and one that is not. */
TEST(of_the_rounds_of_a_node_one_is_listed)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = matrix(&kit, "x", 11);
    for (size_t n = 0; n < 5; n++) {
        kit_output(&kit, kit_unary(&kit, OP_DET, x));
        kit.graph->nodes[n].repeat = n < 4 ? 7 : 0;
    }
    CHECK_STATUS(run(&kit), STATUS_UNSUPPORTED, NULL);
    check_problems(&kit, 2);
    CHECK(has(&kit, 0, "Det_0") && has(&kit, 1, "Det_4"));
    kit_release(&kit);
}

/* ---- each check ---- */

struct operand {
    enum element_type type;
    unsigned rank;
    int dim[8];
};

/* attributes: "name=integer;integer" with spaces between; name:real for one real. */
struct refusal {
    enum op_kind op;
    unsigned operand_count;
    struct operand operand[8];
    const char *attributes, *says;
};

#define ROWS(n)                                                                                    \
    ELEMENT_F32, 2,                                                                                \
    {                                                                                              \
        n, n                                                                                       \
    }
#define RANK8(type)                                                                                \
    type, 8,                                                                                       \
    {                                                                                              \
        1, 1, 1, 1, 1, 1, 2, 2                                                                     \
    }
#define SCALAR(type)                                                                               \
    type, 0,                                                                                       \
    {                                                                                              \
        0                                                                                          \
    }

static const struct refusal refusals[] = {
    {OP_AVERAGE_POOL,
     1,
     {{ELEMENT_F32, 4, {1, 1, 2, 2}}},
     "kernel_shape=1;1 pads=1;1;1;1",
     "lies in the padding"},
    {OP_MAX_POOL,
     1,
     {{ELEMENT_F32, 4, {1, 1, 2, 2}}},
     "kernel_shape=1;1 pads=1;1;1;1",
     "lies in the padding"},
    {OP_CELU, 1, {{ELEMENT_F32, 1, {3}}}, "alpha:-1", "a positive one"},
    {OP_DET, 1, {{ROWS(11)}}, "", "1 to 10 rows"},
    {OP_LP_POOL, 1, {{ELEMENT_F32, 3, {1, 1, 4}}}, "kernel_shape=2 p=65", "1 to 64"},
    {OP_GLOBAL_LP_POOL, 1, {{ELEMENT_F32, 3, {1, 1, 4}}}, "p=65", "1 to 64"},
    {OP_GRID_SAMPLE,
     2,
     {{ELEMENT_F32, 6, {1, 1, 2, 2, 2, 2}}, {ELEMENT_F32, 6, {1, 1, 1, 1, 1, 4}}},
     "",
     "at most 3"},
    {OP_LRN, 1, {{ELEMENT_F32, 3, {1, 2, 2}}}, "size=1 bias:0", "a positive bias"},
    {OP_MAT_MUL, 2, {{RANK8(ELEMENT_F32)}, {RANK8(ELEMENT_F32)}}, "", "into at most 5"},
    {OP_MAT_MUL_INTEGER, 2, {{RANK8(ELEMENT_U8)}, {RANK8(ELEMENT_U8)}}, "", "into at most 5"},
    {OP_Q_LINEAR_MAT_MUL,
     8,
     {{RANK8(ELEMENT_U8)},
      {SCALAR(ELEMENT_F32)},
      {SCALAR(ELEMENT_U8)},
      {RANK8(ELEMENT_U8)},
      {SCALAR(ELEMENT_F32)},
      {SCALAR(ELEMENT_U8)},
      {SCALAR(ELEMENT_F32)},
      {SCALAR(ELEMENT_U8)}},
     "",
     "into at most 5"},
    {OP_MAX_UNPOOL,
     2,
     {{ELEMENT_F32, 4, {1, 1, 64, 64}}, {ELEMENT_I64, 4, {1, 1, 64, 64}}},
     "kernel_shape=2;2 strides=2;2",
     "the indices of a MaxPool"},
    {OP_NON_MAX_SUPPRESSION,
     2,
     {{ELEMENT_F32, 3, {1, 2000, 4}}, {ELEMENT_F32, 3, {1, 1, 2000}}},
     "count=2 padded=1",
     "too many to compare"},
    {OP_PAIRWISE_COUPLING, 1, {{ELEMENT_F32, 2, {1, 528}}}, "", "2 to 32 classes"},
    {OP_ROI_ALIGN,
     3,
     {{ELEMENT_F32, 4, {1, 1, 4, 4}}, {ELEMENT_F32, 2, {1, 4}}, {ELEMENT_I64, 1, {1}}},
     "sampling_ratio=0 output_height=1 output_width=1",
     "how many those are is not known"},
    {OP_SCATTER_ELEMENTS,
     3,
     {{ELEMENT_F32, 1, {4096}}, {ELEMENT_I64, 1, {2048}}, {ELEMENT_F32, 1, {2048}}},
     "",
     "or known indices"},
    {OP_SCATTER_ND,
     3,
     {{ELEMENT_F32, 1, {4096}}, {ELEMENT_I64, 2, {2048, 1}}, {ELEMENT_F32, 1, {2048}}},
     "",
     "or known indices"},
    {OP_TENSOR_SCATTER,
     3,
     {{ELEMENT_F32, 3, {1, 4096, 1}}, {ELEMENT_F32, 3, {1, 2048, 1}}, {ELEMENT_I64, 1, {1}}},
     "",
     "or known indices"},
    {OP_BIT_SHIFT, 2, {{ELEMENT_F32, 1, {3}}, {ELEMENT_F32, 1, {3}}}, "", "operand 0 is float"},
    {OP_BITWISE_AND, 2, {{ELEMENT_F32, 1, {3}}, {ELEMENT_F32, 1, {3}}}, "", "operand 0 is float"},
    {OP_BITWISE_NOT, 1, {{ELEMENT_F16, 1, {3}}}, "", "operand 0 is float"},
    {OP_BITWISE_OR, 2, {{ELEMENT_F32, 1, {3}}, {ELEMENT_F32, 1, {3}}}, "", "operand 0 is float"},
    {OP_BITWISE_XOR, 2, {{ELEMENT_F32, 1, {3}}, {ELEMENT_F32, 1, {3}}}, "", "operand 0 is float"},
    {OP_GATHER, 1, {{ELEMENT_F32, 1, {3}}}, "", "index -4 of 3 places"},
    {OP_GATHER_ELEMENTS, 1, {{ELEMENT_F32, 1, {3}}}, "", "index -4 of 3 places"},
    {OP_GATHER_ND, 1, {{ELEMENT_F32, 1, {3}}}, "", "index -4 of 3 places"},
    {OP_TOP_K, 1, {{ELEMENT_F32, 1, {3}}}, "", "its result is empty"},
    {OP_DIV, 1, {{ELEMENT_F32, 1, {3}}}, "", "division by a stored zero"},
};

static void add_attributes(struct kit *kit, const char *text)
{
    char *save = NULL, *copy = arena_strdup(&kit->arena, text);
    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        char *value = word + strcspn(word, "=:"), kind = *value;
        int64_t list[8];
        size_t count = 0;
        *value++ = 0;
        bool is_list = strcmp(word, "kernel_shape") == 0 || strcmp(word, "pads") == 0 ||
                       strcmp(word, "strides") == 0;
        if (kind == ':') {
            kit_attribute_float(kit, word, strtod(value, NULL));
            continue;
        }
        for (char *end = value; *end != 0 && count < 8; end += *end == ';')
            list[count++] = strtoll(end, &end, 10);
        if (is_list)
            kit_attribute_ints(kit, word, list, count);
        else
            kit_attribute_int(kit, word, list[0]);
    }
}

/* No pass that computes may be reached. */
static void never_computed(void *context, const char *pass, const struct graph *graph,
                           const struct relation_program *program)
{
    (void)context;
    (void)graph;
    (void)program;
    CHECK_MSG(strcmp(pass, "fold_constants") == 0, "%s ran", pass);
}

static const double zero_among[] = {1, 0, 2};

TEST(what_shapes_and_attributes_refuse_is_refused_before_anything_is_computed)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *r = &refusals[i];
        struct kit kit;
        uint32_t in[9];
        kit_init(&kit);
        for (unsigned k = 0; k < r->operand_count; k++) {
            struct shape shape = {.rank = (uint8_t)r->operand[k].rank};
            for (unsigned d = 0; d < shape.rank; d++)
                shape.dim[d] = r->operand[k].dim[d];
            in[k] =
                kit_input(&kit, arena_printf(&kit.arena, "in_%u", k), r->operand[k].type, shape);
        }
        /* The k of TopK, indices, and divisors, as known operands. */
        bool is_gather = r->op == OP_GATHER || r->op == OP_GATHER_ELEMENTS || r->op == OP_GATHER_ND,
             has_known = r->op == OP_TOP_K || r->op == OP_DIV || is_gather;
        if (r->op == OP_DIV)
            in[r->operand_count] = kit_parameter(&kit, "divisors", kit_shape(1, 3), zero_among);
        else if (has_known)
            in[r->operand_count] =
                kit_constant_i64(&kit, kit_shape(1, 1), &(int64_t){is_gather ? -4 : 0});
        uint32_t out = kit_node(&kit, r->op, in, r->operand_count + has_known);
        add_attributes(&kit, r->attributes);
        kit_output(&kit, out);
        kit.options.after_pass = never_computed;
        enum status status = run(&kit);
        CHECK_MSG(status != STATUS_OK && kit.problems.count == 1 && has(&kit, 0, r->says) &&
                      has(&kit, 0, arena_printf(&kit.arena, "(%s, opset", op_name(r->op))),
                  "%s: %s", op_name(r->op),
                  kit.problems.count > 0 ? kit.problems.item[0].text : "not refused");
        kit_release(&kit);
    }
}

/* ORDER lower_checks.def: none without a case above. */
TEST(every_check_has_a_case)
{
    static const enum op_kind checked[] = {
#define C(op, check) OP_##op,
#include "passes/lower_checks.def"
#undef C
    };
    for (size_t c = 0; c < sizeof checked / sizeof *checked; c++) {
        bool is_there = false;
        for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
            is_there |= refusals[i].op == checked[c];
        CHECK_MSG(is_there, "%s", op_name(checked[c]));
    }
}
