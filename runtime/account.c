/* See account.h. */
#include "runtime/account_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/hash/keccak.h"
#include "ir/support/machine.h"
#include "runtime/transaction.h"

enum { FIRST_WAIT_US = 20000, MOST_WAIT_US = 2000000, REMIND_SECONDS = 5, LOST_SECONDS = 15 };

enum status account_open(struct account *account, struct endpoints *nodes, struct journal *journal,
                         const uint8_t key[32], struct diag *diag)
{
    uint8_t address[TRANSACTION_ADDRESS_BYTES];
    cJSON *block = NULL;
    *account = (struct account){.nodes = nodes,
                                .journal = journal,
                                .seconds = 300,
                                .replace_seconds = 60,
                                .reminded = -REMIND_SECONDS};
    account->id.chain_id = nodes->chain_id;
    enum status status = transaction_address(address, key, diag);
    if (status == STATUS_OK) {
        memcpy(account->key, key, sizeof account->key);
        account_put_hex(account->id.address, address, sizeof address);
        status = endpoints_agree(&block, nodes, "eth_getBlockByNumber", "[\"0x0\",false]", diag);
    }
    if (status == STATUS_OK && strlen(endpoints_text(block, "hash")) != JOURNAL_HASH_TEXT - 1)
        status = diag_set(diag, STATUS_IO, "the nodes give no block 0");
    if (status == STATUS_OK)
        status = journal_bind_chain(journal, nodes->chain_id, endpoints_text(block, "hash"), diag);
    cJSON_Delete(block);
    if (status != STATUS_OK)
        account_close(account);
    return status;
}

void account_close(struct account *account)
{
    explicit_bzero(account, sizeof *account);
}

/* What the call takes, and a fifth more. */
static enum status ask_gas(struct transaction *t, struct account *account, struct diag *diag)
{
    uint64_t gas;
    enum status status = account_estimate(&gas, account, t->to, t->data, diag);
    gas += gas / 5;
    t->gas = gas > ACCOUNT_GAS_MOST ? ACCOUNT_GAS_MOST : gas;
    return status;
}

/* ---- attempts ------------------------------------------------------------------------------- */

static enum status make_attempt(struct journal_attempt *attempt, const struct transaction *t,
                                const struct account *account, struct diag *diag)
{
    uint8_t digest[KECCAK256_BYTES];
    *attempt = (struct journal_attempt){.fee = t->fee, .priority_fee = t->priority_fee};
    enum status status = transaction_sign(&attempt->raw, t, account->key, diag);
    if (status == STATUS_OK) {
        keccak256(digest, attempt->raw.data, attempt->raw.count);
        account_put_hex(attempt->hash, digest, sizeof digest);
    }
    return status;
}

/* Transactions of the account in the chain: the nonce after theirs. */
static enum status count_mined(uint64_t *count, struct account *account, struct diag *diag)
{
    char params[80];
    snprintf(params, sizeof params, "[\"%s\",\"latest\"]", account->id.address);
    return endpoints_agree_quantity(count, account->nodes, "eth_getTransactionCount", params, diag);
}

/* The next nonce, by the nodes and by the journal. */
static enum status choose_nonce(uint64_t *nonce, struct account *account, struct diag *diag)
{
    uint64_t known;
    enum status status = count_mined(nonce, account, diag);
    if (status == STATUS_OK)
        status = journal_next_nonce(&known, account->journal, &account->id, diag);
    if (status == STATUS_OK && known > *nonce)
        *nonce = known;
    return status;
}

