"""Features as sums of a few components."""

from barehand.decomposition._pca import PCA
from barehand.decomposition._truncated_svd import TruncatedSVD

__all__ = ["PCA", "TruncatedSVD"]
