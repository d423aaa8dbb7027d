// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title What binds a proof to its use. The verifier absorbs these 32 bytes before the first challenge, so a proof is worth nothing on another
///        chain, in another market, for another job, or to another prover.
/// @notice A hash of chain, market, job and prover.
/// @dev context = keccak256 of five words of 32 bytes, big-endian: keccak256("sertn.context.v1"), chain id, address of the market, job number,
///      address of the prover (addresses in the low 20 bytes). The C side passes it to `sertn-run prove --context`.
library ProofContext {
    bytes32 internal constant DOMAIN = keccak256("sertn.context.v1");

    /// @notice Context of a proof for this chain.
    /// @param market address of the market.
    /// @param jobId the job.
    /// @param prover who proved it and is paid.
    /// @return context what a proof is bound to.
    function bind(address market, uint256 jobId, address prover) internal view returns (bytes32 context) {
        bytes32 domain = DOMAIN;
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, domain)
            mstore(add(at, 0x20), chainid())
            mstore(add(at, 0x40), shr(96, shl(96, market)))
            mstore(add(at, 0x60), jobId)
            mstore(add(at, 0x80), shr(96, shl(96, prover)))
            context := keccak256(at, 0xa0)
        }
    }
}
