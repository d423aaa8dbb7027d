/*
 * Entries of function tables, correctly rounded by ball arithmetic (Arb): the same integers on
 * every machine, each within half a unit of the real function.
 */
#include <arb.h>
#include <arb_hypgeom.h>
#include <string.h>

#include "passes/lower_internal.h"

enum { PRECISION_FIRST = 128, PRECISION_MAX = 4096 };

/* x / (1 + exp w) */
static void over_one_plus_exp(arb_t out, const arb_t x, const arb_t w, slong precision)
{
    arb_t e;
    arb_init(e);
    arb_exp(e, w, precision);
    arb_add_ui(e, e, 1, precision);
    arb_div(out, x, e, precision);
    arb_clear(e);
}

/* x erfc(x / sqrt 2) / 2 */
static void gelu_tail(arb_t out, const arb_t x, slong precision)
{
    arb_t t;
    arb_init(t);
    arb_sqrt_ui(t, 2, precision);
    arb_div(t, x, t, precision);
    arb_hypgeom_erfc(t, t, precision);
    arb_mul(t, t, x, precision);
    arb_mul_2exp_si(out, t, -1);
    arb_clear(t);
}

/* x / (1 + exp(2 w)), w = sqrt(2 / pi) (x + 0.044715 x^3) */
static void gelu_tanh_tail(arb_t out, const arb_t x, slong precision)
{
    arb_t w, k;
    arb_init(w);
    arb_init(k);
    arb_pow_ui(w, x, 3, precision);
    arb_mul_ui(w, w, 44715, precision);
    arb_div_ui(w, w, 1000000, precision);
    arb_add(w, w, x, precision);
    arb_const_pi(k, precision);
    arb_ui_div(k, 8, k, precision);
    arb_sqrt(k, k, precision);
    arb_mul(w, w, k, precision);
    over_one_plus_exp(out, x, w, precision);
    arb_clear(k);
    arb_clear(w);
}

/* With e = exp x, tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2). */
static void mish_tail(arb_t out, const arb_t x, slong precision)
{
    arb_t e, d;
    arb_init(e);
    arb_init(d);
    arb_exp(e, x, precision);
    arb_add_ui(d, e, 2, precision);
    arb_mul(e, e, d, precision);
    arb_add_ui(d, e, 2, precision);
    if (arb_is_nonnegative(x))
        arb_set_si(e, -2);
    arb_div(e, e, d, precision);
    arb_mul(out, e, x, precision);
    arb_clear(d);
    arb_clear(e);
}

static void softplus_tail(arb_t out, const arb_t x, slong precision)
{
    arb_t e;
    arb_init(e);
    arb_neg(e, x);
    arb_exp(e, e, precision);
    arb_log1p(out, e, precision);
    arb_clear(e);
}

static void evaluate(arb_t out, enum table_function f, const arb_t x, slong precision)
{
    arb_t one;
    arb_init(one);
    arb_one(one);
    switch (f) {
    case TABLE_EXP:
        arb_exp(out, x, precision);
        break;
    case TABLE_EXP_MINUS_1:
        arb_expm1(out, x, precision);
        break;
    case TABLE_LOG:
        arb_log(out, x, precision);
        break;
    case TABLE_ERF:
        arb_hypgeom_erf(out, x, precision);
        break;
    case TABLE_LOGISTIC_TAIL:
        over_one_plus_exp(out, one, x, precision);
        break;
    case TABLE_SOFTPLUS_TAIL:
        softplus_tail(out, x, precision);
        break;
    case TABLE_SWISH_TAIL:
        over_one_plus_exp(out, x, x, precision);
        break;
    case TABLE_MISH_TAIL:
        mish_tail(out, x, precision);
        break;
    case TABLE_GELU_TAIL:
        gelu_tail(out, x, precision);
        break;
    case TABLE_GELU_TANH_TAIL:
        gelu_tanh_tail(out, x, precision);
        break;
    case TABLE_SIN:
        arb_sin(out, x, precision);
        break;
    case TABLE_COS:
        arb_cos(out, x, precision);
        break;
    case TABLE_ASIN:
        arb_asin(out, x, precision);
        break;
    case TABLE_ATAN:
        arb_atan(out, x, precision);
        break;
    case TABLE_PI:
        arb_const_pi(out, precision);
        arb_mul(out, out, x, precision);
        break;
    case TABLE_FUNCTION_COUNT:
        ASSERT(false);
    }
    arb_clear(one);
}

