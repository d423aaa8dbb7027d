/* Reading and writing the files of a compiled model; see model.h. */
#include "runtime/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "ir/relation_codec.h"
#include "ir/support/codec.h"
#include "ir/support/file.h"
#include "ir/support/reader.h"

static const char circuit_magic[8] = {'S', 'R', 'T', 'N', 'C', 'I', 'R', 'C'};
static const char parameter_magic[8] = {'S', 'R', 'T', 'N', 'P', 'A', 'R', 'M'};
enum { DIGEST = 32, CIRCUIT_HEAD = MODEL_FRAME_START + 4 };
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

void model_frame_begin(struct buffer *out, const char magic[8])
{
    buffer_put(out, magic, 8);
    buffer_put_u32(out, MODEL_FORMAT);
}

void model_frame_end(struct buffer *out)
{
    uint8_t digest[DIGEST];
    keccak256(digest, out->data, out->count);
    buffer_put(out, digest, sizeof digest);
}

static enum status is_damaged(const char *path, const char *again, struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "'%s' is damaged: its checksum does not fit; %s", path,
                    again);
}

static enum status check_head(const struct buffer *file, const char magic[8], const char *path,
                              const char *again, struct diag *diag)
{
    if (file->count < MODEL_FRAME_START + MODEL_FRAME_END || memcmp(file->data, magic, 8) != 0)
        return diag_set(diag, STATUS_BAD_INPUT, "'%s' is not such a file of a compiled model; %s",
                        path, again);
    struct reader reader;
    reader_init(&reader, file->data + 8, 4);
    uint32_t version = reader_u32(&reader);
    if (version != MODEL_FORMAT)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s' has format %u and this program reads format %d; %s", path, version,
                        MODEL_FORMAT, again);
    return STATUS_OK;
}

