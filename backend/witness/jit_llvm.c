/* See jit_llvm.h. */
#include "backend/witness/jit_llvm.h"

#ifdef SERTN_HAVE_LLVM

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

/* Debian's name first, then that of a link for developers. */
static const char *const library_names[] = {"libLLVM-" TEXT(LLVM_VERSION_MAJOR) ".so.1",
                                            "libLLVM-" TEXT(LLVM_VERSION_MAJOR) ".so"};

static struct jit_llvm table;
static bool is_loaded;
static char problem[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool find_functions(void *handle)
{
    static const struct {
        const char *name;
        size_t offset;
    } functions[] = {
#define ENTRY(function) {TEXT(function), offsetof(struct jit_llvm, function)},
        JIT_LLVM_FUNCTIONS(ENTRY)
#undef ENTRY
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *function = dlsym(handle, functions[i].name);
        if (function == NULL)
            return false;
        memcpy((char *)&table + functions[i].offset, &function, sizeof function);
    }
    return true;
}

static void load(void)
{
    void *handle = NULL;
    for (size_t i = 0; i < sizeof library_names / sizeof library_names[0] && handle == NULL; i++)
        handle = dlopen(library_names[i], RTLD_NOW | RTLD_LOCAL);
    const char *text = NULL;
    if (handle == NULL || !find_functions(handle))
        text = dlerror();
    if (text != NULL || handle == NULL) {
        strncpy(problem, text == NULL ? library_names[0] : text, sizeof problem - 1);
        return;
    }
    table.LLVM_NATIVE_TARGETINFO();
    table.LLVM_NATIVE_TARGET();
    table.LLVM_NATIVE_TARGETMC();
    table.LLVM_NATIVE_ASMPRINTER();
    table.LLVMLinkInMCJIT();
    is_loaded = true;
}

enum status jit_llvm_load(const struct jit_llvm **llvm, struct diag *diag)
{
    pthread_once(&once, load);
    *llvm = is_loaded ? &table : NULL;
    if (!is_loaded)
        return diag_set(diag, STATUS_UNSUPPORTED,
                        "LLVM is not here (%s); install Debian's libllvm%d, or leave relations to "
                        "the interpreter",
                        problem, LLVM_VERSION_MAJOR);
    return STATUS_OK;
}

#else

typedef int jit_llvm_is_off; /* a translation unit is never empty */

#endif
