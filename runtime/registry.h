/*
 * Models on the chain: the calls of contracts/src/registry/ModelRegistry.sol, and what of a model's
 * folder is published.
 *
 * The public folder is published as its files and a manifest, a JSON object of their names, CIDs,
 * hashes and sizes; the uri on the chain names the manifest. Nothing from private/ is ever read
 * here.
 */
#ifndef SERTN_RUNTIME_REGISTRY_H
#define SERTN_RUNTIME_REGISTRY_H

#include "runtime/abi.h"
#include "runtime/account.h"
#include "runtime/arweave_transaction.h"
#include "runtime/model.h"
#include "runtime/storage.h"

enum { REGISTRY_URI_BYTES = 1025 };

/* What the chain knows of a model. */
struct registry_model {
    uint64_t number, compute_cost;
    uint8_t model_hash[32], circuit_hash[32], vk_hash[32];
    uint8_t input_schema_hash[32], output_schema_hash[32];
    uint8_t proof_system_id[4], owner[ABI_ADDRESS];
    uint8_t royalty[ABI_WORD]; /* big-endian */
    bool is_deprecated;
    char uri[REGISTRY_URI_BYTES];
};

struct registry {
    struct endpoints *nodes; /* borrowed */
    uint8_t address[ABI_ADDRESS];
};

/* Models have the numbers 1 .. *count. Errors: STATUS_BAD_INPUT when the address has no registry;
 * STATUS_IO. */
enum status registry_count(uint64_t *count, const struct registry *registry,
                           struct diag *diag) SERTN_MUST_CHECK;
enum status registry_show(struct registry_model *out, const struct registry *registry,
                          uint64_t number, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Checks that a model may be published: the folder is whole, its metadata are what circuit and key
 * say, and the key is not over the development powers. Errors: STATUS_BAD_INPUT, STATUS_REJECTED.
 */
enum status registry_check_model(const struct model *model, struct diag *diag) SERTN_MUST_CHECK;

/* Whether a file of this name belongs into a public folder. */
bool registry_is_public_name(const char *name);

/* Puts the files of public/ into the local store, and on the IPFS node and to Arweave where
 * one is given (arweave null: not there; its bytes are then asked for by the address there); uri
 * names the manifest. Errors: STATUS_BAD_INPUT for a file that does not belong there, or a link;
 * those of the stores. */
enum status registry_store_model(char uri[STORAGE_URI_BYTES], const struct model *model,
                                 const struct storage *storage,
                                 const struct arweave_upload *arweave,
                                 struct diag *diag) SERTN_MUST_CHECK;

struct registry_publication {
    const char *uri;
    uint64_t royalty;  /* in the token's smallest unit */
    uint64_t most_fee; /* the same; 0: whatever it is */
};

/*
 * Registers a model, after allowing the registry to take its fee; *number is what the chain calls
 * it. Called again, it finds the first registration in the journal. Errors: those of account_send;
 * STATUS_BAD_INPUT without the tokens for the fee; STATUS_LIMIT when the fee is above most_fee.
 */
enum status registry_publish(uint64_t *number, struct account_result *result,
                             const struct registry *registry, struct account *account,
                             const struct model *model,
                             const struct registry_publication *publication,
                             struct diag *diag) SERTN_MUST_CHECK;

/* Ends new work for a model, for ever. Errors: STATUS_REJECTED when the account does not own it, or
 * it is so already. */
enum status registry_deprecate(struct account_result *result, const struct registry *registry,
                               struct account *account, uint64_t number,
                               struct diag *diag) SERTN_MUST_CHECK;

#endif
