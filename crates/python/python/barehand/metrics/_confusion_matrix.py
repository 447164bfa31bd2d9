"""The confusion matrix."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._param_validation import check_parameters
from barehand.metrics._targets import Targets, label_list


def confusion_matrix(
    y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: Any = None, normalize: str | None = None
) -> np.ndarray:
    """How often class ``i`` was predicted as class ``j``, at row ``i``, column ``j``.

    ``C[i, j] = sum of w over samples with y_true = labels[i] and y_pred = labels[j]``

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings.
        y_pred: ``(N,)`` predicted labels.
        labels: the labels of rows and columns, in their order; pairs with any other are left out. None: all that occur,
            sorted.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        normalize: ``"true"`` to divide rows by their sums (the diagonal is recall), ``"pred"`` columns (precision),
            ``"all"`` everything.

    Returns:
        ``(K, K)``, of int64 where whole numbers were added up, otherwise of float64.

    >>> confusion_matrix(["cat", "ant", "cat"], ["ant", "ant", "cat"], labels=["ant", "bird", "cat"])
    array([[1, 0, 0],
           [0, 0, 0],
           [1, 0, 1]])
    """
    caller = "confusion_matrix"
    check_parameters({"normalize": [{"true", "pred", "all"}, None]}, {"normalize": normalize}, caller)
    targets = Targets(caller, y_true, y_pred, sample_weight)
    listed = label_list(labels, caller)
    if listed is not None and not listed:
        raise ValueError("'labels' should contain at least one label.")
    codes = None if listed is None else targets.codes.encode(listed)
    if codes is not None and not np.isin(targets.y_true, codes).any():
        raise ValueError("At least one label specified must be in y_true")
    cells = _metrics.confusion_matrix(targets.y_true, targets.y_pred, codes, targets.sample_weight, normalize)
    if cells.shape == (1, 1):
        warnings.warn(
            "A single label was found in 'y_true' and 'y_pred'. For the confusion matrix to have the correct shape, use the "
            "'labels' parameter to pass all known labels.",
            stacklevel=2,
        )
    whole = normalize is None and sample_weight is not None and np.asarray(sample_weight).dtype.kind in "iub"
    # Beyond 2^53 a float64 has lost count already.
    return cells.astype(np.int64) if whole and cells.max() <= 2**53 else cells
