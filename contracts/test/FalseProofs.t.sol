// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PlonkVerifier} from "../src/PlonkVerifier.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Proofs that a prover makes of false witnesses and forged columns: one for each constraint of each gate, each
/// reset of the accumulator, each rule of the lookups. tests/soundness/record writes them; the C verifier rejects them all.
contract FalseProofsTest is Fixture {
    function digits(uint256 value) private pure returns (string memory text) {
        text = value < 10 ? "" : digits(value / 10);
        text = string.concat(text, string(abi.encodePacked(bytes1(uint8(48 + value % 10)))));
    }

    function wordsOf(bytes memory packed) private pure returns (uint256[] memory words) {
        words = new uint256[](packed.length / 32);
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 word;
            assembly ("memory-safe") {
                word := mload(add(packed, add(32, mul(i, 32))))
            }
            words[i] = word;
        }
    }

    function test_rejectsProofsOfFalseWitnesses() external {
        PlonkVerifier verifier = deploy();
        string memory json = vm.readFile("test/fixtures/false_proofs.json");
        uint256 count = uint256(vm.parseJsonBytes32(json, ".claim_count"));
        check(count >= 90, "the fixture holds all claims");
        for (uint256 i = 0; i < count; ++i) {
            string memory claim = string.concat(".claims[", digits(i), "]");
            uint256 key = uint8(vm.parseJsonBytes(json, string.concat(claim, ".key"))[0]);
            bytes memory vk = vm.parseJsonBytes(json, string.concat(".keys[", digits(key), "]"));
            bytes32 context = vm.parseJsonBytes32(json, string.concat(claim, ".context"));
            uint256[] memory words = wordsOf(vm.parseJsonBytes(json, string.concat(claim, ".words")));
            bytes memory proof = vm.parseJsonBytes(json, string.concat(claim, ".proof"));
            check(!verifier.verify(keccak256(vk), vk, context, words, proof), digits(i));
        }
    }

    function test_acceptsAnHonestProofOfTheSameCircuit() external {
        PlonkVerifier verifier = deploy();
        string memory json = vm.readFile("test/fixtures/false_proofs.json");
        bytes memory vk = vm.parseJsonBytes(json, ".honest.vk");
        bytes32 context = vm.parseJsonBytes32(json, ".honest.context");
        uint256[] memory words = wordsOf(vm.parseJsonBytes(json, ".honest.words"));
        check(verifier.verify(keccak256(vk), vk, context, words, vm.parseJsonBytes(json, ".honest.proof")), "honest");
    }
}
