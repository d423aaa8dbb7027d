#include "backend/curve/mul_each.h"

#include <stdlib.h>
#include <string.h>

#include "backend/curve/curve_constants.h"
#include "tests/backend/curve/oracle.h"
#include "tests/harness/harness.h"

enum { MOST = 300 };

static void random_scalars(fr *scalar, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t kind = test_random_below(6);
        if (kind == 0) {
            fr_from_u64(&scalar[i], test_random_edge_u64());
        } else if (kind == 1) {
            fr_from_u64(&scalar[i], test_random_below(20));
            fr_neg(&scalar[i], &scalar[i]);
        } else {
            REQUIRE(fr_random(&scalar[i]));
        }
    }
}

/* A point of the curve of G2 that is in no way in the group. */
static void random_on_twist(g2_affine *p)
{
    fp2 t;
    do {
        REQUIRE(fp_random(&p->x.c0) && fp_random(&p->x.c1));
        fp2_sqr(&t, &p->x);
        fp2_mul(&t, &t, &p->x);
        fp2_add(&t, &t, &g2_curve_b);
    } while (!fp2_sqrt(&p->y, &t));
    REQUIRE(g2_affine_is_on_curve(p));
}

/* r = [k] a by doubling and adding, for any integer k of four limbs. */
static void plain_mul(g2_affine *r, const g2_affine *a, const uint64_t k[4])
{
    g2 sum;
    g2_set_infinity(&sum);
    for (unsigned bit = 256; bit-- > 0;) {
        g2_double(&sum, &sum);
        if (k[bit / 64] >> (bit % 64) & 1)
            g2_add_affine(&sum, &sum, a);
    }
    g2_to_affine(r, &sum);
}

static void random_g2(g2_affine *p)
{
    fr k;
    g2 product;
    REQUIRE(fr_random(&k));
    g2_mul(&product, &g2_generator, &k);
    g2_to_affine(p, &product);
}

TEST(products_of_g1_agree_with_single_ones)
{
    static g1_affine point[MOST], expected[MOST];
    static fr scalar[MOST];
    struct machine *machine = machine_new(2);
    struct diag diag = {0};
    static const size_t sizes[] = {1, 2, 7, 255, 256, 257, 300};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        random_g1_array(point, n);
        random_scalars(scalar, n);
        if (n > 4)
            g1_affine_set_infinity(&point[4]);
        for (size_t i = 0; i < n; i++) {
            g1 product;
            g1_mul(&product, &point[i], &scalar[i]);
            g1_to_affine(&expected[i], &product);
        }
        REQUIRE_OK(g1_mul_each(point, scalar, n, machine, &diag), &diag);
        for (size_t i = 0; i < n; i++)
            CHECK_MSG(g1_affine_eq(&point[i], &expected[i]), "point %zu of %zu", i, n);
    }
    machine_free(machine);
}

TEST(products_of_g2_agree_with_single_ones)
{
    static g2_affine point[MOST], expected[MOST];
    static fr scalar[MOST];
    struct machine *machine = machine_new(2);
    struct diag diag = {0};
    static const size_t sizes[] = {1, 2, 7, 127, 128, 129, 300};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        random_scalars(scalar, n);
        for (size_t i = 0; i < n; i++)
            random_g2(&point[i]);
        if (n > 4)
            g2_affine_set_infinity(&point[4]);
        for (size_t i = 0; i < n; i++) {
            g2 product;
            g2_mul(&product, &point[i], &scalar[i]);
            g2_to_affine(&expected[i], &product);
        }
        REQUIRE_OK(g2_mul_each(point, scalar, n, machine, &diag), &diag);
        for (size_t i = 0; i < n; i++)
            CHECK_MSG(g2_affine_eq(&point[i], &expected[i]), "point %zu of %zu", i, n);
    }
    machine_free(machine);
}

