/*
 * Lowering of transforms: DFT, STFT. A transform is a product with a public matrix of cosines and
 * sines, one contraction; an STFT sees its signal through overlapping frames.
 */
#include <math.h>

#include "ir/graph_signal.h"
#include "passes/lower_window.h"

/*
 * The part of a transform that takes part `in` of element t to part `out` of a bin: [bins, parts
 * out, count, parts in], row-major.
 */
struct matrix {
    size_t bins, parts_out, count, parts_in, length;
    bool inverse, halved;
    const double *roots;
};

/* Adds what an element with real and imaginary part (re, im) gives to part `out` of a bin. */
static double turned(const struct matrix *m, size_t t, size_t bin, double re, double im, size_t out)
{
    size_t k = t * bin % m->length;
    double c = m->roots[2 * k], s = m->inverse ? m->roots[2 * k + 1] : -m->roots[2 * k + 1];
    return out == 0 ? re * c - im * s : re * s + im * c;
}

static double entry(const struct matrix *m, size_t bin, size_t out, size_t t, size_t in)
{
    double re = in == 0 ? 1 : 0, im = in == 0 ? 0 : 1, value = turned(m, t, bin, re, im, out);
    /* Half a spectrum stands for the other half too, conjugate. */
    if (m->halved && t > 0 && 2 * t < m->length)
        value += turned(m, m->length - t, bin, re, -im, out);
    return m->inverse ? value / (double)m->length : value;
}

/* factor: one number an element, or NULL. */
static uint32_t make_matrix(struct lowering *l, struct matrix *m, const double *factor,
                            double largest)
{
    m->roots = roots_of_unity(l->arena, m->length, l->diag);
    size_t count = m->bins * m->parts_out * m->count * m->parts_in, at = 0;
    double *values = lowering_array(l, double, count);
    lowering_require(l, m->roots == NULL ? STATUS_NO_MEMORY : STATUS_OK);
    for (size_t bin = 0; bin < m->bins; bin++)
        for (size_t out = 0; out < m->parts_out; out++)
            for (size_t t = 0; t < m->count; t++)
                for (size_t in = 0; in < m->parts_in; in++)
                    values[at++] = entry(m, bin, out, t, in) * (factor != NULL ? factor[t] : 1);
    struct shape shape = shape_of(1, (int64_t)count);
    uint32_t matrix =
        lowering_stored(l, "transform", &shape, values,
                        lowering_coefficient_bits(l, largest, (double)m->count), false);
    /* Entries are computed in float64, from roots that are correctly rounded. */
    lowering_widen_error(l, matrix, ldexp(bound_add(lowering_bound(l, matrix)->most, 1), -48));
    return matrix;
}

void lower_dft(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    struct shape shape = lowering_shape(l, x), result = lowering_output_shape(l, 0);
    struct dft dft;
    lowering_require(l, dft_read(l->diag, l->node, &shape,
                                 lowering_has_input(l, 1) ? lowering_known(l, 1) : NULL,
                                 lowering_has_input(l, 2) ? lowering_known(l, 2) : NULL, &dft));
    int64_t length = shape.dim[dft.axis], parts = (int64_t)dft.parts, outer = 1, inner = 1;
    for (unsigned d = 0; d + 1 < shape.rank; d++)
        *(d < dft.axis ? &outer : &inner) *= d == dft.axis ? 1 : shape.dim[d];
    size_t most = dft.halved ? dft.length / 2 + 1 : dft.length;
    struct matrix m = {.bins = dft.bins,
                       .parts_out = dft.halved ? 1 : 2,
                       .count = (size_t)length < most ? (size_t)length : most,
                       .parts_in = dft.parts,
                       .length = dft.length,
                       .inverse = dft.inverse,
                       .halved = dft.halved};
    uint32_t matrix = make_matrix(l, &m, NULL, lowering_largest(lowering_input_plan(l, 0)));
    int64_t line = (int64_t)m.count * parts;
    struct space space = {0};
    space_add_out(&space, outer, length * inner * parts, 0);
    space_add_out(&space, (int64_t)m.bins, 0, (int64_t)m.parts_out * line);
    space_add_out(&space, inner, parts, 0);
    space_add_out(&space, (int64_t)m.parts_out, 0, line);
    space_add_sum(&space, (int64_t)m.count, inner * parts, parts);
    space_add_sum(&space, parts, 1, 1);
    struct form form = form_fixed(lowering_fraction(l, x) + lowering_fraction(l, matrix));
    uint32_t y = lowering_contract_space(l, (struct space_operand){x, 0},
                                         (struct space_operand){matrix, 0}, &space, form);
    lowering_output(l, 0, lowering_reshape(l, y, &result));
}

