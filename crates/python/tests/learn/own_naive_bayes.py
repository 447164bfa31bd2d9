"""scikit-learn's own tests of naive Bayes."""

from own import Own

OWN = [
    Own(
        tests="sklearn.tests.test_naive_bayes",
        replaced={
            "sklearn.naive_bayes": ["BernoulliNB", "CategoricalNB", "ComplementNB", "GaussianNB", "MultinomialNB"],
        },
        at_least=83,
        private={
            "test_alpha_vector": "_check_alpha",
            "test_check_alpha": "_check_alpha",
            "test_gnb_check_update_with_no_data": "_update_mean_variance",
        },
    ),
]
