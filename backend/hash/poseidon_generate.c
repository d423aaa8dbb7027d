/*
 * Build-time program: writes poseidon_constants.c, the tables behind poseidon.h, to the file named
 * on its command line.
 *
 * Instance CIRCOMLIB: round constants and the Cauchy matrix from the self-shrinking Grain register
 * of eprint 2019/458, appendix F, seeded with (prime field, x^alpha, n = 254, t, RF, RP). Instance
 * TRANSCRIPT: the same matrix, which passed the authors' tests against subspace trails, with
 * constant number i = the 512-bit big-endian integer H(i, 0) || H(i, 1) mod the modulus, where
 * H(i, half) = keccak256("sertn.poseidon.transcript.v1" || t || i || half), numbers in 32 bytes.
 */
#include "backend/field/field.h"
#include "backend/hash/keccak.h"
#include "backend/hash/poseidon.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FIELD_BITS = 254, GRAIN_BITS = 80, ROUNDS_MAX = 68 };

static const unsigned partial_rounds_of_width[POSEIDON_WIDTH_MAX + 1] = {0, 0, 56, 57, 56, 60};

/* The 80-bit register, a ring of bits with the oldest at `head`. */
struct grain {
    uint8_t bit[GRAIN_BITS];
    unsigned head;
};

/* Steps the register once and returns the new bit. */
static unsigned grain_step(struct grain *grain)
{
    static const uint8_t tap[6] = {0, 13, 23, 38, 51, 62};
    unsigned sum = 0;
    for (int i = 0; i < 6; i++)
        sum ^= grain->bit[(grain->head + tap[i]) % GRAIN_BITS];
    grain->bit[grain->head] = (uint8_t)sum;
    grain->head = (grain->head + 1) % GRAIN_BITS;
    return sum;
}

/* Returns an output bit: of each pair of steps, the second counts when the first is 1. */
static unsigned grain_bit(struct grain *grain)
{
    for (;;) {
        unsigned keep = grain_step(grain), bit = grain_step(grain);
        if (keep)
            return bit;
    }
}

static void grain_init(struct grain *grain, unsigned width, unsigned partial_rounds)
{
    const struct {
        unsigned value, bits;
    } seed[] = {{1, 2},
                {0, 4},
                {FIELD_BITS, 12},
                {width, 12},
                {POSEIDON_FULL_ROUNDS, 10},
                {partial_rounds, 10}};
    unsigned n = 0;
    for (size_t i = 0; i < sizeof seed / sizeof *seed; i++)
        for (unsigned b = seed[i].bits; b-- > 0;)
            grain->bit[n++] = (uint8_t)(seed[i].value >> b & 1);
    while (n < GRAIN_BITS)
        grain->bit[n++] = 1;
    grain->head = 0;
    for (int i = 0; i < 160; i++)
        (void)grain_step(grain);
}

/* Draws 254 bits, the top one first, into 32 big-endian bytes. */
static void grain_bytes(struct grain *grain, uint8_t out[FIELD_BYTES])
{
    memset(out, 0, FIELD_BYTES);
    for (unsigned i = 0; i < FIELD_BITS; i++) {
        unsigned position = FIELD_BITS - 1 - i;
        out[31 - position / 8] |= (uint8_t)(grain_bit(grain) << (position % 8));
    }
}

/* The round constants are drawn again until below the modulus. */
static void grain_constants(struct grain *grain, fr *constant, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[FIELD_BYTES];
        do
            grain_bytes(grain, bytes);
        while (!fr_from_bytes_be(&constant[i], bytes));
    }
}

/* mds[i][j] = 1 / (x_i + y_j) with x, y drawn and reduced; again until all are distinct and no sum
 * is zero. */
static void grain_matrix(struct grain *grain, fr *mds, unsigned width)
{
    fr xy[2 * POSEIDON_WIDTH_MAX];
    bool good;
    do {
        good = true;
        for (unsigned i = 0; i < 2 * width; i++) {
            uint8_t bytes[FIELD_BYTES];
            grain_bytes(grain, bytes);
            fr_from_bytes_be_reduce(&xy[i], bytes);
            for (unsigned j = 0; j < i; j++)
                good = good && !fr_eq(&xy[i], &xy[j]);
        }
        for (unsigned i = 0; i < width * width; i++) {
            fr_add(&mds[i], &xy[i / width], &xy[width + i % width]);
            good = good && !fr_is_zero(&mds[i]);
            fr_inv(&mds[i], &mds[i]);
        }
    } while (!good);
}

