/*
 * Recurrent cells written out step by step say what the interpreter's own kernel says: every
 * attribute, direction and layout, with lengths known and given at run time.
 */
#include "ir/graph_interpret.h"
#include "passes/fold_constants.h"
#include "tests/passes/lower_kit.h"

#include <math.h>
#include <string.h>

enum { STEPS = 4, BATCH = 2, WIDTH = 3, HIDDEN = 2 };

struct cell_case {
    enum op_kind op;
    const char *direction;
    bool batch_first, with_bias, with_state, with_peephole;
    enum { LENGTHS_NONE, LENGTHS_KNOWN, LENGTHS_GIVEN } lengths;
    double clip;
    int64_t flag;   /* linear_before_reset or input_forget */
    bool quantizes; /* quantize_state */
    const char *const *activations;
};

static int gates_of(enum op_kind op)
{
    return op == OP_LSTM ? 4 : op == OP_GRU ? 3 : 1;
}

static struct tensor *lengths_tensor(struct kit *kit)
{
    struct shape shape = kit_shape(1, BATCH);
    struct tensor *lengths = tensor_new(&kit->arena, ELEMENT_I32, &shape);
    lengths->data.integer[0] = 2;
    lengths->data.integer[1] = STEPS - 1;
    return lengths;
}

static uint32_t add_lengths(struct kit *kit, const struct cell_case *c)
{
    if (c->lengths == LENGTHS_NONE)
        return GRAPH_NONE;
    if (c->lengths == LENGTHS_GIVEN)
        return kit_input(kit, "lengths", ELEMENT_I32, kit_shape(1, BATCH));
    uint32_t v = graph_add_value(kit->graph, "lengths", VALUE_CONSTANT, ELEMENT_I32);
    kit->graph->values[v].data = lengths_tensor(kit);
    kit->graph->values[v].shape = kit->graph->values[v].data->shape;
    kit->graph->values[v].shape_known = true;
    return v;
}

static struct shape state_shape(const struct cell_case *c, int directions)
{
    return c->batch_first ? kit_shape(3, BATCH, directions, HIDDEN)
                          : kit_shape(3, directions, BATCH, HIDDEN);
}

/* Float values become float64, so that no rounding between steps tells the two forms apart. */
static void make_double(struct kit *kit)
{
    for (size_t v = 0; v < kit->graph->value_count; v++) {
        struct graph_value *value = &kit->graph->values[v];
        if (value->type != ELEMENT_F32)
            continue;
        value->type = ELEMENT_F64;
        if (value->data != NULL)
            value->data->type = ELEMENT_F64;
    }
}

/* A graph of one cell with all its outputs. */
static void build(struct kit *kit, const struct cell_case *c)
{
    int d = strcmp(c->direction, "bidirectional") == 0 ? 2 : 1, rows = gates_of(c->op) * HIDDEN;
    uint32_t in[8], out[3];
    size_t outputs = c->op == OP_LSTM ? 3 : 2;
    in[0] = kit_input(kit, "X", ELEMENT_F32,
                      c->batch_first ? kit_shape(3, BATCH, STEPS, WIDTH)
                                     : kit_shape(3, STEPS, BATCH, WIDTH));
    in[1] = kit_random_parameter(kit, "W", kit_shape(3, d, rows, WIDTH), 1);
    in[2] = kit_random_parameter(kit, "R", kit_shape(3, d, rows, HIDDEN), 1);
    in[3] =
        c->with_bias ? kit_random_parameter(kit, "B", kit_shape(2, d, 2 * rows), 1) : GRAPH_NONE;
    in[4] = add_lengths(kit, c);
    in[5] = in[6] = in[7] = GRAPH_NONE;
    if (c->with_state) {
        in[5] = kit_random_parameter(kit, "H", state_shape(c, d), 1);
        in[6] = kit_random_parameter(kit, "C", state_shape(c, d), 1);
    }
    if (c->with_peephole)
        in[7] = kit_random_parameter(kit, "P", kit_shape(2, d, 3 * HIDDEN), 1);
    for (size_t k = 0; k < outputs; k++)
        out[k] = graph_add_value(kit->graph,
                                 k == 0   ? "Y"
                                 : k == 1 ? "Y_h"
                                          : "Y_c",
                                 VALUE_NODE, ELEMENT_UNDEFINED);
    graph_add_node(kit->graph, c->op, "cell", in, c->op == OP_LSTM ? 8 : 6, out, outputs);
    kit_attribute_text(kit, "direction", c->direction);
    kit_attribute_int(kit, "layout", c->batch_first);
    kit_attribute_int(kit, c->op == OP_GRU ? "linear_before_reset" : "input_forget", c->flag);
    if (c->quantizes)
        kit_attribute_int(kit, "quantize_state", 1);
    if (c->clip > 0)
        kit_attribute_float(kit, "clip", c->clip);
    if (c->activations != NULL)
        kit_attribute_texts(kit, "activations", c->activations,
                            (size_t)d * (c->op == OP_LSTM  ? 3
                                         : c->op == OP_GRU ? 2
                                                           : 1));
    for (size_t k = 0; k < outputs; k++)
        kit_output(kit, out[k]);
}

