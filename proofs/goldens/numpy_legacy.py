"""Draws of numpy.random.RandomState for several seeds: crates/kernels/tests/goldens/numpy_legacy.json."""

import numpy as np
from golden import write_json


def draws(seed):
    """One fixed programme of calls; odd counts of normal values keep one cached across other calls."""
    rng = np.random.RandomState(seed)
    record = {
        "seed": seed,
        "first_words": [int(w) for w in rng.get_state()[1][:4]],
        "random_sample": rng.random_sample(5).tolist(),
        "randn": rng.randn(7).tolist(),
        "uniform": rng.uniform(-3.0, 5.5, 4).tolist(),
        "normal": rng.normal(10.0, 0.25, 4).tolist(),
        "randint": [
            {"low": low, "high": high, "values": rng.randint(low, high, 6).tolist()}
            for low, high in [
                (0, 1),
                (0, 10),
                (-7, 250),
                (0, 2**32),
                (5, 5 + 2**31),
                (0, 2**40 + 1),
                (-(2**63), 2**63 - 1),
            ]
        ],
        "permutation": rng.permutation(23).tolist(),
    }
    values = np.arange(100, 117)
    rng.shuffle(values)
    record["shuffle"] = values.tolist()
    record["far_sum"] = float(np.cumsum(rng.random_sample(5000))[-1])
    record["last_randn"] = float(rng.randn())
    state = rng.get_state()
    record["state"] = {
        "words_sum": int(state[1].astype(np.uint64).sum()),
        "position": int(state[2]),
        "gauss": float(state[4]) if state[3] else None,
    }
    return record


def main():
    seeds = [0, 1, 42, 2**32 - 1, [1, 2, 3], [7], list(range(1000))]
    write_json("kernels", "numpy_legacy", {"streams": [draws(seed) for seed in seeds]})


if __name__ == "__main__":
    main()
