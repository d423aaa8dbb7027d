/*
 * Writes RNN, GRU and LSTM (ONNX 22) out step by step into the graph that fold_constants builds, so
 * that calibration sees every gate. Equations: ONNX operator specification, as in
 * ir/graph_interpret_recurrent.c. The product with W is one MatMul over all steps; R is one operand
 * shared by all of them.
 */
#include "ir/graph_recurrent.h"
#include "passes/fold_walk.h"

#include <math.h>
#include <string.h>

enum {
    OPERAND_X,
    OPERAND_W,
    OPERAND_R,
    OPERAND_B,
    OPERAND_LENGTHS,
    OPERAND_H,
    OPERAND_C,
    OPERAND_P
};
enum { OPERANDS_MAX = OPERAND_P + 1 };

/* Values of the new graph; VALUE_UNSEEN for one that is absent (a state of zeros, no bias). */
struct unroll {
    struct fold_walk *walk;
    const struct graph_node *node;
    uint32_t in[OPERANDS_MAX];
    struct recurrent_sizes sizes;
    struct recurrent_activations activations;
    double clip;   /* 0: none */
    uint64_t body; /* fold_walk.place of the step of a direction */
    bool linear_before_reset, input_forget;
    bool quantize_state; /* an attribute of our own: see ir/graph_interpret_recurrent.c */
};

/* One direction. */
struct cell {
    const struct recurrent_activation *f;
    uint32_t r[2];   /* R transposed, [hidden, gates * hidden]; GRU: of z and r, and of h */
    uint32_t bias_h; /* GRU with linear_before_reset: Rb of h */
    uint32_t peephole[3];
    uint32_t h, c;  /* [batch, hidden] */
    uint32_t shown; /* [batch, 1]: sequences whose state counts when it is quantized, and is not 0;
                       VALUE_UNSEEN: all do */
};

/* ---- nodes ---- */

static uint32_t add(struct unroll *u, const char *suffix, enum op_kind op, const uint32_t *in,
                    size_t count)
{
    return fold_add(u->walk, u->node, suffix, op, in, count, NULL, 0);
}

static uint32_t binary(struct unroll *u, const char *suffix, enum op_kind op, uint32_t a,
                       uint32_t b)
{
    return add(u, suffix, op, (uint32_t[]){a, b}, 2);
}

static uint32_t with_axis(struct unroll *u, const char *suffix, enum op_kind op, const uint32_t *in,
                          size_t count, int64_t axis)
{
    struct graph_attribute attribute = {.name = "axis", .kind = ATTRIBUTE_INT, .integer = axis};
    return fold_add(u->walk, u->node, suffix, op, in, count, &attribute, 1);
}

static uint32_t transpose(struct unroll *u, uint32_t x, const int64_t *order, size_t rank)
{
    int64_t *copy = arena_memdup(u->walk->next->arena, order, rank * sizeof *order);
    struct graph_attribute attribute = {
        .name = "perm", .kind = ATTRIBUTE_INTS, .integers = copy, .count = rank};
    if (copy == NULL) {
        fold_no_memory(u->walk);
        return VALUE_BROKEN;
    }
    return fold_add(u->walk, u->node, "transposed", OP_TRANSPOSE, &x, 1, &attribute, 1);
}

/* Elements [begin, end) of an axis. */
static uint32_t cut(struct unroll *u, const char *suffix, uint32_t x, int64_t axis, int64_t begin,
                    int64_t end)
{
    struct fold_walk *walk = u->walk;
    return add(u, suffix, OP_SLICE,
               (uint32_t[]){x, fold_integer(walk, begin, false), fold_integer(walk, end, false),
                            fold_integer(walk, axis, false)},
               4);
}

static uint32_t entry(struct unroll *u, const char *suffix, uint32_t x, int64_t axis, int64_t index)
{
    return with_axis(u, suffix, OP_GATHER, (uint32_t[]){x, fold_integer(u->walk, index, true)}, 2,
                     axis);
}

static uint32_t constant(struct unroll *u, double value)
{
    return fold_real(u->walk, u->walk->next->values[u->in[OPERAND_X]].type, value);
}

static uint32_t unsqueeze(struct unroll *u, uint32_t x, int64_t axis)
{
    return binary(u, "row", OP_UNSQUEEZE, x, fold_integer(u->walk, axis, false));
}

