/*
 * N-grams are counted, sequences of computed lengths reversed and computed numbers padded with as
 * the interpreter does it.
 */
#include "tests/passes/lower_kit.h"

enum { TRIALS = 4, TEXT = 8, ROWS = 2 };

/* What is asked of the quantizer and held to. */
static const double RELATIVE = 1e-5, ABSOLUTE = 1e-6;

static struct tensor *whole_numbers(struct kit *kit, struct shape shape, int64_t low, uint64_t span)
{
    struct tensor *x = tensor_new(&kit->arena, ELEMENT_I64, &shape);
    for (size_t i = 0; i < x->count; i++)
        x->data.integer[i] = low + (int64_t)test_random_below(span);
    return x;
}

static void finish(struct kit *kit, const struct tensor *const (*inputs)[2],
                   const struct tensor *const *refused)
{
    kit->options.quantize.relative_tolerance = RELATIVE;
    kit->options.quantize.absolute_tolerance = ABSOLUTE;
    kit_compare_sets(kit, inputs, TRIALS, ABSOLUTE, RELATIVE);
    if (refused != NULL)
        kit_refuse(kit, refused);
    kit_release(kit);
}

static void run_ngrams(const char *mode, bool is_batch, bool has_weights, int64_t least,
                       int64_t most, int64_t skip)
{
    /* Four words, three pairs of which two have one column, two triples. */
    static const int64_t pool[] = {1, 2, 3, 9, 1, 2, 2, 2, 3, 1, 1, 2, 3, 2, 1, 2},
                         starts[] = {0, 4, 10}, columns[] = {3, 0, 4, 1, 5, 2, 5, 6, 0};
    struct kit kit;
    const struct tensor *inputs[TRIALS][2];
    struct shape shape = is_batch ? kit_shape(2, ROWS, TEXT) : kit_shape(1, TEXT);
    kit_init(&kit);
    uint32_t in[2] = {kit_input(&kit, "x", ELEMENT_I64, shape), GRAPH_NONE};
    if (has_weights)
        in[1] = kit_random_parameter(&kit, "weights", kit_shape(1, 7), 3);
    kit_node(&kit, OP_TFIDF_VECTORIZER, in, 1u + has_weights);
    kit_attribute_text(&kit, "mode", mode);
    kit_attribute_int(&kit, "min_gram_length", least);
    kit_attribute_int(&kit, "max_gram_length", most);
    kit_attribute_int(&kit, "max_skip_count", skip);
    kit_attribute_ints(&kit, "pool_int64s", pool, sizeof pool / sizeof *pool);
    kit_attribute_ints(&kit, "ngram_counts", starts, sizeof starts / sizeof *starts);
    kit_attribute_ints(&kit, "ngram_indexes", columns, sizeof columns / sizeof *columns);
    kit_output(&kit, kit.graph->nodes[0].outputs[0]);
    for (int t = 0; t < TRIALS; t++)
        inputs[t][0] = whole_numbers(&kit, shape, 0, 5);
    finish(&kit, inputs, NULL);
}

TEST(ngrams_of_every_length_and_mode)
{
    static const char *const modes[] = {"TF", "IDF", "TFIDF"};
    for (int i = 0; i < 12; i++) {
        const char *mode = modes[i % 3];
        bool is_batch = i / 3 % 2 != 0, has_weights = i / 6 != 0;
        run_ngrams(mode, is_batch, has_weights, 1, 1, 2);
        run_ngrams(mode, is_batch, has_weights, 2, 2, 0);
        run_ngrams(mode, is_batch, has_weights, 1, 3, 1);
        run_ngrams(mode, is_batch, has_weights, 3, 3, 5);
    }
}

TEST(sequences_of_computed_lengths_are_reversed)
{
    enum { STEPS = 5, SEQUENCES = 3 };
    for (int time = 0; time < 2; time++) {
        struct kit kit;
        const struct tensor *inputs[TRIALS][2], *refused[2];
        struct shape shape = time == 0 ? kit_shape(3, STEPS, SEQUENCES, 2)
                                       : kit_shape(2, SEQUENCES, STEPS),
                     line = kit_shape(1, SEQUENCES);
        kit_init(&kit);
        uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape);
        uint32_t y =
            kit_binary(&kit, OP_REVERSE_SEQUENCE, x, kit_input(&kit, "n", ELEMENT_I64, line));
        kit_attribute_int(&kit, "time_axis", time);
        kit_attribute_int(&kit, "batch_axis", 1 - time);
        kit_output(&kit, y);
        for (int t = 0; t < TRIALS; t++) {
            inputs[t][0] = kit_random_tensor(&kit, shape, 2);
            inputs[t][1] = whole_numbers(&kit, line, 0, STEPS + 1);
        }
        refused[0] = inputs[0][0];
        refused[1] = whole_numbers(&kit, line, STEPS + 1, 1);
        finish(&kit, inputs, refused);
    }
}

TEST(pads_with_a_computed_number)
{
    static const int64_t pads[] = {1, 0, 2, 3};
    struct kit kit;
    const struct tensor *inputs[TRIALS][2];
    struct shape shape = kit_shape(2, 2, 3), scalar = kit_shape(0);
    kit_init(&kit);
    uint32_t in[3] = {kit_input(&kit, "x", ELEMENT_F32, shape),
                      kit_constant_i64(&kit, kit_shape(1, 4), pads),
                      kit_input(&kit, "value", ELEMENT_F32, scalar)};
    /* Coarser than the value by what is multiplied. */
    in[2] = kit_binary(&kit, OP_MUL, in[2], in[2]);
    kit_output(&kit, kit_unary(&kit, OP_NEG, kit_node(&kit, OP_PAD, in, 3)));
    for (int t = 0; t < TRIALS; t++) {
        inputs[t][0] = kit_random_tensor(&kit, shape, 2);
        inputs[t][1] = kit_random_tensor(&kit, scalar, 2);
    }
    finish(&kit, inputs, NULL);
}
