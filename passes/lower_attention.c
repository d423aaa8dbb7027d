/*
 * Lowering of Attention and RotaryEmbedding.
 *
 * Scores are one exact contraction, rounded once; the softmax leaves masked keys out (their
 * exponentials are never computed where the mask is known); the weighted sum is exact. Masks of the
 * model, of runtime bits, of causality, of windows and of lengths join into one bit a score.
 */
#include <math.h>

#include "passes/lower_internal.h"

/* One of Q, K, V as [batch, head, position, feature], stored so or as [batch, position, heads]. */
struct heads {
    uint32_t tensor;
    int64_t batch, count, length, width;
    int64_t stride[4]; /* of batch, head, position, feature */
};

struct attention {
    struct heads q, k, v; /* k and v: the past before the new */
    int64_t past;
    struct shape scores; /* [batch, heads, queries, keys] */
    uint32_t absent;     /* of scores: 1 where masked; RELATION_NONE */
    int32_t fraction;    /* of the probabilities */
};

static int32_t whole_bits(const struct value_plan *plan)
{
    int exponent = 0;
    frexp(fmax(fabs(plan->low), fabs(plan->high)), &exponent);
    return exponent < 0 ? 0 : exponent;
}

static struct heads read_heads(struct lowering *l, size_t i, const char *attribute)
{
    uint32_t x = lowering_factor(l, i);
    struct shape shape = lowering_shape(l, x);
    struct heads h = {.tensor = x, .batch = shape.dim[0]};
    if (shape.rank == 3) {
        h.count = lowering_attribute_int(l, attribute, 1);
        h.length = shape.dim[1];
        h.width = shape.dim[2] / h.count;
        h.stride[1] = h.width;
        h.stride[2] = shape.dim[2];
    } else {
        h.count = shape.dim[1];
        h.length = shape.dim[2];
        h.width = shape.dim[3];
        h.stride[1] = h.length * h.width;
        h.stride[2] = h.width;
    }
    h.stride[0] = h.length * h.count * h.width;
    h.stride[3] = 1;
    return h;
}

/* Puts the past of operand i before h: [batch, head, position, feature]. */
static void join_past(struct lowering *l, struct heads *h, size_t i)
{
    struct shape shape = shape_of(4, h->batch, h->count, h->length, h->width);
    uint32_t past = lowering_has_input(l, i) ? lowering_input(l, i) : RELATION_NONE;
    int64_t old = past == RELATION_NONE ? 0 : lowering_shape(l, past).dim[2];
    struct relation_term terms[2];
    size_t count = 0;
    shape.dim[2] += old;
    int32_t fraction = lowering_fraction(l, h->tensor);
    if (old > 0) {
        if (lowering_fraction(l, past) > fraction)
            fraction = lowering_fraction(l, past);
        h->tensor = lowering_to_fraction(l, h->tensor, fraction);
        struct relation_view view = {
            .tensor = lowering_to_fraction(l, past, fraction),
            .stride = {h->count * old * h->width, old * h->width, h->width, 1},
            .high = {h->batch, h->count, old, h->width}};
        terms[count++] = lowering_term_view(wide_from_i64(1), view);
    }
    struct relation_view now = {.tensor = h->tensor,
                                .offset = -old * h->stride[2],
                                .low = {0, 0, old, 0},
                                .high = {h->batch, h->count, old + h->length, h->width}};
    for (unsigned d = 0; d < 4; d++)
        now.stride[d] = h->stride[d];
    if (h->length > 0)
        terms[count++] = lowering_term_view(wide_from_i64(1), now);
    h->tensor = lowering_moved(l, &shape, form_fixed(fraction), terms, count);
    h->length += old;
    h->stride[0] = h->count * h->length * h->width;
    h->stride[1] = h->length * h->width;
    h->stride[2] = h->width;
}

/* ---- masks ---- */