static wide wide_of_fmpz(const fmpz_t value)
{
    char text[96];
    wide out;
    ASSERT(fmpz_sizeinbase(value, 10) < 80);
    fmpz_get_str(text, 10, value);
    ASSERT(wide_parse(&out, text));
    return out;
}

/* floor(x + 1/2) when one integer is that for the whole ball. */
static bool round_ball(fmpz_t out, const arb_t x, slong precision)
{
    arb_t y;
    arb_init(y);
    arb_set_d(y, 0.5);
    arb_add(y, y, x, precision);
    arb_floor(y, y, precision);
    bool found = arb_get_unique_fmpz(out, y) != 0;
    arb_clear(y);
    return found;
}

wide table_number(enum table_function f, int64_t numerator, unsigned shift, int32_t bits)
{
    arb_t x, y;
    fmpz_t nearest;
    arb_init(x);
    arb_init(y);
    fmpz_init(nearest);
    /* More precision until one integer is nearest for the whole ball. Exact halves do not occur:
     * values are irrational or whole. */
    bool found = false;
    for (slong precision = PRECISION_FIRST; precision <= PRECISION_MAX && !found; precision *= 2) {
        arb_set_si(x, numerator);
        arb_mul_2exp_si(x, x, -(slong)shift);
        evaluate(y, f, x, precision);
        arb_mul_2exp_si(y, y, bits);
        found = round_ball(nearest, y, precision);
    }
    ASSERT(found);
    wide out = wide_of_fmpz(nearest);
    arb_clear(x);
    arb_clear(y);
    fmpz_clear(nearest);
    return out;
}

/* ---- polynomials ---- */

/* ORDER degree: where a polynomial meets the function, in quarters of the piece. */
static const unsigned node_quarters[4][4] = {{0}, {0, 4}, {0, 2, 4}, {0, 1, 3, 4}};

/*
 * Monomial coefficients, in the variable u = 0 .. 1, of the polynomial through (node, v[k]):
 * divided differences, then the products (u - node_0) ... multiplied out. c: [4], initialised.
 */
static void interpolate(arb_ptr c, arb_ptr v, unsigned degree, slong precision)
{
    const unsigned *node = node_quarters[degree];
    arb_t t;
    arb_init(t);
    for (unsigned order = 1; order <= degree; order++) {
        for (unsigned k = degree; k >= order; k--) {
            arb_sub(v + k, v + k, v + k - 1, precision);
            arb_mul_2exp_si(v + k, v + k, 2);
            arb_div_ui(v + k, v + k, node[k] - node[k - order], precision);
        }
    }
    for (unsigned k = 0; k < 4; k++)
        arb_zero(c + k);
    for (unsigned k = degree + 1; k-- > 0;) {
        /* c = c (u - node_k) + v_k */
        for (unsigned i = degree; i > 0; i--) {
            arb_mul_ui(t, c + i, node[k], precision);
            arb_mul_2exp_si(t, t, -2);
            arb_sub(c + i, c + i - 1, t, precision);
        }
        arb_mul_ui(t, c, node[k], precision);
        arb_mul_2exp_si(t, t, -2);
        arb_sub(c, v + k, t, precision);
    }
    arb_clear(t);
}

