/* label: prover */
/*
 * Published models of an owner who wants wrong proofs accepted: programs that leave a constraint
 * out, ranges that do not hold, ports that say of the words what is not so, circuits, metadata and
 * contracts of something else. Reading them or `keys --check` must refuse each, and none may crash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/relation_codec.h"
#include "ir/support/file.h"
#include "passes/range.h"
#include "runtime/compile.h"
#include "runtime/digest_spec.h"
#include "runtime/metadata.h"
#include "runtime/prover.h"
#include "runtime/solidity.h"
#include "tests/harness/harness.h"

struct owner {
    struct compilation compilation;
    struct diag_list problems;
    struct import_notes notes;
};

static void compile(struct owner *owner, const char *name, const char *folder,
                    enum port_visibility outputs)
{
    memset(owner, 0, sizeof *owner);
    char model[1024], data[1024], path[256];
    const char *paths = data;
    snprintf(path, sizeof path, "tests/models/%s/model.onnx", name);
    snprintf(model, sizeof model, "%s", test_source_path(path));
    snprintf(path, sizeof path, "tests/models/%s/test_data_set_0", name);
    snprintf(data, sizeof data, "%s", test_source_path(path));
    struct compile_options options = {.model_path = model,
                                      .out_folder = folder,
                                      .data_paths = &paths,
                                      .data_count = 1,
                                      .outputs_given = true,
                                      .outputs = outputs};
    enum status status =
        compile_model(&owner->compilation, &options, &owner->problems, &owner->notes);
    if (status != STATUS_OK)
        test_fail(__FILE__, __LINE__, "%s: %s", name,
                  owner->problems.count > 0 ? owner->problems.item[0].text : "failed");
    REQUIRE(status == STATUS_OK);
}

static void owner_release(struct owner *owner)
{
    compilation_release(&owner->compilation);
    diag_list_release(&owner->problems);
}

/* ---- programs ---- */

/*
 * What a reader does with a published program: parses it, proves its ranges and places it. The
 * owner's circuit is the one the false program gives, so only the program itself can be refused.
 */
static enum status read_program(const struct relation_program *program, struct diag *diag)
{
    struct model model = {.folder = (char *)(uintptr_t) "false.sertn"};
    struct buffer bytes;
    struct digest_spec spec;
    struct place_summary summary;
    struct place_options options = {.capacity_bits = MODEL_CAPACITY_BITS, .digest = &spec};
    buffer_init(&bytes);
    arena_init(&model.arena, 0);
    relation_program_serialize(program, &bytes);
    REQUIRE(digest_spec_init(&spec, &model.arena));
    enum status status = relation_program_parse(&model.program, &model.arena, MODEL_CAPACITY_BITS,
                                                bytes.data, bytes.count, diag);
    if (status == STATUS_OK)
        status =
            place_circuit(&model.circuit, &summary, &model.program, &options, &model.arena, diag);
    if (status == STATUS_OK)
        REQUIRE(plonk_circuit_digest(model.circuit_digest, &model.circuit, diag) == STATUS_OK);
    if (status == STATUS_OK)
        status = keys_check_program(&model, diag);
    arena_release(&model.arena);
    buffer_release(&bytes);
    return status;
}

static void expect_refused(const struct relation_program *program, const char *name,
                           const char *what, size_t i)
{
    struct diag diag = {0};
    enum status status = read_program(program, &diag);
    CHECK_MSG(status != STATUS_OK && diag.text[0] != 0, "%s: %s %zu is accepted", name, what, i);
}

/* A copy whose relations and tensors may be changed. */
static struct relation_program copy_of(const struct relation_program *program, struct arena *arena)
{
    struct relation_program copy = *program;
    copy.relations =
        arena_memdup(arena, copy.relations, copy.relation_count * sizeof *copy.relations);
    copy.tensors = arena_memdup(arena, copy.tensors, copy.tensor_count * sizeof *copy.tensors);
    REQUIRE(copy.relations != NULL && copy.tensors != NULL);
    return copy;
}

