/* Modular inversion of plain (not Montgomery) four-limb integers. Private to backend/field. */
#ifndef SERTN_BACKEND_FIELD_FIELD_INV_H
#define SERTN_BACKEND_FIELD_FIELD_INV_H

#include <stdint.h>

/* r = 1/a mod m, and 0 when a = 0. Variable time.
 * Requires: a < m, m an odd prime below 2^254, neg_inv = -1/m mod 2^64. */
void limbs_inverse(uint64_t r[4], const uint64_t a[4], const uint64_t m[4], uint64_t neg_inv);

#endif
