/*
 * Builders of lowering: tensors, relations with their intervals, small compositions. See
 * lower_internal.h.
 */
#include "passes/lower_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- failure and memory ---- */

_Noreturn void lowering_fail(struct lowering *l, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    l->status = diag_set_v(l->diag, status, format, arguments);
    va_end(arguments);
    if (l->node != NULL)
        l->status = diag_prefix(l->diag, status, "node %s (%s, opset %d)", l->node->name,
                                op_name(l->node->op), l->node->opset);
    longjmp(*l->escape, 1);
}

void lowering_require_room(struct lowering *l, bool fits)
{
    if (!fits)
        lowering_fail(
            l, STATUS_LIMIT,
            "the numbers that meet here differ so much in size that no integer of 254 bits "
            "holds them together; declare smaller ranges with --range, or scale the numbers "
            "of the model");
}

wide lowering_power_of_two(struct lowering *l, unsigned bits)
{
    enum { MOST = 254 };
    lowering_require_room(l, bits <= MOST);
    return wide_power_of_two(bits);
}

void *lowering_alloc(struct lowering *l, size_t count, size_t size)
{
    void *memory = arena_alloc_array(l->arena, count == 0 ? 1 : count, size);
    if (memory == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for %zu elements", count);
    return memory;
}

void lowering_grow_in(struct lowering *l, struct arena *arena, void **array, size_t *capacity,
                      size_t needed, size_t size)
{
    if (needed <= *capacity)
        return;
    size_t larger = *capacity == 0 ? 16 : 2 * *capacity;
    while (larger < needed)
        larger *= 2;
    void *copy = arena_alloc_array(arena, larger, size);
    if (copy == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for %zu items", larger);
    if (*capacity > 0)
        memcpy(copy, *array, *capacity * size);
    *array = copy;
    *capacity = larger;
}

void lowering_grow(struct lowering *l, void **array, size_t *capacity, size_t needed, size_t size)
{
    lowering_grow_in(l, l->arena, array, capacity, needed, size);
}

/* ---- shapes ---- */

struct shape shape_of(unsigned rank, ...)
{
    struct shape shape = {.rank = (uint8_t)rank};
    va_list dims;
    va_start(dims, rank);
    for (unsigned d = 0; d < rank; d++)
        shape.dim[d] = va_arg(dims, int64_t);
    va_end(dims);
    return shape;
}

size_t shape_elements(const struct shape *shape)
{
    size_t count = 1;
    for (unsigned d = 0; d < shape->rank; d++)
        count *= (size_t)shape->dim[d];
    return count;
}

unsigned lowering_axis(struct lowering *l, int64_t axis, unsigned rank)
{
    if (axis < -(int64_t)rank || axis >= (int64_t)rank)
        lowering_fail(l, STATUS_BAD_INPUT, "axis %lld is outside a tensor of rank %u",
                      (long long)axis, rank);
    return (unsigned)(axis < 0 ? axis + (int64_t)rank : axis);
}

/* ---- tensors ---- */

const struct relation_tensor *lowering_tensor(const struct lowering *l, uint32_t tensor)
{
    return &l->program->tensors[tensor];
}

struct form lowering_form(const struct lowering *l, uint32_t tensor)
{
    const struct relation_tensor *t = lowering_tensor(l, tensor);
    return (struct form){t->encoding, -t->scale.exponent, t->key_bits};
}

int32_t lowering_fraction(const struct lowering *l, uint32_t tensor)
{
    return -lowering_tensor(l, tensor)->scale.exponent;
}

struct range lowering_range_of(const struct lowering *l, uint32_t tensor)
{
    const struct relation_tensor *t = lowering_tensor(l, tensor);
    return (struct range){t->low, t->high};
}

struct shape lowering_shape(const struct lowering *l, uint32_t tensor)
{
    const struct relation_tensor *t = lowering_tensor(l, tensor);
    struct shape shape = {.rank = t->rank};
    memcpy(shape.dim, t->shape, sizeof shape.dim);
    return shape;
}

struct form form_fixed(int32_t fraction)
{
    return (struct form){ENCODING_FIXED, fraction, 0};
}

struct form form_integer(void)
{
    return (struct form){ENCODING_INTEGER, 0, 0};
}

struct form form_key(uint8_t bits)
{
    return (struct form){ENCODING_FLOAT_KEY, 0, bits};
}

struct form form_bits(enum element_type type)
{
    return (struct form){ENCODING_FLOAT_BITS, 0, (uint8_t)type};
}

bool form_is_float(struct form form)
{
    return form.encoding == ENCODING_FLOAT_KEY || form.encoding == ENCODING_FLOAT_BITS;
}

static uint32_t add_tensor(struct lowering *l, const char *name, const struct shape *shape,
                           struct form form, enum relation_role role, struct range range,
                           const wide *values)
{
    struct relation_tensor tensor = {.name = name,
                                     .rank = shape->rank,
                                     .role = role,
                                     .encoding = form.encoding,
                                     .scale = {1, 1, -form.fraction},
                                     .key_bits = form.key_bits,
                                     .low = range.low,
                                     .high = range.high,
                                     .values = values};
    memcpy(tensor.shape, shape->dim, sizeof shape->dim);
    unsigned bits = range_bits(range) + (wide_is_negative(range.low) ? 1 : 0);
    if (bits > l->options->capacity_bits)
        lowering_fail(l, STATUS_LIMIT,
                      "a value needs %u bits and the prover holds %u; declare a smaller --range or "
                      "a larger --tolerance",
                      bits, l->options->capacity_bits);
    uint32_t index = relation_add_tensor(l->program, &tensor);
    if (index == RELATION_NONE)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for tensor '%s'", name);
    lowering_track(l, index);
    return index;
}

/* "node.7": the eighth generated tensor. */
static const char *generated_name(struct lowering *l)
{
    const char *name =
        arena_printf(l->arena, "%s.%u", l->node == NULL ? "input" : l->node->name, l->serial++);
    if (name == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a name");
    return name;
}

static struct range range_of_values(const wide *values, size_t count)
{
    struct range range = count == 0 ? range_of_i64(0, 0) : range_make(values[0], values[0]);
    for (size_t i = 1; i < count; i++)
        range = range_hull(range, range_make(values[i], values[i]));
    return range;
}

uint32_t lowering_constant(struct lowering *l, const struct shape *shape, struct form form,
                           const wide *values)
{
    return add_tensor(l, generated_name(l), shape, form, ROLE_CONSTANT,
                      range_of_values(values, shape_elements(shape)), values);
}

uint32_t lowering_constant_i64(struct lowering *l, int64_t value)
{
    wide number = wide_from_i64(value);
    struct shape scalar = {0};
    return lowering_constant(l, &scalar, form_integer(), &number);
}

/* Declared ranges of parameters say no more of their values than a number of bits, and no less than
 * one. */
static struct range parameter_range(const wide *values, size_t count)
{
    struct range range = range_hull(range_of_values(values, count), range_of_i64(-2, 1));
    return range_round_up(range);
}

static uint32_t add_parameter(struct lowering *l, const char *name, const struct shape *shape,
                              struct form form, const wide *values, struct range range)
{
    if (l->options->public_parameters)
        return lowering_constant(l, shape, form, values);
    size_t count = shape_elements(shape);
    uint32_t tensor = add_tensor(l, name, shape, form, ROLE_PARAMETER, range, NULL);
    struct lowering_result *result = l->result;
    void *array = result->parameters;
    lowering_grow(l, &array, &l->parameter_capacity, result->parameter_count + 1,
                  sizeof *result->parameters);
    result->parameters = array;
    wide *copy = lowering_array(l, wide, count);
    if (count > 0)
        memcpy(copy, values, count * sizeof *copy);
    result->parameters[result->parameter_count++] = (struct parameter_values){tensor, copy};
    lowering_track_stored(l, tensor, copy);
    return tensor;
}

uint32_t lowering_parameter_wide(struct lowering *l, const char *name, const struct shape *shape,
                                 struct form form, const wide *values)
{
    return add_parameter(l, name, shape, form, values,
                         parameter_range(values, shape_elements(shape)));
}

uint32_t lowering_parameter_bits(struct lowering *l, const char *name, const struct shape *shape,
                                 struct form form, const wide *values, unsigned bits)
{
    struct range range = {wide_from_i64(0), wide_from_i64(0)};
    wide power = lowering_power_of_two(l, bits);
    lowering_require_room(l, wide_neg(&range.low, power) &&
                                 wide_sub(&range.high, power, wide_from_i64(1)));
    ASSERT(range_contains(range, range_of_values(values, shape_elements(shape))));
    return add_parameter(l, name, shape, form, values, range);
}

uint32_t lowering_number_beside(struct lowering *l, uint32_t *x, double number)
{
    struct shape one = shape_of(1, (int64_t)1);
    int32_t fraction = lowering_fraction(l, *x), most = lowering_output_fraction(l, 0);
    while (fraction < most && lowering_real_off(number, fraction) > 0)
        fraction++;
    *x = lowering_to_fraction(l, *x, fraction);
    wide value = lowering_real(l, number, fraction);
    uint32_t constant = lowering_constant(l, &one, lowering_form(l, *x), &value);
    lowering_widen_error(l, constant, lowering_real_off(number, fraction));
    return constant;
}

wide lowering_real(struct lowering *l, double value, int32_t fraction)
{
    wide out;
    /* ldexp is exact here: doubles hold the product unless it under- or overflows, and
     * wide_from_double rounds to nearest even. */
    if (!isfinite(value) || !wide_from_double(&out, ldexp(value, fraction)))
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "the stored number %g has no fixed-point form with %d fraction bits; give it "
                      "another, or a larger --tolerance",
                      value, fraction);
    return out;
}

uint32_t lowering_parameter(struct lowering *l, const char *name, const struct shape *shape,
                            const double *values, double scale, int32_t fraction)
{
    size_t count = shape_elements(shape);
    wide *integers = lowering_array(l, wide, count);
    double off = 0;
    for (size_t i = 0; i < count; i++) {
        integers[i] = lowering_real(l, values[i] * scale, fraction);
        off = fmax(off, lowering_real_off(values[i] * scale, fraction));
    }
    uint32_t tensor = lowering_parameter_wide(l, name, shape, form_fixed(fraction), integers);
    lowering_widen_error(l, tensor, off);
    /* The product by another scale than 1 was rounded to float64. */
    if (scale != 1)
        lowering_widen_error(l, tensor, ldexp(bound_add(lowering_bound(l, tensor)->most, 1), -52));
    return tensor;
}

uint32_t lowering_stored(struct lowering *l, const char *name, const struct shape *shape,
                         const double *values, int32_t fraction, bool is_private)
{
    if (is_private)
        return lowering_parameter(l, name, shape, values, 1, fraction);
    size_t count = shape_elements(shape);
    wide *integers = lowering_array(l, wide, count);
    int32_t needed = 0;
    for (size_t i = 0; i < count; i++)
        while (needed < fraction && ldexp(values[i], needed) != floor(ldexp(values[i], needed)))
            needed++;
    double off = 0;
    for (size_t i = 0; i < count; i++) {
        integers[i] = lowering_real(l, values[i], needed);
        off = fmax(off, lowering_real_off(values[i], needed));
    }
    uint32_t tensor = lowering_constant(l, shape, form_fixed(needed), integers);
    lowering_widen_error(l, tensor, off);
    return tensor;
}

/* ---- relations ---- */

struct relation_view lowering_view(struct lowering *l, uint32_t tensor, const struct shape *space)
{
    return relation_view_whole(l->program, tensor, space->rank, space->dim);
}

struct relation_term lowering_term_view(wide coefficient, struct relation_view view)
{
    return (struct relation_term){.coefficient = coefficient, .factor_count = 1, .factors = {view}};
}

struct relation_term lowering_term_wide(struct lowering *l, wide coefficient, uint32_t tensor,
                                        const struct shape *space)
{
    return lowering_term_view(coefficient, lowering_view(l, tensor, space));
}

struct relation_term lowering_term(struct lowering *l, int64_t coefficient, uint32_t tensor,
                                   const struct shape *space)
{
    return lowering_term_wide(l, wide_from_i64(coefficient), tensor, space);
}

struct relation_term lowering_term_product(struct lowering *l, int64_t coefficient, uint32_t a,
                                           uint32_t b, const struct shape *space)
{
    return (struct relation_term){
        .coefficient = wide_from_i64(coefficient),
        .factor_count = 2,
        .factors = {lowering_view(l, a, space), lowering_view(l, b, space)}};
}

static struct relation relation_in(const struct lowering *l, enum relation_kind kind,
                                   const struct shape *space)
{
    struct relation relation = {.kind = kind,
                                .node = l->node_index,
                                .space_rank = space->rank,
                                .table = RELATION_NONE,
                                .memory = RELATION_NONE};
    memcpy(relation.space, space->dim, sizeof space->dim);
    return relation;
}

static void add_relation(struct lowering *l, const struct relation *relation)
{
    if (relation_add(l->program, relation) == RELATION_NONE)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for relation %zu",
                      l->program->relation_count);
    bound_relation(l->bounds, l->program, relation);
}

static struct range output_range(struct lowering *l, const struct relation *relation, unsigned k)
{
    struct range range;
    if (!range_of_output(l->program, relation, k, &range))
        lowering_fail(l, STATUS_LIMIT, "the bound of an exact intermediate value leaves 256 bits");
    return range;
}

/* Adds output 0 with the interval of the relation, then the relation. */
static uint32_t add_computed(struct lowering *l, struct relation *relation,
                             const struct shape *shape, struct form form)
{
    struct range range =
        shape_elements(shape) == 0 ? range_of_i64(0, 0) : output_range(l, relation, 0);
    relation->output_count = 1;
    relation->outputs[0] = add_tensor(l, generated_name(l), shape, form, ROLE_WITNESS, range, NULL);
    add_relation(l, relation);
    return relation->outputs[0];
}

uint32_t lowering_linear(struct lowering *l, const struct shape *shape, struct form form,
                         const struct relation_term *terms, size_t count, wide constant)
{
    struct relation relation = relation_in(l, RELATION_LINEAR, shape);
    relation.terms = (struct relation_term *)terms;
    relation.term_count = count;
    relation.constant = constant;
    return add_computed(l, &relation, shape, form);
}

/* A sum with a given range for its output. */
static uint32_t sum_within(struct lowering *l, enum relation_kind kind, const struct shape *shape,
                           struct form form, const struct relation_term *terms, size_t count,
                           wide constant, struct range range)
{
    struct relation relation = relation_in(l, kind, shape);
    relation.terms = (struct relation_term *)terms;
    relation.term_count = count;
    relation.constant = constant;
    relation.output_count = 1;
    relation.outputs[0] = add_tensor(l, generated_name(l), shape, form, ROLE_WITNESS, range, NULL);
    add_relation(l, &relation);
    return relation.outputs[0];
}

uint32_t lowering_linear_within(struct lowering *l, const struct shape *shape, struct form form,
                                const struct relation_term *terms, size_t count, wide constant,
                                struct range range)
{
    return sum_within(l, RELATION_LINEAR, shape, form, terms, count, constant, range);
}

uint32_t lowering_product_within(struct lowering *l, const struct shape *shape, struct form form,
                                 const struct relation_term *terms, size_t count, wide constant,
                                 struct range range)
{
    return sum_within(l, RELATION_PRODUCT, shape, form, terms, count, constant, range);
}

uint32_t lowering_moved(struct lowering *l, const struct shape *shape, struct form form,
                        const struct relation_term *terms, size_t count)
{
    uint32_t moved = lowering_linear(l, shape, form, terms, count, wide_from_i64(0));
    struct error_bound *bound = lowering_bound(l, moved);
    if (!bound_is_proven(bound))
        return moved;
    /* One term gives each element: errors do not add up. */
    double most = 0, error = 0, ideal = 0;
    for (size_t t = 0; t < count; t++) {
        const struct error_bound *x = lowering_bound(l, terms[t].factors[0].tensor);
        double size = bound_of_wide(terms[t].coefficient);
        most = fmax(most, bound_mul(size, x->most));
        error = fmax(error, bound_mul(size, x->error));
        ideal = fmax(ideal, bound_mul(size, x->ideal));
    }
    bound_set(bound, error);
    bound_limit(bound, most, ideal);
    return moved;
}

uint32_t lowering_product(struct lowering *l, const struct shape *shape, struct form form,
                          const struct relation_term *terms, size_t count, wide constant)
{
    struct relation relation = relation_in(l, RELATION_PRODUCT, shape);
    relation.terms = (struct relation_term *)terms;
    relation.term_count = count;
    relation.constant = constant;
    return add_computed(l, &relation, shape, form);
}

uint32_t lowering_contract(struct lowering *l, const struct shape *space, uint8_t contract_rank,
                           const struct relation_view *a, const struct relation_view *b,
                           struct form form)
{
    struct relation relation = relation_in(l, RELATION_CONTRACT, space);
    relation.contract_rank = contract_rank;
    relation.views[0] = *a;
    relation.views[1] = *b;
    relation.view_count = 2;
    struct shape shape = *space;
    shape.rank = (uint8_t)(shape.rank - contract_rank);
    return add_computed(l, &relation, &shape, form);
}

/* Adds the two outputs of a RESCALE whose operands stand, then the relation. */
static uint32_t add_rescale(struct lowering *l, struct relation *relation,
                            const struct shape *shape, struct form form,
                            const struct range *y_range, uint32_t *remainder)
{
    struct range y = y_range != NULL ? *y_range : output_range(l, relation, 0);
    relation->output_count = 2;
    relation->outputs[0] = add_tensor(l, generated_name(l), shape, form, ROLE_WITNESS, y, NULL);
    relation->outputs[1] = add_tensor(l, generated_name(l), shape, form_integer(), ROLE_WITNESS,
                                      output_range(l, relation, 1), NULL);
    add_relation(l, relation);
    if (remainder != NULL)
        *remainder = relation->outputs[1];
    return relation->outputs[0];
}

uint32_t lowering_rescale(struct lowering *l, uint32_t x, wide divisor,
                          enum relation_rounding rounding, struct form form,
                          const struct range *y_range, uint32_t *remainder)
{
    struct shape shape = lowering_shape(l, x);
    struct relation relation = relation_in(l, RELATION_RESCALE, &shape);
    relation.rounding = rounding;
    relation.divisor = divisor;
    relation.views[0] = lowering_view(l, x, &shape);
    relation.view_count = 1;
    return add_rescale(l, &relation, &shape, form, y_range, remainder);
}

uint32_t lowering_divide_floor(struct lowering *l, const struct shape *shape, uint32_t x,
                               uint32_t d, struct form form, const struct range *y_range,
                               uint32_t *remainder)
{
    struct relation relation = relation_in(l, RELATION_RESCALE, shape);
    relation.rounding = ROUND_FLOOR;
    relation.divisor_is_view = true;
    relation.views[0] = lowering_view(l, x, shape);
    relation.views[1] = lowering_view(l, d, shape);
    relation.view_count = 2;
    return add_rescale(l, &relation, shape, form, y_range, remainder);
}

uint32_t lowering_is_zero(struct lowering *l, uint32_t x)
{
    struct shape shape = lowering_shape(l, x);
    struct relation relation = relation_in(l, RELATION_IS_ZERO, &shape);
    relation.views[0] = lowering_view(l, x, &shape);
    relation.view_count = 1;
    return add_computed(l, &relation, &shape, form_integer());
}

void lowering_enforce(struct lowering *l, uint32_t tensor, struct range range)
{
    struct shape shape = lowering_shape(l, tensor);
    struct relation relation = relation_in(l, RELATION_RANGE, &shape);
    relation.views[0] = lowering_view(l, tensor, &shape);
    relation.view_count = 1;
    relation.low = range.low;
    relation.high = range.high;
    add_relation(l, &relation);
}

uint32_t lowering_restrict(struct lowering *l, uint32_t x, struct range range)
{
    struct shape shape = lowering_shape(l, x);
    struct relation_term term = lowering_term(l, 1, x, &shape);
    struct relation relation = relation_in(l, RELATION_LINEAR, &shape);
    relation.terms = &term;
    relation.term_count = 1;
    relation.output_count = 1;
    relation.outputs[0] =
        add_tensor(l, generated_name(l), &shape, lowering_form(l, x), ROLE_WITNESS, range, NULL);
    add_relation(l, &relation);
    lowering_enforce(l, relation.outputs[0], range);
    return relation.outputs[0];
}

uint32_t lowering_restrict_to(struct lowering *l, uint32_t x, struct range range)
{
    return range_contains(range, lowering_range_of(l, x)) ? x : lowering_restrict(l, x, range);
}

void lowering_table(struct lowering *l, const struct relation_table *table, uint32_t x,
                    const struct form *forms, uint32_t *outputs)
{
    struct shape shape = lowering_shape(l, x);
    struct relation relation = relation_in(l, RELATION_TABLE, &shape);
    relation.table = relation_add_table(l->program, table);
    if (relation.table == RELATION_NONE)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table of %zu entries", table->size);
    relation.views[0] = lowering_view(l, x, &shape);
    relation.view_count = 1;
    relation.output_count = table->output_count;
    for (unsigned k = 0; k < table->output_count; k++) {
        outputs[k] = add_tensor(l, generated_name(l), &shape, forms[k], ROLE_WITNESS,
                                output_range(l, &relation, k), NULL);
        relation.outputs[k] = outputs[k];
    }
    add_relation(l, &relation);
}

uint32_t lowering_read(struct lowering *l, uint32_t memory, uint32_t index)
{
    struct shape space = lowering_shape(l, index), inner = lowering_shape(l, memory), shape = space;
    for (unsigned d = 1; d < inner.rank; d++) {
        if (shape.rank == TENSOR_RANK_MAX)
            lowering_fail(l, STATUS_LIMIT, "the result has more than %d dimensions",
                          TENSOR_RANK_MAX);
        shape.dim[shape.rank++] = inner.dim[d];
    }
    struct relation relation = relation_in(l, RELATION_READ, &space);
    relation.memory = memory;
    relation.views[0] = lowering_view(l, index, &space);
    relation.view_count = 1;
    return add_computed(l, &relation, &shape, lowering_form(l, memory));
}

uint32_t lowering_hint(struct lowering *l, enum relation_hint hint, int64_t argument,
                       const struct shape *space, const struct relation_view *views,
                       unsigned view_count, const struct shape *shape, struct range range)
{
    struct relation relation = relation_in(l, RELATION_HINT, space);
    relation.hint = hint;
    relation.argument = argument;
    for (unsigned v = 0; v < view_count; v++)
        relation.views[v] = views[v];
    relation.view_count = (uint8_t)view_count;
    relation.output_count = 1;
    relation.outputs[0] =
        add_tensor(l, generated_name(l), shape, form_integer(), ROLE_WITNESS, range, NULL);
    add_relation(l, &relation);
    return relation.outputs[0];
}

/* ---- small compositions ---- */

/* A copy of x through one view, in x's form. */
static uint32_t copy_through(struct lowering *l, uint32_t x, const struct shape *shape,
                             struct relation_view view)
{
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, shape, lowering_form(l, x), &term, 1, wide_from_i64(0));
}

