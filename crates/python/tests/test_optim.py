"""Optimizers and learning-rate schedules against their formulas."""

import copy
import math
import pickle

import barehand as bh
import numpy as np
import pytest
from barehand import nn, optim
from barehand.optim import lr_scheduler
from numpy.testing import assert_allclose, assert_array_equal


def parameters(rng, dtype=np.float64):
    return [nn.Parameter(bh.tensor(rng.normal(size=shape).astype(dtype))) for shape in ((3, 2), (4,), (2, 3, 4))]


def follow(optimizer, params, rule, steps=6, seed=1):
    """Steps along random gradients, here and in NumPy."""
    rng = np.random.default_rng(seed)
    values = [p.detach().numpy().copy() for p in params]
    states = [{} for _ in params]
    for step in range(1, steps + 1):
        for i, p in enumerate(params):
            grad = rng.normal(size=values[i].shape).astype(p.detach().numpy().dtype)
            p.grad = bh.tensor(grad)
            values[i] = rule(values[i].astype(np.float64), grad.astype(np.float64), states[i], step)
        optimizer.step()
    return values


def sgd(lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False):
    def rule(x, g, state, step):
        g = (-g if maximize else g) + weight_decay * x
        if momentum:
            state["v"] = g if step == 1 else momentum * state["v"] + (1 - dampening) * g
            g = g + momentum * state["v"] if nesterov else state["v"]
        return x - lr * g

    return rule


def adam(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False, decoupled=False):
    def rule(x, g, state, step):
        g = -g if maximize else g
        if decoupled:
            x = x * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * x
        m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * g
        v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * g * g
        if amsgrad:
            v = state["max"] = np.maximum(state.get("max", 0), v)
        return x - lr * m / (1 - betas[0] ** step) / (np.sqrt(v / (1 - betas[1] ** step)) + eps)

    return rule


def adadelta(lr, rho=0.9, eps=1e-6, weight_decay=0.0, maximize=False):
    def rule(x, g, state, step):
        g = (-g if maximize else g) + weight_decay * x
        s = state["s"] = rho * state.get("s", 0) + (1 - rho) * g * g
        u = state.get("u", 0)
        d = np.sqrt(u + eps) / np.sqrt(s + eps) * g
        state["u"] = rho * u + (1 - rho) * d * d
        return x - lr * d

    return rule


