/* See contract.h. */
#include "runtime/contract.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/hash/keccak.h"

/* ---- amounts -------------------------------------------------------------------------------- */

void amount_format(char text[AMOUNT_TEXT], amount value)
{
    char digits[AMOUNT_TEXT];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + (unsigned)(value % 10));
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < count; i++)
        text[i] = digits[count - 1 - i];
    text[count] = '\0';
}

bool amount_parse(amount *out, const char *text)
{
    amount value = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 38 || text[digits] != '\0')
        return false;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    *out = value;
    return value >> 127 == 0;
}

void amount_put(struct buffer *out, amount value)
{
    uint8_t word[ABI_WORD] = {0};
    for (int i = 0; i < 16; i++)
        word[ABI_WORD - 1 - i] = (uint8_t)(value >> (8 * i));
    buffer_put(out, word, sizeof word);
}

amount amount_read(struct abi_reader *reader, size_t base, size_t i)
{
    const uint8_t *word = abi_word(reader, base, i);
    amount value = 0;
    for (int k = 0; k < ABI_WORD; k++) {
        if (k < ABI_WORD - 16 && word[k] != 0)
            reader->failed = true;
        value = value << 8 | word[k];
    }
    return reader->failed ? 0 : value;
}

/* ---- calls ---------------------------------------------------------------------------------- */

void contract_put_hex(struct buffer *out, const uint8_t *bytes, size_t count)
{
    buffer_puts(out, "0x");
    buffer_put_hex(out, bytes, count);
}

void contract_address_text(char text[CONTRACT_ADDRESS_TEXT], const uint8_t address[ABI_ADDRESS])
{
    strcpy(text, "0x");
    for (size_t i = 0; i < ABI_ADDRESS; i++)
        sprintf(text + 2 + 2 * i, "%02x", address[i]);
}

enum status contract_call(struct buffer *answer, struct endpoints *nodes,
                          const uint8_t to[ABI_ADDRESS], const struct buffer *data,
                          struct diag *diag)
{
    struct buffer params = {0};
    cJSON *result = NULL;
    buffer_puts(&params, "[{\"to\":\"");
    contract_put_hex(&params, to, ABI_ADDRESS);
    buffer_puts(&params, "\",\"data\":\"");
    contract_put_hex(&params, data->data, data->count);
    buffer_puts(&params, "\"},\"latest\"]");
    enum status status = buffer_status(&params, diag);
    if (status == STATUS_OK)
        status = endpoints_agree(&result, nodes, "eth_call", buffer_text(&params), diag);
    if (status == STATUS_OK &&
        (!cJSON_IsString(result) || !abi_parse_hex(answer, result->valuestring)))
        status =
            diag_set(diag, STATUS_IO, "the nodes answer eth_call with something that is no data");
    cJSON_Delete(result);
    buffer_release(&params);
    return status == STATUS_OK ? buffer_status(answer, diag) : status;
}

enum status contract_ask(struct buffer *answer, struct endpoints *nodes,
                         const uint8_t to[ABI_ADDRESS], const char *signature, const uint8_t *words,
                         size_t count, struct diag *diag)
{
    struct buffer data = {0};
    abi_put_selector(&data, signature);
    buffer_put(&data, words, count * ABI_WORD);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = contract_call(answer, nodes, to, &data, diag);
    buffer_release(&data);
    return status;
}

enum status contract_ask_word(uint8_t word[ABI_WORD], struct endpoints *nodes,
                              const uint8_t to[ABI_ADDRESS], const char *signature,
                              const char *what, struct diag *diag)
{
    struct buffer answer = {0};
    char text[CONTRACT_ADDRESS_TEXT];
    enum status status = contract_ask(&answer, nodes, to, signature, NULL, 0, diag);
    contract_address_text(text, to);
    if (status == STATUS_REJECTED || (status == STATUS_OK && answer.count != ABI_WORD))
        status = diag_set(diag, STATUS_BAD_INPUT, "there is no %s at %s on chain %" PRIu64, what,
                          text, nodes->chain_id);
    if (status == STATUS_OK)
        memcpy(word, answer.data, ABI_WORD);
    buffer_release(&answer);
    return status;
}

