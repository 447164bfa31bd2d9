"""Modules, layers and functions, against NumPy and against what PyTorch says of modules."""

import copy
import doctest
import math
import pickle

import barehand as bh
import numpy as np
import pytest
from barehand import nn
from barehand.nn import functional as F
from numpy.testing import assert_allclose, assert_array_equal


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.output = nn.Linear(4, 2)

    def forward(self, x):
        return self.output(F.relu(self.norm(self.hidden(x))))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tensor(array, requires_grad=False):
    x = bh.tensor(np.asarray(array))
    return x.requires_grad_() if requires_grad else x


# Registration.


def test_what_is_assigned_is_registered():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == [
        "hidden.weight",
        "hidden.bias",
        "norm.weight",
        "norm.bias",
        "output.weight",
        "output.bias",
    ]
    assert [name for name, _ in net.named_buffers()] == [
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]
    assert [name for name, _ in net.named_children()] == ["hidden", "norm", "output"]
    assert [name for name, _ in net.named_modules()] == ["", "hidden", "norm", "output"]
    assert list(net.state_dict()) == [
        "hidden.weight",
        "hidden.bias",
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
        "output.weight",
        "output.bias",
    ]
    assert net.get_submodule("hidden") is net.hidden
    assert net.get_parameter("hidden.weight") is net.hidden.weight
    assert net.get_buffer("norm.running_mean") is net.norm.running_mean
    with pytest.raises(AttributeError, match="no attribute `missing`"):
        net.get_submodule("missing")


def test_registration_refuses_what_would_be_lost():
    module = nn.Module()
    module.weight = nn.Parameter(bh.zeros(2))
    with pytest.raises(TypeError, match="cannot assign 'Tensor' as parameter 'weight'"):
        module.weight = bh.zeros(2)
    module.weight = None
    assert list(module.parameters()) == []
    module.child = nn.Identity()
    with pytest.raises(TypeError, match="as child module 'child'"):
        module.child = 3
    module.register_buffer("mean", bh.zeros(2), persistent=False)
    with pytest.raises(TypeError, match="as buffer 'mean'"):
        module.mean = "no"
    module.mean = bh.ones(2)
    assert module.state_dict() == {} and len(list(module.buffers())) == 1
    with pytest.raises(KeyError, match="a.b"):
        module.register_parameter("a.b", None)
    with pytest.raises(KeyError, match="already exists"):
        module.register_buffer("child", bh.zeros(1))
    with pytest.raises(TypeError, match="not a Module subclass"):
        module.add_module("f", F.relu)

    class Early(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match="before Module.__init__"):
        Early()


def test_a_name_that_changes_its_kind_moves():
    module = nn.Module()
    module.x = 3
    module.x = nn.Parameter(bh.zeros(1))
    assert len(list(module.parameters())) == 1
    module.register_buffer("y", bh.zeros(1))
    module.y = nn.Parameter(bh.zeros(1))
    assert list(module.buffers()) == [] and len(list(module.parameters())) == 2
    del module.x
    assert len(list(module.parameters())) == 1 and not hasattr(module, "x")


def test_tied_weights_are_one_parameter():
    module = nn.Module()
    module.a = nn.Linear(3, 3, bias=False)
    module.b = nn.Linear(3, 3, bias=False)
    module.b.weight = module.a.weight
    assert [name for name, _ in module.named_parameters()] == ["a.weight"]
    assert [name for name, _ in module.named_parameters(remove_duplicate=False)] == ["a.weight", "b.weight"]
    assert list(module.state_dict()) == ["a.weight", "b.weight"]
    other = copy.deepcopy(module)
    assert other.a.weight is other.b.weight and other.a.weight is not module.a.weight
    again = pickle.loads(pickle.dumps(module))
    assert again.a.weight is again.b.weight
    module.shared = module.a
    assert len(list(module.modules())) == 3
    optimizer = bh.optim.SGD(module.parameters(), lr=1.0)
    before = module.a.weight.detach().clone().numpy()
    (module.a(bh.ones(1, 3)) + module.b(bh.ones(1, 3))).sum().backward()
    optimizer.step()
    assert_allclose(module.b.weight.detach().numpy(), before - 2, rtol=1e-6)


def test_parameters():
    parameter = nn.Parameter(bh.ones(2))
    assert isinstance(parameter, bh.Tensor) and parameter.requires_grad and parameter.is_leaf
    assert repr(parameter) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    assert not nn.Parameter(bh.ones(2), requires_grad=False).requires_grad
    assert type(parameter * 2) is bh.Tensor
    assert type(copy.deepcopy(parameter)) is nn.Parameter
    frozen = pickle.loads(pickle.dumps(nn.Parameter(bh.ones(2), requires_grad=False)))
    assert type(frozen) is nn.Parameter and not frozen.requires_grad


# Calls and hooks.


def test_hooks_see_and_change_what_passes():
    layer = nn.Linear(2, 1)
    seen = []
    before = layer.register_forward_pre_hook(lambda module, args: seen.append("before") or (args[0] * 0,))
    after = layer.register_forward_hook(lambda module, args, output: seen.append("after"))
    first = layer.register_forward_hook(lambda module, args, output: seen.append("first") or output + 1, prepend=True)
    y = layer(bh.ones(1, 2))
    assert seen == ["before", "first", "after"]
    assert_allclose(y.item(), layer.bias.item() + 1, rtol=1e-6)
    for handle in (before, after, first, first):
        handle.remove()
    layer(bh.ones(1, 2))
    assert len(seen) == 3
    with layer.register_forward_hook(
        lambda module, args, kwargs, output: seen.append(sorted(kwargs)), with_kwargs=True
    ):
        layer(input=bh.ones(1, 2))
    assert seen[-1] == ["input"]
    with pytest.raises(NotImplementedError, match='missing the required "forward"'):
        nn.Module()()


