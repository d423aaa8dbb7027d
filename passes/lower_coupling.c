/*
 * Lowering of PairwiseCoupling (probabilities of SVMClassifier): the fixed-point iteration of Wu,
 * Lin and Weng as libsvm runs it.
 *
 * One step for class t: with s = pQp - (Qp)_t, p_t becomes (Q_tt p_t + s) / (Q_tt + s) and every
 * other p_j becomes Q_tt p_j / (Q_tt + s): libsvm's update written with one divisor. A run stops
 * when every |(Qp)_t - pQp| is below 0.005 / K; here all runs take ROUNDS rounds, a bit freezes p
 * once it has stopped, and the bit must be 1 at the end. Random pairwise probabilities of up to 10
 * classes stop within 5 rounds.
 */
#include <math.h>

#include "passes/lower_internal.h"

enum { ROUNDS = 6, CLASSES_MAX = 32 };

struct coupling {
    struct lowering *l;
    struct shape shape; /* [rows]: of every tensor here */
    int32_t g;          /* fraction of every tensor */
    size_t k;
    uint32_t q[CLASSES_MAX][CLASSES_MAX]; /* symmetric; off the diagonal with its sign turned */
};

/* a b + c d + ... of `count` pairs with the given signs, exact at 2 g bits. */
static uint32_t dot(struct coupling *c, const uint32_t *a, const uint32_t *b, const int64_t *sign,
                    size_t count, int32_t fraction)
{
    struct relation_term *terms = lowering_array(c->l, struct relation_term, count);
    for (size_t i = 0; i < count; i++)
        terms[i] = lowering_term_product(c->l, sign == NULL ? 1 : sign[i], a[i], b[i], &c->shape);
    return lowering_product(c->l, &c->shape, form_fixed(fraction), terms, count, wide_from_i64(0));
}

static uint32_t column(struct coupling *c, uint32_t r, size_t pair, size_t pairs)
{
    struct lowering *l = c->l;
    int64_t *list = lowering_array(l, int64_t, (size_t)c->shape.dim[0]);
    for (int64_t row = 0; row < c->shape.dim[0]; row++)
        list[row] = row * (int64_t)pairs + (int64_t)pair;
    return lowering_pick(l, r, &c->shape, list);
}

/* Q_tt = sum of r_jt^2, -Q_tj = r_jt r_tj, with r clamped to [1e-7, 1 - 1e-7] and r_ji = 1 - r_ij.
 */
static void make_matrix(struct coupling *c, uint32_t r)
{
    struct lowering *l = c->l;
    size_t pairs = c->k * (c->k - 1) / 2, pair = 0;
    uint32_t at[CLASSES_MAX][CLASSES_MAX] = {{0}};
    wide least = lowering_real(l, fmax(1e-7, ldexp(1, -c->g)), c->g),
         one = lowering_power_of_two(l, (unsigned)c->g), most;
    lowering_require_room(l, wide_sub(&most, one, least));
    r = lowering_at_most(l, lowering_at_least(l, lowering_to_fraction(l, r, c->g), least), most);
    for (size_t i = 0; i < c->k; i++) {
        for (size_t j = i + 1; j < c->k; j++, pair++) {
            at[i][j] = column(c, r, pair, pairs);
            at[j][i] = lowering_affine(l, -1, at[i][j], one);
        }
    }
    for (size_t t = 0; t < c->k; t++) {
        uint32_t squares[CLASSES_MAX];
        size_t count = 0;
        for (size_t j = 0; j < c->k; j++) {
            if (j != t)
                squares[count++] = at[j][t];
            if (j > t) {
                uint32_t product = dot(c, &at[j][t], &at[t][j], NULL, 1, 2 * c->g);
                c->q[t][j] = c->q[j][t] = lowering_to_fraction(l, product, c->g);
            }
        }
        c->q[t][t] = lowering_to_fraction(l, dot(c, squares, squares, NULL, count, 2 * c->g), c->g);
    }
}

/* pQp - (Qp)_t, rounded. */
static uint32_t slack(struct coupling *c, const uint32_t *p, size_t t)
{
    struct lowering *l = c->l;
    uint32_t qp[CLASSES_MAX];
    for (size_t i = 0; i < c->k; i++) {
        int64_t sign[CLASSES_MAX];
        for (size_t j = 0; j < c->k; j++)
            sign[j] = i == j ? 1 : -1;
        qp[i] = dot(c, c->q[i], p, sign, c->k, 2 * c->g);
    }
    uint32_t p_q_p = dot(c, p, qp, NULL, c->k, 3 * c->g);
    return lowering_to_fraction(l, lowering_sum2(l, &c->shape, p_q_p, 1, qp[t], -1), c->g);
}

