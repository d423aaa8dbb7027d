/* See dump.h. */
#include "runtime/tools/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ir/support/machine.h"

static void print_shape(const struct shape *shape)
{
    putchar('[');
    for (unsigned d = 0; d < shape->rank; d++)
        printf("%s%" PRId64, d == 0 ? "" : ",", shape->dim[d]);
    putchar(']');
}

static void print_graph(const struct graph *graph)
{
    static const char *const kinds[] = {"input", "constant", "parameter", "node"};
    for (size_t i = 0; i < graph->value_count; i++) {
        const struct graph_value *value = &graph->values[i];
        if (value->kind == VALUE_NODE)
            continue;
        printf("%%%zu %s %s %s ", i, kinds[value->kind], value->name,
               element_type_name(value->type));
        print_shape(&value->shape);
        putchar('\n');
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        for (size_t k = 0; k < node->output_count; k++)
            printf("%s%%%" PRIu32, k == 0 ? "" : ", ", node->outputs[k]);
        printf(" = %s(", op_name(node->op));
        for (size_t k = 0; k < node->input_count; k++) {
            fputs(k == 0 ? "" : ", ", stdout);
            if (node->inputs[k] == GRAPH_NONE)
                putchar('_');
            else
                printf("%%%" PRIu32, node->inputs[k]);
        }
        printf(") ");
        if (node->output_count > 0 && node->outputs[0] != GRAPH_NONE)
            print_shape(&graph->values[node->outputs[0]].shape);
        printf("  ; %s\n", node->name);
    }
}

static void print_wide(wide value)
{
    char text[80];
    wide_format(text, value);
    fputs(text, stdout);
}

static void print_relations(const struct relation_program *program)
{
    static const char *const kinds[] = {"linear",  "contract", "product", "is_zero",
                                        "rescale", "range",    "table",   "read",
                                        "permute", "hint",     "digest"};
    static const char *const roles[] = {"witness", "public input", "private input", "parameter",
                                        "constant"};
    for (size_t i = 0; i < program->tensor_count; i++) {
        const struct relation_tensor *t = &program->tensors[i];
        printf("%%%zu %s %s [%zu] ", i, roles[t->role], t->name, t->count);
        print_wide(t->low);
        fputs("..", stdout);
        print_wide(t->high);
        printf(" scale 2^%d\n", t->scale.exponent);
    }
    for (size_t i = 0; i < program->relation_count; i++) {
        const struct relation *r = &program->relations[i];
        for (unsigned k = 0; k < r->output_count; k++)
            printf("%s%%%" PRIu32, k == 0 ? "" : ", ", r->outputs[k]);
        printf("%s%s", r->output_count > 0 ? " = " : "", kinds[r->kind]);
        for (size_t k = 0; k < r->term_count; k++) {
            printf(" %c ", k == 0 ? ' ' : '+');
            print_wide(r->terms[k].coefficient);
            for (unsigned f = 0; f < r->terms[k].factor_count; f++)
                printf(" %%%" PRIu32, r->terms[k].factors[f].tensor);
        }
        for (unsigned k = 0; k < r->view_count; k++)
            printf(" %%%" PRIu32, r->views[k].tensor);
        if (r->kind == RELATION_RESCALE && !r->divisor_is_view) {
            fputs(" by ", stdout);
            print_wide(r->divisor);
        }
        if (r->kind == RELATION_RANGE) {
            fputs(" in ", stdout);
            print_wide(r->low);
            fputs("..", stdout);
            print_wide(r->high);
        }
        printf("  ; %s\n", r->node < program->node_count ? program->node_names[r->node] : "");
    }
}

static void print_circuit(const struct circuit *circuit)
{
    static const char *const chains[] = {"start", "single", "continue", "end", "horner"};
    static const char *const terms[] = {"linear", "weighted", "product", "linear3"};
    static const char *const holds[] = {"", " hold weight", " hold advice", " step"};
    printf("rows 2^%u, %u parameter columns%s, %" PRIu32 " public words\n", circuit->lg_rows,
           circuit->param_columns, circuit->has_contraction ? ", a held sum" : "",
           circuit->public_word_count);
    for (uint32_t i = 0; i < circuit->usable_rows; i++) {
        const struct circuit_row *r = &circuit->rows[i];
        const struct circuit_table_row *t = &circuit->table[i];
        printf("%" PRIu32 ": %s %s%s c2 ", i, chains[r->chain], terms[r->term], holds[r->hold]);
        print_wide(circuit->constants[r->c2]);
        fputs(" c3 ", stdout);
        print_wide(circuit->constants[r->c3]);
        printf(" memory %u%s table %u range %u | %u (%" PRId64 ", %" PRId64 ")\n", r->slot_memory,
               r->is_provider ? " provides" : "", r->slot_table, r->slot_range, t->tag, t->x, t->y);
    }
}

void dump_begin(struct dump *dump)
{
    dump->last_seconds = machine_seconds();
}

void dump_after_pass(void *context, const char *pass, const struct graph *graph,
                     const struct relation_program *program)
{
    struct dump *dump = context;
    double now = machine_seconds();
    if (dump->timings)
        fprintf(stderr, "%8.3f s  %s\n", now - dump->last_seconds, pass);
    dump->last_seconds = now;
    if (dump->print_after == NULL || strcmp(dump->print_after, pass) != 0)
        return;
    if (program != NULL)
        print_relations(program);
    else
        print_graph(graph);
}

void dump_emit(const char *what, const struct graph *graph, const struct relation_program *program,
               const struct circuit *circuit)
{
    if (strcmp(what, "graph") == 0)
        print_graph(graph);
    else if (strcmp(what, "relations") == 0)
        print_relations(program);
    else
        print_circuit(circuit);
}
