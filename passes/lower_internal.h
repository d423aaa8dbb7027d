/*
 * State of one lowering and the builders every operator uses. Shared by lower*.c only.
 *
 * A failure leaves the node at once through `escape`: everything lives in arenas, so nothing is
 * left to release, and no builder has to be asked whether it worked.
 */
#ifndef SERTN_PASSES_LOWER_INTERNAL_H
#define SERTN_PASSES_LOWER_INTERNAL_H

#include <setjmp.h>

#include "ir/ops.h"
#include "passes/bound_ranges.h"
#include "passes/error_bound.h"
#include "passes/lower.h"

/* How integers of a tensor stand for numbers. */
struct form {
    enum relation_encoding encoding;
    int32_t fraction; /* real = integer * 2^-fraction, FIXED and INTEGER */
    uint8_t key_bits; /* FLOAT_KEY: 32 or 64; FLOAT_BITS: the element_type */
};

/* A tensor that has been brought to another fraction already. */
struct rescaled {
    uint32_t source, result;
    int32_t fraction;
};

/* Nodes of one operator whose operand 0 and result 0 are planned with the same fraction bits. */
struct alike {
    enum op_kind op;
    int32_t in, out;
    double elements; /* of all results */
};

struct lowering {
    const struct graph *graph;
    struct graph_uses uses;
    /* Groups of nodes of operator op are alike[alike_first[op]] .. alike[alike_first[op + 1] - 1].
     */
    const uint32_t *alike_first; /* [OP_COUNT + 1] */
    const struct alike *alike;
    const struct quantize_plan *plan;
    const struct lower_options *options;
    struct lowering_result *result;
    struct relation_program *program;
    struct arena *arena;
    struct arena scratch;     /* of one node: what relations are made from and not of */
    struct arena counted;     /* of `positions` */
    struct tensor *positions; /* 1, 2, ... in the shape that was asked for last */
    struct diag *diag;
    enum status status;
    jmp_buf *escape;

    const struct graph_node *node; /* being lowered; NULL outside nodes */
    uint32_t node_index;
    uint32_t serial;       /* numbers generated names */
    uint32_t *tensor_of;   /* [graph->value_count], RELATION_NONE until lowered */
    uint32_t *without_nan; /* [graph->value_count]: the value held to numbers, RELATION_NONE until
                              asked for */
    uint32_t
        *nan_bit; /* [graph->value_count]: 1 where a float run has NaN; RELATION_NONE: nowhere */
    uint32_t *infinite_bit; /* [graph->value_count]: 1 where a float run has an infinity on the way
                               that NaN is traced; RELATION_NONE: nowhere */
    uint32_t *absent; /* [graph->value_count]: 1 where a mask is minus infinity; RELATION_NONE:
                         nowhere */
    bool *is_broken;  /* [graph->value_count]: comes from a node that failed */
    size_t failure_capacity;
    uint64_t *told; /* graph_node.repeat of the nodes that failed */
    size_t told_count, told_capacity;
    uint32_t own_nan;      /* where the node being lowered makes NaN */
    uint32_t own_infinite; /* where it makes an infinity */
    wide nan;              /* the integer that stands for NaN in values that take it */
    struct rescaled *rescaled;
    size_t rescaled_count, rescaled_capacity;
    size_t parameter_capacity, range_capacity;
    struct error_bound *bounds; /* [tensors of the program] */
    size_t bound_capacity;
};

typedef void (*lower_rule)(struct lowering *l);

/* ---- lower_build.c: failure and memory ---- */

_Noreturn void lowering_fail(struct lowering *l, enum status status, const char *format, ...)
    SERTN_PRINTF(3, 4);
/* 2^bits. Fails, like lowering_require_room, where the scales of numbers that meet lie so far apart
 * that no integer of 254 bits holds both. */
wide lowering_power_of_two(struct lowering *l, unsigned bits);
/* fits: what the functions of wide.h and range.h say of a number that depends on scales. */
void lowering_require_room(struct lowering *l, bool fits);
/* Zeroed; fails when there is no memory. */
void *lowering_alloc(struct lowering *l, size_t count, size_t size);
#define lowering_array(l, type, count) ((type *)lowering_alloc((l), (count), sizeof(type)))
void lowering_grow(struct lowering *l, void **array, size_t *capacity, size_t needed, size_t size);
/* The same in an arena that is not that of the program. */
void lowering_grow_in(struct lowering *l, struct arena *arena, void **array, size_t *capacity,
                      size_t needed, size_t size);

