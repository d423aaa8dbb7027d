/* What relation_validate.c and relation_pinned.c share. */
#ifndef SERTN_IR_RELATION_VALIDATE_INTERNAL_H
#define SERTN_IR_RELATION_VALIDATE_INTERNAL_H

#include "ir/relation.h"

struct validation {
    const struct relation_program *program;
    const struct relation *relation; /* being checked; NULL between relations */
    unsigned capacity_bits;
    uint32_t *producer; /* [tensor_count]: relation, RELATION_NONE for none */
    bool **enforced;    /* [tensor_count][count]: an enforced relation keeps this element in the
                           tensor's range; NULL until asked */
    struct diag *diag;
};

/* STATUS_BAD_INPUT with a sentence that names the relation and its node. */
enum status relation_invalid(const struct validation *v, const char *format, ...)
    SERTN_PRINTF(2, 3);
/* Positions of a relation's index space. */
size_t relation_space_count(const struct relation *relation);
/* Whether the view gives every element of its tensor, in order. */
bool relation_view_is_identity(const struct relation_view *view, const struct relation *relation,
                               const struct relation_program *program);

/* Requires: the structure was accepted. Errors: STATUS_BAD_INPUT naming the first hinted tensor
 * that other relations do not determine. */
enum status relation_check_hints(struct validation *v, struct arena *arena) SERTN_MUST_CHECK;

#endif
