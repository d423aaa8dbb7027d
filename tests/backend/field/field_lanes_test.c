/*
 * The eight-lane array functions on emulated lanes: everything of the IFMA path but the
 * instructions themselves, on any CPU. field_vec_test.c runs the path itself where the CPU has it.
 */
#define LANES_EMULATED
#define LANES_NAME(name) name##_emulated
#define FIELD_KERNEL_PORTABLE
#include "backend/field/field_vec_tables.h"

extern const struct field_vec_kernels field_vec_kernels_emulated;

#include "backend/field/field_vec_lanes.h"
/* The cases below call the functions of field.h. */
#undef fr_add
#undef fr_sub
#undef fr_mul
#undef fp_add
#undef fp_sub
#undef fp_mul
#undef fp_sqr
#include "tests/backend/field/field_vec_cases.h"

#include <gmp.h>

TEST(emulated_lanes_equal_scalars)
{
    check_kernels(&field_vec_kernels_emulated);
}

/* The integer of a lane of loose or normal limbs. */
static void lane_to_mpz(mpz_t z, const struct lanes *a, int lane)
{
    mpz_set_ui(z, 0);
    for (int i = 4; i >= 0; i--) {
        int64_t limb = (int64_t)a->limb[i].lane[lane];
        mpz_mul_2exp(z, z, 52);
        if (limb < 0)
            mpz_sub_ui(z, z, 0 - (uint64_t)limb);
        else
            mpz_add_ui(z, z, (uint64_t)limb);
    }
}

static void factor_to_mpz(mpz_t z, const struct lanes_factor *a, int lane)
{
    mpz_set_ui(z, 0);
    for (int i = 4; i >= 0; i--) {
        mpz_mul_2exp(z, z, 52);
        mpz_add_ui(z, z, a->limb[i].lane[lane] & LANES_LIMB);
    }
}

static void check_normal(const struct lanes *a, int lane)
{
    for (int i = 0; i < 4; i++)
        CHECK(a->limb[i].lane[lane] <= LANES_LIMB);
}

/* Lanes of integers in [0, multiple of the modulus), edges often: near multiples of it, and with
 * inner limbs full of ones. Limbs normal, or moved from each to the next when is_loose. */
static void lanes_sample(struct lanes *a, const mpz_t modulus, unsigned multiple, bool is_loose)
{
    mpz_t z, bound;
    mpz_inits(z, bound, NULL);
    mpz_mul_ui(bound, modulus, multiple);
    for (int lane = 0; lane < LANES; lane++) {
        uint64_t limb[5] = {0};
        for (int i = 0; i < 5; i++)
            limb[i] = test_random_edge_u64();
        mpz_import(z, 5, -1, 8, 0, 0, limb);
        uint64_t kind = test_random_below(5);
        if (kind == 0)
            mpz_sub_ui(z, bound, 1);
        if (kind == 1) /* every limb but the last full of ones */
            for (int i = 0; i < 208; i++)
                mpz_setbit(z, (mp_bitcnt_t)i);
        if (kind == 2) {
            mpz_mul_ui(z, modulus, test_random_below(multiple + 1));
            if (test_random_below(2))
                mpz_add_ui(z, z, test_random_edge_u64());
            else
                mpz_sub_ui(z, z, test_random_below(3));
        }
        mpz_mod(z, z, bound);
        for (int i = 0; i < 5; i++) {
            a->limb[i].lane[lane] = mpz_get_ui(z) & LANES_LIMB;
            mpz_fdiv_q_2exp(z, z, 52);
        }
        for (int i = 0; is_loose && i < 4; i++) {
            /* At most 2^60 in size, of either sign. */
            uint64_t move = test_random_below(512) - 256;
            a->limb[i].lane[lane] += move << 52;
            a->limb[i + 1].lane[lane] -= move;
        }
    }
    mpz_clears(z, bound, NULL);
}

/* r 2^260 = x y + start 2^260 mod m, and r - start in [0, (1.13 + 0.012 x y / m^2) m). */
static void check_product(const struct lanes *r, int lane, const mpz_t x, const mpz_t y,
                          const mpz_t start, const mpz_t m)
{
    mpz_t z, bound;
    mpz_inits(z, bound, NULL);
    lane_to_mpz(z, r, lane);
    mpz_sub(z, z, start);
    CHECK(mpz_sgn(z) >= 0);
    mpz_mul(bound, x, y);
    mpz_mul_ui(bound, bound, 12);
    mpz_fdiv_q(bound, bound, m);
    mpz_addmul_ui(bound, m, 1130);
    mpz_submul_ui(bound, z, 1000);
    CHECK(mpz_sgn(bound) > 0);
    mpz_mul_2exp(z, z, 260);
    mpz_submul(z, x, y);
    CHECK(mpz_divisible_p(z, m));
    mpz_clears(z, bound, NULL);
}