/* a + b, either of which may be absent. */
static uint32_t plus(struct unroll *u, const char *suffix, uint32_t a, uint32_t b)
{
    if (a == VALUE_UNSEEN || b == VALUE_UNSEEN)
        return a == VALUE_UNSEEN ? b : a;
    return binary(u, suffix, OP_ADD, a, b);
}

/* ---- activations ---- */

static uint32_t with_parameters(struct unroll *u, enum op_kind op, uint32_t x,
                                const struct recurrent_activation *f)
{
    struct graph_attribute attributes[2] = {
        {.name = "alpha", .kind = ATTRIBUTE_FLOAT, .real = f->alpha},
        {.name = "beta", .kind = ATTRIBUTE_FLOAT, .real = f->beta}};
    return fold_add(u->walk, u->node, f->name, op, &x, 1, attributes, isnan(f->beta) ? 1 : 2);
}

static uint32_t scaled(struct unroll *u, uint32_t x, double factor)
{
    return factor == 1 ? x : binary(u, "scaled", OP_MUL, x, constant(u, factor));
}

static uint32_t activate(struct unroll *u, const struct recurrent_activation *f, uint32_t x)
{
    static const struct {
        const char *name;
        enum op_kind op;
        bool has_parameters;
    } plain[] = {{"Relu", OP_RELU, false},
                 {"Tanh", OP_TANH, false},
                 {"Sigmoid", OP_SIGMOID, false},
                 {"Softsign", OP_SOFTSIGN, false},
                 {"Softplus", OP_SOFTPLUS, false},
                 {"LeakyRelu", OP_LEAKY_RELU, true},
                 {"HardSigmoid", OP_HARD_SIGMOID, true},
                 {"Elu", OP_ELU, true}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(f->name, plain[i].name) == 0)
            return plain[i].has_parameters ? with_parameters(u, plain[i].op, x, f)
                                           : add(u, f->name, plain[i].op, &x, 1);
    if (strcmp(f->name, "ScaledTanh") == 0) {
        uint32_t inner = scaled(u, x, f->beta);
        return scaled(u, add(u, "Tanh", OP_TANH, &inner, 1), f->alpha);
    }
    if (strcmp(f->name, "Affine") == 0)
        return f->beta == 0
                   ? scaled(u, x, f->alpha)
                   : binary(u, "shifted", OP_ADD, scaled(u, x, f->alpha), constant(u, f->beta));
    /* ThresholdedRelu of a cell keeps x at alpha itself, unlike the operator of that name. */
    uint32_t kept = binary(u, "kept", OP_GREATER_OR_EQUAL, x, constant(u, f->alpha));
    return add(u, f->name, OP_WHERE, (uint32_t[]){kept, x, constant(u, 0)}, 3);
}

/* An activation of a gate: clipped first. */
static uint32_t gate(struct unroll *u, const struct recurrent_activation *f, uint32_t x)
{
    if (u->clip > 0)
        x = add(u, "clipped", OP_CLIP, (uint32_t[]){x, constant(u, -u->clip), constant(u, u->clip)},
                3);
    return activate(u, f, x);
}

/* ---- one step ---- */

/* Parts of a step: a state that is absent leaves nodes of one part out, and those of the others
 * stand where they stand in every step. */
enum step_part {
    PART_INPUT,
    PART_SUM,
    PART_GATES,
    PART_CANDIDATE,
    PART_STATE,
    PART_RESULT,
    PART_SHOWN,
    PART_PEEPHOLE /* and of every gate the two behind it */
};

static void begin_part(struct unroll *u, unsigned part)
{
    u->walk->place = fold_place(u->body, part);
}

/* Part k of a row of gates, [batch, hidden]. */
static uint32_t part(struct unroll *u, uint32_t gates, int64_t k, int64_t count)
{
    int64_t n = (int64_t)u->sizes.hidden;
    return cut(u, "gate", gates, 1, k * n, (k + count) * n);
}

static uint32_t recurrent_product(struct unroll *u, uint32_t h, uint32_t r)
{
    return h == VALUE_UNSEEN ? VALUE_UNSEEN : binary(u, "recurrent", OP_MAT_MUL, h, r);
}

