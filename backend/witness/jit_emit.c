/*
 * See jit_emit.h. Variables (the accumulator, the mark of a bad value) are written as stack slots,
 * which the passes of jit.c turn into registers.
 */
#include "backend/witness/jit_emit.h"

#ifdef SERTN_HAVE_LLVM

#include "ir/relation_interpret.h"

/* An open loop. */
struct loop {
    LLVMBasicBlockRef body;
    LLVMValueRef index, end;
};

/* Where a tensor's values begin, found once before the loops. */
struct base {
    uint32_t tensor;
    LLVMValueRef pointer;
};

struct emit {
    const struct jit_llvm *l;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef b;
    LLVMTypeRef i1, i64, type; /* type: integers of plan->bits */
    LLVMValueRef function, bad;
    const struct relation_program *program;
    const struct relation *relation;
    const struct jit_plan *plan;
    struct loop loop[RELATION_RANK_MAX + 1]; /* a row that is read is a loop more */
    unsigned depth;                          /* open loops */
    struct base base[JIT_VIEWS_MAX + TABLE_OUTPUT_MAX + 1];
    size_t base_count;
};

/* ---- numbers ---- */

static LLVMValueRef number(const struct emit *e, int64_t value)
{
    return e->l->LLVMConstInt(e->i64, (uint64_t)value, true);
}

static LLVMValueRef wide_number(const struct emit *e, wide value)
{
    return e->l->LLVMConstIntOfArbitraryPrecision(e->type, e->plan->bits / 64, value.limb);
}

static LLVMValueRef small_number(const struct emit *e, int64_t value)
{
    return wide_number(e, wide_from_i64(value));
}

/* From int64 to the plan's integers. */
static LLVMValueRef widen(const struct emit *e, LLVMValueRef value)
{
    return e->plan->bits == 64 ? value : e->l->LLVMBuildSExt(e->b, value, e->type, "");
}

static LLVMValueRef variable(const struct emit *e, LLVMTypeRef type)
{
    return e->l->LLVMBuildAlloca(e->b, type, "");
}

static LLVMValueRef get(const struct emit *e, LLVMTypeRef type, LLVMValueRef variable)
{
    return e->l->LLVMBuildLoad2(e->b, type, variable, "");
}

static void set(const struct emit *e, LLVMValueRef variable, LLVMValueRef value)
{
    e->l->LLVMBuildStore(e->b, value, variable);
}

static LLVMValueRef compare(const struct emit *e, LLVMIntPredicate predicate, LLVMValueRef a,
                            LLVMValueRef b)
{
    return e->l->LLVMBuildICmp(e->b, predicate, a, b, "");
}

static LLVMValueRef both(const struct emit *e, LLVMValueRef a, LLVMValueRef b)
{
    return a == NULL ? b : b == NULL ? a : e->l->LLVMBuildAnd(e->b, a, b, "");
}

/* Remembers that a value is bad where the condition holds. */
static void mark_bad(const struct emit *e, LLVMValueRef condition)
{
    LLVMValueRef mark = e->l->LLVMBuildZExt(e->b, condition, e->i64, "");
    set(e, e->bad, e->l->LLVMBuildOr(e->b, get(e, e->i64, e->bad), mark, ""));
}

/* ---- loops ---- */

static void open_loop(struct emit *e, LLVMValueRef begin, LLVMValueRef end)
{
    struct loop *loop = &e->loop[e->depth++];
    LLVMBasicBlockRef before = e->l->LLVMGetInsertBlock(e->b);
    loop->body = e->l->LLVMAppendBasicBlockInContext(e->context, e->function, "");
    loop->end = end;
    e->l->LLVMBuildBr(e->b, loop->body);
    e->l->LLVMPositionBuilderAtEnd(e->b, loop->body);
    loop->index = e->l->LLVMBuildPhi(e->b, e->i64, "");
    e->l->LLVMAddIncoming(loop->index, &begin, &before, 1);
}

/* Every loop runs at least once. */
static void close_loop(struct emit *e)
{
    struct loop *loop = &e->loop[--e->depth];
    LLVMBasicBlockRef latch = e->l->LLVMGetInsertBlock(e->b);
    LLVMBasicBlockRef after = e->l->LLVMAppendBasicBlockInContext(e->context, e->function, "");
    LLVMValueRef next = e->l->LLVMBuildNSWAdd(e->b, loop->index, number(e, 1), "");
    e->l->LLVMAddIncoming(loop->index, &next, &latch, 1);
    e->l->LLVMBuildCondBr(e->b, compare(e, LLVMIntSLT, next, loop->end), loop->body, after);
    e->l->LLVMPositionBuilderAtEnd(e->b, after);
}

