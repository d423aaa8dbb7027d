/*
 * libsertn: compile a model, prove its answers, verify proofs.
 *
 * The one public header. Paths and text are UTF-8, zero-terminated. A function returns 0 when it is
 * done and accepted, else a number that is also the exit status of the programs: 1 a proof or a
 * check was rejected, 2 bad input or usage, 3 the surroundings failed; `error`, when not NULL, then
 * holds one sentence. Texts returned through char ** are JSON, owned by the caller, released with
 * sertn_free. Functions may be called from several threads at once; threads 0 means as many as the
 * machine has cores.
 */
#ifndef SERTN_H
#define SERTN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SERTN_API __attribute__((visibility("default")))
#else
#define SERTN_API
#endif

#define SERTN_ERROR_BYTES 1024

struct sertn_error {
    char text[SERTN_ERROR_BYTES];
};

/* The version of the library, as "0.1.0". Static. */
SERTN_API const char *sertn_version(void);
/* Releases a text that a function here returned; NULL is fine. */
SERTN_API void sertn_free(char *text);

/* Options of sertn_compile; a zeroed struct (or NULL) takes the defaults: private input and
 * parameters, public output, gas mode. */
struct sertn_compile_options {
    const char *const *data_paths; /* calibration inputs, as sertnc --data */
    size_t data_count;
    const char *const *dims; /* "NAME=N" */
    size_t dim_count;
    const char *const *ranges; /* "INPUT=LO:HI" */
    size_t range_count;
    double tolerance; /* 0: 1e-3 */
    int fast_mode;    /* not 0: proofs for use off chain */
    int public_parameters;
    unsigned threads;
};

/* Compiles an ONNX file into a folder. report (may be NULL): rows, bytes, gas, accuracy. */
SERTN_API int sertn_compile(const char *model_path, const char *folder,
                            const struct sertn_compile_options *options, char **report,
                            struct sertn_error *error);

/* Makes the keys. ptau_path NULL: the development parameters, unsafe outside trials. */
SERTN_API int sertn_make_keys(const char *folder, const char *ptau_path, unsigned threads,
                              struct sertn_error *error);

/*
 * Proves one set of inputs, given as a file (as sertn-run --input) or, when input_json is not NULL,
 * as JSON text. context: 32 bytes or NULL for zero. proof: the text of proof.json.
 */
SERTN_API int sertn_prove(const char *folder, const char *input_path, const char *input_json,
                          const unsigned char *context, unsigned threads, char **proof,
                          struct sertn_error *error);

/*
 * Verifies the text of a proof.json; needs folder/public alone. values (may be NULL): the public
 * values by name. Returns 1 with the reason when the proof is not accepted.
 */
SERTN_API int sertn_verify(const char *folder, const char *proof, const unsigned char *context,
                           char **values, struct sertn_error *error);

#ifdef __cplusplus
}
#endif

#endif
