"""Classifiers by Bayes' rule over features taken as independent within a class."""

from barehand.naive_bayes._bernoulli_nb import BernoulliNB
from barehand.naive_bayes._categorical_nb import CategoricalNB
from barehand.naive_bayes._complement_nb import ComplementNB
from barehand.naive_bayes._gaussian_nb import GaussianNB
from barehand.naive_bayes._multinomial_nb import MultinomialNB

__all__ = ["BernoulliNB", "CategoricalNB", "ComplementNB", "GaussianNB", "MultinomialNB"]
