/*
 * Brings the bodies of If, Loop and Scan (ONNX If-25, Loop-25, Scan-25) into the graph that
 * fold_constants builds. A body is copied once for each run of it, with its inputs mapped to what
 * they stand for. See fold_constants.h for what is decided when.
 */
#include "ir/graph.h"
#include "passes/fold_walk.h"

#include <inttypes.h>
#include <string.h>

/* A body that is being copied again and again. */
struct body_runs {
    const struct graph_node *node;
    struct fold_scope *outer;
    const struct graph *body;
    uint32_t *map;
    int64_t turn;
    uint64_t place; /* 0: run once */
};

static bool begin_runs(struct fold_walk *walk, struct fold_scope *outer,
                       const struct graph_node *node, const char *attribute, struct body_runs *runs)
{
    const struct graph_attribute *body = graph_attribute(node, attribute);
    if (body == NULL || body->kind != ATTRIBUTE_GRAPH || body->graph == NULL)
        return fold_report(walk, STATUS_BAD_INPUT, "node %s (%s, opset %d): it has no %s",
                           node->name, op_name(node->op), node->opset, attribute);
    *runs = (struct body_runs){.node = node, .outer = outer, .body = body->graph};
    if (node->op != OP_IF || walk->place != 0)
        runs->place = fold_body_place(walk, (unsigned char)attribute[0]);
    runs->map = arena_array(walk->scratch, uint32_t, body->graph->value_count);
    return runs->map != NULL || fold_no_memory(walk);
}

/* Runs the body once: in [body inputs] and out [body outputs] are indices of the new graph. */
static void run_body(struct fold_walk *walk, struct body_runs *runs, const uint32_t *in,
                     uint32_t *out)
{
    const struct graph *body = runs->body;
    const char *suffix = runs->outer->suffix;
    if (runs->node->op != OP_IF) {
        suffix = arena_printf(walk->next->arena, "%s.%" PRId64, suffix, runs->turn++);
        if (suffix == NULL) {
            fold_no_memory(walk);
            suffix = "";
        }
    }
    struct fold_scope scope = {body, runs->map, runs->outer, suffix};
    for (size_t v = 0; v < body->value_count; v++)
        runs->map[v] = VALUE_UNSEEN;
    for (size_t i = 0; i < body->input_count; i++)
        runs->map[body->inputs[i]] = in[i];
    const uint64_t around = walk->place;
    walk->place = runs->place;
    fold_nodes(walk, &scope);
    walk->place = around;
    for (size_t i = 0; i < body->output_count; i++)
        out[i] =
            walk->fatal == STATUS_OK ? fold_resolve(walk, &scope, body->outputs[i]) : VALUE_BROKEN;
}

/* A required operand of a node with a body; a problem when it is left out. */
static uint32_t operand(struct fold_walk *walk, struct fold_scope *scope,
                        const struct graph_node *node, size_t i)
{
    if (node->inputs[i] != GRAPH_NONE)
        return fold_resolve(walk, scope, node->inputs[i]);
    fold_report(walk, STATUS_BAD_INPUT, "node %s (%s, opset %d): operand %zu is missing",
                node->name, op_name(node->op), node->opset, i);
    return VALUE_BROKEN;
}

static void set_output(struct fold_scope *scope, const struct graph_node *node, size_t i,
                       uint32_t value)
{
    if (i < node->output_count && node->outputs[i] != GRAPH_NONE)
        scope->map[node->outputs[i]] = value;
}

static void break_outputs(struct fold_scope *scope, const struct graph_node *node)
{
    for (size_t i = 0; i < node->output_count; i++)
        set_output(scope, node, i, VALUE_BROKEN);
}

/* A condition as a scalar: ONNX admits any shape of one element. */
static uint32_t scalar_condition(struct fold_walk *walk, const struct graph_node *node,
                                 uint32_t condition)
{
    const struct graph_value *value = &walk->next->values[condition];
    if (value->shape.rank == 0)
        return condition;
    return fold_add(walk, node, "condition", OP_SQUEEZE, &condition, 1, NULL, 0);
}

