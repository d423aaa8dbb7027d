/* See fuse_channels.h. */
#include "passes/fuse_channels.h"

#include <math.h>
#include <string.h>

#include "ir/support/arena.h"

/* y = factor x + addend, one number of each a channel. */
struct channel_map {
    double *factor, *addend; /* [channels] */
    bool is_private;         /* a parameter took part */
};

struct fusing {
    struct graph *graph;
    struct arena scratch;
    uint32_t *uses; /* [value_count] of the graph as it came: results keep their index */
    size_t value_count;
};

static bool is_stored_float(const struct graph *graph, uint32_t v)
{
    return v != GRAPH_NONE && graph->values[v].data != NULL &&
           element_type_is_float(graph->values[v].data->type);
}

/* The convolution that a value is the result of, when nothing else reads it; NULL otherwise. */
static struct graph_node *convolution_of(const struct fusing *f, uint32_t v)
{
    struct graph *graph = f->graph;
    uint32_t producer = v == GRAPH_NONE ? GRAPH_NONE : graph->values[v].producer;
    if (producer == GRAPH_NONE || v >= f->value_count || f->uses[v] != 1)
        return NULL;
    struct graph_node *node = &graph->nodes[producer];
    enum element_type type = graph->values[v].type;
    bool is_fit = node->op == OP_CONV && (type == ELEMENT_F32 || type == ELEMENT_F64) &&
                  is_stored_float(graph, node->inputs[1]) &&
                  graph->values[node->inputs[1]].data->count > 0 &&
                  (node->input_count < 3 || node->inputs[2] == GRAPH_NONE ||
                   is_stored_float(graph, node->inputs[2]));
    return is_fit ? node : NULL;
}

/* Whether stored numbers broadcast to `all` are the same in all of a channel's places. */
static bool is_by_channel(const struct shape *some, const struct shape *all)
{
    if (some->rank > all->rank)
        return false;
    for (unsigned d = 0; d < some->rank; d++) {
        unsigned axis = d + all->rank - some->rank;
        if (some->dim[d] != 1 && (axis != 1 || some->dim[d] != all->dim[1]))
            return false;
    }
    return true;
}

static double channel_number(const struct tensor *stored, size_t channel)
{
    return stored->data.real[stored->count == 1 ? 0 : channel];
}

/* The map of a normalisation by stored statistics. */
static void read_normalisation(const struct graph *graph, const struct graph_node *node,
                               size_t channels, struct channel_map *map)
{
    const struct tensor *in[5] = {NULL};
    double epsilon = graph_attribute_float(node, "epsilon", (double)1e-5f);
    for (size_t i = 1; i < 5; i++) {
        in[i] = graph->values[node->inputs[i]].data;
        map->is_private |= graph->values[node->inputs[i]].kind == VALUE_PARAMETER;
    }
    for (size_t c = 0; c < channels; c++) {
        map->factor[c] = in[1]->data.real[c] / sqrt(in[4]->data.real[c] + epsilon);
        map->addend[c] = in[2]->data.real[c] - in[3]->data.real[c] * map->factor[c];
    }
}

/* The operand that a node maps channel by channel, GRAPH_NONE when it does something else. */
static uint32_t mapped_operand(const struct graph *graph, const struct graph_node *node)
{
    if (node->op == OP_BATCH_NORMALIZATION) {
        for (size_t i = 1; i < 5; i++)
            if (!is_stored_float(graph, node->inputs[i]))
                return GRAPH_NONE;
        return node->inputs[0];
    }
    if ((node->op != OP_MUL && node->op != OP_ADD) || node->input_count != 2)
        return GRAPH_NONE;
    size_t stored = is_stored_float(graph, node->inputs[1]) ? 1 : 0;
    uint32_t x = node->inputs[1 - stored];
    const struct shape *all = &graph->values[x].shape;
    bool is_fit = is_stored_float(graph, node->inputs[stored]) && all->rank > 1 &&
                  shape_equal(all, &graph->values[node->outputs[0]].shape) &&
                  is_by_channel(&graph->values[node->inputs[stored]].shape, all);
    return is_fit ? x : GRAPH_NONE;
}

