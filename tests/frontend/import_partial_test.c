/* label: fast libs: sertn_3rd_protobuf_c sertn_passes */
/* A model with problems: what neither failed nor hangs on what did is imported and judged all the
 * same, each problem is listed once, and nothing is said of what is unknown. */
#include <string.h>

#include "passes/pipeline.h"
#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

/* Imports a model that has problems, and lists what the passes refuse of the rest of it. */
static struct graph *judge(struct builder *b)
{
    struct graph *graph = NULL;
    struct diag diag = {0};
    CHECK(model_import_graph(b, &graph) != STATUS_OK);
    if (graph != NULL) {
        CHECK_STATUS(graph_validate(graph, &diag), STATUS_OK, &diag);
        pipeline_judge(graph, NULL, &b->arena, &b->problems);
    }
    return graph;
}

static void check_problems(const struct builder *b, const char *const *texts, size_t count)
{
    CHECK_MSG(b->problems.count == count, "%zu problems, not %zu; the last: %s", b->problems.count,
              count, b->problems.count > 0 ? b->problems.item[b->problems.count - 1].text : "none");
    for (size_t i = 0; i < count && i < b->problems.count; i++)
        CHECK_MSG(strstr(b->problems.item[i].text, texts[i]) != NULL, "problem %zu: %s", i,
                  b->problems.item[i].text);
}
#define PROBLEMS(b, ...)                                                                           \
    check_problems(b, (const char *const[]){__VA_ARGS__},                                          \
                   sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* A determinant of 11 rows, which does not lower. */
static void add_det(struct builder *b, const char *in, const char *out)
{
    model_input(b, in, ELEMENT_F32, "11,11");
    model_node(b, "Det", in, out);
}

TEST(nodes_beside_a_problem_are_judged)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2,3");
    model_node(&b, "Foo", "x", "f");
    node_int(&b, model_node(&b, "Softmax", "f", "y"), "axis", 7);
    add_det(&b, "m", "d");
    model_output(&b, "y");
    model_output(&b, "d");
    struct graph *graph = judge(&b);
    PROBLEMS(&b, "(Foo, ", "(Det, ");
    CHECK(graph != NULL && graph->input_count == 2 && graph->output_count == 1);
    builder_end(&b);
}

TEST(nodes_before_a_problem_are_judged_and_those_after_are_not)
{
    struct builder b = builder_start(17);
    add_det(&b, "m", "d");
    model_node(&b, "Foo", "d", "f");
    node_float(&b, model_node(&b, "Celu", "f", "y"), "alpha", -1);
    model_output(&b, "y");
    judge(&b);
    PROBLEMS(&b, "(Foo, ", "(Det, ");
    builder_end(&b);
}

/* Only the shape of the determinants is asked for. */
TEST(what_nothing_needs_is_not_judged)
{
    struct builder b = builder_start(17);
    model_input(&b, "m", ELEMENT_F32, "2,11,11");
    model_input(&b, "x", ELEMENT_F32, "1");
    model_node(&b, "Det", "m", "d");
    model_node(&b, "Shape", "d", "s");
    model_node(&b, "Expand", "x,s", "y");
    model_node(&b, "Foo", "x", "z");
    model_output(&b, "y");
    model_output(&b, "z");
    judge(&b);
    PROBLEMS(&b, "(Foo, ");
    builder_end(&b);
}

/* The node has been emitted by the time it fails: it is no problem twice, and what reads it is
 * unknown. */
TEST(a_node_that_fails_late_leaves_nothing)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "3");
    Onnx__Node *celu = model_node(&b, "Celu", "x", "c");
    node_float(&b, celu, "alpha", -1);
    node_float(&b, celu, "alpha", -1);
    node_int(&b, model_node(&b, "Softmax", "c", "y"), "axis", 7);
    model_output(&b, "y");
    struct graph *graph = judge(&b);
    PROBLEMS(&b, "is given twice");
    CHECK(graph != NULL && graph->node_count == 0);
    builder_end(&b);
}

TEST(bodies_with_a_broken_operand_are_looked_into)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2");
    add_det(&b, "m", "d");
    model_node(&b, "Foo", "x", "f");
    Onnx__Graph *outer = b.graph, *body = model_body(&b);
    b.graph = body;
    model_input(&b, "i", ELEMENT_I64, "");
    model_input(&b, "go", ELEMENT_BOOL, "");
    model_input(&b, "v", ELEMENT_F32, "2");
    model_node(&b, "Identity", "go", "go_on");
    model_node(&b, "Bar", "v", "w");
    model_output(&b, "go_on");
    model_output(&b, "w");
    b.graph = outer;
    model_tensor(&b, "n", ELEMENT_I64, "", REALS(3));
    node_graph(&b, model_node(&b, "Loop", "n,,f", "y"), "body", body);
    model_output(&b, "y");
    model_output(&b, "d");
    judge(&b);
    PROBLEMS(&b, "(Foo, ", "(Bar, ", "(Det, ");
    builder_end(&b);
}

