/* See registry_help.h. */
#include "runtime/tools/registry_help.h"

#include <stddef.h>
#include <string.h>

/* What every command takes. */
#define SHARED                                                                                     \
    "  --json                   one JSON object on standard output, nothing else there\n"          \
    "  --quiet                  no messages\n"                                                     \
    "  --threads N              from 1 to 1024; as many as there are cores by default\n"           \
    "  --help --version\n"
#define NAME "  --name TEXT              who contributes, at most 64 bytes; anybody can read it\n"
#define OUTPUT "  -o FILE.ptau             where the result goes; never the input\n"

static const char all[] =
    "sertn-registry: models on the chain, and ceremonies of the powers of tau that keys stand on.\n"
    "\n"
    "usage: sertn-registry COMMAND [ARGUMENT] [options]\n"
    "       sertn-registry ceremony COMMAND [FILE.ptau] [options]\n"
    "       sertn-registry [ceremony] COMMAND --help\n"
    "\n"
    "  publish MODEL.sertn      store the public folder and register the model on a chain\n"
    "  list                     the models of a registry\n"
    "  show NUMBER              what a buyer needs to judge one\n"
    "  deprecate NUMBER         end new work for one, for ever\n"
    "  sealing-key              the key to which owners seal private models for a node\n"
    "  seal MODEL.sertn         encrypt the private part of a model to nodes\n"
    "  open FILE                decrypt it, as one of them\n"
    "  vet MODEL.sertn          prove how often the model is right: make a backtest\n"
    "  vet MODEL.sertn FILE     verify a backtest\n"
    "  ceremony new             start a ceremony\n"
    "  ceremony contribute FILE add a contribution with secrets of one's own\n"
    "  ceremony beacon FILE     add the last contribution, from a number nobody could foresee\n"
    "  ceremony verify FILE     check every contribution and every power\n"
    "  ceremony import FILE     check it and keep the powers for sertnc and sertn-run\n"
    "  ceremony status          of a ceremony on a chain: whose turn it is, where the file is\n"
    "  ceremony enroll          wait there for a turn\n"
    "  ceremony contribute      take it: fetch the file, contribute, post\n"
    "  ceremony post FILE       post a contribution that was made elsewhere\n"
    "  ceremony skip            end a turn that nobody used\n"
    "  ceremony finish          draw the beacon and end the ceremony\n"
    "  ceremony fetch           the newest file, verified and held to the chain\n"
    "\n"
    "Files of ceremonies are those of snarkjs (powersoftau), for bn128; each takes the other's.\n"
    "\n" SHARED "\n"
    "Exit status: 0 done and accepted; 1 a ceremony is false, or the chain refused; 2 bad input "
    "or\n"
    "usage; 3 the surroundings failed (disk, memory, network).\n"
    "\n"
    "examples:\n"
    "  sertn-registry ceremony new --power 14 -o 0.ptau\n"
    "  sertn-registry ceremony contribute 0.ptau -o 1.ptau --name alice\n"
    "  sertn-registry ceremony beacon 1.ptau -o final.ptau --beacon 0102...1f20\n"
    "  sertn-registry ceremony verify final.ptau --json\n";

#define CHAIN                                                                                      \
    "  --rpc URL                a node of the chain; several with commas between must agree\n"     \
    "  --chain-id N             refuse nodes of any other chain\n"                                 \
    "  --registry ADDRESS       the contract of the registry\n"
#define ACCOUNT                                                                                    \
    "  --keystore FILE          the account that signs and pays (Web3 Secret Storage, version "    \
    "3)\n"                                                                                         \
    "  --password-file FILE     its password on the first line; asked at the terminal "            \
    "otherwise\n"                                                                                  \
    "  --journal FILE           where transactions are written down before they are sent; by\n"    \
    "                           default sertn/journal in $XDG_DATA_HOME or ~/.local/share\n"       \
    "  --max-gas-price GWEI     most that a gas may cost, 200 by default\n"

