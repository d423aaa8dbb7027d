/* Names to numbers, by open addressing with linear steps: see names.h. */
#include "ir/support/names.h"

#include <string.h>

void names_init(struct names *names, struct arena *arena)
{
    *names = (struct names){.arena = arena};
}

/* FNV-1a, 64 bits, folded (Fowler, Noll, Vo; RFC 9923). */
static uint32_t hash_name(const char *name)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (const unsigned char *c = (const unsigned char *)name; *c != 0; c++)
        hash = (hash ^ *c) * 0x100000001B3u;
    return (uint32_t)(hash ^ hash >> 32);
}

/* Returns the slot that holds the name, or the free one where it would go. */
static uint32_t find_slot(const struct names *names, const char *name)
{
    uint32_t mask = names->slot_count - 1;
    uint32_t at = hash_name(name) & mask;
    while (names->slot[at] != 0 && strcmp(names->text[names->slot[at] - 1], name) != 0)
        at = (at + 1) & mask;
    return at;
}

uint32_t names_find(const struct names *names, const char *name)
{
    if (names->count == 0)
        return NAME_NONE;
    uint32_t entry = names->slot[find_slot(names, name)];
    return entry == 0 ? NAME_NONE : entry - 1;
}

/* Doubles the room. The old arrays stay in the arena: at most as much again as the new ones. */
static bool grow(struct names *names)
{
    if (names->capacity > UINT32_MAX / 8)
        return false;
    uint32_t capacity = names->capacity == 0 ? 16 : 2 * names->capacity;
    const char **text = arena_array(names->arena, const char *, capacity);
    uint32_t *slot = arena_array(names->arena, uint32_t, 2 * (size_t)capacity);
    if (text == NULL || slot == NULL)
        return false;
    if (names->count > 0)
        memcpy(text, names->text, names->count * sizeof *text);
    names->text = text;
    names->slot = slot;
    names->capacity = capacity;
    names->slot_count = 2 * capacity;
    for (uint32_t i = 0; i < names->count; i++)
        slot[find_slot(names, text[i])] = i + 1;
    return true;
}

uint32_t names_add(struct names *names, const char *name)
{
    uint32_t number = names_find(names, name);
    if (number != NAME_NONE)
        return number;
    if (names->count == names->capacity && !grow(names))
        return NAME_NONE;
    const char *copy = arena_strdup(names->arena, name);
    if (copy == NULL)
        return NAME_NONE;
    names->slot[find_slot(names, name)] = names->count + 1;
    names->text[names->count] = copy;
    return names->count++;
}

const char *names_text(const struct names *names, uint32_t number)
{
    ASSERT(number < names->count);
    return names->text[number];
}
