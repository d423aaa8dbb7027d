/* See compile_html.h. Figures come from the report; nothing is computed twice. */
#include "runtime/compile_html.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ir/ops.h"
#include "ir/support/buffer.h"
#include "ir/support/file.h"

static const char style[] =
    "body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:62rem;padding:1rem 1.5rem "
    "4rem;"
    "color:#1d2433;background:#fff}h1{font-size:1.6rem;margin:.6rem 0 0}h2{font-size:1.15rem;"
    "margin:2.2rem 0 .5rem;border-bottom:1px solid #dde2ea;padding-bottom:.2rem}p{max-width:46rem}"
    ".cards{display:flex;flex-wrap:wrap;gap:.7rem;margin:1rem 0}.card{border:1px solid #dde2ea;"
    "border-radius:8px;padding:.5rem .9rem;min-width:8rem}.card b{display:block;font-size:1.25rem}"
    ".card span{color:#5b6577;font-size:.85rem}table{border-collapse:collapse}td,th{padding:.2rem "
    ".8rem .2rem 0;text-align:left;vertical-align:top}th{color:#5b6577;font-weight:600}td.n{text-"
    "align:right;font-variant-numeric:tabular-nums}.bar{background:#3d6fd6;height:.8rem;border-"
    "radius:2px;min-width:1px}.muted{color:#5b6577}.scroll{overflow:auto;border:1px solid #dde2ea;"
    "border-radius:8px;max-height:44rem}.legend span{display:inline-block;margin-right:1.1rem}"
    ".legend i{display:inline-block;width:.8rem;height:.8rem;margin-right:.35rem;border-radius:2px}"
    ".good{color:#177a3c}.bad{color:#b3261e}svg text{font:11px system-ui,sans-serif}";

static void put_escaped(struct buffer *out, const char *text)
{
    for (; *text != 0; text++) {
        switch (*text) {
        case '&':
            buffer_puts(out, "&amp;");
            break;
        case '<':
            buffer_puts(out, "&lt;");
            break;
        case '>':
            buffer_puts(out, "&gt;");
            break;
        case '"':
            buffer_puts(out, "&quot;");
            break;
        default:
            buffer_put_u8(out, (uint8_t)*text);
        }
    }
}

/* At most `most` bytes of a name, with dots when there are more. */
static void put_short(struct buffer *out, const char *text, size_t most)
{
    char part[64];
    size_t count = strlen(text);
    if (most >= sizeof part - 4)
        most = sizeof part - 4;
    size_t taken = count > most ? most : count;
    memcpy(part, text, taken);
    strcpy(part + taken, count > most ? "..." : "");
    put_escaped(out, part);
}

static void put_card(struct buffer *out, const char *value, const char *what)
{
    buffer_puts(out, "<div class=card><b>");
    put_escaped(out, value);
    buffer_puts(out, "</b><span>");
    put_escaped(out, what);
    buffer_puts(out, "</span></div>");
}

/* ---- what it is and what it costs ---- */

static void put_proof(struct buffer *out, const struct compile_report *r)
{
    char text[64];
    snprintf(text, sizeof text, "%zu bytes", r->proof_bytes);
    put_card(out, text, "one proof");
    if (r->gas > 0) {
        snprintf(text, sizeof text, "%.0f gas", r->gas);
        put_card(out, text, "to verify it on a chain");
    }
    snprintf(text, sizeof text, "%.3g s", r->prove_seconds);
    put_card(out, text, "to prove an answer, predicted");
    snprintf(text, sizeof text, "%.3g MB", (double)r->prove_memory_bytes / 1e6);
    put_card(out, text, "memory for that, predicted");
    snprintf(text, sizeof text, "%.3g s", r->keys_seconds);
    put_card(out, text, "to make the keys, once, predicted");
}

static void put_summary(struct buffer *out, const struct compilation *c)
{
    const struct compile_report *r = &c->report;
    char text[64];
    buffer_puts(
        out,
        "<p>This model was turned into a <em>circuit</em>: a large table in which every step of "
        "its arithmetic is a row "
        "that can be checked. A proof convinces anybody that the whole table is filled in "
        "correctly, and so that an answer "
        "came from this very model, while the private numbers in the table stay hidden. The proof "
        "is short whatever the size "
        "of the model; the time to make it grows with the rows of the table.</p><div class=cards>");
    if (r->has_proof)
        put_proof(out, r);
    else
        put_card(out, "no proof", "the table can be checked, and is too large for keys");
    snprintf(text, sizeof text, "%" PRIu32, r->rows);
    put_card(out, text, "rows of the table (a power of two)");
    snprintf(text, sizeof text, "%.0f %%", 100.0 * r->used_rows / r->rows);
    put_card(out, text, "of them used by the model");
    snprintf(text, sizeof text, "%zu", r->parameter_elements);
    put_card(out, text, "private numbers of the model");
    buffer_puts(out, "</div>");
}

