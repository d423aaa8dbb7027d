/*
 * Equations: gathering linear and bilinear terms, and laying them out as a chain of gate rows.
 *
 * A chain accumulates in s: weighted rows first (two parameter products each), then products, then
 * linear terms; the third cell of the first two kinds carries one linear term or limb. The last row
 * asserts that the sum is zero.
 */
#include <string.h>

#include "passes/place_internal.h"

void equation_init(struct equation *equation)
{
    memset(equation, 0, sizeof *equation);
}

/* An equation without arrays takes those of one that was emitted. */
static void take_arrays(struct place *place, struct equation *equation)
{
    if (equation->terms != NULL || equation->parts != NULL || place->spare_count == 0)
        return;
    const struct equation *spare = &place->spare[--place->spare_count];
    equation->terms = spare->terms;
    equation->term_capacity = spare->term_capacity;
    equation->parts = spare->parts;
    equation->part_capacity = spare->part_capacity;
}

static void give_arrays(struct place *place, const struct equation *equation)
{
    if ((equation->terms != NULL || equation->parts != NULL) &&
        place->spare_count < PLACE_SPARE_MAX)
        place->spare[place->spare_count++] = *equation;
}

static bool append_term(struct place *place, struct equation *equation, const struct term *term)
{
    take_arrays(place, equation);
    void *array = equation->terms;
    if (!place_grow(place, &array, &equation->term_capacity, equation->term_count + 1,
                    sizeof *term))
        return false;
    equation->terms = array;
    equation->terms[equation->term_count++] = *term;
    return true;
}

void equation_add_constant(struct place *place, struct equation *equation, wide value)
{
    if (!wide_add(&equation->constant, equation->constant, value))
        place_fail(place, STATUS_LIMIT, "a constant leaves 256 bits");
}

void equation_add(struct place *place, struct equation *equation, wide coefficient,
                  struct item item, uint16_t range_tag)
{
    if (place->status != STATUS_OK || wide_is_zero(coefficient))
        return;
    if (item.kind == ITEM_CONSTANT) {
        wide product;
        if (!wide_mul(&product, coefficient, place->constants[item.constant]))
            place_fail(place, STATUS_LIMIT, "a constant leaves 256 bits");
        else
            equation_add_constant(place, equation, product);
        return;
    }
    append_term(place, equation, &(struct term){coefficient, item, range_tag});
}

static int unit(wide coefficient)
{
    int64_t small;
    return wide_to_i64(&small, coefficient) && (small == 1 || small == -1) ? (int)small : 0;
}

/* A chain has no coefficient on its products, so all must have one sign; the whole equation can be
 * negated. */
static bool accepts_sign(const struct equation *equation, int sign)
{
    return sign != 0 && (equation->part_count == 0 || equation->parts[0].sign == sign);
}

static void append_part(struct place *place, struct equation *equation, struct bilinear part)
{
    take_arrays(place, equation);
    void *array = equation->parts;
    if (!place_grow(place, &array, &equation->part_capacity, equation->part_count + 1, sizeof part))
        return;
    equation->parts = array;
    equation->parts[equation->part_count++] = part;
}

void equation_add_product(struct place *place, struct equation *equation, int sign, struct item a,
                          struct item b)
{
    if (place->status != STATUS_OK)
        return;
    if (a.kind == ITEM_CONSTANT || b.kind == ITEM_CONSTANT) {
        wide factor = place->constants[a.kind == ITEM_CONSTANT ? a.constant : b.constant];
        if (sign < 0 && !wide_neg(&factor, factor))
            place_fail(place, STATUS_LIMIT, "a constant leaves 256 bits");
        equation_expand(place, equation, factor, a.kind == ITEM_CONSTANT ? b : a);
        return;
    }
    ASSERT(accepts_sign(equation, sign));
    bool a_single = item_is_weight(place, &a), b_single = item_is_weight(place, &b);
    if (b_single && !a_single) {
        struct item swap = a;
        a = b;
        b = swap;
        a_single = true;
    }
    if (!a_single)
        a = place_materialise(place, a);
    b = place_materialise(place, b);
    append_part(place, equation, (struct bilinear){a_single, (int8_t)sign, a, b});
}