static const char publish[] =
    "usage: sertn-registry publish MODEL.sertn --rpc URL --registry ADDRESS --keystore FILE "
    "[options]\n"
    "\n"
    "Stores the files of MODEL.sertn/public with a manifest of them, allows the registry to take "
    "its\n"
    "fee, and registers the model. Killed or cut off, it goes on where it was when called again, "
    "and\n"
    "never registers twice. Refuses keys over the development powers, and a public folder with\n"
    "anything that does not belong there.\n"
    "\n" CHAIN ACCOUNT "  --royalty N              what the owner earns with each answer, in the "
    "token's smallest unit\n"
    "  --max-fee N              the most that registering may cost, likewise\n"
    "  --store FOLDER           the local store; sertn/store beside the journal by default\n"
    "  --ipfs URL               also add the files to this IPFS node (its RPC, port 5001)\n"
    "  --arweave URL            also put them to Arweave through this gateway, paid by --wallet\n"
    "  --wallet FILE            the wallet (JSON web key, RSA of 4096 bits)\n"
    "  --max-reward WINSTON     the most that one file may cost there; 0.5 AR by default\n" SHARED
    "\n"
    "examples:\n"
    "  sertn-registry publish model.sertn --rpc https://rpc.example.org --registry 0x5FbD...0aa3 "
    "\\\n"
    "      --keystore account.json --royalty 1000000\n";

static const char list[] =
    "usage: sertn-registry list --rpc URL --registry ADDRESS [options]\n"
    "\n"
    "Lists the models of a registry: number, compute cost, owner, uri.\n"
    "\n" CHAIN SHARED "\n"
    "examples:\n"
    "  sertn-registry list --rpc http://127.0.0.1:8545 --registry 0x5FbD...0aa3 --json\n";

static const char show[] =
    "usage: sertn-registry show NUMBER --rpc URL --registry ADDRESS [options]\n"
    "\n"
    "Prints what a buyer needs to judge a model. From the chain: owner, whether it takes work,\n"
    "royalty, hashes, the proof system and whether its verifier is live, frozen or stopped. From "
    "the\n"
    "published files, fetched by the uri and compared with the hashes on the chain: inputs and\n"
    "outputs, compute cost as the key gives it, and what the owner claims beside. With --viewer "
    "how\n"
    "the last jobs ended and what the next one costs, with --vetting its backtests. Exit status 1\n"
    "says that the files are not those that were registered.\n"
    "\n" CHAIN "  --viewer ADDRESS         the contract that answers questions about a market\n"
    "  --vetting ADDRESS        the contract of backtests\n"
    "  --store FOLDER           the local store that is looked in first\n"
    "  --ipfs URL               an IPFS node to fetch from (its RPC, port 5001)\n"
    "  --arweave URL            a gateway of Arweave to fetch from\n"
    "  -o MODEL.sertn           keep the files as a model folder, for sertn-run verify\n" SHARED
    "\n"
    "examples:\n"
    "  sertn-registry show 3 --rpc http://127.0.0.1:8545 --registry 0x5FbD...0aa3\n"
    "  sertn-registry show 3 --rpc https://a.example,https://b.example,https://c.example \\\n"
    "      --registry 0x5FbD...0aa3 --ipfs http://127.0.0.1:5001 -o bought.sertn\n";

static const char deprecate[] =
    "usage: sertn-registry deprecate NUMBER --rpc URL --registry ADDRESS --keystore FILE "
    "[options]\n"
    "\n"
    "Ends new work for a model, for ever; jobs that are under way are settled. Only its owner "
    "may.\n"
    "\n" CHAIN ACCOUNT SHARED "\n"
    "examples:\n"
    "  sertn-registry deprecate 3 --rpc http://127.0.0.1:8545 --registry 0x5FbD...0aa3 \\\n"
    "      --keystore account.json\n";

