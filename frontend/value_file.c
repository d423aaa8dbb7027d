/* Inputs from files: see value_file.h. Here: which format, folders, fitting to the specs. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frontend/value_format.h"
#include "ir/support/buffer.h"
#include "ir/support/file.h"

/* --- elements --- */

bool value_store_double(struct tensor *tensor, size_t i, double value)
{
    if (element_type_is_float(tensor->type)) {
        tensor->data.real[i] = element_round(tensor->type, value);
        return isinf(value) || isnan(value) || isfinite(tensor->data.real[i]);
    }
    if (tensor->type == ELEMENT_STRING || value != floor(value) || fabs(value) >= 0x1p53)
        return false;
    int64_t integer = (int64_t)value;
    tensor->data.integer[i] = integer;
    return tensor->type == ELEMENT_BOOL ? integer == 0 || integer == 1
                                        : element_wrap(tensor->type, integer) == integer &&
                                              (tensor->type != ELEMENT_U64 || integer >= 0);
}

static bool parse_integer(struct tensor *tensor, size_t i, const char *text)
{
    char *end;
    errno = 0;
    if (tensor->type == ELEMENT_U64) {
        unsigned long long value = strtoull(text, &end, 10);
        memcpy(&tensor->data.integer[i], &value, sizeof value);
        return errno == 0 && end != text && *end == 0 && strchr(text, '-') == NULL;
    }
    long long value = strtoll(text, &end, 10);
    tensor->data.integer[i] = value;
    return errno == 0 && end != text && *end == 0 && element_wrap(tensor->type, value) == value;
}

static bool parse_special(const char *text, double *value)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {{"nan", NAN},       {"infinity", INFINITY},   {"inf", INFINITY},
                 {"+inf", INFINITY}, {"-infinity", -INFINITY}, {"-inf", -INFINITY}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i].text) == 0) {
            *value = words[i].value;
            return true;
        }
    }
    return false;
}

bool value_parse_element(struct tensor *tensor, size_t i, const char *text)
{
    double value;
    char *end;
    if (tensor->type == ELEMENT_STRING) {
        tensor->data.text[i] = text;
        return true;
    }
    if (tensor->type == ELEMENT_BOOL &&
        (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0)) {
        tensor->data.integer[i] = text[0] == 't' || text[0] == 'T';
        return true;
    }
    if (!element_type_is_float(tensor->type) && parse_integer(tensor, i, text))
        return true;
    if (parse_special(text, &value))
        return value_store_double(tensor, i, value);
    /* strtod also reads hexadecimal and "nan(...)", which no data file means. */
    if (text[strspn(text, "0123456789+-.eE")] != 0)
        return false;
    value = strtod(text, &end);
    return end != text && *end == 0 && isfinite(value) && value_store_double(tensor, i, value);
}

/* --- fitting --- */

static const char *shape_text(char *text, size_t bytes, const struct shape *shape)
{
    size_t used = (size_t)snprintf(text, bytes, "[");
    for (unsigned i = 0; i < shape->rank && used + 24 < bytes; i++) {
        if (shape->dim[i] < 0)
            used += (size_t)snprintf(text + used, bytes - used, "%s?", i == 0 ? "" : ", ");
        else
            used += (size_t)snprintf(text + used, bytes - used, "%s%" PRId64, i == 0 ? "" : ", ",
                                     shape->dim[i]);
    }
    snprintf(text + used, bytes - used, "]");
    return text;
}

static bool shape_fits(const struct value_spec *spec, const struct shape *shape)
{
    if (!spec->shape_known)
        return true;
    if (spec->shape.rank != shape->rank)
        return false;
    for (unsigned i = 0; i < shape->rank; i++)
        if (spec->shape.dim[i] >= 0 && spec->shape.dim[i] != shape->dim[i])
            return false;
    return true;
}

