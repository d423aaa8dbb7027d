/* The files of backtests: backtest.json, and the data that an address on a chain names. See
 * backtest.h. */
#include "runtime/backtest_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/metadata.h"

enum { VERSION = 1, HASH = 32 };

/* ---- writing -------------------------------------------------------------------------------- */

/* The input of a row, or what is shown of a hidden one. */
static enum status print_input(struct buffer *out, const struct backtest *test,
                               const struct value_sets *sets, size_t row, struct diag *diag)
{
    char *input;
    if (hidden_input_count(test->model) > 0) {
        buffer_puts(out, "{\"commitment\":\"0x");
        buffer_put_hex(out, test->row[row].commitment, HASH);
        buffer_puts(out, "\"");
        return STATUS_OK;
    }
    enum status status = workload_print(&input, test->model,
                                        (const struct tensor *const *)sets->set[row].tensor, diag);
    buffer_puts(out, "{\"input\":");
    buffer_puts(out, status == STATUS_OK ? input : "");
    free(input);
    return status;
}

enum status backtest_print_data(struct buffer *out, const struct backtest *test,
                                const struct value_sets *sets, struct diag *diag)
{
    enum status status = STATUS_OK;
    buffer_printf(out, "{\"version\":%d,\"rows\":[", VERSION);
    for (size_t i = 0; i < test->count && status == STATUS_OK; i++) {
        buffer_puts(out, i == 0 ? "\n" : ",\n");
        status = print_input(out, test, sets, i, diag);
        buffer_puts(out, ",\"label\":");
        buffer_puts(out, test->row[i].label_json);
        buffer_puts(out, "}");
    }
    buffer_puts(out, "]}\n");
    return status == STATUS_OK ? buffer_status(out, diag) : status;
}

static void put_hex(struct buffer *out, const char *name, const uint8_t *bytes, size_t count)
{
    buffer_printf(out, ",\"%s\":\"0x", name);
    buffer_put_hex(out, bytes, count);
    buffer_puts(out, "\"");
}

static void model_hash(uint8_t hash[HASH], const struct model *model)
{
    cJSON *metadata = cJSON_CreateObject();
    struct buffer bytes = {0};
    memset(hash, 0, HASH);
    if (metadata != NULL && metadata_add_key(metadata, model) &&
        abi_parse_hex(&bytes, endpoints_text(metadata, "model_hash")) && bytes.count == HASH)
        memcpy(hash, bytes.data, HASH);
    buffer_release(&bytes);
    cJSON_Delete(metadata);
}

enum status backtest_print(struct buffer *out, const struct backtest *test, struct diag *diag)
{
    char tolerance[AMOUNT_TEXT];
    uint8_t hash[HASH];
    const struct backtest_binding *b = &test->binding;
    amount_format(tolerance, test->tolerance);
    model_hash(hash, test->model);
    buffer_printf(out, "{\"version\":%d", VERSION);
    put_hex(out, "model_hash", hash, HASH);
    put_hex(out, "vk_hash", test->model->key.digest, HASH);
    buffer_printf(out, ",\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"output\":", test->from,
                  test->to);
    buffer_put_json(out, test->port->name);
    buffer_printf(out, ",\"element\":%zu,\"tolerance\":\"%s\"", test->element, tolerance);
    put_hex(out, "root", test->root, HASH);
    buffer_printf(out, ",\"chain_id\":%" PRIu64, b->chain_id);
    put_hex(out, "contract", b->contract, ABI_ADDRESS);
    buffer_printf(out, ",\"backtest\":%" PRIu64, b->number);
    put_hex(out, "publisher", b->publisher, ABI_ADDRESS);
    buffer_puts(out, ",\"rows\":[");
    for (size_t i = 0; i < test->count; i++) {
        const struct proof *proof = &test->row[i].proof;
        buffer_printf(out, "%s\n{\"label\":%s,\"words\":[", i == 0 ? "" : ",",
                      test->row[i].label_json);
        for (size_t w = 0; w < proof->word_count; w++) {
            buffer_puts(out, w == 0 ? "\"0x" : ",\"0x");
            buffer_put_hex(out, proof->words + w * ABI_WORD, ABI_WORD);
            buffer_puts(out, "\"");
        }
        buffer_puts(out, "]");
        put_hex(out, "proof", proof->bytes, proof->byte_count);
        buffer_puts(out, "}");
    }
    buffer_printf(out, "],\"result\":{\"rows\":%u,\"hits\":%u", test->result.rows,
                  test->result.hits);
    put_hex(out, "total_error", test->result.total_error, ABI_WORD);
    buffer_puts(out, "}}\n");
    return buffer_status(out, diag);
}

/* ---- reading -------------------------------------------------------------------------------- */

static enum status malformed(const char *path, const char *what, struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "'%s' is no backtest that can be read: %s", path, what);
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool read_hex(uint8_t *out, size_t count, const cJSON *item)
{
    return cJSON_IsString(item) && proof_parse_hex(out, count, item->valuestring);
}

static bool read_u64(uint64_t *out, const cJSON *object, const char *name)
{
    const cJSON *item = member(object, name);
    bool good = cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= 0x1p53 &&
                item->valuedouble == floor(item->valuedouble);
    *out = good ? (uint64_t)item->valuedouble : 0;
    return good;
}

/* Exactly these members, in any order. */
static bool has_members(const cJSON *object, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (member(object, names[i]) == NULL)
            return false;
    }
    return cJSON_IsObject(object) && cJSON_GetArraySize(object) == count;
}

