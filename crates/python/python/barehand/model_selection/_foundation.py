"""What splitters, scores and searches stand on: scikit-learn's own helpers where it is installed, the same rules without.

With scikit-learn, metadata is routed as it routes it, and samples may be in anything that it can index.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

try:
    from sklearn.base import is_classifier
    from sklearn.utils import _safe_indexing as take_rows
    from sklearn.utils import check_array as _check_array
    from sklearn.utils import check_random_state, indexable
    from sklearn.utils._metadata_requests import _MetadataRequester as MetadataRequester
    from sklearn.utils._metadata_requests import _routing_enabled as routing_enabled
    from sklearn.utils.metadata_routing import UNUSED
    from sklearn.utils import get_tags
    from sklearn.utils.metaestimators import _safe_split
    from sklearn.utils.multiclass import type_of_target
    from sklearn.utils.validation import _check_method_params as check_method_params
    from sklearn.utils.validation import _num_samples as num_samples
    from sklearn.utils.validation import column_or_1d

    HAS_SCIKIT_LEARN = True

    def split_samples(estimator: Any, X: Any, y: Any, indices: Any, train_indices: Any = None) -> tuple[Any, Any]:
        """The rows of ``X`` and ``y`` at ``indices``; of kernels, also the columns of the training samples."""
        plain = type(X) is np.ndarray and (y is None or type(y) is np.ndarray) and type(indices) is np.ndarray
        if plain and not get_tags(estimator).input_tags.pairwise:
            # As scikit-learn's, which first looks whether these are data frames of some kind.
            return X[indices], None if y is None else y[indices]
        return _safe_split(estimator, X, y, indices, train_indices)  # type: ignore[no-any-return]

    def as_labels(y: Any, name: str) -> np.ndarray:
        """An array of labels of any type, of one or two dimensions, without NaN."""
        return _check_array(y, input_name=name, ensure_2d=False, dtype=None)

except ImportError:
    from barehand._check_array import column_or_1d
    from barehand._random_state import check_random_state
    from barehand._standalone.samples import (
        as_labels,
        check_method_params,
        indexable,
        is_classifier,
        num_samples,
        split_samples,
        take_rows,
        type_of_target,
    )

    HAS_SCIKIT_LEARN = False
    UNUSED = None

    class MetadataRequester:  # type: ignore[no-redef]
        """Nothing is routed without scikit-learn."""

    def routing_enabled() -> bool:
        """Never."""
        return False


__all__ = [
    "HAS_SCIKIT_LEARN",
    "UNUSED",
    "MetadataRequester",
    "as_labels",
    "check_method_params",
    "check_random_state",
    "column_or_1d",
    "indexable",
    "is_classifier",
    "no_groups_beside_routing",
    "num_samples",
    "route",
    "routing_enabled",
    "split_samples",
    "take_rows",
    "type_of_target",
]


def no_groups_beside_routing(groups: Any) -> None:
    """Raises where groups are given by name although metadata is routed."""
    if groups is not None and routing_enabled():
        raise ValueError(
            "`groups` can only be passed if metadata routing is not enabled via "
            "`sklearn.set_config(enable_metadata_routing=True)`. When routing is enabled, pass `groups` alongside other "
            "metadata via the `params` argument instead."
        )


def route(
    caller: str,
    params: dict[str, Any],
    groups: Any,
    *,
    splitter: Any,
    estimator: Any,
    scorer: Any = None,
    partial: bool = False,
) -> SimpleNamespace:
    """Who gets which of ``params``: ``split`` of the splitter, ``fit`` and ``partial_fit`` of the estimator, ``score``.

    Without routing, the splitter gets the groups and the estimator everything else.
    """
    if not routing_enabled():
        return SimpleNamespace(split={"groups": groups}, fit=params, partial_fit=params, score={})
    from sklearn.exceptions import UnsetMetadataPassedError
    from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

    def mapping(*callees: str) -> Any:
        found = MethodMapping()
        for callee in callees:
            found = found.add(caller="fit", callee=callee)
        return found

    router = MetadataRouter(owner=caller).add(splitter=splitter, method_mapping=mapping("split"))
    router = router.add(estimator=estimator, method_mapping=mapping("fit", *(["partial_fit"] if partial else [])))
    if scorer is not None:
        router = router.add(scorer=scorer, method_mapping=mapping("score"))
    try:
        routed = process_routing(router, "fit", **params)
    except UnsetMetadataPassedError as error:
        # The router speaks of a method `fit`, which a function does not have.
        raise UnsetMetadataPassedError(
            message=str(error).replace(f"{caller}.fit", caller),
            unrequested_params=error.unrequested_params,
            routed_params=error.routed_params,
        ) from None
    return SimpleNamespace(
        split=routed.splitter.split,
        fit=routed.estimator.fit,
        partial_fit=routed.estimator.get("partial_fit", {}),
        score=routed.scorer.score if scorer is not None else {},
    )
