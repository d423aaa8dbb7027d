/* See find_encodings.h. */
#include "passes/find_encodings.h"

#include <string.h>

#include "ir/ops.h"

/* ---- moves ---- */

bool moves_floats(const struct graph *graph, const struct graph_node *node)
{
    if (node->op == OP_CAST)
        return element_type_is_float(graph->values[node->inputs[0]].type) &&
               element_type_is_float(graph->values[node->outputs[0]].type);
    return (op_info(node->op)->traits & TRAIT_MOVEMENT) != 0 && node->op != OP_PAD;
}

/* Operands of a moving node whose elements it moves. */
static size_t moved_operands(const struct graph_node *node)
{
    return node->op == OP_CONCAT ? node->input_count : 1;
}

bool moves_constantly(const struct graph *graph, const struct graph_node *node)
{
    for (size_t i = moved_operands(node); i < node->input_count; i++) {
        if (node->inputs[i] != GRAPH_NONE && graph->values[node->inputs[i]].data == NULL)
            return false;
    }
    return true;
}

static bool is_cast(enum op_kind op)
{
    return op == OP_CAST || op == OP_CAST_LIKE;
}

static bool is_comparison(enum op_kind op)
{
    return op == OP_EQUAL || op == OP_LESS || op == OP_LESS_OR_EQUAL || op == OP_GREATER ||
           op == OP_GREATER_OR_EQUAL;
}

static bool is_move(const struct graph *graph, const struct graph_node *node)
{
    return !is_cast(node->op) && moves_floats(graph, node) && moves_constantly(graph, node);
}

static bool is_float(const struct graph *graph, uint32_t value)
{
    return value != GRAPH_NONE && element_type_is_float(graph->values[value].type);
}

static bool is_stored(const struct graph *graph, uint32_t value)
{
    return graph->values[value].data != NULL;
}

/* ---- values carried in one form ---- */

/* What a node may do with float operands that are carried in some other form than fixed point. */
enum carry_role {
    CARRY_NOT,
    CARRY_MOVES, /* operands and results are carried together */
    CARRY_CASTS, /* the same, and the operand is a float */
    CARRY_READS, /* results are not carried so */
    CARRY_ENDS   /* operands and results may be carried so, each for itself */
};

/* One form, and which values are carried in it. */
struct carrier {
    const struct graph *graph;
    enum carry_role (*role_of)(const struct graph *graph, const struct graph_node *node);
    bool (*asks)(const struct graph *graph, const struct graph_node *node);
    bool *is_carried; /* [value_count] */
    bool *wanted;     /* [value_count] */
};

/* Whether operand i of a node holds elements that its role is about. */
static bool is_subject(const struct graph_node *node, size_t i)
{
    if (node->op == OP_WHERE)
        return i > 0;
    return is_comparison(node->op) || i < moved_operands(node);
}

/* Value i among operands and results; GRAPH_NONE for what is absent or counts for its type only. */
static uint32_t value_of(const struct graph_node *node, size_t i)
{
    if (i == 1 && node->op == OP_CAST_LIKE)
        return GRAPH_NONE;
    return i < node->input_count ? node->inputs[i] : node->outputs[i - node->input_count];
}

static bool node_can_carry(const struct carrier *c, const struct graph_node *node,
                           enum carry_role role)
{
    if (role == CARRY_NOT || (role == CARRY_CASTS && !is_float(c->graph, node->inputs[0])))
        return false;
    for (size_t i = 0; i < node->input_count + node->output_count; i++) {
        uint32_t v = value_of(node, i);
        bool is_input = i < node->input_count;
        if (!is_float(c->graph, v) || role == CARRY_ENDS || (!is_input && role == CARRY_READS))
            continue;
        if ((is_input && !is_subject(node, i)) ||
            (!c->is_carried[v] && !(is_input && is_stored(c->graph, v))))
            return false;
    }
    return true;
}

/* Strikes out what a node cannot handle. Returns whether something changed. */
static bool strike_node(const struct carrier *c, const struct graph_node *node)
{
    enum carry_role role = c->role_of(c->graph, node);
    bool can = node_can_carry(c, node, role), changed = false;
    for (size_t i = 0; i < node->input_count + node->output_count; i++) {
        uint32_t v = value_of(node, i);
        bool stays = can && (i < node->input_count || role != CARRY_READS);
        if (v == GRAPH_NONE || stays || !c->is_carried[v])
            continue;
        c->is_carried[v] = false;
        changed = true;
    }
    return changed;
}

