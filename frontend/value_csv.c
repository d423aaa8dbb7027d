/* Inputs in CSV (RFC 4180; also semicolons and tabs between cells): see value_file.h. */
#include <string.h>

#include "frontend/value_format.h"

/* The cells of a file, row after row; texts in the arena, quotes removed. */
struct table {
    const char **cell;
    size_t row_count, column_count;
};

static char separator_of(const struct value_source *source)
{
    size_t commas = 0, semicolons = 0, tabs = 0;
    for (size_t i = 0; i < source->count && source->bytes[i] != '\n'; i++) {
        commas += source->bytes[i] == ',';
        semicolons += source->bytes[i] == ';';
        tabs += source->bytes[i] == '\t';
    }
    return commas != 0 ? ',' : semicolons != 0 ? ';' : tabs != 0 ? '\t' : ',';
}

/* Cuts the next cell out of the text, in place; returns what ended it: the separator, '\n' or 0 for
 * the end. */
static int next_cell(char **at, const char *end, char separator, const char **cell)
{
    char *from = *at, *to = *at;
    while (from < end && (*from == ' ' || (*from == '\t' && separator != '\t')))
        from++;
    if (from < end && *from == '"') {
        for (from++; from < end && !(*from == '"' && (from + 1 == end || from[1] != '"')); from++) {
            from += *from == '"';
            *to++ = *from;
        }
        from += from < end;
        while (from < end && *from != separator && *from != '\n')
            from++;
    } else {
        char *last = to;
        while (from < end && *from != separator && *from != '\n') {
            *to++ = *from;
            if (*from != ' ' && *from != '\r' && *from != '\t')
                last = to;
            from++;
        }
        to = last;
    }
    int stop = from < end ? (unsigned char)*from : 0;
    *cell = *at;
    *at = from < end ? from + 1 : from;
    *to = 0;
    return stop;
}

static enum status read_table(struct value_source *source, struct table *table)
{
    /* One spare byte ends the last cell. */
    char *text = arena_strndup(source->arena, (const char *)source->bytes, source->count);
    size_t cells = 1, used = 0, in_row = 0;
    char separator = separator_of(source);
    for (size_t i = 0; i < source->count; i++)
        cells += source->bytes[i] == separator || source->bytes[i] == '\n';
    table->cell = arena_array(source->arena, const char *, cells);
    if (text == NULL || table->cell == NULL)
        return arena_failure(source->arena, source->count, "a table", source->diag);
    char *at = text;
    const char *end = text + source->count;
    for (int stop = 1; stop != 0;) {
        const char *cell;
        stop = next_cell(&at, end, separator, &cell);
        bool is_empty_line = in_row == 0 && cell[0] == 0 && stop != separator;
        if (is_empty_line)
            continue;
        ASSERT(used < cells);
        table->cell[used++] = cell;
        in_row++;
        if (stop == separator)
            continue;
        if (table->row_count == 0)
            table->column_count = in_row;
        if (in_row != table->column_count)
            return diag_set(source->diag, STATUS_BAD_INPUT,
                            "row %zu has %zu cells, the first has %zu", table->row_count + 1,
                            in_row, table->column_count);
        table->row_count++;
        in_row = 0;
    }
    if (table->row_count == 0)
        return diag_set(source->diag, STATUS_BAD_INPUT, "the table is empty");
    return STATUS_OK;
}

/* Whether the first row holds names: a cell of it is no value of the input's type. */
static bool has_header(const struct value_source *source, const struct table *table)
{
    const struct value_spec *spec = &source->specs[0];
    bool is_text = spec->text_table != NULL || spec->type == ELEMENT_STRING;
    for (size_t i = 0; i < table->column_count; i++) {
        double real;
        int64_t integer;
        struct tensor one = {.type = is_text ? ELEMENT_F64 : spec->type, .count = 1};
        if (element_type_is_float(one.type))
            one.data.real = &real;
        else
            one.data.integer = &integer;
        if (!is_text && !value_parse_element(&one, 0, table->cell[i]))
            return true;
    }
    return false;
}

