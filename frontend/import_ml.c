/*
 * Import rules of ai.onnx.ml but trees, SVM and labels: linear models, scaling, encoding,
 * selection. Each becomes arithmetic on the tensors that ONNX keeps in attributes. Where the
 * specification is silent, the meaning is onnxruntime's, which exporters test against.
 */
#include <math.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* X as float32 [N, F]; one row when it is a list. */
uint32_t float_rows(struct import_node *n)
{
    uint32_t x = cast_to(n, required(n, 0), ELEMENT_F32);
    const struct shape *shape = value_shape(n, x);
    if (shape == NULL)
        return GRAPH_NONE;
    if (shape->rank == 1)
        return unsqueeze_at(n, x, 0);
    if (shape->rank != 2)
        rule_fail(n, STATUS_UNSUPPORTED, "an input of %u dimensions, where 1 or 2 are expected",
                  shape->rank);
    return n->status == STATUS_OK ? x : GRAPH_NONE;
}

/* Columns of a value of rank 2. */
int64_t column_count(struct import_node *n, uint32_t x)
{
    const struct shape *shape = value_shape(n, x);
    return shape == NULL || shape->rank == 0 ? 0 : shape->dim[shape->rank - 1];
}

/* x W^T + b with W [targets, features] from an attribute; b may be absent. */
static uint32_t linear_scores(struct import_node *n, uint32_t x, size_t targets,
                              const double *intercepts, size_t intercept_count)
{
    size_t count;
    const double *coefficients = attr_floats(n, "coefficients", &count);
    int64_t dims[2] = {(int64_t)targets, column_count(n, x)};
    if (n->status == STATUS_OK && (uint64_t)count != targets * (uint64_t)dims[1]) {
        rule_fail(
            n, STATUS_BAD_INPUT,
            "%zu coefficients for %zu outputs of %lld features; give the input's width by --dim",
            count, targets, (long long)dims[1]);
        return GRAPH_NONE;
    }
    uint32_t weights = parameter_list(n, ELEMENT_F32, coefficients, count, dims, 2);
    uint32_t bias = intercept_count == 0
                        ? GRAPH_NONE
                        : parameter_list(n, ELEMENT_F32, intercepts, intercept_count, dims, 1);
    stage_int(n, "transB", 1);
    return emit3(n, OP_GEMM, x, weights, bias);
}

/* LinearRegressor: intercepts count when there is one a target. */
void import_linear_regressor(struct import_node *n)
{
    uint32_t x = float_rows(n);
    int64_t targets = attr_int(n, "targets", 1);
    enum post_transform post = attr_post_transform(n);
    size_t intercept_count;
    const double *intercepts = attr_floats(n, "intercepts", &intercept_count);
    if (targets < 1 || targets > INT32_MAX) {
        rule_fail(n, STATUS_BAD_INPUT, "targets = %lld", (long long)targets);
        return;
    }
    if (intercept_count != (size_t)targets)
        intercept_count = 0;
    uint32_t scores = linear_scores(n, x, (size_t)targets, intercepts, intercept_count);
    if (targets > 1 || post == POST_PROBIT)
        scores = emit_post_transform(n, scores, post);
    else if (post != POST_NONE)
        rule_note(n, "post_transform is not applied to a single target, as in onnxruntime");
    set_output(n, 0, scores);
}

/* Columns a and b side by side. */
static uint32_t side_by_side(struct import_node *n, uint32_t a, uint32_t b)
{
    stage_int(n, "axis", 1);
    return emit2(n, OP_CONCAT, a, b);
}

uint32_t two_columns(struct import_node *n, uint32_t score, bool complement,
                     enum post_transform post)
{
    uint32_t other = GRAPH_NONE;
    if (post == POST_LOGISTIC || !(complement || post == POST_PROBIT))
        other = emit1(n, OP_NEG, score);
    else
        other = emit2(n, OP_SUB, constant_real(n, value_type(n, score), 1), score);
    uint32_t columns = side_by_side(n, other, score);
    bool is_applied = post == POST_LOGISTIC || post == POST_PROBIT;
    return is_applied ? emit_post_transform(n, columns, post) : columns;
}

/* The only column of [N, 1] as a list, compared: score > bound. */
uint32_t column_above(struct import_node *n, uint32_t score, double bound)
{
    int64_t last = 1;
    uint32_t list = emit2(n, OP_SQUEEZE, score, constant_ints(n, &last, 1));
    return emit2(n, OP_GREATER, list, constant_real(n, value_type(n, score), bound));
}

uint32_t arg_max_rows(struct import_node *n, uint32_t scores)
{
    stage_int(n, "axis", 1);
    stage_int(n, "keepdims", 0);
    return emit1(n, OP_ARG_MAX, scores);
}

