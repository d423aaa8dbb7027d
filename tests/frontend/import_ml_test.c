/* label: fast libs: sertn_3rd_protobuf_c */
#include "frontend/import.h"

#include <math.h>
#include <string.h>

#include "ir/ops.h"
#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

#define ML "ai.onnx.ml"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static struct builder rows(const char *dims)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, dims);
    return b;
}

TEST(linear_regressor)
{
    struct builder b = rows("2,2");
    Onnx__Node *node = model_node_of(&b, ML, "LinearRegressor", "x", "y");
    node_floats(&b, node, "coefficients", FLOATS(1, 2, 3, 4));
    node_floats(&b, node, "intercepts", FLOATS(10, 20));
    node_int(&b, node, "targets", 2);
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(1, 1, 2, 0), 13, 27, 12, 26);
    struct graph *graph = model_graph(&b);
    size_t parameters = 0;
    for (size_t i = 0; i < graph->value_count; i++)
        parameters += graph->values[i].kind == VALUE_PARAMETER;
    CHECK_U64(parameters, 2); /* weights in attributes are private too */
    builder_end(&b);
}

TEST(linear_classifier_of_three)
{
    struct builder b = rows("1,1");
    Onnx__Node *node = model_node_of(&b, ML, "LinearClassifier", "x", "label,p");
    node_floats(&b, node, "coefficients", FLOATS(1, 2, 0));
    node_floats(&b, node, "intercepts", FLOATS(0, 0, 0));
    node_ints(&b, node, "classlabels_ints", INTS(5, 7, 9));
    node_text(&b, node, "post_transform", "LOGISTIC");
    model_output(&b, "label");
    model_output(&b, "p");
    CHECK_MODEL(&b, REALS(1), 7, sigmoid(1), sigmoid(2), 0.5);
    builder_end(&b);
}

TEST(linear_classifier_of_one_row_and_two_labels)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        struct builder b = rows("1,1");
        Onnx__Node *node = model_node_of(&b, ML, "LinearClassifier", "x", "label,p");
        node_floats(&b, node, "coefficients", FLOATS(0.25));
        node_floats(&b, node, "intercepts", FLOATS(0));
        node_ints(&b, node, "classlabels_ints", INTS(5, 7));
        model_output(&b, "label");
        model_output(&b, "p");
        CHECK_MODEL(&b, REALS(sign), sign > 0 ? 7 : 5, 1 - 0.25 * sign, 0.25 * sign);
        builder_end(&b);
    }
}

TEST(string_labels_are_numbers_with_a_table)
{
    struct builder b = rows("1,1");
    Onnx__Node *node = model_node_of(&b, ML, "LinearClassifier", "x", "label,p");
    node_floats(&b, node, "coefficients", FLOATS(1, 2));
    node_floats(&b, node, "intercepts", FLOATS(0, 0));
    node_texts(&b, node, "classlabels_strings", "cat,dog");
    model_output(&b, "label");
    struct graph *graph = model_graph(&b);
    const struct graph_value *label = &graph->values[graph->outputs[0]];
    REQUIRE(label->text_table != NULL);
    struct tensor **out = model_run(&b, graph, REALS(3));
    int64_t number = out[0]->data.integer[0];
    REQUIRE(number >= 0 && (size_t)number < label->text_table->count);
    CHECK_TEXT(label->text_table->data.text[number], "dog");
    builder_end(&b);
}

