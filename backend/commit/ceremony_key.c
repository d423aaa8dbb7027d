/*
 * Keys of contributions. See ceremony_key.h.
 */
#include "backend/commit/ceremony_key.h"

#include <string.h>

#include "backend/curve/curve_constants.h"
#include "backend/hash/blake2b.h"
#include "backend/hash/sha256.h"

/* ---- draws ---------------------------------------------------------------------------------- */

/* ChaCha20 with key words as they are given, a 128-bit counter and no nonce. */
struct draws {
    uint32_t state[16], word[16];
    unsigned next;
};

static inline uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b, *d = rotl(*d ^ *a, 16);
    *c += *d, *b = rotl(*b ^ *c, 12);
    *a += *b, *d = rotl(*d ^ *a, 8);
    *c += *d, *b = rotl(*b ^ *c, 7);
}

/* The words of the seed are read most significant byte first. */
static void draws_init(struct draws *draws, const uint8_t seed[CEREMONY_SEED_BYTES])
{
    static const uint32_t head[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memset(draws, 0, sizeof *draws);
    memcpy(draws->state, head, sizeof head);
    for (int i = 0; i < 8; i++)
        draws->state[4 + i] = (uint32_t)seed[4 * i] << 24 | (uint32_t)seed[4 * i + 1] << 16 |
                              (uint32_t)seed[4 * i + 2] << 8 | seed[4 * i + 3];
    draws->next = 16;
}

static uint32_t draw_u32(struct draws *draws)
{
    uint32_t *w = draws->word;
    if (draws->next == 16) {
        memcpy(w, draws->state, sizeof draws->word);
        for (int i = 0; i < 10; i++) {
            for (int j = 0; j < 4; j++)
                quarter(&w[j], &w[4 + j], &w[8 + j], &w[12 + j]);
            for (int j = 0; j < 4; j++)
                quarter(&w[j], &w[4 + (j + 1) % 4], &w[8 + (j + 2) % 4], &w[12 + (j + 3) % 4]);
        }
        for (int i = 0; i < 16; i++)
            w[i] += draws->state[i];
        for (int i = 12; i < 16 && ++draws->state[i] == 0; i++)
            ;
        draws->next = 0;
    }
    return w[draws->next++];
}

/* Limbs below the modulus. They are taken as an element in the form of memory. */
static void draw_limbs(uint64_t limb[4], struct draws *draws, const uint64_t modulus[4])
{
    for (;;) {
        for (int i = 0; i < 4; i++) {
            uint64_t high = draw_u32(draws);
            limb[i] = high << 32 | draw_u32(draws);
        }
        limb[3] &= UINT64_MAX >> 2; /* both moduli have 254 bits */
        for (int i = 3; i >= 0; i--) {
            if (limb[i] < modulus[i])
                return;
            if (limb[i] > modulus[i])
                break;
        }
    }
}

/* Whether y is the greater of y and -y as an integer. y is not 0. */
static bool is_greater(const fp *y)
{
    fp minus;
    fp_neg(&minus, y);
    return fp_cmp(y, &minus) > 0;
}

static void draw_g1(g1_affine *r, struct draws *draws)
{
    fp t;
    bool greater;
    do {
        draw_limbs(r->x.limb, draws, fp_modulus);
        greater = draw_u32(draws) & 1;
        fp_sqr(&t, &r->x);
        fp_mul(&t, &t, &r->x);
        fp_add(&t, &t, &g1_curve_b);
    } while (!fp_sqrt(&r->y, &t));
    if (is_greater(&r->y) != greater)
        fp_neg(&r->y, &r->y);
}

/* The cofactor of G2. */
static const uint64_t cofactor[4] = {0x345f2299c0f9fa8d, 0x06ceecda572a2489, 0xb85045b68181585e,
                                     0x30644e72e131a029};

static void draw_g2(g2_affine *r, struct draws *draws)
{
    fp2 t;
    bool greater;
    do {
        draw_limbs(r->x.c0.limb, draws, fp_modulus);
        draw_limbs(r->x.c1.limb, draws, fp_modulus);
        greater = draw_u32(draws) & 1;
        fp2_sqr(&t, &r->x);
        fp2_mul(&t, &t, &r->x);
        fp2_add(&t, &t, &g2_curve_b);
    } while (!fp2_sqrt(&r->y, &t));
    if (is_greater(fp_is_zero(&r->y.c1) ? &r->y.c0 : &r->y.c1) != greater)
        fp2_neg(&r->y, &r->y);
    g2 sum;
    g2_set_infinity(&sum);
    for (unsigned bit = 256; bit-- > 0;) {
        g2_double(&sum, &sum);
        if (cofactor[bit / 64] >> (bit % 64) & 1)
            g2_add_affine(&sum, &sum, r);
    }
    g2_to_affine(r, &sum);
}

/* ---- keys ----------------------------------------------------------------------------------- */

void ceremony_proof_base(g2_affine *q, enum ceremony_secret which,
                         const uint8_t challenge[CEREMONY_HASH_BYTES], const g1_affine *s,
                         const g1_affine *sx)
{
    struct blake2b hash;
    struct draws draws;
    uint8_t digest[BLAKE2B_BYTES], bytes[G1_BYTES], first = (uint8_t)which;
    blake2b_init(&hash);
    blake2b_update(&hash, &first, 1);
    blake2b_update(&hash, challenge, CEREMONY_HASH_BYTES);
    g1_affine_to_bytes(bytes, s);
    blake2b_update(&hash, bytes, sizeof bytes);
    g1_affine_to_bytes(bytes, sx);
    blake2b_update(&hash, bytes, sizeof bytes);
    blake2b_final(&hash, digest);
    draws_init(&draws, digest);
    draw_g2(q, &draws);
}

void ceremony_key_from_seed(struct ceremony_key *key, const uint8_t seed[CEREMONY_SEED_BYTES],
                            const uint8_t challenge[CEREMONY_HASH_BYTES])
{
    struct draws draws;
    draws_init(&draws, seed);
    for (int i = 0; i < CEREMONY_SECRETS; i++)
        draw_limbs(key->secret[i].limb, &draws, fr_modulus);
    for (int i = 0; i < CEREMONY_SECRETS; i++) {
        struct ceremony_proof *proof = &key->proof[i];
        g2_affine q;
        g1 sx;
        g2 qx;
        draw_g1(&proof->s, &draws);
        g1_mul(&sx, &proof->s, &key->secret[i]);
        g1_to_affine(&proof->sx, &sx);
        ceremony_proof_base(&q, (enum ceremony_secret)i, challenge, &proof->s, &proof->sx);
        g2_mul(&qx, &q, &key->secret[i]);
        g2_to_affine(&proof->qx, &qx);
    }
    explicit_bzero(&draws, sizeof draws);
}

void ceremony_key_wipe(struct ceremony_key *key)
{
    explicit_bzero(key, sizeof *key);
}

void ceremony_proofs_to_bytes(uint8_t out[CEREMONY_PROOFS_BYTES],
                              const struct ceremony_proof proof[CEREMONY_SECRETS])
{
    for (int i = 0; i < CEREMONY_SECRETS; i++) {
        g1_affine_to_bytes(out + 2 * i * G1_BYTES, &proof[i].s);
        g1_affine_to_bytes(out + (2 * i + 1) * G1_BYTES, &proof[i].sx);
        g2_affine_to_bytes(out + 6 * G1_BYTES + i * G2_BYTES, &proof[i].qx);
    }
}

void ceremony_beacon_seed(uint8_t seed[CEREMONY_SEED_BYTES], const uint8_t *bytes, size_t count,
                          unsigned lg_rounds)
{
    sha256(seed, bytes, count);
    for (uint64_t i = 1; i < UINT64_C(1) << lg_rounds; i++)
        sha256(seed, seed, CEREMONY_SEED_BYTES);
}
