/*
 * One HTTP exchange at a time with a server that is not trusted: bounded in bytes and in time.
 * libcurl does the transport, loaded when first used.
 */
#ifndef SERTN_RUNTIME_HTTP_H
#define SERTN_RUNTIME_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "ir/support/buffer.h"
#include "ir/support/status.h"

/* What a server may take to be reached, and how long it may send less than this many bytes. */
enum { HTTP_CONNECT_SECONDS = 15, HTTP_SLOWEST_BYTES_SECOND = 1024 };

struct http {
    void *curl;               /* CURL *, owned */
    unsigned seconds;         /* of slowness that are borne */
    uint64_t limit_bytes;     /* of an answer */
    unsigned most_seconds;    /* of one exchange; 0 after http_open: as long as it goes on */
    const atomic_bool *stops; /* borrowed: an exchange ends within a second of it; null: never */
};

struct http_request {
    const char *url;          /* http:// or https:// */
    const char *content_type; /* of the body; null: GET, and redirections are followed */
    const void *body;
    size_t body_bytes;
};

/*
 * An address as it may be shown to everybody: without a user's name and password, without what
 * follows a '?', which may hold keys; and without its path, where that may be one. Returns out.
 */
enum { HTTP_SHOWN_BYTES = 300 };
const char *http_shown(char out[HTTP_SHOWN_BYTES], const char *url, bool with_path);

/* Errors: STATUS_IO when libcurl does not start. */
enum status http_open(struct http *http, unsigned seconds, uint64_t limit_bytes,
                      struct diag *diag) SERTN_MUST_CHECK;
void http_close(struct http *http);

/*
 * Sends a request; the body of the answer is appended whole, `code` is its status (200, 404, ...).
 * Errors: STATUS_BAD_INPUT for another kind of address; STATUS_IO when the server cannot be
 * reached, stops, or sends less than it announced; STATUS_LIMIT for more than limit_bytes. The
 * sentence names the server as http_shown does.
 */
enum status http_exchange(long *code, struct buffer *answer, struct http *http,
                          const struct http_request *request, struct diag *diag) SERTN_MUST_CHECK;

/* The same, and a status other than 2xx is STATUS_IO with the beginning of the answer. */
enum status http_succeed(struct buffer *answer, struct http *http,
                         const struct http_request *request, struct diag *diag) SERTN_MUST_CHECK;

#endif
