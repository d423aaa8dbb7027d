// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IPlonkVerifier} from "../IPlonkVerifier.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IProofVerifier, IZkmlVerifier} from "../interfaces/IProofVerifiers.sol";
import {IVerifierRouter} from "../interfaces/IVerifierRouter.sol";
import {PublicWords} from "../libraries/PublicWords.sol";

/// @title Verifies inferences of registered models for contracts that know ERC-7992 or ERC-8274, without a market.
/// @notice Reverts or says no unless a proof holds for the key that a model was registered with.
/// @dev Keeps nothing: whoever must not take a proof twice puts a nonce into the context, which the proof is bound to.
contract InferenceVerifier is IZkmlVerifier, IProofVerifier, IERC165 {
    /// @notice What a claim's bytes hold (`output` of ERC-7992, `metadata` of ERC-8274).
    /// @param modelId the model; ERC-7992 gives it a second time, and both must agree.
    /// @param context what the proof was bound to (`sertn-run prove --context`): chain, user, nonce.
    /// @param inputWords public words that are inputs as a whole.
    /// @param inputBits low bits of the next word that are input as well.
    /// @param words all public words.
    struct Claim {
        uint256 modelId;
        bytes32 context;
        uint16 inputWords;
        uint8 inputBits;
        uint256[] words;
    }

    /// @notice The claim is of another model.
    error ModelMismatch();

    /// @notice The models.
    IModelRegistry public immutable REGISTRY;
    /// @notice The verifiers.
    IVerifierRouter public immutable ROUTER;

    /// @notice Makes a verifier over a registry.
    /// @param models the registry.
    /// @param router the routes of proof systems.
    constructor(IModelRegistry models, IVerifierRouter router) {
        REGISTRY = models;
        ROUTER = router;
    }

    /// @inheritdoc IZkmlVerifier
    /// @param inputCommitment what commitmentOf says of the claim: the context in it carries the nonce that the ERC asks for.
    /// @param output abi.encode of a Claim.
    /// @param proof abi.encode(verifying key, proof).
    function verifyInference(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external
    {
        Claim memory claim = abi.decode(output, (Claim));
        if (claim.modelId != modelId) revert ModelMismatch();
        if (this.commitmentOf(claim) != inputCommitment) revert InputCommitmentMismatch();
        IModelRegistry.Terms memory terms = REGISTRY.termsOf(modelId);
        if (terms.deprecated) revert VerificationRefused_ModelDeprecated(modelId);
        if (!_holds(claim, terms, proof)) revert InvalidProof();
        emit InferenceVerified(modelId, inputCommitment, output, msg.sender);
    }

    /// @inheritdoc IProofVerifier
    /// @param inputHash as inputCommitment of verifyInference.
    /// @param outputHash keccak256 of the public words, 32 bytes each.
    /// @param metadata abi.encode of a Claim.
    /// @param proof abi.encode(verifying key, proof).
    function verify(bytes32 inputHash, bytes32 outputHash, bytes calldata metadata, bytes calldata proof)
        external
        view
        returns (bool)
    {
        Claim memory claim = abi.decode(metadata, (Claim));
        if (keccak256(abi.encodePacked(claim.words)) != outputHash || this.commitmentOf(claim) != inputHash) {
            return false;
        }
        return _holds(claim, REGISTRY.termsOf(claim.modelId), proof);
    }

    /// @notice What a requester commits to: keccak256 of abi.encode(model, context, inputWords, inputBits, commitment to the inputs). A claim comes from
    ///         whoever proves, so everything that says what was asked for is in it.
    /// @param claim the claim.
    function commitmentOf(Claim calldata claim) external pure returns (bytes32) {
        bytes32 inputs = PublicWords.commit(claim.words, claim.inputWords, claim.inputBits);
        return keccak256(abi.encode(claim.modelId, claim.context, claim.inputWords, claim.inputBits, inputs));
    }

    /// @inheritdoc IProofVerifier
    function proofSystem() external pure returns (string memory) {
        return "zk/sertn-plonk-bn254-v1";
    }

    /// @inheritdoc IProofVerifier
    function proofProfile() external view returns (bytes32) {
        return keccak256(abi.encode("sertn.claim.v2", block.chainid, address(REGISTRY)));
    }

    /// @inheritdoc IZkmlVerifier
    function proofSystemOf(uint256 modelId) external view returns (bytes4) {
        return REGISTRY.termsOf(modelId).proofSystemId;
    }

    /// @inheritdoc IZkmlVerifier
    function registry() external view returns (address) {
        return address(REGISTRY);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IZkmlVerifier).interfaceId || interfaceId == type(IProofVerifier).interfaceId
            || interfaceId == type(IERC165).interfaceId;
    }

    function _holds(Claim memory claim, IModelRegistry.Terms memory terms, bytes calldata proof)
        private
        view
        returns (bool)
    {
        (bytes memory vk, bytes memory proof_) = abi.decode(proof, (bytes, bytes));
        return IPlonkVerifier(ROUTER.verifierOf(terms.proofSystemId))
            .verify(terms.vkHash, vk, claim.context, claim.words, proof_);
    }
}