/* Opens the loops first .. last - 1 of the plan; the outermost runs over the arguments. */
static void open_loops(struct emit *e, unsigned first, unsigned last)
{
    for (unsigned d = first; d < last; d++) {
        if (d == 0 && e->plan->inner > 0)
            open_loop(e, e->l->LLVMGetParam(e->function, 2), e->l->LLVMGetParam(e->function, 3));
        else
            open_loop(e, number(e, 0), number(e, e->plan->count[d]));
    }
}

static void close_loops(struct emit *e, unsigned depth)
{
    while (e->depth > depth)
        close_loop(e);
}

/* ---- memory ---- */

/* Where a view stands within the open loops; *is_there is NULL when it always has an element. */
static LLVMValueRef view_position(const struct emit *e, const struct jit_view *view,
                                  LLVMValueRef *is_there)
{
    LLVMValueRef at = number(e, view->offset), there = NULL;
    for (unsigned d = 0; d < e->depth; d++) {
        LLVMValueRef index = e->loop[d].index;
        if (view->is_bounded[d]) {
            if (view->low[d] > 0)
                there = both(e, there, compare(e, LLVMIntSGE, index, number(e, view->low[d])));
            there = both(e, there, compare(e, LLVMIntSLT, index, number(e, view->high[d])));
        }
        if (view->stride[d] != 0)
            at = e->l->LLVMBuildAdd(
                e->b, at, e->l->LLVMBuildNSWMul(e->b, index, number(e, view->stride[d]), ""), "");
    }
    *is_there = there;
    return at;
}

static LLVMValueRef pointer_to(const struct emit *e, const void *address)
{
    return e->l->LLVMConstIntToPtr(e->l->LLVMConstInt(e->i64, (uint64_t)(uintptr_t)address, false),
                                   e->l->LLVMPointerType(e->i64, 0));
}

static LLVMValueRef load_i64(const struct emit *e, LLVMValueRef base, LLVMValueRef at)
{
    LLVMValueRef address = e->l->LLVMBuildGEP2(e->b, e->i64, base, &at, 1, "");
    return e->l->LLVMBuildLoad2(e->b, e->i64, address, "");
}

/* The element of a view; a position without one gives element 0 and *is_there false. */
static LLVMValueRef view_element(const struct emit *e, size_t v, LLVMValueRef *is_there)
{
    const struct jit_view *view = &e->plan->views[v];
    LLVMValueRef at, unused;
    if (view->list != NULL) {
        at = view_position(e, &e->plan->views[e->plan->view_count + 1], &unused);
        at = load_i64(e, pointer_to(e, view->list), at);
        *is_there = compare(e, LLVMIntSGE, at, number(e, 0));
    } else {
        at = view_position(e, view, is_there);
    }
    return *is_there == NULL ? at : e->l->LLVMBuildSelect(e->b, *is_there, at, number(e, 0), "");
}

static bool is_narrow(const struct emit *e, uint32_t tensor)
{
    return relation_tensor_is_narrow(&e->program->tensors[tensor]);
}

/* Finds the first of a tensor's int64 values, or of its limbs. */
static void add_base(struct emit *e, uint32_t tensor)
{
    LLVMTypeRef pointer = e->l->LLVMPointerType(e->i64, 0);
    LLVMValueRef table = e->l->LLVMGetParam(e->function, is_narrow(e, tensor) ? 0 : 1);
    for (size_t i = 0; i < e->base_count; i++) {
        if (e->base[i].tensor == tensor)
            return;
    }
    LLVMValueRef at = number(e, tensor);
    LLVMValueRef slot = e->l->LLVMBuildGEP2(e->b, pointer, table, &at, 1, "");
    e->base[e->base_count++] = (struct base){tensor, e->l->LLVMBuildLoad2(e->b, pointer, slot, "")};
}

static void add_bases(struct emit *e)
{
    for (size_t v = 0; v < e->plan->view_count; v++)
        add_base(e, e->plan->views[v].tensor);
    for (unsigned k = 0; k < e->relation->output_count; k++)
        add_base(e, e->relation->outputs[k]);
    if (e->relation->kind == RELATION_READ)
        add_base(e, e->relation->memory);
}

