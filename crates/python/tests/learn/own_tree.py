"""scikit-learn's own tests of trees, forests and inspection."""

from own import Own

TREES = ["DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"]
FORESTS = ["ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor"]
BOOSTED = "only trees and forests of ours have a recursion: gradient boosting is asked point by point"
PRIVATE_TREE = "hands the nodes to a function of scikit-learn's extension module"

OWN = [
    Own(
        "sklearn.tree.tests.test_tree",
        # Forests of scikit-learn's go on growing its own trees: they are imported before the trees are replaced.
        {"sklearn.ensemble": [], "sklearn.tree": [*TREES, "export_text", "export_graphviz"]},
        at_least=500,
        different={
            "test_almost_constant_feature": "values that differ by 1e-7 or less are cut here, and are one there",
            "test_huge_allocations": "no memory is reserved for leaves that are not there, so there is no error",
        },
        private={
            "test_build_pruned_tree_py": PRIVATE_TREE,
            "test_build_pruned_tree_infinite_loop": PRIVATE_TREE,
        },
    ),
    Own(
        "sklearn.tree.tests.test_export",
        {"sklearn.tree": [*TREES, "export_text", "export_graphviz", "plot_tree"]},
        at_least=15,
    ),
    Own(
        "sklearn.tree.tests.test_monotonic_tree",
        {"sklearn.ensemble": FORESTS, "sklearn.tree": TREES},
        at_least=200,
    ),
    Own(
        "sklearn.ensemble.tests.test_forest",
        {"sklearn.ensemble": FORESTS, "sklearn.tree": TREES},
        at_least=270,
        # There is no embedding of ours.
        chosen="not RandomTreesEmbedding and not random_trees and not random_hasher",
        different={
            "test_backend_respected": "trees grow on threads of Rust, whatever joblib is told",
        },
        private={
            "test_validate_y_class_weight": "calls _validate_y_class_weight",
            "test_mse_criterion_object_segfault_smoke_test": "passes a criterion of scikit-learn's extension module",
        },
    ),
    Own("sklearn.ensemble.tests.test_common", {"sklearn.ensemble": FORESTS, "sklearn.tree": TREES}, at_least=15),
    Own(
        "sklearn.inspection.tests.test_partial_dependence",
        {"sklearn.inspection": ["partial_dependence"]},
        at_least=405,
        different={
            "test_recursion_decision_function": BOOSTED,
            "test_warning_recursion_non_constant_init": BOOSTED,
            **{
                f"test_partial_dependence_error[estimator{i}-params{i}-'recursion' method, the response_method must be"
                " 'decision_function']": BOOSTED
                for i in (2, 3)
            },
        },
    ),
    Own(
        "sklearn.inspection.tests.test_permutation_importance",
        {"sklearn.inspection": ["permutation_importance"]},
        at_least=20,
    ),
]
