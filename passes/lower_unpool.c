/*
 * Lowering of MaxUnpool: every place of the result takes the last update whose index is it, else
 * zero. When the indices are those of a MaxPool of the same graph, only the windows over a place
 * can name it; else every update can.
 */
#include "passes/lower_window.h"

#include <string.h>

enum { MEETINGS_MAX = 1 << 23 };

/* Updates that may name each place, in their order: candidate[first[p]] .. candidate[first[p + 1] -
 * 1]. */
struct candidates {
    size_t *first, *candidate;
    size_t places, most; /* the most for one place */
};

/* The MaxPool whose indices the node takes, when its operand has the pooled shape; else NULL. */
static const struct graph_node *pool_of(struct lowering *l, const struct shape *pooled)
{
    const struct graph *graph = l->graph;
    uint32_t v = lowering_value(l, 1);
    if (graph->values[v].kind != VALUE_NODE)
        return NULL;
    const struct graph_node *node = &graph->nodes[graph->values[v].producer];
    if (node->op != OP_MAX_POOL || graph_attribute_int(node, "storage_order", 0) != 0 ||
        !shape_equal(&graph->values[node->inputs[0]].shape, pooled))
        return NULL;
    return node;
}

/* Calls visit for each place in the window of update u. */
static void visit_window(const struct window *window, size_t u,
                         void (*visit)(void *, size_t, size_t), void *context)
{
    int64_t at[TENSOR_RANK_MAX], kernel = 1;
    size_t rest = u;
    for (unsigned i = window->rank; i-- > 0;) {
        at[i] = (int64_t)(rest % (size_t)window->axis[i].out);
        rest /= (size_t)window->axis[i].out;
        kernel *= window->axis[i].kernel;
    }
    for (int64_t k = 0; k < kernel; k++) {
        int64_t left = k, place = 0, unit = 1;
        bool is_inside = true;
        for (unsigned i = window->rank; i-- > 0;) {
            const struct window_axis *axis = &window->axis[i];
            int64_t from =
                at[i] * axis->stride + left % axis->kernel * axis->dilation - axis->pad_begin;
            left /= axis->kernel;
            is_inside &= from >= 0 && from < axis->in;
            place += from * unit;
            unit *= axis->in;
        }
        if (is_inside)
            visit(context, u, rest * (size_t)unit + (size_t)place);
    }
}

static void count_candidate(void *context, size_t u, size_t place)
{
    struct candidates *c = context;
    (void)u;
    c->first[place + 1]++;
}

static void add_candidate(void *context, size_t u, size_t place)
{
    struct candidates *c = context;
    c->candidate[c->first[place]++] = u;
}

static struct candidates window_candidates(struct lowering *l, const struct window *window,
                                           size_t updates, size_t places)
{
    struct candidates c = {.first = lowering_array(l, size_t, places + 2), .places = places};
    for (size_t u = 0; u < updates; u++)
        visit_window(window, u, count_candidate, &c);
    for (size_t p = 0; p < places; p++) {
        c.most = c.first[p + 1] > c.most ? c.first[p + 1] : c.most;
        c.first[p + 1] += c.first[p];
    }
    c.candidate = lowering_array(l, size_t, c.first[places]);
    for (size_t u = 0; u < updates; u++)
        visit_window(window, u, add_candidate, &c);
    memmove(c.first + 1, c.first, places * sizeof *c.first);
    c.first[0] = 0;
    return c;
}

static struct candidates all_candidates(struct lowering *l, size_t updates, size_t places)
{
    struct candidates c = {.places = places, .most = updates};
    c.first = lowering_array(l, size_t, places + 1);
    c.candidate = lowering_array(l, size_t, updates * places);
    for (size_t p = 0; p < places; p++) {
        c.first[p + 1] = (p + 1) * updates;
        for (size_t u = 0; u < updates; u++)
            c.candidate[p * updates + u] = u;
    }
    return c;
}

/* Places that have more than r candidates, and candidate r of each. Returns how many. */
static size_t round_of(const struct candidates *c, size_t r, int64_t *place, int64_t *update)
{
    size_t count = 0;
    for (size_t p = 0; p < c->places; p++) {
        if (c->first[p + 1] - c->first[p] <= r)
            continue;
        place[count] = (int64_t)p;
        update[count++] = (int64_t)c->candidate[c->first[p] + r];
    }
    return count;
}

