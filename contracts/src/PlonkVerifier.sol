// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "./IPlonkVerifier.sol";

/// @title Universal verifier of Sertn's plonk proofs over BN254, menu 1, mode gas.
/// @notice The protocol, its symbols and its byte formats are those of backend/plonk/README.md.
/// @dev Arithmetic runs on fixed memory slots, since the values outnumber the stack. Elliptic curve work is left to the precompiles of
///      EIP-196 and EIP-197, which also reject coordinates that are not canonical and points off the curve.
contract PlonkVerifier is IPlonkVerifier {
    /// @notice The development reference string is public knowledge: whoever has it forges proofs.
    error DevelopmentOnly(uint256 chainId);
    /// @notice The call has too little gas to say whether the proof is valid.
    error NotEnoughGas();

    /// @inheritdoc IPlonkVerifier
    bytes32 public immutable srsDigest; // solhint-disable-line immutable-vars-naming
    uint256 private immutable TAU_X1;
    uint256 private immutable TAU_X0;
    uint256 private immutable TAU_Y1;
    uint256 private immutable TAU_Y0;

    uint256 private constant DEVELOPMENT_CHAIN = 31337;
    /// @dev Order of the group and modulus of the base field of BN254.
    uint256 private constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    uint256 private constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    /// @dev A precompile that refuses its input burns what it was given, so each gets a limit: several times today's price, for chains that charge more.
    uint256 private constant ADD_GAS = 2000;
    uint256 private constant MUL_GAS = 40000;
    uint256 private constant PAIRING_GAS = 500000;
    uint256 private constant MODEXP_GAS = 40000;
    /// @dev Behind the sums of openings: the seed of their multipliers.
    uint256 private constant SEED = 0x240;
    /// @dev Where memory begins that _check uses from one step to the next.
    uint256 private constant BUFFER = 0xa00;

    /// @notice Makes a verifier over a reference string.
    /// @param tau [tau]_2 in the order of EIP-197: x imaginary, x real, y imaginary, y real.
    /// @param origin 0 development, 1 ceremony.
    constructor(uint256[4] memory tau, uint256 origin) {
        if (origin == 0 && block.chainid != DEVELOPMENT_CHAIN) revert DevelopmentOnly(block.chainid);
        (TAU_X1, TAU_X0, TAU_Y1, TAU_Y0) = (tau[0], tau[1], tau[2], tau[3]);
        srsDigest = keccak256(abi.encodePacked(bytes32("sertn srs v1"), origin, tau[0], tau[1], tau[2], tau[3]));
    }

    /// @inheritdoc IPlonkVerifier
    function proofSystemId() external pure returns (bytes4) {
        return bytes4(keccak256("sertn-plonk-bn254-v1"));
    }

    /// @dev Immutables cannot be read inside the assembly below: puts [tau]_2 at 0x80 .. 0xff and the digest at 0x100.
    function _loadReferenceString() private view {
        (uint256 x1, uint256 x0, uint256 y1, uint256 y0, bytes32 digest) = (TAU_X1, TAU_X0, TAU_Y1, TAU_Y0, srsDigest);
        assembly {
            mstore(0x80, x1)
            mstore(0xa0, x0)
            mstore(0xc0, y1)
            mstore(0xe0, y0)
            mstore(0x100, digest)
        }
    }

    /// @inheritdoc IPlonkVerifier
    function verify(
        bytes32 vkDigest,
        bytes calldata vk,
        bytes32 context,
        uint256[] calldata words,
        bytes calldata proof
    ) external view returns (bool isValid) {
        // Nothing beside the five arguments: selector, five words of head, three lengths
        if (msg.data.length != 260 + 32 * words.length + vk.length + proof.length) return false;
        _loadReferenceString();
        assembly {
            mstore(0x8a0, or(BUFFER, 1))
            mstore(0x9e0, 1)
        }
        _check(vkDigest, vk, context, words, proof);
    }

    /// @inheritdoc IPlonkVerifier
    function verifyBatch(
        bytes32 vkDigest,
        bytes calldata vk,
        bytes32[] calldata contexts,
        uint256[] calldata words,
        bytes calldata proofs
    ) external view returns (bool isValid) {
        if (contexts.length == 0 || words.length % contexts.length != 0 || proofs.length % contexts.length != 0) {
            return false;
        }
        // Beyond all that _check writes: keys, words and proofs of one claim go through its buffer.
        uint256 sums = BUFFER + 0x1000 + 32 * (words.length / contexts.length);
        assembly {
            // From here on the words and the proof of one claim.
            words.length := div(words.length, contexts.length)
            proofs.length := div(proofs.length, contexts.length)
            // The multipliers must be out of reach of whoever chose the proofs: they come from a hash of every key, claim and proof of the call.
            let size := sub(calldatasize(), 4)
            calldatacopy(BUFFER, 4, size)
            mstore(add(sums, SEED), keccak256(BUFFER, size))
            mstore(0x9e0, 1)
        }
        _loadReferenceString();
        for (uint256 i = 0; i < contexts.length; ++i) {
            assembly {
                mstore(0x8a0, or(sums, eq(add(i, 1), contexts.length)))
            }
            _check(vkDigest, vk, contexts[i], words, proofs);
            assembly {
                mstore(0x00, mload(add(sums, SEED)))
                mstore(0x20, add(i, 1))
                // Below R, and never 1, which is the first's.
                mstore(0x9e0, or(shr(3, keccak256(0x00, 0x40)), 2))
                words.offset := add(words.offset, mul(32, words.length))
                proofs.offset := add(proofs.offset, proofs.length)
            }
        }
    }

    /// @dev Runs the transcript of one proof and its identity at xi, and adds a multiple of its opening to the sums of all openings of the call. For
    ///      the last proof it ends the call with the answer of the pairing; with false at once where a proof is malformed.
    // solhint-disable-next-line function-max-lines
    function _check(
        bytes32 vkDigest,
        bytes calldata vk,
        bytes32 context,
        uint256[] calldata words,
        bytes calldata proof
    ) private view {
        // Not "memory-safe": the caller owns all memory from 0x80 on and uses none that Solidity gave it.
        assembly {
            function refuse() {
                mstore(0, 0)
                return(0, 32)
            }

            // Ends for a precompile that failed. Where it had less gas than its limit, it may have failed for want of it, and that says
            // nothing of the proof: whoever pays chooses the gas. EIP-150 keeps back a 64th.
            function refuseCall(left, limit) {
                if lt(left, add(add(limit, shr(5, limit)), 1000)) {
                    mstore(0x00, shl(224, 0xdd629f86)) // NotEnoughGas()
                    revert(0x00, 0x04)
                }
                refuse()
            }

            // A proof's points and the parameters' commitments are never infinity; the precompiles check the rest.
            function requirePoint(at) {
                if iszero(or(calldataload(at), calldataload(add(at, 0x20)))) { refuse() }
            }

            // target += scalar * the point at 0x00, points at 64-byte slots; 0x00..0x7f is scratch
            function accumulate(target, scalar) {
                mstore(0x40, scalar)
                let left := gas()
                let ok := staticcall(MUL_GAS, 7, 0x00, 0x60, 0x00, 0x40)
                ok := and(ok, eq(returndatasize(), 0x40))
                mstore(0x40, mload(target))
                mstore(0x60, mload(add(target, 0x20)))
                ok := and(ok, staticcall(ADD_GAS, 6, 0x00, 0x80, target, 0x40))
                if iszero(and(ok, eq(returndatasize(), 0x40))) { refuseCall(left, add(MUL_GAS, ADD_GAS)) }
            }

            function collect(slot, factor, scalar) {
                mstore(slot, addmod(mload(slot), mulmod(factor, scalar, R), R))
            }

            // The cubics of g that are 1 at 1, 2, 3 in turn and 0 at the other three of 0 .. 3.
            function cubics(g) -> one, two, three {
                let r := R // where R stands often: a copy on the stack instead of 33 bytes of code each time
                let g1 := addmod(g, sub(r, 1), r)
                let g2 := addmod(g, sub(r, 2), r)
                let g3 := addmod(g, sub(r, 3), r)
                let half := 10944121435919637611123202872628637544274182200208017171849102093287904247809
                one := mulmod(mulmod(mulmod(g, g2, r), g3, r), half, r)
                two := sub(r, mulmod(mulmod(mulmod(g, g1, r), g3, r), half, r))
                three := mulmod(
                    mulmod(mulmod(g, g1, r), g2, r),
                    18240202393199396018538671454381062573790303667013361953081836822146507079681,
                    R
                )
            }

            // 1 / product: from the proof's hint, or computed, together with 1 / rho, where there is a held sum.
            function inverse(product) -> h {
                switch mload(0x980)
                case 0 {
                    h := calldataload(add(mload(0x8c0), add(1088, mul(32, mload(0x8e0)))))
                    if iszero(lt(h, R)) { refuse() }
                }
                default {
                    mstore(0xa00, 0x20)
                    mstore(0xa20, 0x20)
                    mstore(0xa40, 0x20)
                    mstore(0xa60, mulmod(product, mload(0x120), R))
                    mstore(0xa80, sub(R, 2))
                    mstore(0xaa0, R)
                    let left := gas()
                    let ok := staticcall(MODEXP_GAS, 5, 0xa00, 0xc0, 0x00, 0x20)
                    if iszero(and(ok, eq(returndatasize(), 0x20))) { refuseCall(left, MODEXP_GAS) }
                    h := mload(0x00)
                    mstore(0x9a0, mulmod(h, product, R))
                    h := mulmod(h, mload(0x120), R)
                }
                if iszero(eq(mulmod(h, product, R), 1)) { refuse() }
            }

            // Slots. 0x80 .. 0x11f: see _loadReferenceString.
            // 0x120 rho, 0x140 beta, 0x160 gamma, 0x180 theta, 0x1a0 chi, 0x1c0 alpha, 0x1e0 xi, 0x200 eta, 0x220 u
            // 0x240 omega, 0x260 omega^U, 0x280 Z_H(xi), 0x2a0 Z_off(xi), 0x2c0 L_0, 0x2e0 L_U, 0x300 PI, 0x320 E
            // 0x340 Z_0(u), 0x360.. c_1..c_4, 0x3e0 state of the transcript before the evaluations, 0x400.. evaluations (27 at most)
            // 0x760.. inverses of Z_1..Z_5, (omega-1) xi, n (xi-1), n (xi - omega^U); 0x860 sigma, 0x880 where z' and the fixed evaluations begin
            // 0x8c0 offset of the proof in calldata, 0x8e0 param_columns, 0x900 n, 0x920 offset of the key, 0x940 factors of p1, p2 in Q
            // 0x980 32 when there is a held sum h, else 0; 0x9a0 1 / rho; 0x9c0 base of the fixed evaluations: S1 is 0xc0 behind; 0xa00.. transcript buffer
            // 0x8a0 where the sums are, plus 1 for the last proof; 0x9e0 multiplier of this proof's opening, 1 for the first

            {
                let head := calldataload(vk.offset)
                let columns := byte(8, head)
                let lgRows := byte(6, head)
                mstore(0x8e0, columns)
                mstore(0x900, shl(lgRows, 1))
                mstore(0x8c0, proof.offset)
                mstore(0x920, vk.offset)
                let held := byte(9, head)
                mstore(0x980, mul(32, held))
                // z' stands behind z, phi, s (and h), the fixed columns behind z', phi', s' (and h')
                mstore(0x880, add(0x60, mload(0x980)))
                // "SVK1", menu 1, mode gas, b = 5; reserved bytes zero
                let expected := or(shl(224, 0x53564b31), or(shl(216, 1), or(shl(200, lgRows), shl(192, 5))))
                expected := or(expected, or(shl(184, columns), shl(176, held)))
                let ok := eq(or(expected, shl(32, words.length)), head)
                ok := and(ok, iszero(shr(32, words.length)))
                ok := and(ok, and(gt(lgRows, 3), lt(lgRows, 25)))
                ok := and(ok, and(lt(held, 2), lt(add(columns, held), 3)))
                ok := and(ok, eq(vk.length, add(288, mul(64, columns))))
                ok := and(ok, eq(proof.length, add(1120, mul(32, add(columns, held)))))
                ok := and(ok, eq(calldataload(add(vk.offset, 0x40)), mload(0x100)))
                if iszero(ok) { refuse() }
                calldatacopy(0xa00, vk.offset, vk.length)
                if iszero(eq(keccak256(0xa00, vk.length), vkDigest)) { refuse() }
            }
            requirePoint(mload(0x8c0))
            requirePoint(add(mload(0x8c0), 0x40))
            requirePoint(add(mload(0x8c0), 0x80))

            // ---- transcript ----
            {
                let size := mul(32, words.length)
                mstore(0xa00, 0x0000000000000000000000000000000000000000000000000000000000000000)
                mstore(0xa20, vkDigest)
                mstore(0xa40, context)
                mstore(0xa60, words.length)
                calldatacopy(0xa80, words.offset, size)
                calldatacopy(add(0xa80, size), mload(0x8c0), 0x40)
                {
                    mstore(0x00, "sertn-plonk-v1")
                    mstore(0xa00, keccak256(0x00, 14))
                }
                let state := keccak256(0xa00, add(size, 0xc0))
                mstore(0x120, mod(state, R))
                mstore(0x00, state)
                for { let slot := 0x140 } lt(slot, 0x1c0) { slot := add(slot, 0x20) } {
                    state := keccak256(0x00, 0x20)
                    mstore(0x00, state)
                    mstore(slot, mod(state, R))
                }
                if mload(0x980) {
                    state := keccak256(0x00, 0x20)
                    mstore(0x00, state)
                    mstore(0x860, mod(state, R))
                }
                let rho := mload(0x120)
                let sum := 0
                let end := add(0xa80, size)
                for { let at := 0xa80 } lt(at, end) { at := add(at, 0x20) } {
                    let word := mload(at)
                    if iszero(lt(word, R)) { refuse() }
                    sum := addmod(mulmod(sum, rho, R), word, R)
                }
                mstore(0x300, sum)
                // C2 -> alpha
                calldatacopy(0x20, add(mload(0x8c0), 0x40), 0x40)
                state := keccak256(0x00, 0x60)
                mstore(0x1c0, mod(state, R))
                // T -> xi
                mstore(0x00, state)
                calldatacopy(0x20, add(mload(0x8c0), 0x80), 0x40)
                state := keccak256(0x00, 0x60)
                mstore(0x1e0, mod(state, R))
                // evaluations -> eta
                let count := add(mul(32, add(24, mload(0x8e0))), mul(2, mload(0x980)))
                mstore(0x3e0, state)
                calldatacopy(0x400, add(mload(0x8c0), 0xc0), count)
                end := add(0x400, count)
                for { let at := 0x400 } lt(at, end) { at := add(at, 0x20) } {
                    if iszero(lt(mload(at), R)) { refuse() }
                }
                state := keccak256(0x3e0, add(0x20, count))
                mstore(0x200, mod(state, R))
                // W -> u
                let w := add(add(mload(0x8c0), 0xc0), count)
                requirePoint(w)
                requirePoint(add(w, 0x40))
                mstore(0x00, state)
                calldatacopy(0x20, w, 0x40)
                mstore(0x220, mod(keccak256(0x00, 0x60), R))
            }

            // ---- powers of xi, omega, Z_off, and the one inverse ----
            {
                let xi := mload(0x1e0)
                let omega := 19103219067921713944291392827692070036145651957329286315305642004821462161904
                let back := 776454056201908206186590970419435932130236139910903033203789591477115950462
                for { let i := mload(0x900) } lt(i, 0x10000000) { i := shl(1, i) } {
                    omega := mulmod(omega, omega, R)
                    back := mulmod(back, back, R)
                }
                mstore(0x240, omega)
                let zeros := 1
                let power := 1
                for { let i := 0 } lt(i, 6) { i := add(i, 1) } {
                    power := mulmod(power, back, R)
                    zeros := mulmod(zeros, addmod(xi, sub(R, power), R), R)
                }
                mstore(0x260, power)
                mstore(0x2a0, zeros)
                let xiN := xi
                for { let i := 1 } lt(i, mload(0x900)) { i := shl(1, i) } { xiN := mulmod(xiN, xiN, R) }
                xiN := addmod(xiN, sub(R, 1), R)
                if iszero(xiN) { refuse() }
                mstore(0x280, xiN)
            }
            {
                let r := R // where R stands often: a copy on the stack instead of 33 bytes of code each time
                let xi := mload(0x1e0)
                let u := mload(0x220)
                let minusXi := sub(r, xi)
                let u2 := mulmod(u, u, r)
                let u3 := mulmod(u2, u, r)
                let u4 := mulmod(u2, u2, r)
                {
                    let t := u4
                    if mload(0x8e0) {
                        t := mulmod(t, u, r)
                        if eq(mload(0x8e0), 2) { t := mulmod(t, u, r) }
                    }
                    mstore(0x340, addmod(t, minusXi, r))
                }
                if mload(0x980) { u3 := u4 }
                // factors of the hint, each slot then gets the product of all before it; u3 is u to the arity of phase 1
                let f1 := mulmod(addmod(u3, minusXi, r), addmod(u3, sub(r, mulmod(mload(0x240), xi, r)), r), r)
                let f2 := addmod(mulmod(u4, u, r), minusXi, r)
                let f3 := addmod(u4, minusXi, r)
                let f4 := addmod(u, minusXi, r)
                let f5 := mulmod(addmod(mload(0x240), sub(r, 1), r), xi, r)
                let f6 := mulmod(mload(0x900), addmod(xi, sub(r, 1), r), r)
                let f7 := mulmod(mload(0x900), addmod(xi, sub(r, mload(0x260)), r), r)
                let p2 := mulmod(f1, f2, r)
                let p3 := mulmod(p2, f2, r)
                let p4 := mulmod(mulmod(p3, f3, r), f4, r)
                let p5 := mulmod(p4, f5, r)
                let p6 := mulmod(p5, f6, r)
                let h := inverse(mulmod(p6, f7, r))
                mstore(0x840, mulmod(h, p6, r))
                h := mulmod(h, f7, r)
                mstore(0x820, mulmod(h, p5, r))
                h := mulmod(h, f6, r)
                mstore(0x800, mulmod(h, p4, r))
                h := mulmod(h, f5, r)
                mstore(0x7e0, mulmod(h, mulmod(p3, f3, r), r))
                h := mulmod(h, f4, r)
                mstore(0x7c0, mulmod(h, p3, r))
                h := mulmod(h, f3, r)
                mstore(0x7a0, mulmod(h, p2, r))
                h := mulmod(h, f2, r)
                mstore(0x780, mulmod(h, f1, r))
                mstore(0x760, mulmod(h, f2, r))
            }
            mstore(0x2c0, mulmod(mload(0x280), mload(0x820), R))
            mstore(0x2e0, mulmod(mulmod(mload(0x280), mload(0x840), R), mload(0x260), R))

            // ---- the identity at xi: E ----
            let second := add(0x480, mul(32, mload(0x8e0))) // z, phi, s (and h), the same at omega xi, then the fixed columns
            mstore(0x9c0, sub(add(second, mul(2, mload(0x880))), 0xc0))
            {
                // MAIN
                let sum := 0
                {
                    let g := mload(add(sub(mload(0x9c0), mload(0x980)), 0x200)) // g1
                    let g1 := addmod(g, sub(R, 1), R)
                    let g2 := addmod(g, sub(R, 2), R)
                    let g3 := addmod(g, sub(R, 3), R)
                    let low := mulmod(g, g1, R)
                    let high := mulmod(g3, addmod(g, sub(R, 4), R), R)
                    // values at 2 and 3, 4, 0
                    let at2 :=
                        mulmod(
                            mulmod(low, high, R),
                            16416182153879456416684804308942956316411273300312025757773653139931856371713,
                            R
                        )
                    let at3 :=
                        mulmod(
                            mulmod(mulmod(low, g2, R), addmod(g, sub(R, 4), R), R),
                            3648040478639879203707734290876212514758060733402672390616367364429301415936,
                            R
                        )
                    let at4 :=
                        mulmod(
                            mulmod(mulmod(low, g2, R), g3, R),
                            20976232752179305421319472172538221959858849217065366246044112345468483141633,
                            R
                        )
                    let at0 :=
                        mulmod(
                            mulmod(mulmod(g1, g2, R), high, R),
                            20976232752179305421319472172538221959858849217065366246044112345468483141633,
                            R
                        )
                    let s := mload(add(second, 0x40))
                    sum := mulmod(addmod(addmod(at0, at2, R), at4, R), mload(add(add(second, mload(0x880)), 0x40)), R)
                    let taken := addmod(addmod(at2, at3, R), mulmod(mload(0x120), at4, R), R)
                    sum := addmod(sum, sub(R, mulmod(taken, s, R)), R)
                }
                {
                    let a1 := mload(0x400)
                    let a2 := mload(0x420)
                    let weighted, product, three := cubics(mload(add(sub(mload(0x9c0), mload(0x980)), 0x220)))
                    let c := 0
                    if mload(0x8e0) {
                        c := mulmod(mload(0x460), a1, R)
                        if eq(mload(0x8e0), 2) { c := addmod(c, mulmod(mload(0x480), a2, R), R) }
                        c := mulmod(c, weighted, R)
                    }
                    let c2 := mload(add(mload(0x9c0), 0x240))
                    c := addmod(c, mulmod(product, addmod(mulmod(a1, a2, R), c2, R), R), R)
                    c := addmod(c, sub(R, mulmod(three, a1, R)), R)
                    c := addmod(c, mulmod(addmod(1, sub(R, mod(product, R)), R), mulmod(c2, a2, R), R), R)
                    c := addmod(c, mulmod(mload(add(mload(0x9c0), 0x260)), mload(0x440), R), R)
                    sum := addmod(sum, sub(R, c), R)
                }
                mstore(0x320, sum)
            }
            if mload(0x980) {
                // X_W, X_A, X_S of g3, and the terms of h in MAIN and in HOLD
                let weight, advice, step := cubics(mload(add(mload(0x9c0), 0x220)))
                let h := mload(add(second, 0x60))
                let both := addmod(weight, advice, R)
                let hold := mulmod(both, h, R)
                both := mulmod(
                    mulmod(both, mload(add(mload(0x9c0), 0x260)), R),
                    mulmod(mload(add(second, 0x40)), mload(0x9a0), R),
                    R
                )
                advice := mulmod(advice, mload(0x400), R)
                if mload(0x8e0) { advice := addmod(advice, mulmod(weight, mload(0x460), R), R) }
                both := addmod(both, mulmod(advice, h, R), R)
                mstore(0x320, addmod(mload(0x320), sub(R, both), R))
                let rho := mload(0x120)
                let cells := addmod(mulmod(rho, mload(0x400), R), mload(0x420), R)
                cells := addmod(mulmod(rho, cells, R), mload(0x440), R)
                cells := addmod(cells, mulmod(mload(0x860), h, R), R)
                hold := addmod(hold, mulmod(step, cells, R), R)
                // alpha^10
                let power := mulmod(mload(0x1c0), mload(0x1c0), R)
                power := mulmod(mulmod(power, power, R), mload(0x1c0), R)
                power := mulmod(power, power, R)
                hold := addmod(mload(add(add(second, mload(0x880)), 0x60)), sub(R, hold), R)
                mstore(0x320, addmod(mload(0x320), mulmod(power, hold, R), R))
            }
            {
                // PERM
                let beta := mload(0x140)
                let gamma := mload(0x160)
                let image := mload(second)
                let base := mulmod(beta, mload(0x1e0), R)
                let a := addmod(mload(0x400), gamma, R)
                let left :=
                    mulmod(
                        mload(add(second, mload(0x880))),
                        addmod(a, mulmod(beta, mload(add(mload(0x9c0), 0xc0)), R), R),
                        R
                    )
                image := mulmod(image, addmod(a, base, R), R)
                a := addmod(mload(0x420), gamma, R)
                left := mulmod(left, addmod(a, mulmod(beta, mload(add(mload(0x9c0), 0xe0)), R), R), R)
                image := mulmod(image, addmod(a, mulmod(5, base, R), R), R)
                a := addmod(mload(0x440), gamma, R)
                left := mulmod(left, addmod(a, mulmod(beta, mload(add(mload(0x9c0), 0x100)), R), R), R)
                image := mulmod(image, addmod(a, mulmod(25, base, R), R), R)
                mstore(0x320, addmod(mload(0x320), mulmod(mload(0x1c0), addmod(left, sub(R, image), R), R), R))
            }
            {
                // LOOKUP
                let sum := 0
                {
                    let theta := mload(0x180)
                    let chi := mload(0x1a0)
                    let a1 := mload(0x400)
                    let a2 := mload(0x420)
                    let theta2 := mulmod(theta, theta, R)
                    let theta3 := mulmod(theta2, theta, R)
                    let theta4 := mulmod(theta2, theta2, R)
                    let dT := addmod(chi, mload(add(mload(0x9c0), 0x120)), R)
                    dT := addmod(dT, mulmod(theta, mload(add(mload(0x9c0), 0x140)), R), R)
                    dT := addmod(dT, mulmod(theta2, mload(add(mload(0x9c0), 0x160)), R), R)
                    if mload(0x8e0) {
                        dT := addmod(dT, mulmod(theta3, mload(0x460), R), R)
                        if eq(mload(0x8e0), 2) { dT := addmod(dT, mulmod(theta4, mload(0x480), R), R) }
                    }
                    let dF := addmod(addmod(chi, mload(add(mload(0x9c0), 0x180)), R), mulmod(theta, a1, R), R)
                    dF := addmod(dF, addmod(mulmod(theta3, a2, R), mulmod(theta4, mload(0x440), R), R), R)
                    mstore(0x00, dF)
                    mstore(
                        0x20,
                        addmod(
                            addmod(chi, mload(add(mload(0x9c0), 0x1a0)), R),
                            addmod(mulmod(theta, a2, R), mulmod(theta2, a1, R), R),
                            R
                        )
                    )
                    mstore(
                        0x40,
                        addmod(addmod(chi, mload(add(mload(0x9c0), 0x1c0)), R), mulmod(theta, mload(0x440), R), R)
                    )
                    mstore(0x60, dT)
                }
                {
                    let dF := mload(0x00)
                    let d2 := mload(0x20)
                    let d3 := mload(0x40)
                    let d23 := mulmod(d2, d3, R)
                    let provides := 0
                    if iszero(mload(0x980)) { provides := mload(add(mload(0x9c0), 0x1e0)) }
                    let keeps := addmod(1, sub(R, provides), R)
                    let m := mload(sub(second, 0x20))
                    // N_F D_2 D_3 + (t2 D_3 + t3 D_2) D_F, all times D_T
                    let numerator :=
                        addmod(mulmod(mload(add(mload(0x9c0), 0x180)), keeps, R), sub(R, mulmod(provides, m, R)), R)
                    numerator := mulmod(numerator, d23, R)
                    let others :=
                        addmod(
                            mulmod(mload(add(mload(0x9c0), 0x1a0)), d3, R),
                            mulmod(mload(add(mload(0x9c0), 0x1c0)), d2, R),
                            R
                        )
                    numerator := addmod(numerator, mulmod(others, dF, R), R)
                    let dAll := mulmod(dF, d23, R)
                    let step := addmod(mload(add(add(second, mload(0x880)), 0x20)), sub(R, mload(add(second, 0x20))), R)
                    sum := addmod(mulmod(step, dAll, R), sub(R, numerator), R)
                    sum := mulmod(sum, mload(0x60), R)
                    sum := addmod(sum, mulmod(mulmod(keeps, m, R), dAll, R), R)
                }
                let alpha := mload(0x1c0)
                let alpha2 := mulmod(alpha, alpha, R)
                sum := addmod(mload(0x320), mulmod(alpha2, sum, R), R)
                // w - p: the p part is a point
                let alpha3 := mulmod(alpha2, alpha, R)
                let alpha4 := mulmod(alpha2, alpha2, R)
                if mload(0x8e0) {
                    sum := addmod(sum, mulmod(alpha3, mload(0x460), R), R)
                    if eq(mload(0x8e0), 2) { sum := addmod(sum, mulmod(alpha4, mload(0x480), R), R) }
                }
                sum := mulmod(sum, mload(0x2a0), R)
                // boundary: alpha^5 .. alpha^9
                let z := addmod(mload(second), sub(R, 1), R)
                let phi := mload(add(second, 0x20))
                let edge := addmod(z, mulmod(alpha, phi, R), R)
                let power := mulmod(alpha4, alpha, R)
                sum := addmod(sum, mulmod(mulmod(edge, power, R), mload(0x2c0), R), R)
                edge := addmod(edge, mulmod(alpha2, addmod(mload(add(second, 0x40)), sub(R, mload(0x300)), R), R), R)
                power := mulmod(power, alpha2, R)
                mstore(0x320, addmod(sum, mulmod(mulmod(edge, power, R), mload(0x2e0), R), R))
                // factors of p1, p2 in Q
                mstore(0x940, mulmod(alpha3, mload(0x2a0), R))
                mstore(0x960, mulmod(alpha4, mload(0x2a0), R))
            }

            // ---- opening ----
            {
                let eta := mload(0x200)
                let u := mload(0x220)
                let z0 := mload(0x340)
                // R_0
                let total := 0
                for { let at := sub(second, 0x20) } gt(at, 0x3ff) { at := sub(at, 0x20) } {
                    total := addmod(mulmod(total, u, R), mload(at), R)
                }
                let weight := mulmod(eta, z0, R)
                {
                    // c_1 R_1
                    let lambda := mulmod(mulmod(u, u, R), u, R)
                    if mload(0x980) { lambda := mulmod(lambda, u, R) }
                    lambda := mulmod(addmod(lambda, sub(R, mload(0x1e0)), R), mload(0x800), R)
                    let value := 0
                    for { let at := sub(add(second, mload(0x880)), 0x20) } iszero(lt(at, second)) {
                        at := sub(at, 0x20)
                    } {
                        let v := mload(at)
                        v := addmod(v, mulmod(lambda, addmod(mload(add(at, mload(0x880))), sub(R, v), R), R), R)
                        value := addmod(mulmod(value, u, R), v, R)
                    }
                    let c := mulmod(weight, mload(0x760), R)
                    mstore(0x360, c)
                    total := addmod(total, mulmod(c, value, R), R)
                }
                weight := mulmod(weight, eta, R)
                let first := add(mload(0x9c0), 0xc0)
                for { let slot := 0 } lt(slot, 0x60) { slot := add(slot, 0x20) } {
                    // c_2 R_2, c_3 R_3, c_4 R_4: five, five and four fixed columns
                    let value := 0
                    let last := add(first, sub(0x80, mul(0x20, eq(slot, 0x40))))
                    for { let at := last } iszero(lt(at, first)) { at := sub(at, 0x20) } {
                        value := addmod(mulmod(value, u, R), mload(at), R)
                    }
                    first := add(last, 0x20)
                    let c := mulmod(weight, mload(add(0x780, slot)), R)
                    mstore(add(0x380, slot), c)
                    total := addmod(total, mulmod(c, value, R), R)
                    weight := mulmod(weight, eta, R)
                }
                // c_5 E: kept where the evaluations were, with the factor of the generator
                let c5 := mulmod(weight, mload(0x7e0), R)
                total := addmod(total, mulmod(c5, mload(0x320), R), R)
                mstore(0x400, c5)
                mstore(0x420, sub(R, total))
                mstore(0x440, sub(R, z0))
            }

            // ---- the opening: its multiple is added to the sums ----
            // At sums + 0x00 the left point, + 0xc0 the right one (both where the pairing takes them), + 0x180 the multipliers of the points that all
            // proofs of a key share: three fixed commitments, two of parameters, and the generator.
            let isLast := and(mload(0x8a0), 1)
            let sums := sub(mload(0x8a0), isLast)
            {
                let factor := mload(0x9e0)
                let at := mload(0x8c0)
                // The first proof counts once; its points are checked where the others are added to them.
                let isFirst := eq(factor, 1)
                if isFirst {
                    calldatacopy(sums, calldatasize(), 0x240)
                    calldatacopy(sums, at, 0x40)
                }
                if iszero(isFirst) {
                    calldatacopy(0x00, at, 0x40)
                    accumulate(sums, factor)
                }
                at := add(at, 0x40)
                calldatacopy(0x00, at, 0x40)
                accumulate(sums, mulmod(factor, mload(0x360), R))
                collect(add(sums, 0x180), factor, mload(0x380))
                collect(add(sums, 0x1a0), factor, mload(0x3a0))
                collect(add(sums, 0x1c0), factor, mload(0x3c0))
                at := add(at, 0x40)
                let c5 := mulmod(factor, mload(0x400), R)
                calldatacopy(0x00, at, 0x40)
                accumulate(sums, mulmod(c5, mload(0x280), R))
                collect(add(sums, 0x1e0), c5, mload(0x940))
                collect(add(sums, 0x200), c5, mload(0x960))
                collect(add(sums, 0x220), factor, mload(0x420))
                at := add(add(at, add(0x340, mul(32, mload(0x8e0)))), mul(2, mload(0x980)))
                calldatacopy(0x00, at, 0x40)
                accumulate(sums, mulmod(factor, mload(0x440), R))
                at := add(at, 0x40)
                calldatacopy(0x00, at, 0x40)
                accumulate(sums, mulmod(factor, mload(0x220), R))
                if isFirst { calldatacopy(add(sums, 0xc0), at, 0x40) }
                if iszero(isFirst) {
                    calldatacopy(0x00, at, 0x40)
                    accumulate(add(sums, 0xc0), factor)
                }
            }

            // ---- behind the last: the key's points, and e(left, [1]_2) e(-right, [tau]_2) = 1 ----
            if isLast {
                let at := add(mload(0x920), 0x60)
                for { let slot := add(sums, 0x180) } lt(slot, add(sums, 0x1e0)) { slot := add(slot, 0x20) } {
                    calldatacopy(0x00, at, 0x40)
                    accumulate(sums, mload(slot))
                    at := add(at, 0x40)
                }
                for { let k := 0 } lt(k, mload(0x8e0)) { k := add(k, 1) } {
                    requirePoint(at)
                    calldatacopy(0x00, at, 0x40)
                    accumulate(sums, mload(add(sums, add(0x1e0, mul(32, k)))))
                    at := add(at, 0x40)
                }
                mstore(0x00, 1)
                mstore(0x20, 2)
                accumulate(sums, mload(add(sums, 0x220)))
                mstore(add(sums, 0x40), 11559732032986387107991004021392285783925812861821192530917403151452391805634)
                mstore(add(sums, 0x60), 10857046999023057135944570762232829481370756359578518086990519993285655852781)
                mstore(add(sums, 0x80), 4082367875863433681332203403145435568316851327593401208105741076214120093531)
                mstore(add(sums, 0xa0), 8495653923123431417604973247489272438418190587263600148770280649306958101930)
                let y := mload(add(sums, 0xe0))
                mstore(add(sums, 0xe0), mod(sub(Q, y), Q))
                mstore(add(sums, 0x100), mload(0x80))
                mstore(add(sums, 0x120), mload(0xa0))
                mstore(add(sums, 0x140), mload(0xc0))
                mstore(add(sums, 0x160), mload(0xe0))
                let left := gas()
                let ok := staticcall(PAIRING_GAS, 8, sums, 0x180, 0x00, 0x20)
                if iszero(and(ok, eq(returndatasize(), 0x20))) { refuseCall(left, PAIRING_GAS) }
                mstore(0x00, eq(mload(0x00), 1))
                return(0x00, 0x20)
            }
        }
    }
}
