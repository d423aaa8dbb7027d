// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {ERC7786Recipient} from "@openzeppelin/contracts/crosschain/ERC7786Recipient.sol";
import {IERC7786GatewaySource} from "@openzeppelin/contracts/interfaces/draft-IERC7786.sol";
import {RemoteKind} from "../interfaces/IRemoteDesk.sol";
import {Request} from "../types/Job.sol";

/// @title Base of contracts that buy answers of a market on another chain.
/// @notice Believes answers of one desk, brought by one gateway.
abstract contract RemoteBuyer is ERC7786Recipient {
    /// @notice The gateway between the chains.
    IERC7786GatewaySource public immutable GATEWAY;
    /// @notice ERC-7930 address of the desk.
    bytes public desk;

    mapping(bytes32 tag => bool) private _waits;
    uint256 private _count;

    /// @notice A request is on its way to the desk.
    /// @param tag the buyer's own mark.
    event RemoteRequested(bytes32 indexed tag);
    /// @notice The answer or the end of a request came.
    /// @param tag the buyer's own mark.
    /// @param jobId the job.
    /// @param kind answer or refund.
    event RemoteEnded(bytes32 indexed tag, uint256 indexed jobId, RemoteKind kind);

    /// @notice Nobody waits for an answer with this tag.
    error TagUnknown(bytes32 tag);
    /// @notice The message is of a kind that a buyer does not take.
    error BadKind(RemoteKind kind);

    /// @notice Makes a buyer.
    /// @param gateway the gateway between the chains.
    /// @param desk_ ERC-7930 address of the desk.
    constructor(IERC7786GatewaySource gateway, bytes memory desk_) {
        GATEWAY = gateway;
        desk = desk_;
    }

    /// @dev Requests an answer, paid from this contract's credit at the desk.
    function _ask(Request memory request) internal returns (bytes32 tag) {
        tag = keccak256(abi.encode(block.chainid, address(this), ++_count));
        _waits[tag] = true;
        emit RemoteRequested(tag);
        _message(RemoteKind.Request, abi.encode(tag, request));
    }

    /// @dev Sends credit of this contract at the desk to an account of the desk's chain.
    function _withdrawCredit(address to, uint256 amount) internal {
        _message(RemoteKind.Withdraw, abi.encode(to, amount));
    }

    /// @dev The answer of a request: proved, paid and final on the other chain.
    function _onAnswer(bytes32 tag, uint256 jobId, uint256 modelId, uint256[] memory words) internal virtual;

    /// @dev A request ended without an answer; its price is in this contract's credit again.
    function _onRefund(bytes32 tag, uint256 jobId) internal virtual;

    function _isAuthorizedGateway(address gateway, bytes calldata sender) internal view override returns (bool) {
        return gateway == address(GATEWAY) && keccak256(sender) == keccak256(desk);
    }

    function _processMessage(address, bytes32, bytes calldata, bytes calldata payload) internal override {
        (RemoteKind kind, bytes memory body) = abi.decode(payload, (RemoteKind, bytes));
        if (kind == RemoteKind.Answer) {
            (bytes32 tag, uint256 jobId, uint256 modelId, uint256[] memory words) =
                abi.decode(body, (bytes32, uint256, uint256, uint256[]));
            _end(tag, jobId, kind);
            _onAnswer(tag, jobId, modelId, words);
        } else if (kind == RemoteKind.Refunded) {
            (bytes32 tag, uint256 jobId) = abi.decode(body, (bytes32, uint256));
            _end(tag, jobId, kind);
            _onRefund(tag, jobId);
        } else {
            revert BadKind(kind);
        }
    }

    function _end(bytes32 tag, uint256 jobId, RemoteKind kind) private {
        if (!_waits[tag]) revert TagUnknown(tag);
        delete _waits[tag];
        emit RemoteEnded(tag, jobId, kind);
    }

    function _message(RemoteKind kind, bytes memory body) private {
        GATEWAY.sendMessage{value: msg.value}(desk, abi.encode(kind, body), new bytes[](0));
    }
}