/* condition ? yes : no, when both agree in type and shape. */
static uint32_t choose(struct fold_walk *walk, const struct graph_node *node, uint32_t condition,
                       uint32_t yes, uint32_t no)
{
    if (condition == VALUE_BROKEN || yes == VALUE_BROKEN || no == VALUE_BROKEN)
        return VALUE_BROKEN;
    if (yes == no)
        return yes;
    const struct graph_value *a = &walk->next->values[yes], *b = &walk->next->values[no];
    if (a->type != b->type || !shape_equal(&a->shape, &b->shape)) {
        fold_report(
            walk, STATUS_UNSUPPORTED,
            "node %s (%s, opset %d): its condition depends on the input data or on a "
            "parameter, and the type or shape of its result depends on the condition; give "
            "both branches one type and shape, or fix the input that decides it with --bind",
            node->name, op_name(node->op), node->opset);
        return VALUE_BROKEN;
    }
    return fold_add(walk, node, "choice", OP_WHERE, (uint32_t[]){condition, yes, no}, 3, NULL, 0);
}

/* --- If
 * -------------------------------------------------------------------------------------------- */

/* The outputs of one branch, in the scratch arena; NULL when it cannot be run. */
static uint32_t *run_branch(struct fold_walk *walk, struct fold_scope *scope,
                            const struct graph_node *node, const char *attribute)
{
    struct body_runs runs;
    if (!begin_runs(walk, scope, node, attribute, &runs))
        return NULL;
    if (runs.body->output_count != node->output_count || runs.body->input_count != 0) {
        fold_report(walk, STATUS_BAD_INPUT,
                    "node %s (If, opset %d): %s has %zu outputs, the node has %zu", node->name,
                    node->opset, attribute, runs.body->output_count, node->output_count);
        return NULL;
    }
    uint32_t *out = arena_array(walk->scratch, uint32_t, node->output_count);
    if (out == NULL)
        fold_no_memory(walk);
    else
        run_body(walk, &runs, NULL, out);
    return out;
}

void fold_if(struct fold_walk *walk, struct fold_scope *scope, const struct graph_node *node)
{
    uint32_t condition = operand(walk, scope, node, 0);
    break_outputs(scope, node);
    if (condition == VALUE_BROKEN)
        return;
    int64_t known;
    if (fold_known_integer(walk, condition, &known)) {
        uint32_t *out = run_branch(walk, scope, node, known != 0 ? "then_branch" : "else_branch");
        for (size_t i = 0; out != NULL && i < node->output_count; i++)
            set_output(scope, node, i, out[i]);
        return;
    }
    condition = scalar_condition(walk, node, condition);
    uint32_t *yes = run_branch(walk, scope, node, "then_branch");
    uint32_t *no = yes == NULL ? NULL : run_branch(walk, scope, node, "else_branch");
    for (size_t i = 0; no != NULL && i < node->output_count; i++)
        if (node->outputs[i] != GRAPH_NONE)
            set_output(scope, node, i, choose(walk, node, condition, yes[i], no[i]));
}

/* --- scan outputs of Loop and Scan
 * -------------------------------------------------------------------- */

/* What the runs of a body gave for one scan output. */
struct gathered {
    uint32_t *turn;
    size_t count, capacity;
};

static bool gather_turn(struct fold_walk *walk, struct gathered *gathered, uint32_t value)
{
    if (gathered->count == gathered->capacity) {
        size_t capacity = gathered->capacity == 0 ? 16 : 2 * gathered->capacity;
        uint32_t *grown = arena_array(walk->scratch, uint32_t, capacity);
        if (grown == NULL)
            return fold_no_memory(walk);
        if (gathered->count > 0)
            memcpy(grown, gathered->turn, gathered->count * sizeof *grown);
        gathered->turn = grown;
        gathered->capacity = capacity;
    }
    gathered->turn[gathered->count++] = value;
    return true;
}

