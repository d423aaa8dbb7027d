/* See graph_recurrent.h. Source: ONNX operator specification. */
#include "ir/graph_recurrent.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static unsigned gates_of(enum op_kind op)
{
    return op == OP_LSTM ? 4 : op == OP_GRU ? 3 : 1;
}

enum status recurrent_sizes_read(struct diag *diag, const struct graph_node *node,
                                 const struct shape *x, const struct shape *w,
                                 const struct shape *r, struct recurrent_sizes *sizes)
{
    const char *direction = graph_attribute_text(node, "direction", "forward");
    *sizes = (struct recurrent_sizes){.gates = gates_of(node->op),
                                      .directions = strcmp(direction, "bidirectional") == 0 ? 2 : 1,
                                      .batch_first = graph_attribute_int(node, "layout", 0) != 0};
    if (x->rank != 3 || w->rank != 3 || r->rank != 3)
        return diag_set(diag, STATUS_BAD_INPUT, "X, W and R must have rank 3");
    sizes->sequence = (size_t)x->dim[sizes->batch_first ? 1 : 0];
    sizes->batch = (size_t)x->dim[sizes->batch_first ? 0 : 1];
    sizes->input = (size_t)x->dim[2];
    sizes->hidden = (size_t)r->dim[2];
    int64_t rows = (int64_t)(sizes->gates * sizes->hidden);
    if (w->dim[0] != (int64_t)sizes->directions || r->dim[0] != w->dim[0] || w->dim[1] != rows ||
        r->dim[1] != rows || w->dim[2] != (int64_t)sizes->input ||
        graph_attribute_int(node, "hidden_size", r->dim[2]) != r->dim[2])
        return diag_set(diag, STATUS_BAD_INPUT,
                        "W and R do not fit X, the direction and hidden_size");
    return STATUS_OK;
}

/* Names with their default parameters; NaN: the function has no such parameter. */
static const struct recurrent_activation known_activations[] = {
    {"Relu", NAN, NAN},       {"Tanh", NAN, NAN},
    {"Sigmoid", NAN, NAN},    {"Softsign", NAN, NAN},
    {"Softplus", NAN, NAN},   {"Affine", 1.0, 0.0},
    {"LeakyRelu", 0.01, NAN}, {"ThresholdedRelu", 1.0, NAN},
    {"ScaledTanh", 1.0, 1.0}, {"HardSigmoid", 0.2, 0.5},
    {"Elu", 1.0, NAN},
};

static unsigned activation_count(enum op_kind op)
{
    return op == OP_LSTM ? 3 : op == OP_GRU ? 2 : 1;
}

static const char *default_activation(enum op_kind op, unsigned i)
{
    return op == OP_RNN || i > 0 ? "Tanh" : "Sigmoid";
}

enum status recurrent_activations_read(struct diag *diag, const struct graph_node *node,
                                       size_t directions, struct recurrent_activations *out)
{
    const struct graph_attribute *names = graph_attribute(node, "activations");
    const struct graph_attribute *alphas = graph_attribute(node, "activation_alpha");
    const struct graph_attribute *betas = graph_attribute(node, "activation_beta");
    unsigned each = activation_count(node->op);
    size_t alpha = 0, beta = 0;
    if (names != NULL && (names->kind != ATTRIBUTE_TEXTS || names->count != each * directions))
        return diag_set(diag, STATUS_BAD_INPUT, "%zu activations, expected %zu", names->count,
                        each * directions);
    for (size_t i = 0; i < each * directions; i++) {
        const char *name =
            names != NULL ? names->texts[i] : default_activation(node->op, (unsigned)i % each);
        const struct recurrent_activation *known = NULL;
        for (size_t k = 0; k < sizeof known_activations / sizeof *known_activations; k++)
            if (strcasecmp(name, known_activations[k].name) == 0)
                known = &known_activations[k];
        if (known == NULL)
            return diag_set(diag, STATUS_UNSUPPORTED, "activation '%s'", name);
        struct recurrent_activation *f = &out->of[i / each][i % each];
        *f = *known;
        if (!isnan(f->alpha) && alphas != NULL && alpha < alphas->count)
            f->alpha = alphas->reals[alpha++];
        if (!isnan(f->beta) && betas != NULL && beta < betas->count)
            f->beta = betas->reals[beta++];
    }
    return STATUS_OK;
}
