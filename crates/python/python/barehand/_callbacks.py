"""scikit-learn's callbacks (``sklearn.callback``, since 1.9), which are told what a fit does while it does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Without scikit-learn 1.9 there is nobody to be told anything."""

        def set_callbacks(self, *callbacks: Any) -> Any:
            raise ImportError("callbacks are scikit-learn's, from its version 1.9 on")


__all__ = ["CallbackSupportMixin", "fit_task"]

_NOBODY = nullcontext()


def fit_task(
    estimator: Any, X: Any, y: Any, metadata: dict[str, Any] | None, max_subtasks: int = 0
) -> AbstractContextManager[Any]:
    """What a fit is entered as: its task, of which callbacks are told the beginning and the end; None where there are none."""
    state = vars(estimator)
    if "_skl_callbacks" in state or "_parent_callback_ctx" in state:
        return _told(estimator, {"X": X, "y": y, "metadata": metadata}, max_subtasks)
    return _NOBODY


@contextmanager
def _told(estimator: Any, samples: dict[str, Any], max_subtasks: int) -> Iterator[Any]:
    from sklearn.callback._callback_support import callback_management_context

    with callback_management_context(estimator):
        task = estimator._init_callback_context(max_subtasks=max_subtasks)
        task.call_on_fit_task_begin(estimator=estimator, **samples)
        yield task
        # The fitted estimator that callbacks may ask for is the estimator as it is now.
        task.call_on_fit_task_end(estimator=estimator, **samples, reconstruction_attributes={})