TEST(scaler_and_friends)
{
    struct builder b = rows("1,2");
    Onnx__Node *scaler = model_node_of(&b, ML, "Scaler", "x", "a");
    node_floats(&b, scaler, "offset", FLOATS(1, 2));
    node_floats(&b, scaler, "scale", FLOATS(10));
    node_float(&b, model_node_of(&b, ML, "Binarizer", "x", "b"), "threshold", 4);
    node_text(&b, model_node_of(&b, ML, "Normalizer", "x", "c"), "norm", "L1");
    node_text(&b, model_node_of(&b, ML, "Normalizer", "x", "d"), "norm", "L2");
    node_text(&b, model_node_of(&b, ML, "Normalizer", "x", "e"), "norm", "MAX");
    Onnx__Node *features = model_node_of(&b, ML, "FeatureVectorizer", "x,x", "f");
    node_ints(&b, features, "inputdimensions", INTS(2, 1));
    model_tensor(&b, "pick", ELEMENT_I64, "3", REALS(1, 0, 1));
    model_node_of(&b, ML, "ArrayFeatureExtractor", "x,pick", "g");
    for (const char *name = "abcdefg"; *name != 0; name++)
        model_output(&b, (char[]){*name, 0});
    CHECK_MODEL(&b, REALS(3, -4), 20, -60, 0, 0, 3.0 / 7, -4.0 / 7, 0.6, -0.8, 1, -4.0 / 3, 3, -4,
                3, -4, 3, -4);
    builder_end(&b);
}

TEST(imputer_knows_nan)
{
    struct builder b = rows("1,3");
    Onnx__Node *node = model_node_of(&b, ML, "Imputer", "x", "y");
    node_floats(&b, node, "imputed_value_floats", FLOATS(10, 20, 30));
    node_float(&b, node, "replaced_value_float", NAN);
    Onnx__Node *zero = model_node_of(&b, ML, "Imputer", "x", "z");
    node_floats(&b, zero, "imputed_value_floats", FLOATS(5));
    model_output(&b, "y");
    model_output(&b, "z");
    CHECK_MODEL(&b, REALS(NAN, 1, 0), 10, 1, 0, NAN, 1, 5);
    builder_end(&b);
}

TEST(encoders_of_numbers)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_I64, "3");
    node_ints(&b, model_node_of(&b, ML, "OneHotEncoder", "x", "h"), "cats_int64s", INTS(4, 6));
    Onnx__Node *label = model_node_of(&b, ML, "LabelEncoder", "x", "l");
    node_ints(&b, label, "keys_int64s", INTS(4, 6, 4));
    node_floats(&b, label, "values_floats", FLOATS(0.5, 1.5, 9));
    node_float(&b, label, "default_float", -1);
    model_output(&b, "h");
    model_output(&b, "l");
    CHECK_MODEL(&b, REALS(6, 5, 4), 0, 1, 0, 0, 1, 0, 1.5, -1, 0.5);
    builder_end(&b);
}

TEST(encoders_of_strings_work_on_numbers)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_STRING, "2");
    Onnx__Node *label = model_node_of(&b, ML, "LabelEncoder", "x", "l");
    node_texts(&b, label, "keys_strings", "red,green,blue");
    node_ints(&b, label, "values_int64s", INTS(1, 2, 3));
    node_texts(&b, model_node_of(&b, ML, "OneHotEncoder", "x", "h"), "cats_strings", "blue,red");
    Onnx__Node *category = model_node_of(&b, ML, "CategoryMapper", "x", "c");
    node_texts(&b, category, "cats_strings", "red,blue");
    node_ints(&b, category, "cats_int64s", INTS(70, 80));
    model_output(&b, "l");
    model_output(&b, "h");
    model_output(&b, "c");
    struct graph *graph = model_graph(&b);
    const struct graph_value *x = &graph->values[graph->inputs[0]];
    CHECK(x->type == ELEMENT_I64);
    REQUIRE(x->text_table != NULL);
    double blue = -1;
    for (size_t i = 0; i < x->text_table->count; i++)
        if (strcmp(x->text_table->data.text[i], "blue") == 0)
            blue = (double)i;
    CHECK(blue >= 0);
    CHECK_MODEL(&b, REALS(blue, -1), 3, -1, 1, 0, 0, 0, 80,
                -1); /* -1: a string the model does not know */
    builder_end(&b);
}

TEST(zip_map_keeps_the_tensor_and_its_keys)
{
    struct builder b = rows("1,2");
    node_texts(&b, model_node_of(&b, ML, "ZipMap", "x", "y"), "classlabels_strings", "no,yes");
    model_output(&b, "y");
    struct graph *graph = model_graph(&b);
    const struct graph_value *y = &graph->values[graph->outputs[0]];
    REQUIRE(y->map_keys != NULL && y->map_keys->count == 2);
    CHECK_TEXT(y->map_keys->data.text[1], "yes");
    CHECK_MODEL(&b, REALS(0.25, 0.75), 0.25, 0.75);
    builder_end(&b);
}

