"""scikit-learn's tests of its linear models."""

from own import Own

OWN = [
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
        replaced={
            "sklearn.linear_model": ["ElasticNet", "ElasticNetCV", "Lasso", "LassoCV", "enet_path", "lasso_path"],
        },
        at_least=284,
        different={
            "test_check_input_false": "inputs are always checked",
            "test_elasticnet_precompute_incorrect_gram": "a Gram matrix that is given is computed again, so it is neither refused nor warned of",
            "test_enet_copy_X_False_check_input_False": "the samples of the caller are never written to",
            "test_enet_nonfinite_params": "other words for coefficients that are not finite",
            "test_overridden_gram_matrix": "a Gram matrix that is given is computed again, so it is neither refused nor warned of",
        },
    ),
    Own(
        tests="sklearn.linear_model.tests.test_sgd",
        replaced={"sklearn.linear_model": ["SGDClassifier", "SGDRegressor"]},
        at_least=255,
        different={
            "test_sgd_error_on_zero_validation_weight": "other words for held-out samples without weight",
            "test_underflow_or_overflow": "other words for coefficients that are not finite",
        },
        private={
            "test_loss_function_epsilon": "loss_functions",
            "test_plain_has_no_average_attr": "_average_coef",
            "test_sgd_predict_proba_method_access": "loss_functions",
            "test_validation_mask_correctly_subsets": "puts something else into scikit-learn's own module",
        },
    ),
    Own(
        tests="sklearn.linear_model.tests.test_logistic",
        replaced={"sklearn.linear_model": ["LogisticRegression", "LogisticRegressionCV"]},
        at_least=265,
        different={
            "test_dtype_match": "float32 stays float32 under liblinear's name too",
            "test_elastic_net_vs_l1_l2": "a tolerance of 0.01 ends elsewhere, and the search picks another C",
            "test_large_sparse_matrix": "indices of 64 bits are taken, where scikit-learn refuses them",
            "test_liblinear_dual_random_state": "nothing is drawn at random",
            "test_logistic_cv": "LogisticRegressionCV stays scikit-learn's, and stops elsewhere",
            "test_logistic_cv_folds_with_classes_missing": "LogisticRegressionCV stays scikit-learn's",
            "test_logistic_cv_multinomial_score": "scikit-learn's path ends elsewhere within the same tolerance",
            "test_logistic_regression_callback_fitted_estimator": "no callbacks",
            "test_logistic_regression_callback_support": "no callbacks",
            "test_logistic_regression_callback_support_warning": "no callbacks",
            "test_newton_cholesky_fallback_to_lbfgs": "a Hessian without an inverse is spoken of in other words",
            "test_scores_attribute_layout_elasticnet": "LogisticRegressionCV stays scikit-learn's, and stops elsewhere",
            "test_write_parameters": "coefficients are attributes beside the model, which goes on predicting with its own",
        },
        private={"test_logreg_predict_proba_multinomial": "_predict_proba_lr"},
    ),
]
