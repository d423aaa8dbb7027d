/*
 * Tree ensembles of a file in the flat form: see import_forest.h.
 *
 * Versions 1 and 3 list nodes by (tree, node) ids in any order; leaves are nodes of mode LEAF,
 * their weights stand in further lists. The flat form numbers interior nodes so that children
 * follow their parent; subtrees that the file shares are written out.
 */
#include "frontend/import_forest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODE_MEMBER = 6, MODE_LEAF = 7, MODE_UNKNOWN = 8 };

/* The lists of a node of the older form. */
struct node_lists {
    size_t count;
    const int64_t *tree_ids, *node_ids, *features, *yes_ids, *no_ids,
        *missing; /* missing may be NULL */
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

struct tensor *forest_numbers(struct import_node *n, const char *name, const char *twin)
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
        rule_fail(n, STATUS_BAD_INPUT, "attribute '%s' has %zu entries, %zu are expected", name,
                  count, expected);
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
        rule_fail(n, STATUS_BAD_INPUT, "attribute 'nodes_modes' has %zu entries, %zu are expected",
                  count, lists->count);
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
    lists->missing =
        count == 0 ? NULL : sized_list(n, "nodes_missing_value_tracks_true", lists->count);
    lists->values = forest_numbers(n, "nodes_values", "nodes_values_as_tensor");
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
    lists->weights = forest_numbers(n, name, twin);
    if (n->status == STATUS_OK &&
        (lists->values->count != lists->count || lists->weights->count != lists->weight_count))
        rule_fail(n, STATUS_BAD_INPUT, "%zu values for %zu nodes, %zu weights for %zu places",
                  lists->values->count, lists->count, lists->weights->count, lists->weight_count);
}

/* --- lookup by (tree, node) --- */

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

/* --- flattening --- */

static bool forest_alloc(struct import_node *n, struct forest *forest, size_t interior,
                         size_t leaves, size_t entries, size_t trees)
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

struct tensor *forest_reals(struct import_node *n, enum element_type type, size_t count)
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
    struct forest *forest;   /* NULL while nodes are only counted */
    int64_t *leaf_reference; /* [lists->count], 0 until a leaf has been reached */
    bool *reached;
    size_t interior, leaves; /* given out so far */
    size_t limit;            /* of interior nodes */
    struct walk_step {
        size_t index;
        int64_t reference;
    } * stack; /* [lists->count + 2] */
};

/*
 * Gives a node its reference. A leaf has one, however many nodes lead to it; an interior node gets
 * a new one each time: files share subtrees (LightGBM's categories), the flat form has trees.
 */
static int64_t reach(struct walk_lists *walk, size_t index)
{
    walk->reached[index] = true;
    if (walk->lists->modes[index] != MODE_LEAF)
        return (int64_t)walk->interior++;
    if (walk->leaf_reference[index] == 0)
        walk->leaf_reference[index] = -1 - (int64_t)walk->leaves++;
    return walk->leaf_reference[index];
}

static size_t child_of(struct import_node *n, const struct walk_lists *walk, size_t parent,
                       int64_t id)
{
    int64_t tree = walk->lists->tree_ids[parent];
    size_t child = find_node(walk->keys, walk->lists->count, tree, id);
    if (child == SIZE_MAX)
        rule_fail(n, STATUS_BAD_INPUT, "tree %lld: node %lld, a child of %lld, does not exist",
                  (long long)tree, (long long)id, (long long)walk->lists->node_ids[parent]);
    return child;
}

static void store_node(struct walk_lists *walk, size_t index, size_t at, int64_t yes, int64_t no)
{
    const struct node_lists *lists = walk->lists;
    struct forest *forest = walk->forest;
    if (forest == NULL)
        return;
    forest->features[at] = lists->features[index];
    forest->modes[at] = lists->modes[index];
    forest->missing[at] = lists->missing == NULL ? 0 : lists->missing[index] != 0;
    forest->splits->data.real[at] = lists->values->data.real[index];
    forest->yes[at] = yes;
    forest->no[at] = no;
}