/* ---- spelling virtual tensors out ---- */

static const struct relation *producer_of(const struct place *place, uint32_t tensor)
{
    return &place->program->relations[place->producer[tensor]];
}

static bool is_bilinear(const struct place *place, uint32_t tensor)
{
    return producer_of(place, tensor)->kind != RELATION_LINEAR;
}

static struct item factor_item(struct place *place, const struct relation *relation,
                               const struct relation_view *view, size_t position)
{
    int64_t element = relation_view_element(view, relation->space_rank, relation->space, position);
    return place_resolve(place, view->tensor, element);
}

/* A number and at most one element with a cell of its own: spelled out wherever it is used. What
 * is copied counts as what it is copied from. */
static bool is_affine(struct place *place, const struct item *item)
{
    const struct relation *relation = producer_of(place, item->tensor);
    if (relation->kind != RELATION_LINEAR)
        return false;
    unsigned variables = 0;
    for (size_t k = 0; k < relation->term_count && variables <= 1; k++) {
        struct item source =
            factor_item(place, relation, &relation->terms[k].factors[0], item->element);
        if (source.kind == ITEM_CONSTANT)
            continue;
        bool is_spelled = place_state_of(place, &source) != STATE_CELL;
        variables += is_spelled ? 2 : 1;
    }
    return variables <= 1;
}

/* Adds coefficient * term m when it is a product of two variables, or when it is not, as asked. */
static void expand_term(struct place *place, struct equation *equation, wide coefficient,
                        const struct relation *relation, size_t m, size_t element, bool products)
{
    const struct relation_term *term = &relation->terms[m];
    wide total;
    bool fits = wide_mul(&total, coefficient, term->coefficient);
    struct item left[2];
    unsigned count = 0;
    for (unsigned f = 0; f < term->factor_count; f++) {
        struct item item = factor_item(place, relation, &term->factors[f], element);
        if (item.kind == ITEM_CONSTANT) {
            fits = fits && wide_mul(&total, total, place->constants[item.constant]);
            continue;
        }
        ASSERT(count < 2); /* place_prepare splits higher degrees */
        left[count++] = item;
    }
    if (!fits)
        place_fail(place, STATUS_LIMIT, "a coefficient leaves 256 bits");
    else if (wide_is_zero(total) || (count == 2) != products)
        return;
    else if (count == 0)
        equation_add_constant(place, equation, total);
    else if (count == 1)
        equation_expand(place, equation, total, left[0]);
    else
        equation_add_product(place, equation, unit(total), left[0], left[1]);
}

void equation_expand_relation(struct place *place, struct equation *equation, wide coefficient,
                              const struct relation *relation, size_t element)
{
    if (relation->kind == RELATION_CONTRACT) {
        size_t inner = 1;
        for (unsigned d = relation->space_rank - relation->contract_rank; d < relation->space_rank;
             d++)
            inner *= (size_t)relation->space[d];
        for (size_t k = 0; k < inner; k++) {
            struct item a = factor_item(place, relation, &relation->views[0], element * inner + k);
            struct item b = factor_item(place, relation, &relation->views[1], element * inner + k);
            equation_add_product(place, equation, unit(coefficient), a, b);
        }
        return;
    }
    wide scaled;
    if (!wide_mul(&scaled, coefficient, relation->constant))
        place_fail(place, STATUS_LIMIT, "a constant leaves 256 bits");
    else
        equation_add_constant(place, equation, scaled);
    /* Products first: they have one sign, which terms that are spelled out must then follow. */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t m = 0; m < relation->term_count && place->status == STATUS_OK; m++)
            expand_term(place, equation, coefficient, relation, m, element, pass == 0);
    }
}

