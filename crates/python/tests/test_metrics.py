"""`barehand.metrics` beside `sklearn.metrics`: the same values, warnings and kinds of error on whatever labels."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import sklearn.metrics
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import barehand
from barehand import metrics
from barehand.exceptions import InvalidParameterError, UndefinedMetricWarning

ALPHABETS = {
    "int": [-7, 0, 1, 2, 9],
    "large": [2**62, -(2**62), 3],
    "bool": [False, True],
    "float": [-1.0, 0.0, 1.0, 2.0],
    "str": ["ant", "bee", "b", "Émile", "10"],
}


def as_array(values, alphabet):
    return np.array(values, dtype={"bool": bool, "float": float}.get(alphabet))


@st.composite
def predictions(draw, alphabets=tuple(ALPHABETS)):
    """True and predicted labels of one kind, weights or None."""
    alphabet = draw(st.sampled_from(alphabets))
    letters = st.sampled_from(ALPHABETS[alphabet])
    n = draw(st.integers(1, 12))
    y_true = as_array(draw(st.lists(letters, min_size=n, max_size=n)), alphabet)
    y_pred = as_array(draw(st.lists(letters, min_size=n, max_size=n)), alphabet)
    weights = st.lists(st.integers(0, 3) | st.floats(0.01, 10), min_size=n, max_size=n).filter(any)
    return y_true, y_pred, draw(st.none() | weights.map(np.array)), alphabet


@st.composite
def label_lists(draw, alphabet):
    """None, or some labels in any order, ones that do not occur among them."""
    letters = ALPHABETS[alphabet]
    some = st.lists(st.sampled_from(letters), min_size=1, max_size=len(letters), unique=True)
    return draw(st.none() | some.map(lambda labels: as_array(labels, alphabet)))


def outcome(function, *args, **kwargs):
    """What a call returns or raises, and what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            result = error
    return result, {(warning.category, str(warning.message)) for warning in caught}


def assert_same(function, *args, **kwargs):
    """The same values, bit for bit where there are no weights to add up, the same warnings, or the same kind of error."""
    ours, our_warnings = outcome(getattr(metrics, function), *args, **kwargs)
    theirs, their_warnings = outcome(getattr(sklearn.metrics, function), *args, **kwargs)
    if isinstance(theirs, Exception):
        kind = next(kind for kind in (ValueError, TypeError) if isinstance(theirs, kind))
        assert isinstance(ours, kind), f"{ours!r} where scikit-learn raises {theirs!r}"
        return
    if isinstance(ours, Exception):
        raise AssertionError(f"{theirs!r} expected") from ours
    exact = kwargs.get("sample_weight") is None
    for a, b in zip(*((x if isinstance(x, tuple) else (x,)) for x in (ours, theirs)), strict=True):
        assert type(a) is type(b)
        if isinstance(a, np.ndarray):
            # scikit-learn forgets that supports are whole numbers where no prediction at all is right.
            assert (a.dtype == b.dtype or not (args[0] == args[1]).any()) and a.shape == b.shape and a.flags.writeable
        if isinstance(a, (np.ndarray, float)):
            np.testing.assert_allclose(a, b, rtol=2e-15 if exact else 1e-13, atol=0)
        else:
            assert a == b
    if function == "classification_report":
        our_warnings, their_warnings = (
            {(kind, text.split(" being set")[0]) for kind, text in caught} for caught in (our_warnings, their_warnings)
        )  # scikit-learn warns once more where an average is undefined too
    assert our_warnings == their_warnings


SETTINGS = settings(max_examples=100, deadline=None)


@SETTINGS
@given(predictions(), st.booleans())
def test_accuracy(data, flag):
    y_true, y_pred, weight, _ = data
    assert_same("accuracy_score", y_true, y_pred, normalize=flag, sample_weight=weight)


