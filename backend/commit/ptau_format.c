/*
 * The bytes of .ptau files. See ptau_format.h.
 */
#include "backend/commit/ptau_format.h"

#include <string.h>

#include "ir/support/reader.h"

#define MOST_SECTIONS 64

enum status ptau_refuse(struct diag *diag, const char *path, const char *what)
{
    return diag_set(diag, STATUS_BAD_INPUT,
                    "%s: %s; use a .ptau file made by snarkjs for bn128 (bn254)", path, what);
}

enum status ptau_find_sections(struct ptau_section section[PTAU_SECTIONS], const uint8_t *file,
                               size_t size, int last, const char *path, struct diag *diag)
{
    struct reader r;
    char magic[4];
    reader_init(&r, file, size);
    reader_copy(&r, magic, sizeof magic);
    if (memcmp(magic, "ptau", sizeof magic) != 0)
        return ptau_refuse(diag, path, "not a .ptau file");
    uint32_t version = reader_u32(&r), count = reader_u32(&r);
    if (version != PTAU_VERSION || count > MOST_SECTIONS)
        return ptau_refuse(diag, path, "a .ptau file of an unknown version");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = reader_u32(&r);
        uint64_t bytes = reader_u64(&r);
        if (r.failed || bytes > reader_left(&r))
            return ptau_refuse(diag, path, "the .ptau file is cut short");
        const uint8_t *data = reader_bytes(&r, (size_t)bytes);
        if (id > (uint32_t)last)
            continue;
        if (section[id].data)
            return ptau_refuse(diag, path, "the .ptau file has a section twice");
        section[id] = (struct ptau_section){data, bytes};
    }
    if (reader_left(&r) > 0)
        return ptau_refuse(diag, path, "the .ptau file has bytes after its last section");
    for (int id = PTAU_HEAD; id <= last; id++)
        if (!section[id].data)
            return ptau_refuse(diag, path, "the .ptau file lacks a section of its powers");
    return STATUS_OK;
}

enum status ptau_read_head(uint32_t *power, uint32_t *ceremony_power,
                           const struct ptau_section *head, const char *path, struct diag *diag)
{
    struct reader r;
    uint64_t prime[4];
    reader_init(&r, head->data, (size_t)head->bytes);
    uint32_t prime_bytes = reader_u32(&r);
    for (int i = 0; i < 4; i++)
        prime[i] = reader_u64(&r);
    *power = reader_u32(&r);
    *ceremony_power = reader_u32(&r);
    if (r.failed || reader_left(&r) > 0 || prime_bytes != FIELD_BYTES ||
        memcmp(prime, fp_modulus, sizeof prime) != 0)
        return ptau_refuse(diag, path, "the .ptau file is not over the curve BN254");
    if (*power > PTAU_MOST_POWER || *power > *ceremony_power || *ceremony_power > PTAU_MOST_POWER)
        return ptau_refuse(diag, path, "the .ptau file states an impossible power");
    return STATUS_OK;
}

bool ptau_read_coordinate(fp *r, const uint8_t *bytes)
{
    memcpy(r->limb, bytes, sizeof r->limb);
    for (int i = 3; i >= 0; i--)
        if (r->limb[i] != fp_modulus[i])
            return r->limb[i] < fp_modulus[i];
    return false;
}

bool ptau_read_g1(g1_affine *r, const uint8_t *bytes)
{
    return ptau_read_coordinate(&r->x, bytes) && ptau_read_coordinate(&r->y, bytes + 32);
}

bool ptau_read_g2(g2_affine *r, const uint8_t *bytes)
{
    return ptau_read_coordinate(&r->x.c0, bytes) && ptau_read_coordinate(&r->x.c1, bytes + 32) &&
           ptau_read_coordinate(&r->y.c0, bytes + 64) && ptau_read_coordinate(&r->y.c1, bytes + 96);
}
