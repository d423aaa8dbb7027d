/*
 * Reading the frame of ceremonies, and starting new ones. See ceremony.h.
 */
#include "backend/commit/ceremony.h"

#include <stdlib.h>
#include <string.h>

#include "backend/commit/ceremony_parts.h"
#include "backend/field/system_random.h"
#include "ir/support/reader.h"

/* Bytes of the state of a digest in a file. */
#define PARTIAL_BYTES 216
/* A contribution without parameters. */
#define CONTRIBUTION_BYTES                                                                         \
    (3 * G1_BYTES + 2 * G2_BYTES + CEREMONY_PROOFS_BYTES + PARTIAL_BYTES + 64 + 8)

uint64_t ceremony_section_points(int id, uint32_t power)
{
    return id == PTAU_G1        ? (UINT64_C(2) << power) - 1
           : id == PTAU_BETA_G2 ? 1
                                : UINT64_C(1) << power;
}

size_t ceremony_point_bytes(int id)
{
    return id == PTAU_G2 || id == PTAU_BETA_G2 ? G2_BYTES : G1_BYTES;
}

/* ---- contributions: reading ----------------------------------------------------------------- */

static void read_g1(g1_affine *p, struct reader *r)
{
    const uint8_t *bytes = reader_bytes(r, G1_BYTES);
    if (bytes == NULL || !ptau_read_g1(p, bytes))
        reader_fail(r);
}

static void read_g2(g2_affine *p, struct reader *r)
{
    const uint8_t *bytes = reader_bytes(r, G2_BYTES);
    if (bytes == NULL || !ptau_read_g2(p, bytes))
        reader_fail(r);
}

static void read_partial(struct blake2b *hash, struct reader *r)
{
    reader_copy(r, hash->block, sizeof hash->block);
    for (int i = 0; i < 8; i++)
        hash->state[i] = reader_u64(r);
    hash->compressed_bytes = reader_u64(r);
    hash->filled_bytes = (size_t)reader_u64(r);
    reader_u64(r); /* unused */
    if (hash->filled_bytes > BLAKE2B_BLOCK_BYTES) {
        hash->filled_bytes = 0;
        reader_fail(r);
    }
}

/* Parameters, each once and in order. */
static void read_parameters(struct ceremony_contribution *c, const uint8_t *bytes, size_t count,
                            struct reader *file)
{
    struct reader r;
    int last = 0;
    reader_init(&r, bytes, count);
    while (reader_left(&r) > 0 && !r.failed) {
        int kind = reader_u8(&r);
        uint8_t length = kind == 1 || kind == 3 ? reader_u8(&r) : 0;
        if (kind <= last || kind > 3)
            reader_fail(&r);
        last = kind;
        if (kind == 1) {
            reader_copy(&r, c->name, length);
            if (memchr(c->name, 0, length) != NULL)
                reader_fail(&r);
        } else if (kind == 2) {
            c->lg_rounds = reader_u8(&r);
        } else {
            c->beacon_bytes = length;
            reader_copy(&r, c->beacon, length);
        }
    }
    if (r.failed)
        reader_fail(file);
}

static void read_contribution(struct ceremony_contribution *c, struct reader *r)
{
    read_g1(&c->after.tau_g1, r);
    read_g2(&c->after.tau_g2, r);
    read_g1(&c->after.alpha_g1, r);
    read_g1(&c->after.beta_g1, r);
    read_g2(&c->after.beta_g2, r);
    for (int i = 0; i < CEREMONY_SECRETS; i++) {
        read_g1(&c->proof[i].s, r);
        read_g1(&c->proof[i].sx, r);
    }
    for (int i = 0; i < CEREMONY_SECRETS; i++)
        read_g2(&c->proof[i].qx, r);
    read_partial(&c->partial, r);
    reader_copy(r, c->next_challenge, sizeof c->next_challenge);
    uint32_t type = reader_u32(r), bytes = reader_u32(r);
    const uint8_t *parameters = reader_bytes(r, bytes);
    if (parameters != NULL)
        read_parameters(c, parameters, bytes, r);
    c->is_beacon = type == 1;
    if (type > 1 || c->is_beacon != (c->beacon_bytes > 0))
        reader_fail(r);
    if (!r->failed)
        ceremony_respond(c);
}

void ceremony_respond(struct ceremony_contribution *c)
{
    uint8_t bytes[CEREMONY_PROOFS_BYTES];
    struct blake2b hash = c->partial;
    ceremony_proofs_to_bytes(bytes, c->proof);
    blake2b_update(&hash, bytes, sizeof bytes);
    blake2b_final(&hash, c->response);
}

