/* Constants of the two moduli that the kernels want at compile time, least significant limb first.
 *
 * m is the modulus, m2 twice the modulus, neg_inv = -1/m mod 2^64, r1 = 2^256 mod m (one in
 * Montgomery form), r2 = 2^512 mod m, r3 = 2^768 mod m. tests/backend/field recomputes all with
 * GMP.
 */
#ifndef SERTN_BACKEND_FIELD_FIELD_CONSTANTS_H
#define SERTN_BACKEND_FIELD_FIELD_CONSTANTS_H

#include <stdint.h>

#define FR_NEG_INV UINT64_C(0xc2e1f593efffffff)
#define FP_NEG_INV UINT64_C(0x87d20782e4866389)

static const uint64_t fr_m[4] = {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d,
                                 0x30644e72e131a029};
static const uint64_t fr_m2[4] = {0x87c3eb27e0000002, 0x5067d090f372e122, 0x70a08b6d0302b0ba,
                                  0x60c89ce5c2634053};
static const uint64_t fr_r1[4] = {0xac96341c4ffffffb, 0x36fc76959f60cd29, 0x666ea36f7879462e,
                                  0x0e0a77c19a07df2f};
static const uint64_t fr_r2[4] = {0x1bb8e645ae216da7, 0x53fe3ab1e35c59e3, 0x8c49833d53bb8085,
                                  0x0216d0b17f4e44a5};
static const uint64_t fr_r3[4] = {0x5e94d8e1b4bf0040, 0x2a489cbe1cfbb6b8, 0x893cc664a19fcfed,
                                  0x0cf8594b7fcc657c};
/* FR_GENERATOR^((r-1) / 2^28) in Montgomery form. */
static const uint64_t fr_root_2_28[4] = {0x636e735580d13d9c, 0xa22bf3742445ffd6, 0x56452ac01eb203d8,
                                         0x1860ef942963f9e7};

static const uint64_t fp_m[4] = {0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d,
                                 0x30644e72e131a029};
static const uint64_t fp_m2[4] = {0x7841182db0f9fa8e, 0x2f02d522d0e3951a, 0x70a08b6d0302b0bb,
                                  0x60c89ce5c2634053};
static const uint64_t fp_r1[4] = {0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c,
                                  0x0e0a77c19a07df2f};
static const uint64_t fp_r2[4] = {0xf32cfc5b538afa89, 0xb5e71911d44501fb, 0x47ab1eff0a417ff6,
                                  0x06d89f71cab8351f};
static const uint64_t fp_r3[4] = {0xb1cd6dafda1530df, 0x62f210e6a7283db6, 0xef7f0b0c0ada0afb,
                                  0x20fd6e902d592544};

#endif
