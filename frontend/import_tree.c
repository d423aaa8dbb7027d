/*
 * Import rules of tree ensembles: TreeEnsembleClassifier and TreeEnsembleRegressor (ai.onnx.ml 1 and 3), TreeEnsemble (5). All become the flat
 * form of TREE_ENSEMBLE in ir/ops.def, and arithmetic after it.
 *
 * The older two list nodes by (tree, node) ids in any order; leaves are nodes of mode LEAF, their weights stand in further lists. The
 * flat form numbers interior nodes so that children follow their parent; the walk that does it proves that every tree is a tree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

enum { MODE_MEMBER = 6, MODE_LEAF = 7, MODE_UNKNOWN = 8 };

/* The flat form under construction; capacities are the counts of the file. */
struct forest {
    size_t interior_count, leaf_count, entry_count, tree_count;
    int64_t *roots;
    int64_t *features, *modes, *missing, *yes, *no; /* [interior_count] */
    struct tensor *splits;
    int64_t *leaf_offsets; /* [leaf_count + 1] */
    int64_t *targets;
    struct tensor *weights;
    int64_t *set_offsets; /* [interior_count + 1] */
    struct tensor *sets;
};

/* The lists of a node of the older form. */
struct node_lists {
    size_t count;
    const int64_t *tree_ids, *node_ids, *features, *yes_ids, *no_ids, *missing; /* missing may be NULL */
    int64_t *modes;
    struct tensor *values;
    /* Weights of leaves. */
    size_t weight_count;
    const int64_t *weight_trees, *weight_nodes, *weight_targets;
    struct tensor *weights;
};

static int64_t *int_array(struct import_node *n, size_t count)
{
    int64_t *array = arena_array(n->importer->arena, int64_t, count);
    if (array == NULL)
        rule_out_of_memory(n);
    return array;
}

/* A list of numbers from a list attribute (float32) or from its tensor twin of version 3; empty when neither is written. */
static struct tensor *number_list(struct import_node *n, const char *name, const char *twin)
{
    size_t count;
    if (has_attr(n, twin)) {
        struct tensor *tensor = attr_tensor(n, twin);
        if (tensor != NULL && tensor->type != ELEMENT_F32 && tensor->type != ELEMENT_F64)
            rule_fail(n, STATUS_BAD_INPUT, "attribute '%s' is neither float nor double", twin);
        return n->status == STATUS_OK ? tensor : NULL;
    }
    const double *values = attr_floats(n, name, &count);
    struct shape shape = {.rank = 1, .dim = {(int64_t)count}};
    struct tensor *tensor =
        n->status == STATUS_OK ? tensor_new(n->importer->arena, ELEMENT_F32, &shape) : NULL;
    if (tensor == NULL && n->status == STATUS_OK)
        rule_out_of_memory(n);
    if (tensor != NULL && count != 0)
        memcpy(tensor->data.real, values, count * sizeof *values);
    return tensor;
}

/* A list attribute that has to have `expected` entries. */
static const int64_t *sized_list(struct import_node *n, const char *name, size_t expected)
{
    size_t count;
    const int64_t *list = attr_ints(n, name, &count);
    if (n->status == STATUS_OK && count != expected)
        rule_fail(n, STATUS_BAD_INPUT, "attribute '%s' has %zu entries, %zu are expected", name, count,
                  expected);
    return list;
}

