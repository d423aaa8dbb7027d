/* sertn-registry show. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "runtime/backtest_chain.h"
#include "runtime/json_fields.h"
#include "runtime/registry_view.h"
#include "runtime/tools/registry_commands.h"

enum { SHOWN_BACKTESTS = 8 };

/* What show works with. */
struct view {
    struct chain_side chain;
    struct registry registry;
    struct registry_model model;
    struct registry_route route;
    struct registry_statistics statistics;
    bool has_statistics;
    struct vetting_result backtest[SHOWN_BACKTESTS];
    size_t backtest_count;
    uint64_t all_backtests;
    struct registry_files files;
    struct model loaded;            /* the fetched folder */
    struct buffer metadata, report; /* two of its files */
    struct diag problem;            /* why there are no files */
};

static enum status open_view(struct view *v, const struct registry_options *o, struct diag *diag)
{
    char *end;
    if (o->registry == NULL || !abi_parse_address(v->registry.address, o->registry))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the registry's address with --registry 0x and 40 hex digits");
    uint64_t number = strtoull(o->input, &end, 10);
    if (o->input[0] < '0' || o->input[0] > '9' || *end != '\0')
        return diag_set(diag, STATUS_BAD_INPUT, "'%s' is no number of a model", o->input);
    v->registry.nodes = &v->chain.nodes;
    enum status status = chain_side_open(&v->chain, &o->chain, diag);
    if (status == STATUS_OK)
        status = registry_show(&v->model, &v->registry, number, diag);
    if (status == STATUS_OK)
        status = registry_read_route(&v->route, &v->registry, v->model.proof_system_id, diag);
    return status;
}

static enum status read_statistics(struct view *v, const struct registry_options *o,
                                   struct diag *diag)
{
    uint8_t viewer[ABI_ADDRESS];
    if (o->viewer == NULL)
        return STATUS_OK;
    if (!abi_parse_address(viewer, o->viewer))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "--viewer takes an address of 0x and 40 hex digits");
    enum status status =
        registry_read_statistics(&v->statistics, &v->registry, viewer, v->model.number, diag);
    v->has_statistics = status == STATUS_OK;
    return status;
}

static enum status read_backtests(struct view *v, const struct registry_options *o,
                                  struct diag *diag)
{
    struct vetting vetting;
    if (o->vetting == NULL)
        return STATUS_OK;
    enum status status = vetting_open(&vetting, &v->chain.nodes, o->vetting, diag);
    if (status == STATUS_OK &&
        memcmp(vetting.registry.address, v->registry.address, ABI_ADDRESS) != 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "--vetting keeps backtests of models of another registry");
    if (status == STATUS_OK)
        status = vetting_list(v->backtest, &v->backtest_count, &v->all_backtests, SHOWN_BACKTESTS,
                              &vetting, v->model.number, diag);
    return status;
}

/* Loads what was fetched. What cannot be read as a model is not the registered one. */
static enum status load(struct view *v, const char *folder, struct diag *diag)
{
    struct diag why = {0};
    enum status status = model_load(&v->loaded, folder, MODEL_HEAD, &why);
    if (status != STATUS_OK)
        return diag_set(diag, status == STATUS_NO_MEMORY ? status : STATUS_REJECTED,
                        "what lies at %.200s is no model: %s", v->model.uri, why.text);
    status = registry_compare(&v->loaded, &v->model, diag);
    if (status == STATUS_OK)
        status = model_read_part(&v->metadata, folder, "public/metadata.json", "", diag);
    if (status == STATUS_OK &&
        model_read_part(&v->report, folder, "public/report.json", "", &why) != STATUS_OK)
        buffer_clear(&v->report); /* nothing is claimed */
    return status;
}

/* Fetches into a folder that is made whole, or into one of its own that is removed at the end. */
static enum status fetch(struct view *v, const struct registry_options *o, struct diag *diag)
{
    const struct storage storage = {.folder = o->store, .ipfs = o->ipfs, .arweave = o->arweave};
    struct file_staging staging = {0};
    char own[64];
    const char *temporary = getenv("TMPDIR");
    snprintf(own, sizeof own, "sertn-registry-show-%ld", (long)getpid());
    char *target = o->output != NULL ? strdup(o->output)
                                     : file_join(temporary == NULL ? "/tmp" : temporary, own);
    enum status status = target == NULL
                             ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                             : file_staging_begin(&staging, target, "public/circuit", diag);
    free(target);
    if (status != STATUS_OK)
        return status;
    status = registry_fetch(&v->files, staging.staged, &v->model, &storage, diag);
    if (status == STATUS_OK)
        status = load(v, staging.staged, diag);
    if (status == STATUS_OK && o->output != NULL)
        return file_staging_commit(&staging, diag);
    file_staging_abandon(&staging);
    return status;
}

