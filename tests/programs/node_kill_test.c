/* label: slow network libs: sertn_3rd_cjson */
/* The node, killed at every single write to the disk: no job is lost, nothing is paid twice. */
#include "tests/programs/node_kit.h"

#include <stdio.h>

TEST(a_node_killed_at_any_write_loses_nothing_and_pays_nothing_twice)
{
    unsigned kills = node_kill_at_every_write(2, ",\"batch\":{\"jobs\":1}", "paid", 1, 1);
    printf("%u kills\n", kills);
    CHECK_MSG(kills >= 50, "%u kills", kills);
}

/* What is long over is forgotten all at once or not, and counts as before. */
TEST(a_node_killed_while_it_forgets_counts_what_it_did)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *folder = test_temp_dir(), *kept = test_path(folder, "kept");
    const char *config = network_config(n, NETWORK_NODE, folder, ",\"limits\":{\"ended_jobs\":1}");
    unsigned kills = 0;
    network_request(n, 0, 4);
    struct test_output out = node_drain(config);
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "1216000000000000");
    out = kit_shell("cp -r %s %s", test_path(folder, "data"), kept);
    kit_done(&out, "copy");
    network_pass_time(n, 7200 + 3700);
    for (unsigned at = 1; at < 200; at++) {
        out = kit_shell("rm -rf %s && cp -r %s %s", test_path(folder, "data"), kept,
                        test_path(folder, "data"));
        kit_done(&out, "copy");
        out = node_run_killed(config, at);
        bool killed = out.exit_status == NODE_KILLED;
        kills += killed;
        out = kit_shell("timeout 300 $SERTN_RUN node --config %s --drain --json", config);
        kit_done(&out, "after a kill");
        cJSON *result = kit_json(&out);
        CHECK_MSG(kit_number(result, "paid") == 4 && kit_number(result, "kept") == 1 &&
                      kit_number(result, "earned") == 1216e12,
                  "killed at write %u: %s", at, out.text);
        cJSON_Delete(result);
        if (!killed)
            break;
    }
    printf("%u kills\n", kills);
    CHECK_MSG(kills >= 4, "%u kills", kills);
}
