/*
 * A compiled model on disk.
 *
 *   model.sertn/public/circuit        program, interface and circuit with their versions; what the
 * circuit digest covers model.sertn/public/metadata.json  for the registry and for readers
 *   model.sertn/public/report.json    rows, bytes, gas, seconds, memory, accuracy
 *   model.sertn/public/vk             the verifying key, once keys are made
 *   model.sertn/public/setup          the setup proof of the parameter ranges, once keys are made
 *   model.sertn/public/(name).sol     Solidity, once keys are made
 *   model.sertn/private/parameters    integers of the weights (mode 0600)
 *   model.sertn/private/tail          random rows of [p1], [p2] (mode 0600), once keys are made;
 * the key and the weights they belong to
 *   model.sertn/private/accuracy.json measured errors, which depend on weights and calibration
 *
 * File layout of `circuit`: "SRTNCIRC", u32 version, u32 mode, then three sections (u64 count,
 * packed bytes: ir/support/packed.h), then keccak256 of all before. Little-endian. Digests are of
 * the sections as they were before they were packed.
 */
#ifndef SERTN_RUNTIME_MODEL_H
#define SERTN_RUNTIME_MODEL_H

#include "backend/plonk/keys.h"
#include "ir/circuit.h"
#include "ir/interface.h"
#include "ir/relation_interpret.h"

enum { MODEL_FORMAT = 1, MODEL_CIRCUIT_FORMAT = 2, MODEL_CAPACITY_BITS = 253 };
/* Largest file of a model that is read, and largest section of one that is unpacked. */
#define MODEL_BYTES_MAX (UINT64_C(4) << 30)

struct model {
    struct arena arena;
    char *folder; /* owned */
    enum plonk_mode mode;
    struct relation_program program;
    struct interface interface;
    struct circuit circuit;
    uint8_t circuit_digest[32];
    bool has_key;
    uint8_t vk[PLONK_VK_BYTES_MAX];
    size_t vk_bytes;
    struct plonk_verifying_key key;
};

/* How much of a model is read: for verifying, no rows, copies and fills; for making keys, a key
 * that is damaged or of another circuit counts as none. */
enum model_part { MODEL_HEAD, MODEL_WHOLE, MODEL_TO_KEY };

/*
 * Reads public/. The files may come from anybody: formats, digests and the structure of program and
 * circuit are checked. The key is read when it is there, and must be of this circuit. Errors:
 * STATUS_BAD_INPUT with what to do, STATUS_IO, ...
 */
enum status model_load(struct model *model, const char *folder, enum model_part part,
                       struct diag *diag) SERTN_MUST_CHECK;
void model_release(struct model *model);

/* keccak256(program bytes || interface bytes): what circuit.program_digest holds. */
void model_program_digest(uint8_t digest[32], const struct buffer *program,
                          const struct buffer *interface);
/* Bytes of public/circuit. Requires: circuit->program_digest is set. */
enum status model_serialize(struct buffer *out, const struct relation_program *program,
                            const struct interface *interface, const struct circuit *circuit,
                            enum plonk_mode mode, struct diag *diag) SERTN_MUST_CHECK;

/* Path of a file of the model: owned text, or null without memory. */
char *model_path(const char *folder, const char *name) SERTN_MUST_CHECK;

/*
 * Appends folder/name whole. Errors: as file_read; when there is no such file the sentence says
 * `missing` (what to do, after "...; ").
 */
enum status model_read_part(struct buffer *out, const char *folder, const char *name,
                            const char *missing, struct diag *diag) SERTN_MUST_CHECK;

/*
 * The frame of our own binary files: 8 bytes of magic, u32 version, content, keccak256 of all
 * before. `path` is for messages, `again` says how to make the file again. Errors:
 * STATUS_BAD_INPUT.
 */
enum { MODEL_FRAME_START = 12, MODEL_FRAME_END = 32 };
enum status model_frame_check(const struct buffer *file, const char magic[8], uint32_t format,
                              const char *path, const char *again,
                              struct diag *diag) SERTN_MUST_CHECK;
void model_frame_begin(struct buffer *out, const char magic[8], uint32_t format);
void model_frame_end(struct buffer *out);

/*
 * Values of all PARAMETER tensors, in tensor order. Bytes of private/parameters: "SRTNPARM", u32
 * version, the program digest, the integers (codec_wide), keccak256 of all before.
 */
enum status model_parameters_serialize(struct buffer *out, const struct model *model,
                                       const struct relation_values *values,
                                       struct diag *diag) SERTN_MUST_CHECK;
/* Sets the parameters of `values` from private/; digest gets the checksum of the file, which names
 * these weights. Errors: STATUS_BAD_INPUT when there is none or it is of another model. */
enum status model_parameters_load(struct relation_values *values, uint8_t digest[32],
                                  const struct model *model, struct diag *diag) SERTN_MUST_CHECK;

#endif
