/* label: fast libs: sertn_3rd_cjson */
/*
 * Files of compiled models that are missing, damaged, of another version or of another model: each
 * command that needs the file says which one and what to do, and does nothing; keys are made anew
 * over whatever is left of earlier ones. Powers of tau that are none, or of another SRS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/hash/keccak.h"
#include "ir/support/file.h"
#include "ir/support/packed.h"
#include "ir/support/reader.h"
#include "runtime/model.h"
#include "tests/programs/programs_kit.h"

#define MODEL "linear_regression"

enum damage { CUT, EMPTY, FLIPPED, LONGER, NEXT_VERSION, MISSING, FOLDER, OF_ANOTHER, DAMAGES };
static const char *const damage_names[] = {
    "cut", "empty", "flipped", "longer", "next version", "missing", "a folder", "of another model"};

/* Where a file has its version, and the index of the byte that a flip changes. */
static void damage_bytes(const char *path, enum damage damage)
{
    struct buffer bytes = kit_read(path);
    REQUIRE(bytes.count > 16);
    if (damage == FLIPPED)
        bytes.data[bytes.count / 2] ^= 1;
    if (damage == NEXT_VERSION)
        bytes.data[8]++;
    if (damage == LONGER)
        buffer_put_u8(&bytes, 0);
    kit_write(path, bytes.data,
              damage == CUT     ? bytes.count / 2
              : damage == EMPTY ? 0
                                : bytes.count);
    buffer_release(&bytes);
}

/* Makes one file of the model unusable. */
static void damage_file(const char *model, const char *file, const char *other, enum damage damage)
{
    const char *path = test_path(model, file);
    if (damage == MISSING || damage == FOLDER)
        REQUIRE(unlink(path) == 0);
    if (damage == FOLDER)
        REQUIRE(mkdir(path, 0755) == 0);
    if (damage == OF_ANOTHER) {
        struct buffer bytes = kit_read(test_path(other, file));
        kit_write(path, bytes.data, bytes.count);
        buffer_release(&bytes);
    }
    if (damage < MISSING)
        damage_bytes(path, damage);
}

struct fixture {
    const char *model, *other, *proof, *input;
};

static struct fixture make_fixture(void)
{
    struct fixture f = {.model = kit_keyed(MODEL),
                        .other = kit_keyed("linear_gemm"),
                        .input = kit_model(MODEL, "input.json")};
    f.proof = kit_proved(f.model, MODEL);
    return f;
}

static const char *copy_of(const char *model)
{
    const char *copy = test_path(test_temp_dir(), "copy.sertn");
    struct test_output out = kit_shell("cp -r %s %s", model, copy);
    kit_done(&out, "cp");
    return copy;
}

/* Every command that reads the file refuses, names it, and leaves no proof. */
static void refused_everywhere(const struct fixture *f, const char *file, unsigned reads,
                               enum damage damage, const char *what)
{
    const char *copy = copy_of(f->model), *proof = test_path(test_temp_dir(), "p.json");
    const char *named = test_path(copy, file);
    damage_file(copy, file, f->other, damage);
    enum { VERIFY = 1, PROVE = 2, CHECK = 4, KEYS = 8, KEYS_CHECK = 16 };
    struct {
        unsigned bit;
        struct test_output out;
    } runs[] = {
        {VERIFY, SERTN_RUN("verify", copy, f->proof)},
        {PROVE, SERTN_RUN("prove", copy, "--input", f->input, "-o", proof)},
        {CHECK, SERTN_RUN("check", copy, "--input", f->input)},
        {KEYS_CHECK, SERTN_RUN("keys", copy, "--check")},
        {KEYS, SERTN_RUN("keys", copy)},
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        const char *run = kit_text("%s %s, command %u", file, what, runs[i].bit);
        if ((reads & runs[i].bit) == 0)
            continue;
        /* A setup proof that is wrong is a rejected proof. */
        bool rejected = runs[i].bit == KEYS_CHECK && strcmp(file, "public/setup") == 0 &&
                        damage != MISSING && damage != FOLDER;
        kit_refused(&runs[i].out, rejected ? 1 : 2, NULL, run);
        CHECK_MSG(strstr(runs[i].out.errors, named) != NULL ||
                      (damage == OF_ANOTHER && strstr(runs[i].out.errors, copy) != NULL),
                  "%s: does not name the file: %s", run, runs[i].out.errors);
    }
    CHECK_MSG((reads & PROVE) == 0 || !file_exists(proof), "%s %s: leaves a proof", file, what);
}

enum { EVERY_COMMAND = 31 };

