/*
 * Verifying keys from circuits: the commitments to fixed columns and parameters.
 *
 * Fixed columns are mostly small integers by row, and a sigma column is K_j X in all cells that map
 * to themselves; so they are committed to from their values, over strided Lagrange bases, and cost
 * what their digits cost. Where these bases would first have to be made by transforms of points
 * (the SRS of a ceremony, on the first use of a size), coefficients are cheaper. The points are the
 * same.
 */
#include "backend/plonk/keys.h"

#include "backend/commit/kzg.h"
#include "backend/plonk/fixed_columns.h"
#include "backend/plonk/permutation.h"

#include <string.h>

struct vk_maker {
    struct plonk_verifying_key *vk;
    const struct srs *srs;
    struct machine *machine;
    struct diag *diag;
    struct arena arena;
    struct fixed_columns fixed;
    struct ntt_domain domain;                       /* made when it is first needed */
    struct srs_lagrange bases[PLONK_ARITY_MAX + 1]; /* by arity, opened when first needed */
};

/* The bases of an arity; null when coefficients are cheaper. */
static const struct srs_lagrange *quick_bases(struct vk_maker *maker, unsigned arity)
{
    struct srs_lagrange *bases = &maker->bases[arity];
    if (bases->arity == 0 && !srs_lagrange_open_quick(bases, maker->srs, maker->vk->layout.lg_rows,
                                                      arity, maker->machine))
        return NULL;
    return bases;
}

static enum status no_memory(const struct vk_maker *maker)
{
    return arena_failure(&maker->arena, maker->fixed.rows * sizeof(fr), "a fixed column",
                         maker->diag);
}

/* The columns of a group as values, sigma columns without K_j X. */
static enum status fill_values(struct kzg_column *out, struct vk_maker *maker,
                               const struct plonk_group *group)
{
    const struct fixed_columns *fixed = &maker->fixed;
    for (unsigned i = 0; i < group->arity; i++) {
        unsigned column = group->column[i];
        bool is_small = fixed_column_is_small(column), any = true;
        int64_t *small = is_small ? arena_array(&maker->arena, int64_t, fixed->rows) : NULL;
        fr *full = is_small ? NULL : arena_array(&maker->arena, fr, fixed->rows);
        if (small == NULL && full == NULL)
            return no_memory(maker);
        if (is_small)
            any = fixed_column_small(small, fixed, column);
        else if (column <= PLONK_S3)
            fixed_column_moves(full, fixed, column);
        else
            any = fixed_column_full(full, fixed, column);
        out[i] = (struct kzg_column){0};
        if (any)
            out[i] = (struct kzg_column){small, is_small ? fixed->rows : 0, full};
    }
    return STATUS_OK;
}

/* *point += K_j [tau^(arity + i)]: K_j X of the sigma column that stands at place i of a group. */
static void add_identity(g1_affine *point, const struct vk_maker *maker,
                         const struct plonk_group *group)
{
    g1_affine base[CIRCUIT_ADVICE + 1];
    fr factor[CIRCUIT_ADVICE + 1];
    unsigned count = 0;
    for (unsigned i = 0; i < group->arity; i++) {
        if (group->column[i] > PLONK_S3)
            continue;
        base[count] = maker->srs->powers.point[group->arity + i];
        plonk_permutation_label(
            &factor[count++], (uint32_t)(group->column[i] - PLONK_S1) << maker->vk->layout.lg_rows,
            maker->vk->layout.lg_rows, maker->fixed.omega);
    }
    if (count == 0)
        return;
    g1 sum;
    base[count] = *point;
    factor[count++] = fr_one;
    msm_g1_few(&sum, base, factor, count);
    g1_to_affine(point, &sum);
}

static enum status commit_values(g1_affine *out, struct vk_maker *maker,
                                 const struct plonk_group *group, const struct srs_lagrange *bases)
{
    struct kzg_column column[PLONK_ARITY_MAX];
    enum status status = fill_values(column, maker, group);
    if (status == STATUS_OK)
        status = kzg_commit_values(out, bases, column, maker->machine, maker->diag);
    if (status == STATUS_OK)
        add_identity(out, maker, group);
    return status;
}

static enum status commit_coefficients(g1_affine *out, struct vk_maker *maker,
                                       const struct plonk_group *group)
{
    const fr *column[PLONK_ARITY_MAX] = {NULL};
    const struct plonk_layout *layout = &maker->vk->layout;
    if (maker->domain.n == 0) {
        enum status status = ntt_domain_init(&maker->domain, layout->lg_rows, maker->diag);
        if (status != STATUS_OK)
            return status;
    }
    for (unsigned i = 0; i < group->arity; i++) {
        fr *value = arena_array(&maker->arena, fr, layout->rows);
        if (value == NULL)
            return no_memory(maker);
        if (!fixed_column_full(value, &maker->fixed, group->column[i]))
            continue;
        ntt_inverse(maker->machine, &maker->domain, value);
        column[i] = value;
    }
    return kzg_commit_group(out, maker->srs, column, group->arity, layout->rows, maker->machine,
                            maker->diag);
}

