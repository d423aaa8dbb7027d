/*
 * Affine batch additions on eight lanes; included by affine_batch_ifma.c, and by a test on emulated
 * lanes. Before it: what field_lanes.h wants, and LANES_NAME(name). The contract is affine_batch.h.
 *
 * The formulas of affine_batch_loops.h. Points are read into lanes, a whole addition is done there,
 * and coordinates are written once. Four vectors of additions go side by side, each lane of each
 * being a chain of denominators of its own: 32 chains share one inversion.
 *
 * Factors. With points in memory as X R, R = 2^256, and products that divide by 2^260: a chain of
 * denominators d loses a power of two with each product, and the way back finds it again, whatever
 * it is. It starts from C / (product of all), so every inverse is C / d; with C = 2^518 the slope
 * comes out as slope 2^258, its square as slope^2 R, and its product by 4 (X1 - X3) R as a multiple
 * of R again.
 *
 * Cost in instructions, two a cycle, for eight additions: 192 on the way forward, 781 on the way
 * back.
 */
#include "backend/curve/affine_batch.h"
#include "backend/field/field_lanes.h"

/* Vectors that go side by side, two and two: while one pair waits for its carries the other
 * multiplies. Loops over pairs stay loops, so that the CPU's cache of decoded instructions holds
 * them. */
enum { STREAMS = 4 };
/* Additions ahead of those being read on the way forward whose operands are asked for. */
enum { PREFETCH_DISTANCE = 32 };

/* Where operands and results lie; see the functions at the end. */
enum additions_kind { ADD_PAIRS, ADD_ARRAYS, ADD_ENTRIES, DOUBLE_ARRAY };

struct additions {
    size_t n;
    g1_affine *out;
    const g1_affine *a, *b; /* arrays, or a alone */
    const uint16_t *pair, *to;
    size_t distance;
    const uint32_t *entry;
    struct affine_ahead *ahead;
};

/* What the way forward leaves for the way back. */
struct step {
    uint64_t before[LANES_STORED];      /* a factor: the chain before the denominator */
    uint64_t denominator[LANES_STORED]; /* normal */
    uint64_t rare;                      /* lanes that are special cases of the group law */
    uint64_t unused[7];
};

_Static_assert(sizeof(struct step) == AFFINE_LANES_STEP_BYTES, "see AFFINE_SCRATCH");

/* The points of one vector of additions. */
struct operands {
    const g1_affine *a[LANES], *b[LANES];
    lane_mask a_negative, b_negative;
};

/* Lanes beyond the last addition do the last one again. */
LANES_INLINE size_t addition_of_lane(const struct additions *job, size_t first, int lane)
{
    size_t i = first + (size_t)lane;
    return i < job->n ? i : job->n - 1;
}

LANES_INLINE void find_operands(struct operands *o, const struct additions *job,
                                enum additions_kind kind, size_t first)
{
    unsigned a_negative = 0, b_negative = 0;
    LANES_UNROLL
    for (int lane = 0; lane < LANES; lane++) {
        size_t i = addition_of_lane(job, first, lane);
        if (kind == ADD_PAIRS) {
            o->a[lane] = job->a + job->pair[i];
            o->b[lane] = o->a[lane] + job->distance;
        } else if (kind == ADD_ENTRIES) {
            const uint32_t *entry = job->entry + job->pair[i];
            o->a[lane] = job->a + (entry[0] >> 1);
            o->b[lane] = job->a + (entry[1] >> 1);
            a_negative |= (entry[0] & 1) << lane;
            b_negative |= (entry[1] & 1) << lane;
        } else {
            o->a[lane] = job->a + i;
            o->b[lane] = job->b + i;
        }
    }
    o->a_negative = (lane_mask)a_negative;
    o->b_negative = (lane_mask)b_negative;
}

LANES_INLINE g1_affine *result_of(const struct additions *job, enum additions_kind kind, size_t i)
{
    if (kind == ADD_PAIRS)
        return job->out + job->pair[i];
    return job->out + (kind == ADD_ENTRIES ? job->to[i] : i);
}

LANES_INLINE void read_x(struct lanes_words *w, const g1_affine *const point[LANES])
{
    const uint64_t *at[LANES];
    LANES_UNROLL
    for (int lane = 0; lane < LANES; lane++)
        at[lane] = point[lane]->x.limb;
    lanes_read_at(w, at);
}

