/*
 * Evaluations against Horner's rule, and the quotient against its definition: columns of random
 * values that the constraints hold for, and T Z_H = all constraints at random points. In no column
 * of them are the highest coefficients what they happen to be in a circuit.
 */
#include "backend/plonk/rounds.h"
#include "backend/poly/ntt.h"
#include "tests/backend/plonk/random_challenges.h"
#include "tests/harness/harness.h"

#include <stdlib.h>
#include <string.h>

static fr *random_array(size_t n)
{
    fr *a = calloc(n, sizeof *a);
    REQUIRE(a != NULL);
    for (size_t i = 0; i < n; i++)
        random_fr(&a[i]);
    return a;
}

/* a at x; null is zero. */
static fr horner(const fr *a, size_t n, const fr *x)
{
    fr sum = fr_zero;
    for (size_t i = a != NULL ? n : 0; i-- > 0;) {
        fr_mul(&sum, &sum, x);
        fr_add(&sum, &sum, &a[i]);
    }
    return sum;
}

/* ---- evaluations ---------------------------------------------------------------------------- */

static void compare_evaluations(size_t n, fr *const *polynomial, unsigned count,
                                struct machine *machine)
{
    fr x, got[PLONK_COLUMNS], again[PLONK_COLUMNS];
    random_fr(&x);
    plonk_evaluate_all(NULL, got, polynomial, count, n, &x);
    plonk_evaluate_all(machine, again, polynomial, count, n, &x);
    for (unsigned i = 0; i < count; i++) {
        fr expected = horner(polynomial[i], n, &x);
        CHECK_MSG(fr_eq(&got[i], &expected), "polynomial %u of %u, %zu coefficients", i, count, n);
        CHECK_MSG(fr_eq(&again[i], &expected), "polynomial %u of %u, %zu coefficients, threads", i,
                  count, n);
    }
}

TEST(evaluations_are_horners_rule)
{
    static const size_t sizes[] = {1, 2, 15, 16, 17, 255, 256, 257, 1000, 4096, 4097, 5000};
    struct machine *machine = machine_new(3);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        fr *own[PLONK_COLUMNS], *polynomial[PLONK_COLUMNS];
        for (unsigned i = 0; i < PLONK_COLUMNS; i++)
            own[i] = polynomial[i] = random_array(n);
        compare_evaluations(n, polynomial, PLONK_COLUMNS, machine);
        compare_evaluations(n, polynomial + 3, 1, machine);
        compare_evaluations(n, polynomial, 0, machine);
        /* Null ones at both ends and within, repeated ones of a first and of a later one. */
        polynomial[0] = polynomial[7] = polynomial[8] = polynomial[PLONK_COLUMNS - 1] = NULL;
        polynomial[2] = polynomial[1];
        polynomial[5] = polynomial[9] = polynomial[4];
        polynomial[12] = polynomial[1];
        compare_evaluations(n, polynomial, PLONK_COLUMNS, machine);
        for (unsigned i = 0; i < PLONK_COLUMNS; i++)
            polynomial[i] = i % 2 == 0 ? NULL : own[3];
        compare_evaluations(n, polynomial, PLONK_COLUMNS, machine);
        for (unsigned i = 0; i < PLONK_COLUMNS; i++)
            polynomial[i] = NULL;
        compare_evaluations(n, polynomial, PLONK_COLUMNS, machine);
        for (unsigned i = 0; i < PLONK_COLUMNS; i++)
            free(own[i]);
    }
    machine_free(machine);
}

/* ---- the quotient --------------------------------------------------------------------------- */

/* A prover before its third round, without a circuit behind it. */
struct setup {
    struct plonk_proving_key key;
    struct plonk_prover prover;
    fr *column[PLONK_COLUMNS]; /* [n] values by row, then coefficients; null for zero */
    fr *work, *quotient;
    size_t quotient_count;
};

static bool lacks(const struct plonk_layout *layout, unsigned column)
{
    return (column == PLONK_W1 && layout->param_columns < 1) ||
           (column == PLONK_W2 && layout->param_columns < 2) ||
           ((column == PLONK_H || column == PLONK_G3) && !layout->has_contraction) ||
           (column == PLONK_QM && layout->has_contraction);
}

/* The gated part on a row. */
static fr gated_on_row(const struct setup *s, size_t row)
{
    const struct plonk_layout *layout = &s->key.vk.layout;
    struct plonk_values v;
    fr table, value;
    for (unsigned column = 0; column < PLONK_COLUMNS; column++)
        v.at[column] = s->column[column] != NULL ? s->column[column][row] : fr_zero;
    for (unsigned j = 0; j < PLONK_CHALLENGE_COLUMNS; j++)
        v.next[j] = s->column[PLONK_Z + j] != NULL
                        ? s->column[PLONK_Z + j][(row + 1) % layout->rows]
                        : fr_zero;
    plonk_table_tuple(&table, &v.at[PLONK_TTAG], &v.at[PLONK_TX], &v.at[PLONK_TY],
                      &s->prover.challenges);
    plonk_gated_value(&value, &v, &table, &s->key.omega[row], &s->prover.challenges,
                      plonk_shape_of(layout));
    return value;
}

