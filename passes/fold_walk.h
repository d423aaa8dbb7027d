/* Private to fold_constants.c, inline_bodies.c and unroll_recurrent.c: the walk that builds the
 * folded graph. */
#ifndef SERTN_PASSES_FOLD_WALK_H
#define SERTN_PASSES_FOLD_WALK_H

#include "ir/graph.h"

/* A Loop without a bound of its own is given up after this many turns. */
enum { FOLD_TURNS_MAX = 100000 };

/* What a source value has become: an index in the new graph, or one of these. */
#define VALUE_UNSEEN GRAPH_NONE
#define VALUE_BROKEN (GRAPH_NONE - 1) /* a problem has been reported; users of it stay silent */

/* A source graph being copied: the main graph, or a body under one of its iterations. */
struct fold_scope {
    const struct graph *graph;
    uint32_t *map; /* [graph->value_count] */
    struct fold_scope *outer;
    const char *suffix; /* after the names of nodes and values, "" in the main graph */
};

struct fold_walk {
    struct graph *next;    /* under construction, in the arena of the source */
    struct arena *scratch; /* rewound after each node */
    struct diag_list *problems;
    enum status fatal; /* NO_MEMORY or LIMIT: nothing more can be done */
    uint64_t place;    /* where in a body that is run again and again the next node stands, the same
                          in each round: graph_node.repeat; 0 outside of such bodies */
    uint64_t bodies;   /* begun so far */
    /* Values of the new graph that nodes read which a problem left out. */
    uint32_t *wanted;
    size_t wanted_count, wanted_capacity;
};

/* A place inside another one; never 0. */
uint64_t fold_place(uint64_t outer, uint64_t inner);
/* The place of a body of the node that is being copied. */
uint64_t fold_body_place(struct fold_walk *walk, uint64_t which);

/* Records an allocation failure; returns false so that callers can stop. */
bool fold_no_memory(struct fold_walk *walk);
bool fold_report(struct fold_walk *walk, enum status status, const char *format, ...)
    SERTN_PRINTF(3, 4);

/* The new index of a source value seen from a scope. */
uint32_t fold_resolve(struct fold_walk *walk, struct fold_scope *scope, uint32_t value);

/* Copies all nodes of a scope's graph. */
void fold_nodes(struct fold_walk *walk, struct fold_scope *scope);

/*
 * Adds a node of our own, folded when it can be. Returns its output, or VALUE_BROKEN.
 * like: the source node it stands for (name and opset).
 */
uint32_t fold_add(struct fold_walk *walk, const struct graph_node *like, const char *suffix,
                  enum op_kind op, const uint32_t *in, size_t in_count,
                  const struct graph_attribute *attributes, size_t attribute_count);
/* The same for several outputs; out[i] is GRAPH_NONE on entry where it is not wanted, and stays so.
 * Returns false when one of the others is VALUE_BROKEN. */
bool fold_add_outputs(struct fold_walk *walk, const struct graph_node *like, const char *suffix,
                      enum op_kind op, const uint32_t *in, size_t in_count,
                      const struct graph_attribute *attributes, size_t attribute_count,
                      uint32_t *out, size_t out_count);
/* A public int64 constant; rank 0 when is_scalar, else [1]. */
uint32_t fold_integer(struct fold_walk *walk, int64_t value, bool is_scalar);
/* A public number of rank 0 of a float type, and zeros of any type and shape. */
uint32_t fold_real(struct fold_walk *walk, enum element_type type, double value);
uint32_t fold_zeros(struct fold_walk *walk, enum element_type type, const struct shape *shape);
/* Reads a public scalar; false when the value is not a CONSTANT of one element. */
bool fold_known_integer(const struct fold_walk *walk, uint32_t value, int64_t *out);

/* If, Loop, Scan: in inline_bodies.c. */
void fold_if(struct fold_walk *walk, struct fold_scope *scope, const struct graph_node *node);
void fold_loop(struct fold_walk *walk, struct fold_scope *scope, const struct graph_node *node);
void fold_scan(struct fold_walk *walk, struct fold_scope *scope, const struct graph_node *node);

/* RNN, GRU, LSTM whose operands are not all known: in unroll_recurrent.c. */
void fold_recurrent(struct fold_walk *walk, struct fold_scope *scope,
                    const struct graph_node *node);

#endif
