/* label: fast libs: sertn_3rd_protobuf_c */
#include "frontend/import.h"

#include <math.h>
#include <string.h>

#include "ir/ops.h"
#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

TEST(gemm_of_every_age)
{
    for (int opset = 1; opset <= 28; opset++) {
        struct builder b = builder_start(opset);
        model_input(&b, "x", ELEMENT_F32, "1,2");
        model_tensor(&b, "w", ELEMENT_F32, "2,1", REALS(1, 2));
        model_tensor(&b, "c", ELEMENT_F32, "1", REALS(3));
        Onnx__Node *gemm = model_node(&b, "Gemm", "x,w,c", "y");
        if (opset < 7)
            node_int(&b, gemm, "broadcast", 1);
        node_float(&b, gemm, "alpha", 2);
        model_output(&b, "y");
        CHECK_MODEL(&b, REALS(5, 7), 2 * (5 + 14) + 3);
        builder_end(&b);
    }
}

TEST(old_operands_are_aligned_at_their_axis)
{
    struct builder b = builder_start(6);
    model_input(&b, "x", ELEMENT_F32, "2,3,2");
    model_tensor(&b, "c", ELEMENT_F32, "3", REALS(10, 20, 30));
    Onnx__Node *add = model_node(&b, "Add", "x,c", "y");
    node_int(&b, add, "broadcast", 1);
    node_int(&b, add, "axis", 1);
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), 10, 11, 22, 23, 34, 35, 16, 17, 28,
                29, 40, 41);
    builder_end(&b);
}

TEST(old_axis_that_does_not_fit_is_named)
{
    struct builder b = builder_start(6);
    struct graph *graph;
    model_input(&b, "x", ELEMENT_F32, "2,3");
    model_input(&b, "c", ELEMENT_F32, "3");
    Onnx__Node *add = model_node(&b, "Mul", "x,c", "y");
    node_int(&b, add, "broadcast", 1);
    node_int(&b, add, "axis", 2);
    model_output(&b, "y");
    CHECK_STATUS(model_import_graph(&b, &graph), STATUS_BAD_INPUT, NULL);
    CHECK(model_has_problem(
        &b, "node 'Mul_0' (Mul, ai.onnx opset 6; inputs: float32 [2, 3], float32 [3]): axis 2"));
    builder_end(&b);
}

TEST(attributes_that_became_operands)
{
    struct builder b = builder_start(9);
    model_input(&b, "x", ELEMENT_F32, "1,4");
    Onnx__Node *slice = model_node(&b, "Slice", "x", "s");
    node_ints(&b, slice, "starts", INTS(1));
    node_ints(&b, slice, "ends", INTS(4));
    node_ints(&b, slice, "axes", INTS(1));
    Onnx__Node *clip = model_node(&b, "Clip", "s", "c");
    node_float(&b, clip, "min", -1);
    node_float(&b, clip, "max", 2.5);
    Onnx__Node *pad = model_node(&b, "Pad", "c", "p");
    node_ints(&b, pad, "pads", INTS(0, 1, 0, 0));
    node_float(&b, pad, "value", 9);
    Onnx__Node *unsqueeze = model_node(&b, "Unsqueeze", "p", "u");
    node_ints(&b, unsqueeze, "axes", INTS(0, 3));
    Onnx__Node *squeeze = model_node(&b, "Squeeze", "u", "q");
    node_ints(&b, squeeze, "axes", INTS(0, 1, 3));
    Onnx__Node *split = model_node(&b, "Split", "q", "a,b");
    node_ints(&b, split, "split", INTS(1, 3));
    Onnx__Node *sum = model_node(&b, "ReduceSum", "b", "r");
    node_ints(&b, sum, "axes", INTS(0));
    node_int(&b, sum, "keepdims", 0);
    Onnx__Node *top = model_node(&b, "TopK", "b", "t,i");
    node_int(&b, top, "k", 2);
    model_output(&b, "a");
    model_output(&b, "r");
    model_output(&b, "t");
    model_output(&b, "i");
    CHECK_MODEL(&b, REALS(7, -5, 1, 3), 9, -1 + 1 + 2.5, 2.5, 1, 2, 1);
    builder_end(&b);
}