/* A parameter element as a linear term: p * 1 in a weighted row when it is used once, else its
 * loaded cell. */
static void expand_param(struct place *place, struct equation *equation, wide coefficient,
                         struct item item)
{
    int sign = unit(coefficient);
    if (item_is_weight(place, &item) && accepts_sign(equation, sign)) {
        struct item one = place_materialise(place, item_constant(place, wide_from_i64(1)));
        append_part(place, equation, (struct bilinear){true, (int8_t)sign, item, one});
        return;
    }
    equation_add(place, equation, coefficient, place_materialise(place, item), 0);
}

/* Sign its products have in the relation itself; place_prepare leaves one for all of them. */
static int product_sign(struct place *place, uint32_t tensor, uint32_t element)
{
    const struct relation *relation = producer_of(place, tensor);
    for (size_t m = 0; relation->kind == RELATION_PRODUCT && m < relation->term_count; m++) {
        unsigned variables = 0;
        for (unsigned f = 0; f < relation->terms[m].factor_count; f++)
            variables +=
                factor_item(place, relation, &relation->terms[m].factors[f], element).kind !=
                ITEM_CONSTANT;
        if (variables == 2)
            return unit(relation->terms[m].coefficient);
    }
    return 1;
}

void equation_expand(struct place *place, struct equation *equation, wide coefficient,
                     struct item item)
{
    if (place->status != STATUS_OK || wide_is_zero(coefficient))
        return;
    if (item_is_param(place, &item)) {
        expand_param(place, equation, coefficient, item);
        return;
    }
    if (item.kind == ITEM_ELEMENT && place_state_of(place, &item) == STATE_VIRTUAL) {
        size_t global = place_global_of(place, &item);
        bool once = place->linear_uses[global] <= 1 && place->hard_uses[global] == 0;
        bool inlined = once || is_affine(place, &item);
        int sign = unit(coefficient) * product_sign(place, item.tensor, item.element);
        if (is_bilinear(place, item.tensor) && !accepts_sign(equation, sign))
            inlined = false;
        if (place->first_cell[global] == NO_CELL && inlined) {
            equation_expand_relation(place, equation, coefficient, producer_of(place, item.tensor),
                                     item.element);
            return;
        }
        item = place_materialise(place, item);
    }
    equation_add(place, equation, coefficient, item, 0);
}

/* An element of a memory is looked up there, with its neighbour when rows hold two. */
static void load_from_memory(struct place *place, struct item item)
{
    const struct relation_tensor *memory = &place->program->tensors[item.tensor];
    uint32_t width = (uint32_t)(memory->count / (size_t)memory->shape[0]),
             together = place->param_columns, entry = item.element / width,
             pair = item.element % width / together, first = entry * width + pair * together;
    struct item index = place_materialise(place, item_constant(place, wide_from_i64(entry)));
    uint16_t tag = place_memory_tag(place, item.tensor, pair, true);
    uint32_t row = place_new_row(place);
    if (place->status != STATUS_OK)
        return;
    place->rows[row].fixed.slot_memory = tag;
    place_item(place, row, 0, &index);
    for (uint32_t k = 0; k < together && pair * together + k < width; k++) {
        struct item value = item_element(item.tensor, first + k);
        place_item(place, row, (uint8_t)(1 + k), &value);
    }
}

static void load_parameter(struct place *place, struct item item)
{
    if (place->is_memory[item.tensor]) {
        load_from_memory(place, item);
        return;
    }
    struct item one = place_materialise(place, item_constant(place, wide_from_i64(1)));
    uint32_t minus_one = place_constant(place, wide_from_i64(-1));
    uint32_t row = place_new_row(place);
    if (place->status != STATUS_OK)
        return;
    struct place_row *placed = &place->rows[row];
    placed->fixed.chain = CHAIN_SINGLE;
    placed->fixed.term = TERM_WEIGHTED;
    placed->fixed.c3 = minus_one;
    placed->param[0] = (uint32_t)place_global_of(place, &item) + 1;
    place_item(place, row, 0, &one);
    place_zero(place, row, 1);
    place_item(place, row, 2, &item);
}

