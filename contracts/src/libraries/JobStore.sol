// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, JobState} from "../types/Job.sol";

/// @title How the market keeps a job: three words, and one more for each of what few jobs have.
/// @notice Packs a job and reads it.
/// @dev From the low end, in bits. head: requester 160, deadline 40, settledAt 40, state 8, inputBits 8. terms: price 96, royalty 96, feeBps 16,
///      inputWords 16, flags 8. callback: destination 160, gas 32, price of a unit of gas 64. reservation: node 160, until 40.
///      The high bit of the state says that the payment waits in the job itself: precommitment is then prover 160, payment 96, and zero once it
///      was collected.
library JobStore {
    /// @notice A job in storage.
    /// @param head see above.
    /// @param terms see above.
    /// @param precommitment commitment to the inputs, or a payment that waits.
    /// @param reservation whose the job is for a while; zero for nobody's.
    /// @param callback read where the flag says so.
    /// @param requirement read where the flag says so.
    struct Stored {
        uint256 head;
        uint256 terms;
        bytes32 precommitment;
        uint256 reservation;
        uint256 callback;
        uint256 requirement;
    }

    uint256 internal constant HAS_REQUIREMENT = 1 << 224;
    uint256 internal constant HAS_CALLBACK = 1 << 225;
    uint256 private constant IS_KEPT = 1 << 247;
    uint256 private constant BPS = 10_000;

    /// @notice State that a head says.
    /// @param head first word of a job.
    function stateIn(uint256 head) internal pure returns (JobState) {
        return JobState((head >> 240) & 0x7f);
    }

    /// @notice Head of a job in another state.
    /// @param head first word of a job.
    /// @param state its new state.
    function withState(uint256 head, JobState state) internal pure returns (uint256) {
        return (head & ~(uint256(0xff) << 240)) | (uint256(state) << 240);
    }

    /// @notice Parts of a price: the owner's and governance's, the latter feeBps of what is left for compute.
    /// @param terms second word of a job.
    /// @param callback the word of its callback; zero for none.
    /// @return royalty the owner's part of the price.
    /// @return fee governance's part of the price.
    function partsOf(uint256 terms, uint256 callback) internal pure returns (uint256 royalty, uint256 fee) {
        royalty = uint96(terms >> 96);
        uint256 work = uint96(terms) - royalty - uint256(uint32(callback >> 160)) * (callback >> 192);
        fee = work * uint16(terms >> 192) / BPS;
    }

    /// @notice Leaves the payment of a job that has just been paid in the job itself, in the place of what the words that were paid open.
    /// @param stored the job in storage.
    /// @param prover whose it is.
    /// @param amount the payment.
    function keep(Stored storage stored, address prover, uint256 amount) internal {
        stored.head |= IS_KEPT;
        stored.precommitment = bytes32((amount << 160) | uint160(prover));
    }

    /// @notice The payment that waits in a job; zero for none.
    /// @param stored the job in storage.
    /// @return prover whose it is.
    /// @return amount the payment.
    function kept(Stored storage stored) internal view returns (address prover, uint256 amount) {
        uint256 word = stored.head & IS_KEPT == 0 ? 0 : uint256(stored.precommitment);
        return (address(uint160(word)), word >> 160);
    }

    /// @notice The callback of a job; zero where it has none.
    /// @param stored the job in storage.
    /// @param terms second word of a job.
    function callbackOf(Stored storage stored, uint256 terms) internal view returns (uint256) {
        return terms & HAS_CALLBACK == 0 ? 0 : stored.callback;
    }

    /// @notice A job as others read it.
    /// @param stored the job in storage.
    /// @return job the job as others read it.
    function load(Stored storage stored) internal view returns (Job memory job) {
        (uint256 head, uint256 terms) = (stored.head, stored.terms);
        uint256 callback = callbackOf(stored, terms);
        (uint256 royalty, uint256 fee) = partsOf(terms, callback);
        job.requester = address(uint160(head));
        job.deadline = uint40(head >> 160);
        job.settledAt = uint40(head >> 200);
        job.state = stateIn(head);
        job.inputBits = uint8(head >> 248);
        job.destination = address(uint160(callback));
        job.price = uint96(terms);
        job.royalty = uint96(royalty);
        job.fee = uint96(fee);
        job.callbackGas = uint32(callback >> 160);
        job.inputWords = uint16(terms >> 208);
        job.hasRequirement = terms & HAS_REQUIREMENT != 0;
        if (head & IS_KEPT == 0) job.precommitment = stored.precommitment;
    }
}
