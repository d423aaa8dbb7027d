/* See node_store.h. */
#include "runtime/node_store.h"

#include <string.h>

#include "backend/hash/keccak.h"

enum { VERSION = 4 };

/*
 * tries counts failures of the step that is next, failures all of them, misses how often on end the
 * chain did not know the job. ready is when a proof came,
 * by the machine's clock; batch the one that it is handed in with, 0 for none; alone says that it
 * goes by itself. A batch has its name in the journal, the gas that each of its answers would take
 * alone, and, once it was mined, how many it paid and its own gas. What is forgotten still counts
 * in total.
 */
static const char schema[] =
    "CREATE TABLE job(model INTEGER NOT NULL, place INTEGER NOT NULL, content BLOB NOT NULL,"
    " state INTEGER NOT NULL, block INTEGER NOT NULL, deadline INTEGER NOT NULL,"
    " input BLOB NOT NULL, input_hash BLOB NOT NULL, tries INTEGER NOT NULL DEFAULT 0,"
    " failures INTEGER NOT NULL DEFAULT 0, misses INTEGER NOT NULL DEFAULT 0,"
    " not_before INTEGER NOT NULL DEFAULT 0,"
    " assigned INTEGER NOT NULL DEFAULT 0, proof TEXT, proving REAL NOT NULL DEFAULT 0,"
    " paid TEXT NOT NULL DEFAULT '0', reason TEXT NOT NULL DEFAULT '',"
    " ready INTEGER NOT NULL DEFAULT 0, batch INTEGER NOT NULL DEFAULT 0,"
    " alone INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(model, place));"
    "CREATE INDEX job_state ON job(state);"
    "CREATE INDEX job_batch ON job(batch);"
    "CREATE TABLE batch(id INTEGER PRIMARY KEY, model INTEGER NOT NULL, name TEXT NOT NULL,"
    " alone_gas INTEGER NOT NULL DEFAULT 0, paid INTEGER NOT NULL DEFAULT 0,"
    " gas INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE total(id INTEGER PRIMARY KEY CHECK(id = 1), paid INTEGER NOT NULL DEFAULT 0,"
    " refused INTEGER NOT NULL DEFAULT 0, over INTEGER NOT NULL DEFAULT 0,"
    " gone INTEGER NOT NULL DEFAULT 0, proofs INTEGER NOT NULL DEFAULT 0,"
    " failures INTEGER NOT NULL DEFAULT 0, proving REAL NOT NULL DEFAULT 0,"
    " earned REAL NOT NULL DEFAULT 0, batches INTEGER NOT NULL DEFAULT 0,"
    " batched INTEGER NOT NULL DEFAULT 0, batch_gas INTEGER NOT NULL DEFAULT 0,"
    " saved_gas INTEGER NOT NULL DEFAULT 0);"
    "INSERT INTO total(id) VALUES(1);"
    "CREATE TABLE cursor(id INTEGER PRIMARY KEY CHECK(id = 1), block INTEGER NOT NULL);"
    "CREATE TABLE market(id INTEGER PRIMARY KEY CHECK(id = 1), address BLOB NOT NULL);"
    "PRAGMA user_version = 4;";

const char *node_state_name(enum node_state state)
{
    static const char *const names[NODE_STATES] = {"seen", "taken",   "fetched", "proved",
                                                   "paid", "refused", "over",    "gone"};
    return names[state];
}

void node_job_release(struct node_job *job)
{
    buffer_release(&job->input);
}

enum status node_store_open(struct node_store *store, const char *path, struct diag *diag)
{
    return database_open(&store->database, path, "file of jobs", schema, VERSION, diag);
}

void node_store_close(struct node_store *store)
{
    database_close(&store->database);
}

