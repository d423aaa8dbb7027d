/* label: fast libs: sertn_runtime */
/*
 * Contractions by held sums: products and convolutions of every shape, placed, checked against the
 * interpreter, and tampered with cell by cell.
 */
#include "tests/passes/tamper_kit.h"

#include "tests/passes/example.h"

static uint32_t add_input(struct example *e, int64_t count)
{
    uint32_t t = integers(e, ROLE_PRIVATE_INPUT, count, -8, 7, NULL);
    struct relation range = {.kind = RELATION_RANGE,
                             .node = RELATION_NONE,
                             .space_rank = 1,
                             .space = {count},
                             .view_count = 1,
                             .low = wide_from_i64(-8),
                             .high = wide_from_i64(7)};
    range.views[0] = (struct relation_view){.tensor = t, .stride = {1}, .high = {count}};
    relation_add(&e->program, &range);
    return t;
}

/* A relation over `rank` axes whose views are unbounded and begin at zero. */
static struct relation contract(uint8_t rank, const int64_t *space, uint8_t contract_rank,
                                uint32_t a, const int64_t *a_stride, uint32_t b,
                                const int64_t *b_stride)
{
    struct relation r = {.kind = RELATION_CONTRACT,
                         .node = RELATION_NONE,
                         .space_rank = rank,
                         .contract_rank = contract_rank,
                         .view_count = 2,
                         .output_count = 1};
    r.views[0].tensor = a;
    r.views[1].tensor = b;
    for (unsigned d = 0; d < rank; d++) {
        r.space[d] = space[d];
        r.views[0].stride[d] = a_stride[d];
        r.views[1].stride[d] = b_stride[d];
        r.views[0].high[d] = r.views[1].high[d] = space[d];
    }
    return r;
}

static uint32_t add_output(struct example *e, struct relation *r)
{
    int64_t count = 1;
    for (unsigned d = 0; d < (unsigned)(r->space_rank - r->contract_rank); d++)
        count *= r->space[d];
    r->outputs[0] = integers(e, ROLE_WITNESS, count, -100000, 100000, NULL);
    relation_add(&e->program, r);
    return r->outputs[0];
}

/* What every product spelled out takes, beside what was said of it. */
static void check_prediction(struct example *e, const struct place_summary *chosen)
{
    struct diag diag = {0};
    struct circuit circuit;
    struct place_summary summary;
    struct place_options options = {.capacity_bits = 253, .dot_gates_only = true};
    REQUIRE_OK(place_circuit(&circuit, &summary, &e->program, &options, &e->arena, &diag), &diag);
    REQUIRE_OK(circuit_validate(&circuit, &diag), &diag);
    CHECK(!circuit.has_contraction);
    CHECK_U64(summary.dot_gate_rows, (uint64_t)1 << circuit.lg_rows);
    CHECK_MSG(chosen->dot_gate_rows <= 2 * summary.dot_gate_rows &&
                  summary.dot_gate_rows <= 2 * chosen->dot_gate_rows,
              "%llu rows by dot gates, predicted as %llu",
              (unsigned long long)summary.dot_gate_rows, (unsigned long long)chosen->dot_gate_rows);
}

/* Places and tampers; the placement must choose held sums exactly when expected. */
static void finish(struct example *e, bool expect_held)
{
    struct diag diag = {0};
    struct circuit circuit;
    struct place_summary summary;
    struct place_options options = {.capacity_bits = 253};
    REQUIRE_OK(relation_validate(&e->program, 253, &diag), &diag);
    REQUIRE_OK(place_prepare(&e->program, &diag), &diag);
    REQUIRE_OK(place_circuit(&circuit, &summary, &e->program, &options, &e->arena, &diag), &diag);
    REQUIRE_OK(circuit_validate(&circuit, &diag), &diag);
    CHECK(circuit.has_contraction == expect_held);
    check_prediction(e, &summary);
    REQUIRE_OK(relation_values_init(&e->values, &e->program, &e->arena, &diag), &diag);
    for (uint32_t t = 0; t < e->program.tensor_count; t++) {
        const struct relation_tensor *tensor = &e->program.tensors[t];
        if (tensor->role != ROLE_PRIVATE_INPUT && tensor->role != ROLE_PARAMETER)
            continue;
        for (size_t i = 0; i < tensor->count; i++) {
            int64_t low = wide_is_zero(tensor->low) ? 0 : -8, size = low == 0 ? 8 : 16;
            REQUIRE(relation_value_set(
                &e->values, &e->program, t, i,
                wide_from_i64((int64_t)test_random_below((uint64_t)size) + low)));
        }
    }
    struct tamper_count count = tamper_program(&e->program, &e->values, 40);
    CHECK(count.cells > 20);
    end(e);
}