/* 1 when every |pQp - (Qp)_t| is below 0.005 / K. */
static uint32_t has_stopped(struct coupling *c, const uint32_t *p)
{
    struct lowering *l = c->l;
    wide bound = lowering_real(l, floor(ldexp(0.005 / (double)c->k, c->g)), 0);
    uint32_t all = RELATION_NONE;
    for (size_t t = 0; t < c->k; t++) {
        uint32_t s = slack(c, p, t);
        for (int64_t sign = -1; sign <= 1; sign += 2) {
            uint32_t bit = lowering_is_not_negative(l, lowering_affine(l, sign, s, bound));
            all = all == RELATION_NONE ? bit : dot(c, &all, &bit, NULL, 1, 0);
        }
    }
    return all;
}

/* p after the step for class t. */
static void step(struct coupling *c, uint32_t *p, size_t t)
{
    struct lowering *l = c->l;
    uint32_t s = slack(c, p, t), divisor = lowering_sum2(l, &c->shape, c->q[t][t], 1, s, 1);
    struct range positive = {
        wide_from_i64(1),
        lowering_power_of_two(l, wide_bit_length(lowering_range_of(l, divisor).high))};
    struct range unit = {wide_from_i64(0), wide_from_i64(0)};
    lowering_require_room(
        l, wide_sub(&unit.high, lowering_power_of_two(l, (unsigned)c->g + 1), wide_from_i64(1)));
    divisor = lowering_restrict(l, divisor, positive);
    for (size_t j = 0; j < c->k; j++) {
        uint32_t num = dot(c, &p[j], &c->q[t][t], NULL, 1, 2 * c->g);
        if (j == t)
            num = lowering_sum2(l, &c->shape, num, 1, s, 1);
        p[j] = lowering_divide_floor(l, &c->shape, num, divisor, form_fixed(c->g), &unit, NULL);
    }
}

static uint32_t join(struct coupling *c, const uint32_t *p)
{
    struct lowering *l = c->l;
    struct shape out = shape_of(2, c->shape.dim[0], (int64_t)c->k);
    struct relation_term terms[CLASSES_MAX];
    for (size_t j = 0; j < c->k; j++) {
        struct relation_view view = {.tensor = p[j],
                                     .stride = {1, 0},
                                     .low = {0, (int64_t)j},
                                     .high = {out.dim[0], (int64_t)j + 1}};
        terms[j] = lowering_term_view(wide_from_i64(1), view);
    }
    return lowering_moved(l, &out, form_fixed(c->g), terms, c->k);
}

void check_pairwise_coupling(struct lowering *l)
{
    int64_t classes = lowering_output_shape(l, 0).dim[1];
    if (classes < 2 || classes > CLASSES_MAX)
        lowering_fail(l, STATUS_LIMIT,
                      "probabilities of %lld classes; take a model of 2 to %d classes, or one "
                      "without probabilities",
                      (long long)classes, CLASSES_MAX);
}

void lower_pairwise_coupling(struct lowering *l)
{
    struct shape out = lowering_output_shape(l, 0);
    struct coupling *c = lowering_array(l, struct coupling, 1);
    c->l = l;
    c->k = (size_t)out.dim[1];
    c->shape = shape_of(1, out.dim[0]);
    int32_t wanted = lowering_output_fraction(l, 0) + 6;
    c->g = wanted < 20 ? 20 : wanted > 36 ? 36 : wanted;
    make_matrix(c, lowering_input(l, 0));
    struct shape scalar = {0};
    wide equal = lowering_real(l, 1 / (double)c->k, c->g);
    uint32_t p[CLASSES_MAX], done = RELATION_NONE;
    for (size_t j = 0; j < c->k; j++)
        p[j] =
            lowering_expand(l, lowering_constant(l, &scalar, form_fixed(c->g), &equal), &c->shape);
    for (int round = 0; round <= ROUNDS; round++) {
        uint32_t stops = has_stopped(c, p);
        if (done != RELATION_NONE) {
            struct relation_term either[3] = {lowering_term_product(l, -1, done, stops, &c->shape),
                                              lowering_term(l, 1, done, &c->shape),
                                              lowering_term(l, 1, stops, &c->shape)};
            stops = lowering_product(l, &c->shape, form_integer(), either, 3, wide_from_i64(0));
        }
        done = stops;
        if (round == ROUNDS)
            break;
        uint32_t next[CLASSES_MAX];
        for (size_t j = 0; j < c->k; j++)
            next[j] = p[j];
        for (size_t t = 0; t < c->k; t++)
            step(c, next, t);
        for (size_t j = 0; j < c->k; j++)
            p[j] = lowering_select(l, &c->shape, done, p[j], next[j]);
    }
    lowering_enforce(l, done, range_of_i64(1, 1));
    lowering_output(l, 0, join(c, p));
}
