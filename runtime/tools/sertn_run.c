/* sertn-run: keys, prove, verify, calldata, check, eval. Options, calls, exit status; the work is
 * in runtime. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/tools/cli.h"
#include "runtime/tools/run_commands.h"

static const char help[] =
    "sertn-run: prove that an answer came from a compiled model, and check such proofs.\n"
    "\n"
    "usage: sertn-run COMMAND MODEL.sertn [FILE] [options]\n"
    "\n"
    "  keys MODEL               make the keys (prove makes them on first use); --check: recompute "
    "a published key, needs only public/\n"
    "  prove MODEL              --input FILE -o PROOF.json; a folder of inputs proves many\n"
    "  verify MODEL PROOF.json  needs only MODEL/public; with --rpc URL on chain\n"
    "  calldata MODEL PROOF.json  what to send to the verifier contract: hex and the ABI form\n"
    "  check MODEL              --input FILE: every constraint on the witness, failures explained; "
    "needs no keys\n"
    "  eval MODEL               --input FILE: outputs as the circuit computes them; with --model "
    "FILE.onnx beside the float64 reference\n"
    "\n"
    "  --input FILE             JSON by input name, .npy/.npz, .pb, CSV, a test_data_set_* folder, "
    "a folder of inputs, or - (JSON)\n"
    "  -o FILE                  where the proof goes (a folder when there are many inputs)\n"
    "  --context HEX            32 bytes the proof is bound to (chain, market, job, prover); zero "
    "by default\n"
    "  --srs FILE.ptau          powers of tau of a ceremony; else the development SRS, unsafe and "
    "for trials only\n"
    "  --rpc URL                verify on chain; a development chain (31337) gets the verifier "
    "deployed by itself\n"
    "  --verifier ADDRESS       the universal verifier's address on the chain\n"
    "  --json --quiet --threads N --help --version\n"
    "\n"
    "examples:\n"
    "  sertn-run prove model.sertn --input in.json -o proof.json\n"
    "  sertn-run verify model.sertn proof.json\n"
    "  sertn-run verify model.sertn proof.json --rpc http://127.0.0.1:8545 --json\n"
    "  sertn-run check model.sertn --input test_data_set_0\n";

static bool take_input(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->input = value;
    return true;
}

static bool take_output(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->output = value;
    return true;
}

static bool take_context(void *context, const char *value, struct diag *diag)
{
    struct run_options *o = context;
    char text[67] = "0x";
    size_t length = strlen(value);
    if (strncmp(value, "0x", 2) == 0 || strncmp(value, "0X", 2) == 0) {
        value += 2;
        length -= 2;
    }
    for (size_t i = 0; i < length && i < 64; i++)
        text[2 + i] = (char)(value[i] >= 'A' && value[i] <= 'F' ? value[i] - 'A' + 'a' : value[i]);
    if (length == 64 && proof_parse_hex(o->context, sizeof o->context, text))
        return true;
    enum status status = diag_set(diag, STATUS_BAD_INPUT, "--context takes 64 hex digits");
    return status == STATUS_OK;
}

static bool take_srs(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->srs = value;
    return true;
}

static bool take_rpc(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->rpc = value;
    return true;
}

static bool take_verifier(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->verifier = value;
    return true;
}

static bool take_model(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->onnx = value;
    return true;
}

static bool take_check(void *context, const char *value, struct diag *diag)
{
    (void)value;
    (void)diag;
    ((struct run_options *)context)->check = true;
    return true;
}

static const struct cli_option option_table[] = {
    {"input", true, take_input}, {"o", true, take_output},     {"context", true, take_context},
    {"srs", true, take_srs},     {"rpc", true, take_rpc},      {"verifier", true, take_verifier},
    {"model", true, take_model}, {"check", false, take_check},
};

struct command {
    const char *name;
    size_t arguments; /* after the command */
    enum status (*run)(struct cli *cli, struct run_options *options, struct diag *diag);
};

static const struct command command_table[] = {
    {"keys", 1, run_keys},         {"prove", 1, run_prove}, {"verify", 2, run_verify},
    {"calldata", 2, run_calldata}, {"check", 1, run_check}, {"eval", 1, run_eval},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof command_table / sizeof *command_table; i++) {
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct run_options o = {0};
    struct cli cli = {.program = "sertn-run"};
    struct diag diag = {0};
    const char *positional[3] = {NULL};
    size_t count = 0;
    bool done;
    file_clean_on_signals();
    enum status status =
        cli_parse(&cli, argc, argv, option_table, sizeof option_table / sizeof *option_table, &o,
                  positional, 3, &count, help, &done, &diag);
    if (status != STATUS_OK || done)
        return done ? 0 : cli_finish(&cli, status, &diag);
    const struct command *command = count == 0 ? NULL : find_command(positional[0]);
    if (command == NULL) {
        status = diag_set(&diag, STATUS_BAD_INPUT,
                          count == 0 ? "give a command: keys, prove, verify, calldata, check or "
                                       "eval; see sertn-run --help%s"
                                     : "unknown command '%s'; see sertn-run --help",
                          count == 0 ? "" : positional[0]);
        return cli_finish(&cli, status, &diag);
    }
    if (count != command->arguments + 1) {
        status =
            diag_set(&diag, STATUS_BAD_INPUT, "%s takes a model folder%s; see sertn-run --help",
                     command->name, command->arguments == 2 ? " and a proof file" : "");
        return cli_finish(&cli, status, &diag);
    }
    o.folder = positional[1];
    o.proof = positional[2];
    status = command->run(&cli, &o, &diag);
    return cli_finish(&cli, status, &diag);
}