def test_modes_reach_every_module():
    net = Net()
    assert net.training and net.norm.training
    assert net.eval() is net and not net.norm.training
    assert net.train().norm.training
    net.requires_grad_(False)
    assert not any(parameter.requires_grad for parameter in net.parameters())
    visited = []
    net.apply(lambda module: visited.append(type(module).__name__))
    assert visited == ["Linear", "BatchNorm1d", "Linear", "Net"]


def test_conversion_keeps_the_objects():
    net = Net()
    net(bh.ones(4, 3)).sum().backward()
    before = list(net.parameters())
    assert net.double() is net
    assert all(a is b for a, b in zip(before, net.parameters(), strict=True))
    assert all(p.dtype is bh.float64 and p.requires_grad and p.is_leaf for p in net.parameters())
    assert net.hidden.weight.grad.dtype is bh.float64
    assert net.norm.num_batches_tracked.dtype is bh.int64
    assert net(bh.ones(4, 3, dtype=bh.float64)).dtype is bh.float64
    net.zero_grad()
    net(bh.ones(4, 3, dtype=bh.float64)).sum().backward()
    assert net.hidden.weight.grad.dtype is bh.float64
    assert net.to("cpu").to(bh.float32).hidden.weight.dtype is bh.float32
    assert net.to(device="cpu", dtype=bh.float64).hidden.weight.dtype is bh.float64
    with pytest.raises(ValueError, match="cuda"):
        net.to("cuda")
    with pytest.raises(TypeError, match="floating point"):
        net.to(bh.int64)


def test_zero_grad():
    layer = nn.Linear(2, 1)
    layer(bh.ones(1, 2)).sum().backward()
    layer.zero_grad(set_to_none=False)
    assert_array_equal(layer.weight.grad.numpy(), [[0, 0]])
    layer.zero_grad()
    assert layer.weight.grad is None


# State dicts.


def test_state_dicts_load_by_name():
    source, target = Net(), Net()
    source(bh.ones(4, 3) * 2)
    parameters = list(target.parameters())
    assert str(target.load_state_dict(source.state_dict())) == "<All keys matched successfully>"
    assert all(a is b for a, b in zip(parameters, target.parameters(), strict=True))
    for name, value in target.state_dict().items():
        assert_array_equal(value.numpy(), source.state_dict()[name].numpy())
        assert not value.requires_grad
    # Neither model follows the other.
    with bh.no_grad():
        source.hidden.weight.zero_()
    assert np.abs(target.hidden.weight.detach().numpy()).sum() > 0


def test_arrays_load_and_stay_apart():
    net = Net()
    state = {name: value.numpy().astype(np.float64) for name, value in net.state_dict().items()}
    state["hidden.bias"] = np.arange(4.0)
    net.load_state_dict(state)
    state["hidden.bias"][:] = 9
    assert_array_equal(net.hidden.bias.detach().numpy(), np.arange(4.0, dtype=np.float32))
    assert net.hidden.bias.dtype is bh.float32 and net.hidden.bias.requires_grad


def test_a_state_that_does_not_fit_changes_nothing():
    net = Net()
    before = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    state = {name: value + 1 for name, value in before.items()}
    del state["hidden.bias"]
    state["more"] = np.zeros(1)
    state["output.weight"] = np.zeros((3, 3))
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(state)
    text = str(error.value)
    assert text.startswith("Error(s) in loading state_dict for Net:")
    assert 'Missing key(s) in state_dict: "hidden.bias"' in text
    assert 'Unexpected key(s) in state_dict: "more"' in text
    assert "size mismatch for output.weight" in text and "(3, 3)" in text and "(2, 4)" in text
    for name, value in net.state_dict().items():
        assert_array_equal(value.numpy(), before[name])
    state["output.weight"] = np.zeros((2, 4))
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert missing == ["hidden.bias"] and unexpected == ["more"]
    assert_array_equal(net.output.weight.detach().numpy(), np.zeros((2, 4)))


def test_copies_are_independent():
    net = Net()
    other = copy.deepcopy(net)
    again = pickle.loads(pickle.dumps(net))
    x = bh.ones(4, 3)
    expected = net.eval()(x).detach().numpy().copy()
    with bh.no_grad():
        net.hidden.weight.zero_()
        net.norm.running_mean.add_(1)
    for copied in (other, again):
        assert_allclose(copied.eval()(x).detach().numpy(), expected, rtol=1e-6)
        assert all(parameter.requires_grad for parameter in copied.parameters())


# Containers.


def test_sequential():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    assert len(model) == 3 and model[-1] is model[2]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    head = model[:2]
    assert type(head) is nn.Sequential and head[0] is model[0]
    model.append(nn.Sigmoid())
    assert model(bh.zeros(5, 3)).shape == (5, 2)
    model[1] = nn.Tanh()
    assert type(model[1]) is nn.Tanh
    del model[0]
    assert [name for name, _ in model.named_children()] == ["0", "1", "2"] and type(model[0]) is nn.Tanh
    with pytest.raises(IndexError):
        model[7]
    named = nn.Sequential({"first": nn.Linear(1, 1), "act": nn.ReLU()})
    assert named.first is named[0] and "first.weight" in named.state_dict()
    assert list(dict(nn.Sequential(nn.ReLU(), nn.Tanh()).named_children())) == ["0", "1"]


