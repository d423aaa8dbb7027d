/*
 * The bit columns of a setup proof, sums over them, and the quotient T. README section 8. Private
 * to this folder.
 */
#ifndef SERTN_BACKEND_PLONK_SETUP_QUOTIENT_H
#define SERTN_BACKEND_PLONK_SETUP_QUOTIENT_H

#include "backend/commit/kzg.h"
#include "backend/plonk/setup_ranges.h"
#include "ir/support/machine.h"

/* What stands in the rows. Pointers are borrowed but for domain. */
struct setup_table {
    const struct setup_ranges *ranges;
    struct machine *machine;
    struct ntt_domain domain; /* of order n */
    size_t n, words;          /* words: of a row of bits */
    size_t quotient_count;    /* coefficients of T: n + b' - 1 */
    size_t scratch_limit;     /* elements that all threads together may have for themselves */
    uint64_t *bits;           /* [n][words] */
    fr *full;                 /* [K][full_count] added to the bits in rows full_row[i] */
    uint32_t full_row[KZG_MOST_FULL_ROWS];
    unsigned full_count;
    fr *parameter[CIRCUIT_PARAM_MAX]; /* [n] values of p_j, its tail included */
};

/* out[i] += sum_k factor[k] e_k(omega^i) for i < n. */
void setup_table_combine(fr *out, const struct setup_table *table, const fr *factor);

/* out[k] = sum_i e_k(omega^i) weight[i] for k < K. */
void setup_table_dot(fr *out, const struct setup_table *table, const fr *weight);

/* Elements of work that setup_quotient needs; the other users of it need n. */
size_t setup_work_count(const struct setup_table *table);

/*
 * Coefficients of T = Z_off F / Z_H. When the constraints do not hold there is none, and some
 * polynomial comes out.
 */
void setup_quotient(fr *quotient, const struct setup_table *table, const struct setup_alpha *alpha,
                    const struct plonk_layout *layout, fr *work);

#endif
