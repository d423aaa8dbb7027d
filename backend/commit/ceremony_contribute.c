/*
 * Adding a contribution to a ceremony. See ceremony.h.
 *
 * The new file is written section by section as the points come out of the multiplications, with
 * the digest of the response beside; then it is read once more for the next challenge, which starts
 * with the response.
 */
#include "backend/commit/ceremony_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/curve/mul_each.h"
#include "backend/field/field_vec.h"

struct contribution_job {
    const struct ceremony *old;
    struct ceremony_contribution *added;
    const struct ceremony_key *key;
    struct file_writer writer;
    struct blake2b response, challenge;
    struct machine *machine;
    const struct ceremony_progress *progress;
    void *points;   /* CEREMONY_CHUNK of G2 */
    uint8_t *bytes; /* the same */
    fr *scalar;
    double done, all; /* of the work, in additions of G1 */
};

static enum status bad_points(const struct contribution_job *job, struct diag *diag)
{
    return ptau_refuse(diag, job->old->path, "it has points that are none of the groups");
}

/* Points from outside the group would tell who made them part of the secrets. */
static enum status check_points(const struct contribution_job *job, int id, size_t n,
                                struct diag *diag)
{
    if (ceremony_point_bytes(id) == G2_BYTES) {
        size_t bad;
        enum status status = g2_find_outsider(&bad, job->points, n, job->machine, diag);
        if (status != STATUS_OK)
            return status;
        return bad == n ? STATUS_OK : bad_points(job, diag);
    }
    const g1_affine *point = job->points;
    for (size_t i = 0; i < n; i++) {
        if (g1_affine_is_infinity(&point[i]) || !g1_affine_is_on_curve(&point[i]))
            return bad_points(job, diag);
    }
    return STATUS_OK;
}

/* Keeps what the entry says of the first points. */
static void keep_points(struct ceremony_powers *after, int id, const void *points)
{
    const g1_affine *p = points;
    const g2_affine *q = points;
    if (id == PTAU_G1)
        after->tau_g1 = p[1];
    else if (id == PTAU_G2)
        after->tau_g2 = q[1];
    else if (id == PTAU_ALPHA_G1)
        after->alpha_g1 = p[0];
    else if (id == PTAU_BETA_G1)
        after->beta_g1 = p[0];
    else
        after->beta_g2 = q[0];
}

static double cost_of(int id, double points)
{
    return ceremony_point_bytes(id) == G2_BYTES ? 3 * points : points;
}

/* Multiplies a section by first, first tau, first tau^2, ... */
static enum status multiply_section(struct contribution_job *job, int id, const fr *first,
                                    struct diag *diag)
{
    size_t bytes = ceremony_point_bytes(id);
    uint64_t count = ceremony_section_points(id, job->old->power);
    const fr *tau = &job->key->secret[CEREMONY_TAU];
    fr next = *first;
    ceremony_put_section(&job->writer, (uint32_t)id, count * bytes);
    enum status status = STATUS_OK;
    for (uint64_t at = 0; at < count && status == STATUS_OK; at += CEREMONY_CHUNK) {
        size_t n = count - at < CEREMONY_CHUNK ? (size_t)(count - at) : CEREMONY_CHUNK;
        if (!ceremony_read_points(job->points, &job->old->section[id], id, at, n))
            status = bad_points(job, diag);
        if (status == STATUS_OK)
            status = check_points(job, id, n, diag);
        if (status != STATUS_OK)
            break;
        fr_vec_powers(job->scalar, &next, tau, n);
        fr_mul(&next, &job->scalar[n - 1], tau);
        status = bytes == G2_BYTES ? g2_mul_each(job->points, job->scalar, n, job->machine, diag)
                                   : g1_mul_each(job->points, job->scalar, n, job->machine, diag);
        if (status != STATUS_OK)
            break;
        if (at == 0)
            keep_points(&job->added->after, id, job->points);
        file_writer_put(&job->writer, job->points, n * bytes);
        ceremony_points_to_bytes(job->bytes, job->points, id, n, true, job->machine);
        blake2b_update(&job->response, job->bytes, n * bytes / 2);
        job->done += cost_of(id, (double)n);
        ceremony_report(job->progress, "contribute", job->done / job->all);
    }
    fr_wipe(&next, 1);
    return status;
}

static enum status multiply_all(struct contribution_job *job, struct diag *diag)
{
    enum status status = STATUS_OK;
    const fr *secret = job->key->secret;
    job->all = 0;
    for (int id = PTAU_G1; id <= PTAU_BETA_G2; id++)
        job->all += cost_of(id, (double)ceremony_section_points(id, job->old->power));
    for (int id = PTAU_G1; id <= PTAU_BETA_G2 && status == STATUS_OK; id++) {
        const fr *first = id <= PTAU_G2         ? &fr_one
                          : id == PTAU_ALPHA_G1 ? &secret[CEREMONY_ALPHA]
                                                : &secret[CEREMONY_BETA];
        status = multiply_section(job, id, first, diag);
    }
    return status;
}