/* Returns whether anything in a graph, its bodies included, reads a value. */
static bool is_used(const struct graph *graph, uint32_t value)
{
    for (size_t i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value)
            return true;
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        for (size_t i = 0; i < node->input_count; i++)
            if (node->inputs[i] == value)
                return true;
        for (size_t i = 0; i < node->attribute_count; i++) {
            const struct graph *body = node->attributes[i].graph;
            for (size_t v = 0; body != NULL && v < body->value_count; v++)
                if (body->outer_values[v] == value)
                    return true;
        }
    }
    return false;
}

/* Stacks turns, of which there are some, along a new axis, backwards when asked to. */
static uint32_t stack(struct fold_walk *walk, const struct graph_node *node,
                      const struct gathered *gathered, int64_t axis, bool backwards)
{
    uint32_t *slice = arena_array(walk->scratch, uint32_t, gathered->count);
    uint32_t axes = fold_integer(walk, axis, false);
    if (slice == NULL || axes == VALUE_BROKEN) {
        fold_no_memory(walk);
        return VALUE_BROKEN;
    }
    for (size_t t = 0; t < gathered->count; t++) {
        uint32_t value = gathered->turn[backwards ? gathered->count - 1 - t : t];
        slice[t] = value == VALUE_BROKEN ? VALUE_BROKEN
                                         : fold_add(walk, node, "slice", OP_UNSQUEEZE,
                                                    (uint32_t[]){value, axes}, 2, NULL, 0);
    }
    struct graph_attribute attribute = {.name = "axis", .kind = ATTRIBUTE_INT, .integer = axis};
    return fold_add(walk, node, "stack", OP_CONCAT, slice, gathered->count, &attribute, 1);
}

/* Stacks the turns of output `which` along a new axis, backwards when asked to. */
static uint32_t stack_turns(struct fold_walk *walk, const struct fold_scope *scope,
                            const struct graph_node *node, size_t which,
                            const struct gathered *gathered, int64_t axis, bool backwards)
{
    if (gathered->count == 0) {
        if (!is_used(scope->graph, node->outputs[which]))
            return VALUE_BROKEN;
        fold_report(
            walk, STATUS_UNSUPPORTED,
            "node %s (%s, opset %d): the body never runs, so the shape of its output is open",
            node->name, op_name(node->op), node->opset);
        return VALUE_BROKEN;
    }
    return stack(walk, node, gathered, axis, backwards);
}

/* --- Loop
 * ------------------------------------------------------------------------------------------------
 */

struct loop {
    size_t carried, scans;
    uint32_t *in;  /* body inputs: iteration, condition, carried */
    uint32_t *out; /* body outputs: condition, carried, scans */
    struct gathered *scan;
    uint32_t running; /* a computed condition under which this turn counts, or VALUE_UNSEEN */
    /* With room for a number of turns that depends on elements: */
    bool has_room;
    int64_t room;
    uint32_t limit;         /* M as a scalar, or VALUE_UNSEEN */
    struct gathered counts; /* `running` of every turn and, at the end, of one more */
};

static bool loop_begin(struct fold_walk *walk, const struct graph_node *node,
                       const struct graph *body, struct loop *loop)
{
    *loop = (struct loop){.running = VALUE_UNSEEN, .limit = VALUE_UNSEEN};
    loop->carried = node->input_count - 2;
    const struct graph_attribute *room = graph_attribute(node, "count");
    loop->has_room = room != NULL;
    loop->room = room != NULL ? room->integer : 0;
    if (body->input_count != loop->carried + 2 || body->output_count < loop->carried + 1 ||
        node->output_count > body->output_count - 1 + loop->has_room)
        return fold_report(
            walk, STATUS_BAD_INPUT,
            "node %s (Loop, opset %d): the body takes %zu values and gives %zu, which "
            "does not fit the node",
            node->name, node->opset, body->input_count, body->output_count);
    loop->scans = body->output_count - 1 - loop->carried;
    loop->in = arena_array(walk->scratch, uint32_t, body->input_count);
    loop->out = arena_array(walk->scratch, uint32_t, body->output_count);
    loop->scan = arena_array(walk->scratch, struct gathered, loop->scans);
    return (loop->in != NULL && loop->out != NULL && loop->scan != NULL) || fold_no_memory(walk);
}

