// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title What a ceremony of powers of tau draws from hashes, as the files of sertn-registry and snarkjs have it: the point that a contributor's
///        knowledge of its secret is proved with, and the secret of a beacon.
/// @notice Proof bases and beacon secrets.
/// @dev Draws come from ChaCha20, keyed with 32 bytes, from block 0 on. A field element is eight words, the lowest limb first and each limb's high word
///      first, cut to 254 bits, drawn again until it is below the modulus, and taken as a number in the form of memory, 2^256 times what it stands for
///      (backend/commit/ceremony_key.c).
library CeremonyKeys {
    /// @notice A precompile failed, which it does for want of gas only.
    error PrecompileFailed();
    /// @notice The hash led to a point without a sum: nothing that anybody can find on purpose.
    error NoPoint();

    uint256 internal constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    uint256 internal constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    uint256 private constant FORM_R = 9915499612839321149637521777990102151350674507940716049588462388200839649614;
    uint256 private constant FORM_Q = 20988524275117001072002809824448087578619730785600314334253784976379291040311;
    /// @dev b of the twist, 3 / (9 + i).
    uint256 private constant B0 = 19485874751759354771024239261021720505790618469301721065564631296452457478373;
    uint256 private constant B1 = 266929791119991161246907387137283842545076965332900288569378510910307636690;
    /// @dev The endomorphism is (conj(x) X, conj(y) Y) with X = X0 + X1 i, Y = Y0 + Y1 i; twice, it is (x X_TWICE, -y).
    uint256 private constant X0 = 21575463638280843010398324269430826099269044274347216827212613867836435027261;
    uint256 private constant X1 = 10307601595873709700152284273816112264069230130616436755625194854815875713954;
    uint256 private constant Y0 = 2821565182194536844548159561693502659359617185244120367078079554186484126554;
    uint256 private constant Y1 = 3505843767911556378687030309984248845540243509899259641013678093033130930403;
    uint256 private constant X_TWICE = 21888242871839275220042445260109153167277707414472061641714758635765020556616;
    /// @dev The curve's parameter u.
    uint256 private constant U = 4965661367192848881;

    struct Draws {
        uint256 seed;
        uint256 block_;
        uint256 next;
        uint256[16] word;
    }

    /// @notice The point of G2 that a proof of knowledge of tau uses: a hash of the challenge, of s and of x s.
    /// @param challenge 64 bytes, the digest of all that came before.
    /// @param s x and y.
    /// @param sx x and y.
    /// @return q in the order of EIP-197: x imaginary, x real, y imaginary, y real.
    function proofBase(bytes32[2] memory challenge, uint256[2] memory s, uint256[2] memory sx)
        internal
        view
        returns (uint256[4] memory q)
    {
        Draws memory draws;
        draws.seed = _blake2b(abi.encodePacked(uint8(0), challenge, s, sx));
        draws.next = 16;
        (uint256 x0, uint256 x1, uint256 y0, uint256 y1) = _drawTwistPoint(draws);
        return _clearCofactor(x0, x1, y0, y1);
    }

    /// @notice The secret tau of a beacon: its SHA-256, 2^lgRounds times, seeds the draws, and tau is the first of them.
    /// @param beacon the hash.
    /// @param lgRounds logarithm of the rounds.
    function beaconSecret(bytes32 beacon, uint256 lgRounds) internal view returns (uint256) {
        Draws memory draws;
        bytes32 seed = beacon;
        assembly ("memory-safe") {
            mstore(0x00, seed)
            for { let i := shl(lgRounds, 1) } i { i := sub(i, 1) } {
                if iszero(staticcall(gas(), 2, 0x00, 0x20, 0x00, 0x20)) { revert(0x00, 0x00) }
            }
            seed := mload(0x00)
        }
        draws.seed = uint256(seed);
        draws.next = 16;
        return mulmod(_drawField(draws, R), FORM_R, R);
    }

    // ---- draws ----

    /// @dev First half of BLAKE2b of 193 bytes.
    function _blake2b(bytes memory message) private view returns (uint256 digest) {
        bytes memory input = abi.encodePacked(
            uint32(12),
            hex"48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5",
            hex"d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b",
            message,
            new bytes(63),
            // bytes so far, 128 and then 193, and whether the block is the last
            hex"0000000000000000000000000000000000"
        );
        bool ok;
        assembly ("memory-safe") {
            let at := add(input, 32)
            // the second block and the counter wait behind the first
            let second := add(at, 196)
            let last := mload(0x40)
            mcopy(last, second, 128)
            mstore8(add(at, 196), 128)
            calldatacopy(add(at, 197), calldatasize(), 16)
            ok := staticcall(gas(), 9, at, 213, add(at, 4), 64)
            mcopy(add(at, 68), last, 128)
            mstore8(add(at, 196), 193)
            mstore8(add(at, 212), 1)
            ok := and(ok, staticcall(gas(), 9, at, 213, add(at, 4), 64))
            digest := mload(add(at, 4))
        }
        if (!ok) revert PrecompileFailed();
    }

    /// @dev One block of ChaCha20. Its rows of four words stand in one word each, 64 bits apart.
    function _chacha(Draws memory draws) private pure {
        (uint256 seed, uint256 count, uint256[16] memory word) = (draws.seed, draws.block_, draws.word);
        unchecked {
            draws.block_ = count + 1;
        }
        assembly ("memory-safe") {
            function spread(v) -> row {
                row := or(
                    or(shr(96, v), shl(64, and(shr(64, v), 0xffffffff))),
                    or(shl(128, and(shr(32, v), 0xffffffff)), shl(192, and(v, 0xffffffff)))
                )
            }
            function turn(v, n) -> r {
                r := and(or(shl(n, v), shr(sub(32, n), v)), 0xffffffff00000000ffffffff00000000ffffffff00000000ffffffff)
            }
            function plus(v, w) -> r {
                r := and(add(v, w), 0xffffffff00000000ffffffff00000000ffffffff00000000ffffffff)
            }
            function quarters(a, b, c, d) -> e, f, g, h {
                e := plus(a, b)
                h := turn(xor(d, e), 16)
                g := plus(c, h)
                f := turn(xor(b, g), 12)
                e := plus(e, f)
                h := turn(xor(h, e), 8)
                g := plus(g, h)
                f := turn(xor(f, g), 7)
            }
            function store(at, row) {
                for { let i := 0 } lt(i, 4) { i := add(i, 1) } {
                    mstore(add(at, shl(5, i)), and(shr(shl(6, i), row), 0xffffffff))
                }
            }
            let a := 0x6b2065740000000079622d32000000003320646e0000000061707865
            let b := spread(shr(128, seed))
            let c := spread(and(seed, 0xffffffffffffffffffffffffffffffff))
            let d := count
            for { let i := 0 } lt(i, 10) { i := add(i, 1) } {
                a, b, c, d := quarters(a, b, c, d)
                a, b, c, d :=
                    quarters(a, or(shr(64, b), shl(192, b)), or(shr(128, c), shl(128, c)), or(shr(192, d), shl(64, d)))
                b := or(shl(64, b), shr(192, b))
                c := or(shl(128, c), shr(128, c))
                d := or(shl(192, d), shr(64, d))
            }
            store(word, plus(a, 0x6b2065740000000079622d32000000003320646e0000000061707865))
            store(add(word, 0x80), plus(b, spread(shr(128, seed))))
            store(add(word, 0x100), plus(c, spread(and(seed, 0xffffffffffffffffffffffffffffffff))))
            store(add(word, 0x180), plus(d, count))
        }
        draws.next = 0;
    }

    function _drawWord(Draws memory draws) private pure returns (uint256) {
        if (draws.next == 16) _chacha(draws);
        uint256 next = draws.next;
        unchecked {
            draws.next = next + 1;
        }
        return draws.word[next];
    }

    function _drawField(Draws memory draws, uint256 modulus) private pure returns (uint256 value) {
        do {
            value = 0;
            for (uint256 limb = 0; limb < 256; limb += 64) {
                uint256 high = _drawWord(draws);
                value |= ((high << 32) | _drawWord(draws)) << limb;
            }
            value &= (1 << 254) - 1;
        } while (value >= modulus);
    }

    // ---- points of the twist ----

    function _power(uint256 base, uint256 exponent) private view returns (uint256 result) {
        bool ok;
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, 0x20)
            mstore(add(at, 0x20), 0x20)
            mstore(add(at, 0x40), 0x20)
            mstore(add(at, 0x60), base)
            mstore(add(at, 0x80), exponent)
            mstore(add(at, 0xa0), Q)
            ok := staticcall(gas(), 5, at, 0xc0, 0x00, 0x20)
            result := mload(0x00)
        }
        if (!ok) revert PrecompileFailed();
    }

    function _multiply(uint256 a0, uint256 a1, uint256 b0, uint256 b1) private pure returns (uint256 c0, uint256 c1) {
        c0 = addmod(mulmod(a0, b0, Q), Q - mulmod(a1, b1, Q), Q);
        c1 = addmod(mulmod(a0, b1, Q), mulmod(a1, b0, Q), Q);
    }

    /// @dev Draws abscissas until one is that of a point, and the bit that says which of the two points it is.
    function _drawTwistPoint(Draws memory draws) private view returns (uint256 x0, uint256 x1, uint256 y0, uint256 y1) {
        bool greater;
        bool found;
        do {
            x0 = mulmod(_drawField(draws, Q), FORM_Q, Q);
            x1 = mulmod(_drawField(draws, Q), FORM_Q, Q);
            greater = _drawWord(draws) & 1 != 0;
            (y0, y1) = _multiply(x0, x1, x0, x1);
            (y0, y1) = _multiply(y0, y1, x0, x1);
            (found, y0, y1) = _root(addmod(y0, B0, Q), addmod(y1, B1, Q));
        } while (!found);
        uint256 sign = y1 == 0 ? y0 : y1;
        if ((sign > Q - sign) != greater) (y0, y1) = ((Q - y0) % Q, (Q - y1) % Q);
    }

    /// @dev A square root, by way of the norm's: real part^2 = (t0 +- n) / 2.
    function _root(uint256 t0, uint256 t1) private view returns (bool found, uint256 y0, uint256 y1) {
        uint256 norm = addmod(mulmod(t0, t0, Q), mulmod(t1, t1, Q), Q);
        uint256 n = _power(norm, (Q + 1) / 4);
        if (mulmod(n, n, Q) != norm) return (false, 0, 0);
        uint256 half = (Q + 1) / 2;
        for (uint256 i = 0; i < 2; ++i) {
            uint256 square = mulmod(addmod(t0, n, Q), half, Q);
            y0 = _power(square, (Q + 1) / 4);
            if (y0 != 0 && mulmod(y0, y0, Q) == square) {
                y1 = mulmod(mulmod(t1, half, Q), _power(y0, Q - 2), Q);
                return (true, y0, y1);
            }
            n = (Q - n) % Q;
        }
        return (false, 0, 0);
    }

    /// @dev The cofactor is p - 1 + t with t = 6 u^2 + 1, and the endomorphism f has p = t f - f^2. So the multiple of P is
    ///      f(T) - f(f(P)) + S, where S = 6 u^2 P and T = S + P.
    function _clearCofactor(uint256 x0, uint256 x1, uint256 y0, uint256 y1) private view returns (uint256[4] memory) {
        uint256[6] memory p = [x0, x1, y0, y1, 1, 0];
        uint256[6] memory s;
        uint256[6] memory t;
        _times(t, p, U);
        _times(s, t, U);
        _copy(t, s);
        _double(s);
        _add(s, t);
        _double(s);
        _copy(t, s);
        _add(t, p);
        // f of a point whose coordinates are fractions: conjugate all three
        (t[1], t[3], t[5]) = ((Q - t[1]) % Q, (Q - t[3]) % Q, (Q - t[5]) % Q);
        (t[0], t[1]) = _multiply(t[0], t[1], X0, X1);
        (t[2], t[3]) = _multiply(t[2], t[3], Y0, Y1);
        _add(s, t);
        // minus f(f(P)): its ordinate is y again
        p[0] = mulmod(x0, X_TWICE, Q);
        p[1] = mulmod(x1, X_TWICE, Q);
        _add(s, p);
        return _affine(s);
    }

    function _copy(uint256[6] memory to, uint256[6] memory from) private pure {
        assembly ("memory-safe") {
            mcopy(to, from, 192)
        }
    }

    /// @dev r = k p, for k > 0. Sums of p with multiples of p that are less than k: never a doubling in disguise, but for points of small order.
    function _times(uint256[6] memory r, uint256[6] memory p, uint256 k) private pure {
        _copy(r, p);
        uint256 bit = 1;
        while (bit <= k >> 1) bit <<= 1;
        for (bit >>= 1; bit != 0; bit >>= 1) {
            _double(r);
            if (k & bit != 0) _add(r, p);
        }
    }

    /// @dev p = 2 p. Coordinates x / z^2, y / z^3, in words x0, x1, y0, y1, z0, z1.
    function _double(uint256[6] memory p) private pure {
        assembly ("memory-safe") {
            function square(a0, a1) -> c0, c1 {
                c0 := mulmod(add(a0, a1), add(a0, sub(Q, a1)), Q)
                c1 := mulmod(a0, a1, Q)
                c1 := addmod(c1, c1, Q)
            }
            function multiply(a0, a1, b0, b1) -> c0, c1 {
                c0 := addmod(mulmod(a0, b0, Q), sub(Q, mulmod(a1, b1, Q)), Q)
                c1 := addmod(mulmod(a0, b1, Q), mulmod(a1, b0, Q), Q)
            }
            function times(v, k) -> r {
                r := mulmod(v, k, Q)
            }
            {
                // z = 2 y z
                let z0, z1 :=
                    multiply(mload(add(p, 0x40)), mload(add(p, 0x60)), mload(add(p, 0x80)), mload(add(p, 0xa0)))
                mstore(add(p, 0x80), addmod(z0, z0, Q))
                mstore(add(p, 0xa0), addmod(z1, z1, Q))
            }
            let d0, d1
            {
                // y^2, d = 4 x y^2, and 8 y^4 where y was
                let b0, b1 := square(mload(add(p, 0x40)), mload(add(p, 0x60)))
                d0, d1 := multiply(mload(p), mload(add(p, 0x20)), times(b0, 4), times(b1, 4))
                b0, b1 := square(b0, b1)
                mstore(add(p, 0x40), times(b0, 8))
                mstore(add(p, 0x60), times(b1, 8))
            }
            // e = 3 x^2
            let e0, e1 := square(mload(p), mload(add(p, 0x20)))
            e0 := times(e0, 3)
            e1 := times(e1, 3)
            {
                let f0, f1 := square(e0, e1)
                f0 := addmod(f0, sub(shl(1, Q), addmod(d0, d0, Q)), Q)
                f1 := addmod(f1, sub(shl(1, Q), addmod(d1, d1, Q)), Q)
                mstore(p, f0)
                mstore(add(p, 0x20), f1)
                d0 := addmod(d0, sub(Q, f0), Q)
                d1 := addmod(d1, sub(Q, f1), Q)
            }
            e0, e1 := multiply(e0, e1, d0, d1)
            mstore(add(p, 0x40), addmod(e0, sub(Q, mload(add(p, 0x40))), Q))
            mstore(add(p, 0x60), addmod(e1, sub(Q, mload(add(p, 0x60))), Q))
        }
    }

    /// @dev p = p + q, for points that are neither equal nor opposite: the sum of such has z = 0, which _affine refuses.
    function _add(uint256[6] memory p, uint256[6] memory q) private pure {
        assembly ("memory-safe") {
            function mul2(to, x, y) {
                let a0 := mload(x)
                let a1 := mload(add(x, 0x20))
                let b0 := mload(y)
                let b1 := mload(add(y, 0x20))
                mstore(to, addmod(mulmod(a0, b0, Q), sub(Q, mulmod(a1, b1, Q)), Q))
                mstore(add(to, 0x20), addmod(mulmod(a0, b1, Q), mulmod(a1, b0, Q), Q))
            }
            function sub2(to, x, y) {
                mstore(to, addmod(mload(x), sub(Q, mload(y)), Q))
                mstore(add(to, 0x20), addmod(mload(add(x, 0x20)), sub(Q, mload(add(y, 0x20))), Q))
            }
            let t := mload(0x40)
            let u := add(t, 0x40)
            let h := add(t, 0x80)
            let w := add(t, 0xc0)
            let v := add(t, 0x100)
            let zp := add(p, 0x80)
            let zq := add(q, 0x80)
            // u = xp zq^2, h = xq zp^2 - u
            mul2(t, zq, zq)
            mul2(u, p, t)
            mul2(t, t, zq)
            mul2(v, add(p, 0x40), t) // yp zq^3
            mul2(t, zp, zp)
            mul2(h, q, t)
            sub2(h, h, u)
            mul2(t, t, zp)
            mul2(w, add(q, 0x40), t)
            sub2(w, w, v) // yq zp^3 - yp zq^3
            mul2(zp, zp, zq)
            mul2(zp, zp, h)
            mul2(t, h, h)
            mul2(u, u, t) // u h^2
            mul2(t, t, h) // h^3
            mul2(v, v, t)
            mul2(h, w, w)
            sub2(h, h, t)
            sub2(h, h, u)
            sub2(p, h, u)
            sub2(u, u, p)
            mul2(u, u, w)
            sub2(add(p, 0x40), u, v)
        }
    }

    function _affine(uint256[6] memory p) private view returns (uint256[4] memory r) {
        (uint256 z0, uint256 z1) = (p[4], p[5]);
        uint256 norm = addmod(mulmod(z0, z0, Q), mulmod(z1, z1, Q), Q);
        if (norm == 0) revert NoPoint();
        norm = _power(norm, Q - 2);
        (z0, z1) = (mulmod(z0, norm, Q), mulmod((Q - z1) % Q, norm, Q));
        (uint256 s0, uint256 s1) = _multiply(z0, z1, z0, z1);
        (r[1], r[0]) = _multiply(p[0], p[1], s0, s1);
        (s0, s1) = _multiply(s0, s1, z0, z1);
        (r[3], r[2]) = _multiply(p[2], p[3], s0, s1);
    }
}
