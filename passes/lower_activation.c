/*
 * Lowering of activation functions: elementwise, of one operand and attributes.
 *
 * A smooth function that goes to max(0, x) or to a constant on both sides is that limit plus a tail
 * that vanishes: a table of the tail on a bounded domain is all it takes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/rounded_math.h"
#include "passes/lower_smooth.h"

static const double ln2 = 0.69314718055994531;

uint32_t lowering_planned_input(struct lowering *l)
{
    return lowering_trim(l, lowering_input(l, 0), lowering_input_fraction(l, 0), 6);
}

/* ---- nodes that may share a table ---- */

/* Nodes whose planned fractions differ by at most so many bits. */
enum { ALIKE_BITS = 6 };

/* group: of the same operator. */
static bool is_alike(const struct lowering *l, const struct alike *group)
{
    int32_t in = group->in - lowering_input_fraction(l, 0),
            out = group->out - lowering_output_fraction(l, 0);
    return abs(in) <= ALIKE_BITS && abs(out) <= ALIKE_BITS;
}

/* Whether all that reads a value multiplies it, as it is or moved. */
static bool only_multiplies(const struct lowering *l, uint32_t v)
{
    for (size_t o = 0; o < l->graph->output_count; o++) {
        if (l->graph->outputs[o] == v)
            return false;
    }
    for (size_t u = l->uses.first[v]; u < l->uses.first[v + 1]; u++) {
        const struct graph_node *node = &l->graph->nodes[l->uses.item[u].node];
        uint32_t i = l->uses.item[u].operand;
        bool is_move = (op_info(node->op)->traits & TRAIT_MOVEMENT) != 0 && i == 0;
        for (size_t k = 0; is_move && k < node->output_count; k++)
            is_move = node->outputs[k] == GRAPH_NONE || only_multiplies(l, node->outputs[k]);
        bool is_product =
            i < 2 && (node->op == OP_MUL || node->op == OP_MAT_MUL || node->op == OP_GEMM);
        if (!is_move && !is_product)
            return false;
    }
    return true;
}

/*
 * What the node asks of a function whose value is its result. A value that is not rounded leaves
 * the error of the rounding to the table.
 */
static struct smooth_demand demand_of(const struct lowering *l)
{
    enum { ROUNDING_SHARE = 2 };
    struct smooth_demand demand = {.value_fraction = lowering_value_fraction(l),
                                   .fraction = lowering_value_fraction(l),
                                   .is_factor = only_multiplies(l, l->node->outputs[0])};
    int32_t more = 0;
    for (uint32_t g = l->alike_first[l->node->op]; g < l->alike_first[l->node->op + 1]; g++) {
        const struct alike *group = &l->alike[g];
        if (!is_alike(l, group))
            continue;
        int32_t above = group->out - lowering_output_fraction(l, 0);
        more = above > more ? above : more;
        demand.count += group->elements;
    }
    demand.fraction += more - (demand.is_factor ? ROUNDING_SHARE : 0);
    return demand;
}

/* Operand 0 with as many fraction bits as any node alike needs. */
static uint32_t shared_input(struct lowering *l)
{
    int32_t most = lowering_input_fraction(l, 0);
    for (uint32_t g = l->alike_first[l->node->op]; g < l->alike_first[l->node->op + 1]; g++) {
        if (is_alike(l, &l->alike[g]) && l->alike[g].in > most)
            most = l->alike[g].in;
    }
    return lowering_to_fraction(l, lowering_input(l, 0), most);
}

int32_t lowering_value_fraction(const struct lowering *l)
{
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    return fraction < 1 ? 1 : fraction;
}

uint32_t lowering_with_sign(struct lowering *l, uint32_t bit, uint32_t y)
{
    struct shape shape = lowering_shape(l, y);
    struct relation_term terms[2] = {lowering_term_product(l, 2, bit, y, &shape),
                                     lowering_term(l, -1, y, &shape)};
    return lowering_product(l, &shape, lowering_form(l, y), terms, 2, wide_from_i64(0));
}

/* x upwards to a multiple of 2^-SMOOTH_DOMAIN_SHIFT. */
static double domain_end(double x)
{
    return ldexp(ceil(ldexp(x, SMOOTH_DOMAIN_SHIFT)), -SMOOTH_DOMAIN_SHIFT);
}

