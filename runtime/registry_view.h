/*
 * What a buyer needs to judge a model before he pays for its answers: the published folder, fetched
 * by the uri on the chain and compared with the hashes there; the state of its proof system; how
 * its last jobs ended. Nothing declared is believed: what cannot be recomputed is called a claim.
 */
#ifndef SERTN_RUNTIME_REGISTRY_VIEW_H
#define SERTN_RUNTIME_REGISTRY_VIEW_H

#include "runtime/contract.h"
#include "runtime/registry.h"

/* ORDER registry_route_state: the numbers of the contract. */
enum registry_route_state { REGISTRY_ROUTE_NONE, REGISTRY_ROUTE_LIVE, REGISTRY_ROUTE_STOPPED };

/* What contracts/src/verify/VerifierRouter.sol says of a proof system. */
struct registry_route {
    enum registry_route_state state;
    uint8_t router[ABI_ADDRESS], verifier[ABI_ADDRESS];
    bool is_frozen;         /* no other route will ever be added */
    bool has_canary;        /* anybody can stop it with a proof of a false claim */
    uint8_t srs_digest[32]; /* that the verifier trusts; zeros without a route */
};
/* Errors: STATUS_IO. */
enum status registry_read_route(struct registry_route *out, const struct registry *registry,
                                const uint8_t proof_system_id[4],
                                struct diag *diag) SERTN_MUST_CHECK;

/* What contracts/src/market/MarketViewer.sol says of a model's last jobs, at most
 * REGISTRY_LAST_JOBS of them, and of the next one's price. */
enum { REGISTRY_LAST_JOBS = 256 };
struct registry_statistics {
    uint64_t open, paid, unanswered;
    uint64_t spare_seconds; /* sum over the paid ones */
    amount price;           /* of a job without a callback, in the token's smallest unit */
};
/* Errors: STATUS_BAD_INPUT when the address is no viewer of a market of this registry; STATUS_IO.
 */
enum status registry_read_statistics(struct registry_statistics *out,
                                     const struct registry *registry,
                                     const uint8_t viewer[ABI_ADDRESS], uint64_t number,
                                     struct diag *diag) SERTN_MUST_CHECK;

/* What was fetched. */
struct registry_files {
    size_t count;
    uint64_t bytes;
};

/*
 * Fetches the published files of a model into a folder, as `folder`/public: the manifest by the uri
 * on the chain, which must name its hash, then each file by its hashes in there. Errors:
 * STATUS_REJECTED when a store gives other bytes; STATUS_BAD_INPUT for a manifest that is none, or
 * names what does not belong into a public folder; those of the stores.
 */
enum status registry_fetch(struct registry_files *files, const char *folder,
                           const struct registry_model *model, const struct storage *storage,
                           struct diag *diag) SERTN_MUST_CHECK;

/*
 * Compares a fetched model with what the chain has of it: key, circuit, schemas, model hash, and
 * the compute cost, which the key gives; metadata are made again from circuit and key. Requires: it
 * was loaded with its key. Errors: STATUS_REJECTED naming what differs.
 */
enum status registry_compare(const struct model *model, const struct registry_model *expected,
                             struct diag *diag) SERTN_MUST_CHECK;

/* Compute units of one answer, from the header of a key: 2^lg_rows. */
uint64_t registry_compute_cost(const struct plonk_verifying_key *key);

#endif
