/* See journal.h. */
#include "runtime/journal.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, BUSY_MS = 30000 };

static const char schema[] =
    "CREATE TABLE chain(id INTEGER PRIMARY KEY, genesis TEXT NOT NULL);"
    "CREATE TABLE entry(id INTEGER PRIMARY KEY, chain INTEGER NOT NULL, sender TEXT NOT NULL,"
    " name TEXT NOT NULL, nonce INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
    " hash TEXT NOT NULL DEFAULT '', block TEXT NOT NULL DEFAULT '',"
    " block_number INTEGER NOT NULL DEFAULT 0, gas INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(chain, sender, name), UNIQUE(chain, sender, nonce));"
    "CREATE TABLE attempt(id INTEGER PRIMARY KEY, entry INTEGER NOT NULL REFERENCES entry(id),"
    " hash TEXT NOT NULL, fee INTEGER NOT NULL, priority_fee INTEGER NOT NULL, raw BLOB NOT NULL);"
    "PRAGMA user_version = 1;";

static enum status fail(const struct journal *journal, struct diag *diag)
{
    int code = sqlite3_errcode(journal->db);
    enum status status = code == SQLITE_NOMEM    ? STATUS_NO_MEMORY
                         : code == SQLITE_NOTADB ? STATUS_BAD_INPUT
                                                 : STATUS_IO;
    return diag_set(diag, status, "the journal %s: %s", journal->path, sqlite3_errmsg(journal->db));
}

