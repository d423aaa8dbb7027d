// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Pools of nodes: each model has one, of nodes that have promised compute units for every epoch and staked for the promise.
/// @notice A job at the head of its model's queue is given to one node, which may then settle it alone for a while, and pays when it does not.
interface INodePools {
    /// @notice Parameters that governance sets. An assignment keeps those it was made under, but for the reporter's part.
    /// @param minStake least stake of a node with units.
    /// @param stakePerUnit stake for each unit promised.
    /// @param penaltyPerUnit what each unit of missed work costs.
    /// @param windowBase seconds a node has for any job.
    /// @param windowPerMegaUnit seconds more for each 2^20 units.
    /// @param reporterBps part of a penalty that whoever reports it gets, in ten-thousandths; governance gets the rest. The requester gets nothing: who asks for
    ///        what nobody can prove must not earn by it.
    struct Parameters {
        uint96 minStake;
        uint64 stakePerUnit;
        uint64 penaltyPerUnit;
        uint32 windowBase;
        uint32 windowPerMegaUnit;
        uint16 reporterBps;
    }

    /// @notice A node, named by the address that is paid for its proofs.
    /// @param operator hot key that may change its units.
    /// @param stake what stands for its promises.
    /// @param unbonding what is on its way out; open penalties are never part of it.
    /// @param unbondsAt when it may be taken.
    /// @param locked penalties of its open assignments; never above the stake.
    /// @param committed units promised from the next epoch on, in all pools.
    /// @param missed assignments that it missed.
    /// @param served assignments that it served.
    struct Node {
        address operator;
        uint96 stake;
        uint96 unbonding;
        uint40 unbondsAt;
        uint96 locked;
        uint64 committed;
        uint32 missed;
        uint32 served;
    }

    /// @notice A job given to a node.
    /// @param node whose it is; zero for none.
    /// @param since when it was given.
    /// @param until last second in which it is the node's alone.
    /// @param attempts assignments of this job so far.
    /// @param units compute units it took.
    /// @param penalty what missing it costs.
    struct Assignment {
        address node;
        uint40 since;
        uint40 until;
        uint8 attempts;
        uint64 units;
        uint96 penalty;
    }

    /// @notice A node has more stake.
    /// @param node the node.
    /// @param from who paid.
    /// @param amount what arrived.
    event Bonded(address indexed node, address indexed from, uint256 amount);
    /// @notice Stake is on its way out.
    /// @param node the node.
    /// @param amount what starts now.
    /// @param total all that is on its way.
    /// @param unbondsAt when it may be taken.
    event Unbonding(address indexed node, uint256 amount, uint256 total, uint256 unbondsAt);
    /// @notice Stake went out.
    /// @param node the node.
    /// @param amount how much, in the smallest unit of the token.
    event Unbonded(address indexed node, uint256 amount);
    /// @notice A node asked for an operator, who has to agree.
    /// @param node the node.
    /// @param operator the hot key; zero for none.
    event OperatorProposed(address indexed node, address indexed operator);
    /// @notice A node has an operator; zero for none.
    /// @param node the node.
    /// @param operator the hot key; zero for none.
    event OperatorChanged(address indexed node, address indexed operator);
    /// @notice A node promises these units of a pool from an epoch on.
    /// @param modelId the model.
    /// @param node the node.
    /// @param units compute units.
    /// @param fromEpoch first epoch that they hold for.
    event UnitsChanged(uint256 indexed modelId, address indexed node, uint64 units, uint256 fromEpoch);
    /// @notice A node has a place in a pool.
    /// @param modelId the model.
    /// @param node the node.
    /// @param place its place.
    event Joined(uint256 indexed modelId, address indexed node, uint256 place);
    /// @notice A node's place in a pool is free again.
    /// @param modelId the model.
    /// @param node the node.
    /// @param place the place it had.
    event Left(uint256 indexed modelId, address indexed node, uint256 place);
    /// @notice A job is a node's alone until then.
    /// @param jobId the job.
    /// @param node the node.
    /// @param units compute units.
    /// @param penalty what missing it costs.
    /// @param until last second of it.
    /// @param epoch number of the epoch.
    /// @param attempt first or second assignment of the job.
    event JobAssigned(
        uint256 indexed jobId,
        address indexed node,
        uint64 units,
        uint96 penalty,
        uint256 until,
        uint256 epoch,
        uint8 attempt
    );
    /// @notice A node has served its assignment, or could not (excused): its penalty is unlocked.
    /// @param jobId the job.
    /// @param node the node.
    /// @param served false for an excuse.
    event AssignmentReleased(uint256 indexed jobId, address indexed node, bool served);
    /// @notice A node said in time that it will not serve its assignment. Its units of this epoch are used up.
    /// @param jobId the job.
    /// @param node the node.
    event AssignmentDeclined(uint256 indexed jobId, address indexed node);
    /// @notice A node missed its assignment and lost `amount`; it has no units in this pool until it sets them again.
    /// @param jobId the job.
    /// @param node the node.
    /// @param amount what it lost.
    /// @param reporter who reported it.
    /// @param reward what the reporter gets.
    event WorkMissed(
        uint256 indexed jobId, address indexed node, uint256 amount, address indexed reporter, uint256 reward
    );
    /// @notice An account took what penalties brought it.
    /// @param account whose account.
    /// @param amount how much.
    event Claimed(address indexed account, uint256 amount);
    /// @notice The seed of the draws of an epoch.
    /// @param epoch number of the epoch.
    /// @param seed the seed.
    event EpochSeeded(uint256 indexed epoch, uint192 seed);
    /// @notice Other parameters hold for later assignments.
    /// @param parameters the new parameters.
    event ParametersChanged(Parameters parameters);