static void check_products(const struct lanes_modulus *field, const mpz_t m)
{
    mpz_t x, y, s;
    mpz_inits(x, y, s, NULL);
    for (int round = 0; round < 1000; round++) {
        unsigned a_multiple = 1 + (unsigned)test_random_below(84);
        struct lanes a, b, start[2], r[2], square;
        struct lanes_factor factor[2], other[2];
        lanes_sample(&a, m, a_multiple, true);
        lanes_sample(&b, m, 84 / a_multiple, true);
        lanes_sample(&start[0], m, 4, true);
        lanes_sample(&start[1], m, 4, true);
        lanes_to_factor(&factor[0], &a);
        lanes_to_factor(&factor[1], &b);
        other[0] = factor[1];
        other[1] = factor[0];
        lanes_mul_add_2(r, factor, other, start, field);
        for (int k = 0; k < 2; k++) {
            struct lanes one;
            lanes_mul_add(&one, &factor[k], &other[k], &start[k], field);
            CHECK(memcmp(&one, &r[k], sizeof one) == 0);
        }
        lanes_sqr_add(&square, &factor[0], &start[0], field);
        for (int lane = 0; lane < LANES; lane++) {
            lane_to_mpz(x, &a, lane);
            factor_to_mpz(y, &factor[0], lane);
            CHECK(mpz_cmp(x, y) == 0);
            lane_to_mpz(y, &b, lane);
            for (int k = 0; k < 2; k++) {
                lane_to_mpz(s, &start[k], lane);
                check_product(&r[k], lane, x, y, s, m);
            }
            lane_to_mpz(s, &start[0], lane);
            check_product(&square, lane, x, x, s, m);
        }
        lanes_mul(&r[0], &factor[0], &factor[1], field);
        mpz_set_ui(s, 0);
        lane_to_mpz(x, &a, 3);
        lane_to_mpz(y, &b, 3);
        check_product(&r[0], 3, x, y, s, m);
    }
    mpz_clears(x, y, s, NULL);
}

static void check_sums(const struct lanes_modulus *field, const mpz_t m)
{
    mpz_t x, y, z;
    mpz_inits(x, y, z, NULL);
    for (int round = 0; round < 2000; round++) {
        unsigned k = 1u << test_random_below(5);
        struct lanes a, b, sum, difference, multiple, times_4, negated, normal, reduced, minus,
            below;
        lane_mask mask = (lane_mask)test_random_below(256);
        lanes_sample(&a, m, 2 * k, true);
        lanes_sample(&b, m, 1, false);
        lanes_add(&sum, &a, &b);
        lanes_sub(&difference, &a, &b);
        lanes_multiple(&multiple, k, field);
        lanes_times_4(&times_4, &b);
        negated = b;
        lanes_negate_where(&negated, mask, field);
        normal = difference;
        lanes_carry(&normal);
        lanes_reduce(&reduced, &a, k, field);
        lanes_minus_modulus(&minus, field);
        below = a;
        lanes_subtract_if_surely_above(&below, k, field);
        for (int lane = 0; lane < LANES; lane++) {
            lane_to_mpz(x, &a, lane);
            lane_to_mpz(y, &b, lane);
            lane_to_mpz(z, &sum, lane);
            mpz_sub(z, z, x);
            CHECK(mpz_cmp(z, y) == 0);
            lane_to_mpz(z, &difference, lane);
            mpz_add(z, z, y);
            CHECK(mpz_cmp(z, x) == 0);
            lane_to_mpz(z, &normal, lane);
            mpz_add(z, z, y);
            CHECK(mpz_cmp(z, x) == 0);
            check_normal(&normal, lane);
            lane_to_mpz(z, &multiple, lane);
            mpz_submul_ui(z, m, k);
            CHECK(mpz_sgn(z) == 0);
            lane_to_mpz(z, &times_4, lane);
            mpz_submul_ui(z, y, 4);
            CHECK(mpz_sgn(z) == 0);
            lane_to_mpz(z, &minus, lane);
            CHECK(mpz_cmpabs(z, m) == 0 && mpz_sgn(z) < 0);
            /* Subtracted or not, but never below 0, and not left much above k m. */
            lane_to_mpz(z, &below, lane);
            CHECK(mpz_sgn(z) >= 0);
            mpz_sub(z, z, x);
            CHECK(mpz_sgn(z) == 0 || (mpz_addmul_ui(z, m, k), mpz_sgn(z) == 0));
            lane_to_mpz(z, &below, lane);
            mpz_submul_ui(z, m, k);
            mpz_mul_2exp(z, z, 34);
            CHECK(mpz_cmp(z, m) < 0);
            lane_to_mpz(z, &negated, lane);
            if (mask >> lane & 1)
                mpz_sub(z, m, z);
            CHECK(mpz_cmp(z, y) == 0);
            lane_to_mpz(z, &reduced, lane);
            mpz_mod(x, x, m);
            CHECK_MSG(mpz_cmp(z, x) == 0, "reduction from %u m", 2 * k);
            check_normal(&reduced, lane);
        }
    }
    mpz_clears(x, y, z, NULL);
}

