/* The stream of blinders. */
#include "backend/plonk/blinding.h"

#include "backend/hash/keccak.h"

#include <string.h>

/* As memset to zero, which the compiler may not leave out. */
static void wipe_bytes(void *bytes, size_t count)
{
    memset(bytes, 0, count);
    __asm__ volatile("" : : "r"(bytes) : "memory");
}

static void put_u64(uint8_t out[8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* Elements as they are in memory: blinders need not be the same on every machine. */
static void hash_elements(struct keccak256 *hash, const fr *element, size_t count)
{
    keccak256_update(hash, element, count * sizeof *element);
}

/* Parts of a column that are hashed side by side. */
enum { PARTS = 32 };

struct hash_job {
    const fr *column;
    size_t part; /* elements of all parts but the last */
    uint8_t digest[PARTS][KECCAK256_BYTES];
};

static void hash_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    struct hash_job *job = context;
    struct keccak256 hash;
    keccak256_init(&hash);
    hash_elements(&hash, job->column + begin, end - begin);
    keccak256_final(&hash, job->digest[begin / job->part]);
    wipe_bytes(&hash, sizeof hash);
}

/* Takes the digests of a column's parts, whose lengths follow from its length. */
static void hash_column(struct keccak256 *hash, const fr *column, size_t count,
                        struct machine *machine)
{
    struct hash_job job = {.column = column, .part = (count + PARTS - 1) / PARTS};
    machine_parallel_for(machine, count, job.part, hash_task, &job);
    keccak256_update(hash, job.digest, (count + job.part - 1) / job.part * KECCAK256_BYTES);
    wipe_bytes(&job, sizeof job);
}

void plonk_blinding_init(struct plonk_blinding *blinding,
                         const uint8_t entropy[PLONK_ENTROPY_BYTES],
                         const struct plonk_proving_key *key, const struct plonk_witness *witness,
                         const struct plonk_statement *statement, uint64_t attempt)
{
    static const char domain[32] = "sertn-plonk-blinding-v2";
    struct keccak256 hash;
    uint8_t number[8];
    keccak256_init(&hash);
    keccak256_update(&hash, domain, sizeof domain);
    keccak256_update(&hash, entropy, PLONK_ENTROPY_BYTES);
    keccak256_update(&hash, key->vk.digest, sizeof key->vk.digest);
    keccak256_update(&hash, statement->context, PLONK_CONTEXT_BYTES);
    put_u64(number, attempt);
    keccak256_update(&hash, number, sizeof number);
    hash_elements(&hash, statement->words, statement->word_count);
    size_t rows = key->vk.layout.usable_rows;
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++)
        hash_column(&hash, witness->advice[j], rows, key->machine);
    for (unsigned j = 0; j < key->vk.layout.param_columns; j++)
        hash_column(&hash, witness->parameters[j], rows, key->machine);
    keccak256_final(&hash, blinding->seed);
    blinding->counter = 0;
    wipe_bytes(&hash, sizeof hash);
}

void plonk_blinding_init_setup(struct plonk_blinding *blinding,
                               const uint8_t entropy[PLONK_ENTROPY_BYTES],
                               const struct plonk_verifying_key *vk, const uint64_t *bits,
                               size_t word_count, const struct plonk_parameter_tail *tail,
                               uint64_t attempt)
{
    static const char domain[32] = "sertn-setup-blinding-v2";
    struct keccak256 hash;
    uint8_t number[8];
    keccak256_init(&hash);
    keccak256_update(&hash, domain, sizeof domain);
    keccak256_update(&hash, entropy, PLONK_ENTROPY_BYTES);
    keccak256_update(&hash, vk->digest, sizeof vk->digest);
    put_u64(number, attempt);
    keccak256_update(&hash, number, sizeof number);
    for (size_t i = 0; i < word_count; i++) {
        put_u64(number, bits[i]);
        keccak256_update(&hash, number, sizeof number);
    }
    hash_elements(&hash, tail->value[0], sizeof tail->value / sizeof(fr));
    keccak256_final(&hash, blinding->seed);
    blinding->counter = 0;
    wipe_bytes(number, sizeof number);
    wipe_bytes(&hash, sizeof hash);
}

void plonk_blinding_draw(struct plonk_blinding *blinding, fr *out, size_t count)
{
    uint8_t input[40], digest[64];
    memcpy(input, blinding->seed, 32);
    for (size_t i = 0; i < count; i++) {
        for (unsigned half = 0; half < 2; half++) {
            put_u64(input + 32, blinding->counter++);
            keccak256(digest + 32 * half, input, sizeof input);
        }
        fr_from_wide_bytes_be(&out[i], digest);
    }
    wipe_bytes(input, sizeof input);
    wipe_bytes(digest, sizeof digest);
}

void plonk_blinding_wipe(struct plonk_blinding *blinding)
{
    wipe_bytes(blinding, sizeof *blinding);
}
