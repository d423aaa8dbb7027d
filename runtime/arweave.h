/*
 * Writing to Arweave by way of others: data items of ANS-104 that an Ethereum key signs, handed to
 * a bundler that pays for their place; and the deep hash that these and transactions sign.
 *
 * Deep hash (SHA-384): of bytes H(H("blob" || length) || H(bytes)); of a list, H(acc || deep hash
 * of the item) over its items, from H("list" || count). A data item signs the deep hash of
 * ["dataitem", "1", type, owner, target, anchor, tags, data] as an EIP-191 message; its id is the
 * SHA-256 of the signature. Layout: u16 type 3; signature, 65 bytes; owner, the public key, 65
 * bytes; target and anchor, absent here: two zeros; u64 count of tags, u64 bytes of tags, tags in
 * Avro; data. Integers little-endian.
 *
 * Source: ANS-104 (Bundled Data v2.0).
 */
#ifndef SERTN_RUNTIME_ARWEAVE_H
#define SERTN_RUNTIME_ARWEAVE_H

#include "runtime/storage.h"

enum {
    ARWEAVE_DEEP_HASH_BYTES = 48,
    ARWEAVE_ID_BYTES = 32,
    ARWEAVE_MOST_TAGS = 128,
    ARWEAVE_MOST_TAG_BYTES = 4096, /* all of them, as Avro */
};

struct arweave_tag {
    const char *name, *value;
};

/* One item of a list for the deep hash: bytes, or another list. */
struct arweave_node {
    const void *bytes;
    size_t count;                     /* of bytes, or of items */
    const struct arweave_node *items; /* null: bytes */
};

/* Errors: STATUS_NO_MEMORY. */
enum status arweave_deep_hash(uint8_t hash[ARWEAVE_DEEP_HASH_BYTES],
                              const struct arweave_node *node, struct diag *diag) SERTN_MUST_CHECK;

/* Appends a signed data item and sets its id. Errors: STATUS_BAD_INPUT for a key that is none, or
 * tags that are empty, too many or too long; STATUS_NO_MEMORY. */
enum status arweave_make_item(struct buffer *item, uint8_t id[ARWEAVE_ID_BYTES], const void *data,
                              size_t count, const struct arweave_tag *tags, size_t tag_count,
                              const uint8_t key[32], struct diag *diag) SERTN_MUST_CHECK;

/* An id as its URI and its paths write it: base64url without padding, 43 characters. */
void arweave_id_text(char text[44], const uint8_t id[ARWEAVE_ID_BYTES]);

/*
 * Signs bytes as a data item and hands it to a bundler (POST <bundler>/tx). What it answers is
 * compared with the id computed here. Errors: STATUS_IO; STATUS_REJECTED when it names another id;
 * those of arweave_make_item.
 */
enum status storage_put_arweave(char uri[STORAGE_URI_BYTES], struct storage_id *id,
                                const char *bundler, unsigned seconds, const void *bytes,
                                size_t count, const struct arweave_tag *tags, size_t tag_count,
                                const uint8_t key[32], struct diag *diag) SERTN_MUST_CHECK;

#endif
