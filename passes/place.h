/*
 * Places a relation program into the PLONKish table of backend/plonk/README.md (menu 1).
 *
 * Chooses the limb width that gives the fewest rows, shares range and function tables, leaves
 * linear results that only feed one equation unmaterialised, and skips a range that another
 * enforced relation implies. Matrix products and convolutions become held sums (place_contract.c)
 * where that makes the table smaller.
 *
 * Requires: a program that relation_validate accepts. Ensures: a circuit that circuit_validate
 * accepts and that does not depend on any parameter value.
 */
#ifndef SERTN_PASSES_PLACE_H
#define SERTN_PASSES_PLACE_H

#include "ir/circuit.h"
#include "ir/relation.h"

/*
 * The in-circuit hash, supplied by the target since ir knows no field: a sponge over a Poseidon
 * permutation of width 3 (backend/hash/poseidon.h, poseidon_digest). Integers are below the
 * target's modulus. Hashed are: the salt, then the values as words, each word the sum of (value -
 * low) 2^(bits i) for as many values as fit below 2^capacity_bits, low and bits being the rounded
 * range of the tensor.
 *
 * Words of a digest's trace (FILL_DIGEST), R rounds: word ((p R + round) 3 + cell) 4 + k of
 * permutation p is, for k = 0, the cell after the round's constant was added, u; for k = 1, 2, 3
 * its powers u^2, u^4, u^5 (cell 0 alone in partial rounds).
 */
struct digest_spec {
    unsigned full_rounds, partial_rounds;
    const wide *constants; /* [(full + partial) * 3], round-major */
    const wide *mds;       /* [9], new[row] = sum mds[row * 3 + c] old[c] */
    wide domain; /* first word of the state is domain + 2^64 * number of words hashed, the salt
                    counted */
};

/* The most rows of a table, as a power of two. */
enum { PLACE_LG_ROWS_MAX = 26 };

struct place_options {
    unsigned param_columns; /* 1 or 2: how many pinned columns the target offers; 0 = choose */
    unsigned capacity_bits; /* 253 */
    const struct digest_spec *digest; /* needed when the program has RELATION_DIGEST */
    unsigned lg_rows_max;             /* 0 = PLACE_LG_ROWS_MAX */
    bool dot_gates_only;              /* no held sums, for comparison */
};

/* Rows a relation kind took, for the report. */
struct place_summary {
    uint32_t gate_rows, table_rows, memory_rows, public_rows, limb_bits;
    /* Rows of the table with every product spelled out: what the choice was made against. Counted
     * where that was tried, else predicted from the number of products. */
    uint64_t dot_gate_rows;
};

/*
 * Rewrites a program into the form the table takes, with new witness tensors where needed: products
 * of at most two variable factors, one sign per sum of products, ranges whose size is a power of
 * two (or at most 16), remainders of odd or witness divisors bounded by RANGE. The integer meaning
 * is unchanged. Run once, before place_circuit; the artifact holds the prepared program.
 */
enum status place_prepare(struct relation_program *program, struct diag *diag) SERTN_MUST_CHECK;

/* Ranges of at most this many values have a table of their own; longer ones are powers of two. */
enum { PLACE_RANGE_TABLE_MAX = 16 };

/*
 * Whether a program has the form that place_prepare gives: every remainder bounded by its divisor,
 * every range of a size that has tables, products of two factors. A program that leaves one of them
 * out would be placed without the constraint. Errors: STATUS_BAD_INPUT naming the relation.
 */
enum status place_require_prepared(const struct relation_program *program,
                                   struct diag *diag) SERTN_MUST_CHECK;

/*
 * Requires: relation_validate accepted the program. Ensures: *circuit's arrays live in `arena`.
 * Errors: those of place_require_prepared; STATUS_UNSUPPORTED for a relation that cannot be placed
 * (named with its node), STATUS_LIMIT when 2^lg_rows_max rows are not enough.
 */
enum status place_circuit(struct circuit *circuit, struct place_summary *summary,
                          const struct relation_program *program,
                          const struct place_options *options, struct arena *arena,
                          struct diag *diag) SERTN_MUST_CHECK;

#endif
