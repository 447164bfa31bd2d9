"""Given distances as sparse rows: what a row does not store is no neighbour, and what it stores is best in ascending order."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand import exceptions
from barehand._check_array import is_sparse


def sort_graph_by_row_values(graph: Any, copy: bool = False, warn_when_not_sorted: bool = True) -> Any:
    """The distances of each row in ascending order, as searches read them.

    Args:
        graph: a sparse matrix of distances.
        copy: whether a new matrix is sorted; without it ``graph`` itself is, which has to be in CSR format.
        warn_when_not_sorted: whether an `EfficiencyWarning` says that there was something to sort.

    >>> from scipy.sparse import csr_matrix
    >>> sort_graph_by_row_values(csr_matrix([[0.0, 3.0, 1.0], [3.0, 0.0, 2.0]]), warn_when_not_sorted=False).data
    array([1., 3., 2., 3.])
    """
    if graph.format == "csr" and _is_sorted(graph):
        return graph
    if warn_when_not_sorted:
        warnings.warn(
            "Precomputed sparse input was not sorted by row values. Use the function "
            "barehand.neighbors.sort_graph_by_row_values to sort the input by row values, with warn_when_not_sorted=False "
            "to remove this warning.",
            exceptions.EfficiencyWarning,
            stacklevel=2,
        )
    check_explicit_zeros(graph)
    if graph.format != "csr":
        if not copy:
            raise ValueError(
                "The input graph is not in CSR format. Use copy=True to allow the conversion to CSR format."
            )
        graph = graph.asformat("csr")
    elif copy:
        graph = graph.copy()
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    order = np.lexsort((graph.data, rows))
    graph.data, graph.indices = graph.data[order], graph.indices[order]
    graph.has_sorted_indices = False
    return graph


def check_explicit_zeros(graph: Any) -> None:
    """Raises for sparse matrices that cannot tell a distance of 0 from none."""
    if is_sparse(graph) and graph.format not in ("csr", "csc", "coo", "lil"):
        raise TypeError(
            f"Sparse matrix in {graph.format!r} format is not supported due to its handling of explicit zeros"
        )


def first_of_rows(graph: Any, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices of the first neighbours of each row, ``(n_rows, n_neighbors)``."""
    fewest = np.diff(graph.indptr).min()
    if fewest < n_neighbors:
        raise ValueError(
            f"{n_neighbors} neighbors per samples are required, but some samples have only {fewest} neighbors in "
            "precomputed graph matrix. Decrease number of neighbors used or recompute the graph with more neighbors."
        )
    places = graph.indptr[:-1, None] + np.arange(n_neighbors)
    return graph.data[places], graph.indices[places].astype(np.int64)


def near_of_rows(graph: Any, radius: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each row the distances that are at most ``radius``, and where they stand."""
    near = graph.data <= radius
    ends = np.concatenate([[0], np.cumsum(near)])[graph.indptr[1:-1]]
    return np.split(graph.data[near], ends), np.split(graph.indices[near].astype(np.int64), ends)


def _is_sorted(graph: Any) -> bool:
    descends = graph.data[:-1] > graph.data[1:]
    starts = graph.indptr[1:-1] - 1
    descends[starts[(starts >= 0) & (starts < len(descends))]] = False
    return not descends.any()
