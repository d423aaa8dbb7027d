/*
 * The proof that every declared range holds, independently of how a program was made. Called after
 * lowering, and by whoever checks a published model.
 */
#ifndef SERTN_PASSES_BOUND_RANGES_H
#define SERTN_PASSES_BOUND_RANGES_H

#include "passes/range.h"

/*
 * Proves every declared range: of results by their operands or by relations that enforce it, of
 * inputs by relations; and that every sum is one of integers, although the circuit shows it modulo
 * the target's modulus only. Ranges of parameters are the setup proof's. Requires:
 * relation_validate accepted the program. Errors: STATUS_BAD_INPUT naming the tensor whose range
 * nothing implies; STATUS_LIMIT when a range or a sum needs more than capacity_bits bits, a sign
 * counted.
 */
enum status pass_bound_ranges(const struct relation_program *program, unsigned capacity_bits,
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
