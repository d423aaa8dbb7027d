/* The tables of the array paths and the probe for IFMA. Private to backend/field. */
#ifndef SERTN_BACKEND_FIELD_FIELD_VEC_TABLES_H
#define SERTN_BACKEND_FIELD_FIELD_VEC_TABLES_H

#include "backend/field/field_limbs_adx.h"
#include "backend/field/field_vec.h"

extern const struct field_vec_kernels field_vec_kernels_portable;
#if FIELD_BUILD_ADX
extern const struct field_vec_kernels field_vec_kernels_adx;
#endif
#if FIELD_BUILD_IFMA
extern const struct field_vec_kernels field_vec_kernels_ifma;
#endif

#endif
