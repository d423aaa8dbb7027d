/*
 * Lowering of Einsum: operands joined two at a time, each pair one exact contraction over the
 * labels that nobody asks for later. The axes of "..." are labels beyond all letters, counted from
 * the last; operands with fewer of them, or with size 1, are broadcast.
 */
#include <string.h>

#include "passes/lower_internal.h"

/* Labels of the axes of "...", and how many labels there are. */
enum { FIRST_DOTS = 1, LABELS = 128 };

/* A tensor and the label of each of its axes; a label may stand twice (a diagonal). */
struct labelled {
    uint32_t tensor;
    unsigned rank;
    char label[TENSOR_RANK_MAX];
};

struct einsum {
    struct lowering *l;
    struct labelled operand[RELATION_RANK_MAX];
    size_t count;
    char out[TENSOR_RANK_MAX];
    unsigned out_rank, depth; /* depth: axes that "..." has in the result */
    int64_t size[LABELS];     /* of a label, 0 for none */
};

static bool is_label(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void refuse(struct einsum *e, const char *equation)
{
    lowering_fail(e->l, STATUS_UNSUPPORTED,
                  "the equation '%s' is not one of letters for its %zu operands", equation,
                  e->count);
}

/* Reads the labels of one term, whose "..." has `depth` axes; returns what follows. */
static const char *read_labels(struct einsum *e, const char *text, const char *equation,
                               unsigned depth, char *label, unsigned *rank)
{
    *rank = 0;
    for (; *text != '\0' && *text != ',' && *text != '-'; text++) {
        if (*text == ' ')
            continue;
        bool is_dots = strncmp(text, "...", 3) == 0;
        unsigned more = is_dots ? depth : 1;
        if ((!is_dots && !is_label(*text)) || *rank + more > TENSOR_RANK_MAX)
            refuse(e, equation);
        for (unsigned i = 0; i < more; i++)
            label[(*rank)++] = is_dots ? (char)(FIRST_DOTS + depth - 1 - i) : *text;
        text += is_dots ? 2 : 0;
    }
    return text;
}

/* How many axes "..." stands for in a term of an operand of a rank; 0 without it. */
static unsigned dots_depth(const char *text, unsigned rank)
{
    unsigned letters = 0;
    bool has_dots = false;
    for (; *text != '\0' && *text != ',' && *text != '-'; text++) {
        letters += is_label(*text);
        has_dots |= *text == '.';
    }
    return has_dots && letters <= rank ? rank - letters : 0;
}

/* Without an output: "...", then every letter that stands once, in order of the alphabet. */
static void implicit_output(struct einsum *e)
{
    for (unsigned i = 0; i < e->depth; i++)
        e->out[e->out_rank++] = (char)(FIRST_DOTS + e->depth - 1 - i);
    for (int c = FIRST_DOTS + TENSOR_RANK_MAX; c < LABELS; c++) {
        unsigned seen = 0;
        for (size_t i = 0; i < e->count; i++) {
            for (unsigned d = 0; d < e->operand[i].rank; d++)
                seen += e->operand[i].label[d] == c;
        }
        if (seen == 1 && e->out_rank < TENSOR_RANK_MAX)
            e->out[e->out_rank++] = (char)c;
    }
}

static void read_equation(struct einsum *e)
{
    const char *equation = graph_attribute_text(e->l->node, "equation", ""), *text = equation;
    for (size_t i = 0; i < e->count; i++) {
        struct labelled *operand = &e->operand[i];
        operand->tensor = lowering_factor(e->l, i);
        const struct relation_tensor *t = lowering_tensor(e->l, operand->tensor);
        unsigned depth = dots_depth(text, t->rank);
        e->depth = depth > e->depth ? depth : e->depth;
        text = read_labels(e, text, equation, depth, operand->label, &operand->rank);
        if (operand->rank != t->rank || (i + 1 < e->count && *text != ','))
            refuse(e, equation);
        for (unsigned d = 0; d < operand->rank; d++) {
            int64_t *size = &e->size[(unsigned char)operand->label[d]];
            if (*size > 1 && t->shape[d] > 1 && t->shape[d] != *size)
                refuse(e, equation);
            if (*size <= 1)
                *size = t->shape[d];
        }
        text += i + 1 < e->count;
    }
    if (*text == '-' && text[1] == '>')
        text = read_labels(e, text + 2, equation, e->depth, e->out, &e->out_rank);
    else
        implicit_output(e);
    if (*text != '\0')
        refuse(e, equation);
}

static bool has_label(const char *label, unsigned rank, char c)
{
    return memchr(label, c, rank) != NULL;
}

/* Strides of an operand over a space given by labels. */
static struct relation_view view_over(const struct einsum *e, const struct labelled *x,
                                      const char *space, unsigned rank)
{
    struct relation_view view = {.tensor = x->tensor};
    const struct relation_tensor *t = lowering_tensor(e->l, x->tensor);
    for (unsigned s = 0; s < rank; s++)
        view.high[s] = e->size[(unsigned char)space[s]];
    int64_t stride = 1;
    for (unsigned d = x->rank; d-- > 0;) {
        for (unsigned s = 0; s < rank; s++) {
            if (space[s] == x->label[d] && t->shape[d] > 1)
                view.stride[s] += stride;
        }
        stride *= t->shape[d];
    }
    return view;
}

/* Joins a and b, keeping the labels in `keep` and summing over all others. */
static struct labelled join(const struct einsum *e, const struct labelled *a,
                            const struct labelled *b, const char *keep, unsigned keep_rank)
{
    char space[3 * TENSOR_RANK_MAX];
    unsigned rank = keep_rank;
    memcpy(space, keep, keep_rank);
    const struct labelled *both[2] = {a, b};
    for (int k = 0; k < 2; k++) {
        for (unsigned d = 0; d < both[k]->rank; d++) {
            if (!has_label(space, rank, both[k]->label[d]))
                space[rank++] = both[k]->label[d];
        }
    }
    if (rank > RELATION_RANK_MAX)
        lowering_fail(e->l, STATUS_LIMIT, "%u different letters meet", rank);
    struct shape shape = {.rank = (uint8_t)rank};
    for (unsigned s = 0; s < rank; s++)
        shape.dim[s] = e->size[(unsigned char)space[s]];
    struct relation_view x = view_over(e, a, space, rank), y = view_over(e, b, space, rank);
    struct form form =
        form_fixed(lowering_fraction(e->l, a->tensor) + lowering_fraction(e->l, b->tensor));
    struct labelled out = {.rank = keep_rank};
    memcpy(out.label, keep, keep_rank);
    out.tensor = lowering_contract(e->l, &shape, (uint8_t)(rank - keep_rank), &x, &y, form);
    return out;
}

/* Labels of a and b that the output or a later operand has. */
static unsigned needed_labels(const struct einsum *e, const struct labelled *a, size_t next,
                              char *keep)
{
    unsigned rank = 0;
    const struct labelled *both[2] = {a, &e->operand[next]};
    for (int k = 0; k < 2; k++) {
        for (unsigned d = 0; d < both[k]->rank; d++) {
            char c = both[k]->label[d];
            bool later = has_label(e->out, e->out_rank, c);
            for (size_t i = next + 1; i < e->count; i++)
                later |= has_label(e->operand[i].label, e->operand[i].rank, c);
            if (later && !has_label(keep, rank, c) && rank < TENSOR_RANK_MAX)
                keep[rank++] = c;
        }
    }
    return rank;
}

void lower_einsum(struct lowering *l)
{
    struct einsum *e = lowering_array(l, struct einsum, 1);
    e->l = l;
    e->count = l->node->input_count;
    if (e->count == 0 || e->count > RELATION_RANK_MAX)
        lowering_fail(l, STATUS_UNSUPPORTED, "%zu operands", e->count);
    read_equation(e);
    struct labelled product = e->operand[0], one = {.tensor = lowering_constant_i64(l, 1)};
    for (size_t i = 1; i < e->count; i++) {
        char keep[TENSOR_RANK_MAX];
        bool is_last = i + 1 == e->count;
        unsigned rank = is_last ? e->out_rank : needed_labels(e, &product, i, keep);
        product = join(e, &product, &e->operand[i], is_last ? e->out : keep, rank);
    }
    if (e->count == 1)
        product = join(e, &product, &one, e->out, e->out_rank);
    lowering_output(l, 0, product.tensor);
}
