/*
 * Element types, shapes and typed buffers of the tensor graph (real-number side of the compiler).
 *
 * Element type numbers are those of ONNX TensorProto.DataType (onnx.proto, IR 14), so that a loader
 * copies them as they are.
 */
#ifndef SERTN_IR_TENSOR_H
#define SERTN_IR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/support/arena.h"

enum { TENSOR_RANK_MAX = 8 };

enum element_type {
    ELEMENT_UNDEFINED = 0,
    ELEMENT_F32 = 1,
    ELEMENT_U8 = 2,
    ELEMENT_I8 = 3,
    ELEMENT_U16 = 4,
    ELEMENT_I16 = 5,
    ELEMENT_I32 = 6,
    ELEMENT_I64 = 7,
    ELEMENT_STRING = 8,
    ELEMENT_BOOL = 9,
    ELEMENT_F16 = 10,
    ELEMENT_F64 = 11,
    ELEMENT_U32 = 12,
    ELEMENT_U64 = 13,
    ELEMENT_BF16 = 16,
    ELEMENT_F8E4M3FN = 17,
    ELEMENT_F8E4M3FNUZ = 18,
    ELEMENT_F8E5M2 = 19,
    ELEMENT_F8E5M2FNUZ = 20,
    ELEMENT_U4 = 21,
    ELEMENT_I4 = 22,
    ELEMENT_F4E2M1 = 23,
    ELEMENT_F8E8M0 = 24,
    ELEMENT_U2 = 25,
    ELEMENT_I2 = 26
};

struct shape {
    uint8_t rank;
    int64_t dim[TENSOR_RANK_MAX]; /* >= 0; after dimensions are bound none is symbolic */
};

/*
 * A typed buffer, row-major. Floats of every width are held as double already rounded to their
 * declared type; integers and bools as int64 (uint64 by bit pattern); strings as borrowed pointers
 * into the arena.
 */
struct tensor {
    enum element_type type;
    struct shape shape;
    size_t count;
    union {
        double *real;      /* float types */
        int64_t *integer;  /* integer types and bool */
        const char **text; /* strings */
    } data;
};

bool element_type_is_float(enum element_type type);
bool element_type_is_integer(enum element_type type); /* signed, unsigned; not bool */
bool element_type_is_signed(enum element_type type);  /* signed integers only */
const char *element_type_name(enum element_type type);
/* Bits of the declared type: 32 for f32, 1 for bool, 0 for strings. */
unsigned element_type_bits(enum element_type type);
/* What a float type does with a magnitude above its largest value. */
enum float_overflow { OVERFLOW_INFINITY, OVERFLOW_NAN, OVERFLOW_SATURATE };
struct float_format {
    unsigned fraction_bits;
    int least_exponent; /* of a normal number */
    double largest;     /* finite */
    enum float_overflow overflow;
};
/* Requires: a float type. */
struct float_format element_float_format(enum element_type type);
/* Rounds a double to the nearest value of the float type, ties to even; identity for f64. Overflow
 * gives infinity as IEEE says. */
double element_round(enum element_type type, double value);
/* Wraps an integer to the width of the integer type (two's complement; unsigned: modulo 2^bits). */
int64_t element_wrap(enum element_type type, int64_t value);
/* Toward zero; beyond 64 bits the nearest end, 0 for NaN. */
int64_t integer_of_real(double value);

/* Element i of a tensor of numbers as a double; integers beyond 2^53 round. uint64 is read
 * unsigned.
 */
double tensor_real(const struct tensor *tensor, size_t i);

/* Product of dims; false on overflow or above `limit`. */
bool shape_count(const struct shape *shape, size_t limit, size_t *count);
bool shape_equal(const struct shape *a, const struct shape *b);
/* Numpy broadcasting of two shapes; false when they do not agree. */
bool shape_broadcast(struct shape *out, const struct shape *a, const struct shape *b);
/* Element of a tensor of shape `own` that broadcasts to element e of shape `whole`. Requires: own
 * broadcasts to whole. */
size_t shape_broadcast_element(const struct shape *own, const struct shape *whole, size_t e);
/*
 * The shape in which a zero point or a scale of rows, else of columns, broadcasts to a matrix
 * [..., M, N]: it is one number, a list [M] or [N], or [..., M, 1] or [..., 1, N] (MatMulInteger
 * 10, QLinearMatMul 10). Returns false when it is none of these.
 */
bool shape_of_line(struct shape *line, const struct shape *own, const struct shape *matrix,
                   bool of_rows);
/* Zero-filled tensor in the arena, NULL when the arena's limit is met. */
struct tensor *tensor_new(struct arena *arena, enum element_type type, const struct shape *shape);

/*
 * Order-preserving key of an IEEE float32 (or float64) number as an unsigned integer, 2^(bits - 1)
 * + sign * (pattern without its sign): for all non-NaN x, y: x < y iff key(x) < key(y). Both zeros
 * have the key 2^(bits - 1). NaN has the key after that of +infinity, so that the keys are the
 * integers from key(-infinity) to key(NaN), without a gap.
 */
uint64_t float_key(double value, unsigned bits);
double float_from_key(uint64_t key, unsigned bits);

/* The IEEE pattern of a number of float16, bfloat16, float32 or float64, and back; false for other
 * types. */
bool float_pattern(enum element_type type, double value, uint64_t *pattern);
bool float_from_pattern(enum element_type type, uint64_t pattern, double *value);

#endif
