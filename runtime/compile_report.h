/* The report and the metadata of a compilation. Private to runtime/compile. */
#ifndef SERTN_RUNTIME_COMPILE_REPORT_H
#define SERTN_RUNTIME_COMPILE_REPORT_H

#include "runtime/compile.h"

/* Fills c->report from the circuit. Errors: STATUS_NO_MEMORY. */
enum status compile_report_init(struct compilation *c, const struct compile_options *options,
                                struct diag *diag) SERTN_MUST_CHECK;
/* public/metadata.json, owned; NULL without memory. */
char *compile_metadata_json(const struct compilation *c, const struct compile_options *options);

#endif
