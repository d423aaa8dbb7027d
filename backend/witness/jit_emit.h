/*
 * The relations of one form as an LLVM function.
 *
 *     int64_t relation(int64_t *const *tensors, const wide *numbers, int64_t begin, int64_t end)
 *
 * runs the outermost loop from begin to end - 1 (the whole relation when it has no outer loop) over
 * the values of the form's tensors, which are int64 or the limbs of wide numbers, with the form's
 * numbers. Returns 0 when all went well, else any other number: some value left its range and the
 * interpreter has to say which.
 */
#ifndef SERTN_BACKEND_WITNESS_JIT_EMIT_H
#define SERTN_BACKEND_WITNESS_JIT_EMIT_H

#include "backend/witness/jit_form.h"
#include "backend/witness/jit_llvm.h"
#include "backend/witness/jit_plan.h"

#ifdef SERTN_HAVE_LLVM

typedef int64_t jit_function(int64_t *const *tensors, const wide *numbers, int64_t begin,
                             int64_t end);

/*
 * Adds the function `name` to a module and returns it: that of every relation whose form has the
 * code of this one. Requires: a plan with bits and the form, of this relation.
 */
LLVMValueRef jit_emit_relation(const struct jit_llvm *llvm, LLVMContextRef context,
                               LLVMModuleRef module, const char *name,
                               const struct relation_program *program,
                               const struct relation *relation, const struct jit_plan *plan,
                               const struct jit_form *form);

#endif
#endif