static bool read_map(struct fusing *f, const struct graph_node *node, size_t channels,
                     struct channel_map *map)
{
    const struct graph *graph = f->graph;
    *map = (struct channel_map){.factor = arena_array(&f->scratch, double, channels),
                                .addend = arena_array(&f->scratch, double, channels)};
    if (map->factor == NULL || map->addend == NULL)
        return false;
    if (node->op == OP_BATCH_NORMALIZATION) {
        read_normalisation(graph, node, channels, map);
        return true;
    }
    const struct graph_value *stored =
        &graph->values[node->inputs[is_stored_float(graph, node->inputs[1]) ? 1 : 0]];
    map->is_private = stored->kind == VALUE_PARAMETER;
    for (size_t c = 0; c < channels; c++) {
        double number = channel_number(stored->data, c);
        map->factor[c] = node->op == OP_MUL ? number : 1;
        map->addend[c] = node->op == OP_MUL ? 0 : number;
    }
    return true;
}

/* Adds a stored value; GRAPH_NONE without memory. */
static uint32_t add_stored(struct graph *graph, const char *like, const char *suffix,
                           struct tensor *data, bool is_private)
{
    const char *name = arena_printf(graph->arena, "%s.%s", like, suffix);
    uint32_t v = data == NULL || name == NULL
                     ? GRAPH_NONE
                     : graph_add_value(graph, name, is_private ? VALUE_PARAMETER : VALUE_CONSTANT,
                                       data->type);
    if (v == GRAPH_NONE)
        return v;
    graph->values[v].data = data;
    graph->values[v].shape = data->shape;
    graph->values[v].shape_known = true;
    return v;
}

static const struct graph_value *bias_of(const struct graph *graph,
                                         const struct graph_node *convolution)
{
    bool has_bias = convolution->input_count > 2 && convolution->inputs[2] != GRAPH_NONE;
    return has_bias ? &graph->values[convolution->inputs[2]] : NULL;
}

/* The weights of a convolution times the factors; GRAPH_NONE without memory. */
static uint32_t map_weights(struct graph *graph, const struct graph_node *convolution,
                            const struct channel_map *map)
{
    const struct graph_value *w = &graph->values[convolution->inputs[1]];
    enum element_type type = w->data->type;
    size_t channels = (size_t)w->data->shape.dim[0], each = w->data->count / channels;
    struct tensor *weights = tensor_new(graph->arena, type, &w->data->shape);
    for (size_t e = 0; weights != NULL && e < weights->count; e++)
        weights->data.real[e] = element_round(type, w->data->data.real[e] * map->factor[e / each]);
    return add_stored(graph, convolution->name, "weights", weights,
                      map->is_private || w->kind == VALUE_PARAMETER);
}

/* What the map makes of the bias, none being 0, in the given shape; GRAPH_NONE without memory. */
static uint32_t map_bias(struct graph *graph, const struct graph_node *convolution,
                         const struct channel_map *map, const struct shape *shape)
{
    const struct graph_value *b = bias_of(graph, convolution);
    enum element_type type = graph->values[convolution->inputs[1]].data->type;
    struct tensor *bias = tensor_new(graph->arena, type, shape);
    for (size_t c = 0; bias != NULL && c < bias->count; c++) {
        double before = b == NULL ? 0 : b->data->data.real[c];
        bias->data.real[c] = element_round(type, map->factor[c] * before + map->addend[c]);
    }
    return add_stored(graph, convolution->name, "bias", bias,
                      map->is_private || (b != NULL && b->kind == VALUE_PARAMETER));
}

/* Gives a node other operands; false without memory or when one is missing. */
static bool set_inputs(struct graph *graph, struct graph_node *node, const uint32_t *inputs,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (inputs[i] == GRAPH_NONE)
            return false;
    node->inputs = arena_memdup(graph->arena, inputs, count * sizeof *inputs);
    node->input_count = count;
    return node->inputs != NULL;
}