/* ---- printing ------------------------------------------------------------------------------- */

static const char *state_name(enum registry_route_state state)
{
    static const char *const names[] = {"none", "live", "stopped"};
    return names[state];
}

static void add_route(cJSON *result, const struct view *v)
{
    struct srs_verifier development;
    cJSON *system = cJSON_AddObjectToObject(result, "proof_system");
    srs_verifier_init_development(&development);
    json_add_hex(system, "id", v->model.proof_system_id, 4);
    json_add_text(system, "state", state_name(v->route.state));
    json_add_hex(system, "router", v->route.router, ABI_ADDRESS);
    cJSON_AddBoolToObject(system, "router_frozen", v->route.is_frozen);
    if (v->route.state == REGISTRY_ROUTE_NONE)
        return;
    json_add_hex(system, "verifier", v->route.verifier, ABI_ADDRESS);
    json_add_hex(system, "srs_digest", v->route.srs_digest, 32);
    cJSON_AddBoolToObject(system, "development_srs",
                          memcmp(v->route.srs_digest, development.digest, 32) == 0);
    cJSON_AddBoolToObject(system, "stopped_by_false_proof", v->route.has_canary);
}

/* What report.json says is nobody's proof. */
static void add_claims(cJSON *result, const struct view *v)
{
    static const char *const claimed[] = {"gas",        "outputs",   "inserted_ranges",
                                          "parameters", "used_rows", "notes"};
    cJSON *claims = cJSON_AddObjectToObject(result, "owner_claims");
    cJSON *report = cJSON_ParseWithLength(buffer_text(&v->report), v->report.count);
    for (size_t i = 0; i < sizeof claimed / sizeof *claimed; i++) {
        cJSON *field = cJSON_DetachItemFromObjectCaseSensitive(report, claimed[i]);
        if (field != NULL && !cJSON_AddItemToObject(claims, claimed[i], field))
            cJSON_Delete(field);
    }
    cJSON_Delete(report);
}

static void add_files(cJSON *result, const struct view *v)
{
    static const char *const fields[] = {"graph", "inputs", "outputs", "parameters"};
    cJSON *files = cJSON_AddObjectToObject(result, "files");
    cJSON_AddBoolToObject(files, "verified", v->problem.status == STATUS_OK);
    if (v->problem.status != STATUS_OK) {
        json_add_text(files, "problem", v->problem.text);
        return;
    }
    cJSON_AddNumberToObject(files, "count", (double)v->files.count);
    cJSON_AddNumberToObject(files, "bytes", (double)v->files.bytes);
    cJSON_AddNumberToObject(result, "compute_cost_of_key",
                            (double)registry_compute_cost(&v->loaded.key));
    cJSON_AddNumberToObject(result, "proof_bytes", (double)v->loaded.key.layout.proof_bytes);
    cJSON *metadata = cJSON_Parse(buffer_text(&v->metadata));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        cJSON *field = cJSON_DetachItemFromObjectCaseSensitive(metadata, fields[i]);
        if (field != NULL && !cJSON_AddItemToObject(result, fields[i], field))
            cJSON_Delete(field);
    }
    cJSON_Delete(metadata);
    add_claims(result, v);
}

static void add_statistics(cJSON *result, const struct view *v)
{
    char price[AMOUNT_TEXT];
    if (!v->has_statistics)
        return;
    amount_format(price, v->statistics.price);
    json_add_text(result, "price", price);
    cJSON *jobs = cJSON_AddObjectToObject(result, "last_jobs");
    cJSON_AddNumberToObject(jobs, "paid", (double)v->statistics.paid);
    cJSON_AddNumberToObject(jobs, "unanswered", (double)v->statistics.unanswered);
    cJSON_AddNumberToObject(jobs, "open", (double)v->statistics.open);
    cJSON_AddNumberToObject(jobs, "mean_spare_seconds",
                            v->statistics.paid == 0
                                ? 0
                                : (double)v->statistics.spare_seconds / (double)v->statistics.paid);
}

