/* The texts of sertn-registry --help. */
#ifndef SERTN_RUNTIME_TOOLS_REGISTRY_HELP_H
#define SERTN_RUNTIME_TOOLS_REGISTRY_HELP_H

/* Help on a command; on all of them for NULL and for what is none. Static. */
const char *registry_help(const char *command);

#endif