TEST(circuits_that_are_damaged_or_of_another_model_are_refused)
{
    struct fixture f = make_fixture();
    for (enum damage d = 0; d < DAMAGES; d++)
        refused_everywhere(&f, "public/circuit", d == OF_ANOTHER ? 1 | 2 | 16 : EVERY_COMMAND, d,
                           damage_names[d]);
}

static void put_count(struct buffer *out, size_t count)
{
    for (; count >= 128; count >>= 7)
        buffer_put_u8(out, (uint8_t)(count | 128));
    buffer_put_u8(out, (uint8_t)count);
}

/* The same program, with nothing said once, under a checksum that fits. */
TEST(circuits_that_are_packed_in_another_way_are_refused)
{
    enum { START = 16, DIGEST = 32 };
    struct fixture f = make_fixture();
    const char *copy = copy_of(f.model), *path = test_path(copy, "public/circuit");
    struct buffer bytes = kit_read(path), plain = {0}, loose = {0}, file = {0};
    struct diag diag = {0};
    struct reader reader;
    reader_init(&reader, bytes.data + START, 8);
    size_t count = (size_t)reader_u64(&reader), rest = START + 8 + count;
    REQUIRE(rest + DIGEST < bytes.count);
    REQUIRE_OK(packed_read(&plain, bytes.data + START + 8, count, UINT32_MAX, "it", &diag), &diag);
    put_count(&loose, plain.count);
    put_count(&loose, plain.count);
    buffer_put(&loose, plain.data, plain.count);
    buffer_put(&file, bytes.data, START);
    buffer_put_u64(&file, loose.count);
    buffer_put(&file, loose.data, loose.count);
    buffer_put(&file, bytes.data + rest, bytes.count - DIGEST - rest);
    uint8_t digest[DIGEST];
    keccak256(digest, file.data, file.count);
    buffer_put(&file, digest, DIGEST);
    kit_write(path, file.data, file.count);
    struct test_output out = SERTN_RUN("verify", copy, f.proof);
    kit_refused(&out, 2, "packed in another way", "verify");
    out = SERTN_RUN("check", copy, "--input", f.input);
    kit_refused(&out, 2, "packed in another way", "check");
    buffer_release(&bytes);
    buffer_release(&plain);
    buffer_release(&loose);
    buffer_release(&file);
}

/* The head, counts, sections and checksum: whatever byte changes. */
TEST(no_byte_of_a_circuit_file_may_change)
{
    enum { ENDS = 150, STEP = 61 };
    const char *copy = copy_of(kit_keyed(MODEL)), *path = test_path(copy, "public/circuit");
    struct buffer bytes = kit_read(path);
    struct model model;
    struct diag diag = {0};
    REQUIRE_OK(model_load(&model, copy, MODEL_WHOLE, &diag), &diag);
    model_release(&model);
    for (size_t i = 0; i < bytes.count; i += i < ENDS || i + ENDS > bytes.count ? 1 : STEP) {
        uint8_t flip = (uint8_t)(1 + test_random_below(255));
        bytes.data[i] ^= flip;
        kit_write(path, bytes.data, bytes.count);
        diag = (struct diag){0};
        CHECK_STATUS(model_load(&model, copy, MODEL_WHOLE, &diag), STATUS_BAD_INPUT, &diag);
        CHECK_MSG(strstr(diag.text, path) != NULL, "byte %zu: %s", i, diag.text);
        model_release(&model);
        bytes.data[i] ^= flip;
    }
    buffer_release(&bytes);
}

/* Making keys looks at no earlier key; check needs none. */
TEST(keys_that_are_damaged_or_of_another_model_are_refused)
{
    struct fixture f = make_fixture();
    for (enum damage d = 0; d < DAMAGES; d++) {
        if (d != MISSING)
            refused_everywhere(&f, "public/vk", 1 | 2 | 4 | 16, d, damage_names[d]);
    }
}

TEST(weights_that_are_damaged_or_of_another_model_are_refused)
{
    struct fixture f = make_fixture();
    for (enum damage d = 0; d < DAMAGES; d++)
        refused_everywhere(&f, "private/parameters", 2 | 4 | 8, d, damage_names[d]);
}

TEST(tails_that_are_damaged_or_of_another_model_are_refused)
{
    struct fixture f = make_fixture();
    for (enum damage d = 0; d < DAMAGES; d++)
        refused_everywhere(&f, "private/tail", 2, d, damage_names[d]);
}

