/* label: fast libs: sertn_3rd_protobuf_c */
#include "frontend/import.h"

#include <string.h>

#include "ir/ops.h"
#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

/* Builds If(condition) with branches x + 1 and x * 10, x from outside. */
static void build_if(struct builder *b, const char *condition)
{
    Onnx__Graph *outer = b->graph, *yes = model_body(b), *no = model_body(b);
    b->graph = yes;
    model_tensor(b, "one", ELEMENT_F32, "", REALS(1));
    model_node(b, "Add", "x,one", "r");
    model_output(b, "r");
    b->graph = no;
    model_tensor(b, "ten", ELEMENT_F32, "", REALS(10));
    model_node(b, "Mul", "x,ten", "r");
    model_output(b, "r");
    b->graph = outer;
    Onnx__Node *node = model_node(b, "If", condition, "y");
    node_graph(b, node, "then_branch", yes);
    node_graph(b, node, "else_branch", no);
    model_output(b, "y");
}

TEST(if_of_an_unknown_condition_keeps_both_branches)
{
    for (int yes = 0; yes < 2; yes++) {
        struct builder b = builder_start(16);
        model_input(&b, "x", ELEMENT_F32, "2");
        model_input(&b, "c", ELEMENT_BOOL, "");
        build_if(&b, "c");
        struct graph *graph = model_graph(&b);
        CHECK_U64(count_nodes(graph, OP_IF), 1);
        if (yes)
            CHECK_MODEL(&b, REALS(3, 4, 1), 4, 5);
        else
            CHECK_MODEL(&b, REALS(3, 4, 0), 30, 40);
        builder_end(&b);
    }
}

TEST(if_of_a_known_condition_is_its_branch)
{
    struct builder b = builder_start(16);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "Size", "x", "n");
    model_tensor(&b, "two", ELEMENT_I64, "", REALS(2));
    model_node(&b, "Equal", "n,two", "c");
    build_if(&b, "c");
    struct graph *graph = model_graph(&b);
    CHECK_U64(count_nodes(graph, OP_IF), 0);
    CHECK_U64(count_nodes(graph, OP_MUL), 0);
    CHECK_MODEL(&b, REALS(3, 4), 4, 5);
    builder_end(&b);
}

TEST(if_on_an_input_takes_it_from_the_data)
{
    struct builder b = builder_start(16);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_input(&b, "c", ELEMENT_BOOL, "");
    build_if(&b, "c");
    struct import_sample sample = {"c", make_tensor(&b, ELEMENT_BOOL, "", REALS(0))};
    b.options.sample = &sample;
    b.options.sample_count = 1;
    struct graph *graph = model_graph(&b);
    CHECK_U64(graph->input_count, 1);
    CHECK_U64(count_nodes(graph, OP_IF), 0);
    CHECK(model_has_note(&b, "input 'c' has to be known"));
    CHECK_MODEL(&b, REALS(3, 4), 30, 40);
    builder_end(&b);
}

/* What floats decide is decided by each input: it is no switch that data could settle. */
TEST(if_on_numbers_of_the_data_keeps_both_branches)
{
    struct builder b = builder_start(16);
    model_input(&b, "x", ELEMENT_F32, "2");
    node_int(&b, model_node(&b, "ReduceSum", "x", "s"), "keepdims", 0);
    model_tensor(&b, "zero", ELEMENT_F32, "", REALS(0));
    model_node(&b, "Greater", "s,zero", "c");
    build_if(&b, "c");
    struct import_sample sample = {"x", make_tensor(&b, ELEMENT_F32, "2", REALS(3, 4))};
    b.options.sample = &sample;
    b.options.sample_count = 1;
    struct graph *graph = model_graph(&b);
    CHECK_U64(graph->input_count, 1);
    CHECK_U64(count_nodes(graph, OP_IF), 1);
    CHECK_MODEL(&b, REALS(3, 4), 4, 5);
    CHECK_MODEL(&b, REALS(-3, -4), -30, -40);
    builder_end(&b);
}

/* sum = sum + i + x each round; the scan output is the sum of each round. */
static void build_loop(struct builder *b, const char *inputs)
{
    Onnx__Graph *outer = b->graph, *body = model_body(b);
    b->graph = body;
    model_input(b, "i", ELEMENT_I64, "");
    model_input(b, "go", ELEMENT_BOOL, "");
    model_input(b, "sum", ELEMENT_F32, "1");
    node_int(b, model_node(b, "Cast", "i", "f"), "to", ELEMENT_F32);
    model_node(b, "Add", "sum,f", "s1");
    model_node(b, "Add", "s1,x", "next");
    model_node(b, "Identity", "go", "still");
    model_node(b, "Identity", "next", "each");
    model_output(b, "still");
    model_output(b, "next");
    model_output(b, "each");
    b->graph = outer;
    node_graph(b, model_node(b, "Loop", inputs, "last,all"), "body", body);
    model_output(b, "last");
    model_output(b, "all");
}

