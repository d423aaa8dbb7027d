/* One description of the program format for both directions; see relation_codec.h. */
#include "ir/relation_codec.h"

#include "ir/support/codec.h"
#include "ir/tensor.h"

enum { FORMAT = 3 };
#define COUNT_MAX ((size_t)1 << 28)
/* Positions of a relation: multiplications of a large convolution, which are no numbers of a file.
 */
#define SPACE_MAX ((size_t)1 << 36)

/* An enum that must be at most `last`. */
#define CODE_ENUM(codec, field, last)                                                              \
    do {                                                                                           \
        uint8_t code_value = (uint8_t)(field);                                                     \
        codec_u8(codec, &code_value);                                                              \
        if (code_value > (uint8_t)(last)) {                                                        \
            codec_fail(codec);                                                                     \
            code_value = 0;                                                                        \
        }                                                                                          \
        (field) = code_value;                                                                      \
    } while (0)

static void code_dims(struct codec *codec, uint8_t *rank, int64_t *dims, size_t most, size_t *count)
{
    codec_u8(codec, rank);
    if (*rank > RELATION_RANK_MAX)
        codec_fail(codec);
    size_t product = 1;
    for (unsigned d = 0; d < *rank && !codec->failed; d++) {
        codec_i64(codec, &dims[d]);
        if (dims[d] < 0 || (dims[d] > 0 && product > most / (size_t)dims[d]))
            codec_fail(codec);
        else
            product *= (size_t)dims[d];
    }
    if (count != NULL)
        *count = codec->failed ? 0 : product;
}

/* What has NaN has no infinity; both together say that the tensor keeps signs. */
static void code_specials(struct codec *codec, struct relation_tensor *tensor)
{
    bool first = tensor->has_nan || tensor->keeps_sign,
         second = tensor->has_infinity || tensor->keeps_sign;
    codec_bool(codec, &first);
    codec_bool(codec, &second);
    tensor->has_nan = first && !second;
    tensor->has_infinity = second && !first;
    tensor->keeps_sign = first && second;
    if (tensor->keeps_sign && tensor->encoding != ENCODING_FIXED)
        codec_fail(codec);
}

static void code_tensor(struct codec *codec, struct relation_tensor *tensor)
{
    codec_text(codec, &tensor->name);
    code_dims(codec, &tensor->rank, tensor->shape, COUNT_MAX, &tensor->count);
    CODE_ENUM(codec, tensor->role, ROLE_CONSTANT);
    CODE_ENUM(codec, tensor->encoding, ENCODING_FLOAT_BITS);
    codec_i64(codec, &tensor->scale.numerator);
    codec_i64(codec, &tensor->scale.denominator);
    codec_i32(codec, &tensor->scale.exponent);
    codec_u8(codec, &tensor->key_bits);
    codec_wide(codec, &tensor->low);
    codec_wide(codec, &tensor->high);
    code_specials(codec, tensor);
    codec_bool(codec, &tensor->is_output);
    if (tensor->scale.numerator <= 0 || tensor->scale.denominator <= 0 || tensor->key_bits > 64 ||
        (tensor->encoding == ENCODING_FLOAT_KEY && tensor->key_bits != 32 &&
         tensor->key_bits != 64) ||
        (tensor->encoding == ENCODING_FLOAT_BITS &&
         !float_pattern((enum element_type)tensor->key_bits, 0, &(uint64_t){0})))
        codec_fail(codec);
    if (tensor->role != ROLE_CONSTANT || codec->failed)
        return;
    if (!codec->is_writing && tensor->count > reader_left(&codec->in))
        codec_fail(codec);
    wide *values = codec_array(codec, tensor->values, tensor->count, sizeof *values);
    for (size_t i = 0; i < tensor->count && !codec->failed; i++)
        codec_wide(codec, &values[i]);
    tensor->values = values;
}

/* Strides and bounds are written as they are: repetitive, but a few bytes per axis. */
static void code_view(struct codec *codec, struct relation_view *view,
                      const struct relation *relation)
{
    codec_u32(codec, &view->tensor);
    bool is_listed = view->index_list != NULL;
    codec_bool(codec, &is_listed);
    if (!is_listed) {
        codec_i64(codec, &view->offset);
        for (unsigned d = 0; d < relation->space_rank; d++) {
            codec_i64(codec, &view->stride[d]);
            codec_i64(codec, &view->low[d]);
            codec_i64(codec, &view->high[d]);
        }
        return;
    }
    size_t count = 1;
    for (unsigned d = 0; d < relation->space_rank; d++)
        count *= (size_t)relation->space[d];
    codec_i64(codec, &view->offset);
    if (!codec->is_writing && count > reader_left(&codec->in))
        codec_fail(codec);
    int64_t *list = codec_array(codec, view->index_list, count, sizeof *list);
    int64_t previous = 0;
    for (size_t i = 0; i < count && !codec->failed; i++) {
        int64_t delta = (int64_t)((uint64_t)list[i] - (uint64_t)previous);
        codec_i64(codec, &delta);
        list[i] = (int64_t)((uint64_t)previous + (uint64_t)delta);
        previous = list[i];
    }
    view->index_list = list;
}

