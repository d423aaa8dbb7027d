/* The folding walk: shape arithmetic, privacy of parameters, If, Loop, Scan, dead nodes, problems.
 */
#include "passes/fold_constants.h"

#include "ir/graph_interpret.h"
#include "passes/infer_shapes.h"
#include "tests/harness/harness.h"

#include <string.h>

static struct arena arena, scratch;

static struct graph *begin(void)
{
    memset(&arena, 0, sizeof arena);
    memset(&scratch, 0, sizeof scratch);
    struct graph *graph = graph_new(&arena, "test");
    graph->inputs = arena_array(&arena, uint32_t, 8);
    graph->outputs = arena_array(&arena, uint32_t, 8);
    return graph;
}

static struct graph *begin_body(struct graph *parent)
{
    struct graph *graph = graph_new(&arena, "body");
    graph->parent = parent;
    graph->inputs = arena_array(&arena, uint32_t, 8);
    graph->outputs = arena_array(&arena, uint32_t, 8);
    return graph;
}

static void end(void)
{
    arena_release(&arena);
    arena_release(&scratch);
}

static uint32_t input(struct graph *graph, const char *name, enum element_type type,
                      struct shape shape)
{
    uint32_t v = graph_add_value(graph, name, VALUE_INPUT, type);
    graph->values[v].shape_known = true;
    graph->values[v].shape = shape;
    graph->inputs[graph->input_count++] = v;
    return v;
}

static uint32_t stored(struct graph *graph, enum graph_value_kind kind, enum element_type type,
                       struct shape shape, const double *elements)
{
    struct tensor *data = tensor_new(&arena, type, &shape);
    for (size_t i = 0; i < data->count; i++) {
        if (element_type_is_float(type))
            data->data.real[i] = elements[i];
        else
            data->data.integer[i] = (int64_t)elements[i];
    }
    uint32_t v = graph_add_value(graph, "stored", kind, type);
    graph->values[v].shape_known = true;
    graph->values[v].shape = shape;
    graph->values[v].data = data;
    return v;
}

static uint32_t node(struct graph *graph, enum op_kind op, const uint32_t *in, size_t count)
{
    uint32_t out = graph_add_value(graph, "y", VALUE_NODE, ELEMENT_UNDEFINED);
    uint32_t index = graph_add_node(graph, op, "node", in, count, &out, 1);
    REQUIRE(index != GRAPH_NONE);
    return out;
}

static void set_int(struct graph *graph, const char *name, int64_t value)
{
    struct graph_attribute a = {.name = name, .kind = ATTRIBUTE_INT, .integer = value};
    REQUIRE(graph_node_add_attribute(graph, (uint32_t)graph->node_count - 1, &a));
}

static void set_graph(struct graph *graph, const char *name, struct graph *body)
{
    struct graph_attribute a = {.name = name, .kind = ATTRIBUTE_GRAPH, .graph = body};
    REQUIRE(graph_node_add_attribute(graph, (uint32_t)graph->node_count - 1, &a));
}

static void output(struct graph *graph, uint32_t value)
{
    graph->outputs[graph->output_count++] = value;
}

/* Folds and holds the result to what the pass promises. */
static void fold(struct graph *graph)
{
    struct diag_list problems = {0};
    struct diag diag = {0};
    REQUIRE_OK(graph_validate(graph, &diag), &diag);
    enum status status = pass_fold_constants(graph, &scratch, &problems);
    CHECK(diag_list_summary(&problems, &diag) == status);
    REQUIRE_OK(status, &diag);
    REQUIRE_OK(graph_validate(graph, &diag), &diag);
    REQUIRE_OK(pass_infer_shapes(graph, &problems), &diag);
    diag_list_release(&problems);
}

