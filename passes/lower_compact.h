/* Places where bits are set, for operators whose result has a size that depends on elements.
 * Private to lower_*.c. */
#ifndef SERTN_PASSES_LOWER_COMPACT_H
#define SERTN_PASSES_LOWER_COMPACT_H

#include "passes/lower_internal.h"

struct compaction {
    int64_t size; /* attribute count of the node */
    bool padded;
    uint32_t places; /* [size]: where bits are set, ascending; 0 behind the last */
    uint32_t
        valid; /* [size]: 1 where there is a result; RELATION_NONE when there is one everywhere */
    uint32_t count; /* rank 0: held to the size, or to at most the size */
};

/* bits: any shape, taken row-major. Requires: attribute count. */
struct compaction lowering_compact(struct lowering *l, uint32_t bits);
/* x with zeros at the places along an axis where there is no result. */
uint32_t lowering_valid_only(struct lowering *l, const struct compaction *c, uint32_t x,
                             unsigned axis);

#endif
