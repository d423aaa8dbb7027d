/* sertn-run request, send-request, cancel-request, deposit: asking the market for answers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/field/system_random.h"
#include "backend/hash/keccak.h"
#include "ir/support/file.h"
#include "runtime/hidden_input.h"
#include "runtime/job.h"
#include "runtime/sealed.h"
#include "runtime/signed_request.h"
#include "runtime/tools/run_market.h"
#include "runtime/workload.h"

enum {
    INLINE_BYTES_MOST = 4096, /* inputs up to this are posted themselves */
    NAME_BYTES_MOST = 100,
    DEADLINE_SECONDS = 3600,
};

/* ---- request -------------------------------------------------------------------------------- */

/* A job that is about to be asked for. */
struct asking {
    struct market_side side;
    struct market_request request;
    struct market_price price;
    struct registry_model registered;
    struct model model;
    struct buffer bytes, posted; /* the input as nodes get it, and what is posted of it */
    bool is_hidden, is_sealed;   /* its inputs are hashed; and sealed to nodes */
    uint8_t asked[32];           /* the hash of the input before it is sealed */
    uint64_t seconds;            /* from now to the deadline */
};

static void asking_close(struct asking *a)
{
    buffer_release(&a->bytes);
    buffer_release(&a->posted);
    model_release(&a->model);
    chain_side_close(&a->side.chain);
}

/* Commits to the inputs; with salts where they are hashed, which nodes get before them. */
static enum status commit(struct asking *a, const struct run_options *o, const char *text,
                          const struct tensor *const *inputs, struct diag *diag)
{
    struct workload_layout layout = {0, 0};
    uint8_t(*salts)[HIDDEN_SALT_BYTES] = NULL;
    size_t hidden = hidden_input_count(&a->model);
    a->is_hidden = hidden > 0;
    if (a->is_hidden && (salts = calloc(hidden, sizeof *salts)) == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for salts");
    if (a->is_hidden)
        hidden_input_salts(salts, &a->model, a->side.chain.account.key, o->market.name, text,
                           strlen(text));
    enum status status =
        workload_commit_inputs(a->request.precommitment, &layout, &a->model, inputs,
                               (const uint8_t(*)[HIDDEN_SALT_BYTES])salts, diag);
    a->request.input_words = layout.words;
    a->request.input_bits = layout.bits;
    if (a->is_hidden)
        hidden_input_put(&a->bytes, &a->model, (const uint8_t(*)[HIDDEN_SALT_BYTES])salts, text,
                         strlen(text));
    else
        buffer_puts(&a->bytes, text);
    free(salts);
    return status == STATUS_OK ? buffer_status(&a->bytes, diag) : status;
}

/* Seals the input to the nodes that are admitted. */
static enum status seal(struct asking *a, const struct run_options *o, struct diag *diag)
{
    uint8_t(*keys)[SEALED_KEY_BYTES] = NULL;
    struct buffer sealed = {0};
    size_t count = 0;
    if (!a->is_hidden)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the inputs of '%s' are public: a proof shows them to everybody, and "
                        "--seal-to hides nothing; compile the model with --input hashed",
                        a->model.folder);
    if (o->market.uri != NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "what --seal-to makes is new each time and cannot lie at --uri; give "
                        "--store or --ipfs");
    enum status status = sealed_parse_keys(&keys, &count, o->market.seal_to, diag);
    if (status == STATUS_OK)
        status = sealed_make_input(&sealed, &a->model, &a->bytes,
                                   (const uint8_t(*)[SEALED_KEY_BYTES])keys, count, diag);
    if (status == STATUS_OK) {
        buffer_release(&a->bytes);
        a->bytes = sealed;
        a->is_sealed = true;
    } else {
        buffer_release(&sealed);
    }
    free(keys);
    return status;
}

