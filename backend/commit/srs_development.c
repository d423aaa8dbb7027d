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

/* [tau]_2 as EIP-197 bytes, so that a short run need not multiply in G2; a test recomputes it. */
static const uint8_t tau_g2_bytes[G2_BYTES] = {
    0x17, 0xfd, 0xe9, 0xcc, 0x17, 0xf0, 0x3e, 0x8c, 0x10, 0x27, 0x18, 0x41, 0x5a, 0x62, 0x9b, 0xcd,
    0x67, 0x2d, 0xce, 0x3e, 0xc3, 0x1f, 0xe4, 0x85, 0x25, 0xce, 0x6f, 0xd7, 0x6e, 0xc9, 0x22, 0xe7,
    0x2a, 0x51, 0xe7, 0x47, 0x86, 0x76, 0x85, 0x11, 0xec, 0x79, 0x59, 0xcc, 0xeb, 0x44, 0x60, 0x31,
    0x28, 0xb8, 0x91, 0x2e, 0xb8, 0x3a, 0x50, 0xd7, 0xd2, 0xad, 0x95, 0x4e, 0xdf, 0x5d, 0x74, 0x01,
    0x30, 0x50, 0xbc, 0xbc, 0xe4, 0x01, 0x62, 0x34, 0x75, 0x68, 0x30, 0x9a, 0xb3, 0x0f, 0x29, 0x6a,
    0x34, 0xa4, 0x1e, 0x51, 0x04, 0x33, 0xee, 0x45, 0xb9, 0x3f, 0x69, 0x69, 0x53, 0x69, 0x89, 0x14,
    0x1c, 0x1e, 0xd8, 0xcd, 0xe5, 0x8b, 0xfa, 0xa6, 0x9a, 0x29, 0x76, 0x7e, 0x62, 0xbc, 0xde, 0x8e,
    0x67, 0x4a, 0xfd, 0x57, 0xeb, 0x99, 0x0f, 0xac, 0x44, 0x0c, 0x43, 0xa0, 0x14, 0x4b, 0xbf, 0xd1,
};

void srs_development_tau_g2(g2_affine *out)
{
    bool good = fp_from_bytes_be(&out->x.c1, tau_g2_bytes) &&
                fp_from_bytes_be(&out->x.c0, tau_g2_bytes + FIELD_BYTES) &&
                fp_from_bytes_be(&out->y.c1, tau_g2_bytes + 2 * FIELD_BYTES) &&
                fp_from_bytes_be(&out->y.c0, tau_g2_bytes + 3 * FIELD_BYTES);
    ASSERT(good);
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
