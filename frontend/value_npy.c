/*
 * Inputs as numpy arrays: see value_file.h. Format: numpy, "The .npy file format", versions 1.0
 * to 3.0; NPZ is a ZIP archive (PKWARE APPNOTE 6.3) of such files, stored or deflated (RFC 1951,
 * frontend/inflate).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/inflate.h"
#include "frontend/tensor_parts.h"
#include "frontend/value_format.h"

/* The header of a .npy file. */
struct npy {
    char kind; /* f i u b U S */
    unsigned width;
    bool big_endian, column_major;
    struct shape shape;
    const uint8_t *data;
    size_t data_bytes;
};

static uint32_t load_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static uint32_t load_u16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static enum status bad_header(struct diag *diag, const char *what)
{
    return diag_set(diag, STATUS_BAD_INPUT, "not a NPY array that can be read: %s", what);
}

/* The text after 'key': in the header's dictionary, or NULL. */
static const char *entry(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (at == NULL)
        return NULL;
    at += strlen(key);
    at += strspn(at, " :");
    return at;
}

static enum status parse_shape(struct npy *npy, const char *text, struct diag *diag)
{
    if (text == NULL || *text != '(')
        return bad_header(diag, "its header has no shape");
    text++;
    for (;;) {
        text += strspn(text, " ,");
        if (*text == ')')
            return STATUS_OK;
        char *end;
        errno = 0;
        long long dim = strtoll(text, &end, 10);
        if (end == text || errno != 0 || dim < 0)
            return bad_header(diag, "its shape is broken");
        if (npy->shape.rank == TENSOR_RANK_MAX)
            return bad_header(diag, "it has too many dimensions");
        npy->shape.dim[npy->shape.rank++] = dim;
        text = end + (*end == 'L');
    }
}

static enum status parse_type(struct npy *npy, const char *text, struct diag *diag)
{
    if (text == NULL || (*text != '\'' && *text != '"'))
        return bad_header(diag, "its element type is structured or missing");
    text++;
    npy->big_endian = *text == '>';
    if (strchr("<>|=", *text) != NULL && *text != 0)
        text++;
    npy->kind = *text == 0 ? '?' : *text;
    unsigned long width = npy->kind == '?' ? 1 : strtoul(text + 1, NULL, 10);
    npy->width = width > 1 << 20 ? 0 : (unsigned)width;
    bool is_number = npy->kind == 'f' ? width == 2 || width == 4 || width == 8
                     : npy->kind == 'i' || npy->kind == 'u'
                         ? width == 1 || width == 2 || width == 4 || width == 8
                         : npy->kind == 'b' && width == 1;
    bool is_text = (npy->kind == 'U' || npy->kind == 'S') && npy->width > 0;
    return is_number || is_text
               ? STATUS_OK
               : bad_header(diag, "its elements are neither numbers, booleans nor strings");
}

static enum status parse_npy(struct npy *npy, const uint8_t *bytes, size_t count,
                             struct arena *arena, struct diag *diag)
{
    *npy = (struct npy){0};
    if (count < 12 || bytes[6] < 1 || bytes[6] > 3)
        return bad_header(diag, "its version is unknown");
    size_t start = bytes[6] == 1 ? 10 : 12;
    size_t length = bytes[6] == 1 ? load_u16(bytes + 8) : load_u32(bytes + 8);
    if (length > count - start)
        return bad_header(diag, "its header is cut off");
    char *header = arena_strndup(arena, (const char *)bytes + start, length);
    if (header == NULL)
        return arena_failure(arena, length, "a header", diag);
    enum status status = parse_type(npy, entry(header, "'descr'"), diag);
    if (status == STATUS_OK)
        status = parse_shape(npy, entry(header, "'shape'"), diag);
    const char *order = entry(header, "'fortran_order'");
    npy->column_major = order != NULL && strncmp(order, "True", 4) == 0;
    npy->data = bytes + start + length;
    npy->data_bytes = count - start - length;
    return status;
}

static enum element_type npy_type(const struct npy *npy)
{
    if (npy->kind == 'f')
        return npy->width == 2 ? ELEMENT_F16 : npy->width == 4 ? ELEMENT_F32 : ELEMENT_F64;
    if (npy->kind == 'i')
        return npy->width == 1   ? ELEMENT_I8
               : npy->width == 2 ? ELEMENT_I16
               : npy->width == 4 ? ELEMENT_I32
                                 : ELEMENT_I64;
    if (npy->kind == 'u')
        return npy->width == 1   ? ELEMENT_U8
               : npy->width == 2 ? ELEMENT_U16
               : npy->width == 4 ? ELEMENT_U32
                                 : ELEMENT_U64;
    return npy->kind == 'b' ? ELEMENT_BOOL : ELEMENT_STRING;
}

/* One code point of up to 21 bits as UTF-8; the number of bytes. */
static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code > 0x10FFFF)
        code = 0xFFFD;
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(lead[more] | code >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3F));
    return more + 1;
}

