/* See market.h. */
#include "runtime/market_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"

/* ---- opening -------------------------------------------------------------------------------- */

bool market_is_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

enum status market_open(struct market *market, struct endpoints *nodes, const char *address,
                        struct diag *diag)
{
    static const char *const signatures[] = {"REGISTRY()", "TOKEN()", "pools()"};
    uint8_t word[3][ABI_WORD];
    *market = (struct market){.nodes = nodes};
    if (address == NULL || !abi_parse_address(market->address, address))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the market's address with 0x and 40 hex digits");
    for (int i = 0; i < 3; i++) {
        enum status status = contract_ask_word(word[i], nodes, market->address, signatures[i],
                                               "market of inferences", diag);
        if (status != STATUS_OK)
            return status;
    }
    market->registry.nodes = nodes;
    memcpy(market->registry.address, word[0] + 12, ABI_ADDRESS);
    memcpy(market->token, word[1] + 12, ABI_ADDRESS);
    memcpy(market->pools, word[2] + 12, ABI_ADDRESS);
    market->has_pools = !market_is_zero(market->pools, ABI_ADDRESS);
    return STATUS_OK;
}

void market_name_step(char name[JOURNAL_NAME_BYTES], const struct market *market,
                      const char *format, ...)
{
    char address[CONTRACT_ADDRESS_TEXT];
    va_list arguments;
    contract_address_text(address, market->address);
    va_start(arguments, format);
    size_t at = (size_t)vsnprintf(name, JOURNAL_NAME_BYTES, format, arguments);
    va_end(arguments);
    ASSERT(at + sizeof " at " + sizeof address < JOURNAL_NAME_BYTES);
    snprintf(name + at, JOURNAL_NAME_BYTES - at, " at %s", address);
}

/* ---- names of jobs -------------------------------------------------------------------------- */

void market_job_text(char text[MARKET_JOB_TEXT], struct market_job_id id)
{
    snprintf(text, MARKET_JOB_TEXT, "%" PRIu64 "/%" PRIu64, id.model, id.place);
}

static bool parse_u64(uint64_t *out, const char *text, const char **end)
{
    amount value;
    char digits[24];
    size_t count = strspn(text, "0123456789");
    if (count == 0 || count >= sizeof digits)
        return false;
    memcpy(digits, text, count);
    digits[count] = '\0';
    if (!amount_parse(&value, digits) || value > UINT64_MAX)
        return false;
    *out = (uint64_t)value;
    *end = text + count;
    return true;
}

bool market_parse_job(struct market_job_id *id, const char *text)
{
    const char *end;
    size_t digits = strncmp(text, "0x", 2) == 0 ? strlen(text + 2) : 0;
    if (digits > 16 && digits <= 32 && strspn(text + 2, "0123456789abcdefABCDEF") == digits) {
        char model[20] = {0};
        memcpy(model, text + 2, digits - 16);
        id->model = strtoull(model, NULL, 16);
        id->place = strtoull(text + 2 + digits - 16, NULL, 16);
    } else if (!parse_u64(&id->model, text, &end) || *end != '/' ||
               !parse_u64(&id->place, end + 1, &end) || *end != '\0') {
        return false;
    }
    return id->model != 0 && id->place != 0;
}

void market_job_word(uint8_t word[ABI_WORD], struct market_job_id id)
{
    memset(word, 0, ABI_WORD);
    for (int i = 0; i < 8; i++) {
        word[ABI_WORD - 1 - i] = (uint8_t)(id.place >> (8 * i));
        word[ABI_WORD - 9 - i] = (uint8_t)(id.model >> (8 * i));
    }
}

bool market_job_of_word(struct market_job_id *id, const uint8_t word[ABI_WORD])
{
    id->model = id->place = 0;
    for (int i = 0; i < 8; i++) {
        id->model = id->model << 8 | word[16 + i];
        id->place = id->place << 8 | word[24 + i];
    }
    return market_is_zero(word, 16) && id->model != 0 && id->place != 0;
}

const char *market_state_name(enum market_state state)
{
    static const char *const names[] = {"none", "open", "paid", "refunded"};
    return names[state];
}

/* ---- reading -------------------------------------------------------------------------------- */

