/*
 * From the attributes of a TreeEnsemble node to records; see lower_tree.h.
 */
#include "ir/ops.h"
#include "passes/lower_tree.h"

#include <math.h>
#include <string.h>

enum { MODE_LEQ, MODE_LT, MODE_GTE, MODE_GT, MODE_EQ, MODE_NEQ, MODE_MEMBER, MODE_COUNT };

/* What a record stands for: a node or leaf, or part of the search among the interval ends of a
 * node. */
struct item {
    int64_t reference; /* >= 0: interior node, < 0: leaf -1 - reference */
    bool is_search;
    size_t from, to;
};

struct pending {
    uint32_t record;
    struct item item;
};

struct building {
    struct lowering *l;
    struct forest *forest;
    size_t node_count;
    const int64_t *features, *modes, *missing, *on_true, *on_false, *member_offsets;
    const double *splits, *members;
    uint32_t *record_of; /* [node_count]: record that holds the node, GRAPH_NONE */
    unsigned *depth_of;  /* [node_count] */
    wide **ends;         /* [node_count]: interval ends of ==, != and member nodes, ascending */
    size_t *end_count;
    struct pending *queue;
    size_t queue_head, queue_count, queue_capacity, record_capacity;
};

/* ---- uses ---- */

static bool goes_to_forest(const struct graph *graph, const struct graph_node *node, size_t operand)
{
    if (node->op == OP_TREE_ENSEMBLE)
        return true;
    return (op_info(node->op)->traits & TRAIT_MOVEMENT) != 0 && node->op != OP_PAD &&
           (operand == 0 || node->op == OP_CONCAT) && node->output_count == 1 &&
           forest_is_only_use(graph, node->outputs[0]);
}

bool forest_is_only_use(const struct graph *graph, uint32_t value)
{
    for (size_t o = 0; o < graph->output_count; o++) {
        if (graph->outputs[o] == value)
            return false;
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        for (size_t i = 0; i < node->input_count; i++) {
            if (node->inputs[i] == value && !goes_to_forest(graph, node, i))
                return false;
        }
    }
    return true;
}

/* ---- attributes ---- */

static const int64_t *integers(struct lowering *l, const char *name, size_t count)
{
    const struct graph_attribute *attribute = graph_attribute(l->node, name);
    if (attribute == NULL && count == 0)
        return NULL;
    if (attribute == NULL || attribute->kind != ATTRIBUTE_INTS || attribute->count != count)
        lowering_fail(l, STATUS_BAD_INPUT, "attribute %s does not hold %zu integers", name, count);
    return attribute->integers;
}

static size_t count_of(const struct lowering *l, const char *name)
{
    const struct graph_attribute *attribute = graph_attribute(l->node, name);
    return attribute == NULL ? 0 : attribute->count;
}

static const struct tensor *numbers(struct lowering *l, const char *name)
{
    const struct graph_attribute *attribute = graph_attribute(l->node, name);
    if (attribute == NULL || attribute->kind != ATTRIBUTE_TENSOR ||
        !element_type_is_float(attribute->tensor->type))
        lowering_fail(l, STATUS_BAD_INPUT, "attribute %s is no tensor of numbers", name);
    return attribute->tensor;
}

static void check_node(struct building *b, size_t n)
{
    const struct forest *f = b->forest;
    int64_t children[2] = {b->on_true[n], b->on_false[n]};
    for (int k = 0; k < 2; k++) {
        if (children[k] >= (int64_t)b->node_count || children[k] < -(int64_t)f->leaf_count ||
            (children[k] >= 0 && children[k] <= (int64_t)n))
            lowering_fail(b->l, STATUS_BAD_INPUT,
                          "tree node %zu has the child %lld, which cannot be", n,
                          (long long)children[k]);
    }
    if (b->features[n] < 0 || b->features[n] >= (int64_t)f->features || b->modes[n] < 0 ||
        b->modes[n] >= MODE_COUNT)
        lowering_fail(b->l, STATUS_BAD_INPUT,
                      "tree node %zu compares feature %lld of %u by mode %lld", n,
                      (long long)b->features[n], f->features, (long long)b->modes[n]);
}

