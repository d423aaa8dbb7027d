/* Blinders depend on all that is proved: no element of a witness may change without them. */
#include "backend/plonk/blinding.h"
#include "tests/harness/harness.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = CIRCUIT_ADVICE + CIRCUIT_PARAM_MAX, WORDS = 3, SEED = 32 };

/* All that a seed is made of. */
struct setup {
    struct plonk_proving_key key;
    uint8_t entropy[PLONK_ENTROPY_BYTES], context[PLONK_CONTEXT_BYTES];
    fr *column[COLUMNS];
    fr word[WORDS];
    size_t word_count;
    uint64_t attempt;
};

static void setup_init(struct setup *s, size_t rows, unsigned params)
{
    memset(s, 0, sizeof *s);
    s->key.vk.layout.usable_rows = rows;
    s->key.vk.layout.param_columns = params;
    test_random_bytes(s->key.vk.digest, sizeof s->key.vk.digest);
    test_random_bytes(s->entropy, sizeof s->entropy);
    test_random_bytes(s->context, sizeof s->context);
    s->word_count = WORDS;
    for (unsigned i = 0; i < WORDS; i++)
        fr_from_u64(&s->word[i], test_random_u64());
    for (unsigned j = 0; j < CIRCUIT_ADVICE + params; j++) {
        s->column[j] = calloc(rows, sizeof(fr));
        REQUIRE(s->column[j] != NULL);
        for (size_t i = 0; i < rows; i++)
            fr_from_u64(&s->column[j][i], test_random_u64());
    }
}

static void setup_release(struct setup *s)
{
    for (unsigned j = 0; j < COLUMNS; j++)
        free(s->column[j]);
}

static void seed_of(uint8_t seed[SEED], struct setup *s, struct machine *machine)
{
    struct plonk_blinding blinding;
    struct plonk_witness witness = {.advice = {s->column[0], s->column[1], s->column[2]},
                                    .parameters = {s->column[3], s->column[4]}};
    struct plonk_statement statement = {
        .context = s->context, .words = s->word, .word_count = s->word_count};
    s->key.machine = machine;
    memset(&blinding, 0xff, sizeof blinding);
    plonk_blinding_init(&blinding, s->entropy, &s->key, &witness, &statement, s->attempt);
    CHECK(blinding.counter == 0);
    memcpy(seed, blinding.seed, SEED);
    plonk_blinding_wipe(&blinding);
}

/* Whether the seed is another one than that of before. */
static bool differs(const uint8_t before[SEED], struct setup *s, struct machine *machine)
{
    uint8_t seed[SEED];
    seed_of(seed, s, machine);
    return memcmp(seed, before, SEED) != 0;
}

/* One bit of a cell, its lowest or its highest limb. */
static void check_cell(const uint8_t before[SEED], struct setup *s, unsigned column, size_t row,
                       struct machine *machine)
{
    unsigned limb = test_random_below(2) == 0 ? 0 : 3;
    s->column[column][row].limb[limb] ^= 1;
    CHECK_MSG(differs(before, s, machine), "column %u, row %zu of %zu", column, row,
              s->key.vk.layout.usable_rows);
    s->column[column][row].limb[limb] ^= 1;
}

TEST(every_cell_of_a_witness_changes_the_seed)
{
    static const size_t small[] = {1, 2, 10, 31, 32, 33, 58, 65};
    struct machine *machine = machine_new(3);
    for (size_t k = 0; k < sizeof small / sizeof *small; k++)
        for (unsigned params = 0; params <= 2; params += 2) {
            struct setup s;
            uint8_t before[SEED];
            setup_init(&s, small[k], params);
            seed_of(before, &s, NULL);
            CHECK_MSG(!differs(before, &s, machine), "%zu rows, threads", small[k]);
            for (unsigned column = 0; column < CIRCUIT_ADVICE + params; column++)
                for (size_t row = 0; row < small[k]; row++)
                    check_cell(before, &s, column, row, row % 2 == 0 ? NULL : machine);
            CHECK(!differs(before, &s, NULL));
            setup_release(&s);
        }
    machine_free(machine);
}

TEST(every_part_of_a_long_column_changes_the_seed)
{
    enum { PARTS = 32 };
    static const size_t many[] = {1018, 4090, 16378};
    struct machine *machine = machine_new(3);
    for (size_t k = 0; k < sizeof many / sizeof *many; k++) {
        struct setup s;
        uint8_t before[SEED];
        size_t rows = many[k], part = (rows + PARTS - 1) / PARTS;
        setup_init(&s, rows, 1);
        seed_of(before, &s, NULL);
        CHECK(!differs(before, &s, machine));
        for (unsigned column = 0; column < CIRCUIT_ADVICE + 1; column++)
            for (size_t first = 0; first < rows; first += part) {
                size_t last = first + part < rows ? first + part - 1 : rows - 1;
                check_cell(before, &s, column, first, machine);
                check_cell(before, &s, column, last, machine);
                check_cell(before, &s, column, first + test_random_below(last - first + 1), NULL);
            }
        /* Two parts, and two columns, in each other's place. */
        for (size_t i = 0; i < part; i++) {
            fr kept = s.column[1][i];
            s.column[1][i] = s.column[1][part + i];
            s.column[1][part + i] = kept;
        }
        CHECK(differs(before, &s, machine));
        setup_release(&s);
        setup_init(&s, rows, 1);
        seed_of(before, &s, NULL);
        fr *kept = s.column[0];
        s.column[0] = s.column[2];
        s.column[2] = kept;
        CHECK(differs(before, &s, machine));
        setup_release(&s);
    }
    machine_free(machine);
}

