/*
 * The files beside a model that hold its large tensors, opened without ever leaving the model's
 * folder.
 *
 * A location must be relative, have no ".." component, pass no symbolic link, and name a regular
 * file with one link: else a model from a stranger could make the compiler read, and publish, other
 * files of its user. Source: ONNX, "External Data", security considerations.
 */
#ifndef SERTN_FRONTEND_EXTERNAL_DATA_H
#define SERTN_FRONTEND_EXTERNAL_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "ir/support/status.h"

struct external_file;

/* Life cycle: external_folder_init, external_read..., external_folder_release. A zeroed struct is a
 * model without a folder. */
struct external_folder {
    int folder;                 /* descriptor of the folder; 0 when there is none */
    struct external_file *file; /* owned list of files opened so far */
};

/* Opens the folder of a model file. Errors: IO. */
enum status external_folder_init(struct external_folder *folder, const char *model_path,
                                 struct diag *diag) SERTN_MUST_CHECK;
void external_folder_release(struct external_folder *folder);

/* A stretch of a file: `bytes` from `offset`, as the keys location, offset, length of external_data
 * say. */
struct external_range {
    const char *location;
    uint64_t offset;
    size_t bytes;
};

/*
 * Reads range->bytes bytes into `out`; the range is checked against the size of the file before
 * anything is read. Errors: BAD_INPUT (a forbidden or missing location, a range outside the file),
 * IO.
 */
enum status external_read(struct external_folder *folder, const struct external_range *range,
                          uint8_t *out, struct diag *diag) SERTN_MUST_CHECK;

/* Checks the range as external_read does and reads nothing, so that the caller may allocate. */
enum status external_check(struct external_folder *folder, const struct external_range *range,
                           struct diag *diag) SERTN_MUST_CHECK;

#endif