enum status node_store_bind(struct node_store *store, const uint8_t market[ABI_ADDRESS],
                            struct diag *diag)
{
    bool found;
    struct buffer known = {0};
    char text[2][CONTRACT_ADDRESS_TEXT];
    struct query q =
        query_begin(&store->database, "INSERT OR IGNORE INTO market(id, address) VALUES(1, ?)");
    query_bind_bytes(&q, market, ABI_ADDRESS);
    enum status status = query_run(&q, diag);
    if (status != STATUS_OK)
        return status;
    q = query_begin(&store->database, "SELECT address FROM market");
    status = query_step(&found, &q, diag);
    if (found)
        query_bytes(&known, &q, 0);
    query_end(&q);
    if (status == STATUS_OK && known.count != ABI_ADDRESS) {
        status =
            diag_set(diag, STATUS_IO, "the file of jobs %s names no market", store->database.path);
    } else if (status == STATUS_OK && memcmp(known.data, market, ABI_ADDRESS) != 0) {
        contract_address_text(text[0], known.data);
        contract_address_text(text[1], market);
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "the file of jobs %s is of the market at %s, not of %s; each market takes "
                     "a data folder of its own",
                     store->database.path, text[0], text[1]);
    }
    buffer_release(&known);
    return status;
}

/* ---- events --------------------------------------------------------------------------------- */

enum status node_store_cursor(uint64_t *block, struct node_store *store, struct diag *diag)
{
    bool found;
    struct query q = query_begin(&store->database, "SELECT block FROM cursor");
    enum status status = query_step(&found, &q, diag);
    *block = found ? query_number(&q, 0) : 0;
    query_end(&q);
    return status;
}

enum status node_store_set_cursor(struct node_store *store, uint64_t block, struct diag *diag)
{
    struct query q =
        query_begin(&store->database, "INSERT INTO cursor(id, block) VALUES(1, ?)"
                                      " ON CONFLICT(id) DO UPDATE SET block = excluded.block");
    query_bind_number(&q, block);
    return query_run(&q, diag);
}

/* Names what was asked: another request under the same number is another job. */
static void hash_content(uint8_t content[32], const struct market_requested *event)
{
    const struct market_request *r = &event->request;
    struct keccak256 hash;
    keccak256_init(&hash);
    keccak256_update(&hash, r->input_hash, 32);
    keccak256_update(&hash, r->precommitment, 32);
    keccak256_update(&hash, r->requirement, sizeof r->requirement);
    keccak256_update(&hash, event->requester, sizeof event->requester);
    keccak256_update(&hash, &r->deadline, sizeof r->deadline);
    keccak256_update(&hash, &event->price, sizeof event->price);
    keccak256_final(&hash, content);
}

enum status node_store_add(struct node_store *store, const struct market_requested *event,
                           struct diag *diag)
{
    uint8_t content[32];
    const struct market_request *r = &event->request;
    hash_content(content, event);
    struct query q = query_begin(
        &store->database,
        "INSERT INTO job(model, place, content, state, block, deadline, input, input_hash)"
        " VALUES(?1, ?2, ?3, 0, ?4, ?5, ?6, ?7) ON CONFLICT(model, place) DO UPDATE SET"
        " state = CASE WHEN content = ?3 AND proof IS NOT NULL THEN 3 ELSE 0 END,"
        " proof = CASE WHEN content = ?3 THEN proof END,"
        " batch = CASE WHEN content = ?3 THEN batch ELSE 0 END,"
        " alone = CASE WHEN content = ?3 THEN alone ELSE 0 END,"
        " content = ?3, block = ?4, deadline = ?5, input = ?6, input_hash = ?7, tries = 0,"
        " misses = 0, not_before = 0, reason = '' WHERE content <> ?3 OR state = 7 OR block <> ?4");
    query_bind_number(&q, event->id.model);
    query_bind_number(&q, event->id.place);
    query_bind_bytes(&q, content, sizeof content);
    query_bind_number(&q, event->block);
    query_bind_number(&q, r->deadline);
    query_bind_bytes(&q, r->input, r->input_bytes);
    query_bind_bytes(&q, r->input_hash, 32);
    return query_run(&q, diag);
}

enum status node_store_recheck(struct node_store *store, uint64_t now, struct diag *diag)
{
    struct query q =
        query_begin(&store->database,
                    "UPDATE job SET state = CASE WHEN proof IS NULL THEN 0 ELSE 3 END, tries = 0,"
                    " misses = 0, not_before = 0 WHERE state IN (4, 6, 7) AND deadline >= ?");
    query_bind_number(&q, now);
    return query_run(&q, diag);
}

/* ---- jobs ----------------------------------------------------------------------------------- */

