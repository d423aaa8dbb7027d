// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "../governance/Governed.sol";
import {INodePools} from "../interfaces/INodePools.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IVerifierRouter} from "../interfaces/IVerifierRouter.sol";
import {CapacityTree} from "../libraries/CapacityTree.sol";
import {InferenceMarket} from "../market/InferenceMarket.sol";
import {Job, JobState} from "../types/Job.sol";

/// @title Pools of nodes.
/// @notice Nodes stake and promise units; jobs are drawn to them, are theirs alone for a while, and cost them stake when missed.
/// @dev The market calls nothing here: it is told whose a job is for a while, and what becomes of an assignment is read from it afterwards. So nothing
///      here can stand between a proof and its payment.
contract NodePools is INodePools, ReentrancyGuardTransient, Governed {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using CapacityTree for CapacityTree.Tree;

    /// @notice Length of an epoch.
    uint256 public constant EPOCH = 1 hours;
    /// @notice How long stake is on its way out: longer than any job.
    uint256 public constant UNBONDING = 8 days;
    /// @notice Most units of one node in one pool.
    uint64 public constant MAX_UNITS = 1 << 40;
    /// @notice Places of a pool.
    uint256 public constant PLACES = CapacityTree.LEAVES;
    /// @notice Highest least stake.
    uint256 public constant MAX_MIN_STAKE = 1e24;
    /// @notice Most stake for a unit.
    uint256 public constant MAX_STAKE_PER_UNIT = 1e18;
    /// @notice Shortest time for a job.
    uint256 public constant MIN_WINDOW = 1 minutes;
    /// @notice Longest time for any job, and for each 2^20 units more.
    uint256 public constant MAX_WINDOW = 1 days;
    /// @notice Most that a report earns: half of the penalty.
    uint256 public constant MAX_REPORTER_BPS = 5000;

    /// @dev Bounds of the gas of an assignment.
    uint256 private constant DRAWS = 4;
    uint256 private constant SKIPS = 16;
    uint256 private constant MAX_ATTEMPTS = 2;
    uint256 private constant BPS = 10_000;

    /// @dev Seed of the draws of an epoch. Until it is final, it is what block `from` alone gives.
    struct Seed {
        uint40 epoch;
        uint48 from; // zero when final
        uint168 value;
    }

    /// @dev Units promised for an epoch, in all pools, where they were changed in it.
    struct Promise {
        uint64 epoch;
        uint64 committed;
    }

    /// @notice Token of stakes and penalties.
    IERC20 public immutable TOKEN;
    /// @notice The market.
    InferenceMarket public immutable MARKET;
    /// @notice The models, the market's own.
    IModelRegistry public immutable REGISTRY;
    /// @notice The verifiers, the market's own.
    IVerifierRouter public immutable ROUTER;

    /// @inheritdoc INodePools
    Parameters public parameters;
    /// @notice What penalties brought an account.
    mapping(address account => uint256) public claimable;
    /// @notice Whom a node has proposed as its operator.
    mapping(address node => address) public proposedOperator;
    /// @notice Place of a node in a pool; zero for none.
    mapping(uint256 modelId => mapping(address node => uint256)) public placeOf;
    /// @notice Node at a place of a pool.
    mapping(uint256 modelId => mapping(uint256 place => address)) public nodeAt;
    /// @notice Jobs of a model up to this place of its queue were assigned or passed over.
    mapping(uint256 modelId => uint256) public assignedUpTo;
    mapping(address node => Node) private _nodes;
    mapping(uint256 jobId => Assignment) private _assignments;
    mapping(uint256 modelId => CapacityTree.Tree) private _trees;
    mapping(uint256 modelId => uint256) private _places;
    mapping(uint256 modelId => uint16[]) private _freed;
    Seed private _seed;
    mapping(address node => Promise) private _promises;

    modifier onlyNodeOrOperator(address node) {
        _requireActsFor(node);
        _;
    }

    /// @notice Makes pools for a market, which has to be told of them once.
    /// @param owner_ governance's timelock.
    /// @param guardian_ has nothing to stop here: pausing the market excuses nodes.
    /// @param market the market, whose token, registry and router are used here.
    /// @param parameters_ the first parameters.
    constructor(address owner_, address guardian_, InferenceMarket market, Parameters memory parameters_)
        Governed(owner_, guardian_)
    {
        if (market.MAX_DURATION() >= UNBONDING) revert UnbondingTooShort(UNBONDING, market.MAX_DURATION());
        MARKET = market;
        TOKEN = market.TOKEN();
        REGISTRY = market.REGISTRY();
        ROUTER = market.ROUTER();
        _setParameters(parameters_);
    }

    // ---- stake ----

    /// @inheritdoc INodePools
    function bond(address node, uint256 amount) external nonReentrant {
        if (node == address(0)) revert Nothing();
        uint256 before = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = TOKEN.balanceOf(address(this)) - before;
        _nodes[node].stake += received.toUint96();
        emit Bonded(node, msg.sender, received);
    }

    /// @inheritdoc INodePools
    function unbond(uint96 amount) external {
        Node storage node = _nodes[msg.sender];
        uint96 stake = node.stake;
        if (amount == 0) revert Nothing();
        // What was promised for this epoch is drawn until it ends.
        Promise memory now_ = _promises[msg.sender];
        uint64 units = node.committed;
        if (now_.epoch == currentEpoch() && now_.committed > units) units = now_.committed;
        uint256 needed = amount + _needed(node, units);
        if (stake < needed) revert StakeTooLow(msg.sender, stake, needed);
        node.stake = stake - amount;
        node.unbonding += amount;
        node.unbondsAt = uint40(block.timestamp + UNBONDING);
        emit Unbonding(msg.sender, amount, node.unbonding, node.unbondsAt);
    }

    /// @inheritdoc INodePools
    function withdrawUnbonded() external nonReentrant returns (uint256 amount) {
        Node storage node = _nodes[msg.sender];
        amount = node.unbonding;
        if (amount == 0 || block.timestamp < node.unbondsAt) revert NotUnbonded(node.unbondsAt);
        node.unbonding = 0;
        node.unbondsAt = 0;
        emit Unbonded(msg.sender, amount);
        TOKEN.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc INodePools
    function proposeOperator(address operator) external {
        proposedOperator[msg.sender] = operator;
        emit OperatorProposed(msg.sender, operator);
        if (operator == address(0)) {
            _nodes[msg.sender].operator = address(0);
            emit OperatorChanged(msg.sender, address(0));
        }
    }

    /// @inheritdoc INodePools
    function acceptOperator(address node) external {
        if (proposedOperator[node] != msg.sender) revert OperatorNotProposed(node, msg.sender);
        delete proposedOperator[node];
        _nodes[node].operator = msg.sender;
        emit OperatorChanged(node, msg.sender);
    }

    // ---- promises ----

    /// @inheritdoc INodePools
    function setUnits(address node, uint256 modelId, uint64 units) external onlyNodeOrOperator(node) {
        if (units > MAX_UNITS) revert TooManyUnits(units, MAX_UNITS);
        // Whole jobs: what is less than one would only draw jobs that it cannot take. Reverts where there is no such model.
        units -= units % REGISTRY.termsOf(modelId).computeCost;
        uint256 place = placeOf[modelId][node];
        if (place == 0) {
            // A place is for stake: without units it would cost nothing to take all of them.
            if (units == 0) revert NotInPool(modelId, node);
            place = _join(node, modelId);
        }
        uint64 epoch = currentEpoch();
        _keepPromise(node, epoch);
        uint64 before = _trees[modelId].setNext(place, epoch, units);
        Node storage n = _nodes[node];
        n.committed = n.committed - before + units;
        // Promising less is always allowed, also where the price of a promise has risen.
        uint256 needed = _needed(n, n.committed);
        if (units > before && n.stake < needed) revert StakeTooLow(node, n.stake, needed);
        emit UnitsChanged(modelId, node, units, uint256(epoch) + 1);
    }

    /// @inheritdoc INodePools
    function quit(address node, uint256 modelId) external {
        uint256 place = placeOf[modelId][node];
        if (place == 0) revert NotInPool(modelId, node);
        CapacityTree.Sum memory sum = _trees[modelId].sumAt(place, currentEpoch());
        if (sum.committed != 0 || sum.next != 0) revert StillCommitted(modelId, node);
        delete placeOf[modelId][node];
        delete nodeAt[modelId][place];
        _freed[modelId].push(uint16(place));
        emit Left(modelId, node, place);
    }

    // ---- assignments ----

    /// @inheritdoc INodePools
    function assign(uint256 modelId) external returns (uint256 jobId, address node) {
        uint256 length = MARKET.queueLength(modelId);
        uint256 place = assignedUpTo[modelId];
        uint64 units = REGISTRY.termsOf(modelId).computeCost;
        for (uint256 i = 0; i < SKIPS && place < length; ++i) {
            jobId = MARKET.jobIdOf(modelId, ++place);
            Job memory job = MARKET.jobOf(jobId);
            // Answered, over, or too late for a node to be held to it: whoever likes may serve those that are open.
            if (job.state != JobState.Open || !_leavesTime(job, units)) continue;
            // Where nothing can be settled the head of the queue waits.
            if (!_canSettle(modelId)) revert NothingToAssign(modelId);
            node = _assign(jobId, modelId, units, 1, address(0));
            if (node == address(0)) revert NoCapacity(modelId, jobId);
            assignedUpTo[modelId] = place;
            return (jobId, node);
        }
        if (place == assignedUpTo[modelId]) revert NothingToAssign(modelId);
        // Many jobs in a row that no node can be given: remember how far they reach.
        assignedUpTo[modelId] = place;
        return (0, address(0));
    }

    /// @inheritdoc INodePools
    function seedEpoch() external {
        _epochSeed(currentEpoch());
    }

    /// @inheritdoc INodePools
    function release(uint256 jobId) external {
        Assignment memory a = _assignments[jobId];
        if (a.node == address(0)) revert NotAssigned(jobId);
        bool served = _isServed(jobId, a);
        if (!served) {
            if (!_isExcused(jobId, a)) revert NotServed(jobId);
            // An excuse is the node's: nobody else ends its time with it.
            if (block.timestamp <= a.until) _requireActsFor(a.node);
        }
        _unlock(jobId, a);
        if (served) ++_nodes[a.node].served;
        emit AssignmentReleased(jobId, a.node, served);
    }

    /// @inheritdoc INodePools
    function penalize(uint256 jobId) external {
        Assignment memory a = _assignments[jobId];
        if (a.node == address(0)) revert NotAssigned(jobId);
        if (block.timestamp <= a.until || _isServed(jobId, a)) revert NotMissed(jobId);
        if (_isExcused(jobId, a)) revert Excused(jobId);
        _unlock(jobId, a);
        _slash(jobId, a);
        _break(jobId >> 64, a.node);
        _reassign(jobId, a);
    }

    /// @inheritdoc INodePools
    function decline(uint256 jobId) external {
        Assignment memory a = _assignments[jobId];
        if (a.node == address(0)) revert NotAssigned(jobId);
        _requireActsFor(a.node);
        if (block.timestamp > a.since + (a.until - a.since) / 2) revert TooLateToDecline(jobId);
        _unlock(jobId, a);
        emit AssignmentDeclined(jobId, a.node);
        _reassign(jobId, a);
    }

    /// @inheritdoc INodePools
    function claim() external nonReentrant returns (uint256 amount) {
        amount = claimable[msg.sender];
        if (amount == 0) revert Nothing();
        claimable[msg.sender] = 0;
        emit Claimed(msg.sender, amount);
        TOKEN.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc INodePools
    function setParameters(Parameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    // ---- views ----

    /// @inheritdoc INodePools
    function currentEpoch() public view returns (uint64) {
        return uint64(block.timestamp / EPOCH);
    }

    /// @inheritdoc INodePools
    function unitsOf(uint256 modelId, address node)
        external
        view
        returns (uint64 committed, uint64 assigned, uint64 next)
    {
        uint256 place = placeOf[modelId][node];
        if (place == 0) return (0, 0, 0);
        CapacityTree.Sum memory sum = _trees[modelId].sumAt(place, currentEpoch());
        return (sum.committed, sum.assigned, sum.next);
    }

    /// @inheritdoc INodePools
    function poolOf(uint256 modelId) external view returns (uint64 committed, uint64 assigned, uint64 next) {
        CapacityTree.Sum memory sum = _trees[modelId].sumAt(1, currentEpoch());
        return (sum.committed, sum.assigned, sum.next);
    }

    /// @inheritdoc INodePools
    function nodeOf(address node) external view returns (Node memory) {
        return _nodes[node];
    }

    /// @inheritdoc INodePools
    function assignmentOf(uint256 jobId) external view returns (Assignment memory) {
        return _assignments[jobId];
    }

    // ---- internal ----

    function _requireActsFor(address node) private view {
        if (msg.sender != node && msg.sender != _nodes[node].operator) revert NotNode(node, msg.sender);
    }

    /// @dev Stake that a node must keep: for its promises, and for the penalties of what it was given.
    function _needed(Node storage node, uint256 units) private view returns (uint256 needed) {
        if (units != 0) {
            needed = units * parameters.stakePerUnit;
            if (needed < parameters.minStake) needed = parameters.minStake;
        }
        if (needed < node.locked) needed = node.locked;
    }

    /// @dev Remembers what a node promised for this epoch before it changes what it promises for the next.
    function _keepPromise(address node, uint64 epoch) private {
        if (_promises[node].epoch != epoch) _promises[node] = Promise(epoch, _nodes[node].committed);
    }

    function _join(address node, uint256 modelId) private returns (uint256 place) {
        uint16[] storage freed = _freed[modelId];
        if (freed.length != 0) {
            place = freed[freed.length - 1];
            freed.pop();
        } else {
            uint256 used = _places[modelId];
            if (used == PLACES) revert PoolFull(modelId);
            place = PLACES + used;
            _places[modelId] = used + 1;
        }
        placeOf[modelId][node] = place;
        nodeAt[modelId][place] = node;
        emit Joined(modelId, node, place);
        // so that the node's first payment is no dearer than the others
        MARKET.openAccount(node);
    }

    function _until(uint64 units) private view returns (uint256) {
        return block.timestamp + parameters.windowBase + ((uint256(units) * parameters.windowPerMegaUnit) >> 20);
    }

    /// @dev Whether others have as long as the node after it: nobody can keep a job from everybody by letting its time pass.
    function _leavesTime(Job memory job, uint64 units) private view returns (bool) {
        return job.deadline >= 2 * _until(units) - block.timestamp;
    }

    /// @dev Draws a node with units and stake for a job, but not the one that had it, and gives it to it; zero where none was found.
    function _assign(uint256 jobId, uint256 modelId, uint64 units, uint8 attempt, address had)
        private
        returns (address node)
    {
        uint64 epoch = currentEpoch();
        uint96 penalty = (uint256(units) * parameters.penaltyPerUnit).toUint96();
        uint256 place = _draw(jobId, modelId, units, penalty, attempt, had);
        if (place == 0) return address(0);
        node = nodeAt[modelId][place];
        _trees[modelId].assign(place, epoch, units);
        _nodes[node].locked += penalty;
        uint256 until = _until(units);
        _assignments[jobId] = Assignment(node, uint40(block.timestamp), uint40(until), attempt, units, penalty);
        MARKET.reserve(jobId, node, uint40(until));
        emit JobAssigned(jobId, node, units, penalty, until, epoch, attempt);
    }

    /// @dev One other node may try.
    function _reassign(uint256 jobId, Assignment memory a) private {
        Job memory job = MARKET.jobOf(jobId);
        if (
            a.attempts < MAX_ATTEMPTS && job.state == JobState.Open && _leavesTime(job, a.units)
                && _canSettle(jobId >> 64)
        ) _assign(jobId, jobId >> 64, a.units, a.attempts + 1, a.node);
    }

    function _draw(uint256 jobId, uint256 modelId, uint64 units, uint96 penalty, uint8 attempt, address had)
        private
        returns (uint256 place)
    {
        uint64 epoch = currentEpoch();
        CapacityTree.Tree storage tree = _trees[modelId];
        uint256 seed = _epochSeed(epoch);
        for (uint256 i = 0; i <= DRAWS; ++i) {
            place = i < DRAWS
                ? tree.draw(epoch, uint256(keccak256(abi.encode(seed, jobId, attempt, i))))
                : tree.richest(epoch);
            if (place == 0) return 0;
            address drawn = nodeAt[modelId][place];
            Node storage node = _nodes[drawn];
            if (drawn != had && tree.free(place, epoch) >= units && node.stake >= uint256(node.locked) + penalty) {
                return place;
            }
        }
        return 0;
    }

    /// @dev Reads the seed of an epoch's draws. The first call of an epoch names its block, and the hash of that block makes the seed final: nobody
    ///      who sends a call knows it then, so that nothing is gained by trying in one block after the other until the draw pleases. Only the very
    ///      first draw of an epoch goes by its block alone.
    function _epochSeed(uint64 epoch) private returns (uint256) {
        Seed memory seed = _seed;
        if (seed.epoch == epoch && seed.from == 0) return seed.value;
        if (seed.epoch == epoch && seed.from == block.number) revert SeedPending(epoch);
        bytes32 hash = seed.epoch == epoch ? blockhash(seed.from) : bytes32(0);
        if (hash == bytes32(0)) {
            // a new epoch, or one whose first call was too many blocks ago
            seed.from = uint48(block.number);
            seed.value = uint168(uint256(keccak256(abi.encode(block.prevrandao, epoch))));
        } else {
            seed.from = 0;
            seed.value = uint168(uint256(keccak256(abi.encode(seed.value, hash))));
            emit EpochSeeded(epoch, seed.value);
        }
        seed.epoch = uint40(epoch);
        _seed = seed;
        return seed.value;
    }

    function _isServed(uint256 jobId, Assignment memory a) private view returns (bool) {
        Job memory job = MARKET.jobOf(jobId);
        return job.state == JobState.Paid && job.settledAt <= a.until;
    }

    /// @dev A node that was kept from settling is not to blame.
    function _isExcused(uint256 jobId, Assignment memory a) private view returns (bool) {
        if (MARKET.lastPauseEnd() >= a.since) return true;
        return !_canSettle(jobId >> 64);
    }

    /// @dev Whether jobs of a model can be settled at all now.
    function _canSettle(uint256 modelId) private view returns (bool) {
        if (MARKET.lastPauseEnd() == type(uint40).max) return false;
        (IVerifierRouter.RouteState state,,) = ROUTER.routeOf(REGISTRY.termsOf(modelId).proofSystemId);
        return state == IVerifierRouter.RouteState.Live;
    }

    function _unlock(uint256 jobId, Assignment memory a) private {
        _nodes[a.node].locked -= a.penalty;
        delete _assignments[jobId];
        // An excused node does not keep the job for itself.
        if (block.timestamp <= a.until) MARKET.reserve(jobId, address(0), 0);
    }

    function _slash(uint256 jobId, Assignment memory a) private {
        Node storage node = _nodes[a.node];
        // Locked penalties are covered by the stake; should they not be, what is there is taken.
        uint256 amount = a.penalty;
        if (amount > node.stake) amount = node.stake;
        node.stake -= uint96(amount);
        ++node.missed;
        uint256 reward = amount * parameters.reporterBps / BPS;
        claimable[msg.sender] += reward;
        claimable[owner()] += amount - reward;
        emit WorkMissed(jobId, a.node, amount, msg.sender, reward);
    }

    /// @dev A node that missed work takes no new one in this pool until it says that it is well again.
    function _break(uint256 modelId, address node) private {
        uint256 place = placeOf[modelId][node];
        if (place == 0) return;
        uint64 epoch = currentEpoch();
        CapacityTree.Tree storage tree = _trees[modelId];
        tree.assign(place, epoch, tree.free(place, epoch));
        _keepPromise(node, epoch);
        uint64 before = tree.setNext(place, epoch, 0);
        _nodes[node].committed -= before;
        emit UnitsChanged(modelId, node, 0, uint256(epoch) + 1);
    }

    function _setParameters(Parameters memory p) private {
        _bound("minStake", p.minStake, 1, MAX_MIN_STAKE);
        _bound("stakePerUnit", p.stakePerUnit, 1, MAX_STAKE_PER_UNIT);
        _bound("penaltyPerUnit", p.penaltyPerUnit, 1, p.stakePerUnit);
        _bound("windowBase", p.windowBase, MIN_WINDOW, MAX_WINDOW);
        _bound("windowPerMegaUnit", p.windowPerMegaUnit, 0, MAX_WINDOW);
        _bound("reporterBps", p.reporterBps, 0, MAX_REPORTER_BPS);
        parameters = p;
        emit ParametersChanged(p);
    }

    function _bound(bytes32 name, uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert ParameterOutOfBounds(name, value, least, most);
    }
}
