/* Poseidon; see poseidon.h. The constants are in poseidon_constants.c, made by poseidon_generate.
 */
#include "backend/hash/poseidon.h"

#include "backend/hash/poseidon_constants.h"
#include "ir/support/status.h"

#include <string.h>

const struct poseidon *poseidon_get(enum poseidon_instance instance, unsigned width)
{
    ASSERT((unsigned)instance < POSEIDON_INSTANCE_COUNT);
    ASSERT(width >= POSEIDON_WIDTH_MIN && width <= POSEIDON_WIDTH_MAX);
    return &poseidon_constants[instance][width - POSEIDON_WIDTH_MIN];
}

static void power_5(fr *x)
{
    fr square;
    fr_sqr(&square, x);
    fr_sqr(&square, &square);
    fr_mul(x, x, &square);
}

static void multiply_matrix(const struct poseidon *poseidon, fr *state)
{
    fr out[POSEIDON_WIDTH_MAX];
    for (unsigned row = 0; row < poseidon->width; row++) {
        const fr *m = poseidon->mds + row * poseidon->width;
        fr_mul(&out[row], &m[0], &state[0]);
        for (unsigned column = 1; column < poseidon->width; column++) {
            fr term;
            fr_mul(&term, &m[column], &state[column]);
            fr_add(&out[row], &out[row], &term);
        }
    }
    memcpy(state, out, poseidon->width * sizeof *state);
}

void poseidon_permute(const struct poseidon *poseidon, fr *state)
{
    unsigned half = poseidon->full_rounds / 2;
    unsigned rounds = poseidon->full_rounds + poseidon->partial_rounds;
    const fr *constant = poseidon->round_constant;
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned cell = 0; cell < poseidon->width; cell++)
            fr_add(&state[cell], &state[cell], constant++);
        bool full = round < half || round >= rounds - half;
        for (unsigned cell = 0; cell < (full ? poseidon->width : 1); cell++)
            power_5(&state[cell]);
        multiply_matrix(poseidon, state);
    }
}

void poseidon_hash(fr *digest, const fr *input, size_t count)
{
    ASSERT(count >= 1 && count < POSEIDON_WIDTH_MAX);
    fr state[POSEIDON_WIDTH_MAX];
    state[0] = fr_zero;
    memcpy(state + 1, input, count * sizeof *input);
    poseidon_permute(poseidon_get(POSEIDON_CIRCOMLIB, (unsigned)count + 1), state);
    *digest = state[0];
}

void poseidon_digest(enum poseidon_instance instance, fr *digest, uint64_t domain, const fr *value,
                     size_t count)
{
    const struct poseidon *poseidon = poseidon_get(instance, 3);
    fr state[3] = {fr_zero, fr_zero, fr_zero};
    fr_from_u128(&state[0], (unsigned __int128)count << 64 | domain);
    size_t done = 0;
    do {
        for (size_t i = 0; i < 2 && done < count; i++, done++)
            fr_add(&state[1 + i], &state[1 + i], &value[done]);
        poseidon_permute(poseidon, state);
    } while (done < count);
    *digest = state[0];
}