/* ---- lower_build.c: tensors ---- */

const struct relation_tensor *lowering_tensor(const struct lowering *l, uint32_t tensor);
struct form lowering_form(const struct lowering *l, uint32_t tensor);
int32_t lowering_fraction(const struct lowering *l, uint32_t tensor);
struct range lowering_range_of(const struct lowering *l, uint32_t tensor);
struct shape lowering_shape(const struct lowering *l, uint32_t tensor);
struct form form_fixed(int32_t fraction);
struct form form_integer(void);
struct form form_key(uint8_t bits);
struct form form_bits(enum element_type type);
/* Whether it is a key or a pattern: no arithmetic. */
bool form_is_float(struct form form);
/* A constant tensor. values: [count of shape]. */
uint32_t lowering_constant(struct lowering *l, const struct shape *shape, struct form form,
                           const wide *values);
uint32_t lowering_constant_i64(struct lowering *l, int64_t value);
/* A private parameter (or a constant when parameters are public) of real numbers at `fraction`
 * bits, each multiplied by `scale`. */
uint32_t lowering_parameter(struct lowering *l, const char *name, const struct shape *shape,
                            const double *values, double scale, int32_t fraction);
/* Such a parameter, or, when it is not private, a constant with no more bits than it needs. */
uint32_t lowering_stored(struct lowering *l, const char *name, const struct shape *shape,
                         const double *values, int32_t fraction, bool is_private);
/* A private parameter of given integers. */
uint32_t lowering_parameter_wide(struct lowering *l, const char *name, const struct shape *shape,
                                 struct form form, const wide *values);
/* The same, declared as [-2^bits, 2^bits - 1], which must hold them. */
uint32_t lowering_parameter_bits(struct lowering *l, const char *name, const struct shape *shape,
                                 struct form form, const wide *values, unsigned bits);

/* ---- lower_build.c: relations; the space is `shape` unless said otherwise, names are generated
 * ---- */

struct relation_view lowering_view(struct lowering *l, uint32_t tensor, const struct shape *space);
struct relation_term lowering_term(struct lowering *l, int64_t coefficient, uint32_t tensor,
                                   const struct shape *space);
struct relation_term lowering_term_wide(struct lowering *l, wide coefficient, uint32_t tensor,
                                        const struct shape *space);
struct relation_term lowering_term_product(struct lowering *l, int64_t coefficient, uint32_t a,
                                           uint32_t b, const struct shape *space);
struct relation_term lowering_term_view(wide coefficient, struct relation_view view);

uint32_t lowering_linear(struct lowering *l, const struct shape *shape, struct form form,
                         const struct relation_term *terms, size_t count, wide constant);
/* The same with a range that some other relation enforces. */
uint32_t lowering_linear_within(struct lowering *l, const struct shape *shape, struct form form,
                                const struct relation_term *terms, size_t count, wide constant,
                                struct range range);
uint32_t lowering_product_within(struct lowering *l, const struct shape *shape, struct form form,
                                 const struct relation_term *terms, size_t count, wide constant,
                                 struct range range);
/* Elements put together from several tensors: at most one term gives each. */
uint32_t lowering_moved(struct lowering *l, const struct shape *shape, struct form form,
                        const struct relation_term *terms, size_t count);
uint32_t lowering_product(struct lowering *l, const struct shape *shape, struct form form,
                          const struct relation_term *terms, size_t count, wide constant);
/* space: output dims then `contract_rank` summed dims. */
uint32_t lowering_contract(struct lowering *l, const struct shape *space, uint8_t contract_rank,
                           const struct relation_view *a, const struct relation_view *b,
                           struct form form);
/*
 * y = round(x / divisor), ROUND_FLOOR or ROUND_HALF_UP. y_range: range to hold y to, NULL for the
 * interval; one that is smaller than the interval and not rounded has to be enforced by the caller.
 * remainder: set to its tensor when not NULL.
 */
uint32_t lowering_rescale(struct lowering *l, uint32_t x, wide divisor,
                          enum relation_rounding rounding, struct form form,
                          const struct range *y_range, uint32_t *remainder);
/* floor(x / d), element by element over shape with broadcasting. Requires: d's range is positive.
 */
uint32_t lowering_divide_floor(struct lowering *l, const struct shape *shape, uint32_t x,
                               uint32_t d, struct form form, const struct range *y_range,
                               uint32_t *remainder);
