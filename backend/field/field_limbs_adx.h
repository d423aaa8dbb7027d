/* The operations of field_limbs.h in x86-64 assembly; see there for what each requires.
 *
 * Products use mulx (BMI2) and the two carry chains of adcx and adox (ADX): call them only after
 * field_has_path(FIELD_PATH_ADX). Additions use plain add, adc, sub, sbb. On other machines, and with
 * FIELD_BUILD_ADX 0, nothing is defined.
 */
#ifndef SERTN_BACKEND_FIELD_FIELD_LIMBS_ADX_H
#define SERTN_BACKEND_FIELD_FIELD_LIMBS_ADX_H

#include "backend/field/field_limbs.h"

#ifndef FIELD_BUILD_ADX
#if defined(__x86_64__) && !defined(__ILP32__)
#define FIELD_BUILD_ADX 1
#else
#define FIELD_BUILD_ADX 0
#endif
#endif

#if FIELD_BUILD_ADX

#define limbs_add_adx limbs_add
#define limbs_sub_adx limbs_sub
#define limbs_reduce_once_adx limbs_reduce_once
#define limbs_mul_lazy_adx limbs_mul_lazy
#define limbs_mul_adx limbs_mul

#endif
#endif
