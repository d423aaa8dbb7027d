/*
 * Requests that are signed and not sent: whoever has the file puts the job into the queue and pays
 * the gas, the signer's account in the market pays the job.
 *
 * The file is the typed data of EIP-712, as wallets and `cast wallet sign --data --from-file` take
 * it, and beside its four members the "signature".
 */
#ifndef SERTN_RUNTIME_SIGNED_REQUEST_H
#define SERTN_RUNTIME_SIGNED_REQUEST_H

#include "runtime/market.h"

struct signed_request {
    struct market_request request; /* its input is in `input` */
    struct buffer input;
    uint64_t chain_id;
    uint8_t market[ABI_ADDRESS], requester[ABI_ADDRESS];
    uint8_t nonce[ABI_WORD]; /* any number that the requester has not used */
    uint64_t expiry;         /* last second in which it counts */
    struct buffer signature; /* 65 bytes, or what a contract as requester takes */
};
void signed_request_release(struct signed_request *signed_request);

/* What is signed. */
void signed_request_digest(uint8_t digest[32], const struct signed_request *signed_request);
/* Signs with the requester's key. Errors: STATUS_BAD_INPUT for a key that is none. */
enum status signed_request_sign(struct signed_request *signed_request, const uint8_t key[32],
                                struct diag *diag) SERTN_MUST_CHECK;

/* Appends the file. Errors: STATUS_NO_MEMORY. */
enum status signed_request_print(struct buffer *out, const struct signed_request *signed_request,
                                 struct diag *diag) SERTN_MUST_CHECK;
/* Reads a file; every field is known and there. Errors: STATUS_BAD_INPUT naming the field;
 * STATUS_IO. Release in any case. */
enum status signed_request_read(struct signed_request *signed_request, const char *path,
                                struct diag *diag) SERTN_MUST_CHECK;

/*
 * Whether the market that it was signed for takes it at `now`, before gas is paid for it. Errors:
 * STATUS_REJECTED for a signature that is not the requester's, a nonce
 * that was used or taken back, one that has expired, an account that holds too little, a price
 * above its limit; those of the chain.
 */
enum status signed_request_check(const struct signed_request *signed_request,
                                 const struct market *market, uint64_t now, amount price,
                                 struct diag *diag) SERTN_MUST_CHECK;

/* Whether the requester has used a nonce, or taken it back. */
enum status signed_request_is_used(bool *used, const struct signed_request *signed_request,
                                   const struct market *market, struct diag *diag) SERTN_MUST_CHECK;

/* Names what is sent of it in a journal: the same file is the same job. */
void signed_request_name(char name[JOURNAL_NAME_BYTES], const char *verb,
                         const struct signed_request *signed_request);

/* Puts the job into the queue. Errors: those of account_send. */
enum status signed_request_send(struct market_job_id *id, struct account_result *result,
                                const struct signed_request *signed_request,
                                const struct market *market, struct account *account,
                                struct diag *diag) SERTN_MUST_CHECK;

#endif
