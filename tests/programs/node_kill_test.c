/* label: slow libs: sertn_3rd_cjson */
/* The node, killed at every single write to the disk: no job is lost, nothing is paid twice. */
#include "tests/programs/node_kit.h"

#include <stdio.h>

TEST(a_node_killed_at_any_write_loses_nothing_and_pays_nothing_twice)
{
    unsigned kills = node_kill_at_every_write(2, ",\"batch\":{\"jobs\":1}", "paid", 1, 1);
    printf("%u kills\n", kills);
    CHECK_MSG(kills >= 50, "%u kills", kills);
}

/* Three proofs that go together: its forming, its sending and what is read of it are among the
 * writes. */
TEST(a_batch_killed_at_any_write_loses_nothing_and_pays_nothing_twice)
{
    unsigned kills = node_kill_at_every_write(3, ",\"batch\":{\"jobs\":3,\"seconds\":600}",
                                              "3 jobs of model 1 were paid together", 1, 1);
    printf("%u kills\n", kills);
    CHECK_MSG(kills >= 50, "%u kills", kills);
}
