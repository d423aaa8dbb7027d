// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Owner of every contract of the network. Does what the governor decided, after a delay in which everybody can leave.
/// @notice Whoever dislikes a decision has the delay to leave.
contract SertnTimelock is TimelockController {
    /// @notice Shortest delay.
    uint256 public constant MIN_DELAY = 1 days;
    /// @notice Longest delay.
    uint256 public constant MAX_DELAY = 30 days;

    /// @notice The delay must be from `least` to `most`.
    error DelayOutOfBounds(uint256 delay, uint256 least, uint256 most);

    /// @notice Makes a timelock.
    /// @dev The deployer is administrator until the governor has its roles, and gives the role up then.
    /// @param delay the first delay.
    /// @param admin who hands the roles to the governor.
    constructor(uint256 delay, address admin) TimelockController(delay, new address[](0), new address[](0), admin) {
        if (delay < MIN_DELAY || delay > MAX_DELAY) revert DelayOutOfBounds(delay, MIN_DELAY, MAX_DELAY);
    }

    /// @inheritdoc TimelockController
    function updateDelay(uint256 newDelay) public override {
        if (newDelay < MIN_DELAY || newDelay > MAX_DELAY) revert DelayOutOfBounds(newDelay, MIN_DELAY, MAX_DELAY);
        super.updateDelay(newDelay);
    }
}
