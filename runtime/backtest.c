/* See backtest.h. */
#include "runtime/backtest_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/field/system_random.h"
#include "backend/hash/keccak.h"
#include "runtime/hidden_input.h"
#include "runtime/values.h"

enum { HASH = 32 };

/* ---- the scored output ---------------------------------------------------------------------- */

static const struct port *find_port(size_t *element, const struct model *model, const char *text,
                                    struct diag *diag)
{
    const struct interface *interface = &model->interface;
    const char *colon = text == NULL ? NULL : strrchr(text, ':');
    char *end = NULL;
    size_t length = text == NULL ? 0 : strlen(text);
    *element = 0;
    if (colon != NULL && colon[1] >= '0' && colon[1] <= '9') {
        *element = (size_t)strtoull(colon + 1, &end, 10);
        if (*end == '\0')
            length = (size_t)(colon - text);
        else
            *element = 0;
    }
    for (size_t i = 0; i < interface->output_count; i++) {
        const char *name = interface->outputs[i].name;
        if (text == NULL || (strlen(name) == length && strncmp(name, text, length) == 0))
            return &interface->outputs[i];
    }
    (void)diag_set(diag, STATUS_BAD_INPUT, "'%s' has no output '%.*s'", model->folder, (int)length,
                   text == NULL ? "" : text);
    return NULL;
}

/* What 1 in the words is in the units of the output. */
static double unit_of(const struct relation_tensor *tensor)
{
    if (tensor->encoding == ENCODING_INTEGER)
        return 1;
    if (tensor->encoding != ENCODING_FIXED)
        return 0;
    return ldexp((double)tensor->scale.numerator / (double)tensor->scale.denominator,
                 tensor->scale.exponent);
}

enum status backtest_find_slot(struct backtest *test, struct diag *diag)
{
    const struct model *model = test->model;
    const struct circuit *circuit = &model->circuit;
    const struct relation_tensor *tensor = &model->program.tensors[test->port->tensor];
    if (test->port->visibility != PORT_PUBLIC)
        return diag_set(diag, STATUS_UNSUPPORTED,
                        "the output '%s' of '%s' is not public: nobody sees whether it is right",
                        test->port->name, model->folder);
    if (test->element >= tensor->count)
        return diag_set(diag, STATUS_BAD_INPUT, "the output '%s' has %zu elements, none number %zu",
                        test->port->name, tensor->count, test->element);
    for (size_t i = 0; i < circuit->public_part_count; i++) {
        const struct public_part *part = &circuit->public_parts[i];
        if (part->tensor != test->port->tensor || part->element != test->element)
            continue;
        if (part->bits > BACKTEST_MOST_BITS)
            return diag_set(diag, STATUS_UNSUPPORTED,
                            "the output '%s' takes %u bits, and at most %d are scored",
                            test->port->name, part->bits, BACKTEST_MOST_BITS);
        test->word = part->word;
        test->shift = part->shift;
        test->bits = part->bits;
        test->unit = unit_of(tensor);
        return workload_layout(&test->layout, model, diag);
    }
    return diag_set(diag, STATUS_UNSUPPORTED, "the output '%s' is in no public word",
                    test->port->name);
}

/* The integer that stands for the least number in the words. */
static wide low_of(const struct backtest *test)
{
    const struct circuit *circuit = &test->model->circuit;
    for (size_t i = 0; i < circuit->public_part_count; i++) {
        const struct public_part *part = &circuit->public_parts[i];
        if (part->tensor == test->port->tensor && part->element == test->element)
            return circuit->constants[part->low];
    }
    ASSERT(!"backtest_find_slot found it");
    return wide_from_i64(0);
}

static enum status take_tolerance(struct backtest *test, double tolerance, struct diag *diag)
{
    double units = test->unit == 0 ? tolerance : floor(tolerance / test->unit);
    if (!(tolerance >= 0) || units > 0x1p100)
        return diag_set(diag, STATUS_BAD_INPUT, "a tolerance is a number from 0 on, not %g",
                        tolerance);
    if (test->unit == 0 && tolerance > 0)
        return diag_set(diag, STATUS_UNSUPPORTED,
                        "the output '%s' is compared bit by bit: its tolerance can only be 0",
                        test->port->name);
    test->tolerance = (amount)units;
    return STATUS_OK;
}

