// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceMarket} from "../../src/interfaces/IInferenceMarket.sol";
import {IVetting} from "../../src/interfaces/IVetting.sol";
import {IZkmlRegistry} from "../../src/interfaces/IZkmlRegistry.sol";
import {MarketViewer} from "../../src/market/MarketViewer.sol";
import {Answer, JobState, Request} from "../../src/types/Job.sol";
import {Vetting} from "../../src/vetting/Vetting.sol";
import {PoolsKit} from "../kit/PoolsKit.sol";
import {Vm} from "../Vm.sol";

/// forge-config: default.isolate = true
contract VettingTest is PoolsKit {
    address private constant PUBLISHER = address(0x9B);
    uint32 private constant ROWS = 6;

    Vetting private vetting;
    // answers of the model, and labels: four of six within 2
    uint128[6] private answers = [uint128(10), 20, 30, 40, 50, 60];
    uint128[6] private labels = [uint128(10), 22, 33, 38, 50, 10];

    function setUp() external {
        build();
        buildPools();
        vetting = new Vetting(market, registry, router);
    }

    function words(uint32 row) private view returns (uint256[] memory w) {
        w = new uint256[](3);
        w[0] = 0x1234 + row;
        w[1] = 0x77;
        w[2] = (uint256(answers[row]) << 8) | 0xff; // eight bits of something else below
    }

    function precommitment(uint32 row) private view returns (bytes32) {
        uint256[] memory w = words(row);
        return keccak256(abi.encode(w[0], w[1] & ((1 << 40) - 1)));
    }

    function leaf(uint32 row) private view returns (bytes32) {
        if (row >= ROWS) return bytes32(uint256(row));
        return keccak256(bytes.concat(keccak256(abi.encode(row, precommitment(row), labels[row]))));
    }

    /// @dev The tree of the rows: its root, and the path of a row.
    function tree(uint32 row) private view returns (bytes32 root, bytes32[] memory path) {
        bytes32[] memory leaves = new bytes32[](ROWS);
        for (uint32 i = 0; i < ROWS; ++i) {
            leaves[i] = leaf(i);
        }
        return treeOf(leaves, row);
    }

    /// @dev Pairs in their order; the last one of an odd level goes up as it is.
    function treeOf(bytes32[] memory leaves, uint256 place) private pure returns (bytes32 root, bytes32[] memory path) {
        bytes32[] memory level = new bytes32[](leaves.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            level[i] = leaves[i];
        }
        path = new bytes32[](20);
        uint256 used;
        for (uint256 width = leaves.length; width > 1; width = (width + 1) / 2) {
            if (place ^ 1 < width) {
                path[used] = level[place ^ 1];
                ++used;
            }
            for (uint256 i = 0; i < width; i += 2) {
                level[i / 2] = i + 1 < width ? keccak256(abi.encode(level[i], level[i + 1])) : level[i];
            }
            place /= 2;
        }
        assembly ("memory-safe") {
            mstore(path, used)
        }
        return (level[0], path);
    }

    function plan() private view returns (IVetting.Plan memory p) {
        p.modelId = modelId;
        (p.root,) = tree(0);
        p.rows = ROWS;
        (p.inputWords, p.inputBits) = (1, 40);
        (p.word, p.shift, p.width) = (2, 8, 16);
        p.tolerance = 2;
        (p.from, p.to) = (1_700_000_000, 1_790_000_000);
        p.closesAt = uint40(block.timestamp + 7 days);
        p.uri = "ar://data";
    }

    function publish() private returns (uint256 id) {
        IVetting.Plan memory p = plan();
        vm.prank(PUBLISHER);
        return vetting.publish(p);
    }

    function rowOf(uint256 id, uint32 row) private view returns (IVetting.Row memory r) {
        r.row = row;
        r.label = labels[row];
        (, r.path) = tree(row);
        r.words = words(row);
        r.proof = ideal.prove(keyHash, vetting.contextOf(id, row), r.words);
    }

    function one(IVetting.Row memory r) private pure returns (IVetting.Row[] memory rows) {
        rows = new IVetting.Row[](1);
        rows[0] = r;
    }

    function test_provedRowsAreComparedWithTheirLabels() external {
        uint256 id = publish();
        vm.snapshotGasLastCall("publish");
        equal(id, 1, "first number");
        check(vetting.backtestCount(modelId) == 1 && vetting.backtestAt(modelId, 0) == 1, "of the model");
        IVetting.Row[] memory rows = new IVetting.Row[](4);
        for (uint32 i = 0; i < 4; ++i) {
            rows[i] = rowOf(id, i);
        }
        vm.prank(STRANGER); // whoever sends it
        vetting.prove(id, key, rows);
        vm.snapshotGasLastCall("prove_4");
        IVetting.Result memory r = vetting.resultOf(id);
        check(r.publisher == PUBLISHER && r.modelId == modelId && r.rows == ROWS, "backtest");
        check(r.proved == 4 && r.hits == 3 && r.totalError == 0 + 2 + 3 + 2, "four rows");
        check(r.inputWords == 1 && r.inputBits == 40 && r.word == 2 && r.shift == 8, "what is compared");
        check(r.width == 16 && r.tolerance == 2, "and how");
        check(vetting.isProved(id, 3) && !vetting.isProved(id, 4), "rows");
        vetting.prove(id, key, one(rowOf(id, 5)));
        r = vetting.resultOf(id);
        check(r.proved == 5 && r.hits == 3 && r.totalError == 57, "a miss is kept too");
        // what is missing at the end stays missing
        vm.warp(uint256(r.closesAt) + 1);
        IVetting.Row[] memory late = one(rowOf(id, 4));
        vm.expectRevert(abi.encodeWithSelector(IVetting.BacktestClosed.selector, id));
        vetting.prove(id, key, late);
    }

    function test_nothingOfARowCanBeBent() external {
        uint256 id = publish();
        IVetting.Row memory r = rowOf(id, 1);
        r.label = 20; // what the model says, instead of the label of the data
        refused(id, r, abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 1));
        r = rowOf(id, 1);
        r.row = 2;
        refused(id, r, abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 2));
        r = rowOf(id, 1);
        r.words[0] ^= 1; // another input
        refused(id, r, abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 1));
        r = rowOf(id, 1);
        r.words[2] = 22 << 8; // another answer
        refused(id, r, abi.encodeWithSelector(IVetting.ProofRejected.selector, id));
        r = rowOf(id, 1);
        r.words = new uint256[](1);
        refused(id, r, abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 1));
        // there are no more rows than were promised
        r = rowOf(id, 1);
        r.row = 6;
        refused(id, r, abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 6));
        // a path has its row's length
        r = rowOf(id, 1);
        r.path = new bytes32[](4);
        refused(id, r, abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 1));
        r.path = new bytes32[](2);
        refused(id, r, abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 1));
        // a proof for another backtest of the same data, or for another publisher
        uint256 second = publish();
        r = rowOf(second, 1);
        refused(id, r, abi.encodeWithSelector(IVetting.ProofRejected.selector, id));
        // twice in a call, and later
        IVetting.Row[] memory rows = new IVetting.Row[](2);
        rows[0] = rows[1] = rowOf(id, 1);
        vm.expectRevert(abi.encodeWithSelector(IVetting.AlreadyProved.selector, id, 1));
        vetting.prove(id, key, rows);
        vetting.prove(id, key, one(rows[0]));
        refused(id, rows[0], abi.encodeWithSelector(IVetting.AlreadyProved.selector, id, 1));
        // a batch with one false proof leaves nothing behind
        rows[0] = rowOf(id, 2);
        rows[1] = rowOf(id, 3);
        rows[1].proof[0] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(IVetting.ProofRejected.selector, id));
        vetting.prove(id, key, rows);
        equal(vetting.resultOf(id).proved, 1, "one");
        bytes memory unknown = abi.encodeWithSelector(IVetting.BacktestUnknown.selector, 3);
        vm.expectRevert(unknown);
        vetting.resultOf(3);
        vm.expectRevert(abi.encodeWithSelector(IVetting.BacktestUnknown.selector, 0));
        vetting.resultOf(0);
    }

    function refused(uint256 id, IVetting.Row memory r, bytes memory reason) private {
        vm.expectRevert(reason);
        vetting.prove(id, key, one(r));
    }

    /// @dev A publisher commits to a tree that has several labels for a row, and shows later the one that the model meets.
    function test_aRowHasOnePlaceInTheTree() external {
        bytes32[] memory leaves = new bytes32[](2 * ROWS);
        for (uint32 i = 0; i < ROWS; ++i) {
            leaves[i] = leaf(i);
            // the same row, labelled with the model's answer
            leaves[ROWS + i] = keccak256(bytes.concat(keccak256(abi.encode(i, precommitment(i), answers[i]))));
        }
        IVetting.Plan memory p = plan();
        (p.root,) = treeOf(leaves, 0);
        uint256 id = vetting.publish(p);
        IVetting.Row memory r = rowOf(id, 5);
        r.proof = ideal.prove(keyHash, vetting.contextOf(id, 5), r.words);
        r.label = answers[5];
        (, r.path) = treeOf(leaves, ROWS + 5);
        refused(id, r, abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 5));
        // nor does a tree over fewer leaves hold two rows in one place
        p.rows = 2 * ROWS;
        id = vetting.publish(p);
        r.proof = ideal.prove(keyHash, vetting.contextOf(id, 5), r.words);
        refused(id, r, abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 5));
    }

    /// @dev Words of one claim passed off as those of two rows: together they are what was proved, and each is not.
    function test_rowsHaveTheWordsOfTheirOwnProof() external {
        uint256[] memory first = words(0);
        uint256[] memory second = words(1);
        // a row whose input is the last word of the first claim, and whose answer is a word of the second's input
        bytes32[] memory leaves = new bytes32[](2);
        leaves[0] = leaf(0);
        bytes32 commitment = keccak256(abi.encode(second[1], second[2] & 0xff));
        leaves[1] = keccak256(bytes.concat(keccak256(abi.encode(uint32(1), commitment, uint128(answers[1])))));
        IVetting.Plan memory p = plan();
        (p.root,) = treeOf(leaves, 0);
        (p.rows, p.word, p.inputBits) = (2, 1, 8);
        uint256 id = vetting.publish(p);
        IVetting.Row[] memory rows = new IVetting.Row[](2);
        (rows[0], rows[1]) = (rowOf(id, 0), rowOf(id, 1));
        (, rows[0].path) = treeOf(leaves, 0);
        (, rows[1].path) = treeOf(leaves, 1);
        rows[0].words = new uint256[](4);
        (rows[0].words[0], rows[0].words[1], rows[0].words[2], rows[0].words[3]) =
        (first[0], first[1], first[2], second[0]);
        rows[1].words = new uint256[](2);
        (rows[1].words[0], rows[1].words[1]) = (second[1], second[2]);
        rows[1].label = answers[1];
        vm.prank(PUBLISHER);
        vm.expectRevert(abi.encodeWithSelector(IVetting.ProofRejected.selector, id));
        vetting.prove(id, key, rows);
    }

    function test_plansAreHeldToTheirBounds() external {
        IVetting.Plan memory p = plan();
        p.modelId = 9;
        vm.expectRevert(abi.encodeWithSelector(IZkmlRegistry.ModelNotFound.selector, 9));
        vetting.publish(p);
        p = plan();
        p.root = bytes32(0);
        bad(p, "root");
        p = plan();
        p.rows = 0;
        bad(p, "rows");
        p.rows = (1 << 20) + 1;
        bad(p, "rows");
        p = plan();
        p.inputBits = 254;
        bad(p, "inputBits");
        p = plan();
        p.width = 0;
        bad(p, "width");
        p.width = 129;
        bad(p, "width");
        (p.shift, p.width) = (200, 55);
        bad(p, "width");
        p = plan();
        // what the publisher chose itself is no answer
        p.word = 0;
        bad(p, "word");
        (p.word, p.shift) = (1, 39);
        bad(p, "word");
        p.shift = 40;
        vetting.publish(p);
        p = plan();
        p.from = p.to + 1;
        bad(p, "period");
        p = plan();
        p.to = uint40(block.timestamp + 1); // nothing is known of the future
        bad(p, "period");
        p = plan();
        p.closesAt = uint40(block.timestamp);
        bad(p, "closesAt");
        p.closesAt = uint40(block.timestamp + 90 days + 1);
        bad(p, "closesAt");
        p = plan();
        p.uri = string(new bytes(1025));
        bad(p, "uri");
    }

    function bad(IVetting.Plan memory p, bytes32 what) private {
        vm.expectRevert(abi.encodeWithSelector(IVetting.BadPlan.selector, what));
        vetting.publish(p);
    }

    function request(uint32 row, address destination) private returns (uint256) {
        Request memory r = draft();
        r.precommitment = precommitment(row);
        r.destination = destination;
        r.callbackGas = 120_000;
        return ask(r);
    }

    function settle(uint256 jobId, uint32 row) private {
        Answer memory a;
        (a.jobId, a.prover, a.words) = (jobId, PROVER, words(row));
        a.proof = ideal.prove(keyHash, market.contextOf(jobId, PROVER), a.words);
        market.settle(key, a);
    }

    /// @dev A job of another model, or one whose input is laid out in another way, says nothing of this model and this input.
    function test_jobsOfOtherModelsAndLayoutsAnswerNoRow() external {
        uint256 id = publish();
        (, bytes32[] memory path) = tree(1);
        uint256 other = addModel(key, ideal.proofSystemId());
        for (uint256 i = 0; i < 4; ++i) {
            Request memory r = draft();
            (r.precommitment, r.destination, r.callbackGas) = (precommitment(1), address(vetting), 120_000);
            if (i == 0) r.modelId = other;
            if (i == 1) r.inputWords = 2;
            if (i == 2) r.inputBits = 39;
            uint256 job = ask(r);
            vm.prank(REQUESTER);
            if (i < 3) vm.expectRevert(abi.encodeWithSelector(IVetting.WrongJob.selector, job));
            vetting.attach(id, job, 1, labels[1], path);
        }
    }

    /// @dev A backtest out of jobs that nodes proved and were paid for.
    function test_jobsOfTheMarketAnswerRows() external {
        uint256 id = publish();
        uint256 job = request(1, address(vetting));
        (, bytes32[] memory path) = tree(1);
        // whoever else attaches it, to data of its own perhaps, would keep it from the row that it was paid for
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IVetting.NotRequester.selector, job, STRANGER));
        vetting.attach(id, job, 1, labels[1], path);
        vm.startPrank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 2));
        vetting.attach(id, job, 2, labels[2], path);
        vm.expectRevert(abi.encodeWithSelector(IVetting.NotInTheData.selector, id, 1));
        vetting.attach(id, job, 1, 20, path);
        vetting.attach(id, job, 1, labels[1], path);
        vm.snapshotGasLastCall("attach");
        bytes memory wrong = abi.encodeWithSelector(IVetting.WrongJob.selector, job);
        vm.expectRevert(wrong);
        vetting.attach(id, job, 1, labels[1], path);
        vm.stopPrank();
        uint256[] memory w = words(1);
        vm.expectRevert(abi.encodeWithSelector(IVetting.NotMarket.selector, address(this)));
        vetting.onInference(job, modelId, w);
        settle(job, 1);
        vm.snapshotGasLastCall("settle_with_row");
        IVetting.Result memory r = vetting.resultOf(id);
        check(r.proved == 1 && r.hits == 1 && r.totalError == 2, "row");
        vm.prank(REQUESTER);
        vm.expectRevert(wrong);
        vetting.attach(id, job, 1, labels[1], path); // paid
        uint256 other = request(2, address(0x1234));
        (, path) = tree(2);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IVetting.WrongJob.selector, other));
        vetting.attach(id, other, 2, labels[2], path);
        // an answer that comes when the row is proved already changes nothing
        other = request(2, address(vetting));
        vm.prank(REQUESTER);
        vetting.attach(id, other, 2, labels[2], path);
        vetting.prove(id, key, one(rowOf(id, 2)));
        settle(other, 2);
        equal(vetting.resultOf(id).proved, 2, "counted once");
        // one that comes too late is paid and not counted
        other = request(3, address(vetting));
        (, path) = tree(3);
        (, bytes32[] memory again) = tree(2);
        uint256 late = request(2, address(vetting));
        vm.startPrank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IVetting.AlreadyProved.selector, id, 2));
        vetting.attach(id, late, 2, labels[2], again);
        vetting.attach(id, other, 3, labels[3], path);
        vm.stopPrank();
        vm.warp(uint256(vetting.resultOf(id).closesAt) + 1);
        market.refund(other);
        equal(vetting.resultOf(id).proved, 2, "two");
        // a job without a row
        other = request(3, address(vetting));
        market.openAccount(PROVER);
        vm.recordLogs();
        settle(other, 3);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        check(logs[logs.length - 1].topics[0] == IInferenceMarket.CallbackFailed.selector, "said so");
        check(stateOf(other) == JobState.Paid, "paid all the same");
    }

    function test_usageOfAModel() external {
        join(PROVER, 3 * cost);
        nextEpoch();
        uint256 job = request(1, address(0));
        request(2, address(0));
        settle(job, 1);
        pools.assign(modelId);
        vm.prank(MODEL_OWNER);
        registry.deprecateModel(modelId);
        MarketViewer.Usage memory u = viewer.usageOf(modelId);
        (uint96 price, uint96 royalty, uint96 fee) = viewer.priceOf(modelId, 0);
        check(u.jobs == 2 && u.answers == 1 && u.computeCost == cost && u.deprecated, "usage");
        check(u.price == price && u.royalty == royalty && u.fee == fee, "price");
        check(u.committed == 3 * cost && u.assigned == cost, "units");
    }
}
