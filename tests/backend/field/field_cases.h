/*
 * The claims about one field, written once and included by field_test.c for fr and for fp, which
 * defines FIELD_T and FIELD(name), and NAME(claim) for the names of cases.
 *
 * The oracle is GMP on canonical integers. Inputs come from sample(), which favours 0, 1, modulus -
 * 1, powers of two and limbs full of ones.
 */

/* z = the canonical integer of a, read from its bytes. */
static void NAME(to_mpz)(mpz_t z, const FIELD_T *a)
{
    uint8_t bytes[FIELD_BYTES];
    FIELD(to_bytes_be)(bytes, a);
    mpz_import(z, FIELD_BYTES, 1, 1, 1, 0, bytes);
}

/* r = z, an integer in [0, modulus), built without the conversions under test: Montgomery's form is
 * z 2^256 mod modulus. */
static void NAME(from_mpz)(FIELD_T *r, const mpz_t z)
{
    mpz_t t;
    mpz_init_set(t, z);
    mpz_mul_2exp(t, t, 256);
    mpz_mod(t, t, NAME(modulus));
    memset(r, 0, sizeof *r);
    mpz_export(r->limb, NULL, -1, 8, 0, 0, t);
    mpz_clear(t);
}

/* Draws an integer in [0, modulus), edges often. `raw` says that it is the inner form that is edgy.
 */
static void NAME(sample)(FIELD_T *r)
{
    uint64_t limb[4];
    mpz_t z;
    mpz_init(z);
    for (int i = 0; i < 4; i++)
        limb[i] = test_random_edge_u64();
    uint64_t kind = test_random_below(8);
    if (kind == 0)
        test_random_bytes(limb, sizeof limb);
    mpz_import(z, 4, -1, 8, 0, 0, limb);
    if (kind == 1)
        mpz_set_ui(z, (unsigned long)test_random_below(4));
    if (kind == 2)
        mpz_sub_ui(z, NAME(modulus), 1 + (unsigned long)test_random_below(4));
    if (kind == 3) { /* limb and top-bit borders */
        mpz_set_ui(z, 1);
        mpz_mul_2exp(z, z, (unsigned long)test_random_below(254));
        if (test_random_below(2))
            mpz_sub_ui(z, z, 1);
    }
    mpz_mod(z, z, NAME(modulus));
    if (kind == 4) { /* edgy inner form */
        memset(r, 0, sizeof *r);
        mpz_export(r->limb, NULL, -1, 8, 0, 0, z);
    } else {
        NAME(from_mpz)(r, z);
    }
    mpz_clear(z);
}

static bool NAME(is_reduced)(const FIELD_T *a)
{
    for (int i = 3; i >= 0; i--)
        if (a->limb[i] != FIELD(modulus)[i])
            return a->limb[i] < FIELD(modulus)[i];
    return false;
}

/* got, fully reduced, is the integer z mod the modulus. */
static void NAME(expect)(const FIELD_T *got, mpz_t z, const char *what)
{
    FIELD_T expected;
    mpz_mod(z, z, NAME(modulus));
    NAME(from_mpz)(&expected, z);
    CHECK_MSG(NAME(is_reduced)(got), "%s: not reduced", what);
    CHECK_MSG(memcmp(got, &expected, sizeof expected) == 0, "%s: wrong", what);
}

