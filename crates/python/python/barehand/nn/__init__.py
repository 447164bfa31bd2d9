"""Neural networks: modules, layers and losses under PyTorch's names.

>>> model = bh.nn.Sequential(bh.nn.Linear(2, 8), bh.nn.ReLU(), bh.nn.Linear(8, 2))
>>> bh.nn.CrossEntropyLoss()(model(bh.zeros(4, 2)), bh.tensor([0, 1, 1, 0])).backward()
"""

from barehand.nn import functional as functional
from barehand.nn import init as init
from barehand.nn import utils as utils
from barehand.nn.activation import ELU as ELU
from barehand.nn.activation import GELU as GELU
from barehand.nn.activation import SELU as SELU
from barehand.nn.activation import Hardswish as Hardswish
from barehand.nn.activation import LeakyReLU as LeakyReLU
from barehand.nn.activation import LogSigmoid as LogSigmoid
from barehand.nn.activation import LogSoftmax as LogSoftmax
from barehand.nn.activation import Mish as Mish
from barehand.nn.activation import ReLU as ReLU
from barehand.nn.activation import Sigmoid as Sigmoid
from barehand.nn.activation import SiLU as SiLU
from barehand.nn.activation import Softmax as Softmax
from barehand.nn.activation import Softplus as Softplus
from barehand.nn.activation import Softsign as Softsign
from barehand.nn.activation import Tanh as Tanh
from barehand.nn.container import ModuleDict as ModuleDict
from barehand.nn.container import ModuleList as ModuleList
from barehand.nn.container import ParameterList as ParameterList
from barehand.nn.container import Sequential as Sequential
from barehand.nn.convolution import Conv2d as Conv2d
from barehand.nn.embedding import Embedding as Embedding
from barehand.nn.linear import Flatten as Flatten
from barehand.nn.linear import Identity as Identity
from barehand.nn.linear import Linear as Linear
from barehand.nn.linear import Unflatten as Unflatten
from barehand.nn.loss import BCELoss as BCELoss
from barehand.nn.loss import BCEWithLogitsLoss as BCEWithLogitsLoss
from barehand.nn.loss import CrossEntropyLoss as CrossEntropyLoss
from barehand.nn.loss import L1Loss as L1Loss
from barehand.nn.loss import MSELoss as MSELoss
from barehand.nn.loss import NLLLoss as NLLLoss
from barehand.nn.loss import SmoothL1Loss as SmoothL1Loss
from barehand.nn.module import Module as Module
from barehand.nn.multihead_attention import MultiheadAttention as MultiheadAttention
from barehand.nn.normalization import BatchNorm1d as BatchNorm1d
from barehand.nn.normalization import BatchNorm2d as BatchNorm2d
from barehand.nn.normalization import Dropout as Dropout
from barehand.nn.normalization import LayerNorm as LayerNorm
from barehand.nn.parameter import Parameter as Parameter
from barehand.nn.pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from barehand.nn.pooling import AvgPool2d as AvgPool2d
from barehand.nn.pooling import MaxPool2d as MaxPool2d
from barehand.nn.transformer import Transformer as Transformer
from barehand.nn.transformer import TransformerDecoder as TransformerDecoder
from barehand.nn.transformer import TransformerDecoderLayer as TransformerDecoderLayer
from barehand.nn.transformer import TransformerEncoder as TransformerEncoder
from barehand.nn.transformer import TransformerEncoderLayer as TransformerEncoderLayer