static void add_backtests(cJSON *result, const struct view *v, const struct registry_options *o)
{
    if (o->vetting == NULL)
        return;
    cJSON_AddNumberToObject(result, "backtest_count", (double)v->all_backtests);
    cJSON *list = cJSON_AddArrayToObject(result, "backtests");
    for (size_t i = 0; i < v->backtest_count; i++) {
        const struct vetting_result *b = &v->backtest[i];
        char tolerance[AMOUNT_TEXT];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddNumberToObject(object, "backtest", (double)b->number);
        cJSON_AddNumberToObject(object, "rows", (double)b->rows);
        cJSON_AddNumberToObject(object, "proved", (double)b->proved);
        cJSON_AddNumberToObject(object, "hits", (double)b->hits);
        cJSON_AddNumberToObject(object, "closes_at", (double)b->closes_at);
        cJSON_AddNumberToObject(object, "input_words", (double)b->input_words);
        cJSON_AddNumberToObject(object, "input_bits", (double)b->input_bits);
        cJSON_AddNumberToObject(object, "word", (double)b->word);
        cJSON_AddNumberToObject(object, "shift", (double)b->shift);
        cJSON_AddNumberToObject(object, "width", (double)b->width);
        amount_format(tolerance, b->tolerance);
        cJSON_AddStringToObject(object, "tolerance", tolerance);
        json_add_hex(object, "publisher", b->publisher, ABI_ADDRESS);
        if (!cJSON_AddItemToArray(list, object))
            cJSON_Delete(object);
    }
}

/* A line of a name and what is said of it. */
static void line(const char *name, const char *format, ...) SERTN_PRINTF(2, 3);
static void line(const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("  %-17s", name);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}

static const char *text_of(const cJSON *object, const char *name)
{
    return endpoints_text(object, name);
}

static void print_ports(const cJSON *result, const char *name)
{
    const cJSON *port;
    cJSON_ArrayForEach(port, cJSON_GetObjectItemCaseSensitive(result, name))
    {
        char *shape = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(port, "shape"));
        line(name, "%s %s %s %s", text_of(port, "name"), text_of(port, "type"),
             shape == NULL ? "" : shape, text_of(port, "visibility"));
        free(shape);
    }
}

static void print_system(const cJSON *result, const struct view *v)
{
    const cJSON *system = cJSON_GetObjectItemCaseSensitive(result, "proof_system");
    const char *state = text_of(system, "state"), *id = text_of(system, "id");
    if (v->route.state == REGISTRY_ROUTE_NONE)
        line("proof system", "%s: there is no verifier for it", id);
    else if (v->route.state == REGISTRY_ROUTE_STOPPED)
        line("proof system", "%s: STOPPED, the verifier at %s serves nobody any more", id,
             text_of(system, "verifier"));
    else
        line("proof system", "%s: %s, verified at %s%s", id, state, text_of(system, "verifier"),
             v->route.has_canary ? ", which a proof of a false claim stops" : "");
    line("router", "%s%s", text_of(system, "router"),
         v->route.is_frozen ? ", frozen: no proof system is added any more" : "");
    if (v->route.state != REGISTRY_ROUTE_NONE)
        line("powers of tau", "%s%s", text_of(system, "srs_digest"),
             cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(system, "development_srs"))
                 ? ": the DEVELOPMENT ones, anybody can forge proofs"
                 : "");
}

static void print_claims(const cJSON *result)
{
    const cJSON *claim;
    cJSON_ArrayForEach(claim, cJSON_GetObjectItemCaseSensitive(result, "owner_claims"))
    {
        char *text = cJSON_PrintUnformatted(claim);
        line("the owner claims", "%s: %s", claim->string, text == NULL ? "" : text);
        free(text);
    }
}

