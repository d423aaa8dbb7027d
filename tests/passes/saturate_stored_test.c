/* Stored infinities become numbers where all that reads them saturates, and only there. */
#include "passes/saturate_stored.h"

#include <math.h>

#include "ir/graph_interpret.h"
#include "passes/infer_shapes.h"
#include "tests/passes/lower_kit.h"

static int64_t element_of(const struct tensor *t, size_t e)
{
    return element_type_is_float(t->type) ? (int64_t)(t->data.real[e] * 4) : t->data.integer[e];
}

/* Where(x > 0, -inf, inf), moved, into a saturating operator. */
static void saturated(enum op_kind op, bool read_elsewhere)
{
    struct kit kit;
    struct shape shape = kit_shape(1, 4);
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape),
             zero = kit_parameter(&kit, "zero", kit_shape(0), (const double[]){0}),
             low = kit_parameter(&kit, "low", kit_shape(0), (const double[]){-INFINITY}),
             high = kit_parameter(&kit, "high", kit_shape(1, 1), (const double[]){INFINITY}),
             some = kit_parameter(&kit, "some", kit_shape(0), (const double[]){0.5}),
             above = kit_binary(&kit, OP_GREATER, x, zero);
    if (op == OP_RELU)
        high = some;
    uint32_t y = kit_node(&kit, OP_WHERE, (const uint32_t[]){above, low, high}, 3);
    y = kit_unary(&kit, OP_IDENTITY, y);
    if (op == OP_QUANTIZE_LINEAR) {
        uint32_t point = kit_constant_i64(&kit, kit_shape(0), (const int64_t[]){3});
        kit.graph->values[point].type = kit.graph->values[point].data->type = ELEMENT_I8;
        y = kit_node(&kit, op, (const uint32_t[]){y, some, point}, 3);
    } else if (op == OP_CLIP) {
        uint32_t one = kit_parameter(&kit, "one", kit_shape(0), (const double[]){1});
        y = kit_node(&kit, op, (const uint32_t[]){y, some, one}, 3);
    } else {
        y = kit_unary(&kit, op, y);
    }
    kit_output(&kit, y);
    if (read_elsewhere)
        kit_output(&kit, low);
    const struct tensor *in[] = {kit_tensor(&kit, shape, (const double[]){1, -1, 0, 2})};
    struct diag diag = {0};
    struct diag_list problems = {0};
    struct graph_values before, after;
    kit_set(&kit, in);
    REQUIRE(pass_infer_shapes(kit.graph, &problems) == STATUS_OK);
    graph_values_init(&before, &kit.arena);
    REQUIRE_OK(graph_interpret(kit.graph, in, &before, &diag), &diag);
    REQUIRE_OK(pass_saturate_stored(kit.graph, &diag), &diag);
    CHECK((isinf(kit.graph->values[low].data->data.real[0]) != 0) == read_elsewhere);
    CHECK(isfinite(kit.graph->values[high].data->data.real[0]));
    graph_values_init(&after, &kit.arena);
    REQUIRE_OK(graph_interpret(kit.graph, in, &after, &diag), &diag);
    for (size_t e = 0; e < 4; e++)
        CHECK_I64(element_of(after.item[y], e), element_of(before.item[y], e));
    if (!read_elsewhere) {
        kit_run(&kit);
        kit_compare(&kit, in, 0, 0);
    }
    kit_release(&kit);
}

TEST(infinities_that_saturate_are_numbers)
{
    saturated(OP_QUANTIZE_LINEAR, false);
    saturated(OP_CLIP, false);
    saturated(OP_RELU, false);
}

TEST(infinities_that_are_read_otherwise_stay)
{
    saturated(OP_QUANTIZE_LINEAR, true);
    saturated(OP_CLIP, true);
}
