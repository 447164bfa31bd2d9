"""Arrays as NumPy writes them: crates/tensor/tests/goldens/npy.npz and npy_stored.npz.

Each array is there in the file formats' variants; their names say what the reader must find.
"""

import io

import numpy as np
from golden import directory, write

BASE = np.arange(6).reshape(2, 3)


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def main():
    folder = directory("tensor")
    for name, save in [("npy_deflated", np.savez_compressed), ("npy_stored", np.savez)]:
        out = io.BytesIO()
        arrays = {}
        for dtype in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]:
            for order in "<>":
                arrays[f"c_{'little' if order == '<' else 'big'}_{dtype}"] = BASE.astype(order + dtype)
                arrays[f"f_{'little' if order == '<' else 'big'}_{dtype}"] = np.asfortranarray(BASE.astype(order + dtype))
        arrays["c_bool"] = BASE % 2 == 1
        save(out, **arrays)
        write(folder / f"{name}.npz", out.getvalue())
    for version in [(1, 0), (2, 0), (3, 0)]:
        write(folder / f"version_{version[0]}.npy", npy(BASE.astype("f4"), version))


if __name__ == "__main__":
    main()