static bool polynomial_at(enum table_function f, int64_t piece, unsigned shift, unsigned degree,
                          int32_t bits, slong precision, int64_t *coefficients)
{
    arb_ptr v = _arb_vec_init(4), c = _arb_vec_init(4);
    arb_t x;
    fmpz_t nearest;
    arb_init(x);
    fmpz_init(nearest);
    for (unsigned k = 0; k <= degree; k++) {
        arb_set_si(x, piece);
        arb_mul_2exp_si(x, x, 2);
        arb_add_ui(x, x, node_quarters[degree][k], precision);
        arb_mul_2exp_si(x, x, -(slong)shift - 2);
        evaluate(v + k, f, x, precision);
    }
    interpolate(c, v, degree, precision);
    bool found = true;
    for (unsigned k = 0; k <= degree && found; k++) {
        arb_mul_2exp_si(c + k, c + k, bits);
        found = round_ball(nearest, c + k, precision);
        if (found)
            ASSERT(wide_to_i64(&coefficients[k], wide_of_fmpz(nearest)));
    }
    fmpz_clear(nearest);
    arb_clear(x);
    _arb_vec_clear(c, 4);
    _arb_vec_clear(v, 4);
    return found;
}

void table_polynomial(enum table_function f, int64_t piece, unsigned shift, unsigned degree,
                      int32_t bits, int64_t *coefficients)
{
    bool found = false;
    for (slong precision = PRECISION_FIRST; precision <= PRECISION_MAX && !found; precision *= 2)
        found = polynomial_at(f, piece, shift, degree, bits, precision, coefficients);
    ASSERT(found);
}

/* ---- tables ---- */

const struct relation_table *lowering_find_table(const struct lowering *l, const char *key)
{
    const struct table_store *store = l->options->store;
    for (size_t t = 0; store != NULL && t < store->count; t++) {
        if (strcmp(store->tables[t].key, key) == 0)
            return &store->tables[t];
    }
    for (size_t t = 0; t < l->program->table_count; t++) {
        if (strcmp(l->program->tables[t].key, key) == 0)
            return &l->program->tables[t];
    }
    return NULL;
}

void lowering_store_table(struct lowering *l, const struct relation_table *table)
{
    struct table_store *store = l->options->store;
    if (store == NULL)
        return;
    struct relation_table copy = *table;
    copy.key = arena_strdup(store->arena, table->key);
    bool complete = copy.key != NULL;
    for (unsigned k = 0; k < table->output_count && complete; k++) {
        copy.outputs[k] =
            arena_memdup(store->arena, table->outputs[k], table->size * sizeof *table->outputs[k]);
        complete = copy.outputs[k] != NULL;
    }
    if (!complete)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    void *array = store->tables;
    lowering_grow_in(l, store->arena, &array, &store->capacity, store->count + 1,
                     sizeof *store->tables);
    store->tables = array;
    store->tables[store->count++] = copy;
}

struct relation_table lowering_function_table(struct lowering *l, const char *name,
                                              enum table_function f, int64_t low, size_t size,
                                              unsigned shift, int32_t bits)
{
    const char *key = arena_printf(l->arena, "%s(i / 2^%u) 2^%d from %lld, %zu", name, shift, bits,
                                   (long long)low, size);
    if (key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    const struct relation_table *known = lowering_find_table(l, key);
    if (known != NULL)
        return *known;
    int64_t *entries = lowering_array(l, int64_t, size);
    for (size_t i = 0; i < size; i++) {
        if (!wide_to_i64(&entries[i], table_number(f, low + (int64_t)i, shift, bits)))
            lowering_fail(l, STATUS_LIMIT,
                          "a table of %s reaches beyond 64 bits; declare a smaller --range", name);
    }
    struct relation_table table = {
        .key = key, .x_low = low, .size = size, .output_count = 1, .outputs = {entries}};
    lowering_store_table(l, &table);
    return table;
}

uint32_t lowering_look_up(struct lowering *l, const struct relation_table *table, uint32_t x,
                          int32_t fraction)
{
    uint32_t out;
    struct form form = form_fixed(fraction);
    lowering_table(l, table, x, &form, &out);
    return out;
}
