// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceCallback, IInferenceMarket} from "sertn/interfaces/IInferenceMarket.sol";
import {JobState, Request} from "sertn/types/Job.sol";

/// @title Token.
/// @notice What of an ERC-20 token this example calls.
interface IToken {
    /// @notice Allows a transfer.
    /// @param spender who may take it.
    /// @param amount how much, in the smallest unit of the token.
    function approve(address spender, uint256 amount) external returns (bool);
    /// @notice Transfers.
    /// @param from who pays.
    /// @param to who receives.
    /// @param amount how much, in the smallest unit of the token.
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

/// @title Example: buys the score of an applicant from a model and decides by it.
/// @notice Somebody applies with the features that the model is to judge and pays for the answer. The market brings the proved answer to onInference,
///         where it is used at once. Where none comes in time, whoever applied takes the money back.
/// @dev What to copy: the destination checks that the caller is the market AND that it asked for this job, since anybody may name this contract as the
///      destination of jobs of their own; it does little, so that the gas it asked for is enough; and what it cannot finish it leaves for another call.
contract LoanDesk is IInferenceCallback {
    /// @notice What became of an application.
    enum Decision {
        None,
        Waiting,
        Accepted,
        Refused,
        Unanswered
    }

    /// @notice An application.
    /// @param applicant who applied.
    /// @param price what the answer cost.
    /// @param score the model's answer.
    /// @param decision what became of it.
    struct Application {
        address applicant;
        uint96 price;
        uint64 score;
        Decision decision;
    }

    /// @notice Gas that an answer takes here: one word of storage and an event.
    uint32 public constant CALLBACK_GAS = 60_000;
    /// @notice Words of inputs of the model: all of them are the applicant's features.
    uint16 public constant INPUT_WORDS = 1;

    /// @notice The market.
    IInferenceMarket public immutable MARKET;
    /// @notice Its token.
    IToken public immutable TOKEN;
    /// @notice The model.
    uint256 public immutable MODEL;
    /// @notice Least score that is accepted.
    uint64 public immutable LEAST_SCORE;
    /// @notice Applications by their job in the market.
    mapping(uint256 jobId => Application) public applications;

    /// @notice Somebody applied.
    /// @param jobId the job.
    /// @param applicant who applied.
    /// @param price all that is in escrow for it.
    event Applied(uint256 indexed jobId, address indexed applicant, uint256 price);
    /// @notice An application was decided.
    /// @param jobId the job.
    /// @param applicant who applied.
    /// @param score the model's answer.
    /// @param accepted whether it is enough.
    event Decided(uint256 indexed jobId, address indexed applicant, uint64 score, bool accepted);
    /// @notice No answer came in time.
    /// @param jobId the job.
    /// @param applicant who applied.
    event GivenUp(uint256 indexed jobId, address indexed applicant);

    /// @notice Only the market brings answers.
    error NotMarket(address caller);
    /// @notice Nobody applied by this job, or it is decided.
    error NotWaiting(uint256 jobId);
    /// @notice The token was not paid.
    error NotPaid();
    /// @notice The model takes another number of words: nobody could answer.
    error WrongFeatures(uint256 given, uint256 expected);

    /// @notice Makes a desk.
    /// @param market the market.
    /// @param token its token.
    /// @param model number of the model.
    /// @param leastScore least score that is accepted.
    constructor(IInferenceMarket market, IToken token, uint256 model, uint64 leastScore) {
        (MARKET, TOKEN, MODEL, LEAST_SCORE) = (market, token, model, leastScore);
        token.approve(address(market), type(uint256).max);
    }

    /// @notice Applies. The caller has approved `maxPrice` of the token; what the answer does not cost goes back.
    /// @param features the input words that the model is to judge, packed.
    /// @param uri where a node finds the input, or the input itself.
    /// @param inputHash keccak256 of the input's bytes.
    /// @param maxPrice the most the caller is willing to pay.
    /// @return jobId the job.
    function applyFor(uint256[] calldata features, bytes calldata uri, bytes32 inputHash, uint96 maxPrice)
        external
        returns (uint256 jobId)
    {
        if (features.length != INPUT_WORDS) revert WrongFeatures(features.length, INPUT_WORDS);
        if (!TOKEN.transferFrom(msg.sender, address(this), maxPrice)) revert NotPaid();
        MARKET.deposit(address(this), maxPrice);
        uint256 before = MARKET.balanceOf(address(this));
        jobId = MARKET.request(
            Request({
                modelId: MODEL,
                input: uri,
                inputHash: inputHash,
                precommitment: keccak256(abi.encodePacked(features)),
                inputWords: INPUT_WORDS,
                inputBits: 0,
                requirement: 0,
                destination: address(this),
                callbackGas: CALLBACK_GAS,
                deadline: uint40(block.timestamp + 1 hours),
                maxPrice: maxPrice
            })
        );
        uint256 price = before - MARKET.balanceOf(address(this));
        applications[jobId] = Application(msg.sender, uint96(price), 0, Decision.Waiting);
        emit Applied(jobId, msg.sender, price);
        if (price < maxPrice) MARKET.withdraw(msg.sender, maxPrice - price);
    }

    /// @inheritdoc IInferenceCallback
    function onInference(uint256 jobId, uint256, uint256[] calldata words) external {
        if (msg.sender != address(MARKET)) revert NotMarket(msg.sender);
        Application storage a = applications[jobId];
        if (a.decision != Decision.Waiting) revert NotWaiting(jobId);
        // The word behind the inputs is the score.
        uint64 score = uint64(words[INPUT_WORDS]);
        bool accepted = score >= LEAST_SCORE;
        (a.score, a.decision) = (score, accepted ? Decision.Accepted : Decision.Refused);
        emit Decided(jobId, a.applicant, score, accepted);
    }

    /// @notice Ends an application that nobody answered in time, and pays its price back; anyone may.
    /// @param jobId the job.
    function giveUp(uint256 jobId) external {
        Application storage a = applications[jobId];
        if (a.decision != Decision.Waiting) revert NotWaiting(jobId);
        a.decision = Decision.Unanswered;
        emit GivenUp(jobId, a.applicant);
        // Anybody may have refunded the job. Where nobody has, this reverts before the deadline, and where the job was answered.
        if (MARKET.jobOf(jobId).state != JobState.Refunded) MARKET.refund(jobId);
        MARKET.withdraw(a.applicant, a.price);
    }
}
