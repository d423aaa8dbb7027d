/* label: prover */
/* A proof, a key or a statement that was touched anywhere is rejected, and never crashes the
 * verifier. */
#include "tests/backend/plonk/circuit_builder.h"
#include "tests/harness/harness.h"

#include <string.h>

struct fixture {
    struct built built;
    struct features at;
    struct proved proved;
    uint8_t honest[PLONK_PROOF_BYTES_MAX];
    size_t bytes, points;
};

static void setup(struct fixture *fixture, enum plonk_mode mode)
{
    struct diag diag = {0};
    built_features(&fixture->built, &fixture->at, 6, 2, 3);
    proved_init(&fixture->proved, &fixture->built, mode);
    REQUIRE_OK(proved_prove(&fixture->proved, &fixture->built, NULL, &diag), &diag);
    REQUIRE_OK(proved_verify(&fixture->proved, &fixture->built, &diag), &diag);
    fixture->bytes = fixture->proved.key.vk.layout.proof_bytes;
    fixture->points = fixture->proved.key.vk.layout.point_count;
    memcpy(fixture->honest, fixture->proved.proof, fixture->bytes);
}

static void teardown(struct fixture *fixture)
{
    proved_release(&fixture->proved);
    built_release(&fixture->built);
}

static bool is_rejected(struct fixture *fixture)
{
    struct diag diag = {0};
    bool result = proved_verify(&fixture->proved, &fixture->built, &diag) == STATUS_REJECTED &&
                  diag.text[0] != 0;
    memcpy(fixture->proved.proof, fixture->honest, fixture->bytes);
    return result;
}

/* Offset of a word of the proof: the points, the evaluations, W, W', the hint. */
static size_t word_count(const struct fixture *fixture)
{
    return fixture->bytes / 32;
}

/* Whether a word is a coordinate: all but the evaluations and the hint. */
static bool is_coordinate(const struct fixture *fixture, size_t word)
{
    size_t first_points = 2 * (fixture->points - 2),
           evaluations = fixture->proved.key.vk.layout.evaluation_count;
    return word < first_points ||
           (word >= first_points + evaluations && word + 1 < word_count(fixture));
}

static void flip_every_byte(enum plonk_mode mode)
{
    static struct fixture fixture;
    setup(&fixture, mode);
    for (size_t i = 0; i < fixture.bytes; i++) {
        fixture.proved.proof[i] ^= (uint8_t)(1u << test_random_below(8));
        CHECK_MSG(is_rejected(&fixture), "byte %zu", i);
        uint8_t other = (uint8_t)test_random_below(256);
        if (other == fixture.honest[i])
            continue;
        fixture.proved.proof[i] = other;
        CHECK_MSG(is_rejected(&fixture), "byte %zu becomes %u", i, other);
    }
    teardown(&fixture);
}

TEST(every_changed_byte_is_rejected_in_gas_mode)
{
    flip_every_byte(PLONK_MODE_GAS);
}

TEST(every_changed_byte_is_rejected_in_fast_mode)
{
    flip_every_byte(PLONK_MODE_FAST);
}

static void swap_all_words(enum plonk_mode mode)
{
    static struct fixture fixture;
    setup(&fixture, mode);
    size_t words = word_count(&fixture);
    for (size_t i = 0; i < words; i++)
        for (size_t j = i + 1; j < words; j++) {
            uint8_t *a = fixture.proved.proof + 32 * i, *b = fixture.proved.proof + 32 * j;
            if (memcmp(a, b, 32) == 0)
                continue;
            memcpy(a, fixture.honest + 32 * j, 32);
            memcpy(b, fixture.honest + 32 * i, 32);
            CHECK_MSG(is_rejected(&fixture), "words %zu and %zu swapped", i, j);
        }
    for (size_t i = 0; i + 64 <= fixture.bytes; i += 32)
        for (size_t j = i + 64; j + 64 <= fixture.bytes; j += 32) {
            if (!is_coordinate(&fixture, i / 32) || !is_coordinate(&fixture, j / 32) ||
                !is_coordinate(&fixture, i / 32 + 1) || !is_coordinate(&fixture, j / 32 + 1))
                continue;
            memcpy(fixture.proved.proof + i, fixture.honest + j, 64);
            memcpy(fixture.proved.proof + j, fixture.honest + i, 64);
            CHECK_MSG(is_rejected(&fixture), "points at %zu and %zu swapped", i, j);
        }
    teardown(&fixture);
}

TEST(every_swap_of_words_and_points_is_rejected_in_gas_mode)
{
    swap_all_words(PLONK_MODE_GAS);
}