static enum status read_contributions(struct ceremony *ceremony, struct diag *diag)
{
    const struct ptau_section *section = &ceremony->section[PTAU_CONTRIBUTIONS];
    struct reader r;
    reader_init(&r, section->data, (size_t)section->bytes);
    uint32_t count = reader_u32(&r);
    if (r.failed || count > CEREMONY_MOST_CONTRIBUTIONS ||
        count > reader_left(&r) / CONTRIBUTION_BYTES)
        return ptau_refuse(diag, ceremony->path, "its list of contributions is cut short");
    ceremony->contribution = calloc(count + 1, sizeof *ceremony->contribution);
    if (ceremony->contribution == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "%s: no memory for %u contributions",
                        ceremony->path, count);
    for (; ceremony->count < count && !r.failed; ceremony->count++)
        read_contribution(&ceremony->contribution[ceremony->count], &r);
    if (r.failed || reader_left(&r) > 0)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "%s: contribution %zu of the .ptau file is not what one looks like; fetch the "
            "file again",
            ceremony->path, ceremony->count);
    return STATUS_OK;
}

static enum status open_frame(struct ceremony *ceremony, struct diag *diag)
{
    enum status status =
        ptau_find_sections(ceremony->section, ceremony->map.data, ceremony->map.count,
                           PTAU_CONTRIBUTIONS, ceremony->path, diag);
    if (status == STATUS_OK)
        status = ptau_read_head(&ceremony->power, &ceremony->ceremony_power,
                                &ceremony->section[PTAU_HEAD], ceremony->path, diag);
    for (int id = PTAU_G1; id <= PTAU_BETA_G2 && status == STATUS_OK; id++) {
        if (ceremony->power < CEREMONY_LEAST_POWER ||
            ceremony->section[id].bytes !=
                ceremony_section_points(id, ceremony->power) * ceremony_point_bytes(id))
            status =
                ptau_refuse(diag, ceremony->path,
                            "a section of the .ptau file has a length that is not its power's");
    }
    return status == STATUS_OK ? read_contributions(ceremony, diag) : status;
}

enum status ceremony_open(struct ceremony *ceremony, const char *path, struct diag *diag)
{
    memset(ceremony, 0, sizeof *ceremony);
    ceremony->path = path;
    enum status status = file_map_open(&ceremony->map, path, PTAU_MOST_BYTES, diag);
    if (status == STATUS_OK)
        status = open_frame(ceremony, diag);
    if (status != STATUS_OK)
        ceremony_close(ceremony);
    return status;
}

void ceremony_close(struct ceremony *ceremony)
{
    file_map_close(&ceremony->map);
    free(ceremony->contribution);
    memset(ceremony, 0, sizeof *ceremony);
}

/* ---- contributions: writing ----------------------------------------------------------------- */

static void put_partial(struct buffer *out, const struct blake2b *hash)
{
    buffer_put(out, hash->block, sizeof hash->block);
    for (int i = 0; i < 8; i++)
        buffer_put_u64(out, hash->state[i]);
    buffer_put_u64(out, hash->compressed_bytes);
    buffer_put_u64(out, hash->filled_bytes);
    buffer_put_u64(out, 0);
}

static void put_contribution(struct buffer *out, const struct ceremony_contribution *c)
{
    buffer_put(out, &c->after.tau_g1, G1_BYTES);
    buffer_put(out, &c->after.tau_g2, G2_BYTES);
    buffer_put(out, &c->after.alpha_g1, G1_BYTES);
    buffer_put(out, &c->after.beta_g1, G1_BYTES);
    buffer_put(out, &c->after.beta_g2, G2_BYTES);
    for (int i = 0; i < CEREMONY_SECRETS; i++) {
        buffer_put(out, &c->proof[i].s, G1_BYTES);
        buffer_put(out, &c->proof[i].sx, G1_BYTES);
    }
    for (int i = 0; i < CEREMONY_SECRETS; i++)
        buffer_put(out, &c->proof[i].qx, G2_BYTES);
    put_partial(out, &c->partial);
    buffer_put(out, c->next_challenge, sizeof c->next_challenge);
    size_t name_bytes = strlen(c->name);
    buffer_put_u32(out, c->is_beacon);
    buffer_put_u32(out, (uint32_t)((name_bytes > 0 ? 2 + name_bytes : 0) +
                                   (c->is_beacon ? 4 + (size_t)c->beacon_bytes : 0)));
    if (name_bytes > 0) {
        buffer_put_u8(out, 1);
        buffer_put_u8(out, (uint8_t)name_bytes);
        buffer_put(out, c->name, name_bytes);
    }
    if (c->is_beacon) {
        buffer_put_u8(out, 2);
        buffer_put_u8(out, c->lg_rounds);
        buffer_put_u8(out, 3);
        buffer_put_u8(out, c->beacon_bytes);
        buffer_put(out, c->beacon, c->beacon_bytes);
    }
}

enum status ceremony_put_contributions(struct file_writer *writer,
                                       const struct ceremony_contribution *old, size_t old_count,
                                       const struct ceremony_contribution *added, struct diag *diag)
{
    struct buffer list;
    buffer_init(&list);
    buffer_put_u32(&list, (uint32_t)(old_count + (added != NULL)));
    for (size_t i = 0; i < old_count; i++)
        put_contribution(&list, &old[i]);
    if (added != NULL)
        put_contribution(&list, added);
    enum status status = buffer_status(&list, diag);
    if (status == STATUS_OK) {
        ceremony_put_section(writer, PTAU_CONTRIBUTIONS, list.count);
        file_writer_put(writer, list.data, list.count);
    }
    buffer_release(&list);
    return status;
}

