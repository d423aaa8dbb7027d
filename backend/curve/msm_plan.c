/*
 * The cost model of multi-scalar multiplication. See msm_plan.h.
 *
 * Unit: one affine batch addition. E entries in B buckets take E - B' additions (B' = buckets not
 * empty), the weighted sum of the buckets another 2 B', so E + B' in all, and a small price for
 * each bucket that is merely there and for the last running sums.
 */
#include "backend/curve/msm_plan.h"

#include "ir/support/status.h"

/* Sets are done together until a group has this many entries or buckets: shared inversions. */
#define GROUP_ENTRIES 32768
#define GROUP_BUCKETS 4096
/* Price of an empty bucket and of one step of a final running sum, in additions. */
#define EMPTY_BUCKET 0.06
#define RUNNING_STEP 4.0

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t at_least(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t divide_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* The widest window worth trying: buckets at most a quarter of the entries, but enough for one
 * byte. */
static unsigned widest_window(size_t entries)
{
    unsigned c = 9;
    while (c < MSM_MOST_WINDOW_BITS && ((size_t)1 << c) <= entries / 4)
        c++;
    return c;
}

void msm_limits(struct msm_limits *out, const struct msm_bases *bases, size_t scalars,
                const struct machine *machine)
{
    size_t points = scalars * bases->levels;
    ASSERT(points <= MSM_MOST_POINTS);
    out->threads = machine_threads(machine);
    out->window_bits = bases->levels > 1 ? bases->window_bits : widest_window(points);
    size_t buckets = (size_t)1 << (out->window_bits - 1);
    out->keys = at_least(buckets, GROUP_BUCKETS);
    /* The sums of rows and columns of buckets read every bucket twice. */
    out->entries = at_least(at_least(points, GROUP_ENTRIES), 2 * out->keys);
    /* Fewer entries can be cut into one chunk more. */
    out->chunks = divide_up(out->entries, msm_chunk(out->entries, out->threads)) + 1;
    out->slices = at_most(out->threads, 16);
}

/* Additions of all windows when they are c bits wide. */
static double window_cost(const struct msm_histogram *histogram, unsigned c)
{
    unsigned most = msm_window_count(MSM_FULL_BITS, c);
    double buckets = (double)((size_t)1 << (c - 1)), cost = 0;
    double scalars = 0;
    size_t bits = MSM_FULL_BITS + 1;
    for (unsigned window = most; window-- > 0;) {
        /* Scalars of `bits` bits have a digit in this window when bits + 1 > window * c. */
        while (bits > 1 && msm_window_count((unsigned)bits - 1, c) > window)
            scalars += (double)histogram->count[--bits];
        if (scalars > 0)
            cost += scalars + (scalars < buckets ? scalars : buckets) + EMPTY_BUCKET * buckets +
                    RUNNING_STEP * (double)((size_t)1 << (c / 2));
    }
    return cost;
}

static unsigned choose_window(const struct msm_histogram *histogram, unsigned widest)
{
    unsigned best = 2;
    double best_cost = window_cost(histogram, best);
    for (unsigned c = 3; c <= widest; c++) {
        double cost = window_cost(histogram, c);
        if (cost < best_cost) {
            best_cost = cost;
            best = c;
        }
    }
    return best;
}

size_t msm_chunk(size_t entries, unsigned threads)
{
    if (threads == 1)
        return MSM_CHUNK;
    return at_most(at_least(entries / (4 * (size_t)threads), MSM_LEAST_CHUNK), MSM_CHUNK);
}

void msm_make_plan(struct msm_plan *out, const struct msm_bases *bases,
                   const struct msm_histogram *histogram, const struct msm_limits *limits)
{
    size_t scalars = histogram->count[0];
    unsigned most_bits = 1;
    for (unsigned bits = 1; bits <= MSM_FULL_BITS; bits++) {
        scalars += histogram->count[bits];
        most_bits = histogram->count[bits] ? bits : most_bits;
    }
    out->window_bits =
        bases->levels > 1 ? bases->window_bits : choose_window(histogram, limits->window_bits);
    out->windows = msm_window_count(MSM_FULL_BITS, out->window_bits);
    out->sets = bases->levels > 1 ? bases->shift_bits / out->window_bits : out->windows;
    out->used_sets =
        (unsigned)at_most(msm_window_count(most_bits + 1, out->window_bits), out->sets);
    out->buckets = (size_t)1 << (out->window_bits - 1);
    out->most_digits = (unsigned)divide_up(out->windows, out->sets);
    size_t entries = at_least(scalars * out->most_digits, 1);
    size_t group = at_most(limits->entries / entries, limits->keys / out->buckets);
    out->set_group = (unsigned)at_most(at_least(group, 1), out->used_sets);
    out->most_digits *= out->set_group;
    out->slices = limits->slices;
}

void msm_choose_table(struct msm_bases *shape, size_t n, unsigned level_limit)
{
    struct msm_histogram histogram = {{0}};
    histogram.count[MSM_FULL_BITS] = n;
    unsigned plain = choose_window(&histogram, widest_window(n));
    double best_cost = window_cost(&histogram, plain);
    shape->levels = 1;
    shape->shift_bits = 0;
    shape->window_bits = 0;
    for (unsigned c = 4; c <= MSM_MOST_WINDOW_BITS; c++) {
        unsigned windows = msm_window_count(MSM_FULL_BITS, c);
        unsigned levels = windows < level_limit ? windows : level_limit;
        if (levels < 2)
            continue;
        unsigned sets = (unsigned)divide_up(windows, levels);
        levels = (unsigned)divide_up(windows, sets);
        double buckets = (double)((size_t)1 << (c - 1));
        double cost = (double)n * windows + sets * ((1 + EMPTY_BUCKET) * buckets +
                                                    RUNNING_STEP * (double)((size_t)1 << (c / 2)));
        if (cost < best_cost) {
            best_cost = cost;
            shape->levels = levels;
            shape->shift_bits = sets * c;
            shape->window_bits = c;
        }
    }
}
