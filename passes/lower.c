/*
 * Lowering of a whole graph: inputs, nodes in order by the table lower_rules.def, outputs. See
 * lower.h.
 */
#include "passes/lower.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "passes/lower_internal.h"
#include "passes/lower_tree.h"

static const lower_rule rules[OP_COUNT] = {
#define R(op, rule, bound) [OP_##op] = rule,
#include "passes/lower_rules.def"
#undef R
};

/* Whether the lowering of an operator says what its results are off by. */
enum { BOUND = true, NO_BOUND = false };
static const bool has_bound[OP_COUNT] = {
#define R(op, rule, bound) [OP_##op] = bound,
#include "passes/lower_rules.def"
#undef R
};

bool lower_op_is_supported(enum op_kind op)
{
    return (unsigned)op < OP_COUNT && rules[op] != NULL;
}

/* ---- operands ---- */

bool lowering_has_input(const struct lowering *l, size_t i)
{
    return i < l->node->input_count && l->node->inputs[i] != GRAPH_NONE;
}

bool lowering_has_output(const struct lowering *l, size_t i)
{
    return i < l->node->output_count && l->node->outputs[i] != GRAPH_NONE;
}

uint32_t lowering_value(const struct lowering *l, size_t i)
{
    ASSERT(lowering_has_input(l, i));
    return l->node->inputs[i];
}

const struct graph_value *lowering_graph_value(const struct lowering *l, size_t i)
{
    return &l->graph->values[lowering_value(l, i)];
}

const struct tensor *lowering_data(const struct lowering *l, size_t i)
{
    const struct graph_value *value = lowering_graph_value(l, i);
    return value->kind == VALUE_CONSTANT || value->kind == VALUE_PARAMETER ? value->data : NULL;
}

bool lowering_is_parameter(const struct lowering *l, size_t i)
{
    return lowering_graph_value(l, i)->kind == VALUE_PARAMETER;
}

const struct tensor *lowering_known(struct lowering *l, size_t i)
{
    const struct graph_value *value = lowering_graph_value(l, i);
    if (value->data == NULL)
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "operand %zu ('%s') has to be known when the circuit is made; give it with "
                      "--bind %s=...",
                      i, value->name, value->name);
    return value->data;
}

const struct value_plan *lowering_input_plan(const struct lowering *l, size_t i)
{
    return &l->plan->values[lowering_value(l, i)];
}

const struct value_plan *lowering_output_plan(const struct lowering *l, size_t i)
{
    ASSERT(lowering_has_output(l, i));
    return &l->plan->values[l->node->outputs[i]];
}

/* Results that are shown keep the bits that the tolerance asks for, whatever calibration needed. */
static int32_t planned_fraction(const struct lowering *l, const struct value_plan *plan)
{
    int32_t extra = l->plan->extra_bits;
    int32_t fraction = plan->fraction + (plan->is_output && extra < 0 ? 0 : extra);
    return fraction > plan->least_fraction ? fraction : plan->least_fraction;
}

int32_t lowering_planned_fraction(const struct lowering *l, uint32_t v)
{
    return planned_fraction(l, &l->plan->values[v]);
}

int32_t lowering_input_fraction(const struct lowering *l, size_t i)
{
    return planned_fraction(l, lowering_input_plan(l, i));
}

int32_t lowering_output_fraction(const struct lowering *l, size_t i)
{
    return planned_fraction(l, lowering_output_plan(l, i));
}

struct shape lowering_output_shape(const struct lowering *l, size_t i)
{
    ASSERT(lowering_has_output(l, i));
    return l->graph->values[l->node->outputs[i]].shape;
}

int64_t lowering_attribute_int(const struct lowering *l, const char *name, int64_t fallback)
{
    return graph_attribute_int(l->node, name, fallback);
}

double lowering_attribute_float(const struct lowering *l, const char *name, double fallback)
{
    return graph_attribute_float(l->node, name, fallback);
}

/* The fewest fraction bits, at most `most`, that hold every number exactly; `most` when none do. */
static int32_t exact_fraction(const struct tensor *data, int32_t most)
{
    int32_t needed = 0;
    for (size_t i = 0; i < data->count && needed < most; i++) {
        while (needed < most &&
               ldexp(data->data.real[i], needed) != floor(ldexp(data->data.real[i], needed)))
            needed++;
    }
    return needed;
}

wide lowering_element(const struct tensor *data, size_t i)
{
    wide value = wide_from_i64(data->data.integer[i]);
    if (data->type == ELEMENT_U64 && data->data.integer[i] < 0)
        ASSERT(wide_add(&value, value, wide_power_of_two(64)));
    return value;
}

