"""How searches hand metadata on: to the splitter, and to the score of those that have one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

from barehand.model_selection._check_cv import check_cv
from barehand.model_selection._foundation import routing_enabled

try:
    from sklearn.utils.metadata_routing import UNUSED
except ImportError:
    UNUSED = ""


def refuse_params(params: dict[str, Any], owner: Any, method: str) -> None:
    """Raises where metadata is given that nothing routes."""
    if params and not routing_enabled():
        name = type(owner).__name__
        raise ValueError(
            f"Passing extra keyword arguments to {name}.{method} is only supported if enable_metadata_routing=True, which you"
            " can set using `sklearn.set_config`. See the User Guide"
            " <https://scikit-learn.org/stable/metadata_routing.html> for more details. Extra parameters passed are:"
            f" {set(params)}"
        )


def routed(owner: Any, method: str, sample_weight: Any, params: dict[str, Any], scored: bool) -> SimpleNamespace:
    """What the splitter's ``split`` gets, and what the score does: the weights, where nothing is routed."""
    if routing_enabled():
        from sklearn.utils.metadata_routing import process_routing

        if method == "fit":
            params = {**params, "sample_weight": sample_weight}
        given = process_routing(owner, method, **params)
        split = given.splitter.get("split", {}) if hasattr(given, "splitter") else {}
        return SimpleNamespace(split=split, score=given.scorer.score if scored else {})
    score = {} if sample_weight is None else {"sample_weight": sample_weight}
    return SimpleNamespace(split={}, score=score if scored else {})


class Routed:
    """An estimator whose ``fit`` splits samples by its ``cv``, and scores them where it has ``_get_scorer()``."""

    cv: Any
    _scores_in: ClassVar[tuple[str, ...]] = ()
    """The methods that score."""

    def _splitter(self) -> Any:
        return check_cv(self.cv)

    def get_metadata_routing(self) -> Any:
        """Who asks for which metadata, for scikit-learn's routing."""
        from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

        router = MetadataRouter(owner=self).add_self_request(self)
        if self._scores_in:
            mapping = MethodMapping()
            for method in self._scores_in:
                mapping = mapping.add(caller=method, callee="score")
            router = router.add(scorer=self._get_scorer(), method_mapping=mapping)  # type: ignore[attr-defined]
        return router.add(splitter=self._splitter(), method_mapping=MethodMapping().add(caller="fit", callee="split"))
