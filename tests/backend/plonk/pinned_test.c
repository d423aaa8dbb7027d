/* label: prover */
/*
 * What may not change by accident: the transcript's manifest, stored proofs that must still be
 * accepted, and that a proof depends on its randomness alone, not on threads or CPU paths.
 * SERTN_REFRESH=1 rewrites the stored files.
 */
#include "backend/hash/keccak.h"
#include "backend/poly/polynomial.h"
#include "ir/support/buffer.h"
#include "tests/backend/plonk/circuit_builder.h"
#include "tests/harness/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t entropy[PLONK_ENTROPY_BYTES] = {5, 4, 3, 2, 1};

/* The manifest so far; runs of items with one label are one line. */
struct manifest {
    struct buffer text;
    char label[64];
    size_t bytes;
    enum transcript_step step;
};

static void end_run(struct manifest *manifest)
{
    if (manifest->label[0] != 0)
        buffer_printf(&manifest->text, "%s %s %zu\n",
                      manifest->step == TRANSCRIPT_ABSORB ? "absorb" : "squeeze", manifest->label,
                      manifest->bytes);
}

static void record(void *context, enum transcript_step step, const char *label,
                   const uint8_t *bytes, size_t count)
{
    (void)bytes;
    struct manifest *manifest = context;
    if (step == manifest->step && strcmp(label, manifest->label) == 0) {
        manifest->bytes += count;
        return;
    }
    end_run(manifest);
    snprintf(manifest->label, sizeof manifest->label, "%s", label);
    manifest->step = step;
    manifest->bytes = count;
}

static void check_manifest(enum plonk_mode mode, unsigned params, uint32_t words,
                           const char *expected)
{
    struct built built;
    struct features at;
    struct proved proved;
    struct manifest manifest = {.bytes = 0};
    built_features(&built, &at, 6, params, words);
    proved_init(&proved, &built, mode);
    struct plonk_trial trial = {.observer = record, .observer_context = &manifest};
    CHECK(proved_force(&proved, &built, &trial));
    end_run(&manifest);
    CHECK_TEXT(buffer_text(&manifest.text), expected);
    buffer_release(&manifest.text);
    proved_release(&proved);
    built_release(&built);
}

TEST(the_transcript_of_gas_mode_is_pinned)
{
    check_manifest(
        PLONK_MODE_GAS, 2, 3,
        "absorb vk digest 32\nabsorb context 32\nabsorb word count 32\nabsorb words 96\n"
        "absorb phase 0 64\n"
        "squeeze rho 32\nsqueeze beta 32\nsqueeze gamma 32\nsqueeze theta 32\nsqueeze chi 32\n"
        "absorb phase 1 64\nsqueeze alpha 32\nabsorb T 64\nsqueeze xi 32\n"
        "absorb evaluations 832\nsqueeze eta 32\nabsorb W 64\nsqueeze u 32\nabsorb W' 64\n");
}

TEST(the_transcript_of_fast_mode_is_pinned)
{
    check_manifest(
        PLONK_MODE_FAST, 0, 0,
        "absorb vk digest 32\nabsorb context 32\nabsorb word count 32\n"
        "absorb phase 0 256\n"
        "squeeze rho 32\nsqueeze beta 32\nsqueeze gamma 32\nsqueeze theta 32\nsqueeze chi 32\n"
        "absorb phase 1 192\nsqueeze alpha 32\n"
        "absorb T 256\nsqueeze xi 32\n"
        "absorb evaluations 768\nsqueeze eta 32\nabsorb W 64\nsqueeze u 32\nabsorb W' 64\n");
}

TEST(sizes_are_those_of_the_page)
{
    static const struct {
        enum plonk_mode mode;
        unsigned params;
        size_t proof, vk, evaluations;
    } sizes[] = {{PLONK_MODE_GAS, 0, 1120, 288, 24},   {PLONK_MODE_GAS, 1, 1152, 352, 25},
                 {PLONK_MODE_GAS, 2, 1184, 416, 26},   {PLONK_MODE_FAST, 0, 1632, 992, 24},
                 {PLONK_MODE_FAST, 1, 1728, 1056, 25}, {PLONK_MODE_FAST, 2, 1824, 1120, 26}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct plonk_layout layout;
        plonk_layout_init(&layout, sizes[i].mode, 10, sizes[i].params, false);
        CHECK_U64(layout.proof_bytes, sizes[i].proof);
        CHECK_U64(layout.vk_bytes, sizes[i].vk);
        CHECK_U64(layout.evaluation_count, sizes[i].evaluations);
        CHECK_U64(layout.quotient_count, 4 * 1024 + 2);
        /* W is as long as phase 0's group, which is the widest; in fast mode the setup proof's T is
         * the longest. */
        size_t widest = sizes[i].params == 2 ? 6 : 5;
        CHECK_U64(layout.srs_points, sizes[i].mode == PLONK_MODE_GAS ? widest * 1024 : 1029);
    }
}

