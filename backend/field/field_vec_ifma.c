/* The array functions in AVX-512 IFMA, see field_vec_lanes.h; this file alone is compiled for it.
 */
#include "backend/field/field_vec_tables.h"

#if FIELD_BUILD_IFMA
#define LANES_IFMA
#define LANES_NAME(name) name##_ifma
#define FIELD_KERNEL_ADX
#include "backend/field/field_vec_lanes.h"
#endif
