/* sertn-registry ceremony new, contribute, beacon, verify, import. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/commit/ceremony.h"
#include "backend/commit/srs.h"
#include "runtime/tools/registry_ceremony.h"

/* Most bytes of --entropy. */
#define ENTROPY_MOST_BYTES (1u << 20)

/* ---- what is common ------------------------------------------------------------------------- */

struct ceremony_run {
    struct cli_progress bar;
    struct plonk_progress shown;
    struct ceremony_progress progress;
    struct machine *machine;
};

static void run_begin(struct ceremony_run *run, const struct cli *cli)
{
    run->shown = cli_progress_begin(&run->bar, cli);
    run->progress = (struct ceremony_progress){run->shown.report, run->shown.context};
    run->machine = machine_new(cli->threads);
}

static void run_end(struct ceremony_run *run)
{
    cli_progress_end(&run->bar);
    machine_free(run->machine);
}

enum status registry_want_ceremony(const struct registry_options *options, struct diag *diag)
{
    return options->output != NULL && strcmp(options->output, "-") != 0
               ? STATUS_OK
               : diag_set(diag, STATUS_BAD_INPUT, "say where the ceremony goes with -o FILE.ptau");
}

static void to_hex(char *text, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sprintf(text + 2 * i, "%02x", bytes[i]);
    text[2 * count] = '\0';
}

static void add_hash(cJSON *object, const char *name, const uint8_t hash[CEREMONY_HASH_BYTES])
{
    char text[2 * CEREMONY_HASH_BYTES + 1];
    to_hex(text, hash, CEREMONY_HASH_BYTES);
    cJSON_AddStringToObject(object, name, text);
}

/* The name of a contribution without what could disturb a terminal: it comes from a stranger. */
static void plain_name(char out[256], const char *name)
{
    size_t i = 0;
    for (; name[i] != '\0'; i++)
        out[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
    out[i] = '\0';
}

static void add_contribution(cJSON *object, const struct ceremony_contribution *c)
{
    char name[256], beacon[511];
    plain_name(name, c->name);
    cJSON_AddStringToObject(object, "name", name);
    add_hash(object, "response", c->response);
    add_hash(object, "next_challenge", c->next_challenge);
    if (c->is_beacon) {
        to_hex(beacon, c->beacon, c->beacon_bytes);
        cJSON_AddStringToObject(object, "beacon", beacon);
        cJSON_AddNumberToObject(object, "lg_rounds", c->lg_rounds);
    }
}

static void print_contribution(const struct cli *cli, size_t number,
                               const struct ceremony_contribution *c)
{
    char name[256], response[2 * CEREMONY_HASH_BYTES + 1];
    if (cli->json || cli->quiet)
        return;
    plain_name(name, c->name);
    to_hex(response, c->response, CEREMONY_HASH_BYTES);
    printf("%zu %s%s%s\n", number, response, name[0] == '\0' ? "" : " ", name);
}

/* ---- new ------------------------------------------------------------------------------------ */

enum status registry_ceremony_new(struct cli *cli, struct registry_options *options,
                                  struct diag *diag)
{
    uint8_t challenge[CEREMONY_HASH_BYTES];
    struct ceremony_run run;
    cli->result = cJSON_CreateObject();
    enum status status = registry_want_ceremony(options, diag);
    if (status == STATUS_OK && options->power == 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "give the power of two of the ceremony with --power N, from %d to %d",
                          CEREMONY_LEAST_POWER, CEREMONY_MOST_POWER);
    if (status != STATUS_OK)
        return status;
    run_begin(&run, cli);
    status =
        ceremony_new(challenge, options->output, (unsigned)options->power, &run.progress, diag);
    run_end(&run);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "power", (double)options->power);
        add_hash(cli->result, "next_challenge", challenge);
        cli_say(cli, "a ceremony of 2^%u powers without contributions: %s",
                (unsigned)options->power, options->output);
    }
    return status;
}

/* ---- contribute, beacon --------------------------------------------------------------------- */

