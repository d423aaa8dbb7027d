// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";

/// @title Answers of one model, checked by the universal verifier.
/// @notice Made by Sertn for the circuit 0x49f168ffa7fdf867a08a1e762f2212f9d9dc80d0ef67f12299de1c43223f5dca. Holds the verifying key and turns public words into numbers.
contract ModelVerifier_mlp {
    /// @notice The proof is not one of this model for these words and this context.
    error ProofRejected();
    /// @notice The number of public words differs from the model's.
    error WrongWordCount(uint256 given, uint256 expected);

    /// @notice keccak256 of the verifying key.
    bytes32 public constant VK_DIGEST = 0x7634d7da31606196924bab7461892ed1351d95668b5bad6bfb72a6cc546ecd44;
    bytes32 public constant CIRCUIT_DIGEST = 0x49f168ffa7fdf867a08a1e762f2212f9d9dc80d0ef67f12299de1c43223f5dca;
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
        return hex"53564b3101000b0502000000000000000000000000000000000000010000000049f168ffa7fdf867a08a1e762f2212f9d9dc80d0ef67f12299de1c43223f5dca97f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba922c91fa8eaede1465aa8eb293cac354048f2e5f940a0311f8991b6c7058c8f9d6300190c7cb4c5c52dc9c0c7fee8cd6a67d7369e6907ab7b0621de5177fd740ec0d09ba6870fded1a7b17b63b8e1da08ffe33cfdf81d4de763369d0a34c47f0ac23f6223c75b70135ca19baf51486e628e4ead4c326ec58a2c060ac5f6a156e661c72149eeb6a39e28b92c2067a909e04b4846a7aaf1fb94644f1d2494d95eb261710e1345d4f2bc1edf5060ada711d682c30c3590cf34ab6a659516e10ade1ba11fc4a88f18f00a5ef5853f9c0a1558936cb65314bc5cbbcc7328ffeee88544f1a3ba17f05d8dc117f1c279fcff65ee02cb79458cf2fac2e6b7009e79d5d43ed";
    }

    /// @notice Whether the proof holds for these words and this context.
    function verify(bytes32 context, uint256[] calldata words, bytes calldata proof) public view returns (bool) {
        return VERIFIER.verify(VK_DIGEST, verifyingKey(), context, words, proof);
    }

    /// @notice Reverts unless the proof holds; for consumers that act on the answer in the same transaction.
    function requireProof(bytes32 context, uint256[] calldata words, bytes calldata proof) external view {
        if (!verify(context, words, proof)) revert ProofRejected();
    }

    /// @notice Output output: real numbers with 18 decimals, rounded toward zero.
    function output_output_0(uint256[] calldata words) external pure returns (int256[] memory values) {
        values = _unpack(words, Layout(0, 0, 37, 3, 0, 1e18 * 1, 1, -15));
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
