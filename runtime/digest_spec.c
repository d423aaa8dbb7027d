/* See digest_spec.h. */
#include "runtime/digest_spec.h"

#include "backend/hash/poseidon.h"
#include "backend/witness/digest.h"

enum { WIDTH = 3 };

bool digest_spec_init(struct digest_spec *spec, struct arena *arena)
{
    const struct poseidon *p = poseidon_get(POSEIDON_CIRCOMLIB, WIDTH);
    size_t count = (size_t)(p->full_rounds + p->partial_rounds) * WIDTH;
    wide *constants = arena_array(arena, wide, count),
         *mds = arena_array(arena, wide, WIDTH * WIDTH);
    if (constants == NULL || mds == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        constants[i] = digest_wide_from_fr(&p->round_constant[i]);
    for (size_t i = 0; i < WIDTH * WIDTH; i++)
        mds[i] = digest_wide_from_fr(&p->mds[i]);
    *spec = (struct digest_spec){p->full_rounds, p->partial_rounds, constants, mds,
                                 wide_from_i64((int64_t)DIGEST_DOMAIN)};
    return true;
}
