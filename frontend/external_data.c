/* External data: see external_data.h. */
#include "frontend/external_data.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct external_file {
    struct external_file *next;
    int descriptor;
    uint64_t bytes;
    char location[];
};

enum status external_folder_init(struct external_folder *folder, const char *model_path,
                                 struct diag *diag)
{
    char *path = strdup(model_path);
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory");
    char *slash = strrchr(path, '/');
    const char *parent = slash == NULL ? "." : slash == path ? "/" : path;
    if (slash != NULL && slash != path)
        *slash = 0;
    int descriptor = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(path);
    if (descriptor < 0)
        return diag_set(diag, STATUS_IO, "cannot open the folder of %s: %s", model_path,
                        strerror(errno));
    *folder = (struct external_folder){.folder = descriptor};
    return STATUS_OK;
}

void external_folder_release(struct external_folder *folder)
{
    while (folder->file != NULL) {
        struct external_file *next = folder->file->next;
        close(folder->file->descriptor);
        free(folder->file);
        folder->file = next;
    }
    if (folder->folder > 0)
        close(folder->folder);
    *folder = (struct external_folder){0};
}

/* Relative, not empty, and no component is "..". */
static bool location_is_plain(const char *location)
{
    if (location[0] == 0 || location[0] == '/' || strchr(location, '\\') != NULL)
        return false;
    for (const char *part = location; part != NULL;) {
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.')
            return false;
        part = part[length] == 0 ? NULL : part + length + 1;
    }
    return true;
}

/* Opens component by component, none of them a symbolic link: for kernels before 5.6. */
static int open_by_steps(int folder, const char *location)
{
    int at = dup(folder);
    const char *part = location;
    while (at >= 0) {
        size_t length = strcspn(part, "/");
        char name[256];
        if (length >= sizeof name) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, part, length);
        name[length] = 0;
        bool is_last = part[length] == 0;
        int flags = is_last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY;
        int next =
            length == 0 && !is_last ? dup(at) : openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
        int saved = errno;
        close(at);
        errno = saved;
        if (is_last || next < 0)
            return next;
        at = next;
        part += length + 1;
    }
    return -1;
}

static int open_beneath(int folder, const char *location)
{
    struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
                           .resolve =
                               RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    long descriptor = syscall(SYS_openat2, folder, location, &how, sizeof how);
    if (descriptor < 0 && (errno == ENOSYS || errno == EPERM))
        return open_by_steps(folder, location);
    return (int)descriptor;
}

/* Explains a failed open. */
static enum status open_failure(const char *location, int error, struct diag *diag)
{
    if (error == ELOOP || error == EXDEV)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "external data '%s' leads through a symbolic link or out of the model's folder; "
            "put the file itself there",
            location);
    if (error == ENOENT || error == ENOTDIR)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "external data '%s' is not in the model's folder; put it beside the model",
                        location);
    return diag_set(diag, STATUS_IO, "cannot open external data '%s': %s", location,
                    strerror(error));
}

static enum status check_file(int descriptor, const char *location, uint64_t *bytes,
                              struct diag *diag)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return diag_set(diag, STATUS_IO, "external data '%s': %s", location, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return diag_set(diag, STATUS_BAD_INPUT, "external data '%s' is not a regular file",
                        location);
    if (info.st_nlink != 1)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "external data '%s' is a hard link, which could stand for a file elsewhere; copy it",
            location);
    *bytes = (uint64_t)info.st_size;
    return STATUS_OK;
}

/* Finds a file among those open, or opens it. */
static enum status open_file(struct external_folder *folder, const char *location,
                             struct external_file **out, struct diag *diag)
{
    for (struct external_file *file = folder->file; file != NULL; file = file->next) {
        if (strcmp(file->location, location) == 0) {
            *out = file;
            return STATUS_OK;
        }
    }
    if (folder->folder <= 0)
        return diag_set(diag, STATUS_BAD_INPUT, "external data '%s', but this model has no folder",
                        location);
    if (!location_is_plain(location))
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "external data location '%s' is refused: it must be a path inside the model's folder",
            location);
    int descriptor = open_beneath(folder->folder, location);
    if (descriptor < 0)
        return open_failure(location, errno, diag);
    uint64_t bytes = 0;
    enum status status = check_file(descriptor, location, &bytes, diag);
    size_t length = strlen(location) + 1;
    struct external_file *file = NULL;
    if (status == STATUS_OK && (file = malloc(sizeof *file + length)) == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "out of memory");
    if (status != STATUS_OK) {
        close(descriptor);
        return status;
    }
    *file = (struct external_file){folder->file, descriptor, bytes};
    memcpy(file->location, location, length);
    folder->file = file;
    *out = file;
    return STATUS_OK;
}

static enum status find_range(struct external_folder *folder, const struct external_range *range,
                              struct external_file **file, struct diag *diag)
{
    enum status status = open_file(folder, range->location, file, diag);
    if (status != STATUS_OK)
        return status;
    uint64_t size = (*file)->bytes;
    if (range->offset > size || range->bytes > size - range->offset)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "external data '%s' has %llu bytes, but bytes %llu to %llu are asked for",
                        range->location, (unsigned long long)size,
                        (unsigned long long)range->offset,
                        (unsigned long long)(range->offset + range->bytes));
    return STATUS_OK;
}

enum status external_check(struct external_folder *folder, const struct external_range *range,
                           struct diag *diag)
{
    struct external_file *file;
    return find_range(folder, range, &file, diag);
}

enum status external_read(struct external_folder *folder, const struct external_range *range,
                          uint8_t *out, struct diag *diag)
{
    struct external_file *file;
    enum status status = find_range(folder, range, &file, diag);
    for (size_t done = 0; status == STATUS_OK && done < range->bytes;) {
        ssize_t count =
            pread(file->descriptor, out + done, range->bytes - done, (off_t)(range->offset + done));
        if (count > 0)
            done += (size_t)count;
        else if (count == 0)
            status =
                diag_set(diag, STATUS_IO, "external data '%s' became shorter", range->location);
        else if (errno != EINTR)
            status = diag_set(diag, STATUS_IO, "cannot read external data '%s': %s",
                              range->location, strerror(errno));
    }
    return status;
}
