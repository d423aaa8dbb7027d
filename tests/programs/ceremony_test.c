/* label: prover checked libs: sertn_3rd_cjson */
/*
 * sertn-registry ceremony as users run it: from a new ceremony to keys over it, and what it
 * refuses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ir/support/file.h"
#include "tests/programs/programs_kit.h"

#define REGISTRY(...) kit_run("sertn-registry", (const char *const[]){__VA_ARGS__, NULL})
#define CEREMONY(...) REGISTRY("ceremony", __VA_ARGS__)

static const char *file_in(const char *folder, const char *name)
{
    return test_path(folder, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *member = kit_member(object, name);
    return cJSON_IsString(member) ? kit_text("%s", member->valuestring) : "";
}

/* new, two contributions, a beacon; the last file. */
static const char *made(const char *folder, const char *power)
{
    const char *zero = file_in(folder, "0.ptau"), *one = file_in(folder, "1.ptau"),
               *two = file_in(folder, "2.ptau"), *last = file_in(folder, "last.ptau");
    struct test_output out = CEREMONY("new", "--power", power, "-o", zero, "--quiet");
    kit_done(&out, "new");
    out = CEREMONY("contribute", zero, "-o", one, "--name", "alice", "--quiet");
    kit_done(&out, "contribute");
    out = CEREMONY("contribute", one, "-o", two, "--quiet");
    kit_done(&out, "contribute without a name");
    out = CEREMONY("beacon", two, "-o", last, "--beacon", "0x00ff01", "--rounds", "12", "--quiet");
    kit_done(&out, "beacon");
    return last;
}

TEST(keys_stand_on_a_ceremony_of_ours)
{
    setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
    const char *last = made(test_temp_dir(), "8");
    struct test_output out = CEREMONY("verify", last, "--json");
    kit_done(&out, "verify");
    cJSON *result = kit_json(&out);
    CHECK(cJSON_IsTrue(kit_member(result, "verified")));
    CHECK(kit_number(result, "power") == 8);
    const cJSON *list = kit_member(result, "contributions");
    CHECK_U64((uint64_t)cJSON_GetArraySize(list), 3);
    CHECK_TEXT(text_of(cJSON_GetArrayItem(list, 0), "name"), "alice");
    CHECK_TEXT(text_of(cJSON_GetArrayItem(list, 2), "beacon"), "00ff01");
    CHECK(strlen(text_of(cJSON_GetArrayItem(list, 1), "response")) == 128);
    cJSON_Delete(result);
    out = CEREMONY("import", last, "--power", "7", "--json");
    kit_done(&out, "import");
    result = kit_json(&out);
    CHECK(kit_number(result, "powers") == 128 && strlen(text_of(result, "srs_digest")) == 64);
    cJSON_Delete(result);
    const char *folder = kit_compiled("linear_regression");
    out = SERTN_RUN("keys", folder, "--srs", last, "--quiet");
    kit_done(&out, "keys");
    const char *proof = file_in(test_temp_dir(), "p.json");
    out = SERTN_RUN("prove", folder, "--input", kit_model("linear_regression", "input.json"), "-o",
                    proof, "--quiet");
    kit_done(&out, "prove");
    out = SERTN_RUN("verify", folder, proof, "--quiet");
    kit_done(&out, "verify");
    CHECK(strstr(out.errors, "DEVELOPMENT") == NULL);
}

/* What a contributor is told is what everybody finds in the file later. */
TEST(a_contributor_finds_the_response_again)
{
    const char *folder = test_temp_dir();
    const char *zero = file_in(folder, "0"), *one = file_in(folder, "1"),
               *two = file_in(folder, "2");
    struct test_output out = CEREMONY("new", "--power", "2", "-o", zero, "--json");
    kit_done(&out, "new");
    cJSON_Delete(kit_json(&out));
    out = kit_shell("echo some text | $SERTN_REGISTRY ceremony contribute %s -o %s --entropy - "
                    "--json",
                    zero, one);
    kit_done(&out, "contribute");
    cJSON *result = kit_json(&out);
    const char *response = text_of(result, "response");
    cJSON_Delete(result);
    out = CEREMONY("contribute", one, "-o", two, "--quiet");
    kit_done(&out, "contribute");
    out = CEREMONY("verify", two);
    kit_done(&out, "verify");
    CHECK_MSG(strlen(response) == 128 && strstr(out.text, response) != NULL, "%s not in %s",
              response, out.text);
}

