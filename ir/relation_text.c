/* See relation_text.h. */
#include "ir/relation_text.h"

#include <inttypes.h>
#include <string.h>

#include "ir/tensor.h"

/* ORDER enum relation_kind, relation_role, relation_hint */
static const char *const kinds[] = {"linear", "contract", "product", "is_zero", "rescale", "range",
                                    "table",  "read",     "permute", "hint",    "digest"};
static const char *const roles[] = {"witness", "public input", "private input", "parameter",
                                    "constant"};
static const char *const hints[] = {"divide_floor", "square_root", "arg_max",
                                    "arg_min",      "sort_order",  "bit_length"};

enum { LIST_SHOWN_MAX = 64 };

static void print_wide(FILE *out, wide value)
{
    char text[80];
    wide_format(text, value);
    fputs(text, out);
}

static void print_dims(FILE *out, unsigned rank, const int64_t *dims)
{
    fputc('[', out);
    for (unsigned d = 0; d < rank; d++)
        fprintf(out, "%s%" PRId64, d == 0 ? "" : ",", dims[d]);
    fputc(']', out);
}

static void print_tensor(FILE *out, size_t index, const struct relation_tensor *t)
{
    fprintf(out, "%%%zu %s '%s' ", index, roles[t->role], t->name);
    print_dims(out, t->rank, t->shape);
    fputc(' ', out);
    print_wide(out, t->low);
    fputs("..", out);
    print_wide(out, t->high);
    if (t->encoding == ENCODING_FIXED)
        fprintf(out, " fixed %" PRId64 "/%" PRId64 " 2^%" PRId32, t->scale.numerator,
                t->scale.denominator, t->scale.exponent);
    else if (t->encoding == ENCODING_FLOAT_KEY)
        fprintf(out, " key%u", t->key_bits);
    else if (t->encoding == ENCODING_FLOAT_BITS)
        fprintf(out, " bits of %s", element_type_name((enum element_type)t->key_bits));
    else
        fputs(" integer", out);
    fputs(t->has_nan        ? " nan"
          : t->has_infinity ? " -infinity"
          : t->keeps_sign   ? " signed"
                            : "",
          out);
    fputs(t->is_output ? " output" : "", out);
    for (size_t e = 0; t->role == ROLE_CONSTANT && e < t->count && e < LIST_SHOWN_MAX; e++) {
        fputs(e == 0 ? " = " : " ", out);
        print_wide(out, t->values[e]);
    }
    fputs(t->role == ROLE_CONSTANT && t->count > LIST_SHOWN_MAX ? " ...\n" : "\n", out);
}

static size_t space_count(const struct relation *r)
{
    size_t count = 1;
    for (unsigned d = 0; d < r->space_rank; d++)
        count *= (size_t)r->space[d];
    return count;
}

static bool is_whole(const struct relation_program *program, const struct relation *r,
                     const struct relation_view *view)
{
    const struct relation_tensor *t = &program->tensors[view->tensor];
    if (view->index_list != NULL || t->rank != r->space_rank ||
        memcmp(t->shape, r->space, t->rank * sizeof *t->shape) != 0)
        return false;
    struct relation_view whole =
        relation_view_whole(program, view->tensor, r->space_rank, r->space);
    bool same = whole.offset == view->offset;
    for (unsigned d = 0; d < r->space_rank; d++)
        same = same && whole.stride[d] == view->stride[d] && view->low[d] <= 0 &&
               view->high[d] >= r->space[d];
    return same;
}

static void print_view(FILE *out, const struct relation_program *program, const struct relation *r,
                       const struct relation_view *view)
{
    fprintf(out, " %%%" PRIu32, view->tensor);
    if (is_whole(program, r, view))
        return;
    fputc('{', out);
    size_t count = space_count(r);
    if (view->index_list != NULL) {
        for (size_t p = 0; p < count && p < LIST_SHOWN_MAX; p++)
            fprintf(out, "%s%" PRId64, p == 0 ? "" : " ", view->index_list[p]);
        fputs(count > LIST_SHOWN_MAX ? " ...}" : "}", out);
        return;
    }
    fprintf(out, "%" PRId64, view->offset);
    for (unsigned d = 0; d < r->space_rank; d++) {
        fprintf(out, " + %" PRId64 " i%u", view->stride[d], d);
        if (view->low[d] > 0 || view->high[d] < r->space[d])
            fprintf(out, " (%" PRId64 "..%" PRId64 ")", view->low[d], view->high[d] - 1);
    }
    fputc('}', out);
}

static void print_terms(FILE *out, const struct relation_program *program, const struct relation *r)
{
    for (size_t t = 0; t < r->term_count; t++) {
        fputs(t == 0 ? " " : " + ", out);
        print_wide(out, r->terms[t].coefficient);
        for (unsigned f = 0; f < r->terms[t].factor_count; f++)
            print_view(out, program, r, &r->terms[t].factors[f]);
    }
    if (!wide_is_zero(r->constant)) {
        fputs(" + ", out);
        print_wide(out, r->constant);
    }
}

static void print_details(FILE *out, const struct relation_program *program,
                          const struct relation *r)
{
    switch (r->kind) {
    case RELATION_RESCALE:
        if (!r->divisor_is_view) {
            fputs(" by ", out);
            print_wide(out, r->divisor);
        }
        fputs(r->rounding == ROUND_FLOOR ? " floor" : " half up", out);
        break;
    case RELATION_RANGE:
        fputs(" in ", out);
        print_wide(out, r->low);
        fputs("..", out);
        print_wide(out, r->high);
        break;
    case RELATION_TABLE:
        fprintf(out, " in table '%s' (%zu from %" PRId64 ")", program->tables[r->table].key,
                program->tables[r->table].size, program->tables[r->table].x_low);
        break;
    case RELATION_READ:
        fprintf(out, " of memory %%%" PRIu32, r->memory);
        break;
    case RELATION_HINT:
        fprintf(out, " %s %" PRId64, hints[r->hint], r->argument);
        break;
    case RELATION_CONTRACT:
        fprintf(out, " over the last %u", r->contract_rank);
        break;
    case RELATION_PRODUCT:
        fputs(r->is_assert ? " = 0" : "", out);
        break;
    case RELATION_LINEAR:
    case RELATION_IS_ZERO:
    case RELATION_PERMUTE:
    case RELATION_DIGEST:
        break;
    }
}

void relation_print(FILE *out, const struct relation_program *program)
{
    for (size_t i = 0; i < program->tensor_count; i++)
        print_tensor(out, i, &program->tensors[i]);
    for (size_t i = 0; i < program->relation_count; i++) {
        const struct relation *r = &program->relations[i];
        for (unsigned k = 0; k < r->output_count; k++)
            fprintf(out, "%s%%%" PRIu32, k == 0 ? "" : ", ", r->outputs[k]);
        fprintf(out, "%s%s ", r->output_count > 0 ? " = " : "", kinds[r->kind]);
        print_dims(out, r->space_rank, r->space);
        print_terms(out, program, r);
        for (unsigned k = 0; k < r->view_count; k++)
            print_view(out, program, r, &r->views[k]);
        print_details(out, program, r);
        fprintf(out, "  ; %s\n",
                r->node < program->node_count ? program->node_names[r->node] : "(compiler)");
    }
    fputs("public", out);
    for (size_t i = 0; i < program->public_tensor_count; i++)
        fprintf(out, " %%%" PRIu32, program->public_tensors[i]);
    fputc('\n', out);
}
