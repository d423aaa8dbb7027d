// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

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
/// @notice A request fixes the context, so a proof made for one request, requester or chain is worthless for any other.
contract AnswerConsumer {
    /// @notice Nobody asked with this context, or the answer came.
    error UnknownRequest(bytes32 context);

    /// @notice Somebody asked.
    /// @param context what its proof must be bound to.
    /// @param requester who asked.
    event Requested(bytes32 indexed context, address indexed requester);
    /// @notice The answer came, with its proof.
    /// @param context what a proof is bound to.
    /// @param words the public words.
    event Answered(bytes32 indexed context, uint256[] words);

    /// @notice The model.
    IModelVerifier public immutable MODEL;
    uint256 private _count;
    /// @notice Requests that wait for their answer.
    mapping(bytes32 context => bool) public isOpen;

    constructor(IModelVerifier model) {
        MODEL = model;
    }

    /// @notice Opens a request and returns the context its proof must be bound to (`sertn-run prove --context`).
    /// @return context what its proof must be bound to.
    function request() external returns (bytes32 context) {
        context = keccak256(abi.encode(block.chainid, address(this), msg.sender, ++_count));
        isOpen[context] = true;
        emit Requested(context, msg.sender);
    }

    /// @notice Anyone may deliver; the answer counts only with its proof.
    /// @param context context of the request.
    /// @param words all public words of the claim.
    /// @param proof the proof.
    function answer(bytes32 context, uint256[] calldata words, bytes calldata proof) external {
        if (!isOpen[context]) revert UnknownRequest(context);
        isOpen[context] = false;
        MODEL.requireProof(context, words, proof);
        emit Answered(context, words);
    }
}
