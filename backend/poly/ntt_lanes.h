/*
 * The loops of ntt.c on eight lanes; see ntt.h for the tree they walk. Included by ntt_ifma.c, and
 * by a test on emulated lanes. Before it: what field_lanes.h wants, and LANES_NAME(name).
 *
 * A subtree is read into an array of vectors, eight neighbours each, goes through all its levels
 * there and is written back. Down to nodes of eight elements a butterfly joins whole vectors with
 * one root; then groups of eight vectors are transposed, lane t of vector p being element 8 t + p,
 * and the last three levels join vectors again, with a root for each lane. The top levels of a
 * larger tree treat columns of eight neighbours in the same way.
 *
 * Values, in multiples of the modulus m. Roots are held times 2^260 (twiddle_shift), so a product
 * is below 1.5 m whatever the other factor. Forward, a level takes t = w y - m in [-m, m/2) to x +
 * t and x - t: no level moves a value by more than m, but for the first two of the leftmost node,
 * which do without products and together move it by 3 m. So values that start OFFSET moduli higher
 * stay positive through all levels, and below 2 OFFSET + 2 moduli, with no reduction between. Limbs
 * grow by less than 2^57 a level. Inverse, sums are kept in [0, 2 m + 2^-34 m) by subtracting where
 * they are surely above; limbs of sums of sums are carried, those of products are below 2^57.
 *
 * Cost in instructions, two a cycle: a level 129 for eight butterflies, the way in and out of lanes
 * about 110 for eight elements.
 */
#include "backend/field/field_lanes.h"
#include "backend/poly/ntt_kernels.h"

#define ELEMENT 4 /* words */

/* Subtrees of 64 to 4096 elements, tops of up to 8 levels. */
enum { LG_LEAST = 6, LG_RESIDENT = 12, TOP_LEVELS = 8 };
/* Moduli added before the way down. */
enum { OFFSET = LG_RESIDENT + 1 };

/* -1 times 2^260, where the table of roots has no entry: the root of node 0 is 1. */
static const fr minus_one = {{UINT64_C(0x8a068a1eb0000055), UINT64_C(0x593c20106a92603b),
                              UINT64_C(0x32a72598fff256ee), UINT64_C(0x114e0c24c57a2dda)}};

/* ---- Pieces ---------------------------------------------------------------------------------- */

static inline const uint64_t *root_of(const fr *twiddle, size_t block)
{
    return twiddle[block].limb;
}

/* -1 / root of a block. */
static inline const uint64_t *inverse_root_of(const fr *twiddle, size_t block)
{
    return block == 0 ? minus_one.limb : twiddle[ntt_negated_inverse(block)].limb;
}

LANES_INLINE void root_for_all(struct lanes_factor *r, const uint64_t *root)
{
    struct lanes_words w;
    lanes_broadcast(&w, root);
    lanes_factor_from_words(r, &w);
}

/* r = the roots of blocks first, first + step, ..., one a lane. */
LANES_INLINE void root_for_each(struct lanes_factor *r, const fr *twiddle, size_t first,
                                size_t step, bool is_inverse)
{
    const uint64_t *at[LANES];
    struct lanes_words w;
    LANES_UNROLL
    for (size_t i = 0; i < LANES; i++)
        at[i] = is_inverse ? inverse_root_of(twiddle, first + i * step)
                           : root_of(twiddle, first + i * step);
    lanes_read_at(&w, at);
    lanes_factor_from_words(r, &w);
}

/* Two butterflies: x[k], y[k] = x[k] + t, x[k] - t with t = w[k] y[k] - m. */
LANES_INLINE void join(struct lanes *x0, struct lanes *y0, const struct lanes_factor *w0,
                       struct lanes *x1, struct lanes *y1, const struct lanes_factor *w1)
{
    struct lanes_factor w[2] = {*w0, *w1}, y[2];
    struct lanes t[2], start[2];
    lanes_to_factor(&y[0], y0);
    lanes_to_factor(&y[1], y1);
    lanes_minus_modulus(&start[0], &lanes_fr);
    start[1] = start[0];
    lanes_mul_add_2(t, w, y, start, &lanes_fr);
    lanes_sub(y0, x0, &t[0]);
    lanes_sub(y1, x1, &t[1]);
    lanes_add(x0, x0, &t[0]);
    lanes_add(x1, x1, &t[1]);
}

