/* Shape rule and kernel of RandomBits: see ir/random_bits.h. */
#include "ir/graph_kernel_shared.h"
#include "ir/random_bits.h"

enum status infer_random_bits(struct infer_call *call)
{
    int64_t count = graph_attribute_int(call->node, "count", -1),
            stream = graph_attribute_int(call->node, "stream", 0);
    struct shape shape = {1, {count}};
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    if (!element_type_is_integer(call->in[0]->type) || call->in[0]->type == ELEMENT_BOOL)
        return infer_fail(call, STATUS_BAD_INPUT, "the seed is %s; it must be an integer",
                          element_type_name(call->in[0]->type));
    if (count < 0 || count > (int64_t)1 << 32 || stream < 0 || stream > INT32_MAX)
        return infer_fail(call, STATUS_BAD_INPUT,
                          "there are 2^31 streams of at most 2^32 random numbers");
    infer_result(call, 0, ELEMENT_I32, &shape);
    return STATUS_OK;
}

enum status run_random_bits(struct kernel_call *call)
{
    const struct tensor *seed = call->in[0];
    struct tensor *out = call->out[0];
    uint32_t stream = (uint32_t)graph_attribute_int(call->node, "stream", 0);
    if (seed->count != 1)
        return kernel_fail(call, STATUS_BAD_INPUT, "the seed is %zu numbers; it must be one",
                           seed->count);
    uint64_t key = random_key((uint32_t)seed->data.integer[0], stream);
    for (size_t i = 0; i < out->count; i++)
        out->data.integer[i] = random_number(key, (uint32_t)i);
    return STATUS_OK;
}