static LLVMValueRef tensor_base(const struct emit *e, uint32_t tensor)
{
    size_t i = 0;
    while (i < e->base_count && e->base[i].tensor != tensor)
        i++;
    ASSERT(i < e->base_count);
    return e->base[i].pointer;
}

static LLVMValueRef wide_address(const struct emit *e, LLVMValueRef base, LLVMValueRef element,
                                 LLVMTypeRef type)
{
    LLVMValueRef at = e->l->LLVMBuildNSWMul(e->b, element, number(e, 4), "");
    LLVMValueRef limb = e->l->LLVMBuildGEP2(e->b, e->i64, base, &at, 1, "");
    return e->l->LLVMBuildBitCast(e->b, limb, e->l->LLVMPointerType(type, 0), "");
}

/* Little-endian limbs in two's complement: the low bits are the number wherever it fits. */
static LLVMValueRef load_element(const struct emit *e, uint32_t tensor, LLVMValueRef element)
{
    LLVMValueRef base = tensor_base(e, tensor);
    if (is_narrow(e, tensor))
        return widen(e, load_i64(e, base, element));
    LLVMValueRef value =
        e->l->LLVMBuildLoad2(e->b, e->type, wide_address(e, base, element, e->type), "");
    e->l->LLVMSetAlignment(value, 8);
    return value;
}

static void store_element(const struct emit *e, uint32_t tensor, LLVMValueRef element,
                          LLVMValueRef value)
{
    LLVMValueRef base = tensor_base(e, tensor);
    if (is_narrow(e, tensor)) {
        LLVMValueRef address = e->l->LLVMBuildGEP2(e->b, e->i64, base, &element, 1, "");
        if (e->plan->bits > 64)
            value = e->l->LLVMBuildTrunc(e->b, value, e->i64, "");
        e->l->LLVMBuildStore(e->b, value, address);
        return;
    }
    LLVMTypeRef full = e->l->LLVMIntTypeInContext(e->context, 256);
    if (e->plan->bits < 256)
        value = e->l->LLVMBuildSExt(e->b, value, full, "");
    e->l->LLVMSetAlignment(e->l->LLVMBuildStore(e->b, value, wide_address(e, base, element, full)),
                           8);
}

/* The value of a view, zero where it has no element. */
static LLVMValueRef load_view(const struct emit *e, size_t v)
{
    LLVMValueRef is_there, element = view_element(e, v, &is_there);
    LLVMValueRef value = load_element(e, e->plan->views[v].tensor, element);
    return is_there == NULL ? value
                            : e->l->LLVMBuildSelect(e->b, is_there, value, small_number(e, 0), "");
}

/* Marks values outside low .. high; `bound` is what they cannot exceed anyway. */
static void check_range(const struct emit *e, LLVMValueRef value, wide low, wide high, wide bound)
{
    wide least;
    ASSERT(wide_neg(&least, bound));
    if (wide_compare(low, bound) > 0 || wide_compare(high, least) < 0) {
        mark_bad(e, e->l->LLVMConstInt(e->i1, 1, false));
        return;
    }
    if (wide_compare(low, least) > 0)
        mark_bad(e, compare(e, LLVMIntSLT, value, wide_number(e, low)));
    if (wide_compare(high, bound) < 0)
        mark_bad(e, compare(e, LLVMIntSGT, value, wide_number(e, high)));
}

static void put(const struct emit *e, uint32_t tensor, LLVMValueRef element, LLVMValueRef value,
                wide bound)
{
    const struct relation_tensor *t = &e->program->tensors[tensor];
    check_range(e, value, t->low, t->high, bound);
    store_element(e, tensor, element, value);
}

/* Row-major position of the result. */
static LLVMValueRef result_position(const struct emit *e)
{
    LLVMValueRef unused;
    return view_position(e, &e->plan->views[e->plan->view_count], &unused);
}

/* ---- relations ---- */

