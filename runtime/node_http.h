/*
 * What a node tells about itself: GET /health and GET /metrics (Prometheus text format), nothing
 * else, to whoever reaches the address it listens on.
 *
 * libmicrohttpd serves, in a thread of its own; loaded when first used.
 */
#ifndef SERTN_RUNTIME_NODE_HTTP_H
#define SERTN_RUNTIME_NODE_HTTP_H

#include <stdbool.h>

#include "ir/support/buffer.h"
#include "ir/support/status.h"

struct node_http; /* opaque: a lock, the texts, the server */

/* Starts to listen on ADDRESS:PORT (IPv4; port 0: any); *url is owned by the server. Who was told
 * nothing new for stale_seconds is not healthy. Errors:
 * STATUS_BAD_INPUT for a text that is none; STATUS_IO when the port is taken. */
enum status node_http_start(struct node_http **http, const char **url, const char *listen,
                            double stale_seconds, struct diag *diag) SERTN_MUST_CHECK;
void node_http_stop(struct node_http *http);

/* What is answered from now on. `health` is one line; it goes out with 200 when `good`, else 503.
 */
void node_http_tell(struct node_http *http, bool good, const char *health,
                    const struct buffer *metrics);

#endif
