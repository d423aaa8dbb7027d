/* Rows of fixed columns. */
#include "backend/plonk/fixed_columns.h"

#include "backend/field/field_vec.h"
#include "backend/plonk/keys.h"
#include "backend/plonk/permutation.h"

#include <string.h>

enum status fixed_columns_init(struct fixed_columns *out, struct arena *arena,
                               const struct circuit *circuit, struct diag *diag)
{
    size_t rows = (size_t)1 << circuit->lg_rows;
    *out = (struct fixed_columns){.circuit = circuit, .rows = rows};
    out->omega = arena_array(arena, fr, rows);
    out->constants = arena_array(arena, fr, circuit->constant_count);
    out->sigma = arena_array(arena, uint32_t, CIRCUIT_ADVICE * rows);
    struct arena_mark mark = arena_checkpoint(arena);
    uint32_t *scratch = arena_array(arena, uint32_t, CIRCUIT_ADVICE * rows);
    if (out->omega == NULL || out->constants == NULL || out->sigma == NULL || scratch == NULL)
        return arena_failure(arena, rows * sizeof(fr), "the fixed columns", diag);
    fr root;
    fr_root_of_unity(&root, circuit->lg_rows);
    fr_vec_powers(out->omega, &fr_one, &root, rows);
    for (size_t i = 0; i < circuit->constant_count; i++)
        plonk_fr_from_wide(&out->constants[i], circuit->constants[i]);
    plonk_permutation_build(out->sigma, circuit, scratch);
    arena_rewind(arena, mark);
    return STATUS_OK;
}

bool fixed_column_is_small(unsigned column)
{
    return column > PLONK_S3 && column < PLONK_C2;
}

static int64_t small_value(const struct circuit *circuit, unsigned column, uint32_t row)
{
    const struct circuit_row *fixed = &circuit->rows[row];
    const struct circuit_table_row *table = &circuit->table[row];
    switch (column) {
    case PLONK_TTAG:
        return table->tag;
    case PLONK_TX:
        return table->x;
    case PLONK_TY:
        return table->y;
    case PLONK_TF:
        return fixed->slot_memory;
    case PLONK_T2:
        return fixed->slot_table;
    case PLONK_T3:
        return fixed->slot_range;
    case PLONK_QM:
        return fixed->is_provider;
    case PLONK_G1:
        return fixed->chain;
    case PLONK_G2:
        return fixed->term;
    default:
        ASSERT(column == PLONK_G3);
        return fixed->hold;
    }
}

bool fixed_column_small(int64_t *out, const struct fixed_columns *fixed, unsigned column)
{
    uint32_t usable = fixed->circuit->usable_rows;
    int64_t any = 0;
    for (uint32_t row = 0; row < usable; row++)
        any |= out[row] = small_value(fixed->circuit, column, row);
    memset(out + usable, 0, (fixed->rows - usable) * sizeof *out);
    return any != 0;
}

/* The cells of a sigma column, tail included: there every cell maps to itself. */
static const uint32_t *images(const struct fixed_columns *fixed, unsigned column)
{
    return fixed->sigma + (size_t)(column - PLONK_S1) * fixed->rows;
}

static bool is_small_zero(const struct circuit *circuit, unsigned column)
{
    int64_t any = 0;
    for (uint32_t row = 0; row < circuit->usable_rows && any == 0; row++)
        any = small_value(circuit, column, row);
    return any == 0;
}

bool fixed_column_full(fr *out, const struct fixed_columns *fixed, unsigned column)
{
    const struct circuit *circuit = fixed->circuit;
    uint64_t any = column <= PLONK_S3;
    if (fixed_column_is_small(column) && is_small_zero(circuit, column))
        return false;
    size_t filled = any ? fixed->rows : circuit->usable_rows;
    memset(out + filled, 0, (fixed->rows - filled) * sizeof *out);
    for (size_t row = 0; row < filled; row++) {
        if (column <= PLONK_S3)
            plonk_permutation_label(&out[row], images(fixed, column)[row], circuit->lg_rows,
                                    fixed->omega);
        else if (fixed_column_is_small(column))
            fr_from_i64(&out[row], small_value(circuit, column, (uint32_t)row));
        else
            out[row] =
                fixed
                    ->constants[column == PLONK_C2 ? circuit->rows[row].c2 : circuit->rows[row].c3];
        any |= out[row].limb[0] | out[row].limb[1] | out[row].limb[2] | out[row].limb[3];
    }
    return any != 0;
}

void fixed_column_moves(fr *out, const struct fixed_columns *fixed, unsigned column)
{
    const uint32_t *image = images(fixed, column);
    unsigned lg_rows = fixed->circuit->lg_rows;
    for (uint32_t row = 0; row < fixed->rows; row++) {
        uint32_t cell = ((column - PLONK_S1) << lg_rows) + row;
        fr own;
        out[row] = fr_zero;
        if (image[row] == cell)
            continue;
        plonk_permutation_label(&out[row], image[row], lg_rows, fixed->omega);
        plonk_permutation_label(&own, cell, lg_rows, fixed->omega);
        fr_sub(&out[row], &out[row], &own);
    }
}