struct item place_materialise(struct place *place, struct item item)
{
    if (place->status != STATUS_OK)
        return item;
    if (item.kind == ITEM_CONSTANT) {
        place_constant_cell(place, item.constant);
        return item;
    }
    if (item.kind != ITEM_ELEMENT)
        return item;
    if (place->first_cell[place_global_of(place, &item)] != NO_CELL)
        return item;
    if (place->state[item.tensor] == STATE_PARAMETER) {
        load_parameter(place, item);
    } else if (place->state[item.tensor] == STATE_VIRTUAL) {
        struct row_origin origin = place->origin;
        place->origin = (struct row_origin){place->producer[item.tensor], item.element};
        struct equation equation;
        equation_init(&equation);
        equation_expand_relation(place, &equation, wide_from_i64(1),
                                 producer_of(place, item.tensor), item.element);
        equation_add(place, &equation, wide_from_i64(-1), item, 0);
        equation_emit(place, &equation);
        place->origin = origin;
    }
    return item;
}

/* ---- laying a chain out ---- */

static void negate(struct place *place, struct equation *equation)
{
    bool fits = wide_neg(&equation->constant, equation->constant);
    for (size_t i = 0; i < equation->term_count; i++)
        fits = fits && wide_neg(&equation->terms[i].coefficient, equation->terms[i].coefficient);
    for (size_t i = 0; i < equation->part_count; i++)
        equation->parts[i].sign = (int8_t)-equation->parts[i].sign;
    if (!fits)
        place_fail(place, STATUS_LIMIT, "a coefficient leaves 256 bits");
}

/* Cursor over the linear terms that are still to be placed. */
struct layout {
    struct place *place;
    struct equation *equation;
    size_t left; /* terms[0 .. left) remain */
    uint32_t first_row;
};

static struct term take(struct layout *layout, size_t index)
{
    struct term term = layout->equation->terms[index];
    layout->equation->terms[index] = layout->equation->terms[--layout->left];
    return term;
}

static void put_third(struct layout *layout, uint32_t row, const struct term *term)
{
    layout->place->rows[row].fixed.c3 = place_constant(layout->place, term->coefficient);
    layout->place->rows[row].fixed.slot_range = term->range_tag;
    place_item(layout->place, row, 2, &term->item);
}

/* The last waiting term, if any, goes to a3; one that a table reads is worth a second cell. */
static void take_third(struct layout *layout, uint32_t row)
{
    size_t i = layout->left;
    while (i > 0 && place_waits_for_row(layout->place, &layout->equation->terms[i - 1]))
        i--;
    if (i == 0)
        return;
    struct term term = take(layout, i - 1);
    put_third(layout, row, &term);
}

static void put_second(struct layout *layout, uint32_t row, const struct term *term)
{
    layout->place->rows[row].fixed.c2 = place_constant(layout->place, term->coefficient);
    layout->place->rows[row].fixed.slot_table = term->range_tag;
    place_item(layout->place, row, 1, &term->item);
}

static uint32_t next_row(struct layout *layout, enum gate_term kind)
{
    uint32_t row = place_new_row(layout->place);
    if (layout->place->status == STATUS_OK) {
        layout->place->rows[row].fixed.term = (uint8_t)kind;
        layout->place->rows[row].fixed.chain =
            row == layout->first_row ? CHAIN_START : CHAIN_CONTINUE;
    }
    return row;
}

static void lay_weighted(struct layout *layout)
{
    struct place *place = layout->place;
    unsigned filled = 0;
    uint32_t row = 0;
    for (size_t i = 0; i < layout->equation->part_count && place->status == STATUS_OK; i++) {
        struct bilinear *part = &layout->equation->parts[i];
        if (!part->is_param)
            continue;
        if (filled == 0) {
            row = next_row(layout, TERM_WEIGHTED);
            if (place->status != STATUS_OK)
                return;
            take_third(layout, row);
        }
        place->rows[row].param[filled] = (uint32_t)place_global_of(place, &part->a) + 1;
        place_item(place, row, (uint8_t)filled, &part->b);
        filled = (filled + 1) % place->param_columns;
    }
    if (filled == 1)
        place_zero(place, row, 1);
}

