/*
 * Loaded before the C library into a program under test: ends it by SIGKILL at the write to the
 * disk that KILL_AT_SYNC names, counted from 1: odd numbers before one takes place, even ones after
 * it.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static unsigned long count;

static void step(void)
{
    const char *at = getenv("KILL_AT_SYNC");
    if (at != NULL && ++count == strtoul(at, NULL, 10))
        kill(getpid(), SIGKILL);
}

static int intercept(const char *name, int descriptor)
{
    union {
        void *object;
        int (*function)(int);
    } next = {dlsym(RTLD_NEXT, name)};
    step();
    int result = next.function(descriptor);
    step();
    return result;
}

__attribute__((visibility("default"))) int fsync(int descriptor)
{
    return intercept("fsync", descriptor);
}

__attribute__((visibility("default"))) int fdatasync(int descriptor)
{
    return intercept("fdatasync", descriptor);
}
