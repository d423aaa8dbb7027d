/* See run_help.h. */
#include "runtime/tools/run_help.h"

#include <stddef.h>
#include <string.h>

/* What every command takes. */
#define SHARED                                                                                     \
    "  --json                   one JSON object on standard output, nothing else there\n"          \
    "  --quiet                  no messages\n"                                                     \
    "  --threads N              from 1 to 1024; as many as there are cores by default\n"           \
    "  --help --version\n"
#define INPUT                                                                                      \
    "  --input FILE             JSON by input name or {\"input_data\": [...]}, CSV, .npy, .npz,\n" \
    "                           .pb, a test_data_set_* folder, a folder of inputs, or - for\n"     \
    "                           standard input\n"
#define EVALUATOR                                                                                  \
    "  --evaluator NAME         who computes the witness: auto, interpreter, or llvm (native "     \
    "code;\n"                                                                                      \
    "                           for large models and many inputs auto takes it where it is "       \
    "there)\n"
#define CONTEXT                                                                                    \
    "  --context HEX            32 bytes the proof is bound to (chain, market, job, prover); "     \
    "zero\n"                                                                                       \
    "                           by default\n"
#define SRS                                                                                        \
    "  --srs FILE.ptau          powers of tau of a ceremony, when they are not in the cache\n"

static const char all[] =
    "sertn-run: prove that an answer came from a compiled model, and check such proofs.\n"
    "\n"
    "usage: sertn-run COMMAND MODEL.sertn [FILE] [options]\n"
    "       sertn-run COMMAND --help\n"
    "\n"
    "  keys MODEL               make the keys, or --check those of somebody else\n"
    "  prove MODEL              prove the answer to --input, or to each of a folder of inputs\n"
    "  verify MODEL PROOF.json  check a proof; needs only MODEL/public; with --rpc on chain\n"
    "  calldata MODEL PROOF.json   what to send to the verifier contract\n"
    "  check MODEL              every constraint on the witness of --input, failures explained\n"
    "  eval MODEL               outputs of --input beside the float64 reference\n"
    "\n" SHARED "\n"
    "Exit status: 0 done and accepted; 1 a proof or a check was rejected; 2 bad input or usage;\n"
    "3 the surroundings failed (disk, memory, network).\n"
    "\n"
    "examples:\n"
    "  sertn-run prove model.sertn --input in.json -o proof.json\n"
    "  sertn-run verify model.sertn proof.json\n"
    "  sertn-run verify model.sertn proof.json --rpc http://127.0.0.1:8545 --json\n"
    "  sertn-run check model.sertn --input test_data_set_0\n";

static const char keys[] =
    "usage: sertn-run keys MODEL.sertn [--srs FILE.ptau] [--check]\n"
    "\n"
    "Makes the keys of a compiled model: the verifying key with the commitment to the weights, "
    "the\n"
    "proof of their ranges, and the Solidity. prove makes them on first use.\n"
    "\n"
    "  --srs FILE.ptau          powers of tau of a ceremony (snarkjs); else the development SRS,\n"
    "                           which is UNSAFE and for trials only\n"
    "  --check                  instead, recompute a published key from its circuit and check the\n"
    "                           proof of the ranges; needs only MODEL.sertn/public\n" SHARED "\n"
    "examples:\n"
    "  sertn-run keys model.sertn\n"
    "  sertn-run keys model.sertn --srs powersOfTau28_hez_final_16.ptau\n"
    "  sertn-run keys model.sertn --check\n";