static void lay_products(struct layout *layout)
{
    struct place *place = layout->place;
    for (size_t i = 0; i < layout->equation->part_count && place->status == STATUS_OK; i++) {
        struct bilinear *part = &layout->equation->parts[i];
        if (part->is_param)
            continue;
        uint32_t row = next_row(layout, TERM_PRODUCT);
        if (place->status != STATUS_OK)
            return;
        place->rows[row].fixed.c2 = place_constant(place, layout->equation->constant);
        layout->equation->constant = wide_from_i64(0);
        place_item(place, row, 0, &part->a);
        place_item(place, row, 1, &part->b);
        take_third(layout, row);
    }
}

/* What a term may stand for in a linear row. */
enum term_class {
    CLASS_MINUS, /* coefficient -1 and no lookup: fits a1 of a three-term row */
    CLASS_PLAIN, /* no lookup */
    CLASS_LOOKUP,
    CLASS_READ, /* a table reads it: wants a2 of a two-term row, whose a1 takes what is read */
    CLASS_COUNT
};

static enum term_class class_of(const struct place *place, const struct term *term, int sign)
{
    if (term->range_tag != 0)
        return CLASS_LOOKUP;
    if (place_waits_for_row(place, term))
        return CLASS_READ;
    return unit(term->coefficient) == -sign ? CLASS_MINUS : CLASS_PLAIN;
}

/* Classes of the three terms of the next row: a1 and a2 hold no lookup, and terms with -1 are kept
 * for later rows. */
static bool choose_three(const size_t count[CLASS_COUNT], enum term_class chosen[3])
{
    size_t left[CLASS_COUNT] = {count[0], count[1], count[2], 0};
    if (left[CLASS_MINUS] == 0 || left[CLASS_MINUS] + left[CLASS_PLAIN] < 2 ||
        left[CLASS_MINUS] + left[CLASS_PLAIN] + left[CLASS_LOOKUP] < 3)
        return false;
    chosen[0] = CLASS_MINUS;
    left[CLASS_MINUS]--;
    chosen[1] = left[CLASS_PLAIN] > 0 ? CLASS_PLAIN : CLASS_MINUS;
    left[chosen[1]]--;
    chosen[2] = left[CLASS_LOOKUP] > 0  ? CLASS_LOOKUP
                : left[CLASS_PLAIN] > 0 ? CLASS_PLAIN
                                        : CLASS_MINUS;
    return true;
}

/* What goes beside a term that a table reads: what three-term rows can do without. */
static enum term_class choose_beside(const size_t count[CLASS_COUNT])
{
    return count[CLASS_LOOKUP] > 0  ? CLASS_LOOKUP
           : count[CLASS_PLAIN] > 0 ? CLASS_PLAIN
           : count[CLASS_MINUS] > 0 ? CLASS_MINUS
                                    : CLASS_COUNT;
}

/* Rows that lay_linear would take for all terms of an equation, were it multiplied by `sign`. */
static size_t count_linear_rows(const struct place *place, const struct equation *equation,
                                int sign)
{
    size_t count[CLASS_COUNT] = {0}, rows = 0;
    enum term_class chosen[3];
    for (size_t i = 0; i < equation->term_count; i++)
        count[class_of(place, &equation->terms[i], sign)]++;
    for (; count[CLASS_READ] > 0; count[CLASS_READ]--, rows++) {
        enum term_class beside = choose_beside(count);
        if (beside != CLASS_COUNT)
            count[beside]--;
    }
    for (; choose_three(count, chosen); rows++) {
        for (unsigned k = 0; k < 3; k++)
            count[chosen[k]]--;
    }
    return rows + (count[0] + count[1] + count[2] + 1) / 2;
}