static enum status read_row(struct backtest *test, size_t i, const cJSON *item, const char *path,
                            struct diag *diag)
{
    static const char *const names[] = {"label", "words", "proof"};
    struct proof *proof = &test->row[i].proof;
    const cJSON *words = member(item, "words"), *word, *bytes = member(item, "proof");
    size_t count = (size_t)cJSON_GetArraySize(words), at = 0;
    if (!has_members(item, names, 3) || !cJSON_IsArray(words) ||
        count != test->model->key.word_count)
        return malformed(path, "a row has not a label, a proof and the words of this model", diag);
    proof->mode = test->model->mode;
    memcpy(proof->vk_digest, test->model->key.digest, HASH);
    proof->byte_count = test->model->key.layout.proof_bytes;
    proof->words = malloc(count * ABI_WORD + 1);
    if (proof->words == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu words", count);
    proof->word_count = count;
    bool good = read_hex(proof->bytes, proof->byte_count, bytes);
    cJSON_ArrayForEach(word, words)
    {
        good = good && read_hex(proof->words + ABI_WORD * at++, ABI_WORD, word);
    }
    if (!good)
        return malformed(path, "a word or a proof has not the length of this model's", diag);
    return backtest_take_label(test, i, member(item, "label"), diag);
}

static enum status read_head(struct backtest *test, const cJSON *root, const char *path,
                             struct diag *diag)
{
    static const char *const names[] = {"version",  "model_hash", "vk_hash",   "from", "to",
                                        "output",   "element",    "tolerance", "root", "chain_id",
                                        "contract", "backtest",   "publisher", "rows", "result"};
    uint8_t hash[HASH], expected[HASH];
    uint64_t version, element;
    const cJSON *output = member(root, "output"), *tolerance = member(root, "tolerance");
    if (!has_members(root, names, sizeof names / sizeof *names) ||
        !read_u64(&version, root, "version") || version != VERSION)
        return malformed(path, "it is not of version 1, or has other members", diag);
    if (!read_hex(hash, HASH, member(root, "vk_hash")) ||
        memcmp(hash, test->model->key.digest, HASH) != 0)
        return diag_set(diag, STATUS_REJECTED, "'%s' is of another model than '%s'", path,
                        test->model->folder);
    model_hash(expected, test->model);
    if (!read_hex(hash, HASH, member(root, "model_hash")) || memcmp(hash, expected, HASH) != 0)
        return diag_set(diag, STATUS_REJECTED,
                        "'%s': model_hash is not what the circuit and its key give", path);
    if (!read_u64(&test->from, root, "from") || !read_u64(&test->to, root, "to") ||
        !read_u64(&element, root, "element") ||
        !read_u64(&test->binding.chain_id, root, "chain_id") ||
        !read_u64(&test->binding.number, root, "backtest") ||
        !read_hex(test->binding.contract, ABI_ADDRESS, member(root, "contract")) ||
        !read_hex(test->binding.publisher, ABI_ADDRESS, member(root, "publisher")) ||
        !read_hex(test->root, HASH, member(root, "root")) || !cJSON_IsString(output) ||
        !cJSON_IsString(tolerance) || !amount_parse(&test->tolerance, tolerance->valuestring))
        return malformed(path, "a number or a hash is none", diag);
    static const struct backtest_binding none;
    if (test->binding.number == 0 &&
        (test->binding.chain_id != 0 ||
         memcmp(test->binding.contract, none.contract, ABI_ADDRESS) != 0 ||
         memcmp(test->binding.publisher, none.publisher, ABI_ADDRESS) != 0))
        return malformed(path, "it names a chain, and no backtest there", diag);
    test->port = NULL;
    for (size_t i = 0; i < test->model->interface.output_count; i++) {
        if (strcmp(test->model->interface.outputs[i].name, output->valuestring) == 0)
            test->port = &test->model->interface.outputs[i];
    }
    if (test->port == NULL)
        return malformed(path, "the model has no such output", diag);
    test->element = (size_t)element;
    return backtest_find_slot(test, diag);
}

static enum status read_result(struct backtest *test, const cJSON *result, const char *path,
                               struct diag *diag)
{
    static const char *const names[] = {"rows", "hits", "total_error"};
    uint64_t rows, hits;
    if (!has_members(result, names, 3) || !read_u64(&rows, result, "rows") ||
        !read_u64(&hits, result, "hits") || rows > UINT32_MAX || hits > UINT32_MAX ||
        !read_hex(test->result.total_error, ABI_WORD, member(result, "total_error")))
        return malformed(path, "it has no result", diag);
    test->result.rows = (uint32_t)rows;
    test->result.hits = (uint32_t)hits;
    return STATUS_OK;
}

enum status backtest_read(struct backtest *test, const struct model *model, const void *text,
                          size_t count, const char *path, struct diag *diag)
{
    memset(test, 0, sizeof *test);
    test->model = model;
    if (!model->has_key)
        return diag_set(diag, STATUS_BAD_INPUT, "'%s' has no verifying key", model->folder);
    cJSON *root = cJSON_ParseWithLength(text, count);
    const cJSON *rows = member(root, "rows"), *item;
    size_t i = 0;
    enum status status = read_head(test, root, path, diag);
    if (status == STATUS_OK && !cJSON_IsArray(rows))
        status = malformed(path, "it has no list of rows", diag);
    if (status == STATUS_OK)
        status = backtest_make_rows(test, (size_t)cJSON_GetArraySize(rows), diag);
    cJSON_ArrayForEach(item, rows)
    {
        if (status == STATUS_OK)
            status = read_row(test, i++, item, path, diag);
    }
    if (status == STATUS_OK)
        status = read_result(test, member(root, "result"), path, diag);
    cJSON_Delete(root);
    return status;
}
