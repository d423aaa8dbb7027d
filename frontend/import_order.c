/*
 * Which nodes the outputs need, and an order in which each comes after what it reads. Files are
 * mostly sorted, then their order is kept; else the nodes are sorted by depth-first search. Dead
 * nodes are dropped, so an operator nobody can run does no harm there.
 */
#include <string.h>

#include "frontend/import_node.h"

/* Names read by a node, those of its bodies included. */
struct name_list {
    struct arena *arena;
    const char **name;
    size_t count, capacity;
    bool failed;
};

static void list_add(struct name_list *list, const char *name)
{
    if (name == NULL || name[0] == 0)
        return;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
        const char **grown = arena_array(list->arena, const char *, capacity);
        if (grown == NULL) {
            list->failed = true;
            return;
        }
        if (list->count != 0)
            memcpy(grown, list->name, list->count * sizeof *grown);
        list->name = grown;
        list->capacity = capacity;
    }
    list->name[list->count++] = name;
}

/* Names that a body defines itself. */
struct local_names {
    const struct local_names *outer;
    struct names names;
};

static bool is_local(const struct local_names *local, const char *name)
{
    for (; local != NULL; local = local->outer)
        if (names_find(&local->names, name) != NAME_NONE)
            return true;
    return false;
}

static void add_local(struct name_list *list, struct local_names *local, const char *name)
{
    if (name != NULL && names_add(&local->names, name) == NAME_NONE)
        list->failed = true;
}

static void collect_node(struct name_list *list, const struct local_names *local,
                         const Onnx__Node *node);

/* Adds the names a body reads from outside. */
static void collect_body(struct name_list *list, const struct local_names *outer,
                         const Onnx__Graph *body)
{
    struct local_names local = {.outer = outer};
    names_init(&local.names, list->arena);
    for (size_t i = 0; i < body->n_input; i++)
        add_local(list, &local, body->input[i]->name);
    for (size_t i = 0; i < body->n_initializer; i++)
        add_local(list, &local, body->initializer[i]->name);
    for (size_t i = 0; i < body->n_node; i++)
        for (size_t k = 0; k < body->node[i]->n_output; k++)
            add_local(list, &local, body->node[i]->output[k]);
    for (size_t i = 0; i < body->n_node; i++)
        collect_node(list, &local, body->node[i]);
    for (size_t i = 0; i < body->n_output; i++)
        if (body->output[i]->name != NULL && !is_local(&local, body->output[i]->name))
            list_add(list, body->output[i]->name);
}

/* Gradient names the tensors it is about in attributes: xs, zs, y. */
static void collect_tensor_names(struct name_list *list, const struct local_names *local,
                                 const Onnx__Attribute *attribute)
{
    for (size_t i = 0; i <= attribute->n_strings; i++) {
        const ProtobufCBinaryData *text = i < attribute->n_strings ? &attribute->strings[i]
                                          : attribute->has_s       ? &attribute->s
                                                                   : NULL;
        char *name =
            text == NULL ? NULL : arena_strndup(list->arena, (const char *)text->data, text->len);
        list->failed = list->failed || (text != NULL && name == NULL);
        if (name != NULL && !is_local(local, name))
            list_add(list, name);
    }
}

static void collect_node(struct name_list *list, const struct local_names *local,
                         const Onnx__Node *node)
{
    for (size_t i = 0; i < node->n_input; i++)
        if (!is_local(local, node->input[i]))
            list_add(list, node->input[i]);
    bool is_gradient = node->op_type != NULL && strcmp(node->op_type, "Gradient") == 0;
    for (size_t i = 0; i < node->n_attribute; i++) {
        if (is_gradient)
            collect_tensor_names(list, local, node->attribute[i]);
        if (node->attribute[i]->g != NULL)
            collect_body(list, local, node->attribute[i]->g);
        for (size_t k = 0; k < node->attribute[i]->n_graphs; k++)
            collect_body(list, local, node->attribute[i]->graphs[k]);
    }
}

enum visit_state { NOT_VISITED, ON_THE_WAY, VISITED };

struct visit {
    size_t node;
    struct name_list reads;
    size_t next;
};

struct order {
    struct importer *importer;
    struct import_scope *scope;
    struct arena scratch;
    Onnx__Node *const *nodes;
    size_t node_count;
    struct names outputs;
    size_t *producer; /* [outputs.count] */
    uint8_t *state;   /* [node_count] */
    struct visit *stack;
    size_t depth;
    size_t *post_order;
    size_t done;
    bool is_sorted, failed; /* failed: memory is out */
};

static const char *plain_name(const Onnx__Node *node)
{
    return node->name == NULL || node->name[0] == 0 ? "without a name" : node->name;
}

