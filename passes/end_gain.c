/*
 * See end_gain.h.
 */
#include "passes/end_gain.h"

#include <math.h>
#include <string.h>

bool end_gain_init(struct end_gain *gain, const struct graph *graph, struct arena *arena)
{
    *gain = (struct end_gain){.graph = graph,
                              .now = arena_array(arena, struct tensor *, graph->value_count + 1),
                              .changed = arena_array(arena, uint32_t, graph->value_count + 1),
                              .waits = arena_array(arena, bool, graph->node_count + 1),
                              .waiting = arena_array(arena, uint32_t, graph->node_count + 1)};
    return gain->now != NULL && gain->changed != NULL && gain->waits != NULL &&
           gain->waiting != NULL && graph_list_uses(&gain->uses, graph, arena);
}

/* ---- nodes that wait ---- */

static void push(struct end_gain *gain, uint32_t node)
{
    if (gain->waits[node])
        return;
    gain->waits[node] = true;
    size_t at = gain->waiting_count++;
    for (; at > 0 && gain->waiting[(at - 1) / 2] > node; at = (at - 1) / 2)
        gain->waiting[at] = gain->waiting[(at - 1) / 2];
    gain->waiting[at] = node;
}

/* The first node of those that wait. */
static uint32_t pop(struct end_gain *gain)
{
    uint32_t *heap = gain->waiting, top = heap[0], last = heap[--gain->waiting_count];
    size_t count = gain->waiting_count, at = 0;
    for (size_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= last)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    gain->waits[top] = false;
    return top;
}

static void change(struct end_gain *gain, uint32_t v, struct tensor *now)
{
    if (gain->now[v] == NULL)
        gain->changed[gain->changed_count++] = v;
    gain->now[v] = now;
    for (size_t u = gain->uses.first[v]; u < gain->uses.first[v + 1]; u++)
        push(gain, gain->uses.item[u].node);
}

static void forget(struct end_gain *gain)
{
    while (gain->changed_count > 0)
        gain->now[gain->changed[--gain->changed_count]] = NULL;
    while (gain->waiting_count > 0)
        gain->waits[gain->waiting[--gain->waiting_count]] = false;
}

/* ---- running again ---- */

/* A step may be too small to be seen behind a rounding or a function that is nearly flat: what
 * follows is then as it was. */
static bool is_as_it_was(const struct tensor *a, const struct tensor *b)
{
    return a != NULL && b != NULL && a->type == b->type && a->type != ELEMENT_STRING &&
           a->count == b->count &&
           (a->count == 0 ||
            memcmp(a->data.real, b->data.real, a->count * sizeof *a->data.real) == 0);
}

static enum status run_node(struct end_gain *gain, const struct graph_values *run,
                            const struct graph_node *node, struct arena *scratch)
{
    const struct tensor **in = arena_array(scratch, const struct tensor *, node->input_count + 1);
    struct tensor **out = arena_array(scratch, struct tensor *, node->output_count + 1);
    if (in == NULL || out == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < node->input_count; i++) {
        uint32_t v = node->inputs[i];
        in[i] = v == GRAPH_NONE ? NULL : gain->now[v] != NULL ? gain->now[v] : run->item[v];
    }
    struct diag ignored = {0};
    enum status status = graph_interpret_node(gain->graph, node, in, out, NULL, scratch, &ignored);
    for (size_t k = 0; k < node->output_count && status == STATUS_OK; k++) {
        uint32_t v = node->outputs[k];
        if (v != GRAPH_NONE && out[k] != NULL && !is_as_it_was(out[k], run->item[v]))
            change(gain, v, out[k]);
    }
    return status;
}

/* INFINITY where a change cannot be told. */
static double largest_change(const struct tensor *a, const struct tensor *b)
{
    if (a == NULL || b == NULL || a->count != b->count || !element_type_is_float(a->type))
        return 0;
    double largest = 0;
    for (size_t e = 0; e < a->count; e++) {
        double change = fabs(a->data.real[e] - b->data.real[e]);
        if (isfinite(change) && change > largest)
            largest = change;
    }
    return largest;
}

enum status end_gain_budget(double *budget, struct end_gain *gain, const struct graph_values *run,
                            uint32_t v, struct tensor *moved, double step, const double *budgets,
                            struct arena *scratch, struct diag *diag)
{
    const struct graph *graph = gain->graph;
    enum status status = STATUS_OK;
    *budget = INFINITY;
    change(gain, v, moved);
    /* What reads a node's results stands behind it: each node is run once, when all that it reads
     * is known. */
    while (gain->waiting_count > 0 && status == STATUS_OK)
        status = run_node(gain, run, &graph->nodes[pop(gain)], scratch);
    for (size_t o = 0; o < graph->output_count && status == STATUS_OK; o++) {
        uint32_t out = graph->outputs[o];
        double moves = gain->now[out] == NULL ? 0 : largest_change(gain->now[out], run->item[out]);
        if (moves > 0)
            *budget = fmin(*budget, budgets[out] * step / moves);
    }
    forget(gain);
    if (status == STATUS_NO_MEMORY)
        return diag_set(diag, status, "no memory to measure what follows '%s'",
                        graph->values[v].name);
    return STATUS_OK;
}