def test_lists_and_dicts():
    layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    layers.insert(1, nn.ReLU())
    assert len(layers) == 4 and type(layers[1]) is nn.ReLU and len(layers[1:]) == 3
    assert type(layers.pop(1)) is nn.ReLU and len(list(layers.parameters())) == 6
    layers += [nn.Identity()]
    assert type(layers[-1]) is nn.Identity and layers[0] in layers
    heads = nn.ModuleDict({"a": nn.Linear(2, 1), "b": nn.Linear(2, 3)})
    assert list(heads) == ["a", "b"] and heads["b"].out_features == 3 and "a" in heads
    heads.update({"c": nn.ReLU()})
    assert type(heads.pop("c")) is nn.ReLU and list(heads.keys()) == ["a", "b"]
    with pytest.raises(KeyError):
        heads["z"]
    parameters = nn.ParameterList([bh.zeros(2), nn.Parameter(bh.ones(3))])
    assert len(parameters) == 2 and parameters[1].shape == (3,)
    assert list(parameters.state_dict()) == ["0", "1"]


def test_repr_is_that_of_the_tree():
    assert repr(nn.Sequential(nn.Linear(3, 4), nn.ReLU())) == (
        "Sequential(\n  (0): Linear(in_features=3, out_features=4, bias=True)\n  (1): ReLU()\n)"
    )
    assert repr(nn.Conv2d(1, 2, 3, padding=1, bias=False)) == (
        "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)"
    )
    assert repr(nn.Dropout(0.1)) == "Dropout(p=0.1, inplace=False)"
    assert repr(nn.BatchNorm2d(3)) == (
        "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)"
    )
    assert repr(nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])) == (
        "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"
    )
    assert "0" not in dir(nn.Sequential(nn.ReLU())) and "forward" in dir(nn.Sequential())


# Layers and functions.


