/*
 * Lowering of smooth functions of all real numbers; see lower_smooth.h for what they are and
 * lower_smooth.c for the polynomials.
 *
 * Three ways with one meaning up to rounding. By magnitude: sign bit, |x|, a tail on [0, far), its
 * limit beyond; the smallest table. Direct: one table over the whole range of x, which takes
 * neither sign nor comparison. In two steps: a table of wide steps says for each x whether it lies
 * in the domain of the fine table (then where) or beyond it (then which end), and, for ramps, its
 * sign.
 */
#include <math.h>

#include "passes/lower_smooth.h"

enum way { BY_MAGNITUDE, DIRECT, IN_TWO_STEPS };

struct shaped {
    enum smooth_shape shape;
    enum table_function tail;
    double far;
    bool has_ramp;
    double count; /* elements that share the tables */
    double reach; /* how far their arguments go */
    /* chosen */
    enum way way;
    double rows;
    struct smooth_pieces pieces;
    unsigned step_bits;  /* a wide step is 2^step_bits pieces */
    int64_t first, last; /* wide steps in the range of x */
    bool ramp_in_table;
};

static bool is_ramp(enum smooth_shape shape)
{
    return shape == SMOOTH_RAMP_LESS || shape == SMOOTH_RAMP_PLUS || shape == SMOOTH_RAMP_SIGNED;
}

/* ---- entries ---- */

/* P(u) becomes P(1 - u). */
static void mirror(int64_t *c, unsigned degree)
{
    int64_t in[4] = {0};
    for (unsigned k = 0; k <= degree; k++)
        in[k] = c[k];
    const int64_t out[4] = {in[0] + in[1] + in[2] + in[3], -(in[1] + 2 * in[2] + 3 * in[3]),
                            in[2] + 3 * in[3], -in[3]};
    for (unsigned k = 0; k <= degree; k++)
        c[k] = out[k];
}

/* The tail on one piece of x: constant from `high` on, and below `low` where the tail has a sign.
 */
static void fill_tail(const struct shaped *s, const struct smooth_pieces *p, int64_t piece,
                      int64_t *entry)
{
    bool is_signed = s->shape == SMOOTH_RAMP_SIGNED, is_below = piece < 0 && !is_signed;
    unsigned shift = s->shape == SMOOTH_LOGISTIC_ODD ? p->shift - 1 : p->shift;
    int64_t m = is_below ? -piece - 1 : piece;
    if (m >= p->high || (is_signed && m < p->low)) {
        smooth_constant(s->tail, m >= p->high ? p->high : p->low, shift, p, entry);
        return;
    }
    table_polynomial(s->tail, m, shift, p->degree, p->bits, entry);
    if (is_below && p->degree > 0)
        mirror(entry, p->degree);
    else if (is_below)
        /* One number a piece: its own end, not the next one's. */
        table_polynomial(s->tail, m + 1, shift, 0, p->bits, entry);
}

static void scale_entry(int64_t *entry, unsigned degree, int64_t factor, int64_t constant)
{
    for (unsigned k = 0; k <= degree; k++)
        entry[k] *= factor;
    entry[0] += constant;
}

static void fill_shaped(const void *context, const struct smooth_pieces *p, int64_t piece,
                        int64_t *entry)
{
    const struct shaped *s = context;
    int64_t sign = piece < 0 ? -1 : 1, one = (int64_t)1 << p->bits;
    fill_tail(s, p, piece, entry);
    switch (s->shape) {
    case SMOOTH_ODD:
        scale_entry(entry, p->degree, sign, 0);
        break;
    case SMOOTH_LOGISTIC:
        scale_entry(entry, p->degree, -sign, piece < 0 ? 0 : one);
        break;
    case SMOOTH_LOGISTIC_ODD:
        scale_entry(entry, p->degree, -2 * sign, sign * one);
        break;
    case SMOOTH_RAMP_LESS:
        scale_entry(entry, p->degree, -1, 0);
        break;
    case SMOOTH_RAMP_PLUS:
    case SMOOTH_RAMP_SIGNED:
        break;
    }
    if (!s->ramp_in_table || piece < 0)
        return;
    entry[0] += piece << (p->bits - (int32_t)p->shift);
    if (p->degree > 0)
        entry[1] += (int64_t)1 << (p->bits - (int32_t)p->shift);
}

/* ---- choice ---- */

