// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Answer, Job, Request} from "../types/Job.sol";

/// @title Destination of answers.
/// @notice What a destination of answers implements. Its failure does not undo the payment; it is called with the gas the requester named.
interface IInferenceCallback {
    /// @notice Brings a proved answer.
    /// @param jobId the job.
    /// @param modelId the model.
    /// @param words all public words: inputs, then outputs, packed as the model's thin contract unpacks them.
    function onInference(uint256 jobId, uint256 modelId, uint256[] calldata words) external;
}

/// @title Market of proved inferences: a queue of paid workloads for each model.
/// @notice Requesters pay into escrow, whoever brings a proved answer is paid, and what is not answered comes back.
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
    /// @param account whose account.
    /// @param from who paid.
    /// @param amount what arrived.
    event Deposited(address indexed account, address indexed from, uint256 amount);
    /// @notice Money went out of an account.
    /// @param account whose account it left.
    /// @param to who receives.
    /// @param amount how much, in the smallest unit of the token.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);
    /// @notice A job is in the queue; the event holds all of it. The price has left the requester's account.
    /// @param jobId the job.
    /// @param modelId the model.
    /// @param requester who asked for it.
    /// @param request all that was asked for.
    /// @param price all that is in escrow for it.
    /// @param royalty the owner's part of the price.
    /// @param fee governance's part of the price.
    event JobRequested(
        uint256 indexed jobId,
        uint256 indexed modelId,
        address indexed requester,
        Request request,
        uint96 price,
        uint96 royalty,
        uint96 fee
    );
    /// @notice A job was paid: the prover's account grew by `paid`, or the same transaction says PaymentKept; the model's by royalty and fee.
    /// @param jobId the job.
    /// @param prover who proved it and is paid.
    /// @param paid what the prover got.
    /// @param digest of ERC-8274: keccak256 of abi.encode(jobId, prover, precommitment, keccak256 of the words, true, profile()).
    /// @param words all public words of the claim.
    event JobPaid(uint256 indexed jobId, address indexed prover, uint256 paid, bytes32 digest, uint256[] words);
    /// @notice The payment waits in the job, because its prover has no account here; it is collected from there.
    /// @param jobId the job.
    /// @param prover whose it is.
    event PaymentKept(uint256 indexed jobId, address indexed prover);
    /// @notice The payment that waited in a job is in its prover's account, from which Withdrawn takes it in the same transaction.
    /// @param jobId the job.
    /// @param prover whose it is.
    event Collected(uint256 indexed jobId, address indexed prover);
    /// @notice A job ended without an answer, its price is in the requester's account again.
    /// @param jobId the job.
    /// @param requester who asked for it.
    /// @param amount its price.
    event JobRefunded(uint256 indexed jobId, address indexed requester, uint256 amount);
    /// @notice An answer of a batch was not taken; `reason` is the selector of the error it would have been by itself.
    /// @param jobId the job.
    /// @param prover who proved it.
    /// @param reason selector of the error.
    event AnswerRefused(uint256 indexed jobId, address indexed prover, bytes4 reason);
    /// @notice The destination of an answer failed or ran out of gas. The job is paid all the same.
    /// @param jobId the job.
    /// @param destination contract that was to be told.
    event CallbackFailed(uint256 indexed jobId, address indexed destination);
    /// @notice What a model has earned went to its owner's account and to governance's.
    /// @param modelId the model.
    /// @param modelOwner owner of the model.
    /// @param royalties what the owner gets.
    /// @param treasury account of governance.
    /// @param fees what governance gets.
    event Claimed(
        uint256 indexed modelId, address indexed modelOwner, uint256 royalties, address indexed treasury, uint256 fees
    );
    /// @notice The requester took back a nonce.
    /// @param requester whose nonce.
    /// @param nonce the nonce.
    event NonceCancelled(address indexed requester, uint256 nonce);
    /// @notice A signed request was used.
    /// @param requester who signed.
    /// @param nonce the nonce.
    event NonceUsed(address indexed requester, uint256 nonce);
    /// @notice Other parameters hold for jobs requested from now on.
    /// @param parameters the new parameters.
    event ParametersChanged(Parameters parameters);
    /// @notice The node pools of this market.
    /// @param pools the pools.
    event PoolsSet(address pools);
    /// @notice Requests and settlements stop; refunds and withdrawals do not.
    /// @param by who did it.
    event Paused(address by);
    /// @notice Requests and settlements go on.
    /// @param by who did it.
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
    /// @notice No payment of this account waits in the job.
    error NothingKept(uint256 jobId);
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
    /// @param account whose account grows.
    /// @param amount taken from the caller, who has approved it.
    function deposit(address account, uint256 amount) external;

    /// @notice The same, with a permit; a permit that somebody has used already does no harm.
    /// @param account whose account grows.
    /// @param amount taken from the caller.
    /// @param deadline of the permit.
    /// @param v of the signature.
    /// @param r of the signature.
    /// @param s of the signature.
    function depositWithPermit(address account, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    /// @notice Takes money out of the caller's account. Works while the market is paused.
    /// @param to who receives.
    /// @param amount how much, in the smallest unit of the token.
    function withdraw(address to, uint256 amount) external;

    /// @notice Takes out payments that wait in jobs because the caller had no account when it proved them. Works while the market is paused.
    /// @param jobIds the jobs, each once.
    /// @param to who receives.
    /// @return amount how much, in the smallest unit of the token.
    function collect(uint256[] calldata jobIds, address to) external returns (uint256 amount);

    /// @notice Makes an empty account, so that payments go there instead of waiting in jobs. Anyone, for anybody; the node pools do it for nodes.
    /// @param account whose account.
    function openAccount(address account) external;

    /// @notice Puts a job in the queue of its model, paid from the caller's account.
    /// @param request_ what is asked for.
    /// @return jobId the job.
    function request(Request calldata request_) external returns (uint256 jobId);

    /// @notice Puts a job in the queue for somebody who signed it (EIP-712), paid from the signer's account.
    /// @param request_ what is asked for.
    /// @param requester who signed; a contract answers by ERC-1271.
    /// @param nonce any number this requester has not used.
    /// @param expiry last second in which the signature counts.
    /// @param signature 65 bytes, or what the requester as a contract takes.
    /// @return jobId the job.
    function requestSigned(
        Request calldata request_,
        address requester,
        uint256 nonce,
        uint256 expiry,
        bytes calldata signature
    ) external returns (uint256 jobId);

    /// @notice Takes back a nonce of the caller's, so that what was signed with it is void.
    /// @param nonce the nonce.
    function cancelNonce(uint256 nonce) external;

    /// @notice Pays a job for its proof; anyone may send it.
    /// @param vk the model's verifying key.
    /// @param answer the answer with its proof.
    function settle(bytes calldata vk, Answer calldata answer) external;

    /// @notice Pays several jobs of one model, whose proofs share one pairing. Bad answers are left out and do no harm to the others.
    /// @param vk the model's verifying key.
    /// @param answers the answers with their proofs.
    /// @return paid which ones were.
    function settleBatch(bytes calldata vk, Answer[] calldata answers) external returns (bool[] memory paid);

    /// @notice Gives the price of an unanswered job back to its requester after the deadline; anyone may. Works while the market is paused.
    /// @param jobId the job.
    function refund(uint256 jobId) external;

    /// @notice Moves what a model has earned into its owner's account, and the fees of its answers into governance's; anyone may.
    /// @param modelId the model.
    /// @return royalties what the owner gets.
    /// @return fees what governance gets.
    function claim(uint256 modelId) external returns (uint256 royalties, uint256 fees);

    /// @notice Makes a job a node's alone for a while. Only the node pools, whose events say so; neither payment nor refund depends on them.
    /// @param jobId the job.
    /// @param node whose it is; zero for nobody.
    /// @param until last second of it.
    function reserve(uint256 jobId, address node, uint40 until) external;

    /// @notice Sets the parameters of later jobs. Only governance.
    /// @param parameters_ the new parameters.
    function setParameters(Parameters calldata parameters_) external;

    /// @notice Sets the node pools, once. Only governance.
    /// @param pools_ the pools.
    function setPools(address pools_) external;

    /// @notice Stops requests and settlements. Governance or the guardian.
    function pause() external;

    /// @notice Lets them go on. Only governance.
    function unpause() external;

    /// @notice Parameters of jobs requested now.
    function parameters() external view returns (Parameters memory);

    /// @notice A job; reverts where there is none. Where the payment was left in the job, the precommitment is zero once the answer's callback is
    ///         over: it was the commitment to the words that JobPaid shows.
    /// @param jobId the job.
    /// @return job all that the market keeps of it.
    function jobOf(uint256 jobId) external view returns (Job memory job);

    /// @notice What the output of a job must meet to be paid (libraries/PublicWords.sol); zero for nothing.
    /// @param jobId the job.
    function requirementOf(uint256 jobId) external view returns (uint256);

    /// @notice Whose a job is for a while, and the last second of it; zero for nobody's.
    /// @param jobId the job.
    /// @return node the node.
    /// @return until last second of it.
    function reservationOf(uint256 jobId) external view returns (address node, uint40 until);

    /// @notice What a model has earned and not been paid out, and how many answers it has sold.
    /// @param modelId the model.
    /// @return royalties what the owner has not claimed.
    /// @return fees what governance has not claimed.
    /// @return answers answers sold.
    function modelAccounts(uint256 modelId) external view returns (uint96 royalties, uint96 fees, uint64 answers);

    /// @notice The payment that waits in a job because its prover had no account; zero for none, and when it was collected.
    /// @param jobId the job.
    /// @return prover who may collect it.
    /// @return amount the payment.
    function keptOf(uint256 jobId) external view returns (address prover, uint256 amount);

    /// @notice Jobs ever requested of a model: they have the numbers jobIdOf(modelId, 1 .. queueLength), in the order of their requests.
    /// @param modelId the model.
    function queueLength(uint256 modelId) external view returns (uint256);

    /// @notice Number of the job at a place of a model's queue.
    /// @param modelId the model.
    /// @param place place in the queue, from 1 on.
    /// @return jobId the job.
    function jobIdOf(uint256 modelId, uint256 place) external pure returns (uint256 jobId);

    /// @notice What a proof of this job by this prover is bound to (libraries/ProofContext.sol).
    /// @param jobId the job.
    /// @param prover who proved it and is paid.
    function contextOf(uint256 jobId, address prover) external view returns (bytes32);

    /// @notice End of the last pause; the largest number of its type while it lasts.
    function lastPauseEnd() external view returns (uint40);

    /// @notice Money of an account.
    /// @param account whose account.
    function balanceOf(address account) external view returns (uint256);

    /// @notice Profile of ERC-8274: hash of this market's proof binding and chain.
    function profile() external view returns (bytes32);
}