static uint32_t make_constant(struct lowering *l, const struct tensor *data, int32_t fraction)
{
    wide *integers = lowering_array(l, wide, data->count);
    if (!element_type_is_float(data->type)) {
        for (size_t i = 0; i < data->count; i++)
            integers[i] = lowering_element(data, i);
        return lowering_constant(l, &data->shape, form_integer(), integers);
    }
    fraction = exact_fraction(data, fraction);
    double off = 0;
    for (size_t i = 0; i < data->count; i++) {
        integers[i] = lowering_real(l, data->data.real[i], fraction);
        off = fmax(off, lowering_real_off(data->data.real[i], fraction));
    }
    uint32_t tensor = lowering_constant(l, &data->shape, form_fixed(fraction), integers);
    lowering_widen_error(l, tensor, off);
    return tensor;
}

static uint32_t make_stored(struct lowering *l, uint32_t v)
{
    const struct graph_value *value = &l->graph->values[v];
    int32_t fraction = planned_fraction(l, &l->plan->values[v]);
    if (value->data == NULL || value->data->type == ELEMENT_STRING)
        lowering_fail(l, STATUS_UNSUPPORTED, "the stored value '%s' has no numbers", value->name);
    bool is_private = value->kind == VALUE_PARAMETER && !l->options->public_parameters;
    if (l->plan->values[v].takes_mask) {
        uint32_t mask = lowering_stored_mask(l, v, is_private, fraction);
        /* Great negative numbers are taken for minus infinity. */
        if (l->plan->values[v].mask_is_finite)
            lowering_leave_bound(l, mask, BOUND_SPECIAL);
        return mask;
    }
    if (!is_private)
        return make_constant(l, value->data, fraction);
    if (element_type_is_float(value->data->type))
        return lowering_parameter(l, value->name, &value->data->shape, value->data->data.real, 1,
                                  fraction);
    wide *integers = lowering_array(l, wide, value->data->count);
    for (size_t i = 0; i < value->data->count; i++)
        integers[i] = lowering_element(value->data, i);
    return lowering_parameter_wide(l, value->name, &value->data->shape, form_integer(), integers);
}

uint32_t lowering_input_or_nan(struct lowering *l, size_t i)
{
    uint32_t v = lowering_value(l, i);
    if (l->tensor_of[v] == RELATION_NONE) {
        ASSERT(l->graph->values[v].kind == VALUE_CONSTANT ||
               l->graph->values[v].kind == VALUE_PARAMETER);
        l->tensor_of[v] = make_stored(l, v);
    }
    return l->tensor_of[v];
}

/* x without the integer of NaN: a NaN there has no meaning, and no proof. */
static uint32_t hold_to_numbers(struct lowering *l, uint32_t x)
{
    struct range range = lowering_range_of(l, x);
    ASSERT(wide_add(&range.low, l->nan, wide_from_i64(1)));
    return lowering_restrict(l, x, range);
}

uint32_t lowering_input(struct lowering *l, size_t i)
{
    uint32_t v = lowering_value(l, i), tensor = lowering_input_or_nan(l, i);
    if (!l->plan->values[v].takes_nan)
        return tensor;
    if (l->without_nan[v] == RELATION_NONE)
        l->without_nan[v] = hold_to_numbers(l, tensor);
    return l->without_nan[v];
}

/* ---- results ---- */

static void note(struct lowering *l, const char *value, struct range range, int32_t fraction,
                 bool saturates)
{
    struct lowering_result *result = l->result;
    void *array = result->ranges;
    lowering_grow(l, &array, &l->range_capacity, result->range_count + 1, sizeof *result->ranges);
    result->ranges = array;
    result->ranges[result->range_count++] = (struct inserted_range){
        value, l->node == NULL ? "" : l->node->name, ldexp(wide_to_double(range.low), -fraction),
        ldexp(wide_to_double(range.high), -fraction), saturates};
}

void lowering_note_range(struct lowering *l, const char *value, struct range range,
                         int32_t fraction)
{
    note(l, value, range, fraction, false);
}

void lowering_note_saturation(struct lowering *l, const char *value, struct range range,
                              int32_t fraction)
{
    note(l, value, range, fraction, true);
}

double lowering_largest(const struct value_plan *plan)
{
    return fmax(fabs(plan->low), fabs(plan->high));
}

/* Smallest k with |x| <= 2^k for both bounds. */
static int32_t magnitude_bits(double low, double high)
{
    double most = fmax(fabs(low), fabs(high));
    int exponent = 0;
    if (most == 0)
        return 0;
    double fraction = frexp(most, &exponent);
    return fraction == 0.5 ? exponent - 1 : exponent;
}

