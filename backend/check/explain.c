/* The sentences of check. */
#include "backend/check/explain.h"

void explain_value(struct buffer *text, const fr *value)
{
    int64_t small;
    uint8_t bytes[FIELD_BYTES];
    if (fr_to_i64(&small, value)) {
        buffer_printf(text, "%lld", (long long)small);
        return;
    }
    fr_to_bytes_be(bytes, value);
    buffer_puts(text, "0x");
    buffer_put_hex(text, bytes, sizeof bytes);
}

static void put_constant(struct buffer *text, const struct circuit *circuit, uint32_t index)
{
    char digits[80];
    wide_format(digits, circuit->constants[index]);
    buffer_puts(text, digits);
}

/* " + c symbol", nothing for c = 0. */
static void put_product(struct buffer *text, const struct circuit *circuit, uint32_t constant,
                        const char *symbol)
{
    if (constant == 0)
        return;
    buffer_puts(text, " + ");
    put_constant(text, circuit, constant);
    buffer_puts(text, symbol);
}

void explain_gate(struct buffer *text, const struct explain *explain, uint32_t row)
{
    static const char *const head[] = {"0", "0 + w1 a1 + w2 a2", "a1 a2", "-a1"};
    const struct circuit_row *fixed = &explain->circuit->rows[row];
    buffer_printf(text, "; row %u: %s", row, head[fixed->term]);
    put_product(text, explain->circuit, fixed->c2, fixed->term == TERM_PRODUCT ? "" : " a2");
    put_product(text, explain->circuit, fixed->c3, " a3");
    buffer_puts(text, " with");
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++) {
        buffer_printf(text, "%s a%u = ", j > 0 ? "," : "", j + 1);
        explain_value(text, &explain->witness->advice[j][row]);
    }
    for (unsigned j = 0; fixed->term == TERM_WEIGHTED && j < explain->circuit->param_columns; j++) {
        buffer_printf(text, ", w%u = ", j + 1);
        explain_value(text, &explain->witness->parameters[j][row]);
    }
}

static const char *relation_name(enum relation_kind kind)
{
    static const char *const name[] = {"linear",  "contract", "product", "is_zero",
                                       "rescale", "range",    "table",   "read",
                                       "permute", "hint",     "digest"};
    return (size_t)kind < sizeof name / sizeof name[0] ? name[kind] : "unknown";
}

void explain_origin(struct buffer *text, const struct explain *explain, uint32_t row)
{
    const struct row_origin *origin = &explain->circuit->origins[row];
    const struct relation_program *program = explain->program;
    if (program == NULL || origin->relation >= program->relation_count)
        return;
    const struct relation *relation = &program->relations[origin->relation];
    buffer_printf(text, " [%s relation %u", relation_name(relation->kind), origin->relation);
    if (relation->node < program->node_count)
        buffer_printf(text, " of node '%s'", program->node_names[relation->node]);
    buffer_printf(text, ", element %u", origin->element);
    if (relation->output_count > 0 && relation->outputs[0] < program->tensor_count)
        buffer_printf(text, " of '%s'", program->tensors[relation->outputs[0]].name);
    buffer_puts(text, "]");
}

void explain_parameter(struct buffer *text, const struct explain *explain,
                       const struct param_cell *cell)
{
    if (explain->program == NULL || cell->tensor >= explain->program->tensor_count)
        return;
    buffer_printf(text, " [element %u of parameter '%s']", cell->element,
                  explain->program->tensors[cell->tensor].name);
}

/* The table rows of a tag: their number and the least and greatest x. */
static size_t table_extent(const struct circuit *circuit, uint16_t tag, int64_t *low, int64_t *high)
{
    size_t count = 0;
    for (uint32_t row = 0; row < circuit->usable_rows; row++) {
        const struct circuit_table_row *table = &circuit->table[row];
        if (table->tag != tag)
            continue;
        *low = count == 0 || table->x < *low ? table->x : *low;
        *high = count == 0 || table->x > *high ? table->x : *high;
        count++;
    }
    return count;
}

/* The table row of a tag with this x; -1 when there is none. */
static int64_t table_row_of(const struct circuit *circuit, uint16_t tag, const fr *x)
{
    int64_t wanted;
    if (!fr_to_i64(&wanted, x))
        return -1;
    for (uint32_t row = 0; row < circuit->usable_rows; row++)
        if (circuit->table[row].tag == tag && circuit->table[row].x == wanted)
            return row;
    return -1;
}

static void put_extent(struct buffer *text, const struct circuit *circuit, uint16_t tag)
{
    int64_t low = 0, high = 0;
    size_t count = table_extent(circuit, tag, &low, &high);
    buffer_printf(text, ", which has %zu entries from %lld to %lld", count, (long long)low,
                  (long long)high);
}

static void put_memory_entry(struct buffer *text, const struct explain *explain, uint32_t row)
{
    buffer_puts(text, ", where there is (");
    for (unsigned j = 0; j < CIRCUIT_PARAM_MAX; j++) {
        buffer_puts(text, j > 0 ? ", " : "");
        explain_value(text, j < explain->circuit->param_columns
                                ? &explain->witness->parameters[j][row]
                                : &fr_zero);
    }
    buffer_puts(text, ")");
}

static void explain_read(struct buffer *text, const struct explain *explain,
                         const struct plonk_tuple *tuple)
{
    int64_t low, high;
    bool is_parameter = table_extent(explain->circuit, tuple->tag, &low, &high) > 0;
    buffer_printf(text, "memory %u has no entry (a1, a2, a3) = (", tuple->tag);
    explain_value(text, &tuple->e[0]);
    buffer_puts(text, ", ");
    explain_value(text, &tuple->e[2]);
    buffer_puts(text, ", ");
    explain_value(text, &tuple->e[3]);
    buffer_puts(text, ")");
    int64_t row = table_row_of(explain->circuit, tuple->tag, &tuple->e[0]);
    if (row >= 0)
        put_memory_entry(text, explain, (uint32_t)row);
    else if (is_parameter)
        put_extent(text, explain->circuit, tuple->tag);
}

void explain_lookup(struct buffer *text, const struct explain *explain, enum plonk_slot slot,
                    const struct plonk_tuple *tuple)
{
    if (slot == PLONK_SLOT_MEMORY) {
        explain_read(text, explain, tuple);
        return;
    }
    int64_t row = table_row_of(explain->circuit, tuple->tag, &tuple->e[0]);
    buffer_printf(text, "%s = ", slot == PLONK_SLOT_TABLE ? "a2" : "a3");
    explain_value(text, &tuple->e[0]);
    if (row < 0) {
        buffer_printf(text, " is not in table %u", tuple->tag);
        put_extent(text, explain->circuit, tuple->tag);
        return;
    }
    buffer_puts(text, slot == PLONK_SLOT_TABLE ? " with a1 = " : " with y = ");
    explain_value(text, &tuple->e[1]);
    buffer_printf(text, " is not in table %u, which has y = %lld there", tuple->tag,
                  (long long)explain->circuit->table[row].y);
}
