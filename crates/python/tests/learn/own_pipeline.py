"""scikit-learn's own tests of pipelines."""

from own import Own

OWN = [
    Own(
        tests="sklearn.tests.test_pipeline",
        replaced={"sklearn.pipeline": ["Pipeline", "make_pipeline"], "sklearn.preprocessing": ["StandardScaler"]},
        at_least=165,
    ),
]
