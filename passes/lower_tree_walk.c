/*
 * Lowering of TreeEnsemble (ai.onnx.ml 1, 3, 5): walks of public depth through private records.
 *
 * A record is two words of a parameter memory: the threshold, and left child + 2^s * slot. A step
 * reads the record, reads the number in its slot from the memory of this row's features, and comes
 * to
 *
 *     next = left + floor((x - threshold + 2^(B+1)) / 2^(B+1))
 *          = floor((x - threshold + 2^(B+1) (1 + word2 - 2^s slot)) / 2^(B+1))
 *
 * as one quotient. slot is hinted: it is an index of the features memory, next is an index of the
 * records, and 2^s is larger than the number of records plus two, so one slot fits (the division
 * rule of ir/relation_validate.c). The root's words are parameters of their own, which saves the
 * first read. The threshold of a leaf is free and holds what the leaf stands for: its value when
 * there is one target, else its number, which indexes a second memory. There several values share a
 * word, each with room for the sum over all trees.
 *
 * Nothing but the number of records, of leaves and of trees, and the depth of each tree shows in
 * the program.
 */
#include <math.h>
#include <string.h>

#include "passes/lower_tree.h"

enum { WORD_BITS_MAX = 240, MEMORY_WORDS = 2 };

/* How the weights of the targets lie in the words of a leaf. */
struct packing {
    int32_t fraction;    /* of a weight */
    unsigned digit_bits; /* of a sum over trees, sign included */
    unsigned value_bits; /* of a weight, sign not included */
    size_t per_word, words;
    bool is_direct; /* one target, small enough for the threshold word */
};

struct walk {
    struct lowering *l;
    const struct forest *f;
    struct packing packing;
    uint32_t roots;      /* parameter [trees, 2] */
    uint32_t records;    /* parameter [records, 2], RELATION_NONE when every tree is a leaf */
    uint32_t leaves[64]; /* parameters [leaves, <= 2] */
    size_t leaf_memories;
    double leaf_error; /* of a weight, in units of its last place */
};

/* ---- leaves ---- */

static unsigned bits_of(size_t value)
{
    return wide_bit_length(wide_from_i64((int64_t)value));
}

/* Largest |sum of the entries of one leaf for one target|. */
static double largest_weight(const struct forest *f)
{
    double largest = 0;
    for (size_t leaf = 0; leaf < f->leaf_count; leaf++) {
        double sum = 0;
        for (int64_t e = f->leaf_offsets[leaf]; e < f->leaf_offsets[leaf + 1]; e++)
            sum += fabs(f->leaf_weights[e]);
        largest = fmax(largest, sum);
    }
    return largest;
}

static int32_t integer_bits(double value)
{
    int exponent = 0;
    frexp(value, &exponent);
    return exponent < -60 ? -60 : exponent;
}

static void plan_packing(struct walk *w)
{
    const struct forest *f = w->f;
    struct packing *p = &w->packing;
    /* Rounding errors of all trees add up: half as many more bits as the number of trees has, and
     * two to spare. */
    int32_t wanted = lowering_output_fraction(w->l, 0) + (int32_t)bits_of(f->tree_count) / 2 + 2,
            whole = integer_bits(largest_weight(f));
    bool is_sum = f->aggregate <= 1;
    unsigned room = f->compare_bits;
    p->is_direct = f->target_count == 1 && is_sum && wanted + whole + 1 <= (int32_t)room;
    /* Bits of the threshold word that a value leaves unused cost as much as used ones. */
    p->fraction = p->is_direct ? (int32_t)room - whole - 1 : wanted;
    int32_t value_bits = p->fraction + whole + 1;
    p->value_bits = value_bits < 2 ? 2 : (unsigned)value_bits;
    p->digit_bits = p->value_bits + (is_sum ? bits_of(f->tree_count) : 0) + 1;
    if (p->digit_bits > WORD_BITS_MAX)
        lowering_fail(w->l, STATUS_LIMIT, "leaf weights up to %g need %u bits", largest_weight(f),
                      p->digit_bits);
    p->per_word = is_sum ? WORD_BITS_MAX / p->digit_bits : 1;
    p->per_word = p->per_word > f->target_count ? f->target_count : p->per_word;
    p->words = (f->target_count + p->per_word - 1) / p->per_word;
    if (p->words > MEMORY_WORDS * (sizeof w->leaves / sizeof *w->leaves))
        lowering_fail(w->l, STATUS_LIMIT, "%zu targets are too many", f->target_count);
}

/* Below every weight: what a leaf without an entry for a target holds when the least or greatest is
 * asked for. */
