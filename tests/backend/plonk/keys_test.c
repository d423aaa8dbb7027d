/* Verifying keys as bytes, parameter tails, keys rebuilt from the circuit. */
#include "backend/plonk/keys.h"
#include "tests/backend/plonk/circuit_builder.h"
#include "tests/harness/harness.h"

#include <stdlib.h>
#include <string.h>

static void make(struct proved *proved, struct built *built, enum plonk_mode mode, unsigned params)
{
    struct features at;
    built_features(built, &at, 6, params, 2);
    proved_init(proved, built, mode);
}

TEST(verifying_keys_come_back_from_their_bytes)
{
    for (unsigned mode = 0; mode < PLONK_MODES; mode++)
        for (unsigned params = 0; params <= 2; params++) {
            struct built built;
            struct proved proved;
            struct plonk_verifying_key key;
            struct diag diag = {0};
            uint8_t again[PLONK_VK_BYTES_MAX];
            make(&proved, &built, (enum plonk_mode)mode, params);
            size_t bytes = proved.key.vk.layout.vk_bytes;
            REQUIRE_OK(plonk_vk_parse(&key, proved.vk, bytes, &diag), &diag);
            CHECK_BYTES(key.digest, proved.key.vk.digest, 32);
            plonk_vk_serialize(again, &key);
            CHECK_BYTES(again, proved.vk, bytes);
            CHECK_U64(key.word_count, 2);
            CHECK_U64(key.layout.proof_bytes, proved.key.vk.layout.proof_bytes);
            proved_release(&proved);
            built_release(&built);
        }
}

TEST(tables_larger_than_keys_are_refused_in_a_sentence)
{
    struct diag diag = {0};
    struct plonk_layout layout;
    REQUIRE_OK(plonk_require_rows(PLONK_LG_ROWS_MAX, &diag), &diag);
    for (unsigned lg_rows = PLONK_LG_ROWS_MAX + 1; lg_rows <= CIRCUIT_LG_ROWS_MAX; lg_rows++) {
        CHECK_STATUS(plonk_require_rows(lg_rows, &diag), STATUS_LIMIT, NULL);
        CHECK(strstr(diag.text, "can be checked, not proved") != NULL);
        plonk_layout_init(&layout, PLONK_MODE_GAS, lg_rows, 1, true);
        CHECK_U64(layout.rows, (uint64_t)1 << lg_rows);
    }
}

static void check_refused(const uint8_t *honest, size_t bytes, size_t at, uint8_t value,
                          const char *what)
{
    uint8_t key_bytes[PLONK_VK_BYTES_MAX];
    struct plonk_verifying_key key;
    struct diag diag = {0};
    memcpy(key_bytes, honest, bytes);
    key_bytes[at] = value;
    CHECK_MSG(plonk_vk_parse(&key, key_bytes, bytes, &diag) == STATUS_BAD_INPUT &&
                  diag.text[0] != 0,
              "%s", what);
}

TEST(malformed_verifying_keys_are_refused)
{
    struct built built;
    struct proved proved;
    struct plonk_verifying_key key;
    struct diag diag = {0};
    make(&proved, &built, PLONK_MODE_GAS, 2);
    size_t bytes = proved.key.vk.layout.vk_bytes;
    check_refused(proved.vk, bytes, 0, 'T', "magic");
    check_refused(proved.vk, bytes, 4, 2, "menu");
    check_refused(proved.vk, bytes, 5, 2, "mode that does not exist");
    check_refused(proved.vk, bytes, 5, 1, "another mode, so another length");
    check_refused(proved.vk, bytes, 6, 3, "too few rows");
    check_refused(proved.vk, bytes, 6, 25, "too many rows");
    check_refused(proved.vk, bytes, 7, 4, "tail rows");
    check_refused(proved.vk, bytes, 8, 3, "parameter columns");
    check_refused(proved.vk, bytes, 8, 1, "fewer parameter columns, so another length");
    check_refused(proved.vk, bytes, 9, 1, "two parameter columns beside a held sum");
    for (size_t at = 10; at < 24; at++)
        check_refused(proved.vk, bytes, at, 1, "a reserved byte");
    for (size_t at = 28; at < 32; at++)
        check_refused(proved.vk, bytes, at, 1, "a reserved byte");
    check_refused(proved.vk, bytes, 24, 1, "too many words");
    for (size_t point = 96; point < bytes; point += 64) {
        check_refused(proved.vk, bytes, point, 0xff, "a coordinate above the modulus");
        check_refused(proved.vk, bytes, point + 63, (uint8_t)(proved.vk[point + 63] ^ 1),
                      "a point off the curve");
    }
    uint8_t infinite[PLONK_VK_BYTES_MAX];
    memcpy(infinite, proved.vk, bytes);
    memset(infinite + bytes - 64, 0, 64);
    CHECK_STATUS(plonk_vk_parse(&key, infinite, bytes, &diag), STATUS_BAD_INPUT, &diag);
    for (size_t count = 0; count < bytes; count++)
        CHECK_STATUS(plonk_vk_parse(&key, proved.vk, count, &diag), STATUS_BAD_INPUT, &diag);
    proved_release(&proved);
    built_release(&built);
}

