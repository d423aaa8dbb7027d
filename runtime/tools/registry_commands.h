/* The commands of sertn-registry. Each fills cli->result for --json and prints for people
 * otherwise. */
#ifndef SERTN_RUNTIME_TOOLS_REGISTRY_COMMANDS_H
#define SERTN_RUNTIME_TOOLS_REGISTRY_COMMANDS_H

#include "runtime/registry.h"
#include "runtime/tools/chain_side.h"

struct registry_options {
    const char *input, *second; /* what follows the command */
    const char *output, *name, *entropy, *beacon;
    uint64_t power;  /* 0: not given */
    uint64_t rounds; /* 0: not given */
    struct chain_side_options chain;
    const char *registry, *store, *ipfs, *arweave, *wallet, *viewer, *admit;
    const char *vetting, *data, *labels, *score, *srs;
    const char *ceremony, *node, *uri;
    uint64_t from_block;
    double tolerance;
    uint64_t number, days, from, to; /* 0: not given */
    bool has_period;
    uint64_t royalty, most_fee;
    uint64_t most_reward; /* winston; 0: not given */
    uint64_t gas_price;   /* most, in wei; 0: not given */
};

enum status registry_ceremony_new(struct cli *cli, struct registry_options *options,
                                  struct diag *diag) SERTN_MUST_CHECK;
enum status registry_ceremony_contribute(struct cli *cli, struct registry_options *options,
                                         struct diag *diag) SERTN_MUST_CHECK;
enum status registry_ceremony_beacon(struct cli *cli, struct registry_options *options,
                                     struct diag *diag) SERTN_MUST_CHECK;
enum status registry_ceremony_verify(struct cli *cli, struct registry_options *options,
                                     struct diag *diag) SERTN_MUST_CHECK;
enum status registry_ceremony_import(struct cli *cli, struct registry_options *options,
                                     struct diag *diag) SERTN_MUST_CHECK;
enum status registry_ceremony_status(struct cli *cli, struct registry_options *options,
                                     struct diag *diag) SERTN_MUST_CHECK;
enum status registry_ceremony_fetch(struct cli *cli, struct registry_options *options,
                                    struct diag *diag) SERTN_MUST_CHECK;
enum status registry_ceremony_enroll(struct cli *cli, struct registry_options *options,
                                     struct diag *diag) SERTN_MUST_CHECK;
enum status registry_ceremony_post(struct cli *cli, struct registry_options *options,
                                   struct diag *diag) SERTN_MUST_CHECK;
enum status registry_ceremony_skip(struct cli *cli, struct registry_options *options,
                                   struct diag *diag) SERTN_MUST_CHECK;
enum status registry_ceremony_finish(struct cli *cli, struct registry_options *options,
                                     struct diag *diag) SERTN_MUST_CHECK;
enum status registry_publish_command(struct cli *cli, struct registry_options *options,
                                     struct diag *diag) SERTN_MUST_CHECK;
enum status registry_list_command(struct cli *cli, struct registry_options *options,
                                  struct diag *diag) SERTN_MUST_CHECK;
enum status registry_show_command(struct cli *cli, struct registry_options *options,
                                  struct diag *diag) SERTN_MUST_CHECK;
enum status registry_vet_command(struct cli *cli, struct registry_options *options,
                                 struct diag *diag) SERTN_MUST_CHECK;
enum status registry_deprecate_command(struct cli *cli, struct registry_options *options,
                                       struct diag *diag) SERTN_MUST_CHECK;
enum status registry_sealing_key_command(struct cli *cli, struct registry_options *options,
                                         struct diag *diag) SERTN_MUST_CHECK;
enum status registry_seal_command(struct cli *cli, struct registry_options *options,
                                  struct diag *diag) SERTN_MUST_CHECK;
enum status registry_open_command(struct cli *cli, struct registry_options *options,
                                  struct diag *diag) SERTN_MUST_CHECK;

/* The fields of a model that the chain knows. */
void registry_add_model(cJSON *object, const struct registry_model *model);

#endif