@SETTINGS
@given(predictions(), st.booleans())
def test_balanced_accuracy(data, flag):
    y_true, y_pred, weight, _ = data
    # One class adjusted for chance is 0/0; scikit-learn's NumPy warns of it.
    assume(not flag or len(np.unique(y_true if weight is None else y_true[weight > 0])) > 1)
    # scikit-learn makes a confusion matrix, which warns of a single label in a shape that nobody sees here.
    assume(len(np.unique(np.r_[y_true, y_pred])) > 1)
    assert_same("balanced_accuracy_score", y_true, y_pred, adjusted=flag, sample_weight=weight)


@SETTINGS
@given(st.data(), st.sampled_from([None, "true", "pred", "all"]))
def test_confusion_matrix(data, normalize):
    y_true, y_pred, weight, alphabet = data.draw(predictions())
    labels = data.draw(label_lists(alphabet))
    assert_same("confusion_matrix", y_true, y_pred, labels=labels, sample_weight=weight, normalize=normalize)


@SETTINGS
@given(
    st.data(),
    st.sampled_from([None, "binary", "micro", "macro", "weighted"]),
    st.sampled_from(["warn", 0, 1, 0.0, 1.0, np.nan]),
    st.sampled_from([0, 0.3, 1, 2.0, np.inf]),
)
def test_precision_recall_and_f(data, average, zero_division, beta):
    y_true, y_pred, weight, alphabet = data.draw(predictions())
    options = {
        "labels": data.draw(label_lists(alphabet)),
        "pos_label": data.draw(st.sampled_from([1, *ALPHABETS[alphabet]])),
        "average": average,
        "sample_weight": weight,
        "zero_division": zero_division,
    }
    assert_same("precision_recall_fscore_support", y_true, y_pred, beta=beta, **options)
    assert_same("precision_score", y_true, y_pred, **options)
    assert_same("recall_score", y_true, y_pred, **options)
    assert_same("f1_score", y_true, y_pred, **options)
    assert_same("fbeta_score", y_true, y_pred, beta=beta, **options)


@st.composite
def indicators(draw):
    n, columns = draw(st.integers(1, 6)), draw(st.integers(2, 4))
    entries = st.lists(st.integers(0, 1), min_size=n * columns, max_size=n * columns)
    matrix = entries.map(lambda entries: np.array(entries).reshape(n, columns))
    form = draw(st.sampled_from([np.asarray, scipy.sparse.csr_array, scipy.sparse.coo_matrix, np.ndarray.tolist]))
    weights = st.lists(st.floats(0.01, 10), min_size=n, max_size=n)
    labels = st.lists(st.integers(0, columns - 1), min_size=1, unique=True)
    return form(draw(matrix)), form(draw(matrix)), draw(st.none() | weights.map(np.array)), draw(st.none() | labels)


@SETTINGS
@given(
    indicators(),
    st.sampled_from([None, "micro", "macro", "weighted", "samples"]),
    st.sampled_from(["warn", 0, 1, np.nan]),
    st.sampled_from([0.5, 1]),
)
def test_several_labels(data, average, zero_division, beta):
    y_true, y_pred, weight, labels = data
    options = {"labels": labels, "average": average, "sample_weight": weight, "zero_division": zero_division}
    assert_same("precision_recall_fscore_support", y_true, y_pred, beta=beta, **options)
    assert_same("f1_score", y_true, y_pred, **options)
    assert_same("accuracy_score", y_true, y_pred, sample_weight=weight)