TEST(maps_are_rows_with_keys)
{
    struct builder b = builder_start(17);
    model_map_input(&b, "m", ELEMENT_STRING, ELEMENT_F32);
    node_texts(&b, model_node_of(&b, ML, "DictVectorizer", "m", "v"), "string_vocabulary", "a,b,c");
    model_output(&b, "v");
    struct graph *graph = model_graph(&b);
    const struct graph_value *m = &graph->values[graph->inputs[0]];
    REQUIRE(m->map_keys != NULL && m->map_keys->count == 3);
    CHECK_TEXT(m->map_keys->data.text[2], "c");
    CHECK(graph->values[graph->outputs[0]].map_keys == NULL);
    CHECK_MODEL(&b, REALS(1, 2, 3), 1, 2, 3);
    builder_end(&b);
    b = rows("1,3");
    Onnx__Node *zip = model_node_of(&b, ML, "ZipMap", "x", "z");
    node_ints(&b, zip, "classlabels_int64s", INTS(5, 1, 3));
    model_node_of(&b, ML, "CastMap", "z", "dense");
    Onnx__Node *sparse = model_node_of(&b, ML, "CastMap", "z", "sparse");
    node_text(&b, sparse, "map_form", "SPARSE");
    node_int(&b, sparse, "max_map", 4);
    Onnx__Node *pick = model_node_of(&b, ML, "DictVectorizer", "z", "picked");
    node_ints(&b, pick, "int64_vocabulary", INTS(3, 7, 5));
    model_output(&b, "dense");
    model_output(&b, "sparse");
    model_output(&b, "picked");
    CHECK_MODEL(&b, REALS(10, 20, 30), 20, 30, 10, 0, 20, 0, 30, 30, 0, 10);
    builder_end(&b);
}

TEST(a_map_without_known_keys_is_refused)
{
    struct builder b = builder_start(17);
    model_map_input(&b, "m", ELEMENT_I64, ELEMENT_F32);
    model_node_of(&b, ML, "CastMap", "m", "y");
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "says which keys it has");
    builder_end(&b);
}

TEST(strings_of_two_pools_meet)
{
    /* The labels of a classifier are compared with a string input: both sides need the same
     * numbers. */
    struct builder b = rows("1,1");
    model_input(&b, "word", ELEMENT_STRING, "1");
    Onnx__Node *node = model_node_of(&b, ML, "LinearClassifier", "x", "label,p");
    node_floats(&b, node, "coefficients", FLOATS(1, -1));
    node_floats(&b, node, "intercepts", FLOATS(0, 0));
    node_texts(&b, node, "classlabels_strings", "dog,cat");
    node_texts(&b, model_node_of(&b, ML, "OneHotEncoder", "word", "hot"), "cats_strings",
               "cat,cow");
    model_node(&b, "Equal", "label,word", "same");
    model_output(&b, "hot");
    model_output(&b, "same");
    model_output(&b, "label");
    struct graph *graph = model_graph(&b);
    const struct tensor *words = graph->values[graph->inputs[1]].text_table;
    const struct tensor *labels = graph->values[graph->outputs[2]].text_table;
    REQUIRE(words != NULL && labels != NULL && words != labels);
    CHECK_U64(labels->count, 2); /* its own strings alone */
    for (size_t i = 0; i < words->count; i++) {
        bool is_cat = strcmp(words->data.text[i], "cat") == 0;
        struct tensor **out = model_run(&b, graph, ((double[]){-1, (double)i}));
        CHECK_I64(out[1]->data.integer[0], is_cat);
        CHECK_TEXT(labels->data.text[out[2]->data.integer[0]], "cat");
    }
    builder_end(&b);
}

/* --- trees --- */

