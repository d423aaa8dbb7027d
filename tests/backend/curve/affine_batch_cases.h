/*
 * What the batch additions of every path must do: equal single additions, in every form, for every
 * length up to MOST, with special cases of the group law anywhere. check_affine_batch(functions)
 * runs it all.
 */
#include "backend/curve/affine_batch.h"
#include "tests/backend/curve/oracle.h"
#include "tests/harness/harness.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 300 };

struct affine_functions {
    void (*add_pairs)(g1_affine *point, const uint16_t *pair, size_t n, size_t distance,
                      struct affine_ahead *ahead, fp *scratch);
    void (*add_entries)(g1_affine *out, const uint16_t *to, const g1_affine *source,
                        const uint32_t *entry, const uint16_t *pair, size_t n,
                        struct affine_ahead *ahead, fp *scratch);
    void (*add_arrays)(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n, fp *scratch);
    void (*double_array)(g1_affine *r, const g1_affine *a, size_t n, fp *scratch);
};

struct affine_case {
    size_t n;
    g1_affine a[MOST], b[MOST], sum[MOST], doubled[MOST];
    fp scratch[AFFINE_SCRATCH(MOST)];
};

/* n random additions; one in `rare` is equal, opposite or has infinite operands; 0: none. */
static void fill_case(struct affine_case *c, size_t n, unsigned rare)
{
    c->n = n;
    random_g1_array(c->a, n);
    random_g1_array(c->b, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t kind = rare ? test_random_below(5 * rare) : 5;
        if (kind == 0)
            c->b[i] = c->a[i];
        if (kind == 1)
            g1_affine_neg(&c->b[i], &c->a[i]);
        if (kind == 2 || kind == 4)
            g1_affine_set_infinity(&c->a[i]);
        if (kind == 3 || kind == 4)
            g1_affine_set_infinity(&c->b[i]);
        oracle_sum(&c->sum[i], &c->a[i], &c->b[i]);
        oracle_sum(&c->doubled[i], &c->a[i], &c->a[i]);
    }
}

static void expect_points(const g1_affine *got, const g1_affine *expected, size_t n,
                          const char *what)
{
    for (size_t i = 0; i < n; i++)
        CHECK_MSG(memcmp(&got[i], &expected[i], sizeof *got) == 0, "%s: point %zu of %zu", what, i,
                  n);
}

static void check_arrays(const struct affine_functions *f, struct affine_case *c)
{
    static g1_affine r[MOST];
    f->add_arrays(r, c->a, c->b, c->n, c->scratch);
    expect_points(r, c->sum, c->n, "arrays");
    memcpy(r, c->a, sizeof r);
    f->add_arrays(r, r, c->b, c->n, c->scratch);
    expect_points(r, c->sum, c->n, "arrays, r = a");
    memcpy(r, c->b, sizeof r);
    f->add_arrays(r, c->a, r, c->n, c->scratch);
    expect_points(r, c->sum, c->n, "arrays, r = b");
    f->add_arrays(r, c->a, c->a, c->n, c->scratch);
    expect_points(r, c->doubled, c->n, "arrays, a = b");
    f->double_array(r, c->a, c->n, c->scratch);
    expect_points(r, c->doubled, c->n, "doubles");
    memcpy(r, c->a, sizeof r);
    f->double_array(r, r, c->n, c->scratch);
    expect_points(r, c->doubled, c->n, "doubles, r = a");
}

/* The additions as pairs of points side by side, in an order of their own. */
static void check_pairs(const struct affine_functions *f, struct affine_case *c)
{
    static g1_affine both[2 * MOST];
    static uint16_t pair[MOST];
    for (size_t i = 0; i < c->n; i++) {
        both[2 * i] = c->a[i];
        both[2 * i + 1] = c->b[i];
        pair[i] = (uint16_t)(2 * ((i + 7) % c->n));
    }
    f->add_pairs(both, pair, c->n, 1, NULL, c->scratch);
    for (size_t i = 0; i < c->n; i++) {
        expect_points(&both[2 * i], &c->sum[i], 1, "pairs");
        expect_points(&both[2 * i + 1], &c->b[i], 1, "pairs, right operand");
    }
}

/* The additions as signed entries of a table, which holds some points negated. */
static void check_entries(const struct affine_functions *f, struct affine_case *c)
{
    static g1_affine table[2 * MOST], r[MOST];
    static uint32_t entry[3 * MOST];
    static uint16_t pair[MOST], to[MOST];
    for (size_t i = 0; i < c->n; i++) {
        size_t at = 2 * ((i + 5) % c->n);
        uint32_t a_negative = (uint32_t)test_random_below(2),
                 b_negative = (uint32_t)test_random_below(2);
        table[at] = c->a[i];
        table[at + 1] = c->b[i];
        if (a_negative)
            g1_affine_neg(&table[at], &table[at]);
        if (b_negative)
            g1_affine_neg(&table[at + 1], &table[at + 1]);
        pair[i] = (uint16_t)(3 * ((i + 11) % c->n));
        to[i] = (uint16_t)((i + 3) % c->n);
        entry[pair[i]] = (uint32_t)at << 1 | a_negative;
        entry[pair[i] + 1] = (uint32_t)(at + 1) << 1 | b_negative;
    }
    struct affine_ahead ahead = {.source = table, .entry = entry, .end = c->n / 2, .share = 3};
    f->add_entries(r, to, table, entry, pair, c->n, &ahead, c->scratch);
    CHECK(ahead.next <= ahead.end);
    for (size_t i = 0; i < c->n; i++)
        expect_points(&r[to[i]], &c->sum[i], 1, "entries");
}

static void check_affine_batch(const struct affine_functions *functions)
{
    static struct affine_case c;
    static const size_t sizes[] = {1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 33, 64, 100, MOST};
    static const unsigned rare[] = {0, 1, 4, 40};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t k = 0; k < sizeof rare / sizeof *rare; k++) {
            fill_case(&c, sizes[s], rare[k]);
            check_arrays(functions, &c);
            check_pairs(functions, &c);
            check_entries(functions, &c);
        }
    }
}
