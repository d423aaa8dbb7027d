/* Random numbers of the protocol. */
#ifndef SERTN_TESTS_BACKEND_PLONK_RANDOM_CHALLENGES_H
#define SERTN_TESTS_BACKEND_PLONK_RANDOM_CHALLENGES_H

#include "backend/plonk/constraints.h"
#include "tests/harness/harness.h"

static inline void random_fr(fr *out)
{
    uint8_t bytes[64];
    test_random_bytes(bytes, sizeof bytes);
    fr_from_wide_bytes_be(out, bytes);
}

/* All of them, those that follow from others among them. */
static inline void random_challenges(struct plonk_challenges *c)
{
    fr *number = &c->rho;
    for (size_t i = 0; i < sizeof *c / sizeof(fr); i++)
        random_fr(&number[i]);
    fr_from_u64(&c->third, 3);
    fr_inv(&c->third, &c->third);
    fr_sqr(&c->rho_square, &c->rho);
    fr_inv(&c->rho_inverse, &c->rho);
    c->theta[0] = c->alpha[0] = fr_one;
    for (unsigned i = 2; i < 5; i++)
        fr_mul(&c->theta[i], &c->theta[i - 1], &c->theta[1]);
}

#endif