uint32_t lowering_is_zero(struct lowering *l, uint32_t x);
/* Puts a RANGE relation on the whole tensor. */
void lowering_enforce(struct lowering *l, uint32_t tensor, struct range range);
/* A copy of x with a smaller range that a RANGE relation enforces. */
uint32_t lowering_restrict(struct lowering *l, uint32_t x, struct range range);
/* The same, or x itself when its own range is within. */
uint32_t lowering_restrict_to(struct lowering *l, uint32_t x, struct range range);
/* y[k] = table outputs at x. */
void lowering_table(struct lowering *l, const struct relation_table *table, uint32_t x,
                    const struct form *forms, uint32_t *outputs);
/* memory rows at index; shape of the result: index shape, then the memory's inner shape. range:
 * NULL or a smaller one that holds. */
uint32_t lowering_read(struct lowering *l, uint32_t memory, uint32_t index);
/* Hinted tensor of a given range; the caller pins it. */
uint32_t lowering_hint(struct lowering *l, enum relation_hint hint, int64_t argument,
                       const struct shape *space, const struct relation_view *views,
                       unsigned view_count, const struct shape *shape, struct range range);

/* ---- lower_build.c: small compositions ---- */

/* x in another shape of the same count. */
uint32_t lowering_reshape(struct lowering *l, uint32_t x, const struct shape *shape);
/* out[p] = x[list[p]]. */
uint32_t lowering_pick(struct lowering *l, uint32_t x, const struct shape *shape,
                       const int64_t *list);
/* x broadcast to a shape. */
uint32_t lowering_expand(struct lowering *l, uint32_t x, const struct shape *shape);
/* The same integers in another form. */
uint32_t lowering_retag(struct lowering *l, uint32_t x, struct form form);
/* The same integers as numbers of the last place of `fraction` bits. */
uint32_t lowering_in_units(struct lowering *l, uint32_t x, int32_t fraction);
/* a b, element by element, at the sum of their fractions, in the shape of b, to which a
 * broadcasts. */
uint32_t lowering_times(struct lowering *l, uint32_t a, uint32_t b);
/* coefficient * x + constant at the same fraction. */
uint32_t lowering_affine(struct lowering *l, int64_t coefficient, uint32_t x, wide constant);
/* The same number with `fraction` bits: exact when that is more, rounded half up when it is less.
 */
uint32_t lowering_to_fraction(struct lowering *l, uint32_t x, int32_t fraction);
/* What x was rounded to before: with the fewest fraction bits from `least` to `most`, or
 * RELATION_NONE. */
uint32_t lowering_known_rounding(const struct lowering *l, uint32_t x, int32_t least, int32_t most);
/* lowering_to_fraction only when it saves at least `slack` bits. */
uint32_t lowering_trim(struct lowering *l, uint32_t x, int32_t fraction, int32_t slack);
/* x / count: another scale for powers of two, else times a reciprocal of 40 bits. */
uint32_t lowering_divide_by_count(struct lowering *l, uint32_t x, int64_t count);
/* A real constant, correctly rounded to `fraction` bits. */
wide lowering_real(struct lowering *l, double value, int32_t fraction);
/* A number that is to stand beside elements of *x, [1] in the form of *x. Where *x, whole numbers
 * perhaps, has fewer fraction bits than the number takes, it gets as many as output 0 asks for. */
uint32_t lowering_number_beside(struct lowering *l, uint32_t *x, double number);

/* ---- lower_bound.c: proven errors; numbers are real ones, not rounded down ---- */

/* Makes room for a tensor of the program: a constant is exact, others have no bound yet. */
void lowering_track(struct lowering *l, uint32_t tensor);
/* A tensor of stored numbers, exact; values: [its count], borrowed. */
void lowering_track_stored(struct lowering *l, uint32_t tensor, const wide *values);
/* In units of the last place, as error_bound.h has it. */
struct error_bound *lowering_bound(const struct lowering *l, uint32_t tensor);
/* Proven error of x; INFINITY when there is none. */
double lowering_error(const struct lowering *l, uint32_t x);
/* x at least. */
double lowering_least(const struct lowering *l, uint32_t x);
/* |x| at most. */
double lowering_most(const struct lowering *l, uint32_t x);
/* |ideal x| at most, in units of the last place; INFINITY where x has no bound. */
double lowering_ideal_most(const struct lowering *l, uint32_t x);
/* The same as a real number. */
double lowering_ideal(const struct lowering *l, uint32_t x);
/* y is made of x, and off by at most `error`; where x has no bound, y has none. */
void lowering_state_error(struct lowering *l, uint32_t y, uint32_t x, double error);
/* y = f(x), where f is nowhere steeper than `slope` between x and the ideal x; `own` is the
 * distance of y from f(x). */