/* A stump: x[0] <= 0.5 ? leaf 1 : leaf 2. */
static void stump(struct builder *b, Onnx__Node *node)
{
    node_ints(b, node, "nodes_treeids", INTS(0, 0, 0));
    node_ints(b, node, "nodes_nodeids", INTS(0, 1, 2));
    node_ints(b, node, "nodes_featureids", INTS(0, 0, 0));
    node_texts(b, node, "nodes_modes", "BRANCH_LEQ,LEAF,LEAF");
    node_floats(b, node, "nodes_values", FLOATS(0.5, 0, 0));
    node_ints(b, node, "nodes_truenodeids", INTS(1, 0, 0));
    node_ints(b, node, "nodes_falsenodeids", INTS(2, 0, 0));
}

TEST(tree_regressor_with_base_and_missing)
{
    struct builder b = rows("3,1");
    Onnx__Node *node = model_node_of(&b, ML, "TreeEnsembleRegressor", "x", "y");
    stump(&b, node);
    node_ints(&b, node, "nodes_missing_value_tracks_true", INTS(1, 0, 0));
    node_ints(&b, node, "target_treeids", INTS(0, 0));
    node_ints(&b, node, "target_nodeids", INTS(1, 2));
    node_ints(&b, node, "target_ids", INTS(0, 0));
    node_floats(&b, node, "target_weights", FLOATS(3, -4));
    node_floats(&b, node, "base_values", FLOATS(100));
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(0.5, 0.75, NAN), 103, 96, 103);
    builder_end(&b);
}

/* A classifier over the stump with two labels; class ids and weights of both leaves as given. */
static struct builder binary(int64_t class_id, double low, double high, const char *post)
{
    struct builder b = rows("2,1");
    Onnx__Node *node = model_node_of(&b, ML, "TreeEnsembleClassifier", "x", "label,p");
    stump(&b, node);
    node_ints(&b, node, "class_treeids", INTS(0, 0));
    node_ints(&b, node, "class_nodeids", INTS(1, 2));
    node_ints(&b, node, "class_ids", INTS(class_id, class_id));
    node_floats(&b, node, "class_weights", FLOATS(low, high));
    node_ints(&b, node, "classlabels_int64s", INTS(3, 8));
    node_text(&b, node, "post_transform", post);
    model_output(&b, "label");
    model_output(&b, "p");
    return b;
}

TEST(binary_trees_of_probabilities)
{
    struct builder b = binary(0, 0.25, 0.75, "NONE");
    CHECK_MODEL(&b, REALS(0, 1), 3, 8, 0.75, 0.25, 0.25, 0.75);
    builder_end(&b);
}

TEST(binary_trees_of_margins)
{
    struct builder b = binary(0, -2, 3, "LOGISTIC");
    CHECK_MODEL(&b, REALS(0, 1), 3, 8, sigmoid(2), sigmoid(-2), sigmoid(-3), sigmoid(3));
    builder_end(&b);
}

TEST(binary_trees_of_positive_margins)
{
    /* LOGISTIC applies to one score s as [sigmoid(-s), sigmoid(s)], whatever the sign of the
     * weights. */
    struct builder b = binary(0, 0.25, 0.75, "LOGISTIC");
    CHECK_MODEL(&b, REALS(0, 1), 3, 8, sigmoid(-0.25), sigmoid(0.25), sigmoid(-0.75),
                sigmoid(0.75));
    builder_end(&b);
}

TEST(a_class_without_weights_scores_zero)
{
    struct builder b = binary(1, -0.25, 0.75, "NONE");
    CHECK_MODEL(&b, REALS(0, 1), 3, 8, 0, -0.25, 0, 0.75);
    builder_end(&b);
}

TEST(a_class_without_weights_is_never_taken)
{
    /* Of three classes the leaves weigh only the second, and below zero. */
    struct builder b = rows("1,1");
    Onnx__Node *node = model_node_of(&b, ML, "TreeEnsembleClassifier", "x", "label,p");
    stump(&b, node);
    node_ints(&b, node, "class_treeids", INTS(0, 0));
    node_ints(&b, node, "class_nodeids", INTS(1, 2));
    node_ints(&b, node, "class_ids", INTS(1, 1));
    node_floats(&b, node, "class_weights", FLOATS(-1, -2));
    node_ints(&b, node, "classlabels_int64s", INTS(4, 5, 6));
    node_text(&b, node, "post_transform", "NONE");
    model_output(&b, "label");
    model_output(&b, "p");
    CHECK_MODEL(&b, REALS(0), 5, 0, -1, 0);
    builder_end(&b);
}

