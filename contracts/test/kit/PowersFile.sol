// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ICeremony} from "../../src/interfaces/ICeremony.sol";

/// @notice Reads entries of a .ptau file (backend/commit/ceremony.h): numbers in it are little-endian and in the form of memory.
library PowersFile {
    uint256 private constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    uint256 private constant FORM = 20988524275117001072002809824448087578619730785600314334253784976379291040311;
    uint256 private constant CONTRIBUTIONS = 7;
    uint256 private constant PARAMETERS = 1496 + 4;

    function little(bytes memory file, uint256 place, uint256 size) internal pure returns (uint256 value) {
        for (uint256 i = 0; i < size; ++i) {
            value |= uint256(uint8(file[place + i])) << (8 * i);
        }
    }

    function coordinate(bytes memory file, uint256 place) internal pure returns (uint256) {
        return mulmod(little(file, place, 32), FORM, Q);
    }

    function point1(bytes memory file, uint256 place) internal pure returns (uint256[2] memory) {
        return [coordinate(file, place), coordinate(file, place + 32)];
    }

    function point2(bytes memory file, uint256 place) internal pure returns (uint256[4] memory) {
        return [
            coordinate(file, place + 32),
            coordinate(file, place),
            coordinate(file, place + 96),
            coordinate(file, place + 64)
        ];
    }

    /// @notice Place of the entry of a contribution; numbers from 1 on.
    function entryAt(bytes memory file, uint256 number) internal pure returns (uint256 place) {
        place = 12;
        while (little(file, place, 4) != CONTRIBUTIONS) place += 12 + little(file, place + 4, 8);
        place += 12 + 4;
        while (--number > 0) place += PARAMETERS + 4 + little(file, place + PARAMETERS, 4);
    }

    function powersAt(bytes memory file, uint256 place) internal pure returns (ICeremony.Powers memory p) {
        p.tau1 = point1(file, place);
        p.tau2 = point2(file, place + 64);
        for (uint256 i = 0; i < 64; ++i) {
            p.challenge[i / 32] |= bytes32(file[place + 1432 + i]) >> (8 * (i % 32));
        }
    }

    function knowledgeAt(bytes memory file, uint256 place) internal pure returns (ICeremony.Knowledge memory k) {
        k.s = point1(file, place + 448);
        k.sx = point1(file, place + 512);
        k.qx = point2(file, place + 832);
    }
}