void lowering_state_function(struct lowering *l, uint32_t y, uint32_t x, double slope, double own);
/* y is one of a and b, or a continuous function no steeper than 1 of both: off like the worse. */
void lowering_state_greater(struct lowering *l, uint32_t y, uint32_t a, uint32_t b);
/* The same where `bit` chooses: it has to be exact. */
void lowering_state_chosen(struct lowering *l, uint32_t y, uint32_t bit, uint32_t a, uint32_t b);
void lowering_leave_bound(struct lowering *l, uint32_t y, enum bound_gap gap);
/* y says on which side of 0 operand i lies: exact where its sign is kept, and BOUND_ZERO says why
 * where nothing is. */
void lowering_state_sign(struct lowering *l, uint32_t y, size_t i);
/* |y| <= most, and |ideal y| <= ideal, as facts of the function that it is. */
void lowering_limit(struct lowering *l, uint32_t y, double most, double ideal);
/* y >= least, likewise. */
void lowering_assure(struct lowering *l, uint32_t y, double least);
/* y = floor(X / D), or nearer, for what X and D stand for; D is positive, or its sign was taken
 * off.
 */
void lowering_state_quotient(struct lowering *l, uint32_t y, uint32_t x, uint32_t d);
/* Adds to the bound of y, in units of its last place. */
void lowering_widen_error(struct lowering *l, uint32_t y, double more);
/* What lowering_real(value, fraction) is off by, in units of the last place. */
double lowering_real_off(double value, int32_t fraction);

/*
 * The lowering of a function whose slope is known as a whole: between open and close x counts as
 * exact, so that what is followed is the error of the lowering itself; close adds slope times the
 * error of x, or the spread when that is less, to each result and takes the bounds of everything
 * else that was made in between.
 */
struct bound_scope {
    uint32_t operand;
    struct error_bound saved;
    uint32_t first_tensor;
    size_t first_rescaled;
};
struct bound_result {
    uint32_t tensor; /* RELATION_NONE for none */
    double slope;    /* largest sum over the elements of x of |d result / d element| */
    double spread;   /* largest |result - result| of any two x; 0: no limit */
};
struct bound_scope lowering_open_bound(struct lowering *l, uint32_t x);
void lowering_close_bound(struct lowering *l, const struct bound_scope *scope,
                          const struct bound_result *results, size_t count);

/* What is said of an output that a tensor shows. */
struct output_bound lowering_output_bound(struct lowering *l, uint32_t tensor);

/* ---- lower_linear.c ---- */

/* Operand i as a factor: brought to the plan's fraction when it is so wide that products would grow
 * out of hand. */
uint32_t lowering_factor(struct lowering *l, size_t i);
/* sign_a a + sign_b b with broadcasting, at the larger fraction. */
uint32_t lowering_sum2(struct lowering *l, const struct shape *shape, uint32_t a, int64_t sign_a,
                       uint32_t b, int64_t sign_b);
/* c x for a real c, exact or with 40 significant bits. */
uint32_t lowering_scale(struct lowering *l, uint32_t x, double c);
/* numpy.matmul, exact. */
uint32_t lowering_matmul(struct lowering *l, uint32_t a, uint32_t b);

/* ---- lower_reduce.c ---- */

/* x as [rows, n]: the axes of the mask brought to the back and joined. */
uint32_t lowering_rows(struct lowering *l, uint32_t x, uint32_t axes);
/* The view of x that lowering_rows takes: over the shape it fills in, with the axes of the mask
 * last. */
struct relation_view lowering_row_view(const struct lowering *l, uint32_t x, uint32_t axes,
                                       struct shape *space);
/* [rows, n] to [rows]. */
uint32_t lowering_sum_rows(struct lowering *l, uint32_t rows);
uint32_t lowering_max_rows(struct lowering *l, uint32_t rows);

/*
 * x 2^m + tie of rows [rows, n], one key an element: keys of a row are distinct, and among equal x
 * the one that should win is larger. tie is the index, or the last index minus it.
 */
uint32_t lowering_ranked_keys(struct lowering *l, uint32_t rows, bool negated, bool first_wins);
/* Row `row` of keys [rows, n], descending, and where each key stood. Requires: distinct keys. */
struct ordered_row {
    uint32_t indices, keys; /* [n] */
};
struct ordered_row lowering_sort_row(struct lowering *l, uint32_t keys, int64_t row, int64_t n);

