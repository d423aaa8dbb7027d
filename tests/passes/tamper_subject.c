/* See tamper_subject.h. */
#include "tests/passes/tamper_subject.h"

#include <string.h>

#include "backend/check/check.h"
#include "ir/relation_codec.h"
#include "passes/bound_ranges.h"
#include "passes/place.h"
#include "runtime/digest_spec.h"
#include "tests/harness/harness.h"

enum { CAPACITY_BITS = 253 };

/* ---- the circuit and its witness ---- */

static wide element_of(void *context, uint32_t tensor, uint32_t element)
{
    const struct subject *s = context;
    return relation_value(s->source, tensor, element);
}

static bool digest_word_of(void *context, uint32_t relation, uint32_t word, fr *value)
{
    const struct subject *s = context;
    return digest_traces_word(&s->traces, relation, word, value);
}

static void field_of(fr *out, wide value)
{
    bool is_negative = wide_is_negative(value);
    if (is_negative)
        REQUIRE(wide_neg(&value, value));
    fr_from_signed_limbs(out, value.limb, 4, is_negative);
}

/* The words as a cheat computes them: no value has to fit its bits. */
static void fill_words(struct subject *s)
{
    memset(s->words, 0, s->circuit.public_word_count * sizeof *s->words);
    for (size_t i = 0; i < s->circuit.public_part_count; i++) {
        const struct public_part *part = &s->circuit.public_parts[i];
        fr value, low, scale;
        field_of(&value, relation_value(s->source, part->tensor, part->element));
        field_of(&low, s->circuit.constants[part->low]);
        field_of(&scale, wide_power_of_two(part->shift));
        fr_sub(&value, &value, &low);
        fr_mul(&value, &value, &scale);
        fr_add(&s->words[part->word], &s->words[part->word], &value);
    }
}

bool subject_fill(struct subject *s, const struct relation_program *program,
                  const struct relation_values *values)
{
    struct diag diag = {0};
    struct witness_source source = {element_of, digest_word_of, s, program};
    s->source = values;
    digest_traces_release(&s->traces);
    REQUIRE_OK(digest_traces_init(&s->traces, program, values, &diag), &diag);
    fill_words(s);
    return witness_fill(s->column, &s->circuit, &source, &diag) == STATUS_OK;
}

static bool accepts(struct subject *s, struct diag *diag)
{
    struct check_report report;
    struct plonk_witness witness = {{s->column[0], s->column[1], s->column[2]},
                                    {s->column[3], s->column[4]}};
    enum status status = check_witness(&report, &s->circuit, NULL, &witness, s->words,
                                       s->circuit.public_word_count, diag);
    check_report_release(&report);
    REQUIRE(status == STATUS_OK || status == STATUS_REJECTED);
    return status == STATUS_OK;
}

bool subject_accepts(struct subject *s)
{
    struct diag ignored = {0};
    return accepts(s, &ignored);
}

static void copy_program(struct subject *s, const struct relation_program *program)
{
    struct buffer bytes;
    struct diag diag = {0};
    buffer_init(&bytes);
    relation_program_serialize(program, &bytes);
    REQUIRE_OK(relation_program_parse(&s->program, &s->arena, CAPACITY_BITS, bytes.data,
                                      bytes.count, &diag),
               &diag);
    buffer_release(&bytes);
    REQUIRE_OK(place_prepare(&s->program, &diag), &diag);
    REQUIRE_OK(relation_validate(&s->program, CAPACITY_BITS, &diag), &diag);
    REQUIRE_OK(pass_bound_ranges(&s->program, CAPACITY_BITS, &diag), &diag);
}

/* What a digest hashes depends on declared ranges, and a digest is wider than any: these stay. */
static bool is_hashed(const struct relation_program *program, uint32_t tensor)
{
    for (size_t i = 0; i < program->relation_count; i++) {
        const struct relation *r = &program->relations[i];
        if (r->kind == RELATION_DIGEST && (r->views[0].tensor == tensor || r->outputs[0] == tensor))
            return true;
    }
    return false;
}

static void loosen(struct subject *s)
{
    enum { LOOSE_BITS = 253 };
    struct relation_program *loose = &s->loose;
    *loose = s->program;
    loose->tensors =
        arena_memdup(&s->arena, loose->tensors, loose->tensor_count * sizeof *loose->tensors);
    loose->relations = arena_array(&s->arena, struct relation, loose->relation_count + 1);
    loose->relation_count = 0;
    for (uint32_t t = 0; t < loose->tensor_count; t++) {
        if (loose->tensors[t].role == ROLE_CONSTANT || is_hashed(&s->program, t))
            continue;
        loose->tensors[t].high = wide_power_of_two(LOOSE_BITS);
        REQUIRE(wide_neg(&loose->tensors[t].low, loose->tensors[t].high));
    }
    for (size_t i = 0; i < s->program.relation_count; i++) {
        struct relation r = s->program.relations[i];
        /* Relations keep their numbers, by which fills name digests: dropped ones assert nothing.
         */
        if (r.kind == RELATION_RANGE || r.is_assert) {
            r = (struct relation){.kind = RELATION_PRODUCT, .is_assert = true, .space_rank = 1};
        }
        loose->relations[loose->relation_count++] = r;
    }
}

