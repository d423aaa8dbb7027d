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

static void lane_to_mpz(mpz_t z, const struct lanes *a, int lane)
{
    mpz_set_ui(z, 0);
    for (int i = 4; i >= 0; i--) {
        CHECK(a->limb[i].lane[lane] < UINT64_C(1) << 52);
        mpz_mul_2exp(z, z, 52);
        mpz_add_ui(z, z, a->limb[i].lane[lane]);
    }
}

/* Lanes of integers up to `multiple` of the modulus, edges often; not reduced. */
static void lanes_sample(struct lanes *a, const mpz_t modulus, unsigned multiple)
{
    mpz_t z, bound;
    mpz_inits(z, bound, NULL);
    mpz_mul_ui(bound, modulus, multiple);
    for (int lane = 0; lane < LANES; lane++) {
        uint64_t limb[5] = {0};
        for (int i = 0; i < 4; i++)
            limb[i] = test_random_edge_u64();
        mpz_import(z, 4, -1, 8, 0, 0, limb);
        uint64_t kind = test_random_below(4);
        if (kind == 0)
            mpz_sub_ui(z, bound, 1);
        if (kind == 1) /* every limb but the last full of ones */
            for (int i = 0; i < 208; i++)
                mpz_setbit(z, (mp_bitcnt_t)i);
        mpz_mod(z, z, bound);
        for (int i = 0; i < 5; i++) {
            a->limb[i].lane[lane] = mpz_get_ui(z) & LANES_LIMB;
            mpz_fdiv_q_2exp(z, z, 52);
        }
    }
    mpz_clears(z, bound, NULL);
}

/* Products, sums and reductions at the bounds field_lanes.h states. */
static void check_bounds(const struct lanes_modulus *field, const uint64_t modulus_limbs[4])
{
    mpz_t m, x, y, z, power;
    mpz_inits(m, x, y, z, power, NULL);
    mpz_import(m, 4, -1, 8, 0, 0, modulus_limbs);
    mpz_setbit(power, 256);
    for (int round = 0; round < 2000; round++) {
        unsigned a_multiple = 1 + (unsigned)test_random_below(4),
                 b_multiple = a_multiple < 3 ? 2 : 1;
        struct lanes a, b, r;
        lanes_sample(&a, m, a_multiple);
        lanes_sample(&b, m, b_multiple);
        for (int lane = 0; lane < LANES; lane++) {
            lane_to_mpz(x, &a, lane);
            lane_to_mpz(y, &b, lane);
            /* r 2^256 = a b mod m, r < 2 m. */
            lanes_mul(&r, &a, &b, field);
            lane_to_mpz(z, &r, lane);
            mpz_submul_ui(z, m, 2);
            CHECK(mpz_sgn(z) < 0);
            mpz_mul(z, z, power);
            mpz_submul(z, x, y);
            CHECK(mpz_divisible_p(z, m));
            lanes_add_raw(&r, &a, &b);
            lane_to_mpz(z, &r, lane);
            mpz_sub(z, z, x);
            CHECK(mpz_cmp(z, y) == 0);
            lanes_sub_raw(&r, &a, &b, b_multiple, field);
            lane_to_mpz(z, &r, lane);
            mpz_sub(z, z, x);
            mpz_add(z, z, y);
            mpz_submul_ui(z, m, b_multiple);
            CHECK(mpz_sgn(z) == 0);
            unsigned k = a_multiple > 2 ? 2 : 1;
            lanes_reduce(&r, &a, k, field);
            lane_to_mpz(z, &r, lane);
            mpz_mul_ui(y, m, k);
            mpz_mod(x, x, y);
            CHECK(mpz_cmp(z, x) == 0);
        }
    }
    mpz_clears(m, x, y, z, power, NULL);
}

TEST(lanes_hold_at_their_stated_bounds)
{
    check_bounds(&lanes_fr, fr_modulus);
    check_bounds(&lanes_fp, fp_modulus);
}

/* sum limb[i] 2^(52 i) = factor * m + 2^260 * carry_out, limbs as given. */
static void check_constant(const uint64_t limb[5], const mpz_t expected, const char *what)
{
    mpz_t z;
    mpz_init(z);
    for (int i = 4; i >= 0; i--) {
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
    check_constant(field->m, m, "m");
    CHECK_U64((field->m[0] * field->neg_inv + 1) & LANES_LIMB, 0);
    mpz_mul_ui(z, m, field->neg_inv);
    mpz_add_ui(z, z, 1);
    mpz_fdiv_q_2exp(z, z, 52);
    check_constant(field->fold, z, "fold");
    for (unsigned k = 1; k <= 2; k++) {
        mpz_mul_ui(z, m, k);
        check_constant(field->borrow[k - 1], z, "borrow");
        for (int i = 0; i < 4; i++)
            CHECK(field->borrow[k - 1][i] >= LANES_LIMB);
        mpz_neg(z, z);
        mpz_t power;
        mpz_init(power);
        mpz_setbit(power, 260);
        mpz_add(z, z, power);
        check_constant(field->complement[k - 1], z, "complement");
        mpz_clear(power);
    }
    mpz_clears(m, z, NULL);
}

TEST(lane_constants_are_what_gmp_computes)
{
    check_lane_constants(&lanes_fr, fr_modulus);
    check_lane_constants(&lanes_fp, fp_modulus);
}