/* exp(-far) < 2^-(fraction + 2) */
static double decay_end(int32_t fraction)
{
    return domain_end((fraction + 2) * ln2);
}

/* exp(-far^2 / scale) < 2^-(fraction + 2) */
static double bell_end(int32_t fraction, double scale)
{
    return domain_end(sqrt(scale * (fraction + 2) * ln2));
}

/* ---- logistic functions ---- */

/* num / (1 + e) in [0, 1], e in [0, 1]. */
static uint32_t over_one_plus(struct lowering *l, uint32_t num, uint32_t e, int32_t fraction)
{
    int32_t own = lowering_fraction(l, e);
    struct shape shape = lowering_shape(l, e);
    uint32_t d = lowering_affine(l, 1, e, lowering_power_of_two(l, (unsigned)own));
    struct relation_term term =
        lowering_term_wide(l, lowering_power_of_two(l, (unsigned)fraction), num, &shape);
    uint32_t scaled =
        lowering_linear(l, &shape, form_fixed(own + fraction), &term, 1, wide_from_i64(0));
    struct range unit =
        range_round_up(range_make(wide_from_i64(0), lowering_power_of_two(l, (unsigned)fraction)));
    return lowering_divide_floor(l, &shape, scaled, d, form_fixed(fraction), &unit, NULL);
}

/*
 * A quotient of exponentials has small tables and takes many rows an element: what a few elements
 * are better served by.
 */
static bool quotient_is_cheaper(struct lowering *l, uint32_t x, enum smooth_shape shape, double far,
                                const struct smooth_demand *demand)
{
    enum { ELEMENT_ROWS = 35 };
    double rows = lowering_exp_rows(l) / fmax(demand->count, 1) + ELEMENT_ROWS;
    return rows < lowering_shaped_rows(l, shape, TABLE_LOGISTIC_TAIL, x, far, demand);
}

/* exp(-factor |x|) and the bit x >= 0. */
static uint32_t decay(struct lowering *l, uint32_t x, int64_t factor, int32_t fraction,
                      uint32_t *bit)
{
    uint32_t magnitude = lowering_absolute(l, x, bit);
    return lowering_exp(l, lowering_affine(l, -factor, magnitude, wide_from_i64(0)), 0, fraction);
}

/* 1 / (1 + e) for x >= 0, e / (1 + e) below, e = exp(-|x|). */
static uint32_t sigmoid_by_quotient(struct lowering *l, uint32_t x, int32_t fraction)
{
    int32_t inner = fraction + 2;
    struct shape shape = lowering_shape(l, x);
    struct bound_scope scope = lowering_open_bound(l, x);
    uint32_t bit, e = decay(l, x, 1, inner, &bit);
    wide one = lowering_power_of_two(l, (unsigned)inner);
    struct relation_term terms[3] = {lowering_term_product(l, -1, bit, e, &shape),
                                     lowering_term_wide(l, one, bit, &shape),
                                     lowering_term(l, 1, e, &shape)};
    uint32_t num = lowering_product(l, &shape, form_fixed(inner), terms, 3, wide_from_i64(0));
    uint32_t y = over_one_plus(l, num, e, fraction);
    /* e / (1 + e) is no steeper than 1 in e, and the quotient is rounded down. */
    lowering_state_function(l, y, e, 1, ldexp(1, -fraction));
    double own = lowering_error(l, y);
    lowering_close_bound(l, &scope, &(struct bound_result){y, 0.25, 1}, 1);
    lowering_limit(l, y, bound_add(1, own), 1);
    return y;
}

void lower_sigmoid(struct lowering *l)
{
    struct smooth_demand demand = demand_of(l);
    uint32_t x = shared_input(l);
    double far = decay_end(demand.fraction);
    if (quotient_is_cheaper(l, x, SMOOTH_LOGISTIC, far, &demand))
        lowering_output(l, 0, sigmoid_by_quotient(l, x, demand.value_fraction));
    else
        lowering_output(l, 0,
                        lowering_shaped(l, SMOOTH_LOGISTIC, TABLE_LOGISTIC_TAIL, x, far, &demand));
}

