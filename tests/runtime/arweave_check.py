#!/usr/bin/env python3
"""Reads an ANS-104 data item apart and prints what its signature must cover, by hashlib alone.

Usage: arweave_check.py item FILE      -> deep hash (hex), owner (hex), signature (hex), id, tags (JSON), data (hex)
       arweave_check.py root FILE      -> data root of the file (hex)
"""

import base64
import hashlib
import json
import sys


def h384(b):
    return hashlib.sha384(b).digest()


def h256(b):
    return hashlib.sha256(b).digest()


def deep(x):
    if isinstance(x, bytes):
        return h384(h384(b"blob" + str(len(x)).encode()) + h384(x))
    acc = h384(b"list" + str(len(x)).encode())
    for item in x:
        acc = h384(acc + deep(item))
    return acc


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        out = self.data[self.at : self.at + n]
        if len(out) != n:
            raise SystemExit("cut short")
        self.at += n
        return out

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def long(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return (value >> 1) ^ -(value & 1)


def item(data):
    r = Reader(data)
    if r.number(2) != 3:
        raise SystemExit("not type 3")
    signature, owner = r.take(65), r.take(65)
    if r.number(1) or r.number(1):
        raise SystemExit("target or anchor")
    count, size = r.number(8), r.number(8)
    tags = r.take(size)
    body = data[r.at :]
    parsed, t = [], Reader(tags)
    if count:
        while True:
            n = t.long()
            if n == 0:
                break
            for _ in range(n):
                parsed.append([t.take(t.long()).decode(), t.take(t.long()).decode()])
        if t.at != len(tags):
            raise SystemExit("bytes after the tags")
    if len(parsed) != count:
        raise SystemExit("another count of tags")
    signed = deep([b"dataitem", b"1", b"3", owner, b"", b"", tags, body])
    print("0x" + signed.hex())
    print("0x" + owner.hex())
    print("0x" + signature.hex())
    print(base64.urlsafe_b64encode(h256(signature)).decode().rstrip("="))
    print(json.dumps(parsed, separators=(",", ":")))
    print(body.hex())


def root(data):
    chunks, at, rest = [], 0, data
    while len(rest) >= 256 * 1024:
        size = 256 * 1024
        left = len(rest) - size
        if 0 < left < 32 * 1024:
            size = -(-len(rest) // 2)
        chunks.append((rest[:size], at + size))
        at += size
        rest = rest[size:]
    chunks.append((rest, at + len(rest)))
    note = lambda n: h256(n.to_bytes(32, "big"))
    level = [(h256(h256(h256(c)) + note(end)), end) for c, end in chunks]
    while len(level) > 1:
        above = []
        for i in range(0, len(level), 2):
            if i + 1 == len(level):
                above.append(level[i])
            else:
                (a, ae), (b, be) = level[i], level[i + 1]
                above.append((h256(h256(a) + h256(b) + note(ae)), be))
        level = above
    print(level[0][0].hex())


{"item": item, "root": root}[sys.argv[1]](open(sys.argv[2], "rb").read())