enum status value_shape_for(struct shape *out, const struct value_spec *spec, size_t count,
                            const struct shape *given, struct diag *diag)
{
    char wanted[200], found[200];
    if (given != NULL && shape_fits(spec, given)) {
        *out = *given;
        return STATUS_OK;
    }
    bool is_flat = given == NULL || given->rank <= 1;
    size_t product = 1;
    int unknown = -1;
    for (unsigned i = 0; spec->shape_known && i < spec->shape.rank && is_flat; i++) {
        if (spec->shape.dim[i] >= 0 &&
            __builtin_mul_overflow(product, (size_t)spec->shape.dim[i], &product))
            is_flat = false;
        else if (spec->shape.dim[i] < 0 && unknown >= 0)
            is_flat = false;
        else if (spec->shape.dim[i] < 0)
            unknown = (int)i;
    }
    *out = spec->shape;
    if (is_flat && spec->shape_known && unknown < 0 && product == count)
        return STATUS_OK;
    if (is_flat && spec->shape_known && unknown >= 0 && product > 0 && count % product == 0) {
        out->dim[unknown] = (int64_t)(count / product);
        return STATUS_OK;
    }
    shape_text(wanted, sizeof wanted, &spec->shape);
    if (given == NULL || (given->rank == 1 && is_flat))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "input '%s': %zu numbers, but the model takes shape %s", spec->name, count,
                        spec->shape_known ? wanted : "unknown");
    return diag_set(diag, STATUS_BAD_INPUT, "input '%s': shape %s, but the model takes %s",
                    spec->name, shape_text(found, sizeof found, given), wanted);
}

/* Number of a string: its place in the table, or a negative one when it is not there. */
static int64_t text_number(const struct value_spec *spec, const char *text)
{
    struct value_words *words = spec->words;
    for (size_t i = 0; i < spec->text_table->count; i++)
        if (strcmp(spec->text_table->data.text[i], text) == 0)
            return (int64_t)i;
    if (words == NULL)
        return -1;
    size_t k = 0;
    while (k < words->count && strcmp(words->word[k], text) != 0)
        k++;
    if (k == words->count && k < words->most)
        words->word[words->count++] = text;
    return -1 - (int64_t)k;
}

static bool convert_element(struct tensor *to, const struct tensor *from, size_t i)
{
    bool from_float = element_type_is_float(from->type), to_float = element_type_is_float(to->type);
    if (from_float)
        return value_store_double(to, i, from->data.real[i]);
    int64_t value = from->data.integer[i];
    bool is_large = from->type == ELEMENT_U64 && value < 0;
    if (to_float)
        return value_store_double(to, i, is_large ? (double)(uint64_t)value : (double)value);
    to->data.integer[i] = value;
    if (is_large || to->type == ELEMENT_U64)
        return to->type == ELEMENT_U64 && (is_large || value >= 0);
    return element_wrap(to->type, value) == value;
}

/* NumPy has no bfloat16, so ONNX writes such arrays as uint16, the upper half of a float32. */
static double real_of_pattern(int64_t pattern)
{
    uint32_t bits = (uint32_t)pattern << 16;
    float real;
    memcpy(&real, &bits, sizeof real);
    return (double)real;
}

/* Element type of the tensors a spec asks for before strings become numbers. */
static enum status convert(struct tensor **out, const struct tensor *from,
                           const struct value_spec *spec, struct arena *arena, struct diag *diag)
{
    bool wants_text = spec->type == ELEMENT_STRING || spec->text_table != NULL;
    if (wants_text != (from->type == ELEMENT_STRING))
        return diag_set(diag, STATUS_BAD_INPUT, "input '%s': %s where the model takes %s",
                        spec->name, element_type_name(from->type),
                        wants_text ? "strings" : element_type_name(spec->type));
    enum element_type type = spec->text_table != NULL ? ELEMENT_I64 : spec->type;
    struct tensor *to = tensor_new(arena, type, &from->shape);
    if (to == NULL)
        return arena_failure(arena, 8 * from->count, "an input", diag);
    for (size_t i = 0; i < from->count; i++) {
        if (type == ELEMENT_BF16 && from->type == ELEMENT_U16)
            to->data.real[i] = real_of_pattern(from->data.integer[i]);
        else if (spec->text_table != NULL)
            to->data.integer[i] = text_number(spec, from->data.text[i]);
        else if (wants_text)
            to->data.text[i] = from->data.text[i];
        else if (!convert_element(to, from, i))
            return diag_set(diag, STATUS_BAD_INPUT, "input '%s': element %zu does not fit into %s",
                            spec->name, i, element_type_name(type));
    }
    *out = to;
    return STATUS_OK;
}

