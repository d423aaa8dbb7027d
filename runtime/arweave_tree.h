/*
 * The Merkle tree of Arweave over the chunks of data: its root stands in the transaction, and each
 * chunk is uploaded with the path that shows its place.
 *
 * Chunks have 256 KiB; the last two are of even size where the last would be below 32 KiB. Data
 * whose length is a multiple of 256 KiB have one more leaf, of no bytes, which is in the root and
 * never uploaded: so the clients of Arweave have it. A leaf is H(H(H(chunk)) || H(note)), a branch
 * H(H(left) || H(right) || H(note)), H = SHA-256, a note the offset where the (left) data end, 32
 * bytes big-endian. A path is (left || right || note) from the root down, then (H(chunk) || note).
 */
#ifndef SERTN_RUNTIME_ARWEAVE_TREE_H
#define SERTN_RUNTIME_ARWEAVE_TREE_H

#include "ir/support/buffer.h"
#include "ir/support/status.h"

#define ARWEAVE_CHUNK_BYTES ((size_t)256 << 10)

struct arweave_chunk {
    size_t begin, end;  /* of the data */
    struct buffer path; /* owned */
};

struct arweave_tree {
    uint8_t root[32];
    struct arweave_chunk *chunk; /* owned; those that are uploaded */
    size_t count;
};

/* Requires: count > 0. Errors: STATUS_NO_MEMORY. Life cycle: build, release (safe on a zeroed one).
 */
enum status arweave_tree_build(struct arweave_tree *tree, const void *data, size_t count,
                               struct diag *diag) SERTN_MUST_CHECK;
void arweave_tree_release(struct arweave_tree *tree);

#endif
