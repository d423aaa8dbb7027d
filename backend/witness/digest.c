/* See digest.h. The permutation is spelled out here a second time, to keep its inner words; a test
 * holds it to poseidon_digest. */
#include "backend/witness/digest.h"

#include <stdlib.h>
#include <string.h>

#include "backend/hash/poseidon.h"

enum { WIDTH = 3, RATE = 2, WORDS_A_CELL = 4 };

wide digest_wide_from_fr(const fr *value)
{
    uint8_t bytes[32];
    fr_to_bytes_be(bytes, value);
    return wide_from_bytes_be(bytes);
}

void digest_fr_from_wide(fr *out, wide value)
{
    uint8_t bytes[32];
    bool negative = wide_is_negative(value);
    if (negative)
        ASSERT(wide_neg(&value, value));
    wide_to_bytes_be(bytes, value);
    ASSERT(fr_from_bytes_be(out, bytes));
    if (negative)
        fr_neg(out, out);
}

/* The hashed sequence: owned array of *count elements, null without memory. */
static fr *pack(const wide *values, size_t value_count, wide low, wide high, wide salt,
                size_t *count)
{
    struct relation_tensor tensor = {.low = low, .high = high};
    unsigned bits;
    relation_rounded_range(&tensor, &low, &bits);
    bits = bits == 0 ? 1 : bits;
    ASSERT(bits <= DIGEST_CAPACITY_BITS);
    size_t together = DIGEST_CAPACITY_BITS / bits;
    *count = 1 + (value_count + together - 1) / together;
    fr *sequence = calloc(*count, sizeof *sequence);
    if (sequence == NULL)
        return NULL;
    digest_fr_from_wide(&sequence[0], salt);
    for (size_t w = 1; w < *count; w++) {
        wide word = wide_from_i64(0);
        for (size_t k = 0; k < together && (w - 1) * together + k < value_count; k++) {
            wide part;
            ASSERT(wide_sub(&part, values[(w - 1) * together + k], low));
            ASSERT(wide_shift_left(&part, part, (unsigned)(k * bits)) &&
                   wide_add(&word, word, part));
        }
        digest_fr_from_wide(&sequence[w], word);
    }
    return sequence;
}

