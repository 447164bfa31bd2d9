"""Models made of the layers. Their parameters have the names of the Rust library's, so that either reads the other's files.

>>> model = bh.nn.models.MLP([4, 16, 3])
>>> model(bh.zeros(2, 4)).shape
(2, 3)
"""

from barehand.nn.models.bert import Bert as Bert
from barehand.nn.models.bert import mean_pooling as mean_pooling
from barehand.nn.models.cnn import CNN as CNN
from barehand.nn.models.gpt import GPT as GPT
from barehand.nn.models.mlp import MLP as MLP