static void fold_fails(struct graph *graph, enum status expected, const char *part)
{
    struct diag_list problems = {0};
    struct diag diag = {0};
    CHECK_STATUS(pass_fold_constants(graph, &scratch, &problems), expected, &diag);
    bool found = false;
    for (size_t i = 0; i < problems.count; i++)
        found = found || strstr(problems.item[i].text, part) != NULL;
    CHECK_MSG(found, "no problem says '%s'", part);
    diag_list_release(&problems);
}

static const struct tensor *run(const struct graph *graph, const struct tensor *in)
{
    struct graph_values values;
    struct diag diag = {0};
    graph_values_init(&values, &arena);
    REQUIRE_OK(graph_interpret(graph, &in, &values, &diag), &diag);
    return values.item[graph->outputs[0]];
}

static struct tensor *vector(double a, double b, double c)
{
    struct tensor *data = tensor_new(&arena, ELEMENT_F32, &(struct shape){1, {3}});
    data->data.real[0] = a;
    data->data.real[1] = b;
    data->data.real[2] = c;
    return data;
}

TEST(shape_arithmetic_disappears)
{
    struct graph *g = begin();
    uint32_t x = input(g, "x", ELEMENT_F32, (struct shape){3, {2, 3, 4}});
    uint32_t shape = node(g, OP_SHAPE, &x, 1);
    uint32_t zero = stored(g, VALUE_CONSTANT, ELEMENT_I64, (struct shape){1, {1}}, (double[]){0});
    uint32_t rest = stored(g, VALUE_CONSTANT, ELEMENT_I64, (struct shape){1, {1}}, (double[]){-1});
    uint32_t first = node(g, OP_GATHER, (uint32_t[]){shape, zero}, 2);
    uint32_t target = node(g, OP_CONCAT, (uint32_t[]){first, rest}, 2);
    set_int(g, "axis", 0);
    uint32_t y = node(g, OP_RESHAPE, (uint32_t[]){x, target}, 2);
    output(g, y);
    fold(g);
    CHECK_U64(g->node_count, 1);
    CHECK(g->nodes[0].op == OP_RESHAPE);
    CHECK_I64(g->values[g->outputs[0]].shape.dim[0], 2);
    CHECK_I64(g->values[g->outputs[0]].shape.dim[1], 12);
    CHECK(g->values[g->nodes[0].inputs[1]].kind == VALUE_CONSTANT);
    end();
}