LANES_INLINE void read_y(struct lanes_words *w, const g1_affine *const point[LANES])
{
    const uint64_t *at[LANES];
    LANES_UNROLL
    for (int lane = 0; lane < LANES; lane++)
        at[lane] = point[lane]->y.limb;
    lanes_read_at(w, at);
}

/* ---- Special cases, one lane at a time ------------------------------------------------------- */

/* The operands of one lane, with their signs. */
static void lane_operands(g1_affine *a, g1_affine *b, const struct operands *o, int lane)
{
    *a = *o->a[lane];
    *b = *o->b[lane];
    if (o->a_negative >> lane & 1)
        g1_affine_neg(a, a);
    if (o->b_negative >> lane & 1)
        g1_affine_neg(b, b);
}

/* value[lane] = the element of each lane of a, which is normal and reduced enough for a word. */
static void lanes_to_elements(fp value[LANES], const struct lanes *a)
{
    uint64_t *to[LANES];
    struct lanes_words w;
    for (int lane = 0; lane < LANES; lane++)
        to[lane] = value[lane].limb;
    lanes_to_words(&w, a);
    lanes_write_at(to, &w);
}

static void lanes_from_elements(struct lanes *r, const fp value[LANES])
{
    const uint64_t *from[LANES];
    struct lanes_words w;
    for (int lane = 0; lane < LANES; lane++)
        from[lane] = value[lane].limb;
    lanes_read_at(&w, from);
    lanes_from_words(r, &w);
}

/* Puts denominators into the rare lanes of d, which is normal: 2y for a doubling, 1 where no slope
 * is needed. */
static __attribute__((noinline)) void
set_rare_denominators(struct lanes *d, const struct operands *o, lane_mask rare)
{
    fp value[LANES];
    lanes_to_elements(value, d);
    for (int lane = 0; lane < LANES; lane++) {
        g1_affine a, b;
        if (!(rare >> lane & 1))
            continue;
        lane_operands(&a, &b, o, lane);
        value[lane] = fp_one;
        if (!g1_affine_is_infinity(&a) && g1_affine_eq(&a, &b))
            fp_double(&value[lane], &a.y);
    }
    lanes_from_elements(d, value);
}

/* r = 2 a given C / (2 y). */
static void double_with_inverse(g1_affine *r, const g1_affine *a, const fp *inverse)
{
    fp slope, x, t = *inverse;
    for (int i = 0; i < 6; i++) /* C = 2^6 R^2 */
        fp_half(&t, &t);
    fp_sqr(&slope, &a->x);
    fp_add(&x, &slope, &slope);
    fp_add(&slope, &slope, &x);
    fp_mul(&slope, &slope, &t);
    fp_sqr(&x, &slope);
    fp_sub(&x, &x, &a->x);
    fp_sub(&x, &x, &a->x);
    fp_sub(&t, &a->x, &x);
    fp_mul(&t, &t, &slope);
    fp_sub(&r->y, &t, &a->y);
    r->x = x;
}

/* sum[lane] = a + b in the rare lanes; inverse in [0, 4m). */
static __attribute__((noinline)) void sum_rare_lanes(g1_affine sum[LANES], const struct operands *o,
                                                     lane_mask rare, const struct lanes *inverse)
{
    fp value[LANES];
    struct lanes reduced;
    lanes_reduce(&reduced, inverse, 2, &lanes_fp);
    lanes_to_elements(value, &reduced);
    for (int lane = 0; lane < LANES; lane++) {
        g1_affine a, b;
        if (!(rare >> lane & 1))
            continue;
        lane_operands(&a, &b, o, lane);
        if (g1_affine_is_infinity(&a))
            sum[lane] = b;
        else if (g1_affine_is_infinity(&b))
            sum[lane] = a;
        else if (g1_affine_eq(&a, &b))
            double_with_inverse(&sum[lane], &a, &value[lane]);
        else
            g1_affine_set_infinity(&sum[lane]);
    }
}

/* ---- Forward: denominators and their products ------------------------------------------------ */

