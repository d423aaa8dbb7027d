/*
 * A map from names to small numbers: each name added gets the next one, 0, 1, 2, ... and keeps it,
 * so that an array beside the table holds whatever belongs to the names, in the order they came.
 * The hash is fixed: tables behave alike on every machine and run.
 */
#ifndef SERTN_IR_SUPPORT_NAMES_H
#define SERTN_IR_SUPPORT_NAMES_H

#include "ir/support/arena.h"
#include "ir/support/status.h"

#include <stddef.h>
#include <stdint.h>

#define NAME_NONE UINT32_MAX

struct names {
    struct arena *arena; /* borrowed; holds the table and copies of the names */
    const char **text;   /* [count] */
    uint32_t *slot;      /* [slot_count]: number of a name + 1, or 0 */
    uint32_t count;
    uint32_t capacity;
    uint32_t slot_count; /* a power of two, at least 2 * capacity */
};

/* Makes an empty table whose memory comes from the arena, and is never given back before it. */
void names_init(struct names *names, struct arena *arena);

/* Returns the number of a name, or NAME_NONE. */
uint32_t names_find(const struct names *names, const char *name);

/* Returns the number of a name, adding it when new; NAME_NONE when the arena is full. */
uint32_t names_add(struct names *names, const char *name) SERTN_MUST_CHECK;

/* Returns the name of a number. Requires: number < names->count. */
const char *names_text(const struct names *names, uint32_t number);

#endif
