/*
 * Reading and checking .ptau files. See ptau.h.
 */
#include "backend/commit/ptau.h"

#include "backend/commit/ptau_format.h"

#include <stdlib.h>
#include <string.h>

#include "backend/curve/msm.h"
#include "backend/curve/pairing.h"

/* A prepared file of power 28 has 288 GB. */
#define MOST_BYTES PTAU_MOST_BYTES

static enum status refuse(struct diag *diag, const char *path, const char *what)
{
    return ptau_refuse(diag, path, what);
}

static enum status check_frame(struct ptau *file, const char *path, struct diag *diag)
{
    struct ptau_section section[PTAU_SECTIONS] = {{0}};
    uint32_t power, ceremony_power;
    g2_affine one;
    enum status status =
        ptau_find_sections(section, file->map.data, file->map.count, PTAU_G2, path, diag);
    if (status == STATUS_OK)
        status = ptau_read_head(&power, &ceremony_power, &section[PTAU_HEAD], path, diag);
    if (status != STATUS_OK)
        return status;
    uint64_t most = (UINT64_C(2) << power) - 1;
    uint64_t g1_bytes = section[PTAU_G1].bytes, g2_bytes = section[PTAU_G2].bytes;
    if (g1_bytes % G1_BYTES || g1_bytes / G1_BYTES > most || g1_bytes / G1_BYTES < 2 ||
        g2_bytes % G2_BYTES || g2_bytes / G2_BYTES > (UINT64_C(1) << power) ||
        g2_bytes / G2_BYTES < 2)
        return refuse(diag, path,
                      "a section of the .ptau file has a length that is not its power's");
    file->powers = section[PTAU_G1].data;
    file->count = g1_bytes / G1_BYTES;
    if (!ptau_read_g2(&one, section[PTAU_G2].data) || !g2_affine_eq(&one, &g2_generator))
        return refuse(diag, path, "the G2 powers of the .ptau file do not start at the generator");
    if (!ptau_read_g2(&file->tau_g2, section[PTAU_G2].data + G2_BYTES) ||
        g2_affine_is_infinity(&file->tau_g2) || !g2_affine_in_group(&file->tau_g2))
        return refuse(diag, path, "[tau]_2 of the .ptau file is not a point of the group");
    return STATUS_OK;
}

enum status ptau_open(struct ptau *file, const char *path, struct diag *diag)
{
    memset(file, 0, sizeof *file);
    enum status status = file_map_open(&file->map, path, MOST_BYTES, diag);
    if (status != STATUS_OK)
        return status;
    status = check_frame(file, path, diag);
    if (status != STATUS_OK)
        ptau_close(file);
    return status;
}

void ptau_close(struct ptau *file)
{
    file_map_close(&file->map);
    memset(file, 0, sizeof *file);
}

/* ---- the powers ----------------------------------------------------------------------------- */

struct read_job {
    const uint8_t *bytes;
    g1_affine *out;
    size_t *bad; /* for each chunk: the first bad point, or SIZE_MAX */
};

#define CHUNK 4096

static void read_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct read_job *job = ctx;
    (void)worker;
    job->bad[begin / CHUNK] = SIZE_MAX;
    for (size_t i = begin; i < end; i++) {
        const uint8_t *bytes = job->bytes + i * G1_BYTES;
        g1_affine *p = &job->out[i];
        if (!ptau_read_coordinate(&p->x, bytes) || !ptau_read_coordinate(&p->y, bytes + 32) ||
            g1_affine_is_infinity(p) || !g1_affine_is_on_curve(p)) {
            job->bad[begin / CHUNK] = i;
            return;
        }
    }
}

/* Copies the points and checks each by itself. */
static enum status read_points(g1_affine *out, const struct ptau *file, const char *path,
                               size_t count, struct machine *machine, struct diag *diag)
{
    size_t chunks = count / CHUNK + 1;
    struct read_job job = {file->powers, out, malloc(chunks * sizeof(size_t))};
    if (!job.bad)
        return diag_set(diag, STATUS_NO_MEMORY, "%s: out of memory", path);
    machine_parallel_for(machine, count, CHUNK, read_task, &job);
    size_t bad = SIZE_MAX;
    for (size_t i = 0; i * CHUNK < count; i++)
        bad = job.bad[i] < bad ? job.bad[i] : bad;
    free(job.bad);
    if (bad != SIZE_MAX)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "%s: power %zu of the .ptau file is not a point of G1; fetch the file again", path,
            bad);
    if (!g1_affine_eq(&out[0], &g1_generator))
        return refuse(diag, path, "the G1 powers of the .ptau file do not start at the generator");
    return STATUS_OK;
}

bool ptau_random_scalars(fr *scalar, size_t count)
{
    if (!fr_random_array(scalar, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        /* Two limbs of a uniform element below r < 2^254, its lower half: uniform to 2^-126. */
        uint64_t limb[4];
        fr_to_limbs(limb, &scalar[i]);
        limb[2] = limb[3] = 0;
        (void)fr_from_limbs(&scalar[i], limb);
    }
    return true;
}

/* The pairing check of all consecutive pairs. */
static enum status check_ratio(const g1_affine *point, size_t count, const g2_affine *tau_g2,
                               const char *path, struct machine *machine, struct diag *diag)
{
    struct msm_bases plain = {.levels = 1};
    fr *scalar = malloc(count * sizeof *scalar);
    void *scratch = machine_borrow(machine, msm_scratch_bytes(&plain, count, 0, machine));
    enum status status = STATUS_OK;
    if (!scalar || !scratch) {
        status = diag_set(diag, STATUS_NO_MEMORY, "%s: out of memory", path);
    } else if (!ptau_random_scalars(scalar, count)) {
        status = diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
    } else {
        g1 sum[2];
        g1_affine side[2];
        g2_affine other[2] = {*tau_g2, g2_generator};
        msm_g1(&sum[0], point, scalar, count - 1, machine, scratch);
        msm_g1(&sum[1], point + 1, scalar, count - 1, machine, scratch);
        g1_neg(&sum[1], &sum[1]);
        g1_to_affine(&side[0], &sum[0]);
        g1_to_affine(&side[1], &sum[1]);
        if (!pairing_check(side, other, 2))
            status = diag_set(diag, STATUS_BAD_INPUT,
                              "%s: the G1 powers of the .ptau file do not belong to its [tau]_2; "
                              "fetch the file again",
                              path);
    }
    free(scalar);
    machine_give_back(machine, scratch);
    return status;
}

enum status ptau_read_powers(g1_affine *out, const struct ptau *file, const char *path,
                             size_t count, struct machine *machine, struct diag *diag)
{
    if (count > file->count)
        return diag_set(diag, STATUS_LIMIT,
                        "%s: has %llu powers of tau, %zu are needed; use a larger .ptau file", path,
                        (unsigned long long)file->count, count);
    enum status status = read_points(out, file, path, count, machine, diag);
    if (status == STATUS_OK)
        status = check_ratio(out, count, &file->tau_g2, path, machine, diag);
    return status;
}
