/* Private to frontend/import*.c: dimensions of inputs. */
#ifndef SERTN_FRONTEND_IMPORT_INPUTS_H
#define SERTN_FRONTEND_IMPORT_INPUTS_H

#include "frontend/import_node.h"

/*
 * import_inputs for the importer's file and options: inputs that cannot be are problems, and broken
 * specs of type UNDEFINED.
 */
void import_list_inputs(struct importer *importer, struct value_spec **specs, size_t *count);

/*
 * Replaces every -1 in the shapes by a size, from the importer's options; problems and notes go to
 * the importer. Afterwards the shape of every spec that is not broken is known.
 */
void import_bind_dims(struct importer *importer, struct value_spec *specs, size_t count);

/* Whether graph->input[i] is given at run time: no initializer has its name. */
bool import_is_input(const Onnx__Graph *graph, size_t i);

/*
 * The keys of an input that is a map, in the arena: the vocabulary of the DictVectorizer, or the
 * range of the sparse CastMap, that reads it (import_map.c). Errors: UNSUPPORTED, NO_MEMORY.
 */
enum status import_map_keys(struct tensor **out, const Onnx__Graph *graph, const char *input,
                            struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

#endif
