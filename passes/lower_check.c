/*
 * What lowering refuses before anything is computed, by the table lower_checks.def. See lower.h.
 */
#include "passes/lower_internal.h"

static const lower_rule checks[OP_COUNT] = {
#define C(op, check) [OP_##op] = check,
#include "passes/lower_checks.def"
#undef C
};

void lowering_check_node(struct lowering *l)
{
    if (!lower_op_is_supported(l->node->op))
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "this operator has no lowering; `sertnc --list-ops` lists those that have");
    if (checks[l->node->op] != NULL)
        checks[l->node->op](l);
}

bool lowering_is_told(struct lowering *l)
{
    const uint64_t repeat = l->node->repeat;
    if (repeat == 0)
        return false;
    for (size_t i = 0; i < l->told_count; i++)
        if (l->told[i] == repeat)
            return true;
    void *array = l->told;
    lowering_grow(l, &array, &l->told_capacity, l->told_count + 1, sizeof *l->told);
    l->told = array;
    l->told[l->told_count++] = repeat;
    return false;
}

/* The status of one node. */
static enum status check_node(struct lowering *l)
{
    jmp_buf here;
    enum status status = STATUS_OK;
    l->status = STATUS_OK;
    l->escape = &here;
    if (setjmp(here) == 0)
        lowering_check_node(l);
    status = l->status;
    l->escape = NULL;
    return status;
}

/* Whether a node that failed was listed in an earlier round of its body; not so without memory to
 * remember that. */
static bool is_listed(struct lowering *l)
{
    jmp_buf here;
    bool is_told = false;
    l->escape = &here;
    if (setjmp(here) == 0)
        is_told = lowering_is_told(l);
    l->escape = NULL;
    return is_told;
}

enum status lower_check_graph(const struct graph *graph, struct arena *scratch,
                              struct diag_list *problems)
{
    struct diag diag = {0};
    struct lowering *l = arena_new(scratch, struct lowering);
    if (l == NULL)
        return diag_list_add(problems, STATUS_NO_MEMORY, "no memory to look through the graph");
    *l = (struct lowering){.graph = graph, .arena = scratch, .diag = &diag};
    enum status first = STATUS_OK;
    for (size_t n = 0; n < graph->node_count && first != STATUS_NO_MEMORY; n++) {
        l->node = &graph->nodes[n];
        const enum status status = check_node(l);
        const struct diag problem = diag;
        if (status != STATUS_OK && !is_listed(l))
            diag_list_add_diag(problems, &problem);
        if (first == STATUS_OK || status == STATUS_NO_MEMORY)
            first = status;
    }
    return first;
}
