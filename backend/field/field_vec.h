/*
 * Arrays of field elements: the only place where wide SIMD stands. Loops of the provers over whole
 * columns (quotient terms, running products, batch inverses) are written on these.
 *
 * One table of functions for each array path, field_vec_kernels_of(field_vec_path()) being the one
 * in use. The paths are portable and ADX loops over the scalar kernels, and AVX-512 IFMA, eight
 * elements at a time. All take and leave fully reduced elements of field.h and give the same bytes;
 * the first factor of fr_mul and of fp_mul may be anything below 3 times the modulus.
 *
 * Every function: arrays have n elements in natural order, n may be 0; r may be exactly one of the
 * inputs, never overlap one partly. No function allocates or starts threads.
 */
#ifndef SERTN_BACKEND_FIELD_FIELD_VEC_H
#define SERTN_BACKEND_FIELD_FIELD_VEC_H

#include "backend/field/field.h"

#include <stdbool.h>
#include <stddef.h>

/* ORDER field_vec_path: field_vec_path_name. */
enum field_vec_path {
    FIELD_VEC_PORTABLE,
    FIELD_VEC_ADX,
    FIELD_VEC_IFMA,
    FIELD_VEC_PATH_COUNT,
};

/* The operations of one path. A path fills every entry. */
struct field_vec_kernels {
    void (*fr_add)(fr *r, const fr *a, const fr *b, size_t n);           /* r = a + b */
    void (*fr_sub)(fr *r, const fr *a, const fr *b, size_t n);           /* r = a - b */
    void (*fr_mul)(fr *r, const fr *a, const fr *b, size_t n);           /* r = a b */
    void (*fr_mul_add)(fr *r, const fr *a, const fr *b, size_t n);       /* r = r + a b */
    void (*fr_scale)(fr *r, const fr *a, const fr *scalar, size_t n);    /* r = scalar a */
    void (*fr_axpy)(fr *r, const fr *scalar, const fr *a, size_t n);     /* r = r + scalar a */
    void (*fr_powers)(fr *r, const fr *first, const fr *base, size_t n); /* r[i] = first base^i */
    void (*fr_dot)(fr *r, const fr *a, const fr *b, size_t n);           /* *r = sum a b */
    void (*fr_batch_inv)(fr *a, size_t n, fr *scratch);                  /* as fr_batch_inv */
    void (*fp_add)(fp *r, const fp *a, const fp *b, size_t n);
    void (*fp_sub)(fp *r, const fp *a, const fp *b, size_t n);
    void (*fp_mul)(fp *r, const fp *a, const fp *b, size_t n);
    void (*fp_sqr)(fp *r, const fp *a, size_t n); /* r = a^2 */
    void (*fp_batch_inv)(fp *a, size_t n, fp *scratch);
};

/* Returns the path in use: the best one the CPU has, no better than field_path() when that was
 * forced to portable. */
enum field_vec_path field_vec_path(void);

/* Returns whether this CPU and this build can run a path. */
bool field_vec_has_path(enum field_vec_path path);

/* Returns the operations of a path. Requires: field_vec_has_path(path). */
const struct field_vec_kernels *field_vec_kernels_of(enum field_vec_path path);

/* Returns "portable", "adx" or "ifma", a static string. */
const char *field_vec_path_name(enum field_vec_path path);

/* The operations on the path in use. */
void fr_vec_add(fr *r, const fr *a, const fr *b, size_t n);
void fr_vec_sub(fr *r, const fr *a, const fr *b, size_t n);
void fr_vec_mul(fr *r, const fr *a, const fr *b, size_t n);
void fr_vec_mul_add(fr *r, const fr *a, const fr *b, size_t n);
void fr_vec_scale(fr *r, const fr *a, const fr *scalar, size_t n);
void fr_vec_axpy(fr *r, const fr *scalar, const fr *a, size_t n);
void fr_vec_powers(fr *r, const fr *first, const fr *base, size_t n);
void fr_vec_dot(fr *r, const fr *a, const fr *b, size_t n);

/* Replaces every a[i] by 1 / a[i]; zeros stay zero. Requires: scratch has n elements, apart from a.
 */
void fr_vec_batch_inv(fr *a, size_t n, fr *scratch);

void fp_vec_add(fp *r, const fp *a, const fp *b, size_t n);
void fp_vec_sub(fp *r, const fp *a, const fp *b, size_t n);
void fp_vec_mul(fp *r, const fp *a, const fp *b, size_t n);
void fp_vec_sqr(fp *r, const fp *a, size_t n);
void fp_vec_batch_inv(fp *a, size_t n, fp *scratch);

#endif
