/*
 * Import rules of SVMRegressor and SVMClassifier: kernel, weighted sums, votes, probabilities as
 * plain arithmetic. Kernels, gamma g, c, d in kernel_params: LINEAR x.v, POLY (g x.v + c)^d, RBF
 * exp(-g |x - v|^2), SIGMOID tanh(g x.v + c).
 */
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

enum kernel_kind { KERNEL_LINEAR, KERNEL_POLY, KERNEL_RBF, KERNEL_SIGMOID };

struct svm_kernel {
    enum kernel_kind kind;
    double gamma, offset, degree;
};

static struct svm_kernel attr_kernel(struct import_node *n)
{
    static const char *const names[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    struct svm_kernel kernel = {KERNEL_LINEAR, 0, 0, 0};
    const char *name = attr_text(n, "kernel_type", "LINEAR");
    size_t count, i = 0;
    const double *params = attr_floats(n, "kernel_params", &count);
    while (i < 4 && strcmp(name, names[i]) != 0)
        i++;
    if (i == 4)
        rule_fail(n, STATUS_BAD_INPUT, "kernel_type '%s' does not exist", name);
    else
        kernel.kind = (enum kernel_kind)i;
    if (count >= 3) {
        kernel.gamma = params[0];
        kernel.offset = params[1];
        kernel.degree = params[2];
    } else if (kernel.kind != KERNEL_LINEAR) {
        rule_fail(n, STATUS_BAD_INPUT, "kernel_params has %zu numbers, 3 are expected", count);
    }
    return kernel;
}

/* A stored number of rank 0. */
static uint32_t parameter(struct import_node *n, double value)
{
    return parameter_list(n, ELEMENT_F32, &value, 1, NULL, 0);
}

/* x^degree: by products when the degree is a small integer. */
static uint32_t power(struct import_node *n, uint32_t x, double degree)
{
    if (!(degree >= 1 && degree <= 16) || degree != (double)(int)degree)
        return emit2(n, OP_POW, x, constant_real(n, ELEMENT_F32, degree));
    uint32_t result = x;
    for (int i = 1; i < (int)degree; i++)
        result = emit2(n, OP_MUL, result, x);
    return result;
}

/* Kernel values [N, V] of the rows of x against `count` vectors. */
static uint32_t emit_kernel(struct import_node *n, uint32_t x, const struct svm_kernel *kernel,
                            size_t count)
{
    size_t total;
    const double *vectors = attr_floats(n, "support_vectors", &total);
    int64_t dims[2] = {(int64_t)count, column_count(n, x)};
    if (n->status == STATUS_OK && (uint64_t)total != count * (uint64_t)dims[1])
        rule_fail(n, STATUS_BAD_INPUT,
                  "%zu numbers in support_vectors for %zu vectors of %lld features; give the "
                  "input's width by --dim",
                  total, count, (long long)dims[1]);
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    uint32_t v = parameter_list(n, ELEMENT_F32, vectors, total, dims, 2);
    if (kernel->kind == KERNEL_RBF) {
        int64_t last = -1;
        uint32_t rows = unsqueeze_at(n, x, 1);
        uint32_t difference = emit2(n, OP_SUB, rows, v);
        uint32_t axes = constant_ints(n, &last, 1);
        stage_int(n, "keepdims", 0);
        uint32_t distance = emit2(n, OP_REDUCE_SUM_SQUARE, difference, axes);
        return emit1(n, OP_EXP, emit2(n, OP_MUL, distance, parameter(n, -kernel->gamma)));
    }
    stage_int(n, "transB", 1);
    uint32_t dot = emit2(n, OP_GEMM, x, v);
    if (kernel->kind == KERNEL_LINEAR)
        return dot;
    uint32_t scaled = emit2(n, OP_MUL, dot, parameter(n, kernel->gamma));
    if (kernel->offset != 0)
        scaled = emit2(n, OP_ADD, scaled, parameter(n, kernel->offset));
    return kernel->kind == KERNEL_POLY ? power(n, scaled, kernel->degree)
                                       : emit1(n, OP_TANH, scaled);
}

/* x W^T + rho[0], W [rows, features] from the coefficients: the form without support vectors. */
static uint32_t emit_linear(struct import_node *n, uint32_t x, size_t rows)
{
    size_t count, rho_count;
    const double *coefficients = attr_floats(n, "coefficients", &count);
    const double *rho = attr_floats(n, "rho", &rho_count);
    int64_t dims[2] = {(int64_t)rows, column_count(n, x)};
    if (n->status == STATUS_OK && ((uint64_t)count != rows * (uint64_t)dims[1] || rho_count == 0))
        rule_fail(n, STATUS_BAD_INPUT, "%zu coefficients and %zu rho for %zu rows of %lld features",
                  count, rho_count, rows, (long long)dims[1]);
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    uint32_t weights = parameter_list(n, ELEMENT_F32, coefficients, count, dims, 2);
    uint32_t bias = parameter(n, rho[0]);
    stage_int(n, "transB", 1);
    return emit3(n, OP_GEMM, x, weights, bias);
}

/* SVMRegressor */
void import_svm_regressor(struct import_node *n)
{
    uint32_t x = float_rows(n);
    struct svm_kernel kernel = attr_kernel(n);
    int64_t vectors = attr_int(n, "n_supports", 0);
    size_t count, rho_count;
    const double *coefficients = attr_floats(n, "coefficients", &count);
    const double *rho = attr_floats(n, "rho", &rho_count);
    uint32_t score = GRAPH_NONE;
    if (vectors < 0 || (vectors > 0 && (uint64_t)vectors != count) || rho_count == 0)
        rule_fail(n, STATUS_BAD_INPUT, "%lld support vectors, %zu coefficients, %zu rho",
                  (long long)vectors, count, rho_count);
    if (n->status != STATUS_OK)
        return;
    if (vectors > 0) {
        int64_t dims[2] = {1, vectors};
        uint32_t values = emit_kernel(n, x, &kernel, (size_t)vectors);
        uint32_t weights = parameter_list(n, ELEMENT_F32, coefficients, count, dims, 2);
        uint32_t bias = parameter(n, rho[0]);
        stage_int(n, "transB", 1);
        score = emit3(n, OP_GEMM, values, weights, bias);
    } else {
        score = emit_linear(n, x, 1);
    }
    if (attr_post_transform(n) != POST_NONE)
        rule_note(n, "post_transform is not applied, as in onnxruntime");
    if (attr_int(n, "one_class", 0) != 0) {
        uint32_t inside = emit2(n, OP_GREATER, score, constant_real(n, ELEMENT_F32, 0));
        uint32_t plus = constant_real(n, ELEMENT_F32, 1), minus = constant_real(n, ELEMENT_F32, -1);
        score = emit3(n, OP_WHERE, inside, plus, minus);
    }
    set_output(n, 0, score);
}

/* --- SVMClassifier with support vectors: one against one --- */

struct pairs {
    size_t classes,
        count; /* count = classes (classes - 1) / 2, in the order (0,1) (0,2) .. (1,2) .. */
    const int64_t *vectors; /* support vectors of each class */
    size_t vector_count;
};

static void check_pairs(struct import_node *n, const struct pairs *pairs, size_t coefficients,
                        size_t rho)
{
    for (size_t i = 0; i < pairs->classes; i++)
        if (pairs->vectors[i] < 0)
            rule_fail(n, STATUS_BAD_INPUT, "vectors_per_class has %lld",
                      (long long)pairs->vectors[i]);
    if (coefficients != (pairs->classes - 1) * pairs->vector_count || rho < pairs->count)
        rule_fail(n, STATUS_BAD_INPUT,
                  "%zu coefficients and %zu rho for %zu vectors of %zu classes", coefficients, rho,
                  pairs->vector_count, pairs->classes);
}

/*
 * Scores of all pairs, K A^T + rho, where row (i, j) of A holds the coefficients of class i against
 * j and of j against i, at the support vectors of those classes: coefficient row j - 1 at vectors
 * of i, row i at vectors of j.
 */
static uint32_t pair_scores(struct import_node *n, uint32_t kernel, const struct pairs *pairs)
{
    size_t count, rho_count;
    const double *coefficients = attr_floats(n, "coefficients", &count);
    const double *rho = attr_floats(n, "rho", &rho_count);
    check_pairs(n, pairs, count, rho_count);
    size_t v = pairs->vector_count, row = 0;
    double *matrix = arena_array(n->importer->arena, double, pairs->count *v);
    if (n->status != STATUS_OK || matrix == NULL) {
        if (matrix == NULL)
            rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    for (size_t i = 0, start_i = 0; i < pairs->classes; start_i += (size_t)pairs->vectors[i++]) {
        size_t start_j = start_i + (size_t)pairs->vectors[i];
        for (size_t j = i + 1; j < pairs->classes; start_j += (size_t)pairs->vectors[j++], row++) {
            for (size_t k = start_i; k < start_i + (size_t)pairs->vectors[i]; k++)
                matrix[row * v + k] = coefficients[(j - 1) * v + k];
            for (size_t k = start_j; k < start_j + (size_t)pairs->vectors[j]; k++)
                matrix[row * v + k] = coefficients[i * v + k];
        }
    }
    int64_t dims[2] = {(int64_t)pairs->count, (int64_t)v};
    uint32_t weights = parameter_list(n, ELEMENT_F32, matrix, pairs->count * v, dims, 2);
    uint32_t bias = parameter_list(n, ELEMENT_F32, rho, pairs->count, dims, 1);
    stage_int(n, "transB", 1);
    return emit3(n, OP_GEMM, kernel, weights, bias);
}

/* The class with most votes: pair (i, j) votes for i when its score is positive, else for j. */
static uint32_t emit_votes(struct import_node *n, uint32_t scores, const struct pairs *pairs)
{
    struct shape shape = {.rank = 2, .dim = {(int64_t)pairs->count, (int64_t)pairs->classes}};
    struct tensor *swing = tensor_new(n->importer->arena, ELEMENT_I64, &shape);
    struct shape row_shape = {.rank = 1, .dim = {(int64_t)pairs->classes}};
    struct tensor *start = tensor_new(n->importer->arena, ELEMENT_I64, &row_shape);
    if (swing == NULL || start == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    /* With every vote at j first, a positive pair moves one vote from j to i. */
    size_t row = 0;
    for (size_t i = 0; i < pairs->classes; i++) {
        for (size_t j = i + 1; j < pairs->classes; j++, row++) {
            swing->data.integer[row * pairs->classes + i] = 1;
            swing->data.integer[row * pairs->classes + j] = -1;
            start->data.integer[j]++;
        }
    }
    uint32_t positive = emit2(n, OP_GREATER, scores, constant_real(n, ELEMENT_F32, 0));
    uint32_t wins = cast_to(n, positive, ELEMENT_I64);
    uint32_t moved = emit2(n, OP_MAT_MUL, wins, constant_tensor(n, swing));
    uint32_t votes = emit2(n, OP_ADD, moved, constant_tensor(n, start));
    return arg_max_rows(n, votes);
}

/* Probabilities of the classes from sigmoids of the pair scores. */
static uint32_t pair_probabilities(struct import_node *n, uint32_t scores,
                                   const struct pairs *pairs)
{
    size_t a_count, b_count;
    const double *a = attr_floats(n, "prob_a", &a_count), *b = attr_floats(n, "prob_b", &b_count);
    int64_t dim = (int64_t)pairs->count;
    if (n->status == STATUS_OK && (a_count < pairs->count || b_count < pairs->count))
        rule_fail(n, STATUS_BAD_INPUT,
                  "prob_a and prob_b have %zu and %zu numbers, %zu are expected", a_count, b_count,
                  pairs->count);
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    uint32_t slope = parameter_list(n, ELEMENT_F32, a, pairs->count, &dim, 1);
    uint32_t shift = parameter_list(n, ELEMENT_F32, b, pairs->count, &dim, 1);
    uint32_t exponent = emit2(n, OP_ADD, emit2(n, OP_MUL, scores, slope), shift);
    uint32_t r = emit1(n, OP_SIGMOID, emit1(n, OP_NEG, exponent));
    return emit1(n, OP_PAIRWISE_COUPLING, r);
}

static void classify_pairs(struct import_node *n, uint32_t x, const struct class_labels *labels,
                           const int64_t *vectors)
{
    struct svm_kernel kernel = attr_kernel(n);
    enum post_transform post = attr_post_transform(n);
    size_t classes = labels->list->count;
    struct pairs pairs = {
        .classes = classes, .count = classes * (classes - 1) / 2, .vectors = vectors};
    for (size_t i = 0; i < classes; i++)
        pairs.vector_count += vectors[i] > 0 ? (size_t)vectors[i] : 0;
    uint32_t values = emit_kernel(n, x, &kernel, pairs.vector_count);
    uint32_t scores = pair_scores(n, values, &pairs);
    uint32_t best = output_wanted(n, 0) ? emit_votes(n, scores, &pairs) : GRAPH_NONE;
    set_output(n, 0, emit_labels(n, best, labels));
    if (has_attr(n, "prob_a")) {
        uint32_t p = pair_probabilities(n, scores, &pairs);
        set_output(n, 1, emit_post_transform(n, p, post));
    } else if (classes > 2) {
        set_output(n, 1, emit_post_transform(n, scores, post));
    } else {
        set_output(n, 1, two_columns(n, scores, post != POST_NONE, post));
    }
}

/* Without support vectors: a linear score a class; two classes are told apart as onnxruntime does.
 */
static void classify_linear(struct import_node *n, uint32_t x, const struct class_labels *labels)
{
    size_t count, classes = labels->list->count;
    const double *coefficients = attr_floats(n, "coefficients", &count);
    bool all_positive = true;
    for (size_t i = 0; i < count; i++)
        all_positive = all_positive && coefficients[i] >= 0;
    uint32_t scores = emit_linear(n, x, classes);
    if (classes == 2) {
        int64_t last = 1;
        uint32_t axes = constant_ints(n, &last, 1);
        stage_int(n, "keepdims", 0);
        uint32_t largest = emit2(n, OP_REDUCE_MAX, scores, axes);
        uint32_t bound = constant_real(n, ELEMENT_F32, all_positive ? 0.5 : 0);
        uint32_t forced = emit2(n, all_positive ? OP_GREATER_OR_EQUAL : OP_GREATER, largest, bound);
        uint32_t best = cast_to(n, arg_max_rows(n, scores), ELEMENT_BOOL);
        set_output(n, 0, emit_binary_labels(n, emit2(n, OP_OR, forced, best), labels));
    } else {
        set_output(n, 0, emit_labels(n, arg_max_rows(n, scores), labels));
    }
    set_output(n, 1, emit_post_transform(n, scores, attr_post_transform(n)));
}

/* SVMClassifier */
void import_svm_classifier(struct import_node *n)
{
    uint32_t x = float_rows(n);
    size_t count;
    const int64_t *vectors = attr_ints(n, "vectors_per_class", &count);
    struct class_labels labels = attr_class_labels(n, "classlabels_ints", "classlabels_strings", 0);
    if (n->status != STATUS_OK)
        return;
    int64_t total = 0;
    for (size_t i = 0; i < count && total == 0; i++)
        total += vectors[i];
    if (total == 0)
        classify_linear(n, x, &labels);
    else if (count != labels.list->count || count < 2)
        rule_fail(n, STATUS_BAD_INPUT, "vectors_per_class has %zu numbers for %zu classes", count,
                  labels.list->count);
    else
        classify_pairs(n, x, &labels, vectors);
}
