/* label: fast libs: sertn_3rd_protobuf_c */
/* Results whose size depends on elements have the size the file declares, or one of --max-dim. */
#include "frontend/import.h"

#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

static struct builder places_of(const char *declared)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "2,3");
    model_node(&b, "NonZero", "x", "places");
    model_node(&b, "Transpose", "places", "y");
    if (declared == NULL)
        model_output(&b, "places");
    else
        model_typed_output(&b, "places", ELEMENT_I64, declared);
    model_output(&b, "y");
    return b;
}

TEST(declared_size_is_exact)
{
    struct builder b = places_of("2,3");
    CHECK_MODEL(&b, REALS(1, 0, 2, 0, 0, 3), 0, 0, 1, 0, 2, 2, 0, 0, 0, 2, 1, 2);
    builder_end(&b);
}

TEST(a_size_that_nothing_says_is_that_of_the_data)
{
    struct builder b = places_of("2,found");
    struct import_sample sample = {"x",
                                   make_tensor(&b, ELEMENT_F32, "2,3", REALS(1, 0, 2, 0, 0, 3))};
    b.options.sample = &sample;
    b.options.sample_count = 1;
    struct graph *graph = model_graph(&b);
    CHECK_I64(graph->output_count, 2);
    CHECK(model_has_note(&b, "'places' has 3 results, as many as --data gives"));
    CHECK_MODEL(&b, REALS(1, 0, 2, 0, 0, 3), 0, 0, 1, 0, 2, 2, 0, 0, 0, 2, 1, 2);
    builder_end(&b);
}

/* The data runs through what is there by then, each node once. */
TEST(sizes_of_the_data_follow_from_one_another)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "2,3");
    model_node(&b, "NonZero", "x", "places");
    model_tensor(&b, "two", ELEMENT_I64, "", REALS(2));
    model_node(&b, "Mul", "places,two", "twice");
    model_node(&b, "NonZero", "twice", "again");
    model_node(&b, "NonZero", "x", "same");
    model_output(&b, "again");
    model_output(&b, "same");
    struct import_sample sample = {"x",
                                   make_tensor(&b, ELEMENT_F32, "2,3", REALS(1, 0, 2, 0, 0, 3))};
    b.options.sample = &sample;
    b.options.sample_count = 1;
    CHECK_MODEL(&b, REALS(1, 0, 2, 0, 0, 3), 0, 1, 1, 2, 1, 2, 0, 0, 1, 0, 2, 2);
    builder_end(&b);
}

TEST(room_is_filled_with_zeros_and_counted)
{
    static const char *const names[] = {"places", "found"};
    for (int i = 0; i < 2; i++) {
        struct import_max_dim most = {names[i], 4};
        struct builder b = places_of(i == 0 ? NULL : "2,found");
        b.options.max_dim = &most;
        b.options.max_dim_count = 1;
        struct graph *graph = model_graph(&b);
        CHECK_I64(graph->output_count, 3);
        CHECK_TEXT(graph->values[graph->outputs[2]].name, "places_count");
        CHECK_MODEL(&b, REALS(1, 0, 2, 0, 0, 3), 0, 0, 1, 0, 0, 2, 2, 0, 0, 0, 0, 2, 1, 2, 0, 0, 3);
        builder_end(&b);
    }
}

TEST(bounds_have_to_name_a_result)
{
    struct import_max_dim most = {"y", 4};
    struct builder b = places_of("2,3");
    b.options.max_dim = &most;
    b.options.max_dim_count = 1;
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "--max-dim y: no operator of the main graph");
    builder_end(&b);
}

/* One region of an image of 4 by 4 in one bin, which takes a sample a pixel. */
static struct builder region_of(const char *mode)
{
    struct builder b = builder_start(16);
    model_tensor(&b, "x", ELEMENT_F32, "1,1,4,4",
                 REALS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    model_input(&b, "r", ELEMENT_F32, "1,4");
    model_tensor(&b, "n", ELEMENT_I64, "1", REALS(0));
    node_text(&b, model_node(&b, "RoiAlign", "x,r,n", "y"), "mode", mode);
    model_output(&b, "y");
    return b;
}

TEST(regions_take_no_more_samples_than_the_data_need)
{
    struct builder b = region_of("avg");
    struct import_sample sample = {"r", make_tensor(&b, ELEMENT_F32, "1,4", REALS(0, 0, 3, 2))};
    b.options.sample = &sample;
    b.options.sample_count = 1;
    struct graph *graph = model_graph(&b);
    CHECK(model_has_note(&b, "the bins of 'y' have up to 2 by 3 samples, as many as --data needs"));
    /* Samples at rows 0 and 1, columns 0, 1 and 2. */
    CHECK_MODEL(&b, REALS(0, 0, 3, 2), 3);
    /* Row 1 alone. */
    CHECK_MODEL(&b, REALS(0, 1, 3, 2), 5);
    /* Nothing. */
    CHECK_MODEL(&b, REALS(0, 2, 3, 1), 0);
    struct graph_values values;
    struct diag diag = {0};
    const struct tensor *in = make_tensor(&b, ELEMENT_F32, "1,4", REALS(0, 0, 3, 2.5));
    graph_values_init(&values, &b.arena);
    CHECK(graph_interpret(graph, &in, &values, &diag) == STATUS_BAD_INPUT);
    builder_end(&b);
}

TEST(regions_take_as_many_samples_as_there_is_room_for)
{
    struct import_max_dim most = {"y", 3};
    struct builder b = region_of("max");
    b.options.max_dim = &most;
    b.options.max_dim_count = 1;
    /* The largest weighted pixel: 7/12 of that in row 2, column 2. */
    CHECK_MODEL(&b, REALS(0, 0, 3, 2.5), 10.0 * 7 / 12);
    most.value = 1000;
    CHECK_REFUSED(&b, STATUS_LIMIT, "1000 by 1000 samples of a bin; up to 256");
    builder_end(&b);
}

TEST(regions_of_unknown_size_are_refused)
{
    struct builder b = region_of("avg");
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "give regions with --data, or the most samples");
    builder_end(&b);
}
