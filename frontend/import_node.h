/*
 * Private to frontend/import*.c: what a rule sees of the node it imports, and how it emits
 * canonical nodes.
 *
 * Failure is sticky: the first rule_fail of a node decides, and every later emission of that node
 * gives GRAPH_NONE and does nothing, so that a rule reads straight on. The dispatcher reports, and
 * marks the outputs as unusable, so that nodes after it stay silent.
 */
#ifndef SERTN_FRONTEND_IMPORT_NODE_H
#define SERTN_FRONTEND_IMPORT_NODE_H

#include "frontend/import.h"
#include "ir/graph_infer.h"
#include "ir/ops.h"
#include "ir/support/names.h"

/* One graph under construction: the main one or a body. */
struct import_unit {
    struct graph *graph;
    struct import_unit *parent; /* unit of graph->parent, NULL for the main graph */
    const struct tensor *
        *known; /* elements of computed values that are known already, NULL where they are not */
    size_t known_capacity;
    /* Values that nodes read which failed, or hang on one that did. */
    uint32_t *wanted;
    size_t wanted_count, wanted_capacity;
    bool has_hoisted; /* what is left of a broken body stands in it: it is broken too */
};

enum binding_kind {
    BINDING_NONE,     /* not defined (yet) */
    BINDING_VALUE,    /* a tensor */
    BINDING_STORED,   /* an initializer nobody has asked for yet */
    BINDING_SEQUENCE, /* tensors in a list whose length is known */
    BINDING_ABSENT,   /* an optional that holds nothing */
    BINDING_BROKEN,   /* comes from a node that failed */
};

/* What a name of the file stands for. */
struct binding {
    enum binding_kind kind;
    uint32_t value; /* in the graph of the scope's unit */
    const Onnx__Tensor *stored;
    const Onnx__SparseTensor *stored_sparse;
    struct binding *item; /* SEQUENCE */
    size_t item_count;
};

/* Whether nothing in it comes from a node that failed. */
bool binding_is_whole(const struct binding *binding);

/* The attributes that a call gives to the body of a model-local function. */
struct import_call {
    const Onnx__Node *node;
    const Onnx__Function *function;
    const struct import_call *outer; /* the call that the calling node itself stands in, or NULL */
};

/* Names of one graph, body or function. */
struct import_scope {
    struct import_scope *parent; /* names not found here are looked up there; NULL for functions and
                                    the main graph */
    struct import_unit *unit;
    struct names names;
    struct binding *binding; /* [names.count] */
    size_t binding_capacity;
    const struct import_call *call; /* NULL outside functions */
    Onnx__OpsetImport *const *opsets;
    size_t opset_count;
    const char *prefix; /* put before node names: "" or "caller/" */
};

/* Strings that share their numbers; table is filled when the import ends. */
struct text_pool {
    struct text_pool *next;
    struct names names;
    struct tensor *table;
};

/* How many results a padded value of the file holds: a value of the main graph. */
struct result_count {
    struct result_count *next;
    const char *name;
    uint32_t value;
};

/* What the first data set gives the values of the main graph so far; see import_dynamic.c. */
struct import_trial {
    struct arena arena;
    struct tensor **item; /* [capacity] */
    size_t value_count, capacity, node_count;
    bool has_begun, has_failed;
};

struct importer {
    struct arena *arena;
    struct onnx_file *file;
    const struct import_options *options;
    struct diag_list *problems;
    struct import_notes *notes;
    struct names notes_seen;
    struct text_pool *pools;      /* all of them, newest first */
    struct text_pool *input_pool; /* strings that inputs may hold */
    enum status fatal;            /* NO_MEMORY or LIMIT: stop everything */
    unsigned depth;               /* of bodies and functions under import */
    /* Inputs whose elements have to be known: names into options->sample, found by a run, bound by
     * the next. */
    const char **needed;
    size_t needed_count, needed_capacity;
    struct result_count *counts; /* in the order of the file */
    bool *max_dim_used;          /* [options->max_dim_count] */
    int64_t random_streams;      /* streams that random operators have drawn from */
    struct import_trial trial;
    size_t problems_before; /* problems->count + lost when the import began */
    struct names told;      /* problems that are listed */
};

enum { IMPORT_STAGED_MAX = 24, IMPORT_DEPTH_MAX = 64 };

/* One node of the file under import. */
struct import_node {
    struct importer *importer;
    struct import_scope *scope;
    struct import_unit *unit;
    const Onnx__Node *proto;
    const struct import_rule *rule;
    const char *name;   /* never NULL */
    const char *domain; /* "ai.onnx", "ai.onnx.ml", ... */
    int version;
    struct binding *in; /* [in_count] */
    size_t in_count;
    size_t out_count; /* names of outputs, unused ones at the end left out */
    unsigned emitted; /* nodes so far, for names */
    struct graph_attribute staged[IMPORT_STAGED_MAX]; /* attributes of the next node */
    size_t staged_count;
    enum status status;
    bool is_silent; /* failed by rule_break */
    struct diag diag;
};

