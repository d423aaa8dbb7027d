// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PublicWords} from "../libraries/PublicWords.sol";

/// @title The thin contract of a model.
/// @notice What a consumer needs of a model's thin contract (made by `sertn-run keys`, public/ModelVerifier.sol).
interface IModelVerifier {
    /// @notice Reverts unless the proof holds.
    /// @param context what a proof is bound to.
    /// @param words all public words of the claim.
    /// @param proof the proof.
    function requireProof(bytes32 context, uint256[] calldata words, bytes calldata proof) external view;
}

/// @title Example: acts on a proved answer of a model, once per request.
/// @notice A request fixes the input and the context, so a proof of another input, or made for another request, requester or chain, is worthless here.
contract AnswerConsumer {
    /// @notice Nobody asked with this context, or the answer came.
    error UnknownRequest(bytes32 context);
    /// @notice The answer is one to another input.
    error OtherInput(bytes32 context);
    /// @notice A request commits to an input.
    error NoInput();

    /// @notice Somebody asked.
    /// @param context what its proof must be bound to.
    /// @param requester who asked.
    /// @param inputs commitment to the input.
    event Requested(bytes32 indexed context, address indexed requester, bytes32 inputs);
    /// @notice The answer came, with its proof.
    /// @param context what a proof is bound to.
    /// @param words the public words.
    event Answered(bytes32 indexed context, uint256[] words);

    /// @notice The model.
    IModelVerifier public immutable MODEL;
    uint256 private _count;
    /// @notice Words that are inputs as a whole, and low bits of the next that are input as well (as in a request of the market).
    uint16 public immutable INPUT_WORDS;
    /// @notice See INPUT_WORDS.
    uint8 public immutable INPUT_BITS;
    /// @notice Commitments to the inputs of requests that wait for their answer (libraries/PublicWords.sol).
    mapping(bytes32 context => bytes32) public inputsOf;

    /// @notice Makes a consumer.
    /// @param model the model's contract.
    /// @param inputWords how many public words are inputs as a whole.
    /// @param inputBits how many low bits of the next word are input as well.
    constructor(IModelVerifier model, uint16 inputWords, uint8 inputBits) {
        (MODEL, INPUT_WORDS, INPUT_BITS) = (model, inputWords, inputBits);
    }

    /// @notice Opens a request and returns the context its proof must be bound to (`sertn-run prove --context`).
    /// @param inputs commitment to the input.
    /// @return context what its proof must be bound to.
    function request(bytes32 inputs) external returns (bytes32 context) {
        if (inputs == bytes32(0)) revert NoInput();
        context = keccak256(abi.encode(block.chainid, address(this), msg.sender, ++_count));
        inputsOf[context] = inputs;
        emit Requested(context, msg.sender, inputs);
    }

    /// @notice Anyone may deliver; the answer counts only with its proof.
    /// @param context context of the request.
    /// @param words all public words of the claim.
    /// @param proof the proof.
    function answer(bytes32 context, uint256[] calldata words, bytes calldata proof) external {
        bytes32 inputs = inputsOf[context];
        if (inputs == bytes32(0)) revert UnknownRequest(context);
        // Whoever delivers chooses the words: without this the answer to any input would do.
        if (PublicWords.commit(words, INPUT_WORDS, INPUT_BITS) != inputs) revert OtherInput(context);
        delete inputsOf[context];
        MODEL.requireProof(context, words, proof);
        emit Answered(context, words);
    }
}
