/*
 * Lowering of one smooth function of one argument by piecewise polynomials.
 *
 * The argument X 2^-g is cut into the number of its piece, q = floor(X / 2^r), and the rest u = X -
 * q 2^r; a table gives the coefficients of the piece's polynomial in u 2^-r, which is evaluated
 * exactly by Horner's rule and rounded once. The integer that comes out IS the definition.
 *
 * Distance from the real function f, in units of 2^-F of a result with F bits: the polynomial goes
 * through f at the ends of the piece and between them, so that its error is at most K_d
 * sup|f^(d+1)| h^(d+1) for pieces of width h, with K_1 = 1/8, K_2 = 0.0081, K_3 = 1/1536 (the
 * remainder of interpolation at 0, 1; 0, 1/2, 1; 0, 1/4, 3/4, 1): h is chosen so that this is below
 * 2^-(F + 2). Coefficients are rounded to F + 3 bits, which adds at most (d + 1) 2^-(F + 4). Arb
 * proves the bounds of the derivatives and the distance in tests/passes/lower_smooth_test.c.
 */
#include "passes/lower_smooth.h"

#include <math.h>
#include <string.h>

enum { PIECE_BITS_MAX = 14, COEFFICIENT_BITS_MAX = 60 };

/* ORDER table_function: sup over the domain of |f'|, |f''|, |f'''|, |f''''|; 0 for functions that
 * are no part of this scheme. */
static const double derivative_bounds[TABLE_FUNCTION_COUNT][4] = {
    [TABLE_ERF] = {1.1284, 0.975, 2.26, 4.45},
    [TABLE_LOGISTIC_TAIL] = {0.2503, 0.098, 0.128, 0.145},
    [TABLE_SOFTPLUS_TAIL] = {0.5003, 0.2515, 0.098, 0.132},
    [TABLE_SWISH_TAIL] = {0.5001, 0.502, 0.314, 0.512},
    [TABLE_MISH_TAIL] = {0.6001, 0.66, 0.64, 1.3},
    [TABLE_GELU_TAIL] = {0.5001, 0.8, 0.785, 1.6},
    [TABLE_GELU_TANH_TAIL] = {0.5001, 0.8, 0.82, 2.0},
    [TABLE_EXP] = {1.0001, 1.0001, 1.0001, 1.0001},
    [TABLE_EXP_MINUS_1] = {1.0001, 1.0001, 1.0001, 1.0001},
    [TABLE_SIN] = {1.0001, 1.0001, 1.0001, 1.0001},
    [TABLE_COS] = {1.0001, 1.0001, 1.0001, 1.0001},
    [TABLE_ASIN] = {1.1548, 0.77, 3.11, 15.1},
    [TABLE_ATAN] = {1.0001, 0.6525, 2.01, 4.7},
};

/* ORDER table_function */
static const char *const names[TABLE_FUNCTION_COUNT] = {
    [TABLE_ERF] = "erf",
    [TABLE_LOGISTIC_TAIL] = "1 / (1 + exp x)",
    [TABLE_SOFTPLUS_TAIL] = "log(1 + exp -x)",
    [TABLE_SWISH_TAIL] = "x / (1 + exp x)",
    [TABLE_MISH_TAIL] = "mish x - relu x",
    [TABLE_GELU_TAIL] = "x erfc(x / sqrt 2) / 2",
    [TABLE_GELU_TANH_TAIL] = "relu x - gelu x by tanh",
    [TABLE_EXP_MINUS_1] = "exp x - 1",
    [TABLE_EXP] = "exp",
    [TABLE_SIN] = "sin",
    [TABLE_COS] = "cos",
    [TABLE_ASIN] = "asin",
    [TABLE_ATAN] = "atan",
};

const char *smooth_name(enum table_function f)
{
    return names[f];
}

double smooth_derivative_bound(enum table_function f, unsigned order)
{
    ASSERT(order >= 1 && order <= 4 && derivative_bounds[f][order - 1] > 0);
    return derivative_bounds[f][order - 1];
}

double smooth_ramp_slope(enum table_function tail)
{
    switch (tail) {
    case TABLE_SOFTPLUS_TAIL:
        return 1.0003;
    case TABLE_SWISH_TAIL:
        return 1.101;
    case TABLE_MISH_TAIL:
        return 1.09;
    case TABLE_GELU_TAIL:
    case TABLE_GELU_TANH_TAIL:
        return 1.13;
    default:
        return INFINITY;
    }
}

/* Remainder of interpolation by a polynomial of a degree, times sup |f^(degree + 1)| h^(degree + 1)
 */
static const double remainder_bounds[4] = {0, 1.0 / 8, 0.0081, 1.0 / 1536};