/* --- the rule table (import_rules.c) --- */

typedef void (*import_function)(struct import_node *n);

struct import_rule {
    const char *domain, *op;
    int since, until; /* opset versions of the domain this row is for; until 0: the newest */
    enum op_kind kind;
    import_function run;
    const char *attributes;  /* accepted: kinds i f s I F S t g, each before its names: "i: axis
                                keepdims I: perm" */
    const char *types;       /* for --list-ops */
    const char *restriction; /* for --list-ops, or NULL */
};

enum { OPSET_NEWEST = 28, OPSET_ML_NEWEST = 5 };

/* Finds the row for a version; *exact is false when the operator exists in other versions only, and
 * the nearest row is returned. */
const struct import_rule *import_rule_find(const char *domain, const char *op, int version,
                                           bool *exact);
const struct import_rule *import_rule_at(size_t index); /* NULL past the end */
/* The operator of a domain whose name is nearly this one, or NULL. */
const char *import_rule_similar(const char *domain, const char *op);
/* Fails a node without an attribute that ONNX requires (import_required.c). */
void import_check_required(struct import_node *n);
/* Whether a row accepts an attribute of this name. */
bool import_rule_accepts(const struct import_rule *rule, const char *name);
/* Whether a list with spaces between has this word. */
bool import_has_word(const char *list, const char *word);
/* Fails the node for a word that an attribute may not be (import_choices.c). */
void import_check_choices(struct import_node *n);

/* --- failures and notes (import_node.c) --- */

/* Fails the node with a reason and what to do; the dispatcher puts node, operator and operands
 * before it. */
void rule_fail(struct import_node *n, enum status status, const char *format, ...)
    SERTN_PRINTF(3, 4);
/* Fails the node without a word: it hangs on one that failed, which was reported there. */
void rule_break(struct import_node *n);
/* The arena is full. */
void rule_out_of_memory(struct import_node *n);
/* A note about this node, given once for each distinct text. */
void rule_note(struct import_node *n, const char *format, ...) SERTN_PRINTF(2, 3);
void import_note(struct importer *importer, const char *format, ...) SERTN_PRINTF(2, 3);
/* Notes the value that counts the results in the value `name` of the file (import.c). */
void importer_add_count(struct importer *importer, const char *name, uint32_t value);
/* Puts a problem that belongs to no node into the list, once. */
void import_problem(struct importer *importer, enum status status, const char *format, ...)
    SERTN_PRINTF(3, 4);

/* Whether nothing was wrong so far. */
bool import_is_clean(const struct importer *importer);

/* --- operands (import_node.c) --- */

/* Operand i as a value; GRAPH_NONE when it is absent, or, failing the node, when it is no tensor.
 */
uint32_t operand(struct import_node *n, size_t i);
/* The same for operands the rule cannot do without: absence fails the node. */
uint32_t required(struct import_node *n, size_t i);
/* Type and shape of a value of this unit; UNDEFINED for GRAPH_NONE. */
enum element_type value_type(const struct import_node *n, uint32_t value);
/* Shape of a value, or NULL, failing the node, when it is not known. */
const struct shape *value_shape(struct import_node *n, uint32_t value);
/* The elements of a value when they are known at compile time, else NULL. */
const struct tensor *value_known(const struct import_node *n, uint32_t value);
bool value_is_text(const struct import_node *n, uint32_t value);
/*
 * Asks for a value that is not known: when it depends on a small input of the model that --data
 * gives, the import is run once more with that input fixed, and true is returned (import_emit.c).
 */
bool want_known(struct import_node *n, uint32_t value);
/*
 * The same for what only decides which way the model goes: not when the value depends on an input
 * that is data, floats or more than `most` elements, which has to stay an input.
 */
bool want_switch(struct import_node *n, uint32_t value, size_t most);
/* Drops what the first data set gave the graph so far (import_dynamic.c). */
void import_forget_trial(struct importer *importer);
/* Gives output i of the file's node; alone names the value when this node computed it. */
void set_output(struct import_node *n, size_t i, uint32_t value);
void set_output_binding(struct import_node *n, size_t i, const struct binding *binding);
/* Whether anything is to be done for output i. */
bool output_wanted(const struct import_node *n, size_t i);

/* --- attributes of the file's node (import_attribute.c) --- */

