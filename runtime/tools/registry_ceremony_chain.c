/* sertn-registry ceremony status, enroll, contribute, post, skip, finish, fetch: a ceremony on a
 * chain. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/ceremony_chain.h"
#include "runtime/contract.h"
#include "runtime/tools/registry_ceremony.h"

/* What a command stands on. */
struct ceremony_side {
    struct chain_side chain;
    struct ceremony_chain ceremony;
    struct ceremony_state state;
    struct storage storage;
};

static enum status open_side(struct ceremony_side *side, const struct registry_options *o,
                             struct diag *diag)
{
    memset(side, 0, sizeof *side);
    side->ceremony.nodes = &side->chain.nodes;
    side->ceremony.first_block = o->from_block;
    side->storage = (struct storage){.folder = o->store, .ipfs = o->ipfs, .arweave = o->arweave};
    if (o->ceremony == NULL || !abi_parse_address(side->ceremony.address, o->ceremony))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the ceremony's address with --ceremony 0x and 40 hex digits");
    enum status status = chain_side_open(&side->chain, &o->chain, diag);
    if (status == STATUS_OK)
        status = ceremony_chain_state(&side->state, &side->ceremony, diag);
    return status;
}

static enum status open_signing_side(struct ceremony_side *side, const struct registry_options *o,
                                     struct diag *diag)
{
    enum status status = open_side(side, o, diag);
    if (status == STATUS_OK)
        status = chain_side_open_account(&side->chain, &o->chain, diag);
    return status;
}

/* ---- what is printed ------------------------------------------------------------------------ */

static void add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t count)
{
    char text[2 * CEREMONY_HASH_BYTES + 3] = "0x";
    for (size_t i = 0; i < count; i++)
        sprintf(text + 2 + 2 * i, "%02x", bytes[i]);
    cJSON_AddStringToObject(object, name, text);
}

static void add_state(cJSON *object, const struct ceremony_state *s)
{
    cJSON_AddNumberToObject(object, "contributions", (double)s->contributions);
    cJSON_AddNumberToObject(object, "least", (double)s->least);
    cJSON_AddNumberToObject(object, "enrollment_closes_at", (double)s->closes_at);
    cJSON_AddNumberToObject(object, "turn_seconds", (double)s->window);
    if (s->review_ends_at != 0)
        cJSON_AddNumberToObject(object, "review_ends_at", (double)s->review_ends_at);
    if (s->has_turn) {
        add_hex(object, "turn", s->turn, ABI_ADDRESS);
        cJSON_AddNumberToObject(object, "turn_ends_at", (double)s->turn_ends_at);
    }
    if (s->beacon_block != 0)
        cJSON_AddNumberToObject(object, "beacon_block", (double)s->beacon_block);
    if (s->has_beacon)
        add_hex(object, "beacon", s->beacon, ABI_WORD);
    cJSON_AddBoolToObject(object, "finished", s->is_over);
    if (s->is_over)
        add_hex(object, "srs_digest", s->srs_digest, ABI_WORD);
}

static void print_turn(const struct ceremony_state *s)
{
    char address[CONTRACT_ADDRESS_TEXT];
    contract_address_text(address, s->turn);
    if (s->has_turn && s->turn_ends_at < s->now)
        printf("turn: of %s, over for %" PRIu64 " s: anybody may skip it\n", address,
               s->now - s->turn_ends_at);
    else if (s->has_turn)
        printf("turn: of %s, for %" PRIu64 " s\n", address, s->turn_ends_at - s->now);
    else
        printf("turn: nobody's\n");
    if (s->closes_at >= s->now)
        printf("enrolment: open for %" PRIu64 " s\n", s->closes_at - s->now);
    else
        printf("enrolment: %s\n",
               s->contributions < s->least ? "open, contributions are missing" : "closed");
}

static void print_state(const struct ceremony_state *s)
{
    printf("contributions: %" PRIu64 ", at least %" PRIu64 " are wanted\n", s->contributions,
           s->least);
    if (s->is_over) {
        printf("over: its reference string is 0x");
        for (size_t i = 0; i < ABI_WORD; i++)
            printf("%02x", s->srs_digest[i]);
        printf("\n");
        return;
    }
    print_turn(s);
    if (s->has_beacon)
        printf("beacon: drawn from block %" PRIu64 "\n", s->beacon_block);
    else if (s->beacon_block != 0)
        printf("beacon: the hash of block %" PRIu64 ", the newest is %" PRIu64 "\n",
               s->beacon_block, s->block);
    else if (s->review_ends_at >= s->now)
        printf("beacon: not before the last contribution was reviewed, for %" PRIu64 " s\n",
               s->review_ends_at - s->now);
}

