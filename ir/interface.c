/* See interface.h. */
#include "ir/interface.h"

#include <math.h>
#include <string.h>

enum { FORMAT = 2, ELEMENTS_MAX = 1 << 20 };

static void code_shape(struct codec *codec, struct shape *shape)
{
    codec_u8(codec, &shape->rank);
    if (shape->rank > TENSOR_RANK_MAX)
        codec_fail(codec);
    for (unsigned d = 0; d < shape->rank && !codec->failed; d++)
        codec_i64(codec, &shape->dim[d]);
}

static void code_element(struct codec *codec, struct tensor *tensor, size_t i)
{
    if (tensor->type == ELEMENT_STRING) {
        codec_text(codec, &tensor->data.text[i]);
    } else if (element_type_is_float(tensor->type)) {
        codec_bytes(codec, &tensor->data.real[i], sizeof tensor->data.real[i]);
    } else {
        codec_i64(codec, &tensor->data.integer[i]);
    }
}

/* Keys and labels: strings, integers or floats of rank 1. */
static void code_list(struct codec *codec, const struct tensor **list)
{
    bool present = *list != NULL;
    codec_bool(codec, &present);
    if (!present || codec->failed)
        return;
    uint8_t type = codec->is_writing ? (uint8_t)(*list)->type : 0;
    size_t count = codec->is_writing ? (*list)->count : 0;
    codec_u8(codec, &type);
    codec_count(codec, &count, 1, ELEMENTS_MAX);
    struct tensor *tensor = (struct tensor *)(uintptr_t)*list;
    if (!codec->is_writing) {
        struct shape shape = {.rank = 1, .dim = {(int64_t)count}};
        bool known =
            type == ELEMENT_STRING || element_type_is_float(type) || element_type_is_integer(type);
        tensor = codec->failed || !known ? NULL : tensor_new(codec->arena, type, &shape);
        if (tensor == NULL) {
            codec_fail(codec);
            return;
        }
        *list = tensor;
    }
    for (size_t i = 0; i < count && !codec->failed; i++)
        code_element(codec, tensor, i);
}

static void code_port(struct codec *codec, struct port *port)
{
    uint8_t type = (uint8_t)port->type, visibility = (uint8_t)port->visibility;
    codec_text(codec, &port->name);
    codec_u8(codec, &type);
    codec_u8(codec, &visibility);
    if (visibility > PORT_HASHED || type > ELEMENT_I2)
        codec_fail(codec);
    port->type = type;
    port->visibility = codec->failed ? PORT_PRIVATE : visibility;
    code_shape(codec, &port->shape);
    codec_u32(codec, &port->tensor);
    codec_u32(codec, &port->salt);
    codec_u32(codec, &port->digest);
    code_list(codec, &port->map_keys);
    code_list(codec, &port->text_table);
    bool is_item = port->sequence != NULL;
    codec_bool(codec, &is_item);
    if (is_item)
        codec_text(codec, &port->sequence);
}

static void code_ports(struct codec *codec, struct port **ports, size_t *count)
{
    codec_count(codec, count, 8, ELEMENTS_MAX);
    *ports = codec_array(codec, *ports, *count, sizeof **ports);
    for (size_t i = 0; i < *count && !codec->failed; i++)
        code_port(codec, &(*ports)[i]);
}

static void code_interface(struct codec *codec, struct interface *interface)
{
    uint32_t format = FORMAT;
    codec_u32(codec, &format);
    if (format != FORMAT)
        codec_fail(codec);
    code_ports(codec, &interface->inputs, &interface->input_count);
    code_ports(codec, &interface->outputs, &interface->output_count);
}

void interface_serialize(const struct interface *interface, struct buffer *out)
{
    struct codec codec = codec_writer(out);
    struct interface copy = *interface;
    code_interface(&codec, &copy);
    ASSERT(!codec.failed);
}

/* An item of a sequence is called by the sequence's name and [i], once a level. */
static bool valid_item_name(const struct port *port)
{
    size_t length = port->sequence == NULL ? 0 : strlen(port->sequence);
    if (port->sequence == NULL)
        return true;
    if (strncmp(port->name, port->sequence, length) != 0 || port->name[length] != '[')
        return false;
    const char *at = port->name + length;
    while (*at == '[') {
        size_t digits = strspn(at + 1, "0123456789");
        if (digits == 0 || at[1 + digits] != ']')
            return false;
        at += digits + 2;
    }
    return *at == 0;
}

static bool valid_port(const struct port *port, const struct relation_program *program)
{
    size_t count;
    return port->tensor < program->tensor_count && valid_item_name(port) &&
           shape_count(&port->shape, SIZE_MAX / 64, &count) &&
           count == program->tensors[port->tensor].count;
}

/* Whether a relation hashes the port's elements in order, under its salt, to its digest. */
static bool is_hashed(const struct port *port, const struct relation_program *program)
{
    for (size_t i = 0; i < program->relation_count; i++) {
        const struct relation *r = &program->relations[i];
        if (r->kind != RELATION_DIGEST || r->outputs[0] != port->digest)
            continue;
        if (r->space_rank != 1 || r->views[0].tensor != port->tensor ||
            (size_t)r->space[0] != program->tensors[port->tensor].count ||
            r->views[1].tensor != port->salt || r->views[1].offset != 0)
            return false;
        for (size_t e = 0; e < (size_t)r->space[0]; e++)
            if (relation_view_element(&r->views[0], 1, r->space, e) != (int64_t)e)
                return false;
        return port->salt < program->tensor_count && program->tensors[port->salt].count == 1;
    }
    return false;
}

