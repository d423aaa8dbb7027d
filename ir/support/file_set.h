/*
 * Files that belong together, written as one: keys and what is published with them.
 *
 * Each is complete on the disk before the first takes its place, so a full disk leaves what was
 * there. The last file added is the mark of the whole set: it is removed before the first file
 * takes its place and appears after all others, so whoever finds it finds the set it belongs to,
 * whenever the process was killed.
 */
#ifndef SERTN_IR_SUPPORT_FILE_SET_H
#define SERTN_IR_SUPPORT_FILE_SET_H

#include "ir/support/file.h"

enum { FILE_SET_MAX = 12 };

/* Life cycle: a zeroed set, file_set_add..., then commit or abandon; both leave it zeroed. */
struct file_set {
    struct file_writer writer[FILE_SET_MAX];
    size_t count;
};

/*
 * Writes a file beside its place; durable as file_write has it. Requires: fewer than FILE_SET_MAX
 * files. Errors: as file_writer_begin, and STATUS_IO; the set is then to be abandoned.
 */
enum status file_set_add(struct file_set *set, const char *path, const void *bytes, size_t count,
                         unsigned mode, bool durable, struct diag *diag) SERTN_MUST_CHECK;
/* Puts all files in their places. Errors: STATUS_IO; there is then no mark. */
enum status file_set_commit(struct file_set *set, struct diag *diag) SERTN_MUST_CHECK;
/* Removes what was written; does nothing to an empty set. */
void file_set_abandon(struct file_set *set);

#endif
