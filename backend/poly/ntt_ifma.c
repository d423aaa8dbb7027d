/* The loops of the transforms in AVX-512 IFMA, see ntt_lanes.h; this file alone is compiled for it.
 */
#include "backend/field/field_limbs_adx.h"

#if FIELD_BUILD_IFMA
#define LANES_IFMA
#define LANES_NAME(name) name##_ifma
#include "backend/poly/ntt_lanes.h"
#endif
