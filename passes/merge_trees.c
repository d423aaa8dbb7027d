/* See merge_trees.h. */
#include "passes/merge_trees.h"

#include <string.h>

#include "ir/ops.h"

struct merging {
    struct graph *graph;
    uint32_t *uses; /* [value_count] */
    bool failed;
};

/* ---- tables ---- */

/* Gather of columns 0, 1, 2, ... of a table: the table. */
static bool takes_all_columns(const struct graph *graph, const struct graph_node *node)
{
    if (node->op != OP_GATHER || graph->values[node->inputs[0]].shape.rank != 2)
        return false;
    int64_t axis = graph_attribute_int(node, "axis", 0);
    const struct tensor *index = graph->values[node->inputs[1]].data;
    int64_t columns = graph->values[node->inputs[0]].shape.dim[1];
    if ((axis != 1 && axis != -1) || index == NULL || index->shape.rank != 1 ||
        (int64_t)index->count != columns)
        return false;
    for (int64_t i = 0; i < columns; i++) {
        if (index->data.integer[i] != i)
            return false;
    }
    return true;
}

static void read_whole_table(struct merging *m, struct graph_node *tree, bool *changed)
{
    for (;;) {
        const struct graph_value *x = &m->graph->values[tree->inputs[0]];
        if (x->kind != VALUE_NODE || x->producer >= m->graph->node_count ||
            !takes_all_columns(m->graph, &m->graph->nodes[x->producer]))
            return;
        tree->inputs[0] = m->graph->nodes[x->producer].inputs[0];
        *changed = true;
    }
}

/* ---- sums ---- */

static const struct graph_attribute *list_of(const struct graph_node *node, const char *name)
{
    return graph_attribute(node, name);
}

static size_t count_of(const struct graph_node *node, const char *name)
{
    const struct graph_attribute *attribute = list_of(node, name);
    return attribute == NULL                     ? 0
           : attribute->kind == ATTRIBUTE_TENSOR ? attribute->tensor->count
                                                 : attribute->count;
}

/* An ensemble that adds up, or the average of one tree. */
static bool adds_up(const struct graph_node *node)
{
    int64_t aggregate = graph_attribute_int(node, "aggregate", 1);
    return aggregate == 1 || (aggregate == 0 && count_of(node, "tree_roots") == 1);
}

static enum element_type split_type(const struct graph_node *node)
{
    const struct graph_attribute *splits = list_of(node, "nodes_splits");
    return splits == NULL ? ELEMENT_UNDEFINED : splits->tensor->type;
}

/* The ensemble that computes a value nobody else reads, NULL when there is none. */
static const struct graph_node *ensemble_of(const struct merging *m, uint32_t value)
{
    const struct graph_value *v = &m->graph->values[value];
    if (v->kind != VALUE_NODE || m->uses[value] != 1 || v->producer >= m->graph->node_count)
        return NULL;
    const struct graph_node *node = &m->graph->nodes[v->producer];
    return node->op == OP_TREE_ENSEMBLE && adds_up(node) ? node : NULL;
}

static bool can_merge(const struct merging *m, const struct graph_node *sum)
{
    if ((sum->op != OP_SUM && sum->op != OP_ADD) || sum->input_count < 2)
        return false;
    const struct graph_node *first = ensemble_of(m, sum->inputs[0]);
    enum element_type type = ELEMENT_UNDEFINED;
    for (size_t i = 0; first != NULL && i < sum->input_count; i++) {
        const struct graph_node *node = ensemble_of(m, sum->inputs[i]);
        if (node == NULL || node->inputs[0] != first->inputs[0] ||
            graph_attribute_int(node, "n_targets", 1) !=
                graph_attribute_int(first, "n_targets", 1) ||
            m->graph->values[sum->inputs[i]].type != m->graph->values[sum->inputs[0]].type)
            return false;
        enum element_type own = split_type(node);
        if (own != ELEMENT_UNDEFINED && type != ELEMENT_UNDEFINED && own != type)
            return false;
        type = own == ELEMENT_UNDEFINED ? type : own;
    }
    return first != NULL;
}

