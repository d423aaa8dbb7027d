/* label: fast libs: sertn_3rd_protobuf_c */
#include "frontend/import.h"

#include <string.h>

#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

/* y = x + x for an input of these dimensions. */
static struct builder twice(const char *dims)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, dims);
    model_node(&b, "Add", "x,x", "y");
    model_output(&b, "y");
    return b;
}

static void check_shape(const struct graph *graph, uint32_t value, unsigned rank, int64_t first,
                        int64_t second)
{
    const struct graph_value *v = &graph->values[value];
    CHECK(v->shape_known && v->shape.rank == rank);
    CHECK_I64(v->shape.dim[0], first);
    CHECK_I64(v->shape.dim[1], second);
}

TEST(first_axis_becomes_one_and_a_note_says_so)
{
    struct builder b = twice("batch,4");
    struct graph *graph = model_graph(&b);
    check_shape(graph, graph->inputs[0], 2, 1, 4);
    CHECK(model_has_note(&b, "dimension 0 ('batch') of input 'x' is not bound and becomes 1"));
    builder_end(&b);
}

TEST(other_axes_have_to_be_bound)
{
    struct builder b = twice("batch,width");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT,
                  "dimension 1 ('width') of input 'x' is not bound; give --dim width=N");
    builder_end(&b);
    b = twice("?,?");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "dimension 1 of input 'x' is not bound; give --dim x:1=N");
    builder_end(&b);
}

TEST(dims_are_bound_by_name_and_by_place)
{
    const struct import_dim dims[] = {{"batch", 3}, {"x:1", 5}};
    struct builder b = twice("batch,?");
    b.options.dim = dims;
    b.options.dim_count = 2;
    struct graph *graph = model_graph(&b);
    check_shape(graph, graph->outputs[0], 2, 3, 5);
    builder_end(&b);
}

TEST(one_name_is_one_size)
{
    const struct import_dim dim = {"n", 7};
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "2,n");
    model_input(&b, "z", ELEMENT_F32, "2,n");
    model_node(&b, "Add", "x,z", "y");
    model_output(&b, "y");
    b.options.dim = &dim;
    b.options.dim_count = 1;
    struct graph *graph = model_graph(&b);
    check_shape(graph, graph->inputs[1], 2, 2, 7);
    builder_end(&b);
}

TEST(unknown_operators_are_listed_beside_an_unbound_dimension)
{
    struct builder b = builder_start(13);
    struct graph *graph;
    model_input(&b, "x", ELEMENT_F32, "2,width");
    model_node(&b, "Whistle", "x", "a");
    model_node(&b, "Relu", "a", "b");
    model_node_of(&b, "some.where", "Hum", "b", "y");
    model_output(&b, "y");
    CHECK_STATUS(model_import_graph(&b, &graph), STATUS_BAD_INPUT, NULL);
    CHECK(model_has_problem(&b, "dimension 1 ('width') of input 'x' is not bound"));
    CHECK(model_has_problem(&b, "Whistle"));
    CHECK(model_has_problem(&b, "the domain some.where has no such operator"));
    CHECK_U64(b.problems.count, 3);
    builder_end(&b);
}

TEST(unknown_dim_option_is_an_error)
{
    static const struct import_dim dims[] = {{"height", 3}, {"x:7", 3}, {"z:0", 3}};
    for (size_t i = 0; i < 3; i++) {
        struct builder b = twice("batch,4");
        b.options.dim = &dims[i];
        b.options.dim_count = 1;
        CHECK_REFUSED(&b, STATUS_BAD_INPUT, "no input has a dimension of that name");
        builder_end(&b);
    }
}

TEST(data_binds_dims_and_conflicts_with_options)
{
    const struct import_dim dim = {"batch", 3};
    for (int conflict = 0; conflict < 2; conflict++) {
        struct builder b = twice("batch,width");
        struct graph *graph;
        struct import_sample sample = {"x", make_tensor(&b, ELEMENT_F32, "2,4", (double[8]){0})};
        b.options.sample = &sample;
        b.options.sample_count = 1;
        b.options.dim = &dim;
        b.options.dim_count = (size_t)conflict;
        enum status status = model_import_graph(&b, &graph);
        CHECK_STATUS(status, conflict ? STATUS_BAD_INPUT : STATUS_OK, NULL);
        if (conflict)
            CHECK(model_has_problem(&b,
                                    "dimension 0 ('batch') of input 'x' is 3, but --data gives 2"));
        else
            check_shape(graph, graph->outputs[0], 2, 2, 4);
        builder_end(&b);
    }
}

TEST(data_of_another_rank_is_an_error)
{
    struct builder b = twice("batch,4");
    struct import_sample sample = {"x", make_tensor(&b, ELEMENT_F32, "4", (double[4]){0})};
    b.options.sample = &sample;
    b.options.sample_count = 1;
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "input 'x' has 2 dimensions, but --data gives it 1");
    builder_end(&b);
}