enum status registry_ceremony_status(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct ceremony_side side;
    struct ceremony_entry entry;
    bool found = false;
    cli->result = cJSON_CreateObject();
    enum status status = open_side(&side, o, diag);
    if (status == STATUS_OK)
        status = ceremony_chain_newest(&found, &entry, &side.ceremony, &side.state, diag);
    if (status == STATUS_OK) {
        add_state(cli->result, &side.state);
        if (found) {
            cJSON_AddStringToObject(cli->result, "uri", entry.uri);
            add_hex(cli->result, "node", entry.node, ABI_ADDRESS);
            add_hex(cli->result, "response", entry.response, CEREMONY_HASH_BYTES);
        }
        if (!cli->json && !cli->quiet)
            print_state(&side.state);
        if (!cli->json && !cli->quiet && found)
            printf("file: %s\n", entry.uri);
    }
    chain_side_close(&side.chain);
    return status;
}

/* ---- files ---------------------------------------------------------------------------------- */

static enum status verify_quietly(const struct cli *cli, const struct ceremony *file,
                                  struct diag *diag)
{
    struct cli_progress bar;
    struct plonk_progress shown = cli_progress_begin(&bar, cli);
    const struct ceremony_progress progress = {shown.report, shown.context};
    struct machine *machine = machine_new(cli->threads);
    enum status status = ceremony_verify(file, machine, &progress, diag);
    machine_free(machine);
    cli_progress_end(&bar);
    return status;
}

/* The newest file of the chain, verified, at `path`; what was there stays when it is not. */
static enum status fetch(const struct cli *cli, const struct ceremony_side *side, const char *path,
                         struct diag *diag)
{
    struct ceremony_entry entry;
    struct ceremony file = {0};
    struct buffer fresh = {0};
    bool found;
    enum status status = ceremony_chain_newest(&found, &entry, &side->ceremony, &side->state, diag);
    if (status == STATUS_OK && !found)
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "the ceremony has no contribution yet; the first goes on from the file of "
                     "sertn-registry ceremony new");
    buffer_printf(&fresh, "%s.fetched", path);
    if (status == STATUS_OK)
        status = buffer_status(&fresh, diag);
    if (status == STATUS_OK)
        status = ceremony_chain_fetch(buffer_text(&fresh), &side->ceremony, &side->state, &entry,
                                      &side->storage, diag);
    if (status == STATUS_OK) {
        status = ceremony_open(&file, buffer_text(&fresh), diag);
        file.path = entry.uri;
        if (status == STATUS_OK)
            status = verify_quietly(cli, &file, diag);
        ceremony_close(&file);
        if (status == STATUS_OK && rename(buffer_text(&fresh), path) != 0)
            status = diag_set(diag, STATUS_IO, "cannot put '%s' in its place", path);
        struct diag ignored = {0};
        if (status != STATUS_OK)
            (void)!file_remove_tree(buffer_text(&fresh), &ignored);
    }
    buffer_release(&fresh);
    return status;
}

enum status registry_ceremony_fetch(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct ceremony_side side = {0};
    cli->result = cJSON_CreateObject();
    enum status status = registry_want_ceremony(o, diag);
    if (status == STATUS_OK)
        status = open_side(&side, o, diag);
    if (status == STATUS_OK)
        status = fetch(cli, &side, o->output, diag);
    if (status == STATUS_OK) {
        add_state(cli->result, &side.state);
        cJSON_AddStringToObject(cli->result, "file", o->output);
        cli_say(cli, "%s has the %" PRIu64 " contributions of the chain%s, and is verified",
                o->output, side.state.contributions, side.state.is_over ? " and its beacon" : "");
    }
    chain_side_close(&side.chain);
    return status;
}

/* The file to go on from: the one that is given, or the chain's newest, put beside the output.
 * Verified, and the chain's. */
