"""Machine learning by bare hands: tensors with gradients, neural networks and estimators, fast on a CPU.

The names are PyTorch's (`barehand.Tensor`, `barehand.nn`, `barehand.optim`) and scikit-learn's (`barehand.metrics`):

>>> import barehand as bh
>>> x = bh.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4., 6.])

Tensors are values: `y = x[0]` and `y = x.view(...)` share memory until one of them is written to, and writing to one never
changes the other. In-place methods (`x += 1`, `x.zero_()`, `x[0] = 1`) change the tensor that the name stands for.
"""

import builtins
from typing import Any

from barehand import autograd as autograd
from barehand._barehand import *  # noqa: F403
from barehand._barehand import Tensor, __version__, stack
from barehand.autograd import enable_grad as enable_grad
from barehand.autograd import inference_mode as inference_mode
from barehand.autograd import is_grad_enabled as is_grad_enabled
from barehand.autograd import no_grad as no_grad
from barehand.autograd import set_grad_enabled as set_grad_enabled
from barehand.progress_bar import progress as progress
from barehand.serialization import load as load
from barehand.serialization import load_safetensors as load_safetensors
from barehand.serialization import save as save
from barehand.serialization import save_safetensors as save_safetensors

concat = concatenate = cat  # noqa: F405
double = float64  # noqa: F405
long = int64  # noqa: F405

# Every method that computes is a function too: `barehand.exp(x)` is `x.exp()`.
abs = absolute = Tensor.abs
acos = arccos = Tensor.acos
acosh = arccosh = Tensor.acosh
add = Tensor.add
all = Tensor.all
amax = Tensor.amax
amin = Tensor.amin
any = Tensor.any
argmax = Tensor.argmax
argmin = Tensor.argmin
argsort = Tensor.argsort
asin = arcsin = Tensor.asin
asinh = arcsinh = Tensor.asinh
atan = arctan = Tensor.atan
atan2 = arctan2 = Tensor.atan2
atanh = arctanh = Tensor.atanh
bitwise_and = Tensor.bitwise_and
bitwise_not = Tensor.bitwise_not
bitwise_or = Tensor.bitwise_or
bitwise_xor = Tensor.bitwise_xor
bmm = Tensor.bmm
broadcast_to = Tensor.broadcast_to
ceil = Tensor.ceil
chunk = Tensor.chunk
clamp = clip = Tensor.clamp
clone = Tensor.clone
cos = Tensor.cos
cosh = Tensor.cosh
count_nonzero = Tensor.count_nonzero
cumsum = Tensor.cumsum
diagonal = Tensor.diagonal
div = divide = true_divide = Tensor.div
dot = Tensor.dot
eq = Tensor.eq
erf = Tensor.erf
exp = Tensor.exp
expm1 = Tensor.expm1
flatten = Tensor.flatten
flip = Tensor.flip
floor = Tensor.floor
floor_divide = Tensor.floor_divide
fmod = Tensor.fmod
gather = Tensor.gather
ge = Tensor.ge
gt = Tensor.gt
index_select = Tensor.index_select
isfinite = Tensor.isfinite
isinf = Tensor.isinf
isnan = Tensor.isnan
le = Tensor.le
log = Tensor.log
log10 = Tensor.log10
log1p = Tensor.log1p
log2 = Tensor.log2
log_softmax = Tensor.log_softmax
logical_and = Tensor.logical_and
logical_not = Tensor.logical_not
logical_or = Tensor.logical_or
logical_xor = Tensor.logical_xor
logsumexp = Tensor.logsumexp
lt = Tensor.lt
masked_fill = Tensor.masked_fill
masked_select = Tensor.masked_select
matmul = Tensor.matmul
max = Tensor.max
maximum = Tensor.maximum
mean = Tensor.mean
min = Tensor.min
minimum = Tensor.minimum
mm = Tensor.mm
movedim = moveaxis = Tensor.movedim
mul = multiply = Tensor.mul
mv = Tensor.mv
narrow = Tensor.narrow
ne = not_equal = Tensor.ne
neg = negative = Tensor.neg
nonzero = Tensor.nonzero
norm = Tensor.norm
numel = Tensor.numel
outer = Tensor.outer
permute = Tensor.permute
pow = Tensor.pow
prod = Tensor.prod
ravel = Tensor.ravel
reciprocal = Tensor.reciprocal
relu = Tensor.relu
remainder = Tensor.remainder
reshape = Tensor.reshape
roll = Tensor.roll
round = Tensor.round
rsqrt = Tensor.rsqrt
scatter = Tensor.scatter
scatter_add = Tensor.scatter_add
select = Tensor.select
sigmoid = Tensor.sigmoid
sign = Tensor.sign
sin = Tensor.sin
sinh = Tensor.sinh
softmax = Tensor.softmax
sort = Tensor.sort
split = Tensor.split
sqrt = Tensor.sqrt
square = Tensor.square
squeeze = Tensor.squeeze
std = Tensor.std
sub = subtract = Tensor.sub
sum = Tensor.sum
swapaxes = Tensor.swapaxes
t = Tensor.t
tan = Tensor.tan
tanh = Tensor.tanh
tile = Tensor.tile
topk = Tensor.topk
transpose = Tensor.transpose
tril = Tensor.tril
triu = Tensor.triu
trunc = Tensor.trunc
unbind = Tensor.unbind
unflatten = Tensor.unflatten
unsqueeze = Tensor.unsqueeze
var = Tensor.var


# `bool`, `all` and `abs` are names of this module by now.
def is_tensor(obj: object) -> builtins.bool:
    """Whether `obj` is a `Tensor`."""
    return isinstance(obj, Tensor)


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: builtins.bool = False
) -> builtins.bool:
    """Whether |input - other| <= atol + rtol |other| everywhere."""
    return builtins.bool(isclose(input, other, rtol, atol, equal_nan).all())


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: builtins.bool = False
) -> Tensor:
    """Where |input - other| <= atol + rtol |other|."""
    with no_grad():
        close = (input == other) | ((input - other).abs() <= atol + rtol * other.abs()) & isfinite(other)
        return close | (isnan(input) & isnan(other)) if equal_nan else close


def equal(input: Tensor, other: Tensor) -> builtins.bool:
    """Whether both have one shape and equal elements."""
    return input.shape == other.shape and builtins.bool((input == other).all())


# They are made of the names above.
from barehand import nn as nn  # noqa: E402
from barehand import optim as optim  # noqa: E402


# Loaded when asked for: the import of barehand stays a matter of milliseconds.
_LAZY = {
    "base",
    "data",
    "ensemble",
    "exceptions",
    "inspection",
    "metrics",
    "model_selection",
    "nn",
    "optim",
    "train",
    "tree",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return importlib.import_module(f"barehand.{name}")
    raise AttributeError(f"module 'barehand' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
