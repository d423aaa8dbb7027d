/* label: fast */
#include "ir/support/file.h"

#include "tests/harness/harness.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int count_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = -2; /* . and .. */
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count;
}

static unsigned mode_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? info.st_mode & 0777 : 0;
}

static void check_holds(const char *path, const char *text)
{
    struct buffer buffer = {0};
    struct diag diag = {0};
    if (CHECK_STATUS(file_read(path, 1 << 20, &buffer, &diag), STATUS_OK, &diag))
        CHECK_TEXT(buffer_text(&buffer), text);
    buffer_release(&buffer);
}

TEST(a_written_file_reads_back_with_its_mode_and_nothing_beside_it)
{
    const char *dir = test_temp_dir();
    struct diag diag = {0};
    const char *path = test_path(dir, "a.bin");
    REQUIRE_OK(file_write(path, "one", 3, FILE_MODE_PRIVATE, false, &diag), &diag);
    check_holds(path, "one");
    CHECK_U64(mode_of(path), 0600);
    REQUIRE_OK(file_write(path, "", 0, FILE_MODE_PUBLIC, true, &diag), &diag);
    check_holds(path, "");
    CHECK_U64(mode_of(path) & 0600, 0600);
    CHECK_I64(count_entries(dir), 1);
}

TEST(reading_says_what_is_wrong)
{
    const char *dir = test_temp_dir();
    struct diag diag = {0};
    struct buffer buffer = {0};
    CHECK_STATUS(file_read(test_path(dir, "none"), 10, &buffer, &diag), STATUS_BAD_INPUT, NULL);
    CHECK(strstr(diag.text, "none: No such file") != NULL);
    CHECK_STATUS(file_read(dir, 10, &buffer, &diag), STATUS_BAD_INPUT, NULL);
    REQUIRE_OK(file_write(test_path(dir, "b"), "0123456789", 10, 0644, false, &diag), &diag);
    CHECK_STATUS(file_read(test_path(dir, "b"), 9, &buffer, &diag), STATUS_LIMIT, NULL);
    CHECK_STATUS(file_read(test_path(dir, "b"), 10, &buffer, &diag), STATUS_OK, &diag);
    CHECK_STATUS(file_read("/dev/zero", 100000, &buffer, &diag), STATUS_LIMIT, NULL);
    buffer_release(&buffer);
    struct file_map map;
    CHECK_STATUS(file_map_open(&map, test_path(dir, "b"), 9, &diag), STATUS_LIMIT, NULL);
    CHECK_STATUS(file_map_open(&map, "/dev/zero", 9, &diag), STATUS_BAD_INPUT, NULL);
    REQUIRE_OK(file_map_open(&map, test_path(dir, "b"), 10, &diag), &diag);
    CHECK_BYTES(map.data, "0123456789", 10);
    file_map_close(&map);
    CHECK(map.data == NULL);
}

TEST(writing_to_a_folder_that_is_not_there_is_bad_input)
{
    struct diag diag = {0};
    CHECK_STATUS(file_write(test_path(test_temp_dir(), "no/such/f"), "x", 1, 0644, false, &diag),
                 STATUS_BAD_INPUT, NULL);
}