static enum status open_newest(struct ceremony *file, char **path, const struct cli *cli,
                               const struct ceremony_side *side, const struct registry_options *o,
                               struct diag *diag)
{
    size_t beyond = 0;
    struct buffer beside = {0};
    enum status status = STATUS_OK;
    *path = NULL;
    if (o->input == NULL) {
        buffer_printf(&beside, "%s.before", o->output);
        status = buffer_status(&beside, diag);
        if (status == STATUS_OK) {
            *path = strdup(buffer_text(&beside));
            status = *path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                                   : fetch(cli, side, *path, diag);
        }
    }
    buffer_release(&beside);
    if (status == STATUS_OK)
        status = ceremony_open(file, *path == NULL ? o->input : *path, diag);
    if (status == STATUS_OK && o->input != NULL) {
        status = ceremony_chain_compare(&beyond, &side->ceremony, &side->state, file, diag);
        if (status == STATUS_OK && beyond != 0)
            status = diag_set(diag, STATUS_BAD_INPUT,
                              "%s has a contribution that the chain has not: hand it in with "
                              "sertn-registry ceremony post",
                              o->input);
        /* One without contributions shows in what is made of it. */
        if (status == STATUS_OK && file->count > 0)
            status = verify_quietly(cli, file, diag);
    }
    return status;
}

static void close_newest(struct ceremony *file, char *path)
{
    struct diag ignored = {0};
    ceremony_close(file);
    if (path != NULL)
        (void)!file_remove_tree(path, &ignored);
    free(path);
}

/* Where a file will be found: --uri, else the store and the IPFS node. */
static enum status store_file(char uri[CEREMONY_CHAIN_URI_BYTES], const struct ceremony_side *side,
                              const struct registry_options *o, const struct ceremony *file,
                              struct diag *diag)
{
    struct storage_id id;
    char made[STORAGE_URI_BYTES];
    if (o->uri != NULL && strlen(o->uri) >= CEREMONY_CHAIN_URI_BYTES)
        return diag_set(diag, STATUS_BAD_INPUT, "--uri takes at most %d bytes",
                        CEREMONY_CHAIN_URI_BYTES - 1);
    if (o->uri != NULL) {
        strcpy(uri, o->uri);
        return STATUS_OK;
    }
    enum status status =
        storage_put_local(made, &id, &side->storage, file->map.data, file->map.count, diag);
    if (status == STATUS_OK && o->ipfs != NULL)
        status = storage_put_ipfs(made, &id, &side->storage, file->map.data, file->map.count, diag);
    strcpy(uri, status == STATUS_OK ? made : "");
    return status;
}

/* Posts the last entry of a verified file. */
static enum status post(struct cli *cli, struct ceremony_side *side,
                        const struct registry_options *o, const struct ceremony *file,
                        struct diag *diag)
{
    struct account_result result = {0};
    char uri[CEREMONY_CHAIN_URI_BYTES] = "";
    enum status status = store_file(uri, side, o, file, diag);
    if (status == STATUS_OK)
        status = ceremony_chain_post(&result, &side->ceremony, &side->state, &side->chain.account,
                                     file, uri, diag);
    if (status == STATUS_OK) {
        cJSON_AddStringToObject(cli->result, "uri", uri);
        chain_side_add_result(cli->result, &result);
        cli_say(cli, "%s is on chain %" PRIu64 ", the file at %s",
                side->state.has_beacon ? "the end of the ceremony" : "the contribution",
                side->chain.nodes.chain_id, uri);
        if (o->uri == NULL && o->ipfs == NULL)
            cli_say(cli, "it is in the store of this machine alone: put it where others can read "
                         "it, and next time give --ipfs or --uri");
    }
    return status;
}

static enum status post_output(struct cli *cli, struct ceremony_side *side,
                               const struct registry_options *o, struct diag *diag)
{
    struct ceremony file = {0};
    enum status status = ceremony_open(&file, o->output, diag);
    if (status == STATUS_OK && file.count == 1)
        status = verify_quietly(cli, &file, diag);
    if (status == STATUS_OK)
        status = post(cli, side, o, &file, diag);
    ceremony_close(&file);
    if (status != STATUS_OK)
        return diag_prefix(diag, status, "%s is made but not on the chain (ceremony post %s)",
                           o->output, o->output);
    return status;
}

