/*
 * The network on a local anvil: contracts deployed, a model published over a ceremony's powers, and
 * accounts with ether and tokens. Deployed once a test program; network_reset goes back to that.
 */
#ifndef SERTN_TESTS_PROGRAMS_NETWORK_KIT_H
#define SERTN_TESTS_PROGRAMS_NETWORK_KIT_H

#include "tests/programs/chain_kit.h"

/* Accounts of the test mnemonic: the owner of model 1, who also asks for answers, and two nodes. */
enum network_account { NETWORK_OWNER, NETWORK_NODE, NETWORK_NODE_2, NETWORK_ACCOUNTS };

struct network {
    const char *url, *folder; /* folder: of all files; lives as long as the program */
    char market[43], registry[43], pools[43], token[43], router[43], verifier[43];
    char model[600], input[600], password[600];
    char keystore[NETWORK_ACCOUNTS][600];
    char address[NETWORK_ACCOUNTS][43];
};

/* Skips the case where contracts/setup has not been run. */
struct network *network_start(void);
/* The chain as it was after network_start. */
void network_reset(struct network *network);

/* The chain as it is, and back to that: once, for whoever goes back leaves all later marks behind.
 * The mark is kept until the case ends. */
const char *network_mark(const struct network *network);
void network_go_back(const struct network *network, const char *mark);

/* The ceremony that models of the network are made over; made once a build folder. */
const char *network_powers(void);

/* Ends the chain: network_start makes another. */
void network_stop(void);

/* A call of the node, as rpc_call; the caller deletes it. Ends the case when it fails. */
cJSON *network_call(const struct network *network, const char *method, const char *params);
/* A word of a contract by `cast call`, in decimal; for checks that do not rest on our code. */
const char *network_ask(const struct network *network, const char *to, const char *signature,
                        const char *argument);
/* A transaction of an account, by cast. */
void network_send(const struct network *network, enum network_account from, const char *to,
                  const char *signature, const char *arguments);

/* sertn-run with --rpc, --market, and the account's keystore and a journal of its own. */
struct test_output network_run(const struct network *network, enum network_account account,
                               const char *format, ...) SERTN_PRINTF(3, 4);
/* Requests `count` jobs with inputs of their own; each is done. */
void network_request(const struct network *network, unsigned first, unsigned count);

/* Opens an account in the market, so that payments do not wait in jobs. */
void network_open_account(const struct network *network, enum network_account account);
/* Bonds stake of an account and promises units of model 1, and goes into the next epoch. */
void network_join(const struct network *network, enum network_account account, unsigned units);
/* Writes the configuration of a node that serves model 1, with its data in folder/data; `more` are
 * further fields. Proofs do not wait for others unless `more` has "batch". Returns its path. */
const char *network_config(const struct network *network, enum network_account account,
                           const char *folder, const char *more);
/* Another market of the same chain, with the code and the settings of the first and no jobs. */
struct network network_twin(const struct network *network);
/* Deploys the contract of backtests; a ceremony of power 7 that takes two contributions, ten
 * minutes of enrolment and for a turn, and writes its file without contributions to `zero`. The
 * address. */
const char *network_vetting(const struct network *network);
const char *network_ceremony(const struct network *network, const char *zero);
void network_pass_time(const struct network *network, unsigned seconds);
/* Mines blocks, few with each call: a busy machine takes more than a minute for thousands. */
void network_mine(const struct network *network, unsigned blocks);

#endif