static wide no_entry(const struct walk *w)
{
    wide value = wide_power_of_two(w->packing.value_bits);
    if (w->f->aggregate == 3)
        ASSERT(wide_neg(&value, value));
    return value;
}

static wide leaf_weight(struct walk *w, size_t leaf, size_t target)
{
    const struct forest *f = w->f;
    double sum = 0, size = 0;
    size_t found = 0;
    for (int64_t e = f->leaf_offsets[leaf]; e < f->leaf_offsets[leaf + 1]; e++) {
        if (f->leaf_targets[e] == (int64_t)target) {
            sum += f->leaf_weights[e];
            size += fabs(f->leaf_weights[e]);
            found++;
        }
    }
    /* Several entries of one leaf are added up in float64, each sum rounded. */
    double rounding = found < 2 ? 0 : ldexp(size * (double)found, w->packing.fraction - 52);
    w->leaf_error =
        fmax(w->leaf_error, bound_add(lowering_real_off(sum, w->packing.fraction), rounding));
    return found > 0 || f->aggregate <= 1 ? lowering_real(w->l, sum, w->packing.fraction)
                                          : no_entry(w);
}

static wide leaf_word(struct walk *w, size_t leaf, size_t word)
{
    const struct packing *p = &w->packing;
    wide sum = wide_from_i64(0);
    for (size_t j = 0; j < p->per_word && word * p->per_word + j < w->f->target_count; j++) {
        wide value = leaf_weight(w, leaf, word * p->per_word + j);
        ASSERT(wide_shift_left(&value, value, (unsigned)j * p->digit_bits) &&
               wide_add(&sum, sum, value));
    }
    return sum;
}

/* Declared wide enough for any weights of these widths, so that it says nothing about them. */
static void make_leaves(struct walk *w)
{
    const struct packing *p = &w->packing;
    for (size_t first = 0; first < p->words; first += MEMORY_WORDS) {
        size_t width = p->words - first < MEMORY_WORDS ? p->words - first : MEMORY_WORDS;
        wide *values = lowering_array(w->l, wide, w->f->leaf_count * width);
        for (size_t leaf = 0; leaf < w->f->leaf_count; leaf++) {
            for (size_t k = 0; k < width; k++)
                values[leaf * width + k] = leaf_word(w, leaf, first + k);
        }
        struct shape shape = shape_of(2, (int64_t)w->f->leaf_count, (int64_t)width);
        unsigned bits = (unsigned)(p->per_word - 1) * p->digit_bits + p->value_bits + 1;
        w->leaves[w->leaf_memories++] = lowering_parameter_bits(
            w->l, "leaf weights", &shape, form_fixed(p->fraction), values, bits);
    }
}

/* ---- records ---- */

static wide first_word(struct walk *w, const struct tree_record *record)
{
    if (!record->is_leaf)
        return record->threshold;
    return w->packing.is_direct ? leaf_weight(w, record->leaf, 0) : wide_from_i64(record->leaf);
}

/* Record numbers count from the first record that is no root; a root that is a leaf is never
 * stepped from. */
static wide second_word(const struct walk *w, const struct tree_record *record)
{
    size_t left = record->left < w->f->tree_count ? 0 : record->left - w->f->tree_count;
    wide word = wide_from_i64(record->slot);
    ASSERT(wide_shift_left(&word, word, w->f->child_bits) &&
           wide_add(&word, word, wide_from_i64((int64_t)left)));
    return word;
}

static uint32_t make_records(struct walk *w, const char *name, size_t from, size_t to)
{
    size_t count = to - from;
    wide *values = lowering_array(w->l, wide, 2 * count);
    for (size_t i = 0; i < count; i++) {
        values[2 * i] = first_word(w, &w->f->records[from + i]);
        values[2 * i + 1] = second_word(w, &w->f->records[from + i]);
    }
    struct shape shape = shape_of(2, (int64_t)count, (int64_t)2);
    return lowering_parameter_bits(w->l, name, &shape, form_integer(), values, w->f->compare_bits);
}

/* ---- features ---- */

/* Row `row` of x [rows, features] as a memory: features, their copies with NaN lowest, the number
 * below everything. */