@SETTINGS
@given(st.data(), st.booleans(), st.integers(0, 5), st.sampled_from(["warn", 0, 1, np.nan]))
def test_classification_report(data, output_dict, digits, zero_division):
    y_true, y_pred, weight, alphabet = data.draw(predictions())
    labels = data.draw(label_lists(alphabet))
    names = data.draw(
        st.none() | st.just([f"name {label}" for label in (ALPHABETS[alphabet] if labels is None else labels)])
    )
    options = {"labels": labels, "target_names": names, "digits": digits, "zero_division": zero_division}
    if output_dict:
        options |= {"output_dict": True, "sample_weight": weight}
        ours, _ = outcome(metrics.classification_report, y_true, y_pred, **options)
        theirs, _ = outcome(sklearn.metrics.classification_report, y_true, y_pred, **options)
        if isinstance(theirs, Exception):
            assert isinstance(ours, ValueError)
            return
        assert list(ours) == list(theirs)
        for name, row in theirs.items():
            np.testing.assert_allclose(pd.Series(ours[name]), pd.Series(row), rtol=1e-13, atol=0)
    else:
        # With weights scikit-learn prints supports with all their digits; here they get the scores' digits. Where no
        # prediction is right it prints 3.0 for 3.
        assume((y_true == y_pred).any())
        assert_same("classification_report", y_true, y_pred, **options)


@SETTINGS
@given(st.data(), st.booleans(), st.sampled_from([np.float64, np.float32]))
def test_log_loss(data, normalize, dtype):
    y_true, _, weight, alphabet = data.draw(predictions())
    labels = data.draw(label_lists(alphabet))
    classes = len(np.unique(y_true if labels is None else labels))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    columns = data.draw(st.sampled_from([classes, 2, 3]))
    proba = rng.random((len(y_true), columns)) ** data.draw(st.sampled_from([1, 4]))
    if data.draw(st.booleans()):
        proba = (proba == proba.max(axis=1, keepdims=True)).astype(float)
    if data.draw(st.sampled_from([True, True, True, False])):
        proba /= proba.sum(axis=1, keepdims=True)
    if columns == 2:
        proba = data.draw(st.sampled_from([proba, proba[:, 1], proba[:, 1:]]))
    options = {"normalize": normalize, "sample_weight": weight, "labels": labels}
    if dtype is np.float64:
        assert_same("log_loss", y_true, proba.astype(dtype), **options)
        return
    # scikit-learn takes float32 logarithms of float32 probabilities, barehand the logarithm itself.
    ours, _ = outcome(metrics.log_loss, y_true, proba.astype(dtype), **options)
    theirs, _ = outcome(sklearn.metrics.log_loss, y_true, proba.astype(dtype), **options)
    if isinstance(theirs, Exception):
        assert isinstance(ours, ValueError)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-6)


@SETTINGS
@given(st.data(), st.integers(1, 5), st.booleans())
def test_top_k_accuracy(data, k, normalize):
    y_true, _, weight, alphabet = data.draw(predictions())
    labels = data.draw(label_lists(alphabet))
    classes = len(np.unique(y_true if labels is None else labels))
    columns = data.draw(st.sampled_from([classes, classes, 2, 3]))
    values = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0])  # with ties
    score = np.array(data.draw(st.lists(values, min_size=len(y_true) * columns, max_size=len(y_true) * columns)))
    score = score.reshape(len(y_true), columns)
    if columns <= 2:
        score = data.draw(st.sampled_from([score, score[:, 0], score[:, :1]]))
    assert_same("top_k_accuracy_score", y_true, score, k=k, normalize=normalize, sample_weight=weight, labels=labels)


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "column": lambda y: np.array(y).reshape(-1, 1),
    "int8": lambda y: np.array(y, dtype=np.int8),
    "uint64": lambda y: np.array(y, dtype=np.uint64),
    "big endian": lambda y: np.array(y, dtype=">i4"),
    "float32": lambda y: np.array(y, dtype=np.float32),
    "strided": lambda y: np.repeat(np.array(y), 2)[::2],
    "backwards": lambda y: np.array(y[::-1])[::-1],
    "pandas": pd.Series,
    "nullable": lambda y: pd.Series(y, dtype="Int64"),
    "polars": pl.Series,
    "strings": lambda y: np.array([f"c{label}" for label in y]),
    "objects": lambda y: np.array([f"c{label}" for label in y], dtype=object),
    "pandas strings": lambda y: pd.Series([f"c{label}" for label in y]),
    "categories": lambda y: pd.Series([f"c{label}" for label in y], dtype="category"),
}
Y_TRUE, Y_PRED = [0, 1, 2, 2, 1, 0, 2], [0, 2, 2, 1, 1, 0, 2]


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(container):
    y_true, y_pred = CONTAINERS[container](Y_TRUE), CONTAINERS[container](Y_PRED)
    assert metrics.accuracy_score(y_true, y_pred) == 5 / 7
    assert_same("confusion_matrix", y_true, y_pred)
    assert_same("f1_score", y_true, y_pred, average=None)
    if container != "nullable":  # whose classes scikit-learn calls 0.0, 1.0, ...
        assert_same("classification_report", y_true, y_pred)


