/* Runs the fill program of a circuit. */
#include "backend/witness/fill.h"

#include "backend/witness/product.h"

#include <stdlib.h>
#include <string.h>

static const char column_name[WITNESS_COLUMNS][3] = {"a1", "a2", "a3", "w1", "w2"};

/* Cells whose inverses are taken together at the end. */
struct inverses {
    fr **cell; /* owned */
    size_t count, capacity;
};

struct filling {
    const struct circuit *circuit;
    const struct witness_source *source;
    struct inverses inverses;
    struct product_rest rest;
    struct diag *diag;
};

void witness_fr_from_wide(fr *out, wide value)
{
    int64_t small;
    if (wide_to_i64(&small, value)) {
        fr_from_i64(out, small);
        return;
    }
    bool is_negative = wide_is_negative(value);
    if (is_negative) {
        /* -2^255 alone has no opposite; its bits are its magnitude. */
        wide opposite;
        if (wide_neg(&opposite, value))
            value = opposite;
    }
    fr_from_signed_limbs(out, value.limb, 4, is_negative);
}

static enum status fill_limb(struct filling *filling, fr *cell, const struct fill *fill)
{
    wide value = filling->source->element(filling->source->context, fill->tensor, fill->element);
    if (!wide_sub(&value, value, filling->circuit->constants[fill->constant]) ||
        wide_is_negative(value))
        return diag_set(filling->diag, STATUS_REJECTED,
                        "row %u, column %s: element %u of tensor %u is below the least value it "
                        "was proven to have",
                        fill->row, column_name[fill->column], fill->element, fill->tensor);
    value = wide_shift_right(value, fill->shift);
    fr_from_u64(cell, value.limb[0] & (((uint64_t)1 << fill->width) - 1));
    return STATUS_OK;
}

/* Puts the cell on the list; its value is inverted later. */
static enum status fill_inverse(struct filling *filling, fr *cell, const struct fill *fill)
{
    struct inverses *inverses = &filling->inverses;
    bool is_constant = fill->tensor == FILL_NO_TENSOR;
    witness_fr_from_wide(cell, is_constant ? filling->circuit->constants[fill->constant]
                                   : filling->source->element(filling->source->context,
                                                              fill->tensor, fill->element));
    if (inverses->count == inverses->capacity) {
        size_t capacity = inverses->capacity == 0 ? 64 : 2 * inverses->capacity;
        fr **grown = realloc(inverses->cell, capacity * sizeof(fr *));
        if (grown == NULL)
            return diag_set(filling->diag, STATUS_NO_MEMORY, "no memory for the witness");
        inverses->cell = grown;
        inverses->capacity = capacity;
    }
    inverses->cell[inverses->count++] = cell;
    return STATUS_OK;
}

static enum status fill_cell(struct filling *filling, fr *cell, const struct fill *fill)
{
    const struct witness_source *source = filling->source;
    switch (fill->kind) {
    case FILL_TENSOR:
        witness_fr_from_wide(cell, source->element(source->context, fill->tensor, fill->element));
        return STATUS_OK;
    case FILL_LIMB:
        return fill_limb(filling, cell, fill);
    case FILL_CONST:
        witness_fr_from_wide(cell, filling->circuit->constants[fill->constant]);
        return STATUS_OK;
    case FILL_INVERSE:
        return fill_inverse(filling, cell, fill);
    case FILL_DIGEST:
        if (source->digest_word != NULL &&
            source->digest_word(source->context, fill->tensor, fill->element, cell))
            return STATUS_OK;
        return diag_set(
            filling->diag, STATUS_BAD_INPUT,
            "the circuit asks for word %u of the digest of relation %u, which does not exist",
            fill->element, fill->tensor);
    case FILL_REST:
        return product_rest_get(&filling->rest, cell, source, fill->tensor, fill->element,
                                filling->diag);
    default:
        return diag_set(filling->diag, STATUS_BAD_INPUT,
                        "the circuit fills row %u in an unknown way", fill->row);
    }
}

static enum status invert_listed(struct inverses *inverses, struct diag *diag)
{
    if (inverses->count == 0)
        return STATUS_OK;
    fr *value = malloc(2 * inverses->count * sizeof *value);
    if (value == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the witness");
    for (size_t i = 0; i < inverses->count; i++)
        value[i] = *inverses->cell[i];
    fr_batch_inv(value, inverses->count, value + inverses->count);
    for (size_t i = 0; i < inverses->count; i++)
        *inverses->cell[i] = value[i];
    fr_wipe(value, 2 * inverses->count);
    free(value);
    return STATUS_OK;
}

/* Fills the columns first .. last - 1. */
static enum status fill_columns(fr *const *column, unsigned first, unsigned last,
                                const struct circuit *circuit, const struct witness_source *source,
                                struct diag *diag)
{
    struct filling filling = {.circuit = circuit, .source = source, .diag = diag};
    for (unsigned i = 0; i < last - first; i++)
        memset(column[i], 0, circuit->usable_rows * sizeof(fr));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < circuit->fill_count && status == STATUS_OK; i++) {
        const struct fill *fill = &circuit->fills[i];
        if (fill->column >= first && fill->column < last)
            status = fill_cell(&filling, &column[fill->column - first][fill->row], fill);
    }
    if (status == STATUS_OK)
        status = invert_listed(&filling.inverses, diag);
    free(filling.inverses.cell);
    product_rest_release(&filling.rest);
    return status;
}

enum status witness_fill(fr *const column[WITNESS_COLUMNS], const struct circuit *circuit,
                         const struct witness_source *source, struct diag *diag)
{
    return fill_columns(column, 0, CIRCUIT_ADVICE + circuit->param_columns, circuit, source, diag);
}

enum status witness_fill_parameters(fr *const column[CIRCUIT_PARAM_MAX],
                                    const struct circuit *circuit,
                                    const struct witness_source *source, struct diag *diag)
{
    return fill_columns(column, CIRCUIT_ADVICE, CIRCUIT_ADVICE + circuit->param_columns, circuit,
                        source, diag);
}

/* Whether 0 <= value < r: what a whole field element may be. */
static bool is_canonical(wide value)
{
    fr unused;
    return !wide_is_negative(value) && fr_from_limbs(&unused, value.limb);
}

enum status witness_public_words(fr *words, const struct circuit *circuit,
                                 const struct witness_source *source, struct diag *diag)
{
    memset(words, 0, circuit->public_word_count * sizeof *words);
    for (size_t i = 0; i < circuit->public_part_count; i++) {
        const struct public_part *part = &circuit->public_parts[i];
        wide value = source->element(source->context, part->tensor, part->element);
        bool is_whole = part->bits == 254;
        bool fits = wide_sub(&value, value, circuit->constants[part->low]) &&
                    (is_whole ? is_canonical(value)
                              : !wide_is_negative(value) && wide_bit_length(value) <= part->bits &&
                                    wide_shift_left(&value, value, part->shift));
        if (!fits)
            return diag_set(diag, STATUS_REJECTED,
                            "public word %u: element %u of tensor %u does not fit the %u bits it "
                            "was proven to have",
                            part->word, part->element, part->tensor, part->bits);
        fr term;
        witness_fr_from_wide(&term, value);
        fr_add(&words[part->word], &words[part->word], &term);
    }
    return STATUS_OK;
}
