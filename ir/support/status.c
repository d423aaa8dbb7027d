/* Errors: see status.h. */
#include "ir/support/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends a text that did not fit in "...", without leaving part of a UTF-8 character before it. */
static void mark_as_cut(char *text)
{
    size_t end = DIAG_TEXT_BYTES - 4;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    memcpy(text + end, "...", 4);
}

/* Replaces what could disturb a terminal or a log: sentences quote names and bytes of strangers. In
 * UTF-8 the controls above 127 are 0xC2 0x80 to 0xC2 0x9F. */
static void make_printable(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        if (*c < ' ' || *c == 0x7F)
            *c = '?';
        else if (*c == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F)
            c[0] = c[1] = '?';
    }
}

enum status diag_set_v(struct diag *diag, enum status status, const char *format, va_list arguments)
{
    ASSERT(status > STATUS_OK && status < STATUS_COUNT);
    if (diag == NULL)
        return status;
    /* Formatted aside, because an argument may be the old text. */
    char text[DIAG_TEXT_BYTES];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0)
        snprintf(text, sizeof text, "%s", status_name(status));
    else if ((size_t)length >= sizeof text)
        mark_as_cut(text);
    make_printable(text);
    diag->status = status;
    memcpy(diag->text, text, strlen(text) + 1);
    return status;
}

enum status diag_set(struct diag *diag, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    diag_set_v(diag, status, format, arguments);
    va_end(arguments);
    return status;
}

enum status diag_prefix(struct diag *diag, enum status status, const char *format, ...)
{
    if (diag == NULL)
        return status;
    struct diag prefix;
    va_list arguments;
    va_start(arguments, format);
    diag_set_v(&prefix, diag->status, format, arguments);
    va_end(arguments);
    return diag_set(diag, diag->status, "%s: %s", prefix.text, diag->text);
}

const char *status_name(enum status status)
{
    /* ORDER status */
    static const char *const names[] = {"ok",        "bad input", "unsupported", "limit",
                                        "no memory", "io",        "device",      "rejected"};
    _Static_assert(sizeof names / sizeof names[0] == STATUS_COUNT, "one name a status");
    ASSERT(status >= STATUS_OK && status < STATUS_COUNT);
    return names[status];
}

int status_exit_code(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return 0;
    case STATUS_REJECTED:
        return 1;
    case STATUS_BAD_INPUT:
    case STATUS_UNSUPPORTED:
    case STATUS_LIMIT:
        return 2;
    case STATUS_NO_MEMORY:
    case STATUS_IO:
    case STATUS_DEVICE:
        break;
    }
    return 3;
}

void diag_list_init(struct diag_list *list)
{
    *list = (struct diag_list){0};
}

void diag_list_release(struct diag_list *list)
{
    free(list->item);
    *list = (struct diag_list){0};
}

/* Returns the place for one more problem, or null when the list is full or memory is out. */
static struct diag *append_slot(struct diag_list *list)
{
    if (list->count == DIAG_LIST_LIMIT)
        return NULL;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 4 : 2 * list->capacity;
        struct diag *item = realloc(list->item, capacity * sizeof *item);
        if (item == NULL)
            return NULL;
        list->item = item;
        list->capacity = capacity;
    }
    return &list->item[list->count++];
}

enum status diag_list_add_diag(struct diag_list *list, const struct diag *diag)
{
    ASSERT(diag->status != STATUS_OK);
    if (list == NULL)
        return diag->status;
    struct diag *slot = append_slot(list);
    if (slot == NULL)
        list->lost++;
    else
        *slot = *diag;
    return diag->status;
}

enum status diag_list_add(struct diag_list *list, enum status status, const char *format, ...)
{
    struct diag diag;
    va_list arguments;
    va_start(arguments, format);
    diag_set_v(&diag, status, format, arguments);
    va_end(arguments);
    return diag_list_add_diag(list, &diag);
}

bool diag_list_is_empty(const struct diag_list *list)
{
    return list->count == 0 && list->lost == 0;
}

enum status diag_list_summary(const struct diag_list *list, struct diag *diag)
{
    if (diag_list_is_empty(list))
        return STATUS_OK;
    if (list->count == 0)
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory while listing %zu problems",
                        list->lost);
    size_t others = list->count - 1 + list->lost;
    if (others == 0)
        return diag_set(diag, list->item[0].status, "%s", list->item[0].text);
    return diag_set(diag, list->item[0].status, "%s (and %zu more problem%s)", list->item[0].text,
                    others, others == 1 ? "" : "s");
}

void assert_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: this must not happen: %s. Please report it.\n", file, line, condition);
    fflush(stderr);
    abort();
}