def test_tensors():
    y_true, y_pred = barehand.tensor(Y_TRUE), barehand.tensor(Y_PRED)
    assert metrics.accuracy_score(y_true, y_pred) == 5 / 7
    logits = barehand.tensor([[0.9, 0.1], [0.2, 0.8]])
    assert metrics.log_loss(barehand.tensor([0, 1]), logits) == pytest.approx(-np.log([0.9, 0.8]).mean(), rel=1e-6)


def test_read_only_memory_is_looked_at_where_it_lies(tmp_path):
    np.save(tmp_path / "y.npy", np.array(Y_TRUE))
    y = np.load(tmp_path / "y.npy", mmap_mode="r")
    assert metrics.accuracy_score(y, Y_PRED) == 5 / 7


# What scikit-learn does not have, and what is no function.
OWN = {
    "BleuScore",
    "SCORERS",
    "bleu_score",
    "corpus_bleu",
    "hit_rate",
    "mean_average_precision",
    "mean_average_precision_at_k",
    "mean_reciprocal_rank",
    "perplexity",
    "recall_at_k",
}


def theirs_of(name):
    return getattr(sklearn.metrics, name, None) or getattr(sklearn.metrics.cluster, name)


@pytest.mark.parametrize("name", sorted({*metrics.__all__, *metrics.cluster.__all__} - OWN))
def test_signatures_are_scikit_learns(name):
    ours = inspect.signature(getattr(metrics, name, None) or getattr(metrics.cluster, name)).parameters
    theirs = dict(inspect.signature(theirs_of(name)).parameters)
    theirs.pop("kwds", None)  # options of distances that we do not have
    if name in ("log_loss", "d2_log_loss_score"):
        theirs.pop("y_pred")  # deprecated, and with it y_proba's default
        assert theirs["y_proba"].default is None
        theirs["y_proba"] = theirs["y_proba"].replace(default=inspect.Parameter.empty)
    assert [(p.name, p.kind, p.default) for p in ours.values()] == [
        (p.name, p.kind, p.default) for p in theirs.values()
    ]


INDICATOR = np.array([[1, 0], [1, 1], [0, 1]])


