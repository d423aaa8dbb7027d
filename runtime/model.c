/* Reading and writing the files of a compiled model; see model.h. */
#include "runtime/model.h"

#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "ir/relation_codec.h"
#include "ir/support/codec.h"
#include "ir/support/file.h"
#include "ir/support/reader.h"

static const char circuit_magic[8] = {'S', 'R', 'T', 'N', 'C', 'I', 'R', 'C'};
static const char parameter_magic[8] = {'S', 'R', 'T', 'N', 'P', 'A', 'R', 'M'};
enum { DIGEST = 32, HEAD = 16 };

char *model_path(const char *folder, const char *name)
{
    return file_join(folder, name);
}

/* Reads folder/name whole into an initialised buffer. */
static enum status read_part(struct buffer *out, const char *folder, const char *name,
                             struct diag *diag)
{
    char *path = model_path(folder, name);
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", folder);
    enum status status = file_read(path, MODEL_BYTES_MAX, out, diag);
    free(path);
    return status;
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
    buffer_put_u64(out, section->count);
    buffer_put(out, section->data, section->count);
}

static void put_checksum(struct buffer *out)
{
    uint8_t digest[DIGEST];
    keccak256(digest, out->data, out->count);
    buffer_put(out, digest, sizeof digest);
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
    buffer_put(out, circuit_magic, sizeof circuit_magic);
    buffer_put_u32(out, MODEL_FORMAT);
    buffer_put_u32(out, (uint32_t)mode);
    enum status status = STATUS_OK;
    for (int i = 0; i < 3; i++) {
        if (status == STATUS_OK)
            status = buffer_status(&part[i], diag);
        put_section(out, &part[i]);
        buffer_release(&part[i]);
    }
    put_checksum(out);
    return status == STATUS_OK ? buffer_status(out, diag) : status;
}

/* A file of ours: magic, version, and a checksum over all before it. */
static enum status check_envelope(const struct buffer *file, const char magic[8], const char *path,
                                  struct diag *diag)
{
    uint8_t digest[DIGEST];
    if (file->count < HEAD + DIGEST || memcmp(file->data, magic, 8) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s' is not a file of a compiled model; compile the model with sertnc",
                        path);
    struct reader reader;
    reader_init(&reader, file->data + 8, 4);
    uint32_t version = reader_u32(&reader);
    if (version != MODEL_FORMAT)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "'%s' has format %u and this program reads format %d; compile the model again", path,
            version, MODEL_FORMAT);
    keccak256(digest, file->data, file->count - DIGEST);
    if (memcmp(digest, file->data + file->count - DIGEST, DIGEST) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s' is damaged: its checksum does not fit; compile the model again",
                        path);
    return STATUS_OK;
}

struct section {
    const uint8_t *data;
    size_t count;
};

static enum status read_sections(struct section sections[3], struct model *model,
                                 const struct buffer *file, struct diag *diag)
{
    struct reader reader;
    reader_init(&reader, file->data + HEAD - 4, file->count - DIGEST - (HEAD - 4));
    uint32_t mode = reader_u32(&reader);
    for (int i = 0; i < 3; i++) {
        uint64_t count = reader_u64(&reader);
        if (count > reader_left(&reader))
            reader_fail(&reader);
        sections[i].count = (size_t)count;
        sections[i].data = reader_bytes(&reader, reader.failed ? 0 : (size_t)count);
    }
    if (mode >= PLONK_MODES)
        reader_fail(&reader);
    model->mode = mode < PLONK_MODES ? (enum plonk_mode)mode : PLONK_MODE_GAS;
    return reader_finish(&reader, "the circuit file", diag);
}

