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
    "sertn-registry: ceremonies of powers of tau, whose files keys are made over.\n"
    "\n"
    "usage: sertn-registry ceremony COMMAND [FILE.ptau] [options]\n"
    "       sertn-registry ceremony COMMAND --help\n"
    "\n"
    "  ceremony new             start a ceremony\n"
    "  ceremony contribute FILE add a contribution with secrets of one's own\n"
    "  ceremony beacon FILE     add the last contribution, from a number nobody could foresee\n"
    "  ceremony verify FILE     check every contribution and every power\n"
    "  ceremony import FILE     check it and keep the powers for sertnc and sertn-run\n"
    "\n"
    "Files are those of snarkjs (powersoftau), for bn128; each of the two takes the other's.\n"
    "\n" SHARED "\n"
    "Exit status: 0 done and accepted; 1 a ceremony is false; 2 bad input or usage; 3 the\n"
    "surroundings failed (disk, memory).\n"
    "\n"
    "examples:\n"
    "  sertn-registry ceremony new --power 14 -o 0.ptau\n"
    "  sertn-registry ceremony contribute 0.ptau -o 1.ptau --name alice\n"
    "  sertn-registry ceremony beacon 1.ptau -o final.ptau --beacon 0102...1f20\n"
    "  sertn-registry ceremony verify final.ptau --json\n";

static const char new[] =
    "usage: sertn-registry ceremony new --power N -o FILE.ptau [options]\n"
    "\n"
    "Starts a ceremony of 2^N powers of tau. Its secrets are 1 until somebody contributes.\n"
    "\n"
    "  --power N                from 1 to 28; keys for R rows need 2^N >= R\n" OUTPUT SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony new --power 14 -o 0.ptau\n";

static const char contribute[] =
    "usage: sertn-registry ceremony contribute FILE.ptau -o NEW.ptau [options]\n"
    "\n"
    "Multiplies the powers by secrets of one's own, which are forgotten at the end, and adds the\n"
    "proofs that they were known. The secrets come from the system's random numbers, and from a "
    "text\n"
    "of one's own if there is one. Publish the response that is printed: whoever reads the final\n"
    "file can then see that the contribution is in it.\n"
    "\n" NAME "  --entropy FILE           bytes that are mixed into the secrets; - for standard "
    "input\n" OUTPUT SHARED "\n"
    "examples:\n"
    "  sertn-registry ceremony contribute 0.ptau -o 1.ptau --name alice\n"
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

const char *registry_help(const char *command)
{
    static const struct {
        const char *name, *text;
    } texts[] = {{"new", new},
                 {"contribute", contribute},
                 {"beacon", beacon},
                 {"verify", verify},
                 {"import", import}};
    for (size_t i = 0; command != NULL && i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(command, texts[i].name) == 0)
            return texts[i].text;
    }
    return all;
}
