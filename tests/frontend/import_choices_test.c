/* label: fast libs: sertn_3rd_protobuf_c */
#include "frontend/import.h"

#include <stdio.h>

#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

/* What is no way of an operator would be taken for its default. */
TEST(words_that_name_no_way_of_an_operator_are_refused)
{
    static const struct {
        int opset;
        const char *op, *inputs, *attribute, *word;
    } cases[] = {
        {13, "Resize", "x,,scales", "mode", "area"},
        {13, "Resize", "x,,scales", "mode", ""},
        {13, "Resize", "x,,scales", "nearest_mode", "simple"},
        {13, "Resize", "x,,scales", "coordinate_transformation_mode", "align"},
        {18, "Resize", "x,,scales", "keep_aspect_ratio_policy", "NOT_LARGER"},
        {9, "Upsample", "x,scales", "mode", "area"},
        {13, "Pad", "x,pads", "mode", "REFLECT"},
        {16, "ScatterElements", "x,index,update", "reduction", "sum"},
        {16, "GridSample", "x,grid", "mode", "area"},
        {16, "GridSample", "x,grid", "padding_mode", "wrap"},
        {13, "Conv", "x,kernel", "auto_pad", "SAME"},
        {13, "AveragePool", "x", "auto_pad", "SAME"},
        {20, "Gelu", "x", "approximate", "erf"},
        {13, "DepthToSpace", "x", "mode", "dcr"},
        {16, "RoiAlign", "x,rois,batch", "mode", "MAX"},
        {16, "RoiAlign", "x,rois,batch", "coordinate_transformation_mode", "half"},
        {13, "BitShift", "index,index", "direction", "left"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct builder b = builder_start(cases[i].opset);
        char text[100];
        model_input(&b, "x", ELEMENT_F32, "1,4,2,2");
        model_tensor(&b, "scales", ELEMENT_F32, "4", REALS(1, 1, 2, 2));
        model_tensor(&b, "pads", ELEMENT_I64, "8", REALS(0, 0, 1, 1, 0, 0, 1, 1));
        model_tensor(&b, "index", ELEMENT_I64, "1,1,1,1", REALS(0));
        model_tensor(&b, "update", ELEMENT_F32, "1,1,1,1", REALS(9));
        model_tensor(&b, "grid", ELEMENT_F32, "1,1,1,2", REALS(0, 0));
        model_tensor(&b, "kernel", ELEMENT_F32, "1,4,1,1", REALS(1, 1, 1, 1));
        model_tensor(&b, "rois", ELEMENT_F32, "1,4", REALS(0, 0, 1, 1));
        model_tensor(&b, "batch", ELEMENT_I64, "1", REALS(0));
        Onnx__Node *node = model_node(&b, cases[i].op, cases[i].inputs, "y");
        node_text(&b, node, cases[i].attribute, cases[i].word);
        node_int(&b, node, "blocksize", 2);
        node_int(&b, node, "sampling_ratio", 2);
        node_ints(&b, node, "kernel_shape", (const int64_t[]){1, 1}, 2);
        model_output(&b, "y");
        snprintf(text, sizeof text, "attribute '%s' is '%s', and not one of ", cases[i].attribute,
                 cases[i].word);
        CHECK_REFUSED(&b, STATUS_BAD_INPUT, text);
        builder_end(&b);
    }
}
