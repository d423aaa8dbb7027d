/* See solidity.h. The contract's text stands in contracts/templates/ModelVerifier.sol.in; only
 * names, digests and layouts are filled in here. */
#include "runtime/solidity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/embedded.h"
#include "runtime/proof.h"

enum { DECIMALS = 18, NAME_BYTES = 64 };

/* First public part of a tensor, or NULL. */
static const struct public_part *first_part(const struct circuit *circuit, uint32_t tensor)
{
    for (size_t i = 0; i < circuit->public_part_count; i++) {
        if (circuit->public_parts[i].tensor == tensor)
            return &circuit->public_parts[i];
    }
    return NULL;
}

/* A Solidity identifier out of an output's name. */
static void identifier(char out[NAME_BYTES], const char *name, size_t index)
{
    size_t n = 0;
    for (; name[n] != '\0' && n < NAME_BYTES - 8; n++) {
        char c = name[n];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                    (c >= '0' && c <= '9' && n > 0);
        out[n] = fits ? c : '_';
    }
    snprintf(out + n, NAME_BYTES - n, "_%zu", index);
}

/*
 * Text for a NatSpec line, plain ASCII without tags or comment ends: Unicode has line separators,
 * which end the comment and let a model's name go on as code.
 */
static void put_comment(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        bool is_plain = *text >= ' ' && *text <= '~' && *text != '*' && *text != '@';
        buffer_put_u8(out, (uint8_t)(is_plain ? *text : '_'));
    }
}

/* An output whose lowest integer stands for NaN or minus infinity shows it as the least int256. */
static void put_special(struct buffer *out, const struct relation_tensor *tensor,
                        const struct public_part *part, const char *low)
{
    char special[80];
    wide_format(special, tensor->low);
    buffer_printf(out,
                  "        int256[] memory steps = _unpack(words, Layout(%" PRIu32
                  ", %u, %u, %zu, %s, 1, 1, 0));\n"
                  "        for (uint256 i = 0; i < values.length; ++i) {\n"
                  "            if (steps[i] == %s) values[i] = type(int256).min;\n"
                  "        }\n",
                  part->word, part->shift, part->bits, tensor->count, low, special);
}

static void put_output(struct buffer *out, const struct model *model, const struct port *port,
                       size_t index)
{
    const struct relation_tensor *tensor = &model->program.tensors[port->tensor];
    const struct public_part *part = first_part(&model->circuit, port->tensor);
    if (part == NULL || port->visibility != PORT_PUBLIC || part->bits >= 254)
        return;
    char name[NAME_BYTES], low[80];
    bool is_real = tensor->encoding == ENCODING_FIXED && element_type_is_float(port->type),
         is_special = is_real && (tensor->has_nan || tensor->has_infinity);
    identifier(name, port->name, index);
    wide_format(low, model->circuit.constants[part->low]);
    buffer_puts(out, "\n    /// @notice Output ");
    put_comment(out, port->name);
    buffer_printf(out, ": %s%s.\n",
                  is_real ? "real numbers with 18 decimals, rounded toward zero"
                  : tensor->encoding == ENCODING_FLOAT_KEY
                      ? "order-preserving keys of floats, 2^(bits - 1) + sign * magnitude"
                  : tensor->encoding == ENCODING_FLOAT_BITS ? "IEEE patterns of floats"
                                                            : "integers",
                  !is_special       ? ""
                  : tensor->has_nan ? "; NaN is type(int256).min"
                                    : "; minus infinity is type(int256).min");
    buffer_puts(out, "    /// @param words all public words of a claim.\n"
                     "    /// @return values the output, row-major.\n");
    buffer_printf(out,
                  "    function output_%s(uint256[] calldata words) external pure returns "
                  "(int256[] memory values) {\n",
                  name);
    buffer_printf(out,
                  "        values = _unpack(words, Layout(%" PRIu32 ", %u, %u, %zu, %s, %s%" PRId64
                  ", %" PRId64 ", %d));\n",
                  part->word, part->shift, part->bits, tensor->count, low, is_real ? "1e18 * " : "",
                  is_real ? tensor->scale.numerator : 1, is_real ? tensor->scale.denominator : 1,
                  is_real ? tensor->scale.exponent : 0);
    if (is_special)
        put_special(out, tensor, part, low);
    buffer_puts(out, "    }\n");
    if (port->text_table == NULL || port->text_table->type != ELEMENT_STRING)
        return;
    buffer_printf(out, "\n    /// @notice Label that value i of output_%s stands for.\n", name);
    buffer_puts(out, "    /// @param i the value.\n");
    buffer_printf(out, "    function label_%s(uint256 i) external pure returns (string memory) {\n",
                  name);
    for (size_t k = 0; k < port->text_table->count; k++) {
        buffer_printf(out, "        if (i == %zu) return string(hex\"", k);
        buffer_put_hex(out, port->text_table->data.text[k], strlen(port->text_table->data.text[k]));
        buffer_puts(out, "\");\n");
    }
    buffer_puts(out, "        return \"\";\n    }\n");
}

