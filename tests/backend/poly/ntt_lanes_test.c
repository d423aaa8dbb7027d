/* The eight-lane transforms on emulated lanes: everything of the IFMA path but the instructions
 * themselves, on any CPU. ntt_test.c runs the path itself where the CPU has it. */
#define LANES_EMULATED
#define LANES_NAME(name) name##_emulated
#include "backend/poly/ntt_kernels.h"

extern const struct ntt_kernels ntt_kernels_emulated;

#include "backend/poly/ntt_lanes.h"
#include "tests/backend/poly/ntt_cases.h"

static enum status make_emulated(struct ntt_domain *domain, unsigned lg_n, struct diag *diag)
{
    return ntt_domain_init_for(domain, lg_n, &ntt_kernels_emulated, diag);
}

TEST(emulated_transforms_equal_evaluation)
{
    check_sizes(NULL, make_emulated);
    check_size(NULL, make_emulated, 14, 2);
    for (unsigned lg_n = 6; lg_n <= 10; lg_n++)
        check_edge_values(make_emulated, lg_n);
}
