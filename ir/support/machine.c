/*
 * The worker pool and the probes of machine.h.
 *
 * A loop is published under the lock as a new round; workers, and the caller, then take chunk after
 * chunk from an atomic counter. A loop ends when every worker that joined the round has left it.
 * Workers that find no new round spin a little, since the next loop of a proof is usually
 * microseconds away, then sleep.
 */
#include "ir/support/machine.h"

#include "ir/support/large_memory.h"
#include "ir/support/status.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* About 20 microseconds; longer would cost other processes more than it saves us. */
#define SPIN_ROUNDS 400

struct machine {
    unsigned threads;
    unsigned started; /* workers running, at most threads - 1 */
    pthread_t *thread;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* a new round, or the end */
    pthread_cond_t done; /* the last worker left the round */
    /* Under the lock, but read by spinning workers. */
    _Atomic uint64_t round;
    _Atomic bool stopping;
    _Atomic unsigned inside; /* workers still in the round */
    bool open;               /* whether workers may still join the round */
    /* The loop; constant during a round. */
    machine_task *task;
    void *ctx;
    size_t count;
    size_t chunk;
    _Atomic size_t next; /* number of the next chunk */
    /* Memory that is kept, null for none, and whether somebody has it. */
    void *block;
    size_t block_bytes;
    bool is_lent;
    /* Memory that is offered, from its first multiple of 64 on, null for none. */
    void *offer;
    size_t offer_bytes;
    bool is_offer_lent;
};

struct worker {
    struct machine *machine;
    unsigned number;
};

/* Whether this thread is inside a task: a loop started there runs on it alone. */
static _Thread_local bool inside_task;
static _Thread_local unsigned worker_number;

#if defined(__x86_64__)
/* Reads which register states the operating system saves (XCR0). */
static uint64_t saved_states(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* Copies the CPU's name, without the blanks around it. */
static void probe_name(char name[64])
{
    unsigned text[12] = {0};
    if ((unsigned)__get_cpuid_max(0x80000000u, NULL) < 0x80000004u)
        return;
    for (unsigned i = 0; i < 3; i++)
        __get_cpuid(0x80000002u + i, &text[4 * i], &text[4 * i + 1], &text[4 * i + 2],
                    &text[4 * i + 3]);
    char raw[sizeof text + 1] = {0};
    memcpy(raw, text, sizeof text);
    const char *start = raw + strspn(raw, " ");
    size_t length = strlen(start);
    while (length > 0 && start[length - 1] == ' ')
        length--;
    if (length > 0)
        snprintf(name, 64, "%.*s", (int)length, start);
}

/* Intel SDM volume 2, CPUID leaves 1 and 7; volume 1, 13.3 for XCR0. */
static void probe_features(struct cpu_features *cpu)
{
    unsigned a, b, c, d, b7;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return;
    bool has_fma = c >> 12 & 1, has_xgetbv = c >> 27 & 1;
    if (!__get_cpuid_count(7, 0, &a, &b7, &c, &d))
        return;
    uint64_t states = has_xgetbv ? saved_states() : 0;
    const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 21 | 1u << 30 | 1u << 31;
    cpu->has_bmi2_adx = (b7 >> 8 & 1) && (b7 >> 19 & 1);
    cpu->has_avx2 = (b7 >> 5 & 1) && has_fma && (states & 0x6) == 0x6;
    cpu->has_avx512_ifma = (b7 & avx512) == avx512 && (c >> 6 & 1) && (states & 0xE6) == 0xE6;
}
#endif

static struct cpu_features features = {.name = "unknown"};
static pthread_once_t features_once = PTHREAD_ONCE_INIT;

/* Leaves out what the user does not want used. */
static void apply_environment(struct cpu_features *cpu)
{
    const char *most = getenv("SERTN_CPU");
    if (most == NULL)
        return;
    if (strcmp(most, "adx") == 0 || strcmp(most, "portable") == 0)
        cpu->has_avx512_ifma = false;
    if (strcmp(most, "portable") == 0)
        cpu->has_bmi2_adx = false;
}

static void probe(void)
{
#if defined(__x86_64__)
    probe_name(features.name);
    probe_features(&features);
    apply_environment(&features);
#endif
}

const struct cpu_features *machine_cpu(void)
{
    pthread_once(&features_once, probe);
    return &features;
}

unsigned machine_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : (unsigned)count;
}