/* The one set of inputs: its bytes as nodes get them, and what is committed to. */
static enum status read_input(struct asking *a, const struct run_options *o, struct diag *diag)
{
    struct value_sets sets = {0};
    struct arena arena;
    char *text = NULL;
    arena_init(&arena, 0);
    enum status status = run_read_inputs(&sets, o, &a->model, &arena, diag);
    if (status == STATUS_OK && sets.count != 1)
        status = diag_set(diag, STATUS_BAD_INPUT, "'%s' has %zu inputs; a job is one", o->input,
                          sets.count);
    if (status == STATUS_OK)
        status = workload_print(&text, &a->model, run_inputs(&sets, 0), diag);
    if (status == STATUS_OK)
        status = commit(a, o, text, run_inputs(&sets, 0), diag);
    keccak256(a->asked, a->bytes.data, a->bytes.count);
    if (status == STATUS_OK && o->market.seal_to != NULL)
        status = seal(a, o, diag);
    free(text);
    arena_release(&arena);
    return status;
}

/* The input itself, or the address of it. One that is hidden is not posted where all see it. */
static enum status place_input(struct asking *a, struct cli *cli, const struct run_options *o,
                               struct diag *diag)
{
    const struct buffer *bytes = &a->bytes;
    struct buffer *posted = &a->posted;
    bool is_open = a->is_hidden && !a->is_sealed;
    const struct storage storage = run_market_storage(o);
    struct storage_id id;
    char uri[STORAGE_URI_BYTES];
    bool stored = o->market.ipfs != NULL || o->market.store != NULL;
    enum status status = STATUS_OK;
    keccak256(a->request.input_hash, bytes->data, bytes->count);
    if (o->market.uri != NULL) {
        buffer_puts(posted, o->market.uri);
    } else if (stored || is_open || bytes->count > INLINE_BYTES_MOST) {
        status = storage_put_local(uri, &id, &storage, bytes->data, bytes->count, diag);
        if (status == STATUS_OK && o->market.ipfs != NULL)
            status = storage_put_ipfs(uri, &id, &storage, bytes->data, bytes->count, diag);
        if (status == STATUS_OK)
            buffer_puts(posted, uri);
        if (status == STATUS_OK && is_open)
            cli_say(cli,
                    "the input and its salts are stored as %s: nodes need them there, or "
                    "sealed to them (--seal-to)",
                    uri);
    } else {
        buffer_put(posted, bytes->data, bytes->count);
    }
    a->request.input = posted->data;
    a->request.input_bytes = posted->count;
    return status == STATUS_OK ? buffer_status(posted, diag) : status;
}

static enum status read_terms(struct market_request *request, const struct run_options *o,
                              struct diag *diag)
{
    struct buffer bytes = {0};
    enum status status = STATUS_OK;
    request->callback_gas = (uint32_t)o->market.callback_gas;
    if (o->market.destination != NULL &&
        !abi_parse_address(request->destination, o->market.destination))
        status = diag_set(diag, STATUS_BAD_INPUT, "--destination takes 0x and 40 hex digits");
    if (status == STATUS_OK && o->market.requirement != NULL) {
        if (abi_parse_hex(&bytes, o->market.requirement) && bytes.count == ABI_WORD)
            memcpy(request->requirement, bytes.data, ABI_WORD);
        else
            status = diag_set(diag, STATUS_BAD_INPUT, "--requirement takes 0x and 64 hex digits");
    }
    if (status == STATUS_OK && o->market.name != NULL && strlen(o->market.name) > NAME_BYTES_MOST)
        status = diag_set(diag, STATUS_BAD_INPUT, "--name takes at most %d bytes", NAME_BYTES_MOST);
    buffer_release(&bytes);
    return status;
}

static uint64_t deadline_seconds(const struct run_options *o)
{
    return o->market.seconds != 0 ? o->market.seconds : DEADLINE_SECONDS;
}

