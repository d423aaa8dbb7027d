/* label: fast libs: sertn_3rd_protobuf_c */
/* Gradient against differences of the function itself. */
#include "frontend/import.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

#define TRAINING "ai.onnx.preview.training"

/* x [2, 3] and w [3, 2], float64, from -1 .. 1 and away from corners. */
static const double at[12] = {0.3, -0.7, 0.5, 0.9, -0.2, 0.6, 0.4, -0.5, 0.8, 0.25, -0.35, 0.75};

/* Nodes that make y of x and w. */
typedef void build_fn(struct builder *b);

static struct builder start(build_fn *build)
{
    struct builder b = builder_start(18);
    model_import(&b, TRAINING, 1);
    model_input(&b, "x", ELEMENT_F64, "2,3");
    model_input(&b, "w", ELEMENT_F64, "3,2");
    build(&b);
    return b;
}

/* The sum of all elements of y at a point. */
static double value_at(build_fn *build, const double *point)
{
    struct builder b = start(build);
    model_output(&b, "y");
    struct tensor **out = model_run(&b, model_graph(&b), point);
    double sum = 0;
    for (size_t i = 0; i < out[0]->count; i++)
        sum += out[0]->data.real[i];
    builder_end(&b);
    return sum;
}

static void check_gradient(const char *name, build_fn *build)
{
    struct builder b = start(build);
    Onnx__Node *node = model_node_of(&b, TRAINING, "Gradient", "x,w", "dx,dw");
    node_texts(&b, node, "xs", "x,w");
    node_text(&b, node, "y", "y");
    model_output(&b, "dx");
    model_output(&b, "dw");
    struct tensor **out = model_run(&b, model_graph(&b), at);
    for (size_t i = 0; i < 12; i++) {
        double point[12], step = 1e-5;
        memcpy(point, at, sizeof point);
        point[i] = at[i] + step;
        double above = value_at(build, point);
        point[i] = at[i] - step;
        double want = (above - value_at(build, point)) / (2 * step);
        double got = out[i / 6]->data.real[i % 6];
        CHECK_MSG(fabs(got - want) < 1e-6 * (1 + fabs(want)), "%s: %zu is %.9g, not %.9g", name, i,
                  got, want);
    }
    builder_end(&b);
}

static void build_arithmetic(struct builder *b)
{
    model_tensor(b, "two", ELEMENT_F64, "1", REALS(2));
    model_node(b, "Transpose", "w", "t");
    model_node(b, "Mul", "x,t", "p");
    model_node(b, "Sub", "p,x", "d");
    model_node(b, "Div", "d,t", "q");
    model_node(b, "Neg", "q", "m");
    model_node(b, "Pow", "m,two", "s");
    model_node(b, "Sum", "s,x,two", "y");
}

static void build_products(struct builder *b)
{
    model_node(b, "MatMul", "x,w", "m");
    Onnx__Node *gemm = model_node(b, "Gemm", "x,x,m", "g");
    node_int(b, gemm, "transB", 1);
    node_float(b, gemm, "alpha", 0.5);
    node_float(b, gemm, "beta", 3);
    gemm = model_node(b, "Gemm", "w,g", "h");
    node_int(b, model_node(b, "Softmax", "h", "y0"), "axis", 0);
    model_node(b, "Mul", "y0,w", "y");
}

static void build_functions(struct builder *b)
{
    static const char *const names[] = {"Exp",       "Sigmoid",  "Tanh",      "Sin",
                                        "Cos",       "Softplus", "Erf",       "Relu",
                                        "LeakyRelu", "Abs",      "Reciprocal"};
    model_node(b, "Identity", "x", "f0");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char from[40], to[40];
        snprintf(to, sizeof to, "g%zu", i);
        model_node(b, names[i], "x", to);
        snprintf(from, sizeof from, "f%zu,g%zu", i, i);
        snprintf(to, sizeof to, "f%zu", i + 1);
        model_node(b, "Add", from, to);
    }
    model_node(b, "Abs", "w", "a");
    model_node(b, "Log", "a", "l");
    model_node(b, "Sqrt", "a", "r");
    model_node(b, "Mul", "l,r", "lr");
    model_node(b, "Transpose", "lr", "t");
    model_node(b, "Mul", "f11,t", "y");
}