/* Puts pieces of `width` elements, one a row, into [rows, width]. */
uint32_t lowering_stack(struct lowering *l, const uint32_t *pieces, int64_t rows, int64_t width);
/* [rows, k] back to a shape whose `axis`, of k elements, was brought to the back. */
uint32_t lowering_from_rows(struct lowering *l, uint32_t rows, const struct shape *shape,
                            unsigned axis);

/* ---- lower_divide.c ---- */

/*
 * floor(x / d) at `fraction` bits, with broadcasting to shape. A divisor that may be zero is held
 * to positive (or all negative) numbers, or its sign is taken off; plans tell what calibration saw,
 * and may be NULL.
 */
uint32_t lowering_divide(struct lowering *l, const struct shape *shape, uint32_t x, uint32_t d,
                         int32_t fraction, const struct value_plan *d_plan,
                         const struct value_plan *y_plan);
/* A divisor held to 1 .. 2^k, with k from its interval or, when that is far wider, from what
 * calibration saw (plan, may be NULL). */
uint32_t lowering_hold_positive(struct lowering *l, uint32_t d, const struct value_plan *plan);
/* floor(sqrt(max(0, x))) at `fraction` bits. */
uint32_t lowering_square_root(struct lowering *l, uint32_t x, int32_t fraction);

/* ---- lower_power.c ---- */

uint32_t lowering_square(struct lowering *l, uint32_t x);

/* ---- lower_softmax.c ---- */

/* Axes that the node, a softmax or Hardmax, takes together. */
uint32_t lowering_softmax_axes(struct lowering *l, unsigned rank);
/* Puts [rows, n] back where lowering_rows took it from. */
uint32_t lowering_restore_rows(struct lowering *l, uint32_t rows, const struct shape *shape,
                               uint32_t axes);
/*
 * Softmax of [rows, n]; absent, or RELATION_NONE: 1 where an element counts as minus infinity.
 * Results that are shown are rounded to `fraction` bits, others have more.
 */
uint32_t lowering_softmax_rows(struct lowering *l, uint32_t rows, uint32_t absent, int32_t fraction,
                               bool is_shown);
/* x - log(sum of exp x) of [rows, n]. */
uint32_t lowering_log_softmax_rows(struct lowering *l, uint32_t rows, int32_t fraction);

/* ---- lower_activation.c ---- */

/* Operand 0 without more fraction bits than the plan asks of it. */
uint32_t lowering_planned_input(struct lowering *l);
/* Fraction bits of a function's value: one more than output 0 needs, and at least 1. */
int32_t lowering_value_fraction(const struct lowering *l);
/* (2 bit - 1) y */
uint32_t lowering_with_sign(struct lowering *l, uint32_t bit, uint32_t y);
/* tanh(x) at `fraction` bits. */
uint32_t lowering_tanh(struct lowering *l, uint32_t x, int32_t fraction);

/* ---- lower_exp.c, lower_log.c ---- */

/* exp(x) to about `fraction` bits; x is known to be at most `high` (real), whatever its interval
 * says. */
uint32_t lowering_exp(struct lowering *l, uint32_t x, double high, int32_t fraction);
/* The same; when the interval of x reaches above `high`, rounded up to a power of two, then x has
 * no proof there, and the report says so. */
uint32_t lowering_exp_within(struct lowering *l, uint32_t x, double high, int32_t fraction);
/* e = floor(log2 x), and x 2^(w - 1 - e), which lies in [2^(w-1), 2^w). Requires: 1 <= x < 2^w. */
uint32_t lowering_normalise(struct lowering *l, uint32_t x, unsigned w, uint32_t *exponent);
/* x >= 0 with a small positive number in place of each 0, one that a logarithm does not cut to 0;
 * *zero: bits, where. */
uint32_t lowering_replace_zeros(struct lowering *l, uint32_t x, uint32_t *zero);
/* log(x) for x > 0 at `fraction` bits. */
uint32_t lowering_log(struct lowering *l, uint32_t x, const struct value_plan *plan,
                      int32_t fraction);
/*
 * x^p for a known p and x >= 0, x > 0 when p < 0. plan: of x, may be NULL; largest: the greatest
 * power that calibration saw.
 */
uint32_t lowering_real_power(struct lowering *l, uint32_t x, const struct value_plan *plan,
                             double p, double largest, int32_t fraction);
/* The largest magnitude that calibration saw. */
double lowering_largest(const struct value_plan *plan);