static const char *npy_text(const struct npy *npy, const uint8_t *bytes, struct arena *arena)
{
    if (npy->kind == 'S')
        return arena_strndup(arena, (const char *)bytes, strnlen((const char *)bytes, npy->width));
    char *text = arena_alloc(arena, 4 * (size_t)npy->width + 1);
    size_t used = 0;
    for (unsigned i = 0; text != NULL && i < npy->width; i++) {
        uint32_t code = load_u32(bytes + 4 * i);
        if (npy->big_endian)
            code = __builtin_bswap32(code);
        if (code == 0)
            break;
        used += put_utf8(text + used, code);
    }
    return text;
}

/* The elements, turned to little-endian and row-major, as a tensor of the file's own type. */
static enum status npy_tensor(const struct npy *npy, struct tensor **out, struct arena *arena,
                              struct diag *diag)
{
    size_t count, cell = npy->kind == 'U' ? 4 * (size_t)npy->width : npy->width;
    if (!shape_count(&npy->shape, TENSOR_ELEMENT_LIMIT, &count))
        return diag_set(diag, STATUS_LIMIT, "more than %zu elements", TENSOR_ELEMENT_LIMIT);
    if (count > npy->data_bytes / cell || count * cell != npy->data_bytes)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%zu bytes of elements where the shape asks for %zu of %zu bytes",
                        npy->data_bytes, count, cell);
    struct tensor *tensor = tensor_new(arena, npy_type(npy), &npy->shape);
    uint8_t *raw = npy->kind == 'U' || npy->kind == 'S' ? NULL : arena_alloc(arena, count * cell);
    if (tensor == NULL || (raw == NULL && tensor->type != ELEMENT_STRING))
        return arena_failure(arena, 8 * count, "an array", diag);
    int64_t index[TENSOR_RANK_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
        size_t from = i;
        if (npy->column_major) {
            from = 0;
            for (unsigned d = npy->shape.rank; d-- > 0;)
                from = from * (size_t)npy->shape.dim[d] + (size_t)index[d];
            for (unsigned d = npy->shape.rank; d-- > 0 && ++index[d] == npy->shape.dim[d];)
                index[d] = 0;
        }
        const uint8_t *source = npy->data + from * cell;
        if (raw == NULL) {
            tensor->data.text[i] = npy_text(npy, source, arena);
            if (tensor->data.text[i] == NULL)
                return arena_failure(arena, cell, "a string", diag);
            continue;
        }
        for (size_t k = 0; k < cell; k++)
            raw[i * cell + k] = source[npy->big_endian ? cell - 1 - k : k];
    }
    *out = tensor;
    if (raw == NULL)
        return STATUS_OK;
    struct tensor_parts parts = {.data_type = (int32_t)tensor->type,
                                 .dims = npy->shape.dim,
                                 .dim_count = npy->shape.rank,
                                 .has_raw = true,
                                 .raw = raw,
                                 .raw_count = count * cell};
    return tensor_from_parts(out, &parts, arena, diag);
}

static enum status read_array(struct value_source *source, const uint8_t *bytes, size_t count,
                              size_t index, struct value_set *set)
{
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    struct npy npy;
    struct tensor *tensor = NULL;
    if (count < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
        return bad_header(source->diag, "it does not start as one");
    enum status status = parse_npy(&npy, bytes, count, source->arena, source->diag);
    if (status == STATUS_OK)
        status = npy_tensor(&npy, &tensor, source->arena, source->diag);
    if (status == STATUS_OK)
        status = value_fit(&set->tensor[index], tensor, &source->specs[index], source->arena,
                           source->diag);
    return status;
}

enum status value_read_npy(struct value_source *source)
{
    if (source->spec_count != 1)
        return diag_set(source->diag, STATUS_BAD_INPUT,
                        "one array for %zu inputs; give a .npz with an array for each: %s",
                        source->spec_count, value_names_text(source));
    struct value_set *set = value_add_set(source, source->name);
    if (set == NULL)
        return arena_failure(source->arena, 0, "the inputs", source->diag);
    return read_array(source, source->bytes, source->count, 0, set);
}

/* --- NPZ --- */

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30 };

static enum status bad_zip(const struct value_source *source)
{
    return diag_set(source->diag, STATUS_BAD_INPUT,
                    "not a NPZ archive that can be read: it is cut off or broken");
}

/* Finds the end of the central directory: its record, before a comment of at most 65535 bytes. */
static const uint8_t *find_end(const struct value_source *source)
{
    if (source->count < END_BYTES)
        return NULL;
    const uint8_t *last = source->bytes + source->count - END_BYTES;
    for (size_t back = 0; back <= 65535 && last - back >= source->bytes; back++)
        if (load_u32(last - back) == 0x06054B50)
            return last - back;
    return NULL;
}