def test_linear(rng):
    x, w, b = rng.normal(size=(2, 5, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    assert_allclose(F.linear(tensor(x), tensor(w), tensor(b)).numpy(), x @ w.T + b, rtol=1e-12)
    with pytest.raises(TypeError, match="float64.*float32"):
        F.linear(tensor(x), bh.ones(4, 3))
    with pytest.raises(TypeError, match="int64"):
        F.linear(bh.ones(2, 3, dtype=bh.int64), bh.ones(4, 3))
    with pytest.raises(ValueError, match="last axis must be 3"):
        F.linear(bh.ones(2, 5), bh.ones(4, 3))
    layer = nn.Linear(100, 50)
    assert np.abs(layer.weight.detach().numpy()).max() <= 0.1 < np.abs(layer.weight.detach().numpy()).max() * 1.1
    assert nn.Linear(2, 3, bias=False).bias is None


def test_the_seed_decides_initial_values():
    bh.manual_seed(7)
    first = nn.Conv2d(3, 8, 3).weight.detach().numpy()
    bh.manual_seed(7)
    assert_array_equal(nn.Conv2d(3, 8, 3).weight.detach().numpy(), first)
    bound = 1 / math.sqrt(27)
    assert bound * 0.9 < np.abs(first).max() <= bound
    bh.manual_seed(7)
    double = nn.Conv2d(3, 8, 3, dtype=bh.float64).weight
    assert_allclose(double.detach().numpy(), first, rtol=1e-6)


def convolved(x, w, padding, stride, dilation, groups):
    """Cross-correlation, written down."""
    n, c, h, width = x.shape
    k, per, kh, kw = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    oh = (x.shape[2] - dilation * (kh - 1) - 1) // stride + 1
    ow = (x.shape[3] - dilation * (kw - 1) - 1) // stride + 1
    y = np.zeros((n, k, oh, ow))
    for out in range(k):
        first = out // (k // groups) * per
        for i in range(oh):
            for j in range(ow):
                rows = slice(i * stride, i * stride + dilation * (kh - 1) + 1, dilation)
                cols = slice(j * stride, j * stride + dilation * (kw - 1) + 1, dilation)
                y[:, out, i, j] = (x[:, first : first + per, rows, cols] * w[out]).sum((1, 2, 3))
    return y


@pytest.mark.parametrize(
    ("padding", "stride", "dilation", "groups"), [(0, 1, 1, 1), ((1, 2), 2, 1, 2), (2, 1, 2, 1), (1, 3, 1, 4)]
)
def test_conv2d(rng, padding, stride, dilation, groups):
    x, w = rng.normal(size=(2, 4, 7, 8)), rng.normal(size=(8, 4 // groups, 3, 2))
    pair = (padding, padding) if isinstance(padding, int) else padding
    expected = convolved(x, w, pair, stride, dilation, groups)
    y = F.conv2d(tensor(x), tensor(w), None, stride, padding, dilation, groups)
    assert_allclose(y.numpy(), expected, rtol=1e-10, atol=1e-12)
    one = F.conv2d(tensor(x[0]), tensor(w), None, stride, padding, dilation, groups)
    assert_allclose(one.numpy(), expected[0], rtol=1e-10, atol=1e-12)


def test_conv2d_keeps_the_size_with_padding_same(rng):
    x, w = rng.normal(size=(1, 1, 5, 6)), rng.normal(size=(1, 1, 4, 3))
    y = F.conv2d(tensor(x), tensor(w), padding="same")
    # The kernel's odd zero lies below.
    padded = np.pad(x, ((0, 0), (0, 0), (1, 2), (1, 1)))
    assert_allclose(y.numpy(), convolved(padded, w, (0, 0), 1, 1, 1), rtol=1e-10)
    assert F.conv2d(tensor(x), tensor(w), padding="valid").shape == (1, 1, 2, 4)
    with pytest.raises(ValueError, match="strided"):
        F.conv2d(tensor(x), tensor(w), stride=2, padding="same")
    with pytest.raises(ValueError, match="valid"):
        F.conv2d(tensor(x), tensor(w), padding="full")
    with pytest.raises(ValueError, match="padding_mode"):
        nn.Conv2d(1, 1, 3, padding_mode="mirror")
    with pytest.raises(ValueError, match="padding_mode"):
        nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect")


def test_convolutions_say_what_they_are():
    layer = nn.ConvTranspose1d(2, 4, 3, 2, 1, 1, groups=2)
    assert repr(layer) == (
        "ConvTranspose1d(2, 4, kernel_size=(3,), stride=(2,), padding=(1,), output_padding=(1,), groups=2)"
    )
    assert layer.weight.shape == (2, 2, 3)
    assert "padding_mode=circular" in repr(nn.Conv1d(2, 4, 3, padding=1, padding_mode="circular"))
    largest = nn.ConvTranspose1d(8, 12, 5, groups=2).weight.detach().abs().max().item()
    assert 0.9 / np.sqrt(30) < largest <= 1 / np.sqrt(30)


def test_transposed_convolution_of_a_size(rng):
    layer = nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1)
    x = tensor(rng.standard_normal((2, 2, 4, 5))).float()
    assert layer(x).shape == (2, 3, 7, 9)
    assert layer(x, output_size=(8, 9)).shape == layer(x, output_size=(2, 3, 8, 9)).shape == (2, 3, 8, 9)
    with pytest.raises(ValueError, match="requested an output size"):
        layer(x, output_size=(9, 9))


def test_gpt2_conv1d(rng):
    layer = nn.Conv1D(3, 2)
    x = rng.standard_normal((4, 5, 2)).astype(np.float32)
    assert_allclose(layer(tensor(x)).detach().numpy(), x @ layer.weight.detach().numpy(), rtol=1e-5, atol=1e-7)
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_whole_channels_are_dropped():
    for layer, shape in ((nn.Dropout1d(0.5), (20, 30, 3)), (nn.Dropout2d(0.5), (20, 30, 2, 2))):
        dropped = layer(bh.ones(*shape)).numpy().reshape(600, -1)
        assert (dropped == dropped[:, :1]).all()
        assert set(dropped[:, 0]) == {0.0, 2.0}
        assert abs(dropped.mean() - 1) < 0.2
        layer.eval()
        assert (layer(bh.ones(*shape)).numpy() == 1).all()
    with pytest.raises(ValueError, match="3D or 4D"):
        nn.Dropout2d()(bh.ones(2, 2))


def test_pooling():
    x = np.arange(32.0).reshape(2, 1, 4, 4)
    assert_array_equal(F.max_pool2d(tensor(x), 2).numpy(), x[:, :, 1::2, 1::2])
    assert_array_equal(F.avg_pool2d(tensor(x), 2).numpy(), x.reshape(2, 1, 2, 2, 2, 2).mean((3, 5)))
    assert_array_equal(F.adaptive_avg_pool2d(tensor(x), 1).numpy(), x.mean((2, 3), keepdims=True))
    assert F.adaptive_avg_pool2d(tensor(x), (None, 2)).shape == (2, 1, 4, 2)
    assert nn.MaxPool2d(3, 1, 1)(tensor(x[0])).shape == (1, 4, 4)
    assert nn.AvgPool2d(3, 2, 1, divisor_override=1)(tensor(x)).numpy()[0, 0, 0, 0] == x[0, 0, :2, :2].sum()
    largest, places = nn.MaxPool2d(2, return_indices=True)(tensor(x[0]))
    assert_array_equal(places.numpy(), [[[5, 7], [13, 15]]])
    assert_array_equal(largest.numpy(), x[0, :, 1::2, 1::2])
    assert nn.AdaptiveMaxPool2d((None, 1))(tensor(x)).shape == (2, 1, 4, 1)


@pytest.mark.parametrize(("layer", "shape"), [(nn.BatchNorm1d, (8, 3)), (nn.BatchNorm2d, (4, 3, 5, 5))])
def test_batch_norm(rng, layer, shape):
    norm = layer(3, dtype=bh.float64)
    axes = (0, *range(2, len(shape)))
    mean, var = np.zeros(3), np.ones(3)
    running = norm.running_mean
    for _ in range(3):
        x = rng.normal(2, 3, size=shape)
        along = [1, 3] + [1] * (len(shape) - 2)
        expected = (x - x.mean(axes).reshape(along)) / np.sqrt(x.var(axes).reshape(along) + 1e-5)
        assert_allclose(norm(tensor(x)).detach().numpy(), expected, rtol=1e-9, atol=1e-9)
        mean = 0.9 * mean + 0.1 * x.mean(axes)
        var = 0.9 * var + 0.1 * x.var(axes, ddof=1)
    assert norm.running_mean is running and norm.num_batches_tracked.item() == 3
    assert_allclose(norm.running_mean.numpy(), mean, rtol=1e-12)
    assert_allclose(norm.running_var.numpy(), var, rtol=1e-12)
    x = rng.normal(size=shape)
    expected = (x - mean.reshape(along)) / np.sqrt(var.reshape(along) + 1e-5)
    assert_allclose(norm.eval()(tensor(x)).detach().numpy(), expected, rtol=1e-9, atol=1e-9)
    cumulative = layer(3, momentum=None, affine=False, dtype=bh.float64)
    batches = [rng.normal(size=shape) for _ in range(4)]
    for batch in batches:
        cumulative(tensor(batch))
    assert_allclose(cumulative.running_mean.numpy(), np.mean([b.mean(axes) for b in batches], 0), rtol=1e-9)
    untracked = layer(3, track_running_stats=False, dtype=bh.float64).eval()
    assert_allclose(untracked(tensor(x)).detach().numpy().mean(axes), np.zeros(3), atol=1e-12)
    with pytest.raises(ValueError, match="input"):
        norm(bh.zeros(3))


def test_layer_norm(rng):
    x, w, b = rng.normal(size=(4, 3, 5)), rng.normal(size=(3, 5)), rng.normal(size=(3, 5))
    standard = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    assert_allclose(F.layer_norm(tensor(x), (3, 5)).numpy(), standard, rtol=1e-9)
    assert_allclose(F.layer_norm(tensor(x), (3, 5), tensor(w), tensor(b)).numpy(), standard * w + b, rtol=1e-9)
    assert_allclose(F.layer_norm(tensor(x), (3, 5), None, tensor(b)).numpy(), standard + b, rtol=1e-9)
    assert nn.LayerNorm(5, bias=False).bias is None and nn.LayerNorm(5)(bh.zeros(2, 5)).shape == (2, 5)
    with pytest.raises(ValueError, match="normalized_shape"):
        F.layer_norm(tensor(x), (4, 5))


def test_dropout():
    bh.manual_seed(0)
    x = bh.ones(10000)
    y = nn.Dropout(0.25)(x).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)} and abs((y == 0).mean() - 0.25) < 0.02
    assert nn.Dropout(0.25).eval()(x) is x
    assert_array_equal(F.dropout(x, 1.0).numpy(), np.zeros(10000))
    with pytest.raises(ValueError, match="between 0 and 1"):
        nn.Dropout(1.5)


def softplus(x):
    return np.logaddexp(0, x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ERF = np.vectorize(math.erf)
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.ReLU(), lambda x: np.maximum(x, 0)),
        (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
        (nn.ELU(2.0), lambda x: np.where(x > 0, x, 2 * np.expm1(x))),
        (nn.SELU(), lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x))),
        (nn.GELU(), lambda x: x * (1 + ERF(x / math.sqrt(2))) / 2),
        (nn.GELU("tanh"), lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
        (nn.SiLU(), lambda x: x * sigmoid(x)),
        (nn.Mish(), lambda x: x * np.tanh(softplus(x))),
        (nn.Hardswish(), lambda x: x * np.clip(x + 3, 0, 6) / 6),
        (nn.Softplus(2.0), lambda x: softplus(2 * x) / 2),
        (nn.Softsign(), lambda x: x / (1 + abs(x))),
        (nn.Sigmoid(), sigmoid),
        (nn.Tanh(), np.tanh),
        (nn.LogSigmoid(), lambda x: -softplus(-x)),
        (nn.Softmax(dim=1), lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
        (nn.LogSoftmax(dim=0), lambda x: x - np.log(np.exp(x).sum(0, keepdims=True))),
    ],
)
def test_activations(rng, module, expected):
    x = rng.normal(0, 2, size=(6, 7))
    assert_allclose(module(tensor(x)).numpy(), expected(x), rtol=1e-9, atol=1e-12)


