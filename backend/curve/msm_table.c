/*
 * Tables of shifted bases for msm_g1_pieces: level l is 2^shift_bits times level l - 1, by
 * doublings in step. The contract is msm.h.
 */
#include "backend/curve/msm.h"

struct fill_job {
    g1_affine *table;
    const struct msm_bases *shape;
    fp *scratch;
};

static void fill_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct fill_job *job = ctx;
    const struct msm_bases *shape = job->shape;
    fp *scratch = job->scratch + worker * AFFINE_SCRATCH(MSM_TABLE_BLOCK);
    for (unsigned level = 1; level < shape->levels; level++) {
        g1_affine *to = job->table + level * shape->count + begin;
        const g1_affine *from = to - shape->count;
        for (unsigned i = 0; i < shape->shift_bits; i++, from = to)
            affine_double_array(to, from, end - begin, scratch);
    }
}

void msm_fill_table(g1_affine *table, const struct msm_bases *shape, struct machine *machine,
                    void *scratch)
{
    struct fill_job job = {table, shape, scratch};
    machine_parallel_for(machine, shape->count, MSM_TABLE_BLOCK, fill_task, &job);
}
