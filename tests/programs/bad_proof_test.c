/* label: prover libs: sertn_3rd_cjson */
/*
 * Proof files that are not what was proved: every byte of the proof altered, added and removed,
 * words and points out of their canonical form, fields that are missing, doubled, unknown or of
 * another type, values that the words do not say. In this process where every byte has its turn,
 * through sertn-run for one of each kind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/proof.h"
#include "tests/programs/programs_kit.h"

#define MODEL "mlp"

struct fixture {
    const char *folder;
    struct model model;
    struct srs_verifier *srs;
    struct buffer text; /* of proof.json */
    cJSON *root;
};

static const uint8_t context[PROOF_CONTEXT_BYTES];

static void fixture_open(struct fixture *f, const char *mode)
{
    struct diag diag = {0};
    f->folder = test_path(test_temp_dir(), "m.sertn");
    struct test_output out = SERTNC(kit_model(MODEL, "model.onnx"), "-o", f->folder, "--data",
                                    kit_model(MODEL, "test_data_set_0"), "--mode", mode, "--quiet");
    kit_done(&out, "sertnc");
    f->text = kit_read(kit_proved(f->folder, MODEL));
    f->root = cJSON_ParseWithLength((const char *)f->text.data, f->text.count);
    f->srs = calloc(1, sizeof *f->srs);
    REQUIRE(f->root != NULL && f->srs != NULL);
    REQUIRE_OK(model_load(&f->model, f->folder, MODEL_HEAD, &diag), &diag);
    REQUIRE_OK(proof_open_verifier(f->srs, &f->model, NULL, &diag), &diag);
}

static void fixture_close(struct fixture *f)
{
    model_release(&f->model);
    free(f->srs);
    cJSON_Delete(f->root);
    buffer_release(&f->text);
}

/* Reads and verifies a text as sertn-run verify does. */
static enum status verify_text(const struct fixture *f, const char *text, size_t count,
                               struct diag *diag)
{
    struct proof proof;
    cJSON *values = NULL;
    enum status status = proof_parse(&proof, text, count, "p.json", diag);
    if (status != STATUS_OK)
        return status;
    status = proof_verify(&values, &proof, &f->model, context, f->srs, diag);
    CHECK((status == STATUS_OK) == (values != NULL));
    cJSON_Delete(values);
    proof_release(&proof);
    return status;
}

/* The text is refused, with the status and a sentence. */
static void refuse_text(const struct fixture *f, const char *text, size_t count,
                        enum status expected, const char *what)
{
    struct diag diag = {0};
    enum status status = verify_text(f, text, count, &diag);
    CHECK_MSG(status == expected, "%s: %s instead of %s: %s", what, status_name(status),
              status_name(expected), diag.text);
    CHECK_MSG(strlen(diag.text) > 20 && strchr(diag.text, '\n') == NULL, "%s: '%s'", what,
              diag.text);
}

static void refuse_root(const struct fixture *f, enum status expected, const char *what)
{
    char *text = cJSON_PrintUnformatted(f->root);
    refuse_text(f, text, strlen(text), expected, what);
    free(text);
}

/* Through the program: exit status 1 or 2 and one line. */
static void refuse_file(const struct fixture *f, const char *text, enum status expected,
                        const char *what)
{
    const char *path = test_path(test_temp_dir(), "p.json");
    kit_write(path, text, strlen(text));
    struct test_output out = SERTN_RUN("verify", f->folder, path);
    kit_refused(&out, status_exit_code(expected), NULL, what);
}

/* Sets a text field for a while: refused, and accepted again as it was. */
static void refuse_field(struct fixture *f, cJSON *field, const char *value, enum status expected,
                         const char *what)
{
    char *before = strdup(field->valuestring);
    REQUIRE(before != NULL && cJSON_SetValuestring(field, value) != NULL);
    refuse_root(f, expected, what);
    REQUIRE(cJSON_SetValuestring(field, before) != NULL);
    free(before);
}