/* d = x_b - x_a, or 2y of the points to be doubled; normal. */
LANES_INLINE void find_denominators(struct lanes *d, struct step *step, const struct additions *job,
                                    enum additions_kind kind, size_t first)
{
    struct operands o;
    struct lanes_words a, b;
    struct lanes x;
    lane_mask rare;
    find_operands(&o, job, kind, first);
    if (kind == DOUBLE_ARRAY) {
        read_y(&a, o.a);
        rare = lanes_are_zero(&a); /* y = 0 only at infinity: the order of the group is odd */
        lanes_from_words(&x, &a);
        lanes_add(d, &x, &x);
    } else {
        read_x(&a, o.a);
        read_x(&b, o.b);
        /* No point of G1 has x = 0. */
        rare = lanes_are_zero(&a) | lanes_are_zero(&b) | lanes_are_equal(&a, &b);
        lanes_from_words(&x, &a);
        lanes_from_words(d, &b);
        lanes_sub(d, d, &x);
        lanes_multiple(&x, 1, &lanes_fp);
        lanes_add(d, d, &x);
    }
    lanes_carry(d);
    if (__builtin_expect(rare != 0, 0))
        set_rare_denominators(d, &o, rare);
    step->rare = rare;
    lanes_save(step->denominator, d);
}

/* Asks for the operands of eight additions, as far as they are there. */
LANES_INLINE void prefetch_operands(const struct additions *job, size_t first)
{
    for (size_t i = first; i < first + LANES && i < job->n; i++) {
        const uint32_t *entry = job->entry + job->pair[i];
        __builtin_prefetch(job->a + (entry[0] >> 1));
        __builtin_prefetch(job->a + (entry[1] >> 1));
    }
}

/* acc = the products of the chains, below 1.2 m. */
LANES_INLINE void go_forward(struct lanes_factor acc[STREAMS], struct step *step,
                             const struct additions *job, enum additions_kind kind)
{
    struct lanes_words one;
    lanes_broadcast(&one, fp_one.limb);
    for (int s = 0; s < STREAMS; s++)
        lanes_factor_from_words(&acc[s], &one);
    for (size_t first = 0; first < job->n; first += STREAMS * LANES, step += STREAMS) {
        struct lanes d, product[STREAMS];
        struct lanes_factor factor[STREAMS];
        for (int s = 0; s < STREAMS; s++) {
            if (kind == ADD_ENTRIES)
                prefetch_operands(job, first + (size_t)s * LANES + PREFETCH_DISTANCE);
            find_denominators(&d, &step[s], job, kind, first + (size_t)s * LANES);
            lanes_normal_factor(&factor[s], &d);
            lanes_factor_save(step[s].before, &acc[s]);
        }
        for (int s = 0; s < STREAMS; s += 2)
            lanes_mul_add_2(&product[s], &acc[s], &factor[s], NULL, &lanes_fp);
        for (int s = 0; s < STREAMS; s++)
            lanes_to_factor(&acc[s], &product[s]);
    }
}

/* r[k] = a[k] b[k] / 2^260. */
static void multiply_two(struct lanes_factor r[2], const struct lanes_factor a[2],
                         const struct lanes_factor b[2])
{
    struct lanes product[2];
    lanes_mul_add_2(product, a, b, NULL, &lanes_fp);
    lanes_to_factor(&r[0], &product[0]);
    lanes_to_factor(&r[1], &product[1]);
}

/* Replaces the products by C over them, below 2.1 m. */
static void invert_chains(struct lanes_factor acc[STREAMS])
{
    fp chain[LANES], spare[LANES];
    struct lanes all;
    struct lanes_words w;
    struct lanes_factor half[2], a[2] = {acc[0], acc[2]}, b[2] = {acc[1], acc[3]};
    multiply_two(half, a, b);
    lanes_mul(&all, &half[0], &half[1], &lanes_fp);
    lanes_reduce(&all, &all, 1, &lanes_fp);
    lanes_to_words(&w, &all);
    lanes_write(chain[0].limb, &w);
    fp_batch_inv(chain, LANES, spare);
    lanes_read(&w, chain[0].limb);
    lanes_from_words(&all, &w);
    for (int i = 0; i < 3; i++) /* R^2 over the product, times 2^6 */
        lanes_times_4(&all, &all);
    /* C / (x y) times x is C / y. */
    struct lanes_factor other[2] = {half[1], half[0]}, inverse[2];
    lanes_to_factor(&inverse[0], &all);
    inverse[1] = inverse[0];
    multiply_two(half, inverse, other);
    for (int k = 0; k < 2; k++) {
        struct lanes_factor twice[2] = {half[k], half[k]}, swapped[2] = {b[k], a[k]};
        multiply_two(&acc[2 * k], twice, swapped);
    }
}

