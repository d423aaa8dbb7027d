/*
 * Kernels of ai.onnx.ml and of tables: TreeEnsemble in the flat form of ir/ops.def, LabelEncoder,
 * TfIdfVectorizer, PairwiseCoupling; and their shape rules. See graph_interpret.h.
 */
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>
#include <string.h>

/* --- TreeEnsemble
 * ------------------------------------------------------------------------------------ */

/* Attributes of the flat form; ops.def says what each holds. */
struct forest {
    int64_t targets, aggregate;
    size_t trees, nodes, leaves;
    const int64_t *roots, *features, *modes, *missing_true, *if_true, *if_false;
    const int64_t *leaf_offsets, *leaf_targets, *member_offsets;
    const struct tensor *splits, *weights, *members;
};

/* A list of integers; *count must be `expected` unless that is SIZE_MAX. */
static bool list_of(const struct graph_node *node, const char *name, size_t expected,
                    const int64_t **list, size_t *count)
{
    const struct graph_attribute *a = graph_attribute(node, name);
    *list = NULL;
    *count = 0;
    if (a == NULL || a->kind != ATTRIBUTE_INTS)
        return expected == 0;
    *list = a->integers;
    *count = a->count;
    return expected == SIZE_MAX || a->count == expected;
}

static const struct tensor *tensor_of(const struct graph_node *node, const char *name)
{
    const struct graph_attribute *a = graph_attribute(node, name);
    return a != NULL && a->kind == ATTRIBUTE_TENSOR ? a->tensor : NULL;
}

/* Offsets must rise from 0 to `total`. */
static bool offsets_are_valid(const int64_t *offsets, size_t parts, size_t total)
{
    if (offsets[0] != 0 || offsets[parts] < 0 || (size_t)offsets[parts] != total)
        return false;
    for (size_t i = 0; i < parts; i++)
        if (offsets[i] > offsets[i + 1])
            return false;
    return true;
}

/* A reference names a later interior node or a leaf. */
static bool reference_is_valid(const struct forest *forest, int64_t reference, int64_t parent)
{
    return reference >= 0 ? reference > parent && (size_t)reference < forest->nodes
                          : (size_t)(-1 - reference) < forest->leaves;
}

static bool forest_is_valid(const struct forest *forest)
{
    for (size_t t = 0; t < forest->trees; t++)
        if (!reference_is_valid(forest, forest->roots[t], -1))
            return false;
    for (size_t i = 0; i < forest->nodes; i++)
        if (!reference_is_valid(forest, forest->if_true[i], (int64_t)i) ||
            !reference_is_valid(forest, forest->if_false[i], (int64_t)i) ||
            forest->features[i] < 0 || forest->modes[i] < 0 || forest->modes[i] > 6)
            return false;
    for (size_t i = 0; i < forest->weights->count; i++)
        if (forest->leaf_targets[i] < 0 || forest->leaf_targets[i] >= forest->targets)
            return false;
    return true;
}

static enum status forest_read(struct diag *diag, const struct graph_node *node,
                               struct forest *forest)
{
    size_t count, n;
    *forest = (struct forest){.splits = tensor_of(node, "nodes_splits"),
                              .weights = tensor_of(node, "leaf_weights"),
                              .members = tensor_of(node, "membership_values")};
    forest->targets = graph_attribute_int(node, "n_targets", 0);
    forest->aggregate = graph_attribute_int(node, "aggregate", 1);
    bool fits = forest->splits != NULL && forest->weights != NULL && forest->targets > 0;
    n = forest->nodes = fits ? forest->splits->count : 0;
    fits = fits && list_of(node, "tree_roots", SIZE_MAX, &forest->roots, &forest->trees) &&
           list_of(node, "nodes_featureids", n, &forest->features, &count) &&
           list_of(node, "nodes_modes", n, &forest->modes, &count) &&
           list_of(node, "nodes_missing_tracks_true", n, &forest->missing_true, &count) &&
           list_of(node, "nodes_true", n, &forest->if_true, &count) &&
           list_of(node, "nodes_false", n, &forest->if_false, &count) &&
           list_of(node, "leaf_targetids", forest->weights->count, &forest->leaf_targets, &count) &&
           list_of(node, "leaf_offsets", SIZE_MAX, &forest->leaf_offsets, &count) && count > 0;
    if (fits) {
        forest->leaves = count - 1;
        fits = offsets_are_valid(forest->leaf_offsets, forest->leaves, forest->weights->count);
    }
    if (fits && graph_attribute(node, "membership_offsets") != NULL)
        fits = list_of(node, "membership_offsets", n + 1, &forest->member_offsets, &count) &&
               offsets_are_valid(forest->member_offsets, n,
                                 forest->members != NULL ? forest->members->count : 0);
    if (!fits || !forest_is_valid(forest))
        return diag_set(diag, STATUS_BAD_INPUT, "the attributes do not describe a tree ensemble");
    return STATUS_OK;
}