/* What the price is, and whether it and the deadline are as they should be. */
static enum status check_price(struct market_price *price, struct market_request *request,
                               const struct market *market, const struct run_options *o,
                               const struct registry_model *registered, struct diag *diag)
{
    uint64_t now, seconds = deadline_seconds(o);
    char text[2][AMOUNT_TEXT];
    enum status status = market_price(price, market, registered, request->callback_gas, diag);
    if (status == STATUS_OK)
        status = market_time(&now, market, diag);
    if (status != STATUS_OK)
        return status;
    if (registered->is_deprecated)
        return diag_set(diag, STATUS_BAD_INPUT, "model %" PRIu64 " takes no new work",
                        registered->number);
    if (o->market.has_most_price && price->price > o->market.most_price) {
        amount_format(text[0], price->price);
        amount_format(text[1], o->market.most_price);
        return diag_set(diag, STATUS_LIMIT, "the job costs %s, more than --max-price %s", text[0],
                        text[1]);
    }
    if (seconds < price->least_seconds || seconds > price->most_seconds)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "--deadline takes from %" PRIu64 " to %" PRIu64 " seconds in this market",
                        price->least_seconds, price->most_seconds);
    request->deadline = now + seconds;
    /* Who set no limit agreed to the price of now. */
    request->most_price = o->market.has_most_price ? o->market.most_price : price->price;
    return STATUS_OK;
}

/* Names a request by what is asked, and by its name if it has one: the same again is the same
 * job. */
static void name_request(char name[JOURNAL_NAME_BYTES], const struct market *market,
                         const struct market_request *r, const uint8_t asked[32], const char *given)
{
    struct keccak256 hash;
    uint8_t digest[KECCAK256_BYTES];
    keccak256_init(&hash);
    keccak256_update(&hash, market->address, sizeof market->address);
    keccak256_update(&hash, &r->model, sizeof r->model);
    keccak256_update(&hash, asked, 32);
    keccak256_update(&hash, r->precommitment, sizeof r->precommitment);
    keccak256_update(&hash, r->requirement, sizeof r->requirement);
    keccak256_update(&hash, r->destination, sizeof r->destination);
    keccak256_final(&hash, digest);
    size_t at = (size_t)snprintf(name, JOURNAL_NAME_BYTES, "request ");
    for (size_t i = 0; i < sizeof digest; i++)
        at += (size_t)snprintf(name + at, JOURNAL_NAME_BYTES - at, "%02x", digest[i]);
    if (given != NULL)
        snprintf(name + at, JOURNAL_NAME_BYTES - at, " '%s'", given);
}

static enum status prepare(struct asking *a, struct cli *cli, const struct run_options *o,
                           struct diag *diag)
{
    struct workload_layout layout;
    a->request.model = o->market.number;
    a->seconds = deadline_seconds(o);
    enum status status = read_terms(&a->request, o, diag);
    if (status == STATUS_OK && o->market.number == 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "give the number of the model in the registry with --number N");
    if (status == STATUS_OK && o->market.sign_only && o->output == NULL)
        status = diag_set(diag, STATUS_BAD_INPUT, "give the file of the signed request with -o");
    if (status == STATUS_OK)
        status = model_load(&a->model, o->folder, MODEL_HEAD, diag);
    if (status == STATUS_OK)
        status = run_check_input(o, diag);
    if (status == STATUS_OK)
        status = workload_layout(&layout, &a->model, diag); /* before the nodes are asked */
    if (status == STATUS_OK)
        status = run_market_open(&a->side, o, true, diag);
    if (status == STATUS_OK)
        status = run_check_key(&a->registered, &a->side.market, &a->model, o->market.number, diag);
    if (status == STATUS_OK)
        status = read_input(a, o, diag);
    if (status == STATUS_OK)
        status = check_price(&a->price, &a->request, &a->side.market, o, &a->registered, diag);
    return status == STATUS_OK ? place_input(a, cli, o, diag) : status;
}