static bool read_job(struct node_job *job, const struct query *q)
{
    struct buffer hash = {0};
    *job = (struct node_job){.id = {query_number(q, 0), query_number(q, 1)},
                             .state = (enum node_state)query_number(q, 2),
                             .block = query_number(q, 3),
                             .tries = query_number(q, 4),
                             .not_before = query_number(q, 5),
                             .is_assigned = query_number(q, 6) != 0,
                             .ready = query_number(q, 11),
                             .batch = query_number(q, 12),
                             .is_alone = query_number(q, 13) != 0,
                             .misses = query_number(q, 14)};
    job->request.deadline = query_number(q, 7);
    query_bytes(&job->input, q, 8);
    query_bytes(&hash, q, 9);
    query_text(job->reason, sizeof job->reason, q, 10);
    bool good = hash.count == 32 && !job->input.failed && query_number(q, 2) < NODE_STATES;
    if (good)
        memcpy(job->request.input_hash, hash.data, 32);
    job->request.input = job->input.data;
    job->request.input_bytes = job->input.count;
    job->request.model = job->id.model;
    buffer_release(&hash);
    return good;
}

enum status node_store_next(bool *found, struct node_job *job, struct node_store *store,
                            struct market_job_id after, struct diag *diag)
{
    struct query q = query_begin(
        &store->database,
        "SELECT model, place, state, block, tries, not_before, assigned, deadline, input,"
        " input_hash, reason, ready, batch, alone, misses FROM job WHERE (state <= 3 OR assigned "
        "<> 0)"
        " AND (model, place) > (?, ?) ORDER BY model, place LIMIT 1");
    query_bind_number(&q, after.model);
    query_bind_number(&q, after.place);
    enum status status = query_step(found, &q, diag);
    if (status == STATUS_OK && *found && !read_job(job, &q)) {
        node_job_release(job);
        status = diag_set(diag, STATUS_IO, "the file of jobs %s has a job that makes no sense",
                          store->database.path);
    }
    query_end(&q);
    return status;
}

static void bind_job(struct query *q, struct market_job_id id)
{
    query_bind_number(q, id.model);
    query_bind_number(q, id.place);
}

enum status node_store_move(struct node_store *store, struct market_job_id id,
                            enum node_state state, const char *reason, struct diag *diag)
{
    struct query q = query_begin(&store->database,
                                 "UPDATE job SET state = ?, reason = ?, tries = 0, not_before = 0"
                                 " WHERE model = ? AND place = ?");
    query_bind_number(&q, state);
    query_bind_text(&q, reason);
    bind_job(&q, id);
    return query_run(&q, diag);
}

enum status node_store_put_off(struct node_store *store, struct market_job_id id,
                               enum node_delay why, uint64_t not_before, const char *reason,
                               struct diag *diag)
{
    static const char *const updates[] = {
        [NODE_FAILED] = "UPDATE job SET tries = tries + 1, failures = failures + 1,"
                        " not_before = ?, reason = ? WHERE model = ? AND place = ?",
        [NODE_MISSED] = "UPDATE job SET misses = misses + 1, not_before = ?, reason = ?"
                        " WHERE model = ? AND place = ?"};
    struct query q = query_begin(&store->database, updates[why]);
    query_bind_number(&q, not_before);
    query_bind_text(&q, reason);
    bind_job(&q, id);
    return query_run(&q, diag);
}

enum status node_store_meet(struct node_store *store, struct market_job_id id, struct diag *diag)
{
    struct query q =
        query_begin(&store->database, "UPDATE job SET misses = 0 WHERE model = ? AND place = ?");
    bind_job(&q, id);
    return query_run(&q, diag);
}

enum status node_store_assign(struct node_store *store, struct market_job_id id, bool is_assigned,
                              struct diag *diag)
{
    struct query q =
        query_begin(&store->database, "UPDATE job SET assigned = ? WHERE model = ? AND place = ?");
    query_bind_number(&q, is_assigned);
    bind_job(&q, id);
    return query_run(&q, diag);
}

enum status node_store_set_proof(struct node_store *store, struct market_job_id id,
                                 const char *proof, double seconds, uint64_t clock,
                                 struct diag *diag)
{
    struct query q = query_begin(
        &store->database,
        "UPDATE job SET state = 3, proof = ?, proving = ? / 1e6, ready = ?, batch = 0, alone = 0,"
        " tries = 0, not_before = 0, reason = '' WHERE model = ? AND place = ?");
    query_bind_text(&q, proof);
    query_bind_number(&q, (uint64_t)(seconds * 1e6));
    query_bind_number(&q, clock);
    bind_job(&q, id);
    return query_run(&q, diag);
}