/* Chooses m so that the gated part, which is linear in it, is zero on rows 0..U-1. */
static void solve_rows(struct setup *s)
{
    for (size_t row = 0; row < s->key.vk.layout.usable_rows; row++) {
        fr *m = &s->column[PLONK_M][row], at_zero, slope;
        *m = fr_zero;
        at_zero = gated_on_row(s, row);
        *m = fr_one;
        slope = gated_on_row(s, row);
        fr_sub(&slope, &slope, &at_zero);
        REQUIRE(!fr_is_zero(&slope));
        fr_inv(&slope, &slope);
        fr_mul(m, &slope, &at_zero);
        fr_neg(m, m);
    }
}

/* absent: whether a fixed column, by its number among them, is zero. twins: a1 and a2 are one. */
static void setup_init(struct setup *s, enum plonk_mode mode, unsigned lg_rows, unsigned params,
                       bool has_contraction, uint32_t absent, bool twins)
{
    struct diag diag = {0};
    memset(s, 0, sizeof *s);
    struct plonk_layout *layout = &s->key.vk.layout;
    plonk_layout_init(layout, mode, lg_rows, params, has_contraction);
    size_t n = layout->rows, end = layout->usable_rows;
    REQUIRE_OK(ntt_domain_init(&s->key.domain, lg_rows, &diag), &diag);
    s->key.omega = random_array(n);
    for (size_t i = 0; i < n; i++)
        ntt_domain_element(&s->key.domain, &s->key.omega[i], i);
    s->prover = (struct plonk_prover){
        .key = &s->key, .layout = layout, .kernels = plonk_kernels(), .diag = NULL};
    random_challenges(&s->prover.challenges);
    random_fr(&s->prover.public_value);

    for (unsigned column = 0; column < PLONK_COLUMNS; column++) {
        bool is_absent =
            column >= PLONK_FIXED_FIRST && (absent >> (column - PLONK_FIXED_FIRST) & 1) != 0;
        if (!lacks(layout, column) && !is_absent)
            s->column[column] = random_array(n);
    }
    if (twins) {
        free(s->column[PLONK_A2]);
        s->column[PLONK_A2] = s->column[PLONK_A1];
    }
    s->column[PLONK_Z][0] = fr_one;
    s->column[PLONK_PHI][0] = fr_zero;
    s->column[PLONK_Z][end] = fr_one;
    s->column[PLONK_PHI][end] = fr_zero;
    s->column[PLONK_S][end] = s->prover.public_value;
    solve_rows(s);
    for (unsigned j = 0; j < params; j++) {
        s->prover.parameter[j] = random_array(n);
        memcpy(s->prover.parameter[j], s->column[PLONK_W1 + j], end * sizeof(fr));
        ntt_inverse(NULL, &s->key.domain, s->prover.parameter[j]);
    }
    for (unsigned column = 0; column < PLONK_COLUMNS; column++) {
        if (s->column[column] != NULL && !(twins && column == PLONK_A2))
            ntt_inverse(NULL, &s->key.domain, s->column[column]);
        s->prover.column[column] = s->column[column];
        if (column >= PLONK_FIXED_FIRST)
            s->key.fixed[column - PLONK_FIXED_FIRST] = s->column[column];
    }

    s->prover.work_count = plonk_work_count(&s->key);
    s->prover.work = s->work = random_array(s->prover.work_count);
    for (unsigned k = 0; k < layout->quotient_parts; k++) {
        bool is_last = k + 1 == layout->quotient_parts;
        s->prover.quotient_count[k] = is_last ? layout->quotient_count - k * n : n + 1;
        s->quotient_count += s->prover.quotient_count[k];
    }
    s->quotient = random_array(s->quotient_count);
    fr *part = s->quotient;
    for (unsigned k = 0; k < layout->quotient_parts; k++) {
        s->prover.quotient[k] = part;
        part += s->prover.quotient_count[k];
    }
}

static void setup_release(struct setup *s)
{
    if (s->column[PLONK_A2] == s->column[PLONK_A1])
        s->column[PLONK_A2] = NULL;
    for (unsigned column = 0; column < PLONK_COLUMNS; column++)
        free(s->column[column]);
    for (unsigned j = 0; j < CIRCUIT_PARAM_MAX; j++)
        free(s->prover.parameter[j]);
    free(s->key.omega);
    free(s->work);
    free(s->quotient);
    ntt_domain_release(&s->key.domain);
}