TEST(three_classes_take_the_largest_score)
{
    struct builder b = rows("2,1");
    Onnx__Node *node = model_node_of(&b, ML, "TreeEnsembleClassifier", "x", "label,p");
    stump(&b, node);
    node_ints(&b, node, "class_treeids", INTS(0, 0, 0, 0));
    node_ints(&b, node, "class_nodeids", INTS(1, 1, 2, 2));
    node_ints(&b, node, "class_ids", INTS(0, 2, 1, 2));
    node_floats(&b, node, "class_weights", FLOATS(1, 2, 5, 4));
    node_texts(&b, node, "classlabels_strings", "a,b,c");
    node_text(&b, node, "post_transform", "NONE");
    model_output(&b, "p");
    CHECK_MODEL(&b, REALS(0, 1), 1, 0, 2, 0, 5, 4);
    builder_end(&b);
}

TEST(shared_subtrees_are_written_out)
{
    /* Node 0 tests feature 0, nodes 1 and 2 both lead to node 3: LightGBM writes categories so. */
    struct builder b = rows("1,2");
    Onnx__Node *node = model_node_of(&b, ML, "TreeEnsembleRegressor", "x", "y");
    node_ints(&b, node, "nodes_treeids", INTS(0, 0, 0, 0, 0, 0));
    node_ints(&b, node, "nodes_nodeids", INTS(0, 1, 2, 3, 4, 5));
    node_ints(&b, node, "nodes_featureids", INTS(0, 0, 0, 1, 0, 0));
    node_texts(&b, node, "nodes_modes", "BRANCH_EQ,BRANCH_EQ,BRANCH_EQ,BRANCH_LT,LEAF,LEAF");
    node_floats(&b, node, "nodes_values", FLOATS(1, 2, 3, 0, 0, 0));
    node_ints(&b, node, "nodes_truenodeids", INTS(3, 3, 3, 4, 0, 0));
    node_ints(&b, node, "nodes_falsenodeids", INTS(1, 2, 5, 5, 0, 0));
    node_ints(&b, node, "target_treeids", INTS(0, 0));
    node_ints(&b, node, "target_nodeids", INTS(4, 5));
    node_ints(&b, node, "target_ids", INTS(0, 0));
    node_floats(&b, node, "target_weights", FLOATS(1, -1));
    model_output(&b, "y");
    struct graph *graph = model_graph(&b);
    const struct graph_attribute *modes = graph_attribute(&graph->nodes[0], "nodes_modes");
    REQUIRE(modes != NULL);
    CHECK_U64(modes->count, 6); /* node 3 three times */
    CHECK_MODEL(&b, REALS(2, -5), 1);
    builder_end(&b);
}

TEST(flat_trees_of_version_5)
{
    struct builder b = builder_start(21);
    b.model->opset_import[1]->version = 5;
    model_input(&b, "x", ELEMENT_F32, "3,1");
    Onnx__Node *node = model_node_of(&b, ML, "TreeEnsemble", "x", "y");
    /* Root: x in {2, 4}? leaf 0 : node 1; node 1: x > 10 ? leaf 1 : leaf 2. */
    node_int(&b, node, "n_targets", 1);
    node_ints(&b, node, "tree_roots", INTS(0));
    node_ints(&b, node, "nodes_featureids", INTS(0, 0));
    node_ints(&b, node, "nodes_truenodeids", INTS(0, 1));
    node_ints(&b, node, "nodes_falsenodeids", INTS(1, 2));
    node_ints(&b, node, "nodes_trueleafs", INTS(1, 1));
    node_ints(&b, node, "nodes_falseleafs", INTS(0, 1));
    node_tensor(&b, node, "nodes_splits", ELEMENT_F32, "2", REALS(0, 10));
    node_tensor(&b, node, "nodes_modes", ELEMENT_U8, "2", REALS(6, 3));
    node_tensor(&b, node, "membership_values", ELEMENT_F32, "3", REALS(2, 4, NAN));
    node_ints(&b, node, "leaf_targetids", INTS(0, 0, 0));
    node_tensor(&b, node, "leaf_weights", ELEMENT_F32, "3", REALS(5, 6, 7));
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(4, 11, 3), 5, 6, 7);
    builder_end(&b);
}

