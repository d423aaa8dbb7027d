/*
 * Lowering of pools. Sums are contractions over windows; extremes go axis by axis, so that windows
 * that overlap share their comparisons.
 */
#include "ir/rounded_math.h"
#include "passes/lower_window.h"

#include <math.h>

enum { RECIPROCAL_BITS = 40 };

static struct window read_window(struct lowering *l)
{
    struct window window;
    struct shape shape = lowering_graph_value(l, 0)->shape;
    lowering_require(l, window_read(l->diag, l->node, &shape, NULL, &window));
    return window;
}

/* The window of a pool over everything. */
static struct window whole_window(struct lowering *l)
{
    struct shape shape = lowering_graph_value(l, 0)->shape;
    struct window window = {.rank = shape.rank - 2u};
    for (unsigned i = 0; i < window.rank; i++)
        window.axis[i] = (struct window_axis){.in = shape.dim[i + 2],
                                              .out = 1,
                                              .kernel = shape.dim[i + 2],
                                              .stride = 1,
                                              .dilation = 1};
    return window;
}

/* How many kernel positions of output o count: inside the operand, or in its padding too. */
static int64_t counted(const struct window_axis *axis, int64_t o, bool with_pads)
{
    int64_t count = 0;
    for (int64_t k = 0; k < axis->kernel; k++) {
        int64_t from = o * axis->stride + k * axis->dilation - axis->pad_begin;
        count += with_pads ? from < axis->in + axis->pad_end : from >= 0 && from < axis->in;
    }
    return count;
}

/* ---- what is refused ---- */

static void require_elements(struct lowering *l, const struct window *window, bool with_pads)
{
    for (unsigned i = 0; i < window->rank; i++)
        for (int64_t o = 0; o < window->axis[i].out; o++)
            if (counted(&window->axis[i], o, with_pads) == 0)
                lowering_fail(l, STATUS_UNSUPPORTED,
                              "window %lld along spatial axis %u lies in the padding and holds no "
                              "element; give it smaller pads",
                              (long long)o, i);
}

void check_average_pool(struct lowering *l)
{
    struct window window = read_window(l);
    require_elements(l, &window, lowering_attribute_int(l, "count_include_pad", 0) != 0);
}

void check_max_pool(struct lowering *l)
{
    struct window window = read_window(l);
    require_elements(l, &window, false);
}

void check_lp_pool(struct lowering *l)
{
    int64_t p = lowering_attribute_int(l, "p", 2);
    if (p < 1 || p > 64)
        lowering_fail(l, STATUS_UNSUPPORTED, "p = %lld; give it one of 1 to 64", (long long)p);
}

/* ---- sums over windows ---- */

/* sum x y over windows of x; y: RELATION_NONE for 1, or x itself. */
static uint32_t window_sums(struct lowering *l, uint32_t x, const struct window *window,
                            bool squared)
{
    struct window_view view = lowering_window_view(l, x, window);
    struct shape shape = lowering_shape(l, x);
    struct space space = {0};
    int64_t same = squared ? 1 : 0;
    struct space_operand other =
        squared ? view.operand : (struct space_operand){lowering_one(l), 0};
    for (unsigned d = 0; d < 2; d++)
        space_add_out(&space, shape.dim[d], view.stride[d], same * view.stride[d]);
    for (unsigned i = 0; i < window->rank; i++) {
        const struct window_axis *axis = &window->axis[i];
        int64_t step = view.stride[i + 2] * axis->stride, by = view.stride[i + 2] * axis->dilation;
        space_add_out(&space, axis->out, step, same * step);
        space_add_sum(&space, axis->kernel, by, same * by);
        shape.dim[i + 2] = axis->out;
    }
    struct form form = lowering_form(l, x);
    form.fraction *= squared ? 2 : 1;
    return lowering_reshape(l, lowering_contract_space(l, view.operand, other, &space, form),
                            &shape);
}

/* Sums divided by how many elements each has. */
static uint32_t divide_by_counts(struct lowering *l, uint32_t sums, const struct window *window,
                                 bool with_pads)
{
    struct shape shape = lowering_shape(l, sums), plane = {.rank = (uint8_t)window->rank};
    for (unsigned i = 0; i < window->rank; i++)
        plane.dim[i] = window->axis[i].out;
    size_t size = shape_elements(&plane);
    int64_t *count = lowering_array(l, int64_t, size);
    bool is_same = true;
    for (size_t e = 0; e < size; e++) {
        size_t rest = e;
        count[e] = 1;
        for (unsigned i = window->rank; i-- > 0;) {
            count[e] *=
                counted(&window->axis[i], (int64_t)(rest % (size_t)plane.dim[i]), with_pads);
            rest /= (size_t)plane.dim[i];
        }
        is_same &= count[e] == count[0];
    }
    if (is_same)
        return lowering_divide_by_count(l, sums, count[0]);
    wide *parts = lowering_array(l, wide, size);
    for (size_t e = 0; e < size; e++)
        parts[e] = lowering_real(l, 1.0 / (double)count[e], RECIPROCAL_BITS);
    uint32_t factors = lowering_constant(l, &plane, form_fixed(RECIPROCAL_BITS), parts);
    /* Half a unit, and less than 2^-12 of one from float64. */
    lowering_widen_error(l, factors, 0.501);
    return lowering_times(l, factors, lowering_reshape(l, sums, &shape));
}