/* sign(x) (1 - e) / (1 + e), e = exp(-2 |x|) */
static uint32_t tanh_by_quotient(struct lowering *l, uint32_t x, int32_t fraction)
{
    int32_t inner = fraction + 3;
    struct bound_scope scope = lowering_open_bound(l, x);
    uint32_t bit, e = decay(l, x, 2, inner, &bit);
    uint32_t num = lowering_affine(l, -1, e, lowering_power_of_two(l, (unsigned)inner)),
             y = over_one_plus(l, num, e, fraction);
    y = lowering_with_sign(l, bit, y);
    /* (1 - e) / (1 + e) is no steeper than 2 in e. */
    lowering_state_function(l, y, e, 2, ldexp(1, -fraction));
    double own = lowering_error(l, y);
    lowering_close_bound(l, &scope, &(struct bound_result){y, 1, 2}, 1);
    lowering_limit(l, y, bound_add(1, own), 1);
    return y;
}

static uint32_t tanh_of(struct lowering *l, uint32_t x, const struct smooth_demand *demand)
{
    double far = domain_end(decay_end(demand->fraction + 1) / 2);
    return quotient_is_cheaper(l, x, SMOOTH_LOGISTIC_ODD, far, demand)
               ? tanh_by_quotient(l, x, demand->value_fraction)
               : lowering_shaped(l, SMOOTH_LOGISTIC_ODD, TABLE_LOGISTIC_TAIL, x, far, demand);
}

uint32_t lowering_tanh(struct lowering *l, uint32_t x, int32_t fraction)
{
    struct smooth_demand demand = {.count = (double)lowering_tensor(l, x)->count,
                                   .fraction = fraction,
                                   .value_fraction = fraction};
    return tanh_of(l, x, &demand);
}

void lower_tanh(struct lowering *l)
{
    struct smooth_demand demand = demand_of(l);
    lowering_output(l, 0, tanh_of(l, shared_input(l), &demand));
}

void lower_softplus(struct lowering *l)
{
    struct smooth_demand demand = demand_of(l);
    lowering_output(l, 0,
                    lowering_shaped(l, SMOOTH_RAMP_PLUS, TABLE_SOFTPLUS_TAIL, shared_input(l),
                                    decay_end(demand.fraction), &demand));
}

/* x / (1 + |x|) */
void lower_softsign(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    struct bound_scope scope = lowering_open_bound(l, x);
    uint32_t magnitude = lowering_absolute(l, x, NULL);
    struct shape shape = lowering_shape(l, x);
    int32_t own = lowering_fraction(l, x);
    uint32_t d =
        lowering_affine(l, 1, magnitude, lowering_power_of_two(l, own < 0 ? 0 : (unsigned)own));
    uint32_t y = lowering_divide(l, &shape, x, d, lowering_value_fraction(l), NULL, NULL);
    lowering_close_bound(l, &scope, &(struct bound_result){y, 1, 2}, 1);
    lowering_output(l, 0, y);
}

/* ---- the error function and what is made from it ---- */

void lower_erf(struct lowering *l)
{
    struct smooth_demand demand = demand_of(l);
    lowering_output(l, 0,
                    lowering_shaped(l, SMOOTH_ODD, TABLE_ERF, shared_input(l),
                                    bell_end(demand.fraction, 1), &demand));
}

void lower_gelu(struct lowering *l)
{
    struct smooth_demand demand = demand_of(l);
    bool by_tanh = strcmp(graph_attribute_text(l->node, "approximate", "none"), "tanh") == 0;
    lowering_output(l, 0,
                    lowering_shaped(l, SMOOTH_RAMP_LESS,
                                    by_tanh ? TABLE_GELU_TANH_TAIL : TABLE_GELU_TAIL,
                                    shared_input(l), bell_end(demand.fraction + 1, 2), &demand));
}

/* ---- a line times a logistic function ---- */

