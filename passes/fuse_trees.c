/*
 * See fuse_trees.h. The functions of leaves are found and put into the leaves here; tables and sums
 * of ensembles are joined in merge_trees.c.
 */
#include "passes/fuse_trees.h"

#include <math.h>
#include <string.h>

#include "ir/graph_interpret.h"
#include "ir/ops.h"
#include "passes/merge_trees.h"

/* A value that needs a target of its own in the tree it is a function of. */
struct wanted {
    uint32_t value;
    size_t columns; /* numbers a row */
};

struct fusing {
    struct graph *graph;
    struct arena scratch;
    uint32_t *tree;       /* [value_count]: node of the tree a value is a function of */
    struct tensor **leaf; /* [value_count]: its value in each leaf: [leaves, the rest of its shape] */
    bool *is_gone;        /* [node_count]: fused away */
    bool failed;          /* no memory */
};

static void *take(struct fusing *f, size_t count, size_t size)
{
    void *memory = arena_alloc_array(&f->scratch, count + 1, size);
    f->failed |= memory == NULL;
    return memory;
}

/* ---- trees ---- */

static size_t attribute_count(const struct graph_node *node, const char *name)
{
    const struct graph_attribute *attribute = graph_attribute(node, name);
    return attribute == NULL ? 0 : attribute->count;
}

/* One tree whose leaves can hold other numbers: entries for one target add up, and numbers are not
 * rounded to fewer bits than labels and what comes of a Cast may have. */
static bool is_single_tree(const struct graph *graph, const struct graph_node *node)
{
    if (node->op != OP_TREE_ENSEMBLE || attribute_count(node, "tree_roots") != 1 ||
        attribute_count(node, "leaf_offsets") < 2 || graph_attribute_int(node, "aggregate", 1) > 1)
        return false;
    enum element_type type = graph->values[node->outputs[0]].type;
    return type == ELEMENT_F32 || type == ELEMENT_F64;
}

static size_t leaves_of(const struct graph_node *tree)
{
    return attribute_count(tree, "leaf_offsets") - 1;
}

/* Rows of the table that a tree answers for. */
static int64_t rows_of(const struct fusing *f, uint32_t tree)
{
    return f->graph->values[f->graph->nodes[tree].outputs[0]].shape.dim[0];
}

/* What the tree itself gives in each leaf: the sum of the leaf's entries by target. */
static struct tensor *own_leaves(struct fusing *f, const struct graph_node *tree)
{
    const struct graph_attribute *offsets = graph_attribute(tree, "leaf_offsets"),
                                 *targets = graph_attribute(tree, "leaf_targetids"),
                                 *weights = graph_attribute(tree, "leaf_weights");
    int64_t width = graph_attribute_int(tree, "n_targets", 1);
    size_t leaves = leaves_of(tree);
    struct shape shape = {2, {(int64_t)leaves, width}};
    enum element_type type = f->graph->values[tree->outputs[0]].type;
    struct tensor *out = tensor_new(&f->scratch, type, &shape);
    f->failed |= out == NULL;
    for (size_t l = 0; out != NULL && l < leaves; l++) {
        for (int64_t e = offsets->integers[l]; e < offsets->integers[l + 1]; e++)
            out->data.real[l * (size_t)width + (size_t)targets->integers[e]] +=
                weights->tensor->data.real[e];
        for (int64_t t = 0; t < width; t++)
            out->data.real[l * (size_t)width + (size_t)t] =
                element_round(type, out->data.real[l * (size_t)width + (size_t)t]);
    }
    return out;
}

/* ---- operators that treat each row alone ---- */

/* An operand of the tree, whose first axis must be the first of the result; or a stored one, equal
 * for all rows. */
static bool broadcasts_by_row(const struct fusing *f, uint32_t operand, uint32_t tree,
                              const struct shape *out)
{
    const struct graph_value *value = &f->graph->values[operand];
    if (f->tree[operand] == tree)
        return value->shape.rank == out->rank && value->shape.dim[0] == out->dim[0];
    return value->data != NULL && (value->shape.rank < out->rank || value->shape.dim[0] == 1);
}

