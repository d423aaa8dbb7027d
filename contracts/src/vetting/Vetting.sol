// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {IPlonkVerifier} from "../IPlonkVerifier.sol";
import {IInferenceCallback, IInferenceMarket} from "../interfaces/IInferenceMarket.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IVerifierRouter} from "../interfaces/IVerifierRouter.sol";
import {IVetting} from "../interfaces/IVetting.sol";
import {ProofContext} from "../libraries/ProofContext.sol";
import {PublicWords} from "../libraries/PublicWords.sol";
import {Job, JobState} from "../types/Job.sol";

/// @title Backtests of models whose every answer is proved.
/// @notice Publishers commit to data first; answers come with proofs, and results add up here.
/// @dev Nobody has a say here beside whoever publishes: no owner, nothing to set.
contract Vetting is IVetting {
    /// @dev A backtest: what of the plan later calls need, and what was shown.
    struct Backtest {
        bytes32 root;
        uint256 modelId;
        address publisher;
        uint40 closesAt;
        uint16 inputWords;
        uint8 inputBits;
        uint16 word;
        uint8 shift;
        uint8 width;
        uint128 tolerance;
        uint32 rows;
        uint32 proved;
        uint32 hits;
        uint256 totalError;
    }

    /// @dev The row that a job answers.
    struct Attachment {
        uint64 id;
        uint32 row;
        uint128 label;
    }

    /// @notice Most rows of a backtest.
    uint32 public constant MAX_ROWS = 1 << 20;
    /// @notice Longest time to prove them.
    uint256 public constant MAX_DURATION = 90 days;
    /// @notice Most bits of an output.
    uint8 public constant MAX_WIDTH = 128;
    /// @notice Longest uri.
    uint256 public constant MAX_URI_BYTES = 1024;

    /// @notice The market whose jobs may answer rows.
    IInferenceMarket public immutable MARKET;
    /// @notice The models.
    IModelRegistry public immutable REGISTRY;
    /// @notice The verifiers.
    IVerifierRouter public immutable ROUTER;

    Backtest[] private _backtests;
    mapping(uint256 modelId => uint256[]) private _ofModel;
    mapping(uint256 id => mapping(uint256 word => uint256 bits)) private _proved;
    mapping(uint256 jobId => Attachment) private _attachments;

    /// @notice Makes a place for backtests beside a market.
    /// @param market the market.
    /// @param registry the models.
    /// @param router the verifiers.
    constructor(IInferenceMarket market, IModelRegistry registry, IVerifierRouter router) {
        (MARKET, REGISTRY, ROUTER) = (market, registry, router);
    }

    /// @inheritdoc IVetting
    function publish(Plan calldata plan) external returns (uint256 id) {
        REGISTRY.termsOf(plan.modelId); // reverts where there is no such model
        if (plan.root == bytes32(0)) revert BadPlan("root");
        if (plan.rows == 0 || plan.rows > MAX_ROWS) revert BadPlan("rows");
        if (plan.inputBits > 253) revert BadPlan("inputBits");
        if (plan.width == 0 || plan.width > MAX_WIDTH || uint256(plan.shift) + plan.width > 254) {
            revert BadPlan("width");
        }
        // Outputs stand behind inputs: what the publisher chose itself is no answer.
        if (plan.word < plan.inputWords || (plan.word == plan.inputWords && plan.shift < plan.inputBits)) {
            revert BadPlan("word");
        }
        if (plan.from > plan.to || plan.to > block.timestamp) revert BadPlan("period");
        if (plan.closesAt <= block.timestamp || plan.closesAt > block.timestamp + MAX_DURATION) {
            revert BadPlan("closesAt");
        }
        if (bytes(plan.uri).length > MAX_URI_BYTES) revert BadPlan("uri");
        Backtest storage test = _backtests.push();
        id = _backtests.length;
        test.root = plan.root;
        test.modelId = plan.modelId;
        (test.publisher, test.closesAt) = (msg.sender, plan.closesAt);
        (test.inputWords, test.inputBits) = (plan.inputWords, plan.inputBits);
        (test.word, test.shift, test.width) = (plan.word, plan.shift, plan.width);
        (test.tolerance, test.rows) = (plan.tolerance, plan.rows);
        _ofModel[plan.modelId].push(id);
        emit Published(id, plan.modelId, msg.sender, plan);
    }

    /// @inheritdoc IVetting
    function prove(uint256 id, bytes calldata vk, Row[] calldata rows) external {
        Backtest storage test = _open(id);
        bytes32[] memory contexts = new bytes32[](rows.length);
        bytes memory words;
        bytes memory proofs;
        for (uint256 i = 0; i < rows.length; ++i) {
            Row calldata row = rows[i];
            // Proofs are of as many words each: otherwise a row could be told the words of its neighbour's proof.
            if (row.words.length != rows[0].words.length) revert ProofRejected(id);
            bytes32 commitment = PublicWords.commit(row.words, test.inputWords, test.inputBits);
            _requireRow(id, test, row.row, commitment, row.label, row.path);
            contexts[i] = _contextOf(id, row.row, test.publisher);
            words = bytes.concat(words, abi.encodePacked(row.words));
            proofs = bytes.concat(proofs, row.proof);
            if (!_record(id, test, row.row, row.label, row.words)) revert AlreadyProved(id, row.row);
        }
        if (!_verify(test.modelId, vk, contexts, words, proofs)) revert ProofRejected(id);
    }

    /// @inheritdoc IVetting
    function attach(uint256 id, uint256 jobId, uint32 row, uint128 label, bytes32[] calldata path) external {
        Backtest storage test = _open(id);
        Job memory job = MARKET.jobOf(jobId);
        if (
            job.state != JobState.Open || job.destination != address(this) || jobId >> 64 != test.modelId
                || job.inputWords != test.inputWords || job.inputBits != test.inputBits || _attachments[jobId].id != 0
        ) revert WrongJob(jobId);
        if (msg.sender != job.requester) revert NotRequester(jobId, msg.sender);
        _requireRow(id, test, row, job.precommitment, label, path);
        if (isProved(id, row)) revert AlreadyProved(id, row);
        _attachments[jobId] = Attachment(uint64(id), row, label);
        emit Attached(id, jobId, row, label);
    }

    /// @inheritdoc IInferenceCallback
    /// @dev The market has verified the proof. A row that was proved meanwhile, or too late, changes nothing.
    function onInference(uint256 jobId, uint256, uint256[] calldata words) external {
        if (msg.sender != address(MARKET)) revert NotMarket(msg.sender);
        Attachment memory a = _attachments[jobId];
        if (a.id == 0) revert WrongJob(jobId);
        delete _attachments[jobId];
        _record(a.id, _open(a.id), a.row, a.label, words);
    }

    /// @inheritdoc IVetting
    function contextOf(uint256 id, uint32 row) external view returns (bytes32) {
        return _contextOf(id, row, _backtest(id).publisher);
    }

    /// @inheritdoc IVetting
    function resultOf(uint256 id) external view returns (Result memory) {
        Backtest storage test = _backtest(id);
        return Result({
            publisher: test.publisher,
            modelId: test.modelId,
            rows: test.rows,
            proved: test.proved,
            hits: test.hits,
            totalError: test.totalError,
            closesAt: test.closesAt,
            inputWords: test.inputWords,
            inputBits: test.inputBits,
            word: test.word,
            shift: test.shift,
            width: test.width,
            tolerance: test.tolerance
        });
    }

    /// @inheritdoc IVetting
    function isProved(uint256 id, uint32 row) public view returns (bool) {
        return _proved[id][row >> 8] & (uint256(1) << (row & 0xff)) != 0;
    }

    /// @inheritdoc IVetting
    function backtestCount(uint256 modelId) external view returns (uint256) {
        return _ofModel[modelId].length;
    }

    /// @inheritdoc IVetting
    function backtestAt(uint256 modelId, uint256 index) external view returns (uint256) {
        return _ofModel[modelId][index];
    }

    // ---- internal ----

    function _backtest(uint256 id) private view returns (Backtest storage) {
        if (id == 0 || id > _backtests.length) revert BacktestUnknown(id);
        return _backtests[id - 1];
    }

    function _open(uint256 id) private view returns (Backtest storage test) {
        test = _backtest(id);
        if (block.timestamp > test.closesAt) revert BacktestClosed(id);
    }

    function _contextOf(uint256 id, uint32 row, address publisher) private view returns (bytes32) {
        return ProofContext.bind(address(this), (id << 64) | row, publisher);
    }

    function _requireRow(
        uint256 id,
        Backtest storage test,
        uint32 row,
        bytes32 commitment,
        uint128 label,
        bytes32[] calldata path
    ) private view {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(row, commitment, label))));
        if (row >= test.rows || commitment == bytes32(0) || !_stands(test.root, leaf, row, test.rows, path)) {
            revert NotInTheData(id, row);
        }
    }

    /// @dev Whether a leaf stands at its row's place of the tree, and not just anywhere: else there could be several leaves of a row, and its publisher
    ///      would show the one that pleases.
    function _stands(bytes32 root, bytes32 node, uint256 place, uint256 width, bytes32[] calldata path)
        private
        pure
        returns (bool)
    {
        uint256 used = 0;
        for (; width > 1; width = (width + 1) >> 1) {
            if ((place ^ 1) < width) {
                if (used == path.length) return false;
                bytes32 sibling = path[used];
                ++used;
                node = place & 1 == 0
                    ? Hashes.efficientKeccak256(node, sibling)
                    : Hashes.efficientKeccak256(sibling, node);
            }
            place >>= 1;
        }
        return used == path.length && node == root;
    }

    /// @dev Counts a row; false where it was counted before.
    function _record(uint256 id, Backtest storage test, uint32 row, uint128 label, uint256[] calldata words)
        private
        returns (bool)
    {
        if (test.word >= words.length) revert NoOutput(id, row);
        uint256 bit = uint256(1) << (row & 0xff);
        uint256 before = _proved[id][row >> 8];
        if (before & bit != 0) return false;
        _proved[id][row >> 8] = before | bit;
        uint256 answer = (words[test.word] >> test.shift) & ((uint256(1) << test.width) - 1);
        uint256 distance = answer > label ? answer - label : label - answer;
        bool hit = distance <= test.tolerance;
        ++test.proved;
        if (hit) ++test.hits;
        test.totalError += distance;
        emit Proved(id, row, label, answer, hit);
        return true;
    }

    function _verify(
        uint256 modelId,
        bytes calldata vk,
        bytes32[] memory contexts,
        bytes memory packed,
        bytes memory proofs
    ) private view returns (bool) {
        uint256[] memory words;
        assembly ("memory-safe") {
            // words of 32 bytes: the same memory, counted in words
            mstore(packed, shr(5, mload(packed)))
            words := packed
        }
        IModelRegistry.Terms memory terms = REGISTRY.termsOf(modelId);
        return
            IPlonkVerifier(ROUTER.verifierOf(terms.proofSystemId))
                .verifyBatch(terms.vkHash, vk, contexts, words, proofs);
    }
}
