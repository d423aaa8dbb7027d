"""Writes the SRS file that Barretenberg reads, from a tau that anybody can read here: for measuring, never for proving.

    python make_crs.py FOLDER POINTS

FOLDER/bn254_g1.dat holds [tau^i] G1 for i < POINTS as 64-byte affine points, big-endian x then y. Fixed-base windows of
8 bits and one shared inversion a batch; about 0.2 ms a point.
"""
import os
import sys

P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
TAU = 0x5e47_0000_6265_6e63_686d_6172_6b20_6f6e_6c79
BATCH = 1024


def add_affine(a, b):
    """a + b for the table: affine points, None is infinity."""
    if a is None:
        return b
    if a[0] == b[0]:
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def window_table():
    """table[w][d] = d * 256^w * G, d = 1..255."""
    table, base = [], (1, 2)
    for _ in range(32):
        row, point = [None], None
        for _ in range(255):
            point = add_affine(point, base)
            row.append(point)
        table.append(row)
        base = add_affine(point, base)
    return table


def invert_all(values):
    """Inverses modulo P of non-zero values, by one inversion."""
    prefix, product = [], 1
    for value in values:
        prefix.append(product)
        product = product * value % P
    inverse, result = pow(product, -1, P), [0] * len(values)
    for i in range(len(values) - 1, -1, -1):
        result[i] = inverse * prefix[i] % P
        inverse = inverse * values[i] % P
    return result


def multiply_batch(table, scalars):
    """scalar * G for each scalar, window by window over the batch, in affine form throughout."""
    points = [None] * len(scalars)
    for w, row in enumerate(table):
        work = []
        for i, scalar in enumerate(scalars):
            digit = scalar >> (8 * w) & 255
            if digit == 0:
                continue
            other, mine = row[digit], points[i]
            if mine is None or mine[0] == other[0]:
                points[i] = add_affine(mine, other)
            else:
                work.append((i, mine, other))
        for (i, a, b), inverse in zip(work, invert_all([b[0] - a[0] for _, a, b in work])):
            slope = (b[1] - a[1]) * inverse % P
            x = (slope * slope - a[0] - b[0]) % P
            points[i] = (x, (slope * (a[0] - x) - a[1]) % P)
    return points


def main():
    folder, count = sys.argv[1], int(sys.argv[2])
    os.makedirs(folder, exist_ok=True)
    table, power, done = window_table(), 1, 0
    path = os.path.join(folder, "bn254_g1.dat")
    with open(path + ".part", "wb") as out:
        while done < count:
            scalars = []
            for _ in range(min(BATCH, count - done)):
                scalars.append(power)
                power = power * TAU % R
            for x, y in multiply_batch(table, scalars):
                out.write(x.to_bytes(32, "big") + y.to_bytes(32, "big"))
            done += len(scalars)
    os.replace(path + ".part", path)


if __name__ == "__main__":
    main()