/* ---- lower_table.c: correctly rounded numbers, by ball arithmetic ---- */

/* Functions of tables. A tail is what is left of a function when max(0, x), or its limit, is taken
 * off; all but that of mish are for x >= 0. */
enum table_function {
    TABLE_EXP,
    TABLE_EXP_MINUS_1,
    TABLE_LOG,
    TABLE_ERF,
    TABLE_LOGISTIC_TAIL,  /* 1 / (1 + exp x) */
    TABLE_SOFTPLUS_TAIL,  /* log(1 + exp -x) */
    TABLE_SWISH_TAIL,     /* x / (1 + exp x) */
    TABLE_MISH_TAIL,      /* mish x - max(0, x) */
    TABLE_GELU_TAIL,      /* x erfc(x / sqrt 2) / 2 */
    TABLE_GELU_TANH_TAIL, /* x (1 - tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
    TABLE_SIN,
    TABLE_COS,
    TABLE_ASIN,
    TABLE_ATAN,
    TABLE_PI, /* pi x */
    TABLE_FUNCTION_COUNT
};
/* Nearest integer to f(numerator / 2^shift) 2^bits. */
wide table_number(enum table_function f, int64_t numerator, unsigned shift, int32_t bits);
/*
 * coefficients: [degree + 1], lowest first; nearest integers to 2^bits times those of the
 * polynomial in u that equals f((piece + u) / 2^shift) at u = 0 (degree 0), 0, 1 (1), 0, 1/2, 1
 * (2), 0, 1/4, 3/4, 1 (3).
 */
void table_polynomial(enum table_function f, int64_t piece, unsigned shift, unsigned degree,
                      int32_t bits, int64_t *coefficients);
/* A table that was made before, in this lowering or an earlier one; NULL when there is none. */
const struct relation_table *lowering_find_table(const struct lowering *l, const char *key);
/* Keeps a copy of a table for those who look for it. */
void lowering_store_table(struct lowering *l, const struct relation_table *table);
/* Entries table_number(f, i, shift, bits) for i = low .. low + size - 1, under a key made of all
 * that. */
struct relation_table lowering_function_table(struct lowering *l, const char *name,
                                              enum table_function f, int64_t low, size_t size,
                                              unsigned shift, int32_t bits);
/* The first output of a table at x, a number with `fraction` bits. */
uint32_t lowering_look_up(struct lowering *l, const struct relation_table *table, uint32_t x,
                          int32_t fraction);

/* ---- lower_round.c: to nearest, ties to even ---- */

/* x / divisor as an integer. */
uint32_t lowering_round_even(struct lowering *l, uint32_t x, wide divisor, struct form form);
/* x / d, element by element over shape with broadcasting. Requires: d's range is positive. */
uint32_t lowering_round_quotient(struct lowering *l, const struct shape *shape, uint32_t x,
                                 uint32_t d);
/* floor(x / d) with a last bit that tells whether it is exact, at fraction + 1 bits when the
 * integers of x / d count 2^-fraction. Requires: d's range is positive. */
uint32_t lowering_sticky_quotient(struct lowering *l, const struct shape *shape, uint32_t x,
                                  uint32_t d, int32_t fraction);
/*
 * The nearest number of a float type other than float64 and float8e8m0. Magnitudes beyond its
 * largest are clipped when `saturate`, else have no proof.
 */
uint32_t lowering_round_float(struct lowering *l, uint32_t x, enum element_type type,
                              bool saturate);

/* ---- lower_key.c: floats as order-preserving keys ---- */

/* Operand i as keys of 32 or 64 bits. Requires: it is carried as keys, or stored. */
uint32_t lowering_key(struct lowering *l, size_t i, uint8_t bits);
/* 1 where a key is that of NaN; RELATION_NONE when operand i is stored without NaN. */
uint32_t lowering_key_is_nan(struct lowering *l, size_t i, uint32_t key);
/* Operand i, carried as keys, cast to the type of the result. */
void lowering_cast_key(struct lowering *l);

/* ---- lower_integer.c ---- */

/* Least and largest value of an integer type. */
struct range lowering_type_range(enum element_type type);
/* Element i of an integer tensor; uint64 is unsigned. */
wide lowering_element(const struct tensor *data, size_t i);
/* x modulo the width of an integer type, as a number of the type. */
uint32_t lowering_wrap(struct lowering *l, uint32_t x, enum element_type type);

/* ---- lower_compare.c ---- */

/* x without its fraction: toward zero. */
uint32_t lowering_truncate(struct lowering *l, uint32_t x);

