/* See arweave_item.h. */
#include "runtime/arweave_item.h"

#include <string.h>

#include "backend/hash/keccak.h"
#include "backend/hash/sha256.h"
#include "runtime/jwk.h"
#include "runtime/signature.h"

enum { KIND_ARWEAVE = 1, KIND_ETHEREUM = 3, ADDRESS = 20, HASH = 32 };

/* What is left; failed for good when more is asked for. */
struct rest {
    const uint8_t *at;
    size_t count;
    bool failed;
};

static struct arweave_span take(struct rest *r, size_t count)
{
    struct arweave_span span = {r->at, count};
    if (r->failed || count > r->count) {
        r->failed = true;
        return (struct arweave_span){(const uint8_t *)"", 0};
    }
    r->at += count;
    r->count -= count;
    return span;
}

static uint64_t take_number(struct rest *r, size_t bytes)
{
    struct arweave_span span = take(r, bytes);
    uint64_t value = 0;
    for (size_t i = span.count; i > 0; i--)
        value = value << 8 | span.data[i - 1];
    return value;
}

/* A part that a flag says is there. */
static struct arweave_span take_optional(struct rest *r)
{
    uint64_t flag = take_number(r, 1);
    if (flag > 1)
        r->failed = true;
    return take(r, flag == 1 ? HASH : 0);
}

/* A long of Avro, zigzag; what does not fit 32 bits is not wanted here. */
static int64_t take_long(struct rest *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35 && !r->failed; shift += 7) {
        uint64_t byte = take_number(r, 1);
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    }
    r->failed = true;
    return 0;
}

static struct arweave_span take_text(struct rest *r)
{
    int64_t length = take_long(r);
    if (length < 0)
        r->failed = true;
    return take(r, r->failed ? 0 : (size_t)length);
}

/* Blocks of pairs until one of none. A block of a negative count says its bytes too. */
static bool read_tags(struct arweave_item *item, uint64_t expected)
{
    struct rest r = {item->tags.data, item->tags.count, false};
    if (item->tags.count == 0)
        return expected == 0;
    for (;;) {
        int64_t count = take_long(&r);
        if (count < 0)
            (void)take_long(&r);
        count = count < 0 ? -count : count;
        if (count == 0 || r.failed)
            break;
        for (; count > 0 && !r.failed; count--) {
            if (item->tag_count == ARWEAVE_MOST_TAGS)
                return false;
            item->tag[item->tag_count].name = take_text(&r);
            item->tag[item->tag_count].value = take_text(&r);
            item->tag_count++;
        }
    }
    return !r.failed && r.count == 0 && item->tag_count == expected;
}

static enum status hash_item(uint8_t hash[ARWEAVE_DEEP_HASH_BYTES], const struct arweave_item *item,
                             struct diag *diag)
{
    const char *kind = item->kind == KIND_ARWEAVE ? "1" : "3";
    const struct arweave_node parts[] = {
        {.bytes = "dataitem", .count = 8},
        {.bytes = "1", .count = 1},
        {.bytes = kind, .count = 1},
        {.bytes = item->owner.data, .count = item->owner.count},
        {.bytes = item->target.data, .count = item->target.count},
        {.bytes = item->anchor.data, .count = item->anchor.count},
        {.bytes = item->tags.data, .count = item->tags.count},
        {.bytes = item->data, .count = item->data_bytes},
    };
    const struct arweave_node list = {.count = sizeof parts / sizeof *parts, .items = parts};
    return arweave_deep_hash(hash, &list, diag);
}

static bool is_signed(const struct arweave_item *item, const uint8_t hash[ARWEAVE_DEEP_HASH_BYTES])
{
    uint8_t digest[HASH], signer[ADDRESS];
    struct diag ignored = {0};
    if (item->kind == KIND_ARWEAVE)
        return jwk_verify(item->signature.data, item->owner.data, hash, ARWEAVE_DEEP_HASH_BYTES);
    eip191_digest(digest, hash, ARWEAVE_DEEP_HASH_BYTES);
    if (item->owner.data[0] != 4 ||
        signature_recover(signer, digest, item->signature.data, &ignored) != STATUS_OK)
        return false;
    keccak256(digest, item->owner.data + 1, item->owner.count - 1);
    return memcmp(signer, digest + HASH - ADDRESS, ADDRESS) == 0;
}

enum status arweave_open_item(struct arweave_item *item, const void *bytes, size_t count,
                              struct diag *diag)
{
    struct rest r = {bytes, count, false};
    uint8_t hash[ARWEAVE_DEEP_HASH_BYTES];
    memset(item, 0, sizeof *item);
    item->kind = (uint16_t)take_number(&r, 2);
    bool is_arweave = item->kind == KIND_ARWEAVE;
    if (!r.failed && !is_arweave && item->kind != KIND_ETHEREUM)
        return diag_set(diag, STATUS_UNSUPPORTED, "a data item with a signature of kind %u",
                        item->kind);
    item->signature = take(&r, is_arweave ? JWK_BYTES : SIGNATURE_BYTES);
    item->owner = take(&r, is_arweave ? JWK_BYTES : SIGNATURE_POINT_BYTES);
    item->target = take_optional(&r);
    item->anchor = take_optional(&r);
    uint64_t tags = take_number(&r, 8), tag_bytes = take_number(&r, 8);
    if (tags > ARWEAVE_MOST_TAGS || tag_bytes > ARWEAVE_MOST_TAG_BYTES)
        r.failed = true;
    item->tags = take(&r, r.failed ? 0 : (size_t)tag_bytes);
    if (r.failed || !read_tags(item, tags))
        return diag_set(diag, STATUS_BAD_INPUT, "these %zu bytes are no data item of ANS-104",
                        count);
    item->data = r.at;
    item->data_bytes = r.count;
    sha256(item->id, item->signature.data, item->signature.count);
    enum status status = hash_item(hash, item, diag);
    if (status == STATUS_OK && !is_signed(item, hash))
        status =
            diag_set(diag, STATUS_REJECTED, "the signature of the data item is not its owner's");
    return status;
}
