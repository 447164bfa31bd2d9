"""Scores of predictions, with scikit-learn's names, arguments, defaults and edge cases, counted in Rust.

Labels may be numbers, bools or strings, in lists, arrays, tensors or columns of data frames. Scores are Python floats, or
NumPy arrays where there is one for each class. scikit-learn need not be installed.

>>> from barehand.metrics import accuracy_score, f1_score
>>> accuracy_score(["cat", "dog", "dog"], ["cat", "dog", "cat"])
0.6666666666666666
>>> f1_score(["cat", "dog", "dog"], ["cat", "dog", "cat"], pos_label="dog")
0.6666666666666666

Narrower than scikit-learn's: negative weights are refused; so are, of samples with several labels at once (indicator
matrices), a report and ``average="samples"`` with weights.
"""

from barehand.metrics._accuracy import accuracy_score, balanced_accuracy_score
from barehand.metrics._classification_report import classification_report
from barehand.metrics._confusion_matrix import confusion_matrix
from barehand.metrics._log_loss import log_loss
from barehand.metrics._precision_recall import (
    f1_score,
    fbeta_score,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
)
from barehand.metrics._top_k_accuracy import top_k_accuracy_score

__all__ = [
    "accuracy_score",
    "balanced_accuracy_score",
    "classification_report",
    "confusion_matrix",
    "f1_score",
    "fbeta_score",
    "log_loss",
    "precision_recall_fscore_support",
    "precision_score",
    "recall_score",
    "top_k_accuracy_score",
]