void lower_average_pool(struct lowering *l)
{
    struct window window = read_window(l);
    bool with_pads = lowering_attribute_int(l, "count_include_pad", 0) != 0;
    uint32_t sums = window_sums(l, lowering_input(l, 0), &window, false);
    lowering_output(l, 0, divide_by_counts(l, sums, &window, with_pads));
}

void lower_global_average_pool(struct lowering *l)
{
    struct window window = whole_window(l);
    lowering_output(
        l, 0,
        divide_by_counts(l, window_sums(l, lowering_input(l, 0), &window, false), &window, false));
}

/* ---- p-norms ---- */

/* Bits of a sum of powers such that its root is exact enough at the smallest result seen. */
static int32_t power_fraction(const struct lowering *l, int64_t p)
{
    enum { MOST = 100 };
    double smallest = lowering_output_plan(l, 0)->smallest, lost = 0;
    if (smallest > 0 && smallest < 1)
        lost = (double)(p - 1) * -log2(smallest);
    double bits = (double)lowering_output_fraction(l, 0) + 4 + lost;
    return bits > MOST ? MOST : (int32_t)bits;
}

static void p_norm_pool(struct lowering *l, const struct window *window)
{
    int64_t p = lowering_attribute_int(l, "p", 2);
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    uint32_t x = lowering_factor(l, 0);
    if (p == 2) {
        lowering_output(l, 0, lowering_square_root(l, window_sums(l, x, window, true), fraction));
        return;
    }
    uint32_t size = p % 2 == 0 ? x : lowering_absolute(l, x, NULL), power = size;
    for (int64_t i = 1; i < p; i++)
        power = lowering_trim(l, lowering_times(l, size, power), power_fraction(l, p), 16);
    uint32_t sums = window_sums(l, power, window, false);
    const struct value_plan *y = lowering_output_plan(l, 0);
    double largest = fmax(lowering_largest(y), 0x1p-20);
    struct value_plan plan = {.low = 0, .high = rounded_pow(largest, (double)p)};
    lowering_output(
        l, 0,
        p == 1 ? sums : lowering_real_power(l, sums, &plan, 1.0 / (double)p, largest, fraction));
}

void lower_lp_pool(struct lowering *l)
{
    struct window window = read_window(l);
    p_norm_pool(l, &window);
}

void lower_global_lp_pool(struct lowering *l)
{
    struct window window = whole_window(l);
    p_norm_pool(l, &window);
}

/* ---- maxima ---- */

/* What stands around an axis that windows run along. */
struct surroundings {
    int64_t outer, inner;
};

/* Merging of sorted places p and p + by, which makes the next level of shared windows. */
struct merge {
    int64_t by;
    int64_t *left, *right; /* [count]: where p and p + by are in the next level */
    size_t count;
};

enum { SHARED_LEVELS = 32 };

/* Places from, and from + by, each once and in order; `merge` says where they are. */
static size_t merge_places(struct lowering *l, struct merge *merge, const int64_t *from,
                           size_t count, int64_t by, int64_t **into)
{
    *merge = (struct merge){by, lowering_array(l, int64_t, count),
                            lowering_array(l, int64_t, count), count};
    int64_t *places = lowering_array(l, int64_t, 2 * count);
    size_t made = 0, a = 0, b = 0;
    while (a < count || b < count) {
        int64_t left = a < count ? from[a] : INT64_MAX,
                right = b < count ? from[b] + by : INT64_MAX, place = left < right ? left : right;
        if (left == place)
            merge->left[a++] = (int64_t)made;
        if (right == place)
            merge->right[b++] = (int64_t)made;
        places[made++] = place;
    }
    *into = places;
    return made;
}