TEST(every_swap_of_words_and_points_is_rejected_in_fast_mode)
{
    swap_all_words(PLONK_MODE_FAST);
}

/* word += modulus as 256-bit integers; false when that overflows. */
static bool add_modulus(uint8_t word[32], const uint64_t modulus[4])
{
    unsigned carry = 0;
    for (unsigned i = 0; i < 32; i++) {
        unsigned byte = (unsigned)(modulus[i / 8] >> (8 * (i % 8))) & 255;
        unsigned sum = word[31 - i] + byte + carry;
        word[31 - i] = (uint8_t)sum;
        carry = sum >> 8;
    }
    return carry == 0;
}

static void add_moduli(enum plonk_mode mode)
{
    static struct fixture fixture;
    setup(&fixture, mode);
    for (size_t i = 0; i < word_count(&fixture); i++) {
        uint8_t *word = fixture.proved.proof + 32 * i;
        CHECK(add_modulus(word, is_coordinate(&fixture, i) ? fp_modulus : fr_modulus));
        CHECK_MSG(is_rejected(&fixture), "word %zu plus its modulus", i);
        memset(word, 0xff, 32);
        CHECK_MSG(is_rejected(&fixture), "word %zu is 2^256 - 1", i);
        bool is_zero = true;
        for (unsigned k = 0; k < 32; k++)
            is_zero = is_zero && fixture.honest[32 * i + k] == 0;
        memset(word, 0, 32);
        CHECK_MSG(is_rejected(&fixture) || is_zero, "word %zu is zero", i);
    }
    for (size_t i = 0; i + 1 < word_count(&fixture); i++) {
        if (!is_coordinate(&fixture, i) || !is_coordinate(&fixture, i + 1))
            continue;
        memset(fixture.proved.proof + 32 * i, 0, 64);
        CHECK_MSG(is_rejected(&fixture), "words %zu and %zu are infinity", i, i + 1);
    }
    teardown(&fixture);
}

TEST(non_canonical_words_are_rejected)
{
    add_moduli(PLONK_MODE_GAS);
    add_moduli(PLONK_MODE_FAST);
}

static enum status verify_claim(const struct plonk_claim *claim)
{
    struct diag diag = {0};
    enum status status = claim_verify(claim, &diag);
    CHECK(status == STATUS_OK || diag.text[0] != 0);
    return status;
}

TEST(every_other_length_is_rejected)
{
    static struct fixture fixture;
    setup(&fixture, PLONK_MODE_GAS);
    uint8_t longer[PLONK_PROOF_BYTES_MAX + 64] = {0};
    memcpy(longer, fixture.honest, fixture.bytes);
    struct plonk_claim claim = proved_claim(&fixture.proved, &fixture.built);
    claim.proof = longer;
    CHECK_STATUS(verify_claim(&claim), STATUS_OK, NULL);
    for (size_t bytes = 0; bytes <= fixture.bytes + 64; bytes++) {
        claim.proof_bytes = bytes;
        CHECK_MSG((verify_claim(&claim) == STATUS_OK) == (bytes == fixture.bytes), "%zu bytes",
                  bytes);
    }
    claim.proof_bytes = fixture.bytes;
    for (size_t bytes = 0; bytes < claim.vk_bytes; bytes++) {
        claim.vk_bytes = bytes;
        CHECK_MSG(verify_claim(&claim) == STATUS_REJECTED, "key of %zu bytes", bytes);
        claim.vk_bytes = fixture.proved.key.vk.layout.vk_bytes;
    }
    for (size_t words = 0; words < 6; words++) {
        uint8_t more[6 * 32] = {0};
        memcpy(more, fixture.proved.words, 3 * 32);
        claim.words = more;
        claim.word_count = words;
        CHECK_MSG((verify_claim(&claim) == STATUS_OK) == (words == 3), "%zu words", words);
    }
    teardown(&fixture);
}

TEST(another_statement_is_rejected)
{
    static struct fixture fixture;
    setup(&fixture, PLONK_MODE_GAS);
    struct plonk_claim claim = proved_claim(&fixture.proved, &fixture.built);
    for (unsigned i = 0; i < PLONK_CONTEXT_BYTES; i++) {
        fixture.proved.context[i] ^= 1;
        CHECK_MSG(verify_claim(&claim) == STATUS_REJECTED, "context byte %u", i);
        fixture.proved.context[i] ^= 1;
    }
    for (unsigned i = 0; i < 3 * 32; i++) {
        fixture.proved.words[i] ^= 1;
        CHECK_MSG(verify_claim(&claim) == STATUS_REJECTED, "word byte %u", i);
        fixture.proved.words[i] ^= 1;
    }
    CHECK(add_modulus(fixture.proved.words, fr_modulus));
    CHECK_STATUS(verify_claim(&claim), STATUS_REJECTED, NULL);
    claim = proved_claim(&fixture.proved, &fixture.built);
    CHECK_STATUS(verify_claim(&claim), STATUS_OK, NULL);
    teardown(&fixture);
}