/* Spreads `wanted` over the values of one node. Returns whether something changed. */
static bool spread_node(const struct carrier *c, const struct graph_node *node)
{
    bool any = c->asks(c->graph, node), changed = false;
    bool joins = any || c->role_of(c->graph, node) != CARRY_ENDS;
    for (int round = 0; round < 2 && joins; round++) {
        for (size_t i = 0; i < node->input_count + node->output_count; i++) {
            uint32_t v = value_of(node, i);
            if (v == GRAPH_NONE || !c->is_carried[v])
                continue;
            if (round == 0) {
                any |= c->wanted[v];
            } else if (any && !c->wanted[v]) {
                c->wanted[v] = true;
                changed = true;
            }
        }
    }
    return changed;
}

/*
 * A value is carried in a form when every node that makes or uses it can work with it, and some
 * operator among those it is joined with asks for it. Starts from all floats that are computed or
 * given at run time and strikes out until nothing changes.
 */
static void find_carried(const struct carrier *c)
{
    const struct graph *graph = c->graph;
    for (size_t v = 0; v < graph->value_count; v++)
        c->is_carried[v] = is_float(graph, (uint32_t)v) && !is_stored(graph, (uint32_t)v);
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t n = 0; n < graph->node_count; n++)
            changed |= strike_node(c, &graph->nodes[n]);
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t n = 0; n < graph->node_count; n++)
            changed |= spread_node(c, &graph->nodes[n]);
    }
    for (size_t v = 0; v < graph->value_count; v++)
        c->is_carried[v] &= c->wanted[v];
}

/* ---- float keys ---- */

static enum carry_role key_role(const struct graph *graph, const struct graph_node *node)
{
    if (node->op == OP_TREE_ENSEMBLE || node->op == OP_IS_NAN || node->op == OP_IS_INF ||
        is_comparison(node->op))
        return CARRY_READS;
    if (is_cast(node->op))
        return is_float(graph, node->outputs[0]) ? CARRY_CASTS : CARRY_READS;
    return node->op == OP_WHERE || is_move(graph, node) ? CARRY_MOVES : CARRY_NOT;
}

/* The operators for which exact floats matter: trees, NaN and infinity tests, casts between floats.
 */
static bool asks_for_keys(const struct graph *graph, const struct graph_node *node)
{
    return node->op == OP_TREE_ENSEMBLE || node->op == OP_IS_NAN || node->op == OP_IS_INF ||
           (is_cast(node->op) && is_float(graph, node->outputs[0]) &&
            is_float(graph, node->inputs[0]));
}

/* ---- IEEE patterns ---- */

static enum carry_role pattern_role(const struct graph *graph, const struct graph_node *node)
{
    return node->op == OP_BIT_CAST ? CARRY_ENDS : is_move(graph, node) ? CARRY_MOVES : CARRY_NOT;
}

static bool asks_for_patterns(const struct graph *graph, const struct graph_node *node)
{
    (void)graph;
    return node->op == OP_BIT_CAST;
}

/* ---- bits of keys ---- */

struct bits {
    const struct graph *graph;
    struct value_plan *values;
};

static uint8_t natural_bits(enum element_type type)
{
    return type == ELEMENT_F64 ? 64 : 32;
}

/* Whether every value of a type is one of another type. */
static bool is_widening(enum element_type from, enum element_type to)
{
    return from == to || to == ELEMENT_F64 || (to == ELEMENT_F32 && from != ELEMENT_F64);
}

/*
 * The bits that one use of v asks for; 0: any. A value that only becomes float32 is rounded where
 * it enters, and one that only becomes float64 is widened there.
 */
static uint8_t asked_bits(const struct bits *k, const struct graph_node *node, uint32_t v)
{
    enum element_type type = k->graph->values[v].type;
    uint8_t bits = 0;
    if (node->op == OP_TREE_ENSEMBLE) {
        const struct graph_attribute *splits = graph_attribute(node, "nodes_splits");
        bool is_double =
            splits != NULL && splits->tensor != NULL && splits->tensor->type == ELEMENT_F64;
        return is_double && type == ELEMENT_F64 ? 64 : 32;
    }
    if (key_role(k->graph, node) == CARRY_READS)
        return natural_bits(type);
    for (size_t o = 0; o < node->output_count; o++) {
        if (node->outputs[o] == GRAPH_NONE)
            continue;
        enum element_type to = k->graph->values[node->outputs[o]].type;
        uint8_t own = k->values[node->outputs[o]].key_bits;
        if (key_role(k->graph, node) == CARRY_CASTS && !is_widening(type, to) && to != ELEMENT_F32)
            own = natural_bits(type);
        bits = bits != 0 && bits != own ? natural_bits(type) : own;
    }
    return bits;
}

