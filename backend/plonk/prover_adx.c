/* The prover's loops over mulx/adcx/adox. */
#include "backend/plonk/prover_kernels.h"

#if FIELD_BUILD_ADX
#define FIELD_KERNEL_ADX
#include "backend/plonk/prover_loops.h"
#endif