/* The state as the products of an LSTM take it. */
static uint32_t seen_state(struct unroll *u, const struct cell *cell)
{
    uint32_t parts[3] = {0}, h = cell->h;
    if (!u->quantize_state || h == VALUE_UNSEEN)
        return h;
    begin_part(u, PART_SHOWN);
    if (cell->shown != VALUE_UNSEEN)
        h = add(u, "shown", OP_WHERE, (uint32_t[]){cell->shown, h, constant(u, 0)}, 3);
    begin_part(u, PART_SUM);
    if (!fold_add_outputs(u->walk, u->node, "quantized", OP_DYNAMIC_QUANTIZE_LINEAR, &h, 1, NULL, 0,
                          parts, 3))
        return VALUE_BROKEN;
    return add(u, "seen", OP_DEQUANTIZE_LINEAR, parts, 3);
}

static void step_rnn(struct unroll *u, struct cell *cell, uint32_t x)
{
    uint32_t sum = plus(u, "sum", x, recurrent_product(u, cell->h, cell->r[0]));
    begin_part(u, PART_GATES);
    cell->h = gate(u, &cell->f[0], sum);
}

/* z and r from the first two parts, then h = next + z (h - next). */
static void step_gru(struct unroll *u, struct cell *cell, uint32_t x)
{
    uint32_t h = cell->h;
    uint32_t both = part(u, x, 0, 2), own = part(u, x, 2, 1);
    both = plus(u, "sum", both, recurrent_product(u, h, cell->r[0]));
    begin_part(u, PART_GATES);
    both = gate(u, &cell->f[0], both);
    uint32_t z = part(u, both, 0, 1), reset = part(u, both, 1, 1), candidate = VALUE_UNSEEN;
    begin_part(u, PART_CANDIDATE);
    if (u->linear_before_reset) {
        candidate = plus(u, "candidate", recurrent_product(u, h, cell->r[1]), cell->bias_h);
        if (candidate != VALUE_UNSEEN)
            candidate = binary(u, "reset", OP_MUL, reset, candidate);
    } else if (h != VALUE_UNSEEN) {
        candidate = recurrent_product(u, binary(u, "reset", OP_MUL, reset, h), cell->r[1]);
    }
    candidate = plus(u, "candidate", own, candidate);
    begin_part(u, PART_STATE);
    uint32_t next = gate(u, &cell->f[1], candidate);
    if (h == VALUE_UNSEEN) {
        /* (1 - z) next */
        uint32_t rest = binary(u, "rest", OP_SUB, constant(u, 1), z);
        cell->h = binary(u, "state", OP_MUL, rest, next);
        return;
    }
    uint32_t gap = binary(u, "gap", OP_SUB, h, next);
    cell->h = binary(u, "state", OP_ADD, next, binary(u, "kept", OP_MUL, z, gap));
}

/* Gate k of i, o, f, which sees c through its peephole. */
static uint32_t peeping_gate(struct unroll *u, const struct cell *cell, uint32_t sum, unsigned k)
{
    const unsigned first = PART_PEEPHOLE + 2 * k;
    begin_part(u, first);
    uint32_t x = part(u, sum, k, 1);
    if (cell->c != VALUE_UNSEEN)
        x = binary(u, "peeped", OP_ADD, x,
                   binary(u, "peephole", OP_MUL, cell->c, cell->peephole[k]));
    begin_part(u, first + 1);
    return gate(u, &cell->f[0], x);
}

/* Gates i, o, f, c: cell = f cell + i c, h = o act(cell). */
static void step_lstm(struct unroll *u, struct cell *cell, uint32_t x)
{
    uint32_t h = seen_state(u, cell), sum = plus(u, "sum", x, recurrent_product(u, h, cell->r[0])),
             i, o, f;
    begin_part(u, PART_GATES);
    uint32_t g = gate(u, &cell->f[1], part(u, sum, 3, 1));
    bool is_plain = cell->peephole[0] == VALUE_UNSEEN;
    if (is_plain) {
        uint32_t all = gate(u, &cell->f[0], part(u, sum, 0, 3));
        i = part(u, all, 0, 1);
        o = part(u, all, 1, 1);
        f = part(u, all, 2, 1);
    } else {
        i = peeping_gate(u, cell, sum, 0);
        o = VALUE_UNSEEN;
        f = peeping_gate(u, cell, sum, 2);
        begin_part(u, PART_CANDIDATE);
    }
    if (u->input_forget)
        f = binary(u, "forget", OP_SUB, constant(u, 1), i);
    begin_part(u, PART_STATE);
    uint32_t fresh = binary(u, "fresh", OP_MUL, i, g);
    cell->c = cell->c == VALUE_UNSEEN
                  ? fresh
                  : binary(u, "cell", OP_ADD, binary(u, "kept", OP_MUL, f, cell->c), fresh);
    if (!is_plain)
        o = peeping_gate(u, cell, sum, 1);
    begin_part(u, PART_RESULT);
    cell->h = binary(u, "state", OP_MUL, o, activate(u, &cell->f[2], cell->c));
}