static enum status send_request(struct cli *cli, struct asking *a, const struct run_options *o,
                                struct diag *diag)
{
    struct account_result result = {0};
    struct market_job_id id = {0, 0};
    char name[JOURNAL_NAME_BYTES], text[MARKET_JOB_TEXT], paid[AMOUNT_TEXT];
    name_request(name, &a->side.market, &a->request, a->asked, o->market.name);
    enum status status = market_send_request(&id, &result, &a->side.market, &a->side.chain.account,
                                             name, &a->request, a->price.price, diag);
    if (status == STATUS_OK) {
        market_job_text(text, id);
        amount_format(paid, a->price.price);
        run_add_job(cli->result, id);
        cJSON_AddStringToObject(cli->result, "price", paid);
        cJSON_AddNumberToObject(cli->result, "deadline", (double)a->request.deadline);
        chain_side_add_result(cli->result, &result);
        cli_say(cli, "job %s for %s%s", text, paid,
                result.was_known ? "; it was requested before (--name asks again)" : "");
    }
    return status;
}

/* ---- signed requests ------------------------------------------------------------------------ */

/* The nonce that was given, else a random one. */
static enum status choose_nonce(uint8_t nonce[ABI_WORD], const struct run_options *o,
                                struct diag *diag)
{
    uint64_t value = o->market.nonce;
    if (!o->market.has_nonce && !system_random_fill(&value, sizeof value))
        return diag_set(diag, STATUS_IO, "the operating system gives no random numbers");
    for (int i = 0; i < ABI_WORD; i++)
        nonce[ABI_WORD - 1 - i] = (uint8_t)(i < 8 ? value >> (8 * i) : 0);
    return STATUS_OK;
}

static void tell_signed(struct cli *cli, const struct asking *a, const struct signed_request *s,
                        amount held, const char *path)
{
    char price[AMOUNT_TEXT], has[AMOUNT_TEXT];
    uint8_t digest[32];
    signed_request_digest(digest, s);
    amount_format(price, a->price.price);
    amount_format(has, held);
    run_add_hex(cli->result, "digest", digest, sizeof digest);
    run_add_address(cli->result, "requester", s->requester);
    cJSON_AddStringToObject(cli->result, "price", price);
    cJSON_AddStringToObject(cli->result, "held", has);
    cJSON_AddNumberToObject(cli->result, "deadline", (double)s->request.deadline);
    cJSON_AddNumberToObject(cli->result, "expiry", (double)s->expiry);
    cli_say(cli,
            "'%s' is signed: whoever sends it with sertn-run send-request pays the gas, your "
            "account in the market the job, %s now",
            path, price);
    if (held < a->price.price)
        cli_say(cli, "your account in the market holds %s, which is too little: sertn-run deposit",
                has);
}

static enum status sign_request(struct cli *cli, struct asking *a, const struct run_options *o,
                                struct diag *diag)
{
    struct signed_request s = {.request = a->request};
    struct buffer text = {0};
    uint64_t last = a->request.deadline - a->price.least_seconds;
    amount held = 0;
    s.chain_id = a->side.chain.nodes.chain_id;
    memcpy(s.market, a->side.market.address, ABI_ADDRESS);
    bool is_address = abi_parse_address(s.requester, a->side.chain.account.id.address);
    ASSERT(is_address);
    /* After `last` the market would find the deadline too near. */
    uint64_t now = a->request.deadline - a->seconds;
    s.expiry =
        o->market.expiry == 0 || o->market.expiry > last - now ? last : now + o->market.expiry;
    enum status status = choose_nonce(s.nonce, o, diag);
    if (status == STATUS_OK)
        status = signed_request_sign(&s, a->side.chain.account.key, diag);
    if (status == STATUS_OK)
        status = signed_request_print(&text, &s, diag);
    if (status == STATUS_OK)
        status = market_balance(&held, &a->side.market, s.requester, diag);
    if (status == STATUS_OK)
        status = file_write(o->output, text.data, text.count, FILE_MODE_PRIVATE, true, diag);
    if (status == STATUS_OK)
        tell_signed(cli, a, &s, held, o->output);
    buffer_release(&text);
    signed_request_release(&s);
    return status;
}

enum status run_request(struct cli *cli, struct run_options *o, struct diag *diag)
{
    struct asking a = {.seconds = 0};
    cli->result = cJSON_CreateObject();
    enum status status = prepare(&a, cli, o, diag);
    if (status == STATUS_OK)
        status =
            o->market.sign_only ? sign_request(cli, &a, o, diag) : send_request(cli, &a, o, diag);
    asking_close(&a);
    return status;
}