double smooth_error(enum table_function f, const struct smooth_pieces *p, unsigned shift)
{
    double rounding = ldexp(p->degree + 1, -p->bits - 1);
    if (p->degree == 0)
        return rounding;
    double derivative = smooth_derivative_bound(f, p->degree + 1);
    return bound_add(rounding, bound_scale(bound_mul(remainder_bounds[p->degree], derivative),
                                           -(int32_t)(shift * (p->degree + 1))));
}

/* ---- choice of degree and width ---- */

/* Fewest bits of 1 / width for which polynomials of a degree are exact to 2^-(fraction + 2). */
static unsigned piece_shift(enum table_function f, unsigned degree, int32_t fraction)
{
    double error = remainder_bounds[degree] * smooth_derivative_bound(f, degree + 1);
    unsigned shift = SMOOTH_DOMAIN_SHIFT;
    while (shift < PIECE_BITS_MAX &&
           ldexp(error, -(int)(shift * (degree + 1))) > ldexp(1, -(fraction + 2)))
        shift++;
    return shift;
}

static int64_t within_far(int64_t piece)
{
    return piece > SMOOTH_PIECE_FAR    ? SMOOTH_PIECE_FAR
           : piece < -SMOOTH_PIECE_FAR ? -SMOOTH_PIECE_FAR
                                       : piece;
}

int64_t smooth_piece_at(wide x, unsigned bits)
{
    int64_t piece;
    if (!wide_to_i64(&piece, wide_shift_right(x, bits)))
        return wide_is_negative(x) ? -SMOOTH_PIECE_FAR : SMOOTH_PIECE_FAR;
    return within_far(piece);
}

int64_t smooth_piece_of_real(double x, unsigned shift)
{
    const double far = (double)SMOOTH_PIECE_FAR;
    return (int64_t)fmax(fmin(floor(ldexp(x, (int)shift)), far), -far);
}

/* Fills in the pieces that the argument's range leaves of the domain. */
static void clip(struct lowering *l, struct smooth_pieces *p, struct range range,
                 const struct smooth_domain *d)
{
    int64_t from = smooth_piece_at(range.low, p->rest_bits),
            to = smooth_piece_at(range.high, p->rest_bits);
    p->low = smooth_piece_of_real(d->low, p->shift);
    p->high = smooth_piece_of_real(d->high, p->shift);
    int64_t first = d->goes_on_below ? p->low - 1 : p->low;
    p->first = from > first ? from : first;
    p->last = to < p->high ? to : p->high;
    /* All beyond an end that goes on: the piece that stands for that end. */
    if (d->goes_on_above && p->first > p->high)
        p->first = p->high;
    if (d->goes_on_below && p->last < first)
        p->last = first;
    if (p->first > p->last)
        lowering_fail(l, STATUS_BAD_INPUT, "the argument lies outside the domain %g to %g", d->low,
                      d->high);
}

struct smooth_pieces smooth_pieces_of(const struct lowering *l, enum table_function f, uint32_t x,
                                      unsigned degree, int32_t fraction)
{
    enum { SPARE_BITS = 3 };
    unsigned own = (unsigned)lowering_fraction(l, x);
    int32_t bits = fraction + SPARE_BITS;
    struct smooth_pieces p = {.degree = degree, .shift = piece_shift(f, degree, bits - SPARE_BITS)};
    p.bits = bits > COEFFICIENT_BITS_MAX ? COEFFICIENT_BITS_MAX : bits;
    if (p.shift >= own) {
        /* Every number of its own. */
        p.shift = own;
        p.degree = 0;
    }
    p.rest_bits = own - p.shift;
    return p;
}

double smooth_table_rows(const struct lowering *l, double entries)
{
    return ldexp(entries, 6 - (int)l->options->table_bits);
}

double lowering_exp_rows(const struct lowering *l)
{
    /* Entries of the tables of one exp. */
    double entries = l->options->table_bits >= 8 ? 576 : ldexp(5, (int)l->options->table_bits);
    return smooth_table_rows(l, entries);
}

double smooth_element_rows(unsigned degree)
{
    static const double rows[4] = {4, 8, 10, 12};
    return rows[degree];
}

/*
 * Rows of a table against rows of its uses: the higher the degree, the fewer pieces and the more
 * products and bits to drop an element.
 */