static void put_accuracy(struct buffer *out, const struct quantize_report *q)
{
    buffer_puts(out,
                "<h2>How exact the answers are</h2><p>The circuit computes with whole numbers "
                "that stand for fractions. The compiler "
                "ran the model on the calibration data in both ways and chose the widths so "
                "that the answers agree. What is proven holds for every input that the circuit "
                "accepts, with every rounding at its worst.</p><table><tr>"
                "<th>output<th>smallest step<th>largest error seen<th>relative to the "
                "answer<th>exact values that differ<th>proven for every input: no more than");
    for (size_t i = 0; i < q->output_count; i++) {
        const struct output_report *o = &q->outputs[i];
        buffer_puts(out, "<tr><td>");
        put_escaped(out, o->name);
        buffer_printf(
            out, "<td class=n>2<sup>%d</sup><td class=n>%.3g<td class=n>%.3g<td class=n>%zu of %zu",
            -o->fraction_bits, o->measured_error, o->measured_relative, o->mismatches, o->elements);
        char bound[COMPILE_BOUND_TEXT];
        compile_bound_text(bound, o->proven_error);
        buffer_puts(out, o->no_bound == NULL ? "<td class=n>" : "<td>no bound: ");
        put_escaped(out, o->no_bound == NULL ? bound : o->no_bound);
    }
    buffer_printf(out, "</table><p class=%s>%s over %zu calibration run%s%s.</p>",
                  q->meets_tolerance ? "good" : "bad",
                  q->meets_tolerance ? "The tolerance asked for is met"
                                     : "The tolerance asked for is NOT met",
                  q->run_count, q->run_count == 1 ? "" : "s",
                  q->is_generated ? " on generated numbers, as no data was given" : "");
    buffer_puts(out, "<table><tr><th>input<th>least<th>greatest<th>smallest step");
    for (size_t i = 0; i < q->input_count; i++) {
        const struct input_report *in = &q->inputs[i];
        buffer_puts(out, "<tr><td>");
        put_escaped(out, in->name);
        if (in->is_key)
            buffer_puts(out, "<td colspan=3>any number, exactly as it is");
        else
            buffer_printf(out, "<td class=n>%.6g<td class=n>%.6g<td class=n>2<sup>%d</sup>",
                          in->low, in->high, -in->fraction_bits);
    }
    buffer_puts(
        out, "</table><p class=muted>An input outside these bounds is refused, never cut off.</p>");
    if (q->range_count == 0)
        return;
    buffer_puts(out, "<p>Values inside the model that are held to the range that calibration saw, "
                     "with room to spare: an input that leaves "
                     "it cannot be proved.</p><table><tr><th>value<th>at<th>least<th>greatest");
    for (size_t i = 0; i < q->range_count; i++) {
        buffer_puts(out, "<tr><td>");
        put_escaped(out, q->ranges[i].value);
        buffer_puts(out, "<td>");
        put_escaped(out, q->ranges[i].node);
        buffer_printf(out, "<td class=n>%.6g<td class=n>%.6g", q->ranges[i].low, q->ranges[i].high);
    }
    buffer_puts(out, "</table>");
}

static void put_notes(struct buffer *out, const struct import_notes *notes)
{
    if (notes->count == 0)
        return;
    buffer_puts(out, "<h2>What you should know</h2><ul>");
    for (size_t i = 0; i < notes->count; i++) {
        buffer_puts(out, "<li>");
        put_escaped(out, notes->text[i]);
    }
    buffer_puts(out, "</ul>");
}

/* ---- rows by node ---- */

enum { BARS_MAX = 40 };