/* Ring operations on the path in use, plain and with every aliasing of outputs and inputs. */
static void NAME(check_ring)(const char *path)
{
    mpz_t x, y, z;
    mpz_inits(x, y, z, NULL);
    for (int round = 0; round < 4000; round++) {
        FIELD_T a, b, r, s;
        NAME(sample)(&a);
        NAME(sample)(&b);
        NAME(to_mpz)(x, &a);
        NAME(to_mpz)(y, &b);
        mpz_mul(z, x, y);
        FIELD(mul)(&r, &a, &b);
        NAME(expect)(&r, z, path);
        s = a;
        FIELD(mul)(&s, &s, &b);
        CHECK(memcmp(&s, &r, sizeof r) == 0);
        s = b;
        FIELD(mul)(&s, &a, &s);
        CHECK(memcmp(&s, &r, sizeof r) == 0);
        mpz_mul(z, x, x);
        FIELD(sqr)(&r, &a);
        NAME(expect)(&r, z, path);
        s = a;
        FIELD(mul)(&s, &s, &s);
        CHECK(memcmp(&s, &r, sizeof r) == 0);
        s = a;
        FIELD(sqr)(&s, &s);
        CHECK(memcmp(&s, &r, sizeof r) == 0);
        mpz_add(z, x, y);
        FIELD(add)(&r, &a, &b);
        NAME(expect)(&r, z, path);
        s = b;
        FIELD(add)(&s, &a, &s);
        CHECK(memcmp(&s, &r, sizeof r) == 0);
        mpz_sub(z, x, y);
        FIELD(sub)(&r, &a, &b);
        NAME(expect)(&r, z, path);
        s = b;
        FIELD(sub)(&s, &a, &s);
        CHECK(memcmp(&s, &r, sizeof r) == 0);
        s = a;
        FIELD(sub)(&s, &s, &s);
        CHECK(FIELD(is_zero)(&s));
        mpz_neg(z, x);
        FIELD(neg)(&r, &a);
        NAME(expect)(&r, z, path);
        mpz_add(z, x, x);
        FIELD(double)(&r, &a);
        NAME(expect)(&r, z, path);
        s = a;
        FIELD(add)(&s, &s, &s);
        CHECK(memcmp(&s, &r, sizeof r) == 0);
        FIELD(half)(&r, &r);
        CHECK(memcmp(&a, &r, sizeof r) == 0);
        CHECK_I64(FIELD(cmp)(&a, &b), (mpz_cmp(x, y) > 0) - (mpz_cmp(x, y) < 0));
        CHECK(FIELD(eq)(&a, &b) == (mpz_cmp(x, y) == 0));
        CHECK(FIELD(eq_consttime)(&a, &b) == (mpz_cmp(x, y) == 0));
        CHECK(FIELD(eq_consttime)(&a, &a));
    }
    mpz_clears(x, y, z, NULL);
}

/* Inverses, powers and roots on the path in use. */
static void NAME(check_inverse)(const char *path)
{
    mpz_t x, z;
    mpz_inits(x, z, NULL);
    for (int round = 0; round < 1000; round++) {
        FIELD_T a, r, s;
        NAME(sample)(&a);
        NAME(to_mpz)(x, &a);
        if (!mpz_invert(z, x, NAME(modulus)))
            mpz_set_ui(z, 0);
        FIELD(inv)(&r, &a);
        NAME(expect)(&r, z, path);
        s = a;
        FIELD(inv)(&s, &s);
        CHECK(memcmp(&s, &r, sizeof r) == 0);
        if (round % 10 == 0) {
            FIELD(inv_consttime)(&s, &a);
            CHECK(memcmp(&s, &r, sizeof r) == 0);
            uint64_t e = test_random_edge_u64();
            mpz_set_ui(z, e);
            mpz_powm(z, x, z, NAME(modulus));
            FIELD(pow_u64)(&r, &a, e);
            NAME(expect)(&r, z, path);
            FIELD(sqr)(&s, &a);
            CHECK(FIELD(is_square)(&s));
            CHECK(FIELD(sqrt)(&r, &s));
            FIELD(sqr)(&r, &r);
            CHECK(memcmp(&s, &r, sizeof r) == 0);
            bool is_square = mpz_legendre(x, NAME(modulus)) >= 0;
            CHECK(FIELD(is_square)(&a) == is_square);
            CHECK(FIELD(sqrt)(&r, &a) == is_square);
            CHECK(is_square || FIELD(is_zero)(&r));
        }
    }
    mpz_clears(x, z, NULL);
}

static void NAME(on_every_path)(void (*check)(const char *path))
{
    enum field_path before = field_path();
    for (int path = 0; path < FIELD_PATH_COUNT; path++) {
        if (!field_has_path((enum field_path)path))
            continue;
        field_force_path((enum field_path)path);
        check(field_path_name((enum field_path)path));
    }
    field_force_path(before);
}

TEST_OF(NAME(ring_operations_equal_gmp_on_every_path))
{
    NAME(init)();
    NAME(on_every_path)(NAME(check_ring));
}

TEST_OF(NAME(inverses_powers_and_roots_equal_gmp_on_every_path))
{
    NAME(init)();
    NAME(on_every_path)(NAME(check_inverse));
}

TEST_OF(NAME(batch_inverse_inverts_each_and_keeps_zeros))
{
    enum { MAX = 40 };
    for (size_t n = 0; n <= MAX; n++) {
        FIELD_T a[MAX], b[MAX], scratch[MAX];
        NAME(init)();
        for (size_t i = 0; i < n; i++) {
            NAME(sample)(&a[i]);
            FIELD(inv)(&b[i], &a[i]);
        }
        FIELD(batch_inv)(a, n, scratch);
        CHECK(n == 0 || memcmp(a, b, n * sizeof *a) == 0);
    }
}