TEST(softmax_before_13_goes_over_all_later_axes)
{
    double e = exp(1), sum = 1 + 3 * e;
    for (int opset = 12; opset <= 13; opset++) {
        struct builder b = builder_start(opset);
        model_input(&b, "x", ELEMENT_F32, "1,2,2");
        node_int(&b, model_node(&b, "Softmax", "x", "y"), "axis", 1);
        model_output(&b, "y");
        if (opset == 12)
            CHECK_MODEL(&b, REALS(0, 1, 1, 1), 1 / sum, e / sum, e / sum, e / sum);
        else
            CHECK_MODEL(&b, REALS(0, 1, 1, 1), 1 / (1 + e), 0.5, e / (1 + e), 0.5);
        builder_end(&b);
    }
}

TEST(cast_of_opset_1_spells_its_type)
{
    struct builder b = builder_start(5);
    model_input(&b, "x", ELEMENT_F32, "2");
    node_text(&b, model_node(&b, "Cast", "x", "y"), "to", "INT64");
    model_output(&b, "y");
    struct graph *graph = model_graph(&b);
    CHECK(graph->values[graph->outputs[0]].type == ELEMENT_I64);
    builder_end(&b);
}

TEST(upsample_is_a_resize)
{
    struct builder b = builder_start(7);
    model_input(&b, "x", ELEMENT_F32, "1,1,1,2");
    Onnx__Node *up = model_node(&b, "Upsample", "x", "y");
    node_floats(&b, up, "scales", FLOATS(1, 1, 2, 2));
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(3, 4), 3, 3, 4, 4, 3, 3, 4, 4);
    builder_end(&b);
}

TEST(dropout_keeps_everything_and_says_so)
{
    for (int opset = 9; opset <= 12; opset++) {
        struct builder b = builder_start(opset);
        model_input(&b, "x", ELEMENT_F32, "2");
        model_node(&b, "Dropout", "x", "y,mask");
        model_output(&b, "y");
        model_output(&b, "mask");
        CHECK_MODEL(&b, REALS(4, -5), 4, -5, 1, 1);
        builder_end(&b);
    }
}

TEST(dropout_has_to_know_whether_it_trains)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_input(&b, "train", ELEMENT_BOOL, "");
    model_node(&b, "Dropout", "x,,train", "y");
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "training_mode with --bind");
    builder_end(&b);
}

TEST(norms_by_decomposition)
{
    struct builder b = builder_start(18);
    model_input(&b, "x", ELEMENT_F32, "2,2");
    Onnx__Node *l1 = model_node(&b, "LpNormalization", "x", "a");
    node_int(&b, l1, "p", 1);
    model_node(&b, "ReduceL1", "x", "b");
    model_node(&b, "ReduceL2", "x", "c");
    model_node(&b, "Mean", "x,x", "d");
    model_output(&b, "a");
    model_output(&b, "b");
    model_output(&b, "c");
    model_output(&b, "d");
    CHECK_MODEL(&b, REALS(3, -4, 0, 0), 3.0 / 7, -4.0 / 7, 0, 0, 7, 5, 3, -4, 0, 0);
    builder_end(&b);
}

TEST(constants_of_every_kind)
{
    struct builder b = builder_start(13);
    node_float(&b, model_node(&b, "Constant", "", "a"), "value_float", 1.5);
    node_floats(&b, model_node(&b, "Constant", "", "b"), "value_floats", FLOATS(2, 3));
    node_int(&b, model_node(&b, "Constant", "", "c"), "value_int", 4);
    node_ints(&b, model_node(&b, "Constant", "", "d"), "value_ints", INTS(5, 6));
    node_tensor(&b, model_node(&b, "Constant", "", "e"), "value", ELEMENT_F64, "1", REALS(7));
    for (const char *name = "abcde"; *name != 0; name++)
        model_output(&b, (char[]){*name, 0});
    struct graph *graph = model_graph(&b);
    size_t parameters = 0;
    for (size_t i = 0; i < graph->value_count; i++)
        parameters += graph->values[i].kind == VALUE_PARAMETER;
    CHECK_U64(parameters, 3); /* the float ones are private, the integers are structure */
    CHECK_MODEL(&b, REALS(0), 1.5, 2, 3, 4, 5, 6, 7);
    builder_end(&b);
}