static bool reduces_within_rows(const struct fusing *f, const struct graph_node *node)
{
    const struct graph_value *x = &f->graph->values[node->inputs[0]];
    bool has_axes = node->input_count > 1 && node->inputs[1] != GRAPH_NONE;
    const struct tensor *axes = has_axes ? f->graph->values[node->inputs[1]].data : NULL;
    if (axes == NULL || axes->count == 0)
        return false;
    for (size_t i = 0; i < axes->count; i++) {
        int64_t axis = axes->data.integer[i];
        if ((axis < 0 ? axis + x->shape.rank : axis) == 0)
            return false;
    }
    return true;
}

/* An attribute `axis` that is not the first. */
static bool has_inner_axis(const struct fusing *f, const struct graph_node *node, int64_t fallback)
{
    int64_t axis = graph_attribute_int(node, "axis", fallback);
    unsigned rank = f->graph->values[node->inputs[0]].shape.rank;
    return (axis < 0 ? axis + (int64_t)rank : axis) > 0;
}

/* A stored operand, whatever its shape. */
static bool is_stored(const struct fusing *f, uint32_t value)
{
    return value != GRAPH_NONE && f->graph->values[value].data != NULL;
}

static bool treats_rows_alone(const struct fusing *f, const struct graph_node *node, uint32_t tree)
{
    const struct shape *out = &f->graph->values[node->outputs[0]].shape;
    bool of_tree = node->input_count > 0 && node->inputs[0] != GRAPH_NONE &&
                   f->tree[node->inputs[0]] == tree;
    switch (node->op) {
    case OP_LABEL_ENCODER:
        return of_tree && is_stored(f, node->inputs[1]) && is_stored(f, node->inputs[2]) &&
               is_stored(f, node->inputs[3]);
    case OP_RESHAPE:
    case OP_FLATTEN:
    case OP_SQUEEZE:
    case OP_UNSQUEEZE:
        return of_tree;
    case OP_ARG_MAX:
    case OP_ARG_MIN:
        return of_tree && has_inner_axis(f, node, 0);
    case OP_SOFTMAX:
    case OP_LOG_SOFTMAX:
        return of_tree && has_inner_axis(f, node, -1);
    case OP_GATHER:
        return (of_tree && is_stored(f, node->inputs[1]) && has_inner_axis(f, node, 0)) ||
               (is_stored(f, node->inputs[0]) && f->tree[node->inputs[1]] == tree &&
                graph_attribute_int(node, "axis", 0) == 0);
    case OP_MAT_MUL:
        return of_tree && is_stored(f, node->inputs[1]) && out->rank == 2;
    default:
        break;
    }
    if ((op_info(node->op)->traits & TRAIT_REDUCE) != 0)
        return of_tree && reduces_within_rows(f, node);
    bool each = (op_info(node->op)->traits & TRAIT_ELEMENTWISE) != 0;
    for (size_t i = 0; i < node->input_count && each; i++)
        each = node->inputs[i] == GRAPH_NONE || broadcasts_by_row(f, node->inputs[i], tree, out);
    return each;
}

/* The one tree that a node's result is a function of, GRAPH_NONE when there is none. */
static uint32_t tree_of_node(const struct fusing *f, const struct graph_node *node)
{
    uint32_t tree = GRAPH_NONE;
    for (size_t i = 0; i < node->input_count; i++) {
        uint32_t v = node->inputs[i];
        if (v == GRAPH_NONE || f->graph->values[v].data != NULL)
            continue;
        if (f->tree[v] == GRAPH_NONE || (tree != GRAPH_NONE && tree != f->tree[v]))
            return GRAPH_NONE;
        tree = f->tree[v];
    }
    if (tree == GRAPH_NONE || node->output_count != 1 || node->outputs[0] == GRAPH_NONE)
        return GRAPH_NONE;
    const struct graph_value *out = &f->graph->values[node->outputs[0]];
    bool fits = out->shape.rank > 0 && out->shape.dim[0] == rows_of(f, tree) &&
                out->text_table == NULL && out->type != ELEMENT_STRING;
    return fits && treats_rows_alone(f, node, tree) ? tree : GRAPH_NONE;
}

/* ---- functions of leaves ---- */

static size_t width_of(const struct tensor *tensor)
{
    return tensor->shape.dim[0] == 0 ? 0 : tensor->count / (size_t)tensor->shape.dim[0];
}

