/*
 * Import rules of ai.onnx.preview.training: Adagrad, Adam, Momentum, each one step of an optimizer
 * for any number of tensors, by elementwise operators.
 */
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* One step: operands R, T, then `kinds` lists of as many tensors each. */
struct step {
    size_t kinds, count; /* lists, tensors in each */
    uint32_t rate, turn;
    enum element_type type;
};

static bool read_step(struct import_node *n, struct step *s, size_t kinds)
{
    *s = (struct step){.kinds = kinds, .rate = required(n, 0), .turn = required(n, 1)};
    if (n->in_count < 2 || (n->in_count - 2) % kinds != 0 || n->in_count == 2)
        rule_fail(n, STATUS_BAD_INPUT, "%zu inputs, where 2 and a multiple of %zu are expected",
                  n->in_count, kinds);
    s->count = n->in_count < 2 ? 0 : (n->in_count - 2) / kinds;
    s->type = value_type(n, s->rate);
    return n->status == STATUS_OK;
}

/* Tensor i of list `kind`. */
static uint32_t member(struct import_node *n, const struct step *s, size_t kind, size_t i)
{
    return required(n, 2 + kind * s->count + i);
}

static uint32_t scaled(struct import_node *n, uint32_t x, double factor)
{
    if (factor == 1)
        return x;
    uint32_t constant = constant_real(n, value_type(n, x), factor);
    return emit2(n, OP_MUL, x, constant);
}

/* factor a + b */
static uint32_t combined(struct import_node *n, double factor, uint32_t a, uint32_t b)
{
    return factor == 0 ? b : emit2(n, OP_ADD, scaled(n, a, factor), b);
}

/* norm_coefficient X + G */
static uint32_t regularized(struct import_node *n, uint32_t x, uint32_t g)
{
    return combined(n, attr_float(n, "norm_coefficient", 0), x, g);
}

/* sqrt(h) + epsilon */
static uint32_t adapted(struct import_node *n, uint32_t h)
{
    uint32_t epsilon = constant_real(n, value_type(n, h), attr_float(n, "epsilon", (double)1e-6f));
    return emit2(n, OP_ADD, emit1(n, OP_SQRT, h), epsilon);
}

/* x - rate step */
static uint32_t descended(struct import_node *n, uint32_t x, uint32_t rate, uint32_t step)
{
    return emit2(n, OP_SUB, x, emit2(n, OP_MUL, rate, step));
}

/* Adagrad: (R, T, X ..., G ..., H ...) */
void import_adagrad(struct import_node *n)
{
    struct step s;
    if (!read_step(n, &s, 3))
        return;
    uint32_t rate = s.rate;
    double decay = attr_float(n, "decay_factor", 0);
    if (decay != 0) {
        uint32_t one = constant_real(n, s.type, 1);
        uint32_t turn = scaled(n, cast_to(n, s.turn, s.type), decay);
        rate = emit2(n, OP_DIV, rate, emit2(n, OP_ADD, one, turn));
    }
    for (size_t i = 0; i < s.count && n->status == STATUS_OK; i++) {
        uint32_t x = member(n, &s, 0, i), g = regularized(n, x, member(n, &s, 1, i));
        uint32_t h = emit2(n, OP_ADD, member(n, &s, 2, i), emit2(n, OP_MUL, g, g));
        uint32_t step = emit2(n, OP_DIV, g, adapted(n, h));
        set_output(n, i, descended(n, x, rate, step));
        set_output(n, s.count + i, h);
    }
}

/* 1 - base^turn */
static uint32_t one_less_power(struct import_node *n, double base, uint32_t turn)
{
    enum element_type type = value_type(n, turn);
    uint32_t one = constant_real(n, type, 1), constant = constant_real(n, type, base);
    return emit2(n, OP_SUB, one, emit2(n, OP_POW, constant, turn));
}

/* T > 0 ? R sqrt(1 - beta^T) / (1 - alpha^T) : R */
static uint32_t adjusted_rate(struct import_node *n, const struct step *s, double alpha,
                              double beta)
{
    uint32_t turn = cast_to(n, s->turn, s->type), one = constant_real(n, s->type, 1),
             zero = constant_real(n, s->type, 0);
    uint32_t counted = emit2(n, OP_MAX, turn, one), begun = emit2(n, OP_GREATER, turn, zero);
    uint32_t root = emit1(n, OP_SQRT, one_less_power(n, beta, counted));
    uint32_t rate =
        emit2(n, OP_DIV, emit2(n, OP_MUL, s->rate, root), one_less_power(n, alpha, counted));
    return emit3(n, OP_WHERE, begun, rate, s->rate);
}

/* Adam: (R, T, X ..., G ..., V ..., H ...) */
void import_adam(struct import_node *n)
{
    struct step s;
    if (!read_step(n, &s, 4))
        return;
    double alpha = attr_float(n, "alpha", (double)0.9f),
           beta = attr_float(n, "beta", (double)0.999f),
           post = attr_float(n, "norm_coefficient_post", 0);
    uint32_t rate = adjusted_rate(n, &s, alpha, beta);
    for (size_t i = 0; i < s.count && n->status == STATUS_OK; i++) {
        uint32_t x = member(n, &s, 0, i), g = regularized(n, x, member(n, &s, 1, i));
        uint32_t v = combined(n, alpha, member(n, &s, 2, i), scaled(n, g, 1 - alpha));
        uint32_t square = scaled(n, emit2(n, OP_MUL, g, g), 1 - beta);
        uint32_t h = combined(n, beta, member(n, &s, 3, i), square);
        uint32_t y = descended(n, x, rate, emit2(n, OP_DIV, v, adapted(n, h)));
        set_output(n, i, scaled(n, y, 1 - post));
        set_output(n, s.count + i, v);
        set_output(n, 2 * s.count + i, h);
    }
}

/* Momentum: (R, T, X ..., G ..., V ...) */
void import_momentum(struct import_node *n)
{
    struct step s;
    if (!read_step(n, &s, 3))
        return;
    double alpha = attr_float(n, "alpha", 0), beta = attr_float(n, "beta", 0);
    const char *mode = attr_text(n, "mode", "");
    bool is_nesterov = strcmp(mode, "nesterov") == 0;
    if (!is_nesterov && strcmp(mode, "standard") != 0)
        rule_fail(n, STATUS_BAD_INPUT, "mode '%s', where standard or nesterov is expected", mode);
    /* T > 0 ? beta : 1 */
    uint32_t zero = constant_int(n, 0), first = constant_real(n, s.type, 1),
             later = constant_real(n, s.type, beta);
    uint32_t part = emit3(n, OP_WHERE, emit2(n, OP_GREATER, cast_to(n, s.turn, ELEMENT_I64), zero),
                          later, first);
    for (size_t i = 0; i < s.count && n->status == STATUS_OK; i++) {
        uint32_t x = member(n, &s, 0, i), g = regularized(n, x, member(n, &s, 1, i));
        uint32_t v = combined(n, alpha, member(n, &s, 2, i), emit2(n, OP_MUL, part, g));
        uint32_t step = is_nesterov ? combined(n, alpha, v, g) : v;
        set_output(n, i, descended(n, x, s.rate, step));
        set_output(n, s.count + i, v);
    }
}
