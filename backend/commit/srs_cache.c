/*
 * The cache folder. See srs_cache.h.
 */
#include "backend/commit/srs_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/buffer.h"

/* Readable by the owner alone: what somebody proves is nobody else's business. */
#define FOLDER_MODE 0700

/* Returns the folder, owned, or null. make: makes it and, for the default, its parent. */
static char *cache_folder(bool make)
{
    const char *base = getenv("XDG_CACHE_HOME");
    char *owned = NULL;
    /* The XDG base directory specification: a relative path is to be ignored. */
    if (!base || base[0] != '/') {
        const char *home = getenv("HOME");
        if (!home || home[0] != '/')
            return NULL;
        base = owned = file_join(home, ".cache");
    }
    char *folder = base ? file_join(base, "sertn") : NULL;
    if (folder && make &&
        (file_make_dir(base, FOLDER_MODE, NULL) != STATUS_OK ||
         file_make_dir(folder, FOLDER_MODE, NULL) != STATUS_OK)) {
        free(folder);
        folder = NULL;
    }
    free(owned);
    return folder;
}

char *srs_cache_folder(void)
{
    return cache_folder(false);
}

char *srs_cache_path(const struct point_file_head *head, bool make)
{
    struct buffer name = {0};
    char *folder = cache_folder(make), *path = NULL;
    buffer_puts(&name, head->origin == 0 ? "development-" : "srs-");
    buffer_put_hex(&name, head->digest, 8);
    if (head->kind == POINT_FILE_LAGRANGE)
        buffer_printf(&name, "-lagrange-%u-%u", head->lg_rows, head->arity);
    else
        buffer_puts(&name, "-powers");
    if (head->levels > 1)
        buffer_printf(&name, "-table-%llu-%u", (unsigned long long)(head->count / head->levels),
                      head->levels);
    buffer_puts(&name, ".points");
    if (folder && !name.failed)
        path = file_join(folder, buffer_text(&name));
    buffer_release(&name);
    free(folder);
    return path;
}

static bool fits(const struct point_file_head *head, const struct point_file_head *wanted,
                 uint64_t count)
{
    return head->kind == wanted->kind && head->origin == wanted->origin &&
           head->lg_rows == wanted->lg_rows && head->arity == wanted->arity &&
           head->levels == wanted->levels && head->shift_bits == wanted->shift_bits &&
           head->window_bits == wanted->window_bits && head->count >= count &&
           memcmp(head->digest, wanted->digest, sizeof head->digest) == 0;
}

bool srs_cache_open(struct point_file *file, const struct point_file_head *wanted, uint64_t count,
                    struct machine *machine)
{
    memset(file, 0, sizeof *file);
    char *path = srs_cache_path(wanted, false);
    bool good = path && point_file_open(file, path, NULL) == STATUS_OK &&
                fits(&file->head, wanted, count) &&
                point_file_check(file, path, 0, (size_t)count, machine, NULL) == STATUS_OK;
    if (!good)
        point_file_close(file);
    free(path);
    return good;
}

bool srs_cache_store(const struct point_file_head *head, const g1_affine *point)
{
    char *path = srs_cache_path(head, true);
    bool good = path && point_file_write(path, head, point, NULL) == STATUS_OK;
    free(path);
    return good;
}
