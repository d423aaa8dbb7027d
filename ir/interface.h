/*
 * What a compiled model shows to its users: inputs and outputs by name, and which integers of the
 * relation program stand for them.
 *
 * Made by the compiler from the graph and the lowering; stored beside the program; read by prove,
 * verify and every binding. The meaning of public words (names, scales, labels) is bound by the
 * program digest, which covers these bytes.
 */
#ifndef SERTN_IR_INTERFACE_H
#define SERTN_IR_INTERFACE_H

#include "ir/relation.h"
#include "ir/support/codec.h"
#include "ir/tensor.h"

enum port_visibility { PORT_PRIVATE, PORT_PUBLIC, PORT_HASHED };

struct port {
    const char *name;       /* of the graph input or output */
    enum element_type type; /* declared element type */
    struct shape shape;
    enum port_visibility visibility;
    uint32_t tensor; /* relation tensor, same element order */
    uint32_t salt,
        digest; /* PORT_HASHED: tensors of the salt and of the digest; RELATION_NONE otherwise */
    /* Keys of a map output (ZipMap): integers or text, or NULL. */
    const struct tensor *map_keys;
    /* Element i of the integer tensor stands for text i, or NULL. */
    const struct tensor *text_table;
    /* The sequence it is an item of, or NULL; `name` is then this name and [i], once a level. */
    const char *sequence;
};

struct interface {
    struct port *inputs;
    size_t input_count;
    struct port *outputs;
    size_t output_count;
};

void interface_serialize(const struct interface *interface, struct buffer *out);
/* Arrays live in the arena; tensor indices are checked against the program. Errors:
 * STATUS_BAD_INPUT, STATUS_NO_MEMORY. */
enum status interface_parse(struct interface *interface, const struct relation_program *program,
                            struct arena *arena, const void *bytes, size_t count,
                            struct diag *diag) SERTN_MUST_CHECK;

/*
 * The integer that stands for a number given to an input: float keys or patterns; integers as
 * they are; fixed point to the nearest multiple of the scale, ties to even, but where signs are
 * kept, a number that would become 0 and is none to one unit of its sign. `real` is used for
 * float types, `integer` for the others. Returns false for NaN or infinity where the encoding has
 * no meaning for them, and for numbers beyond 254 bits.
 */
bool port_encode(wide *out, const struct relation_tensor *tensor, enum element_type type,
                 double real, int64_t integer);
/* The real number that an integer stands for, rounded to the declared type. Integer types: the
 * integer itself, exact in *integer. */
void port_decode(double *real, int64_t *integer, const struct relation_tensor *tensor,
                 enum element_type type, wide value);

#endif