/* ---- Back: sums ------------------------------------------------------------------------------ */

/* One vector of additions on its way through the formulas. */
struct sum {
    struct operands o;
    struct lanes x, y; /* of the left points */
    struct lanes d;    /* x_b - x_a + m */
    struct lanes inverse;
};

/* inverse = C / d; takes d out of the chain. */
LANES_INLINE void take_inverse(struct sum *sum, struct lanes_factor *acc, const struct step *step)
{
    struct lanes product[2];
    struct lanes_factor factor[2], chain[2] = {*acc, *acc};
    lanes_factor_restore(&factor[0], step->before);
    lanes_restore(&sum->d, step->denominator);
    lanes_normal_factor(&factor[1], &sum->d);
    lanes_mul_add_2(product, factor, chain, NULL, &lanes_fp);
    sum->inverse = product[0];
    lanes_to_factor(acc, &product[1]);
}

/* The numerators of the slopes: y_b - y_a + m, or 3 x^2 for doublings. */
LANES_INLINE void find_numerators(struct lanes_factor *numerator, struct sum *sum,
                                  enum additions_kind kind)
{
    struct lanes_words w;
    struct lanes y, t;
    read_y(&w, sum->o.a);
    lanes_from_words(&sum->y, &w);
    if (kind == DOUBLE_ARRAY) {
        struct lanes_factor x, x_16;
        read_x(&w, sum->o.a);
        lanes_from_words(&sum->x, &w);
        lanes_factor_from_words(&x, &w);
        lanes_factor_of_16(&x_16, &w);
        lanes_mul(&t, &x, &x_16, &lanes_fp);
        lanes_add(&y, &t, &t);
        lanes_add(&t, &t, &y);
        lanes_multiple(&sum->d, 1, &lanes_fp); /* x_b = x_a */
    } else {
        read_y(&w, sum->o.b);
        lanes_from_words(&y, &w);
        read_x(&w, sum->o.a);
        lanes_from_words(&sum->x, &w);
        if (kind == ADD_ENTRIES) {
            lanes_negate_where(&sum->y, sum->o.a_negative, &lanes_fp);
            lanes_negate_where(&y, sum->o.b_negative, &lanes_fp);
        }
        lanes_multiple(&t, 1, &lanes_fp);
        lanes_add(&t, &t, &y);
        lanes_sub(&t, &t, &sum->y);
    }
    lanes_to_factor(numerator, &t);
}

/* x3 = slope^2 - x_a - x_b, reduced, and what its product by the slope gives y3 with: other =
 * 4 (x_a - x3 + m), start = m - y_a. */
LANES_INLINE void find_abscissas(struct lanes *x3, struct lanes_factor *other, struct lanes *start,
                                 const struct sum *sum, const struct lanes_factor *slope)
{
    struct lanes t;
    /* x_a + x_b = 2 x_a + d - m, so this is in (0, 3.2 m). */
    lanes_multiple(&t, 3, &lanes_fp);
    lanes_sub(&t, &t, &sum->x);
    lanes_sub(&t, &t, &sum->x);
    lanes_sub(&t, &t, &sum->d);
    lanes_sqr_add(&t, slope, &t, &lanes_fp);
    lanes_reduce(x3, &t, 2, &lanes_fp);
    lanes_multiple(&t, 1, &lanes_fp);
    lanes_sub(start, &t, &sum->y);
    lanes_add(&t, &t, &sum->x);
    lanes_sub(&t, &t, x3);
    lanes_times_4(&t, &t);
    lanes_to_factor(other, &t);
}

LANES_INLINE void write_sums(const struct lanes *x, const struct lanes *y,
                             const struct additions *job, enum additions_kind kind, size_t first)
{
    uint64_t *x_at[LANES], *y_at[LANES];
    struct lanes_words w;
    LANES_UNROLL
    for (int lane = 0; lane < LANES; lane++) {
        g1_affine *r = result_of(job, kind, addition_of_lane(job, first, lane));
        x_at[lane] = r->x.limb;
        y_at[lane] = r->y.limb;
    }
    lanes_to_words(&w, x);
    lanes_write_at(x_at, &w);
    lanes_to_words(&w, y);
    lanes_write_at(y_at, &w);
}

