/*
 * Lowering of operators that move elements without changing them.
 *
 * One rule for all whose pattern is known at compile time: the operator is run by
 * ir/graph_interpret_node on tensors whose elements are their own positions, and what comes out is
 * the list of source elements. Copies cost a prover nothing.
 */
#include <string.h>

#include "ir/graph_interpret.h"
#include "passes/find_masks.h"
#include "passes/lower_internal.h"

/*
 * Operand i for an operator that moves it: NaN goes along where the result may hold it.
 */
static uint32_t moved_input(struct lowering *l, size_t i)
{
    const struct value_plan *first = lowering_has_output(l, 0) ? lowering_output_plan(l, 0) : NULL;
    if (first != NULL && first->is_key)
        return lowering_key(l, i, first->key_bits);
    bool keeps_nan = false;
    for (size_t k = 0; k < l->node->output_count; k++)
        keeps_nan |= lowering_has_output(l, k) && lowering_output_plan(l, k)->takes_nan;
    return keeps_nan ? lowering_input_or_nan(l, i) : lowering_input(l, i);
}

void lower_identity(struct lowering *l)
{
    if (lowering_data(l, 0) != NULL && lowering_output_plan(l, 0)->is_output) {
        lowering_output(l, 0, lowering_stored_output(l, lowering_value(l, 0)));
        lowering_mark_absent(l, 0, lowering_absent(l, 0));
        return;
    }
    lowering_output(l, 0, moved_input(l, 0));
    lowering_mark_absent(l, 0, lowering_absent(l, 0));
}