/* ---- labels --------------------------------------------------------------------------------- */

static enum status bad_label(const struct backtest *test, size_t row, const char *what,
                             struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "the label of row %zu of output '%s' %s", row,
                    test->port->name, what);
}

/* A label as the port's type has it: a number, or an index of its table of texts. */
static bool label_value(double *real, int64_t *integer, const struct port *port, const cJSON *label)
{
    const struct tensor *table = port->text_table;
    char *end = NULL;
    if (table != NULL && table->type == ELEMENT_STRING) {
        for (size_t i = 0; cJSON_IsString(label) && i < table->count; i++) {
            if (strcmp(table->data.text[i], label->valuestring) == 0) {
                *integer = (int64_t)i;
                *real = (double)i;
                return true;
            }
        }
        return false;
    }
    if (cJSON_IsBool(label)) {
        *integer = cJSON_IsTrue(label);
        *real = (double)*integer;
        return port->type == ELEMENT_BOOL;
    }
    if (cJSON_IsString(label)) {
        *real = strtod(label->valuestring, &end);
        if (end == label->valuestring || *end != '\0')
            return false;
        *integer = strtoll(label->valuestring, &end, 10);
        return element_type_is_float(port->type) || *end == '\0';
    }
    if (!cJSON_IsNumber(label))
        return false;
    *real = label->valuedouble;
    *integer = fabs(*real) <= 0x1p53 ? (int64_t)*real : 0;
    return element_type_is_float(port->type) || (double)*integer == *real;
}

/* The one text of a label. */
static char *label_text(const struct port *port, const cJSON *label, double real, int64_t integer)
{
    struct buffer text = {0};
    if (port->text_table != NULL && port->text_table->type == ELEMENT_STRING)
        buffer_put_json(&text, label->valuestring);
    else if (element_type_is_float(port->type))
        buffer_put_json_double(&text, real);
    else
        buffer_put_json_i64(&text, integer);
    size_t count;
    return (char *)buffer_take(&text, &count); /* a zero follows */
}

enum status backtest_take_label(struct backtest *test, size_t row, const cJSON *label,
                                struct diag *diag)
{
    const struct relation_tensor *tensor = &test->model->program.tensors[test->port->tensor];
    struct backtest_row *r = &test->row[row];
    double real = 0;
    int64_t integer = 0;
    wide value;
    __int128 number;
    if (!label_value(&real, &integer, test->port, label))
        return bad_label(test, row, "is not of its type", diag);
    /* Above 64 bits a number of the words does not fit in i128 with its sign. */
    if (!port_encode(&value, tensor, test->port->type, real, integer) ||
        !wide_sub(&value, value, low_of(test)) || wide_is_negative(value) ||
        wide_bit_length(value) > test->bits)
        return bad_label(test, row, "is none that the model can answer", diag);
    if (wide_bit_length(value) > 126 || !wide_to_i128(&number, value))
        return bad_label(test, row, "takes more than 126 bits", diag);
    r->label = (amount)number;
    free(r->label_json);
    r->label_json = label_text(test->port, label, real, integer);
    return r->label_json != NULL ? STATUS_OK
                                 : diag_set(diag, STATUS_NO_MEMORY, "no memory for labels");
}

/* Lines of numbers or texts as a JSON list. */
static cJSON *list_of_lines(const char *text, size_t count)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t at = 0; at < count && list != NULL;) {
        size_t length = 0;
        while (at + length < count && text[at + length] != '\n')
            length++;
        size_t kept = length > 0 && text[at + length - 1] == '\r' ? length - 1 : length;
        char *line = strndup(text + at, kept), *end;
        if (line != NULL && kept > 0) {
            double number = strtod(line, &end);
            cJSON_AddItemToArray(list, *end == '\0' ? cJSON_CreateNumber(number)
                                                    : cJSON_CreateString(line));
        }
        free(line);
        at += length + 1;
    }
    return list;
}