struct range lowering_calibrated(const struct value_plan *plan, int32_t fraction)
{
    int32_t bits = magnitude_bits(plan->low, plan->high) + 2 + fraction;
    bits = bits < 1 ? 1 : bits > 240 ? 240 : bits;
    struct range range = {wide_from_i64(0), wide_from_i64(0)};
    wide power = wide_power_of_two((unsigned)bits);
    ASSERT(wide_neg(&range.low, power) && wide_sub(&range.high, power, wide_from_i64(1)));
    return range;
}

/*
 * Interval arithmetic may exceed what a value really takes by this many bits before a range is put
 * in. Wide values cost limbs at the next nonlinear step only; a range refuses inputs far from the
 * calibration data.
 */
enum { WIDTH_BUDGET_BITS = 160 };

static uint32_t hold_width(struct lowering *l, uint32_t v, uint32_t tensor)
{
    const struct value_plan *plan = &l->plan->values[v];
    const struct relation_tensor *t = lowering_tensor(l, tensor);
    if (t->role != ROLE_WITNESS || form_is_float(lowering_form(l, tensor)) || plan->saw_infinity ||
        (plan->low == 0 && plan->high == 0))
        return tensor;
    struct range own = {t->low, t->high},
                 calibrated = lowering_calibrated(plan, -t->scale.exponent);
    unsigned bits = range_bits(own), seen = range_bits(calibrated);
    if (bits <= seen + INTERVAL_SLACK_BITS && bits <= WIDTH_BUDGET_BITS)
        return tensor;
    if (range_contains(calibrated, own))
        return tensor;
    lowering_note_range(l, l->graph->values[v].name, calibrated, -t->scale.exponent);
    return lowering_restrict(l, tensor, calibrated);
}

/* Whether results are operands, or made of them without rounding. */
static bool gives_operands(enum op_kind op)
{
    switch (op) {
    case OP_RELU:
    case OP_ABS:
    case OP_NEG:
    case OP_SIGN:
    case OP_FLOOR:
    case OP_CEIL:
    case OP_ROUND:
    case OP_MAX:
    case OP_MIN:
    case OP_CLIP:
    case OP_WHERE:
    case OP_MOD:
    case OP_REDUCE_MAX:
    case OP_REDUCE_MIN:
    case OP_TOP_K:
    case OP_MAX_POOL:
    case OP_GLOBAL_MAX_POOL:
    case OP_MAX_UNPOOL:
    case OP_MAX_ROI_POOL:
    case OP_ONE_HOT:
    case OP_HARDMAX:
    case OP_THRESHOLDED_RELU:
    case OP_QUANTIZE_LINEAR:
        return true;
    default:
        return (op_info(op)->traits & TRAIT_MOVEMENT) != 0;
    }
}

/*
 * x rounded to a float type: half a last place of the greatest number. The model rounds as well,
 * unless it is taken as real arithmetic: another half covers both. What is clipped at the largest
 * number of the type is off by what lies above it.
 */
static void state_rounding(struct lowering *l, uint32_t y, uint32_t x, enum element_type type)
{
    struct float_format format = element_float_format(type);
    double most = bound_add(lowering_most(l, x), lowering_error(l, x));
    int exponent = 0;
    if (!isfinite(most)) {
        lowering_state_error(l, y, x, INFINITY);
        return;
    }
    frexp(most, &exponent);
    /* most lies in [2^(exponent - 1), 2^exponent) */
    exponent = exponent - 1 < format.least_exponent ? format.least_exponent : exponent - 1;
    double clipped = most > format.largest ? most - format.largest : 0;
    lowering_state_function(l, y, x, 1,
                            bound_add(clipped, ldexp(1, exponent - (int)format.fraction_bits)));
}

/*
 * Numbers of the declared type: integers are cut off toward zero and wrapped to its width, floats
 * with few bits are rounded. float32 and float64 are held exactly, or as finely as the tolerance
 * asks for.
 */
static uint32_t hold_type(struct lowering *l, enum element_type type, uint32_t tensor)
{
    if (lowering_tensor(l, tensor)->count == 0 || form_is_float(lowering_form(l, tensor)))
        return tensor;
    if (element_type_is_integer(type))
        return lowering_wrap(l, lowering_truncate(l, tensor), type);
    bool is_small = element_type_is_float(type) && element_type_bits(type) <= 16;
    if (!is_small || gives_operands(l->node->op))
        return tensor;
    if (type == ELEMENT_F8E8M0)
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "float8e8m0 is a type to cast to, not to compute with");
    bool saturate = element_type_bits(type) <= 8 && lowering_attribute_int(l, "saturate", 1) != 0;
    uint32_t rounded = lowering_round_float(l, tensor, type, saturate || type == ELEMENT_F4E2M1);
    state_rounding(l, rounded, tensor, type);
    return rounded;
}

