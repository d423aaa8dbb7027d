/* label: slow libs: test_helpers_frontend sertn_frontend sertn_3rd_cjson */
/*
 * What long work shows: a bar with an estimate on a terminal, erased when it is done; a line at
 * each tenth elsewhere; nothing with --quiet or --json. A terminal is a pseudo-terminal.
 */
#include <math.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/frontend/model_builder.h"
#include "tests/programs/programs_kit.h"

enum { FEATURES = 8, CLASSES = 6000, SHOWN_BYTES = 1 << 18 };

/* A model whose keys and proofs take seconds on one thread. */
static const char *large_model(void)
{
    static double weights[FEATURES * CLASSES];
    const char *base = test_temp_dir();
    const char *model = test_path(base, "m.onnx"), *folder = test_path(base, "m.sertn");
    struct builder b = builder_start(17);
    size_t count;
    for (size_t i = 0; i < FEATURES * CLASSES; i++)
        weights[i] = sin(1.0 + (double)i * 0.7);
    model_input(&b, "x", ELEMENT_F32, "1,8");
    model_tensor(&b, "w", ELEMENT_F32, "8,6000", weights);
    model_node(&b, "MatMul", "x,w", "scores");
    model_node(&b, "Softmax", "scores", "y");
    model_output(&b, "y");
    const uint8_t *bytes = model_bytes(&b, &count);
    kit_write(model, bytes, count);
    builder_end(&b);
    struct test_output out = SERTNC(model, "-o", folder, "--range", "x=-1:1", "--quiet");
    kit_done(&out, "sertnc");
    return folder;
}

/* Runs a program on a terminal of its own; returns all that it shows there. */
static const char *on_terminal(const char *const *argument)
{
    static char shown[SHOWN_BYTES];
    int terminal, status;
    size_t count = 0;
    fflush(NULL);
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    REQUIRE(child >= 0);
    if (child == 0) {
        execv(argument[0], (char *const *)(uintptr_t)argument);
        _exit(126);
    }
    for (;;) {
        ssize_t got = read(terminal, shown + count, sizeof shown - 1 - count);
        if (got <= 0)
            break;
        count += (size_t)got;
    }
    shown[count] = '\0';
    close(terminal);
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return shown;
}

static const char *input_file(void)
{
    static const char json[] = "[[0.5, -0.25, 0.125, 0.75, -0.5, 0.25, 0.875, -0.125]]";
    const char *path = test_path(test_temp_dir(), "in.json");
    kit_write(path, json, strlen(json));
    return path;
}

TEST(a_terminal_has_a_bar_with_an_estimate_that_goes_away)
{
    const char *folder = large_model(), *proof = test_path(test_temp_dir(), "p.json");
    const char *const keys[] = {
        test_program_path("sertn-run"), "keys", folder, "--threads", "1", NULL};
    const char *const prove[] = {test_program_path("sertn-run"),
                                 "prove",
                                 folder,
                                 "--input",
                                 input_file(),
                                 "-o",
                                 proof,
                                 "--threads",
                                 "1",
                                 NULL};
    const char *const *const commands[] = {keys, prove};
    for (size_t i = 0; i < 2; i++) {
        const char *shown = on_terminal(commands[i]);
        const char *bar = strstr(shown, "\r[#"), *last = NULL;
        CHECK_MSG(bar != NULL && strstr(shown, "% ") != NULL && strstr(shown, " s left") != NULL,
                  "no bar: %.300s", shown);
        for (const char *at = bar; at != NULL; at = strstr(at + 1, "\r["))
            last = at;
        /* The last bar is erased before people are told the result. */
        CHECK(last != NULL && strstr(last + 1, "\r\033[K") != NULL);
    }
}

TEST(elsewhere_there_are_plain_lines)
{
    const char *folder = large_model(), *proof = test_path(test_temp_dir(), "p.json");
    struct test_output out =
        SERTN_RUN("prove", folder, "--input", input_file(), "-o", proof, "--threads", "1");
    kit_done(&out, "prove");
    CHECK(strchr(out.errors, '\r') == NULL && strchr(out.errors, '[') == NULL);
    CHECK_MSG(strstr(out.errors, "% ") != NULL, "no line: %s", out.errors);
}

TEST(quiet_and_json_show_none)
{
    const char *folder = large_model(), *run = test_program_path("sertn-run");
    const char *const quiet[] = {run, "keys", folder, "--threads", "1", "--quiet", NULL};
    const char *const json[] = {run, "keys", folder, "--threads", "1", "--json", NULL};
    CHECK_TEXT(on_terminal(quiet), "");
    const char *shown = on_terminal(json);
    CHECK(shown[0] == '{' && strchr(shown, '[') == NULL);
}