static void read_nodes(struct building *b)
{
    struct lowering *l = b->l;
    b->node_count = count_of(l, "nodes_featureids");
    b->features = integers(l, "nodes_featureids", b->node_count);
    b->modes = integers(l, "nodes_modes", b->node_count);
    b->missing = integers(l, "nodes_missing_tracks_true", b->node_count);
    b->on_true = integers(l, "nodes_true", b->node_count);
    b->on_false = integers(l, "nodes_false", b->node_count);
    const struct tensor *splits = b->node_count == 0 ? NULL : numbers(l, "nodes_splits");
    if (splits != NULL && splits->count != b->node_count)
        lowering_fail(l, STATUS_BAD_INPUT, "%zu thresholds for %zu tree nodes", splits->count,
                      b->node_count);
    b->splits = splits == NULL ? NULL : splits->data.real;
    if (graph_attribute(l->node, "membership_offsets") != NULL && b->node_count > 0) {
        b->member_offsets = integers(l, "membership_offsets", b->node_count + 1);
        if (b->member_offsets[b->node_count] > 0)
            b->members = numbers(l, "membership_values")->data.real;
    }
    for (size_t n = 0; n < b->node_count; n++)
        check_node(b, n);
}

static void read_leaves(struct building *b)
{
    struct lowering *l = b->l;
    struct forest *f = b->forest;
    size_t offsets = count_of(l, "leaf_offsets");
    f->target_count = (size_t)graph_attribute_int(l->node, "n_targets", 1);
    f->aggregate = graph_attribute_int(l->node, "aggregate", 1);
    f->leaf_count = offsets == 0 ? 0 : offsets - 1;
    f->leaf_offsets = integers(l, "leaf_offsets", offsets);
    size_t entries = offsets == 0 ? 0 : (size_t)f->leaf_offsets[f->leaf_count];
    f->leaf_targets = integers(l, "leaf_targetids", entries);
    const struct tensor *weights = entries == 0 ? NULL : numbers(l, "leaf_weights");
    if (weights != NULL && weights->count != entries)
        lowering_fail(l, STATUS_BAD_INPUT, "%zu weights for %zu leaf entries", weights->count,
                      entries);
    f->leaf_weights = weights == NULL ? NULL : weights->data.real;
    for (size_t e = 0; e < entries; e++) {
        if (f->leaf_targets[e] < 0 || f->leaf_targets[e] >= (int64_t)f->target_count ||
            !isfinite(f->leaf_weights[e]))
            lowering_fail(l, STATUS_BAD_INPUT,
                          "leaf entry %zu has the target %lld or a weight that is no number", e,
                          (long long)f->leaf_targets[e]);
    }
    if (f->target_count < 1 || f->leaf_count == 0)
        lowering_fail(l, STATUS_BAD_INPUT, "a tree ensemble without leaves or targets");
}

/* ---- thresholds ---- */

static wide clamp_double(double value)
{
    wide out;
    if (wide_from_double(&out, value))
        return out;
    out = wide_power_of_two(250);
    if (value < 0)
        ASSERT(wide_neg(&out, out));
    return out;
}

/* Smallest x, in units of x, that is not below the number (`above`: that is above it). */
static wide first_from(const struct forest *f, double number, bool above)
{
    wide out;
    if (f->form.encoding != ENCODING_FLOAT_KEY) {
        double scaled = ldexp(number, f->form.fraction);
        out = clamp_double(above ? floor(scaled) : ceil(scaled));
        if (above)
            ASSERT(wide_add(&out, out, wide_from_i64(1)));
        return out;
    }
    double rounded = f->form.key_bits == 64 ? number : element_round(ELEMENT_F32, number);
    /* Rounding to float32 may have passed the number: step back to its other side. */
    if (above && rounded > number)
        rounded = nextafterf((float)rounded, -INFINITY);
    if (!above && rounded < number)
        rounded = nextafterf((float)rounded, INFINITY);
    out = wide_from_i128((__int128)float_key(rounded, f->form.key_bits));
    if (above)
        ASSERT(wide_add(&out, out, wide_from_i64(1)));
    ASSERT(wide_sub(&out, out, f->offset));
    return out;
}

static wide nan_threshold(const struct forest *f)
{
    wide out = wide_from_i128((__int128)float_key(NAN, f->form.key_bits));
    ASSERT(wide_sub(&out, out, f->offset));
    return out;
}

static bool is_set_mode(int64_t mode)
{
    return mode == MODE_EQ || mode == MODE_NEQ || mode == MODE_MEMBER;
}

