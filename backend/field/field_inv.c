/* Binary extended Euclid on four limbs; see field_inv.h. */
#include "backend/field/field_inv.h"

#include "backend/field/field_limbs.h"

#include <string.h>

static int is_one(const uint64_t a[4])
{
    return a[0] == 1 && (a[1] | a[2] | a[3]) == 0;
}

static void shift_right_one(uint64_t a[4])
{
    for (int i = 0; i < 3; i++)
        a[i] = a[i] >> 1 | a[i + 1] << 63;
    a[3] >>= 1;
}

/* Halves u until odd, keeping x = u * inverse mod m in step. */
static void make_odd(uint64_t u[4], uint64_t x[4], const uint64_t m[4])
{
    while (!(u[0] & 1)) {
        shift_right_one(u);
        limbs_half(x, x, m);
    }
}

void limbs_inverse(uint64_t r[4], const uint64_t a[4], const uint64_t m[4])
{
    uint64_t u[4], v[4], x[4] = {1, 0, 0, 0}, y[4] = {0, 0, 0, 0}, unused;
    if ((a[0] | a[1] | a[2] | a[3]) == 0) {
        memset(r, 0, 32);
        return;
    }
    memcpy(u, a, 32);
    memcpy(v, m, 32);
    /* Invariant: u = x a and v = y a modulo m, v odd. */
    for (;;) {
        make_odd(u, x, m);
        if (is_one(u))
            break;
        uint64_t *big = limbs_less(u, v) ? v : u, *small = big == u ? v : u;
        uint64_t *big_x = big == u ? x : y, *small_x = big == u ? y : x;
        unused = 0;
        for (int i = 0; i < 4; i++)
            big[i] = limb_sbb(big[i], small[i], &unused);
        limbs_sub(big_x, big_x, small_x, m);
        if (big == v) {
            /* v is even now: swap roles so that u is the one to halve. */
            for (int i = 0; i < 4; i++) {
                uint64_t t = u[i];
                u[i] = v[i];
                v[i] = t;
                t = x[i];
                x[i] = y[i];
                y[i] = t;
            }
        }
    }
    memcpy(r, x, 32);
}
