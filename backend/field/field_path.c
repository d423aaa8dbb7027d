/* Which path the out-of-line field functions take; see field.h. */
#include "backend/field/field.h"

#include "backend/field/field_limbs_adx.h"
#include "backend/field/field_path.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

#include <stdatomic.h>

/* -1 until probed. Every thread that probes finds the same answer, so a race stores equal values.
 */
_Atomic int field_path_in_use = -1;

bool field_has_path(enum field_path path)
{
    return path == FIELD_PATH_PORTABLE ||
           (path == FIELD_PATH_ADX && FIELD_BUILD_ADX && machine_cpu()->has_bmi2_adx);
}

enum field_path field_path(void)
{
    int path = atomic_load_explicit(&field_path_in_use, memory_order_relaxed);
    if (path < 0) {
        path = field_has_path(FIELD_PATH_ADX) ? FIELD_PATH_ADX : FIELD_PATH_PORTABLE;
        atomic_store_explicit(&field_path_in_use, path, memory_order_relaxed);
    }
    return (enum field_path)path;
}

void field_force_path(enum field_path path)
{
    ASSERT(field_has_path(path));
    atomic_store_explicit(&field_path_in_use, (int)path, memory_order_relaxed);
}

const char *field_path_name(enum field_path path)
{
    static const char *const name[FIELD_PATH_COUNT] = {"portable", "adx"};
    return (unsigned)path < FIELD_PATH_COUNT ? name[path] : "unknown";
}
