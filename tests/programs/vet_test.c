/* label: prover network libs: sertn_3rd_cjson */
/*
 * sertn-registry vet: backtests are made of proved answers, and nothing of one is believed; on a
 * real anvil the contract counts the same, and whoever is cut off goes on.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "runtime/backtest.h"
#include "tests/programs/network_kit.h"

enum { ROWS = 5 };

/* A model with keys over the development powers, inputs and outputs public; data and labels, which
 * are the answers but for one that is off by 1. */
struct subject {
    const char *home, *folder, *data, *labels, *file;
};

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = kit_member(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

/* Inputs of the linear model; the labels are what it answers, the last one and a half more. */
static void write_data(struct subject *s)
{
    char data[1000] = "[", labels[1000] = "";
    for (int i = 0; i < ROWS; i++)
        snprintf(data + strlen(data), sizeof data - strlen(data), "%s{\"X\": [[%d.0, %d.5]]}",
                 i == 0 ? "" : ",", i % 4 + 1, i % 3 + 1);
    strcat(data, "]");
    s->data = test_path(s->home, "data.json");
    s->labels = test_path(s->home, "labels.txt");
    s->file = test_path(s->home, "backtest.json");
    kit_write(s->data, data, strlen(data));
    struct test_output out = SERTN_RUN("eval", s->folder, "--input", s->data, "--json");
    kit_done(&out, "eval");
    cJSON *said = kit_json(&out);
    const cJSON *set;
    int i = 0;
    cJSON_ArrayForEach(set, kit_member(said, "sets"))
    {
        const cJSON *answer = kit_member(set, "outputs")->child;
        while (cJSON_IsArray(answer))
            answer = answer->child;
        snprintf(labels + strlen(labels), sizeof labels - strlen(labels), "%.17g\n",
                 answer->valuedouble + (++i == ROWS ? 1.5 : 0));
    }
    CHECK_I64(i, ROWS);
    kit_write(s->labels, labels, strlen(labels));
    cJSON_Delete(said);
}

static struct subject prepare_with(const char *visibility)
{
    struct subject s = {.home = test_temp_dir()};
    s.folder = test_path(s.home, "m.sertn");
    struct test_output out =
        SERTNC(kit_model("linear_regression", "model.onnx"), "-o", s.folder, "--data",
               kit_model("linear_regression", "test_data_set_0"), "--input", visibility, "--quiet");
    kit_done(&out, "sertnc");
    write_data(&s);
    return s;
}

static struct subject prepare(void)
{
    return prepare_with("public");
}

static cJSON *make(const struct subject *s, const char *more)
{
    struct test_output out =
        kit_shell("$SERTN_REGISTRY vet %s --data %s --labels %s -o %s --tolerance 0.01 --json %s",
                  s->folder, s->data, s->labels, s->file, more);
    kit_done(&out, "vet");
    return kit_json(&out);
}

static struct test_output verify(const struct subject *s, const char *file)
{
    return kit_shell("$SERTN_REGISTRY vet %s %s", s->folder, file);
}

static cJSON *read_file(const struct subject *s);
static void refused(const struct subject *s, cJSON *root, const char *what);
static cJSON *row_of(cJSON *root, int i);
static void change_digit(cJSON *item, size_t at);

TEST(a_backtest_counts_what_is_right)
{
    struct subject s = prepare();
    cJSON *made = make(&s, "--from 2025-01-01 --to 2025-12-31");
    CHECK(kit_number(made, "rows") == ROWS && kit_number(made, "hits") == ROWS - 1);
    CHECK(kit_number(made, "accuracy") == (ROWS - 1.0) / ROWS);
    CHECK(fabs(kit_number(made, "mean_error") - 1.5 / ROWS) < 0.001);
    CHECK(kit_number(made, "distinct_inputs") == ROWS);
    /* The public folder is all that verifying takes. */
    struct test_output out =
        kit_shell("mkdir %s/b && cp -r %s/public %s/b/public && $SERTN_REGISTRY vet %s/b %s --json",
                  s.home, s.folder, s.home, s.home, s.file);
    kit_done(&out, "verify");
    cJSON *verified = kit_json(&out);
    CHECK(cJSON_IsTrue(kit_member(verified, "verified")));
    CHECK(kit_number(verified, "hits") == ROWS - 1);
    CHECK_TEXT(text_of(verified, "root"), text_of(made, "root"));
    out = verify(&s, s.file);
    kit_done(&out, "for people");
    CHECK_MSG(strstr(out.text, "4 of 5 answers are within") != NULL, "%s", out.text);
    CHECK(strstr(out.text, "labels are the publisher's") != NULL);
    cJSON_Delete(verified);
    cJSON_Delete(made);
}

/* Hashed inputs: the answers are proved, and neither the file nor its words show the data. */
TEST(hidden_inputs_are_vetted_and_stay_hidden)
{
    struct subject s = prepare_with("hashed");
    cJSON *made = make(&s, "");
    CHECK(kit_number(made, "rows") == ROWS && kit_number(made, "hits") == ROWS - 1);
    CHECK(cJSON_IsTrue(kit_member(made, "hidden_inputs")));
    CHECK(cJSON_GetObjectItem(made, "distinct_inputs") == NULL);
    struct test_output out = verify(&s, s.file);
    kit_done(&out, "verify");
    CHECK_MSG(strstr(out.text, "inputs are hidden") != NULL, "%s", out.text);
    /* Rows 0 and 4 have inputs of which one is the same; all words of inputs differ, and no run of
     * it shows the same hashes. */
    cJSON *root = read_file(&s), *again = make(&s, ""), *second = read_file(&s);
    for (int i = 0; i < ROWS; i++) {
        const char *word =
            cJSON_GetArrayItem(cJSON_GetObjectItem(row_of(root, i), "words"), 0)->valuestring;
        for (int k = 0; k < ROWS; k++)
            CHECK(
                strcmp(word, cJSON_GetArrayItem(cJSON_GetObjectItem(row_of(second, k), "words"), 0)
                                 ->valuestring) != 0);
    }
    /* Another's row in a place of its own, another hash. */
    change_digit(cJSON_GetArrayItem(cJSON_GetObjectItem(row_of(root, 1), "words"), 0), 40);
    refused(&s, root, "another hash");
    cJSON_Delete(second);
    cJSON_Delete(again);
    cJSON_Delete(made);
}

/* Labels as JSON, and with another tolerance. */
TEST(labels_are_lists_or_lines)
{
    struct subject s = prepare();
    struct test_output out =
        kit_shell("(printf '['; paste -sd, %s; printf ']') >%s/l.json && $SERTN_REGISTRY vet %s "
                  "--data %s --labels %s/l.json -o %s --tolerance 2 --score variable:0 --json",
                  s.labels, s.home, s.folder, s.data, s.home, s.file);
    kit_done(&out, "vet");
    cJSON *made = kit_json(&out);
    CHECK(kit_number(made, "hits") == ROWS);
    cJSON_Delete(made);
}

/* ---- lies ----------------------------------------------------------------------------------- */

static cJSON *read_file(const struct subject *s)
{
    struct buffer text = kit_read(s->file);
    cJSON *root = cJSON_Parse(buffer_text(&text));
    buffer_release(&text);
    REQUIRE(root != NULL);
    return root;
}

/* Written with something changed it is rejected or refused, with one sentence. */
static void refused(const struct subject *s, cJSON *root, const char *what)
{
    const char *path = test_path(s->home, "lie.json");
    char *text = cJSON_Print(root);
    kit_write(path, text, strlen(text));
    struct test_output out = verify(s, path);
    kit_refused(&out, out.exit_status == 2 ? 2 : 1, NULL, what);
    free(text);
    cJSON_Delete(root);
}

static cJSON *row_of(cJSON *root, int i)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(root, "rows"), i);
}