static void put_field(struct buffer *out, const struct model *model, const char *field,
                      size_t length)
{
    static const char *const digests[] = {"VK_DIGEST", "CIRCUIT_DIGEST", "SRS_DIGEST"};
    const uint8_t *bytes[] = {model->key.digest, model->circuit_digest, model->key.srs_digest};
    for (unsigned i = 0; i < 3; i++) {
        if (strlen(digests[i]) == length && memcmp(field, digests[i], length) == 0) {
            buffer_puts(out, "0x");
            buffer_put_hex(out, bytes[i], 32);
            return;
        }
    }
    if (length == 8 && memcmp(field, "CONTRACT", 8) == 0) {
        buffer_puts(out, "ModelVerifier");
    } else if (length == 5 && memcmp(field, "WORDS", 5) == 0) {
        buffer_printf(out, "%" PRIu32, model->circuit.public_word_count);
    } else if (length == 2 && memcmp(field, "VK", 2) == 0) {
        buffer_put_hex(out, model->vk, model->vk_bytes);
    } else {
        ASSERT(length == 7 && memcmp(field, "OUTPUTS", 7) == 0);
        for (size_t i = 0; i < model->interface.output_count; i++)
            put_output(out, model, &model->interface.outputs[i], i);
    }
}

/* Copies the template, @FIELD@ replaced. An @ that begins no field (NatSpec tags) is followed by a
 * lower-case letter. */
static void fill_template(struct buffer *out, const struct model *model)
{
    const char *text = (const char *)embedded_model_template,
               *end = text + embedded_model_template_bytes;
    while (text < end) {
        const char *at = memchr(text, '@', (size_t)(end - text));
        if (at == NULL)
            break;
        buffer_put(out, text, (size_t)(at - text));
        const char *field = at + 1, *stop = field;
        while (stop < end && ((*stop >= 'A' && *stop <= 'Z') || *stop == '_'))
            stop++;
        if (stop == field || *stop != '@') {
            buffer_put_u8(out, '@');
            text = field;
            continue;
        }
        put_field(out, model, field, (size_t)(stop - field));
        text = stop + 1;
    }
    buffer_put(out, text, (size_t)(end - text));
}

static enum status add_source(struct file_set *set, const struct model *model, const char *name,
                              const void *bytes, size_t count, struct diag *diag)
{
    char *path = model_path(model->folder, name);
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to write '%s'", name);
    enum status status = file_set_add(set, path, bytes, count, FILE_MODE_PUBLIC, false, diag);
    free(path);
    return status;
}

enum status solidity_print(struct buffer *out, const struct model *model, struct diag *diag)
{
    fill_template(out, model);
    return buffer_status(out, diag);
}

enum status solidity_write(struct file_set *set, const struct model *model, struct diag *diag)
{
    if (model->mode != PLONK_MODE_GAS)
        return STATUS_OK;
    struct buffer text;
    buffer_init(&text);
    enum status status = solidity_print(&text, model, diag);
    if (status == STATUS_OK)
        status = add_source(set, model, "public/ModelVerifier.sol", text.data, text.count, diag);
    if (status == STATUS_OK)
        status = add_source(set, model, "public/PlonkVerifier.sol", embedded_verifier_source,
                            embedded_verifier_source_bytes, diag);
    if (status == STATUS_OK)
        status = add_source(set, model, "public/IPlonkVerifier.sol", embedded_verifier_interface,
                            embedded_verifier_interface_bytes, diag);
    buffer_release(&text);
    return status;
}

static enum status check_source(const struct model *model, const char *name, const void *bytes,
                                size_t count, struct diag *diag)
{
    struct buffer file;
    buffer_init(&file);
    enum status status = model_read_part(&file, model->folder, name,
                                         "its owner makes it again with: sertn-run keys", diag);
    if (status == STATUS_OK && (file.count != count || memcmp(file.data, bytes, count) != 0))
        status = diag_set(diag, STATUS_REJECTED,
                          "'%s/%s' is not the contract that the model and its key give",
                          model->folder, name);
    buffer_release(&file);
    return status;
}

enum status solidity_check(const struct model *model, struct diag *diag)
{
    if (model->mode != PLONK_MODE_GAS)
        return STATUS_OK;
    struct buffer text;
    buffer_init(&text);
    enum status status = solidity_print(&text, model, diag);
    if (status == STATUS_OK)
        status = check_source(model, "public/ModelVerifier.sol", text.data, text.count, diag);
    if (status == STATUS_OK)
        status = check_source(model, "public/PlonkVerifier.sol", embedded_verifier_source,
                              embedded_verifier_source_bytes, diag);
    if (status == STATUS_OK)
        status = check_source(model, "public/IPlonkVerifier.sol", embedded_verifier_interface,
                              embedded_verifier_interface_bytes, diag);
    buffer_release(&text);
    return status;
}
