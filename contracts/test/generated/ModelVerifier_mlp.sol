// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";

/// @title Answers of one model, checked by the universal verifier.
/// @notice Made by Sertn for the circuit 0x2c3f1bfc127642ebc2b507149735ea00cd87fbaedb9fad922e8a84246b8f6eb7. Holds the verifying key and turns public words into numbers.
contract ModelVerifier_mlp {
    /// @notice The proof is not one of this model for these words and this context.
    error ProofRejected();
    /// @notice The number of public words differs from the model's.
    error WrongWordCount(uint256 given, uint256 expected);

    /// @notice keccak256 of the verifying key.
    bytes32 public constant VK_DIGEST = 0x53196e5556d4a00af083cb5defec7c23baf6a99e7c47abfd0bdcc866b77ec900;
    bytes32 public constant CIRCUIT_DIGEST = 0x2c3f1bfc127642ebc2b507149735ea00cd87fbaedb9fad922e8a84246b8f6eb7;
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
        return hex"53564b3101000b050200000000000000000000000000000000000001000000002c3f1bfc127642ebc2b507149735ea00cd87fbaedb9fad922e8a84246b8f6eb797f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba92248f95a5408becaeabb600a3e803a65cc62cd3ce1aa027671f909a72e1fe7fa81fbadf8c3d43be75f9412e04f6b1dc948b93248f48957ebd6e11a203f0d3a41b0f48e9c506b80abd3ae6c6dc57d354839c56763214ff33363aef0265cbd609fe2292280bf27cecd088fb413b8840e16d85732127dad738c5bf1365c572a384242ca19e254bf94f8106d1dcfd0260d81736bc274f740462f8d9bd5ad5a7bce86e2fe81187ff8d579a6b6b758a1a767aa27c918c7a5551add44770af0a4725767921ff9e8d3f079780d0250eb43c4124cbe702a934292a42707e0a45b83a74b2340d47895b64f721ed1f38f642d0e637818b9ff04c595133dee1a5b812539f45c01e39d5aac2f88bf5902120c230fdb069b8c815033536d19d3dd1f8e066e37cfa0d0336daf442a9cd1bdb6a1ea7e1e78a7d2b50e4c919b81af9f0372daa6da3a4";
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
        values = _unpack(words, Layout(0, 0, 35, 3, 0, 1e18 * 1, 1, -13));
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