@pytest.mark.parametrize("options", [{}, {"rho": 0.5, "eps": 1e-3}, {"weight_decay": 0.1}, {"maximize": True}])
def test_adadelta(options):
    params = parameters(np.random.default_rng(0))
    optimizer = optim.Adadelta(params, lr=0.5, **options)
    for p, expected in zip(params, follow(optimizer, params, adadelta(0.5, **options)), strict=True):
        assert_allclose(p.detach().numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"momentum": 0.8, "dampening": 0.3, "maximize": True},
    ],
)
def test_sgd(options):
    params = parameters(np.random.default_rng(0))
    optimizer = optim.SGD(params, lr=0.05, **options)
    for p, expected in zip(params, follow(optimizer, params, sgd(0.05, **options)), strict=True):
        assert_allclose(p.detach().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("rule", ["Adam", "AdamW"])
@pytest.mark.parametrize(
    "options",
    [{}, {"weight_decay": 0.1}, {"amsgrad": True, "betas": (0.5, 0.9), "eps": 1e-3}, {"maximize": True}],
)
def test_adam(rule, options):
    params = parameters(np.random.default_rng(0))
    optimizer = getattr(optim, rule)(params, lr=0.05, **options)
    if rule == "AdamW":
        options = {"weight_decay": 0.01, **options, "decoupled": True}
    for p, expected in zip(params, follow(optimizer, params, adam(0.05, **options)), strict=True):
        assert_allclose(p.detach().numpy(), expected, rtol=1e-10)


def test_single_precision_follows_within_rounding():
    params = parameters(np.random.default_rng(0), np.float32)
    optimizer = optim.Adam(params, lr=0.05)
    for p, expected in zip(params, follow(optimizer, params, adam(0.05)), strict=True):
        assert p.dtype is bh.float32
        assert_allclose(p.detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_both_precisions_in_one_group():
    single, double = nn.Parameter(bh.ones(2)), nn.Parameter(bh.ones(2, dtype=bh.float64))
    optimizer = optim.SGD([single, double], lr=0.5)
    single.grad, double.grad = bh.ones(2), bh.ones(2, dtype=bh.float64)
    optimizer.step()
    assert_array_equal(single.detach().numpy(), [0.5, 0.5])
    assert_array_equal(double.detach().numpy(), [0.5, 0.5])


def test_options_changed_between_steps_count():
    p = nn.Parameter(bh.zeros(1, dtype=bh.float64))
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    group = optimizer.param_groups[0]
    one = bh.ones(1, dtype=bh.float64)
    p.grad = one
    optimizer.step()  # v = 1
    group["momentum"], group["lr"] = 0.25, 0.1
    optimizer.step()  # v = 1.25
    assert_allclose(p.item(), -1 - 0.125, rtol=1e-12)
    group["weight_decay"] = 1.0
    before = p.item()
    optimizer.step()  # v = 0.25 * 1.25 + 1 + before
    assert_allclose(p.item(), before - 0.1 * (0.3125 + 1 + before), rtol=1e-12)
    group["momentum"] = -1
    with pytest.raises(ValueError, match="Invalid momentum value"):
        optimizer.step()


def test_groups_have_options_of_their_own():
    a, b = nn.Parameter(bh.zeros(1)), nn.Parameter(bh.zeros(1))
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25)
    a.grad, b.grad = bh.ones(1), bh.ones(1)
    optimizer.step()
    assert (a.item(), b.item()) == (-0.25, -0.5)
    c = nn.Parameter(bh.zeros(1))
    optimizer.add_param_group({"params": [c], "momentum": 0.5})
    assert optimizer.param_groups[2]["lr"] == 0.25
    with pytest.raises(ValueError, match="more than one parameter group"):
        optimizer.add_param_group({"params": [a]})
    with pytest.raises(ValueError, match="Invalid learning rate"):
        optimizer.add_param_group({"params": [nn.Parameter(bh.zeros(1))], "lr": -1})
    assert len(optimizer.param_groups) == 3


def test_wrong_arguments_are_refused():
    p = nn.Parameter(bh.zeros(1))
    for wrong in ({"lr": -1}, {"lr": 1, "momentum": -1}, {"lr": 1, "nesterov": True}):
        with pytest.raises(ValueError):
            optim.SGD([p], **wrong)
    with pytest.raises(ValueError, match="beta parameter at index 1"):
        optim.Adam([p], betas=(0.9, 1.0))
    with pytest.raises(ValueError, match="empty parameter list"):
        optim.Adam([])
    with pytest.raises(TypeError, match="iterable of Tensors"):
        optim.Adam(p)
    with pytest.raises(TypeError, match="one of the params is int"):
        optim.Adam([3])
    with pytest.raises(ValueError, match="non-leaf"):
        optim.Adam([p * 2])
    with pytest.raises(TypeError):
        optim.Adam([p], fused=True)


def test_parameters_without_gradients_stay():
    a, b = nn.Parameter(bh.ones(1)), nn.Parameter(bh.ones(1))
    optimizer = optim.Adam([a, b], lr=0.1, weight_decay=1.0)
    a.grad = bh.ones(1)
    optimizer.step()
    assert b.item() == 1 and a.item() != 1
    assert list(optimizer.state_dict()["state"]) == [0]
    optimizer.zero_grad(set_to_none=False)
    assert a.grad.item() == 0
    optimizer.zero_grad()
    assert a.grad is None


def test_steps_keep_the_objects_and_the_tape():
    net = nn.Linear(2, 1)
    weight, held = net.weight, net.weight.detach()
    copied = held.numpy().copy()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        net(bh.ones(3, 2)).sum().backward()
        optimizer.step()
    assert net.weight is weight and weight.is_leaf and weight.requires_grad
    assert_allclose(weight.detach().numpy(), copied - 0.6, rtol=1e-5)
    # A detached tensor is a value of its own.
    assert_array_equal(held.numpy(), copied)


def test_a_closure_gives_the_loss():
    p = nn.Parameter(bh.tensor([2.0]))
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with bh.no_grad():
        assert optimizer.step(closure).item() == 4.0
    assert_allclose(p.item(), 1.6, rtol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda params: optim.SGD(params, lr=0.1, momentum=0.9),
        lambda params: optim.Adam(params, lr=0.1, amsgrad=True),
        lambda params: optim.AdamW(params, lr=0.1),
        lambda params: optim.Adadelta(params, lr=0.1),
        lambda params: optim.Adagrad(params, lr=0.1, lr_decay=0.1),
        lambda params: optim.Adamax(params, lr=0.1),
        lambda params: optim.ASGD(params, lr=0.1, t0=2),
        lambda params: optim.NAdam(params, lr=0.1),
        lambda params: optim.RAdam(params, lr=0.1, betas=(0.5, 0.8)),
        lambda params: optim.RMSprop(params, lr=0.1, momentum=0.9, centered=True),
        lambda params: optim.Rprop(params, lr=0.1),
    ],
)
def test_a_loaded_state_continues_exactly(make):
    def run(optimizer, params, seeds):
        for seed in seeds:
            rng = np.random.default_rng(seed)
            for p in params:
                p.grad = bh.tensor(rng.normal(size=tuple(p.shape)))
            optimizer.step()

    first = parameters(np.random.default_rng(0))
    optimizer = make(first)
    run(optimizer, first, (1, 2, 3))
    saved = copy.deepcopy(optimizer.state_dict())
    second = [copy.deepcopy(p) for p in first]
    other = make(second)
    other.param_groups[0]["lr"] = 7.0
    # A saved state of arrays loads as well: what other libraries keep.
    saved["state"] = {
        i: {name: np.asarray(value) for name, value in state.items()} for i, state in saved["state"].items()
    }
    other.load_state_dict(saved)
    assert other.param_groups[0]["lr"] == 0.1
    model = pickle.loads(pickle.dumps(optimizer))
    third = model.param_groups[0]["params"]
    run(optimizer, first, (4, 5))
    run(other, second, (4, 5))
    run(model, third, (4, 5))
    for a, b, c in zip(first, second, third, strict=True):
        assert_array_equal(a.detach().numpy(), b.detach().numpy())
        assert_array_equal(a.detach().numpy(), c.detach().numpy())


