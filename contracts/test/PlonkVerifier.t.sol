// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PlonkVerifier} from "../src/PlonkVerifier.sol";
import {Fixture} from "./Fixture.sol";

contract PlonkVerifierTest is Fixture {
    PlonkVerifier private verifier;

    function setUp() external {
        verifier = deploy();
    }

    function accepts(Claim memory c) private view returns (bool) {
        return verifier.verify(c.vkDigest, c.vk, c.context, c.words, c.proof);
    }

    function test_acceptsHonestProofs() external {
        check(accepts(load("linear")), "one parameter column");
        vm.snapshotGasLastCall("verify_linear");
        check(accepts(load("mlp")), "two parameter columns");
        vm.snapshotGasLastCall("verify_mlp");
        check(accepts(load("words")), "public inputs");
        check(accepts(load("open")), "no parameter column");
    }

    function rejectsEveryFlippedByte(string memory name) private view {
        Claim memory c = load(name);
        for (uint256 i = 0; i < c.proof.length; ++i) {
            bytes1 kept = c.proof[i];
            c.proof[i] = kept ^ 0x01;
            check(!accepts(c), "low bit of a proof byte");
            c.proof[i] = kept ^ 0x80;
            check(!accepts(c), "high bit of a proof byte");
            c.proof[i] = kept;
        }
        check(accepts(c), "restored");
    }

    function test_rejectsEveryFlippedByteOfLinear() external view {
        rejectsEveryFlippedByte("linear");
    }

    function test_rejectsEveryFlippedByteOfMlp() external view {
        rejectsEveryFlippedByte("mlp");
    }

    function test_rejectsEveryFlippedByteOfTheKey() external view {
        Claim memory c = load("mlp");
        for (uint256 i = 0; i < c.vk.length; ++i) {
            c.vk[i] ^= 0x01;
            check(!accepts(c), "key byte under the old digest");
            bytes32 digest = c.vkDigest;
            c.vkDigest = keccak256(c.vk);
            check(!accepts(c), "key byte under its own digest");
            c.vkDigest = digest;
            c.vk[i] ^= 0x01;
        }
    }

    /// @dev Adds a modulus to each word: a second encoding of the same number must not pass.
    function test_rejectsNumbersThatAreNotCanonical() external view {
        Claim memory c = load("linear");
        for (uint256 place = 0; place < c.proof.length; place += 32) {
            uint256 kept = uint256(word(c.proof, place));
            uint256[2] memory moduli = [R, Q];
            for (uint256 k = 0; k < 2; ++k) {
                if (kept > type(uint256).max - moduli[k]) continue;
                setWord(c.proof, place, kept + moduli[k]);
                check(!accepts(c), "word plus a modulus");
            }
            setWord(c.proof, place, kept);
        }
        c.words[0] += R;
        check(!accepts(c), "public word plus the modulus");
    }

    function test_rejectsSwappedWordsAndZeroPoints() external view {
        Claim memory c = load("mlp");
        for (uint256 place = 0; place + 64 <= c.proof.length; place += 32) {
            uint256 a = uint256(word(c.proof, place));
            uint256 b = uint256(word(c.proof, place + 32));
            if (a == b) continue;
            setWord(c.proof, place, b);
            setWord(c.proof, place + 32, a);
            check(!accepts(c), "neighbouring words swapped");
            setWord(c.proof, place, 0);
            setWord(c.proof, place + 32, 0);
            if (a != 0 || b != 0) check(!accepts(c), "two words zeroed");
            setWord(c.proof, place, a);
            setWord(c.proof, place + 32, b);
        }
    }

    function test_rejectsOtherLengths() external view {
        Claim memory c = load("linear");
        bytes memory kept = c.proof;
        c.proof = bytes.concat(kept, hex"00");
        check(!accepts(c), "one byte more");
        c.proof = bytes.concat(kept, bytes32(0));
        check(!accepts(c), "one word more");
        for (uint256 length = 0; length < kept.length; length += 31) {
            c.proof = cut(kept, length);
            check(!accepts(c), "cut proof");
        }
        c.proof = kept;
        c.vk = bytes.concat(c.vk, bytes32(0));
        c.vkDigest = keccak256(c.vk);
        check(!accepts(c), "longer key");
    }

    function test_rejectsBytesBehindTheArguments() external view {
        Claim memory c = load("linear");
        bytes memory call_ = abi.encodeCall(verifier.verify, (c.vkDigest, c.vk, c.context, c.words, c.proof));
        check(answers(call_), "the arguments");
        check(!answers(bytes.concat(call_, hex"00")), "one byte more");
        check(!answers(bytes.concat(call_, bytes32(0))), "one word more");
    }

    function answers(bytes memory call_) private view returns (bool) {
        (bool ok, bytes memory answer) = address(verifier).staticcall(call_);
        check(ok, "answers");
        return abi.decode(answer, (bool));
    }

    function test_rejectsAnotherStatement() external view {
        Claim memory c = load("words");
        for (uint256 i = 0; i < c.words.length; ++i) {
            c.words[i] ^= 1;
            check(!accepts(c), "public word");
            c.words[i] ^= 1;
        }
        c.context = bytes32(uint256(1));
        check(!accepts(c), "context");
        c.context = bytes32(0);
        uint256[] memory words = c.words;
        c.words = new uint256[](words.length + 1);
        for (uint256 i = 0; i < words.length; ++i) {
            c.words[i] = words[i];
        }
        check(!accepts(c), "one word more");
        c.words = words;
        check(accepts(c), "restored");
        Claim memory other = load("mlp");
        other.proof = c.proof;
        check(!accepts(other), "proof of another model");
    }

    function test_developmentVerifierStaysOnItsChain() external {
        uint256[4] memory tau = developmentTau();
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(PlonkVerifier.DevelopmentOnly.selector, 1));
        new PlonkVerifier(tau, 0);
        PlonkVerifier ceremony = new PlonkVerifier(tau, 1);
        check(ceremony.srsDigest() != verifier.srsDigest(), "origin is part of the digest");
        Claim memory c = load("linear");
        check(!ceremony.verify(c.vkDigest, c.vk, c.context, c.words, c.proof), "key over another reference string");
    }

    /// @dev Whoever pays for the call chooses its gas: too little must end it, and never make an honest proof look false.
    function test_answersNothingForWantOfGas() external view {
        string[3] memory names = ["linear", "mlp", "open"];
        for (uint256 k = 0; k < names.length; ++k) {
            Claim memory c = load(names[k]);
            bytes memory call = abi.encodeCall(verifier.verify, (c.vkDigest, c.vk, c.context, c.words, c.proof));
            uint256 accepted;
            for (uint256 budget = 50_000; budget < 260_000; budget += 503) {
                (bool ended, bytes memory answer) = address(verifier).staticcall{gas: budget}(call);
                if (!ended) continue;
                check(abi.decode(answer, (bool)), "an honest proof is false for want of gas");
                ++accepted;
            }
            check(accepted > 50, "accepted with gas enough");
        }
    }

    function setWord(bytes memory data, uint256 place, uint256 value) private pure {
        assembly {
            mstore(add(add(data, 32), place), value)
        }
    }

    function cut(bytes memory data, uint256 length) private pure returns (bytes memory short) {
        short = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            short[i] = data[i];
        }
    }
}
