/* label: fast libs: sertn_runtime */
/* What scales and shifts channels goes into the convolution before it, and only where that changes
 * nothing. */
#include "passes/fuse_channels.h"

#include <math.h>

#include "ir/graph_interpret.h"
#include "passes/infer_shapes.h"
#include "tests/passes/lower_kit.h"

/* x [1, 2, 5, 5], a convolution with 4 filters in `groups`, and what comes behind. */
struct model {
    struct kit kit;
    uint32_t convolved, last;
};

static void begin(struct model *m, int groups, bool has_bias)
{
    kit_init(&m->kit);
    uint32_t in[3] = {kit_input(&m->kit, "x", ELEMENT_F32, kit_shape(4, 1, 2, 5, 5)),
                      kit_random_parameter(&m->kit, "w", kit_shape(4, 4, 2 / groups, 3, 3), 1),
                      GRAPH_NONE};
    if (has_bias)
        in[2] = kit_random_parameter(&m->kit, "b", kit_shape(1, 4), 1);
    m->convolved = m->last = kit_node(&m->kit, OP_CONV, in, has_bias ? 3 : 2);
    kit_attribute_int(&m->kit, "group", groups);
}

static void normalise(struct model *m)
{
    double variance[4];
    for (size_t c = 0; c < 4; c++)
        variance[c] = fabs(kit_random(2));
    struct shape line = kit_shape(1, 4);
    uint32_t in[5] = {m->last, kit_random_parameter(&m->kit, "scale", line, 2),
                      kit_random_parameter(&m->kit, "shift", line, 2),
                      kit_random_parameter(&m->kit, "mean", line, 2),
                      kit_parameter(&m->kit, "variance", line, variance)};
    m->last = kit_node(&m->kit, OP_BATCH_NORMALIZATION, in, 5);
    kit_attribute_float(&m->kit, "epsilon", 1e-2);
}

static void apply(struct model *m, enum op_kind op, struct shape stored, bool is_first)
{
    uint32_t number = kit_random_parameter(&m->kit, "number", stored, 2);
    m->last = is_first ? kit_binary(&m->kit, op, number, m->last)
                       : kit_binary(&m->kit, op, m->last, number);
}

static const struct tensor *outputs(struct model *m, const struct tensor *x)
{
    struct graph_values values;
    struct diag diag = {0};
    graph_values_init(&values, &m->kit.arena);
    REQUIRE_OK(graph_interpret(m->kit.graph, &x, &values, &diag), &diag);
    return values.item[m->kit.graph->outputs[0]];
}

/* Runs the pass and holds the result to what the graph gave before; how many nodes fused. */
static size_t fuse(struct model *m)
{
    struct diag diag = {0};
    struct diag_list problems = {0};
    struct graph *graph = m->kit.graph;
    bool changed = false;
    size_t fused = 0;
    enum op_kind was[8];
    kit_output(&m->kit, m->last);
    REQUIRE(pass_infer_shapes(graph, &problems) == STATUS_OK);
    for (size_t n = 0; n < graph->node_count; n++)
        was[n] = graph->nodes[n].op;
    const struct tensor *x = kit_random_tensor(&m->kit, kit_shape(4, 1, 2, 5, 5), 2),
                        *before = outputs(m, x);
    REQUIRE_OK(pass_fuse_channels(graph, &changed, &diag), &diag);
    REQUIRE_OK(graph_validate(graph, &diag), &diag);
    const struct tensor *after = outputs(m, x);
    CHECK_U64(after->count, before->count);
    for (size_t i = 0; i < after->count; i++)
        CHECK_MSG(fabs(after->data.real[i] - before->data.real[i]) <=
                      1e-4 * (1 + fabs(before->data.real[i])),
                  "element %zu: %g, before %g", i, after->data.real[i], before->data.real[i]);
    for (size_t n = 0; n < graph->node_count; n++)
        fused += graph->nodes[n].op != was[n];
    CHECK(changed == (fused > 0));
    for (size_t n = 0; n < graph->node_count; n++)
        if (graph->nodes[n].op == OP_CONV)
            CHECK(graph->values[graph->nodes[n].inputs[1]].kind == VALUE_PARAMETER);
    kit_release(&m->kit);
    return fused;
}

TEST(a_normalisation_goes_into_the_weights)
{
    struct model m;
    for (int groups = 1; groups <= 2; groups++) {
        begin(&m, groups, groups == 1);
        normalise(&m);
        CHECK_U64(fuse(&m), 1);
    }
}

TEST(factors_and_addends_of_channels_go_into_the_weights)
{
    struct model m;
    begin(&m, 2, false);
    apply(&m, OP_MUL, kit_shape(3, 4, 1, 1), false);
    apply(&m, OP_ADD, kit_shape(4, 1, 4, 1, 1), true);
    CHECK_U64(fuse(&m), 1);
    begin(&m, 1, true);
    apply(&m, OP_ADD, kit_shape(1, 1), false);
    normalise(&m);
    CHECK_U64(fuse(&m), 2);
}

TEST(numbers_that_differ_within_a_channel_stay)
{
    struct model m;
    begin(&m, 1, false);
    apply(&m, OP_MUL, kit_shape(1, 3), false);
    CHECK_U64(fuse(&m), 0);
    begin(&m, 1, false);
    apply(&m, OP_ADD, kit_shape(4, 1, 4, 3, 1), false);
    CHECK_U64(fuse(&m), 0);
}

TEST(a_convolution_that_something_else_reads_stays)
{
    struct model m;
    begin(&m, 1, true);
    normalise(&m);
    m.last = kit_binary(&m.kit, OP_ADD, m.last, m.convolved);
    CHECK_U64(fuse(&m), 0);
}

TEST(the_circuit_gives_what_the_model_says)
{
    struct model m;
    const struct tensor *x[1];
    begin(&m, 2, true);
    normalise(&m);
    m.last = kit_unary(&m.kit, OP_RELU, m.last);
    kit_output(&m.kit, m.last);
    for (int i = 0; i < 4; i++) {
        x[0] = kit_random_tensor(&m.kit, kit_shape(4, 1, 2, 5, 5), 2);
        kit_set(&m.kit, x);
    }
    kit_run(&m.kit);
    for (size_t n = 0; n < m.kit.graph->node_count; n++)
        CHECK(m.kit.graph->nodes[n].op != OP_BATCH_NORMALIZATION);
    kit_compare(&m.kit, x, 1e-4, 1e-3);
    kit_release(&m.kit);
}
