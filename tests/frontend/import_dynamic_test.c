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
