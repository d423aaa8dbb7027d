// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice States of a job. It leaves Open once, for one of the two others, and never comes back.
enum JobState {
    None,
    Open,
    Paid,
    Refunded
}

/// @notice A job as others read it: all that its settlement depends on, fixed when it was requested (libraries/JobStore.sol says how the market keeps it).
/// @param requester who gets the money back.
/// @param deadline last second in which it can be paid.
/// @param settledAt when it was paid; zero until then.
/// @param state see JobState.
/// @param inputBits low bits of the word behind the input words that are input as well.
/// @param destination contract that is told the answer; zero for none.
/// @param price all that is in escrow.
/// @param royalty part of the price that is the model owner's.
/// @param fee part of the price that is governance's.
/// @param callbackGas gas that the destination gets.
/// @param inputWords public words that are inputs as a whole.
/// @param hasRequirement whether the market holds a requirement for the output.
/// @param precommitment commitment to the inputs (libraries/PublicWords.sol); zero where the payment was left in the job.
struct Job {
    address requester;
    uint40 deadline;
    uint40 settledAt;
    JobState state;
    uint8 inputBits;
    address destination;
    uint96 price;
    uint96 royalty;
    uint96 fee;
    uint32 callbackGas;
    uint16 inputWords;
    bool hasRequirement;
    bytes32 precommitment;
}

/// @notice What a requester asks for.
/// @param modelId the model.
/// @param input the input itself where keccak256(input) is inputHash, else a URI where it is.
/// @param inputHash keccak256 of the input's bytes, for nodes to check what they fetch; advisory, the precommitment is what is proved.
/// @param precommitment commitment to the input's public words (or digests), which the proof must open with.
/// @param inputWords public words that are inputs as a whole.
/// @param inputBits low bits of the next word that are input as well.
/// @param requirement what the output must meet to be paid; zero for nothing.
/// @param destination contract that is told the answer; zero for none.
/// @param callbackGas gas that it gets.
/// @param deadline last second in which the job can be paid.
/// @param maxPrice the most the requester is willing to pay.
// In the order that a requester signs; it is never stored.
// solhint-disable-next-line gas-struct-packing
struct Request {
    uint256 modelId;
    bytes input;
    bytes32 inputHash;
    bytes32 precommitment;
    uint16 inputWords;
    uint8 inputBits;
    uint256 requirement;
    address destination;
    uint32 callbackGas;
    uint40 deadline;
    uint96 maxPrice;
}

/// @notice An answer with its proof.
/// @param jobId the job.
/// @param prover who proved it and is paid, whoever sends the transaction: the proof is bound to it.
/// @param words all public words of the claim.
/// @param proof the proof.
struct Answer {
    uint256 jobId;
    address prover;
    uint256[] words;
    bytes proof;
}