/* ---- Stored proofs -------------------------------------------------------------------------- */

static void write_stored(const char *path, struct proved *proved, const struct built *built)
{
    struct buffer text = {0};
    struct plonk_claim claim = proved_claim(proved, built);
    buffer_printf(&text, "%s", "vk ");
    buffer_put_hex(&text, claim.vk, claim.vk_bytes);
    buffer_puts(&text, "\ncontext ");
    buffer_put_hex(&text, claim.context, PLONK_CONTEXT_BYTES);
    buffer_puts(&text, "\nwords ");
    buffer_put_hex(&text, claim.words, 32 * claim.word_count);
    buffer_puts(&text, "\nproof ");
    buffer_put_hex(&text, claim.proof, claim.proof_bytes);
    buffer_puts(&text, "\n");
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    CHECK(fwrite(text.data, 1, text.count, file) == text.count);
    CHECK(fclose(file) == 0);
    buffer_release(&text);
}

static unsigned hex_digit(int c)
{
    return c >= 'a' ? (unsigned)(c - 'a') + 10 : (unsigned)(c - '0');
}

/* Reads "name hex\n"; returns the number of bytes. */
static size_t read_field(FILE *file, const char *name, uint8_t *out, size_t capacity)
{
    char word[16];
    REQUIRE(fscanf(file, "%15s", word) == 1 && strcmp(word, name) == 0 && fgetc(file) == ' ');
    size_t count = 0;
    for (int c = fgetc(file); c != '\n' && c != EOF; c = fgetc(file)) {
        REQUIRE(count < capacity);
        unsigned high = hex_digit(c);
        out[count++] = (uint8_t)(high << 4 | hex_digit(fgetc(file)));
    }
    return count;
}

static void check_stored(const char *name, enum plonk_mode mode)
{
    const char *path = test_source_path(name);
    if (getenv("SERTN_REFRESH") != NULL) {
        struct built built;
        struct features at;
        struct proved proved;
        struct diag diag = {0};
        built_features(&built, &at, 6, 2, 2);
        proved_init(&proved, &built, mode);
        REQUIRE_OK(proved_prove(&proved, &built, entropy, &diag), &diag);
        write_stored(path, &proved, &built);
        proved_release(&proved);
        built_release(&built);
    }
    uint8_t vk[PLONK_VK_BYTES_MAX], context[32], words[32 * BUILT_WORDS],
        proof[PLONK_PROOF_BYTES_MAX], digest[32];
    FILE *file = fopen(path, "r");
    REQUIRE(file != NULL);
    struct plonk_claim claim = {
        .vk_digest = digest, .vk = vk, .context = context, .words = words, .proof = proof};
    claim.vk_bytes = read_field(file, "vk", vk, sizeof vk);
    CHECK_U64(read_field(file, "context", context, sizeof context), 32);
    claim.word_count = read_field(file, "words", words, sizeof words) / 32;
    claim.proof_bytes = read_field(file, "proof", proof, sizeof proof);
    fclose(file);
    keccak256(digest, vk, claim.vk_bytes);
    struct diag diag = {0};
    CHECK_STATUS(plonk_verify(&claim, test_srs_verifier(), &diag), STATUS_OK, &diag);
    proof[claim.proof_bytes - 100] ^= 1;
    CHECK_STATUS(plonk_verify(&claim, test_srs_verifier(), &diag), STATUS_REJECTED, &diag);
}

TEST(a_stored_gas_proof_is_still_accepted)
{
    check_stored("tests/backend/plonk/stored_gas.txt", PLONK_MODE_GAS);
}

TEST(a_stored_fast_proof_is_still_accepted)
{
    check_stored("tests/backend/plonk/stored_fast.txt", PLONK_MODE_FAST);
}

/* ---- What a proof depends on ---------------------------------------------------------------- */

enum help { NO_HELP, WITH_BASES, WITH_BASES_AND_TABLE };

