/* Rows of the in-circuit hash. */
#include "passes/place_internal.h"

void place_digest(struct place *place, const struct relation *relation, uint32_t index)
{
    (void)relation;
    place_fail(place, STATUS_UNSUPPORTED, "relation %u: hashed values have no rows in this table",
               index);
}
