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

/* What a view reads: where its values begin, and the list of its elements or its offset. */
struct source {
    LLVMValueRef base, list;
    LLVMValueRef offset; /* NULL where the base has it */
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
    const struct jit_form *form;
    struct loop loop[RELATION_RANK_MAX + 1]; /* a row that is read is a loop more */
    unsigned depth;                          /* open loops */
    /* Read once, before the loops. */
    LLVMValueRef base[JIT_TENSORS_MAX]; /* by tensor of the form */
    struct source source[JIT_VIEWS_MAX];
    LLVMValueRef coefficient[JIT_VIEWS_MAX]; /* NULL: 1 */
    LLVMValueRef constant, divisor, half, mask, shift, first, last, table[TABLE_OUTPUT_MAX];
    LLVMValueRef low[TABLE_OUTPUT_MAX], high[TABLE_OUTPUT_MAX];
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

/* Where a view stands within the open loops, its offset left out; *is_there is NULL when it always
 * has an element. */
static LLVMValueRef view_position(const struct emit *e, const struct jit_view *view,
                                  LLVMValueRef *is_there)
{
    LLVMValueRef at = number(e, 0), there = NULL;
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

static LLVMValueRef load_i64(const struct emit *e, LLVMValueRef base, LLVMValueRef at)
{
    LLVMValueRef address = e->l->LLVMBuildGEP2(e->b, e->i64, base, &at, 1, "");
    return e->l->LLVMBuildLoad2(e->b, e->i64, address, "");
}

/* The element of a view; a position without one gives element 0 and *is_there false. */
static LLVMValueRef view_element(const struct emit *e, size_t v, LLVMValueRef *is_there)
{
    const struct jit_view *view = &e->plan->views[v];
    const struct source *source = &e->source[v];
    LLVMValueRef at, unused;
    if (source->list != NULL) {
        at = view_position(e, &e->plan->views[e->plan->view_count + 1], &unused);
        at = load_i64(e, source->list, at);
        *is_there = compare(e, LLVMIntSGE, at, number(e, 0));
    } else {
        at = view_position(e, view, is_there);
        if (source->offset != NULL)
            at = e->l->LLVMBuildAdd(e->b, at, source->offset, "");
    }
    return *is_there == NULL ? at : e->l->LLVMBuildSelect(e->b, *is_there, at, number(e, 0), "");
}

static bool is_narrow(const struct emit *e, uint32_t tensor)
{
    return relation_tensor_is_narrow(&e->program->tensors[tensor]);
}

static LLVMValueRef tensor_base(const struct emit *e, uint32_t tensor)
{
    size_t i = 0;
    while (i < e->form->tensor_count && e->form->tensors[i] != tensor)
        i++;
    ASSERT(i < e->form->tensor_count);
    return e->base[i];
}

static LLVMValueRef wide_address(const struct emit *e, LLVMValueRef base, LLVMValueRef element,
                                 LLVMTypeRef type)
{
    LLVMValueRef at = e->l->LLVMBuildNSWMul(e->b, element, number(e, 4), "");
    LLVMValueRef limb = e->l->LLVMBuildGEP2(e->b, e->i64, base, &at, 1, "");
    return e->l->LLVMBuildBitCast(e->b, limb, e->l->LLVMPointerType(type, 0), "");
}

/* Little-endian limbs in two's complement: the low bits are the number wherever it fits. */
static LLVMValueRef load_wide(const struct emit *e, LLVMValueRef base, LLVMValueRef element)
{
    LLVMValueRef value =
        e->l->LLVMBuildLoad2(e->b, e->type, wide_address(e, base, element, e->type), "");
    e->l->LLVMSetAlignment(value, 8);
    return value;
}

static LLVMValueRef load_element(const struct emit *e, uint32_t tensor, LLVMValueRef base,
                                 LLVMValueRef element)
{
    return is_narrow(e, tensor) ? widen(e, load_i64(e, base, element))
                                : load_wide(e, base, element);
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

/* ---- what is read before the loops ---- */

static LLVMValueRef read_number(const struct emit *e, size_t which)
{
    return load_wide(e, e->l->LLVMGetParam(e->function, 1), number(e, (int64_t)which));
}

static LLVMValueRef read_integer(const struct emit *e, size_t which)
{
    return load_i64(e, e->l->LLVMGetParam(e->function, 1), number(e, 4 * (int64_t)which));
}

static LLVMValueRef read_pointer(const struct emit *e, size_t which)
{
    return e->l->LLVMBuildIntToPtr(e->b, read_integer(e, which), e->l->LLVMPointerType(e->i64, 0),
                                   "");
}

static void read_tensors(struct emit *e)
{
    LLVMTypeRef pointer = e->l->LLVMPointerType(e->i64, 0);
    LLVMValueRef table = e->l->LLVMGetParam(e->function, 0);
    for (size_t i = 0; i < e->form->tensor_count; i++) {
        LLVMValueRef at = number(e, (int64_t)i);
        LLVMValueRef slot = e->l->LLVMBuildGEP2(e->b, pointer, table, &at, 1, "");
        e->base[i] = e->l->LLVMBuildLoad2(e->b, pointer, slot, "");
    }
}

/* The offset is added to the base where every position has an element. */
static void read_source(struct emit *e, size_t v)
{
    const struct jit_view *view = &e->plan->views[v];
    struct source *source = &e->source[v];
    *source = (struct source){.base = tensor_base(e, view->tensor)};
    if (view->list != NULL) {
        source->list = read_pointer(e, jit_list_number(e->plan, v));
        return;
    }
    LLVMValueRef offset = read_integer(e, NUMBER_OFFSET + v);
    if (view->may_miss) {
        source->offset = offset;
        return;
    }
    if (!is_narrow(e, view->tensor))
        offset = e->l->LLVMBuildNSWMul(e->b, offset, number(e, 4), "");
    source->base = e->l->LLVMBuildGEP2(e->b, e->i64, source->base, &offset, 1, "");
}

static void read_rescale(struct emit *e)
{
    const struct relation *r = e->relation;
    if (r->divisor_is_view)
        return;
    e->half = read_number(e, NUMBER_HALF);
    if (jit_is_power_of_two(r->divisor)) {
        e->shift = widen(e, read_integer(e, NUMBER_SHIFT));
        e->mask = read_number(e, NUMBER_MASK);
    } else {
        e->divisor =
            e->plan->bits == 64 ? wide_number(e, r->divisor) : read_number(e, NUMBER_DIVISOR);
    }
}

static void read_numbers(struct emit *e)
{
    const struct relation *r = e->relation;
    bool has_terms = r->kind == RELATION_LINEAR || r->kind == RELATION_PRODUCT;
    for (size_t v = 0; v < e->plan->view_count; v++)
        read_source(e, v);
    if (has_terms && !wide_is_zero(r->constant))
        e->constant = read_number(e, NUMBER_CONSTANT);
    for (size_t k = 0; has_terms && k < r->term_count; k++)
        e->coefficient[k] = jit_is_one(r->terms[k].coefficient)
                                ? NULL
                                : read_number(e, jit_coefficient_number(e->plan, k));
    if (r->kind == RELATION_RESCALE)
        read_rescale(e);
    if (r->kind == RELATION_TABLE || r->kind == RELATION_READ) {
        e->first = read_integer(e, NUMBER_FIRST);
        e->last = read_integer(e, NUMBER_LAST);
    }
    for (unsigned k = 0; r->kind == RELATION_TABLE && k < r->output_count; k++)
        e->table[k] = read_pointer(e, NUMBER_TABLE + k);
    unsigned ranges = r->kind == RELATION_RANGE ? 1 : r->output_count;
    for (unsigned k = 0; k < ranges; k++) {
        e->low[k] = read_number(e, NUMBER_LOW + k);
        e->high[k] = read_number(e, NUMBER_HIGH + k);
    }
}

/* ---- values ---- */

/* The value of a view, zero where it has no element. */
static LLVMValueRef load_view(const struct emit *e, size_t v)
{
    LLVMValueRef is_there, element = view_element(e, v, &is_there);
    LLVMValueRef value = load_element(e, e->plan->views[v].tensor, e->source[v].base, element);
    return is_there == NULL ? value
                            : e->l->LLVMBuildSelect(e->b, is_there, value, small_number(e, 0), "");
}

/* Marks values outside the range of result k. */
static void check_range(const struct emit *e, LLVMValueRef value, unsigned k)
{
    struct jit_check check = jit_check_of(e->program, e->relation, e->plan, k);
    if (check.is_bad)
        mark_bad(e, e->l->LLVMConstInt(e->i1, 1, false));
    if (check.low && !check.is_bad)
        mark_bad(e, compare(e, LLVMIntSLT, value, e->low[k]));
    if (check.high && !check.is_bad)
        mark_bad(e, compare(e, LLVMIntSGT, value, e->high[k]));
}

/* Gives element `element` of result k. */
static void put(const struct emit *e, unsigned k, LLVMValueRef element, LLVMValueRef value)
{
    check_range(e, value, k);
    store_element(e, e->relation->outputs[k], element, value);
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
    LLVMValueRef sum = e->constant;
    size_t v = 0;
    for (size_t k = 0; k < r->term_count; k++) {
        LLVMValueRef product = e->coefficient[k];
        for (unsigned f = 0; f < r->terms[k].factor_count; f++) {
            LLVMValueRef factor = load_view(e, v++);
            product = product == NULL ? factor : e->l->LLVMBuildNSWMul(e->b, product, factor, "");
        }
        product = product == NULL ? small_number(e, 1) : product;
        sum = sum == NULL ? product : e->l->LLVMBuildNSWAdd(e->b, sum, product, "");
    }
    sum = sum == NULL ? small_number(e, 0) : sum;
    if (r->is_assert)
        mark_bad(e, compare(e, LLVMIntNE, sum, small_number(e, 0)));
    else
        put(e, 0, result_position(e), sum);
}

static void emit_contract(struct emit *e, LLVMValueRef sum)
{
    unsigned depth = e->depth;
    set(e, sum, small_number(e, 0));
    open_loops(e, e->plan->inner, e->plan->rank);
    LLVMValueRef product = e->l->LLVMBuildNSWMul(e->b, load_view(e, 0), load_view(e, 1), "");
    set(e, sum, e->l->LLVMBuildNSWAdd(e->b, get(e, e->type, sum), product, ""));
    close_loops(e, depth);
    put(e, 0, result_position(e), get(e, e->type, sum));
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
    LLVMValueRef d = r->divisor_is_view ? load_view(e, 1) : e->divisor;
    if (r->rounding == ROUND_HALF_UP) {
        LLVMValueRef half =
            r->divisor_is_view ? e->l->LLVMBuildAShr(e->b, d, small_number(e, 1), "") : e->half;
        x = e->l->LLVMBuildNSWAdd(e->b, x, half, "");
    }
    if (e->shift != NULL) {
        y = e->l->LLVMBuildAShr(e->b, x, e->shift, "");
        rest = e->l->LLVMBuildAnd(e->b, x, e->mask, "");
    } else {
        y = divide_floor(e, x, d);
        rest = e->l->LLVMBuildNSWSub(e->b, x, e->l->LLVMBuildNSWMul(e->b, y, d, ""), "");
    }
    put(e, 0, at, y);
    put(e, 1, at, rest);
}

static void emit_is_zero(struct emit *e)
{
    LLVMValueRef is_zero = compare(e, LLVMIntEQ, load_view(e, 0), small_number(e, 0));
    store_element(e, e->relation->outputs[0], result_position(e),
                  e->l->LLVMBuildZExt(e->b, is_zero, e->type, ""));
}

/* An index that counts from e->first, 0 where it is not in e->first .. e->last, which is bad. */
static LLVMValueRef checked_index(const struct emit *e, LLVMValueRef value)
{
    LLVMValueRef is_inside = both(e, compare(e, LLVMIntSGE, value, widen(e, e->first)),
                                  compare(e, LLVMIntSLE, value, widen(e, e->last)));
    mark_bad(e, compare(e, LLVMIntEQ, is_inside, e->l->LLVMConstInt(e->i1, 0, false)));
    if (e->plan->bits > 64)
        value = e->l->LLVMBuildTrunc(e->b, value, e->i64, "");
    value = e->l->LLVMBuildSub(e->b, value, e->first, "");
    return e->l->LLVMBuildSelect(e->b, is_inside, value, number(e, 0), "");
}

static void emit_table(struct emit *e)
{
    LLVMValueRef index = checked_index(e, load_view(e, 0));
    for (unsigned k = 0; k < e->relation->output_count; k++)
        put(e, k, result_position(e), widen(e, load_i64(e, e->table[k], index)));
}

static void emit_read(struct emit *e)
{
    const struct relation *r = e->relation;
    const struct relation_tensor *memory = &e->program->tensors[r->memory];
    int64_t width = (int64_t)memory->count / memory->shape[0];
    LLVMValueRef row = checked_index(e, load_view(e, 0));
    LLVMValueRef source = e->l->LLVMBuildNSWMul(e->b, row, number(e, width), "");
    LLVMValueRef target = e->l->LLVMBuildNSWMul(e->b, result_position(e), number(e, width), "");
    unsigned depth = e->depth;
    open_loop(e, number(e, 0), number(e, width));
    LLVMValueRef k = e->loop[depth].index;
    LLVMValueRef value = load_element(e, r->memory, tensor_base(e, r->memory),
                                      e->l->LLVMBuildNSWAdd(e->b, source, k, ""));
    put(e, 0, e->l->LLVMBuildNSWAdd(e->b, target, k, ""), value);
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
    put(e, 0, result_position(e), widen(e, get(e, e->i64, best_index)));
}

/* Zero where the divisor is not positive. */
static void emit_divide(struct emit *e)
{
    LLVMValueRef x = load_view(e, 0), d = load_view(e, 1), zero = small_number(e, 0);
    LLVMValueRef is_positive = compare(e, LLVMIntSGT, d, zero);
    d = e->l->LLVMBuildSelect(e->b, is_positive, d, small_number(e, 1), "");
    LLVMValueRef value = e->l->LLVMBuildSelect(e->b, is_positive, divide_floor(e, x, d), zero, "");
    put(e, 0, result_position(e), value);
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
    put(e, 0, result_position(e),
        e->l->LLVMBuildSelect(e->b, is_positive, length, small_number(e, 0), ""));
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
        check_range(e, load_view(e, 0), 0);
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
                               const struct relation *relation, const struct jit_plan *plan,
                               const struct jit_form *form)
{
    struct emit e = {.l = llvm,
                     .context = context,
                     .module = module,
                     .program = program,
                     .relation = relation,
                     .plan = plan,
                     .form = form};
    e.i1 = llvm->LLVMIntTypeInContext(context, 1);
    e.i64 = llvm->LLVMIntTypeInContext(context, 64);
    e.type = llvm->LLVMIntTypeInContext(context, plan->bits);
    LLVMTypeRef pointer = llvm->LLVMPointerType(e.i64, 0);
    LLVMTypeRef arguments[4] = {llvm->LLVMPointerType(pointer, 0), pointer, e.i64, e.i64};
    LLVMTypeRef type = llvm->LLVMFunctionType(e.i64, arguments, 4, false);
    e.function = llvm->LLVMAddFunction(module, name, type);
    e.b = llvm->LLVMCreateBuilderInContext(context);
    llvm->LLVMPositionBuilderAtEnd(e.b,
                                   llvm->LLVMAppendBasicBlockInContext(context, e.function, ""));
    e.bad = variable(&e, e.i64);
    LLVMValueRef sum = variable(&e, e.type), index = variable(&e, e.i64);
    set(&e, e.bad, number(&e, 0));
    read_tensors(&e);
    read_numbers(&e);
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
