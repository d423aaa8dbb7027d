/* Poseidon against circomlibjs, its constants against a second reading of the definition. */
#include "backend/hash/keccak.h"
#include "backend/hash/poseidon.h"
#include "tests/harness/harness.h"

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void from_decimal(fr *r, const char *text)
{
    mpz_t z;
    uint64_t limb[4] = {0};
    mpz_init_set_str(z, text, 10);
    mpz_export(limb, NULL, -1, 8, 0, 0, z);
    REQUIRE(fr_from_limbs(r, limb));
    mpz_clear(z);
}

TEST(hashes_are_those_of_circomlibjs)
{
    char line[1024];
    unsigned lines = 0;
    FILE *file = fopen(test_source_path("tests/vectors/poseidon_circomlib.txt"), "r");
    REQUIRE(file);
    while (fgets(line, sizeof line, file)) {
        fr value[POSEIDON_WIDTH_MAX], digest;
        size_t count = 0;
        if (line[0] == '#')
            continue;
        for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
            REQUIRE(count < POSEIDON_WIDTH_MAX);
            from_decimal(&value[count++], word);
        }
        REQUIRE(count >= 2);
        poseidon_hash(&digest, value, count - 1);
        CHECK_MSG(fr_eq(&digest, &value[count - 1]), "line %u, %zu inputs", lines, count - 1);
        lines++;
    }
    CHECK_U64(lines, 16);
    fclose(file);
}

TEST(permutations_have_the_stated_shape)
{
    static const unsigned partial[] = {0, 0, 56, 57, 56, 60};
    for (unsigned width = POSEIDON_WIDTH_MIN; width <= POSEIDON_WIDTH_MAX; width++) {
        const struct poseidon *a = poseidon_get(POSEIDON_CIRCOMLIB, width);
        const struct poseidon *b = poseidon_get(POSEIDON_TRANSCRIPT, width);
        CHECK_U64(a->width, width);
        CHECK_U64(a->full_rounds, 8);
        CHECK_U64(a->partial_rounds, partial[width]);
        CHECK_U64(b->partial_rounds, partial[width]);
        CHECK(memcmp(a->mds, b->mds, width * width * sizeof *a->mds) == 0);
        /* No round constant of one instance is one of the other at its place. */
        for (unsigned i = 0; i < (8 + partial[width]) * width; i++)
            CHECK(!fr_eq(&a->round_constant[i], &b->round_constant[i]));
    }
}

TEST(published_first_constants)
{
    /* The first round constant and matrix entry of width 3 in circomlib's tables. */
    const struct poseidon *p = poseidon_get(POSEIDON_CIRCOMLIB, 3);
    fr expected;
    from_decimal(&expected,
                 "6745197990210204598374042828761989596302876299545964402857411729872131034734");
    CHECK(fr_eq(&p->round_constant[0], &expected));
    from_decimal(&expected,
                 "7511745149465107256748700652201246547602992235352608707588321460060273774987");
    CHECK(fr_eq(&p->mds[0], &expected));
}

TEST(matrices_have_no_singular_square_part)
{
    /* Cauchy: entries and 2 x 2 minors are non-zero. */
    for (unsigned width = POSEIDON_WIDTH_MIN; width <= POSEIDON_WIDTH_MAX; width++) {
        const fr *m = poseidon_get(POSEIDON_CIRCOMLIB, width)->mds;
        for (unsigned i = 0; i < width; i++)
            for (unsigned j = 0; j < width; j++) {
                CHECK(!fr_is_zero(&m[i * width + j]));
                for (unsigned k = 0; k < i; k++)
                    for (unsigned l = 0; l < j; l++) {
                        fr a, b;
                        fr_mul(&a, &m[i * width + j], &m[k * width + l]);
                        fr_mul(&b, &m[i * width + l], &m[k * width + j]);
                        CHECK(!fr_eq(&a, &b));
                    }
            }
    }
}

TEST(transcript_constants_follow_their_definition)
{
    /* Constant 5 of width 3, spelled out. */
    uint8_t message[28 + 96] = "sertn.poseidon.transcript.v1", wide[64];
    fr expected;
    message[28 + 31] = 3;
    message[28 + 63] = 5;
    keccak256(wide, message, sizeof message);
    message[28 + 95] = 1;
    keccak256(wide + 32, message, sizeof message);
    fr_from_wide_bytes_be(&expected, wide);
    CHECK(fr_eq(&poseidon_get(POSEIDON_TRANSCRIPT, 3)->round_constant[5], &expected));
}

/* The permutation from its definition, a round at a time in a different order of work: columns of
 * the matrix, powers by fr_pow_u64. */
static void plain_permute(const struct poseidon *p, fr *state)
{
    for (unsigned round = 0; round < p->full_rounds + p->partial_rounds; round++) {
        fr next[POSEIDON_WIDTH_MAX];
        for (unsigned i = 0; i < p->width; i++)
            next[i] = fr_zero;
        for (unsigned j = 0; j < p->width; j++) {
            fr x, term;
            fr_add(&x, &state[j], &p->round_constant[round * p->width + j]);
            if (j == 0 || round < 4 || round >= 4 + p->partial_rounds)
                fr_pow_u64(&x, &x, 5);
            for (unsigned i = 0; i < p->width; i++) {
                fr_mul(&term, &p->mds[i * p->width + j], &x);
                fr_add(&next[i], &next[i], &term);
            }
        }
        memcpy(state, next, p->width * sizeof *state);
    }
}

TEST(permutations_follow_the_exposed_constants)
{
    for (int instance = 0; instance < POSEIDON_INSTANCE_COUNT; instance++)
        for (unsigned width = POSEIDON_WIDTH_MIN; width <= POSEIDON_WIDTH_MAX; width++) {
            const struct poseidon *p = poseidon_get((enum poseidon_instance)instance, width);
            fr a[POSEIDON_WIDTH_MAX] = {{{0}}}, b[POSEIDON_WIDTH_MAX] = {{{0}}};
            for (unsigned i = 0; i < width; i++) {
                REQUIRE(fr_random(&a[i]));
                b[i] = a[i];
            }
            poseidon_permute(p, a);
            plain_permute(p, b);
            CHECK(memcmp(a, b, width * sizeof *a) == 0);
        }
}

TEST(digests_separate_count_domain_and_instance)
{
    enum { MAX = 6 };
    fr value[MAX + 1] = {{{0}}}, digest[4 * (MAX + 1)];
    size_t n = 0;
    /* All values zero: only the count, the domain and the instance tell the digests apart. */
    for (size_t count = 0; count <= MAX; count++)
        for (int k = 0; k < 4; k++)
            poseidon_digest((enum poseidon_instance)(k & 1), &digest[n++], (uint64_t)(k >> 1),
                            value, count);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(!fr_eq(&digest[i], &digest[j]));
}

TEST(digest_of_three_is_the_sponge_spelled_out)
{
    fr value[3], state[3] = {{{0}}}, digest;
    for (int i = 0; i < 3; i++)
        REQUIRE(fr_random(&value[i]));
    poseidon_digest(POSEIDON_TRANSCRIPT, &digest, 9, value, 3);
    fr_from_u128(&state[0], ((unsigned __int128)3 << 64) + 9);
    state[1] = value[0];
    state[2] = value[1];
    plain_permute(poseidon_get(POSEIDON_TRANSCRIPT, 3), state);
    fr_add(&state[1], &state[1], &value[2]);
    plain_permute(poseidon_get(POSEIDON_TRANSCRIPT, 3), state);
    CHECK(fr_eq(&digest, &state[0]));
}
