"""What a fitted model rests on."""

from barehand.inspection._partial_dependence import partial_dependence
from barehand.inspection._permutation_importance import permutation_importance

__all__ = ["partial_dependence", "permutation_importance"]