static enum status take_labels(struct backtest *test, const void *labels, size_t bytes,
                               struct diag *diag)
{
    const char *text = labels;
    size_t blank = 0;
    while (blank < bytes && strchr(" \t\r\n", text[blank]) != NULL)
        blank++;
    cJSON *list = blank < bytes && text[blank] == '[' ? cJSON_ParseWithLength(text, bytes)
                                                      : list_of_lines(text, bytes);
    enum status status = STATUS_OK;
    size_t count = (size_t)cJSON_GetArraySize(list), row = 0;
    const cJSON *label;
    if (!cJSON_IsArray(list))
        status = diag_set(diag, STATUS_BAD_INPUT, "the labels are no JSON list, and no lines");
    else if (count != test->count)
        status = diag_set(diag, STATUS_BAD_INPUT, "there are %zu labels for %zu data sets", count,
                          test->count);
    cJSON_ArrayForEach(label, list)
    {
        if (status == STATUS_OK)
            status = backtest_take_label(test, row++, label, diag);
    }
    cJSON_Delete(list);
    return status;
}

/* ---- the tree ------------------------------------------------------------------------------- */

static void put_amount(uint8_t word[ABI_WORD], amount value)
{
    memset(word, 0, ABI_WORD);
    for (unsigned i = 0; i < 16; i++)
        word[ABI_WORD - 1 - i] = (uint8_t)(value >> (8 * i));
}

static void hash_leaf(struct backtest_row *row, size_t index)
{
    uint8_t words[3 * ABI_WORD], digest[HASH];
    put_amount(words, index);
    memcpy(words + ABI_WORD, row->commitment, HASH);
    put_amount(words + (size_t)2 * ABI_WORD, row->label);
    keccak256(digest, words, sizeof words);
    keccak256(row->leaf, digest, HASH);
}

static void hash_pair(uint8_t out[HASH], const uint8_t *a, const uint8_t *b)
{
    uint8_t pair[2 * HASH];
    memcpy(pair, a, HASH);
    memcpy(pair + HASH, b, HASH);
    keccak256(out, pair, sizeof pair);
}

/* Goes up level by level; the last one of an odd level goes up as it is. Puts the siblings on the
 * way from `place` into path, when there is one. False without memory. */
static bool climb(uint8_t root[HASH], struct buffer *path, const struct backtest *test,
                  size_t place)
{
    size_t width = test->count;
    uint8_t *level = malloc(width * HASH);
    if (level == NULL)
        return false;
    for (size_t i = 0; i < width; i++)
        memcpy(level + i * HASH, test->row[i].leaf, HASH);
    while (width > 1) {
        size_t sibling = place ^ 1, above = 0;
        if (path != NULL && sibling < width)
            buffer_put(path, level + sibling * HASH, HASH);
        for (size_t i = 0; i < width; i += 2, above++) {
            if (i + 1 < width)
                hash_pair(level + above * HASH, level + i * HASH, level + (i + 1) * HASH);
            else
                memmove(level + above * HASH, level + i * HASH, HASH);
        }
        width = above;
        place /= 2;
    }
    memcpy(root, level, HASH);
    free(level);
    return true;
}

void backtest_path(struct buffer *out, const struct backtest *test, size_t row)
{
    uint8_t root[HASH];
    if (!climb(root, out, test, row))
        out->failed = true;
}

void backtest_context(uint8_t context[PROOF_CONTEXT_BYTES], const struct backtest *test, size_t row)
{
    static const char domain[] = "sertn.context.v1", own[] = "sertn.vetting.v1";
    const struct backtest_binding *b = &test->binding;
    uint8_t words[5 * ABI_WORD] = {0};
    if (b->number == 0) {
        keccak256(words, own, sizeof own - 1);
        memcpy(words + ABI_WORD, test->root, HASH);
        put_amount(words + (size_t)2 * ABI_WORD, row);
        keccak256(context, words, (size_t)3 * ABI_WORD);
        return;
    }
    keccak256(words, domain, sizeof domain - 1);
    put_amount(words + ABI_WORD, b->chain_id);
    memcpy(words + 3 * ABI_WORD - ABI_ADDRESS, b->contract, ABI_ADDRESS);
    put_amount(words + (size_t)3 * ABI_WORD, (amount)b->number << 64 | row);
    memcpy(words + 5 * ABI_WORD - ABI_ADDRESS, b->publisher, ABI_ADDRESS);
    keccak256(context, words, sizeof words);
}

