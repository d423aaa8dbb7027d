/* label: fast libs: sertn_ir */
/* The generator of random operators: what it is, and that its numbers look random. */
#include "ir/random_bits.h"

#include <math.h>

#include "tests/harness/harness.h"

/* Results of compiled models rest on these; they were computed by the letter of the header with
 * integers of any size. */
TEST(numbers_are_those_of_the_definition)
{
    CHECK_U64(random_number(random_key(0, 0), 0), 11550454);
    CHECK_U64(random_number(random_key(0, 1), 1), 792142);
    CHECK_U64(random_number(random_key(7, 2), 1000000), 3777473);
}

enum { NUMBERS = 1 << 16 };

static double numbers[NUMBERS];

static void draw(uint32_t seed, uint32_t stream)
{
    uint64_t key = random_key(seed, stream);
    for (uint32_t i = 0; i < NUMBERS; i++)
        numbers[i] = random_number(key, i) * 0x1p-24;
}

/* Pearson's statistic of `cells` equally likely cells, as deviations from its mean. */
static double deviations(const unsigned *seen, unsigned cells, double draws)
{
    double sum = 0, expected = draws / cells;
    for (unsigned c = 0; c < cells; c++)
        sum += (seen[c] - expected) * (seen[c] - expected) / expected;
    return (sum - (cells - 1)) / sqrt(2.0 * (cells - 1));
}

/* Small seeds and streams, one after the other, and the large ones: the cells of numbers, and those
 * of pairs of neighbours, fill evenly. */
TEST(numbers_fill_their_interval_evenly)
{
    static const uint32_t seeds[] = {0, 1, 2, 3, 0x80000000u, 0xffffffffu};
    for (size_t s = 0; s < sizeof seeds / sizeof *seeds; s++) {
        for (uint32_t stream = 0; stream < 3; stream++) {
            unsigned one[256] = {0}, last[256] = {0}, pair[256] = {0}, far[256] = {0};
            draw(seeds[s], stream);
            for (int i = 0; i < NUMBERS; i++) {
                double next = numbers[(i + 1) % NUMBERS], later = numbers[(i + 2) % NUMBERS];
                one[(unsigned)(numbers[i] * 256)]++;
                last[(uint32_t)(numbers[i] * 0x1p24) & 255]++;
                pair[(unsigned)(numbers[i] * 16) * 16 + (unsigned)(next * 16)]++;
                far[(unsigned)(numbers[i] * 16) * 16 + (unsigned)(later * 16)]++;
            }
            const unsigned *seen[4] = {one, last, pair, far};
            for (int k = 0; k < 4; k++) {
                double off = deviations(seen[k], 256, NUMBERS);
                CHECK_MSG(fabs(off) < 5, "seed %u stream %u: %g deviations of kind %d", seeds[s],
                          stream, off, k);
            }
        }
    }
}

/* Two streams, and two seeds, have nothing to do with each other. */
TEST(streams_and_seeds_are_independent)
{
    for (uint32_t other = 1; other < 4; other++) {
        uint64_t one = random_key(5, 1), stream = random_key(5, 1 + other),
                 seed = random_key(5 + other, 1);
        double by_stream = 0, by_seed = 0;
        for (uint32_t i = 0; i < NUMBERS; i++) {
            double centred = random_number(one, i) * 0x1p-24 - 0.5;
            by_stream += centred * (random_number(stream, i) * 0x1p-24 - 0.5);
            by_seed += centred * (random_number(seed, i) * 0x1p-24 - 0.5);
        }
        CHECK_MSG(fabs(by_stream) * 12 < 5 * sqrt(NUMBERS), "streams: %g", by_stream);
        CHECK_MSG(fabs(by_seed) * 12 < 5 * sqrt(NUMBERS), "seeds: %g", by_seed);
    }
}
