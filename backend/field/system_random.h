/* Random bytes of the operating system. */
#ifndef SERTN_BACKEND_FIELD_SYSTEM_RANDOM_H
#define SERTN_BACKEND_FIELD_SYSTEM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

/* Fills out[0..n) from getrandom(2); returns false, with out zeroed, when the system refuses. */
bool system_random_fill(void *out, size_t n);

#endif
