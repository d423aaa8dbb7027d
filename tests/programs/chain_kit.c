/* See chain_kit.h. */
#include "tests/programs/chain_kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "runtime/http.h"

enum { STARTS_MAX = 5, WAIT_TRIES = 200, WAIT_US = 50000, REQUEST_BYTES = 1 << 16 };

static pid_t chain, server;
static const char *kept; /* file of the chain, or NULL */
static unsigned chain_port;

const char *kit_tool(const char *name)
{
    const char *path = test_source_path(
        kit_text("contracts/node_modules/@foundry-rs/%s-linux-amd64/bin/%s", name, name));
    if (!file_exists(path))
        test_skip("%s is not installed: contracts/setup", name);
    return path;
}

static void stop(pid_t *process)
{
    if (*process > 0) {
        kill(*process, SIGKILL);
        waitpid(*process, NULL, 0);
    }
    *process = 0;
}

void kit_chain_stop(void)
{
    stop(&chain);
}

void kit_server_stop(void)
{
    stop(&server);
}

/* In the child: ends with its parent. */
static void end_with_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
}

static struct sockaddr_in address_of(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

unsigned kit_free_port(void)
{
    const int yes = 1;
    for (unsigned i = 0; i < WAIT_TRIES; i++) {
        /* Outgoing connections have ports from 32768 on. */
        unsigned port = 20000 + (unsigned)test_random_below(12000);
        struct sockaddr_in address = address_of(port);
        int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_free = setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                       bind(socket_, (struct sockaddr *)&address, sizeof address) == 0;
        close(socket_);
        if (is_free)
            return port;
    }
    REQUIRE(!"there is a free port");
    return 0;
}

/* ---- anvil ---- */

static bool accepts(unsigned port)
{
    struct sockaddr_in address = address_of(port);
    int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool open = connect(socket_, (struct sockaddr *)&address, sizeof address) == 0;
    close(socket_);
    return open;
}

static void run_anvil(const char *anvil, unsigned port, unsigned chain_id, pid_t parent)
{
    char port_text[16], id_text[16];
    snprintf(port_text, sizeof port_text, "%u", port);
    snprintf(id_text, sizeof id_text, "%u", chain_id);
    end_with_parent(parent);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    /* Old states would go to the home of whoever runs the tests, and stay there: gigabytes. */
    execl(anvil, "anvil", "--host", "127.0.0.1", "--port", port_text, "--chain-id", id_text,
          "--hardfork", "osaka", "--quiet", "--max-persisted-states", "0",
          kept == NULL ? (char *)NULL : "--state", kept, "--state-interval", "1", (char *)NULL);
    _exit(126);
}

/* Whether the child still runs and its port answers; a taken port ends anvil at once. */
static bool comes_up(pid_t child, unsigned port)
{
    for (unsigned i = 0; i < WAIT_TRIES; i++) {
        usleep(WAIT_US);
        if (waitpid(child, NULL, WNOHANG) != 0)
            return false;
        if (accepts(port))
            return waitpid(child, NULL, WNOHANG) == 0;
    }
    return false;
}

static void start_anvil(const char *anvil, unsigned port, unsigned chain_id)
{
    pid_t parent = getpid();
    fflush(NULL);
    chain = fork();
    REQUIRE(chain >= 0);
    if (chain == 0)
        run_anvil(anvil, port, chain_id, parent);
    chain_port = port;
}

void kit_chain_keep(const char *path)
{
    static char text[600];
    snprintf(text, sizeof text, "%s", path);
    kept = text;
}

/* What was being written at the first change may be from before; at the second it is not. */
void kit_chain_wait_kept(void)
{
    struct stat now, last;
    unsigned changes = 0;
    REQUIRE(stat(kept, &last) == 0);
    for (unsigned i = 0; i < 5 * WAIT_TRIES && changes < 2; i++) {
        usleep(WAIT_US);
        bool is_new = stat(kept, &now) == 0 && (now.st_mtim.tv_sec != last.st_mtim.tv_sec ||
                                                now.st_mtim.tv_nsec != last.st_mtim.tv_nsec);
        if (!is_new)
            continue;
        changes++;
        usleep(10 * WAIT_US); /* until it is written to its end */
        REQUIRE(stat(kept, &last) == 0);
    }
    REQUIRE(changes == 2);
}

/* The file of the chain as it was written whole; anvil does not write it in one step. */
static struct buffer read_kept(void)
{
    for (unsigned i = 0; i < WAIT_TRIES; i++) {
        struct buffer bytes = kit_read(kept);
        cJSON *state = cJSON_ParseWithLength((const char *)bytes.data, bytes.count);
        bool whole = state != NULL;
        cJSON_Delete(state);
        if (whole)
            return bytes;
        buffer_release(&bytes);
        usleep(WAIT_US);
    }
    REQUIRE(!"the state of the chain is whole at some time");
    return (struct buffer){0};
}

void kit_chain_restart(bool properly, unsigned chain_id)
{
    struct buffer before = {0};
    if (!properly)
        before = read_kept();
    kill(chain, properly ? SIGTERM : SIGKILL);
    waitpid(chain, NULL, 0);
    if (!properly)
        kit_write(kept, before.data, before.count);
    buffer_release(&before);
    start_anvil(kit_tool("anvil"), chain_port, chain_id);
    REQUIRE(comes_up(chain, chain_port));
}

const char *kit_chain_start(unsigned chain_id)
{
    const char *anvil = kit_tool("anvil");
    kit_chain_stop();
    for (unsigned i = 0; i < STARTS_MAX; i++) {
        unsigned port = kit_free_port();
        start_anvil(anvil, port, chain_id);
        if (comes_up(chain, port))
            return kit_text("http://127.0.0.1:%u", port);
        kit_chain_stop();
    }
    REQUIRE(!"anvil does not start");
    return NULL;
}

/* ---- servers of rubbish ---- */

/* Reads a request whole, as far as these tests send them: to the length its header gives. */
static size_t read_request(int peer, char *text, size_t size)
{
    size_t count = 0;
    for (;;) {
        ssize_t got = read(peer, text + count, size - 1 - count);
        if (got <= 0)
            return count;
        count += (size_t)got;
        text[count] = '\0';
        const char *body = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");
        if (strcasestr(text, "expect: 100-continue") != NULL && body != NULL && body[4] == '\0' &&
            write(peer, "HTTP/1.1 100 Continue\r\n\r\n", 25) < 0)
            return count;
        if (body != NULL && length != NULL &&
            strlen(body + 4) >= strtoul(length + strlen("content-length:"), NULL, 10))
            return count;
        if (count + 1 >= size)
            return count;
    }
}

static const char *answer_for(const struct kit_answer *answers, const char *request)
{
    for (size_t i = 0; answers[i].method != NULL; i++) {
        if (strstr(request, answers[i].method) != NULL)
            return answers[i].body;
    }
    return NULL;
}

static _Noreturn void serve(int listener, const struct kit_answer *answers, const char *status_line)
{
    static char request[REQUEST_BYTES];
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer < 0)
            continue;
        request[0] = '\0';
        read_request(peer, request, sizeof request);
        const char *body = answer_for(answers, request);
        if (body != NULL)
            dprintf(peer, "%s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status_line,
                    strlen(body), body);
        close(peer);
    }
}

