"""Extra trees that tell classes apart."""

from __future__ import annotations

from barehand._other_defaults import other_defaults
from barehand.ensemble._forest import ForestClassifier
from barehand.ensemble._random_forest_classifier import RandomForestClassifier
from barehand.tree._extra_tree_classifier import ExtraTreeClassifier


class ExtraTreesClassifier(ForestClassifier):
    """Extra trees for classes: every tree sees every sample, and cuts features at random.

    The same ``random_state`` gives scikit-learn's forest, on any number of threads.
    Its parameters are those of `RandomForestClassifier`, but ``bootstrap`` is False by default.

    >>> model = ExtraTreesClassifier(20, random_state=0).fit([[0.0], [1.0], [4.0], [5.0]], ["no", "no", "yes", "yes"])
    >>> print(model.predict([[0.5], [4.5]]))
    ['no' 'yes']
    """

    _tree_type = ExtraTreeClassifier
    _parameter_constraints = RandomForestClassifier._parameter_constraints

    __init__ = other_defaults(RandomForestClassifier.__init__, bootstrap=False)
