/* Kernels of elementwise operators with several broadcast operands. See graph_interpret.h. */
#include "ir/graph_kernel_shared.h"
#include "ir/rounded_math.h"

#include <string.h>

/* --- real numbers ------------------------------------------------------------------------------
 */

/* numpy's mod: the sign of the divisor. */
static double floor_mod(double x, double y)
{
    double r = fmod(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

/* NaN wins, as in numpy.maximum. */
static double real_max(double x, double y)
{
    return isnan(x) || x > y ? x : y;
}

static double real_min(double x, double y)
{
    return isnan(x) || x < y ? x : y;
}

static double real_function(enum op_kind op, double x, double y, bool c_mod)
{
    switch (op) {
    case OP_ADD:
    case OP_SUM:
        return x + y;
    case OP_SUB:
        return x - y;
    case OP_MUL:
        return x * y;
    case OP_DIV:
        return x / y;
    case OP_MAX:
        return real_max(x, y);
    case OP_MIN:
        return real_min(x, y);
    case OP_PRELU:
        return x < 0 ? x * y : x;
    case OP_MOD:
        return c_mod ? fmod(x, y) : floor_mod(x, y);
    case OP_POW:
        return rounded_pow(x, y);
    default:
        return NAN;
    }
}

static int64_t compare_real(enum op_kind op, double x, double y)
{
    switch (op) {
    case OP_EQUAL:
        return x == y;
    case OP_GREATER:
        return x > y;
    case OP_GREATER_OR_EQUAL:
        return x >= y;
    case OP_LESS:
        return x < y;
    case OP_LESS_OR_EQUAL:
        return x <= y;
    case OP_AND:
        return x != 0 && y != 0;
    case OP_OR:
        return x != 0 || y != 0;
    default: /* OP_XOR */
        return (x != 0) != (y != 0);
    }
}

/* --- integers: exact modulo 2^64, the caller wraps to the type -----------------------------------
 */

static bool type_is_unsigned(enum element_type type)
{
    return type == ELEMENT_U64 || type == ELEMENT_BOOL || element_wrap(type, -1) > 0;
}

static int64_t integer_power(int64_t base, int64_t exponent)
{
    uint64_t result = 1, square = (uint64_t)base;
    if (exponent < 0) /* truncated toward zero, as the type demands */
        return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
    for (uint64_t e = (uint64_t)exponent; e != 0; e >>= 1) {
        if (e & 1)
            result *= square;
        square *= square;
    }
    return (int64_t)result;
}

static int64_t integer_divide(int64_t x, int64_t y, bool is_unsigned)
{
    if (is_unsigned)
        return (int64_t)((uint64_t)x / (uint64_t)y);
    return y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}

static int64_t integer_mod(int64_t x, int64_t y, bool is_unsigned, bool c_mod)
{
    if (is_unsigned)
        return (int64_t)((uint64_t)x % (uint64_t)y);
    int64_t r = y == -1 ? 0 : x % y;
    return !c_mod && r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static bool integer_less(int64_t x, int64_t y, bool is_unsigned)
{
    return is_unsigned ? (uint64_t)x < (uint64_t)y : x < y;
}

struct integer_rules {
    enum op_kind op;
    bool is_unsigned, c_mod, shift_left;
    unsigned bits;
};

/* Of a signed number the bits that come in are its sign; a negative shift moves everything out. */
static uint64_t shifted(const struct integer_rules *rules, uint64_t x, uint64_t by)
{
    bool is_negative = !rules->is_unsigned && (x >> 63) != 0;
    if (rules->shift_left)
        return by < rules->bits ? x << by : 0;
    if (by >= rules->bits)
        return is_negative ? UINT64_MAX : 0;
    return is_negative ? ~(~x >> by) : x >> by;
}

static int64_t integer_function(const struct integer_rules *rules, int64_t x, int64_t y)
{
    uint64_t a = (uint64_t)x, b = (uint64_t)y;
    switch (rules->op) {
    case OP_ADD:
    case OP_SUM:
        return (int64_t)(a + b);
    case OP_SUB:
        return (int64_t)(a - b);
    case OP_MUL:
        return (int64_t)(a * b);
    case OP_DIV:
        return integer_divide(x, y, rules->is_unsigned);
    case OP_MOD:
        return integer_mod(x, y, rules->is_unsigned, rules->c_mod);
    case OP_POW:
        return integer_power(x, y);
    case OP_PRELU:
        return x < 0 && !rules->is_unsigned ? (int64_t)(a * b) : x;
    case OP_MAX:
        return integer_less(x, y, rules->is_unsigned) ? y : x;
    case OP_MIN:
        return integer_less(x, y, rules->is_unsigned) ? x : y;
    case OP_BITWISE_AND:
        return x & y;
    case OP_BITWISE_OR:
        return x | y;
    case OP_BITWISE_XOR:
        return x ^ y;
    case OP_BIT_SHIFT:
        return (int64_t)shifted(rules, a, b);
    default:
        return 0;
    }
}

static int64_t compare_integer(enum op_kind op, int64_t x, int64_t y, bool is_unsigned)
{
    switch (op) {
    case OP_EQUAL:
        return x == y;
    case OP_GREATER:
        return integer_less(y, x, is_unsigned);
    case OP_GREATER_OR_EQUAL:
        return !integer_less(x, y, is_unsigned);
    case OP_LESS:
        return integer_less(x, y, is_unsigned);
    case OP_LESS_OR_EQUAL:
        return !integer_less(y, x, is_unsigned);
    case OP_AND:
        return x != 0 && y != 0;
    case OP_OR:
        return x != 0 || y != 0;
    default: /* OP_XOR */
        return (x != 0) != (y != 0);
    }
}

/* --- kernels -----------------------------------------------------------------------------------
 */

static void begin_pair(struct walk *walk, const struct tensor *out, const struct tensor *a,
                       const struct tensor *b)
{
    walk_begin(walk, &out->shape);
    walk_broadcast(walk, &a->shape);
    walk_broadcast(walk, &b->shape);
}

/* An exponent or slope of another type than the base still counts as a number. */
static double mixed_function(enum op_kind op, double x, double y)
{
    return op == OP_POW ? rounded_pow(x, y) : real_function(op, x, y, false);
}

/* Stores a real result in an integer tensor: toward zero. */
static void set_truncated(struct tensor *out, size_t i, double value)
{
    bool fits = value > -0x1p63 && value < 0x1p63;
    tensor_set_integer(out, i, fits ? (int64_t)value : INT64_MIN);
}

/* out = op(a, b); out may be a. */
static enum status apply_pair(struct kernel_call *call, struct tensor *out, const struct tensor *a,
                              const struct tensor *b)
{
    enum op_kind op = call->node->op;
    bool c_mod = graph_attribute_int(call->node, "fmod", 0) != 0;
    struct walk walk;
    begin_pair(&walk, out, a, b);
    if (element_type_is_float(a->type)) {
        for (size_t i = 0; i < out->count; i++, walk_next(&walk)) {
            double x = a->data.real[walk.offset[0]];
            double y = tensor_real(b, (size_t)walk.offset[1]);
            tensor_set_real(out, i, real_function(op, x, y, c_mod));
        }
        return STATUS_OK;
    }
    if (element_type_is_float(b->type)) { /* Pow of an integer base */
        for (size_t i = 0; i < out->count; i++, walk_next(&walk))
            set_truncated(out, i,
                          mixed_function(op, tensor_real(a, (size_t)walk.offset[0]),
                                         b->data.real[walk.offset[1]]));
        return STATUS_OK;
    }
    struct integer_rules rules = {
        .op = op,
        .is_unsigned = type_is_unsigned(a->type),
        .c_mod = c_mod,
        .shift_left = strcmp(graph_attribute_text(call->node, "direction", "LEFT"), "LEFT") == 0,
        .bits = element_type_bits(a->type)};
    for (size_t i = 0; i < out->count; i++, walk_next(&walk)) {
        int64_t x = a->data.integer[walk.offset[0]], y = b->data.integer[walk.offset[1]];
        if (y == 0 && (op == OP_DIV || op == OP_MOD))
            return kernel_fail(call, STATUS_BAD_INPUT, "integer division by zero at element %zu",
                               i);
        tensor_set_integer(out, i, integer_function(&rules, x, y));
    }
    return STATUS_OK;
}

enum status run_binary(struct kernel_call *call)
{
    return apply_pair(call, call->out[0], call->in[0], call->in[1]);
}

/* Sum, Max, Min of any number of operands: from the left; Sum rounds once, at its end. */
enum status run_variadic(struct kernel_call *call)
{
    struct tensor *out = call->out[0];
    struct walk walk;
    walk_begin(&walk, &out->shape);
    walk_broadcast(&walk, &call->in[0]->shape);
    for (size_t i = 0; i < out->count; i++, walk_next(&walk))
        tensor_copy_element(out, i, call->in[0], (size_t)walk.offset[0]);
    if (call->node->op != OP_SUM || !element_type_is_float(out->type)) {
        enum status status = STATUS_OK;
        for (size_t k = 1; status == STATUS_OK && k < call->in_count; k++)
            status = apply_pair(call, out, out, call->in[k]);
        return status;
    }
    for (size_t k = 1; k < call->in_count; k++) {
        begin_pair(&walk, out, out, call->in[k]);
        for (size_t i = 0; i < out->count; i++, walk_next(&walk))
            out->data.real[i] += call->in[k]->data.real[walk.offset[1]];
    }
    for (size_t i = 0; i < out->count; i++)
        tensor_set_real(out, i, out->data.real[i]);
    return STATUS_OK;
}

enum status run_compare(struct kernel_call *call)
{
    const struct tensor *a = call->in[0], *b = call->in[1];
    struct tensor *out = call->out[0];
    enum op_kind op = call->node->op;
    bool real = element_type_is_float(a->type), is_unsigned = type_is_unsigned(a->type);
    struct walk walk;
    begin_pair(&walk, out, a, b);
    for (size_t i = 0; i < out->count; i++, walk_next(&walk)) {
        int64_t x = walk.offset[0], y = walk.offset[1];
        out->data.integer[i] =
            real ? compare_real(op, a->data.real[x], b->data.real[y])
                 : compare_integer(op, a->data.integer[x], b->data.integer[y], is_unsigned);
    }
    return STATUS_OK;
}

enum status run_where(struct kernel_call *call)
{
    struct tensor *out = call->out[0];
    struct walk walk;
    walk_begin(&walk, &out->shape);
    for (size_t k = 0; k < 3; k++)
        walk_broadcast(&walk, &call->in[k]->shape);
    for (size_t i = 0; i < out->count; i++, walk_next(&walk)) {
        unsigned k = call->in[0]->data.integer[walk.offset[0]] != 0 ? 1 : 2;
        tensor_copy_element(out, i, call->in[k], (size_t)walk.offset[k]);
    }
    return STATUS_OK;
}

enum status run_clip(struct kernel_call *call)
{
    const struct tensor *in = call->in[0], *low = kernel_in(call, 1), *high = kernel_in(call, 2);
    struct tensor *out = call->out[0];
    bool is_unsigned = type_is_unsigned(in->type);
    for (size_t i = 0; i < in->count; i++) {
        if (element_type_is_float(in->type)) {
            double x = in->data.real[i];
            x = low != NULL ? real_max(x, low->data.real[0]) : x;
            x = high != NULL ? real_min(x, high->data.real[0]) : x;
            tensor_set_real(out, i, x);
            continue;
        }
        int64_t x = in->data.integer[i];
        if (low != NULL && integer_less(x, low->data.integer[0], is_unsigned))
            x = low->data.integer[0];
        if (high != NULL && integer_less(high->data.integer[0], x, is_unsigned))
            x = high->data.integer[0];
        out->data.integer[i] = x;
    }
    return STATUS_OK;
}