TEST(nodes_may_come_in_any_order)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "1");
    model_node(&b, "Neg", "c", "y");
    model_node(&b, "Exp", "b", "c");
    model_node(&b, "Add", "x,x", "b");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(1), -exp(2));
    builder_end(&b);
}

TEST(cycles_are_reported)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "1");
    model_node(&b, "Add", "x,c", "b");
    model_node(&b, "Neg", "b", "c");
    model_output(&b, "c");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "cycle");
    builder_end(&b);
}

TEST(dead_nodes_do_no_harm)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "1");
    model_node(&b, "Frobnicate", "x", "dead");
    model_node(&b, "Neg", "x", "y");
    model_output(&b, "y");
    struct graph *graph = model_graph(&b);
    CHECK_U64(graph->node_count, 1);
    builder_end(&b);
}

TEST(all_problems_come_at_once)
{
    struct builder b = builder_start(13);
    struct graph *graph;
    model_input(&b, "x", ELEMENT_F32, "1,2");
    model_node(&b, "Frobnicate", "x", "a");
    model_node_of(&b, "com.example", "Scale", "x", "b");
    model_node(&b, "Add", "x,nowhere", "c");
    model_tensor(&b, "w", ELEMENT_F32, "3,1", REALS(1, 2, 3));
    model_node(&b, "MatMul", "x,w", "d");
    model_node(&b, "Sum", "a,b,c,d", "y");
    model_output(&b, "y");
    CHECK_STATUS(model_import_graph(&b, &graph), STATUS_UNSUPPORTED, NULL);
    CHECK_U64(b.problems.count, 4); /* and none for Sum, whose operands are to blame */
    CHECK(model_has_problem(
        &b, "'Frobnicate_0' (Frobnicate, ai.onnx opset 13; inputs: float32 [1, 2])"));
    CHECK(model_has_problem(&b, "the domain com.example"));
    CHECK(model_has_problem(&b, "'nowhere' is not defined"));
    CHECK(model_has_problem(&b, "float32 [1, 2], float32 [3, 1]"));
    builder_end(&b);
}

TEST(opset_imports_may_be_sloppy)
{
    struct builder b = builder_start(11);
    model_import(&b, "", 13);
    model_import(&b, "com.unused", 7);
    model_input(&b, "x", ELEMENT_F32, "1");
    model_node_of(&b, "ai.onnx", "Neg", "x", "y");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(2), -2);
    CHECK(model_has_note(&b, "imported twice"));
    builder_end(&b);
}

TEST(inputs_that_repeat_initializers_are_not_inputs)
{
    struct builder b = builder_start(9);
    b.model->ir_version = 3;
    model_input(&b, "x", ELEMENT_F32, "2");
    model_input(&b, "w", ELEMENT_F32, "2");
    model_tensor(&b, "w", ELEMENT_F32, "2", REALS(10, 20));
    model_node(&b, "Add", "x,w", "y");
    model_output(&b, "y");
    struct graph *graph = model_graph(&b);
    CHECK_U64(graph->input_count, 1);
    CHECK_MODEL(&b, REALS(1, 2), 11, 22);
    builder_end(&b);
}

TEST(output_handed_through_keeps_its_name)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "1");
    model_node(&b, "Identity", "x", "y");
    model_node(&b, "Neg", "x", "z");
    model_output(&b, "y");
    model_output(&b, "z");
    struct graph *graph = model_graph(&b);
    REQUIRE(graph->output_count == 2);
    CHECK_TEXT(graph->values[graph->outputs[0]].name, "y");
    CHECK_TEXT(graph->values[graph->outputs[1]].name, "z");
    CHECK_MODEL(&b, REALS(2), 2, -2);
    builder_end(&b);
}

