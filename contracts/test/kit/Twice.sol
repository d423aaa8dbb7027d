// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ceremony} from "../../src/ceremony/Ceremony.sol";
import {ICeremony} from "../../src/interfaces/ICeremony.sol";

/// @notice Contributions to a ceremony whose secret is 2: honest ones that a test can make of any powers.
library Twice {
    uint256 private constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    function times(uint256 a0, uint256 a1, uint256 b0, uint256 b1) private pure returns (uint256 c0, uint256 c1) {
        c0 = addmod(mulmod(a0, b0, Q), Q - mulmod(a1, b1, Q), Q);
        c1 = addmod(mulmod(a0, b1, Q), mulmod(a1, b0, Q), Q);
    }

    function inverse(uint256 a) private view returns (uint256) {
        (, bytes memory out) = address(5).staticcall(abi.encode(32, 32, 32, a, Q - 2, Q));
        return abi.decode(out, (uint256));
    }

    /// @notice Twice a point of G1.
    function g1(uint256[2] memory p) internal view returns (uint256[2] memory r) {
        (, bytes memory out) = address(6).staticcall(abi.encode(p, p));
        return abi.decode(out, (uint256[2]));
    }

    /// @notice Twice a point of G2, in the order of EIP-197.
    function g2(uint256[4] memory p) internal view returns (uint256[4] memory r) {
        (uint256 x1, uint256 x0, uint256 y1, uint256 y0) = (p[0], p[1], p[2], p[3]);
        (uint256 s0, uint256 s1) = times(x0, x1, mulmod(3, x0, Q), mulmod(3, x1, Q));
        {
            uint256 n = inverse(addmod(mulmod(y0, y0, Q), mulmod(y1, y1, Q), Q));
            n = mulmod(n, (Q + 1) / 2, Q);
            (s0, s1) = times(s0, s1, mulmod(y0, n, Q), mulmod(Q - y1, n, Q));
        }
        (uint256 t0, uint256 t1) = times(s0, s1, s0, s1);
        (r[1], r[0]) = (addmod(t0, 2 * (Q - x0), Q), addmod(t1, 2 * (Q - x1), Q));
        (t0, t1) = times(s0, s1, addmod(x0, Q - r[1], Q), addmod(x1, Q - r[0], Q));
        (r[3], r[2]) = (addmod(t0, Q - y0, Q), addmod(t1, Q - y1, Q));
    }

    /// @notice The contribution after these powers.
    function contribution(Ceremony ceremony, ICeremony.Powers memory before)
        internal
        view
        returns (ICeremony.Powers memory powers, ICeremony.Knowledge memory k)
    {
        powers.tau1 = g1(before.tau1);
        powers.tau2 = g2(before.tau2);
        powers.challenge = [keccak256(abi.encode(before)), bytes32(0)];
        k.s = [uint256(1), 2];
        k.sx = g1(k.s);
        k.qx = g2(ceremony.proofBase(before.challenge, k.s, k.sx));
    }

    /// @notice Makes the secret of a contribution 4.
    function again(
        Ceremony ceremony,
        ICeremony.Powers memory before,
        ICeremony.Powers memory powers,
        ICeremony.Knowledge memory k
    ) internal view {
        powers.tau1 = g1(powers.tau1);
        powers.tau2 = g2(powers.tau2);
        k.sx = g1(k.sx);
        k.qx = g2(g2(ceremony.proofBase(before.challenge, k.s, k.sx)));
    }
}
