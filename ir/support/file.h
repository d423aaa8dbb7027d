/*
 * Files: read whole under a limit, written whole or not at all.
 *
 * A write goes to a temporary file beside the target and is renamed over it when complete. Once
 * file_clean_on_signals was called, an interrupt removes what was being written; without it, or
 * after a kill, a file named .<target>.tmp-<random> may stay behind, never a broken target.
 */
#ifndef SERTN_IR_SUPPORT_FILE_H
#define SERTN_IR_SUPPORT_FILE_H

#include "ir/support/buffer.h"
#include "ir/support/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Permissions of what is written: for everybody, or for the owner alone (weights, keys). */
#define FILE_MODE_PUBLIC 0644
#define FILE_MODE_PRIVATE 0600

/*
 * Appends the whole file to the buffer. "-" is standard input.
 * Errors: STATUS_BAD_INPUT when there is no such file or it is a folder, STATUS_LIMIT when it has
 * more than limit_bytes (nothing is then read into memory beyond the limit), STATUS_IO,
 * STATUS_NO_MEMORY.
 */
enum status file_read(const char *path, uint64_t limit_bytes, struct buffer *buffer,
                      struct diag *diag) SERTN_MUST_CHECK;

/* A file mapped into memory, read-only. Zero-initialised: not mapped. */
struct file_map {
    const uint8_t *data; /* null for an empty file */
    size_t count;
};

/*
 * Maps a file, for big ones read in places (SRS, keys). Errors as of file_read. Another process
 * that cuts the file while it is mapped ends this one by SIGBUS; our own files are replaced, never
 * cut.
 */
enum status file_map_open(struct file_map *map, const char *path, uint64_t limit_bytes,
                          struct diag *diag) SERTN_MUST_CHECK;
void file_map_close(struct file_map *map);

/*
 * Writes a file in one step: afterwards it holds exactly the bytes, or is what it was. durable:
 * also survives a power cut (keys, SRS, journals). A target that is a device or a pipe is written
 * directly.
 */
enum status file_write(const char *path, const void *bytes, size_t count, unsigned mode,
                       bool durable, struct diag *diag) SERTN_MUST_CHECK;

/* The same in pieces: begin, put..., then commit or abandon. */
struct file_writer {
    int descriptor;
    bool direct; /* a device or a pipe: no temporary file */
    bool durable;
    int cleanup;  /* entry in the list of what an interrupt removes, or -1 */
    char *target; /* owned */
    char *staged; /* owned; the temporary file */
    int error;    /* errno of the first failure */
};

enum status file_writer_begin(struct file_writer *writer, const char *path, unsigned mode,
                              bool durable, struct diag *diag) SERTN_MUST_CHECK;
/* Writes bytes; a failure is kept and reported by commit. */
void file_writer_put(struct file_writer *writer, const void *bytes, size_t count);
/*
 * Brings what was put to the disk: of a sealed file only the rename can still fail. Errors:
 * STATUS_IO; commit then fails too.
 */
enum status file_writer_seal(struct file_writer *writer, struct diag *diag) SERTN_MUST_CHECK;
/* Puts the file in its place and releases the writer, in success and failure. */
enum status file_writer_commit(struct file_writer *writer, struct diag *diag) SERTN_MUST_CHECK;
/* Removes what was written and releases the writer. */
void file_writer_abandon(struct file_writer *writer);

bool file_exists(const char *path);
bool file_is_dir(const char *path);
/* The size in bytes; 0 when there is no such file. */
uint64_t file_size_bytes(const char *path);

/* Makes a folder; one that is there already is fine. Parents must exist. */
enum status file_make_dir(const char *path, unsigned mode, struct diag *diag) SERTN_MUST_CHECK;

/* Removes a file or a folder with all in it. Follows no link. A path that is not there is fine. */
enum status file_remove_tree(const char *path, struct diag *diag) SERTN_MUST_CHECK;

/*
 * A folder made as a whole, as file_writer makes a file: begin gives an empty temporary folder
 * beside the target; commit puts it in the target's place. A target that exists is replaced only
 * when it is an empty folder or contains `marker` (a path inside it that only our own artifacts
 * have).
 */
struct file_staging {
    char *target; /* owned */
    char *staged; /* owned; fill this one */
    int cleanup;
};

enum status file_staging_begin(struct file_staging *staging, const char *target, const char *marker,
                               struct diag *diag) SERTN_MUST_CHECK;
enum status file_staging_commit(struct file_staging *staging, struct diag *diag) SERTN_MUST_CHECK;
void file_staging_abandon(struct file_staging *staging);

/*
 * Makes SIGINT, SIGTERM, SIGHUP and SIGPIPE remove the temporary files and folders that are open,
 * then end the process as these signals do. Called once by the programs, never by the library.
 */
void file_clean_on_signals(void);

/* Joins a folder and a name with one slash between them. Returns owned text, null without memory.
 */
char *file_join(const char *folder, const char *name) SERTN_MUST_CHECK;

#endif
