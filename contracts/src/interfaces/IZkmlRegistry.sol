// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Registry of models, the surface of ERC-7992.
/// @notice Models by number, pinned by hashes.
/// @dev The draft names an event and an error ModelDeprecated, which Solidity refuses: the error is called ModelIsDeprecated here.
interface IZkmlRegistry {
    /// @notice What a model is: hashes that pin weights, circuit and verifying key.
    struct ModelCommitment {
        bytes32 modelHash;
        bytes32 circuitHash;
        bytes32 vkHash;
        bytes4 proofSystemId;
        string uri;
    }

    /// @notice A model was registered.
    /// @param modelId the model.
    /// @param owner whose it is.
    /// @param commitment hashes that pin it.
    event ModelRegistered(uint256 indexed modelId, address indexed owner, ModelCommitment commitment);
    /// @notice Never emitted here: a commitment does not change, a new version is a new model.
    /// @param modelId the model.
    /// @param oldCommitment what it was.
    /// @param newCommitment what it is from now on.
    event ModelUpdated(uint256 indexed modelId, ModelCommitment oldCommitment, ModelCommitment newCommitment);
    /// @notice A model takes no new work.
    /// @param modelId the model.
    event ModelDeprecated(uint256 indexed modelId);

    /// @notice No model has this number.
    error ModelNotFound(uint256 modelId);
    /// @notice Only the model's owner may do this.
    error NotModelOwner(uint256 modelId, address caller);
    /// @notice The model takes no new work.
    error ModelIsDeprecated(uint256 modelId);

    /// @notice Registers a model from its commitment alone.
    /// @param commitment hashes that pin it.
    /// @return modelId the model.
    function registerModel(ModelCommitment calldata commitment) external returns (uint256 modelId);

    /// @notice Changes a commitment, where a registry allows it.
    /// @param modelId the model.
    /// @param newCommitment what it is from now on.
    function updateModel(uint256 modelId, ModelCommitment calldata newCommitment) external;

    /// @notice Ends new work for a model, for ever. Only its owner.
    /// @param modelId the model.
    function deprecateModel(uint256 modelId) external;

    /// @notice What a model is, whether it is deprecated, whose it is.
    /// @param modelId the model.
    /// @return commitment hashes that pin it.
    /// @return deprecated whether it takes no new work.
    /// @return owner whose it is.
    function getModel(uint256 modelId)
        external
        view
        returns (ModelCommitment memory commitment, bool deprecated, address owner);
}