static void put_bars(struct buffer *out, const struct compile_report *r)
{
    uint32_t most = r->node_count > 0 ? r->nodes[0].rows : 1;
    buffer_puts(out, "<h2>Where the rows go</h2><table>");
    for (size_t i = 0; i < r->node_count && i < BARS_MAX; i++) {
        buffer_puts(out, "<tr><td>");
        put_escaped(out, r->nodes[i].name);
        buffer_printf(out,
                      "<td class=n>%" PRIu32 "<td class=n>%.1f %%<td style=\"width:20rem\"><div "
                      "class=bar style=\"width:%.1f%%\"></div>",
                      r->nodes[i].rows,
                      100.0 * r->nodes[i].rows / (r->used_rows > 0 ? r->used_rows : 1),
                      100.0 * r->nodes[i].rows / most);
    }
    buffer_puts(out, "</table>");
    if (r->node_count > BARS_MAX)
        buffer_printf(out, "<p class=muted>And %zu more nodes with fewer rows each.</p>",
                      r->node_count - BARS_MAX);
    buffer_printf(out,
                  "<p class=muted>Beside the rows of nodes the table holds %zu rows of lookup "
                  "tables, which stand in columns of their own.</p>",
                  r->table_rows);
}

/* ---- the graph ---- */

enum { BOX_WIDTH = 168, BOX_HEIGHT = 40, GAP_X = 26, GAP_Y = 34, GRAPH_NODES_MAX = 600 };

/* Where each node stands: its layer is one below the lowest layer it reads from. */
struct drawing {
    const struct graph *graph;
    uint32_t *layer, *place; /* by node */
    uint32_t *width;         /* nodes of each layer */
    uint32_t layers, widest;
    const uint32_t *rows; /* by node */
    uint32_t most_rows;
};

static bool arrange(struct drawing *d, struct arena *arena)
{
    const struct graph *g = d->graph;
    d->layer = arena_array(arena, uint32_t, g->node_count + 1);
    d->place = arena_array(arena, uint32_t, g->node_count + 1);
    d->width = arena_array(arena, uint32_t, g->node_count + 1);
    if (d->layer == NULL || d->place == NULL || d->width == NULL)
        return false;
    for (size_t i = 0; i < g->node_count; i++) {
        for (size_t k = 0; k < g->nodes[i].input_count; k++) {
            uint32_t value = g->nodes[i].inputs[k];
            uint32_t producer = value == GRAPH_NONE ? GRAPH_NONE : g->values[value].producer;
            if (producer != GRAPH_NONE && d->layer[producer] + 1 > d->layer[i])
                d->layer[i] = d->layer[producer] + 1;
        }
        d->place[i] = d->width[d->layer[i]]++;
        if (d->width[d->layer[i]] > d->widest)
            d->widest = d->width[d->layer[i]];
        if (d->layer[i] + 1 > d->layers)
            d->layers = d->layer[i] + 1;
    }
    return true;
}

static double box_x(const struct drawing *d, size_t node)
{
    double free = (double)(d->widest - d->width[d->layer[node]]) / 2;
    return 10 + (free + d->place[node]) * (BOX_WIDTH + GAP_X);
}

static double box_y(const struct drawing *d, size_t node)
{
    return 10 + (double)d->layer[node] * (BOX_HEIGHT + GAP_Y);
}

static void put_edges(struct buffer *out, const struct drawing *d)
{
    const struct graph *g = d->graph;
    for (size_t i = 0; i < g->node_count; i++) {
        for (size_t k = 0; k < g->nodes[i].input_count; k++) {
            uint32_t value = g->nodes[i].inputs[k];
            uint32_t producer = value == GRAPH_NONE ? GRAPH_NONE : g->values[value].producer;
            if (producer == GRAPH_NONE)
                continue;
            double x0 = box_x(d, producer) + BOX_WIDTH / 2.0, y0 = box_y(d, producer) + BOX_HEIGHT,
                   x1 = box_x(d, i) + BOX_WIDTH / 2.0, y1 = box_y(d, i);
            buffer_printf(out,
                          "<path d=\"M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f\" fill=none "
                          "stroke=\"#aab4c5\"/>",
                          x0, y0, x0, y0 + 20, x1, y1 - 20, x1, y1);
        }
    }
}