static void prove_with(uint8_t *proof, const struct built *built, enum plonk_mode mode,
                       unsigned threads, enum help help)
{
    struct srs srs = {0};
    struct proved proved;
    struct diag diag = {0};
    struct machine *machine = threads == 0 ? NULL : machine_new(threads);
    proved_init(&proved, built, mode);
    proved.key.machine = machine;
    if (help != NO_HELP)
        REQUIRE_OK(plonk_proving_key_open_bases(&proved.key, &diag), &diag);
    if (help == WITH_BASES_AND_TABLE) {
        const struct plonk_layout *layout = &proved.key.vk.layout;
        REQUIRE_OK(srs_open_development(&srs, layout->srs_points, machine, &diag), &diag);
        srs_use_table(&srs, plonk_table_bytes(layout), machine);
        CHECK(srs.powers.levels > 1);
        proved.key.srs = &srs;
    }
    REQUIRE_OK(proved_prove(&proved, built, entropy, &diag), &diag);
    memcpy(proof, proved.proof, proved.key.vk.layout.proof_bytes);
    proved_release(&proved);
    srs_release(&srs);
    machine_free(machine);
}

TEST(threads_paths_and_bases_do_not_show_in_a_proof)
{
    for (unsigned mode = 0; mode < PLONK_MODES; mode++) {
        struct built built;
        struct features at;
        static uint8_t alone[PLONK_PROOF_BYTES_MAX], other[PLONK_PROOF_BYTES_MAX];
        built_features(&built, &at, 7, 2, 2);
        memset(alone, 0, sizeof alone);
        memset(other, 0, sizeof other);
        prove_with(alone, &built, (enum plonk_mode)mode, 0, NO_HELP);
        prove_with(other, &built, (enum plonk_mode)mode, 3, NO_HELP);
        CHECK_BYTES(other, alone, sizeof alone);

        prove_with(other, &built, (enum plonk_mode)mode, 2, WITH_BASES);
        CHECK_BYTES(other, alone, sizeof alone);
        prove_with(other, &built, (enum plonk_mode)mode, 2, WITH_BASES_AND_TABLE);
        CHECK_BYTES(other, alone, sizeof alone);

        enum field_path path = field_path();
        field_force_path(FIELD_PATH_PORTABLE);
        prove_with(other, &built, (enum plonk_mode)mode, 1, NO_HELP);
        field_force_path(path);
        CHECK_BYTES(other, alone, sizeof alone);
        built_release(&built);
    }
}

/* Rows enough for several pieces in every loop of the prover. */
static void check_many_rows(enum plonk_mode mode, unsigned params, bool has_contraction)
{
    enum { LG_ROWS = 13 };
    struct built built;
    struct features at;
    struct proved alone, shared;
    struct srs srs;
    struct diag diag = {0};
    struct machine *machine = machine_new(3);
    if (has_contraction)
        built_contraction(&built, &at, LG_ROWS, params, 2);
    else
        built_features(&built, &at, LG_ROWS, params, 2);
    for (uint32_t row = built.next_row; row < at.first_word; row++)
        for (unsigned column = A1; column <= A3; column++)
            built_set(&built, column, row, (int64_t)test_random_below(1 << 30));
    REQUIRE_OK(srs_open_development(&srs, 7 << LG_ROWS, machine, &diag), &diag);
    proved_init_over(&alone, &built, mode, &srs, NULL);
    proved_init_over(&shared, &built, mode, &srs, machine);
    CHECK_BYTES(shared.vk, alone.vk, alone.key.vk.layout.vk_bytes);
    REQUIRE_OK(proved_prove(&alone, &built, entropy, &diag), &diag);
    REQUIRE_OK(proved_prove(&shared, &built, entropy, &diag), &diag);
    CHECK_BYTES(shared.proof, alone.proof, alone.key.vk.layout.proof_bytes);
    CHECK_STATUS(proved_verify(&shared, &built, &diag), STATUS_OK, &diag);
    proved_release(&alone);
    proved_release(&shared);
    built_release(&built);
    srs_release(&srs);
    machine_free(machine);
}

TEST(threads_do_not_show_in_a_proof_of_many_rows)
{
    check_many_rows(PLONK_MODE_GAS, 1, true);
    check_many_rows(PLONK_MODE_GAS, 2, false);
    check_many_rows(PLONK_MODE_FAST, 2, false);
}

/* Words of a proof that two proofs share. */
static unsigned equal_words(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    unsigned count = 0;
    for (size_t i = 0; i < bytes; i += 32)
        count += memcmp(a + i, b + i, 32) == 0;
    return count;
}

