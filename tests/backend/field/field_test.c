/* The fields against GMP: every path, edge-biased and aliased inputs; constants recomputed. */
#include "backend/field/field.h"
#include "backend/field/field_constants.h"
#include "tests/harness/harness.h"

#include <gmp.h>
#include <string.h>

/* TEST pastes its argument as it stands; this one expands it first. */
#define TEST_OF(name) TEST(name)

static mpz_t fr_case_modulus, fp_case_modulus;

static void set_modulus(mpz_t modulus, const char *decimal)
{
    if (modulus->_mp_alloc == 0)
        mpz_init_set_str(modulus, decimal, 10);
}

static void fr_case_init(void)
{
    set_modulus(fr_case_modulus,
                "21888242871839275222246405745257275088548364400416034343698204186575808495617");
}

static void fp_case_init(void)
{
    set_modulus(fp_case_modulus,
                "21888242871839275222246405745257275088696311157297823662689037894645226208583");
}

#define FIELD_T fr
#define FIELD(name) fr_##name
#define NAME(claim) fr_case_##claim
#include "tests/backend/field/field_cases.h"
#undef FIELD_T
#undef FIELD
#undef NAME

#define FIELD_T fp
#define FIELD(name) fp_##name
#define NAME(claim) fp_case_##claim
#include "tests/backend/field/field_cases.h"
#undef FIELD_T
#undef FIELD
#undef NAME

/* ---- Constants ---- */

static void check_limbs(const uint64_t limb[4], const mpz_t expected, const char *what)
{
    mpz_t z;
    mpz_init(z);
    mpz_import(z, 4, -1, 8, 0, 0, limb);
    CHECK_MSG(mpz_cmp(z, expected) == 0, "%s is wrong", what);
    mpz_clear(z);
}

/* Recomputes what field_constants.h says of one modulus. */
static void check_constants(mpz_t modulus, const uint64_t m[4], const uint64_t m2[4],
                            const uint64_t r1[4], const uint64_t r2[4], const uint64_t r3[4],
                            uint64_t neg_inv)
{
    mpz_t z;
    mpz_init(z);
    check_limbs(m, modulus, "m");
    mpz_mul_ui(z, modulus, 2);
    check_limbs(m2, z, "m2");
    const uint64_t *power[3] = {r1, r2, r3};
    for (unsigned i = 0; i < 3; i++) {
        mpz_set_ui(z, 1);
        mpz_mul_2exp(z, z, 256 * (i + 1));
        mpz_mod(z, z, modulus);
        check_limbs(power[i], z, "power of R");
    }
    CHECK_U64(m[0] * neg_inv, UINT64_MAX);
    CHECK(mpz_probab_prime_p(modulus, 30) > 0);
    mpz_clear(z);
}

TEST(constants_are_what_gmp_computes)
{
    fr_case_init();
    fp_case_init();
    check_constants(fr_case_modulus, fr_m, fr_m2, fr_r1, fr_r2, fr_r3, FR_NEG_INV);
    check_constants(fp_case_modulus, fp_m, fp_m2, fp_r1, fp_r2, fp_r3, FP_NEG_INV);
    check_limbs(fr_modulus, fr_case_modulus, "fr_modulus");
    check_limbs(fp_modulus, fp_case_modulus, "fp_modulus");
    CHECK(memcmp(&fr_one, fr_r1, sizeof fr_one) == 0);
    CHECK(memcmp(&fp_one, fp_r1, sizeof fp_one) == 0);
}

TEST(roots_of_unity_have_exactly_their_order)
{
    fr root, next, generator;
    mpz_t z;
    fr_case_init();
    fr_root_of_unity(&root, 0);
    CHECK(fr_is_one(&root));
    fr_root_of_unity(&root, 1);
    fr_neg(&root, &root);
    CHECK(fr_is_one(&root));
    for (unsigned k = 2; k <= FR_TWO_ADICITY; k++) {
        fr_root_of_unity(&root, k);
        fr_root_of_unity(&next, k - 1);
        fr_sqr(&root, &root);
        CHECK_MSG(fr_eq(&root, &next), "2^%u", k);
    }
    mpz_init(z);
    mpz_sub_ui(z, fr_case_modulus, 1);
    CHECK_U64(mpz_scan1(z, 0), FR_TWO_ADICITY);
    mpz_fdiv_q_2exp(z, z, FR_TWO_ADICITY);
    uint64_t e[4] = {0};
    mpz_export(e, NULL, -1, 8, 0, 0, z);
    fr_from_u64(&generator, FR_GENERATOR);
    CHECK(!fr_is_square(&generator));
    fr_pow(&generator, &generator, e, 4);
    fr_root_of_unity(&root, FR_TWO_ADICITY);
    CHECK(fr_eq(&root, &generator));
    mpz_clear(z);
}

