/* TensorProto to tensor: see tensor_parts.h. Small float formats: sources in ir/tensor.c. */
#include "frontend/tensor_parts.h"

#include <math.h>
#include <string.h>

enum status tensor_parts_check(const struct tensor_parts *parts, struct shape *shape, size_t *count,
                               struct diag *diag)
{
    enum element_type type = (enum element_type)parts->data_type;
    if (parts->data_type == 14 || parts->data_type == 15)
        return diag_set(diag, STATUS_UNSUPPORTED, "complex numbers are not supported");
    if (parts->data_type == 27 || parts->data_type == 28)
        return diag_set(diag, STATUS_UNSUPPORTED, "float6 types are not supported");
    if (parts->data_type <= 0 || parts->data_type > ELEMENT_I2 ||
        (element_type_bits(type) == 0 && type != ELEMENT_STRING))
        return diag_set(diag, STATUS_BAD_INPUT, "element type %d does not exist", parts->data_type);
    if (parts->dim_count > TENSOR_RANK_MAX)
        return diag_set(diag, STATUS_LIMIT, "%zu dimensions, at most %d are supported",
                        parts->dim_count, TENSOR_RANK_MAX);
    *shape = (struct shape){.rank = (uint8_t)parts->dim_count};
    for (size_t i = 0; i < parts->dim_count; i++) {
        if (parts->dims[i] < 0)
            return diag_set(diag, STATUS_BAD_INPUT, "dimension %zu is negative (%lld)", i,
                            (long long)parts->dims[i]);
        shape->dim[i] = parts->dims[i];
    }
    if (!shape_count(shape, TENSOR_ELEMENT_LIMIT, count))
        return diag_set(diag, STATUS_LIMIT, "more than %zu elements", TENSOR_ELEMENT_LIMIT);
    return STATUS_OK;
}

size_t tensor_raw_bytes(enum element_type type, size_t count)
{
    unsigned bits = type == ELEMENT_BOOL ? 8 : element_type_bits(type);
    if (bits >= 8)
        return count * (bits / 8);
    size_t per_byte = 8 / bits;
    return (count + per_byte - 1) / per_byte;
}