TEST(parts_of_scalars_add_up)
{
    fr lambda, x;
    fr_from_u64(&x, BN_X);
    fr_sqr(&lambda, &x);
    fr_from_u64(&x, 6);
    fr_mul(&lambda, &lambda, &x);
    for (int round = 0; round < 5000; round++) {
        fr scalar, sum = fr_zero;
        struct gls_parts parts;
        random_scalars(&scalar, 1);
        gls_split(&parts, &scalar);
        for (int i = 3; i >= 0; i--) {
            fr part;
            fr_from_u64(&part, parts.part[i]);
            if (parts.negative[i])
                fr_neg(&part, &part);
            fr_mul(&sum, &sum, &lambda);
            fr_add(&sum, &sum, &part);
        }
        REQUIRE(fr_eq(&sum, &scalar));
    }
}

TEST(points_outside_the_group_are_found)
{
    static g2_affine point[MOST];
    struct diag diag = {0};
    size_t bad;
    for (size_t i = 0; i < MOST; i++)
        random_g2(&point[i]);
    REQUIRE_OK(g2_find_outsider(&bad, point, MOST, NULL, &diag), &diag);
    CHECK_U64(bad, MOST);
    for (int kind = 0; kind < 5; kind++) {
        size_t at = test_random_below(MOST);
        g2_affine good = point[at], other;
        random_on_twist(&other);
        if (kind == 0) {
            point[at] = other;
        } else if (kind == 1) { /* no part in the group */
            plain_mul(&point[at], &other, fr_modulus);
        } else if (kind == 2) { /* a good point plus a point of order 10069 */
            /* The cofactor over its least prime. */
            static const uint64_t cofactor_part[4] = {0x6c3cd334915f1659, 0x207142f7671af448,
                                                      0x9e28bcf65b5681da, 0x00013af7a58fce69};
            g2 sum;
            plain_mul(&other, &other, fr_modulus);
            plain_mul(&other, &other, cofactor_part);
            if (g2_affine_is_infinity(&other))
                continue;
            g2_from_affine(&sum, &good);
            g2_add_affine(&sum, &sum, &other);
            g2_to_affine(&point[at], &sum);
        } else if (kind == 3) {
            g2_affine_set_infinity(&point[at]);
        } else { /* off the curve */
            fp2_add(&point[at].x, &point[at].x, &point[at].y);
        }
        REQUIRE_OK(g2_find_outsider(&bad, point, MOST, NULL, &diag), &diag);
        CHECK_MSG(bad == at, "kind %d: %zu for %zu", kind, bad, at);
        CHECK(kind == 3 || !g2_affine_in_group(&point[at]));
        point[at] = good;
    }
}

TEST(shifted_sums_agree_with_single_products)
{
    static g2_affine point[MOST];
    static uint64_t scalar[MOST][2];
    struct machine *machine = machine_new(2);
    struct diag diag = {0};
    static const size_t sizes[] = {1, 3, 299};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        g2 sum[2];
        for (size_t i = 0; i <= n; i++)
            random_g2(&point[i]);
        for (size_t i = 0; i < n; i++) {
            scalar[i][0] = test_random_edge_u64();
            scalar[i][1] = test_random_u64();
        }
        REQUIRE_OK(g2_sum_shifted(sum, 2, point, (const uint64_t(*)[2])scalar, n, machine, &diag),
                   &diag);
        for (size_t k = 0; k < 2; k++) {
            g2 expected;
            g2_set_infinity(&expected);
            for (size_t i = 0; i < n; i++) {
                const uint64_t whole[4] = {scalar[i][0], scalar[i][1], 0, 0};
                g2_affine product;
                plain_mul(&product, &point[k + i], whole);
                g2_add_affine(&expected, &expected, &product);
            }
            CHECK_MSG(g2_eq(&sum[k], &expected), "shift %zu of %zu points", k, n);
        }
    }
    machine_free(machine);
}

TEST(roots_in_fp2_are_roots)
{
    for (int i = 0; i < 200; i++) {
        fp2 a, square, root;
        REQUIRE(fp_random(&a.c0) && fp_random(&a.c1));
        if (i % 4 == 1)
            a.c1 = fp_zero;
        if (i % 4 == 2)
            a.c0 = fp_zero;
        fp2_sqr(&square, &a);
        REQUIRE(fp2_sqrt(&root, &square));
        fp2_sqr(&root, &root);
        CHECK(fp2_eq(&root, &square));
        fp2_mul_xi(&square, &square); /* xi is no square */
        CHECK(!fp2_sqrt(&root, &square));
    }
}
