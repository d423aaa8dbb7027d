/* See ceremony_chain.h. */
#include "runtime/ceremony_chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/commit/srs.h"
#include "backend/hash/keccak.h"
#include "ir/support/file.h"
#include "runtime/contract.h"
#include "runtime/logs.h"
#include "runtime/signer.h"

enum { POWERS_WORDS = 8, KNOWLEDGE_WORDS = 8, NAME_BYTES = JOURNAL_NAME_BYTES - 20 };
#define POWERS "(uint256[2],uint256[4],bytes32[2])"
static const char contributed_signature[] =
    "Contributed(uint256,address,bytes32," POWERS ",bytes32[2],string,uint256)";
static const char finished_signature[] = "Finished(bytes32," POWERS ",bytes32[2],string)";
static const char contribute_signature[] =
    "contribute(" POWERS "," POWERS ",(uint256[2],uint256[2],uint256[4]),bytes32[2],string)";
static const char finish_signature[] = "finish(" POWERS "," POWERS ",bytes32[2],string)";

static bool is_zero(const uint8_t word[ABI_WORD])
{
    static const uint8_t zero[ABI_WORD];
    return memcmp(word, zero, ABI_WORD) == 0;
}

/* ---- state ---------------------------------------------------------------------------------- */

static enum status ask_number(uint64_t *out, const struct ceremony_chain *chain,
                              const char *signature, struct diag *diag)
{
    uint8_t word[ABI_WORD];
    enum status status =
        contract_ask_word(word, chain->nodes, chain->address, signature, "ceremony", diag);
    struct abi_reader r = {word, sizeof word, false};
    *out = status == STATUS_OK ? abi_u64(&r, 0, 0) : 0;
    if (status == STATUS_OK && r.failed)
        status = diag_set(diag, STATUS_IO, "the nodes answer %s with something that is no number",
                          signature);
    return status;
}

static enum status ask_turn(struct ceremony_state *state, const struct ceremony_chain *chain,
                            struct diag *diag)
{
    struct buffer answer = {0};
    enum status status =
        contract_ask(&answer, chain->nodes, chain->address, "turn()", NULL, 0, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        const uint8_t *node = abi_word(&r, 0, 0);
        state->has_turn = !is_zero(node);
        memcpy(state->turn, node + ABI_WORD - ABI_ADDRESS, ABI_ADDRESS);
        state->turn_ends_at = abi_u64(&r, 0, 1);
        if (r.failed)
            status = diag_set(diag, STATUS_IO, "the nodes do not say whose turn it is");
    }
    buffer_release(&answer);
    return status;
}

static enum status ask_head(struct ceremony_state *state, const struct ceremony_chain *chain,
                            struct diag *diag)
{
    static const char latest[] = "[\"latest\",false]";
    enum status status =
        endpoints_median_block(&state->now, chain->nodes, latest, "timestamp", diag);
    return status == STATUS_OK
               ? endpoints_median_block(&state->block, chain->nodes, latest, "number", diag)
               : status;
}

enum status ceremony_chain_state(struct ceremony_state *state, const struct ceremony_chain *chain,
                                 struct diag *diag)
{
    *state = (struct ceremony_state){0};
    enum status status = contract_ask_word(state->srs_digest, chain->nodes, chain->address,
                                           "srsDigest()", "ceremony", diag);
    if (status == STATUS_OK)
        status = contract_ask_word(state->beacon, chain->nodes, chain->address, "beacon()",
                                   "ceremony", diag);
    if (status == STATUS_OK)
        status = ask_number(&state->contributions, chain, "contributions()", diag);
    if (status == STATUS_OK)
        status = ask_number(&state->least, chain, "LEAST()", diag);
    if (status == STATUS_OK)
        status = ask_number(&state->closes_at, chain, "CLOSES_AT()", diag);
    if (status == STATUS_OK)
        status = ask_number(&state->window, chain, "WINDOW()", diag);
    if (status == STATUS_OK)
        status = ask_number(&state->review_ends_at, chain, "reviewEndsAt()", diag);
    if (status == STATUS_OK)
        status = ask_number(&state->beacon_block, chain, "beaconBlock()", diag);
    if (status == STATUS_OK)
        status = ask_turn(state, chain, diag);
    if (status == STATUS_OK)
        status = ask_head(state, chain, diag);
    state->has_beacon = !is_zero(state->beacon);
    state->is_over = !is_zero(state->srs_digest);
    return status;
}

/* ---- entries -------------------------------------------------------------------------------- */