enum status registry_ceremony_post(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct ceremony_side side = {0};
    struct ceremony file = {0};
    size_t beyond = 0;
    cli->result = cJSON_CreateObject();
    enum status status = open_signing_side(&side, o, diag);
    if (status == STATUS_OK)
        status = ceremony_open(&file, o->input, diag);
    if (status == STATUS_OK)
        status = ceremony_chain_compare(&beyond, &side.ceremony, &side.state, &file, diag);
    bool is_known = status == STATUS_OK && (beyond == 0 || side.state.is_over) && file.count > 0;
    if (status == STATUS_OK && !is_known)
        status = verify_quietly(cli, &file, diag);
    if (status == STATUS_OK && !is_known)
        status = post(cli, &side, o, &file, diag);
    cJSON_AddBoolToObject(cli->result, "was_on_chain", is_known);
    if (is_known)
        cli_say(cli, "the chain has the contributions of %s already", o->input);
    ceremony_close(&file);
    chain_side_close(&side.chain);
    return status;
}

/* ---- turns ---------------------------------------------------------------------------------- */

static enum status parse_node(uint8_t node[ABI_ADDRESS], const struct registry_options *o,
                              const struct account *account, struct diag *diag)
{
    return abi_parse_address(node, o->node == NULL ? account->id.address : o->node)
               ? STATUS_OK
               : diag_set(diag, STATUS_BAD_INPUT, "--node takes 0x and 40 hex digits");
}

enum status registry_ceremony_enroll(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct ceremony_side side = {0};
    struct account_result result = {0};
    uint8_t node[ABI_ADDRESS];
    char address[CONTRACT_ADDRESS_TEXT];
    cli->result = cJSON_CreateObject();
    enum status status = open_signing_side(&side, o, diag);
    if (status == STATUS_OK)
        status = parse_node(node, o, &side.chain.account, diag);
    if (status == STATUS_OK)
        status = ceremony_chain_enroll(&result, &side.ceremony, &side.chain.account, node, diag);
    if (status == STATUS_OK) {
        chain_side_add_result(cli->result, &result);
        contract_address_text(address, node);
        cli_say(cli, "%s %s", address,
                result.was_known ? "was enrolled before; ceremony status says whose turn it is"
                                 : "waits for its turn");
    }
    chain_side_close(&side.chain);
    return status;
}

enum status registry_ceremony_skip(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct ceremony_side side = {0};
    struct account_result result = {0};
    cli->result = cJSON_CreateObject();
    enum status status = open_signing_side(&side, o, diag);
    if (status == STATUS_OK)
        status =
            ceremony_chain_skip(&result, &side.ceremony, &side.state, &side.chain.account, diag);
    if (status == STATUS_OK) {
        chain_side_add_result(cli->result, &result);
        cli_say(cli, "the turn was skipped");
    }
    chain_side_close(&side.chain);
    return status;
}

/* Before long work: that the account may contribute now. */
static enum status check_turn(const struct ceremony_side *side, struct diag *diag)
{
    const struct ceremony_state *s = &side->state;
    struct buffer answer = {0};
    uint8_t word[ABI_WORD] = {0}, account[ABI_ADDRESS];
    char whose[CONTRACT_ADDRESS_TEXT];
    contract_address_text(whose, s->turn);
    if (s->is_over)
        return diag_set(diag, STATUS_BAD_INPUT, "the ceremony is over");
    if (!s->has_turn)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "it is nobody's turn: enrol with sertn-registry ceremony enroll");
    if (s->turn_ends_at < s->now)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the turn of %s is over: anybody may end it with sertn-registry ceremony "
                        "skip",
                        whose);
    if (!abi_parse_address(account, side->chain.account.id.address))
        return diag_set(diag, STATUS_BAD_INPUT, "the account has no address");
    if (memcmp(account, s->turn, ABI_ADDRESS) == 0)
        return STATUS_OK;
    /* Or it acts for the node: the first word of what the pools say of it. */
    uint8_t pools[ABI_WORD];
    enum status status = contract_ask_word(pools, side->ceremony.nodes, side->ceremony.address,
                                           "POOLS()", "ceremony", diag);
    memcpy(word + ABI_WORD - ABI_ADDRESS, s->turn, ABI_ADDRESS);
    if (status == STATUS_OK)
        status = contract_ask(&answer, side->ceremony.nodes, pools + ABI_WORD - ABI_ADDRESS,
                              "nodeOf(address)", word, 1, diag);
    if (status == STATUS_OK &&
        (answer.count < ABI_WORD ||
         memcmp(answer.data + ABI_WORD - ABI_ADDRESS, account, ABI_ADDRESS) != 0))
        status = diag_set(diag, STATUS_BAD_INPUT, "it is the turn of %s, not of %s", whose,
                          side->chain.account.id.address);
    buffer_release(&answer);
    return status;
}

