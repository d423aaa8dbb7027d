/* Canonical bytes of a circuit: one function describes the format for both directions. */
#include "ir/circuit.h"
#include "ir/support/codec.h"

enum { LG_ROWS_MIN = 4, FORMAT = 2 };
#define COUNT_MAX ((size_t)1 << 30)

static void code_constants(struct codec *codec, struct circuit *circuit)
{
    codec_count(codec, &circuit->constant_count, 1, COUNT_MAX);
    circuit->constants =
        codec_array(codec, circuit->constants, circuit->constant_count, sizeof *circuit->constants);
    for (size_t i = 0; i < circuit->constant_count && !codec->failed; i++)
        codec_wide(codec, &circuit->constants[i]);
}

/* First byte: chain, term, provider, hold; second: which of the five numbers follow. */
static void code_row(struct codec *codec, struct circuit_row *row)
{
    uint8_t head = (uint8_t)(row->chain | row->term << 3 | row->is_provider << 5 | row->hold << 6);
    uint8_t present =
        (uint8_t)((row->slot_memory != 0) | (row->slot_table != 0) << 1 |
                  (row->slot_range != 0) << 2 | (row->c2 != 0) << 3 | (row->c3 != 0) << 4);
    codec_u8(codec, &head);
    codec_u8(codec, &present);
    if (present >= 32)
        codec_fail(codec);
    row->chain = head & 7;
    row->term = head >> 3 & 3;
    row->is_provider = head >> 5 & 1;
    row->hold = head >> 6;
    if (present & 1)
        codec_u16(codec, &row->slot_memory);
    if (present & 2)
        codec_u16(codec, &row->slot_table);
    if (present & 4)
        codec_u16(codec, &row->slot_range);
    if (present & 8)
        codec_u32(codec, &row->c2);
    if (present & 16)
        codec_u32(codec, &row->c3);
}

/* Most table rows continue the one before: same tag, x + 1, y = 0. */
static void code_table_row(struct codec *codec, struct circuit_table_row *row,
                           const struct circuit_table_row *previous)
{
    bool is_null = row->tag == 0 && row->x == 0 && row->y == 0;
    bool continues = !is_null && row->tag == previous->tag && row->x == previous->x + 1;
    uint8_t head = is_null ? 0 : (uint8_t)(1 | (continues ? 2 : 0) | (row->y != 0 ? 4 : 0));
    codec_u8(codec, &head);
    if (head == 0)
        return;
    if ((head & 1) == 0 || head > 7)
        codec_fail(codec);
    if (head & 2) {
        row->tag = previous->tag;
        row->x = (int64_t)((uint64_t)previous->x + 1);
    } else {
        codec_u16(codec, &row->tag);
        codec_i64(codec, &row->x);
    }
    if (head & 4)
        codec_i64(codec, &row->y);
}

static void code_rows(struct codec *codec, struct circuit *circuit)
{
    size_t count = circuit->usable_rows;
    if (!codec->is_writing && count > reader_left(&codec->in) / 3)
        codec_fail(codec);
    circuit->rows = codec_array(codec, circuit->rows, count, sizeof *circuit->rows);
    circuit->table = codec_array(codec, circuit->table, count, sizeof *circuit->table);
    circuit->origins = codec_array(codec, circuit->origins, count, sizeof *circuit->origins);
    struct circuit_table_row previous = {0};
    uint32_t relation = 0, element = 0;
    for (size_t i = 0; i < count && !codec->failed; i++) {
        code_row(codec, &circuit->rows[i]);
        code_table_row(codec, &circuit->table[i], &previous);
        previous = circuit->table[i].tag == 0 ? previous : circuit->table[i];
        codec_delta_u32(codec, &circuit->origins[i].relation, &relation);
        codec_delta_u32(codec, &circuit->origins[i].element, &element);
    }
}

static void code_cell(struct codec *codec, struct cell *cell, uint32_t *previous)
{
    uint32_t packed = cell->row * 4 + cell->column;
    codec_delta_u32(codec, &packed, previous);
    cell->row = packed / 4;
    cell->column = (uint8_t)(packed % 4);
}

static void code_copies(struct codec *codec, struct circuit *circuit)
{
    codec_count(codec, &circuit->copy_count, 2, COUNT_MAX);
    circuit->copies =
        codec_array(codec, circuit->copies, circuit->copy_count, sizeof *circuit->copies);
    uint32_t a = 0, b = 0;
    for (size_t i = 0; i < circuit->copy_count && !codec->failed; i++) {
        code_cell(codec, &circuit->copies[i].a, &a);
        code_cell(codec, &circuit->copies[i].b, &b);
    }
}

