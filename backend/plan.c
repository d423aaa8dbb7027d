/* See plan.h. Constants were fitted on 2 cores of an AMD EPYC (Zen 3) and of a Xeon with AVX-512
 * IFMA; benchmarks/results keeps predicted against measured. */
#include "backend/plan.h"

#include "backend/commit/srs.h"
#include "backend/curve/affine_batch.h"
#include "backend/curve/msm.h"
#include "backend/field/field.h"
#include "backend/plonk/keys.h"
#include "ir/support/machine.h"

enum { PRODUCTS_MEASURED = 20000, ADDITIONS_MEASURED = 1024, ADDITION_RUNS = 12 };

/* Best of some runs of additions of points of a chain of multiples. */
static double measure_addition(void)
{
    static const size_t n = ADDITIONS_MEASURED;
    g1_affine multiple[ADDITIONS_MEASURED + 1], sum[ADDITIONS_MEASURED];
    fp scratch[AFFINE_SCRATCH(ADDITIONS_MEASURED)];
    g1 point;
    g1_set_infinity(&point);
    for (size_t i = 0; i <= n; i++) {
        g1_add_affine(&point, &point, &g1_generator);
        g1_to_affine(&multiple[i], &point);
    }
    double best = 1;
    for (unsigned run = 0; run < ADDITION_RUNS; run++) {
        double start = machine_seconds();
        affine_add_arrays(sum, multiple + 1, multiple, n, scratch);
        double seconds = machine_seconds() - start;
        best = seconds < best ? seconds : best;
    }
    return best * 1e9 / (double)n;
}

void plan_measure_prices(struct cost_prices *prices, unsigned threads)
{
    fr a, b;
    fr_from_u64(&a, 3);
    fr_from_u64(&b, 5);
    double start = machine_seconds();
    for (unsigned i = 0; i < PRODUCTS_MEASURED; i++)
        fr_mul(&a, &a, &b);
    double seconds = machine_seconds() - start;
    prices->product_ns = fr_is_zero(&a) ? 0 : seconds * 1e9 / PRODUCTS_MEASURED;
    prices->addition_ns = measure_addition();
    prices->threads = threads == 0 ? machine_cpu_count() : threads;
}

/* Gas of PlonkVerifier.verify called directly: base and calldata, nine to eleven multiplications,
 * one pairing, arithmetic. */
static double verify_gas(const struct plonk_layout *layout, uint32_t words)
{
    const double transaction = 21000, byte = 15.9, head_bytes = 420, pairing = 113000, point = 6450,
                 per_evaluation = 145;
    const double word = 512 + 58, arithmetic = 8900, per_bit = 30;
    double points = 8 + 1 + (double)layout->param_columns;
    const double contraction = layout->has_contraction ? 6300 : 0; /* no hint: an inversion */
    double calldata =
        ((double)layout->proof_bytes + (double)layout->vk_bytes - 64) * byte + head_bytes;
    return transaction + calldata + pairing + points * point +
           layout->evaluation_count * per_evaluation + words * word + arithmetic + contraction +
           per_bit * (28 - layout->lg_rows) * 2;
}

/* Full-size points of the commitments of one proof: columns of phase 1, T, W and W'. Everything
 * else a prover does grows with them. */
static double full_points(const struct plonk_layout *layout)
{
    double n = (double)layout->rows, challenge_columns = layout->has_contraction ? 4 : 3;
    return challenge_columns * n + 4 * n + 2 * (double)layout->srs_points;
}

/* Levels of the window table that the prover uses; 1 for none. */
static unsigned table_levels(const struct plonk_layout *layout)
{
    struct msm_bases shape = {.count = layout->srs_points, .levels = 1};
    size_t most = plonk_table_bytes(layout) / (shape.count * sizeof(g1_affine));
    msm_choose_table(&shape, shape.count,
                     most < SRS_TABLE_LEVELS ? (unsigned)most : SRS_TABLE_LEVELS);
    return shape.levels;
}

/* Nanoseconds of one core for each of them: windows grow with the logarithm of what is summed, and
 * what a sum costs beside its additions spreads over more. */
static double point_ns(const struct cost_prices *prices, const struct plonk_layout *layout)
{
    return (353 * prices->addition_ns + 559 * prices->product_ns) / layout->lg_rows +
           42 * prices->product_ns;
}

unsigned plan_columns(const struct circuit *circuit)
{
    unsigned contraction = circuit->has_contraction ? 1 : 2; /* qM, or h and g3 */
    return PLONK_COLUMNS - (CIRCUIT_PARAM_MAX - circuit->param_columns) - contraction;
}

void plan_circuit(struct plan *plan, const struct circuit *circuit, enum plonk_mode mode,
                  unsigned threads)
{
    struct plonk_layout layout;
    struct cost_prices prices;
    plonk_layout_init(&layout, mode, circuit->lg_rows, circuit->param_columns,
                      circuit->has_contraction);
    plan_measure_prices(&prices, threads);
    *plan = (struct plan){.columns = plan_columns(circuit),
                          .has_proof = circuit->lg_rows <= PLONK_LG_ROWS_MAX,
                          .proof_bytes = layout.proof_bytes,
                          .vk_bytes = layout.vk_bytes};
    while (((size_t)1 << plan->srs_power) * 2 - 1 < layout.srs_points)
        plan->srs_power++;
    if (mode == PLONK_MODE_GAS)
        plan->gas = verify_gas(&layout, circuit->public_word_count);
    /* Start, files and what runs on one thread take as long as 235,000 products; the second thread
     * does 90% of a core's work. */
    double parallel = prices.threads <= 1 ? 1 : 1 + 0.9 * (prices.threads - 1);
    plan->prove_seconds = 1e-9 * (235000 * prices.product_ns +
                                  full_points(&layout) * point_ns(&prices, &layout) / parallel);
    plan->verify_seconds = 0.0015;
    plan->keys_seconds = 0.7 * plan->prove_seconds;
    /* The process, its columns, and the window table. */
    unsigned levels = table_levels(&layout);
    uint64_t tables = levels > 1 ? levels * sizeof(g1_affine) * (uint64_t)layout.srs_points : 0;
    plan->prove_memory_bytes =
        4100000 + (circuit->has_contraction ? 3000 : 4200) * (uint64_t)layout.rows + tables;
}