/* What an owner's folder says of where the model came from. */
TEST(sources_that_make_no_sense_are_refused)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"model\":7}",
        "{\"model\":\"m.onnx\",\"fixed\":[{\"type\":\"float32\",\"shape\":[],\"values\":[\"1\"]}]}",
        "{\"model\":\"m.onnx\",\"fixed\":{\"a\":7}}",
        "{\"model\":\"m.onnx\",\"fixed\":{\"a\":{\"type\":\"float32\",\"shape\":[1e300],"
        "\"values\":[]}}}",
        "{\"model\":\"m.onnx\",\"fixed\":{\"a\":{\"type\":\"float32\",\"shape\":[-1],"
        "\"values\":[]}}}",
        "{\"model\":\"m.onnx\",\"fixed\":{\"a\":{\"type\":\"float32\",\"shape\":[2],"
        "\"values\":[\"1\"]}}}",
        "{\"model\":\"m.onnx\",\"fixed\":{\"a\":{\"type\":\"string\",\"shape\":[1],"
        "\"values\":[\"1\"]}}}",
        "{\"model\":\"m.onnx\",\"fixed\":{\"a\":{\"type\":\"float32\",\"shape\":[1],"
        "\"values\":[1]}}}",
        "{\"model\":\"m.onnx\",\"binds\":[\"7\"]}",
        "{\"model\":\"m.onnx\",\"max_dims\":[7]}",
        "{\"model\":\"m.onnx\",\"max_dims\":{\"a\":1e300}}",
        "{\"model\":\"m.onnx\",\"seed\":-1}",
        "{\"model\":\"m.onnx\",\"functions\":{}}"};
    const char *copy = copy_of(kit_compiled(MODEL)), *input = kit_model(MODEL, "input.json"),
               *source = test_path(copy, "private/source.json");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        kit_write(source, texts[i], strlen(texts[i]));
        struct test_output out =
            SERTN_RUN("eval", copy, "--input", input, "--model", kit_model(MODEL, "model.onnx"));
        kit_refused(&out, 2, source, texts[i]);
        out = SERTN_RUN("check", copy, "--input", input);
        kit_refused(&out, 2, source, texts[i]);
    }
}

/* One number bound to a name that many inputs have. */
TEST(sources_of_models_with_inputs_of_one_name_are_refused)
{
    static const char text[] = "{\"model\":\"m.onnx\",\"binds\":{\"x\":\"[1, 2]\"}}";
    const char *copy = copy_of(kit_compiled(MODEL)),
               *model = test_source_path("tests/models/bad/input_twice.onnx");
    kit_write(test_path(copy, "private/source.json"), text, strlen(text));
    struct test_output out =
        SERTN_RUN("eval", copy, "--input", kit_model(MODEL, "input.json"), "--model", model);
    kit_refused(&out, 2, "two inputs are called 'x'", "inputs of one name");
}

TEST(setup_proofs_that_are_damaged_or_of_another_model_are_rejected)
{
    struct fixture f = make_fixture();
    for (enum damage d = 0; d < DAMAGES; d++) {
        if (d != NEXT_VERSION) /* it has none: the circuit's version is its own */
            refused_everywhere(&f, "public/setup", 16, d, damage_names[d]);
    }
}

TEST(metadata_that_is_damaged_or_of_another_model_makes_no_keys)
{
    struct fixture f = make_fixture();
    static const enum damage kinds[] = {CUT, EMPTY, MISSING, FOLDER, OF_ANOTHER};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        refused_everywhere(&f, "public/metadata.json", 8, kinds[i], damage_names[kinds[i]]);
}

/* Weights of the same circuit, from another compilation: the key pins the others. */
TEST(other_weights_for_the_same_circuit_are_refused_before_proving)
{
    const char *base = test_temp_dir(), *a = test_path(base, "a"), *b = test_path(base, "b");
    static const char *const models[] = {"tests/privacy/linear/a.onnx",
                                         "tests/privacy/linear/b0.onnx"};
    struct test_output out;
    for (size_t i = 0; i < 2; i++) {
        out = SERTNC(test_source_path(models[i]), "-o", i == 0 ? a : b, "--data",
                     test_source_path("tests/privacy/data_4.json"), "--quiet");
        kit_done(&out, models[i]);
    }
    REQUIRE(kit_same_file(test_path(a, "public/circuit"), test_path(b, "public/circuit")));
    out = SERTN_RUN("keys", a, "--quiet");
    kit_done(&out, "keys");
    struct buffer bytes = kit_read(test_path(b, "private/parameters"));
    kit_write(test_path(a, "private/parameters"), bytes.data, bytes.count);
    buffer_release(&bytes);
    const char *input = test_path(base, "in.json"), *proof = test_path(base, "p.json");
    kit_write(input, "[0, 0, 0, 0]", 12);
    out = SERTN_RUN("prove", a, "--input", input, "-o", proof);
    kit_refused(&out, 2, "sertn-run keys", "other weights");
    CHECK(!file_exists(proof));
}