static void change_digit(cJSON *item, size_t at)
{
    char *c = item->valuestring + at;
    *c = *c == '7' ? '8' : '7';
}

TEST(every_change_of_a_file_is_found)
{
    static const char *const hashes[] = {"model_hash", "vk_hash", "root", "contract", "publisher"};
    static const char *const numbers[] = {"version", "element", "chain_id", "backtest"};
    struct subject s = prepare();
    cJSON_Delete(make(&s, "--from 5 --to 6"));
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        cJSON *root = read_file(&s);
        change_digit(cJSON_GetObjectItem(root, hashes[i]), 20);
        refused(&s, root, hashes[i]);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        cJSON *root = read_file(&s), *item = cJSON_GetObjectItem(root, numbers[i]);
        cJSON_SetNumberValue(item, item->valuedouble + 1);
        refused(&s, root, numbers[i]);
    }
    for (int i = 0; i < ROWS; i++) {
        cJSON *root = read_file(&s), *words = cJSON_GetObjectItem(row_of(root, i), "words");
        change_digit(cJSON_GetArrayItem(words, i % cJSON_GetArraySize(words)),
                     (size_t)(60 + test_random_below(6)));
        refused(&s, root, "a word");
        root = read_file(&s);
        change_digit(cJSON_GetObjectItem(row_of(root, i), "proof"), 2 + test_random_below(2000));
        refused(&s, root, "a digit of a proof");
        root = read_file(&s);
        cJSON *label = cJSON_GetObjectItem(row_of(root, i), "label");
        cJSON_SetNumberValue(label, label->valuedouble + 0.25);
        refused(&s, root, "a label");
        root = read_file(&s);
        cJSON_DeleteItemFromArray(cJSON_GetObjectItem(root, "rows"), i);
        refused(&s, root, "a row is left out");
        root = read_file(&s);
        cJSON_AddItemToArray(cJSON_GetObjectItem(root, "rows"),
                             cJSON_Duplicate(row_of(root, i), true));
        refused(&s, root, "a row twice");
        root = read_file(&s);
        cJSON *rows = cJSON_GetObjectItem(root, "rows"),
              *taken = cJSON_DetachItemFromArray(rows, i);
        cJSON_InsertItemInArray(rows, i == ROWS - 1 ? 0 : ROWS - 1, taken);
        refused(&s, root, "another order");
    }
    cJSON *root = read_file(&s);
    cJSON_SetNumberValue(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "result"), "hits"), ROWS);
    refused(&s, root, "one hit more");
    root = read_file(&s);
    change_digit(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "result"), "total_error"), 60);
    refused(&s, root, "another sum");
    root = read_file(&s);
    cJSON_ReplaceItemInObject(root, "tolerance", cJSON_CreateString("999999999999"));
    refused(&s, root, "a wider tolerance");
    root = read_file(&s);
    cJSON_AddStringToObject(root, "note", "trust me");
    refused(&s, root, "one member more");
    static const char *const members[] = {"rows", "result", "root", "output", "tolerance"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        root = read_file(&s);
        cJSON_DeleteItemFromObject(root, members[i]);
        refused(&s, root, members[i]);
        root = read_file(&s);
        cJSON_ReplaceItemInObject(root, members[i], cJSON_CreateNumber(7));
        refused(&s, root, members[i]);
    }
}

