// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceMarket} from "../../src/interfaces/IInferenceMarket.sol";
import {INodePools} from "../../src/interfaces/INodePools.sol";
import {IVerifierRouter} from "../../src/interfaces/IVerifierRouter.sol";
import {Answer, Job, JobState, Request} from "../../src/types/Job.sol";
import {PoolsKit} from "../kit/PoolsKit.sol";
import {Test} from "../Vm.sol";

/// @notice Everybody who uses the network, at random: requesters, provers, nodes, a model owner, governance, the guardian, and thieves. Each action
/// knows whether it must succeed and says so; ghosts remember what happened.
contract Network is PoolsKit {
    struct Ghost {
        bytes32 fixedPart;
        bytes32 precommitment;
        bool accepted;
        uint8 payments;
        uint8 refunds;
    }

    uint256 private constant MOST_JOBS = 400;
    uint256 private constant SOUND = 7; // no fault of an answer

    address[4] public requesters = [address(0x1001), address(0x1002), address(0x1003), address(0x1004)];
    address[4] public nodes = [address(0x2001), address(0x2002), address(0x2003), address(0x2004)];
    uint256[] public jobs;
    mapping(uint256 jobId => Ghost) public ghosts;
    uint256 public secondModel;
    bool public deprecated;
    bool public stopped;
    uint256 public bondedTotal;
    uint256 public slashedTotal;
    mapping(uint256 modelId => uint256) public lastPlace;
    mapping(bytes32 action => uint256) public done;

    constructor() {
        build();
        buildPools();
        secondModel = addModel(key, ideal.proofSystemId());
        for (uint256 i = 0; i < 4; ++i) {
            fund(requesters[i], 10e18);
            stake(nodes[i], 5e18);
            bondedTotal += 5e18;
        }
        nextEpoch();
    }

    // ---- requesters ----

    function deposit(uint256 who, uint96 amount) external {
        fund(requesters[who % 4], amount % 1e18);
    }

    function withdraw(uint256 who, uint256 amount) external {
        address account = who % 8 < 4 ? requesters[who % 4] : nodes[who % 4];
        uint256 held = market.balanceOf(account);
        amount = amount % 4 == 0 ? held + 1 : clamp(amount, 0, held);
        vm.prank(account);
        try market.withdraw(account, amount) { // also while paused
            check(amount <= held, "more than the account holds");
            ++done["withdraw"];
        } catch {
            check(amount > held, "money that must go out");
        }
    }

    /// @dev All payments of a node that wait in jobs, and one that does not.
    function collect(uint256 who, uint256 which, bool greedy) external {
        address node = nodes[who % 4];
        uint256[] memory ids = new uint256[](jobs.length + 1);
        (uint256 count, uint256 sum) = (0, 0);
        for (uint256 i = 0; i < jobs.length; ++i) {
            (address prover, uint256 amount) = market.keptOf(jobs[i]);
            if (prover != node) continue;
            (ids[count], sum) = (jobs[i], sum + amount);
            ++count;
        }
        bool good = !greedy || jobs.length == 0;
        if (!good) {
            ids[count] = jobs[which % jobs.length]; // another's, or one of them twice
            ++count;
        }
        assembly ("memory-safe") {
            mstore(ids, count)
        }
        uint256 before = token.balanceOf(node);
        vm.prank(node);
        try market.collect(ids, node) returns (uint256 amount) { // also while paused
            check(good && amount == sum, "a payment that must wait");
            equal(token.balanceOf(node), before + sum, "collected");
            if (sum != 0) ++done["collect"];
        } catch {
            check(!good, "payments that must go out");
        }
    }

    function request(uint256 who, bool second, uint256 duration, bool demanding) external {
        if (jobs.length == MOST_JOBS) return;
        address requester = requesters[who % 4];
        Request memory r = draft();
        r.modelId = second ? secondModel : modelId;
        IInferenceMarket.Parameters memory p = market.parameters();
        r.deadline = uint40(block.timestamp + clamp(duration, p.minDuration, p.maxDuration));
        if (demanding) r.requirement = (2 << 240) | (uint256(16) << 224) | 50; // word 2 is at most 50
        (uint96 price,,) = viewer.priceOf(r.modelId, 0);
        bool good = !paused() && !stopped && !(second && deprecated) && market.balanceOf(requester) >= price;
        vm.prank(requester);
        try market.request(r) returns (uint256 id) {
            check(good, "a job that must be refused");
            equal(id & type(uint64).max, market.queueLength(r.modelId), "queue order");
            jobs.push(id);
            ghosts[id].precommitment = market.jobOf(id).precommitment;
            ghosts[id].fixedPart = fixedPart(id);
            ++done["request"];
        } catch {
            check(!good, "a job that must be taken");
        }
    }

    function refund(uint256 which) external {
        if (jobs.length == 0) return;
        uint256 id = jobs[which % jobs.length];
        Job memory job = market.jobOf(id);
        bool good = job.state == JobState.Open && block.timestamp > job.deadline;
        uint256 before = market.balanceOf(job.requester);
        try market.refund(id) {
            check(good, "a refund that must fail");
            equal(market.balanceOf(job.requester), before + job.price, "all of it");
            ++ghosts[id].refunds;
            ++done["refund"];
        } catch {
            check(!good, "a refund that must work, paused or not");
        }
    }

    // ---- provers ----

    function settle(uint256 which, uint256 who, uint256 output, uint256 fault) external {
        if (jobs.length == 0) return;
        (Answer memory a, bool honest) = answer(which, who, output, fault);
        bool good = honest && canBePaid(a);
        uint256 before = market.balanceOf(a.prover);
        try market.settle(key, a) {
            check(good, "an answer that must be refused");
            recordPaid(a);
            Job memory job = market.jobOf(a.jobId);
            (address prover, uint256 kept) = market.keptOf(a.jobId);
            check(kept == 0 || (prover == a.prover && before == 0), "kept for the prover");
            if (kept != 0) ++done["kept"];
            equal(market.balanceOf(a.prover) + kept, before + job.price - job.royalty - job.fee, "paid at once");
        } catch {
            check(!good, "an answer that must be paid");
        }
    }

    function settleBatch(uint256 which, uint256 who, uint256 output, uint256 fault) external {
        if (jobs.length == 0) return;
        (which, output) = (which % 1e9, output % 1e9);
        uint256 model = jobs[which % jobs.length] >> 64;
        Answer[] memory batch = new Answer[](5);
        bool[] memory good = new bool[](5);
        for (uint256 i = 0; i < 5; ++i) {
            bool honest;
            (batch[i], honest) = answer(which + i / 2, who, output + i, i == fault / 8 % 5 ? fault : SOUND);
            if (batch[i].jobId >> 64 != model) {
                // of another model: a job that is not there in its place
                batch[i].jobId = model << 64;
                honest = false;
            }
            good[i] = honest && canBePaid(batch[i]);
            for (uint256 k = 0; k < i; ++k) {
                if (good[k] && batch[k].jobId == batch[i].jobId) good[i] = false;
            }
        }
        try market.settleBatch(key, batch) returns (bool[] memory paid) {
            check(!paused() && !stopped, "a batch that must be refused");
            uint256 count;
            for (uint256 i = 0; i < 5; ++i) {
                check(paid[i] == good[i], "result of a batch");
                if (paid[i]) recordPaid(batch[i]);
                if (paid[i]) ++count;
            }
            if (count > 1) ++done["batch"];
        } catch {
            check(paused() || stopped, "a batch that must be looked at");
        }
    }

    /// @dev A proof that was made for one job, prover, chain or market is tried elsewhere.
    function steal(uint256 which, uint256 where, uint256 who, uint256 kind) external {
        if (jobs.length < 2 || paused() || stopped) return;
        uint256 from = jobs[which % jobs.length];
        uint256 to = jobs[where % jobs.length];
        Answer memory a = answerTo(from, nodes[who % 4], 7);
        kind = kind % 4;
        if (kind == 0) {
            if (from == to) return;
            a.jobId = to;
        }
        if (kind == 1) a.prover = address(0x7417EF);
        if (kind == 2) {
            a.proof = ideal.prove(
                keyHash,
                keccak256(abi.encode(keccak256("sertn.context.v1"), uint256(1), address(market), from, a.prover)),
                a.words
            );
        }
        if (kind == 3) {
            a.proof = ideal.prove(
                keyHash,
                keccak256(abi.encode(keccak256("sertn.context.v1"), block.chainid, address(pools), from, a.prover)),
                a.words
            );
        }
        try market.settle(key, a) {
            revert Failed("a stolen proof was paid");
        } catch {
            ++done["steal"];
        }
    }

    // ---- nodes ----

    function bond(uint256 who, uint96 amount) external {
        amount = amount % 1e18;
        stake(nodes[who % 4], amount);
        bondedTotal += amount;
    }

    function unbond(uint256 who, uint256 amount) external {
        address node = nodes[who % 4];
        if (jobs.length != 0 && who % 8 > 2) {
            // rather one that has work
            address busy = pools.assignmentOf(assignedFrom(who)).node;
            if (busy != address(0)) node = busy;
        }
        INodePools.Node memory n = pools.nodeOf(node);
        uint256 needed = n.locked;
        (uint64 here,,) = pools.unitsOf(modelId, node);
        (uint64 there,,) = pools.unitsOf(secondModel, node);
        uint256 units = uint256(here) + there > n.committed ? uint256(here) + there : n.committed;
        if (units != 0) {
            (uint96 least, uint64 perUnit,,,,) = pools.parameters();
            uint256 promised = units * perUnit;
            if (promised < least) promised = least;
            if (promised > needed) needed = promised;
        }
        // some, all that may go, and one more
        uint256 most = n.stake > needed ? n.stake - needed : 0;
        uint256 how = amount % 4;
        amount = how == 0 ? most + 1 : how == 1 ? most : clamp(amount, 1, most / 4 + 1);
        if (amount == 0) return;
        vm.prank(node);
        try pools.unbond(uint96(amount)) {
            check(amount + needed <= n.stake, "stake that must stay");
            ++done["unbond"];
        } catch {
            check(amount + needed > n.stake, "stake that must be free to go");
        }
    }

    function withdrawUnbonded(uint256 who) external {
        address node = nodes[who % 4];
        INodePools.Node memory n = pools.nodeOf(node);
        bool good = n.unbonding != 0 && block.timestamp >= n.unbondsAt;
        vm.prank(node);
        try pools.withdrawUnbonded() returns (uint256 amount) {
            check(good, "too early");
            bondedTotal -= amount;
        } catch {
            check(!good, "stake that must go out");
        }
    }

    function setUnits(uint256 who, bool second, uint256 units) external {
        address node = nodes[who % 4];
        units = units % 4 * cost;
        vm.prank(node);
        try pools.setUnits(node, second ? secondModel : modelId, uint64(units)) {
            ++done["setUnits"];
        } catch (bytes memory reason) {
            if (units == 0 && pools.placeOf(second ? secondModel : modelId, node) == 0) {
                check(bytes4(reason) == INodePools.NotInPool.selector, "no place without units");
            } else {
                check(bytes4(reason) == INodePools.StakeTooLow.selector, "only for want of stake");
            }
        }
    }

    function quit(uint256 who, bool second) external {
        address node = nodes[who % 4];
        uint256 model = second ? secondModel : modelId;
        (uint64 committed,, uint64 next) = pools.unitsOf(model, node);
        bool good = pools.placeOf(model, node) != 0 && committed == 0 && next == 0;
        try pools.quit(node, model) {
            check(good, "a place that must be kept");
        } catch {
            check(!good, "a place that must be freed");
        }
    }

    function assign(bool second) external {
        uint256 model = second ? secondModel : modelId;
        vm.roll(block.number + 1);
        try pools.assign(model) returns (uint256 id, address node) {
            if (node == address(0)) return;
            check(id > lastPlace[model], "assigned in the order of the queue");
            lastPlace[model] = id;
            check(market.jobOf(id).state == JobState.Open && !paused() && !stopped, "a job that can be served");
            checkTimes(id);
            ++done["assign"];
        } catch (bytes memory reason) {
            bytes4 why = bytes4(reason);
            check(why == INodePools.NothingToAssign.selector || why == INodePools.NoCapacity.selector, "why");
        }
    }

    function release(uint256 which) external {
        if (jobs.length == 0) return;
        uint256 id = assignedFrom(which);
        INodePools.Assignment memory a = pools.assignmentOf(id);
        if (a.node == address(0)) return;
        Job memory job = market.jobOf(id);
        bool served = job.state == JobState.Paid && job.settledAt <= a.until;
        bool excused = market.lastPauseEnd() >= a.since || stopped;
        // half of the calls are the node's own
        bool own = which % 2 == 0;
        if (own) vm.prank(a.node);
        try pools.release(id) {
            check(served || (excused && (own || block.timestamp > a.until)), "a release that must not be");
            ++done["release"];
        } catch {
            check(!served && !(excused && (own || block.timestamp > a.until)), "a release that must be possible");
        }
    }

    function decline(uint256 which) external {
        if (jobs.length == 0) return;
        uint256 id = assignedFrom(which);
        INodePools.Assignment memory a = pools.assignmentOf(id);
        if (a.node == address(0)) return;
        bool good = block.timestamp <= a.since + (a.until - a.since) / 2;
        uint256 before = pools.nodeOf(a.node).stake;
        vm.roll(block.number + 1);
        vm.prank(a.node);
        try pools.decline(id) {
            check(good, "too late to decline");
            equal(pools.nodeOf(a.node).stake, before, "no penalty");
            check(pools.assignmentOf(id).node != a.node, "another node's, or nobody's");
            checkTimes(id);
            ++done["decline"];
        } catch {
            check(!good, "a node must be able to decline");
        }
    }

    function penalize(uint256 which) external {
        if (jobs.length == 0) return;
        uint256 id = assignedFrom(which);
        INodePools.Assignment memory a = pools.assignmentOf(id);
        if (a.node == address(0)) return;
        Job memory job = market.jobOf(id);
        bool late = block.timestamp > a.until && (job.state != JobState.Paid || job.settledAt > a.until);
        bool good = late && market.lastPauseEnd() < a.since && !stopped;
        uint256 before = pools.nodeOf(a.node).stake;
        vm.roll(block.number + 1);
        try pools.penalize(id) {
            check(good, "a penalty that must not be");
            uint256 lost = before - pools.nodeOf(a.node).stake;
            equal(lost, a.penalty, "the penalty of the assignment, whatever the parameters now");
            slashedTotal += lost;
            checkTimes(id);
            ++done["penalize"];
        } catch {
            check(!good, "a penalty that must be possible");
        }
    }

    function claimPenalties(uint256 who) external {
        address account = who % 5 == 4 ? address(this) : requesters[who % 5];
        if (pools.claimable(account) == 0) return;
        uint256 amount = pools.claimable(account);
        vm.prank(account);
        pools.claim();
        bondedTotal -= amount;
        slashedTotal -= amount;
    }

    // ---- owners, governance, time ----

    function claim(bool second) external {
        market.claim(second ? secondModel : modelId);
    }

    function changeParameters(uint96 unitPrice, uint16 feeBps, uint32 least, uint64 stakePerUnit, uint64 penalty)
        external
    {
        uint32 low = uint32(clamp(least, 60, 1 days));
        market.setParameters(
            IInferenceMarket.Parameters(
                uint96(clamp(unitPrice, 1, 1e13)), 1e9, uint16(clamp(feeBps, 0, 1000)), low, low + 1 days
            )
        );
        uint64 perUnit = uint64(clamp(stakePerUnit, 1, 1e15));
        pools.setParameters(
            INodePools.Parameters(
                1e18,
                perUnit,
                penalty % 2 == 0 ? perUnit : uint64(clamp(penalty, 1, perUnit)),
                uint32(clamp(least, 60, 1 hours)),
                60,
                1000
            )
        );
        ++done["parameters"];
    }

    /// @dev A node that has units free keeps no more stake than it must; then penalties become dear, and jobs are drawn.
    function squeeze(uint256 who, bool second) external {
        uint256 model = second ? secondModel : modelId;
        for (uint256 i = 0; i < 3; ++i) {
            uint256 node = (who % 3 + i) % 3;
            (uint64 committed, uint64 assigned,) = pools.unitsOf(model, nodes[node]);
            if (committed == assigned) continue;
            this.unbond(node, 1);
            this.changeParameters(UNIT_PRICE, 500, 60, 1e15 - 1, 0);
            this.request(who, second, 1 days, false);
            this.assign(second);
            ++done["squeeze"];
            return;
        }
    }

    function togglePause(uint256 chance) external {
        if (paused()) {
            market.unpause();
        } else if (chance % 4 == 0) {
            vm.prank(GUARDIAN);
            market.pause();
        }
    }

    function deprecate(uint256 chance) external {
        if (deprecated || jobs.length < 12 || chance % 4 != 0) return;
        vm.prank(MODEL_OWNER);
        registry.deprecateModel(secondModel);
        deprecated = true;
        // its jobs are settled as before: at once, for those that wait
        for (uint256 i = 0; i < jobs.length; ++i) {
            if (jobs[i] >> 64 == secondModel) this.settle(2 * jobs.length + i + i % 2 * jobs.length, 1, 5, SOUND);
        }
    }

    function stopRoute(uint256 chance) external {
        bytes4 system = ideal.proofSystemId();
        if (!stopped && chance % 64 == 0) {
            router.stopRoute(system);
            stopped = true;
        }
        IVerifierRouter.Canary memory none;
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.RouteTaken.selector, system));
        router.addRoute(system, address(ideal), none);
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + clamp(time, 1, 20 minutes));
    }

    /// @dev To the very second in which something of a job ends, or the one behind it, and does what goes by it.
    function passTo(uint256 which, uint256 what) external {
        if (jobs.length == 0) return;
        uint256 id = jobs[which % jobs.length];
        INodePools.Assignment memory a = pools.assignmentOf(assignedFrom(which));
        uint256 time = what % 3 == 0 ? market.jobOf(id).deadline : a.until;
        if (what % 3 == 2) time = a.since + (a.until - a.since) / 2;
        if (time <= block.timestamp) return;
        vm.warp(time + what / 3 % 2);
        if (what % 3 == 0) this.refund(which);
        else if (what % 3 == 1) this.penalize(which);
        else this.decline(which);
    }

    function passLong(uint256 time) external {
        vm.warp(block.timestamp + clamp(time, 1 hours, 9 days));
    }

    // ---- what the invariants ask ----

    function jobCount() external view returns (uint256) {
        return jobs.length;
    }

    function paused() public view returns (bool) {
        return market.lastPauseEnd() == type(uint40).max;
    }

    /// @notice All of a job that must never change.
    function fixedPart(uint256 id) public view returns (bytes32) {
        Job memory job = market.jobOf(id);
        job.state = JobState.None;
        job.settledAt = 0;
        // What a kept payment takes the place of.
        if (job.precommitment == 0) job.precommitment = ghosts[id].precommitment;
        return keccak256(abi.encode(job, market.requirementOf(id)));
    }

    function checkMoney() external view {
        uint256 sum = market.balanceOf(address(this)) + market.balanceOf(MODEL_OWNER) + market.balanceOf(REQUESTER);
        for (uint256 i = 0; i < 4; ++i) {
            sum += market.balanceOf(requesters[i]) + market.balanceOf(nodes[i]);
        }
        for (uint256 i = 0; i < jobs.length; ++i) {
            Job memory job = market.jobOf(jobs[i]);
            (, uint256 kept) = market.keptOf(jobs[i]);
            sum += job.state == JobState.Open ? job.price : kept;
            check(job.state == JobState.Paid || (kept == 0 && job.precommitment != 0), "kept of a paid job");
        }
        for (uint256 i = 0; i < 2; ++i) {
            (uint96 royalties, uint96 fees,) = market.modelAccounts(i == 0 ? modelId : secondModel);
            sum += uint256(royalties) + fees;
        }
        equal(token.balanceOf(address(market)), sum, "holdings of the market");
    }

    function checkStakes() external view {
        uint256 sum = pools.claimable(address(this));
        for (uint256 i = 0; i < 4; ++i) {
            INodePools.Node memory n = pools.nodeOf(nodes[i]);
            sum += uint256(n.stake) + n.unbonding + pools.claimable(requesters[i]);
            uint256 locked;
            for (uint256 k = 0; k < jobs.length; ++k) {
                INodePools.Assignment memory a = pools.assignmentOf(jobs[k]);
                if (a.node == nodes[i]) locked += a.penalty;
            }
            equal(n.locked, locked, "locked is the sum of open penalties");
            check(n.locked <= n.stake, "open penalties are covered");
        }
        equal(token.balanceOf(address(pools)), sum, "holdings of the pools");
        equal(sum, bondedTotal, "nothing is lost");
        check(slashedTotal <= bondedTotal, "no more is taken than was staked");
    }

    function checkCapacity() external view {
        for (uint256 m = 0; m < 2; ++m) {
            uint256 model = m == 0 ? modelId : secondModel;
            (uint256 committed, uint256 assigned, uint256 next) = (0, 0, 0);
            for (uint256 i = 0; i < 4; ++i) {
                (uint64 c, uint64 a, uint64 n) = pools.unitsOf(model, nodes[i]);
                check(a <= c, "assigned is at most what was promised");
                (committed, assigned, next) = (committed + c, assigned + a, next + n);
            }
            (uint64 c_, uint64 a_, uint64 n_) = pools.poolOf(model);
            check(c_ == committed && a_ == assigned && n_ == next, "the root is the sum of the nodes");
        }
        for (uint256 i = 0; i < 4; ++i) {
            (,, uint64 first) = pools.unitsOf(modelId, nodes[i]);
            (,, uint64 second) = pools.unitsOf(secondModel, nodes[i]);
            equal(pools.nodeOf(nodes[i]).committed, uint256(first) + second, "promises of a node");
        }
    }

    function checkJobs() external view {
        for (uint256 i = 0; i < jobs.length; ++i) {
            Ghost memory g = ghosts[jobs[i]];
            Job memory job = market.jobOf(jobs[i]);
            check(g.payments + g.refunds <= 1, "a job ends once");
            check((job.state == JobState.Paid) == (g.payments == 1), "paid");
            check((job.state == JobState.Refunded) == (g.refunds == 1), "refunded");
            check(job.state != JobState.Paid || g.accepted, "paid for a proof that the verifier accepts");
            check(job.settledAt == 0 || job.state == JobState.Paid, "time of payment");
            check(fixedPart(jobs[i]) == g.fixedPart, "a job does not change");
        }
    }

    function checkRoutes() external view {
        (IVerifierRouter.RouteState state, address verifier,) = router.routeOf(ideal.proofSystemId());
        check(verifier == address(ideal), "the same verifier");
        check((state == IVerifierRouter.RouteState.Stopped) == stopped, "stopped for ever");
    }

    // ---- internal ----

    /// @dev An assignment made now leaves others as long as the node has.
    function checkTimes(uint256 id) private view {
        INodePools.Assignment memory a = pools.assignmentOf(id);
        if (a.node == address(0)) return;
        check(market.jobOf(id).deadline >= 2 * uint256(a.until) - block.timestamp, "time for others");
        (address node, uint40 until) = market.reservationOf(id);
        check(node == a.node && until == a.until, "reserved for the node");
    }

    function answer(uint256 which, uint256 who, uint256 output, uint256 fault)
        private
        view
        returns (Answer memory a, bool honest)
    {
        uint256 id = which % 2 == 0 ? jobs[which % jobs.length] : assignedFrom(which);
        output = output % 64;
        // a node that has the job reserved is as likely as any other
        (address node,) = market.reservationOf(id);
        address prover = who % 2 == 0 && node != address(0) ? node : nodes[who % 4];
        a = answerTo(id, prover, output);
        fault = fault % 8;
        honest = fault > 3;
        if (fault == 0) a.proof[0] ^= 0x01;
        if (fault == 1) a.words[0] ^= 1;
        if (fault == 2) a.prover = address(0x7417EF);
        if (fault == 3) {
            // a true answer to another input
            a.words[which % 2] ^= 1;
            a.proof = ideal.prove(keyHash, market.contextOf(id, prover), a.words);
        }
        if (market.jobOf(id).hasRequirement && output > 50) honest = false;
    }

    /// @dev The first assigned job from some place on; any job where there is none.
    function assignedFrom(uint256 which) private view returns (uint256 id) {
        which = which % jobs.length;
        for (uint256 i = 0; i < jobs.length; ++i) {
            id = jobs[(which + i) % jobs.length];
            if (pools.assignmentOf(id).node != address(0)) return id;
        }
    }

    function canBePaid(Answer memory a) private view returns (bool) {
        Job memory job = market.jobOf(a.jobId);
        (address node, uint40 until) = market.reservationOf(a.jobId);
        bool mine = block.timestamp > until || node == a.prover;
        return job.state == JobState.Open && block.timestamp <= job.deadline && !paused() && !stopped && mine;
    }

    function recordPaid(Answer memory a) private {
        Ghost storage g = ghosts[a.jobId];
        ++g.payments;
        bytes32 context =
            keccak256(abi.encode(keccak256("sertn.context.v1"), block.chainid, address(market), a.jobId, a.prover));
        g.accepted = ideal.verify(keyHash, key, context, a.words, a.proof);
        ++done["paid"];
    }
}

