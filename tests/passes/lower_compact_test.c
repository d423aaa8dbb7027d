/*
 * Operators whose result has a size that depends on elements give what the interpreter gives, with
 * an exact size and with room that is not full. Another number of results has no proof.
 */
#include "tests/passes/lower_kit.h"

#include "ir/graph_interpret.h"

enum { TRIALS = 4, LONGEST = 24 };

static size_t elements(const struct shape *shape)
{
    size_t count = 0;
    CHECK(shape_count(shape, SIZE_MAX, &count));
    return count;
}

struct compact_case {
    enum op_kind op;
    struct shape shape;
    int64_t axis; /* -1: none */
    int64_t unsorted;
    int64_t count;
    bool padded;
    unsigned results; /* outputs without the number */
};

/* A node with results + 1 outputs, all of them outputs of the graph. */
static void add_node(struct kit *kit, const struct compact_case *c, const uint32_t *in,
                     size_t in_count)
{
    static const char *const names[] = {"y0", "y1", "y2", "y3"};
    uint32_t out[5];
    for (unsigned i = 0; i < c->results; i++)
        out[i] = graph_add_value(kit->graph, names[i], VALUE_NODE, ELEMENT_UNDEFINED);
    out[c->results] = c->padded
                          ? graph_add_value(kit->graph, "number", VALUE_NODE, ELEMENT_UNDEFINED)
                          : GRAPH_NONE;
    graph_add_node(kit->graph, c->op, op_name(c->op), in, in_count, out, c->results + 1);
    kit_attribute_int(kit, "count", c->count);
    kit_attribute_int(kit, "padded", c->padded);
    for (unsigned i = 0; i < c->results + c->padded; i++)
        kit_output(kit, out[i]);
}

static void finish(struct kit *kit, const struct tensor *const (*inputs)[2],
                   const struct tensor *const *refused)
{
    kit_compare_sets(kit, inputs, TRIALS, 1e-6, 1e-4);
    if (refused != NULL)
        kit_refuse(kit, refused);
    CHECK(kit_tamper_hints(kit, inputs[0]) > 0);
    kit_release(kit);
}

/* Integers with `ones` places, chosen at random, that are not 0. */
static struct tensor *with_ones(struct kit *kit, enum element_type type, struct shape shape,
                                int64_t ones)
{
    int64_t values[LONGEST] = {0};
    size_t n = elements(&shape);
    for (int64_t i = 0; i < ones; i++)
        values[i] = 1;
    for (size_t i = n; i-- > 1;) {
        size_t other = (size_t)test_random_below(i + 1);
        int64_t swap = values[i];
        values[i] = values[other];
        values[other] = swap;
    }
    return kit_integers(kit, type, shape, values);
}

static int64_t some_count(const struct compact_case *c, int trial)
{
    return !c->padded ? c->count : trial == 0 ? 0 : (int64_t)test_random_below(c->count + 1u);
}

static void run_non_zero(struct compact_case c)
{
    struct kit kit;
    const struct tensor *inputs[TRIALS][2], *refused[2];
    c.op = OP_NON_ZERO;
    c.results = 1;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_I8, c.shape);
    add_node(&kit, &c, &x, 1);
    for (int t = 0; t < TRIALS; t++)
        inputs[t][0] = with_ones(&kit, ELEMENT_I8, c.shape, some_count(&c, t));
    refused[0] = with_ones(&kit, ELEMENT_I8, c.shape, c.count + 1);
    finish(&kit, inputs, refused);
}

TEST(non_zero_lists_places_in_order)
{
    for (int padded = 0; padded < 2; padded++) {
        run_non_zero((struct compact_case){
            .shape = kit_shape(1, 9), .axis = -1, .count = 4, .padded = padded});
        run_non_zero((struct compact_case){
            .shape = kit_shape(3, 2, 3, 4), .axis = -1, .count = 7, .padded = padded});
    }
}

