// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IVetting} from "../../src/interfaces/IVetting.sol";
import {Answer, JobState, Request} from "../../src/types/Job.sol";
import {Vetting} from "../../src/vetting/Vetting.sol";
import {PoolsKit} from "../kit/PoolsKit.sol";
import {Test} from "../Vm.sol";

/// @notice Publishers of backtests, honest and not, at random: rows by proofs and by jobs of the market, lies about labels, inputs, answers and places.
contract Shown is PoolsKit {
    uint32 private constant ROWS = 5;
    uint256 private constant MOST_TESTS = 12;

    Vetting public vetting;
    mapping(uint256 id => mapping(uint32 row => bool)) public proved;
    mapping(uint256 id => uint256) public count;
    mapping(uint256 id => uint256) public hits;
    mapping(uint256 id => uint256) public errors;
    mapping(uint256 jobId => uint256) public attachedTo;
    mapping(uint256 jobId => uint32) public rowOf;
    uint256[] public jobs;
    mapping(bytes32 action => uint256) public done;

    constructor() {
        build();
        buildPools();
        vetting = new Vetting(market, registry, router);
    }

    // ---- the data: the model answers 10 row, and is off by row ----

    function saidOf(uint32 row) private pure returns (uint256) {
        return 10 * uint256(row);
    }

    function labelOf(uint32 row) private pure returns (uint128) {
        return uint128(saidOf(row) + row);
    }

    function wordsOf(uint32 row) private pure returns (uint256[] memory w) {
        w = new uint256[](3);
        (w[0], w[1], w[2]) = (0x1234 + uint256(row), 0x77, saidOf(row));
    }

    function commitment(uint32 row) private pure returns (bytes32) {
        return keccak256(abi.encode(0x1234 + uint256(row), uint256(0x77)));
    }

    function leaf(uint32 row, uint128 label) private pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(row, commitment(row), label))));
    }

    function pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return keccak256(abi.encode(a, b));
    }

    /// @dev Five rows: two pairs of pairs, and one that goes up alone.
    function root() private pure returns (bytes32) {
        bytes32 left = pair(leaf(0, labelOf(0)), leaf(1, labelOf(1)));
        bytes32 right = pair(leaf(2, labelOf(2)), leaf(3, labelOf(3)));
        return pair(pair(left, right), leaf(4, labelOf(4)));
    }

    function pathOf(uint32 row) private pure returns (bytes32[] memory path) {
        bytes32 left = pair(leaf(0, labelOf(0)), leaf(1, labelOf(1)));
        bytes32 right = pair(leaf(2, labelOf(2)), leaf(3, labelOf(3)));
        if (row == 4) {
            path = new bytes32[](1);
            path[0] = pair(left, right);
        } else {
            path = new bytes32[](3);
            (path[0], path[1], path[2]) = (leaf(row ^ 1, labelOf(row ^ 1)), row < 2 ? right : left, leaf(4, labelOf(4)));
        }
    }

    // ---- actions ----

    function publish(uint256 who, uint256 time) external {
        if (vetting.backtestCount(modelId) == MOST_TESTS) return;
        IVetting.Plan memory p;
        (p.modelId, p.root, p.rows) = (modelId, root(), ROWS);
        (p.inputWords, p.inputBits, p.word, p.width, p.tolerance) = (1, 40, 2, 64, 2);
        p.closesAt = uint40(block.timestamp + clamp(time, 1 hours, 4 days));
        vm.prank(address(uint160(0x9B0 + who % 3)));
        vetting.publish(p);
    }

    function pick(uint256 which) private view returns (uint256) {
        return which % vetting.backtestCount(modelId) + 1;
    }

    function isOpen(uint256 id) private view returns (bool) {
        return block.timestamp <= vetting.resultOf(id).closesAt;
    }

    function prove(uint256 which, uint256 first, uint256 second, uint256 fault) external {
        if (vetting.backtestCount(modelId) == 0) return;
        uint256 id = pick(which);
        IVetting.Row[] memory rows = new IVetting.Row[](2);
        for (uint256 i = 0; i < 2; ++i) {
            uint32 row = uint32((i == 0 ? first : second) % ROWS);
            (rows[i].row, rows[i].label, rows[i].path, rows[i].words) = (row, labelOf(row), pathOf(row), wordsOf(row));
            rows[i].proof = ideal.prove(keyHash, vetting.contextOf(id, row), rows[i].words);
        }
        fault = fault % 12;
        bool good = fault > 6 && isOpen(id) && rows[0].row != rows[1].row && !proved[id][rows[0].row]
            && !proved[id][rows[1].row];
        spoil(id, rows, fault);
        try vetting.prove(id, key, rows) {
            check(good, "rows that must be refused");
            record(id, rows[0].row);
            record(id, rows[1].row);
            ++done["prove"];
        } catch {
            check(!good, "rows that must count");
        }
    }

    function spoil(uint256 id, IVetting.Row[] memory rows, uint256 fault) private view {
        if (fault == 0) rows[1].label ^= 1;
        if (fault == 1) rows[1].words[2] ^= 1; // another answer
        if (fault == 2) {
            // a true answer to another input
            rows[1].words[0] ^= 1;
            rows[1].proof = ideal.prove(keyHash, vetting.contextOf(id, rows[1].row), rows[1].words);
        }
        if (fault == 3) rows[1].path[0] ^= bytes32(uint256(1));
        if (fault == 4) rows[1].proof = ideal.prove(keyHash, vetting.contextOf(id, rows[1].row ^ 1), rows[1].words);
        if (fault == 5) rows[1].row ^= 1;
        if (fault == 6) {
            // another backtest's, or another publisher's
            uint256 other = id % vetting.backtestCount(modelId) + 1;
            bytes32 context = other == id ? keccak256("none") : vetting.contextOf(other, rows[1].row);
            rows[1].proof = ideal.prove(keyHash, context, rows[1].words);
        }
    }

    function record(uint256 id, uint32 row) private {
        proved[id][row] = true;
        ++count[id];
        if (row <= 2) ++hits[id];
        errors[id] += row;
    }

    function order(uint256 row, bool elsewhere) external {
        if (jobs.length == 60) return;
        Request memory r = draft();
        r.precommitment = commitment(uint32(row % ROWS));
        r.deadline = uint40(block.timestamp + 1 days);
        (r.destination, r.callbackGas) = (elsewhere ? STRANGER : address(vetting), 150_000);
        uint256 id = ask(r);
        rowOf[id] = uint32(row % ROWS);
        jobs.push(id);
    }

    function attach(uint256 which, uint256 where, uint256 fault) external {
        if (jobs.length == 0 || vetting.backtestCount(modelId) == 0) return;
        uint256 job = jobs[which % jobs.length];
        uint256 id = pick(where);
        uint32 row = rowOf[job];
        fault = fault % 6;
        bool good = fault > 2 && isOpen(id) && !proved[id][row] && attachedTo[job] == 0 && stateOf(job) == JobState.Open
            && market.jobOf(job).destination == address(vetting);
        uint128 label = fault == 0 ? labelOf(row) ^ 1 : labelOf(row);
        uint32 claimed = fault == 1 ? (row + 1) % ROWS : row;
        vm.prank(fault == 2 ? STRANGER : REQUESTER);
        try vetting.attach(id, job, claimed, label, pathOf(row)) {
            check(good, "a job that must not be attached");
            attachedTo[job] = id;
            ++done["attach"];
        } catch {
            check(!good, "a job that must be attached");
        }
    }

    function settle(uint256 which) external {
        if (jobs.length == 0) return;
        uint256 job = jobs[which % jobs.length];
        if (stateOf(job) != JobState.Open || block.timestamp > market.jobOf(job).deadline) return;
        Answer memory a;
        (a.jobId, a.prover, a.words) = (job, PROVER, wordsOf(rowOf[job]));
        a.proof = ideal.prove(keyHash, market.contextOf(job, PROVER), a.words);
        market.settle(key, a);
        uint256 id = attachedTo[job];
        if (id != 0 && isOpen(id) && !proved[id][rowOf[job]]) {
            record(id, rowOf[job]);
            ++done["answer"];
        }
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + clamp(time, 1, 1 hours));
    }

    /// @notice What the chain counted is what was proved, no more and no less.
    function checkResults() external view {
        for (uint256 id = 1; id <= vetting.backtestCount(modelId); ++id) {
            IVetting.Result memory r = vetting.resultOf(id);
            equal(r.proved, count[id], "rows that count");
            equal(r.hits, hits[id], "hits");
            equal(r.totalError, errors[id], "errors");
            for (uint32 row = 0; row < ROWS; ++row) {
                check(vetting.isProved(id, row) == proved[id][row], "the very rows");
            }
        }
    }
}

