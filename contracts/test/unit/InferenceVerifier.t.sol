// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {PlonkVerifier} from "../../src/PlonkVerifier.sol";
import {IProofVerifier, IZkmlVerifier} from "../../src/interfaces/IProofVerifiers.sol";
import {IZkmlRegistry} from "../../src/interfaces/IZkmlRegistry.sol";
import {InferenceVerifier} from "../../src/verify/InferenceVerifier.sol";
import {MarketKit} from "../kit/MarketKit.sol";

/// forge-config: default.isolate = true
contract InferenceVerifierTest is MarketKit {
    InferenceVerifier private inference;
    InferenceVerifier.Claim private claim;
    bytes private proof;
    bytes32 private commitment;

    /// @dev The model with public inputs, four of 30 bits, over the real verifier.
    function setUp() external {
        PlonkVerifier verifier = deploy();
        vm.warp(1_800_000_000);
        Claim memory c = load("words");
        build(verifier, c.vk);
        inference = new InferenceVerifier(registry, router);
        claim.modelId = modelId;
        claim.inputBits = 120;
        claim.words = c.words;
        proof = abi.encode(c.vk, c.proof);
        bytes32 inputs = keccak256(abi.encode(c.words[0] & ((uint256(1) << 120) - 1)));
        commitment = keccak256(abi.encode(modelId, bytes32(0), uint16(0), uint8(120), inputs));
    }

    function test_verifiesInferencesOfRegisteredModels() external {
        check(inference.commitmentOf(claim) == commitment, "commitment");
        inference.verifyInference(modelId, commitment, abi.encode(claim), proof);
        vm.snapshotGasLastCall("verify_inference");
        bytes32 output = keccak256(abi.encodePacked(claim.words));
        check(inference.verify(commitment, output, abi.encode(claim), proof), "ERC-8274");
        vm.snapshotGasLastCall("verify");
        check(inference.proofSystemOf(modelId) == bytes4(keccak256("sertn-plonk-bn254-v1")), "system");
        check(inference.registry() == address(registry) && inference.proofProfile() != bytes32(0), "views");
        check(inference.supportsInterface(type(IZkmlVerifier).interfaceId), "ERC-7992");
        check(inference.supportsInterface(type(IProofVerifier).interfaceId), "ERC-8274");
        check(inference.supportsInterface(type(IERC165).interfaceId), "ERC-165");
        check(!inference.supportsInterface(0xffffffff), "nothing else");
    }

    function test_refusesEverythingElse() external {
        InferenceVerifier.Claim memory c = claim;
        bytes memory data = abi.encode(c);
        bytes32 output = keccak256(abi.encodePacked(c.words));
        vm.expectRevert(abi.encodeWithSelector(IZkmlVerifier.InputCommitmentMismatch.selector));
        inference.verifyInference(modelId, bytes32(uint256(1)), data, proof);
        check(!inference.verify(bytes32(uint256(1)), output, data, proof), "another input");
        check(!inference.verify(commitment, bytes32(uint256(1)), data, proof), "another output");
        vm.expectRevert(abi.encodeWithSelector(InferenceVerifier.ModelMismatch.selector));
        inference.verifyInference(modelId + 1, commitment, data, proof);
        // another output to the same input
        c.words[1] ^= 1;
        data = abi.encode(c);
        vm.expectRevert(abi.encodeWithSelector(IZkmlVerifier.InvalidProof.selector));
        inference.verifyInference(modelId, commitment, data, proof);
        output = keccak256(abi.encodePacked(c.words));
        check(!inference.verify(commitment, output, data, proof), "another answer");
        c.words[1] ^= 1;
        // another context
        c.context = bytes32(uint256(5));
        bytes32 other = inference.commitmentOf(c);
        check(other != commitment, "the commitment holds the context");
        data = abi.encode(c);
        vm.expectRevert(abi.encodeWithSelector(IZkmlVerifier.InvalidProof.selector));
        inference.verifyInference(modelId, other, data, proof);
        c.context = bytes32(0);
        c.modelId = 7;
        data = abi.encode(c);
        other = inference.commitmentOf(c);
        vm.expectRevert(abi.encodeWithSelector(IZkmlRegistry.ModelNotFound.selector, 7));
        inference.verifyInference(7, other, data, proof);
        c.modelId = modelId;
        data = abi.encode(c);
        vm.prank(MODEL_OWNER);
        registry.deprecateModel(modelId);
        vm.expectRevert(abi.encodeWithSelector(IZkmlVerifier.VerificationRefused_ModelDeprecated.selector, modelId));
        inference.verifyInference(modelId, commitment, data, proof);
    }

    /// @dev What a prover brings along, it chooses: a requester's hash must leave it no choice of the model, nor of what is input.
    function test_aCommitmentIsOfOneModelAndLayout() external {
        build();
        inference = new InferenceVerifier(registry, router);
        InferenceVerifier.Claim memory c;
        c.modelId = modelId;
        (c.inputWords, c.inputBits) = (1, 40);
        c.words = answerWords(5); // the input's last 40 bits are 0x77
        bytes32 wanted = inference.commitmentOf(c);
        // a model that the prover registered, whose circuit it knows how to satisfy
        c.modelId = addModel(key, ideal.proofSystemId());
        check(!accepted(wanted, c), "another model");
        c.modelId = modelId;
        // another input, which agrees in the bits that the prover says are the input
        c.inputBits = 8;
        c.words[1] |= 1 << 20;
        check(!accepted(wanted, c), "another input");
        c.words = answerWords(5);
        c.inputBits = 40;
        check(accepted(wanted, c), "what was asked for");
    }

    function accepted(bytes32 wanted, InferenceVerifier.Claim memory c) private view returns (bool) {
        bytes memory p = abi.encode(key, ideal.prove(keyHash, c.context, c.words));
        return inference.verify(wanted, keccak256(abi.encodePacked(c.words)), abi.encode(c), p);
    }
}