bool has_attr(struct import_node *n, const char *name);
/* Whether it is there and holds text. */
bool attr_is_text(struct import_node *n, const char *name);
int64_t attr_int(struct import_node *n, const char *name, int64_t fallback);
double attr_float(struct import_node *n, const char *name, double fallback);
const char *attr_text(struct import_node *n, const char *name, const char *fallback);
/* Lists: NULL and count 0 when not written. */
const int64_t *attr_ints(struct import_node *n, const char *name, size_t *count);
const double *attr_floats(struct import_node *n, const char *name, size_t *count);
const char **attr_texts(struct import_node *n, const char *name, size_t *count);
/* Tensor or sparse tensor, strings as strings; NULL when not written. */
struct tensor *attr_tensor(struct import_node *n, const char *name);
const Onnx__Graph *attr_graph(struct import_node *n, const char *name);
/* Stages every attribute the rule's row accepts, as it is written; notes those it does not. */
void stage_attributes(struct import_node *n);
/* The same, without the names in `except` (space between). */
void stage_attributes_except(struct import_node *n, const char *except);
void stage_int(struct import_node *n, const char *name, int64_t value);
void stage_float(struct import_node *n, const char *name, double value);
void stage_text(struct import_node *n, const char *name, const char *value);
/* Copies the values. */
void stage_ints(struct import_node *n, const char *name, const int64_t *values, size_t count);
void stage_tensor(struct import_node *n, const char *name, struct tensor *value);
void stage_graph(struct import_node *n, const char *name, struct graph *value);
bool staged_is(const struct import_node *n, const char *name);

/* --- emission (import_emit.c) --- */

/* Nodes with one output take the staged attributes; they return the output, GRAPH_NONE after a
 * failure. */
uint32_t emit1(struct import_node *n, enum op_kind op, uint32_t a);
uint32_t emit2(struct import_node *n, enum op_kind op, uint32_t a, uint32_t b);
uint32_t emit3(struct import_node *n, enum op_kind op, uint32_t a, uint32_t b, uint32_t c);
uint32_t emit_list(struct import_node *n, enum op_kind op, const uint32_t *in, size_t in_count);
/* Any number of outputs: out[i] is set, unless it is GRAPH_NONE when called: then the output is not
 * made. */
void emit_outputs(struct import_node *n, enum op_kind op, const uint32_t *in, size_t in_count,
                  uint32_t *out, size_t out_count);

/* Values of structure, public: integers, and reals that belong to an algorithm and not to the
 * model. */
uint32_t constant_int(struct import_node *n, int64_t value);
uint32_t constant_ints(struct import_node *n, const int64_t *values, size_t count);
uint32_t constant_real(struct import_node *n, enum element_type type, double value);
uint32_t constant_tensor(struct import_node *n, struct tensor *tensor);
/* A stored tensor of the model: PARAMETER when float, CONSTANT otherwise; strings are numbered. */
uint32_t stored_tensor(struct import_node *n, struct tensor *tensor);
/* A float tensor from a list of attributes, row-major; count must be the product of dims (rank 1 or
 * 2). */
uint32_t parameter_list(struct import_node *n, enum element_type type, const double *values,
                        size_t count, const int64_t *dims, unsigned rank);

/* --- strings as numbers (import_pool.c); NULL and GRAPH_NONE when memory is out --- */

struct text_pool *text_pool_new(struct importer *importer);
/* The pool of a value's text_table. */
struct text_pool *text_pool_of(const struct importer *importer, const struct tensor *table);
/* Rank-1 list of strings as int64 numbers in the pool, new ones added. */
struct tensor *text_numbers(struct importer *importer, struct text_pool *pool,
                            const char *const *texts, size_t count);
/* A constant of such numbers. */
uint32_t text_constant(struct import_node *n, struct text_pool *pool, struct tensor *numbers);
/* Puts the strings into the tables. */
void text_pools_fill(struct importer *importer);
/* Renumbers operands of one operator that come from different pools. */
void unify_texts(struct import_node *n, uint32_t *in, size_t count);

/* --- compositions of few operators (import_compose.c) --- */

uint32_t cast_to(struct import_node *n, uint32_t value,
                 enum element_type type); /* nothing when it is that type */
uint32_t reshape_to(struct import_node *n, uint32_t value, const int64_t *dims, size_t count);
uint32_t unsqueeze_at(struct import_node *n, uint32_t value, int64_t axis);
uint32_t transpose_to(struct import_node *n, uint32_t value, const int64_t *perm, size_t rank);
/* a and b one after the other; a may be absent. */
uint32_t join_along(struct import_node *n, uint32_t a, uint32_t b, int64_t axis);
/* Elements from .. to - 1 of an axis. */
uint32_t slice_along(struct import_node *n, uint32_t value, int64_t axis, int64_t from, int64_t to);
/* Element `index` of an axis, which goes. */
uint32_t take_along(struct import_node *n, uint32_t value, int64_t axis, int64_t index);
uint32_t constant_zeros(struct import_node *n, enum element_type type, const int64_t *dims,
                        size_t rank);