def test_in_place_is_in_place():
    x = bh.tensor([-1.0, 2.0])
    assert nn.ReLU(inplace=True)(x) is x
    assert_array_equal(x.numpy(), [0, 2])
    leaf = bh.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        F.relu(leaf, inplace=True)
    y = leaf * -2
    F.elu(y, inplace=True).sum().backward()
    assert_allclose(leaf.grad.numpy(), -2 * np.exp([-2, -2]), rtol=1e-6)


def test_softmax_of_no_named_axis_warns():
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        assert_allclose(F.softmax(bh.zeros(2, 4)).numpy(), np.full((2, 4), 0.25))
    assert F.softmax(bh.tensor([1, 2]), 0, dtype=bh.float64).dtype is bh.float64


def test_losses(rng):
    x, t = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    d = np.abs(x - t)
    for reduction, reduce in (("mean", np.mean), ("sum", np.sum), ("none", lambda x: x)):
        assert_allclose(F.mse_loss(tensor(x), tensor(t), reduction=reduction).numpy(), reduce(d**2), rtol=1e-12)
        assert_allclose(nn.L1Loss(reduction=reduction)(tensor(x), tensor(t)).numpy(), reduce(d), rtol=1e-12)
        smooth = np.where(d < 0.5, d**2, d - 0.25)
        assert_allclose(
            nn.SmoothL1Loss(reduction=reduction, beta=0.5)(tensor(x), tensor(t)).numpy(), reduce(smooth), rtol=1e-12
        )
        p, q, w = sigmoid(x), sigmoid(t), np.array([1.0, 2.0, 3.0])
        losses = -w * (q * np.log(p) + (1 - q) * np.log(1 - p))
        bce = F.binary_cross_entropy(tensor(p), tensor(q), tensor(w), reduction=reduction)
        assert_allclose(bce.numpy(), reduce(losses), rtol=1e-9)
        losses = -(w * q * np.log(p) + (1 - q) * np.log(1 - p))
        logits = nn.BCEWithLogitsLoss(reduction=reduction, pos_weight=tensor(w))(tensor(x), tensor(q))
        assert_allclose(logits.numpy(), reduce(losses), rtol=1e-9)
    with pytest.raises(ValueError, match="not one of 'none'"):
        F.mse_loss(tensor(x), tensor(t), reduction="max")
    with pytest.raises(ValueError, match="must be equal"):
        F.mse_loss(tensor(x), tensor(t[0]))
    with pytest.raises(ValueError, match="not a valid value"):
        nn.MSELoss(reduction="max")