static const char *plain_op(const Onnx__Node *node)
{
    return node->op_type == NULL ? "" : node->op_type;
}

static bool order_init(struct order *order)
{
    size_t output_count = 0;
    for (size_t i = 0; i < order->node_count; i++)
        output_count += order->nodes[i]->n_output;
    names_init(&order->outputs, &order->scratch);
    order->producer = arena_array(&order->scratch, size_t, output_count);
    order->state = arena_array(&order->scratch, uint8_t, order->node_count);
    order->stack = arena_array(&order->scratch, struct visit, order->node_count + 1);
    order->post_order = arena_array(&order->scratch, size_t, order->node_count);
    order->is_sorted = true;
    if (order->producer == NULL || order->state == NULL || order->stack == NULL ||
        order->post_order == NULL)
        return false;
    for (size_t i = 0; i < order->node_count; i++) {
        const Onnx__Node *node = order->nodes[i];
        for (size_t k = 0; k < node->n_output; k++) {
            uint32_t before = order->outputs.count;
            if (node->output[k][0] == 0)
                continue;
            uint32_t number = names_add(&order->outputs, node->output[k]);
            if (number == NAME_NONE)
                return false;
            if (order->outputs.count != before) {
                order->producer[number] = i;
                continue;
            }
            const Onnx__Node *other = order->nodes[order->producer[number]];
            import_problem(order->importer, STATUS_BAD_INPUT,
                           "node '%s' (%s): its output '%s' is the output of node '%s' (%s) too; "
                           "give one of them another name",
                           plain_name(node), plain_op(node), node->output[k], plain_name(other),
                           plain_op(other));
            /* Which of them its readers mean is unknown. */
            scope_break(order->importer, order->scope, node->output[k]);
        }
    }
    return true;
}

static void push(struct order *order, size_t node)
{
    struct visit *visit = &order->stack[order->depth++];
    *visit = (struct visit){.node = node, .reads = {.arena = &order->scratch}};
    collect_node(&visit->reads, NULL, order->nodes[node]);
    order->failed |= visit->reads.failed;
    order->state[node] = ON_THE_WAY;
}

/* Visits what a name needs, without recursion: chains of a million nodes occur. */
static void visit_name(struct order *order, const char *wanted)
{
    uint32_t number = names_find(&order->outputs, wanted);
    if (number == NAME_NONE || order->state[order->producer[number]] != NOT_VISITED)
        return;
    push(order, order->producer[number]);
    while (order->depth > 0 && !order->failed) {
        struct visit *top = &order->stack[order->depth - 1];
        if (top->next == top->reads.count) {
            order->state[top->node] = VISITED;
            order->post_order[order->done++] = top->node;
            order->depth--;
            continue;
        }
        const char *name = top->reads.name[top->next++];
        uint32_t read = names_find(&order->outputs, name);
        if (read == NAME_NONE)
            continue;
        size_t producer = order->producer[read];
        if (producer >= top->node)
            order->is_sorted = false;
        if (order->state[producer] == ON_THE_WAY) {
            const Onnx__Node *node = order->nodes[producer];
            import_problem(order->importer, STATUS_BAD_INPUT,
                           "node '%s' (%s): the graph has a cycle: its output '%s' depends on "
                           "itself; take the cycle out, or make it a Loop",
                           plain_name(node), plain_op(node), name);
            /* Whoever reads it hangs on the problem; the rest of the graph has an order. */
            scope_break(order->importer, order->scope, name);
        } else if (order->state[producer] == NOT_VISITED) {
            push(order, producer);
        }
    }
}

void import_nodes(struct importer *importer, struct import_scope *scope, Onnx__Node *const *nodes,
                  size_t node_count, const char *const *wanted, size_t wanted_count)
{
    struct order order = {
        .importer = importer, .scope = scope, .nodes = nodes, .node_count = node_count};
    arena_init(&order.scratch, importer->arena->limit_bytes);
    if (!order_init(&order))
        importer->fatal = STATUS_NO_MEMORY;
    for (size_t i = 0; i < wanted_count && !order.failed && importer->fatal == STATUS_OK; i++)
        visit_name(&order, wanted[i]);
    if (order.failed)
        importer->fatal = STATUS_NO_MEMORY;
    size_t count = order.is_sorted ? node_count : order.done;
    for (size_t i = 0; i < count && importer->fatal == STATUS_OK; i++) {
        size_t index = order.is_sorted ? i : order.post_order[i];
        if (order.state[index] == VISITED)
            import_one_node(importer, scope, nodes[index], index);
    }
    arena_release(&order.scratch);
}