/* Whether turn `turn` counts, given that the turns before do and what the condition says. */
static uint32_t within_limit(struct fold_walk *walk, const struct graph_node *node,
                             const struct loop *loop, int64_t turn, uint32_t condition)
{
    if (loop->limit == VALUE_UNSEEN)
        return condition;
    uint32_t is_below =
        fold_add(walk, node, "turn", OP_LESS,
                 (uint32_t[]){fold_integer(walk, turn, true), loop->limit}, 2, NULL, 0);
    return fold_add(walk, node, "running", OP_AND, (uint32_t[]){condition, is_below}, 2, NULL, 0);
}

/* One slice of a scan output, zeros when the turn does not count. */
static uint32_t slice_or_zeros(struct fold_walk *walk, const struct graph_node *node,
                               const struct loop *loop, uint32_t slice)
{
    if (!loop->has_room || slice == VALUE_BROKEN)
        return slice;
    const struct graph_value *value = &walk->next->values[slice];
    const struct shape shape = value->shape;
    return choose(walk, node, loop->running, slice, fold_zeros(walk, value->type, &shape));
}

/* One turn. Returns whether another may follow. */
static bool loop_turn(struct fold_walk *walk, struct body_runs *runs, struct loop *loop)
{
    if (loop->has_room && !gather_turn(walk, &loop->counts, loop->running))
        return false;
    loop->in[0] = fold_integer(walk, runs->turn, true);
    run_body(walk, runs, loop->in, loop->out);
    for (size_t i = 0; i < loop->carried; i++) {
        uint32_t next = loop->out[1 + i];
        if (loop->running != VALUE_UNSEEN)
            next = choose(walk, runs->node, loop->running, next, loop->in[2 + i]);
        loop->in[2 + i] = next;
    }
    for (size_t i = 0; i < loop->scans; i++)
        if (!gather_turn(walk, &loop->scan[i],
                         slice_or_zeros(walk, runs->node, loop, loop->out[1 + loop->carried + i])))
            return false;
    if (walk->fatal != STATUS_OK || loop->out[0] == VALUE_BROKEN)
        return false;
    int64_t known;
    uint32_t condition = loop->out[0];
    if (loop->has_room) {
        loop->in[1] = condition;
        condition = scalar_condition(walk, runs->node, condition);
        condition = fold_add(walk, runs->node, "running", OP_AND,
                             (uint32_t[]){loop->running, condition}, 2, NULL, 0);
        loop->running = within_limit(walk, runs->node, loop, runs->turn, condition);
        return loop->running != VALUE_BROKEN &&
               !(fold_known_integer(walk, loop->running, &known) && known == 0);
    }
    if (fold_known_integer(walk, condition, &known)) {
        loop->in[1] = condition;
        return known != 0;
    }
    if (loop->scans > 0)
        return fold_report(walk, STATUS_UNSUPPORTED,
                           "node %s (Loop, opset %d): how often it runs depends on the input data, "
                           "and so does the shape of its outputs; give the most rounds with "
                           "--max-dim, or fix the input that decides it with --bind",
                           runs->node->name, runs->node->opset);
    condition = scalar_condition(walk, runs->node, condition);
    if (loop->running != VALUE_UNSEEN)
        condition = fold_add(walk, runs->node, "running", OP_AND,
                             (uint32_t[]){loop->running, condition}, 2, NULL, 0);
    loop->running = condition;
    loop->in[1] = condition;
    return condition != VALUE_BROKEN;
}

