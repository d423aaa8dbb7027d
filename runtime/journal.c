/* See journal.h. */
#include "runtime/journal.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1 };

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

static void bind_account(struct query *q, const struct journal_account *account)
{
    query_bind_number(q, account->chain_id);
    query_bind_text(q, account->address);
}

/* ---- the file ------------------------------------------------------------------------------- */

enum status journal_open(struct journal *journal, const char *path, struct diag *diag)
{
    return database_open(&journal->database, path, "journal", schema, VERSION, diag);
}

void journal_close(struct journal *journal)
{
    database_close(&journal->database);
}

enum status journal_begin(struct journal *journal, struct diag *diag)
{
    return database_begin(&journal->database, diag);
}

enum status journal_end(struct journal *journal, bool keep, struct diag *diag)
{
    return database_end(&journal->database, keep, diag);
}

enum status journal_bind_chain(struct journal *journal, uint64_t chain_id, const char *genesis,
                               struct diag *diag)
{
    bool found;
    char known[JOURNAL_HASH_TEXT] = "";
    struct query q =
        query_begin(&journal->database, "INSERT OR IGNORE INTO chain(id, genesis) VALUES(?, ?)");
    query_bind_number(&q, chain_id);
    query_bind_text(&q, genesis);
    enum status status = query_run(&q, diag);
    if (status != STATUS_OK)
        return status;
    q = query_begin(&journal->database, "SELECT genesis FROM chain WHERE id = ?");
    query_bind_number(&q, chain_id);
    status = query_step(&found, &q, diag);
    if (found)
        query_text(known, sizeof known, &q, 0);
    query_end(&q);
    if (status == STATUS_OK && strcmp(known, genesis) != 0)
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "the journal %s is of another chain with the id %llu (block 0 is %s there, %s "
                     "here); use another journal",
                     journal->database.path, (unsigned long long)chain_id, known, genesis);
    return status;
}

/* ---- entries -------------------------------------------------------------------------------- */

enum status journal_find(bool *found, struct journal_entry *entry, struct journal *journal,
                         const struct journal_account *account, const char *name, struct diag *diag)
{
    struct query q = query_begin(
        &journal->database, "SELECT id, nonce, state, hash, block, block_number, gas FROM entry"
                            " WHERE chain = ? AND sender = ? AND name = ?");
    bind_account(&q, account);
    query_bind_text(&q, name);
    enum status status = query_step(found, &q, diag);
    if (*found) {
        *entry = (struct journal_entry){.id = (int64_t)query_number(&q, 0),
                                        .nonce = query_number(&q, 1),
                                        .state = (enum journal_state)query_number(&q, 2),
                                        .block_number = query_number(&q, 5),
                                        .gas = query_number(&q, 6)};
        query_text(entry->hash, sizeof entry->hash, &q, 3);
        query_text(entry->block, sizeof entry->block, &q, 4);
    }
    query_end(&q);
    return status;
}

enum status journal_next_open(bool *found, char name[JOURNAL_NAME_BYTES], int64_t *nonce,
                              struct journal *journal, const struct journal_account *account,
                              int64_t after, struct diag *diag)
{
    struct query q = query_begin(&journal->database,
                                 "SELECT name, nonce FROM entry WHERE chain = ? AND sender = ?"
                                 " AND state = 0 AND nonce > ? ORDER BY nonce LIMIT 1");
    bind_account(&q, account);
    query_bind_number(&q, (uint64_t)after);
    enum status status = query_step(found, &q, diag);
    if (*found) {
        query_text(name, JOURNAL_NAME_BYTES, &q, 0);
        *nonce = (int64_t)query_number(&q, 1);
    }
    query_end(&q);
    return status;
}

enum status journal_reopen(bool *any, struct journal *journal,
                           const struct journal_account *account, uint64_t nonce, struct diag *diag)
{
    struct query q =
        query_begin(&journal->database, "UPDATE entry SET state = 0, block = '' WHERE chain = ?"
                                        " AND sender = ? AND state IN (1, 2) AND nonce >= ?");
    bind_account(&q, account);
    query_bind_number(&q, nonce);
    enum status status = query_run(&q, diag);
    *any = status == STATUS_OK && sqlite3_changes(journal->database.db) > 0;
    return status;
}

enum status journal_next_nonce(uint64_t *nonce, struct journal *journal,
                               const struct journal_account *account, struct diag *diag)
{
    bool found;
    struct query q =
        query_begin(&journal->database,
                    "SELECT COALESCE(MAX(nonce) + 1, 0) FROM entry WHERE chain = ? AND sender = ?");
    bind_account(&q, account);
    enum status status = query_step(&found, &q, diag);
    *nonce = found ? query_number(&q, 0) : 0;
    query_end(&q);
    return status;
}

