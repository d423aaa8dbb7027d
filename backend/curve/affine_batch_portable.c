/* Affine batch additions on the portable field path. */
#define FIELD_KERNEL_PORTABLE
#include "backend/curve/affine_batch_loops.h"