/* The number alone, as the rounds of a Loop are counted. */
TEST(non_zero_counts_without_a_list)
{
    struct kit kit;
    const struct tensor *inputs[TRIALS][2], *refused[2];
    struct compact_case c = {.shape = kit_shape(1, 9), .count = 4, .padded = true};
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_I8, c.shape);
    uint32_t out[2] = {GRAPH_NONE,
                       graph_add_value(kit.graph, "number", VALUE_NODE, ELEMENT_UNDEFINED)};
    graph_add_node(kit.graph, OP_NON_ZERO, "count", &x, 1, out, 2);
    kit_attribute_int(&kit, "count", c.count);
    kit_attribute_int(&kit, "padded", true);
    kit_output(&kit, out[1]);
    for (int t = 0; t < TRIALS; t++)
        inputs[t][0] = with_ones(&kit, ELEMENT_I8, c.shape, some_count(&c, t));
    refused[0] = with_ones(&kit, ELEMENT_I8, c.shape, c.count + 1);
    kit_compare_sets(&kit, inputs, TRIALS, 1e-6, 1e-4);
    kit_refuse(&kit, refused);
    kit_release(&kit);
}

static void run_compress(struct compact_case c, int64_t bits)
{
    struct kit kit;
    const struct tensor *inputs[TRIALS][2], *refused[2];
    struct shape line = kit_shape(1, (int)bits);
    c.op = OP_COMPRESS;
    c.results = 1;
    kit_init(&kit);
    uint32_t in[2] = {kit_input(&kit, "x", ELEMENT_F32, c.shape),
                      kit_input(&kit, "condition", ELEMENT_BOOL, line)};
    add_node(&kit, &c, in, 2);
    if (c.axis >= 0)
        kit_attribute_int(&kit, "axis", c.axis);
    for (int t = 0; t < TRIALS; t++) {
        inputs[t][0] = kit_random_tensor(&kit, c.shape, 2);
        inputs[t][1] = with_ones(&kit, ELEMENT_BOOL, line, some_count(&c, t));
    }
    refused[0] = inputs[0][0];
    refused[1] = with_ones(&kit, ELEMENT_BOOL, line, c.count + 1);
    finish(&kit, inputs, refused);
}

TEST(compress_selects_along_each_axis_and_of_all_elements)
{
    struct shape shape = kit_shape(3, 3, 4, 2);
    for (int padded = 0; padded < 2; padded++) {
        struct compact_case c = {.shape = shape, .padded = padded};
        c.axis = -1, c.count = 5;
        run_compress(c, 24);
        run_compress(c, 13);
        c.axis = 0, c.count = 2;
        run_compress(c, 3);
        c.axis = 1, c.count = 2;
        run_compress(c, 3);
        c.axis = 2, c.count = 1;
        run_compress(c, 2);
    }
}

/* Blocks along the axis whose values are `classes` ones, each of them there. */
static struct tensor *with_classes(struct kit *kit, const struct compact_case *c, int64_t classes)
{
    static const int64_t values[] = {5, -3, 0, 100, -128, 127, 7, 8};
    int64_t x[LONGEST];
    size_t axis = c->axis < 0 ? 0 : (size_t)c->axis, n = elements(&c->shape), inner = 1;
    size_t blocks = c->axis < 0 ? n : (size_t)c->shape.dim[axis];
    for (size_t d = axis + 1; d < c->shape.rank && c->axis >= 0; d++)
        inner *= (size_t)c->shape.dim[d];
    int64_t class_of[LONGEST];
    for (size_t i = 0; i < blocks; i++)
        class_of[i] = i < (size_t)classes ? (int64_t)i : (int64_t)test_random_below(classes);
    for (size_t i = 0; i < n; i++) {
        size_t k = i / inner % blocks;
        x[i] = values[class_of[k]];
    }
    return kit_integers(kit, ELEMENT_I8, c->shape, x);
}

static void run_unique(struct compact_case c)
{
    struct kit kit;
    const struct tensor *inputs[TRIALS][2], *refused[2];
    c.op = OP_UNIQUE;
    c.results = 4;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_I8, c.shape);
    add_node(&kit, &c, &x, 1);
    kit_attribute_int(&kit, "sorted", !c.unsorted);
    if (c.axis >= 0)
        kit_attribute_int(&kit, "axis", c.axis);
    for (int t = 0; t < TRIALS; t++)
        inputs[t][0] = with_classes(
            &kit, &c, c.padded ? 1 + (int64_t)test_random_below((uint64_t)c.count) : c.count);
    refused[0] = with_classes(&kit, &c, c.count + 1);
    finish(&kit, inputs, refused);
}

