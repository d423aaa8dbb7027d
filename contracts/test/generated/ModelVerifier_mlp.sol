// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";

/// @title Answers of one model, checked by the universal verifier.
/// @notice Made by Sertn for the circuit 0x7e06dc58993f7885b96a0589fb8d818bbc21c073a2c7ae0478f7b8c9b1d3e441. Holds the verifying key and turns public words into numbers.
contract ModelVerifier_mlp {
    /// @notice The proof is not one of this model for these words and this context.
    error ProofRejected();
    /// @notice The number of public words differs from the model's.
    error WrongWordCount(uint256 given, uint256 expected);

    /// @notice keccak256 of the verifying key.
    bytes32 public constant VK_DIGEST = 0xfdc17c373c82807a2e5b6e2e1040cd8f386e2747ac329ee62a79f1bf564be06b;
    /// @notice Digest of the circuit that the key is of.
    bytes32 public constant CIRCUIT_DIGEST = 0x7e06dc58993f7885b96a0589fb8d818bbc21c073a2c7ae0478f7b8c9b1d3e441;
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
        return hex"53564b3101000b050200000000000000000000000000000000000001000000007e06dc58993f7885b96a0589fb8d818bbc21c073a2c7ae0478f7b8c9b1d3e44197f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba922cbe48e794138aa134f20d5c787aea509a651eccf7c65d40053b6eba2f806104232c1e6e7df6a37657411bb4af5cb227466acc1ffece5e31d2990ff0116ccd430d6e34bcd2f34a51bd003e2d84c980f07ae609cd714c958d564c20da1864e0d7015e65f7c5410cdaa85ae113c8da116cff9b23b0b3e2a9e4cf767c1d9559786e2de7dc000d7015ce8cfd44d9a3822019c7171fb9890bb006f7247df8e2ab97d20969d72eb9f7908a3e5dd5258db89b6b49d1e213f019dea5a9f658be41c983641e81913ea1e995d184445ad9a3fd3950ab151ef3175bd3e7ca1656b8c97abf081e1772a67cb4fe5e0e7c8542c38a200be82cf18f08b8a1297414f0a04ca667fb1a49aecdfe84b63d294cd5e32346b4bc6c518509fa27522e67d4bf5cbc80d57117b7fd87ebf18f39895d8fe6a0028fc183bd3882f9cd3540a72dd0cb97b03421";
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

    /// @notice Output output: real numbers with 18 decimals, rounded toward zero.
    /// @param words all public words of a claim.
    /// @return values the output, row-major.
    function output_output_0(uint256[] calldata words) external pure returns (int256[] memory values) {
        values = _unpack(words, Layout(0, 0, 45, 3, 0, 1e18 * 1, 1, -24));
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
