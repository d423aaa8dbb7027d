/*
 * Where published bytes lie: a folder of this machine (the default), IPFS nodes, Arweave. None of
 * them is trusted: bytes are named by their hashes, and every read is hashed and compared before
 * anybody sees it. A store can lose what it was given, never change it unseen.
 *
 * URIs. `ipfs://CID` with CIDv1, codec raw, sha2-256 (bafkrei...) names bytes wherever they lie:
 * the folder has them under that name, and an IPFS node has them under it when they are one block,
 * at most STORAGE_BLOCK_BYTES. Larger ones have a CID of a tree there. `ar://ID` is a transaction
 * or a data item of Arweave; an id is no hash of the bytes, so `ar://ID#SHA256` (64 hex digits)
 * names these too.
 *
 * Source: multiformats (CIDv1: base32 of 01 55 12 20 and the digest); Kubo's RPC (/api/v0/add,
 * cat).
 */
#ifndef SERTN_RUNTIME_STORAGE_H
#define SERTN_RUNTIME_STORAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/support/buffer.h"
#include "ir/support/status.h"

/* One block of IPFS. */
#define STORAGE_BLOCK_BYTES ((size_t)1 << 20)
/* The longest URI and its final zero. */
enum { STORAGE_URI_BYTES = 160, STORAGE_CID_BYTES = 60 };

/* What bytes are known by: all three are compared. */
struct storage_id {
    uint8_t sha256[32], keccak256[32];
    uint64_t count_bytes;
};

struct storage {
    const char *folder;       /* of the local store; null: storage_default_folder */
    const char *ipfs;         /* http://127.0.0.1:5001, the RPC of a node; null: none */
    const char *arweave;      /* https://arweave.net, a gateway; null: none */
    unsigned seconds;         /* that a server may do nothing; 0: 60 */
    unsigned most_seconds;    /* that one object may take from a server; 0: as long as it goes on */
    uint64_t limit_bytes;     /* of one object; 0: 4 GiB */
    const atomic_bool *stops; /* as that of http.h */
};

void storage_identify(struct storage_id *id, const void *bytes, size_t count);
/* The CIDv1 of a digest, 59 characters. */
void storage_cid(char text[STORAGE_CID_BYTES], const uint8_t sha256[32]);
/* The digest of such a CID; false for any other text. */
bool storage_parse_cid(uint8_t sha256[32], const char *text);

/* "ar://ID#SHA256". */
void storage_arweave_uri(char uri[STORAGE_URI_BYTES], const char id[44], const uint8_t sha256[32]);
/* The digest that a URI names its bytes by; false when it names none. */
bool storage_uri_digest(uint8_t sha256[32], const char *uri);

/* $XDG_DATA_HOME/sertn/store, else $HOME/.local/share/sertn/store, made with its parents. Owned
 * text. Errors: STATUS_BAD_INPUT when neither is set; STATUS_IO. */
enum status storage_default_folder(char **folder, struct diag *diag) SERTN_MUST_CHECK;

/* The file of a digest in the folder, with an ending. Owned text. Errors: those of
 * storage_default_folder. */
enum status storage_local_path(char **path, const struct storage *storage, const uint8_t sha256[32],
                               const char *ending, struct diag *diag) SERTN_MUST_CHECK;

/* Puts bytes into the folder. Errors: STATUS_IO, STATUS_NO_MEMORY. */
enum status storage_put_local(char uri[STORAGE_URI_BYTES], struct storage_id *id,
                              const struct storage *storage, const void *bytes, size_t count,
                              struct diag *diag) SERTN_MUST_CHECK;

/*
 * Adds bytes to the IPFS node and pins them there. What it answers is compared with the CID
 * computed here where the bytes are one block. Errors: STATUS_IO; STATUS_REJECTED when it names
 * other bytes.
 */
enum status storage_put_ipfs(char uri[STORAGE_URI_BYTES], struct storage_id *id,
                             const struct storage *storage, const void *bytes, size_t count,
                             struct diag *diag) SERTN_MUST_CHECK;

/*
 * Appends the bytes that a URI names: from the folder if they are there and good, else from the
 * network. They are those of `id`, or nothing is appended. Errors: STATUS_REJECTED when a store
 * gives other bytes (a damaged file of the folder is passed over); STATUS_BAD_INPUT for a URI that
 * is none, or names no store that is set; STATUS_LIMIT; STATUS_IO.
 */
enum status storage_get(struct buffer *out, const struct storage *storage, const char *uri,
                        const struct storage_id *id, struct diag *diag) SERTN_MUST_CHECK;

/*
 * The same where only the keccak256 of the bytes is known, and the most they may be: inputs of
 * jobs. A URI of IPFS that names a sha256 is held to that too.
 */
enum status storage_get_keccak(struct buffer *out, const struct storage *storage, const char *uri,
                               const uint8_t digest[32], uint64_t most_bytes,
                               struct diag *diag) SERTN_MUST_CHECK;

/*
 * The same of a URI that names its bytes by their hash, which is all that is known of them: at most
 * limit_bytes. Errors: the same; STATUS_BAD_INPUT for a URI that names no hash.
 */
enum status storage_get_named(struct buffer *out, const struct storage *storage, const char *uri,
                              uint64_t limit_bytes, struct diag *diag) SERTN_MUST_CHECK;

/*
 * The same for bytes that the caller knows by other means than their hash, and checks: what the URI
 * names is held to its hash where it has one, else whatever the server gives is appended.
 */
enum status storage_get_unknown(struct buffer *out, const struct storage *storage, const char *uri,
                                struct diag *diag) SERTN_MUST_CHECK;

#endif
