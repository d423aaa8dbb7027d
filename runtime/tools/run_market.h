/* What the commands of the market share. */
#ifndef SERTN_RUNTIME_TOOLS_RUN_MARKET_H
#define SERTN_RUNTIME_TOOLS_RUN_MARKET_H

#include "runtime/market.h"
#include "runtime/storage.h"
#include "runtime/tools/chain_side.h"
#include "runtime/tools/run_common.h"

struct market_side {
    struct chain_side chain;
    struct market market;
};

/* Reaches nodes and market, and opens the account of who signs. Close side->chain in any case. */
enum status run_market_open(struct market_side *side, const struct run_options *options, bool signs,
                            struct diag *diag) SERTN_MUST_CHECK;
struct chain_side_options run_market_chain(const struct run_options *options);
struct storage run_market_storage(const struct run_options *options);

void run_add_amount(cJSON *object, const char *name, amount value);
void run_add_job(cJSON *object, struct market_job_id id);
void run_add_address(cJSON *object, const char *name, const uint8_t address[ABI_ADDRESS]);
enum status run_read_job(struct market_job_id *id, const char *text,
                         struct diag *diag) SERTN_MUST_CHECK;
/* The model of the registry is the one of the folder. */
enum status run_check_key(struct registry_model *registered, const struct market *market,
                          const struct model *model, uint64_t number,
                          struct diag *diag) SERTN_MUST_CHECK;

#endif
