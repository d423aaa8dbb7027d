// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceCallback} from "./IInferenceMarket.sol";

/// @notice What messages between a desk and its buyers on other chains are about. Payloads are abi.encode(kind, body).
/// @dev Request: body = abi.encode(bytes32 tag, Request); the desk is its destination, whatever the request says, and has
///      callbackGas or 120,000 for the answer, whichever is more. Withdraw: abi.encode(address to,
///      uint256 amount). Answer: abi.encode(bytes32 tag, uint256 jobId, uint256 modelId, uint256[] words). Refunded: abi.encode(bytes32 tag, uint256 jobId).
enum RemoteKind {
    Request,
    Withdraw,
    Answer,
    Refunded
}

/// @title Desk where accounts of other chains buy answers: requests come and answers go by ERC-7786 gateways.
/// @notice Accounts of other chains have credit here and send requests; answers go back when they are final.
interface IRemoteDesk is IInferenceCallback {
    /// @notice A job for an account of another chain.
    /// @param account whose credit paid: keccak256 of its ERC-7930 address.
    /// @param price what the job took of it.
    /// @param answeredAt when the answer came; zero before.
    /// @param reclaimed whether its price went back and only its buyer is still to be told.
    /// @param gateway by which the request came and the answer goes.
    /// @param tag the buyer's own mark.
    /// @param digest keccak256 of the words of the answer.
    /// @param buyer its ERC-7930 address.
    struct Order {
        bytes32 account;
        uint96 price;
        uint40 answeredAt;
        bool reclaimed;
        address gateway;
        bytes32 tag;
        bytes32 digest;
        bytes buyer;
    }

    /// @notice A gateway may, or may no longer, bring messages of a chain and take answers there.
    /// @param gateway the gateway.
    /// @param chain ERC-7930 address of the chain.
    /// @param allowed whether it may.
    event GatewaySet(address indexed gateway, bytes chain, bool allowed);
    /// @notice Somebody paid into the credit of an account of another chain.
    /// @param account whose account.
    /// @param buyer ERC-7930 address of the account.
    /// @param from who paid.
    /// @param amount how much, in the smallest unit of the token.
    event Funded(bytes32 indexed account, bytes buyer, address indexed from, uint256 amount);
    /// @notice Credit went out, as its account asked by a message.
    /// @param account whose account it left.
    /// @param to who receives.
    /// @param amount how much, in the smallest unit of the token.
    event Withdrawn(bytes32 indexed account, address indexed to, uint256 amount);
    /// @notice A job was requested for an account of another chain.
    /// @param jobId the job.
    /// @param account account that buys it.
    /// @param buyer ERC-7930 address of the account.
    /// @param tag the buyer's own mark.
    /// @param price all that is in escrow for it.
    event Ordered(uint256 indexed jobId, bytes32 indexed account, bytes buyer, bytes32 tag, uint256 price);
    /// @notice The answer of a job is here; it goes on its way after the finality delay.
    /// @param jobId the job.
    /// @param account account that bought it.
    /// @param digest keccak256 of its words.
    event Answered(uint256 indexed jobId, bytes32 indexed account, bytes32 digest);
    /// @notice An answer went to its buyer.
    /// @param jobId the job.
    /// @param account account that bought it.
    event Relayed(uint256 indexed jobId, bytes32 indexed account);
    /// @notice The price of an unanswered job is in its account's credit again.
    /// @param jobId the job.
    /// @param account account that bought it.
    /// @param amount how much, in the smallest unit of the token.
    event Reclaimed(uint256 indexed jobId, bytes32 indexed account, uint256 amount);

    /// @notice The account has less credit.
    error InsufficientCredit(bytes32 account, uint256 credit, uint256 needed);
    /// @notice No order has this job, or it was done with.
    error OrderUnknown(uint256 jobId);
    /// @notice The answer is not here, or not long enough.
    error NotFinal(uint256 jobId, uint256 finalAt);
    /// @notice The words are not those of the answer.
    error OtherWords(uint256 jobId);
    /// @notice The job was answered.
    error WasAnswered(uint256 jobId);
    /// @notice The gateway took no message for what was paid: call with what it asks, or, for the credit alone, without a payment.
    error MessageNotSent(uint256 jobId);
    /// @notice Only the market brings answers.
    error NotMarket(address caller);
    /// @notice The message is of a kind that a desk does not take.
    error BadMessage(RemoteKind kind);
    /// @notice Messages bring no ether: credit is in the market's token.
    error ValueNotTaken(uint256 value);
    /// @notice The finality delay must be at most `most`.
    error FinalityTooLong(uint256 given, uint256 most);

    /// @notice Pays into the credit of an account of another chain; anyone may.
    /// @param buyer its ERC-7930 address.
    /// @param amount of the market's token, from the caller.
    function fund(bytes calldata buyer, uint256 amount) external;

    /// @notice Sends an answer to its buyer, after the finality delay; anyone may, and pays what the gateway asks.
    /// @param jobId the job.
    /// @param words the words of its answer, as the market's event has them.
    function relay(uint256 jobId, uint256[] calldata words) external payable;

    /// @notice Puts the price of a job that was not answered in time into its account's credit, once, and tells the buyer; anyone may, and pays what the
    ///         gateway asks. Where the gateway took no message, another call brings it.
    /// @param jobId the job.
    function reclaim(uint256 jobId) external payable;

    /// @notice Allows a gateway for a chain, or no longer. Only governance.
    /// @param gateway the gateway.
    /// @param chain ERC-7930 address of the chain alone.
    /// @param allowed whether it may.
    function setGateway(address gateway, bytes calldata chain, bool allowed) external;

    /// @notice Credit of an account of another chain.
    /// @param account keccak256 of its ERC-7930 address.
    /// @return credit in the market's token.
    function creditOf(bytes32 account) external view returns (uint256 credit);

    /// @notice The order that a job was requested for; all zero where there is none.
    /// @param jobId the job.
    /// @return order all of it.
    function orderOf(uint256 jobId) external view returns (Order memory order);
}
