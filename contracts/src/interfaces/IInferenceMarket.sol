// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Answer, Job, Request} from "../types/Job.sol";

/// @notice What a destination of answers implements. Its failure does not undo the payment; it is called with the gas the requester named.
interface IInferenceCallback {
    /// @notice Brings a proved answer.
    /// @param jobId the job.
    /// @param modelId the model.
    /// @param words all public words: inputs, then outputs, packed as the model's thin contract unpacks them.
    function onInference(uint256 jobId, uint256 modelId, uint256[] calldata words) external;
}

/// @title Market of proved inferences: a queue of paid workloads for each model.
interface IInferenceMarket {
    /// @notice Parameters that governance sets. A job keeps those it was requested under.
    /// @param unitPrice price of one compute unit.
    /// @param callbackGasPrice price of one unit of callback gas.
    /// @param feeBps governance's part of the price of compute, in ten-thousandths.
    /// @param minDuration shortest time from request to deadline.
    /// @param maxDuration longest.
    struct Parameters {
        uint96 unitPrice;
        uint96 callbackGasPrice;
        uint16 feeBps;
        uint32 minDuration;
        uint32 maxDuration;
    }

    /// @notice Money came in for an account.
    event Deposited(address indexed account, address indexed from, uint256 amount);
    /// @notice Money went out of an account.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);
    /// @notice A job is in the queue; the event holds all of it. The price has left the requester's account.
    event JobRequested(
        uint256 indexed jobId,
        uint256 indexed modelId,
        address indexed requester,
        Request request,
        uint96 price,
        uint96 royalty,
        uint96 fee
    );
    /// @notice A job was paid: the prover's account grew by `paid`, the model's by royalty and fee.
    /// @param digest of ERC-8274: keccak256 of abi.encode(jobId, prover, precommitment, keccak256 of the words, true, profile()).
    event JobPaid(uint256 indexed jobId, address indexed prover, uint256 paid, bytes32 digest, uint256[] words);
    /// @notice A job ended without an answer, its price is in the requester's account again.
    event JobRefunded(uint256 indexed jobId, address indexed requester, uint256 amount);
    /// @notice An answer of a batch was not taken; `reason` is the selector of the error it would have been by itself.
    event AnswerRefused(uint256 indexed jobId, address indexed prover, bytes4 reason);
    /// @notice The destination of an answer failed or ran out of gas. The job is paid all the same.
    event CallbackFailed(uint256 indexed jobId, address indexed destination);
    /// @notice What a model has earned went to its owner's account and to governance's.
    event Claimed(
        uint256 indexed modelId, address indexed modelOwner, uint256 royalties, address indexed treasury, uint256 fees
    );
    /// @notice The requester took back a nonce.
    event NonceCancelled(address indexed requester, uint256 nonce);
    /// @notice A signed request was used.
    event NonceUsed(address indexed requester, uint256 nonce);
    /// @notice Other parameters hold for jobs requested from now on.
    event ParametersChanged(Parameters parameters);
    /// @notice The node pools of this market.
    event PoolsSet(address pools);
    /// @notice Requests and settlements stop; refunds and withdrawals do not.
    event Paused(address by);
    /// @notice Requests and settlements go on.
    event Unpaused(address by);

    /// @notice No job has this number.
    error JobUnknown(uint256 jobId);
    /// @notice The job is not open any more.
    error JobNotOpen(uint256 jobId);
    /// @notice The deadline is over.
    error DeadlinePassed(uint256 jobId);
    /// @notice The deadline is not over.
    error DeadlineNotPassed(uint256 jobId, uint256 deadline);
    /// @notice The job is another node's alone for a while.
    error Reserved(uint256 jobId);
    /// @notice Only the node pools may do this.
    error NotPools(address caller);
    /// @notice The answer is one to another input.
    error WrongInput(uint256 jobId);
    /// @notice The output is not what the requester asked for.
    error RequirementNotMet(uint256 jobId);
    /// @notice The proof does not hold for this job, prover, market and chain.
    error ProofRejected(uint256 jobId);
    /// @notice All answers of a batch are of one model.
    error OtherModel(uint256 jobId, uint256 modelId);
    /// @notice A batch has at least one answer.
    error EmptyBatch();
    /// @notice Address zero proves nothing.
    error ZeroProver(uint256 jobId);
    /// @notice The account holds less.
    error InsufficientBalance(address account, uint256 balance, uint256 needed);
    /// @notice The price is above what the requester agreed to.
    error PriceAboveLimit(uint256 price, uint256 limit);
    /// @notice The deadline must be within these bounds from now.
    error DurationOutOfBounds(uint256 duration, uint256 least, uint256 most);
    /// @notice The callback takes more gas than a job may.
    error CallbackGasTooHigh(uint256 gas, uint256 most);
    /// @notice The transaction must have gas for the callback left.
    error NotEnoughCallbackGas(uint256 left, uint256 needed);
    /// @notice No output can meet the requirement.
    error BadRequirement(uint256 requirement);
    /// @notice Input bits must be fewer than a word has, and what is committed to must not be zero.
    error BadInputLayout();
    /// @notice The signature is not the requester's.
    error BadSignature(address requester);
    /// @notice The signed request was not used in time.
    error SignatureExpired(uint256 expiry);
    /// @notice The nonce was used or taken back.
    error NonceTaken(address requester, uint256 nonce);
    /// @notice A parameter is beyond its bound.
    error ParameterOutOfBounds(bytes32 name, uint256 value, uint256 least, uint256 most);
    /// @notice The pools are set once.
    error PoolsAlreadySet();
    /// @notice Address zero is no account.
    error ZeroAccount();
    /// @notice The market is paused.
    error MarketPaused();
    /// @notice The market is not paused.
    error MarketNotPaused();