static bool is_member(const struct forest *forest, size_t node, double x)
{
    if (forest->member_offsets == NULL)
        return false;
    for (int64_t i = forest->member_offsets[node]; i < forest->member_offsets[node + 1]; i++)
        if (forest->members->data.real[i] == x)
            return true;
    return false;
}

static bool node_is_true(const struct forest *forest, size_t node, double x)
{
    double split = forest->splits->data.real[node];
    if (isnan(x))
        return forest->missing_true[node] != 0;
    switch (forest->modes[node]) {
    case 0:
        return x <= split;
    case 1:
        return x < split;
    case 2:
        return x >= split;
    case 3:
        return x > split;
    case 4:
        return x == split;
    case 5:
        return x != split;
    default:
        return is_member(forest, node, x);
    }
}

/* One target's state while the trees report in. */
struct score {
    double value;
    bool has_any;
};

static void score_add(struct score *score, int64_t aggregate, double weight)
{
    if (aggregate <= 1)
        score->value += weight;
    else if (!score->has_any || (aggregate == 2 ? weight < score->value : weight > score->value))
        score->value = weight;
    score->has_any = true;
}

/* The leaf that a row of features reaches. */
static size_t find_leaf(const struct forest *forest, int64_t reference, const struct tensor *x,
                        size_t row)
{
    while (reference >= 0) {
        size_t node = (size_t)reference;
        double feature = tensor_real(x, row + (size_t)forest->features[node]);
        feature = element_round(forest->splits->type, feature);
        reference =
            node_is_true(forest, node, feature) ? forest->if_true[node] : forest->if_false[node];
    }
    return (size_t)(-1 - reference);
}

enum status run_tree_ensemble(struct kernel_call *call)
{
    const struct tensor *x = call->in[0];
    struct forest forest;
    enum status status = forest_read(call->diag, call->node, &forest);
    if (status != STATUS_OK)
        return status;
    size_t targets = (size_t)forest.targets, rows = (size_t)call->out[0]->shape.dim[0];
    size_t columns = (size_t)x->shape.dim[x->shape.rank - 1];
    for (size_t i = 0; i < forest.nodes; i++)
        if ((size_t)forest.features[i] >= columns)
            return kernel_fail(call, STATUS_BAD_INPUT, "feature %" PRId64 " is outside %zu columns",
                               forest.features[i], columns);
    struct score *score = kernel_alloc(call->arena, targets, sizeof *score, call->diag);
    if (score == NULL)
        return STATUS_NO_MEMORY;
    for (size_t row = 0; row < rows; row++) {
        memset(score, 0, targets * sizeof *score);
        for (size_t t = 0; t < forest.trees; t++) {
            size_t leaf = find_leaf(&forest, forest.roots[t], x, row * columns);
            for (int64_t k = forest.leaf_offsets[leaf]; k < forest.leaf_offsets[leaf + 1]; k++)
                score_add(&score[forest.leaf_targets[k]], forest.aggregate,
                          forest.weights->data.real[k]);
        }
        for (size_t k = 0; k < targets; k++) {
            double value = score[k].value;
            if (forest.aggregate == 0 && forest.trees > 0)
                value /= (double)forest.trees;
            tensor_set_real(call->out[0], row * targets + k, value);
        }
    }
    return STATUS_OK;
}

