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
#define MARKET                                                                                     \
    "  --rpc URL                a node of the chain; several with commas between must agree\n"     \
    "  --chain-id N             refuse nodes of any other chain\n"                                 \
    "  --market ADDRESS         the contract of the market\n"
#define ACCOUNT                                                                                    \
    "  --keystore FILE          the account that signs and pays (Web3 Secret Storage, version "    \
    "3)\n"                                                                                         \
    "  --password-file FILE     its password on the first line; asked at the terminal "            \
    "otherwise\n"                                                                                  \
    "  --journal FILE           where transactions are written down before they are sent; by\n"    \
    "                           default sertn/journal in $XDG_DATA_HOME or ~/.local/share\n"       \
    "  --max-gas-price GWEI     most that a gas may cost, 200 by default\n"
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
    "  request MODEL            ask the market for a proved answer, and put its price in escrow\n"
    "  send-request FILE        put a request in the queue that somebody signed; you pay the gas\n"
    "  cancel-request FILE      take a request back that you signed\n"
    "  deposit                  put money into an account of the market\n"
    "  submit MODEL JOB         prove a job of the market, or hand in its proof, and be paid\n"
    "  status JOB               what the market knows of a job\n"
    "  refund JOB               give the price of an unanswered job back after its deadline\n"
    "  claim                    take money out of the market\n"
    "  node                     serve the market: watch, prove, submit, until told to stop\n"
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
    "                           the proof sent as a transaction, others are called read-only; of\n"
    "                           several with commas between, more than half must agree\n"
    "  --chain-id N             refuse nodes of any other chain\n"
    "  --verifier ADDRESS       the universal verifier's address on the chain, if it is not the\n"
    "                           one that follows from its code\n"
    "  --deploy                 deploy the verifier where it is missing, paid by --keystore\n"
    "  --keystore FILE          the account that sends (Web3 Secret Storage, version 3); on a\n"
    "                           development chain the node's unlocked account by default\n"
    "  --password-file FILE     its password on the first line; asked at the terminal "
    "otherwise\n"
    "  --journal FILE           where transactions are written down before they are sent; by\n"
    "                           default sertn/journal in $XDG_DATA_HOME or ~/.local/share\n"
    "  --max-gas-price GWEI     most that a gas may cost, 200 by default\n" CONTEXT SRS SHARED "\n"
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

static const char request[] =
    "usage: sertn-run request MODEL.sertn --input FILE --number N --rpc URL --market ADDRESS\n"
    "                         --keystore FILE [options]\n"
    "\n"
    "Puts a job into the market's queue: which model, which input, by when, for how much. The\n"
    "price goes into escrow, from the account's tokens where it holds too few in the market. "
    "Needs\n"
    "MODEL.sertn/public alone, of a model compiled with --input public, where everybody sees the\n"
    "input, or --input hashed, where the nodes that prove see it and the chain its salted hash\n"
    "alone. The same request again is the same job, also after a kill; --name tells one from\n"
    "another.\n"
    "\n" INPUT MARKET ACCOUNT "  --number N               the model's number in the registry\n"
    "  --deadline SECONDS       from now; an hour by default\n"
    "  --max-price N            the most the job may cost, in the token's smallest unit\n"
    "  --name TEXT              a name for the request, to ask the same twice\n"
    "  --destination ADDRESS    a contract that is told the answer\n"
    "  --callback-gas N         the gas it gets, up to 1000000\n"
    "  --requirement HEX        what the output must meet to be paid (contracts/README.md)\n"
    "  --store FOLDER           put the input there and post its address; inputs above 4096 bytes\n"
    "                           are always stored\n"
    "  --ipfs URL               also add it to this IPFS node (its RPC, port 5001)\n"
    "  --uri URI                where the input is already: ipfs://CID or ar://ID\n"
    "  --seal-to KEY,...        nodes that may open a hashed input; each key as sertn-registry\n"
    "                           sealing-key prints it. Without it the input goes, with its salts,\n"
    "                           to a store that only nodes you choose may reach\n"
    "  --sign-only              send nothing: sign the request (EIP-712) and write it to -o, for\n"
    "                           somebody else to send, who pays the gas; the job is paid from\n"
    "                           your account in the market (deposit)\n"
    "  -o FILE                  where the signed request goes\n"
    "  --expiry SECONDS         how long the signature counts; as long as the market takes the\n"
    "                           deadline by default\n"
    "  --nonce N                number of the signed request, each one once; random by "
    "default\n" SHARED "\n"
    "examples:\n"
    "  sertn-run request model.sertn --input in.json --number 1 --rpc http://127.0.0.1:8545 \\\n"
    "      --market 0x5FbD...0aa3 --keystore account.json --max-price 1000000\n"
    "  sertn-run request model.sertn --input in.json --number 1 --rpc http://127.0.0.1:8545 \\\n"
    "      --market 0x5FbD...0aa3 --keystore account.json --sign-only -o request.json\n";

static const char send_request[] =
    "usage: sertn-run send-request REQUEST.json --rpc URL --keystore FILE [options]\n"
    "\n"
    "Puts a job into the queue that somebody signed with sertn-run request --sign-only. The\n"
    "account that sends pays the gas, the signer's account in the market the job. Refused before\n"
    "anything is paid: a request for another chain, one that is not signed by its requester, was\n"
    "sent before, has expired, or that its requester cannot pay. The market is the one that was\n"
    "signed for. The same file again is the same job.\n"
    "\n" MARKET ACCOUNT SHARED "\n"
    "examples:\n"
    "  sertn-run send-request request.json --rpc http://127.0.0.1:8545 --keystore account.json\n"
    "  cast wallet sign --data --from-file request.json   # the signature, by another wallet\n";