TEST(what_stands_beside_the_witness_changes_the_seed)
{
    struct setup s;
    uint8_t before[SEED];
    setup_init(&s, 26, 1);
    seed_of(before, &s, NULL);
    for (unsigned i = 0; i < PLONK_ENTROPY_BYTES; i++) {
        s.entropy[i] ^= 1;
        CHECK_MSG(differs(before, &s, NULL), "entropy %u", i);
        s.entropy[i] ^= 1;
    }
    for (unsigned i = 0; i < 32; i++) {
        s.context[i] ^= 1;
        CHECK_MSG(differs(before, &s, NULL), "context %u", i);
        s.context[i] ^= 1;
        s.key.vk.digest[i] ^= 1;
        CHECK_MSG(differs(before, &s, NULL), "digest %u", i);
        s.key.vk.digest[i] ^= 1;
    }
    for (unsigned i = 0; i < WORDS; i++) {
        s.word[i].limb[3] ^= 1;
        CHECK_MSG(differs(before, &s, NULL), "word %u", i);
        s.word[i].limb[3] ^= 1;
    }
    s.word_count = WORDS - 1;
    CHECK(differs(before, &s, NULL));
    s.word_count = WORDS;
    s.attempt = 1;
    CHECK(differs(before, &s, NULL));
    s.attempt = UINT64_C(1) << 56;
    CHECK(differs(before, &s, NULL));
    s.attempt = 0;
    CHECK(!differs(before, &s, NULL));
    setup_release(&s);
}

static void setup_seed_of(uint8_t seed[SEED], const uint8_t entropy[PLONK_ENTROPY_BYTES],
                          const struct plonk_verifying_key *vk, const uint64_t *bits, size_t count,
                          const struct plonk_parameter_tail *tail)
{
    struct plonk_blinding blinding;
    plonk_blinding_init_setup(&blinding, entropy, vk, bits, count, tail, 0);
    memcpy(seed, blinding.seed, SEED);
}

TEST(every_part_of_a_setup_changes_its_seed)
{
    enum { BITS = 5 };
    static struct plonk_verifying_key vk;
    uint8_t entropy[PLONK_ENTROPY_BYTES], before[SEED], after[SEED];
    uint64_t bits[BITS];
    struct plonk_parameter_tail tail;
    fr *value = tail.value[0];
    test_random_bytes(entropy, sizeof entropy);
    test_random_bytes(bits, sizeof bits);
    for (unsigned i = 0; i < sizeof tail / sizeof(fr); i++)
        fr_from_u64(&value[i], test_random_u64());
    setup_seed_of(before, entropy, &vk, bits, BITS, &tail);
    for (unsigned i = 0; i < BITS; i++) {
        bits[i] ^= 1;
        setup_seed_of(after, entropy, &vk, bits, BITS, &tail);
        CHECK_MSG(memcmp(before, after, SEED) != 0, "bits %u", i);
        bits[i] ^= 1;
    }
    for (unsigned i = 0; i < sizeof tail / sizeof(fr); i++) {
        value[i].limb[3] ^= 1;
        setup_seed_of(after, entropy, &vk, bits, BITS, &tail);
        CHECK_MSG(memcmp(before, after, SEED) != 0, "tail %u", i);
        value[i].limb[3] ^= 1;
    }
    setup_seed_of(after, entropy, &vk, bits, BITS, &tail);
    CHECK(memcmp(before, after, SEED) == 0);
}

TEST(blinders_are_the_stream_of_their_seed)
{
    struct plonk_blinding whole = {{1, 2, 3}, 0}, parts = {{1, 2, 3}, 0}, other = {{1, 2, 4}, 0};
    fr a[7], b[7], c[7];
    plonk_blinding_draw(&whole, a, 7);
    plonk_blinding_draw(&parts, b, 3);
    plonk_blinding_draw(&parts, b + 3, 4);
    plonk_blinding_draw(&other, c, 7);
    CHECK_BYTES(a, b, sizeof a);
    for (unsigned i = 0; i < 7; i++) {
        CHECK(!fr_eq(&a[i], &c[i]));
        for (unsigned j = 0; j < i; j++)
            CHECK(!fr_eq(&a[i], &a[j]));
    }
}
