/*
 * Lookups: which table row or provider row holds the tuple that a slot looks up, and the weighted
 * multiplicities m. README section 1.3; U. Haboeck, Multivariate lookups based on logarithmic
 * derivatives, eprint 2022/1530.
 */
#ifndef SERTN_BACKEND_PLONK_LOOKUP_H
#define SERTN_BACKEND_PLONK_LOOKUP_H

#include "backend/field/field.h"
#include "backend/plonk/prove.h"
#include "ir/circuit.h"
#include "ir/support/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ORDER plonk_slot. */
enum plonk_slot { PLONK_SLOT_MEMORY, PLONK_SLOT_TABLE, PLONK_SLOT_RANGE, PLONK_SLOTS };

/* The rows of the table columns, found by tag and x. Depends on the circuit alone. */
struct plonk_lookup_index;

/* Builds it in the arena. Returns null when memory is out. */
struct plonk_lookup_index *plonk_lookup_index_new(struct arena *arena,
                                                  const struct circuit *circuit);

/* What a slot looks up: tag + theta e[0] + theta^2 e[1] + theta^3 e[2] + theta^4 e[3]. */
struct plonk_tuple {
    uint16_t tag; /* 0: the slot is off */
    fr e[4];
};

/* The tuple of a slot in a row; of a provider row, slot memory gives what it provides. */
void plonk_tuple_of(struct plonk_tuple *tuple, enum plonk_slot slot, const struct circuit_row *row,
                    const struct plonk_witness *witness, uint32_t index);

/* Provider rows of one witness, found by what they provide. */
struct plonk_providers {
    uint32_t *row; /* sorted by tag and contents, equal ones by row; owned by the arena */
    size_t count;
};

/* Collects the provider rows. Returns false when memory is out. */
bool plonk_providers_init(struct plonk_providers *providers, struct arena *arena,
                          const struct circuit *circuit, const struct plonk_witness *witness);

/* The lowest row that holds the tuple, table rows before provider rows; -1 when none does. */
int64_t plonk_lookup_find(const struct plonk_lookup_index *index,
                          const struct plonk_providers *providers, const struct circuit *circuit,
                          const struct plonk_witness *witness, const struct plonk_tuple *tuple);

/* A lookup that hit nothing. */
struct plonk_lookup_miss {
    size_t count;
    uint32_t row; /* of the first one */
    enum plonk_slot slot;
};

/*
 * m[i] = sum of the tags of the lookups that row i answers, for i < U; lookups without an answer
 * are counted in *miss and add nothing. Returns false when memory is out.
 */
bool plonk_lookup_multiplicities(int64_t *m, struct plonk_lookup_miss *miss,
                                 const struct plonk_lookup_index *index,
                                 const struct circuit *circuit, const struct plonk_witness *witness,
                                 struct arena *scratch);

#endif
