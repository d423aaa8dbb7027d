// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";

/// @title Answers of one model, checked by the universal verifier.
/// @notice Made by Sertn for the circuit 0x1dcbedd3cc70bce443555b0023674c4c60a75916c4968479e615c330a262b08b. Holds the verifying key and turns public words into numbers.
contract ModelVerifier_words {
    /// @notice The proof is not one of this model for these words and this context.
    error ProofRejected();
    /// @notice The number of public words differs from the model's.
    error WrongWordCount(uint256 given, uint256 expected);

    /// @notice keccak256 of the verifying key.
    bytes32 public constant VK_DIGEST = 0xd293d8da0f2125460134ba8cd597a849d9f8e81464631fe6d8365962f2e6ddaa;
    /// @notice Digest of the circuit that the key is of.
    bytes32 public constant CIRCUIT_DIGEST = 0x1dcbedd3cc70bce443555b0023674c4c60a75916c4968479e615c330a262b08b;
    /// @notice Public words of a claim.
    uint256 public constant WORDS = 2;
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
        return hex"53564b3101000b050200000000000000000000000000000000000002000000001dcbedd3cc70bce443555b0023674c4c60a75916c4968479e615c330a262b08b97f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba921a6a3a097f844ca8c34388ef578410dd19114b4c5e9c8180d21a7f41867db49908b9bd9f13b8a5dbf3258ad4be93703d52715b5863e78295a63223aec79e5dab0d6e34bcd2f34a51bd003e2d84c980f07ae609cd714c958d564c20da1864e0d7015e65f7c5410cdaa85ae113c8da116cff9b23b0b3e2a9e4cf767c1d9559786e1eab2be1cd9b2a3f45bf3420434e70c216cba0fde8639996fc8967de528d7a062e90b6e2660648ee41a6be54eacd465fedfb41f0444051b6a70544d18cfd425919d188a1ab03251c6f38a0db7695d707edb4e44c5c590160fdc23a032e3e3c912a226e32547aa240d4fbe4a6bd2ef663edae562e58866239e235ef47893adbb928789db0a8d7197bb5e5b127f884f5438313feaeb067bdd894334d943a172a82094291ffd24253369d0eef8252a3df97105ae348f897fd410c31fe9b32200cf3";
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
        values = _unpack(words, Layout(0, 120, 45, 3, 0, 1e18 * 1, 1, -24));
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