void ceremony_put_section(struct file_writer *writer, uint32_t id, uint64_t bytes)
{
    uint8_t head[12];
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(id >> (8 * i));
    for (int i = 0; i < 8; i++)
        head[4 + i] = (uint8_t)(bytes >> (8 * i));
    file_writer_put(writer, head, sizeof head);
}

void ceremony_put_head(struct file_writer *writer, uint32_t power)
{
    uint8_t head[44] = {FIELD_BYTES};
    for (int i = 0; i < FIELD_BYTES; i++)
        head[4 + i] = (uint8_t)(fp_modulus[i / 8] >> (8 * (i % 8)));
    head[36] = head[40] = (uint8_t)power;
    const uint8_t start[12] = {'p', 't', 'a', 'u', PTAU_VERSION, 0, 0, 0, PTAU_CONTRIBUTIONS};
    file_writer_put(writer, start, sizeof start);
    ceremony_put_section(writer, PTAU_HEAD, sizeof head);
    file_writer_put(writer, head, sizeof head);
}

/* ---- new ------------------------------------------------------------------------------------ */

#define REPEAT 1024

/* Repeated generators, in the form of memory or as they are hashed. */
static size_t fill_generators(uint8_t *out, int id, bool hashed)
{
    size_t bytes = ceremony_point_bytes(id);
    for (size_t i = 0; i < REPEAT; i++) {
        if (bytes == G2_BYTES && hashed)
            g2_affine_to_bytes(out + i * bytes, &g2_generator);
        else if (hashed)
            g1_affine_to_bytes(out + i * bytes, &g1_generator);
        else if (bytes == G2_BYTES)
            memcpy(out + i * bytes, &g2_generator, bytes);
        else
            memcpy(out + i * bytes, &g1_generator, bytes);
    }
    return bytes;
}

void ceremony_first_challenge(uint8_t digest[CEREMONY_HASH_BYTES], uint32_t power)
{
    uint8_t points[REPEAT * G2_BYTES];
    struct blake2b hash;
    blake2b_init(&hash);
    blake2b_final(&hash, digest);
    blake2b_init(&hash);
    blake2b_update(&hash, digest, CEREMONY_HASH_BYTES);
    for (int id = PTAU_G1; id <= PTAU_BETA_G2; id++) {
        size_t bytes = fill_generators(points, id, true);
        for (uint64_t left = ceremony_section_points(id, power); left > 0;) {
            uint64_t n = left < REPEAT ? left : REPEAT;
            blake2b_update(&hash, points, (size_t)n * bytes);
            left -= n;
        }
    }
    blake2b_final(&hash, digest);
}

void ceremony_report(const struct ceremony_progress *progress, const char *stage, double fraction)
{
    if (progress != NULL && progress->report != NULL)
        progress->report(progress->context, stage, fraction);
}

enum status ceremony_new(uint8_t challenge[CEREMONY_HASH_BYTES], const char *path, uint32_t power,
                         const struct ceremony_progress *progress, struct diag *diag)
{
    uint8_t points[REPEAT * G2_BYTES];
    struct file_writer writer;
    ASSERT(power >= CEREMONY_LEAST_POWER && power <= CEREMONY_MOST_POWER);
    enum status status = file_writer_begin(&writer, path, FILE_MODE_PUBLIC, true, diag);
    if (status != STATUS_OK)
        return status;
    ceremony_put_head(&writer, power);
    for (int id = PTAU_G1; id <= PTAU_BETA_G2; id++) {
        size_t bytes = fill_generators(points, id, false);
        uint64_t count = ceremony_section_points(id, power);
        ceremony_put_section(&writer, (uint32_t)id, count * bytes);
        for (uint64_t left = count; left > 0 && writer.error == 0;) {
            uint64_t n = left < REPEAT ? left : REPEAT;
            file_writer_put(&writer, points, (size_t)n * bytes);
            left -= n;
            ceremony_report(progress, "write",
                            ((double)id - 2 + 1 - (double)left / (double)count) / 5);
        }
    }
    status = ceremony_put_contributions(&writer, NULL, 0, NULL, diag);
    if (status != STATUS_OK) {
        file_writer_abandon(&writer);
        return status;
    }
    ceremony_first_challenge(challenge, power);
    return file_writer_commit(&writer, diag);
}

enum status ceremony_make_seed(uint8_t seed[CEREMONY_SEED_BYTES], const void *text,
                               size_t text_bytes, struct diag *diag)
{
    uint8_t random[64], digest[BLAKE2B_BYTES];
    struct blake2b hash;
    if (!system_random_fill(random, sizeof random))
        return diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
    blake2b_init(&hash);
    blake2b_update(&hash, random, sizeof random);
    blake2b_update(&hash, text, text_bytes);
    blake2b_final(&hash, digest);
    memcpy(seed, digest, CEREMONY_SEED_BYTES);
    explicit_bzero(random, sizeof random);
    explicit_bzero(digest, sizeof digest);
    return STATUS_OK;
}
