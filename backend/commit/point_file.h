/*
 * Files of points of G1: the powers of an SRS, and what is derived from them (window tables,
 * Lagrange bases). Private to backend/commit.
 *
 * Layout, integers little-endian: a head of 4096 bytes; count points of 64 bytes, x then y, four
 * limbs each, Montgomery form with R = 2^256 (the form of memory and of .ptau files); one 64-bit
 * checksum for each block of 1024 points. A reader maps the file and checks the blocks it uses and
 * no others, so that a small proof reads little.
 *
 * The head: magic "SERTNPTS", u32 version, u32 kind, u32 origin, u32 lg_rows, u32 arity, u32
 * levels, u32 shift_bits, u32 window_bits, u64 count, [tau]_2 as 128 bytes of EIP-197, 32 bytes SRS
 * digest, zeros, and in its last 8 bytes its own checksum.
 *
 * The checksums find damage, not malice: a file is trusted as the program beside it is. A forged
 * SRS could not make a verifier accept, since that uses [tau]_2 of a trusted digest alone.
 */
#ifndef SERTN_BACKEND_COMMIT_POINT_FILE_H
#define SERTN_BACKEND_COMMIT_POINT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "backend/curve/curve.h"
#include "ir/support/file.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

/* ORDER point_file_kind: the number in the head. */
enum point_file_kind { POINT_FILE_POWERS = 1, POINT_FILE_LAGRANGE = 2 };

#define POINT_FILE_VERSION 1
#define POINT_FILE_HEAD_BYTES 4096
#define POINT_FILE_BLOCK 1024
#define POINT_FILE_DIGEST_BYTES 32

/* What a head says. Numbers that a kind does not use are 0. */
struct point_file_head {
    enum point_file_kind kind;
    uint32_t origin;
    uint32_t lg_rows, arity;
    uint32_t levels, shift_bits, window_bits;
    uint64_t count; /* points, all levels */
    g2_affine tau_g2;
    uint8_t digest[POINT_FILE_DIGEST_BYTES];
};

/* An open file. Zero-initialised: closed. */
struct point_file {
    struct point_file_head head;
    struct file_map map;
    const g1_affine *point; /* head.count points in the map */
};

/*
 * Writes a file whole or not at all, durable.
 * Errors: STATUS_IO, STATUS_NO_MEMORY.
 */
SERTN_MUST_CHECK enum status point_file_write(const char *path, const struct point_file_head *head,
                                              const g1_affine *point, struct diag *diag);

/*
 * Opens a file and checks its head; [tau]_2 is checked to be canonical and on its curve.
 * Errors: STATUS_BAD_INPUT when there is no file, or it is no point file, of another version, cut
 * short, too long or damaged; STATUS_IO.
 */
SERTN_MUST_CHECK enum status point_file_open(struct point_file *file, const char *path,
                                             struct diag *diag);

/* Checks the blocks that hold points first .. first + count - 1. Requires: they are in the file.
 * Errors: STATUS_BAD_INPUT for a block that is damaged. */
SERTN_MUST_CHECK enum status point_file_check(const struct point_file *file, const char *path,
                                              size_t first, size_t count, struct machine *machine,
                                              struct diag *diag);

/* Returns whether a file starts with the magic of point files. */
bool point_file_has_magic(const uint8_t *bytes, size_t count);

/* Closes it; safe on a zeroed one. */
void point_file_close(struct point_file *file);

#endif
