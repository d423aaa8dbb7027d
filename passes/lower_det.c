/*
 * Lowering of Det: minors of the last rows, one level for each row, each a sum of products of the
 * level below. Exact; no division.
 */
#include "passes/lower_internal.h"

enum { SIZE_MAX_DET = 10, MINOR_BITS = 110 };

/* Column sets of one size, in order of their bits; `number` of each set, -1 for other sizes. */
struct column_sets {
    unsigned sets[1 << SIZE_MAX_DET];
    int number[1 << SIZE_MAX_DET];
    int64_t count;
};

static void list_sets(struct column_sets *list, unsigned n, unsigned size)
{
    list->count = 0;
    for (unsigned set = 0; set < 1u << n; set++) {
        bool fits = (unsigned)__builtin_popcount(set) == size;
        list->number[set] = fits ? (int)list->count : -1;
        if (fits)
            list->sets[list->count++] = set;
    }
}

/* Column of rank p in a set. */
static unsigned column_of(unsigned set, unsigned p)
{
    for (; p > 0; p--)
        set &= set - 1;
    return (unsigned)__builtin_ctz(set);
}

/*
 * Minors of the last `size` rows: [batch, sets] from those of one row less. The minor of columns S
 * is sum over c in S, the p-th of them, of (-1)^p a[row, c] minor(S less c).
 */
static uint32_t next_minors(struct lowering *l, uint32_t a, uint32_t minors, unsigned n,
                            unsigned size, int64_t batch, const struct column_sets *below,
                            const struct column_sets *sets)
{
    struct shape shape = shape_of(2, batch, sets->count);
    struct relation_term *terms = lowering_array(l, struct relation_term, size);
    size_t count = shape_elements(&shape);
    for (unsigned p = 0; p < size; p++) {
        int64_t *entries = lowering_array(l, int64_t, count),
                *lower = lowering_array(l, int64_t, count);
        for (size_t e = 0; e < count; e++) {
            int64_t b = (int64_t)e / sets->count;
            unsigned set = sets->sets[(int64_t)e % sets->count], column = column_of(set, p);
            entries[e] = (b * n + n - size) * n + column;
            lower[e] = b * below->count + below->number[set & ~(1u << column)];
        }
        terms[p] = (struct relation_term){.coefficient = wide_from_i64(p % 2 == 0 ? 1 : -1),
                                          .factor_count = 2,
                                          .factors = {{.tensor = a, .index_list = entries},
                                                      {.tensor = minors, .index_list = lower}}};
    }
    struct form form = form_fixed(lowering_fraction(l, a) + lowering_fraction(l, minors));
    return lowering_product(l, &shape, form, terms, size, wide_from_i64(0));
}

void check_det(struct lowering *l)
{
    const struct shape *shape = &lowering_graph_value(l, 0)->shape;
    int64_t n = shape->dim[shape->rank - 1];
    if (n < 1 || n > SIZE_MAX_DET)
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "matrices of %lld rows; give it matrices of 1 to %d rows", (long long)n,
                      SIZE_MAX_DET);
}

void lower_det(struct lowering *l)
{
    uint32_t a = lowering_planned_input(l);
    struct shape shape = lowering_shape(l, a);
    int64_t n = shape.dim[shape.rank - 1], batch = 1;
    for (unsigned d = 0; d + 2 < shape.rank; d++)
        batch *= shape.dim[d];
    struct column_sets *below = lowering_array(l, struct column_sets, 1),
                       *sets = lowering_array(l, struct column_sets, 1);
    /* The last row. */
    struct shape row = shape_of(2, batch, n);
    struct relation_view view = {
        .tensor = a, .offset = (n - 1) * n, .stride = {n * n, 1}, .high = {batch, n}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    uint32_t minors = lowering_moved(l, &row, lowering_form(l, a), &term, 1);
    list_sets(below, (unsigned)n, 1);
    for (unsigned size = 2; size <= n; size++) {
        list_sets(sets, (unsigned)n, size);
        minors = next_minors(l, a, minors, (unsigned)n, size, batch, below, sets);
        if (range_bits(lowering_range_of(l, minors)) > MINOR_BITS)
            minors = lowering_trim(l, minors, lowering_output_fraction(l, 0) + 8, 8);
        *below = *sets;
    }
    lowering_output(l, 0, minors);
}