enum status registry_check_name(const char *name, struct diag *diag)
{
    if (name == NULL)
        return STATUS_OK;
    if (strlen(name) > CEREMONY_NAME_BYTES)
        return diag_set(diag, STATUS_BAD_INPUT, "--name takes at most %d bytes",
                        CEREMONY_NAME_BYTES);
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return diag_set(diag, STATUS_BAD_INPUT, "--name takes no control characters");
    }
    return STATUS_OK;
}

enum status registry_add_to_ceremony(struct cli *cli, const struct registry_options *options,
                                     const struct ceremony *old,
                                     const struct ceremony_addition *addition, struct diag *diag)
{
    struct ceremony_contribution *added = malloc(sizeof *added);
    struct ceremony_run run;
    if (added == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    double start = machine_seconds();
    run_begin(&run, cli);
    enum status status = ceremony_contribute(added, old, options->output, addition, run.machine,
                                             &run.progress, diag);
    run_end(&run);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "power", old->power);
        cJSON_AddNumberToObject(cli->result, "contributions", (double)old->count + 1);
        add_contribution(cli->result, added);
        cJSON_AddNumberToObject(cli->result, "seconds", machine_seconds() - start);
        cli_say(cli, "contribution %zu is in %s; publish its response:", old->count + 1,
                options->output);
        print_contribution(cli, old->count + 1, added);
    }
    free(added);
    return status;
}

enum status registry_make_seed(uint8_t seed[CEREMONY_SEED_BYTES], const char *entropy,
                               struct diag *diag)
{
    struct buffer text;
    buffer_init(&text);
    enum status status =
        entropy == NULL ? STATUS_OK : file_read(entropy, ENTROPY_MOST_BYTES, &text, diag);
    if (status == STATUS_OK)
        status = ceremony_make_seed(seed, text.data, text.count, diag);
    if (text.data != NULL)
        explicit_bzero(text.data, text.count);
    buffer_release(&text);
    return status;
}

enum status registry_ceremony_contribute(struct cli *cli, struct registry_options *options,
                                         struct diag *diag)
{
    struct ceremony old = {0};
    uint8_t seed[CEREMONY_SEED_BYTES];
    struct ceremony_addition addition = {.name = options->name == NULL ? "" : options->name,
                                         .seed = seed};
    if (options->ceremony != NULL || options->chain.rpc != NULL)
        return registry_ceremony_take_turn(cli, options, diag);
    cli->result = cJSON_CreateObject();
    if (options->input == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the .ptau file to go on from, or the ceremony on a chain with --rpc "
                        "URL and --ceremony ADDRESS");
    enum status status = registry_want_ceremony(options, diag);
    if (status == STATUS_OK)
        status = registry_check_name(options->name, diag);
    if (status == STATUS_OK)
        status = ceremony_open(&old, options->input, diag);
    if (status == STATUS_OK)
        status = registry_make_seed(seed, options->entropy, diag);
    if (status == STATUS_OK)
        status = registry_add_to_ceremony(cli, options, &old, &addition, diag);
    explicit_bzero(seed, sizeof seed);
    ceremony_close(&old);
    return status;
}

/* Hex digits, with or without 0x. Returns the bytes, 0 when it is not that. */
static size_t read_beacon(uint8_t out[255], const char *text)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    if (strncmp(text, "0x", 2) == 0)
        text += 2;
    size_t length = strlen(text);
    if (length == 0 || length % 2 != 0 || length / 2 > 255)
        return 0;
    for (size_t i = 0; i < length; i++) {
        const char *at = strchr(digits, text[i]);
        if (at == NULL)
            return 0;
        unsigned digit = (unsigned)(at - digits) % 16;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
    }
    return length / 2;
}

enum status registry_ceremony_beacon(struct cli *cli, struct registry_options *options,
                                     struct diag *diag)
{
    struct ceremony old = {0};
    uint8_t beacon[255];
    size_t bytes = options->beacon == NULL ? 0 : read_beacon(beacon, options->beacon);
    struct ceremony_addition addition = {
        .name = options->name == NULL ? "" : options->name,
        .beacon = beacon,
        .beacon_bytes = (uint8_t)bytes,
        .lg_rounds = (uint8_t)(options->rounds == 0 ? CEREMONY_LEAST_LG_ROUNDS : options->rounds)};
    cli->result = cJSON_CreateObject();
    enum status status = registry_want_ceremony(options, diag);
    if (status == STATUS_OK)
        status = registry_check_name(options->name, diag);
    if (status == STATUS_OK && bytes == 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "give the beacon with --beacon HEX, from 1 to 255 bytes");
    if (status == STATUS_OK)
        status = ceremony_open(&old, options->input, diag);
    if (status == STATUS_OK)
        status = registry_add_to_ceremony(cli, options, &old, &addition, diag);
    ceremony_close(&old);
    return status;
}