/* Position of query i among the keys, when it is known. */
static bool query_offset(struct lowering *l, const struct attention *a, int64_t batch, int64_t *out)
{
    const int64_t most = INT64_C(1) << 60;
    *out = a->past;
    if (lowering_has_input(l, 4) || !lowering_has_input(l, 6))
        return true;
    const struct tensor *lengths = lowering_data(l, 6);
    if (lengths != NULL)
        /* No length is as large: what is added to it does not overflow. */
        *out = (lengths->data.integer[batch] < -most  ? -most
                : lengths->data.integer[batch] > most ? most
                                                      : lengths->data.integer[batch]) -
               a->q.length;
    return lengths != NULL;
}

/* Whether causality, windows or a known length mask key t for query i of a batch element. */
static bool is_masked(struct lowering *l, const struct attention *a, int64_t batch, int64_t i,
                      int64_t t)
{
    int64_t left = lowering_attribute_int(l, "left_window_size", -1),
            right = lowering_attribute_int(l, "right_window_size", -1), offset;
    const struct tensor *lengths = lowering_has_input(l, 6) ? lowering_data(l, 6) : NULL;
    if (lengths != NULL && t >= lengths->data.integer[batch])
        return true;
    if (!query_offset(l, a, batch, &offset))
        return false;
    int64_t ahead = t - offset - i;
    return (lowering_attribute_int(l, "is_causal", 0) != 0 && ahead > 0) ||
           (right >= 0 && ahead > right) || (left >= 0 && -ahead > left);
}

/* Known bits of causality, windows and lengths. */
static uint32_t structure_mask(struct lowering *l, const struct attention *a)
{
    struct shape shape = a->scores;
    shape.dim[1] = 1;
    wide *bits = lowering_array(l, wide, shape_elements(&shape));
    bool any = false;
    size_t e = 0;
    for (int64_t b = 0; b < shape.dim[0]; b++)
        for (int64_t i = 0; i < shape.dim[2]; i++)
            for (int64_t t = 0; t < shape.dim[3]; t++) {
                bool masked = is_masked(l, a, b, i, t);
                bits[e++] = wide_from_i64(masked);
                any |= masked;
            }
    return any ? lowering_constant(l, &shape, form_integer(), bits) : RELATION_NONE;
}

/* 1 where sign (length - queries + i - t) + constant < 0 for query i and key t; without queries i
 * is 0. */
static uint32_t below_length(struct lowering *l, const struct attention *a, int64_t queries,
                             int64_t sign, int64_t constant)
{
    struct shape shape = shape_of(4, a->scores.dim[0], (int64_t)1,
                                  queries == 0 ? (int64_t)1 : a->scores.dim[2], a->scores.dim[3]),
                 place_shape = shape_of(4, (int64_t)1, (int64_t)1, shape.dim[2], shape.dim[3]),
                 column = shape_of(4, shape.dim[0], (int64_t)1, (int64_t)1, (int64_t)1);
    wide *place = lowering_array(l, wide, shape_elements(&place_shape));
    for (int64_t i = 0; i < shape.dim[2]; i++)
        for (int64_t t = 0; t < shape.dim[3]; t++)
            place[i * shape.dim[3] + t] =
                wide_from_i128(sign * (__int128)(i - t - queries) + constant);
    uint32_t lengths = lowering_reshape(l, lowering_input(l, 6), &column);
    struct relation_term terms[2] = {
        lowering_term(l, sign, lengths, &shape),
        lowering_term(l, 1, lowering_constant(l, &place_shape, form_integer(), place), &shape)};
    uint32_t room = lowering_linear(l, &shape, form_integer(), terms, 2, wide_from_i64(0));
    return lowering_affine(l, -1, lowering_is_not_negative(l, room), wide_from_i64(1));
}

