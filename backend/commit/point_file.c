/*
 * Files of points. See point_file.h for the layout.
 */
#include "backend/commit/point_file.h"

#include <stdatomic.h>
#include <string.h>

#include "ir/support/buffer.h"
#include "ir/support/reader.h"

_Static_assert(sizeof(g1_affine) == 64, "points are stored as they are in memory");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "limbs are stored as they are in memory");

static const char magic[8] = {'S', 'E', 'R', 'T', 'N', 'P', 'T', 'S'};

/* No file is larger than this: 2^28 powers and their checksums, with a table of 32 levels of a
 * small part of them. */
#define MOST_POINTS (UINT64_C(1) << 29)
#define MOST_BYTES (MOST_POINTS * 65)

/* Four lanes of multiply and rotate; a step is a bijection of the word it takes in, so that any
 * change within one word changes the sum. Requires: count is a multiple of 8. */
static uint64_t checksum(const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    uint64_t lane[4] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, count};
    for (size_t i = 0; i < count / 8; i++) {
        uint64_t word;
        memcpy(&word, at + 8 * i, 8);
        uint64_t *h = &lane[i % 4];
        *h = (*h ^ word) * UINT64_C(0xd6e8feb86659fd93);
        *h = *h << 29 | *h >> 35;
    }
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        sum = (sum ^ lane[i]) * UINT64_C(0xd6e8feb86659fd93);
        sum ^= sum >> 32;
    }
    return sum;
}

static size_t block_count(uint64_t points)
{
    return (size_t)((points + POINT_FILE_BLOCK - 1) / POINT_FILE_BLOCK);
}

static uint64_t block_checksum(const g1_affine *point, uint64_t count, size_t block)
{
    size_t first = block * POINT_FILE_BLOCK;
    size_t points = count - first < POINT_FILE_BLOCK ? (size_t)count - first : POINT_FILE_BLOCK;
    return checksum(point + first, points * sizeof *point);
}

static enum status write_head(struct buffer *out, const struct point_file_head *head,
                              struct diag *diag)
{
    uint8_t tau[G2_BYTES];
    g2_affine_to_bytes(tau, &head->tau_g2);
    buffer_put(out, magic, sizeof magic);
    buffer_put_u32(out, POINT_FILE_VERSION);
    buffer_put_u32(out, (uint32_t)head->kind);
    buffer_put_u32(out, head->origin);
    buffer_put_u32(out, head->lg_rows);
    buffer_put_u32(out, head->arity);
    buffer_put_u32(out, head->levels);
    buffer_put_u32(out, head->shift_bits);
    buffer_put_u32(out, head->window_bits);
    buffer_put_u64(out, head->count);
    buffer_put(out, tau, sizeof tau);
    buffer_put(out, head->digest, sizeof head->digest);
    (void)buffer_extend(out, POINT_FILE_HEAD_BYTES - 8 - out->count);
    if (!out->failed)
        buffer_put_u64(out, checksum(out->data, out->count));
    return buffer_status(out, diag);
}

enum status point_file_write(const char *path, const struct point_file_head *head,
                             const g1_affine *point, struct diag *diag)
{
    struct buffer bytes = {0};
    struct file_writer writer;
    enum status status = write_head(&bytes, head, diag);
    if (status == STATUS_OK)
        status = file_writer_begin(&writer, path, FILE_MODE_PUBLIC, true, diag);
    if (status == STATUS_OK) {
        file_writer_put(&writer, bytes.data, bytes.count);
        file_writer_put(&writer, point, (size_t)head->count * sizeof *point);
        buffer_clear(&bytes);
        for (size_t block = 0; block < block_count(head->count); block++)
            buffer_put_u64(&bytes, block_checksum(point, head->count, block));
        status = buffer_status(&bytes, diag);
        if (status == STATUS_OK) {
            file_writer_put(&writer, bytes.data, bytes.count);
            status = file_writer_commit(&writer, diag);
        } else {
            file_writer_abandon(&writer);
        }
    }
    buffer_release(&bytes);
    return status;
}

