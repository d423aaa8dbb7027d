// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Reads what a verifying key says (backend/plonk/README.md, section 3).
/// @notice Of the key of a circuit: its rows, words, proof length and digests.
library VerifyingKey {
    /// @notice Not a key of menu 1 in mode gas, or not in its one canonical form.
    error BadVerifyingKey();

    /// @notice What stands in a key.
    /// @param lgRows the circuit has 2^lgRows rows.
    /// @param wordCount public words of a claim.
    /// @param proofBytes length of every proof.
    /// @param circuitHash digest of the circuit.
    /// @param srsDigest digest of the reference string.
    struct Header {
        uint8 lgRows;
        uint32 wordCount;
        uint256 proofBytes;
        bytes32 circuitHash;
        bytes32 srsDigest;
    }

    uint256 private constant FIXED_BYTES = 288;
    uint256 private constant PROOF_BYTES = 1120;

    /// @notice Reads and checks the header: the same checks as the verifier's, so that a key that passes is one it can use.
    /// @param vk the model's verifying key.
    /// @return header what stands in the key.
    function read(bytes calldata vk) internal pure returns (Header memory header) {
        if (vk.length < FIXED_BYTES) revert BadVerifyingKey();
        bytes32 head = bytes32(vk[:32]);
        uint256 columns = uint8(head[8]);
        uint256 held = uint8(head[9]);
        header.lgRows = uint8(head[6]);
        header.wordCount = uint32(uint256(head) >> 32);
        bytes32 expected = bytes32("SVK1") | bytes32(uint256(1) << 216) | bytes32(uint256(header.lgRows) << 200)
            | bytes32(uint256(5) << 192) | bytes32(columns << 184) | bytes32(held << 176)
            | bytes32(uint256(header.wordCount) << 32);
        if (
            head != expected || header.lgRows < 4 || header.lgRows > 24 || held > 1 || columns + held > 2
                || vk.length != FIXED_BYTES + 64 * columns
        ) revert BadVerifyingKey();
        header.proofBytes = PROOF_BYTES + 32 * (columns + held);
        header.circuitHash = bytes32(vk[32:64]);
        header.srsDigest = bytes32(vk[64:96]);
    }

    /// @notice Compute units of one answer: the rows of the circuit, 2^lgRows, as `compute_cost` in public/metadata.json. Proving takes time in
    ///         proportion to them, and a model's owner cannot say another number: the key fixes them.
    /// @param header what stands in the key.
    function computeCost(Header memory header) internal pure returns (uint64) {
        return uint64(1) << header.lgRows;
    }
}
