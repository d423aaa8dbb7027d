/* label: fast libs: sertn_3rd_protobuf_c */
/* Random operators: their numbers by hand from the generator, under every kind of seed. */
#include "frontend/import.h"

#include <math.h>
#include <string.h>

#include "ir/random_bits.h"
#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

enum { COUNT_MAX = 4096 };

static void uniform(double *u, size_t count, uint32_t seed, uint32_t stream)
{
    uint64_t key = random_key(seed, stream);
    for (size_t i = 0; i < count; i++)
        u[i] = random_number(key, (uint32_t)i) * 0x1p-24;
}

static void normal(double *z, size_t count, uint32_t seed, uint32_t stream)
{
    double u[2 * COUNT_MAX];
    uniform(u, 2 * count, seed, stream);
    for (size_t i = 0; i < count; i++)
        z[i] = sqrt(-2 * log(1 - u[i])) * cos(6.283185307179586 * u[count + i]);
}

static void check(int line, const struct tensor *y, const double *expected, size_t count)
{
    REQUIRE(y->count == count);
    for (size_t i = 0; i < count; i++)
        CHECK_MSG(fabs(tensor_real(y, i) - expected[i]) <= 4e-6 * fmax(1, fabs(expected[i])),
                  "line %d element %zu: %.9g, expected %.9g", line, i, tensor_real(y, i),
                  expected[i]);
}

static const struct tensor *result(struct builder *b, const double *in)
{
    return model_run(b, model_graph(b), in)[0];
}

TEST(uniform_numbers_lie_where_they_are_asked_for)
{
    double expected[6];
    struct builder b = builder_start(22);
    Onnx__Node *node = model_node(&b, "RandomUniform", "", "y");
    node_ints(&b, node, "shape", INTS(2, 3));
    node_float(&b, node, "low", -1);
    node_float(&b, node, "high", 3);
    b.options.seed = 11;
    model_output(&b, "y");
    uniform(expected, 6, 11, 1);
    for (int i = 0; i < 6; i++)
        expected[i] = 4 * expected[i] - 1;
    check(__LINE__, result(&b, NULL), expected, 6);
    CHECK(model_has_note(&b, "public seed"));
    builder_end(&b);
}

/* The pattern of the attribute is the seed, its stream 0, whatever --seed says. */
TEST(a_seed_of_the_node_comes_first)
{
    double expected[4];
    float seed = 2.5f;
    uint32_t bits;
    memcpy(&bits, &seed, sizeof bits);
    struct builder b = builder_start(15);
    model_input(&b, "x", ELEMENT_F32, "2,2");
    Onnx__Node *node = model_node(&b, "RandomNormalLike", "x", "y");
    node_float(&b, node, "mean", 10);
    node_float(&b, node, "scale", 2);
    node_float(&b, node, "seed", 2.5);
    b.options.seed = 99;
    model_output(&b, "y");
    normal(expected, 4, bits, 0);
    for (int i = 0; i < 4; i++)
        expected[i] = 2 * expected[i] + 10;
    check(__LINE__, result(&b, REALS(0, 0, 0, 0)), expected, 4);
    builder_end(&b);
}

/* Two nodes draw two streams; an input is the seed of both. */
TEST(an_input_is_the_seed)
{
    double first[3], second[3];
    struct builder b = builder_start(15);
    model_input(&b, "s", ELEMENT_I64, "");
    model_input(&b, "x", ELEMENT_F32, "3");
    model_node(&b, "RandomNormalLike", "x", "a");
    model_node(&b, "RandomUniformLike", "x", "c");
    model_node(&b, "Add", "a,c", "y");
    model_output(&b, "y");
    b.options.seed_input = "s";
    normal(first, 3, 5, 1);
    uniform(second, 3, 5, 2);
    for (int i = 0; i < 3; i++)
        first[i] += second[i];
    struct graph *graph = model_graph(&b);
    CHECK(count_nodes(graph, OP_RANDOM_BITS) == 2);
    check(__LINE__, model_run(&b, graph, REALS(5, 0, 0, 0))[0], first, 3);
    builder_end(&b);
}

TEST(a_seed_that_is_no_input_is_refused)
{
    struct builder b = builder_start(15);
    struct graph *graph;
    Onnx__Node *node = model_node(&b, "RandomUniform", "", "y");
    node_ints(&b, node, "shape", INTS(2));
    b.options.seed_input = "nothing";
    model_output(&b, "y");
    CHECK(model_import_graph(&b, &graph) != STATUS_OK);
    CHECK(model_has_problem(&b, "--seed names 'nothing'"));
    builder_end(&b);
}

