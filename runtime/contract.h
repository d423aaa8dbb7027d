/*
 * Reading contracts: calls by agreement of the nodes, amounts of tokens, and what a contract means
 * when it refuses.
 */
#ifndef SERTN_RUNTIME_CONTRACT_H
#define SERTN_RUNTIME_CONTRACT_H

#include "runtime/abi.h"
#include "runtime/endpoints.h"

/* Tokens in their smallest unit. The contracts hold none above 2^96. */
typedef unsigned __int128 amount;
/* Decimal digits of the largest and a final zero. */
enum { AMOUNT_TEXT = 40, CONTRACT_ADDRESS_TEXT = 43, CONTRACT_ERROR_TEXT = 240 };

void amount_format(char text[AMOUNT_TEXT], amount value);
/* Decimal digits, all of the text. False above 2^127. */
bool amount_parse(amount *out, const char *text);
void amount_put(struct buffer *out, amount value);
/* Word i after `base`; the reader fails when it does not fit. */
amount amount_read(struct abi_reader *reader, size_t base, size_t i);

/* 0x and 40 digits. */
void contract_address_text(char text[CONTRACT_ADDRESS_TEXT], const uint8_t address[ABI_ADDRESS]);
void contract_put_hex(struct buffer *out, const uint8_t *bytes, size_t count);

/* Calls a contract read-only; the bytes of the answer are appended. Errors: STATUS_REJECTED when it
 * reverts; STATUS_IO. */
enum status contract_call(struct buffer *answer, struct endpoints *nodes,
                          const uint8_t to[ABI_ADDRESS], const struct buffer *data,
                          struct diag *diag) SERTN_MUST_CHECK;

/* The same with a function whose arguments are `count` words. */
enum status contract_ask(struct buffer *answer, struct endpoints *nodes,
                         const uint8_t to[ABI_ADDRESS], const char *signature, const uint8_t *words,
                         size_t count, struct diag *diag) SERTN_MUST_CHECK;

/* A function without arguments that answers with one word; `what` says what the address should be.
 * Errors: STATUS_BAD_INPUT when it is no such contract; STATUS_IO. */
enum status contract_ask_word(uint8_t word[ABI_WORD], struct endpoints *nodes,
                              const uint8_t to[ABI_ADDRESS], const char *signature,
                              const char *what, struct diag *diag) SERTN_MUST_CHECK;

/*
 * What the data of a revert mean: a sentence for the errors of our contracts and of ERC-20 tokens,
 * the text of Error(string), else the selector. False, and "", when the text is no hex of an error.
 */
bool contract_error_text(char text[CONTRACT_ERROR_TEXT], const char *data);

#endif
