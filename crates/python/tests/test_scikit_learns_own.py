"""scikit-learn's own tests of its scores, run with barehand's in their place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

SAMPLES = "no weights with average='samples'"
INDICATOR = "no log loss of samples with several labels"

# What fails, and why it may.
DIFFERENT = {
    "test_classification": {
        "test_confusion_matrix_dtype": "wants int64 weights to overflow to -2; here they become float64",
        "test_log_loss_y_pred_deprecation": "the deprecated argument is not there",
        "test_classification_report_labels_target_names_unequal_length": "an error here, a warning and lost rows there",
        "test_multilabel_classification_report": "no report of samples with several labels",
    },
    "test_ranking": {},
    "test_common": {
        "test_continuous_multilabel_multioutput_permutations_invariance[log_loss]": INDICATOR,
        "test_continuous_multilabel_multioutput_permutations_invariance[unnormalized_log_loss]": INDICATOR,
        "test_multilabel_sample_weight_invariance[log_loss]": INDICATOR,
        "test_multilabel_sample_weight_invariance[unnormalized_log_loss]": INDICATOR,
        "test_multilabel_sample_weight_invariance[samples_f0.5_score]": SAMPLES,
        "test_multilabel_sample_weight_invariance[samples_f1_score]": SAMPLES,
        "test_multilabel_sample_weight_invariance[samples_f2_score]": SAMPLES,
        "test_multilabel_sample_weight_invariance[samples_precision_score]": SAMPLES,
        "test_multilabel_sample_weight_invariance[samples_recall_score]": SAMPLES,
    },
}
OURS = "(accuracy or f1 or f2 or f0 or precision or recall or log_loss or confusion or top_k) and not array_api"


@pytest.mark.parametrize(
    ("module", "chosen", "at_least"),
    [("test_classification", "", 240), ("test_ranking", "top_k", 30), ("test_common", OURS, 600)],
)
def test_scikit_learns_own(module, chosen, at_least):
    command = [sys.executable, "-m", "pytest", "-p", "sklearn_substitution", "-p", "no:cacheprovider", "-q", "-rf"]
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    # Scores take NumPy's arrays; this would ask for others, which the checks of estimators beside this want.
    environment.pop("SCIPY_ARRAY_API", None)
    done = subprocess.run(
        [*command, "--pyargs", f"sklearn.metrics.tests.{module}", "-k", chosen],
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
