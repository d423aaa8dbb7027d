/* See database.h. */
#include "runtime/database.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUSY_MS = 30000 };

static enum status fail(const struct database *database, struct diag *diag)
{
    int code = sqlite3_errcode(database->db);
    enum status status = code == SQLITE_NOMEM    ? STATUS_NO_MEMORY
                         : code == SQLITE_NOTADB ? STATUS_BAD_INPUT
                                                 : STATUS_IO;
    return diag_set(diag, status, "the %s %s: %s", database->what, database->path,
                    sqlite3_errmsg(database->db));
}

static enum status execute(const struct database *database, const char *sql, struct diag *diag)
{
    return sqlite3_exec(database->db, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                          : fail(database, diag);
}

/* ---- statements ----------------------------------------------------------------------------- */

struct query query_begin(const struct database *database, const char *sql)
{
    struct query q = {.database = database};
    sqlite3_stmt *statement = NULL;
    q.failed = sqlite3_prepare_v2(database->db, sql, -1, &statement, NULL) != SQLITE_OK;
    q.statement = statement;
    return q;
}

void query_bind_number(struct query *q, uint64_t value)
{
    if (!q->failed)
        q->failed = sqlite3_bind_int64(q->statement, ++q->bound, (int64_t)value) != SQLITE_OK;
}

void query_bind_text(struct query *q, const char *text)
{
    if (!q->failed)
        q->failed =
            sqlite3_bind_text(q->statement, ++q->bound, text, -1, SQLITE_TRANSIENT) != SQLITE_OK;
}

void query_bind_bytes(struct query *q, const void *bytes, size_t count)
{
    /* A null pointer would be NULL, not a blob of no bytes. */
    if (!q->failed)
        q->failed = sqlite3_bind_blob64(q->statement, ++q->bound, bytes == NULL ? "" : bytes, count,
                                        SQLITE_TRANSIENT) != SQLITE_OK;
}

enum status query_step(bool *found, struct query *q, struct diag *diag)
{
    *found = false;
    if (!q->failed) {
        int code = sqlite3_step(q->statement);
        *found = code == SQLITE_ROW;
        q->failed = code != SQLITE_ROW && code != SQLITE_DONE;
    }
    return q->failed ? fail(q->database, diag) : STATUS_OK;
}

void query_end(struct query *q)
{
    sqlite3_finalize(q->statement);
    q->statement = NULL;
}

enum status query_run(struct query *q, struct diag *diag)
{
    bool found;
    enum status status = query_step(&found, q, diag);
    query_end(q);
    return status;
}

uint64_t query_number(const struct query *q, int column)
{
    return (uint64_t)sqlite3_column_int64(q->statement, column);
}

double query_real(const struct query *q, int column)
{
    return sqlite3_column_double(q->statement, column);
}

void query_text(char *out, size_t size, const struct query *q, int column)
{
    const unsigned char *text = sqlite3_column_text(q->statement, column);
    snprintf(out, size, "%s", text == NULL ? "" : (const char *)text);
}

void query_bytes(struct buffer *out, const struct query *q, int column)
{
    const void *bytes = sqlite3_column_blob(q->statement, column);
    buffer_put(out, bytes, (size_t)sqlite3_column_bytes(q->statement, column));
}

/* ---- the file ------------------------------------------------------------------------------- */

static enum status read_version(uint64_t *version, const struct database *database,
                                struct diag *diag)
{
    bool found;
    struct query q = query_begin(database, "PRAGMA user_version");
    enum status status = query_step(&found, &q, diag);
    *version = found ? query_number(&q, 0) : 0;
    query_end(&q);
    return status;
}

/* Makes the tables of a new file; one process of several. */
static enum status prepare(struct database *database, const char *schema, unsigned version,
                           struct diag *diag)
{
    uint64_t found;
    enum status status =
        execute(database, "PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON", diag);
    if (status == STATUS_OK)
        status = database_begin(database, diag);
    if (status != STATUS_OK)
        return status;
    status = read_version(&found, database, diag);
    if (status == STATUS_OK && found == 0)
        status = execute(database, schema, diag);
    else if (status == STATUS_OK && found != version)
        status = diag_set(diag, STATUS_BAD_INPUT, "the %s %s is of version %llu, not %u",
                          database->what, database->path, (unsigned long long)found, version);
    struct diag ignored = {0};
    enum status ended =
        database_end(database, status == STATUS_OK, status == STATUS_OK ? diag : &ignored);
    return status == STATUS_OK ? ended : status;
}

enum status database_open(struct database *database, const char *path, const char *what,
                          const char *schema, unsigned version, struct diag *diag)
{
    sqlite3 *db = NULL;
    *database = (struct database){.path = strdup(path), .what = what};
    if (database->path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the %s", what);
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    database->db = db;
    enum status status = STATUS_OK;
    if (code != SQLITE_OK)
        status = diag_set(diag, STATUS_IO, "the %s %s cannot be opened: %s", what, path,
                          db == NULL ? "no memory" : sqlite3_errmsg(db));
    if (status == STATUS_OK) {
        sqlite3_busy_timeout(db, BUSY_MS);
        status = prepare(database, schema, version, diag);
    }
    if (status != STATUS_OK)
        database_close(database);
    return status;
}

void database_close(struct database *database)
{
    if (database->db != NULL)
        sqlite3_close(database->db);
    free(database->path);
    *database = (struct database){0};
}

enum status database_begin(struct database *database, struct diag *diag)
{
    return execute(database, "BEGIN IMMEDIATE", diag);
}

enum status database_end(struct database *database, bool keep, struct diag *diag)
{
    enum status status = execute(database, keep ? "COMMIT" : "ROLLBACK", diag);
    if (status != STATUS_OK && keep)
        sqlite3_exec(database->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}