static const char cancel_request[] =
    "usage: sertn-run cancel-request REQUEST.json --rpc URL --keystore FILE [options]\n"
    "\n"
    "Takes back a request that was signed with sertn-run request --sign-only: its number (nonce)\n"
    "is used up on the chain, and nobody can send it any more. Only its requester can.\n"
    "\n" MARKET ACCOUNT SHARED "\n"
    "examples:\n"
    "  sertn-run cancel-request request.json --rpc http://127.0.0.1:8545 \\\n"
    "      --keystore account.json\n";

static const char deposit[] =
    "usage: sertn-run deposit --amount N --rpc URL --market ADDRESS --keystore FILE [options]\n"
    "\n"
    "Moves tokens into an account of the market, which pays the jobs of its owner; sertn-run "
    "claim\n"
    "takes them out. request does so by itself; signed requests need it. The same deposit again "
    "is\n"
    "made once; --name tells one from another.\n"
    "\n" MARKET ACCOUNT "  --amount N               in the token's smallest unit\n"
    "  --to ADDRESS             whose account; the one of the keystore by default\n"
    "  --name TEXT              a name for the deposit, to make the same twice\n" SHARED "\n"
    "examples:\n"
    "  sertn-run deposit --amount 1000000 --rpc http://127.0.0.1:8545 --market 0x5FbD...0aa3 \\\n"
    "      --keystore account.json\n";

static const char submit[] =
    "usage: sertn-run submit MODEL.sertn JOB --rpc URL --market ADDRESS --keystore FILE [options]\n"
    "\n"
    "Fetches the input of a job, proves the answer for this market, job and prover, and hands it\n"
    "in; the prover is paid in the same transaction. With --proof the proof is there already.\n"
    "\n" MARKET ACCOUNT "  --input FILE             the input, if it is not to be fetched\n"
    "  --proof PROOF.json       a proof made with the context of this job and prover\n"
    "  --prover ADDRESS         who is paid; the account by default\n"
    "  --store FOLDER           a local store to look for the input in\n"
    "  --ipfs URL               an IPFS node to fetch it from (its RPC, port 5001)\n"
    "  --arweave URL            a gateway of Arweave\n" SRS SHARED "\n"
    "examples:\n"
    "  sertn-run submit model.sertn 1/7 --rpc http://127.0.0.1:8545 --market 0x5FbD...0aa3 \\\n"
    "      --keystore account.json\n";

static const char status[] =
    "usage: sertn-run status JOB --rpc URL --market ADDRESS [options]\n"
    "\n"
    "Prints what the market knows of a job: state, price, deadline, whose it is. A job is\n"
    "MODEL/PLACE, or its number on the chain in hex.\n"
    "\n" MARKET SHARED "\n"
    "examples:\n"
    "  sertn-run status 1/7 --rpc http://127.0.0.1:8545 --market 0x5FbD...0aa3 --json\n";

static const char refund[] =
    "usage: sertn-run refund JOB --rpc URL --market ADDRESS --keystore FILE [options]\n"
    "\n"
    "Gives the price of an unanswered job back to its requester after the deadline; anyone may.\n"
    "\n" MARKET ACCOUNT SHARED "\n"
    "examples:\n"
    "  sertn-run refund 1/7 --rpc http://127.0.0.1:8545 --market 0x5FbD...0aa3 \\\n"
    "      --keystore account.json\n";

static const char claim[] =
    "usage: sertn-run claim --rpc URL --market ADDRESS --keystore FILE [options]\n"
    "\n"
    "Takes what the account holds in the market out of it: payments for proofs, those too that wait\n"
    "in jobs, royalties, money that was refunded.\n"
    "\n" MARKET ACCOUNT
    "  --number N               first move what this model has earned to its owner's account\n"
    "  --to ADDRESS             where the tokens go; the account itself by default\n" SHARED "\n"
    "examples:\n"
    "  sertn-run claim --rpc http://127.0.0.1:8545 --market 0x5FbD...0aa3 \\\n"
    "      --keystore account.json\n";

static const char node[] =
    "usage: sertn-run node --config FILE [--drain]\n"
    "\n"
    "Serves the market: watches requests and assignments, fetches inputs, proves them in child\n"
    "processes with bounds on memory, time and what they may do, submits, and is paid. Every step\n"
    "is written down before it is done, so it may be killed at any time and started again.\n"
    "contracts/OPERATIONS.md says what the configuration holds.\n"
    "\n"
    "  --config FILE            the configuration, JSON\n"
    "  --drain                  end when no job is left to serve\n" SHARED "\n"
    "examples:\n"
    "  sertn-run node --config /etc/sertn/node.json\n";

const char *run_help(const char *command)
{
    static const struct {
        const char *name, *text;
    } texts[] = {{"keys", keys},
                 {"prove", prove},
                 {"verify", verify},
                 {"calldata", calldata},
                 {"check", check},
                 {"eval", eval},
                 {"request", request},
                 {"send-request", send_request},
                 {"cancel-request", cancel_request},
                 {"deposit", deposit},
                 {"submit", submit},
                 {"status", status},
                 {"refund", refund},
                 {"claim", claim},
                 {"node", node}};
    for (size_t i = 0; command != NULL && i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(command, texts[i].name) == 0)
            return texts[i].text;
    }
    return all;
}
