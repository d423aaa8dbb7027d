/* The journal of transactions: what is forgotten of it, and what is not. */
#include "runtime/journal.h"

#include <stdio.h>
#include <string.h>

#include "tests/harness/harness.h"

static const struct journal_account ours = {1, "0x1111111111111111111111111111111111111111"},
                                    another = {1, "0x2222222222222222222222222222222222222222"};

static void add(struct journal *journal, const struct journal_account *account, uint64_t nonce,
                enum journal_state state)
{
    struct diag diag = {0};
    struct journal_entry entry;
    const struct journal_attempt attempt = {.hash = "0x00", .fee = 1};
    char name[40];
    snprintf(name, sizeof name, "number %d", (int)nonce);
    REQUIRE_OK(journal_begin(journal, &diag), &diag);
    REQUIRE_OK(journal_add(&entry, journal, account, name, nonce, &attempt, &diag), &diag);
    REQUIRE_OK(journal_end(journal, true, &diag), &diag);
    entry.state = state;
    REQUIRE_OK(journal_settle(journal, &entry, &diag), &diag);
}

static bool has(struct journal *journal, const struct journal_account *account, uint64_t nonce)
{
    struct diag diag = {0};
    struct journal_entry entry;
    char name[40];
    bool found;
    snprintf(name, sizeof name, "number %d", (int)nonce);
    REQUIRE_OK(journal_find(&found, &entry, journal, account, name, &diag), &diag);
    return found;
}

/* Attempts without an entry. */
static uint64_t count_orphans(struct journal *journal)
{
    struct diag diag = {0};
    bool found;
    struct query q = query_begin(&journal->database, "SELECT COUNT(*) FROM attempt WHERE entry NOT"
                                                     " IN (SELECT id FROM entry)");
    REQUIRE_OK(query_step(&found, &q, &diag), &diag);
    uint64_t count = query_number(&q, 0);
    query_end(&q);
    return count;
}

TEST(the_oldest_that_are_settled_are_forgotten)
{
    struct journal journal;
    struct diag diag = {0};
    uint64_t next;
    REQUIRE_OK(journal_open(&journal, test_path(test_temp_dir(), "journal"), &diag), &diag);
    for (uint64_t nonce = 0; nonce < 10; nonce++) {
        add(&journal, &ours, nonce,
            nonce == 4   ? JOURNAL_OPEN
            : nonce == 6 ? JOURNAL_REVERTED
            : nonce == 8 ? JOURNAL_LOST
                         : JOURNAL_MINED);
        add(&journal, &another, nonce, JOURNAL_MINED);
    }
    for (int i = 0; i < 2; i++) { /* twice is once */
        REQUIRE_OK(journal_forget(&journal, &ours, 3, &diag), &diag);
        for (uint64_t nonce = 0; nonce < 10; nonce++) {
            CHECK_MSG(has(&journal, &ours, nonce) == (nonce == 4 || nonce >= 7), "number %d",
                      (int)nonce);
            CHECK(has(&journal, &another, nonce));
        }
        CHECK_U64(count_orphans(&journal), 0);
    }
    REQUIRE_OK(journal_next_nonce(&next, &journal, &ours, &diag), &diag);
    CHECK_U64(next, 10);
    REQUIRE_OK(journal_forget(&journal, &ours, 100, &diag), &diag);
    CHECK(has(&journal, &ours, 7));
    add(&journal, &ours, 10, JOURNAL_MINED); /* and it goes on */
    REQUIRE_OK(journal_forget(&journal, &ours, 1, &diag), &diag);
    CHECK(has(&journal, &ours, 4) && has(&journal, &ours, 10) && !has(&journal, &ours, 9));
    journal_close(&journal);
}
