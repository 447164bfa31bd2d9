"""Densities that are sums of a few simple ones."""

from barehand.mixture._gaussian_mixture import GaussianMixture

__all__ = ["GaussianMixture"]