/* ---- one direction ---- */

/* Operand i of this direction without the axis of directions. */
static uint32_t of_direction(struct unroll *u, unsigned i, int64_t axis, size_t direction)
{
    return u->in[i] == VALUE_UNSEEN ? VALUE_UNSEEN
                                    : entry(u, "direction", u->in[i], axis, (int64_t)direction);
}

static uint32_t zeros(struct unroll *u)
{
    struct shape shape = {2, {(int64_t)u->sizes.batch, (int64_t)u->sizes.hidden}};
    return fold_zeros(u->walk, u->walk->next->values[u->in[OPERAND_X]].type, &shape);
}

/* X W + the biases that are added before any activation, [steps, batch, gates * hidden]. */
static uint32_t input_products(struct unroll *u, struct cell *cell, size_t direction)
{
    const struct recurrent_sizes *s = &u->sizes;
    int64_t n = (int64_t)s->hidden, rows = (int64_t)s->gates * n;
    static const int64_t swap[2] = {1, 0};
    uint32_t w = transpose(u, of_direction(u, OPERAND_W, 0, direction), swap, 2);
    uint32_t product = binary(u, "input", OP_MAT_MUL, u->in[OPERAND_X], w);
    uint32_t bias = of_direction(u, OPERAND_B, 0, direction);
    cell->bias_h = VALUE_UNSEEN;
    if (bias == VALUE_UNSEEN)
        return product;
    uint32_t wb = cut(u, "bias", bias, 0, 0, rows), rb = cut(u, "bias", bias, 0, rows, 2 * rows);
    if (u->node->op == OP_GRU && u->linear_before_reset) {
        cell->bias_h = cut(u, "bias", rb, 0, 2 * n, 3 * n);
        uint32_t none = constant(u, 0), count = fold_integer(u->walk, n, false);
        uint32_t pads[2] = {cut(u, "bias", rb, 0, 0, 2 * n),
                            add(u, "zeros", OP_EXPAND, (uint32_t[]){none, count}, 2)};
        rb = with_axis(u, "bias", OP_CONCAT, pads, 2, 0);
    }
    return binary(u, "biased", OP_ADD, product, binary(u, "bias", OP_ADD, wb, rb));
}

static void cell_begin(struct unroll *u, struct cell *cell, size_t direction)
{
    const struct recurrent_sizes *s = &u->sizes;
    int64_t n = (int64_t)s->hidden, state_axis = s->batch_first ? 1 : 0;
    static const int64_t swap[2] = {1, 0};
    uint32_t r = of_direction(u, OPERAND_R, 0, direction);
    *cell = (struct cell){.f = u->activations.of[direction],
                          .bias_h = VALUE_UNSEEN,
                          .shown = VALUE_UNSEEN,
                          .peephole = {VALUE_UNSEEN, VALUE_UNSEEN, VALUE_UNSEEN},
                          .h = of_direction(u, OPERAND_H, state_axis, direction),
                          .c = of_direction(u, OPERAND_C, state_axis, direction)};
    if (u->node->op == OP_GRU) {
        cell->r[0] = transpose(u, cut(u, "R", r, 0, 0, 2 * n), swap, 2);
        cell->r[1] = transpose(u, cut(u, "R", r, 0, 2 * n, 3 * n), swap, 2);
    } else {
        cell->r[0] = transpose(u, r, swap, 2);
    }
    uint32_t p = of_direction(u, OPERAND_P, 0, direction);
    for (int64_t k = 0; p != VALUE_UNSEEN && k < 3; k++)
        cell->peephole[k] = cut(u, "P", p, 0, k * n, (k + 1) * n);
}

/* Which sequences are still running at step t. */
enum running { RUNNING_ALL, RUNNING_NONE, RUNNING_SOME };

