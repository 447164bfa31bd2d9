"""A pytest plugin that puts barehand's scores in the place of scikit-learn's, before scikit-learn's own tests import them."""

from __future__ import annotations


def pytest_configure(config):
    import sklearn.calibration
    import sklearn.metrics
    import sklearn.metrics.cluster

    from barehand import calibration, metrics

    for ours, theirs in (
        (metrics, sklearn.metrics),
        (metrics.cluster, sklearn.metrics.cluster),
        (calibration, sklearn.calibration),
    ):
        for name in ours.__all__:
            if hasattr(theirs, name):
                setattr(theirs, name, getattr(ours, name))