def bowl(optimizer, params):
    def closure():
        optimizer.zero_grad()
        loss = sum(((p - 1) ** 2 * (p + 3) ** 2).sum() for p in params)
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("options", [{"lr": 0.01}, {"line_search_fn": "strong_wolfe"}])
def test_lbfgs_goes_down_and_continues_exactly(options):
    first = parameters(np.random.default_rng(0))
    optimizer = optim.LBFGS(first, max_iter=5, history_size=3, **options)
    losses = [optimizer.step(bowl(optimizer, first)).item() for _ in range(2)]
    assert losses[1] < losses[0]
    saved = copy.deepcopy(optimizer.state_dict())
    assert len(saved["state"][0]["old_dirs"]) == 3 and 5 <= saved["state"][0]["n_iter"] <= 10
    second = [copy.deepcopy(p) for p in first]
    other = optim.LBFGS(second, max_iter=5, history_size=3, **options)
    other.load_state_dict(saved)
    for _ in range(2):
        assert optimizer.step(bowl(optimizer, first)).item() == other.step(bowl(other, second)).item()
    for a, b in zip(first, second, strict=True):
        assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_lbfgs_refuses_what_it_cannot():
    p, q = nn.Parameter(bh.zeros(1)), nn.Parameter(bh.zeros(1))
    with pytest.raises(ValueError, match="parameter groups"):
        optim.LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(RuntimeError, match="strong_wolfe"):
        optim.LBFGS([p], line_search_fn="armijo")
    optimizer = optim.LBFGS([p])

    def closure():
        return optimizer.step(closure)

    with pytest.raises(RuntimeError, match="under way"):
        optimizer.step(closure)

    def fails():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        optimizer.step(fails)
    # And the optimizer is usable again.
    assert optimizer.step(bowl(optimizer, [p])).item() == 9.0


def test_an_average_follows_the_weights():
    swa = optim.swa_utils
    model = nn.Linear(2, 1)
    start = model.weight.detach().numpy().copy()
    exponential = swa.AveragedModel(model, multi_avg_fn=swa.get_ema_multi_avg_fn(0.75))
    mean = swa.AveragedModel(model)
    for _ in range(3):
        exponential.update_parameters(model)
        mean.update_parameters(model)
        with bh.no_grad():
            model.weight += 1
    assert_allclose(exponential.module.weight.detach().numpy(), start + 0.6875, rtol=1e-5)
    assert_allclose(mean.module.weight.detach().numpy(), start + 1, rtol=1e-5)
    assert list(mean.state_dict()) == ["n_averaged", "module.weight", "module.bias"]
    assert int(mean.n_averaged.item()) == 3
    assert mean(bh.ones(4, 2)).shape == (4, 1)
    with pytest.raises(ValueError, match="Invalid decay"):
        swa.get_ema_multi_avg_fn(1.5)
    with pytest.raises(AssertionError):
        swa.AveragedModel(model, avg_fn=swa.get_ema_avg_fn(), multi_avg_fn=swa.get_ema_multi_avg_fn())


