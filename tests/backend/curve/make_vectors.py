#!/usr/bin/env python3
"""Makes vectors.txt from py_ecc, the Python implementation that EIP-196 and EIP-197 grew from.

Usage: pip install py_ecc==8.0.0 && python3 make_vectors.py > vectors.txt

A line is a kind and hexadecimal fields:
  add  P Q P+Q              64 bytes each, x || y big-endian as in EIP-196
  mul  P k [k]P             64, 32, 64 bytes; k any 256-bit integer
  g2mul k [k]G2             32, 128 bytes, coordinates as in EIP-197: c1 before c0
  check pairs result        192 bytes a pair as in EIP-197; 00 or 01
  gt   P Q e(P, Q)          64, 128, 384 bytes: the twelve coefficients of the tower of tower.h, in the
                            order c0.c0.c0, c0.c0.c1, c0.c1.c0, ... c1.c2.c1
"""

import hashlib

from py_ecc.bn128 import (
    FQ,
    G1,
    G2,
    add,
    curve_order,
    field_modulus,
    multiply,
    neg,
    pairing,
)


def integer(name):
    return int.from_bytes(hashlib.sha256(b"sertn curve vectors " + name.encode()).digest(), "big")


def word(v):
    return "%064x" % int(v)


def g1(p):
    return word(0) * 2 if p is None else word(p[0]) + word(p[1])


def g2(p):
    if p is None:
        return word(0) * 4
    x, y = p
    return "".join(word(c) for c in (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0]))


def gt(e):
    """py_ecc's fp12 is fp[w] / (w^12 - 18 w^6 + 82) with w^6 = 9 + u; ours is fp2[w] / (w^6 - 9 - u)."""
    c = [int(v) for v in e.coeffs]
    pairs = [((c[i] + 9 * c[i + 6]) % field_modulus, c[i + 6]) for i in range(6)]
    order = [0, 2, 4, 1, 3, 5]
    return "".join(word(part) for i in order for part in pairs[i])


def main():
    points = [None, G1, neg(G1)] + [
        multiply(G1, integer("point %d" % i) % curve_order) for i in range(5)
    ]
    for p in points:
        for q in points:
            print("add", g1(p), g1(q), g1(add(p, q)))
    scalars = [0, 1, 2, 3, curve_order - 1, curve_order, curve_order + 1, 2**256 - 1, 2**128]
    scalars += [2**127 - 1, 2**64] + [integer("scalar %d" % i) for i in range(8)]
    for i, k in enumerate(scalars):
        for p in (G1, points[3 + i % 5]):
            print("mul", g1(p), word(k), g1(multiply(p, k % curve_order)))
    for k in scalars:
        print("g2mul", word(k), g2(multiply(G2, k % curve_order)))
    a, b = integer("a") % curve_order, integer("b") % curve_order
    pa, qb = multiply(G1, a), multiply(G2, b)
    pab = multiply(G1, a * b % curve_order)
    good = [
        [(G1, G2), (neg(G1), G2)],
        [(pa, qb), (neg(pab), G2)],
        [(pa, qb), (multiply(G1, curve_order - a), qb)],
        [(None, G2)],
        [(G1, None)],
        [],
        [(pa, G2), (pa, qb), (neg(multiply(G1, (a + a * b) % curve_order)), G2)],
        [(multiply(G1, i + 1), multiply(G2, i + 2)) for i in range(6)]
        + [(neg(multiply(G1, sum((i + 1) * (i + 2) for i in range(6)))), G2)],
    ]
    for pairs in good:
        print("check", "".join(g1(p) + g2(q) for p, q in pairs) or "-", "01")
    bad = [[(G1, G2)], [(pa, qb), (pab, G2)], [(pa, qb), (neg(pab), qb)], [(G1, G2), (G1, G2)]]
    for pairs in bad:
        print("check", "".join(g1(p) + g2(q) for p, q in pairs), "00")
    for p, q in ((G1, G2), (pa, qb), (pab, G2)):
        assert isinstance(p[0], FQ)
        print("gt", g1(p), g2(q), gt(pairing(q, p)))


main()
