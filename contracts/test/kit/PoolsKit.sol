// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {INodePools} from "../../src/interfaces/INodePools.sol";
import {NodePools} from "../../src/nodes/NodePools.sol";
import {MarketKit} from "./MarketKit.sol";

/// @notice Node pools beside the market of MarketKit.
abstract contract PoolsKit is MarketKit {
    NodePools internal pools;
    uint64 internal cost;

    function buildPools() internal {
        pools = new NodePools(address(this), GUARDIAN, market, poolParameters());
        market.setPools(address(pools));
        cost = registry.termsOf(modelId).computeCost;
    }

    function poolParameters() internal pure returns (INodePools.Parameters memory) {
        return INodePools.Parameters(1e18, 1e12, 5e11, 15 minutes, 60, 1000);
    }

    function stake(address node, uint256 amount) internal {
        token.mint(node, amount);
        vm.startPrank(node);
        token.approve(address(pools), amount);
        pools.bond(node, amount);
        vm.stopPrank();
    }

    function join(address node, uint64 units) internal {
        stake(node, 100e18);
        vm.prank(node);
        pools.setUnits(node, modelId, units);
    }

    /// @notice Goes to the next epoch, whose seed is about to be final.
    function nextEpoch() internal {
        vm.warp((block.timestamp / 1 hours + 1) * 1 hours);
        pools.seedEpoch();
        vm.roll(block.number + 1);
    }
}