/* What was promised and not proved stays visible. */
static void print_backtests(const cJSON *result, const struct view *v)
{
    const cJSON *port;
    bool hidden = false;
    cJSON_ArrayForEach(port, cJSON_GetObjectItemCaseSensitive(result, "inputs")) hidden =
        hidden || strcmp(text_of(port, "visibility"), "hashed") == 0;
    for (size_t i = 0; i < v->backtest_count; i++) {
        const struct vetting_result *b = &v->backtest[i];
        char publisher[CONTRACT_ADDRESS_TEXT], tolerance[AMOUNT_TEXT];
        bool is_owner = memcmp(b->publisher, v->model.owner, ABI_ADDRESS) == 0;
        contract_address_text(publisher, b->publisher);
        amount_format(tolerance, b->tolerance);
        line("backtest",
             "%" PRIu64 ": %" PRIu64 " of %" PRIu64 " right, %" PRIu64
             " proved, labels by %s%s; right is at most %s off in %" PRIu64
             " bits from bit %" PRIu64 " of word %" PRIu64,
             b->number, b->hits, b->rows, b->proved, is_owner ? "the owner" : publisher,
             hidden ? ", inputs hidden: nobody sees whether they repeat" : "", tolerance, b->width,
             b->shift, b->word);
    }
    if (v->all_backtests > v->backtest_count)
        line("backtests", "%" PRIu64 " more before these", v->all_backtests - v->backtest_count);
}

static void print_view(const cJSON *result, const struct view *v)
{
    printf("model %" PRIu64 " on chain %" PRIu64 "%s%s\n", v->model.number, v->chain.nodes.chain_id,
           text_of(result, "graph")[0] == '\0' ? "" : ": ", text_of(result, "graph"));
    line("owner", "%s", text_of(result, "owner"));
    line("takes work", "%s",
         v->model.is_deprecated                  ? "no, it is deprecated"
         : v->route.state != REGISTRY_ROUTE_LIVE ? "no, nothing verifies it"
                                                 : "yes");
    print_system(result, v);
    if (v->problem.status == STATUS_OK)
        line("compute cost", "%" PRIu64 " rows, as its key gives", v->model.compute_cost);
    else
        line("compute cost", "%" PRIu64 " rows, as the chain says", v->model.compute_cost);
    line("royalty", "%s", text_of(result, "royalty"));
    if (v->has_statistics) {
        line("price now", "%s", text_of(result, "price"));
        line("last jobs", "%" PRIu64 " paid, %" PRIu64 " unanswered, %" PRIu64 " open",
             v->statistics.paid, v->statistics.unanswered, v->statistics.open);
    }
    print_backtests(result, v);
    line("model hash", "%s", text_of(result, "model_hash"));
    line("circuit hash", "%s", text_of(result, "circuit_hash"));
    line("key hash", "%s", text_of(result, "vk_hash"));
    print_ports(result, "inputs");
    print_ports(result, "outputs");
    if (text_of(result, "parameters")[0] != '\0')
        line("parameters", "%s", text_of(result, "parameters"));
    line("stored at", "%s", v->model.uri);
    if (v->problem.status == STATUS_OK)
        line("files", "%zu of %" PRIu64 " bytes, all as registered", v->files.count,
             v->files.bytes);
    else
        line("files", "not seen: %s", v->problem.text);
    print_claims(result);
}

enum status registry_show_command(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct view *v = calloc(1, sizeof *v);
    cli->result = cJSON_CreateObject();
    if (v == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    enum status status = open_view(v, o, diag);
    if (status == STATUS_OK)
        status = read_statistics(v, o, diag);
    if (status == STATUS_OK)
        status = read_backtests(v, o, diag);
    if (status == STATUS_OK) {
        enum status fetched = fetch(v, o, &v->problem);
        /* Files that cannot be had are no reason to say nothing; files that are others are one to
         * fail, and so is a folder that was asked for and not made. */
        if (fetched == STATUS_REJECTED || fetched == STATUS_NO_MEMORY ||
            (fetched != STATUS_OK && o->output != NULL))
            status = diag_set(diag, fetched, "%s", v->problem.text);
        registry_add_model(cli->result, &v->model);
        cJSON_AddNumberToObject(cli->result, "chain_id", (double)v->chain.nodes.chain_id);
        add_route(cli->result, v);
        add_files(cli->result, v);
        add_statistics(cli->result, v);
        add_backtests(cli->result, v, o);
        if (!cli->json && !cli->quiet && status == STATUS_OK)
            print_view(cli->result, v);
    }
    if (status == STATUS_OK && o->output != NULL)
        cli_say(cli, "the files are in '%s'; its key is checked with: sertn-run keys %s --check",
                o->output, o->output);
    model_release(&v->loaded);
    buffer_release(&v->metadata);
    buffer_release(&v->report);
    chain_side_close(&v->chain);
    free(v);
    return status;
}
