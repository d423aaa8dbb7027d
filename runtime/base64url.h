/*
 * base64url without padding (RFC 4648, 5): ids, keys and data of Arweave and of JSON web keys.
 */
#ifndef SERTN_RUNTIME_BASE64URL_H
#define SERTN_RUNTIME_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

#include "ir/support/buffer.h"

/* Appends the text of the bytes. */
void base64url_put(struct buffer *out, const void *bytes, size_t count);
/* Appends the bytes of a text. False, and nothing appended, for any text but the one that
 * base64url_put makes of them. */
bool base64url_take(struct buffer *out, const char *text);

#endif
