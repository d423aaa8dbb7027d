/* label: fast */
/* sertnc --html: one page that stands by itself, with what the report says. */
#include "tests/programs/programs_kit.h"

#include <string.h>

static void has(const char *page, const char *text)
{
    CHECK_MSG(strstr(page, text) != NULL, "the page lacks '%s'", text);
}

TEST(the_page_shows_the_model_its_rows_and_its_accuracy)
{
    const char *path = kit_text("%s/report.html", test_temp_dir());
    struct test_output out =
        SERTNC(kit_model("mlp", "model.onnx"), "--data", kit_model("mlp", "test_data_set_0"),
               "--report-only", "--json", "--html", path);
    kit_done(&out, "--html");
    cJSON *report = kit_json(&out);
    struct buffer page = kit_read(path);
    buffer_put_u8(&page, 0);
    const char *text = (const char *)page.data;
    has(text, kit_text("%.0f bytes", kit_number(report, "proof_bytes")));
    has(text, kit_text("<b>%.0f</b><span>rows of the table", kit_number(report, "rows")));
    const cJSON *node;
    cJSON_ArrayForEach(node, kit_member(report, "nodes"))
    {
        const char *name = kit_member(node, "node")->valuestring;
        has(text, kit_text("<tr><td>%s<td class=n>%.0f<td", name, kit_number(node, "rows")));
    }
    has(text, "largest error seen");
    has(text, "proven for every input");
    has(text, "<svg");
    CHECK(strstr(text, "http") == NULL); /* nothing is fetched */
    cJSON_Delete(report);
    buffer_release(&page);
}

TEST(a_page_that_cannot_be_written_is_one_sentence)
{
    struct test_output out =
        SERTNC(kit_model("linear_regression", "model.onnx"), "--report-only", "--html",
               kit_text("%s/no/such/folder/report.html", test_temp_dir()));
    kit_refused(&out, 2, "report.html", "a folder that is not there");
}
