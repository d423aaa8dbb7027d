/* What the files of the account share. Private to runtime/account*.c. */
#ifndef SERTN_RUNTIME_ACCOUNT_INTERNAL_H
#define SERTN_RUNTIME_ACCOUNT_INTERNAL_H

#include "runtime/account.h"
#include "runtime/transaction.h"

/* 0x, two digits a byte and the final zero. */
void account_put_hex(char *text, const uint8_t *bytes, size_t count);

/* Sets what a gas is paid with, of now. Errors: STATUS_LIMIT above most_fee; STATUS_IO. */
enum status account_ask_fees(struct transaction *transaction, struct account *account,
                             struct diag *diag) SERTN_MUST_CHECK;
/* Whether the account can pay; a balance beyond 64 bits can. Errors: STATUS_BAD_INPUT when it
 * cannot; STATUS_IO. */
enum status account_check_funds(const struct transaction *transaction, struct account *account,
                                struct diag *diag) SERTN_MUST_CHECK;

#endif
