/* label: fast libs: sertn_3rd_protobuf_c */
#include "frontend/import.h"

#include <stdio.h>
#include <string.h>

#include "ir/ops.h"
#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

#define TENSOR_OF(...)                                                                             \
    {                                                                                              \
        .kind = VALUE_TREE_TENSOR, .shape = { __VA_ARGS__ }                                        \
    }

static struct value_tree list_of(struct value_tree *item, size_t count)
{
    return (struct value_tree){.kind = VALUE_TREE_LIST, .item = item, .count = count};
}

TEST(the_items_of_a_sequence_are_inputs_of_their_own)
{
    struct value_tree item[2] = {TENSOR_OF(1, {2}), TENSOR_OF(1, {3})}, tree = list_of(item, 2);
    struct builder b = builder_start(17);
    model_list_input(&b, "x", "s", ELEMENT_F32, "N");
    node_int(&b, model_node(&b, "ConcatFromSequence", "x", "y"), "axis", 0);
    model_output(&b, "y");
    b.options.trees = &tree;
    struct graph *graph = model_graph(&b);
    CHECK_U64(graph->input_count, 2);
    CHECK_TEXT(graph->values[graph->inputs[1]].name, "x[1]");
    CHECK_TEXT(graph->values[graph->inputs[1]].sequence, "x");
    CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5), 1, 2, 3, 4, 5);
    builder_end(&b);
}

TEST(a_sequence_of_sequences_keeps_its_levels)
{
    struct value_tree leaf[3] = {TENSOR_OF(1, {1}), TENSOR_OF(1, {1}), TENSOR_OF(1, {1})};
    struct value_tree item[2] = {list_of(leaf, 1), list_of(leaf + 1, 2)}, tree = list_of(item, 2);
    struct builder b = builder_start(17);
    model_list_input(&b, "x", "ss", ELEMENT_F32, "1");
    model_tensor(&b, "one", ELEMENT_I64, "", REALS(1));
    model_node(&b, "SequenceAt", "x,one", "inner");
    model_node(&b, "SequenceAt", "inner,one", "y");
    model_output(&b, "y");
    b.options.trees = &tree;
    struct graph *graph = model_graph(&b);
    CHECK_TEXT(graph->values[graph->inputs[2]].name, "x[1][1]");
    CHECK_MODEL(&b, REALS(7, 8, 9), 9);
    builder_end(&b);
}

TEST(an_empty_optional_is_no_input)
{
    for (int present = 0; present < 2; present++) {
        struct value_tree tree = TENSOR_OF(1, {2});
        struct builder b = builder_start(18);
        tree.kind = present ? VALUE_TREE_TENSOR : VALUE_TREE_NOTHING;
        model_list_input(&b, "x", "o", ELEMENT_F32, "2");
        model_node(&b, "OptionalHasElement", "x", "y");
        model_output(&b, "y");
        b.options.trees = &tree;
        struct graph *graph = model_graph(&b);
        CHECK_U64(graph->input_count, (size_t)present);
        CHECK_MODEL(&b, REALS(5, 6), present);
        builder_end(&b);
    }
}

TEST(a_sequence_without_data_is_refused_with_what_to_do)
{
    struct builder b = builder_start(17);
    model_list_input(&b, "x", "s", ELEMENT_F32, "N");
    node_int(&b, model_node(&b, "ConcatFromSequence", "x", "y"), "axis", 0);
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "input 'x' is a sequence; give inputs with --data");
    builder_end(&b);
}

/* y: the items of x, each with its position added; s: their doubles, stacked. */
static void build_loop(struct builder *b, const char *rounds)
{
    Onnx__Graph *outer = b->graph, *body = model_body(b);
    b->graph = body;
    model_input(b, "i", ELEMENT_I64, "");
    model_input(b, "go", ELEMENT_BOOL, "");
    model_list_input(b, "so_far", "s", ELEMENT_F32, "2");
    model_node(b, "Identity", "go", "go_on");
    model_node(b, "SequenceAt", "x,i", "item");
    node_int(b, model_node(b, "Cast", "i", "place"), "to", ELEMENT_F32);
    model_node(b, "Add", "item,place", "sum");
    model_node(b, "SequenceInsert", "so_far,sum", "longer");
    model_node(b, "Add", "item,item", "double");
    model_output(b, "go_on");
    model_output(b, "longer");
    model_output(b, "double");
    b->graph = outer;
    model_node(b, "SequenceEmpty", "", "none");
    char inputs[40];
    snprintf(inputs, sizeof inputs, "%s,,none", rounds);
    node_graph(b, model_node(b, "Loop", inputs, "y,s"), "body", body);
    model_output(b, "y");
    model_output(b, "s");
}

