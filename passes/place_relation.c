/*
 * Rows of each relation kind and of the public words. LINEAR, CONTRACT and PRODUCT place nothing by
 * themselves: their elements are spelled out where they are used (place_chain.c).
 */
#include <string.h>

#include "passes/place_internal.h"

/* ---- ranges ---- */

static void relation_range(struct place *place, const struct relation *relation)
{
    wide size;
    if (!wide_sub(&size, relation->high, relation->low) ||
        !wide_add(&size, size, wide_from_i64(1))) {
        place_fail(place, STATUS_LIMIT, "a range leaves 256 bits");
        return;
    }
    size_t count = space_count(relation);
    for (size_t i = 0; i < count && place->status == STATUS_OK; i++) {
        place->origin.element = (uint32_t)i;
        struct item x = place_view_item(place, relation, 0, i);
        place_range(place, x, relation->low, size);
    }
}

/* ---- memories ---- */

/* Entries of a memory with witness content, one provider row each and pair of columns: (value 2
 * pair + 1 or zero, value 2 pair, index). */
static void provide_memory(struct place *place, uint32_t memory, uint32_t pair, uint16_t tag)
{
    const struct relation_tensor *tensor = tensor_of(place, memory);
    uint32_t entries = (uint32_t)tensor->shape[0], width = (uint32_t)(tensor->count / entries);
    struct row_origin origin = place->origin;
    for (uint32_t e = 0; e < entries && place->status == STATUS_OK; e++) {
        struct item index = place_materialise(place, item_constant(place, wide_from_i64(e)));
        struct item values[2];
        unsigned count = 0;
        for (uint32_t k = 2 * pair; k < 2 * pair + 2 && k < width; k++)
            values[count++] =
                place_materialise(place, place_resolve(place, memory, (int64_t)e * width + k));
        uint32_t row = place_new_row(place);
        if (place->status != STATUS_OK)
            return;
        place->rows[row].fixed.slot_memory = tag;
        place->rows[row].fixed.is_provider = 1;
        place_item(place, row, 2, &index);
        place_item(place, row, 1, &values[0]);
        if (count == 2)
            place_item(place, row, 0, &values[1]);
        else
            place_zero(place, row, 0);
    }
    place->origin = origin;
}

static void relation_read(struct place *place, const struct relation *relation)
{
    const struct relation_tensor *memory = tensor_of(place, relation->memory);
    if (memory->count == 0 || memory->shape[0] > INT32_MAX) {
        place_fail(place, STATUS_LIMIT, "the memory '%s' is empty or too large", memory->name);
        return;
    }
    bool is_param = place->state[relation->memory] == STATE_PARAMETER;
    uint32_t width = (uint32_t)(memory->count / (size_t)memory->shape[0]);
    uint32_t together = is_param ? place->param_columns : 2;
    size_t count = space_count(relation);
    for (uint32_t pair = 0; together * pair < width && place->status == STATUS_OK; pair++) {
        size_t known = place->memory_count;
        uint16_t tag = place_memory_tag(place, relation->memory, pair, is_param);
        if (place->memory_count > known && !is_param)
            provide_memory(place, relation->memory, pair, tag);
        bool is_double = together == 2 && 2 * pair + 1 < width;
        for (size_t i = 0; i < count && place->status == STATUS_OK; i++) {
            place->origin.element = (uint32_t)i;
            struct item index = place_materialise(place, place_view_item(place, relation, 0, i));
            struct item first =
                item_element(relation->outputs[0], (uint32_t)(i * width + together * pair));
            struct item second =
                item_element(relation->outputs[0], (uint32_t)(i * width + together * pair + 1));
            uint32_t row = place_new_row(place);
            if (place->status != STATUS_OK)
                return;
            place->rows[row].fixed.slot_memory = tag;
            /* Parameter memory: (index, value, second value); witness memory: (second value, value,
             * index). */
            place_item(place, row, is_param ? 0 : 2, &index);
            place_item(place, row, 1, &first);
            if (is_double)
                place_item(place, row, is_param ? 2 : 0, &second);
        }
    }
}

/* ---- is_zero, asserts ---- */