enum status node_store_proof(struct buffer *proof, struct node_store *store,
                             struct market_job_id id, struct diag *diag)
{
    bool found;
    struct query q =
        query_begin(&store->database, "SELECT proof FROM job WHERE model = ? AND place = ?");
    bind_job(&q, id);
    enum status status = query_step(&found, &q, diag);
    if (found)
        query_bytes(proof, &q, 0);
    query_end(&q);
    return status == STATUS_OK ? buffer_status(proof, diag) : status;
}

enum status node_store_pay(struct node_store *store, struct market_job_id id, amount paid,
                           struct diag *diag)
{
    char text[AMOUNT_TEXT];
    amount_format(text, paid);
    struct query q =
        query_begin(&store->database, "UPDATE job SET state = 4, paid = ?, reason = '', tries = 0,"
                                      " not_before = 0 WHERE model = ? AND place = ?");
    query_bind_text(&q, text);
    bind_job(&q, id);
    return query_run(&q, diag);
}

/* ---- batches -------------------------------------------------------------------------------- */

enum status node_store_set_alone(struct node_store *store, struct market_job_id id,
                                 struct diag *diag)
{
    struct query q = query_begin(&store->database, "UPDATE job SET batch = 0, alone = 1"
                                                   " WHERE model = ? AND place = ?");
    bind_job(&q, id);
    return query_run(&q, diag);
}

/* Keeps what was written since database_begin if all of it was. */
static enum status end_writing(struct node_store *store, enum status status, struct diag *diag)
{
    struct diag ignored = {0};
    enum status ended =
        database_end(&store->database, status == STATUS_OK, status == STATUS_OK ? diag : &ignored);
    return status == STATUS_OK ? ended : status;
}

static enum status add_batch(struct node_store *store, const char *name,
                             const struct market_job_id *ids, size_t count, struct diag *diag)
{
    struct query q = query_begin(&store->database, "INSERT INTO batch(model, name) VALUES(?, ?)");
    query_bind_number(&q, ids[0].model);
    query_bind_text(&q, name);
    enum status status = query_run(&q, diag);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        q = query_begin(&store->database, "UPDATE job SET batch = (SELECT MAX(id) FROM batch)"
                                          " WHERE model = ? AND place = ?");
        bind_job(&q, ids[i]);
        status = query_run(&q, diag);
    }
    return status;
}

enum status node_store_add_batch(struct node_store *store, const char *name,
                                 const struct market_job_id *ids, size_t count, struct diag *diag)
{
    enum status status = database_begin(&store->database, diag);
    return status == STATUS_OK ? end_writing(store, add_batch(store, name, ids, count, diag), diag)
                               : status;
}

enum status node_store_next_batch(bool *found, struct node_batch *batch, struct node_store *store,
                                  uint64_t after, struct diag *diag)
{
    struct query q = query_begin(
        &store->database, "SELECT id, model, alone_gas, name FROM batch WHERE id > ? AND"
                          " (gas = 0 OR EXISTS (SELECT 1 FROM job WHERE job.batch = batch.id AND"
                          " job.state = 3)) ORDER BY id LIMIT 1");
    query_bind_number(&q, after);
    enum status status = query_step(found, &q, diag);
    if (*found) {
        *batch = (struct node_batch){.id = query_number(&q, 0),
                                     .model = query_number(&q, 1),
                                     .alone_gas = query_number(&q, 2)};
        query_text(batch->name, sizeof batch->name, &q, 3);
    }
    query_end(&q);
    return status;
}

enum status node_store_batch_jobs(struct node_batch_job jobs[NODE_BATCH_MOST], size_t *count,
                                  struct node_store *store, uint64_t batch, struct diag *diag)
{
    bool found;
    struct query q = query_begin(
        &store->database, "SELECT model, place, state FROM job WHERE batch = ? ORDER BY place");
    query_bind_number(&q, batch);
    *count = 0;
    enum status status = query_step(&found, &q, diag);
    while (status == STATUS_OK && found && *count < NODE_BATCH_MOST) {
        jobs[(*count)++] = (struct node_batch_job){{query_number(&q, 0), query_number(&q, 1)},
                                                   query_number(&q, 2) == NODE_PROVED};
        status = query_step(&found, &q, diag);
    }
    query_end(&q);
    return status;
}

