/* The prover's loops in portable C, and the choice among the paths. */
#define FIELD_KERNEL_PORTABLE
#include "backend/plonk/prover_loops.h"

const struct plonk_kernels *plonk_kernels(void)
{
#if FIELD_BUILD_ADX
    if (field_path() == FIELD_PATH_ADX)
        return &plonk_kernels_adx;
#endif
    return &plonk_kernels_portable;
}
