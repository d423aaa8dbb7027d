/*
 * Keys: what is fixed about a circuit before anything is proved.
 *
 * The verifying key is public and its bytes are README section 3; its keccak256, the vk digest,
 * names it everywhere. The proving key is rebuilt from the circuit, the SRS and the verifying key
 * whenever a prover starts: only the commitments are slow, and those stand in the verifying key.
 *
 * Who calls it: key generation and the prover's start in runtime; the emitter reads verifying keys.
 * Chief invariant: a verifying key depends on the circuit, the mode, the SRS and [p1], [p2] alone.
 */
#ifndef SERTN_BACKEND_PLONK_KEYS_H
#define SERTN_BACKEND_PLONK_KEYS_H

#include "backend/commit/srs.h"
#include "backend/curve/curve.h"
#include "backend/field/field.h"
#include "backend/plonk/layout.h"
#include "backend/poly/ntt.h"
#include "ir/circuit.h"
#include "ir/support/arena.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

#include <stddef.h>
#include <stdint.h>

struct plonk_lookup_index;

/* A parsed verifying key. Plain data. */
struct plonk_verifying_key {
    struct plonk_layout layout;
    uint32_t word_count; /* public words of a statement */
    uint8_t circuit_digest[32];
    uint8_t srs_digest[32];
    unsigned fixed_count;                    /* fixed groups: 2 in gas mode, 14 in fast mode */
    g1_affine fixed[PLONK_FIXED_COLUMNS];    /* infinity where a whole group is zero */
    g1_affine parameters[CIRCUIT_PARAM_MAX]; /* [p1], [p2]: never infinity */
    uint8_t digest[32];                      /* keccak256 of the bytes */
};

/* Most public words of one statement: the bound that vk parsing enforces. */
enum { PLONK_WORDS_MAX = 1 << 20 };

/* Writes layout.vk_bytes bytes and sets key->digest. */
void plonk_vk_serialize(uint8_t *bytes, struct plonk_verifying_key *key);

/*
 * Reads what plonk_vk_serialize writes; bytes are untrusted.
 * Ensures: serialising the result gives the same bytes.
 * Errors: STATUS_BAD_INPUT for a wrong length, version, menu, size, a non-zero reserved byte, a
 * point that is not canonical or not on the curve, or a parameter commitment at infinity.
 */
enum status plonk_vk_parse(struct plonk_verifying_key *key, const uint8_t *bytes, size_t count,
                           struct diag *diag) SERTN_MUST_CHECK;

/*
 * The private randomness of [p1], [p2]: rows U and U + 1 of each parameter column. Drawn once when
 * keys are made, kept with the weights, needed for every proof.
 */
struct plonk_parameter_tail {
    fr value[CIRCUIT_PARAM_MAX][2];
};

enum { PLONK_PARAMETER_TAIL_BYTES = 32 * 2 * CIRCUIT_PARAM_MAX };

/* Draws from the operating system. Errors: STATUS_IO when it gives no randomness. */
enum status plonk_parameter_tail_draw(struct plonk_parameter_tail *tail,
                                      struct diag *diag) SERTN_MUST_CHECK;
void plonk_parameter_tail_serialize(uint8_t bytes[PLONK_PARAMETER_TAIL_BYTES],
                                    const struct plonk_parameter_tail *tail);
/* Errors: STATUS_BAD_INPUT for a wrong length or a number not below the modulus. */
enum status plonk_parameter_tail_parse(struct plonk_parameter_tail *tail, const uint8_t *bytes,
                                       size_t count, struct diag *diag) SERTN_MUST_CHECK;
void plonk_parameter_tail_wipe(struct plonk_parameter_tail *tail);

/*
 * What a prover keeps in memory: fixed columns in coefficient form, the permutation, an index of
 * the tables. Life cycle: plonk_keys_make or plonk_proving_key_load, then plonk_proving_key_release
 * (safe on a zeroed one).
 */
struct plonk_proving_key {
    struct plonk_verifying_key vk;
    const struct circuit *circuit; /* borrowed */
    const struct srs *srs;         /* borrowed */
    struct machine *machine;       /* borrowed, may be null: one thread */
    struct srs_lagrange bases[2];  /* for plonk_proving_key_bases, when has_bases */
    bool has_bases;
    struct ntt_domain domain;      /* of order n */
    struct arena arena;            /* owns what follows */
    fr *omega;                     /* [n] omega^i */
    fr *constants;                 /* [circuit->constant_count] */
    unsigned twin[CIRCUIT_ADVICE]; /* the first advice column that each always equals, or itself */
    uint32_t *sigma; /* [3 n] cell = column * n + row; the cell that each cell maps to */
    fr *fixed[PLONK_FIXED_COLUMNS]; /* [n] coefficients; null for a column of zeros */
    struct plonk_lookup_index *tables;
};