static size_t drop_each_range(const struct relation_program *program, const char *name)
{
    size_t count = 0;
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < program->relation_count; i++) {
        if (program->relations[i].kind != RELATION_RANGE)
            continue;
        struct relation_program copy = copy_of(program, &arena);
        memmove(&copy.relations[i], &copy.relations[i + 1],
                (copy.relation_count - i - 1) * sizeof *copy.relations);
        copy.relation_count--;
        expect_refused(&copy, name, "a program without its range relation", i);
        /* Nor may it be wider, or say nothing of one element. */
        copy = copy_of(program, &arena);
        REQUIRE(wide_add(&copy.relations[i].high, copy.relations[i].high, wide_from_i64(1)));
        expect_refused(&copy, name, "a program with a wider range relation", i);
        if (copy.relations[i].space_rank == 0 || copy.relations[i].space[0] == 0)
            continue;
        copy = copy_of(program, &arena);
        copy.relations[i].space[0]--;
        expect_refused(&copy, name, "a program whose range relation leaves out rows", i);
        count += 3;
    }
    arena_release(&arena);
    return count;
}

/* The relation that computes a tensor, NULL for what is given. */
static const struct relation *producer_of(const struct relation_program *program, uint32_t tensor)
{
    for (size_t i = 0; i < program->relation_count; i++)
        for (unsigned k = 0; k < program->relations[i].output_count; k++)
            if (program->relations[i].outputs[k] == tensor)
                return &program->relations[i];
    return NULL;
}

/* Whether the operands imply the range, so that it may be declared. */
static bool is_implied(const struct relation_program *program, uint32_t tensor)
{
    struct range range;
    const struct relation_tensor *t = &program->tensors[tensor];
    const struct relation *producer = producer_of(program, tensor);
    for (unsigned k = 0; producer != NULL && k < producer->output_count; k++)
        if (producer->outputs[k] == tensor)
            return range_of_output(program, producer, k, &range) &&
                   range_contains((struct range){t->low, t->high}, range);
    return false;
}

/*
 * Whether a range can only come from the operands or the relation itself: other results may be held
 * to less by what reads them, and limbs hold a quotient to any power of two.
 */
static bool has_own_range(const struct relation_program *program, uint32_t tensor)
{
    const struct relation *producer = producer_of(program, tensor);
    if (producer == NULL)
        return program->tensors[tensor].role == ROLE_PUBLIC_INPUT ||
               program->tensors[tensor].role == ROLE_PRIVATE_INPUT;
    for (size_t i = 0; i < program->public_tensor_count; i++)
        if (program->public_tensors[i] == tensor)
            return producer->kind != RELATION_DIGEST && producer->kind != RELATION_RESCALE;
    return producer->kind == RELATION_TABLE || producer->kind == RELATION_READ ||
           producer->kind == RELATION_IS_ZERO ||
           (producer->kind == RELATION_RESCALE && producer->outputs[1] == tensor);
}

/*
 * Declares one integer less than is enforced or implied at each end: what is packed, hashed or
 * bounded by the range would overlap.
 */
static size_t narrow_each_tensor(const struct relation_program *program, const char *name)
{
    size_t count = 0;
    struct arena arena;
    arena_init(&arena, 0);
    for (uint32_t t = 0; t < program->tensor_count; t++) {
        const struct relation_tensor *tensor = &program->tensors[t];
        if (!has_own_range(program, t) || tensor->count == 0 ||
            wide_compare(tensor->low, tensor->high) == 0)
            continue;
        for (int end = 0; end < 2; end++) {
            struct relation_program copy = copy_of(program, &arena);
            wide *bound = end == 0 ? &copy.tensors[t].low : &copy.tensors[t].high;
            REQUIRE(wide_add(bound, *bound, wide_from_i64(end == 0 ? 1 : -1)));
            if (is_implied(&copy, t))
                continue;
            expect_refused(
                &copy, name,
                end == 0 ? "the raised low end of tensor" : "the lowered high end of tensor", t);
            count++;
        }
    }
    arena_release(&arena);
    return count;
}

