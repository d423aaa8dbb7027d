// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IPlonkVerifier} from "../IPlonkVerifier.sol";
import {Governed} from "../governance/Governed.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IVerifierRouter} from "../interfaces/IVerifierRouter.sol";
import {IZkmlRegistry} from "../interfaces/IZkmlRegistry.sol";
import {DataContract} from "../libraries/DataContract.sol";
import {VerifyingKey} from "../libraries/VerifyingKey.sol";

/// @title Registry of models.
/// @notice Anyone registers a model for a fee. What was registered never changes; a new version is a new model. Nothing that the key can tell is
///         asked of the owner: circuit hash, key hash, reference string and compute cost are read from it.
contract ModelRegistry is IModelRegistry, IERC165, Governed {
    using SafeERC20 for IERC20;
    using VerifyingKey for VerifyingKey.Header;

    struct Record {
        address data;
        uint40 registeredAt;
        bool deprecated;
        address owner;
    }

    /// @notice Least fee: registering never is free.
    uint256 public constant MIN_FEE = 1;
    /// @notice Highest fee: a million tokens of 18 decimals.
    uint256 public constant MAX_FEE = 1e24;
    /// @notice Longest uri.
    uint256 public constant MAX_URI_BYTES = 1024;

    /// @dev Where things stand in the data contract of a model.
    uint256 private constant INPUT_SCHEMA = 0;
    uint256 private constant OUTPUT_SCHEMA = 32;
    uint256 private constant MODEL = 64;
    uint256 private constant CIRCUIT = 96;
    uint256 private constant VK = 128;
    uint256 private constant TERMS = 160; // proof system 4, compute cost 8, royalty 12
    uint256 private constant URI = 184;

    /// @notice Token that fees are paid in.
    IERC20 public immutable TOKEN;
    /// @notice Which proof systems there are.
    IVerifierRouter public immutable ROUTER;

    mapping(uint256 modelId => Record) private _records;
    /// @inheritdoc IModelRegistry
    uint256 public modelCount;
    /// @inheritdoc IModelRegistry
    uint256 public fee;

    /// @notice Makes a registry without models.
    /// @param owner_ governance's timelock, which receives the fees.
    /// @param guardian_ has nothing to stop here; kept for uniformity.
    /// @param token token of the fees.
    /// @param router the routes of proof systems.
    /// @param fee_ what registering costs at first.
    constructor(address owner_, address guardian_, IERC20 token, IVerifierRouter router, uint256 fee_)
        Governed(owner_, guardian_)
    {
        TOKEN = token;
        ROUTER = router;
        _setFee(fee_);
    }

    /// @inheritdoc IModelRegistry
    function register(Registration calldata registration, bytes calldata vk, uint256 maxFee)
        external
        returns (uint256 modelId)
    {
        uint256 fee_ = fee;
        if (fee_ > maxFee) revert FeeAboveLimit(fee_, maxFee);
        if (bytes(registration.uri).length > MAX_URI_BYTES) {
            revert UriTooLong(bytes(registration.uri).length, MAX_URI_BYTES);
        }
        if (
            registration.inputSchemaHash == bytes32(0) || registration.outputSchemaHash == bytes32(0)
                || registration.modelHash == bytes32(0)
        ) revert ZeroHash();
        VerifyingKey.Header memory header = VerifyingKey.read(vk);
        bytes32 expected = IPlonkVerifier(ROUTER.verifierOf(registration.proofSystemId)).srsDigest();
        if (header.srsDigest != expected) revert WrongReferenceString(header.srsDigest, expected);

        bytes32 vkHash = keccak256(vk);
        modelId = ++modelCount;
        Record storage record = _records[modelId];
        record.data = _write(registration, header, vkHash);
        record.registeredAt = uint40(block.timestamp);
        record.owner = msg.sender;
        _announce(modelId, registration, header, vk);
        TOKEN.safeTransferFrom(msg.sender, owner(), fee_);
    }

    /// @inheritdoc IZkmlRegistry
    /// @dev Always reverts: a commitment without the key cannot be checked, and nothing declared is believed here.
    function registerModel(ModelCommitment calldata) external pure returns (uint256) {
        revert KeyRequired();
    }

    /// @inheritdoc IZkmlRegistry
    /// @dev Always reverts, as the ERC allows: each change is a new model.
    function updateModel(uint256 modelId, ModelCommitment calldata) external view {
        _recordOf(modelId);
        revert ModelIsImmutable(modelId);
    }

    /// @inheritdoc IZkmlRegistry
    function deprecateModel(uint256 modelId) external {
        Record storage record = _ownRecord(modelId);
        if (record.deprecated) revert ModelIsDeprecated(modelId);
        record.deprecated = true;
        emit ModelDeprecated(modelId);
    }

    /// @inheritdoc IModelRegistry
    function transferModel(uint256 modelId, address to) external {
        Record storage record = _ownRecord(modelId);
        if (to == address(0)) revert ZeroOwner();
        record.owner = to;
        emit ModelTransferred(modelId, msg.sender, to);
    }

    /// @inheritdoc IModelRegistry
    function setFee(uint256 newFee) external onlyOwner {
        _setFee(newFee);
    }

    /// @inheritdoc IZkmlRegistry
    function getModel(uint256 modelId)
        external
        view
        returns (ModelCommitment memory commitment, bool deprecated, address owner)
    {
        Record storage record = _recordOf(modelId);
        address data = record.data;
        commitment.modelHash = DataContract.word(data, MODEL);
        commitment.circuitHash = DataContract.word(data, CIRCUIT);
        commitment.vkHash = DataContract.word(data, VK);
        commitment.proofSystemId = bytes4(DataContract.word(data, TERMS));
        commitment.uri = string(DataContract.read(data, URI));
        return (commitment, record.deprecated, record.owner);
    }

    /// @inheritdoc IModelRegistry
    function termsOf(uint256 modelId) external view returns (Terms memory terms) {
        Record storage record = _recordOf(modelId);
        address data = record.data;
        terms.deprecated = record.deprecated;
        terms.vkHash = DataContract.word(data, VK);
        uint256 packed = uint256(DataContract.word(data, TERMS));
        terms.proofSystemId = bytes4(uint32(packed >> 224));
        terms.computeCost = uint64(packed >> 160);
        terms.royalty = uint96(packed >> 64);
    }

    /// @inheritdoc IModelRegistry
    function schemasOf(uint256 modelId) external view returns (bytes32 inputSchemaHash, bytes32 outputSchemaHash) {
        address data = _recordOf(modelId).data;
        return (DataContract.word(data, INPUT_SCHEMA), DataContract.word(data, OUTPUT_SCHEMA));
    }

    /// @inheritdoc IModelRegistry
    function ownerOf(uint256 modelId) external view returns (address) {
        return _recordOf(modelId).owner;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IZkmlRegistry).interfaceId || interfaceId == type(IERC165).interfaceId;
    }

    function _write(Registration calldata registration, VerifyingKey.Header memory header, bytes32 vkHash)
        private
        returns (address)
    {
        bytes memory hashes = abi.encodePacked(
            registration.inputSchemaHash,
            registration.outputSchemaHash,
            registration.modelHash,
            header.circuitHash,
            vkHash
        );
        return DataContract.write(
            abi.encodePacked(
                hashes, registration.proofSystemId, header.computeCost(), registration.royalty, registration.uri
            )
        );
    }

    function _announce(
        uint256 modelId,
        Registration calldata registration,
        VerifyingKey.Header memory header,
        bytes calldata vk
    ) private {
        ModelCommitment memory commitment;
        commitment.modelHash = registration.modelHash;
        commitment.circuitHash = header.circuitHash;
        commitment.vkHash = keccak256(vk);
        commitment.proofSystemId = registration.proofSystemId;
        commitment.uri = registration.uri;
        emit ModelRegistered(modelId, msg.sender, commitment);
        emit ModelDetails(
            modelId,
            registration.inputSchemaHash,
            registration.outputSchemaHash,
            header.computeCost(),
            registration.royalty,
            vk
        );
    }

    function _setFee(uint256 newFee) private {
        if (newFee < MIN_FEE || newFee > MAX_FEE) revert FeeOutOfBounds(newFee, MIN_FEE, MAX_FEE);
        emit FeeChanged(fee, newFee);
        fee = newFee;
    }

    function _recordOf(uint256 modelId) private view returns (Record storage record) {
        record = _records[modelId];
        if (record.data == address(0)) revert ModelNotFound(modelId);
    }

    function _ownRecord(uint256 modelId) private view returns (Record storage record) {
        record = _recordOf(modelId);
        if (record.owner != msg.sender) revert NotModelOwner(modelId, msg.sender);
    }
}
