/* label: fast libs: sertn_runtime */
/* Large models of 16-bit floats are computed as float32, small ones and patterns stay. */
#include "passes/widen_floats.h"

#include <math.h>
#include <string.h>

#include "ir/graph_interpret.h"
#include "passes/fold_constants.h"
#include "tests/passes/lower_kit.h"

/* x [rows, 512] of float16, times and plus stored float16, through a Cast there and back, halved.
 */
static uint32_t model(struct kit *kit, int rows, bool reads_pattern)
{
    kit_init(kit);
    uint32_t x = kit_input(kit, "x", ELEMENT_F16, kit_shape(2, rows, 512)),
             w = kit_random_parameter(kit, "w", kit_shape(1, 512), 2);
    struct tensor *data = kit->graph->values[w].data;
    data->type = kit->graph->values[w].type = ELEMENT_F16;
    for (size_t i = 0; i < data->count; i++)
        data->data.real[i] = element_round(ELEMENT_F16, data->data.real[i]);
    uint32_t y = kit_binary(kit, OP_MUL, x, w);
    if (reads_pattern) {
        y = kit_unary(kit, OP_BIT_CAST, y);
        kit_attribute_int(kit, "to", ELEMENT_I16);
    } else {
        y = kit_unary(kit, OP_CAST, kit_binary(kit, OP_ADD, y, w));
        kit_attribute_int(kit, "to", ELEMENT_F32);
        y = kit_unary(kit, OP_CAST, y);
        kit_attribute_int(kit, "to", ELEMENT_F16);
        y = kit_binary(kit, OP_MUL, y, w);
    }
    kit->graph->values[y].name = "y";
    kit_output(kit, y);
    struct arena scratch = {0};
    REQUIRE(pass_fold_constants(kit->graph, &scratch, &kit->problems) == STATUS_OK);
    arena_release(&scratch);
    return y;
}

static const struct tensor *run(struct kit *kit, const struct tensor *x)
{
    struct graph_values values;
    struct diag diag = {0};
    graph_values_init(&values, &kit->arena);
    REQUIRE_OK(graph_interpret(kit->graph, &x, &values, &diag), &diag);
    return values.item[kit->graph->outputs[0]];
}

TEST(a_large_model_is_computed_as_float32)
{
    struct kit kit;
    struct diag diag = {0};
    struct arena scratch = {0};
    uint64_t count = 0;
    model(&kit, 400, false);
    struct tensor *x = tensor_new(&kit.arena, ELEMENT_F16, &(struct shape){2, {400, 512}});
    for (size_t i = 0; i < x->count; i++)
        x->data.real[i] = element_round(ELEMENT_F16, kit_random(2));
    const struct tensor *before = run(&kit, x);
    REQUIRE_OK(pass_widen_floats(kit.graph, &count, &diag), &diag);
    REQUIRE_OK(graph_validate(kit.graph, &diag), &diag);
    CHECK_U64(count, 4 * 400 * 512);
    REQUIRE(pass_fold_constants(kit.graph, &scratch, &kit.problems) == STATUS_OK);
    REQUIRE_OK(graph_validate(kit.graph, &diag), &diag);
    const struct tensor *after = run(&kit, x);
    const struct graph_value *out = &kit.graph->values[kit.graph->outputs[0]];
    CHECK(strcmp(out->name, "y") == 0 && out->type == ELEMENT_F16);
    CHECK(kit.graph->values[kit.graph->inputs[0]].type == ELEMENT_F16);
    CHECK_U64(after->count, before->count);
    size_t closer = 0;
    for (size_t i = 0; i < after->count; i++) {
        CHECK(after->data.real[i] == element_round(ELEMENT_F16, after->data.real[i]));
        CHECK(fabs(after->data.real[i] - before->data.real[i]) <=
              0x1p-8 * (1 + fabs(before->data.real[i])));
        closer += after->data.real[i] != before->data.real[i];
    }
    CHECK(closer > 0);
    for (size_t n = 0; n < kit.graph->node_count; n++)
        if (kit.graph->nodes[n].op == OP_MUL)
            CHECK(kit.graph->values[kit.graph->nodes[n].outputs[0]].type == ELEMENT_F32);
    arena_release(&scratch);
    kit_release(&kit);
}

TEST(small_models_and_patterns_stay)
{
    struct kit kit;
    struct diag diag = {0};
    uint64_t count = 1;
    for (int reads_pattern = 0; reads_pattern < 2; reads_pattern++) {
        model(&kit, reads_pattern ? 600 : 4, reads_pattern != 0);
        size_t nodes = kit.graph->node_count;
        REQUIRE_OK(pass_widen_floats(kit.graph, &count, &diag), &diag);
        CHECK_U64(count, 0);
        CHECK_U64(kit.graph->node_count, nodes);
        kit_release(&kit);
    }
}
