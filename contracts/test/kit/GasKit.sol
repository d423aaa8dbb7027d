// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Fixture} from "../Fixture.sol";

/// @notice Snapshots of the gas of single calls, by the names of contract and function. test/layout holds that no function is without one.
abstract contract GasKit is Fixture {
    string private _group;
    address private _target;

    /// @dev Whose functions are next; the name as in the source.
    function lookAt(string memory group, address target) internal {
        (_group, _target) = (group, target);
    }

    /// @dev The name as in the source; where there are more ways or overloads, "_" and a word behind.
    function see(string memory name, bytes memory call_) internal {
        seeAs(address(this), name, call_);
    }

    function seeAs(address sender, string memory name, bytes memory call_) internal {
        if (sender != address(this)) vm.prank(sender);
        (bool ok,) = _target.call(call_);
        check(ok, string.concat(_group, ".", name));
        vm.snapshotGasLastCall(_group, name);
    }

    /// @dev Functions without an argument, their names with a blank between.
    function seeAll(string memory names) internal {
        bytes memory text = bytes(names);
        uint256 from = 0;
        for (uint256 i = 0; i <= text.length; ++i) {
            if (i < text.length && text[i] != " ") continue;
            bytes memory name = new bytes(i - from);
            for (uint256 j = 0; j < name.length; ++j) {
                name[j] = text[from + j];
            }
            see(string(name), abi.encodeWithSignature(string.concat(string(name), "()")));
            from = i + 1;
        }
    }
}
