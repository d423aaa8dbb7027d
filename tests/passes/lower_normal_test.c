/* label: fast libs: sertn_runtime */
/* Normalisations and losses: every attribute, all outputs, hints and cells that cannot be changed.
 */
#include "tests/passes/lower_kit.h"
#include "tests/passes/tamper_kit.h"

/* What is tried with one model: an input x of a shape, perhaps labels, and the outputs of one node.
 */
struct model {
    struct kit kit;
    struct shape shape, label_shape;
    int classes; /* of the labels; 0: there are none */
    int64_t ignored;
    bool has_ignored;
};

static void begin(struct model *m, struct shape shape)
{
    *m = (struct model){.shape = shape};
    kit_init(&m->kit);
}

/* Adds a node with several outputs, all of them outputs of the graph. */
static void finish_node(struct model *m, enum op_kind op, const uint32_t *in, size_t in_count,
                        size_t out_count)
{
    static const char *const names[] = {"first", "second", "third"};
    uint32_t out[3];
    for (size_t k = 0; k < out_count; k++)
        out[k] = graph_add_value(m->kit.graph, names[k], VALUE_NODE, ELEMENT_UNDEFINED);
    graph_add_node(m->kit.graph, op, op_name(op), in, in_count, out, out_count);
    for (size_t k = 0; k < out_count; k++)
        kit_output(&m->kit, out[k]);
}

static void draw(struct model *m, const struct tensor **in)
{
    in[0] = kit_random_tensor(&m->kit, m->shape, 2);
    if (m->classes == 0)
        return;
    struct tensor *labels = tensor_new(&m->kit.arena, ELEMENT_I64, &m->label_shape);
    for (size_t i = 0; i < labels->count; i++) {
        labels->data.integer[i] = (int64_t)test_random_below((uint64_t)m->classes);
        if (m->has_ignored && i > 0 && test_random_below(4) == 0)
            labels->data.integer[i] = m->ignored;
        else if (labels->data.integer[i] == m->ignored && m->has_ignored)
            labels->data.integer[i] = (m->ignored + 1) % m->classes;
    }
    in[1] = labels;
}

static void try_model(struct model *m, bool tampers)
{
    const struct tensor *in[2];
    for (int i = 0; i < 30; i++) {
        draw(m, in);
        if (i < 20)
            kit_set(&m->kit, in);
        else
            kit_compare(&m->kit, in, 2e-5, 1e-3);
        if (i == 19)
            kit_run(&m->kit);
        if (i == 20) {
            kit_tamper_hints(&m->kit, in);
            if (tampers) {
                struct tamper_count count = kit_tamper_circuit(&m->kit, in, 60);
                CHECK(count.cells > 0 && count.results > 0);
            }
        }
    }
    kit_release(&m->kit);
}

static void layer(enum op_kind op, struct shape shape, struct shape scale, int axis, double epsilon,
                  size_t outputs, bool has_bias)
{
    struct model m;
    begin(&m, shape);
    uint32_t in[3] = {kit_input(&m.kit, "x", ELEMENT_F32, shape),
                      kit_random_parameter(&m.kit, "scale", scale, 2),
                      has_bias ? kit_random_parameter(&m.kit, "bias", scale, 1) : GRAPH_NONE};
    finish_node(&m, op, in, has_bias ? 3 : 2, outputs);
    kit_attribute_int(&m.kit, "axis", axis);
    kit_attribute_float(&m.kit, "epsilon", epsilon);
    try_model(&m, outputs == 3);
}

TEST(rows_are_brought_to_mean_and_deviation)
{
    layer(OP_LAYER_NORMALIZATION, kit_shape(2, 2, 3), kit_shape(1, 3), -1, 1e-5, 3, true);
    layer(OP_LAYER_NORMALIZATION, kit_shape(3, 2, 3, 4), kit_shape(2, 3, 4), 1, 0.1, 1, false);
    layer(OP_LAYER_NORMALIZATION, kit_shape(3, 2, 3, 4), kit_shape(1, 1), 0, 1e-3, 2, true);
    layer(OP_RMS_NORMALIZATION, kit_shape(2, 2, 3), kit_shape(1, 3), -1, 1e-5, 1, false);
    layer(OP_RMS_NORMALIZATION, kit_shape(3, 2, 3, 4), kit_shape(2, 3, 4), -2, 1e-2, 1, false);
}

/* The inverse deviation of a row that is nearly flat is far beyond what calibration saw, and no
 * more than epsilon says. */
TEST(flat_rows_have_a_deviation)
{
    struct model m;
    begin(&m, kit_shape(2, 2, 4));
    uint32_t in[3] = {kit_input(&m.kit, "x", ELEMENT_F32, m.shape),
                      kit_random_parameter(&m.kit, "scale", kit_shape(1, 4), 2), GRAPH_NONE};
    const struct tensor *set[1];
    finish_node(&m, OP_LAYER_NORMALIZATION, in, 2, 3);
    kit_attribute_float(&m.kit, "epsilon", 1e-5);
    for (int i = 0; i < 6; i++) {
        static const double steep[8] = {-2, -1, 1, 2, 2, -1, 0, -2};
        set[0] = kit_tensor(&m.kit, m.shape, steep);
        kit_set(&m.kit, set);
    }
    kit_run(&m.kit);
    static const double flat[8] = {1, 1, 1, 1, 0.5, 0.5, 0.5078125, 0.5};
    set[0] = kit_tensor(&m.kit, m.shape, flat);
    kit_compare(&m.kit, set, 1e-3, 1e-2);
    kit_release(&m.kit);
}