/* A condition that is always true. */
static uint32_t fold_truth(struct fold_walk *walk, const struct graph_node *node)
{
    struct graph_attribute to = {.name = "to", .kind = ATTRIBUTE_INT, .integer = ELEMENT_BOOL};
    uint32_t one = fold_integer(walk, 1, true);
    return fold_add(walk, node, "always", OP_CAST, &one, 1, &to, 1);
}

/* The largest number of turns by M and the first condition; false when a problem was reported. */
static bool loop_limit(struct fold_walk *walk, struct fold_scope *scope,
                       const struct graph_node *node, struct loop *loop, int64_t *turns)
{
    uint32_t count = node->inputs[0], condition = node->inputs[1];
    int64_t known = 1;
    *turns = INT64_MAX;
    if (count != GRAPH_NONE) {
        uint32_t value = fold_resolve(walk, scope, count);
        if (value == VALUE_BROKEN)
            return false;
        if (!fold_known_integer(walk, value, turns))
            return fold_report(
                walk, STATUS_UNSUPPORTED,
                "node %s (Loop, opset %d): the largest number of turns depends on the "
                "input data; give the most with --max-dim %s=N, or bind it with --bind",
                node->name, node->opset, node->name);
    }
    loop->in[1] =
        condition == GRAPH_NONE ? fold_truth(walk, node) : fold_resolve(walk, scope, condition);
    if (loop->in[1] == VALUE_BROKEN)
        return false;
    if (condition != GRAPH_NONE && !fold_known_integer(walk, loop->in[1], &known)) {
        loop->running = scalar_condition(walk, node, loop->in[1]);
        if (loop->scans > 0)
            return fold_report(
                walk, STATUS_UNSUPPORTED,
                "node %s (Loop, opset %d): whether it runs depends on the input data; give the "
                "most rounds with --max-dim %s=N, or fix the input that decides it with --bind",
                node->name, node->opset, node->name);
    }
    if (known == 0)
        *turns = 0;
    return true;
}

/* The condition of the first turn of a loop with room, which depends on M, too. */
static bool loop_room(struct fold_walk *walk, struct fold_scope *scope,
                      const struct graph_node *node, struct loop *loop)
{
    uint32_t count = node->inputs[0], condition = node->inputs[1];
    loop->in[1] =
        condition == GRAPH_NONE ? fold_truth(walk, node) : fold_resolve(walk, scope, condition);
    if (count != GRAPH_NONE)
        loop->limit = fold_resolve(walk, scope, count);
    if (loop->in[1] == VALUE_BROKEN || loop->limit == VALUE_BROKEN)
        return false;
    if (loop->limit != VALUE_UNSEEN)
        loop->limit = scalar_condition(walk, node, loop->limit);
    loop->running = within_limit(walk, node, loop, 0, scalar_condition(walk, node, loop->in[1]));
    return loop->running != VALUE_BROKEN;
}

/* Fills the scan outputs up to the room. Returns the number of turns; more of them than there is
 * room for, of which the last flag tells, have no proof. */
static uint32_t close_room(struct fold_walk *walk, const struct graph_node *node, struct loop *loop)
{
    const struct graph_attribute attributes[2] = {
        {.name = "count", .kind = ATTRIBUTE_INT, .integer = loop->room},
        {.name = "padded", .kind = ATTRIBUTE_INT, .integer = 1}};
    for (size_t i = 0; i < loop->scans && loop->scan[i].count > 0; i++) {
        const struct graph_value *value = &walk->next->values[loop->scan[i].turn[0]];
        const struct shape shape = value->shape;
        uint32_t zeros = fold_zeros(walk, value->type, &shape);
        while (loop->scan[i].count < (size_t)loop->room)
            if (!gather_turn(walk, &loop->scan[i], zeros))
                return VALUE_BROKEN;
    }
    if (!gather_turn(walk, &loop->counts, loop->running))
        return VALUE_BROKEN;
    uint32_t flags = stack(walk, node, &loop->counts, 0, false);
    uint32_t out[2] = {GRAPH_NONE, 0};
    fold_add_outputs(walk, node, "rounds", OP_NON_ZERO, &flags, 1, attributes, 2, out, 2);
    return out[1];
}

