/* Batch additions against single ones, on every path this CPU has and on the one it chooses. */
#include "tests/backend/curve/affine_batch_cases.h"

#include "backend/field/field_vec.h"

#define FUNCTIONS(path)                                                                            \
    {                                                                                              \
        affine_add_pairs##path, affine_add_entries##path, affine_add_arrays##path,                 \
            affine_double_array##path                                                              \
    }

static void check_path(enum field_vec_path path, const struct affine_functions *functions)
{
    if (!field_vec_has_path(path))
        test_skip("this CPU or build has no %s path", field_vec_path_name(path));
    check_affine_batch(functions);
}

TEST(portable_batches_agree_with_single_additions)
{
    const struct affine_functions functions = FUNCTIONS(_portable);
    check_path(FIELD_VEC_PORTABLE, &functions);
}

#if defined(__x86_64__)
TEST(adx_batches_agree_with_single_additions)
{
    const struct affine_functions functions = FUNCTIONS(_adx);
    check_path(FIELD_VEC_ADX, &functions);
}

TEST(ifma_batches_agree_with_single_additions)
{
    const struct affine_functions functions = FUNCTIONS(_ifma);
    check_path(FIELD_VEC_IFMA, &functions);
}
#endif

TEST(chosen_batches_agree_with_single_additions)
{
    const struct affine_functions functions = FUNCTIONS();
    check_affine_batch(&functions);
}

TEST(batches_longer_than_a_block_agree)
{
    enum { COUNT = 2 * AFFINE_BLOCK + 5 };
    static g1_affine a[COUNT], b[COUNT], sum[COUNT];
    static fp scratch[AFFINE_SCRATCH(COUNT)];
    random_g1_array(a, COUNT);
    random_g1_array(b, COUNT);
    affine_add_arrays(sum, a, b, COUNT, scratch);
    for (size_t i = 0; i < COUNT; i += 61) {
        g1_affine expected;
        oracle_sum(&expected, &a[i], &b[i]);
        expect_points(&sum[i], &expected, 1, "long batch");
    }
    affine_add_arrays(sum, a, b, 0, scratch);
}