uint32_t lowering_reshape(struct lowering *l, uint32_t x, const struct shape *shape)
{
    struct shape own = lowering_shape(l, x);
    if (shape_equal(&own, shape))
        return x;
    ASSERT(shape_elements(&own) == shape_elements(shape));
    struct relation_view view = {.tensor = x};
    int64_t stride = 1;
    for (unsigned d = shape->rank; d-- > 0;) {
        view.high[d] = shape->dim[d];
        view.stride[d] = stride;
        stride *= shape->dim[d];
    }
    return copy_through(l, x, shape, view);
}

uint32_t lowering_pick(struct lowering *l, uint32_t x, const struct shape *shape,
                       const int64_t *list)
{
    struct relation_view view = {.tensor = x, .index_list = list};
    return copy_through(l, x, shape, view);
}

uint32_t lowering_expand(struct lowering *l, uint32_t x, const struct shape *shape)
{
    struct shape own = lowering_shape(l, x);
    return shape_equal(&own, shape) ? x : copy_through(l, x, shape, lowering_view(l, x, shape));
}

uint32_t lowering_retag(struct lowering *l, uint32_t x, struct form form)
{
    struct shape shape = lowering_shape(l, x);
    struct relation_term term = lowering_term(l, 1, x, &shape);
    return lowering_linear(l, &shape, form, &term, 1, wide_from_i64(0));
}

