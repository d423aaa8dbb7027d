// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

/// @title Votes of token holders; what they decide is done by the timelock, the only owner of the network's contracts.
/// @notice Proposals, votes, and bounds of both.
contract SertnGovernor is
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorTimelockControl
{
    /// @notice Shortest time from a proposal to its vote. Only a vote changes parameters, within these bounds.
    uint256 public constant MIN_VOTING_DELAY = 1 hours;
    /// @notice Longest time from a proposal to its vote.
    uint256 public constant MAX_VOTING_DELAY = 7 days;
    /// @notice Shortest vote.
    uint256 public constant MIN_VOTING_PERIOD = 1 days;
    /// @notice Longest vote.
    uint256 public constant MAX_VOTING_PERIOD = 30 days;
    /// @notice Least part of the supply that must take part.
    uint256 public constant MIN_QUORUM_PERCENT = 2;
    /// @notice Most that may be asked for.
    uint256 public constant MAX_QUORUM_PERCENT = 40;
    /// @notice Most of the supply that a proposal may take, so that nobody is shut out of proposing.
    uint256 public constant MAX_THRESHOLD_PERCENT = 2;

    /// @notice A parameter is beyond its bound.
    error ParameterOutOfBounds(bytes32 name, uint256 value, uint256 least, uint256 most);

    /// @notice Makes a governor; it proposes and cancels once the timelock has given it these roles.
    /// @param token the votes.
    /// @param timelock who executes.
    /// @param delay seconds from a proposal to its vote.
    /// @param period seconds of a vote.
    /// @param threshold votes that a proposal takes.
    /// @param quorumPercent part of the supply that must take part.
    constructor(
        IVotes token,
        TimelockController timelock,
        uint48 delay,
        uint32 period,
        uint256 threshold,
        uint256 quorumPercent
    )
        Governor("Sertn Governor")
        GovernorSettings(delay, period, threshold)
        GovernorVotes(token)
        GovernorVotesQuorumFraction(quorumPercent)
        GovernorTimelockControl(timelock)
    {}

    /// @inheritdoc GovernorTimelockControl
    function state(uint256 proposalId) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(proposalId);
    }

    /// @inheritdoc GovernorTimelockControl
    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @inheritdoc GovernorSettings
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    function _setVotingDelay(uint48 value) internal override {
        _bound("votingDelay", value, MIN_VOTING_DELAY, MAX_VOTING_DELAY);
        super._setVotingDelay(value);
    }

    function _setVotingPeriod(uint32 value) internal override {
        _bound("votingPeriod", value, MIN_VOTING_PERIOD, MAX_VOTING_PERIOD);
        super._setVotingPeriod(value);
    }

    function _setProposalThreshold(uint256 value) internal override {
        // While the constructor runs the token cannot be asked yet; whoever deploys answers for the first threshold.
        if (address(this).code.length != 0) {
            uint256 supply = token().getPastTotalSupply(clock() - 1);
            _bound("proposalThreshold", value, 0, supply * MAX_THRESHOLD_PERCENT / 100);
        }
        super._setProposalThreshold(value);
    }

    function _updateQuorumNumerator(uint256 value) internal override {
        _bound("quorumPercent", value, MIN_QUORUM_PERCENT, MAX_QUORUM_PERCENT);
        super._updateQuorumNumerator(value);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }

    function _bound(bytes32 name, uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert ParameterOutOfBounds(name, value, least, most);
    }
}