/* An operator whose lowering says nothing of errors: integers are what it says they are, made of
 * integers. */
static void leave_bounds(struct lowering *l)
{
    bool is_exact = true;
    for (size_t i = 0; i < l->node->input_count; i++) {
        uint32_t v = l->node->inputs[i];
        is_exact &= v == GRAPH_NONE || (!element_type_is_float(l->graph->values[v].type) &&
                                        (l->tensor_of[v] == RELATION_NONE ||
                                         bound_is_exact(lowering_bound(l, l->tensor_of[v]))));
    }
    for (size_t k = 0; k < l->node->output_count; k++) {
        uint32_t v = l->node->outputs[k];
        if (v != GRAPH_NONE && l->tensor_of[v] != RELATION_NONE &&
            !(is_exact && !element_type_is_float(l->graph->values[v].type)))
            lowering_leave_bound(l, l->tensor_of[v], BOUND_NO_RULE);
    }
}

void lowering_output(struct lowering *l, size_t i, uint32_t tensor)
{
    if (!lowering_has_output(l, i))
        return;
    uint32_t v = l->node->outputs[i];
    struct shape shape = l->graph->values[v].shape;
    tensor = lowering_reshape(l, hold_type(l, l->graph->values[v].type, tensor), &shape);
    l->tensor_of[v] = l->plan->values[v].takes_nan ? tensor : hold_width(l, v, tensor);
}

/* ---- inputs ---- */

/* What an integer input may hold: its declared or default range, as far as its type has it. */
static struct range integer_range(struct lowering *l, const struct input_plan *plan,
                                  const struct graph_value *value)
{
    struct range type = lowering_type_range(value->type), range;
    /* No integer type reaches further. */
    const double far = 0x1p100;
    bool fits = wide_from_double(&range.low, ceil(fmin(fmax(plan->low, -far), far))) &&
                wide_from_double(&range.high, floor(fmin(fmax(plan->high, -far), far))) &&
                (plan->is_declared || wide_sub(&range.high, range.high, wide_from_i64(1)));
    ASSERT(fits);
    if (wide_compare(range.low, type.low) < 0)
        range.low = type.low;
    if (wide_compare(range.high, type.high) > 0)
        range.high = type.high;
    if (wide_compare(range.low, range.high) > 0)
        lowering_fail(l, STATUS_BAD_INPUT, "input '%s': no %s lies in its range %g:%g", value->name,
                      element_type_name(value->type), plan->low, plan->high);
    return range;
}

/*
 * Integers that stand for the real numbers of [low, high]: rounded inwards. A default range ends
 * one step below 2^k. NaN, or minus infinity in a mask, takes the lowest integer of a default
 * range, and one below a declared range.
 */
static struct range input_range(struct lowering *l, const struct input_plan *plan,
                                const struct graph_value *value, int32_t fraction, bool takes_nan)
{
    if (value->type == ELEMENT_BOOL)
        return range_of_i64(0, 1);
    if (value->text_table != NULL)
        return range_of_i64(value->unknown_words > 1 ? -value->unknown_words : -1,
                            (int64_t)value->text_table->count - 1);
    if (element_type_is_integer(value->type))
        return integer_range(l, plan, value);
    double low = plan->low, high = plan->high;
    if (element_type_is_float(value->type) && element_type_bits(value->type) <= 16) {
        double largest = element_float_format(value->type).largest;
        low = fmax(low, -largest);
        high = fmin(high, largest + (plan->is_declared ? 0 : ldexp(1, -fraction)));
    }
    low = ceil(ldexp(low, fraction));
    high = floor(ldexp(high, fraction));
    struct range range;
    bool fits = wide_from_double(&range.low, low) && wide_from_double(&range.high, high);
    if (fits && !plan->is_declared)
        ASSERT(wide_sub(&range.high, range.high, wide_from_i64(1)));
    if (!fits || wide_compare(range.low, range.high) > 0)
        lowering_fail(l, STATUS_BAD_INPUT,
                      "input '%s': no fixed-point number lies in its range %g:%g", value->name,
                      plan->low, plan->high);
    if (plan->is_declared && takes_nan)
        ASSERT(wide_sub(&range.low, range.low, wide_from_i64(1)));
    return range;
}