enum status value_fit(struct tensor **out, const struct tensor *from, const struct value_spec *spec,
                      struct arena *arena, struct diag *diag)
{
    struct shape shape;
    struct tensor *to = NULL;
    enum status status = value_shape_for(&shape, spec, from->count, &from->shape, diag);
    if (status == STATUS_OK)
        status = convert(&to, from, spec, arena, diag);
    if (status != STATUS_OK)
        return status;
    to->shape = shape;
    *out = to;
    return STATUS_OK;
}

/* --- data sets --- */

struct value_set *value_add_set(struct value_source *source, const char *name)
{
    struct value_sets *out = source->out;
    if (out->count == out->capacity) {
        size_t capacity = out->capacity == 0 ? 8 : 2 * out->capacity;
        struct value_set *grown = arena_array(source->arena, struct value_set, capacity);
        if (grown == NULL)
            return NULL;
        if (out->count != 0)
            memcpy(grown, out->set, out->count * sizeof *grown);
        out->set = grown;
        out->capacity = capacity;
    }
    struct value_set set = {arena_strdup(source->arena, name),
                            arena_array(source->arena, struct tensor *, source->spec_count)};
    if (set.name == NULL || set.tensor == NULL)
        return NULL;
    for (size_t i = 0; i < source->spec_count; i++)
        if (source->specs[i].words != NULL)
            source->specs[i].words->count = 0;
    out->set[out->count] = set;
    return &out->set[out->count++];
}