static cJSON *proof_field(const struct fixture *f)
{
    cJSON *field = cJSON_GetObjectItemCaseSensitive(f->root, "proof");
    REQUIRE(cJSON_IsString(field));
    return field;
}

static cJSON *public_field(const struct fixture *f, const char *name)
{
    cJSON *all = cJSON_GetObjectItemCaseSensitive(f->root, "public");
    cJSON *field = cJSON_GetObjectItemCaseSensitive(all, name);
    REQUIRE(field != NULL);
    return field;
}

/* ---- bytes of the proof ---- */

static void flip_every_byte(const char *mode)
{
    struct fixture f = {0};
    struct diag diag = {0};
    fixture_open(&f, mode);
    CHECK_STATUS(verify_text(&f, buffer_text(&f.text), f.text.count, &diag), STATUS_OK, &diag);
    cJSON *field = proof_field(&f);
    size_t digits = strlen(field->valuestring) - 2;
    char *text = strdup(field->valuestring);
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < digits; i += 2) {
        size_t at = 2 + i + test_random_below(2);
        char was = text[at];
        const char *place = strchr(hex, was);
        REQUIRE(place != NULL);
        text[at] = hex[(size_t)(place - hex) ^ (1 + test_random_below(15))];
        refuse_field(&f, field, text, STATUS_REJECTED, kit_text("%s byte %zu", mode, i / 2));
        text[at] = was;
    }
    CHECK_STATUS(verify_text(&f, buffer_text(&f.text), f.text.count, &diag), STATUS_OK, &diag);
    free(text);
    fixture_close(&f);
}

TEST(every_byte_of_a_gas_proof_counts)
{
    flip_every_byte("gas");
}

TEST(every_byte_of_a_fast_proof_counts)
{
    flip_every_byte("fast");
}

TEST(bytes_added_or_removed_anywhere_are_rejected)
{
    struct fixture f = {0};
    fixture_open(&f, "gas");
    cJSON *field = proof_field(&f);
    const char *whole = field->valuestring;
    size_t digits = strlen(whole) - 2;
    char *text = calloc(digits + 8, 1), *copy = strdup(whole);
    for (size_t i = 0; i <= digits; i += 2) {
        snprintf(text, digits + 8, "%.*s%02x%s", (int)(2 + i), copy,
                 (unsigned)test_random_below(256), copy + 2 + i);
        refuse_field(&f, field, text, STATUS_REJECTED, kit_text("byte added at %zu", i / 2));
        if (i == digits)
            break;
        snprintf(text, digits + 8, "%.*s%s", (int)(2 + i), copy, copy + 4 + i);
        refuse_field(&f, field, text, STATUS_REJECTED, kit_text("byte %zu removed", i / 2));
    }
    for (size_t i = 0; i < digits; i += 64) {
        snprintf(text, digits + 8, "%.*s", (int)(2 + i), copy);
        refuse_field(&f, field, text, STATUS_REJECTED, kit_text("cut at %zu", i / 2));
    }
    free(copy);
    free(text);
    fixture_close(&f);
}

/* ---- canonical form ---- */

/* a + b of two numbers of 32 bytes, big-endian; false when it has more. */
static bool add_bytes(uint8_t out[32], const uint8_t a[32], const uint8_t b[32])
{
    unsigned carry = 0;
    for (int i = 31; i >= 0; i--) {
        unsigned sum = a[i] + b[i] + carry;
        out[i] = (uint8_t)sum;
        carry = sum >> 8;
    }
    return carry == 0;
}

/* The moduli of BN254's scalar and base field (EIP-196). */
static const char scalar_modulus[] =
    "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
static const char base_modulus[] =
    "0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";

/* Replaces word `word` of a hex text by `by`. */
static char *with_word(const char *text, size_t word, const uint8_t by[32])
{
    char *copy = strdup(text), *hex = proof_print_hex(by, 32);
    REQUIRE(copy != NULL && hex != NULL && strlen(text) >= 2 + 64 * (word + 1));
    memcpy(copy + 2 + 64 * word, hex + 2, 64);
    free(hex);
    return copy;
}

