/*
 * Verifying on an EVM chain over JSON-RPC: deploying the universal verifier on a development chain,
 * sending a proof, reading what it cost.
 *
 * HTTP by libcurl, loaded when first used; JSON by cJSON. Errors: STATUS_IO when the node cannot be
 * reached or answers rubbish, with what it said; STATUS_REJECTED when the contract says no.
 */
#ifndef SERTN_RUNTIME_CHAIN_H
#define SERTN_RUNTIME_CHAIN_H

#include "ir/support/buffer.h"
#include "runtime/proof.h"
#include "runtime/signer.h"

enum { CHAIN_ADDRESS_BYTES = 20, CHAIN_DEVELOPMENT = 31337 };

/* "verify(bytes32,bytes,bytes32,uint256[],bytes)": vk digest, vk, context, words, proof. */
extern const char chain_verify_signature[];

/* ABI call data of PlonkVerifier.verify(bytes32,bytes,bytes32,uint256[],bytes), selector included.
 */
enum status chain_verify_calldata(struct buffer *out, const struct proof *proof,
                                  const struct model *model,
                                  const uint8_t context[PROOF_CONTEXT_BYTES],
                                  struct diag *diag) SERTN_MUST_CHECK;

struct chain_result {
    uint64_t chain_id;
    uint64_t gas; /* used by the whole verifying transaction; 0 when it was a read-only call */
    uint64_t deploy_gas; /* 0 when the verifier was there */
    uint8_t verifier[CHAIN_ADDRESS_BYTES];
};

struct chain_options {
    const char *rpc;      /* a node, or several with commas between: more than half must agree */
    const char *verifier; /* address text, or NULL: the address that follows from the code */
    uint64_t chain_id;    /* the nodes must be of this chain; 0: any */
    bool deploy;          /* on another chain than a development one, when it is not there */
    struct signer_options signer; /* who sends; keystore NULL: the node's unlocked account */
};

/*
 * Verifies on chain. On chain 31337 the verifier is deployed when it is not there, and the proof is
 * sent as a transaction; elsewhere the call is read-only, and a deployment takes `deploy` and a
 * keystore. The verifier is deployed by CREATE2, so its address follows from its code and the SRS,
 * and whoever asks again finds it. What a keystore signs goes through its journal: killed or cut
 * off, the next call goes on with the same transaction. Nothing is sent before every check that
 * needs no transaction has passed.
 */
enum status chain_verify(struct chain_result *result, const struct chain_options *options,
                         const struct proof *proof, const struct model *model,
                         const uint8_t context[PROOF_CONTEXT_BYTES], const struct srs_verifier *srs,
                         struct diag *diag) SERTN_MUST_CHECK;

#endif