/* Signs the first attempt and writes it down, with a nonce of its own. */
static enum status write_down(struct journal_entry *entry, struct account *account,
                              const char *name, struct transaction *t, struct diag *diag)
{
    struct journal_attempt attempt = {0};
    bool found = false;
    enum status status = journal_begin(account->journal, diag);
    if (status != STATUS_OK)
        return status;
    /* Somebody else may have written the name since we looked. */
    status = journal_find(&found, entry, account->journal, &account->id, name, diag);
    if (status == STATUS_OK && !found)
        status = choose_nonce(&t->nonce, account, diag);
    if (status == STATUS_OK && !found)
        status = make_attempt(&attempt, t, account, diag);
    if (status == STATUS_OK && !found)
        status = journal_add(entry, account->journal, &account->id, name, t->nonce, &attempt, diag);
    buffer_release(&attempt.raw);
    struct diag ignored = {0};
    enum status ended =
        journal_end(account->journal, status == STATUS_OK, status == STATUS_OK ? diag : &ignored);
    return status == STATUS_OK ? ended : status;
}

/* Gives an attempt to every node. What they say is no proof of anything: the receipt is. *reason
 * keeps what the last one objected. */
static void hand_over(struct account *account, const struct journal_attempt *attempt,
                      struct diag *reason)
{
    struct buffer params = {0};
    buffer_puts(&params, "[\"0x");
    buffer_put_hex(&params, attempt->raw.data, attempt->raw.count);
    buffer_puts(&params, "\"]");
    memset(reason, 0, sizeof *reason);
    for (size_t i = 0; i < account->nodes->count && buffer_status(&params, reason) == STATUS_OK;
         i++) {
        cJSON *answer = NULL;
        struct diag said = {0};
        if (endpoints_rests(account->nodes, i))
            continue;
        if (endpoints_call(&answer, account->nodes, i, "eth_sendRawTransaction",
                           buffer_text(&params), &said) != STATUS_OK)
            *reason = said;
        cJSON_Delete(answer);
    }
    buffer_release(&params);
}

/*
 * Hands over what is open, without waiting: nodes forget, and those after it wait for its nonce.
 * Once in a while, or many that wait would be sent as often as their square, and when the chain
 * lost some: what was mined counts as open again when the nonce of the account is not beyond it.
 */
static enum status remind(struct account *account, struct diag *diag)
{
    char name[JOURNAL_NAME_BYTES];
    uint64_t count;
    int64_t nonce = -1;
    bool is_gone = false;
    enum status status = count_mined(&count, account, diag);
    if (status == STATUS_OK)
        status = journal_reopen(&is_gone, account->journal, &account->id, count, diag);
    bool is_due = is_gone || machine_seconds() - account->reminded >= REMIND_SECONDS;
    if (status != STATUS_OK || !is_due)
        return status;
    account->reminded = machine_seconds();
    for (bool found = true; status == STATUS_OK && found;) {
        struct journal_entry entry = {0};
        struct journal_attempt attempt = {0};
        struct diag ignored;
        bool there = false, has = false;
        status =
            journal_next_open(&found, name, &nonce, account->journal, &account->id, nonce, diag);
        if (status == STATUS_OK && found)
            status = journal_find(&there, &entry, account->journal, &account->id, name, diag);
        if (status == STATUS_OK && there)
            status = journal_attempt(&has, &attempt, account->journal, entry.id, 0, diag);
        if (status == STATUS_OK && has && entry.nonce >= count)
            hand_over(account, &attempt, &ignored);
        buffer_release(&attempt.raw);
    }
    return status;
}

/* A dearer attempt of the same call: fees of now, at least an eighth above those before. */
static enum status replace(struct account *account, const struct journal_entry *entry,
                           struct transaction *t, const struct journal_attempt *before,
                           struct diag *reason, struct diag *diag)
{
    struct journal_attempt dearer = {0};
    struct account unbounded = *account;
    unbounded.most_fee = 0;
    t->nonce = entry->nonce;
    enum status status = account_ask_fees(t, &unbounded, diag);
    explicit_bzero(unbounded.key, sizeof unbounded.key);
    if (status != STATUS_OK)
        return status;
    uint64_t least_fee = before->fee + before->fee / 8 + 1,
             least_tip = before->priority_fee + before->priority_fee / 8 + 1;
    t->fee = t->fee > least_fee ? t->fee : least_fee;
    if (!t->is_legacy)
        t->priority_fee = t->priority_fee > least_tip ? t->priority_fee : least_tip;
    t->fee = t->fee > t->priority_fee ? t->fee : t->priority_fee;
    if (account->most_fee != 0 && t->fee > account->most_fee)
        return STATUS_OK; /* it waits */
    status = make_attempt(&dearer, t, account, diag);
    if (status == STATUS_OK)
        status = journal_add_attempt(account->journal, entry->id, &dearer, diag);
    if (status == STATUS_OK)
        hand_over(account, &dearer, reason);
    buffer_release(&dearer.raw);
    return status;
}

