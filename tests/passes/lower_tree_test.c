/* Tree ensembles lower to walks that take every decision as the float model does. */
#include "tests/passes/lower_kit.h"

#include <math.h>
#include <string.h>

enum { NODES_MAX = 256 };

/* Attributes of a random forest. */
struct forest_case {
    int trees, features, targets, depth;
    int aggregate;
    bool all_modes, missing;
    bool wild; /* thresholds are infinite now and then */
    size_t nodes, leaves, entries, members;
    int64_t roots[16], feature[NODES_MAX], mode[NODES_MAX], tracks[NODES_MAX], on_true[NODES_MAX],
        on_false[NODES_MAX];
    double split[NODES_MAX], member[NODES_MAX * 3];
    int64_t member_offset[NODES_MAX + 1], leaf_offset[NODES_MAX * 2], leaf_target[NODES_MAX * 8];
    double leaf_weight[NODES_MAX * 8];
};

static int64_t add_leaf(struct forest_case *f)
{
    size_t leaf = f->leaves++;
    for (int t = 0; t < f->targets; t++) {
        if (f->targets > 1 && test_random_below(3) == 0)
            continue;
        f->leaf_target[f->entries] = t;
        f->leaf_weight[f->entries++] = element_round(ELEMENT_F32, kit_random(1));
    }
    f->leaf_offset[leaf + 1] = (int64_t)f->entries;
    return -1 - (int64_t)leaf;
}

/* Numbers that meet often, so that equality and ties are seen. */
static double grid_number(void)
{
    return ((double)test_random_below(9) - 4) / 4;
}

static int64_t add_tree(struct forest_case *f, int depth)
{
    if (depth == 0 || f->nodes + 1 >= NODES_MAX || (depth < f->depth && test_random_below(4) == 0))
        return add_leaf(f);
    size_t n = f->nodes++;
    f->feature[n] = (int64_t)test_random_below((uint64_t)f->features);
    f->mode[n] = f->all_modes ? (int64_t)test_random_below(7) : 0;
    f->tracks[n] = f->missing ? (int64_t)test_random_below(2) : 0;
    f->split[n] = grid_number();
    if (f->wild && test_random_below(4) == 0)
        f->split[n] = test_random_below(2) == 0 ? -INFINITY : INFINITY;
    f->on_true[n] = add_tree(f, depth - 1);
    f->on_false[n] = add_tree(f, depth - 1);
    return (int64_t)n;
}

static void make_members(struct forest_case *f)
{
    for (size_t n = 0; n < f->nodes; n++) {
        uint64_t count = f->mode[n] == 6 ? 1 + test_random_below(3) : 0;
        for (uint64_t k = 0; k < count; k++)
            f->member[f->members++] = grid_number();
        f->member_offset[n + 1] = (int64_t)f->members;
    }
}

static void set_attributes(struct kit *kit, const struct forest_case *f)
{
    kit_attribute_int(kit, "n_targets", f->targets);
    kit_attribute_int(kit, "aggregate", f->aggregate);
    kit_attribute_ints(kit, "tree_roots", f->roots, (size_t)f->trees);
    kit_attribute_ints(kit, "nodes_featureids", f->feature, f->nodes);
    kit_attribute_ints(kit, "nodes_modes", f->mode, f->nodes);
    kit_attribute_tensor(kit, "nodes_splits", ELEMENT_F32, f->split, f->nodes);
    kit_attribute_ints(kit, "nodes_missing_tracks_true", f->tracks, f->nodes);
    kit_attribute_ints(kit, "nodes_true", f->on_true, f->nodes);
    kit_attribute_ints(kit, "nodes_false", f->on_false, f->nodes);
    kit_attribute_ints(kit, "leaf_offsets", f->leaf_offset, f->leaves + 1);
    kit_attribute_ints(kit, "leaf_targetids", f->leaf_target, f->entries);
    kit_attribute_tensor(kit, "leaf_weights", ELEMENT_F32, f->leaf_weight, f->entries);
    kit_attribute_ints(kit, "membership_offsets", f->member_offset, f->nodes + 1);
    kit_attribute_tensor(kit, "membership_values", ELEMENT_F32, f->member, f->members);
}

static struct tensor *grid_input(struct kit *kit, int rows, int features, bool missing)
{
    double values[64];
    for (int i = 0; i < rows * features; i++)
        values[i] = missing && test_random_below(5) == 0
                        ? NAN
                        : grid_number() + (test_random_below(3) == 0 ? 1e-7 : 0);
    return kit_tensor(kit, kit_shape(2, rows, features), values);
}