static void run_graph(struct kit *kit, const struct tensor *const *inputs,
                      struct graph_values *values)
{
    struct diag diag = {0};
    graph_values_init(values, &kit->arena);
    REQUIRE_OK(graph_interpret(kit->graph, inputs, values, &diag), &diag);
}

/* Whether both forms give the same within a relative tolerance. */
static bool is_same(const struct cell_case *c, double tolerance)
{
    struct kit kit;
    struct graph_values before, after;
    kit_init(&kit);
    build(&kit, c);
    bool same = true;
    struct tensor *x = kit_random_tensor(&kit, kit.graph->values[kit.graph->inputs[0]].shape, 2);
    if (!c->quantizes) {
        make_double(&kit);
        x->type = ELEMENT_F64;
    }
    const struct tensor *inputs[2] = {x, lengths_tensor(&kit)};
    run_graph(&kit, inputs, &before);
    struct tensor *expected[3];
    for (size_t o = 0; o < kit.graph->output_count; o++)
        expected[o] = before.item[kit.graph->outputs[o]];
    struct arena scratch;
    arena_init(&scratch, 0);
    enum status status = pass_fold_constants(kit.graph, &scratch, &kit.problems);
    arena_release(&scratch);
    CHECK_MSG(status == STATUS_OK, "%s",
              kit.problems.count > 0 ? kit.problems.item[0].text : "no reason");
    if (status == STATUS_OK) {
        run_graph(&kit, inputs, &after);
        for (size_t n = 0; n < kit.graph->node_count; n++)
            CHECK(kit.graph->nodes[n].op != c->op);
    }
    for (size_t o = 0; o < kit.graph->output_count && status == STATUS_OK; o++) {
        const struct tensor *got = after.item[kit.graph->outputs[o]];
        REQUIRE(shape_equal(&got->shape, &expected[o]->shape));
        for (size_t e = 0; e < got->count; e++)
            same = same && fabs(got->data.real[e] - expected[o]->data.real[e]) <=
                               tolerance * fmax(1, fabs(expected[o]->data.real[e]));
    }
    kit_release(&kit);
    return same && status == STATUS_OK;
}

static void check_same(const struct cell_case *c)
{
    CHECK_MSG(is_same(c, 1e-9), "%s %s lengths %d", op_name(c->op), c->direction, c->lengths);
}

TEST(cells_written_out_agree_with_their_kernel)
{
    static const char *const directions[3] = {"forward", "reverse", "bidirectional"};
    static const enum op_kind ops[3] = {OP_RNN, OP_GRU, OP_LSTM};
    for (unsigned i = 0; i < 288; i++) {
        struct cell_case c = {.op = ops[i % 3],
                              .direction = directions[i / 3 % 3],
                              .batch_first = i / 9 % 2 != 0,
                              .with_bias = i / 18 % 2 != 0,
                              .with_state = i / 36 % 2 != 0,
                              .with_peephole = i / 72 % 2 != 0,
                              .lengths = i / 9 % 3,
                              .clip = i / 144 % 2 != 0 ? 0.5 : 0,
                              .flag = i / 27 % 2};
        check_same(&c);
    }
}

