/*
 * KZG commitments. See kzg.h.
 */
#include "backend/commit/kzg.h"

/* The last rows of a column are a piece of their own: random ones would otherwise make the sum look
 * for wide digits in the small values before them. */
enum { LAST_ROWS = 8, COLUMN_PIECES = 3 };
_Static_assert(COLUMN_PIECES *KZG_MOST_COLUMNS <= MSM_MOST_PIECES, "the pieces of a group");

/* out = the sum of pieces over bases. */
static enum status sum_pieces(g1_affine *out, const struct msm_bases *bases,
                              const struct msm_piece *piece, size_t piece_count,
                              struct machine *machine, struct diag *diag)
{
    size_t full = 0, small = 0;
    for (size_t i = 0; i < piece_count; i++)
        *(piece[i].full ? &full : &small) += piece[i].count;
    void *scratch = machine_borrow(machine, msm_scratch_bytes(bases, full, small, machine));
    if (!scratch)
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory for a commitment to %zu values",
                        full + small);
    g1 sum;
    msm_g1_pieces(&sum, bases, piece, piece_count, machine, scratch);
    machine_give_back(machine, scratch);
    g1_to_affine(out, &sum);
    return STATUS_OK;
}

enum status kzg_commit(g1_affine *out, const struct srs *srs, const fr *coefficient, size_t count,
                       struct machine *machine, struct diag *diag)
{
    return kzg_commit_group(out, srs, &coefficient, 1, count, machine, diag);
}

enum status kzg_commit_group(g1_affine *out, const struct srs *srs, const fr *const *column,
                             unsigned arity, size_t count, struct machine *machine,
                             struct diag *diag)
{
    struct msm_piece piece[KZG_MOST_COLUMNS];
    size_t pieces = 0;
    ASSERT(arity >= 1 && arity <= KZG_MOST_COLUMNS);
    if (count > srs->powers.count / arity)
        return diag_set(diag, STATUS_LIMIT,
                        "a commitment needs %u * %zu powers of the SRS, this one has %zu", arity,
                        count, srs->powers.count);
    for (unsigned i = 0; i < arity; i++)
        if (column[i])
            piece[pieces++] =
                (struct msm_piece){.full = column[i], .count = count, .first = i, .stride = arity};
    return sum_pieces(out, &srs->powers, piece, pieces, machine, diag);
}

enum status kzg_commit_values(g1_affine *out, const struct srs_lagrange *bases,
                              const struct kzg_column *column, struct machine *machine,
                              struct diag *diag)
{
    struct msm_piece piece[COLUMN_PIECES * KZG_MOST_COLUMNS];
    size_t pieces = 0, rows = (size_t)1 << bases->lg_rows;
    ASSERT(bases->arity <= KZG_MOST_COLUMNS);
    for (unsigned i = 0; i < bases->arity; i++) {
        size_t small = column[i].small_count, stride = bases->arity;
        ASSERT(small <= rows);
        if (small > 0)
            piece[pieces++] = (struct msm_piece){
                .small = column[i].small, .count = small, .first = i, .stride = stride};
        size_t last = rows < small + LAST_ROWS ? small : rows - LAST_ROWS;
        if (column[i].full && small < last)
            piece[pieces++] = (struct msm_piece){.full = column[i].full,
                                                 .count = last - small,
                                                 .first = small * stride + i,
                                                 .stride = stride};
        if (column[i].full && last < rows)
            piece[pieces++] = (struct msm_piece){.full = column[i].full + (last - small),
                                                 .count = rows - last,
                                                 .first = last * stride + i,
                                                 .stride = stride};
    }
    return sum_pieces(out, &bases->bases, piece, pieces, machine, diag);
}

bool kzg_check(const struct srs_verifier *srs, const g1_affine *left, const g1_affine *right)
{
    g1_affine point[2] = {*left, *right};
    const struct g2_prepared *line[2] = {&srs->one, &srs->tau};
    g1_affine_neg(&point[1], &point[1]);
    return pairing_check_prepared(point, line, 2);
}