/* ---- receipts ------------------------------------------------------------------------------- */

/* Whether the receipt's block is in the chain with enough blocks on it. */
static enum status is_settled(bool *settled, struct account *account,
                              const struct journal_entry *entry, struct diag *diag)
{
    uint64_t head;
    char params[40];
    cJSON *block;
    *settled = false;
    enum status status =
        endpoints_agree_quantity(&head, account->nodes, "eth_blockNumber", "[]", diag);
    if (status != STATUS_OK || head < entry->block_number ||
        head - entry->block_number < account->confirmations)
        return status;
    snprintf(params, sizeof params, "[\"0x%" PRIx64 "\",false]", entry->block_number);
    status = endpoints_agree(&block, account->nodes, "eth_getBlockByNumber", params, diag);
    if (status != STATUS_OK)
        return status;
    *settled = strcasecmp(endpoints_text(block, "hash"), entry->block) == 0;
    cJSON_Delete(block);
    return STATUS_OK;
}

/* Looks for the receipt of any attempt; *settled when one counts, and the entry is filled. */
static enum status look(bool *settled, struct account *account, struct journal_entry *entry,
                        struct diag *diag)
{
    bool found = true;
    enum status status = STATUS_OK;
    *settled = false;
    for (unsigned n = 0; status == STATUS_OK && !*settled; n++) {
        struct journal_attempt attempt;
        cJSON *receipt = NULL;
        status = journal_attempt(&found, &attempt, account->journal, entry->id, n, diag);
        if (status != STATUS_OK || !found)
            break;
        buffer_release(&attempt.raw);
        status = endpoints_receipt(&receipt, account->nodes, attempt.hash, diag);
        if (status == STATUS_OK && receipt != NULL) {
            const char *done = endpoints_text(receipt, "status");
            bool good =
                rpc_parse_quantity(&entry->gas, endpoints_text(receipt, "gasUsed")) &&
                rpc_parse_quantity(&entry->block_number, endpoints_text(receipt, "blockNumber")) &&
                (strcmp(done, "0x1") == 0 || strcmp(done, "0x0") == 0);
            snprintf(entry->hash, sizeof entry->hash, "%s", attempt.hash);
            snprintf(entry->block, sizeof entry->block, "%s", endpoints_text(receipt, "blockHash"));
            entry->state = strcmp(done, "0x1") == 0 ? JOURNAL_MINED : JOURNAL_REVERTED;
            status =
                good ? is_settled(settled, account, entry, diag)
                     : diag_set(diag, STATUS_IO, "the receipt of %s makes no sense", attempt.hash);
        }
        cJSON_Delete(receipt);
    }
    if (!*settled)
        entry->state = JOURNAL_OPEN;
    return status;
}

/* Whether the nonce was used and none of the attempts has a receipt, for so long that no node just
 * counts before it finds: what is lost is made once more. *since is when that was seen first; 0: it
 * is not so. */
static enum status is_lost(bool *lost, struct account *account, const struct journal_entry *entry,
                           double *since, struct diag *diag)
{
    uint64_t count;
    *lost = false;
    /* There is a receipt, which waits for blocks: a nonce that was counted before it was found is
     * no reason to look on when time is up. */
    if (entry->block[0] != '\0') {
        *since = 0;
        return STATUS_OK;
    }
    enum status status = count_mined(&count, account, diag);
    if (status != STATUS_OK)
        return status;
    double now = machine_seconds();
    *since = count <= entry->nonce ? 0 : *since == 0 ? now : *since;
    *lost = *since != 0 && now - *since > LOST_SECONDS;
    return STATUS_OK;
}