/* A butterfly of w = 1: t = y - (OFFSET + 1) m. */
LANES_INLINE void join_by_one(struct lanes *x, struct lanes *y)
{
    struct lanes t;
    lanes_multiple(&t, OFFSET + 1, &lanes_fr);
    lanes_sub(&t, y, &t);
    lanes_sub(y, x, &t);
    lanes_add(x, x, &t);
}

/* Subtracts 2 m where a is surely not below: from [0, 4 m) to just above [0, 2 m). */
LANES_INLINE void bring_below_2(struct lanes *a)
{
    lanes_subtract_if_surely_above(a, 2, &lanes_fr);
}

/* Two butterflies back: x[k], y[k] = x[k] + y[k], (y[k] - x[k]) w[k]; sums not reduced. Requires:
 * x[k] <= k m of a small multiple. */
LANES_INLINE void part(struct lanes *x0, struct lanes *y0, const struct lanes_factor *w0,
                       struct lanes *x1, struct lanes *y1, const struct lanes_factor *w1,
                       unsigned multiple)
{
    struct lanes_factor w[2] = {*w0, *w1}, d[2];
    struct lanes t[2], above;
    lanes_multiple(&above, multiple, &lanes_fr);
    lanes_sub(&t[0], y0, x0);
    lanes_sub(&t[1], y1, x1);
    lanes_add(&t[0], &t[0], &above);
    lanes_add(&t[1], &t[1], &above);
    lanes_add(x0, x0, y0);
    lanes_add(x1, x1, y1);
    lanes_to_factor(&d[0], &t[0]);
    lanes_to_factor(&d[1], &t[1]);
    lanes_mul_add_2(t, w, d, NULL, &lanes_fr);
    *y0 = t[0];
    *y1 = t[1];
}

/* ---- Levels that join whole vectors ---------------------------------------------------------- */

/* One level of node `block`, of 2 half vectors. */
static void forward_level(struct lanes *v, size_t half, size_t block, const fr *twiddle)
{
    struct lanes_factor w;
    root_for_all(&w, root_of(twiddle, block));
    if (half == 1) {
        struct lanes unused_x = v[0], unused_y = v[1];
        join(&v[0], &v[1], &w, &unused_x, &unused_y, &w);
    }
    for (size_t i = 0; i + 1 < half; i += 2)
        join(&v[i], &v[i + half], &w, &v[i + 1], &v[i + 1 + half], &w);
}

/* The same for a root of 1, without products. */
static void forward_level_by_one(struct lanes *v, size_t half)
{
    for (size_t i = 0; i < half; i++)
        join_by_one(&v[i], &v[i + half]);
}

/* Two levels of node `block`, of 4 quarter vectors. */
static void forward_two_levels(struct lanes *v, size_t quarter, size_t block, const fr *twiddle)
{
    struct lanes_factor outer, low, high;
    root_for_all(&outer, root_of(twiddle, block));
    root_for_all(&low, root_of(twiddle, 2 * block));
    root_for_all(&high, root_of(twiddle, 2 * block + 1));
    struct lanes *a = v, *b = v + quarter, *c = v + 2 * quarter, *d = v + 3 * quarter;
    /* Two at a time: the second has something to do while the first waits for its carries. */
    size_t step = quarter > 1 ? 2 : 1;
    for (size_t i = 0; i < quarter; i += step) {
        for (size_t k = i; k < i + step; k++)
            join(&a[k], &c[k], &outer, &b[k], &d[k], &outer);
        for (size_t k = i; k < i + step; k++)
            join(&a[k], &b[k], &low, &c[k], &d[k], &high);
    }
}

