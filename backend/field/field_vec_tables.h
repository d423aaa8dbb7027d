/* The tables of the array paths and the probe for IFMA. Private to backend/field. */
#ifndef SERTN_BACKEND_FIELD_FIELD_VEC_TABLES_H
#define SERTN_BACKEND_FIELD_FIELD_VEC_TABLES_H

#include "backend/field/field_limbs_adx.h"
#include "backend/field/field_vec.h"

/* Whether field_vec_ifma.c is compiled to something: every x86-64 compiler we build with knows
 * IFMA. */
#define FIELD_BUILD_IFMA FIELD_BUILD_ADX

extern const struct field_vec_kernels field_vec_kernels_portable;
#if FIELD_BUILD_ADX
extern const struct field_vec_kernels field_vec_kernels_adx;
#endif
#if FIELD_BUILD_IFMA
extern const struct field_vec_kernels field_vec_kernels_ifma;
#endif

#endif