static void relation_is_zero(struct place *place, const struct relation *relation)
{
    uint32_t one = place_constant(place, wide_from_i64(1)),
             minus_one = place_constant(place, wide_from_i64(-1));
    size_t count = space_count(relation);
    for (size_t i = 0; i < count && place->status == STATUS_OK; i++) {
        place->origin.element = (uint32_t)i;
        struct item x = place_materialise(place, place_view_item(place, relation, 0, i));
        struct item b = item_element(relation->outputs[0], (uint32_t)i);
        uint32_t first = place_new_row(place), second = place_new_row(place);
        if (place->status != STATUS_OK)
            return;
        /* x * inverse - 1 + b = 0 and x * b = 0. */
        struct circuit_row *fixed = &place->rows[first].fixed;
        *fixed = (struct circuit_row){
            .chain = CHAIN_SINGLE, .term = TERM_PRODUCT, .c2 = minus_one, .c3 = one};
        place->rows[second].fixed =
            (struct circuit_row){.chain = CHAIN_SINGLE, .term = TERM_PRODUCT};
        place_item(place, first, 0, &x);
        struct item inverse = x;
        inverse.kind = ITEM_INVERSE;
        inverse.tensor = x.kind == ITEM_CONSTANT ? FILL_NO_TENSOR : x.tensor;
        place_item(place, first, 1, &inverse);
        place_item(place, first, 2, &b);
        place_item(place, second, 0, &x);
        place_item(place, second, 1, &b);
    }
}

static void relation_assert(struct place *place, const struct relation *relation)
{
    size_t count = space_count(relation);
    for (size_t i = 0; i < count && place->status == STATUS_OK; i++) {
        place->origin.element = (uint32_t)i;
        struct equation equation;
        equation_init(&equation);
        equation_expand_relation(place, &equation, wide_from_i64(1), relation, i);
        equation_emit(place, &equation);
    }
}

void place_relation(struct place *place, uint32_t index)
{
    const struct relation *relation = &place->program->relations[index];
    place->origin = (struct row_origin){index, 0};
    switch (relation->kind) {
    case RELATION_PRODUCT:
        if (relation->is_assert)
            relation_assert(place, relation);
        break;
    case RELATION_RANGE:
        relation_range(place, relation);
        break;
    case RELATION_RESCALE:
        place_rescale(place, index);
        break;
    case RELATION_TABLE:
        place_table(place, relation);
        break;
    case RELATION_READ:
        relation_read(place, relation);
        break;
    case RELATION_IS_ZERO:
        relation_is_zero(place, relation);
        break;
    case RELATION_DIGEST:
        place_digest(place, relation, index);
        break;
    case RELATION_PERMUTE:
        place_fail(place, STATUS_UNSUPPORTED,
                   "node %s: a permutation has no rows in this table; lowering uses reads with "
                   "increasing keys",
                   relation->node < place->program->node_count
                       ? place->program->node_names[relation->node]
                       : "(compiler)");
        break;
    case RELATION_LINEAR:
    case RELATION_CONTRACT:
    case RELATION_HINT:
        break;
    }
}

/* ---- public words ---- */

static void add_part(struct place *place, struct circuit *circuit, size_t *capacity,
                     struct public_part part)
{
    void *array = circuit->public_parts;
    if (!place_grow(place, &array, capacity, circuit->public_part_count + 1, sizeof part))
        return;
    circuit->public_parts = array;
    circuit->public_parts[circuit->public_part_count++] = part;
}

/* Packs the public tensors into words below 2^capacity, in order; a digest stands alone. */
static void pack_words(struct place *place, struct circuit *circuit)
{
    size_t capacity = 0;
    unsigned used = 0, limit = place->options->capacity_bits;
    uint32_t word = 0;
    bool open = false;
    for (size_t p = 0; p < place->program->public_tensor_count; p++) {
        uint32_t tensor = place->program->public_tensors[p];
        const struct relation_tensor *t = tensor_of(place, tensor);
        wide low;
        unsigned bits;
        relation_rounded_range(t, &low, &bits);
        if (bits == 0)
            bits = 1;
        bool whole = bits > limit;
        for (size_t e = 0; e < t->count && place->status == STATUS_OK; e++) {
            if (open && (whole || used + bits > limit)) {
                word++;
                open = false;
            }
            if (!open)
                used = 0;
            struct public_part part = {.word = word,
                                       .tensor = tensor,
                                       .element = (uint32_t)e,
                                       .shift = (uint16_t)used,
                                       .low = place_constant(place, whole ? wide_from_i64(0) : low),
                                       .bits = (uint16_t)(whole ? limit + 1 : bits)};
            add_part(place, circuit, &capacity, part);
            used += bits;
            open = true;
            if (whole) {
                word++;
                open = false;
            }
        }
    }
    circuit->public_word_count = word + (open ? 1 : 0);
}

/*
 * The cell that a part of a public word is read from, and its coefficient: the word holds
 * (value - low) 2^shift = coefficient item + offset. Values that one linear term computes are
 * followed to what they are computed from, unless the numbers outgrow the part, whose sum over a
 * word has to stay below 2^255.
 */