/* x >= 0 as 0 or 1, exact for every x in its range. */
uint32_t lowering_is_not_negative(struct lowering *l, uint32_t x);
/* bit ? x : y at one fraction; bit of any shape that broadcasts. */
uint32_t lowering_select(struct lowering *l, const struct shape *shape, uint32_t bit, uint32_t x,
                         uint32_t y);
/* a - b with broadcasting, at the larger fraction. */
uint32_t lowering_difference(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b);
uint32_t lowering_maximum(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b);
uint32_t lowering_minimum(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b);
/* |x|; is_not_negative, when not NULL, receives the bit x >= 0. */
uint32_t lowering_absolute(struct lowering *l, uint32_t x, uint32_t *is_not_negative);
/* x >= bound ? x : value, in units of x; marks where it was below as NaN. */
uint32_t lowering_replace_below(struct lowering *l, uint32_t x, wide bound, wide value);
/* max(x, bound), min(x, bound) with a bound in units of x. */
uint32_t lowering_at_least(struct lowering *l, uint32_t x, wide bound);
uint32_t lowering_at_most(struct lowering *l, uint32_t x, wide bound);

/* ---- lower_gather.c ---- */

/* An index of n places: negative ones count from the end. Held to 0 .. n - 1 by a range, unless
 * what reads there does that. */
uint32_t lowering_plain_index(struct lowering *l, uint32_t index, int64_t n,
                              bool is_enforced_later);
/* Operand 0 at plain indices along an axis: [what stands before the axis, indices, what follows].
 */
uint32_t lowering_gather(struct lowering *l, uint32_t index, unsigned axis);
/* Elements of operand 0 at places that are held to it. */
uint32_t lowering_gather_flat(struct lowering *l, uint32_t places);
/* Row-major place of each tuple along the last axis of `tuples` in the axes first .. first + depth
 * - 1 of a shape. */
uint32_t lowering_tuple_index(struct lowering *l, uint32_t tuples, const struct shape *data,
                              unsigned first, unsigned depth);
/* ---- lower_special.c: bits beside values ---- */

/* Whether an IsNaN, or an output, wants to know where the node's result is NaN. */
bool lowering_traces_nan(const struct lowering *l);
/* Says where: a bit an element, 1 for NaN. The elements themselves may then be anything harmless.
 */
void lowering_mark_nan(struct lowering *l, uint32_t bit);
/* 1 where operand i is NaN in a float run, RELATION_NONE when nowhere. */
uint32_t lowering_nan_of(const struct lowering *l, size_t i);
/* Says where the result is infinite, of either sign, as for NaN. */
void lowering_mark_infinite(struct lowering *l, uint32_t bit);
/*
 * NaN and infinities of the node's result: where it makes them, and where an operand has them. An
 * infinity becomes NaN where it is multiplied by 0; one that meets anything but sums, products and
 * IsNaN has no proof.
 */
void lowering_trace_nan(struct lowering *l);
/* Holds value v to where no float run has an infinity. */
void lowering_hold_finite(struct lowering *l, uint32_t v);
/* a + b - a b, either of which may be RELATION_NONE. */
uint32_t lowering_either(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b);
/* 1 where operand i is minus infinity, RELATION_NONE when nowhere. Only operators that
 * passes/find_masks.c names ask; the elements themselves are anything there. */
uint32_t lowering_absent(struct lowering *l, size_t i);
/* Says where output k is. */
void lowering_mark_absent(struct lowering *l, size_t k, uint32_t bits);
/* Output 0 is minus infinity where some operand is. */
void lowering_join_absent(struct lowering *l);
/* Output 0 is where the condition chooses such an element of operand x, else of operand y. */
void lowering_choose_absent(struct lowering *l, uint32_t condition, size_t x, size_t y);
/*
 * Output k of a node that moves elements: lists[i] says for each element which element of operand i
 * it is, -1 for none; filled, when not NULL, has 0 where minus infinity was put in and -1
 * elsewhere.
 */
void lowering_move_absent(struct lowering *l, size_t k, const struct shape *shape, size_t operands,
                          int64_t *const *lists, const int64_t *filled);
/* 1 - bits, for bits that are constants. */
uint32_t lowering_known_not(struct lowering *l, uint32_t bits);
/* lowering_rows of bits, which stay known when they are. */
uint32_t lowering_known_rows(struct lowering *l, uint32_t bits, uint32_t axes);
/* x with the least number of its range where it is minus infinity. */
uint32_t lowering_fill_absent(struct lowering *l, uint32_t x, uint32_t absent);
/* Lowers an Equal that asks where a mask is minus infinity; false when it is another. */
bool lowering_equals_infinity(struct lowering *l);
/* A product with a factor that makes a mask: 0, and absent where the other factor is not 0, which
 * may not be negative. */
