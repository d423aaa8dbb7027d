/*
 * Makes the development SRS. See srs_development.h.
 */
#include "backend/commit/srs_development.h"

#include <stdlib.h>
#include <string.h>

#include "backend/curve/fixed_base.h"
#include "backend/hash/keccak.h"

static const char text[] = "sertn development SRS, unsafe: tau is public";

void srs_development_tau(fr *tau)
{
    uint8_t wide[2 * KECCAK256_BYTES];
    for (uint8_t half = 0; half < 2; half++) {
        struct keccak256 hash;
        keccak256_init(&hash);
        keccak256_update(&hash, text, sizeof text - 1);
        keccak256_update(&hash, &half, 1);
        keccak256_final(&hash, wide + half * KECCAK256_BYTES);
    }
    fr_from_wide_bytes_be(tau, wide);
}

static enum status no_memory(struct diag *diag)
{
    return diag_set(diag, STATUS_NO_MEMORY, "out of memory for the development SRS");
}

enum status srs_development_powers(g1_affine *out, size_t count, struct machine *machine,
                                   struct diag *diag)
{
    fr tau, power = fr_one;
    fr *scalar = malloc(count * sizeof *scalar);
    if (!scalar)
        return no_memory(diag);
    srs_development_tau(&tau);
    for (size_t i = 0; i < count; i++) {
        scalar[i] = power;
        fr_mul(&power, &power, &tau);
    }
    enum status status = g1_mul_fixed_base(out, &g1_generator, scalar, count, machine, diag);
    free(scalar);
    return status;
}

/* scalar[j * arity + i] = tau^i L_j(x) with x = tau^arity and
 * L_j(x) = w^j (x^n - 1) / (n (x - w^j)). Requires: x is no n-th root of unity. */
static void lagrange_scalars(fr *scalar, fr *value, fr *scratch, unsigned lg_rows, unsigned arity)
{
    size_t n = (size_t)1 << lg_rows;
    fr tau, x, root, element = fr_one, factor, size;
    srs_development_tau(&tau);
    fr_pow_u64(&x, &tau, arity);
    fr_root_of_unity(&root, lg_rows);
    for (size_t j = 0; j < n; j++) {
        fr_sub(&value[j], &x, &element);
        fr_mul(&element, &element, &root);
    }
    fr_batch_inv(value, n, scratch);
    fr_pow_u64(&factor, &x, n);
    fr_sub(&factor, &factor, &fr_one);
    fr_from_u64(&size, n);
    fr_inv(&size, &size);
    fr_mul(&factor, &factor, &size);
    for (size_t j = 0; j < n; j++) {
        fr term;
        fr_mul(&term, &value[j], &factor);
        fr_mul(&factor, &factor, &root);
        for (unsigned i = 0; i < arity; i++) {
            scalar[j * arity + i] = term;
            fr_mul(&term, &term, &tau);
        }
    }
}

enum status srs_development_lagrange(g1_affine *out, unsigned lg_rows, unsigned arity,
                                     struct machine *machine, struct diag *diag)
{
    size_t n = (size_t)1 << lg_rows;
    fr *scalar = malloc((n * arity + 2 * n) * sizeof *scalar);
    if (!scalar)
        return no_memory(diag);
    lagrange_scalars(scalar, scalar + n * arity, scalar + n * arity + n, lg_rows, arity);
    enum status status = g1_mul_fixed_base(out, &g1_generator, scalar, n * arity, machine, diag);
    free(scalar);
    return status;
}