static void emit_terms(struct emit *e)
{
    const struct relation *r = e->relation;
    LLVMValueRef sum = wide_number(e, r->constant);
    size_t v = 0;
    for (size_t k = 0; k < r->term_count; k++) {
        const struct relation_term *term = &r->terms[k];
        LLVMValueRef product = wide_number(e, term->coefficient);
        for (unsigned f = 0; f < term->factor_count; f++)
            product = e->l->LLVMBuildNSWMul(e->b, product, load_view(e, v++), "");
        sum = e->l->LLVMBuildNSWAdd(e->b, sum, product, "");
    }
    if (r->is_assert)
        mark_bad(e, compare(e, LLVMIntNE, sum, small_number(e, 0)));
    else
        put(e, r->outputs[0], result_position(e), sum, e->plan->bound);
}

static void emit_contract(struct emit *e, LLVMValueRef sum)
{
    unsigned depth = e->depth;
    set(e, sum, small_number(e, 0));
    open_loops(e, e->plan->inner, e->plan->rank);
    LLVMValueRef product = e->l->LLVMBuildNSWMul(e->b, load_view(e, 0), load_view(e, 1), "");
    set(e, sum, e->l->LLVMBuildNSWAdd(e->b, get(e, e->type, sum), product, ""));
    close_loops(e, depth);
    put(e, e->relation->outputs[0], result_position(e), get(e, e->type, sum), e->plan->bound);
}

/* Called from native code: what LLVM would ask of the compiler's own library. */
static __int128 divide_floor_128(__int128 a, __int128 b)
{
    __int128 quotient = a / b;
    return quotient - (a % b < 0);
}

/* floor(a / b) for b > 0. */
static LLVMValueRef divide_floor(const struct emit *e, LLVMValueRef a, LLVMValueRef b)
{
    if (e->plan->bits > 64) {
        LLVMTypeRef arguments[2] = {e->type, e->type};
        LLVMTypeRef type = e->l->LLVMFunctionType(e->type, arguments, 2, false);
        LLVMValueRef address =
            e->l->LLVMConstInt(e->i64, (uint64_t)(uintptr_t)divide_floor_128, false);
        LLVMValueRef callee = e->l->LLVMConstIntToPtr(address, e->l->LLVMPointerType(type, 0));
        LLVMValueRef values[2] = {a, b};
        return e->l->LLVMBuildCall2(e->b, type, callee, values, 2, "");
    }
    LLVMValueRef quotient = e->l->LLVMBuildSDiv(e->b, a, b, "");
    LLVMValueRef rest =
        e->l->LLVMBuildNSWSub(e->b, a, e->l->LLVMBuildNSWMul(e->b, quotient, b, ""), "");
    LLVMValueRef is_below = compare(e, LLVMIntSLT, rest, number(e, 0));
    return e->l->LLVMBuildNSWSub(e->b, quotient, e->l->LLVMBuildZExt(e->b, is_below, e->i64, ""),
                                 "");
}

static void emit_rescale(struct emit *e)
{
    const struct relation *r = e->relation;
    LLVMValueRef x = load_view(e, 0), y, rest, at = result_position(e);
    LLVMValueRef d = r->divisor_is_view ? load_view(e, 1) : wide_number(e, r->divisor);
    if (r->rounding == ROUND_HALF_UP) {
        LLVMValueRef half = r->divisor_is_view
                                ? e->l->LLVMBuildAShr(e->b, d, small_number(e, 1), "")
                                : wide_number(e, wide_shift_right(r->divisor, 1));
        x = e->l->LLVMBuildNSWAdd(e->b, x, half, "");
    }
    unsigned shift = r->divisor_is_view ? 0 : wide_bit_length(r->divisor) - 1;
    if (!r->divisor_is_view && wide_compare(r->divisor, wide_power_of_two(shift)) == 0) {
        wide mask;
        ASSERT(wide_sub(&mask, r->divisor, wide_from_i64(1)));
        y = e->l->LLVMBuildAShr(e->b, x, small_number(e, shift), "");
        rest = e->l->LLVMBuildAnd(e->b, x, wide_number(e, mask), "");
    } else {
        y = divide_floor(e, x, d);
        rest = e->l->LLVMBuildNSWSub(e->b, x, e->l->LLVMBuildNSWMul(e->b, y, d, ""), "");
    }
    put(e, r->outputs[0], at, y, e->plan->bound);
    put(e, r->outputs[1], at, rest, e->plan->bound);
}

static void emit_is_zero(struct emit *e)
{
    LLVMValueRef is_zero = compare(e, LLVMIntEQ, load_view(e, 0), small_number(e, 0));
    store_element(e, e->relation->outputs[0], result_position(e),
                  e->l->LLVMBuildZExt(e->b, is_zero, e->type, ""));
}