/* Every float with NaN; a declared range has no NaN. */
static struct range key_range(struct lowering *l, const struct input_plan *plan, const char *name,
                              unsigned bits)
{
    double low = -INFINITY, high = NAN;
    if (plan->is_declared) {
        low = bits == 32 ? (double)(float)plan->low : plan->low;
        high = bits == 32 ? (double)(float)plan->high : plan->high;
        if (low < plan->low)
            low = (double)nextafterf((float)low, INFINITY);
        if (high > plan->high)
            high = (double)nextafterf((float)high, -INFINITY);
    }
    if (low > high)
        lowering_fail(l, STATUS_BAD_INPUT, "input '%s': no float%u lies in its range %g:%g", name,
                      bits, plan->low, plan->high);
    return range_make(wide_from_i128((__int128)float_key(low, bits)),
                      wide_from_i128((__int128)float_key(high, bits)));
}

static struct form input_form(const struct lowering *l, uint32_t v)
{
    const struct value_plan *plan = &l->plan->values[v];
    if (plan->is_key)
        return form_key(plan->key_bits);
    if (plan->is_bits)
        return form_bits(l->graph->values[v].type);
    if (!element_type_is_float(l->graph->values[v].type))
        return form_integer();
    return form_fixed(planned_fraction(l, plan));
}

static uint32_t add_input(struct lowering *l, size_t i)
{
    uint32_t v = l->graph->inputs[i];
    const struct graph_value *value = &l->graph->values[v];
    struct form form = input_form(l, v);
    struct range range = range_of_i64(0, 0);
    bool takes_nan = l->plan->values[v].takes_nan, takes_mask = l->plan->values[v].takes_mask;
    if (form.encoding == ENCODING_FLOAT_KEY && !l->plan->inputs[i].is_declared &&
        l->options->inputs[i] == PORT_PRIVATE && forest_is_only_use(l->graph, v))
        ASSERT(wide_sub(&range.high, wide_power_of_two(form.key_bits), wide_from_i64(1)));
    else if (form.encoding == ENCODING_FLOAT_KEY)
        range = key_range(l, &l->plan->inputs[i], value->name, form.key_bits);
    else if (form.encoding == ENCODING_FLOAT_BITS)
        ASSERT(wide_sub(&range.high, wide_power_of_two(element_type_bits(l->graph->values[v].type)),
                        wide_from_i64(1)));
    else
        range = input_range(l, &l->plan->inputs[i], value, form.fraction, takes_nan || takes_mask);
    bool is_public = l->options->inputs[i] == PORT_PUBLIC;
    struct relation_tensor tensor = {.name = value->name,
                                     .rank = value->shape.rank,
                                     .role = is_public ? ROLE_PUBLIC_INPUT : ROLE_PRIVATE_INPUT,
                                     .encoding = form.encoding,
                                     .scale = {1, 1, -form.fraction},
                                     .key_bits = form.key_bits,
                                     .low = range.low,
                                     .high = range.high,
                                     .has_nan = takes_nan,
                                     .has_infinity = takes_mask,
                                     .keeps_sign = form.encoding == ENCODING_FIXED &&
                                                   l->plan->values[v].keeps_sign};
    if (takes_nan)
        l->nan = range.low;
    memcpy(tensor.shape, value->shape.dim, sizeof value->shape.dim);
    uint32_t index = relation_add_tensor(l->program, &tensor);
    if (index == RELATION_NONE)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for input '%s'", value->name);
    lowering_track(l, index);
    if (takes_nan || takes_mask)
        lowering_leave_bound(l, index, BOUND_SPECIAL);
    else
        /* The nearest multiple of the scale stands for a number, or the nearest that keeps its
         * sign; keys and integers are exact. */
        bound_set(lowering_bound(l, index), tensor.keeps_sign                 ? 1
                                            : form.encoding == ENCODING_FIXED ? 0.5
                                                                              : 0);
    if (lowering_tensor(l, index)->count > 0)
        lowering_enforce(l, index, range);
    l->tensor_of[v] = index;
    l->program->input_tensors[i] = index;
    if (takes_mask)
        lowering_given_mask(l, v);
    return index;
}

/* ---- digests ---- */

