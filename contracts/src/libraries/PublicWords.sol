// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Which part of a claim's public words is the input, and what a requester asks of the output.
/// @notice Commitments to inputs and requirements of outputs.
/// @dev A circuit packs its public values into words in the order of its ports, inputs first: so the inputs are the first `inputWords` words as a
///      whole and the low `inputBits` bits of the next (backend/emit, `Layout` of the thin contracts). A salted digest of a hidden input is such a
///      word too.
library PublicWords {
    /// @notice Commitment to the inputs of a claim: keccak256 of the whole input words, 32 bytes each, then of the masked next word where
    ///         inputBits is not zero. A requester computes it beforehand; an answer to other inputs does not match it.
    /// @param words all public words of the claim.
    /// @param inputWords public words that are inputs as a whole.
    /// @param inputBits low bits of the next word that are input as well.
    /// @return commitment zero where the words are fewer than the inputs.
    function commit(uint256[] calldata words, uint256 inputWords, uint256 inputBits)
        internal
        pure
        returns (bytes32 commitment)
    {
        uint256 count = inputWords + (inputBits == 0 ? 0 : 1);
        if (words.length < count) return bytes32(0);
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, words.offset, mul(32, count))
            if inputBits {
                let last := add(at, mul(32, inputWords))
                mstore(last, and(mload(last), sub(shl(inputBits, 1), 1)))
            }
            commitment := keccak256(at, mul(32, count))
        }
    }

    /// @notice keccak256 of all words: the hash of a claim's output, inputs included.
    /// @param words all public words of the claim.
    /// @return value the hash.
    function digest(uint256[] calldata words) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            let at := mload(0x40)
            let size := mul(32, words.length)
            calldatacopy(at, words.offset, size)
            value := keccak256(at, size)
        }
    }

    /// @notice Whether the words meet a requirement.
    /// @param words all public words.
    /// @param requirement zero asks nothing; else, from the high end: 16 bits word index, 8 bits shift, 8 bits width (1 .. 112), 112 bits least,
    ///        112 bits most: the `width` bits of the word from `shift` on, as an unsigned number, lie from least to most. The requirement is a
    ///        function of the words alone, so a prover knows before it publishes an answer whether it will be paid.
    function meets(uint256[] calldata words, uint256 requirement) internal pure returns (bool) {
        if (requirement == 0) return true;
        uint256 index = requirement >> 240;
        if (index >= words.length) return false;
        uint256 value = (words[index] >> uint8(requirement >> 232)) & ((uint256(1) << uint8(requirement >> 224)) - 1);
        return value >= uint112(requirement >> 112) && value <= uint112(requirement);
    }

    /// @notice Whether a requirement is one that some words can meet.
    /// @param requirement what the output must meet.
    function isSound(uint256 requirement) internal pure returns (bool) {
        if (requirement == 0) return true;
        uint256 width = uint8(requirement >> 224);
        uint256 least = uint112(requirement >> 112);
        return width != 0 && width <= 112 && uint256(uint8(requirement >> 232)) + width <= 254
            && least <= uint112(requirement) && least < (uint256(1) << width);
    }
}