TEST(a_loop_carries_a_sequence)
{
    struct value_tree item[2] = {TENSOR_OF(1, {2}), TENSOR_OF(1, {2})}, tree = list_of(item, 2);
    struct builder b = builder_start(17);
    model_list_input(&b, "x", "s", ELEMENT_F32, "2");
    model_node(&b, "SequenceLength", "x", "n");
    build_loop(&b, "n");
    b.options.trees = &tree;
    struct graph *graph = model_graph(&b);
    CHECK_U64(graph->output_count, 3);
    CHECK_TEXT(graph->values[graph->outputs[1]].name, "y[1]");
    CHECK_MODEL(&b, REALS(1, 2, 3, 4), 1, 2, 4, 5, 2, 4, 6, 8);
    builder_end(&b);
}

TEST(a_loop_over_sequences_takes_its_number_of_rounds_from_data)
{
    struct value_tree item[2] = {TENSOR_OF(1, {2}), TENSOR_OF(1, {2})};
    struct value_tree trees[2] = {list_of(item, 2), {.kind = VALUE_TREE_DECLARED}};
    struct builder b = builder_start(17);
    model_list_input(&b, "x", "s", ELEMENT_F32, "2");
    model_input(&b, "n", ELEMENT_I64, "");
    build_loop(&b, "n");
    b.options.trees = trees;
    struct graph *graph;
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "how often it runs depends on the input data");
    struct import_sample sample = {"n", make_tensor(&b, ELEMENT_I64, "", REALS(1))};
    b.options.sample = &sample;
    b.options.sample_count = 1;
    b.problems.count = 0;
    graph = model_graph(&b);
    CHECK_U64(graph->output_count, 2);
    CHECK(model_has_note(&b, "input 'n' has to be known at compile time"));
    builder_end(&b);
}

/* SequenceMap of in0 + in1, its second operand as asked for. */
static void build_map(struct builder *b, const char *second)
{
    Onnx__Graph *outer = b->graph, *body = model_body(b);
    b->graph = body;
    model_input(b, "in0", ELEMENT_F32, "N");
    model_input(b, "in1", ELEMENT_F32, "N");
    model_node(b, "Add", "in0,in1", "out0");
    model_output(b, "out0");
    b->graph = outer;
    char inputs[40];
    snprintf(inputs, sizeof inputs, "x,%s", second);
    node_graph(b, model_node(b, "SequenceMap", inputs, "y"), "body", body);
    model_output(b, "y");
}

TEST(sequence_map_runs_its_body_once_an_item)
{
    struct value_tree item[2] = {TENSOR_OF(1, {2}), TENSOR_OF(1, {1})};
    struct value_tree trees[2] = {list_of(item, 2), {.kind = VALUE_TREE_DECLARED}};
    struct builder b = builder_start(17);
    model_list_input(&b, "x", "s", ELEMENT_F32, "N");
    model_input(&b, "t", ELEMENT_F32, "1");
    build_map(&b, "t");
    b.options.trees = trees;
    CHECK_MODEL(&b, REALS(1, 2, 3, 10), 11, 12, 13);
    builder_end(&b);
}

TEST(sequence_map_pairs_items_and_refuses_other_lengths)
{
    struct value_tree item[3] = {TENSOR_OF(1, {1}), TENSOR_OF(1, {1}), TENSOR_OF(1, {1})};
    struct value_tree trees[2] = {list_of(item, 2), list_of(item, 2)};
    struct builder b = builder_start(17);
    model_list_input(&b, "x", "s", ELEMENT_F32, "N");
    model_list_input(&b, "z", "s", ELEMENT_F32, "N");
    build_map(&b, "z");
    b.options.trees = trees;
    CHECK_MODEL(&b, REALS(1, 2, 10, 20), 11, 22);
    trees[1].item = item;
    trees[1].count = 3;
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "its sequences have 2 and 3 items");
    builder_end(&b);
}

