// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Verifier of inferences, the surface of ERC-7992.
/// @notice Says of an inference of a registered model whether it is proved.
interface IZkmlVerifier {
    /// @notice An inference was verified.
    /// @param modelId the model.
    /// @param inputCommitment what the requester committed to.
    /// @param output the claim.
    /// @param caller who asked for the verification.
    event InferenceVerified(
        uint256 indexed modelId, bytes32 indexed inputCommitment, bytes output, address indexed caller
    );

    /// @notice The proof does not hold for this model, input and output.
    error InvalidProof();
    /// @notice The input of the claim is not the one committed to.
    error InputCommitmentMismatch();
    /// @notice The model takes no new work.
    error VerificationRefused_ModelDeprecated(uint256 modelId);

    /// @notice Verifies the proof of an inference; reverts unless it holds.
    /// @param modelId the model.
    /// @param inputCommitment what the requester committed to.
    /// @param output the claim.
    /// @param proof the proof.
    function verifyInference(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external;

    /// @notice Proof system of a model.
    /// @param modelId the model.
    function proofSystemOf(uint256 modelId) external view returns (bytes4);

    /// @notice The registry that models are looked up in.
    /// @return registryAddress address of the registry.
    function registry() external view returns (address registryAddress);
}

/// @title Verifier of proofs by hashes of input and output, the inner surface of ERC-8274.
/// @notice Says of a proof whether it holds.
interface IProofVerifier {
    /// @notice Whether a proof holds for an input and an output.
    /// @param inputHash hash of the input.
    /// @param outputHash hash of the output.
    /// @param metadata the claim.
    /// @param proof the proof.
    function verify(bytes32 inputHash, bytes32 outputHash, bytes calldata metadata, bytes calldata proof)
        external
        view
        returns (bool);

    /// @notice Name of the proof system.
    function proofSystem() external view returns (string memory);

    /// @notice Hash that names how claims are encoded and what they are bound to.
    function proofProfile() external view returns (bytes32);
}