static uint32_t make_features(struct walk *w, uint32_t x, uint32_t low, size_t row)
{
    const struct forest *f = w->f;
    struct shape shape = shape_of(1, (int64_t)f->slot_count), scalar = {0};
    size_t slots = f->slot_count;
    int64_t *at_high = lowering_array(w->l, int64_t, slots),
            *at_low = lowering_array(w->l, int64_t, slots),
            *at_last = lowering_array(w->l, int64_t, slots);
    for (size_t s = 0; s < slots; s++) {
        at_high[s] = s < f->features ? (int64_t)(row * f->features + s) : -1;
        at_low[s] =
            s >= f->features && s + 1 < slots ? (int64_t)(row * f->features + s - f->features) : -1;
        at_last[s] = s + 1 == slots ? 0 : -1;
    }
    /* -2^B - 1, raised like all of them */
    wide below;
    ASSERT(wide_sub(&below, wide_power_of_two(f->compare_bits), wide_from_i64(1)));
    struct form form = lowering_form(w->l, x);
    struct relation_term terms[3];
    size_t count = 0;
    terms[count++] = lowering_term_view(wide_from_i64(1),
                                        (struct relation_view){.tensor = x, .index_list = at_high});
    terms[count++] = lowering_term_view(
        wide_from_i64(1),
        (struct relation_view){.tensor = lowering_constant(w->l, &scalar, form, &below),
                               .index_list = at_last});
    if (f->needs_low_copy)
        terms[count++] = lowering_term_view(
            wide_from_i64(1), (struct relation_view){.tensor = low, .index_list = at_low});
    return lowering_moved(w->l, &shape, form, terms, count);
}

/* x - offset + 2^(B+1): what a step would add at every comparison. */
static uint32_t raised(struct walk *w, uint32_t x)
{
    wide constant;
    ASSERT(wide_sub(&constant, wide_power_of_two(w->f->compare_bits + 1), w->f->offset));
    return lowering_affine(w->l, 1, x, constant);
}

/* x with the key of NaN, and what is above it, replaced by -1: below every threshold. */
static uint32_t without_nan(struct walk *w, uint32_t x)
{
    struct shape shape = lowering_shape(w->l, x);
    wide minus, nan = wide_from_i128((__int128)float_key(NAN, w->f->form.key_bits));
    ASSERT(wide_neg(&minus, nan));
    uint32_t above = lowering_affine(w->l, 1, x, minus);
    bool is_highest = wide_compare(lowering_range_of(w->l, x).high, nan) <= 0;
    uint32_t is_nan =
        is_highest ? lowering_is_zero(w->l, above) : lowering_is_not_negative(w->l, above);
    struct relation_term terms[3] = {lowering_term_product(w->l, -1, is_nan, x, &shape),
                                     lowering_term(w->l, 1, x, &shape),
                                     lowering_term(w->l, -1, is_nan, &shape)};
    return lowering_product(w->l, &shape, lowering_form(w->l, x), terms, 3, wide_from_i64(0));
}

/* ---- the walk of one row ---- */

/* Trees whose depth is at least `depth`, of those in `among`. */
static size_t deep_trees(const struct forest *f, unsigned depth, uint32_t *list)
{
    size_t count = 0;
    for (size_t t = 0; t < f->tree_count; t++) {
        if (f->depth[t] >= depth)
            list[count++] = (uint32_t)t;
    }
    return count;
}

/* View of word k of the records that trees [count] stand at; words are held for `held` trees in
 * order. */
static struct relation_view word_view(struct walk *w, uint32_t words, const uint32_t *held,
                                      const uint32_t *trees, size_t count, unsigned k)
{
    int64_t *list = lowering_array(w->l, int64_t, count);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        while (held[at] != trees[i])
            at++;
        list[i] = (int64_t)(2 * at + k);
    }
    return (struct relation_view){.tensor = words, .index_list = list};
}

/* One step of all trees that go on: the records they come to. */
static uint32_t step(struct walk *w, uint32_t features, uint32_t words, const uint32_t *held,
                     const uint32_t *trees, size_t count)
{
    struct lowering *l = w->l;
    const struct forest *f = w->f;
    struct shape shape = shape_of(1, (int64_t)count), scalar = {0};
    struct relation_view threshold = word_view(w, words, held, trees, count, 0),
                         pointer = word_view(w, words, held, trees, count, 1);
    wide unit = wide_power_of_two(f->child_bits), whole = wide_power_of_two(f->compare_bits + 1),
         minus_both, last;
    ASSERT(wide_neg(&minus_both, wide_power_of_two(f->compare_bits + 1 + f->child_bits)));
    struct relation_view hint_views[2] = {
        pointer, lowering_view(l, lowering_constant(l, &scalar, form_integer(), &unit), &shape)};
    uint32_t slot = lowering_hint(l, HINT_DIVIDE_FLOOR, 0, &shape, hint_views, 2, &shape,
                                  range_of_i64(0, (int64_t)f->slot_count - 1));
    uint32_t x = lowering_read(l, features, slot);
    int64_t records = lowering_tensor(l, w->records)->shape[0];
    struct range next = range_of_i64(0, records - 1),
                 dividend = {wide_from_i64(0), wide_from_i64(0)};
    ASSERT(wide_mul(&last, whole, wide_from_i64(records)) &&
           wide_sub(&dividend.high, last, wide_from_i64(1)));
    struct relation_term terms[4] = {
        lowering_term(l, 1, x, &shape), lowering_term_view(wide_from_i64(-1), threshold),
        lowering_term_view(whole, pointer), lowering_term_wide(l, minus_both, slot, &shape)};
    uint32_t sum =
        lowering_linear_within(l, &shape, form_integer(), terms, 4, wide_from_i64(0), dividend);
    return lowering_rescale(l, sum, whole, ROUND_FLOOR, form_integer(), &next, NULL);
}

