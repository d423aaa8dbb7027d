/* What is computed from one tree's answer goes into its leaves, and nothing else does. */
#include "tests/passes/lower_kit.h"

#include <math.h>
#include <string.h>

#include "ir/graph_interpret.h"
#include "passes/fuse_trees.h"

enum { FEATURES = 3, INPUTS = 20 };

/* A tree of three comparisons whose four leaves give `targets` numbers each. */
static uint32_t add_tree(struct kit *kit, uint32_t x, int targets, double scale)
{
    static const int64_t feature[3] = {0, 2, 1}, mode[3] = {0, 0, 0}, zeros[4] = {0},
                         on_true[3] = {1, -1, -3}, on_false[3] = {2, -2, -4};
    static const double split[3] = {0.25, -0.5, 0.125};
    int64_t offset[5], target[16];
    double weight[16];
    for (int leaf = 0; leaf <= 4; leaf++)
        offset[leaf] = leaf * targets;
    for (int i = 0; i < 4 * targets; i++) {
        target[i] = i % targets;
        weight[i] = scale * (double)(i * 7 % 5 + 1) / 4;
    }
    uint32_t y = kit_unary(kit, OP_TREE_ENSEMBLE, x);
    kit_attribute_int(kit, "n_targets", targets);
    kit_attribute_int(kit, "aggregate", 1);
    kit_attribute_ints(kit, "tree_roots", zeros, 1);
    kit_attribute_ints(kit, "nodes_featureids", feature, 3);
    kit_attribute_ints(kit, "nodes_modes", mode, 3);
    kit_attribute_tensor(kit, "nodes_splits", ELEMENT_F32, split, 3);
    kit_attribute_ints(kit, "nodes_missing_tracks_true", zeros, 3);
    kit_attribute_ints(kit, "nodes_true", on_true, 3);
    kit_attribute_ints(kit, "nodes_false", on_false, 3);
    kit_attribute_ints(kit, "leaf_offsets", offset, 5);
    kit_attribute_ints(kit, "leaf_targetids", target, (size_t)(4 * targets));
    kit_attribute_tensor(kit, "leaf_weights", ELEMENT_F32, weight, (size_t)(4 * targets));
    kit_attribute_ints(kit, "membership_offsets", zeros, 4);
    kit_attribute_tensor(kit, "membership_values", ELEMENT_F32, NULL, 0);
    return y;
}

/* Outputs of the graph as it was built, before any pass. */
struct before {
    const struct tensor *input[INPUTS];
    struct graph_values values[INPUTS];
    uint32_t outputs[8];
};

static void run_before(struct before *before, struct kit *kit, int rows)
{
    struct diag diag = {0};
    struct shape shape = kit_shape(2, rows, FEATURES);
    memcpy(before->outputs, kit->graph->outputs,
           kit->graph->output_count * sizeof *before->outputs);
    for (int i = 0; i < INPUTS; i++) {
        before->input[i] = kit_random_tensor(kit, shape, 1);
        graph_values_init(&before->values[i], &kit->arena);
        REQUIRE_OK(graph_interpret(kit->graph, &before->input[i], &before->values[i], &diag),
                   &diag);
    }
}

/* The lowered program gives what the graph gave before. */
static void compare_before(const struct before *before, struct kit *kit)
{
    struct relation_values values;
    struct diag diag = {0};
    for (int i = 0; i < INPUTS; i++) {
        REQUIRE_OK(relation_values_init(&values, kit->result.program, &kit->arena, &diag), &diag);
        REQUIRE_OK(pipeline_evaluate(&values, &kit->result, &before->input[i], NULL, NULL, &diag),
                   &diag);
        for (size_t o = 0; o < kit->graph->output_count; o++) {
            const struct port *port = &kit->result.interface.outputs[o];
            const struct tensor *want = before->values[i].item[before->outputs[o]];
            CHECK(port->type == want->type && shape_equal(&port->shape, &want->shape));
            for (size_t e = 0; e < want->count; e++) {
                double got;
                int64_t integer;
                bool is_float = element_type_is_float(port->type);
                port_decode(&got, &integer, &kit->result.program->tensors[port->tensor], port->type,
                            relation_value(&values, port->tensor, e));
                double expected = tensor_real(want, e);
                got = is_float ? got : (double)integer;
                CHECK_MSG(fabs(got - expected) <= (is_float ? 1e-6 + 1e-4 * fabs(expected) : 0),
                          "output %zu element %zu: %.9g, expected %.9g", o, e, got, expected);
            }
        }
    }
}