TEST(functions_are_inlined_with_their_attributes)
{
    struct builder b = builder_start(13);
    model_import(&b, "local", 1);
    Onnx__Function *function = model_function(&b, "Leaky", "a", "r");
    /* The function's nodes are built in a graph of their own and moved over. */
    Onnx__Graph *main_graph = b.graph;
    b.graph = model_body(&b);
    node_refer(&b, model_node(&b, "LeakyRelu", "a", "t"), "alpha", "slope",
               ONNX__ATTRIBUTE__ATTRIBUTE_KIND__FLOAT);
    model_node(&b, "Add", "t,t", "r");
    function->node = b.graph->node;
    function->n_node = b.graph->n_node;
    b.graph = main_graph;
    model_input(&b, "x", ELEMENT_F32, "2");
    node_float(&b, model_node_of(&b, "local", "Leaky", "x", "y"), "slope", 0.5);
    model_node_of(&b, "local", "Leaky", "x",
                  "z"); /* without the attribute: the operator's own default */
    model_output(&b, "y");
    model_output(&b, "z");
    CHECK_MODEL(&b, REALS(3, -4), 6, -4, 6, -0.08);
    builder_end(&b);
}

TEST(a_function_that_calls_itself_is_refused)
{
    struct builder b = builder_start(13);
    model_import(&b, "local", 1);
    Onnx__Function *function = model_function(&b, "Again", "a", "r");
    Onnx__Graph *main_graph = b.graph;
    b.graph = model_body(&b);
    model_node_of(&b, "local", "Again", "a", "r");
    function->node = b.graph->node;
    function->n_node = b.graph->n_node;
    b.graph = main_graph;
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node_of(&b, "local", "Again", "x", "y");
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "calls itself");
    builder_end(&b);
}

TEST(shape_arithmetic_is_followed)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "2,3,4");
    model_node(&b, "Shape", "x", "s");
    model_tensor(&b, "zero", ELEMENT_I64, "1", REALS(0));
    model_tensor(&b, "rest", ELEMENT_I64, "1", REALS(-1));
    model_node(&b, "Gather", "s,zero", "n");
    node_int(&b, model_node(&b, "Concat", "n,rest", "t"), "axis", 0);
    model_node(&b, "Reshape", "x,t", "y");
    model_output(&b, "y");
    struct graph *graph = model_graph(&b);
    const struct graph_value *y = &graph->values[graph->outputs[0]];
    CHECK(y->shape_known && y->shape.rank == 2 && y->shape.dim[0] == 2 && y->shape.dim[1] == 12);
    builder_end(&b);
}

TEST(attributes_are_checked)
{
    struct builder b = builder_start(13);
    struct graph *graph;
    model_input(&b, "x", ELEMENT_F32, "2");
    Onnx__Node *relu = model_node(&b, "Relu", "x", "a");
    node_int(&b, relu, "unknown", 1);
    Onnx__Node *soft = model_node(&b, "Softmax", "a", "y");
    node_text(&b, soft, "axis", "last");
    model_output(&b, "y");
    CHECK_STATUS(model_import_graph(&b, &graph), STATUS_BAD_INPUT, NULL);
    CHECK(model_has_note(&b, "attribute 'unknown' has no meaning"));
    CHECK(model_has_problem(&b, "attribute 'axis' has the wrong kind"));
    builder_end(&b);
}

TEST(unused_model_names_do_not_matter)
{
    /* Empty names at the end are absent operands; the same model packed twice gives the same graph.
     */
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_tensor(&b, "high", ELEMENT_F32, "", REALS(1));
    model_node(&b, "Clip", "x,,high", "y");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(-7, 5), -7, 1);
    builder_end(&b);
}

static struct builder resized(const char *dims, const char *rank, const double *by)
{
    struct builder b = builder_start(10);
    model_input(&b, "x", ELEMENT_F32, dims);
    model_tensor(&b, "scales", ELEMENT_F32, rank, by);
    model_node(&b, "Resize", "x,scales", "y");
    model_output(&b, "y");
    return b;
}

