/*
 * Reading data items of ANS-104: their parts, and whether owner and signature are right. The id of
 * an item is the hash of its signature, so that whoever has the whole item and its id knows that
 * data and tags are the owner's.
 *
 * Layout: arweave.h. Signatures of kind 1 (RSA-PSS, a wallet of Arweave) and 3 (an Ethereum key)
 * are known.
 */
#ifndef SERTN_RUNTIME_ARWEAVE_ITEM_H
#define SERTN_RUNTIME_ARWEAVE_ITEM_H

#include "runtime/arweave.h"

/* Bytes in the item; not zero-terminated. */
struct arweave_span {
    const uint8_t *data;
    size_t count;
};

struct arweave_item {
    uint16_t kind;
    uint8_t id[ARWEAVE_ID_BYTES];
    struct arweave_span signature, owner, target, anchor, tags; /* tags: as they stand there */
    struct {
        struct arweave_span name, value;
    } tag[ARWEAVE_MOST_TAGS];
    size_t tag_count;
    const uint8_t *data; /* borrowed from the item, as all spans are */
    size_t data_bytes;
};

/* Errors: STATUS_BAD_INPUT for bytes that are no item; STATUS_UNSUPPORTED for another kind of
 * signature; STATUS_REJECTED when the signature is not the owner's. */
enum status arweave_open_item(struct arweave_item *item, const void *bytes, size_t count,
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
