/* The loops over coefficients over mulx/adcx/adox; see polynomial_loops.h. */
#include "backend/poly/polynomial_kernels.h"

#if FIELD_BUILD_ADX
#define FIELD_KERNEL_ADX
#include "backend/poly/polynomial_loops.h"
#endif