TEST_OF(NAME(bytes_round_trip_and_only_canonical_ones_parse))
{
    mpz_t z;
    NAME(init)();
    mpz_init(z);
    for (int round = 0; round < 1000; round++) {
        FIELD_T a, b;
        uint8_t bytes[FIELD_BYTES];
        uint64_t limb[4];
        NAME(sample)(&a);
        FIELD(to_bytes_be)(bytes, &a);
        CHECK(FIELD(from_bytes_be)(&b, bytes));
        CHECK(memcmp(&a, &b, sizeof a) == 0);
        FIELD(to_limbs)(limb, &a);
        CHECK(FIELD(from_limbs)(&b, limb));
        CHECK(memcmp(&a, &b, sizeof a) == 0);
        /* The same value plus any multiple of the modulus that still fits. */
        NAME(to_mpz)(z, &a);
        for (;;) {
            mpz_add(z, z, NAME(modulus));
            if (mpz_sizeinbase(z, 2) > 256)
                break;
            memset(limb, 0, sizeof limb);
            mpz_export(limb, NULL, -1, 8, 0, 0, z);
            CHECK(!FIELD(from_limbs)(&b, limb));
            CHECK(FIELD(is_zero)(&b));
            for (int i = 0; i < FIELD_BYTES; i++)
                bytes[i] = (uint8_t)(limb[3 - i / 8] >> (56 - 8 * (i % 8)));
            CHECK(!FIELD(from_bytes_be)(&b, bytes));
            CHECK(FIELD(is_zero)(&b));
            FIELD(from_bytes_be_reduce)(&b, bytes);
            CHECK(memcmp(&a, &b, sizeof a) == 0);
        }
    }
    mpz_clear(z);
}

TEST_OF(NAME(wide_bytes_reduce_like_gmp))
{
    mpz_t z;
    NAME(init)();
    mpz_init(z);
    for (int round = 0; round < 500; round++) {
        uint8_t wide[64];
        FIELD_T a;
        test_random_bytes(wide, sizeof wide);
        if (round < 4)
            memset(wide + (round & 2 ? 32 : 0), round & 1 ? 0xff : 0, 32);
        if (round == 4)
            memset(wide, 0xff, sizeof wide);
        mpz_import(z, sizeof wide, 1, 1, 1, 0, wide);
        FIELD(from_wide_bytes_be)(&a, wide);
        NAME(expect)(&a, z, "wide bytes");
    }
    mpz_clear(z);
}

TEST_OF(NAME(small_integers_convert_like_gmp))
{
    mpz_t z;
    NAME(init)();
    mpz_init(z);
    for (int round = 0; round < 500; round++) {
        FIELD_T a;
        uint64_t v = test_random_edge_u64();
        mpz_set_ui(z, v);
        FIELD(from_u64)(&a, v);
        NAME(expect)(&a, z, "from_u64");
        mpz_set_si(z, (long)v);
        FIELD(from_i64)(&a, (int64_t)v);
        NAME(expect)(&a, z, "from_i64");
    }
    FIELD_T a;
    mpz_set_si(z, INT64_MIN);
    FIELD(from_i64)(&a, INT64_MIN);
    NAME(expect)(&a, z, "from_i64 of the least");
    mpz_clear(z);
}

TEST_OF(NAME(select_and_wipe_do_as_they_say))
{
    FIELD_T a, b, r;
    NAME(init)();
    NAME(sample)(&a);
    NAME(sample)(&b);
    FIELD(select_consttime)(&r, &a, &b, 0);
    CHECK(memcmp(&r, &a, sizeof r) == 0);
    FIELD(select_consttime)(&r, &a, &b, 1);
    CHECK(memcmp(&r, &b, sizeof r) == 0);
    FIELD(wipe)(&r, 1);
    CHECK(FIELD(is_zero)(&r));
}

TEST_OF(NAME(random_elements_are_reduced_and_differ))
{
    FIELD_T a, b;
    for (int round = 0; round < 100; round++) {
        REQUIRE(FIELD(random)(&a));
        REQUIRE(FIELD(random)(&b));
        CHECK(NAME(is_reduced)(&a));
        CHECK(!FIELD(eq)(&a, &b));
    }
}
