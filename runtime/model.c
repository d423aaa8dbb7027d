/* Reading and writing the files of a compiled model; see model.h. */
#include "runtime/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "ir/relation_codec.h"
#include "ir/support/codec.h"
#include "ir/support/file.h"
#include "ir/support/packed.h"
#include "ir/support/reader.h"

static const char circuit_magic[8] = {'S', 'R', 'T', 'N', 'C', 'I', 'R', 'C'};
static const char parameter_magic[8] = {'S', 'R', 'T', 'N', 'P', 'A', 'R', 'M'};
enum { DIGEST = 32 };
static const char compile_again[] = "compile the model again with sertnc";

char *model_path(const char *folder, const char *name)
{
    return file_join(folder, name);
}

enum status model_read_part(struct buffer *out, const char *folder, const char *name,
                            const char *missing, struct diag *diag)
{
    char *path = model_path(folder, name);
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", folder);
    enum status status = file_exists(path) ? file_read(path, MODEL_BYTES_MAX, out, diag)
                                           : diag_set(diag, STATUS_BAD_INPUT,
                                                      "'%s' is not there; %s", path, missing);
    free(path);
    return status;
}

/* ---- the frame ---- */

void model_frame_begin(struct buffer *out, const char magic[8], uint32_t format)
{
    buffer_put(out, magic, 8);
    buffer_put_u32(out, format);
}

void model_frame_end(struct buffer *out)
{
    uint8_t digest[DIGEST];
    keccak256(digest, out->data, out->count);
    buffer_put(out, digest, sizeof digest);
}

enum status model_frame_check(const struct buffer *file, const char magic[8], uint32_t format,
                              const char *path, const char *again, struct diag *diag)
{
    uint8_t digest[DIGEST];
    if (file->count < MODEL_FRAME_START + MODEL_FRAME_END || memcmp(file->data, magic, 8) != 0)
        return diag_set(diag, STATUS_BAD_INPUT, "'%s' is not such a file of a compiled model; %s",
                        path, again);
    struct reader reader;
    reader_init(&reader, file->data + 8, 4);
    uint32_t version = reader_u32(&reader);
    if (version != format)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s' has format %u and this program reads format %u; %s", path, version,
                        format, again);
    keccak256(digest, file->data, file->count - DIGEST);
    if (memcmp(digest, file->data + file->count - DIGEST, DIGEST) != 0)
        return diag_set(diag, STATUS_BAD_INPUT, "'%s' is damaged: its checksum does not fit; %s",
                        path, again);
    return STATUS_OK;
}

/* ---- public/circuit ---- */

void model_program_digest(uint8_t digest[32], const struct buffer *program,
                          const struct buffer *interface)
{
    struct keccak256 hash;
    keccak256_init(&hash);
    keccak256_update(&hash, program->data, program->count);
    keccak256_update(&hash, interface->data, interface->count);
    keccak256_final(&hash, digest);
}

static void put_section(struct buffer *out, const struct buffer *section)
{
    struct buffer packed = {0};
    packed_write(&packed, section->data, section->count);
    buffer_put_u64(out, packed.count);
    buffer_put(out, packed.data, packed.count);
    out->failed |= packed.failed;
    buffer_release(&packed);
}

enum status model_serialize(struct buffer *out, const struct relation_program *program,
                            const struct interface *interface, const struct circuit *circuit,
                            enum plonk_mode mode, struct diag *diag)
{
    struct buffer part[3];
    for (int i = 0; i < 3; i++)
        buffer_init(&part[i]);
    relation_program_serialize(program, &part[0]);
    interface_serialize(interface, &part[1]);
    circuit_serialize(circuit, &part[2]);
    model_frame_begin(out, circuit_magic, MODEL_CIRCUIT_FORMAT);
    buffer_put_u32(out, (uint32_t)mode);
    enum status status = STATUS_OK;
    for (int i = 0; i < 3; i++) {
        if (status == STATUS_OK)
            status = buffer_status(&part[i], diag);
        put_section(out, &part[i]);
        buffer_release(&part[i]);
    }
    model_frame_end(out);
    return status == STATUS_OK ? buffer_status(out, diag) : status;
}

struct sections {
    struct buffer program, interface, circuit;
};

static void release_sections(struct sections *sections)
{
    buffer_release(&sections->program);
    buffer_release(&sections->interface);
    buffer_release(&sections->circuit);
}

