/*
 * Rows of the in-circuit hash: a Poseidon sponge of width 3, every state word a cell. Three product
 * rows raise a cell to the fifth power, two linear rows mix one cell of the next round with that
 * round's constant; packing and absorbing are part of the mixing equation.
 */
#include <string.h>

#include "passes/place_internal.h"

enum { WIDTH = 3, RATE = 2 };

struct hash {
    struct place *place;
    const struct relation *relation;
    const struct digest_spec *spec;
    uint32_t index; /* of the relation */
    unsigned rounds;
    wide low;
    unsigned bits, together;        /* width of a value, values a word */
    size_t value_count, word_count; /* words: the salt first */
};

static struct item trace_word(const struct hash *hash, size_t permutation, unsigned round,
                              unsigned cell, unsigned power)
{
    size_t word = ((permutation * hash->rounds + round) * WIDTH + cell) * 4 + power;
    return (struct item){.kind = ITEM_DIGEST, .tensor = hash->index, .element = (uint32_t)word};
}

static bool is_full(const struct hash *hash, unsigned round)
{
    unsigned half = hash->spec->full_rounds / 2;
    return round < half || round >= half + hash->spec->partial_rounds;
}

/* The cell as the linear layer sees it. */
static struct item mixed_input(const struct hash *hash, size_t permutation, unsigned round,
                               unsigned cell)
{
    return trace_word(hash, permutation, round, cell, is_full(hash, round) || cell == 0 ? 3 : 0);
}

static void place_powers(const struct hash *hash, size_t permutation, unsigned round, unsigned cell)
{
    static const uint8_t factors[3][2] = {{0, 0}, {1, 1}, {2, 0}};
    struct place *place = hash->place;
    uint32_t minus_one = place_constant(place, wide_from_i64(-1));
    for (unsigned k = 0; k < 3; k++) {
        uint32_t row = place_new_row(place);
        if (place->status != STATUS_OK)
            return;
        struct item a = trace_word(hash, permutation, round, cell, factors[k][0]);
        struct item b = trace_word(hash, permutation, round, cell, factors[k][1]);
        struct item product = trace_word(hash, permutation, round, cell, k + 1);
        place->rows[row].fixed =
            (struct circuit_row){.chain = CHAIN_SINGLE, .term = TERM_PRODUCT, .c3 = minus_one};
        place_item(place, row, 0, &a);
        place_item(place, row, 1, &b);
        place_item(place, row, 2, &product);
    }
}

/* Adds word `word` of the hashed sequence. */
static void add_word(const struct hash *hash, struct equation *equation, size_t word)
{
    struct place *place = hash->place;
    if (word >= hash->word_count)
        return;
    if (word == 0) {
        const struct relation_view *salt = &hash->relation->views[1];
        struct item item = place_resolve(place, salt->tensor, salt->offset);
        equation_add(place, equation, wide_from_i64(1), place_materialise(place, item), 0);
        return;
    }
    size_t first = (word - 1) * hash->together;
    for (unsigned k = 0; k < hash->together && first + k < hash->value_count; k++) {
        const struct relation_view *view = &hash->relation->views[0];
        int64_t element = relation_view_element(view, hash->relation->space_rank,
                                                hash->relation->space, first + k);
        wide scale = wide_power_of_two(k * hash->bits), offset;
        if (!wide_mul(&offset, scale, hash->low) || !wide_neg(&offset, offset)) {
            place_fail(place, STATUS_LIMIT, "a hashed word leaves 256 bits");
            return;
        }
        struct item item = place_materialise(place, place_resolve(place, view->tensor, element));
        equation_add(place, equation, scale, item, 0);
        equation_add_constant(place, equation, offset);
    }
}

/* 0 = mds row * (powers of the round before) - out. */
static void add_mixed(const struct hash *hash, struct equation *equation, size_t permutation,
                      unsigned round, unsigned cell)
{
    for (unsigned c = 0; c < WIDTH; c++)
        equation_add(hash->place, equation, hash->spec->mds[cell * WIDTH + c],
                     mixed_input(hash, permutation, round, c), 0);
}

static void place_round_start(const struct hash *hash, size_t permutation, unsigned round)
{
    struct place *place = hash->place;
    for (unsigned cell = 0; cell < WIDTH; cell++) {
        struct equation equation;
        equation_init(&equation);
        if (round > 0)
            add_mixed(hash, &equation, permutation, round - 1, cell);
        else if (permutation > 0)
            add_mixed(hash, &equation, permutation - 1, hash->rounds - 1, cell);
        if (round == 0 && cell > 0)
            add_word(hash, &equation, RATE * permutation + cell - 1);
        if (round == 0 && permutation == 0 && cell == 0) {
            wide count;
            if (!wide_shift_left(&count, wide_from_i64((int64_t)hash->word_count), 64))
                place_fail(place, STATUS_LIMIT, "too many words to hash");
            else
                equation_add_constant(place, &equation, count);
            equation_add_constant(place, &equation, hash->spec->domain);
        }
        equation_add_constant(place, &equation, hash->spec->constants[round * WIDTH + cell]);
        equation_add(place, &equation, wide_from_i64(-1),
                     trace_word(hash, permutation, round, cell, 0), 0);
        equation_emit(place, &equation);
    }
}

static void place_permutations(const struct hash *hash)
{
    size_t permutations = (hash->word_count + RATE - 1) / RATE;
    for (size_t p = 0; p < permutations; p++) {
        for (unsigned round = 0; round < hash->rounds && hash->place->status == STATUS_OK;
             round++) {
            place_round_start(hash, p, round);
            for (unsigned cell = 0; cell < (is_full(hash, round) ? WIDTH : 1u); cell++)
                place_powers(hash, p, round, cell);
        }
    }
    struct equation equation;
    equation_init(&equation);
    add_mixed(hash, &equation, permutations - 1, hash->rounds - 1, 0);
    equation_add(hash->place, &equation, wide_from_i64(-1),
                 item_element(hash->relation->outputs[0], 0), 0);
    equation_emit(hash->place, &equation);
}

void place_digest(struct place *place, const struct relation *relation, uint32_t index)
{
    const struct digest_spec *spec = place->options->digest;
    if (spec == NULL) {
        place_fail(place, STATUS_UNSUPPORTED,
                   "the program hashes values and the target offers no hash");
        return;
    }
    struct hash hash = {.place = place,
                        .relation = relation,
                        .spec = spec,
                        .index = index,
                        .rounds = spec->full_rounds + spec->partial_rounds,
                        .value_count = 1};
    for (unsigned d = 0; d < relation->space_rank; d++)
        hash.value_count *= (size_t)relation->space[d];
    relation_rounded_range(&place->program->tensors[relation->views[0].tensor], &hash.low,
                           &hash.bits);
    hash.bits = hash.bits == 0 ? 1 : hash.bits;
    if (hash.bits > place->options->capacity_bits) {
        place_fail(place, STATUS_LIMIT, "a value to be hashed is wider than a word");
        return;
    }
    hash.together = place->options->capacity_bits / hash.bits;
    hash.word_count = 1 + (hash.value_count + hash.together - 1) / hash.together;
    size_t permutations = (hash.word_count + RATE - 1) / RATE;
    size_t words = permutations * hash.rounds * WIDTH * 4;
    place->digest_cell = arena_array(place->arena, uint32_t, words);
    if (place->digest_cell == NULL) {
        place_fail(place, STATUS_NO_MEMORY, "no memory to hash %zu values", hash.value_count);
        return;
    }
    memset(place->digest_cell, 0xff, words * sizeof *place->digest_cell);
    place_permutations(&hash);
}
