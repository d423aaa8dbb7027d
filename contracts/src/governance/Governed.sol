// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// @title Who may do what: the owner, which is the timelock of governance, sets parameters; a guardian may stop things and nothing else.
/// @notice Base of the contracts that governance owns.
abstract contract Governed is Ownable2Step {
    /// @notice Who may stop things beside the owner; zero for nobody.
    address public guardian;

    /// @notice Another guardian.
    /// @param oldGuardian who it was.
    /// @param newGuardian who it is from now on.
    event GuardianChanged(address indexed oldGuardian, address indexed newGuardian);

    /// @notice Only the owner or the guardian may do this.
    error NotGuardian(address caller);
    /// @notice Contracts without an owner could not be repaired.
    error OwnerRequired();

    modifier onlyGuardian() {
        _requireGuardian();
        _;
    }

    constructor(address owner_, address guardian_) Ownable(owner_) {
        guardian = guardian_;
        emit GuardianChanged(address(0), guardian_);
    }

    /// @notice Sets the guardian. Only governance.
    /// @param newGuardian who it is from now on.
    function setGuardian(address newGuardian) external onlyOwner {
        emit GuardianChanged(guardian, newGuardian);
        guardian = newGuardian;
    }

    /// @notice Refused: a contract keeps its owner.
    function renounceOwnership() public view override onlyOwner {
        revert OwnerRequired();
    }

    function _requireGuardian() private view {
        if (msg.sender != guardian && msg.sender != owner()) revert NotGuardian(msg.sender);
    }
}