TEST(shapeless_input_takes_its_shape_from_data)
{
    struct builder b = twice(NULL);
    CHECK_REFUSED(&b, STATUS_BAD_INPUT,
                  "input 'x' has no shape in the model; give one with --data");
    builder_end(&b);
    b = twice(NULL);
    struct import_sample sample = {"x", make_tensor(&b, ELEMENT_F32, "2,2", (double[4]){0})};
    b.options.sample = &sample;
    b.options.sample_count = 1;
    CHECK_MODEL(&b, REALS(1, 2, 3, 4), 2, 4, 6, 8);
    builder_end(&b);
}

TEST(bound_inputs_are_constants)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "4");
    model_input(&b, "shape", ELEMENT_I64, "2");
    model_node(&b, "Reshape", "x,shape", "y");
    model_output(&b, "y");
    struct import_bind bind = {"shape", make_tensor(&b, ELEMENT_I64, "2", REALS(2, 2))};
    b.options.bind = &bind;
    b.options.bind_count = 1;
    struct graph *graph = model_graph(&b);
    CHECK_U64(graph->input_count, 1);
    check_shape(graph, graph->outputs[0], 2, 2, 2);
    builder_end(&b);
}

TEST(bind_is_checked)
{
    struct builder b = twice("2");
    struct graph *graph;
    struct import_bind binds[] = {{"nobody", make_tensor(&b, ELEMENT_F32, "2", REALS(1, 2))},
                                  {"x", make_tensor(&b, ELEMENT_I64, "2", REALS(1, 2))}};
    b.options.bind = binds;
    b.options.bind_count = 2;
    CHECK_STATUS(model_import_graph(&b, &graph), STATUS_BAD_INPUT, NULL);
    CHECK_U64(b.problems.count, 2);
    CHECK(model_has_problem(&b, "--bind nobody: the model has no input of that name"));
    CHECK(model_has_problem(&b, "--bind x: int64 elements where the input has float32"));
    builder_end(&b);
}

TEST(an_operand_that_decides_a_shape_is_asked_for)
{
    struct builder b = builder_start(13);
    struct graph *graph;
    model_input(&b, "x", ELEMENT_F32, "4");
    model_input(&b, "shape", ELEMENT_I64, "2");
    model_node(&b, "Reshape", "x,shape", "y");
    model_output(&b, "y");
    CHECK_STATUS(model_import_graph(&b, &graph), STATUS_UNSUPPORTED, NULL);
    CHECK(model_has_problem(
        &b, "depends on the model's input 'shape'; fix that input with --bind shape=VALUE"));
    builder_end(&b);
}

TEST(the_data_answers_when_it_can)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "4");
    model_input(&b, "shape", ELEMENT_I64, "2");
    model_node(&b, "Reshape", "x,shape", "y");
    model_output(&b, "y");
    struct import_sample samples[] = {{"x", make_tensor(&b, ELEMENT_F32, "4", (double[4]){0})},
                                      {"shape", make_tensor(&b, ELEMENT_I64, "2", REALS(2, -1))}};
    b.options.sample = samples;
    b.options.sample_count = 2;
    struct graph *graph = model_graph(&b);
    CHECK_U64(graph->input_count, 1);
    CHECK(model_has_note(&b,
                         "input 'shape' has to be known at compile time and is taken from --data"));
    check_shape(graph, graph->outputs[0], 2, 2, 2);
    builder_end(&b);
}

TEST(a_large_input_is_never_fixed_by_data)
{
    struct builder b = builder_start(13);
    struct graph *graph;
    model_input(&b, "x", ELEMENT_F32, "3,3");
    model_node(&b, "NonZero", "x", "n");
    model_node(&b, "Shape", "n", "s");
    model_node(&b, "Expand", "x,n", "y");
    model_output(&b, "y");
    struct import_sample sample = {"x", make_tensor(&b, ELEMENT_F32, "3,3", (double[9]){1})};
    b.options.sample = &sample;
    b.options.sample_count = 1;
    CHECK_STATUS(model_import_graph(&b, &graph), STATUS_UNSUPPORTED, NULL);
    builder_end(&b);
}

TEST(specs_tell_what_the_file_says)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "batch,?,4");
    model_input(&b, "w", ELEMENT_F32, "2");
    model_input(&b, "words", ELEMENT_STRING, "1");
    model_tensor(&b, "w", ELEMENT_F32, "2", REALS(1, 2));
    model_node(&b, "Identity", "x", "y");
    model_output(&b, "y");
    size_t bytes_count, count;
    const uint8_t *bytes = model_bytes(&b, &bytes_count);
    struct onnx_file file;
    struct value_spec *specs;
    struct diag diag = {0};
    REQUIRE_OK(onnx_load_bytes(&file, bytes, bytes_count, "model", &diag), &diag);
    REQUIRE_OK(import_inputs(&specs, &count, &file, NULL, &b.arena, &diag), &diag);
    onnx_release(&file);
    REQUIRE(count == 2);
    CHECK_TEXT(specs[0].name, "x");
    CHECK(specs[0].shape_known && specs[0].shape.rank == 3);
    CHECK_I64(specs[0].shape.dim[0], -1);
    CHECK_TEXT(specs[0].dim_symbol[0], "batch");
    CHECK_I64(specs[0].shape.dim[1], -1);
    CHECK(specs[0].dim_symbol[1] == NULL);
    CHECK_I64(specs[0].shape.dim[2], 4);
    CHECK(specs[1].type == ELEMENT_STRING);
    builder_end(&b);
}