/* Interval ends of x == value. A value that x cannot take has none. */
static size_t value_ends(const struct forest *f, double value, wide *ends)
{
    if (isnan(value) || (f->form.encoding == ENCODING_FLOAT_KEY && f->form.key_bits == 32 &&
                         element_round(ELEMENT_F32, value) != value))
        return 0;
    double meant = f->form.encoding == ENCODING_FLOAT_KEY
                       ? value
                       : ldexp(rint(ldexp(value, f->form.fraction)), -f->form.fraction);
    ends[0] = first_from(f, meant, false);
    ends[1] = first_from(f, meant, true);
    return 2;
}

static void sort_ends(wide *ends, size_t count)
{
    for (size_t i = 2; i < count; i += 2) {
        for (size_t j = i; j >= 2 && wide_compare(ends[j], ends[j - 2]) < 0; j -= 2) {
            wide pair[2] = {ends[j], ends[j + 1]};
            ends[j] = ends[j - 2];
            ends[j + 1] = ends[j - 1];
            ends[j - 2] = pair[0];
            ends[j - 1] = pair[1];
        }
    }
}

static void make_ends(struct building *b, size_t n)
{
    size_t first = 0, count = 1;
    const double *values = &b->splits[n];
    if (b->modes[n] == MODE_MEMBER) {
        if (b->member_offsets == NULL)
            lowering_fail(b->l, STATUS_BAD_INPUT,
                          "tree node %zu asks for membership in a set that is not there", n);
        first = (size_t)b->member_offsets[n];
        count = (size_t)b->member_offsets[n + 1] - first;
        values = b->members + first;
    }
    b->ends[n] = lowering_array(b->l, wide, 2 * count);
    for (size_t i = 0; i < count; i++)
        b->end_count[n] += value_ends(b->forest, values[i], b->ends[n] + b->end_count[n]);
    sort_ends(b->ends[n], b->end_count[n]);
    /* Equal values share their ends: keep one pair. */
    size_t kept = 0;
    for (size_t i = 0; i < b->end_count[n]; i += 2) {
        if (kept > 0 && wide_compare(b->ends[n][kept - 2], b->ends[n][i]) == 0)
            continue;
        b->ends[n][kept] = b->ends[n][i];
        b->ends[n][kept + 1] = b->ends[n][i + 1];
        kept += 2;
    }
    b->end_count[n] = kept;
}

/* ---- records ---- */

static bool nan_is_possible(const struct building *b)
{
    return b->forest->form.encoding == ENCODING_FLOAT_KEY;
}

static bool goes_right_when_true(int64_t mode)
{
    return mode == MODE_GTE || mode == MODE_GT;
}

/* NaN has the highest key and goes right; where it should go left, the node looks at the copy in
 * which NaN is lowest. */
static bool wants_low_copy(const struct building *b, size_t n)
{
    if (!nan_is_possible(b) || is_set_mode(b->modes[n]))
        return false;
    bool nan_goes_true = b->missing[n] != 0;
    return nan_goes_true != goes_right_when_true(b->modes[n]);
}

/* Where x inside one of the intervals leads, and where it does not. */
static int64_t inside_child(const struct building *b, size_t n)
{
    return b->modes[n] == MODE_NEQ ? b->on_false[n] : b->on_true[n];
}

static int64_t outside_child(const struct building *b, size_t n)
{
    return b->modes[n] == MODE_NEQ ? b->on_true[n] : b->on_false[n];
}

/* NaN lies outside all intervals; a node that sends it inside tests for NaN first. */
static bool tests_nan_first(const struct building *b, size_t n)
{
    if (!nan_is_possible(b) || !is_set_mode(b->modes[n]))
        return false;
    int64_t nan_child = b->missing[n] != 0 ? b->on_true[n] : b->on_false[n];
    return nan_child != outside_child(b, n);
}

static struct item reference_item(int64_t reference)
{
    return (struct item){.reference = reference};
}

static uint32_t new_pair(struct building *b, struct item left, struct item right)
{
    struct forest *f = b->forest;
    void *array = f->records;
    lowering_grow(b->l, &array, &b->record_capacity, f->record_count + 2, sizeof *f->records);
    f->records = array;
    array = b->queue;
    lowering_grow(b->l, &array, &b->queue_capacity, b->queue_count + 2, sizeof *b->queue);
    b->queue = array;
    uint32_t first = (uint32_t)f->record_count;
    f->record_count += 2;
    b->queue[b->queue_count++] = (struct pending){first, left};
    b->queue[b->queue_count++] = (struct pending){first + 1, right};
    return first;
}

