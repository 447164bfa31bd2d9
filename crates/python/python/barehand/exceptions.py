"""Errors and warnings of estimators and scores.

Where scikit-learn has the class and is installed, the class here *is* scikit-learn's, so that code which catches or filters
one also meets the other. Without scikit-learn the same names have the same bases.

>>> from barehand.exceptions import NotFittedError
>>> issubclass(NotFittedError, ValueError) and issubclass(NotFittedError, AttributeError)
True
"""

from __future__ import annotations

try:
    from sklearn.exceptions import DataConversionWarning, NotFittedError, UndefinedMetricWarning
    from sklearn.exceptions import InconsistentVersionWarning as _InconsistentVersionBase
except ImportError:

    class NotFittedError(ValueError, AttributeError):  # type: ignore[no-redef]
        """An estimator was asked for something that it knows only after ``fit``."""

    class DataConversionWarning(UserWarning):  # type: ignore[no-redef]
        """Data was taken in another form than it was given, such as a column of labels as a flat array."""

    class UndefinedMetricWarning(UserWarning):  # type: ignore[no-redef]
        """A score divides by zero, and was given a value by convention."""

    _InconsistentVersionBase = UserWarning

__all__ = [
    "DataConversionWarning",
    "InconsistentVersionWarning",
    "InvalidParameterError",
    "NotFittedError",
    "UndefinedMetricWarning",
]


class InvalidParameterError(ValueError, TypeError):
    """A parameter of an estimator or a function has a value that it cannot have.

    Both a ``ValueError`` and a ``TypeError``, like scikit-learn's private class of this name.
    """


class InconsistentVersionWarning(_InconsistentVersionBase):  # type: ignore[misc, valid-type]
    """A fitted estimator was pickled by another version of barehand than the one that loads it."""

    def __init__(self, estimator_name: str, current_version: str, original_version: str) -> None:
        UserWarning.__init__(self, estimator_name, current_version, original_version)
        self.estimator_name = estimator_name
        self.current_version = current_version
        self.original_version = original_version

    def __str__(self) -> str:
        return (
            f"{self.estimator_name} was pickled by barehand {self.original_version} and is loaded by barehand "
            f"{self.current_version}: its predictions may differ. Fit it again, or load it with the version that saved it."
        )
