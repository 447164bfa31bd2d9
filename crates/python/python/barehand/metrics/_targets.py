"""True and predicted labels of any kind, as the int64 codes that Rust counts.

Whole numbers and bools stand for themselves. Everything else (strings, floats that are whole numbers) is numbered in
sorted order; that is a matter of input, as is saying what cannot be scored, in scikit-learn's words. So is writing samples
with several labels as ones that have one each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._check_array import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    check_sample_weight,
    column_or_1d,
    is_sparse,
    to_numpy,
)
from barehand.exceptions import InvalidParameterError


class Targets:
    """Equally many true and predicted labels, and a weight for each pair where weights were given.

    Samples with several labels at once, as an indicator matrix ``(N, K)``, pass where ``multilabel`` says so; then
    ``indicators`` holds the two matrices, and there are no codes.
    """

    def __init__(
        self, caller: str, y_true: Any, y_pred: Any, sample_weight: Any = None, *, multilabel: bool = False
    ) -> None:
        true, kind_true = _read("y_true", y_true, caller)
        pred, kind_pred = _read("y_pred", y_pred, caller)
        check_consistent_length(true, pred, sample_weight)
        if len(true) == 0:
            raise ValueError(
                "Found empty input array (e.g., `y_true` or `y_pred`) while a minimum of 1 sample is required."
            )
        self.sample_weight = weights(sample_weight, true, caller)
        if kind_true != kind_pred:
            names = (_type_name(true, kind_true), _type_name(pred, kind_pred))
            raise ValueError(f"Classification metrics can't handle a mix of {names[0]} and {names[1]} targets")
        self.indicators: tuple[np.ndarray, np.ndarray] | None = None
        if kind_true == "multilabel-indicator" and multilabel:
            if true.shape != pred.shape:
                raise ValueError("Multi-label binary indicator input with different numbers of labels")
            self.indicators = (true != 0, pred != 0)
        elif kind_true == "labels":
            self.codes = LabelCodes(column_or_1d(true, input_name="y_true"), column_or_1d(pred, input_name="y_pred"))
            self.y_true, self.y_pred = self.codes.encoded
        else:
            raise ValueError(f"{kind_true} is not supported by {caller}")


def as_label_sets(indicators: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Codes in which every distinct set of labels is a class of its own."""
    _, codes = np.unique(np.concatenate(indicators), axis=0, return_inverse=True)
    true, pred = np.split(codes.reshape(-1).astype(np.int64, copy=False), 2)
    return true, pred


