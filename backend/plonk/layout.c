/* The group tables of the two modes and the sizes that follow from them. */
#include "backend/plonk/layout.h"

#include "ir/support/status.h"

#include <string.h>

static const char *const column_names[] = {"a1", "a2", "a3", "w1", "w2",   "m",  "z",  "phi", "s",
                                           "h",  "S1", "S2", "S3", "Ttag", "Tx", "Ty", "tF",  "t2",
                                           "t3", "qM", "g1", "g2", "g3",   "c2", "c3"};
_Static_assert(sizeof column_names / sizeof column_names[0] == PLONK_COLUMNS, "ORDER plonk_column");

const char *plonk_column_name(enum plonk_column column)
{
    ASSERT(column < PLONK_COLUMNS);
    return column_names[column];
}

const char *plonk_mode_name(enum plonk_mode mode)
{
    return mode == PLONK_MODE_GAS ? "gas" : "fast";
}

static enum plonk_phase column_phase(unsigned column)
{
    if (column < PLONK_Z)
        return PLONK_PHASE_ADVICE;
    return column < PLONK_FIXED_FIRST ? PLONK_PHASE_CHALLENGE : PLONK_PHASE_FIXED;
}

static bool is_missing(const struct plonk_layout *layout, unsigned column)
{
    switch (column) {
    case PLONK_W1:
        return layout->param_columns < 1;
    case PLONK_W2:
        return layout->param_columns < 2;
    case PLONK_H:
    case PLONK_G3:
        return !layout->has_contraction;
    case PLONK_QM:
        return layout->has_contraction;
    default:
        return false;
    }
}

/* Fixed columns of one group in gas mode. */
enum { FIXED_ARITY = 5 };

/* Whether a column opens a new group: the first of its phase, in gas mode also every fifth fixed
 * one. */
static bool begins_group(enum plonk_mode mode, unsigned column, const struct plonk_group *group)
{
    return mode == PLONK_MODE_FAST || column == PLONK_A1 || column == PLONK_Z ||
           column == PLONK_S1 || (column > PLONK_S1 && group->arity == FIXED_ARITY);
}

static void add_groups(struct plonk_layout *layout)
{
    unsigned evaluations = 0;
    struct plonk_group *group = NULL;
    for (unsigned column = 0; column < PLONK_COLUMNS; column++) {
        if (is_missing(layout, column))
            continue;
        enum plonk_phase phase = column_phase(column);
        if (begins_group(layout->mode, column, group)) {
            if (group != NULL)
                evaluations += group->arity * (group->rotated ? 2u : 1u);
            ASSERT(layout->group_count < PLONK_GROUPS_MAX);
            group = &layout->group[layout->group_count++];
            group->phase = (uint8_t)phase;
            group->rotated = phase == PLONK_PHASE_CHALLENGE;
            group->first_evaluation = (uint8_t)evaluations;
            for (unsigned later = (unsigned)phase + 1; later <= PLONK_PHASES; later++)
                layout->phase_first[later] = layout->group_count;
        }
        ASSERT(group->arity < PLONK_ARITY_MAX);
        group->column[group->arity++] = (uint8_t)column;
    }
    layout->evaluation_count = evaluations + group->arity;
}

void plonk_layout_init(struct plonk_layout *layout, enum plonk_mode mode, unsigned lg_rows,
                       unsigned param_columns, bool has_contraction)
{
    ASSERT(mode < PLONK_MODES && param_columns <= (has_contraction ? 1 : 2));
    ASSERT(lg_rows >= PLONK_LG_ROWS_MIN && lg_rows <= CIRCUIT_LG_ROWS_MAX);
    memset(layout, 0, sizeof *layout);
    layout->mode = mode;
    layout->lg_rows = lg_rows;
    layout->param_columns = param_columns;
    layout->has_contraction = has_contraction;
    layout->rows = (size_t)1 << lg_rows;
    layout->usable_rows = layout->rows - PLONK_GATED_ROWS;
    layout->quotient_count = 4 * layout->rows + PLONK_GATED_ROWS - 4;
    layout->quotient_parts = mode == PLONK_MODE_GAS ? 1 : PLONK_PARTS_MAX;
    add_groups(layout);
    ASSERT(layout->evaluation_count <= PLONK_EVALUATIONS_MAX);

    unsigned committed = layout->phase_first[PLONK_PHASE_FIXED];
    layout->point_count = committed + layout->quotient_parts + 2;
    layout->proof_bytes = 64 * (size_t)layout->point_count +
                          32 * ((size_t)layout->evaluation_count + (has_contraction ? 0 : 1));
    unsigned fixed = layout->group_count - committed;
    layout->vk_bytes = PLONK_VK_HEAD_BYTES + 64 * ((size_t)fixed + param_columns);

    /* The longest committed polynomial: a packed group, T, in fast mode the last part of T or the
     * quotient of the setup proof. */
    size_t longest =
        mode == PLONK_MODE_GAS ? layout->quotient_count : layout->rows + PLONK_GATED_ROWS - 1;
    for (unsigned g = 0; g < layout->group_count; g++) {
        size_t count = layout->group[g].arity * layout->rows;
        longest = count > longest ? count : longest;
    }
    layout->srs_points = longest;
}

enum status plonk_require_rows(unsigned lg_rows, struct diag *diag)
{
    if (lg_rows <= PLONK_LG_ROWS_MAX)
        return STATUS_OK;
    return diag_set(diag, STATUS_LIMIT,
                    "a table of 2^%u rows can be checked, not proved: keys and proofs hold at most "
                    "2^%d rows; give the model's inputs smaller sizes with --dim, or take a larger "
                    "--tolerance",
                    lg_rows, PLONK_LG_ROWS_MAX);
}

int plonk_evaluation_index(const struct plonk_layout *layout, enum plonk_column column,
                           bool rotated)
{
    for (unsigned g = 0; g < layout->group_count; g++) {
        const struct plonk_group *group = &layout->group[g];
        for (unsigned i = 0; i < group->arity; i++)
            if (group->column[i] == column)
                return group->first_evaluation + (int)i + (rotated ? group->arity : 0);
    }
    return -1;
}
