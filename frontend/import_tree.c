/*
 * Import rules of tree ensembles: TreeEnsembleClassifier and TreeEnsembleRegressor (ai.onnx.ml 1
 * and 3), TreeEnsemble (5). Each becomes a TREE_ENSEMBLE in the flat form of ir/ops.def, and
 * arithmetic after it: base values, transform, label.
 */
#include <string.h>

#include "frontend/import_forest.h"
#include "frontend/import_rules.h"

/* A list cut to its used length, so that the attribute holds no more. */
static struct tensor *cut_list(struct import_node *n, struct tensor *list, size_t count)
{
    if (list->count == count)
        return list;
    struct tensor *cut = forest_reals(n, list->type, count);
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
                      "it compares feature %lld, but the input has %lld columns; give its width by "
                      "--dim or --data",
                      (long long)forest->features[i], (long long)columns);
    for (size_t i = 0; i < forest->entry_count && n->status == STATUS_OK; i++)
        if (forest->targets[i] < 0 || forest->targets[i] >= targets)
            rule_fail(n, STATUS_BAD_INPUT, "a leaf weighs target %lld of %lld",
                      (long long)forest->targets[i], (long long)targets);
    return n->status == STATUS_OK;
}

/* X as [N, F] in the type that comparisons are made in: the wider of X's own and the splits'.
 * Integers count as the splits' type. */
