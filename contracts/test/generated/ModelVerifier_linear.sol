// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";

/// @title Answers of one model, checked by the universal verifier.
/// @notice Made by Sertn for the circuit 0xf21152e3cedc981cc32842ab3e0d30fe252a09435cbce066b313a02efdf4f2bc. Holds the verifying key and turns public words into numbers.
contract ModelVerifier_linear {
    /// @notice The proof is not one of this model for these words and this context.
    error ProofRejected();
    /// @notice The number of public words differs from the model's.
    error WrongWordCount(uint256 given, uint256 expected);

    /// @notice keccak256 of the verifying key.
    bytes32 public constant VK_DIGEST = 0x7e53daf6f4685333162c85b0c0db53221f9ae2057a3afc1038860f5fe650417b;
    bytes32 public constant CIRCUIT_DIGEST = 0xf21152e3cedc981cc32842ab3e0d30fe252a09435cbce066b313a02efdf4f2bc;
    uint256 public constant WORDS = 1;
    /// @notice Universal verifier, whose reference string must be the one the key was made over.
    IPlonkVerifier public immutable VERIFIER;

    /// @dev Widths of packed words never pass this many bits.
    uint256 private constant WORD_BITS = 253;

    /// @notice The verifier trusts another reference string than the key.
    error WrongReferenceString(bytes32 given, bytes32 expected);

    constructor(IPlonkVerifier verifier) {
        bytes32 digest = verifier.srsDigest();
        if (digest != 0x97f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba92) {
            revert WrongReferenceString(digest, 0x97f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba92);
        }
        VERIFIER = verifier;
    }

    /// @notice The verifying key's bytes.
    function verifyingKey() public pure returns (bytes memory) {
        return hex"53564b3101000505010000000000000000000000000000000000000100000000f21152e3cedc981cc32842ab3e0d30fe252a09435cbce066b313a02efdf4f2bc97f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba921d45d6f3622082751902bd74e94de292992865520f085514b302341c1533bf1004ed604ad9669d0d85e98a4001aa6bd502c3e47e2bd8d2725170beb7a55b71dc0f21e74167a1933fbb035bb5d2ae4de9cdbcb3d0e5494796e747a57fce36f2c717ccf5f8599086673526263006f1d9fcdb7b6a8b09f92b686812142e6c8129d90e27536cb0349def947845f5e09d70390198ff4ca0c9afdbed0c2d570dc6fb141222d305af40142d2bddd9b8866456c09de8af7a93bdc94edd0dc64a42bce948";
    }

    /// @notice Whether the proof holds for these words and this context.
    function verify(bytes32 context, uint256[] calldata words, bytes calldata proof) public view returns (bool) {
        return VERIFIER.verify(VK_DIGEST, verifyingKey(), context, words, proof);
    }

    /// @notice Reverts unless the proof holds; for consumers that act on the answer in the same transaction.
    function requireProof(bytes32 context, uint256[] calldata words, bytes calldata proof) external view {
        if (!verify(context, words, proof)) revert ProofRejected();
    }

    /// @notice Output variable: real numbers with 18 decimals, rounded toward zero.
    function output_variable_0(uint256[] calldata words) external pure returns (int256[] memory values) {
        values = _unpack(words, Layout(0, 0, 43, 1, -4398046511104, 1e18 * 1, 1, -31));
    }

    /// @dev Where the values of an output stand and what they mean: `count` values of `bits` bits from bit `shift` of word `word` on, a value never crossing a
    ///      word; each is `low` more than what stands there, times numerator / denominator * 2^exponent.
    struct Layout {
        uint256 word;
        uint256 shift;
        uint256 bits;
        uint256 count;
        int256 low;
        int256 numerator;
        int256 denominator;
        int256 exponent;
    }

    function _unpack(uint256[] calldata words, Layout memory packed) private pure returns (int256[] memory values) {
        if (words.length != WORDS) revert WrongWordCount(words.length, WORDS);
        values = new int256[](packed.count);
        uint256 mask = (1 << packed.bits) - 1;
        for (uint256 i = 0; i < packed.count; ++i) {
            if (packed.shift + packed.bits > WORD_BITS && packed.shift != 0) {
                ++packed.word;
                packed.shift = 0;
            }
            int256 value = (int256((words[packed.word] >> packed.shift) & mask) + packed.low) * packed.numerator;
            if (packed.exponent < 0) value /= int256(uint256(1) << uint256(-packed.exponent));
            else value *= int256(uint256(1) << uint256(packed.exponent));
            values[i] = value / packed.denominator;
            packed.shift += packed.bits;
        }
    }
}