static const char *shaped_key(struct lowering *l, const struct shaped *s)
{
    const char *key = arena_printf(l->arena, "%s as shape %d to %g%s", smooth_name(s->tail),
                                   (int)s->shape, s->far, s->ramp_in_table ? " with its ramp" : "");
    if (key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    return key;
}

/* Pieces of x; the argument of a logistic tail grows twice as fast, and so does its share. */
static struct smooth_pieces pieces_for(const struct lowering *l, const struct shaped *s, uint32_t x,
                                       unsigned degree, int32_t fraction)
{
    if (s->shape != SMOOTH_LOGISTIC_ODD)
        return smooth_pieces_of(l, s->tail, x, degree, fraction);
    struct smooth_pieces p = smooth_pieces_of(l, s->tail, x, degree, fraction + 1);
    if (p.rest_bits > 0) {
        p.shift++;
        p.rest_bits--;
        p.degree = p.rest_bits == 0 ? 0 : p.degree;
    }
    return p;
}

static struct smooth_domain tail_domain(const struct shaped *s)
{
    double far = s->shape == SMOOTH_LOGISTIC_ODD ? 2 * s->far : s->far;
    if (s->shape == SMOOTH_RAMP_SIGNED)
        return (struct smooth_domain){-far, far / 2, true, true};
    return (struct smooth_domain){0, far, false, true};
}

/* The range of the tail's argument: of |x|, or of x where the tail has both sides. */
static struct range tail_range(const struct shaped *s, struct range x)
{
    if (s->shape == SMOOTH_RAMP_SIGNED)
        return x;
    struct range mirrored;
    ASSERT(range_scale(&mirrored, x, wide_from_i64(-1)));
    return range_make(wide_from_i64(0), range_hull(x, mirrored).high);
}

static void keep_better(struct shaped *best, const struct shaped *candidate)
{
    if (candidate->rows < best->rows)
        *best = *candidate;
}

/* Pieces of the domain on both sides of zero. */
static void set_ends(const struct shaped *s, struct smooth_pieces *p)
{
    bool is_signed = s->shape == SMOOTH_RAMP_SIGNED;
    p->high = smooth_piece_of_real(is_signed ? s->far / 2 : s->far, p->shift);
    p->low = -smooth_piece_of_real(s->far, p->shift);
}

static double entry_rows(struct lowering *l, const struct shaped *s)
{
    const struct smooth_pieces *p = &s->pieces;
    return smooth_has_table(l, p, shaped_key(l, s))
               ? 0
               : smooth_table_rows(l, (p->degree + 1) * (double)(p->last - p->first + 1));
}

/* Whether there are at most `most` pieces from `first` to `last`, none beyond what is counted. */
static bool is_few(int64_t first, int64_t last, int64_t most)
{
    return first > -SMOOTH_PIECE_FAR && last < SMOOTH_PIECE_FAR && last - first < most;
}

/* Whether the ramp of the last piece, added to its entry, has a place in it. */
static bool ramp_fits(const struct shaped *s)
{
    enum { RAMP_BITS_MAX = 61 };
    const struct smooth_pieces *p = &s->pieces;
    return p->bits >= (int32_t)p->shift &&
           (!s->ramp_in_table ||
            ldexp((double)p->last, p->bits - (int32_t)p->shift) < ldexp(1, RAMP_BITS_MAX));
}

/* Takes pieces from `first` to `last`, when the tables are not too large. */
static void consider_pieces(struct lowering *l, struct shaped *best, const struct shaped *from,
                            int64_t first, int64_t last)
{
    struct shaped s = *from;
    s.pieces.first = first;
    s.pieces.last = last;
    if (!is_few(first, last, SMOOTH_ENTRIES_MAX) || !ramp_fits(&s))
        return;
    s.rows = entry_rows(l, &s) / s.count + smooth_element_rows(s.pieces.degree);
    keep_better(best, &s);
}

/* Notes how far arguments go; returns how far those go that share a table with them. */
static double reach_of(struct lowering *l, const struct shaped *s, double need)
{
    struct table_store *store = l->options->store;
    unsigned function = (unsigned)s->shape * TABLE_FUNCTION_COUNT + (unsigned)s->tail;
    struct table_reach *near = NULL;
    for (size_t i = 0; store != NULL && i < store->reach_count; i++) {
        struct table_reach *reach = &store->reaches[i];
        if (reach->function != function || reach->widest > TABLE_REACH_RATIO * need)
            continue;
        if (reach->widest >= need)
            return reach->widest;
        if (reach->widest * TABLE_REACH_RATIO >= need)
            near = reach;
    }
    if (store == NULL)
        return need;
    if (near == NULL) {
        void *array = store->reaches;
        lowering_grow_in(l, store->arena, &array, &store->reach_capacity, store->reach_count + 1,
                         sizeof *store->reaches);
        store->reaches = array;
        near = &store->reaches[store->reach_count++];
        *near = (struct table_reach){.function = function};
    }
    near->widest = need;
    store->has_grown = true;
    return need;
}

/* x up to the next of 8 steps an octave. */
static double rounded_reach(double x)
{
    enum { STEP_BITS = 4 };
    int exponent = 0;
    frexp(x, &exponent);
    return ldexp(ceil(ldexp(x, STEP_BITS - exponent)), exponent - STEP_BITS);
}

/* The range of x as it is; and, for a table that others use as well, as far as any of them goes. */
static void consider_direct(struct lowering *l, struct shaped *best, uint32_t x, unsigned degree,
                            int32_t fraction)
{
    struct shaped s = *best;
    struct range range = lowering_range_of(l, x);
    s.pieces = pieces_for(l, &s, x, degree, fraction);
    set_ends(&s, &s.pieces);
    int64_t first = smooth_piece_at(range.low, s.pieces.rest_bits),
            last = smooth_piece_at(range.high, s.pieces.rest_bits);
    s.ramp_in_table = s.has_ramp;
    s.way = DIRECT;
    if (s.reach < SMOOTH_ENTRIES_MAX) {
        int64_t end = (int64_t)ceil(ldexp(s.reach, (int)s.pieces.shift));
        consider_pieces(l, best, &s, -end, end - 1);
    }
    s.count = fmax((double)lowering_tensor(l, x)->count, 1);
    consider_pieces(l, best, &s, first, last);
}

static void consider_two_steps(struct lowering *l, struct shaped *best, uint32_t x, unsigned degree,
                               int32_t fraction)
{
    enum { STEPS_MAX = 2048, STEP_ROWS = 5 };
    struct shaped s = *best;
    struct range range = lowering_range_of(l, x);
    struct smooth_pieces *p = &s.pieces;
    *p = pieces_for(l, &s, x, degree, fraction);
    set_ends(&s, p);
    if (p->shift < SMOOTH_DOMAIN_SHIFT)
        return;
    /* The ends of the domain are multiples of a step. */
    s.step_bits = p->shift - SMOOTH_DOMAIN_SHIFT;
    s.first = smooth_piece_at(range.low, p->rest_bits + s.step_bits);
    s.last = smooth_piece_at(range.high, p->rest_bits + s.step_bits);
    p->first = p->low - 1;
    p->last = p->high;
    s.ramp_in_table = false;
    if (!is_few(s.first, s.last, STEPS_MAX) || !is_few(p->first, p->last, SMOOTH_ENTRIES_MAX))
        return;
    s.way = IN_TWO_STEPS;
    double own = fmax((double)lowering_tensor(l, x)->count, 1);
    double steps = smooth_table_rows(l, (s.has_ramp ? 3 : 2) * (double)(s.last - s.first + 1));
    s.rows = entry_rows(l, &s) / s.count + steps / own + smooth_element_rows(p->degree) +
             STEP_ROWS + (s.has_ramp ? 2 : 0);
    keep_better(best, &s);
}

static struct shaped choose_way(struct lowering *l, enum smooth_shape shape,
                                enum table_function tail, uint32_t x, double far,
                                const struct smooth_demand *demand)
{
    enum { SIGN_ROWS = 8 };
    struct shaped s = {.shape = shape, .tail = tail, .far = far, .has_ramp = is_ramp(shape)};
    int32_t fraction = demand->fraction < 1 ? 1 : demand->fraction;
    double own = fmax((double)lowering_tensor(l, x)->count, 1);
    s.count = fmax(own, demand->count);
    struct range range = lowering_range_of(l, x);
    double need = fmax(-wide_to_double(range.low), wide_to_double(range.high) + 1);
    s.reach = rounded_reach(reach_of(l, &s, ldexp(fmax(need, 1), -lowering_fraction(l, x))));
    s.rows =
        lowering_smooth_rows(l, tail, x, tail_range(&s, range), tail_domain(&s), fraction) / own +
        SIGN_ROWS;
    for (unsigned degree = 1; degree <= 3; degree++) {
        consider_direct(l, &s, x, degree, fraction);
        consider_two_steps(l, &s, x, degree, fraction);
    }
    return s;
}

/* ---- proven errors ---- */

/* Largest slope of the whole function, a little above: 1 / 4 and 1 for logistic shapes, else that
 * of the function that the tail belongs to. */
static double slope_of(const struct shaped *s)
{
    switch (s->shape) {
    case SMOOTH_LOGISTIC:
        return smooth_derivative_bound(s->tail, 1);
    case SMOOTH_LOGISTIC_ODD:
        return 4 * smooth_derivative_bound(s->tail, 1);
    case SMOOTH_ODD:
        return smooth_derivative_bound(s->tail, 1);
    case SMOOTH_RAMP_LESS:
    case SMOOTH_RAMP_PLUS:
    case SMOOTH_RAMP_SIGNED:
        break;
    }
    return smooth_ramp_slope(s->tail);
}

/* |f| at an end of the domain, not rounded down. */
static double size_at(enum table_function f, double x)
{
    enum { BITS = 60 };
    wide value = table_number(f, (int64_t)ldexp(x, SMOOTH_DOMAIN_SHIFT), SMOOTH_DOMAIN_SHIFT, BITS);
    return ldexp(bound_add(bound_of_wide(value), 1), -BITS);
}

/* What a tail may still change beyond the ends of its domain, where it falls to 0 (erf: rises to
 * 1). */
static double left_beyond(const struct shaped *s)
{
    struct smooth_domain domain = tail_domain(s);
    double above = size_at(s->tail, domain.high);
    if (s->shape == SMOOTH_ODD)
        return fmax(0, 1 - above) + 0x1p-58;
    return s->shape == SMOOTH_RAMP_SIGNED ? fmax(above, size_at(s->tail, domain.low)) : above;
}

/* How far the value is from the function for an exact argument: `tail` is what the tail is off by,
 * and a logistic function that is odd has twice the tail. */
static double shaped_error(const struct shaped *s, double tail)
{
    double error = bound_add(tail, left_beyond(s));
    return s->shape == SMOOTH_LOGISTIC_ODD ? 2 * error : error;
}

/* ---- by magnitude ---- */

/* The tail of |x|, or of x where it has a sign, put together with what it is the tail of. *off
 * receives the error of the tail. */
static uint32_t by_magnitude(struct lowering *l, const struct shaped *s, uint32_t x,
                             int32_t fraction, double *off)
{
    uint32_t bit, argument = x;
    struct shape shape = lowering_shape(l, x);
    if (s->shape == SMOOTH_RAMP_SIGNED)
        bit = lowering_is_not_negative(l, x);
    else
        argument = lowering_absolute(l, x, &bit);
    bool is_twice = s->shape == SMOOTH_LOGISTIC_ODD;
    if (is_twice)
        argument = lowering_in_units(l, argument, lowering_fraction(l, x) - 1);
    uint32_t t = lowering_smooth(l, s->tail, argument, tail_domain(s), fraction + is_twice);
    *off = lowering_error(l, t);
    if (s->has_ramp)
        return lowering_sum2(l, &shape, lowering_times(l, bit, x), 1, t,
                             s->shape == SMOOTH_RAMP_LESS ? -1 : 1);
    wide one = lowering_power_of_two(l, (unsigned)fraction);
    if (s->shape == SMOOTH_LOGISTIC) {
        struct relation_term terms[3] = {lowering_term_product(l, -2, bit, t, &shape),
                                         lowering_term_wide(l, one, bit, &shape),
                                         lowering_term(l, 1, t, &shape)};
        return lowering_product(l, &shape, form_fixed(fraction), terms, 3, wide_from_i64(0));
    }
    if (is_twice)
        t = lowering_affine(l, -1, lowering_in_units(l, t, fraction), one);
    return lowering_with_sign(l, bit, t);
}

/* ---- by tables alone ---- */

/* The piece of each element, and the rest when pieces are wider than the last place. */
static uint32_t piece_of(struct lowering *l, uint32_t x, const struct smooth_pieces *p,
                         uint32_t *rest)
{
    *rest = RELATION_NONE;
    return p->rest_bits == 0 ? lowering_in_units(l, x, 0)
                             : lowering_rescale(l, x, lowering_power_of_two(l, p->rest_bits),
                                                ROUND_FLOOR, form_integer(), NULL, rest);
}

/*
 * Wide step to the place in the fine table: within the domain piece = 1 sub + first piece of the
 * step; beyond an end piece = 0 sub + the entry of that end. Third output: x >= 0.
 */
static void look_up_step(struct lowering *l, const struct shaped *s, uint32_t step, uint32_t *out)
{
    const struct smooth_pieces *p = &s->pieces;
    size_t size = (size_t)(s->last - s->first + 1);
    struct relation_table table = {
        .key = arena_printf(l->arena, "steps of 2^%u pieces from %lld, %zu, within %lld to %lld%s",
                            s->step_bits, (long long)s->first, size, (long long)p->low,
                            (long long)p->high, s->has_ramp ? ", sign" : ""),
        .x_low = s->first,
        .size = size,
        .output_count = s->has_ramp ? 3 : 2};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    int64_t *entries[3];
    for (unsigned k = 0; k < 3; k++) {
        entries[k] = lowering_array(l, int64_t, size);
        table.outputs[k] = entries[k];
    }
    for (size_t i = 0; i < size; i++) {
        int64_t first = (s->first + (int64_t)i) * ((int64_t)1 << s->step_bits);
        bool is_within = first >= p->low && first < p->high;
        entries[0][i] = is_within;
        entries[1][i] = is_within ? first : first < p->low ? p->first : p->last;
        entries[2][i] = first >= 0;
    }
    struct form forms[3] = {form_integer(), form_integer(), form_integer()};
    lowering_table(l, &table, step, forms, out);
}

/* The value, not rounded. */
static uint32_t by_tables(struct lowering *l, const struct shaped *s, uint32_t x)
{
    uint32_t rest, c[4], steps[3] = {0}, piece = piece_of(l, x, &s->pieces, &rest);
    struct shape shape = lowering_shape(l, x);
    if (s->way == IN_TWO_STEPS) {
        uint32_t sub = RELATION_NONE, step = piece;
        if (s->step_bits > 0)
            step = lowering_rescale(l, piece, lowering_power_of_two(l, s->step_bits), ROUND_FLOOR,
                                    form_integer(), NULL, &sub);
        look_up_step(l, s, step, steps);
        piece = steps[1];
        if (sub != RELATION_NONE) {
            struct relation_term terms[2] = {lowering_term_product(l, 1, steps[0], sub, &shape),
                                             lowering_term(l, 1, steps[1], &shape)};
            piece = lowering_product(l, &shape, form_integer(), terms, 2, wide_from_i64(0));
        }
    }
    smooth_look_up(l, &s->pieces, shaped_key(l, s), fill_shaped, s, piece, c);
    uint32_t y = smooth_polynomial(l, &s->pieces, c, rest);
    if (s->way == DIRECT || !s->has_ramp)
        return y;
    return lowering_sum2(l, &shape, lowering_times(l, steps[2], x), 1, y, 1);
}

double lowering_shaped_rows(struct lowering *l, enum smooth_shape shape, enum table_function tail,
                            uint32_t x, double far, const struct smooth_demand *demand)
{
    return choose_way(l, shape, tail, smooth_argument(l, x), far, demand).rows;
}

uint32_t lowering_shaped(struct lowering *l, enum smooth_shape shape, enum table_function tail,
                         uint32_t x, double far, const struct smooth_demand *demand)
{
    int32_t fraction = demand->value_fraction < 1 ? 1 : demand->value_fraction;
    x = smooth_argument(l, x);
    struct shaped s = choose_way(l, shape, tail, x, far, demand);
    struct bound_scope scope = lowering_open_bound(l, x);
    bool is_proven = bound_is_proven(&scope.saved);
    double off;
    uint32_t y;
    if (s.way == BY_MAGNITUDE) {
        y = by_magnitude(l, &s, x, fraction, &off);
    } else {
        /* The argument of an odd logistic tail is twice that of the function. */
        unsigned shift = s.pieces.shift - (shape == SMOOTH_LOGISTIC_ODD ? 1 : 0);
        y = by_tables(l, &s, x);
        off = smooth_error(tail, &s.pieces, shift);
    }
    if (is_proven)
        lowering_state_error(l, y, x, shaped_error(&s, off));
    bool stays = s.way == BY_MAGNITUDE ||
                 (demand->is_factor && lowering_fraction(l, y) <= SMOOTH_EXACT_BITS_MAX);
    if (!stays)
        y = lowering_to_fraction(l, y, fraction);
    double own = lowering_error(l, y),
           spread = shape == SMOOTH_LOGISTIC                              ? 1
                    : shape == SMOOTH_ODD || shape == SMOOTH_LOGISTIC_ODD ? 2
                                                                          : 0;
    lowering_close_bound(l, &scope, &(struct bound_result){y, slope_of(&s), spread}, 1);
    /* What a function of this spread is, it is around 0. */
    if (spread > 0)
        lowering_limit(l, y, bound_add(1, own), 1);
    return y;
}