def test_the_rate_of_an_average_goes_on_from_what_another_schedule_left():
    optimizer = make(groups=2)
    first, second = (group["lr"] for group in optimizer.param_groups)
    decay = lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(2):
        optimizer.step()
        decay.step()
    swa = optim.swa_utils.SWALR(optimizer, [0.1, 0.2], anneal_epochs=2, anneal_strategy="linear")
    assert_allclose(swa.get_last_lr(), [first / 4, second / 4])
    optimizer.step()
    swa.step()
    assert_allclose(swa.get_last_lr(), [(first / 4 + 0.1) / 2, (second / 4 + 0.2) / 2])
    again = optim.swa_utils.SWALR(optimizer, [0.1, 0.2])
    again.load_state_dict(swa.state_dict())
    for _ in range(3):
        optimizer.step()
        again.step()
    assert_allclose(again.get_last_lr(), [0.1, 0.2])
    assert [group["swa_lr"] for group in optimizer.param_groups] == [0.1, 0.2]
    with pytest.raises(ValueError, match="anneal_strategy must be one of 'cos' or 'linear', instead got x"):
        optim.swa_utils.SWALR(optimizer, 0.1, anneal_strategy="x")
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0, got -1"):
        optim.swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr: 2 values expected"):
        optim.swa_utils.SWALR(optimizer, [0.1])


def test_running_statistics_of_an_average_are_computed_anew():
    model = nn.Sequential(nn.BatchNorm1d(1, momentum=0.5))
    model.eval()
    optim.swa_utils.update_bn([bh.tensor([[1.0], [3.0]]), (bh.tensor([[5.0], [7.0]]), None)], model)
    assert not model.training and model[0].momentum == 0.5
    assert_allclose(model[0].running_mean.numpy(), [4.0])
    assert_allclose(model[0].running_var.numpy(), [2.0])


def test_the_form_of_a_state():
    p = nn.Parameter(bh.ones(2))
    optimizer = optim.Adam([p])
    p.grad = bh.ones(2)
    optimizer.step()
    state = optimizer.state_dict()
    assert set(state) == {"state", "param_groups"}
    assert sorted(state["state"][0]) == ["exp_avg", "exp_avg_sq", "step"]
    assert state["state"][0]["step"].item() == 1.0
    assert_allclose(state["state"][0]["exp_avg"].numpy(), [0.1, 0.1], rtol=1e-6)
    assert state["param_groups"][0]["params"] == [0]
    assert_allclose(optimizer.state[p]["exp_avg_sq"].numpy(), [0.001, 0.001], rtol=1e-5)
    wrong = copy.deepcopy(state)
    wrong["state"][0]["exp_avg"] = bh.ones(3)
    with pytest.raises(ValueError, match=r"exp_avg has shape \[3\]"):
        optimizer.load_state_dict(wrong)
    wrong = copy.deepcopy(state)
    wrong["param_groups"][0]["params"] = [0, 1]
    with pytest.raises(ValueError, match="doesn't match the size"):
        optimizer.load_state_dict(wrong)
    wrong = copy.deepcopy(state)
    wrong["param_groups"][0]["capturable"] = True
    with pytest.raises(ValueError, match="capturable"):
        optimizer.load_state_dict(wrong)


def test_a_rule_written_in_python():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def step(self):
            with bh.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        self.state[p]["step"] = self.state[p].get("step", 0) + 1
                        p -= group["lr"] * p.grad.sign()

    p = nn.Parameter(bh.ones(2))
    optimizer = Signs([p], lr=0.5)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    p.grad = bh.tensor([3.0, -3.0])
    optimizer.step()
    scheduler.step()
    optimizer.step()
    assert_array_equal(p.detach().numpy(), [0.25, 1.75])
    other = Signs([nn.Parameter(bh.ones(2))], lr=1.0)
    other.load_state_dict(optimizer.state_dict())
    assert other.state_dict()["state"] == {0: {"step": 2}} and other.param_groups[0]["lr"] == 0.25
    with pytest.raises(NotImplementedError, match="does not define step"):
        optim.Optimizer([p], {"lr": 1.0}).step()


def test_training_finds_a_line():
    bh.manual_seed(0)
    x = bh.linspace(-1, 1, 64).reshape(64, 1)
    y = x * 3 - 1
    net = nn.Sequential(nn.Linear(1, 1))
    optimizer = optim.SGD(net.parameters(), lr=0.3, momentum=0.5)
    for _ in range(100):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
    assert_allclose([net[0].weight.item(), net[0].bias.item()], [3, -1], atol=1e-4)