/* Copies row `from` of one tensor to row `to` of another of the same width. */
static void copy_row(struct tensor *to, size_t row, const struct tensor *from, size_t source)
{
    size_t width = width_of(from);
    if (element_type_is_float(from->type))
        memcpy(to->data.real + row * width, from->data.real + source * width,
               width * sizeof *to->data.real);
    else
        memcpy(to->data.integer + row * width, from->data.integer + source * width,
               width * sizeof *to->data.integer);
}

/* Operands of a run in which row r is at leaf `first` + r. */
static bool load_operands(struct fusing *f, const struct graph_node *node, size_t first,
                          size_t leaves, const struct tensor **in)
{
    for (size_t i = 0; i < node->input_count; i++) {
        uint32_t v = node->inputs[i];
        in[i] = v == GRAPH_NONE ? NULL : f->graph->values[v].data;
        if (v == GRAPH_NONE || in[i] != NULL)
            continue;
        const struct graph_value *value = &f->graph->values[v];
        struct tensor *rows = tensor_new(&f->scratch, value->type, &value->shape);
        if (rows == NULL)
            return false;
        for (size_t r = 0; r < (size_t)value->shape.dim[0]; r++)
            copy_row(rows, r, f->leaf[v], first + r < leaves ? first + r : leaves - 1);
        in[i] = rows;
    }
    return true;
}

/* Runs the node for all leaves, as many at a time as the table has rows. NULL when a run fails. */
static struct tensor *run_leaves(struct fusing *f, const struct graph_node *node, uint32_t tree)
{
    const struct graph_value *out = &f->graph->values[node->outputs[0]];
    size_t leaves = leaves_of(&f->graph->nodes[tree]), rows = (size_t)rows_of(f, tree);
    struct shape shape = out->shape;
    shape.dim[0] = (int64_t)leaves;
    struct tensor *result = tensor_new(&f->scratch, out->type, &shape), *made = NULL;
    const struct tensor **in = take(f, node->input_count, sizeof *in);
    f->failed |= result == NULL;
    for (size_t first = 0; !f->failed && first < leaves; first += rows) {
        struct arena_mark mark = arena_checkpoint(&f->scratch);
        struct diag ignored = {0};
        f->failed |= !load_operands(f, node, first, leaves, in);
        enum status status = f->failed ? STATUS_NO_MEMORY
                                       : graph_interpret_node(f->graph, node, in, &made, NULL,
                                                              &f->scratch, &ignored);
        bool fits = status == STATUS_OK && made != NULL && made->type == out->type &&
                    shape_equal(&made->shape, &out->shape);
        for (size_t r = 0; fits && r < rows && first + r < leaves; r++)
            copy_row(result, first + r, made, r);
        arena_rewind(&f->scratch, mark);
        f->failed |= status == STATUS_NO_MEMORY;
        if (!fits)
            return NULL;
    }
    return f->failed ? NULL : result;
}

static void find_functions(struct fusing *f)
{
    for (uint32_t n = 0; n < f->graph->node_count && !f->failed; n++) {
        const struct graph_node *node = &f->graph->nodes[n];
        if (is_single_tree(f->graph, node) && rows_of(f, n) > 0) {
            f->tree[node->outputs[0]] = n;
            f->leaf[node->outputs[0]] = own_leaves(f, node);
            continue;
        }
        uint32_t tree = tree_of_node(f, node);
        struct tensor *leaf = tree == GRAPH_NONE ? NULL : run_leaves(f, node, tree);
        if (leaf == NULL)
            continue;
        f->tree[node->outputs[0]] = tree;
        f->leaf[node->outputs[0]] = leaf;
        f->is_gone[n] = true;
    }
}

/* ---- what the rest of the graph wants ---- */

static void add_wanted(const struct fusing *f, uint32_t tree, uint32_t value, struct wanted *list,
                       size_t *count)
{
    if (f->tree[value] != tree)
        return;
    for (size_t i = 0; i < *count; i++) {
        if (list[i].value == value)
            return;
    }
    list[(*count)++] = (struct wanted){value, width_of(f->leaf[value])};
}

