// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";

/// @title Answers of one model, checked by the universal verifier.
/// @notice Made by Sertn for the circuit 0x1853dc08b1eb879e06fd2f588f1923785ca07b7ea31be84f3b8f995a493bfcfa. Holds the verifying key and turns public words into numbers.
contract ModelVerifier_linear {
    /// @notice The proof is not one of this model for these words and this context.
    error ProofRejected();
    /// @notice The number of public words differs from the model's.
    error WrongWordCount(uint256 given, uint256 expected);

    /// @notice keccak256 of the verifying key.
    bytes32 public constant VK_DIGEST = 0xc4e338bea056582587dadeae1038916d500bf4fe9d1cd6f2d0266ccad6cec8bc;
    /// @notice Digest of the circuit that the key is of.
    bytes32 public constant CIRCUIT_DIGEST = 0x1853dc08b1eb879e06fd2f588f1923785ca07b7ea31be84f3b8f995a493bfcfa;
    /// @notice Public words of a claim.
    uint256 public constant WORDS = 1;
    /// @notice Universal verifier, whose reference string must be the one the key was made over.
    IPlonkVerifier public immutable VERIFIER;

    /// @dev Widths of packed words never pass this many bits.
    uint256 private constant WORD_BITS = 253;

    /// @notice The verifier trusts another reference string than the key.
    error WrongReferenceString(bytes32 given, bytes32 expected);

    /// @notice Makes the model's contract.
    /// @param verifier the universal verifier, over the reference string of the key.
    constructor(IPlonkVerifier verifier) {
        bytes32 digest = verifier.srsDigest();
        if (digest != 0x97f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba92) {
            revert WrongReferenceString(digest, 0x97f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba92);
        }
        VERIFIER = verifier;
    }

    /// @notice The verifying key's bytes.
    function verifyingKey() public pure returns (bytes memory) {
        return hex"53564b31010005050100000000000000000000000000000000000001000000001853dc08b1eb879e06fd2f588f1923785ca07b7ea31be84f3b8f995a493bfcfa97f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba922594e387bcbd16e85e56d26159ab6f885a411f886c12c20d4f07c483c2e33c9407bbe3c4b60fb45635d1f739825107d9c91fbea37aa0363674580fa376e9aafb2738340b2272533c9d487c62431febe4f2b8fb4ac3d643974c74338c47dd70a51818e563e7b1b8f2facdf8d1fae2b31c96d75a57355db5523094ceebe67d767109f1bb82fee2f0d330ff84b29b70bca7b8f659e05e79d43c60f17f5ee451efc72470106539c424314393b988b4f2672da6f2741270662bb5377e9ac4b5f0296829adc39e381372cc34a182a9f888b51f392abe40260ee6ac870ddaa4a2c3a8ab260f66f31faee38e14b964e669a3139379c9061fc9945dc484dd108948b4e6b3";
    }

    /// @notice Whether the proof holds for these words and this context.
    /// @param context what the proof is bound to.
    /// @param words all public words of the claim.
    /// @param proof the proof.
    function verify(bytes32 context, uint256[] calldata words, bytes calldata proof) public view returns (bool) {
        return VERIFIER.verify(VK_DIGEST, verifyingKey(), context, words, proof);
    }

    /// @notice Reverts unless the proof holds; for consumers that act on the answer in the same transaction.
    /// @param context what the proof is bound to.
    /// @param words all public words of the claim.
    /// @param proof the proof.
    function requireProof(bytes32 context, uint256[] calldata words, bytes calldata proof) external view {
        if (!verify(context, words, proof)) revert ProofRejected();
    }

    /// @notice Output variable: real numbers with 18 decimals, rounded toward zero.
    /// @param words all public words of a claim.
    /// @return values the output, row-major.
    function output_variable_0(uint256[] calldata words) external pure returns (int256[] memory values) {
        values = _unpack(words, Layout(0, 0, 39, 1, -274877906944, 1e18 * 1, 1, -27));
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