/* Poseidon(salt, values), its salt a private input of its own: fills in the port. */
static void add_digest(struct lowering *l, struct port *port)
{
    struct relation_tensor salt = {.name = arena_printf(l->arena, "salt of %s", port->name),
                                   .role = ROLE_PRIVATE_INPUT,
                                   .encoding = ENCODING_INTEGER,
                                   .high = wide_power_of_two(248)};
    struct relation_tensor digest = {.name = arena_printf(l->arena, "digest of %s", port->name),
                                     .role = ROLE_WITNESS,
                                     .encoding = ENCODING_INTEGER,
                                     .is_output = true};
    ASSERT(wide_sub(&salt.high, salt.high, wide_from_i64(1)));
    ASSERT(wide_sub(&digest.high, wide_power_of_two(254), wide_from_i64(1)));
    port->salt = relation_add_tensor(l->program, &salt);
    port->digest = relation_add_tensor(l->program, &digest);
    struct relation relation = {.kind = RELATION_DIGEST,
                                .node = RELATION_NONE,
                                .space_rank = 1,
                                .view_count = 2,
                                .output_count = 1};
    relation.space[0] = (int64_t)lowering_tensor(l, port->tensor)->count;
    relation.views[0] =
        (struct relation_view){.tensor = port->tensor, .stride = {1}, .high = {relation.space[0]}};
    relation.views[1] = (struct relation_view){.tensor = port->salt, .high = {relation.space[0]}};
    relation.outputs[0] = port->digest;
    if (port->salt != RELATION_NONE && port->digest != RELATION_NONE) {
        lowering_track(l, port->salt);
        lowering_track(l, port->digest);
    }
    if (port->salt == RELATION_NONE || port->digest == RELATION_NONE ||
        relation_add(l->program, &relation) == RELATION_NONE)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for the digest of '%s'", port->name);
}

/* What a port shows: its own words, the word of its digest, or nothing. */
static void publish(struct lowering *l, struct port *port)
{
    if (port->visibility == PORT_PRIVATE)
        return;
    if (port->visibility == PORT_HASHED)
        add_digest(l, port);
    l->program->public_tensors[l->program->public_tensor_count++] =
        port->visibility == PORT_HASHED ? port->digest : port->tensor;
}

static struct port port_of(const struct graph_value *value, uint32_t tensor,
                           enum port_visibility visibility)
{
    return (struct port){.name = value->name,
                         .type = value->type,
                         .shape = value->shape,
                         .visibility = visibility,
                         .tensor = tensor,
                         .salt = RELATION_NONE,
                         .digest = RELATION_NONE,
                         .map_keys = value->map_keys,
                         .text_table = value->text_table,
                         .sequence = value->sequence};
}

/* ---- outputs ---- */

/* A public word takes call data, and a rounded element a few rows: rounding pays when it saves some
 * words. WORD_BITS: what values share of one. */
enum { OUTPUT_BITS = 64, WORD_BITS = 253, WORDS_WORTH_ROUNDING = 16, SLACK_BITS = 8 };
/* Where no words are saved, rounding for show is to add next to nothing to the error. */
enum { SPARE_BITS = 3 };

/* An output in the bits the tolerance asks for, when it is very wide, or public with so many
 * elements that packing saves words. */
static uint32_t round_output(struct lowering *l, uint32_t tensor, int32_t fraction,
                             enum port_visibility visibility)
{
    double excess = lowering_fraction(l, tensor) - fraction,
           count = (double)lowering_tensor(l, tensor)->count;
    if (form_is_float(lowering_form(l, tensor)))
        return tensor;
    if (visibility == PORT_PUBLIC && count * excess >= WORD_BITS * WORDS_WORTH_ROUNDING)
        return lowering_trim(l, tensor, fraction, SLACK_BITS);
    return range_bits(lowering_range_of(l, tensor)) > OUTPUT_BITS
               ? lowering_trim(l, tensor, fraction + SPARE_BITS, SLACK_BITS - SPARE_BITS)
               : tensor;
}

/* A tensor of its own under the output's name. */
static uint32_t make_output(struct lowering *l, uint32_t v, uint32_t tensor,
                            enum port_visibility visibility)
{
    tensor = round_output(l, tensor, planned_fraction(l, &l->plan->values[v]), visibility);
    const struct relation_tensor *t = lowering_tensor(l, tensor);
    if (t->role != ROLE_WITNESS || t->is_output) {
        struct shape shape = lowering_shape(l, tensor);
        struct relation_term term = lowering_term(l, 1, tensor, &shape);
        tensor = lowering_linear(l, &shape, lowering_form(l, tensor), &term, 1, wide_from_i64(0));
    }
    l->program->tensors[tensor].name = l->graph->values[v].name;
    return tensor;
}

