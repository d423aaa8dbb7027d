/*
 * The narrow waist: what has to be proved, in integers.
 *
 * A program is a list of integer tensors and a list of relations among them, in an order in which
 * every witness tensor is computed before it is used. Operators above lower to relations; provers
 * below prove relations. One integer meaning of each relation stands in ir/relation_interpret.
 *
 * Chief invariants: every tensor has a proven inclusive range; every hint is pinned by other
 * relations (relation_validate); every composition has a unique output.
 */
#ifndef SERTN_IR_RELATION_H
#define SERTN_IR_RELATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/support/arena.h"
#include "ir/support/status.h"
#include "ir/support/wide.h"

enum { RELATION_RANK_MAX = 8, RELATION_FACTOR_MAX = 4, TABLE_OUTPUT_MAX = 4 };
#define RELATION_NONE UINT32_MAX

/* Role of a tensor. Elements of PARAMETER tensors are private and pinned by the parameter
 * commitment. */
enum relation_role {
    ROLE_WITNESS,
    ROLE_PUBLIC_INPUT,
    ROLE_PRIVATE_INPUT,
    ROLE_PARAMETER,
    ROLE_CONSTANT
};

/* What the integers stand for. real = integer * numerator / denominator * 2^exponent for
 * ENCODING_FIXED. */
enum relation_encoding {
    ENCODING_FIXED,
    ENCODING_INTEGER,
    ENCODING_FLOAT_KEY, /* order-preserving 32- or 64-bit key of an IEEE pattern: see float_key in
                           ir/tensor.h */
    ENCODING_FLOAT_BITS /* the IEEE pattern of a float type as an unsigned integer */
};

struct relation_scale {
    int64_t numerator, denominator; /* both > 0; 1/1 by default */
    int32_t exponent;               /* power of two */
};

struct relation_tensor {
    const char *name; /* value name in the graph, or a generated one; never NULL */
    uint8_t rank;
    int64_t shape[RELATION_RANK_MAX];
    size_t count; /* product of shape, 1 for rank 0 */
    enum relation_role role;
    enum relation_encoding encoding;
    struct relation_scale scale;
    uint8_t key_bits; /* ENCODING_FLOAT_KEY: 32 or 64; ENCODING_FLOAT_BITS: the element_type */
    wide low, high;   /* proven (witness), declared (inputs, parameters) inclusive range */
    bool has_nan; /* ENCODING_FIXED inputs and outputs: `low` stands for NaN, and for no number */
    bool has_infinity; /* ENCODING_FIXED inputs and outputs: `low` stands for minus infinity */
    bool keeps_sign;   /* ENCODING_FIXED inputs: only 0 is 0; see port_encode */
    bool is_output; /* a public output (or hashed: then a digest relation consumes it and its digest
                       is the output) */
    const wide *values; /* ROLE_CONSTANT only, [count], row-major */
};

/*
 * View: for each index of an index space (`rank`, `shape` of the relation's own space) an element
 * of a tensor, or zero. Affine: source element = offset + sum stride[d] * index[d] where low[d] <=
 * index[d] < high[d] for every d, else zero. Listed: source element = index_list[row-major
 * position], -1 meaning zero; then strides are unused.
 */
struct relation_view {
    uint32_t tensor;
    int64_t offset;
    int64_t stride[RELATION_RANK_MAX];
    int64_t low[RELATION_RANK_MAX], high[RELATION_RANK_MAX];
    const int64_t *index_list; /* owned by the program's arena, or NULL */
};

enum relation_kind {
    RELATION_LINEAR,   /* out[0] = sum_k coefficient_k * view_k + constant */
    RELATION_CONTRACT, /* out[0][o] = sum_k a[o, k] * b[o, k] over the index space (output axes...,
                          contraction axes...) */
    RELATION_PRODUCT, /* out[0] = sum_m coefficient_m * product of <= 4 views; is_assert: the sum is
                         zero and there is no output */
    RELATION_IS_ZERO, /* out[0] = (view 0 == 0) */
    RELATION_RESCALE, /* view 0 = out[0] * divisor + out[1], rounding as given */
    RELATION_RANGE,   /* low <= view 0 <= high */
    RELATION_TABLE,   /* (out[0], ...) = T[view 0] */
    RELATION_READ,    /* out[0][i, :] = memory[index[i], :]; view 0 = index [rows], memory tensor
                         [entries, width] */
    RELATION_PERMUTE, /* rows of view 0 are the rows of view 1 in some order, with multiplicity */
    RELATION_HINT,    /* outputs = f(views), unconstrained */
    RELATION_DIGEST   /* out[0] (one word) = Poseidon(salt tensor, packed view 0) */
};

/* How y of a rescale is chosen; each makes (y, r) unique. d > 0 always. */
enum relation_rounding {
    ROUND_FLOOR,      /* 0 <= r < d */
    ROUND_HALF_UP,    /* x + floor(d/2) = y d + r', 0 <= r' < d; out[1] holds r' */
    ROUND_HALF_EVEN,  /* as numpy rint; out[1] holds r of floor, and lowering adds the tie logic as
                         relations: legal in lowered programs only as its expansion */
    ROUND_TOWARD_ZERO /* likewise expanded by lowering */
};

