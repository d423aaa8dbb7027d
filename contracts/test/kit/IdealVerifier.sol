// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";

/// @notice A verifier without cryptography for tests of what stands around it: a claim's one proof is its hash, so that proofs are made without a
/// prover and a proof of one claim is none of any other. It counts what it accepted.
contract IdealVerifier is IPlonkVerifier {
    bytes32 public constant srsDigest = keccak256("ideal srs");
    uint256 public batches;

    function proofSystemId() external pure returns (bytes4) {
        return bytes4(keccak256("ideal-v1"));
    }

    function prove(bytes32 vkDigest, bytes32 context, uint256[] calldata words) external pure returns (bytes memory) {
        return abi.encode(keccak256(abi.encode(vkDigest, context, words)));
    }

    function verify(
        bytes32 vkDigest,
        bytes calldata vk,
        bytes32 context,
        uint256[] calldata words,
        bytes calldata proof
    ) public pure returns (bool) {
        return keccak256(vk) == vkDigest && proof.length == 32
            && bytes32(proof) == keccak256(abi.encode(vkDigest, context, words));
    }

    function verifyBatch(
        bytes32 vkDigest,
        bytes calldata vk,
        bytes32[] calldata contexts,
        uint256[] calldata words,
        bytes calldata proofs
    ) external pure returns (bool) {
        uint256 n = contexts.length;
        if (n == 0 || words.length % n != 0 || proofs.length != 32 * n) return false;
        uint256 each = words.length / n;
        for (uint256 i = 0; i < n; ++i) {
            if (!verify(vkDigest, vk, contexts[i], words[i * each:(i + 1) * each], proofs[32 * i:32 * (i + 1)])) {
                return false;
            }
        }
        return true;
    }
}