/* The market of --market, if it was given, is the one that was signed for. */
static enum status check_market(const struct signed_request *s, const struct run_options *o,
                                struct diag *diag)
{
    uint8_t given[ABI_ADDRESS];
    char text[CONTRACT_ADDRESS_TEXT];
    if (o->market.address == NULL ||
        (abi_parse_address(given, o->market.address) && memcmp(given, s->market, ABI_ADDRESS) == 0))
        return STATUS_OK;
    contract_address_text(text, s->market);
    return diag_set(diag, STATUS_BAD_INPUT,
                    "the request was signed for the market at %s, not for --market %.60s", text,
                    o->market.address);
}

/* A signed request, and the market that it was signed for. */
static enum status open_signed(struct signed_request *s, struct market_side *side,
                               const struct run_options *o, struct diag *diag)
{
    const struct chain_side_options options = run_market_chain(o);
    char address[CONTRACT_ADDRESS_TEXT];
    enum status status = signed_request_read(s, o->folder, diag);
    if (status == STATUS_OK)
        status = check_market(s, o, diag);
    if (status == STATUS_OK)
        status = chain_side_open(&side->chain, &options, diag);
    if (status == STATUS_OK && side->chain.nodes.chain_id != s->chain_id)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "the request was signed for chain %" PRIu64
                          ", and the nodes of --rpc are of chain %" PRIu64,
                          s->chain_id, side->chain.nodes.chain_id);
    contract_address_text(address, s->market);
    if (status == STATUS_OK)
        status = market_open(&side->market, &side->chain.nodes, address, diag);
    if (status == STATUS_OK)
        status = chain_side_open_account(&side->chain, &options, diag);
    return status;
}

enum status run_send_request(struct cli *cli, struct run_options *o, struct diag *diag)
{
    struct market_side side = {0};
    struct signed_request s;
    struct registry_model registered;
    struct market_price price = {0};
    struct account_result result = {0};
    struct journal_entry entry;
    struct market_job_id id = {0, 0};
    char name[JOURNAL_NAME_BYTES], text[MARKET_JOB_TEXT];
    bool is_known = false;
    uint64_t now = 0;
    cli->result = cJSON_CreateObject();
    enum status status = open_signed(&s, &side, o, diag);
    if (status == STATUS_OK) {
        signed_request_name(name, "send request", &s);
        status = journal_find(&is_known, &entry, &side.chain.journal, &side.chain.account.id, name,
                              diag);
    }
    if (status == STATUS_OK)
        status = registry_show(&registered, &side.market.registry, s.request.model, diag);
    if (status == STATUS_OK)
        status = market_price(&price, &side.market, &registered, s.request.callback_gas, diag);
    if (status == STATUS_OK)
        status = market_time(&now, &side.market, diag);
    if (status == STATUS_OK &&
        (!is_known || (entry.state != JOURNAL_OPEN && entry.state != JOURNAL_MINED)))
        status = signed_request_check(&s, &side.market, now, price.price, diag);
    if (status == STATUS_OK)
        status = signed_request_send(&id, &result, &s, &side.market, &side.chain.account, diag);
    if (status == STATUS_OK) {
        market_job_text(text, id);
        run_add_job(cli->result, id);
        run_add_address(cli->result, "requester", s.requester);
        cJSON_AddNumberToObject(cli->result, "deadline", (double)s.request.deadline);
        chain_side_add_result(cli->result, &result);
        cli_say(cli, "job %s, paid by its signer%s", text,
                result.was_known ? "; it was sent before" : "");
    }
    signed_request_release(&s);
    chain_side_close(&side.chain);
    return status;
}

