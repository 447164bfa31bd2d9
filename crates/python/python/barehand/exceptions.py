"""Errors and warnings of estimators and scores.

Where scikit-learn is installed and has the class, the class here *is* scikit-learn's (or derives from it), so that code which
catches or filters one also meets the other. Without scikit-learn the same names have the same bases. scikit-learn is
imported when one of them is first asked for, not with this module.

>>> from barehand.exceptions import NotFittedError
>>> issubclass(NotFittedError, ValueError) and issubclass(NotFittedError, AttributeError)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = [
    "ConvergenceWarning",
    "DataConversionWarning",
    "EfficiencyWarning",
    "FitFailedWarning",
    "InconsistentVersionWarning",
    "InvalidParameterError",
    "NotFittedError",
    "UndefinedMetricWarning",
]


class InvalidParameterError(ValueError, TypeError):
    """A parameter of an estimator or a function has a value that it cannot have.

    Both a ``ValueError`` and a ``TypeError``, like scikit-learn's private class of this name.
    """


if TYPE_CHECKING:

    class NotFittedError(ValueError, AttributeError): ...

    class ConvergenceWarning(UserWarning): ...

    class DataConversionWarning(UserWarning): ...

    class EfficiencyWarning(UserWarning): ...

    class FitFailedWarning(RuntimeWarning): ...

    class UndefinedMetricWarning(UserWarning): ...

    class InconsistentVersionWarning(UserWarning):
        estimator_name: str
        current_version: str
        original_version: str

        def __init__(self, estimator_name: str, current_version: str, original_version: str) -> None: ...


_SHARED: dict[str, tuple[tuple[type, ...], str]] = {
    "NotFittedError": (
        (ValueError, AttributeError),
        "An estimator was asked for something that it knows only after ``fit``.",
    ),
    "ConvergenceWarning": ((UserWarning,), "An iteration ended at its limit, and not where it was to end."),
    "DataConversionWarning": (
        (UserWarning,),
        "Data was taken in another form than it was given, such as a column of labels as a flat array.",
    ),
    "EfficiencyWarning": ((UserWarning,), "A result could have been had with less work."),
    "FitFailedWarning": ((RuntimeWarning,), "A fit of a cross-validation or a search failed."),
    "UndefinedMetricWarning": ((UserWarning,), "A score divides by zero, and was given a value by convention."),
}


def __getattr__(name: str) -> Any:
    if name in _SHARED:
        bases, doc = _SHARED[name]
        found = _scikit_learns(name) or type(name, bases, {"__doc__": doc, "__module__": __name__})
    elif name == "InconsistentVersionWarning":
        found = _inconsistent_version_warning(_scikit_learns(name) or UserWarning)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__


def _scikit_learns(name: str) -> Any:
    try:
        from sklearn import exceptions
    except ImportError:
        return None
    return getattr(exceptions, name)


def _inconsistent_version_warning(base: type) -> type:
    class InconsistentVersionWarning(base):  # type: ignore[misc]
        """A fitted estimator was pickled by another version of barehand than the one that loads it."""

        def __init__(self, estimator_name: str, current_version: str, original_version: str) -> None:
            UserWarning.__init__(self, estimator_name, current_version, original_version)
            self.estimator_name = estimator_name
            self.current_version = current_version
            self.original_version = original_version

        def __str__(self) -> str:
            return (
                f"{self.estimator_name} was pickled by barehand {self.original_version} and is loaded by barehand "
                f"{self.current_version}: its predictions may differ. Fit it again, or load it with the version that "
                "saved it."
            )

    InconsistentVersionWarning.__module__ = __name__
    InconsistentVersionWarning.__qualname__ = "InconsistentVersionWarning"
    return InconsistentVersionWarning
