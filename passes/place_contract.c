/*
 * Contractions by held sums (backend/plonk/README.md, 1.5): which CONTRACT relations are cheaper
 * that way, and their rows.
 *
 * Relations over one still operand, such as the steps of a recurrent cell, become one product:
 * their positions are set one behind the other. All cells of the operands exist before a chain
 * begins, as no other row may stand in it.
 */
#include <string.h>

#include "passes/place_internal.h"

/* ---- choosing ---- */

/* Role of the tensor at the end of a chain of plain copies. */
static enum relation_role root_role(const struct relation_program *program,
                                    const uint32_t *producer, uint32_t tensor)
{
    while (producer[tensor] != RELATION_NONE) {
        const struct relation *relation = &program->relations[producer[tensor]];
        if (relation->kind != RELATION_LINEAR || relation->term_count != 1 ||
            !wide_is_zero(relation->constant))
            break;
        tensor = relation->terms[0].factors[0].tensor;
    }
    return program->tensors[tensor].role;
}

/* Rows of a relation spelled out product by product. */
static size_t direct_rows(const struct bilinear_form *form, enum relation_role moving,
                          enum relation_role still)
{
    size_t products = 1;
    for (unsigned d = 0; d < form->relation->space_rank; d++)
        products *= (size_t)form->relation->space[d];
    if (moving == ROLE_CONSTANT || still == ROLE_CONSTANT)
        return products * 2 / 5;
    bool meets_once = form->sequence == 1;
    return still == ROLE_PARAMETER && meets_once ? products / 2 : products;
}

static bool same_view(const struct relation_view *a, const struct relation_view *b, unsigned rank)
{
    return a->tensor == b->tensor && a->offset == b->offset &&
           memcmp(a->stride, b->stride, rank * sizeof *a->stride) == 0 &&
           memcmp(a->low, b->low, rank * sizeof *a->low) == 0 &&
           memcmp(a->high, b->high, rank * sizeof *a->high) == 0;
}

/* Whether two relations are one product with their positions set one behind the other. */
static bool joins(const struct bilinear_form *a, const struct bilinear_form *b)
{
    const struct relation *p = a->relation, *q = b->relation;
    unsigned rank = p->space_rank;
    return a->span == 0 && a->groups == 1 && b->span == 0 && q->space_rank == rank &&
           p->contract_rank == q->contract_rank &&
           memcmp(p->space, q->space, rank * sizeof *p->space) == 0 &&
           memcmp(a->kind, b->kind, rank) == 0 && same_view(a->still, b->still, rank) &&
           memcmp(a->moving->stride, b->moving->stride, rank * sizeof(int64_t)) == 0 &&
           memcmp(a->moving->low, b->moving->low, rank * sizeof(int64_t)) == 0 &&
           memcmp(a->moving->high, b->moving->high, rank * sizeof(int64_t)) == 0;
}

/* Everything about the candidates while they are collected. */
struct collecting {
    const struct relation_program *program;
    struct place_contractions *out;
    struct arena *arena;
    const uint32_t *producer;
    size_t *direct; /* by contraction: rows without held sums */
};

static void add_relation(struct collecting *c, uint32_t index, const struct bilinear_form *form,
                         bool swapped, size_t direct)
{
    for (size_t i = 0; i < c->out->count; i++) {
        struct place_contraction *known = &c->out->item[i];
        if (known->swapped != swapped || !joins(&known->form, form))
            continue;
        known->relations[known->count++] = index;
        c->direct[i] += direct;
        return;
    }
    struct place_contraction *fresh = &c->out->item[c->out->count];
    uint32_t *relations = arena_array(c->arena, uint32_t, c->program->relation_count - index);
    if (relations == NULL)
        return;
    *fresh = (struct place_contraction){
        .form = *form, .swapped = swapped, .relations = relations, .count = 1};
    fresh->relations[0] = index;
    c->direct[c->out->count++] = direct;
}

