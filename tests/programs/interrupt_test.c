/* label: prover checked */
/*
 * A full disk and interrupts. Whatever stops sertnc, keys or prove, and whenever: what was there is
 * there or what is new is there whole, and running the same again works. An interrupt leaves no
 * temporary file; a kill may leave one, which is in nobody's way.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "tests/programs/programs_kit.h"
#include "tests/programs/stop_kit.h"

#define MODEL "linear_regression"
/* More calls than this change no file in any of the programs. */
enum { CALLS_MAX = 400, MOMENTS = 15 };

static const char *work;
static const char *in_work(const char *name)
{
    return test_path(work, name);
}

/* The commands, run in the folder `work`: m.sertn, p.json. */
static struct test_output compile_again(void)
{
    return SERTNC(kit_model(MODEL, "model.onnx"), "-o", in_work("m.sertn"), "--data",
                  kit_model(MODEL, "test_data_set_0"), "--quiet");
}

static struct test_output prove_again(void)
{
    return SERTN_RUN("prove", in_work("m.sertn"), "--input", kit_model(MODEL, "input.json"), "-o",
                     in_work("p.json"), "--quiet");
}

static struct test_output verify_again(void)
{
    return SERTN_RUN("verify", in_work("m.sertn"), in_work("p.json"), "--quiet");
}

/* Files beside m.sertn and p.json, at any depth. */
static size_t leftovers(void)
{
    struct test_output out = kit_shell("find %s -name '.*.tmp-*' | wc -l", work);
    return (size_t)strtoul(out.text, NULL, 10);
}

enum command { COMPILE, KEYS, PROVE, COMMANDS };
static const char *const command_names[] = {"sertnc", "keys", "prove"};

/* Runs a command until the moment; `exact` counts system calls, else microseconds. */
static struct kit_stop stop(enum command command, unsigned moment, bool exact, int signal)
{
    const char *run = test_program_path("sertn-run"), *model = in_work("m.sertn");
    const char *const arguments[COMMANDS][10] = {
        {test_program_path("sertnc"), kit_model(MODEL, "model.onnx"), "-o", model, "--data",
         kit_model(MODEL, "test_data_set_0"), "--quiet", NULL},
        {run, "keys", model, "--quiet", NULL},
        {run, "prove", model, "--input", kit_model(MODEL, "input.json"), "-o", in_work("p.json"),
         "--quiet", NULL}};
    return exact ? kit_stop_at(arguments[command], moment, signal)
                 : kit_stop_after(arguments[command], moment, signal);
}

/* After a stop: what there is works, and so does the command again. */
static void check_state(enum command command, bool had_model, const char *what)
{
    if (command == COMPILE) {
        bool there = file_is_dir(in_work("m.sertn"));
        CHECK_MSG(there || !had_model, "%s: the earlier model is gone", what);
        if (there) {
            struct test_output out =
                SERTN_RUN("check", in_work("m.sertn"), "--input", kit_model(MODEL, "input.json"));
            kit_done(&out, what);
        }
        struct test_output out = compile_again();
        kit_done(&out, what);
        return;
    }
    if (command == KEYS && file_exists(in_work("m.sertn/public/vk"))) {
        struct test_output out = SERTN_RUN("keys", in_work("m.sertn"), "--check", "--quiet");
        kit_done(&out, what);
        CHECK_MSG(file_exists(in_work("m.sertn/public/ModelVerifier.sol")), "%s: no Solidity",
                  what);
    }
    if (command == PROVE && file_exists(in_work("p.json"))) {
        struct test_output out = verify_again();
        kit_done(&out, what);
    }
    struct test_output proved = prove_again();
    kit_done(&proved, what);
    struct test_output verified = verify_again();
    kit_done(&verified, what);
}

/* Makes a fresh folder: with what the command needs, and with what an earlier run left if `again`.
 */
