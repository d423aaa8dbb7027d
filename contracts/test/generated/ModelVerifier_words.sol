// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";

/// @title Answers of one model, checked by the universal verifier.
/// @notice Made by Sertn for the circuit 0x444141030ea29ce6d091742e313bedd6036a520e10dfa791ebfeeb15b1e0c857. Holds the verifying key and turns public words into numbers.
contract ModelVerifier_words {
    /// @notice The proof is not one of this model for these words and this context.
    error ProofRejected();
    /// @notice The number of public words differs from the model's.
    error WrongWordCount(uint256 given, uint256 expected);

    /// @notice keccak256 of the verifying key.
    bytes32 public constant VK_DIGEST = 0x80f2a71a18ad0eea26973624270deba242ef7603ba0da85052ab4b6d30bb67c0;
    bytes32 public constant CIRCUIT_DIGEST = 0x444141030ea29ce6d091742e313bedd6036a520e10dfa791ebfeeb15b1e0c857;
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
        return hex"53564b3101000b05020000000000000000000000000000000000000100000000444141030ea29ce6d091742e313bedd6036a520e10dfa791ebfeeb15b1e0c85797f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba922e0fdf3c640cae13dc35041b0b0538b8d5a2eeb16712165d504dbeeb1d973cd400ed18c3f121085f8c5d8cc51010e0b2731d13026a79020ad39b8950683c0ad90f48e9c506b80abd3ae6c6dc57d354839c56763214ff33363aef0265cbd609fe2292280bf27cecd088fb413b8840e16d85732127dad738c5bf1365c572a384240a1f094a32da6b9478d2bb617c21838cde4f27440cdb6f92b6c89f41fba7d90b1173b10e4658051246c11201582ba9267edb8ca83ee09a5433accbeb08c81ade27b3fb687d6414e935e6f20f94d37eaaf51b17a36a79117731ceabcf5f45c22d030a94bea11ea1b7ab722911b277306f1e08048a4b7207407070818d7255a33905a7d4785ab759012c04953a7c03815fabf834be1a21c06ee80a0992e5be0b9a104da84aaf9159020b7b27df79c1cef9f4dfc97ffacbba1338f802ac86da5aaa";
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
        values = _unpack(words, Layout(0, 96, 35, 3, 0, 1e18 * 1, 1, -13));
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