def test_cross_entropy(rng):
    x, t = rng.normal(size=(6, 4)), np.array([0, 1, 2, 3, -100, 1])
    log_p = x - np.log(np.exp(x).sum(1, keepdims=True))
    kept = t >= 0
    right = -log_p[kept, t[kept]]
    assert_allclose(F.cross_entropy(tensor(x), tensor(t)).item(), right.mean(), rtol=1e-12)
    w = np.array([1.0, 2.0, 3.0, 4.0])
    weighted = (right * w[t[kept]]).sum() / w[t[kept]].sum()
    assert_allclose(nn.CrossEntropyLoss(tensor(w))(tensor(x), tensor(t)).item(), weighted, rtol=1e-12)
    q = rng.dirichlet(np.ones(4), size=6)
    assert_allclose(F.cross_entropy(tensor(x), tensor(q)).item(), -(q * log_p).sum(1).mean(), rtol=1e-12)
    smooth = 0.9 * right - 0.1 * log_p[kept].mean(1)
    assert_allclose(F.cross_entropy(tensor(x), tensor(t), label_smoothing=0.1).item(), smooth.mean(), rtol=1e-9)
    assert_allclose(F.cross_entropy(tensor(x[0]), tensor(0)).item(), right[0], rtol=1e-12)
    with pytest.raises(IndexError, match="target 4"):
        F.cross_entropy(tensor(x), tensor(t + 1), ignore_index=-99)
    assert list(nn.CrossEntropyLoss(tensor(w)).state_dict()) == ["weight"]
    assert_allclose(nn.NLLLoss(tensor(w))(tensor(log_p), tensor(t)).item(), weighted, rtol=1e-12)
    assert_allclose(F.nll_loss(tensor(log_p), tensor(t), reduction="sum").item(), right.sum(), rtol=1e-12)
    with pytest.raises(TypeError, match="whole numbers"):
        F.nll_loss(tensor(log_p), tensor(q))


def test_pad_one_hot_normalize(rng):
    x = rng.normal(size=(2, 3, 4))
    assert_array_equal(
        F.pad(tensor(x), (1, 2, 0, 3), value=5.0).numpy(), np.pad(x, ((0, 0), (0, 3), (1, 2)), constant_values=5)
    )
    assert_array_equal(F.pad(tensor(x), (-1, 1)).numpy(), np.pad(x[:, :, 1:], ((0, 0), (0, 0), (0, 1))))
    for mode in ("reflect", "edge", "wrap"):
        name = {"edge": "replicate", "wrap": "circular"}.get(mode, mode)
        expected = np.pad(x, ((0, 0), (2, 1), (0, 3)), mode=mode)
        assert_array_equal(F.pad(tensor(x), (0, 3, 2, 1), mode=name).numpy(), expected)
    with pytest.raises(ValueError, match="mirror"):
        F.pad(tensor(x), (1, 1), mode="mirror")
    with pytest.raises(ValueError, match="takes no value"):
        F.pad(tensor(x), (1, 1), mode="reflect", value=1.0)
    with pytest.raises(ValueError, match="cut off"):
        F.pad(tensor(x), (-3, -3))
    assert_array_equal(F.one_hot(bh.tensor([[2, 0]])).numpy(), [[[0, 0, 1], [1, 0, 0]]])
    with pytest.raises(ValueError, match="more than the largest"):
        F.one_hot(bh.tensor([3]), 3)
    for p in (1.0, 2.0, 3.0, math.inf):
        norm = np.linalg.norm(x, p, axis=1, keepdims=True)
        assert_allclose(F.normalize(tensor(x), p).numpy(), x / norm, rtol=1e-9)
    zero = bh.zeros(1, 3, requires_grad=True)
    F.normalize(zero).sum().backward()
    assert np.isfinite(zero.grad.numpy()).all()


def test_flatten_and_unflatten():
    x = bh.zeros(2, 3, 4)
    assert nn.Flatten()(x).shape == (2, 12) and nn.Flatten(0, 1)(x).shape == (6, 4)
    assert nn.Unflatten(1, (3, -1))(bh.zeros(2, 12)).shape == (2, 3, 4)


def test_gradients_of_a_network_are_slopes(rng):
    bh.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.GELU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    ).double()
    x, t = tensor(rng.normal(size=(3, 1, 4, 4))), bh.tensor([0, 1, 2])

    def loss():
        return F.cross_entropy(net(x), t)

    loss().backward()
    for parameter in net.parameters():
        place = (0,) * parameter.ndim
        slopes = []
        for step in (1e-6, -1e-6):
            with bh.no_grad():
                parameter[place] = parameter[place] + step
            slopes.append(loss().item())
            with bh.no_grad():
                parameter[place] = parameter[place] - step
        assert_allclose(parameter.grad[place].item(), (slopes[0] - slopes[1]) / 2e-6, rtol=1e-5, atol=1e-8)


# Initial values and gradient bounds.