static size_t count_ops(const struct graph *graph, enum op_kind op)
{
    size_t count = 0;
    for (size_t n = 0; n < graph->node_count; n++)
        count += graph->nodes[n].op == op;
    return count;
}

/* Nodes that compute something: all but moves and casts. */
static size_t count_work(const struct graph *graph)
{
    return graph->node_count - count_ops(graph, OP_IDENTITY) - count_ops(graph, OP_GATHER) -
           count_ops(graph, OP_RESHAPE) - count_ops(graph, OP_CAST);
}

/* Runs everything and returns how many nodes are left that compute something. */
static size_t fuse(struct kit *kit, int rows)
{
    struct before before;
    for (int i = 0; i < 8; i++)
        kit_set(kit,
                (const struct tensor *[]){kit_random_tensor(kit, kit_shape(2, rows, FEATURES), 1)});
    run_before(&before, kit, rows);
    kit_run(kit);
    compare_before(&before, kit);
    return count_work(kit->graph);
}

static uint32_t begin(struct kit *kit, int rows)
{
    kit_init(kit);
    return kit_input(kit, "x", ELEMENT_F32, kit_shape(2, rows, FEATURES));
}

TEST(a_chain_behind_one_tree_goes_into_its_leaves)
{
    for (int rows = 1; rows <= 5; rows += 2) {
        struct kit kit;
        uint32_t x = begin(&kit, rows), y = add_tree(&kit, x, 1, 1);
        uint32_t c = kit_parameter(&kit, "c", kit_shape(2, 1, 1), (const double[]){0.75});
        uint32_t e = kit_unary(&kit, OP_EXP, kit_binary(&kit, OP_MUL, y, c));
        e = kit_unary(&kit, OP_LOG, kit_binary(&kit, OP_ADD, e, kit_unary(&kit, OP_SQRT, y)));
        kit_output(&kit, e);
        CHECK(fuse(&kit, rows) == 1 && count_ops(kit.graph, OP_TREE_ENSEMBLE) == 1);
        kit_release(&kit);
    }
}

TEST(one_tree_gives_every_value_that_is_needed)
{
    struct kit kit;
    uint32_t x = begin(&kit, 3), y = add_tree(&kit, x, 3, 1);
    uint32_t label = kit_unary(&kit, OP_ARG_MAX, y);
    kit_attribute_int(&kit, "axis", 1);
    kit_attribute_int(&kit, "keepdims", 0);
    static const double names[3] = {10, 20, 40};
    uint32_t classes = kit_parameter(&kit, "classes", kit_shape(1, 3), names);
    uint32_t picked = kit_binary(&kit, OP_GATHER, classes, label);
    kit_output(&kit, kit_unary(&kit, OP_SOFTMAX, y));
    kit_output(&kit, label);
    kit_output(&kit, picked);
    kit_output(&kit, y);
    CHECK(fuse(&kit, 3) == 1);
    kit_release(&kit);
}

TEST(the_sum_of_trees_is_one_ensemble)
{
    struct kit kit;
    static const int64_t columns[FEATURES] = {0, 1, 2};
    uint32_t x = begin(&kit, 2), part[4];
    for (int t = 0; t < 4; t++) {
        uint32_t index = kit_constant_i64(&kit, kit_shape(1, FEATURES), columns);
        uint32_t all = kit_binary(&kit, OP_GATHER, x, index);
        kit_attribute_int(&kit, "axis", 1);
        part[t] = kit_unary(&kit, OP_SQRT, add_tree(&kit, t % 2 == 0 ? all : x, 1, t + 1));
    }
    uint32_t sum = kit_node(&kit, OP_SUM, part, 3);
    sum = kit_binary(&kit, OP_ADD, sum, part[3]);
    kit_output(&kit, kit_unary(&kit, OP_NEG, sum));
    CHECK(fuse(&kit, 2) == 2);
    const struct graph_node *tree = &kit.graph->nodes[0];
    REQUIRE(tree->op == OP_TREE_ENSEMBLE);
    CHECK(graph_attribute(tree, "tree_roots")->count == 4 &&
          graph_attribute(tree, "leaf_offsets")->count == 17);
    kit_release(&kit);
}

