/*
 * Element types, shapes, buffers: see tensor.h.
 * Float formats: IEEE 754-2019; bfloat16; float8 as in "FP8 Formats for Deep Learning" (arXiv
 * 2209.05433) and its FNUZ variants (arXiv 2206.02915); float4e2m1 and float8e8m0 of the OCP
 * Microscaling specification 1.0.
 */
#include "ir/tensor.h"

#include <math.h>
#include <string.h>

#include "ir/support/status.h"

enum type_class { CLASS_NONE, CLASS_FLOAT, CLASS_SIGNED, CLASS_UNSIGNED, CLASS_BOOL, CLASS_STRING };

static const struct type_row {
    const char *name; /* NULL: no such type */
    enum type_class class;
    uint8_t bits;
    /* Floats: bits of the fraction; exponent of the least normal number; largest finite value. */
    uint8_t fraction_bits;
    int16_t least_exponent;
    enum float_overflow overflow;
    double largest;
} rows[] = {
    [ELEMENT_F32] = {"float32", CLASS_FLOAT, 32, 23, -126, OVERFLOW_INFINITY, 0x1.fffffep127},
    [ELEMENT_U8] = {"uint8", CLASS_UNSIGNED, 8, 0, 0, 0, 0},
    [ELEMENT_I8] = {"int8", CLASS_SIGNED, 8, 0, 0, 0, 0},
    [ELEMENT_U16] = {"uint16", CLASS_UNSIGNED, 16, 0, 0, 0, 0},
    [ELEMENT_I16] = {"int16", CLASS_SIGNED, 16, 0, 0, 0, 0},
    [ELEMENT_I32] = {"int32", CLASS_SIGNED, 32, 0, 0, 0, 0},
    [ELEMENT_I64] = {"int64", CLASS_SIGNED, 64, 0, 0, 0, 0},
    [ELEMENT_STRING] = {"string", CLASS_STRING, 0, 0, 0, 0, 0},
    [ELEMENT_BOOL] = {"bool", CLASS_BOOL, 1, 0, 0, 0, 0},
    [ELEMENT_F16] = {"float16", CLASS_FLOAT, 16, 10, -14, OVERFLOW_INFINITY, 65504.0},
    [ELEMENT_F64] = {"float64", CLASS_FLOAT, 64, 52, -1022, OVERFLOW_INFINITY,
                     0x1.fffffffffffffp1023},
    [ELEMENT_U32] = {"uint32", CLASS_UNSIGNED, 32, 0, 0, 0, 0},
    [ELEMENT_U64] = {"uint64", CLASS_UNSIGNED, 64, 0, 0, 0, 0},
    [ELEMENT_BF16] = {"bfloat16", CLASS_FLOAT, 16, 7, -126, OVERFLOW_INFINITY, 0x1.fep127},
    [ELEMENT_F8E4M3FN] = {"float8e4m3fn", CLASS_FLOAT, 8, 3, -6, OVERFLOW_NAN, 448.0},
    [ELEMENT_F8E4M3FNUZ] = {"float8e4m3fnuz", CLASS_FLOAT, 8, 3, -7, OVERFLOW_NAN, 240.0},
    [ELEMENT_F8E5M2] = {"float8e5m2", CLASS_FLOAT, 8, 2, -14, OVERFLOW_INFINITY, 57344.0},
    [ELEMENT_F8E5M2FNUZ] = {"float8e5m2fnuz", CLASS_FLOAT, 8, 2, -15, OVERFLOW_NAN, 57344.0},
    [ELEMENT_U4] = {"uint4", CLASS_UNSIGNED, 4, 0, 0, 0, 0},
    [ELEMENT_I4] = {"int4", CLASS_SIGNED, 4, 0, 0, 0, 0},
    [ELEMENT_F4E2M1] = {"float4e2m1", CLASS_FLOAT, 4, 1, 0, OVERFLOW_SATURATE, 6.0},
    [ELEMENT_F8E8M0] = {"float8e8m0", CLASS_FLOAT, 8, 0, -127, OVERFLOW_NAN, 0x1p127},
    [ELEMENT_U2] = {"uint2", CLASS_UNSIGNED, 2, 0, 0, 0, 0},
    [ELEMENT_I2] = {"int2", CLASS_SIGNED, 2, 0, 0, 0, 0},
};