/* keccak256 of the canonical circuit bytes (ir/circuit.h). Errors: STATUS_NO_MEMORY. */
enum status plonk_circuit_digest(uint8_t digest[32], const struct circuit *circuit,
                                 struct diag *diag) SERTN_MUST_CHECK;

/*
 * Makes the verifying key of a circuit.
 *
 * Requires: circuit_validate accepted it. parameters[j] has U values for j < param_columns: the
 * cells of column w_(j+1) in row order, zero where unused. machine may be null: one thread.
 * Ensures: the degree of T was recomputed from the constraints and equals 5(n-1) + b' - n, and no
 * weight sum of the lookups reaches the modulus.
 * Errors: STATUS_LIMIT when the SRS is too short (the sentence names the powers needed),
 * STATUS_NO_MEMORY.
 */
enum status plonk_vk_make(struct plonk_verifying_key *vk, const struct circuit *circuit,
                          enum plonk_mode mode, const struct srs *srs,
                          const fr *const parameters[CIRCUIT_PARAM_MAX],
                          const struct plonk_parameter_tail *tail, struct machine *machine,
                          struct diag *diag) SERTN_MUST_CHECK;

/* The same over given parameter commitments, param_columns points: how `keys --check` recomputes a
 * verifying key. */
enum status plonk_vk_make_over(struct plonk_verifying_key *vk, const struct circuit *circuit,
                               enum plonk_mode mode, const struct srs *srs,
                               const g1_affine *parameters, struct machine *machine,
                               struct diag *diag) SERTN_MUST_CHECK;

/* The part of a verifying key that needs no commitment. For plonk_vk_make and the loading of keys.
 * circuit_digest is that of the circuit where the caller knows it; null: it is computed. Errors: as
 * of plonk_vk_make. */
enum status plonk_vk_start(struct plonk_verifying_key *vk, const struct circuit *circuit,
                           const uint8_t *circuit_digest, enum plonk_mode mode,
                           const struct srs *srs, struct diag *diag) SERTN_MUST_CHECK;

/* Makes the verifying key, and the proving key with it. circuit, srs and machine outlive the key;
 * for the rest as plonk_vk_make. */
enum status plonk_keys_make(struct plonk_proving_key *key, const struct circuit *circuit,
                            enum plonk_mode mode, const struct srs *srs,
                            const fr *const parameters[CIRCUIT_PARAM_MAX],
                            const struct plonk_parameter_tail *tail, struct machine *machine,
                            struct diag *diag) SERTN_MUST_CHECK;

/*
 * Rebuilds the proving key that belongs to a verifying key. circuit_digest as in plonk_vk_start.
 * Errors: STATUS_BAD_INPUT when vk is of another circuit or another SRS; else as plonk_keys_make.
 */
enum status plonk_proving_key_load(struct plonk_proving_key *key, const struct circuit *circuit,
                                   const uint8_t *circuit_digest,
                                   const struct plonk_verifying_key *vk, const struct srs *srs,
                                   struct machine *machine, struct diag *diag) SERTN_MUST_CHECK;

/*
 * The most bytes that a window table of the powers may take (srs_use_table): SRS_TABLE_BYTES, and
 * three levels in fast mode, where most sums are over as many powers as there are rows.
 */
size_t plonk_table_bytes(const struct plonk_layout *layout);

/*
 * Opens strided Lagrange bases for the witness columns, from the cache of srs.h. With them a
 * commitment costs by the width of the values; proofs are the same bytes either way.
 * Errors: STATUS_NO_MEMORY. Cost: when they are not cached yet, that of srs_lagrange_open.
 */
enum status plonk_proving_key_open_bases(struct plonk_proving_key *key,
                                         struct diag *diag) SERTN_MUST_CHECK;

/* The bases of the groups of phase 0 or 1; both are the same where groups are as long. Requires:
 * has_bases. */
const struct srs_lagrange *plonk_proving_key_bases(const struct plonk_proving_key *key,
                                                   enum plonk_phase phase);

/* The n values of a parameter column: its U cells, the random tail, zeros. */
void plonk_parameter_values(fr *out, const struct plonk_layout *layout, const fr *cells,
                            const fr tail[2]);

/* out = value mod r. Requires: |value| < 2^255. */
void plonk_fr_from_wide(fr *out, wide value);

void plonk_proving_key_release(struct plonk_proving_key *key);

#endif