struct conv {
    int64_t channels, size[2], kernel[2], stride[2], dilation[2], pad[2], outputs, groups;
};

/* Input [C, H, W] and kernels [O, C / groups, KY, KX]; the padded input is a copy. */
static void add_conv(struct example *e, const struct conv *c)
{
    int64_t padded[2], out[2];
    for (int d = 0; d < 2; d++) {
        padded[d] = c->size[d] + 2 * c->pad[d];
        out[d] = (padded[d] - c->dilation[d] * (c->kernel[d] - 1) - 1) / c->stride[d] + 1;
    }
    uint32_t x = add_input(e, c->channels * c->size[0] * c->size[1]);
    int64_t area = padded[0] * padded[1], inner = c->channels / c->groups,
            each = c->outputs / c->groups, taps = c->kernel[0] * c->kernel[1];
    struct relation copy = {.kind = RELATION_LINEAR,
                            .node = RELATION_NONE,
                            .space_rank = 3,
                            .space = {c->channels, padded[0], padded[1]},
                            .term_count = 1,
                            .output_count = 1};
    struct relation_term term = {.coefficient = wide_from_i64(1), .factor_count = 1};
    term.factors[0] = (struct relation_view){
        .tensor = x,
        .offset = -c->pad[0] * c->size[1] - c->pad[1],
        .stride = {c->size[0] * c->size[1], c->size[1], 1},
        .low = {0, c->pad[0], c->pad[1]},
        .high = {c->channels, c->pad[0] + c->size[0], c->pad[1] + c->size[1]}};
    copy.terms = &term;
    copy.outputs[0] = integers(e, ROLE_WITNESS, c->channels * area, -8, 7, NULL);
    e->program.tensors[copy.outputs[0]].rank = 3;
    memcpy(e->program.tensors[copy.outputs[0]].shape, copy.space, 3 * sizeof(int64_t));
    relation_add(&e->program, &copy);
    uint32_t w = integers(e, ROLE_PARAMETER, c->outputs * inner * taps, -8, 7, NULL);
    const int64_t space[7] = {c->groups, each, out[0], out[1], inner, c->kernel[0], c->kernel[1]},
                  a[7] = {inner * area,  0,    c->stride[0] * padded[1],
                          c->stride[1],  area, c->dilation[0] * padded[1],
                          c->dilation[1]},
                  b[7] = {each * inner * taps, inner * taps, 0, 0, taps, c->kernel[1], 1};
    struct relation r = contract(7, space, 3, copy.outputs[0], a, w, b);
    uint32_t y = add_output(e, &r);
    e->program.tensors[y].rank = 4;
    memcpy(e->program.tensors[y].shape, space, 4 * sizeof *space);
    publish(e, y);
}

static void check_conv(struct conv c)
{
    struct example e;
    begin(&e);
    add_conv(&e, &c);
    finish(&e, true);
}

TEST(convolutions_of_every_shape)
{
    check_conv((struct conv){2, {6, 6}, {3, 3}, {1, 1}, {1, 1}, {0, 0}, 5, 1});
    check_conv((struct conv){2, {5, 6}, {3, 2}, {1, 1}, {1, 1}, {1, 2}, 7, 1});
    check_conv((struct conv){1, {7, 5}, {2, 2}, {1, 1}, {2, 1}, {1, 0}, 9, 1});
}

TEST(strided_convolutions_split_into_residues)
{
    check_conv((struct conv){2, {9, 8}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, 12, 1});
    check_conv((struct conv){1, {9, 9}, {3, 3}, {2, 1}, {1, 2}, {0, 0}, 16, 1});
    check_conv((struct conv){3, {8, 7}, {2, 3}, {3, 2}, {1, 1}, {0, 1}, 24, 1});
}

