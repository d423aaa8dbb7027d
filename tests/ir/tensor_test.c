/* label: fast */
#include "ir/tensor.h"

#include <math.h>
#include <string.h>

#include "tests/harness/harness.h"

TEST(types_know_their_kind_and_width)
{
    static const struct {
        enum element_type type;
        const char *name;
        unsigned bits;
        bool is_float, is_integer;
    } rows[] = {{ELEMENT_F32, "float32", 32, true, false},
                {ELEMENT_BF16, "bfloat16", 16, true, false},
                {ELEMENT_I4, "int4", 4, false, true},
                {ELEMENT_U64, "uint64", 64, false, true},
                {ELEMENT_BOOL, "bool", 1, false, false},
                {ELEMENT_STRING, "string", 0, false, false},
                {ELEMENT_UNDEFINED, "undefined", 0, false, false},
                {14, "undefined", 0, false, false},
                {27, "undefined", 0, false, false},
                {1000, "undefined", 0, false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_TEXT(element_type_name(rows[i].type), rows[i].name);
        CHECK_U64(element_type_bits(rows[i].type), rows[i].bits);
        CHECK(element_type_is_float(rows[i].type) == rows[i].is_float);
        CHECK(element_type_is_integer(rows[i].type) == rows[i].is_integer);
    }
}

TEST(integers_wrap_to_their_width)
{
    CHECK_I64(element_wrap(ELEMENT_I8, 128), -128);
    CHECK_I64(element_wrap(ELEMENT_U8, -1), 255);
    CHECK_I64(element_wrap(ELEMENT_I4, 9), -7);
    CHECK_I64(element_wrap(ELEMENT_U2, 7), 3);
    CHECK_I64(element_wrap(ELEMENT_I32, (int64_t)1 << 31), INT32_MIN);
    CHECK_I64(element_wrap(ELEMENT_I64, INT64_MIN), INT64_MIN);
    CHECK_I64(element_wrap(ELEMENT_U64, -1), -1); /* by bit pattern */
    CHECK_I64(element_wrap(ELEMENT_BOOL, 2), 1);
}

TEST(rounding_to_float16_is_to_nearest_even)
{
    CHECK(element_round(ELEMENT_F16, 1 + 0x1p-11) == 1);              /* tie, down to even */
    CHECK(element_round(ELEMENT_F16, 1 + 3 * 0x1p-11) == 1 + 0x1p-9); /* tie, up to even */
    CHECK(element_round(ELEMENT_F16, 1 + 0x1p-11 + 0x1p-40) == 1 + 0x1p-10);
    CHECK(element_round(ELEMENT_F16, 65519) == 65504);
    CHECK(isinf(element_round(ELEMENT_F16, 65520)));
    CHECK(element_round(ELEMENT_F16, 0x1p-25) == 0); /* tie with the least subnormal */
    CHECK(element_round(ELEMENT_F16, 0x1.8p-25) == 0x1p-24);
    CHECK(signbit(element_round(ELEMENT_F16, -0x1p-30)));
    CHECK(isnan(element_round(ELEMENT_F16, NAN)));
}

TEST(rounding_of_the_small_types)
{
    CHECK(element_round(ELEMENT_BF16, 1 + 0x1p-8) == 1);
    CHECK(element_round(ELEMENT_F8E4M3FN, 449) == 448);
    CHECK(isnan(element_round(ELEMENT_F8E4M3FN, 480)));
    CHECK(isnan(element_round(ELEMENT_F8E4M3FNUZ, 1000)));
    CHECK(!signbit(element_round(ELEMENT_F8E4M3FNUZ, -0.0)));
    CHECK(isinf(element_round(ELEMENT_F8E5M2, 1e6)));
    CHECK(element_round(ELEMENT_F4E2M1, -100) == -6);
    CHECK(element_round(ELEMENT_F4E2M1, 2.5) == 2);
    CHECK(element_round(ELEMENT_F8E8M0, 3) == 2); /* ties go to the even code: 128 is 2 */
    CHECK(element_round(ELEMENT_F8E8M0, 1.5) == 2);
    CHECK(element_round(ELEMENT_F8E8M0, 1e-300) == 0x1p-127);
    CHECK(isnan(element_round(ELEMENT_F8E8M0, -1)));
    CHECK(element_round(ELEMENT_F64, 0x1.123456789abcdp3) == 0x1.123456789abcdp3);
}

TEST(float16_rounding_agrees_with_float32_conversion_tables)
{
    /* Every pair of neighbouring float16 values: what lies between goes to the nearer, the middle
     * to the even one. */
    for (unsigned code = 0; code < 0x7BFF; code++) {
        int exponent = (int)(code >> 10);
        double fraction = (double)(code & 1023);
        double low = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
        double step = ldexp(1, exponent == 0 ? -24 : exponent - 25);
        double middle = low + step / 2;
        double even = (code & 1) == 0 ? low : low + step;
        if (element_round(ELEMENT_F16, middle) != even || element_round(ELEMENT_F16, low) != low ||
            element_round(ELEMENT_F16, -nextafter(middle, 0)) != -low) {
            CHECK_MSG(false, "code %u", code);
            break;
        }
    }
}

TEST(shapes)
{
    struct shape a = {3, {2, 1, 4}}, b = {2, {5, 1}}, c;
    size_t count;
    CHECK(shape_count(&a, 100, &count) && count == 8);
    CHECK(!shape_count(&a, 7, &count));
    CHECK(shape_broadcast(&c, &a, &b) && c.rank == 3 && c.dim[0] == 2 && c.dim[1] == 5 &&
          c.dim[2] == 4);
    CHECK(!shape_broadcast(&c, &(struct shape){1, {2}}, &(struct shape){1, {3}}));
    CHECK(shape_broadcast(&c, &(struct shape){1, {0}}, &(struct shape){1, {1}}) && c.dim[0] == 0);
    CHECK(shape_equal(&a, &a) && !shape_equal(&a, &b));
    CHECK(shape_count(&(struct shape){0}, 1, &count) && count == 1);
    struct shape huge = {3, {INT64_MAX, INT64_MAX, 0}};
    CHECK(shape_count(&huge, SIZE_MAX, &count) == false || count == 0);
    CHECK(!shape_count(&(struct shape){2, {(int64_t)1 << 40, (int64_t)1 << 40}}, SIZE_MAX, &count));
    CHECK(!shape_count(&(struct shape){1, {-1}}, SIZE_MAX, &count));
}

TEST(tensors_are_zeroed_and_bounded)
{
    struct arena arena = {0};
    struct tensor *tensor = tensor_new(&arena, ELEMENT_F16, &(struct shape){2, {3, 5}});
    REQUIRE(tensor != NULL && tensor->count == 15);
    for (size_t i = 0; i < 15; i++)
        CHECK(tensor->data.real[i] == 0);
    tensor = tensor_new(&arena, ELEMENT_I64, &(struct shape){1, {0}});
    CHECK(tensor != NULL && tensor->data.integer != NULL);
    arena_release(&arena);
    arena_init(&arena, 4096);
    CHECK(tensor_new(&arena, ELEMENT_F32, &(struct shape){1, {1000}}) == NULL);
    CHECK(tensor_new(&arena, ELEMENT_F32, &(struct shape){2, {INT64_MAX, 2}}) == NULL);
    arena_release(&arena);
}

TEST(keys_keep_the_order_of_floats)
{
    for (int round = 0; round < 20000; round++) {
        uint64_t a = test_random_edge_u64(), b = test_random_edge_u64();
        double x, y;
        memcpy(&x, &a, 8);
        memcpy(&y, &b, 8);
        if (isnan(x) || isnan(y))
            continue;
        CHECK_MSG((x < y) == (float_key(x, 64) < float_key(y, 64)), "%a %a", x, y);
        float p = (float)x, q = (float)y;
        CHECK_MSG((p < q) == (float_key((double)p, 32) < float_key((double)q, 32)), "%a %a",
                  (double)p, (double)q);
        CHECK(float_from_key(float_key(x, 64), 64) == x);
        CHECK(float_from_key(float_key((double)p, 32), 32) == (double)p);
    }
}

TEST(keys_of_special_values)
{
    for (unsigned bits = 32; bits <= 64; bits += 32) {
        uint64_t top = float_key(INFINITY, bits) + 1;
        CHECK_U64(float_key(NAN, bits), top);
        CHECK_U64(float_key(0.0, bits) - 1, float_key(bits == 32 ? -0x1p-149 : -0x1p-1074, bits));
        CHECK_U64(float_key(0.0, bits), float_key(-0.0, bits));
        CHECK(float_key(-INFINITY, bits) < float_key(-1e30, bits));
        CHECK(float_from_key(float_key(-0.0, bits), bits) == 0 &&
              !signbit(float_from_key(float_key(-0.0, bits), bits)));
        CHECK(isnan(float_from_key(top, bits)));
    }
    CHECK_U64(float_key(-1e-60, 32), float_key(0, 32)); /* rounds to -0 in float32 */
}