/* Whether v comes from inputs by moves and casts that lose nothing, so that its bits are free. */
static bool is_free(const struct bits *k, uint32_t v, const bool *free_values)
{
    const struct graph_value *value = &k->graph->values[v];
    if (value->kind != VALUE_NODE)
        return value->kind == VALUE_INPUT;
    const struct graph_node *node = &k->graph->nodes[value->producer];
    enum carry_role role = key_role(k->graph, node);
    if (role != CARRY_CASTS && !is_move(k->graph, node))
        return false;
    if (role == CARRY_CASTS && !is_widening(k->graph->values[node->inputs[0]].type, value->type))
        return false;
    for (size_t i = 0; i < moved_operands(node); i++)
        if (!is_stored(k->graph, node->inputs[i]) && !free_values[node->inputs[i]])
            return false;
    return true;
}

/* From the last node to the first: all uses of a value that agree give its bits. */
static void find_bits(const struct bits *k, bool *free_values)
{
    const struct graph *graph = k->graph;
    for (size_t i = 0; i < graph->input_count; i++)
        free_values[graph->inputs[i]] = true;
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t o = 0; o < graph->nodes[n].output_count; o++)
            if (graph->nodes[n].outputs[o] != GRAPH_NONE)
                free_values[graph->nodes[n].outputs[o]] =
                    is_free(k, graph->nodes[n].outputs[o], free_values);
    for (size_t v = 0; v < graph->value_count; v++)
        k->values[v].key_bits = 0;
    for (size_t o = 0; o < graph->output_count; o++)
        k->values[graph->outputs[o]].key_bits = natural_bits(graph->values[graph->outputs[o]].type);
    for (size_t n = graph->node_count + 1; n-- > 0;) {
        /* Results of node n - 1 have all their uses behind them; inputs come last. */
        const struct graph_node *node = n > 0 ? &graph->nodes[n - 1] : NULL;
        const uint32_t *done = n > 0 ? node->outputs : graph->inputs;
        size_t done_count = n > 0 ? node->output_count : graph->input_count;
        for (size_t o = 0; o < done_count; o++) {
            struct value_plan *plan = done[o] == GRAPH_NONE ? NULL : &k->values[done[o]];
            if (plan == NULL || !plan->is_key)
                continue;
            uint8_t own = natural_bits(graph->values[done[o]].type);
            if (plan->key_bits == 0 || plan->key_bits == 255 || !free_values[done[o]])
                plan->key_bits = own;
        }
        for (size_t i = 0; node != NULL && i < node->input_count; i++) {
            uint32_t v = node->inputs[i];
            if (v == GRAPH_NONE || !k->values[v].is_key || !is_subject(node, i))
                continue;
            uint8_t asked = asked_bits(k, node, v), *bits = &k->values[v].key_bits;
            if (asked != 0)
                *bits = *bits == 0 || *bits == asked ? asked : 255;
        }
    }
}

/* ---- missing values ---- */

/*
 * NaN reaches IsNaN by moves from a float input: such values hold it as one reserved integer. All
 * inputs of this kind share their range and fraction, so that the integer is the same wherever
 * elements are put together.
 */
static void find_missing(const struct graph *graph, struct value_plan *values)
{
    for (size_t n = graph->node_count; n-- > 0;) {
        const struct graph_node *node = &graph->nodes[n];
        bool asks = node->op == OP_IS_NAN;
        for (size_t k = 0;
             k < node->output_count && moves_floats(graph, node) && moves_constantly(graph, node);
             k++)
            asks |= node->outputs[k] != GRAPH_NONE && values[node->outputs[k]].takes_nan;
        for (size_t i = 0; asks && i < (node->op == OP_IS_NAN ? 1 : moved_operands(node)); i++)
            values[node->inputs[i]].takes_nan = !values[node->inputs[i]].is_key &&
                                                !values[node->inputs[i]].is_bits &&
                                                graph->values[node->inputs[i]].data == NULL;
    }
    /* Only what comes from inputs alone. */
    for (size_t v = 0; v < graph->value_count; v++) {
        if (graph->values[v].kind != VALUE_INPUT && graph->values[v].kind != VALUE_NODE)
            values[v].takes_nan = false;
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        bool carries = moves_floats(graph, node) && moves_constantly(graph, node);
        for (size_t i = 0; carries && i < moved_operands(node); i++)
            carries = values[node->inputs[i]].takes_nan;
        for (size_t k = 0; k < node->output_count && !carries; k++) {
            if (node->outputs[k] != GRAPH_NONE)
                values[node->outputs[k]].takes_nan = false;
        }
    }
}

/* Operators through which NaN goes on, or where it begins: log, roots and powers of negatives, 0 /
 * 0. */
static bool passes_nan(const struct graph *graph, const struct graph_node *node)
{
    switch (node->op) {
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_NEG:
    case OP_SUM:
    case OP_POW:
    case OP_LOG:
    case OP_SQRT:
        return true;
    default:
        return node->op == OP_CAST && moves_floats(graph, node);
    }
}

