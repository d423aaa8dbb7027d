/* Text forms of what the compiler works on, for --emit, --print-after and --timings. */
#ifndef SERTN_RUNTIME_TOOLS_DUMP_H
#define SERTN_RUNTIME_TOOLS_DUMP_H

#include "ir/circuit.h"
#include "ir/graph.h"
#include "ir/relation.h"

struct dump {
    const char *print_after; /* pass name or NULL */
    bool timings;
    double last_seconds;
};

void dump_begin(struct dump *dump);
/* after_pass callback of compile_options; context is a struct dump. */
void dump_after_pass(void *context, const char *pass, const struct graph *graph,
                     const struct relation_program *program);
/* Prints "graph", "relations" or "circuit" on standard output. */
void dump_emit(const char *what, const struct graph *graph, const struct relation_program *program,
               const struct circuit *circuit);

#endif