/* Whatever is left of keys, making them again makes them whole. */
TEST(keys_are_made_again_over_damaged_ones)
{
    static const char *const files[] = {"public/vk", "public/setup", "private/tail",
                                        "public/ModelVerifier.sol"};
    struct fixture f = make_fixture();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        for (enum damage d = 0; d < DAMAGES; d++) {
            const char *copy = copy_of(f.model),
                       *what = kit_text("%s %s", files[i], damage_names[d]);
            if (d == FOLDER)
                continue;
            damage_file(copy, files[i], f.other, d);
            struct test_output out = SERTN_RUN("keys", copy, "--quiet");
            kit_done(&out, what);
            out = SERTN_RUN("keys", copy, "--check", "--quiet");
            kit_done(&out, what);
            const char *proof = kit_proved(copy, MODEL);
            out = SERTN_RUN("verify", copy, proof, "--quiet");
            kit_done(&out, what);
        }
    }
}

TEST(a_folder_that_is_no_model_says_how_to_make_one)
{
    const char *folder = test_temp_dir();
    struct test_output out = SERTN_RUN("keys", folder);
    kit_refused(&out, 2, "sertnc model.onnx -o", "an empty folder");
    out = SERTN_RUN("keys", kit_model(MODEL, "model.onnx"));
    kit_refused(&out, 2, "not a compiled model", "a file");
    const char *model = kit_compiled(MODEL);
    out = SERTN_RUN("keys", model, "--check");
    kit_refused(&out, 2, "sertn-run keys", "no key to check");
    out = SERTN_RUN("verify", model, kit_model(MODEL, "input.json"));
    kit_refused(&out, 2, "not a proof", "an input for a proof");
}

/* A buyer has public/ alone: what takes the weights says so. */
TEST(the_public_folder_alone_verifies_and_says_what_it_cannot)
{
    struct fixture f = make_fixture();
    struct test_output out = kit_shell("rm -r %s/private", f.model);
    kit_done(&out, "rm");
    out = SERTN_RUN("verify", f.model, f.proof, "--quiet");
    kit_done(&out, "verify");
    out = SERTN_RUN("keys", f.model, "--check", "--quiet");
    kit_done(&out, "keys --check");
    out = SERTN_RUN("calldata", f.model, f.proof);
    kit_done(&out, "calldata");
    out = SERTN_RUN("prove", f.model, "--input", f.input, "-o", f.proof);
    kit_refused(&out, 2, "the weights", "prove");
    out = SERTN_RUN("check", f.model, "--input", f.input);
    kit_refused(&out, 2, "the weights", "check");
}

/* ---- powers of tau ---- */

static void refuse_srs(const char *model, const char *path, const char *says)
{
    struct test_output out = SERTN_RUN("keys", model, "--srs", path);
    kit_refused(&out, 2, says, path);
    CHECK(!file_exists(test_path(model, "public/vk")));
}

TEST(powers_of_tau_that_are_none_make_no_keys)
{
    const char *model = kit_compiled(MODEL), *folder = test_temp_dir();
    const char *path = test_path(folder, "altered.ptau");
    struct buffer good = kit_read(test_source_path("tests/backend/commit/ceremony_5.ptau"));
    refuse_srs(model, test_path(folder, "nosuch.ptau"), "nosuch.ptau");
    refuse_srs(model, folder, "directory");
    refuse_srs(model, kit_model(MODEL, "input.json"), "snarkjs");
    refuse_srs(model, test_source_path("tests/backend/commit/ceremony_5.ptau"), "larger .ptau");
    kit_write(path, good.data, good.count / 2);
    refuse_srs(model, path, "altered.ptau");
    kit_write(path, good.data, 0);
    refuse_srs(model, path, "altered.ptau");
    good.data[4]++;
    kit_write(path, good.data, good.count);
    refuse_srs(model, path, "version");
    buffer_release(&good);
}

TEST(keys_of_one_srs_are_not_used_with_another)
{
    struct fixture f = make_fixture();
    const char *ptau = test_source_path("tests/backend/commit/ceremony_5.ptau");
    struct test_output out = SERTN_RUN("verify", f.model, f.proof, "--srs", ptau);
    kit_refused(&out, 2, "another SRS", "verify");
    out = SERTN_RUN("verify", f.model, f.proof, "--srs", f.proof);
    kit_refused(&out, 2, "snarkjs", "verify with a proof for an SRS");
}