/* What lengths that are known at run time only add to a mask. */
static uint32_t length_mask(struct lowering *l, const struct attention *a, uint32_t mask)
{
    int64_t left = lowering_attribute_int(l, "left_window_size", -1),
            right = lowering_attribute_int(l, "right_window_size", -1), queries = a->q.length;
    if (!lowering_has_input(l, 6) || lowering_data(l, 6) != NULL)
        return mask;
    /* t >= length */
    mask = lowering_either(l, &a->scores, mask, below_length(l, a, 0, 1, -1));
    if (lowering_has_input(l, 4))
        return mask;
    if (lowering_attribute_int(l, "is_causal", 0) != 0)
        right = 0;
    /* t - position > right; position - t > left */
    if (right >= 0)
        mask = lowering_either(l, &a->scores, mask, below_length(l, a, queries, 1, right));
    if (left >= 0)
        mask = lowering_either(l, &a->scores, mask, below_length(l, a, queries, -1, left));
    return mask;
}

/* A mask of fewer keys masks those after it. */
static uint32_t short_mask(struct lowering *l, const struct attention *a, int64_t keys)
{
    struct shape line = shape_of(1, a->scores.dim[3]);
    wide *bits = lowering_array(l, wide, (size_t)line.dim[0]);
    for (int64_t t = keys; t < line.dim[0]; t++)
        bits[t] = wide_from_i64(1);
    return lowering_constant(l, &line, form_integer(), bits);
}

/* Operand 3 with as many keys as the scores; zeros stand for what it does not speak of. */
static uint32_t widen_mask(struct lowering *l, const struct attention *a, uint32_t mask)
{
    struct shape shape = lowering_shape(l, mask);
    int64_t keys = shape.dim[shape.rank - 1];
    if (keys == a->scores.dim[3] || keys == 1)
        return mask;
    struct relation_view view = {.tensor = mask};
    int64_t stride = 1;
    for (unsigned d = shape.rank; d-- > 0;) {
        view.high[d] = shape.dim[d];
        view.stride[d] = stride;
        stride *= shape.dim[d];
    }
    shape.dim[shape.rank - 1] = a->scores.dim[3];
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_moved(l, &shape, lowering_form(l, mask), &term, 1);
}

/* Number to add to the scores, RELATION_NONE for none; joins what it masks into a->absent. */
static uint32_t given_mask(struct lowering *l, struct attention *a)
{
    if (!lowering_has_input(l, 3))
        return RELATION_NONE;
    uint32_t mask = lowering_input(l, 3), absent = lowering_absent(l, 3);
    struct shape shape = lowering_shape(l, mask);
    int64_t keys = shape.dim[shape.rank - 1];
    bool is_short = keys != a->scores.dim[3] && keys != 1;
    bool is_bits = lowering_graph_value(l, 3)->type == ELEMENT_BOOL;
    if (is_bits)
        absent = lowering_affine(l, -1, mask, wide_from_i64(1));
    if (is_bits && lowering_tensor(l, mask)->role == ROLE_CONSTANT)
        absent = lowering_known_not(l, mask);
    if (absent != RELATION_NONE)
        a->absent = lowering_either(l, &a->scores, a->absent, widen_mask(l, a, absent));
    if (is_short)
        a->absent = lowering_either(l, &a->scores, a->absent, short_mask(l, a, keys));
    return is_bits ? RELATION_NONE : widen_mask(l, a, mask);
}

/* ---- scores ---- */

/* Axes: batch, kv head, head of the group, query, key, feature. */
static struct relation_view head_view(const struct heads *h, int64_t group, const int64_t *high,
                                      bool is_query)
{
    struct relation_view view = {.tensor = h->tensor};
    view.stride[0] = h->stride[0];
    view.stride[1] = is_query ? group * h->stride[1] : h->stride[1];
    view.stride[2] = is_query ? h->stride[1] : 0;
    view.stride[3] = is_query ? h->stride[2] : 0;
    view.stride[4] = is_query ? 0 : h->stride[2];
    view.stride[5] = h->stride[3];
    for (unsigned d = 0; d < 6; d++)
        view.high[d] = high[d];
    return view;
}

