/* See rpc.h. */
#include "runtime/rpc.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/contract.h"

enum status rpc_open(struct rpc *rpc, const char *url, struct diag *diag)
{
    *rpc = (struct rpc){.url = url, .next_id = 1, .seconds = RPC_SECONDS_MAX};
    (void)http_shown(rpc->shown, url, false);
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "--rpc takes an http:// or https:// address, not '%s'",
                        strncmp(url, "ws", 2) == 0 ? rpc->shown : url);
    rpc->curl = curl_easy_init();
    if (rpc->curl == NULL)
        return diag_set(diag, STATUS_IO, "libcurl does not start");
    return STATUS_OK;
}

void rpc_close(struct rpc *rpc)
{
    if (rpc->curl != NULL)
        curl_easy_cleanup(rpc->curl);
    rpc->curl = NULL;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct buffer *answer = context;
    if (answer->count + size * count > RPC_ANSWER_BYTES_MAX)
        return 0;
    buffer_put(answer, bytes, size * count);
    return size * count;
}

static enum status post(struct buffer *answer, struct rpc *rpc, const struct buffer *body,
                        struct diag *diag)
{
    CURL *curl = rpc->curl;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    curl_easy_setopt(curl, CURLOPT_URL, rpc->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buffer_text(body));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->count);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)rpc->seconds);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    rpc->is_silent = code == CURLE_OPERATION_TIMEDOUT;
    if (code != CURLE_OK)
        return diag_set(diag, STATUS_IO, "the node at %s cannot be reached: %s", rpc->shown,
                        curl_easy_strerror(code));
    return buffer_status(answer, diag);
}

/* Geth's code of a reverted execution, or words to that effect. */
static bool is_revert(const cJSON *error, const char *reason)
{
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(error, "code");
    return (cJSON_IsNumber(code) && code->valuedouble == 3) || strstr(reason, "revert") != NULL;
}

/* What a node says, fit for a line of ours. */
static void to_visible(char out[301], const char *text)
{
    size_t at = 0;
    for (; text[at] != '\0' && at < 300; at++)
        out[at] = (char)(text[at] >= ' ' && text[at] <= '~' ? text[at] : ' ');
    out[at] = '\0';
}

enum status rpc_read_answer(cJSON **result, const char *url, const char *method, const void *answer,
                            size_t count, struct diag *diag)
{
    cJSON *root = cJSON_ParseWithLength(answer, count);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(root, "error");
    cJSON *found = cJSON_GetObjectItemCaseSensitive(root, "result");
    enum status status = STATUS_OK;
    *result = NULL;
    if (cJSON_IsObject(error)) {
        const cJSON *message = cJSON_GetObjectItemCaseSensitive(error, "message");
        const cJSON *data = cJSON_GetObjectItemCaseSensitive(error, "data");
        char meaning[CONTRACT_ERROR_TEXT] = "", reason[301];
        to_visible(reason, cJSON_IsString(message) ? message->valuestring : "no reason given");
        enum status kind = is_revert(error, reason) ? STATUS_REJECTED : STATUS_IO;
        if (kind == STATUS_REJECTED && cJSON_IsString(data))
            (void)contract_error_text(meaning, data->valuestring);
        status = diag_set(diag, kind, "the node at %s refuses %s: %s%s%s", url, method, reason,
                          meaning[0] == '\0' ? "" : "; the contract says ", meaning);
    } else if (found == NULL) {
        status =
            diag_set(diag, STATUS_IO,
                     "the node at %s answers %s with something that is not JSON-RPC", url, method);
    } else {
        *result = cJSON_DetachItemViaPointer(root, found);
    }
    cJSON_Delete(root);
    return status;
}

enum status rpc_call(cJSON **result, struct rpc *rpc, const char *method, const char *params,
                     struct diag *diag)
{
    struct buffer body, answer;
    *result = NULL;
    buffer_init(&body);
    buffer_init(&answer);
    buffer_printf(&body,
                  "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"%s\",\"params\":", rpc->next_id++,
                  method);
    buffer_puts(&body, params);
    buffer_puts(&body, "}");
    enum status status = buffer_status(&body, diag);
    if (status == STATUS_OK)
        status = post(&answer, rpc, &body, diag);
    if (status == STATUS_OK)
        status =
            rpc_read_answer(result, rpc->shown, method, buffer_text(&answer), answer.count, diag);
    buffer_release(&answer);
    buffer_release(&body);
    return status;
}

enum status rpc_call_text(char **out, struct rpc *rpc, const char *method, const char *params,
                          struct diag *diag)
{
    cJSON *result;
    *out = NULL;
    enum status status = rpc_call(&result, rpc, method, params, diag);
    if (status != STATUS_OK)
        return status;
    if (cJSON_IsString(result))
        *out = strdup(result->valuestring);
    cJSON_Delete(result);
    return *out != NULL ? STATUS_OK
                        : diag_set(diag, STATUS_IO, "the node at %s answers %s with no text",
                                   rpc->shown, method);
}

bool rpc_parse_quantity(uint64_t *out, const char *text)
{
    bool prefixed = strncmp(text, "0x", 2) == 0;
    size_t digits = prefixed ? strspn(text + 2, "0123456789abcdefABCDEF") : 0;
    if (digits == 0 || digits > 16 || text[2 + digits] != '\0')
        return false;
    *out = strtoull(text + 2, NULL, 16);
    return true;
}

enum status rpc_call_quantity(uint64_t *out, struct rpc *rpc, const char *method,
                              const char *params, struct diag *diag)
{
    char *text;
    enum status status = rpc_call_text(&text, rpc, method, params, diag);
    if (status == STATUS_OK && !rpc_parse_quantity(out, text))
        status =
            diag_set(diag, STATUS_IO, "the node at %s answers %s with something that is no number",
                     rpc->shown, method);
    free(text);
    return status;
}
