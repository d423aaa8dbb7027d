/* Classes of copied cells as cycles. */
#include "backend/plonk/permutation.h"

#include "backend/plonk/constraints.h"
#include "ir/support/status.h"

/* Representative of a cell's class, halving the path on the way. */
static uint32_t find_class(uint32_t *parent, uint32_t cell)
{
    while (parent[cell] != cell) {
        parent[cell] = parent[parent[cell]];
        cell = parent[cell];
    }
    return cell;
}

void plonk_permutation_build(uint32_t *sigma, const struct circuit *circuit, uint32_t *scratch)
{
    uint32_t rows = (uint32_t)1 << circuit->lg_rows;
    for (uint32_t cell = 0; cell < CIRCUIT_ADVICE * rows; cell++)
        sigma[cell] = scratch[cell] = cell;
    for (size_t i = 0; i < circuit->copy_count; i++) {
        uint32_t a = circuit->copies[i].a.column * rows + circuit->copies[i].a.row;
        uint32_t b = circuit->copies[i].b.column * rows + circuit->copies[i].b.row;
        uint32_t class_a = find_class(scratch, a), class_b = find_class(scratch, b);
        if (class_a == class_b)
            continue;
        /* Exchanging two images joins two cycles into one. The lower cell stays the root: the
         * result then depends on the list of copies alone. */
        scratch[class_a > class_b ? class_a : class_b] = class_a > class_b ? class_b : class_a;
        uint32_t image = sigma[a];
        sigma[a] = sigma[b];
        sigma[b] = image;
    }
}

/* Whether a class of a few cells holds both. */
static bool share_class(const uint32_t *sigma, uint32_t a, uint32_t b)
{
    enum { LONGEST_CLASS = 16 };
    uint32_t cell = a;
    for (int i = 0; i < LONGEST_CLASS; i++) {
        cell = sigma[cell];
        if (cell == b)
            return true;
        if (cell == a)
            return false;
    }
    return false;
}

bool plonk_permutation_twins(const struct circuit *circuit, const uint32_t *sigma, unsigned a,
                             unsigned b)
{
    const uint32_t rows = (uint32_t)1 << circuit->lg_rows;
    for (uint32_t row = 0; row < circuit->usable_rows; row++) {
        uint32_t cell_a = a * rows + row, cell_b = b * rows + row;
        bool are_alone = sigma[cell_a] == cell_a && sigma[cell_b] == cell_b;
        if (!are_alone && !share_class(sigma, cell_a, cell_b))
            return false;
    }
    for (size_t i = 0; i < circuit->fill_count; i++) {
        const struct fill *fill = &circuit->fills[i];
        uint32_t at = fill->column * rows + fill->row;
        if ((fill->column == a || fill->column == b) && sigma[at] == at)
            return false;
    }
    return true;
}

void plonk_permutation_label(fr *out, uint32_t cell, unsigned lg_rows, const fr *omega)
{
    uint32_t column = cell >> lg_rows;
    *out = omega[cell & (((uint32_t)1 << lg_rows) - 1)];
    for (uint32_t j = 0; j < column; j++)
        plonk_times_five(out, out);
}
