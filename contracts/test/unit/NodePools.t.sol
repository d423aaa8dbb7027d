// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IInferenceMarket} from "../../src/interfaces/IInferenceMarket.sol";
import {INodePools} from "../../src/interfaces/INodePools.sol";
import {IZkmlRegistry} from "../../src/interfaces/IZkmlRegistry.sol";
import {NodePools} from "../../src/nodes/NodePools.sol";
import {Answer, JobState, Request} from "../../src/types/Job.sol";
import {PoolsKit} from "../kit/PoolsKit.sol";
import {Vm} from "../Vm.sol";

/// @notice Undoes every assignment but those it likes.
contract Chooser {
    NodePools private immutable POOLS;
    address private immutable NODE;

    constructor(NodePools pools, address node) {
        (POOLS, NODE) = (pools, node);
    }

    function take(uint256 modelId, uint256 count) external {
        for (uint256 i = 0; i < count; ++i) {
            (, address node) = POOLS.assign(modelId);
            require(node == NODE, "not mine");
        }
    }
}

/// forge-config: default.isolate = true
contract NodePoolsTest is PoolsKit {
    address private constant HOT = address(0x407);

    function setUp() external {
        build();
        buildPools();
    }

    /// @dev A job that is given to a node, the only one, with so many units.
    function given(uint64 units) private returns (uint256 id) {
        join(PROVER, units);
        nextEpoch();
        id = ask();
        pools.assign(modelId);
    }

    // ---- stake and promises ----

    function test_promisesHoldFromTheNextEpochOn() external {
        stake(PROVER, 100e18);
        vm.prank(PROVER);
        pools.setUnits(PROVER, modelId, 3 * cost);
        vm.snapshotGasLastCall("set_units_first");
        (uint64 committed, uint64 assigned, uint64 next) = pools.unitsOf(modelId, PROVER);
        check(committed == 0 && assigned == 0 && next == 3 * cost, "not yet");
        uint256 id = ask();
        vm.expectRevert(abi.encodeWithSelector(INodePools.NoCapacity.selector, modelId, id));
        pools.assign(modelId);
        nextEpoch();
        (committed, assigned, next) = pools.unitsOf(modelId, PROVER);
        check(committed == 3 * cost && next == 3 * cost, "from now on");
        id = ask(); // the first one's deadline is too near now
        (uint256 job, address node) = pools.assign(modelId);
        vm.snapshotGasLastCall("assign");
        check(job == id && node == PROVER, "assigned");
        (, assigned,) = pools.unitsOf(modelId, PROVER);
        equal(assigned, cost, "units");
        // many epochs later, without anybody having touched anything
        vm.warp(block.timestamp + 1000 * pools.EPOCH());
        (committed, assigned, next) = pools.unitsOf(modelId, PROVER);
        check(committed == 3 * cost && assigned == 0 && next == 3 * cost, "rolled");
    }

    function test_assignmentsNeverPassWhatWasPromised() external {
        join(PROVER, 2 * cost);
        join(PROVER_2, cost);
        nextEpoch();
        for (uint256 i = 0; i < 4; ++i) {
            ask();
        }
        uint256 first;
        for (uint256 i = 0; i < 3; ++i) {
            (, address node) = pools.assign(modelId);
            if (node == PROVER) ++first;
        }
        equal(first, 2, "all of the one's units, and the other's");
        vm.expectRevert(abi.encodeWithSelector(INodePools.NoCapacity.selector, modelId, (modelId << 64) | 4));
        pools.assign(modelId);
        (uint64 committed, uint64 assigned,) = pools.poolOf(modelId);
        check(committed == 3 * cost && assigned == 3 * cost, "full");
        vm.warp((block.timestamp / 1 hours + 1) * 1 hours);
        ask();
        (uint256 id,) = pools.assign(modelId);
        equal(id, (modelId << 64) | 5, "the fourth has too little time left by now");
    }

    function test_queuesAreAssignedInOrder() external {
        join(PROVER, 100 * cost);
        nextEpoch();
        uint256[5] memory ids;
        for (uint256 i = 0; i < 5; ++i) {
            ids[i] = ask();
        }
        market.settle(key, answerTo(ids[0], STRANGER, 1)); // open ones are anybody's
        for (uint256 i = 1; i < 5; ++i) {
            (uint256 id,) = pools.assign(modelId);
            equal(id, ids[i], "order");
        }
        vm.expectRevert(abi.encodeWithSelector(INodePools.NothingToAssign.selector, modelId));
        pools.assign(modelId);
        equal(pools.assignedUpTo(modelId), 5, "cursor");
    }

    /// @dev However many dead jobs stand at the head, a call takes bounded gas and the next goes on.
    function test_deadJobsArePassedOverInSteps() external {
        join(PROVER, cost);
        nextEpoch();
        for (uint256 i = 0; i < 20; ++i) {
            ask();
        }
        vm.warp(block.timestamp + 50 minutes); // too little is left
        (uint256 none, address nobody) = pools.assign(modelId);
        vm.snapshotGasLastCall("assign_passes_over_16");
        check(none == 0 && nobody == address(0), "sixteen passed over");
        equal(pools.assignedUpTo(modelId), 16, "cursor");
        uint256 id = ask();
        vm.warp(block.timestamp + 1);
        (uint256 job, address node) = pools.assign(modelId);
        check(job == id && node == PROVER, "then the live one");
    }

    function test_stakeStandsForPromises() external {
        // 1e12 a unit
        uint64 most = 2000 * cost;
        uint256 held = uint256(most) * 1e12;
        stake(PROVER, held);
        vm.prank(PROVER);
        vm.expectRevert(
            abi.encodeWithSelector(INodePools.StakeTooLow.selector, PROVER, held, uint256(most + cost) * 1e12)
        );
        pools.setUnits(PROVER, modelId, most + cost);
        vm.prank(PROVER);
        pools.setUnits(PROVER, modelId, most);
        vm.prank(PROVER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.StakeTooLow.selector, PROVER, held, held + 1));
        pools.unbond(1);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotNode.selector, PROVER, STRANGER));
        pools.setUnits(PROVER, modelId, 1);
        uint64 beyond = pools.MAX_UNITS() + 1;
        vm.prank(PROVER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.TooManyUnits.selector, beyond, beyond - 1));
        pools.setUnits(PROVER, modelId, beyond);
        vm.prank(PROVER);
        vm.expectRevert(abi.encodeWithSelector(IZkmlRegistry.ModelNotFound.selector, 9));
        pools.setUnits(PROVER, 9, 1);
        // a single job takes the least stake
        stake(PROVER_2, 1e18 - 1);
        vm.prank(PROVER_2);
        vm.expectRevert(abi.encodeWithSelector(INodePools.StakeTooLow.selector, PROVER_2, 1e18 - 1, 1e18));
        pools.setUnits(PROVER_2, modelId, cost);
        // promising less is allowed when the price of a promise has risen
        INodePools.Parameters memory p = poolParameters();
        p.stakePerUnit = 2e12;
        pools.setParameters(p);
        vm.prank(PROVER);
        pools.setUnits(PROVER, modelId, most - cost);
    }

    function test_stakeTakesLongerOutThanAnyJob() external {
        stake(PROVER, 10e18);
        check(pools.UNBONDING() > market.MAX_DURATION(), "longer");
        vm.startPrank(PROVER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.Nothing.selector));
        pools.unbond(0);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotUnbonded.selector, 0));
        pools.withdrawUnbonded();
        pools.unbond(4e18);
        vm.snapshotGasLastCall("unbond");
        uint256 first = block.timestamp;
        vm.warp(first + 3 days);
        pools.unbond(1e18); // starts again for all of it
        vm.warp(first + 8 days);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotUnbonded.selector, first + 11 days));
        pools.withdrawUnbonded();
        vm.warp(first + 11 days);
        equal(pools.withdrawUnbonded(), 5e18, "amount");
        vm.snapshotGasLastCall("withdraw_unbonded");
        equal(token.balanceOf(PROVER), 5e18, "out");
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotUnbonded.selector, 0));
        pools.withdrawUnbonded();
        vm.expectRevert(abi.encodeWithSelector(INodePools.StakeTooLow.selector, PROVER, 5e18, 5e18 + 1));
        pools.unbond(5e18 + 1);
        vm.stopPrank();
    }

    function test_operatorsAgreeAndDoNotTouchStake() external {
        stake(PROVER, 10e18);
        vm.prank(HOT);
        vm.expectRevert(abi.encodeWithSelector(INodePools.OperatorNotProposed.selector, PROVER, HOT));
        pools.acceptOperator(PROVER);
        vm.prank(PROVER);
        pools.proposeOperator(HOT);
        vm.snapshotGasLastCall("propose_operator");
        vm.startPrank(HOT);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotNode.selector, PROVER, HOT));
        pools.setUnits(PROVER, modelId, 1);
        pools.acceptOperator(PROVER);
        vm.snapshotGasLastCall("accept_operator");
        pools.setUnits(PROVER, modelId, cost);
        vm.expectRevert(abi.encodeWithSelector(INodePools.StakeTooLow.selector, HOT, 0, 1));
        pools.unbond(1);
        vm.stopPrank();
        vm.prank(PROVER);
        pools.proposeOperator(address(0));
        vm.prank(HOT);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotNode.selector, PROVER, HOT));
        pools.setUnits(PROVER, modelId, 0);
        vm.prank(HOT);
        vm.expectRevert(abi.encodeWithSelector(INodePools.OperatorNotProposed.selector, PROVER, HOT));
        pools.acceptOperator(PROVER);
    }

    function test_placesAreUsedAgain() external {
        join(PROVER, cost);
        uint256 place = pools.placeOf(modelId, PROVER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.StillCommitted.selector, modelId, PROVER));
        pools.quit(PROVER, modelId);
        vm.prank(PROVER);
        pools.setUnits(PROVER, modelId, 0);
        pools.quit(PROVER, modelId); // never was active
        vm.snapshotGasLastCall("quit");
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotInPool.selector, modelId, PROVER));
        pools.quit(PROVER, modelId);
        join(PROVER_2, cost);
        equal(pools.placeOf(modelId, PROVER_2), place, "the same place");
        nextEpoch();
        vm.prank(PROVER_2);
        pools.setUnits(PROVER_2, modelId, 0);
        vm.expectRevert(abi.encodeWithSelector(INodePools.StillCommitted.selector, modelId, PROVER_2));
        pools.quit(PROVER_2, modelId);
        nextEpoch();
        pools.quit(PROVER_2, modelId);
        (uint64 committed, uint64 assigned, uint64 next) = pools.poolOf(modelId);
        check(committed == 0 && assigned == 0 && next == 0, "empty");
    }

    function test_poolsAreFullAt256() external {
        for (uint256 i = 1; i <= 256; ++i) {
            join(address(uint160(0x1000 + i)), cost);
        }
        stake(PROVER, 1e18);
        vm.prank(PROVER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.PoolFull.selector, modelId));
        pools.setUnits(PROVER, modelId, cost);
        (,, uint64 next) = pools.poolOf(modelId);
        equal(next, 256 * uint256(cost), "sum");
    }

    // ---- exclusive jobs ----

    function test_anAssignedJobIsTheNodesAloneForAWhile() external {
        uint256 id = given(cost);
        (address reserved, uint40 end) = market.reservationOf(id);
        check(reserved == PROVER && end == pools.assignmentOf(id).until, "reserved");
        Answer memory other = answerTo(id, PROVER_2, 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.Reserved.selector, id));
        market.settle(key, other);
        Answer[] memory batch = new Answer[](1);
        batch[0] = other;
        check(!market.settleBatch(key, batch)[0], "in a batch neither");
        uint256 until = pools.assignmentOf(id).until;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.Reserved.selector, id));
        market.settle(key, other);
        vm.warp(until + 1);
        market.settle(key, other);
        check(stateOf(id) == JobState.Paid, "anybody's afterwards");
        // answered by another: missed all the same
        pools.penalize(id);
        equal(pools.nodeOf(PROVER).missed, 1, "missed");
    }

    function test_servedAssignmentsAreReleased() external {
        join(PROVER, cost);
        nextEpoch();
        uint256 id = ask();
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotAssigned.selector, id));
        pools.release(id);
        pools.assign(modelId);
        INodePools.Assignment memory a = pools.assignmentOf(id);
        equal(a.units, cost, "units");
        equal(pools.nodeOf(PROVER).locked, a.penalty, "locked");
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotServed.selector, id));
        pools.release(id);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotMissed.selector, id));
        pools.penalize(id);
        market.settle(key, answerTo(id));
        vm.snapshotGasLastCall("settle_assigned");
        vm.warp(uint256(a.until) + 1);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotMissed.selector, id));
        pools.penalize(id);
        pools.release(id);
        vm.snapshotGasLastCall("release");
        INodePools.Node memory node = pools.nodeOf(PROVER);
        check(node.locked == 0 && node.served == 1 && node.missed == 0 && node.stake == 100e18, "served");
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotAssigned.selector, id));
        pools.release(id);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotAssigned.selector, id));
        pools.penalize(id);
    }

    // ---- missed work ----

    /// @dev In an earlier system the penalty for a timeout could never be taken: the call that took it reverted after all.
    function test_missedWorkCostsStake() external {
        uint256 id = given(2 * cost);
        INodePools.Assignment memory a = pools.assignmentOf(id);
        equal(a.penalty, uint256(cost) * 5e11, "penalty");
        vm.warp(a.until);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotMissed.selector, id));
        pools.penalize(id);
        vm.warp(uint256(a.until) + 1);
        vm.prank(STRANGER);
        pools.penalize(id);
        vm.snapshotGasLastCall("penalize");
        INodePools.Node memory node = pools.nodeOf(PROVER);
        check(node.stake == 100e18 - a.penalty && node.locked == 0 && node.missed == 1, "stake");
        equal(pools.claimable(STRANGER), a.penalty / 10, "reporter");
        equal(pools.claimable(address(this)), a.penalty - a.penalty / 10, "governance");
        equal(pools.claimable(REQUESTER), 0, "the requester earns nothing");
        // the breaker: no units now, none promised, until the node says so
        (uint64 committed, uint64 assigned, uint64 next) = pools.unitsOf(modelId, PROVER);
        check(committed == assigned && next == 0 && node.committed == 0, "breaker");
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotAssigned.selector, id));
        pools.penalize(id);
        vm.prank(STRANGER);
        equal(pools.claim(), a.penalty / 10, "claimed");
        vm.snapshotGasLastCall("claim");
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.Nothing.selector));
        pools.claim();
        // the job is nobody's: it can be answered by anyone, or refunded
        market.settle(key, answerTo(id, STRANGER, 4));
        ask();
        vm.expectRevert(abi.encodeWithSelector(INodePools.NoCapacity.selector, modelId, (modelId << 64) | 2));
        pools.assign(modelId);
        vm.prank(PROVER);
        pools.setUnits(PROVER, modelId, cost);
        nextEpoch();
        uint256 third = ask();
        (uint256 job, address again) = pools.assign(modelId);
        check(job != 0 && job <= third && again == PROVER, "well again");
    }

    function test_aMissedJobGoesToAnotherNodeOnce() external {
        join(PROVER, cost);
        join(PROVER_2, cost);
        nextEpoch();
        uint256 id = ask();
        (, address first) = pools.assign(modelId);
        address second = first == PROVER ? PROVER_2 : PROVER;
        vm.warp(uint256(pools.assignmentOf(id).until) + 1);
        pools.penalize(id);
        vm.snapshotGasLastCall("penalize_and_reassign");
        INodePools.Assignment memory a = pools.assignmentOf(id);
        check(a.node == second && a.attempts == 2, "the other node");
        vm.warp(uint256(a.until) + 1);
        pools.penalize(id);
        check(pools.assignmentOf(id).node == address(0), "nobody");
        equal(pools.nodeOf(second).missed, 1, "both missed");
        market.settle(key, answerTo(id, STRANGER, 4));
    }

    /// @dev A requester may ask for what nobody can prove: a node that says so in time loses nothing but its units of the epoch.
    function test_nodesDeclineInTime() external {
        join(PROVER, cost);
        join(PROVER_2, cost);
        nextEpoch();
        uint256 id = ask();
        (, address first) = pools.assign(modelId);
        address second = first == PROVER ? PROVER_2 : PROVER;
        vm.prank(second);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotNode.selector, first, second));
        pools.decline(id);
        INodePools.Assignment memory a = pools.assignmentOf(id);
        uint256 half = a.since + (a.until - a.since) / 2;
        vm.warp(half + 1);
        vm.prank(first);
        vm.expectRevert(abi.encodeWithSelector(INodePools.TooLateToDecline.selector, id));
        pools.decline(id);
        vm.warp(half);
        vm.prank(first);
        pools.decline(id);
        vm.snapshotGasLastCall("decline");
        INodePools.Node memory node = pools.nodeOf(first);
        check(node.stake == 100e18 && node.locked == 0 && node.missed == 0, "no penalty");
        (uint64 committed, uint64 assigned,) = pools.unitsOf(modelId, first);
        check(committed == cost && assigned == cost, "its units are used up");
        check(pools.assignmentOf(id).node == second, "the other node's");
        (address reserved,) = market.reservationOf(id);
        check(reserved == second, "reserved");
        vm.prank(second);
        pools.decline(id);
        (reserved,) = market.reservationOf(id);
        check(reserved == address(0) && pools.assignmentOf(id).node == address(0), "nobody's");
        market.settle(key, answerTo(id, STRANGER, 3));
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotAssigned.selector, id));
        pools.decline(id);
    }

    function test_refundedJobsWereMissed() external {
        uint256 id = given(cost);
        vm.warp(block.timestamp + 2 hours);
        market.refund(id);
        pools.penalize(id);
        equal(pools.nodeOf(PROVER).missed, 1, "missed");
    }

    function test_nodesThatCouldNotSettleAreExcused() external {
        uint256 id = given(4 * cost);
        uint256 later = ask();
        vm.prank(GUARDIAN);
        market.pause();
        uint256 until = pools.assignmentOf(id).until;
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(INodePools.Excused.selector, id));
        pools.penalize(id);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NothingToAssign.selector, modelId));
        pools.assign(modelId);
        market.unpause();
        vm.expectRevert(abi.encodeWithSelector(INodePools.Excused.selector, id));
        pools.penalize(id);
        pools.release(id);
        INodePools.Node memory node = pools.nodeOf(PROVER);
        check(node.locked == 0 && node.missed == 0 && node.served == 0, "neither served nor missed");
        vm.warp(block.timestamp + 1);
        (uint256 job,) = pools.assign(modelId);
        equal(job, later, "goes on");
        router.stopRoute(ideal.proofSystemId());
        vm.warp(uint256(pools.assignmentOf(later).until) + 1);
        vm.expectRevert(abi.encodeWithSelector(INodePools.Excused.selector, later));
        pools.penalize(later);
        pools.release(later);
    }

    /// @dev A pause excuses the node; it does not let a stranger take the job from it that it has been proving.
    function test_anExcusedNodeKeepsItsTime() external {
        uint256 id = given(2 * cost);
        uint256 other = ask();
        pools.assign(modelId);
        vm.prank(GUARDIAN);
        market.pause();
        market.unpause();
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotNode.selector, PROVER, STRANGER));
        pools.release(id);
        (address node,) = market.reservationOf(id);
        check(node == PROVER, "still the node's");
        vm.prank(PROVER);
        pools.release(id); // its own choice
        (node,) = market.reservationOf(id);
        check(node == address(0), "anybody's");
        vm.warp(uint256(pools.assignmentOf(other).until) + 1);
        vm.prank(STRANGER);
        pools.release(other);
    }

    /// @dev A node that declines has no second time for the same job.
    function test_aDeclinedJobGoesToAnotherNode() external {
        uint256 id = given(8 * cost);
        vm.prank(PROVER);
        pools.decline(id);
        (address node,) = market.reservationOf(id);
        check(node == address(0) && pools.assignmentOf(id).node == address(0), "nobody's: there is no other");
        join(PROVER_2, cost);
        nextEpoch();
        for (uint256 i = 0; i < 3; ++i) {
            id = ask();
            (, node) = pools.assign(modelId);
            vm.prank(node);
            pools.decline(id);
            check(pools.assignmentOf(id).node != node, "another's or nobody's");
        }
    }

    /// @dev Open assignments hold the stake they could cost: a node cannot leave from under them, nor be given more than it can pay for.
    function test_openAssignmentsHoldStake() external {
        stake(PROVER, 2e18);
        vm.prank(PROVER);
        pools.setUnits(PROVER, modelId, 2 * cost);
        nextEpoch();
        uint256 id = ask();
        pools.assign(modelId);
        uint96 penalty = pools.assignmentOf(id).penalty;
        // units are left, but no stake for a penalty that governance has raised meanwhile
        INodePools.Parameters memory p = poolParameters();
        (p.stakePerUnit, p.penaltyPerUnit) = (1e18, 1e18);
        pools.setParameters(p);
        uint256 next = ask();
        vm.expectRevert(abi.encodeWithSelector(INodePools.NoCapacity.selector, modelId, next));
        pools.assign(modelId);
        pools.setParameters(poolParameters());
        vm.prank(PROVER);
        pools.setUnits(PROVER, modelId, 0);
        nextEpoch();
        vm.prank(PROVER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.StakeTooLow.selector, PROVER, 2e18, 2e18 + 1));
        pools.unbond(uint96(2e18 + 1 - penalty));
        vm.prank(PROVER);
        pools.unbond(2e18 - penalty);
        pools.penalize(id);
        equal(pools.nodeOf(PROVER).stake, 0, "all that was locked");
        equal(pools.nodeOf(PROVER).unbonding, 2e18 - penalty, "the rest is on its way");
    }

    function test_parametersLeaveAssignmentsAlone() external {
        uint256 id = given(cost);
        bytes32 before = keccak256(abi.encode(pools.assignmentOf(id)));
        INodePools.Parameters memory p = poolParameters();
        (p.penaltyPerUnit, p.windowBase) = (1, 2 hours);
        pools.setParameters(p);
        vm.snapshotGasLastCall("set_parameters");
        check(keccak256(abi.encode(pools.assignmentOf(id))) == before, "unchanged");
        market.settle(key, answerTo(id));
        pools.release(id);
        equal(pools.nodeOf(PROVER).locked, 0, "as much as was locked");
        p.minStake = 0;
        outOfBounds(p, "minStake", 0, 1, 1e24);
        p = poolParameters();
        p.stakePerUnit = 0;
        outOfBounds(p, "stakePerUnit", 0, 1, 1e18);
        p = poolParameters();
        p.penaltyPerUnit = 0;
        outOfBounds(p, "penaltyPerUnit", 0, 1, p.stakePerUnit);
        p.penaltyPerUnit = p.stakePerUnit + 1;
        outOfBounds(p, "penaltyPerUnit", p.stakePerUnit + 1, 1, p.stakePerUnit);
        p = poolParameters();
        p.windowBase = 59;
        outOfBounds(p, "windowBase", 59, 60, 1 days);
        p = poolParameters();
        p.windowPerMegaUnit = 1 days + 1;
        outOfBounds(p, "windowPerMegaUnit", 1 days + 1, 0, 1 days);
        p = poolParameters();
        p.reporterBps = 5001;
        outOfBounds(p, "reporterBps", 5001, 0, 5000);
        p = poolParameters();
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        pools.setParameters(p);
    }

    function outOfBounds(INodePools.Parameters memory p, bytes32 name, uint256 value, uint256 least, uint256 most)
        private
    {
        vm.expectRevert(abi.encodeWithSelector(INodePools.ParameterOutOfBounds.selector, name, value, least, most));
        pools.setParameters(p);
    }

    function test_poolsAreSetOnce() external {
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.PoolsAlreadySet.selector));
        market.setPools(address(1));
        NodePools other = new NodePools(address(this), GUARDIAN, market, poolParameters());
        token.mint(address(this), 1e18);
        token.approve(address(other), 1e18);
        other.bond(PROVER, 1e18);
        vm.snapshotGasLastCall("bond_first");
        other.setGuardian(STRANGER);
        vm.snapshotGasLastCall("set_guardian");
        vm.expectRevert(abi.encodeWithSelector(INodePools.Nothing.selector));
        pools.bond(address(0), 1);
        uint256 id = ask();
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.NotPools.selector, address(this)));
        market.reserve(id, address(this), type(uint40).max);
    }

    // ---- what a node could do to the others ----

    /// @dev Places were free of charge: 256 addresses without stake could have shut everybody out.
    function test_aPlaceTakesUnitsAndStake() external {
        vm.startPrank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotInPool.selector, modelId, STRANGER));
        pools.setUnits(STRANGER, modelId, 0);
        vm.expectRevert(abi.encodeWithSelector(INodePools.NotInPool.selector, modelId, STRANGER));
        pools.setUnits(STRANGER, modelId, cost - 1);
        vm.stopPrank();
        equal(pools.placeOf(modelId, STRANGER), 0, "no place");
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(INodePools.StakeTooLow.selector, STRANGER, 0, 1e18));
        pools.setUnits(STRANGER, modelId, cost);
    }

    /// @dev Nodes with a little less than a job takes drew jobs that they could not be given, and paid nothing for it: the queue stood still.
    function test_unitsThatTakeNoJobDrawNone() external {
        join(PROVER, 3 * cost);
        for (uint256 i = 1; i <= 40; ++i) {
            join(address(uint160(0x3000 + i)), 2 * cost - 1);
        }
        nextEpoch();
        (uint64 committed,,) = pools.unitsOf(modelId, address(0x3001));
        equal(committed, cost, "whole jobs");
        for (uint256 i = 0; i < 43; ++i) {
            ask();
            (, address node) = pools.assign(modelId);
            check(node != address(0), "every unit is of use");
        }
        uint256 id = ask();
        vm.expectRevert(abi.encodeWithSelector(INodePools.NoCapacity.selector, modelId, id));
        pools.assign(modelId);
    }

    /// @dev A node took its stake away and kept its weight in the draws until the end of the epoch: the queue stood still.
    function test_stakeStandsForThisEpochToo() external {
        join(PROVER, 2 * cost);
        stake(PROVER_2, 1e6 * 1e18);
        vm.prank(PROVER_2);
        pools.setUnits(PROVER_2, modelId, 100_000 * cost);
        nextEpoch();
        uint256 promised = 100_000 * uint256(cost) * 1e12;
        vm.startPrank(PROVER_2);
        pools.setUnits(PROVER_2, modelId, 0);
        vm.expectRevert(
            abi.encodeWithSelector(INodePools.StakeTooLow.selector, PROVER_2, 1e6 * 1e18, 1e6 * 1e18 + promised)
        );
        pools.unbond(1e6 * 1e18);
        pools.unbond(uint96(1e6 * 1e18 - promised));
        pools.setUnits(PROVER_2, modelId, cost); // changes nothing for this epoch
        vm.expectRevert(abi.encodeWithSelector(INodePools.StakeTooLow.selector, PROVER_2, promised, promised + 1));
        pools.unbond(1);
        pools.setUnits(PROVER_2, modelId, 0);
        vm.stopPrank();
        ask();
        (, address node) = pools.assign(modelId);
        check(node != address(0), "drawn with its stake");
        nextEpoch();
        uint96 left = uint96(promised - pools.nodeOf(PROVER_2).locked);
        vm.prank(PROVER_2);
        pools.unbond(left);
    }

    /// @dev A node that lets its time pass must not take a job from everybody else with it.
    function test_othersHaveAsLongAsTheNode() external {
        join(PROVER, 10 * cost);
        nextEpoch();
        uint256 window = 15 minutes + ((uint256(cost) * 60) >> 20);
        Request memory r = draft();
        r.deadline = uint40(block.timestamp + 2 * window - 1);
        ask(r);
        r.deadline = uint40(block.timestamp + 2 * window);
        uint256 id = ask(r);
        (uint256 job, address node) = pools.assign(modelId);
        check(job == id && node == PROVER, "the first one leaves too little");
        equal(pools.assignmentOf(id).until, block.timestamp + window, "half of its time");
    }

    /// @dev Whoever is the first of an epoch chooses the block, and could try one after the other until the draws please. That is worth one job at most:
    ///      all others go by the hash of that block, which no transaction in it can know.
    function test_theSeedOfAnEpochCannotBeTriedOut() external {
        join(PROVER, 100 * cost);
        join(PROVER_2, 100 * cost);
        vm.warp((block.timestamp / 1 hours + 1) * 1 hours);
        for (uint256 i = 0; i < 12; ++i) {
            ask();
        }
        Chooser chooser = new Chooser(pools, PROVER_2);
        uint256 tries;
        for (bool ok; !ok; ++tries) {
            vm.roll(block.number + 1);
            vm.prevrandao(keccak256(abi.encode(tries)));
            (ok,) = address(chooser).call(abi.encodeCall(Chooser.take, (modelId, 1)));
        }
        uint64 epoch = pools.currentEpoch();
        vm.expectRevert(abi.encodeWithSelector(INodePools.SeedPending.selector, epoch));
        pools.assign(modelId);
        // from the next block on the draws are what they are, whichever block they are made in
        uint256 number = block.number;
        address[8] memory drawn;
        for (uint256 k = 0; k < 3; ++k) {
            vm.roll(number + 1 + 7 * k);
            vm.prevrandao(keccak256(abi.encode("other", k)));
            uint256 state = vm.snapshotState();
            for (uint256 i = 0; i < 8; ++i) {
                (, address node) = pools.assign(modelId);
                check(k == 0 || node == drawn[i], "another block, the same draw");
                drawn[i] = node;
            }
            vm.revertToState(state);
        }
    }

    /// @dev Where the hash of the first block is lost, another block takes its place: nobody knows the seed before.
    function test_aSeedIsNeverKnownBefore() external {
        vm.warp((block.timestamp / 1 hours + 1) * 1 hours);
        vm.roll(1000);
        pools.seedEpoch();
        vm.snapshotGasLastCall("seed_epoch");
        vm.roll(1257);
        pools.seedEpoch(); // begins again
        uint64 epoch = pools.currentEpoch();
        vm.expectRevert(abi.encodeWithSelector(INodePools.SeedPending.selector, epoch));
        pools.seedEpoch();
        vm.roll(1258);
        vm.recordLogs();
        pools.seedEpoch();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        check(logs.length == 1 && logs[0].topics[0] == INodePools.EpochSeeded.selector, "final");
        vm.recordLogs();
        pools.seedEpoch();
        equal(vm.getRecordedLogs().length, 0, "once");
    }

    /// @dev The draw follows free units: over many seeds a node with three times the units gets about three times the jobs.
    function test_drawsFollowUnits() external {
        join(PROVER, 300 * cost);
        join(PROVER_2, 100 * cost);
        nextEpoch();
        uint256 first;
        for (uint256 i = 0; i < 100; ++i) {
            ask();
            (, address node) = pools.assign(modelId);
            if (node == PROVER) ++first;
        }
        check(first >= 60 && first <= 90, decimal(first));
    }
}