static enum status report(struct account_result *result, const struct journal_entry *entry,
                          const char *name, struct diag *diag)
{
    result->gas = entry->gas;
    result->block_number = entry->block_number;
    result->nonce = entry->nonce;
    memcpy(result->hash, entry->hash, sizeof result->hash);
    if (entry->state == JOURNAL_REVERTED)
        return diag_set(diag, STATUS_REJECTED, "the transaction %s (%s) was mined and failed",
                        entry->hash, name);
    if (entry->state == JOURNAL_LOST)
        return diag_set(diag, STATUS_REJECTED,
                        "the transaction '%s' cannot be mined any more: its nonce %" PRIu64
                        " went to one that is not in the journal; does another program use the "
                        "account?",
                        name, entry->nonce);
    return STATUS_OK;
}

/* Waits until the entry is settled; t, when there is one, for dearer attempts. */
static enum status await(bool *is_pending, struct account *account, struct journal_entry *entry,
                         const char *name, struct transaction *t, struct diag *reason,
                         struct diag *diag)
{
    double start = machine_seconds(), attempted = start, suspected = 0;
    unsigned wait = FIRST_WAIT_US;
    for (;;) {
        bool settled, lost = false;
        entry->block[0] = '\0';
        enum status status = look(&settled, account, entry, diag);
        if (status == STATUS_OK && !settled)
            status = is_lost(&lost, account, entry, &suspected, diag);
        if (status != STATUS_OK)
            return status;
        if (lost)
            entry->state = JOURNAL_LOST;
        if (settled || lost)
            return journal_settle(account->journal, entry, diag);
        double now = machine_seconds();
        /* Whether the nonce is lost takes some looks to say. */
        *is_pending = now - start >= account->seconds && suspected == 0;
        if (*is_pending)
            return diag_set(diag, STATUS_IO,
                            "'%s' was not mined in %u seconds%s%s; it is in the journal, try again",
                            name, account->seconds, reason->text[0] == '\0' ? "" : ": ",
                            reason->text);
        if (now - attempted >= account->replace_seconds && entry->block[0] == '\0') {
            struct journal_attempt last;
            bool found;
            status = journal_attempt(&found, &last, account->journal, entry->id, 0, diag);
            if (status == STATUS_OK && found && t != NULL)
                status = replace(account, entry, t, &last, reason, diag);
            else if (status == STATUS_OK && found)
                hand_over(account, &last, reason);
            buffer_release(&last.raw);
            if (status != STATUS_OK)
                return status;
            attempted = now;
        }
        usleep(wait);
        wait = wait * 2 > MOST_WAIT_US ? MOST_WAIT_US : wait * 2;
    }
}

/* ---- sending -------------------------------------------------------------------------------- */

/* Replaces an attempt that no block takes any more, because gas has become dearer than it pays. */
static enum status replace_stuck(struct account *account, const struct journal_entry *entry,
                                 struct transaction *t, const struct journal_attempt *attempt,
                                 struct diag *reason, struct diag *diag)
{
    struct transaction now = *t;
    struct account unbounded = *account;
    unbounded.most_fee = 0;
    enum status status = account_ask_fees(&now, &unbounded, diag);
    explicit_bzero(unbounded.key, sizeof unbounded.key);
    /* Of a base fee ask_fees gives the double. */
    uint64_t base = now.is_legacy ? now.fee : (now.fee - now.priority_fee) / 2;
    if (status != STATUS_OK || base <= attempt->fee)
        return status;
    return replace(account, entry, t, attempt, reason, diag);
}

/* Gives the newest attempt to the nodes and waits. Without t what was written down earlier tells
 * what a dearer attempt is made of. */