/* The same text, other secrets. */
TEST(secrets_come_from_the_system_too)
{
    const char *folder = test_temp_dir();
    const char *zero = file_in(folder, "0"), *text = file_in(folder, "text");
    struct diag diag = {0};
    struct buffer a, b;
    REQUIRE_OK(file_write(text, "abc", 3, FILE_MODE_PRIVATE, false, &diag), &diag);
    struct test_output out = CEREMONY("new", "--power", "1", "-o", zero, "--quiet");
    kit_done(&out, "new");
    buffer_init(&a);
    buffer_init(&b);
    const char *one = file_in(folder, "1"), *two = file_in(folder, "2");
    out = CEREMONY("contribute", zero, "-o", one, "--entropy", text, "--quiet");
    kit_done(&out, "contribute");
    out = CEREMONY("contribute", zero, "-o", two, "--entropy", text, "--quiet");
    kit_done(&out, "contribute");
    REQUIRE_OK(file_read(one, 1 << 20, &a, &diag), &diag);
    REQUIRE_OK(file_read(two, 1 << 20, &b, &diag), &diag);
    CHECK(a.count == b.count && memcmp(a.data, b.data, a.count) != 0);
    buffer_release(&a);
    buffer_release(&b);
}

TEST(what_is_wrong_is_said_and_nothing_is_written)
{
    const char *folder = test_temp_dir(), *last = made(folder, "2");
    const char *to = file_in(folder, "to"), *bad = file_in(folder, "bad");
    const char *fresh = file_in(folder, "0.ptau");
    struct diag diag = {0};
    struct test_output out = CEREMONY("contribute", last);
    kit_refused(&out, 2, "-o FILE.ptau", "no output");
    out = CEREMONY("contribute", last, "-o", last);
    kit_refused(&out, 2, "write to another file", "onto itself");
    out = CEREMONY("contribute", file_in(folder, "none"), "-o", to);
    kit_refused(&out, 2, "none", "no such file");
    out = CEREMONY("contribute", last, "-o", "/dev/null");
    kit_refused(&out, 2, "not a file that can be replaced", "a device");
    out = CEREMONY("contribute", last, "-o", to, "--name", "a\nb");
    kit_refused(&out, 2, "control characters", "a name of two lines");
    out = CEREMONY("beacon", last, "-o", to, "--beacon", "0x123");
    kit_refused(&out, 2, "--beacon HEX", "half a byte");
    out = CEREMONY("beacon", last, "-o", to);
    kit_refused(&out, 2, "--beacon HEX", "no beacon");
    out = CEREMONY("beacon", last, "-o", to, "--beacon", "00", "--rounds", "9");
    kit_refused(&out, 2, "from 10 to 36", "few rounds");
    out = CEREMONY("new", "-o", to);
    kit_refused(&out, 2, "--power N", "no power");
    out = CEREMONY("new", "-o", to, "--power", "29");
    kit_refused(&out, 2, "from 1 to 28", "a large power");
    out = CEREMONY("verify", last, "--name", "x");
    kit_refused(&out, 2, "verify takes no option '--name'", "a foreign option");
    out = CEREMONY("verify");
    kit_refused(&out, 2, "takes a .ptau file", "no file");
    out = CEREMONY("verify", fresh);
    kit_refused(&out, 1, "nobody has contributed", "a new ceremony");
    out = CEREMONY("import", last, "--power", "3");
    kit_refused(&out, 2, "--power 3", "more than there is");
    out = REGISTRY("ceremony");
    kit_refused(&out, 2, "new, contribute", "no command");
    out = REGISTRY("ceremony", "steal");
    kit_refused(&out, 2, "ceremony steal", "an unknown command");
    out = REGISTRY("steal");
    kit_refused(&out, 2, "steal", "an unknown command");
    REQUIRE_OK(file_write(bad, "ptau", 4, FILE_MODE_PUBLIC, false, &diag), &diag);
    out = CEREMONY("verify", bad, "--quiet");
    kit_refused(&out, 2, "bad", "four bytes");
    CHECK(!file_exists(to));
}

TEST(help_of_every_command_has_examples)
{
    static const char *const commands[] = {"new", "contribute", "beacon", "verify", "import"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct test_output out = CEREMONY(commands[i], "--help");
        const char *usage = kit_text("usage: sertn-registry ceremony %s", commands[i]);
        kit_done(&out, commands[i]);
        CHECK_MSG(strncmp(out.text, usage, strlen(usage)) == 0, "%s: %.100s", commands[i],
                  out.text);
        CHECK(strstr(out.text, "examples:\n") != NULL);
    }
    struct test_output out = REGISTRY("--help");
    kit_done(&out, "--help");
    CHECK(strstr(out.text, "usage: sertn-registry") != NULL);
}
