// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC7786GatewaySource, IERC7786Recipient} from "@openzeppelin/contracts/interfaces/draft-IERC7786.sol";
import {InteroperableAddress} from "@openzeppelin/contracts/utils/draft-InteroperableAddress.sol";

/// @notice A gateway that keeps messages until a test delivers them, on whichever chain the test is then.
contract Gateway is IERC7786GatewaySource {
    struct Message {
        bytes sender;
        bytes recipient;
        bytes payload;
    }

    Message[] public messages;
    bool public broken;
    uint256 public fee;

    function breakDown() external {
        broken = true;
    }

    function ask(uint256 fee_) external {
        fee = fee_;
    }

    function supportsAttribute(bytes4) external pure returns (bool) {
        return false;
    }

    function sendMessage(bytes calldata recipient, bytes calldata payload, bytes[] calldata attributes)
        external
        payable
        returns (bytes32)
    {
        require(!broken && msg.value >= fee, "broken");
        if (attributes.length != 0) revert UnsupportedAttribute(bytes4(attributes[0]));
        bytes memory sender = InteroperableAddress.formatEvmV1(block.chainid, msg.sender);
        messages.push(Message(sender, recipient, payload));
        emit MessageSent(0, sender, recipient, payload, msg.value, attributes);
        return 0;
    }

    function count() external view returns (uint256) {
        return messages.length;
    }

    function deliverWith(address to, bytes calldata sender, bytes calldata payload) external payable {
        IERC7786Recipient(to).receiveMessage{value: msg.value}(0, sender, payload);
    }

    function deliver(uint256 index) external {
        Message memory m = messages[index];
        (uint256 chain, address to) = InteroperableAddress.parseEvmV1(m.recipient);
        require(chain == block.chainid, "another chain");
        IERC7786Recipient(to).receiveMessage(bytes32(index), m.sender, m.payload);
    }
}