/* The bytes of one member, inflated when need be; *out stays NULL after a failure. */
static enum status member_bytes(const struct value_source *source, const uint8_t *entry_at,
                                const uint8_t **out, size_t *count)
{
    uint32_t method = load_u16(entry_at + 10), flags = load_u16(entry_at + 8);
    size_t packed = load_u32(entry_at + 20), size = load_u32(entry_at + 24),
           offset = load_u32(entry_at + 42);
    if (size == UINT32_MAX || packed == UINT32_MAX || offset == UINT32_MAX)
        return diag_set(source->diag, STATUS_UNSUPPORTED, "a NPZ archive of 4 GiB and more");
    if ((flags & 1) != 0 || (method != 0 && method != 8))
        return diag_set(source->diag, STATUS_UNSUPPORTED,
                        "a NPZ archive that is encrypted or packed by method %u", method);
    if (offset > source->count || source->count - offset < LOCAL_BYTES)
        return bad_zip(source);
    const uint8_t *local = source->bytes + offset;
    size_t skip = LOCAL_BYTES + load_u16(local + 26) + load_u16(local + 28);
    if (load_u32(local) != 0x04034B50 || skip > source->count - offset ||
        packed > source->count - offset - skip)
        return bad_zip(source);
    *count = size;
    if (method == 0) {
        *out = local + skip;
        return packed == size ? STATUS_OK : bad_zip(source);
    }
    /* Deflate packs at most 1032 to 1. */
    if (size / 1032 > packed || size > VALUE_FILE_BYTES_LIMIT)
        return bad_zip(source);
    uint8_t *bytes = arena_alloc(source->arena, size);
    if (bytes == NULL)
        return arena_failure(source->arena, size, "an array", source->diag);
    *out = bytes;
    return inflate_bytes(bytes, size, local + skip, packed) ? STATUS_OK : bad_zip(source);
}

/* An array of an input that was fixed when the model was compiled. */
static enum status check_member(struct value_source *source, const uint8_t *entry_at,
                                const struct value_fixed *fixed)
{
    struct value_source alone = value_source_of_fixed(source, fixed);
    struct tensor *given = NULL;
    struct value_set set = {"", &given};
    const uint8_t *bytes = NULL;
    size_t count = 0;
    enum status status = member_bytes(source, entry_at, &bytes, &count);
    if (status == STATUS_OK)
        status = read_array(&alone, bytes, count, 0, &set);
    return status == STATUS_OK ? value_check_fixed(source, fixed, given) : status;
}

static enum status read_member(struct value_source *source, const uint8_t *entry_at,
                               size_t name_bytes, struct value_set *set)
{
    const uint8_t *bytes = NULL;
    size_t count = 0, index = 0;
    char *name = arena_strndup(source->arena, (const char *)entry_at + ENTRY_BYTES, name_bytes);
    if (name == NULL)
        return arena_failure(source->arena, name_bytes, "a name", source->diag);
    size_t length = strlen(name);
    if (length >= 4 && strcmp(name + length - 4, ".npy") == 0)
        name[length - 4] = 0;
    /* numpy.savez without names calls its arrays arr_0, arr_1, ... */
    unsigned long number = strncmp(name, "arr_", 4) == 0 ? strtoul(name + 4, NULL, 10) : ULONG_MAX;
    if (!value_find_spec(source, name, &index)) {
        const struct value_fixed *fixed = value_find_fixed(source, name);
        if (fixed != NULL)
            return check_member(source, entry_at, fixed);
        if (number >= source->spec_count)
            return diag_set(source->diag, STATUS_BAD_INPUT, "no input is called \"%.100s\": %s",
                            name, value_names_text(source));
        index = number;
    }
    if (set->tensor[index] != NULL)
        return diag_set(source->diag, STATUS_BAD_INPUT, "input '%s' is given twice",
                        source->specs[index].name);
    enum status status = member_bytes(source, entry_at, &bytes, &count);
    return status == STATUS_OK ? read_array(source, bytes, count, index, set) : status;
}

enum status value_read_npz(struct value_source *source)
{
    const uint8_t *end = find_end(source);
    struct value_set *set = value_add_set(source, source->name);
    if (end == NULL)
        return bad_zip(source);
    if (set == NULL)
        return arena_failure(source->arena, 0, "the inputs", source->diag);
    size_t members = load_u16(end + 10), offset = load_u32(end + 16);
    size_t limit = (size_t)(end - source->bytes);
    for (size_t i = 0; i < members; i++) {
        if (offset > limit || limit - offset < ENTRY_BYTES)
            return bad_zip(source);
        const uint8_t *at = source->bytes + offset;
        size_t name_bytes = load_u16(at + 28),
               skip = name_bytes + load_u16(at + 30) + load_u16(at + 32);
        if (load_u32(at) != 0x02014B50 || skip > limit - offset - ENTRY_BYTES)
            return bad_zip(source);
        enum status status = read_member(source, at, name_bytes, set);
        if (status != STATUS_OK)
            return status;
        offset += ENTRY_BYTES + skip;
    }
    return value_check_complete(source, set);
}