/* LinearClassifier: one row of coefficients a class, or one row for two classes. */
void import_linear_classifier(struct import_node *n)
{
    uint32_t x = float_rows(n);
    enum post_transform post = attr_post_transform(n);
    size_t intercept_count, count;
    const double *intercepts = attr_floats(n, "intercepts", &intercept_count);
    attr_floats(n, "coefficients", &count);
    int64_t columns = column_count(n, x);
    size_t targets = intercept_count != 0 ? intercept_count
                     : columns > 0        ? count / (size_t)columns
                                          : 0;
    if (n->status == STATUS_OK && targets == 0)
        rule_fail(n, STATUS_BAD_INPUT, "neither intercepts nor coefficients");
    uint32_t scores = linear_scores(n, x, targets, intercepts, intercept_count);
    if (n->status != STATUS_OK)
        return;
    if (targets > 1) {
        struct class_labels labels =
            attr_class_labels(n, "classlabels_ints", "classlabels_strings", targets);
        uint32_t best = output_wanted(n, 0) ? arg_max_rows(n, scores) : GRAPH_NONE;
        set_output(n, 0, emit_labels(n, best, &labels));
        set_output(n, 1, emit_post_transform(n, scores, post));
        return;
    }
    struct class_labels labels = attr_class_labels(n, "classlabels_ints", "classlabels_strings", 2);
    uint32_t positive = output_wanted(n, 0) ? column_above(n, scores, 0) : GRAPH_NONE;
    set_output(n, 0, emit_binary_labels(n, positive, &labels));
    set_output(n, 1, two_columns(n, scores, true, post));
}

/* One number for all columns, or one a column, as a parameter that broadcasts. */
static uint32_t column_parameter(struct import_node *n, const char *name, int64_t columns,
                                 enum element_type type)
{
    size_t count;
    const double *values = attr_floats(n, name, &count);
    if (values == NULL)
        return GRAPH_NONE;
    if (count != 1 && (uint64_t)count != (uint64_t)columns) {
        rule_fail(n, STATUS_BAD_INPUT, "%zu numbers in '%s' for %lld columns", count, name,
                  (long long)columns);
        return GRAPH_NONE;
    }
    int64_t dim = (int64_t)count;
    return parameter_list(n, type, values, count, &dim, 1);
}

/* Scaler: (X - offset) scale, float32 whatever X is. */
void import_scaler(struct import_node *n)
{
    uint32_t x = required(n, 0);
    enum element_type type = value_type(n, x) == ELEMENT_F64 ? ELEMENT_F64 : ELEMENT_F32;
    x = cast_to(n, x, type);
    int64_t columns = column_count(n, x);
    uint32_t offset = column_parameter(n, "offset", columns, type);
    uint32_t scale = column_parameter(n, "scale", columns, type);
    if (offset != GRAPH_NONE)
        x = emit2(n, OP_SUB, x, offset);
    if (scale != GRAPH_NONE)
        x = emit2(n, OP_MUL, x, scale);
    set_output(n, 0, cast_to(n, x, ELEMENT_F32));
}

/* Where the elements of x equal `value`; NaN equals NaN. */
static uint32_t equals_real(struct import_node *n, uint32_t x, double value)
{
    if (isnan(value))
        return emit1(n, OP_IS_NAN, x);
    return emit2(n, OP_EQUAL, x, constant_real(n, value_type(n, x), value));
}

/* Imputer: one value for all columns, or one a column, in the place of replaced_value. */
void import_imputer(struct import_node *n)
{
    uint32_t x = required(n, 0), values = GRAPH_NONE, missing = GRAPH_NONE;
    size_t count;
    int64_t columns = column_count(n, x);
    enum element_type type = value_type(n, x);
    if (element_type_is_float(type)) {
        const double *list = attr_floats(n, "imputed_value_floats", &count);
        int64_t dim = (int64_t)count == columns ? columns : 1;
        if (list == NULL || count == 0)
            rule_fail(n, STATUS_BAD_INPUT, "imputed_value_floats is missing");
        values = parameter_list(n, type, list, (size_t)dim, &dim, 1);
        missing = equals_real(n, x, attr_float(n, "replaced_value_float", 0));
    } else {
        const int64_t *list = attr_ints(n, "imputed_value_int64s", &count);
        size_t used = (int64_t)count == columns ? count : 1;
        if (list == NULL || count == 0)
            rule_fail(n, STATUS_BAD_INPUT, "imputed_value_int64s is missing");
        else
            values = cast_to(n, constant_ints(n, list, used), type);
        uint32_t replaced =
            cast_to(n, constant_int(n, attr_int(n, "replaced_value_int64", 0)), type);
        missing = emit2(n, OP_EQUAL, x, replaced);
    }
    set_output(n, 0, emit3(n, OP_WHERE, missing, values, x));
}