contract NetworkInvariants is Test {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Network private network;

    function setUp() external {
        network = new Network();
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[35] memory list = [
            Network.deposit.selector,
            Network.withdraw.selector,
            Network.collect.selector,
            Network.request.selector,
            Network.request.selector,
            Network.request.selector,
            Network.refund.selector,
            Network.settle.selector,
            Network.settle.selector,
            Network.settleBatch.selector,
            Network.steal.selector,
            Network.bond.selector,
            Network.unbond.selector,
            Network.withdrawUnbonded.selector,
            Network.setUnits.selector,
            Network.setUnits.selector,
            Network.quit.selector,
            Network.assign.selector,
            Network.assign.selector,
            Network.assign.selector,
            Network.assign.selector,
            Network.release.selector,
            Network.penalize.selector,
            Network.decline.selector,
            Network.claimPenalties.selector,
            Network.claim.selector,
            Network.changeParameters.selector,
            Network.squeeze.selector,
            Network.togglePause.selector,
            Network.deprecate.selector,
            Network.stopRoute.selector,
            Network.pass.selector,
            Network.passTo.selector,
            Network.passTo.selector,
            Network.passLong.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0].addr = address(network);
        targets[0].selectors = new bytes4[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            targets[0].selectors[i] = list[i];
        }
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(network);
    }

    function invariant_network() external view {
        network.checkMoney();
        network.checkStakes();
        network.checkCapacity();
        network.checkJobs();
        network.checkRoutes();
    }

    /// @dev The handler reaches every end of a job: otherwise the invariants would say little.
    function test_theHandlerReachesEverything() external {
        uint256 seed = 3;
        bytes4[] memory selectors = this.targetSelectors()[0].selectors;
        for (uint256 i = 0; i < 1500; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            bytes4 selector = selectors[seed % selectors.length];
            if (selector == Network.stopRoute.selector || selector == Network.passLong.selector) {
                if (seed >> 200 & 7 != 0) continue;
            }
            bytes memory data = selector == Network.changeParameters.selector
                ? abi.encodeWithSelector(
                    selector, uint96(seed >> 8), uint16(seed), uint32(seed), uint64(seed), uint64(seed >> 64)
                )
                : selector == Network.request.selector
                    ? abi.encodeWithSelector(selector, seed >> 8, seed >> 16 & 1, seed >> 24, seed >> 32 & 1)
                    : selector == Network.setUnits.selector
                        ? abi.encodeWithSelector(selector, seed >> 8, seed >> 16 & 1, seed >> 24)
                        : selector == Network.collect.selector
                            ? abi.encodeWithSelector(selector, seed >> 8, seed >> 40, seed >> 16 & 1)
                            : selector == Network.quit.selector || selector == Network.squeeze.selector
                                ? abi.encodeWithSelector(selector, seed >> 8, seed >> 16 & 1)
                                : selector == Network.assign.selector || selector == Network.claim.selector
                                    ? abi.encodeWithSelector(selector, seed >> 16 & 1)
                                    : selector == Network.deposit.selector || selector == Network.bond.selector
                                        ? abi.encodeWithSelector(selector, seed >> 8, uint96(seed >> 16))
                                        : abi.encodeWithSelector(
                                            selector, seed >> 8, seed >> 40, seed >> 72, seed >> 104
                                        );
            (bool ok,) = address(network).call(data);
            check(ok, "an action failed");
        }
        string[14] memory needed = [
            "request",
            "paid",
            "batch",
            "kept",
            "collect",
            "refund",
            "assign",
            "release",
            "penalize",
            "decline",
            "steal",
            "setUnits",
            "squeeze",
            "parameters"
        ];
        for (uint256 i = 0; i < needed.length; ++i) {
            check(network.done(bytes32(bytes(needed[i]))) > 0, needed[i]);
        }
        network.checkMoney();
        network.checkStakes();
        network.checkCapacity();
        network.checkJobs();
    }
}