void fold_loop(struct fold_walk *walk, struct fold_scope *scope, const struct graph_node *node)
{
    struct body_runs runs;
    struct loop loop;
    int64_t turns;
    break_outputs(scope, node);
    if (!begin_runs(walk, scope, node, "body", &runs) || !loop_begin(walk, node, runs.body, &loop))
        return;
    turns = loop.room;
    if (!(loop.has_room ? loop_room(walk, scope, node, &loop)
                        : loop_limit(walk, scope, node, &loop, &turns)))
        return;
    for (size_t i = 0; i < loop.carried; i++)
        loop.in[2 + i] = operand(walk, scope, node, 2 + i);
    bool more = turns > 0;
    size_t before = walk->problems->count + walk->problems->lost;
    while (more && walk->fatal == STATUS_OK) {
        more = loop_turn(walk, &runs, &loop) && runs.turn < turns &&
               walk->problems->count + walk->problems->lost == before;
        if (more && runs.turn >= FOLD_TURNS_MAX) {
            fold_report(walk, STATUS_LIMIT,
                        "node %s (Loop, opset %d): it runs more than %d times; give it a smaller "
                        "trip count",
                        node->name, node->opset, FOLD_TURNS_MAX);
            return;
        }
    }
    if (walk->fatal != STATUS_OK || walk->problems->count + walk->problems->lost != before)
        return;
    if (loop.has_room)
        set_output(scope, node, loop.carried + loop.scans, close_room(walk, node, &loop));
    for (size_t i = 0; i < loop.carried; i++)
        set_output(scope, node, i, loop.in[2 + i]);
    for (size_t i = 0; i < loop.scans; i++)
        if (loop.carried + i < node->output_count && node->outputs[loop.carried + i] != GRAPH_NONE)
            set_output(scope, node, loop.carried + i,
                       stack_turns(walk, scope, node, loop.carried + i, &loop.scan[i], 0, false));
}

/* --- Scan
 * ------------------------------------------------------------------------------------------------
 */

struct scan {
    size_t states, scan_ins, scan_outs;
    uint32_t *in, *out; /* of the body */
    uint32_t *source;   /* [scan_ins] whole tensors */
    struct gathered *stack;
    int64_t turns;
};

/* Entry i of an optional list attribute; zero when it is not written. */
static int64_t list_entry(const struct graph_node *node, const char *name, size_t i)
{
    const struct graph_attribute *list = graph_attribute(node, name);
    return list != NULL && list->kind == ATTRIBUTE_INTS && i < list->count ? list->integers[i] : 0;
}

static bool scan_begin(struct fold_walk *walk, const struct graph_node *node,
                       const struct graph *body, struct scan *scan)
{
    int64_t ins = graph_attribute_int(node, "num_scan_inputs", 0);
    *scan = (struct scan){.turns = -1};
    bool fits =
        ins > 0 && (size_t)ins <= node->input_count && body->input_count == node->input_count;
    if (fits) {
        scan->scan_ins = (size_t)ins;
        scan->states = node->input_count - scan->scan_ins;
        fits = body->output_count >= scan->states && node->output_count == body->output_count;
    }
    if (!fits)
        return fold_report(
            walk, STATUS_BAD_INPUT,
            "node %s (Scan, opset %d): the body takes %zu values and gives %zu, which "
            "does not fit the node",
            node->name, node->opset, body->input_count, body->output_count);
    scan->scan_outs = body->output_count - scan->states;
    scan->in = arena_array(walk->scratch, uint32_t, body->input_count);
    scan->out = arena_array(walk->scratch, uint32_t, body->output_count);
    scan->source = arena_array(walk->scratch, uint32_t, scan->scan_ins);
    scan->stack = arena_array(walk->scratch, struct gathered, scan->scan_outs);
    return (scan->in != NULL && scan->out != NULL && scan->source != NULL && scan->stack != NULL) ||
           fold_no_memory(walk);
}

