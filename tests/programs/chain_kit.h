/*
 * Nodes to verify on: a real anvil, and servers that answer as no node does.
 *
 * Both are processes that end with the test, however it ends.
 */
#ifndef SERTN_TESTS_PROGRAMS_CHAIN_KIT_H
#define SERTN_TESTS_PROGRAMS_CHAIN_KIT_H

#include "tests/programs/programs_kit.h"

/* A port that nobody listens on, and that the system gives to no outgoing connection. */
unsigned kit_free_port(void);

/* An anvil of the Osaka fork with unlocked accounts. Skips the case where contracts/setup has not
 * been run. Returns the URL; the node runs until the program ends or kit_chain_stop is called. */
const char *kit_chain_start(unsigned chain_id);
void kit_chain_stop(void);
/* Before kit_chain_start: the chain is kept in a file, written every second and at its end. */
void kit_chain_keep(const char *path);
/* Waits until all that the chain has now is in its file. */
void kit_chain_wait_kept(void);
/* Ends the node and starts it again on its port, from the file: properly, or as a power cut does,
 * which loses the last second. */
void kit_chain_restart(bool properly, unsigned chain_id);

/* Path of one of the tools of contracts/setup: "cast". Skips the case where it is not installed. */
const char *kit_tool(const char *name);

/* What a server answers to calls of a method ("": of any): the body; NULL closes the connection. */
struct kit_answer {
    const char *method, *body;
};
/* A server that gives the first answer that fits (a NULL method ends them) under a status line as
 * "HTTP/1.1 200 OK". Returns its URL; it runs until the program ends or kit_server_stop is called.
 */
const char *kit_server_start(const struct kit_answer *answers, const char *status_line);
void kit_server_stop(void);
/* A server that gives a long answer slowly: some bytes each tenth of a second. */
const char *kit_drip_start(unsigned bytes);
/* A server that hands every call on to a node, and refuses eth_getLogs over more blocks than that,
 * as services do. The same server as kit_server_start's. */
const char *kit_proxy_start(const char *node, unsigned most_blocks);
/* One that has an answer of its own, as "\"result\":7", to calls that these words are in: to
 * `times` of them after the first `before`. With answer NULL it hands such a call on and falls,
 * once and for all. */
const char *kit_liar_start(const char *node, const char *words, const char *answer, unsigned before,
                           unsigned times);

#endif
