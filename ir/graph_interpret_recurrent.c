/*
 * RNN-22, GRU-22, LSTM-22 and their shape rule. An LSTM may have an attribute of our own,
 * quantize_state: products take the state as DynamicQuantizeLinear of the whole batch leaves it.
 * State is kept in float64 over the whole sequence and rounded where it leaves the operator.
 * Equations: ONNX operator specification. See graph_interpret.h.
 */
#include "ir/graph_kernel_shared.h"
#include "ir/graph_recurrent.h"
#include "ir/rounded_math.h"

#include <inttypes.h>
#include <string.h>

enum { GATES_MAX = 4 };

enum status infer_recurrent(struct infer_call *call)
{
    enum status status = infer_need(call, 3);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, 3);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < call->out_count; i++)
        infer_result(call, i, call->in[0]->type, NULL);
    for (size_t i = 0; i < 3; i++)
        if (!call->in[i]->shape_known)
            return STATUS_OK;
    struct recurrent_sizes s;
    status = recurrent_sizes_read(call->diag, call->node, &call->in[0]->shape, &call->in[1]->shape,
                                  &call->in[2]->shape, &s);
    if (status != STATUS_OK)
        return status;
    int64_t t = (int64_t)s.sequence, d = (int64_t)s.directions, b = (int64_t)s.batch;
    int64_t h = (int64_t)s.hidden;
    struct shape all = {4, {t, d, b, h}}, last = {3, {d, b, h}};
    if (s.batch_first) {
        all = (struct shape){4, {b, t, d, h}};
        last = (struct shape){3, {b, d, h}};
    }
    infer_result(call, 0, call->in[0]->type, &all);
    infer_result(call, 1, call->in[0]->type, &last);
    infer_result(call, 2, call->in[0]->type, &last);
    return STATUS_OK;
}

/* --- one direction
 * ------------------------------------------------------------------------------------- */

static double activate(const struct recurrent_activation *f, double x)
{
    if (strcmp(f->name, "Relu") == 0)
        return x < 0 ? 0.0 : x;
    if (strcmp(f->name, "Tanh") == 0)
        return rounded_tanh(x);
    if (strcmp(f->name, "Sigmoid") == 0)
        return rounded_sigmoid(x);
    if (strcmp(f->name, "Softsign") == 0)
        return x / (1.0 + fabs(x));
    if (strcmp(f->name, "Softplus") == 0)
        return rounded_softplus(x);
    if (strcmp(f->name, "Affine") == 0)
        return f->alpha * x + f->beta;
    if (strcmp(f->name, "LeakyRelu") == 0)
        return x < 0 ? f->alpha * x : x;
    if (strcmp(f->name, "ThresholdedRelu") == 0)
        return x >= f->alpha ? x : 0.0;
    if (strcmp(f->name, "ScaledTanh") == 0)
        return f->alpha * rounded_tanh(f->beta * x);
    if (strcmp(f->name, "HardSigmoid") == 0)
        return fmin(fmax(f->alpha * x + f->beta, 0.0), 1.0);
    return x < 0 ? f->alpha * rounded_expm1(x) : x; /* Elu */
}

struct cell {
    const struct graph_node *node;
    struct recurrent_sizes sizes;
    const struct recurrent_activation *f; /* f, g, h */
    const double *w, *r, *wb, *rb, *p;    /* of this direction; biases and peepholes may be NULL */
    double clip;                          /* 0: none */
    bool linear_before_reset, input_forget;
    double *gate;            /* [gates * hidden] scratch */
    double *hidden, *memory; /* [batch, hidden] state */
    double *seen;            /* [batch, hidden] what products take for the state; NULL: itself */
};

static double clipped(const struct cell *cell, double x)
{
    if (cell->clip <= 0.0)
        return x;
    return x > cell->clip ? cell->clip : x < -cell->clip ? -cell->clip : x;
}

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* gate[row] = x . W[row] + Wb[row], and h . R[row] + Rb[row] unless GRU's last gate waits for its
 * reset. */
static void linear_gates(struct cell *cell, const double *x, const double *h)
{
    const struct recurrent_sizes *s = &cell->sizes;
    for (size_t row = 0; row < s->gates * s->hidden; row++) {
        double sum = dot(x, cell->w + row * s->input, s->input);
        sum += cell->wb != NULL ? cell->wb[row] : 0.0;
        if (cell->node->op != OP_GRU || row < 2 * s->hidden) {
            sum += dot(h, cell->r + row * s->hidden, s->hidden);
            sum += cell->rb != NULL ? cell->rb[row] : 0.0;
        }
        cell->gate[row] = sum;
    }
}

static void step_rnn(struct cell *cell, const double *x, double *h)
{
    linear_gates(cell, x, h);
    for (size_t k = 0; k < cell->sizes.hidden; k++)
        h[k] = activate(&cell->f[0], clipped(cell, cell->gate[k]));
}

