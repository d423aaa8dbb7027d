/* Killing a node at every write to the disk. */
#ifndef SERTN_TESTS_PROGRAMS_NODE_KIT_H
#define SERTN_TESTS_PROGRAMS_NODE_KIT_H

#include "tests/programs/network_kit.h"

/*
 * Two jobs of a pool, served by a node that is killed at its write number `first`, first + step,
 * ..., each time from the same chain, and killed once more at some write after its restart; then
 * left to end its work. Each time both jobs are paid once, with as many transactions as without
 * kills. Ends when the node does its work in fewer writes. Returns the number of kills.
 */
unsigned node_kill_at_every_write(unsigned first, unsigned step);

#endif
