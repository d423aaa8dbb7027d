/* If, Loop, Scan (ONNX opset 25): bodies run in frames of their own. See graph_interpret.h. */
#include "ir/graph_interpret_run.h"
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>
#include <string.h>

/* Types and shapes of a body's results come with the run; see graph_infer_node. */
enum status infer_body(struct infer_call *call)
{
    for (size_t i = 0; i < call->out_count; i++)
        infer_result(call, i, ELEMENT_UNDEFINED, NULL);
    return STATUS_OK;
}

static enum status body_of(struct kernel_call *call, const char *name, const struct graph **body)
{
    const struct graph_attribute *attribute = graph_attribute(call->node, name);
    if (attribute == NULL || attribute->kind != ATTRIBUTE_GRAPH || attribute->graph == NULL)
        return kernel_fail(call, STATUS_BAD_INPUT, "the node has no %s", name);
    *body = attribute->graph;
    return STATUS_OK;
}

/* Runs a body once: in [input_count], out [output_count]. */
static enum status run_body(struct kernel_call *call, const struct graph *body,
                            const struct tensor *const *in, const struct tensor **out)
{
    struct tensor **item;
    enum status status = interpret_items(&item, body, call->arena, call->diag);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < body->input_count; i++)
        item[body->inputs[i]] = (struct tensor *)in[i];
    struct interpret_frame frame = {.graph = body, .item = item, .outer = call->frame};
    status = interpret_frame_run(&frame, call->arena, call->diag);
    for (size_t i = 0; status == STATUS_OK && i < body->output_count; i++) {
        out[i] = interpret_value(&frame, body->outputs[i]);
        if (out[i] == NULL)
            return kernel_fail(call, STATUS_BAD_INPUT, "output %zu of the body is not computed", i);
    }
    return status;
}

static enum status condition_of(struct kernel_call *call, const struct tensor *tensor, bool *out)
{
    if (tensor->type != ELEMENT_BOOL || tensor->count != 1)
        return kernel_fail(call, STATUS_BAD_INPUT, "the condition must be one bool");
    *out = tensor->data.integer[0] != 0;
    return STATUS_OK;
}

enum status run_if(struct kernel_call *call)
{
    const struct graph *body;
    bool condition = false;
    enum status status = condition_of(call, call->in[0], &condition);
    if (status == STATUS_OK)
        status = body_of(call, condition ? "then_branch" : "else_branch", &body);
    if (status != STATUS_OK)
        return status;
    if (body->output_count != call->out_count)
        return kernel_fail(call, STATUS_BAD_INPUT, "a branch has %zu outputs, the node %zu",
                           body->output_count, call->out_count);
    const struct tensor **out =
        kernel_alloc(call->arena, body->output_count, sizeof *out, call->diag);
    if (out == NULL)
        return STATUS_NO_MEMORY;
    status = run_body(call, body, NULL, out);
    for (size_t i = 0; status == STATUS_OK && i < call->out_count; i++)
        call->out[i] = (struct tensor *)out[i];
    return status;
}

/* The slices of one scan output, in the order of the turns. */
struct slices {
    const struct tensor **turn;
    size_t count, capacity;
};

static enum status add_slice(struct kernel_call *call, struct slices *slices,
                             const struct tensor *slice)
{
    if (slices->count == slices->capacity) {
        size_t capacity = slices->capacity == 0 ? 8 : 2 * slices->capacity;
        const struct tensor **grown =
            kernel_alloc(call->arena, capacity, sizeof *grown, call->diag);
        if (grown == NULL)
            return STATUS_NO_MEMORY;
        if (slices->count > 0)
            memcpy(grown, slices->turn, slices->count * sizeof *grown);
        slices->turn = grown;
        slices->capacity = capacity;
    }
    if (slices->count > 0 && (slice->type != slices->turn[0]->type ||
                              !shape_equal(&slice->shape, &slices->turn[0]->shape)))
        return kernel_fail(call, STATUS_BAD_INPUT, "a scan output changes its shape between turns");
    slices->turn[slices->count++] = slice;
    return STATUS_OK;
}

/* Stacks the slices along a new axis, with zeros up to `room`. like: declared value, for a body
 * that never ran. */
static enum status stack_slices(struct kernel_call *call, const struct slices *slices, int64_t room,
                                int64_t axis, bool backwards, const struct graph_value *like,
                                struct tensor **out)
{
    struct shape shape = slices->count > 0 ? slices->turn[0]->shape : like->shape;
    enum element_type type = slices->count > 0 ? slices->turn[0]->type : like->type;
    if (slices->count == 0 && (type == ELEMENT_UNDEFINED || !like->shape_known))
        return kernel_fail(call, STATUS_UNSUPPORTED, "the body never ran, its result has no shape");
    unsigned at;
    enum status status = normalize_axis(call->diag, axis, shape.rank + 1u, &at);
    if (status != STATUS_OK)
        return status;
    if (shape.rank == TENSOR_RANK_MAX)
        return kernel_fail(call, STATUS_LIMIT, "more than %d dimensions", TENSOR_RANK_MAX);
    for (unsigned i = shape.rank++; i > at; i--)
        shape.dim[i] = shape.dim[i - 1];
    shape.dim[at] = room > (int64_t)slices->count ? room : (int64_t)slices->count;
    *out = tensor_new(call->arena, type, &shape);
    if (*out == NULL)
        return arena_failure(call->arena, 0, "a scan output", call->diag);
    struct axis_view view = axis_view_of(&shape, at);
    for (size_t t = 0; t < slices->count; t++) {
        const struct tensor *slice = slices->turn[backwards ? slices->count - 1 - t : t];
        for (size_t outer = 0; outer < view.outer; outer++)
            memcpy((*out)->data.integer + (outer * view.length + t) * view.inner,
                   slice->data.integer + outer * view.inner, view.inner * sizeof(int64_t));
    }
    return STATUS_OK;
}