static const char vet[] =
    "usage: sertn-registry vet MODEL.sertn --data PATH --labels FILE -o BACKTEST.json [options]\n"
    "       sertn-registry vet MODEL.sertn BACKTEST.json [--rpc URL --vetting ADDRESS]\n"
    "\n"
    "The first form proves the model's answer to every input of the data and counts how many are\n"
    "within a tolerance of their labels. With --vetting the data are committed to on a chain "
    "before\n"
    "anything is proved, and the chain checks and counts by itself; called again, it goes on where "
    "it\n"
    "was. The second form verifies such a file with MODEL.sertn/public alone: every proof, inputs "
    "and\n"
    "labels against the root, the count; with --rpc also that the chain says the same. Exit status "
    "1\n"
    "says that something is false. The output has to be public, inputs public or hashed: of "
    "hashed\n"
    "ones nobody sees anything, neither what they are nor whether rows repeat.\n"
    "\n"
    "  --data PATH              inputs, as for sertn-run prove: one row each\n"
    "  --labels FILE            the right answers: a JSON list, or lines\n"
    "  --score NAME[:ELEMENT]   the output that is compared; the first element of the first "
    "output\n"
    "                           by default\n"
    "  --tolerance X            largest distance of an answer from its label that counts as right, "
    "in\n"
    "                           the units of the output; 0 by default\n"
    "  --from DATE --to DATE    the period of the data, as 2026-01-31\n"
    "  -o FILE                  where the backtest goes\n"
    "  --srs FILE.ptau          powers of tau of a ceremony, when they are not in the cache\n"
    "  --rpc URL                a node of the chain; several with commas between must agree\n"
    "  --chain-id N             refuse nodes of any other chain\n"
    "  --vetting ADDRESS        the contract of backtests\n"
    "  --number N               the model's number in the registry\n"
    "  --days N                 time to prove it in, 7 by default\n"
    "  --store FOLDER --ipfs URL   where inputs and labels are kept for all to see\n" ACCOUNT SHARED
    "\n"
    "examples:\n"
    "  sertn-registry vet model.sertn --data year2025.csv --labels truth.txt --tolerance 0.5 \\\n"
    "      -o backtest.json\n"
    "  sertn-registry vet bought.sertn backtest.json\n";

static const char new[] =
    "usage: sertn-registry ceremony new --power N -o FILE.ptau [options]\n"
    "\n"
    "Starts a ceremony of 2^N powers of tau. Its secrets are 1 until somebody contributes.\n"
    "\n"
    "  --power N                from 1 to 28; keys for R rows need 2^N >= R\n" OUTPUT SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony new --power 14 -o 0.ptau\n";

#define ON_CHAIN                                                                                   \
    "  --rpc URL                a node of the chain; several with commas between must agree\n"     \
    "  --chain-id N             refuse nodes of any other chain\n"                                 \
    "  --ceremony ADDRESS       the contract of the ceremony\n"
#define FROM "  --from-block N           no event of the ceremony is older\n"
#define STORES                                                                                     \
    "  --store DIR              the local store; by default sertn/store in $XDG_DATA_HOME or\n"    \
    "                           ~/.local/share\n"                                                  \
    "  --ipfs URL               the RPC of an IPFS node\n"
#define GATEWAY "  --arweave URL            a gateway of Arweave, to read from\n"
#define URI                                                                                        \
    "  --uri TEXT               where the new file will be, when you put it there yourself\n"

static const char contribute[] =
    "usage: sertn-registry ceremony contribute FILE.ptau -o NEW.ptau [options]\n"
    "       sertn-registry ceremony contribute [FILE.ptau] -o NEW.ptau --rpc URL --ceremony "
    "ADDRESS\n"
    "           --keystore FILE [options]\n"
    "\n"
    "Multiplies the powers by secrets of one's own, which are forgotten at the end, and adds the\n"
    "proofs that they were known. The secrets come from the system's random numbers, and from a "
    "text\n"
    "of one's own if there is one. Publish the response that is printed: whoever reads the final\n"
    "file can then see that the contribution is in it.\n"
    "\n" NAME "  --entropy FILE           bytes that are mixed into the secrets; - for standard "
    "input\n" OUTPUT "\n"
    "In a ceremony on a chain, in the turn of the account's node: fetches the newest file (or "
    "takes\n"
    "the one that is given, for the first contribution that of ceremony new), holds it to the "
    "chain,\n"
    "verifies it, contributes, puts the new file into the store and posts it. When posting fails "
    "the\n"
    "new file is whole: ceremony post hands it in.\n"
    "\n" ON_CHAIN FROM ACCOUNT STORES GATEWAY URI SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony contribute 0.ptau -o 1.ptau --name alice\n"
    "  sertn-registry ceremony contribute -o 2.ptau --rpc http://127.0.0.1:8545 --ceremony "
    "0x5FbD...0aa3 \\\n"
    "      --keystore account.json --ipfs http://127.0.0.1:5001\n"
    "  head -c 64 /dev/hwrng | sertn-registry ceremony contribute 1.ptau -o 2.ptau --entropy -\n";