static void put_box(struct buffer *out, const struct drawing *d, size_t i)
{
    const struct graph_node *node = &d->graph->nodes[i];
    double x = box_x(d, i), y = box_y(d, i),
           share = d->most_rows > 0 ? (double)d->rows[i] / d->most_rows : 0;
    buffer_printf(out, "<g><title>");
    put_escaped(out, node->name);
    for (size_t k = 0; k < node->output_count; k++) {
        if (node->outputs[k] == GRAPH_NONE)
            continue;
        const struct graph_value *value = &d->graph->values[node->outputs[k]];
        buffer_puts(out, "\ngives ");
        put_escaped(out, value->name);
        for (unsigned n = 0; value->shape_known && n < value->shape.rank; n++)
            buffer_printf(out, "%s%" PRId64, n == 0 ? " [" : ", ", value->shape.dim[n]);
        if (value->shape_known && value->shape.rank > 0)
            buffer_puts(out, "]");
    }
    buffer_printf(out,
                  "\n%" PRIu32 " rows</title><rect x=%.0f y=%.0f width=%d height=%d rx=5 "
                  "fill=\"#eef2fa\" stroke=\"#c3ccdc\"/>",
                  d->rows[i], x, y, BOX_WIDTH, BOX_HEIGHT);
    buffer_printf(out,
                  "<rect x=%.0f y=%.0f width=%.1f height=5 rx=2 fill=\"#3d6fd6\"/><text x=%.0f "
                  "y=%.0f font-weight=600>",
                  x, y + BOX_HEIGHT - 5, share * BOX_WIDTH, x + 7, y + 14);
    put_short(out, op_info(node->op)->name, 24);
    buffer_printf(out,
                  "</text><text x=%.0f y=%.0f text-anchor=end fill=\"#5b6577\">%" PRIu32
                  "</text><text x=%.0f y=%.0f fill=\"#5b6577\">",
                  x + BOX_WIDTH - 7, y + 14, d->rows[i], x + 7, y + 28);
    put_short(out, node->name, 26);
    buffer_puts(out, "</text></g>");
}

static void put_graph(struct buffer *out, const struct compilation *c, const uint32_t *rows,
                      struct arena *arena)
{
    struct drawing d = {.graph = c->graph, .rows = rows};
    buffer_puts(out, "<h2>The model</h2>");
    if (c->graph->node_count == 0 || c->graph->node_count > GRAPH_NODES_MAX) {
        buffer_printf(out, "<p class=muted>%zu nodes: %s to draw.</p>", c->graph->node_count,
                      c->graph->node_count == 0 ? "nothing" : "too many");
        return;
    }
    if (!arrange(&d, arena)) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < c->graph->node_count; i++)
        d.most_rows = rows[i] > d.most_rows ? rows[i] : d.most_rows;
    buffer_printf(out,
                  "<p>Values flow from top to bottom. The number in a box is its rows; the bar "
                  "compares them. Point at a box for its name and "
                  "the shape of what it gives.</p><div class=scroll><svg width=%" PRIu32
                  " height=%" PRIu32 ">",
                  d.widest * (BOX_WIDTH + GAP_X) + 20, d.layers * (BOX_HEIGHT + GAP_Y) + 10);
    put_edges(out, &d);
    for (size_t i = 0; i < c->graph->node_count; i++)
        put_box(out, &d, i);
    buffer_puts(out, "</svg></div>");
}

/* ---- the table as a picture ---- */

enum { BANDS = 128, BAND_HEIGHT = 4, CELL_WIDTH = 70, TABLE_COLUMNS = 7 };

/* What a column of the picture shows: the share of a band's rows that use it. */
static const struct {
    const char *name, *colour, *what;
} pictured[TABLE_COLUMNS] = {
    {"arithmetic", "#3d6fd6", "sums and products of the model's steps"},
    {"weights", "#b4482f", "private numbers, pinned by a commitment"},
    {"contraction", "#7a4fc0", "matrix products and convolutions, checked at a random point"},
    {"ranges", "#2f8f6b", "a cell is looked up: it is a number of so many bits"},
    {"functions", "#c28a1d", "a cell and its image are looked up in a table of a function"},
    {"memory", "#3a9bb0", "a row of a stored table is read at a computed place"},
    {"tables", "#8a93a5", "the tables that lookups go to"},
};

static void count_bands(uint32_t use[BANDS][TABLE_COLUMNS], const struct circuit *circuit,
                        bool is_function_tag[CIRCUIT_TAG_MAX + 1])
{
    for (uint32_t row = 0; row < circuit->usable_rows; row++)
        if (circuit->table[row].y != 0)
            is_function_tag[circuit->table[row].tag] = true;
    for (uint32_t row = 0; row < circuit->usable_rows; row++) {
        const struct circuit_row *r = &circuit->rows[row];
        uint32_t *band = use[(uint64_t)row * BANDS / circuit->usable_rows];
        bool is_gate =
            r->chain != CHAIN_START || r->c2 != 0 || r->c3 != 0 || r->term != TERM_LINEAR;
        bool is_function = is_function_tag[r->slot_table];
        band[0] += is_gate && r->hold == HOLD_NONE;
        band[2] += r->hold != HOLD_NONE;
        band[3] += r->slot_range != 0 || (r->slot_table != 0 && !is_function);
        band[4] += is_function;
        band[5] += r->slot_memory != 0;
        band[6] += circuit->table[row].tag != 0;
    }
    for (size_t i = 0; i < circuit->param_cell_count; i++)
        if (circuit->param_cells[i].column == 0)
            use[(uint64_t)circuit->param_cells[i].row * BANDS / circuit->usable_rows][1]++;
}

