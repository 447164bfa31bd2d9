"""Scores of two labellings of the same samples, whatever the labels are called."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._check_array import check_array, check_consistent_length, is_sparse
from barehand._param_validation import Interval, check_parameters
from barehand.metrics._targets import LabelCodes, check_array_like

_MEANS = {"average_method": [{"arithmetic", "max", "min", "geometric"}]}


def contingency_matrix(
    labels_true: Any, labels_pred: Any, *, eps: float | None = None, sparse: bool = False, dtype: Any = np.int64
) -> Any:
    """How many samples each class and each cluster have in common.

    Args:
        labels_true: ``(N,)`` labels of any kind; their sorted values are the rows.
        labels_pred: ``(N,)`` labels; their sorted values are the columns.
        eps: a number to add to every count.
        sparse: whether to return SciPy's CSR array.
        dtype: the counts' type.

    >>> contingency_matrix([0, 0, 1, 1, 2, 2], [1, 0, 2, 1, 0, 2])
    array([[1, 1, 0],
           [0, 1, 1],
           [1, 0, 1]])
    """
    caller = "contingency_matrix"
    check_parameters(
        {"eps": [Interval(float, 0, None), None], "sparse": [bool]}, {"eps": eps, "sparse": sparse}, caller
    )
    if eps is not None and sparse:
        raise ValueError("Cannot set 'eps' when sparse=True")
    true, pred = (_codes(name, y, caller) for name, y in (("labels_true", labels_true), ("labels_pred", labels_pred)))
    (rows, columns, counts), classes, clusters = _metrics.contingency(true, pred)
    if sparse:
        from scipy.sparse import csr_array

        return csr_array((counts.astype(dtype), (rows, columns)), shape=(classes, clusters))
    matrix = np.zeros((classes, clusters), dtype=dtype)
    matrix[rows, columns] = counts
    return matrix if eps is None else matrix + eps


def pair_confusion_matrix(labels_true: Any, labels_pred: Any) -> np.ndarray:
    """Ordered pairs of samples: ``[[apart in both, together in pred only], [together in true only, together in both]]``.

    Args:
        labels_true: ``(N,)`` labels of any kind.
        labels_pred: ``(N,)`` labels of any kind.

    >>> pair_confusion_matrix([0, 0, 1, 1], [0, 0, 1, 2])
    array([[8, 0],
           [2, 2]])
    """
    pairs = _metrics.pair_confusion(*_labels("pair_confusion_matrix", labels_true, labels_pred))
    return np.array(pairs, dtype=np.int64).reshape(2, 2)


def rand_score(labels_true: Any, labels_pred: Any) -> float:
    """The share of pairs of samples that are together in both labellings, or apart in both.

    Args:
        labels_true: ``(N,)`` labels of any kind.
        labels_pred: ``(N,)`` labels of any kind.

    >>> rand_score([0, 0, 1, 2], [0, 0, 1, 1])
    0.8333333333333334
    """
    return _score("rand_score", labels_true, labels_pred)


def adjusted_rand_score(labels_true: Any, labels_pred: Any) -> float:
    """The Rand index adjusted for chance: 0 on average for random labels, 1 where both are the same.

    Args:
        labels_true: ``(N,)`` labels of any kind.
        labels_pred: ``(N,)`` labels of any kind.

    >>> adjusted_rand_score([0, 0, 1, 2], [0, 0, 1, 1])
    0.5714285714285714
    """
    return _score("adjusted_rand_score", labels_true, labels_pred)


def fowlkes_mallows_score(labels_true: Any, labels_pred: Any) -> float:
    """The geometric mean of the precision and recall of pairs: ``tp / sqrt((tp + fp) (tp + fn))``.

    Args:
        labels_true: ``(N,)`` labels of any kind.
        labels_pred: ``(N,)`` labels of any kind.

    >>> fowlkes_mallows_score([0, 0, 1, 1], [0, 0, 1, 1])
    1.0
    """
    return _score("fowlkes_mallows_score", labels_true, labels_pred)


def mutual_info_score(labels_true: Any, labels_pred: Any, *, contingency: Any = None) -> float:
    """How much labels tell about each other, in nats: ``sum_ij n_ij / n ln(n n_ij / (n_i n_j))``.

    Args:
        labels_true: ``(N,)`` labels of any kind.
        labels_pred: ``(N,)`` labels of any kind.
        contingency: the table of counts, where it is known; labels are then not looked at.

    >>> round(mutual_info_score([0, 1, 1, 0, 1, 0], [0, 1, 0, 0, 1, 0]), 4)
    0.3183
    """
    if contingency is None:
        return _score("mutual_info_score", labels_true, labels_pred)
    counts = contingency.toarray() if is_sparse(contingency) else contingency
    return _metrics.mutual_info_of_table(check_array(counts, dtype=np.int64, order="C"))


def normalized_mutual_info_score(labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic") -> float:
    """Mutual information as a share of the labels' entropies: ``I / mean(H(true), H(pred))``.

    Args:
        labels_true: ``(N,)`` labels of any kind.
        labels_pred: ``(N,)`` labels of any kind.
        average_method: the mean: ``"arithmetic"``, ``"geometric"``, ``"min"`` or ``"max"``.

    >>> round(normalized_mutual_info_score([0, 0, 1, 1], [0, 1, 2, 3]), 12)
    0.666666666667
    """
    check_parameters(_MEANS, {"average_method": average_method}, "normalized_mutual_info_score")
    return _score("normalized_mutual_info_score", labels_true, labels_pred, average_method)


def adjusted_mutual_info_score(labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic") -> float:
    """Mutual information adjusted for chance: ``(I - E) / (mean(H(true), H(pred)) - E)``, ``E`` that of random labels.

    Args:
        labels_true: ``(N,)`` labels of any kind.
        labels_pred: ``(N,)`` labels of any kind.
        average_method: the mean: ``"arithmetic"``, ``"geometric"``, ``"min"`` or ``"max"``.

    >>> adjusted_mutual_info_score([0, 0, 0, 0], [0, 1, 2, 3])
    0.0
    """
    check_parameters(_MEANS, {"average_method": average_method}, "adjusted_mutual_info_score")
    return _score("adjusted_mutual_info_score", labels_true, labels_pred, average_method)


def homogeneity_completeness_v_measure(
    labels_true: Any, labels_pred: Any, *, beta: float = 1.0
) -> tuple[float, float, float]:
    """Whether each cluster holds one class only, whether each class lies in one cluster only, and the mean of both.

    ``h = I / H(true)``, ``c = I / H(pred)``, ``v = (1 + beta) h c / (beta h + c)``

    Args:
        labels_true: ``(N,)`` classes, labels of any kind.
        labels_pred: ``(N,)`` clusters, labels of any kind.
        beta: how many times as important completeness is.

    >>> [round(score, 2) for score in homogeneity_completeness_v_measure([0, 0, 1, 1, 2, 2], [0, 0, 1, 2, 2, 2])]
    [0.71, 0.77, 0.74]
    """
    caller = "homogeneity_completeness_v_measure"
    check_parameters({"beta": [Interval(float, 0, None)]}, {"beta": beta}, caller)
    return _metrics.homogeneity_completeness_v_measure(*_labels(caller, labels_true, labels_pred), float(beta))


def homogeneity_score(labels_true: Any, labels_pred: Any) -> float:
    """Whether each cluster holds one class only, from 0 to 1: ``I / H(true)``.

    Args:
        labels_true: ``(N,)`` classes, labels of any kind.
        labels_pred: ``(N,)`` clusters, labels of any kind.

    >>> homogeneity_score([0, 0, 1, 1], [1, 1, 0, 0])
    1.0
    """
    return homogeneity_completeness_v_measure(labels_true, labels_pred)[0]


def completeness_score(labels_true: Any, labels_pred: Any) -> float:
    """Whether each class lies in one cluster only, from 0 to 1: ``I / H(pred)``.

    Args:
        labels_true: ``(N,)`` classes, labels of any kind.
        labels_pred: ``(N,)`` clusters, labels of any kind.

    >>> completeness_score([0, 0, 1, 1], [0, 0, 0, 0])
    1.0
    """
    return homogeneity_completeness_v_measure(labels_true, labels_pred)[1]


def v_measure_score(labels_true: Any, labels_pred: Any, *, beta: float = 1.0) -> float:
    """The harmonic mean of homogeneity and completeness: ``(1 + beta) h c / (beta h + c)``.

    Args:
        labels_true: ``(N,)`` classes, labels of any kind.
        labels_pred: ``(N,)`` clusters, labels of any kind.
        beta: how many times as important completeness is.

    >>> v_measure_score([0, 0, 1, 1], [0, 0, 1, 1])
    1.0
    """
    return homogeneity_completeness_v_measure(labels_true, labels_pred, beta=beta)[2]


def _codes(name: str, labels: Any, caller: str) -> np.ndarray:
    check_array_like(name, labels, caller)
    array = np.asarray(labels).ravel()
    if array.dtype.kind in "biu":
        return LabelCodes(array).encoded[0]
    return np.unique(array, return_inverse=True)[1].astype(np.int64, copy=False)


def _labels(caller: str, labels_true: Any, labels_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    arrays, kinds = [], []
    for name, labels in (("labels_true", labels_true), ("labels_pred", labels_pred)):
        check_array_like(name, labels, caller)
        array = check_array(labels, ensure_2d=False, ensure_min_samples=0, dtype=None)
        kinds.append("continuous" if array.dtype.kind == "f" and (array != np.trunc(array)).any() else "")
        if array.ndim != 1:
            raise ValueError(f"{name} must be 1D: shape is {array.shape!r}")
        arrays.append(array)
    if "continuous" in kinds:
        few = (len(np.unique(array)) <= 2 for array in arrays)
        kinds = [kind or ("binary" if two else "multiclass") for kind, two in zip(kinds, few, strict=True)]
        warnings.warn(
            f"Clustering metrics expects discrete values but received {kinds[0]} values for label, and {kinds[1]} values for "
            "target",
            stacklevel=4,
        )
    check_consistent_length(*arrays)
    true, pred = (_codes("labels", array, caller) for array in arrays)
    return true, pred


def _score(caller: str, labels_true: Any, labels_pred: Any, mean: str = "arithmetic") -> float:
    return _metrics.clustering_score(caller, *_labels(caller, labels_true, labels_pred), mean)
