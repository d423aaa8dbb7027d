/* label: fast libs: sertn_runtime */
/* Random numbers under a seed that is an input: what the float interpreter gives, and nothing else.
 */
#include "tests/passes/lower_kit.h"

static uint32_t random_bits(struct kit *kit, uint32_t seed, int64_t stream, int64_t count)
{
    uint32_t y = kit_node(kit, OP_RANDOM_BITS, &seed, 1);
    kit_attribute_int(kit, "stream", stream);
    kit_attribute_int(kit, "count", count);
    return y;
}

static const struct tensor *seed_of(struct kit *kit, enum element_type type, int64_t value)
{
    return kit_integers(kit, type, kit_shape(0), &value);
}

TEST(numbers_follow_from_the_seed)
{
    static const enum element_type types[] = {ELEMENT_U32, ELEMENT_I64, ELEMENT_I32};
    static const int64_t counts[] = {1, 2, 5};
    for (size_t t = 0; t < 3; t++) {
        struct kit kit;
        kit_init(&kit);
        uint32_t seed = kit_input(&kit, "seed", types[t], kit_shape(0));
        kit_output(&kit, random_bits(&kit, seed, (int64_t)t, counts[t]));
        struct declared_range range = {"seed", t == 0 ? 0 : -5, 0x1p31 - 1};
        kit.options.quantize.ranges = &range;
        kit.options.quantize.range_count = 1;
        kit_set(&kit, (const struct tensor *[]){seed_of(&kit, types[t], 123456789)});
        kit_run(&kit);
        for (int64_t s = t == 0 ? 0 : -2; s < 3; s++) {
            const struct tensor *inputs[] = {seed_of(&kit, types[t], s)};
            kit_compare(&kit, inputs, 0, 0);
        }
        kit_release(&kit);
    }
}

/* Normal numbers as the importer writes them: the logarithm reaches 0 where u does. */
TEST(normal_numbers_follow_from_the_seed)
{
    struct kit kit;
    kit_init(&kit);
    const double constants[4] = {-0x1p-24, 1, -2, 6.283185307179586 * 0x1p-24};
    uint32_t seed = kit_input(&kit, "seed", ELEMENT_U32, kit_shape(0)), c[4];
    for (int i = 0; i < 4; i++)
        c[i] = kit_parameter(&kit, (const char *[]){"a", "b", "c", "d"}[i], kit_shape(0),
                             &constants[i]);
    uint32_t bits[2];
    for (int i = 0; i < 2; i++) {
        uint32_t number = random_bits(&kit, seed, i, 3);
        bits[i] = kit_node(&kit, OP_CAST, &number, 1);
        kit_attribute_int(&kit, "to", ELEMENT_F32);
    }
    uint32_t u = kit_binary(&kit, OP_ADD, kit_binary(&kit, OP_MUL, bits[0], c[0]), c[1]);
    uint32_t radius =
        kit_unary(&kit, OP_SQRT, kit_binary(&kit, OP_MUL, kit_unary(&kit, OP_LOG, u), c[2]));
    uint32_t angle = kit_unary(&kit, OP_COS, kit_binary(&kit, OP_MUL, bits[1], c[3]));
    kit_output(&kit, kit_binary(&kit, OP_MUL, radius, angle));
    for (int64_t s = 0; s < 8; s++)
        kit_set(&kit, (const struct tensor *[]){seed_of(&kit, ELEMENT_U32, 1000 + s)});
    kit_run(&kit);
    for (int64_t s = 0; s < 4; s++) {
        const struct tensor *inputs[] = {seed_of(&kit, ELEMENT_U32, s)};
        kit_compare(&kit, inputs, 1e-4, 1e-3);
    }
    kit_release(&kit);
}