static void step_gru(struct cell *cell, const double *x, double *h)
{
    size_t n = cell->sizes.hidden;
    double *z = cell->gate, *reset = z + n, *next = reset + n;
    linear_gates(cell, x, h);
    for (size_t k = 0; k < 2 * n; k++)
        z[k] = activate(&cell->f[0], clipped(cell, z[k]));
    double *scaled = next + n; /* reset . h, or h itself */
    for (size_t k = 0; k < n; k++)
        scaled[k] = cell->linear_before_reset ? h[k] : reset[k] * h[k];
    for (size_t k = 0; k < n; k++) {
        double sum = dot(scaled, cell->r + (2 * n + k) * n, n);
        sum += cell->rb != NULL ? cell->rb[2 * n + k] : 0.0;
        next[k] += cell->linear_before_reset ? reset[k] * sum : sum;
    }
    for (size_t k = 0; k < n; k++) {
        double fresh = activate(&cell->f[1], clipped(cell, next[k]));
        h[k] = (1.0 - z[k]) * fresh + z[k] * h[k];
    }
}

static void step_lstm(struct cell *cell, const double *x, double *h, double *c)
{
    size_t n = cell->sizes.hidden;
    const double *p = cell->p; /* peepholes of i, o, f */
    linear_gates(cell, x, cell->seen == NULL ? h : cell->seen + (h - cell->hidden));
    for (size_t k = 0; k < n; k++) {
        double i = cell->gate[k], o = cell->gate[n + k], f = cell->gate[2 * n + k];
        double g = activate(&cell->f[1], clipped(cell, cell->gate[3 * n + k]));
        i = activate(&cell->f[0], clipped(cell, i + (p != NULL ? p[k] * c[k] : 0.0)));
        f = activate(&cell->f[0], clipped(cell, f + (p != NULL ? p[2 * n + k] * c[k] : 0.0)));
        c[k] = (cell->input_forget ? 1.0 - i : f) * c[k] + i * g;
        o = activate(&cell->f[0], clipped(cell, o + (p != NULL ? p[n + k] * c[k] : 0.0)));
        h[k] = o * activate(&cell->f[2], c[k]);
    }
}

/* --- the call
 * -------------------------------------------------------------------------------------------- */

/* Operand i as [directions, per direction], or NULL; its size is checked. */
static enum status direction_part(struct kernel_call *call, size_t i, size_t direction, size_t per,
                                  size_t directions, const double **out)
{
    const struct tensor *tensor = kernel_in(call, i);
    *out = NULL;
    if (tensor == NULL)
        return STATUS_OK;
    if (tensor->count != per * directions || !element_type_is_float(tensor->type))
        return kernel_fail(call, STATUS_BAD_INPUT, "operand %zu has %zu elements, expected %zu", i,
                           tensor->count, per * directions);
    *out = tensor->data.real + direction * per;
    return STATUS_OK;
}

/* Where element 0 of (batch, direction) is in an initial or final state. */
static size_t state_at(const struct recurrent_sizes *s, size_t batch, size_t direction)
{
    return (s->batch_first ? batch * s->directions + direction : direction * s->batch + batch) *
           s->hidden;
}

static enum status cell_begin(struct kernel_call *call, struct cell *cell, size_t direction)
{
    const struct recurrent_sizes *s = &cell->sizes;
    size_t rows = s->gates * s->hidden;
    const double *bias;
    enum status status =
        direction_part(call, 1, direction, rows * s->input, s->directions, &cell->w);
    if (status == STATUS_OK)
        status = direction_part(call, 2, direction, rows * s->hidden, s->directions, &cell->r);
    if (status == STATUS_OK)
        status = direction_part(call, 3, direction, 2 * rows, s->directions, &bias);
    if (status == STATUS_OK && call->node->op == OP_LSTM)
        status = direction_part(call, 7, direction, 3 * s->hidden, s->directions, &cell->p);
    for (size_t i = 5; status == STATUS_OK && i < (call->node->op == OP_LSTM ? 7u : 6u); i++) {
        const double *initial;
        status = direction_part(call, i, 0, s->batch * s->hidden, s->directions, &initial);
        double *state = i == 5 ? cell->hidden : cell->memory;
        for (size_t k = 0; status == STATUS_OK && k < s->batch * s->hidden; k++)
            state[k] = initial == NULL
                           ? 0.0
                           : initial[state_at(s, k / s->hidden, direction) + k % s->hidden];
    }
    cell->wb = status == STATUS_OK ? bias : NULL;
    cell->rb = cell->wb != NULL ? bias + rows : NULL;
    return status;
}

static void set_row(struct tensor *out, size_t at, const double *row, size_t count)
{
    for (size_t k = 0; out != NULL && k < count; k++)
        tensor_set_real(out, at + k, row[k]);
}