@pytest.mark.parametrize(
    ("y_true", "y_pred", "options"),
    [
        ([], [], {}),
        ([0, 1], [0, 1, 1], {}),
        ([0, 1], [0, 1], {"sample_weight": [1]}),
        ([0, 1], [0, 1], {"sample_weight": [[1], [1]]}),
        ([0, 1], [0, 1], {"sample_weight": [0, 0]}),
        ([0, 1], [0, 1], {"sample_weight": [1, np.nan]}),
        ([0, 1], [0.5, 1], {}),
        ([0.2, 1], [0.5, 1], {}),
        ([0, np.nan], [0, 1], {}),
        ([0, 1, 2], [[0], [1]], {}),
        (["a", "b"], [0, 1], {}),
        ([0, 1], ["a", "b"], {}),
        ([b"a", b"b"], [b"a", b"b"], {}),
        ([[0, 1], [1]], [[0], [1]], {}),
        (np.array([1, 1], dtype=object), [0, 1], {}),
        ([0, 1j], [0, 1], {}),
        (INDICATOR, [0, 1, 1], {}),
        (np.arange(6).reshape(3, 2), np.arange(6).reshape(3, 2), {}),
        (INDICATOR[None], INDICATOR[None], {}),
        (None, [0, 1], {}),
        ("ab", "ab", {}),
        (3, 3, {}),
        (scipy.sparse.csr_array(INDICATOR), [0, 1, 1], {}),
        (INDICATOR, np.c_[INDICATOR, INDICATOR], {}),
        ([[0.5, 1], [1, 0]], [[0, 1], [1, 0]], {}),
    ],
)
def test_what_scikit_learn_refuses_is_refused(y_true, y_pred, options):
    for name in ("accuracy_score", "confusion_matrix", "f1_score", "classification_report"):
        theirs, _ = outcome(getattr(sklearn.metrics, name), y_true, y_pred, **options)
        assert isinstance(theirs, Exception), (name, theirs)
        assert_same(name, y_true, y_pred, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("accuracy_score", {"normalize": "yes"}),
        ("balanced_accuracy_score", {"adjusted": 3}),
        ("confusion_matrix", {"normalize": "rows"}),
        ("confusion_matrix", {"labels": []}),
        ("confusion_matrix", {"labels": [7, 8]}),
        ("f1_score", {"average": "mean"}),
        ("f1_score", {"average": "samples"}),
        ("f1_score", {"average": "binary"}),
        ("f1_score", {"zero_division": 0.5, "average": "macro"}),
        ("f1_score", {"zero_division": "nan", "average": "macro"}),
        ("f1_score", {"labels": 3, "average": "macro"}),
        ("fbeta_score", {"beta": -1, "average": "macro"}),
        ("fbeta_score", {"beta": None, "average": "macro"}),
        ("classification_report", {"digits": -1}),
        ("classification_report", {"digits": 1.5}),
        ("classification_report", {"target_names": ["one"]}),
        ("classification_report", {"output_dict": "yes"}),
    ],
)
def test_wrong_options_are_refused(name, options):
    theirs, _ = outcome(getattr(sklearn.metrics, name), Y_TRUE, Y_PRED, **options)
    assert isinstance(theirs, (ValueError, TypeError))
    assert_same(name, Y_TRUE, Y_PRED, **options)


@pytest.mark.parametrize(
    ("name", "args", "options"),
    [
        ("log_loss", ([0, 1], [[0.5, 1.5], [0.5, 0.5]]), {}),
        ("log_loss", ([0, 1], [[-0.5, 0.5], [0.5, 0.5]]), {}),
        ("log_loss", ([0, 1], [[np.nan, 0.5], [0.5, 0.5]]), {}),
        ("log_loss", ([0, 1], [[0.5, 0.5]]), {}),
        ("log_loss", ([0, 0], [[0.5, 0.5], [0.5, 0.5]]), {}),
        ("log_loss", ([0, 1], [[0.2, 0.3, 0.5]] * 2), {}),
        ("log_loss", ([0, 1], [[0.5, 0.5]] * 2), {"labels": [1, 2]}),
        ("log_loss", ([0, 0], [[0.5, 0.5]] * 2), {"labels": [0]}),
        ("log_loss", ([0, 0.5], [[0.5, 0.5]] * 2), {}),
        ("log_loss", ([0, 1], None), {}),
        ("top_k_accuracy_score", ([0, 1], [[0.5, 0.5]] * 2), {}),
        ("top_k_accuracy_score", ([0, 1, 2], [0.5] * 3), {}),
        ("top_k_accuracy_score", ([0, 1, 2], [[0.2, 0.3, 0.5]] * 3), {"labels": [2, 1, 0]}),
        ("top_k_accuracy_score", ([0, 1, 2], [[0.2, 0.3, 0.5]] * 3), {"labels": [0, 1, 1]}),
        ("top_k_accuracy_score", ([0, 1, 2], [[0.2, 0.3, 0.5]] * 3), {"labels": [0, 1, 3]}),
        ("top_k_accuracy_score", ([0, 1, 2], [[0.2, 0.3, 0.5]] * 3), {"k": 0}),
        ("top_k_accuracy_score", ([0, 1, 2], [[0.2, 0.3, np.inf]] * 3), {}),
        ("top_k_accuracy_score", ([0.5, 1, 2], [[0.2, 0.3, 0.5]] * 3), {}),
        ("top_k_accuracy_score", ([0, 1, 2], [[0.2, 0.3, 0.5]] * 2), {}),
    ],
)
def test_wrong_scores_are_refused(name, args, options):
    theirs, _ = outcome(getattr(sklearn.metrics, name), *args, **options)
    assert isinstance(theirs, (ValueError, TypeError))
    assert_same(name, *args, **options)