/* c x for a c that was rounded to float64. */
static uint32_t scaled(struct lowering *l, uint32_t x, double c)
{
    uint32_t y = lowering_scale(l, x, c);
    lowering_widen_error(l, y, ldexp(bound_add(lowering_bound(l, y)->most, 1), -50));
    return y;
}

/* Q K^T, [batch, heads, queries, keys], times the scale. */
static uint32_t raw_scores(struct lowering *l, const struct attention *a)
{
    int64_t group = a->q.count / a->k.count;
    struct shape space =
        shape_of(6, a->q.batch, a->k.count, group, a->q.length, a->k.length, a->q.width);
    struct relation_view q = head_view(&a->q, group, space.dim, true),
                         k = head_view(&a->k, group, space.dim, false);
    int32_t exact = lowering_fraction(l, a->q.tensor) + lowering_fraction(l, a->k.tensor);
    uint32_t scores = lowering_contract(l, &space, 1, &q, &k, form_fixed(exact));
    scores = lowering_reshape(l, scores, &a->scores);
    double scale = lowering_attribute_float(l, "scale", 1.0 / sqrt((double)a->q.width));
    return scale == 1 ? scores : scaled(l, scores, scale);
}

/* cap tanh(x / cap) */
static uint32_t soften(struct lowering *l, uint32_t scores, int32_t fraction)
{
    double cap = lowering_attribute_float(l, "softcap", 0);
    if (!(cap > 0))
        return scores;
    int exponent = 0;
    frexp(cap, &exponent);
    exponent = exponent < 0 ? 0 : exponent;
    uint32_t x = lowering_trim(l, scaled(l, scores, 1 / cap), fraction + exponent, 1);
    return lowering_scale(l, lowering_tanh(l, x, fraction + exponent), cap);
}

/* Output 3 where it shows the scores at one of their stages; a stage's own NaN is none. */
static void show_scores(struct lowering *l, uint32_t scores, int64_t stage)
{
    if (lowering_has_output(l, 3) && lowering_attribute_int(l, "qk_matmul_output_mode", 0) == stage)
        lowering_output(l, 3, scores);
}

/* Probabilities, [batch, heads, queries, keys]. */
static uint32_t probabilities(struct lowering *l, struct attention *a)
{
    int32_t fraction = a->fraction + 2;
    if (lowering_has_output(l, 3) && lowering_output_fraction(l, 3) + 2 > fraction)
        fraction = lowering_output_fraction(l, 3) + 2;
    uint32_t scores = raw_scores(l, a), bias = given_mask(l, a);
    show_scores(l, scores, 0);
    scores = lowering_trim(l, soften(l, scores, fraction), fraction, 4);
    show_scores(l, scores, 1);
    if (bias != RELATION_NONE)
        scores = lowering_sum2(l, &a->scores, scores, 1, bias, 1);
    show_scores(l, scores, 2);
    if (lowering_has_output(l, 3) && lowering_attribute_int(l, "qk_matmul_output_mode", 0) == 2)
        lowering_mark_absent(l, 3, a->absent);
    scores = lowering_trim(l, scores, fraction, 4);
    uint32_t last = 1u << 3, rows = lowering_rows(l, scores, last), absent = a->absent;
    if (absent != RELATION_NONE)
        absent = lowering_known_rows(l, lowering_either(l, &a->scores, absent, absent), last);
    uint32_t p = lowering_softmax_rows(l, rows, absent, a->fraction, false);
    p = lowering_reshape(l, p, &a->scores);
    show_scores(l, p, 3);
    return p;
}

