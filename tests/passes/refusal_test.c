/* label: fast libs: sertn_runtime */
/* A graph that cannot be a circuit: every node that does not lower is named at once, what hangs on
 * one is not, and a graph that no table holds is refused before it is run. */
#include <string.h>

#include "tests/passes/lower_kit.h"

static bool has(const struct kit *kit, size_t i, const char *text)
{
    return i < kit->problems.count && strstr(kit->problems.item[i].text, text) != NULL;
}

static enum status run(struct kit *kit)
{
    return pipeline_run(&kit->result, kit->graph, &kit->options, &kit->arena, &kit->problems);
}

/* Determinants of 11 rows, and one of 2. */
TEST(every_node_that_does_not_lower_is_named)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t large = kit_input(&kit, "large", ELEMENT_F32, kit_shape(2, 11, 11)),
             small = kit_input(&kit, "small", ELEMENT_F32, kit_shape(2, 2, 2));
    uint32_t a = kit_unary(&kit, OP_DET, large), b = kit_unary(&kit, OP_DET, small),
             c = kit_unary(&kit, OP_DET, kit_unary(&kit, OP_NEG, large));
    kit_output(&kit, kit_unary(&kit, OP_RELU, a));
    kit_output(&kit, kit_unary(&kit, OP_RELU, b));
    kit_output(&kit, kit_binary(&kit, OP_ADD, a, c));
    kit_set(&kit, (const struct tensor *[]){kit_random_tensor(&kit, kit_shape(2, 11, 11), 1),
                                            kit_random_tensor(&kit, kit_shape(2, 2, 2), 1)});
    CHECK_STATUS(run(&kit), STATUS_UNSUPPORTED, NULL);
    CHECK_MSG(kit.problems.count == 2, "%zu problems", kit.problems.count);
    CHECK(has(&kit, 0, "node Det_0 (Det") && has(&kit, 0, "11"));
    CHECK(has(&kit, 1, "node Det_3 (Det"));
    kit_release(&kit);
}

/* 2^24 + 2^12 comparisons, none of which is ever made. */
TEST(a_graph_that_no_table_holds_is_refused_by_its_size)
{
    struct kit kit;
    kit_init(&kit);
    kit_output(&kit, kit_unary(&kit, OP_RELU,
                               kit_input(&kit, "x", ELEMENT_F32, kit_shape(2, 4097, 4096))));
    CHECK_STATUS(run(&kit), STATUS_LIMIT, NULL);
    CHECK(has(&kit, 0, "the limit is 2^26") && has(&kit, 0, "compares or looks up 16781312"));
    kit_release(&kit);
}