TEST(functions_with_a_broken_operand_are_looked_into)
{
    struct builder b = builder_start(17);
    model_import(&b, "local", 1);
    Onnx__Graph *outer = b.graph, *body = model_body(&b);
    b.graph = body;
    model_node(&b, "Bar", "p", "q");
    model_node(&b, "Neg", "m", "n");
    model_node(&b, "Det", "n", "r");
    Onnx__Function *function = model_function(&b, "F", "p,m", "q,r");
    function->node = body->node;
    function->n_node = body->n_node;
    b.graph = outer;
    model_input(&b, "x", ELEMENT_F32, "2");
    model_input(&b, "m", ELEMENT_F32, "11,11");
    model_node(&b, "Foo", "x", "f");
    model_node_of(&b, "local", "F", "f,m", "y,z");
    model_output(&b, "y");
    model_output(&b, "z");
    judge(&b);
    PROBLEMS(&b, "(Foo, ", "(Bar, ", "(Det, ");
    builder_end(&b);
}

/* Which branch it takes is unknown. */
TEST(branches_of_a_broken_condition_are_not_looked_into)
{
    struct builder b = builder_start(17);
    Onnx__Graph *outer = b.graph, *yes = model_body(&b), *no = model_body(&b);
    b.graph = yes;
    model_node(&b, "Bar", "x", "r");
    model_output(&b, "r");
    b.graph = no;
    model_node(&b, "Neg", "x", "r");
    model_output(&b, "r");
    b.graph = outer;
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "Foo", "x", "f");
    Onnx__Node *node = model_node(&b, "If", "f", "y");
    node_graph(&b, node, "then_branch", yes);
    node_graph(&b, node, "else_branch", no);
    model_output(&b, "y");
    judge(&b);
    PROBLEMS(&b, "(Foo, ");
    builder_end(&b);
}

/* One node of the file, in two calls. */
TEST(a_node_that_fails_again_and_again_is_listed_once)
{
    struct builder b = builder_start(17);
    model_import(&b, "local", 1);
    Onnx__Graph *outer = b.graph, *body = model_body(&b);
    b.graph = body;
    model_node(&b, "Bar", "p", "q");
    Onnx__Function *function = model_function(&b, "F", "p", "q");
    function->node = body->node;
    function->n_node = body->n_node;
    b.graph = outer;
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node_of(&b, "local", "F", "x", "y");
    model_node_of(&b, "local", "F", "x", "z");
    model_node(&b, "Bar", "x", "t");
    model_output(&b, "y");
    model_output(&b, "z");
    model_output(&b, "t");
    judge(&b);
    PROBLEMS(&b, "/Bar_0' (Bar, ", "node 'Bar_2' (Bar, ");
    builder_end(&b);
}

/* Each of the rounds of a Loop over sequences is imported by itself. */
TEST(the_rounds_of_a_loop_over_sequences_are_listed_once)
{
    struct builder b = builder_start(17);
    Onnx__Graph *outer = b.graph, *body = model_body(&b);
    b.graph = body;
    model_input(&b, "i", ELEMENT_I64, "");
    model_input(&b, "go", ELEMENT_BOOL, "");
    model_list_input(&b, "v", "s", ELEMENT_F32, "2");
    model_node(&b, "Identity", "go", "go_on");
    model_node(&b, "Bar", "x", "t");
    model_node(&b, "SequenceInsert", "v,t", "w");
    model_output(&b, "go_on");
    model_output(&b, "w");
    b.graph = outer;
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "SequenceEmpty", "", "e");
    model_tensor(&b, "n", ELEMENT_I64, "", REALS(5));
    node_graph(&b, model_node(&b, "Loop", "n,,e", "s"), "body", body);
    node_int(&b, model_node(&b, "ConcatFromSequence", "s", "y"), "axis", 0);
    model_output(&b, "y");
    judge(&b);
    PROBLEMS(&b, "(Bar, ");
    builder_end(&b);
}

