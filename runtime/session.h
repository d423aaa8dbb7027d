/*
 * A loaded model with its weights, ready to run inputs: the common part of prove, check, eval and
 * keys.
 *
 * Life cycle: session_open, session_close (safe on a zeroed one). Weights and witness are wiped on
 * close.
 */
#ifndef SERTN_RUNTIME_SESSION_H
#define SERTN_RUNTIME_SESSION_H

#include "backend/commit/srs.h"
#include "backend/plonk/keys.h"
#include "backend/plonk/prove.h"
#include "backend/witness/digest.h"
#include "backend/witness/fill.h"
#include "backend/witness/jit.h"
#include "ir/support/machine.h"
#include "runtime/model.h"

struct session {
    struct model model;
    struct machine *machine;
    struct arena arena; /* owns values and columns */
    struct relation_values values;
    uint8_t parameters_digest[32]; /* names the weights: model_parameters_load */
    const uint8_t (*salts)[32];    /* of hashed inputs, borrowed; NULL: drawn at each run */
    struct digest_traces traces;
    struct jit *jit;             /* native code of the program; NULL: the interpreter runs it all */
    fr *column[WITNESS_COLUMNS]; /* a1, a2, a3, w1, w2: usable_rows each */
    fr *words;
    struct srs srs;
    bool has_srs;
};

/* Opens the model with its private weights; part is MODEL_WHOLE or MODEL_TO_KEY. Errors: as
 * model_load and model_parameters_load. */
enum status session_open(struct session *session, const char *folder, enum model_part part,
                         unsigned threads, struct diag *diag) SERTN_MUST_CHECK;
void session_close(struct session *session);

/* Opens the SRS: of a ceremony's file; without a path the one the key was made over, or, before
 * there is a key, the development SRS. */
enum status session_open_srs(struct session *session, const char *path,
                             struct diag *diag) SERTN_MUST_CHECK;

/* Fills w1, w2 from the weights. */
enum status session_fill_parameters(struct session *session, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Chooses who evaluates the relations of the coming `runs` runs; without a call the interpreter
 * does. Returns the name of the choice: "llvm" or "interpreter". Native code that cannot be made is
 * no error: the interpreter is used, and `why` says what is missing when JIT_ALWAYS asked for it.
 */
const char *session_choose_evaluator(struct session *session, enum jit_choice choice, size_t runs,
                                     struct diag *why);

/* Runs the program on one set of inputs: all relation values. */
enum status session_run(struct session *session, const struct tensor *const *inputs,
                        struct diag *diag) SERTN_MUST_CHECK;
/* After session_run: witness columns and public words. */
enum status session_fill(struct session *session, struct diag *diag) SERTN_MUST_CHECK;

#endif