/* The elements of x at places along the axis. */
static uint32_t pick_places(struct lowering *l, uint32_t x, struct surroundings around,
                            int64_t length, const int64_t *places, size_t count)
{
    struct shape shape = shape_of(3, around.outer, (int64_t)count, around.inner);
    int64_t *list = lowering_array(l, int64_t, shape_elements(&shape)), *next = list;
    for (int64_t a = 0; a < around.outer; a++) {
        for (size_t i = 0; i < count; i++) {
            for (int64_t b = 0; b < around.inner; b++)
                *next++ = (a * length + places[i]) * around.inner + b;
        }
    }
    return lowering_pick(l, x, &shape, list);
}

/* The place nearest to p, a whole number of dilations from it, that lies inside. */
static int64_t nearest_inside(const struct window_axis *axis, int64_t p)
{
    int64_t d = axis->dilation;
    if (p < 0)
        return (p % d + d) % d;
    return p < axis->in ? p : axis->in - 1 - ((axis->in - 1 - p) % d + d) % d;
}

/*
 * Maxima along one axis where windows overlap: each is the greater of two runs of 2^j positions,
 * and a run of 2^j the greater of two of 2^(j-1), shared by all windows that need it. Returns
 * RELATION_NONE where that takes no fewer comparisons than each window by itself. A place outside
 * reads the nearest one inside, which every window with that place has too.
 */
static uint32_t shared_max_along(struct lowering *l, uint32_t x, struct surroundings around,
                                 const struct window_axis *axis)
{
    struct merge merges[SHARED_LEVELS];
    unsigned levels = 0, j = (unsigned)wide_bit_length(wide_from_i64(axis->kernel)) - 1;
    int64_t *places = lowering_array(l, int64_t, (size_t)axis->out),
            most = axis->out * (axis->kernel - 1), cost = 0;
    size_t count = (size_t)axis->out;
    for (int64_t o = 0; o < axis->out; o++)
        places[o] = o * axis->stride - axis->pad_begin;
    for (unsigned t = 0; t <= j && cost < most; t++) {
        int64_t run = t == 0 ? axis->kernel - ((int64_t)1 << j) : (int64_t)1 << (j - t);
        cost += run == 0 ? 0 : (int64_t)count;
        count = merge_places(l, &merges[levels++], places, count, run * axis->dilation, &places);
    }
    if (cost >= most)
        return RELATION_NONE;
    for (size_t i = 0; i < count; i++)
        places[i] = nearest_inside(axis, places[i]);
    x = pick_places(l, x, around, axis->in, places, count);
    while (levels-- > 0) {
        const struct merge *merge = &merges[levels];
        struct shape shape = shape_of(3, around.outer, (int64_t)merge->count, around.inner);
        int64_t length = lowering_tensor(l, x)->shape[1];
        if (merge->by != 0)
            x = lowering_maximum(l, &shape,
                                 pick_places(l, x, around, length, merge->left, merge->count),
                                 pick_places(l, x, around, length, merge->right, merge->count));
    }
    return x;
}

/*
 * Maxima along one axis. A kernel position outside the operand reads another one of its window,
 * inside: that changes no maximum.
 */
static uint32_t max_along(struct lowering *l, uint32_t x, unsigned d,
                          const struct window_axis *axis)
{
    struct shape from = lowering_shape(l, x), to = from;
    to.dim[d] = axis->out;
    int64_t inner = 1, outer = 1;
    for (unsigned i = 0; i < from.rank; i++)
        *(i < d ? &outer : &inner) *= i == d ? 1 : from.dim[i];
    uint32_t shared = shared_max_along(l, x, (struct surroundings){outer, inner}, axis);
    if (shared != RELATION_NONE)
        return lowering_reshape(l, shared, &to);
    struct shape rows = shape_of(2, outer * axis->out * inner, axis->kernel);
    int64_t *list = lowering_array(l, int64_t, shape_elements(&rows)), *next = list;
    for (int64_t a = 0; a < outer; a++) {
        for (int64_t o = 0; o < axis->out; o++) {
            int64_t first = o * axis->stride - axis->pad_begin, low = 0, high = axis->kernel - 1;
            while (low <= high && first + low * axis->dilation < 0)
                low++;
            while (high >= low && first + high * axis->dilation >= axis->in)
                high--;
            for (int64_t b = 0; b < inner; b++) {
                for (int64_t k = 0; k < axis->kernel; k++) {
                    int64_t inside = k < low ? low : k > high ? high : k;
                    *next++ = (a * axis->in + first + inside * axis->dilation) * inner + b;
                }
            }
        }
    }
    return lowering_reshape(l, lowering_max_rows(l, lowering_pick(l, x, &rows, list)), &to);
}

static uint32_t window_maxima(struct lowering *l, uint32_t x, const struct window *window)
{
    for (unsigned i = window->rank; i-- > 0;)
        if (window->axis[i].kernel > 1 || window->axis[i].stride > 1 ||
            window->axis[i].out != window->axis[i].in || window->axis[i].pad_begin != 0)
            x = max_along(l, x, i + 2, &window->axis[i]);
    return x;
}

