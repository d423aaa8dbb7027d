/* See workload.h. */
#include "runtime/workload.h"

#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "runtime/hidden_input.h"
#include "runtime/values.h"

enum { WORD_BYTES = 32, WORD_BITS = 256 };

/* Whether a public tensor shows an input, or its digest. */
static bool is_input(const struct model *model, uint32_t tensor)
{
    for (size_t i = 0; i < model->interface.input_count; i++) {
        const struct port *port = &model->interface.inputs[i];
        if ((port->visibility == PORT_HASHED ? port->digest : port->tensor) == tensor)
            return true;
    }
    return false;
}

enum status workload_layout(struct workload_layout *out, const struct model *model,
                            struct diag *diag)
{
    const struct circuit *circuit = &model->circuit;
    unsigned word = 0, end = 0;
    bool shares = false;
    for (size_t i = 0; i < model->interface.input_count; i++) {
        const struct port *port = &model->interface.inputs[i];
        if (port->visibility == PORT_PRIVATE)
            return diag_set(diag, STATUS_UNSUPPORTED,
                            "the input '%s' of '%s' is private: a proof would not say which input "
                            "it is to; compile the model with --input public or --input hashed",
                            port->name, model->folder);
    }
    for (size_t i = 0; i < circuit->public_part_count; i++) {
        const struct public_part *part = &circuit->public_parts[i];
        if (is_input(model, part->tensor)) {
            if (part->word > word)
                end = 0;
            word = part->word;
            unsigned top = (unsigned)part->shift + part->bits;
            end = top > end ? top : end;
        } else if (part->word < word) {
            return diag_set(diag, STATUS_UNSUPPORTED,
                            "'%s' has outputs before inputs among its public words", model->folder);
        }
    }
    for (size_t i = 0; i < circuit->public_part_count && end > 0; i++) {
        const struct public_part *part = &circuit->public_parts[i];
        if (!is_input(model, part->tensor) && part->word == word) {
            shares = true;
            if (part->shift < end)
                return diag_set(diag, STATUS_UNSUPPORTED,
                                "'%s' has outputs below inputs in a public word", model->folder);
        }
    }
    out->words = end == 0 ? 0 : shares ? word : word + 1;
    out->bits = shares ? end : 0;
    return STATUS_OK;
}

bool workload_commit(uint8_t commitment[32], const struct workload_layout *layout,
                     const uint8_t *words, size_t word_count)
{
    struct keccak256 hash;
    uint8_t last[WORD_BYTES];
    if (word_count < (size_t)layout->words + (layout->bits > 0))
        return false;
    keccak256_init(&hash);
    keccak256_update(&hash, words, (size_t)WORD_BYTES * layout->words);
    if (layout->bits > 0) {
        memcpy(last, words + (size_t)WORD_BYTES * layout->words, WORD_BYTES);
        for (unsigned bit = layout->bits; bit < WORD_BITS; bit++)
            last[WORD_BYTES - 1 - bit / 8] &= (uint8_t) ~(1u << bit % 8);
        keccak256_update(&hash, last, WORD_BYTES);
    }
    keccak256_final(&hash, commitment);
    return true;
}

/* The words as far as the inputs reach; what is output stays zero. */
static enum status input_words(wide *word, const struct model *model,
                               const struct relation_values *values, struct diag *diag)
{
    const struct circuit *circuit = &model->circuit;
    for (size_t i = 0; i < circuit->public_part_count; i++) {
        const struct public_part *part = &circuit->public_parts[i];
        wide value;
        if (!is_input(model, part->tensor))
            continue;
        value = relation_value(values, part->tensor, part->element);
        if (!wide_sub(&value, value, circuit->constants[part->low]) || wide_is_negative(value) ||
            wide_bit_length(value) > part->bits || !wide_shift_left(&value, value, part->shift) ||
            !wide_add(&word[part->word], word[part->word], value))
            return diag_set(diag, STATUS_BAD_INPUT, "an input of '%s' does not fit its public word",
                            model->folder);
    }
    return STATUS_OK;
}

/* Computes the digests of hashed inputs, as the circuit does. */
static enum status hash_inputs(struct relation_values *values, const struct model *model,
                               struct diag *diag)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < model->interface.input_count && status == STATUS_OK; i++) {
        const struct port *port = &model->interface.inputs[i];
        if (port->visibility != PORT_HASHED)
            continue;
        const struct relation_tensor *tensor = &model->program.tensors[port->tensor];
        wide *cells = calloc(tensor->count + 1, sizeof *cells), digest;
        if (cells == NULL)
            return diag_set(diag, STATUS_NO_MEMORY, "no memory to hash '%s'", port->name);
        for (size_t k = 0; k < tensor->count; k++)
            cells[k] = relation_value(values, port->tensor, k);
        status = digest_values(NULL, &digest, cells, tensor->count, tensor->low, tensor->high,
                               relation_value(values, port->salt, 0), diag);
        if (status == STATUS_OK)
            ASSERT(relation_value_set(values, &model->program, port->digest, 0, digest));
        free(cells);
    }
    return status;
}

enum status workload_commit_inputs(uint8_t commitment[32], struct workload_layout *layout,
                                   const struct model *model, const struct tensor *const *inputs,
                                   const uint8_t (*salts)[32], struct diag *diag)
{
    struct relation_values values = {0};
    struct arena arena;
    size_t count = model->circuit.public_word_count;
    wide *word = calloc(count + 1, sizeof *word);
    uint8_t *bytes = calloc(count + 1, WORD_BYTES);
    arena_init(&arena, 0);
    enum status status = word == NULL || bytes == NULL
                             ? diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu words", count)
                             : workload_layout(layout, model, diag);
    if (status == STATUS_OK && salts == NULL && hidden_input_count(model) > 0)
        status = diag_set(diag, STATUS_UNSUPPORTED,
                          "the inputs of '%s' are hashed: their salts are needed to commit to them",
                          model->folder);
    if (status == STATUS_OK)
        status = relation_values_init(&values, &model->program, &arena, diag);
    if (status == STATUS_OK)
        status = values_set_inputs(&values, model, inputs, diag);
    if (status == STATUS_OK && salts != NULL)
        status = values_set_salts(&values, model, salts, diag);
    if (status == STATUS_OK)
        status = hash_inputs(&values, model, diag);
    if (status == STATUS_OK)
        status = input_words(word, model, &values, diag);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        wide_to_bytes_be(bytes + WORD_BYTES * i, word[i]);
    if (status == STATUS_OK && !workload_commit(commitment, layout, bytes, count))
        status =
            diag_set(diag, STATUS_BAD_INPUT, "'%s' has fewer words than inputs", model->folder);
    arena_release(&arena);
    free(word);
    free(bytes);
    return status;
}

enum status workload_print(char **text, const struct model *model,
                           const struct tensor *const *inputs, struct diag *diag)
{
    cJSON *object = cJSON_CreateObject();
    enum status status = STATUS_OK;
    bool done = object != NULL;
    *text = NULL;
    for (size_t i = 0; i < model->interface.input_count && done && status == STATUS_OK; i++) {
        const struct port *port = &model->interface.inputs[i];
        if (port->text_table != NULL)
            status = diag_set(diag, STATUS_UNSUPPORTED,
                              "the input '%s' is text: give the inputs as JSON", port->name);
        else
            done = values_add_json(object, port,
                                   values_nested_json(port, values_tensor_item, (void *)inputs[i]));
    }
    if (done && status == STATUS_OK)
        *text = values_print(object, false);
    cJSON_Delete(object);
    if (status == STATUS_OK && *text == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the inputs");
    return status;
}
