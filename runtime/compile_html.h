/*
 * The compile report as one HTML page, for people who do not know what a circuit is: what will be
 * proved and what it costs, how exact the answers are, the model as a picture with the rows of each
 * node, and the table that the circuit is.
 *
 * The page needs no other file and no network. It shows measured and proven errors, so it belongs
 * to the owner, like private/accuracy.json.
 */
#ifndef SERTN_RUNTIME_COMPILE_HTML_H
#define SERTN_RUNTIME_COMPILE_HTML_H

#include "runtime/compile.h"

/* Writes the page of a finished compilation. Errors: STATUS_NO_MEMORY, STATUS_IO. */
enum status compile_html_write(const struct compilation *compilation, const char *model_path,
                               const char *path, struct diag *diag) SERTN_MUST_CHECK;

#endif