/* Values of the tree that nodes outside it, or the graph's user, read. */
static size_t list_wanted(struct fusing *f, uint32_t tree, struct wanted *list)
{
    size_t count = 0;
    for (size_t n = 0; n < f->graph->node_count; n++) {
        const struct graph_node *node = &f->graph->nodes[n];
        for (size_t i = 0; i < node->input_count && !f->is_gone[n]; i++) {
            if (node->inputs[i] != GRAPH_NONE)
                add_wanted(f, tree, node->inputs[i], list, &count);
        }
    }
    for (size_t o = 0; o < f->graph->output_count; o++)
        add_wanted(f, tree, f->graph->outputs[o], list, &count);
    return count;
}

/* Numbers a leaf can hold: finite, and whole ones exactly. */
static bool can_be_weights(const struct tensor *leaf)
{
    for (size_t i = 0; i < leaf->count; i++) {
        if (element_type_is_float(leaf->type)
                ? !isfinite(leaf->data.real[i])
                : leaf->data.integer[i] > (1 << 24) || leaf->data.integer[i] < -(1 << 24))
            return false;
    }
    return true;
}

/* ---- the tree that gives it ---- */

static bool set_integer(struct graph *graph, struct graph_node *node, const char *name,
                        int64_t value)
{
    struct graph_attribute *attribute = (struct graph_attribute *)graph_attribute(node, name);
    (void)graph;
    if (attribute != NULL)
        attribute->integer = value;
    return attribute != NULL;
}

/* Leaf weights of all wanted numbers, leaf by leaf; entries in the order of targets. */
static bool set_leaves(struct fusing *f, struct graph_node *tree, const struct wanted *list,
                       size_t count, size_t columns)
{
    struct graph *graph = f->graph;
    size_t leaves = leaves_of(tree);
    struct graph_attribute *offsets = (struct graph_attribute *)graph_attribute(tree, "leaf_offsets"),
                           *targets =
                               (struct graph_attribute *)graph_attribute(tree, "leaf_targetids"),
                           *weights =
                               (struct graph_attribute *)graph_attribute(tree, "leaf_weights");
    struct shape shape = {1, {(int64_t)(leaves * columns)}};
    int64_t *new_offsets = arena_array(graph->arena, int64_t, leaves + 1),
            *new_targets = arena_array(graph->arena, int64_t, leaves * columns);
    struct tensor *new_weights = tensor_new(graph->arena, weights->tensor->type, &shape);
    if (new_offsets == NULL || new_targets == NULL || new_weights == NULL)
        return false;
    for (size_t l = 0; l < leaves; l++) {
        size_t at = l * columns;
        for (size_t w = 0; w < count; w++) {
            const struct tensor *leaf = f->leaf[list[w].value];
            for (size_t k = 0; k < list[w].columns; k++, at++) {
                new_targets[at] = (int64_t)(at - l * columns);
                new_weights->data.real[at] = tensor_real(leaf, l * list[w].columns + k);
            }
        }
        new_offsets[l + 1] = (int64_t)at;
    }
    offsets->integers = new_offsets;
    targets->integers = new_targets;
    targets->count = leaves * columns;
    weights->tensor = new_weights;
    return set_integer(graph, tree, "n_targets", (int64_t)columns);
}

struct rebuilt {
    struct graph_node *nodes;
    size_t count;
};

static struct graph_node *append_node(struct fusing *f, struct rebuilt *list, enum op_kind op,
                                      const struct graph_node *like, uint32_t x, uint32_t second,
                                      uint32_t out)
{
    struct graph_node *node = &list->nodes[list->count++];
    uint32_t *inputs = arena_array(f->graph->arena, uint32_t, 2),
             *outputs = arena_array(f->graph->arena, uint32_t, 1);
    f->failed |= inputs == NULL || outputs == NULL;
    if (f->failed)
        return node;
    inputs[0] = x;
    inputs[1] = second;
    outputs[0] = out;
    *node = (struct graph_node){.op = op,
                                .name = like->name,
                                .opset = like->opset,
                                .inputs = inputs,
                                .input_count = second == GRAPH_NONE ? 1 : 2,
                                .outputs = outputs,
                                .output_count = 1};
    return node;
}

static uint32_t add_value(struct fusing *f, const char *name, enum element_type type,
                          struct shape shape)
{
    uint32_t v = graph_add_value(f->graph, name, VALUE_NODE, type);
    f->failed |= v == GRAPH_NONE;
    if (v != GRAPH_NONE) {
        f->graph->values[v].shape = shape;
        f->graph->values[v].shape_known = true;
    }
    return v;
}

