/* sertn-run submit, status, refund, claim: the market from the command line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/job.h"
#include "runtime/sealed.h"
#include "runtime/signer.h"
#include "runtime/tools/run_market.h"

enum {
    INPUT_BYTES_MOST = 256 << 20, /* that submit fetches */
};

struct chain_side_options run_market_chain(const struct run_options *o)
{
    return (struct chain_side_options){o->chain.rpc, o->chain.signer, o->chain.chain_id};
}

enum status run_market_open(struct market_side *side, const struct run_options *o, bool signs,
                            struct diag *diag)
{
    const struct chain_side_options options = run_market_chain(o);
    memset(side, 0, sizeof *side);
    if (o->market.address == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the market's address with --market 0x and 40 hex digits");
    enum status status = chain_side_open(&side->chain, &options, diag);
    if (status == STATUS_OK)
        status = market_open(&side->market, &side->chain.nodes, o->market.address, diag);
    if (status == STATUS_OK && signs)
        status = chain_side_open_account(&side->chain, &options, diag);
    return status;
}

struct storage run_market_storage(const struct run_options *o)
{
    return (struct storage){
        .folder = o->market.store, .ipfs = o->market.ipfs, .arweave = o->market.arweave};
}

void run_add_amount(cJSON *object, const char *name, amount value)
{
    char text[AMOUNT_TEXT];
    amount_format(text, value);
    cJSON_AddStringToObject(object, name, text);
}

void run_add_job(cJSON *object, struct market_job_id id)
{
    char text[MARKET_JOB_TEXT];
    market_job_text(text, id);
    cJSON_AddStringToObject(object, "job", text);
}

void run_add_address(cJSON *object, const char *name, const uint8_t address[ABI_ADDRESS])
{
    char text[CONTRACT_ADDRESS_TEXT];
    contract_address_text(text, address);
    cJSON_AddStringToObject(object, name, text);
}

enum status run_read_job(struct market_job_id *id, const char *text, struct diag *diag)
{
    return market_parse_job(id, text)
               ? STATUS_OK
               : diag_set(diag, STATUS_BAD_INPUT,
                          "'%.80s' is no job: MODEL/PLACE, or its number in hex", text);
}

enum status run_check_key(struct registry_model *registered, const struct market *market,
                          const struct model *model, uint64_t number, struct diag *diag)
{
    enum status status = registry_show(registered, &market->registry, number, diag);
    if (status == STATUS_OK && !model->has_key)
        status = diag_set(diag, STATUS_BAD_INPUT, "'%s' has no verifying key", model->folder);
    if (status == STATUS_OK && memcmp(registered->vk_hash, model->key.digest, 32) != 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "model %" PRIu64 " of the registry has another key than '%s'", number,
                          model->folder);
    return status;
}

/* ---- submit --------------------------------------------------------------------------------- */

/* Proves the job here. */
static enum status prove_job(struct proof *proof, struct cli *cli, const struct run_options *o,
                             const struct market_requested *event, const struct job_claim *claim,
                             const struct model *model, const uint8_t key[32], struct diag *diag)
{
    const struct storage storage = run_market_storage(o);
    struct buffer input = {0}, plain = {0};
    struct prover *prover = calloc(1, sizeof *prover);
    struct cli_progress shown;
    if (prover == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    enum status status = o->input != NULL ? file_read(o->input, INPUT_BYTES_MOST, &input, diag)
                                          : job_fetch_input(&input, &event->request, &storage,
                                                            INPUT_BYTES_MOST, diag);
    if (status == STATUS_OK && sealed_is_input(&input)) {
        status = sealed_open_input(&plain, &input, model, key, diag);
        buffer_release(&input);
        input = plain;
    }
    struct plonk_progress progress = cli_progress_begin(&shown, cli);
    if (status == STATUS_OK)
        status = prover_open(prover, o->folder, o->srs, cli->threads, &progress, diag);
    if (status == STATUS_OK)
        status = job_prove(proof, prover, &input, claim, &progress, diag);
    cli_progress_end(&shown);
    prover_close(prover);
    free(prover);
    buffer_release(&input);
    return status;
}

/* The proof given, if it is one of this job that will be paid. */
static enum status take_proof(struct proof *proof, const struct run_options *o,
                              const struct model *model, const struct job_claim *claim,
                              struct diag *diag)
{
    struct srs_verifier srs;
    cJSON *values = NULL;
    enum status status = proof_read(proof, o->proof, diag);
    if (status == STATUS_OK)
        status = job_check_words(model, claim, proof->words, proof->word_count, diag);
    if (status == STATUS_OK)
        status = proof_open_verifier(&srs, model, o->srs, diag);
    if (status == STATUS_OK)
        status = proof_verify(&values, proof, model, claim->context, &srs, diag);
    cJSON_Delete(values);
    return status;
}

static enum status check_open(const struct market_job *job, uint64_t now, struct diag *diag)
{
    char text[MARKET_JOB_TEXT];
    market_job_text(text, job->id);
    if (job->state == MARKET_NONE)
        return diag_set(diag, STATUS_BAD_INPUT, "the market has no job %s", text);
    if (job->state != MARKET_JOB_OPEN)
        return diag_set(diag, STATUS_REJECTED, "job %s is %s already", text,
                        market_state_name(job->state));
    if (now > job->deadline)
        return diag_set(diag, STATUS_REJECTED, "the deadline of job %s is over", text);
    return STATUS_OK;
}

enum status run_submit(struct cli *cli, struct run_options *o, struct diag *diag)
{
    struct market_side side = {0};
    struct market_requested event = {0};
    struct registry_model registered;
    struct account_result result = {0};
    struct market_job job;
    struct job_claim claim = {0};
    struct model model = {0};
    struct proof proof = {0};
    struct buffer data = {0};
    struct journal_entry entry;
    uint8_t prover[ABI_ADDRESS];
    char name[JOURNAL_NAME_BYTES], text[MARKET_JOB_TEXT], paid[AMOUNT_TEXT];
    uint64_t now = 0;
    bool is_known = false;
    cli->result = cJSON_CreateObject();
    enum status status = run_read_job(&job.id, o->second, diag);
    if (status == STATUS_OK)
        status = model_load(&model, o->folder, MODEL_HEAD, diag);
    if (status == STATUS_OK)
        status = run_market_open(&side, o, true, diag);
    if (status == STATUS_OK)
        status = run_check_key(&registered, &side.market, &model, job.id.model, diag);
    if (status == STATUS_OK &&
        !abi_parse_address(prover, o->market.prover != NULL ? o->market.prover
                                                            : side.chain.account.id.address))
        status = diag_set(diag, STATUS_BAD_INPUT, "--prover takes 0x and 40 hex digits");
    if (status == STATUS_OK)
        status = market_find_requested(&event, &side.market, job.id, diag);
    if (status == STATUS_OK)
        status = market_job(&job, &side.market, job.id, diag);
    if (status == STATUS_OK)
        status = market_time(&now, &side.market, diag);
    if (status == STATUS_OK) {
        market_job_text(text, job.id);
        market_name_step(name, &side.market, "settle %s", text);
        status = journal_find(&is_known, &entry, &side.chain.journal, &side.chain.account.id, name,
                              diag);
    }
    if (status == STATUS_OK && !is_known)
        status = check_open(&job, now, diag);
    if (status == STATUS_OK && (!is_known || entry.state != JOURNAL_MINED)) {
        market_context(claim.context, &side.market, job.id, prover);
        /* A job that was paid already need not tell it any more. */
        memcpy(claim.precommitment, event.request.precommitment, 32);
        memcpy(claim.requirement, job.requirement, ABI_WORD);
        claim.input_words = job.input_words;
        claim.input_bits = job.input_bits;
        status = o->proof != NULL ? take_proof(&proof, o, &model, &claim, diag)
                                  : prove_job(&proof, cli, o, &event, &claim, &model,
                                              side.chain.account.key, diag);
        if (status == STATUS_OK)
            status = market_settle_data(&data, job.id, prover, &model, &proof, diag);
    }
    if (status == STATUS_OK)
        status =
            signer_send(&result, &side.chain.account, name, side.market.address, &data, 0, diag);
    if (status == STATUS_OK) {
        amount_format(paid, job.price - job.royalty - job.fee);
        run_add_job(cli->result, job.id);
        cJSON_AddStringToObject(cli->result, "paid", paid);
        run_add_address(cli->result, "prover", prover);
        chain_side_add_result(cli->result, &result);
        cli_say(cli, "job %s is paid: %s%s", text, paid,
                result.was_known ? "; it was handed in before" : "");
    }
    buffer_release(&data);
    proof_release(&proof);
    market_requested_release(&event);
    model_release(&model);
    chain_side_close(&side.chain);
    return status;
}

/* ---- status --------------------------------------------------------------------------------- */

/* A job of the market by its name, and the time there. */
static enum status look_up(struct market_job *job, uint64_t *now, struct market_side *side,
                           const struct run_options *o, const char *name, bool signs,
                           struct diag *diag)
{
    struct market_job_id id;
    enum status status = run_read_job(&id, name, diag);
    if (status == STATUS_OK)
        status = run_market_open(side, o, signs, diag);
    if (status == STATUS_OK)
        status = market_job(job, &side->market, id, diag);
    if (status == STATUS_OK)
        status = market_time(now, &side->market, diag);
    if (status == STATUS_OK && job->state == MARKET_NONE)
        status = diag_set(diag, STATUS_BAD_INPUT, "the market has no job %.80s", name);
    return status;
}

static void add_state(cJSON *object, const struct market_job *job,
                      const struct market_assignment *assignment, uint64_t now)
{
    run_add_job(object, job->id);
    cJSON_AddStringToObject(object, "state", market_state_name(job->state));
    run_add_address(object, "requester", job->requester);
    run_add_amount(object, "price", job->price);
    run_add_amount(object, "royalty", job->royalty);
    run_add_amount(object, "fee", job->fee);
    cJSON_AddNumberToObject(object, "deadline", (double)job->deadline);
    cJSON_AddBoolToObject(object, "expired", job->state == MARKET_JOB_OPEN && now > job->deadline);
    if (job->state == MARKET_JOB_PAID)
        cJSON_AddNumberToObject(object, "settled_at", (double)job->settled_at);
    if (assignment->until != 0) {
        run_add_address(object, "node", assignment->node);
        cJSON_AddNumberToObject(object, "assigned_until", (double)assignment->until);
    }
}

enum status run_status(struct cli *cli, struct run_options *o, struct diag *diag)
{
    struct market_side side = {0};
    struct market_assignment assignment = {{0}, 0, 0, 0, 0, 0};
    struct market_job job;
    uint64_t now = 0;
    cli->result = cJSON_CreateObject();
    enum status status = look_up(&job, &now, &side, o, o->folder, false, diag);
    if (status == STATUS_OK)
        status = market_assignment(&assignment, &side.market, job.id, diag);
    if (status == STATUS_OK) {
        add_state(cli->result, &job, &assignment, now);
        const cJSON *field;
        cJSON_ArrayForEach(field, cli->result)
        {
            char *text = cJSON_IsString(field) ? NULL : cJSON_PrintUnformatted(field);
            if (!cli->json && !cli->quiet)
                printf("%s: %s\n", field->string, text == NULL ? field->valuestring : text);
            free(text);
        }
    }
    chain_side_close(&side.chain);
    return status;
}

/* ---- refund, claim -------------------------------------------------------------------------- */

enum status run_refund(struct cli *cli, struct run_options *o, struct diag *diag)
{
    struct market_side side = {0};
    struct market_job job;
    struct account_result result = {0};
    struct buffer data = {0};
    uint8_t word[ABI_WORD];
    uint64_t now = 0;
    char name[JOURNAL_NAME_BYTES], text[MARKET_JOB_TEXT] = "", price[AMOUNT_TEXT];
    cli->result = cJSON_CreateObject();
    enum status status = look_up(&job, &now, &side, o, o->folder, true, diag);
    if (status == STATUS_OK) {
        market_job_text(text, job.id);
        if (job.state == MARKET_JOB_PAID)
            status = diag_set(diag, STATUS_REJECTED, "job %s is paid already", text);
        else if (job.state == MARKET_JOB_OPEN && now <= job.deadline)
            status = diag_set(diag, STATUS_REJECTED,
                              "the deadline of job %s is over in %" PRIu64 " seconds", text,
                              job.deadline + 1 - now);
    }
    if (status == STATUS_OK && job.state == MARKET_JOB_OPEN) {
        market_job_word(word, job.id);
        market_name_step(name, &side.market, "refund %s", text);
        status = market_word_data(&data, "refund(uint256)", word, diag);
        if (status == STATUS_OK)
            status = signer_send(&result, &side.chain.account, name, side.market.address, &data, 0,
                                 diag);
    }
    if (status == STATUS_OK) {
        amount_format(price, job.price);
        run_add_job(cli->result, job.id);
        cJSON_AddStringToObject(cli->result, "refunded", price);
        cJSON_AddBoolToObject(cli->result, "was_refunded", job.state == MARKET_JOB_REFUNDED);
        cli_say(cli, "job %s: %s are in the account of its requester%s", text, price,
                job.state == MARKET_JOB_REFUNDED ? " already" : "");
    }
    buffer_release(&data);
    chain_side_close(&side.chain);
    return status;
}

/* Moves what a model has earned into the accounts of its owner and of governance. */
static enum status claim_model(struct market_side *side, uint64_t number, const char *stamp,
                               struct diag *diag)
{
    char name[JOURNAL_NAME_BYTES];
    struct account_result result;
    struct buffer data = {0};
    uint8_t word[ABI_WORD] = {0};
    for (int i = 0; i < 8; i++)
        word[ABI_WORD - 1 - i] = (uint8_t)(number >> (8 * i));
    snprintf(name, sizeof name, "claim %" PRIu64 " %s", number, stamp);
    enum status status = market_word_data(&data, "claim(uint256)", word, diag);
    if (status == STATUS_OK)
        status =
            signer_send(&result, &side->chain.account, name, side->market.address, &data, 0, diag);
    buffer_release(&data);
    return status;
}

/* Takes out the payments that wait in jobs; *taken is their sum, *result of the last transaction.
 */
static enum status collect(amount *taken, struct account_result *result, struct cli *cli,
                           struct market_side *side, const uint8_t owner[ABI_ADDRESS],
                           const uint8_t to[ABI_ADDRESS], const char *stamp, struct diag *diag)
{
    enum { AT_ONCE = 500 }; /* about 4 million gas */
    struct market_kept kept;
    enum status status = market_find_kept(&kept, &side->market, owner, diag);
    *taken = kept.sum;
    for (size_t i = 0; i < kept.count && status == STATUS_OK; i += AT_ONCE) {
        char name[JOURNAL_NAME_BYTES], job[MARKET_JOB_TEXT];
        struct buffer data = {0};
        size_t count = kept.count - i < AT_ONCE ? kept.count - i : AT_ONCE;
        market_job_text(job, kept.ids[i]);
        snprintf(name, sizeof name, "collect %zu from %s %s", count, job, stamp);
        status = market_collect_data(&data, &kept, i, count, to, diag);
        if (status == STATUS_OK)
            status = signer_send(result, &side->chain.account, name, side->market.address, &data, 0,
                                 diag);
        if (status == STATUS_OK && i + count == kept.count)
            cli_say(cli, "%zu payments that waited in jobs were collected", kept.count);
        buffer_release(&data);
    }
    market_kept_release(&kept);
    return status;
}

enum status run_claim(struct cli *cli, struct run_options *o, struct diag *diag)
{
    struct market_side side = {0};
    struct account_result result = {0};
    struct buffer data = {0};
    uint8_t owner[ABI_ADDRESS], to[ABI_ADDRESS];
    amount held = 0, collected = 0;
    uint64_t nonce = 0;
    size_t settled;
    char name[JOURNAL_NAME_BYTES], stamp[32], text[AMOUNT_TEXT];
    cli->result = cJSON_CreateObject();
    if (o->market.to != NULL && !abi_parse_address(to, o->market.to))
        return diag_set(diag, STATUS_BAD_INPUT, "--to takes 0x and 40 hex digits");
    enum status status = run_market_open(&side, o, true, diag);
    /* What an earlier call left open comes first: balances then are what they will be. */
    if (status == STATUS_OK)
        status = account_resume(&settled, &side.chain.account, diag);
    if (status == STATUS_OK)
        status = journal_next_nonce(&nonce, &side.chain.journal, &side.chain.account.id, diag);
    snprintf(stamp, sizeof stamp, "after nonce %" PRIu64, nonce);
    if (status == STATUS_OK && o->market.number != 0)
        status = claim_model(&side, o->market.number, stamp, diag);
    if (status == STATUS_OK) {
        bool is_address = abi_parse_address(owner, side.chain.account.id.address);
        ASSERT(is_address);
        if (o->market.to == NULL)
            memcpy(to, owner, sizeof to);
        status = collect(&collected, &result, cli, &side, owner, to, stamp, diag);
    }
    if (status == STATUS_OK)
        status = market_balance(&held, &side.market, owner, diag);
    amount_format(text, held);
    if (status == STATUS_OK && held > 0) {
        snprintf(name, sizeof name, "withdraw %s %s", text, stamp);
        abi_put_selector(&data, "withdraw(address,uint256)");
        abi_put_address(&data, to);
        amount_put(&data, held);
        status = buffer_status(&data, diag);
        if (status == STATUS_OK)
            status = signer_send(&result, &side.chain.account, name, side.market.address, &data, 0,
                                 diag);
    }
    if (status == STATUS_OK) {
        if (held > 0 || collected > 0)
            chain_side_add_result(cli->result, &result);
        amount_format(text, held + collected);
        cJSON_AddStringToObject(cli->result, "withdrawn", text);
        cli_say(cli, "%s went from the market to the account", text);
    }
    buffer_release(&data);
    chain_side_close(&side.chain);
    return status;
}