/* p V, in the layout of output 0. */
static uint32_t weighted_sum(struct lowering *l, const struct attention *a, uint32_t p)
{
    int64_t group = a->q.count / a->v.count, keys = a->v.length, width = a->v.width;
    bool is_packed = lowering_output_shape(l, 0).rank == 3;
    /* Axes: batch, kv head, head of the group, query, feature, key; packed: the query second. */
    struct shape space = shape_of(6, a->q.batch, a->v.count, group, a->q.length, width, keys);
    struct relation_view x = {.tensor = p,
                              .stride = {a->q.count * a->q.length * keys,
                                         group * a->q.length * keys, a->q.length * keys, keys, 0,
                                         1}},
                         v = {.tensor = a->v.tensor,
                              .stride = {a->v.stride[0], a->v.stride[1], 0, 0, a->v.stride[3],
                                         a->v.stride[2]}};
    if (is_packed) {
        space = shape_of(6, a->q.batch, a->q.length, a->v.count, group, width, keys);
        const struct relation_view sx = x, sv = v;
        static const unsigned from[] = {0, 3, 1, 2, 4, 5};
        for (unsigned d = 0; d < 6; d++) {
            x.stride[d] = sx.stride[from[d]];
            v.stride[d] = sv.stride[from[d]];
        }
    }
    for (unsigned d = 0; d < 6; d++)
        x.high[d] = v.high[d] = space.dim[d];
    return lowering_contract(
        l, &space, 1, &x, &v,
        form_fixed(lowering_fraction(l, p) + lowering_fraction(l, a->v.tensor)));
}

void lower_attention(struct lowering *l)
{
    struct attention a = {.q = read_heads(l, 0, "q_num_heads"),
                          .k = read_heads(l, 1, "kv_num_heads"),
                          .v = read_heads(l, 2, "kv_num_heads")};
    if (lowering_has_input(l, 4))
        a.past = lowering_graph_value(l, 4)->shape.dim[2];
    join_past(l, &a.k, 4);
    join_past(l, &a.v, 5);
    if (lowering_has_output(l, 1))
        lowering_output(l, 1, a.k.tensor);
    if (lowering_has_output(l, 2))
        lowering_output(l, 2, a.v.tensor);
    a.scores = shape_of(4, a.q.batch, a.q.count, a.q.length, a.k.length);
    a.absent = length_mask(l, &a, structure_mask(l, &a));
    int32_t spread = 0;
    while ((int64_t)1 << spread < a.k.length)
        spread++;
    a.fraction = lowering_value_fraction(l) + spread + whole_bits(lowering_input_plan(l, 2));
    lowering_output(l, 0, weighted_sum(l, &a, probabilities(l, &a)));
}

/* ---- rotary embedding ---- */

/* Pairs of elements that one angle turns. */
struct rotation {
    int64_t count;                   /* of pairs */
    int64_t *first, *second, *angle; /* [count]: elements of x, of the caches */
    int64_t *at_first, *at_second;   /* [elements of x]: pair, or -1 */
    int64_t *kept;                   /* [elements of x]: itself where nothing turns it, or -1 */
};

static struct rotation list_pairs(struct lowering *l, const struct heads *h, int64_t half)
{
    size_t elements = lowering_tensor(l, h->tensor)->count;
    bool interleaved = lowering_attribute_int(l, "interleaved", 0) != 0;
    int64_t pairs = h->batch * h->count * h->length * half, p = 0;
    struct rotation r = {.count = pairs,
                         .first = lowering_array(l, int64_t, (size_t)pairs),
                         .second = lowering_array(l, int64_t, (size_t)pairs),
                         .angle = lowering_array(l, int64_t, (size_t)pairs),
                         .at_first = lowering_array(l, int64_t, elements),
                         .at_second = lowering_array(l, int64_t, elements),
                         .kept = lowering_array(l, int64_t, elements)};
    for (size_t e = 0; e < elements; e++) {
        r.at_first[e] = r.at_second[e] = -1;
        r.kept[e] = (int64_t)e;
    }
    for (int64_t row = 0; row < h->batch * h->count * h->length; row++) {
        int64_t b = row / (h->count * h->length), c = row / h->length % h->count,
                t = row % h->length;
        int64_t at = b * h->stride[0] + c * h->stride[1] + t * h->stride[2];
        for (int64_t k = 0; k < half; k++, p++) {
            r.first[p] = at + (interleaved ? 2 * k : k);
            r.second[p] = at + (interleaved ? 2 * k + 1 : k + half);
            r.angle[p] = (b * h->length + t) * half + k;
            r.at_first[r.first[p]] = r.at_second[r.second[p]] = p;
            r.kept[r.first[p]] = r.kept[r.second[p]] = -1;
        }
    }
    return r;
}