enum status journal_add(struct journal_entry *entry, struct journal *journal,
                        const struct journal_account *account, const char *name, uint64_t nonce,
                        const struct journal_attempt *attempt, struct diag *diag)
{
    struct query q = query_begin(
        &journal->database, "INSERT INTO entry(chain, sender, name, nonce) VALUES(?, ?, ?, ?)");
    if (strlen(name) >= JOURNAL_NAME_BYTES) {
        query_end(&q);
        return diag_set(diag, STATUS_LIMIT, "the name of a journal entry has more than %d bytes",
                        JOURNAL_NAME_BYTES - 1);
    }
    bind_account(&q, account);
    query_bind_text(&q, name);
    query_bind_number(&q, nonce);
    enum status status = query_run(&q, diag);
    if (status != STATUS_OK)
        return status;
    *entry = (struct journal_entry){.id = sqlite3_last_insert_rowid(journal->database.db),
                                    .nonce = nonce};
    return journal_add_attempt(journal, entry->id, attempt, diag);
}

enum status journal_add_attempt(struct journal *journal, int64_t id,
                                const struct journal_attempt *attempt, struct diag *diag)
{
    struct query q = query_begin(
        &journal->database,
        "INSERT INTO attempt(entry, hash, fee, priority_fee, raw) VALUES(?, ?, ?, ?, ?)");
    query_bind_number(&q, (uint64_t)id);
    query_bind_text(&q, attempt->hash);
    query_bind_number(&q, attempt->fee);
    query_bind_number(&q, attempt->priority_fee);
    query_bind_bytes(&q, attempt->raw.data, attempt->raw.count);
    return query_run(&q, diag);
}

enum status journal_attempt(bool *found, struct journal_attempt *attempt, struct journal *journal,
                            int64_t id, unsigned n, struct diag *diag)
{
    struct query q = query_begin(&journal->database,
                                 "SELECT hash, fee, priority_fee, raw FROM attempt WHERE entry = ?"
                                 " ORDER BY id DESC LIMIT 1 OFFSET ?");
    query_bind_number(&q, (uint64_t)id);
    query_bind_number(&q, n);
    enum status status = query_step(found, &q, diag);
    *attempt = (struct journal_attempt){0};
    if (*found) {
        query_text(attempt->hash, sizeof attempt->hash, &q, 0);
        attempt->fee = query_number(&q, 1);
        attempt->priority_fee = query_number(&q, 2);
        query_bytes(&attempt->raw, &q, 3);
        status = buffer_status(&attempt->raw, diag);
    }
    query_end(&q);
    return status;
}

enum status journal_settle(struct journal *journal, const struct journal_entry *entry,
                           struct diag *diag)
{
    struct query q =
        query_begin(&journal->database, "UPDATE entry SET state = ?, hash = ?, block = ?,"
                                        " block_number = ?, gas = ? WHERE id = ?");
    query_bind_number(&q, entry->state);
    query_bind_text(&q, entry->hash);
    query_bind_text(&q, entry->block);
    query_bind_number(&q, entry->block_number);
    query_bind_number(&q, entry->gas);
    query_bind_number(&q, (uint64_t)entry->id);
    return query_run(&q, diag);
}

/* ---- forgetting ----------------------------------------------------------------------------- */

/* The highest nonce that may go: of the first settled entry beyond the last `keep`. */
static enum status find_oldest(bool *found, uint64_t *nonce, struct journal *journal,
                               const struct journal_account *account, uint64_t keep,
                               struct diag *diag)
{
    struct query q =
        query_begin(&journal->database, "SELECT nonce FROM entry WHERE chain = ? AND sender = ?"
                                        " AND state <> 0 ORDER BY nonce DESC LIMIT 1 OFFSET ?");
    bind_account(&q, account);
    query_bind_number(&q, keep);
    enum status status = query_step(found, &q, diag);
    *nonce = *found ? query_number(&q, 0) : 0;
    query_end(&q);
    return status;
}

static enum status remove_up_to(struct journal *journal, const struct journal_account *account,
                                uint64_t nonce, struct diag *diag)
{
    static const char *const statements[] = {
        "DELETE FROM attempt WHERE entry IN (SELECT id FROM entry WHERE chain = ? AND sender = ?"
        " AND state <> 0 AND nonce <= ?)",
        "DELETE FROM entry WHERE chain = ? AND sender = ? AND state <> 0 AND nonce <= ?"};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        struct query q = query_begin(&journal->database, statements[i]);
        bind_account(&q, account);
        query_bind_number(&q, nonce);
        status = query_run(&q, diag);
    }
    return status;
}

enum status journal_forget(struct journal *journal, const struct journal_account *account,
                           uint64_t keep, struct diag *diag)
{
    bool found;
    uint64_t nonce;
    struct diag ignored = {0};
    ASSERT(keep > 0);
    enum status status = find_oldest(&found, &nonce, journal, account, keep, diag);
    if (status != STATUS_OK || !found)
        return status;
    status = journal_begin(journal, diag);
    if (status != STATUS_OK)
        return status;
    status = remove_up_to(journal, account, nonce, diag);
    enum status ended =
        journal_end(journal, status == STATUS_OK, status == STATUS_OK ? diag : &ignored);
    return status == STATUS_OK ? ended : status;
}
