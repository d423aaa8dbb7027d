/* Products of polynomials over the field, column by column. */
#include "backend/witness/product.h"

#include <stdlib.h>
#include <string.h>

#include "backend/field/field_vec.h"

void product_rest_release(struct product_rest *rest)
{
    if (rest->coefficient != NULL)
        fr_wipe(rest->coefficient, rest->count);
    free(rest->coefficient);
    *rest = (struct product_rest){0};
}

static void element_of(fr *out, const struct witness_source *source, uint32_t tensor,
                       int64_t element)
{
    if (element < 0)
        *out = fr_zero;
    else
        witness_fr_from_wide(out, source->element(source->context, tensor, (uint32_t)element));
}

/* Scratch: the sequence of a class, its kernel elements and their shifts. */
struct scratch {
    fr *sequence;
    size_t *kernel, *shift;
};

static void multiply_class(fr *out, const struct bilinear_form *form, struct scratch *s,
                           const struct witness_source *source, size_t group, size_t class)
{
    size_t length = form->sequence + form->span;
    for (size_t q = 0; q < form->sequence; q++)
        element_of(&s->sequence[q], source, form->moving->tensor,
                   bilinear_moving(form, form->moving, group, class, q));
    size_t count = bilinear_kernels(form, class, s->kernel, s->shift);
    for (size_t k = 0; k < count; k++) {
        for (size_t n = 0; n < form->columns; n++) {
            fr factor;
            element_of(&factor, source, form->still->tensor,
                       bilinear_still(form, group, class, s->kernel[k], n));
            fr_vec_axpy(out + n * length + form->span - s->shift[k], &factor, s->sequence,
                        form->sequence);
        }
    }
}

static enum status compute(struct product_rest *rest, const struct bilinear_form *form,
                           const struct witness_source *source, struct diag *diag)
{
    size_t length = form->sequence + form->span, block = form->columns * length;
    rest->count = form->groups * block;
    struct scratch s = {malloc(form->sequence * sizeof *s.sequence),
                        malloc(form->kernels * sizeof *s.kernel),
                        malloc(form->kernels * sizeof *s.shift)};
    rest->coefficient = calloc(rest->count, sizeof *rest->coefficient);
    enum status status = STATUS_OK;
    if (rest->coefficient == NULL || s.sequence == NULL || s.kernel == NULL || s.shift == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the products of a contraction");
    for (size_t g = 0; g < form->groups && status == STATUS_OK; g++)
        for (size_t c = 0; c < form->classes; c++)
            multiply_class(rest->coefficient + g * block, form, &s, source, g, c);
    if (s.sequence != NULL)
        fr_wipe(s.sequence, form->sequence);
    free(s.sequence);
    free(s.kernel);
    free(s.shift);
    return status;
}

enum status product_rest_get(struct product_rest *rest, fr *value,
                             const struct witness_source *source, uint32_t relation,
                             uint32_t element, struct diag *diag)
{
    bool swapped = element & 1;
    if (rest->relation != relation + 1 || rest->swapped != swapped) {
        struct bilinear_form form;
        product_rest_release(rest);
        if (source->program == NULL || relation >= source->program->relation_count ||
            !bilinear_form_init(&form, &source->program->relations[relation], swapped))
            return diag_set(diag, STATUS_BAD_INPUT,
                            "the circuit asks for products of relation %u, which has none",
                            relation);
        enum status status = compute(rest, &form, source, diag);
        if (status != STATUS_OK) {
            product_rest_release(rest);
            return status;
        }
        rest->relation = relation + 1;
        rest->swapped = swapped;
    }
    if (element / 2 >= rest->count)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the circuit asks for coefficient %u of the products of relation %u, which "
                        "has %zu",
                        element / 2, relation, rest->count);
    *value = rest->coefficient[element / 2];
    return STATUS_OK;
}
