"""The notes' linear regression with NumPy's legacy generator: crates/textbook/tests/goldens/linear_regression.json.

Seed 0, X = 2 rand(100, 2), y = 4 + 3 X + randn(100, 1) (broadcast to two outputs), theta = randn(3, 2), rate 0.01, batch
descent on X with a column of ones in front; the cost after each of 1000 steps. Then the least-squares answer, the
one-feature variant with gradient factor 2/m, and the first draws, so that a difference can be told from a different
stream.
"""

import numpy as np
from golden import write_json


def descend(x, y, theta, rate, steps):
    m, costs = len(x), []
    for _ in range(steps):
        theta = theta - rate * x.T @ (x @ theta - y) / m
        costs.append(float(((x @ theta - y) ** 2).sum() / (2 * m)))
    return theta, costs


def main():
    random = np.random.RandomState(0)
    features = 2 * random.rand(100, 2)
    y = 4 + 3 * features + random.randn(100, 1)
    start = random.randn(3, 2)
    x = np.c_[np.ones((100, 1)), features]
    theta, costs = descend(x, y, start, 0.01, 1000)
    two_outputs = {
        "features": features.tolist(),
        "y": y.tolist(),
        "start": start.tolist(),
        "costs": costs,
        "theta": theta.tolist(),
        "least_squares": np.linalg.lstsq(x, y, rcond=None)[0].tolist(),
    }

    random = np.random.RandomState(0)
    x = 2 * random.rand(100, 1)
    y = 4 + 3 * x + random.randn(100, 1)
    w, b = random.randn(1, 1), 0.0
    for _ in range(1000):
        error = x @ w + b - y
        w, b = w - 0.01 * 2 / 100 * x.T @ error, b - 0.01 * 2 / 100 * error.sum()
    one_feature = {"w": float(w[0, 0]), "b": float(b)}

    random = np.random.RandomState(42)
    shuffles = [random.permutation(n).tolist() for n in (1, 2, 10, 65, 100)]
    write_json(
        "textbook",
        "linear_regression",
        {"two_outputs": two_outputs, "one_feature": one_feature, "permutations_of_seed_42": shuffles},
    )


if __name__ == "__main__":
    main()