bool point_file_has_magic(const uint8_t *bytes, size_t count)
{
    return count >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

/* Parses the head; the caller has seen to its length and checksum. */
static enum status read_head(struct point_file_head *head, const uint8_t *bytes, const char *path,
                             struct diag *diag)
{
    struct reader r;
    uint8_t tau[G2_BYTES];
    reader_init(&r, bytes + sizeof magic, POINT_FILE_HEAD_BYTES - sizeof magic);
    uint32_t version = reader_u32(&r);
    if (version != POINT_FILE_VERSION)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "%s: point file of version %u, this program reads version %d; make it again", path,
            version, POINT_FILE_VERSION);
    head->kind = (enum point_file_kind)reader_u32(&r);
    head->origin = reader_u32(&r);
    head->lg_rows = reader_u32(&r);
    head->arity = reader_u32(&r);
    head->levels = reader_u32(&r);
    head->shift_bits = reader_u32(&r);
    head->window_bits = reader_u32(&r);
    head->count = reader_u64(&r);
    reader_copy(&r, tau, sizeof tau);
    reader_copy(&r, head->digest, sizeof head->digest);
    /* The head's checksum vouches for the subgroup; the equation is checked because it is cheap. */
    if ((head->kind != POINT_FILE_POWERS && head->kind != POINT_FILE_LAGRANGE) ||
        head->count == 0 || head->count > MOST_POINTS ||
        !fp_from_bytes_be(&head->tau_g2.x.c1, tau) ||
        !fp_from_bytes_be(&head->tau_g2.x.c0, tau + FIELD_BYTES) ||
        !fp_from_bytes_be(&head->tau_g2.y.c1, tau + 2 * FIELD_BYTES) ||
        !fp_from_bytes_be(&head->tau_g2.y.c0, tau + 3 * FIELD_BYTES) ||
        !g2_affine_is_on_curve(&head->tau_g2))
        return diag_set(diag, STATUS_BAD_INPUT, "%s: damaged point file; remove it", path);
    return STATUS_OK;
}

static enum status check_file(struct point_file *file, const char *path, struct diag *diag)
{
    const uint8_t *bytes = file->map.data;
    uint64_t stated;
    if (!point_file_has_magic(bytes, file->map.count))
        return diag_set(diag, STATUS_BAD_INPUT, "%s: not a point file of this program", path);
    if (file->map.count < POINT_FILE_HEAD_BYTES)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: point file cut short; remove it", path);
    memcpy(&stated, bytes + POINT_FILE_HEAD_BYTES - 8, 8);
    if (stated != checksum(bytes, POINT_FILE_HEAD_BYTES - 8))
        return diag_set(diag, STATUS_BAD_INPUT, "%s: damaged point file; remove it", path);
    enum status status = read_head(&file->head, bytes, path, diag);
    if (status != STATUS_OK)
        return status;
    uint64_t expected = POINT_FILE_HEAD_BYTES + file->head.count * sizeof(g1_affine) +
                        8 * (uint64_t)block_count(file->head.count);
    if (file->map.count != expected)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: point file of %zu bytes that should have %llu; remove it", path,
                        file->map.count, (unsigned long long)expected);
    file->point = (const g1_affine *)(const void *)(bytes + POINT_FILE_HEAD_BYTES);
    return STATUS_OK;
}

enum status point_file_open(struct point_file *file, const char *path, struct diag *diag)
{
    memset(file, 0, sizeof *file);
    enum status status = file_map_open(&file->map, path, MOST_BYTES, diag);
    if (status != STATUS_OK)
        return status;
    status = check_file(file, path, diag);
    if (status != STATUS_OK)
        point_file_close(file);
    return status;
}

/* Blocks that a thread checks at once. */
#define CHECK_CHUNK 16

struct check_job {
    const struct point_file *file;
    size_t first;          /* block */
    atomic_size_t damaged; /* the first damaged block, SIZE_MAX for none */
};

static void check_task(void *context, size_t begin, size_t end, unsigned worker)
{
    struct check_job *job = context;
    const struct point_file *file = job->file;
    const uint8_t *sums = (const uint8_t *)(file->point + file->head.count);
    (void)worker;
    for (size_t block = job->first + begin; block < job->first + end; block++) {
        uint64_t stated;
        memcpy(&stated, sums + 8 * block, 8);
        if (stated == block_checksum(file->point, file->head.count, block))
            continue;
        size_t before = atomic_load(&job->damaged);
        while (block < before && !atomic_compare_exchange_weak(&job->damaged, &before, block)) {
        }
        return;
    }
}

enum status point_file_check(const struct point_file *file, const char *path, size_t first,
                             size_t count, struct machine *machine, struct diag *diag)
{
    if (count == 0)
        return STATUS_OK;
    struct check_job job = {.file = file, .first = first / POINT_FILE_BLOCK};
    atomic_init(&job.damaged, SIZE_MAX);
    machine_parallel_for(machine, (first + count - 1) / POINT_FILE_BLOCK - job.first + 1,
                         CHECK_CHUNK, check_task, &job);
    size_t damaged = atomic_load(&job.damaged);
    if (damaged != SIZE_MAX)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: damaged point file (block %zu); remove it",
                        path, damaged);
    return STATUS_OK;
}

void point_file_close(struct point_file *file)
{
    file_map_close(&file->map);
    memset(file, 0, sizeof *file);
}
