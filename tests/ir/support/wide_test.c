/* label: fast */
/* Division of 256-bit integers, held against GMP. */
#include "ir/support/wide.h"
#include "tests/harness/harness.h"

#include <gmp.h>

static void to_mpz(mpz_t out, wide a)
{
    char text[80];
    wide_format(text, a);
    mpz_set_str(out, text, 10);
}

static void check_division(wide a, wide b)
{
    wide quotient, remainder;
    mpz_t x, y, q, r, got_q, got_r;
    mpz_inits(x, y, q, r, got_q, got_r, NULL);
    wide_divide_floor(&quotient, &remainder, a, b);
    to_mpz(x, a);
    to_mpz(y, b);
    mpz_fdiv_qr(q, r, x, y);
    to_mpz(got_q, quotient);
    to_mpz(got_r, remainder);
    if (mpz_cmp(q, got_q) != 0 || mpz_cmp(r, got_r) != 0) {
        char text[2][80];
        wide_format(text[0], a);
        wide_format(text[1], b);
        CHECK_MSG(false, "%s divided by %s", text[0], text[1]);
    }
    mpz_clears(x, y, q, r, got_q, got_r, NULL);
}

/* Every power of two, its neighbours, and their opposites. */
TEST(division_rounds_down_for_every_power_of_two_and_beside_it)
{
    for (unsigned i = 0; i <= 254; i++) {
        wide b = wide_power_of_two(i), beside, a, minus;
        for (unsigned k = 0; k <= 254; k += 7) {
            for (int step = -1; step <= 1; step++) {
                REQUIRE(wide_add(&a, wide_power_of_two(k), wide_from_i64(step)));
                REQUIRE(wide_neg(&minus, a));
                check_division(a, b);
                check_division(minus, b);
                if (wide_add(&beside, b, wide_from_i64(1))) {
                    check_division(a, beside);
                    check_division(minus, beside);
                }
            }
        }
    }
}

TEST(division_may_write_over_what_it_reads)
{
    wide a = wide_from_i64(-1000003), b = wide_from_i64(1024);
    wide_divide_floor(&a, &b, a, b);
    CHECK(wide_compare(a, wide_from_i64(-977)) == 0);
    CHECK(wide_compare(b, wide_from_i64(445)) == 0);
}
