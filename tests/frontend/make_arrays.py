"""Writes tests/frontend/arrays: what numpy saves, for value_file_test.c. Needs Python 3.11 and numpy 2."""

import pathlib

import numpy as np

out = pathlib.Path(__file__).parent / "arrays"
out.mkdir(exist_ok=True)
grid = np.arange(6, dtype=np.float32).reshape(2, 3)
np.save(out / "float32.npy", grid)
np.save(out / "columns_first.npy", np.asfortranarray(grid))
np.save(out / "big_endian.npy", grid.astype(">f8"))
np.save(out / "half.npy", grid.astype(np.float16))
np.save(out / "int64.npy", np.array([[-(2**62), 2**53 + 1, 3]]))
np.save(out / "bool.npy", np.array([True, False]))
np.save(out / "scalar.npy", np.float64(2.5))
np.save(out / "empty.npy", np.zeros((0, 3), np.float32))
np.save(out / "words.npy", np.array(["cat", "häschen", "犬"]))
np.savez(out / "stored.npz", x=grid, z=np.array([7], np.int64))
np.savez_compressed(out / "deflated.npz", x=np.zeros((40, 50), np.float32), z=np.array([7], np.int64))
np.savez_compressed(out / "noise.npz", np.random.default_rng(1).integers(0, 9, (30, 30)).astype(np.float32))
