"""Labels as columns, one for each class."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._check_array import column_or_1d
from barehand._param_validation import Interval, check_parameters
from barehand.base import BaseEstimator, TransformerMixin
from barehand.model_selection._foundation import num_samples, type_of_target
from barehand.preprocessing._label_encoder import _distinct
from barehand.validation import check_is_fitted

_WHOLE = Interval(int, None, None, closed="neither")
_CONSTRAINTS = {"neg_label": [_WHOLE], "pos_label": [_WHOLE], "sparse_output": [bool]}


class LabelBinarizer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """A column for each class, in ascending order, that says whether a label is of it; of two classes the second one's alone.

    Labels that were not in ``fit`` are of no class. Samples of several labels, as columns of 0 and 1, stay what they are.

    Args:
        neg_label, pos_label: what "no" and "yes" are.
        sparse_output: whether to give a sparse matrix; only with a ``neg_label`` of 0.

    >>> binarizer = LabelBinarizer().fit(["b", "a", "c", "a"])
    >>> print(binarizer.transform(["a", "c"]))
    [[1 0 0]
     [0 0 1]]
    >>> print(binarizer.inverse_transform(np.array([[0.1, 0.7, 0.2]])))
    ['b']
    """

    _parameter_constraints = _CONSTRAINTS

    def __init__(self, *, neg_label: int = 0, pos_label: int = 1, sparse_output: bool = False) -> None:
        self.neg_label = neg_label
        self.pos_label = pos_label
        self.sparse_output = sparse_output

    def fit(self, y: Any) -> LabelBinarizer:
        """Learns which classes there are."""
        self._validate_params()
        _check_labels(self.neg_label, self.pos_label, self.sparse_output)
        self.y_type_ = type_of_target(y, input_name="y")
        _refuse_multioutput(self.y_type_)
        if num_samples(y) == 0:
            raise ValueError(f"y has 0 samples: {y!r}")
        self.sparse_input_ = _is_sparse(y)
        self.classes_ = _classes_of(y, self.y_type_)
        return self

    def fit_transform(self, y: Any) -> Any:
        """Learns which classes there are, and gives their columns."""
        return self.fit(y).transform(y)

    def transform(self, y: Any) -> Any:
        """The columns of each label, ``(n, classes)``, or ``(n, 1)`` for two classes."""
        check_is_fitted(self)
        if type_of_target(y).startswith("multilabel") and not self.y_type_.startswith("multilabel"):
            raise ValueError("The object was not fitted with multilabel input.")
        return label_binarize(
            y,
            classes=self.classes_,
            neg_label=self.neg_label,
            pos_label=self.pos_label,
            sparse_output=self.sparse_output,
        )

    def inverse_transform(self, Y: Any, threshold: float | None = None) -> Any:
        """The label of each row.

        Args:
            Y: columns as ``transform`` gives them, or scores or probabilities in their place.
            threshold: above which a single column says "yes" (default: half way between both labels).
        """
        check_is_fitted(self)
        if threshold is None:
            threshold = (self.pos_label + self.neg_label) / 2.0
        Y = Y.toarray() if _is_sparse(Y) else np.asarray(Y)
        if self.y_type_ == "multiclass":
            found = self.classes_[np.clip(Y.argmax(axis=1), 0, len(self.classes_) - 1)]
        else:
            found = _above(Y, self.y_type_, self.classes_, threshold)
        if self.sparse_input_:
            from scipy import sparse

            return sparse.csr_matrix(found)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.one_d_labels = True
        return tags


def label_binarize(y: Any, *, classes: Any, neg_label: int = 0, pos_label: int = 1, sparse_output: bool = False) -> Any:
    """`LabelBinarizer` of classes that are known, in their order.

    Args:
        y: labels; or columns of 0 and 1, for samples of several.
        classes: the classes, one for each column.
        neg_label, pos_label, sparse_output: those of `LabelBinarizer`.

    >>> print(label_binarize([1, 6], classes=[1, 6, 4, 2]))
    [[1 0 0 0]
     [0 1 0 0]]
    """
    given = {"neg_label": neg_label, "pos_label": pos_label, "sparse_output": sparse_output}
    check_parameters(_CONSTRAINTS, given, "label_binarize")
    if num_samples(y) == 0:
        raise ValueError(f"y has 0 samples: {y!r}")
    _check_labels(neg_label, pos_label, sparse_output)
    kind = type_of_target(y)
    _refuse_multioutput(kind)
    if kind == "unknown":
        raise ValueError("The type of target data is not known")
    classes = np.asarray(classes)
    if kind == "multilabel-indicator":
        is_of = np.asarray(y.toarray() if _is_sparse(y) else y) != 0
        if is_of.shape[1] != len(classes):
            raise ValueError(f"classes {classes} mismatch with the labels {_classes_of(y, kind)} found in the data")
    elif kind in ("binary", "multiclass"):
        is_of = np.asarray(column_or_1d(y))[:, None] == classes
        if kind == "binary" and len(classes) == 1:
            is_of = np.zeros_like(is_of)
        elif kind == "binary" and len(classes) == 2:
            is_of = is_of[:, 1:]
    else:
        raise ValueError(f"{kind} target data is not supported with label binarization")
    if not sparse_output:
        return np.where(is_of, pos_label, neg_label)
    from scipy import sparse

    return sparse.csr_matrix(is_of.astype(np.int64) * pos_label)


def _above(Y: np.ndarray, kind: str, classes: np.ndarray, threshold: float) -> np.ndarray:
    """Labels, or which of several, of columns of two classes or of several labels a sample."""
    if kind == "binary" and Y.ndim == 2 and Y.shape[1] > 2:
        raise ValueError(f"output_type='binary', but y.shape = {Y.shape}")
    if kind != "binary" and Y.shape[1] != len(classes):
        raise ValueError("The number of class is not equal to the number of dimension of y.")
    above = (Y > threshold).astype(np.int64)
    if kind != "binary":
        return above
    if len(classes) == 1:
        return np.repeat(classes[0], len(Y))
    found: np.ndarray = classes[above[:, 1] if Y.ndim == 2 and Y.shape[1] == 2 else above.ravel()]
    return found


def _classes_of(y: Any, kind: str) -> np.ndarray:
    if kind == "multilabel-indicator":
        return np.arange(y.shape[1] if hasattr(y, "shape") else len(y[0]))
    return _distinct(column_or_1d(y))


def _is_sparse(y: Any) -> bool:
    return hasattr(y, "tocsr")


def _check_labels(neg_label: int, pos_label: int, sparse_output: bool) -> None:
    if neg_label >= pos_label:
        raise ValueError(f"neg_label={neg_label} must be strictly less than pos_label={pos_label}.")
    if sparse_output and (pos_label == 0 or neg_label != 0):
        raise ValueError(
            "Sparse binarization is only supported with non zero pos_label and zero neg_label, got "
            f"pos_label={pos_label} and neg_label={neg_label}"
        )


def _refuse_multioutput(kind: str) -> None:
    if "multioutput" in kind:
        raise ValueError("Multioutput target data is not supported with label binarization")
