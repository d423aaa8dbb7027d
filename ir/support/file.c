/* Files: see file.h. */
#include "ir/support/file.h"

#include "ir/support/file_cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

/* What a system error means to the user: a path that is wrong, or surroundings that failed. */
static enum status status_of_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return STATUS_BAD_INPUT;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    default:
        return STATUS_IO;
    }
}

static enum status fail(struct diag *diag, const char *verb, const char *path, int error)
{
    return diag_set(diag, status_of_errno(error), "cannot %s %s: %s", verb, path, strerror(error));
}

static enum status out_of_memory(struct diag *diag, const char *path)
{
    return diag_set(diag, STATUS_NO_MEMORY, "no memory for %s", path);
}

static enum status too_large(struct diag *diag, const char *path, uint64_t limit_bytes)
{
    return diag_set(diag, STATUS_LIMIT, "%s is larger than the limit of %llu bytes", path,
                    (unsigned long long)limit_bytes);
}

/* Opens for reading what is not a folder. */
static enum status open_input(int *descriptor, struct stat *info, const char *path,
                              struct diag *diag)
{
    *descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (*descriptor < 0)
        return fail(diag, "read", path, errno);
    int error = fstat(*descriptor, info) != 0 ? errno : S_ISDIR(info->st_mode) ? EISDIR : 0;
    if (error != 0) {
        close(*descriptor);
        return fail(diag, "read", path, error);
    }
    return STATUS_OK;
}

/* Appends what is left of an open file. */
static enum status read_all(int descriptor, const char *path, uint64_t limit_bytes,
                            struct buffer *buffer, struct diag *diag)
{
    const size_t step = 65536;
    uint64_t total = 0;
    for (;;) {
        uint8_t *room = buffer_extend(buffer, step);
        if (room == NULL)
            return out_of_memory(diag, path);
        ssize_t got = read(descriptor, room, step);
        int error = errno;
        buffer->count -= step - (got > 0 ? (size_t)got : 0);
        buffer->data[buffer->count] = 0;
        if (got == 0)
            return STATUS_OK;
        if (got < 0 && error != EINTR)
            return fail(diag, "read", path, error);
        total += got > 0 ? (uint64_t)got : 0;
        if (total > limit_bytes)
            return too_large(diag, path, limit_bytes);
    }
}

enum status file_read(const char *path, uint64_t limit_bytes, struct buffer *buffer,
                      struct diag *diag)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, "standard input", limit_bytes, buffer, diag);
    int descriptor;
    struct stat info;
    enum status status = open_input(&descriptor, &info, path, diag);
    if (status != STATUS_OK)
        return status;
    if (S_ISREG(info.st_mode) && (uint64_t)info.st_size > limit_bytes)
        status = too_large(diag, path, limit_bytes);
    else
        status = read_all(descriptor, path, limit_bytes, buffer, diag);
    close(descriptor);
    return status;
}

enum status file_map_open(struct file_map *map, const char *path, uint64_t limit_bytes,
                          struct diag *diag)
{
    *map = (struct file_map){0};
    int descriptor;
    struct stat info;
    enum status status = open_input(&descriptor, &info, path, diag);
    if (status != STATUS_OK)
        return status;
    if (!S_ISREG(info.st_mode)) {
        status = diag_set(diag, STATUS_BAD_INPUT, "%s is not a regular file", path);
    } else if ((uint64_t)info.st_size > limit_bytes) {
        status = too_large(diag, path, limit_bytes);
    } else if (info.st_size > 0) {
        size_t count = (size_t)info.st_size;
        void *data = mmap(NULL, count, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (data == MAP_FAILED)
            status = fail(diag, "map", path, errno);
        else
            *map = (struct file_map){data, count};
    }
    close(descriptor);
    return status;
}

void file_map_close(struct file_map *map)
{
    if (map->data != NULL)
        munmap((void *)(uintptr_t)map->data, map->count);
    *map = (struct file_map){0};
}

char *file_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    bool slash = length > 0 && folder[length - 1] != '/';
    char *path;
    return asprintf(&path, "%s%s%s", folder, slash ? "/" : "", name) < 0 ? NULL : path;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

uint64_t file_size_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && info.st_size > 0 ? (uint64_t)info.st_size : 0;
}

