"""scikit-learn's own tests of its scores, run with barehand's in their place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

INDICATOR = "no log loss and no Brier score of samples with several labels"
DEPRECATED = "the deprecated argument is not there"

# What fails, and why it may.
DIFFERENT = {
    "tests.test_classification": {
        "test_confusion_matrix_dtype": "wants int64 weights to overflow to -2; here they become float64",
        "test_log_loss_y_pred_deprecation": DEPRECATED,
        "test_classification_report_labels_target_names_unequal_length": "an error here, a warning and lost rows there",
        "test_brier_score_loss_binary": INDICATOR,
    },
    "tests.test_ranking": {"test_confusion_matrix_at_thresholds_positional_args_deprecation": DEPRECATED},
    "tests.test_regression": {},
    "tests.test_common": {
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
    "cluster.tests": {},
}


# NumPy's arrays only; others are what `array_api` is about.
@pytest.mark.parametrize(
    ("module", "at_least"),
    [
        ("tests.test_classification", 240),
        ("tests.test_ranking", 240),
        ("tests.test_regression", 25),
        ("tests.test_common", 1600),
        ("cluster.tests", 185),
    ],
)
def test_scikit_learns_own(module, at_least):
    command = [sys.executable, "-m", "pytest", "-p", "sklearn_substitution", "-p", "no:cacheprovider", "-q", "-rf"]
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    # Scores take NumPy's arrays; this would ask for others, which the checks of estimators beside this want.
    environment.pop("SCIPY_ARRAY_API", None)
    done = subprocess.run(
        [*command, "--pyargs", f"sklearn.metrics.{module}", "-k", "not array_api"],
        env=environment,
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = set(re.findall(r"^FAILED \S*::(\S+)", done.stdout, flags=re.MULTILINE))
    assert failed == set(DIFFERENT[module]), done.stdout[-3000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) >= at_least, done.stdout[-3000:]