static struct term take_class(struct layout *layout, enum term_class wanted)
{
    size_t i = layout->left;
    while (i-- > 0) {
        if (class_of(layout->place, &layout->equation->terms[i], 1) == wanted)
            return take(layout, i);
    }
    ASSERT(!"a class was counted that is not there");
    return take(layout, 0);
}

static void count_classes(const struct layout *layout, size_t count[CLASS_COUNT])
{
    for (unsigned k = 0; k < CLASS_COUNT; k++)
        count[k] = 0;
    for (size_t i = 0; i < layout->left; i++)
        count[class_of(layout->place, &layout->equation->terms[i], 1)]++;
}

static void lay_three(struct layout *layout, const enum term_class chosen[3])
{
    struct place *place = layout->place;
    struct term first = take_class(layout, chosen[0]), second = take_class(layout, chosen[1]);
    struct term third = take_class(layout, chosen[2]);
    uint32_t row = next_row(layout, TERM_LINEAR3);
    if (place->status != STATUS_OK)
        return;
    place_item(place, row, 0, &first.item);
    put_second(layout, row, &second);
    put_third(layout, row, &third);
}

/* Returns whether there was a term that a table reads. */
static bool lay_read(struct layout *layout, const size_t count[CLASS_COUNT])
{
    if (count[CLASS_READ] == 0)
        return false;
    struct term second = take_class(layout, CLASS_READ);
    enum term_class beside = choose_beside(count);
    uint32_t row = next_row(layout, TERM_LINEAR);
    if (layout->place->status != STATUS_OK)
        return true;
    if (beside != CLASS_COUNT) {
        struct term third = take_class(layout, beside);
        put_third(layout, row, &third);
    }
    put_second(layout, row, &second);
    place_read_in_row(layout->place, row, &second.item);
    return true;
}

static void lay_linear(struct layout *layout)
{
    struct place *place = layout->place;
    size_t count[CLASS_COUNT];
    enum term_class chosen[3];
    count_classes(layout, count);
    while (lay_read(layout, count) && place->status == STATUS_OK)
        count_classes(layout, count); /* what is read once waits no more */
    while (choose_three(count, chosen) && place->status == STATUS_OK) {
        lay_three(layout, chosen);
        for (unsigned k = 0; k < 3; k++)
            count[chosen[k]]--;
    }
    while (layout->left > 0 && place->status == STATUS_OK) {
        uint32_t row = next_row(layout, TERM_LINEAR);
        if (place->status != STATUS_OK)
            return;
        take_third(layout, row);
        if (layout->left > 0) {
            struct term term = take(layout, layout->left - 1);
            put_second(layout, row, &term);
        }
    }
}

void equation_emit(struct place *place, struct equation *equation)
{
    if (place->status != STATUS_OK)
        return;
    bool has_product = false;
    for (size_t i = 0; i < equation->part_count; i++)
        has_product = has_product || !equation->parts[i].is_param;
    if (equation->part_count > 0 && equation->parts[0].sign < 0)
        negate(place, equation);
    if (!has_product && !wide_is_zero(equation->constant)) {
        struct item one = place_materialise(place, item_constant(place, wide_from_i64(1)));
        append_term(place, equation, &(struct term){equation->constant, one, 0});
    }
    struct layout layout = {place, equation, equation->term_count, (uint32_t)place->row_count};
    if (equation->part_count == 0 &&
        count_linear_rows(place, equation, -1) < count_linear_rows(place, equation, 1))
        negate(place, equation);
    lay_weighted(&layout);
    lay_products(&layout);
    lay_linear(&layout);
    give_arrays(place, equation);
    if (place->status != STATUS_OK || place->row_count == layout.first_row)
        return;
    struct circuit_row *last = &place->rows[place->row_count - 1].fixed;
    last->chain = last->chain == CHAIN_START ? CHAIN_SINGLE : CHAIN_END;
}
