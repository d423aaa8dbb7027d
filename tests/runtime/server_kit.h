/*
 * A small HTTP server in a thread of the test, that answers what it is told to: also lies, less
 * than it announces, nothing, or too late.
 */
#ifndef SERTN_TESTS_RUNTIME_SERVER_KIT_H
#define SERTN_TESTS_RUNTIME_SERVER_KIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/support/buffer.h"

/* What the server does with the next request. */
struct server_answer {
    const char *status; /* "200 OK" when null */
    const void *body;
    size_t count;
    size_t announced;    /* Content-Length, when it is not count */
    bool is_silent;      /* takes the request and says nothing */
    const char *headers; /* more of them, each with its line end */
};

struct server {
    int socket;
    char url[64];
    struct server_answer answer;
    /* Chooses the answer to each request, when it is not always the same; in the server's thread.
     */
    void (*respond)(struct server_answer *answer, void *context, const struct buffer *request);
    void *context;
    struct buffer request; /* the last one, head and body */
    void *thread;
    atomic_bool stops;
};

void server_start(struct server *server);
void server_stop(struct server *server);
/* The body of the last request. */
const uint8_t *server_body(const struct server *server, size_t *count);

#endif
