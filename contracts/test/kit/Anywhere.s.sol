// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Everywhere} from "../../script/Everywhere.s.sol";

/// @notice For test/chains: the development network on chains that are not 31337, where nothing of worth is. Never for others: proofs over this reference
/// string can be forged.
contract Anywhere is Everywhere {
    function anywhere() external returns (address market) {
        Settings memory s = developmentSettings(msg.sender);
        s.origin = 1;
        return address(run(s).market);
    }
}