/* ---- refusals ------------------------------------------------------------------------------- */

/* The errors of the contracts that programs meet (contracts/src/interfaces), as people read them.
 */
static const struct {
    const char *signature, *meaning;
} errors[] = {
    {"JobUnknown(uint256)", "there is no such job"},
    {"JobNotOpen(uint256)", "the job is not open any more: paid or refunded"},
    {"DeadlinePassed(uint256)", "the deadline of the job is over"},
    {"DeadlineNotPassed(uint256,uint256)", "the deadline of the job is not over yet"},
    {"Reserved(uint256)", "the job is another node's alone for a while"},
    {"WrongInput(uint256)", "the answer is one to another input"},
    {"RequirementNotMet(uint256)", "the output is not what the requester asked for"},
    {"ProofRejected(uint256)", "the proof does not hold for this job, prover, market and chain"},
    {"ProofRejected()", "the verifier rejects the proof"},
    {"ZeroProver(uint256)", "address zero proves nothing"},
    {"InsufficientBalance(address,uint256,uint256)",
     "the account of the requester in the market holds less than the price; deposit more"},
    {"NothingKept(uint256)", "no payment of this account waits in the job"},
    {"PriceAboveLimit(uint256,uint256)", "the price is above the limit"},
    {"DurationOutOfBounds(uint256,uint256,uint256)",
     "the deadline is not within the bounds of the market"},
    {"CallbackGasTooHigh(uint256,uint256)", "the callback would get more gas than a job may give"},
    {"NotEnoughCallbackGas(uint256,uint256)",
     "the transaction has too little gas for the callback"},
    {"BadRequirement(uint256)", "no output can meet the requirement"},
    {"BadInputLayout()", "the layout of the input words is none"},
    {"BadSignature(address)", "the signature is not the requester's"},
    {"SignatureExpired(uint256)", "the signed request has expired"},
    {"NonceTaken(address,uint256)", "the nonce of the signed request was used or taken back"},
    {"MarketPaused()", "the market is paused; refunds and withdrawals go on"},
    {"ModelNotFound(uint256)", "the registry has no such model"},
    {"ModelIsDeprecated(uint256)", "the model takes no new work"},
    {"NotModelOwner(uint256,address)", "the account does not own the model"},
    {"FeeAboveLimit(uint256,uint256)", "registering costs more than the limit"},
    {"WrongReferenceString(bytes32,bytes32)",
     "the key was made over other powers of tau than the verifier of this chain trusts"},
    {"UriTooLong(uint256,uint256)", "the uri is too long"},
    {"RouteUnknown(bytes4)", "the router knows no verifier for this proof system"},
    {"RouteIsStopped(bytes4)", "the verifier of this proof system was stopped for ever"},
    {"NotNode(address,address)", "only the node or its operator may do this"},
    {"StakeTooLow(address,uint256,uint256)",
     "the stake of the node does not cover what it promises; bond more"},
    {"TooManyUnits(uint64,uint64)", "a node may not promise so many units"},
    {"PoolFull(uint256)", "the pool of the model has no place left"},
    {"NotInPool(uint256,address)", "the node has no place in the pool of the model"},
    {"NothingToAssign(uint256)", "no job of the model waits for a node"},
    {"NoCapacity(uint256,uint256)", "no node has units free for the next job"},
    {"NotAssigned(uint256)", "the job is not assigned"},
    {"TooLateToDecline(uint256)", "a node declines in the first half of its time"},
    {"NotMissed(uint256)", "the node of the job still has time, or has served it"},
    {"NotServed(uint256)", "the node has neither served the job nor an excuse"},
    {"Excused(uint256)",
     "the node could not settle: the market was paused or its verifier stopped"},
    {"BacktestUnknown(uint256)", "there is no such backtest"},
    {"BacktestClosed(uint256)", "the time to prove the backtest is over"},
    {"BadPlan(bytes32)", "the plan of the backtest has something zero, too large or in the future"},
    {"NotInTheData(uint256,uint32)", "the row is not one of those committed to"},
    {"AlreadyProved(uint256,uint32)", "the row was proved already"},
    {"NotANode(address)", "the node has less stake than the pools ask of a node"},
    {"NotNodeOrOperator(address,address)", "only the node or its operator may do this"},
    {"AlreadyEnrolled(address)", "the node waits for its turn already"},
    {"EnrollmentClosed()", "no more nodes enrol"},
    {"NotYourTurn(address)", "it is another node's turn, or nobody's"},
    {"TurnOver(uint256)", "the node's turn is over; it can be skipped"},
    {"TurnNotOver()", "the turn is not over, or it is nobody's"},
    {"WrongPowers()", "the file does not go on from the last contribution, or is of another power"},
    {"BadPoint()", "a point is none of its curve and group"},
    {"KnowledgeNotProved()", "the new powers are not the old ones times a secret that was known"},
    {"NotTheBeacons()", "the new powers are not the old ones times the secret of the beacon"},
    {"NotReady()", "enrolment, somebody's turn or the review of the last contribution goes on, or "
                   "there are too few contributions"},
    {"WrongMoment()", "the beacon was announced or drawn already, or was not yet"},
    {"CeremonyOver()", "the ceremony is over"},
    {"Nothing()", "there is nothing to take"},
    {"NotEnoughGas()", "the verifier was given too little gas"},
    {"ERC20InsufficientBalance(address,uint256,uint256)",
     "the account has fewer tokens than needed"},
    {"ERC20InsufficientAllowance(address,uint256,uint256)",
     "the account has not allowed the transfer of so many tokens"},
};

