"""Mean average precision of detected boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._check_array import to_numpy


def mean_average_precision(
    predictions: Sequence[Mapping[str, Any]],
    targets: Sequence[Mapping[str, Any]],
    *,
    iou_thresholds: Sequence[float] | None = None,
) -> dict[str, Any]:
    """COCO's scores of detected boxes, image by image, over all classes.

    Detections are taken by descending score, each takes the free true box that it overlaps most, and the average precision of a
    class is the mean of its precision at recall 0, 0.01, ..., 1; of precision at a recall, the best at any recall that is no
    smaller. The numbers are pycocotools'.

    Args:
        predictions: for each image ``"boxes"`` ``(D, 4)`` as x1, y1, x2, y2, ``"scores"`` ``(D,)`` and ``"labels"`` ``(D,)``.
        targets: for each image ``"boxes"`` ``(G, 4)`` and ``"labels"`` ``(G,)``; perhaps ``"iscrowd"`` ``(G,)``, for boxes which
            may take any number of detections that then count neither way, and ``"area"`` ``(G,)``, where areas are not the
            boxes' own.
        iou_thresholds: from which intersection over union on a box is found; None: 0.5, 0.55, ..., 0.95.

    Returns:
        ``map``, ``map_50``, ``map_75``, ``map_small``, ``map_medium``, ``map_large``, ``mar_1``, ``mar_10``, ``mar_100``,
        ``mar_small``, ``mar_medium``, ``mar_large``, and ``classes`` with ``map_per_class`` and ``mar_100_per_class``. NaN
        where there is no true box to find.

    >>> scores = mean_average_precision(
    ...     [{"boxes": [[10, 10, 60, 55]], "scores": [0.9], "labels": [0]}],
    ...     [{"boxes": [[10, 10, 60, 60]], "labels": [0]}],
    ... )
    >>> scores["map"], scores["map_50"]
    (0.9, 1.0)
    """
    if len(predictions) != len(targets):
        raise ValueError(f"{len(predictions)} images of predictions and {len(targets)} of targets")
    images = []
    for prediction, target in zip(predictions, targets, strict=True):
        crowd, area = target.get("iscrowd"), target.get("area")
        images.append(
            (
                _boxes(prediction["boxes"]),
                _reals(prediction["scores"]),
                _labels(prediction["labels"]),
                _boxes(target["boxes"]),
                _labels(target["labels"]),
                None if crowd is None else _labels(crowd) != 0,
                None if area is None else _reals(area),
            )
        )
    return _metrics.mean_average_precision(images, None if iou_thresholds is None else list(map(float, iou_thresholds)))


def _reals(values: Any) -> np.ndarray:
    return np.ascontiguousarray(to_numpy(values), dtype=np.float64).reshape(-1)


def _boxes(values: Any) -> np.ndarray:
    boxes = np.ascontiguousarray(to_numpy(values), dtype=np.float64)
    return boxes.reshape(0, 4) if boxes.size == 0 else boxes


def _labels(values: Any) -> np.ndarray:
    labels = to_numpy(values).reshape(-1)
    if labels.size and labels.dtype.kind not in "iub":
        raise TypeError(f"labels are whole numbers, found dtype {labels.dtype}")
    return np.ascontiguousarray(labels, dtype=np.int64)
