/* See node_http.h. */
#include "runtime/node_http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/machine.h"

/* Of connections one address has a quarter at most: whoever keeps his open keeps nobody else out.
 */
enum { HEALTH_BYTES = 600, CONNECTIONS_MOST = 32, CONNECTIONS_OF_ONE = 8, SECONDS_MOST = 10 };

struct node_http {
    struct MHD_Daemon *server;
    pthread_mutex_t lock; /* of what follows */
    bool good;
    double told, stale_seconds; /* when it was told last, and how long that holds */
    char health[HEALTH_BYTES];
    struct buffer metrics;
    char url[64];
};

static struct MHD_Response *make_response(const void *bytes, size_t count, const char *type)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(count, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY);
    if (response != NULL)
        MHD_add_response_header(response, "Content-Type", type);
    return response;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_bytes, void **state)
{
    static const char nothing[] = "there are /health and /metrics\n", other[] = "GET alone\n";
    static int seen;
    struct node_http *http = context;
    struct MHD_Response *response;
    unsigned code = MHD_HTTP_OK;
    (void)version;
    (void)upload;
    if (*state == NULL) { /* the head alone; what is sent with it is dropped */
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_bytes != 0) {
        *upload_bytes = 0;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0) {
        code = MHD_HTTP_METHOD_NOT_ALLOWED;
        response = make_response(other, sizeof other - 1, "text/plain");
    } else if (strcmp(url, "/health") == 0) {
        pthread_mutex_lock(&http->lock);
        bool stale = machine_seconds() - http->told > http->stale_seconds;
        const char *text =
            stale ? "the node waits for something and does not go on\n" : http->health;
        code = http->good && !stale ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
        response = make_response(text, strlen(text), "text/plain");
        pthread_mutex_unlock(&http->lock);
    } else if (strcmp(url, "/metrics") == 0) {
        pthread_mutex_lock(&http->lock);
        response = make_response(buffer_text(&http->metrics), http->metrics.count,
                                 "text/plain; version=0.0.4");
        pthread_mutex_unlock(&http->lock);
    } else {
        code = MHD_HTTP_NOT_FOUND;
        response = make_response(nothing, sizeof nothing - 1, "text/plain");
    }
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result queued = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return queued;
}

/* ADDRESS:PORT to an address of IPv4. */
static bool read_address(struct sockaddr_in *out, const char *text)
{
    char host[INET_ADDRSTRLEN], *end;
    const char *colon = strrchr(text, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    if (colon == NULL || length == 0 || length >= sizeof host || colon[1] < '0' || colon[1] > '9')
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    unsigned long port = strtoul(colon + 1, &end, 10);
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return *end == '\0' && port <= 65535 && inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

enum status node_http_start(struct node_http **out, const char **url, const char *listen,
                            double stale_seconds, struct diag *diag)
{
    struct sockaddr_in address;
    char host[INET_ADDRSTRLEN];
    if (!read_address(&address, listen))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%.60s' is no address to listen on, as 127.0.0.1:9464", listen);
    struct node_http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    pthread_mutex_init(&http->lock, NULL);
    snprintf(http->health, sizeof http->health, "starting\n");
    http->stale_seconds = stale_seconds;
    http->told = machine_seconds();
    http->server = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, http, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MOST,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_OF_ONE,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SECONDS_MOST, MHD_OPTION_END);
    if (http->server == NULL) {
        node_http_stop(http);
        return diag_set(diag, STATUS_IO, "nothing can listen on %s; is it taken?", listen);
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->server, MHD_DAEMON_INFO_BIND_PORT);
    inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    snprintf(http->url, sizeof http->url, "http://%s:%u", host,
             info != NULL ? info->port : ntohs(address.sin_port));
    *url = http->url;
    *out = http;
    return STATUS_OK;
}

void node_http_stop(struct node_http *http)
{
    if (http == NULL)
        return;
    if (http->server != NULL)
        MHD_stop_daemon(http->server);
    pthread_mutex_destroy(&http->lock);
    buffer_release(&http->metrics);
    free(http);
}

void node_http_tell(struct node_http *http, bool good, const char *health,
                    const struct buffer *metrics)
{
    if (http == NULL)
        return;
    pthread_mutex_lock(&http->lock);
    http->good = good;
    http->told = machine_seconds();
    snprintf(http->health, sizeof http->health, "%s\n", health);
    buffer_clear(&http->metrics);
    buffer_put(&http->metrics, metrics->data, metrics->count);
    pthread_mutex_unlock(&http->lock);
}
