/* Removal of temporary files from a signal handler: see file_cleanup.h. */
#include "ir/support/file_cleanup.h"

#include "ir/support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 16
#define PATH_BYTES 4096
/* Our own folders are two deep; a deeper one stays behind. */
#define DEPTH_MAX 8

enum entry_state { ENTRY_FREE, ENTRY_FILLING, ENTRY_SET };

static struct {
    _Atomic int state;
    char path[PATH_BYTES];
} entries[ENTRIES];

int file_cleanup_add(const char *path)
{
    size_t bytes = strlen(path) + 1;
    if (bytes > PATH_BYTES)
        return -1;
    for (int i = 0; i < ENTRIES; i++) {
        int expected = ENTRY_FREE;
        if (atomic_compare_exchange_strong(&entries[i].state, &expected, ENTRY_FILLING)) {
            memcpy(entries[i].path, path, bytes);
            atomic_store(&entries[i].state, ENTRY_SET);
            return i;
        }
    }
    return -1;
}

void file_cleanup_remove(int entry)
{
    if (entry >= 0)
        atomic_store(&entries[entry].state, ENTRY_FREE);
}

/* One record of getdents64(2); the name follows in place. */
struct directory_record {
    uint64_t inode;
    int64_t offset;
    uint16_t record_bytes;
    uint8_t kind;
    char name[];
};

static void remove_at(int folder, const char *name, int depth);

/* Removes what is in an open folder. readdir(3) allocates, so the system call itself is used. */
static void empty_folder(int folder, int depth)
{
    _Alignas(8) char records[2048];
    long got;
    while ((got = syscall(SYS_getdents64, folder, records, sizeof records)) > 0) {
        for (long at = 0; at < got;) {
            struct directory_record *record = (struct directory_record *)(void *)(records + at);
            if (strcmp(record->name, ".") != 0 && strcmp(record->name, "..") != 0)
                remove_at(folder, record->name, depth);
            at += record->record_bytes;
        }
    }
}

static void remove_at(int folder, const char *name, int depth)
{
    if (unlinkat(folder, name, 0) == 0 || depth == 0)
        return;
    int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0)
        return;
    empty_folder(inner, depth - 1);
    close(inner);
    unlinkat(folder, name, AT_REMOVEDIR);
}

static void clean_and_end(int number)
{
    for (int i = 0; i < ENTRIES; i++) {
        if (atomic_load(&entries[i].state) == ENTRY_SET)
            remove_at(AT_FDCWD, entries[i].path, DEPTH_MAX);
    }
    /* SA_RESETHAND has put the default action back: the parent sees which signal ended us. */
    raise(number);
}

void file_clean_on_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    struct sigaction action = {.sa_handler = clean_and_end, .sa_flags = (int)SA_RESETHAND};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction old;
        /* A signal that whoever started us wants ignored (nohup) stays ignored. */
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}