TEST(dropout_that_trains_with_ratio_zero_drops_nothing)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_tensor(&b, "r", ELEMENT_F32, "", REALS(0));
    model_tensor(&b, "t", ELEMENT_BOOL, "", REALS(1));
    model_node(&b, "Dropout", "x,r,t", "y,mask");
    model_output(&b, "y");
    model_output(&b, "mask");
    CHECK_U64(count_nodes(model_graph(&b), OP_MUL), 0);
    CHECK_MODEL(&b, REALS(3, 4), 3, 4, 1, 1);
    builder_end(&b);
}

/* The sequence of a branch: `count` items, item i the tensor `from` times or plus i + 2. */
static Onnx__Graph *branch_of(struct builder *b, const char *op, const char *from, size_t count)
{
    static const char *const numbers[] = {"two", "three", "four"};
    static const char *const items[] = {"a", "a,b", "a,b,c"};
    Onnx__Graph *outer = b->graph, *body = model_body(b);
    b->graph = body;
    for (size_t i = 0; i < count; i++) {
        double number = (double)i + 2;
        char in[40], out[2] = {(char)('a' + i), 0};
        model_tensor(b, numbers[i], ELEMENT_F32, "", &number);
        snprintf(in, sizeof in, "%s,%s", from, numbers[i]);
        model_node(b, op, in, out);
    }
    if (count == 0)
        model_node(b, "SequenceEmpty", "", "list");
    else
        model_node(b, "SequenceConstruct", items[count - 1], "list");
    model_output(b, "list");
    b->graph = outer;
    return body;
}

static void build_if(struct builder *b, Onnx__Graph *yes, Onnx__Graph *no)
{
    Onnx__Node *node = model_node(b, "If", "c", "y");
    node_graph(b, node, "then_branch", yes);
    node_graph(b, node, "else_branch", no);
}

TEST(if_of_an_unknown_condition_chooses_every_item)
{
    for (int yes = 0; yes < 2; yes++) {
        struct builder b = builder_start(17);
        model_input(&b, "x", ELEMENT_F32, "2");
        model_input(&b, "c", ELEMENT_BOOL, "");
        build_if(&b, branch_of(&b, "Add", "x", 2), branch_of(&b, "Mul", "x", 2));
        model_output(&b, "y");
        struct graph *graph = model_graph(&b);
        CHECK_U64(graph->output_count, 2);
        CHECK_TEXT(graph->values[graph->outputs[1]].name, "y[1]");
        if (yes)
            CHECK_MODEL(&b, REALS(5, 7, 1), 7, 9, 8, 10);
        else
            CHECK_MODEL(&b, REALS(5, 7, 0), 10, 14, 15, 21);
        builder_end(&b);
    }
}

/* Each branch hands one of two sequences of sequences through. */
TEST(if_chooses_within_sequences_of_sequences_from_outside)
{
    for (int yes = 0; yes < 2; yes++) {
        struct value_tree leaf[3] = {TENSOR_OF(1, {1}), TENSOR_OF(1, {1}), TENSOR_OF(1, {1})};
        struct value_tree item[2] = {list_of(leaf, 1), list_of(leaf + 1, 2)};
        struct value_tree trees[3] = {
            list_of(item, 2), list_of(item, 2), {.kind = VALUE_TREE_DECLARED}};
        struct builder b = builder_start(17);
        Onnx__Graph *outer = b.graph, *first = model_body(&b), *second = model_body(&b);
        model_list_input(&b, "x", "ss", ELEMENT_F32, "1");
        model_list_input(&b, "z", "ss", ELEMENT_F32, "1");
        model_input(&b, "c", ELEMENT_BOOL, "");
        b.graph = first;
        model_node(&b, "Identity", "x", "list");
        model_output(&b, "list");
        b.graph = second;
        model_node(&b, "Identity", "z", "list");
        model_output(&b, "list");
        b.graph = outer;
        build_if(&b, first, second);
        model_output(&b, "y");
        b.options.trees = trees;
        if (yes)
            CHECK_MODEL(&b, REALS(3, 4, 5, 6, 7, 8, 1), 3, 4, 5);
        else
            CHECK_MODEL(&b, REALS(3, 4, 5, 6, 7, 8, 0), 6, 7, 8);
        builder_end(&b);
    }
}