struct joined {
    struct graph_attribute list[16];
    size_t count;
};

/* Numbers of all parts one after the other, each raised by what the parts before it have. */
static int64_t *join_integers(struct merging *m, const struct graph_node *const *parts,
                              size_t part_count, const char *name, size_t *total)
{
    *total = 0;
    for (size_t p = 0; p < part_count; p++)
        *total += count_of(parts[p], name);
    int64_t *all = arena_array(m->graph->arena, int64_t, *total + 1);
    m->failed |= all == NULL;
    size_t at = 0;
    for (size_t p = 0; p < part_count && all != NULL; p++) {
        const struct graph_attribute *own = list_of(parts[p], name);
        if (own != NULL && own->count > 0)
            memcpy(all + at, own->integers, own->count * sizeof *all);
        at += own == NULL ? 0 : own->count;
    }
    return all;
}

static void put_integers(struct joined *out, const char *name, const int64_t *list, size_t count)
{
    out->list[out->count++] = (struct graph_attribute){
        .name = name, .kind = ATTRIBUTE_INTS, .count = count, .integers = list};
}

/* References to nodes and leaves, counted on from those of the parts before. */
static void join_references(struct merging *m, struct joined *out,
                            const struct graph_node *const *parts, size_t part_count,
                            const char *name)
{
    size_t total, at = 0;
    int64_t *all = join_integers(m, parts, part_count, name, &total), nodes = 0, leaves = 0;
    for (size_t p = 0; p < part_count && all != NULL; p++) {
        for (size_t i = 0; i < count_of(parts[p], name); i++, at++)
            all[at] += all[at] >= 0 ? nodes : -leaves;
        nodes += (int64_t)count_of(parts[p], "nodes_featureids");
        leaves += (int64_t)count_of(parts[p], "leaf_offsets") - 1;
    }
    put_integers(out, name, all, total);
}

static void join_plain(struct merging *m, struct joined *out, const struct graph_node *const *parts,
                       size_t part_count, const char *name)
{
    size_t total;
    int64_t *all = join_integers(m, parts, part_count, name, &total);
    put_integers(out, name, all, total);
}

/* Offsets into lists: one more than there are owners; a part without the list has empty ones. */
static void join_offsets(struct merging *m, struct joined *out,
                         const struct graph_node *const *parts, size_t part_count, const char *name,
                         const char *owners, size_t missing_one)
{
    size_t total = 1;
    for (size_t p = 0; p < part_count; p++)
        total += count_of(parts[p], owners) - missing_one;
    int64_t *all = arena_array(m->graph->arena, int64_t, total + 1), base = 0;
    m->failed |= all == NULL;
    size_t at = 0;
    for (size_t p = 0; p < part_count && all != NULL; p++) {
        const struct graph_attribute *own = list_of(parts[p], name);
        size_t count = count_of(parts[p], owners) - missing_one;
        for (size_t i = 0; i < count; i++)
            all[at++] = base + (own == NULL ? 0 : own->integers[i]);
        base += own == NULL || own->count == 0 ? 0 : own->integers[own->count - 1];
    }
    if (all != NULL)
        all[at] = base;
    put_integers(out, name, all, total);
}

static void join_numbers(struct merging *m, struct joined *out,
                         const struct graph_node *const *parts, size_t part_count, const char *name)
{
    size_t total = 0;
    enum element_type type = ELEMENT_F32;
    for (size_t p = 0; p < part_count; p++) {
        total += count_of(parts[p], name);
        if (list_of(parts[p], name) != NULL)
            type = list_of(parts[p], name)->tensor->type;
    }
    struct tensor *all = tensor_new(m->graph->arena, type, &(struct shape){1, {(int64_t)total}});
    m->failed |= all == NULL;
    size_t at = 0;
    for (size_t p = 0; p < part_count && all != NULL; p++) {
        size_t count = count_of(parts[p], name);
        if (count > 0)
            memcpy(all->data.real + at, list_of(parts[p], name)->tensor->data.real,
                   count * sizeof *all->data.real);
        at += count;
    }
    out->list[out->count++] =
        (struct graph_attribute){.name = name, .kind = ATTRIBUTE_TENSOR, .tensor = all};
}