static struct tensor *scalar_of(struct kernel_call *call, enum element_type type, int64_t value)
{
    struct tensor *tensor = tensor_new(call->arena, type, &(struct shape){0});
    if (tensor == NULL)
        arena_failure(call->arena, 8, "a loop counter", call->diag);
    else
        tensor->data.integer[0] = value;
    return tensor;
}

struct loop {
    const struct graph *body;
    size_t carried, scans;
    const struct tensor **in, **out;
    struct slices *scan;
    struct room room; /* of rounds, when the number is one more output */
};

static enum status loop_begin(struct kernel_call *call, struct loop *loop)
{
    enum status status = body_of(call, "body", &loop->body);
    if (status != STATUS_OK)
        return status;
    loop->carried = call->in_count - 2;
    size_t ins = loop->body->input_count, outs = loop->body->output_count;
    loop->room = room_of(call->node);
    if (ins != loop->carried + 2 || outs < loop->carried + 1 ||
        call->out_count > outs - 1 + loop->room.is_given)
        return kernel_fail(call, STATUS_BAD_INPUT, "the body's values do not fit the node");
    loop->scans = outs - 1 - loop->carried;
    loop->in = kernel_alloc(call->arena, ins, sizeof *loop->in, call->diag);
    loop->out = kernel_alloc(call->arena, outs, sizeof *loop->out, call->diag);
    loop->scan = kernel_alloc(call->arena, loop->scans, sizeof *loop->scan, call->diag);
    if (loop->in == NULL || loop->out == NULL || loop->scan == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < loop->carried; i++)
        loop->in[2 + i] = call->in[2 + i];
    return STATUS_OK;
}

static enum status loop_turn(struct kernel_call *call, struct loop *loop, int64_t turn, bool *more)
{
    loop->in[0] = scalar_of(call, ELEMENT_I64, turn);
    if (loop->in[0] == NULL)
        return STATUS_NO_MEMORY;
    enum status status = run_body(call, loop->body, loop->in, loop->out);
    if (status == STATUS_OK)
        status = condition_of(call, loop->out[0], more);
    loop->in[1] = loop->out[0];
    for (size_t i = 0; i < loop->carried; i++)
        loop->in[2 + i] = loop->out[1 + i];
    for (size_t i = 0; status == STATUS_OK && i < loop->scans; i++)
        status = add_slice(call, &loop->scan[i], loop->out[1 + loop->carried + i]);
    return status;
}

enum status run_loop(struct kernel_call *call)
{
    struct loop loop = {0};
    bool more = true;
    int64_t turns = INT64_MAX;
    enum status status = loop_begin(call, &loop);
    if (status == STATUS_OK && call->in[0] != NULL)
        status = scalar_integer(call->diag, call->in[0], "the number of turns", &turns);
    if (status == STATUS_OK && call->in[1] != NULL)
        status = condition_of(call, call->in[1], &more);
    if (status != STATUS_OK)
        return status;
    loop.in[1] = call->in[1] != NULL ? call->in[1] : scalar_of(call, ELEMENT_BOOL, 1);
    if (loop.in[1] == NULL)
        return STATUS_NO_MEMORY;
    int64_t turn = 0;
    for (; status == STATUS_OK && more && turn < turns; turn++)
        status = loop.room.is_given && turn >= loop.room.count
                     ? kernel_fail(call, STATUS_BAD_INPUT,
                                   "it runs more often than the %" PRId64
                                   " times that the model was compiled for",
                                   loop.room.count)
                     : loop_turn(call, &loop, turn, &more);
    for (size_t i = 0; status == STATUS_OK && i < call->out_count; i++) {
        if (i < loop.carried)
            call->out[i] = (struct tensor *)loop.in[2 + i];
        else if (i == loop.carried + loop.scans)
            call->out[i] = scalar_of(call, ELEMENT_I64, turn);
        else if (call->node->outputs[i] != GRAPH_NONE)
            status = stack_slices(call, &loop.scan[i - loop.carried],
                                  loop.room.is_given ? loop.room.count : 0, 0, false,
                                  &loop.body->values[loop.body->outputs[1 + i]], &call->out[i]);
    }
    return status;
}

/* --- Scan
 * ---------------------------------------------------------------------------------------------- */