static struct smooth_pieces choose_pieces(struct lowering *l, enum table_function f, uint32_t x,
                                          struct range range, const struct smooth_domain *domain,
                                          int32_t fraction, double *rows_needed)
{
    /* Rounded up so that functions of nearly one precision share a table. */
    enum { CLAMP_ROWS = 4, SHARED_BITS = 4, SHARED_REST = 1 };
    fraction = (fraction + SHARED_BITS - SHARED_REST - 1) / SHARED_BITS * SHARED_BITS + SHARED_REST;
    struct smooth_pieces best = {0};
    double best_rows = INFINITY;
    double count = (double)lowering_tensor(l, x)->count;
    for (unsigned degree = 1; degree <= 3; degree++) {
        struct smooth_pieces p = smooth_pieces_of(l, f, x, degree, fraction);
        clip(l, &p, range, domain);
        double entries = (double)(p.last - p.first + 1),
               rows = smooth_table_rows(l, (p.degree + 1) * entries);
        rows += count * (smooth_element_rows(p.degree) + (domain->goes_on_above ? CLAMP_ROWS : 0) +
                         (domain->goes_on_below ? CLAMP_ROWS : 0));
        if (entries <= SMOOTH_ENTRIES_MAX && rows < best_rows) {
            best = p;
            best_rows = rows;
        }
    }
    *rows_needed = best_rows;
    return best;
}

/* ---- the table ---- */

bool smooth_is_by_powers(const struct smooth_pieces *p)
{
    /* Coefficient k is below 2^(bits - k shift + SLOPE_BITS). */
    enum { SLOPE_BITS = 3, ENTRY_BITS_MAX = 60 };
    int32_t first = p->bits - (int32_t)p->shift + SLOPE_BITS;
    return p->degree >= 2 &&
           (first < 1 ? 1 : first) + (int32_t)((p->degree - 1) * p->rest_bits) <= ENTRY_BITS_MAX;
}

/* Bits that the table adds to coefficient k. */
static unsigned added_bits(const struct smooth_pieces *p, unsigned k)
{
    return k > 0 && smooth_is_by_powers(p) ? (p->degree - k) * p->rest_bits : 0;
}