# Schedules.


def make(lr=1.0, groups=1):
    return optim.SGD([{"params": [nn.Parameter(bh.zeros(1))], "lr": lr * (i + 1)} for i in range(groups)], lr=lr)


def rates(scheduler, optimizer, steps):
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
        optimizer.step()
        scheduler.step()
    return seen


SEQUENCES = [
    (lr_scheduler.ConstantLR, {"factor": 0.5, "total_iters": 3}, lambda t: 0.5 if t < 3 else 1.0),
    (lr_scheduler.StepLR, {"step_size": 3, "gamma": 0.5}, lambda t: 0.5 ** (t // 3)),
    (
        lr_scheduler.MultiStepLR,
        {"milestones": [5, 2, 5], "gamma": 0.5},
        lambda t: 0.5 ** sum(milestone <= t for milestone in (2, 5, 5)),
    ),
    (lr_scheduler.ExponentialLR, {"gamma": 0.9}, lambda t: 0.9**t),
    (
        lr_scheduler.CosineAnnealingLR,
        {"T_max": 4, "eta_min": 0.1},
        lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * t / 4)) / 2,
    ),
    (
        lr_scheduler.LinearLR,
        {"start_factor": 0.25, "end_factor": 0.75, "total_iters": 4},
        lambda t: 0.25 + 0.5 * min(t, 4) / 4,
    ),
    (lr_scheduler.PolynomialLR, {"total_iters": 5, "power": 2.0}, lambda t: (1 - min(t, 5) / 5) ** 2),
    (lr_scheduler.LambdaLR, {"lr_lambda": lambda t: 1 / (1 + t)}, lambda t: 1 / (1 + t)),
    (lr_scheduler.MultiplicativeLR, {"lr_lambda": lambda t: 0.9}, lambda t: 0.9**t),
]


@pytest.mark.parametrize(("kind", "options", "formula"), SEQUENCES)
def test_sequences(kind, options, formula):
    optimizer = make()
    scheduler = kind(optimizer, **options)
    assert_allclose(rates(scheduler, optimizer, 10), [formula(t) for t in range(10)], rtol=1e-12, atol=1e-15)
    assert scheduler.last_epoch == 10


@pytest.mark.parametrize(("kind", "options", "formula"), SEQUENCES)
def test_sequences_continue_from_a_saved_state(kind, options, formula):
    optimizer = make()
    scheduler = kind(optimizer, **options)
    rates(scheduler, optimizer, 4)
    state, group = scheduler.state_dict(), optimizer.state_dict()
    assert "optimizer" not in state
    other = make()
    resumed = kind(other, **options)
    other.load_state_dict(group)
    resumed.load_state_dict(state)
    assert_allclose(rates(resumed, other, 5), [formula(t) for t in range(4, 9)], rtol=1e-12, atol=1e-15)


def test_groups_keep_their_ratio():
    optimizer = make(lr=0.5, groups=3)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    scheduler.step()
    assert scheduler.get_last_lr() == [0.25, 0.5, 0.75]
    several = lr_scheduler.LambdaLR(make(groups=2), [lambda t: 1.0, lambda t: 0.5])
    assert several.get_last_lr() == [1.0, 1.0]
    with pytest.raises(ValueError, match="one for each group"):
        lr_scheduler.LambdaLR(make(groups=3), [lambda t: 1.0])


def test_schedulers_side_by_side_multiply():
    optimizer = make()
    warm_up = lr_scheduler.LinearLR(optimizer, 0.25, total_iters=3)
    decay = lr_scheduler.ExponentialLR(optimizer, 0.9)
    seen = []
    for _ in range(6):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        warm_up.step()
        decay.step()
    assert_allclose(seen, [(0.25 + 0.75 * min(t, 3) / 3) * 0.9**t for t in range(6)], rtol=1e-12)


def test_a_rate_set_by_hand_is_followed():
    optimizer = make()
    scheduler = lr_scheduler.StepLR(optimizer, 2, 0.1)
    scheduler.step()
    optimizer.param_groups[0]["lr"] = 0.5
    scheduler.step()
    assert_allclose(optimizer.param_groups[0]["lr"], 0.05, rtol=1e-12)