/* --- SVM --- */

TEST(svm_regressors_of_every_kernel)
{
    static const char *const kernels[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    for (int k = 0; k < 4; k++) {
        struct builder b = rows("1,2");
        Onnx__Node *node = model_node_of(&b, ML, "SVMRegressor", "x", "y");
        node_text(&b, node, "kernel_type", kernels[k]);
        node_floats(&b, node, "kernel_params", FLOATS(0.5, 0.25, 3));
        node_floats(&b, node, "support_vectors", FLOATS(1, 2, -1, 1));
        node_floats(&b, node, "coefficients", FLOATS(2, -3));
        node_floats(&b, node, "rho", FLOATS(0.125));
        node_int(&b, node, "n_supports", 2);
        model_output(&b, "y");
        double values[2], x[2] = {0.5, -1}, v[2][2] = {{1, 2}, {-1, 1}};
        for (int i = 0; i < 2; i++) {
            double dot = x[0] * v[i][0] + x[1] * v[i][1];
            double square = pow(x[0] - v[i][0], 2) + pow(x[1] - v[i][1], 2);
            values[i] = k == 0   ? dot
                        : k == 1 ? pow(0.5 * dot + 0.25, 3)
                        : k == 2 ? exp(-0.5 * square)
                                 : tanh(0.5 * dot + 0.25);
        }
        CHECK_MODEL(&b, x, 2 * values[0] - 3 * values[1] + 0.125);
        builder_end(&b);
    }
}

TEST(svm_classifier_votes)
{
    /* Three classes, one support vector each, linear kernel: pair scores by hand. */
    struct builder b = rows("1,1");
    Onnx__Node *node = model_node_of(&b, ML, "SVMClassifier", "x", "label,s");
    node_text(&b, node, "kernel_type", "LINEAR");
    node_floats(&b, node, "kernel_params", FLOATS(0, 0, 0));
    node_floats(&b, node, "support_vectors", FLOATS(1, 2, 3));
    node_ints(&b, node, "vectors_per_class", INTS(1, 1, 1));
    /* Rows: against the first other class, against the second. Column: the vector. */
    node_floats(&b, node, "coefficients", FLOATS(1, -1, -2, 0.5, 3, -1));
    node_floats(&b, node, "rho", FLOATS(0.25, 0, -1));
    node_ints(&b, node, "classlabels_ints", INTS(10, 20, 30));
    model_output(&b, "label");
    model_output(&b, "s");
    /* (0,1): 1*k0 - 1*k1 + .25; (0,2): .5*k0 - 2*k2; (1,2): 3*k1 - 1*k2 - 1; with k = 1, 2, 3. */
    CHECK_MODEL(&b, REALS(1), 20, 1 - 2 + 0.25, 0.5 - 6, 6 - 3 - 1);
    builder_end(&b);
}

TEST(svm_of_two_classes_has_two_columns)
{
    struct builder b = rows("1,1");
    Onnx__Node *node = model_node_of(&b, ML, "SVMClassifier", "x", "label,s");
    node_text(&b, node, "kernel_type", "LINEAR");
    node_floats(&b, node, "kernel_params", FLOATS(0, 0, 0));
    node_floats(&b, node, "support_vectors", FLOATS(1, 2));
    node_ints(&b, node, "vectors_per_class", INTS(1, 1));
    node_floats(&b, node, "coefficients", FLOATS(1, -1));
    node_floats(&b, node, "rho", FLOATS(0.25));
    node_ints(&b, node, "classlabels_ints", INTS(0, 1));
    model_output(&b, "label");
    model_output(&b, "s");
    CHECK_MODEL(&b, REALS(1), 1, 0.75, -0.75);
    builder_end(&b);
}

TEST(distances_of_rows)
{
    struct builder b = rows("1,2");
    model_import(&b, "com.microsoft", 1);
    model_tensor(&b, "m", ELEMENT_F32, "2,2", REALS(0, 0, 3, 5));
    node_text(&b, model_node_of(&b, "com.microsoft", "CDist", "x,m", "y"), "metric", "euclidean");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(3, 4), 5, 1);
    builder_end(&b);
}