static void consider(struct collecting *c, uint32_t index)
{
    struct bilinear_form form[2];
    size_t rows[2] = {0, 0}, direct[2] = {0, 0};
    for (unsigned swapped = 0; swapped < 2; swapped++) {
        struct bilinear_form *f = &form[swapped];
        if (!bilinear_form_init(f, &c->program->relations[index], swapped != 0))
            continue;
        enum relation_role moving = root_role(c->program, c->producer, f->moving->tensor),
                           still = root_role(c->program, c->producer, f->still->tensor);
        rows[swapped] = bilinear_form_rows(f, 1);
        if (moving == ROLE_PARAMETER) /* each gets a cell first */
            rows[swapped] += c->program->tensors[f->moving->tensor].count;
        direct[swapped] = direct_rows(f, moving, still);
    }
    bool swapped = rows[0] == 0 || (rows[1] != 0 && rows[1] < rows[0]);
    if (rows[swapped] != 0)
        add_relation(c, index, &form[swapped], swapped, direct[swapped]);
}

/* Keeps the contractions that pay. */
static void keep_cheaper(struct collecting *c)
{
    struct place_contractions *out = c->out;
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        size_t rows = bilinear_form_rows(&out->item[i].form, out->item[i].count);
        if (rows >= c->direct[i])
            continue;
        out->saved_rows += c->direct[i] - rows;
        out->item[kept] = out->item[i];
        for (size_t k = 0; k < out->item[kept].count; k++)
            out->of_relation[out->item[kept].relations[k]] = (uint32_t)kept + 1;
        kept++;
    }
    out->count = kept;
}

/* Memories that are no parameter itself, a copy of one for instance, need the column qM. */
static bool has_witness_memory(const struct relation_program *program)
{
    for (size_t i = 0; i < program->relation_count; i++) {
        const struct relation *relation = &program->relations[i];
        if (relation->kind == RELATION_READ &&
            program->tensors[relation->memory].role != ROLE_PARAMETER)
            return true;
    }
    return false;
}

bool place_find_contractions(struct place_contractions *out, const struct relation_program *program,
                             struct arena *arena)
{
    memset(out, 0, sizeof *out);
    size_t contracts = 0;
    for (size_t i = 0; i < program->relation_count; i++)
        contracts += program->relations[i].kind == RELATION_CONTRACT;
    if (contracts == 0)
        return true;
    uint32_t *producer = arena_array(arena, uint32_t, program->tensor_count + 1);
    out->item = arena_array(arena, struct place_contraction, contracts);
    out->of_relation = arena_array(arena, uint32_t, program->relation_count);
    size_t *direct = arena_array(arena, size_t, contracts);
    if (producer == NULL || out->item == NULL || out->of_relation == NULL || direct == NULL)
        return false;
    for (size_t i = 0; i <= program->tensor_count; i++)
        producer[i] = RELATION_NONE;
    for (size_t i = 0; i < program->relation_count; i++)
        for (unsigned k = 0; k < program->relations[i].output_count; k++)
            producer[program->relations[i].outputs[k]] = (uint32_t)i;
    if (has_witness_memory(program))
        return true;
    struct collecting c = {program, out, arena, producer, direct};
    for (size_t i = 0; i < program->relation_count; i++)
        if (program->relations[i].kind == RELATION_CONTRACT)
            consider(&c, (uint32_t)i);
    keep_cheaper(&c);
    return true;
}

/* ---- uses ---- */

/* A cell of the still operand, as an item. */
static struct item still_item(struct place *place, const struct bilinear_form *form, size_t group,
                              size_t class, size_t kernel, size_t column)
{
    return place_resolve(place, form->still->tensor,
                         bilinear_still(form, group, class, kernel, column));
}

static struct item moving_item(struct place *place, const struct place_contraction *contraction,
                               size_t instance, size_t group, size_t class, size_t position)
{
    const struct relation *relation = &place->program->relations[contraction->relations[instance]];
    const struct relation_view *view = &relation->views[contraction->swapped ? 1 : 0];
    return place_resolve(place, view->tensor,
                         bilinear_moving(&contraction->form, view, group, class, position));
}

/* Calls visit for every cell of the operands: is_still tells which. */
typedef void visit_item(struct place *place, struct item item, bool is_still);

static void visit_operands(struct place *place, const struct place_contraction *contraction,
                           visit_item *visit)
{
    const struct bilinear_form *form = &contraction->form;
    for (size_t g = 0; g < form->groups; g++) {
        for (size_t c = 0; c < form->classes && place->status == STATUS_OK; c++) {
            for (size_t i = 0; i < contraction->count; i++)
                for (size_t q = 0; q < form->sequence; q++)
                    visit(place, moving_item(place, contraction, i, g, c, q), false);
            size_t count = bilinear_kernels(form, c, place->kernel, place->shift);
            for (size_t k = 0; k < count; k++)
                for (size_t n = 0; n < form->columns; n++)
                    visit(place, still_item(place, form, g, c, place->kernel[k], n), true);
        }
    }
}

