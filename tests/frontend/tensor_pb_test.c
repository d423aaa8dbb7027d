/* label: fast libs: sertn_3rd_protobuf_c */
#include "frontend/tensor_pb.h"

#include <math.h>
#include <string.h>

#include "frontend/onnx_load.h"
#include "frontend/tensor_parts.h"
#include "tests/harness/harness.h"

/* Reads the same tensor by protobuf-c and by hand. Returns the status, and checks that both agree.
 */
static enum status read_both(const Onnx__Tensor *source, struct tensor **out, struct arena *arena,
                             struct diag *diag)
{
    struct onnx_file file = {0};
    struct tensor *by_hand = NULL;
    const char *name;
    size_t count = onnx__tensor__get_packed_size(source);
    uint8_t *bytes = arena_alloc(arena, count);
    onnx__tensor__pack(source, bytes);
    struct diag other = {0};
    enum status status = onnx_tensor(out, &file, source, arena, diag);
    enum status second = tensor_pb_read(&by_hand, &name, bytes, count, arena, &other);
    if (source->data_type == 0)
        return status; /* by hand it is no tensor at all */
    CHECK_STATUS(second, status, &other);
    if (status != STATUS_OK || second != STATUS_OK) {
        CHECK_TEXT(other.text, diag->text);
        return status;
    }
    CHECK(by_hand->type == (*out)->type && shape_equal(&by_hand->shape, &(*out)->shape));
    if (by_hand->type == ELEMENT_STRING)
        for (size_t i = 0; i < by_hand->count; i++)
            CHECK_TEXT(by_hand->data.text[i], (*out)->data.text[i]);
    else
        CHECK_BYTES(by_hand->data.integer, (*out)->data.integer, 8 * by_hand->count);
    return status;
}

static Onnx__Tensor tensor_of(enum element_type type, int64_t *dims, size_t rank)
{
    Onnx__Tensor tensor = ONNX__TENSOR__INIT;
    tensor.has_data_type = 1;
    tensor.data_type = (int32_t)type;
    tensor.dims = dims;
    tensor.n_dims = rank;
    return tensor;
}