/* Files of anybody: bytes changed, cut, put in, at random. */
TEST(hostile_files_never_crash)
{
    struct subject s = prepare();
    struct model model = {0};
    struct srs_verifier srs;
    struct diag diag = {0};
    cJSON_Delete(make(&s, ""));
    struct buffer file = kit_read(s.file);
    REQUIRE_OK(model_load(&model, s.folder, MODEL_HEAD, &diag), &diag);
    REQUIRE_OK(proof_open_verifier(&srs, &model, NULL, &diag), &diag);
    for (int i = 0; i < 2000; i++) {
        struct backtest test;
        struct diag why = {0};
        struct buffer changed = {0};
        size_t at = test_random_below(file.count), cut = test_random_below(40);
        buffer_put(&changed, file.data, at);
        if (i % 3 == 0)
            buffer_put_u8(&changed, (uint8_t)test_random_edge_u64());
        else if (i % 3 == 1)
            buffer_puts(&changed, test_random_below(2) == 0 ? "1e999" : "[{");
        at = file.count - at < cut ? file.count : at + cut;
        buffer_put(&changed, file.data + at, file.count - at);
        enum status status =
            backtest_read(&test, &model, changed.data, changed.count, "file", &why);
        if (status == STATUS_OK)
            status = backtest_verify(&test, &srs, &why);
        CHECK((status == STATUS_OK) == (why.text[0] == '\0') && strchr(why.text, '\n') == NULL);
        backtest_release(&test);
        buffer_release(&changed);
    }
    model_release(&model);
    buffer_release(&file);
}