TEST(bad_ensembles_are_explained)
{
    static const struct {
        int64_t child, feature, target;
        const char *text;
    } cases[] = {{9, 0, 0, "node 9, a child of 0, does not exist"},
                 {0, 0, 0, "no root leads to it"},
                 {1, 4, 0, "compares feature 4, but the input has 1 columns"},
                 {1, 0, 2, "a leaf weighs target 2 of 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct builder b = rows("1,1");
        struct graph *graph;
        Onnx__Node *node = model_node_of(&b, ML, "TreeEnsembleRegressor", "x", "y");
        node_ints(&b, node, "nodes_treeids", INTS(0, 0, 0));
        node_ints(&b, node, "nodes_nodeids", INTS(0, 1, 2));
        node_ints(&b, node, "nodes_featureids", INTS(cases[i].feature, 0, 0));
        node_texts(&b, node, "nodes_modes", "BRANCH_LEQ,LEAF,LEAF");
        node_floats(&b, node, "nodes_values", FLOATS(0.5, 0, 0));
        node_ints(&b, node, "nodes_truenodeids", INTS(cases[i].child, 0, 0));
        node_ints(&b, node, "nodes_falsenodeids", INTS(2, 0, 0));
        node_ints(&b, node, "target_treeids", INTS(0));
        node_ints(&b, node, "target_nodeids", INTS(1));
        node_ints(&b, node, "target_ids", INTS(cases[i].target));
        node_floats(&b, node, "target_weights", FLOATS(1));
        model_output(&b, "y");
        CHECK_STATUS(model_import_graph(&b, &graph), STATUS_BAD_INPUT, NULL);
        CHECK_MSG(model_has_problem(&b, cases[i].text), "case %zu: %s", i,
                  b.problems.count == 0 ? "nothing" : b.problems.item[0].text);
        builder_end(&b);
    }
}

/* Weights are those of n-grams; n-gram i has coordinate ngram_indexes[i]. */
TEST(weights_of_ngrams_go_to_their_coordinates)
{
    for (int shared = 0; shared < 2; shared++) {
        struct builder b = builder_start(17);
        model_input(&b, "x", ELEMENT_I64, "4");
        Onnx__Node *node = model_node(&b, "TfIdfVectorizer", "x", "y");
        node_text(&b, node, "mode", "TFIDF");
        node_int(&b, node, "min_gram_length", 1);
        node_int(&b, node, "max_gram_length", 1);
        node_int(&b, node, "max_skip_count", 0);
        node_ints(&b, node, "ngram_counts", INTS(0));
        if (shared)
            node_ints(&b, node, "ngram_indexes", INTS(0, 2, 2));
        else
            node_ints(&b, node, "ngram_indexes", INTS(0, 2, 1));
        node_ints(&b, node, "pool_int64s", INTS(5, 6, 7));
        node_floats(&b, node, "weights", FLOATS(1, 10, 100));
        model_output(&b, "y");
        if (shared)
            CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "n-grams of different weights have coordinate 2");
        else
            CHECK_MODEL(&b, REALS(5, 6, 6, 7), 1, 100, 20);
        builder_end(&b);
    }
}

TEST(coordinates_of_ngrams_have_a_limit)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_I64, "4");
    Onnx__Node *node = model_node(&b, "TfIdfVectorizer", "x", "y");
    node_text(&b, node, "mode", "TF");
    node_int(&b, node, "min_gram_length", 1);
    node_int(&b, node, "max_gram_length", 1);
    node_int(&b, node, "max_skip_count", 0);
    node_ints(&b, node, "ngram_counts", INTS(0));
    node_ints(&b, node, "ngram_indexes", INTS(0, 1000000000));
    node_ints(&b, node, "pool_int64s", INTS(5, 6));
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_LIMIT, "an n-gram has coordinate 1000000000; up to 16777215");
    builder_end(&b);
}
