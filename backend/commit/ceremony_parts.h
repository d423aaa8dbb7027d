/* What the files of a ceremony's code share. Private to backend/commit/ceremony*.c. */
#ifndef SERTN_BACKEND_COMMIT_CEREMONY_PARTS_H
#define SERTN_BACKEND_COMMIT_CEREMONY_PARTS_H

#include "backend/commit/ceremony.h"

/* Points that are read, multiplied, hashed or summed at a time. */
#define CEREMONY_CHUNK ((size_t)1 << 15)

/* Bytes of a point of a section in the file. */
size_t ceremony_point_bytes(int id);
/* Sets c->response from c->partial and the proofs. */
void ceremony_respond(struct ceremony_contribution *c);
void ceremony_report(const struct ceremony_progress *progress, const char *stage, double fraction);

void ceremony_put_head(struct file_writer *writer, uint32_t power);
void ceremony_put_section(struct file_writer *writer, uint32_t id, uint64_t bytes);
/* The section of contributions; added may be null. Errors: STATUS_NO_MEMORY. */
SERTN_MUST_CHECK enum status ceremony_put_contributions(struct file_writer *writer,
                                                        const struct ceremony_contribution *old,
                                                        size_t old_count,
                                                        const struct ceremony_contribution *added,
                                                        struct diag *diag);

/* Points in the form of memory to hashed bytes: whole, or with the abscissa alone. */
void ceremony_points_to_bytes(uint8_t *out, const void *points, int id, size_t n, bool compressed,
                              struct machine *machine);

/* Reads n points of a section from number `first` on. False when a coordinate is not below the
 * modulus. */
bool ceremony_read_points(void *points, const struct ptau_section *section, int id, uint64_t first,
                          size_t n);

#endif
