/*
 * See end_gain.h.
 */
#include "passes/end_gain.h"

#include <math.h>
#include <string.h>

struct rerun {
    const struct graph *graph;
    const struct graph_values *run;
    struct tensor **now; /* [value_count]: values that changed, NULL where they did not */
    struct arena *scratch;
};

static const struct tensor *value_now(const struct rerun *r, uint32_t v)
{
    return r->now[v] != NULL ? r->now[v] : r->run->item[v];
}

static bool uses_change(const struct rerun *r, const struct graph_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] != GRAPH_NONE && r->now[node->inputs[i]] != NULL)
            return true;
    }
    return false;
}

/* A step may be too small to be seen behind a rounding or a function that is nearly flat: what
 * follows is then as it was. */
static bool is_as_it_was(const struct tensor *a, const struct tensor *b)
{
    return a != NULL && b != NULL && a->type == b->type && a->type != ELEMENT_STRING &&
           a->count == b->count &&
           (a->count == 0 ||
            memcmp(a->data.real, b->data.real, a->count * sizeof *a->data.real) == 0);
}

static enum status run_node(struct rerun *r, const struct graph_node *node)
{
    const struct tensor **in =
        arena_array(r->scratch, const struct tensor *, node->input_count + 1);
    struct tensor **out = arena_array(r->scratch, struct tensor *, node->output_count + 1);
    if (in == NULL || out == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < node->input_count; i++)
        in[i] = node->inputs[i] == GRAPH_NONE ? NULL : value_now(r, node->inputs[i]);
    struct diag ignored = {0};
    enum status status = graph_interpret_node(r->graph, node, in, out, NULL, r->scratch, &ignored);
    for (size_t k = 0; k < node->output_count && status == STATUS_OK; k++) {
        uint32_t v = node->outputs[k];
        if (v != GRAPH_NONE && !is_as_it_was(out[k], r->run->item[v]))
            r->now[v] = out[k];
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

enum status end_gain_budget(double *budget, const struct graph *graph,
                            const struct graph_values *run, size_t first, uint32_t v,
                            struct tensor *moved, double step, const double *budgets,
                            struct arena *scratch, struct diag *diag)
{
    struct rerun r = {.graph = graph,
                      .run = run,
                      .now = arena_array(scratch, struct tensor *, graph->value_count + 1),
                      .scratch = scratch};
    enum status status = r.now == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    *budget = INFINITY;
    if (status == STATUS_OK)
        r.now[v] = moved;
    for (size_t n = first; n < graph->node_count && status == STATUS_OK; n++) {
        if (uses_change(&r, &graph->nodes[n]))
            status = run_node(&r, &graph->nodes[n]);
    }
    if (status == STATUS_NO_MEMORY)
        return diag_set(diag, status, "no memory to measure what follows '%s'",
                        graph->values[v].name);
    for (size_t o = 0; o < graph->output_count && status == STATUS_OK; o++) {
        uint32_t out = graph->outputs[o];
        double change = r.now[out] == NULL ? 0 : largest_change(r.now[out], run->item[out]);
        if (change > 0)
            *budget = fmin(*budget, budgets[out] * step / change);
    }
    return STATUS_OK;
}