static void code_fills(struct codec *codec, struct circuit *circuit)
{
    codec_count(codec, &circuit->fill_count, 4, COUNT_MAX);
    circuit->fills =
        codec_array(codec, circuit->fills, circuit->fill_count, sizeof *circuit->fills);
    uint32_t row = 0, tensor = 0, element = 0;
    for (size_t i = 0; i < circuit->fill_count && !codec->failed; i++) {
        struct fill *fill = &circuit->fills[i];
        uint8_t head = (uint8_t)(fill->column | fill->kind << 3 | (fill->constant != 0) << 6);
        codec_u8(codec, &head);
        fill->column = head & 7;
        fill->kind = head >> 3 & 7;
        codec_delta_u32(codec, &fill->row, &row);
        codec_delta_u32(codec, &fill->tensor, &tensor);
        codec_delta_u32(codec, &fill->element, &element);
        if (head & 64)
            codec_u32(codec, &fill->constant);
        if (head & 128)
            codec_fail(codec);
        if (fill->kind == FILL_LIMB) {
            codec_u8(codec, &fill->shift);
            codec_u8(codec, &fill->width);
        }
    }
}

static void code_params(struct codec *codec, struct circuit *circuit)
{
    codec_count(codec, &circuit->param_cell_count, 6, COUNT_MAX);
    circuit->param_cells = codec_array(codec, circuit->param_cells, circuit->param_cell_count,
                                       sizeof *circuit->param_cells);
    uint32_t row = 0, tensor = 0, element = 0;
    for (size_t i = 0; i < circuit->param_cell_count && !codec->failed; i++) {
        struct param_cell *cell = &circuit->param_cells[i];
        codec_delta_u32(codec, &cell->row, &row);
        codec_u8(codec, &cell->column);
        codec_delta_u32(codec, &cell->tensor, &tensor);
        codec_delta_u32(codec, &cell->element, &element);
        codec_u32(codec, &cell->low);
        codec_u32(codec, &cell->high);
    }
}

static void code_public(struct codec *codec, struct circuit *circuit)
{
    codec_u32(codec, &circuit->public_word_count);
    codec_count(codec, &circuit->public_part_count, 6, COUNT_MAX);
    circuit->public_parts = codec_array(codec, circuit->public_parts, circuit->public_part_count,
                                        sizeof *circuit->public_parts);
    for (size_t i = 0; i < circuit->public_part_count && !codec->failed; i++) {
        struct public_part *part = &circuit->public_parts[i];
        codec_u32(codec, &part->word);
        codec_u32(codec, &part->tensor);
        codec_u32(codec, &part->element);
        codec_u32(codec, &part->low);
        codec_u16(codec, &part->shift);
        codec_u16(codec, &part->bits);
    }
}

/* What a verifier needs: sizes, constants and the public layout stand first. */
static void code_head(struct codec *codec, struct circuit *circuit)
{
    uint32_t format = FORMAT, lg_rows = circuit->lg_rows, params = circuit->param_columns,
             contraction = circuit->has_contraction;
    codec_u32(codec, &format);
    if (format != FORMAT)
        codec_fail(codec);
    codec_bytes(codec, circuit->program_digest, sizeof circuit->program_digest);
    codec_u32(codec, &lg_rows);
    codec_u32(codec, &params);
    codec_u32(codec, &contraction);
    if (lg_rows < LG_ROWS_MIN || lg_rows > CIRCUIT_LG_ROWS_MAX || params > CIRCUIT_PARAM_MAX ||
        contraction > 1)
        codec_fail(codec);
    if (codec->failed)
        return;
    circuit->lg_rows = lg_rows;
    circuit->param_columns = params;
    circuit->has_contraction = contraction != 0;
    circuit->usable_rows = ((uint32_t)1 << lg_rows) - CIRCUIT_GATED_ROWS;
    code_constants(codec, circuit);
    code_public(codec, circuit);
}

static void code_circuit(struct codec *codec, struct circuit *circuit)
{
    code_head(codec, circuit);
    if (codec->failed)
        return;
    code_rows(codec, circuit);
    code_copies(codec, circuit);
    code_fills(codec, circuit);
    code_params(codec, circuit);
}

void circuit_serialize(const struct circuit *circuit, struct buffer *out)
{
    struct codec codec = codec_writer(out);
    struct circuit copy = *circuit; /* code_circuit writes back what it was given */
    code_circuit(&codec, &copy);
    ASSERT(!codec.failed);
}

enum status circuit_parse(struct circuit *circuit, struct arena *arena, const void *bytes,
                          size_t count, struct diag *diag)
{
    struct codec codec = codec_reader(bytes, count, arena);
    *circuit = (struct circuit){0};
    code_circuit(&codec, circuit);
    codec_finish(&codec);
    enum status status = codec_status(&codec, "the circuit file", diag);
    if (status == STATUS_OK)
        status = circuit_validate(circuit, diag);
    return status;
}

enum status circuit_parse_head(struct circuit *circuit, struct arena *arena, const void *bytes,
                               size_t count, struct diag *diag)
{
    struct codec codec = codec_reader(bytes, count, arena);
    *circuit = (struct circuit){0};
    code_head(&codec, circuit);
    for (size_t i = 0; i < circuit->public_part_count && !codec.failed; i++) {
        if (circuit->public_parts[i].low >= circuit->constant_count)
            codec_fail(&codec);
    }
    return codec_status(&codec, "the circuit file", diag);
}