static const struct type_row *row_of(enum element_type type)
{
    static const struct type_row none = {"undefined", CLASS_NONE, 0, 0, 0, 0, 0};
    size_t index = (size_t)type;
    if (index >= sizeof rows / sizeof rows[0] || rows[index].name == NULL)
        return &none;
    return &rows[index];
}

bool element_type_is_float(enum element_type type)
{
    return row_of(type)->class == CLASS_FLOAT;
}

bool element_type_is_integer(enum element_type type)
{
    enum type_class class = row_of(type)->class;
    return class == CLASS_SIGNED || class == CLASS_UNSIGNED;
}

bool element_type_is_signed(enum element_type type)
{
    return row_of(type)->class == CLASS_SIGNED;
}

const char *element_type_name(enum element_type type)
{
    return row_of(type)->name;
}

unsigned element_type_bits(enum element_type type)
{
    return row_of(type)->bits;
}

struct float_format element_float_format(enum element_type type)
{
    const struct type_row *row = row_of(type);
    ASSERT(row->class == CLASS_FLOAT);
    return (struct float_format){row->fraction_bits, row->least_exponent, row->largest,
                                 row->overflow};
}

/* A power of two, no sign, no zero: the nearer of the two around the value; NaN for what is not
 * positive. */
static double round_to_power_of_two(double value, const struct type_row *row)
{
    if (!(value > 0) || isinf(value))
        return NAN;
    int exponent;
    double mantissa = frexp(value, &exponent);
    /* mantissa in [1/2, 1): 3/4 is half way, and the code of 2^exponent, exponent + 127, is even
     * for odd ones. */
    int power =
        mantissa > 0.75 || (mantissa == 0.75 && (exponent & 1) != 0) ? exponent : exponent - 1;
    if (power < row->least_exponent)
        power = row->least_exponent;
    return power > 127 ? NAN : ldexp(1.0, power);
}

double element_round(enum element_type type, double value)
{
    const struct type_row *row = row_of(type);
    if (type == ELEMENT_F64 || row->class != CLASS_FLOAT || isnan(value))
        return value;
    if (type == ELEMENT_F32)
        return (double)(float)value;
    if (type == ELEMENT_F8E8M0)
        return round_to_power_of_two(value, row);
    double rounded = value;
    if (isfinite(value) && value != 0) {
        int exponent = ilogb(value);
        if (exponent < row->least_exponent)
            exponent = row->least_exponent;
        /* rint rounds ties to even, and scaling by a power of two is exact here. */
        int quantum = exponent - row->fraction_bits;
        rounded = ldexp(rint(ldexp(value, -quantum)), quantum);
    }
    if (fabs(rounded) <= row->largest) {
        bool unsigned_zero = type == ELEMENT_F8E4M3FNUZ || type == ELEMENT_F8E5M2FNUZ;
        return unsigned_zero && rounded == 0 ? 0.0 : rounded;
    }
    if (row->overflow == OVERFLOW_NAN)
        return NAN;
    return copysign(row->overflow == OVERFLOW_SATURATE ? row->largest : INFINITY, value);
}

int64_t integer_of_real(double value)
{
    if (isnan(value))
        return 0;
    return value >= 0x1p63 ? INT64_MAX : value <= -0x1p63 ? INT64_MIN : (int64_t)value;
}