static enum status go_on(bool *is_pending, struct account *account, struct journal_entry *entry,
                         const char *name, struct transaction *t, struct diag *diag)
{
    struct journal_attempt attempt;
    struct transaction written;
    struct buffer data = {0};
    struct diag reason = {0};
    bool found;
    enum status status = journal_attempt(&found, &attempt, account->journal, entry->id, 0, diag);
    if (status == STATUS_OK && !found)
        status =
            diag_set(diag, STATUS_IO, "the journal has an entry '%s' without a transaction", name);
    if (status == STATUS_OK)
        hand_over(account, &attempt, &reason);
    if (status == STATUS_OK && t == NULL) {
        if (!transaction_parse(&written, &data, &attempt.raw))
            status = diag_set(diag, STATUS_IO,
                              "the journal has an entry '%s' that is no "
                              "transaction",
                              name);
        else
            status = replace_stuck(account, entry, &written, &attempt, &reason, diag);
        t = &written;
    }
    buffer_release(&attempt.raw);
    if (status == STATUS_OK)
        status = await(is_pending, account, entry, name, t, &reason, diag);
    buffer_release(&data);
    return status;
}

enum status account_send(struct account_result *result, struct account *account, const char *name,
                         const uint8_t to[20], const struct buffer *data, uint64_t gas_limit,
                         struct diag *diag)
{
    struct transaction t = {.chain_id = account->id.chain_id, .data = data, .gas = gas_limit};
    struct journal_entry entry = {0};
    memcpy(t.to, to, sizeof t.to);
    *result = (struct account_result){0};
    enum status status = remind(account, diag);
    if (status == STATUS_OK)
        status =
            journal_find(&result->was_known, &entry, account->journal, &account->id, name, diag);
    if (status != STATUS_OK)
        return status;
    if (result->was_known && entry.state != JOURNAL_OPEN)
        return report(result, &entry, name, diag);
    if (!result->was_known) {
        if (gas_limit == 0)
            status = ask_gas(&t, account, diag);
        if (status == STATUS_OK)
            status = account_ask_fees(&t, account, diag);
        if (status == STATUS_OK)
            status = account_check_funds(&t, account, diag);
        if (status == STATUS_OK)
            status = write_down(&entry, account, name, &t, diag);
    }
    /* Of what was written earlier the call may be another by now: it stays what it was. */
    if (status == STATUS_OK)
        status =
            go_on(&result->is_pending, account, &entry, name, result->was_known ? NULL : &t, diag);
    return status == STATUS_OK ? report(result, &entry, name, diag) : status;
}

enum status account_resume(size_t *settled, struct account *account, struct diag *diag)
{
    char name[JOURNAL_NAME_BYTES];
    int64_t nonce = -1;
    *settled = 0;
    enum status status = remind(account, diag);
    while (status == STATUS_OK) {
        bool found, there, is_pending = false;
        struct journal_entry entry;
        status =
            journal_next_open(&found, name, &nonce, account->journal, &account->id, nonce, diag);
        if (status != STATUS_OK || !found)
            return status;
        status = journal_find(&there, &entry, account->journal, &account->id, name, diag);
        if (status == STATUS_OK && there && entry.state == JOURNAL_OPEN) {
            status = go_on(&is_pending, account, &entry, name, NULL, diag);
            *settled += status == STATUS_OK;
        }
    }
    return status;
}

enum status account_settle_mined(struct account *account, struct diag *diag)
{
    char name[JOURNAL_NAME_BYTES];
    uint64_t count = 0;
    int64_t nonce = -1;
    bool found, there, settled = false;
    enum status status =
        journal_next_open(&found, name, &nonce, account->journal, &account->id, nonce, diag);
    if (status == STATUS_OK && found)
        status = count_mined(&count, account, diag);
    while (status == STATUS_OK && found && (uint64_t)nonce < count) {
        struct journal_entry entry = {0};
        status = journal_find(&there, &entry, account->journal, &account->id, name, diag);
        if (status == STATUS_OK && there)
            status = look(&settled, account, &entry, diag);
        if (status == STATUS_OK && there && settled)
            status = journal_settle(account->journal, &entry, diag);
        if (status == STATUS_OK)
            status = journal_next_open(&found, name, &nonce, account->journal, &account->id, nonce,
                                       diag);
    }
    return status;
}
