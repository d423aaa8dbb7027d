/* sertn-registry vet: makes a backtest of proved answers, and verifies one. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/backtest_chain.h"
#include "runtime/reference.h"
#include "runtime/tools/registry_commands.h"
#include "runtime/values.h"

enum { LABEL_BYTES_MAX = 1 << 28, DAYS = 7 };

/* ---- what is printed ------------------------------------------------------------------------ */

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* Rows with inputs that no row before has: repeating an easy one makes nothing better. */
static size_t count_distinct(const struct backtest *test)
{
    uint8_t(*hash)[32] = malloc(test->count * sizeof *hash);
    size_t distinct = 0;
    for (size_t i = 0; hash != NULL && i < test->count; i++)
        memcpy(hash[i], test->row[i].commitment, 32);
    if (hash != NULL)
        qsort(hash, test->count, sizeof *hash, compare_hashes);
    for (size_t i = 0; hash != NULL && i < test->count; i++)
        distinct += i == 0 || memcmp(hash[i - 1], hash[i], 32) != 0;
    free(hash);
    return distinct;
}

static void add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t count)
{
    char *text = proof_print_hex(bytes, count);
    cJSON_AddStringToObject(object, name, text == NULL ? "" : text);
    free(text);
}

static void report(struct cli *cli, const struct backtest *test)
{
    const struct backtest_result *r = &test->result;
    size_t distinct = count_distinct(test);
    double tolerance = (double)test->tolerance * (test->unit == 0 ? 1 : test->unit);
    cJSON_AddNumberToObject(cli->result, "rows", r->rows);
    bool is_hidden = hidden_input_count(test->model) > 0;
    /* Salted hashes of equal inputs differ. */
    if (is_hidden)
        cJSON_AddBoolToObject(cli->result, "hidden_inputs", true);
    else
        cJSON_AddNumberToObject(cli->result, "distinct_inputs", (double)distinct);
    cJSON_AddNumberToObject(cli->result, "hits", r->hits);
    cJSON_AddNumberToObject(cli->result, "accuracy", (double)r->hits / r->rows);
    if (!isnan(r->mean_error))
        cJSON_AddNumberToObject(cli->result, "mean_error", r->mean_error);
    cJSON_AddNumberToObject(cli->result, "tolerance", tolerance);
    cJSON_AddStringToObject(cli->result, "output", test->port->name);
    cJSON_AddNumberToObject(cli->result, "element", (double)test->element);
    add_hex(cli->result, "root", test->root, sizeof test->root);
    if (test->binding.number != 0) {
        cJSON_AddNumberToObject(cli->result, "backtest", (double)test->binding.number);
        cJSON_AddNumberToObject(cli->result, "chain_id", (double)test->binding.chain_id);
        add_hex(cli->result, "publisher", test->binding.publisher, ABI_ADDRESS);
    }
    if (cli->json || cli->quiet)
        return;
    printf("%u of %u answers are within %g of their labels (%.4g%%), ", r->hits, r->rows, tolerance,
           100.0 * r->hits / r->rows);
    if (is_hidden)
        printf("inputs are hidden: nobody sees whether they repeat\n");
    else
        printf("%zu inputs are different\n", distinct);
    if (!isnan(r->mean_error))
        printf("mean distance of '%s': %.6g\n", test->port->name, r->mean_error);
    printf("labels are the publisher's; everything else was proved or computed here\n");
}

/* ---- verifying ------------------------------------------------------------------------------ */

static enum status compare_chain(struct cli *cli, const struct registry_options *o,
                                 const struct backtest *test, struct diag *diag)
{
    struct chain_side side;
    struct vetting vetting;
    if (o->chain.rpc == NULL && o->vetting == NULL)
        return STATUS_OK;
    enum status status = chain_side_open(&side, &o->chain, diag);
    if (status == STATUS_OK)
        status = vetting_open(&vetting, &side.nodes, o->vetting, diag);
    if (status == STATUS_OK)
        status = vetting_compare(test, &vetting, diag);
    if (status == STATUS_OK)
        cli_say(cli, "chain %" PRIu64 " counts the same as backtest %" PRIu64,
                test->binding.chain_id, test->binding.number);
    chain_side_close(&side);
    return status;
}