/* Returns the reference of the root. */
static int64_t walk_tree(struct import_node *n, struct walk_lists *walk, size_t root)
{
    const struct node_lists *lists = walk->lists;
    int64_t reference = reach(walk, root);
    size_t depth = 0;
    walk->stack[depth++] = (struct walk_step){root, reference};
    while (depth > 0) {
        struct walk_step step = walk->stack[--depth];
        if (lists->modes[step.index] == MODE_LEAF)
            continue;
        size_t yes = child_of(n, walk, step.index, lists->yes_ids[step.index]);
        size_t no = child_of(n, walk, step.index, lists->no_ids[step.index]);
        /* Without a cycle no path is longer than the list of nodes. */
        if (n->status == STATUS_OK && depth >= lists->count)
            rule_fail(n, STATUS_BAD_INPUT, "tree %lld: node %lld is above itself",
                      (long long)lists->tree_ids[root], (long long)lists->node_ids[step.index]);
        if (n->status == STATUS_OK && walk->interior > walk->limit)
            rule_fail(n, STATUS_LIMIT,
                      "its trees share so many nodes, or go in a circle, that they have over %zu",
                      walk->limit);
        if (n->status != STATUS_OK)
            break;
        int64_t yes_reference = reach(walk, yes), no_reference = reach(walk, no);
        store_node(walk, step.index, (size_t)step.reference, yes_reference, no_reference);
        walk->stack[depth++] = (struct walk_step){no, no_reference};
        walk->stack[depth++] = (struct walk_step){yes, yes_reference};
    }
    return reference;
}

/*
 * Weights go to their leaves, in the order of the file; those of interior nodes have no meaning.
 * only_first: of several weights of one leaf the first counts.
 */
static void place_weights(struct import_node *n, const struct walk_lists *walk, bool only_first)
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
            rule_fail(n, STATUS_BAD_INPUT,
                      "a weight for node %lld of tree %lld, which does not exist",
                      (long long)lists->weight_nodes[i], (long long)lists->weight_trees[i]);
            return;
        }
        place[i] = lists->modes[index] == MODE_LEAF ? (size_t)(-1 - walk->leaf_reference[index])
                                                    : SIZE_MAX;
        if (place[i] != SIZE_MAX && only_first && forest->leaf_offsets[place[i] + 1] != 0)
            place[i] = SIZE_MAX;
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

/* Walks every tree; roots gets the references, NULL when nodes are only counted. */
static void walk_forest(struct import_node *n, struct walk_lists *walk, const bool *is_child,
                        int64_t *roots)
{
    size_t tree = 0;
    walk->interior = 0;
    walk->leaves = 0;
    memset(walk->leaf_reference, 0, walk->lists->count * sizeof *walk->leaf_reference);
    for (size_t i = 0; i < walk->lists->count && n->status == STATUS_OK; i++) {
        if (is_child[i])
            continue;
        int64_t root = walk_tree(n, walk, i);
        if (roots != NULL)
            roots[tree++] = root;
    }
    for (size_t i = 0; i < walk->lists->count && n->status == STATUS_OK; i++)
        if (!walk->reached[i])
            rule_fail(n, STATUS_BAD_INPUT,
                      "tree %lld: node %lld is above itself: no root leads to it",
                      (long long)walk->lists->tree_ids[i], (long long)walk->lists->node_ids[i]);
}

static bool flatten(struct import_node *n, const struct node_lists *lists, struct forest *forest,
                    bool only_first)
{
    struct arena *arena = n->importer->arena;
    size_t trees = 0;
    struct walk_lists walk = {.lists = lists, .keys = sorted_keys(n, lists)};
    bool *is_child = walk.keys == NULL ? NULL : mark_children(n, &walk);
    for (size_t i = 0; i < lists->count && n->status == STATUS_OK; i++)
        trees += !is_child[i];
    walk.leaf_reference = int_array(n, lists->count);
    walk.reached = arena_array(arena, bool, lists->count);
    walk.stack = arena_array(arena, struct walk_step, lists->count + 2);
    walk.limit = 16 * lists->count + 65536;
    if (walk.reached == NULL || walk.stack == NULL)
        rule_out_of_memory(n);
    if (n->status != STATUS_OK)
        return false;
    walk_forest(n, &walk, is_child, NULL);
    if (n->status != STATUS_OK ||
        !forest_alloc(n, forest, walk.interior, walk.leaves, lists->weight_count, trees))
        return false;
    forest->splits = forest_reals(n, lists->values->type, forest->interior_count);
    forest->weights = forest_reals(n, lists->weights->type, forest->entry_count);
    forest->sets = forest_reals(n, lists->values->type, 0);
    walk.forest = forest;
    if (n->status == STATUS_OK)
        walk_forest(n, &walk, is_child, forest->roots);
    if (n->status == STATUS_OK)
        place_weights(n, &walk, only_first);
    return n->status == STATUS_OK;
}