static const char *const models[] = {"linear_regression", "mlp", "tree_classifier", "knn",
                                     "logistic_scaler"};
enum { MODELS = sizeof models / sizeof models[0] };

TEST(a_program_without_one_of_its_ranges_is_refused)
{
    for (size_t m = 0; m < MODELS; m++) {
        struct owner owner;
        struct diag diag = {0};
        compile(&owner, models[m], NULL, PORT_PUBLIC);
        const struct relation_program *program = owner.compilation.result.program;
        CHECK_STATUS(read_program(program, &diag), STATUS_OK, &diag);
        CHECK(drop_each_range(program, models[m]) > 0);
        owner_release(&owner);
    }
}

TEST(a_program_that_declares_a_range_too_small_is_refused)
{
    for (size_t m = 0; m < MODELS; m++) {
        struct owner owner;
        compile(&owner, models[m], NULL, PORT_PUBLIC);
        CHECK(narrow_each_tensor(owner.compilation.result.program, models[m]) > 1);
        owner_release(&owner);
    }
}

/* ---- ports ---- */

/* What a reader makes of an interface over the same program. */
static enum status read_interface(const struct owner *owner, const struct interface *interface,
                                  struct diag *diag)
{
    struct buffer bytes;
    struct arena arena;
    struct interface read;
    buffer_init(&bytes);
    arena_init(&arena, 0);
    interface_serialize(interface, &bytes);
    enum status status = interface_parse(&read, owner->compilation.result.program, &arena,
                                         bytes.data, bytes.count, diag);
    arena_release(&arena);
    buffer_release(&bytes);
    return status;
}

static void refuse_interface(const struct owner *owner, const struct interface *interface,
                             const char *what)
{
    struct diag diag = {0};
    CHECK_MSG(read_interface(owner, interface, &diag) == STATUS_BAD_INPUT && diag.text[0] != 0,
              "an interface is accepted: %s", what);
}

TEST(ports_that_the_program_does_not_show_are_refused)
{
    static const enum port_visibility visible[] = {PORT_PUBLIC, PORT_HASHED};
    for (size_t v = 0; v < 2; v++) {
        struct owner owner;
        struct diag diag = {0};
        compile(&owner, "mlp", NULL, visible[v]);
        const struct relation_program *program = owner.compilation.result.program;
        const struct interface honest = owner.compilation.result.interface;
        CHECK_STATUS(read_interface(&owner, &honest, &diag), STATUS_OK, &diag);
        struct port input = honest.inputs[0], outputs[4];
        REQUIRE(honest.output_count <= 3 && honest.input_count == 1);
        memcpy(outputs, honest.outputs, honest.output_count * sizeof *outputs);
        struct interface false_one = {&input, 1, outputs, honest.output_count};

        /* A tensor that no word shows, whose values would read as zero. */
        for (uint32_t t = 0; t < program->tensor_count; t++) {
            if (t == honest.outputs[0].tensor ||
                program->tensors[t].count != program->tensors[honest.outputs[0].tensor].count)
                continue;
            outputs[0].tensor = t;
            refuse_interface(&owner, &false_one, "an output of another tensor");
            outputs[0] = honest.outputs[0];
            outputs[0].digest = t;
            if (visible[v] == PORT_HASHED && t != honest.outputs[0].digest)
                refuse_interface(&owner, &false_one, "a digest that is none");
            outputs[0] = honest.outputs[0];
        }
        for (int other = PORT_PRIVATE; other <= PORT_HASHED; other++) {
            if (other == (int)visible[v])
                continue;
            outputs[0].visibility = (enum port_visibility)other;
            refuse_interface(&owner, &false_one, "another visibility of an output");
            outputs[0] = honest.outputs[0];
        }
        input.visibility = PORT_PUBLIC;
        refuse_interface(&owner, &false_one, "an input that is said to be public");
        input = honest.inputs[0];
        input.tensor = outputs[0].tensor;
        input.shape = outputs[0].shape;
        refuse_interface(&owner, &false_one, "an input of another tensor");
        input = honest.inputs[0];
        false_one.output_count--;
        refuse_interface(&owner, &false_one, "a word without a port");
        outputs[honest.output_count] = honest.outputs[0];
        false_one.output_count = honest.output_count + 1;
        refuse_interface(&owner, &false_one, "two ports of one word");
        false_one.output_count = honest.output_count;
        false_one.input_count = 0;
        refuse_interface(&owner, &false_one, "an input left out");
        owner_release(&owner);
    }
}

