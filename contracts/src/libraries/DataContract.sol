// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Keeps bytes that never change as the code of a contract: cheaper to write and to read than storage, and nothing can alter them.
/// @notice Writes bytes once and reads them.
library DataContract {
    /// @notice The data could not be written.
    error DataNotWritten();

    /// @dev Code begins with STOP, so that calling it does nothing.
    uint256 private constant PREFIX = 1;

    /// @notice Writes data and returns where it is.
    /// @param data the bytes.
    /// @return pointer address of the bytes.
    function write(bytes memory data) internal returns (address pointer) {
        // PUSH2 size, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN, then STOP and the data
        bytes memory code = abi.encodePacked(hex"61", uint16(data.length + PREFIX), hex"80600a5f395ff3", hex"00", data);
        assembly ("memory-safe") {
            pointer := create(0, add(code, 32), mload(code))
        }
        if (pointer == address(0)) revert DataNotWritten();
    }

    /// @notice The data at an address, from `offset` on.
    /// @param pointer address of the bytes.
    /// @param offset byte to begin at.
    /// @return data the bytes.
    function read(address pointer, uint256 offset) internal view returns (bytes memory data) {
        assembly ("memory-safe") {
            let start := add(offset, PREFIX)
            let size := extcodesize(pointer)
            size := mul(sub(size, start), gt(size, start))
            data := mload(0x40)
            mstore(data, size)
            extcodecopy(pointer, add(data, 32), start, size)
            mstore(0x40, and(add(add(data, 63), size), not(31)))
        }
    }

    /// @notice One word of the data.
    /// @param pointer address of the bytes.
    /// @param offset byte to begin at.
    /// @return value the word.
    function word(address pointer, uint256 offset) internal view returns (bytes32 value) {
        assembly ("memory-safe") {
            extcodecopy(pointer, 0, add(offset, PREFIX), 32)
            value := mload(0)
        }
    }
}