/* 0 for a value without a known shape. */
unsigned rank_of(struct import_node *n, uint32_t value);
/* Size of an axis. An axis that is not there fails the rule: 0. */
int64_t size_along(struct import_node *n, uint32_t value, unsigned axis);
/* Fails the rule unless `parts` divides `size`. what: the parts' name, in the plural. */
void need_divisor(struct import_node *n, int64_t size, int64_t parts, const char *what);

/* 1 where a draw from [0, 1) is at least `ratio`, in the shape of x (import_random.c). */
uint32_t import_random_mask(struct import_node *n, uint32_t x, uint32_t ratio);

/* --- scopes and bodies (import_scope.c, import_graph.c) --- */

struct import_unit *unit_new(struct importer *importer, const char *name,
                             struct import_unit *parent);
struct import_scope *scope_new(struct importer *importer, struct import_scope *parent,
                               struct import_unit *unit);
/* Returns false when the name is defined already, or memory is out. */
bool scope_define(struct importer *importer, struct import_scope *scope, const char *name,
                  const struct binding *binding);
/* The name stands for nothing any more: what it stood for has failed. */
void scope_break(struct importer *importer, struct import_scope *scope, const char *name);
/* What a name stands for, in the unit of `scope`: NONE when it is not defined. */
struct binding scope_lookup(struct importer *importer, struct import_scope *scope,
                            const char *name);
/* Types, shapes and known elements of a value of a unit. */
struct value_info unit_value_info(const struct import_unit *unit, uint32_t value);
void unit_set_known(struct importer *importer, struct import_unit *unit, uint32_t value,
                    const struct tensor *known);
/* A value for a tensor, as stored_tensor; GRAPH_NONE when memory is out. */
uint32_t unit_add_stored(struct importer *importer, struct import_unit *unit, const char *name,
                         struct tensor *tensor);

/* Imports the nodes that the names in `wanted` need, in an order that works. A cycle is a problem,
 * and what reads the value that closes it hangs on that. */
void import_nodes(struct importer *importer, struct import_scope *scope, Onnx__Node *const *nodes,
                  size_t node_count, const char *const *wanted, size_t wanted_count);
/* Defines the initializers of a graph in a scope. */
void define_initializers(struct importer *importer, struct import_scope *scope,
                         const Onnx__Graph *graph);
/* Imports a branch in place: its outputs become bindings of the calling node's scope. */
void import_inline_graph(struct import_node *n, const Onnx__Graph *graph, struct binding *outputs,
                         size_t output_count);
/* The same for a body with inputs, which stand for what is given. */
void import_inline_call(struct import_node *n, const Onnx__Graph *graph,
                        const struct binding *inputs, size_t input_count, struct binding *outputs,
                        size_t output_count);
/* The same for one of several calls of one body, whose nodes get names of their own. */
void import_inline_turn(struct import_node *n, const Onnx__Graph *graph, size_t turn,
                        const struct binding *inputs, size_t input_count, struct binding *outputs,
                        size_t output_count);
/* Inlines a model-local function. */
void import_call_function(struct import_node *n, const Onnx__Function *function);
/* Runs the rule of one node, or inlines the function it calls. */
void import_one_node(struct importer *importer, struct import_scope *scope, const Onnx__Node *proto,
                     size_t position);

/* Notes that a node which failed, or hangs on one that did, reads a value of its unit. */
void import_want(struct importer *importer, struct import_unit *unit, uint32_t value);
/* Puts what is left of a broken body of the node into the node's own graph, for those who judge it
 * (import_hoist.c). outputs: of the body. */
void import_hoist_body(struct import_node *n, struct import_unit *body,
                       const struct binding *outputs, size_t count);

/* A body under construction: import_body_begin; inputs are defined by the caller; import_body_end.
 */
struct import_scope *import_body_begin(struct import_node *n, const Onnx__Graph *graph);
/* Adds an input value to the body's graph and defines its name. type and shape as `info`. */
uint32_t import_body_input(struct import_node *n, struct import_scope *body, const char *name,
                           const struct value_info *info);
/* Imports the nodes and sets the outputs; false when something failed (reported already). */
bool import_body_end(struct import_node *n, struct import_scope *body, const Onnx__Graph *graph);
/*
 * The same for a body whose first `count` outputs, all that are taken, may be sequences and empty
 * optionals too: outputs[i] is what output i is, and the outputs of the body's graph are its
 * tensors and those within its sequences, in order.
 */
bool import_body_end_any(struct import_node *n, struct import_scope *body, const Onnx__Graph *graph,
                         struct binding *outputs, size_t count);
/* The info of a body's output, as the node that runs the body sees it. */
struct value_info import_body_output_info(const struct import_scope *body, size_t i);
/* Gives a value of this unit a type and, when known, a shape. */
void import_set_info(struct import_node *n, uint32_t value, const struct value_info *info);

#endif