static int64_t mode_number(const char *name)
{
    static const char *const names[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",    "BRANCH_GT",
                                        "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return (int64_t)i;
    return MODE_UNKNOWN;
}

static void read_modes(struct import_node *n, struct node_lists *lists)
{
    size_t count;
    const char *const *names = attr_texts(n, "nodes_modes", &count);
    lists->modes = int_array(n, lists->count);
    if (n->status == STATUS_OK && count != lists->count)
        rule_fail(n, STATUS_BAD_INPUT, "attribute 'nodes_modes' has %zu entries, %zu are expected", count,
                  lists->count);
    for (size_t i = 0; i < lists->count && n->status == STATUS_OK; i++) {
        lists->modes[i] = mode_number(names[i]);
        if (lists->modes[i] == MODE_UNKNOWN || lists->modes[i] == MODE_MEMBER)
            rule_fail(n, STATUS_BAD_INPUT, "node mode '%s' does not exist", names[i]);
    }
}

/* prefix: "class" or "target". */
static void read_lists(struct import_node *n, const char *prefix, struct node_lists *lists)
{
    char name[40];
    size_t count;
    lists->tree_ids = attr_ints(n, "nodes_treeids", &lists->count);
    if (n->status == STATUS_OK && lists->count == 0)
        rule_fail(n, STATUS_BAD_INPUT, "it has no nodes");
    lists->node_ids = sized_list(n, "nodes_nodeids", lists->count);
    lists->features = sized_list(n, "nodes_featureids", lists->count);
    lists->yes_ids = sized_list(n, "nodes_truenodeids", lists->count);
    lists->no_ids = sized_list(n, "nodes_falsenodeids", lists->count);
    attr_ints(n, "nodes_missing_value_tracks_true", &count);
    lists->missing = count == 0 ? NULL : sized_list(n, "nodes_missing_value_tracks_true", lists->count);
    lists->values = number_list(n, "nodes_values", "nodes_values_as_tensor");
    read_modes(n, lists);
    snprintf(name, sizeof name, "%s_treeids", prefix);
    lists->weight_trees = attr_ints(n, name, &lists->weight_count);
    snprintf(name, sizeof name, "%s_nodeids", prefix);
    lists->weight_nodes = sized_list(n, name, lists->weight_count);
    snprintf(name, sizeof name, "%s_ids", prefix);
    lists->weight_targets = sized_list(n, name, lists->weight_count);
    char twin[50];
    snprintf(name, sizeof name, "%s_weights", prefix);
    snprintf(twin, sizeof twin, "%s_weights_as_tensor", prefix);
    lists->weights = number_list(n, name, twin);
    if (n->status == STATUS_OK &&
        (lists->values->count != lists->count || lists->weights->count != lists->weight_count))
        rule_fail(n, STATUS_BAD_INPUT, "%zu values for %zu nodes, %zu weights for %zu places",
                  lists->values->count, lists->count, lists->weights->count, lists->weight_count);
}

/* --- lookup by (tree, node) --------------------------------------------------------------------------- */

struct node_key {
    int64_t tree, node;
    size_t index;
};

static int compare_keys(const void *a, const void *b)
{
    const struct node_key *x = a, *y = b;
    if (x->tree != y->tree)
        return x->tree < y->tree ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

static struct node_key *sorted_keys(struct import_node *n, const struct node_lists *lists)
{
    struct node_key *keys = arena_array(n->importer->arena, struct node_key, lists->count);
    if (keys == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    for (size_t i = 0; i < lists->count; i++)
        keys[i] = (struct node_key){lists->tree_ids[i], lists->node_ids[i], i};
    qsort(keys, lists->count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < lists->count; i++)
        if (compare_keys(&keys[i - 1], &keys[i]) == 0)
            rule_fail(n, STATUS_BAD_INPUT, "tree %lld has two nodes %lld", (long long)keys[i].tree,
                      (long long)keys[i].node);
    return n->status == STATUS_OK ? keys : NULL;
}

/* Position of a node in the lists, or SIZE_MAX. */
static size_t find_node(const struct node_key *keys, size_t count, int64_t tree, int64_t node)
{
    struct node_key wanted = {tree, node, 0};
    const struct node_key *found = bsearch(&wanted, keys, count, sizeof *keys, compare_keys);
    return found == NULL ? SIZE_MAX : found->index;
}

/* --- flattening ------------------------------------------------------------------------------------------ */

static bool forest_alloc(struct import_node *n, struct forest *forest, size_t interior, size_t leaves,
                         size_t entries, size_t trees)
{
    forest->interior_count = interior;
    forest->leaf_count = leaves;
    forest->entry_count = entries;
    forest->tree_count = trees;
    forest->roots = int_array(n, trees);
    forest->features = int_array(n, interior);
    forest->modes = int_array(n, interior);
    forest->missing = int_array(n, interior);
    forest->yes = int_array(n, interior);
    forest->no = int_array(n, interior);
    forest->leaf_offsets = int_array(n, leaves + 1);
    forest->targets = int_array(n, entries);
    forest->set_offsets = int_array(n, interior + 1);
    return n->status == STATUS_OK;
}

static struct tensor *real_list(struct import_node *n, enum element_type type, size_t count)
{
    struct shape shape = {.rank = 1, .dim = {(int64_t)count}};
    struct tensor *list = tensor_new(n->importer->arena, type, &shape);
    if (list == NULL)
        rule_out_of_memory(n);
    return list;
}

/* The walk over one forest of the older form. */
struct walk_lists {
    const struct node_lists *lists;
    const struct node_key *keys;
    struct forest *forest;
    int64_t *reference; /* [lists->count] flat reference of a node, once it has been reached */
    bool *reached;
    size_t interior, leaves; /* given out so far */
    size_t *stack;
};

/* Reaches a node for the first and only time, and gives it its reference. */
static bool reach(struct import_node *n, struct walk_lists *walk, size_t index)
{
    const struct node_lists *lists = walk->lists;
    if (walk->reached[index]) {
        rule_fail(n, STATUS_BAD_INPUT, "tree %lld: node %lld has two parents, or is above itself",
                  (long long)lists->tree_ids[index], (long long)lists->node_ids[index]);
        return false;
    }
    walk->reached[index] = true;
    walk->reference[index] = lists->modes[index] == MODE_LEAF ? -1 - (int64_t)walk->leaves++
                                                              : (int64_t)walk->interior++;
    return true;
}

static size_t child_of(struct import_node *n, const struct walk_lists *walk, size_t parent, int64_t id)
{
    int64_t tree = walk->lists->tree_ids[parent];
    size_t child = find_node(walk->keys, walk->lists->count, tree, id);
    if (child == SIZE_MAX)
        rule_fail(n, STATUS_BAD_INPUT, "tree %lld: node %lld, a child of %lld, does not exist",
                  (long long)tree, (long long)id, (long long)walk->lists->node_ids[parent]);
    return child;
}

static void walk_tree(struct import_node *n, struct walk_lists *walk, size_t root)
{
    const struct node_lists *lists = walk->lists;
    struct forest *forest = walk->forest;
    size_t depth = 0;
    if (reach(n, walk, root))
        walk->stack[depth++] = root;
    while (depth > 0 && n->status == STATUS_OK) {
        size_t index = walk->stack[--depth];
        if (lists->modes[index] == MODE_LEAF)
            continue;
        size_t yes = child_of(n, walk, index, lists->yes_ids[index]);
        size_t no = child_of(n, walk, index, lists->no_ids[index]);
        if (n->status != STATUS_OK || !reach(n, walk, yes) || !reach(n, walk, no))
            return;
        size_t at = (size_t)walk->reference[index];
        forest->features[at] = lists->features[index];
        forest->modes[at] = lists->modes[index];
        forest->missing[at] = lists->missing == NULL ? 0 : lists->missing[index] != 0;
        forest->splits->data.real[at] = lists->values->data.real[index];
        forest->yes[at] = walk->reference[yes];
        forest->no[at] = walk->reference[no];
        walk->stack[depth++] = no;
        walk->stack[depth++] = yes;
    }
}

/* Weights go to their leaves, in the order of the file; those of interior nodes have no meaning. */
static void place_weights(struct import_node *n, const struct walk_lists *walk)
{
    const struct node_lists *lists = walk->lists;
    struct forest *forest = walk->forest;
    size_t *place = arena_array(n->importer->arena, size_t, lists->weight_count);
    if (place == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 0; i < lists->weight_count; i++) {
        size_t index =
            find_node(walk->keys, lists->count, lists->weight_trees[i], lists->weight_nodes[i]);
        if (index == SIZE_MAX) {
            rule_fail(n, STATUS_BAD_INPUT, "a weight for node %lld of tree %lld, which does not exist",
                      (long long)lists->weight_nodes[i], (long long)lists->weight_trees[i]);
            return;
        }
        place[i] = lists->modes[index] == MODE_LEAF ? (size_t)(-1 - walk->reference[index]) : SIZE_MAX;
        if (place[i] != SIZE_MAX)
            forest->leaf_offsets[place[i] + 1]++;
    }
    for (size_t i = 0; i < forest->leaf_count; i++)
        forest->leaf_offsets[i + 1] += forest->leaf_offsets[i];
    int64_t *next = int_array(n, forest->leaf_count);
    if (next == NULL)
        return;
    memcpy(next, forest->leaf_offsets, forest->leaf_count * sizeof *next);
    for (size_t i = 0; i < lists->weight_count; i++) {
        if (place[i] == SIZE_MAX)
            continue;
        size_t at = (size_t)next[place[i]]++;
        forest->targets[at] = lists->weight_targets[i];
        forest->weights->data.real[at] = lists->weights->data.real[i];
    }
    forest->entry_count = (size_t)forest->leaf_offsets[forest->leaf_count];
}

/* Marks the nodes that are children; the others are roots, in the order of the file. */
static bool *mark_children(struct import_node *n, const struct walk_lists *walk)
{
    const struct node_lists *lists = walk->lists;
    bool *is_child = arena_array(n->importer->arena, bool, lists->count);
    if (is_child == NULL)
        rule_out_of_memory(n);
    for (size_t i = 0; i < lists->count && n->status == STATUS_OK; i++) {
        if (lists->modes[i] == MODE_LEAF)
            continue;
        size_t yes = child_of(n, walk, i, lists->yes_ids[i]);
        size_t no = child_of(n, walk, i, lists->no_ids[i]);
        if (n->status == STATUS_OK)
            is_child[yes] = is_child[no] = true;
    }
    return is_child;
}

static bool flatten(struct import_node *n, const struct node_lists *lists, struct forest *forest)
{
    struct arena *arena = n->importer->arena;
    size_t leaves = 0, trees = 0;
    for (size_t i = 0; i < lists->count; i++)
        leaves += lists->modes[i] == MODE_LEAF;
    struct walk_lists walk = {.lists = lists, .keys = sorted_keys(n, lists), .forest = forest};
    bool *is_child = walk.keys == NULL ? NULL : mark_children(n, &walk);
    for (size_t i = 0; i < lists->count && n->status == STATUS_OK; i++)
        trees += !is_child[i];
    walk.reference = int_array(n, lists->count);
    walk.reached = arena_array(arena, bool, lists->count);
    walk.stack = arena_array(arena, size_t, lists->count + 1);
    if (walk.reached == NULL || walk.stack == NULL)
        rule_out_of_memory(n);
    if (n->status != STATUS_OK ||
        !forest_alloc(n, forest, lists->count - leaves, leaves, lists->weight_count, trees))
        return false;
    forest->splits = real_list(n, lists->values->type, forest->interior_count);
    forest->weights = real_list(n, lists->weights->type, forest->entry_count);
    forest->sets = real_list(n, lists->values->type, 0);
    size_t tree = 0;
    for (size_t i = 0; i < lists->count && n->status == STATUS_OK; i++) {
        if (is_child[i])
            continue;
        walk_tree(n, &walk, i);
        forest->roots[tree++] = walk.reference[i];
    }
    if (n->status == STATUS_OK && walk.interior + walk.leaves != lists->count)
        rule_fail(n, STATUS_BAD_INPUT, "some nodes are above themselves: no root leads to them");
    if (n->status == STATUS_OK)
        place_weights(n, &walk);
    return n->status == STATUS_OK;
}

/* --- emission ----------------------------------------------------------------------------------------------- */

/* A list cut to its used length, so that the attribute holds no more. */
static struct tensor *cut_list(struct import_node *n, struct tensor *list, size_t count)
{
    if (list->count == count)
        return list;
    struct tensor *cut = real_list(n, list->type, count);
    if (cut != NULL && count != 0)
        memcpy(cut->data.real, list->data.real, count * sizeof(double));
    return cut;
}

static bool check_forest(struct import_node *n, const struct forest *forest, int64_t columns,
                         int64_t targets)
{
    for (size_t i = 0; i < forest->interior_count && n->status == STATUS_OK; i++)
        if (forest->features[i] < 0 || forest->features[i] >= columns)
            rule_fail(n, STATUS_BAD_INPUT,
                      "it compares feature %lld, but the input has %lld columns; give its width by --dim or --data",
                      (long long)forest->features[i], (long long)columns);
    for (size_t i = 0; i < forest->entry_count && n->status == STATUS_OK; i++)
        if (forest->targets[i] < 0 || forest->targets[i] >= targets)
            rule_fail(n, STATUS_BAD_INPUT, "a leaf weighs target %lld of %lld",
                      (long long)forest->targets[i], (long long)targets);
    return n->status == STATUS_OK;
}

/* X as [N, F] in the type that comparisons are made in: the wider of X's own and the splits'. Integers count as the splits' type. */
static uint32_t compared_rows(struct import_node *n, struct forest *forest)
{
    uint32_t x = required(n, 0);
    if (value_type(n, x) == ELEMENT_F64 && forest->splits->type == ELEMENT_F32) {
        forest->splits->type = ELEMENT_F64; /* every float is a double, and reals are stored as doubles */
        forest->sets->type = ELEMENT_F64;
    }
    x = cast_to(n, x, forest->splits->type);
    const struct shape *shape = value_shape(n, x);
    if (shape != NULL && shape->rank == 1)
        return unsqueeze_at(n, x, 0);
    if (shape != NULL && shape->rank != 2)
        rule_fail(n, STATUS_UNSUPPORTED, "an input of %u dimensions, where 1 or 2 are expected", shape->rank);
    return x;
}

static uint32_t emit_forest(struct import_node *n, struct forest *forest, int64_t targets,
                            int64_t aggregate)
{
    uint32_t x = compared_rows(n, forest);
    if (n->status != STATUS_OK || !check_forest(n, forest, column_count(n, x), targets))
        return GRAPH_NONE;
    struct tensor *weights = cut_list(n, forest->weights, forest->entry_count);
    stage_int(n, "n_targets", targets);
    stage_int(n, "aggregate", aggregate);
    stage_ints(n, "tree_roots", forest->roots, forest->tree_count);
    stage_ints(n, "nodes_featureids", forest->features, forest->interior_count);
    stage_ints(n, "nodes_modes", forest->modes, forest->interior_count);
    stage_tensor(n, "nodes_splits", forest->splits);
    stage_ints(n, "nodes_missing_tracks_true", forest->missing, forest->interior_count);
    stage_ints(n, "nodes_true", forest->yes, forest->interior_count);
    stage_ints(n, "nodes_false", forest->no, forest->interior_count);
    stage_ints(n, "leaf_offsets", forest->leaf_offsets, forest->leaf_count + 1);
    stage_ints(n, "leaf_targetids", forest->targets, forest->entry_count);
    stage_tensor(n, "leaf_weights", weights);
    stage_ints(n, "membership_offsets", forest->set_offsets, forest->interior_count + 1);
    stage_tensor(n, "membership_values", forest->sets);
    return emit1(n, OP_TREE_ENSEMBLE, x);
}

/* scores + base, base one a column. */
static uint32_t add_base(struct import_node *n, uint32_t scores, const struct tensor *base)
{
    int64_t dim = (int64_t)base->count;
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    uint32_t values =
        parameter_list(n, value_type(n, scores), base->data.real, base->count, &dim, 1);
    return emit2(n, OP_ADD, scores, values);
}

/* --- TreeEnsembleRegressor ------------------------------------------------------------------------------------ */

static int64_t attr_aggregate(struct import_node *n)
{
    static const char *const names[] = {"AVERAGE", "SUM", "MIN", "MAX"};
    const char *name = attr_text(n, "aggregate_function", "SUM");
    for (size_t i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0)
            return (int64_t)i;
    rule_fail(n, STATUS_BAD_INPUT, "aggregate_function '%s' does not exist", name);
    return 1;
}

/* The transform of a regressor's scores: onnxruntime applies none but PROBIT to a single target. */
static uint32_t transform_targets(struct import_node *n, uint32_t scores, int64_t targets,
                                  enum post_transform post)
{
    if (targets > 1 || post == POST_PROBIT)
        return emit_post_transform(n, scores, post);
    if (post != POST_NONE)
        rule_note(n, "post_transform is not applied to a single target, as in onnxruntime");
    return scores;
}

/* TreeEnsembleRegressor */
void import_tree_regressor(struct import_node *n)
{
    struct node_lists lists = {0};
    struct forest forest = {0};
    int64_t targets = attr_int(n, "n_targets", 1);
    int64_t aggregate = attr_aggregate(n);
    enum post_transform post = attr_post_transform(n);
    read_lists(n, "target", &lists);
    struct tensor *base = number_list(n, "base_values", "base_values_as_tensor");
    if (n->status == STATUS_OK && (targets < 1 || targets > INT32_MAX))
        rule_fail(n, STATUS_BAD_INPUT, "n_targets = %lld", (long long)targets);
    if (n->status != STATUS_OK || !flatten(n, &lists, &forest))
        return;
    uint32_t scores = emit_forest(n, &forest, targets, aggregate);
    if (base->count == (size_t)targets)
        scores = add_base(n, scores, base);
    else if (base->count != 0)
        rule_fail(n, STATUS_BAD_INPUT, "%zu base values for %lld targets", base->count, (long long)targets);
    scores = transform_targets(n, scores, targets, post);
    set_output(n, 0, cast_to(n, scores, ELEMENT_F32));
}

/* --- TreeEnsembleClassifier --------------------------------------------------------------------------------------- */

/* Column i of [N, 2], kept as a column. */
static uint32_t column(struct import_node *n, uint32_t scores, int64_t i)
{
    uint32_t index = constant_ints(n, &i, 1);
    stage_int(n, "axis", 1);
    return emit2(n, OP_GATHER, scores, index);
}

struct binary_case {
    bool has[2];       /* which classes a leaf weighs */
    bool all_positive; /* no weight is negative */
};

static struct binary_case binary_case_of(const struct forest *forest)
{
    struct binary_case binary = {{false, false}, true};
    for (size_t i = 0; i < forest->entry_count; i++) {
        binary.has[forest->targets[i] == 1] = true;
        binary.all_positive = binary.all_positive && forest->weights->data.real[i] >= 0;
    }
    return binary;
}

/*
 * Two classes. When all weights are of one class there is one score s: label and columns come from s alone. The rules, base values
 * included, are onnxruntime's; the specification leaves them open.
 */
static void finish_binary(struct import_node *n, const struct binary_case *binary, uint32_t scores,
                          const struct tensor *base, enum post_transform post,
                          const struct class_labels *labels)
{
    uint32_t first = column(n, scores, 0), second = GRAPH_NONE;
    bool is_single = !binary->has[1];
    if (base->count == 2 && binary->has[1]) {
        struct tensor last = *base;
        last.count = 1;
        last.data.real = base->data.real + 1;
        second = add_base(n, first, &last);
        first = emit1(n, OP_NEG, second);
    } else if (base->count == 2) {
        /* The second score is its base value; the first still decides the label. */
        scores = add_base(n, scores, base);
        first = column(n, scores, 0);
        second = column(n, scores, 1);
        is_single = false;
    } else {
        if (base->count == 1)
            first = add_base(n, first, base);
        second = is_single ? GRAPH_NONE : column(n, scores, 1);
    }
    uint32_t decisive = binary->has[1] ? second : first;
    bool one_class = binary->has[0] != binary->has[1];
    if (output_wanted(n, 0)) {
        uint32_t positive = column_above(n, decisive, one_class && binary->all_positive ? 0.5 : 0);
        set_output(n, 0, emit_binary_labels(n, positive, labels));
    }
    if (!output_wanted(n, 1) || n->status != STATUS_OK)
        return;
    uint32_t columns;
    if (!is_single) {
        stage_int(n, "axis", 1);
        columns = emit_post_transform(n, emit2(n, OP_CONCAT, first, second), post);
    } else if (post == POST_PROBIT) {
        columns = emit_post_transform(n, complement_columns(n, first), post);
    } else if (one_class && binary->all_positive) {
        columns = complement_columns(n, first);
    } else {
        columns = opposite_columns(n, first);
        if (post == POST_LOGISTIC)
            columns = emit_post_transform(n, columns, post);
    }
    set_output(n, 1, cast_to(n, columns, ELEMENT_F32));
}

/* TreeEnsembleClassifier */
void import_tree_classifier(struct import_node *n)
{
    struct node_lists lists = {0};
    struct forest forest = {0};
    enum post_transform post = attr_post_transform(n);
    struct class_labels labels = attr_class_labels(n, "classlabels_int64s", "classlabels_strings", 0);
    read_lists(n, "class", &lists);
    struct tensor *base = number_list(n, "base_values", "base_values_as_tensor");
    if (n->status != STATUS_OK || !flatten(n, &lists, &forest))
        return;
    size_t classes = labels.list->count;
    if (classes < 2)
        rule_fail(n, STATUS_UNSUPPORTED, "a classifier of one class");
    if (base->count > classes || (classes > 2 && base->count != 0 && base->count != classes))
        rule_fail(n, STATUS_BAD_INPUT, "%zu base values for %zu classes", base->count, classes);
    uint32_t scores = emit_forest(n, &forest, (int64_t)classes, 1);
    if (n->status != STATUS_OK)
        return;
    if (classes == 2) {
        struct binary_case binary = binary_case_of(&forest);
        finish_binary(n, &binary, scores, base, post, &labels);
        return;
    }
    if (base->count != 0)
        scores = add_base(n, scores, base);
    if (output_wanted(n, 0))
        set_output(n, 0, emit_labels(n, arg_max_rows(n, scores), &labels));
    if (output_wanted(n, 1))
        set_output(n, 1, cast_to(n, emit_post_transform(n, scores, post), ELEMENT_F32));
}

/* --- TreeEnsemble of version 5 ---------------------------------------------------------------------------------------- */

/* Checks the numbering of version 5: children exist; each interior node is reached once, parents first, and is renumbered so. */
struct walk_flat {
    const int64_t *yes, *no, *yes_leaf, *no_leaf;
    size_t interior, leaves;
    int64_t *number; /* new number of an interior node, -1 before */
    size_t given;
    size_t *stack;
};

static int64_t flat_child(struct import_node *n, struct walk_flat *walk, int64_t id, bool is_leaf)
{
    if (id < 0 || (uint64_t)id >= (is_leaf ? walk->leaves : walk->interior)) {
        rule_fail(n, STATUS_BAD_INPUT, "%s %lld does not exist", is_leaf ? "leaf" : "node", (long long)id);
        return 0;
    }
    if (is_leaf)
        return -1 - id;
    if (walk->number[id] >= 0)
        rule_fail(n, STATUS_BAD_INPUT, "node %lld has two parents, or is above itself", (long long)id);
    else
        walk->number[id] = (int64_t)walk->given++;
    return walk->number[id];
}

static void walk_flat_tree(struct import_node *n, struct walk_flat *walk, struct forest *forest,
                           int64_t root)
{
    size_t depth = 0;
    walk->stack[depth++] = (size_t)root;
    while (depth > 0 && n->status == STATUS_OK) {
        size_t index = walk->stack[--depth];
        size_t at = (size_t)walk->number[index];
        forest->yes[at] = flat_child(n, walk, walk->yes[index], walk->yes_leaf[index] != 0);
        forest->no[at] = flat_child(n, walk, walk->no[index], walk->no_leaf[index] != 0);
        if (n->status != STATUS_OK)
            return;
        if (walk->no_leaf[index] == 0)
            walk->stack[depth++] = (size_t)walk->no[index];
        if (walk->yes_leaf[index] == 0)
            walk->stack[depth++] = (size_t)walk->yes[index];
    }
}

/* The sets of member nodes, in file order in membership_values, each ended by NaN. start[i] is where that of node i begins. */
static void place_sets(struct import_node *n, const struct tensor *modes, const struct tensor *values,
                       const struct walk_flat *walk, struct forest *forest)
{
    size_t *start = arena_array(n->importer->arena, size_t, walk->interior);
    size_t *length = arena_array(n->importer->arena, size_t, walk->interior);
    if (start == NULL || length == NULL) {
        rule_out_of_memory(n);
        return;
    }
    size_t at = 0, count = values == NULL ? 0 : values->count, total = 0;
    for (size_t i = 0; i < walk->interior; i++) {
        if (modes->data.integer[i] != MODE_MEMBER)
            continue;
        start[i] = at;
        while (at < count && values->data.real[at] == values->data.real[at])
            at++;
        length[i] = at - start[i];
        total += length[i];
        if (at >= count)
            rule_fail(n, STATUS_BAD_INPUT, "membership_values ends before the set of node %zu does", i);
        at++;
    }
    forest->sets = real_list(n, forest->splits->type, total);
    if (n->status != STATUS_OK)
        return;
    for (size_t i = 0; i < walk->interior; i++)
        if (walk->number[i] >= 0)
            forest->set_offsets[walk->number[i] + 1] = (int64_t)length[i];
    for (size_t i = 0; i < walk->interior; i++)
        forest->set_offsets[i + 1] += forest->set_offsets[i];
    for (size_t i = 0; i < walk->interior; i++)
        for (size_t k = 0; walk->number[i] >= 0 && k < length[i]; k++)
            forest->sets->data.real[(size_t)forest->set_offsets[walk->number[i]] + k] =
                values->data.real[start[i] + k];
}

static struct tensor *required_tensor(struct import_node *n, const char *name, size_t count)
{
    struct tensor *tensor = attr_tensor(n, name);
    if (n->status == STATUS_OK && (tensor == NULL || (count != SIZE_MAX && tensor->count != count)))
        rule_fail(n, STATUS_BAD_INPUT, "attribute '%s' is missing or has the wrong size", name);
    return tensor;
}

/* Splits and weights may be float16: they become float32, which holds them exactly. */
static void widen(struct tensor *tensor)
{
    if (tensor->type == ELEMENT_F16)
        tensor->type = ELEMENT_F32;
}

static bool read_flat(struct import_node *n, struct forest *forest)
{
    size_t interior, leaves, trees;
    struct walk_flat walk = {0};
    const int64_t *features = attr_ints(n, "nodes_featureids", &interior);
    const int64_t *targets = attr_ints(n, "leaf_targetids", &leaves);
    const int64_t *roots = attr_ints(n, "tree_roots", &trees);
    walk.yes = sized_list(n, "nodes_truenodeids", interior);
    walk.no = sized_list(n, "nodes_falsenodeids", interior);
    walk.yes_leaf = sized_list(n, "nodes_trueleafs", interior);
    walk.no_leaf = sized_list(n, "nodes_falseleafs", interior);
    struct tensor *splits = required_tensor(n, "nodes_splits", interior);
    struct tensor *modes = required_tensor(n, "nodes_modes", interior);
    struct tensor *weights = required_tensor(n, "leaf_weights", leaves);
    struct tensor *sets = has_attr(n, "membership_values") ? attr_tensor(n, "membership_values") : NULL;
    const int64_t *missing = has_attr(n, "nodes_missing_value_tracks_true")
                                 ? sized_list(n, "nodes_missing_value_tracks_true", interior)
                                 : NULL;
    if (n->status == STATUS_OK &&
        (!element_type_is_float(splits->type) || !element_type_is_float(weights->type) ||
         element_type_is_float(modes->type) || modes->type == ELEMENT_STRING ||
         (sets != NULL && !element_type_is_float(sets->type))))
        rule_fail(n, STATUS_BAD_INPUT, "nodes_splits, nodes_modes, leaf_weights or membership_values has a wrong type");
    walk.interior = interior;
    walk.leaves = leaves;
    walk.number = int_array(n, interior);
    walk.stack = arena_array(n->importer->arena, size_t, interior + 1);
    if (walk.stack == NULL)
        rule_out_of_memory(n);
    if (n->status != STATUS_OK || !forest_alloc(n, forest, interior, leaves, leaves, trees))
        return false;
    widen(splits);
    widen(weights);
    forest->weights = weights;
    forest->splits = real_list(n, splits->type, interior);
    for (size_t i = 0; i < interior; i++)
        walk.number[i] = -1;
    for (size_t i = 0; i < trees && n->status == STATUS_OK; i++) {
        forest->roots[i] = flat_child(n, &walk, roots[i], false);
        if (n->status == STATUS_OK)
            walk_flat_tree(n, &walk, forest, roots[i]);
    }
    if (n->status == STATUS_OK && walk.given != interior)
        rule_fail(n, STATUS_BAD_INPUT, "%zu of %zu nodes are in no tree", interior - walk.given, interior);
    for (size_t i = 0; i < interior && n->status == STATUS_OK; i++) {
        size_t at = (size_t)walk.number[i];
        forest->features[at] = features[i];
        forest->modes[at] = modes->data.integer[i];
        forest->missing[at] = missing == NULL ? 0 : missing[i] != 0;
        forest->splits->data.real[at] = splits->data.real[i];
        if (forest->modes[at] < 0 || forest->modes[at] > MODE_MEMBER)
            rule_fail(n, STATUS_BAD_INPUT, "node mode %lld does not exist", (long long)forest->modes[at]);
    }
    for (size_t i = 0; i < leaves && n->status == STATUS_OK; i++) {
        forest->leaf_offsets[i + 1] = (int64_t)i + 1;
        forest->targets[i] = targets[i];
    }
    if (n->status == STATUS_OK)
        place_sets(n, modes, sets, &walk, forest);
    return n->status == STATUS_OK;
}

/* TreeEnsemble */
void import_tree_ensemble(struct import_node *n)
{
    static const enum post_transform posts[] = {POST_NONE, POST_SOFTMAX, POST_LOGISTIC,
                                                POST_SOFTMAX_ZERO, POST_PROBIT};
    struct forest forest = {0};
    int64_t targets = attr_int(n, "n_targets", 1), aggregate = attr_int(n, "aggregate_function", 1);
    int64_t post = attr_int(n, "post_transform", 0);
    if (targets < 1 || targets > INT32_MAX || aggregate < 0 || aggregate > 3 || post < 0 || post > 4)
        rule_fail(n, STATUS_BAD_INPUT, "n_targets, aggregate_function or post_transform out of range");
    if (n->status != STATUS_OK || !read_flat(n, &forest))
        return;
    enum element_type type = value_type(n, operand(n, 0));
    uint32_t scores = emit_forest(n, &forest, targets, aggregate);
    scores = transform_targets(n, scores, targets, posts[post]);
    set_output(n, 0, element_type_is_float(type) ? cast_to(n, scores, type) : scores);
}
