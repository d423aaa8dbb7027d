/*
 * Attributes that name one of a few ways to do something. A rule takes what it does not know for
 * the default, so that a word of another dialect would give a model that computes something else:
 * it is refused here, before any rule reads it.
 */
#include <string.h>

#include "frontend/import_node.h"

/* The words, spaces between; operators "" are all that have the attribute. */
static const struct choice {
    const char *attribute, *operators, *words;
} choices[] = {
    {"auto_pad", "", "NOTSET VALID SAME_UPPER SAME_LOWER"},
    {"approximate", "Gelu", "none tanh"},
    {"coordinate_transformation_mode", "Resize",
     "half_pixel half_pixel_symmetric pytorch_half_pixel align_corners asymmetric "
     "tf_half_pixel_for_nn tf_crop_and_resize"},
    {"coordinate_transformation_mode", "RoiAlign", "half_pixel output_half_pixel"},
    {"direction", "BitShift", "LEFT RIGHT"},
    {"direction", "RNN GRU LSTM DynamicQuantizeLSTM", "forward reverse bidirectional"},
    {"keep_aspect_ratio_policy", "Resize", "stretch not_larger not_smaller"},
    {"map_form", "CastMap", "DENSE SPARSE"},
    {"mode", "DepthToSpace SpaceToDepth", "DCR CRD"},
    {"mode", "GridSample", "linear nearest cubic bilinear bicubic"},
    {"mode", "Pad", "constant reflect edge wrap"},
    {"mode", "Resize Upsample", "nearest linear cubic bilinear trilinear"},
    {"mode", "RoiAlign", "avg max"},
    {"mode", "TensorScatter", "linear circular"},
    {"mode", "TfIdfVectorizer", "TF IDF TFIDF"},
    {"nearest_mode", "Resize", "round_prefer_floor round_prefer_ceil floor ceil"},
    {"padding_mode", "GridSample", "zeros border reflection"},
    {"reduction", "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss", "none mean sum"},
    {"reduction", "ScatterElements ScatterND", "none add mul max min"},
    {"round_mode", "Cast CastLike", "up down nearest"},
};

void import_check_choices(struct import_node *n)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        const struct choice *c = &choices[i];
        bool is_meant = c->operators[0] == 0 || import_has_word(c->operators, n->proto->op_type);
        if (!is_meant || !import_rule_accepts(n->rule, c->attribute) || !has_attr(n, c->attribute))
            continue;
        const char *word = attr_text(n, c->attribute, "");
        /* No padding mode at all is NOTSET, as runtimes take it. */
        bool is_default = word[0] == 0 && strcmp(c->attribute, "auto_pad") == 0;
        if (!is_default && !import_has_word(c->words, word))
            rule_fail(n, STATUS_BAD_INPUT, "attribute '%s' is '%.60s', and not one of %s",
                      c->attribute, word, c->words);
    }
}