static bool may_trace(const struct graph *graph, uint32_t v)
{
    const struct graph_value *value = &graph->values[v];
    return value->kind == VALUE_NODE && element_type_is_float(value->type) &&
           passes_nan(graph, &graph->nodes[value->producer]);
}

/* Values on the way from where NaN may begin to an IsNaN, or to an output that had it. */
static void find_traces(const struct graph *graph, struct value_plan *values)
{
    for (size_t o = 0; o < graph->output_count; o++) {
        struct value_plan *plan = &values[graph->outputs[o]];
        plan->traces_nan = plan->saw_nan && !plan->is_key && !plan->is_bits && !plan->takes_mask &&
                           !plan->takes_nan && may_trace(graph, graph->outputs[o]);
    }
    for (size_t n = graph->node_count; n-- > 0;) {
        const struct graph_node *node = &graph->nodes[n];
        bool asks = node->op == OP_IS_NAN ||
                    (passes_nan(graph, node) && values[node->outputs[0]].traces_nan);
        for (size_t i = 0; asks && i < node->input_count; i++)
            values[node->inputs[i]].traces_nan = may_trace(graph, node->inputs[i]);
    }
}

/* ---- signs ---- */

/* Whether a node may ask of its operand i on which side of 0 it lies. What it is compared with is
 * private, as a rule: it may be 0. */
static bool tests_sign(const struct graph *graph, const struct graph_node *node, size_t i)
{
    if (!is_float(graph, node->inputs[i]))
        return false;
    if (is_cast(node->op))
        return i == 0 && graph->values[node->outputs[0]].type == ELEMENT_BOOL;
    if (is_comparison(node->op))
        return is_stored(graph, node->inputs[1 - i]);
    return node->op == OP_SIGN || node->op == OP_NON_ZERO;
}

/* Whether results are above, at or below 0 where the operands they are made of are. */
static bool carries_signs(const struct graph *graph, const struct graph_node *node)
{
    if (node->op == OP_CAST)
        return moves_floats(graph, node) && is_widening(graph->values[node->inputs[0]].type,
                                                        graph->values[node->outputs[0]].type);
    return node->op == OP_NEG || is_move(graph, node);
}

/*
 * Inputs whose signs are asked for, and what is moved from them: from the tests back to the inputs,
 * then forward again over what comes from such inputs alone.
 */
static void find_signs(const struct graph *graph, struct value_plan *values)
{
    for (size_t n = graph->node_count; n-- > 0;) {
        const struct graph_node *node = &graph->nodes[n];
        bool carries = node->output_count > 0 && carries_signs(graph, node), asked = false;
        for (size_t k = 0; k < node->output_count && carries; k++)
            asked |= node->outputs[k] != GRAPH_NONE && values[node->outputs[k]].keeps_sign;
        for (size_t i = 0; i < node->input_count; i++) {
            if (node->inputs[i] != GRAPH_NONE &&
                (tests_sign(graph, node, i) || (asked && i < moved_operands(node))))
                values[node->inputs[i]].keeps_sign = true;
        }
    }
    for (size_t v = 0; v < graph->value_count; v++) {
        struct value_plan *plan = &values[v];
        enum graph_value_kind kind = graph->values[v].kind;
        plan->keeps_sign &= (kind == VALUE_INPUT || kind == VALUE_NODE) && !plan->is_key &&
                            !plan->is_bits && !plan->takes_nan && !plan->takes_mask;
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        bool carries = carries_signs(graph, node);
        for (size_t i = 0; carries && i < moved_operands(node); i++)
            carries = values[node->inputs[i]].keeps_sign;
        for (size_t k = 0; k < node->output_count; k++) {
            if (node->outputs[k] != GRAPH_NONE)
                values[node->outputs[k]].keeps_sign &= carries;
        }
    }
}

enum status find_encodings(const struct graph *graph, struct value_plan *values,
                           struct arena *scratch, struct diag *diag)
{
    size_t count = graph->value_count;
    bool *flags = arena_array(scratch, bool, 5 * count + 1);
    if (flags == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to choose encodings");
    struct carrier patterns = {graph, pattern_role, asks_for_patterns, flags, flags + count},
                   keys = {graph, key_role, asks_for_keys, flags + 2 * count, flags + 3 * count};
    find_carried(&patterns);
    find_carried(&keys);
    for (size_t v = 0; v < count; v++) {
        values[v].is_bits = patterns.is_carried[v];
        values[v].is_key = keys.is_carried[v];
        ASSERT(!values[v].is_bits || !values[v].is_key);
    }
    find_bits(&(struct bits){graph, values}, flags + 4 * count);
    find_missing(graph, values);
    find_traces(graph, values);
    find_signs(graph, values);
    return STATUS_OK;
}