enum status model_frame_check(const struct buffer *file, const char magic[8], const char *path,
                              const char *again, struct diag *diag)
{
    uint8_t digest[DIGEST];
    enum status status = check_head(file, magic, path, again, diag);
    if (status != STATUS_OK)
        return status;
    keccak256(digest, file->data, file->count - DIGEST);
    return memcmp(digest, file->data + file->count - DIGEST, DIGEST) == 0
               ? STATUS_OK
               : is_damaged(path, again, diag);
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

struct section {
    const uint8_t *data;
    size_t count;
};

/* Of a file that begins with these bytes. */
static void circuit_checksum(uint8_t digest[DIGEST], const uint8_t *file,
                             const struct section section[3], const uint8_t program_digest[DIGEST],
                             const uint8_t circuit_digest[DIGEST])
{
    struct keccak256 hash;
    keccak256_init(&hash);
    keccak256_update(&hash, file, CIRCUIT_HEAD);
    for (int i = 0; i < 3; i++) {
        uint8_t count[8];
        for (int k = 0; k < 8; k++)
            count[k] = (uint8_t)((uint64_t)section[i].count >> (8 * k));
        keccak256_update(&hash, count, sizeof count);
    }
    keccak256_update(&hash, program_digest, DIGEST);
    keccak256_update(&hash, circuit_digest, DIGEST);
    keccak256_final(&hash, digest);
}

enum status model_serialize(struct buffer *out, const struct relation_program *program,
                            const struct interface *interface, const struct circuit *circuit,
                            enum plonk_mode mode, struct diag *diag)
{
    struct buffer part[3] = {{0}};
    struct section section[3];
    uint8_t circuit_digest[DIGEST], digest[DIGEST];
    size_t start = out->count;
    relation_program_serialize(program, &part[0]);
    interface_serialize(interface, &part[1]);
    circuit_serialize(circuit, &part[2]);
    model_frame_begin(out, circuit_magic);
    buffer_put_u32(out, (uint32_t)mode);
    enum status status = STATUS_OK;
    for (int i = 0; i < 3; i++) {
        if (status == STATUS_OK)
            status = buffer_status(&part[i], diag);
        section[i] = (struct section){part[i].data, part[i].count};
        buffer_put_u64(out, part[i].count);
        buffer_put(out, part[i].data, part[i].count);
    }
    if (status == STATUS_OK)
        status = buffer_status(out, diag);
    if (status == STATUS_OK) {
        keccak256(circuit_digest, part[2].data, part[2].count);
        circuit_checksum(digest, out->data + start, section, circuit->program_digest,
                         circuit_digest);
        buffer_put(out, digest, DIGEST);
        status = buffer_status(out, diag);
    }
    for (int i = 0; i < 3; i++)
        buffer_release(&part[i]);
    return status;
}

static enum status read_sections(struct section sections[3], struct model *model,
                                 const struct buffer *file, struct diag *diag)
{
    struct reader reader;
    reader_init(&reader, file->data + MODEL_FRAME_START,
                file->count - MODEL_FRAME_START - MODEL_FRAME_END);
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

/* Finds the sections, and what their program and circuit are called by: each byte is hashed once.
 */
static enum status check_circuit(struct section section[3], uint8_t program_digest[DIGEST],
                                 struct model *model, const struct buffer *file, const char *path,
                                 struct diag *diag)
{
    uint8_t digest[DIGEST];
    struct diag unsaid = {0};
    enum status status = check_head(file, circuit_magic, path, compile_again, diag);
    if (status != STATUS_OK)
        return status;
    if (read_sections(section, model, file, &unsaid) != STATUS_OK)
        return is_damaged(path, compile_again, diag);
    struct buffer part[2];
    for (int i = 0; i < 2; i++)
        part[i] = (struct buffer){.data = (uint8_t *)(uintptr_t)section[i].data,
                                  .count = section[i].count};
    model_program_digest(program_digest, &part[0], &part[1]);
    keccak256(model->circuit_digest, section[2].data, section[2].count);
    circuit_checksum(digest, file->data, section, program_digest, model->circuit_digest);
    return memcmp(digest, file->data + file->count - DIGEST, DIGEST) == 0
               ? STATUS_OK
               : is_damaged(path, compile_again, diag);
}

static enum status parse_circuit(struct model *model, const struct section section[3],
                                 const uint8_t program_digest[DIGEST], enum model_part part,
                                 struct diag *diag)
{
    enum status status = relation_program_parse(&model->program, &model->arena, MODEL_CAPACITY_BITS,
                                                section[0].data, section[0].count, diag);
    if (status == STATUS_OK)
        status = interface_parse(&model->interface, &model->program, &model->arena, section[1].data,
                                 section[1].count, diag);
    if (status == STATUS_OK && part != MODEL_HEAD)
        status =
            circuit_parse(&model->circuit, &model->arena, section[2].data, section[2].count, diag);
    if (status == STATUS_OK && part == MODEL_HEAD)
        status = circuit_parse_head(&model->circuit, &model->arena, section[2].data,
                                    section[2].count, diag);
    if (status == STATUS_OK)
        status = circuit_validate_program(&model->circuit, &model->program, diag);
    if (status == STATUS_OK && memcmp(program_digest, model->circuit.program_digest, DIGEST) != 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "'%s': the circuit belongs to another program; compile the model again",
                          model->folder);
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
    struct section section[3];
    uint8_t program_digest[DIGEST];
    char again[DIAG_TEXT_BYTES];
    char *path = model_path(model->folder, "public/circuit");
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", model->folder);
    buffer_init(&file);
    snprintf(again, sizeof again, "make a compiled model with: sertnc model.onnx -o %.400s",
             model->folder);
    enum status status = model_read_part(&file, model->folder, "public/circuit", again, diag);
    if (status == STATUS_OK)
        status = check_circuit(section, program_digest, model, &file, path, diag);
    if (status == STATUS_OK)
        status = parse_circuit(model, section, program_digest, part, diag);
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
    model_frame_begin(out, parameter_magic);
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
        status = model_frame_check(file, parameter_magic, path, compile_again, diag);
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