/* --- TreeEnsemble of version 5 --- */

/* Checks the numbering of version 5: children exist; each interior node is reached once, parents
 * first, and is renumbered so. */
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
        rule_fail(n, STATUS_BAD_INPUT, "%s %lld does not exist", is_leaf ? "leaf" : "node",
                  (long long)id);
        return 0;
    }
    if (is_leaf)
        return -1 - id;
    if (walk->number[id] >= 0)
        rule_fail(n, STATUS_BAD_INPUT, "node %lld has two parents, or is above itself",
                  (long long)id);
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

/* The sets of member nodes, in file order in membership_values, each ended by NaN. start[i] is
 * where that of node i begins. */
static void place_sets(struct import_node *n, const struct tensor *modes,
                       const struct tensor *values, const struct walk_flat *walk,
                       struct forest *forest)
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
            rule_fail(n, STATUS_BAD_INPUT, "membership_values ends before the set of node %zu does",
                      i);
        at++;
    }
    forest->sets = forest_reals(n, forest->splits->type, total);
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

bool forest_read_flat(struct import_node *n, struct forest *forest)
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
    struct tensor *sets =
        has_attr(n, "membership_values") ? attr_tensor(n, "membership_values") : NULL;
    const int64_t *missing = has_attr(n, "nodes_missing_value_tracks_true")
                                 ? sized_list(n, "nodes_missing_value_tracks_true", interior)
                                 : NULL;
    if (n->status == STATUS_OK &&
        (!element_type_is_float(splits->type) || !element_type_is_float(weights->type) ||
         element_type_is_float(modes->type) || modes->type == ELEMENT_STRING ||
         (sets != NULL && !element_type_is_float(sets->type))))
        rule_fail(n, STATUS_BAD_INPUT,
                  "nodes_splits, nodes_modes, leaf_weights or membership_values has a wrong type");
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
    forest->splits = forest_reals(n, splits->type, interior);
    for (size_t i = 0; i < interior; i++)
        walk.number[i] = -1;
    for (size_t i = 0; i < trees && n->status == STATUS_OK; i++) {
        forest->roots[i] = flat_child(n, &walk, roots[i], false);
        if (n->status == STATUS_OK)
            walk_flat_tree(n, &walk, forest, roots[i]);
    }
    if (n->status == STATUS_OK && walk.given != interior)
        rule_fail(n, STATUS_BAD_INPUT, "%zu of %zu nodes are in no tree", interior - walk.given,
                  interior);
    for (size_t i = 0; i < interior && n->status == STATUS_OK; i++) {
        size_t at = (size_t)walk.number[i];
        forest->features[at] = features[i];
        forest->modes[at] = modes->data.integer[i];
        forest->missing[at] = missing == NULL ? 0 : missing[i] != 0;
        forest->splits->data.real[at] = splits->data.real[i];
        if (forest->modes[at] < 0 || forest->modes[at] > MODE_MEMBER)
            rule_fail(n, STATUS_BAD_INPUT, "node mode %lld does not exist",
                      (long long)forest->modes[at]);
    }
    for (size_t i = 0; i < leaves && n->status == STATUS_OK; i++) {
        forest->leaf_offsets[i + 1] = (int64_t)i + 1;
        forest->targets[i] = targets[i];
    }
    if (n->status == STATUS_OK)
        place_sets(n, modes, sets, &walk, forest);
    return n->status == STATUS_OK;
}

bool forest_read_lists(struct import_node *n, const char *prefix, bool only_first,
                       struct forest *forest)
{
    struct node_lists lists = {0};
    read_lists(n, prefix, &lists);
    return n->status == STATUS_OK && flatten(n, &lists, forest, only_first);
}