static enum status remove_batch(struct node_store *store, uint64_t batch, struct diag *diag)
{
    struct query q =
        query_begin(&store->database, "UPDATE job SET batch = 0, alone = 1 WHERE batch = ?");
    query_bind_number(&q, batch);
    enum status status = query_run(&q, diag);
    if (status != STATUS_OK)
        return status;
    q = query_begin(&store->database, "DELETE FROM batch WHERE id = ?");
    query_bind_number(&q, batch);
    return query_run(&q, diag);
}

enum status node_store_dissolve_batch(struct node_store *store, uint64_t batch, struct diag *diag)
{
    enum status status = database_begin(&store->database, diag);
    return status == STATUS_OK ? end_writing(store, remove_batch(store, batch, diag), diag)
                               : status;
}

enum status node_store_price_batch(struct node_store *store, uint64_t batch, uint64_t alone_gas,
                                   struct diag *diag)
{
    struct query q = query_begin(&store->database, "UPDATE batch SET alone_gas = ? WHERE id = ?");
    query_bind_number(&q, alone_gas);
    query_bind_number(&q, batch);
    return query_run(&q, diag);
}

enum status node_store_end_batch(struct node_store *store, uint64_t batch, uint64_t paid,
                                 uint64_t gas, struct diag *diag)
{
    struct query q =
        query_begin(&store->database, "UPDATE batch SET paid = ?, gas = ? WHERE id = ?");
    query_bind_number(&q, paid);
    query_bind_number(&q, gas);
    query_bind_number(&q, batch);
    return query_run(&q, diag);
}

/* ---- counts --------------------------------------------------------------------------------- */

#define SUMS_OF_BATCHES                                                                            \
    "COUNT(*), COALESCE(SUM(paid), 0), COALESCE(SUM(gas), 0),"                                     \
    " COALESCE(SUM(paid * alone_gas - gas), 0) FROM batch WHERE gas > 0"
#define IS_UNUSED " AND NOT EXISTS (SELECT 1 FROM job WHERE job.batch = batch.id)"

static enum status count_batches(struct node_counts *counts, struct node_store *store,
                                 struct diag *diag)
{
    bool found;
    struct query q = query_begin(&store->database, "SELECT " SUMS_OF_BATCHES);
    enum status status = query_step(&found, &q, diag);
    if (status == STATUS_OK && found) {
        counts->batches += query_number(&q, 0);
        counts->batched += query_number(&q, 1);
        counts->batch_gas += query_number(&q, 2);
        counts->saved_gas += query_real(&q, 3);
    }
    query_end(&q);
    return status;
}

/* What was forgotten. */
static enum status count_total(struct node_counts *counts, struct node_store *store,
                               struct diag *diag)
{
    bool found;
    struct query q =
        query_begin(&store->database, "SELECT paid, refused, over, gone, proofs, failures, batches,"
                                      " batched, batch_gas, proving, earned, saved_gas FROM total");
    enum status status = query_step(&found, &q, diag);
    if (status == STATUS_OK && found) {
        for (int i = 0; i < 4; i++)
            counts->jobs[NODE_PAID + i] += query_number(&q, i);
        counts->proofs += query_number(&q, 4);
        counts->failures += query_number(&q, 5);
        counts->batches += query_number(&q, 6);
        counts->batched += query_number(&q, 7);
        counts->batch_gas += query_number(&q, 8);
        counts->proving_seconds += query_real(&q, 9);
        counts->earned += query_real(&q, 10);
        counts->saved_gas += query_real(&q, 11);
    }
    query_end(&q);
    return status == STATUS_OK ? count_batches(counts, store, diag) : status;
}

