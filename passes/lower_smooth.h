/*
 * Piecewise polynomials of smooth functions. Shared by lower*.c and their tests; see
 * lower_smooth.c for the scheme and its error.
 */
#ifndef SERTN_PASSES_LOWER_SMOOTH_H
#define SERTN_PASSES_LOWER_SMOOTH_H

#include "passes/lower_internal.h"

/* Ends of a domain are multiples of 2^-SMOOTH_DOMAIN_SHIFT. */
enum { SMOOTH_DOMAIN_SHIFT = 2, SMOOTH_ENTRIES_MAX = 1 << 14 };

/*
 * Where a function is asked for. Beyond an end that goes on the function is a constant, that of the
 * end; beyond another end an argument is refused by the circuit.
 */
struct smooth_domain {
    double low, high;
    bool goes_on_below, goes_on_above;
};

/* f(x) within 2^-fraction, elementwise; beyond an end that goes on, f of that end is what is meant
 * and its proven error is of that. Exact where f is a number of fraction + 3 bits at the end
 * of a piece: at 0 above all. */
uint32_t lowering_smooth(struct lowering *l, enum table_function f, uint32_t x,
                         struct smooth_domain domain, int32_t fraction);

/*
 * A function of all real numbers made from a tail t. From x = `far` on, a multiple of
 * 2^-SMOOTH_DOMAIN_SHIFT, and to -`far`, the tail is the constant it has there.
 */
enum smooth_shape {
    SMOOTH_ODD,          /* sign(x) t(|x|) */
    SMOOTH_LOGISTIC,     /* 1 - t(x) for x >= 0, t(-x) below */
    SMOOTH_LOGISTIC_ODD, /* sign(x) (1 - 2 t(2 |x|)) */
    SMOOTH_RAMP_LESS,    /* max(0, x) - t(|x|) */
    SMOOTH_RAMP_PLUS,    /* max(0, x) + t(|x|) */
    SMOOTH_RAMP_SIGNED   /* max(0, x) + t(x), the tail constant from `far` / 2 on */
};

/*
 * What is asked of a function of one argument. Nodes of one operator share a table when it is made
 * as exact as any of them needs, so the elements of all count when ways are compared.
 */
struct smooth_demand {
    double count;           /* elements of all nodes that may share the table */
    int32_t fraction;       /* of the table: the value is within 2^-fraction */
    int32_t value_fraction; /* of this value: when it is rounded, to that many bits */
    bool is_factor;         /* all that reads the value are products, which need no rounding */
};
/* Exact values of more fraction bits are rounded even for products. */
enum { SMOOTH_EXACT_BITS_MAX = 80 };

/*
 * Within 2^-fraction of the function, by the way with the fewest rows: sign and magnitude; a table
 * over all of the argument's range; or, in between, a coarse table that sends each argument to its
 * place in a fine one.
 */
uint32_t lowering_shaped(struct lowering *l, enum smooth_shape shape, enum table_function tail,
                         uint32_t x, double far, const struct smooth_demand *demand);
/* Rows that an element takes, with its share of the tables. */
double lowering_shaped_rows(struct lowering *l, enum smooth_shape shape, enum table_function tail,
                            uint32_t x, double far, const struct smooth_demand *demand);

/* Rows that it takes for an argument as precise as x, of which there are as many, INFINITY when no
 * table is small enough. Requires: x as smooth_argument gives it; `range`, the argument's and not
 * always that of x, has a part in the domain. */
double lowering_smooth_rows(struct lowering *l, enum table_function f, uint32_t x,
                            struct range range, struct smooth_domain domain, int32_t fraction);

/* ---- parts of the scheme ---- */

struct smooth_pieces {
    unsigned degree, shift; /* pieces are 2^-shift wide */
    unsigned rest_bits;     /* of an argument within its piece */
    int32_t bits;           /* of the coefficients */
    int64_t first, last;    /* of the table */
    int64_t low, high; /* pieces of the domain; low - 1 and `high` stand for what lies beyond */
};

/*
 * Numbers of pieces, no further out than SMOOTH_PIECE_FAR: that stands for all beyond, and no table
 * reaches it. Of a number of last places, pieces of 2^bits; of a real number, pieces of 2^-shift.
 */
#define SMOOTH_PIECE_FAR ((int64_t)1 << 40)
int64_t smooth_piece_at(wide x, unsigned bits);
int64_t smooth_piece_of_real(double x, unsigned shift);

/* x with the fraction bits that tell the ends of a domain apart. */
uint32_t smooth_argument(struct lowering *l, uint32_t x);
/* Width of the pieces; first, last, low and high are left to the caller. */
struct smooth_pieces smooth_pieces_of(const struct lowering *l, enum table_function f, uint32_t x,
                                      unsigned degree, int32_t fraction);
/* What entries of tables count against rows of gates. When one of the two leaves rows empty, the
 * compiler tries other sizes of tables (lower_options.table_bits). */
double smooth_table_rows(const struct lowering *l, double entries);
/* The same for the tables of an exp. */
double lowering_exp_rows(const struct lowering *l);
/* Rows an element takes: its piece, the coefficients, the polynomial, the rounding. */
double smooth_element_rows(unsigned degree);
/* entry: [degree + 1], coefficients of one piece, lowest first. */
typedef void (*smooth_entry_rule)(const void *context, const struct smooth_pieces *p, int64_t piece,
                                  int64_t *entry);
/* The polynomial f(numerator / 2^shift). */
void smooth_constant(enum table_function f, int64_t numerator, unsigned shift,
                     const struct smooth_pieces *p, int64_t *entry);
/* out: [degree + 1], the coefficients of each element's piece. key says what `fill` depends on. */
void smooth_look_up(struct lowering *l, const struct smooth_pieces *p, const char *key,
                    smooth_entry_rule fill, const void *context, uint32_t piece, uint32_t *out);
/* Whether coefficients come at the scale of the value, so that sums of products need no factors. */
bool smooth_is_by_powers(const struct smooth_pieces *p);
/* Whether the program has that table already. */
bool smooth_has_table(struct lowering *l, const struct smooth_pieces *p, const char *key);
/* The polynomial at rest 2^-rest_bits, exactly. */
uint32_t smooth_polynomial(struct lowering *l, const struct smooth_pieces *p, const uint32_t *c,
                           uint32_t rest);
const char *smooth_name(enum table_function f);
/* Largest slope, of either sign, of the function that a tail is the rest of above max(0, x). */
double smooth_ramp_slope(enum table_function tail);
/* How far the polynomials of pieces of 2^-shift are from f, their coefficients rounded, before the
 * value is rounded. */
double smooth_error(enum table_function f, const struct smooth_pieces *p, unsigned shift);

/* Bound of |f^(order)| on the domains used, order 1 to 4. */
double smooth_derivative_bound(enum table_function f, unsigned order);

#endif