static const char *prepare(enum command command, bool again)
{
    work = test_temp_dir();
    struct test_output out;
    if (command != COMPILE || again) {
        out = compile_again();
        kit_done(&out, "sertnc");
    }
    if (command == PROVE || (command == KEYS && again)) {
        out = SERTN_RUN("keys", in_work("m.sertn"), "--quiet");
        kit_done(&out, "keys");
    }
    if (command == PROVE && again) {
        out = prove_again();
        kit_done(&out, "prove");
    }
    return work;
}

static void copy_of(const char *prepared)
{
    work = test_temp_dir();
    struct test_output out = kit_shell("cp -a %s/. %s", prepared, work);
    kit_done(&out, "cp");
}

/* Stops a command before each of its calls that change files, in fresh folders. */
static void stop_everywhere(enum command command, bool again, int signal)
{
    unsigned n = 1;
    const char *prepared = prepare(command, again);
    for (; n < CALLS_MAX; n++) {
        copy_of(prepared);
        struct kit_stop ended = stop(command, n, true, signal);
        const char *what =
            kit_text("%s, signal %d before change %u", command_names[command], signal, n);
        if (!ended.stopped)
            CHECK_MSG(ended.exit_status == 0, "%s: exit status %d", what, ended.exit_status);
        if (signal != SIGKILL)
            CHECK_MSG(leftovers() == 0, "%s: a temporary file is left", what);
        check_state(command, command == COMPILE && again, what);
        if (!ended.stopped)
            break;
    }
    /* Files of a model, of keys, and a proof take that many at least. */
    static const unsigned least[] = {20, 15, 3};
    CHECK_MSG(n > least[command] && n < CALLS_MAX, "%s: %u changes", command_names[command], n);
}

TEST(sertnc_killed_before_any_change_leaves_all_or_nothing)
{
    stop_everywhere(COMPILE, false, SIGKILL);
}

TEST(sertnc_killed_over_an_earlier_model_leaves_that_or_the_new_one)
{
    stop_everywhere(COMPILE, true, SIGKILL);
}

TEST(sertnc_interrupted_leaves_nothing_behind)
{
    stop_everywhere(COMPILE, true, SIGINT);
}

TEST(keys_killed_before_any_change_are_whole_or_none)
{
    stop_everywhere(KEYS, false, SIGKILL);
}

TEST(keys_killed_over_earlier_ones_are_whole_or_none)
{
    stop_everywhere(KEYS, true, SIGKILL);
}

TEST(keys_interrupted_leave_nothing_behind)
{
    stop_everywhere(KEYS, true, SIGTERM);
}

TEST(prove_killed_before_any_change_leaves_a_whole_proof_or_none)
{
    stop_everywhere(PROVE, false, SIGKILL);
    stop_everywhere(PROVE, true, SIGKILL);
    stop_everywhere(PROVE, true, SIGINT);
}

/* Moments that no system call marks. */
TEST(programs_stopped_at_any_time_leave_whole_files)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGKILL};
    static const unsigned longest[] = {20000, 40000, 30000};
    for (unsigned i = 0; i < 3 * MOMENTS; i++) {
        enum command command = (enum command)(i % COMMANDS);
        unsigned moment = (unsigned)test_random_below(longest[command]);
        prepare(command, (i / COMMANDS) % 2 == 1);
        struct kit_stop ended = stop(command, moment, false, signals[i % 9 / 3]);
        const char *what = kit_text("%s, signal %d after %u us", command_names[command],
                                    signals[i % 9 / 3], moment);
        CHECK_MSG(ended.stopped || ended.exit_status == 0, "%s: exit status %d", what,
                  ended.exit_status);
        if (signals[i % 9 / 3] != SIGKILL)
            CHECK_MSG(leftovers() == 0, "%s: a temporary file is left", what);
        check_state(command, command == COMPILE && (i / COMMANDS) % 2 == 1, what);
    }
}

