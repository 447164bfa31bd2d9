"""Optimizers and learning-rate schedules under PyTorch's names."""

from barehand.optim import lr_scheduler as lr_scheduler
from barehand.optim import swa_utils as swa_utils
from barehand.optim.adadelta import Adadelta as Adadelta
from barehand.optim.adagrad import Adagrad as Adagrad
from barehand.optim.adam import Adam as Adam
from barehand.optim.adam import AdamW as AdamW
from barehand.optim.adamax import Adamax as Adamax
from barehand.optim.asgd import ASGD as ASGD
from barehand.optim.lbfgs import LBFGS as LBFGS
from barehand.optim.nadam import NAdam as NAdam
from barehand.optim.optimizer import Optimizer as Optimizer
from barehand.optim.radam import RAdam as RAdam
from barehand.optim.rmsprop import RMSprop as RMSprop
from barehand.optim.rprop import Rprop as Rprop
from barehand.optim.sgd import SGD as SGD
