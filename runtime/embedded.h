/* Files that are part of the program: made by sertn_embed in CMake. A zero byte follows each, which
 * the count leaves out. */
#ifndef SERTN_RUNTIME_EMBEDDED_H
#define SERTN_RUNTIME_EMBEDDED_H

#include <stddef.h>

extern const unsigned char
    embedded_verifier_code[]; /* contracts/bytecode/PlonkVerifier.bin: hex of the creation code */
extern const size_t embedded_verifier_code_bytes;
extern const unsigned char embedded_verifier_source[]; /* contracts/src/PlonkVerifier.sol */
extern const size_t embedded_verifier_source_bytes;
extern const unsigned char embedded_verifier_interface[]; /* contracts/src/IPlonkVerifier.sol */
extern const size_t embedded_verifier_interface_bytes;
extern const unsigned char embedded_model_template[]; /* contracts/templates/ModelVerifier.sol.in */
extern const size_t embedded_model_template_bytes;

#endif
