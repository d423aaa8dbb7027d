/*
 * One attempt at a proof, round by round. Private to this folder and its tests.
 *
 * README section 4 gives the order. A round ends in ROUND_RESTART when chance made a denominator
 * zero or a commitment the point at infinity: the caller begins anew with fresh blinders.
 */
#ifndef SERTN_BACKEND_PLONK_ROUNDS_H
#define SERTN_BACKEND_PLONK_ROUNDS_H

#include "backend/plonk/blinding.h"
#include "backend/plonk/lookup.h"
#include "backend/plonk/prove.h"
#include "backend/plonk/prover_kernels.h"
#include "backend/plonk/protocol.h"

struct plonk_trial;

enum round_result { ROUND_DONE, ROUND_RESTART, ROUND_FAILED };

struct plonk_prover {
    const struct plonk_proving_key *key;
    const struct plonk_layout *layout; /* the key's */
    const struct plonk_kernels *kernels;
    struct machine *machine;
    const struct plonk_witness *witness;
    const struct plonk_statement *statement;
    const struct plonk_parameter_tail *tail;
    const struct plonk_progress *progress; /* may be null */
    const struct plonk_trial *trial;
    struct diag *diag;

    struct transcript transcript;
    struct proof_writer writer;
    struct plonk_challenges challenges;
    struct plonk_blinding blinding;
    struct plonk_lookup_miss miss;

    /* All of these lie in one block, which is wiped at the end. Null where the layout has no such
     * column. */
    fr *value[PLONK_Z];        /* [n] a1 .. m by row, tails included; at the start of work until the
                                * quotient */
    fr *column[PLONK_COLUMNS]; /* [n] coefficients; the fixed ones are the key's, null for zero */
    fr *parameter[CIRCUIT_PARAM_MAX]; /* [n] coefficients of p1, p2 */
    fr *quotient[PLONK_PARTS_MAX];    /* T, or its blinded parts */
    size_t quotient_count[PLONK_PARTS_MAX];
    fr *opened; /* [opened_count] coefficients of Q; at the start of work from the quotient on */
    size_t opened_count;
    fr *work; /* scratch of the rounds */
    size_t work_count;
    size_t work_used;      /* elements at its start that commitments must leave alone */
    size_t value_count;    /* elements of all values */
    int64_t *multiplicity; /* [n] */

    fr public_value;
    struct plonk_point point;
    fr evaluation[PLONK_EVALUATIONS_MAX];
    bool holds; /* Q(xi) is the value that the verifier computes from the evaluations */
};

/* Whether a column is one that stands before it: their pointers are equal, and not null. */
bool plonk_is_repeated(fr *const *column, unsigned index);

/* Coefficients of Q. */
size_t plonk_opened_count(const struct plonk_layout *layout);

/* Elements of scratch that the rounds of this key may use. */
size_t plonk_work_count(const struct plonk_proving_key *key);

/* Fills prover->quotient from the columns; T is whatever polynomial the constraints give, also for
 * a witness that breaks them. */
void plonk_round_quotient(struct plonk_prover *prover);

/* Evaluates count <= PLONK_COLUMNS polynomials of n coefficients at x; a null one is zero. */
void plonk_evaluate_all(struct machine *machine, fr *out, fr *const *polynomial, unsigned count,
                        size_t n, const fr *x);

/* From the evaluations on: eta, W, u, W', the hint. */
enum round_result plonk_round_open(struct plonk_prover *prover);

/* Commits to polynomials interleaved with `arity` and writes the point. */
enum round_result plonk_write_commitment(struct plonk_prover *prover, const char *label,
                                         const fr *const *column, unsigned arity, size_t count);

/*
 * What a test may ask of a proof beyond plonk_prove. All zero: nothing. Columns given here are used
 * instead of the honest ones on rows 0..U; tails stay random. touch sees the columns of phase 1 on
 * those rows after the honest prover computed them, and may change them: h alone before s follows
 * from it, then z, phi and s; the others are null.
 */
struct plonk_trial {
    void (*touch)(void *context, const struct plonk_challenges *challenges, fr *z, fr *phi, fr *s,
                  fr *h);
    void *touch_context;
    transcript_observer *observer; /* told every step of the transcript */
    void *observer_context;
    const fr *m, *z, *phi, *s, *h; /* [U + 1] each, or null */
};

/*
 * plonk_prove without its refusals: the proof of a witness that breaks the circuit comes out too,
 * and is false. *holds says whether the constraints held at xi, *miss counts lookups without an
 * answer. For tests of the verifier, and for plonk_prove itself.
 */
enum status
plonk_prove_anything(uint8_t *proof, bool *holds, struct plonk_lookup_miss *miss,
                     const struct plonk_proving_key *key, const struct plonk_parameter_tail *tail,
                     const struct plonk_witness *witness, const struct plonk_statement *statement,
                     const uint8_t entropy[PLONK_ENTROPY_BYTES],
                     const struct plonk_progress *progress, const struct plonk_trial *trial,
                     struct diag *diag) SERTN_MUST_CHECK;

#endif
