/*
 * The PLONKish table that a relation program was placed into: fixed columns, copies, tables, public
 * layout, and the fill program that turns relation values into witness cells.
 *
 * Who calls it: passes/place builds it; backend/plonk makes keys from it and proves it;
 * backend/check explains it; ir/artifact stores it. The gates, selectors and lookup slots are those
 * of backend/plonk/README.md, menu 1; this header knows no field: constants are `wide` integers
 * that the backend reduces.
 *
 * Chief invariant: the circuit depends on the model's shapes, widths and public constants only,
 * never on the value of a parameter.
 */
#ifndef SERTN_IR_CIRCUIT_H
#define SERTN_IR_CIRCUIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/relation.h"
#include "ir/support/arena.h"
#include "ir/support/buffer.h"
#include "ir/support/status.h"
#include "ir/support/wide.h"

/* ORDER circuit columns: advice 0..2 are a1..a3. */
enum {
    CIRCUIT_ADVICE = 3,
    CIRCUIT_PARAM_MAX = 2,
    CIRCUIT_TAIL_ROWS = 5,
    CIRCUIT_GATED_ROWS = 6,
    CIRCUIT_LG_ROWS_MAX = 26, /* of tables that can be stored and checked; provers hold fewer */
    CIRCUIT_TAG_MAX = 65535
};

enum gate_chain {
    CHAIN_START = 0,
    CHAIN_SINGLE = 1,
    CHAIN_CONTINUE = 2,
    CHAIN_END = 3,
    CHAIN_HORNER = 4
};
enum gate_term { TERM_LINEAR = 0, TERM_WEIGHTED = 1, TERM_PRODUCT = 2, TERM_LINEAR3 = 3 };
/* What a row does with the held sum h of contraction circuits (README 1.5). */
enum gate_hold { HOLD_NONE = 0, HOLD_WEIGHT = 1, HOLD_ADVICE = 2, HOLD_STEP = 3 };

/* Fixed values of one row. c2 and c3 are indices into circuit.constants; constant 0 is always the
 * integer zero. */
struct circuit_row {
    uint8_t chain;        /* enum gate_chain, column g1 */
    uint8_t term;         /* enum gate_term, column g2 */
    uint8_t is_provider;  /* column qM; 0 in contraction circuits */
    uint8_t hold;         /* enum gate_hold, column g3; 0 in all others */
    uint16_t slot_memory; /* column tF */
    uint16_t slot_table;  /* column t2 */
    uint16_t slot_range;  /* column t3 */
    uint32_t c2, c3;
};

/* Whether a gate or a lookup stands in a row. */
static inline bool circuit_row_is_used(const struct circuit_row *row)
{
    return row->chain != 0 || row->term != 0 || row->slot_memory != 0 || row->slot_table != 0 ||
           row->slot_range != 0 || row->c2 != 0 || row->c3 != 0;
}

/* One fixed row of the table columns. tag 0 = null row. Memory rows have y = 0 and take their
 * values from w1, w2. */
struct circuit_table_row {
    uint16_t tag;
    int64_t x, y;
};

/* A cell of the advice part: column 0..2, row 0..U-1. */
struct cell {
    uint32_t row;
    uint8_t column;
};

/* How a witness cell gets its value. ORDER fill kinds. */
enum fill_kind {
    FILL_TENSOR,  /* element `element` of relation tensor `tensor` */
    FILL_LIMB,    /* bits [shift, shift + width) of (element - bias), which is >= 0; bias is
                     constants[constant] */
    FILL_CONST,   /* constants[constant] */
    FILL_INVERSE, /* field inverse of the element, or of constants[constant] when tensor is
                     FILL_NO_TENSOR (0 for 0); computed by the backend */
    FILL_DIGEST,  /* state word of a digest instance: `tensor` = digest relation number, `element` =
                     word of its trace; by the backend */
    FILL_REST     /* coefficient of a product of polynomials that is no output: `tensor` = contract
                     relation number, `element` = 2 ((group columns + column) (sequence + span) + i) +
                     swapped, in the terms of ir/relation_bilinear.h; by the backend */
};

#define FILL_NO_TENSOR UINT32_MAX

struct fill {
    uint32_t row;
    uint8_t column; /* 0..2 advice, 3..4 parameters w1, w2 */
    uint8_t kind;
    uint8_t shift, width; /* FILL_LIMB: shift 0..253, width 1..16 */
    uint32_t tensor;
    uint32_t element;
    uint32_t constant;
};