/* What the chain keeps of contribution `number`. */
static enum status ask_entry(uint8_t node[ABI_ADDRESS], uint8_t link[ABI_WORD],
                             const struct ceremony_chain *chain, uint64_t number, struct diag *diag)
{
    struct buffer answer = {0};
    struct buffer word = {0};
    abi_put_u64(&word, number);
    enum status status = buffer_status(&word, diag);
    if (status == STATUS_OK)
        status = contract_ask(&answer, chain->nodes, chain->address, "contributionOf(uint256)",
                              word.data, 1, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        memcpy(node, abi_word(&r, 0, 0) + ABI_WORD - ABI_ADDRESS, ABI_ADDRESS);
        memcpy(link, abi_word(&r, 0, 1), ABI_WORD);
        if (r.failed)
            status =
                diag_set(diag, STATUS_IO, "the nodes do not tell contribution %" PRIu64, number);
    }
    buffer_release(&answer);
    buffer_release(&word);
    return status;
}

static void put_powers(struct buffer *out, const g1_affine *tau_g1, const g2_affine *tau_g2,
                       const uint8_t challenge[CEREMONY_HASH_BYTES])
{
    uint8_t bytes[G1_BYTES + G2_BYTES];
    g1_affine_to_bytes(bytes, tau_g1);
    g2_affine_to_bytes(bytes + G1_BYTES, tau_g2);
    buffer_put(out, bytes, sizeof bytes);
    buffer_put(out, challenge, CEREMONY_HASH_BYTES);
}

/* The powers behind entry `number` of a file; 0: those of a new ceremony. */
static void put_powers_of(struct buffer *out, const struct ceremony *file, size_t number)
{
    uint8_t challenge[CEREMONY_HASH_BYTES];
    if (number == 0) {
        ceremony_first_challenge(challenge, file->ceremony_power);
        put_powers(out, &g1_generator, &g2_generator, challenge);
    } else {
        const struct ceremony_contribution *c = &file->contribution[number - 1];
        put_powers(out, &c->after.tau_g1, &c->after.tau_g2, c->next_challenge);
    }
}

/* link = keccak256(link before, powers, node), in place. `powers`: POWERS_WORDS. */
static void chain_link(uint8_t link[ABI_WORD], const uint8_t *powers,
                       const uint8_t node[ABI_ADDRESS])
{
    uint8_t bytes[(2 + POWERS_WORDS) * ABI_WORD] = {0};
    memcpy(bytes, link, ABI_WORD);
    memcpy(bytes + ABI_WORD, powers, POWERS_WORDS * ABI_WORD);
    memcpy(bytes + sizeof bytes - ABI_ADDRESS, node, ABI_ADDRESS);
    keccak256(link, bytes, sizeof bytes);
}

/* ---- events --------------------------------------------------------------------------------- */

/* An address that may be printed and asked for; else "". */
static void take_uri(char uri[CEREMONY_CHAIN_URI_BYTES], const uint8_t *bytes, size_t count)
{
    bool good = count < CEREMONY_CHAIN_URI_BYTES;
    for (size_t i = 0; i < count && good; i++)
        good = bytes[i] > ' ' && bytes[i] <= '~';
    if (good)
        memcpy(uri, bytes, count);
    uri[good ? count : 0] = '\0';
}

/* Reads an event that begins with a hash the chain keeps. */
static bool read_event(struct ceremony_entry *entry, const uint8_t hash[ABI_WORD], const cJSON *log)
{
    struct buffer data = {0};
    bool good = abi_parse_hex(&data, endpoints_text(log, "data")) && !data.failed;
    struct abi_reader r = {data.data, data.count, false};
    size_t count;
    const uint8_t *response[] = {abi_word(&r, 0, 1 + POWERS_WORDS),
                                 abi_word(&r, 0, 2 + POWERS_WORDS)};
    const uint8_t *uri = abi_bytes(&count, &r, abi_offset(&r, 0, 3 + POWERS_WORDS));
    good = good && !r.failed && memcmp(hash, abi_word(&r, 0, 0), ABI_WORD) == 0;
    for (size_t i = 0; i < 2 && good; i++)
        memcpy(entry->response + i * ABI_WORD, response[i], ABI_WORD);
    if (good)
        take_uri(entry->uri, uri, count);
    buffer_release(&data);
    return good;
}