/* out with the updates of one round: those whose index is their place. */
static uint32_t apply_round(struct lowering *l, const struct candidates *c, size_t r, uint32_t out,
                            uint32_t x, uint32_t index)
{
    int64_t *place = lowering_array(l, int64_t, c->places),
            *update = lowering_array(l, int64_t, c->places);
    size_t count = round_of(c, r, place, update);
    struct shape line = shape_of(1, (int64_t)count), whole = shape_of(1, (int64_t)c->places);
    wide *numbers = lowering_array(l, wide, count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = wide_from_i64(place[i]);
    uint32_t here = lowering_is_zero(
        l, lowering_difference(l, &line, lowering_pick(l, index, &line, update),
                               lowering_constant(l, &line, form_integer(), numbers)));
    uint32_t value = lowering_pick(l, x, &line, update);
    if (out == RELATION_NONE)
        value = lowering_times(l, here, value);
    else
        value = lowering_select(l, &line, here, value, lowering_pick(l, out, &line, place));
    int64_t *kept = lowering_array(l, int64_t, c->places),
            *put = lowering_array(l, int64_t, c->places);
    for (size_t p = 0; p < c->places; p++) {
        kept[p] = out == RELATION_NONE ? -1 : (int64_t)p;
        put[p] = -1;
    }
    for (size_t i = 0; i < count; i++) {
        kept[place[i]] = -1;
        put[place[i]] = (int64_t)i;
    }
    struct relation_term terms[2] = {lowering_term_view(
        wide_from_i64(1), (struct relation_view){.tensor = value, .index_list = put})};
    if (out != RELATION_NONE)
        terms[1] = lowering_term_view(wide_from_i64(1),
                                      (struct relation_view){.tensor = out, .index_list = kept});
    return lowering_moved(l, &whole, lowering_form(l, value), terms, out == RELATION_NONE ? 1 : 2);
}

/* Elements of the pool's shape in the shape of the result, zero where that is larger. */
static uint32_t spread(struct lowering *l, uint32_t x, const struct shape *pooled)
{
    struct shape shape = lowering_output_shape(l, 0);
    struct relation_view view = {.tensor = x};
    lowering_strides(view.stride, pooled);
    for (unsigned d = 0; d < shape.rank; d++)
        view.high[d] = pooled->dim[d];
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_moved(l, &shape, lowering_form(l, x), &term, 1);
}

void check_max_unpool(struct lowering *l)
{
    struct shape own = lowering_graph_value(l, 0)->shape, pooled;
    lowering_require(l, unpooled_shape(l->diag, l->node, &own, &pooled));
    size_t updates = shape_elements(&own), places = shape_elements(&pooled);
    if (pool_of(l, &pooled) == NULL && updates > MEETINGS_MAX / (places > 0 ? places : 1))
        lowering_fail(l, STATUS_LIMIT,
                      "%zu updates at computed places of %zu are too many; give it the indices of "
                      "a MaxPool in the same model",
                      updates, places);
}

void lower_max_unpool(struct lowering *l)
{
    uint32_t x = lowering_input(l, 0), index = lowering_input(l, 1);
    size_t updates = lowering_tensor(l, x)->count, places;
    struct shape own = lowering_shape(l, x), pooled, line = shape_of(1, (int64_t)updates);
    lowering_require(l, unpooled_shape(l->diag, l->node, &own, &pooled));
    places = shape_elements(&pooled);
    const struct graph_node *pool = pool_of(l, &pooled);
    struct candidates c;
    if (pool != NULL) {
        struct window window;
        lowering_require(l, window_read(l->diag, pool, &pooled, NULL, &window));
        c = window_candidates(l, &window, updates, places);
    } else {
        c = all_candidates(l, updates, places);
        index = lowering_restrict_to(l, index, range_of_i64(0, (int64_t)places - 1));
    }
    x = lowering_reshape(l, x, &line);
    index = lowering_reshape(l, index, &line);
    uint32_t out = RELATION_NONE;
    for (size_t r = 0; r < c.most; r++)
        out = apply_round(l, &c, r, out, x, index);
    if (out == RELATION_NONE)
        lowering_fail(l, STATUS_UNSUPPORTED, "no element to put back");
    lowering_output(l, 0, spread(l, lowering_reshape(l, out, &pooled), &pooled));
}