/* ---- circuits ---- */

static void refuse_circuit(const struct circuit *circuit, const struct relation_program *program,
                           const char *what, size_t i)
{
    struct diag diag = {0};
    CHECK_MSG(circuit_validate_program(circuit, program, &diag) == STATUS_BAD_INPUT &&
                  diag.text[0] != 0,
              "%s %zu is accepted", what, i);
}

TEST(a_circuit_that_names_values_that_do_not_exist_is_refused)
{
    for (size_t m = 0; m < MODELS; m++) {
        struct owner owner;
        struct diag diag = {0};
        compile(&owner, models[m], NULL, m % 2 == 0 ? PORT_PUBLIC : PORT_HASHED);
        const struct relation_program *program = owner.compilation.result.program;
        struct circuit circuit = owner.compilation.circuit;
        CHECK_STATUS(circuit_validate_program(&circuit, program, &diag), STATUS_OK, &diag);
        for (size_t i = 0; i < circuit.fill_count; i++) {
            struct fill honest = circuit.fills[i];
            if (honest.kind == FILL_CONST)
                continue;
            circuit.fills[i].tensor = (uint32_t)program->tensor_count;
            if (honest.kind == FILL_DIGEST)
                circuit.fills[i].tensor = (uint32_t)program->relation_count;
            refuse_circuit(&circuit, program, "a fill from no tensor", i);
            circuit.fills[i] = honest;
            if (honest.kind == FILL_DIGEST)
                continue;
            circuit.fills[i].element = UINT32_MAX - 1;
            refuse_circuit(&circuit, program, "a fill from no element", i);
            circuit.fills[i] = honest;
        }
        for (size_t i = 0; i < circuit.param_cell_count; i++) {
            struct param_cell honest = circuit.param_cells[i];
            circuit.param_cells[i].tensor = program->input_tensors[0];
            refuse_circuit(&circuit, program, "a parameter cell of an input", i);
            circuit.param_cells[i] = honest;
            circuit.param_cells[i].tensor = circuit.param_cells[i == 0].tensor;
            circuit.param_cells[i].element = circuit.param_cells[i == 0].element;
            if (circuit.param_cell_count > 1)
                refuse_circuit(&circuit, program, "a second cell of a parameter", i);
            circuit.param_cells[i] = honest;
        }
        for (size_t i = 0; i < circuit.public_part_count; i++) {
            struct public_part honest = circuit.public_parts[i];
            circuit.public_parts[i].element = UINT32_MAX;
            refuse_circuit(&circuit, program, "a word of no element", i);
            circuit.public_parts[i] = honest;
        }
        owner_release(&owner);
    }
}