/* Returns owned text: a name beside the target that nobody else will choose. */
static char *staged_name(const char *target)
{
    const char *slash = strrchr(target, '/');
    int folder = slash == NULL ? 0 : (int)(slash + 1 - target);
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = (uint64_t)getpid();
    char *path;
    int length = asprintf(&path, "%.*s.%s.tmp-%016llx", folder, target, target + folder,
                          (unsigned long long)random);
    return length < 0 ? NULL : path;
}

/* Returns owned text: the file a path stands for, links followed; and whether it is written
 * directly. */
static char *resolve_target(const char *path, bool *direct)
{
    struct stat info;
    *direct = false;
    if (stat(path, &info) != 0)
        return strdup(path);
    *direct = !S_ISREG(info.st_mode);
    char *resolved = *direct ? NULL : realpath(path, NULL);
    return resolved != NULL ? resolved : strdup(path);
}

static void release_writer(struct file_writer *writer)
{
    file_cleanup_remove(writer->cleanup);
    if (writer->descriptor >= 0)
        close(writer->descriptor);
    free(writer->target);
    free(writer->staged);
    *writer = (struct file_writer){.descriptor = -1, .cleanup = -1};
}

/* Opens the temporary file, entered in the list before it exists so that no signal falls between.
 */
static int open_staged(struct file_writer *writer, unsigned mode)
{
    writer->cleanup = file_cleanup_add(writer->staged);
    return open(writer->staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
}

enum status file_writer_begin(struct file_writer *writer, const char *path, unsigned mode,
                              bool durable, struct diag *diag)
{
    *writer = (struct file_writer){.descriptor = -1, .cleanup = -1, .durable = durable};
    writer->target = resolve_target(path, &writer->direct);
    writer->staged = writer->target == NULL ? NULL : staged_name(writer->target);
    if (writer->staged == NULL) {
        release_writer(writer);
        return out_of_memory(diag, path);
    }
    writer->descriptor =
        writer->direct ? open(writer->target, O_WRONLY | O_CLOEXEC) : open_staged(writer, mode);
    if (writer->descriptor < 0) {
        int error = errno;
        release_writer(writer);
        return fail(diag, "write", path, error);
    }
    return STATUS_OK;
}

void file_writer_put(struct file_writer *writer, const void *bytes, size_t count)
{
    const uint8_t *next = bytes;
    while (count > 0 && writer->error == 0) {
        ssize_t wrote = write(writer->descriptor, next, count);
        if (wrote < 0 && errno != EINTR)
            writer->error = errno;
        if (wrote > 0) {
            next += wrote;
            count -= (size_t)wrote;
        }
    }
}

/* Makes the rename itself survive a power cut. */
static int sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL   ? strdup(".")
                   : slash == path ? strdup("/")
                                   : strndup(path, (size_t)(slash - path));
    if (folder == NULL)
        return ENOMEM;
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (descriptor < 0)
        return errno;
    /* Some file systems cannot sync a folder, and say so by EINVAL. */
    int error = fsync(descriptor) != 0 && errno != EINVAL ? errno : 0;
    close(descriptor);
    return error;
}

enum status file_writer_seal(struct file_writer *writer, struct diag *diag)
{
    int descriptor = writer->descriptor;
    if (descriptor >= 0) {
        if (writer->error == 0 && writer->durable && !writer->direct && fsync(descriptor) != 0)
            writer->error = errno;
        if (close(descriptor) != 0 && writer->error == 0)
            writer->error = errno;
        writer->descriptor = -1;
    }
    return writer->error == 0 ? STATUS_OK : fail(diag, "write", writer->target, writer->error);
}

enum status file_writer_commit(struct file_writer *writer, struct diag *diag)
{
    enum status sealed = file_writer_seal(writer, NULL);
    int error = sealed == STATUS_OK ? 0 : writer->error;
    if (!writer->direct) {
        if (error == 0 && rename(writer->staged, writer->target) != 0)
            error = errno;
        if (error != 0)
            unlink(writer->staged);
        else if (writer->durable)
            error = sync_folder_of(writer->target);
    }
    enum status status = error == 0 ? STATUS_OK : fail(diag, "write", writer->target, error);
    release_writer(writer);
    return status;
}

void file_writer_abandon(struct file_writer *writer)
{
    if (writer->staged != NULL && !writer->direct)
        unlink(writer->staged);
    release_writer(writer);
}

