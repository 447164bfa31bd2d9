"""Probabilities of classes beside the labels that they are about."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._check_array import check_array, check_consistent_length, column_or_1d
from barehand.metrics._targets import (
    LabelCodes,
    check_array_like,
    label_list,
    positive_label,
    read_labels,
    read_target,
    weights,
)


class Probabilities:
    """``y_true`` as codes, ``y_proba`` ``(N, K)`` or ``(N,)`` of the sorted ``classes``, and perhaps a weight for each sample."""

    def __init__(self, caller: str, y_true: Any, y_proba: Any, labels: Any, sample_weight: Any) -> None:
        y = read_labels("y_true", y_true, caller)
        self.y_proba = read_probabilities("y_proba", y_proba, caller, "lower")
        check_consistent_length(self.y_proba, y, sample_weight)
        self.sample_weight = weights(sample_weight, y, caller)
        given = label_list(labels, caller)
        codes = LabelCodes(y, y if given is None else np.asarray(given))
        self.y_true, listed = codes.encoded
        classes = np.unique(listed)
        shown = codes.decode(classes)
        if given is not None:
            if not np.array_equal(classes, listed):
                warnings.warn(
                    f"Labels passed were {labels}. But this function assumes labels are ordered lexicographically. Pass the "
                    f"ordered labels={shown.tolist()} and ensure that the columns of y_prob correspond to this ordering.",
                    stacklevel=3,
                )
            undeclared = np.setdiff1d(self.y_true, classes)
            if undeclared.size:
                raise ValueError(
                    f"y_true contains values {set(codes.decode(undeclared).tolist())} not belonging to the passed labels {labels}."
                )
        if len(classes) == 1:
            if given is None:
                raise ValueError(
                    f"y_true contains only one label ({shown[0]}). Please provide the list of all expected class labels "
                    "explicitly through the labels argument."
                )
            raise ValueError(f"The labels array needs to contain at least two labels, got {shown}.")
        columns = 2 if self.y_proba.ndim == 1 or self.y_proba.shape[1] == 1 else self.y_proba.shape[1]
        if columns != len(classes):
            if given is None:
                raise ValueError(
                    f"y_true and y_prob contain different number of classes: {len(classes)} vs {columns}. Please provide the "
                    f"true labels explicitly through the labels argument. Classes found in y_true: {shown}"
                )
            raise ValueError(
                f"The number of classes in labels is different from that in y_prob. Classes found in labels: {shown}"
            )
        eps = np.finfo(self.y_proba.dtype).eps
        several = self.y_proba.size > len(self.y_proba)
        if several and not np.allclose(self.y_proba.sum(axis=1), 1, rtol=np.sqrt(eps)):
            warnings.warn("The y_prob values do not sum to one. Make sure to pass probabilities.", stacklevel=3)
        self.classes: list[int] = classes.tolist()


class BinaryProbabilities:
    """Labels of two kinds as codes 0 and 1, the probability of the positive label, and perhaps a weight for each sample."""

    classes = (0, 1)

    def __init__(self, caller: str, y_true: Any, y_proba: Any, pos_label: Any, sample_weight: Any) -> None:
        y, kind = read_target("y_true", y_true, caller)
        self.y_proba = column_or_1d(read_probabilities("y_proba", y_proba, caller, "less"))
        check_consistent_length(self.y_proba, y, sample_weight)
        self.sample_weight = weights(sample_weight, y, caller)
        if kind != "binary":
            raise ValueError(
                f"The type of the target inferred from y_true is {kind} but should be binary according to the shape of y_prob."
            )
        if pos_label is None and y.dtype.kind not in "OUST":
            pos_label = np.unique(y)[-1]
        self.y_true = (y == positive_label(pos_label, y)).astype(np.int64)


def read_probabilities(name: str, proba: Any, caller: str, below: str) -> np.ndarray:
    """Probabilities ``(N,)`` or ``(N, K)`` as float64, or float32 where they are that."""
    check_array_like(name, proba, caller)
    proba = check_array(proba, ensure_2d=False, dtype=(np.float64, np.float32), order="C")
    if proba.max() > 1:
        raise ValueError(f"y_prob contains values greater than 1: {proba.max()}")
    if proba.min() < 0:
        raise ValueError(f"y_prob contains values {below} than 0: {proba.min()}")
    return proba
