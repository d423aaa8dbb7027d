// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PlonkVerifier} from "../../src/PlonkVerifier.sol";
import {IInferenceMarket} from "../../src/interfaces/IInferenceMarket.sol";
import {Answer, JobState, Request} from "../../src/types/Job.sol";
import {PoolsKit} from "../kit/PoolsKit.sol";

/// @notice The market over the verifier itself, with sixteen proofs that sertn-run made for these jobs and this prover.
/// forge-config: default.isolate = true
contract MarketProofsTest is PoolsKit {
    uint256 private constant COUNT = 16;
    /// @dev Four inputs of 30 bits are the low bits of the first word.
    uint8 private constant INPUT_BITS = 120;

    PlonkVerifier private verifier;
    Answer[] private answers;

    function setUp() external {
        verifier = deploy();
        vm.warp(1_800_000_000);
        string memory json = vm.readFile("test/fixtures/market.json");
        build(verifier, vm.parseJsonBytes(json, ".claims[0].vk"));
        check(vm.parseJsonAddress(json, ".market") == address(market), "the fixture is of this market");
        buildPools();
        Request memory r = draft();
        r.inputWords = 0;
        r.inputBits = INPUT_BITS;
        for (uint256 i = 0; i < COUNT; ++i) {
            string memory claim = string.concat(".claims[", decimal(i), "]");
            bytes32[] memory raw = vm.parseJsonBytes32Array(json, string.concat(claim, ".words"));
            Answer memory a;
            a.words = new uint256[](raw.length);
            for (uint256 k = 0; k < raw.length; ++k) {
                a.words[k] = uint256(raw[k]);
            }
            a.prover = PROVER;
            a.proof = vm.parseJsonBytes(json, string.concat(claim, ".proof"));
            r.precommitment = keccak256(abi.encode(a.words[0] & ((1 << INPUT_BITS) - 1)));
            a.jobId = ask(r);
            check(
                market.contextOf(a.jobId, PROVER) == vm.parseJsonBytes32(json, string.concat(claim, ".context")),
                "the fixture is bound to this job"
            );
            answers.push(a);
        }
    }

    function single(uint256 i) private view returns (bytes memory) {
        Answer memory a = answers[i];
        return abi.encodeCall(verifier.verify, (keyHash, key, market.contextOf(a.jobId, a.prover), a.words, a.proof));
    }

    function batchOf(uint256 count)
        private
        view
        returns (bytes32[] memory contexts, uint256[] memory words, bytes memory proofs)
    {
        uint256 each = answers[0].words.length;
        contexts = new bytes32[](count);
        words = new uint256[](count * each);
        for (uint256 i = 0; i < count; ++i) {
            contexts[i] = market.contextOf(answers[i].jobId, PROVER);
            for (uint256 k = 0; k < each; ++k) {
                words[i * each + k] = answers[i].words[k];
            }
            proofs = bytes.concat(proofs, answers[i].proof);
        }
    }

    function gasOf(bytes memory data) private returns (uint256 used, bool answer) {
        bytes memory result;
        bool ok;
        uint256 before = gasleft();
        (ok, result) = address(verifier).call(data);
        used = before - gasleft();
        check(ok, "answers");
        answer = abi.decode(result, (bool));
    }

    function test_aBatchSharesOnePairing() external {
        (bytes32[] memory contexts, uint256[] memory words, bytes memory proofs) = batchOf(COUNT);
        uint256 singles;
        for (uint256 i = 0; i < COUNT; ++i) {
            (uint256 used, bool yes) = gasOf(single(i));
            check(yes, "honest");
            singles += used;
        }
        (uint256 batch, bool all) = gasOf(abi.encodeCall(verifier.verifyBatch, (keyHash, key, contexts, words, proofs)));
        check(all, "honest batch");
        vm.snapshotValue("verify_16_one_by_one", singles);
        vm.snapshotValue("verify_batch_16", batch);
        check(2 * batch <= singles, "at most half of the singles");
    }

    function test_batchesOfEverySizeHold() external view {
        for (uint256 n = 1; n <= 5; ++n) {
            (bytes32[] memory contexts, uint256[] memory words, bytes memory proofs) = batchOf(n);
            check(verifier.verifyBatch(keyHash, key, contexts, words, proofs), "honest");
            // any one false context
            for (uint256 i = 0; i < n; ++i) {
                contexts[i] ^= bytes32(uint256(1));
                check(!verifier.verifyBatch(keyHash, key, contexts, words, proofs), "context");
                contexts[i] ^= bytes32(uint256(1));
            }
            for (uint256 i = 0; i < words.length; ++i) {
                words[i] ^= 1;
                check(!verifier.verifyBatch(keyHash, key, contexts, words, proofs), "word");
                words[i] ^= 1;
            }
        }
    }

    /// @dev Every word of every proof of a batch, changed as a forger would: the batch is false each time.
    function test_oneFalseProofMakesABatchFalse() external view {
        (bytes32[] memory contexts, uint256[] memory words, bytes memory proofs) = batchOf(3);
        for (uint256 place = 0; place < proofs.length; place += 32) {
            proofs[place + 31] ^= 0x01;
            check(!verifier.verifyBatch(keyHash, key, contexts, words, proofs), "low bit");
            proofs[place + 31] ^= 0x01;
        }
        check(verifier.verifyBatch(keyHash, key, contexts, words, proofs), "restored");
    }

    /// @dev Errors that cancel in a plain sum must not cancel here: two opening points moved by the same point in opposite directions.
    function test_errorsOfTwoProofsDoNotCancel() external view {
        (bytes32[] memory contexts, uint256[] memory words, bytes memory proofs) = batchOf(2);
        uint256 size = proofs.length / 2;
        bytes memory kept = bytes.concat(proofs);
        for (uint256 i = 0; i < 2; ++i) {
            moveBy(proofs, lastPoint(size, i), 1);
            moveBy(proofs, lastPoint(size, 1 - i), R - 1);
            check(!verifier.verifyBatch(keyHash, key, contexts, words, proofs), "moved");
            proofs = bytes.concat(kept);
        }
        // two proofs in each other's place
        bytes memory swapped = new bytes(kept.length);
        for (uint256 i = 0; i < size; ++i) {
            (swapped[i], swapped[size + i]) = (kept[size + i], kept[i]);
        }
        check(!verifier.verifyBatch(keyHash, key, contexts, words, swapped), "swapped");
        check(verifier.verifyBatch(keyHash, key, contexts, words, kept), "restored");
    }

    /// @dev The last point of a proof is in no challenge: moved, it is well formed in all else, and only the pairing tells.
    function test_everyProofOfABatchIsWeighed() external view {
        for (uint256 n = 1; n <= 4; ++n) {
            (bytes32[] memory contexts, uint256[] memory words, bytes memory proofs) = batchOf(n);
            for (uint256 i = 0; i < n; ++i) {
                bytes memory forged = bytes.concat(proofs);
                moveBy(forged, lastPoint(proofs.length / n, i), 7);
                check(!verifier.verifyBatch(keyHash, key, contexts, words, forged), "one of them moved");
            }
        }
    }

    /// @dev Where the point W' of a proof of a batch begins.
    function lastPoint(uint256 size, uint256 i) private view returns (uint256) {
        return size * (i + 1) - (key[9] == 0x00 ? 96 : 64);
    }

    /// @dev Whoever knew the multipliers could move the last points of three proofs so that what is wrong with them cancels on both sides of the
    ///      pairing. They come from a hash of the whole call, so that whatever is moved changes them.
    function test_errorsMadeForGuessedMultipliersDoNotCancel() external view {
        (bytes32[] memory contexts, uint256[] memory words, bytes memory proofs) = batchOf(3);
        bytes memory data = abi.encodeCall(verifier.verifyBatch, (keyHash, key, contexts, words, proofs));
        assembly ("memory-safe") {
            mstore(add(data, 4), sub(mload(data), 4)) // without the selector
            data := add(data, 4)
        }
        uint256[3] memory u;
        for (uint256 i = 0; i < 3; ++i) {
            u[i] = lastChallenge(contexts[i], answers[i].words, answers[i].proof);
        }
        uint256[3][6] memory guesses = [
            [uint256(1), 1, 1],
            [uint256(1), 2, 2],
            [uint256(1), 2, 3],
            [uint256(1), 3, 2],
            multipliersOf(keccak256(data)), // of the honest call
            multipliersOf(keccak256(part(data, 0, data.length - proofs.length))) // of all but the proofs
        ];
        for (uint256 g = 0; g < 6; ++g) {
            bytes memory forged = bytes.concat(proofs);
            uint256[3] memory by = cancelling(guesses[g], u);
            for (uint256 i = 0; i < 3; ++i) {
                moveBy(forged, lastPoint(proofs.length / 3, i), by[i]);
            }
            check(!verifier.verifyBatch(keyHash, key, contexts, words, forged), "what was guessed");
        }
        check(verifier.verifyBatch(keyHash, key, contexts, words, proofs), "honest");
    }

    function multipliersOf(bytes32 seed) private pure returns (uint256[3] memory f) {
        f[0] = 1;
        for (uint256 i = 1; i < 3; ++i) {
            f[i] = (uint256(keccak256(abi.encode(seed, i))) >> 3) | 2;
        }
    }

    /// @dev The sums over f d and f u d are zero.
    function cancelling(uint256[3] memory f, uint256[3] memory u) private view returns (uint256[3] memory d) {
        uint256 below = inverse(mulmod(f[1], addmod(u[1], R - u[0], R), R));
        d[1] = mulmod(mulmod(f[2], addmod(u[0], R - u[2], R), R), below, R);
        d[0] = mulmod(R - addmod(f[2], mulmod(f[1], d[1], R), R), inverse(f[0]), R);
        d[2] = 1;
        uint256 left = addmod(mulmod(f[0], d[0], R), addmod(mulmod(f[1], d[1], R), f[2], R), R);
        uint256 right = addmod(
            mulmod(mulmod(f[0], u[0], R), d[0], R),
            addmod(mulmod(mulmod(f[1], u[1], R), d[1], R), mulmod(f[2], u[2], R), R),
            R
        );
        check(left == 0 && right == 0, "cancels");
    }

    /// @dev u of backend/plonk/README.md: the challenge behind the last point but one.
    function lastChallenge(bytes32 context, uint256[] memory words, bytes memory proof) private view returns (uint256) {
        bytes32 state = keccak256(
            abi.encodePacked(keccak256("sertn-plonk-v1"), keyHash, context, words.length, words, part(proof, 0, 64))
        );
        uint256 held = uint8(key[9]);
        for (uint256 i = 0; i < 4 + held; ++i) {
            state = keccak256(abi.encode(state));
        }
        state = keccak256(bytes.concat(state, part(proof, 64, 64)));
        state = keccak256(bytes.concat(state, part(proof, 128, 64)));
        uint256 count = 32 * (24 + uint256(uint8(key[8])) + 2 * held);
        state = keccak256(bytes.concat(state, part(proof, 192, count)));
        return uint256(keccak256(bytes.concat(state, part(proof, 192 + count, 64)))) % R;
    }

    function part(bytes memory of_, uint256 from, uint256 size) private pure returns (bytes memory cut) {
        cut = new bytes(size);
        assembly ("memory-safe") {
            mcopy(add(cut, 32), add(add(of_, 32), from), size)
        }
    }

    function inverse(uint256 value) private view returns (uint256 result) {
        bytes memory data = abi.encode(32, 32, 32, value, R - 2, R);
        assembly ("memory-safe") {
            if iszero(staticcall(gas(), 5, add(data, 32), 192, 0, 32)) { revert(0, 0) }
            result := mload(0)
        }
    }

    /// @dev Adds a multiple of the generator to a point of a proof.
    function moveBy(bytes memory proofs, uint256 place, uint256 scalar) private view {
        bytes memory data = abi.encode(1, 2, scalar, 0);
        assembly ("memory-safe") {
            let at := add(add(proofs, 32), place)
            let free := add(data, 32)
            if iszero(staticcall(gas(), 7, free, 96, free, 64)) { revert(0, 0) }
            mcopy(add(free, 64), at, 64)
            if iszero(staticcall(gas(), 6, free, 128, at, 64)) { revert(0, 0) }
        }
    }

    function test_malformedBatchesAreFalse() external view {
        (bytes32[] memory contexts, uint256[] memory words, bytes memory proofs) = batchOf(2);
        check(!verifier.verifyBatch(keyHash, key, new bytes32[](0), words, proofs), "no claim");
        check(!verifier.verifyBatch(keyHash, key, new bytes32[](0), new uint256[](0), hex""), "nothing");
        check(!verifier.verifyBatch(keyHash, key, contexts, words, bytes.concat(proofs, hex"00")), "a byte more");
        check(!verifier.verifyBatch(keyHash, key, contexts, words, bytes.concat(proofs, bytes2(0))), "two more");
        check(!verifier.verifyBatch(keyHash, key, contexts, new uint256[](words.length + 1), proofs), "a word more");
        check(!verifier.verifyBatch(keyHash, key, contexts, new uint256[](0), proofs), "no words");
        check(!verifier.verifyBatch(keyHash, key, contexts, words, hex""), "no proofs");
        check(!verifier.verifyBatch(bytes32(uint256(keyHash) ^ 1), key, contexts, words, proofs), "another key");
        uint256 kept = words[0];
        words[0] = kept + R;
        check(!verifier.verifyBatch(keyHash, key, contexts, words, proofs), "word plus the modulus");
        words[0] = kept;
        check(verifier.verifyBatch(keyHash, key, contexts, words, proofs), "restored");
    }

    /// @dev Too little gas ends the call; it never makes an honest batch false.
    function test_aBatchAnswersNothingForWantOfGas() external view {
        (bytes32[] memory contexts, uint256[] memory words, bytes memory proofs) = batchOf(2);
        bytes memory data = abi.encodeCall(verifier.verifyBatch, (keyHash, key, contexts, words, proofs));
        uint256 accepted;
        for (uint256 budget = 50_000; budget < 400_000; budget += 1009) {
            (bool ended, bytes memory answer) = address(verifier).staticcall{gas: budget}(data);
            if (!ended) continue;
            check(abi.decode(answer, (bool)), "an honest batch is false for want of gas");
            ++accepted;
        }
        check(accepted > 50, "accepted with gas enough");
    }

    // ---- gas of settlement beyond the verifier's ----

    /// @dev The first answer of all: neither the model nor its node has earned before. The node has a place in a pool, which has opened its account.
    function test_settlingOneJobTakesAtMost60000GasMore() external {
        join(PROVER, cost);
        (uint256 own,) = gasOf(single(0));
        Answer memory a = answers[0];
        uint256 before = gasleft();
        market.settle(key, a);
        uint256 used = before - gasleft();
        vm.snapshotGasLastCall("settle");
        vm.snapshotValue("settle_beyond_verifier", used - own);
        check(used - own <= 60_000, "settling one job");
    }

    /// @dev A prover that never had an account: its payment waits in the job.
    function test_aFirstPaymentTakesAtMost60000GasMore() external {
        (uint256 own,) = gasOf(single(0));
        Answer memory a = answers[0];
        uint256 before = gasleft();
        market.settle(key, a);
        uint256 used = before - gasleft();
        vm.snapshotValue("settle_beyond_verifier_first", used - own);
        check(used - own <= 60_000, "paying for the first time");
        (address prover,) = market.keptOf(a.jobId);
        check(prover == PROVER, "without an account");
    }

    function test_settlingABatchTakesAtMost35000GasMoreForEach() external {
        join(PROVER, cost);
        settleBatch("settle_batch_16", "settle_batch_beyond_verifier_each");
    }

    /// @dev A batch opens an account for each of its provers.
    function test_aFirstBatchTakesAtMost35000GasMoreForEach() external {
        settleBatch("settle_batch_16_first", "settle_batch_beyond_verifier_each_first");
    }

    function settleBatch(string memory name, string memory each) private {
        uint256 count = COUNT;
        (bytes32[] memory contexts, uint256[] memory words, bytes memory proofs) = batchOf(count);
        (uint256 own,) = gasOf(abi.encodeCall(verifier.verifyBatch, (keyHash, key, contexts, words, proofs)));
        Answer[] memory batch = new Answer[](count);
        for (uint256 i = 0; i < count; ++i) {
            batch[i] = answers[i];
        }
        uint256 before = gasleft();
        bool[] memory paid = market.settleBatch(key, batch);
        uint256 used = before - gasleft();
        vm.snapshotGasLastCall(name);
        for (uint256 i = 0; i < count; ++i) {
            check(paid[i] && stateOf(answers[i].jobId) == JobState.Paid, "paid");
        }
        vm.snapshotValue(each, (used - own) / count);
        check(used - own <= 35_000 * count, "settling each of a batch");
    }

    function test_aBatchWithAFalseProofPaysTheOthers() external {
        Answer[] memory batch = new Answer[](4);
        for (uint256 i = 0; i < 4; ++i) {
            batch[i] = answers[i];
        }
        batch[2].proof = answers[5].proof; // an honest proof of another job
        bool[] memory paid = market.settleBatch(key, batch);
        check(paid[0] && paid[1] && !paid[2] && paid[3], "results");
        batch[1].proof = hex"00";
        paid = market.settleBatch(key, batch);
        check(!paid[0] && !paid[1] && !paid[2] && !paid[3], "nothing is paid twice");
        market.settle(key, answers[2]);
    }

    function test_stolenAndReplayedProofsAreRejected() external {
        Answer memory a = answers[0];
        bytes memory rejected = abi.encodeWithSelector(IInferenceMarket.ProofRejected.selector, a.jobId);
        a.prover = STRANGER;
        vm.expectRevert(rejected);
        market.settle(key, a);
        a.prover = PROVER;
        a.proof = answers[3].proof; // same input and answer, another job
        check(keccak256(abi.encode(a.words)) == keccak256(abi.encode(answers[3].words)), "the same answer");
        vm.expectRevert(rejected);
        market.settle(key, a);
        a.proof = answers[0].proof;
        vm.chainId(1);
        vm.expectRevert(rejected);
        market.settle(key, a);
        vm.chainId(31337);
        market.settle(key, a);
    }
}
