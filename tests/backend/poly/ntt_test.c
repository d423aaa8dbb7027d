/* Transforms against evaluation by Horner's rule, on every path and with any number of threads. */
#include "tests/backend/poly/ntt_cases.h"

#include "backend/poly/ntt_kernels.h"

static enum status make_portable(struct ntt_domain *domain, unsigned lg_n, struct diag *diag)
{
    return ntt_domain_init_for(domain, lg_n, &ntt_kernels_portable, diag);
}

TEST(portable_transforms_equal_evaluation)
{
    check_sizes(NULL, make_portable);
    check_edge_values(make_portable, 9);
}

#if FIELD_BUILD_ADX
static enum status make_adx(struct ntt_domain *domain, unsigned lg_n, struct diag *diag)
{
    return ntt_domain_init_for(domain, lg_n, &ntt_kernels_adx, diag);
}

TEST(adx_transforms_equal_evaluation)
{
    if (!field_vec_has_path(FIELD_VEC_ADX))
        test_skip("this CPU has no BMI2 and ADX");
    check_sizes(NULL, make_adx);
    check_edge_values(make_adx, 9);
}
#endif

#if FIELD_BUILD_IFMA
static enum status make_ifma(struct ntt_domain *domain, unsigned lg_n, struct diag *diag)
{
    return ntt_domain_init_for(domain, lg_n, &ntt_kernels_ifma, diag);
}

TEST(ifma_transforms_equal_evaluation)
{
    if (!field_vec_has_path(FIELD_VEC_IFMA))
        test_skip("this CPU has no AVX-512 IFMA");
    check_sizes(NULL, make_ifma);
    check_size(NULL, make_ifma, 16, 2);
    for (unsigned lg_n = 6; lg_n <= 13; lg_n++)
        check_edge_values(make_ifma, lg_n);
}
#endif

TEST(transforms_do_not_depend_on_threads)
{
    struct machine *machine = machine_new(3);
    check_sizes(machine, ntt_domain_init);
    check_size(machine, ntt_domain_init, 15, 3);
    machine_free(machine);
}

TEST(transforms_of_edge_values_are_fully_reduced)
{
    check_edge_values(ntt_domain_init, 10);
}

TEST(domain_elements_are_the_powers_of_the_root)
{
    for (unsigned lg_n = 0; lg_n <= 6; lg_n++) {
        struct ntt_domain domain;
        struct diag diag = {0};
        REQUIRE_OK(ntt_domain_init(&domain, lg_n, &diag), &diag);
        fr power = fr_one, element;
        for (size_t i = 0; i < 2 * domain.n; i++) {
            ntt_domain_element(&domain, &element, i);
            CHECK_MSG(fr_eq(&element, &power), "2^%u, power %zu", lg_n, i);
            fr_mul(&power, &power, &domain.root);
        }
        fr n;
        fr_from_u64(&n, domain.n);
        fr_mul(&n, &n, &domain.n_inv);
        CHECK(fr_is_one(&n));
        ntt_domain_release(&domain);
    }
}

TEST(domains_beyond_the_roots_of_the_field_are_refused)
{
    struct ntt_domain domain;
    struct diag diag = {0};
    CHECK_STATUS(ntt_domain_init(&domain, FR_TWO_ADICITY + 1, &diag), STATUS_LIMIT, &diag);
    CHECK(domain.twiddle == NULL);
    ntt_domain_release(&domain);
}