enum status infer_tree_ensemble(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    struct forest forest;
    if (status == STATUS_OK)
        status = forest_read(call->diag, call->node, &forest);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, forest.splits->type, NULL);
    if (!call->in[0]->shape_known)
        return STATUS_OK;
    const struct shape *in = &call->in[0]->shape;
    if (in->rank != 1 && in->rank != 2)
        return infer_fail(call, STATUS_BAD_INPUT, "the operand must be [rows, features]");
    struct shape shape = {2, {in->rank == 2 ? in->dim[0] : 1, forest.targets}};
    infer_result(call, 0, forest.splits->type, &shape);
    return STATUS_OK;
}

/* --- LabelEncoder
 * -------------------------------------------------------------------------------------- */

enum status infer_label_encoder(struct infer_call *call)
{
    enum status status = infer_need(call, 4);
    if (status != STATUS_OK)
        return status;
    if (call->in[0]->type != call->in[1]->type)
        return infer_fail(call, STATUS_BAD_INPUT, "the keys are %s and the operand is %s",
                          element_type_name(call->in[1]->type),
                          element_type_name(call->in[0]->type));
    if (call->in[2]->type != call->in[3]->type)
        return infer_fail(call, STATUS_BAD_INPUT, "the values are %s and the default is %s",
                          element_type_name(call->in[2]->type),
                          element_type_name(call->in[3]->type));
    infer_result(call, 0, call->in[2]->type, infer_shape_of(call->in[0]));
    return STATUS_OK;
}

static bool same_element(const struct tensor *a, size_t i, const struct tensor *b, size_t j)
{
    if (!element_type_is_float(a->type))
        return a->data.integer[i] == b->data.integer[j];
    double x = a->data.real[i], y = b->data.real[j];
    return x == y || (isnan(x) && isnan(y));
}

enum status run_label_encoder(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *keys = call->in[1], *values = call->in[2];
    if (keys->count != values->count || call->in[3]->count != 1)
        return kernel_fail(call, STATUS_BAD_INPUT, "%zu keys, %zu values, %zu defaults",
                           keys->count, values->count, call->in[3]->count);
    for (size_t i = 0; i < x->count; i++) {
        size_t k = 0;
        while (k < keys->count && !same_element(x, i, keys, k))
            k++;
        tensor_copy_element(call->out[0], i, k < keys->count ? values : call->in[3],
                            k < keys->count ? k : 0);
    }
    return STATUS_OK;
}

/* --- PairwiseCoupling
 * ------------------------------------------------------------------------------------ */

/* K for which K (K - 1) / 2 is `pairs`; 0 when there is none. */
static size_t classes_of(int64_t pairs)
{
    for (int64_t k = 2; k * (k - 1) / 2 <= pairs; k++)
        if (k * (k - 1) / 2 == pairs)
            return (size_t)k;
    return 0;
}