/* Builds and lowers a forest over `op_first` of x (Identity: straight). Returns through kit. */
static void lower_forest(struct kit *kit, struct forest_case *f, int rows, bool is_scaled)
{
    f->leaf_offset[0] = 0;
    for (int t = 0; t < f->trees; t++)
        f->roots[t] = add_tree(f, f->depth);
    make_members(f);
    kit_init(kit);
    uint32_t x = kit_input(kit, "x", ELEMENT_F32, kit_shape(2, rows, f->features));
    if (is_scaled)
        x = kit_binary(kit, OP_ADD, x,
                       kit_parameter(kit, "shift", kit_shape(1, 1), (const double[]){0.25}));
    x = kit_unary(kit, OP_TREE_ENSEMBLE, x);
    set_attributes(kit, f);
    kit_output(kit, x);
    for (int i = 0; i < 4; i++)
        kit_set(kit, (const struct tensor *[]){grid_input(kit, rows, f->features, f->missing)});
    kit_run(kit);
}

static void check_forest(struct forest_case f, int rows)
{
    struct kit kit;
    lower_forest(&kit, &f, rows, false);
    CHECK(kit.result.report.inputs[0].is_key);
    for (int i = 0; i < 30; i++) {
        const struct tensor *inputs[] = {grid_input(&kit, rows, f.features, f.missing)};
        kit_compare(&kit, inputs, 1e-6, 1e-4);
        if (i == 0)
            kit_tamper_hints(&kit, inputs);
    }
    kit_release(&kit);
}

TEST(one_target_keeps_its_values_in_the_records)
{
    check_forest(
        (struct forest_case){.trees = 5, .features = 4, .targets = 1, .depth = 4, .aggregate = 1},
        1);
}

TEST(several_targets_share_a_word)
{
    check_forest(
        (struct forest_case){.trees = 5, .features = 3, .targets = 3, .depth = 3, .aggregate = 1},
        1);
    check_forest(
        (struct forest_case){.trees = 3, .features = 3, .targets = 12, .depth = 2, .aggregate = 0},
        1);
}

TEST(every_branch_mode_decides_as_the_float_model)
{
    for (int i = 0; i < 8; i++)
        check_forest((struct forest_case){.trees = 3,
                                          .features = 2,
                                          .targets = 1,
                                          .depth = 4,
                                          .aggregate = 1,
                                          .all_modes = true},
                     1);
}

TEST(missing_values_follow_each_node)
{
    for (int i = 0; i < 8; i++)
        check_forest((struct forest_case){.trees = 3,
                                          .features = 3,
                                          .targets = 1,
                                          .depth = 4,
                                          .aggregate = 1,
                                          .all_modes = i % 2 == 1,
                                          .missing = true},
                     1);
}

TEST(rows_of_a_batch_walk_alone)
{
    check_forest(
        (struct forest_case){.trees = 3, .features = 4, .targets = 2, .depth = 3, .aggregate = 1},
        3);
}

/* Runs the program with raw keys in the place of NaN and -infinity: a number of another key each. */
static void check_other_keys(struct kit *kit, const struct tensor *input)
{
    const struct relation_program *program = kit->result.program;
    uint32_t x = kit->result.interface.inputs[0].tensor, y = kit->result.interface.outputs[0].tensor;
    struct relation_values values, other;
    struct diag diag = {0};
    REQUIRE_OK(relation_values_init(&values, program, &kit->arena, &diag), &diag);
    REQUIRE_OK(relation_values_init(&other, program, &kit->arena, &diag), &diag);
    REQUIRE_OK(pipeline_evaluate(&values, &kit->result, &input, NULL, NULL, &diag), &diag);
    REQUIRE_OK(pipeline_evaluate(&other, &kit->result, &input, NULL, NULL, &diag), &diag);
    uint64_t nan = float_key(NAN, 32), low = float_key(-INFINITY, 32);
    for (size_t e = 0; e < input->count; e++) {
        int64_t key = (int64_t)float_key(input->data.real[e], 32);
        if (isnan(input->data.real[e]))
            key = (int64_t)(nan + test_random_below((UINT64_C(1) << 32) - nan));
        else if (input->data.real[e] == -INFINITY)
            key = (int64_t)test_random_below(low + 1);
        REQUIRE(relation_value_set(&other, program, x, e, wide_from_i64(key)));
    }
    REQUIRE_OK(relation_interpret(program, &other, NULL, NULL, &diag), &diag);
    for (size_t e = 0; e < program->tensors[y].count; e++)
        CHECK(wide_compare(relation_value(&values, y, e), relation_value(&other, y, e)) == 0);
}