TEST(two_proofs_of_one_statement_share_nothing_but_zeros)
{
    for (unsigned mode = 0; mode < PLONK_MODES; mode++) {
        struct built built;
        struct features at;
        struct proved proved;
        struct diag diag = {0};
        uint8_t first[PLONK_PROOF_BYTES_MAX];
        built_features(&built, &at, 6, 2, 2);
        proved_init(&proved, &built, (enum plonk_mode)mode);
        size_t bytes = proved.key.vk.layout.proof_bytes;
        REQUIRE_OK(proved_prove(&proved, &built, NULL, &diag), &diag);
        memcpy(first, proved.proof, bytes);
        REQUIRE_OK(proved_prove(&proved, &built, NULL, &diag), &diag);
        CHECK_U64(equal_words(first, proved.proof, bytes), 0);
        /* The same entropy for another witness: the hedge gives other blinders. */
        REQUIRE_OK(proved_prove(&proved, &built, entropy, &diag), &diag);
        memcpy(first, proved.proof, bytes);
        built_set(&built, A1, at.null_row, 1);
        REQUIRE_OK(proved_prove(&proved, &built, entropy, &diag), &diag);
        CHECK_U64(equal_words(first, proved.proof, bytes), 0);
        /* And for another context. */
        memcpy(first, proved.proof, bytes);
        proved.context[3] ^= 1;
        REQUIRE_OK(proved_prove(&proved, &built, entropy, &diag), &diag);
        CHECK_U64(equal_words(first, proved.proof, bytes), 0);
        proved_release(&proved);
        built_release(&built);
    }
}

/* ---- Blinding ------------------------------------------------------------------------------- */

/* Rank of a matrix of `rows` x `columns`, by elimination. */
static unsigned rank(fr (*matrix)[8], unsigned rows, unsigned columns)
{
    unsigned found = 0;
    for (unsigned column = 0; column < columns; column++) {
        unsigned pivot = found;
        while (pivot < rows && fr_is_zero(&matrix[pivot][column]))
            pivot++;
        if (pivot == rows)
            continue;
        for (unsigned k = 0; k < columns; k++) {
            fr t = matrix[pivot][k];
            matrix[pivot][k] = matrix[found][k];
            matrix[found][k] = t;
        }
        fr inverse, factor, t;
        fr_inv(&inverse, &matrix[found][column]);
        for (unsigned i = found + 1; i < rows; i++) {
            fr_mul(&factor, &matrix[i][column], &inverse);
            for (unsigned k = column; k < columns; k++) {
                fr_mul(&t, &factor, &matrix[found][k]);
                fr_sub(&matrix[i][k], &matrix[i][k], &t);
            }
        }
        found++;
    }
    return found;
}

/* The tail's share of a column's value at each point: L_j(x) for the tail rows j. */
static unsigned tail_rank(const fr *point, unsigned points, unsigned tail_rows)
{
    struct ntt_domain domain;
    struct diag diag = {0};
    fr matrix[8][8], basis[8], scratch[8];
    REQUIRE_OK(ntt_domain_init(&domain, 6, &diag), &diag);
    for (unsigned i = 0; i < points; i++) {
        ntt_domain_lagrange(&domain, basis, domain.n - tail_rows, tail_rows, &point[i], scratch);
        memcpy(matrix[i], basis, tail_rows * sizeof(fr));
    }
    ntt_domain_release(&domain);
    return rank(matrix, points, tail_rows);
}

TEST(the_tail_hides_everything_a_proof_shows_of_a_column)
{
    fr xi, tau, root;
    REQUIRE(fr_random(&xi));
    REQUIRE(fr_random(&tau));
    fr_root_of_unity(&root, 6);
    /* Unrotated: its value at xi; its commitment, at tau^t; T's, at tau. */
    fr plain[3] = {xi, tau, fr_zero};
    fr_pow_u64(&plain[2], &tau, 6);
    CHECK_U64(tail_rank(plain, 3, PLONK_TAIL_ROWS), 3);
    CHECK_U64(tail_rank(plain, 3, 2), 2);
    /* Rotated: at xi and omega xi; its commitment, at tau^3; T's, at tau and omega tau. */
    fr rotated[5] = {xi, xi, tau, tau, fr_zero};
    fr_mul(&rotated[1], &xi, &root);
    fr_mul(&rotated[3], &tau, &root);
    fr_pow_u64(&rotated[4], &tau, 3);
    CHECK_U64(tail_rank(rotated, 5, PLONK_TAIL_ROWS), 5);
    CHECK_U64(tail_rank(rotated, 5, PLONK_TAIL_ROWS - 1), 4);
}