TEST(if_whose_branches_differ_in_structure_is_refused)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_input(&b, "c", ELEMENT_BOOL, "");
    build_if(&b, branch_of(&b, "Add", "x", 1), branch_of(&b, "Mul", "x", 3));
    model_node(&b, "SequenceLength", "y", "n");
    model_output(&b, "n");
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED,
                  "a sequence of 1 item in then_branch and a sequence of 3 items in "
                  "else_branch, and which of them depends on the input data; bind");
    builder_end(&b);
}

TEST(if_of_a_known_condition_may_give_sequences_of_any_length)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_tensor(&b, "c", ELEMENT_BOOL, "", REALS(0));
    build_if(&b, branch_of(&b, "Add", "x", 1), branch_of(&b, "Mul", "x", 3));
    model_node(&b, "SequenceLength", "y", "n");
    model_output(&b, "n");
    CHECK_MODEL(&b, REALS(1, 2), 3);
    builder_end(&b);
}

/* Nothing is chosen where there is nothing. */
TEST(if_between_empty_sequences_is_one)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_input(&b, "c", ELEMENT_BOOL, "");
    build_if(&b, branch_of(&b, "Add", "x", 0), branch_of(&b, "Mul", "x", 0));
    model_node(&b, "SequenceInsert", "y,x", "z");
    model_output(&b, "z");
    CHECK_U64(count_nodes(model_graph(&b), OP_IF), 0);
    CHECK_MODEL(&b, REALS(1, 2, 1), 1, 2);
    builder_end(&b);
}

/* s = [x, 2 x, x x] and a position p that is an input. */
static void build_position(struct builder *b)
{
    model_input(b, "x", ELEMENT_F32, "2");
    model_input(b, "p", ELEMENT_I64, "");
    model_node(b, "Add", "x,x", "double");
    model_node(b, "Mul", "x,x", "square");
    model_node(b, "SequenceConstruct", "x,double,square", "s");
}

/* Runs a graph of these inputs that has to refuse its data. */
static void check_no_run(struct builder *b, const double *x, double p)
{
    struct graph *graph = model_graph(b);
    struct graph_values values;
    struct diag diag = {0};
    const struct tensor *in[2] = {make_tensor(b, ELEMENT_F32, "2", x),
                                  make_tensor(b, ELEMENT_I64, "", &p)};
    graph_values_init(&values, &b->arena);
    CHECK(graph_interpret(graph, in, &values, &diag) == STATUS_BAD_INPUT);
}

TEST(a_computed_position_takes_one_of_the_items)
{
    struct builder b = builder_start(17);
    build_position(&b);
    model_node(&b, "SequenceAt", "s,p", "y");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(3, 5, 0), 3, 5);
    CHECK_MODEL(&b, REALS(3, 5, 2), 9, 25);
    CHECK_MODEL(&b, REALS(3, 5, -2), 6, 10);
    check_no_run(&b, REALS(3, 5), 3);
    check_no_run(&b, REALS(3, 5), -4);
    builder_end(&b);
}

/* A sample fixes no position that can stay an input. */
TEST(a_position_that_is_an_input_stays_one)
{
    struct builder b = builder_start(17);
    build_position(&b);
    model_node(&b, "SequenceAt", "s,p", "y");
    model_output(&b, "y");
    struct import_sample sample = {"p", make_tensor(&b, ELEMENT_I64, "", REALS(1))};
    b.options.sample = &sample;
    b.options.sample_count = 1;
    CHECK_U64(model_graph(&b)->input_count, 2);
    CHECK_MODEL(&b, REALS(3, 5, 0), 3, 5);
    builder_end(&b);
}