/* The circuit of another program, in every field that a digest must cover. */
TEST(a_circuit_that_its_program_does_not_give_is_rejected)
{
    struct owner owner;
    struct diag diag = {0};
    compile(&owner, "mlp", NULL, PORT_PUBLIC);
    struct model model = {.folder = (char *)(uintptr_t) "false.sertn",
                          .program = *owner.compilation.result.program,
                          .circuit = owner.compilation.circuit};
    struct circuit *c = &model.circuit;
    REQUIRE(plonk_circuit_digest(model.circuit_digest, c, &diag) == STATUS_OK);
    CHECK_STATUS(keys_check_program(&model, &diag), STATUS_OK, &diag);
    struct circuit honest = *c;
    size_t row = 0;
    for (int change = 0; change < 14; change++) {
        while (c->rows[row].slot_range == 0 || c->rows[row].c3 == 0)
            row = (row + 1) % c->usable_rows;
        struct circuit_row kept = c->rows[row];
        struct circuit_table_row table = c->table[row];
        struct param_cell cell = c->param_cells[0];
        struct public_part part = c->public_parts[0];
        switch (change) {
        case 0:
            c->copy_count--;
            break;
        case 1:
            c->rows[row].slot_range = 0;
            break;
        case 2:
            c->rows[row].c3 = 0;
            break;
        case 3:
            c->rows[row].c2 ^= 1;
            break;
        case 4:
            c->rows[row].chain = kept.chain == CHAIN_START ? CHAIN_SINGLE : CHAIN_START;
            break;
        case 5:
            c->rows[row].term ^= 1;
            break;
        case 6:
            c->rows[row].slot_table ^= 1;
            break;
        case 7:
            c->rows[row].slot_memory ^= 1;
            break;
        case 8:
            c->table[row].y++;
            c->table[row].tag++;
            break;
        case 9:
            c->param_cells[0].high = c->param_cells[0].low;
            break;
        case 10:
            c->public_parts[0].low ^= 1;
            break;
        case 11:
            c->public_parts[0].bits++;
            break;
        case 12:
            c->param_cell_count--;
            break;
        default:
            c->fill_count--;
            break;
        }
        REQUIRE(plonk_circuit_digest(model.circuit_digest, c, &diag) == STATUS_OK);
        CHECK_MSG(keys_check_program(&model, &diag) == STATUS_REJECTED, "change %d is accepted",
                  change);
        *c = honest;
        c->rows[row] = kept;
        c->table[row] = table;
        c->param_cells[0] = cell;
        c->public_parts[0] = part;
    }
    owner_release(&owner);
}

/* ---- what is published beside the key ---- */

static char *read_text(const char *folder, const char *name)
{
    struct buffer text;
    struct diag diag = {0};
    char *path = file_join(folder, name);
    size_t count;
    buffer_init(&text);
    REQUIRE_OK(file_read(path, 1 << 24, &text, &diag), &diag);
    buffer_put_u8(&text, 0);
    free(path);
    return (char *)buffer_take(&text, &count);
}

static void write_text(const char *folder, const char *name, const char *text, size_t count)
{
    struct diag diag = {0};
    char *path = file_join(folder, name);
    REQUIRE_OK(file_write(path, text, count, FILE_MODE_PUBLIC, false, &diag), &diag);
    free(path);
}

static enum status check_keys(const char *folder, struct diag *diag)
{
    struct keys_result result;
    return keys_check(&result, folder, NULL, 1, diag);
}

static void make_model(const char *name, const char *folder)
{
    struct owner owner;
    struct session session;
    struct keys_result result;
    struct diag diag = {0};
    compile(&owner, name, folder, PORT_PUBLIC);
    owner_release(&owner);
    REQUIRE(session_open(&session, folder, MODEL_TO_KEY, 1, &diag) == STATUS_OK);
    REQUIRE_OK(prover_make_keys(&result, &session, NULL, NULL, &diag), &diag);
    session_close(&session);
}

