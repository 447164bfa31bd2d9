"""Features made fit for estimators."""

from barehand.preprocessing._standard_scaler import StandardScaler

__all__ = ["StandardScaler"]