TEST(what_a_parameter_enters_stays_private)
{
    struct graph *g = begin();
    uint32_t x = input(g, "x", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t w =
        stored(g, VALUE_PARAMETER, ELEMENT_F32, (struct shape){1, {3}}, (double[]){0, 0, 0});
    uint32_t c = stored(g, VALUE_CONSTANT, ELEMENT_F32, (struct shape){0}, (double[]){2});
    uint32_t w2 = node(g, OP_MUL, (uint32_t[]){w, c}, 2);
    uint32_t c2 = node(g, OP_MUL, (uint32_t[]){c, c}, 2);
    uint32_t y = node(g, OP_MUL, (uint32_t[]){x, w2}, 2);
    uint32_t z = node(g, OP_ADD, (uint32_t[]){y, c2}, 2);
    output(g, z);
    fold(g);
    /* Zero weights do not make the product go away. */
    CHECK_U64(g->node_count, 2);
    CHECK(g->values[g->nodes[0].inputs[1]].kind == VALUE_PARAMETER);
    CHECK(g->values[g->nodes[1].inputs[1]].kind == VALUE_CONSTANT);
    CHECK(g->values[g->nodes[1].inputs[1]].data->data.real[0] == 4.0);
    end();
}

/* if (condition) y = x + x else y = x * x, with x from the outer graph. */
static struct graph *make_if(enum graph_value_kind kind, double condition)
{
    struct graph *g = begin();
    uint32_t x = input(g, "x", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t c = kind == VALUE_INPUT ? node(g, OP_GREATER, (uint32_t[]){x, x}, 2)
                                     : stored(g, kind, ELEMENT_BOOL, (struct shape){0}, &condition);
    struct graph *branch[2];
    for (unsigned i = 0; i < 2; i++) {
        branch[i] = begin_body(g);
        uint32_t in = graph_add_outer_value(branch[i], x);
        uint32_t out = node(branch[i], i == 0 ? OP_ADD : OP_MUL, (uint32_t[]){in, in}, 2);
        output(branch[i], out);
    }
    uint32_t y = node(g, OP_IF, &c, 1);
    set_graph(g, "then_branch", branch[0]);
    set_graph(g, "else_branch", branch[1]);
    output(g, y);
    return g;
}

TEST(a_constant_condition_picks_its_branch)
{
    for (int condition = 0; condition < 2; condition++) {
        struct graph *g = make_if(VALUE_CONSTANT, condition);
        fold(g);
        CHECK_U64(g->node_count, 1);
        CHECK(g->nodes[0].op == (condition ? OP_ADD : OP_MUL));
        end();
    }
}

TEST(a_private_condition_decides_nothing)
{
    for (int condition = 0; condition < 2; condition++) {
        struct graph *g = make_if(VALUE_PARAMETER, condition);
        fold(g);
        CHECK_U64(g->node_count, 3);
        CHECK(g->nodes[2].op == OP_WHERE);
        const struct tensor *y = run(g, vector(1, 5, -3));
        CHECK(y->data.real[1] == (condition ? 10.0 : 25.0));
        end();
    }
}

/* Loop: v = v * 2 + iteration, also scanned out; stops when `stop` turns are done. */
static struct graph *make_loop(int64_t turns, bool scans)
{
    struct graph *g = begin();
    uint32_t x = input(g, "x", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t m =
        stored(g, VALUE_CONSTANT, ELEMENT_I64, (struct shape){0}, (double[]){(double)turns});
    struct graph *body = begin_body(g);
    uint32_t i = input(body, "i", ELEMENT_I64, (struct shape){0});
    uint32_t c = input(body, "c", ELEMENT_BOOL, (struct shape){0});
    uint32_t v = input(body, "v", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t twice = node(body, OP_ADD, (uint32_t[]){v, v}, 2);
    uint32_t turn = node(body, OP_CAST, &i, 1);
    set_int(body, "to", ELEMENT_F32);
    uint32_t next = node(body, OP_ADD, (uint32_t[]){twice, turn}, 2);
    output(body, c);
    output(body, next);
    output(body, next);
    uint32_t out[2] = {graph_add_value(g, "last", VALUE_NODE, ELEMENT_F32),
                       graph_add_value(g, "all", VALUE_NODE, ELEMENT_F32)};
    graph_add_node(g, OP_LOOP, "loop", (uint32_t[]){m, GRAPH_NONE, x}, 3, out, 2);
    set_graph(g, "body", body);
    output(g, out[scans ? 1 : 0]);
    return g;
}

TEST(a_loop_with_a_known_count_is_unrolled)
{
    struct graph *g = make_loop(3, true);
    struct graph before = *g;
    const struct tensor *reference = run(&before, vector(1, 2, 3));
    fold(g);
    for (size_t i = 0; i < g->node_count; i++)
        CHECK(g->nodes[i].op != OP_LOOP && g->nodes[i].op != OP_IDENTITY);
    const struct tensor *y = run(g, vector(1, 2, 3));
    REQUIRE(y->count == 9);
    /* 1 -> 2 -> 5 -> 12 */
    CHECK(y->data.real[0] == 2.0 && y->data.real[3] == 5.0 && y->data.real[6] == 12.0);
    for (size_t i = 0; i < 9; i++)
        CHECK(y->data.real[i] == reference->data.real[i]);
    end();
}

/* v + v of every turn has one number, what is added to it another, and what joins the turns none.
 */
TEST(rounds_of_a_body_know_what_they_are_rounds_of)
{
    enum { TURNS = 4 };
    struct graph *g = make_loop(TURNS, true);
    fold(g);
    uint64_t twice[TURNS], next[TURNS];
    size_t found = 0, added = 0;
    for (size_t i = 0; i < g->node_count; i++) {
        const struct graph_node *n = &g->nodes[i];
        if (n->op == OP_CONCAT)
            CHECK_U64(n->repeat, 0);
        if (n->op != OP_ADD)
            continue;
        if (n->inputs[0] == n->inputs[1])
            twice[found++ % TURNS] = n->repeat;
        else
            next[added++ % TURNS] = n->repeat;
    }
    CHECK_U64(found, TURNS);
    CHECK_U64(added, TURNS);
    for (size_t i = 0; i < TURNS; i++) {
        CHECK(twice[i] != 0 && twice[i] == twice[0]);
        CHECK(next[i] == next[0]);
    }
    CHECK(next[0] != 0 && next[0] != twice[0]);
    end();
}

/* Loop over m rounds with room for ROOM: v doubles while its least element is below 9; each v is
 * scanned out, and the rounds are counted. */
enum { ROOM = 4 };
static struct graph *make_loop_with_room(void)
{
    struct graph *g = begin();
    uint32_t x = input(g, "x", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t m = input(g, "m", ELEMENT_I64, (struct shape){1, {1}});
    struct graph *body = begin_body(g);
    input(body, "i", ELEMENT_I64, (struct shape){0});
    input(body, "c", ELEMENT_BOOL, (struct shape){0});
    uint32_t v = input(body, "v", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t next = node(body, OP_ADD, (uint32_t[]){v, v}, 2);
    uint32_t least = node(body, OP_REDUCE_MIN, &next, 1);
    set_int(body, "keepdims", 0);
    uint32_t nine = stored(body, VALUE_CONSTANT, ELEMENT_F32, (struct shape){0}, (double[]){9});
    output(body, node(body, OP_LESS, (uint32_t[]){least, nine}, 2));
    output(body, next);
    output(body, next);
    uint32_t out[3];
    for (int i = 0; i < 3; i++)
        out[i] = graph_add_value(g, "out", VALUE_NODE, i < 2 ? ELEMENT_F32 : ELEMENT_I64);
    graph_add_node(g, OP_LOOP, "loop", (uint32_t[]){m, GRAPH_NONE, x}, 3, out, 3);
    set_graph(g, "body", body);
    set_int(g, "count", ROOM);
    set_int(g, "padded", 1);
    for (int i = 0; i < 3; i++)
        output(g, out[i]);
    return g;
}

/* All outputs one behind the other; returns whether there are any. */
static bool run_rounds(double out[3 + 3 * ROOM + 1], const struct graph *g, double x, int64_t m)
{
    struct graph_values values;
    struct diag diag;
    struct tensor *count = tensor_new(&arena, ELEMENT_I64, &(struct shape){1, {1}});
    const struct tensor *inputs[2] = {vector(x, x + 1, x + 2), count};
    count->data.integer[0] = m;
    graph_values_init(&values, &arena);
    if (graph_interpret(g, inputs, &values, &diag) != STATUS_OK)
        return false;
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        const struct tensor *t = values.item[g->outputs[i]];
        for (size_t k = 0; k < t->count; k++)
            out[at++] = i < 2 ? t->data.real[k] : (double)t->data.integer[k];
    }
    REQUIRE(at == 3 + 3 * ROOM + 1);
    return true;
}

TEST(a_loop_with_room_runs_as_often_as_its_input_says)
{
    struct graph *g = make_loop_with_room();
    struct graph before = *g;
    fold(g);
    for (size_t i = 0; i < g->node_count; i++)
        CHECK(g->nodes[i].op != OP_LOOP);
    /* From 2 on three rounds make it 16, from 0 on it never ends by itself. */
    for (int x = 0; x < 4; x++) {
        for (int64_t m = 1; m <= ROOM + 1; m++) {
            double expected[3 + 3 * ROOM + 1], got[3 + 3 * ROOM + 1];
            bool fits = x > 0 || m <= ROOM;
            CHECK(run_rounds(expected, &before, x, m) == fits);
            CHECK(run_rounds(got, g, x, m) == fits);
            for (size_t i = 0; fits && i < 3 + 3 * ROOM + 1; i++)
                CHECK_MSG(got[i] == expected[i], "%d, %lld rounds: element %zu", x, (long long)m,
                          i);
        }
    }
    double two[3 + 3 * ROOM + 1];
    CHECK(run_rounds(two, g, 2, -1));
    CHECK(two[0] == 2 && two[3] == 0 && two[3 + 3 * ROOM] == 0);
    CHECK(run_rounds(two, g, 2, 9));
    CHECK(two[0] == 16 && two[3] == 4 && two[6] == 8 && two[9] == 16 && two[12] == 0);
    CHECK(two[3 + 3 * ROOM] == 3);
    end();
}

TEST(a_loop_that_never_runs_passes_its_values_on)
{
    struct graph *g = make_loop(0, false);
    fold(g);
    CHECK(run(g, vector(1, 2, 3))->data.real[2] == 3.0);
    end();
}

/* Scan over the rows of a constant table: state = state + row; scan output state * row. */
TEST(a_scan_is_unrolled_over_its_table)
{
    struct graph *g = begin();
    uint32_t x = input(g, "x", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t table = stored(g, VALUE_PARAMETER, ELEMENT_F32, (struct shape){2, {2, 3}},
                            (double[]){1, 2, 3, 10, 20, 30});
    struct graph *body = begin_body(g);
    uint32_t state = input(body, "state", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t row = input(body, "row", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t sum = node(body, OP_ADD, (uint32_t[]){state, row}, 2);
    uint32_t product = node(body, OP_MUL, (uint32_t[]){sum, row}, 2);
    output(body, sum);
    output(body, product);
    uint32_t out[2] = {graph_add_value(g, "state", VALUE_NODE, ELEMENT_F32),
                       graph_add_value(g, "rows", VALUE_NODE, ELEMENT_F32)};
    graph_add_node(g, OP_SCAN, "scan", (uint32_t[]){x, table}, 2, out, 2);
    set_graph(g, "body", body);
    set_int(g, "num_scan_inputs", 1);
    output(g, out[1]);
    struct graph before = *g;
    const struct tensor *reference = run(&before, vector(1, 1, 1));
    fold(g);
    const struct tensor *y = run(g, vector(1, 1, 1));
    REQUIRE(y->count == 6 && reference->count == 6);
    const double expected[6] = {2, 6, 12, 120, 460, 1020};
    for (size_t i = 0; i < 6; i++)
        CHECK(y->data.real[i] == expected[i] && reference->data.real[i] == expected[i]);
    end();
}

TEST(dead_nodes_and_identities_go)
{
    struct graph *g = begin();
    uint32_t x = input(g, "x", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t same = node(g, OP_IDENTITY, &x, 1);
    node(g, OP_EXP, &same, 1);
    uint32_t y = node(g, OP_ABS, &same, 1);
    uint32_t z = node(g, OP_IDENTITY, &y, 1);
    g->values[z].name = "answer";
    output(g, z);
    fold(g);
    CHECK_U64(g->node_count, 1);
    CHECK(g->nodes[0].op == OP_ABS);
    CHECK_TEXT(g->values[g->outputs[0]].name, "answer");
    end();
}

/* Operands without elements have a place all the same, as every tensor has. */
TEST(nothing_is_convolved)
{
    static const double weights[2] = {1, 2};
    struct graph *g = begin();
    uint32_t in[2] = {input(g, "x", ELEMENT_F32, (struct shape){3, {0, 1, 4}})};
    in[1] = stored(g, VALUE_PARAMETER, ELEMENT_F32, (struct shape){3, {1, 1, 2}}, weights);
    output(g, node(g, OP_CONV, in, 2));
    fold(g);
    CHECK(g->node_count == 1 && g->nodes[0].op == OP_IDENTITY);
    end();
}

/* The rules of these make the later results from the first ones. */
TEST(first_results_stay_where_others_are_made_of_them)
{
    static const struct {
        enum op_kind op;
        size_t operands, results, used, kept;
    } cases[] = {{OP_DYNAMIC_QUANTIZE_LINEAR, 1, 3, 0, 3},
                 {OP_LAYER_NORMALIZATION, 2, 3, 2, 2},
                 {OP_UNIQUE, 1, 4, 3, 2},
                 {OP_ATTENTION, 3, 3, 2, 2},
                 {OP_SOFTMAX_CROSS_ENTROPY_LOSS, 2, 2, 1, 2},
                 {OP_NON_ZERO, 1, 2, 1, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct graph *g = begin();
        struct shape shape = {4, {1, 2, 3, 4}}, line = {1, {4}}, labels = {3, {1, 3, 4}};
        uint32_t in[3], out[4];
        in[0] = input(g, "x", ELEMENT_F32, shape);
        in[1] = in[2] = in[0];
        if (cases[c].op == OP_LAYER_NORMALIZATION)
            in[1] = input(g, "scale", ELEMENT_F32, line);
        if (cases[c].op == OP_SOFTMAX_CROSS_ENTROPY_LOSS)
            in[1] = input(g, "labels", ELEMENT_I64, labels);
        for (size_t k = 0; k < cases[c].results; k++)
            out[k] = graph_add_value(g, "y", VALUE_NODE, ELEMENT_UNDEFINED);
        graph_add_node(g, cases[c].op, "n", in, cases[c].operands, out, cases[c].results);
        if (cases[c].op == OP_UNIQUE || cases[c].op == OP_NON_ZERO)
            set_int(g, "count", 2);
        output(g, out[cases[c].used]);
        fold(g);
        REQUIRE(g->node_count == 1);
        size_t kept = 0;
        for (size_t k = 0; k < cases[c].results; k++)
            kept += g->nodes[0].outputs[k] != GRAPH_NONE;
        CHECK_U64(kept, cases[c].kept);
        end();
    }
}

TEST(an_output_that_is_an_input_keeps_a_value_of_its_own)
{
    struct graph *g = begin();
    uint32_t x = input(g, "x", ELEMENT_F32, (struct shape){1, {3}});
    uint32_t same = node(g, OP_IDENTITY, &x, 1);
    output(g, same);
    fold(g);
    CHECK_U64(g->node_count, 1);
    CHECK(g->values[g->outputs[0]].kind == VALUE_NODE);
    end();
}

TEST(all_problems_are_reported_and_none_twice)
{
    struct graph *g = begin();
    uint32_t x = input(g, "x", ELEMENT_F32, (struct shape){2, {2, 3}});
    uint32_t a = node(g, OP_MAT_MUL, (uint32_t[]){x, x}, 2);
    uint32_t after = node(g, OP_EXP, &a, 1);
    uint32_t b = node(g, OP_NON_ZERO, &x, 1);
    output(g, after);
    output(g, b);
    struct diag_list problems = {0};
    CHECK(pass_fold_constants(g, &scratch, &problems) == STATUS_BAD_INPUT);
    CHECK_U64(problems.count, 2);
    CHECK(strstr(problems.item[0].text, "MatMul") != NULL);
    CHECK(strstr(problems.item[1].text, "depends on the input data; give the most results it may "
                                        "have with --max-dim ") != NULL);
    diag_list_release(&problems);
    end();
}

TEST(an_unbound_dimension_names_the_input)
{
    struct graph *g = begin();
    uint32_t x = input(g, "pixels", ELEMENT_F32, (struct shape){2, {-1, 3}});
    output(g, node(g, OP_EXP, &x, 1));
    fold_fails(g, STATUS_BAD_INPUT, "input pixels");
    end();
}
