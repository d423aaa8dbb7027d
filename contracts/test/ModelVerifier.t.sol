// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AnswerConsumer, IModelVerifier} from "../src/examples/AnswerConsumer.sol";
import {PlonkVerifier} from "../src/PlonkVerifier.sol";
import {ModelVerifier_linear} from "./generated/ModelVerifier_linear.sol";
import {ModelVerifier_mlp} from "./generated/ModelVerifier_mlp.sol";
import {Fixture} from "./Fixture.sol";

contract ModelVerifierTest is Fixture {
    PlonkVerifier private verifier;
    ModelVerifier_linear private linear;
    ModelVerifier_mlp private mlp;

    function setUp() external {
        verifier = deploy();
        linear = new ModelVerifier_linear(verifier);
        mlp = new ModelVerifier_mlp(verifier);
    }

    function test_holdsTheKeyOfItsModel() external view {
        Claim memory c = load("mlp");
        check(mlp.VK_DIGEST() == c.vkDigest && keccak256(mlp.verifyingKey()) == c.vkDigest, "key");
        check(mlp.verify(c.context, c.words, c.proof), "honest proof");
        check(!linear.verify(c.context, c.words, c.proof), "proof of another model");
        check(!mlp.verify(bytes32(uint256(1)), c.words, c.proof), "another context");
    }

    function test_refusesAVerifierOverOtherParameters() external {
        PlonkVerifier ceremony = new PlonkVerifier(developmentTau(), 1);
        bytes32 given = ceremony.srsDigest();
        bytes32 expected = verifier.srsDigest();
        vm.expectRevert(abi.encodeWithSelector(ModelVerifier_mlp.WrongReferenceString.selector, given, expected));
        new ModelVerifier_mlp(ceremony);
    }

    function test_consumerTakesAnAnswerOnceAndOnlyForItsRequest() external {
        AnswerConsumer consumer = new AnswerConsumer(IModelVerifier(address(mlp)));
        Claim memory c = load("mlp");
        vm.expectRevert(abi.encodeWithSelector(AnswerConsumer.UnknownRequest.selector, bytes32(0)));
        consumer.answer(bytes32(0), c.words, c.proof);
        bytes32 context = consumer.request();
        vm.expectRevert(abi.encodeWithSelector(ModelVerifier_mlp.ProofRejected.selector));
        consumer.answer(context, c.words, c.proof);
    }
}