/* Entry i of an optional list attribute; zero when it is not written. */
static int64_t list_entry(const struct graph_node *node, const char *name, size_t i)
{
    const struct graph_attribute *list = graph_attribute(node, name);
    return list != NULL && list->kind == ATTRIBUTE_INTS && i < list->count ? list->integers[i] : 0;
}

/* Element `index` of a tensor along an axis, without that axis. */
static enum status take_slice(struct kernel_call *call, const struct tensor *from, unsigned axis,
                              size_t index, const struct tensor **out)
{
    struct shape shape = reduced_shape(&from->shape, 1u << axis, false);
    struct tensor *slice = tensor_new(call->arena, from->type, &shape);
    if (slice == NULL)
        return arena_failure(call->arena, 0, "a scan slice", call->diag);
    struct axis_view view = axis_view_of(&from->shape, axis);
    for (size_t outer = 0; outer < view.outer; outer++)
        memcpy(slice->data.integer + outer * view.inner,
               from->data.integer + (outer * view.length + index) * view.inner,
               view.inner * sizeof(int64_t));
    *out = slice;
    return STATUS_OK;
}

struct scan {
    const struct graph *body;
    size_t states, scans;
    const struct tensor **in, **out;
    struct slices *gathered;
    unsigned *axis; /* of each scan input */
    size_t turns;
};

static enum status scan_begin(struct kernel_call *call, struct scan *scan)
{
    enum status status = body_of(call, "body", &scan->body);
    int64_t ins = graph_attribute_int(call->node, "num_scan_inputs", 0);
    if (status != STATUS_OK)
        return status;
    if (ins <= 0 || (size_t)ins > call->in_count || scan->body->input_count != call->in_count ||
        scan->body->output_count != call->out_count ||
        call->out_count + (size_t)ins < call->in_count)
        return kernel_fail(call, STATUS_BAD_INPUT, "the body's values do not fit the node");
    for (size_t i = 0; i < call->in_count; i++)
        if (call->in[i] == NULL)
            return kernel_fail(call, STATUS_BAD_INPUT, "operand %zu is missing", i);
    scan->states = call->in_count - (size_t)ins;
    scan->scans = call->out_count - scan->states;
    scan->in = kernel_alloc(call->arena, call->in_count, sizeof *scan->in, call->diag);
    scan->out = kernel_alloc(call->arena, call->out_count, sizeof *scan->out, call->diag);
    scan->gathered = kernel_alloc(call->arena, scan->scans, sizeof *scan->gathered, call->diag);
    scan->axis = kernel_alloc(call->arena, (size_t)ins, sizeof *scan->axis, call->diag);
    if (scan->in == NULL || scan->out == NULL || scan->gathered == NULL || scan->axis == NULL)
        return STATUS_NO_MEMORY;
    for (size_t k = 0; k < (size_t)ins; k++) {
        const struct shape *shape = &call->in[scan->states + k]->shape;
        status = normalize_axis(call->diag, list_entry(call->node, "scan_input_axes", k),
                                shape->rank, &scan->axis[k]);
        if (status != STATUS_OK)
            return status;
        size_t turns = (size_t)shape->dim[scan->axis[k]];
        if (k > 0 && turns != scan->turns)
            return kernel_fail(call, STATUS_BAD_INPUT, "the scan inputs differ in length");
        scan->turns = turns;
    }
    return STATUS_OK;
}

static enum status scan_turn(struct kernel_call *call, struct scan *scan, size_t turn)
{
    enum status status = STATUS_OK;
    for (size_t k = 0; status == STATUS_OK && k < call->in_count - scan->states; k++) {
        bool backwards = list_entry(call->node, "scan_input_directions", k) != 0;
        status = take_slice(call, call->in[scan->states + k], scan->axis[k],
                            backwards ? scan->turns - 1 - turn : turn, &scan->in[scan->states + k]);
    }
    if (status == STATUS_OK)
        status = run_body(call, scan->body, scan->in, scan->out);
    if (status == STATUS_OK)
        memcpy(scan->in, scan->out, scan->states * sizeof *scan->in);
    for (size_t i = 0; status == STATUS_OK && i < scan->scans; i++)
        status = add_slice(call, &scan->gathered[i], scan->out[scan->states + i]);
    return status;
}

enum status run_scan(struct kernel_call *call)
{
    struct scan scan = {0};
    enum status status = scan_begin(call, &scan);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < scan.states; i++)
        scan.in[i] = call->in[i];
    for (size_t turn = 0; status == STATUS_OK && turn < scan.turns; turn++)
        status = scan_turn(call, &scan, turn);
    for (size_t i = 0; status == STATUS_OK && i < call->out_count; i++) {
        size_t k = i - scan.states;
        if (i < scan.states)
            call->out[i] = (struct tensor *)scan.in[i];
        else if (call->node->outputs[i] != GRAPH_NONE)
            status = stack_slices(call, &scan.gathered[k], 0,
                                  list_entry(call->node, "scan_output_axes", k),
                                  list_entry(call->node, "scan_output_directions", k) != 0,
                                  &scan.body->values[scan.body->outputs[i]], &call->out[i]);
    }
    return status;
}
