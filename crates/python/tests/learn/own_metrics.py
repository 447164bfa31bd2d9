"""scikit-learn's own tests of scores."""

from __future__ import annotations

import sklearn.calibration
import sklearn.metrics
import sklearn.metrics.cluster
from barehand import calibration, metrics
from own import Own


def _shared(ours, theirs):
    return [name for name in ours.__all__ if hasattr(theirs, name)]


SCORES = {
    "sklearn.metrics": _shared(metrics, sklearn.metrics),
    "sklearn.metrics.cluster": _shared(metrics.cluster, sklearn.metrics.cluster),
    "sklearn.calibration": _shared(calibration, sklearn.calibration),
}

INDICATOR = "no log loss and no Brier score of samples with several labels"
DEPRECATED = "the deprecated argument is not there"

OWN = [
    Own(
        "sklearn.metrics.tests.test_classification",
        SCORES,
        at_least=240,
        different={
            "test_confusion_matrix_dtype": "wants int64 weights to overflow to -2; here they become float64",
            "test_log_loss_y_pred_deprecation": DEPRECATED,
            "test_classification_report_labels_target_names_unequal_length": "an error here, a warning and lost rows there",
            "test_brier_score_loss_binary": INDICATOR,
        },
    ),
    Own(
        "sklearn.metrics.tests.test_ranking",
        SCORES,
        at_least=240,
        different={"test_confusion_matrix_at_thresholds_positional_args_deprecation": DEPRECATED},
    ),
    Own("sklearn.metrics.tests.test_regression", SCORES, at_least=25),
    Own(
        "sklearn.metrics.tests.test_common",
        SCORES,
        at_least=1600,
        different={
            "test_sample_order_invariance_multilabel_and_multioutput": INDICATOR,
            **{
                f"test_{about}[{score}]": INDICATOR
                for about in (
                    "multilabel_sample_weight_invariance",
                    "continuous_multilabel_multioutput_permutations_invariance",
                )
                for score in (
                    "brier_score_loss",
                    "d2_brier_score",
                    "d2_log_loss_score",
                    "log_loss",
                    "unnormalized_log_loss",
                )
            },
        },
    ),
    Own("sklearn.metrics.cluster.tests", SCORES, at_least=185),
    Own("sklearn.tests.test_calibration", SCORES, at_least=5, chosen="curve"),
]