static enum status read_sections(struct sections *sections, struct model *model,
                                 const struct buffer *file, struct diag *diag)
{
    struct buffer *const section[3] = {&sections->program, &sections->interface,
                                       &sections->circuit};
    const uint8_t *packed[3];
    size_t counts[3];
    struct reader reader;
    reader_init(&reader, file->data + MODEL_FRAME_START,
                file->count - MODEL_FRAME_START - MODEL_FRAME_END);
    uint32_t mode = reader_u32(&reader);
    for (int i = 0; i < 3; i++) {
        uint64_t count = reader_u64(&reader);
        if (count > reader_left(&reader))
            reader_fail(&reader);
        counts[i] = reader.failed ? 0 : (size_t)count;
        packed[i] = reader_bytes(&reader, counts[i]);
    }
    if (mode >= PLONK_MODES)
        reader_fail(&reader);
    model->mode = mode < PLONK_MODES ? (enum plonk_mode)mode : PLONK_MODE_GAS;
    enum status status = reader_finish(&reader, "the circuit file", diag);
    for (int i = 0; i < 3 && status == STATUS_OK; i++)
        status = packed_read(section[i], packed[i], counts[i], MODEL_BYTES_MAX, "the circuit file",
                             diag);
    return status;
}

static enum status parse_sections(struct model *model, const struct sections *sections,
                                  enum model_part part, struct diag *diag)
{
    const struct buffer *program = &sections->program, *interface = &sections->interface,
                        *circuit = &sections->circuit;
    enum status status = relation_program_parse(&model->program, &model->arena, MODEL_CAPACITY_BITS,
                                                program->data, program->count, diag);
    if (status == STATUS_OK)
        status = interface_parse(&model->interface, &model->program, &model->arena, interface->data,
                                 interface->count, diag);
    if (status == STATUS_OK && part != MODEL_HEAD)
        status = circuit_parse(&model->circuit, &model->arena, circuit->data, circuit->count, diag);
    if (status == STATUS_OK && part == MODEL_HEAD)
        status =
            circuit_parse_head(&model->circuit, &model->arena, circuit->data, circuit->count, diag);
    if (status == STATUS_OK)
        status = circuit_validate_program(&model->circuit, &model->program, diag);
    if (status != STATUS_OK)
        return status;
    uint8_t digest[DIGEST];
    model_program_digest(digest, program, interface);
    if (memcmp(digest, model->circuit.program_digest, DIGEST) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s': the circuit belongs to another program; compile the model again",
                        model->folder);
    keccak256(model->circuit_digest, circuit->data, circuit->count);
    return STATUS_OK;
}

static enum status parse_circuit(struct model *model, const struct buffer *file,
                                 enum model_part part, struct diag *diag)
{
    struct sections sections = {0};
    enum status status = read_sections(&sections, model, file, diag);
    if (status == STATUS_OK)
        status = parse_sections(model, &sections, part, diag);
    release_sections(&sections);
    return status;
}

/* ---- the key ---- */

static enum status bad_key(const struct model *model, const char *why, struct diag *diag)
{
    return diag_set(
        diag, STATUS_BAD_INPUT,
        "'%s/public/vk' %s; get it from its owner, who makes it with: sertn-run keys %s",
        model->folder, why, model->folder);
}

static enum status load_key(struct model *model, struct diag *diag)
{
    char *path = model_path(model->folder, "public/vk");
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", model->folder);
    model->has_key = file_exists(path);
    free(path);
    if (!model->has_key)
        return STATUS_OK;
    struct buffer bytes;
    struct diag why = {0};
    buffer_init(&bytes);
    enum status status = model_read_part(&bytes, model->folder, "public/vk", "", diag);
    if (status == STATUS_OK &&
        plonk_vk_parse(&model->key, bytes.data, bytes.count, &why) != STATUS_OK) {
        char text[DIAG_TEXT_BYTES];
        snprintf(text, sizeof text, "is no key: %.800s", why.text);
        status = bad_key(model, text, diag);
    }
    if (status == STATUS_OK) {
        memcpy(model->vk, bytes.data, bytes.count);
        model->vk_bytes = bytes.count;
        bool fits = memcmp(model->key.circuit_digest, model->circuit_digest, DIGEST) == 0 &&
                    model->key.word_count == model->circuit.public_word_count;
        if (!fits)
            status = bad_key(model, "is the key of another circuit", diag);
    }
    buffer_release(&bytes);
    return status;
}

