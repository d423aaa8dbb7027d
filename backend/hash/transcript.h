/*
 * Fiat-Shamir transcript over Keccak-256: the same bytes in C and in the Solidity verifier.
 *
 * Definition. The state is 32 bytes; pending is a byte string.
 *   start    state = keccak256(domain string); pending is empty.
 *   absorb   pending = pending || item. Every item is a multiple of 32 bytes: an element of fr is
 * its canonical integer in 32 big-endian bytes, a point of G1 is x || y, each 32 big-endian bytes
 * below the base field's modulus, a plain integer is one 32-byte big-endian word. squeeze  state =
 * keccak256(state || pending); pending is empty; the challenge is state read as a 256-bit
 * big-endian integer mod the modulus of fr. Two squeezes with nothing absorbed between them are
 * state = keccak256(state) twice over. What is absorbed has a shape that the verifying key fixes,
 * and every count that may vary is absorbed as a word before what it counts, so the byte string
 * parses in one way only.
 *
 * The point at infinity cannot be absorbed: an honest commitment is infinity with probability about
 * 2^-254, and the encoding 0, 0 is no point of the curve y^2 = x^3 + 3.
 *
 * Writing to the proof and absorbing are one call (transcript_write_*), and so are parsing and
 * absorbing (transcript_read_*), so that no message can be sent without being bound. The one thing
 * a proof carries that is not absorbed, a hint the verifier checks at once, goes through
 * proof_writer_fr and proof_reader_fr.
 *
 * Every step has a label. Labels are not hashed; they name the item in errors and reach the
 * observer, by which a test pins the whole manifest of a protocol.
 *
 * Source: A. Fiat, A. Shamir, How to prove yourself, CRYPTO '86, in the strong form (the whole
 * statement is absorbed first): D. Bernhard, O. Pereira, B. Warinschi, ASIACRYPT 2012, eprint
 * 2016/771.
 */
#ifndef SERTN_BACKEND_HASH_TRANSCRIPT_H
#define SERTN_BACKEND_HASH_TRANSCRIPT_H

#include "backend/field/field.h"
#include "backend/hash/keccak.h"
#include "ir/support/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a point of G1 in a proof: x || y. */
#define TRANSCRIPT_POINT_BYTES 64

/* What a transcript step is, for the observer. */
enum transcript_step {
    TRANSCRIPT_ABSORB,  /* bytes bound to the transcript */
    TRANSCRIPT_SQUEEZE, /* bytes are the new state */
};

/* Is told every step in order; bytes are borrowed for the call. */
typedef void transcript_observer(void *context, enum transcript_step step, const char *label,
                                 const uint8_t *bytes, size_t count);

/* Plain data: copying it forks the transcript. Nothing to release. */
struct transcript {
    struct keccak256 hash;         /* has absorbed state || pending */
    transcript_observer *observer; /* may be null */
    void *observer_context;        /* borrowed */
};

/* Starts a transcript for a domain string, zero-terminated (the zero is not hashed). */
void transcript_init(struct transcript *transcript, const char *domain);

/* Tells the observer of every later step; null ends it. */
void transcript_observe(struct transcript *transcript, transcript_observer *observer,
                        void *context);

/* Absorbs 32-byte words. Requires: count is a multiple of 32. */
void transcript_absorb_words(struct transcript *transcript, const char *label, const uint8_t *bytes,
                             size_t count);

/* Absorbs a number as one 32-byte big-endian word. */
void transcript_absorb_u64(struct transcript *transcript, const char *label, uint64_t value);

/* Absorbs field elements, 32 bytes each. */
void transcript_absorb_fr(struct transcript *transcript, const char *label, const fr *value,
                          size_t count);

/* Absorbs a point that both sides know. Returns false, nothing absorbed, for infinity (0, 0). */
SERTN_MUST_CHECK bool transcript_absorb_point(struct transcript *transcript, const char *label,
                                              const fp *x, const fp *y);

/* Draws a challenge. */
void transcript_squeeze(struct transcript *transcript, const char *label, fr *challenge);

/* ---- Proof bytes, prover's side ------------------------------------------------------------- */

/* A proof being written into the caller's buffer. */
struct proof_writer {
    uint8_t *bytes;  /* borrowed, capacity bytes */
    size_t capacity; /* the exact length of the proof, known from the verifying key */
    size_t used;
};

void proof_writer_init(struct proof_writer *writer, uint8_t *bytes, size_t capacity);

/* Appends an element that is not absorbed (a hint that the verifier checks by itself).
 * Requires: FIELD_BYTES fit. */
void proof_writer_fr(struct proof_writer *writer, const fr *value);

/* Appends a point and absorbs it. Requires: it fits and is on the curve.
 * Returns false, nothing written or absorbed, for infinity (0, 0): draw new blinders and begin
 * anew. */
SERTN_MUST_CHECK bool transcript_write_point(struct transcript *transcript,
                                             struct proof_writer *writer, const char *label,
                                             const fp *x, const fp *y);

/* Appends field elements and absorbs them. Requires: they fit. */
void transcript_write_fr(struct transcript *transcript, struct proof_writer *writer,
                         const char *label, const fr *value, size_t count);

/* ---- Proof bytes, verifier's side ----------------------------------------------------------- */

/* A proof being read. */
struct proof_reader {
    const uint8_t *bytes; /* borrowed */
    size_t count;
    size_t used;
};

void proof_reader_init(struct proof_reader *reader, const uint8_t *bytes, size_t count);

/* Reads an element that is not absorbed.
 * Errors: STATUS_REJECTED when the proof is too short or the integer is not below the modulus. */
SERTN_MUST_CHECK enum status proof_reader_fr(struct proof_reader *reader, const char *label,
                                             fr *value, struct diag *diag);

/* Ends the reading. Errors: STATUS_REJECTED when bytes are left over. */
SERTN_MUST_CHECK enum status proof_reader_finish(const struct proof_reader *reader,
                                                 struct diag *diag);

/* Reads a point and absorbs it. G1 has prime order, so a point on the curve is in the group.
 * Ensures: on STATUS_OK x, y < modulus and y^2 = x^3 + 3; otherwise x = y = 0, nothing absorbed.
 * Errors: STATUS_REJECTED when the proof is too short, a coordinate is not below the modulus, or
 * the point is not on the curve (infinity is not). */
SERTN_MUST_CHECK enum status transcript_read_point(struct transcript *transcript,
                                                   struct proof_reader *reader, const char *label,
                                                   fp *x, fp *y, struct diag *diag);

/* Reads `count` elements and absorbs them.
 * Ensures: on anything but STATUS_OK all of value is 0 and nothing was absorbed.
 * Errors: STATUS_REJECTED when the proof is too short or an integer is not below the modulus. */
SERTN_MUST_CHECK enum status transcript_read_fr(struct transcript *transcript,
                                                struct proof_reader *reader, const char *label,
                                                fr *value, size_t count, struct diag *diag);

#endif
