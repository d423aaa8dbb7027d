/*
 * State of one placement. Shared by place*.c only.
 *
 * An `item` is anything that may stand in a cell: an element of a tensor, a constant, or a limb of
 * an element.
 */
#ifndef SERTN_PASSES_PLACE_INTERNAL_H
#define SERTN_PASSES_PLACE_INTERNAL_H

#include "ir/circuit.h"
#include "ir/relation.h"
#include "ir/relation_bilinear.h"
#include "passes/place.h"

#define NO_CELL UINT32_MAX
#define PLACE_SPARE_MAX 16

/* How a tensor's elements reach cells. */
enum element_state {
    STATE_CELL,    /* has its own cells */
    STATE_ALIAS,   /* each element is another tensor's element or zero */
    STATE_VIRTUAL, /* a linear or bilinear expression, spelled out where it is used */
    STATE_CONSTANT,
    STATE_PARAMETER
};

struct item {
    enum { ITEM_ELEMENT, ITEM_CONSTANT, ITEM_LIMB, ITEM_INVERSE, ITEM_DIGEST, ITEM_REST } kind;
    uint32_t tensor;
    uint32_t element;
    uint32_t constant;    /* ITEM_CONSTANT: its index; ITEM_LIMB: index of the bias */
    uint8_t shift, width; /* ITEM_LIMB */
};

/* One summand: coefficient * item, looked up as a range of `range_tag` when that is not 0. */
struct term {
    wide coefficient;
    struct item item;
    uint16_t range_tag;
};

/* factor * factor with coefficient `sign`; with is_param the first factor is a parameter element.
 */
struct bilinear {
    bool is_param;
    int8_t sign;
    struct item a, b;
};

/* sum of terms and bilinear parts and `constant` = 0. */
struct equation {
    struct term *terms;
    size_t term_count, term_capacity;
    struct bilinear *parts;
    size_t part_count, part_capacity;
    wide constant;
};

struct place_row {
    struct circuit_row fixed;
    uint32_t param[CIRCUIT_PARAM_MAX]; /* global element + 1 of the parameter in w1, w2; 0 = none */
    struct row_origin origin;
};

struct table_use {
    uint16_t tag;
    uint8_t output; /* function tables */
    uint32_t table; /* index, or RELATION_NONE for a range of `size` values from `low` */
    size_t size;
    int64_t low;
};

struct memory_use {
    uint16_t tag;
    uint32_t memory; /* tensor */
    uint32_t pair;   /* columns 2 pair, 2 pair + 1 */
    bool is_param;
};

/* CONTRACT relations over one still operand, checked together by held sums. */
struct place_contraction {
    struct bilinear_form form; /* of the first relation */
    bool swapped;
    uint32_t *relations;
    size_t count;
};

/* The contractions that are cheaper that way. */
struct place_contractions {
    struct place_contraction *item;
    size_t count;
    uint32_t *of_relation; /* [relation_count] index + 1; null when there are none */
    size_t saved_rows;
};

struct place {
    const struct relation_program *program;
    const struct place_options *options;
    struct arena *arena;
    struct diag *diag;
    enum status status; /* first failure; every builder is a no-op after it */
    size_t row_limit;   /* more rows are no use: the trial stops; 0: none */
    bool is_stopped;
    bool only_counts; /* rows: what fills cells, and which are copies, is not kept */
    struct fill unused;
    unsigned limb_bits;
    unsigned param_columns;
    const struct place_contractions *contractions; /* null: every product is spelled out */
    size_t *kernel, *shift;                        /* scratch of bilinear_kernels */

    /* by tensor */
    size_t *base;       /* first global element */
    uint8_t *state;     /* enum element_state */
    uint32_t *producer; /* relation, RELATION_NONE */
    bool *is_memory;    /* a parameter that some READ looks rows up in: its elements stand there */
    /* by global element */
    size_t element_count;
    uint32_t *first_cell; /* row * 4 + column, NO_CELL */
    uint32_t *linear_uses, *hard_uses;
    /* The RESCALE (index + 1, and element) whose operands stand in the place of a quotient without
     * a cell; the TABLE that looks an element up first. 0: none. */
    uint32_t *spelled, *spelled_at, *reader, *reader_at;
    uint8_t *is_implied; /* how a later relation bounds a quotient: place_implied.c */

    struct place_row *rows;
    size_t row_count, row_capacity;
    struct fill *fills;
    size_t fill_count, fill_capacity;
    struct cell (*copies)[2];
    size_t copy_count, copy_capacity;
    wide *constants;
    size_t constant_count, constant_capacity;
    uint32_t *constant_cell; /* by constant index: first cell, NO_CELL */
    size_t constant_cell_capacity;
    uint32_t *constant_slots; /* open-addressing hash over constants: index + 1 */
    size_t constant_slot_count;
    uint32_t zero_cell;
    uint32_t *digest_cell; /* first cell of each trace word of the digest being placed */

    struct table_use *tables;
    size_t table_count, table_capacity;
    struct memory_use *memories;
    size_t memory_count, memory_capacity;
    uint16_t next_tag;

    /* arrays of equations that were emitted, for the next ones */
    struct equation spare[PLACE_SPARE_MAX];
    size_t spare_count;

    /* single cells that wait for a lookup row */
    struct term pending;
    bool has_pending;

    struct row_origin origin; /* stamped on rows as they are added */
};