def test_init():
    bh.manual_seed(0)
    w = nn.Parameter(bh.empty(200, 300))
    assert nn.init.kaiming_uniform_(w, nonlinearity="relu") is w and w.requires_grad
    values = w.detach().numpy()
    assert_allclose(np.abs(values).max(), math.sqrt(6 / 300), rtol=1e-3)
    nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="tanh")
    assert_allclose(w.detach().numpy().std(), 5 / 3 / math.sqrt(200), rtol=2e-2)
    nn.init.xavier_uniform_(w, gain=2.0)
    assert_allclose(np.abs(w.detach().numpy()).max(), 2 * math.sqrt(6 / 500), rtol=1e-3)
    nn.init.xavier_normal_(w)
    assert_allclose(w.detach().numpy().std(), math.sqrt(2 / 500), rtol=2e-2)
    nn.init.uniform_(w, 2, 3)
    assert w.detach().numpy().min() >= 2 and w.detach().numpy().max() < 3
    assert_array_equal(nn.init.constant_(bh.empty(2), 0.5).numpy(), [0.5, 0.5])
    assert_array_equal(nn.init.ones_(nn.init.zeros_(bh.empty(2))).numpy(), [1, 1])
    first = nn.init.normal_(bh.empty(4), generator=bh.Generator().manual_seed(3))
    assert_array_equal(first.numpy(), nn.init.normal_(bh.empty(4), generator=bh.Generator().manual_seed(3)).numpy())
    assert nn.init.calculate_gain("leaky_relu", 0.2) == math.sqrt(2 / (1 + 0.04))
    with pytest.raises(ValueError, match="Unsupported nonlinearity"):
        nn.init.calculate_gain("swish")
    with pytest.raises(ValueError, match="two axes"):
        nn.init.xavier_uniform_(bh.empty(3))


def test_gradient_bounds():
    a, b = nn.Parameter(bh.zeros(2)), nn.Parameter(bh.zeros(1))
    a.grad, b.grad = bh.tensor([3.0, 4.0]), bh.tensor([12.0])
    assert_allclose(nn.utils.clip_grad_norm_([a, b], 6.5).item(), 13.0, rtol=1e-6)
    assert_allclose(a.grad.numpy(), [1.5, 2.0], rtol=1e-5)
    assert_allclose(nn.utils.clip_grad_norm_([a, b], 100, math.inf).item(), 6.0, rtol=1e-5)
    assert_allclose(nn.utils.clip_grad_norm_(a, 100, 1).item(), 3.5, rtol=1e-5)
    nn.utils.clip_grad_value_([a, b], 1.75)
    assert_allclose(a.grad.numpy(), [1.5, 1.75], rtol=1e-5)
    assert b.grad.item() == 1.75
    b.grad = bh.tensor([math.inf])
    with pytest.raises(RuntimeError, match="non-finite"):
        nn.utils.clip_grad_norm_([a, b], 1.0, error_if_nonfinite=True)


def test_parameters_as_a_vector():
    net = nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (9,)
    weight = net.weight
    nn.utils.vector_to_parameters(bh.arange(9.0), net.parameters())
    assert net.weight is weight and weight.requires_grad
    assert_array_equal(weight.detach().numpy(), np.arange(6.0).reshape(3, 2))
    with pytest.raises(ValueError, match="8 numbers"):
        nn.utils.vector_to_parameters(bh.zeros(8), net.parameters())


def test_functions_pickle_by_name():
    assert pickle.loads(pickle.dumps(F.relu)) is F.relu
    assert pickle.loads(pickle.dumps(nn.init.zeros_)) is nn.init.zeros_


def docstrings():
    """Everything of `nn` and `optim` whose docstring holds an example."""
    from barehand import optim
    from barehand.nn import container, convolution, linear, loss, module, normalization, parameter, pooling

    modules = [nn, F, nn.init, container, convolution, linear, loss, module, normalization, parameter, pooling]
    modules += [optim, optim.lr_scheduler, optim.sgd, optim.adam]
    for module in modules:
        for name, held in [(module.__name__, module), *vars(module).items()]:
            text = getattr(held, "__doc__", None)
            if (held is module or getattr(held, "__module__", None) == module.__name__) and ">>>" in (text or ""):
                yield pytest.param(text, vars(module), id=name)


