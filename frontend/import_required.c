/*
 * Attributes that ONNX asks a node to write: https://onnx.ai/onnx/operators, "required". A guess in
 * the place of one would be another model.
 */
#include <stdio.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

struct required {
    const char *domain, *op;
    int since, until;       /* until 0: the newest */
    const char *attributes; /* a space between names */
};

#define ONNX "ai.onnx"
#define ML "ai.onnx.ml"

static const struct required table[] = {
    {ONNX, "AveragePool", 1, 0, "kernel_shape"},
    {ONNX, "BitShift", 11, 0, "direction"},
    {ONNX, "Cast", 1, 0, "to"},
    {ONNX, "Concat", 4, 0, "axis"},
    {ONNX, "ConcatFromSequence", 11, 0, "axis"},
    {ONNX, "DepthToSpace", 1, 0, "blocksize"},
    {ONNX, "Einsum", 12, 0, "equation"},
    {ONNX, "GroupNormalization", 18, 0, "num_groups"},
    {ONNX, "If", 1, 0, "then_branch else_branch"},
    {ONNX, "LRN", 1, 0, "size"},
    {ONNX, "Loop", 1, 0, "body"},
    {ONNX, "LpPool", 2, 0, "kernel_shape"},
    {ONNX, "MaxPool", 1, 0, "kernel_shape"},
    {ONNX, "MaxRoiPool", 1, 0, "pooled_shape"},
    {ONNX, "MaxUnpool", 9, 0, "kernel_shape"},
    {ONNX, "Pad", 1, 1, "paddings"},
    {ONNX, "Pad", 2, 10, "pads"},
    {ONNX, "RandomNormal", 1, 0, "shape"},
    {ONNX, "RandomUniform", 1, 0, "shape"},
    {ONNX, "Scan", 8, 0, "body num_scan_inputs"},
    {ONNX, "SequenceMap", 17, 0, "body"},
    {ONNX, "Slice", 1, 9, "starts ends"},
    {ONNX, "SpaceToDepth", 1, 0, "blocksize"},
    {ONNX, "TfIdfVectorizer", 9, 0,
     "mode min_gram_length max_gram_length max_skip_count ngram_counts ngram_indexes"},
    {ONNX, "TopK", 1, 9, "k"},
    {ONNX, "Unsqueeze", 1, 12, "axes"},
    {ONNX, "Upsample", 1, 6, "height_scale width_scale"},
    {ONNX, "Upsample", 7, 8, "scales"},
    {ML, "LinearClassifier", 1, 0, "coefficients"},
    {ML, "TreeEnsemble", 5, 0,
     "tree_roots nodes_featureids nodes_splits nodes_modes nodes_truenodeids nodes_falsenodeids "
     "nodes_trueleafs nodes_falseleafs leaf_targetids leaf_weights"},
};

static const struct required *find(const struct import_node *n)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct required *r = &table[i];
        if (strcmp(r->op, n->proto->op_type) == 0 && strcmp(r->domain, n->domain) == 0 &&
            n->version >= r->since && (r->until == 0 || n->version <= r->until))
            return r;
    }
    return NULL;
}

void import_check_required(struct import_node *n)
{
    const struct required *required = find(n);
    char missing[400] = "";
    size_t count = 0, used = 0;
    for (const char *at = required == NULL ? "" : required->attributes; *at != 0;
         at += *at == ' ') {
        char name[40];
        size_t length = strcspn(at, " ");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        at += length;
        if (has_attr(n, name))
            continue;
        int wrote =
            snprintf(missing + used, sizeof missing - used, "%s'%s'", count > 0 ? ", " : "", name);
        used += wrote < 0 ? 0 : (size_t)wrote;
        count++;
    }
    if (count > 0)
        rule_fail(n, STATUS_BAD_INPUT, "attribute%s %s %s missing; export the model with %s",
                  count > 1 ? "s" : "", missing, count > 1 ? "are" : "is",
                  count > 1 ? "them" : "it");
}