/* One step of one sequence of the batch, at its time t. */
static void run_step(struct kernel_call *call, struct cell *cell, size_t batch, size_t direction,
                     size_t t)
{
    const struct recurrent_sizes *s = &cell->sizes;
    double *h = cell->hidden + batch * s->hidden, *c = cell->memory + batch * s->hidden;
    size_t row = s->batch_first ? batch * s->sequence + t : t * s->batch + batch;
    const double *x = call->in[0]->data.real + row * s->input;
    if (call->node->op == OP_LSTM)
        step_lstm(cell, x, h, c);
    else if (call->node->op == OP_GRU)
        step_gru(cell, x, h);
    else
        step_rnn(cell, x, h);
    size_t at = s->batch_first ? (batch * s->sequence + t) * s->directions + direction
                               : (t * s->directions + direction) * s->batch + batch;
    set_row(call->out[0], at * s->hidden, h, s->hidden);
}

/* Whether a sequence of the batch has a step number i. */
static bool is_running(const int64_t *length, size_t batch, size_t i)
{
    return length == NULL || (int64_t)i < length[batch];
}

/* The state of the whole batch as DynamicQuantizeLinear leaves it. The state that a sequence ended
 * with counts for one more step, then 0 does. */
static void quantize_state(struct cell *cell, const int64_t *length, size_t i)
{
    size_t n = cell->sizes.hidden, count = cell->sizes.batch * n, at = i == 0 ? 0 : i - 1;
    for (size_t k = 0; k < count; k++)
        cell->seen[k] =
            is_running(length, k / n, at) ? element_round(ELEMENT_F32, cell->hidden[k]) : 0.0;
    struct dynamic_scale by = dynamic_scale_of(cell->seen, count);
    for (size_t k = 0; k < count; k++)
        cell->seen[k] = (double)(dynamic_quantize(&by, cell->seen[k]) - by.zero) * by.scale;
}

/* Runs one direction. length: [batch], or NULL for all steps. All sequences begin together, those
 * that run backwards with their own last element. */
static void run_direction(struct kernel_call *call, struct cell *cell, size_t direction,
                          const int64_t *length, bool backwards)
{
    const struct recurrent_sizes *s = &cell->sizes;
    for (size_t i = 0; i < s->sequence; i++) {
        if (cell->seen != NULL)
            quantize_state(cell, length, i);
        for (size_t b = 0; b < s->batch; b++) {
            size_t count = length == NULL ? s->sequence : (size_t)length[b];
            if (is_running(length, b, i))
                run_step(call, cell, b, direction, backwards ? count - 1 - i : i);
        }
    }
    for (size_t b = 0; b < s->batch; b++) {
        size_t last = state_at(s, b, direction);
        set_row(call->out_count > 1 ? call->out[1] : NULL, last, cell->hidden + b * s->hidden,
                s->hidden);
        if (call->out_count > 2)
            set_row(call->out[2], last, cell->memory + b * s->hidden, s->hidden);
    }
}

enum status run_recurrent(struct kernel_call *call)
{
    struct cell cell = {.node = call->node};
    struct recurrent_activations activations;
    const struct tensor *lengths = kernel_in(call, 4);
    enum status status =
        recurrent_sizes_read(call->diag, call->node, &call->in[0]->shape, &call->in[1]->shape,
                             &call->in[2]->shape, &cell.sizes);
    const struct recurrent_sizes *s = &cell.sizes;
    if (status == STATUS_OK)
        status = recurrent_activations_read(call->diag, call->node, s->directions, &activations);
    if (status != STATUS_OK)
        return status;
    if (lengths != NULL && (lengths->count != s->batch || !element_type_is_integer(lengths->type)))
        return kernel_fail(call, STATUS_BAD_INPUT, "one length for every sequence is needed");
    cell.clip = graph_attribute_float(call->node, "clip", 0.0);
    cell.linear_before_reset = graph_attribute_int(call->node, "linear_before_reset", 0) != 0;
    cell.input_forget = graph_attribute_int(call->node, "input_forget", 0) != 0;
    size_t state = s->batch * s->hidden, gates = (GATES_MAX + 1) * s->hidden;
    cell.hidden = kernel_alloc(call->arena, 3 * state + gates, sizeof(double), call->diag);
    if (cell.hidden == NULL)
        return STATUS_NO_MEMORY;
    cell.memory = cell.hidden + state;
    cell.gate = cell.memory + state;
    cell.seen =
        graph_attribute_int(call->node, "quantize_state", 0) != 0 ? cell.gate + gates : NULL;
    bool reverse = strcmp(graph_attribute_text(call->node, "direction", "forward"), "reverse") == 0;
    for (size_t b = 0; lengths != NULL && b < s->batch; b++)
        if (lengths->data.integer[b] < 0 || (size_t)lengths->data.integer[b] > s->sequence)
            return kernel_fail(call, STATUS_BAD_INPUT, "length %" PRId64 " is outside the sequence",
                               lengths->data.integer[b]);
    for (size_t d = 0; d < s->directions; d++) {
        cell.f = activations.of[d];
        status = cell_begin(call, &cell, d);
        if (status != STATUS_OK)
            return status;
        run_direction(call, &cell, d, lengths == NULL ? NULL : lengths->data.integer,
                      reverse || d == 1);
    }
    return STATUS_OK;
}
