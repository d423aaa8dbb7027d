/* The array functions in portable C; see field_vec_loops.h. */
#define FIELD_KERNEL_PORTABLE
#include "backend/field/field_vec_tables.h"

#include "backend/field/field_vec_loops.h"
