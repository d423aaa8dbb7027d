/* The arithmetic of axes; see relation_bilinear.h. */
#include "ir/relation_bilinear.h"

#include <string.h>

static int64_t floor_divide(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    a = a < 0 ? -a : a;
    b = b < 0 ? -b : b;
    while (b != 0) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

static bool is_output_axis(const struct relation *relation, unsigned d)
{
    return d < (unsigned)(relation->space_rank - relation->contract_rank);
}

static bool is_unbounded(const struct relation *relation, const struct relation_view *view,
                         unsigned d)
{
    return view->low[d] <= 0 && view->high[d] >= relation->space[d];
}

/* Whether an operand depends on an axis. */
static bool depends_on(const struct relation *relation, const struct relation_view *view,
                       unsigned d)
{
    return (view->stride[d] != 0 && relation->space[d] > 1) || !is_unbounded(relation, view, d);
}

static bool classify(struct bilinear_form *form)
{
    const struct relation *r = form->relation;
    for (unsigned d = 0; d < r->space_rank; d++) {
        bool moves = depends_on(r, form->moving, d), stays = depends_on(r, form->still, d);
        form->partner[d] = -1;
        if (r->space[d] <= 0 || r->space[d] > INT32_MAX)
            return false;
        if (!is_output_axis(r, d)) {
            if (r->space[d] > 1 && (!moves || !stays))
                return false;
            form->kind[d] = BILINEAR_INNER;
        } else if (moves && stays) {
            form->kind[d] = BILINEAR_GROUP;
        } else if (stays) {
            form->kind[d] = BILINEAR_COLUMN;
        } else {
            if (r->space[d] > 1 && !moves)
                return false;
            form->kind[d] = BILINEAR_POSITION;
        }
    }
    return true;
}

/* Sets lanes, weights and the counts from kinds and partners; false when numbers grow too large. */
static bool measure(struct bilinear_form *form)
{
    const struct relation *r = form->relation;
    const size_t most = (size_t)1 << 30;
    form->groups = form->classes = form->columns = form->kernels = form->sequence = 1;
    form->span = 0;
    for (unsigned d = r->space_rank; d-- > 0;) {
        size_t extent = (size_t)r->space[d];
        if (form->kind[d] == BILINEAR_GROUP)
            form->groups *= extent;
        if (form->kind[d] == BILINEAR_COLUMN)
            form->columns *= extent;
        if (form->kind[d] == BILINEAR_INNER && form->partner[d] < 0)
            form->classes *= extent;
        if (form->kind[d] == BILINEAR_INNER && form->partner[d] >= 0)
            form->kernels *= extent;
        if (form->groups > most || form->columns > most || form->classes > most ||
            form->kernels > most)
            return false;
        if (form->kind[d] != BILINEAR_POSITION)
            continue;
        int64_t last = form->partner[d] < 0 ? 0 : r->space[form->partner[d]] - 1;
        if (form->partner[d] < 0) {
            form->unit[d] = form->moving->stride[d];
            form->step[d] = 1;
            form->dilation[d] = 0;
        } else {
            int64_t a = form->moving->stride[d], b = form->moving->stride[form->partner[d]];
            int64_t unit = greatest_divisor(a, b);
            form->unit[d] = a < 0 ? -unit : unit;
            form->step[d] = a / form->unit[d];
            form->dilation[d] = b / form->unit[d];
        }
        int64_t first_shift = 0,
                last_shift = floor_divide(form->dilation[d] * last, form->step[d]);
        form->shift_low[d] = first_shift < last_shift ? first_shift : last_shift;
        int64_t shifts = (first_shift > last_shift ? first_shift : last_shift) - form->shift_low[d];
        form->lanes[d] = r->space[d] + shifts;
        form->weight[d] = (int64_t)form->sequence;
        form->span += (size_t)shifts * form->sequence;
        form->sequence *= (size_t)form->lanes[d];
        form->classes *= form->partner[d] < 0 ? 1 : (size_t)form->step[d];
        if (form->sequence > most || form->span > most || form->classes > most)
            return false;
    }
    return true;
}

size_t bilinear_form_rows(const struct bilinear_form *form, size_t instances)
{
    /* A residue class steps over the shifts of its kernel elements, at most the span. */
    size_t inner = 1;
    const struct relation *r = form->relation;
    for (unsigned d = 0; d < r->space_rank; d++)
        if (form->kind[d] == BILINEAR_INNER)
            inner *= (size_t)r->space[d];
    size_t sequence = form->sequence * instances;
    size_t moving = form->classes * (sequence + form->span + 1);
    size_t outputs = (form->columns + 2) / 3 * (sequence + form->span + 4);
    return form->groups * (moving + inner * form->columns + outputs + 2);
}

/* Tries every kernel axis, and none, for position axes d and later; keeps the cheapest. */
static void choose_partners(struct bilinear_form *best, size_t *best_rows,
                            struct bilinear_form *form, unsigned d)
{
    const struct relation *r = form->relation;
    if (d == r->space_rank) {
        if (!measure(form))
            return;
        size_t rows = bilinear_form_rows(form, 1);
        if (*best_rows == 0 || rows < *best_rows) {
            *best = *form;
            *best_rows = rows;
        }
        return;
    }
    choose_partners(best, best_rows, form, d + 1);
    if (form->kind[d] != BILINEAR_POSITION || r->space[d] == 1 ||
        !is_unbounded(r, form->moving, d))
        return;
    for (unsigned k = 0; k < r->space_rank; k++) {
        if (form->kind[k] != BILINEAR_INNER || form->partner[k] >= 0 || r->space[k] == 1 ||
            form->moving->stride[k] == 0 || !is_unbounded(r, form->moving, k))
            continue;
        form->partner[d] = (int8_t)k;
        form->partner[k] = (int8_t)d;
        choose_partners(best, best_rows, form, d + 1);
        form->partner[d] = form->partner[k] = -1;
    }
}

bool bilinear_form_init(struct bilinear_form *form, const struct relation *relation, bool swapped)
{
    struct bilinear_form trial = {.relation = relation,
                                  .moving = &relation->views[swapped ? 1 : 0],
                                  .still = &relation->views[swapped ? 0 : 1]};
    size_t rows = 0;
    if (relation->kind != RELATION_CONTRACT || trial.moving->index_list != NULL ||
        trial.still->index_list != NULL || !classify(&trial))
        return false;
    choose_partners(form, &rows, &trial, 0);
    return rows != 0;
}

/* ---- elements ---- */

/* Splits a class into the residues of position axes and the indices of inner axes without partner.
 */
static void split_class(int64_t index[RELATION_RANK_MAX], const struct bilinear_form *form,
                        size_t class)
{
    const struct relation *r = form->relation;
    for (unsigned d = r->space_rank; d-- > 0;) {
        size_t extent = 1;
        if (form->kind[d] == BILINEAR_INNER && form->partner[d] < 0)
            extent = (size_t)r->space[d];
        if (form->kind[d] == BILINEAR_POSITION && form->partner[d] >= 0)
            extent = (size_t)form->step[d];
        index[d] = (int64_t)(class % extent);
        class /= extent;
    }
}

/* Sets the indices of the axes of one kind from their row-major number. */
static void split_kind(int64_t index[RELATION_RANK_MAX], const struct bilinear_form *form,
                       enum bilinear_axis kind, bool with_partner, size_t number)
{
    const struct relation *r = form->relation;
    for (unsigned d = r->space_rank; d-- > 0;) {
        if (form->kind[d] != kind || (form->partner[d] >= 0) != with_partner)
            continue;
        index[d] = (int64_t)(number % (size_t)r->space[d]);
        number /= (size_t)r->space[d];
    }
}

static bool is_inside(const struct relation_view *view, unsigned d, int64_t index)
{
    return index >= view->low[d] && index < view->high[d];
}

int64_t bilinear_moving(const struct bilinear_form *form, const struct relation_view *moving,
                        size_t group, size_t class, size_t position)
{
    const struct relation *r = form->relation;
    int64_t index[RELATION_RANK_MAX] = {0}, element = moving->offset;
    split_class(index, form, class);
    split_kind(index, form, BILINEAR_GROUP, false, group);
    for (unsigned d = 0; d < r->space_rank; d++) {
        if (form->kind[d] == BILINEAR_POSITION) {
            int64_t lane = (int64_t)position / form->weight[d] % form->lanes[d];
            int64_t p = form->step[d] * (lane + form->shift_low[d]) + index[d];
            int64_t last = form->partner[d] < 0 ? 0 : r->space[form->partner[d]] - 1;
            int64_t reach = form->dilation[d] * last;
            int64_t low = reach < 0 ? reach : 0,
                    high = form->step[d] * (r->space[d] - 1) + (reach > 0 ? reach : 0);
            if (p < low || p > high || (form->partner[d] < 0 && !is_inside(moving, d, p)))
                return -1;
            element += form->unit[d] * p;
        } else if (form->kind[d] == BILINEAR_GROUP ||
                   (form->kind[d] == BILINEAR_INNER && form->partner[d] < 0)) {
            if (!is_inside(moving, d, index[d]))
                return -1;
            element += moving->stride[d] * index[d];
        }
    }
    return element;
}

size_t bilinear_kernels(const struct bilinear_form *form, size_t class, size_t *kernel,
                        size_t *shift)
{
    const struct relation *r = form->relation;
    int64_t residue[RELATION_RANK_MAX];
    size_t count = 0;
    split_class(residue, form, class);
    for (size_t i = 0; i < form->kernels; i++) {
        int64_t index[RELATION_RANK_MAX] = {0}, total = 0;
        bool belongs = true;
        split_kind(index, form, BILINEAR_INNER, true, i);
        for (unsigned d = 0; d < r->space_rank; d++) {
            if (form->kind[d] != BILINEAR_POSITION || form->partner[d] < 0)
                continue;
            int64_t p = form->dilation[d] * index[form->partner[d]],
                    lane = floor_divide(p, form->step[d]);
            belongs = belongs && p - lane * form->step[d] == residue[d];
            total += (lane - form->shift_low[d]) * form->weight[d];
        }
        if (!belongs)
            continue;
        size_t at = count++;
        for (; at > 0 && shift[at - 1] > (size_t)total; at--) {
            shift[at] = shift[at - 1];
            kernel[at] = kernel[at - 1];
        }
        shift[at] = (size_t)total;
        kernel[at] = i;
    }
    return count;
}

int64_t bilinear_still(const struct bilinear_form *form, size_t group, size_t class, size_t kernel,
                       size_t column)
{
    const struct relation *r = form->relation;
    int64_t index[RELATION_RANK_MAX] = {0}, element = form->still->offset;
    split_class(index, form, class);
    split_kind(index, form, BILINEAR_GROUP, false, group);
    split_kind(index, form, BILINEAR_COLUMN, false, column);
    split_kind(index, form, BILINEAR_INNER, true, kernel);
    for (unsigned d = 0; d < r->space_rank; d++) {
        if (form->kind[d] == BILINEAR_POSITION)
            continue;
        if (!is_inside(form->still, d, index[d]))
            return -1;
        element += form->still->stride[d] * index[d];
    }
    return element;
}

int64_t bilinear_output(const struct bilinear_form *form, size_t group, size_t column, size_t i)
{
    const struct relation *r = form->relation;
    int64_t index[RELATION_RANK_MAX] = {0}, element = 0;
    if (i < form->span)
        return -1;
    split_kind(index, form, BILINEAR_GROUP, false, group);
    split_kind(index, form, BILINEAR_COLUMN, false, column);
    for (unsigned d = 0; is_output_axis(r, d); d++) {
        if (form->kind[d] == BILINEAR_POSITION) {
            index[d] = (int64_t)(i - form->span) / form->weight[d] % form->lanes[d];
            if (index[d] >= r->space[d])
                return -1;
        }
        element = element * r->space[d] + index[d];
    }
    return element;
}