static void count_item(struct place *place, struct item item, bool is_still)
{
    if (item.kind == ITEM_CONSTANT)
        return;
    size_t global = place_global_of(place, &item);
    if (place->state[item.tensor] != STATE_PARAMETER)
        place->hard_uses[global]++;
    else
        place->linear_uses[global] += is_still ? 1 : 2; /* a moving one needs a cell */
}

void place_count_contraction(struct place *place, const struct place_contraction *contraction)
{
    visit_operands(place, contraction, count_item);
}

/* ---- rows ---- */

static void give_cell(struct place *place, struct item item, bool is_still)
{
    if (!is_still || !item_is_weight(place, &item))
        (void)place_materialise(place, item);
}

/* A chain being laid: s has been multiplied by rho^power. */
struct laying {
    struct place *place;
    const struct place_contraction *contraction;
    size_t group;
    int64_t power;
};

static uint32_t new_row(struct laying *l, enum gate_chain chain, enum gate_hold hold)
{
    uint32_t row = place_new_row(l->place);
    if (l->place->status == STATUS_OK) {
        l->place->rows[row].fixed.chain = (uint8_t)chain;
        l->place->rows[row].fixed.hold = (uint8_t)hold;
    }
    return row;
}

static void put(struct laying *l, uint32_t row, uint8_t column, const struct item *item)
{
    if (l->place->status != STATUS_OK)
        return;
    bool is_zero = item == NULL || (item->kind == ITEM_CONSTANT &&
                                    wide_is_zero(l->place->constants[item->constant]));
    if (is_zero)
        place_zero(l->place, row, column);
    else
        place_item(l->place, row, column, item);
}

/* h = sigma h + rho^2 a1 + rho a2 + a3; null for zero. */
static void lay_step(struct laying *l, const struct item *a1, const struct item *a2,
                     const struct item *a3)
{
    uint32_t row = new_row(l, CHAIN_CONTINUE, HOLD_STEP);
    put(l, row, 0, a1);
    put(l, row, 1, a2);
    put(l, row, 2, a3);
}

/* A row that multiplies h, after s moved by `move` powers of rho: -1, 0 or 1. */
static void lay_product(struct laying *l, int64_t move, const struct item *factor)
{
    struct place *place = l->place;
    bool weight = item_is_weight(place, factor);
    uint32_t row = new_row(l,
                           move > 0   ? CHAIN_HORNER
                           : move < 0 ? CHAIN_START
                                      : CHAIN_CONTINUE,
                           weight ? HOLD_WEIGHT : HOLD_ADVICE);
    if (place->status != STATUS_OK)
        return;
    l->power += move;
    if (weight)
        place->rows[row].param[0] = (uint32_t)place_global_of(place, factor) + 1;
    else
        put(l, row, 0, factor);
    if (move < 0) {
        place->rows[row].fixed.c3 = place_constant(place, wide_from_i64(1));
        place_zero(place, row, 2);
    }
}

/* Moves s to rho^power with h = 0. */
static void move_to(struct laying *l, int64_t power)
{
    for (; l->power < power && l->place->status == STATUS_OK; l->power++)
        new_row(l, CHAIN_HORNER, HOLD_NONE);
    struct item zero = item_constant(l->place, wide_from_i64(0));
    while (l->power > power && l->place->status == STATUS_OK)
        lay_product(l, -1, &zero);
}

/* s += h W[k, n] for all columns, there or back. */
static void lay_columns(struct laying *l, size_t class, size_t kernel)
{
    const struct bilinear_form *form = &l->contraction->form;
    size_t columns = form->columns;
    bool forward = l->power == 0;
    for (size_t i = 0; i < columns && l->place->status == STATUS_OK; i++) {
        size_t n = forward ? i : columns - 1 - i;
        l->place->origin.element = (uint32_t)n;
        struct item item = still_item(l->place, form, l->group, class, kernel, n);
        lay_product(l, i == 0 ? 0 : forward ? 1 : -1, &item);
    }
}

