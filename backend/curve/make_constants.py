#!/usr/bin/env python3
"""Makes curve_constants.h: every derived constant of BN254, from the parameter x alone.

Usage: python3 make_constants.py > curve_constants.h
"""

X = 4965661367192848881
P = 36 * X**4 + 36 * X**3 + 24 * X**2 + 6 * X + 1
R_ORDER = 36 * X**4 + 36 * X**3 + 18 * X**2 + 6 * X + 1
MONT = 2**256

# Generator of G2 as EIP-197 gives it: (c0, c1) of x and y.
G2 = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)


def mul2(a, b):
    return ((a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P)


def pow2(a, e):
    r = (1, 0)
    while e:
        if e & 1:
            r = mul2(r, a)
        a = mul2(a, a)
        e >>= 1
    return r


def inv2(a):
    return pow2(a, P * P - 2)


def limbs(v, count=4):
    return "{{" + ", ".join("0x%016x" % (v >> (64 * i) & (2**64 - 1)) for i in range(count)) + "}}"


def raw_limbs(v, count):
    return "{" + ", ".join("0x%016x" % (v >> (64 * i) & (2**64 - 1)) for i in range(count)) + "}"


def fp(v):
    return limbs(v * MONT % P)


def fp2(v):
    return "{%s,\n     %s}" % (fp(v[0]), fp(v[1]))


def g1_add(a, b):
    if a is None:
        return b
    if b is None:
        return a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        s = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        s = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (s * s - a[0] - b[0]) % P
    return (x, (s * (a[0] - x) - a[1]) % P)


def g1_mul(a, k):
    r = None
    while k:
        if k & 1:
            r = g1_add(r, a)
        a = g1_add(a, a)
        k >>= 1
    return r


def glv():
    """lambda, beta and a short basis (a1, b1), (a2, b2) of {(a, b): a + b lambda = 0 mod r}."""
    g = 5
    lam = pow(g, (R_ORDER - 1) // 3, R_ORDER)
    h = next(h for h in range(2, 50) if pow(h, (P - 1) // 3, P) != 1)
    for beta in (pow(h, (P - 1) // 3, P), pow(h, 2 * (P - 1) // 3, P)):
        if g1_mul((1, 2), lam) == (beta, 2):
            break
    else:
        raise SystemExit("no beta for lambda")
    rows, (r0, t0), (r1, t1) = [], (R_ORDER, 0), (lam, 1)
    while r1:
        rows.append((r1, -t1))
        q = r0 // r1
        (r0, t0), (r1, t1) = (r1, t1), (r0 - q * r1, t0 - q * t1)
    i = next(i for i, (r, t) in enumerate(rows) if r * r < R_ORDER)
    first = rows[i]
    second = min((rows[i - 1], rows[i + 1]), key=lambda v: v[0] ** 2 + v[1] ** 2)
    if first[0] * second[1] - second[0] * first[1] < 0:
        second = (-second[0], -second[1])
    for a, b in (first, second):
        assert (a + b * lam) % R_ORDER == 0
    assert first[0] * second[1] - second[0] * first[1] == R_ORDER
    return lam, beta, first, second


def gls():
    """Rows (b0, b1, b2, b3) with b0 + b1 psi + b2 psi^2 + b3 psi^3 = 0 on G2, of determinant r, and
    the first row of r times the inverse of the matrix. The first row is the relation of pairing-friendly
    curves (eprint 2022/348); each other one is psi times the one before, psi^4 = psi^2 - 1."""
    lam = 6 * X * X % R_ORDER
    rows = [(X + 1, X, X, -2 * X)]
    for _ in range(3):
        a = rows[-1]
        rows.append((-a[3], a[0], a[1] + a[3], a[2]))
    for row in rows:
        assert sum(c * lam**i for i, c in enumerate(row)) % R_ORDER == 0

    def det3(m):
        return sum(
            m[0][i] * (m[1][(i + 1) % 3] * m[2][(i + 2) % 3] - m[1][(i + 2) % 3] * m[2][(i + 1) % 3])
            for i in range(3)
        )

    cofactors = [(-1) ** j * det3([rows[i][1:] for i in range(4) if i != j]) for j in range(4)]
    assert sum(cofactors[j] * rows[j][0] for j in range(4)) == R_ORDER
    for i in (1, 2, 3):
        assert sum(cofactors[j] * rows[j][i] for j in range(4)) == 0
    return rows, cofactors


def naf(k):
    digits = []
    while k:
        d = (2 - k % 4) if k & 1 else 0
        digits.append(d)
        k = (k - d) // 2
    return digits


def main():
    xi = (9, 1)
    print("/* Made by make_constants.py from the BN parameter x; do not edit.")
    print(" * Field elements are in Montgomery form, limbs least significant first. */")
    print("#ifndef SERTN_BACKEND_CURVE_CURVE_CONSTANTS_H")
    print("#define SERTN_BACKEND_CURVE_CURVE_CONSTANTS_H\n")
    print('#include "backend/curve/tower.h"\n')
    print("/* clang-format off */\n")
    print("/* The BN parameter x; p and r are polynomials in it. */")
    print("#define BN_X UINT64_C(%d)\n" % X)
    digits = naf(6 * X + 2)
    print("/* 6x + 2 in non-adjacent form, least significant digit first. */")
    print("#define ATE_LOOP_DIGITS %d" % len(digits))
    print("/* Digits other than 0 below the leading one. */")
    print("#define ATE_LOOP_ADDITIONS %d" % (sum(d != 0 for d in digits) - 1))
    print("static const signed char ate_loop_digit[ATE_LOOP_DIGITS] = {")
    for i in range(0, len(digits), 20):
        print("    " + ", ".join(str(d) for d in digits[i : i + 20]) + ",")
    print("};\n")
    print("/* xi^(i (p - 1) / 6) at [i - 1]. */")
    print("static const fp2 frobenius_coefficient[5] = {")
    for i in range(1, 6):
        print("    %s," % fp2(pow2(xi, i * (P - 1) // 6)))
    print("};\n")
    print("/* xi^(i (p^2 - 1) / 6) at [i - 1], an element of fp. */")
    print("static const fp frobenius_squared_coefficient[5] = {")
    for i in range(1, 6):
        c = pow2(xi, i * (P * P - 1) // 6)
        assert c[1] == 0
        print("    %s," % fp(c[0]))
    print("};\n")
    print("/* G1: y^2 = x^3 + 3, generator (1, 2). */")
    print("static const fp g1_curve_b = %s;" % fp(3))
    print("#define G1_GENERATOR_X %s" % fp(1))
    print("#define G1_GENERATOR_Y %s\n" % fp(2))
    b2 = mul2((3, 0), inv2(xi))
    x, y = G2
    assert mul2(y, y) == tuple((s + t) % P for s, t in zip(mul2(mul2(x, x), x), b2))
    print("/* G2: y^2 = x^3 + 3 / xi over fp2. */")
    print("static const fp2 g2_curve_b = {\n     %s;" % fp2(b2)[1:])
    print("#define G2_GENERATOR_X %s" % fp2(x).replace("\n", " \\\n"))
    print("#define G2_GENERATOR_Y %s\n" % fp2(y).replace("\n", " \\\n"))
    lam, beta, (a1, b1), (a2, b2) = glv()
    print("/* (beta x, y) = [lambda](x, y). */")
    print("static const fp glv_beta = %s;" % fp(beta))
    print("static const fr glv_lambda = %s;\n" % limbs(lam * MONT % R_ORDER))
    assert a1 > 0 and b1 < 0 and a2 > 0 and b2 > 0
    print("/* Short vectors (a1, -b1), (a2, b2) with a + b lambda = 0 mod r, a1 b2 + a2 b1 = r. */")
    for name, v in (("a1", a1), ("b1", -b1), ("a2", a2), ("b2", b2)):
        print("static const uint64_t glv_%s[2] = %s;" % (name, raw_limbs(v, 2)))
    print("/* round(2^256 b2 / r) and round(2^256 b1 / r). */")
    for name, v in (("g1", b2), ("g2", -b1)):
        g = (2 * (v << 256) + R_ORDER) // (2 * R_ORDER)
        print("static const uint64_t glv_%s[3] = %s;" % (name, raw_limbs(g, 3)))
    rows, cofactors = gls()
    print()
    print("/* Rows of small multiples of x, plus what is not one: b[j][i] = times x + plus; the sum over i")
    print(" * of b[j][i] psi^i is 0 on G2. */")
    print("#define GLS_PARTS 4")
    print("static const signed char gls_times_x[4][4] = {%s};" % ", ".join(
        "{" + ", ".join(str(round(c / X)) for c in row) + "}" for row in rows))
    print("static const signed char gls_plus[4][4] = {%s};" % ", ".join(
        "{" + ", ".join(str(c - round(c / X) * X) for c in row) + "}" for row in rows))
    print("/* round(2^256 |c_j| / r), where (k, 0, 0, 0) = k / r sum c_j b[j], and the signs. */")
    print("static const uint64_t gls_g[4][4] = {")
    for c in cofactors:
        g = (2 * (abs(c) << 256) + R_ORDER) // (2 * R_ORDER)
        print("    %s," % raw_limbs(g, 4))
    print("};")
    print("static const bool gls_negative[4] = {%s};" % ", ".join(str(int(c < 0)) for c in cofactors))
    digits = naf(X)
    print("/* x in non-adjacent form, least significant digit first. */")
    print("#define BN_X_DIGITS %d" % len(digits))
    print("static const signed char bn_x_digit[BN_X_DIGITS] = {")
    for i in range(0, len(digits), 20):
        print("    " + ", ".join(str(d) for d in digits[i : i + 20]) + ",")
    print("};")
    print()
    print("#endif")


main()