enum status digest_values(void *context, wide *digest, const wide *values, size_t count, wide low,
                          wide high, wide salt, struct diag *diag)
{
    (void)context;
    size_t words;
    fr *sequence = pack(values, count, low, high, salt, &words), result;
    if (sequence == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to hash %zu values", count);
    poseidon_digest(POSEIDON_CIRCOMLIB, &result, DIGEST_DOMAIN, sequence, words);
    free(sequence);
    *digest = digest_wide_from_fr(&result);
    return STATUS_OK;
}

/* One permutation with its inner words written to trace[rounds * WIDTH * WORDS_A_CELL]. */
static void traced_permutation(const struct poseidon *p, fr state[WIDTH], fr *trace)
{
    unsigned rounds = p->full_rounds + p->partial_rounds, half = p->full_rounds / 2;
    for (unsigned round = 0; round < rounds; round++) {
        bool full = round < half || round >= half + p->partial_rounds;
        for (unsigned cell = 0; cell < WIDTH; cell++, trace += WORDS_A_CELL) {
            fr_add(&trace[0], &state[cell], &p->round_constant[round * WIDTH + cell]);
            fr_sqr(&trace[1], &trace[0]);
            fr_sqr(&trace[2], &trace[1]);
            fr_mul(&trace[3], &trace[2], &trace[0]);
            state[cell] = full || cell == 0 ? trace[3] : trace[0];
        }
        fr mixed[WIDTH], product;
        for (unsigned row = 0; row < WIDTH; row++) {
            fr_mul(&mixed[row], &p->mds[row * WIDTH], &state[0]);
            for (unsigned c = 1; c < WIDTH; c++) {
                fr_mul(&product, &p->mds[row * WIDTH + c], &state[c]);
                fr_add(&mixed[row], &mixed[row], &product);
            }
        }
        memcpy(state, mixed, sizeof mixed);
    }
}

static fr *trace_sequence(const fr *sequence, size_t words, size_t *count)
{
    const struct poseidon *p = poseidon_get(POSEIDON_CIRCOMLIB, WIDTH);
    size_t permutations = (words + RATE - 1) / RATE;
    size_t each = (size_t)(p->full_rounds + p->partial_rounds) * WIDTH * WORDS_A_CELL;
    fr *trace = calloc(permutations * each, sizeof *trace);
    if (trace == NULL)
        return NULL;
    wide head;
    ASSERT(wide_shift_left(&head, wide_from_i64((int64_t)words), 64));
    ASSERT(wide_add(&head, head, wide_from_i64((int64_t)DIGEST_DOMAIN)));
    fr state[WIDTH];
    memset(state, 0, sizeof state);
    digest_fr_from_wide(&state[0], head);
    for (size_t i = 0; i < permutations; i++) {
        for (size_t k = 0; k < RATE && RATE * i + k < words; k++)
            fr_add(&state[k + 1], &state[k + 1], &sequence[RATE * i + k]);
        traced_permutation(p, state, trace + i * each);
    }
    *count = permutations * each;
    return trace;
}

static enum status trace_relation(struct digest_traces *traces, size_t index,
                                  const struct relation_program *program,
                                  const struct relation_values *values, struct diag *diag)
{
    const struct relation *relation = &program->relations[index];
    size_t count = 1, words = 0;
    for (unsigned d = 0; d < relation->space_rank; d++)
        count *= (size_t)relation->space[d];
    wide *cells = calloc(count + 1, sizeof *cells);
    fr *sequence = NULL;
    if (cells != NULL) {
        const struct relation_view *view = &relation->views[0];
        for (size_t i = 0; i < count; i++) {
            int64_t element = relation_view_element(view, relation->space_rank, relation->space, i);
            cells[i] = element < 0 ? wide_from_i64(0)
                                   : relation_value(values, view->tensor, (size_t)element);
        }
        wide salt =
            relation_value(values, relation->views[1].tensor, (size_t)relation->views[1].offset);
        const struct relation_tensor *tensor = &program->tensors[view->tensor];
        sequence = pack(cells, count, tensor->low, tensor->high, salt, &words);
    }
    if (sequence != NULL)
        traces->trace[index] = trace_sequence(sequence, words, &traces->count[index]);
    free(sequence);
    free(cells);
    if (traces->trace[index] == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to hash %zu values", count);
    return STATUS_OK;
}

enum status digest_traces_init(struct digest_traces *traces, const struct relation_program *program,
                               const struct relation_values *values, struct diag *diag)
{
    traces->relation_count = program->relation_count;
    traces->trace = calloc(program->relation_count + 1, sizeof *traces->trace);
    traces->count = calloc(program->relation_count + 1, sizeof *traces->count);
    if (traces->trace == NULL || traces->count == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the hashes of a program");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < program->relation_count && status == STATUS_OK; i++) {
        if (program->relations[i].kind == RELATION_DIGEST)
            status = trace_relation(traces, i, program, values, diag);
    }
    return status;
}

void digest_traces_release(struct digest_traces *traces)
{
    for (size_t i = 0; traces->trace != NULL && i < traces->relation_count; i++)
        free(traces->trace[i]);
    free(traces->trace);
    free(traces->count);
    *traces = (struct digest_traces){0};
}

bool digest_traces_word(const struct digest_traces *traces, uint32_t relation, uint32_t word,
                        fr *value)
{
    if (relation >= traces->relation_count || traces->trace[relation] == NULL ||
        word >= traces->count[relation])
        return false;
    *value = traces->trace[relation][word];
    return true;
}