TEST(raw_elements_of_every_type)
{
    static const struct {
        enum element_type type;
        const char *raw;
        size_t count;
        double first, second;
    } cases[] = {
        {ELEMENT_F32, "\x00\x00\x80\x3f\x00\x00\x00\xc0", 8, 1, -2},
        {ELEMENT_F64, "\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\xf0\xff", 16, 1,
         -INFINITY},
        {ELEMENT_F16, "\x00\x3c\x01\x80", 4, 1, -0x1p-24},
        {ELEMENT_BF16, "\x80\x3f\x80\x7f", 4, 1, INFINITY},
        {ELEMENT_F8E4M3FN, "\x38\x7e", 2, 1, 448},
        {ELEMENT_F8E4M3FNUZ, "\x40\x7f", 2, 1, 240},
        {ELEMENT_F8E5M2, "\x3c\x7b", 2, 1, 57344},
        {ELEMENT_F8E5M2FNUZ, "\x40\x7f", 2, 1, 57344},
        {ELEMENT_F8E8M0, "\x7f\x00", 2, 1, 0x1p-127},
        {ELEMENT_F4E2M1, "\x72", 1, 1, 6},
        {ELEMENT_I8, "\x01\xff", 2, 1, -1},
        {ELEMENT_U8, "\x01\xff", 2, 1, 255},
        {ELEMENT_I16, "\x01\x00\xff\xff", 4, 1, -1},
        {ELEMENT_U16, "\x01\x00\xff\xff", 4, 1, 65535},
        {ELEMENT_I32, "\x01\x00\x00\x00\xff\xff\xff\xff", 8, 1, -1},
        {ELEMENT_U32, "\x01\x00\x00\x00\xff\xff\xff\xff", 8, 1, 4294967295.0},
        {ELEMENT_I64, "\x01\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff", 16, 1, -2},
        {ELEMENT_BOOL, "\x01\x00", 2, 1, 0},
        {ELEMENT_I4, "\xf1", 1, 1, -1},
        {ELEMENT_U4, "\xf1", 1, 1, 15},
        {ELEMENT_I2, "\x0d", 1, 1, -1},
        {ELEMENT_U2, "\x0d", 1, 1, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        struct diag diag = {0};
        int64_t dims[1] = {2};
        struct tensor *tensor = NULL;
        Onnx__Tensor source = tensor_of(cases[i].type, dims, 1);
        source.has_raw_data = 1;
        source.raw_data = (ProtobufCBinaryData){cases[i].count, (uint8_t *)cases[i].raw};
        REQUIRE_OK(read_both(&source, &tensor, &arena, &diag), &diag);
        bool is_float = element_type_is_float(cases[i].type);
        double first = is_float ? tensor->data.real[0] : (double)tensor->data.integer[0];
        double second = is_float ? tensor->data.real[1] : (double)tensor->data.integer[1];
        CHECK_MSG(first == cases[i].first && second == cases[i].second, "%s: %g %g",
                  element_type_name(cases[i].type), first, second);
        /* One byte more or less is refused. */
        source.raw_data.len--;
        CHECK_STATUS(read_both(&source, &tensor, &arena, &diag), STATUS_BAD_INPUT, &diag);
        arena_release(&arena);
    }
}

TEST(small_float_patterns_read_back_as_they_round)
{
    /* Every pattern of the 8-bit and 16-bit types decodes to a value its own type rounds to itself.
     */
    static const enum element_type types[] = {
        ELEMENT_F16,    ELEMENT_BF16,       ELEMENT_F8E4M3FN, ELEMENT_F8E4M3FNUZ,
        ELEMENT_F8E5M2, ELEMENT_F8E5M2FNUZ, ELEMENT_F8E8M0};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        struct arena arena = {0};
        struct diag diag = {0};
        unsigned bytes = element_type_bits(types[t]) / 8;
        int64_t count = (int64_t)1 << (8 * bytes), dims[1] = {count};
        uint8_t *raw = arena_alloc(&arena, (size_t)count * bytes);
        for (int64_t i = 0; i < count; i++)
            for (unsigned k = 0; k < bytes; k++)
                raw[i * bytes + k] = (uint8_t)(i >> (8 * k));
        struct tensor *tensor = NULL;
        Onnx__Tensor source = tensor_of(types[t], dims, 1);
        source.has_raw_data = 1;
        source.raw_data = (ProtobufCBinaryData){(size_t)count * bytes, raw};
        REQUIRE_OK(read_both(&source, &tensor, &arena, &diag), &diag);
        for (size_t i = 0; i < tensor->count; i++) {
            double value = tensor->data.real[i], rounded = element_round(types[t], value);
            if (!(isnan(value) ? isnan(rounded) : value == rounded)) {
                CHECK_MSG(false, "%s pattern %zu: %g rounds to %g", element_type_name(types[t]), i,
                          value, rounded);
                break;
            }
        }
        arena_release(&arena);
    }
}