/* ---- What fr has alone ---- */

TEST(big_signed_integers_reduce_like_gmp)
{
    mpz_t z;
    fr_case_init();
    mpz_init(z);
    for (int round = 0; round < 500; round++) {
        uint64_t limb[11];
        size_t count = (size_t)test_random_below(12);
        bool negative = test_random_below(2) != 0;
        for (size_t i = 0; i < count; i++)
            limb[i] = test_random_edge_u64();
        mpz_import(z, count, -1, 8, 0, 0, limb);
        if (negative)
            mpz_neg(z, z);
        fr a;
        fr_from_signed_limbs(&a, limb, count, negative);
        fr_case_expect(&a, z, "fr_from_signed_limbs");
    }
    mpz_clear(z);
}

TEST(integers_of_128_bits_convert_like_gmp)
{
    mpz_t z;
    fr_case_init();
    mpz_init(z);
    for (int round = 0; round < 500; round++) {
        uint64_t limb[2] = {test_random_edge_u64(), test_random_edge_u64()};
        unsigned __int128 v = (unsigned __int128)limb[1] << 64 | limb[0];
        fr a;
        mpz_import(z, 2, -1, 8, 0, 0, limb);
        fr_from_u128(&a, v);
        fr_case_expect(&a, z, "fr_from_u128");
        mpz_import(z, 2, -1, 8, 0, 0, limb);
        if (limb[1] >> 63) {
            mpz_t power;
            mpz_init_set_ui(power, 1);
            mpz_mul_2exp(power, power, 128);
            mpz_sub(z, z, power);
            mpz_clear(power);
        }
        fr_from_i128(&a, (__int128)v);
        fr_case_expect(&a, z, "fr_from_i128");
    }
    mpz_clear(z);
}

TEST(only_values_that_fit_leave_as_int64)
{
    static const int64_t values[] = {0, 1, -1, 7, INT64_MAX, INT64_MIN, INT64_MIN + 1};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        fr a;
        int64_t got = 99;
        fr_from_i64(&a, values[i]);
        CHECK(fr_to_i64(&got, &a));
        CHECK_I64(got, values[i]);
    }
    fr a;
    int64_t got = 99;
    fr_from_u64(&a, (uint64_t)INT64_MAX + 1);
    CHECK(!fr_to_i64(&got, &a));
    fr_from_i128(&a, (__int128)INT64_MIN - 1);
    CHECK(!fr_to_i64(&got, &a));
    REQUIRE(fr_random(&a));
    CHECK(!fr_to_i64(&got, &a));
    CHECK_I64(got, 99);
}

TEST(parity_is_that_of_the_canonical_integer)
{
    fp a;
    for (uint64_t v = 0; v < 10; v++) {
        fp_from_u64(&a, v);
        CHECK(fp_is_odd(&a) == (v % 2 == 1));
        fp_neg(&a, &a);
        CHECK(fp_is_odd(&a) == (v != 0 && v % 2 == 0));
    }
}

TEST(random_arrays_fill_every_element)
{
    fr a[9];
    REQUIRE(fr_random_array(a, 9));
    for (size_t i = 0; i < 9; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(!fr_eq(&a[i], &a[j]));
}

TEST(this_machine_names_its_paths)
{
    if (!field_has_path(FIELD_PATH_ADX))
        test_skip("this CPU has no BMI2 and ADX; the adx path was not tested");
    CHECK_TEXT(field_path_name(FIELD_PATH_ADX), "adx");
    CHECK_TEXT(field_path_name(FIELD_PATH_PORTABLE), "portable");
}