/* The slot whose number is below every threshold: always left. */
static uint32_t lowest_slot(const struct forest *f)
{
    return f->slot_count - 1;
}

/* Every x is at least this: -infinity, or what is not below -2^B. */
static wide lowest_key(const struct forest *f)
{
    wide out = wide_power_of_two(f->compare_bits);
    ASSERT(wide_neg(&out, out));
    if (f->form.encoding == ENCODING_FLOAT_KEY) {
        out = wide_from_i128((__int128)float_key(-INFINITY, f->form.key_bits));
        ASSERT(wide_sub(&out, out, f->offset));
    }
    return out;
}

/* right when x[slot] >= threshold; a threshold no x reaches is a comparison with the lowest slot.
 */
static struct tree_record branch(struct building *b, uint32_t slot, wide threshold,
                                 struct item left, struct item right)
{
    const struct forest *f = b->forest;
    wide top = wide_power_of_two(f->compare_bits), bottom;
    ASSERT(wide_neg(&bottom, top));
    struct tree_record record = {.threshold = threshold, .slot = slot};
    if (wide_compare(threshold, lowest_key(f)) <= 0)
        record.threshold = bottom;
    if (wide_compare(threshold, top) >= 0)
        record = (struct tree_record){.threshold = bottom, .slot = lowest_slot(f)};
    record.left = new_pair(b, left, right);
    return record;
}

static struct tree_record search_record(struct building *b, const struct item *item)
{
    size_t n = (size_t)item->reference, middle = item->from + (item->to - item->from) / 2;
    struct item left = {item->reference, true, item->from, middle},
                right = {item->reference, true, middle + 1, item->to};
    return branch(b, (uint32_t)b->features[n], b->ends[n][middle], left, right);
}

static struct tree_record node_record(struct building *b, size_t n)
{
    struct item search = {(int64_t)n, true, 0, b->end_count[n]};
    uint32_t feature = (uint32_t)b->features[n];
    if (tests_nan_first(b, n)) {
        struct item nan = reference_item(b->missing[n] != 0 ? b->on_true[n] : b->on_false[n]);
        return branch(b, feature, nan_threshold(b->forest), search, nan);
    }
    if (is_set_mode(b->modes[n]))
        return search_record(b, &search);
    bool above = b->modes[n] == MODE_LEQ || b->modes[n] == MODE_GT;
    struct item on_true = reference_item(b->on_true[n]), on_false = reference_item(b->on_false[n]);
    bool flipped = goes_right_when_true(b->modes[n]);
    uint32_t slot = wants_low_copy(b, n) ? b->forest->features + feature : feature;
    return branch(b, slot, first_from(b->forest, b->splits[n], above), flipped ? on_false : on_true,
                  flipped ? on_true : on_false);
}

/* A search whose ends are used up is one of the node's children. */
static struct item settle(const struct building *b, struct item item)
{
    for (;;) {
        if (item.is_search && item.from == item.to)
            item = reference_item(item.from % 2 == 1 ? inside_child(b, (size_t)item.reference)
                                                     : outside_child(b, (size_t)item.reference));
        else if (!item.is_search && item.reference >= 0 && is_set_mode(b->modes[item.reference]) &&
                 b->end_count[item.reference] == 0 && !tests_nan_first(b, (size_t)item.reference))
            item = reference_item(outside_child(b, (size_t)item.reference));
        else
            return item;
    }
}

static void fill_record(struct building *b, uint32_t index, struct item item)
{
    struct forest *f = b->forest;
    item = settle(b, item);
    struct tree_record record;
    if (item.is_search) {
        record = search_record(b, &item);
    } else if (item.reference < 0) {
        record = (struct tree_record){.slot = lowest_slot(f),
                                      .left = index,
                                      .is_leaf = true,
                                      .leaf = (uint32_t)(-1 - item.reference)};
    } else if (b->record_of[item.reference] != GRAPH_NONE) {
        /* Met before, by a node that reaches it two ways: the same children serve. */
        record = f->records[b->record_of[item.reference]];
    } else {
        record = node_record(b, (size_t)item.reference);
        b->record_of[item.reference] = index;
    }
    f->records[index] = record;
}

/* ---- depth ---- */

static unsigned search_depth(size_t ends)
{
    unsigned depth = 0;
    while (ends > 0) {
        ends /= 2;
        depth++;
    }
    return depth;
}