static enum status verify(struct cli *cli, const struct registry_options *o, struct diag *diag)
{
    struct model model = {0};
    struct backtest test = {0};
    struct srs_verifier srs;
    struct buffer text = {0};
    enum status status = model_load(&model, o->input, MODEL_HEAD, diag);
    if (status == STATUS_OK)
        status = file_read(o->second, BACKTEST_FILE_BYTES_MAX, &text, diag);
    if (status == STATUS_OK)
        status = backtest_read(&test, &model, buffer_text(&text), text.count, o->second, diag);
    if (status == STATUS_OK)
        status = proof_open_verifier(&srs, &model, o->srs, diag);
    if (status == STATUS_OK)
        status = backtest_verify(&test, &srs, diag);
    if (status == STATUS_OK)
        status = compare_chain(cli, o, &test, diag);
    cJSON_AddBoolToObject(cli->result, "verified", status == STATUS_OK);
    if (status == STATUS_OK)
        report(cli, &test);
    backtest_release(&test);
    model_release(&model);
    buffer_release(&text);
    return status;
}

/* ---- making --------------------------------------------------------------------------------- */

struct making {
    struct prover prover;
    struct backtest test;
    struct value_sets sets;
    struct arena arena;
    struct chain_side side;
    struct vetting vetting;
    bool on_chain;
};

static enum status check_options(const struct registry_options *o, struct diag *diag)
{
    if (o->data == NULL || o->labels == NULL || o->output == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give inputs with --data PATH, their labels with --labels FILE and the "
                        "backtest's file with -o, or a backtest to verify");
    if (o->vetting != NULL && (o->chain.rpc == NULL || o->number == 0 || !o->has_period))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "publishing a backtest takes --rpc URL, --vetting ADDRESS, the model's "
                        "--number N, and the period of the data, --from and --to");
    if (o->vetting == NULL && (o->chain.rpc != NULL || o->number != 0))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the contract of backtests with --vetting 0x and 40 hex digits");
    if (o->from > o->to)
        return diag_set(diag, STATUS_BAD_INPUT, "--from is after --to");
    return STATUS_OK;
}

static enum status plan(struct making *m, struct cli *cli, const struct registry_options *o,
                        struct diag *diag)
{
    struct cli_progress progress;
    struct plonk_progress callback = cli_progress_begin(&progress, cli);
    struct value_spec *specs;
    struct buffer labels = {0};
    const struct backtest_options options = {o->score, o->tolerance, o->from, o->to,
                                             m->on_chain ? m->side.account.key : NULL};
    enum status status = prover_open(&m->prover, o->input, o->srs, cli->threads, &callback, diag);
    const struct model *model = &m->prover.session.model;
    cli_progress_end(&progress);
    if (status == STATUS_OK)
        status = values_specs(&specs, model, &m->arena, diag);
    if (status == STATUS_OK)
        status = reference_fixed_inputs(&m->sets, model, &m->arena, diag);
    if (status == STATUS_OK)
        status = value_file_read(&m->sets, o->data, specs, model->interface.input_count, &m->arena,
                                 diag);
    if (status == STATUS_OK)
        status = file_read(o->labels, LABEL_BYTES_MAX, &labels, diag);
    if (status == STATUS_OK)
        status = backtest_plan(&m->test, model, &m->sets, buffer_text(&labels), labels.count,
                               &options, diag);
    buffer_release(&labels);
    return status;
}

/* The chain, and the account that publishes: hidden inputs have salts that follow from its key. */
static enum status open_chain(struct making *m, const struct registry_options *o, struct diag *diag)
{
    enum status status = chain_side_open(&m->side, &o->chain, diag);
    m->on_chain = status == STATUS_OK;
    if (status == STATUS_OK)
        status = vetting_open(&m->vetting, &m->side.nodes, o->vetting, diag);
    if (status == STATUS_OK)
        status = chain_side_open_account(&m->side, &o->chain, diag);
    return status;
}