/* All levels that join vectors of a node of 2^lg_count vectors. */
static void forward_vectors(struct lanes *v, unsigned lg_count, size_t block, const fr *twiddle)
{
    unsigned level = lg_count % 2;
    size_t count = (size_t)1 << lg_count;
    if (level == 1 && block == 0)
        forward_level_by_one(v, count / 2);
    else if (level == 1)
        forward_level(v, count / 2, block, twiddle);
    for (; level < lg_count; level += 2) {
        size_t quarter = count >> (level + 2);
        for (size_t k = 0; k < (size_t)1 << level; k++) {
            if (level == 0 && block == 0) {
                forward_level_by_one(v, count / 2);
                forward_level_by_one(v, quarter);
                forward_level(v + count / 2, quarter, 1, twiddle);
            } else {
                forward_two_levels(v + 4 * quarter * k, quarter, (block << level) + k, twiddle);
            }
        }
    }
}

/* One level back; sums brought below 2 m. */
static void inverse_level(struct lanes *v, size_t half, size_t block, const fr *twiddle)
{
    struct lanes_factor w;
    root_for_all(&w, inverse_root_of(twiddle, block));
    if (half == 1) {
        struct lanes unused_x = v[0], unused_y = v[1];
        part(&v[0], &v[1], &w, &unused_x, &unused_y, &w, 3);
        bring_below_2(&v[0]);
    }
    for (size_t i = 0; i + 1 < half; i += 2) {
        part(&v[i], &v[i + half], &w, &v[i + 1], &v[i + 1 + half], &w, 3);
        bring_below_2(&v[i]);
        bring_below_2(&v[i + 1]);
    }
}

static void inverse_two_levels(struct lanes *v, size_t quarter, size_t block, const fr *twiddle)
{
    struct lanes_factor outer, low, high;
    root_for_all(&outer, inverse_root_of(twiddle, block));
    root_for_all(&low, inverse_root_of(twiddle, 2 * block));
    root_for_all(&high, inverse_root_of(twiddle, 2 * block + 1));
    struct lanes *a = v, *b = v + quarter, *c = v + 2 * quarter, *d = v + 3 * quarter;
    size_t step = quarter > 1 ? 2 : 1;
    for (size_t i = 0; i < quarter; i += step) {
        for (size_t k = i; k < i + step; k++)
            part(&a[k], &b[k], &low, &c[k], &d[k], &high, 3);
        for (size_t k = i; k < i + step; k++) {
            /* Sums of two, just above [0, 4 m), and products of two, below 3 m. */
            part(&a[k], &c[k], &outer, &b[k], &d[k], &outer, 5);
            lanes_subtract_if_surely_above(&a[k], 4, &lanes_fr);
            bring_below_2(&a[k]);
            lanes_carry(&a[k]);
            bring_below_2(&b[k]);
        }
    }
}

static void inverse_vectors(struct lanes *v, unsigned lg_count, size_t block, const fr *twiddle)
{
    unsigned level = lg_count;
    for (; level >= 2; level -= 2) {
        size_t quarter = (size_t)1 << (lg_count - level);
        for (size_t k = 0; k < (size_t)1 << (level - 2); k++)
            inverse_two_levels(v + 4 * quarter * k, quarter, (block << (level - 2)) + k, twiddle);
    }
    if (level == 1)
        inverse_level(v, (size_t)1 << (lg_count - 1), block, twiddle);
}

/* ---- The last three levels ------------------------------------------------------------------- */

/* u[p] = the elements 8 t + p, t a lane, of eight vectors of neighbours, or back. */
LANES_INLINE void transpose(struct lanes u[LANES], const struct lanes v[LANES], bool is_back)
{
    static const int order[LANES] = LANE_ORDER;
    LANES_UNROLL
    for (int limb = 0; limb < 5; limb++) {
        lane_word row[LANES];
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            row[i] = v[is_back ? order[i] : i].limb[limb];
        lane_transpose_8(row);
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            u[is_back ? i : order[i]].limb[limb] = row[i];
    }
}

