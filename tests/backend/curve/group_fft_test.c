#include "backend/curve/group_fft.h"

#include "backend/curve/msm.h"
#include "tests/backend/curve/oracle.h"
#include "tests/harness/harness.h"

TEST(transform_agrees_with_its_definition)
{
    struct machine *machine = machine_new(2);
    for (unsigned lg_n = 0; lg_n <= 6; lg_n++) {
        size_t n = (size_t)1 << lg_n;
        g1_affine input[64], output[64], expected;
        fr root, n_inverse;
        struct diag diag = {0};
        random_g1_array(input, n);
        if (n > 4)
            g1_affine_set_infinity(&input[3]);
        for (size_t i = 0; i < n; i++)
            output[i] = input[i];
        REQUIRE_OK(g1_inverse_fft(output, lg_n, machine, &diag), &diag);
        fr_root_of_unity(&root, lg_n);
        fr_inv(&root, &root);
        fr_from_u64(&n_inverse, n);
        fr_inv(&n_inverse, &n_inverse);
        for (size_t j = 0; j < n; j++) {
            fr scalar[64], power;
            g1 sum;
            fr_pow_u64(&power, &root, j);
            scalar[0] = n_inverse;
            for (size_t k = 1; k < n; k++)
                fr_mul(&scalar[k], &scalar[k - 1], &power);
            msm_g1_few(&sum, input, scalar, n);
            g1_to_affine(&expected, &sum);
            CHECK_MSG(g1_affine_eq(&output[j], &expected), "lg_n %u, j %zu", lg_n, j);
        }
    }
    machine_free(machine);
}
