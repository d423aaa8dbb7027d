/* Array functions against the scalar ones, on every path this CPU has. */
#include "tests/backend/field/field_vec_cases.h"

static void check_path(enum field_vec_path path)
{
    if (!field_vec_has_path(path))
        test_skip("this CPU or build has no %s path", field_vec_path_name(path));
    check_kernels(field_vec_kernels_of(path));
}

TEST(portable_arrays_equal_scalars)
{
    check_path(FIELD_VEC_PORTABLE);
}

TEST(adx_arrays_equal_scalars)
{
    check_path(FIELD_VEC_ADX);
}

TEST(ifma_arrays_equal_scalars)
{
    check_path(FIELD_VEC_IFMA);
}

TEST(the_path_in_use_is_one_this_cpu_has)
{
    CHECK(field_vec_has_path(field_vec_path()));
    enum field_path before = field_path();
    field_force_path(FIELD_PATH_PORTABLE);
    CHECK(field_vec_path() == FIELD_VEC_PORTABLE);
    field_force_path(before);
}