enum status infer_pairwise_coupling(struct infer_call *call)
{
    enum status status = infer_same_float(call);
    if (status != STATUS_OK || !call->in[0]->shape_known)
        return status;
    struct shape shape = call->in[0]->shape;
    if (shape.rank != 2 || classes_of(shape.dim[1]) == 0)
        return infer_fail(call, STATUS_BAD_INPUT, "the columns are not the pairs of some classes");
    shape.dim[1] = (int64_t)classes_of(shape.dim[1]);
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

/* Q of the paper's (22): Q[t][t] = sum of r[j][t]^2, Q[t][j] = -r[j][t] r[t][j]; r is [k, k]. */
static void coupling_matrix(double *q, const double *r, size_t k)
{
    for (size_t t = 0; t < k; t++) {
        q[t * k + t] = 0.0;
        for (size_t j = 0; j < k; j++) {
            if (j == t)
                continue;
            q[t * k + t] += r[j * k + t] * r[j * k + t];
            q[t * k + j] = -r[j * k + t] * r[t * k + j];
        }
    }
}

/* One round of the fixed-point iteration; returns whether p had converged before it. */
static bool coupling_round(double *p, double *qp, const double *q, size_t k)
{
    double p_q_p = 0.0, error = 0.0;
    for (size_t t = 0; t < k; t++) {
        qp[t] = 0.0;
        for (size_t j = 0; j < k; j++)
            qp[t] += q[t * k + j] * p[j];
        p_q_p += p[t] * qp[t];
    }
    for (size_t t = 0; t < k; t++)
        error = fmax(error, fabs(qp[t] - p_q_p));
    if (error < 0.005 / (double)k)
        return true;
    for (size_t t = 0; t < k; t++) {
        double step = (p_q_p - qp[t]) / q[t * k + t];
        p[t] += step;
        p_q_p = (p_q_p + step * (step * q[t * k + t] + 2 * qp[t])) / (1 + step) / (1 + step);
        for (size_t j = 0; j < k; j++) {
            qp[j] = (qp[j] + step * q[t * k + j]) / (1 + step);
            p[j] /= 1 + step;
        }
    }
    return false;
}

enum status run_pairwise_coupling(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    size_t k = (size_t)call->out[0]->shape.dim[1], pairs = (size_t)in->shape.dim[1];
    double *r = kernel_alloc(call->arena, 2 * k * k + 2 * k, sizeof *r, call->diag);
    if (r == NULL)
        return STATUS_NO_MEMORY;
    double *q = r + k * k, *p = q + k * k, *qp = p + k;
    const double least = 1e-7;
    for (size_t row = 0; row < (size_t)in->shape.dim[0]; row++) {
        size_t pair = row * pairs;
        for (size_t i = 0; i < k; i++)
            for (size_t j = i + 1; j < k; j++, pair++) {
                double x = in->data.real[pair];
                x = x < least ? least : x > 1 - least ? 1 - least : x;
                r[i * k + j] = x;
                r[j * k + i] = 1 - x;
            }
        coupling_matrix(q, r, k);
        for (size_t t = 0; t < k; t++)
            p[t] = 1.0 / (double)k;
        size_t rounds = k > 100 ? k : 100;
        for (size_t round = 0; round < rounds && !coupling_round(p, qp, q, k); round++)
            continue;
        for (size_t t = 0; t < k; t++)
            tensor_set_real(call->out[0], row * k + t, p[t]);
    }
    return STATUS_OK;
}

/* --- TfIdfVectorizer
 * --------------------------------------------------------------------------------------- */

enum { NGRAM_COLUMNS_MAX = 1 << 24 };

struct ngrams {
    const int64_t *pool, *starts, *columns; /* starts[n - 1]: where the n-grams begin in the pool */
    size_t pool_count, start_count, column_count;
    int64_t least, most, skip, width;
};

static enum status ngrams_read(struct diag *diag, const struct graph_node *node,
                               struct ngrams *ngrams)
{
    *ngrams = (struct ngrams){.least = graph_attribute_int(node, "min_gram_length", 1),
                              .most = graph_attribute_int(node, "max_gram_length", 1),
                              .skip = graph_attribute_int(node, "max_skip_count", 0)};
    bool fits = list_of(node, "pool_int64s", SIZE_MAX, &ngrams->pool, &ngrams->pool_count) &&
                list_of(node, "ngram_counts", SIZE_MAX, &ngrams->starts, &ngrams->start_count) &&
                list_of(node, "ngram_indexes", SIZE_MAX, &ngrams->columns, &ngrams->column_count) &&
                ngrams->least >= 1 && ngrams->most >= ngrams->least && ngrams->skip >= 0 &&
                ngrams->skip < 1 << 20 && (size_t)ngrams->most <= ngrams->start_count;
    size_t count = 0;
    for (size_t n = 0; fits && n < ngrams->start_count; n++) {
        int64_t end =
            n + 1 < ngrams->start_count ? ngrams->starts[n + 1] : (int64_t)ngrams->pool_count;
        fits = ngrams->starts[n] >= 0 && end >= ngrams->starts[n] &&
               (size_t)end <= ngrams->pool_count &&
               (end - ngrams->starts[n]) % (int64_t)(n + 1) == 0;
        count += fits ? (size_t)(end - ngrams->starts[n]) / (n + 1) : 0;
    }
    fits = fits && count == ngrams->column_count;
    for (size_t i = 0; fits && i < ngrams->column_count; i++) {
        fits = ngrams->columns[i] >= 0 && ngrams->columns[i] < INT32_MAX;
        if (ngrams->columns[i] >= ngrams->width)
            ngrams->width = ngrams->columns[i] + 1;
    }
    if (!fits)
        return diag_set(diag, STATUS_BAD_INPUT, "the n-gram attributes do not fit together");
    if (ngrams->width > NGRAM_COLUMNS_MAX)
        return diag_set(diag, STATUS_LIMIT,
                        "an n-gram has coordinate %" PRId64 "; up to %d are supported",
                        ngrams->width - 1, NGRAM_COLUMNS_MAX - 1);
    return STATUS_OK;
}

enum status infer_tfidf_vectorizer(struct infer_call *call)
{
    struct ngrams ngrams;
    enum status status = infer_need(call, 1);
    if (status == STATUS_OK)
        status = ngrams_read(call->diag, call->node, &ngrams);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, ELEMENT_F32, NULL);
    if (!call->in[0]->shape_known)
        return STATUS_OK;
    struct shape shape = call->in[0]->shape;
    if (shape.rank != 1 && shape.rank != 2)
        return infer_fail(call, STATUS_BAD_INPUT, "the operand must have rank 1 or 2");
    shape.dim[shape.rank - 1] = ngrams.width;
    infer_result(call, 0, ELEMENT_F32, &shape);
    return STATUS_OK;
}