/* The cache of the SRS is being made when the program is killed: it is made again. */
TEST(a_kill_while_caches_are_written_harms_no_later_run)
{
    const char *old = getenv("XDG_CACHE_HOME");
    char *kept = strdup(old);
    const char *prepared = prepare(KEYS, false);
    for (unsigned n = 1; n < CALLS_MAX; n++) {
        setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
        copy_of(prepared);
        struct kit_stop ended = stop(KEYS, n, true, SIGKILL);
        check_state(KEYS, false, kit_text("killed before change %u with an empty cache", n));
        if (!ended.stopped)
            break;
    }
    setenv("XDG_CACHE_HOME", kept, 1);
    free(kept);
}

/* ---- a full disk ---- */

/* Runs a command with files of at most so many blocks of 512 bytes, as a disk that fills up. */
static struct test_output run_limited(const char *command, unsigned blocks)
{
    return kit_shell("trap '' XFSZ; ulimit -f %u; exec %s", blocks, command);
}

static const char *command_line(enum command command)
{
    if (command == COMPILE)
        return kit_text("$SERTNC %s -o %s --data %s", kit_model(MODEL, "model.onnx"),
                        in_work("m.sertn"), kit_model(MODEL, "test_data_set_0"));
    if (command == KEYS)
        return kit_text("$SERTN_RUN keys %s", in_work("m.sertn"));
    return kit_text("$SERTN_RUN prove %s --input %s -o %s", in_work("m.sertn"),
                    kit_model(MODEL, "input.json"), in_work("p.json"));
}

/* A checksum over names and bytes of all that is there. */
static const char *fingerprint(void)
{
    struct test_output out =
        kit_shell("cd %s && find . -type f | sort | xargs sha256sum | sha256sum", work);
    return out.text;
}

static void fill_disk(enum command command, bool again)
{
    unsigned failed = 0;
    const char *prepared = prepare(command, again);
    for (unsigned blocks = 0; blocks < 70; blocks += 1 + blocks / 8) {
        copy_of(prepared);
        const char *before = fingerprint();
        struct test_output out = run_limited(command_line(command), blocks);
        const char *what = kit_text("%s with %u blocks", command_names[command], blocks);
        if (out.exit_status == 0)
            break;
        failed++;
        /* Without a block not even the sentence has room. */
        if (blocks > 0)
            kit_refused(&out, 3, "File too large", what);
        CHECK_TEXT(fingerprint(), before);
        CHECK_MSG(leftovers() == 0, "%s: a temporary file is left", what);
        check_state(command, command == COMPILE && again, what);
    }
    CHECK_MSG(failed >= 2, "%s never failed", command_names[command]);
}

TEST(a_full_disk_changes_nothing)
{
    for (enum command command = 0; command < COMMANDS; command++) {
        fill_disk(command, false);
        fill_disk(command, true);
    }
}

/* The same on a real file system without room, where this process may mount one. */
TEST(a_file_system_without_room_changes_nothing)
{
    const char *mount_point = test_temp_dir();
    if (mount("sertn", mount_point, "tmpfs", 0, "size=16k") != 0)
        test_skip("no file system may be mounted here");
    work = mount_point;
    struct test_output out = compile_again();
    kit_refused(&out, 3, "No space left", "sertnc");
    CHECK(kit_entries(mount_point) == 0);
    CHECK(umount(mount_point) == 0);

    REQUIRE(mount("sertn", mount_point, "tmpfs", 0, "size=64k") == 0);
    out = compile_again();
    if (out.exit_status == 0) {
        const char *before = fingerprint();
        out = SERTN_RUN("keys", in_work("m.sertn"), "--quiet");
        if (out.exit_status != 0) {
            kit_refused(&out, 3, "No space left", "keys");
            CHECK_TEXT(fingerprint(), before);
        }
    }
    CHECK(umount(mount_point) == 0);
}

TEST(a_device_without_room_is_named)
{
    work = test_temp_dir();
    struct test_output out = compile_again();
    kit_done(&out, "sertnc");
    out = SERTN_RUN("prove", in_work("m.sertn"), "--input", kit_model(MODEL, "input.json"), "-o",
                    "/dev/full", "--quiet");
    kit_refused(&out, 3, "/dev/full", "a full device");
}