TEST(every_changed_key_byte_is_rejected_with_and_without_its_digest)
{
    static struct fixture fixture;
    setup(&fixture, PLONK_MODE_GAS);
    struct plonk_claim claim = proved_claim(&fixture.proved, &fixture.built);
    for (size_t i = 0; i < claim.vk_bytes; i++) {
        uint8_t digest[32], honest = fixture.proved.vk[i];
        fixture.proved.vk[i] ^= (uint8_t)(1u << test_random_below(8));
        CHECK_MSG(verify_claim(&claim) == STATUS_REJECTED, "key byte %zu", i);
        /* The caller trusts the wrong key: another statement, so this proof does not fit it. */
        keccak256(digest, fixture.proved.vk, claim.vk_bytes);
        claim.vk_digest = digest;
        CHECK_MSG(verify_claim(&claim) == STATUS_REJECTED, "key byte %zu, digest of it", i);
        fixture.proved.vk[i] = honest;
        claim.vk_digest = fixture.proved.key.vk.digest;
    }
    teardown(&fixture);
}

/* Two fixed commitments change places, under the digest of what becomes of the key. */
TEST(keys_with_two_commitments_swapped_are_rejected)
{
    static struct fixture fixture;
    setup(&fixture, PLONK_MODE_GAS);
    struct plonk_claim claim = proved_claim(&fixture.proved, &fixture.built);
    uint8_t key[PLONK_VK_BYTES_MAX], digest[32];
    size_t points = (claim.vk_bytes - PLONK_VK_HEAD_BYTES) / 64;
    claim.vk = key;
    claim.vk_digest = digest;
    for (size_t i = 0; i < points; i++)
        for (size_t k = i + 1; k < points; k++) {
            const uint8_t *honest = fixture.proved.vk + PLONK_VK_HEAD_BYTES;
            memcpy(key, fixture.proved.vk, claim.vk_bytes);
            memcpy(key + PLONK_VK_HEAD_BYTES + 64 * i, honest + 64 * k, 64);
            memcpy(key + PLONK_VK_HEAD_BYTES + 64 * k, honest + 64 * i, 64);
            keccak256(digest, key, claim.vk_bytes);
            CHECK_MSG(verify_claim(&claim) == STATUS_REJECTED, "points %zu and %zu", i, k);
        }
    teardown(&fixture);
}

/* The prover opens its fixed groups as if their arities had changed places. */
TEST(a_proof_over_groups_of_swapped_arities_is_rejected)
{
    static struct fixture fixture;
    setup(&fixture, PLONK_MODE_GAS);
    struct plonk_layout *layout = &fixture.proved.key.vk.layout;
    struct plonk_layout honest = *layout;
    unsigned first = layout->phase_first[PLONK_PHASE_FIXED];
    for (unsigned i = first; i < layout->group_count; i++)
        for (unsigned k = i + 1; k < layout->group_count; k++) {
            if (honest.group[i].arity == honest.group[k].arity)
                continue;
            layout->group[i].arity = honest.group[k].arity;
            layout->group[k].arity = honest.group[i].arity;
            uint8_t columns[PLONK_FIXED_COLUMNS], evaluation = honest.group[first].first_evaluation;
            unsigned count = 0, next = 0;
            for (unsigned g = first; g < layout->group_count; g++)
                for (unsigned c = 0; c < honest.group[g].arity; c++)
                    columns[count++] = honest.group[g].column[c];
            for (unsigned g = first; g < layout->group_count; g++) {
                layout->group[g].first_evaluation = evaluation;
                for (unsigned c = 0; c < layout->group[g].arity; c++)
                    layout->group[g].column[c] = columns[next++];
                evaluation = (uint8_t)(evaluation + layout->group[g].arity);
            }
            CHECK(proved_force(&fixture.proved, &fixture.built, NULL));
            *layout = honest;
            CHECK_MSG(proved_verify(&fixture.proved, &fixture.built, NULL) == STATUS_REJECTED,
                      "groups %u and %u", i, k);
        }
    CHECK(proved_force(&fixture.proved, &fixture.built, NULL));
    CHECK_STATUS(proved_verify(&fixture.proved, &fixture.built, NULL), STATUS_OK, NULL);
    teardown(&fixture);
}