TEST(typed_lists)
{
    struct arena arena = {0};
    struct diag diag = {0};
    struct tensor *tensor = NULL;
    int64_t dims[1] = {3};
    Onnx__Tensor source = tensor_of(ELEMENT_I8, dims, 1);
    int32_t small[3] = {-128, 0, 127};
    source.int32_data = small;
    source.n_int32_data = 3;
    REQUIRE_OK(read_both(&source, &tensor, &arena, &diag), &diag);
    CHECK_I64(tensor->data.integer[0], -128);
    small[2] = 128;
    CHECK_STATUS(read_both(&source, &tensor, &arena, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_TEXT(diag.text, "element 2 is 128, which is not a int8");
    source = tensor_of(ELEMENT_F16, dims, 1);
    int32_t halves[3] = {0x3C00, 0xC000, 0x7C00};
    source.int32_data = halves;
    source.n_int32_data = 3;
    REQUIRE_OK(read_both(&source, &tensor, &arena, &diag), &diag);
    CHECK(tensor->data.real[0] == 1 && tensor->data.real[1] == -2 && isinf(tensor->data.real[2]));
    source = tensor_of(ELEMENT_U4, dims, 1);
    int32_t packed[2] = {0x21, 0x03};
    source.int32_data = packed;
    source.n_int32_data = 2;
    REQUIRE_OK(read_both(&source, &tensor, &arena, &diag), &diag);
    CHECK(tensor->data.integer[0] == 1 && tensor->data.integer[1] == 2 &&
          tensor->data.integer[2] == 3);
    source = tensor_of(ELEMENT_U64, dims, 1);
    uint64_t wide[3] = {UINT64_MAX, 0, 1};
    source.uint64_data = wide;
    source.n_uint64_data = 3;
    REQUIRE_OK(read_both(&source, &tensor, &arena, &diag), &diag);
    CHECK_I64(tensor->data.integer[0], -1); /* by bit pattern */
    source.data_type = ELEMENT_U32;
    CHECK_STATUS(read_both(&source, &tensor, &arena, &diag), STATUS_BAD_INPUT, &diag);
    source = tensor_of(ELEMENT_STRING, dims, 1);
    ProtobufCBinaryData texts[3] = {{1, (uint8_t *)"a"}, {0, NULL}, {3, (uint8_t *)"b\0c"}};
    source.string_data = texts;
    source.n_string_data = 3;
    CHECK_STATUS(read_both(&source, &tensor, &arena, &diag), STATUS_BAD_INPUT, &diag);
    texts[2].len = 1;
    REQUIRE_OK(read_both(&source, &tensor, &arena, &diag), &diag);
    CHECK_TEXT(tensor->data.text[1], "");
    arena_release(&arena);
}

TEST(shapes_are_checked_before_memory_is_taken)
{
    static const struct {
        int64_t dims[4];
        size_t rank;
        enum status status;
        const char *text;
    } cases[] = {{{-1}, 1, STATUS_BAD_INPUT, "negative"},
                 {{1 << 20, 1 << 20}, 2, STATUS_LIMIT, "more than"},
                 {{INT64_MAX, INT64_MAX, INT64_MAX}, 3, STATUS_LIMIT, "more than"},
                 {{3}, 1, STATUS_BAD_INPUT, "1 stored elements where the shape asks for 3"},
                 {{0}, 1, STATUS_BAD_INPUT, "1 stored elements where the shape asks for 0"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        struct diag diag = {0};
        struct tensor *tensor = NULL;
        int64_t dims[4];
        float one = 1;
        memcpy(dims, cases[i].dims, sizeof dims);
        arena_init(&arena, 1 << 20);
        Onnx__Tensor source = tensor_of(ELEMENT_F32, dims, cases[i].rank);
        source.float_data = &one;
        source.n_float_data = 1;
        CHECK_STATUS(read_both(&source, &tensor, &arena, &diag), cases[i].status, &diag);
        CHECK_MSG(strstr(diag.text, cases[i].text) != NULL, "case %zu: %s", i, diag.text);
        arena_release(&arena);
    }
}

TEST(types_that_are_none)
{
    static const int32_t types[] = {-1, 0, 14, 15, 27, 28, 29, 1000000};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct arena arena = {0};
        struct diag diag = {0};
        struct tensor *tensor = NULL;
        struct onnx_file file = {0};
        Onnx__Tensor source = tensor_of((enum element_type)ELEMENT_F32, NULL, 0);
        source.data_type = types[i];
        CHECK(onnx_tensor(&tensor, &file, &source, &arena, &diag) != STATUS_OK);
        arena_release(&arena);
    }
}

TEST(sparse_tensors_become_dense)
{
    struct arena arena = {0};
    struct diag diag = {0};
    struct onnx_file file = {0};
    struct tensor *tensor = NULL;
    int64_t dims[2] = {2, 3}, count[1] = {2}, places[2] = {2, 2}, flat[2] = {5, 1},
            listed[4] = {1, 2, 0, 1};
    float values[2] = {7, 8};
    Onnx__Tensor value = tensor_of(ELEMENT_F32, count, 1), index = tensor_of(ELEMENT_I64, count, 1);
    value.float_data = values;
    value.n_float_data = 2;
    index.int64_data = flat;
    index.n_int64_data = 2;
    Onnx__SparseTensor source = ONNX__SPARSE_TENSOR__INIT;
    source.values = &value;
    source.indices = &index;
    source.dims = dims;
    source.n_dims = 2;
    for (int form = 0; form < 2; form++) {
        REQUIRE_OK(onnx_sparse_tensor(&tensor, &file, &source, &arena, &diag), &diag);
        CHECK(tensor->data.real[5] == 7 && tensor->data.real[1] == 8 && tensor->data.real[0] == 0);
        index.dims = places;
        index.n_dims = 2;
        index.int64_data = listed;
        index.n_int64_data = 4;
    }
    listed[0] = 2;
    CHECK_STATUS(onnx_sparse_tensor(&tensor, &file, &source, &arena, &diag), STATUS_BAD_INPUT,
                 &diag);
    arena_release(&arena);
}

TEST(bytes_that_are_no_tensor)
{
    static const char *const cases[] = {
        "",        "\x08", "\x10\x80", "hello", "\x4a\x7f", "\x22\x03\x00\x00\x00", "\x0a\x01\xff",
        "\x25\x00"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        struct diag diag = {0};
        struct tensor *tensor = NULL;
        const char *name;
        CHECK_STATUS(tensor_pb_read(&tensor, &name, cases[i], strlen(cases[i]), &arena, &diag),
                     STATUS_BAD_INPUT, &diag);
        arena_release(&arena);
    }
}

/* --- sequences and optionals --- */

static enum status read_tree(struct value_tree *tree, const char *bytes, size_t count,
                             const char *open, struct arena *arena, struct diag *diag)
{
    const char *name;
    *diag = (struct diag){0};
    return tensor_pb_read_tree(tree, &name, bytes, count, open, arena, diag);
}

#define READ_TREE(bytes, open) read_tree(&tree, bytes, sizeof(bytes) - 1, open, &arena, &diag)

TEST(bytes_that_are_no_sequence_are_refused)
{
    /* SequenceProto of one float32 [1]. */
    static const char good[] = "\x0a\x01x\x10\x01\x1a\x0a\x08\x01\x10\x01\x4a\x04\0\0\x80\x3f";
    struct arena arena = {0};
    struct diag diag;
    struct value_tree tree;
    REQUIRE_OK(READ_TREE(good, "s"), &diag);
    CHECK(tree.kind == VALUE_TREE_LIST && tree.count == 1);
    for (size_t count = 1; count + 1 < sizeof good; count++)
        if (count != 3 && count != 5) /* there whole fields end: an empty sequence */
            CHECK_STATUS(read_tree(&tree, good, count, "s", &arena, &diag), STATUS_BAD_INPUT,
                         &diag);
    CHECK_STATUS(READ_TREE("\x10\x01\x4a\x04\0\0\x80\x3f", "s"), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(READ_TREE("\x10\x04\x32\0", "s"), STATUS_UNSUPPORTED, &diag);
    CHECK(strstr(diag.text, "maps or sparse tensors") != NULL);
    arena_release(&arena);
}

TEST(nesting_other_than_the_declared_is_refused)
{
    static const char one[] = "\x1a\x0a\x08\x01\x10\x01\x4a\x04\0\0\x80\x3f";
    static const char two[] = "\x1a\x0a\x08\x01\x10\x01\x4a\x04\0\0\x80\x3f"
                              "\x1a\x0a\x08\x01\x10\x01\x4a\x04\0\0\x80\x3f";
    static const char inner[] = "\x10\x03\x2a\x0c\x1a\x0a\x08\x01\x10\x01\x4a\x04\0\0\x80\x3f";
    struct arena arena = {0};
    struct diag diag;
    struct value_tree tree;
    REQUIRE_OK(READ_TREE(one, "o"), &diag);
    CHECK(tree.kind == VALUE_TREE_TENSOR);
    REQUIRE_OK(READ_TREE(inner, "os"), &diag);
    CHECK(tree.kind == VALUE_TREE_LIST && tree.count == 1);
    CHECK_STATUS(READ_TREE(two, "o"), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(READ_TREE(one, "ss"), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(READ_TREE(inner, "s"), STATUS_BAD_INPUT, &diag);
    arena_release(&arena);
}

TEST(deep_nesting_is_refused)
{
    struct arena arena = {0};
    struct diag diag;
    struct value_tree tree;
    char bytes[64];
    size_t count = 0;
    /* Each level holds the one before it as a sequence. */
    for (size_t level = 0; level < 20; level++) {
        memmove(bytes + 2, bytes, count);
        bytes[0] = 0x2a;
        bytes[1] = (char)count;
        count += 2;
    }
    CHECK_STATUS(read_tree(&tree, bytes, count, NULL, &arena, &diag), STATUS_LIMIT, &diag);
    arena_release(&arena);
}
