/*
 * Relations as native code, through the LLVM C API.
 *
 * LLVM is loaded when the first program is compiled (dlopen), never before; where it is missing, or
 * was when Sertn was built, jit_new says so and the interpreter does the work. The interpreter
 * (ir/relation_interpret) is the definition: native code takes a relation only where its proven
 * ranges show that no step can leave the integers it computes in, gives the same values, and hands
 * every value out of range back to the interpreter, which words the refusal.
 *
 * A body that is written out many times, as the rounds of a Loop or a recurrent cell are, is
 * compiled once.
 *
 * Called by runtime/session and runtime/compile. Stands on jit_plan (which relations, in what
 * integers, over which loops), jit_form (which of them are one function) and jit_emit (the
 * instructions).
 */
#ifndef SERTN_BACKEND_WITNESS_JIT_H
#define SERTN_BACKEND_WITNESS_JIT_H

#include "ir/relation_interpret.h"
#include "ir/support/machine.h"

/* Who evaluates relations. */
enum jit_choice {
    JIT_AUTO, /* native code where it is expected to save time, see jit_is_worth_it */
    JIT_NEVER,
    JIT_ALWAYS /* native code for every relation that it can take */
};

struct jit;

/*
 * Compiles the relations of a validated program for `runs` runs; JIT_AUTO leaves out those that the
 * interpreter finishes sooner. program and machine (NULL: one thread) are borrowed until jit_free.
 * Errors: STATUS_UNSUPPORTED with a sentence why there is no LLVM here; STATUS_DEVICE when LLVM
 * refuses what it was given; STATUS_NO_MEMORY. The caller may go on with the interpreter after any
 * of them.
 */
enum status jit_new(struct jit **jit, const struct relation_program *program,
                    enum jit_choice choice, size_t runs, struct machine *machine,
                    struct diag *diag) SERTN_MUST_CHECK;
/* Accepts NULL. */
void jit_free(struct jit *jit);

/* The evaluator of relation_evaluate; lives as long as the jit. */
struct relation_evaluator jit_evaluator(struct jit *jit);

/* Whether relation `index` has native code. */
bool jit_takes(const struct jit *jit, size_t index);
/* How many functions there are: relations of one form (jit_form.h) share theirs. */
size_t jit_function_count(const struct jit *jit);

/*
 * Whether `runs` runs of the program by native code, LLVM's start and the compilation included, are
 * expected to take well under the interpreter's time: by the constants of jit_cost, measured in
 * benchmarks/results/llvm.md.
 */
bool jit_is_worth_it(const struct relation_program *program, size_t runs);

#endif