/* ---- verify, import ------------------------------------------------------------------------- */

/* Verifies the file and reports what is in it. */
static enum status verify_file(struct cli *cli, const struct ceremony *ceremony, struct diag *diag)
{
    struct ceremony_run run;
    double start = machine_seconds();
    run_begin(&run, cli);
    enum status status = ceremony_verify(ceremony, run.machine, &run.progress, diag);
    run_end(&run);
    cJSON_AddBoolToObject(cli->result, "verified", status == STATUS_OK);
    if (status != STATUS_OK)
        return status;
    cJSON_AddNumberToObject(cli->result, "power", ceremony->power);
    cJSON_AddNumberToObject(cli->result, "ceremony_power", ceremony->ceremony_power);
    cJSON_AddNumberToObject(cli->result, "seconds", machine_seconds() - start);
    cJSON *list = cJSON_AddArrayToObject(cli->result, "contributions");
    cli_say(cli, "accepted: 2^%u powers of tau after %zu contribution%s", ceremony->power,
            ceremony->count, ceremony->count == 1 ? "" : "s");
    for (size_t i = 0; i < ceremony->count; i++) {
        cJSON *object = cJSON_CreateObject();
        if (!cJSON_AddItemToArray(list, object)) {
            cJSON_Delete(object);
            return diag_set(diag, STATUS_NO_MEMORY, "no memory for the result");
        }
        add_contribution(object, &ceremony->contribution[i]);
        print_contribution(cli, i + 1, &ceremony->contribution[i]);
    }
    return STATUS_OK;
}

enum status registry_ceremony_verify(struct cli *cli, struct registry_options *options,
                                     struct diag *diag)
{
    struct ceremony ceremony = {0};
    cli->result = cJSON_CreateObject();
    enum status status = ceremony_open(&ceremony, options->input, diag);
    if (status == STATUS_OK)
        status = verify_file(cli, &ceremony, diag);
    ceremony_close(&ceremony);
    return status;
}

static enum status import_powers(struct cli *cli, const char *path, size_t count, struct diag *diag)
{
    struct srs srs;
    char digest[2 * SRS_DIGEST_BYTES + 1];
    struct machine *machine = machine_new(cli->threads);
    enum status status = srs_open_file(&srs, path, count, machine, diag);
    machine_free(machine);
    if (status != STATUS_OK)
        return status;
    to_hex(digest, srs.digest, SRS_DIGEST_BYTES);
    cJSON_AddStringToObject(cli->result, "srs_digest", digest);
    cJSON_AddNumberToObject(cli->result, "powers", (double)srs.powers.count);
    cli_say(cli, "%zu powers are in the cache, named %s", srs.powers.count, digest);
    srs_release(&srs);
    return STATUS_OK;
}

enum status registry_ceremony_import(struct cli *cli, struct registry_options *options,
                                     struct diag *diag)
{
    struct ceremony ceremony = {0};
    cli->result = cJSON_CreateObject();
    enum status status = ceremony_open(&ceremony, options->input, diag);
    if (status == STATUS_OK && options->power > ceremony.power)
        status = diag_set(diag, STATUS_LIMIT, "%s: has 2^%u powers, fewer than --power %u asks for",
                          options->input, ceremony.power, (unsigned)options->power);
    if (status == STATUS_OK)
        status = verify_file(cli, &ceremony, diag);
    size_t count = options->power == 0 ? (size_t)ceremony_section_points(PTAU_G1, ceremony.power)
                                       : (size_t)1 << options->power;
    ceremony_close(&ceremony);
    return status == STATUS_OK ? import_powers(cli, options->input, count, diag) : status;
}