enum status market_bad_answer(const char *what, struct diag *diag)
{
    return diag_set(diag, STATUS_IO, "the nodes answer for %s with something else", what);
}

/* jobOf: the struct Job, in the order of its members. */
static bool read_job(struct market_job *job, const struct buffer *answer)
{
    struct abi_reader r = {answer->data, answer->count, false};
    memcpy(job->requester, abi_word(&r, 0, 0) + 12, ABI_ADDRESS);
    job->deadline = abi_u64(&r, 0, 1);
    job->settled_at = abi_u64(&r, 0, 2);
    uint64_t state = abi_u64(&r, 0, 3);
    job->input_bits = (unsigned)abi_u64(&r, 0, 4);
    memcpy(job->destination, abi_word(&r, 0, 5) + 12, ABI_ADDRESS);
    job->price = amount_read(&r, 0, 6);
    job->royalty = amount_read(&r, 0, 7);
    job->fee = amount_read(&r, 0, 8);
    job->callback_gas = (uint32_t)abi_u64(&r, 0, 9);
    job->input_words = (unsigned)abi_u64(&r, 0, 10);
    bool has_requirement = abi_u64(&r, 0, 11) != 0;
    memcpy(job->precommitment, abi_word(&r, 0, 12), 32);
    job->state = state <= MARKET_JOB_REFUNDED ? (enum market_state)state : MARKET_NONE;
    job->requirement[0] = has_requirement;
    return !r.failed && answer->count == 13 * ABI_WORD && state <= MARKET_JOB_REFUNDED &&
           job->price >= job->royalty + job->fee && job->price >> 96 == 0;
}