static void put_word(uint8_t word[32], unsigned value)
{
    memset(word, 0, 32);
    word[30] = (uint8_t)(value >> 8);
    word[31] = (uint8_t)value;
}

static void keccak_constants(unsigned width, fr *constant, unsigned count)
{
    static const char domain[] = "sertn.poseidon.transcript.v1";
    for (unsigned i = 0; i < count; i++) {
        uint8_t wide[64], word[32];
        for (unsigned half = 0; half < 2; half++) {
            struct keccak256 hash;
            keccak256_init(&hash);
            keccak256_update(&hash, domain, sizeof domain - 1);
            put_word(word, width);
            keccak256_update(&hash, word, sizeof word);
            put_word(word, i);
            keccak256_update(&hash, word, sizeof word);
            put_word(word, half);
            keccak256_update(&hash, word, sizeof word);
            keccak256_final(&hash, wide + 32 * half);
        }
        fr_from_wide_bytes_be(&constant[i], wide);
    }
}

static void print_array(FILE *out, const char *name, unsigned width, const fr *value,
                        unsigned count)
{
    fprintf(out, "static const fr %s_%u[%u] = {\n", name, width, count);
    for (unsigned i = 0; i < count; i++)
        fprintf(out,
                "    {{0x%016" PRIx64 ", 0x%016" PRIx64 ", 0x%016" PRIx64 ", 0x%016" PRIx64 "}},\n",
                value[i].limb[0], value[i].limb[1], value[i].limb[2], value[i].limb[3]);
    fprintf(out, "};\n\n");
}

static void print_width(FILE *out, unsigned width)
{
    fr constant[ROUNDS_MAX * POSEIDON_WIDTH_MAX], mds[POSEIDON_WIDTH_MAX * POSEIDON_WIDTH_MAX];
    unsigned partial = partial_rounds_of_width[width];
    unsigned count = (POSEIDON_FULL_ROUNDS + partial) * width;
    struct grain grain;
    grain_init(&grain, width, partial);
    grain_constants(&grain, constant, count);
    grain_matrix(&grain, mds, width);
    print_array(out, "circomlib", width, constant, count);
    print_array(out, "mds", width, mds, width * width);
    keccak_constants(width, constant, count);
    print_array(out, "transcript", width, constant, count);
}

static void print_tables(FILE *out)
{
    static const char *const name[POSEIDON_INSTANCE_COUNT] = {"circomlib", "transcript"};
    fprintf(out, "/* Made by poseidon_generate. */\n"
                 "#include \"backend/hash/poseidon_constants.h\"\n\n");
    for (unsigned width = POSEIDON_WIDTH_MIN; width <= POSEIDON_WIDTH_MAX; width++)
        print_width(out, width);
    fprintf(out, "const struct poseidon poseidon_constants[%d][%d] = {\n", POSEIDON_INSTANCE_COUNT,
            POSEIDON_WIDTH_MAX - POSEIDON_WIDTH_MIN + 1);
    for (int instance = 0; instance < POSEIDON_INSTANCE_COUNT; instance++) {
        fprintf(out, "    {\n");
        for (unsigned width = POSEIDON_WIDTH_MIN; width <= POSEIDON_WIDTH_MAX; width++)
            fprintf(out, "        {%u, %d, %u, %s_%u, mds_%u},\n", width, POSEIDON_FULL_ROUNDS,
                    partial_rounds_of_width[width], name[instance], width, width);
        fprintf(out, "    },\n");
    }
    fprintf(out, "};\n");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: poseidon_generate FILE\n");
        return 2;
    }
    FILE *out = fopen(argv[1], "w");
    if (!out) {
        perror(argv[1]);
        return 3;
    }
    print_tables(out);
    bool bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad) {
        perror(argv[1]);
        return 3;
    }
    return 0;
}