static uint64_t load_le(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

/* How a float of at most 16 bits is laid out. */
struct small_float {
    unsigned exponent_bits, fraction_bits;
    int bias;
    bool has_infinity;  /* all-ones exponent: infinity, or NaN with a fraction */
    bool nan_is_minus0; /* the pattern of -0 is the only NaN (FNUZ) */
    bool nan_all_ones;  /* all ones below the sign is the only NaN (FN) */
};

static struct small_float small_float_of(enum element_type type)
{
    switch (type) {
    case ELEMENT_F16:
        return (struct small_float){5, 10, 15, true, false, false};
    case ELEMENT_BF16:
        return (struct small_float){8, 7, 127, true, false, false};
    case ELEMENT_F8E4M3FN:
        return (struct small_float){4, 3, 7, false, false, true};
    case ELEMENT_F8E4M3FNUZ:
        return (struct small_float){4, 3, 8, false, true, false};
    case ELEMENT_F8E5M2:
        return (struct small_float){5, 2, 15, true, false, false};
    case ELEMENT_F8E5M2FNUZ:
        return (struct small_float){5, 2, 16, false, true, false};
    default:
        ASSERT(type == ELEMENT_F4E2M1);
        return (struct small_float){2, 1, 1, false, false, false};
    }
}

static double decode_small_float(enum element_type type, uint64_t pattern)
{
    if (type == ELEMENT_F8E8M0)
        return pattern == 255 ? NAN : ldexp(1.0, (int)pattern - 127);
    struct small_float layout = small_float_of(type);
    unsigned sign_bit = layout.exponent_bits + layout.fraction_bits;
    uint64_t fraction = pattern & ((UINT64_C(1) << layout.fraction_bits) - 1);
    uint64_t ones = (UINT64_C(1) << layout.exponent_bits) - 1;
    uint64_t exponent = pattern >> layout.fraction_bits & ones;
    double sign = (pattern >> sign_bit & 1) != 0 ? -1.0 : 1.0;
    if (layout.has_infinity && exponent == ones)
        return fraction != 0 ? NAN : sign * INFINITY;
    if (layout.nan_is_minus0 && pattern == UINT64_C(1) << sign_bit)
        return NAN;
    if (layout.nan_all_ones && exponent == ones &&
        fraction + 1 == UINT64_C(1) << layout.fraction_bits)
        return NAN;
    if (exponent == 0)
        return sign * ldexp((double)fraction, 1 - layout.bias - (int)layout.fraction_bits);
    double significand = (double)(fraction | UINT64_C(1) << layout.fraction_bits);
    return sign * ldexp(significand, (int)exponent - layout.bias - (int)layout.fraction_bits);
}

static double decode_float(enum element_type type, uint64_t pattern)
{
    if (type == ELEMENT_F64) {
        double value;
        memcpy(&value, &pattern, sizeof value);
        return value;
    }
    if (type == ELEMENT_F32) {
        uint32_t low = (uint32_t)pattern;
        float value;
        memcpy(&value, &low, sizeof value);
        return (double)value;
    }
    return decode_small_float(type, pattern);
}

/* Element from its bit pattern, which holds no more bits than the type. */
static void store_pattern(struct tensor *tensor, size_t i, uint64_t pattern)
{
    if (element_type_is_float(tensor->type)) {
        tensor->data.real[i] = decode_float(tensor->type, pattern);
        return;
    }
    int64_t value;
    memcpy(&value, &pattern, sizeof value);
    tensor->data.integer[i] = element_wrap(tensor->type, value);
}

static void store_raw(struct tensor *tensor, const uint8_t *raw)
{
    unsigned bits = tensor->type == ELEMENT_BOOL ? 8 : element_type_bits(tensor->type);
    if (bits >= 8) {
        for (size_t i = 0; i < tensor->count; i++)
            store_pattern(tensor, i, load_le(raw + i * (bits / 8), bits / 8));
        return;
    }
    unsigned per_byte = 8 / bits;
    for (size_t i = 0; i < tensor->count; i++)
        store_pattern(tensor, i, raw[i / per_byte] >> (bits * (i % per_byte)) & ((1u << bits) - 1));
}

static enum status out_of_range(const struct tensor *tensor, size_t i, long long value,
                                struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "element %zu is %lld, which is not a %s", i, value,
                    element_type_name(tensor->type));
}

/* int32_data: integers up to 32 bits, bool, bit patterns of small floats; sub-byte types as packed
 * bytes. */
static enum status store_int32s(struct tensor *tensor, const struct tensor_parts *parts,
                                struct diag *diag)
{
    unsigned bits = element_type_bits(tensor->type);
    bool is_packed = bits < 8 && tensor->type != ELEMENT_BOOL;
    unsigned per_item = is_packed ? 8 / bits : 1;
    unsigned width = is_packed ? 8 : bits;
    bool is_pattern = is_packed || element_type_is_float(tensor->type);
    for (size_t i = 0; i < tensor->count; i++) {
        int64_t item = parts->int32s[i / per_item];
        if (is_pattern) {
            if (item < -((int64_t)1 << (width - 1)) || item >= (int64_t)1 << width)
                return out_of_range(tensor, i, (long long)item, diag);
            uint64_t pattern = (uint64_t)item & ((UINT64_C(1) << width) - 1);
            if (is_packed)
                pattern = pattern >> (bits * (i % per_item)) & ((1u << bits) - 1);
            store_pattern(tensor, i, pattern);
        } else {
            if (element_wrap(tensor->type, item) != item)
                return out_of_range(tensor, i, (long long)item, diag);
            tensor->data.integer[i] = item;
        }
    }
    return STATUS_OK;
}

static enum status store_uint64s(struct tensor *tensor, const struct tensor_parts *parts,
                                 struct diag *diag)
{
    for (size_t i = 0; i < tensor->count; i++) {
        if (tensor->type == ELEMENT_U32 && parts->uint64s[i] > UINT32_MAX)
            return out_of_range(tensor, i, (long long)parts->uint64s[i], diag);
        memcpy(&tensor->data.integer[i], &parts->uint64s[i], sizeof(int64_t));
    }
    return STATUS_OK;
}

