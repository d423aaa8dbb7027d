// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IPlonkVerifier} from "../IPlonkVerifier.sol";
import {Governed} from "../governance/Governed.sol";
import {IInferenceCallback, IInferenceMarket} from "../interfaces/IInferenceMarket.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IVerifierRouter} from "../interfaces/IVerifierRouter.sol";
import {IZkmlRegistry} from "../interfaces/IZkmlRegistry.sol";
import {JobStore} from "../libraries/JobStore.sol";
import {Pricing} from "../libraries/Pricing.sol";
import {ProofContext} from "../libraries/ProofContext.sol";
import {PublicWords} from "../libraries/PublicWords.sol";
import {Answer, Job, JobState, Request} from "../types/Job.sol";

/// @title Market of proved inferences.
/// @notice A requester's money is in escrow from the request on and leaves it once: to whoever brings an answer with its proof, in the same
///         transaction, or back to the requester after the deadline. No administrator stands between.
/// @dev Money of accounts and escrows is one token. Nobody is paid by a transfer: accounts grow, and their owners withdraw.
contract InferenceMarket is IInferenceMarket, EIP712, ReentrancyGuardTransient, Governed {
    using SafeERC20 for IERC20;
    using JobStore for JobStore.Stored;

    /// @dev All that a model's jobs add to, in one word: a model's first answer finds a word that its first request has filled.
    struct Ledger {
        uint40 jobs;
        uint40 answers;
        uint88 royalties;
        uint88 fees;
    }

    /// @notice Highest price of a compute unit.
    uint256 public constant MAX_UNIT_PRICE = 1e18;
    /// @notice Highest price of a unit of callback gas.
    uint256 public constant MAX_CALLBACK_GAS_PRICE = 1e15;
    /// @notice Most of the price of compute that governance gets: a tenth.
    uint256 public constant MAX_FEE_BPS = 1000;
    /// @notice Shortest time to a deadline.
    uint256 public constant MIN_DURATION = 1 minutes;
    /// @notice Longest time to a deadline.
    uint256 public constant MAX_DURATION = 7 days;
    /// @notice Most gas a job may give its destination.
    uint256 public constant MAX_CALLBACK_GAS = 1_000_000;

    /// @dev Gas the market needs after a callback returned.
    uint256 private constant CALLBACK_RESERVE = 10_000;

    // solhint-disable-next-line gas-small-strings
    bytes32 private constant REQUEST_TYPEHASH = keccak256(
        "Request(address requester,uint256 modelId,bytes input,bytes32 inputHash,bytes32 precommitment,uint16 inputWords,uint8 inputBits,uint256 requirement,address destination,uint32 callbackGas,uint40 deadline,uint96 maxPrice,uint256 nonce,uint256 expiry)"
    );

    /// @notice Token of all money here.
    IERC20 public immutable TOKEN;
    /// @notice The models.
    IModelRegistry public immutable REGISTRY;
    /// @notice The verifiers.
    IVerifierRouter public immutable ROUTER;

    Parameters private _parameters;
    /// @notice The node pools, zero before they are set.
    address public pools;
    /// @inheritdoc IInferenceMarket
    uint40 public lastPauseEnd;
    /// @dev What an account holds, plus one: an account that was opened never is an empty word again, so that paying it takes the gas of a change.
    mapping(address account => uint256) private _accounts;
    mapping(uint256 modelId => Ledger) private _ledgers;
    mapping(uint256 jobId => JobStore.Stored) private _jobs;
    mapping(address requester => mapping(uint256 word => uint256 bits)) private _usedNonces;

    modifier whenRunning() {
        _requireRunning();
        _;
    }

    /// @notice Makes a market without jobs.
    /// @param owner_ governance's timelock.
    /// @param guardian_ who may pause beside it.
    /// @param token token of all money.
    /// @param registry the models.
    /// @param router the verifiers.
    /// @param parameters_ the first parameters.
    constructor(
        address owner_,
        address guardian_,
        IERC20 token,
        IModelRegistry registry,
        IVerifierRouter router,
        Parameters memory parameters_
    ) Governed(owner_, guardian_) EIP712("Sertn InferenceMarket", "1") {
        TOKEN = token;
        REGISTRY = registry;
        ROUTER = router;
        _setParameters(parameters_);
    }

    // ---- accounts ----

    /// @inheritdoc IInferenceMarket
    function deposit(address account, uint256 amount) external nonReentrant {
        _deposit(account, amount);
    }

    /// @inheritdoc IInferenceMarket
    function depositWithPermit(address account, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
    {
        // Whoever saw the permit may have used it first; what counts is whether the transfer works.
        // solhint-disable-next-line no-empty-blocks
        try IERC20Permit(address(TOKEN)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _deposit(account, amount);
    }

    /// @inheritdoc IInferenceMarket
    function withdraw(address to, uint256 amount) external nonReentrant {
        _take(msg.sender, amount);
        _send(to, amount);
    }

    /// @inheritdoc IInferenceMarket
    function collect(uint256[] calldata jobIds, address to) external nonReentrant returns (uint256 amount) {
        for (uint256 i = 0; i < jobIds.length; ++i) {
            JobStore.Stored storage job = _jobs[jobIds[i]];
            (address prover, uint256 kept) = job.kept();
            if (prover != msg.sender) _revertFor(NothingKept.selector, jobIds[i]);
            delete job.precommitment;
            amount += kept;
            emit Collected(jobIds[i], msg.sender);
        }
        _send(to, amount);
    }

    /// @inheritdoc IInferenceMarket
    function openAccount(address account) external {
        if (account == address(0)) revert ZeroAccount();
        _credit(account, 0);
    }

    // ---- requests ----

    /// @inheritdoc IInferenceMarket
    function request(Request calldata request_) external nonReentrant whenRunning returns (uint256 jobId) {
        return _request(request_, msg.sender);
    }

    /// @inheritdoc IInferenceMarket
    function requestSigned(
        Request calldata request_,
        address requester,
        uint256 nonce,
        uint256 expiry,
        bytes calldata signature
    ) external nonReentrant whenRunning returns (uint256 jobId) {
        if (block.timestamp > expiry) revert SignatureExpired(expiry);
        _useNonce(requester, nonce);
        emit NonceUsed(requester, nonce);
        // The account that pays is part of what was signed.
        bytes32 digest = _hashTypedDataV4(_hashRequest(request_, requester, nonce, expiry));
        if (!SignatureChecker.isValidSignatureNow(requester, digest, signature)) revert BadSignature(requester);
        return _request(request_, requester);
    }

    /// @inheritdoc IInferenceMarket
    function cancelNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    // ---- settlement ----

    /// @inheritdoc IInferenceMarket
    function settle(bytes calldata vk, Answer calldata answer) external nonReentrant whenRunning {
        bytes4 problem = _problemOf(answer);
        if (problem != bytes4(0)) _revertFor(problem, answer.jobId);
        IModelRegistry.Terms memory terms = _termsOf(answer.jobId >> 64);
        bool accepted = _verifierOf(terms)
            .verify(
                terms.vkHash,
                vk,
                ProofContext.bind(address(this), answer.jobId, answer.prover),
                answer.words,
                answer.proof
            );
        if (!accepted) _revertFor(ProofRejected.selector, answer.jobId);
        Ledger memory earned = _ledgers[answer.jobId >> 64];
        uint256 paid = _pay(answer, earned, profile());
        _ledgers[answer.jobId >> 64] = earned;
        uint256 held = _accounts[answer.prover];
        if (held != 0) _accounts[answer.prover] = held + paid;
        _call(answer);
        // An account that is no word yet would take the gas of a new one: the payment waits in a word that the job has. The callback saw it whole.
        if (held == 0) {
            _jobs[answer.jobId].keep(answer.prover, paid);
            emit PaymentKept(answer.jobId, answer.prover);
        }
    }

    /// @inheritdoc IInferenceMarket
    function settleBatch(bytes calldata vk, Answer[] calldata answers)
        external
        nonReentrant
        whenRunning
        returns (bool[] memory paid)
    {
        if (answers.length == 0) revert EmptyBatch();
        uint256 modelId = answers[0].jobId >> 64;
        paid = new bool[](answers.length);
        _check(answers, modelId, paid);
        _verify(vk, answers, modelId, paid);
        _payAll(answers, modelId, paid);
        for (uint256 i = 0; i < answers.length; ++i) {
            if (paid[i]) _call(answers[i]);
        }
    }

    /// @inheritdoc IInferenceMarket
    function refund(uint256 jobId) external nonReentrant {
        JobStore.Stored storage job = _jobs[jobId];
        uint256 head = job.head;
        _requireOpen(head, jobId);
        uint256 deadline = uint40(head >> 160);
        if (block.timestamp <= deadline) revert DeadlineNotPassed(jobId, deadline);
        job.head = JobStore.withState(head, JobState.Refunded);
        (address requester, uint256 price) = (address(uint160(head)), uint96(job.terms));
        _credit(requester, price);
        emit JobRefunded(jobId, requester, price);
    }

    /// @inheritdoc IInferenceMarket
    function claim(uint256 modelId) external returns (uint256 royalties, uint256 fees) {
        Ledger storage ledger = _ledgers[modelId];
        (royalties, fees) = (ledger.royalties, ledger.fees);
        (ledger.royalties, ledger.fees) = (0, 0);
        address modelOwner = REGISTRY.ownerOf(modelId);
        _credit(modelOwner, royalties);
        _credit(owner(), fees);
        emit Claimed(modelId, modelOwner, royalties, owner(), fees);
    }

    /// @inheritdoc IInferenceMarket
    function reserve(uint256 jobId, address node, uint40 until) external {
        if (msg.sender != pools) revert NotPools(msg.sender);
        _jobs[jobId].reservation = (uint256(until) << 160) | uint160(node);
    }

    // ---- governance ----

    /// @inheritdoc IInferenceMarket
    function setParameters(Parameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    /// @inheritdoc IInferenceMarket
    function setPools(address pools_) external onlyOwner {
        if (pools != address(0)) revert PoolsAlreadySet();
        if (pools_ == address(0)) revert ZeroAccount();
        pools = pools_;
        emit PoolsSet(pools_);
    }

    /// @inheritdoc IInferenceMarket
    function pause() external onlyGuardian {
        _requireRunning();
        lastPauseEnd = type(uint40).max;
        emit Paused(msg.sender);
    }

    /// @inheritdoc IInferenceMarket
    function unpause() external onlyOwner {
        if (lastPauseEnd != type(uint40).max) revert MarketNotPaused();
        lastPauseEnd = uint40(block.timestamp);
        emit Unpaused(msg.sender);
    }

    // ---- views ----

    /// @inheritdoc IInferenceMarket
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IInferenceMarket
    function jobOf(uint256 jobId) external view returns (Job memory job) {
        job = _jobs[jobId].load();
        if (job.state == JobState.None) _revertFor(JobUnknown.selector, jobId);
    }

    /// @inheritdoc IInferenceMarket
    function requirementOf(uint256 jobId) external view returns (uint256) {
        return _jobs[jobId].requirement;
    }

    /// @inheritdoc IInferenceMarket
    function reservationOf(uint256 jobId) external view returns (address node, uint40 until) {
        uint256 reservation = _jobs[jobId].reservation;
        return (address(uint160(reservation)), uint40(reservation >> 160));
    }

    /// @inheritdoc IInferenceMarket
    function keptOf(uint256 jobId) external view returns (address prover, uint256 amount) {
        return _jobs[jobId].kept();
    }

    /// @inheritdoc IInferenceMarket
    function queueLength(uint256 modelId) external view returns (uint256) {
        return _ledgers[modelId].jobs;
    }

    /// @inheritdoc IInferenceMarket
    function modelAccounts(uint256 modelId) external view returns (uint96 royalties, uint96 fees, uint64 answers) {
        Ledger storage ledger = _ledgers[modelId];
        return (ledger.royalties, ledger.fees, ledger.answers);
    }

    /// @inheritdoc IInferenceMarket
    function balanceOf(address account) public view returns (uint256) {
        uint256 held = _accounts[account];
        return held == 0 ? 0 : held - 1;
    }

    /// @inheritdoc IInferenceMarket
    function jobIdOf(uint256 modelId, uint256 place) external pure returns (uint256) {
        return (modelId << 64) | place;
    }

    /// @inheritdoc IInferenceMarket
    function contextOf(uint256 jobId, address prover) external view returns (bytes32) {
        return ProofContext.bind(address(this), jobId, prover);
    }

    /// @inheritdoc IInferenceMarket
    function profile() public view returns (bytes32) {
        return keccak256(abi.encode(ProofContext.DOMAIN, block.chainid, address(this)));
    }

    /// @notice Whether a nonce was used or taken back.
    /// @param requester whose nonce.
    /// @param nonce the nonce.
    function isNonceUsed(address requester, uint256 nonce) external view returns (bool) {
        return _usedNonces[requester][nonce >> 8] & (uint256(1) << (nonce & 0xff)) != 0;
    }

    // ---- internal ----

    function _requireRunning() private view {
        if (lastPauseEnd == type(uint40).max) revert MarketPaused();
    }

    function _termsOf(uint256 modelId) private view returns (IModelRegistry.Terms memory) {
        return REGISTRY.termsOf(modelId);
    }

    function _verifierOf(IModelRegistry.Terms memory terms) private view returns (IPlonkVerifier) {
        return IPlonkVerifier(ROUTER.verifierOf(terms.proofSystemId));
    }

    function _deposit(address account, uint256 amount) private {
        if (account == address(0)) revert ZeroAccount();
        // What arrived counts: some tokens keep a part.
        uint256 before = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = TOKEN.balanceOf(address(this)) - before;
        _credit(account, received);
        emit Deposited(account, msg.sender, received);
    }

    function _send(address to, uint256 amount) private {
        if (to == address(0)) revert ZeroAccount();
        emit Withdrawn(msg.sender, to, amount);
        TOKEN.safeTransfer(to, amount);
    }

    function _take(address account, uint256 amount) private {
        uint256 balance = balanceOf(account);
        if (balance < amount) revert InsufficientBalance(account, balance, amount);
        unchecked {
            _accounts[account] = balance - amount + 1;
        }
    }

    function _credit(address account, uint256 amount) private {
        _accounts[account] = balanceOf(account) + amount + 1;
    }

    function _request(Request calldata request_, address requester) private returns (uint256 jobId) {
        IModelRegistry.Terms memory terms = _termsOf(request_.modelId);
        if (terms.deprecated) revert IZkmlRegistry.ModelIsDeprecated(request_.modelId);
        _verifierOf(terms); // reverts where nothing could be settled
        _checkRequest(request_);
        Parameters memory p = _parameters;
        (uint96 price, uint96 fee) = Pricing.price(terms, p, request_.callbackGas);
        uint256 limit = request_.maxPrice;
        // No ledger takes more.
        if (limit > type(uint88).max) limit = type(uint88).max;
        if (price > limit) revert PriceAboveLimit(price, limit);
        _take(requester, price);
        jobId = (request_.modelId << 64) | ++_ledgers[request_.modelId].jobs;
        JobStore.Stored storage job = _jobs[jobId];
        job.head = uint256(uint160(requester)) | (uint256(request_.deadline) << 160) | (uint256(JobState.Open) << 240)
            | (uint256(request_.inputBits) << 248);
        uint256 packed = uint256(price) | (uint256(terms.royalty) << 96) | (uint256(p.feeBps) << 192)
            | (uint256(request_.inputWords) << 208);
        uint256 callback = uint256(uint160(request_.destination)) | (uint256(request_.callbackGas) << 160);
        if (callback != 0) {
            job.callback = callback | (uint256(p.callbackGasPrice) << 192);
            packed |= JobStore.HAS_CALLBACK;
        }
        if (request_.requirement != 0) {
            job.requirement = request_.requirement;
            packed |= JobStore.HAS_REQUIREMENT;
        }
        job.terms = packed;
        job.precommitment = request_.precommitment;
        emit JobRequested(jobId, request_.modelId, requester, request_, price, terms.royalty, fee);
    }

    function _checkRequest(Request calldata request_) private view {
        uint256 duration = request_.deadline > block.timestamp ? request_.deadline - block.timestamp : 0;
        (uint256 least, uint256 most) = (_parameters.minDuration, _parameters.maxDuration);
        if (duration < least || duration > most) revert DurationOutOfBounds(duration, least, most);
        if (request_.callbackGas > MAX_CALLBACK_GAS) revert CallbackGasTooHigh(request_.callbackGas, MAX_CALLBACK_GAS);
        if (!PublicWords.isSound(request_.requirement)) revert BadRequirement(request_.requirement);
        if (request_.inputBits > 253 || request_.precommitment == bytes32(0)) revert BadInputLayout();
    }

    /// @dev Why an answer cannot be paid, before its proof is looked at; zero where nothing speaks against it.
    function _problemOf(Answer calldata answer) private view returns (bytes4) {
        JobStore.Stored storage job = _jobs[answer.jobId];
        uint256 word = job.head;
        if (JobStore.stateIn(word) != JobState.Open) return _stateProblem(word);
        if (block.timestamp > uint40(word >> 160)) return DeadlinePassed.selector;
        if (answer.prover == address(0)) return ZeroProver.selector;
        uint256 inputBits = word >> 248;
        word = job.reservation;
        if (block.timestamp <= word >> 160 && answer.prover != address(uint160(word))) return Reserved.selector;
        word = job.terms;
        if (PublicWords.commit(answer.words, uint16(word >> 208), inputBits) != job.precommitment) {
            return WrongInput.selector;
        }
        if (word & JobStore.HAS_REQUIREMENT != 0 && !PublicWords.meets(answer.words, job.requirement)) {
            return RequirementNotMet.selector;
        }
        return bytes4(0);
    }

    /// @dev All reasons against an answer are errors with the job's number.
    function _revertFor(bytes4 problem, uint256 jobId) private pure {
        assembly ("memory-safe") {
            mstore(0x00, problem)
            mstore(0x04, jobId)
            revert(0x00, 0x24)
        }
    }

    function _stateProblem(uint256 head) private pure returns (bytes4) {
        return JobStore.stateIn(head) == JobState.None ? JobUnknown.selector : JobNotOpen.selector;
    }

    function _requireOpen(uint256 head, uint256 jobId) private pure {
        if (JobStore.stateIn(head) != JobState.Open) _revertFor(_stateProblem(head), jobId);
    }

    /// @dev Ends a job and returns what its prover gets; what the model gets is added to `earned`.
    function _pay(Answer calldata answer, Ledger memory earned, bytes32 profile_) private returns (uint256 paid) {
        uint256 jobId = answer.jobId;
        JobStore.Stored storage job = _jobs[jobId];
        job.head = JobStore.withState(job.head, JobState.Paid) | (block.timestamp << 200);
        uint256 terms = job.terms;
        (uint256 royalty, uint256 fee) = JobStore.partsOf(terms, job.callbackOf(terms));
        paid = uint96(terms) - royalty - fee;
        earned.royalties += uint88(royalty);
        earned.fees += uint88(fee);
        ++earned.answers;
        bytes32 digest = keccak256(
            abi.encode(jobId, answer.prover, job.precommitment, PublicWords.digest(answer.words), true, profile_)
        );
        emit JobPaid(jobId, answer.prover, paid, digest, answer.words);
    }

    /// @dev Marks the answers of a batch whose proofs are worth checking.
    function _check(Answer[] calldata answers, uint256 modelId, bool[] memory paid) private {
        for (uint256 i = 0; i < answers.length; ++i) {
            if (answers[i].jobId >> 64 != modelId) revert OtherModel(answers[i].jobId, modelId);
            bytes4 problem = _problemOf(answers[i]);
            if (problem == bytes4(0)) paid[i] = true;
            else emit AnswerRefused(answers[i].jobId, answers[i].prover, problem);
        }
    }

    /// @dev Takes the mark from answers without a proof: all proofs at once, and one by one where that fails.
    function _verify(bytes calldata vk, Answer[] calldata answers, uint256 modelId, bool[] memory paid) private {
        IModelRegistry.Terms memory terms = _termsOf(modelId);
        IPlonkVerifier verifier = _verifierOf(terms);
        if (_verifyTogether(verifier, terms.vkHash, vk, answers, paid)) return;
        for (uint256 i = 0; i < answers.length; ++i) {
            if (!paid[i]) continue;
            Answer calldata answer = answers[i];
            bytes32 context = ProofContext.bind(address(this), answer.jobId, answer.prover);
            paid[i] = verifier.verify(terms.vkHash, vk, context, answer.words, answer.proof);
            if (!paid[i]) emit AnswerRefused(answer.jobId, answer.prover, ProofRejected.selector);
        }
    }

    function _verifyTogether(
        IPlonkVerifier verifier,
        bytes32 vkHash,
        bytes calldata vk,
        Answer[] calldata answers,
        bool[] memory paid
    ) private view returns (bool) {
        bytes32[] memory contexts;
        uint256[] memory words;
        bytes memory proofs;
        {
            (uint256 count, uint256 wordCount, uint256 proofBytes) = (0, 0, 0);
            for (uint256 i = 0; i < answers.length; ++i) {
                if (!paid[i]) continue;
                Answer calldata answer = answers[i];
                // Claims of one key are of one size: an answer of another is false, and the batch with it.
                if (count == 0) (wordCount, proofBytes) = (answer.words.length, answer.proof.length);
                else if (answer.words.length != wordCount || answer.proof.length != proofBytes) return false;
                ++count;
            }
            if (count == 0) return true;
            contexts = new bytes32[](count);
            words = new uint256[](count * wordCount);
            proofs = new bytes(count * proofBytes);
        }
        (uint256 next, uint256 toWord, uint256 toByte) = (0, 0, 0);
        for (uint256 i = 0; i < answers.length; ++i) {
            if (!paid[i]) continue;
            contexts[next] = ProofContext.bind(address(this), answers[i].jobId, answers[i].prover);
            unchecked {
                ++next;
            }
            uint256[] calldata from = answers[i].words;
            bytes calldata proof = answers[i].proof;
            assembly ("memory-safe") {
                let size := mul(32, from.length)
                calldatacopy(add(add(words, 32), toWord), from.offset, size)
                toWord := add(toWord, size)
                calldatacopy(add(add(proofs, 32), toByte), proof.offset, proof.length)
                toByte := add(toByte, proof.length)
            }
        }
        return verifier.verifyBatch(vkHash, vk, contexts, words, proofs);
    }

    /// @dev Pays the marked answers. A job that stands in the batch twice is paid once.
    function _payAll(Answer[] calldata answers, uint256 modelId, bool[] memory paid) private {
        Ledger memory earned = _ledgers[modelId];
        bytes32 profile_ = profile();
        (address prover, uint256 sum) = (address(0), 0);
        for (uint256 i = 0; i < answers.length; ++i) {
            if (!paid[i]) continue;
            Answer calldata answer = answers[i];
            if (JobStore.stateIn(_jobs[answer.jobId].head) != JobState.Open) {
                paid[i] = false;
                emit AnswerRefused(answer.jobId, answer.prover, JobNotOpen.selector);
                continue;
            }
            if (answer.prover != prover) {
                if (sum != 0) _credit(prover, sum);
                (prover, sum) = (answer.prover, 0);
            }
            sum += _pay(answer, earned, profile_);
        }
        if (sum != 0) _credit(prover, sum);
        _ledgers[modelId] = earned;
    }

    /// @dev Tells the destination. All effects of the settlement are done; whatever it does, the job stays paid.
    function _call(Answer calldata answer) private {
        JobStore.Stored storage job = _jobs[answer.jobId];
        uint256 callback = job.callbackOf(job.terms);
        address destination = address(uint160(callback));
        if (destination == address(0)) return;
        uint256 limit = uint32(callback >> 160);
        bytes memory data =
            abi.encodeCall(IInferenceCallback.onInference, (answer.jobId, answer.jobId >> 64, answer.words));
        // A caller keeps a 64th of its gas: without this check the sender could make the callback fail by giving too little.
        uint256 needed = limit * 64 / 63 + CALLBACK_RESERVE;
        if (gasleft() < needed) revert NotEnoughCallbackGas(gasleft(), needed);
        bool ok;
        assembly ("memory-safe") {
            // nothing of what it returns is copied
            ok := call(limit, destination, 0, add(data, 32), mload(data), 0, 0)
        }
        if (!ok) emit CallbackFailed(answer.jobId, destination);
    }

    function _useNonce(address requester, uint256 nonce) private {
        uint256 bit = uint256(1) << (nonce & 0xff);
        uint256 used = _usedNonces[requester][nonce >> 8];
        if (used & bit != 0) revert NonceTaken(requester, nonce);
        _usedNonces[requester][nonce >> 8] = used | bit;
    }

    function _hashRequest(Request calldata request_, address requester, uint256 nonce, uint256 expiry)
        private
        pure
        returns (bytes32 digest)
    {
        bytes32[15] memory words = [
            REQUEST_TYPEHASH,
            bytes32(uint256(uint160(requester))),
            bytes32(request_.modelId),
            keccak256(request_.input),
            request_.inputHash,
            request_.precommitment,
            bytes32(uint256(request_.inputWords)),
            bytes32(uint256(request_.inputBits)),
            bytes32(request_.requirement),
            bytes32(uint256(uint160(request_.destination))),
            bytes32(uint256(request_.callbackGas)),
            bytes32(uint256(request_.deadline)),
            bytes32(uint256(request_.maxPrice)),
            bytes32(nonce),
            bytes32(expiry)
        ];
        assembly ("memory-safe") {
            digest := keccak256(words, 480)
        }
    }

    function _setParameters(Parameters memory p) private {
        _bound("unitPrice", p.unitPrice, 1, MAX_UNIT_PRICE);
        _bound("callbackGasPrice", p.callbackGasPrice, 0, MAX_CALLBACK_GAS_PRICE);
        _bound("feeBps", p.feeBps, 0, MAX_FEE_BPS);
        _bound("minDuration", p.minDuration, MIN_DURATION, MAX_DURATION);
        _bound("maxDuration", p.maxDuration, p.minDuration, MAX_DURATION);
        _parameters = p;
        emit ParametersChanged(p);
    }

    function _bound(bytes32 name, uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert ParameterOutOfBounds(name, value, least, most);
    }
}