TEST(a_backtest_of_another_model_is_refused)
{
    struct subject s = prepare(), other = prepare();
    cJSON_Delete(make(&s, ""));
    cJSON_Delete(make(&other, "")); /* keys of its own: other random rows */
    struct test_output out = verify(&other, s.file);
    kit_refused(&out, 1, "another model", "the same circuit, another key");
}

TEST(bad_input_is_one_sentence)
{
    struct subject s = prepare();
    const char *private_model = kit_keyed("linear_regression");
    const char *labels = test_path(s.home, "l.txt");
    static const struct {
        const char *labels, *more, *says;
    } cases[] = {
        {"1\n2\n", "", "2 labels for 5 data sets"},
        {"1\n2\n3\nfour\n5\n", "", "row 3"},
        {"1\n2\n3\n1e30\n5\n", "", "none that the model can answer"},
        {"[1,2,3,4,5", "", "no JSON list"},
        {"{}", "", "labels for 5"},
        {"1\n2\n3\n4\n5\n", "--score nothing", "no output 'nothing'"},
        {"1\n2\n3\n4\n5\n", "--score variable:9", "none number 9"},
        {"1\n2\n3\n4\n5\n", "--tolerance -1", "--tolerance takes"},
        {"1\n2\n3\n4\n5\n", "--tolerance x", "--tolerance takes"},
        {"1\n2\n3\n4\n5\n", "--from 2025-13-01", "--from takes"},
        {"1\n2\n3\n4\n5\n", "--from 2025-02-01 --to 2025-01-01", "--from is after --to"},
        {"1\n2\n3\n4\n5\n", "--number 1", "--vetting"},
        {"1\n2\n3\n4\n5\n", "--vetting 0x12", "publishing a backtest takes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kit_write(labels, cases[i].labels, strlen(cases[i].labels));
        struct test_output out = kit_shell("$SERTN_REGISTRY vet %s --data %s --labels %s -o %s %s",
                                           s.folder, s.data, labels, s.file, cases[i].more);
        kit_refused(&out, 2, cases[i].says, cases[i].says);
        CHECK(!file_exists(s.file));
    }
    struct test_output out = kit_shell("$SERTN_REGISTRY vet %s --data %s --labels %s -o %s",
                                       private_model, s.data, s.labels, s.file);
    kit_refused(&out, 2, "--input public or --input hashed", "a model with private inputs");
    out = kit_shell("$SERTN_REGISTRY vet %s", s.folder);
    kit_refused(&out, 2, "--labels FILE", "nothing to do");
    out = kit_shell("$SERTN_REGISTRY vet %s %s", s.folder, s.labels);
    kit_refused(&out, 2, "no backtest", "a file that is none");
    out = kit_shell("$SERTN_REGISTRY vet %s /nosuch", s.folder);
    kit_refused(&out, 2, "/nosuch", "no file");
}

/* ---- on a chain ----------------------------------------------------------------------------- */

static struct subject on_network(const struct network *n)
{
    struct subject s = {.home = test_temp_dir(), .folder = n->model};
    write_data(&s);
    return s;
}

static const char *arguments(const struct network *n, const struct subject *s, const char *vetting)
{
    return kit_text("--rpc %s --vetting %s --number 1 --keystore %s --password-file %s --journal "
                    "%s/journal --from 2020-01-01 --to 2020-12-31",
                    n->url, vetting, n->keystore[NETWORK_OWNER], n->password, s->home);
}

static const char *result_of(const struct network *n, const char *vetting)
{
    struct test_output out =
        kit_shell("%s call --rpc-url %s %s "
                  "'resultOf(uint256)((address,uint256,uint32,uint32,uint32,uint256,"
                  "uint40,uint16,uint8,uint16,uint8,uint8,uint128))' 1",
                  kit_tool("cast"), n->url, vetting);
    kit_done(&out, "resultOf");
    return out.text;
}

TEST(the_chain_counts_the_same)
{
    struct network *n = network_start();
    const char *vetting = network_vetting(n);
    struct subject s = on_network(n);
    cJSON *made = make(&s, arguments(n, &s, vetting));
    CHECK(kit_number(made, "backtest") == 1 && kit_number(made, "hits") == ROWS - 1);
    CHECK_MSG(strstr(result_of(n, vetting), kit_text(", 1, %d, %d, %d, ", ROWS, ROWS, ROWS - 1)) !=
                  NULL,
              "%s", result_of(n, vetting));
    struct test_output out = kit_shell("$SERTN_REGISTRY vet %s %s --rpc %s --vetting %s", s.folder,
                                       s.file, n->url, vetting);
    kit_done(&out, "verify on chain");
    CHECK(strstr(out.errors, "counts the same as backtest 1") != NULL);
    /* A buyer is shown it. */
    out = kit_shell("$SERTN_REGISTRY show 1 --rpc %s --registry %s --vetting %s", n->url,
                    n->registry, vetting);
    kit_done(&out, "show");
    CHECK_MSG(strstr(out.text, "1: 4 of 5 right, 5 proved, labels by the owner") != NULL, "%s",
              out.text);
    out = kit_shell("$SERTN_REGISTRY show 1 --rpc %s --registry %s --vetting %s --json", n->url,
                    n->registry, vetting);
    cJSON *said = kit_json(&out);
    CHECK(kit_number(said, "backtest_count") == 1);
    const cJSON *shown = cJSON_GetArrayItem(kit_member(said, "backtests"), 0);
    CHECK(kit_number(shown, "hits") == ROWS - 1);
    /* What "right" means is part of it: a wide tolerance makes everything right. */
    cJSON *file = read_file(&s);
    CHECK_TEXT(text_of(shown, "tolerance"), text_of(file, "tolerance"));
    CHECK(kit_number(shown, "width") > 1 && kit_number(shown, "word") >= 0);
    cJSON_Delete(file);
    cJSON_Delete(said);
    /* Proofs are bound to the publication: without it the same file says nothing. */
    cJSON *root = read_file(&s);
    cJSON_SetNumberValue(cJSON_GetObjectItem(root, "backtest"), 2);
    refused(&s, root, "another backtest");
    root = read_file(&s);
    change_digit(cJSON_GetObjectItem(root, "publisher"), 20);
    refused(&s, root, "another publisher");
    root = read_file(&s);
    cJSON_SetNumberValue(cJSON_GetObjectItem(root, "chain_id"), 1);
    refused(&s, root, "another chain");
    out = kit_shell("$SERTN_REGISTRY vet %s %s --rpc %s --vetting %s", s.folder, s.file, n->url,
                    n->market);
    kit_refused(&out, 2, "another contract", "another contract");
    out = kit_shell("$SERTN_REGISTRY vet %s %s --rpc %s --vetting %s", s.folder, s.file, n->url,
                    n->token);
    kit_refused(&out, 2, "contract of backtests", "no contract of backtests");
    /* The same rows with another period are another plan than the published one. */
    root = read_file(&s);
    cJSON_SetNumberValue(cJSON_GetObjectItem(root, "to"), 1);
    cJSON_SetNumberValue(cJSON_GetObjectItem(root, "from"), 1);
    char *text = cJSON_Print(root);
    const char *lie = test_path(s.home, "lie.json");
    kit_write(lie, text, strlen(text));
    out = kit_shell("$SERTN_REGISTRY vet %s %s --rpc %s --vetting %s", s.folder, lie, n->url,
                    vetting);
    kit_refused(&out, 1, "another plan", "another period");
    /* With another tolerance it is another backtest. */
    cJSON *wider = make(&s, kit_text("%s --tolerance 2", arguments(n, &s, vetting)));
    CHECK(kit_number(wider, "backtest") == 2 && kit_number(wider, "hits") == ROWS);
    cJSON_Delete(wider);
    free(text);
    cJSON_Delete(root);
    cJSON_Delete(made);
}

TEST(who_is_killed_publishes_and_proves_once)
{
    struct network *n = network_start();
    const char *vetting = network_vetting(n);
    struct subject s = on_network(n);
    const char *more = arguments(n, &s, vetting);
    for (unsigned round = 0; round < 8; round++) {
        struct test_output out = kit_shell(
            "timeout -s KILL 0.%u $SERTN_REGISTRY vet %s --data %s --labels %s -o %s --tolerance "
            "0.01 --quiet %s",
            15 + 10 * round, s.folder, s.data, s.labels, s.file, more);
        (void)out;
    }
    cJSON *made = make(&s, more);
    CHECK(kit_number(made, "backtest") == 1);
    CHECK_TEXT(network_ask(n, vetting, "backtestCount(uint256)(uint256)", "1"), "1");
    CHECK_MSG(strstr(result_of(n, vetting), kit_text(", 1, %d, %d, %d, ", ROWS, ROWS, ROWS - 1)) !=
                  NULL,
              "%s", result_of(n, vetting));
    struct test_output out = kit_shell("$SERTN_REGISTRY vet %s %s --rpc %s --vetting %s --quiet",
                                       s.folder, s.file, n->url, vetting);
    kit_done(&out, "verify on chain");
    cJSON_Delete(made);
}

/* On a chain: the same backtest after a kill, nothing of the inputs in what is published. */
TEST(hidden_inputs_are_vetted_on_a_chain)
{
    struct network *n = network_start();
    const char *vetting = network_vetting(n);
    struct subject s = {.home = test_temp_dir()};
    s.folder = test_path(s.home, "hidden.sertn");
    struct test_output out = kit_shell(
        "$SERTNC %s -o %s --data %s --input hashed --quiet && $SERTN_RUN keys %s --srs %s "
        "--quiet && $SERTN_REGISTRY publish %s --rpc %s --registry %s --keystore %s "
        "--password-file %s --journal %s/journal --quiet",
        kit_model("linear_regression", "model.onnx"), s.folder,
        kit_model("linear_regression", "test_data_set_0"), s.folder, network_powers(), s.folder,
        n->url, n->registry, n->keystore[NETWORK_OWNER], n->password, s.home);
    kit_done(&out, "publish");
    write_data(&s);
    const char *more = kit_text(
        "--rpc %s --vetting %s --number 2 --keystore %s --password-file %s --journal %s/journal "
        "--from 2020-01-01 --to 2020-12-31 --store %s/store",
        n->url, vetting, n->keystore[NETWORK_OWNER], n->password, s.home, s.home);
    for (unsigned round = 0; round < 3; round++)
        (void)kit_shell("timeout -s KILL 0.%u $SERTN_REGISTRY vet %s --data %s --labels %s -o %s "
                        "--tolerance 0.01 --quiet %s",
                        3 + 3 * round, s.folder, s.data, s.labels, s.file, more);
    cJSON *made = make(&s, more);
    CHECK(kit_number(made, "backtest") == 1 && kit_number(made, "hits") == ROWS - 1);
    CHECK_TEXT(network_ask(n, vetting, "backtestCount(uint256)(uint256)", "2"), "1");
    out = kit_shell("$SERTN_REGISTRY vet %s %s --rpc %s --vetting %s --quiet", s.folder, s.file,
                    n->url, vetting);
    kit_done(&out, "verify on chain");
    out = kit_shell("$SERTN_REGISTRY show 2 --rpc %s --registry %s --vetting %s", n->url,
                    n->registry, vetting);
    kit_done(&out, "show");
    CHECK_MSG(strstr(out.text, "labels by the owner, inputs hidden") != NULL, "%s", out.text);
    struct buffer data =
        kit_read(kit_text("%s/store/%s", s.home, text_of(made, "uri") + strlen("ipfs://")));
    CHECK(strstr(buffer_text(&data), "\"commitment\":\"0x") != NULL);
    CHECK(strstr(buffer_text(&data), "\"input\"") == NULL);
    buffer_release(&data);
    cJSON_Delete(made);
}

TEST(development_keys_are_vetted_on_no_chain)
{
    struct network *n = network_start();
    const char *vetting = network_vetting(n);
    struct subject s = prepare(), on = on_network(n);
    struct test_output out =
        kit_shell("$SERTN_REGISTRY vet %s --data %s --labels %s -o %s %s", s.folder, s.data,
                  s.labels, s.file, arguments(n, &on, vetting));
    kit_refused(&out, 2, "development parameters", "keys anybody can forge for");
}