struct machine *machine_new(unsigned threads)
{
    struct machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL)
        return NULL;
    threads = threads == 0 ? machine_cpu_count() : threads;
    machine->threads = threads < MACHINE_THREADS_MAX ? threads : MACHINE_THREADS_MAX;
    pthread_mutex_init(&machine->lock, NULL);
    pthread_cond_init(&machine->wake, NULL);
    pthread_cond_init(&machine->done, NULL);
    return machine;
}

void machine_free(struct machine *machine)
{
    if (machine == NULL)
        return;
    pthread_mutex_lock(&machine->lock);
    atomic_store(&machine->stopping, true);
    pthread_cond_broadcast(&machine->wake);
    pthread_mutex_unlock(&machine->lock);
    for (unsigned i = 0; i < machine->started; i++)
        pthread_join(machine->thread[i], NULL);
    pthread_cond_destroy(&machine->done);
    pthread_cond_destroy(&machine->wake);
    pthread_mutex_destroy(&machine->lock);
    free(machine->thread);
    free(machine->block);
    free(machine);
}

unsigned machine_threads(const struct machine *machine)
{
    return machine == NULL ? 1 : machine->threads;
}

/* Takes chunks until none is left. */
static void run_chunks(struct machine *machine, unsigned worker)
{
    size_t chunks = (machine->count - 1) / machine->chunk + 1;
    inside_task = true;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&machine->next, 1, memory_order_relaxed);
        if (i >= chunks)
            break;
        size_t begin = i * machine->chunk, left = machine->count - begin;
        size_t end = begin + (left < machine->chunk ? left : machine->chunk);
        machine->task(machine->ctx, begin, end, worker);
    }
    inside_task = false;
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Waits for a round after `seen`. Returns false at the end of the pool; else has joined the round,
 * or has found it already closed and set *joined to false. */
static bool wait_for_round(struct machine *machine, uint64_t *seen, bool *joined)
{
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (atomic_load(&machine->round) != *seen || atomic_load(&machine->stopping))
            break;
        pause_briefly();
    }
    pthread_mutex_lock(&machine->lock);
    while (atomic_load(&machine->round) == *seen && !atomic_load(&machine->stopping))
        pthread_cond_wait(&machine->wake, &machine->lock);
    bool stopping = atomic_load(&machine->stopping);
    *seen = atomic_load(&machine->round);
    *joined = !stopping && machine->open;
    if (*joined)
        atomic_fetch_add(&machine->inside, 1);
    pthread_mutex_unlock(&machine->lock);
    return !stopping;
}

static void leave_round(struct machine *machine)
{
    if (atomic_fetch_sub(&machine->inside, 1) == 1) {
        pthread_mutex_lock(&machine->lock);
        pthread_cond_signal(&machine->done);
        pthread_mutex_unlock(&machine->lock);
    }
}

static void *worker_main(void *argument)
{
    struct worker worker = *(struct worker *)argument;
    free(argument);
    worker_number = worker.number;
    uint64_t seen = 0;
    bool joined;
    while (wait_for_round(worker.machine, &seen, &joined)) {
        if (joined) {
            run_chunks(worker.machine, worker.number);
            leave_round(worker.machine);
        }
    }
    return NULL;
}