/* Whether the Loop goes on, and what it stacks, comes from a node that failed. */
TEST(a_loop_over_sequences_says_nothing_of_what_its_body_lacks)
{
    for (int stacks = 0; stacks < 2; stacks++) {
        struct builder b = builder_start(17);
        Onnx__Graph *outer = b.graph, *body = model_body(&b);
        b.graph = body;
        model_input(&b, "i", ELEMENT_I64, "");
        model_input(&b, "go", ELEMENT_BOOL, "");
        model_list_input(&b, "v", "s", ELEMENT_F32, "2");
        model_node(&b, stacks ? "Identity" : "Bar", "go", "go_on");
        model_node(&b, stacks ? "Bar" : "Identity", "x", "t");
        model_node(&b, "SequenceInsert", "v,x", "w");
        model_output(&b, "go_on");
        model_output(&b, "w");
        model_output(&b, "t");
        b.graph = outer;
        model_input(&b, "x", ELEMENT_F32, "2");
        model_node(&b, "SequenceEmpty", "", "e");
        model_tensor(&b, "n", ELEMENT_I64, "", REALS(5));
        node_graph(&b, model_node(&b, "Loop", "n,,e", "s,u"), "body", body);
        model_output(&b, "u");
        judge(&b);
        PROBLEMS(&b, "(Bar, ");
        builder_end(&b);
    }
}

/* SequenceMap of a body that fails, and what takes its items. */
TEST(a_sequence_with_unknown_items_is_unknown)
{
    struct builder b = builder_start(17);
    Onnx__Graph *outer = b.graph, *body = model_body(&b);
    b.graph = body;
    model_input(&b, "v", ELEMENT_F32, "2");
    model_node(&b, "Bar", "v", "w");
    model_output(&b, "w");
    b.graph = outer;
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "SequenceConstruct", "x,x,x", "s");
    node_graph(&b, model_node(&b, "SequenceMap", "s", "t"), "body", body);
    node_int(&b, model_node(&b, "ConcatFromSequence", "t", "y"), "axis", 0);
    model_output(&b, "t");
    model_output(&b, "y");
    judge(&b);
    PROBLEMS(&b, "(Bar, ");
    builder_end(&b);
}

/* Gradient names its tensors in attributes. */
TEST(a_gradient_of_what_failed_is_silent)
{
    struct builder b = builder_start(17);
    model_import(&b, "ai.onnx.preview.training", 1);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "Foo", "x", "f");
    Onnx__Node *gradient = model_node_of(&b, "ai.onnx.preview.training", "Gradient", "x", "y");
    node_texts(&b, gradient, "xs", "x");
    node_text(&b, gradient, "y", "f");
    model_output(&b, "y");
    judge(&b);
    PROBLEMS(&b, "(Foo, ");
    builder_end(&b);
}

TEST(inputs_beside_an_open_one_are_known)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "1,w");
    add_det(&b, "m", "d");
    node_float(&b, model_node(&b, "Celu", "x", "y"), "alpha", -1);
    model_tensor(&b, "c", ELEMENT_F32, "3,4", REALS(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    model_node(&b, "Add", "m,c", "z");
    model_output(&b, "y");
    model_output(&b, "z");
    model_output(&b, "d");
    struct graph *graph = judge(&b);
    PROBLEMS(&b, "--dim w=N", "do not broadcast", "(Det, ");
    CHECK(graph != NULL && graph->input_count == 1);
    builder_end(&b);
}

TEST(inputs_that_nobody_can_read_are_listed_with_the_nodes)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", (enum element_type)14, "2");
    model_input(&b, "y", (enum element_type)15, "2");
    add_det(&b, "m", "d");
    model_node(&b, "Neg", "x", "u");
    model_node(&b, "Foo", "y", "v");
    model_output(&b, "u");
    model_output(&b, "v");
    model_output(&b, "d");
    judge(&b);
    PROBLEMS(&b, "input 'x'", "input 'y'", "(Foo, ", "(Det, ");
    builder_end(&b);
}

/* What --max-dim names may be the result of a node that hangs on the problem. */
TEST(options_for_what_is_unknown_are_not_judged)
{
    struct builder b = builder_start(17);
    struct import_max_dim most = {"places", 2};
    b.options.max_dim = &most;
    b.options.max_dim_count = 1;
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "Foo", "x", "f");
    model_node(&b, "NonZero", "f", "places");
    model_output(&b, "places");
    judge(&b);
    PROBLEMS(&b, "(Foo, ");
    builder_end(&b);
}