TEST(bernoulli_draws_one_as_often_as_asked)
{
    static double p[COUNT_MAX], u[COUNT_MAX];
    double ones = 0;
    struct builder b = builder_start(15);
    model_input(&b, "p", ELEMENT_F32, "4096");
    node_int(&b, model_node(&b, "Bernoulli", "p", "y"), "dtype", ELEMENT_I32);
    model_output(&b, "y");
    for (int i = 0; i < COUNT_MAX; i++)
        p[i] = 0.25;
    uniform(u, COUNT_MAX, 0, 1);
    const struct tensor *y = result(&b, p);
    CHECK(y->type == ELEMENT_I32);
    for (int i = 0; i < COUNT_MAX; i++) {
        CHECK(y->data.integer[i] == (u[i] < 0.25));
        ones += (double)y->data.integer[i];
    }
    CHECK_MSG(fabs(ones - COUNT_MAX / 4.0) < 5 * sqrt(COUNT_MAX * 3.0 / 16), "%g ones", ones);
    builder_end(&b);
}

TEST(multinomial_draws_classes_by_their_weights)
{
    enum { DRAWS = 2000 };
    double in[6] = {0, log(2), log(5), log(7), 0, log(2)}, seen[2][3] = {{0}};
    struct builder b = builder_start(15);
    model_input(&b, "x", ELEMENT_F32, "2,3");
    Onnx__Node *node = model_node(&b, "Multinomial", "x", "y");
    node_int(&b, node, "sample_size", DRAWS);
    node_int(&b, node, "dtype", ELEMENT_I64);
    model_output(&b, "y");
    const struct tensor *y = result(&b, in);
    REQUIRE(y->count == 2 * DRAWS && y->type == ELEMENT_I64);
    for (int i = 0; i < 2 * DRAWS; i++) {
        REQUIRE(y->data.integer[i] >= 0 && y->data.integer[i] < 3);
        seen[i / DRAWS][y->data.integer[i]]++;
    }
    for (int row = 0; row < 2; row++) {
        double sum = exp(in[3 * row]) + exp(in[3 * row + 1]) + exp(in[3 * row + 2]);
        for (int k = 0; k < 3; k++) {
            double share = exp(in[3 * row + k]) / sum;
            CHECK_MSG(fabs(seen[row][k] - DRAWS * share) < 5 * sqrt(DRAWS * share * (1 - share)),
                      "row %d class %d: %g of %d", row, k, seen[row][k], DRAWS);
        }
    }
    builder_end(&b);
}

/* One class leaves nothing to draw. */
TEST(multinomial_of_one_class_is_zero)
{
    struct builder b = builder_start(15);
    model_input(&b, "x", ELEMENT_F32, "1,1");
    node_int(&b, model_node(&b, "Multinomial", "x", "y"), "sample_size", 3);
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(1), 0, 0, 0);
    builder_end(&b);
}

TEST(dropout_in_training_keeps_and_scales)
{
    double u[8], expected[16];
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "8");
    model_tensor(&b, "ratio", ELEMENT_F32, "", REALS(0.25));
    model_tensor(&b, "training", ELEMENT_BOOL, "", REALS(1));
    node_int(&b, model_node(&b, "Dropout", "x,ratio,training", "y,mask"), "seed", 6);
    model_output(&b, "y");
    model_output(&b, "mask");
    uniform(u, 8, 6, 0);
    for (int i = 0; i < 8; i++) {
        expected[8 + i] = u[i] >= 0.25;
        expected[i] = expected[8 + i] * 3 * (i + 1) / 0.75;
    }
    check_model(__FILE__, __LINE__, &b, REALS(3, 6, 9, 12, 15, 18, 21, 24), expected, 16);
    builder_end(&b);
}

TEST(normal_numbers_have_their_mean_and_variance)
{
    double sum = 0, squares = 0;
    struct builder b = builder_start(15);
    Onnx__Node *node = model_node(&b, "RandomNormal", "", "y");
    node_ints(&b, node, "shape", INTS(COUNT_MAX));
    model_output(&b, "y");
    const struct tensor *y = result(&b, NULL);
    for (int i = 0; i < COUNT_MAX; i++) {
        sum += y->data.real[i];
        squares += y->data.real[i] * y->data.real[i];
    }
    CHECK_MSG(fabs(sum) < 5 * sqrt(COUNT_MAX), "sum %g", sum);
    CHECK_MSG(fabs(squares - COUNT_MAX) < 5 * sqrt(2.0 * COUNT_MAX), "squares %g", squares);
    builder_end(&b);
}