/* Node n becomes the convolution before it, which has a bias if that has one. */
static bool become_convolution(struct graph *graph, size_t n, const struct graph_node *convolution,
                               const struct channel_map *map)
{
    struct graph_node fused = *convolution;
    struct shape line = {.rank = 1,
                         .dim = {graph->values[convolution->inputs[1]].data->shape.dim[0]}};
    bool has_bias = bias_of(graph, convolution) != NULL;
    uint32_t in[3] = {convolution->inputs[0], map_weights(graph, convolution, map),
                      has_bias ? map_bias(graph, convolution, map, &line) : GRAPH_NONE};
    fused.outputs = graph->nodes[n].outputs;
    if (!set_inputs(graph, &fused, in, has_bias ? 3 : 2))
        return false;
    graph->nodes[n] = fused;
    return true;
}

/* Node n, a normalisation, becomes the addition of what is left of it: an addition may go behind a
 * pool. */
static bool become_addition(struct graph *graph, size_t n, struct graph_node *convolution,
                            const struct channel_map *map)
{
    struct graph_node *node = &graph->nodes[n];
    struct shape column = {.rank = graph->values[node->inputs[0]].shape.rank};
    column.rank--;
    for (unsigned d = 0; d < column.rank; d++)
        column.dim[d] = d == 0 ? graph->values[convolution->inputs[1]].data->shape.dim[0] : 1;
    uint32_t x = node->inputs[0], addend = map_bias(graph, convolution, map, &column),
             in[2] = {convolution->inputs[0], map_weights(graph, convolution, map)};
    node->op = OP_ADD;
    node->attribute_count = 0;
    return set_inputs(graph, convolution, in, 2) &&
           set_inputs(graph, node, (const uint32_t[]){x, addend}, 2);
}

/* False without memory. */
static bool fuse(struct fusing *f, size_t n, struct graph_node *convolution)
{
    struct graph *graph = f->graph;
    struct channel_map map;
    size_t channels = (size_t)graph->values[convolution->inputs[1]].data->shape.dim[0];
    if (!read_map(f, &graph->nodes[n], channels, &map))
        return false;
    return graph->nodes[n].op == OP_BATCH_NORMALIZATION
               ? become_addition(graph, n, convolution, &map)
               : become_convolution(graph, n, convolution, &map);
}

static bool count_uses(struct fusing *f)
{
    const struct graph *graph = f->graph;
    f->value_count = graph->value_count;
    f->uses = arena_array(&f->scratch, uint32_t, graph->value_count + 1);
    for (size_t n = 0; f->uses != NULL && n < graph->node_count; n++)
        for (size_t k = 0; k < graph->nodes[n].input_count; k++)
            if (graph->nodes[n].inputs[k] != GRAPH_NONE)
                f->uses[graph->nodes[n].inputs[k]]++;
    for (size_t o = 0; f->uses != NULL && o < graph->output_count; o++)
        f->uses[graph->outputs[o]]++;
    return f->uses != NULL;
}

enum status pass_fuse_channels(struct graph *graph, bool *changed, struct diag *diag)
{
    struct fusing f = {.graph = graph};
    arena_init(&f.scratch, 0);
    bool has_memory = count_uses(&f);
    for (size_t n = 0; n < graph->node_count && has_memory; n++) {
        struct graph_node *convolution =
            convolution_of(&f, mapped_operand(graph, &graph->nodes[n]));
        /* An addition stays, but where there is a bias to add to. */
        if (convolution == NULL ||
            (graph->nodes[n].op == OP_ADD && bias_of(graph, convolution) == NULL))
            continue;
        has_memory = fuse(&f, n, convolution);
        *changed |= has_memory;
    }
    arena_release(&f.scratch);
    return has_memory ? STATUS_OK
                      : diag_set(diag, STATUS_NO_MEMORY, "no memory to fuse convolutions");
}