static enum status parse_circuit(struct model *model, const struct buffer *file,
                                 enum model_part part, struct diag *diag)
{
    struct section section[3];
    enum status status = read_sections(section, model, file, diag);
    if (status == STATUS_OK)
        status = relation_program_parse(&model->program, &model->arena, MODEL_CAPACITY_BITS,
                                        section[0].data, section[0].count, diag);
    if (status == STATUS_OK)
        status = interface_parse(&model->interface, &model->program, &model->arena, section[1].data,
                                 section[1].count, diag);
    if (status == STATUS_OK && part == MODEL_WHOLE)
        status =
            circuit_parse(&model->circuit, &model->arena, section[2].data, section[2].count, diag);
    if (status == STATUS_OK && part == MODEL_HEAD)
        status = circuit_parse_head(&model->circuit, &model->arena, section[2].data,
                                    section[2].count, diag);
    if (status != STATUS_OK)
        return status;
    struct buffer program = {.data = (uint8_t *)(uintptr_t)section[0].data,
                             .count = section[0].count};
    struct buffer interface = {.data = (uint8_t *)(uintptr_t)section[1].data,
                               .count = section[1].count};
    uint8_t digest[DIGEST];
    model_program_digest(digest, &program, &interface);
    if (memcmp(digest, model->circuit.program_digest, DIGEST) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s': the circuit belongs to another program; compile the model again",
                        model->folder);
    keccak256(model->circuit_digest, section[2].data, section[2].count);
    return STATUS_OK;
}

/* ---- the key ---- */

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
    buffer_init(&bytes);
    enum status status = read_part(&bytes, model->folder, "public/vk", diag);
    if (status == STATUS_OK)
        status = plonk_vk_parse(&model->key, bytes.data, bytes.count, diag);
    if (status == STATUS_OK) {
        memcpy(model->vk, bytes.data, bytes.count);
        model->vk_bytes = bytes.count;
        bool fits = memcmp(model->key.circuit_digest, model->circuit_digest, DIGEST) == 0 &&
                    model->key.word_count == model->circuit.public_word_count;
        if (!fits)
            status = diag_set(diag, STATUS_BAD_INPUT,
                              "'%s/public/vk' is the key of another circuit; make it again with: "
                              "sertn-run keys %s",
                              model->folder, model->folder);
    }
    buffer_release(&bytes);
    return status;
}

enum status model_load(struct model *model, const char *folder, enum model_part part,
                       struct diag *diag)
{
    *model = (struct model){0};
    arena_init(&model->arena, 0);
    struct buffer file;
    buffer_init(&file);
    enum status status = STATUS_OK;
    if (!file_is_dir(folder))
        status = diag_set(
            diag, STATUS_BAD_INPUT,
            "'%s' is not a compiled model: no such folder; make one with: sertnc model.onnx -o %s",
            folder, folder);
    model->folder = strdup(folder);
    if (status == STATUS_OK && model->folder == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", folder);
    if (status == STATUS_OK)
        status = read_part(&file, folder, "public/circuit", diag);
    if (status == STATUS_OK)
        status = check_envelope(&file, circuit_magic, folder, diag);
    if (status == STATUS_OK)
        status = parse_circuit(model, &file, part, diag);
    if (status == STATUS_OK)
        status = load_key(model, diag);
    buffer_release(&file);
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
    buffer_put(out, parameter_magic, sizeof parameter_magic);
    buffer_put_u32(out, MODEL_FORMAT);
    buffer_put(out, model->circuit.program_digest, DIGEST);
    code_parameters(&codec, &copy, &model->program, &in_range);
    put_checksum(out);
    return codec_status(&codec, "the parameters", diag);
}

enum status model_parameters_load(struct relation_values *values, const struct model *model,
                                  struct diag *diag)
{
    enum { START = 8 + 4 + DIGEST };
    struct buffer file;
    struct arena scratch;
    buffer_init(&file);
    arena_init(&scratch, 0);
    bool in_range = true;
    enum status status = read_part(&file, model->folder, "private/parameters", diag);
    if (status == STATUS_OK)
        status = check_envelope(&file, parameter_magic, "private/parameters", diag);
    if (status == STATUS_OK && (file.count < START + DIGEST ||
                                memcmp(file.data + 12, model->circuit.program_digest, DIGEST) != 0))
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "'%s/private/parameters' belongs to another model; compile the model again",
                     model->folder);
    if (status == STATUS_OK) {
        struct codec codec = codec_reader(file.data + START, file.count - START - DIGEST, &scratch);
        code_parameters(&codec, values, &model->program, &in_range);
        codec_finish(&codec);
        status = codec_status(&codec, "private/parameters", diag);
    }
    if (status == STATUS_OK && !in_range)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "'%s/private/parameters' holds a weight outside its declared range; "
                          "compile the model again",
                          model->folder);
    arena_release(&scratch);
    buffer_release(&file);
    return status;
}
