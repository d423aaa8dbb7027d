/* See list_ops.h. Read from the importer's rule table and the lowering's own list: nothing is
 * written down twice. */
#include "runtime/tools/list_ops.h"

#include <stdio.h>

#include "frontend/import_node.h"
#include "passes/fold_constants.h"
#include "passes/lower.h"

static void versions(char text[32], const struct import_rule *rule)
{
    if (rule->until == 0)
        snprintf(text, 32, "%d+", rule->since);
    else if (rule->until == rule->since)
        snprintf(text, 32, "%d", rule->since);
    else
        snprintf(text, 32, "%d-%d", rule->since, rule->until);
}

static cJSON *rule_json(const struct import_rule *rule, const char *range, bool proves)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "operator", rule->op);
    cJSON_AddStringToObject(object, "domain", rule->domain);
    cJSON_AddStringToObject(object, "opsets", range);
    cJSON_AddStringToObject(object, "types", rule->types);
    cJSON_AddBoolToObject(object, "proves", proves);
    if (rule->restriction != NULL)
        cJSON_AddStringToObject(object, "restriction", rule->restriction);
    return object;
}

int list_ops(struct cli *cli)
{
    struct diag diag = {0};
    cJSON *list = NULL;
    if (cli->json) {
        cli->result = cJSON_CreateObject();
        list = cJSON_AddArrayToObject(cli->result, "operators");
    } else {
        printf("%-28s %-14s %-8s %-7s %s\n", "operator", "domain", "opsets", "proves",
               "types; restriction");
    }
    const struct import_rule *rule;
    for (size_t i = 0; (rule = import_rule_at(i)) != NULL; i++) {
        char range[32];
        versions(range, rule);
        bool proves = rule->kind >= OP_COUNT || lower_op_is_supported(rule->kind) ||
                      fold_constants_replaces(rule->kind);
        if (cli->json)
            cJSON_AddItemToArray(list, rule_json(rule, range, proves));
        else
            printf("%-28s %-14s %-8s %-7s %s%s%s\n", rule->op,
                   rule->domain[0] == '\0' ? "ai.onnx" : rule->domain, range,
                   proves ? "yes" : "reads", rule->types, rule->restriction == NULL ? "" : "; ",
                   rule->restriction == NULL ? "" : rule->restriction);
    }
    return cli_finish(cli, STATUS_OK, &diag);
}
