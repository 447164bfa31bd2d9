"""A pytest plugin that puts barehand's estimators in the place of scikit-learn's, before scikit-learn's own tests import them.

``BAREHAND_SUBSTITUTE`` holds JSON: for each module of scikit-learn the names that are replaced in it, by those of the module of
ours that is called the same (``barehand.naive_bayes`` for ``sklearn.naive_bayes``; ``barehand.preprocessing`` for
``sklearn.preprocessing._label`` too, for the sake of tests that import from there). Elsewhere scikit-learn keeps its own: its
forests go on growing its trees.
"""

from __future__ import annotations

import importlib
import json
import os


def pytest_configure(config):
    for theirs, names in json.loads(os.environ["BAREHAND_SUBSTITUTE"]).items():
        public = [part for part in theirs.split(".") if not part.startswith("_")]
        ours = importlib.import_module(".".join(["barehand", *public[1:]]))
        theirs = importlib.import_module(theirs)
        for name in names:
            # What is replaced must be there: a name that scikit-learn does not have replaces nothing.
            getattr(theirs, name)
            setattr(theirs, name, getattr(ours, name))
