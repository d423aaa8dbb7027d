/* See http.h. */
#include "runtime/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

struct answer {
    struct buffer *bytes;
    uint64_t limit_bytes;
    bool too_long;
};

enum status http_open(struct http *http, unsigned seconds, uint64_t limit_bytes, struct diag *diag)
{
    *http = (struct http){.curl = curl_easy_init(), .seconds = seconds, .limit_bytes = limit_bytes};
    return http->curl != NULL ? STATUS_OK : diag_set(diag, STATUS_IO, "libcurl does not start");
}

void http_close(struct http *http)
{
    if (http->curl != NULL)
        curl_easy_cleanup(http->curl);
    http->curl = NULL;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct answer *answer = context;
    if (answer->bytes->count + size * count > answer->limit_bytes) {
        answer->too_long = true;
        return 0;
    }
    buffer_put(answer->bytes, bytes, size * count);
    return size * count;
}

/* Called at least once a second while an exchange goes on; what is not 0 ends it. */
static int is_stopped(void *context, curl_off_t to_come, curl_off_t here, curl_off_t to_go,
                      curl_off_t gone)
{
    const atomic_bool *stops = context;
    (void)to_come, (void)here, (void)to_go, (void)gone;
    return atomic_load(stops);
}

static void set_options(CURL *curl, const struct http *http, const struct http_request *request,
                        struct answer *answer)
{
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)HTTP_SLOWEST_BYTES_SECOND);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)http->seconds);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)http->most_seconds);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    if (http->stops != NULL) {
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_stopped);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)http->stops);
    }
    if (request->content_type == NULL) {
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 3L);
        return;
    }
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body == NULL ? "" : request->body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
}

const char *http_shown(char out[HTTP_SHOWN_BYTES], const char *url, bool with_path)
{
    const char *scheme = strstr(url, "://"), *host = scheme == NULL ? url : scheme + 3;
    size_t authority = strcspn(host, "/?#"), at = authority;
    while (at > 0 && host[at - 1] != '@')
        at--;
    const char *name = host + at;
    size_t length = with_path ? strcspn(name, "?#") : authority - at;
    snprintf(out, HTTP_SHOWN_BYTES, "%.*s%.*s", (int)(host - url), url, (int)length, name);
    return out;
}

enum status http_exchange(long *code, struct buffer *answer, struct http *http,
                          const struct http_request *request, struct diag *diag)
{
    const char *url = request->url;
    char name[HTTP_SHOWN_BYTES];
    struct answer taken = {answer, http->limit_bytes, false};
    struct buffer header = {0};
    *code = 0;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%.200s' is no http:// or https:// address of a server", url);
    set_options(http->curl, http, request, &taken);
    struct curl_slist *headers = NULL;
    if (request->content_type != NULL) {
        buffer_printf(&header, "Content-Type: %s", request->content_type);
        headers = curl_slist_append(NULL, buffer_text(&header));
        headers = curl_slist_append(headers, "Expect:");
        curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
    }
    CURLcode done = curl_easy_perform(http->curl);
    curl_slist_free_all(headers);
    buffer_release(&header);
    if (taken.too_long)
        return diag_set(diag, STATUS_LIMIT, "%s: answers with more than %llu bytes",
                        http_shown(name, url, true), (unsigned long long)http->limit_bytes);
    if (done != CURLE_OK)
        return diag_set(diag, STATUS_IO, "%s: %s", http_shown(name, url, true),
                        curl_easy_strerror(done));
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, code);
    return buffer_status(answer, diag);
}

enum status http_succeed(struct buffer *answer, struct http *http,
                         const struct http_request *request, struct diag *diag)
{
    long code;
    char start[120], name[HTTP_SHOWN_BYTES];
    size_t before = answer->count;
    enum status status = http_exchange(&code, answer, http, request, diag);
    if (status != STATUS_OK || (code >= 200 && code < 300))
        return status;
    /* What a stranger says may hold anything. */
    size_t n =
        answer->count - before < sizeof start - 1 ? answer->count - before : sizeof start - 1;
    for (size_t i = 0; i < n; i++) {
        char c = (char)answer->data[before + i];
        start[i] = (char)(c >= ' ' && c <= '~' ? c : ' ');
    }
    start[n] = '\0';
    return diag_set(diag, STATUS_IO, "%s: answers with HTTP status %ld%s%s",
                    http_shown(name, request->url, true), code, n > 0 ? ": " : "", start);
}
