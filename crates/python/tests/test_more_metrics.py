"""Curves, areas, scores of numbers, clusters and rankings beside scikit-learn's, on whatever data; scorers; text; boxes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sklearn.metrics
from barehand import metrics
from barehand.exceptions import UndefinedMetricWarning
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score
from test_metrics import outcome

SETTINGS = settings(max_examples=100, deadline=None)
LABELS = {"numbers": [0, 1], "signs": [-1, 1], "strings": ["no", "yes"], "bools": [False, True], "floats": [0.0, 1.0]}


def assert_same(name, *args, **kwargs):
    """The same values and kinds of warning, or the same kind of error."""
    ours, our_warnings = outcome(getattr(metrics, name), *args, **kwargs)
    theirs, their_warnings = outcome(getattr(sklearn.metrics, name), *args, **kwargs)
    if isinstance(theirs, Exception):
        assert isinstance(ours, (ValueError, TypeError)), f"{ours!r} where scikit-learn raises {theirs!r}"
        return
    if isinstance(ours, Exception):
        raise AssertionError(f"{theirs!r} expected") from ours
    for a, b in zip(*((x if isinstance(x, tuple) else (x,)) for x in (ours, theirs)), strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    undefined = [
        {kind for kind, _ in caught if kind is UndefinedMetricWarning} for caught in (our_warnings, their_warnings)
    ]
    assert undefined[0] == undefined[1]


@st.composite
def scored(draw):
    """Labels of two kinds (or one), scores with ties, weights or None, the positive label."""
    kind = draw(st.sampled_from(sorted(LABELS)))
    n = draw(st.integers(1, 15))
    y = np.array(draw(st.lists(st.sampled_from(LABELS[kind]), min_size=n, max_size=n)))
    values = st.sampled_from([-1.5, -0.0, 0.0, 0.5, 0.5000000001, 1e300]) | st.floats(-2, 2, width=32)
    scores = np.array(draw(st.lists(values, min_size=n, max_size=n)))
    weights = draw(st.none() | st.lists(st.integers(0, 3), min_size=n, max_size=n).filter(any).map(np.array))
    return y, scores, weights, LABELS[kind][1]


@SETTINGS
@given(scored(), st.booleans())
def test_curves(data, drop):
    y, scores, weights, positive = data
    if weights is not None and len(np.unique(y[weights > 0])) < 2:
        weights = None
    for name in ("roc_curve", "precision_recall_curve"):
        assert_same(name, y, scores, pos_label=positive, sample_weight=weights, drop_intermediate=drop)
    if len(np.unique(y)) == 2:
        options = {"pos_label": positive, "sample_weight": weights, "drop_intermediate": drop}
        assert_same("det_curve", y, scores, **options)
    assert_same("average_precision_score", y, scores, pos_label=positive, sample_weight=weights)


@SETTINGS
@given(scored(), st.sampled_from([None, 0.3, 1.0]))
def test_area(data, max_fpr):
    y, scores, weights, _ = data
    if weights is not None and len(np.unique(y[weights > 0])) < 2:
        weights = None
    assert_same("roc_auc_score", y, scores, sample_weight=weights, max_fpr=max_fpr)


def test_an_area_of_one_class_is_not_a_number():
    with pytest.warns(UndefinedMetricWarning, match="Only one class is present in y_true"):
        assert np.isnan(metrics.roc_auc_score([1, 1, 1], [0.1, 0.2, 0.3]))
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(metrics.roc_auc_score([[1, 0], [1, 1]], [[0.1, 0.2], [0.3, 0.4]]))


@SETTINGS
@given(
    st.data(),
    st.sampled_from(["raw_values", "uniform_average", "variance_weighted", None]),
    st.sampled_from([np.float64, np.float32, np.int64]),
)
def test_scores_of_numbers(data, outputs, dtype):
    n, k = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 3))
    numbers = st.lists(st.integers(-3, 3), min_size=n * k, max_size=n * k)
    y_true, y_pred = (np.array(data.draw(numbers), dtype=dtype).reshape(n, k) for _ in range(2))
    weights = data.draw(st.none() | st.lists(st.floats(0.01, 10), min_size=n, max_size=n))
    if outputs is None:
        # Of one output some of scikit-learn's take weights, and some do not.
        k = max(k, 2)
        n = len(y_true) * y_true.shape[1] // k
        y_true, y_pred = (y.ravel()[: n * k].reshape(n, k) for y in (y_true, y_pred))
        weights = None if weights is None or len(weights) < n else weights[:n]
        outputs = data.draw(st.lists(st.floats(0.1, 2), min_size=k, max_size=k))
    for name in ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "median_absolute_error",
                 "r2_score", "explained_variance_score", "mean_pinball_loss"):  # fmt: skip
        ours, theirs = (
            outcome(getattr(module, name), y_true, y_pred, sample_weight=weights, multioutput=outputs)[0]
            for module in (metrics, sklearn.metrics)
        )
        if isinstance(theirs, Exception):
            assert isinstance(ours, (ValueError, TypeError)), name
        elif dtype != np.float32:
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


@SETTINGS
@given(st.data())
def test_comparisons_of_clusterings(data):
    n = data.draw(st.integers(1, 12))
    labels = st.sampled_from([[0, 1, 2], ["a", "b", "c"], [-5, 2**40, 7]])
    a, b = (data.draw(labels.flatmap(lambda of: st.lists(st.sampled_from(of), min_size=n, max_size=n))) for _ in "ab")
    a, b = np.array(a), np.array(b)
    for name in ("rand_score", "adjusted_rand_score", "mutual_info_score", "v_measure_score", "fowlkes_mallows_score",
                 "normalized_mutual_info_score", "pair_confusion_matrix"):  # fmt: skip
        assert_same(name, a, b)
    ours, theirs = (module.adjusted_mutual_info_score(a, b) for module in (metrics, sklearn.metrics))
    if abs(theirs) < 1e6 and n > 2 and len(np.unique(a)) < n > len(np.unique(b)):  # else 0/0
        assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("metric", ["euclidean", "l1", "cosine", "precomputed", lambda a, b: abs(a - b).max()])
def test_silhouettes(metric):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    if metric == "precomputed":
        X = abs(X[:, :1] - X[:, 0])
    labels = rng.integers(0, 4, 40).astype(str)
    assert_same("silhouette_samples", X, labels, metric=metric)
    assert_same("silhouette_score", X, labels, metric=metric, sample_size=30, random_state=3)


SCORERS = sorted(set(metrics.get_scorer_names()) & set(sklearn.metrics.get_scorer_names()))


def test_scorers_have_scikit_learns_names():
    assert metrics.get_scorer_names() == sklearn.metrics.get_scorer_names()


@pytest.mark.parametrize("name", SCORERS)
def test_scorers_score_as_scikit_learns_do(name):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 3))
    if name.startswith(("neg_m", "neg_root", "r2", "explained", "d2_abs")):
        y = abs(X @ [1.0, 2.0, -1.0] + rng.normal(size=60)) + 4
        estimator = LinearRegression().fit(X, y)
    else:
        y = (X[:, 0] + rng.normal(size=60) > 0).astype(int) + (X[:, 1] > 1) * ("ov" in name)
        estimator = LogisticRegression().fit(X, y)
    ours, theirs = (module.get_scorer(name) for module in (metrics, sklearn.metrics))
    assert repr(ours) == repr(theirs)
    scores = [outcome(scorer, estimator, X, y)[0] for scorer in (ours, theirs)]
    if isinstance(scores[1], Exception):
        assert isinstance(scores[0], type(scores[1]))
    else:
        assert scores[0] == pytest.approx(scores[1], abs=1e-9)
        assert pickle.loads(pickle.dumps(ours))(estimator, X, y) == scores[0]


def test_scorers_work_in_scikit_learns_model_selection():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(50, 2)), rng.integers(0, 2, 50)
    ours = cross_val_score(LogisticRegression(), X, y, scoring=metrics.get_scorer("roc_auc"))
    np.testing.assert_allclose(ours, cross_val_score(LogisticRegression(), X, y, scoring="roc_auc"))


def test_several_scorers_at_once():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(50, 2)), rng.integers(0, 2, 50)
    estimator = LogisticRegression().fit(X, y)
    scorer = metrics.check_scoring(estimator, ["accuracy", "roc_auc", "neg_log_loss"])
    scores = scorer(estimator, X, y)
    theirs = sklearn.metrics.check_scoring(estimator, ["accuracy", "roc_auc", "neg_log_loss"])
    assert scores == pytest.approx(theirs(estimator, X, y))
    assert metrics.check_scoring(estimator)(estimator, X, y) == estimator.score(X, y)
    broken = metrics.check_scoring(estimator, {"bad": lambda *_: 1 / 0}, raise_exc=False)(estimator, X, y)
    assert "ZeroDivisionError" in broken["bad"]
    for wrong, error in ((["accuracy", "accuracy"], ValueError), ([], ValueError), ({}, ValueError), ("nope", ValueError),
                         ([metrics.accuracy_score], ValueError), (metrics.accuracy_score, ValueError)):  # fmt: skip
        with pytest.raises(error):
            metrics.check_scoring(estimator, wrong)
    with pytest.raises(TypeError, match="should have a 'score' method"):
        metrics.check_scoring(type("Fits", (), {"fit": lambda self: self})())


def test_scorers_ask_for_the_positive_class():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(50, 2)), np.where(rng.normal(size=50) > 0, "no", "yes")
    estimator = LogisticRegression().fit(X, y)
    for positive in ("no", "yes"):
        ours, theirs = (
            module.make_scorer(
                module.average_precision_score, response_method=("decision_function",), pos_label=positive
            )(estimator, X, y)
            for module in (metrics, sklearn.metrics)
        )
        assert ours == pytest.approx(theirs)


def test_rankings_of_documents():
    relevant, scores = [[0, 1, 0, 1]], [[0.9, 0.5, 0.5, 0.1]]
    # The two in the middle have no order: the first relevant is second or third.
    assert metrics.mean_reciprocal_rank(relevant, scores) == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert metrics.recall_at_k(relevant, scores, k=2) == 0.25
    assert metrics.hit_rate(relevant, scores, k=2) == 0.5
    constant = metrics.hit_rate([[1, 0, 0, 0]], [[0.5] * 4], k=1)
    assert constant == 0.25  # what guessing gets
    with pytest.raises(ValueError, match="0 and 1"):
        metrics.recall_at_k([[0, 2]], [[0.1, 0.2]], k=1)
    with pytest.raises(ValueError, match="must be an int"):
        metrics.recall_at_k([[0, 1]], [[0.1, 0.2]], k=0)


def test_text():
    score = metrics.bleu_score(
        ["the the the the the the the"], [["the cat is on the mat", "there is a cat on the mat"]]
    )
    assert score.precisions[0] == 2 / 7  # Papineni's example: clipped, not 7/7
    assert metrics.corpus_bleu(["a b"], [["a b c"]], max_order=1) == pytest.approx(np.exp(1 - 3 / 2))
    one = {"translations": ["a b"], "references": [["a c"]], "effective_order": True}
    assert metrics.corpus_bleu(**one) == 0
    assert metrics.corpus_bleu(**one, smoothing="exp") == pytest.approx((1 / 2 * 1 / 2) ** 0.5)
    for wrong in (lambda: metrics.bleu_score("a b", [["a"]]), lambda: metrics.bleu_score(["a"], ["a"])):
        with pytest.raises(TypeError, match="a list of texts"):
            wrong()
    with pytest.raises(ValueError, match="no reference"):
        metrics.bleu_score(["a"], [[]])
    with pytest.raises(ValueError, match="takes no smoothing_value"):
        metrics.bleu_score(["a"], [["a"]], smoothing_value=1)
    assert metrics.perplexity(np.zeros((2, 3, 5)), [[0, 1, 2], [3, 4, -100]], ignore_index=-100) == pytest.approx(5)
    with pytest.raises(IndexError, match="target 5"):
        metrics.perplexity(np.zeros((1, 5)), [5])


def test_boxes():
    truth = {"boxes": [[0, 0, 10, 10], [20, 20, 30, 30]], "labels": [0, 1]}
    none = {"boxes": [], "scores": [], "labels": []}
    assert metrics.mean_average_precision([none], [truth])["map"] == 0
    found = {**truth, "scores": [0.5, 0.9]}
    assert metrics.mean_average_precision([found], [truth])["map_per_class"] == [1.0, 1.0]
    assert np.isnan(metrics.mean_average_precision([found], [{"boxes": [], "labels": []}])["map"])
    assert metrics.mean_average_precision([found], [truth], iou_thresholds=[0.5])["map"] == 1
    for wrong, message in (
        ({**found, "scores": [0.5]}, "scores"),
        ({**found, "boxes": [[0, 0, -1, 5], [0, 0, 1, 1]]}, "ends before it starts"),
        ({**found, "boxes": [[0, 0, 1], [0, 0, 1]]}, "expected boxes"),
    ):
        with pytest.raises(ValueError, match=message):
            metrics.mean_average_precision([wrong], [truth])
    with pytest.raises(ValueError, match="1 images of predictions"):
        metrics.mean_average_precision([found], [])
