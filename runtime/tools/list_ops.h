/* sertnc --list-ops. */
#ifndef SERTN_RUNTIME_TOOLS_LIST_OPS_H
#define SERTN_RUNTIME_TOOLS_LIST_OPS_H

#include "runtime/tools/cli.h"

/* Prints every operator with its opset range, types and restrictions. Returns the exit status. */
int list_ops(struct cli *cli);

#endif
