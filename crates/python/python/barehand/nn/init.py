"""Initial values, in place, drawn from the process-wide generator (`barehand.manual_seed`).

>>> weight = bh.zeros(3, 5)
>>> _ = bh.nn.init.kaiming_uniform_(weight, nonlinearity="relu")
"""

from barehand._barehand import _init

calculate_gain = _init.calculate_gain
constant_ = _init.constant_
dirac_ = _init.dirac_
eye_ = _init.eye_
kaiming_normal_ = _init.kaiming_normal_
kaiming_uniform_ = _init.kaiming_uniform_
normal_ = _init.normal_
ones_ = _init.ones_
orthogonal_ = _init.orthogonal_
sparse_ = _init.sparse_
trunc_normal_ = _init.trunc_normal_
uniform_ = _init.uniform_
xavier_normal_ = _init.xavier_normal_
xavier_uniform_ = _init.xavier_uniform_
zeros_ = _init.zeros_
