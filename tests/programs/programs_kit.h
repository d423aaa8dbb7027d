/*
 * Running sertnc and sertn-run as users do, and looking at what they print and leave.
 *
 * A program that includes this keeps its caches in the build folder, not in the user's. Texts and
 * paths live until the case ends.
 */
#ifndef SERTN_TESTS_PROGRAMS_PROGRAMS_KIT_H
#define SERTN_TESTS_PROGRAMS_PROGRAMS_KIT_H

#include <cjson/cJSON.h>

#include "ir/support/buffer.h"
#include "tests/harness/harness.h"

/* Runs a program of build/bin with the given arguments. */
#define SERTNC(...) kit_run("sertnc", (const char *const[]){__VA_ARGS__, NULL})
#define SERTN_RUN(...) kit_run("sertn-run", (const char *const[]){__VA_ARGS__, NULL})
struct test_output kit_run(const char *program, const char *const *arguments);
/* Runs a line of sh, in which $SERTNC, $SERTN_RUN and $SERTN_REGISTRY are the programs. */
struct test_output kit_shell(const char *format, ...) SERTN_PRINTF(1, 2);

/* Text made as printf does. */
const char *kit_text(const char *format, ...) SERTN_PRINTF(1, 2);

/* Path of a file of tests/models/<model>. */
const char *kit_model(const char *model, const char *file);
/* Folder of a model compiled with its first data set, in a fresh folder; ends the case on failure.
 */
const char *kit_compiled(const char *model);
/* The same with keys. */
const char *kit_keyed(const char *model);
/* Proves input.json of the model; returns the path of the proof. */
const char *kit_proved(const char *folder, const char *model);

/*
 * Path of a .ptau that the real snarkjs made, once a build folder: "prepared" for phase 2, or
 * "unprepared", another ceremony. Its power is the least that has the points of the smallest
 * circuit. Skips the case where contracts/setup has not been run.
 */
enum { KIT_CEREMONY_POWER = 7 };
const char *kit_ceremony(const char *kind);

/* The one JSON object a program printed, nothing else there; ends the case when it is not. The
 * caller deletes it. */
cJSON *kit_json(const struct test_output *output);
/* A member; fails the case (and gives an empty object) when there is none. */
const cJSON *kit_member(const cJSON *object, const char *name);
double kit_number(const cJSON *object, const char *name);

/* The program ended well. */
void kit_done(const struct test_output *output, const char *what);
/*
 * The program refused: this exit status, nothing on standard output, one line on standard error
 * that begins with the program's name and contains `says` (NULL: anything).
 */
void kit_refused(const struct test_output *output, int exit_status, const char *says,
                 const char *what);

/* The same of a model with several problems: one line each. */
void kit_refused_each(const struct test_output *output, int exit_status, const char *says,
                      const char *what);

/* Whole files; a failure ends the case. The caller releases the buffer. */
struct buffer kit_read(const char *path);
void kit_write(const char *path, const void *bytes, size_t count);
/* Both hold the same bytes. */
bool kit_same_file(const char *a, const char *b);
/* How many entries a folder has, hidden ones too. */
size_t kit_entries(const char *folder);

#endif