enum status market_job(struct market_job *job, const struct market *market, struct market_job_id id,
                       struct diag *diag)
{
    uint8_t word[ABI_WORD];
    struct buffer answer = {0};
    struct diag reason = {0};
    *job = (struct market_job){.id = id};
    market_job_word(word, id);
    enum status status =
        contract_ask(&answer, market->nodes, market->address, "jobOf(uint256)", word, 1, &reason);
    if (status == STATUS_REJECTED) { /* JobUnknown */
        buffer_release(&answer);
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        status = diag_set(diag, status, "%s", reason.text);
    else if (!read_job(job, &answer))
        status = market_bad_answer("a job of the market", diag);
    buffer_clear(&answer);
    if (status == STATUS_OK && job->requirement[0] != 0) {
        status = contract_ask(&answer, market->nodes, market->address, "requirementOf(uint256)",
                              word, 1, diag);
        if (status == STATUS_OK && answer.count == ABI_WORD)
            memcpy(job->requirement, answer.data, ABI_WORD);
        else if (status == STATUS_OK)
            status = market_bad_answer("a requirement", diag);
    }
    buffer_release(&answer);
    return status;
}

enum status market_reservation(uint8_t node[ABI_ADDRESS], uint64_t *until,
                               const struct market *market, struct market_job_id id,
                               struct diag *diag)
{
    uint8_t word[ABI_WORD];
    struct buffer answer = {0};
    market_job_word(word, id);
    enum status status = contract_ask(&answer, market->nodes, market->address,
                                      "reservationOf(uint256)", word, 1, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        memcpy(node, abi_word(&r, 0, 0) + 12, ABI_ADDRESS);
        *until = abi_u64(&r, 0, 1);
        if (r.failed)
            status = market_bad_answer("a reservation", diag);
    }
    buffer_release(&answer);
    return status;
}

enum status market_time(uint64_t *seconds, const struct market *market, struct diag *diag)
{
    static const char *const tags[] = {"[\"pending\",false]", "[\"latest\",false]"};
    struct diag ignored = {0};
    enum status status =
        endpoints_median_block(seconds, market->nodes, tags[0], "timestamp", &ignored);
    /* Some nodes show no block to come. */
    return status == STATUS_OK
               ? status
               : endpoints_median_block(seconds, market->nodes, tags[1], "timestamp", diag);
}

enum status market_is_paused(bool *paused, const struct market *market, struct diag *diag)
{
    uint8_t word[ABI_WORD];
    enum status status = contract_ask_word(word, market->nodes, market->address, "lastPauseEnd()",
                                           "market of inferences", diag);
    struct abi_reader r = {word, sizeof word, false};
    if (status == STATUS_OK)
        *paused = abi_u64(&r, 0, 0) == (UINT64_C(1) << 40) - 1;
    return status;
}

enum status market_ask_amount(amount *out, const struct market *market,
                              const uint8_t to[ABI_ADDRESS], const char *signature,
                              const uint8_t *words, size_t count, struct diag *diag)
{
    struct buffer answer = {0};
    enum status status = contract_ask(&answer, market->nodes, to, signature, words, count, diag);
    struct abi_reader r = {answer.data, answer.count, false};
    if (status == STATUS_OK) {
        *out = amount_read(&r, 0, 0);
        /* An allowance without end is more than any amount. */
        if (r.failed && answer.count == ABI_WORD)
            *out = (amount)1 << 126;
        else if (r.failed)
            status = market_bad_answer(signature, diag);
    }
    buffer_release(&answer);
    return status;
}

void market_address_word(uint8_t word[ABI_WORD], const uint8_t address[ABI_ADDRESS])
{
    memset(word, 0, 12);
    memcpy(word + 12, address, ABI_ADDRESS);
}

void market_number_word(uint8_t word[ABI_WORD], uint64_t value)
{
    memset(word, 0, ABI_WORD);
    for (int i = 0; i < 8; i++)
        word[ABI_WORD - 1 - i] = (uint8_t)(value >> (8 * i));
}

enum status market_balance(amount *out, const struct market *market,
                           const uint8_t account[ABI_ADDRESS], struct diag *diag)
{
    uint8_t word[ABI_WORD];
    market_address_word(word, account);
    return market_ask_amount(out, market, market->address, "balanceOf(address)", word, 1, diag);
}

enum status market_price(struct market_price *out, const struct market *market,
                         const struct registry_model *model, uint32_t callback_gas,
                         struct diag *diag)
{
    struct buffer answer = {0};
    enum status status =
        contract_ask(&answer, market->nodes, market->address, "parameters()", NULL, 0, diag);
    struct abi_reader r = {answer.data, answer.count, false},
                      royalty = {model->royalty, ABI_WORD, false};
    if (status == STATUS_OK) {
        amount work = amount_read(&r, 0, 0) * model->compute_cost;
        amount callback = amount_read(&r, 0, 1) * callback_gas;
        out->royalty = amount_read(&royalty, 0, 0);
        out->fee = work * abi_u64(&r, 0, 2) / 10000;
        out->price = work + callback + out->royalty;
        out->least_seconds = abi_u64(&r, 0, 3);
        out->most_seconds = abi_u64(&r, 0, 4);
        if (r.failed || royalty.failed)
            status = market_bad_answer("the parameters of the market", diag);
    }
    buffer_release(&answer);
    return status;
}

void market_context(uint8_t context[PROOF_CONTEXT_BYTES], const struct market *market,
                    struct market_job_id id, const uint8_t prover[ABI_ADDRESS])
{
    static const char domain[] = "sertn.context.v1";
    uint8_t words[5][ABI_WORD];
    keccak256(words[0], domain, sizeof domain - 1);
    market_number_word(words[1], market->nodes->chain_id);
    market_address_word(words[2], market->address);
    market_job_word(words[3], id);
    market_address_word(words[4], prover);
    keccak256(context, words, sizeof words);
}

/* Bits [shift, shift + count) of a big-endian word; at most 112 of them. */
static amount bits_of(const uint8_t word[ABI_WORD], unsigned shift, unsigned count)
{
    amount value = 0;
    for (unsigned i = count; i-- > 0;) {
        unsigned bit = shift + i;
        unsigned set = bit < 256 ? word[ABI_WORD - 1 - bit / 8] >> bit % 8 & 1 : 0;
        value = value << 1 | set;
    }
    return value;
}

bool market_meets(const uint8_t *words, size_t word_count, const uint8_t requirement[ABI_WORD])
{
    if (market_is_zero(requirement, ABI_WORD))
        return true;
    size_t index = (size_t)requirement[0] << 8 | requirement[1];
    unsigned shift = requirement[2], width = requirement[3];
    if (index >= word_count || width > 112)
        return false;
    amount value = bits_of(words + ABI_WORD * index, shift, width);
    return value >= bits_of(requirement, 112, 112) && value <= bits_of(requirement, 0, 112);
}
