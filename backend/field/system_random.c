/* getrandom(2) with retries; see system_random.h. */
#include "backend/field/system_random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

bool system_random_fill(void *out, size_t n)
{
    unsigned char *p = out;
    size_t done = 0;
    while (done < n) {
        ssize_t got = getrandom(p + done, n - done, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            memset(out, 0, n);
            return false;
        }
        done += (size_t)got;
    }
    return true;
}