enum status node_store_count(struct node_counts *counts, struct node_store *store,
                             struct diag *diag)
{
    bool found = true;
    *counts = (struct node_counts){0};
    struct query q = query_begin(&store->database,
                                 "SELECT state, COUNT(*), COUNT(proof), SUM(failures),"
                                 " SUM(CASE WHEN state = 4 THEN CAST(paid AS REAL) ELSE 0 END),"
                                 " SUM(proving) FROM job GROUP BY state");
    enum status status = query_step(&found, &q, diag);
    while (status == STATUS_OK && found) {
        uint64_t state = query_number(&q, 0);
        if (state < NODE_STATES)
            counts->jobs[state] = query_number(&q, 1);
        counts->kept += query_number(&q, 1);
        counts->proofs += query_number(&q, 2);
        counts->failures += query_number(&q, 3);
        counts->earned += query_real(&q, 4);
        counts->proving_seconds += query_real(&q, 5);
        status = query_step(&found, &q, diag);
    }
    query_end(&q);
    return status == STATUS_OK ? count_total(counts, store, diag) : status;
}

/* ---- forgetting ----------------------------------------------------------------------------- */

/* The jobs that go first: ?1 is how many, ?2 the deadline they are before. */
#define VICTIMS                                                                                    \
    " FROM job WHERE state >= 4 AND assigned = 0 AND deadline < ?2"                                \
    " ORDER BY deadline, model, place LIMIT ?1"

static enum status run_for_victims(struct node_store *store, const char *sql, uint64_t count,
                                   uint64_t before, struct diag *diag)
{
    struct query q = query_begin(&store->database, sql);
    query_bind_number(&q, count);
    query_bind_number(&q, before);
    return query_run(&q, diag);
}

static enum status forget(struct node_store *store, uint64_t count, uint64_t before,
                          struct diag *diag)
{
    enum status status = run_for_victims(
        store,
        "WITH victim AS (SELECT state, proof, failures, proving, paid AS got" VICTIMS
        "), sums AS (SELECT SUM(state = 4) AS a, SUM(state = 5) AS b, SUM(state = 6) AS c,"
        " SUM(state = 7) AS d, COUNT(proof) AS e, SUM(failures) AS f, SUM(proving) AS g,"
        " SUM(CASE WHEN state = 4 THEN CAST(got AS REAL) ELSE 0 END) AS h FROM victim)"
        " UPDATE total SET paid = total.paid + a, refused = refused + b, over = over + c,"
        " gone = gone + d, proofs = proofs + e, failures = total.failures + f,"
        " proving = total.proving + g, earned = earned + h FROM sums WHERE a IS NOT NULL",
        count, before, diag);
    if (status == STATUS_OK)
        status = run_for_victims(store,
                                 "DELETE FROM job WHERE (model, place) IN"
                                 " (SELECT model, place" VICTIMS ")",
                                 count, before, diag);
    if (status != STATUS_OK)
        return status;
    struct query q = query_begin(
        &store->database, "UPDATE total SET (batches, batched, batch_gas, saved_gas) ="
                          " (SELECT total.batches + a, total.batched + b, total.batch_gas + c,"
                          " total.saved_gas + d FROM (SELECT COUNT(*) AS a,"
                          " COALESCE(SUM(paid), 0) AS b, COALESCE(SUM(gas), 0) AS c,"
                          " COALESCE(SUM(paid * alone_gas - gas), 0) AS d FROM batch"
                          " WHERE gas > 0" IS_UNUSED "))");
    status = query_run(&q, diag);
    if (status == STATUS_OK) {
        q = query_begin(&store->database, "DELETE FROM batch WHERE gas > 0" IS_UNUSED);
        status = query_run(&q, diag);
    }
    return status;
}

enum status node_store_forget(struct node_store *store, uint64_t keep, uint64_t before,
                              struct diag *diag)
{
    bool found;
    uint64_t ended = 0, may_go = 0;
    struct query q = query_begin(&store->database, "SELECT COUNT(*), COALESCE(SUM(assigned = 0 AND"
                                                   " deadline < ?), 0) FROM job WHERE state >= 4");
    query_bind_number(&q, before);
    enum status status = query_step(&found, &q, diag);
    if (status == STATUS_OK && found) {
        ended = query_number(&q, 0);
        may_go = query_number(&q, 1);
    }
    query_end(&q);
    if (status != STATUS_OK || ended <= keep || may_go == 0)
        return status;
    uint64_t count = ended - keep < may_go ? ended - keep : may_go;
    status = database_begin(&store->database, diag);
    return status == STATUS_OK ? end_writing(store, forget(store, count, before, diag), diag)
                               : status;
}