/* The additions of STREAMS vectors. All operands are read before a result is written, since lanes
 * beyond the last addition, and results in the place of operands, would else read sums. */
LANES_INLINE void sum_vectors(struct lanes_factor acc[STREAMS], const struct step *step,
                              const struct additions *job, enum additions_kind kind, size_t first)
{
    struct sum sum[STREAMS];
    struct lanes_factor numerator[STREAMS], inverse[STREAMS], slope[STREAMS], other[STREAMS];
    struct lanes product[STREAMS], start[STREAMS], x3[STREAMS], y3;
    g1_affine rare[STREAMS][LANES];
    for (int s = 0; s < STREAMS; s++) {
        find_operands(&sum[s].o, job, kind, first + (size_t)s * LANES);
        affine_ask_ahead(job->ahead);
        take_inverse(&sum[s], &acc[s], &step[s]);
    }
    for (int s = 0; s < STREAMS; s++) {
        lanes_to_factor(&inverse[s], &sum[s].inverse);
        if (__builtin_expect(step[s].rare != 0, 0))
            sum_rare_lanes(rare[s], &sum[s].o, (lane_mask)step[s].rare, &sum[s].inverse);
        find_numerators(&numerator[s], &sum[s], kind);
    }
    for (int s = 0; s < STREAMS; s += 2) {
        affine_ask_ahead(job->ahead);
        lanes_mul_add_2(&product[s], &numerator[s], &inverse[s], NULL, &lanes_fp);
    }
    for (int s = 0; s < STREAMS; s++) {
        lanes_to_factor(&slope[s], &product[s]);
        find_abscissas(&x3[s], &other[s], &start[s], &sum[s], &slope[s]);
    }
    for (int s = 0; s < STREAMS; s += 2) {
        affine_ask_ahead(job->ahead);
        lanes_mul_add_2(&product[s], &slope[s], &other[s], &start[s], &lanes_fp);
    }
    for (int s = 0; s < STREAMS; s++) {
        lanes_reduce(&y3, &product[s], 2, &lanes_fp);
        write_sums(&x3[s], &y3, job, kind, first + (size_t)s * LANES);
    }
    for (int s = 0; s < STREAMS; s++)
        for (int lane = 0; step[s].rare >> lane != 0; lane++)
            if (step[s].rare >> lane & 1)
                *result_of(job, kind, addition_of_lane(job, first + (size_t)s * LANES, lane)) =
                    rare[s][lane];
}

LANES_INLINE void add_all(const struct additions *job, enum additions_kind kind, fp *scratch)
{
    /* Vectors are read and written fastest where a line of the cache starts. */
    struct step *step = (struct step *)(((uintptr_t)scratch + 63) / 64 * 64);
    struct lanes_factor acc[STREAMS];
    go_forward(acc, step, job, kind);
    invert_chains(acc);
    const size_t group = STREAMS * LANES;
    for (size_t k = (job->n + group - 1) / group; k-- > 0;)
        sum_vectors(acc, step + k * STREAMS, job, kind, k * group);
}

void LANES_NAME(affine_add_pairs)(g1_affine *point, const uint16_t *pair, size_t n, size_t distance,
                                  struct affine_ahead *ahead, fp *scratch)
{
    struct additions job = {
        .n = n, .out = point, .a = point, .pair = pair, .distance = distance, .ahead = ahead};
    add_all(&job, ADD_PAIRS, scratch);
}

void LANES_NAME(affine_add_entries)(g1_affine *out, const uint16_t *to, const g1_affine *source,
                                    const uint32_t *entry, const uint16_t *pair, size_t n,
                                    struct affine_ahead *ahead, fp *scratch)
{
    struct additions job = {
        .n = n, .out = out, .to = to, .a = source, .entry = entry, .pair = pair, .ahead = ahead};
    add_all(&job, ADD_ENTRIES, scratch);
}

void LANES_NAME(affine_add_arrays)(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n,
                                   fp *scratch)
{
    struct additions job = {.n = n, .out = r, .a = a, .b = b};
    add_all(&job, ADD_ARRAYS, scratch);
}

void LANES_NAME(affine_double_array)(g1_affine *r, const g1_affine *a, size_t n, fp *scratch)
{
    struct additions job = {.n = n, .out = r, .a = a, .b = a};
    add_all(&job, DOUBLE_ARRAY, scratch);
}
