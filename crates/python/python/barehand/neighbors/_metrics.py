"""Which metrics there are, by scikit-learn's names, and what each of them is given."""

from __future__ import annotations

import warnings
from typing import Any, Protocol, runtime_checkable

import numpy as np

_BOXES = ["euclidean", "l2", "minkowski", "p", "manhattan", "cityblock", "l1", "chebyshev", "infinity"]
_COORDINATES = ["braycurtis", "canberra", "hamming"]
_BOOLEAN = ["dice", "jaccard", "rogerstanimoto", "russellrao", "sokalsneath"]
_SUMS = [*_BOXES, *_COORDINATES, *_BOOLEAN, "cosine", "sqeuclidean", "yule"]

VALID_METRICS: dict[str, list[str]] = {
    "ball_tree": [*_BOXES, "seuclidean", "mahalanobis", *_COORDINATES, *_BOOLEAN, "sokalmichener", "haversine"],
    "kd_tree": _BOXES,
    "brute": sorted(
        {*_SUMS, "correlation", "haversine", "mahalanobis", "nan_euclidean", "precomputed", "seuclidean"}
        - {"p", "infinity"}
    ),
}
"""For each algorithm the metrics that it knows."""

VALID_METRICS_SPARSE: dict[str, list[str]] = {"ball_tree": [], "kd_tree": [], "brute": [*_SUMS, "precomputed"]}
"""The same for sparse features."""

NAMES = {name for names in VALID_METRICS.values() for name in names}

_SAME = {"l2": "euclidean", "l1": "manhattan", "cityblock": "manhattan", "infinity": "chebyshev", "p": "minkowski"}
_PARAMETERS = {"minkowski": {"w"}, "seuclidean": {"V"}, "mahalanobis": {"V", "VI"}}


@runtime_checkable
class DistanceMetric(Protocol):
    """An object that measures all pairs, such as scikit-learn's of this name."""

    def pairwise(self, X: Any, Y: Any = None) -> Any:
        """The distances between the rows of two matrices."""


def check_algorithm(metric: Any, algorithm: str) -> None:
    """Raises where an algorithm does not know a metric."""
    if callable(metric):
        if algorithm == "kd_tree":
            raise ValueError(
                f"kd_tree does not support callable metric '{metric}'Function call overhead will result"
                "in very poor performance."
            )
        return
    if isinstance(metric, DistanceMetric):
        return
    if algorithm == "auto":
        algorithm = "ball_tree" if metric in VALID_METRICS["ball_tree"] else "brute"
    if metric not in VALID_METRICS[algorithm]:
        raise ValueError(
            f"Metric '{metric}' not valid. Use sorted(sklearn.neighbors.VALID_METRICS['{algorithm}']) to get valid "
            "options. Metric can also be a callable function."
        )


def effective_metric(metric: Any, p: float | None, metric_params: dict[str, Any] | None) -> tuple[Any, dict[str, Any]]:
    """The metric without synonyms, and its parameters."""
    params = dict(metric_params or {})
    if callable(metric) or isinstance(metric, DistanceMetric):
        return metric, params
    if "p" in params and p is not None:
        warnings.warn(
            "Parameter p is found in metric_params. The corresponding parameter from __init__ is ignored.",
            SyntaxWarning,
            stacklevel=5,
        )
    p = params.pop("p", p)
    metric = _SAME.get(metric, metric)
    allowed = _PARAMETERS.get(metric, set())
    if not allowed.issuperset(params):
        named = sorted({"p", *allowed})
        raise ValueError(f"metric_params of metric {metric!r} may hold {named} only, found {sorted(params)}")
    if metric != "minkowski":
        return metric, params
    p, weighted = 2 if p is None else p, params.get("w") is not None
    known = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}
    if p in known and not weighted:
        return known[p], {}
    return metric, {"p": p, **({"w": params["w"]} if weighted else {})}


def check_power(params: dict[str, Any], algorithm: str) -> str:
    """The algorithm for a power of differences: below 1 it is no metric, and not for trees."""
    if params.get("p", 1) < 1:
        if algorithm in ("kd_tree", "ball_tree"):
            raise ValueError(
                f'algorithm="{algorithm}" does not support 0 < p < 1 for the Minkowski metric. To resolve this '
                'problem either set p >= 1 or algorithm="brute".'
            )
        warnings.warn(
            "Mind that for 0 < p < 1, Minkowski metrics are not distance metrics. Continuing the execution "
            "with `algorithm='brute'`.",
            stacklevel=5,
        )
        return "brute"
    if "w" in params and algorithm == "kd_tree":
        raise ValueError(
            "algorithm='kd_tree' is not valid for metric='minkowski' with a weight parameter 'w': try "
            "algorithm='ball_tree' or algorithm='brute' instead."
        )
    return algorithm


def numbers_of(metric: str, params: dict[str, Any]) -> np.ndarray | None:
    """The weights, variances or inverse covariance that a metric in Rust is given."""
    given = params.get("w") if metric == "minkowski" else params.get("V")
    if metric == "mahalanobis":
        given = params.get("VI", given)
        if params.get("VI") is None and given is not None:
            given = np.linalg.inv(np.asarray(given, dtype=np.float64))
    return None if given is None else np.ascontiguousarray(given, dtype=np.float64).ravel()
