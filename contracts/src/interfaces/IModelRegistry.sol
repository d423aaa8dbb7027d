// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IZkmlRegistry} from "./IZkmlRegistry.sol";

/// @title Registry of models: ERC-7992 with the schemas, the compute cost and the owner's price of an answer.
/// @notice Anyone registers a model for a fee, with its key; nothing of it changes later.
interface IModelRegistry is IZkmlRegistry {
    /// @notice What an owner says of a model. Circuit hash, key hash, reference string and compute cost are read from the key itself.
    /// @param inputSchemaHash hash of the input schema (`input_schema_hash` of public/metadata.json).
    /// @param outputSchemaHash hash of the output schema.
    /// @param modelHash hash of the model (`model_hash`), which names weights that stay private.
    /// @param proofSystemId first four bytes of keccak256 of the proof system's name; the router must have a route for it.
    /// @param royalty what the owner earns with each answer sold by the market, in the token's smallest unit.
    /// @param uri where the public folder of the model is; advisory, everything in it is checked against the hashes.
    struct Registration {
        bytes32 inputSchemaHash;
        bytes32 outputSchemaHash;
        bytes32 modelHash;
        bytes4 proofSystemId;
        uint96 royalty;
        string uri;
    }

    /// @notice All that a market needs to price and settle an answer of a model.
    struct Terms {
        bytes32 vkHash;
        bytes4 proofSystemId;
        uint64 computeCost;
        uint96 royalty;
        bool deprecated;
    }

    /// @notice What the ERC's event leaves out; together they hold all that the registry stores, and the key itself.
    /// @param modelId the model.
    /// @param inputSchemaHash hash of the schema of its inputs.
    /// @param outputSchemaHash hash of the schema of its outputs.
    /// @param computeCost compute units of an answer.
    /// @param royalty the owner's part of the price.
    /// @param verifyingKey the key itself.
    event ModelDetails(
        uint256 indexed modelId,
        bytes32 inputSchemaHash,
        bytes32 outputSchemaHash,
        uint64 computeCost,
        uint96 royalty,
        bytes verifyingKey
    );
    /// @notice Another address owns the model.
    /// @param modelId the model.
    /// @param from its old owner.
    /// @param to its new owner.
    event ModelTransferred(uint256 indexed modelId, address indexed from, address indexed to);
    /// @notice Registering costs another fee.
    /// @param oldFee what it cost.
    /// @param newFee what it costs from now on.
    event FeeChanged(uint256 oldFee, uint256 newFee);

    /// @notice The fee must be from `least` to `most`.
    error FeeOutOfBounds(uint256 fee, uint256 least, uint256 most);
    /// @notice The fee was raised above what the caller agreed to.
    error FeeAboveLimit(uint256 fee, uint256 limit);
    /// @notice Registering takes the verifying key: use register().
    error KeyRequired();
    /// @notice A commitment does not change: register the new version as a new model.
    error ModelIsImmutable(uint256 modelId);
    /// @notice The key was made over another reference string than the one the verifier trusts.
    error WrongReferenceString(bytes32 given, bytes32 expected);
    /// @notice Address zero cannot own a model.
    error ZeroOwner();
    /// @notice The model, schema or key hash given is zero.
    error ZeroHash();
    /// @notice The uri has more bytes than a registration takes.
    error UriTooLong(uint256 length, uint256 most);

    /// @notice Registers a model; anyone may. Takes the fee from the caller, who must have approved it.
    /// @param registration what the owner says of the model.
    /// @param vk the verifying key (public/vk).
    /// @param maxFee the most the caller is willing to pay.
    /// @return modelId number of the model, from 1 on.
    function register(Registration calldata registration, bytes calldata vk, uint256 maxFee)
        external
        returns (uint256 modelId);

    /// @notice Gives a model to another owner, who earns the royalties from then on.
    /// @param modelId the model.
    /// @param to its new owner.
    function transferModel(uint256 modelId, address to) external;

    /// @notice Sets the fee of a registration. Only governance; never zero.
    /// @param newFee what it costs from now on.
    function setFee(uint256 newFee) external;

    /// @notice The terms of a model; reverts where there is none.
    /// @param modelId the model.
    /// @return terms vk hash, proof system, compute cost, royalty, whether it is deprecated.
    function termsOf(uint256 modelId) external view returns (Terms memory terms);

    /// @notice Hashes of the schemas of a model's inputs and outputs.
    /// @param modelId the model.
    /// @return inputSchemaHash hash of the schema of its inputs.
    /// @return outputSchemaHash hash of the schema of its outputs.
    function schemasOf(uint256 modelId) external view returns (bytes32 inputSchemaHash, bytes32 outputSchemaHash);

    /// @notice Owner of a model; reverts where there is none.
    /// @param modelId the model.
    /// @return owner whose it is.
    function ownerOf(uint256 modelId) external view returns (address owner);

    /// @notice Models have the numbers 1 .. modelCount().
    function modelCount() external view returns (uint256);

    /// @notice What registering costs.
    function fee() external view returns (uint256);
}
