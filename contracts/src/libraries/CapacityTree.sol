// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Sums of units over the nodes of a pool: a binary tree in which promising, assigning and drawing touch one path, whatever the pool's size.
/// @notice Promises, assignments and draws in eight steps.
/// @dev Node 1 is the root, nodes LEAVES .. 2 LEAVES - 1 are the nodes' places; each holds the sum of its two children. Epochs roll lazily: a sum that
///      was written in an earlier epoch reads as what was promised for the next one, with nothing assigned. That is linear, so sums stay sums.
library CapacityTree {
    /// @notice One slot.
    /// @param epoch when it was last written.
    /// @param committed units promised for that epoch.
    /// @param next units promised from the epoch behind it on.
    /// @param assigned units assigned in that epoch, never above committed.
    struct Sum {
        uint64 epoch;
        uint64 committed;
        uint64 next;
        uint64 assigned;
    }

    struct Tree {
        mapping(uint256 index => Sum) sums;
    }

    /// @notice Places of a pool.
    uint256 internal constant LEAVES = 256;

    /// @notice The sum at an index, as of an epoch.
    /// @param tree the tree.
    /// @param index place in the tree, 1 for the root.
    /// @param epoch number of the epoch.
    /// @return sum as of that epoch.
    function sumAt(Tree storage tree, uint256 index, uint64 epoch) internal view returns (Sum memory sum) {
        sum = tree.sums[index];
        if (sum.epoch != epoch) {
            (sum.epoch, sum.committed, sum.assigned) = (epoch, sum.next, 0);
        }
    }

    /// @notice Sets what a leaf promises from the next epoch on.
    /// @param tree the tree.
    /// @param leaf place of the node.
    /// @param epoch number of the epoch.
    /// @param units what it promises from now on.
    /// @return before what it promised before.
    function setNext(Tree storage tree, uint256 leaf, uint64 epoch, uint64 units) internal returns (uint64 before) {
        before = sumAt(tree, leaf, epoch).next;
        for (uint256 i = leaf; i != 0; i >>= 1) {
            Sum memory sum = sumAt(tree, i, epoch);
            sum.next = sum.next - before + units;
            tree.sums[i] = sum;
        }
    }

    /// @notice Assigns units of a leaf, which must have them free.
    /// @param tree the tree.
    /// @param leaf place of the node.
    /// @param epoch number of the epoch.
    /// @param units how many.
    function assign(Tree storage tree, uint256 leaf, uint64 epoch, uint64 units) internal {
        for (uint256 i = leaf; i != 0; i >>= 1) {
            Sum memory sum = sumAt(tree, i, epoch);
            sum.assigned += units;
            assert(sum.assigned <= sum.committed);
            tree.sums[i] = sum;
        }
    }

    /// @notice Units of this epoch that are not assigned.
    /// @param tree the tree.
    /// @param index place in the tree, 1 for the root.
    /// @param epoch the present epoch.
    function free(Tree storage tree, uint256 index, uint64 epoch) internal view returns (uint64) {
        Sum memory sum = sumAt(tree, index, epoch);
        return sum.committed - sum.assigned;
    }

    /// @notice Draws a leaf with chance in proportion to its free units; zero where there are none.
    /// @param tree the tree.
    /// @param epoch number of the epoch.
    /// @param seed a random number.
    /// @return leaf place of the node.
    function draw(Tree storage tree, uint64 epoch, uint256 seed) internal view returns (uint256 leaf) {
        uint256 total = free(tree, 1, epoch);
        if (total == 0) return 0;
        uint256 rest = seed % total;
        leaf = 1;
        while (leaf < LEAVES) {
            leaf <<= 1;
            uint256 left = free(tree, leaf, epoch);
            if (rest >= left) {
                rest -= left;
                ++leaf;
            }
        }
    }

    /// @notice Goes down to where more is free at each step: likely to find units for a large job that draws missed.
    /// @param tree the tree.
    /// @param epoch number of the epoch.
    /// @return leaf place of the node.
    function richest(Tree storage tree, uint64 epoch) internal view returns (uint256 leaf) {
        leaf = 1;
        while (leaf < LEAVES) {
            leaf <<= 1;
            if (free(tree, leaf + 1, epoch) > free(tree, leaf, epoch)) ++leaf;
        }
    }
}