static enum status load_circuit(struct model *model, enum model_part part, struct diag *diag)
{
    struct buffer file;
    char again[DIAG_TEXT_BYTES];
    char *path = model_path(model->folder, "public/circuit");
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", model->folder);
    buffer_init(&file);
    snprintf(again, sizeof again, "make a compiled model with: sertnc model.onnx -o %.400s",
             model->folder);
    enum status status = model_read_part(&file, model->folder, "public/circuit", again, diag);
    if (status == STATUS_OK)
        status = model_frame_check(&file, circuit_magic, MODEL_CIRCUIT_FORMAT, path, compile_again,
                                   diag);
    if (status == STATUS_OK)
        status = parse_circuit(model, &file, part, diag);
    buffer_release(&file);
    free(path);
    return status;
}

enum status model_load(struct model *model, const char *folder, enum model_part part,
                       struct diag *diag)
{
    *model = (struct model){.folder = strdup(folder)};
    arena_init(&model->arena, 0);
    enum status status = STATUS_OK;
    if (model->folder == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", folder);
    else if (!file_is_dir(folder))
        status = diag_set(
            diag, STATUS_BAD_INPUT,
            "'%s' is not a compiled model: no such folder; make one with: sertnc model.onnx -o %s",
            folder, folder);
    if (status == STATUS_OK)
        status = load_circuit(model, part, diag);
    if (status == STATUS_OK && part != MODEL_TO_KEY)
        status = load_key(model, diag);
    else if (status == STATUS_OK)
        model->has_key = load_key(model, NULL) == STATUS_OK && model->has_key;
    if (status != STATUS_OK)
        model_release(model);
    return status;
}

void model_release(struct model *model)
{
    free(model->folder);
    arena_release(&model->arena);
    *model = (struct model){0};
}

/* ---- private/parameters ---- */

static void code_parameters(struct codec *codec, struct relation_values *values,
                            const struct relation_program *program, bool *in_range)
{
    for (uint32_t t = 0; t < program->tensor_count; t++) {
        if (program->tensors[t].role != ROLE_PARAMETER)
            continue;
        for (size_t e = 0; e < program->tensors[t].count && !codec->failed; e++) {
            wide value = relation_value(values, t, e);
            codec_wide(codec, &value);
            if (!codec->is_writing && !relation_value_set(values, program, t, e, value))
                *in_range = false;
        }
    }
}

enum status model_parameters_serialize(struct buffer *out, const struct model *model,
                                       const struct relation_values *values, struct diag *diag)
{
    struct codec codec = codec_writer(out);
    struct relation_values copy = *values;
    bool in_range = true;
    model_frame_begin(out, parameter_magic, MODEL_FORMAT);
    buffer_put(out, model->circuit.program_digest, DIGEST);
    code_parameters(&codec, &copy, &model->program, &in_range);
    model_frame_end(out);
    return codec_status(&codec, "the parameters", diag);
}

/* Reads the file and checks that it is of this model; the values start at START. */
static enum status read_parameters(struct buffer *file, const struct model *model,
                                   struct diag *diag)
{
    char *path = model_path(model->folder, "private/parameters");
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", model->folder);
    enum status status = model_read_part(
        file, model->folder, "private/parameters",
        "this takes the weights, which the model's owner keeps in its private folder", diag);
    if (status == STATUS_OK)
        status = model_frame_check(file, parameter_magic, MODEL_FORMAT, path, compile_again, diag);
    if (status == STATUS_OK &&
        (file->count < MODEL_FRAME_START + DIGEST + MODEL_FRAME_END ||
         memcmp(file->data + MODEL_FRAME_START, model->circuit.program_digest, DIGEST) != 0))
        status = diag_set(diag, STATUS_BAD_INPUT, "'%s' belongs to another model; %s", path,
                          compile_again);
    free(path);
    return status;
}

enum status model_parameters_load(struct relation_values *values, uint8_t digest[32],
                                  const struct model *model, struct diag *diag)
{
    enum { START = MODEL_FRAME_START + DIGEST };
    struct buffer file;
    struct arena scratch;
    buffer_init(&file);
    arena_init(&scratch, 0);
    bool in_range = true;
    enum status status = read_parameters(&file, model, diag);
    if (status == STATUS_OK) {
        struct codec codec =
            codec_reader(file.data + START, file.count - START - MODEL_FRAME_END, &scratch);
        code_parameters(&codec, values, &model->program, &in_range);
        codec_finish(&codec);
        status = codec_status(&codec, "private/parameters", diag);
        memcpy(digest, file.data + file.count - DIGEST, DIGEST);
    }
    if (status == STATUS_OK && !in_range)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "'%s/private/parameters' holds a weight outside its declared range; %s",
                          model->folder, compile_again);
    arena_release(&scratch);
    if (file.data != NULL)
        explicit_bzero(file.data, file.count);
    buffer_release(&file);
    return status;
}
