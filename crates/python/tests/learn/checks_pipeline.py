"""Pipelines of estimators of ours."""

from checks import Checked

from barehand.naive_bayes import GaussianNB
from barehand.pipeline import make_pipeline
from barehand.preprocessing import StandardScaler

STEPS = "fit replaces the parameter steps by the fitted ones; so scikit-learn's own expects it to fail"

CHECKED = [
    Checked(
        make_pipeline(StandardScaler(), GaussianNB()),
        expected={"check_dont_overwrite_parameters": STEPS, "check_estimators_overwrite_params": STEPS},
    )
]