int64_t element_wrap(enum element_type type, int64_t value)
{
    const struct type_row *row = row_of(type);
    if (row->class == CLASS_BOOL)
        return value != 0;
    if (row->bits == 0 || row->bits >= 64)
        return value;
    uint64_t mask = (UINT64_C(1) << row->bits) - 1;
    uint64_t low = (uint64_t)value & mask;
    if (row->class == CLASS_SIGNED && (low >> (row->bits - 1)) != 0)
        low |= ~mask;
    int64_t wrapped;
    memcpy(&wrapped, &low, sizeof wrapped);
    return wrapped;
}

double tensor_real(const struct tensor *tensor, size_t i)
{
    if (element_type_is_float(tensor->type))
        return tensor->data.real[i];
    if (tensor->type == ELEMENT_U64)
        return (double)(uint64_t)tensor->data.integer[i];
    return (double)tensor->data.integer[i];
}

bool shape_count(const struct shape *shape, size_t limit, size_t *count)
{
    size_t product = 1;
    bool is_zero = false;
    for (unsigned i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0)
            return false;
        size_t dim = (size_t)shape->dim[i];
        if (dim == 0)
            is_zero = true;
        else if (__builtin_mul_overflow(product, dim, &product))
            return false;
    }
    *count = is_zero ? 0 : product;
    return *count <= limit;
}

