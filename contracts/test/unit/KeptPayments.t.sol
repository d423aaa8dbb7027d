// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceMarket} from "../../src/interfaces/IInferenceMarket.sol";
import {InferenceMarket} from "../../src/market/InferenceMarket.sol";
import {Answer, Job, JobState, Request} from "../../src/types/Job.sol";
import {MarketKit} from "../kit/MarketKit.sol";
import {Vm} from "../Vm.sol";

/// @notice A destination that looks at its job.
contract Reader {
    bytes32 public seen;

    function onInference(uint256 jobId, uint256, uint256[] calldata) external {
        seen = keccak256(abi.encode(InferenceMarket(msg.sender).jobOf(jobId)));
    }
}

/// @notice A destination that has the model's earnings paid out.
contract Claimer {
    function onInference(uint256, uint256 modelId, uint256[] calldata) external {
        InferenceMarket(msg.sender).claim(modelId);
    }
}

/// @notice Payments of provers without an account, which wait in their jobs, and accounts that are opened before.
/// forge-config: default.isolate = true
contract KeptPaymentsTest is MarketKit {
    function setUp() external {
        build();
    }

    /// @dev An account that was opened, by its node's place in a pool or by anybody, is paid for the first time as cheaply as later.
    function test_openedAccountsArePaidAsCheaplyAsOthers() external {
        market.openAccount(PROVER);
        vm.snapshotGasLastCall("InferenceMarket", "open_account");
        equal(market.balanceOf(PROVER), 0, "empty");
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.ZeroAccount.selector));
        market.openAccount(address(0));
        uint256[2] memory used;
        for (uint256 i = 0; i < 2; ++i) {
            Answer memory a = answerTo(ask());
            uint256 before = gasleft();
            market.settle(key, a);
            used[i] = before - gasleft();
        }
        check(used[0] < used[1] + 100, "the first payment of prover, owner and governance");
        uint256 earned = market.balanceOf(PROVER);
        vm.startPrank(PROVER);
        market.withdraw(PROVER, earned);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.InsufficientBalance.selector, PROVER, 0, 1));
        market.withdraw(PROVER, 1);
        vm.stopPrank();
        market.openAccount(PROVER); // changes nothing
        equal(market.balanceOf(PROVER), 0, "empty again");
    }

    /// @dev A prover without an account is paid in the job itself, where its payment waits for it and for nobody else.
    function test_aFirstPaymentWaitsInItsJob() external {
        (uint96 price, uint96 fee) = draftPrice();
        uint256 due = price - fee - ROYALTY;
        uint256[] memory ids = new uint256[](2);
        (ids[0], ids[1]) = (ask(), ask());
        Job memory job = market.jobOf(ids[0]);
        vm.recordLogs();
        market.settle(key, answerTo(ids[0]));
        vm.snapshotGasLastCall("InferenceMarket", "settle_kept");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        check(logs.length == 2 && logs[1].topics[0] == IInferenceMarket.PaymentKept.selector, "said so");
        check(uint256(logs[1].topics[1]) == ids[0] && address(uint160(uint256(logs[1].topics[2]))) == PROVER, "whose");
        market.settle(key, answerTo(ids[1]));
        equal(market.balanceOf(PROVER), 0, "no account");
        (address prover, uint256 amount) = market.keptOf(ids[0]);
        check(prover == PROVER && amount == due, "kept");
        (job.state, job.settledAt, job.precommitment) = (JobState.Paid, uint40(block.timestamp), 0);
        check(keccak256(abi.encode(market.jobOf(ids[0]))) == keccak256(abi.encode(job)), "all else is as it was");
        vm.prank(GUARDIAN);
        market.pause();
        collectRefused(STRANGER, ids, IInferenceMarket.NothingKept.selector, ids[0]);
        collectRefused(REQUESTER, ids, IInferenceMarket.NothingKept.selector, ids[0]);
        vm.prank(PROVER);
        vm.recordLogs();
        equal(market.collect(ids, STRANGER), 2 * due, "while paused too");
        vm.snapshotGasLastCall("InferenceMarket", "collect_2");
        logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < 2; ++i) {
            check(logs[i].topics[0] == IInferenceMarket.Collected.selector, "collected from");
            check(uint256(logs[i].topics[1]) == ids[i], "this job");
        }
        check(logs[2].topics[0] == IInferenceMarket.Withdrawn.selector, "and withdrawn");
        equal(abi.decode(logs[2].data, (uint256)), 2 * due, "the sum");
        equal(token.balanceOf(STRANGER), 2 * due, "all of it");
        (prover, amount) = market.keptOf(ids[0]);
        check(prover == address(0) && amount == 0, "collected");
        collectRefused(PROVER, ids, IInferenceMarket.NothingKept.selector, ids[0]);
        equal(uint256(stateOf(ids[0])), uint256(JobState.Paid), "paid for ever");
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.JobNotOpen.selector, ids[0]));
        market.refund(ids[0]);
    }

    function test_nothingIsCollectedThatDoesNotWait() external {
        uint256[] memory ids = new uint256[](1);
        Request memory r = draft();
        // an open job whose commitment reads like a payment
        r.precommitment = bytes32((uint256(1 ether) << 160) | uint160(STRANGER));
        ids[0] = ask(r);
        collectRefused(STRANGER, ids, IInferenceMarket.NothingKept.selector, ids[0]);
        vm.warp(block.timestamp + 1 hours + 1);
        market.refund(ids[0]);
        collectRefused(STRANGER, ids, IInferenceMarket.NothingKept.selector, ids[0]);
        // a payment that went to an account
        ids[0] = ask();
        market.openAccount(PROVER);
        market.settle(key, answerTo(ids[0]));
        check(market.balanceOf(PROVER) != 0, "paid");
        collectRefused(PROVER, ids, IInferenceMarket.NothingKept.selector, ids[0]);
        // a job that is not there
        ids[0] = (modelId << 64) | 99;
        collectRefused(PROVER, ids, IInferenceMarket.NothingKept.selector, ids[0]);
        // one payment twice
        ids = new uint256[](2);
        ids[0] = ids[1] = ask();
        market.settle(key, answerTo(ids[0], PROVER_2, 5));
        collectRefused(PROVER_2, ids, IInferenceMarket.NothingKept.selector, ids[0]);
        uint256[] memory once = new uint256[](1);
        once[0] = ids[0];
        vm.prank(PROVER_2);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.ZeroAccount.selector));
        market.collect(once, address(0));
    }

    function collectRefused(address sender, uint256[] memory ids, bytes4 reason, uint256 id) private {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(reason, id));
        market.collect(ids, sender);
    }

    /// @dev Anybody may have earnings paid out at any time, also in a callback, and into the account of the prover that is being paid.
    function test_earningsComeInWhileAProverIsPaid() external {
        address claimer = address(new Claimer());
        (uint96 price, uint96 fee) = draftPrice();
        uint256 callback = 200_000 * 1e9;
        for (uint256 i = 1; i <= 2; ++i) {
            uint256 id = askFor(claimer, 200_000);
            market.settle(key, answerTo(id, MODEL_OWNER, 5));
            (, uint256 kept) = market.keptOf(id);
            equal(kept, i == 1 ? price + callback - fee - ROYALTY : 0, "kept without an account");
            equal(market.balanceOf(MODEL_OWNER) + kept, price + callback - fee + (i - 1) * ROYALTY, "all of it");
        }
    }

    /// @dev Whether its payment waits in it or not, a destination sees the job as it was requested.
    function test_destinationsSeeTheWholeJob() external {
        Reader reader = new Reader();
        for (uint256 i = 0; i < 2; ++i) {
            uint256 id = askFor(address(reader), 100_000);
            Job memory job = market.jobOf(id);
            (job.state, job.settledAt) = (JobState.Paid, uint40(block.timestamp));
            market.settle(key, answerTo(id));
            check(reader.seen() == keccak256(abi.encode(job)), "as requested");
            (address prover,) = market.keptOf(id);
            check(prover == (i == 0 ? PROVER : address(0)), "kept at first");
            market.openAccount(PROVER);
        }
    }
}
