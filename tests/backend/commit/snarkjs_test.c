/* label: prover */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/commit/ceremony.h"
#include "backend/commit/srs.h"
#include "tests/harness/harness.h"

/* A ceremony made by the real snarkjs while the test runs. */
TEST(fresh_ceremony_of_snarkjs_is_imported)
{
    struct srs srs;
    struct diag diag = {0};
    char path[4096];
    if (!file_exists(test_source_path("contracts/node_modules/.bin/snarkjs")))
        test_skip("snarkjs is not installed: contracts/setup");
    setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
    snprintf(path, sizeof path, "%s/fresh.ptau", test_temp_dir());
    const char *make[] = {test_source_path("tests/backend/commit/make_ptau.sh"), "4", path, NULL};
    struct test_output out = test_run(make);
    CHECK_MSG(out.exit_status == 0, "snarkjs: %.300s", out.errors);
    REQUIRE_OK(srs_open_file(&srs, path, 31, NULL, &diag), &diag);
    CHECK(srs.powers.count == 31 && srs.origin == SRS_CEREMONY);
    srs_release(&srs);
    CHECK_STATUS(srs_open_file(&srs, path, 32, NULL, &diag), STATUS_LIMIT, &diag);
}

/* ---- ceremonies both ways ------------------------------------------------------------------- */

static struct test_output run_snarkjs(const char *const *words, size_t count)
{
    const char *run[16] = {test_source_path("contracts/node_modules/.bin/snarkjs"), "powersoftau"};
    for (size_t i = 0; i < count; i++)
        run[2 + i] = words[i];
    return test_run(run);
}
#define SNARKJS(...)                                                                               \
    run_snarkjs((const char *const[]){__VA_ARGS__},                                                \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static const char *path_in(const char *folder, const char *name)
{
    return test_path(folder, name);
}

static void add(const char *from, const char *to, const struct ceremony_addition *addition)
{
    struct ceremony old;
    struct ceremony_contribution added;
    struct diag diag = {0};
    REQUIRE_OK(ceremony_open(&old, from, &diag), &diag);
    REQUIRE_OK(ceremony_contribute(&added, &old, to, addition, NULL, NULL, &diag), &diag);
    ceremony_close(&old);
}

static void accepted(const char *path, size_t contributions)
{
    struct ceremony ceremony;
    struct diag diag = {0};
    REQUIRE_OK(ceremony_open(&ceremony, path, &diag), &diag);
    CHECK_U64(ceremony.count, contributions);
    CHECK_STATUS(ceremony_verify(&ceremony, NULL, NULL, &diag), STATUS_OK, &diag);
    ceremony_close(&ceremony);
}

static void snarkjs_says(const char *path, bool good)
{
    struct test_output out = SNARKJS("verify", path);
    bool said = out.exit_status == 0 && strstr(out.text, "Powers of Tau Ok!") != NULL;
    CHECK_MSG(said == good, "snarkjs on %s: %.600s", path, out.text);
}

TEST(ceremonies_go_from_one_to_the_other_and_back)
{
    if (!file_exists(test_source_path("contracts/node_modules/.bin/snarkjs")))
        test_skip("snarkjs is not installed: contracts/setup");
    const char *folder = test_temp_dir();
    const char *ours = path_in(folder, "ours"), *theirs = path_in(folder, "theirs");
    uint8_t challenge[CEREMONY_HASH_BYTES], seed[CEREMONY_SEED_BYTES];
    static const uint8_t beacon[] = {0x01, 0x02, 0x03, 0xff};
    struct diag diag = {0};
    /* New files are the same. */
    REQUIRE_OK(ceremony_new(challenge, ours, 4, NULL, &diag), &diag);
    struct test_output out = SNARKJS("new", "bn128", "4", theirs);
    REQUIRE(out.exit_status == 0);
    const char *compare[] = {"/usr/bin/cmp", ours, theirs, NULL};
    out = test_run(compare);
    CHECK_MSG(out.exit_status == 0, "new files differ: %s", out.text);
    /* Theirs, ours, theirs, ours. */
    const char *one = path_in(folder, "1"), *two = path_in(folder, "2"),
               *three = path_in(folder, "3");
    out = SNARKJS("contribute", ours, one, "--name=one", "-e=some text");
    REQUIRE(out.exit_status == 0);
    accepted(one, 1);
    REQUIRE_OK(ceremony_make_seed(seed, "", 0, &diag), &diag);
    add(one, two, &(struct ceremony_addition){.name = "two", .seed = seed});
    accepted(two, 2);
    snarkjs_says(two, true);
    out = SNARKJS("contribute", two, three, "--name=three", "-e=more text");
    REQUIRE(out.exit_status == 0);
    accepted(three, 3);
    /* One beacon gives both the same keys and powers. */
    const char *b1 = path_in(folder, "b1"), *b2 = path_in(folder, "b2");
    add(three, b1,
        &(struct ceremony_addition){
            .name = "end", .beacon = beacon, .beacon_bytes = sizeof beacon, .lg_rounds = 11});
    out = SNARKJS("beacon", three, b2, "010203ff", "11", "-n=end");
    REQUIRE(out.exit_status == 0);
    accepted(b1, 4);
    accepted(b2, 4);
    snarkjs_says(b1, true);
    struct ceremony x, y;
    REQUIRE_OK(ceremony_open(&x, b1, &diag), &diag);
    REQUIRE_OK(ceremony_open(&y, b2, &diag), &diag);
    CHECK_BYTES(x.contribution[3].next_challenge, y.contribution[3].next_challenge,
                CEREMONY_HASH_BYTES);
    CHECK_BYTES(x.contribution[3].response, y.contribution[3].response, CEREMONY_HASH_BYTES);
    ceremony_close(&x);
    ceremony_close(&y);
    /* Prepared for phase 2, ours is still a ceremony for both. */
    const char *prepared = path_in(folder, "prepared");
    out = SNARKJS("prepare", "phase2", b1, prepared);
    REQUIRE(out.exit_status == 0);
    accepted(prepared, 4);
    snarkjs_says(prepared, true);
}
