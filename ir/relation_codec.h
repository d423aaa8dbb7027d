/*
 * Canonical bytes of a relation program, without parameter values (those are private and kept
 * apart).
 *
 * Equal programs give equal bytes. Reading checks every count against what is left and ends in
 * relation_validate.
 */
#ifndef SERTN_IR_RELATION_CODEC_H
#define SERTN_IR_RELATION_CODEC_H

#include "ir/relation.h"
#include "ir/support/buffer.h"

void relation_program_serialize(const struct relation_program *program, struct buffer *out);
/* `program` is initialised over `arena`. Errors: STATUS_BAD_INPUT, STATUS_LIMIT, STATUS_NO_MEMORY.
 */
enum status relation_program_parse(struct relation_program *program, struct arena *arena,
                                   unsigned capacity_bits, const void *bytes, size_t count,
                                   struct diag *diag) SERTN_MUST_CHECK;

#endif
