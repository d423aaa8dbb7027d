/* label: fast */
#include "ir/support/status.h"

#include "tests/harness/harness.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(set_returns_its_status_and_formats_the_text)
{
    struct diag diag = {0};
    CHECK(diag_set(&diag, STATUS_IO, "%s: %d bytes short", "a.bin", 7) == STATUS_IO);
    CHECK(diag.status == STATUS_IO);
    CHECK_TEXT(diag.text, "a.bin: 7 bytes short");
    CHECK(diag_set(NULL, STATUS_LIMIT, "nobody listens") == STATUS_LIMIT);
}

TEST(set_may_quote_the_old_text)
{
    struct diag diag = {0};
    diag_set(&diag, STATUS_BAD_INPUT, "shape [2,3] does not fit");
    diag_set(&diag, STATUS_BAD_INPUT, "node 'fc1': %s", diag.text);
    CHECK_TEXT(diag.text, "node 'fc1': shape [2,3] does not fit");
}

TEST(prefix_keeps_the_status_of_the_diag)
{
    struct diag diag = {0};
    diag_set(&diag, STATUS_LIMIT, "too many nodes");
    CHECK(diag_prefix(&diag, STATUS_LIMIT, "%s", "m.onnx") == STATUS_LIMIT);
    CHECK_TEXT(diag.text, "m.onnx: too many nodes");
    CHECK(diag_prefix(NULL, STATUS_LIMIT, "m.onnx") == STATUS_LIMIT);
}

TEST(long_text_is_cut_between_characters)
{
    struct diag diag = {0};
    /* Two-byte characters at both parities, so that one of them straddles the cut. */
    for (int shift = 0; shift < 2; shift++) {
        char text[2 * DIAG_TEXT_BYTES + 1];
        memset(text, 0, sizeof text);
        for (size_t i = (size_t)shift; i + 2 < sizeof text; i += 2)
            memcpy(text + i, "\xC3\xA9", 2);
        if (shift == 1)
            text[0] = 'x';
        diag_set(&diag, STATUS_BAD_INPUT, "%s", text);
        size_t length = strlen(diag.text);
        CHECK(length < DIAG_TEXT_BYTES && length >= DIAG_TEXT_BYTES - 5);
        CHECK_TEXT(diag.text + length - 3, "...");
        CHECK((unsigned char)diag.text[length - 4] == 0xA9);
    }
}

TEST(exit_codes_follow_the_contract_of_the_programs)
{
    static const int expected[STATUS_COUNT] = {0, 2, 2, 2, 3, 3, 3, 1};
    for (int s = 0; s < STATUS_COUNT; s++) {
        CHECK_I64(status_exit_code((enum status)s), expected[s]);
        CHECK(strlen(status_name((enum status)s)) > 1);
    }
}

TEST(list_keeps_order_and_counts_what_it_cannot_keep)
{
    struct diag_list list;
    diag_list_init(&list);
    struct diag diag = {0};
    CHECK(diag_list_is_empty(&list));
    CHECK_STATUS(diag_list_summary(&list, &diag), STATUS_OK, NULL);
    for (int i = 0; i < DIAG_LIST_LIMIT + 5; i++)
        CHECK(diag_list_add(&list, i == 0 ? STATUS_UNSUPPORTED : STATUS_LIMIT, "problem %d", i) !=
              STATUS_OK);
    CHECK_U64(list.count, DIAG_LIST_LIMIT);
    CHECK_U64(list.lost, 5);
    CHECK_TEXT(list.item[17].text, "problem 17");
    CHECK_STATUS(diag_list_summary(&list, &diag), STATUS_UNSUPPORTED, NULL);
    CHECK_TEXT(diag.text, "problem 0 (and 1004 more problems)");
    diag_list_release(&list);
    CHECK(diag_list_is_empty(&list));
}

/* Runs a function in a child and returns the signal that ended it, 0 when it lived. */
static int signal_of(void (*run)(void))
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(2);
        run();
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void false_assert(void)
{
    ASSERT(1 + 1 == 3);
}

static void false_invariant(void)
{
    INVARIANT(1 + 1 == 3);
}

TEST(assert_aborts_in_every_build_and_invariant_in_the_checked_one)
{
    CHECK_I64(signal_of(false_assert), SIGABRT);
#ifdef SERTN_CHECKED
    CHECK_I64(signal_of(false_invariant), SIGABRT);
#else
    CHECK_I64(signal_of(false_invariant), 0);
#endif
}

/* Sentences quote what strangers wrote: nothing of it may move a terminal, or forge a line of a
 * log. */
TEST(sentences_have_no_control_characters)
{
    struct diag diag = {0};
    CHECK(diag_set(&diag, STATUS_BAD_INPUT, "the name '%s'", "a\033[2J\nsertn: b\x7f") ==
          STATUS_BAD_INPUT);
    CHECK_TEXT(diag.text, "the name 'a?[2J?sertn: b?'");
    CHECK(diag_prefix(&diag, STATUS_BAD_INPUT, "%s",
                      "\xc2\x9b"
                      "31m\xc3\xa9\xc2\xa0") == STATUS_BAD_INPUT);
    CHECK_TEXT(diag.text, "??31m\xc3\xa9\xc2\xa0: the name 'a?[2J?sertn: b?'");
}
