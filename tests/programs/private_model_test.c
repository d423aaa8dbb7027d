/* label: prover network libs: sertn_3rd_cjson */
/*
 * A private model reaches a node: its public folder by the registry, its weights sealed to the key
 * of the node, and nobody else opens them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ir/support/file.h"
#include "tests/programs/node_kit.h"

static const char *sealing_key(const struct network *n, enum network_account account)
{
    struct test_output out = kit_shell("$SERTN_REGISTRY sealing-key --keystore %s --password-file "
                                       "%s",
                                       n->keystore[account], n->password);
    kit_done(&out, "sealing-key");
    REQUIRE(out.text_bytes == 65);
    out.text[64] = '\0';
    return kit_text("%s", out.text);
}

static const char *fetched(const struct network *n)
{
    const char *folder = test_path(test_temp_dir(), "fetched.sertn");
    struct test_output out = kit_shell("$SERTN_REGISTRY show 1 -o %s --rpc %s --registry %s",
                                       folder, n->url, n->registry);
    kit_done(&out, "fetch");
    CHECK(!file_exists(test_path(folder, "private")));
    return folder;
}

static struct test_output open_as(const struct network *n, enum network_account account,
                                  const char *sealed, const char *folder)
{
    return kit_shell("$SERTN_REGISTRY open %s -o %s --keystore %s --password-file %s --quiet",
                     sealed, folder, n->keystore[account], n->password);
}

static void write_changed(const char *path, const struct buffer *bytes, size_t at, size_t count)
{
    struct buffer copy = {0};
    buffer_put(&copy, bytes->data, count);
    if (at < count)
        copy.data[at] ^= 1;
    kit_write(path, copy.data, copy.count);
    buffer_release(&copy);
}

TEST(admitted_nodes_prove_and_others_open_nothing)
{
    struct network *n = network_start();
    const char *sealed = test_path(test_temp_dir(), "model.sealed"), *folder = fetched(n);
    const char *first = sealing_key(n, NETWORK_NODE), *second = sealing_key(n, NETWORK_OWNER);
    struct test_output out = kit_shell("$SERTN_REGISTRY seal %s --admit %s,%s -o %s --json",
                                       n->model, second, first, sealed);
    kit_done(&out, "seal");
    cJSON *result = kit_json(&out);
    CHECK(kit_number(result, "admitted") == 2);
    cJSON_Delete(result);
    out = open_as(n, NETWORK_NODE_2, sealed, folder);
    kit_refused(&out, 1, "not sealed to this account", "a stranger");
    CHECK(!file_exists(test_path(folder, "private/parameters")));
    out = open_as(n, NETWORK_NODE, sealed, folder);
    kit_done(&out, "open");
    const char *weights = test_path(folder, "private/parameters");
    struct stat info;
    REQUIRE(stat(weights, &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(kit_same_file(weights, test_path(n->model, "private/parameters")));
    /* The weights do not stand in it. */
    struct buffer bytes = kit_read(sealed), plain = kit_read(weights);
    REQUIRE(plain.count > 80);
    CHECK(memmem(bytes.data, bytes.count, plain.data + 48, 16) == NULL);
    buffer_release(&plain);
    /* Every byte of it counts. */
    const char *bad = test_path(test_temp_dir(), "bad.sealed");
    for (size_t i = 0; i < 24; i++) {
        size_t at = i < 8 ? i : (size_t)test_random_below(bytes.count);
        write_changed(bad, &bytes, at, bytes.count);
        out = open_as(n, NETWORK_NODE, bad, folder);
        CHECK_MSG(out.exit_status == 1 || out.exit_status == 2, "byte %zu: exit status %d", at,
                  out.exit_status);
        write_changed(bad, &bytes, bytes.count, (size_t)test_random_below(bytes.count));
        out = open_as(n, NETWORK_NODE, bad, folder);
        CHECK(out.exit_status == 1 || out.exit_status == 2);
    }
    buffer_release(&bytes);
    /* And the node proves with what it got. */
    network_request(n, 0, 1);
    network_open_account(n, NETWORK_NODE);
    const char *config = network_config(n, NETWORK_NODE, test_temp_dir(), "");
    out = kit_shell("sed -i 's#\"folder\":\"[^\"]*\"#\"folder\":\"%s\"#' %s && timeout 60 "
                    "$SERTN_RUN node --config %s --drain",
                    folder, config, config);
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "304000000000000");
}

TEST(what_cannot_be_sealed_or_fetched_is_refused)
{
    struct network *n = network_start();
    const char *sealed = test_path(test_temp_dir(), "x"), *folder = fetched(n);
    const char *key = sealing_key(n, NETWORK_NODE);
    struct test_output out =
        kit_shell("$SERTN_REGISTRY seal %s --admit %s -o %s", folder, key, sealed);
    kit_refused(&out, 2, "only who has it can seal it", "a public folder");
    out = kit_shell("$SERTN_REGISTRY seal %s --admit 12 -o %s", n->model, sealed);
    kit_refused(&out, 2, "64 hex digits", "no key");
    out = kit_shell("$SERTN_REGISTRY seal %s --admit %.62szz -o %s", n->model, key, sealed);
    kit_refused(&out, 2, "is no key of a node", "no hex");
    out = kit_shell("$SERTN_REGISTRY seal %s --admit "
                    "0000000000000000000000000000000000000000000000000000000000000000 -o %s",
                    n->model, sealed);
    kit_refused(&out, 2, "is none", "a key of low order");
    /* The model's private files are nothing for the public folder. */
    out = kit_shell("cp -r %s %s/copy && cp %s/private/parameters %s/copy/public/ && "
                    "$SERTN_REGISTRY publish %s/copy --rpc %s --registry %s --keystore %s "
                    "--password-file %s",
                    n->model, folder, n->model, folder, folder, n->url, n->registry,
                    n->keystore[NETWORK_OWNER], n->password);
    kit_refused(&out, 2, "could give away what is private", "weights among public files");
    const char *unsafe = kit_keyed("linear_regression");
    out = kit_shell("$SERTN_REGISTRY publish %s --rpc %s --registry %s --keystore %s "
                    "--password-file %s",
                    unsafe, n->url, n->registry, n->keystore[NETWORK_OWNER], n->password);
    kit_refused(&out, 2, "anybody can forge", "a key over the development parameters");
    const char *there = test_path(test_temp_dir(), "file");
    kit_write(there, "x", 1);
    out = kit_shell("$SERTN_REGISTRY show 1 -o %s --rpc %s --registry %s", there, n->url,
                    n->registry);
    CHECK(out.exit_status == 2);
    out = kit_shell("$SERTN_REGISTRY show 1 -o %s/new --rpc %s --registry %s --store %s",
                    test_temp_dir(), n->url, n->registry, test_temp_dir());
    kit_refused(&out, 2, "is not in the local store", "an empty store");
    static const struct kit_answer other[] = {{"", "{\"version\":1,\"files\":[]}"}, {NULL, NULL}};
    const char *url = kit_server_start(other, "HTTP/1.1 200 OK");
    out = kit_shell("$SERTN_REGISTRY show 1 -o %s/new --rpc %s --registry %s --store %s --ipfs %s",
                    test_temp_dir(), n->url, n->registry, test_temp_dir(), url);
    kit_refused(&out, 1, "gives other bytes", "another manifest");
}