TEST(a_full_disk_leaves_the_old_file)
{
    const char *dir = test_temp_dir();
    struct diag diag = {0};
    CHECK_STATUS(file_write("/dev/full", "x", 1, 0644, false, &diag), STATUS_IO, NULL);
    CHECK(strstr(diag.text, "/dev/full: No space left") != NULL);

    const char *path = test_path(dir, "kept");
    REQUIRE_OK(file_write(path, "old", 3, 0644, false, &diag), &diag);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        /* A limit on file sizes stands in for a disk that fills up. */
        struct rlimit limit = {1000, 1000};
        static char zeros[5000];
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(2);
        _exit(file_write(path, zeros, sizeof zeros, 0644, false, &diag) == STATUS_IO ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check_holds(path, "old");
    CHECK_I64(count_entries(dir), 1);
}

TEST(an_abandoned_write_leaves_nothing)
{
    const char *dir = test_temp_dir();
    struct diag diag = {0};
    struct file_writer writer;
    REQUIRE_OK(file_writer_begin(&writer, test_path(dir, "c"), 0644, false, &diag), &diag);
    file_writer_put(&writer, "half", 4);
    CHECK_I64(count_entries(dir), 1);
    file_writer_abandon(&writer);
    CHECK_I64(count_entries(dir), 0);
}

TEST(a_link_stays_a_link_to_what_was_written)
{
    const char *dir = test_temp_dir();
    struct diag diag = {0};
    REQUIRE_OK(file_write(test_path(dir, "real"), "1", 1, 0644, false, &diag), &diag);
    REQUIRE(symlink("real", test_path(dir, "link")) == 0);
    REQUIRE_OK(file_write(test_path(dir, "link"), "2", 1, 0644, false, &diag), &diag);
    check_holds(test_path(dir, "real"), "2");
    struct stat info;
    CHECK(lstat(test_path(dir, "link"), &info) == 0 && S_ISLNK(info.st_mode));
}

/* A child opens a file and a folder half-way, and waits to be interrupted. */
static void be_interrupted(const char *dir, int ready)
{
    struct diag diag = {0};
    struct file_writer writer;
    struct file_staging staging;
    file_clean_on_signals();
    bool fine =
        file_writer_begin(&writer, test_path(dir, "f"), 0644, false, &diag) == STATUS_OK &&
        file_staging_begin(&staging, test_path(dir, "m.sertn"), "public", &diag) == STATUS_OK;
    file_writer_put(&writer, "half", 4);
    char path[4096];
    snprintf(path, sizeof path, "%s/public", staging.staged);
    fine = fine && file_make_dir(path, 0755, &diag) == STATUS_OK;
    for (int i = 0; fine && i < 200; i++) {
        snprintf(path, sizeof path, "%s/public/file-with-a-rather-long-name-%d", staging.staged, i);
        fine = file_write(path, "x", 1, 0644, false, &diag) == STATUS_OK;
    }
    if (!fine || write(ready, "!", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

TEST(an_interrupt_removes_what_is_half_written_and_ends_by_the_signal)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < 3; i++) {
        const char *dir = test_temp_dir();
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0)
            be_interrupted(dir, ends[1]);
        close(ends[1]);
        char ready = 0;
        CHECK_I64(read(ends[0], &ready, 1), 1);
        close(ends[0]);
        kill(child, numbers[i]);
        int status;
        waitpid(child, &status, 0);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
        CHECK_I64(count_entries(dir), 0);
    }
}

static void stage(const char *target, const char *text, enum status expected)
{
    struct diag diag = {0};
    struct file_staging staging;
    enum status status = file_staging_begin(&staging, target, "mark", &diag);
    CHECK_STATUS(status, expected, &diag);
    if (status != STATUS_OK)
        return;
    CHECK_STATUS(
        file_write(test_path(staging.staged, "mark"), text, strlen(text), 0644, false, &diag),
        STATUS_OK, &diag);
    CHECK_STATUS(file_staging_commit(&staging, &diag), STATUS_OK, &diag);
}

TEST(a_staged_folder_replaces_only_an_empty_one_or_our_own)
{
    const char *dir = test_temp_dir();
    struct diag diag = {0};
    const char *target = test_path(dir, "m.sertn");
    stage(target, "first", STATUS_OK);
    check_holds(test_path(target, "mark"), "first");
    stage(test_path(dir, "m.sertn//"), "second", STATUS_OK);
    check_holds(test_path(target, "mark"), "second");

    const char *other = test_path(dir, "other");
    REQUIRE_OK(file_make_dir(other, 0755, &diag), &diag);
    stage(other, "third", STATUS_OK);
    check_holds(test_path(other, "mark"), "third");

    const char *foreign = test_path(dir, "foreign");
    REQUIRE_OK(file_make_dir(foreign, 0755, &diag), &diag);
    REQUIRE_OK(file_write(test_path(foreign, "letter.txt"), "x", 1, 0644, false, &diag), &diag);
    stage(foreign, "never", STATUS_BAD_INPUT);
    check_holds(test_path(foreign, "letter.txt"), "x");
    stage(test_path(foreign, "letter.txt"), "never", STATUS_BAD_INPUT);
    CHECK_I64(count_entries(dir), 3);
}

TEST(an_abandoned_staging_leaves_the_old_folder)
{
    const char *dir = test_temp_dir();
    struct diag diag = {0};
    const char *target = test_path(dir, "m");
    stage(target, "old", STATUS_OK);
    struct file_staging staging;
    REQUIRE_OK(file_staging_begin(&staging, target, "mark", &diag), &diag);
    REQUIRE_OK(file_write(test_path(staging.staged, "x"), "y", 1, 0644, false, &diag), &diag);
    file_staging_abandon(&staging);
    check_holds(test_path(target, "mark"), "old");
    CHECK_I64(count_entries(dir), 1);
}

TEST(removing_a_tree_follows_no_link)
{
    const char *dir = test_temp_dir();
    struct diag diag = {0};
    REQUIRE_OK(file_make_dir(test_path(dir, "keep"), 0755, &diag), &diag);
    REQUIRE_OK(file_write(test_path(dir, "keep/f"), "x", 1, 0644, false, &diag), &diag);
    REQUIRE_OK(file_make_dir(test_path(dir, "gone"), 0755, &diag), &diag);
    REQUIRE(symlink("../keep", test_path(dir, "gone/link")) == 0);
    REQUIRE_OK(file_remove_tree(test_path(dir, "gone"), &diag), &diag);
    CHECK(!file_exists(test_path(dir, "gone")));
    check_holds(test_path(dir, "keep/f"), "x");
    CHECK_STATUS(file_remove_tree(test_path(dir, "gone"), &diag), STATUS_OK, &diag);
    CHECK_U64(file_size_bytes(test_path(dir, "keep/f")), 1);
    CHECK(file_is_dir(test_path(dir, "keep")) && !file_is_dir(test_path(dir, "keep/f")));
}

TEST(paths_join_with_one_slash)
{
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < 4; i++) {
        char *path = file_join(cases[i][0], cases[i][1]);
        CHECK_TEXT(path, cases[i][2]);
        free(path);
    }
}
