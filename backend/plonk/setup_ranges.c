/* Ranges as weighted bits. */
#include "backend/plonk/setup_ranges.h"

#include "backend/hash/transcript.h"
#include "backend/plonk/keys.h"

#include <string.h>

/* high - low; false when it has more than SETUP_CELL_BITS_MAX bits. */
static bool span_of(wide *span, const struct circuit *circuit, const struct param_cell *cell)
{
    return wide_sub(span, circuit->constants[cell->high], circuit->constants[cell->low]) &&
           wide_bit_length(*span) <= SETUP_CELL_BITS_MAX;
}

enum status setup_ranges_init(struct setup_ranges *ranges, const struct circuit *circuit,
                              struct diag *diag)
{
    unsigned bits[CIRCUIT_PARAM_MAX] = {0};
    *ranges = (struct setup_ranges){.circuit = circuit};
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        const struct param_cell *cell = &circuit->param_cells[i];
        wide span;
        if (!span_of(&span, circuit, cell))
            return diag_set(diag, STATUS_LIMIT,
                            "the declared range of element %u of parameter tensor %u has more than "
                            "%d bits",
                            cell->element, cell->tensor, SETUP_CELL_BITS_MAX);
        unsigned own = wide_bit_length(span);
        bits[cell->column] = own > bits[cell->column] ? own : bits[cell->column];
    }
    for (unsigned j = 0; j < CIRCUIT_PARAM_MAX; j++)
        ranges->first[j + 1] = ranges->first[j] + bits[j];
    ranges->count = ranges->first[CIRCUIT_PARAM_MAX];
    return STATUS_OK;
}

unsigned setup_cell_bits(const struct circuit *circuit, const struct param_cell *cell)
{
    wide span;
    bool fits = span_of(&span, circuit, cell);
    ASSERT(fits);
    return wide_bit_length(span);
}

void setup_cell_init(struct setup_cell *out, const struct circuit *circuit,
                     const struct param_cell *cell)
{
    wide span, top;
    bool fits = span_of(&span, circuit, cell);
    ASSERT(fits);
    *out = (struct setup_cell){.bits = wide_bit_length(span)};
    plonk_fr_from_wide(&out->low, circuit->constants[cell->low]);
    if (out->bits == 0)
        return;
    /* N - 2^(B-1) = (high - low) - 2^(B-1) + 1 */
    fits = wide_sub(&top, span, wide_power_of_two(out->bits - 1)) &&
           wide_add(&top, top, wide_from_i64(1));
    ASSERT(fits);
    plonk_fr_from_wide(&out->top, top);
}

size_t setup_proof_bytes(const struct setup_ranges *ranges)
{
    if (ranges->circuit->param_columns == 0)
        return 0;
    return SETUP_HEAD_BYTES + TRANSCRIPT_POINT_BYTES * ((size_t)ranges->count + 2) +
           FIELD_BYTES * (size_t)ranges->count;
}

void setup_proof_head(uint8_t head[SETUP_HEAD_BYTES], const struct setup_ranges *ranges)
{
    memset(head, 0, SETUP_HEAD_BYTES);
    memcpy(head, "SSP1", 4);
    head[SETUP_HEAD_BYTES - 2] = (uint8_t)(ranges->count >> 8);
    head[SETUP_HEAD_BYTES - 1] = (uint8_t)ranges->count;
}

void setup_alpha_init(struct setup_alpha *out, const struct setup_ranges *ranges, const fr *alpha)
{
    fr power = fr_one;
    for (unsigned j = 0; j < ranges->circuit->param_columns; j++) {
        out->column[j] = power;
        fr_mul(&power, &power, alpha);
    }
    for (unsigned k = 0; k < ranges->count; k++) {
        out->bit[k] = power;
        fr_mul(&power, &power, alpha);
    }
}

/* What the cells of one parameter column add up to at xi. */
struct column_sums {
    fr low;                            /* low_j(xi) */
    fr top;                            /* c_(j,0)(xi) */
    fr width[SETUP_CELL_BITS_MAX + 1]; /* by B: the sum of L_i(xi) over the cells of B bits */
};

static void add_cells(struct column_sums *sums, const struct circuit *circuit, const fr *lagrange)
{
    memset(sums, 0, CIRCUIT_PARAM_MAX * sizeof *sums);
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        const struct param_cell *cell = &circuit->param_cells[i];
        struct column_sums *own = &sums[cell->column];
        const fr *basis = &lagrange[cell->row];
        struct setup_cell range;
        fr term;
        setup_cell_init(&range, circuit, cell);
        fr_mul(&term, &range.low, basis);
        fr_add(&own->low, &own->low, &term);
        fr_mul(&term, &range.top, basis);
        fr_add(&own->top, &own->top, &term);
        fr_add(&own->width[range.bits], &own->width[range.bits], basis);
    }
}

void setup_value_at(fr *out, const struct setup_ranges *ranges, const struct setup_alpha *alpha,
                    const fr *lagrange, const fr *bit)
{
    struct column_sums sums[CIRCUIT_PARAM_MAX];
    fr term;
    *out = fr_zero;
    for (unsigned k = 0; k < ranges->count; k++) {
        fr_sub(&term, &bit[k], &fr_one);
        fr_mul(&term, &term, &bit[k]);
        fr_mul(&term, &term, &alpha->bit[k]);
        fr_add(out, out, &term);
    }
    add_cells(sums, ranges->circuit, lagrange);
    for (unsigned j = 0; j < ranges->circuit->param_columns; j++) {
        const fr *own = bit + ranges->first[j];
        unsigned bits = ranges->first[j + 1] - ranges->first[j];
        /* sum_(t >= 1) 2^(t-1) s_t(xi) y_t by Horner's rule from the top, s_t the sum over the
         * cells of more than t bits. */
        fr sum = fr_zero, wider = fr_zero;
        for (unsigned t = bits; t-- > 1;) {
            fr_add(&wider, &wider, &sums[j].width[t + 1]);
            fr_double(&sum, &sum);
            fr_mul(&term, &wider, &own[t]);
            fr_add(&sum, &sum, &term);
        }
        if (bits > 0) {
            fr_mul(&term, &sums[j].top, &own[0]);
            fr_add(&sum, &sum, &term);
        }
        fr_add(&sum, &sum, &sums[j].low);
        fr_mul(&sum, &sum, &alpha->column[j]);
        fr_sub(out, out, &sum);
    }
}