static enum running running_at(struct unroll *u, size_t t, uint32_t *mask)
{
    uint32_t lengths = u->in[OPERAND_LENGTHS];
    if (lengths == VALUE_UNSEEN)
        return RUNNING_ALL;
    const struct graph_value *value = &u->walk->next->values[lengths];
    size_t running = 0;
    for (size_t b = 0; value->kind == VALUE_CONSTANT && b < u->sizes.batch; b++)
        running += value->data->data.integer[b] > (int64_t)t;
    if (value->kind == VALUE_CONSTANT && (running == 0 || running == u->sizes.batch))
        return running == 0 ? RUNNING_NONE : RUNNING_ALL;
    uint32_t column = binary(u, "lengths", OP_UNSQUEEZE, lengths, fold_integer(u->walk, 1, false));
    uint32_t step = fold_integer(u->walk, (int64_t)t, true);
    struct graph_attribute to = {
        .name = "to", .kind = ATTRIBUTE_INT, .integer = u->walk->next->values[lengths].type};
    step = fold_add(u->walk, u->node, "step", OP_CAST, &step, 1, &to, 1);
    *mask = binary(u, "running", OP_GREATER, column, step);
    return RUNNING_SOME;
}

static uint32_t keep(struct unroll *u, uint32_t mask, uint32_t now, uint32_t before)
{
    return add(u, "held", OP_WHERE,
               (uint32_t[]){mask, now, before == VALUE_UNSEEN ? zeros(u) : before}, 3);
}

/* One step of time t; returns what Y shows there. */
static uint32_t step(struct unroll *u, struct cell *cell, uint32_t products, size_t t)
{
    uint32_t mask = VALUE_UNSEEN, h = cell->h, c = cell->c;
    enum running running = running_at(u, t, &mask);
    if (running == RUNNING_NONE)
        return zeros(u);
    begin_part(u, PART_INPUT);
    uint32_t x = entry(u, "time", products, 0, (int64_t)t);
    begin_part(u, PART_SUM);
    if (u->node->op == OP_LSTM)
        step_lstm(u, cell, x);
    else if (u->node->op == OP_GRU)
        step_gru(u, cell, x);
    else
        step_rnn(u, cell, x);
    /* A state that a sequence ended with counts for one more step. */
    cell->shown = mask;
    if (running == RUNNING_ALL)
        return cell->h;
    uint32_t shown = keep(u, mask, cell->h, VALUE_UNSEEN);
    cell->h = keep(u, mask, cell->h, h);
    if (u->node->op == OP_LSTM)
        cell->c = keep(u, mask, cell->c, c);
    return shown;
}

/* Steps of each sequence [steps, batch, any] the other way round, up to its end. */
static uint32_t turned(struct unroll *u, uint32_t x)
{
    struct graph_attribute to = {.name = "to", .kind = ATTRIBUTE_INT, .integer = ELEMENT_I64};
    uint32_t lengths =
        fold_add(u->walk, u->node, "lengths", OP_CAST, &u->in[OPERAND_LENGTHS], 1, &to, 1);
    return binary(u, "turned", OP_REVERSE_SEQUENCE, x, lengths);
}

/* Results of one direction: Y [steps, 1, batch, hidden] when it is used, final states [1, batch,
 * hidden]. */
static bool run_direction(struct unroll *u, size_t direction, bool backwards, bool with_all,
                          uint32_t out[3])
{
    struct cell cell;
    cell_begin(u, &cell, direction);
    uint32_t products = input_products(u, &cell, direction);
    /* What is rounded for a whole batch has to begin together. */
    bool turns = backwards && u->quantize_state && u->in[OPERAND_LENGTHS] != VALUE_UNSEEN;
    if (turns)
        products = turned(u, products);
    size_t steps = u->sizes.sequence;
    uint32_t *rows = arena_array(u->walk->scratch, uint32_t, steps + 1);
    size_t before = u->walk->problems->count + u->walk->problems->lost;
    if (rows == NULL)
        return fold_no_memory(u->walk);
    const uint64_t around = u->walk->place;
    u->body = fold_body_place(u->walk, direction);
    for (size_t i = 0; i < steps && u->walk->fatal == STATUS_OK; i++) {
        size_t t = backwards && !turns ? steps - 1 - i : i;
        rows[t] = step(u, &cell, products, t);
        if (u->walk->problems->count + u->walk->problems->lost != before)
            return false;
    }
    u->walk->place = around;
    for (size_t t = 0; with_all && t < steps; t++)
        rows[t] = turns ? unsqueeze(u, rows[t], 0) : unsqueeze(u, unsqueeze(u, rows[t], 0), 0);
    out[0] = with_all ? with_axis(u, "steps", OP_CONCAT, rows, steps, 0) : VALUE_UNSEEN;
    if (with_all && turns)
        out[0] = unsqueeze(u, turned(u, out[0]), 1);
    out[1] = unsqueeze(u, cell.h == VALUE_UNSEEN ? zeros(u) : cell.h, 0);
    out[2] = u->node->op != OP_LSTM ? VALUE_UNSEEN
                                    : unsqueeze(u, cell.c == VALUE_UNSEEN ? zeros(u) : cell.c, 0);
    return u->walk->fatal == STATUS_OK;
}