static void get_word(uint8_t out[32], const char *text, size_t word)
{
    char one[67] = "0x";
    memcpy(one + 2, text + 2 + 64 * word, 64);
    REQUIRE(proof_parse_hex(out, 32, one));
}

/* x + modulus says the same to whoever reduces: every word of the proof that has room for it. */
TEST(words_of_the_proof_that_are_not_below_the_modulus_are_rejected)
{
    struct fixture f = {0};
    fixture_open(&f, "gas");
    cJSON *field = proof_field(&f);
    uint8_t word[32], modulus[2][32], sum[32];
    REQUIRE(proof_parse_hex(modulus[0], 32, scalar_modulus) &&
            proof_parse_hex(modulus[1], 32, base_modulus));
    size_t words = (strlen(field->valuestring) - 2) / 64, tried = 0;
    CHECK(words * 64 + 2 == strlen(field->valuestring));
    for (size_t i = 0; i < words; i++) {
        for (size_t m = 0; m < 2; m++) {
            get_word(word, field->valuestring, i);
            if (!add_bytes(sum, word, modulus[m]))
                continue;
            char *text = with_word(field->valuestring, i, sum);
            refuse_field(&f, field, text, STATUS_REJECTED,
                         kit_text("word %zu + modulus %zu", i, m));
            free(text);
            tried++;
        }
        memset(sum, 0xff, sizeof sum);
        char *text = with_word(field->valuestring, i, sum);
        refuse_field(&f, field, text, STATUS_REJECTED, kit_text("word %zu of all ones", i));
        free(text);
    }
    CHECK(tried >= 2 * words - 2);
    fixture_close(&f);
}

/* (1, 1), (0, 0), (x, -y), and the coordinates exchanged, in the place of each point. */
TEST(points_that_are_off_the_curve_or_others_are_rejected)
{
    struct fixture f = {0};
    fixture_open(&f, "gas");
    cJSON *field = proof_field(&f);
    static const uint8_t zero[32];
    uint8_t one[32] = {0}, x[32], y[32];
    one[31] = 1;
    size_t words = (strlen(field->valuestring) - 2) / 64;
    /* Phase 0, phase 1 and T are first; W and W' are last, before the hint. */
    const size_t points[] = {0, 2, 4, words - 5, words - 3};
    for (size_t i = 0; i < 5; i++) {
        get_word(x, field->valuestring, points[i]);
        get_word(y, field->valuestring, points[i] + 1);
        const uint8_t *const pairs[][2] = {{one, one}, {zero, zero}, {y, x}, {x, x}, {x, zero}};
        for (size_t k = 0; k < 5; k++) {
            char *first = with_word(field->valuestring, points[i], pairs[k][0]);
            char *text = with_word(first, points[i] + 1, pairs[k][1]);
            refuse_field(&f, field, text, STATUS_REJECTED, kit_text("point %zu, kind %zu", i, k));
            if (i == 0)
                refuse_file(&f, text, STATUS_BAD_INPUT, "hex that is no JSON");
            free(text);
            free(first);
        }
    }
    fixture_close(&f);
}

TEST(public_words_that_are_others_or_not_canonical_are_rejected)
{
    struct fixture f = {0};
    fixture_open(&f, "gas");
    cJSON *words = public_field(&f, "words"), *word = cJSON_GetArrayItem(words, 0);
    uint8_t value[32], modulus[32], sum[32];
    get_word(value, word->valuestring, 0);
    REQUIRE(proof_parse_hex(modulus, 32, scalar_modulus) && add_bytes(sum, value, modulus));
    char *text = with_word(word->valuestring, 0, sum);
    refuse_field(&f, word, text, STATUS_REJECTED, "word + r");
    free(text);
    refuse_field(&f, word, scalar_modulus, STATUS_REJECTED, "r");
    for (size_t i = 0; i < 32; i++) {
        memcpy(sum, value, sizeof sum);
        sum[i] ^= (uint8_t)(1 + test_random_below(255));
        text = with_word(word->valuestring, 0, sum);
        refuse_field(&f, word, text, STATUS_REJECTED, kit_text("byte %zu of the word", i));
        free(text);
    }
    cJSON_AddItemToArray(words, cJSON_CreateString(word->valuestring));
    refuse_root(&f, STATUS_REJECTED, "one word more");
    cJSON_DeleteItemFromArray(words, 1);
    cJSON_DeleteItemFromArray(words, 0);
    refuse_root(&f, STATUS_REJECTED, "no word");
    fixture_close(&f);
}