def as_entries(
    indicators: tuple[np.ndarray, np.ndarray], sample_weight: np.ndarray | None, *, by_sample: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Codes of every entry of the matrices as a sample of its own: its column (or row) where it is set, -1 where not.

    Counted by class, they give each label's (or sample's) true positives, predictions and support.
    """
    n, labels = indicators[0].shape
    codes = np.arange(n)[:, None] if by_sample else np.arange(labels)
    true, pred = (np.where(indicator, codes, -1).ravel() for indicator in indicators)
    return true, pred, None if sample_weight is None else np.repeat(sample_weight, labels)


def check_columns(labels: list[Any] | None, columns: int) -> None:
    """Raises where a label is no column of an indicator matrix."""
    for label in labels or ():
        if not 0 <= label < columns:
            limit = f"> {columns - 1}" if label > 0 else "< 0"
            raise ValueError(f"All labels must be in [0, n labels) for multilabel targets. Got {label} {limit}")


class LabelCodes:
    """Labels as int64 codes whose order is that of the labels.

    ``encoded`` holds the arrays given, ``encode`` and ``decode`` translate others.
    """

    def __init__(self, *arrays: np.ndarray) -> None:
        strings = {array.dtype.kind in "OUT" for array in arrays}
        if len(strings) > 1:
            found = " and ".join(str(np.unique(array)) for array in arrays)
            raise ValueError(f"Mix of label input types (string and number); Got {found}.")
        self._bools = all(array.dtype == bool for array in arrays)
        self._floats = any(array.dtype.kind == "f" for array in arrays)
        self._positions: dict[Any, int] | None = None
        if all(np.can_cast(array.dtype, np.int64) or _holds_whole_numbers(array) for array in arrays):
            self.encoded = [np.ascontiguousarray(array, dtype=np.int64) for array in arrays]
            return
        self._classes, codes = np.unique(np.concatenate(arrays), return_inverse=True)
        self._positions = {label: code for code, label in enumerate(self._classes.tolist())}
        self.encoded = np.split(codes.astype(np.int64, copy=False), np.cumsum([len(array) for array in arrays])[:-1])

    def encode(self, labels: Any) -> list[int]:
        """The codes of labels; those that occur nowhere get codes of their own, a label given twice the same twice."""
        if self._positions is None:
            if any(isinstance(label, str) for label in labels):
                raise ValueError(f"Mix of label input types (string and number); Got labels {labels} for numbers.")
            # What is no int64 (a fraction, None) is no label that occurs.
            codes = [int(label) if _is_int64(label) else None for label in labels]
            taken = set(codes).union(*(array.tolist() for array in self.encoded)) if None in codes else set()
            absent = (code for code in range(-(2**63), 2**63) if code not in taken)
            return [next(absent) if code is None else code for code in codes]
        positions = dict(self._positions)
        return [positions.setdefault(label, len(positions)) for label in labels]

    def decode(self, codes: Sequence[int] | np.ndarray) -> np.ndarray:
        """The labels that codes stand for."""
        array = np.asarray(codes)
        if self._positions is not None:
            return self._classes[array]
        return array.astype(np.float64 if self._floats else bool) if self._floats or self._bools else array


def _holds_whole_numbers(array: np.ndarray) -> bool:
    """Whether this is an array of floats that int64 holds exactly."""
    return array.dtype.kind == "f" and bool((abs(array) <= 2**53).all() and (array == np.trunc(array)).all())


def _is_int64(label: Any) -> bool:
    return label is not None and float(label).is_integer() and -(2**63) <= label < 2**63


def check_array_like(name: str, value: Any, caller: str, *, optional: bool = False) -> None:
    """Raises where a value is neither a sequence nor an array (nor None, if it may be)."""
    if (optional and value is None) or is_sparse(value):
        return
    like = isinstance(value, Sequence) or hasattr(value, "__len__") or hasattr(value, "__array__")
    if not like or isinstance(value, (str, bytes, dict)) or getattr(value, "shape", None) == ():
        raise InvalidParameterError(
            f"The {name!r} parameter of {caller} must be an array-like{' or None' if optional else ''}. Got {value!r} instead."
        )


def weights(sample_weight: Any, y: Any, caller: str) -> np.ndarray | None:
    """Weights for the samples of ``y`` as float64, or None where none were given."""
    check_array_like("sample_weight", sample_weight, caller, optional=True)
    return None if sample_weight is None else check_sample_weight(sample_weight, y, ensure_non_negative=True)


def label_list(labels: Any, caller: str) -> list[Any] | None:
    """The ``labels`` argument as a list of Python numbers or strings, or None."""
    check_array_like("labels", labels, caller, optional=True)
    return None if labels is None else np.asarray(labels).ravel().tolist()


def read_labels(name: str, y: Any, caller: str) -> np.ndarray:
    """Labels ``(N,)`` of any kind that can be scored."""
    array, kind = _read(name, y, caller)
    if kind != "labels":
        raise ValueError(f"y type must be 'binary' or 'multiclass', got '{kind}' instead.")
    return column_or_1d(array, input_name=name)


def read_target(name: str, y: Any, caller: str) -> tuple[np.ndarray, str]:
    """A target, and what it holds in scikit-learn's words: "binary", "multiclass", "multilabel-indicator", "continuous", ...

    Labels ``(N,)`` or ``(N, 1)`` come back flat.
    """
    array, kind = _read(name, y, caller)
    if kind != "labels":
        return array, kind
    array = column_or_1d(array, input_name=name)
    return array, _type_name(array, kind)


def read_scores(name: str, scores: Any, caller: str) -> np.ndarray:
    """Finite scores ``(N,)`` or ``(N, K)`` as float64, or float32 where they are that."""
    check_array_like(name, scores, caller)
    return check_array(scores, ensure_2d=False, dtype=(np.float64, np.float32), order="C")


def positive_label(pos_label: Any, y: np.ndarray) -> Any:
    """The label that counts as positive: ``pos_label``, or 1 where labels are 0 and 1, or -1 and 1."""
    if pos_label is not None:
        return pos_label
    classes = np.unique(y)
    if classes.dtype.kind in "OUS" or classes.tolist() not in ([0, 1], [-1, 1], [0], [-1], [1]):
        shown = ", ".join(map(repr, classes.tolist()))
        raise ValueError(
            f"y_true takes value in {{{shown}}} and pos_label is not specified: either make y_true take value in {{0, 1}} or "
            "{-1, 1} or pass pos_label explicitly."
        )
    return 1


class BinaryScores:
    """Labels of two kinds (or one kind against all others) with a score and perhaps a weight for each sample.

    ``y_true`` holds codes, of which ``positive`` is the positive one's.
    """

    def __init__(self, caller: str, y_true: Any, y_score: Any, pos_label: Any, sample_weight: Any) -> None:
        y, kind = read_target("y_true", y_true, caller)
        if kind != "binary" and (kind != "multiclass" or pos_label is None):
            raise ValueError(f"{kind} format is not supported")
        scores = read_scores("y_score", y_score, caller)
        check_consistent_length(y, scores, sample_weight)
        self.y_score = column_or_1d(scores, input_name="y_score")
        self.sample_weight = weights(sample_weight, y, caller)
        codes = LabelCodes(y)
        self.y_true = codes.encoded[0]
        label = positive_label(pos_label, y)
        if isinstance(label, str) == (y.dtype.kind in "OUT"):
            self.positive = codes.encode([label])[0]
        else:  # a number among strings, or a string among numbers: no sample has this label
            self.positive = -1 if y.dtype.kind in "OUT" else int(self.y_true.max()) + 1


def _read(name: str, y: Any, caller: str) -> tuple[Any, str]:
    """An array, and "labels" where they can be scored; otherwise scikit-learn's word for what it holds."""
    check_array_like(name, y, caller)
    if is_sparse(y):
        y = y.toarray()
    try:
        array = to_numpy(y)
    except ValueError as error:
        raise _ragged() from error
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{array}\n")
    first = array.flat[0] if array.size else None
    if isinstance(first, bytes):
        raise TypeError(
            "Support for labels represented as bytes is not supported. Convert the labels to a string or integer format."
        )
    if isinstance(first, (list, tuple)):
        raise _ragged()
    outputs = array.shape[1] if array.ndim == 2 else 1
    if array.ndim > 2 or outputs == 0 or (array.dtype == object and array.size and not isinstance(first, str)):
        return array, "unknown"
    suffix = "-multioutput" if outputs > 1 else ""
    if array.dtype.kind == "f":
        assert_all_finite(array, name)
        if (array != np.trunc(array)).any():
            return array, f"continuous{suffix}"
    if outputs > 1:
        return array, "multilabel-indicator" if len(np.unique(array)) <= 2 else "multiclass-multioutput"
    return array, "labels"


def _ragged() -> ValueError:
    return ValueError(
        "You appear to be using a legacy multi-label data representation. Sequence of sequences are no longer supported; use "
        "a binary array or sparse matrix instead - the MultiLabelBinarizer transformer can convert to this format."
    )


def _type_name(y: np.ndarray, kind: str) -> str:
    if kind != "labels":
        return kind
    labels = column_or_1d(y)
    few = (
        len(_metrics.distinct(LabelCodes(labels).encoded[0])) if labels.dtype.kind in "biuf" else len(np.unique(labels))
    )
    return "binary" if few <= 2 else "multiclass"
