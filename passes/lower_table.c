/*
 * Function tables: entries correctly rounded by ball arithmetic (Arb), the same integers on every
 * machine, each within half a unit of the real function.
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

struct relation_table lowering_function_table(struct lowering *l, const char *name,
                                              enum table_function f, int64_t low, size_t size,
                                              unsigned shift, int32_t bits)
{
    int64_t *entries = lowering_array(l, int64_t, size);
    for (size_t i = 0; i < size; i++) {
        if (!wide_to_i64(&entries[i], table_number(f, low + (int64_t)i, shift, bits)))
            lowering_fail(l, STATUS_LIMIT,
                          "a table of %s reaches beyond 64 bits; declare a smaller --range", name);
    }
    struct relation_table table = {.key = arena_printf(l->arena, "%s(i / 2^%u) 2^%d from %lld, %zu",
                                                       name, shift, bits, (long long)low, size),
                                   .x_low = low,
                                   .size = size,
                                   .output_count = 1,
                                   .outputs = {entries}};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
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