TEST(lanes_hold_at_their_stated_bounds)
{
    mpz_t m;
    mpz_init(m);
    mpz_import(m, 4, -1, 8, 0, 0, fr_modulus);
    check_products(&lanes_fr, m);
    check_sums(&lanes_fr, m);
    mpz_import(m, 4, -1, 8, 0, 0, fp_modulus);
    check_products(&lanes_fp, m);
    check_sums(&lanes_fp, m);
    mpz_clear(m);
}

TEST(lanes_read_and_write_words)
{
    for (int round = 0; round < 200; round++) {
        uint64_t word[4 * LANES], written[4 * LANES];
        const uint64_t *from[LANES];
        uint64_t *to[LANES];
        struct lanes_words w;
        struct lanes normal;
        struct lanes_factor factor, of_16;
        for (int i = 0; i < 4 * LANES; i++)
            word[i] = test_random_edge_u64();
        for (int i = 0; i < LANES; i++) {
            from[i] = word + 4 * i;
            to[i] = written + 4 * (LANES - 1 - i);
        }
        lanes_read(&w, word);
        lanes_from_words(&normal, &w);
        lanes_to_words(&w, &normal);
        lanes_write(written, &w);
        CHECK(memcmp(word, written, sizeof word) == 0);
        lanes_read_at(&w, from);
        lanes_write_at(to, &w);
        for (int i = 0; i < LANES; i++)
            CHECK(memcmp(from[i], to[i], 4 * sizeof *word) == 0);
        lanes_from_words(&normal, &w);
        lanes_factor_from_words(&factor, &w);
        lanes_factor_of_16(&of_16, &w);
        mpz_t x, y;
        mpz_inits(x, y, NULL);
        for (int lane = 0; lane < LANES; lane++) {
            mpz_import(x, 4, -1, 8, 0, 0, from[lane]);
            lane_to_mpz(y, &normal, lane);
            CHECK(mpz_cmp(x, y) == 0);
            check_normal(&normal, lane);
            factor_to_mpz(y, &factor, lane);
            CHECK(mpz_cmp(x, y) == 0);
            factor_to_mpz(y, &of_16, lane);
            mpz_mul_ui(x, x, 16);
            CHECK(mpz_cmp(x, y) == 0);
        }
        mpz_clears(x, y, NULL);
    }
}

/* sum limb[i] 2^(52 i) = expected. */
static void check_constant(const uint64_t limb[5], const mpz_t expected, const char *what)
{
    mpz_t z;
    mpz_init(z);
    for (int i = 4; i >= 0; i--) {
        CHECK(limb[i] <= LANES_LIMB);
        mpz_mul_2exp(z, z, 52);
        mpz_add_ui(z, z, limb[i]);
    }
    CHECK_MSG(mpz_cmp(z, expected) == 0, "%s", what);
    mpz_clear(z);
}

static void check_lane_constants(const struct lanes_modulus *field, const uint64_t modulus_limbs[4])
{
    mpz_t m, z;
    mpz_inits(m, z, NULL);
    mpz_import(m, 4, -1, 8, 0, 0, modulus_limbs);
    check_constant(field->multiple[1], m, "m");
    CHECK_U64((field->multiple[1][0] * field->neg_inv + 1) & LANES_LIMB, 0);
    for (unsigned k = 0; k < LANES_MULTIPLES; k++) {
        for (int i = 0; i < 5; i++)
            CHECK_U64(field->multiple[k][i], k * field->multiple[1][i]);
        CHECK_U64(field->below[k] + field->multiple[k][4], LANES_DOUBT);
        CHECK_U64(field->sure[k], field->multiple[k][4] + LANES_DOUBT + k);
    }
    mpz_mul_ui(z, m, field->neg_inv);
    mpz_add_ui(z, z, 1);
    mpz_fdiv_q_2exp(z, z, 52);
    check_constant(field->fold, z, "fold");
    mpz_mul_ui(z, z, 7);
    CHECK(mpz_cmp(z, m) < 0);
    mpz_clears(m, z, NULL);
}

TEST(lane_constants_are_what_gmp_computes)
{
    check_lane_constants(&lanes_fr, fr_modulus);
    check_lane_constants(&lanes_fp, fp_modulus);
}