TEST(a_key_that_is_no_float_goes_where_a_float_goes)
{
    for (int round = 0; round < 12; round++) {
        struct forest_case f = {
            .trees = 2, .features = 3, .targets = 2, .depth = 4, .aggregate = 1};
        struct kit kit;
        f.all_modes = round % 2 == 0;
        f.missing = round % 3 != 0;
        f.wild = true;
        lower_forest(&kit, &f, 1, false);
        const struct relation_tensor *x =
            &kit.result.program->tensors[kit.result.interface.inputs[0].tensor];
        CHECK(wide_is_zero(x->low) && wide_bit_length(x->high) == 32);
        for (int i = 0; i < 30; i++) {
            struct tensor *input = grid_input(&kit, 1, f.features, true);
            for (size_t e = 0; e < input->count; e++) {
                if (test_random_below(4) == 0)
                    input->data.real[e] = test_random_below(2) == 0 ? -INFINITY : INFINITY;
            }
            kit_compare(&kit, (const struct tensor *[]){input}, 1e-6, 1e-4);
            check_other_keys(&kit, input);
        }
        kit_release(&kit);
    }
}

TEST(every_aggregate)
{
    for (int aggregate = 0; aggregate < 4; aggregate++) {
        check_forest(
            (struct forest_case){
                .trees = 3, .features = 2, .targets = 2, .depth = 2, .aggregate = aggregate},
            1);
        check_forest(
            (struct forest_case){
                .trees = 4, .features = 2, .targets = 1, .depth = 2, .aggregate = aggregate},
            1);
    }
}

TEST(a_tree_that_is_a_leaf)
{
    check_forest(
        (struct forest_case){.trees = 2, .features = 2, .targets = 1, .depth = 0, .aggregate = 1},
        1);
    check_forest(
        (struct forest_case){.trees = 2, .features = 2, .targets = 2, .depth = 0, .aggregate = 1},
        1);
}

TEST(computed_features_are_compared_in_fixed_point)
{
    struct kit kit;
    struct forest_case f = {.trees = 4, .features = 3, .targets = 1, .depth = 4, .aggregate = 1};
    lower_forest(&kit, &f, 1, true);
    CHECK(!kit.result.report.inputs[0].is_key);
    for (int i = 0; i < 20; i++) {
        double values[3];
        for (int k = 0; k < 3; k++)
            values[k] = grid_number() + 0.1;
        kit_compare(&kit, (const struct tensor *[]){kit_tensor(&kit, kit_shape(2, 1, 3), values)},
                    1e-6, 1e-4);
    }
    kit_release(&kit);
}

static void relation_shape_text(struct kit *kit, const struct pipeline_result *result, char **text)
{
    char *all = arena_strdup(&kit->arena, "");
    for (size_t i = 0; i < result->program->relation_count; i++) {
        const struct relation *r = &result->program->relations[i];
        all = arena_printf(&kit->arena, "%s%d:%u:%lld:%zu;", all, (int)r->kind, r->outputs[0],
                           (long long)(r->space_rank > 0 ? r->space[0] : 0), r->term_count);
    }
    for (size_t t = 0; t < result->program->tensor_count; t++) {
        char low[80], high[80];
        wide_format(low, result->program->tensors[t].low);
        wide_format(high, result->program->tensors[t].high);
        all = arena_printf(&kit->arena, "%s%s..%s;", all, low, high);
    }
    *text = all;
}

/* A chain of two interior nodes, going on to the left or to the right. */
static struct forest_case chain(bool left)
{
    struct forest_case f = {.trees = 1,
                            .features = 2,
                            .targets = 1,
                            .depth = 2,
                            .aggregate = 1,
                            .nodes = 2,
                            .leaves = 3,
                            .entries = 3};
    f.feature[0] = left;
    f.split[1] = left ? 0.5 : -0.25;
    f.on_true[0] = left ? 1 : -1;
    f.on_false[0] = left ? -1 : 1;
    f.on_true[1] = -2;
    f.on_false[1] = -3;
    for (int i = 0; i < 3; i++) {
        f.leaf_offset[i + 1] = i + 1;
        f.leaf_weight[i] = left ? 0.5 + i * 0.1 : 0.9 - i * 0.3;
    }
    return f;
}

TEST(two_shapes_of_one_size_give_one_program)
{
    char *text[2];
    struct kit kit[2];
    for (int side = 0; side < 2; side++) {
        struct forest_case f = chain(side == 1);
        kit_init(&kit[side]);
        uint32_t x = kit_input(&kit[side], "x", ELEMENT_F32, kit_shape(2, 1, 2));
        x = kit_unary(&kit[side], OP_TREE_ENSEMBLE, x);
        set_attributes(&kit[side], &f);
        kit_output(&kit[side], x);
        kit_run(&kit[side]);
        relation_shape_text(&kit[side], &kit[side].result, &text[side]);
    }
    CHECK_TEXT(text[0], text[1]);
    kit_release(&kit[0]);
    kit_release(&kit[1]);
}