def test_one_sequence_after_another():
    optimizer = make()
    parts = [
        lr_scheduler.LinearLR(optimizer, 0.5, total_iters=3),
        lr_scheduler.CosineAnnealingLR(optimizer, 4),
        lr_scheduler.ConstantLR(optimizer, 0.125, 100),
    ]
    scheduler = lr_scheduler.SequentialLR(optimizer, parts, [3, 6])
    expected = [0.5 + 0.5 * t / 3 for t in range(3)]
    expected += [(1 + math.cos(math.pi * t / 4)) / 2 for t in range(3)] + [0.125, 0.125]
    assert_allclose(rates(scheduler, optimizer, 5), expected[:5], rtol=1e-12)
    state, group = copy.deepcopy(scheduler.state_dict()), optimizer.state_dict()
    other = make()
    resumed = lr_scheduler.SequentialLR(
        other,
        [
            lr_scheduler.LinearLR(other, 0.5, total_iters=3),
            lr_scheduler.CosineAnnealingLR(other, 4),
            lr_scheduler.ConstantLR(other, 0.125, 100),
        ],
        [3, 6],
    )
    other.load_state_dict(group)
    resumed.load_state_dict(state)
    assert_allclose(rates(resumed, other, 3), expected[5:], rtol=1e-12)
    with pytest.raises(ValueError, match="one more than the number"):
        lr_scheduler.SequentialLR(optimizer, parts, [3])


def test_one_cycle():
    optimizer = optim.SGD([nn.Parameter(bh.zeros(1))], lr=0.1, momentum=0.9)
    scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    seen = []
    for _ in range(10):
        group = optimizer.param_groups[0]
        seen.append((group["lr"], group["momentum"]))
        optimizer.step()
        scheduler.step()

    def between(a, b, share):
        return b + (a - b) / 2 * (1 + math.cos(math.pi * share))

    expected = []
    for t in range(10):
        if t <= 2:
            expected.append((between(0.04, 1.0, t / 2), between(0.95, 0.85, t / 2)))
        else:
            expected.append((between(1.0, 4e-6, (t - 2) / 7), between(0.85, 0.95, (t - 2) / 7)))
    assert_allclose(seen, expected, rtol=1e-9)
    with pytest.raises(ValueError, match="Tried to step 11 times"):
        scheduler.step()
    adam = optim.Adam([nn.Parameter(bh.zeros(1))])
    lr_scheduler.OneCycleLR(adam, 1.0, epochs=2, steps_per_epoch=5, anneal_strategy="linear")
    assert adam.param_groups[0]["betas"] == (0.95, 0.999)
    with pytest.raises(ValueError, match="total_steps OR"):
        lr_scheduler.OneCycleLR(adam, 1.0)


def test_plateau():
    optimizer = make(groups=2)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=1, cooldown=1, min_lr=[0.0, 0.5])
    losses = [1.0, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8]
    seen = []
    for loss in losses:
        scheduler.step(bh.tensor(loss))
        seen.append(round(optimizer.param_groups[0]["lr"], 12))
    assert seen == [1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.01, 0.01]
    assert optimizer.param_groups[1]["lr"] == 0.5
    state = scheduler.state_dict()
    assert state["best"] == pytest.approx(0.8) and scheduler.in_cooldown == (scheduler.cooldown_counter > 0)
    other = lr_scheduler.ReduceLROnPlateau(make(groups=2), patience=9)
    other.load_state_dict(state)
    assert other.patience == 1 and other.best == scheduler.best and other.num_bad_epochs == scheduler.num_bad_epochs
    largest = lr_scheduler.ReduceLROnPlateau(make(), mode="max", patience=0, threshold_mode="abs", threshold=0.1)
    largest.step(1.0)
    largest.step(1.05)
    assert largest.get_last_lr() == [0.1]
    with pytest.raises(ValueError, match="< 1.0"):
        lr_scheduler.ReduceLROnPlateau(make(), factor=1.0)


def test_schedules_refuse_what_makes_no_sequence():
    for kind, options in [
        (lr_scheduler.StepLR, {"step_size": 0}),
        (lr_scheduler.LinearLR, {"start_factor": 0.0}),
        (lr_scheduler.ConstantLR, {"factor": 2.0}),
        (lr_scheduler.CosineAnnealingLR, {"T_max": 0}),
    ]:
        with pytest.raises(ValueError):
            kind(make(), **options)
    with pytest.raises(TypeError, match="not an Optimizer"):
        lr_scheduler.ExponentialLR("sgd", 0.9)
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.ExponentialLR(make(), 0.9, last_epoch=3)
