"""The nodes of a fitted tree."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn

TREE_LEAF = -1
TREE_UNDEFINED = -2


def to_csr(indptr: np.ndarray, indices: np.ndarray, shape: tuple[int, int]) -> Any:
    """A sparse indicator of SciPy's, an array or a matrix as scikit-learn is configured."""
    import scipy.sparse

    kind = scipy.sparse.csr_matrix
    try:
        from sklearn import get_config

        if get_config().get("sparse_interface") == "sparray":
            kind = scipy.sparse.csr_array
    except ImportError:
        pass
    return kind((np.ones(len(indices), dtype=np.intp), indices, indptr), shape=shape)


class Tree:
    """Arrays over the nodes of a tree, under scikit-learn's names.

    Node 0 is the root. A leaf has children -1, feature -2 and threshold -2.

    >>> from barehand.tree import DecisionTreeClassifier
    >>> tree = DecisionTreeClassifier().fit([[0.0], [1.0], [2.0]], [0, 0, 1]).tree_
    >>> tree.node_count, tree.threshold[0], tree.children_left
    (3, np.float64(1.5), array([ 1, -1, -1]))
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        arrays = _learn.tree_arrays(engine)
        self.children_left = arrays["children_left"]
        self.children_right = arrays["children_right"]
        self.feature = arrays["feature"]
        self.threshold = arrays["threshold"]
        self.impurity = arrays["impurity"]
        self.n_node_samples = arrays["n_node_samples"]
        self.weighted_n_node_samples = arrays["weighted_n_node_samples"]
        self.missing_go_to_left = arrays["missing_go_to_left"]
        self.value = arrays["value"]
        self.n_features = arrays["n_features"]
        self.n_classes = np.array(arrays["n_classes"], dtype=np.intp)
        self.max_depth = arrays["max_depth"]
        self.n_leaves = arrays["n_leaves"]
        self.categories = arrays["categories"]
        """For nodes that ask for categories: the codes that go left."""

    def __reduce__(self) -> Any:
        return _restored, (self._engine.to_bytes(),)

    @property
    def node_count(self) -> int:
        return len(self.children_left)

    @property
    def capacity(self) -> int:
        return self.node_count

    @property
    def n_outputs(self) -> int:
        return len(self.n_classes)

    @property
    def max_n_classes(self) -> int:
        return int(self.n_classes.max())

    def predict(self, X: Any) -> np.ndarray:
        """What the leaf of each row holds: ``(N, classes)``, or ``(N, outputs, classes)`` for several outputs."""
        return _learn.tree_values(self._engine, _rows(X))

    def apply(self, X: Any) -> np.ndarray:
        """The leaf of each row."""
        return _learn.tree_apply(self._engine, _rows(X))

    def decision_path(self, X: Any) -> Any:
        """The nodes on each row's way, as a sparse indicator ``(N, nodes)``."""
        indptr, indices = _learn.tree_decision_path(self._engine, _rows(X))
        return to_csr(indptr, indices, (len(indptr) - 1, self.node_count))

    def compute_feature_importances(self, normalize: bool = True) -> np.ndarray:
        """The decrease of impurity that each feature brought."""
        return _learn.tree_importances(self._engine, normalize)

    def compute_node_depths(self) -> np.ndarray:
        """The depth of each node; the root's is 1."""
        depths = np.ones(self.node_count, dtype=np.int64)
        for node, (left, right) in enumerate(zip(self.children_left, self.children_right, strict=True)):
            if left != TREE_LEAF:
                depths[[left, right]] = depths[node] + 1
        return depths

    def compute_partial_dependence(self, X: np.ndarray, target_features: np.ndarray, out: np.ndarray) -> None:
        """Adds to ``out`` what the tree predicts on average where ``target_features`` have the values of each row of ``X``."""
        out += _learn.tree_partial_dependence(self._engine, X, list(target_features))


def _rows(X: Any) -> Any:
    if hasattr(X, "tocsr"):
        if X.format != "csr":
            raise ValueError(f"X should be in CSR sparse format, got {type(X)}")
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
    elif not isinstance(X, np.ndarray):
        raise ValueError(f"X should be in np.ndarray format, got {type(X)}")
    if X.dtype != np.float32:
        raise ValueError(f"X.dtype should be np.float32, got {X.dtype}")
    return X


def _restored(data: bytes) -> Tree:
    return Tree(_learn.Model.from_bytes(data))
