/* The loops over coefficients in portable C; see polynomial_loops.h. */
#define FIELD_KERNEL_PORTABLE
#include "backend/poly/polynomial_loops.h"
