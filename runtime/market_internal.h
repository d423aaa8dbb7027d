/* What the files of the market share. Private to runtime/market*.c. */
#ifndef SERTN_RUNTIME_MARKET_INTERNAL_H
#define SERTN_RUNTIME_MARKET_INTERNAL_H

#include "runtime/market.h"

bool market_is_zero(const uint8_t *bytes, size_t count);
/* The job that a word of the chain names; false when it names none. */
bool market_job_of_word(struct market_job_id *id, const uint8_t word[ABI_WORD]);
void market_address_word(uint8_t word[ABI_WORD], const uint8_t address[ABI_ADDRESS]);
void market_number_word(uint8_t word[ABI_WORD], uint64_t value);

/* The nodes answered for `what` with something that makes no sense: STATUS_IO. */
enum status market_bad_answer(const char *what, struct diag *diag) SERTN_MUST_CHECK;
/* A function of `count` words that answers with an amount; one without end is more than any. */
enum status market_ask_amount(amount *out, const struct market *market,
                              const uint8_t to[ABI_ADDRESS], const char *signature,
                              const uint8_t *words, size_t count,
                              struct diag *diag) SERTN_MUST_CHECK;

/* The tuple of a request, and its bytes. */
void market_put_request(struct buffer *out, const struct market_request *request);
size_t market_request_size(const struct market_request *request);
/* The job of the request that a transaction made. Errors: STATUS_IO when it made none. */
enum status market_job_of_receipt(struct market_job_id *id, const struct market *market,
                                  const char *hash, struct diag *diag) SERTN_MUST_CHECK;

#endif
