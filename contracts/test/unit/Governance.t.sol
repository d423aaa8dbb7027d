// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {SertnGovernor} from "../../src/governance/SertnGovernor.sol";
import {SertnTimelock} from "../../src/governance/SertnTimelock.sol";
import {SertnToken} from "../../src/governance/SertnToken.sol";
import {IInferenceMarket} from "../../src/interfaces/IInferenceMarket.sol";
import {PoolsKit} from "../kit/PoolsKit.sol";

/// @notice Token holders govern the network through the timelock, and nobody else does.
/// forge-config: default.isolate = true
contract GovernanceTest is PoolsKit {
    address private constant HOLDER = address(0x401de2);
    uint256 private constant SUPPLY = 1_000_000e18;

    SertnToken private votes;
    SertnTimelock private timelock;
    SertnGovernor private governor;

    function setUp() external {
        build();
        buildPools();
        votes = new SertnToken(HOLDER, SUPPLY);
        timelock = new SertnTimelock(2 days, address(this));
        governor = new SertnGovernor(votes, timelock, 1 days, 3 days, 1000e18, 4);
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.grantRole(timelock.EXECUTOR_ROLE(), address(0));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        vm.prank(HOLDER);
        votes.delegate(HOLDER);
        Ownable[4] memory owned =
            [Ownable(address(registry)), Ownable(address(router)), Ownable(address(market)), Ownable(address(pools))];
        address[] memory targets = new address[](4);
        bytes[] memory calls = new bytes[](4);
        for (uint256 i = 0; i < 4; ++i) {
            owned[i].transferOwnership(address(timelock));
            targets[i] = address(owned[i]);
            calls[i] = abi.encodeWithSignature("acceptOwnership()");
        }
        vm.warp(block.timestamp + 1);
        pass(targets, calls, "take the network over");
        for (uint256 i = 0; i < 4; ++i) {
            check(owned[i].owner() == address(timelock), "owner");
        }
    }

    function vote(address[] memory targets, bytes[] memory calls, string memory why) private returns (uint256 id) {
        uint256[] memory values = new uint256[](targets.length);
        vm.prank(HOLDER);
        id = governor.propose(targets, values, calls, why);
        vm.warp(block.timestamp + 1 days + 1);
        vm.prank(HOLDER);
        governor.castVote(id, 1);
        vm.warp(block.timestamp + 3 days + 1);
        governor.queue(targets, values, calls, keccak256(bytes(why)));
    }

    function pass(address[] memory targets, bytes[] memory calls, string memory why) private {
        vote(targets, calls, why);
        vm.warp(block.timestamp + 2 days);
        governor.execute(targets, new uint256[](targets.length), calls, keccak256(bytes(why)));
    }

    function one(address target, bytes memory call_)
        private
        pure
        returns (address[] memory targets, bytes[] memory calls)
    {
        targets = new address[](1);
        calls = new bytes[](1);
        (targets[0], calls[0]) = (target, call_);
    }

    function test_votesSetParametersAfterTheDelay() external {
        IInferenceMarket.Parameters memory p = parameters();
        p.unitPrice = 7;
        (address[] memory targets, bytes[] memory calls) =
            one(address(market), abi.encodeCall(market.setParameters, (p)));
        vote(targets, calls, "seven");
        vm.warp(block.timestamp + 2 days - 1);
        vm.expectRevert();
        governor.execute(targets, new uint256[](1), calls, keccak256("seven"));
        check(market.parameters().unitPrice == UNIT_PRICE, "not before its time");
        vm.warp(block.timestamp + 1);
        governor.execute(targets, new uint256[](1), calls, keccak256("seven"));
        equal(market.parameters().unitPrice, 7, "then");
    }

    function test_nobodyElseGoverns() external {
        address[4] memory who = [address(this), HOLDER, GUARDIAN, address(governor)];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory reason = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, who[i]);
            IInferenceMarket.Parameters memory p = parameters();
            vm.prank(who[i]);
            vm.expectRevert(reason);
            market.setParameters(p);
            vm.prank(who[i]);
            vm.expectRevert(reason);
            registry.setFee(5);
            vm.prank(who[i]);
            vm.expectRevert(reason);
            router.freeze();
            vm.prank(who[i]);
            vm.expectRevert(reason);
            pools.setGuardian(who[i]);
            vm.prank(who[i]);
            vm.expectRevert();
            timelock.updateDelay(3 days);
            bytes32 role = timelock.PROPOSER_ROLE();
            vm.prank(who[i]);
            vm.expectRevert();
            timelock.grantRole(role, who[i]);
        }
    }

    function test_theGuardianMayOnlyStop() external {
        vm.startPrank(GUARDIAN);
        market.pause();
        bytes4 system = ideal.proofSystemId();
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, GUARDIAN));
        router.stopRoute(system);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, GUARDIAN));
        market.unpause();
        vm.stopPrank();
        (address[] memory targets, bytes[] memory calls) = one(address(market), abi.encodeCall(market.unpause, ()));
        pass(targets, calls, "go on");
        check(market.lastPauseEnd() == block.timestamp, "unpaused by a vote");
    }

    function test_aParameterBeyondItsBoundIsNotExecuted() external {
        IInferenceMarket.Parameters memory p = parameters();
        p.feeBps = 1001;
        refusedByVote(address(market), abi.encodeCall(market.setParameters, (p)));
        refusedByVote(address(registry), abi.encodeCall(registry.setFee, (0)));
        refusedByVote(address(timelock), abi.encodeCall(timelock.updateDelay, (1 days - 1)));
        refusedByVote(address(timelock), abi.encodeCall(timelock.updateDelay, (30 days + 1)));
        refusedByVote(address(governor), abi.encodeCall(governor.setVotingDelay, (1 hours - 1)));
        refusedByVote(address(governor), abi.encodeCall(governor.setVotingDelay, (7 days + 1)));
        refusedByVote(address(governor), abi.encodeCall(governor.setVotingPeriod, (1 days - 1)));
        refusedByVote(address(governor), abi.encodeCall(governor.setVotingPeriod, (30 days + 1)));
        refusedByVote(address(governor), abi.encodeCall(governor.setProposalThreshold, (SUPPLY / 50 + 1)));
        refusedByVote(address(governor), abi.encodeCall(governor.updateQuorumNumerator, (1)));
        refusedByVote(address(governor), abi.encodeCall(governor.updateQuorumNumerator, (41)));
        (address[] memory targets, bytes[] memory calls) =
            one(address(governor), abi.encodeCall(governor.setProposalThreshold, (SUPPLY / 50)));
        pass(targets, calls, "threshold");
        equal(governor.proposalThreshold(), SUPPLY / 50, "at its bound");
        (targets, calls) = one(address(timelock), abi.encodeCall(timelock.updateDelay, (30 days)));
        pass(targets, calls, "delay");
        equal(timelock.getMinDelay(), 30 days, "at its bound");
        vm.expectRevert(abi.encodeWithSelector(SertnTimelock.DelayOutOfBounds.selector, 0, 1 days, 30 days));
        new SertnTimelock(0, address(this));
    }

    function refusedByVote(address target, bytes memory call_) private {
        (address[] memory targets, bytes[] memory calls) = one(target, call_);
        string memory why = string(abi.encodePacked(target, call_));
        vote(targets, calls, why);
        vm.warp(block.timestamp + 2 days);
        vm.expectRevert();
        governor.execute(targets, new uint256[](1), calls, keccak256(bytes(why)));
    }

    function test_proposalsNeedVotesAndQuorum() external {
        (address[] memory targets, bytes[] memory calls) = one(address(market), abi.encodeCall(market.pause, ()));
        vm.prank(STRANGER);
        vm.expectRevert(
            abi.encodeWithSelector(IGovernor.GovernorInsufficientProposerVotes.selector, STRANGER, 0, 1000e18)
        );
        governor.propose(targets, new uint256[](1), calls, "no");
        vm.prank(HOLDER);
        votes.transfer(STRANGER, SUPPLY / 100);
        vm.prank(STRANGER);
        votes.delegate(STRANGER);
        vm.warp(block.timestamp + 1);
        vm.prank(STRANGER);
        uint256 id = governor.propose(targets, new uint256[](1), calls, "one in a hundred");
        vm.warp(block.timestamp + 1 days + 1);
        vm.prank(STRANGER);
        governor.castVote(id, 1);
        vm.warp(block.timestamp + 3 days + 1);
        check(governor.state(id) == IGovernor.ProposalState.Defeated, "below the quorum");
        equal(uint256(keccak256(bytes(votes.CLOCK_MODE()))), uint256(keccak256("mode=timestamp")), "clock");
    }
}