/* The nodes of eight elements block .. block + 7, one a lane. */
LANES_INLINE void forward_last_levels(struct lanes u[LANES], size_t block, const fr *twiddle)
{
    struct lanes_factor w[4];
    root_for_each(&w[0], twiddle, block, 1, false);
    for (int i = 0; i < 4; i += 2)
        join(&u[i], &u[i + 4], &w[0], &u[i + 1], &u[i + 5], &w[0]);
    root_for_each(&w[0], twiddle, 2 * block, 2, false);
    root_for_each(&w[1], twiddle, 2 * block + 1, 2, false);
    for (int i = 0; i < 2; i++)
        join(&u[i], &u[i + 2], &w[0], &u[i + 4], &u[i + 6], &w[1]);
    for (size_t i = 0; i < 4; i++)
        root_for_each(&w[i], twiddle, 4 * block + i, 4, false);
    for (int i = 0; i < 4; i += 2)
        join(&u[2 * i], &u[2 * i + 1], &w[i], &u[2 * i + 2], &u[2 * i + 3], &w[i + 1]);
}

LANES_INLINE void inverse_first_levels(struct lanes u[LANES], size_t block, const fr *twiddle)
{
    struct lanes_factor w[4];
    for (size_t i = 0; i < 4; i++)
        root_for_each(&w[i], twiddle, 4 * block + i, 4, true);
    for (int i = 0; i < 4; i += 2) {
        part(&u[2 * i], &u[2 * i + 1], &w[i], &u[2 * i + 2], &u[2 * i + 3], &w[i + 1], 3);
        bring_below_2(&u[2 * i]);
        bring_below_2(&u[2 * i + 2]);
    }
    root_for_each(&w[0], twiddle, 2 * block, 2, true);
    root_for_each(&w[1], twiddle, 2 * block + 1, 2, true);
    for (int i = 0; i < 2; i++) {
        part(&u[i], &u[i + 2], &w[0], &u[i + 4], &u[i + 6], &w[1], 3);
        bring_below_2(&u[i]);
        bring_below_2(&u[i + 4]);
    }
    root_for_each(&w[0], twiddle, block, 1, true);
    for (int i = 0; i < 4; i += 2) {
        part(&u[i], &u[i + 4], &w[0], &u[i + 1], &u[i + 5], &w[0], 3);
        bring_below_2(&u[i]);
        bring_below_2(&u[i + 1]);
        lanes_carry(&u[i]);
        lanes_carry(&u[i + 1]);
    }
}

/* ---- Subtrees and tops ----------------------------------------------------------------------- */

/* Lane t of u[p] at a[8 t + p]. */
LANES_INLINE void stride_of_8(uint64_t *at[LANES], fr *a, int p)
{
    LANES_UNROLL
    for (int t = 0; t < LANES; t++)
        at[t] = a[LANES * t + p].limb;
}

/* v = the elements at a, raised by OFFSET m when is_forward. */
LANES_INLINE void read_vector(struct lanes *v, const fr *a, bool is_forward)
{
    struct lanes_words w;
    struct lanes offset;
    lanes_read(&w, a->limb);
    lanes_from_words(v, &w);
    if (is_forward) {
        lanes_multiple(&offset, OFFSET, &lanes_fr);
        lanes_add(v, v, &offset);
    }
}

static void forward_subtree(fr *a, unsigned lg_size, size_t block, const fr *twiddle)
{
    struct lanes v[(1 << LG_RESIDENT) / LANES], u[LANES];
    const size_t vectors = (size_t)1 << (lg_size - 3);
    for (size_t i = 0; i < vectors; i++)
        read_vector(&v[i], a + LANES * i, true);
    forward_vectors(v, lg_size - 3, block, twiddle);
    for (size_t i = 0; i < vectors; i += LANES) {
        transpose(u, v + i, false);
        forward_last_levels(u, (block << (lg_size - 3)) + i, twiddle);
        for (int p = 0; p < LANES; p++) {
            uint64_t *at[LANES];
            struct lanes_words w;
            lanes_reduce(&u[p], &u[p], 16, &lanes_fr);
            lanes_to_words(&w, &u[p]);
            stride_of_8(at, a + LANES * i, p);
            lanes_write_at(at, &w);
        }
    }
}

/* Writes what the levels back leave: below 2 m or, when it is the end, divided by n: times factor.
 */
