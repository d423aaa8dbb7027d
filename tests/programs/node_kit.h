/* Running nodes, and killing one at every write to the disk. */
#ifndef SERTN_TESTS_PROGRAMS_NODE_KIT_H
#define SERTN_TESTS_PROGRAMS_NODE_KIT_H

#include <sys/types.h>

#include "tests/programs/network_kit.h"

/* A node until it has nothing left to do. */
struct test_output node_drain(const char *config);
/* A node that runs until it is stopped; it ends with the test. node_stop returns its exit status,
 * 128 + n when signal n ended it. */
pid_t node_start(const char *config);
int node_stop(pid_t node, int signal_);

/* A node, with --drain or without, that gets a signal as soon as it has said all of these sentences
 * (a list that ends with NULL), or has not for two minutes. Returns what it said. */
const char *node_until(const char *config, bool drains, const char *const *sentences, int signal_);

/* What an account holds in the market; and waits until it is that. */
const char *node_earned(const struct network *network, enum network_account account);
bool node_earns(const struct network *network, enum network_account account, const char *sum);

/* Transactions of NETWORK_NODE so far, in hex: those that are mined ("latest"), or sent
 * ("pending"). */
const char *node_sent(const struct network *network, const char *tag);

/* Stops mining and starts a node, until it has sent so many transactions; and kills it, has the
 * chain's nodes drop what it sent, and lets mining go on. */
pid_t node_start_unmined(const struct network *network, const char *config, unsigned sent);
void node_kill_unmined(const struct network *network, pid_t node);

/* The status of a GET, 0 without an answer; and waits until it is that. */
long node_get(const char *url, struct buffer *answer);
long node_wait_for(const char *url, long wanted, struct buffer *answer);

/* A node until it has nothing left to do, killed at its write number `at`: exit status
 * NODE_KILLED, unless it has fewer writes. Skips the case without the library that does it. */
enum { NODE_KILLED = 128 + 9 };
struct test_output node_run_killed(const char *config, unsigned at);

/*
 * Jobs of a pool, served by a node with further fields in its configuration that is killed at its
 * write number `first`, first + step, ..., each time from the same chain, and killed once more at
 * some write after its restart; then left to end its work. Each time all jobs are paid once, with
 * as many transactions as without kills, when it says `says`. Ends when the node does its work in
 * fewer writes. Returns the number of kills.
 */
unsigned node_kill_at_every_write(unsigned jobs, const char *more, const char *says, unsigned first,
                                  unsigned step);

#endif