static void code_terms(struct codec *codec, struct relation *relation)
{
    codec_count(codec, &relation->term_count, 3, COUNT_MAX);
    relation->terms =
        codec_array(codec, relation->terms, relation->term_count, sizeof *relation->terms);
    for (size_t k = 0; k < relation->term_count && !codec->failed; k++) {
        struct relation_term *term = &relation->terms[k];
        codec_wide(codec, &term->coefficient);
        codec_u8(codec, &term->factor_count);
        if (term->factor_count > RELATION_FACTOR_MAX)
            codec_fail(codec);
        for (unsigned f = 0; f < term->factor_count && !codec->failed; f++)
            code_view(codec, &term->factors[f], relation);
    }
}

static void code_relation(struct codec *codec, struct relation *relation)
{
    CODE_ENUM(codec, relation->kind, RELATION_DIGEST);
    codec_u32(codec, &relation->node);
    code_dims(codec, &relation->space_rank, relation->space, SPACE_MAX, NULL);
    codec_u8(codec, &relation->contract_rank);
    codec_u8(codec, &relation->output_count);
    codec_u8(codec, &relation->view_count);
    if (relation->output_count > TABLE_OUTPUT_MAX || relation->view_count > 3 ||
        relation->contract_rank > relation->space_rank)
        codec_fail(codec);
    for (unsigned k = 0; k < relation->output_count && !codec->failed; k++)
        codec_u32(codec, &relation->outputs[k]);
    code_terms(codec, relation);
    for (unsigned k = 0; k < relation->view_count && !codec->failed; k++)
        code_view(codec, &relation->views[k], relation);
    codec_wide(codec, &relation->constant);
    codec_bool(codec, &relation->is_assert);
    CODE_ENUM(codec, relation->rounding, ROUND_TOWARD_ZERO);
    codec_bool(codec, &relation->divisor_is_view);
    codec_wide(codec, &relation->divisor);
    codec_wide(codec, &relation->low);
    codec_wide(codec, &relation->high);
    codec_u32(codec, &relation->table);
    codec_u32(codec, &relation->memory);
    CODE_ENUM(codec, relation->hint, HINT_BIT_LENGTH);
    codec_i64(codec, &relation->argument);
}

static void code_table(struct codec *codec, struct relation_table *table)
{
    codec_text(codec, &table->key);
    codec_i64(codec, &table->x_low);
    codec_count(codec, &table->size, 1, COUNT_MAX);
    codec_u8(codec, &table->output_count);
    if (table->output_count > TABLE_OUTPUT_MAX)
        codec_fail(codec);
    for (unsigned k = 0; k < table->output_count && !codec->failed; k++) {
        int64_t *values = codec_array(codec, table->outputs[k], table->size, sizeof *values);
        for (size_t i = 0; i < table->size && !codec->failed; i++)
            codec_i64(codec, &values[i]);
        table->outputs[k] = values;
    }
}

static void code_indices(struct codec *codec, uint32_t **list, size_t *count)
{
    codec_count(codec, count, 1, COUNT_MAX);
    *list = codec_array(codec, *list, *count, sizeof **list);
    for (size_t i = 0; i < *count && !codec->failed; i++)
        codec_u32(codec, &(*list)[i]);
}

static void code_program(struct codec *codec, struct relation_program *program)
{
    uint32_t format = FORMAT;
    codec_u32(codec, &format);
    if (format != FORMAT)
        codec_fail(codec);
    codec_count(codec, &program->tensor_count, 8, COUNT_MAX);
    program->tensors =
        codec_array(codec, program->tensors, program->tensor_count, sizeof *program->tensors);
    for (size_t i = 0; i < program->tensor_count && !codec->failed; i++)
        code_tensor(codec, &program->tensors[i]);
    codec_count(codec, &program->table_count, 4, COUNT_MAX);
    program->tables =
        codec_array(codec, program->tables, program->table_count, sizeof *program->tables);
    for (size_t i = 0; i < program->table_count && !codec->failed; i++)
        code_table(codec, &program->tables[i]);
    codec_count(codec, &program->relation_count, 16, COUNT_MAX);
    program->relations =
        codec_array(codec, program->relations, program->relation_count, sizeof *program->relations);
    for (size_t i = 0; i < program->relation_count && !codec->failed; i++)
        code_relation(codec, &program->relations[i]);
    codec_count(codec, &program->node_count, 1, COUNT_MAX);
    program->node_names =
        codec_array(codec, program->node_names, program->node_count, sizeof *program->node_names);
    for (size_t i = 0; i < program->node_count && !codec->failed; i++)
        codec_text(codec, &program->node_names[i]);
    code_indices(codec, &program->public_tensors, &program->public_tensor_count);
    code_indices(codec, &program->input_tensors, &program->input_tensor_count);
}

void relation_program_serialize(const struct relation_program *program, struct buffer *out)
{
    struct codec codec = codec_writer(out);
    struct relation_program copy = *program;
    code_program(&codec, &copy);
    ASSERT(!codec.failed);
}

enum status relation_program_parse(struct relation_program *program, struct arena *arena,
                                   unsigned capacity_bits, const void *bytes, size_t count,
                                   struct diag *diag)
{
    struct codec codec = codec_reader(bytes, count, arena);
    relation_program_init(program, arena);
    code_program(&codec, program);
    codec_finish(&codec);
    program->tensor_capacity = program->tensor_count;
    program->relation_capacity = program->relation_count;
    program->table_capacity = program->table_count;
    enum status status = codec_status(&codec, "the program file", diag);
    if (status == STATUS_OK)
        status = relation_validate(program, capacity_bits, diag);
    return status;
}
