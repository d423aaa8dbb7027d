// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {ERC7786Recipient} from "@openzeppelin/contracts/crosschain/ERC7786Recipient.sol";
import {IERC7786GatewaySource} from "@openzeppelin/contracts/interfaces/draft-IERC7786.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {InteroperableAddress} from "@openzeppelin/contracts/utils/draft-InteroperableAddress.sol";
import {Governed} from "../governance/Governed.sol";
import {IInferenceCallback, IInferenceMarket} from "../interfaces/IInferenceMarket.sol";
import {IRemoteDesk, RemoteKind} from "../interfaces/IRemoteDesk.sol";
import {JobState, Request} from "../types/Job.sol";

/// @title Desk where accounts of other chains buy answers.
/// @notice The desk is the requester and the destination of its jobs; whose credit pays is what the gateway says of the sender, never what a payload
///         says. An answer leaves only when a reorganisation cannot take it back.
/// @dev Gateways deliver a message once, as ERC-7786 has it; one that governance allows is trusted for the chains it is allowed for, and for no other.
contract RemoteDesk is IRemoteDesk, ERC7786Recipient, ReentrancyGuardTransient, Governed {
    using SafeERC20 for IERC20;

    /// @notice Least gas that the market gives an answer to this contract: enough for a thousand words, and a buyer of more may ask for more.
    uint32 public constant CALLBACK_GAS = 120_000;
    /// @notice Longest finality delay.
    uint256 public constant MAX_FINALITY = 7 days;

    /// @notice The market.
    IInferenceMarket public immutable MARKET;
    /// @notice Its token.
    IERC20 public immutable TOKEN;
    /// @notice Seconds from an answer to its relay.
    uint256 public immutable FINALITY;

    /// @inheritdoc IRemoteDesk
    mapping(bytes32 account => uint256) public creditOf;
    mapping(address gateway => mapping(bytes32 chain => bool)) private _allowed;
    mapping(uint256 jobId => Order) private _orders;

    /// @notice Makes a desk without gateways.
    /// @param owner_ governance's timelock.
    /// @param guardian_ has nothing to stop here: pausing the market stops requests.
    /// @param market the market.
    /// @param token its token.
    /// @param finality seconds from an answer to its relay.
    constructor(address owner_, address guardian_, IInferenceMarket market, IERC20 token, uint256 finality)
        Governed(owner_, guardian_)
    {
        if (finality > MAX_FINALITY) revert FinalityTooLong(finality, MAX_FINALITY);
        (MARKET, TOKEN, FINALITY) = (market, token, finality);
        token.forceApprove(address(market), type(uint256).max);
    }

    /// @inheritdoc IRemoteDesk
    function fund(bytes calldata buyer, uint256 amount) external nonReentrant {
        bytes32 account = _accountOf(buyer);
        uint256 before = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        amount = TOKEN.balanceOf(address(this)) - before;
        before = MARKET.balanceOf(address(this));
        MARKET.deposit(address(this), amount);
        amount = MARKET.balanceOf(address(this)) - before;
        creditOf[account] += amount;
        emit Funded(account, buyer, msg.sender, amount);
    }

    /// @inheritdoc IInferenceCallback
    function onInference(uint256 jobId, uint256, uint256[] calldata words) external {
        if (msg.sender != address(MARKET)) revert NotMarket(msg.sender);
        Order storage order = _orderOf(jobId);
        bytes32 digest = keccak256(abi.encodePacked(words));
        (order.answeredAt, order.digest) = (uint40(block.timestamp), digest);
        emit Answered(jobId, order.account, digest);
    }

    /// @inheritdoc IRemoteDesk
    function relay(uint256 jobId, uint256[] calldata words) external payable nonReentrant {
        Order memory order = _orderOf(jobId);
        uint256 finalAt = order.answeredAt == 0 ? type(uint256).max : order.answeredAt + FINALITY;
        if (block.timestamp < finalAt) revert NotFinal(jobId, finalAt);
        if (keccak256(abi.encodePacked(words)) != order.digest) revert OtherWords(jobId);
        delete _orders[jobId];
        emit Relayed(jobId, order.account);
        bytes memory body = abi.encode(order.tag, jobId, jobId >> 64, words);
        IERC7786GatewaySource(order.gateway).sendMessage{value: msg.value}(
            order.buyer, abi.encode(RemoteKind.Answer, body), new bytes[](0)
        );
    }

    /// @inheritdoc IRemoteDesk
    function reclaim(uint256 jobId) external payable nonReentrant {
        Order storage order = _orderOf(jobId);
        bool isFirst = !order.reclaimed;
        if (isFirst) {
            JobState state = MARKET.jobOf(jobId).state;
            if (state == JobState.Paid) revert WasAnswered(jobId);
            if (state == JobState.Open) MARKET.refund(jobId); // reverts before the deadline is over
            order.reclaimed = true;
            creditOf[order.account] += order.price;
            emit Reclaimed(jobId, order.account, order.price);
        }
        // The credit is back whether or not the gateway takes the message. Where it does not, another call brings it.
        bytes memory payload = abi.encode(RemoteKind.Refunded, abi.encode(order.tag, jobId));
        bytes memory data = abi.encodeCall(IERC7786GatewaySource.sendMessage, (order.buyer, payload, new bytes[](0)));
        address gateway = order.gateway;
        bool sent = gateway.code.length != 0;
        assembly ("memory-safe") {
            // nothing of what it returns is read: whatever it has become, it keeps nobody's credit
            if sent { sent := call(gas(), gateway, callvalue(), add(data, 32), mload(data), 0, 0) }
        }
        if (sent) delete _orders[jobId];
        else if (!isFirst || msg.value != 0) revert MessageNotSent(jobId);
    }

    /// @inheritdoc IRemoteDesk
    function setGateway(address gateway, bytes calldata chain, bool allowed) external onlyOwner {
        _allowed[gateway][_chainOf(chain)] = allowed;
        emit GatewaySet(gateway, chain, allowed);
    }

    /// @inheritdoc IRemoteDesk
    function orderOf(uint256 jobId) external view returns (Order memory) {
        return _orders[jobId];
    }

    // ---- internal ----

    function _isAuthorizedGateway(address gateway, bytes calldata sender) internal view override returns (bool) {
        return _allowed[gateway][_chainOf(sender)];
    }

    function _processMessage(address gateway, bytes32, bytes calldata sender, bytes calldata payload)
        internal
        override
        nonReentrant
    {
        // Nothing here could give it back.
        if (msg.value != 0) revert ValueNotTaken(msg.value);
        (RemoteKind kind, bytes memory body) = abi.decode(payload, (RemoteKind, bytes));
        bytes32 account = _accountOf(sender);
        if (kind == RemoteKind.Request) {
            (bytes32 tag, Request memory request) = abi.decode(body, (bytes32, Request));
            _request(gateway, account, sender, tag, request);
        } else if (kind == RemoteKind.Withdraw) {
            (address to, uint256 amount) = abi.decode(body, (address, uint256));
            _take(account, amount);
            emit Withdrawn(account, to, amount);
            MARKET.withdraw(to, amount);
        } else {
            revert BadMessage(kind);
        }
    }

    function _request(address gateway, bytes32 account, bytes calldata buyer, bytes32 tag, Request memory request)
        private
    {
        request.destination = address(this);
        if (request.callbackGas < CALLBACK_GAS) request.callbackGas = CALLBACK_GAS;
        uint256 before = MARKET.balanceOf(address(this));
        uint256 jobId = MARKET.request(request);
        uint256 price = before - MARKET.balanceOf(address(this));
        // Other accounts' credit is in the same account of the market: what this one lacks undoes the request.
        _take(account, price);
        Order storage order = _orders[jobId];
        (order.account, order.price, order.gateway) = (account, uint96(price), gateway);
        (order.tag, order.buyer) = (tag, buyer);
        emit Ordered(jobId, account, buyer, tag, price);
    }

    function _take(bytes32 account, uint256 amount) private {
        uint256 credit = creditOf[account];
        if (credit < amount) revert InsufficientCredit(account, credit, amount);
        creditOf[account] = credit - amount;
    }

    function _orderOf(uint256 jobId) private view returns (Order storage order) {
        order = _orders[jobId];
        if (order.account == bytes32(0)) revert OrderUnknown(jobId);
    }

    /// @dev One number for an address, however it was written: bytes behind it are left out.
    function _accountOf(bytes calldata buyer) private pure returns (bytes32) {
        (bytes2 kind, bytes calldata chain, bytes calldata addr) = InteroperableAddress.parseV1Calldata(buyer);
        return keccak256(InteroperableAddress.formatV1(kind, chain, addr));
    }

    function _chainOf(bytes calldata addr) private pure returns (bytes32) {
        (bytes2 kind, bytes calldata chain,) = InteroperableAddress.parseV1Calldata(addr);
        return keccak256(abi.encode(kind, chain));
    }
}