static uint32_t compared_rows(struct import_node *n, struct forest *forest)
{
    uint32_t x = required(n, 0);
    if (value_type(n, x) == ELEMENT_F64 && forest->splits->type == ELEMENT_F32) {
        forest->splits->type =
            ELEMENT_F64; /* every float is a double, and reals are stored as doubles */
        forest->sets->type = ELEMENT_F64;
    }
    x = cast_to(n, x, forest->splits->type);
    const struct shape *shape = value_shape(n, x);
    if (shape != NULL && shape->rank == 1)
        return unsqueeze_at(n, x, 0);
    if (shape != NULL && shape->rank != 2)
        rule_fail(n, STATUS_UNSUPPORTED, "an input of %u dimensions, where 1 or 2 are expected",
                  shape->rank);
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

/* --- TreeEnsembleRegressor --- */

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

/* TreeEnsembleRegressor. With one target a leaf counts once, by its first weight, as in
 * onnxruntime. */
void import_tree_regressor(struct import_node *n)
{
    struct forest forest = {0};
    int64_t targets = attr_int(n, "n_targets", 1);
    int64_t aggregate = attr_aggregate(n);
    enum post_transform post = attr_post_transform(n);
    struct tensor *base = forest_numbers(n, "base_values", "base_values_as_tensor");
    if (n->status == STATUS_OK && (targets < 1 || targets > INT32_MAX))
        rule_fail(n, STATUS_BAD_INPUT, "n_targets = %lld", (long long)targets);
    if (n->status != STATUS_OK || !forest_read_lists(n, "target", targets == 1, &forest))
        return;
    uint32_t scores = emit_forest(n, &forest, targets, aggregate);
    if (base->count == (size_t)targets)
        scores = add_base(n, scores, base);
    else if (base->count != 0)
        rule_fail(n, STATUS_BAD_INPUT, "%zu base values for %lld targets", base->count,
                  (long long)targets);
    scores = transform_targets(n, scores, targets, post);
    set_output(n, 0, cast_to(n, scores, ELEMENT_F32));
}

/* --- TreeEnsembleClassifier --- */

/* Column i of [N, 2], kept as a column. */
static uint32_t column(struct import_node *n, uint32_t scores, int64_t i)
{
    uint32_t index = constant_ints(n, &i, 1);
    stage_int(n, "axis", 1);
    return emit2(n, OP_GATHER, scores, index);
}

/* Which classes some leaf weighs, and whether no weight is negative. */
struct class_use {
    bool *is_weighed; /* [classes] */
    size_t count;     /* of those weighed */
    bool all_positive;
};

static struct class_use class_use_of(struct import_node *n, const struct forest *forest,
                                     size_t classes)
{
    struct class_use use = {arena_array(n->importer->arena, bool, classes), 0, true};
    if (use.is_weighed == NULL)
        rule_out_of_memory(n);
    for (size_t i = 0; i < forest->entry_count && n->status == STATUS_OK; i++) {
        use.count += !use.is_weighed[forest->targets[i]];
        use.is_weighed[forest->targets[i]] = true;
        use.all_positive = use.all_positive && forest->weights->data.real[i] >= 0;
    }
    return use;
}

/* Zeros in the place of a column. */
static uint32_t zero_column(struct import_node *n, uint32_t like)
{
    const struct shape *shape = value_shape(n, like);
    return shape == NULL
               ? GRAPH_NONE
               : constant_tensor(n, tensor_new(n->importer->arena, value_type(n, like), shape));
}

/*
 * Two classes. The rules are onnxruntime's, where the specification leaves them open: a class that
 * no leaf weighs scores 0 whatever its base value; with two base values and weights of the second
 * class, the scores are [-s, s]; with weights of the first class alone there is one score, from
 * which label and columns come.
 */
static void finish_binary(struct import_node *n, const struct class_use *use, uint32_t scores,
                          const struct tensor *base, enum post_transform post,
                          const struct class_labels *labels)
{
    const bool *has = use->is_weighed;
    uint32_t first = column(n, scores, 0), second = GRAPH_NONE;
    struct tensor one = *base;
    one.count = 1;
    if (base->count == 2 && has[1]) {
        one.data.real = base->data.real + 1;
        second = add_base(n, first, &one);
        first = emit1(n, OP_NEG, second);
    } else {
        if (base->count != 0)
            first = add_base(n, first, &one);
        if (has[1])
            second = column(n, scores, 1);
        else if (base->count == 2)
            second = zero_column(n, first);
    }
    if (output_wanted(n, 0)) {
        double bound = use->count == 1 && use->all_positive ? 0.5 : 0;
        uint32_t positive = column_above(n, has[1] ? second : first, bound);
        set_output(n, 0, emit_binary_labels(n, positive, labels));
    }
    if (!output_wanted(n, 1) || n->status != STATUS_OK)
        return;
    uint32_t columns;
    if (second == GRAPH_NONE) {
        columns = two_columns(n, first, use->count == 1 && use->all_positive, post);
    } else {
        if (!has[0])
            first = zero_column(n, first);
        stage_int(n, "axis", 1);
        columns = emit_post_transform(n, emit2(n, OP_CONCAT, first, second), post);
    }
    set_output(n, 1, cast_to(n, columns, ELEMENT_F32));
}

/* The class of the largest score. A class that no leaf weighs and no base value reaches has no
 * score, and is never taken. */
static uint32_t best_class(struct import_node *n, const struct class_use *use, uint32_t scores,
                           bool has_base, const struct class_labels *labels)
{
    size_t classes = labels->list->count, kept = 0;
    if (has_base || use->count == classes || use->count == 0)
        return emit_labels(n, arg_max_rows(n, scores), labels);
    int64_t *index = arena_array(n->importer->arena, int64_t, classes);
    struct shape shape = {.rank = 1, .dim = {(int64_t)use->count}};
    struct class_labels some = {tensor_new(n->importer->arena, ELEMENT_I64, &shape), labels->pool};
    if (index == NULL || some.list == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    for (size_t i = 0; i < classes; i++) {
        if (!use->is_weighed[i])
            continue;
        index[kept] = (int64_t)i;
        some.list->data.integer[kept++] = labels->list->data.integer[i];
    }
    uint32_t list = constant_ints(n, index, kept);
    stage_int(n, "axis", 1);
    uint32_t weighed = emit2(n, OP_GATHER, scores, list);
    return emit_labels(n, arg_max_rows(n, weighed), &some);
}

/* TreeEnsembleClassifier */
void import_tree_classifier(struct import_node *n)
{
    struct forest forest = {0};
    enum post_transform post = attr_post_transform(n);
    struct class_labels labels =
        attr_class_labels(n, "classlabels_int64s", "classlabels_strings", 0);
    struct tensor *base = forest_numbers(n, "base_values", "base_values_as_tensor");
    if (n->status != STATUS_OK || !forest_read_lists(n, "class", false, &forest))
        return;
    size_t classes = labels.list->count;
    if (classes < 2)
        rule_fail(n, STATUS_UNSUPPORTED, "a classifier of one class");
    if (base->count > classes || (classes > 2 && base->count != 0 && base->count != classes))
        rule_fail(n, STATUS_BAD_INPUT, "%zu base values for %zu classes", base->count, classes);
    uint32_t scores = emit_forest(n, &forest, (int64_t)classes, 1);
    if (n->status != STATUS_OK)
        return;
    struct class_use use = class_use_of(n, &forest, classes);
    if (n->status != STATUS_OK)
        return;
    if (classes == 2) {
        finish_binary(n, &use, scores, base, post, &labels);
        return;
    }
    if (base->count != 0)
        scores = add_base(n, scores, base);
    if (output_wanted(n, 0))
        set_output(n, 0, best_class(n, &use, scores, base->count != 0, &labels));
    if (output_wanted(n, 1))
        set_output(n, 1, cast_to(n, emit_post_transform(n, scores, post), ELEMENT_F32));
}

/* TreeEnsemble */
void import_tree_ensemble(struct import_node *n)
{
    static const enum post_transform posts[] = {POST_NONE, POST_SOFTMAX, POST_LOGISTIC,
                                                POST_SOFTMAX_ZERO, POST_PROBIT};
    struct forest forest = {0};
    int64_t targets = attr_int(n, "n_targets", 1), aggregate = attr_int(n, "aggregate_function", 1);
    int64_t post = attr_int(n, "post_transform", 0);
    if (targets < 1 || targets > INT32_MAX || aggregate < 0 || aggregate > 3 || post < 0 ||
        post > 4)
        rule_fail(n, STATUS_BAD_INPUT,
                  "n_targets, aggregate_function or post_transform out of range");
    if (n->status != STATUS_OK || !forest_read_flat(n, &forest))
        return;
    enum element_type type = value_type(n, operand(n, 0));
    uint32_t scores = emit_forest(n, &forest, targets, aggregate);
    scores = transform_targets(n, scores, targets, posts[post]);
    set_output(n, 0, element_type_is_float(type) ? cast_to(n, scores, type) : scores);
}
