"""Extra trees that predict numbers."""

from __future__ import annotations

from barehand._other_defaults import other_defaults
from barehand.ensemble._forest import ForestRegressor
from barehand.ensemble._random_forest_regressor import RandomForestRegressor
from barehand.tree._extra_tree_regressor import ExtraTreeRegressor


class ExtraTreesRegressor(ForestRegressor):
    """Extra trees for numbers: every tree sees every sample, and cuts features at random.

    The same ``random_state`` gives scikit-learn's forest, on any number of threads.
    Its parameters are those of `RandomForestRegressor`, but ``bootstrap`` is False by default.

    >>> model = ExtraTreesRegressor(20, random_state=0).fit([[0.0], [1.0], [4.0], [5.0]], [1.0, 1.0, 3.0, 3.0])
    >>> bool(model.predict([[0.0]])[0] < model.predict([[5.0]])[0])
    True
    """

    _tree_type = ExtraTreeRegressor
    _parameter_constraints = RandomForestRegressor._parameter_constraints

    __init__ = other_defaults(RandomForestRegressor.__init__, bootstrap=False)
