/*
 * Following the events of a contract, through reorganisations: what was told is taken back when its
 * block leaves the chain.
 *
 * Blocks are read in ranges, each tied to the hash of its last block. The hashes of the last blocks
 * read are kept; when one is no longer in the chain, everything above the last that is gets taken
 * back and is read anew.
 */
#ifndef SERTN_RUNTIME_LOGS_H
#define SERTN_RUNTIME_LOGS_H

#include "runtime/endpoints.h"

enum {
    LOGS_RANGE_BLOCKS = 1000, /* of one question, at most */
    LOGS_LEAST_BLOCKS = 16,   /* that a service has to bear */
    LOGS_KEPT_BLOCKS = 128,   /* deeper reorganisations are an error */
    LOGS_HASH_TEXT = 67,
};

struct logs_mark {
    uint64_t number;
    char hash[LOGS_HASH_TEXT];
};

struct logs {
    struct endpoints *nodes;                 /* borrowed */
    char address[43];                        /* of the contract */
    uint64_t next;                           /* the first block not yet read */
    uint64_t depth;                          /* blocks behind the head that are not read yet */
    struct logs_mark mark[LOGS_KEPT_BLOCKS]; /* of the last ranges read, oldest first */
    size_t marks;
    uint64_t
        step; /* blocks of one question; fewer after one that failed: it may have been too much */
    bool is_lost; /* the chain changed deeper than the marks reach: begin anew */
};

/* Told of an event (the object of eth_getLogs), and that all events of blocks above `kept` are
 * taken back. A status other than OK ends the poll, and the range is told again from its beginning
 * next time: keep events by block and number in the block. */
struct logs_reader {
    enum status (*event)(void *context, const cJSON *event, struct diag *diag);
    enum status (*rewind)(void *context, uint64_t kept, struct diag *diag);
    void *context;
};

/* From block `first` on; address is 42 characters with 0x. */
void logs_init(struct logs *logs, struct endpoints *nodes, const char *address, uint64_t first);

/*
 * Reads what is new, up to the head less the depth. The events of one range are told when all of
 * the nodes' quorum gave the same and its last block is still in the chain. Errors: STATUS_IO, also
 * for events of another contract or block than asked for, and for a reorganisation deeper than what
 * is kept; those of the reader.
 */
enum status logs_poll(struct logs *logs, const struct logs_reader *reader,
                      struct diag *diag) SERTN_MUST_CHECK;

/*
 * The events of a contract, of which there are few, from block `first` on: those whose first topics
 * are the words given, where NULL is any. Asked over all blocks at once; where nodes refuse that
 * (services bound how many blocks one question may have), range by range from the newest block
 * back, and then *events are those of the first range that has any, or of all ranges for `all`.
 * Errors: those of endpoints_agree.
 */
enum status logs_find(cJSON **events, struct endpoints *nodes, const uint8_t address[20],
                      const uint8_t *const *topics, size_t topic_count, uint64_t first, bool all,
                      struct diag *diag) SERTN_MUST_CHECK;

#endif