static enum status commit_fixed(struct vk_maker *maker)
{
    struct plonk_verifying_key *vk = maker->vk;
    unsigned first = vk->layout.phase_first[PLONK_PHASE_FIXED];
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < vk->fixed_count && status == STATUS_OK; i++) {
        const struct plonk_group *group = &vk->layout.group[first + i];
        const struct srs_lagrange *bases = quick_bases(maker, group->arity);
        struct arena_mark mark = arena_checkpoint(&maker->arena);
        status = bases != NULL ? commit_values(&vk->fixed[i], maker, group, bases)
                               : commit_coefficients(&vk->fixed[i], maker, group);
        arena_rewind(&maker->arena, mark);
    }
    return status;
}

void plonk_parameter_values(fr *out, const struct plonk_layout *layout, const fr *cells,
                            const fr tail[2])
{
    memcpy(out, cells, layout->usable_rows * sizeof *out);
    out[layout->usable_rows] = tail[0];
    out[layout->usable_rows + 1] = tail[1];
    memset(out + layout->usable_rows + 2, 0, (PLONK_GATED_ROWS - 2) * sizeof *out);
}

/* The setup proof needs the bases of arity 1 anyway, so here they are made where they are not. */
static enum status commit_parameters(struct vk_maker *maker,
                                     const fr *const parameters[CIRCUIT_PARAM_MAX],
                                     const struct plonk_parameter_tail *tail)
{
    const struct plonk_layout *layout = &maker->vk->layout;
    struct srs_lagrange *bases = &maker->bases[1];
    enum status status = STATUS_OK;
    if (layout->param_columns > 0 && bases->arity == 0)
        status =
            srs_lagrange_open(bases, maker->srs, layout->lg_rows, 1, maker->machine, maker->diag);
    fr *value = arena_array(&maker->arena, fr, layout->rows);
    if (value == NULL && status == STATUS_OK)
        return no_memory(maker);
    for (unsigned j = 0; status == STATUS_OK && j < layout->param_columns; j++) {
        struct kzg_column column = {.full = value};
        plonk_parameter_values(value, layout, parameters[j], tail->value[j]);
        status = kzg_commit_values(&maker->vk->parameters[j], bases, &column, maker->machine,
                                   maker->diag);
        if (status == STATUS_OK && g1_affine_is_infinity(&maker->vk->parameters[j]))
            status = diag_set(maker->diag, STATUS_IO,
                              "the random tail of the parameters is zero; make the keys again");
    }
    if (value != NULL)
        fr_wipe(value, layout->rows);
    return status;
}

static enum status start(struct vk_maker *maker, struct plonk_verifying_key *vk,
                         const struct circuit *circuit, enum plonk_mode mode, const struct srs *srs,
                         struct machine *machine, struct diag *diag)
{
    *maker = (struct vk_maker){.vk = vk, .srs = srs, .machine = machine, .diag = diag};
    enum status status = plonk_vk_start(vk, circuit, NULL, mode, srs, diag);
    if (status == STATUS_OK)
        status = fixed_columns_init(&maker->fixed, &maker->arena, circuit, diag);
    if (status == STATUS_OK)
        status = commit_fixed(maker);
    return status;
}

/* Releases what the maker holds and, when all went well, sets the digest. */
static enum status finish(struct vk_maker *maker, enum status status)
{
    uint8_t bytes[PLONK_VK_BYTES_MAX];
    if (status == STATUS_OK)
        plonk_vk_serialize(bytes, maker->vk);
    for (unsigned arity = 0; arity <= PLONK_ARITY_MAX; arity++)
        srs_lagrange_release(&maker->bases[arity]);
    ntt_domain_release(&maker->domain);
    arena_release(&maker->arena);
    return status;
}

enum status plonk_vk_make(struct plonk_verifying_key *vk, const struct circuit *circuit,
                          enum plonk_mode mode, const struct srs *srs,
                          const fr *const parameters[CIRCUIT_PARAM_MAX],
                          const struct plonk_parameter_tail *tail, struct machine *machine,
                          struct diag *diag)
{
    struct vk_maker maker;
    enum status status = start(&maker, vk, circuit, mode, srs, machine, diag);
    if (status == STATUS_OK)
        status = commit_parameters(&maker, parameters, tail);
    return finish(&maker, status);
}

enum status plonk_vk_make_over(struct plonk_verifying_key *vk, const struct circuit *circuit,
                               enum plonk_mode mode, const struct srs *srs,
                               const g1_affine *parameters, struct machine *machine,
                               struct diag *diag)
{
    struct vk_maker maker;
    enum status status = start(&maker, vk, circuit, mode, srs, machine, diag);
    for (unsigned j = 0; status == STATUS_OK && j < circuit->param_columns; j++)
        vk->parameters[j] = parameters[j];
    return finish(&maker, status);
}
