/* What planning a backtest and reading one share. Private to runtime/backtest*.c. */
#ifndef SERTN_RUNTIME_BACKTEST_PARTS_H
#define SERTN_RUNTIME_BACKTEST_PARTS_H

#include "runtime/backtest.h"

/* Finds the bits of the scored element, and the layout of the inputs; requires model, port and
 * element. Errors: STATUS_BAD_INPUT, STATUS_UNSUPPORTED. */
enum status backtest_find_slot(struct backtest *test, struct diag *diag) SERTN_MUST_CHECK;

/* Makes rows without content. Errors: STATUS_BAD_INPUT for none or too many, STATUS_NO_MEMORY. */
enum status backtest_make_rows(struct backtest *test, size_t count,
                               struct diag *diag) SERTN_MUST_CHECK;

/* The label of a row, encoded as the output is. Errors: STATUS_BAD_INPUT. */
enum status backtest_take_label(struct backtest *test, size_t row, const cJSON *label,
                                struct diag *diag) SERTN_MUST_CHECK;

#endif