/* x / (1 + exp(-alpha x)) = swish(z) / alpha, z = alpha x */
void lower_swish(struct lowering *l)
{
    double alpha = lowering_attribute_float(l, "alpha", 1);
    uint32_t x = lowering_planned_input(l);
    if (alpha == 0) {
        lowering_output(l, 0, lowering_in_units(l, x, lowering_fraction(l, x) + 1));
        return;
    }
    int exponent = 0;
    frexp(alpha, &exponent);
    /* The division by alpha makes errors 1 / alpha times as large. */
    int32_t fraction = lowering_value_fraction(l) + (exponent < 1 ? 1 - exponent : 0),
            own = lowering_fraction(l, x) + (exponent > 0 ? exponent : 0);
    struct bound_scope scope = lowering_open_bound(l, x);
    uint32_t z = alpha == 1 ? x : lowering_trim(l, lowering_scale(l, x, alpha), own + 2, 1);
    struct smooth_demand demand = demand_of(l);
    demand.fraction = demand.value_fraction = fraction;
    uint32_t y =
        lowering_shaped(l, SMOOTH_RAMP_LESS, TABLE_SWISH_TAIL, z, decay_end(fraction + 6), &demand);
    if (alpha != 1) {
        y = lowering_scale(l, y, 1 / alpha);
        /* 1 / alpha was rounded to float64. */
        lowering_widen_error(l, y, ldexp(bound_add(lowering_bound(l, y)->most, 1), -52));
    }
    lowering_close_bound(l, &scope,
                         &(struct bound_result){y, smooth_ramp_slope(TABLE_SWISH_TAIL), 0}, 1);
    lowering_output(l, 0, y);
}

/* Below zero the tail is about x exp x, above -2 x exp(-2 x). */
void lower_mish(struct lowering *l)
{
    struct smooth_demand demand = demand_of(l);
    double far = 2 * domain_end(decay_end(demand.fraction + 6) / 2);
    lowering_output(
        l, 0,
        lowering_shaped(l, SMOOTH_RAMP_SIGNED, TABLE_MISH_TAIL, shared_input(l), far, &demand));
}

/* ---- exponential below zero ---- */

/* Bits of |c| above the point. */
static int32_t whole_bits(double c)
{
    int exponent = 0;
    frexp(c, &exponent);
    return exponent < 0 ? 0 : exponent;
}

/* positive max(0, x) + negative (exp(min(0, x / scale)) - 1) */
static void ramp_and_exp(struct lowering *l, double positive, double negative, double scale)
{
    uint32_t x = lowering_planned_input(l);
    int32_t fraction = lowering_value_fraction(l) + whole_bits(negative),
            own = lowering_fraction(l, x) + whole_bits(1 / scale);
    struct shape shape = lowering_shape(l, x);
    struct bound_scope scope = lowering_open_bound(l, x);
    uint32_t z = scale == 1 ? x : lowering_trim(l, lowering_scale(l, x, 1 / scale), own + 2, 1);
    /* 1 / scale was rounded to float64. */
    if (scale != 1)
        lowering_widen_error(l, z, ldexp(bound_add(lowering_bound(l, z)->most, 1), -52));
    struct smooth_domain domain = {-decay_end(fraction), 0, true, true};
    uint32_t below = lowering_smooth(l, TABLE_EXP_MINUS_1, z, domain, fraction),
             above = lowering_at_least(l, x, wide_from_i64(0));
    if (positive != 1)
        above = lowering_scale(l, above, positive);
    if (negative != 1)
        below = lowering_scale(l, below, negative);
    uint32_t y = lowering_sum2(l, &shape, above, 1, below, 1);
    /* Below its domain the exponential is taken as constant, and it is no more than that. */
    double left = bound_mul(fabs(negative), rounded_exp(domain.low) * (1 + 0x1p-50)),
           steep = fmax(fabs(positive), bound_div(fabs(negative), scale));
    lowering_widen_error(l, y, bound_scale(left, lowering_fraction(l, y)));
    lowering_close_bound(l, &scope, &(struct bound_result){y, steep, 0}, 1);
    lowering_output(l, 0, y);
}

void lower_elu(struct lowering *l)
{
    ramp_and_exp(l, 1, lowering_attribute_float(l, "alpha", 1), 1);
}

void check_celu(struct lowering *l)
{
    double alpha = lowering_attribute_float(l, "alpha", 1);
    if (!(alpha > 0))
        lowering_fail(l, STATUS_UNSUPPORTED, "alpha = %g; give it a positive one", alpha);
}

