/*
 * check: every constraint of a circuit on a witness, without keys, all failures explained.
 *
 * It says in plain arithmetic what the prover says in polynomials: gates and chains, copies,
 * lookups with their multiplicity, public words, declared ranges of parameter cells. Challenges do
 * not appear: a chain in powers of rho is satisfied when the sum at each power is zero, a lookup
 * when its tuple is in the table. Chains with held sums are evaluated at a random point, and
 * monomial by monomial when that is not zero.
 */
#ifndef SERTN_BACKEND_CHECK_CHECK_H
#define SERTN_BACKEND_CHECK_CHECK_H

#include "backend/plonk/prove.h"
#include "ir/relation.h"

/* ORDER check_kind: check_kind_name. */
enum check_kind {
    CHECK_GATE,      /* a chain or single row whose sum is not zero; a contraction whose products
                        do not add up */
    CHECK_COPY,      /* two joined cells differ */
    CHECK_MEMORY,    /* slot F: a read of an entry that is not there */
    CHECK_TABLE,     /* slot 2: a pair in no table row */
    CHECK_RANGE,     /* slot 3: a value in no table row */
    CHECK_WORD,      /* a public word differs from what the circuit computes */
    CHECK_PARAMETER, /* a parameter cell outside its declared range */
    CHECK_KINDS
};

const char *check_kind_name(enum check_kind kind);

struct check_failure {
    enum check_kind kind;
    uint32_t row;
    uint32_t relation; /* RELATION_NONE for rows that belong to none */
    uint32_t element;
    char *text; /* one sentence: what must hold, the values of the row, the node; owned by the
                   report */
};

struct check_report {
    struct arena arena;
    struct check_failure *failures;
    size_t count; /* kept */
    size_t lost;  /* beyond CHECK_FAILURES_MAX: counted, not kept */
};

enum { CHECK_FAILURES_MAX = 1000 };

/*
 * Evaluates everything. program may be null; then failures name rows only.
 *
 * Requires: circuit_validate accepted the circuit; the witness as plonk_prove takes it.
 * Ensures: STATUS_OK exactly when every constraint holds; report lists all failures in row order,
 * at most CHECK_FAILURES_MAX, and the caller releases it either way.
 * Errors: STATUS_REJECTED when something fails (diag: the first failure and how many more);
 * STATUS_BAD_INPUT for a wrong word count; STATUS_NO_MEMORY.
 */
enum status check_witness(struct check_report *report, const struct circuit *circuit,
                          const struct relation_program *program,
                          const struct plonk_witness *witness, const fr *words, size_t word_count,
                          struct diag *diag) SERTN_MUST_CHECK;

void check_report_release(struct check_report *report);

#endif