uint32_t subject_class(struct subject *s, uint32_t cell)
{
    while (s->parent[cell] != cell)
        cell = s->parent[cell] = s->parent[s->parent[cell]];
    return cell;
}

static void place(struct subject *s)
{
    struct diag diag = {0};
    struct digest_spec spec;
    struct place_summary summary;
    struct place_options options = {.capacity_bits = CAPACITY_BITS, .digest = &spec};
    REQUIRE(digest_spec_init(&spec, &s->arena));
    REQUIRE_OK(place_circuit(&s->circuit, &summary, &s->program, &options, &s->arena, &diag),
               &diag);
    REQUIRE_OK(circuit_validate(&s->circuit, &diag), &diag);
    REQUIRE_OK(circuit_validate_program(&s->circuit, &s->program, &diag), &diag);
    uint32_t rows = s->circuit.usable_rows;
    for (unsigned k = 0; k < WITNESS_COLUMNS; k++) {
        s->column[k] = arena_array(&s->arena, fr, rows);
        s->honest[k] = arena_array(&s->arena, fr, rows);
    }
    s->words = arena_array(&s->arena, fr, s->circuit.public_word_count + 1);
    s->honest_words = arena_array(&s->arena, fr, s->circuit.public_word_count + 1);
    s->parent = arena_array(&s->arena, uint32_t, (size_t)rows * 4);
    s->is_copied = arena_array(&s->arena, bool, (size_t)rows * 4);
    REQUIRE(s->honest[WITNESS_COLUMNS - 1] != NULL && s->parent != NULL && s->is_copied != NULL);
    for (uint32_t cell = 0; cell < rows * 4; cell++)
        s->parent[cell] = cell;
    for (size_t i = 0; i < s->circuit.copy_count; i++) {
        struct cell a = s->circuit.copies[i].a, b = s->circuit.copies[i].b;
        s->parent[subject_class(s, a.row * 4 + a.column)] = subject_class(s, b.row * 4 + b.column);
        s->is_copied[a.row * 4 + a.column] = s->is_copied[b.row * 4 + b.column] = true;
    }
}

void subject_copy_given(const struct relation_program *program, struct relation_values *to,
                        const struct relation_values *from)
{
    for (uint32_t t = 0; t < from->tensor_count; t++) {
        enum relation_role role = program->tensors[t].role;
        for (size_t e = 0;
             role != ROLE_WITNESS && role != ROLE_CONSTANT && e < program->tensors[t].count; e++)
            REQUIRE(relation_value_set(to, program, t, e, relation_value(from, t, e)));
    }
}

void subject_init(struct subject *s, const struct relation_program *program,
                  const struct relation_values *given, size_t most)
{
    struct diag diag = {0};
    memset(s, 0, sizeof *s);
    s->most = most;
    arena_init(&s->arena, 0);
    copy_program(s, program);
    place(s);
    loosen(s);
    REQUIRE_OK(relation_values_init(&s->values, &s->program, &s->arena, &diag), &diag);
    subject_copy_given(program, &s->values, given);
    REQUIRE_OK(relation_interpret(&s->program, &s->values, digest_values, NULL, &diag), &diag);
    REQUIRE(subject_fill(s, &s->program, &s->values));
    CHECK_MSG(accepts(s, &diag), "the honest witness is rejected: %s", diag.text);
    for (unsigned k = 0; k < WITNESS_COLUMNS; k++)
        memcpy(s->honest[k], s->column[k], s->circuit.usable_rows * sizeof(fr));
    memcpy(s->honest_words, s->words, s->circuit.public_word_count * sizeof(fr));
}

bool subject_is_honest(const struct subject *s)
{
    bool same = memcmp(s->honest_words, s->words, s->circuit.public_word_count * sizeof(fr)) == 0;
    for (unsigned k = 0; k < WITNESS_COLUMNS; k++)
        same = same && memcmp(s->honest[k], s->column[k], s->circuit.usable_rows * sizeof(fr)) == 0;
    return same;
}

void subject_release(struct subject *s)
{
    digest_traces_release(&s->traces);
    arena_release(&s->arena);
}