/* Each field with its value changed, then left out, and one more. */
TEST(metadata_of_another_model_is_rejected)
{
    const char *folder = test_path(test_temp_dir(), "model.sertn");
    struct diag diag = {0};
    struct model model;
    make_model("linear_regression", folder);
    CHECK_STATUS(check_keys(folder, &diag), STATUS_OK, &diag);
    char *text = read_text(folder, "public/metadata.json");
    REQUIRE_OK(model_load(&model, folder, MODEL_HEAD, &diag), &diag);
    CHECK_STATUS(metadata_check(text, &model, &diag), STATUS_OK, &diag);
    cJSON *root = cJSON_Parse(text), *field;
    size_t count = 0;
    cJSON_ArrayForEach(field, root)
    {
        if (strcmp(field->string, "graph") == 0) /* a name says nothing of the circuit */
            continue;
        cJSON *copy = cJSON_Duplicate(root, true);
        cJSON_ReplaceItemInObjectCaseSensitive(copy, field->string, cJSON_CreateNumber(7));
        char *changed = cJSON_Print(copy);
        CHECK_MSG(metadata_check(changed, &model, &diag) == STATUS_REJECTED, "%s changed",
                  field->string);
        free(changed);
        cJSON_DeleteItemFromObjectCaseSensitive(copy, field->string);
        changed = cJSON_Print(copy);
        CHECK_MSG(metadata_check(changed, &model, &diag) == STATUS_REJECTED, "%s left out",
                  field->string);
        free(changed);
        cJSON_Delete(copy);
        count++;
    }
    CHECK(count >= 11);
    cJSON_AddStringToObject(root, "audited_by", "somebody");
    char *more = cJSON_Print(root);
    CHECK_STATUS(metadata_check(more, &model, &diag), STATUS_REJECTED, &diag);
    free(more);
    CHECK_STATUS(metadata_check("[1", &model, &diag), STATUS_BAD_INPUT, &diag);
    write_text(folder, "public/metadata.json", "{}", 2);
    CHECK_STATUS(check_keys(folder, &diag), STATUS_REJECTED, &diag);
    cJSON_Delete(root);
    free(text);
    model_release(&model);
}

TEST(contracts_that_the_key_does_not_give_are_rejected)
{
    static const char *const files[] = {"public/ModelVerifier.sol", "public/PlonkVerifier.sol",
                                        "public/IPlonkVerifier.sol"};
    const char *folder = test_path(test_temp_dir(), "model.sertn");
    struct diag diag = {0};
    make_model("linear_regression", folder);
    for (size_t i = 0; i < 3; i++) {
        char *text = read_text(folder, files[i]);
        size_t count = strlen(text), at = count / 2;
        text[at] ^= 1;
        write_text(folder, files[i], text, count);
        CHECK_MSG(check_keys(folder, &diag) == STATUS_REJECTED, "%s changed", files[i]);
        text[at] ^= 1;
        write_text(folder, files[i], text, count - 1);
        CHECK_MSG(check_keys(folder, &diag) == STATUS_REJECTED, "%s cut", files[i]);
        write_text(folder, files[i], text, count);
        CHECK_STATUS(check_keys(folder, &diag), STATUS_OK, &diag);
        free(text);
    }
}

/* A name from the model stands in a comment and an identifier: it must not leave them. */
TEST(names_of_outputs_cannot_become_code)
{
    static const char *const names[] = {
        "y\n    function evil() external {}",
        "y\r function evil() external {}",
        "y\xe2\x80\xa8 function evil() external {}",
        "y\xe2\x80\xa9 function evil() external {}",
        "y\xc2\x85 function evil() external {}",
        "y\v function evil() external {}",
        "y\f function evil() external {}",
        "y */ function evil() external {} /*",
        "y @custom:evil",
        "1y; } function evil() external {",
    };
    const char *folder = test_path(test_temp_dir(), "model.sertn");
    struct diag diag = {0};
    struct model model;
    make_model("linear_regression", folder);
    REQUIRE_OK(model_load(&model, folder, MODEL_HEAD, &diag), &diag);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct buffer text;
        buffer_init(&text);
        model.interface.outputs[0].name = names[i];
        REQUIRE_OK(solidity_print(&text, &model, &diag), &diag);
        bool is_plain = true, in_comment = false;
        const char *all = buffer_text(&text);
        for (size_t at = 0; at < text.count; at++) {
            is_plain = is_plain && (all[at] == '\n' || (all[at] >= ' ' && all[at] <= '~'));
            in_comment = all[at] != '\n' && (in_comment || strncmp(all + at, "///", 3) == 0);
            CHECK_MSG(in_comment || strncmp(all + at, "evil()", 6) != 0, "name %zu", i);
            CHECK_MSG(!in_comment || strncmp(all + at, "@custom", 7) != 0, "name %zu", i);
        }
        CHECK_MSG(is_plain, "name %zu leaves ASCII", i);
        buffer_release(&text);
    }
    model_release(&model);
}