    /// @notice Puts money into an account of this market.
    function deposit(address account, uint256 amount) external;

    /// @notice The same, with a permit; a permit that somebody has used already does no harm.
    function depositWithPermit(address account, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    /// @notice Takes money out of the caller's account. Works while the market is paused.
    function withdraw(address to, uint256 amount) external;

    /// @notice Makes an empty account, so that its first payment takes no more gas than the next ones. Anyone, for anybody; the node pools do it for
    ///         nodes.
    function openAccount(address account) external;

    /// @notice Puts a job in the queue of its model, paid from the caller's account.
    function request(Request calldata request_) external returns (uint256 jobId);

    /// @notice Puts a job in the queue for somebody who signed it (EIP-712), paid from the signer's account.
    /// @param requester who signed; a contract answers by ERC-1271.
    /// @param nonce any number this requester has not used.
    /// @param expiry last second in which the signature counts.
    function requestSigned(
        Request calldata request_,
        address requester,
        uint256 nonce,
        uint256 expiry,
        bytes calldata signature
    ) external returns (uint256 jobId);

    /// @notice Takes back a nonce of the caller's, so that what was signed with it is void.
    function cancelNonce(uint256 nonce) external;

    /// @notice Pays a job for its proof; anyone may send it.
    /// @param vk the model's verifying key.
    function settle(bytes calldata vk, Answer calldata answer) external;

    /// @notice Pays several jobs of one model, whose proofs share one pairing. Bad answers are left out and do no harm to the others.
    /// @return paid which ones were.
    function settleBatch(bytes calldata vk, Answer[] calldata answers) external returns (bool[] memory paid);

    /// @notice Gives the price of an unanswered job back to its requester after the deadline; anyone may. Works while the market is paused.
    function refund(uint256 jobId) external;

    /// @notice Moves what a model has earned into its owner's account, and the fees of its answers into governance's; anyone may.
    function claim(uint256 modelId) external returns (uint256 royalties, uint256 fees);

    /// @notice Makes a job a node's alone for a while. Only the node pools, whose events say so; neither payment nor refund depends on them.
    function reserve(uint256 jobId, address node, uint40 until) external;

    /// @notice Sets the parameters of later jobs. Only governance.
    function setParameters(Parameters calldata parameters_) external;

    /// @notice Sets the node pools, once. Only governance.
    function setPools(address pools_) external;

    /// @notice Stops requests and settlements. Governance or the guardian.
    function pause() external;

    /// @notice Lets them go on. Only governance.
    function unpause() external;

    /// @notice Parameters of jobs requested now.
    function parameters() external view returns (Parameters memory);

    /// @notice A job; reverts where there is none.
    function jobOf(uint256 jobId) external view returns (Job memory job);

    /// @notice What the output of a job must meet to be paid (libraries/PublicWords.sol); zero for nothing.
    function requirementOf(uint256 jobId) external view returns (uint256);

    /// @notice Whose a job is for a while, and the last second of it; zero for nobody's.
    function reservationOf(uint256 jobId) external view returns (address node, uint40 until);

    /// @notice What a model has earned and not been paid out, and how many answers it has sold.
    function modelAccounts(uint256 modelId) external view returns (uint96 royalties, uint96 fees, uint64 answers);

    /// @notice Jobs ever requested of a model: they have the numbers jobIdOf(modelId, 1 .. queueLength), in the order of their requests.
    function queueLength(uint256 modelId) external view returns (uint256);

    /// @notice Number of the job at a place of a model's queue.
    function jobIdOf(uint256 modelId, uint256 place) external pure returns (uint256 jobId);

    /// @notice What a proof of this job by this prover is bound to (libraries/ProofContext.sol).
    function contextOf(uint256 jobId, address prover) external view returns (bytes32);

    /// @notice End of the last pause; the largest number of its type while it lasts.
    function lastPauseEnd() external view returns (uint40);

    /// @notice Money of an account.
    function balanceOf(address account) external view returns (uint256);

    /// @notice Profile of ERC-8274: hash of this market's proof binding and chain.
    function profile() external view returns (bytes32);
}
