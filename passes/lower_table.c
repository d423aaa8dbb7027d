/*
 * Entries of function tables, correctly rounded by ball arithmetic (Arb): the same integers on
 * every machine, each within half a unit of the real function.
 */
#include <arb.h>
#include <arb_hypgeom.h>

#include "passes/lower_internal.h"

static void evaluate(arb_t out, enum table_function f, const arb_t x, slong precision)
{
    switch (f) {
    case TABLE_EXP:
        arb_exp(out, x, precision);
        break;
    case TABLE_LOG:
        arb_log(out, x, precision);
        break;
    case TABLE_ERF:
        arb_hypgeom_erf(out, x, precision);
        break;
    }
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
    for (slong precision = 128; precision <= 4096 && !found; precision *= 2) {
        arb_set_si(x, numerator);
        arb_mul_2exp_si(x, x, -(slong)shift);
        evaluate(y, f, x, precision);
        arb_mul_2exp_si(y, y, bits);
        arb_set_d(x, 0.5);
        arb_add(y, y, x, precision);
        arb_floor(y, y, precision);
        found = arb_get_unique_fmpz(nearest, y) != 0;
    }
    ASSERT(found);
    wide out = wide_of_fmpz(nearest);
    arb_clear(x);
    arb_clear(y);
    fmpz_clear(nearest);
    return out;
}