/* The operands and the number of turns, which all scan inputs must agree on. */
static bool scan_operands(struct fold_walk *walk, struct fold_scope *scope,
                          const struct graph_node *node, struct scan *scan)
{
    for (size_t i = 0; i < node->input_count; i++) {
        uint32_t value = operand(walk, scope, node, i);
        if (value == VALUE_BROKEN)
            return false;
        if (i < scan->states) {
            scan->in[i] = value;
            continue;
        }
        size_t k = i - scan->states;
        const struct shape *shape = &walk->next->values[value].shape;
        int64_t axis = list_entry(node, "scan_input_axes", k);
        axis += axis < 0 ? shape->rank : 0;
        if (axis < 0 || axis >= shape->rank ||
            (scan->turns >= 0 && scan->turns != shape->dim[axis]))
            return fold_report(walk, STATUS_BAD_INPUT,
                               "node %s (Scan, opset %d): scan input %zu has no axis %" PRId64
                               ", or another length than the others",
                               node->name, node->opset, k, axis);
        scan->turns = shape->dim[axis];
        scan->source[k] = value;
    }
    return true;
}

/* Slices of the scan inputs for one turn. */
static void scan_slices(struct fold_walk *walk, const struct graph_node *node, struct scan *scan,
                        int64_t turn)
{
    for (size_t k = 0; k < scan->scan_ins; k++) {
        bool backwards = list_entry(node, "scan_input_directions", k) != 0;
        uint32_t index = fold_integer(walk, backwards ? scan->turns - 1 - turn : turn, true);
        struct graph_attribute axis = {.name = "axis",
                                       .kind = ATTRIBUTE_INT,
                                       .integer = list_entry(node, "scan_input_axes", k)};
        scan->in[scan->states + k] =
            index == VALUE_BROKEN ? VALUE_BROKEN
                                  : fold_add(walk, node, "element", OP_GATHER,
                                             (uint32_t[]){scan->source[k], index}, 2, &axis, 1);
    }
}

void fold_scan(struct fold_walk *walk, struct fold_scope *scope, const struct graph_node *node)
{
    struct body_runs runs;
    struct scan scan;
    break_outputs(scope, node);
    if (!begin_runs(walk, scope, node, "body", &runs) ||
        !scan_begin(walk, node, runs.body, &scan) || !scan_operands(walk, scope, node, &scan))
        return;
    size_t before = walk->problems->count + walk->problems->lost;
    for (int64_t turn = 0; turn < scan.turns && walk->fatal == STATUS_OK; turn++) {
        scan_slices(walk, node, &scan, turn);
        run_body(walk, &runs, scan.in, scan.out);
        memcpy(scan.in, scan.out, scan.states * sizeof *scan.in);
        for (size_t i = 0; i < scan.scan_outs; i++)
            if (!gather_turn(walk, &scan.stack[i], scan.out[scan.states + i]))
                return;
        if (walk->problems->count + walk->problems->lost != before)
            return; /* every turn has the same problem */
    }
    for (size_t i = 0; i < scan.states; i++)
        set_output(scope, node, i, scan.in[i]);
    for (size_t i = 0; i < scan.scan_outs && walk->fatal == STATUS_OK; i++)
        if (node->outputs[scan.states + i] != GRAPH_NONE)
            set_output(scope, node, scan.states + i,
                       stack_turns(walk, scope, node, scan.states + i, &scan.stack[i],
                                   list_entry(node, "scan_output_axes", i),
                                   list_entry(node, "scan_output_directions", i) != 0));
}
