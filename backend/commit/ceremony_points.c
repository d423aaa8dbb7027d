/*
 * Points of ceremonies: from the file, and to the bytes that are hashed. See ceremony_parts.h.
 */
#include <string.h>

#include "backend/commit/ceremony_parts.h"

bool ceremony_read_points(void *points, const struct ptau_section *section, int id, uint64_t first,
                          size_t n)
{
    size_t bytes = ceremony_point_bytes(id);
    const uint8_t *from = section->data + first * bytes;
    for (size_t i = 0; i < n; i++) {
        bool is_good = bytes == G2_BYTES ? ptau_read_g2((g2_affine *)points + i, from + i * bytes)
                                         : ptau_read_g1((g1_affine *)points + i, from + i * bytes);
        if (!is_good)
            return false;
    }
    return true;
}

struct bytes_job {
    uint8_t *out;
    const void *points;
    bool is_g2, compressed;
};

static bool is_greater(const fp *y)
{
    fp minus;
    fp_neg(&minus, y);
    return fp_cmp(y, &minus) > 0;
}

/* The abscissa, its highest bit saying which of the two ordinates. */
static void compress_g1(uint8_t *out, const g1_affine *p)
{
    fp_to_bytes_be(out, &p->x);
    if (is_greater(&p->y))
        out[0] |= 0x80;
}

static void compress_g2(uint8_t *out, const g2_affine *p)
{
    fp_to_bytes_be(out, &p->x.c1);
    fp_to_bytes_be(out + FIELD_BYTES, &p->x.c0);
    if (is_greater(fp_is_zero(&p->y.c1) ? &p->y.c0 : &p->y.c1))
        out[0] |= 0x80;
}

static void bytes_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct bytes_job *job = ctx;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        const g1_affine *p = (const g1_affine *)job->points + i;
        const g2_affine *q = (const g2_affine *)job->points + i;
        if (job->is_g2 && job->compressed)
            compress_g2(job->out + i * G2_BYTES / 2, q);
        else if (job->is_g2)
            g2_affine_to_bytes(job->out + i * G2_BYTES, q);
        else if (job->compressed)
            compress_g1(job->out + i * G1_BYTES / 2, p);
        else
            g1_affine_to_bytes(job->out + i * G1_BYTES, p);
    }
}

void ceremony_points_to_bytes(uint8_t *out, const void *points, int id, size_t n, bool compressed,
                              struct machine *machine)
{
    struct bytes_job job = {out, points, ceremony_point_bytes(id) == G2_BYTES, compressed};
    machine_parallel_for(machine, n, 1024, bytes_task, &job);
}