static const char beacon[] =
    "usage: sertn-registry ceremony beacon FILE.ptau --beacon HEX -o NEW.ptau [options]\n"
    "\n"
    "Adds a contribution whose secrets follow from a public number that nobody could know before\n"
    "(the hash of a block announced in advance): SHA-256 of it, 2^N times. Nothing of it is "
    "secret.\n"
    "\n"
    "  --beacon HEX             the number, up to 255 bytes\n"
    "  --rounds N               from 10 to 36, 10 by default: 2^N rounds of SHA-256\n" NAME OUTPUT
        SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony beacon 3.ptau --beacon 000000000000000000034e5b --rounds 20 -o "
    "final.ptau\n";

static const char verify[] =
    "usage: sertn-registry ceremony verify FILE.ptau [options]\n"
    "\n"
    "Checks that every point is in its group, that the powers are those of the last contribution,\n"
    "that each contribution follows from the one before by secrets its maker proved to know, and "
    "all\n"
    "digests between. Lists the contributions: who made one finds his response there. Exit status "
    "1 says that something is false. The\n"
    "sections for phase 2 of Groth16 are not looked at, since nothing here uses them.\n"
    "\n" SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony verify final.ptau\n"
    "  sertn-registry ceremony verify final.ptau --json\n";

static const char import[] =
    "usage: sertn-registry ceremony import FILE.ptau [options]\n"
    "\n"
    "Verifies a ceremony and keeps its powers in the cache folder, so that keys over it need no "
    "--srs\n"
    "any more. Prints the digest that names it.\n"
    "\n"
    "  --power N                keep 2^N powers only, which takes 64 bytes each; all by "
    "default\n" SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony import final.ptau\n"
    "  sertn-registry ceremony import powersOfTau28_hez_final_20.ptau --power 16\n";

static const char ceremony_status[] =
    "usage: sertn-registry ceremony status --rpc URL --ceremony ADDRESS [options]\n"
    "\n"
    "What the chain says of a ceremony: contributions, whose turn it is, the beacon, the end, and "
    "where\n"
    "the newest file is.\n"
    "\n" ON_CHAIN FROM SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony status --rpc http://127.0.0.1:8545 --ceremony 0x5FbD...0aa3\n";

static const char enroll[] =
    "usage: sertn-registry ceremony enroll --rpc URL --ceremony ADDRESS --keystore FILE [options]\n"
    "\n"
    "Puts a node with the pools' least stake into the queue of a ceremony.\n"
    "\n"
    "  --node ADDRESS           the node, when the account is its operator\n" ON_CHAIN ACCOUNT
        SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony enroll --rpc http://127.0.0.1:8545 --ceremony 0x5FbD...0aa3 \\\n"
    "      --keystore account.json\n";

static const char post[] =
    "usage: sertn-registry ceremony post FILE.ptau --rpc URL --ceremony ADDRESS --keystore FILE\n"
    "           [options]\n"
    "\n"
    "Verifies a file that has one contribution more than the chain, or the beacon that the "
    "ceremony\n"
    "drew, puts it into the store and posts it. Again, it finds that the chain has it.\n"
    "\n" ON_CHAIN ACCOUNT STORES URI SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony post 2.ptau --rpc http://127.0.0.1:8545 --ceremony 0x5FbD...0aa3 "
    "\\\n"
    "      --keystore account.json\n";

static const char skip[] =
    "usage: sertn-registry ceremony skip --rpc URL --ceremony ADDRESS --keystore FILE [options]\n"
    "\n"
    "Ends a turn whose time is over. Anybody may.\n"
    "\n" ON_CHAIN ACCOUNT SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony skip --rpc http://127.0.0.1:8545 --ceremony 0x5FbD...0aa3 \\\n"
    "      --keystore account.json\n";

