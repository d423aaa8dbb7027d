/* The loops of the transforms in portable C; see ntt_loops.h. */
#define FIELD_KERNEL_PORTABLE
#include "backend/poly/ntt_loops.h"