TEST(grouped_convolutions_are_chains_of_their_own)
{
    check_conv((struct conv){4, {7, 7}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, 8, 2});
    check_conv((struct conv){3, {8, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, 6, 3});
}

/* Y [M, N] = A [M, K] B [K, N]. */
static uint32_t add_product(struct example *e, int64_t m, int64_t k, int64_t n, uint32_t a,
                            uint32_t b)
{
    const int64_t space[3] = {m, n, k}, a_stride[3] = {k, 0, 1}, b_stride[3] = {0, 1, n};
    struct relation r = contract(3, space, 1, a, a_stride, b, b_stride);
    uint32_t y = add_output(e, &r);
    e->program.tensors[y].rank = 2;
    memcpy(e->program.tensors[y].shape, space, 2 * sizeof *space);
    return y;
}

TEST(products_with_private_weights)
{
    /* One to four columns: every kind of last part; odd and even inner sizes end there or here. */
    static const int64_t shape[][3] = {{40, 8, 7}, {50, 7, 8}, {90, 6, 6}, {120, 9, 5}, {20, 5, 9}};
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++) {
        struct example e;
        begin(&e);
        uint32_t a = add_input(&e, shape[i][0] * shape[i][1]);
        uint32_t b = integers(&e, ROLE_PARAMETER, shape[i][1] * shape[i][2], -8, 7, NULL);
        uint32_t y = add_product(&e, shape[i][0], shape[i][1], shape[i][2], a, b);
        publish(&e, y);
        finish(&e, true);
    }
}

/* Rows of weights that are also read: of the weights themselves, and of a copy of them, which is
 * a memory of values and takes the column that held sums need. */
TEST(products_beside_a_memory_of_their_weights)
{
    for (int is_copied = 0; is_copied < 2; is_copied++) {
        struct example e;
        begin(&e);
        uint32_t a = add_input(&e, 50 * 7), b = integers(&e, ROLE_PARAMETER, 7 * 8, -8, 7, NULL),
                 index = integers(&e, ROLE_PRIVATE_INPUT, 3, 0, 7, NULL), memory = b, y[2];
        struct relation range = {.kind = RELATION_RANGE,
                                 .node = RELATION_NONE,
                                 .space_rank = 1,
                                 .space = {3},
                                 .view_count = 1,
                                 .high = wide_from_i64(7)};
        range.views[0] = (struct relation_view){.tensor = index, .stride = {1}, .high = {3}};
        relation_add(&e.program, &range);
        if (is_copied) {
            struct relation_term term = {.coefficient = wide_from_i64(1), .factor_count = 1};
            term.factors[0] = (struct relation_view){
                .tensor = b, .offset = 7 * 8 - 1, .stride = {-1}, .high = {7 * 8}};
            struct relation copy = {.kind = RELATION_LINEAR,
                                    .node = RELATION_NONE,
                                    .space_rank = 1,
                                    .space = {7 * 8},
                                    .terms = &term,
                                    .term_count = 1,
                                    .output_count = 1};
            copy.outputs[0] = memory = integers(&e, ROLE_WITNESS, 7 * 8, -8, 7, NULL);
            relation_add(&e.program, &copy);
        }
        struct relation read = {.kind = RELATION_READ,
                                .node = RELATION_NONE,
                                .space_rank = 1,
                                .space = {3},
                                .view_count = 1,
                                .memory = memory,
                                .output_count = 1};
        read.views[0] = range.views[0];
        read.outputs[0] = y[1] = integers(&e, ROLE_WITNESS, 3, -8, 7, NULL);
        relation_add(&e.program, &read);
        y[0] = add_product(&e, 50, 7, 8, a, b);
        publish_all(&e, y, 2);
        finish(&e, !is_copied);
    }
}

TEST(products_of_two_witnesses)
{
    struct example e;
    begin(&e);
    uint32_t a = add_input(&e, 12 * 6), b = add_input(&e, 6 * 11);
    uint32_t y = add_product(&e, 12, 6, 11, a, b);
    publish(&e, y);
    finish(&e, true);
}

TEST(products_over_one_matrix_are_checked_together)
{
    struct example e;
    begin(&e);
    uint32_t b = integers(&e, ROLE_PARAMETER, 12 * 9, -8, 7, NULL), y[6];
    for (size_t i = 0; i < 6; i++)
        y[i] = add_product(&e, 1, 12, 9, add_input(&e, 12), b);
    publish_all(&e, y, 6);
    finish(&e, true);
}

TEST(one_row_times_a_matrix_is_spelled_out)
{
    struct example e;
    begin(&e);
    uint32_t b = integers(&e, ROLE_PARAMETER, 12 * 9, -8, 7, NULL);
    uint32_t y = add_product(&e, 1, 12, 9, add_input(&e, 12), b);
    publish(&e, y);
    finish(&e, false);
}
