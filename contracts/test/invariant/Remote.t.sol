// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {InteroperableAddress} from "@openzeppelin/contracts/utils/draft-InteroperableAddress.sol";
import {RemoteDesk} from "../../src/bridge/RemoteDesk.sol";
import {RemoteKind} from "../../src/interfaces/IRemoteDesk.sol";
import {JobState, Request} from "../../src/types/Job.sol";
import {PoolsKit} from "../kit/PoolsKit.sol";
import {Test} from "../Vm.sol";

/// @notice Accounts of another chain that fund, order, withdraw and are answered or not, at random. This contract is the gateway too.
contract Remote is PoolsKit {
    RemoteDesk public desk;
    bytes[3] private buyers;
    uint256[] public jobs;
    mapping(uint256 jobId => uint256) public owedTo; // buyer + 1, until the order is done with
    mapping(uint256 buyer => uint256) public credit;
    mapping(uint256 jobId => bool) public untold; // reclaimed, and its buyer is still to be told
    uint256 public sent;
    bool public broken;
    mapping(bytes32 action => uint256) public done;

    constructor() {
        build();
        desk = new RemoteDesk(address(this), GUARDIAN, market, token, 1 hours);
        for (uint256 i = 0; i < 3; ++i) {
            buyers[i] = InteroperableAddress.formatEvmV1(10, address(uint160(0x7000 + i)));
        }
        desk.setGateway(address(this), buyers[0], true);
        token.approve(address(desk), type(uint256).max);
    }

    function sendMessage(bytes calldata, bytes calldata, bytes[] calldata) external payable returns (bytes32) {
        require(!broken, "broken");
        ++sent;
        return 0;
    }

    function fund(uint256 who, uint256 amount) external {
        amount = clamp(amount, 1, 1e17);
        token.mint(address(this), amount);
        desk.fund(buyers[who % 3], amount);
        credit[who % 3] += amount;
    }

    function order(uint256 who, uint256 duration) external {
        who = who % 3;
        Request memory r = draft();
        r.deadline = uint40(block.timestamp + clamp(duration, 10 minutes, 1 days));
        (uint96 price,,) = viewer.priceOf(modelId, desk.CALLBACK_GAS());
        bool good = credit[who] >= price;
        bytes memory message = abi.encode(RemoteKind.Request, abi.encode(bytes32(who), r));
        try desk.receiveMessage(0, buyers[who], message) {
            check(good, "an order without credit");
            uint256 id = market.jobIdOf(modelId, market.queueLength(modelId));
            jobs.push(id);
            owedTo[id] = who + 1;
            credit[who] -= price;
            ++done["order"];
        } catch {
            check(!good, "an order that must be taken");
        }
    }

    function withdraw(uint256 who, uint256 amount) external {
        who = who % 3;
        amount = amount % 2e17;
        bool good = amount <= credit[who];
        bytes memory message = abi.encode(RemoteKind.Withdraw, abi.encode(STRANGER, amount));
        try desk.receiveMessage(0, buyers[who], message) {
            check(good, "credit of others");
            credit[who] -= amount;
        } catch {
            check(!good, "its own credit");
        }
    }

    function settle(uint256 which) external {
        if (jobs.length == 0) return;
        uint256 id = jobs[which % jobs.length];
        if (stateOf(id) != JobState.Open || block.timestamp > market.jobOf(id).deadline) return;
        market.settle(key, answerTo(id, PROVER, 9));
        check(desk.orderOf(id).answeredAt == block.timestamp, "the desk was told");
        ++done["answer"];
    }

    function relay(uint256 which) external {
        if (jobs.length == 0) return;
        uint256 id = jobs[which % jobs.length];
        uint256 answeredAt = desk.orderOf(id).answeredAt;
        bool good = owedTo[id] != 0 && answeredAt != 0 && block.timestamp >= answeredAt + 1 hours && !broken;
        uint256[] memory words = answerWords(9);
        uint256 before = sent;
        try desk.relay(id, words) {
            check(good && sent == before + 1, "an answer that must wait, or went before");
            owedTo[id] = 0;
            ++done["relay"];
        } catch {
            check(!good, "an answer that must go");
        }
    }

    function reclaim(uint256 which) external {
        if (jobs.length == 0) return;
        uint256 id = jobs[which % jobs.length];
        uint256 price = market.jobOf(id).price;
        bool first = owedTo[id] != 0 && stateOf(id) != JobState.Paid && block.timestamp > market.jobOf(id).deadline;
        uint256 before = sent;
        try desk.reclaim(id) {
            check(first || (untold[id] && !broken), "a price that must not come back");
            equal(sent, broken ? before : before + 1, "its buyer is told once");
            if (first) {
                credit[owedTo[id] - 1] += price;
                owedTo[id] = 0;
                ++done["reclaim"];
            } else {
                ++done["tell"];
            }
            untold[id] = broken;
        } catch {
            check(!first && (!untold[id] || broken), "a price that must come back");
        }
    }

    function breakGateway(uint256 chance) external {
        broken = chance % 3 == 0;
    }

    function refund(uint256 which) external {
        if (jobs.length == 0) return;
        try market.refund(jobs[which % jobs.length]) {} catch {}
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + clamp(time, 1, 2 hours));
    }

    /// @notice What the desk owes is what it has: in its account, or in escrow and refunds of its orders.
    function checkCredit() external view {
        uint256 sum;
        for (uint256 i = 0; i < 3; ++i) {
            equal(desk.creditOf(keccak256(buyers[i])), credit[i], "credit of an account");
            sum += credit[i];
        }
        uint256 refunded;
        for (uint256 i = 0; i < jobs.length; ++i) {
            if (owedTo[jobs[i]] != 0 && stateOf(jobs[i]) == JobState.Refunded) refunded += market.jobOf(jobs[i]).price;
        }
        equal(market.balanceOf(address(desk)), sum + refunded, "the desk's account");
        equal(token.balanceOf(address(desk)), 0, "nothing stays outside the market");
    }
}

contract RemoteInvariants is Test {
    Remote private remote;

    function setUp() external {
        remote = new Remote();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(remote);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[11] memory list = [
            Remote.fund.selector,
            Remote.order.selector,
            Remote.order.selector,
            Remote.withdraw.selector,
            Remote.settle.selector,
            Remote.settle.selector,
            Remote.relay.selector,
            Remote.reclaim.selector,
            Remote.refund.selector,
            Remote.breakGateway.selector,
            Remote.pass.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0].addr = address(remote);
        targets[0].selectors = new bytes4[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            targets[0].selectors[i] = list[i];
        }
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function invariant_theDeskOwesWhatItHas() external view {
        remote.checkCredit();
    }

    /// @dev Every end of an order is reached.
    function test_theHandlerReachesEverything() external {
        uint256 seed = 3;
        bytes4[] memory selectors = this.targetSelectors()[0].selectors;
        for (uint256 i = 0; i < 600; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            (bool ok,) = address(remote).call(abi.encodeWithSelector(selectors[seed % 11], seed >> 8, seed >> 72));
            check(ok, "an action failed");
            if (i % 20 == 0) remote.checkCredit();
        }
        string[5] memory needed = ["order", "answer", "relay", "reclaim", "tell"];
        for (uint256 i = 0; i < 5; ++i) {
            check(remote.done(bytes32(bytes(needed[i]))) > 0, needed[i]);
        }
    }
}