enum status file_write(const char *path, const void *bytes, size_t count, unsigned mode,
                       bool durable, struct diag *diag)
{
    struct file_writer writer;
    enum status status = file_writer_begin(&writer, path, mode, durable, diag);
    if (status != STATUS_OK)
        return status;
    file_writer_put(&writer, bytes, count);
    return file_writer_commit(&writer, diag);
}

enum status file_make_dir(const char *path, unsigned mode, struct diag *diag)
{
    if (mkdir(path, mode) == 0)
        return STATUS_OK;
    int error = errno;
    if (error == EEXIST && file_is_dir(path))
        return STATUS_OK;
    return fail(diag, "make the folder", path, error);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

/* Returns 0, or the errno of what could not be removed. */
static int remove_tree(const char *path)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return errno;
    return 0;
}

enum status file_remove_tree(const char *path, struct diag *diag)
{
    int error = remove_tree(path);
    return error == 0 ? STATUS_OK : fail(diag, "remove", path, error);
}

/* Whether a folder may be replaced: nothing there, an empty folder, or one of ours. */
static enum status check_replaceable(const char *target, const char *marker, struct diag *diag)
{
    struct stat info;
    if (lstat(target, &info) != 0)
        return errno == ENOENT ? STATUS_OK : fail(diag, "write", target, errno);
    if (!S_ISDIR(info.st_mode))
        return diag_set(diag, STATUS_BAD_INPUT, "%s is there and is no folder: choose another name",
                        target);
    char *inside = file_join(target, marker);
    if (inside == NULL)
        return out_of_memory(diag, target);
    bool ours = file_exists(inside);
    free(inside);
    /* rmdir removes a folder only when it is empty, which is then no loss. */
    if (ours || rmdir(target) == 0)
        return STATUS_OK;
    return diag_set(
        diag, STATUS_BAD_INPUT,
        "%s holds other files (no %s in it) and is not overwritten: choose another name", target,
        marker);
}

static void release_staging(struct file_staging *staging)
{
    file_cleanup_remove(staging->cleanup);
    free(staging->target);
    free(staging->staged);
    *staging = (struct file_staging){.cleanup = -1};
}

/* Returns owned text: the target without slashes at its end. */
static char *trim_slashes(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return strndup(path, length);
}

enum status file_staging_begin(struct file_staging *staging, const char *target, const char *marker,
                               struct diag *diag)
{
    *staging = (struct file_staging){.cleanup = -1, .target = trim_slashes(target)};
    staging->staged = staging->target == NULL ? NULL : staged_name(staging->target);
    if (staging->staged == NULL) {
        release_staging(staging);
        return out_of_memory(diag, target);
    }
    enum status status = check_replaceable(staging->target, marker, diag);
    if (status == STATUS_OK) {
        staging->cleanup = file_cleanup_add(staging->staged);
        if (mkdir(staging->staged, 0755) != 0)
            status = fail(diag, "write", target, errno);
    }
    if (status != STATUS_OK)
        release_staging(staging);
    return status;
}

/* Puts the new folder in the target's place; returns 0 or errno. What is to be removed afterwards,
 * the earlier folder or a new one that found no place, is then at the staged name, or nothing is.
 */
static int exchange(const struct file_staging *staging)
{
    if (syscall(SYS_renameat2, AT_FDCWD, staging->staged, AT_FDCWD, staging->target,
                RENAME_EXCHANGE) == 0)
        return 0;
    int error = errno;
    /* File systems without the exchange: a moment without any folder, never with half of one. */
    if (error == EINVAL || error == ENOSYS)
        error = remove_tree(staging->target);
    else if (error == ENOENT)
        error = 0;
    if (error == 0 && rename(staging->staged, staging->target) != 0)
        error = errno;
    return error;
}

enum status file_staging_commit(struct file_staging *staging, struct diag *diag)
{
    enum status status = STATUS_OK;
    int error = exchange(staging);
    int leftover = remove_tree(staging->staged);
    if (error != 0)
        status = fail(diag, "write", staging->target, error);
    else if (leftover != 0)
        status = fail(diag, "remove the earlier contents in", staging->staged, leftover);
    release_staging(staging);
    return status;
}

void file_staging_abandon(struct file_staging *staging)
{
    /* What cannot be removed stays as a hidden temporary folder: there is nobody left to tell. */
    if (staging->staged != NULL)
        remove_tree(staging->staged);
    release_staging(staging);
}
