/* label: slow network libs: sertn_3rd_cjson */
/* Proofs that a node hands in together, while it is killed: no job is lost, none is paid twice. */
#include "tests/programs/node_kit.h"

#include <stdio.h>

/* Three proofs that go together: forming the batch, sending it and what is read of it are among the
 * writes, of which every third is tried, from another one on each time. */
TEST(a_batch_killed_at_any_write_loses_nothing_and_pays_nothing_twice)
{
    unsigned first = 1 + (unsigned)test_random_below(3),
             kills = node_kill_at_every_write(3, ",\"batch\":{\"jobs\":3,\"seconds\":600}",
                                              "3 jobs of model 1 were paid together", first, 3);
    printf("%u kills\n", kills);
    CHECK_MSG(kills >= 100, "%u kills", kills);
}