/* What each tree's leaf holds in its first word: [trees]. */
static uint32_t walk_row(struct walk *w, uint32_t features)
{
    struct lowering *l = w->l;
    const struct forest *f = w->f;
    struct relation_term *terms = lowering_array(l, struct relation_term, f->depth_max + 1);
    uint32_t *held = lowering_array(l, uint32_t, f->tree_count),
             *going = lowering_array(l, uint32_t, f->tree_count);
    size_t held_count = deep_trees(f, 0, held), term_count = 0;
    uint32_t words = w->roots;
    for (unsigned depth = 0; depth <= f->depth_max; depth++) {
        int64_t *list = lowering_array(l, int64_t, f->tree_count);
        bool ends = false;
        memset(list, 0xff, f->tree_count * sizeof *list);
        for (size_t i = 0; i < held_count; i++) {
            if (f->depth[held[i]] == depth) {
                list[held[i]] = (int64_t)(2 * i);
                ends = true;
            }
        }
        if (ends)
            terms[term_count++] = lowering_term_view(
                wide_from_i64(1), (struct relation_view){.tensor = words, .index_list = list});
        size_t count = deep_trees(f, depth + 1, going);
        if (count == 0)
            break;
        uint32_t next = step(w, features, words, held, going, count);
        words = lowering_read(l, w->records, next);
        memcpy(held, going, count * sizeof *held);
        held_count = count;
    }
    struct shape shape = shape_of(1, (int64_t)f->tree_count);
    return lowering_moved(l, &shape, form_integer(), terms, term_count);
}

/* ---- aggregation ---- */

/* Sum over the trees of column k of [trees, width]. */
static uint32_t sum_column(struct walk *w, uint32_t values, size_t width, size_t k,
                           struct form form)
{
    struct shape space = shape_of(1, (int64_t)w->f->tree_count), scalar = {0};
    wide one = wide_from_i64(1);
    struct relation_view column = {
        .tensor = values, .offset = (int64_t)k, .stride = {(int64_t)width}, .high = {space.dim[0]}};
    struct relation_view ones =
        lowering_view(w->l, lowering_constant(w->l, &scalar, form_integer(), &one), &space);
    return lowering_contract(w->l, &space, 1, &column, &ones, form);
}

/* Splits a sum of packed words into the sums of its targets, lowest digit first. */
static void unpack(struct walk *w, uint32_t word, size_t count, uint32_t *sums)
{
    const struct packing *p = &w->packing;
    struct lowering *l = w->l;
    wide base = wide_power_of_two(p->digit_bits), half = wide_power_of_two(p->digit_bits - 1),
         minus_half, bias = wide_from_i64(0);
    ASSERT(wide_neg(&minus_half, half));
    for (size_t j = 0; j < count; j++) {
        wide shifted;
        ASSERT(wide_shift_left(&shifted, half, (unsigned)j * p->digit_bits) &&
               wide_add(&bias, bias, shifted));
    }
    uint32_t rest = lowering_affine(l, 1, word, bias);
    for (size_t j = 0; j + 1 < count; j++) {
        uint32_t digit;
        rest = lowering_rescale(l, rest, base, ROUND_FLOOR, form_fixed(p->fraction), NULL, &digit);
        struct shape shape = lowering_shape(l, digit);
        struct relation_term term = lowering_term(l, 1, digit, &shape);
        sums[j] = lowering_linear(l, &shape, form_fixed(p->fraction), &term, 1, minus_half);
    }
    sums[count - 1] = lowering_affine(l, 1, rest, minus_half);
}