/* Resize of opset 10 rounds coordinates up where it shrinks; sizes and places are those of float32.
 */
TEST(old_resizes_round_as_runtimes_do)
{
    struct builder b = resized("1,1,2,4", "4", REALS(1, 1, 0.6, 0.6));
    CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5, 6, 7, 8), 1, 3);
    builder_end(&b);
    b = resized("5", "1", REALS(2.6));
    CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5), 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5);
    builder_end(&b);
}

/* A start before the first element is the first, backwards too. */
TEST(slices_begin_within_the_axis)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "3");
    model_tensor(&b, "starts", ELEMENT_I64, "1", REALS(-5));
    model_tensor(&b, "ends", ELEMENT_I64, "1", REALS(-7));
    model_tensor(&b, "axes", ELEMENT_I64, "1", REALS(0));
    model_tensor(&b, "steps", ELEMENT_I64, "1", REALS(-2));
    model_node(&b, "Slice", "x,starts,ends,axes,steps", "y");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(4, 5, 6), 4);
    builder_end(&b);
}

TEST(experimental_operators_of_old_exporters)
{
    struct builder b = builder_start(3);
    model_input(&b, "x", ELEMENT_F32, "1,2,3,2");
    Onnx__Node *scaler = model_node(&b, "ImageScaler", "x", "scaled");
    node_float(&b, scaler, "scale", 2);
    node_floats(&b, scaler, "bias", (const double[]){10, 20}, 2);
    Onnx__Node *crop = model_node(&b, "Crop", "scaled", "cropped");
    node_ints(&b, crop, "border", (const int64_t[]){1, 0, 0, 1}, 4);
    Onnx__Node *affine = model_node(&b, "Affine", "cropped", "y");
    node_float(&b, affine, "alpha", 3);
    node_float(&b, affine, "beta", -1);
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), 3 * (2 * 1 + 10) - 1,
                3 * (2 * 3 + 10) - 1, 3 * (2 * 7 + 20) - 1, 3 * (2 * 9 + 20) - 1);
    builder_end(&b);
}

TEST(constants_are_filled_into_shapes)
{
    for (int kind = 0; kind < 3; kind++) {
        struct builder b = builder_start(6);
        model_input(&b, "x", ELEMENT_F32, "2");
        model_tensor(&b, "shape", ELEMENT_I64, "1", REALS(2));
        const char *const operands[] = {"shape", "x", ""};
        Onnx__Node *fill = model_node(&b, "ConstantFill", operands[kind], "filled");
        node_float(&b, fill, "value", 2.5);
        if (kind == 0)
            node_int(&b, fill, "input_as_shape", 1);
        if (kind == 1)
            node_ints(&b, fill, "extra_shape", (const int64_t[]){2}, 1);
        if (kind == 2)
            node_ints(&b, fill, "shape", (const int64_t[]){1, 2}, 2);
        model_node(&b, "Add", "filled,x", "y");
        model_output(&b, "y");
        if (kind == 1)
            CHECK_MODEL(&b, REALS(1, 2), 3.5, 4.5, 3.5, 4.5);
        else
            CHECK_MODEL(&b, REALS(1, 2), 3.5, 4.5);
        builder_end(&b);
    }
}

TEST(casts_of_old_files_spell_the_type_out)
{
    struct builder b = builder_start(6);
    model_input(&b, "x", ELEMENT_F32, "2");
    node_text(&b, model_node(&b, "Cast", "x", "y"), "to", "INT32");
    model_output(&b, "y");
    struct graph *graph = model_graph(&b);
    CHECK(graph->values[graph->outputs[0]].type == ELEMENT_I32);
    CHECK_MODEL(&b, REALS(1.5, -2.5), 1, -2);
    builder_end(&b);
}

static struct builder transposed_to(const int64_t shape[3])
{
    struct builder b = builder_start(8);
    model_input(&b, "x", ELEMENT_F32, "1,1,2");
    model_tensor(&b, "w", ELEMENT_F32, "1,1,2", REALS(1, 10));
    Onnx__Node *node = model_node(&b, "ConvTranspose", "x,w", "y");
    node_ints(&b, node, "output_shape", shape, 3);
    node_ints(&b, node, "strides", (const int64_t[]){2}, 1);
    model_output(&b, "y");
    return b;
}

