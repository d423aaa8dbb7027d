/* Attributes of the file's node: read by kind, references of functions followed, old files without
 * kinds understood. */
#include <string.h>

#include "frontend/import_node.h"

static const Onnx__Attribute *find(Onnx__Attribute *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->name != NULL && strcmp(list[i]->name, name) == 0)
            return list[i];
    return NULL;
}

/* Follows ref_attr_name out of the functions a node stands in; NULL when nobody gives the
 * attribute. */
static const Onnx__Attribute *resolve(const struct import_call *call,
                                      const Onnx__Attribute *attribute)
{
    while (attribute != NULL && attribute->ref_attr_name != NULL &&
           attribute->ref_attr_name[0] != 0) {
        if (call == NULL)
            return NULL;
        const char *name = attribute->ref_attr_name;
        attribute = find(call->node->attribute, call->node->n_attribute, name);
        if (attribute == NULL)
            return find(call->function->attribute_proto, call->function->n_attribute_proto, name);
        call = call->outer;
    }
    return attribute;
}

static const Onnx__Attribute *attribute_of(struct import_node *n, const char *name)
{
    return resolve(n->scope->call, find(n->proto->attribute, n->proto->n_attribute, name));
}

/* The kind of an attribute as one letter, as in struct import_rule; 0 when it holds nothing we
 * know. */
static char kind_of(const Onnx__Attribute *a)
{
    static const char letters[] = {0,   'f', 'i', 's', 't', 'g', 'F', 'I',
                                   'S', 'T', 'G', 't', 'T', 0,   0};
    if (a->has_type && a->type > 0 && (size_t)a->type < sizeof letters)
        return letters[a->type];
    if (a->has_f)
        return 'f';
    if (a->has_i)
        return 'i';
    if (a->has_s)
        return 's';
    if (a->t != NULL || a->sparse_tensor != NULL)
        return 't';
    if (a->g != NULL)
        return 'g';
    return a->n_floats != 0 ? 'F' : a->n_ints != 0 ? 'I' : a->n_strings != 0 ? 'S' : 0;
}

static const char *kind_name(char kind)
{
    switch (kind) {
    case 'f':
        return "a float";
    case 'i':
        return "an integer";
    case 's':
        return "a text";
    case 't':
        return "a tensor";
    case 'g':
        return "a graph";
    case 'F':
        return "floats";
    case 'I':
        return "integers";
    case 'S':
        return "texts";
    case 'T':
        return "tensors";
    case 'G':
        return "graphs";
    default:
        return "nothing";
    }
}

bool has_attr(struct import_node *n, const char *name)
{
    return attribute_of(n, name) != NULL;
}

bool attr_is_text(struct import_node *n, const char *name)
{
    const Onnx__Attribute *a = attribute_of(n, name);
    return a != NULL && kind_of(a) == 's';
}

/* The attribute when it is there and of the kind, else NULL, failing the node for another kind. */
static const Onnx__Attribute *typed(struct import_node *n, const char *name, char kind)
{
    const Onnx__Attribute *a = attribute_of(n, name);
    if (a == NULL || n->status != STATUS_OK)
        return NULL;
    char found = kind_of(a);
    /* An empty list may have lost its kind in old files. */
    if (found == kind || (found == 0 && (kind == 'F' || kind == 'I' || kind == 'S')))
        return a;
    rule_fail(n, STATUS_BAD_INPUT, "attribute '%s' has the wrong kind: %s, where it takes %s", name,
              kind_name(found), kind_name(kind));
    return NULL;
}

int64_t attr_int(struct import_node *n, const char *name, int64_t fallback)
{
    const Onnx__Attribute *a = typed(n, name, 'i');
    return a == NULL ? fallback : a->i;
}

double attr_float(struct import_node *n, const char *name, double fallback)
{
    const Onnx__Attribute *a = typed(n, name, 'f');
    return a == NULL ? fallback : (double)a->f;
}

