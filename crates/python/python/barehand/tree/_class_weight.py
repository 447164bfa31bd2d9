"""Weights of samples that follow from weights of classes."""

from __future__ import annotations

from typing import Any

import numpy as np


def class_weights(class_weight: Any, classes: np.ndarray, codes: np.ndarray, sample_weight: Any = None) -> np.ndarray:
    """A weight for each of ``classes``: of a dict, or ``n / (classes * count)`` for ``"balanced"``."""
    if isinstance(class_weight, str):
        counts = np.bincount(codes, weights=sample_weight, minlength=len(classes))
        return counts.sum() / (len(classes) * counts)
    weights, named, unnamed = np.ones(len(classes)), 0, []
    for i, label in enumerate(classes.tolist()):
        label = label if isinstance(label, str) else int(label)
        if label in class_weight:
            weights[i] = class_weight[label]
            named += 1
        else:
            unnamed.append(label)
    if unnamed and named != len(class_weight):
        raise ValueError(f"The classes, {unnamed}, are not in class_weight")
    return weights


def expand_class_weight(
    class_weight: Any, classes: list[np.ndarray], codes: np.ndarray, sample_weight: Any = None
) -> np.ndarray:
    """A weight for each sample; those of several outputs are multiplied. ``codes`` are ``(N, outputs)``."""
    outputs = codes.shape[1]
    if outputs > 1:
        if isinstance(class_weight, dict):
            raise ValueError("For multi-output, class_weight should be a list of dicts, or the string 'balanced'.")
        if isinstance(class_weight, list) and len(class_weight) != outputs:
            raise ValueError(
                "For multi-output, number of elements in class_weight should match number of outputs. Got "
                f"{len(class_weight)} element(s) while having {outputs} outputs."
            )
    expanded = np.ones(len(codes))
    for k in range(outputs):
        own = class_weight[k] if isinstance(class_weight, list) else class_weight
        expanded *= class_weights(own, classes[k], codes[:, k], sample_weight)[codes[:, k]]
    return expanded
