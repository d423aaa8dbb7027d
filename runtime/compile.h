/*
 * ONNX file to compiled model: the whole pipeline, placement, cost prediction and the folder on
 * disk.
 */
#ifndef SERTN_RUNTIME_COMPILE_H
#define SERTN_RUNTIME_COMPILE_H

#include "backend/plonk/layout.h"
#include "frontend/import.h"
#include "ir/circuit.h"
#include "passes/pipeline.h"
#include "passes/place.h"

/* NAME=PATH or NAME=LITERAL of --bind. */
struct compile_bind {
    const char *name, *value;
};

/* Relative error outputs must meet unless the user says otherwise; a ten-thousandth of it is the
 * absolute floor. */
#define COMPILE_TOLERANCE 1e-3

/* Everything borrowed. Zeroed: defaults (private input, private parameters, public output, gas
 * mode). */
struct compile_options {
    const char *model_path;
    const char *out_folder; /* NULL with report_only */
    const struct import_dim *dims;
    size_t dim_count;
    const struct import_max_dim *max_dims;
    size_t max_dim_count;
    /* Of random operators: a number, or the input of one integer that holds it, which is public. */
    uint32_t seed;
    const char *seed_input; /* NULL: `seed` */
    const char *const *data_paths;
    size_t data_count;
    const struct compile_bind *binds;
    size_t bind_count;
    const char *const *function_paths; /* bodies of operators that the rules do not know */
    size_t function_path_count;
    const struct declared_range *ranges;
    size_t range_count;
    enum port_visibility inputs;
    bool outputs_given; /* outputs are public unless given */
    enum port_visibility outputs;
    bool public_parameters;
    const struct named_visibility *named;
    size_t named_count;
    double tolerance; /* relative; 0: default */
    enum plonk_mode mode;
    const char *srs_path; /* a .ptau file: make keys over it too; NULL: no keys yet */
    unsigned threads;
    /* Called after each stage, for each size of function tables that is tried; may print dumps. */
    void (*after_pass)(void *context, const char *pass, const struct graph *graph,
                       const struct relation_program *program);
    void *after_pass_context;
};

/* What a node costs: rows of the table, and cells that are committed for each proof, or once where
 * they hold parameters. */
struct node_rows {
    const char *name; /* "name (Operator)", or "(shared)" */
    uint32_t rows, cells;
};

/* Predicted cost and what the compiler decided. Strings live as long as the compilation. */
struct compile_report {
    struct place_summary summary;
    unsigned lg_rows, param_columns;
    uint32_t rows;    /* 2^lg_rows */
    unsigned columns; /* of the table: advice, parameters, challenge, fixed */
    uint32_t used_rows, used_cells;
    uint32_t word_count;
    size_t copies, lookups, table_rows;
    bool has_proof; /* false: the table can be checked, and is too large for keys */
    size_t proof_bytes, vk_bytes;
    double gas, prove_seconds, verify_seconds, keys_seconds;
    uint64_t prove_memory_bytes;
    unsigned srs_power;      /* of the .ptau a model needs */
    struct node_rows *nodes; /* by rows, largest first */
    size_t node_count;
    size_t parameter_elements;
    uint8_t circuit_digest[32];
};

struct compilation {
    struct arena arena;
    struct onnx_file file;
    struct onnx_file *function_files;
    size_t function_file_count;
    /* Inputs that had to be known and were taken from --data, as --bind would give them. */
    struct compile_bind *taken;
    size_t taken_count;
    /* What these and those of --bind were fixed to; not text, and no large tensors. */
    struct import_bind *fixed;
    size_t fixed_count;
    struct graph *graph;
    struct pipeline_result result;
    struct circuit circuit;
    struct compile_report report;
    const struct import_notes *notes; /* borrowed: what the user should know */
};

/* Names of the stages that after_pass is called with, in order; NULL beyond the last. */
const char *compile_pass_name(size_t index);

/*
 * Compiles; writes out_folder unless it is NULL. problems gets every reason of a refusal, notes
 * what the user should know. Both are borrowed and initialised by the caller; notes outlive the
 * compilation. With srs_path the folder has keys, Solidity and setup proof too. Errors: as the
 * stages say; STATUS_LIMIT when the SRS is too short; nothing is left half-written. Life cycle:
 * compile_model, compilation_release (safe after a failure too).
 */
enum status compile_model(struct compilation *compilation, const struct compile_options *options,
                          struct diag_list *problems, struct import_notes *notes) SERTN_MUST_CHECK;
void compilation_release(struct compilation *compilation);

/* Report as JSON text (the public part: nothing measured, nothing that depends on weights), owned;
 * NULL without memory. With `measured`, the accuracy, measured and proven, this machine's times and
 * the notes too. */
char *compile_report_json(const struct compilation *compilation, bool measured);
/* Report as text for people. */
char *compile_report_text(const struct compilation *compilation);
/* A bound in three digits, rounded upwards. */
enum { COMPILE_BOUND_TEXT = 24 };
void compile_bound_text(char text[COMPILE_BOUND_TEXT], double bound);

#endif
