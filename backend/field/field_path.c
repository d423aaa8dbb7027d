/* Which path the out-of-line field functions take; see field.h. */
#include "backend/field/field.h"

#include "backend/field/field_limbs_adx.h"
#include "backend/field/field_path.h"

#include <stdatomic.h>

#if FIELD_BUILD_ADX
#include <cpuid.h>
#endif

/* -1 until probed. Every thread that probes finds the same answer, so a race stores equal values.
 */
_Atomic int field_path_in_use = -1;

static bool cpu_has_adx(void) {
#if FIELD_BUILD_ADX
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
        return false;
    const unsigned bmi2 = 1u << 8, adx = 1u << 19;
    return (ebx & bmi2) && (ebx & adx);
#else
    return false;
#endif
}

bool field_has_path(enum field_path path) {
    return path == FIELD_PATH_PORTABLE || (path == FIELD_PATH_ADX && cpu_has_adx());
}

enum field_path field_path(void) {
    int path = atomic_load_explicit(&field_path_in_use, memory_order_relaxed);
    if (path < 0) {
        path = field_has_path(FIELD_PATH_ADX) ? FIELD_PATH_ADX : FIELD_PATH_PORTABLE;
        atomic_store_explicit(&field_path_in_use, path, memory_order_relaxed);
    }
    return (enum field_path)path;
}

void field_force_path(enum field_path path) {
    if (field_has_path(path))
        atomic_store_explicit(&field_path_in_use, (int)path, memory_order_relaxed);
}

const char *field_path_name(enum field_path path) {
    static const char *const name[FIELD_PATH_COUNT] = {"portable", "adx"};
    return (unsigned)path < FIELD_PATH_COUNT ? name[path] : "unknown";
}