LANES_INLINE void write_inverse(fr *a, struct lanes *v, const struct lanes_factor *scale)
{
    struct lanes_words w;
    if (scale) {
        struct lanes_factor factor;
        lanes_to_factor(&factor, v);
        lanes_mul(v, &factor, scale, &lanes_fr);
        lanes_reduce(v, v, 1, &lanes_fr);
    } else {
        lanes_carry(v);
    }
    lanes_to_words(&w, v);
    lanes_write(a->limb, &w);
}

/* The factor of a division; null when there is none. */
LANES_INLINE const struct lanes_factor *division_factor(struct lanes_factor *r,
                                                        const struct ntt_division *division)
{
    if (!division)
        return NULL;
    root_for_all(r, division->factor.limb);
    return r;
}

static void inverse_subtree(fr *a, unsigned lg_size, size_t block, const fr *twiddle,
                            const struct ntt_division *division)
{
    struct lanes v[(1 << LG_RESIDENT) / LANES], u[LANES];
    struct lanes_factor last;
    const struct lanes_factor *factor = division_factor(&last, division);
    const size_t vectors = (size_t)1 << (lg_size - 3);
    for (size_t i = 0; i < vectors; i += LANES) {
        for (int p = 0; p < LANES; p++) {
            uint64_t *at[LANES];
            struct lanes_words w;
            stride_of_8(at, a + LANES * i, p);
            lanes_read_at(&w, (const uint64_t *const *)at);
            lanes_from_words(&u[p], &w);
        }
        inverse_first_levels(u, (block << (lg_size - 3)) + i, twiddle);
        transpose(v + i, u, true);
    }
    inverse_vectors(v, lg_size - 3, block, twiddle);
    for (size_t i = 0; i < vectors; i++)
        write_inverse(a + LANES * i, &v[i], factor);
}

static void forward_top(fr *a, unsigned lg_size, unsigned levels, size_t block, size_t begin,
                        size_t end, const fr *twiddle)
{
    struct lanes v[1 << TOP_LEVELS];
    const size_t rows = (size_t)1 << levels, row = (size_t)1 << (lg_size - levels);
    for (size_t column = begin; column < end; column += LANES) {
        for (size_t i = 0; i < rows; i++)
            read_vector(&v[i], a + i * row + column, true);
        forward_vectors(v, levels, block, twiddle);
        for (size_t i = 0; i < rows; i++) {
            struct lanes_words w;
            /* From [0, 32 m) to just above [0, 2 m): the next levels take that. */
            LANES_UNROLL
            for (unsigned k = 16; k >= 2; k /= 2)
                lanes_subtract_if_surely_above(&v[i], k, &lanes_fr);
            lanes_carry(&v[i]);
            lanes_to_words(&w, &v[i]);
            lanes_write(a[i * row + column].limb, &w);
        }
    }
}

static void inverse_top(fr *a, unsigned lg_size, unsigned levels, size_t block, size_t begin,
                        size_t end, const fr *twiddle, const struct ntt_division *division)
{
    struct lanes v[1 << TOP_LEVELS];
    struct lanes_factor last;
    const struct lanes_factor *factor = division_factor(&last, division);
    const size_t rows = (size_t)1 << levels, row = (size_t)1 << (lg_size - levels);
    for (size_t column = begin; column < end; column += LANES) {
        for (size_t i = 0; i < rows; i++)
            read_vector(&v[i], a + i * row + column, false);
        inverse_vectors(v, levels, block, twiddle);
        for (size_t i = 0; i < rows; i++)
            write_inverse(a + i * row + column, &v[i], factor);
    }
}

const struct ntt_kernels LANES_NAME(ntt_kernels) = {
    .lg_least = LG_LEAST,
    .lg_resident = LG_RESIDENT,
    .top_levels = TOP_LEVELS,
    .columns = LANES,
    .twiddle_shift = 4,
    .forward_top = forward_top,
    .forward_subtree = forward_subtree,
    .inverse_top = inverse_top,
    .inverse_subtree = inverse_subtree,
};
