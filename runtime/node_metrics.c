/* Health and metrics of a node, in the text format of Prometheus (0.0.4). */
#include "runtime/node_internal.h"

#include <inttypes.h>
#include <stdio.h>

static void put_metric(struct buffer *out, const char *name, const char *kind, const char *help,
                       double value)
{
    buffer_printf(out, "# HELP sertn_node_%s %s\n# TYPE sertn_node_%s %s\nsertn_node_%s %.17g\n",
                  name, help, name, kind, name, value);
}

void node_show(struct node *n)
{
    struct node_counts counts;
    struct diag diag = {0};
    struct buffer out = {0};
    char health[DIAG_TEXT_BYTES + 40];
    unsigned running = 0;
    if (n->http == NULL)
        return;
    for (uint64_t i = 0; i < n->config->limits.workers; i++)
        running += n->slot[i].is_used;
    if (node_store_count(&counts, &n->store, &diag) != STATUS_OK && n->trouble.status == STATUS_OK)
        n->trouble = diag;
    buffer_puts(&out, "# HELP sertn_node_jobs Jobs by state.\n# TYPE sertn_node_jobs gauge\n");
    for (int i = 0; i < NODE_STATES; i++)
        buffer_printf(&out, "sertn_node_jobs{state=\"%s\"} %" PRIu64 "\n",
                      node_state_name((enum node_state)i), counts.jobs[i]);
    put_metric(&out, "jobs_kept", "gauge", "Jobs in the file of jobs.", (double)counts.kept);
    put_metric(&out, "up", "gauge", "1 while the last look at chain and jobs went well.",
               n->trouble.status == STATUS_OK);
    put_metric(&out, "proofs_total", "counter", "Proofs made.", (double)counts.proofs);
    put_metric(&out, "proving_seconds_total", "counter", "Seconds spent on them.",
               counts.proving_seconds);
    put_metric(&out, "proving", "gauge", "Proofs under way.", running);
    put_metric(&out, "failures_total", "counter", "Steps of jobs that failed and are tried again.",
               (double)counts.failures);
    put_metric(&out, "earned_total", "counter",
               "Paid to this node, in the smallest unit of the token.", counts.earned);
    put_metric(&out, "batches_total", "counter", "Transactions that paid several jobs.",
               (double)counts.batches);
    put_metric(&out, "batched_jobs_total", "counter", "Jobs that they paid.",
               (double)counts.batched);
    put_metric(&out, "batch_gas_total", "counter", "Gas that they took.", (double)counts.batch_gas);
    put_metric(&out, "batch_gas_saved_total", "counter",
               "Gas that their jobs would have taken beyond that, one by one.", counts.saved_gas);
    put_metric(&out, "polls_total", "counter", "Looks at the chain since the start.",
               (double)n->polls);
    put_metric(&out, "chain_time_seconds", "gauge", "Time of the block to come.", (double)n->now);
    put_metric(&out, "next_block", "gauge", "The first block whose events were not read.",
               (double)n->logs.next);
    put_metric(&out, "gas_price_wei", "gauge", "Price of gas that jobs are held against.",
               (double)n->fee);
    snprintf(health, sizeof health, "%s", n->trouble.status == STATUS_OK ? "ok" : n->trouble.text);
    node_http_tell(n->http, n->trouble.status == STATUS_OK, health, &out);
    buffer_release(&out);
}
