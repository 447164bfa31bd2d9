"""The estimators of `barehand.naive_bayes`."""

from checks import Checked

from barehand.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB

CHECKED = [
    Checked(BernoulliNB()),
    Checked(CategoricalNB()),
    Checked(ComplementNB()),
    Checked(GaussianNB()),
    Checked(MultinomialNB()),
]