static void lay_class(struct laying *l, size_t class)
{
    const struct place_contraction *contraction = l->contraction;
    const struct bilinear_form *form = &contraction->form;
    struct place *place = l->place;
    for (size_t i = 0; i < contraction->count; i++) {
        for (size_t q = 0; q < form->sequence && place->status == STATUS_OK; q++) {
            struct item item = moving_item(place, contraction, i, l->group, class, q);
            lay_step(l, NULL, NULL, &item);
        }
    }
    size_t count = bilinear_kernels(form, class, place->kernel, place->shift), at = 0;
    for (size_t k = 0; k < count && place->status == STATUS_OK; k++) {
        for (; at < place->shift[k]; at++)
            lay_step(l, NULL, NULL, NULL);
        lay_columns(l, class, place->kernel[k]);
    }
}

/* Coefficient i of the product of a column: an output, or a cell of its own. */
static struct item output_item(const struct laying *l, size_t instance, size_t column, size_t i)
{
    const struct place_contraction *contraction = l->contraction;
    const struct bilinear_form *form = &contraction->form;
    uint32_t relation = contraction->relations[instance];
    int64_t element = bilinear_output(form, l->group, column, i);
    if (element >= 0)
        return item_element(l->place->program->relations[relation].outputs[0], (uint32_t)element);
    size_t number = (l->group * form->columns + column) * (form->sequence + form->span) + i;
    return (struct item){.kind = ITEM_REST,
                         .tensor = relation,
                         .element = (uint32_t)(2 * number + contraction->swapped)};
}

/* Takes the outputs of columns low .. high off s. The last ends the chain. */
static void lay_outputs(struct laying *l, size_t low, size_t high, bool is_last)
{
    const struct place_contraction *contraction = l->contraction;
    size_t count = contraction->form.sequence + contraction->form.span;
    bool steps_on = !is_last && l->power < (int64_t)high;
    new_row(l, CHAIN_CONTINUE, HOLD_NONE);
    move_to(l, (int64_t)high - (steps_on ? 1 : 0));
    for (size_t instance = 0; instance < contraction->count; instance++) {
        for (size_t i = 0; i < count && l->place->status == STATUS_OK; i++) {
            struct item cell[3];
            for (size_t n = low; n <= high; n++)
                cell[2 - (high - n)] = output_item(l, instance, n, i);
            int64_t element = bilinear_output(&contraction->form, l->group, high, i);
            l->place->origin = (struct row_origin){contraction->relations[instance],
                                                   element < 0 ? 0 : (uint32_t)element};
            lay_step(l, high - low < 2 ? NULL : &cell[0], high - low < 1 ? NULL : &cell[1],
                     &cell[2]);
        }
    }
    struct item minus_one = item_constant(l->place, wide_from_i64(-1));
    lay_product(l, steps_on ? 1 : 0, &minus_one);
    if (is_last && l->place->status == STATUS_OK)
        l->place->rows[l->place->row_count - 1].fixed.chain = CHAIN_END;
}

static void lay_group(struct laying *l)
{
    const struct bilinear_form *form = &l->contraction->form;
    size_t columns = form->columns;
    l->power = 0;
    l->place->origin = (struct row_origin){l->contraction->relations[0], 0};
    new_row(l, CHAIN_START, HOLD_NONE);
    for (size_t c = 0; c < form->classes && l->place->status == STATUS_OK; c++) {
        if (c > 0)
            new_row(l, CHAIN_CONTINUE, HOLD_NONE);
        lay_class(l, c);
    }
    if (l->power == 0) {
        for (size_t low = 0; low < columns; low += 3)
            lay_outputs(l, low, low + 2 < columns ? low + 2 : columns - 1, low + 3 >= columns);
        return;
    }
    for (size_t end = columns; end > 0; end = end > 3 ? end - 3 : 0)
        lay_outputs(l, end > 3 ? end - 3 : 0, end - 1, end <= 3);
}

void place_contraction(struct place *place, const struct place_contraction *contraction)
{
    place->origin = (struct row_origin){contraction->relations[0], 0};
    place_constant_cell(place, place_constant(place, wide_from_i64(-1)));
    visit_operands(place, contraction, give_cell);
    struct laying laying = {.place = place, .contraction = contraction};
    for (; laying.group < contraction->form.groups && place->status == STATUS_OK; laying.group++)
        lay_group(&laying);
}