/* ---- the node ---- */

/* Directions joined and brought into the layout. */
static uint32_t join(struct unroll *u, const uint32_t *parts, bool is_all)
{
    static const int64_t all_order[4] = {2, 0, 1, 3}, last_order[3] = {1, 0, 2};
    uint32_t joined = u->sizes.directions == 1
                          ? parts[0]
                          : with_axis(u, "directions", OP_CONCAT, parts, 2, is_all ? 1 : 0);
    if (!u->sizes.batch_first)
        return joined;
    return is_all ? transpose(u, joined, all_order, 4) : transpose(u, joined, last_order, 3);
}

static bool begin(struct unroll *u, struct fold_scope *scope)
{
    const struct graph_node *node = u->node;
    struct diag diag = {0};
    for (size_t i = 0; i < OPERANDS_MAX; i++) {
        bool is_there = i < node->input_count && node->inputs[i] != GRAPH_NONE;
        u->in[i] = is_there ? fold_resolve(u->walk, scope, node->inputs[i]) : VALUE_UNSEEN;
        if (u->in[i] == VALUE_BROKEN)
            return false;
    }
    const struct graph_value *values = u->walk->next->values;
    enum status status = recurrent_sizes_read(&diag, node, &values[u->in[OPERAND_X]].shape,
                                              &values[u->in[OPERAND_W]].shape,
                                              &values[u->in[OPERAND_R]].shape, &u->sizes);
    if (status == STATUS_OK)
        status = recurrent_activations_read(&diag, node, u->sizes.directions, &u->activations);
    if (status != STATUS_OK)
        return fold_report(u->walk, status, "node %s (%s, opset %d): %s", node->name,
                           op_name(node->op), node->opset, diag.text);
    if (u->sizes.sequence == 0)
        return fold_report(u->walk, STATUS_UNSUPPORTED, "node %s (%s, opset %d): an empty sequence",
                           node->name, op_name(node->op), node->opset);
    u->clip = graph_attribute_float(node, "clip", 0);
    u->linear_before_reset = graph_attribute_int(node, "linear_before_reset", 0) != 0;
    u->input_forget = graph_attribute_int(node, "input_forget", 0) != 0;
    u->quantize_state = graph_attribute_int(node, "quantize_state", 0) != 0;
    static const int64_t steps_first[3] = {1, 0, 2};
    if (u->sizes.batch_first)
        u->in[OPERAND_X] = transpose(u, u->in[OPERAND_X], steps_first, 3);
    return u->in[OPERAND_X] != VALUE_BROKEN;
}

void fold_recurrent(struct fold_walk *walk, struct fold_scope *scope, const struct graph_node *node)
{
    struct unroll u = {.walk = walk, .node = node};
    uint32_t parts[2][3];
    const char *direction = graph_attribute_text(node, "direction", "forward");
    bool with_all = node->output_count > 0 && node->outputs[0] != GRAPH_NONE;
    bool done = begin(&u, scope);
    for (size_t d = 0; done && d < u.sizes.directions; d++)
        done =
            run_direction(&u, d, d == 1 || strcmp(direction, "reverse") == 0, with_all, parts[d]);
    for (size_t k = 0; k < node->output_count; k++) {
        if (node->outputs[k] == GRAPH_NONE)
            continue;
        uint32_t both[2] = {VALUE_BROKEN, VALUE_BROKEN};
        for (size_t d = 0; done && d < u.sizes.directions; d++)
            both[d] = parts[d][k];
        scope->map[node->outputs[k]] = done ? join(&u, both, k == 0) : VALUE_BROKEN;
    }
}
