/* Bits by greedy subtraction of weights. */
#include "tests/backend/plonk/setup_kit.h"

#include "tests/harness/harness.h"

#include <string.h>

/* Takes `weight` from *rest when it is not larger. */
static bool take(uint64_t *rest, uint64_t weight)
{
    if (*rest < weight)
        return false;
    *rest -= weight;
    return true;
}

void setup_kit_bits(uint64_t *bits, const struct built *built, const struct setup_ranges *ranges)
{
    const struct circuit *circuit = &built->circuit;
    size_t words = KZG_BIT_WORDS(ranges->count);
    memset(bits, 0, ((size_t)1 << circuit->lg_rows) * words * sizeof *bits);
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        const struct param_cell *param = &circuit->param_cells[i];
        struct setup_cell cell;
        fr offset;
        uint64_t limb[4], top[4];
        setup_cell_init(&cell, circuit, param);
        REQUIRE(cell.bits <= 64);
        fr_sub(&offset, &built->column[W1 + param->column][param->row], &cell.low);
        fr_to_limbs(limb, &offset);
        fr_to_limbs(top, &cell.top);
        uint64_t rest = limb[0];
        uint64_t *row = bits + param->row * words;
        unsigned at = ranges->first[param->column];
        if (cell.bits > 0 && rest >= (uint64_t)1 << (cell.bits - 1)) {
            rest -= top[0];
            row[at / 64] |= (uint64_t)1 << at % 64;
        }
        for (unsigned t = cell.bits; t-- > 1;)
            if (take(&rest, (uint64_t)1 << (t - 1)))
                row[(at + t) / 64] |= (uint64_t)1 << (at + t) % 64;
        REQUIRE(rest == 0);
    }
}

bool setup_kit_bit(const uint64_t *bits, const struct setup_ranges *ranges, uint32_t row,
                   unsigned k)
{
    return bits[row * KZG_BIT_WORDS(ranges->count) + k / 64] >> k % 64 & 1;
}