static void build_movement(struct builder *b)
{
    model_tensor(b, "one", ELEMENT_I64, "1", REALS(1));
    model_tensor(b, "last", ELEMENT_I64, "1", REALS(-1));
    model_tensor(b, "shape", ELEMENT_I64, "2", REALS(2, 3));
    model_tensor(b, "wide", ELEMENT_I64, "3", REALS(2, 2, 3));
    model_tensor(b, "half", ELEMENT_F64, "", REALS(0.5));
    model_node(b, "Reshape", "w,shape", "r");
    node_int(b, model_node(b, "Concat", "x,r", "c"), "axis", 0);
    node_int(b, model_node(b, "ReduceMean", "c,one", "m"), "keepdims", 0);
    model_node(b, "ReduceSum", "c,last", "s");
    model_node(b, "Unsqueeze", "r,one", "u");
    model_node(b, "Expand", "u,wide", "e");
    model_node(b, "Mul", "e,x", "ex");
    model_node(b, "ReduceSum", "ex", "t");
    model_node(b, "Greater", "x,r", "bigger");
    model_node(b, "Where", "bigger,x,r", "v");
    model_node(b, "Mul", "v,v", "v2");
    model_node(b, "ReduceSum", "v2", "z");
    model_node(b, "Mul", "m,m", "m2");
    model_node(b, "Mul", "s,m2", "sm");
    model_node(b, "Add", "sm,t", "y0");
    model_node(b, "Add", "y0,z", "y");
}

TEST(derivatives_agree_with_differences)
{
    check_gradient("arithmetic", build_arithmetic);
    check_gradient("products", build_products);
    check_gradient("functions", build_functions);
    check_gradient("movement", build_movement);
}

/* d = x + x by an x of rank 0, the gradient node before what it differentiates. */
TEST(a_gradient_may_stand_before_its_function)
{
    struct builder b = builder_start(12);
    model_import(&b, TRAINING, 1);
    model_input(&b, "a", ELEMENT_F32, "");
    model_input(&b, "b", ELEMENT_F32, "");
    Onnx__Node *node = model_node_of(&b, TRAINING, "Gradient", "a,b", "da,db");
    node_texts(&b, node, "xs", "a,b");
    node_text(&b, node, "y", "d");
    model_node(&b, "Mul", "c,a", "d");
    model_node(&b, "Add", "a,b", "c");
    model_output(&b, "da");
    model_output(&b, "db");
    CHECK_MODEL(&b, REALS(1, 2), 4, 1);
    builder_end(&b);
}

TEST(what_y_does_not_depend_on_has_derivative_zero)
{
    struct builder b = builder_start(12);
    model_import(&b, TRAINING, 1);
    model_input(&b, "a", ELEMENT_F32, "2");
    model_input(&b, "b", ELEMENT_F32, "2");
    model_node(&b, "Mul", "b,b", "y");
    Onnx__Node *node = model_node_of(&b, TRAINING, "Gradient", "a,b", "da,");
    node_texts(&b, node, "xs", "a,b");
    node_text(&b, node, "y", "y");
    model_output(&b, "da");
    CHECK_MODEL(&b, REALS(1, 2, 3, 4), 0, 0);
    builder_end(&b);
}

/* An intermediate tensor among xs is a variable of its own. */
TEST(tensors_of_xs_are_independent)
{
    struct builder b = builder_start(12);
    model_import(&b, TRAINING, 1);
    model_input(&b, "a", ELEMENT_F32, "");
    model_node(&b, "Mul", "a,a", "h");
    model_node(&b, "Mul", "h,a", "y");
    Onnx__Node *node = model_node_of(&b, TRAINING, "Gradient", "a,h", "da,dh");
    node_texts(&b, node, "xs", "a,h");
    node_text(&b, node, "y", "y");
    model_output(&b, "da");
    model_output(&b, "dh");
    CHECK_MODEL(&b, REALS(3), 9, 3);
    builder_end(&b);
}

static void refuse_gradient(const char *op, const char *inputs, const char *xs, const char *y,
                            const char *says)
{
    struct builder b = builder_start(18);
    struct graph *graph;
    model_import(&b, TRAINING, 1);
    model_input(&b, "a", ELEMENT_F32, "2");
    model_input(&b, "b", ELEMENT_F32, "2");
    model_node(&b, op, "a", "c");
    Onnx__Node *node = model_node_of(&b, TRAINING, "Gradient", inputs, "da");
    node_texts(&b, node, "xs", xs);
    node_text(&b, node, "y", y);
    model_output(&b, "da");
    CHECK(model_import_graph(&b, &graph) != STATUS_OK);
    CHECK_MSG(model_has_problem(&b, says), "%s", says);
    builder_end(&b);
}

TEST(what_cannot_be_differentiated_is_refused)
{
    refuse_gradient("Acosh", "a", "a", "c", "the derivative of Acosh");
    refuse_gradient("Exp", "b", "a", "c", "its input 0 is another tensor than 'a'");
    refuse_gradient("Exp", "a", "a", "nowhere", "it names a tensor 'nowhere'");
    refuse_gradient("Exp", "a,b", "a", "c", "2 inputs and 1 outputs for 1 xs");
}