static const char finish[] =
    "usage: sertn-registry ceremony finish [FILE.ptau] -o LAST.ptau --rpc URL --ceremony ADDRESS\n"
    "           --keystore FILE [options]\n"
    "\n"
    "Does what is due after enrolment and all turns: names the block of the beacon; given again "
    "when\n"
    "the block is there, within 256 blocks, takes its hash, multiplies it in, and posts the last "
    "file.\n"
    "Anybody may.\n"
    "\n" ON_CHAIN FROM ACCOUNT STORES GATEWAY URI NAME OUTPUT SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony finish -o last.ptau --rpc http://127.0.0.1:8545 \\\n"
    "      --ceremony 0x5FbD...0aa3 --keystore account.json\n";

static const char fetch[] =
    "usage: sertn-registry ceremony fetch -o FILE.ptau --rpc URL --ceremony ADDRESS [options]\n"
    "\n"
    "Gets the newest file, after the end the last one, from where its contribution says. It is\n"
    "written when its entries are those of the chain and its powers verify; ceremony import then\n"
    "keeps them for sertnc and sertn-run.\n"
    "\n" ON_CHAIN FROM STORES GATEWAY OUTPUT SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony fetch -o last.ptau --rpc http://127.0.0.1:8545 \\\n"
    "      --ceremony 0x5FbD...0aa3 --ipfs http://127.0.0.1:5001\n";

#define NODE_ACCOUNT                                                                               \
    "  --keystore FILE          the node's account (Web3 Secret Storage, version 3)\n"             \
    "  --password-file FILE     its password on the first line; asked at the terminal "            \
    "otherwise\n"

static const char sealing_key[] =
    "usage: sertn-registry sealing-key --keystore FILE [options]\n"
    "\n"
    "Prints the public key to which owners of private models seal them for this node. It follows\n"
    "from the account's key.\n"
    "\n" NODE_ACCOUNT SHARED "\n"
    "examples:\n"
    "  sertn-registry sealing-key --keystore account.json\n";

static const char seal[] =
    "usage: sertn-registry seal MODEL.sertn --admit KEY,KEY... -o FILE [options]\n"
    "\n"
    "Encrypts weights and proving data of a model to the nodes that may prove it. Whoever else "
    "has\n"
    "the file learns nothing but its size and whom it is for. Nodes that were admitted once keep\n"
    "what they have.\n"
    "\n"
    "  --admit KEYS             what sertn-registry sealing-key prints at each node, commas\n"
    "                           between\n"
    "  -o FILE                  the sealed file\n" SHARED "\n"
    "examples:\n"
    "  sertn-registry seal model.sertn --admit 3a0f...77c1,90b2...1e04 -o model.sealed\n";

static const char open_text[] =
    "usage: sertn-registry open FILE -o MODEL.sertn --keystore FILE [options]\n"
    "\n"
    "Decrypts a sealed file into MODEL.sertn/private (mode 0600), beside the public folder that\n"
    "show -o put there.\n"
    "\n"
    "  -o FOLDER                the model's folder\n" NODE_ACCOUNT SHARED "\n"
    "examples:\n"
    "  sertn-registry open model.sealed -o model.sertn --keystore account.json\n";

const char *registry_help(const char *command)
{
    static const struct {
        const char *name, *text;
    } texts[] = {{"publish", publish},
                 {"list", list},
                 {"show", show},
                 {"deprecate", deprecate},
                 {"vet", vet},
                 {"new", new},
                 {"contribute", contribute},
                 {"beacon", beacon},
                 {"verify", verify},
                 {"import", import},
                 {"status", ceremony_status},
                 {"enroll", enroll},
                 {"post", post},
                 {"skip", skip},
                 {"finish", finish},
                 {"fetch", fetch},
                 {"sealing-key", sealing_key},
                 {"seal", seal},
                 {"open", open_text}};
    for (size_t i = 0; command != NULL && i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(command, texts[i].name) == 0)
            return texts[i].text;
    }
    return all;
}
