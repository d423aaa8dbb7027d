/* Two models of com.microsoft and ai.onnx that are given the same and have to agree. */
#ifndef SERTN_TESTS_FRONTEND_MODEL_PAIR_H
#define SERTN_TESTS_FRONTEND_MODEL_PAIR_H

#include "tests/frontend/model_builder.h"

struct pair {
    struct builder own, plain;
};

static inline struct pair pair_start(void)
{
    struct pair p = {builder_start(21), builder_start(21)};
    model_import(&p.own, "com.microsoft", 1);
    model_import(&p.plain, "com.microsoft", 1);
    return p;
}

static inline void pair_input(struct pair *p, const char *name, enum element_type type,
                              const char *dims)
{
    model_input(&p->own, name, type, dims);
    model_input(&p->plain, name, type, dims);
}

static inline void pair_tensor(struct pair *p, const char *name, enum element_type type,
                               const char *dims, const double *values)
{
    model_tensor(&p->own, name, type, dims, values);
    model_tensor(&p->plain, name, type, dims, values);
}

#endif
