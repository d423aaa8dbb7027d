/*
 * Lowering of TfIdfVectorizer (ONNX 9): every token is compared with every token of the pool, an
 * n-gram stands where all its tokens do, and places are counted.
 */
#include <string.h>

#include "passes/lower_internal.h"

/* The n-grams of one length: tokens as places in the list of distinct ones. */
struct grams {
    size_t length, count;
    const size_t *token;    /* [count length] */
    const int64_t *columns; /* [count] */
};

struct tokens {
    const int64_t *pool;
    size_t pool_count, distinct;
    int64_t *value; /* [distinct] */
    size_t *number; /* [pool_count] */
};

static const struct graph_attribute *list_of(struct lowering *l, const char *name)
{
    const struct graph_attribute *list = graph_attribute(l->node, name);
    if (list == NULL || list->kind != ATTRIBUTE_INTS)
        lowering_fail(l, STATUS_BAD_INPUT, "attribute '%s' is needed", name);
    return list;
}

static struct tokens read_tokens(struct lowering *l)
{
    const struct graph_attribute *pool = list_of(l, "pool_int64s");
    struct tokens t = {.pool = pool->integers, .pool_count = pool->count};
    t.value = lowering_array(l, int64_t, t.pool_count);
    t.number = lowering_array(l, size_t, t.pool_count);
    for (size_t i = 0; i < t.pool_count; i++) {
        while (t.number[i] < t.distinct && t.value[t.number[i]] != t.pool[i])
            t.number[i]++;
        if (t.number[i] == t.distinct)
            t.value[t.distinct++] = t.pool[i];
    }
    return t;
}

static struct grams read_grams(struct lowering *l, const struct tokens *t, size_t length)
{
    const struct graph_attribute *starts = list_of(l, "ngram_counts"),
                                 *columns = list_of(l, "ngram_indexes");
    size_t begin = (size_t)starts->integers[length - 1], before = 0;
    size_t end = length < starts->count ? (size_t)starts->integers[length] : t->pool_count;
    for (size_t k = 1; k < length; k++)
        before += (size_t)(starts->integers[k] - starts->integers[k - 1]) / k;
    return (struct grams){.length = length,
                          .count = (end - begin) / length,
                          .token = t->number + begin,
                          .columns = columns->integers + before};
}

/* [distinct, rows, width]: 1 where a token of the text is the one of the pool. */
static uint32_t token_bits(struct lowering *l, const struct tokens *t, uint32_t text)
{
    struct shape own = lowering_shape(l, text),
                 shape = shape_of(3, (int64_t)t->distinct, own.dim[0], own.dim[1]),
                 line = shape_of(3, (int64_t)t->distinct, (int64_t)1, (int64_t)1);
    wide *values = lowering_array(l, wide, t->distinct);
    for (size_t i = 0; i < t->distinct; i++)
        values[i] = wide_from_i64(t->value[i]);
    uint32_t pool = lowering_constant(l, &line, form_integer(), values);
    return lowering_is_zero(l, lowering_difference(l, &shape, text, pool));
}

struct text {
    size_t rows, width;
    uint32_t bits;
};

/* Where the first token of a gram may stand, and how far apart its tokens are. */
struct place {
    size_t at, stride;
};

static size_t list_places(struct lowering *l, const struct text *text, size_t length,
                          struct place **places)
{
    size_t skips = length == 1 ? 0 : (size_t)lowering_attribute_int(l, "max_skip_count", 0),
           count = 0;
    /* Further apart, no two tokens are in one row. */
    skips = skips < text->width ? skips : text->width;
    *places = lowering_array(l, struct place, text->width * (skips + 1));
    for (size_t stride = 1; stride <= skips + 1; stride++)
        for (size_t at = 0; at + stride * (length - 1) < text->width; at++)
            (*places)[count++] = (struct place){at, stride};
    return count;
}