enum status run_cancel_request(struct cli *cli, struct run_options *o, struct diag *diag)
{
    struct market_side side = {0};
    struct signed_request s;
    struct account_result result = {0};
    struct journal_entry entry;
    struct buffer data = {0};
    uint8_t account[ABI_ADDRESS];
    char name[JOURNAL_NAME_BYTES], text[CONTRACT_ADDRESS_TEXT];
    bool is_known = false, used = false;
    cli->result = cJSON_CreateObject();
    enum status status = open_signed(&s, &side, o, diag);
    if (status == STATUS_OK && (!abi_parse_address(account, side.chain.account.id.address) ||
                                memcmp(account, s.requester, ABI_ADDRESS) != 0)) {
        contract_address_text(text, s.requester);
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "only its requester %s takes a request back, and --keystore is that of "
                          "%s",
                          text, side.chain.account.id.address);
    }
    if (status == STATUS_OK) {
        signed_request_name(name, "cancel request", &s);
        status = journal_find(&is_known, &entry, &side.chain.journal, &side.chain.account.id, name,
                              diag);
    }
    if (status == STATUS_OK && !is_known)
        status = signed_request_is_used(&used, &s, &side.market, diag);
    if (status == STATUS_OK && used)
        status = diag_set(diag, STATUS_REJECTED,
                          "the request was sent before, or taken back: its nonce is used");
    if (status == STATUS_OK)
        status = market_word_data(&data, "cancelNonce(uint256)", s.nonce, diag);
    if (status == STATUS_OK)
        status =
            signer_send(&result, &side.chain.account, name, side.market.address, &data, 0, diag);
    if (status == STATUS_OK) {
        chain_side_add_result(cli->result, &result);
        cli_say(cli, "the request in '%s' is taken back: nobody can send it any more", o->folder);
    }
    buffer_release(&data);
    signed_request_release(&s);
    chain_side_close(&side.chain);
    return status;
}

/* ---- deposit -------------------------------------------------------------------------------- */

enum status run_deposit(struct cli *cli, struct run_options *o, struct diag *diag)
{
    struct market_side side = {0};
    struct account_result result = {0};
    uint8_t owner[ABI_ADDRESS] = {0};
    amount held = 0;
    char name[JOURNAL_NAME_BYTES], text[2][AMOUNT_TEXT], address[CONTRACT_ADDRESS_TEXT];
    cli->result = cJSON_CreateObject();
    enum status status = STATUS_OK;
    if (!o->market.has_amount || o->market.amount == 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "give what goes into the market with --amount N, in the token's smallest "
                          "unit");
    if (status == STATUS_OK && o->market.name != NULL && strlen(o->market.name) > NAME_BYTES_MOST)
        status = diag_set(diag, STATUS_BAD_INPUT, "--name takes at most %d bytes", NAME_BYTES_MOST);
    if (status == STATUS_OK)
        status = run_market_open(&side, o, true, diag);
    if (status == STATUS_OK &&
        !abi_parse_address(owner,
                           o->market.to != NULL ? o->market.to : side.chain.account.id.address))
        status = diag_set(diag, STATUS_BAD_INPUT, "--to takes 0x and 40 hex digits");
    if (status == STATUS_OK) {
        contract_address_text(address, owner);
        amount_format(text[0], o->market.amount);
        market_name_step(name, &side.market, "%s to %s%s%s", text[0], address,
                         o->market.name == NULL ? "" : " ",
                         o->market.name == NULL ? "" : o->market.name);
        status = market_deposit(&result, &side.market, &side.chain.account, name, owner,
                                o->market.amount, diag);
    }
    if (status == STATUS_OK)
        status = market_balance(&held, &side.market, owner, diag);
    if (status == STATUS_OK) {
        amount_format(text[1], held);
        run_add_address(cli->result, "account", owner);
        cJSON_AddStringToObject(cli->result, "deposited", text[0]);
        cJSON_AddStringToObject(cli->result, "held", text[1]);
        chain_side_add_result(cli->result, &result);
        cli_say(cli, "%s holds %s in the market%s", address, text[1],
                result.was_known ? "; this was deposited before (--name deposits again)" : "");
    }
    chain_side_close(&side.chain);
    return status;
}