uint32_t lowering_stored_output(struct lowering *l, uint32_t v)
{
    const struct tensor *data = l->graph->values[v].data;
    bool is_finite = true;
    for (size_t e = 0; data != NULL && element_type_is_float(data->type) && e < data->count; e++)
        is_finite &= isfinite(data->data.real[e]) != 0;
    if (is_finite || l->plan->values[v].takes_mask)
        return make_stored(l, v);
    uint8_t bits = data->type == ELEMENT_F64 ? 64 : 32;
    wide *keys = lowering_array(l, wide, data->count);
    for (size_t e = 0; e < data->count; e++)
        keys[e] = wide_from_i128((__int128)float_key(data->data.real[e], bits));
    const struct graph_value *value = &l->graph->values[v];
    if (value->kind == VALUE_PARAMETER && !l->options->public_parameters)
        return lowering_parameter_wide(l, value->name, &data->shape, form_key(bits), keys);
    return lowering_constant(l, &data->shape, form_key(bits), keys);
}

static void add_output(struct lowering *l, size_t i)
{
    uint32_t v = l->graph->outputs[i];
    if (l->tensor_of[v] == RELATION_NONE)
        l->tensor_of[v] = lowering_stored_output(l, v);
    struct port *port = &l->result->interface.outputs[i];
    uint32_t tensor = make_output(l, v, l->tensor_of[v], l->options->outputs[i]);
    uint32_t shown = lowering_show_special(l, v, tensor);
    if (shown != tensor)
        lowering_leave_bound(l, shown, BOUND_SPECIAL);
    tensor = shown;
    l->result->bounds[i] = lowering_output_bound(l, tensor);
    *port = port_of(&l->graph->values[v], tensor, l->options->outputs[i]);
    l->program->tensors[port->tensor].is_output = port->visibility != PORT_PRIVATE;
    publish(l, port);
}

/* ---- the whole ---- */

static void name_nodes(struct lowering *l)
{
    const struct graph *graph = l->graph;
    l->program->node_names = lowering_array(l, const char *, graph->node_count);
    l->program->node_count = graph->node_count;
    for (size_t n = 0; n < graph->node_count; n++) {
        l->program->node_names[n] =
            arena_printf(l->arena, "%s (%s)", graph->nodes[n].name, op_name(graph->nodes[n].op));
        if (l->program->node_names[n] == NULL)
            lowering_fail(l, STATUS_NO_MEMORY, "no memory for node names");
    }
}

/* Whether an operand comes from a node that failed: that one is reported, not what hangs on it. */
static bool hangs_on_failure(const struct lowering *l)
{
    for (size_t i = 0; i < l->node->input_count; i++) {
        if (lowering_has_input(l, i) && l->is_broken[l->node->inputs[i]])
            return true;
    }
    return false;
}

static void break_outputs(struct lowering *l)
{
    for (size_t k = 0; k < l->node->output_count; k++) {
        if (lowering_has_output(l, k))
            l->is_broken[l->node->outputs[k]] = true;
    }
}

static void run_rule(struct lowering *l)
{
    lowering_check_node(l);
    l->own_nan = RELATION_NONE;
    l->own_infinite = RELATION_NONE;
    rules[l->node->op](l);
    if (!has_bound[l->node->op])
        leave_bounds(l);
    lowering_trace_nan(l);
}

/* Lowers one node, or notes why not, so that all such nodes are found at once. */
static void lower_node(struct lowering *l)
{
    jmp_buf here, *outer = l->escape;
    if (hangs_on_failure(l)) {
        break_outputs(l);
        return;
    }
    l->escape = &here;
    if (setjmp(here) == 0) {
        run_rule(l);
        l->escape = outer;
        return;
    }
    l->escape = outer;
    if (l->status == STATUS_NO_MEMORY)
        longjmp(*outer, 1);
    break_outputs(l);
    if (lowering_is_told(l))
        return;
    void *array = l->result->failures;
    lowering_grow(l, &array, &l->failure_capacity, l->result->failure_count + 1,
                  sizeof *l->result->failures);
    l->result->failures = array;
    l->result->failures[l->result->failure_count++] = *l->diag;
}

static int compare_alike(const void *x, const void *y)
{
    const struct alike *a = x, *b = y;
    if (a->op != b->op)
        return a->op < b->op ? -1 : 1;
    if (a->in != b->in)
        return a->in < b->in ? -1 : 1;
    return a->out < b->out ? -1 : a->out > b->out;
}

/* Who reads each value, and which nodes of one operator are planned alike: to look through all
 * nodes for each would take a time that grows with the square of a loop's rounds. */
