"""scikit-learn's own tests of pipelines."""

from own import Own

OWN = [
    Own(
        tests="sklearn.tests.test_pipeline",
        replaced={"sklearn.pipeline": ["Pipeline", "make_pipeline"], "sklearn.preprocessing": ["StandardScaler"]},
        at_least=161,
        different={
            "test_pipeline_with_callbacks_on_steps": "the scaler has no callbacks, which scikit-learn 1.9 tries out"
        },
    ),
]
