/* See file_set.h. */
#include "ir/support/file_set.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum status file_set_add(struct file_set *set, const char *path, const void *bytes, size_t count,
                         unsigned mode, bool durable, struct diag *diag)
{
    ASSERT(set->count < FILE_SET_MAX);
    struct file_writer *writer = &set->writer[set->count];
    enum status status = file_writer_begin(writer, path, mode, durable, diag);
    if (status != STATUS_OK)
        return status;
    set->count++;
    file_writer_put(writer, bytes, count);
    return file_writer_seal(writer, diag);
}

enum status file_set_commit(struct file_set *set, struct diag *diag)
{
    enum status status = STATUS_OK;
    const char *mark = set->count == 0 ? NULL : set->writer[set->count - 1].target;
    if (mark != NULL && unlink(mark) != 0 && errno != ENOENT)
        status = diag_set(diag, STATUS_IO, "cannot replace %s: %s", mark, strerror(errno));
    for (size_t i = 0; i < set->count && status == STATUS_OK; i++)
        status = file_writer_commit(&set->writer[i], diag);
    file_set_abandon(set);
    return status;
}

void file_set_abandon(struct file_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        file_writer_abandon(&set->writer[i]);
    *set = (struct file_set){0};
}
