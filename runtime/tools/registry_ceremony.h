/* What the commands about files of ceremonies and those about ceremonies on a chain share. Private
 * to runtime/tools/registry_ceremony*.c. */
#ifndef SERTN_RUNTIME_TOOLS_REGISTRY_CEREMONY_H
#define SERTN_RUNTIME_TOOLS_REGISTRY_CEREMONY_H

#include "backend/commit/ceremony.h"
#include "runtime/tools/registry_commands.h"

/* That -o names a file. */
enum status registry_want_ceremony(const struct registry_options *options,
                                   struct diag *diag) SERTN_MUST_CHECK;
/* A name that may stand in a file; NULL may. */
enum status registry_check_name(const char *name, struct diag *diag) SERTN_MUST_CHECK;

/* The seed of a contribution, from the system and the file of --entropy (NULL: none); what was read
 * is wiped. The caller wipes the seed. */
enum status registry_make_seed(uint8_t seed[CEREMONY_SEED_BYTES], const char *entropy,
                               struct diag *diag) SERTN_MUST_CHECK;

/* Writes the ceremony with one contribution more to -o, and reports it. */
enum status registry_add_to_ceremony(struct cli *cli, const struct registry_options *options,
                                     const struct ceremony *old,
                                     const struct ceremony_addition *addition,
                                     struct diag *diag) SERTN_MUST_CHECK;

/* ceremony contribute with a ceremony on a chain. */
enum status registry_ceremony_take_turn(struct cli *cli, struct registry_options *options,
                                        struct diag *diag) SERTN_MUST_CHECK;

#endif
