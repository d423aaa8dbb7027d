/* Chains with held sums, at a random point and monomial by monomial. */
#include "backend/check/held.h"

#include "backend/field/system_random.h"

#include <string.h>

bool held_point_draw(struct held_point *point)
{
    uint8_t bytes[2][64];
    if (!system_random_fill(bytes, sizeof bytes))
        return false;
    fr_from_wide_bytes_be(&point->rho, bytes[0]);
    fr_from_wide_bytes_be(&point->sigma, bytes[1]);
    fr_inv(&point->rho_inverse, &point->rho);
    return true;
}

static const fr *advice(const struct held_chain *chain, unsigned column, uint32_t row)
{
    return &chain->explain->witness->advice[column][row];
}

static bool multiplies(const struct circuit_row *fixed)
{
    return fixed->hold == HOLD_WEIGHT || fixed->hold == HOLD_ADVICE;
}

/* What h is multiplied by in a row. */
static const fr *factor(const struct held_chain *chain, uint32_t row)
{
    return chain->explain->circuit->rows[row].hold == HOLD_WEIGHT
               ? &chain->explain->witness->parameters[0][row]
               : advice(chain, 0, row);
}

/* h = sigma h + rho^2 a1 + rho a2 + a3 */
static void step(fr *h, const struct held_chain *chain, const struct held_point *point,
                 uint32_t row)
{
    fr cells, t;
    fr_mul(&cells, &point->rho, advice(chain, 0, row));
    fr_add(&cells, &cells, advice(chain, 1, row));
    fr_mul(&cells, &cells, &point->rho);
    fr_add(&cells, &cells, advice(chain, 2, row));
    fr_mul(&t, &point->sigma, h);
    fr_add(h, &t, &cells);
}

bool held_chain_is_zero(const struct held_chain *chain, const struct held_point *point)
{
    fr s = fr_zero, h = fr_zero, t;
    for (uint32_t row = chain->first; row <= chain->last; row++) {
        const struct circuit_row *fixed = &chain->explain->circuit->rows[row];
        bool is_product = multiplies(fixed);
        if (is_product && fixed->c3 != 0)
            fr_mul(&s, &s, &point->rho_inverse);
        else if (fixed->chain == CHAIN_HORNER)
            fr_mul(&s, &s, &point->rho);
        else if (fixed->chain == CHAIN_START)
            s = fr_zero;
        fr_add(&s, &s, &chain->gate[row - chain->first]);
        if (is_product) {
            fr_mul(&t, &h, factor(chain, row));
            fr_add(&s, &s, &t);
        } else if (fixed->hold == HOLD_STEP) {
            step(&h, chain, point, row);
        } else {
            h = fr_zero;
        }
    }
    return fr_is_zero(&s);
}

/* ---- monomials ---- */

/* The coefficient of rho^rho sigma^sigma, and the cell that came to it last. */
struct monomial {
    int32_t rho, sigma;
    uint32_t row; /* of the cell; + 1, 0 = a free slot */
    uint8_t column;
    fr sum;
};

struct monomials {
    struct arena *arena;
    struct monomial *slot; /* open addressing; the number of slots is a power of two */
    size_t slots, used;
    bool failed;
};

/* A cell that was stepped into h: its power of rho, and the number of steps before it. */
struct held_cell {
    uint32_t row, steps;
    uint8_t column;
};

static struct monomial *find(struct monomials *m, int32_t rho, int32_t sigma)
{
    uint64_t hash = ((uint64_t)(uint32_t)rho << 32 | (uint32_t)sigma) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(hash >> 20) & (m->slots - 1);
    while (m->slot[at].row != 0 && (m->slot[at].rho != rho || m->slot[at].sigma != sigma))
        at = (at + 1) & (m->slots - 1);
    return &m->slot[at];
}

static void grow(struct monomials *m)
{
    struct monomials wider = {.arena = m->arena, .slots = m->slots == 0 ? 1024 : 4 * m->slots};
    wider.slot = arena_array(m->arena, struct monomial, wider.slots);
    if (wider.slot == NULL) {
        m->failed = true;
        return;
    }
    for (size_t i = 0; i < m->slots; i++)
        if (m->slot[i].row != 0)
            *find(&wider, m->slot[i].rho, m->slot[i].sigma) = m->slot[i];
    wider.used = m->used;
    *m = wider;
}

static void add(struct monomials *m, int32_t rho, int32_t sigma, const fr *value, uint32_t row,
                uint8_t column)
{
    if (2 * (m->used + 1) > m->slots)
        grow(m);
    if (m->failed)
        return;
    struct monomial *slot = find(m, rho, sigma);
    if (slot->row == 0) {
        *slot = (struct monomial){.rho = rho, .sigma = sigma, .sum = fr_zero};
        m->used++;
    }
    fr_add(&slot->sum, &slot->sum, value);
    slot->row = row + 1;
    slot->column = column;
}

/* Adds h times the factor of a row at the present power of rho. */
static void add_product(struct monomials *m, const struct held_chain *chain,
                        const struct held_cell *cell, size_t count, uint32_t steps, int32_t rho,
                        uint32_t row)
{
    for (size_t i = 0; i < count; i++) {
        fr t;
        fr_mul(&t, advice(chain, cell[i].column, cell[i].row), factor(chain, row));
        add(m, 2 - (int32_t)cell[i].column - rho, (int32_t)(steps - cell[i].steps), &t,
            cell[i].row, cell[i].column);
    }
}

size_t held_chain_failures(struct held_failure *failure, size_t most,
                           const struct held_chain *chain, struct arena *arena)
{
    struct monomials m = {.arena = arena};
    struct held_cell *cell =
        arena_array(arena, struct held_cell, 3 * ((size_t)(chain->last - chain->first) + 1));
    size_t cells = 0, found = 0;
    uint32_t steps = 0;
    int32_t rho = 0; /* s has been multiplied by this power of rho */
    for (uint32_t row = chain->first; cell != NULL && row <= chain->last && !m.failed; row++) {
        const struct circuit_row *fixed = &chain->explain->circuit->rows[row];
        bool is_product = multiplies(fixed);
        if (is_product && fixed->c3 != 0)
            rho--;
        else if (fixed->chain == CHAIN_HORNER)
            rho++;
        if (!fr_is_zero(&chain->gate[row - chain->first]))
            add(&m, -rho, 0, &chain->gate[row - chain->first], row, 2);
        if (is_product) {
            add_product(&m, chain, cell, cells, steps, rho, row);
        } else if (fixed->hold == HOLD_STEP) {
            steps++;
            for (uint8_t column = 0; column < CIRCUIT_ADVICE; column++)
                if (!fr_is_zero(advice(chain, column, row)))
                    cell[cells++] = (struct held_cell){row, steps, column};
        } else {
            cells = 0;
            steps = 0;
        }
    }
    for (size_t i = 0; i < m.slots && found < most && !m.failed; i++)
        if (m.slot[i].row != 0 && !fr_is_zero(&m.slot[i].sum))
            failure[found++] =
                (struct held_failure){m.slot[i].row - 1, m.slot[i].column, m.slot[i].sum};
    return found;
}
