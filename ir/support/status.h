/*
 * How things fail here. Used by every module.
 *
 * Three kinds, never mixed:
 *   - the surroundings or the input are at fault: the function returns an enum status, and says
 * what is wrong in the caller's struct diag;
 *   - our own mistake: ASSERT, in every build, aborts with file and line;
 *   - a truth too dear to test always: INVARIANT, tested in the checked build alone.
 */
#ifndef SERTN_IR_SUPPORT_STATUS_H
#define SERTN_IR_SUPPORT_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define SERTN_MUST_CHECK __attribute__((warn_unused_result))
#define SERTN_PRINTF(format_index, first_argument)                                                 \
    __attribute__((format(printf, format_index, first_argument)))

/* ORDER status: status_name and status_exit_code follow this order. */
enum status {
    STATUS_OK = 0,      /* done; the only value that means a proof was accepted */
    STATUS_BAD_INPUT,   /* the user's file, option or value is wrong */
    STATUS_UNSUPPORTED, /* well formed, but nothing here can do it */
    STATUS_LIMIT,       /* well formed, but larger than a stated limit */
    STATUS_NO_MEMORY,   /* an allocation failed */
    STATUS_IO,          /* disk or network failed */
    STATUS_DEVICE,      /* a GPU or a loaded library failed */
    STATUS_REJECTED,    /* a proof or a witness was examined and is false */
};

#define STATUS_COUNT (STATUS_REJECTED + 1)

/* The longest text of a diag, its final zero included. */
#define DIAG_TEXT_BYTES 1024

/*
 * What went wrong, in one sentence ready to print: the file or the node, what is wrong, what to do.
 * Zero-initialised means nothing went wrong. Functions leave it untouched when they succeed.
 */
struct diag {
    enum status status;
    char text[DIAG_TEXT_BYTES];
};

/*
 * Fills a diag and hands the status back, so that a function can end with
 *     return diag_set(diag, STATUS_BAD_INPUT, "%s: no such input", name);
 * Requires: status is not STATUS_OK. diag may be null, and format arguments may point into
 * diag->text. Ensures: a text too long is cut and ends in "...". Cut text stays whole UTF-8
 * characters.
 */
enum status diag_set(struct diag *diag, enum status status, const char *format, ...)
    SERTN_PRINTF(3, 4);

/* diag_set with a va_list. */
enum status diag_set_v(struct diag *diag, enum status status, const char *format, va_list arguments)
    SERTN_PRINTF(3, 0);

/*
 * Puts a sentence part before the text of a diag that a callee has set: "<prefix>: <text>".
 * Returns diag's status, or `status` when diag is null.
 */
enum status diag_prefix(struct diag *diag, enum status status, const char *format, ...)
    SERTN_PRINTF(3, 4);

/* Returns the name of a status in lower case: "ok", "bad input", ... Never null. */
const char *status_name(enum status status);

/* Returns the exit status of a program: 0 ok; 1 rejected; 2 bad input, unsupported, limit; 3 the
 * rest. */
int status_exit_code(enum status status);

/*
 * Many problems of one stage, in the order they were found, so that a user sees all of them at
 * once. Life cycle: diag_list_init (or a zeroed struct), diag_list_add..., diag_list_release.
 */
struct diag_list {
    struct diag *item; /* owned, `count` of them */
    size_t count;
    size_t capacity;
    size_t
        lost; /* problems beyond DIAG_LIST_LIMIT, or found when memory was out: counted, not kept */
};

/* A stage that finds more problems than this keeps the first ones and counts the rest. */
#define DIAG_LIST_LIMIT 1000

void diag_list_init(struct diag_list *list);
void diag_list_release(struct diag_list *list);

/* Adds one problem; like diag_set, returns the status it was given. list may be null. */
enum status diag_list_add(struct diag_list *list, enum status status, const char *format, ...)
    SERTN_PRINTF(3, 4);

/* Adds a problem that a callee has put into a diag. Returns its status. */
enum status diag_list_add_diag(struct diag_list *list, const struct diag *diag);

/* Returns whether the list holds, or has lost, any problem. */
bool diag_list_is_empty(const struct diag_list *list);

/*
 * Sums the list up in one diag: the first problem, and how many more there are.
 * Returns STATUS_OK, diag untouched, for an empty list; else the status of the first problem, or
 * STATUS_NO_MEMORY when not even one could be kept.
 */
SERTN_MUST_CHECK enum status diag_list_summary(const struct diag_list *list, struct diag *diag);

/* Ends the process with a message on standard error: our own bug was met. */
_Noreturn void assert_fail(const char *condition, const char *file, int line);

#define ASSERT(condition) ((condition) ? (void)0 : assert_fail(#condition, __FILE__, __LINE__))

#ifdef SERTN_CHECKED
#define INVARIANT(condition) ASSERT(condition)
#else
/* Still compiled, so that it cannot rot, and never run. */
#define INVARIANT(condition) ((void)sizeof((condition) ? 1 : 0))
#endif

#endif