bool value_find_spec(const struct value_source *source, const char *name, size_t *index)
{
    for (size_t i = 0; i < source->spec_count; i++) {
        if (strcmp(source->specs[i].name, name) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

const struct value_fixed *value_find_fixed(const struct value_source *source, const char *name)
{
    for (size_t i = 0; i < source->out->fixed_count; i++)
        if (strcmp(source->out->fixed[i].spec.name, name) == 0)
            return &source->out->fixed[i];
    return NULL;
}

struct value_source value_source_of_fixed(const struct value_source *source,
                                          const struct value_fixed *fixed)
{
    struct value_source alone = *source;
    alone.specs = &fixed->spec;
    alone.spec_count = 1;
    return alone;
}

static bool is_same_element(const struct tensor *a, const struct tensor *b, size_t i)
{
    if (!element_type_is_float(a->type))
        return a->data.integer[i] == b->data.integer[i];
    return a->data.real[i] == b->data.real[i] || (isnan(a->data.real[i]) && isnan(b->data.real[i]));
}

enum status value_check_fixed(const struct value_source *source, const struct value_fixed *fixed,
                              const struct tensor *given)
{
    bool is_same = given->count == fixed->tensor->count;
    for (size_t i = 0; i < given->count && is_same; i++)
        is_same = is_same_element(given, fixed->tensor, i);
    return is_same ? STATUS_OK
                   : diag_set(source->diag, STATUS_BAD_INPUT,
                              "input '%s' was fixed to other values when the model was compiled; "
                              "leave it out, or compile again with --bind %s=VALUE",
                              fixed->spec.name, fixed->spec.name);
}

const char *value_names_text(const struct value_source *source)
{
    const char *text = source->spec_count == 0 ? "the model has no inputs" : "the inputs are";
    size_t named = 0;
    for (size_t i = 0; i < source->spec_count && text != NULL; i = value_group_end(source, i)) {
        bool is_last = named++ == 8;
        text = is_last ? arena_printf(source->arena, "%s ...", text)
                       : arena_printf(source->arena, "%s%s '%s'", text, i == 0 ? "" : ",",
                                      value_group_name(source, i));
        if (is_last)
            break;
    }
    return text == NULL ? "" : text;
}

enum status value_check_complete(const struct value_source *source, const struct value_set *set)
{
    for (size_t i = 0; i < source->spec_count; i++)
        if (set->tensor[i] == NULL)
            return diag_set(source->diag, STATUS_BAD_INPUT, "nothing is given for input '%s'",
                            source->specs[i].name);
    return STATUS_OK;
}

enum status value_no_memory(const struct value_source *source)
{
    return arena_failure(source->arena, 0, "the inputs", source->diag);
}

bool value_name_ends_in(const char *name, const char *ending)
{
    size_t a = strlen(name), b = strlen(ending);
    return a >= b && strcasecmp(name + a - b, ending) == 0;
}

static enum status read_bytes(struct value_source *source)
{
    static const uint8_t npy[] = {0x93, 'N', 'U', 'M', 'P', 'Y'}, zip[] = {'P', 'K', 3, 4};
    if (source->count >= sizeof npy && memcmp(source->bytes, npy, sizeof npy) == 0)
        return value_read_npy(source);
    if (source->count >= sizeof zip && memcmp(source->bytes, zip, sizeof zip) == 0)
        return value_read_npz(source);
    if (value_name_ends_in(source->name, ".npy") || value_name_ends_in(source->name, ".npz"))
        return diag_set(source->diag, STATUS_BAD_INPUT,
                        "not a file of NumPy's: it does not start as %s files do",
                        value_name_ends_in(source->name, ".npy") ? "NPY" : "NPZ");
    if (value_name_ends_in(source->name, ".pb"))
        return value_read_pb(source);
    if (value_name_ends_in(source->name, ".csv") || value_name_ends_in(source->name, ".tsv"))
        return value_read_csv(source);
    size_t start = 0;
    while (start < source->count && strchr(" \t\r\n", source->bytes[start]) != NULL &&
           source->bytes[start] != 0)
        start++;
    if (start < source->count && (source->bytes[start] == '{' || source->bytes[start] == '['))
        return value_read_json(source);
    if (value_name_ends_in(source->name, ".json"))
        return diag_set(source->diag, STATUS_BAD_INPUT, "not JSON: it starts with neither { nor [");
    if (memchr(source->bytes, 0, source->count) != NULL)
        return diag_set(source->diag, STATUS_BAD_INPUT,
                        "not an input file: neither JSON, CSV, NPY, NPZ nor a .pb tensor");
    return value_read_csv(source);
}

enum status value_bytes_read(struct value_sets *out, const char *name, const void *bytes,
                             size_t count, const struct value_spec *specs, size_t spec_count,
                             struct arena *arena, struct diag *diag)
{
    static const uint8_t nothing[1];
    struct value_source source = {
        name, count == 0 ? nothing : bytes, count, specs, spec_count, arena, out, diag};
    size_t before = out->count;
    enum status status =
        count == 0 ? diag_set(diag, STATUS_BAD_INPUT, "the file is empty") : read_bytes(&source);
    if (status != STATUS_OK) {
        out->count = before;
        return diag_prefix(diag, status, "%s", name);
    }
    return STATUS_OK;
}

/* --- files and folders --- */

static enum status read_file(struct value_sets *out, const char *path,
                             const struct value_spec *specs, size_t spec_count, struct arena *arena,
                             struct diag *diag)
{
    struct buffer bytes = {0};
    enum status status = file_read(path, VALUE_FILE_BYTES_LIMIT, &bytes, diag);
    if (status == STATUS_OK)
        status = value_bytes_read(out, strcmp(path, "-") == 0 ? "standard input" : path, bytes.data,
                                  bytes.count, specs, spec_count, arena, diag);
    buffer_release(&bytes);
    return status;
}

bool value_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool value_is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strverscmp(*x, *y);
}

enum status value_list_folder(const char ***out, size_t *count, const char *path,
                              struct arena *arena, struct diag *diag)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return diag_set(diag, STATUS_IO, "cannot read the folder %s: %s", path, strerror(errno));
    const char **names = NULL;
    size_t capacity = 0;
    *count = 0;
    enum status status = STATUS_OK;
    for (struct dirent *entry; status == STATUS_OK && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        if (*count == capacity) {
            const char **grown =
                arena_array(arena, const char *, capacity == 0 ? 16 : 2 * capacity);
            if (grown == NULL) {
                status = arena_failure(arena, 0, "the names of files", diag);
                break;
            }
            if (*count != 0)
                memcpy(grown, names, *count * sizeof *grown);
            names = grown;
            capacity = capacity == 0 ? 16 : 2 * capacity;
        }
        names[*count] = arena_printf(arena, "%s/%s", path, entry->d_name);
        if (names[(*count)++] == NULL)
            status = arena_failure(arena, 0, "the names of files", diag);
    }
    closedir(folder);
    if (status == STATUS_OK && *count != 0)
        qsort(names, *count, sizeof *names, compare_names);
    *out = names;
    return status;
}

bool value_is_data_file(const char *path)
{
    static const char *const endings[] = {".json", ".csv", ".tsv", ".npy", ".npz", ".pb"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (value_name_ends_in(path, endings[i]))
            return value_is_file(path);
    return false;
}

bool value_is_set_folder(const char *path)
{
    return value_is_folder(path) && strncmp(strrchr(path, '/') + 1, "test_data_set_", 14) == 0;
}

static enum status read_folder(struct value_source *source, const char *path, unsigned depth)
{
    const char *first = arena_printf(source->arena, "%s/input_0.pb", path);
    const char **names = NULL;
    size_t count = 0, before = source->out->count;
    if (first == NULL)
        return value_no_memory(source);
    bool has_sets = false;
    enum status status = value_list_folder(&names, &count, path, source->arena, source->diag);
    for (size_t i = 0; i < count && depth == 0; i++)
        has_sets = has_sets || value_is_set_folder(names[i]);
    if (value_is_file(first) || (source->spec_count == 0 && !has_sets && status == STATUS_OK)) {
        /* A model without inputs takes any folder: there is nothing to read. */
        struct value_set *set = value_add_set(source, path);
        source->name = path;
        return set == NULL ? value_no_memory(source)
                           : value_read_tensor_files(set, source, "input");
    }
    for (size_t i = 0; i < count && status == STATUS_OK && depth == 0; i++)
        if (value_is_set_folder(names[i]))
            status = read_folder(source, names[i], depth + 1);
    for (size_t i = 0; i < count && status == STATUS_OK && !has_sets; i++) {
        if (value_is_data_file(names[i]))
            status = read_file(source->out, names[i], source->specs, source->spec_count,
                               source->arena, source->diag);
    }
    if (status == STATUS_OK && source->out->count == before)
        return diag_set(
            source->diag, STATUS_BAD_INPUT,
            "the folder %s holds no inputs (input_0.pb, test_data_set_*, .json, .csv, .npy, .npz)",
            path);
    return status;
}

enum status value_file_read(struct value_sets *out, const char *path,
                            const struct value_spec *specs, size_t spec_count, struct arena *arena,
                            struct diag *diag)
{
    if (strcmp(path, "-") == 0 || !value_is_folder(path))
        return read_file(out, path, specs, spec_count, arena, diag);
    struct value_source source = {.name = path,
                                  .specs = specs,
                                  .spec_count = spec_count,
                                  .arena = arena,
                                  .out = out,
                                  .diag = diag};
    size_t before = out->count;
    enum status status = read_folder(&source, path, 0);
    if (status != STATUS_OK)
        out->count = before;
    return status;
}

enum status value_outputs_read(struct value_set *out, const char *folder,
                               const struct value_spec *specs, size_t spec_count,
                               struct arena *arena, struct diag *diag)
{
    struct value_sets sets = {0};
    struct value_source source = {.name = folder,
                                  .specs = specs,
                                  .spec_count = spec_count,
                                  .arena = arena,
                                  .out = &sets,
                                  .diag = diag};
    struct value_set *set = value_add_set(&source, folder);
    if (set == NULL)
        return value_no_memory(&source);
    enum status status = value_read_tensor_files(set, &source, "output");
    if (status == STATUS_OK)
        *out = *set;
    return status;
}

enum status value_literal_read(struct tensor **out, const char *text, const struct value_spec *spec,
                               struct arena *arena, struct diag *diag)
{
    struct value_sets sets = {0};
    enum status status;
    if (text[0] == '[') {
        status = value_bytes_read(&sets, "the value", text, strlen(text), spec, 1, arena, diag);
    } else {
        /* A value for an input without dimensions, or for one element; else a file. */
        enum element_type type = spec->text_table != NULL ? ELEMENT_STRING : spec->type;
        struct tensor *one = tensor_new(arena, type, &(struct shape){0});
        if (one == NULL)
            return arena_failure(arena, 0, "a value", diag);
        if (!value_is_file(text) && !value_is_folder(text) && value_parse_element(one, 0, text))
            return value_fit(out, one, spec, arena, diag);
        status = value_file_read(&sets, text, spec, 1, arena, diag);
    }
    if (status == STATUS_OK && sets.count != 1)
        status = diag_set(diag, STATUS_BAD_INPUT, "%s: %zu data sets where one is expected", text,
                          sets.count);
    if (status == STATUS_OK)
        *out = sets.set[0].tensor[0];
    return status;
}