static struct item follow_public(struct place *place, const struct public_part *part,
                                 wide *coefficient, wide *offset)
{
    struct item item = place_resolve(place, part->tensor, part->element);
    *coefficient = wide_power_of_two(part->shift);
    if (!wide_shift_left(offset, place->constants[part->low], part->shift) ||
        !wide_neg(offset, *offset))
        place_fail(place, STATUS_LIMIT, "a public word leaves 256 bits");
    while (item.kind == ITEM_ELEMENT && place_state_of(place, &item) == STATE_VIRTUAL &&
           place->first_cell[place_global_of(place, &item)] == NO_CELL) {
        const struct relation *relation = &place->program->relations[place->producer[item.tensor]];
        if (relation->kind != RELATION_LINEAR || relation->term_count != 1)
            break;
        const struct relation_term *term = &relation->terms[0];
        struct item next =
            place_resolve(place, term->factors[0].tensor,
                          relation_view_element(&term->factors[0], relation->space_rank,
                                                relation->space, item.element));
        wide added, factor;
        if (next.kind != ITEM_ELEMENT || !wide_mul(&added, *coefficient, relation->constant) ||
            !wide_add(&added, *offset, added) ||
            !wide_mul(&factor, *coefficient, term->coefficient) ||
            wide_bit_length(added) > part->shift + part->bits + 1u)
            break;
        *offset = added;
        *coefficient = factor;
        item = next;
    }
    return item;
}

/* One word: rho * s + sum of 2^shift (value - low), two parts a row. */
static void lay_word(struct place *place, const struct circuit *circuit, size_t from, size_t to,
                     bool is_first)
{
    wide offset = wide_from_i64(0);
    struct term terms[2];
    unsigned waiting = 0;
    bool fits = true, started = false;
    for (size_t p = from; p <= to && place->status == STATUS_OK; p++) {
        struct term term;
        if (p < to) {
            wide added;
            term = (struct term){0};
            term.item = follow_public(place, &circuit->public_parts[p], &term.coefficient, &added);
            fits = fits && wide_add(&offset, offset, added);
        } else {
            if (wide_is_zero(offset))
                continue;
            term = (struct term){offset, item_constant(place, wide_from_i64(1)), 0};
        }
        terms[waiting++] = term;
        bool last = p == to || (p + 1 == to && wide_is_zero(offset));
        if (waiting < 2 && !last)
            continue;
        uint32_t row = place_new_row(place);
        if (place->status != STATUS_OK)
            return;
        place->rows[row].fixed.chain = started    ? CHAIN_CONTINUE
                                       : is_first ? CHAIN_START
                                                  : CHAIN_HORNER;
        started = true;
        for (unsigned k = 0; k < waiting; k++) {
            uint32_t coefficient = place_constant(place, terms[k].coefficient);
            *(k == 0 ? &place->rows[row].fixed.c3 : &place->rows[row].fixed.c2) = coefficient;
            place_item(place, row, k == 0 ? 2 : 1, &terms[k].item);
        }
        waiting = 0;
    }
    if (waiting == 1) {
        uint32_t row = place_new_row(place);
        if (place->status != STATUS_OK)
            return;
        place->rows[row].fixed.chain = started    ? CHAIN_CONTINUE
                                       : is_first ? CHAIN_START
                                                  : CHAIN_HORNER;
        uint32_t coefficient = place_constant(place, terms[0].coefficient);
        place->rows[row].fixed.c3 = coefficient;
        place_item(place, row, 2, &terms[0].item);
    }
    if (!fits)
        place_fail(place, STATUS_LIMIT, "a public word leaves 256 bits");
}

void place_public(struct place *place, struct circuit *circuit)
{
    pack_words(place, circuit);
    place_materialise(place, item_constant(place, wide_from_i64(1)));
    for (size_t p = 0; p < circuit->public_part_count; p++) {
        const struct public_part *part = &circuit->public_parts[p];
        place->origin = (struct row_origin){place->producer[part->tensor], part->element};
        wide coefficient, offset;
        place_materialise(place, follow_public(place, part, &coefficient, &offset));
    }
    place_flush_pending(place);
}

void place_public_rows(struct place *place, struct circuit *circuit)
{
    size_t from = 0;
    for (uint32_t word = 0; word < circuit->public_word_count && place->status == STATUS_OK;
         word++) {
        size_t to = from;
        while (to < circuit->public_part_count && circuit->public_parts[to].word == word)
            to++;
        place->origin = (struct row_origin){RELATION_NONE, 0};
        lay_word(place, circuit, from, to, word == 0);
        from = to;
    }
}