contract ShownInvariants is Test {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Shown private shown;

    function setUp() external {
        shown = new Shown();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(shown);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[8] memory list = [
            Shown.publish.selector,
            Shown.prove.selector,
            Shown.prove.selector,
            Shown.order.selector,
            Shown.attach.selector,
            Shown.attach.selector,
            Shown.settle.selector,
            Shown.pass.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0].addr = address(shown);
        targets[0].selectors = new bytes4[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            targets[0].selectors[i] = list[i];
        }
    }

    function invariant_backtestsCountWhatWasProved() external view {
        shown.checkResults();
    }

    /// @dev Rows come both ways.
    function test_theHandlerReachesEverything() external {
        uint256 seed = 5;
        bytes4[] memory selectors = this.targetSelectors()[0].selectors;
        for (uint256 i = 0; i < 500; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            bytes4 selector = selectors[seed % selectors.length];
            bytes memory data = selector == Shown.order.selector
                ? abi.encodeWithSelector(selector, seed >> 8, seed >> 16 & 7 == 0)
                : abi.encodeWithSelector(selector, seed >> 8, seed >> 40, seed >> 72, seed >> 104);
            (bool ok,) = address(shown).call(data);
            check(ok, "an action failed");
            shown.checkResults();
        }
        string[3] memory needed = ["prove", "attach", "answer"];
        for (uint256 i = 0; i < 3; ++i) {
            check(shown.done(bytes32(bytes(needed[i]))) > 0, needed[i]);
        }
    }
}