TEST(cells_take_every_activation)
{
    static const char *const names[] = {"Relu",        "Tanh",   "Sigmoid",   "Softsign",
                                        "Softplus",    "Affine", "LeakyRelu", "ScaledTanh",
                                        "HardSigmoid", "Elu",    "tanh",      "ThresholdedRelu"};
    for (size_t i = 0; i + 3 <= sizeof names / sizeof *names; i++) {
        struct cell_case lstm = {
            .op = OP_LSTM, .direction = "forward", .with_bias = true, .activations = names + i};
        check_same(&lstm);
        struct cell_case gru = {.op = OP_GRU, .direction = "reverse", .activations = names + i};
        check_same(&gru);
    }
}

/* What is next to a tie may be rounded to either side: that is rare, and a step of 8 bits. */
TEST(cells_that_quantize_their_state_agree_with_their_kernel)
{
    static const char *const directions[3] = {"forward", "reverse", "bidirectional"};
    unsigned same = 0;
    for (unsigned i = 0; i < 54; i++) {
        struct cell_case c = {.op = OP_LSTM,
                              .direction = directions[i % 3],
                              .batch_first = i / 3 % 2 != 0,
                              .with_state = i / 6 % 3 != 0,
                              .lengths = i / 18,
                              .quantizes = true};
        CHECK(is_same(&c, 5e-2));
        same += is_same(&c, 1e-6);
    }
    CHECK_MSG(same >= 45, "%u of 54 agree", same);
}

/* Nodes with the number of node n; *op_differs: one of them is something else. */
static size_t rounds_of(const struct graph *graph, size_t n, bool *op_differs)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].repeat != graph->nodes[n].repeat)
            continue;
        count++;
        *op_differs |= graph->nodes[i].op != graph->nodes[n].op;
    }
    return count;
}

TEST(steps_of_a_cell_are_rounds_of_one_body)
{
    static const enum op_kind ops[3] = {OP_RNN, OP_GRU, OP_LSTM};
    for (unsigned i = 0; i < 24; i++) {
        struct cell_case c = {.op = ops[i % 3],
                              .direction = i / 3 % 2 != 0 ? "bidirectional" : "forward",
                              .with_bias = true,
                              .with_state = i / 6 % 2 != 0,
                              .with_peephole = i / 12 != 0,
                              .lengths = i / 6 % 2 != 0 ? LENGTHS_GIVEN : LENGTHS_NONE,
                              .quantizes = i % 3 == 2};
        struct kit kit;
        struct arena scratch;
        kit_init(&kit);
        build(&kit, &c);
        arena_init(&scratch, 0);
        REQUIRE(pass_fold_constants(kit.graph, &scratch, &kit.problems) == STATUS_OK);
        arena_release(&scratch);
        size_t products = 0;
        for (size_t n = 0; n < kit.graph->node_count; n++) {
            const struct graph_node *node = &kit.graph->nodes[n];
            bool op_differs = false;
            size_t rounds = node->repeat != 0 ? rounds_of(kit.graph, n, &op_differs) : 0;
            products += node->op == OP_MAT_MUL && rounds > 0;
            CHECK_MSG(!op_differs, "case %u: %s (%s)", i, node->name, op_name(node->op));
            /* The first step lacks what a state of zeros leaves out, or one of weights folds. */
            CHECK(rounds == 0 || rounds == STEPS || rounds == STEPS - 1);
        }
        CHECK(products >= STEPS - 1);
        kit_release(&kit);
    }
}

static void lower_lstm(bool quantizes, double floor, double tolerance)
{
    struct kit kit;
    struct cell_case c = {.op = OP_LSTM,
                          .direction = "forward",
                          .with_bias = true,
                          .with_state = true,
                          .quantizes = quantizes};
    kit_init(&kit);
    build(&kit, &c);
    const struct tensor *inputs[1] = {
        kit_random_tensor(&kit, kit_shape(3, STEPS, BATCH, WIDTH), 2)};
    kit_set(&kit, inputs);
    kit_run(&kit);
    kit_compare(&kit, inputs, floor, tolerance);
    kit_tamper_hints(&kit, inputs);
    kit_release(&kit);
}

TEST(an_lstm_lowers_within_its_tolerance)
{
    lower_lstm(false, 1e-5, 1e-4);
    lower_lstm(true, 5e-2, 1e-4); /* a tie is a step of 8 bits */
}