static void put_integer(struct joined *out, const char *name, int64_t value)
{
    out->list[out->count++] =
        (struct graph_attribute){.name = name, .kind = ATTRIBUTE_INT, .integer = value};
}

/* The attributes of ir/ops.def, of all parts together. */
static void join(struct merging *m, struct joined *out, const struct graph_node *const *parts,
                 size_t count)
{
    put_integer(out, "n_targets", graph_attribute_int(parts[0], "n_targets", 1));
    put_integer(out, "aggregate", 1);
    join_references(m, out, parts, count, "tree_roots");
    join_plain(m, out, parts, count, "nodes_featureids");
    join_plain(m, out, parts, count, "nodes_modes");
    join_numbers(m, out, parts, count, "nodes_splits");
    join_plain(m, out, parts, count, "nodes_missing_tracks_true");
    join_references(m, out, parts, count, "nodes_true");
    join_references(m, out, parts, count, "nodes_false");
    join_offsets(m, out, parts, count, "leaf_offsets", "leaf_offsets", 1);
    join_plain(m, out, parts, count, "leaf_targetids");
    join_numbers(m, out, parts, count, "leaf_weights");
    join_offsets(m, out, parts, count, "membership_offsets", "nodes_featureids", 0);
    join_numbers(m, out, parts, count, "membership_values");
}

static void merge(struct merging *m, struct graph_node *sum)
{
    struct joined joined = {.count = 0};
    const struct graph_node **parts =
        arena_array(m->graph->arena, const struct graph_node *, sum->input_count);
    uint32_t *inputs = arena_array(m->graph->arena, uint32_t, 1);
    m->failed |= parts == NULL || inputs == NULL;
    if (m->failed)
        return;
    for (size_t i = 0; i < sum->input_count; i++)
        parts[i] = ensemble_of(m, sum->inputs[i]);
    join(m, &joined, parts, sum->input_count);
    struct graph_attribute *attributes =
        arena_memdup(m->graph->arena, joined.list, joined.count * sizeof *joined.list);
    m->failed |= attributes == NULL;
    inputs[0] = parts[0]->inputs[0];
    for (size_t i = 0; i < sum->input_count; i++)
        m->uses[sum->inputs[i]]--;
    sum->op = OP_TREE_ENSEMBLE;
    sum->inputs = inputs;
    sum->input_count = 1;
    sum->attributes = attributes;
    sum->attribute_count = joined.count;
}

bool merge_trees(struct graph *graph, bool *changed)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    struct merging m = {.graph = graph,
                        .uses = arena_array(&scratch, uint32_t, graph->value_count + 1)};
    m.failed = m.uses == NULL;
    for (uint32_t n = 0; n < graph->node_count && !m.failed; n++) {
        const struct graph_node *node = &graph->nodes[n];
        for (size_t i = 0; i < node->input_count; i++)
            m.uses[node->inputs[i] == GRAPH_NONE ? graph->value_count : node->inputs[i]]++;
        for (size_t k = 0; k < node->output_count; k++) {
            if (node->outputs[k] != GRAPH_NONE)
                graph->values[node->outputs[k]].producer = n;
        }
    }
    for (size_t o = 0; o < graph->output_count && !m.failed; o++)
        m.uses[graph->outputs[o]] += 2;
    for (size_t n = 0; n < graph->node_count && !m.failed; n++) {
        if (graph->nodes[n].op == OP_TREE_ENSEMBLE)
            read_whole_table(&m, &graph->nodes[n], changed);
    }
    for (size_t n = 0; n < graph->node_count && !m.failed; n++) {
        if (!can_merge(&m, &graph->nodes[n]))
            continue;
        merge(&m, &graph->nodes[n]);
        *changed = true;
    }
    arena_release(&scratch);
    return !m.failed;
}