bool shape_equal(const struct shape *a, const struct shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (unsigned i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

/* Dimension i of a shape that stands right-aligned in `rank` axes. */
static int64_t aligned_dim(const struct shape *shape, unsigned rank, unsigned i)
{
    unsigned missing = rank - shape->rank;
    return i < missing ? 1 : shape->dim[i - missing];
}

bool shape_broadcast(struct shape *out, const struct shape *a, const struct shape *b)
{
    struct shape result = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (unsigned i = 0; i < result.rank; i++) {
        int64_t x = aligned_dim(a, result.rank, i), y = aligned_dim(b, result.rank, i);
        if (x != y && x != 1 && y != 1)
            return false;
        result.dim[i] = x == 1 ? y : x;
    }
    *out = result;
    return true;
}

size_t shape_broadcast_element(const struct shape *own, const struct shape *whole, size_t e)
{
    size_t element = 0, stride = 1;
    unsigned missing = (unsigned)(whole->rank - own->rank);
    for (unsigned d = whole->rank; d-- > missing; e /= (size_t)whole->dim[d]) {
        size_t size = (size_t)own->dim[d - missing];
        element += size == 1 ? 0 : e % (size_t)whole->dim[d] * stride;
        stride *= size;
    }
    return element;
}

bool shape_of_line(struct shape *line, const struct shape *own, const struct shape *matrix,
                   bool of_rows)
{
    struct shape all;
    size_t count;
    unsigned rank = own->rank, across = of_rows ? 1 : 2; /* from the end: the axis of one */
    *line = (struct shape){0};
    if (!shape_count(own, SIZE_MAX, &count))
        return false;
    if (count == 1)
        return true;
    *line = *own;
    if (rank == 1 && of_rows)
        *line = (struct shape){2, {own->dim[0], 1}};
    return (rank == 1 || own->dim[rank - across] == 1) && shape_broadcast(&all, line, matrix) &&
           shape_equal(&all, matrix);
}

struct tensor *tensor_new(struct arena *arena, enum element_type type, const struct shape *shape)
{
    /* Every element takes eight bytes, whatever its declared type. */
    _Static_assert(sizeof(double) == 8 && sizeof(int64_t) == 8 && sizeof(char *) == 8, "one width");
    size_t count;
    ASSERT(row_of(type)->class != CLASS_NONE && shape->rank <= TENSOR_RANK_MAX);
    if (!shape_count(shape, SIZE_MAX / sizeof(int64_t), &count))
        return NULL;
    struct tensor *tensor = arena_array(arena, struct tensor, 1);
    /* An empty tensor still has a buffer, so that its pointer is never NULL. */
    int64_t *elements = tensor == NULL ? NULL : arena_array(arena, int64_t, count == 0 ? 1 : count);
    if (elements == NULL)
        return NULL;
    *tensor = (struct tensor){.type = type, .shape = *shape, .count = count};
    if (row_of(type)->class == CLASS_FLOAT)
        tensor->data.real = (double *)(void *)elements;
    else if (row_of(type)->class == CLASS_STRING)
        tensor->data.text = (const char **)(void *)elements;
    else
        tensor->data.integer = elements;
    return tensor;
}

/* Pattern of +infinity. */
static uint64_t infinity_pattern(unsigned bits)
{
    return bits == 64 ? UINT64_C(0x7ff) << 52 : UINT64_C(0xff) << 23;
}

uint64_t float_key(double value, unsigned bits)
{
    ASSERT(bits == 32 || bits == 64);
    uint64_t sign = UINT64_C(1) << (bits - 1), pattern;
    float narrow = (float)value;
    if (isnan(value))
        return sign + infinity_pattern(bits) + 1;
    if (bits == 64) {
        memcpy(&pattern, &value, sizeof pattern);
    } else {
        uint32_t low;
        memcpy(&low, &narrow, sizeof low);
        pattern = low;
    }
    uint64_t magnitude = pattern & ~sign;
    return (pattern & sign) != 0 ? sign - magnitude : sign + magnitude;
}

double float_from_key(uint64_t key, unsigned bits)
{
    ASSERT(bits == 32 || bits == 64);
    uint64_t sign = UINT64_C(1) << (bits - 1);
    uint64_t magnitude = key >= sign ? key - sign : sign - key;
    if (magnitude > infinity_pattern(bits))
        return (double)NAN;
    uint64_t pattern = key >= sign ? magnitude : magnitude | sign;
    if (bits == 64) {
        double value;
        memcpy(&value, &pattern, sizeof value);
        return value;
    }
    uint32_t low = (uint32_t)pattern;
    float value;
    memcpy(&value, &low, sizeof value);
    return (double)value;
}

bool float_pattern(enum element_type type, double value, uint64_t *pattern)
{
    float narrow = (float)value;
    uint32_t low;
    switch (type) {
    case ELEMENT_F64:
        memcpy(pattern, &value, sizeof *pattern);
        return true;
    case ELEMENT_F32:
    case ELEMENT_BF16:
        memcpy(&low, &narrow, sizeof low);
        *pattern = type == ELEMENT_F32 ? low : low >> 16;
        return true;
    case ELEMENT_F16: {
        int exponent;
        double fraction = frexp(fabs(value), &exponent);
        uint64_t sign = signbit(value) ? 0x8000 : 0;
        if (isnan(value))
            *pattern = 0x7e00;
        else if (isinf(value))
            *pattern = sign | 0x7c00;
        else if (exponent < -13)
            *pattern = sign | (uint64_t)ldexp(fabs(value), 24);
        else
            *pattern =
                sign | ((uint64_t)(exponent + 14) << 10) | ((uint64_t)ldexp(fraction, 11) & 0x3ff);
        return true;
    }
    default:
        return false;
    }
}

bool float_from_pattern(enum element_type type, uint64_t pattern, double *value)
{
    uint32_t low = (uint32_t)pattern;
    float narrow;
    switch (type) {
    case ELEMENT_F64:
        memcpy(value, &pattern, sizeof *value);
        return true;
    case ELEMENT_F32:
    case ELEMENT_BF16:
        low = type == ELEMENT_F32 ? low : low << 16;
        memcpy(&narrow, &low, sizeof narrow);
        *value = (double)narrow;
        return true;
    case ELEMENT_F16: {
        int exponent = (int)(pattern >> 10 & 31);
        double fraction = (double)(pattern & 0x3ff);
        double magnitude = exponent == 0    ? ldexp(fraction, -24)
                           : exponent == 31 ? (fraction != 0 ? (double)NAN : (double)INFINITY)
                                            : ldexp(fraction + 1024.0, exponent - 25);
        *value = (pattern & 0x8000) != 0 ? -magnitude : magnitude;
        return true;
    }
    default:
        return false;
    }
}