static void list_alike(struct lowering *l)
{
    const struct graph *graph = l->graph;
    struct alike *alike = lowering_array(l, struct alike, graph->node_count);
    uint32_t *first = lowering_array(l, uint32_t, OP_COUNT + 1);
    size_t count = 0, groups = 0;
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        if (node->input_count == 0 || node->inputs[0] == GRAPH_NONE || node->output_count == 0 ||
            node->outputs[0] == GRAPH_NONE)
            continue;
        alike[count++] =
            (struct alike){node->op, lowering_planned_fraction(l, node->inputs[0]),
                           lowering_planned_fraction(l, node->outputs[0]),
                           (double)shape_elements(&graph->values[node->outputs[0]].shape)};
    }
    qsort(alike, count, sizeof *alike, compare_alike);
    for (size_t i = 0; i < count; i++) {
        if (groups > 0 && compare_alike(&alike[groups - 1], &alike[i]) == 0) {
            alike[groups - 1].elements += alike[i].elements;
            continue;
        }
        alike[groups++] = alike[i];
        first[alike[i].op + 1]++;
    }
    for (size_t op = 0; op < OP_COUNT; op++)
        first[op + 1] += first[op];
    l->alike = alike;
    l->alike_first = first;
}

static void lower_all(struct lowering *l)
{
    const struct graph *graph = l->graph;
    relation_program_init(l->program, l->arena);
    if (!graph_list_uses(&l->uses, graph, l->arena))
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for %zu values", graph->value_count);
    list_alike(l);
    l->tensor_of = lowering_array(l, uint32_t, graph->value_count);
    l->without_nan = lowering_array(l, uint32_t, graph->value_count);
    memset(l->tensor_of, 0xff, graph->value_count * sizeof *l->tensor_of);
    memset(l->without_nan, 0xff, graph->value_count * sizeof *l->without_nan);
    l->absent = lowering_array(l, uint32_t, graph->value_count);
    memset(l->absent, 0xff, graph->value_count * sizeof *l->absent);
    l->is_broken = lowering_array(l, bool, graph->value_count);
    l->nan_bit = lowering_array(l, uint32_t, graph->value_count);
    memset(l->nan_bit, 0xff, graph->value_count * sizeof *l->nan_bit);
    l->infinite_bit = lowering_array(l, uint32_t, graph->value_count);
    memset(l->infinite_bit, 0xff, graph->value_count * sizeof *l->infinite_bit);
    l->program->input_tensors = lowering_array(l, uint32_t, graph->input_count);
    l->program->input_tensor_count = graph->input_count;
    l->program->public_tensors =
        lowering_array(l, uint32_t, graph->input_count + graph->output_count);
    struct interface *interface = &l->result->interface;
    interface->inputs = lowering_array(l, struct port, graph->input_count);
    interface->input_count = graph->input_count;
    interface->outputs = lowering_array(l, struct port, graph->output_count);
    interface->output_count = graph->output_count;
    l->result->bounds = lowering_array(l, struct output_bound, graph->output_count);
    name_nodes(l);
    l->node_index = RELATION_NONE;
    for (size_t i = 0; i < graph->input_count; i++) {
        interface->inputs[i] =
            port_of(&graph->values[graph->inputs[i]], add_input(l, i), l->options->inputs[i]);
        publish(l, &interface->inputs[i]);
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        l->node = &graph->nodes[n];
        l->node_index = (uint32_t)n;
        l->serial = 0;
        struct arena_mark mark = arena_checkpoint(&l->scratch);
        lower_node(l);
        arena_rewind(&l->scratch, mark);
    }
    l->node = NULL;
    l->node_index = RELATION_NONE;
    if (l->result->failure_count > 0)
        return;
    for (size_t i = 0; i < graph->output_count; i++)
        add_output(l, i);
}

static enum status run(struct lowering *l)
{
    jmp_buf here;
    l->escape = &here;
    if (setjmp(here) != 0)
        return l->status;
    lower_all(l);
    if (l->result->failure_count == 0)
        return STATUS_OK;
    *l->diag = l->result->failures[0];
    return l->diag->status;
}

enum status lower_graph(struct lowering_result *result, const struct graph *graph,
                        const struct quantize_plan *plan, const struct lower_options *options,
                        struct arena *arena, struct diag *diag)
{
    memset(result, 0, sizeof *result);
    struct lowering *l = arena_new(arena, struct lowering);
    result->program = arena_new(arena, struct relation_program);
    if (l == NULL || result->program == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to lower the graph");
    *l = (struct lowering){.graph = graph,
                           .plan = plan,
                           .options = options,
                           .result = result,
                           .program = result->program,
                           .arena = arena,
                           .diag = diag};
    arena_init(&l->scratch, 0);
    enum status status = run(l);
    arena_release(&l->scratch);
    arena_release(&l->counted);
    return status;
}