enum relation_hint {
    HINT_DIVIDE_FLOOR, /* views: numerator, denominator */
    HINT_SQUARE_ROOT,  /* floor(sqrt(view 0)), 0 for negatives */
    HINT_ARG_MAX,      /* index of the first maximum along the last axis of view 0 */
    HINT_ARG_MIN,
    HINT_SORT_ORDER, /* along the last axis: out[0] = indices that sort ascending, stable; argument
                        = 1: descending, ties by lower index */
    HINT_BIT_LENGTH  /* floor(log2(view 0)), 0 for numbers below 1 */
};

struct relation_term {
    wide coefficient;
    uint8_t factor_count; /* 1 in LINEAR; up to RELATION_FACTOR_MAX in PRODUCT */
    struct relation_view factors[RELATION_FACTOR_MAX];
};

/* A function table: domain x_low .. x_low + size - 1. Equal tables are shared by `key` (function
 * name and scales). */
struct relation_table {
    const char *key;
    int64_t x_low;
    size_t size;
    uint8_t output_count;
    const int64_t *outputs[TABLE_OUTPUT_MAX]; /* each [size] */
};

struct relation {
    enum relation_kind kind;
    uint32_t node; /* graph node it came from (index into the program's node names), RELATION_NONE
                      for none */
    uint8_t space_rank; /* index space of the views; equals the output's shape except in CONTRACT */
    int64_t space[RELATION_RANK_MAX];
    uint8_t contract_rank; /* CONTRACT: number of trailing axes that are summed */
    uint32_t outputs[TABLE_OUTPUT_MAX];
    uint8_t output_count;
    struct relation_term *terms; /* LINEAR, PRODUCT: terms; others use views */
    size_t term_count;
    struct relation_view views[3]; /* CONTRACT: a, b; RESCALE: x and, if divisor_is_view, d; READ:
                                      index; DIGEST: values, salt */
    uint8_t view_count;
    wide constant;  /* LINEAR: added constant; PRODUCT: added constant */
    bool is_assert; /* PRODUCT */
    enum relation_rounding rounding;
    bool divisor_is_view;
    wide divisor;    /* RESCALE */
    wide low, high;  /* RANGE */
    uint32_t table;  /* TABLE */
    uint32_t memory; /* READ: tensor [entries, width], parameter, constant or witness */
    enum relation_hint hint;
    int64_t argument; /* HINT */
};

struct relation_program {
    struct arena *arena; /* owns everything below */
    struct relation_tensor *tensors;
    size_t tensor_count, tensor_capacity;
    struct relation *relations;
    size_t relation_count, relation_capacity;
    struct relation_table *tables;
    size_t table_count, table_capacity;
    const char **node_names; /* "name (Operator)" of graph nodes */
    size_t node_count;
    /* Order of public words: outputs (and public inputs) by position; indices into tensors. */
    uint32_t *public_tensors;
    size_t public_tensor_count;
    /* Graph inputs in order of the model, with the tensor that carries each. */
    uint32_t *input_tensors;
    size_t input_tensor_count;
};

/*
 * What a prover must enforce, beyond the equation of each relation:
 *   RESCALE  r in its range and y in [low, high] of its tensor (so that y is unique: |y| d + d <
 * 2^253); TABLE    x in the domain;  READ  index in 0..entries-1;  IS_ZERO  b is 0 or 1 by its
 * equations; inputs   a RANGE relation over every input is part of the program;  HINT  nothing. A
 * placement may skip a range that another enforced relation implies.
 */

void relation_program_init(struct relation_program *program, struct arena *arena);
/* Builders copy what they are given into the arena and return the new index. */
uint32_t relation_add_tensor(struct relation_program *program,
                             const struct relation_tensor *tensor);
uint32_t relation_add(struct relation_program *program, const struct relation *relation);
/* Returns the index of an equal table when one with this key exists. */
uint32_t relation_add_table(struct relation_program *program, const struct relation_table *table);
/* The least and the greatest entry of column k. Requires: an entry. */
void relation_table_ends(const struct relation_table *table, unsigned k, int64_t *low,
                         int64_t *high);
/* View of a whole tensor in its own shape, broadcast to `rank`, `space` by the numpy rule. */
struct relation_view relation_view_whole(const struct relation_program *program, uint32_t tensor,
                                         uint8_t rank, const int64_t *space);
/* Source element for a row-major position of the index space, or -1. */
int64_t relation_view_element(const struct relation_view *view, uint8_t rank, const int64_t *space,
                              size_t position);

/*
 * The range [low, low + 2^bits) around a tensor's own: low is 0 or minus a power of two. What a
 * quotient is checked against, and the width a value has in a packed public word or a hashed word.
 */
void relation_rounded_range(const struct relation_tensor *tensor, wide *low, unsigned *bits);

/*
 * Structure: indices in range, shapes agree, every witness tensor has exactly one producer that
 * stands before its uses, ranges not empty and below the capacity, and no hint is left free: every
 * element of a hinted tensor must be determined by non-hint relations (rules and their proofs stand
 * beside the code). Errors: STATUS_BAD_INPUT naming the relation and its node.
 */
enum status relation_validate(const struct relation_program *program, unsigned capacity_bits,
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
