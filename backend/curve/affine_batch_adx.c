/* Affine batch additions on the mulx/adcx/adox field path. */
#include "backend/field/field_limbs_adx.h"
#if FIELD_BUILD_ADX
#define FIELD_KERNEL_ADX
#include "backend/curve/affine_batch_loops.h"
#endif
