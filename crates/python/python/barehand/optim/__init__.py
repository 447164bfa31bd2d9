"""Optimizers and learning-rate schedules under PyTorch's names."""

from barehand.optim import lr_scheduler as lr_scheduler
from barehand.optim.adadelta import Adadelta as Adadelta
from barehand.optim.adam import Adam as Adam
from barehand.optim.adam import AdamW as AdamW
from barehand.optim.optimizer import Optimizer as Optimizer
from barehand.optim.sgd import SGD as SGD
