"""Layers, activations and losses as functions of tensors.

>>> import barehand.nn.functional as F
>>> F.relu(bh.tensor([-1.0, 2.0]))
tensor([0., 2.])
"""

from barehand._barehand import _functional

adaptive_avg_pool1d = _functional.adaptive_avg_pool1d
adaptive_avg_pool2d = _functional.adaptive_avg_pool2d
adaptive_max_pool1d = _functional.adaptive_max_pool1d
adaptive_max_pool2d = _functional.adaptive_max_pool2d
avg_pool1d = _functional.avg_pool1d
avg_pool2d = _functional.avg_pool2d
batch_norm = _functional.batch_norm
binary_cross_entropy = _functional.binary_cross_entropy
binary_cross_entropy_with_logits = _functional.binary_cross_entropy_with_logits
conv1d = _functional.conv1d
conv2d = _functional.conv2d
conv_transpose1d = _functional.conv_transpose1d
conv_transpose2d = _functional.conv_transpose2d
cross_entropy = _functional.cross_entropy
dropout = _functional.dropout
dropout1d = _functional.dropout1d
dropout2d = _functional.dropout2d
elu = _functional.elu
embedding = _functional.embedding
flatten = _functional.flatten
fold = _functional.fold
gelu = _functional.gelu
group_norm = _functional.group_norm
hardswish = _functional.hardswish
instance_norm = _functional.instance_norm
l1_loss = _functional.l1_loss
layer_norm = _functional.layer_norm
leaky_relu = _functional.leaky_relu
linear = _functional.linear
log_softmax = _functional.log_softmax
logsigmoid = _functional.logsigmoid
lp_pool1d = _functional.lp_pool1d
lp_pool2d = _functional.lp_pool2d
max_pool1d = _functional.max_pool1d
max_pool2d = _functional.max_pool2d
mish = _functional.mish
mse_loss = _functional.mse_loss
multi_head_attention_forward = _functional.multi_head_attention_forward
nll_loss = _functional.nll_loss
normalize = _functional.normalize
one_hot = _functional.one_hot
pad = _functional.pad
relu = _functional.relu
rms_norm = _functional.rms_norm
rope = _functional.rope
scaled_dot_product_attention = _functional.scaled_dot_product_attention
selu = _functional.selu
sigmoid = _functional.sigmoid
silu = _functional.silu
smooth_l1_loss = _functional.smooth_l1_loss
softmax = _functional.softmax
softplus = _functional.softplus
softsign = _functional.softsign
tanh = _functional.tanh
unfold = _functional.unfold
