// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice What a consumer needs of a model's thin contract (made by `sertn-run keys`, public/ModelVerifier.sol).
interface IModelVerifier {
    function requireProof(bytes32 context, uint256[] calldata words, bytes calldata proof) external view;
}

/// @title Example: acts on a proved answer of a model, once per request.
/// @notice A request fixes the context, so a proof made for one request, requester or chain is worthless for any other.
contract AnswerConsumer {
    error UnknownRequest(bytes32 context);

    event Requested(bytes32 indexed context, address indexed requester);
    event Answered(bytes32 indexed context, uint256[] words);

    IModelVerifier public immutable MODEL;
    uint256 private _count;
    mapping(bytes32 context => bool) public isOpen;

    constructor(IModelVerifier model) {
        MODEL = model;
    }

    /// @notice Opens a request and returns the context its proof must be bound to (`sertn-run prove --context`).
    function request() external returns (bytes32 context) {
        context = keccak256(abi.encode(block.chainid, address(this), msg.sender, ++_count));
        isOpen[context] = true;
        emit Requested(context, msg.sender);
    }

    /// @notice Anyone may deliver; the answer counts only with its proof.
    function answer(bytes32 context, uint256[] calldata words, bytes calldata proof) external {
        if (!isOpen[context]) revert UnknownRequest(context);
        isOpen[context] = false;
        MODEL.requireProof(context, words, proof);
        emit Answered(context, words);
    }
}