void lowering_mask_product(struct lowering *l);
/* A stored value of a mask without its infinities. */
uint32_t lowering_stored_mask(struct lowering *l, uint32_t v, bool is_private, int32_t fraction);
/* Finds the infinities of an input. */
void lowering_given_mask(struct lowering *l, uint32_t v);
/* The tensor x of output v, one number lower where it is NaN or minus infinity, for which that
 * number then stands. x itself where it is neither. */
uint32_t lowering_show_special(struct lowering *l, uint32_t v, uint32_t x);

/* ---- lower.c: operands and results of the node ---- */

bool lowering_has_input(const struct lowering *l, size_t i);
/* Value index of an operand. */
uint32_t lowering_value(const struct lowering *l, size_t i);
const struct graph_value *lowering_graph_value(const struct lowering *l, size_t i);
/* Tensor of an operand; constants and parameters are made at the fraction the plan gives. */
uint32_t lowering_input(struct lowering *l, size_t i);
/* The same for operators that know NaN: the tensor may hold l->nan when the plan says so. */
uint32_t lowering_input_or_nan(struct lowering *l, size_t i);
/* A stored output of the graph. One with infinities or NaN, a reduction of nothing, is shown as
 * float keys. */
uint32_t lowering_stored_output(struct lowering *l, uint32_t v);
/* Elements of a constant or parameter, NULL when the operand is computed or given at run time. */
const struct tensor *lowering_data(const struct lowering *l, size_t i);
/* Whether the operand is a private parameter. */
bool lowering_is_parameter(const struct lowering *l, size_t i);
/* As lowering_data, and a failure when it is not known or private. */
const struct tensor *lowering_known(struct lowering *l, size_t i);
const struct value_plan *lowering_input_plan(const struct lowering *l, size_t i);
const struct value_plan *lowering_output_plan(const struct lowering *l, size_t i);
/* Fraction bits the plan gives a value of the graph. */
int32_t lowering_planned_fraction(const struct lowering *l, uint32_t v);
/* Fraction bits the plan gives operand i, output i. */
int32_t lowering_input_fraction(const struct lowering *l, size_t i);
int32_t lowering_output_fraction(const struct lowering *l, size_t i);
/* Shape of output i in the graph. */
struct shape lowering_output_shape(const struct lowering *l, size_t i);
bool lowering_has_output(const struct lowering *l, size_t i);
/* Gives output i its tensor; holds its width to what calibration saw when intervals grew far
 * beyond. */
void lowering_output(struct lowering *l, size_t i, uint32_t tensor);
/* Interval arithmetic may exceed what calibration saw by this many bits before a range is put in:
 * one refuses inputs far from the calibration data, wide values cost limbs. */
enum { INTERVAL_SLACK_BITS = 24 };
/* Notes a range for the report. */
void lowering_note_range(struct lowering *l, const char *value, struct range range,
                         int32_t fraction);
/* Notes that what is greater than range.high counts as range.high. */
void lowering_note_saturation(struct lowering *l, const char *value, struct range range,
                              int32_t fraction);
int64_t lowering_attribute_int(const struct lowering *l, const char *name, int64_t fallback);
double lowering_attribute_float(const struct lowering *l, const char *name, double fallback);
/* Range of real numbers within +-4 x what calibration saw of a value, as integers at a fraction,
 * powers of two. */
struct range lowering_calibrated(const struct value_plan *plan, int32_t fraction);

/* ---- shapes ---- */

struct shape shape_of(unsigned rank, ...);
size_t shape_elements(const struct shape *shape);
unsigned lowering_axis(struct lowering *l, int64_t axis, unsigned rank);

/* ---- lower_check.c ---- */

/* Fails when shapes, attributes and known operands alone refuse the node. */
void lowering_check_node(struct lowering *l);
/* Whether the node failed in an earlier round of its body; from now on it has. */
bool lowering_is_told(struct lowering *l);

#define C(op, check) void check(struct lowering *l);
#include "passes/lower_checks.def"
#undef C

/* ---- rules, one an operator or family ---- */

#define R(op, rule, bound) void rule(struct lowering *l);
#include "passes/lower_rules.def"
#undef R

#endif