void lower_celu(struct lowering *l)
{
    double alpha = lowering_attribute_float(l, "alpha", 1);
    ramp_and_exp(l, 1, alpha, alpha);
}

void lower_selu(struct lowering *l)
{
    double alpha = lowering_attribute_float(l, "alpha", 1.67326319217681884765625),
           gamma = lowering_attribute_float(l, "gamma", 1.05070102214813232421875);
    ramp_and_exp(l, gamma, gamma * alpha, 1);
}

/* ---- lines with corners ---- */

/* max(0, min(1, alpha x + beta)) */
void lower_hard_sigmoid(struct lowering *l)
{
    enum { BETA_BITS = 40 };
    double alpha = lowering_attribute_float(l, "alpha", (double)0.2f),
           beta = lowering_attribute_float(l, "beta", 0.5);
    uint32_t line = lowering_scale(l, lowering_planned_input(l), alpha);
    if (lowering_fraction(l, line) < BETA_BITS)
        line = lowering_to_fraction(l, line, BETA_BITS);
    int32_t own = lowering_fraction(l, line);
    line = lowering_affine(l, 1, line, lowering_real(l, beta, own));
    lowering_widen_error(l, line, lowering_real_off(beta, own));
    line = lowering_trim(l, line, lowering_value_fraction(l), 4);
    own = lowering_fraction(l, line);
    line = lowering_at_least(l, line, wide_from_i64(0));
    lowering_output(l, 0, lowering_at_most(l, line, lowering_power_of_two(l, (unsigned)own)));
}

/* x > bound, for a real bound. */
static uint32_t is_above(struct lowering *l, uint32_t x, double bound)
{
    /* The first integer above the bound, less one. */
    wide minus = lowering_real(l, floor(ldexp(bound, lowering_fraction(l, x))), 0), first;
    lowering_require_room(l, wide_neg(&minus, minus) && wide_sub(&first, minus, wide_from_i64(1)));
    return lowering_is_not_negative(l, lowering_affine(l, 1, x, first));
}

/* x > alpha ? x : 0 */
void lower_thresholded_relu(struct lowering *l)
{
    uint32_t x = lowering_trim(l, lowering_input(l, 0), lowering_output_fraction(l, 0), 6);
    uint32_t bit = is_above(l, x, lowering_attribute_float(l, "alpha", 1));
    lowering_output(l, 0, lowering_times(l, bit, x));
}

/* x < -lambd ? x + bias : x > lambd ? x - bias : 0 */
void lower_shrink(struct lowering *l)
{
    double lambd = lowering_attribute_float(l, "lambd", 0.5),
           bias = lowering_attribute_float(l, "bias", 0);
    uint32_t x = lowering_trim(l, lowering_input(l, 0), lowering_output_fraction(l, 0), 6);
    struct shape shape = lowering_shape(l, x);
    uint32_t minus = lowering_affine(l, -1, x, wide_from_i64(0)), above = is_above(l, x, lambd),
             below = is_above(l, minus, lambd);
    /* The first rule that holds decides: a negative lambd makes both hold. */
    if (lambd < 0) {
        struct relation_term terms[2] = {lowering_term_product(l, -1, above, below, &shape),
                                         lowering_term(l, 1, above, &shape)};
        above = lowering_product(l, &shape, form_integer(), terms, 2, wide_from_i64(0));
    }
    int32_t own = lowering_fraction(l, x), bits = own < 30 ? 30 : own;
    x = lowering_to_fraction(l, x, bits);
    struct relation_term terms[2] = {lowering_term_product(l, 1, above, x, &shape),
                                     lowering_term_product(l, 1, below, x, &shape)};
    uint32_t y = lowering_product(l, &shape, form_fixed(bits), terms, 2, wide_from_i64(0));
    struct relation_term shifted[3] = {
        lowering_term(l, 1, y, &shape),
        lowering_term_wide(l, lowering_real(l, -bias, bits), above, &shape),
        lowering_term_wide(l, lowering_real(l, bias, bits), below, &shape)};
    if (bias != 0) {
        y = lowering_linear(l, &shape, form_fixed(bits), shifted, 3, wide_from_i64(0));
        lowering_widen_error(l, y, lowering_real_off(bias, bits));
    }
    lowering_output(l, 0, y);
}