/* Listens; the process that answers is a child, in which *listener is open. */
static const char *start_server(int *listener, pid_t *child)
{
    struct sockaddr_in address = address_of(0);
    socklen_t bytes = sizeof address;
    pid_t parent = getpid();
    kit_server_stop();
    *listener = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(*listener >= 0 && bind(*listener, (struct sockaddr *)&address, sizeof address) == 0 &&
            listen(*listener, 8) == 0 &&
            getsockname(*listener, (struct sockaddr *)&address, &bytes) == 0);
    fflush(NULL);
    *child = fork();
    REQUIRE(*child >= 0);
    if (*child == 0) {
        end_with_parent(parent);
        return NULL;
    }
    close(*listener);
    return kit_text("http://127.0.0.1:%u", ntohs(address.sin_port));
}

const char *kit_server_start(const struct kit_answer *answers, const char *status_line)
{
    int listener;
    const char *url = start_server(&listener, &server);
    if (server == 0)
        serve(listener, answers, status_line);
    return url;
}

/* ---- a slow one ----------------------------------------------------------------------------- */

static _Noreturn void drip(int listener, unsigned bytes)
{
    static char request[REQUEST_BYTES], drop[4096];
    signal(SIGPIPE, SIG_IGN);
    memset(drop, ' ', sizeof drop);
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer < 0)
            continue;
        read_request(peer, request, sizeof request);
        dprintf(peer, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while (write(peer, drop, bytes) == (ssize_t)bytes)
            usleep(100000);
        close(peer);
    }
}

