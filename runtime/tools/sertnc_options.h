/* The options of sertnc and its help. */
#ifndef SERTN_RUNTIME_TOOLS_SERTNC_OPTIONS_H
#define SERTN_RUNTIME_TOOLS_SERTNC_OPTIONS_H

#include "runtime/compile.h"
#include "runtime/tools/cli.h"

enum { SERTNC_MOST = 256, SERTNC_NAME_BYTES = 256 };

/* Large: static or on the heap. Strings are those of argv. */
struct sertnc_options {
    struct compile_options compile; /* points into this struct */
    struct import_dim dims[SERTNC_MOST];
    struct import_max_dim max_dims[SERTNC_MOST];
    const char *data[SERTNC_MOST];
    const char *functions[SERTNC_MOST];
    struct compile_bind binds[SERTNC_MOST];
    struct declared_range ranges[SERTNC_MOST];
    struct named_visibility named[SERTNC_MOST];
    char names[4 * SERTNC_MOST][SERTNC_NAME_BYTES];
    size_t name_count;
    const char *emit, *print_after, *reproduce, *html;
    bool report_only, timings, list_ops;
};

/*
 * Reads the command line and checks that it makes sense as a whole. --help and --version print and
 * set *done. Errors: STATUS_BAD_INPUT.
 */
enum status sertnc_read_options(struct sertnc_options *options, struct cli *cli, int argc,
                                char **argv, bool *done, struct diag *diag) SERTN_MUST_CHECK;

#endif
