/* The file of jobs of a node: batches, and what is forgotten. */
#include "runtime/node_store.h"

#include <stdio.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/harness/harness.h"

static struct market_job_id id_of(uint64_t place)
{
    return (struct market_job_id){1, place};
}

/* A job whose deadline is 1000 and its place. */
static void add(struct node_store *store, uint64_t place)
{
    struct diag diag = {0};
    struct market_requested event = {.id = id_of(place), .block = place, .price = 7};
    event.request.model = 1;
    event.request.deadline = 1000 + place;
    REQUIRE_OK(node_store_add(store, &event, &diag), &diag);
}

static void prove(struct node_store *store, uint64_t place)
{
    struct diag diag = {0};
    REQUIRE_OK(node_store_set_proof(store, id_of(place), "{}", 0.5, 77, &diag), &diag);
}

static void open_store(struct node_store *store, const char *path)
{
    struct diag diag = {0};
    REQUIRE_OK(node_store_open(store, path, &diag), &diag);
}

static struct node_counts count(struct node_store *store)
{
    struct node_counts counts;
    struct diag diag = {0};
    REQUIRE_OK(node_store_count(&counts, store, &diag), &diag);
    return counts;
}

static bool find(struct node_job *job, struct node_store *store, uint64_t place)
{
    struct diag diag = {0};
    bool found;
    REQUIRE_OK(node_store_next(&found, job, store, id_of(place - 1), &diag), &diag);
    found = found && job->id.place == place;
    node_job_release(job);
    return found;
}

TEST(a_batch_holds_its_jobs_until_it_is_known_to_be_mined)
{
    struct node_store store;
    struct node_batch batch;
    struct node_batch_job jobs[NODE_BATCH_MOST];
    struct node_job job = {.id = {0, 0}};
    struct diag diag = {0};
    bool found;
    size_t members;
    const char *path = test_path(test_temp_dir(), "jobs");
    open_store(&store, path);
    for (uint64_t place = 1; place <= 3; place++) {
        add(&store, place);
        prove(&store, place);
    }
    const struct market_job_id ids[] = {{1, 3}, {1, 1}};
    REQUIRE_OK(node_store_add_batch(&store, "both", ids, 2, &diag), &diag);
    node_store_close(&store); /* and in the next process */
    open_store(&store, path);
    REQUIRE_OK(node_store_next_batch(&found, &batch, &store, 0, &diag), &diag);
    REQUIRE(found);
    CHECK_TEXT(batch.name, "both");
    CHECK(batch.model == 1 && batch.alone_gas == 0);
    REQUIRE_OK(node_store_batch_jobs(jobs, &members, &store, batch.id, &diag), &diag);
    CHECK_U64(members, 2);
    CHECK(jobs[0].id.place == 1 && jobs[1].id.place == 3 && jobs[0].is_waiting);
    CHECK(find(&job, &store, 1) && job.batch == batch.id && job.ready == 77);
    CHECK(find(&job, &store, 2) && job.batch == 0 && !job.is_alone);
    /* Mined, and one of them refused. */
    REQUIRE_OK(node_store_price_batch(&store, batch.id, 300, &diag), &diag);
    REQUIRE_OK(node_store_pay(&store, id_of(1), 5, &diag), &diag);
    REQUIRE_OK(node_store_set_alone(&store, id_of(3), &diag), &diag);
    REQUIRE_OK(node_store_end_batch(&store, batch.id, 1, 400, &diag), &diag);
    REQUIRE_OK(node_store_next_batch(&found, &batch, &store, 0, &diag), &diag);
    CHECK(!found);
    CHECK(find(&job, &store, 3) && job.batch == 0 && job.is_alone);
    struct node_counts counts = count(&store);
    CHECK(counts.batches == 1 && counts.batched == 1 && counts.batch_gas == 400);
    CHECK(counts.saved_gas == -100);
    /* The payment leaves the chain: the batch is there again. */
    REQUIRE_OK(node_store_recheck(&store, 1000, &diag), &diag);
    REQUIRE_OK(node_store_next_batch(&found, &batch, &store, 0, &diag), &diag);
    CHECK(found && batch.alone_gas == 300);
    REQUIRE_OK(node_store_dissolve_batch(&store, batch.id, &diag), &diag);
    REQUIRE_OK(node_store_next_batch(&found, &batch, &store, 0, &diag), &diag);
    CHECK(!found && find(&job, &store, 1) && job.is_alone && job.batch == 0);
    /* Asked anew under the same number, and proved again, it may go with others. */
    prove(&store, 1);
    CHECK(find(&job, &store, 1) && !job.is_alone);
    node_store_close(&store);
}

