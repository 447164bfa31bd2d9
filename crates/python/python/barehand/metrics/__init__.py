"""Scores of predictions, with scikit-learn's names, arguments, defaults and edge cases, counted in Rust.

Labels may be numbers, bools or strings, in lists, arrays, tensors or columns of data frames. Scores are Python floats, or
NumPy arrays where there is one for each class. scikit-learn need not be installed.

>>> from barehand.metrics import accuracy_score, f1_score, roc_auc_score
>>> accuracy_score(["cat", "dog", "dog"], ["cat", "dog", "cat"])
0.6666666666666666
>>> f1_score(["cat", "dog", "dog"], ["cat", "dog", "cat"], pos_label="dog")
0.6666666666666666
>>> roc_auc_score(["cat", "dog", "dog"], [0.2, 0.9, 0.1])
0.5

Narrower than scikit-learn's: negative weights are refused; so are, of samples with several labels at once (indicator
matrices), a report and ``average="samples"`` with weights.
"""

from barehand.metrics._accuracy import accuracy_score, balanced_accuracy_score
from barehand.metrics._classification_report import classification_report
from barehand.metrics._confusion_matrix import confusion_matrix
from barehand.metrics._curves import (
    auc,
    average_precision_score,
    confusion_matrix_at_thresholds,
    det_curve,
    precision_recall_curve,
    roc_curve,
)
from barehand.metrics._log_loss import log_loss
from barehand.metrics._precision_recall import (
    f1_score,
    fbeta_score,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
)
from barehand.metrics._regression import (
    d2_absolute_error_score,
    d2_pinball_score,
    d2_tweedie_score,
    explained_variance_score,
    max_error,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    mean_squared_log_error,
    mean_tweedie_deviance,
    median_absolute_error,
    r2_score,
    root_mean_squared_error,
    root_mean_squared_log_error,
)
from barehand.metrics._roc_auc import roc_auc_score
from barehand.metrics._scorer import SCORERS, check_scoring, get_scorer, get_scorer_names, make_scorer
from barehand.metrics._top_k_accuracy import top_k_accuracy_score

__all__ = [
    "SCORERS",
    "accuracy_score",
    "auc",
    "average_precision_score",
    "balanced_accuracy_score",
    "check_scoring",
    "classification_report",
    "confusion_matrix",
    "confusion_matrix_at_thresholds",
    "d2_absolute_error_score",
    "d2_pinball_score",
    "d2_tweedie_score",
    "det_curve",
    "explained_variance_score",
    "f1_score",
    "fbeta_score",
    "get_scorer",
    "get_scorer_names",
    "log_loss",
    "make_scorer",
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_gamma_deviance",
    "mean_pinball_loss",
    "mean_poisson_deviance",
    "mean_squared_error",
    "mean_squared_log_error",
    "mean_tweedie_deviance",
    "median_absolute_error",
    "precision_recall_curve",
    "precision_recall_fscore_support",
    "precision_score",
    "r2_score",
    "recall_score",
    "roc_auc_score",
    "roc_curve",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
    "top_k_accuracy_score",
]