/* A model without problems has no more outputs than it says, whatever its nodes leave open. */
TEST(a_whole_model_has_its_own_outputs)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "Neg", "x", "a");
    model_node(&b, "Dropout", "a", "y,mask");
    model_output(&b, "y");
    struct graph *graph = model_graph(&b);
    CHECK_U64(graph->output_count, 1);
    builder_end(&b);
}

/* ---- sentences ---- */

TEST(a_cycle_does_not_hide_the_rest)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "Add", "x,c", "a");
    model_node(&b, "Neg", "a", "b");
    node_int(&b, model_node(&b, "Softmax", "b", "c"), "axis", 7);
    model_node(&b, "Foo", "x", "z");
    add_det(&b, "m", "d");
    model_output(&b, "c");
    model_output(&b, "z");
    model_output(&b, "d");
    judge(&b);
    PROBLEMS(&b, "cycle", "(Foo, ", "(Det, ");
    builder_end(&b);
}

TEST(two_nodes_of_one_output_are_named)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "Neg", "x", "y")->name = arena_strdup(&b.arena, "first");
    model_node(&b, "Abs", "x", "y")->name = arena_strdup(&b.arena, "second");
    model_output(&b, "y");
    judge(&b);
    PROBLEMS(&b, "node 'second' (Abs): its output 'y' is the output of node 'first' (Neg) too");
    builder_end(&b);
}

TEST(all_inputs_that_nobody_defines_are_named)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "Sum", "here,x,there", "y");
    model_node(&b, "Neg", "nowhere", "z");
    model_output(&b, "y");
    model_output(&b, "z");
    judge(&b);
    PROBLEMS(&b, "its inputs 'here', 'there' are not defined", "its input 'nowhere' is not");
    builder_end(&b);
}

TEST(misspelt_operators_have_a_nearest_one)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node(&b, "Rellu", "x", "a");
    model_node(&b, "relu", "x", "b");
    model_node(&b, "Softmaks", "x", "c");
    model_node(&b, "Frobnicate", "x", "d");
    for (const char *const *name = (const char *const[]){"a", "b", "c", "d", NULL}; *name; name++)
        model_output(&b, *name);
    judge(&b);
    PROBLEMS(&b, "that is, is Relu:", "that is, is Relu:", "that is, is Softmax:", "--list-ops");
    builder_end(&b);
}

/* A node that hangs on a problem lacks its attribute all the same. */
TEST(missing_attributes_are_named)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "1,2,3");
    model_node(&b, "Foo", "x", "f");
    model_node(&b, "Concat", "x,f", "a");
    model_node(&b, "MaxPool", "x", "b");
    node_graph(&b, model_node(&b, "Scan", "x", "c"), "body", model_body(&b));
    model_node(&b, "TfIdfVectorizer", "x", "d");
    for (const char *const *name = (const char *const[]){"a", "b", "c", "d", NULL}; *name; name++)
        model_output(&b, *name);
    judge(&b);
    PROBLEMS(&b, "(Foo, ", "attribute 'axis' is missing", "attribute 'kernel_shape' is missing",
             "attribute 'num_scan_inputs' is missing",
             "attributes 'mode', 'min_gram_length', 'max_gram_length'");
    builder_end(&b);
}

/* Concat has had a default axis before opset 4, and has none since. */
TEST(attributes_are_missing_where_the_opset_asks_for_them)
{
    struct builder b = builder_start(3);
    model_input(&b, "x", ELEMENT_F32, "1,2");
    model_node(&b, "Concat", "x,x", "y");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(1, 2), 1, 2, 1, 2);
    builder_end(&b);
    b = builder_start(4);
    model_input(&b, "x", ELEMENT_F32, "1,2");
    model_node(&b, "Concat", "x,x", "y");
    model_output(&b, "y");
    judge(&b);
    PROBLEMS(&b, "attribute 'axis' is missing");
    builder_end(&b);
}

TEST(every_input_that_decides_a_shape_is_named)
{
    struct builder b = builder_start(17);
    model_input(&b, "from", ELEMENT_F32, "");
    model_input(&b, "to", ELEMENT_F32, "");
    model_tensor(&b, "by", ELEMENT_F32, "", REALS(1));
    model_node(&b, "Range", "from,to,by", "y");
    model_input(&b, "s", ELEMENT_STRING, "2");
    model_node(&b, "StringNormalizer", "s", "z");
    model_output(&b, "y");
    model_output(&b, "z");
    judge(&b);
    PROBLEMS(&b, "with --bind from=VALUE --bind to=VALUE", "inputs: string [2]");
    builder_end(&b);
}

