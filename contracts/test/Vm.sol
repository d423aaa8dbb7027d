// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice The cheat codes of forge that these tests use.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function readFile(string calldata path) external view returns (string memory);
    function readFileBinary(string calldata path) external view returns (bytes memory);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function chainId(uint256 id) external;
    function expectRevert() external;
    function expectRevert(bytes calldata reason) external;
    function snapshotGasLastCall(string calldata name) external returns (uint256);
    function snapshotGasLastCall(string calldata group, string calldata name) external returns (uint256);
    function snapshotValue(string calldata name, uint256 value) external;
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function warp(uint256 time) external;
    function roll(uint256 number) external;
    function prevrandao(bytes32 value) external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function addr(uint256 key) external pure returns (address);
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function assume(bool condition) external pure;
    function etch(address target, bytes calldata code) external;
    function cool(address target) external;
    function setBlockhash(uint256 number, bytes32 hash) external;
    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool);
}

abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error Failed(string reason);

    function check(bool condition, string memory reason) internal pure {
        if (!condition) revert Failed(reason);
    }

    function equal(uint256 given, uint256 expected, string memory reason) internal pure {
        if (given != expected) {
            revert Failed(string.concat(reason, ": ", decimal(given), " instead of ", decimal(expected)));
        }
    }

    function clamp(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + value % (high - low + 1);
    }

    function decimal(uint256 value) internal pure returns (string memory text) {
        text = value < 10 ? "" : decimal(value / 10);
        text = string.concat(text, string(abi.encodePacked(bytes1(uint8(48 + value % 10)))));
    }
}
