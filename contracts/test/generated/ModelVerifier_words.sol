// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";

/// @title Answers of one model, checked by the universal verifier.
/// @notice Made by Sertn for the circuit 0x0253fc65669cdccef2cb8f18df664eba931d2f08bab721fe5c4fb48eb21d8d01. Holds the verifying key and turns public words into numbers.
contract ModelVerifier_words {
    /// @notice The proof is not one of this model for these words and this context.
    error ProofRejected();
    /// @notice The number of public words differs from the model's.
    error WrongWordCount(uint256 given, uint256 expected);

    /// @notice keccak256 of the verifying key.
    bytes32 public constant VK_DIGEST = 0x3024c0d3549e8620d1e6b1943501f9ce02fdea330f75dedc6b2dd12f7e375a0b;
    bytes32 public constant CIRCUIT_DIGEST = 0x0253fc65669cdccef2cb8f18df664eba931d2f08bab721fe5c4fb48eb21d8d01;
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
        return hex"53564b3101000b050200000000000000000000000000000000000001000000000253fc65669cdccef2cb8f18df664eba931d2f08bab721fe5c4fb48eb21d8d0197f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba9221444ae23548f66ad3fd7d3466f201c060c51cf36aa07dd8aff0da71eafd86b50930fbf9ad68717038d4d27a99d90eb686e7a8fd4f958f6d373cdb0e7146e34a1b376285bc622f764fb11cf4d0055839f0f0cc031760208beeb509d78bb9082f147b3de44b09b76e4d2c9c80ab5ecca5de6dfac59b08436fa6a4c44bad26f718290d995f2ef8ee1f0eb1d382242dcb127f5c50b1aa06eee85a4c13b688447b811ebd10d15db36dcb2c81d4f23a15925f34eeee56c5e78336a08646ddd0bdce3902911154c64685bd9914a76d22364f1bc3a6422276269a854e8979fc3ec810030a27e549d5dd1f9463bff966758a8effbf855a2a1e5aaa4789a72fef7f67e82d";
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
        values = _unpack(words, Layout(0, 104, 37, 3, 0, 1e18 * 1, 1, -15));
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