/* Least or greatest over the trees; 0 when no tree has an entry. */
static uint32_t extreme_column(struct walk *w, uint32_t values, size_t width, size_t k)
{
    struct lowering *l = w->l;
    struct shape scalar = {0};
    uint32_t best = RELATION_NONE;
    for (size_t t = 0; t < w->f->tree_count; t++) {
        int64_t at = (int64_t)(t * width + k);
        uint32_t value = lowering_pick(l, values, &scalar, &at);
        if (best == RELATION_NONE)
            best = value;
        else
            best = w->f->aggregate == 3 ? lowering_maximum(l, &scalar, best, value)
                                        : lowering_minimum(l, &scalar, best, value);
    }
    wide minus;
    ASSERT(wide_neg(&minus, no_entry(w)));
    uint32_t none = lowering_is_zero(l, lowering_affine(l, 1, best, minus));
    struct relation_term terms[2] = {lowering_term_product(l, -1, none, best, &scalar),
                                     lowering_term(l, 1, best, &scalar)};
    return lowering_product(l, &scalar, lowering_form(l, best), terms, 2, wide_from_i64(0));
}

static void aggregate_row(struct walk *w, uint32_t payload, uint32_t *sums)
{
    struct lowering *l = w->l;
    const struct packing *p = &w->packing;
    if (p->is_direct) {
        sums[0] = sum_column(w, payload, 1, 0, form_fixed(p->fraction));
        return;
    }
    for (size_t m = 0; m < w->leaf_memories; m++) {
        uint32_t values = lowering_read(l, w->leaves[m], payload);
        size_t width = (size_t)lowering_tensor(l, w->leaves[m])->shape[1];
        for (size_t k = 0; k < width; k++) {
            size_t target = (m * MEMORY_WORDS + k) * p->per_word,
                   count = w->f->target_count - target;
            count = count > p->per_word ? p->per_word : count;
            if (w->f->aggregate >= 2)
                sums[target] = extreme_column(w, values, width, k);
            else
                unpack(w, sum_column(w, values, width, k, form_fixed(p->fraction)), count,
                       &sums[target]);
        }
    }
}

/* An average is the sum in other units when the number of trees is a power of two, else the sum
 * times its reciprocal. */
static uint32_t divide_by_trees(struct walk *w, uint32_t sum)
{
    return lowering_divide_by_count(w->l, sum, (int64_t)w->f->tree_count);
}

void lower_tree_ensemble(struct lowering *l)
{
    struct forest forest = {0};
    uint32_t x = lowering_input(l, 0), low = RELATION_NONE;
    if (lowering_form(l, x).encoding != ENCODING_FLOAT_KEY)
        x = lowering_trim(l, x, lowering_input_fraction(l, 0), 6);
    forest_build(l, &forest, x);
    struct walk w = {.l = l, .f = &forest, .records = RELATION_NONE};
    plan_packing(&w);
    if (!w.packing.is_direct)
        make_leaves(&w);
    w.roots = make_records(&w, "tree roots", 0, forest.tree_count);
    if (forest.depth_max > 0)
        w.records = make_records(&w, "tree records", forest.tree_count, forest.record_count);
    if (forest.needs_low_copy)
        low = raised(&w, without_nan(&w, x));
    x = raised(&w, x);
    struct shape shape = lowering_output_shape(l, 0);
    size_t rows = lowering_tensor(l, x)->count / forest.features,
           total = rows * forest.target_count;
    uint32_t *sums = lowering_array(l, uint32_t, total);
    struct relation_term *terms = lowering_array(l, struct relation_term, total);
    for (size_t row = 0; row < rows; row++) {
        uint32_t features = forest.depth_max > 0 ? make_features(&w, x, low, row) : RELATION_NONE;
        aggregate_row(&w, walk_row(&w, features), &sums[row * forest.target_count]);
    }
    for (size_t i = 0; i < total; i++) {
        /* The walk decides on keys; each tree gives one leaf. */
        lowering_widen_error(
            l, sums[i],
            bound_mul(forest.aggregate <= 1 ? (double)forest.tree_count : 1, w.leaf_error));
        if (forest.aggregate == 0)
            sums[i] = divide_by_trees(&w, sums[i]);
        int64_t *list = lowering_array(l, int64_t, total);
        memset(list, 0xff, total * sizeof *list);
        list[i] = 0;
        terms[i] = lowering_term_view(
            wide_from_i64(1), (struct relation_view){.tensor = sums[i], .index_list = list});
    }
    lowering_output(l, 0, lowering_moved(l, &shape, lowering_form(l, sums[0]), terms, total));
}
