/*
 * Circuits and witnesses built by hand, for tests of the prover, the verifier and check.
 *
 * A built circuit holds its honest witness beside it, so that a mutation is one assignment.
 * Everything fails the running case when memory is out.
 */
#ifndef SERTN_TESTS_BACKEND_PLONK_CIRCUIT_BUILDER_H
#define SERTN_TESTS_BACKEND_PLONK_CIRCUIT_BUILDER_H

#include "backend/commit/srs.h"
#include "backend/plonk/keys.h"
#include "backend/plonk/prove.h"
#include "backend/plonk/rounds.h"
#include "backend/plonk/verify.h"
#include "ir/circuit.h"

enum { BUILT_COLUMNS = CIRCUIT_ADVICE + CIRCUIT_PARAM_MAX, BUILT_CONSTANTS = 64, BUILT_WORDS = 64 };

/* Columns of the witness. */
enum { A1, A2, A3, W1, W2 };

struct built {
    struct arena arena;
    struct circuit circuit;
    fr *column[BUILT_COLUMNS]; /* [U] the honest witness */
    fr word[BUILT_WORDS];
    uint32_t next_row;
    size_t copy_capacity, cell_capacity;
};

void built_init(struct built *built, unsigned lg_rows, unsigned param_columns);
void built_release(struct built *built);

/* Index of a constant, added when it is new. */
uint32_t built_constant(struct built *built, int64_t value);
/* The next free row, with this gate. */
uint32_t built_row(struct built *built, enum gate_chain chain, enum gate_term term, int64_t c2,
                   int64_t c3);
/* Sets a witness cell. */
void built_set(struct built *built, unsigned column, uint32_t row, int64_t value);
void built_set_advice(struct built *built, uint32_t row, int64_t a1, int64_t a2, int64_t a3);
void built_copy(struct built *built, unsigned column_a, uint32_t row_a, unsigned column_b,
                uint32_t row_b);
void built_table(struct built *built, uint32_t row, uint16_t tag, int64_t x, int64_t y);
/* A used parameter cell with its value and its declared range. */
void built_parameter(struct built *built, unsigned column, uint32_t row, int64_t value, int64_t low,
                     int64_t high);
/* A cell that is fixed to a constant; returns its row, the cell is a3. Uses one row, and one for
 * zero the first time. */
uint32_t built_fixed_cell(struct built *built, int64_t value);
/* Places the rows that compute `count` public words from a3 of given rows, at the end of the table.
 */
void built_words(struct built *built, const int64_t *value, uint32_t count);

/* The witness as the prover takes it. */
struct plonk_witness built_witness(const struct built *built);

/* Where things are in the circuit of every feature. */
struct features {
    uint32_t product, linear, linear3, weighted; /* single rows */
    uint32_t zero, fixed;                        /* a1 = 0; a3 = constant */
    uint32_t chain[4];                           /* start, continue, continue, end */
    uint32_t second[3];                          /* start, continue, end right behind */
    uint32_t horner[6]; /* start, continue, horner, continue, horner, end */
    uint32_t table_lookup, range_lookup, memory_read; /* one slot each */
    uint32_t paired_range;                            /* a range table in slot 2 */
    uint32_t all_slots;                               /* three slots in one row */
    uint32_t provider[2], witness_read[2];
    uint32_t copy_row[3];
    uint32_t memory_row[3], range_row,
        table_row;     /* rows of the table columns; range_row: that of value 0 */
    uint32_t null_row; /* a null table row with no slot and no gate */
    uint32_t first_word;
    /* With built_contraction: */
    uint32_t held_first, held_last;    /* the chain */
    uint32_t held_step[2][3];          /* a3: A[m][k], by k and m */
    uint32_t held_weight[2][4];        /* w1, or a1 without parameters: B[k][n], by k and n */
    uint32_t held_output[2][3];        /* Y[m][0..2] in a1, a2, a3; Y[m][3] in a3 */
    uint32_t held_fold[2], held_reset; /* a1 = -1; between k = 0 and k = 1 */
};

/* Tags of that circuit. */
enum { TAG_RANGE = 3, TAG_SQUARE = 5, TAG_MEMORY = 9, TAG_WITNESS_MEMORY = 12, RANGE_SIZE = 16 };

/* A circuit with every gate, chain, slot, memory and copy; words public words. lg_rows >= 6, more
 * with words > 4. */
void built_features(struct built *built, struct features *at, unsigned lg_rows,
                    unsigned param_columns, uint32_t words);

/*
 * The same with a held sum and without witness memory: Y = A B with A [3, 2], B [2, 4], B
 * parameters when there is a parameter column (one at most). lg_rows >= 7.
 */
void built_contraction(struct built *built, struct features *at, unsigned lg_rows,
                       unsigned param_columns, uint32_t words);

/* The development SRS with enough powers for any test here, opened once. */
const struct srs *test_srs(void);
const struct srs_verifier *test_srs_verifier(void);

/* Keys, proof and statement of a built circuit. */
struct proved {
    struct plonk_proving_key key;
    struct plonk_parameter_tail tail;
    uint8_t vk[PLONK_VK_BYTES_MAX];
    uint8_t words[32 * BUILT_WORDS];
    uint8_t context[PLONK_CONTEXT_BYTES];
    uint8_t proof[PLONK_PROOF_BYTES_MAX];
};

/* Makes keys; the parameters are those of the witness. */
void proved_init(struct proved *proved, const struct built *built, enum plonk_mode mode);
/* The same over another SRS than test_srs, on the threads of a machine; both outlive the keys. */
void proved_init_over(struct proved *proved, const struct built *built, enum plonk_mode mode,
                      const struct srs *srs, struct machine *machine);
void proved_release(struct proved *proved);
/* Proves honestly. */
enum status proved_prove(struct proved *proved, const struct built *built, const uint8_t *entropy,
                         struct diag *diag);
/* Proves whatever the witness and the trial (may be null) say; returns whether constraints and
 * lookups held. */
bool proved_force(struct proved *proved, const struct built *built,
                  const struct plonk_trial *trial);
/* The claim that an honest verifier makes of it; words of built. */
struct plonk_claim proved_claim(struct proved *proved, const struct built *built);
/* Verifies; the claim and the answer are recorded when SERTN_RECORD asks for it. */
enum status claim_verify(const struct plonk_claim *claim, struct diag *diag);
/* Verifies with the words of built. */
enum status proved_verify(struct proved *proved, const struct built *built, struct diag *diag);

#endif