    /// @notice Only the node may do this, or its operator where that is said.
    error NotNode(address node, address caller);
    /// @notice The operator was not proposed.
    error OperatorNotProposed(address node, address caller);
    /// @notice The stake left would not cover promises, the least stake or open assignments.
    error StakeTooLow(address node, uint256 stake, uint256 needed);
    /// @notice A node promises at most this many units in a pool.
    error TooManyUnits(uint64 units, uint64 most);
    /// @notice The pool has no place left.
    error PoolFull(uint256 modelId);
    /// @notice The node has no place in the pool.
    error NotInPool(uint256 modelId, address node);
    /// @notice The node still has units in the pool.
    error StillCommitted(uint256 modelId, address node);
    /// @notice Nothing is unbonding, or not long enough.
    error NotUnbonded(uint256 unbondsAt);
    /// @notice No job of the model waits for a node.
    error NothingToAssign(uint256 modelId);
    /// @notice No node has units for the job at the head of the queue now.
    error NoCapacity(uint256 modelId, uint256 jobId);
    /// @notice One job is assigned in the block that the seed of the epoch comes from; the next ones in later blocks.
    error SeedPending(uint64 epoch);
    /// @notice The job is not assigned.
    error NotAssigned(uint256 jobId);
    /// @notice A node declines in the first half of its time.
    error TooLateToDecline(uint256 jobId);
    /// @notice The node still has time.
    error NotMissed(uint256 jobId);
    /// @notice The node has neither served the job nor an excuse.
    error NotServed(uint256 jobId);
    /// @notice The market was paused or the model lost its verifier meanwhile: no penalty.
    error Excused(uint256 jobId);
    /// @notice Zero or nothing was given.
    error Nothing();
    /// @notice A parameter is beyond its bound.
    error ParameterOutOfBounds(bytes32 name, uint256 value, uint256 least, uint256 most);
    /// @notice Jobs may last longer than stake is held.
    error UnbondingTooShort(uint256 unbonding, uint256 longestJob);

    /// @notice Adds to a node's stake, from the caller's tokens.
    /// @param node the node.
    /// @param amount how much, in the smallest unit of the token.
    function bond(address node, uint256 amount) external;

    /// @notice Sends stake of the caller on its way out. What stands for units of this epoch or later stays. Starts the time of all that is on its way again.
    /// @param amount how much.
    function unbond(uint96 amount) external;

    /// @notice Takes what has been on its way long enough.
    /// @return amount how much, in the smallest unit of the token.
    function withdrawUnbonded() external returns (uint256 amount);

