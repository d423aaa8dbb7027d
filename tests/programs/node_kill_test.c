/* label: slow libs: sertn_3rd_cjson */
/* The node, killed at every single write to the disk: no job is lost, nothing is paid twice. */
#include "tests/programs/node_kit.h"

#include <stdio.h>

TEST(a_node_killed_at_any_write_loses_nothing_and_pays_nothing_twice)
{
    unsigned kills = node_kill_at_every_write(1, 1);
    printf("%u kills\n", kills);
    CHECK_MSG(kills >= 50, "%u kills", kills);
}
