"""scikit-learn's tests of its linear models."""

from own import Own

LOSSES = "there is no loss_functions, a table of the extension types that scikit-learn keeps losses in"
NET = ["ElasticNet", "ElasticNetCV", "Lasso", "LassoCV", "enet_path", "lasso_path"]

OWN = [
    Own(
        tests="sklearn.linear_model.tests.test_common",
        replaced={
            "sklearn.linear_model": [
                *NET[:4],
                "LinearRegression",
                "LogisticRegression",
                "LogisticRegressionCV",
                "Ridge",
                "RidgeCV",
                "RidgeClassifier",
                "RidgeClassifierCV",
                "SGDClassifier",
                "SGDRegressor",
            ]
        },
        at_least=110,
        different={
            f"test_model_pipeline_same_dense_and_sparse[{kind}-{case}]": "samples of one class are refused"
            for kind in ("csr_array", "csr_matrix")
            for case in ("RidgeClassifier-params3", "RidgeClassifierCV-params9")
        },
    ),
    Own(
        tests="sklearn.linear_model.tests.test_sparse_coordinate_descent",
        replaced={"sklearn.linear_model": NET},
        at_least=155,
    ),
    Own(
        tests="sklearn.linear_model.tests.test_base",
        replaced={"sklearn.linear_model": ["LinearRegression"]},
        chosen="linear_regression or fit_intercept or pandas",
        at_least=25,
    ),
    Own(
        tests="sklearn.linear_model.tests.test_ridge",
        replaced={
            "sklearn.linear_model": [
                "LinearRegression",
                "Ridge",
                "RidgeCV",
                "RidgeClassifier",
                "RidgeClassifierCV",
                "ridge_regression",
            ]
        },
        at_least=1080,
        different={
            "test_lbfgs_solver_error": "non-negative coefficients are found by an active set, which needs no warning",
            "test_n_iter": "the solver that sag's name runs counts no iterations",
            "test_ridge_fit_intercept_sparse_sag": "sag has the intercept of sparse rows right, so there is no warning",
        },
    ),
    Own(
        tests="sklearn.linear_model.tests.test_coordinate_descent",
        replaced={"sklearn.linear_model": NET},
        at_least=280,
        different={
            "test_check_input_false": "inputs are always checked",
            "test_enet_copy_X_False_check_input_False": "the samples of the caller are never written to",
        },
        private={"test_lassoCV_does_not_set_precompute": "puts something else into scikit-learn's own module"},
    ),
    Own(
        tests="sklearn.linear_model.tests.test_sgd",
        replaced={"sklearn.linear_model": ["SGDClassifier", "SGDRegressor"]},
        at_least=255,
        different={
            "test_loss_function_epsilon": LOSSES,
            "test_sgd_predict_proba_method_access": LOSSES,
        },
        private={
            "test_plain_has_no_average_attr": "_average_coef",
            "test_validation_mask_correctly_subsets": "puts something else into scikit-learn's own module",
        },
    ),
    Own(
        tests="sklearn.linear_model.tests.test_logistic",
        replaced={"sklearn.linear_model": ["LogisticRegression", "LogisticRegressionCV"]},
        at_least=280,
        different={
            "test_elastic_net_vs_l1_l2": "a tolerance of 0.01 ends elsewhere: one test sample of 125 fewer is right",
            "test_large_sparse_matrix": "indices of 64 bits are taken, where scikit-learn refuses them",
            "test_liblinear_dual_random_state": "nothing is drawn at random",
            "test_logistic_cv_multinomial_score": "scikit-learn's own path ends elsewhere within the same tolerance",
            "test_newton_cholesky_fallback_to_lbfgs": "a fit that the limit ends has taken as many iterations as it allows, not one fewer",
            "test_scores_attribute_layout_elasticnet": "from the last C's coefficients a fit ends elsewhere within its tolerance of 0.001 than from zeros",
            "test_write_parameters": "assigning to coef_ changes the model, writing into its array does not",
        },
        private={"test_logreg_predict_proba_multinomial": "_predict_proba_lr"},
    ),
]
