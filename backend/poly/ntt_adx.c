/* The loops of the transforms over mulx/adcx/adox; see ntt_loops.h. */
#include "backend/poly/ntt_kernels.h"

#if FIELD_BUILD_ADX
#define FIELD_KERNEL_ADX
#include "backend/poly/ntt_loops.h"
#endif