static unsigned index_bits(int64_t n)
{
    return n <= 1 ? 1 : wide_bit_length(wide_from_i64(n - 1));
}

/*
 * x 2^m + (n - 1 - index in its plane): keys whose order is that of x, and among equal ones the
 * first. Ones n elements to a plane.
 */
static uint32_t plane_keys(struct lowering *l, uint32_t x, int64_t n)
{
    struct shape shape = lowering_shape(l, x), planes = shape_of(2, shape.dim[0] * shape.dim[1], n),
                 line = shape_of(1, n);
    wide *ties = lowering_array(l, wide, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        ties[i] = wide_from_i64(n - 1 - i);
    struct relation_term terms[2] = {
        lowering_term_wide(l, lowering_power_of_two(l, index_bits(n)),
                           lowering_reshape(l, x, &planes), &planes),
        lowering_term(l, 1, lowering_constant(l, &line, form_integer(), ties), &planes)};
    uint32_t keys = lowering_linear(l, &planes, form_integer(), terms, 2, wide_from_i64(0));
    return lowering_reshape(l, keys, &shape);
}

/* Offsets in a row-major plane as offsets in a column-major one. */
static uint32_t by_columns(struct lowering *l, uint32_t offset, const struct window *window)
{
    struct shape shape = lowering_shape(l, offset);
    struct relation_term terms[TENSOR_RANK_MAX];
    int64_t stride[TENSOR_RANK_MAX], step = 1;
    unsigned count = 0;
    for (unsigned i = 0; i < window->rank; i++) {
        stride[i] = step;
        step *= window->axis[i].in;
    }
    for (unsigned i = window->rank; i-- > 1;) {
        uint32_t index;
        offset = lowering_rescale(l, offset, wide_from_i64(window->axis[i].in), ROUND_FLOOR,
                                  form_integer(), NULL, &index);
        terms[count++] = lowering_term(l, stride[i], index, &shape);
    }
    terms[count++] = lowering_term(l, stride[0], offset, &shape);
    return lowering_linear(l, &shape, form_integer(), terms, count, wide_from_i64(0));
}

/* offset + plane number * n */
static uint32_t in_whole_tensor(struct lowering *l, uint32_t offset, int64_t n)
{
    struct shape shape = lowering_shape(l, offset), planes = {.rank = shape.rank};
    int64_t count = shape.dim[0] * shape.dim[1];
    wide *first = lowering_array(l, wide, (size_t)count);
    for (int64_t i = 0; i < count; i++)
        first[i] = wide_from_i64(i * n);
    for (unsigned d = 0; d < shape.rank; d++)
        planes.dim[d] = d < 2 ? shape.dim[d] : 1;
    return lowering_sum2(l, &shape, offset, 1, lowering_constant(l, &planes, form_integer(), first),
                         1);
}

static void maxima_with_indices(struct lowering *l, uint32_t x, const struct window *window)
{
    int64_t n = 1;
    uint32_t tie;
    for (unsigned i = 0; i < window->rank; i++)
        n *= window->axis[i].in;
    uint32_t best = window_maxima(l, plane_keys(l, x, n), window);
    uint32_t value = lowering_rescale(l, best, lowering_power_of_two(l, index_bits(n)), ROUND_FLOOR,
                                      lowering_form(l, x), NULL, &tie);
    lowering_state_function(l, value, x, 1, 0);
    uint32_t offset = lowering_affine(l, -1, tie, wide_from_i64(n - 1));
    if (lowering_attribute_int(l, "storage_order", 0) != 0)
        offset = by_columns(l, offset, window);
    lowering_output(l, 0, value);
    lowering_output(l, 1, in_whole_tensor(l, offset, n));
}

/* Comparing a few bits more takes fewer rows than rounding every element. */
enum { COMPARED_BITS_MORE = 48 };

void lower_max_pool(struct lowering *l)
{
    struct window window = read_window(l);
    uint32_t x = lowering_input(l, 0);
    if (lowering_has_output(l, 0))
        x = lowering_trim(l, x, lowering_output_fraction(l, 0), COMPARED_BITS_MORE);
    if (lowering_has_output(l, 1))
        maxima_with_indices(l, x, &window);
    else
        lowering_output(l, 0, window_maxima(l, x, &window));
}

void lower_global_max_pool(struct lowering *l)
{
    struct window window = whole_window(l);
    uint32_t x =
        lowering_trim(l, lowering_input(l, 0), lowering_output_fraction(l, 0), COMPARED_BITS_MORE);
    lowering_output(l, 0, window_maxima(l, x, &window));
}