enum status ceremony_chain_newest(bool *found, struct ceremony_entry *entry,
                                  const struct ceremony_chain *chain,
                                  const struct ceremony_state *state, struct diag *diag)
{
    const char *signature = state->is_over ? finished_signature : contributed_signature;
    uint8_t hash[ABI_WORD], topics[2][ABI_WORD] = {{0}};
    *entry = (struct ceremony_entry){.number = state->contributions};
    *found = false;
    if (state->contributions == 0)
        return STATUS_OK;
    enum status status = ask_entry(entry->node, hash, chain, state->contributions, diag);
    if (state->is_over)
        memcpy(hash, state->srs_digest, ABI_WORD);
    cJSON *logs = NULL;
    const cJSON *log;
    keccak256(topics[0], signature, strlen(signature));
    for (int i = 0; i < 8; i++)
        topics[1][ABI_WORD - 1 - i] = (uint8_t)(entry->number >> (8 * i));
    if (status == STATUS_OK)
        status = logs_find(&logs, chain->nodes, chain->address,
                           (const uint8_t *const[]){topics[0], topics[1]}, state->is_over ? 1 : 2,
                           chain->first_block, false, diag);
    cJSON_ArrayForEach(log, logs) *found = read_event(entry, hash, log) || *found;
    cJSON_Delete(logs);
    if (status == STATUS_OK && !*found)
        status = diag_set(diag, STATUS_IO,
                          "the nodes do not show the event of contribution %" PRIu64
                          " from block %" PRIu64 " on; ask others",
                          entry->number, chain->first_block);
    return status;
}

/* ---- files ---------------------------------------------------------------------------------- */

static enum status compare_entry(uint8_t link[ABI_WORD], const struct ceremony_chain *chain,
                                 const struct ceremony *file, size_t number, struct diag *diag)
{
    uint8_t node[ABI_ADDRESS], expected[ABI_WORD];
    struct buffer powers = {0};
    put_powers_of(&powers, file, number);
    enum status status = buffer_status(&powers, diag);
    if (status == STATUS_OK)
        status = ask_entry(node, expected, chain, number, diag);
    if (status == STATUS_OK)
        chain_link(link, powers.data, node);
    buffer_release(&powers);
    if (status == STATUS_OK && memcmp(link, expected, ABI_WORD) != 0)
        status =
            diag_set(diag, STATUS_REJECTED,
                     "%s: contribution %zu is not the one that the chain has", file->path, number);
    return status;
}

/* The beacon's entry of a ceremony that is over: its reference string is the chain's. */
static enum status compare_end(const struct ceremony_state *state, const struct ceremony *file,
                               struct diag *diag)
{
    uint8_t digest[SRS_DIGEST_BYTES];
    srs_compute_digest(digest, SRS_CEREMONY, &file->contribution[file->count - 1].after.tau_g2);
    return memcmp(digest, state->srs_digest, sizeof digest) == 0
               ? STATUS_OK
               : diag_set(diag, STATUS_REJECTED,
                          "%s: its last powers are not those that the ceremony ended with",
                          file->path);
}

enum status ceremony_chain_compare(size_t *beyond, const struct ceremony_chain *chain,
                                   const struct ceremony_state *state, const struct ceremony *file,
                                   struct diag *diag)
{
    static const uint8_t nobody[ABI_ADDRESS];
    uint8_t link[ABI_WORD] = {0}, node[ABI_ADDRESS];
    struct buffer powers = {0};
    enum status status = STATUS_OK;
    if (file->count < state->contributions || file->count > state->contributions + 1)
        return diag_set(diag, STATUS_REJECTED,
                        "%s has %zu contributions and the chain %" PRIu64
                        ": get the newest with sertn-registry ceremony fetch",
                        file->path, file->count, state->contributions);
    /* The last hash of the chain hangs on all powers before it, and the file's challenge likewise.
     */
    if (state->contributions == 1) {
        put_powers_of(&powers, file, 0);
        status = buffer_status(&powers, diag);
        if (status == STATUS_OK)
            chain_link(link, powers.data, nobody);
        buffer_release(&powers);
    } else if (state->contributions > 1) {
        status = ask_entry(node, link, chain, state->contributions - 1, diag);
    }
    if (status == STATUS_OK && state->contributions > 0)
        status = compare_entry(link, chain, file, (size_t)state->contributions, diag);
    *beyond = file->count - (size_t)state->contributions;
    if (status == STATUS_OK && state->is_over && *beyond == 1)
        status = compare_end(state, file, diag);
    return status;
}

