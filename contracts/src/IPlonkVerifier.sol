// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Universal verifier of Sertn's plonk proofs, menu 1, mode gas.
/// @notice One contract checks every model: the verifying key travels in calldata and is bound by its keccak256.
interface IPlonkVerifier {
    /// @notice Whether the proof shows that the circuit of the key, run on hidden inputs and the pinned parameters, gives these words.
    /// @param vkDigest keccak256 of the key that the caller trusts (from a registry or a thin contract).
    /// @param vk the key's bytes (backend/plonk/README.md, section 3).
    /// @param context 32 bytes that bind the proof to a use: zero, or chain, market, job and prover.
    /// @param words public words, each below the scalar modulus.
    /// @param proof the proof's bytes; their length is fixed by the key.
    /// @return accepted false for anything but a valid proof. Malformed input gives false as well; nothing reverts but a call with too little
    ///         gas, which says nothing of the proof.
    function verify(
        bytes32 vkDigest,
        bytes calldata vk,
        bytes32 context,
        uint256[] calldata words,
        bytes calldata proof
    ) external view returns (bool accepted);

    /// @notice Whether all of several proofs of one model hold, each for its own context and words. One pairing serves all of them: a batch of 16
    ///         takes about a third of the gas of 16 calls of verify.
    /// @dev The openings are added up with multipliers hashed from the whole call; a false proof makes the sum false but for a chance of 2^-252.
    ///      Nothing says which one is false: verify() does.
    /// @param vkDigest keccak256 of the key that the caller trusts.
    /// @param vk the model's verifying key.
    /// @param contexts one for each proof, at least one.
    /// @param words the public words of all proofs, one after the other.
    /// @param proofs the proofs, one after the other.
    /// @return accepted false where any of them is not valid.
    function verifyBatch(
        bytes32 vkDigest,
        bytes calldata vk,
        bytes32[] calldata contexts,
        uint256[] calldata words,
        bytes calldata proofs
    ) external view returns (bool accepted);

    /// @notice Digest of the structured reference string this verifier trusts.
    function srsDigest() external view returns (bytes32);

    /// @notice First four bytes of keccak256("sertn-plonk-bn254-v1").
    function proofSystemId() external pure returns (bytes4);
}
