// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title Token of governance, of stakes and of payments. All of it is made at once; nobody can make more.
/// @notice Votes in governance, stakes and pays.
/// @dev Votes are counted by time, so that chains with other block times vote alike.
contract SertnToken is ERC20, ERC20Permit, ERC20Votes {
    /// @notice Makes all of the token.
    /// @param holder who gets all of it.
    /// @param supply how much there is.
    constructor(address holder, uint256 supply) ERC20("Sertn", "SERTN") ERC20Permit("Sertn") {
        _mint(holder, supply);
    }

    /// @notice Votes are counted by time.
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    // solhint-disable func-name-mixedcase
    /// @notice Says so, as ERC-6372 has it.
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    // solhint-enable func-name-mixedcase

    /// @inheritdoc ERC20Permit
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
