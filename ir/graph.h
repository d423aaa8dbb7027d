/*
 * The tensor graph: what the model says, in real numbers.
 *
 * `frontend` builds it from ONNX of any opset; passes rewrite it; graph_interpret computes it;
 * `passes/lower` turns it into relations. Nodes are canonical operators: one spelling and one
 * meaning per operator (that of the newest ONNX opset unless the table in ir/ops.def says
 * otherwise). The importer turns every older form into the canonical one: attributes that became
 * inputs are inputs, missing optional operands are GRAPH_NONE, axes are normalised later (negative
 * axes allowed), broadcasting is numpy's.
 */
#ifndef SERTN_IR_GRAPH_H
#define SERTN_IR_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/support/arena.h"
#include "ir/support/status.h"
#include "ir/tensor.h"

#define GRAPH_NONE UINT32_MAX

/* ir/ops.def: X(ENUM_NAME, "OnnxName", "domain", min_inputs, max_inputs, min_outputs, max_outputs,
 * traits) */
enum op_kind {
#define X(name, onnx, domain, min_in, max_in, min_out, max_out, traits) OP_##name,
#include "ir/ops.def"
#undef X
    OP_COUNT
};
const char *op_name(enum op_kind kind);

enum graph_value_kind {
    VALUE_INPUT,     /* given at proving time */
    VALUE_CONSTANT,  /* known at compile time and public: shapes, axes, bound inputs, integer
                        constants of structure */
    VALUE_PARAMETER, /* known at compile time, private by default: every stored float tensor, and
                        stored integers of at most 8 bits (initializers, Constant nodes) */
    VALUE_NODE       /* computed by a node */
};

struct graph_value {
    const char *name;
    enum graph_value_kind kind;
    enum element_type type;
    bool shape_known;
    struct shape shape;
    const char *dim_symbol[TENSOR_RANK_MAX]; /* name of an unbound input dimension, or NULL; dim is
                                                -1 then */
    struct tensor *data; /* CONSTANT, PARAMETER; borrowed from the graph's arena */
    uint32_t producer;   /* node index, GRAPH_NONE if none */
    /* Sequence / map outputs (ZipMap): keys of the map; the value itself is the plain tensor
     * underneath. */
    const struct tensor *map_keys;
    /* String outputs: element i of the integer tensor stands for text_table[i] (LabelEncoder,
     * string class labels). */
    const struct tensor *text_table;
    /* String inputs: how many words beyond the table are told apart, as -1, -2, ...; 0: all such
     * words are -1. */
    int64_t unknown_words;
    /* Inputs and outputs: name of the sequence it is an item of; the value's own name is that and
     * [i], once a level. NULL for plain tensors. */
    const char *sequence;
};

enum attribute_kind {
    ATTRIBUTE_INT,
    ATTRIBUTE_FLOAT,
    ATTRIBUTE_TEXT,
    ATTRIBUTE_INTS,
    ATTRIBUTE_FLOATS,
    ATTRIBUTE_TEXTS,
    ATTRIBUTE_TENSOR,
    ATTRIBUTE_GRAPH
};

struct graph_attribute {
    const char *name; /* ONNX spelling */
    enum attribute_kind kind;
    int64_t integer;
    double real;
    const char *text;
    size_t count;
    const int64_t *integers;
    const double *reals;
    const char *const *texts;
    struct tensor *tensor;
    struct graph *graph; /* body of If, Loop, Scan */
};

struct graph_node {
    enum op_kind op;
    const char
        *name; /* never NULL; generated from the operator and position when the file has none */
    int opset; /* version of its domain in the file, for messages */
    uint32_t *inputs; /* value indices, GRAPH_NONE for an absent optional operand */
    size_t input_count;
    uint32_t *outputs; /* value indices, GRAPH_NONE for an unused optional output */
    size_t output_count;
    struct graph_attribute *attributes;
    size_t attribute_count;
    uint64_t repeat; /* nodes that are rounds of one node of a body (Loop, Scan, recurrent cells)
                        have the same; 0: no round of anything */
};

struct graph {
    struct arena *arena;
    const char *name;
    struct graph_value *values;
    size_t value_count, value_capacity;
    struct graph_node *nodes; /* topologically ordered */
    size_t node_count, node_capacity;
    uint32_t *inputs; /* runtime inputs in file order */
    size_t input_count;
    uint32_t *outputs;
    size_t output_count;
    /*
     * Bodies (Loop, Scan, If) see values of the enclosing graph: outer_values[i] is the value of
     * the parent that value i stands for, GRAPH_NONE when it is a value of this graph. Such a value
     * has kind CONSTANT or PARAMETER, with the same data, or NODE without producer.
     */
    struct graph *parent;
    uint32_t *outer_values; /* [value_capacity], NULL while there are no values */
};

/* The add functions return an index, or GRAPH_NONE (NULL, false) when the arena's limit is met.
 * Names are borrowed. */
struct graph *graph_new(struct arena *arena, const char *name);
/* Pointers into graph->values and graph->nodes do not outlive the next add. */
uint32_t graph_add_value(struct graph *graph, const char *name, enum graph_value_kind kind,
                         enum element_type type);
/* Returns the value of a body that stands for a value of its parent; one is made at the first call.
 * Requires: graph->parent. */
uint32_t graph_add_outer_value(struct graph *graph, uint32_t parent_value);
/* Adds a node; inputs and outputs are copied into the arena; outputs become VALUE_NODE with this
 * producer. */
uint32_t graph_add_node(struct graph *graph, enum op_kind op, const char *name,
                        const uint32_t *inputs, size_t input_count, const uint32_t *outputs,
                        size_t output_count);
/* Appends a copy of an attribute (what it points to is borrowed) to a node. */
bool graph_node_add_attribute(struct graph *graph, uint32_t node_index,
                              const struct graph_attribute *attribute);
const struct graph_attribute *graph_attribute(const struct graph_node *node, const char *name);
int64_t graph_attribute_int(const struct graph_node *node, const char *name, int64_t fallback);
double graph_attribute_float(const struct graph_node *node, const char *name, double fallback);
const char *graph_attribute_text(const struct graph_node *node, const char *name,
                                 const char *fallback);

/* A place where a value is read. */
struct graph_use {
    uint32_t node, operand;
};

/* Uses of value v are item[first[v]] .. item[first[v + 1] - 1], in the order of nodes. */
struct graph_uses {
    uint32_t *first; /* [value_count + 1] */
    struct graph_use *item;
};

/* Memory is the arena's. Returns false when there is none. */
bool graph_list_uses(struct graph_uses *uses, const struct graph *graph,
                     struct arena *arena) SERTN_MUST_CHECK;

/* Whether a user who names an input or output so means this value: by its name, or by that of the
 * sequence it is an item of. */
bool graph_value_is_called(const struct graph_value *value, const char *name);

/* Structure: indices, arity against ops.def, order, one producer per value, constant data present.
 */
enum status graph_validate(const struct graph *graph, struct diag *diag) SERTN_MUST_CHECK;

#endif