static enum status execute(const struct journal *journal, const char *sql, struct diag *diag)
{
    return sqlite3_exec(journal->db, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                         : fail(journal, diag);
}

/* A statement under way; its arguments are bound in order. */
struct query {
    const struct journal *journal;
    sqlite3_stmt *statement;
    int bound;
    bool failed;
};

static struct query query_of(const struct journal *journal, const char *sql)
{
    struct query q = {.journal = journal};
    q.failed = sqlite3_prepare_v2(journal->db, sql, -1, &q.statement, NULL) != SQLITE_OK;
    return q;
}

static void bind_number(struct query *q, uint64_t value)
{
    if (!q->failed)
        q->failed = sqlite3_bind_int64(q->statement, ++q->bound, (int64_t)value) != SQLITE_OK;
}

static void bind_text(struct query *q, const char *text)
{
    if (!q->failed)
        q->failed =
            sqlite3_bind_text(q->statement, ++q->bound, text, -1, SQLITE_TRANSIENT) != SQLITE_OK;
}

static void bind_account(struct query *q, const struct journal_account *account)
{
    bind_number(q, account->chain_id);
    bind_text(q, account->address);
}

/* The next row; *found says whether there is one. A query that failed stays so. */
static enum status query_step(bool *found, struct query *q, struct diag *diag)
{
    *found = false;
    if (!q->failed) {
        int code = sqlite3_step(q->statement);
        *found = code == SQLITE_ROW;
        q->failed = code != SQLITE_ROW && code != SQLITE_DONE;
    }
    return q->failed ? fail(q->journal, diag) : STATUS_OK;
}

static void query_end(struct query *q)
{
    sqlite3_finalize(q->statement);
}

/* A statement without rows. */
static enum status query_run(struct query *q, struct diag *diag)
{
    bool found;
    enum status status = query_step(&found, q, diag);
    query_end(q);
    return status;
}

static uint64_t number_at(const struct query *q, int column)
{
    return (uint64_t)sqlite3_column_int64(q->statement, column);
}

static void text_at(char *out, size_t size, const struct query *q, int column)
{
    const unsigned char *text = sqlite3_column_text(q->statement, column);
    snprintf(out, size, "%s", text == NULL ? "" : (const char *)text);
}

/* ---- the file ------------------------------------------------------------------------------- */

static enum status read_version(uint64_t *version, const struct journal *journal, struct diag *diag)
{
    bool found;
    struct query q = query_of(journal, "PRAGMA user_version");
    enum status status = query_step(&found, &q, diag);
    *version = found ? number_at(&q, 0) : 0;
    query_end(&q);
    return status;
}

/* Makes the tables of a new file; one process of several. */
static enum status prepare(struct journal *journal, struct diag *diag)
{
    uint64_t version;
    enum status status =
        execute(journal, "PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON", diag);
    if (status == STATUS_OK)
        status = journal_begin(journal, diag);
    if (status != STATUS_OK)
        return status;
    status = read_version(&version, journal, diag);
    if (status == STATUS_OK && version == 0)
        status = execute(journal, schema, diag);
    else if (status == STATUS_OK && version != VERSION)
        status = diag_set(diag, STATUS_BAD_INPUT, "the journal %s is of version %llu, not %d",
                          journal->path, (unsigned long long)version, VERSION);
    struct diag ignored = {0};
    enum status ended =
        journal_end(journal, status == STATUS_OK, status == STATUS_OK ? diag : &ignored);
    return status == STATUS_OK ? ended : status;
}

enum status journal_open(struct journal *journal, const char *path, struct diag *diag)
{
    sqlite3 *db = NULL;
    *journal = (struct journal){.path = strdup(path)};
    if (journal->path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the journal");
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    journal->db = db;
    enum status status = STATUS_OK;
    if (code != SQLITE_OK)
        status = diag_set(diag, STATUS_IO, "the journal %s cannot be opened: %s", path,
                          db == NULL ? "no memory" : sqlite3_errmsg(db));
    if (status == STATUS_OK) {
        sqlite3_busy_timeout(db, BUSY_MS);
        status = prepare(journal, diag);
    }
    if (status != STATUS_OK)
        journal_close(journal);
    return status;
}

void journal_close(struct journal *journal)
{
    if (journal->db != NULL)
        sqlite3_close(journal->db);
    free(journal->path);
    *journal = (struct journal){0};
}

enum status journal_begin(struct journal *journal, struct diag *diag)
{
    return execute(journal, "BEGIN IMMEDIATE", diag);
}

enum status journal_end(struct journal *journal, bool keep, struct diag *diag)
{
    enum status status = execute(journal, keep ? "COMMIT" : "ROLLBACK", diag);
    if (status != STATUS_OK && keep)
        sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

enum status journal_bind_chain(struct journal *journal, uint64_t chain_id, const char *genesis,
                               struct diag *diag)
{
    bool found;
    char known[JOURNAL_HASH_TEXT] = "";
    struct query q = query_of(journal, "INSERT OR IGNORE INTO chain(id, genesis) VALUES(?, ?)");
    bind_number(&q, chain_id);
    bind_text(&q, genesis);
    enum status status = query_run(&q, diag);
    if (status != STATUS_OK)
        return status;
    q = query_of(journal, "SELECT genesis FROM chain WHERE id = ?");
    bind_number(&q, chain_id);
    status = query_step(&found, &q, diag);
    if (found)
        text_at(known, sizeof known, &q, 0);
    query_end(&q);
    if (status == STATUS_OK && strcmp(known, genesis) != 0)
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "the journal %s is of another chain with the id %llu (block 0 is %s there, %s "
                     "here); use another journal",
                     journal->path, (unsigned long long)chain_id, known, genesis);
    return status;
}

/* ---- entries -------------------------------------------------------------------------------- */

enum status journal_find(bool *found, struct journal_entry *entry, struct journal *journal,
                         const struct journal_account *account, const char *name, struct diag *diag)
{
    struct query q =
        query_of(journal, "SELECT id, nonce, state, hash, block, block_number, gas FROM entry"
                          " WHERE chain = ? AND sender = ? AND name = ?");
    bind_account(&q, account);
    bind_text(&q, name);
    enum status status = query_step(found, &q, diag);
    if (*found) {
        *entry = (struct journal_entry){.id = (int64_t)number_at(&q, 0),
                                        .nonce = number_at(&q, 1),
                                        .state = (enum journal_state)number_at(&q, 2),
                                        .block_number = number_at(&q, 5),
                                        .gas = number_at(&q, 6)};
        text_at(entry->hash, sizeof entry->hash, &q, 3);
        text_at(entry->block, sizeof entry->block, &q, 4);
    }
    query_end(&q);
    return status;
}

enum status journal_next_open(bool *found, char name[JOURNAL_NAME_BYTES], int64_t *nonce,
                              struct journal *journal, const struct journal_account *account,
                              int64_t after, struct diag *diag)
{
    struct query q =
        query_of(journal, "SELECT name, nonce FROM entry WHERE chain = ? AND sender = ?"
                          " AND state = 0 AND nonce > ? ORDER BY nonce LIMIT 1");
    bind_account(&q, account);
    bind_number(&q, (uint64_t)after);
    enum status status = query_step(found, &q, diag);
    if (*found) {
        text_at(name, JOURNAL_NAME_BYTES, &q, 0);
        *nonce = (int64_t)number_at(&q, 1);
    }
    query_end(&q);
    return status;
}

enum status journal_reopen(struct journal *journal, const struct journal_account *account,
                           uint64_t nonce, struct diag *diag)
{
    struct query q = query_of(journal, "UPDATE entry SET state = 0, block = '' WHERE chain = ?"
                                       " AND sender = ? AND state IN (1, 2) AND nonce >= ?");
    bind_account(&q, account);
    bind_number(&q, nonce);
    return query_run(&q, diag);
}

enum status journal_next_nonce(uint64_t *nonce, struct journal *journal,
                               const struct journal_account *account, struct diag *diag)
{
    bool found;
    struct query q = query_of(
        journal, "SELECT COALESCE(MAX(nonce) + 1, 0) FROM entry WHERE chain = ? AND sender = ?");
    bind_account(&q, account);
    enum status status = query_step(&found, &q, diag);
    *nonce = found ? number_at(&q, 0) : 0;
    query_end(&q);
    return status;
}

enum status journal_add(struct journal_entry *entry, struct journal *journal,
                        const struct journal_account *account, const char *name, uint64_t nonce,
                        const struct journal_attempt *attempt, struct diag *diag)
{
    struct query q =
        query_of(journal, "INSERT INTO entry(chain, sender, name, nonce) VALUES(?, ?, ?, ?)");
    if (strlen(name) >= JOURNAL_NAME_BYTES) {
        query_end(&q);
        return diag_set(diag, STATUS_LIMIT, "the name of a journal entry has more than %d bytes",
                        JOURNAL_NAME_BYTES - 1);
    }
    bind_account(&q, account);
    bind_text(&q, name);
    bind_number(&q, nonce);
    enum status status = query_run(&q, diag);
    if (status != STATUS_OK)
        return status;
    *entry = (struct journal_entry){.id = sqlite3_last_insert_rowid(journal->db), .nonce = nonce};
    return journal_add_attempt(journal, entry->id, attempt, diag);
}

enum status journal_add_attempt(struct journal *journal, int64_t id,
                                const struct journal_attempt *attempt, struct diag *diag)
{
    struct query q = query_of(
        journal, "INSERT INTO attempt(entry, hash, fee, priority_fee, raw) VALUES(?, ?, ?, ?, ?)");
    bind_number(&q, (uint64_t)id);
    bind_text(&q, attempt->hash);
    bind_number(&q, attempt->fee);
    bind_number(&q, attempt->priority_fee);
    if (!q.failed)
        q.failed = sqlite3_bind_blob64(q.statement, ++q.bound, attempt->raw.data,
                                       attempt->raw.count, SQLITE_TRANSIENT) != SQLITE_OK;
    return query_run(&q, diag);
}

enum status journal_attempt(bool *found, struct journal_attempt *attempt, struct journal *journal,
                            int64_t id, unsigned n, struct diag *diag)
{
    struct query q =
        query_of(journal, "SELECT hash, fee, priority_fee, raw FROM attempt WHERE entry = ?"
                          " ORDER BY id DESC LIMIT 1 OFFSET ?");
    bind_number(&q, (uint64_t)id);
    bind_number(&q, n);
    enum status status = query_step(found, &q, diag);
    *attempt = (struct journal_attempt){0};
    if (*found) {
        text_at(attempt->hash, sizeof attempt->hash, &q, 0);
        attempt->fee = number_at(&q, 1);
        attempt->priority_fee = number_at(&q, 2);
        buffer_put(&attempt->raw, sqlite3_column_blob(q.statement, 3),
                   (size_t)sqlite3_column_bytes(q.statement, 3));
        status = buffer_status(&attempt->raw, diag);
    }
    query_end(&q);
    return status;
}

enum status journal_settle(struct journal *journal, const struct journal_entry *entry,
                           struct diag *diag)
{
    struct query q = query_of(journal, "UPDATE entry SET state = ?, hash = ?, block = ?,"
                                       " block_number = ?, gas = ? WHERE id = ?");
    bind_number(&q, entry->state);
    bind_text(&q, entry->hash);
    bind_text(&q, entry->block);
    bind_number(&q, entry->block_number);
    bind_number(&q, entry->gas);
    bind_number(&q, (uint64_t)entry->id);
    return query_run(&q, diag);
}