static void put_table(struct buffer *out, const struct circuit *circuit, struct arena *arena)
{
    uint32_t use[BANDS][TABLE_COLUMNS] = {{0}};
    double band_rows = (double)circuit->usable_rows / BANDS;
    bool *is_function_tag = arena_array(arena, bool, CIRCUIT_TAG_MAX + 1);
    if (is_function_tag == NULL) {
        out->failed = true;
        return;
    }
    count_bands(use, circuit, is_function_tag);
    buffer_printf(out,
                  "<h2>The table</h2><p>Each line of the picture stands for %.3g rows; the darker "
                  "a cell, the more of them use that part of the "
                  "row.</p><div><svg width=%d height=%d>",
                  band_rows, TABLE_COLUMNS * CELL_WIDTH, BANDS * BAND_HEIGHT + 20);
    for (unsigned k = 0; k < TABLE_COLUMNS; k++) {
        buffer_printf(out, "<text x=%u y=12>%s</text>", k * CELL_WIDTH + 2, pictured[k].name);
        for (unsigned b = 0; b < BANDS; b++) {
            double share = use[b][k] / (band_rows < 1 ? 1 : band_rows);
            if (share > 0)
                buffer_printf(out, "<rect x=%u y=%u width=%d height=%d fill=\"%s\" opacity=%.2f />",
                              k * CELL_WIDTH + 2, b * BAND_HEIGHT + 18, CELL_WIDTH - 6, BAND_HEIGHT,
                              pictured[k].colour, share > 1 ? 1 : 0.08 + 0.92 * share);
        }
    }
    buffer_puts(out, "</svg></div><table>");
    for (unsigned k = 0; k < TABLE_COLUMNS; k++)
        buffer_printf(out, "<tr><td class=legend><i style=\"background:%s\"></i>%s<td>%s",
                      pictured[k].colour, pictured[k].name, pictured[k].what);
    buffer_puts(out, "</table>");
}

/* ---- the page ---- */

static uint32_t *rows_of_nodes(const struct compilation *c, struct arena *arena)
{
    size_t count = c->graph->node_count > c->result.program->node_count
                       ? c->graph->node_count
                       : c->result.program->node_count;
    uint32_t *rows = arena_array(arena, uint32_t, count + 1);
    for (uint32_t row = 0; rows != NULL && row < c->circuit.usable_rows; row++) {
        uint32_t relation = c->circuit.origins[row].relation;
        if (relation != RELATION_NONE &&
            c->result.program->relations[relation].node < c->result.program->node_count)
            rows[c->result.program->relations[relation].node]++;
    }
    return rows;
}

static void put_page(struct buffer *out, const struct compilation *c, const char *model_path,
                     struct arena *arena)
{
    const char *slash = strrchr(model_path, '/'), *name = slash != NULL ? slash + 1 : model_path;
    const uint32_t *rows = rows_of_nodes(c, arena);
    if (rows == NULL) {
        out->failed = true;
        return;
    }
    buffer_puts(out, "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
                     "content=\"width=device-width\"><title>");
    put_escaped(out, name);
    buffer_printf(out, ": compile report</title><style>%s</style><h1>", style);
    put_escaped(out, name);
    buffer_puts(out, "</h1><div class=muted>compiled by Sertn " SERTN_VERSION "; circuit ");
    buffer_put_hex(out, c->report.circuit_digest, 8);
    buffer_puts(out, "...</div>");
    put_summary(out, c);
    put_accuracy(out, &c->result.report);
    put_notes(out, c->notes);
    put_graph(out, c, rows, arena);
    put_bars(out, &c->report);
    put_table(out, &c->circuit, arena);
    buffer_puts(out, "</html>\n");
}

enum status compile_html_write(const struct compilation *c, const char *model_path,
                               const char *path, struct diag *diag)
{
    struct buffer out;
    struct arena arena = {0};
    buffer_init(&out);
    put_page(&out, c, model_path, &arena);
    enum status status = buffer_status(&out, diag);
    if (status == STATUS_OK)
        status = file_write(path, out.data, out.count, FILE_MODE_PRIVATE, false, diag);
    buffer_release(&out);
    arena_release(&arena);
    return status;
}