/* Frames of the signal times the window: [batch, frames, length, parts]. */
static uint32_t windowed(struct lowering *l, uint32_t x, const struct stft *stft)
{
    struct shape signal = lowering_shape(l, x);
    int64_t parts = (int64_t)stft->parts;
    struct shape frames =
        shape_of(4, signal.dim[0], (int64_t)stft->frames, (int64_t)stft->length, parts);
    uint32_t window = lowering_trim(l, lowering_input(l, 2), lowering_input_fraction(l, 2), 6);
    struct relation_view from = {
        .tensor = x,
        .stride = {signal.dim[1] * parts, (int64_t)stft->step * parts, parts, 1},
        .high = {frames.dim[0], frames.dim[1], frames.dim[2], frames.dim[3]}};
    struct relation_view by = {
        .tensor = window,
        .stride = {0, 0, 1, 0},
        .high = {frames.dim[0], frames.dim[1], frames.dim[2], frames.dim[3]}};
    struct relation_term term = {
        .coefficient = wide_from_i64(1), .factor_count = 2, .factors = {from, by}};
    int32_t exact = lowering_fraction(l, x) + lowering_fraction(l, window);
    return lowering_product(l, &frames, form_fixed(exact), &term, 1, wide_from_i64(0));
}

void lower_stft(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    struct shape signal = lowering_shape(l, x), result = lowering_output_shape(l, 0);
    bool has_window = lowering_has_input(l, 2);
    struct stft stft;
    lowering_require(l, stft_read(l->diag, l->node, &signal, lowering_known(l, 1),
                                  has_window ? &lowering_graph_value(l, 2)->shape : NULL,
                                  lowering_has_input(l, 3) ? lowering_known(l, 3) : NULL, &stft));
    int64_t parts = (int64_t)stft.parts, length = (int64_t)stft.length, line = length * parts,
            step = (int64_t)stft.step * parts, batch = signal.dim[1] * parts;
    /* A window that everybody knows is part of the matrix. */
    const struct tensor *window = has_window ? lowering_data(l, 2) : NULL;
    bool is_folded = window != NULL && !lowering_is_parameter(l, 2);
    struct matrix m = {.bins = stft.bins,
                       .parts_out = 2,
                       .count = stft.length,
                       .parts_in = stft.parts,
                       .length = stft.length};
    uint32_t matrix = make_matrix(l, &m, is_folded ? window->data.real : NULL,
                                  lowering_largest(lowering_input_plan(l, 0)));
    if (has_window && !is_folded) {
        x = windowed(l, x, &stft);
        step = line;
        batch = (int64_t)stft.frames * line;
    }
    struct space space = {0};
    space_add_out(&space, signal.dim[0], batch, 0);
    space_add_out(&space, (int64_t)stft.frames, step, 0);
    space_add_out(&space, (int64_t)stft.bins, 0, 2 * line);
    space_add_out(&space, 2, 0, line);
    space_add_sum(&space, line, 1, 1);
    struct form form = form_fixed(lowering_fraction(l, x) + lowering_fraction(l, matrix));
    uint32_t y = lowering_contract_space(l, (struct space_operand){x, 0},
                                         (struct space_operand){matrix, 0}, &space, form);
    lowering_output(l, 0, lowering_reshape(l, y, &result));
}
