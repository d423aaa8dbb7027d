#include "tests/runtime/server_kit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/harness.h"

/* Offset of the body, 0 while the head is not whole. */
static size_t body_at(const struct buffer *request)
{
    const char *end =
        request->count == 0 ? NULL : memmem(request->data, request->count, "\r\n\r\n", 4);
    return end == NULL ? 0 : (size_t)(end - (const char *)request->data) + 4;
}

static size_t announced_bytes(const struct buffer *request)
{
    const char *at = (const char *)request->data, *end = at + body_at(request);
    for (; at < end; at++) {
        if (strncasecmp(at, "\nContent-Length:", 16) == 0)
            return (size_t)strtoull(at + 16, NULL, 10);
    }
    return 0;
}

static bool is_whole(const struct buffer *request)
{
    size_t at = body_at(request);
    return at != 0 && request->count >= at + announced_bytes(request);
}

static void put(int peer, const void *bytes, size_t count)
{
    const uint8_t *next = bytes;
    while (count > 0) {
        ssize_t sent = send(peer, next, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        next += sent;
        count -= (size_t)sent;
    }
}

static void serve(struct server *s, int peer)
{
    char piece[4096];
    ssize_t got = 1;
    buffer_clear(&s->request);
    while (!is_whole(&s->request) && (got = recv(peer, piece, sizeof piece, 0)) > 0)
        buffer_put(&s->request, piece, (size_t)got);
    if (s->respond != NULL && is_whole(&s->request))
        s->respond(&s->answer, s->context, &s->request);
    const struct server_answer *a = &s->answer;
    if (a->is_silent) {
        while (!s->stops && recv(peer, piece, sizeof piece, 0) > 0)
            ;
        return;
    }
    int n = snprintf(
        piece, sizeof piece, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n",
        a->status == NULL ? "200 OK" : a->status, a->announced == 0 ? a->count : a->announced,
        a->headers == NULL ? "" : a->headers);
    put(peer, piece, (size_t)n);
    put(peer, a->body, a->count);
}

static void *run(void *context)
{
    struct server *s = context;
    while (!s->stops) {
        struct pollfd waiting = {.fd = s->socket, .events = POLLIN};
        if (poll(&waiting, 1, 50) <= 0)
            continue;
        int peer = accept(s->socket, NULL, NULL);
        if (peer < 0)
            continue;
        serve(s, peer);
        close(peer);
    }
    return NULL;
}

void server_start(struct server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    memset(s, 0, sizeof *s);
    s->socket = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(s->socket >= 0);
    REQUIRE(bind(s->socket, (struct sockaddr *)&address, sizeof address) == 0);
    REQUIRE(listen(s->socket, 8) == 0);
    REQUIRE(getsockname(s->socket, (struct sockaddr *)&address, &length) == 0);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    buffer_init(&s->request);
    s->thread = malloc(sizeof(pthread_t));
    REQUIRE(s->thread != NULL && pthread_create(s->thread, NULL, run, s) == 0);
}

void server_stop(struct server *s)
{
    s->stops = true;
    pthread_join(*(pthread_t *)s->thread, NULL);
    free(s->thread);
    close(s->socket);
    buffer_release(&s->request);
}

const uint8_t *server_body(const struct server *s, size_t *count)
{
    size_t at = body_at(&s->request);
    *count = s->request.count - at;
    return s->request.data + at;
}
