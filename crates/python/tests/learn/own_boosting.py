"""scikit-learn's own tests of histogram gradient boosting."""

from own import Own

CLASSES = {"sklearn.ensemble": ["HistGradientBoostingClassifier", "HistGradientBoostingRegressor"]}
BOOSTING = "sklearn.ensemble._hist_gradient_boosting.tests"

OWN = [
    Own(
        tests=f"{BOOSTING}.test_gradient_boosting",
        replaced=CLASSES,
        at_least=138,
        private={
            "test_binning_train_validation_are_separated": "_bin_mapper",
            "test_categorical_different_order_same_model": "_predictors",
            "test_categorical_encoding_strategies": "_predictors",
            "test_custom_loss": "objects of sklearn._loss as the loss",
            "test_dataframe_categorical_results_same_as_ndarray": "_preprocessor",
            "test_early_stopping_with_sample_weights": "puts something else into scikit-learn's own module",
            "test_max_depth_max_leaf_nodes": "_predictors",
            "test_single_node_trees": "_predictors",
        },
    ),
    Own(tests=f"{BOOSTING}.test_monotonic_constraints", replaced=CLASSES, at_least=12),
    Own(
        tests=f"{BOOSTING}.test_warm_start",
        replaced=CLASSES,
        at_least=12,
        private={
            "test_warm_start_clear": "_predictors",
            "test_warm_start_equal_n_estimators": "_predictors",
            "test_warm_start_max_depth": "_predictors",
            "test_warm_start_yields_identical_results": "_predictors",
        },
    ),
]