static const char prove[] =
    "usage: sertn-run prove MODEL.sertn --input FILE -o PROOF.json [options]\n"
    "\n"
    "Proves the answer of the model to an input. Several inputs (a folder, rows of a table) give\n"
    "several proofs, in a folder. Keys are made when there are none.\n"
    "\n" INPUT
    "  -o FILE                  where the proof goes, - for standard output; a folder when there\n"
    "                           are many inputs\n" CONTEXT EVALUATOR
    "  --srs FILE.ptau          the powers of tau the keys stand on, when not in the cache; also\n"
    "                           for keys that are made here\n" SHARED "\n"
    "examples:\n"
    "  sertn-run prove model.sertn --input in.json -o proof.json\n"
    "  echo '{\"input_data\": [[1, 2]]}' | sertn-run prove model.sertn --input - -o proof.json\n"
    "  sertn-run prove model.sertn --input inputs/ -o proofs/ --json\n";

static const char verify[] =
    "usage: sertn-run verify MODEL.sertn PROOF.json [options]\n"
    "\n"
    "Checks a proof (- for standard input) with the model's public folder alone; with --rpc by "
    "the\n"
    "verifier contract on a chain too. Exit status 1 says that it is rejected.\n"
    "\n"
    "  --rpc URL                a node; a development chain (31337) gets the verifier deployed "
    "and\n"
    "                           the proof sent as a transaction, others are called read-only\n"
    "  --verifier ADDRESS       the universal verifier's address on the chain, if it is not the\n"
    "                           one that follows from its code\n"
    "  --deploy                 deploy the verifier where it is missing, paid by --keystore\n"
    "  --keystore FILE          the account that sends (Web3 Secret Storage, version 3); on a\n"
    "                           development chain the node's unlocked account by default\n"
    "  --password-file FILE     its password on the first line; asked at the terminal "
    "otherwise\n" CONTEXT SRS SHARED "\n"
    "examples:\n"
    "  sertn-run verify model.sertn proof.json\n"
    "  sertn-run verify model.sertn proof.json --rpc http://127.0.0.1:8545 --json\n"
    "  sertn-run verify model.sertn proof.json --rpc https://rpc.example.org --deploy \\\n"
    "      --keystore account.json\n";

static const char calldata[] = "usage: sertn-run calldata MODEL.sertn PROOF.json [options]\n"
                               "\n"
                               "Prints what the verifier contract is called with: the call data in "
                               "hex on the first line, then\n"
                               "the function's signature and its arguments, one a line, as `cast "
                               "calldata` takes them. Checks\n"
                               "nothing.\n"
                               "\n" CONTEXT SHARED "\n"
                               "examples:\n"
                               "  sertn-run calldata model.sertn proof.json | head -1\n"
                               "  sertn-run calldata model.sertn proof.json --json\n";

static const char check[] =
    "usage: sertn-run check MODEL.sertn --input FILE [options]\n"
    "\n"
    "Runs the circuit on an input and evaluates every constraint on the witness; each that fails "
    "is\n"
    "explained with its node, element and values. Needs the private folder, but no keys.\n"
    "\n" INPUT EVALUATOR SHARED "\n"
    "examples:\n"
    "  sertn-run check model.sertn --input in.json\n"
    "  sertn-run check model.sertn --input test_data_set_0 --json\n";

static const char eval[] = "usage: sertn-run eval MODEL.sertn --input FILE [options]\n"
                           "\n"
                           "Prints the outputs as the circuit computes them, beside those of the "
                           "ONNX model in float64, and\n"
                           "the error; over many inputs also how many agree in every label.\n"
                           "\n" INPUT "  --model FILE.onnx        the model to compare with; by "
                           "default where it was compiled from\n" EVALUATOR SHARED "\n"
                           "examples:\n"
                           "  sertn-run eval model.sertn --input in.json\n"
                           "  sertn-run eval model.sertn --input validation/ --json\n";

const char *run_help(const char *command)
{
    static const struct {
        const char *name, *text;
    } texts[] = {{"keys", keys},         {"prove", prove}, {"verify", verify},
                 {"calldata", calldata}, {"check", check}, {"eval", eval}};
    for (size_t i = 0; command != NULL && i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(command, texts[i].name) == 0)
            return texts[i].text;
    }
    return all;
}
