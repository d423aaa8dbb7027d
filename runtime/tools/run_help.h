/* The texts of sertn-run --help. */
#ifndef SERTN_RUNTIME_TOOLS_RUN_HELP_H
#define SERTN_RUNTIME_TOOLS_RUN_HELP_H

/* Help on a command; on all of them for NULL and for what is none. Static. */
const char *run_help(const char *command);

#endif
