// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";

/// @title Answers of one model, checked by the universal verifier.
/// @notice Made by Sertn for the circuit 0xa098be878e0155be28eebb9c5f235bf0062b1960143326ae46f482927bda8848. Holds the verifying key and turns public words into numbers.
contract ModelVerifier_open {
    /// @notice The proof is not one of this model for these words and this context.
    error ProofRejected();
    /// @notice The number of public words differs from the model's.
    error WrongWordCount(uint256 given, uint256 expected);

    /// @notice keccak256 of the verifying key.
    bytes32 public constant VK_DIGEST = 0x38cf2b192939619b4358fd93bf793f90e46e8fd7349b33d8e8b05b23d670d872;
    /// @notice Digest of the circuit that the key is of.
    bytes32 public constant CIRCUIT_DIGEST = 0xa098be878e0155be28eebb9c5f235bf0062b1960143326ae46f482927bda8848;
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
        return hex"53564b3101000505000000000000000000000000000000000000000100000000a098be878e0155be28eebb9c5f235bf0062b1960143326ae46f482927bda884897f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba920600b5d9715f8c46c14646ade4fdcc0d8d5b9cbb2bed2d8469e15ba82948a41f2e2e6aac6a73a1443266d8d5083afb6522c44d585845cb8c8dd4a3b12d33382b2738340b2272533c9d487c62431febe4f2b8fb4ac3d643974c74338c47dd70a51818e563e7b1b8f2facdf8d1fae2b31c96d75a57355db5523094ceebe67d767120d850fcd80b0ee4a9c8a5d55fef530faf1c35249ecc9ac4a12020bc35df1c7b1aad57f9c52271d68788c8f13fc7cc07bee793bade9cc3a5df0ccd9d458ecc16";
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
        values = _unpack(words, Layout(0, 0, 38, 1, -137438953472, 1e18 * 1, 1, -27));
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