TEST(transposed_convolutions_may_say_the_whole_shape)
{
    struct builder b = transposed_to((const int64_t[]){1, 1, 4});
    CHECK_MODEL(&b, REALS(1, 2), 1, 10, 2, 20);
    builder_end(&b);
    b = transposed_to((const int64_t[]){7, 1, 4});
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "output_shape says a batch of 7 and 1 channels");
    builder_end(&b);
    b = transposed_to((const int64_t[]){1, 2, 4});
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "output_shape says a batch of 1 and 2 channels");
    builder_end(&b);
}

/* spatial = 0: statistics for every position. */
static struct builder positions_of(const char *dims)
{
    struct builder b = builder_start(7);
    model_input(&b, "x", ELEMENT_F32, "2,1,2");
    model_tensor(&b, "scale", ELEMENT_F32, "1,2", REALS(2, 3));
    model_tensor(&b, "bias", ELEMENT_F32, "1,2", REALS(10, 20));
    model_tensor(&b, "mean", ELEMENT_F32, dims, REALS(1, 2));
    model_tensor(&b, "var", ELEMENT_F32, "1,2", REALS(3, 15));
    Onnx__Node *node = model_node(&b, "BatchNormalization", "x,scale,bias,mean,var", "y");
    node_int(&b, node, "spatial", 0);
    node_float(&b, node, "epsilon", 1);
    model_output(&b, "y");
    return b;
}

TEST(batch_normalization_of_positions)
{
    struct builder b = positions_of("1,2");
    CHECK_MODEL(&b, REALS(1, 2, 3, 6), 10, 20, 12, 23);
    builder_end(&b);
    /* These would broadcast. */
    static const char *const others[] = {"2", "2,1", "1,1"};
    for (size_t i = 0; i < 3; i++) {
        b = positions_of(others[i]);
        CHECK_REFUSED(&b, STATUS_BAD_INPUT, "input 3 has the shape of one element of the batch");
        builder_end(&b);
    }
}

TEST(crops_beyond_the_image_are_refused)
{
    static const int64_t borders[][4] = {
        {0, 0, 0, 3}, {0, -1, 0, 0}, {2, 0, 0, 0}, {0, 0, INT64_MIN, 0}, {0, INT64_MAX, 0, 0}};
    for (size_t i = 0; i < sizeof borders / sizeof *borders; i++) {
        for (int with_scale = 0; with_scale < 2; with_scale++) {
            struct builder b = builder_start(3);
            model_input(&b, "x", ELEMENT_F32, "1,1,3,2");
            Onnx__Node *crop = model_node(&b, "Crop", "x", "y");
            node_ints(&b, crop, "border", borders[i], 4);
            if (with_scale)
                node_ints(&b, crop, "scale", (const int64_t[]){INT64_MAX, 1}, 2);
            model_output(&b, "y");
            CHECK_REFUSED(&b, STATUS_BAD_INPUT, "the border leaves nothing of axis");
            builder_end(&b);
        }
    }
}

/* Pads below zero cut the ends off before the rest is a torus. */
TEST(a_torus_is_what_is_left_of_it)
{
    struct builder b = builder_start(19);
    model_input(&b, "x", ELEMENT_F32, "5");
    model_tensor(&b, "p", ELEMENT_I64, "2", REALS(-1, 4));
    node_text(&b, model_node(&b, "Pad", "x,p", "y"), "mode", "wrap");
    model_tensor(&b, "q", ELEMENT_I64, "2", REALS(1, -2));
    node_text(&b, model_node(&b, "Pad", "x,q", "z"), "mode", "wrap");
    model_output(&b, "y");
    model_output(&b, "z");
    CHECK_MODEL(&b, REALS(0, 1, 2, 3, 4), 1, 2, 3, 4, 1, 2, 3, 4, 2, 0, 1, 2);
    builder_end(&b);
}