/* Starts workers up to `wanted`. A thread that cannot be had is done without. */
static void start_workers(struct machine *machine, unsigned wanted)
{
    if (machine->thread == NULL)
        machine->thread = calloc(machine->threads, sizeof *machine->thread);
    while (machine->thread != NULL && machine->started < wanted) {
        struct worker *worker = malloc(sizeof *worker);
        if (worker == NULL)
            return;
        *worker = (struct worker){machine, machine->started + 1};
        if (pthread_create(&machine->thread[machine->started], NULL, worker_main, worker) != 0) {
            free(worker);
            return;
        }
        machine->started++;
    }
}

/* The loop on the calling thread, chunk by chunk all the same: a task may count on its sizes. */
static void run_alone(size_t count, size_t chunk, machine_task *task, void *ctx, unsigned worker)
{
    for (size_t begin = 0; begin < count;) {
        size_t left = count - begin, step = left < chunk ? left : chunk;
        task(ctx, begin, begin + step, worker);
        begin += step;
    }
}

void machine_parallel_for(struct machine *machine, size_t count, size_t chunk, machine_task *task,
                          void *ctx)
{
    ASSERT(chunk > 0);
    if (machine == NULL || machine->threads == 1 || count <= chunk || inside_task) {
        run_alone(count, chunk, task, ctx, inside_task ? worker_number : 0);
        return;
    }
    size_t helpers = (count - 1) / chunk; /* one chunk is for the caller */
    if (helpers > machine->threads - 1)
        helpers = machine->threads - 1;
    start_workers(machine, (unsigned)helpers);

    pthread_mutex_lock(&machine->lock);
    machine->task = task;
    machine->ctx = ctx;
    machine->count = count;
    machine->chunk = chunk;
    atomic_store(&machine->next, 0);
    machine->open = true;
    atomic_fetch_add(&machine->round, 1);
    pthread_cond_broadcast(&machine->wake);
    pthread_mutex_unlock(&machine->lock);

    run_chunks(machine, 0);

    /* Closed before the wait, so that a worker waking up late does not enter a finished round. */
    pthread_mutex_lock(&machine->lock);
    machine->open = false;
    pthread_mutex_unlock(&machine->lock);
    for (int i = 0; i < SPIN_ROUNDS && atomic_load(&machine->inside) > 0; i++)
        pause_briefly();
    pthread_mutex_lock(&machine->lock);
    while (atomic_load(&machine->inside) > 0)
        pthread_cond_wait(&machine->done, &machine->lock);
    pthread_mutex_unlock(&machine->lock);
}

void machine_offer(struct machine *machine, void *memory, size_t bytes)
{
    if (machine == NULL)
        return;
    ASSERT(!machine->is_offer_lent);
    size_t gap = (0 - (uintptr_t)memory) % 64;
    bool is_usable = memory != NULL && bytes > gap;
    machine->offer = is_usable ? (char *)memory + gap : NULL;
    machine->offer_bytes = is_usable ? bytes - gap : 0;
}

void *machine_borrow(struct machine *machine, size_t bytes)
{
    if (machine != NULL && machine->offer != NULL && !machine->is_offer_lent &&
        bytes <= machine->offer_bytes) {
        machine->is_offer_lent = true;
        return machine->offer;
    }
    if (machine == NULL || machine->is_lent || bytes >= LARGE_MEMORY_BYTES)
        return large_alloc(bytes);
    if (machine->block == NULL || machine->block_bytes < bytes) {
        free(machine->block);
        machine->block = large_alloc(bytes);
        machine->block_bytes = bytes;
    }
    machine->is_lent = machine->block != NULL;
    return machine->block;
}

void machine_give_back(struct machine *machine, void *memory)
{
    if (machine != NULL && memory != NULL && memory == machine->offer)
        machine->is_offer_lent = false;
    else if (machine != NULL && memory != NULL && memory == machine->block)
        machine->is_lent = false;
    else
        free(memory);
}

double machine_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* VmHWM and not getrusage: the latter starts from what the parent held when it made this process.
 */
uint64_t machine_peak_memory_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL)
        return 0;
    char line[256];
    unsigned long long kib = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
            break;
    }
    fclose(file);
    return (uint64_t)kib * 1024;
}
