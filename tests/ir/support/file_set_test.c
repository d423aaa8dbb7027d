/* label: fast */
#include "ir/support/file_set.h"

#include "tests/harness/harness.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_holds(const char *folder, const char *name, const char *text)
{
    struct buffer buffer = {0};
    struct diag diag = {0};
    if (CHECK_STATUS(file_read(test_path(folder, name), 1 << 20, &buffer, &diag), STATUS_OK, &diag))
        CHECK_TEXT(buffer_text(&buffer), text);
    buffer_release(&buffer);
}

static enum status add(struct file_set *set, const char *folder, const char *name, const char *text,
                       struct diag *diag)
{
    return file_set_add(set, test_path(folder, name), text, strlen(text), 0644, true, diag);
}

static void write_two(const char *folder, const char *part, const char *mark)
{
    struct file_set set = {0};
    struct diag diag = {0};
    REQUIRE_OK(add(&set, folder, "part", part, &diag), &diag);
    REQUIRE_OK(add(&set, folder, "mark", mark, &diag), &diag);
    REQUIRE_OK(file_set_commit(&set, &diag), &diag);
    CHECK(set.count == 0);
}

TEST(a_set_appears_as_a_whole_and_replaces_an_earlier_one)
{
    const char *folder = test_temp_dir();
    write_two(folder, "1", "one");
    check_holds(folder, "part", "1");
    check_holds(folder, "mark", "one");
    write_two(folder, "2", "two");
    check_holds(folder, "part", "2");
    check_holds(folder, "mark", "two");
}

TEST(an_abandoned_set_leaves_what_was_there)
{
    const char *folder = test_temp_dir();
    struct file_set set = {0};
    struct diag diag = {0};
    write_two(folder, "1", "one");
    REQUIRE_OK(add(&set, folder, "part", "2", &diag), &diag);
    file_set_abandon(&set);
    file_set_abandon(&set);
    check_holds(folder, "part", "1");
    check_holds(folder, "mark", "one");
    CHECK_STATUS(add(&set, folder, "no/such/folder", "2", &diag), STATUS_BAD_INPUT, NULL);
    file_set_abandon(&set);
}

/* The second file does not fit: neither takes its place. */
TEST(a_full_disk_leaves_the_earlier_set)
{
    static char zeros[5000];
    const char *folder = test_temp_dir();
    write_two(folder, "1", "one");
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        struct file_set set = {0};
        struct diag diag = {0};
        struct rlimit limit = {1000, 1000};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
            add(&set, folder, "part", "2", &diag) != STATUS_OK)
            _exit(2);
        bool full = file_set_add(&set, test_path(folder, "mark"), zeros, sizeof zeros, 0644, true,
                                 &diag) == STATUS_IO;
        file_set_abandon(&set);
        _exit(full ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check_holds(folder, "part", "1");
    check_holds(folder, "mark", "one");
}

/* A part that finds no place (its target has become a folder): the mark of the earlier set is gone.
 */
TEST(a_set_that_is_cut_short_has_no_mark)
{
    const char *folder = test_temp_dir();
    struct file_set set = {0};
    struct diag diag = {0};
    write_two(folder, "1", "one");
    REQUIRE_OK(add(&set, folder, "part", "2", &diag), &diag);
    REQUIRE_OK(add(&set, folder, "mark", "two", &diag), &diag);
    REQUIRE(unlink(test_path(folder, "part")) == 0);
    REQUIRE_OK(file_make_dir(test_path(folder, "part"), 0755, &diag), &diag);
    CHECK(file_set_commit(&set, &diag) != STATUS_OK);
    CHECK(!file_exists(test_path(folder, "mark")));
}