uint32_t lowering_in_units(struct lowering *l, uint32_t x, int32_t fraction)
{
    return lowering_retag(l, x, form_fixed(fraction));
}

uint32_t lowering_times(struct lowering *l, uint32_t a, uint32_t b)
{
    struct shape shape = lowering_shape(l, b);
    struct relation_term term = lowering_term_product(l, 1, a, b, &shape);
    return lowering_product(l, &shape,
                            form_fixed(lowering_fraction(l, a) + lowering_fraction(l, b)), &term, 1,
                            wide_from_i64(0));
}

uint32_t lowering_affine(struct lowering *l, int64_t coefficient, uint32_t x, wide constant)
{
    struct shape shape = lowering_shape(l, x);
    struct relation_term term = lowering_term(l, coefficient, x, &shape);
    return lowering_linear(l, &shape, lowering_form(l, x), &term, 1, constant);
}

static uint32_t find_rescaled(const struct lowering *l, uint32_t x, int32_t fraction)
{
    for (size_t i = l->rescaled_count; i-- > 0;) {
        if (l->rescaled[i].source == x && l->rescaled[i].fraction == fraction)
            return l->rescaled[i].result;
    }
    return RELATION_NONE;
}

uint32_t lowering_known_rounding(const struct lowering *l, uint32_t x, int32_t least, int32_t most)
{
    uint32_t found = RELATION_NONE;
    most = most < lowering_fraction(l, x) ? most : lowering_fraction(l, x) - 1;
    for (size_t i = 0; i < l->rescaled_count; i++) {
        if (l->rescaled[i].source != x || l->rescaled[i].fraction < least ||
            l->rescaled[i].fraction > most)
            continue;
        found = l->rescaled[i].result;
        most = l->rescaled[i].fraction - 1;
    }
    return found;
}