/* ---- planning and proving ------------------------------------------------------------------- */

enum status backtest_make_rows(struct backtest *test, size_t count, struct diag *diag)
{
    if (count == 0 || count > BACKTEST_MOST_ROWS)
        return diag_set(diag, STATUS_BAD_INPUT, "a backtest has from 1 to %d rows, not %zu",
                        BACKTEST_MOST_ROWS, count);
    test->row = calloc(count, sizeof *test->row);
    test->count = test->row == NULL ? 0 : count;
    return test->row != NULL ? STATUS_OK
                             : diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu rows", count);
}

static enum status make_root(struct backtest *test, struct diag *diag)
{
    for (size_t i = 0; i < test->count; i++)
        hash_leaf(&test->row[i], i);
    return climb(test->root, NULL, test, 0)
               ? STATUS_OK
               : diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu rows", test->count);
}

/* The salts of a row's hashed inputs. */
static enum status make_salts(struct backtest *test, size_t row, const struct tensor *const *inputs,
                              const uint8_t *key, struct diag *diag)
{
    size_t count = hidden_input_count(test->model);
    uint8_t random[HASH];
    char name[40], *input = NULL;
    if (count == 0)
        return STATUS_OK;
    enum status status = workload_print(&input, test->model, inputs, diag);
    test->row[row].salts = calloc(count, sizeof *test->row[row].salts);
    if (status == STATUS_OK && test->row[row].salts == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for salts");
    if (status == STATUS_OK && key == NULL && !system_random_fill(random, sizeof random))
        status = diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
    /* Rows with the same input have other salts: nobody sees that they repeat. */
    snprintf(name, sizeof name, "row %zu of a backtest", row);
    if (status == STATUS_OK)
        hidden_input_salts(test->row[row].salts, test->model, key == NULL ? random : key, name,
                           input, strlen(input));
    explicit_bzero(random, sizeof random);
    free(input);
    return status;
}

enum status backtest_plan(struct backtest *test, const struct model *model,
                          const struct value_sets *sets, const void *labels, size_t label_bytes,
                          const struct backtest_options *options, struct diag *diag)
{
    memset(test, 0, sizeof *test);
    test->model = model;
    test->from = options->from;
    test->to = options->to;
    test->port = find_port(&test->element, model, options->output, diag);
    enum status status = test->port == NULL ? STATUS_BAD_INPUT : backtest_find_slot(test, diag);
    if (status == STATUS_OK)
        status = take_tolerance(test, options->tolerance, diag);
    if (status == STATUS_OK)
        status = backtest_make_rows(test, sets->count, diag);
    if (status == STATUS_OK)
        status = take_labels(test, labels, label_bytes, diag);
    for (size_t i = 0; i < test->count && status == STATUS_OK; i++) {
        const struct tensor *const *inputs = (const struct tensor *const *)sets->set[i].tensor;
        struct workload_layout layout;
        status = make_salts(test, i, inputs, options->key, diag);
        if (status == STATUS_OK)
            status = workload_commit_inputs(test->row[i].commitment, &layout, model, inputs,
                                            (const uint8_t(*)[HASH])test->row[i].salts, diag);
        if (status != STATUS_OK)
            status = diag_prefix(diag, status, "%s", sets->set[i].name);
    }
    return status == STATUS_OK ? make_root(test, diag) : status;
}

void backtest_release(struct backtest *test)
{
    for (size_t i = 0; i < test->count; i++) {
        free(test->row[i].label_json);
        free(test->row[i].salts);
        proof_release(&test->row[i].proof);
    }
    free(test->row);
    memset(test, 0, sizeof *test);
}

enum status backtest_prove(struct backtest *test, size_t row, struct prover *prover,
                           const struct tensor *const *inputs,
                           const struct plonk_progress *progress, struct diag *diag)
{
    struct backtest_row *r = &test->row[row];
    uint8_t context[PROOF_CONTEXT_BYTES], commitment[HASH];
    backtest_context(context, test, row);
    prover->session.salts = (const uint8_t(*)[HASH])r->salts;
    enum status status = prover_prove(&r->proof, prover, inputs, context, progress, diag);
    prover->session.salts = NULL;
    if (status == STATUS_OK &&
        (!workload_commit(commitment, &test->layout, r->proof.words, r->proof.word_count) ||
         memcmp(commitment, r->commitment, HASH) != 0))
        status = diag_set(diag, STATUS_REJECTED,
                          "row %zu was planned with other inputs than it is proved with", row);
    return status;
}

/* ---- scoring -------------------------------------------------------------------------------- */

/* The scored number among the public words. */
static amount answer_of(const struct backtest *test, const struct proof *proof)
{
    wide word = wide_from_bytes_be(proof->words + (size_t)ABI_WORD * test->word), part, above;
    uint8_t bytes[ABI_WORD];
    amount answer = 0;
    wide_divide_floor(&above, &part, wide_shift_right(word, test->shift),
                      wide_power_of_two(test->bits));
    wide_to_bytes_be(bytes, part);
    for (unsigned i = 16; i < ABI_WORD; i++)
        answer = answer << 8 | bytes[i];
    return answer;
}

void backtest_score(struct backtest *test)
{
    struct backtest_result *result = &test->result;
    wide total = wide_from_i64(0);
    *result = (struct backtest_result){.rows = (uint32_t)test->count};
    for (size_t i = 0; i < test->count; i++) {
        const struct backtest_row *row = &test->row[i];
        amount answer = answer_of(test, &row->proof),
               distance = answer > row->label ? answer - row->label : row->label - answer;
        uint8_t bytes[ABI_WORD];
        put_amount(bytes, distance);
        bool fits = wide_add(&total, total, wide_from_bytes_be(bytes)); /* 148 bits at most */
        ASSERT(fits);
        result->hits += distance <= test->tolerance;
    }
    wide_to_bytes_be(result->total_error, total);
    result->mean_error =
        test->unit == 0 ? NAN : wide_to_double(total) * test->unit / (double)test->count;
}

/* ---- verifying ------------------------------------------------------------------------------ */

static enum status verify_row(struct backtest *test, size_t i, const struct srs_verifier *srs,
                              struct diag *diag)
{
    struct backtest_row *row = &test->row[i];
    cJSON *values = NULL;
    backtest_context(row->proof.context, test, i);
    enum status status =
        proof_verify(&values, &row->proof, test->model, row->proof.context, srs, diag);
    cJSON_Delete(values);
    if (status != STATUS_OK)
        return diag_prefix(diag, status, "row %zu", i);
    return workload_commit(row->commitment, &test->layout, row->proof.words, row->proof.word_count)
               ? STATUS_OK
               : diag_set(diag, STATUS_REJECTED, "row %zu has no inputs", i);
}

enum status backtest_verify(struct backtest *test, const struct srs_verifier *srs,
                            struct diag *diag)
{
    uint8_t claimed[HASH];
    struct backtest_result result = test->result;
    enum status status = STATUS_OK;
    memcpy(claimed, test->root, HASH);
    for (size_t i = 0; i < test->count && status == STATUS_OK; i++)
        status = verify_row(test, i, srs, diag);
    if (status == STATUS_OK)
        status = make_root(test, diag);
    if (status == STATUS_OK && memcmp(claimed, test->root, HASH) != 0)
        status =
            diag_set(diag, STATUS_REJECTED,
                     "the rows are not those of the root: inputs, labels or their order differ");
    if (status != STATUS_OK)
        return status;
    backtest_score(test);
    if (result.rows != test->result.rows || result.hits != test->result.hits ||
        memcmp(result.total_error, test->result.total_error, ABI_WORD) != 0)
        return diag_set(diag, STATUS_REJECTED,
                        "the result is not what the rows give: %u of %u are within the tolerance",
                        test->result.hits, test->result.rows);
    return STATUS_OK;
}