static enum status store_texts(struct tensor *tensor, const struct tensor_parts *parts,
                               struct arena *arena, struct diag *diag)
{
    for (size_t i = 0; i < tensor->count; i++) {
        const struct tensor_text *text = &parts->texts[i];
        if (text->count != 0 && memchr(text->data, 0, text->count) != NULL)
            return diag_set(diag, STATUS_BAD_INPUT, "string %zu has a zero byte inside", i);
        tensor->data.text[i] = arena_strndup(arena, (const char *)text->data, text->count);
        if (tensor->data.text[i] == NULL)
            return arena_failure(arena, text->count, "a string", diag);
    }
    return STATUS_OK;
}

/* What the typed list for the element type holds, in elements. */
static size_t list_count(const struct tensor_parts *parts, enum element_type type)
{
    switch (type) {
    case ELEMENT_F32:
        return parts->float_count;
    case ELEMENT_F64:
        return parts->double_count;
    case ELEMENT_I64:
        return parts->int64_count;
    case ELEMENT_U32:
    case ELEMENT_U64:
        return parts->uint64_count;
    case ELEMENT_STRING:
        return parts->text_count;
    default:
        return parts->int32_count;
    }
}

/* The store holds exactly what the shape asks for, before any memory is taken for it. */
static enum status check_store(const struct tensor_parts *parts, enum element_type type,
                               size_t count, struct diag *diag)
{
    bool is_raw = parts->has_raw && type != ELEMENT_STRING;
    size_t stores = (parts->raw_count != 0) + (parts->float_count != 0) +
                    (parts->double_count != 0) + (parts->int32_count != 0) +
                    (parts->int64_count != 0) + (parts->uint64_count != 0) +
                    (parts->text_count != 0);
    if (stores > 1)
        return diag_set(diag, STATUS_BAD_INPUT, "its elements are stored in more than one way");
    if (is_raw) {
        size_t expected = tensor_raw_bytes(type, count);
        if (parts->raw_count != expected)
            return diag_set(diag, STATUS_BAD_INPUT,
                            "%zu bytes of data where the shape asks for %zu", parts->raw_count,
                            expected);
        return STATUS_OK;
    }
    unsigned bits = element_type_bits(type);
    bool is_packed = bits != 0 && bits < 8 && type != ELEMENT_BOOL;
    size_t expected = is_packed ? tensor_raw_bytes(type, count) : count;
    size_t found = list_count(parts, type);
    if (found != expected)
        return diag_set(diag, STATUS_BAD_INPUT, "%zu stored elements where the shape asks for %zu",
                        found, expected);
    return STATUS_OK;
}

enum status tensor_from_parts(struct tensor **out, const struct tensor_parts *parts,
                              struct arena *arena, struct diag *diag)
{
    struct shape shape;
    size_t count;
    enum status status = tensor_parts_check(parts, &shape, &count, diag);
    enum element_type type = (enum element_type)parts->data_type;
    if (status == STATUS_OK)
        status = check_store(parts, type, count, diag);
    if (status != STATUS_OK)
        return status;
    struct tensor *tensor = tensor_new(arena, type, &shape);
    if (tensor == NULL)
        return arena_failure(arena, 8 * count, "a tensor", diag);
    if (type == ELEMENT_STRING) {
        status = store_texts(tensor, parts, arena, diag);
    } else if (parts->has_raw) {
        store_raw(tensor, parts->raw);
    } else if (type == ELEMENT_F32) {
        for (size_t i = 0; i < count; i++)
            tensor->data.real[i] = (double)parts->floats[i];
    } else if (type == ELEMENT_F64) {
        for (size_t i = 0; i < count; i++)
            tensor->data.real[i] = parts->doubles[i];
    } else if (type == ELEMENT_I64) {
        for (size_t i = 0; i < count; i++)
            tensor->data.integer[i] = parts->int64s[i];
    } else if (type == ELEMENT_U32 || type == ELEMENT_U64) {
        status = store_uint64s(tensor, parts, diag);
    } else {
        status = store_int32s(tensor, parts, diag);
    }
    if (status == STATUS_OK)
        *out = tensor;
    return status;
}
