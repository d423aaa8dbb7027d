// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {INodePools} from "../interfaces/INodePools.sol";
import {IVerifierRouter} from "../interfaces/IVerifierRouter.sol";
import {Pricing} from "../libraries/Pricing.sol";
import {Job, JobState} from "../types/Job.sol";
import {InferenceMarket} from "./InferenceMarket.sol";

/// @title Questions about a market, answered from what it stores. Keeps nothing and may be replaced at any time.
/// @notice For buyers, nodes and pages; nothing depends on it.
contract MarketViewer {
    /// @notice The market asked about.
    InferenceMarket public immutable MARKET;

    /// @notice Makes a viewer of a market.
    /// @param market the market to ask.
    constructor(InferenceMarket market) {
        MARKET = market;
    }

    /// @notice What a job of this model costs now.
    /// @param modelId the model.
    /// @param callbackGas gas that the destination gets.
    /// @return price all that is in escrow for it.
    /// @return royalty the owner's part of the price.
    /// @return fee governance's part of the price.
    function priceOf(uint256 modelId, uint32 callbackGas)
        external
        view
        returns (uint96 price, uint96 royalty, uint96 fee)
    {
        IModelRegistry.Terms memory terms = MARKET.REGISTRY().termsOf(modelId);
        (price, fee) = Pricing.price(terms, MARKET.parameters(), callbackGas);
        royalty = terms.royalty;
    }

    /// @notice Whether a proof of this job would be paid now, as far as exclusive nodes allow: it is open and in time, the market runs, its model
    ///         has a verifier.
    /// @param jobId the job.
    function isSettleable(uint256 jobId) external view returns (bool) {
        Job memory job = MARKET.jobOf(jobId);
        if (job.state != JobState.Open || block.timestamp > job.deadline) return false;
        if (MARKET.lastPauseEnd() == type(uint40).max) return false;
        bytes4 system = MARKET.REGISTRY().termsOf(jobId >> 64).proofSystemId;
        (IVerifierRouter.RouteState state,,) = MARKET.ROUTER().routeOf(system);
        return state == IVerifierRouter.RouteState.Live;
    }

    /// @notice How a model is used, for buyers who judge it.
    /// @param jobs jobs ever requested.
    /// @param answers jobs answered with a proof.
    /// @param computeCost compute units of an answer.
    /// @param price what a job costs now, without a callback.
    /// @param royalty the owner's part of it.
    /// @param fee governance's part of it.
    /// @param deprecated whether it takes no new jobs.
    /// @param committed units that nodes promise for this epoch.
    /// @param assigned units of these that are assigned.
    struct Usage {
        uint256 jobs;
        uint64 answers;
        uint64 computeCost;
        uint96 price;
        uint96 royalty;
        uint96 fee;
        bool deprecated;
        uint64 committed;
        uint64 assigned;
    }

    /// @notice How a model is used.
    /// @param modelId the model.
    /// @return usage all of it; nothing of the pools where the market has none.
    function usageOf(uint256 modelId) external view returns (Usage memory usage) {
        IModelRegistry.Terms memory terms = MARKET.REGISTRY().termsOf(modelId);
        usage.jobs = MARKET.queueLength(modelId);
        (,, usage.answers) = MARKET.modelAccounts(modelId);
        usage.computeCost = terms.computeCost;
        (usage.price, usage.fee) = Pricing.price(terms, MARKET.parameters(), 0);
        usage.royalty = terms.royalty;
        usage.deprecated = terms.deprecated;
        address pools = MARKET.pools();
        if (pools != address(0)) (usage.committed, usage.assigned,) = INodePools(pools).poolOf(modelId);
    }

    /// @notice How the last jobs of a model ended, for buyers who judge its owner and nodes.
    /// @param modelId the model.
    /// @param count how many jobs to look at, at most; the last ones.
    /// @return open still waiting.
    /// @return paid answered with a proof.
    /// @return unanswered over without an answer, refunded or not.
    /// @return spare sum over the paid ones of the seconds that were left until the deadline.
    function lastJobs(uint256 modelId, uint256 count)
        external
        view
        returns (uint256 open, uint256 paid, uint256 unanswered, uint256 spare)
    {
        uint256 length = MARKET.queueLength(modelId);
        if (count > length) count = length;
        for (uint256 place = length - count + 1; place <= length; ++place) {
            Job memory job = MARKET.jobOf(MARKET.jobIdOf(modelId, place));
            if (job.state == JobState.Paid) {
                ++paid;
                spare += job.deadline - job.settledAt;
            } else if (job.state == JobState.Open && block.timestamp <= job.deadline) {
                ++open;
            } else {
                ++unanswered;
            }
        }
    }
}
