/*
 * What the stubs of cmake/lazy_stubs.sh call: loads a shared library and finds a function in it. Linked
 * into the programs alone. A library that is missing ends the program with exit status 3, as it would
 * at start if it were linked in the ordinary way.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

void *lazy_load_function(const char *library, const char *name);

void *lazy_load_function(const char *library, const char *name)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void *function = handle == NULL ? NULL : dlsym(handle, name);
    if (function == NULL) {
        fprintf(stderr, "error: this command needs %s: %s\n", library, dlerror());
        exit(3);
    }
    return function;
}