TEST(loop_carries_and_collects)
{
    struct builder b = builder_start(16);
    model_input(&b, "x", ELEMENT_F32, "1");
    model_tensor(&b, "three", ELEMENT_I64, "", REALS(3));
    model_tensor(&b, "start", ELEMENT_F32, "1", REALS(100));
    build_loop(&b, "three,,start");
    struct graph *graph = model_graph(&b);
    const struct graph_value *all = &graph->values[graph->outputs[1]];
    CHECK(all->shape_known && all->shape.rank == 2 && all->shape.dim[0] == 3);
    CHECK_MODEL(&b, REALS(10), 133, 110, 121, 133);
    builder_end(&b);
}

/* M stays an input where --max-dim leaves room for rounds. */
TEST(loop_with_room_fills_up_and_counts)
{
    static const char *const names[] = {"all", "Loop_0"};
    for (int i = 0; i < 2; i++) {
        struct import_max_dim most = {names[i], 4};
        struct builder b = builder_start(16);
        model_input(&b, "x", ELEMENT_F32, "1");
        model_input(&b, "m", ELEMENT_I64, "");
        model_tensor(&b, "start", ELEMENT_F32, "1", REALS(100));
        build_loop(&b, "m,,start");
        struct import_sample sample = {"m", make_tensor(&b, ELEMENT_I64, "", REALS(2))};
        b.options.sample = &sample;
        b.options.sample_count = 1;
        b.options.max_dim = &most;
        b.options.max_dim_count = 1;
        struct graph *graph = model_graph(&b);
        CHECK_I64(graph->input_count, 2);
        CHECK_I64(graph->output_count, 3);
        CHECK_TEXT(graph->values[graph->outputs[2]].name, "last_count");
        CHECK_I64(graph->values[graph->outputs[1]].shape.dim[0], 4);
        CHECK_MODEL(&b, REALS(10, 2), 121, 110, 121, 0, 0, 2);
        CHECK_MODEL(&b, REALS(10, 4), 146, 110, 121, 133, 146, 4);
        CHECK_MODEL(&b, REALS(10, -1), 100, 0, 0, 0, 0, 0);
        builder_end(&b);
    }
}

TEST(loop_body_that_does_not_fit_is_named)
{
    struct builder b = builder_start(16);
    model_input(&b, "x", ELEMENT_F32, "1");
    model_tensor(&b, "three", ELEMENT_I64, "", REALS(3));
    build_loop(&b, "three,");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "its body has 3 inputs, 2 are expected");
    builder_end(&b);
}

TEST(problems_within_bodies_are_reported_with_their_path)
{
    struct builder b = builder_start(16);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_input(&b, "c", ELEMENT_BOOL, "");
    Onnx__Graph *outer = b.graph, *body = model_body(&b);
    b.graph = body;
    model_node(&b, "Frobnicate", "x", "r");
    model_output(&b, "r");
    b.graph = outer;
    Onnx__Node *node = model_node(&b, "If", "c", "y");
    node_graph(&b, node, "then_branch", body);
    node_graph(&b, node, "else_branch", body);
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "node 'If_0/Frobnicate_0'");
    builder_end(&b);
}

/* Running sums of the rows of x, from the last row to the first when `directions` says so. */
static void build_scan(struct builder *b, int opset, bool lengths)
{
    Onnx__Graph *outer = b->graph, *body = model_body(b);
    b->graph = body;
    model_input(b, "sum", ELEMENT_F32, "2");
    model_input(b, "row", ELEMENT_F32, "2");
    model_node(b, "Add", "sum,row", "next");
    model_node(b, "Identity", "next", "each");
    model_output(b, "next");
    model_output(b, "each");
    b->graph = outer;
    const char *operands = opset == 8 ? ",start,x" : "start,x";
    Onnx__Node *scan = model_node(b, "Scan", lengths ? "lengths,start,x" : operands, "last,all");
    node_graph(b, scan, "body", body);
    node_int(b, scan, "num_scan_inputs", 1);
    model_output(b, "last");
    model_output(b, "all");
}

TEST(scan_since_9)
{
    struct builder b = builder_start(11);
    model_input(&b, "x", ELEMENT_F32, "3,2");
    model_tensor(&b, "start", ELEMENT_F32, "2", REALS(0, 100));
    build_scan(&b, 11, false);
    struct graph *graph = model_graph(&b);
    const struct graph_value *all = &graph->values[graph->outputs[1]];
    CHECK(all->shape_known && all->shape.rank == 2 && all->shape.dim[0] == 3 &&
          all->shape.dim[1] == 2);
    CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5, 6), 9, 112, 1, 102, 4, 106, 9, 112);
    builder_end(&b);
}

