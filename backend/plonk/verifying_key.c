/* Verifying keys as bytes (README section 3), and the private tail of the parameter columns. */
#include "backend/plonk/keys.h"

#include "backend/hash/keccak.h"

#include <string.h>

/* Offsets in word 0. */
enum {
    AT_MENU = 4,
    AT_MODE,
    AT_LG_ROWS,
    AT_TAIL_ROWS,
    AT_PARAMETERS,
    AT_CONTRACTION,
    AT_WORDS = 24
};

static const uint8_t magic[4] = {'S', 'V', 'K', '1'};

static void put_head(uint8_t *bytes, const struct plonk_verifying_key *key)
{
    memset(bytes, 0, 32);
    memcpy(bytes, magic, sizeof magic);
    bytes[AT_MENU] = PLONK_MENU;
    bytes[AT_MODE] = (uint8_t)key->layout.mode;
    bytes[AT_LG_ROWS] = (uint8_t)key->layout.lg_rows;
    bytes[AT_TAIL_ROWS] = PLONK_TAIL_ROWS;
    bytes[AT_PARAMETERS] = (uint8_t)key->layout.param_columns;
    bytes[AT_CONTRACTION] = key->layout.has_contraction;
    for (unsigned i = 0; i < 4; i++)
        bytes[AT_WORDS + i] = (uint8_t)(key->word_count >> (24 - 8 * i));
}

void plonk_vk_serialize(uint8_t *bytes, struct plonk_verifying_key *key)
{
    put_head(bytes, key);
    memcpy(bytes + 32, key->circuit_digest, 32);
    memcpy(bytes + 64, key->srs_digest, 32);
    uint8_t *next = bytes + PLONK_VK_HEAD_BYTES;
    for (unsigned i = 0; i < key->fixed_count; i++, next += G1_BYTES)
        g1_affine_to_bytes(next, &key->fixed[i]);
    for (unsigned i = 0; i < key->layout.param_columns; i++, next += G1_BYTES)
        g1_affine_to_bytes(next, &key->parameters[i]);
    ASSERT((size_t)(next - bytes) == key->layout.vk_bytes);
    keccak256(key->digest, bytes, key->layout.vk_bytes);
}

static enum status read_head(struct plonk_verifying_key *key, const uint8_t *bytes,
                             struct diag *diag)
{
    if (memcmp(bytes, magic, sizeof magic) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "this is no verifying key: it does not begin with SVK1");
    if (bytes[AT_MENU] != PLONK_MENU)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the verifying key uses gate menu %u; this program knows menu %u",
                        bytes[AT_MENU], (unsigned)PLONK_MENU);
    if (bytes[AT_MODE] >= PLONK_MODES || bytes[AT_LG_ROWS] < PLONK_LG_ROWS_MIN ||
        bytes[AT_LG_ROWS] > PLONK_LG_ROWS_MAX || bytes[AT_TAIL_ROWS] != PLONK_TAIL_ROWS ||
        bytes[AT_CONTRACTION] > 1 ||
        bytes[AT_PARAMETERS] > (bytes[AT_CONTRACTION] != 0 ? 1 : CIRCUIT_PARAM_MAX))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the verifying key has a mode or size that does not exist");
    plonk_layout_init(&key->layout, (enum plonk_mode)bytes[AT_MODE], bytes[AT_LG_ROWS],
                      bytes[AT_PARAMETERS], bytes[AT_CONTRACTION] != 0);
    key->fixed_count = key->layout.group_count - key->layout.phase_first[PLONK_PHASE_FIXED];
    for (unsigned i = 0; i < 4; i++)
        key->word_count = key->word_count << 8 | bytes[AT_WORDS + i];
    uint8_t again[32];
    put_head(again, key);
    if (memcmp(again, bytes, 32) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the verifying key has a reserved byte that is not zero");
    if (key->word_count > PLONK_WORDS_MAX)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the verifying key claims %u public words; the most is %u", key->word_count,
                        (unsigned)PLONK_WORDS_MAX);
    return STATUS_OK;
}

enum status plonk_vk_parse(struct plonk_verifying_key *key, const uint8_t *bytes, size_t count,
                           struct diag *diag)
{
    memset(key, 0, sizeof *key);
    if (count < PLONK_VK_HEAD_BYTES)
        return diag_set(diag, STATUS_BAD_INPUT, "the verifying key is cut short: %zu bytes", count);
    enum status status = read_head(key, bytes, diag);
    if (status != STATUS_OK)
        return status;
    if (count != key->layout.vk_bytes)
        return diag_set(diag, STATUS_BAD_INPUT, "the verifying key has %zu bytes; its kind has %zu",
                        count, key->layout.vk_bytes);
    memcpy(key->circuit_digest, bytes + 32, 32);
    memcpy(key->srs_digest, bytes + 64, 32);
    const uint8_t *next = bytes + PLONK_VK_HEAD_BYTES;
    for (unsigned i = 0; i < key->fixed_count; i++, next += G1_BYTES)
        if (!g1_affine_from_bytes(&key->fixed[i], next))
            return diag_set(diag, STATUS_BAD_INPUT,
                            "the verifying key's fixed commitment %u is not a point", i);
    for (unsigned i = 0; i < key->layout.param_columns; i++, next += G1_BYTES)
        if (!g1_affine_from_bytes(&key->parameters[i], next) ||
            g1_affine_is_infinity(&key->parameters[i]))
            return diag_set(diag, STATUS_BAD_INPUT,
                            "the verifying key's parameter commitment %u is not a point", i + 1);
    keccak256(key->digest, bytes, count);
    return STATUS_OK;
}

enum status plonk_parameter_tail_draw(struct plonk_parameter_tail *tail, struct diag *diag)
{
    if (fr_random_array(&tail->value[0][0], 2 * CIRCUIT_PARAM_MAX))
        return STATUS_OK;
    return diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
}

void plonk_parameter_tail_serialize(uint8_t bytes[PLONK_PARAMETER_TAIL_BYTES],
                                    const struct plonk_parameter_tail *tail)
{
    for (unsigned i = 0; i < 2 * CIRCUIT_PARAM_MAX; i++)
        fr_to_bytes_be(bytes + 32 * i, &tail->value[i / 2][i % 2]);
}

enum status plonk_parameter_tail_parse(struct plonk_parameter_tail *tail, const uint8_t *bytes,
                                       size_t count, struct diag *diag)
{
    bool is_valid = count == PLONK_PARAMETER_TAIL_BYTES;
    for (unsigned i = 0; is_valid && i < 2 * CIRCUIT_PARAM_MAX; i++)
        is_valid = fr_from_bytes_be(&tail->value[i / 2][i % 2], bytes + 32 * i);
    if (is_valid)
        return STATUS_OK;
    plonk_parameter_tail_wipe(tail);
    return diag_set(diag, STATUS_BAD_INPUT,
                    "the private parameter randomness is damaged; make the keys again");
}

void plonk_parameter_tail_wipe(struct plonk_parameter_tail *tail)
{
    fr_wipe(&tail->value[0][0], 2 * CIRCUIT_PARAM_MAX);
}