/* Whether a staged file is the chain's newest. */
static enum status check_fetched(const char *staged, const struct ceremony_chain *chain,
                                 const struct ceremony_state *state, const char *uri,
                                 struct diag *diag)
{
    struct ceremony file = {0};
    size_t beyond = 0, wanted = state->is_over ? 1 : 0;
    enum status status = ceremony_open(&file, staged, diag);
    if (status != STATUS_OK)
        return diag_set(diag, STATUS_REJECTED, "%s gives no ceremony of powers of tau", uri);
    file.path = uri;
    status = ceremony_chain_compare(&beyond, chain, state, &file, diag);
    if (status == STATUS_OK && beyond != wanted)
        status = diag_set(diag, STATUS_REJECTED, "%s: %zu contributions are not those of the chain",
                          uri, file.count);
    ceremony_close(&file);
    return status;
}

enum status ceremony_chain_fetch(const char *path, const struct ceremony_chain *chain,
                                 const struct ceremony_state *state,
                                 const struct ceremony_entry *entry, const struct storage *storage,
                                 struct diag *diag)
{
    struct buffer bytes = {0};
    struct file_writer writer;
    if (entry->uri[0] == '\0')
        return diag_set(diag, STATUS_REJECTED,
                        "contribution %" PRIu64 " says of no address where its file is",
                        entry->number);
    enum status status = storage_get_unknown(&bytes, storage, entry->uri, diag);
    if (status == STATUS_OK)
        status = file_writer_begin(&writer, path, FILE_MODE_PUBLIC, true, diag);
    if (status == STATUS_OK) {
        file_writer_put(&writer, bytes.data, bytes.count);
        status = file_writer_seal(&writer, diag);
        if (status == STATUS_OK)
            status = check_fetched(writer.staged, chain, state, entry->uri, diag);
        if (status == STATUS_OK)
            status = file_writer_commit(&writer, diag);
        else
            file_writer_abandon(&writer);
    }
    buffer_release(&bytes);
    return status;
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* Names a step as "contribute 0x... 8a7b...", the same each time it is tried. */
static void name_step(char name[NAME_BYTES], const char *verb, const struct ceremony_chain *chain,
                      const uint8_t *what, size_t count)
{
    char address[CONTRACT_ADDRESS_TEXT];
    contract_address_text(address, chain->address);
    size_t at = (size_t)snprintf(name, NAME_BYTES, "ceremony %s %s ", verb, address);
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(name + at, NAME_BYTES - at, "%02x", what[i]);
}

static void put_knowledge(struct buffer *out, const struct ceremony_proof *proof)
{
    uint8_t bytes[KNOWLEDGE_WORDS * ABI_WORD];
    g1_affine_to_bytes(bytes, &proof->s);
    g1_affine_to_bytes(bytes + G1_BYTES, &proof->sx);
    g2_affine_to_bytes(bytes + 2 * G1_BYTES, &proof->qx);
    buffer_put(out, bytes, sizeof bytes);
}

/* Whether the last entry of a file is what the ceremony waits for. */
static enum status check_due(const struct ceremony_state *state, const struct ceremony *file,
                             struct diag *diag)
{
    const struct ceremony_contribution *last = &file->contribution[file->count - 1];
    if (state->is_over)
        return diag_set(diag, STATUS_BAD_INPUT, "the ceremony is over");
    if (last->is_beacon && !state->has_beacon)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: the last contribution is a beacon, and the ceremony has drawn none",
                        file->path);
    if (!state->has_beacon)
        return STATUS_OK;
    if (!last->is_beacon || last->beacon_bytes != ABI_WORD ||
        last->lg_rounds != CEREMONY_CHAIN_LG_ROUNDS ||
        memcmp(last->beacon, state->beacon, ABI_WORD) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: the last contribution is not the beacon that the ceremony has drawn, "
                        "in 2^%d rounds",
                        file->path, CEREMONY_CHAIN_LG_ROUNDS);
    return STATUS_OK;
}

enum status ceremony_chain_post(struct account_result *result, const struct ceremony_chain *chain,
                                const struct ceremony_state *state, struct account *account,
                                const struct ceremony *file, const char *uri, struct diag *diag)
{
    struct buffer data = {0};
    char name[NAME_BYTES];
    size_t words = (state->has_beacon ? 2 : 3) * POWERS_WORDS + 3, beyond = 0;
    enum status status = ceremony_chain_compare(&beyond, chain, state, file, diag);
    if (status == STATUS_OK && beyond == 0)
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "%s has nothing that the chain has not: contribute to it first", file->path);
    if (status == STATUS_OK)
        status = check_due(state, file, diag);
    if (status != STATUS_OK)
        return status;
    const struct ceremony_contribution *last = &file->contribution[file->count - 1];
    abi_put_selector(&data, state->has_beacon ? finish_signature : contribute_signature);
    put_powers_of(&data, file, file->count - 1);
    put_powers_of(&data, file, file->count);
    if (!state->has_beacon)
        put_knowledge(&data, &last->proof[CEREMONY_TAU]);
    buffer_put(&data, last->response, CEREMONY_HASH_BYTES);
    abi_put_u64(&data, words * ABI_WORD);
    abi_put_bytes(&data, uri, strlen(uri));
    status = buffer_status(&data, diag);
    name_step(name, state->has_beacon ? "finish" : "contribute", chain, last->next_challenge, 16);
    if (status == STATUS_OK)
        status = signer_send(result, account, name, chain->address, &data, 0, diag);
    buffer_release(&data);
    return status;
}

