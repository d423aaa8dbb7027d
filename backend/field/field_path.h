/* The path record, for the inline branch of the out-of-line functions. Private to backend/field. */
#ifndef SERTN_BACKEND_FIELD_FIELD_PATH_H
#define SERTN_BACKEND_FIELD_FIELD_PATH_H

#include "backend/field/field.h"

#include <stdatomic.h>

extern _Atomic int field_path_in_use;

/* Returns whether the ADX path is in use; one load and a predicted branch once probed. */
static inline bool field_uses_adx(void)
{
    int path = atomic_load_explicit(&field_path_in_use, memory_order_relaxed);
    if (__builtin_expect(path < 0, 0))
        path = (int)field_path();
    return path == FIELD_PATH_ADX;
}

#endif