    /// @notice Proposes an operator for the caller's node, or removes it (zero).
    /// @param operator who is to act for it; zero for nobody.
    function proposeOperator(address operator) external;

    /// @notice Becomes the operator of a node that proposed the caller.
    /// @param node the node.
    function acceptOperator(address node) external;

    /// @notice Promises units of a model for every epoch from the next on; zero to stop. Counted in whole jobs: a rest smaller than the model's
    ///         compute cost is left out. The node or its operator.
    /// @param node the node.
    /// @param modelId the model.
    /// @param units compute units.
    function setUnits(address node, uint256 modelId, uint64 units) external;

    /// @notice Frees the place of a node that has no units in a pool any more; anyone may.
    /// @param node the node.
    /// @param modelId the model.
    function quit(address node, uint256 modelId) external;

    /// @notice Fixes the seed of this epoch's draws, in two calls of different blocks; assignments do the same on their way. Anyone may.
    function seedEpoch() external;

    /// @notice Gives the next job in a model's queue to a node; anyone may. Who gets it is drawn by free units, from the epoch's seed. Jobs that would
    ///         leave others less time behind the node's are passed over: anyone may serve them.
    /// @param modelId the model.
    /// @return jobId the job.
    /// @return node the node.
    function assign(uint256 modelId) external returns (uint256 jobId, address node);

    /// @notice Unlocks the penalty of a served or excused assignment; anyone may, but only the node or its operator while the time of an excused one goes on.
    /// @param jobId the job.
    function release(uint256 jobId) external;

    /// @notice Gives an assignment back without a penalty, in the first half of its time: its input cannot be had, no output meets what is asked, or the
    ///         price does not pay. The node or its operator. The job goes to another node, once.
    /// @param jobId the job.
    function decline(uint256 jobId) external;

    /// @notice Takes the penalty of a missed assignment; anyone may, for a part of it. Gives the job to another node, once.
    /// @param jobId the job.
    function penalize(uint256 jobId) external;

    /// @notice Pays the caller what penalties brought it.
    /// @return amount how much, in the smallest unit of the token.
    function claim() external returns (uint256 amount);

    /// @notice Sets parameters of later assignments. Only governance.
    /// @param parameters_ the new parameters.
    function setParameters(Parameters calldata parameters_) external;

    /// @notice Parameters of assignments made now.
    /// @return minStake least stake of a node with units.
    /// @return stakePerUnit stake for each unit promised.
    /// @return penaltyPerUnit what each unit of missed work costs.
    /// @return windowBase seconds a node has for any job.
    /// @return windowPerMegaUnit seconds more for each 2^20 units.
    /// @return reporterBps part of a penalty that whoever reports it gets.
    function parameters()
        external
        view
        returns (
            uint96 minStake,
            uint64 stakePerUnit,
            uint64 penaltyPerUnit,
            uint32 windowBase,
            uint32 windowPerMegaUnit,
            uint16 reporterBps
        );

    /// @notice Number of the current epoch.
    function currentEpoch() external view returns (uint64);

    /// @notice Units of a node in a pool: promised and assigned in this epoch, promised from the next on.
    /// @param modelId the model.
    /// @param node the node.
    /// @return committed units promised for this epoch.
    /// @return assigned units of these that are assigned.
    /// @return next units promised from the next epoch on.
    function unitsOf(uint256 modelId, address node)
        external
        view
        returns (uint64 committed, uint64 assigned, uint64 next);

    /// @notice The same of a whole pool.
    /// @param modelId the model.
    /// @return committed units promised for this epoch.
    /// @return assigned units of these that are assigned.
    /// @return next units promised from the next epoch on.
    function poolOf(uint256 modelId) external view returns (uint64 committed, uint64 assigned, uint64 next);

    /// @notice A node.
    /// @param node the node.
    function nodeOf(address node) external view returns (Node memory);

    /// @notice The assignment of a job; all zero where there is none.
    /// @param jobId the job.
    function assignmentOf(uint256 jobId) external view returns (Assignment memory);
}