static uint32_t add_integers(struct fusing *f, const int64_t *list, size_t count)
{
    struct shape shape = {1, {(int64_t)count}};
    struct tensor *data = tensor_new(f->graph->arena, ELEMENT_I64, &shape);
    uint32_t v = data == NULL
                     ? GRAPH_NONE
                     : graph_add_value(f->graph, "columns", VALUE_CONSTANT, ELEMENT_I64);
    f->failed |= v == GRAPH_NONE;
    if (v != GRAPH_NONE) {
        memcpy(data->data.integer, list, count * sizeof *list);
        f->graph->values[v].shape = shape;
        f->graph->values[v].shape_known = true;
        f->graph->values[v].data = data;
    }
    return v;
}

static void add_attribute(struct fusing *f, struct graph_node *node, const char *name,
                          int64_t value)
{
    struct graph_attribute *attribute = arena_array(f->graph->arena, struct graph_attribute, 1);
    f->failed |= attribute == NULL;
    if (attribute == NULL)
        return;
    *attribute = (struct graph_attribute){.name = name, .kind = ATTRIBUTE_INT, .integer = value};
    node->attributes = attribute;
    node->attribute_count = 1;
}

/* wanted = Cast(Reshape(Gather(all, its columns))), without the steps that do nothing. */
static void give(struct fusing *f, struct rebuilt *list, const struct graph_node *tree,
                 uint32_t all, size_t first, const struct wanted *wanted)
{
    struct graph_value target = f->graph->values[wanted->value], from = f->graph->values[all];
    uint32_t x = all;
    bool cut = (size_t)from.shape.dim[1] != wanted->columns, cast = from.type != target.type;
    struct shape shape = {2, {from.shape.dim[0], (int64_t)wanted->columns}};
    bool shaped = !shape_equal(&shape, &target.shape);
    if (cut) {
        int64_t *columns = take(f, wanted->columns, sizeof *columns);
        for (size_t k = 0; !f->failed && k < wanted->columns; k++)
            columns[k] = (int64_t)(first + k);
        uint32_t out = shaped || cast ? add_value(f, target.name, from.type, shape) : wanted->value;
        uint32_t index = f->failed ? GRAPH_NONE : add_integers(f, columns, wanted->columns);
        add_attribute(f, append_node(f, list, OP_GATHER, tree, x, index, out), "axis", 1);
        x = out;
    }
    if (shaped) {
        uint32_t out = cast ? add_value(f, target.name, from.type, target.shape) : wanted->value;
        append_node(f, list, OP_RESHAPE, tree, x,
                    add_integers(f, target.shape.dim, target.shape.rank), out);
        x = out;
    }
    if (cast)
        add_attribute(f, append_node(f, list, OP_CAST, tree, x, GRAPH_NONE, wanted->value), "to",
                      target.type);
}

/* Whether the tree's answer is the wanted value as it is. */
static bool is_direct(const struct fusing *f, const struct wanted *wanted, size_t count,
                      enum element_type type, const struct shape *shape)
{
    const struct graph_value *value = &f->graph->values[wanted[0].value];
    return count == 1 && value->type == type && shape_equal(&value->shape, shape);
}

/* Copies the tree and appends what gives the wanted values. */
static void fuse_tree(struct fusing *f, struct rebuilt *list, uint32_t n)
{
    struct graph_node *old = &f->graph->nodes[n];
    uint32_t own = old->outputs[0];
    struct wanted *wanted = take(f, f->graph->value_count, sizeof *wanted);
    size_t count = f->failed ? 0 : list_wanted(f, n, wanted), columns = 0;
    for (size_t w = 0; w < count; w++)
        columns += wanted[w].columns;
    struct graph_node *tree = &list->nodes[list->count++];
    *tree = *old;
    tree->attributes =
        arena_memdup(f->graph->arena, old->attributes, old->attribute_count * sizeof *tree->attributes);
    struct shape shape = {2, {rows_of(f, n), (int64_t)columns}};
    enum element_type type = f->graph->values[own].type;
    bool direct = !f->failed && is_direct(f, wanted, count, type, &shape);
    uint32_t all =
        direct ? wanted[0].value : add_value(f, f->graph->values[own].name, type, shape);
    uint32_t *outputs = arena_array(f->graph->arena, uint32_t, 1);
    f->failed |= tree->attributes == NULL || outputs == NULL ||
                 (tree->attributes != NULL && !set_leaves(f, tree, wanted, count, columns));
    if (f->failed)
        return;
    outputs[0] = all;
    tree->outputs = outputs;
    size_t first = 0;
    for (size_t w = 0; w < count && !direct; w++) {
        give(f, list, tree, all, first, &wanted[w]);
        first += wanted[w].columns;
    }
}