/* Appends a number to what names a step. */
static size_t put_number(uint8_t *what, size_t at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        what[at + (size_t)i] = (uint8_t)(number >> (56 - 8 * i));
    return at + 8;
}

/* A step without arguments; `stamp` tells it from the same step at another time. */
static enum status send(struct account_result *result, const struct ceremony_chain *chain,
                        struct account *account, const char *verb, const uint64_t *stamp,
                        size_t count, struct diag *diag)
{
    struct buffer data = {0};
    char name[NAME_BYTES], signature[40];
    uint8_t what[3 * 8];
    size_t at = 0;
    ASSERT(count <= sizeof what / 8);
    for (size_t i = 0; i < count; i++)
        at = put_number(what, at, stamp[i]);
    name_step(name, verb, chain, what, at);
    snprintf(signature, sizeof signature, "%s()", verb);
    abi_put_selector(&data, signature);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = signer_send(result, account, name, chain->address, &data, 0, diag);
    buffer_release(&data);
    return status;
}

/* Whether the chain would take a node into the queue as it is now: not while it waits there. */
static enum status may_enroll(bool *may, const struct ceremony_chain *chain,
                              struct account *account, const struct buffer *data, struct diag *diag)
{
    uint64_t gas;
    struct diag refused = {0};
    enum status status = account_estimate(&gas, account, chain->address, data, &refused);
    *may = status == STATUS_OK;
    return status == STATUS_OK || status == STATUS_REJECTED
               ? STATUS_OK
               : diag_set(diag, status, "%s", refused.text);
}

enum status ceremony_chain_enroll(struct account_result *result, const struct ceremony_chain *chain,
                                  struct account *account, const uint8_t node[ABI_ADDRESS],
                                  struct diag *diag)
{
    struct buffer data = {0};
    struct journal_entry entry;
    char name[NAME_BYTES];
    uint8_t what[8 + ABI_ADDRESS];
    bool found = true, is_asked = false, may = true;
    abi_put_selector(&data, "enroll(address)");
    abi_put_address(&data, node);
    enum status status = buffer_status(&data, diag);
    /* Whoever was passed over, or has contributed, may enrol once more: the first time that the
     * journal has not is a new one, where the chain takes it. */
    for (uint64_t time = 0; status == STATUS_OK && found && may; time++) {
        memcpy(what + put_number(what, 0, time), node, ABI_ADDRESS);
        name_step(name, "enroll", chain, what, sizeof what);
        status = journal_find(&found, &entry, account->journal, &account->id, name, diag);
        found = found && entry.state != JOURNAL_OPEN;
        if (status == STATUS_OK && found && entry.state == JOURNAL_MINED && !is_asked) {
            status = may_enroll(&may, chain, account, &data, diag);
            is_asked = true;
        }
    }
    if (status == STATUS_OK)
        status = signer_send(result, account, name, chain->address, &data, 0, diag);
    buffer_release(&data);
    return status;
}

enum status ceremony_chain_skip(struct account_result *result, const struct ceremony_chain *chain,
                                const struct ceremony_state *state, struct account *account,
                                struct diag *diag)
{
    return send(result, chain, account, "skip", &state->turn_ends_at, 1, diag);
}

enum status ceremony_chain_announce(struct account_result *result,
                                    const struct ceremony_chain *chain,
                                    const struct ceremony_state *state, struct account *account,
                                    struct diag *diag)
{
    /* A strike takes the beacon back: the next one follows another last contribution. */
    const uint64_t stamp[] = {state->beacon_block, state->contributions, state->review_ends_at};
    return send(result, chain, account, "announceBeacon", stamp, 3, diag);
}

enum status ceremony_chain_draw(struct account_result *result, const struct ceremony_chain *chain,
                                const struct ceremony_state *state, struct account *account,
                                struct diag *diag)
{
    return send(result, chain, account, "drawBeacon", &state->beacon_block, 1, diag);
}