/* Adds the n-grams of one length that start anywhere in the row, `stride` apart, to the counts. */
static void count_ngrams(double *counts, const struct ngrams *ngrams, size_t n, size_t stride,
                         const int64_t *row, size_t length)
{
    size_t first_id = 0;
    for (size_t k = 1; k < n; k++)
        first_id += (size_t)(ngrams->starts[k] - ngrams->starts[k - 1]) / k;
    size_t begin = (size_t)ngrams->starts[n - 1];
    size_t end = n < ngrams->start_count ? (size_t)ngrams->starts[n] : ngrams->pool_count;
    for (size_t at = 0; at + stride * (n - 1) < length; at++)
        for (size_t g = begin; g < end; g += n) {
            size_t k = 0;
            while (k < n && row[at + k * stride] == ngrams->pool[g + k])
                k++;
            if (k == n)
                counts[ngrams->columns[first_id + (g - begin) / n]] += 1.0;
        }
}

enum status run_tfidf_vectorizer(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *weights = kernel_in(call, 1);
    struct ngrams ngrams;
    enum status status = ngrams_read(call->diag, call->node, &ngrams);
    if (status != STATUS_OK)
        return status;
    size_t width = (size_t)ngrams.width, length = (size_t)x->shape.dim[x->shape.rank - 1];
    const char *mode = graph_attribute_text(call->node, "mode", "TF");
    if (weights != NULL && weights->count < width)
        return kernel_fail(call, STATUS_BAD_INPUT, "%zu weights for %zu columns", weights->count,
                           width);
    for (size_t row = 0; row < (x->shape.rank == 2 ? (size_t)x->shape.dim[0] : 1); row++) {
        double *counts = call->out[0]->data.real + row * width;
        for (int64_t n = ngrams.least; n <= ngrams.most; n++)
            for (int64_t skip = 0; skip <= (n == 1 ? 0 : ngrams.skip) && skip <= (int64_t)length;
                 skip++)
                count_ngrams(counts, &ngrams, (size_t)n, (size_t)skip + 1,
                             x->data.integer + row * length, length);
        for (size_t i = 0; i < width; i++) {
            double weight = weights != NULL ? tensor_real(weights, i) : 1.0;
            if (strcmp(mode, "IDF") == 0)
                tensor_set_real(call->out[0], row * width + i, counts[i] > 0 ? weight : 0.0);
            else if (strcmp(mode, "TFIDF") == 0)
                tensor_set_real(call->out[0], row * width + i, counts[i] * weight);
        }
    }
    return STATUS_OK;
}