uint32_t lowering_to_fraction(struct lowering *l, uint32_t x, int32_t fraction)
{
    int32_t own = lowering_fraction(l, x);
    if (own == fraction)
        return x;
    ASSERT(!form_is_float(lowering_form(l, x)));
    uint32_t result = find_rescaled(l, x, fraction);
    if (result != RELATION_NONE)
        return result;
    struct shape shape = lowering_shape(l, x);
    int32_t gap = fraction > own ? fraction - own : own - fraction;
    if (gap > 250)
        lowering_fail(l, STATUS_LIMIT, "two numbers that meet differ by %d bits in their scales",
                      gap);
    wide power = lowering_power_of_two(l, (unsigned)gap);
    if (fraction > own) {
        struct relation_term term = lowering_term_wide(l, power, x, &shape);
        result = lowering_linear(l, &shape, form_fixed(fraction), &term, 1, wide_from_i64(0));
    } else {
        result = lowering_rescale(l, x, power, ROUND_HALF_UP, form_fixed(fraction), NULL, NULL);
        lowering_state_function(l, result, x, 1, ldexp(0.5, -fraction));
        lowering_limit(l, result, bound_add(lowering_most(l, x), ldexp(0.5, -fraction)),
                       lowering_ideal(l, x));
        /* To nearest, half up: floor(x + 1 / 2) is no less than that of the least. */
        double least = floor(ldexp(lowering_least(l, x), fraction) + 0.5);
        if (fabs(least) < 0x1p52)
            lowering_assure(l, result, ldexp(least, -fraction));
    }
    void *array = l->rescaled;
    lowering_grow(l, &array, &l->rescaled_capacity, l->rescaled_count + 1, sizeof *l->rescaled);
    l->rescaled = array;
    l->rescaled[l->rescaled_count++] = (struct rescaled){x, result, fraction};
    return result;
}

uint32_t lowering_divide_by_count(struct lowering *l, uint32_t x, int64_t count)
{
    enum { RECIPROCAL_BITS = 40 };
    struct shape shape = lowering_shape(l, x);
    int32_t fraction = lowering_fraction(l, x), bits = 0;
    while ((int64_t)1 << bits < count)
        bits++;
    wide coefficient = wide_from_i64(1);
    if ((int64_t)1 << bits != count) {
        bits += RECIPROCAL_BITS;
        coefficient = lowering_real(l, 1.0 / (double)count, bits);
    }
    struct relation_term term = lowering_term_wide(l, coefficient, x, &shape);
    uint32_t y =
        lowering_linear(l, &shape, form_fixed(fraction + bits), &term, 1, wide_from_i64(0));
    /* The reciprocal has half a unit, and less than 2^-11 of one from float64. */
    if ((int64_t)1 << bits != count)
        lowering_widen_error(l, y, bound_mul(0.501, lowering_ideal_most(l, x)));
    return y;
}

uint32_t lowering_trim(struct lowering *l, uint32_t x, int32_t fraction, int32_t slack)
{
    return lowering_fraction(l, x) - fraction >= slack ? lowering_to_fraction(l, x, fraction) : x;
}