/* Whether T Z_H is the value of all constraints at x. */
static bool holds_at(const struct setup *s, const fr *x)
{
    const struct plonk_layout *layout = &s->key.vk.layout;
    const struct plonk_challenges *c = &s->prover.challenges;
    size_t n = layout->rows;
    struct plonk_point point;
    fr evaluation[PLONK_EVALUATIONS_MAX], inverse[2], x_next, expected, got = fr_zero, t;
    plonk_point_init(&point, layout, x);
    fr_mul(&x_next, x, &point.omega);
    for (unsigned column = 0; column < PLONK_COLUMNS; column++) {
        int at = plonk_evaluation_index(layout, (enum plonk_column)column, false);
        if (at >= 0)
            evaluation[at] = horner(s->prover.column[column], n, x);
        if (at >= 0 && column >= PLONK_Z && column <= PLONK_H)
            evaluation[plonk_evaluation_index(layout, (enum plonk_column)column, true)] =
                horner(s->prover.column[column], n, &x_next);
    }
    for (unsigned i = 0; i < 2; i++)
        fr_inv(&inverse[i], &point.denominator[1 + i]);
    plonk_full_value(&expected, layout, &point, c, evaluation, inverse, &s->prover.public_value);
    for (unsigned j = 0; j < layout->param_columns; j++) {
        t = horner(s->prover.parameter[j], n, x);
        fr_mul(&t, &t, &c->alpha[3 + j]);
        fr_mul(&t, &t, &point.zero_tail);
        fr_sub(&expected, &expected, &t);
    }
    for (unsigned k = layout->quotient_parts; k-- > 0;) {
        fr_mul(&got, &got, &point.xi_n);
        t = horner(s->prover.quotient[k], s->prover.quotient_count[k], x);
        fr_add(&got, &got, &t);
    }
    fr_mul(&got, &got, &point.zero_all);
    return fr_eq(&got, &expected);
}

static void check_quotient(enum plonk_mode mode, unsigned lg_rows, unsigned params,
                           bool has_contraction, uint32_t absent, bool twins,
                           struct machine *machine)
{
    struct setup s;
    setup_init(&s, mode, lg_rows, params, has_contraction, absent, twins);
    const fr *highest = &s.quotient[s.quotient_count - 1];
    plonk_round_quotient(&s.prover);
    for (unsigned i = 0; i < 2; i++) {
        fr x;
        random_fr(&x);
        CHECK_MSG(holds_at(&s, &x),
                  "%s mode, 2^%u rows, %u parameter columns%s%s, fixed columns without %x",
                  plonk_mode_name(mode), lg_rows, params, has_contraction ? ", contraction" : "",
                  twins ? ", twins" : "", absent);
    }
    if (absent == 0)
        CHECK(!fr_is_zero(&highest[0]) && !fr_is_zero(&highest[-1]));
    /* The same with threads, and whatever lay in memory before. */
    fr *kept = random_array(s.quotient_count);
    memcpy(kept, s.quotient, s.quotient_count * sizeof *kept);
    s.prover.machine = machine;
    s.prover.blinding.counter = 0;
    for (size_t i = 0; i < s.prover.work_count; i++)
        random_fr(&s.work[i]);
    plonk_round_quotient(&s.prover);
    CHECK_BYTES(s.quotient, kept, s.quotient_count * sizeof *kept);
    free(kept);
    setup_release(&s);
}

TEST(the_quotient_times_its_divisor_is_all_constraints)
{
    enum { ALL = (1 << PLONK_FIXED_COLUMNS) - 1 };
    struct machine *machine = machine_new(3);
    for (unsigned mode = 0; mode < PLONK_MODES; mode++)
        for (unsigned params = 0; params <= 2; params++)
            for (unsigned held = 0; held <= (params < 2 ? 1 : 0); held++)
                for (unsigned lg_rows = PLONK_LG_ROWS_MIN; lg_rows <= 7; lg_rows++) {
                    enum plonk_mode m = (enum plonk_mode)mode;
                    uint32_t some = (uint32_t)test_random_below(ALL + 1);
                    check_quotient(m, lg_rows, params, held != 0, 0, false, machine);
                    check_quotient(m, lg_rows, params, held != 0, some, false, machine);
                    check_quotient(m, lg_rows, params, held != 0, some, true, machine);
                    check_quotient(m, lg_rows, params, held != 0, ALL, false, machine);
                }
    machine_free(machine);
}

/* Rows enough for several pieces in every loop. */
TEST(long_quotients_are_cut_into_pieces_and_stay_the_same)
{
    struct machine *machine = machine_new(3);
    check_quotient(PLONK_MODE_GAS, 14, 1, true, 0, false, machine);
    check_quotient(PLONK_MODE_FAST, 14, 2, false, 0, false, machine);
    machine_free(machine);
}