/* A copy in the arena, without what follows a zero byte. */
static const char *copy_text(struct import_node *n, const ProtobufCBinaryData *data)
{
    size_t length = data->len == 0 ? 0 : strnlen((const char *)data->data, data->len);
    char *text = arena_strndup(n->importer->arena, (const char *)data->data, length);
    if (text == NULL)
        rule_out_of_memory(n);
    return text == NULL ? "" : text;
}

const char *attr_text(struct import_node *n, const char *name, const char *fallback)
{
    const Onnx__Attribute *a = typed(n, name, 's');
    return a == NULL ? fallback : copy_text(n, &a->s);
}

const int64_t *attr_ints(struct import_node *n, const char *name, size_t *count)
{
    *count = 0;
    const Onnx__Attribute *a = typed(n, name, 'I');
    if (a == NULL)
        return NULL;
    int64_t *copy = arena_array(n->importer->arena, int64_t, a->n_ints + 1);
    if (copy == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    if (a->n_ints != 0)
        memcpy(copy, a->ints, a->n_ints * sizeof *copy);
    *count = a->n_ints;
    return copy;
}

const double *attr_floats(struct import_node *n, const char *name, size_t *count)
{
    *count = 0;
    const Onnx__Attribute *a = typed(n, name, 'F');
    if (a == NULL)
        return NULL;
    double *copy = arena_array(n->importer->arena, double, a->n_floats + 1);
    if (copy == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    for (size_t i = 0; i < a->n_floats; i++)
        copy[i] = (double)a->floats[i];
    *count = a->n_floats;
    return copy;
}

const char **attr_texts(struct import_node *n, const char *name, size_t *count)
{
    *count = 0;
    const Onnx__Attribute *a = typed(n, name, 'S');
    if (a == NULL)
        return NULL;
    const char **copy = arena_array(n->importer->arena, const char *, a->n_strings + 1);
    if (copy == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    for (size_t i = 0; i < a->n_strings; i++)
        copy[i] = copy_text(n, &a->strings[i]);
    *count = a->n_strings;
    return copy;
}

struct tensor *attr_tensor(struct import_node *n, const char *name)
{
    const Onnx__Attribute *a = typed(n, name, 't');
    if (a == NULL)
        return NULL;
    struct importer *importer = n->importer;
    struct tensor *tensor = NULL;
    struct diag diag = {0};
    enum status status =
        a->t != NULL ? onnx_tensor(&tensor, importer->file, a->t, importer->arena, &diag)
        : a->sparse_tensor != NULL
            ? onnx_sparse_tensor(&tensor, importer->file, a->sparse_tensor, importer->arena, &diag)
            : diag_set(&diag, STATUS_BAD_INPUT, "it holds no tensor");
    if (status != STATUS_OK)
        rule_fail(n, status, "attribute '%s': %s", name, diag.text);
    return tensor;
}

const Onnx__Graph *attr_graph(struct import_node *n, const char *name)
{
    const Onnx__Attribute *a = typed(n, name, 'g');
    return a == NULL ? NULL : a->g;
}

/* --- staging --- */

static struct graph_attribute *stage(struct import_node *n, const char *name,
                                     enum attribute_kind kind)
{
    static struct graph_attribute nowhere;
    if (n->status != STATUS_OK)
        return &nowhere;
    for (size_t i = 0; i < n->staged_count; i++) {
        if (strcmp(n->staged[i].name, name) == 0) {
            n->staged[i] = (struct graph_attribute){.name = n->staged[i].name, .kind = kind};
            return &n->staged[i];
        }
    }
    ASSERT(n->staged_count < IMPORT_STAGED_MAX);
    struct graph_attribute *a = &n->staged[n->staged_count++];
    *a = (struct graph_attribute){.name = name, .kind = kind};
    return a;
}

void stage_int(struct import_node *n, const char *name, int64_t value)
{
    stage(n, name, ATTRIBUTE_INT)->integer = value;
}

void stage_float(struct import_node *n, const char *name, double value)
{
    stage(n, name, ATTRIBUTE_FLOAT)->real = value;
}

void stage_text(struct import_node *n, const char *name, const char *value)
{
    stage(n, name, ATTRIBUTE_TEXT)->text = value;
}

void stage_ints(struct import_node *n, const char *name, const int64_t *values, size_t count)
{
    struct graph_attribute *a = stage(n, name, ATTRIBUTE_INTS);
    int64_t *copy = arena_array(n->importer->arena, int64_t, count + 1);
    if (copy == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 0; i < count; i++)
        copy[i] = values[i];
    a->integers = copy;
    a->count = count;
}

void stage_tensor(struct import_node *n, const char *name, struct tensor *value)
{
    stage(n, name, ATTRIBUTE_TENSOR)->tensor = value;
}

void stage_graph(struct import_node *n, const char *name, struct graph *value)
{
    stage(n, name, ATTRIBUTE_GRAPH)->graph = value;
}

bool staged_is(const struct import_node *n, const char *name)
{
    for (size_t i = 0; i < n->staged_count; i++)
        if (strcmp(n->staged[i].name, name) == 0)
            return true;
    return false;
}

/* Stages one attribute by the kind its row gives; `name` must outlive the graph. */
static void stage_one(struct import_node *n, char kind, const char *name)
{
    size_t count;
    if (!has_attr(n, name))
        return;
    switch (kind) {
    case 'i':
        stage_int(n, name, attr_int(n, name, 0));
        break;
    case 'f':
        stage_float(n, name, attr_float(n, name, 0));
        break;
    case 's':
        stage_text(n, name, attr_text(n, name, ""));
        break;
    case 't':
        stage_tensor(n, name, attr_tensor(n, name));
        break;
    case 'I': {
        const int64_t *values = attr_ints(n, name, &count);
        stage_ints(n, name, values, count);
        break;
    }
    case 'F': {
        const double *values = attr_floats(n, name, &count);
        struct graph_attribute *a = stage(n, name, ATTRIBUTE_FLOATS);
        a->reals = values;
        a->count = count;
        break;
    }
    case 'S': {
        const char *const *values = attr_texts(n, name, &count);
        struct graph_attribute *a = stage(n, name, ATTRIBUTE_TEXTS);
        a->texts = values;
        a->count = count;
        break;
    }
    default:
        ASSERT(kind == 'g');
        break; /* bodies are the rule's own business */
    }
}

/* Calls `visit` with kind and name of every attribute in a row's list, until it returns true. */
static bool each_accepted(const char *list,
                          bool (*visit)(void *data, char kind, const char *name, size_t length),
                          void *data)
{
    char kind = 0;
    for (const char *word = list; *word != 0;) {
        size_t length = strcspn(word, " ");
        if (length == 2 && word[1] == ':')
            kind = *word;
        else if (length != 0 && visit(data, kind, word, length))
            return true;
        word += length + (word[length] != 0);
    }
    return false;
}

static bool has_word(const char *list, const char *name, size_t length)
{
    for (const char *word = list; *word != 0;) {
        size_t size = strcspn(word, " ");
        if (size == length && memcmp(word, name, length) == 0)
            return true;
        word += size + (word[size] != 0);
    }
    return false;
}

bool import_has_word(const char *list, const char *word)
{
    return has_word(list, word, strlen(word));
}

bool import_rule_accepts(const struct import_rule *rule, const char *name)
{
    return import_has_word(rule->attributes, name);
}

struct stage_call {
    struct import_node *n;
    const char *except;
};

static bool stage_visit(void *data, char kind, const char *name, size_t length)
{
    struct stage_call *call = data;
    if (has_word(call->except, name, length))
        return false;
    char *copy = arena_strndup(call->n->importer->arena, name, length);
    if (copy == NULL)
        rule_out_of_memory(call->n);
    else
        stage_one(call->n, kind, copy);
    return false;
}

void stage_attributes_except(struct import_node *n, const char *except)
{
    each_accepted(n->rule->attributes, stage_visit, &(struct stage_call){n, except});
}

void stage_attributes(struct import_node *n)
{
    stage_attributes_except(n, "");
}