TEST(an_epsilon_of_zero_is_no_bound)
{
    layer(OP_LAYER_NORMALIZATION, kit_shape(2, 3, 6), kit_shape(1, 6), -1, 0, 1, true);
    layer(OP_RMS_NORMALIZATION, kit_shape(2, 3, 6), kit_shape(1, 6), -1, 0, 1, false);
}

static void groups(enum op_kind op, struct shape shape, int count)
{
    struct model m;
    begin(&m, shape);
    struct shape line = kit_shape(1, (int)shape.dim[1]);
    uint32_t in[3] = {kit_input(&m.kit, "x", ELEMENT_F32, shape),
                      kit_random_parameter(&m.kit, "scale", line, 2),
                      kit_random_parameter(&m.kit, "bias", line, 1)};
    finish_node(&m, op, in, 3, 1);
    if (op == OP_GROUP_NORMALIZATION)
        kit_attribute_int(&m.kit, "num_groups", count);
    try_model(&m, false);
}

TEST(groups_of_channels_are_normalised)
{
    groups(OP_GROUP_NORMALIZATION, kit_shape(3, 2, 4, 3), 2);
    groups(OP_GROUP_NORMALIZATION, kit_shape(4, 1, 3, 2, 2), 1);
    groups(OP_INSTANCE_NORMALIZATION, kit_shape(3, 2, 3, 5), 0);
}

static void loss(enum op_kind op, struct shape shape, const char *reduction, bool weighted,
                 const int64_t *ignored, size_t outputs)
{
    struct model m;
    begin(&m, shape);
    m.classes = (int)shape.dim[1];
    m.label_shape = shape;
    m.label_shape.rank--;
    for (unsigned d = 1; d < m.label_shape.rank; d++)
        m.label_shape.dim[d] = shape.dim[d + 1];
    uint32_t in[3] = {kit_input(&m.kit, "x", ELEMENT_F32, shape),
                      kit_input(&m.kit, "labels", ELEMENT_I64, m.label_shape), GRAPH_NONE};
    static const double weights[] = {0.5, 1.25, 2, 0.75, 1};
    if (weighted)
        in[2] = kit_parameter(&m.kit, "weights", kit_shape(1, m.classes), weights);
    struct declared_range range = {"labels", ignored != NULL && *ignored < 0 ? (double)*ignored : 0,
                                   m.classes - 1};
    m.kit.options.quantize.ranges = &range;
    m.kit.options.quantize.range_count = 1;
    finish_node(&m, op, in, weighted ? 3 : 2, outputs);
    kit_attribute_text(&m.kit, "reduction", reduction);
    if (ignored != NULL) {
        kit_attribute_int(&m.kit, "ignore_index", *ignored);
        m.ignored = *ignored;
        m.has_ignored = true;
    }
    try_model(&m, outputs == 2 && weighted);
}

TEST(losses_of_every_reduction)
{
    static const char *const reductions[] = {"none", "sum", "mean"};
    static const int64_t ignored[] = {1, -3};
    for (size_t i = 0; i < 3; i++) {
        loss(OP_NEGATIVE_LOG_LIKELIHOOD_LOSS, kit_shape(2, 3, 4), reductions[i], false, NULL, 1);
        loss(OP_NEGATIVE_LOG_LIKELIHOOD_LOSS, kit_shape(3, 2, 5, 3), reductions[i], true,
             &ignored[0], 1);
        loss(OP_SOFTMAX_CROSS_ENTROPY_LOSS, kit_shape(2, 3, 4), reductions[i], true, NULL, 2);
        loss(OP_SOFTMAX_CROSS_ENTROPY_LOSS, kit_shape(3, 2, 3, 2), reductions[i], false,
             &ignored[1], 2);
    }
}

TEST(a_label_beyond_the_classes_has_no_loss)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t in[2] = {kit_input(&kit, "x", ELEMENT_F32, kit_shape(2, 2, 3)),
                      kit_input(&kit, "labels", ELEMENT_I64, kit_shape(1, 2))};
    kit_output(&kit, kit_node(&kit, OP_NEGATIVE_LOG_LIKELIHOOD_LOSS, in, 2));
    struct tensor *labels = tensor_new(&kit.arena, ELEMENT_I64, &(struct shape){1, {2}});
    labels->data.integer[0] = 2;
    const struct tensor *set[2] = {kit_random_tensor(&kit, kit_shape(2, 2, 3), 1), labels};
    kit_set(&kit, set);
    kit_run(&kit);
    /* Element 0 of the second row, were it not held to the first. */
    struct tensor *beyond = tensor_new(&kit.arena, ELEMENT_I64, &(struct shape){1, {2}});
    beyond->data.integer[0] = 3;
    set[1] = beyond;
    kit_refuse(&kit, set);
    kit_release(&kit);
}
