// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceCallback} from "./IInferenceMarket.sol";

/// @title Backtests of models whose every answer is proved.
/// @notice A publisher commits to data, inputs with known labels, before it proves the model's answers to them. The chain compares answers and labels,
///         so that neither can be bent afterwards, and what was promised and not proved stays visible. What nobody can prove is that the labels are
///         true, and which rows were left out or put in twice before the commitment; nor does the chain know which words of a model are inputs and outputs:
///         whoever judges a backtest looks at its data and its plan (`sertn-registry vet` does). Answers come with proofs of their own, or from jobs of the
///         market whose destination is this contract.
interface IVetting is IInferenceCallback {
    /// @notice What a backtest is to show.
    /// @param modelId the model.
    /// @param root Merkle root of the rows: leaves are keccak256 of keccak256 of abi.encode(row, precommitment, label), in the order of the rows, and a pair is
    ///        keccak256 of both in their order; the last one of an odd level goes up as it is.
    /// @param rows how many rows there are, numbered from 0.
    /// @param inputWords public words that are inputs as a whole, as in a request of the market.
    /// @param inputBits low bits of the next word that are input as well.
    /// @param word the word that holds the output.
    /// @param shift its lowest bit there.
    /// @param width its bits.
    /// @param tolerance largest distance of an answer from its label that is a hit; both are numbers as the words hold them.
    /// @param from first second of the period that the data is of.
    /// @param to last second of it.
    /// @param closesAt last second in which rows can be proved.
    /// @param uri where the data is.
    struct Plan {
        uint256 modelId;
        bytes32 root;
        uint32 rows;
        uint16 inputWords;
        uint8 inputBits;
        uint16 word;
        uint8 shift;
        uint8 width;
        uint128 tolerance;
        uint40 from;
        uint40 to;
        uint40 closesAt;
        string uri;
    }

    /// @notice A row with its answer and proof.
    /// @param row its number.
    /// @param label its label.
    /// @param path its path to the root.
    /// @param words the public words of the claim.
    /// @param proof the proof, bound to contextOf(id, row).
    struct Row {
        uint32 row;
        uint128 label;
        bytes32[] path;
        uint256[] words;
        bytes proof;
    }

    /// @notice What has been shown.
    /// @param publisher who committed to the data.
    /// @param modelId the model.
    /// @param rows rows that were promised.
    /// @param proved rows that were proved.
    /// @param hits proved rows whose answer is within the tolerance of its label.
    /// @param totalError sum over the proved rows of the distance between answer and label.
    /// @param closesAt last second in which rows can be proved; what is missing then is missing for ever.
    /// @param inputWords as in the plan: whoever judges holds it to the model, which the chain cannot.
    /// @param inputBits likewise.
    /// @param word likewise.
    /// @param shift likewise.
    /// @param width likewise.
    /// @param tolerance as in the plan.
    // It is made to be read, never stored.
    // solhint-disable-next-line gas-struct-packing
    struct Result {
        address publisher;
        uint256 modelId;
        uint32 rows;
        uint32 proved;
        uint32 hits;
        uint256 totalError;
        uint40 closesAt;
        uint16 inputWords;
        uint8 inputBits;
        uint16 word;
        uint8 shift;
        uint8 width;
        uint128 tolerance;
    }

    /// @notice Somebody committed to a backtest.
    /// @param id the backtest.
    /// @param modelId the model.
    /// @param publisher who committed to it.
    /// @param plan what it is to show.
    event Published(uint256 indexed id, uint256 indexed modelId, address indexed publisher, Plan plan);
    /// @notice A job of the market is to answer a row.
    /// @param id the backtest.
    /// @param jobId the job.
    /// @param row the row it answers.
    /// @param label its label.
    event Attached(uint256 indexed id, uint256 indexed jobId, uint32 row, uint128 label);
    /// @notice A row was proved.
    /// @param id the backtest.
    /// @param row number of the row.
    /// @param label its label.
    /// @param answer what the model says.
    /// @param hit whether the answer is within the tolerance.
    event Proved(uint256 indexed id, uint32 row, uint128 label, uint256 answer, bool hit);

    /// @notice No backtest has this number.
    error BacktestUnknown(uint256 id);
    /// @notice The backtest takes no more rows.
    error BacktestClosed(uint256 id);
    /// @notice Something of the plan is zero, in the wrong order or beyond its bound.
    error BadPlan(bytes32 what);
    /// @notice The row is not one of the data.
    error NotInTheData(uint256 id, uint32 row);
    /// @notice The row was proved already.
    error AlreadyProved(uint256 id, uint32 row);
    /// @notice The answers have no word where the plan says that the output is.
    error NoOutput(uint256 id, uint32 row);
    /// @notice Not all proofs hold.
    error ProofRejected(uint256 id);
    /// @notice The job is not one of this model, input and destination that waits for its answer, or answers a row already.
    error WrongJob(uint256 jobId);
    /// @notice Only whoever asked for the job says which row it answers.
    error NotRequester(uint256 jobId, address caller);
    /// @notice Only the market brings answers.
    error NotMarket(address caller);

    /// @notice Commits to a backtest; anyone may.
    /// @param plan what it is to show.
    /// @return id its number, from 1 on.
    function publish(Plan calldata plan) external returns (uint256 id);

    /// @notice Proves rows; anyone may, with proofs bound to the publisher. All of them hold, or the call fails.
    /// @param id the backtest.
    /// @param vk the model's verifying key.
    /// @param rows the rows.
    function prove(uint256 id, bytes calldata vk, Row[] calldata rows) external;

    /// @notice Says which row an open job of the market answers, whose destination is this contract. Only the job's requester; it takes the label of the data.
    /// @param id the backtest.
    /// @param jobId the job.
    /// @param row number of the row.
    /// @param label its label.
    /// @param path its path to the root.
    function attach(uint256 id, uint256 jobId, uint32 row, uint128 label, bytes32[] calldata path) external;

    /// @notice What a proof of a row is bound to, as a job of that number: `sertn-run prove --context`.
    /// @param id the backtest.
    /// @param row number of the row.
    /// @return context 32 bytes.
    function contextOf(uint256 id, uint32 row) external view returns (bytes32 context);

    /// @notice What a backtest has shown.
    /// @param id the backtest.
    /// @return result all of it.
    function resultOf(uint256 id) external view returns (Result memory result);

    /// @notice Whether a row was proved.
    /// @param id the backtest.
    /// @param row number of the row.
    /// @return proved true once it was.
    function isProved(uint256 id, uint32 row) external view returns (bool proved);

    /// @notice Number of backtests of a model, unfinished ones too.
    /// @param modelId the model.
    /// @return count how many.
    function backtestCount(uint256 modelId) external view returns (uint256 count);

    /// @notice A backtest of a model.
    /// @param modelId the model.
    /// @param index from 0 on.
    /// @return id its number.
    function backtestAt(uint256 modelId, uint256 index) external view returns (uint256 id);
}