/* How often each gram stands in each row, [grams, rows]. RELATION_NONE: no row is long enough. */
static uint32_t count_grams(struct lowering *l, const struct text *text, const struct grams *grams)
{
    struct place *places;
    size_t place_count = list_places(l, text, grams->length, &places);
    if (place_count == 0 || grams->count == 0 || text->rows == 0)
        return RELATION_NONE;
    struct shape shape =
                     shape_of(3, (int64_t)grams->count, (int64_t)text->rows, (int64_t)place_count),
                 flat = shape_of(2, shape.dim[0] * shape.dim[1], shape.dim[2]),
                 result = shape_of(2, shape.dim[0], shape.dim[1]);
    uint32_t stands = RELATION_NONE;
    for (size_t k = 0; k < grams->length; k++) {
        int64_t *list = lowering_array(l, int64_t, shape_elements(&shape)), *next = list;
        for (size_t g = 0; g < grams->count; g++)
            for (size_t r = 0; r < text->rows; r++)
                for (size_t p = 0; p < place_count; p++)
                    *next++ = (int64_t)((grams->token[g * grams->length + k] * text->rows + r) *
                                            text->width +
                                        places[p].at + k * places[p].stride);
        uint32_t here = lowering_pick(l, text->bits, &shape, list);
        stands = k == 0 ? here : lowering_times(l, stands, here);
    }
    return lowering_reshape(l, lowering_sum_rows(l, lowering_reshape(l, stands, &flat)), &result);
}

/* Terms that bring the counts of grams to their columns: the first gram of a column in one term,
 * the second in another. */
static size_t add_to_columns(struct lowering *l, const struct grams *grams, uint32_t counts,
                             const struct shape *shape, struct relation_term *terms)
{
    size_t rows = (size_t)shape->dim[0], width = (size_t)shape->dim[1], term_count = 0;
    size_t *turn = lowering_array(l, size_t, grams->count);
    for (size_t g = 0; g < grams->count; g++) {
        for (size_t before = 0; before < g; before++)
            turn[g] += grams->columns[before] == grams->columns[g];
        term_count = turn[g] + 1 > term_count ? turn[g] + 1 : term_count;
    }
    for (size_t t = 0; t < term_count; t++) {
        int64_t *list = lowering_array(l, int64_t, rows * width);
        for (size_t i = 0; i < rows * width; i++)
            list[i] = -1;
        for (size_t g = 0; g < grams->count; g++)
            for (size_t r = 0; r < rows && turn[g] == t; r++)
                list[r * width + (size_t)grams->columns[g]] = (int64_t)(g * rows + r);
        terms[t] = lowering_term_view(wide_from_i64(1),
                                      (struct relation_view){.tensor = counts, .index_list = list});
    }
    return term_count;
}

/* What a mode makes of the counts [rows, columns]. */
static uint32_t weighed(struct lowering *l, uint32_t counts)
{
    const char *mode = graph_attribute_text(l->node, "mode", "TF");
    if (strcmp(mode, "IDF") == 0)
        counts = lowering_affine(l, -1, lowering_is_zero(l, counts), wide_from_i64(1));
    if (strcmp(mode, "TF") == 0 || !lowering_has_input(l, 1))
        return counts;
    struct shape shape = lowering_shape(l, counts), line = shape_of(1, shape.dim[1]);
    int64_t *list = lowering_array(l, int64_t, (size_t)shape.dim[1]);
    for (int64_t i = 0; i < shape.dim[1]; i++)
        list[i] = i;
    return lowering_times(l, lowering_pick(l, lowering_input(l, 1), &line, list), counts);
}

void lower_tfidf_vectorizer(struct lowering *l)
{
    struct tokens tokens = read_tokens(l);
    struct shape own = lowering_graph_value(l, 0)->shape, out = lowering_output_shape(l, 0);
    struct shape rows = shape_of(2, own.rank == 2 ? own.dim[0] : 1, own.dim[own.rank - 1]),
                 table = shape_of(2, rows.dim[0], out.dim[out.rank - 1]);
    uint32_t x = lowering_reshape(l, lowering_input(l, 0), &rows);
    struct text text = {.rows = (size_t)rows.dim[0], .width = (size_t)rows.dim[1]};
    if (tokens.distinct > 0 && text.rows * text.width > 0)
        text.bits = token_bits(l, &tokens, x);
    struct relation_term *terms = lowering_array(l, struct relation_term, tokens.pool_count + 1);
    size_t term_count = 0;
    int64_t most = lowering_attribute_int(l, "max_gram_length", 1);
    for (int64_t n = lowering_attribute_int(l, "min_gram_length", 1); n <= most; n++) {
        struct grams grams = read_grams(l, &tokens, (size_t)n);
        uint32_t counts = count_grams(l, &text, &grams);
        if (counts != RELATION_NONE)
            term_count += add_to_columns(l, &grams, counts, &table, terms + term_count);
    }
    uint32_t counts =
        lowering_linear(l, &table, form_integer(), terms, term_count, wide_from_i64(0));
    lowering_output(l, 0, lowering_reshape(l, weighed(l, counts), &out));
}
