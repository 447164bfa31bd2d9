"""Optimizers: six steps, with every option."""

from functools import partial

from parity.arguments import flag, one_of
from parity.rows import Optimizer, Row

optimizer = partial(
    Optimizer, second_lr=one_of(None, 0.003), resumed=flag, weight_decay=one_of(0.0, 0.1, 0.01), maximize=flag
)
betas = one_of((0.9, 0.999), (0.5, 0.8), (0.0, 0.9))

ROWS: list[Row] = [
    optimizer("optim.SGD", lr=one_of(0.1, 0.01), momentum=one_of(0.0, 0.9, 0.5), dampening=one_of(0.0, 0.3)),
    optimizer("optim.SGD [nesterov]", lr=one_of(0.1, 0.01), momentum=one_of(0.9, 0.5), nesterov=one_of(True)),
    optimizer("optim.Adam", lr=one_of(0.001, 0.1), betas=betas, eps=one_of(1e-8, 1e-3), amsgrad=flag),
    optimizer("optim.AdamW", lr=one_of(0.001, 0.1), betas=betas, eps=one_of(1e-8, 1e-3), amsgrad=flag),
    optimizer("optim.Adadelta", lr=one_of(1.0, 0.1), rho=one_of(0.9, 0.5), eps=one_of(1e-6, 1e-3)),
]