/* Error(string) carries its own words, of anybody. */
static bool string_text(char text[CONTRACT_ERROR_TEXT], const struct buffer *bytes)
{
    struct abi_reader r = {bytes->data + 4, bytes->count - 4, false};
    size_t count, at;
    const uint8_t *words = abi_bytes(&count, &r, abi_offset(&r, 0, 0));
    if (r.failed)
        return false;
    for (at = 0; at < count && at < CONTRACT_ERROR_TEXT - 1; at++)
        text[at] = (char)(words[at] >= ' ' && words[at] <= '~' ? words[at] : '?');
    text[at] = '\0';
    return true;
}

bool contract_error_text(char text[CONTRACT_ERROR_TEXT], const char *data)
{
    static const uint8_t string_selector[4] = {0x08, 0xc3, 0x79, 0xa0};
    struct buffer bytes = {0};
    bool found = false;
    text[0] = '\0';
    if (abi_parse_hex(&bytes, data) && bytes.count >= 4) {
        found = memcmp(bytes.data, string_selector, 4) == 0 && string_text(text, &bytes);
        for (size_t i = 0; i < sizeof errors / sizeof *errors && !found; i++) {
            uint8_t digest[KECCAK256_BYTES];
            keccak256(digest, errors[i].signature, strlen(errors[i].signature));
            found = memcmp(digest, bytes.data, 4) == 0;
            if (found)
                snprintf(text, CONTRACT_ERROR_TEXT, "%.*s: %s",
                         (int)strcspn(errors[i].signature, "("), errors[i].signature,
                         errors[i].meaning);
        }
        if (!found)
            snprintf(text, CONTRACT_ERROR_TEXT, "an error with the selector 0x%02x%02x%02x%02x",
                     bytes.data[0], bytes.data[1], bytes.data[2], bytes.data[3]);
        found = true;
    }
    buffer_release(&bytes);
    return found;
}