/* The next challenge, from what was written. */
static enum status hash_written(struct contribution_job *job, struct diag *diag)
{
    struct file_map map;
    struct ptau_section section = {0};
    enum status status = file_map_open(&map, job->writer.staged, PTAU_MOST_BYTES, diag);
    if (status != STATUS_OK)
        return status;
    const uint8_t *at = map.data + 12 + 12 + 44; /* file, head */
    for (int id = PTAU_G1; id <= PTAU_BETA_G2 && status == STATUS_OK; id++) {
        size_t bytes = ceremony_point_bytes(id);
        uint64_t count = ceremony_section_points(id, job->old->power);
        section = (struct ptau_section){at + 12, count * bytes};
        at += 12 + count * bytes;
        if (at > map.data + map.count) {
            status = diag_set(diag, STATUS_IO, "%s: was not written whole", job->writer.target);
            break;
        }
        for (uint64_t done = 0; done < count && status == STATUS_OK; done += CEREMONY_CHUNK) {
            size_t n = count - done < CEREMONY_CHUNK ? (size_t)(count - done) : CEREMONY_CHUNK;
            if (!ceremony_read_points(job->points, &section, id, done, n))
                status =
                    diag_set(diag, STATUS_IO, "%s: reads back as other bytes than were written",
                             job->writer.target);
            ceremony_points_to_bytes(job->bytes, job->points, id, n, false, job->machine);
            blake2b_update(&job->challenge, job->bytes, n * bytes);
        }
    }
    file_map_close(&map);
    return status;
}

static enum status write_file(struct contribution_job *job, const uint8_t *challenge,
                              struct diag *diag)
{
    struct ceremony_contribution *added = job->added;
    blake2b_init(&job->response);
    blake2b_update(&job->response, challenge, CEREMONY_HASH_BYTES);
    ceremony_put_head(&job->writer, job->old->power);
    enum status status = multiply_all(job, diag);
    if (status != STATUS_OK)
        return status;
    if (job->writer.error != 0) /* commit says what it was */
        return STATUS_OK;
    added->partial = job->response;
    ceremony_respond(added);
    blake2b_init(&job->challenge);
    blake2b_update(&job->challenge, added->response, sizeof added->response);
    status = hash_written(job, diag);
    if (status != STATUS_OK)
        return status;
    blake2b_final(&job->challenge, added->next_challenge);
    return ceremony_put_contributions(&job->writer, job->old->contribution, job->old->count, added,
                                      diag);
}

static void set_entry(struct ceremony_contribution *added, const struct ceremony_addition *addition,
                      const struct ceremony_key *key)
{
    memset(added, 0, sizeof *added);
    memcpy(added->proof, key->proof, sizeof added->proof);
    size_t length = strlen(addition->name);
    ASSERT(length <= CEREMONY_NAME_BYTES);
    memcpy(added->name, addition->name, length);
    added->is_beacon = addition->seed == NULL;
    if (added->is_beacon) {
        added->lg_rounds = addition->lg_rounds;
        added->beacon_bytes = addition->beacon_bytes;
        memcpy(added->beacon, addition->beacon, addition->beacon_bytes);
    }
}

static void make_key(struct ceremony_key *key, const struct ceremony_addition *addition,
                     const uint8_t *challenge)
{
    uint8_t seed[CEREMONY_SEED_BYTES];
    if (addition->seed != NULL)
        memcpy(seed, addition->seed, sizeof seed);
    else
        ceremony_beacon_seed(seed, addition->beacon, addition->beacon_bytes, addition->lg_rounds);
    ceremony_key_from_seed(key, seed, challenge);
    explicit_bzero(seed, sizeof seed);
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static enum status check_request(const struct ceremony *old, const char *path, struct diag *diag)
{
    struct stat info;
    if (old->power != old->ceremony_power)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "%s: is cut down to power %u of a ceremony of power %u; contribute to the whole "
            "file",
            old->path, old->power, old->ceremony_power);
    if (old->count == CEREMONY_MOST_CONTRIBUTIONS)
        return diag_set(diag, STATUS_LIMIT, "%s: has %zu contributions, as many as there can be",
                        old->path, old->count);
    if (is_same_file(old->path, path))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: is the ceremony that is contributed to; write to another file", path);
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return diag_set(diag, STATUS_BAD_INPUT, "%s: is not a file that can be replaced", path);
    return STATUS_OK;
}

enum status ceremony_contribute(struct ceremony_contribution *added, const struct ceremony *old,
                                const char *path, const struct ceremony_addition *addition,
                                struct machine *machine, const struct ceremony_progress *progress,
                                struct diag *diag)
{
    uint8_t challenge[CEREMONY_HASH_BYTES];
    struct ceremony_key key;
    struct contribution_job job = {
        .old = old, .added = added, .key = &key, .machine = machine, .progress = progress};
    enum status status = check_request(old, path, diag);
    if (status == STATUS_OK)
        status = file_writer_begin(&job.writer, path, FILE_MODE_PUBLIC, true, diag);
    if (status != STATUS_OK)
        return status;
    if (old->count > 0)
        memcpy(challenge, old->contribution[old->count - 1].next_challenge, sizeof challenge);
    else
        ceremony_first_challenge(challenge, old->power);
    make_key(&key, addition, challenge);
    set_entry(added, addition, &key);
    job.points = malloc(CEREMONY_CHUNK * G2_BYTES);
    job.bytes = malloc(CEREMONY_CHUNK * G2_BYTES);
    job.scalar = malloc(CEREMONY_CHUNK * sizeof *job.scalar);
    if (job.points == NULL || job.bytes == NULL || job.scalar == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for a contribution");
    if (status == STATUS_OK)
        status = write_file(&job, challenge, diag);
    if (job.scalar != NULL)
        explicit_bzero(job.scalar, CEREMONY_CHUNK * sizeof *job.scalar);
    ceremony_key_wipe(&key);
    free(job.points);
    free(job.bytes);
    free(job.scalar);
    if (status != STATUS_OK) {
        file_writer_abandon(&job.writer);
        return status;
    }
    return file_writer_commit(&job.writer, diag);
}