def test_labels_that_no_whole_number_is():
    for label in (0.5, float("inf"), float("nan"), 2**70, None):
        with pytest.warns(UndefinedMetricWarning):
            assert metrics.f1_score([0, 1], [0, 1], labels=[label], average="macro") == 0
    assert metrics.f1_score([0, 1], [0, 1], labels=[1.0], average="macro") == 1


def test_missing_labels():
    with pytest.raises(ValueError, match="mix of unknown and binary targets"):
        metrics.accuracy_score(np.array([None, 1]), [0, 1])
    with pytest.raises(ValueError, match="unknown is not supported"):
        metrics.accuracy_score(pd.Series([1, None], dtype="object"), pd.Series([None, 1], dtype="object"))
    with pytest.raises(ValueError, match="Input y_pred contains NaN"):
        metrics.accuracy_score([0, 1], pd.Series([1, None], dtype="Int64"))


def test_what_only_barehand_refuses():
    with pytest.raises(ValueError, match="y type must be 'binary' or 'multiclass', got 'multilabel-indicator'"):
        metrics.log_loss(INDICATOR, INDICATOR)
    with pytest.raises(ValueError, match="Mix of label input types"):
        metrics.f1_score([0, 1], [0, 1], labels=["a"], average="micro")
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        metrics.accuracy_score([0, 1], [0, 1], sample_weight=[1, -1])
    with pytest.raises(ValueError, match="labels size, 2, does not match size of target_names, 1"):
        metrics.classification_report([0, 1], [0, 1], labels=[0, 1], target_names=["a"])


def test_supports_of_a_weighted_report_have_the_scores_digits():
    text = metrics.classification_report([0, 1], [0, 1], sample_weight=[0.5, 1 / 3], digits=3)
    assert text.splitlines()[2].split() == ["0", "1.000", "1.000", "1.000", "0.500"]
    assert text.splitlines()[3].split() == ["1", "1.000", "1.000", "1.000", "0.333"]


def test_a_warning_points_at_its_caller():
    for call in (
        lambda: metrics.precision_score([0, 1], [0, 0]),
        lambda: metrics.f1_score([0, 1], [0, 0], average=None, labels=[0, 2]),
        lambda: metrics.classification_report([0, 1], [0, 0]),
        lambda: metrics.top_k_accuracy_score([0, 1], [0.1, 0.9], k=2),
    ):
        with pytest.warns(UndefinedMetricWarning) as caught:
            call()
        assert caught[0].filename == __file__


def test_help_shows_a_formula_and_an_example():
    for name in metrics.__all__:
        if name in ("SCORERS", "BleuScore"):
            continue
        doc = inspect.getdoc(getattr(metrics, name))
        assert ">>> " in doc, name
        assert "Args:" in doc or "Arguments are those of" in doc or "arguments are those of" in doc, name


def test_invalid_parameters_have_their_own_error():
    with pytest.raises(
        InvalidParameterError, match="The 'y_true' parameter of accuracy_score must be an array-like. Got None"
    ):
        metrics.accuracy_score(None, [1])
    with pytest.raises(
        InvalidParameterError, match=r"The 'k' parameter of top_k_accuracy_score must be an int in the range \[1, inf\)"
    ):
        metrics.top_k_accuracy_score([0, 1], [0, 1], k=0)
