/* Unpacks deflated bytes (RFC 1951), for members of NPZ archives. */
#ifndef SERTN_FRONTEND_INFLATE_H
#define SERTN_FRONTEND_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Fills out[0 .. out_count - 1] from the packed bytes. Returns false, out undefined, when they are
 * broken or give another number of bytes than out_count. Reads and writes nothing outside the two
 * buffers, whatever they hold.
 */
bool inflate_bytes(uint8_t *out, size_t out_count, const uint8_t *packed, size_t packed_count);

#endif
