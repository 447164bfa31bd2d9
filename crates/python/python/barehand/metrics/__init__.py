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

Narrower than scikit-learn's: negative weights are refused, silhouettes know four distances (and any function), and the log
loss takes no indicator matrices. Beyond it: scores of search (`mean_reciprocal_rank`, `mean_average_precision_at_k`,
`recall_at_k`, `hit_rate`), of text (`bleu_score`, `corpus_bleu`, `perplexity`) and of detected boxes
(`mean_average_precision`).
"""

from barehand.metrics import cluster as cluster
from barehand.metrics._accuracy import accuracy_score, balanced_accuracy_score
from barehand.metrics._agreement import class_likelihood_ratios, cohen_kappa_score, matthews_corrcoef
from barehand.metrics._brier_score import brier_score_loss, d2_brier_score
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
from barehand.metrics._detection import mean_average_precision
from barehand.metrics._hinge_loss import hinge_loss
from barehand.metrics._jaccard import jaccard_score
from barehand.metrics._log_loss import d2_log_loss_score, log_loss
from barehand.metrics._multilabel_confusion_matrix import multilabel_confusion_matrix
from barehand.metrics._precision_recall import (
    f1_score,
    fbeta_score,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
)
from barehand.metrics._ranking import (
    coverage_error,
    dcg_score,
    hit_rate,
    label_ranking_average_precision_score,
    label_ranking_loss,
    mean_average_precision_at_k,
    mean_reciprocal_rank,
    ndcg_score,
    recall_at_k,
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
from barehand.metrics._text import BleuScore, bleu_score, corpus_bleu, perplexity
from barehand.metrics._top_k_accuracy import top_k_accuracy_score
from barehand.metrics._zero_one import hamming_loss, zero_one_loss
from barehand.metrics.cluster import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    calinski_harabasz_score,
    completeness_score,
    davies_bouldin_score,
    fowlkes_mallows_score,
    homogeneity_completeness_v_measure,
    homogeneity_score,
    mutual_info_score,
    normalized_mutual_info_score,
    pair_confusion_matrix,
    rand_score,
    silhouette_samples,
    silhouette_score,
    v_measure_score,
)

__all__ = [
    "SCORERS",
    "BleuScore",
    "accuracy_score",
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "auc",
    "average_precision_score",
    "balanced_accuracy_score",
    "bleu_score",
    "brier_score_loss",
    "calinski_harabasz_score",
    "check_scoring",
    "class_likelihood_ratios",
    "classification_report",
    "cohen_kappa_score",
    "completeness_score",
    "confusion_matrix",
    "confusion_matrix_at_thresholds",
    "corpus_bleu",
    "coverage_error",
    "d2_absolute_error_score",
    "d2_brier_score",
    "d2_log_loss_score",
    "d2_pinball_score",
    "d2_tweedie_score",
    "davies_bouldin_score",
    "dcg_score",
    "det_curve",
    "explained_variance_score",
    "f1_score",
    "fbeta_score",
    "fowlkes_mallows_score",
    "get_scorer",
    "get_scorer_names",
    "hamming_loss",
    "hinge_loss",
    "hit_rate",
    "homogeneity_completeness_v_measure",
    "homogeneity_score",
    "jaccard_score",
    "label_ranking_average_precision_score",
    "label_ranking_loss",
    "log_loss",
    "make_scorer",
    "matthews_corrcoef",
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_average_precision",
    "mean_average_precision_at_k",
    "mean_gamma_deviance",
    "mean_pinball_loss",
    "mean_poisson_deviance",
    "mean_reciprocal_rank",
    "mean_squared_error",
    "mean_squared_log_error",
    "mean_tweedie_deviance",
    "median_absolute_error",
    "multilabel_confusion_matrix",
    "mutual_info_score",
    "ndcg_score",
    "normalized_mutual_info_score",
    "pair_confusion_matrix",
    "perplexity",
    "precision_recall_curve",
    "precision_recall_fscore_support",
    "precision_score",
    "r2_score",
    "rand_score",
    "recall_at_k",
    "recall_score",
    "roc_auc_score",
    "roc_curve",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
    "silhouette_samples",
    "silhouette_score",
    "top_k_accuracy_score",
    "v_measure_score",
    "zero_one_loss",
]