/* Public words, in order: word i = sum over its parts of (value - low) * 2^shift, below 2^253. low
 * and shift are public. */
struct public_part {
    uint32_t word;
    uint32_t tensor, element;
    uint32_t low; /* constant index */
    uint16_t shift;
    uint16_t bits; /* proven width of value - low; 254 for a whole field element (a digest), then
                      shift = 0 and low = 0 */
};

/* Which relation put a row there: for check and for the report. node = origin node of the relation
 * program, UINT32_MAX for shared rows. */
struct row_origin {
    uint32_t relation;
    uint32_t element;
};

/* Declared range of a parameter cell that soundness rests on; the setup proof shows it for every
 * used cell. */
struct param_cell {
    uint32_t row;
    uint8_t column; /* 0 = w1, 1 = w2 */
    uint32_t tensor, element;
    uint32_t low, high; /* constant indices, inclusive; rounded to powers of two before placement */
};

struct circuit {
    /* Hash of the relation program whose tensors the fills and public parts name (set by whoever
     * stores both), so that the circuit digest also binds what the public words mean. */
    uint8_t program_digest[32];
    unsigned lg_rows;       /* n = 2^lg_rows */
    unsigned param_columns; /* 0, 1 or 2; at most 1 in contraction circuits */
    bool has_contraction;   /* has columns h and g3, and no qM */
    uint32_t usable_rows;   /* U = n - CIRCUIT_GATED_ROWS */

    wide *constants;
    size_t constant_count;

    struct circuit_row *rows;        /* [usable_rows]; the rest of the table is all zero */
    struct circuit_table_row *table; /* [usable_rows] */
    struct row_origin *origins;      /* [usable_rows] */

    /* copies[i] joins two advice cells; classes are the transitive closure. */
    struct {
        struct cell a, b;
    } * copies;
    size_t copy_count;

    struct fill *fills; /* cells not listed are zero */
    size_t fill_count;

    struct param_cell *param_cells;
    size_t param_cell_count;

    struct public_part *public_parts;
    size_t public_part_count;
    uint32_t public_word_count; /* the last Horner rows before row U compute them in order */
};

/*
 * Checks the structure: sizes, indices, tags (unique meaning, 1..CIRCUIT_TAG_MAX), chains
 * (README 1.1), that provider rows have a null table row and an index cell (a3) in the copy class
 * of a constant, that memory and fixed table rows are disjoint, that top limbs have exact width,
 * that in weighted rows an advice cell beside an unused parameter cell is in the copy class of a
 * zero-constrained cell, the rules of held sums (README 1.5), and that the last public_word_count
 * words end at row U.
 * Errors: STATUS_BAD_INPUT with the first violated rule and its row (an artifact may come from
 * anybody).
 */
enum status circuit_validate(const struct circuit *circuit, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Checks what a circuit names of its program: every fill, parameter cell and public part is an
 * element that exists, parameter columns hold parameters alone, and each of their elements stands
 * in one cell. With a circuit that was parsed as a head, its public parts. Errors:
 * STATUS_BAD_INPUT, STATUS_NO_MEMORY.
 */
enum status circuit_validate_program(const struct circuit *circuit,
                                     const struct relation_program *program,
                                     struct diag *diag) SERTN_MUST_CHECK;

/*
 * Canonical bytes: equal circuits give equal bytes. The circuit digest of a verifying key is over
 * these. Memory errors show in the buffer's own status.
 */
void circuit_serialize(const struct circuit *circuit, struct buffer *out);
/*
 * Reads what circuit_serialize wrote; arrays live in `arena`. The bytes may come from anybody:
 * every count is checked against what is left before memory is taken, and circuit_validate runs at
 * the end. Errors: STATUS_BAD_INPUT, STATUS_LIMIT, STATUS_NO_MEMORY.
 */
enum status circuit_parse(struct circuit *circuit, struct arena *arena, const void *bytes,
                          size_t count, struct diag *diag) SERTN_MUST_CHECK;

/*
 * The first part alone: sizes, constants and public layout; rows, copies and fills stay NULL. For
 * verifiers, who compare the digest of the whole bytes with the one their key names.
 */
enum status circuit_parse_head(struct circuit *circuit, struct arena *arena, const void *bytes,
                               size_t count, struct diag *diag) SERTN_MUST_CHECK;

#endif
