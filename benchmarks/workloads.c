/* The five workloads. */
#include "benchmarks/workloads.h"

#include <string.h>

const struct workload workload_table[WORKLOAD_COUNT] = {
    {"linear_regression", "linear regression [1,2]", "linear_regression", 8, 250e3, 16, 1000},
    {"tree_ensemble", "tree ensemble, 2 trees [1,2]", "tree_ensemble", 8, 250e3, 16, 1000},
    {"linear_svc", "linear SVC, batch [20,4]", "linear_svc", 25, 260e3, 24, 1000},
    {"mlp_iris", "MLP iris 4-30-30-30-3", "mlp_iris", 10, 250e3, 48, 1000},
    {"random_forest", "random forest, 100 trees [1,4]", "random_forest", 100, 250e3, 96, 3},
};

const struct workload *workload_find(const char *name)
{
    for (size_t i = 0; i < WORKLOAD_COUNT; i++)
        if (strcmp(workload_table[i].name, name) == 0)
            return &workload_table[i];
    return NULL;
}