static unsigned depth_of_reference(const struct building *b, int64_t reference)
{
    return reference < 0 ? 0 : b->depth_of[reference];
}

/* Children stand after their parents, so one pass from the end knows them. */
static void measure_depth(struct building *b)
{
    struct forest *f = b->forest;
    for (size_t n = b->node_count; n-- > 0;) {
        unsigned x = depth_of_reference(b, b->on_true[n]),
                 y = depth_of_reference(b, b->on_false[n]);
        unsigned own = is_set_mode(b->modes[n])
                           ? search_depth(b->end_count[n]) + (tests_nan_first(b, n) ? 1 : 0)
                           : 1;
        b->depth_of[n] = own + (x > y ? x : y);
    }
    const int64_t *roots = integers(b->l, "tree_roots", f->tree_count);
    f->depth = lowering_array(b->l, unsigned, f->tree_count);
    for (size_t t = 0; t < f->tree_count; t++) {
        f->depth[t] = depth_of_reference(b, roots[t]);
        f->depth_max = f->depth[t] > f->depth_max ? f->depth[t] : f->depth_max;
    }
}

static void build_records(struct building *b)
{
    struct forest *f = b->forest;
    const int64_t *roots = integers(b->l, "tree_roots", f->tree_count);
    void *array = NULL;
    lowering_grow(b->l, &array, &b->record_capacity, f->tree_count, sizeof *f->records);
    f->records = array;
    f->record_count = f->tree_count;
    for (size_t t = 0; t < f->tree_count; t++) {
        if (roots[t] >= (int64_t)b->node_count || roots[t] < -(int64_t)f->leaf_count)
            lowering_fail(b->l, STATUS_BAD_INPUT, "tree %zu has no root", t);
        fill_record(b, (uint32_t)t, reference_item(roots[t]));
    }
    while (b->queue_head < b->queue_count) {
        struct pending next = b->queue[b->queue_head++];
        fill_record(b, next.record, next.item);
    }
}

static unsigned bits_of(size_t value)
{
    return wide_bit_length(wide_from_i64((int64_t)value));
}

/* Both words of a record have one range: it must hold a child, a slot and the number of a leaf too.
 */
static void widen_words(struct building *b)
{
    struct forest *f = b->forest;
    size_t pairs = 2 * b->node_count;
    for (size_t n = 0; n < b->node_count; n++)
        pairs += b->end_count[n];
    f->child_bits = bits_of(2 * pairs + 2);
    unsigned word = f->child_bits + bits_of(f->slot_count), leaf = bits_of(f->leaf_count);
    f->compare_bits = word > f->compare_bits ? word : f->compare_bits;
    f->compare_bits = leaf > f->compare_bits ? leaf : f->compare_bits;
}

void forest_build(struct lowering *l, struct forest *f, uint32_t x)
{
    struct building b = {.l = l, .forest = f};
    struct shape shape = lowering_shape(l, x);
    f->form = lowering_form(l, x);
    f->features = shape.rank == 0 ? 1 : (unsigned)shape.dim[shape.rank - 1];
    bool is_key = f->form.encoding == ENCODING_FLOAT_KEY;
    f->compare_bits = is_key ? f->form.key_bits - 1u : range_bits(lowering_range_of(l, x));
    f->offset = is_key ? wide_power_of_two(f->compare_bits) : wide_from_i64(0);
    f->tree_count = count_of(l, "tree_roots");
    if (f->tree_count == 0)
        lowering_fail(l, STATUS_BAD_INPUT, "a tree ensemble without trees");
    read_leaves(&b);
    read_nodes(&b);
    b.record_of = lowering_array(l, uint32_t, b.node_count);
    b.depth_of = lowering_array(l, unsigned, b.node_count);
    b.ends = lowering_array(l, wide *, b.node_count);
    b.end_count = lowering_array(l, size_t, b.node_count);
    memset(b.record_of, 0xff, b.node_count * sizeof *b.record_of);
    for (size_t n = 0; n < b.node_count; n++) {
        f->needs_low_copy |= wants_low_copy(&b, n);
        if (is_set_mode(b.modes[n]))
            make_ends(&b, n);
    }
    f->slot_count = f->features * (f->needs_low_copy ? 2 : 1) + 1;
    widen_words(&b);
    measure_depth(&b);
    build_records(&b);
}
