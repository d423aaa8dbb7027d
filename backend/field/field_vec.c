/* Dispatch of the array functions; see field_vec.h. */
#include "backend/field/field_vec.h"

#include "backend/field/field_limbs_adx.h"
#include "backend/field/field_vec_tables.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

bool field_vec_has_path(enum field_vec_path path)
{
    switch (path) {
    case FIELD_VEC_PORTABLE:
        return true;
    case FIELD_VEC_ADX:
        return field_has_path(FIELD_PATH_ADX);
    case FIELD_VEC_IFMA:
        return FIELD_BUILD_IFMA && machine_cpu()->has_avx512_ifma;
    case FIELD_VEC_PATH_COUNT:
        break;
    }
    return false;
}

enum field_vec_path field_vec_path(void)
{
    if (field_path() == FIELD_PATH_PORTABLE)
        return FIELD_VEC_PORTABLE;
    return field_vec_has_path(FIELD_VEC_IFMA) ? FIELD_VEC_IFMA : FIELD_VEC_ADX;
}

const struct field_vec_kernels *field_vec_kernels_of(enum field_vec_path path)
{
#if FIELD_BUILD_ADX
    if (path == FIELD_VEC_ADX)
        return &field_vec_kernels_adx;
#endif
#if FIELD_BUILD_IFMA
    if (path == FIELD_VEC_IFMA)
        return &field_vec_kernels_ifma;
#endif
    ASSERT(path == FIELD_VEC_PORTABLE);
    return &field_vec_kernels_portable;
}

const char *field_vec_path_name(enum field_vec_path path)
{
    static const char *const name[FIELD_VEC_PATH_COUNT] = {"portable", "adx", "ifma"};
    return (unsigned)path < FIELD_VEC_PATH_COUNT ? name[path] : "unknown";
}

static const struct field_vec_kernels *in_use(void)
{
    return field_vec_kernels_of(field_vec_path());
}

void fr_vec_add(fr *r, const fr *a, const fr *b, size_t n)
{
    in_use()->fr_add(r, a, b, n);
}

void fr_vec_sub(fr *r, const fr *a, const fr *b, size_t n)
{
    in_use()->fr_sub(r, a, b, n);
}

void fr_vec_mul(fr *r, const fr *a, const fr *b, size_t n)
{
    in_use()->fr_mul(r, a, b, n);
}

void fr_vec_mul_add(fr *r, const fr *a, const fr *b, size_t n)
{
    in_use()->fr_mul_add(r, a, b, n);
}

void fr_vec_scale(fr *r, const fr *a, const fr *scalar, size_t n)
{
    in_use()->fr_scale(r, a, scalar, n);
}

void fr_vec_axpy(fr *r, const fr *scalar, const fr *a, size_t n)
{
    in_use()->fr_axpy(r, scalar, a, n);
}

void fr_vec_powers(fr *r, const fr *first, const fr *base, size_t n)
{
    in_use()->fr_powers(r, first, base, n);
}

void fr_vec_dot(fr *r, const fr *a, const fr *b, size_t n)
{
    in_use()->fr_dot(r, a, b, n);
}

void fr_vec_batch_inv(fr *a, size_t n, fr *scratch)
{
    in_use()->fr_batch_inv(a, n, scratch);
}

void fp_vec_add(fp *r, const fp *a, const fp *b, size_t n)
{
    in_use()->fp_add(r, a, b, n);
}

void fp_vec_sub(fp *r, const fp *a, const fp *b, size_t n)
{
    in_use()->fp_sub(r, a, b, n);
}

void fp_vec_mul(fp *r, const fp *a, const fp *b, size_t n)
{
    in_use()->fp_mul(r, a, b, n);
}

void fp_vec_sqr(fp *r, const fp *a, size_t n)
{
    in_use()->fp_sqr(r, a, n);
}

void fp_vec_batch_inv(fp *a, size_t n, fp *scratch)
{
    in_use()->fp_batch_inv(a, n, scratch);
}