static enum status fill(struct value_source *source, const struct value_spec *spec,
                        struct tensor *tensor, const struct table *table, size_t row, size_t column,
                        bool one_column)
{
    for (size_t i = 0; i < tensor->count; i++) {
        size_t r = one_column ? row + i : row + i / table->column_count;
        size_t c = one_column ? column : i % table->column_count;
        const char *cell = table->cell[r * table->column_count + c];
        /* An empty cell is a missing number. */
        const char *text = cell[0] == 0 && element_type_is_float(tensor->type) ? "NaN" : cell;
        if (!value_parse_element(tensor, i, text))
            return diag_set(source->diag, STATUS_BAD_INPUT,
                            "row %zu, column %zu: \"%.60s\" is not a %s (input '%s')", r + 1, c + 1,
                            cell, element_type_name(tensor->type), spec->name);
    }
    return STATUS_OK;
}

static enum status add_tensor(struct value_source *source, struct value_set *set, size_t index,
                              const struct table *table, size_t row, size_t rows, size_t column,
                              bool one_column)
{
    const struct value_spec *spec = &source->specs[index];
    bool is_text = spec->text_table != NULL || spec->type == ELEMENT_STRING;
    size_t count = one_column ? rows : rows * table->column_count;
    struct shape grid = {2, {(int64_t)rows, one_column ? 1 : (int64_t)table->column_count}};
    struct shape flat = {1, {(int64_t)count}}, shape;
    struct diag aside;
    /* A table that does not fit as it is may fit as a row-major list. */
    enum status status = value_shape_for(&shape, spec, count, &grid, &aside);
    if (status != STATUS_OK && value_shape_for(&shape, spec, count, &flat, &aside) != STATUS_OK)
        return value_shape_for(&shape, spec, count, &grid, source->diag);
    struct tensor *tensor =
        tensor_new(source->arena, is_text ? ELEMENT_STRING : spec->type, &shape);
    if (tensor == NULL)
        return arena_failure(source->arena, 8 * count, "an input", source->diag);
    status = fill(source, spec, tensor, table, row, column, one_column);
    if (status == STATUS_OK)
        status = value_fit(&set->tensor[index], tensor, spec, source->arena, source->diag);
    return status;
}

/* Rows of one data set: the fixed first dimension of the first input, when the table has a multiple
 * of it; else all. */
static size_t rows_of_set(const struct value_source *source, size_t rows)
{
    const struct value_spec *spec = &source->specs[0];
    bool is_fixed = spec->shape_known && spec->shape.rank >= 2 && spec->shape.dim[0] > 0;
    size_t fixed = is_fixed ? (size_t)spec->shape.dim[0] : rows;
    return fixed < rows && rows % fixed == 0 ? fixed : rows;
}

/* The column of each input, when the header names them all. */
static bool columns_by_name(const struct value_source *source, const struct table *table,
                            size_t *column)
{
    for (size_t i = 0; i < source->spec_count; i++) {
        size_t c = 0;
        while (c < table->column_count && strcmp(table->cell[c], source->specs[i].name) != 0)
            c++;
        if (c == table->column_count)
            return false;
        column[i] = c;
    }
    return true;
}

enum status value_read_csv(struct value_source *source)
{
    struct table table = {0};
    if (source->spec_count == 0)
        return diag_set(source->diag, STATUS_BAD_INPUT, "the model has no inputs");
    enum status status = read_table(source, &table);
    size_t *column = arena_array(source->arena, size_t, source->spec_count);
    if (status == STATUS_OK && column == NULL)
        status = arena_failure(source->arena, 0, "a table", source->diag);
    if (status != STATUS_OK)
        return status;
    bool by_name = columns_by_name(source, &table, column) && table.row_count > 1;
    if (!by_name && source->spec_count != 1)
        return diag_set(source->diag, STATUS_BAD_INPUT,
                        "a table without a column for every input: %s", value_names_text(source));
    size_t first = by_name || (has_header(source, &table) && table.row_count > 1) ? 1 : 0;
    size_t rows = table.row_count - first, step = rows_of_set(source, rows);
    bool one_column = by_name && (source->spec_count > 1 || table.column_count > 1);
    for (size_t row = 0; row < rows && status == STATUS_OK; row += step) {
        char *name = arena_printf(source->arena, step == rows ? "%s" : "%s row %zu", source->name,
                                  row + first + 1);
        struct value_set *set = name == NULL ? NULL : value_add_set(source, name);
        if (set == NULL)
            return arena_failure(source->arena, 0, "the inputs", source->diag);
        for (size_t i = 0; i < source->spec_count && status == STATUS_OK; i++)
            status = add_tensor(source, set, i, &table, first + row, step, column[i], one_column);
    }
    return status;
}