/* Commits to the data before anything is proved. */
static enum status publish(struct making *m, struct cli *cli, const struct registry_options *o,
                           struct diag *diag)
{
    const struct storage storage = {.folder = o->store, .ipfs = o->ipfs};
    struct buffer data = {0};
    struct storage_id id;
    char uri[STORAGE_URI_BYTES];
    enum status status = registry_check_model(&m->prover.session.model, diag);
    if (status == STATUS_OK)
        status = backtest_print_data(&data, &m->test, &m->sets, diag);
    if (status == STATUS_OK)
        status = storage_put_local(uri, &id, &storage, data.data, data.count, diag);
    if (status == STATUS_OK && o->ipfs != NULL)
        status = storage_put_ipfs(uri, &id, &storage, data.data, data.count, diag);
    if (status == STATUS_OK)
        status = vetting_publish(&m->test, &m->vetting, &m->side.account, o->number, uri,
                                 o->days == 0 ? DAYS : (unsigned)o->days, diag);
    if (status == STATUS_OK) {
        cJSON_AddStringToObject(cli->result, "uri", uri);
        cli_say(cli, "backtest %" PRIu64 " is published, its data at %s", m->test.binding.number,
                uri);
    }
    buffer_release(&data);
    return status;
}

static enum status prove(struct making *m, struct cli *cli, struct diag *diag)
{
    enum status status = STATUS_OK;
    double gas_of_all = 0;
    struct cli_progress progress;
    struct plonk_progress callback = cli_progress_begin(&progress, cli);
    for (size_t i = 0; i < m->test.count && status == STATUS_OK; i++) {
        uint64_t gas = 0;
        status = backtest_prove(&m->test, i, &m->prover,
                                (const struct tensor *const *)m->sets.set[i].tensor, NULL, diag);
        if (status != STATUS_OK)
            status = diag_prefix(diag, status, "%s", m->sets.set[i].name);
        size_t in_batch = i % BACKTEST_MOST_BATCH + 1;
        if (status == STATUS_OK && m->on_chain &&
            (in_batch == BACKTEST_MOST_BATCH || i + 1 == m->test.count))
            status = vetting_send(&gas, &m->test, &m->vetting, &m->side.account, i + 1 - in_batch,
                                  in_batch, diag);
        gas_of_all += (double)gas;
        callback.report(callback.context, "proving the rows",
                        (double)(i + 1) / (double)m->test.count);
    }
    cli_progress_end(&progress);
    if (m->on_chain)
        cJSON_AddNumberToObject(cli->result, "gas", gas_of_all);
    return status;
}

static enum status make(struct cli *cli, const struct registry_options *o, struct diag *diag)
{
    struct making *m = calloc(1, sizeof *m);
    struct buffer text = {0};
    if (m == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    arena_init(&m->arena, 0);
    enum status status = check_options(o, diag);
    if (status == STATUS_OK && o->vetting != NULL)
        status = open_chain(m, o, diag);
    if (status == STATUS_OK)
        status = plan(m, cli, o, diag);
    if (status == STATUS_OK && o->vetting != NULL)
        status = publish(m, cli, o, diag);
    if (status == STATUS_OK)
        status = prove(m, cli, diag);
    if (status == STATUS_OK) {
        backtest_score(&m->test);
        if (m->on_chain) /* which counted by itself */
            status = vetting_compare(&m->test, &m->vetting, diag);
    }
    if (status == STATUS_OK) {
        status = backtest_print(&text, &m->test, diag);
    }
    if (status == STATUS_OK)
        status = file_write(o->output, text.data, text.count, FILE_MODE_PUBLIC, false, diag);
    if (status == STATUS_OK) {
        cJSON_AddStringToObject(cli->result, "backtest_file", o->output);
        report(cli, &m->test);
    }
    buffer_release(&text);
    chain_side_close(&m->side);
    backtest_release(&m->test);
    prover_close(&m->prover);
    arena_release(&m->arena);
    free(m);
    return status;
}

enum status registry_vet_command(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    cli->result = cJSON_CreateObject();
    return o->second != NULL ? verify(cli, o, diag) : make(cli, o, diag);
}