/* Trees that are not fused keep the nodes behind them. */
static void keep_functions(struct fusing *f, uint32_t tree)
{
    for (size_t n = 0; n < f->graph->node_count; n++) {
        const struct graph_node *node = &f->graph->nodes[n];
        if (f->is_gone[n] && f->tree[node->outputs[0]] == tree)
            f->is_gone[n] = false;
    }
    f->tree[f->graph->nodes[tree].outputs[0]] = GRAPH_NONE;
}

static bool is_fused_tree(const struct fusing *f, uint32_t n)
{
    uint32_t out = f->graph->nodes[n].outputs[0];
    return out != GRAPH_NONE && f->tree[out] == n;
}

static bool is_worth_fusing(struct fusing *f, uint32_t n)
{
    struct arena_mark mark = arena_checkpoint(&f->scratch);
    struct wanted *wanted = take(f, f->graph->value_count, sizeof *wanted);
    size_t count = f->failed ? 0 : list_wanted(f, n, wanted);
    bool fits = count > 0 && !(count == 1 && wanted[0].value == f->graph->nodes[n].outputs[0]);
    for (size_t w = 0; w < count; w++)
        fits = fits && can_be_weights(f->leaf[wanted[w].value]);
    arena_rewind(&f->scratch, mark);
    return fits;
}

static void rebuild(struct fusing *f, bool *changed)
{
    struct graph *graph = f->graph;
    size_t node_count = graph->node_count, value_count = graph->value_count;
    for (uint32_t n = 0; n < node_count && !f->failed; n++) {
        if (is_fused_tree(f, n) && !is_worth_fusing(f, n))
            keep_functions(f, n);
    }
    /* A tree is followed by at most three nodes for each value it gives. */
    struct rebuilt list = {arena_array(graph->arena, struct graph_node, 3 * value_count + node_count),
                           0};
    f->failed |= list.nodes == NULL;
    for (uint32_t n = 0; n < node_count && !f->failed; n++) {
        const struct graph_node *node = &graph->nodes[n];
        if (f->is_gone[n])
            continue;
        if (is_fused_tree(f, n))
            fuse_tree(f, &list, n);
        else
            list.nodes[list.count++] = *node;
        *changed |= is_fused_tree(f, n);
    }
    if (f->failed || !*changed)
        return;
    graph->nodes = list.nodes;
    graph->node_count = list.count;
    graph->node_capacity = 3 * value_count + node_count;
}

enum status pass_fuse_trees(struct graph *graph, bool *changed, struct diag *diag)
{
    struct fusing f = {.graph = graph};
    *changed = false;
    arena_init(&f.scratch, 0);
    f.tree = take(&f, graph->value_count, sizeof *f.tree);
    f.leaf = take(&f, graph->value_count, sizeof *f.leaf);
    f.is_gone = take(&f, graph->node_count, sizeof *f.is_gone);
    if (!f.failed) {
        memset(f.tree, 0xff, (graph->value_count + 1) * sizeof *f.tree);
        find_functions(&f);
    }
    if (!f.failed)
        rebuild(&f, changed);
    if (!f.failed)
        f.failed = !merge_trees(graph, changed);
    arena_release(&f.scratch);
    if (f.failed)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to fuse trees");
    for (uint32_t n = 0; n < graph->node_count; n++) {
        for (size_t k = 0; k < graph->nodes[n].output_count; k++) {
            if (graph->nodes[n].outputs[k] != GRAPH_NONE)
                graph->values[graph->nodes[n].outputs[k]].producer = n;
        }
    }
    return STATUS_OK;
}
