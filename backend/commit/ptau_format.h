/*
 * The bytes of .ptau files, shared by those who read powers and those who run ceremonies. Private
 * to backend/commit. The layout is in ptau.h; more sections here:
 *   4 ([alpha tau^i]_1, 2^power), 5 ([beta tau^i]_1, 2^power), 6 ([beta]_2), 7 (contributions).
 */
#ifndef SERTN_BACKEND_COMMIT_PTAU_FORMAT_H
#define SERTN_BACKEND_COMMIT_PTAU_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/curve/curve.h"
#include "ir/support/status.h"

#define PTAU_VERSION 1
#define PTAU_MOST_POWER 28
/* A prepared file of power 28 has 288 GB. */
#define PTAU_MOST_BYTES (UINT64_C(1) << 40)

/* ORDER ptau_section: the ids in the file. */
enum {
    PTAU_HEAD = 1,
    PTAU_G1,
    PTAU_G2,
    PTAU_ALPHA_G1,
    PTAU_BETA_G1,
    PTAU_BETA_G2,
    PTAU_CONTRIBUTIONS,
    PTAU_SECTIONS,
};

struct ptau_section {
    const uint8_t *data; /* null: not there */
    uint64_t bytes;
};

/* "<path>: <what>; use a .ptau file ...". */
enum status ptau_refuse(struct diag *diag, const char *path, const char *what);

/* Finds sections 1 .. last, each once; every length is checked against the file. Sections with
 * other ids are stepped over. */
SERTN_MUST_CHECK enum status ptau_find_sections(struct ptau_section section[PTAU_SECTIONS],
                                                const uint8_t *data, size_t count, int last,
                                                const char *path, struct diag *diag);

/* Reads the head: the power of the file and of its ceremony. */
SERTN_MUST_CHECK enum status ptau_read_head(uint32_t *power, uint32_t *ceremony_power,
                                            const struct ptau_section *head, const char *path,
                                            struct diag *diag);

/* Reads a coordinate in the form of memory; false when it is not below the modulus. */
bool ptau_read_coordinate(fp *r, const uint8_t *bytes);
bool ptau_read_g1(g1_affine *r, const uint8_t *bytes);
bool ptau_read_g2(g2_affine *r, const uint8_t *bytes);

/* scalar[i] = a random integer below 2^128, for combinations of checks; false when the system gives
 * no randomness. */
bool ptau_random_scalars(fr *scalar, size_t count);

#endif