/* What the port shows is the next public tensor. */
static bool is_shown(const struct port *port, const struct relation_program *program, size_t *next)
{
    if (port->visibility == PORT_PRIVATE)
        return true;
    bool is_digest = port->visibility == PORT_HASHED;
    return *next < program->public_tensor_count &&
           program->public_tensors[(*next)++] == (is_digest ? port->digest : port->tensor) &&
           (!is_digest || is_hashed(port, program));
}

/* Ports say what the public words mean, so they must be those of the program: its inputs in order,
 * and what each shows in the order of the public tensors, all of them. */
static bool fits_program(const struct interface *interface, const struct relation_program *program)
{
    size_t next = 0;
    bool fits = interface->input_count == program->input_tensor_count;
    for (size_t i = 0; fits && i < interface->input_count; i++) {
        const struct port *port = &interface->inputs[i];
        fits = valid_port(port, program) && port->tensor == program->input_tensors[i] &&
               is_shown(port, program, &next);
    }
    for (size_t i = 0; fits && i < interface->output_count; i++)
        fits = valid_port(&interface->outputs[i], program) &&
               is_shown(&interface->outputs[i], program, &next);
    return fits && next == program->public_tensor_count;
}

enum status interface_parse(struct interface *interface, const struct relation_program *program,
                            struct arena *arena, const void *bytes, size_t count, struct diag *diag)
{
    struct codec codec = codec_reader(bytes, count, arena);
    *interface = (struct interface){0};
    code_interface(&codec, interface);
    codec_finish(&codec);
    enum status status = codec_status(&codec, "the interface of the model", diag);
    if (status == STATUS_OK && !fits_program(interface, program))
        status = diag_set(
            diag, STATUS_BAD_INPUT,
            "the interface of the model does not fit its program; compile the model again");
    return status;
}

/* ---- numbers ---- */

bool port_encode(wide *out, const struct relation_tensor *tensor, enum element_type type,
                 double real, int64_t integer)
{
    bool is_float = element_type_is_float(type);
    if (tensor->encoding == ENCODING_FLOAT_KEY) {
        *out = wide_from_i128(
            (__int128)float_key(is_float ? real : (double)integer, tensor->key_bits));
        return true;
    }
    if (tensor->encoding == ENCODING_FLOAT_BITS) {
        uint64_t pattern;
        if (!float_pattern((enum element_type)tensor->key_bits, real, &pattern))
            return false;
        *out = wide_from_i128((__int128)pattern);
        return true;
    }
    bool is_plain = tensor->scale.numerator == 1 && tensor->scale.denominator == 1;
    if (!is_float) {
        wide value = wide_from_i64(integer);
        if (type == ELEMENT_U64 && integer < 0 && !wide_add(&value, value, wide_power_of_two(64)))
            return false;
        if (tensor->encoding == ENCODING_INTEGER || (is_plain && tensor->scale.exponent == 0)) {
            *out = value;
            return true;
        }
        if (is_plain && tensor->scale.exponent < 0)
            return wide_shift_left(out, value, (unsigned)-tensor->scale.exponent);
        real = wide_to_double(value);
    }
    if (tensor->encoding == ENCODING_INTEGER)
        return wide_from_double(out, real);
    if (tensor->has_nan && isnan(real)) {
        *out = tensor->low;
        return true;
    }
    if (tensor->has_infinity && real <= -0x1p64) {
        *out = tensor->low;
        return true;
    }
    double scaled = real * (double)tensor->scale.denominator / (double)tensor->scale.numerator;
    if (tensor->keeps_sign && real != 0 && fabs(ldexp(scaled, -tensor->scale.exponent)) <= 0.5) {
        *out = wide_from_i64(real < 0 ? -1 : 1);
        return true;
    }
    return wide_from_double(out, ldexp(scaled, -tensor->scale.exponent)) &&
           !((tensor->has_nan || tensor->has_infinity) && wide_compare(*out, tensor->low) == 0);
}

void port_decode(double *real, int64_t *integer, const struct relation_tensor *tensor,
                 enum element_type type, wide value)
{
    *integer = 0;
    if (tensor->encoding == ENCODING_FLOAT_KEY) {
        *real = float_from_key(value.limb[0], tensor->key_bits);
        return;
    }
    if (tensor->encoding == ENCODING_FLOAT_BITS) {
        if (!float_from_pattern((enum element_type)tensor->key_bits, value.limb[0], real))
            *real = NAN;
        return;
    }
    if (tensor->has_infinity && wide_compare(value, tensor->low) == 0) {
        *real = -INFINITY;
        return;
    }
    if (tensor->has_nan && wide_compare(value, tensor->low) == 0) {
        *real = NAN;
        return;
    }
    double scaled = wide_to_double(value);
    if (tensor->encoding == ENCODING_FIXED)
        scaled = ldexp(scaled * (double)tensor->scale.numerator / (double)tensor->scale.denominator,
                       tensor->scale.exponent);
    if (element_type_is_float(type)) {
        *real = element_round(type, scaled);
        return;
    }
    *real = scaled;
    if (tensor->encoding == ENCODING_INTEGER)
        *integer = (int64_t)value.limb[0];
    else
        *integer = integer_of_real(rint(scaled));
}
