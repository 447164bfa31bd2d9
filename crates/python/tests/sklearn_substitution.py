"""A pytest plugin that puts barehand's scores in the place of scikit-learn's, before scikit-learn's own tests import them."""

from __future__ import annotations


def pytest_configure(config):
    import sklearn.metrics

    from barehand import metrics

    for name in metrics.__all__:
        if hasattr(sklearn.metrics, name):
            setattr(sklearn.metrics, name, getattr(metrics, name))