enum status registry_ceremony_take_turn(struct cli *cli, struct registry_options *o,
                                        struct diag *diag)
{
    struct ceremony_side side = {0};
    struct ceremony old = {0};
    uint8_t seed[CEREMONY_SEED_BYTES] = {0};
    const struct ceremony_addition addition = {.name = o->name == NULL ? "" : o->name,
                                               .seed = seed};
    char *path = NULL;
    cli->result = cJSON_CreateObject();
    enum status status = registry_want_ceremony(o, diag);
    if (status == STATUS_OK)
        status = registry_check_name(o->name, diag);
    if (status == STATUS_OK)
        status = open_signing_side(&side, o, diag);
    if (status == STATUS_OK)
        status = check_turn(&side, diag);
    if (status == STATUS_OK)
        status = open_newest(&old, &path, cli, &side, o, diag);
    if (status == STATUS_OK)
        status = registry_make_seed(seed, o->entropy, diag);
    if (status == STATUS_OK)
        status = registry_add_to_ceremony(cli, o, &old, &addition, diag);
    explicit_bzero(seed, sizeof seed);
    if (status == STATUS_OK)
        status = post_output(cli, &side, o, diag);
    close_newest(&old, path);
    chain_side_close(&side.chain);
    return status;
}

/* ---- the end -------------------------------------------------------------------------------- */

/* Announces or draws the beacon, whichever is due; *waits says that its block is not there yet. */
static enum status find_beacon(bool *waits, struct cli *cli, struct ceremony_side *side,
                               struct diag *diag)
{
    struct ceremony_state *s = &side->state;
    struct account_result result = {0};
    enum status status = STATUS_OK;
    bool is_missed = s->block > s->beacon_block + CEREMONY_CHAIN_BLOCK_HASHES;
    *waits = false;
    if (s->beacon_block == 0 || is_missed) {
        status = ceremony_chain_announce(&result, &side->ceremony, s, &side->chain.account, diag);
        if (status == STATUS_OK)
            status = ceremony_chain_state(s, &side->ceremony, diag);
    }
    if (status == STATUS_OK && s->block <= s->beacon_block) {
        *waits = true;
        cli_say(cli,
                "the beacon is the hash of block %" PRIu64 ", the newest is %" PRIu64
                "; give this command again when it is there, within %d blocks",
                s->beacon_block, s->block, CEREMONY_CHAIN_BLOCK_HASHES);
    } else if (status == STATUS_OK) {
        status = ceremony_chain_draw(&result, &side->ceremony, s, &side->chain.account, diag);
        if (status == STATUS_OK)
            status = ceremony_chain_state(s, &side->ceremony, diag);
    }
    return status;
}

/* Multiplies the beacon in and posts it. */
static enum status add_beacon(struct cli *cli, struct ceremony_side *side,
                              const struct registry_options *o, struct diag *diag)
{
    struct ceremony old = {0};
    char *path = NULL;
    const struct ceremony_addition addition = {.name = o->name == NULL ? "" : o->name,
                                               .beacon = side->state.beacon,
                                               .beacon_bytes = ABI_WORD,
                                               .lg_rounds = CEREMONY_CHAIN_LG_ROUNDS};
    enum status status = open_newest(&old, &path, cli, side, o, diag);
    if (status == STATUS_OK)
        status = registry_add_to_ceremony(cli, o, &old, &addition, diag);
    if (status == STATUS_OK)
        status = post_output(cli, side, o, diag);
    close_newest(&old, path);
    return status;
}

enum status registry_ceremony_finish(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct ceremony_side side = {0};
    bool waits = false;
    cli->result = cJSON_CreateObject();
    enum status status = registry_want_ceremony(o, diag);
    if (status == STATUS_OK)
        status = registry_check_name(o->name, diag);
    if (status == STATUS_OK)
        status = open_signing_side(&side, o, diag);
    if (status == STATUS_OK && side.state.is_over)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "the ceremony is over: sertn-registry ceremony fetch gives its file");
    if (status == STATUS_OK && !side.state.has_beacon)
        status = find_beacon(&waits, cli, &side, diag);
    if (status == STATUS_OK && !waits)
        status = add_beacon(cli, &side, o, diag);
    if (status == STATUS_OK) {
        cJSON_AddBoolToObject(cli->result, "finished", !waits);
        if (waits)
            cJSON_AddNumberToObject(cli->result, "beacon_block", (double)side.state.beacon_block);
    }
    chain_side_close(&side.chain);
    return status;
}
