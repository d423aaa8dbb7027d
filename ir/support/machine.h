/*
 * The machine under us: what its CPU can do, its threads, its clock, the memory we took.
 *
 * parallel_for cuts work into chunks that depend on the caller's sizes alone, so that no result
 * depends on the number of threads. Threads start with the first loop that has work for two of
 * them, which costs a small run nothing and a large one some ten microseconds a thread.
 */
#ifndef SERTN_IR_SUPPORT_MACHINE_H
#define SERTN_IR_SUPPORT_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the CPU has and the operating system saves. All false on other CPUs than x86-64.
 * With SERTN_CPU=adx in the environment AVX-512 is left out, with SERTN_CPU=portable BMI2 and ADX
 * as well: tests and measurements of the slower paths.
 */
struct cpu_features {
    bool has_bmi2_adx;    /* mulx, adcx, adox */
    bool has_avx2;        /* with FMA */
    bool has_avx512_ifma; /* with F, VL, DQ, BW, VBMI2 */
    char name[64];        /* as the CPU calls itself; "unknown" where it does not say */
};

/* Returns the features, probed on the first call. Any thread may call it. Never null. */
const struct cpu_features *machine_cpu(void);

/* A set of worker threads. Null stands for one thread, the caller. */
struct machine;

/* The most threads a pool may have. */
#define MACHINE_THREADS_MAX 1024

/*
 * Makes a pool of `threads` threads, the caller among them; 0 for as many as this process may use.
 * No thread is started yet. Returns null when memory is out, which every function here takes as one
 * thread. The caller frees it.
 */
struct machine *machine_new(unsigned threads);
/* Stops the threads. machine may be null. */
void machine_free(struct machine *machine);

/* The number of threads of a pool, 1 for null. */
unsigned machine_threads(const struct machine *machine);
/* The number of CPUs this process may run on. */
unsigned machine_cpu_count(void);

/*
 * A piece of a loop: elements begin .. end - 1. worker < machine_threads() names the thread, for
 * scratch of its own; results must not depend on it.
 */
typedef void machine_task(void *ctx, size_t begin, size_t end, unsigned worker);

/*
 * Runs task over 0 .. count - 1 in chunks of `chunk` elements (the last may be shorter), in any
 * order, on any thread, and returns when all are done. What the tasks wrote is then visible to the
 * caller. Requires: chunk > 0. Calls for one pool come from one thread at a time; a task may call
 * it again, and then does the inner loop alone.
 */
void machine_parallel_for(struct machine *machine, size_t count, size_t chunk, machine_task *task,
                          void *ctx);

/*
 * Lends memory for one computation: `bytes` of it, aligned to 64, with anything in it; null without
 * memory. It goes back with machine_give_back, and a pool keeps a block of less than
 * LARGE_MEMORY_BYTES for the next one who asks: taken from the heap each time, scratch between
 * results that stay would leave holes that nothing fits into. From one thread at a time.
 */
void *machine_borrow(struct machine *machine, size_t bytes);
/*
 * Offers memory that its owner does not need now: machine_borrow lends it first to whom it
 * suffices. machine_offer(machine, NULL, 0) ends that. Null machines take no offers. Requires:
 * nobody has an earlier offer.
 */
void machine_offer(struct machine *machine, void *memory, size_t bytes);

/* memory may be null. */
void machine_give_back(struct machine *machine, void *memory);

/* Seconds of a clock that never steps back; only differences mean anything. */
double machine_seconds(void);

/* The most memory the process has held at once, in bytes (the peak resident set); 0 when unknown.
 */
uint64_t machine_peak_memory_bytes(void);

#endif