/* Parameters that are zero everywhere, tail and all, commit to infinity: no key. */
TEST(a_parameter_commitment_at_infinity_is_rejected)
{
    struct built built;
    struct proved proved;
    struct diag diag = {0};
    built_init(&built, 5, 1);
    uint32_t row = built_row(&built, CHAIN_SINGLE, TERM_WEIGHTED, 1, 1);
    built_set_advice(&built, row, 7, 3, -3);
    built_parameter(&built, 0, row, 0, -8, 7);
    proved_init(&proved, &built, PLONK_MODE_GAS);
    REQUIRE(proved_force(&proved, &built, NULL));
    CHECK_STATUS(proved_verify(&proved, &built, NULL), STATUS_OK, NULL);
    proved_release(&proved);

    memset(&proved.tail, 0, sizeof proved.tail);
    g1_affine nothing[CIRCUIT_PARAM_MAX];
    memset(nothing, 0, sizeof nothing);
    REQUIRE(g1_affine_is_infinity(&nothing[0]));
    struct plonk_verifying_key vk;
    REQUIRE_OK(
        plonk_vk_make_over(&vk, &built.circuit, PLONK_MODE_GAS, test_srs(), nothing, NULL, &diag),
        &diag);
    REQUIRE_OK(
        plonk_proving_key_load(&proved.key, &built.circuit, NULL, &vk, test_srs(), NULL, &diag),
        &diag);
    plonk_vk_serialize(proved.vk, &vk);
    REQUIRE(proved_force(&proved, &built, NULL));
    CHECK_STATUS(proved_verify(&proved, &built, &diag), STATUS_REJECTED, &diag);
    proved_release(&proved);
    built_release(&built);
}

TEST(a_key_of_another_srs_is_rejected)
{
    static struct fixture fixture;
    static struct srs_verifier other;
    setup(&fixture, PLONK_MODE_GAS);
    struct plonk_claim claim = proved_claim(&fixture.proved, &fixture.built);
    /* [1]_2 as [tau]_2: tau = 1. */
    srs_verifier_init(&other, SRS_DEVELOPMENT, &g2_generator);
    CHECK_STATUS(plonk_verify(&claim, &other, NULL), STATUS_REJECTED, NULL);
    /* Even when that SRS claims the digest of the key. */
    memcpy(other.digest, fixture.proved.key.vk.srs_digest, sizeof other.digest);
    CHECK_STATUS(plonk_verify(&claim, &other, NULL), STATUS_REJECTED, NULL);
    teardown(&fixture);
}

TEST(a_proof_of_another_circuit_or_mode_is_rejected)
{
    static struct fixture gas, fast;
    setup(&gas, PLONK_MODE_GAS);
    setup(&fast, PLONK_MODE_FAST);
    struct plonk_claim claim = proved_claim(&gas.proved, &gas.built);
    claim.proof = fast.honest;
    CHECK_STATUS(verify_claim(&claim), STATUS_REJECTED, NULL);
    claim.proof_bytes = fast.bytes;
    CHECK_STATUS(verify_claim(&claim), STATUS_REJECTED, NULL);

    /* One fixed coefficient differs. */
    struct proved other;
    gas.built.circuit.rows[gas.at.null_row].c3 = built_constant(&gas.built, 7);
    proved_init(&other, &gas.built, PLONK_MODE_GAS);
    memcpy(other.proof, gas.honest, gas.bytes);
    CHECK_STATUS(proved_verify(&other, &gas.built, NULL), STATUS_REJECTED, NULL);
    proved_release(&other);
    teardown(&gas);
    teardown(&fast);
}

TEST(random_bytes_never_crash_the_verifier)
{
    static struct fixture fixture;
    setup(&fixture, PLONK_MODE_GAS);
    for (unsigned i = 0; i < 200; i++) {
        size_t from = test_random_below(fixture.bytes),
               count = 1 + test_random_below(fixture.bytes - from);
        test_random_bytes(fixture.proved.proof + from, count);
        if (memcmp(fixture.proved.proof, fixture.honest, fixture.bytes) == 0)
            fixture.proved.proof[from] ^= 1;
        CHECK(is_rejected(&fixture));
        struct plonk_verifying_key key;
        uint8_t bytes[PLONK_VK_BYTES_MAX];
        memcpy(bytes, fixture.proved.vk, sizeof bytes);
        from = test_random_below(sizeof bytes);
        test_random_bytes(bytes + from, 1 + test_random_below(sizeof bytes - from));
        struct diag diag = {0};
        if (plonk_vk_parse(&key, bytes, test_random_below(sizeof bytes + 1), &diag) != STATUS_OK)
            CHECK(diag.text[0] != 0);
    }
    teardown(&fixture);
}
