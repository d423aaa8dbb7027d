/* label: prover libs: sertn_3rd_cjson */
/*
 * Powers of tau of ceremonies that the real snarkjs made: imported by sertnc and sertn-run, used
 * for keys, proofs and verification, and refused when anything in them was touched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/programs/programs_kit.h"

#define MODEL "linear_regression"

static const char *ceremony_a(void)
{
    return kit_ceremony("prepared");
}

/* snarkjs has not prepared it for phase 2, which these proofs do not need. */
static const char *ceremony_b(void)
{
    return kit_ceremony("unprepared");
}

/* The programs find an empty cache from here on, as on another machine. */
static void forget_caches(void)
{
    struct diag diag = {0};
    const char *folder = kit_text("%s/tests/cache-of-another-machine", test_build_dir());
    REQUIRE_OK(file_remove_tree(folder, &diag), &diag);
    setenv("XDG_CACHE_HOME", folder, 1);
}

static struct test_output prove(const char *folder, const char *proof, const char *option,
                                const char *value)
{
    return SERTN_RUN("prove", folder, "--input", kit_model(MODEL, "input.json"), "-o", proof,
                     option, value);
}

TEST(keys_and_proofs_stand_on_a_ceremony)
{
    const char *ptau = ceremony_a(), *folder = kit_compiled(MODEL);
    const char *proof = test_path(test_temp_dir(), "p.json");
    forget_caches();
    struct test_output out = SERTN_RUN("keys", folder, "--srs", ptau, "--json");
    kit_done(&out, "keys");
    cJSON_Delete(kit_json(&out));
    out = prove(folder, proof, "--quiet", NULL);
    kit_done(&out, "prove, with the powers in the cache");
    out = SERTN_RUN("verify", folder, proof, "--quiet");
    kit_done(&out, "verify, with the powers in the cache");
    out = SERTN_RUN("keys", folder, "--check", "--quiet");
    kit_done(&out, "keys --check");

    /* Another machine has to be given the file. */
    forget_caches();
    out = SERTN_RUN("verify", folder, proof);
    kit_refused(&out, 2, "--srs FILE.ptau", "verify without the powers");
    out = prove(folder, proof, NULL, NULL);
    kit_refused(&out, 2, "--srs FILE.ptau", "prove without the powers");
    out = SERTN_RUN("keys", folder, "--check");
    kit_refused(&out, 2, "--srs FILE.ptau", "keys --check without the powers");
    out = SERTN_RUN("keys", folder, "--check", "--srs", ptau, "--quiet");
    kit_done(&out, "keys --check --srs");
    out = SERTN_RUN("verify", folder, proof, "--srs", ptau, "--quiet");
    kit_done(&out, "verify --srs");
    out = prove(folder, proof, "--srs", ptau);
    kit_done(&out, "prove --srs");
}

/* Only the development parameters are warned of. */
TEST(keys_over_a_ceremony_carry_no_warning)
{
    const char *folder = kit_compiled(MODEL);
    struct test_output out = SERTN_RUN("keys", folder);
    kit_done(&out, "keys");
    CHECK(strstr(out.errors, "DEVELOPMENT") != NULL);
    out = SERTN_RUN("keys", folder, "--srs", ceremony_a());
    kit_done(&out, "keys --srs");
    CHECK(strstr(out.errors, "DEVELOPMENT") == NULL);
    /* Made again without the option they stay on that ceremony. */
    out = SERTN_RUN("keys", folder);
    kit_done(&out, "keys again");
    CHECK(strstr(out.errors, "DEVELOPMENT") == NULL);
}

TEST(sertnc_makes_keys_over_a_ceremony)
{
    const char *folder = test_path(test_temp_dir(), "m.sertn");
    struct test_output out =
        SERTNC(kit_model(MODEL, "model.onnx"), "-o", folder, "--data",
               kit_model(MODEL, "test_data_set_0"), "--srs", ceremony_a(), "--quiet");
    kit_done(&out, "sertnc --srs");
    REQUIRE(file_exists(test_path(folder, "public/vk")));
    CHECK(file_exists(test_path(folder, "public/ModelVerifier.sol")));
    out = SERTN_RUN("keys", folder, "--check", "--quiet");
    kit_done(&out, "keys --check");
    const char *proof = kit_proved(folder, MODEL);
    out = SERTN_RUN("verify", folder, proof, "--srs", ceremony_a(), "--quiet");
    kit_done(&out, "verify");
    out = SERTN_RUN("verify", folder, proof, "--srs", ceremony_b());
    kit_refused(&out, 2, "another SRS", "verify with another ceremony");
}

TEST(ceremonies_are_not_mixed)
{
    const char *a = ceremony_a(), *b = ceremony_b(), *folder = kit_compiled(MODEL);
    const char *proof = test_path(test_temp_dir(), "p.json");
    struct test_output out = SERTN_RUN("keys", folder, "--srs", b, "--quiet");
    kit_done(&out, "keys over the unprepared ceremony");
    out = prove(folder, proof, "--srs", a);
    kit_refused(&out, 2, NULL, "prove with another ceremony");
    CHECK(!file_exists(proof));
    out = SERTN_RUN("keys", folder, "--check", "--srs", a);
    CHECK(out.exit_status != 0);
    out = prove(folder, proof, "--srs", b);
    kit_done(&out, "prove with its ceremony");
    out = SERTN_RUN("verify", folder, proof, "--srs", b, "--quiet");
    kit_done(&out, "verify");
}