/* An index into `count` elements from int64 `first` on, 0 where it is outside, which is bad. */
static LLVMValueRef checked_index(const struct emit *e, LLVMValueRef value, int64_t first,
                                  int64_t count)
{
    LLVMValueRef low = small_number(e, first), high = small_number(e, first + count - 1);
    LLVMValueRef is_inside =
        both(e, compare(e, LLVMIntSGE, value, low), compare(e, LLVMIntSLE, value, high));
    mark_bad(e, compare(e, LLVMIntEQ, is_inside, e->l->LLVMConstInt(e->i1, 0, false)));
    if (e->plan->bits > 64)
        value = e->l->LLVMBuildTrunc(e->b, value, e->i64, "");
    value = e->l->LLVMBuildAdd(e->b, value, number(e, (int64_t) - (uint64_t)first), "");
    return e->l->LLVMBuildSelect(e->b, is_inside, value, number(e, 0), "");
}

static void emit_table(struct emit *e)
{
    const struct relation_table *table = &e->program->tables[e->relation->table];
    LLVMValueRef index = checked_index(e, load_view(e, 0), table->x_low, (int64_t)table->size);
    for (unsigned k = 0; k < e->relation->output_count; k++) {
        LLVMValueRef value = load_i64(e, pointer_to(e, table->outputs[k]), index);
        put(e, e->relation->outputs[k], result_position(e), widen(e, value), wide_power_of_two(63));
    }
}

static void emit_read(struct emit *e)
{
    const struct relation *r = e->relation;
    const struct relation_tensor *memory = &e->program->tensors[r->memory];
    int64_t width = (int64_t)memory->count / memory->shape[0];
    LLVMValueRef row = checked_index(e, load_view(e, 0), 0, memory->shape[0]);
    LLVMValueRef source = e->l->LLVMBuildNSWMul(e->b, row, number(e, width), "");
    LLVMValueRef target = e->l->LLVMBuildNSWMul(e->b, result_position(e), number(e, width), "");
    unsigned depth = e->depth;
    open_loop(e, number(e, 0), number(e, width));
    LLVMValueRef k = e->loop[depth].index;
    LLVMValueRef value = load_element(e, r->memory, e->l->LLVMBuildNSWAdd(e->b, source, k, ""));
    put(e, r->outputs[0], e->l->LLVMBuildNSWAdd(e->b, target, k, ""), value, e->plan->bound);
    close_loops(e, depth);
}

/* The first of the largest, or smallest, along the inner loop. */
static void emit_extreme(struct emit *e, LLVMValueRef best, LLVMValueRef best_index)
{
    unsigned depth = e->depth;
    bool is_largest = e->relation->hint == HINT_ARG_MAX;
    set(e, best_index, number(e, 0));
    if (e->plan->rank > e->plan->inner) {
        /* The first element beats what stands here: it lies beyond every bound. */
        wide beyond = wide_power_of_two(e->plan->bits - 2);
        if (is_largest)
            ASSERT(wide_neg(&beyond, beyond));
        set(e, best, wide_number(e, beyond));
        open_loops(e, e->plan->inner, e->plan->rank);
        LLVMValueRef value = load_view(e, 0), before = get(e, e->type, best);
        LLVMValueRef is_better = compare(e, is_largest ? LLVMIntSGT : LLVMIntSLT, value, before);
        LLVMValueRef index = e->loop[e->depth - 1].index;
        set(e, best, e->l->LLVMBuildSelect(e->b, is_better, value, before, ""));
        set(e, best_index,
            e->l->LLVMBuildSelect(e->b, is_better, index, get(e, e->i64, best_index), ""));
        close_loops(e, depth);
    }
    put(e, e->relation->outputs[0], result_position(e), widen(e, get(e, e->i64, best_index)),
        wide_power_of_two(63));
}

/* Zero where the divisor is not positive. */
static void emit_divide(struct emit *e)
{
    LLVMValueRef x = load_view(e, 0), d = load_view(e, 1), zero = small_number(e, 0);
    LLVMValueRef is_positive = compare(e, LLVMIntSGT, d, zero);
    d = e->l->LLVMBuildSelect(e->b, is_positive, d, small_number(e, 1), "");
    LLVMValueRef value = e->l->LLVMBuildSelect(e->b, is_positive, divide_floor(e, x, d), zero, "");
    put(e, e->relation->outputs[0], result_position(e), value, e->plan->bound);
}

