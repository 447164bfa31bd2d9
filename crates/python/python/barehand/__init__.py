"""Machine learning by bare hands: tensors with gradients, neural networks and estimators, fast on a CPU.

The names are PyTorch's (`barehand.Tensor`, `barehand.nn`, `barehand.optim`) and scikit-learn's (`barehand.metrics`):

>>> import barehand as bh
>>> x = bh.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4., 6.])
"""

from barehand._barehand import *  # noqa: F403
from barehand._barehand import __version__ as __version__