@pytest.mark.parametrize(("text", "names"), list(docstrings()))
def test_examples_hold(text, names):
    example = doctest.DocTestParser().get_doctest(text, {**names, "bh": bh, "F": F}, "example", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(example).failed == 0


def test_lora():
    bh.manual_seed(0)
    base = nn.Linear(6, 4)
    x = bh.randn(5, 6)
    before = base(x).detach().numpy()
    layer = nn.Lora(base, rank=2, alpha=5.0)
    assert [name for name, _ in layer.named_parameters()] == [
        "base_layer.weight",
        "base_layer.bias",
        "lora_A.weight",
        "lora_B.weight",
    ]
    assert_array_equal(layer(x).detach().numpy(), before)
    optimizer = bh.optim.Adam([p for p in layer.parameters() if p.requires_grad], lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        (layer(x) ** 2).mean().backward()
        optimizer.step()
    after = layer(x).detach().numpy()
    assert (after**2).mean() < (before**2).mean()
    assert_array_equal(base(x).detach().numpy(), before)
    layer.merge()
    assert_allclose(layer(x).detach().numpy(), after, rtol=1e-4, atol=1e-6)
    assert_allclose(base(x).detach().numpy(), after, rtol=1e-4, atol=1e-6)
    with pytest.raises(RuntimeError, match="merged already"):
        layer.merge()
    layer.unmerge()
    assert_allclose(base(x).detach().numpy(), before, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="rank"):
        nn.Lora(base, rank=0)


# What PyTorch lacks. The functions stand in the parity table, beside their formulas.


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (nn.SwiGLU(gate_first=False), lambda x, y: F.swiglu(x, gate_first=False)),
        (nn.GEGLU(0), lambda x, y: F.geglu(x, 0)),
        (nn.ReGLU(), lambda x, y: F.reglu(x)),
        (nn.ErfSigmoid(printed=True), lambda x, y: F.erf_sigmoid(x, printed=True)),
        (nn.Gudermannian(), lambda x, y: F.gudermannian(x)),
        (nn.AlgebraicSigmoid(), lambda x, y: F.algebraic_sigmoid(x)),
        (nn.ArctangentSigmoid(), lambda x, y: F.arctangent_sigmoid(x)),
        (nn.HingeLoss(margin=0.5), lambda x, y: F.hinge_loss(x, y, margin=0.5)),
        (nn.PairwiseMarginLoss(margin=0.5), lambda x, y: F.pairwise_margin_loss(x, y, margin=0.5)),
        (nn.BPRLoss(reduction="sum"), lambda x, y: F.bpr_loss(x, y, reduction="sum")),
        (
            nn.FocalLoss(gamma=1.0, alpha=0.25, balanced=True),
            lambda x, y: F.focal_loss(x, y, gamma=1.0, alpha=0.25, balanced=True),
        ),
        (nn.InfoNCELoss(symmetric=True), lambda x, y: F.info_nce_loss(x, y, symmetric=True)),
        (nn.NTXentLoss(temperature=0.1), lambda x, y: F.nt_xent_loss(x, y, temperature=0.1)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_layers_of_our_own_are_their_functions(layer, function, rng):
    x, y = tensor(rng.normal(size=(4, 6))), tensor(rng.normal(size=(4, 6)))
    given = (x, y) if "Loss" in type(layer).__name__ else (x,)
    assert_array_equal(layer(*given).numpy(), function(x, y).numpy())


def test_losses_of_our_own_that_take_more(rng):
    a, b = tensor(rng.normal(size=(4, 3))), tensor(rng.normal(size=(4, 3)))
    y = bh.tensor([1.0, 0.0, 1.0, 0.0], dtype=bh.float64)
    assert (
        nn.ContrastiveLoss(margin=2.0, eps=0.0)(a, b, y).item()
        == F.contrastive_loss(a, b, y, margin=2.0, eps=0.0).item()
    )
    p, q = bh.tensor([[0.4, 0.6]], dtype=bh.float64), bh.tensor([[0.5, 0.5]], dtype=bh.float64)
    assert_allclose(nn.KLDivergence()(p, q).item(), 0.020135513550688863, rtol=1e-9)
    assert nn.KLDivergence(swapped=True)(p, q).item() == nn.KLDivergence()(q, p).item()
    rows = bh.tensor([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]], dtype=bh.float64)
    loss = nn.ProbabilityCrossEntropyLoss(inside=1e-9)
    assert_allclose(loss(rows, bh.tensor([0, 1, 2])).item(), 0.2797765622367497, rtol=1e-15)
    assert_allclose(loss(rows, bh.eye(3, dtype=bh.float64)).item(), 0.2797765622367497, rtol=1e-15)
    with pytest.raises(ValueError, match="an alpha, which is missing"):
        F.focal_loss(a, b, balanced=True)


def test_rrelu_draws_slopes_between_its_bounds():
    x = -bh.ones(10_000)
    slopes = -nn.RReLU(0.1, 0.3)(x).numpy()
    assert 0.1 <= slopes.min() < 0.101 and 0.299 < slopes.max() < 0.3 and abs(slopes.mean() - 0.2) < 0.002
    assert_allclose(nn.RReLU(0.1, 0.3).eval()(x).numpy(), -0.2, rtol=1e-6)


def test_initial_values_that_are_drawn_or_not():
    init = nn.init
    assert_array_equal(init.eye_(bh.ones(2, 3)).numpy(), np.eye(2, 3))
    kept = init.dirac_(bh.ones(4, 2, 3), groups=2).numpy()
    assert kept.sum() == 4 and kept[0, 0, 1] == kept[1, 1, 1] == kept[2, 0, 1] == kept[3, 1, 1] == 1
    q = init.orthogonal_(bh.empty(6, 2, 2, dtype=bh.float64), gain=2.0).numpy().reshape(6, 4)
    assert_allclose(q.T @ q, 4 * np.eye(4), atol=1e-13)
    cut = init.trunc_normal_(bh.empty(100, 100), mean=1.0, std=2.0, a=0.0, b=2.0).numpy()
    assert cut.min() >= 0 and cut.max() <= 2 and abs(cut.mean() - 1) < 0.02
    sparse = init.sparse_(bh.empty(10, 50), sparsity=0.25, std=0.1).numpy()
    assert (np.count_nonzero(sparse == 0, axis=0) == 3).all()
    parameter = nn.Parameter(bh.zeros(3, 3))
    assert init.orthogonal_(parameter, generator=bh.Generator().manual_seed(1)) is parameter and parameter.requires_grad
    for wrong in [
        lambda: init.eye_(bh.zeros(3)),
        lambda: init.dirac_(bh.zeros(3, 3)),
        lambda: init.sparse_(bh.zeros(3, 3), sparsity=2.0),
        lambda: init.trunc_normal_(bh.zeros(3), a=1.0, b=0.0),
        lambda: init.orthogonal_(bh.zeros(3)),
    ]:
        with pytest.raises(ValueError):
            wrong()