const char *kit_drip_start(unsigned bytes)
{
    int listener;
    const char *url = start_server(&listener, &server);
    if (server == 0)
        drip(listener, bytes);
    return url;
}

/* ---- a node with bounds --------------------------------------------------------------------- */

static unsigned long long block_of(const char *body, const char *member)
{
    const char *at = strstr(body, member);
    return at == NULL || strncmp(at + strlen(member), "\":\"0x", 5) != 0
               ? ~0ull
               : strtoull(at + strlen(member) + 3, NULL, 16);
}

static bool is_too_wide(const char *body, unsigned most_blocks)
{
    unsigned long long first = block_of(body, "fromBlock"), last = block_of(body, "toBlock");
    return strstr(body, "eth_getLogs") != NULL && (last == ~0ull || last - first >= most_blocks);
}

/* Hands on to `node` what neither goes over too many blocks (0: no number is) nor has the words
 * (NULL: none) that it has an answer of its own to, `times` times after the first `before`. */
struct proxy {
    const char *node, *words, *answer;
    unsigned most_blocks, before, times;
};

static _Noreturn void hand_on(int listener, struct proxy proxy)
{
    static char request[REQUEST_BYTES * 8];
    static const char refusal[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32005,"
                                  "\"message\":\"block range is too wide\"}}";
    struct diag diag = {0};
    struct http http;
    signal(SIGPIPE, SIG_IGN);
    if (http_open(&http, 20, 1 << 26, &diag) != STATUS_OK)
        _exit(1);
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        struct buffer answer = {0};
        long code = 0;
        if (peer < 0)
            continue;
        request[0] = '\0';
        read_request(peer, request, sizeof request);
        const char *body = strstr(request, "\r\n\r\n");
        body = body == NULL ? "" : body + 4;
        struct http_request call = {proxy.node, "application/json", body, strlen(body)};
        bool has_words = proxy.words != NULL && strstr(body, proxy.words) != NULL,
             is_own = has_words && proxy.before == 0 && proxy.times > 0;
        proxy.times -= is_own;
        proxy.before -= has_words && proxy.before > 0;
        if (is_own && proxy.answer != NULL)
            buffer_printf(&answer, "{\"jsonrpc\":\"2.0\",\"id\":1,%s}", proxy.answer);
        else if (proxy.most_blocks > 0 && is_too_wide(body, proxy.most_blocks))
            buffer_puts(&answer, refusal);
        else if (http_exchange(&code, &answer, &http, &call, &diag) != STATUS_OK)
            buffer_clear(&answer);
        dprintf(peer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                answer.count, buffer_text(&answer));
        buffer_release(&answer);
        close(peer);
        if (is_own && proxy.answer == NULL)
            _exit(0);
    }
}

const char *kit_proxy_start(const char *node, unsigned most_blocks)
{
    int listener;
    const char *url = start_server(&listener, &server);
    if (server == 0)
        hand_on(listener, (struct proxy){.node = node, .most_blocks = most_blocks});
    return url;
}

const char *kit_liar_start(const char *node, const char *words, const char *answer, unsigned before,
                           unsigned times)
{
    int listener;
    const char *url = start_server(&listener, &server);
    if (server == 0)
        hand_on(listener, (struct proxy){node, words, answer, 0, before, times});
    return url;
}
