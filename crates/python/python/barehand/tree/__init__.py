"""Decision trees."""

from barehand.tree._base import BaseDecisionTree
from barehand.tree._decision_tree_classifier import DecisionTreeClassifier
from barehand.tree._decision_tree_regressor import DecisionTreeRegressor
from barehand.tree._export_graphviz import export_graphviz
from barehand.tree._export_text import export_text
from barehand.tree._extra_tree_classifier import ExtraTreeClassifier
from barehand.tree._extra_tree_regressor import ExtraTreeRegressor
from barehand.tree._plot_tree import plot_tree

__all__ = [
    "BaseDecisionTree",
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "ExtraTreeClassifier",
    "ExtraTreeRegressor",
    "export_graphviz",
    "export_text",
    "plot_tree",
]