TEST(a_ceremony_that_is_too_small_says_what_is_needed)
{
    const char *folder = kit_compiled("mlp");
    struct test_output out = SERTN_RUN("keys", folder, "--srs", ceremony_a());
    kit_refused(&out, 2, "larger .ptau", "mlp");
    CHECK(!file_exists(test_path(folder, "public/vk")));
    out = SERTNC(kit_model("mlp", "model.onnx"), "--report-only", "--srs", ceremony_a());
    kit_refused(&out, 2, "larger .ptau", "report of mlp");
}

/* The power that the report names is the least that does. */
TEST(the_report_names_the_power_that_is_needed)
{
    struct test_output out = SERTNC(kit_model(MODEL, "model.onnx"), "--report-only", "--json");
    kit_done(&out, "report");
    cJSON *report = kit_json(&out);
    CHECK(kit_number(report, "ptau_power") == KIT_CEREMONY_POWER);
    cJSON_Delete(report);
    out = SERTNC(kit_model(MODEL, "model.onnx"), "--report-only", "--srs", ceremony_a(), "--quiet");
    kit_done(&out, "report --srs");
}

/* ---- touched files ---- */

static void refuse(const char *folder, const struct buffer *bytes, size_t count, const char *what)
{
    const char *path = test_path(test_temp_dir(), "touched.ptau");
    kit_write(path, bytes->data, count);
    struct test_output out = SERTN_RUN("keys", folder, "--srs", path);
    kit_refused(&out, 2, "touched.ptau", what);
    CHECK_MSG(!file_exists(test_path(folder, "public/vk")), "%s: keys were made", what);
}

/* Offset of the content of a section of the file (u32 id, u64 length, content). */
static size_t section_start(const struct buffer *bytes, uint32_t wanted, uint64_t *length)
{
    size_t at = 12;
    while (at + 12 <= bytes->count) {
        uint32_t id;
        memcpy(&id, bytes->data + at, sizeof id);
        memcpy(length, bytes->data + at + 4, sizeof *length);
        if (id == wanted)
            return at + 12;
        at += 12 + (size_t)*length;
    }
    REQUIRE(false);
    return 0;
}

TEST(touched_ceremonies_make_no_keys)
{
    enum { POINT = 64, USED = 160 };
    const char *folder = kit_compiled(MODEL);
    struct buffer bytes = kit_read(ceremony_a());
    uint64_t length;
    forget_caches();
    size_t header = section_start(&bytes, 1, &length);
    size_t powers = section_start(&bytes, 2, &length);
    size_t powers_g2 = section_start(&bytes, 3, &length);
    const size_t places[] = {0,
                             4,
                             header,
                             header + 4,
                             header + 20,
                             header + 36,
                             powers,
                             powers + 40,
                             powers + POINT,
                             powers + POINT + 33,
                             powers + POINT * (USED - 1) + 5,
                             powers_g2,
                             powers_g2 + 128,
                             powers_g2 + 255};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        bytes.data[places[i]] ^= 2;
        refuse(folder, &bytes, bytes.count, kit_text("byte %zu", places[i]));
        bytes.data[places[i]] ^= 2;
    }
    for (size_t i = 0; i < 12; i++) {
        size_t place = powers + test_random_below(POINT * USED);
        bytes.data[place] ^= (uint8_t)(1 << test_random_below(8));
        refuse(folder, &bytes, bytes.count, kit_text("byte %zu", place));
        bytes = (buffer_release(&bytes), kit_read(ceremony_a()));
    }
    /* Points of the curve in the wrong places. */
    uint8_t kept[2 * POINT];
    memcpy(kept, bytes.data + powers + 5 * POINT, sizeof kept);
    memcpy(bytes.data + powers + 5 * POINT, kept + POINT, POINT);
    memcpy(bytes.data + powers + 6 * POINT, kept, POINT);
    refuse(folder, &bytes, bytes.count, "two powers exchanged");
    memcpy(bytes.data + powers + 5 * POINT, kept, sizeof kept);
    memset(bytes.data + powers + 7 * POINT, 0, POINT);
    refuse(folder, &bytes, bytes.count, "a power that is infinity");
    for (size_t count = 0; count < powers + POINT * USED; count += 2000)
        refuse(folder, &bytes, count, kit_text("cut at %zu", count));
    buffer_release(&bytes);
}

/* [tau]_2 of one ceremony with the powers of another. */
TEST(powers_of_another_tau_make_no_keys)
{
    uint64_t length;
    const char *folder = kit_compiled(MODEL);
    struct buffer a = kit_read(ceremony_a()), b = kit_read(ceremony_b());
    size_t to = section_start(&a, 3, &length), from = section_start(&b, 3, &length);
    forget_caches();
    memcpy(a.data + to, b.data + from, (size_t)length);
    refuse(folder, &a, a.count, "[tau]_2 of another ceremony");
    buffer_release(&b);
    buffer_release(&a);
}