/* floor(log2(x)), 0 below 1. */
static void emit_bit_length(struct emit *e)
{
    unsigned id = e->l->LLVMLookupIntrinsicID("llvm.ctlz", 9);
    LLVMValueRef callee = e->l->LLVMGetIntrinsicDeclaration(e->module, id, &e->type, 1);
    LLVMTypeRef arguments[2] = {e->type, e->i1};
    LLVMTypeRef type = e->l->LLVMFunctionType(e->type, arguments, 2, false);
    LLVMValueRef x = load_view(e, 0);
    LLVMValueRef is_positive = compare(e, LLVMIntSGT, x, small_number(e, 0));
    LLVMValueRef values[2] = {x, e->l->LLVMConstInt(e->i1, 0, false)};
    LLVMValueRef zeros = e->l->LLVMBuildCall2(e->b, type, callee, values, 2, "");
    LLVMValueRef length =
        e->l->LLVMBuildNSWSub(e->b, small_number(e, e->plan->bits - 1), zeros, "");
    put(e, e->relation->outputs[0], result_position(e),
        e->l->LLVMBuildSelect(e->b, is_positive, length, small_number(e, 0), ""),
        wide_from_i64(256));
}

static void emit_hint(struct emit *e, LLVMValueRef best, LLVMValueRef best_index)
{
    if (e->relation->hint == HINT_DIVIDE_FLOOR)
        emit_divide(e);
    else if (e->relation->hint == HINT_BIT_LENGTH)
        emit_bit_length(e);
    else
        emit_extreme(e, best, best_index);
}

static void emit_element(struct emit *e, LLVMValueRef sum, LLVMValueRef index)
{
    switch (e->relation->kind) {
    case RELATION_LINEAR:
    case RELATION_PRODUCT:
        emit_terms(e);
        break;
    case RELATION_CONTRACT:
        emit_contract(e, sum);
        break;
    case RELATION_IS_ZERO:
        emit_is_zero(e);
        break;
    case RELATION_RESCALE:
        emit_rescale(e);
        break;
    case RELATION_RANGE:
        check_range(e, load_view(e, 0), e->relation->low, e->relation->high, e->plan->bound);
        break;
    case RELATION_TABLE:
        emit_table(e);
        break;
    case RELATION_READ:
        emit_read(e);
        break;
    case RELATION_HINT:
        emit_hint(e, sum, index);
        break;
    case RELATION_PERMUTE:
    case RELATION_DIGEST:
        ASSERT(!"these have no native code");
    }
}

LLVMValueRef jit_emit_relation(const struct jit_llvm *llvm, LLVMContextRef context,
                               LLVMModuleRef module, const char *name,
                               const struct relation_program *program,
                               const struct relation *relation, const struct jit_plan *plan)
{
    struct emit e = {.l = llvm,
                     .context = context,
                     .module = module,
                     .program = program,
                     .relation = relation,
                     .plan = plan};
    e.i1 = llvm->LLVMIntTypeInContext(context, 1);
    e.i64 = llvm->LLVMIntTypeInContext(context, 64);
    e.type = llvm->LLVMIntTypeInContext(context, plan->bits);
    LLVMTypeRef table = llvm->LLVMPointerType(llvm->LLVMPointerType(e.i64, 0), 0);
    LLVMTypeRef arguments[4] = {table, table, e.i64, e.i64};
    LLVMTypeRef type = llvm->LLVMFunctionType(e.i64, arguments, 4, false);
    e.function = llvm->LLVMAddFunction(module, name, type);
    e.b = llvm->LLVMCreateBuilderInContext(context);
    llvm->LLVMPositionBuilderAtEnd(e.b,
                                   llvm->LLVMAppendBasicBlockInContext(context, e.function, ""));
    e.bad = variable(&e, e.i64);
    LLVMValueRef sum = variable(&e, e.type), index = variable(&e, e.i64);
    set(&e, e.bad, number(&e, 0));
    add_bases(&e);
    open_loops(&e, 0, plan->inner);
    emit_element(&e, sum, index);
    close_loops(&e, 0);
    llvm->LLVMBuildRet(e.b, get(&e, e.i64, e.bad));
    llvm->LLVMDisposeBuilder(e.b);
    return e.function;
}

#else

typedef int jit_emit_is_off; /* a translation unit is never empty */

#endif