TEST(parameter_tails_come_back_from_their_bytes)
{
    struct plonk_parameter_tail tail, again;
    struct diag diag = {0};
    uint8_t bytes[PLONK_PARAMETER_TAIL_BYTES + 1] = {0};
    REQUIRE_OK(plonk_parameter_tail_draw(&tail, &diag), &diag);
    plonk_parameter_tail_serialize(bytes, &tail);
    REQUIRE_OK(plonk_parameter_tail_parse(&again, bytes, PLONK_PARAMETER_TAIL_BYTES, &diag), &diag);
    CHECK_BYTES(&again, &tail, sizeof tail);
    CHECK_STATUS(plonk_parameter_tail_parse(&again, bytes, sizeof bytes, &diag), STATUS_BAD_INPUT,
                 &diag);
    CHECK_STATUS(plonk_parameter_tail_parse(&again, bytes, sizeof bytes - 2, &diag),
                 STATUS_BAD_INPUT, &diag);
    memset(bytes + 64, 0xff, 32);
    CHECK_STATUS(plonk_parameter_tail_parse(&again, bytes, PLONK_PARAMETER_TAIL_BYTES, &diag),
                 STATUS_BAD_INPUT, &diag);
}

TEST(loaded_keys_prove_and_belong_to_one_circuit)
{
    struct built built;
    struct proved proved;
    struct plonk_proving_key loaded;
    struct diag diag = {0};
    struct machine *machine = machine_new(3);
    make(&proved, &built, PLONK_MODE_GAS, 2);
    uint8_t digest[32];
    REQUIRE_OK(plonk_circuit_digest(digest, &built.circuit, &diag), &diag);
    for (int threads = 0; threads < 2; threads++) {
        struct machine *on = threads == 0 ? NULL : machine;
        const uint8_t *known = threads == 0 ? NULL : digest;
        REQUIRE_OK(plonk_proving_key_load(&loaded, &built.circuit, known, &proved.key.vk,
                                          test_srs(), on, &diag),
                   &diag);
        for (unsigned i = 0; i < PLONK_FIXED_COLUMNS; i++) {
            const fr *made = proved.key.fixed[i];
            CHECK((loaded.fixed[i] != NULL) == (made != NULL));
            if (loaded.fixed[i] != NULL && made != NULL)
                CHECK_BYTES(loaded.fixed[i], made, proved.key.vk.layout.rows * sizeof(fr));
        }
        plonk_proving_key_release(&proved.key);
        proved.key = loaded;
        REQUIRE_OK(proved_prove(&proved, &built, NULL, &diag), &diag);
        CHECK_STATUS(proved_verify(&proved, &built, &diag), STATUS_OK, &diag);

        struct plonk_verifying_key vk = proved.key.vk;
        vk.srs_digest[0] ^= 1;
        CHECK_STATUS(
            plonk_proving_key_load(&loaded, &built.circuit, known, &vk, test_srs(), on, &diag),
            STATUS_BAD_INPUT, &diag);
        CHECK_MSG(strstr(diag.text, "another SRS") != NULL, "%s", diag.text);
        CHECK(loaded.omega == NULL && loaded.tables == NULL);
        CHECK_STATUS(
            plonk_proving_key_load(&loaded, &built.circuit, known, &vk, test_srs(), on, NULL),
            STATUS_BAD_INPUT, &diag);
        vk = proved.key.vk;
        vk.circuit_digest[31] ^= 1;
        CHECK_STATUS(
            plonk_proving_key_load(&loaded, &built.circuit, known, &vk, test_srs(), on, &diag),
            STATUS_BAD_INPUT, &diag);
        CHECK_MSG(strstr(diag.text, "circuit") != NULL, "%s", diag.text);
    }
    digest[0] ^= 1;
    CHECK_STATUS(plonk_proving_key_load(&loaded, &built.circuit, digest, &proved.key.vk, test_srs(),
                                        machine, &diag),
                 STATUS_BAD_INPUT, &diag);
    CHECK_MSG(strstr(diag.text, "circuit") != NULL, "%s", diag.text);
    proved_release(&proved);
    built_release(&built);
    machine_free(machine);
}