/* ---- the JSON around it ---- */

TEST(values_that_the_words_do_not_say_are_rejected)
{
    struct fixture f = {0};
    fixture_open(&f, "gas");
    cJSON *values = public_field(&f, "values");
    cJSON *label = cJSON_GetObjectItemCaseSensitive(values, "label")->child;
    cJSON *first = cJSON_GetObjectItemCaseSensitive(values, "probabilities")->child->child;
    double was = first->valuedouble;
    first->valuedouble = was * (1 + 0x1p-52);
    refuse_root(&f, STATUS_REJECTED, "the last bit of a probability");
    first->valuedouble = was;
    label->valuedouble += 1;
    refuse_root(&f, STATUS_REJECTED, "another label");
    label->valuedouble -= 1;
    cJSON_AddItemToObject(values, "more", cJSON_CreateNumber(1));
    refuse_root(&f, STATUS_REJECTED, "a value more");
    cJSON_DeleteItemFromObjectCaseSensitive(values, "more");
    cJSON *taken = cJSON_DetachItemFromObjectCaseSensitive(values, "probabilities");
    refuse_root(&f, STATUS_REJECTED, "a value less");
    cJSON *again = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(values, "label"), true);
    cJSON_AddItemToObject(values, "label", again);
    refuse_root(&f, STATUS_REJECTED, "a value twice");
    cJSON_Delete(cJSON_DetachItemViaPointer(values, again));
    cJSON_AddItemToObject(values, "Probabilities", taken);
    refuse_root(&f, STATUS_REJECTED, "another name");
    fixture_close(&f);
}

static void replace_field(struct fixture *f, const char *name, cJSON *by, enum status expected)
{
    cJSON *before = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(f->root, name), true);
    char *text;
    REQUIRE(before != NULL && cJSON_ReplaceItemInObjectCaseSensitive(f->root, name, by));
    text = cJSON_Print(f->root);
    refuse_root(f, expected, name);
    refuse_file(f, text, expected, name);
    free(text);
    REQUIRE(cJSON_ReplaceItemInObjectCaseSensitive(f->root, name, before));
}

TEST(fields_that_are_missing_unknown_or_of_another_type_are_refused)
{
    static const char *const fields[] = {"version", "proof_system", "vk_digest",
                                         "context", "public",       "proof"};
    struct fixture f = {0};
    fixture_open(&f, "gas");
    for (size_t i = 0; i < 6; i++) {
        cJSON *taken = cJSON_DetachItemFromObjectCaseSensitive(f.root, fields[i]);
        refuse_root(&f, STATUS_BAD_INPUT, kit_text("without %s", fields[i]));
        cJSON_AddItemToObject(f.root, "more", cJSON_Duplicate(taken, true));
        refuse_root(&f, STATUS_BAD_INPUT, kit_text("%s under another name", fields[i]));
        cJSON_DeleteItemFromObjectCaseSensitive(f.root, "more");
        cJSON_AddItemToObject(f.root, fields[i], taken);
        cJSON_AddItemToObject(f.root, fields[(i + 1) % 6], cJSON_CreateNull());
        refuse_root(&f, STATUS_BAD_INPUT, kit_text("%s twice", fields[(i + 1) % 6]));
        cJSON_Delete(cJSON_DetachItemViaPointer(f.root, cJSON_GetArrayItem(f.root, 6)));
        replace_field(&f, fields[i], cJSON_CreateNull(), STATUS_BAD_INPUT);
        replace_field(&f, fields[i], cJSON_CreateArray(), STATUS_BAD_INPUT);
    }
    cJSON_AddItemToObject(f.root, "comment", cJSON_CreateString("hello"));
    refuse_root(&f, STATUS_BAD_INPUT, "an unknown field");
    cJSON_DeleteItemFromObjectCaseSensitive(f.root, "comment");
    cJSON *public = cJSON_GetObjectItemCaseSensitive(f.root, "public");
    cJSON_AddItemToObject(public, "comment", cJSON_CreateString("hello"));
    refuse_root(&f, STATUS_BAD_INPUT, "an unknown field in public");
    fixture_close(&f);
}