/* Binarizer: 1 where x > threshold, else 0, in the type of x. */
void import_binarizer(struct import_node *n)
{
    uint32_t x = required(n, 0);
    enum element_type type = value_type(n, x);
    enum element_type compared = element_type_is_float(type) ? type : ELEMENT_F32;
    double threshold = attr_float(n, "threshold", 0);
    uint32_t bound = parameter_list(n, compared, &threshold, 1, NULL, 0);
    uint32_t number = cast_to(n, x, compared);
    uint32_t above = emit2(n, OP_GREATER, number, bound);
    set_output(n, 0, cast_to(n, above, type));
}

/* FeatureVectorizer: columns side by side, as many of each operand as inputdimensions says. */
void import_feature_vectorizer(struct import_node *n)
{
    size_t count;
    const int64_t *widths = attr_ints(n, "inputdimensions", &count);
    uint32_t *in = arena_array(n->importer->arena, uint32_t, n->in_count);
    if (in == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 0; i < n->in_count; i++) {
        uint32_t x = cast_to(n, required(n, i), ELEMENT_F32);
        const struct shape *shape = value_shape(n, x);
        if (shape != NULL && shape->rank == 1)
            x = unsqueeze_at(n, x, 0);
        int64_t columns = column_count(n, x), zero = 0, axis = 1;
        if (i < count && widths[i] < columns) {
            uint32_t slice[4] = {x, GRAPH_NONE, GRAPH_NONE, GRAPH_NONE};
            slice[1] = constant_ints(n, &zero, 1);
            slice[2] = constant_ints(n, &widths[i], 1);
            slice[3] = constant_ints(n, &axis, 1);
            x = emit_list(n, OP_SLICE, slice, 4);
        } else if (i < count && widths[i] > columns) {
            rule_fail(n, STATUS_BAD_INPUT, "input %zu has %lld columns, %lld are asked for", i,
                      (long long)columns, (long long)widths[i]);
        }
        in[i] = x;
    }
    stage_int(n, "axis", 1);
    set_output(n, 0, emit_list(n, OP_CONCAT, in, n->in_count));
}

/* ArrayFeatureExtractor: columns of X by number; a list counts as one row. */
void import_array_feature_extractor(struct import_node *n)
{
    uint32_t x = required(n, 0), index = required(n, 1);
    const struct shape *shape = value_shape(n, x), *picks = value_shape(n, index);
    if (shape == NULL || picks == NULL)
        return;
    unsigned rank = shape->rank;
    int64_t flat = -1;
    if (picks->rank != 1)
        index = reshape_to(n, index, &flat, 1);
    stage_int(n, "axis", -1);
    uint32_t picked = emit2(n, OP_GATHER, x, index);
    set_output(n, 0, rank == 1 ? unsqueeze_at(n, picked, 0) : picked);
}

/* OneHotEncoder: a new last axis, 1 at the category. */
void import_one_hot_encoder(struct import_node *n)
{
    uint32_t x = required(n, 0), categories = GRAPH_NONE;
    size_t int_count, text_count;
    const int64_t *ints = attr_ints(n, "cats_int64s", &int_count);
    const char *const *texts = attr_texts(n, "cats_strings", &text_count);
    if (attr_int(n, "zeros", 1) == 0)
        rule_note(n,
                  "zeros = 0: a category that is not listed gives zeros here, an error elsewhere");
    if (value_is_text(n, x)) {
        struct text_pool *pool = text_pool_of(n->importer, n->unit->graph->values[x].text_table);
        struct tensor *numbers = text_numbers(n->importer, pool, texts, text_count);
        categories = text_constant(n, pool, numbers);
    } else {
        x = cast_to(n, x, ELEMENT_I64);
        categories = constant_ints(n, ints, int_count);
    }
    if (int_count + text_count == 0)
        rule_fail(n, STATUS_BAD_INPUT, "it lists no categories");
    uint32_t column = unsqueeze_at(n, x, -1);
    set_output(n, 0, cast_to(n, emit2(n, OP_EQUAL, column, categories), ELEMENT_F32));
}

/* CDist of com.microsoft: distances between the rows of two matrices. */
void import_cdist(struct import_node *n)
{
    uint32_t a = unsqueeze_at(n, required(n, 0), 1);
    uint32_t b = unsqueeze_at(n, required(n, 1), 0);
    const char *metric = attr_text(n, "metric", "sqeuclidean");
    bool is_root = strcmp(metric, "euclidean") == 0;
    int64_t last = -1;
    if (!is_root && strcmp(metric, "sqeuclidean") != 0)
        rule_fail(n, STATUS_UNSUPPORTED, "metric '%s'", metric);
    uint32_t difference = emit2(n, OP_SUB, a, b);
    uint32_t axes = constant_ints(n, &last, 1);
    stage_int(n, "keepdims", 0);
    uint32_t squares = emit2(n, OP_REDUCE_SUM_SQUARE, difference, axes);
    set_output(n, 0, is_root ? emit1(n, OP_SQRT, squares) : squares);
}
