"""Gradients bounded, parameters as one vector, sequences of different lengths as one tensor."""

from barehand.nn.utils import rnn as rnn
from barehand.nn.utils.clip_grad import clip_grad_norm_ as clip_grad_norm_
from barehand.nn.utils.clip_grad import clip_grad_value_ as clip_grad_value_
from barehand.nn.utils.clip_grad import get_total_norm as get_total_norm
from barehand.nn.utils.convert_parameters import parameters_to_vector as parameters_to_vector
from barehand.nn.utils.convert_parameters import vector_to_parameters as vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]
