/* label: fast libs: sertn_3rd_cjson */
/* Medians, processes and their costs, and the chain from setup to a rejected proof. */
#include "benchmarks/bench.h"

#include <cjson/cJSON.h>

#include <string.h>

#include "benchmarks/chain.h"
#include "benchmarks/kernels.h"
#include "benchmarks/models.h"
#include "benchmarks/workloads.h"
#include "ir/support/file.h"
#include "tests/harness/harness.h"

TEST(medians_of_odd_and_even_counts)
{
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};
    struct bench_stats stats = bench_stats_of(odd, 3);
    CHECK(stats.median == 2 && stats.least == 1 && stats.most == 3 && stats.runs == 3);
    CHECK(bench_stats_of(even, 4).median == 2.5);
}

TEST(a_process_is_timed_and_heard)
{
    const char *argv[] = {"sh", "-c", "echo out; echo err >&2; sleep 0.05; exit 7", NULL};
    struct bench_process process;
    struct diag diag = {0};
    REQUIRE_OK(bench_process_run(&process, argv, &diag), &diag);
    CHECK(process.exit_code == 7);
    CHECK(process.seconds >= 0.05 && process.seconds < 30);
    CHECK(process.peak_bytes > 100e3);
    CHECK(strcmp(buffer_text(&process.out), "out\n") == 0);
    CHECK(strcmp(buffer_text(&process.err), "err\n") == 0);
    bench_process_release(&process);
}

TEST(a_failing_process_is_reported_with_its_last_words)
{
    const char *argv[] = {"sh", "-c", "echo first >&2; echo the reason >&2; exit 3", NULL};
    const char *missing[] = {"/there/is/no/such/program", NULL};
    struct bench_process process;
    struct bench_cost cost;
    struct diag diag = {0};
    CHECK_STATUS(bench_process_succeed(&process, argv, &diag), STATUS_REJECTED, &diag);
    CHECK(strstr(diag.text, "the reason") && strstr(diag.text, "3"));
    bench_process_release(&process);
    diag = (struct diag){0};
    CHECK_STATUS(bench_process_run(&process, missing, &diag), STATUS_IO, &diag);
    bench_process_release(&process);
    CHECK_STATUS(bench_process_repeat(&cost, argv, 2, NULL, &diag), STATUS_REJECTED, &diag);
}

TEST(a_rival_runs_in_turn)
{
    const char *path = test_path(test_temp_dir(), "turns");
    const char *argv[] = {"sh", "-c", "printf a >> $0", path, NULL};
    struct bench_rival rival = {.argv = {"sh", "-c", "printf b >> $0", path}, .runs = 2};
    struct bench_cost cost;
    struct buffer turns = {0};
    struct diag diag = {0};
    REQUIRE_OK(bench_process_repeat(&cost, argv, 4, &rival, &diag), &diag);
    REQUIRE_OK(file_read(path, 64, &turns, &diag), &diag);
    CHECK_MSG(strcmp(buffer_text(&turns), "abababaa") == 0, "%s", buffer_text(&turns));
    CHECK(cost.seconds.runs == 4 && rival.cost.seconds.runs == 2);
    buffer_release(&turns);
}

TEST(outputs_are_compared_by_tolerance_shape_and_name)
{
    static const struct {
        const char *ours, *reference;
        bool same;
    } pair[] = {
        {"{\"a\":[[1.0005]]}", "{\"a\":[[1]]}", true},
        {"{\"a\":[[1.002]]}", "{\"a\":[[1]]}", false},
        {"{\"a\":[1e-6]}", "{\"a\":[0]}", true},
        {"{\"b\":[[1]]}", "{\"a\":[[1]]}", false},
        {"{\"a\":[1]}", "{\"a\":[[1]]}", false},
        {"{\"a\":[1,2]}", "{\"a\":[1]}", false},
        {"{\"a\":[\"red\",{\"x\":1}]}", "{\"a\":[\"red\",{\"x\":1}]}", true},
        {"{\"a\":[\"red\"]}", "{\"a\":[\"blue\"]}", false},
        {"{\"a\":[]}", "{\"a\":[1]}", false},
        {"{\"a\":[[1,2]]}", "{\"a\":[{\"y\":1,\"x\":2}]}", true},
        {"{\"a\":[[1,2]]}", "{\"a\":[{\"y\":2,\"x\":1}]}", false},
        {"{\"a\":[{\"x\":1}]}", "{\"a\":[[1]]}", false},
    };
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        cJSON *ours = cJSON_Parse(pair[i].ours), *reference = cJSON_Parse(pair[i].reference);
        double error = 0;
        CHECK_MSG(model_same_values(ours, reference, &error) == pair[i].same, "%s and %s",
                  pair[i].ours, pair[i].reference);
        cJSON_Delete(ours);
        cJSON_Delete(reference);
    }
}

TEST(much_output_does_not_stop_a_process)
{
    const char *argv[] = {"sh", "-c",
                          "i=0; while [ $i -lt 3000 ]; do "
                          "echo 0123456789012345678901234567890123456789; "
                          "echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done",
                          NULL};
    struct bench_process process;
    struct diag diag = {0};
    REQUIRE_OK(bench_process_succeed(&process, argv, &diag), &diag);
    CHECK(process.out.count == 3000 * 41);
    bench_process_release(&process);
}

TEST(every_workload_has_its_name)
{
    for (size_t i = 0; i < WORKLOAD_COUNT; i++)
        CHECK(workload_find(workload_table[i].name) == &workload_table[i]);
    CHECK(workload_find("linear") == NULL);
}

/* Flips one bit of a file. */
static void flip(const char *path, size_t at)
{
    struct buffer bytes = {0};
    struct diag diag = {0};
    REQUIRE_OK(file_read(path, 1 << 20, &bytes, &diag), &diag);
    REQUIRE(at < bytes.count);
    bytes.data[at] ^= 1;
    REQUIRE_OK(file_write(path, bytes.data, bytes.count, FILE_MODE_PUBLIC, false, &diag), &diag);
    buffer_release(&bytes);
}

TEST(the_chain_is_proved_and_a_changed_word_or_proof_is_rejected)
{
    const char *folder = test_temp_dir();
    const char *path = test_path(folder, "proof");
    struct diag diag = {0};
    REQUIRE_OK(chain_step("setup", folder, 40, 1, &diag), &diag);
    REQUIRE_OK(chain_step("prove", folder, 0, 1, &diag), &diag);
    CHECK_STATUS(chain_step("verify", folder, 0, 1, &diag), STATUS_OK, &diag);
    const size_t place[] = {31, 32 + 40, 32 + 700};
    for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
        flip(path, place[i]);
        CHECK_STATUS(chain_step("verify", folder, 0, 1, &diag), STATUS_REJECTED, &diag);
        flip(path, place[i]);
    }
    CHECK_STATUS(chain_step("verify", folder, 0, 1, &diag), STATUS_OK, &diag);
    CHECK_STATUS(chain_step("dance", folder, 0, 1, &diag), STATUS_BAD_INPUT, &diag);
}

TEST(kernels_run_on_few_elements)
{
    static struct kernel_figures figures;
    const struct bench_options options = {.kernel_lg = 6, .quiet = true};
    struct diag diag = {0};
    REQUIRE_OK(kernels_measure(&figures, &options, &diag), &diag);
    CHECK(figures.count >= 7);
    for (size_t i = 0; i < figures.count; i++)
        CHECK_MSG(figures.figure[i].ns.median > 0, "%s", figures.figure[i].name);
}
