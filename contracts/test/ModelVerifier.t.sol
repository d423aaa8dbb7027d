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
        AnswerConsumer consumer = new AnswerConsumer(IModelVerifier(address(mlp)), 1, 0);
        Claim memory c = load("mlp");
        vm.expectRevert(abi.encodeWithSelector(AnswerConsumer.UnknownRequest.selector, bytes32(0)));
        consumer.answer(bytes32(0), c.words, c.proof);
        bytes32 context = consumer.request(keccak256(abi.encode(c.words[0])));
        vm.expectRevert(abi.encodeWithSelector(ModelVerifier_mlp.ProofRejected.selector));
        consumer.answer(context, c.words, c.proof);
    }

    /// @dev Whoever answers chooses the words: a true answer to another input must not count.
    function test_consumerTakesAnswersToItsOwnInput() external {
        AnswerConsumer consumer = new AnswerConsumer(IModelVerifier(address(new Believer())), 1, 8);
        uint256[] memory words = new uint256[](2);
        (words[0], words[1]) = (7, 0x9905);
        vm.expectRevert(abi.encodeWithSelector(AnswerConsumer.NoInput.selector));
        consumer.request(bytes32(0));
        bytes32 context = consumer.request(keccak256(abi.encode(uint256(7), uint256(5))));
        words[0] = 8;
        vm.expectRevert(abi.encodeWithSelector(AnswerConsumer.OtherInput.selector, context));
        consumer.answer(context, words, "");
        (words[0], words[1]) = (7, 0x9906);
        vm.expectRevert(abi.encodeWithSelector(AnswerConsumer.OtherInput.selector, context));
        consumer.answer(context, words, "");
        words[1] = 0x9905;
        consumer.answer(context, words, "");
        vm.expectRevert(abi.encodeWithSelector(AnswerConsumer.UnknownRequest.selector, context));
        consumer.answer(context, words, "");
    }
}

/// @notice Takes every proof, for tests of what else is checked.
contract Believer {
    function requireProof(bytes32, uint256[] calldata, bytes calldata) external pure {}
}
