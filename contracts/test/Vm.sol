// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice The cheat codes of forge that these tests use.
interface Vm {
    function readFile(string calldata path) external view returns (string memory);
    function readFileBinary(string calldata path) external view returns (bytes memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function chainId(uint256 id) external;
    function expectRevert(bytes calldata reason) external;
    function snapshotGasLastCall(string calldata name) external returns (uint256);
}

abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error Failed(string reason);

    function check(bool condition, string memory reason) internal pure {
        if (!condition) revert Failed(reason);
    }
}