TEST(unique_values_and_blocks_sorted_and_in_order)
{
    for (int flags = 0; flags < 4; flags++) {
        struct compact_case c = {.padded = (flags & 1) != 0, .unsorted = flags >> 1};
        c.shape = kit_shape(1, 9), c.axis = -1, c.count = 4;
        run_unique(c);
        c.shape = kit_shape(2, 3, 4), c.count = 6;
        run_unique(c);
        c.axis = 0, c.count = 2;
        run_unique(c);
        c.axis = 1, c.count = 3;
        run_unique(c);
    }
}

/* with_ties: scores are few numbers, the threshold among them. */
static void run_suppression(int64_t center, bool padded, int64_t most, bool with_ties)
{
    enum { BATCHES = 2, CLASSES = 2, BOXES = 6 };
    struct kit kit;
    struct compact_case c = {
        .op = OP_NON_MAX_SUPPRESSION, .padded = padded, .count = padded ? 14 : 8, .results = 1};
    const struct tensor *inputs[TRIALS][2];
    struct shape boxes = kit_shape(3, BATCHES, BOXES, 4),
                 scores = kit_shape(3, BATCHES, CLASSES, BOXES);
    const double iou = 0.4, threshold = with_ties ? 0.5 : 0.3;
    kit_init(&kit);
    uint32_t in[5] = {kit_input(&kit, "boxes", ELEMENT_F32, boxes),
                      kit_input(&kit, "scores", ELEMENT_F32, scores)};
    in[2] = kit_constant_i64(&kit, kit_shape(1, 1), &most);
    in[3] = kit_parameter(&kit, "iou", kit_shape(1, 1), &iou);
    in[4] = kit_parameter(&kit, "threshold", kit_shape(1, 1), &threshold);
    kit.graph->values[in[3]].kind = VALUE_CONSTANT;
    kit.graph->values[in[4]].kind = VALUE_CONSTANT;
    add_node(&kit, &c, in, padded ? 5 : 4);
    kit_attribute_int(&kit, "center_point_box", center);
    for (int t = 0; t < TRIALS; t++) {
        struct tensor *b = kit_random_tensor(&kit, boxes, 2),
                      *s = kit_random_tensor(&kit, scores, 2);
        for (size_t i = 0; i < b->count; i++)
            b->data.real[i] = (double)(int)(b->data.real[i] * 8) / 8;
        for (size_t i = 0; i < s->count && with_ties; i++)
            s->data.real[i] = (double)(int)(s->data.real[i] * 2) / 2;
        for (size_t i = 0; i < b->count && center != 0; i++)
            if (i % 4 >= 2 && b->data.real[i] < 0)
                b->data.real[i] = -b->data.real[i];
        inputs[t][0] = b;
        inputs[t][1] = s;
    }
    if (!padded) {
        /* Boxes far from one another, as many kept as there is room. */
        for (int t = 0; t < TRIALS; t++)
            for (size_t i = 0; i < BATCHES * BOXES; i++) {
                double *box = inputs[t][0]->data.real + 4 * i;
                double at = (double)(4 * i), size = i % 2 == 0 ? 1 : 1.5;
                box[0] = center ? at + size / 2 : at;
                box[1] = center ? size / 2 : 0;
                box[2] = center ? size : at + size;
                box[3] = size;
            }
        kit.graph->nodes[kit.graph->node_count - 1].attributes[0].integer =
            BATCHES * CLASSES * most;
    }
    finish(&kit, inputs, NULL);
}

TEST(suppression_keeps_the_boxes_the_interpreter_keeps)
{
    for (int flags = 0; flags < 4; flags++)
        run_suppression(flags & 1, (flags & 2) != 0, 3, false);
    for (int64_t most = 0; most < 4; most++)
        run_suppression(most & 1, true, most, true);
}