/* Three sequences of two items. */
TEST(a_computed_position_chooses_among_sequences)
{
    struct value_tree leaf[6], item[3];
    for (size_t i = 0; i < 6; i++)
        leaf[i] = (struct value_tree)TENSOR_OF(1, {1});
    for (size_t i = 0; i < 3; i++)
        item[i] = list_of(leaf + 2 * i, 2);
    struct value_tree trees[2] = {list_of(item, 3), {.kind = VALUE_TREE_DECLARED}};
    for (int erases = 0; erases < 2; erases++) {
        struct builder b = builder_start(17);
        model_list_input(&b, "x", "ss", ELEMENT_F32, "1");
        model_input(&b, "p", ELEMENT_I32, "1");
        model_node(&b, erases ? "SequenceErase" : "SequenceAt", "x,p", "y");
        model_output(&b, "y");
        b.options.trees = trees;
        if (erases) {
            CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5, 6, 1), 1, 2, 5, 6);
            CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5, 6, -1), 1, 2, 3, 4);
        } else {
            CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5, 6, 1), 3, 4);
            CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5, 6, -1), 5, 6);
        }
        builder_end(&b);
    }
}

TEST(a_computed_position_says_what_is_erased)
{
    struct builder b = builder_start(17);
    build_position(&b);
    model_node(&b, "SequenceErase", "s,p", "y");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(3, 5, 0), 6, 10, 9, 25);
    CHECK_MODEL(&b, REALS(3, 5, 1), 3, 5, 9, 25);
    CHECK_MODEL(&b, REALS(3, 5, -1), 3, 5, 6, 10);
    check_no_run(&b, REALS(3, 5), 3);
    check_no_run(&b, REALS(3, 5), -4);
    builder_end(&b);
}

TEST(a_computed_position_says_where_is_inserted)
{
    struct builder b = builder_start(17);
    build_position(&b);
    model_node(&b, "Neg", "x", "new");
    model_node(&b, "SequenceInsert", "s,new,p", "y");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(3, 5, 0), -3, -5, 3, 5, 6, 10, 9, 25);
    CHECK_MODEL(&b, REALS(3, 5, 1), 3, 5, -3, -5, 6, 10, 9, 25);
    CHECK_MODEL(&b, REALS(3, 5, 3), 3, 5, 6, 10, 9, 25, -3, -5);
    CHECK_MODEL(&b, REALS(3, 5, -1), 3, 5, 6, 10, -3, -5, 9, 25);
    CHECK_MODEL(&b, REALS(3, 5, -3), -3, -5, 3, 5, 6, 10, 9, 25);
    for (double p = 4; p < 9; p++) {
        check_no_run(&b, REALS(3, 5), p);
        check_no_run(&b, REALS(3, 5), -p);
    }
    builder_end(&b);
}

TEST(a_computed_position_among_items_of_different_shapes_is_refused)
{
    static const char *const op[3] = {"SequenceAt", "SequenceErase", "SequenceInsert"};
    for (size_t k = 0; k < 3; k++) {
        struct builder b = builder_start(17);
        model_input(&b, "x", ELEMENT_F32, "2");
        model_input(&b, "z", ELEMENT_F32, "3");
        model_input(&b, "f", ELEMENT_F32, "4");
        node_int(&b, model_node(&b, "ArgMax", "f", "p"), "keepdims", 0);
        model_node(&b, "SequenceConstruct", "x,x,z", "s");
        model_node(&b, op[k], k == 2 ? "s,x,p" : "s,p", "y");
        model_node(&b, k == 0 ? "Identity" : "SequenceLength", "y", "n");
        model_output(&b, "n");
        struct import_sample sample = {"f", make_tensor(&b, ELEMENT_F32, "4", REALS(0, 1, 0, 0))};
        b.options.sample = &sample;
        b.options.sample_count = 1;
        CHECK_REFUSED(&b, STATUS_UNSUPPORTED,
                      "items 0 and 2 differ in type or shape; bind the input that decides");
        builder_end(&b);
    }
}