TEST(what_is_forgotten_still_counts)
{
    struct node_store store;
    struct node_job job = {.id = {0, 0}};
    struct node_batch batch;
    struct diag diag = {0};
    bool found;
    open_store(&store, test_path(test_temp_dir(), "jobs"));
    for (uint64_t place = 1; place <= 8; place++)
        add(&store, place);
    for (uint64_t place = 1; place <= 4; place++)
        prove(&store, place);
    const struct market_job_id ids[] = {{1, 1}, {1, 2}};
    REQUIRE_OK(node_store_add_batch(&store, "both", ids, 2, &diag), &diag);
    REQUIRE_OK(node_store_next_batch(&found, &batch, &store, 0, &diag), &diag);
    REQUIRE_OK(node_store_price_batch(&store, batch.id, 300, &diag), &diag);
    REQUIRE_OK(node_store_end_batch(&store, batch.id, 2, 400, &diag), &diag);
    for (uint64_t place = 1; place <= 3; place++)
        REQUIRE_OK(node_store_pay(&store, id_of(place), 10 * (amount)place, &diag), &diag);
    REQUIRE_OK(node_store_assign(&store, id_of(3), true, &diag), &diag);
    REQUIRE_OK(node_store_put_off(&store, id_of(5), NODE_FAILED, 0, "no", &diag), &diag);
    REQUIRE_OK(node_store_move(&store, id_of(5), NODE_REFUSED, "no", &diag), &diag);
    REQUIRE_OK(node_store_move(&store, id_of(6), NODE_OVER, "late", &diag), &diag);
    REQUIRE_OK(node_store_move(&store, id_of(7), NODE_GONE, "gone", &diag), &diag);
    struct node_counts all = count(&store);
    CHECK_U64(all.kept, 8);

    REQUIRE_OK(node_store_forget(&store, 6, 5000, &diag), &diag);
    CHECK_U64(count(&store).kept, 8); /* as many as may be */
    REQUIRE_OK(node_store_forget(&store, 0, 1000, &diag), &diag);
    CHECK_U64(count(&store).kept, 8); /* their deadlines are too near */
    REQUIRE_OK(node_store_forget(&store, 4, 5000, &diag), &diag);
    CHECK_U64(count(&store).kept, 6); /* the two that were due first */
    REQUIRE_OK(node_store_forget(&store, 0, 1007, &diag), &diag);
    /* 3 has an assignment, 4 and 8 have not ended, 7 is not before the deadline. */
    struct node_counts some = count(&store);
    CHECK_U64(some.kept, 4);
    CHECK(find(&job, &store, 3) && find(&job, &store, 4) && find(&job, &store, 8));
    CHECK(memcmp(some.jobs, all.jobs, sizeof all.jobs) == 0);
    CHECK(some.proofs == all.proofs && some.failures == all.failures && some.failures == 1);
    CHECK(some.earned == 60 && some.proving_seconds == all.proving_seconds);
    CHECK(some.batches == 1 && some.batched == 2 && some.batch_gas == 400 && some.saved_gas == 200);
    REQUIRE_OK(node_store_assign(&store, id_of(3), false, &diag), &diag);
    REQUIRE_OK(node_store_forget(&store, 0, UINT32_MAX, &diag), &diag);
    some = count(&store);
    CHECK_U64(some.kept, 2);
    CHECK(memcmp(some.jobs, all.jobs, sizeof all.jobs) == 0 && some.earned == 60);
    node_store_close(&store);
}

/* A reorganisation: the same request, elsewhere. */
TEST(a_job_whose_block_is_another_one_is_looked_at_again)
{
    struct node_store store;
    struct node_job job = {.id = {0, 0}};
    struct diag diag = {0};
    struct market_requested event = {.id = id_of(1), .block = 7, .price = 7};
    event.request.model = 1;
    event.request.deadline = 1000;
    open_store(&store, test_path(test_temp_dir(), "jobs"));
    REQUIRE_OK(node_store_add(&store, &event, &diag), &diag);
    prove(&store, 1);
    REQUIRE_OK(node_store_put_off(&store, id_of(1), NODE_FAILED, 99, "no", &diag), &diag);
    REQUIRE_OK(node_store_add(&store, &event, &diag), &diag);
    CHECK(find(&job, &store, 1) && job.block == 7 && job.tries == 1);
    event.block = 5;
    REQUIRE_OK(node_store_add(&store, &event, &diag), &diag);
    CHECK(find(&job, &store, 1) && job.block == 5 && job.tries == 0 && job.state == NODE_PROVED);
    node_store_close(&store);
}

/* What the chain did not know is no failure of ours, and is counted until it knows it again. */
TEST(misses_are_counted_beside_failures)
{
    struct node_store store;
    struct node_job job = {.id = {0, 0}};
    struct diag diag = {0};
    struct market_requested event = {.id = id_of(1), .block = 7, .price = 7};
    event.request.model = 1;
    event.request.deadline = 1000;
    open_store(&store, test_path(test_temp_dir(), "jobs"));
    REQUIRE_OK(node_store_add(&store, &event, &diag), &diag);
    REQUIRE_OK(node_store_put_off(&store, id_of(1), NODE_FAILED, 9, "no", &diag), &diag);
    for (int i = 0; i < 2; i++)
        REQUIRE_OK(node_store_put_off(&store, id_of(1), NODE_MISSED, 99, "unknown", &diag), &diag);
    CHECK(find(&job, &store, 1) && job.tries == 1 && job.misses == 2 && job.not_before == 99);
    CHECK_TEXT(job.reason, "unknown");
    REQUIRE_OK(node_store_meet(&store, id_of(1), &diag), &diag);
    CHECK(find(&job, &store, 1) && job.tries == 1 && job.misses == 0);
    REQUIRE_OK(node_store_put_off(&store, id_of(1), NODE_MISSED, 99, "unknown", &diag), &diag);
    REQUIRE_OK(node_store_move(&store, id_of(1), NODE_GONE, "", &diag), &diag);
    REQUIRE_OK(node_store_add(&store, &event, &diag), &diag);
    CHECK(find(&job, &store, 1) && job.tries == 0 && job.misses == 0);
    node_store_close(&store);
}

TEST(a_file_of_another_version_is_refused)
{
    struct node_store store;
    struct journal journal;
    struct diag diag = {0};
    const char *path = test_path(test_temp_dir(), "jobs");
    REQUIRE_OK(journal_open(&journal, path, &diag), &diag); /* a file of version 1 */
    journal_close(&journal);
    CHECK_STATUS(node_store_open(&store, path, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_MSG(strstr(diag.text, "of version 1, not 4") != NULL, "%s", diag.text);
}