TEST(keys_depend_on_the_parameters_through_their_commitments_alone)
{
    struct built built;
    struct features at;
    struct proved first, second;
    built_features(&built, &at, 6, 2, 2);
    proved_init(&first, &built, PLONK_MODE_FAST);
    built_set(&built, W1, at.weighted, 3);
    proved_init(&second, &built, PLONK_MODE_FAST);
    size_t fixed = PLONK_VK_HEAD_BYTES + 64 * first.key.vk.fixed_count;
    CHECK_BYTES(first.vk, second.vk, fixed);
    CHECK(memcmp(first.vk + fixed, second.vk + fixed, 64) != 0);
    CHECK_BYTES(first.vk + fixed + 64, second.vk + fixed + 64, 64);
    proved_release(&first);
    proved_release(&second);
    built_release(&built);
}

static void check_same_points(const struct plonk_verifying_key *a,
                              const struct plonk_verifying_key *b)
{
    for (unsigned i = 0; i < a->fixed_count; i++)
        CHECK_MSG(g1_affine_eq(&a->fixed[i], &b->fixed[i]), "fixed group %u", i);
    for (unsigned j = 0; j < a->layout.param_columns; j++)
        CHECK(g1_affine_eq(&a->parameters[j], &b->parameters[j]));
}

/* The SRS of a ceremony whose bases are not in the cache has its fixed columns committed to from
 * coefficients, later from values. */
TEST(values_and_coefficients_give_the_same_keys)
{
    setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
    for (unsigned mode = 0; mode < PLONK_MODES; mode++)
        for (unsigned params = 0; params <= 2; params++) {
            struct built built;
            struct proved proved;
            struct plonk_verifying_key vk;
            struct diag diag = {0};
            make(&proved, &built, (enum plonk_mode)mode, params);
            struct plonk_witness witness = built_witness(&built);
            struct srs srs = *test_srs();
            srs.origin = SRS_CEREMONY;
            srs.digest[0] ^= (uint8_t)(1 + 16 * mode + params);
            for (unsigned round = 0; round < 2; round++) {
                REQUIRE_OK(plonk_vk_make(&vk, &built.circuit, (enum plonk_mode)mode, &srs,
                                         witness.parameters, &proved.tail, NULL, &diag),
                           &diag);
                check_same_points(&vk, &proved.key.vk);
                for (unsigned arity = 4; arity <= 5; arity++) {
                    struct srs_lagrange bases;
                    CHECK(srs_lagrange_open_quick(&bases, &srs, 6, arity, NULL) == (round > 0));
                    srs_lagrange_release(&bases);
                    REQUIRE_OK(srs_lagrange_open(&bases, &srs, 6, arity, NULL, &diag), &diag);
                    srs_lagrange_release(&bases);
                }
            }
            REQUIRE_OK(plonk_vk_make_over(&vk, &built.circuit, (enum plonk_mode)mode, test_srs(),
                                          proved.key.vk.parameters, NULL, &diag),
                       &diag);
            CHECK_BYTES(vk.digest, proved.key.vk.digest, 32);
            proved_release(&proved);
            built_release(&built);
        }
}

TEST(a_short_srs_is_refused)
{
    struct built built;
    struct features at;
    struct plonk_proving_key key;
    struct plonk_parameter_tail tail = {{{{{0}}}}};
    struct diag diag = {0};
    built_features(&built, &at, 6, 0, 0);
    struct srs srs = *test_srs();
    struct plonk_witness witness = built_witness(&built);
    srs.powers.count = 5 * 64 - 1;
    CHECK_STATUS(plonk_keys_make(&key, &built.circuit, PLONK_MODE_GAS, &srs, witness.parameters,
                                 &tail, NULL, &diag),
                 STATUS_LIMIT, &diag);
    built_release(&built);
}
