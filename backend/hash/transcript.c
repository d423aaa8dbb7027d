/* The transcript; see transcript.h, which defines it byte by byte. */
#include "backend/hash/transcript.h"

#include <string.h>

static void start_period(struct transcript *transcript, const uint8_t state[KECCAK256_BYTES])
{
    keccak256_init(&transcript->hash);
    keccak256_update(&transcript->hash, state, KECCAK256_BYTES);
}

static void observe(const struct transcript *transcript, enum transcript_step step,
                    const char *label, const uint8_t *bytes, size_t count)
{
    if (transcript->observer)
        transcript->observer(transcript->observer_context, step, label, bytes, count);
}

void transcript_init(struct transcript *transcript, const char *domain)
{
    uint8_t state[KECCAK256_BYTES];
    transcript->observer = NULL;
    transcript->observer_context = NULL;
    keccak256(state, domain, strlen(domain));
    start_period(transcript, state);
}

void transcript_observe(struct transcript *transcript, transcript_observer *observer, void *context)
{
    transcript->observer = observer;
    transcript->observer_context = context;
}

void transcript_absorb_words(struct transcript *transcript, const char *label, const uint8_t *bytes,
                             size_t count)
{
    ASSERT(count % 32 == 0);
    keccak256_update(&transcript->hash, bytes, count);
    observe(transcript, TRANSCRIPT_ABSORB, label, bytes, count);
}

void transcript_absorb_u64(struct transcript *transcript, const char *label, uint64_t value)
{
    uint8_t word[32] = {0};
    for (int i = 0; i < 8; i++)
        word[31 - i] = (uint8_t)(value >> (8 * i));
    transcript_absorb_words(transcript, label, word, sizeof word);
}

void transcript_absorb_fr(struct transcript *transcript, const char *label, const fr *value,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t word[FIELD_BYTES];
        fr_to_bytes_be(word, &value[i]);
        transcript_absorb_words(transcript, label, word, sizeof word);
    }
}

bool transcript_absorb_point(struct transcript *transcript, const char *label, const fp *x,
                             const fp *y)
{
    if (fp_is_zero(x) && fp_is_zero(y))
        return false;
    uint8_t bytes[TRANSCRIPT_POINT_BYTES];
    fp_to_bytes_be(bytes, x);
    fp_to_bytes_be(bytes + FIELD_BYTES, y);
    transcript_absorb_words(transcript, label, bytes, sizeof bytes);
    return true;
}

void transcript_squeeze(struct transcript *transcript, const char *label, fr *challenge)
{
    uint8_t state[KECCAK256_BYTES];
    keccak256_final(&transcript->hash, state);
    start_period(transcript, state);
    fr_from_bytes_be_reduce(challenge, state);
    observe(transcript, TRANSCRIPT_SQUEEZE, label, state, sizeof state);
}

/* ---- Writing ---- */

void proof_writer_init(struct proof_writer *writer, uint8_t *bytes, size_t capacity)
{
    writer->bytes = bytes;
    writer->capacity = capacity;
    writer->used = 0;
}

/* Returns room for `count` more bytes. */
static uint8_t *writer_room(struct proof_writer *writer, size_t count)
{
    ASSERT(count <= writer->capacity - writer->used);
    uint8_t *room = writer->bytes + writer->used;
    writer->used += count;
    return room;
}

void proof_writer_fr(struct proof_writer *writer, const fr *value)
{
    fr_to_bytes_be(writer_room(writer, FIELD_BYTES), value);
}

bool transcript_write_point(struct transcript *transcript, struct proof_writer *writer,
                            const char *label, const fp *x, const fp *y)
{
    if (!transcript_absorb_point(transcript, label, x, y))
        return false;
    uint8_t *room = writer_room(writer, TRANSCRIPT_POINT_BYTES);
    fp_to_bytes_be(room, x);
    fp_to_bytes_be(room + FIELD_BYTES, y);
    return true;
}

void transcript_write_fr(struct transcript *transcript, struct proof_writer *writer,
                         const char *label, const fr *value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        proof_writer_fr(writer, &value[i]);
    transcript_absorb_fr(transcript, label, value, count);
}

/* ---- Reading ---- */

void proof_reader_init(struct proof_reader *reader, const uint8_t *bytes, size_t count)
{
    reader->bytes = bytes;
    reader->count = count;
    reader->used = 0;
}

/* Returns the next `count` bytes, or null with diag set when the proof ends before. */
static const uint8_t *reader_take(struct proof_reader *reader, const char *label, size_t count,
                                  struct diag *diag)
{
    if (count > reader->count - reader->used) {
        (void)diag_set(diag, STATUS_REJECTED,
                       "the proof ends at byte %zu, before its part \"%s\" of %zu bytes",
                       reader->count, label, count);
        return NULL;
    }
    const uint8_t *bytes = reader->bytes + reader->used;
    reader->used += count;
    return bytes;
}

enum status proof_reader_fr(struct proof_reader *reader, const char *label, fr *value,
                            struct diag *diag)
{
    *value = fr_zero;
    const uint8_t *bytes = reader_take(reader, label, FIELD_BYTES, diag);
    if (!bytes)
        return STATUS_REJECTED;
    if (!fr_from_bytes_be(value, bytes))
        return diag_set(diag, STATUS_REJECTED,
                        "the proof's part \"%s\" at byte %zu is not below the field's modulus",
                        label, reader->used - FIELD_BYTES);
    return STATUS_OK;
}

enum status proof_reader_finish(const struct proof_reader *reader, struct diag *diag)
{
    if (reader->used != reader->count)
        return diag_set(diag, STATUS_REJECTED, "the proof has %zu bytes where %zu were expected",
                        reader->count, reader->used);
    return STATUS_OK;
}

/* Returns whether y^2 = x^3 + 3. */
static bool is_on_curve(const fp *x, const fp *y)
{
    fp left, right, three;
    fp_sqr(&left, y);
    fp_sqr(&right, x);
    fp_mul(&right, &right, x);
    fp_from_u64(&three, 3);
    fp_add(&right, &right, &three);
    return fp_eq(&left, &right);
}

enum status transcript_read_point(struct transcript *transcript, struct proof_reader *reader,
                                  const char *label, fp *x, fp *y, struct diag *diag)
{
    *x = *y = fp_zero;
    const uint8_t *bytes = reader_take(reader, label, TRANSCRIPT_POINT_BYTES, diag);
    if (!bytes)
        return STATUS_REJECTED;
    fp px, py;
    bool canonical = fp_from_bytes_be(&px, bytes);
    canonical = fp_from_bytes_be(&py, bytes + FIELD_BYTES) && canonical;
    if (!canonical)
        return diag_set(diag, STATUS_REJECTED,
                        "the proof's point \"%s\" has a coordinate that is not below the modulus",
                        label);
    if (!is_on_curve(&px, &py))
        return diag_set(diag, STATUS_REJECTED, "the proof's point \"%s\" is not on the curve",
                        label);
    transcript_absorb_words(transcript, label, bytes, TRANSCRIPT_POINT_BYTES);
    *x = px;
    *y = py;
    return STATUS_OK;
}

enum status transcript_read_fr(struct transcript *transcript, struct proof_reader *reader,
                               const char *label, fr *value, size_t count, struct diag *diag)
{
    for (size_t i = 0; i < count; i++) {
        enum status status = proof_reader_fr(reader, label, &value[i], diag);
        if (status != STATUS_OK) {
            memset(value, 0, count * sizeof *value);
            return status;
        }
    }
    transcript_absorb_fr(transcript, label, value, count);
    return STATUS_OK;
}
