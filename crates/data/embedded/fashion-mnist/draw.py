#!/usr/bin/env python3
"""Draws the bundled, class-balanced subset of Fashion-MNIST from the four official files.

    python3 draw.py FOLDER_WITH_THE_OFFICIAL_FILES [--check]

500 training and 100 test images of every class, chosen by Python's `random.Random(0)` from the official training and
test files and kept in their official order. The results lie beside this script and are ordinary gzipped IDX files
without a time stamp, so the same input gives the same pictures. With --check nothing is written: the bundled files
must hold exactly what would be drawn.
"""

import gzip
import random
import struct
import sys
from pathlib import Path

SEED = 0
CLASSES = 10
PER_CLASS = {"train": 500, "t10k": 100}


def main(source: Path, check: bool) -> None:
    draw = random.Random(SEED)
    for split, per_class in PER_CLASS.items():
        images_name, labels_name = f"{split}-images-idx3-ubyte.gz", f"{split}-labels-idx1-ubyte.gz"
        images = gzip.decompress((source / images_name).read_bytes())
        labels = gzip.decompress((source / labels_name).read_bytes())[8:]
        magic, count, height, width = struct.unpack(">4i", images[:16])
        assert (magic, count, height, width) == (0x803, len(labels), 28, 28), "not the official files"

        chosen = []
        for label in range(CLASSES):
            chosen += draw.sample([i for i, y in enumerate(labels) if y == label], per_class)
        chosen.sort()

        size = height * width
        pixels = b"".join(images[16 + i * size : 16 + (i + 1) * size] for i in chosen)
        contents = {
            images_name: struct.pack(">4i", magic, len(chosen), height, width) + pixels,
            labels_name: struct.pack(">2i", 0x801, len(chosen)) + bytes(labels[i] for i in chosen),
        }
        for name, content in contents.items():
            path = Path(__file__).parent / name
            if check:
                assert gzip.decompress(path.read_bytes()) == content, f"{name} differs from the official images"
            else:
                path.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
            print(f"{name}: {len(chosen)} items, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), check="--check" in sys.argv[2:])
