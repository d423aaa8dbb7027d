/*
 * SQLite files that survive being killed: written through to the disk at every step, of a version
 * that is checked. The journal of transactions and the jobs of a node are such files.
 */
#ifndef SERTN_RUNTIME_DATABASE_H
#define SERTN_RUNTIME_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "ir/support/buffer.h"
#include "ir/support/status.h"

struct database {
    void *db;         /* sqlite3 *, owned */
    char *path;       /* owned */
    const char *what; /* for messages: "journal"; a constant */
};

/*
 * Opens or makes a file; `schema` makes the tables of a new one and sets user_version to `version`.
 * Several processes may have it open. Errors: STATUS_BAD_INPUT for a file that is none, or of
 * another version; STATUS_IO.
 */
enum status database_open(struct database *database, const char *path, const char *what,
                          const char *schema, unsigned version, struct diag *diag) SERTN_MUST_CHECK;
void database_close(struct database *database);

/* Between these nobody else writes. database_end keeps what was written when `keep`, else nothing
 * of it. */
enum status database_begin(struct database *database, struct diag *diag) SERTN_MUST_CHECK;
enum status database_end(struct database *database, bool keep, struct diag *diag) SERTN_MUST_CHECK;

/* A statement under way; its arguments are bound in order. One that failed stays so. */
struct query {
    const struct database *database;
    void *statement; /* sqlite3_stmt *, owned */
    int bound;
    bool failed;
};
struct query query_begin(const struct database *database, const char *sql);
void query_bind_number(struct query *query, uint64_t value);
void query_bind_text(struct query *query, const char *text);
void query_bind_bytes(struct query *query, const void *bytes, size_t count);
/* The next row; *found says whether there is one. */
enum status query_step(bool *found, struct query *query, struct diag *diag) SERTN_MUST_CHECK;
void query_end(struct query *query);
/* A statement without rows: step and end. */
enum status query_run(struct query *query, struct diag *diag) SERTN_MUST_CHECK;
uint64_t query_number(const struct query *query, int column);
double query_real(const struct query *query, int column);
/* Cut at `size` - 1 bytes. */
void query_text(char *out, size_t size, const struct query *query, int column);
void query_bytes(struct buffer *out, const struct query *query, int column);

#endif
