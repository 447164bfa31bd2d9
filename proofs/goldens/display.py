"""How PyTorch prints tensors: crates/tensor/tests/goldens/display.json."""

import numpy as np
import torch
from golden import write_json

F64 = torch.float64


def cases():
    """Name, values (nested lists, or a count to `arange` over), shape, dtype."""
    nan, inf = float("nan"), float("inf")
    yield "matrix", [1, 2, 3, 4], [2, 2], torch.float32
    yield "fractions", [1.5, -2.25, 3.14159265, 1000.125], [2, 2], torch.float32
    yield "scalar", [2.5], [], torch.float32
    yield "scalar.integer", [7], [], torch.int64
    yield "whole", [1, -2, 300], [3], torch.float32
    yield "double", [0.1, 0.2], [2], F64
    yield "tiny", [1e-5, 1.0], [2], torch.float32
    yield "large", [1e9, 1.5], [2], torch.float32
    yield "large.whole", [123456789.0, 1.0], [2], torch.float32
    yield "limit.whole", [99999999.0, 1.0], [2], F64
    yield "over.whole", [100000000.0, 1.0], [2], F64
    yield "ratio", [1.5, 0.0015], [2], torch.float32
    yield "ratio.scientific", [1.5, 0.0014], [2], torch.float32
    yield "zeros", [0, 0, 0], [3], torch.float32
    yield "negative.zero", [-0.0, 0.5], [2], torch.float32
    yield "not.finite", [nan, inf, -inf, 1.0], [4], torch.float32
    yield "not.finite.fractions", [nan, inf, -inf, 1.5], [4], torch.float32
    yield "not.finite.only", [nan, inf], [2], torch.float32
    yield "not.finite.scientific", [nan, 1e-10, -1.0], [3], torch.float32
    yield "integers", [1, -20, 300, 4], [2, 2], torch.int64
    yield "integers.32", [1, 2, 3], [3], torch.int32
    yield "bytes", [0, 255], [2], torch.uint8
    yield "bools", [1, 0, 0, 1], [2, 2], torch.bool
    yield "empty", [], [0], torch.float32
    yield "empty.matrix", [], [2, 0], torch.float32
    yield "empty.double", [], [0, 3], F64
    yield "empty.integers", [], [0], torch.int64
    yield "three", list(range(12)), [2, 2, 3], torch.float32
    yield "four", list(range(8)), [2, 2, 1, 2], torch.int64
    yield "long.row", [v / 8 for v in range(40)], [40], torch.float32
    yield "long.rows", [v / 8 for v in range(60)], [2, 30], torch.float32
    yield "thousand", list(range(1000)), [1000], torch.int64
    yield "summary", list(range(1001)), [1001], torch.int64
    yield "summary.fractions", [v / 4 for v in range(1001)], [1001], torch.float32
    yield "summary.matrix", list(range(40 * 40)), [40, 40], torch.float32
    yield "summary.tall", [v / 4 for v in range(1200)], [300, 4], torch.float32
    yield "summary.three", list(range(7 * 7 * 30)), [7, 7, 30], torch.int64
    yield "summary.bools", [v % 2 for v in range(1200)], [600, 2], torch.bool
    normal = np.random.RandomState(0).randn(4, 5)
    yield "normal", normal.reshape(-1).tolist(), [4, 5], torch.float32
    yield "normal.double", normal.reshape(-1).tolist(), [4, 5], F64
    yield "normal.scaled", (normal * 1e-6).reshape(-1).tolist(), [4, 5], torch.float32


NAMES = {torch.float32: "f32", F64: "f64", torch.int64: "i64", torch.int32: "i32", torch.uint8: "u8", torch.bool: "bool"}


def main():
    rows = []
    for name, values, shape, dtype in cases():
        x = torch.tensor(values, dtype=F64).reshape(shape).to(dtype)
        # JSON has no words for these.
        values = [v if np.isfinite(v) else str(v) for v in values]
        rows.append({"name": name, "dtype": NAMES[dtype], "shape": shape, "values": values, "text": str(x)})
    write_json("tensor", "display", {"cases": rows})


if __name__ == "__main__":
    main()
