// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PlonkVerifier} from "../src/PlonkVerifier.sol";
import {Fixture} from "./Fixture.sol";

/// @notice The claims that the tests of the C verifier make (honest proofs, thirty false ones of each kind, touched keys, words, contexts and
/// lengths), with the answer of the C verifier: this one must give the same. `./check` and tests/soundness/record write the file.
contract ClaimsTest is Fixture {
    uint256 private constant LEAST = 3000;

    function part(bytes memory data, uint256 offset) private pure returns (bytes memory bytes_, uint256 next) {
        uint256 count = (uint256(uint8(data[offset])) << 8) | uint8(data[offset + 1]);
        bytes_ = new bytes(count);
        assembly ("memory-safe") {
            mcopy(add(bytes_, 32), add(add(data, 34), offset), count)
        }
        next = offset + 2 + count;
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

    function wordAt(bytes memory data, uint256 offset) private pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), offset))
        }
    }

    function test_answersAsTheVerifierInCDoes() external {
        PlonkVerifier verifier = deploy();
        bytes memory data = vm.readFileBinary("test/fixtures/made/claims.bin");
        uint256 count;
        uint256 accepted;
        uint256 starved;
        uint256 free;
        assembly {
            free := mload(0x40)
        }
        for (uint256 offset = 0; offset < data.length; ++count) {
            uint256 next = offset + 4 + uint256(uint32(bytes4(wordAt(data, offset))));
            bool expected = data[offset + 4] != 0;
            Claim memory c;
            c.vkDigest = wordAt(data, offset + 5);
            c.context = wordAt(data, offset + 37);
            offset += 69;
            (c.vk, offset) = part(data, offset);
            bytes memory packed;
            (packed, offset) = part(data, offset);
            c.words = wordsOf(packed);
            (c.proof, offset) = part(data, offset);
            check(offset == next, "the file of claims is damaged");
            bool answer = verifier.verify(c.vkDigest, c.vk, c.context, c.words, c.proof);
            if (answer != expected) revert Failed(decimal(count));
            if (answer) ++accepted;
            // a batch of one is the claim itself
            if (answer || count % 8 == 0) {
                bytes32[] memory contexts = new bytes32[](1);
                contexts[0] = c.context;
                bool alone = verifier.verifyBatch(c.vkDigest, c.vk, contexts, c.words, c.proof);
                if (alone != expected) revert Failed(string.concat("batch ", decimal(count)));
            }
            if (answer && c.vk[9] == 0x01) {
                if (starved == 0) starve(verifier, c);
                ++starved;
            }
            assembly {
                mstore(0x40, free)
            }
        }
        check(count >= LEAST && accepted >= 10 && starved != 0, "the file holds all claims");
    }

    /// @dev As in PlonkVerifierTest, over a contraction circuit: the one that asks for an inverse.
    function starve(PlonkVerifier verifier, Claim memory c) private view {
        bytes memory call_ = abi.encodeCall(verifier.verify, (c.vkDigest, c.vk, c.context, c.words, c.proof));
        uint256 accepted;
        for (uint256 budget = 20_000; budget < 260_000; budget += 503) {
            (bool ended, bytes memory answer) = address(verifier).staticcall{gas: budget}(call_);
            if (!ended) continue;
            check(abi.decode(answer, (bool)), "an honest proof is false for want of gas");
            ++accepted;
        }
        check(accepted > 50, "accepted with gas enough");
    }
}