/* Sums of a batch, each from its start and, where there are lengths, over its length. */
static struct builder scan_of_8(const char *dims, const char *start_dims, const double *start,
                                const double *lengths)
{
    struct builder b = builder_start(8);
    model_input(&b, "x", ELEMENT_F32, dims);
    model_tensor(&b, "start", ELEMENT_F32, start_dims, start);
    if (lengths != NULL)
        model_tensor(&b, "lengths", ELEMENT_I64, "2", lengths);
    build_scan(&b, 8, lengths != NULL);
    return b;
}

TEST(scan_of_8_has_a_batch_of_one)
{
    struct builder b = scan_of_8("1,3,2", "1,2", REALS(0, 100), NULL);
    CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5, 6), 9, 112, 1, 102, 4, 106, 9, 112);
    builder_end(&b);
}

TEST(scan_of_8_runs_each_element_of_a_batch_to_its_length)
{
    static const double start[] = {0, 100, 10, 200};
    struct builder b = scan_of_8("2,2,2", "2,2", start, REALS(2, 1));
    CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5, 6, 7, 8), 4, 106, 15, 206, 1, 102, 4, 106, 15, 206, 0, 0);
    builder_end(&b);
    b = scan_of_8("2,2,2", "2,2", start, REALS(2, 3));
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "a length of 3, with sequences of 2");
    builder_end(&b);
}

TEST(scan_of_8_needs_something_in_its_batch)
{
    struct builder b = scan_of_8("0,3,2", "0,2", NULL, NULL);
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "a batch of none");
    builder_end(&b);
}

TEST(sequences_leave_no_trace)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_input(&b, "z", ELEMENT_F32, "2");
    model_node(&b, "SequenceConstruct", "x,z", "s");
    model_tensor(&b, "zero", ELEMENT_I64, "", REALS(0));
    model_tensor(&b, "last", ELEMENT_I64, "", REALS(-1));
    model_node(&b, "Neg", "x", "m");
    model_node(&b, "SequenceInsert", "s,m,zero", "t"); /* -x, x, z */
    model_node(&b, "SequenceErase", "t,last", "u");    /* -x, x */
    model_node(&b, "SequenceAt", "u,zero", "first");
    model_node(&b, "SequenceLength", "u", "n");
    node_int(&b, model_node(&b, "ConcatFromSequence", "t", "c"), "axis", 0);
    model_output(&b, "first");
    model_output(&b, "n");
    model_output(&b, "c");
    CHECK_MODEL(&b, REALS(1, 2, 3, 4), -1, -2, 2, -1, -2, 1, 2, 3, 4);
    builder_end(&b);
}

TEST(a_sequence_output_is_an_output_an_item)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "4");
    model_tensor(&b, "sizes", ELEMENT_I64, "", REALS(3));
    model_node(&b, "SplitToSequence", "x,sizes", "y");
    model_output(&b, "y");
    struct graph *graph = model_graph(&b);
    REQUIRE(graph->output_count == 2);
    CHECK_TEXT(graph->values[graph->outputs[0]].name, "y[0]");
    CHECK_TEXT(graph->values[graph->outputs[1]].name, "y[1]");
    CHECK_MODEL(&b, REALS(1, 2, 3, 4), 1, 2, 3, 4);
    builder_end(&b);
}

TEST(optionals_are_names)
{
    struct builder b = builder_start(18);
    model_input(&b, "x", ELEMENT_F32, "1");
    model_node(&b, "Optional", "x", "o");
    model_node(&b, "OptionalHasElement", "o", "has");
    model_node(&b, "OptionalHasElement", "", "none");
    model_node(&b, "OptionalGetElement", "o", "y");
    model_output(&b, "has");
    model_output(&b, "none");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(5), 1, 0, 5);
    builder_end(&b);
}

TEST(bodies_within_bodies_have_a_limit)
{
    struct builder b = builder_start(16);
    struct graph *graph;
    model_input(&b, "x", ELEMENT_F32, "1");
    model_input(&b, "c", ELEMENT_BOOL, "");
    Onnx__Graph *outer = b.graph, *body = model_body(&b);
    b.graph = body;
    model_node(&b, "Neg", "x", "r");
    model_output(&b, "r");
    /* Each level is the only branch of an If; 30 levels pass the nesting limit of the file, 100,
     * with ease. */
    for (int i = 0; i < 30; i++) {
        Onnx__Graph *next = model_body(&b);
        b.graph = next;
        Onnx__Node *node = model_node(&b, "If", "c", "r");
        node_graph(&b, node, "then_branch", body);
        model_output(&b, "r");
        body = next;
    }
    b.graph = outer;
    Onnx__Node *node = model_node(&b, "If", "c", "y");
    node_graph(&b, node, "then_branch", body);
    node_graph(&b, node, "else_branch", body);
    model_output(&b, "y");
    CHECK_STATUS(model_import_graph(&b, &graph), STATUS_BAD_INPUT, NULL);
    builder_end(&b);
}