TEST(what_mixes_rows_or_trees_stays)
{
    struct kit kit;
    uint32_t x = begin(&kit, 2), y = add_tree(&kit, x, 1, 1), z = add_tree(&kit, x, 1, 2);
    int64_t first = 0;
    uint32_t axes = kit_constant_i64(&kit, kit_shape(1, 1), &first);
    kit_output(&kit, kit_binary(&kit, OP_REDUCE_SUM, y, axes));
    kit_output(&kit, kit_binary(&kit, OP_MUL, y, z));
    kit_output(&kit,
               kit_binary(&kit, OP_ADD, z,
                          kit_parameter(&kit, "rows", kit_shape(2, 2, 1), (const double[]){1, 2})));
    CHECK(fuse(&kit, 2) == 5);
    kit_release(&kit);
}

/* The types and shapes of [1, 1] that pass_fuse_trees needs; whether it changed the graph. */
static bool fuses(struct kit *kit)
{
    bool changed = true;
    struct diag diag = {0};
    for (size_t v = 0; v < kit->graph->value_count; v++) {
        struct graph_value *value = &kit->graph->values[v];
        if (value->kind != VALUE_NODE)
            continue;
        value->type = value->type == ELEMENT_UNDEFINED ? ELEMENT_F32 : value->type;
        value->shape = kit_shape(2, 1, 1);
        value->shape_known = true;
    }
    REQUIRE_OK(pass_fuse_trees(kit->graph, &changed, &diag), &diag);
    return changed;
}

static void set_aggregate(struct kit *kit, int64_t aggregate)
{
    struct graph_node *tree = &kit->graph->nodes[0];
    ((struct graph_attribute *)graph_attribute(tree, "aggregate"))->integer = aggregate;
}

/* Two entries of one target: the least of them is not their sum. Rounded to float16, a label is
 * another. */
TEST(trees_whose_entries_do_not_add_up_or_are_rounded_stay)
{
    for (int kind = 0; kind < 4; kind++) {
        struct kit kit;
        uint32_t x = begin(&kit, 1), y = add_tree(&kit, x, 1, 1);
        if (kind == 3)
            kit.graph->values[y].type = ELEMENT_F16;
        else
            set_aggregate(&kit, kind + 1);
        kit_output(&kit, kit_unary(&kit, OP_EXP, y));
        CHECK(fuses(&kit) == (kind == 0));
        kit_release(&kit);
    }
}

TEST(sums_of_least_entries_stay)
{
    for (int64_t aggregate = 0; aggregate < 3; aggregate++) {
        struct kit kit;
        uint32_t x = begin(&kit, 1), y = add_tree(&kit, x, 1, 1), z = add_tree(&kit, x, 1, 2);
        set_aggregate(&kit, aggregate);
        kit_output(&kit, kit_binary(&kit, OP_ADD, y, z));
        CHECK(fuses(&kit) == (aggregate < 2));
        kit_release(&kit);
    }
}

TEST(leaves_that_no_number_can_stand_for_stay)
{
    struct kit kit;
    uint32_t x = begin(&kit, 1), y = add_tree(&kit, x, 1, 1);
    uint32_t shift = kit_parameter(&kit, "shift", kit_shape(2, 1, 1), (const double[]){-0.25});
    /* One leaf gives 1 / 0. */
    kit_output(&kit, kit_unary(&kit, OP_RECIPROCAL, kit_binary(&kit, OP_ADD, y, shift)));
    CHECK(!fuses(&kit) && kit.graph->node_count == 3);
    kit_release(&kit);
}