static struct tensor *new_positions(struct lowering *l, struct arena *arena,
                                    const struct shape *shape, int64_t first)
{
    struct tensor *positions = tensor_new(arena, ELEMENT_I64, shape);
    if (positions == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory to follow elements");
    for (size_t e = 0; e < positions->count; e++)
        positions->data.integer[e] = first + (int64_t)e;
    return positions;
}

/*
 * Positions first, first + 1, ... in the shape of operand i. Those of a long sequence are kept:
 * each round of a loop takes its slice of it, and to count it again each time would take a time
 * that grows with the square of the rounds.
 */
static const struct tensor *positions_of(struct lowering *l, size_t i, int64_t first)
{
    enum { LONG = 256 };
    const struct shape *shape = &lowering_graph_value(l, i)->shape;
    if (first != 1 || shape_elements(shape) < LONG)
        return new_positions(l, &l->scratch, shape, first);
    if (l->positions == NULL || !shape_equal(&l->positions->shape, shape)) {
        l->positions = NULL;
        arena_release(&l->counted);
        l->positions = new_positions(l, &l->counted, shape, first);
    }
    return l->positions;
}

/*
 * Runs the node with operands [0, moved) replaced by positions, counted on from one operand to the
 * next; 0 stands for what the operator itself puts in. out: [output_count].
 */
static void run_on_positions(struct lowering *l, size_t moved, struct tensor **out)
{
    const struct graph_node *node = l->node;
    const struct tensor **in = lowering_array(l, const struct tensor *, node->input_count);
    int64_t first = 1;
    for (size_t i = 0; i < node->input_count; i++) {
        if (!lowering_has_input(l, i))
            continue;
        if (i < moved) {
            in[i] = positions_of(l, i, first);
            first += (int64_t)in[i]->count;
        } else {
            in[i] = lowering_known(l, i);
        }
    }
    enum status status = graph_interpret_node(l->graph, node, in, out, NULL, &l->scratch, l->diag);
    if (status != STATUS_OK) {
        l->status = status;
        longjmp(*l->escape, 1);
    }
}

/* List of elements of one operand among positions that start at first; -1 elsewhere. Returns how
 * many there are. */
static size_t select_positions(struct lowering *l, const struct tensor *positions, int64_t first,
                               size_t count, int64_t **list)
{
    size_t found = 0;
    *list = arena_array(&l->scratch, int64_t, positions->count);
    if (*list == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory to follow elements");
    for (size_t e = 0; e < positions->count; e++) {
        int64_t at = positions->data.integer[e] - first;
        bool is_here = at >= 0 && at < (int64_t)count;
        (*list)[e] = is_here ? at : -1;
        found += is_here;
    }
    return found;
}

/* Operands brought to one form: the largest fraction among them. */
static struct form common_form(struct lowering *l, size_t moved)
{
    struct form form = lowering_form(l, moved_input(l, 0));
    for (size_t i = 1; i < moved; i++) {
        struct form other = lowering_form(l, moved_input(l, i));
        if (form_is_float(other) != form_is_float(form))
            lowering_fail(l, STATUS_UNSUPPORTED,
                          "IEEE patterns and fixed-point numbers meet in one tensor");
        if (other.fraction > form.fraction)
            form = other;
    }
    return form;
}

/* The elements of tensors of one form, one after the other. */
static uint32_t join(struct lowering *l, const uint32_t *x, size_t count, struct form form)
{
    struct relation_term *terms = lowering_array(l, struct relation_term, count);
    int64_t first = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t next = first + (int64_t)lowering_tensor(l, x[i])->count;
        terms[i] = lowering_term_view(
            wide_from_i64(1),
            (struct relation_view){
                .tensor = x[i], .offset = -first, .stride = {1}, .low = {first}, .high = {next}});
        first = next;
    }
    struct shape shape = shape_of(1, first);
    return lowering_moved(l, &shape, form, terms, count);
}

/*
 * Joins operands a few at a time until few are left, and returns how many. A relation says of each
 * operand which element of it stands where: to put the rounds of a long loop on a stack at once
 * would take a time that grows with their square.
 */
static size_t join_operands(struct lowering *l, uint32_t *x, size_t count, struct form form)
{
    enum { TOGETHER = 16 };
    while (count > TOGETHER) {
        size_t joined = 0;
        for (size_t i = 0; i < count; i += TOGETHER) {
            size_t group = count - i < TOGETHER ? count - i : TOGETHER;
            x[joined++] = join(l, &x[i], group, form);
        }
        count = joined;
    }
    return count;
}

static bool has_absent(struct lowering *l, size_t moved)
{
    for (size_t i = 0; i < moved; i++) {
        if (lowering_absent(l, i) != RELATION_NONE)
            return true;
    }
    return false;
}

static void move_output(struct lowering *l, size_t output, const struct tensor *positions,
                        size_t moved, struct form form)
{
    enum { MANY = 64 };
    uint32_t *x = lowering_array(l, uint32_t, moved);
    for (size_t i = 0; i < moved; i++) {
        x[i] = moved_input(l, i);
        if (!form_is_float(form))
            x[i] = lowering_to_fraction(l, x[i], form.fraction);
    }
    size_t parts = moved > MANY && !has_absent(l, moved) ? join_operands(l, x, moved, form) : moved;
    struct relation_term *terms = lowering_array(l, struct relation_term, parts);
    int64_t **lists = lowering_array(l, int64_t *, parts);
    size_t term_count = 0;
    int64_t first = 1;
    for (size_t i = 0; i < parts; i++) {
        size_t count = lowering_tensor(l, x[i])->count;
        if (select_positions(l, positions, first, count, &lists[i]) > 0)
            terms[term_count++] = lowering_term_view(
                wide_from_i64(1), (struct relation_view){.tensor = x[i], .index_list = lists[i]});
        first += (int64_t)count;
    }
    lowering_output(l, output, lowering_moved(l, &positions->shape, form, terms, term_count));
    if (parts == moved)
        lowering_move_absent(l, output, &positions->shape, moved, lists, NULL);
}

static void move_elements(struct lowering *l, size_t moved)
{
    struct tensor **out = lowering_array(l, struct tensor *, l->node->output_count);
    run_on_positions(l, moved, out);
    struct form form = common_form(l, moved);
    for (size_t k = 0; k < l->node->output_count; k++) {
        if (lowering_has_output(l, k))
            move_output(l, k, out[k], moved, form);
    }
}

/* (data, operands known at compile time...). */
void lower_movement(struct lowering *l)
{
    move_elements(l, 1);
}

/* Concat: every operand is moved. */
void lower_concat(struct lowering *l)
{
    move_elements(l, l->node->input_count);
}

/* The same elements in the same order under another shape. */
void lower_reshape(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    lowering_output(l, 0, lowering_reshape(l, moved_input(l, 0), &shape));
    lowering_mark_absent(l, 0, lowering_absent(l, 0));
}

/* Element of operand 0 that stands at each place of the padded shape; -1 where the pad is. */
static int64_t *padded_places(struct lowering *l, struct shape *shape)
{
    struct graph_node *copy = lowering_array(l, struct graph_node, 1);
    const struct graph_node *node = l->node;
    struct tensor *out = NULL;
    int64_t *list;
    *copy = *node;
    copy->inputs = lowering_array(l, uint32_t, node->input_count);
    memcpy(copy->inputs, node->inputs, node->input_count * sizeof *copy->inputs);
    copy->inputs[2] = GRAPH_NONE;
    l->node = copy;
    run_on_positions(l, 1, &out);
    l->node = node;
    *shape = out->shape;
    struct shape own = lowering_graph_value(l, 0)->shape;
    select_positions(l, out, 1, shape_elements(&own), &list);
    return list;
}

/* The value of a pad, [1], in the form of x. */
static uint32_t pad_value(struct lowering *l, uint32_t *x, bool *is_zero, bool *fills_mask)
{
    const struct tensor *known = lowering_is_parameter(l, 2) ? NULL : lowering_data(l, 2);
    struct shape one = shape_of(1, (int64_t)1);
    if (known != NULL) {
        double fill = element_type_is_float(known->type) ? known->data.real[0]
                                                         : (double)known->data.integer[0];
        *fills_mask = lowering_output_plan(l, 0)->takes_mask && fill <= MASK_NUMBER;
        *is_zero = fill == 0 || *fills_mask;
        return lowering_number_beside(l, x, *is_zero ? 0 : fill);
    }
    uint32_t value = lowering_input(l, 2);
    int32_t own = lowering_fraction(l, *x), other = lowering_fraction(l, value);
    *x = lowering_to_fraction(l, *x, own < other ? other : own);
    value = lowering_to_fraction(l, value, own < other ? other : own);
    return lowering_reshape(l, value, &one);
}

/* Pad with a value of its own, which is put where nothing is moved. */
void lower_pad(struct lowering *l)
{
    if (!lowering_has_input(l, 2)) {
        lower_movement(l);
        return;
    }
    struct shape shape;
    bool is_zero = false, fills_mask = false, fills = false;
    int64_t *list = padded_places(l, &shape);
    size_t count = shape_elements(&shape);
    int64_t *filled = lowering_array(l, int64_t, count);
    for (size_t e = 0; e < count; e++) {
        filled[e] = list[e] < 0 ? 0 : -1;
        fills |= list[e] < 0;
    }
    /* A value that is put nowhere may be anything. */
    uint32_t x = lowering_input(l, 0);
    uint32_t value = fills ? pad_value(l, &x, &is_zero, &fills_mask) : RELATION_NONE;
    struct relation_term terms[2] = {
        lowering_term_view(wide_from_i64(1),
                           (struct relation_view){.tensor = x, .index_list = list}),
        lowering_term_view(wide_from_i64(1),
                           (struct relation_view){.tensor = value, .index_list = filled})};
    lowering_output(
        l, 0, lowering_moved(l, &shape, lowering_form(l, x), terms, is_zero || !fills ? 1 : 2));
    if (lowering_output_plan(l, 0)->takes_mask)
        lowering_move_absent(l, 0, &shape, 1, &list, fills_mask ? filled : NULL);
}