TEST(fields_of_other_proofs_are_refused)
{
    static const char other[] =
        "0x00000000000000000000000000000000000000000000000000000000000000ab";
    struct fixture f = {0};
    fixture_open(&f, "gas");
    replace_field(&f, "version", cJSON_CreateNumber(2), STATUS_BAD_INPUT);
    replace_field(&f, "version", cJSON_CreateNumber(1.5), STATUS_BAD_INPUT);
    replace_field(&f, "version", cJSON_CreateString("1"), STATUS_BAD_INPUT);
    replace_field(&f, "proof_system", cJSON_CreateString("groth16"), STATUS_BAD_INPUT);
    replace_field(&f, "proof_system", cJSON_CreateString("plonk-bn254-fast-v1"), STATUS_REJECTED);
    replace_field(&f, "vk_digest", cJSON_CreateString(other), STATUS_REJECTED);
    replace_field(&f, "context", cJSON_CreateString(other), STATUS_REJECTED);
    replace_field(&f, "context", cJSON_CreateString("0x00"), STATUS_BAD_INPUT);
    replace_field(&f, "proof", cJSON_CreateString("0x"), STATUS_REJECTED);
    replace_field(&f, "proof", cJSON_CreateString(""), STATUS_BAD_INPUT);
    replace_field(&f, "proof", cJSON_CreateString("0x1"), STATUS_BAD_INPUT);
    replace_field(&f, "proof", cJSON_CreateString("0xzz"), STATUS_BAD_INPUT);
    fixture_close(&f);
}

/* Upper-case digits would be a second text of one proof. */
TEST(texts_that_are_no_canonical_proof_are_refused)
{
    struct fixture f = {0};
    fixture_open(&f, "gas");
    cJSON *field = proof_field(&f);
    char *upper = strdup(field->valuestring);
    for (size_t i = 2; upper[i] != '\0'; i++)
        upper[i] = (char)(upper[i] >= 'a' ? upper[i] - 'a' + 'A' : upper[i]);
    refuse_field(&f, field, upper, STATUS_BAD_INPUT, "upper case");
    free(upper);
    static const char *const texts[] = {"",      "{",      "[]",    "{}",       "null",
                                        "\"x\"", "123456", "{} {}", "\xff\xfe", "{\"version\":1}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        refuse_text(&f, texts[i], strlen(texts[i]), STATUS_BAD_INPUT, texts[i]);
        refuse_file(&f, texts[i], STATUS_BAD_INPUT, texts[i]);
    }
    char *more = calloc(f.text.count + 8, 1);
    snprintf(more, f.text.count + 8, "%s x", buffer_text(&f.text));
    refuse_text(&f, more, strlen(more), STATUS_BAD_INPUT, "text after it");
    refuse_text(&f, buffer_text(&f.text), f.text.count + 1, STATUS_BAD_INPUT, "a zero after it");
    for (size_t count = 0; count < f.text.count; count += 1 + f.text.count / 300)
        refuse_text(&f, buffer_text(&f.text), count, STATUS_BAD_INPUT,
                    kit_text("cut at %zu", count));
    free(more);
    fixture_close(&f);
}
