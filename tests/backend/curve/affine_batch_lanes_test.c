/* The eight-lane batch additions on emulated lanes: everything of the IFMA path but the
 * instructions themselves, on any CPU. affine_batch_test.c runs the path itself where the CPU has
 * it. */
#define LANES_EMULATED
#define LANES_NAME(name) name##_emulated
#include "tests/backend/curve/affine_batch_cases.h"

AFFINE_BATCH_DECLARE(emulated)

#include "backend/curve/affine_batch_lanes.h"

TEST(emulated_batches_agree_with_single_additions)
{
    const struct affine_functions functions = {
        affine_add_pairs_emulated, affine_add_entries_emulated, affine_add_arrays_emulated,
        affine_double_array_emulated};
    check_affine_batch(&functions);
}