static const char *table_key(struct lowering *l, const struct smooth_pieces *p, const char *key)
{
    size_t size = (size_t)(p->last - p->first + 1);
    const char *scale = smooth_is_by_powers(p)
                            ? arena_printf(l->arena, ", for rests of %u bits", p->rest_bits)
                            : "";
    const char *whole =
        scale == NULL
            ? NULL
            : arena_printf(l->arena, "%s: degree %u, pieces 2^-%u from %lld, %zu, 2^%d%s", key,
                           p->degree, p->shift, (long long)p->first, size, p->bits, scale);
    if (whole == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    return whole;
}

bool smooth_has_table(struct lowering *l, const struct smooth_pieces *p, const char *key)
{
    const char *whole = table_key(l, p, key);
    for (size_t t = 0; t < l->program->table_count; t++) {
        if (strcmp(l->program->tables[t].key, whole) == 0)
            return true;
    }
    return false;
}

void smooth_look_up(struct lowering *l, const struct smooth_pieces *p, const char *key,
                    smooth_entry_rule fill, const void *context, uint32_t piece, uint32_t *out)
{
    size_t size = (size_t)(p->last - p->first + 1);
    int64_t *c[4] = {NULL}, entry[4];
    struct form forms[4];
    struct relation_table table = {.key = table_key(l, p, key),
                                   .x_low = p->first,
                                   .size = size,
                                   .output_count = (uint8_t)(p->degree + 1)};
    const struct relation_table *known = lowering_find_table(l, table.key);
    for (unsigned k = 0; k <= p->degree; k++) {
        forms[k] = form_fixed(p->bits + (int32_t)added_bits(p, k));
        if (known == NULL)
            c[k] = lowering_array(l, int64_t, size);
        table.outputs[k] = known == NULL ? c[k] : known->outputs[k];
    }
    for (size_t i = 0; i < size && known == NULL; i++) {
        fill(context, p, p->first + (int64_t)i, entry);
        for (unsigned k = 0; k <= p->degree; k++)
            c[k][i] = entry[k] * ((int64_t)1 << added_bits(p, k));
    }
    if (known == NULL)
        lowering_store_table(l, &table);
    lowering_table(l, &table, piece, forms, out);
}

struct entry_context {
    enum table_function f;
    const struct smooth_domain *domain;
};

static void fill_entry(const void *context, const struct smooth_pieces *p, int64_t piece,
                       int64_t *entry)
{
    const struct entry_context *c = context;
    bool is_below = piece < p->low, is_above = piece >= p->high && c->domain->goes_on_above;
    if (is_below || is_above)
        smooth_constant(c->f, is_below ? p->low : p->high, p->shift, p, entry);
    else
        table_polynomial(c->f, piece, p->shift, p->degree, p->bits, entry);
}

void smooth_constant(enum table_function f, int64_t numerator, unsigned shift,
                     const struct smooth_pieces *p, int64_t *entry)
{
    for (unsigned k = 0; k <= p->degree; k++)
        entry[k] = 0;
    ASSERT(wide_to_i64(&entry[0], table_number(f, numerator, shift, p->bits)));
}

/* ---- the value ---- */

/* Pieces beyond the table become its last or first. */
static uint32_t clamp_piece(struct lowering *l, uint32_t piece, const struct smooth_pieces *p,
                            const struct smooth_domain *domain)
{
    if (domain->goes_on_above)
        piece = lowering_at_most(l, piece, wide_from_i64(p->last));
    if (domain->goes_on_below)
        piece = lowering_at_least(l, piece, wide_from_i64(p->first));
    return piece;
}

/* a rest + c 2^shift */
static uint32_t horner_step(struct lowering *l, uint32_t a, uint32_t rest, uint32_t c,
                            unsigned shift)
{
    struct shape shape = lowering_shape(l, a);
    struct relation_term terms[2] = {
        lowering_term_product(l, 1, a, rest, &shape),
        lowering_term_wide(l, lowering_power_of_two(l, shift), c, &shape)};
    return lowering_product(l, &shape, form_fixed(lowering_fraction(l, c) + (int32_t)shift), terms,
                            2, wide_from_i64(0));
}

/* Sum of c[k] rest^k, all of one scale: a row for each product, and one for each power from the
 * second on. */
static uint32_t sum_of_powers(struct lowering *l, const struct smooth_pieces *p, const uint32_t *c,
                              uint32_t rest)
{
    struct shape shape = lowering_shape(l, rest);
    int32_t whole = (int32_t)(p->degree * p->rest_bits);
    struct relation_term terms[4];
    uint32_t power = rest;
    for (unsigned k = 1; k <= p->degree; k++) {
        if (k > 1)
            power = lowering_times(l, power, rest);
        terms[k - 1] = lowering_term_product(l, 1, c[k], power, &shape);
    }
    terms[p->degree] =
        lowering_term_wide(l, lowering_power_of_two(l, (unsigned)whole), c[0], &shape);
    return lowering_product(l, &shape, form_fixed(p->bits + whole), terms, p->degree + 1u,
                            wide_from_i64(0));
}

uint32_t smooth_polynomial(struct lowering *l, const struct smooth_pieces *p, const uint32_t *c,
                           uint32_t rest)
{
    if (smooth_is_by_powers(p))
        return sum_of_powers(l, p, c, rest);
    uint32_t y = c[p->degree];
    for (unsigned k = p->degree; k-- > 0;)
        y = horner_step(l, y, rest, c[k], (p->degree - k) * p->rest_bits);
    return y;
}

uint32_t smooth_argument(struct lowering *l, uint32_t x)
{
    return lowering_fraction(l, x) < SMOOTH_DOMAIN_SHIFT
               ? lowering_to_fraction(l, x, SMOOTH_DOMAIN_SHIFT)
               : x;
}

double lowering_smooth_rows(struct lowering *l, enum table_function f, uint32_t x,
                            struct range range, struct smooth_domain domain, int32_t fraction)
{
    double rows;
    choose_pieces(l, f, x, range, &domain, fraction < 1 ? 1 : fraction, &rows);
    return rows;
}

uint32_t lowering_smooth(struct lowering *l, enum table_function f, uint32_t x,
                         struct smooth_domain domain, int32_t fraction)
{
    double rows;
    fraction = fraction < 1 ? 1 : fraction;
    x = smooth_argument(l, x);
    struct smooth_pieces p =
        choose_pieces(l, f, x, lowering_range_of(l, x), &domain, fraction, &rows);
    if (rows == INFINITY)
        lowering_fail(l, STATUS_LIMIT,
                      "a table of %s with %d fraction bits has too many entries; declare a smaller "
                      "--range or a larger --tolerance",
                      names[f], fraction);
    uint32_t piece, rest = RELATION_NONE, c[4];
    if (p.rest_bits == 0)
        piece = lowering_in_units(l, x, 0);
    else
        piece = lowering_rescale(l, x, lowering_power_of_two(l, p.rest_bits), ROUND_FLOOR,
                                 form_integer(), NULL, &rest);
    struct entry_context context = {f, &domain};
    const char *key = arena_printf(l->arena, "%s, %g to %g", names[f], domain.low, domain.high);
    if (key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    smooth_look_up(l, &p, key, fill_entry, &context, clamp_piece(l, piece, &p, &domain), c);
    uint32_t polynomial = smooth_polynomial(l, &p, c, rest);
    lowering_state_function(l, polynomial, x, smooth_derivative_bound(f, 1),
                            smooth_error(f, &p, p.shift));
    return lowering_to_fraction(l, polynomial, fraction);
}
