/*
 * Reads vectors.txt, which make_vectors.py explains: lines of a kind and fields in hexadecimal.
 */
#ifndef SERTN_TESTS_BACKEND_CURVE_VECTORS_H
#define SERTN_TESTS_BACKEND_CURVE_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VECTOR_FIELDS 3
#define VECTOR_BYTES 2048

struct vector {
    size_t fields;
    size_t bytes[VECTOR_FIELDS]; /* "-" stands for no bytes */
    uint8_t field[VECTOR_FIELDS][VECTOR_BYTES];
};

struct vector_file {
    FILE *file;
    const char *kind;
};

/* Opens the file for the lines of one kind; a missing file ends the case as failed. */
void vectors_open(struct vector_file *f, const char *kind);
/* Reads the next line of the kind; false at the end. */
bool vectors_next(struct vector_file *f, struct vector *out);
void vectors_close(struct vector_file *f);

#endif
