/*
 * Which operators the compiler reads: the data of `sertnc --list-ops`. There is no second list:
 * rows come from the importer's own table (frontend/import_rules.def).
 */
#ifndef SERTN_FRONTEND_OP_LIST_H
#define SERTN_FRONTEND_OP_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "ir/graph.h"

struct op_support {
    const char *domain; /* "ai.onnx", "ai.onnx.ml", "com.microsoft" */
    const char *name;
    int since, until;        /* versions of the domain's operator set, both included */
    enum op_kind kind;       /* the canonical operator it becomes, or the chief one of several */
    const char *types;       /* element types: "float, int", "any", ... */
    const char *restriction; /* what has to hold, or NULL */
};

/*
 * Gives the row of an operator by its place, 0, 1, ...; false past the end. Static texts. Operators
 * whose canonical form the interpreter cannot compute are left out: models with them do not
 * compile.
 */
bool op_list_row(size_t index, struct op_support *row);

#endif