/* Operand i, cosines or sines, as [batch, position, half]. */
static uint32_t cached_angles(struct lowering *l, size_t i)
{
    uint32_t cache = lowering_factor(l, i);
    if (!lowering_has_input(l, 3))
        return cache;
    const struct tensor *known = lowering_data(l, 3);
    if (known == NULL)
        return lowering_read(l, cache, lowering_input(l, 3));
    int64_t half = lowering_shape(l, cache).dim[1];
    struct shape shape = shape_of(2, (int64_t)known->count, half);
    int64_t *list = lowering_array(l, int64_t, known->count * (size_t)half);
    for (size_t e = 0; e < known->count * (size_t)half; e++)
        list[e] = known->data.integer[e / (size_t)half] * half + (int64_t)e % half;
    return lowering_pick(l, cache, &shape, list);
}

static struct relation_term turn(uint32_t angle, const int64_t *angles, uint32_t x,
                                 const int64_t *elements, int64_t sign)
{
    return (struct relation_term){.coefficient = wide_from_i64(sign),
                                  .factor_count = 2,
                                  .factors = {{.tensor = angle, .index_list = angles},
                                              {.tensor = x, .index_list = elements}}};
}

/* (u, v) becomes (c u - s v, s u + c v). */
void lower_rotary_embedding(struct lowering *l)
{
    struct heads h = read_heads(l, 0, "num_heads");
    uint32_t cosine = cached_angles(l, 1), sine = cached_angles(l, 2);
    int32_t fc = lowering_fraction(l, cosine), fs = lowering_fraction(l, sine);
    int32_t angle_bits = fc > fs ? fc : fs, exact = angle_bits + lowering_fraction(l, h.tensor);
    cosine = lowering_to_fraction(l, cosine, angle_bits);
    sine = lowering_to_fraction(l, sine, angle_bits);
    const struct shape cache = lowering_shape(l, cosine);
    struct rotation r = list_pairs(l, &h, cache.dim[cache.rank - 1]);
    struct shape line = shape_of(1, r.count), shape = lowering_shape(l, h.tensor);
    struct relation_term first[2] = {turn(cosine, r.angle, h.tensor, r.first, 1),
                                     turn(sine, r.angle, h.tensor, r.second, -1)},
                         second[2] = {turn(sine, r.angle, h.tensor, r.first, 1),
                                      turn(cosine, r.angle, h.tensor, r.second, 1)};
    wide none = wide_from_i64(0), one = wide_from_i64(1);
    struct relation_term terms[3] = {
        lowering_term_view(
            one, (struct relation_view){.tensor = lowering_product(l, &line, form_fixed(exact),
                                                                   first, 2, none),
                                        .index_list = r.at_first}),
        lowering_term_view(
            one, (struct relation_view){
                     .tensor = lowering_product(l, &line, form_fixed(exact), second, 2, none),
                     .index_list = r.at_second})};
    size_t count = 2;
    if (2 * cache.dim[cache.rank - 1] < h.width)
        terms[count++] = lowering_term_view(
            one, (struct relation_view){.tensor = lowering_to_fraction(l, h.tensor, exact),
                                        .index_list = r.kept});
    lowering_output(l, 0, lowering_moved(l, &shape, form_fixed(exact), terms, count));
}