static inline const struct relation_tensor *tensor_of(const struct place *place, uint32_t tensor)
{
    return &place->program->tensors[tensor];
}

/* Positions of a relation's index space. */
static inline size_t space_count(const struct relation *relation)
{
    size_t count = 1;
    for (unsigned d = 0; d < relation->space_rank; d++)
        count *= (size_t)relation->space[d];
    return count;
}

/* place_cells.c */
void place_fail(struct place *place, enum status status, const char *format, ...)
    SERTN_PRINTF(3, 4);
bool place_grow(struct place *place, void **array, size_t *capacity, size_t needed, size_t size);
/* A fill to be written, which lives until the next one; NULL after a failure. Where only rows count
 * nobody reads it. */
struct fill *place_new_fill(struct place *place);
/* Frees rows, fills and copies, which live on the heap; all else is the arena's. */
void place_release(struct place *place);
size_t place_global(const struct place *place, uint32_t tensor, uint32_t element);
uint32_t place_constant(struct place *place, wide value);
struct item item_element(uint32_t tensor, uint32_t element);
struct item item_constant(struct place *place, wide value);
/* Follows aliases and constants; a parameter stays an element item. */
struct item place_resolve(struct place *place, uint32_t tensor, int64_t element);
/* What view number `view` of a relation shows at a position. */
struct item place_view_item(struct place *place, const struct relation *relation, unsigned view,
                            size_t position);
/* Global element of an item, which must be an element. */
size_t place_global_of(const struct place *place, const struct item *item);
/* State of the tensor an item is an element of, which it must be. */
enum element_state place_state_of(const struct place *place, const struct item *item);
/* A parameter without an advice cell. */
bool item_is_param(const struct place *place, const struct item *item);
/* The same when its one use may multiply it where it stands. A parameter has one cell among the
 * parameters: one that is used twice, or looked up in a memory too, gets an advice cell. */
bool item_is_weight(const struct place *place, const struct item *item);
uint32_t place_new_row(struct place *place);
void place_item(struct place *place, uint32_t row, uint8_t column, const struct item *item);
/* Copies the zero cell into (row, column). */
void place_zero(struct place *place, uint32_t row, uint8_t column);
/* First row of every circuit: -a1 = 0, the one gate that pins a cell without another pinned cell.
 */
void place_zero_row(struct place *place);
/* Makes sure a constant has a cell whose value a gate fixes: 0 * 0 + c2 - a3 = 0. Never called
 * inside a chain. */
void place_constant_cell(struct place *place, uint32_t constant);
uint16_t place_range_tag(struct place *place, int64_t low, size_t size);
uint16_t place_table_tag(struct place *place, uint32_t table, uint8_t output);
uint16_t place_memory_tag(struct place *place, uint32_t memory, uint32_t pair, bool is_param);

/* place_implied.c */
void place_mark_implied(struct place *place);

/* place_chain.c */
void equation_init(struct equation *equation);
void equation_add(struct place *place, struct equation *equation, wide coefficient,
                  struct item item, uint16_t range_tag);
void equation_add_constant(struct place *place, struct equation *equation, wide value);
void equation_add_product(struct place *place, struct equation *equation, int sign, struct item a,
                          struct item b);
/* Adds coefficient * item, which place_resolve gave, spelling virtual tensors out. */
void equation_expand(struct place *place, struct equation *equation, wide coefficient,
                     struct item item);
/* The same for one element of a relation's own expression: LINEAR, CONTRACT, PRODUCT. */
void equation_expand_relation(struct place *place, struct equation *equation, wide coefficient,
                              const struct relation *relation, size_t element);
void equation_emit(struct place *place, struct equation *equation);
/* Gives the element a cell; a virtual one gets its equation emitted. Parameters are loaded. Returns
 * the resolved item. */
struct item place_materialise(struct place *place, struct item item);

/* place_quotient.c */
/* item - low in 0 .. size - 1. */
void place_range(struct place *place, struct item item, wide low, wide size);
/* Looks one cell up as a range, two such cells a row; a waiting one is placed by
 * place_flush_pending. */
void place_lookup_single(struct place *place, const struct term *term);
void place_flush_pending(struct place *place);
/* Returns false without memory. Requires: uses and implied ranges are known. */
bool place_find_spelled(struct place *place);
void place_rescale(struct place *place, uint32_t relation);

/* place_lookup.c */
/* Returns false without memory. */
bool place_find_readers(struct place *place);
/* Whether a table waits for a row that holds the term in its second cell. */
bool place_waits_for_row(const struct place *place, const struct term *term);
/* Looks up what waits for the item, which is in the second cell of a linear row of two terms. */
void place_read_in_row(struct place *place, uint32_t row, const struct item *item);
void place_table(struct place *place, const struct relation *relation);

/* place_relation.c */
void place_relation(struct place *place, uint32_t relation);
/* Packs the words and gives every public element its cell; then, as the last rows of all, the
 * Horner rows. */
void place_public(struct place *place, struct circuit *circuit);
void place_public_rows(struct place *place, struct circuit *circuit);

/* place_contract.c */
/* Returns false without memory. Requires: place_prepare has run. */
bool place_find_contractions(struct place_contractions *out, const struct relation_program *program,
                             struct arena *arena);
void place_count_contraction(struct place *place, const struct place_contraction *contraction);
void place_contraction(struct place *place, const struct place_contraction *contraction);

/* place_digest.c */
void place_digest(struct place *place, const struct relation *relation, uint32_t index);

#endif
