/*
 * Transactions of Arweave, version 2, that put data there for good and are paid from a wallet.
 *
 * A transaction signs the deep hash of ["2", owner, target, quantity, reward, last_tx, tags,
 * data_size, data_root] by RSA-PSS; its id is the SHA-256 of the signature. Data of one chunk go
 * with it (POST /tx), others chunk by chunk after it (POST /chunk). The gateway tells the reward
 * (GET /price/BYTES) and an anchor (GET /tx_anchor); it is not trusted with either: the reward has
 * a limit, and the signed transaction is written to the folder of the store before it is sent, so
 * that whoever is cut off sends the same one again and never pays twice.
 *
 * Source: the Arweave documentation of transactions of version 2 and of its HTTP API.
 */
#ifndef SERTN_RUNTIME_ARWEAVE_TRANSACTION_H
#define SERTN_RUNTIME_ARWEAVE_TRANSACTION_H

#include "runtime/arweave.h"
#include "runtime/arweave_tree.h"
#include "runtime/jwk.h"

enum { ARWEAVE_ANCHOR_MOST = 48, ARWEAVE_MOST_TRANSACTION_TAG_BYTES = 2048 };

struct arweave_transaction {
    const struct arweave_tag *tags; /* names and values together at most
                                       ARWEAVE_MOST_TRANSACTION_TAG_BYTES */
    size_t tag_count;
    const char *reward; /* winston, decimal */
    uint8_t anchor[ARWEAVE_ANCHOR_MOST];
    size_t anchor_count;
    const uint8_t *data_root; /* 32 bytes */
    uint64_t data_size;
};

/*
 * Appends the transaction as JSON, without its data (a member "data" of no bytes), and sets its id.
 * Errors: STATUS_BAD_INPUT for tags that are empty, too many or too long, or a reward that is no
 * number; STATUS_NO_MEMORY; STATUS_DEVICE.
 */
enum status arweave_sign_transaction(struct buffer *json, char id[44],
                                     const struct arweave_transaction *transaction,
                                     const struct jwk *wallet, struct diag *diag) SERTN_MUST_CHECK;

struct arweave_upload {
    const char *gateway; /* http://..., without a slash at the end */
    const struct jwk *wallet;
    const struct arweave_tag *tags;
    size_t tag_count;
    uint64_t most_reward; /* winston; 0: ARWEAVE_MOST_REWARD */
    unsigned seconds;     /* as of struct storage; 0: 60 */
};

/* Without another limit nobody pays more for one object: 0.5 AR. */
#define ARWEAVE_MOST_REWARD UINT64_C(500000000000)

/*
 * Puts bytes to Arweave; uri is "ar://ID#SHA256", which storage_get_named reads. storage: where the
 * signed transaction is kept, as `<CID>.arweave`. Bytes that have one there already are uploaded
 * again under it, unless the gateway has it. Requires: count > 0. Errors: STATUS_LIMIT when the
 * gateway asks for more than most_reward; STATUS_BAD_INPUT when the wallet has not enough, or the
 * record in the folder is none; STATUS_REJECTED when the gateway refuses; STATUS_IO.
 */
enum status storage_put_arweave_paid(char uri[STORAGE_URI_BYTES], struct storage_id *id,
                                     const struct storage *storage,
                                     const struct arweave_upload *upload, const void *bytes,
                                     size_t count, struct diag *diag) SERTN_MUST_CHECK;

#endif