/* Readers of a name that two nodes have are silent, and an input's name is no output's. */
TEST(names_that_are_taken_are_told_once)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2,3");
    model_node(&b, "TopK", "x,k", "v,v");
    model_tensor(&b, "k", ELEMENT_I64, "1", REALS(1));
    node_int(&b, model_node(&b, "Softmax", "v", "y"), "axis", 7);
    model_node(&b, "Neg", "x", "k");
    model_output(&b, "y");
    model_output(&b, "k");
    judge(&b);
    PROBLEMS(&b, "(TopK): its output 'v' is the output of node ",
             "output 'k' has the name of an input or initializer");
    builder_end(&b);
}

/* ---- bodies ---- */

/* A body whose other nodes read its own inputs, its initializers and values from outside. */
TEST(other_nodes_of_a_broken_body_are_judged)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_input(&b, "m", ELEMENT_F32, "11,11");
    model_node(&b, "Det", "m", "before");
    Onnx__Graph *outer = b.graph, *body = model_body(&b), *yes = model_body(&b),
                *no = model_body(&b);
    b.graph = body;
    model_input(&b, "i", ELEMENT_I64, "");
    model_input(&b, "go", ELEMENT_BOOL, "");
    model_input(&b, "v", ELEMENT_F32, "11,11");
    model_node(&b, "Identity", "go", "go_on");
    model_node(&b, "Add", "v,before", "t");
    model_node(&b, "Det", "t", "d")->name = arena_strdup(&b.arena, "within");
    model_node(&b, "Bar", "d", "e");
    model_node(&b, "Det", "e", "f");
    model_node(&b, "Add", "v,f", "w");
    model_output(&b, "go_on");
    model_output(&b, "w");
    b.graph = yes;
    model_node(&b, "Baz", "x", "r");
    model_output(&b, "r");
    b.graph = no;
    model_tensor(&b, "k", ELEMENT_F32, "11,11", (double[121]){1});
    model_node(&b, "Add", "m,k", "n");
    model_node(&b, "Det", "n", "q")->name = arena_strdup(&b.arena, "branch");
    model_node(&b, "Qux", "q", "r");
    model_output(&b, "r");
    b.graph = outer;
    model_tensor(&b, "n", ELEMENT_I64, "", REALS(3));
    node_graph(&b, model_node(&b, "Loop", "n,,m", "y"), "body", body);
    model_node(&b, "ReduceMax", "x", "s");
    node_int(&b, model_node(&b, "Cast", "s", "c"), "to", ELEMENT_BOOL);
    Onnx__Node *choice = model_node(&b, "If", "c", "z");
    node_graph(&b, choice, "then_branch", yes);
    node_graph(&b, choice, "else_branch", no);
    model_output(&b, "y");
    model_output(&b, "z");
    judge(&b);
    PROBLEMS(&b, "(Bar, ", "(Baz, ", "(Qux, ", "node Det_0 (Det", "/within (Det", "/branch (Det");
    builder_end(&b);
}

/* The slice depends on the round: its shape is known when it is unrolled. */
TEST(what_depends_on_the_round_is_not_judged)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "4");
    Onnx__Graph *outer = b.graph, *body = model_body(&b);
    b.graph = body;
    model_input(&b, "i", ELEMENT_I64, "1");
    model_input(&b, "go", ELEMENT_BOOL, "");
    model_input(&b, "v", ELEMENT_F32, "");
    model_node(&b, "Identity", "go", "go_on");
    model_tensor(&b, "zero", ELEMENT_I64, "1", REALS(0));
    model_tensor(&b, "one", ELEMENT_I64, "1", REALS(1));
    model_node(&b, "Reshape", "i,one", "j");
    model_node(&b, "Slice", "x,zero,j", "part");
    node_int(&b, model_node(&b, "ReduceSum", "part", "sum"), "keepdims", 0);
    model_node(&b, "Bar", "sum", "t");
    model_node(&b, "Add", "v,t", "w");
    model_output(&b, "go_on");
    model_output(&b, "w");
    b.graph = outer;
    model_tensor(&b, "n", ELEMENT_I64, "", REALS(3));
    model_tensor(&b, "start", ELEMENT_F32, "", REALS(0));
    node_graph(&b, model_node(&b, "Loop", "n,,start", "y"), "body", body);
    model_output(&b, "y");
    judge(&b);
    PROBLEMS(&b, "(Bar, ");
    builder_end(&b);
}
