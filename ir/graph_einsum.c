/*
 * Reads an einsum equation (ONNX Einsum-12: numpy's, with "..." and the implicit output form)
 * against the shapes of its operands. Used by the shape rule and by the kernel.
 */
#include "ir/graph_kernel_shared.h"

#include <ctype.h>
#include <string.h>

/* One term of the equation: letters, with the axes of "..." spelled as codes above all letters. */
struct term {
    unsigned count;
    unsigned char label[TENSOR_RANK_MAX];
};

enum {
    FIRST_ELLIPSIS = 128
}; /* codes FIRST_ELLIPSIS .. FIRST_ELLIPSIS + depth - 1, right-aligned */

static enum status bad_equation(struct diag *diag, const char *equation)
{
    return diag_set(diag, STATUS_BAD_INPUT, "the equation '%s' does not fit the operands",
                    equation);
}

/* Reads up to ',', '-' or the end. depth: how many axes "..." stands for. */
static bool read_term(const char **text, unsigned depth, unsigned total_depth, struct term *term)
{
    *term = (struct term){0};
    for (;; (*text)++) {
        char c = **text;
        if (c == ' ')
            continue;
        if (c == '\0' || c == ',' || c == '-')
            return true;
        bool dots = strncmp(*text, "...", 3) == 0;
        unsigned more = dots ? depth : 1;
        if ((!dots && !isalpha((unsigned char)c)) || term->count + more > TENSOR_RANK_MAX)
            return false;
        for (unsigned i = 0; i < more; i++)
            term->label[term->count++] =
                (unsigned char)(dots ? (int)(FIRST_ELLIPSIS + total_depth - depth + i)
                                     : (unsigned char)c);
        if (dots)
            *text += 2;
    }
}

/* How many axes "..." stands for in the operand that starts at `text`; false when the ranks differ.
 */
static bool ellipsis_depth(const char *text, unsigned rank, unsigned *depth)
{
    unsigned letters = 0;
    bool dots = false;
    for (; *text != '\0' && *text != ',' && *text != '-'; text++) {
        letters += isalpha((unsigned char)*text) ? 1 : 0;
        dots = dots || *text == '.';
    }
    *depth = 0;
    if (letters > rank || (!dots && letters != rank))
        return false;
    *depth = rank - letters;
    return true;
}

struct labels {
    unsigned count;
    unsigned char code[EINSUM_LABELS_MAX];
};

/* The number of a label, added when new; EINSUM_LABELS_MAX when there is no room. */
static unsigned label_index(struct labels *labels, unsigned char code)
{
    for (unsigned i = 0; i < labels->count; i++)
        if (labels->code[i] == code)
            return i;
    if (labels->count == EINSUM_LABELS_MAX)
        return EINSUM_LABELS_MAX;
    labels->code[labels->count] = code;
    return labels->count++;
}

/* Without "->": "..." first, then the letters that occur once, in alphabetical order. */
static bool implicit_output(const struct term *term, size_t count, unsigned depth, struct term *out)
{
    unsigned seen[256] = {0};
    *out = (struct term){0};
    for (size_t k = 0; k < count; k++)
        for (unsigned i = 0; i < term[k].count; i++)
            seen[term[k].label[i]]++;
    for (unsigned i = 0; i < depth && out->count < TENSOR_RANK_MAX; i++)
        out->label[out->count++] = (unsigned char)(FIRST_ELLIPSIS + i);
    for (unsigned c = 0; c < FIRST_ELLIPSIS; c++) {
        if (seen[c] != 1)
            continue;
        if (out->count == TENSOR_RANK_MAX)
            return false;
        out->label[out->count++] = (unsigned char)c;
    }
    return true;
}

/* Numbers the labels, output first, and checks sizes. */
static bool lay_out(struct einsum_plan *plan, const struct term *term, size_t count,
                    const struct term *out, const struct shape *const *shapes)
{
    struct labels labels = {0};
    for (unsigned i = 0; i < out->count; i++)
        if (label_index(&labels, out->label[i]) != i)
            return false; /* an output index that is written twice */
    for (unsigned i = 0; i < EINSUM_LABELS_MAX; i++)
        plan->size[i] = 1;
    unsigned char used[EINSUM_LABELS_MAX] = {0};
    for (size_t k = 0; k < count; k++) {
        int64_t own[TENSOR_RANK_MAX];
        shape_strides(own, shapes[k]);
        for (unsigned i = 0; i < term[k].count; i++) {
            unsigned label = label_index(&labels, term[k].label[i]);
            int64_t size = shapes[k]->dim[i];
            if (label == EINSUM_LABELS_MAX)
                return false;
            if (size != 1 && plan->size[label] != 1 && plan->size[label] != size)
                return false;
            plan->size[label] = size != 1 ? size : plan->size[label];
            plan->stride[k][label] += size == 1 ? 0 : own[i];
            used[label] = 1;
        }
    }
    plan->label_count = labels.count;
    plan->out_rank = out->count;
    plan->out.rank = (uint8_t)out->count;
    for (unsigned i = 0; i < out->count; i++) {
        if (!used[i])
            return false; /* an output index that no operand has */
        plan->out.dim[i] = plan->size[i];
    }
    return true;
}

enum status einsum_parse(struct diag *diag, const char *equation, const struct shape *const *shapes,
                         size_t count, struct einsum_plan *plan)
{
    struct term term[EINSUM_OPERANDS_MAX], out;
    unsigned depth[EINSUM_OPERANDS_MAX], total = 0;
    *plan = (struct einsum_plan){0};
    if (count == 0 || count > EINSUM_OPERANDS_MAX)
        return bad_equation(diag, equation);
    /* Phase 1: the depth of "..." in every operand; the deepest is that of the output. */
    const char *text = equation;
    for (size_t k = 0; k < count; k++) {
        if (!ellipsis_depth(text, shapes[k]->rank, &depth[k]))
            return bad_equation(diag, equation);
        total = depth[k] > total ? depth[k] : total;
        text += strcspn(text, ",-");
        text += k + 1 < count && *text == ',';
    }
    /* Phase 2: the terms, each of which must end where the next begins. */
    text = equation;
    for (size_t k = 0; k < count; k++) {
        if (!read_term(&text, depth[k], total, &term[k]) || term[k].count != shapes[k]->rank)
            return bad_equation(diag, equation);
        if (k + 1 < count && *text++ != ',')
            return bad_equation(diag, equation);
    }
    if (text[0] == '-' && text[1] == '>') {
        text += 2;
        if (!read_term(&text, total, total, &out) || *text != '\0')
            return bad_equation(diag, equation);
    } else if (*text != '\0' || !implicit_output(term, count, total, &out)) {
        return bad_equation(diag, equation);
    }
    return lay_out(plan, term, count, &out, shapes) ? STATUS_OK : bad_equation(diag, equation);
}
