"""The trainer: it learns, stops, goes on from its checkpoints as if it had never stopped, and takes Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import barehand as bh
import numpy as np
import pytest
from barehand.data import DataLoader, Dataset, TensorDataset
from barehand.train import CheckpointWritten, EarlyStopping, EpochRecord, StepRecord, Trainer, fit


class Affine:
    """Scores `x W + b`, with noise while it learns: the little that the trainer asks of a model."""

    def __init__(self, noise=0.0):
        generator = bh.Generator().manual_seed(0)
        self.weight = (bh.randn(2, 3, generator=generator) * 0.1).requires_grad_()
        self.bias = bh.zeros(3, requires_grad=True)
        self.noise = noise
        self.training = True

    def __call__(self, x):
        if self.training and self.noise:
            x = x + self.noise * bh.randn_like(x)
        return x @ self.weight + self.bias

    def train(self, mode=True):
        self.training = mode

    def eval(self):
        self.training = False

    def parameters(self):
        return [self.weight, self.bias]

    def state_dict(self):
        return {"weight": self.weight.detach(), "bias": self.bias.detach()}

    def load_state_dict(self, state):
        with bh.no_grad():
            self.weight.copy_(state["weight"])
            self.bias.copy_(state["bias"])


class Momentum:
    """Gradient descent with momentum, and a learning rate that a schedule can change."""

    def __init__(self, parameters, lr):
        self.parameters = list(parameters)
        self.param_groups = [{"lr": lr}]
        self.buffers = [bh.zeros_like(p) for p in self.parameters]

    def zero_grad(self):
        for p in self.parameters:
            p.grad = None

    def step(self):
        with bh.no_grad():
            for i, p in enumerate(self.parameters):
                self.buffers[i] = self.buffers[i] * 0.9 + p.grad
                p.sub_(self.buffers[i] * self.param_groups[0]["lr"])

    def state_dict(self):
        return {"state": dict(enumerate(self.buffers)), "param_groups": [dict(g) for g in self.param_groups]}

    def load_state_dict(self, state):
        self.buffers = [state["state"][i] for i in range(len(self.buffers))]
        self.param_groups = [dict(g) for g in state["param_groups"]]


class Halving:
    """Halves the learning rate at every step of the schedule."""

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.steps = 0

    def step(self):
        self.steps += 1
        self.optimizer.param_groups[0]["lr"] /= 2

    def state_dict(self):
        return {"steps": self.steps}

    def load_state_dict(self, state):
        self.steps = state["steps"]


class ReduceLROnPlateau(Halving):
    def __init__(self, optimizer):
        super().__init__(optimizer)
        self.seen = []

    def step(self, metric):
        self.seen.append(metric)


def loss(outputs, targets):
    return -outputs.log_softmax(1).gather(1, targets.unsqueeze(1)).mean()


def points(n=90, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    centres = np.array([[0, 1], [1, -1], [-1, -1]], dtype=np.float32)
    x = centres[labels] + rng.normal(scale=0.2, size=(n, 2)).astype(np.float32)
    return TensorDataset(bh.from_numpy(x.astype(np.float32)), bh.from_numpy(labels))


def loader(dataset=None, seed=5, **options):
    generator = bh.Generator().manual_seed(seed)
    return DataLoader(
        points() if dataset is None else dataset, batch_size=16, shuffle=True, generator=generator, **options
    )


def trainer(model=None, lr=0.1, **options):
    model = model or Affine()
    optimizer = Momentum(model.parameters(), lr)
    scheduler = options.pop("scheduler", None)
    return Trainer(
        model,
        optimizer,
        loss,
        scheduler=scheduler and scheduler(optimizer),
        **{"progress": False, **options},
    )


def test_it_learns_and_keeps_records(tmp_path, capsys):
    log = tmp_path / "metrics.jsonl"
    events = []
    run = trainer(callbacks=events.append, log=log, progress=True, metrics=("accuracy",))
    history = run.fit(loader(), epochs=4, validation=DataLoader(points(seed=1), batch_size=50))
    assert history.stopped == "finished"
    assert len(history.steps) == 4 * 6 and [e.epoch for e in history.epochs] == [1, 2, 3, 4]
    last = history.epochs[-1]
    assert last.validation_accuracy > 0.95 and last.train_loss < history.epochs[0].train_loss
    assert last.step == 24 and last.learning_rate == 0.1 and last.samples_per_second > 0
    assert set(last.timings) == {"data", "forward", "backward", "update", "validation"}
    assert [type(e) for e in events[:7]] == [StepRecord] * 6 + [EpochRecord]
    # The mean over an epoch weighs batches by their size: five of 16 and one of 10.
    steps = history.steps[:6]
    expected = sum(s.loss * n for s, n in zip(steps, [16] * 5 + [10], strict=True)) / 90
    assert history.epochs[0].train_loss == pytest.approx(expected)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ([*["step"] * 6, "epoch"] * 4)
    assert lines[6]["validation_loss"] == history.epochs[0].validation_loss
    shown = capsys.readouterr().err
    assert shown.count("\n") == 4 and shown.startswith("epoch 1/4: loss ")

    measured = run.evaluate(DataLoader(points(seed=1), batch_size=7))
    assert measured.samples == 90
    assert measured.loss == pytest.approx(last.validation_loss, rel=1e-6)
    assert measured.accuracy == pytest.approx(last.validation_accuracy)


def test_fit_in_one_call_with_other_metrics_and_objectives():
    model = Affine()
    metrics = {"error": lambda outputs, targets: (outputs.argmax(1) != targets).float().mean()}
    history = fit(
        model, Momentum(model.parameters(), 0.1), loader(), epochs=3, loss=loss, metrics=metrics, progress=False
    )
    assert 0 <= history.epochs[-1].metrics["error"] < 0.2
    assert history.epochs[-1].train_accuracy is None

    def objective(model, batch):
        x, y = batch
        return loss(model(x), y), len(y)

    model = Affine()
    again = fit(model, Momentum(model.parameters(), 0.1), loader(), epochs=3, objective=objective, progress=False)
    assert [s.loss for s in again.steps] == [s.loss for s in history.steps]


def test_gradients_are_clipped():
    pytest.importorskip("barehand.nn.utils")
    run = trainer(clip_grad_norm=1e-6)
    before = run.model.weight.detach().numpy().copy()
    run.fit(loader(), epochs=1)
    assert np.abs(run.model.weight.detach().numpy() - before).max() < 1e-5


def test_schedules_move_on_when_they_should():
    run = trainer(scheduler=Halving)
    rates = [s.learning_rate for s in run.fit(loader(), epochs=2).steps]
    assert rates == [0.1] * 6 + [0.05] * 6
    run = trainer(scheduler=Halving, scheduler_every="step")
    rates = [s.learning_rate for s in run.fit(loader(), epochs=1).steps]
    assert rates == [0.1 / 2**i for i in range(6)]
    run = trainer(scheduler=ReduceLROnPlateau)
    history = run.fit(loader(), epochs=2, validation=loader())
    assert run.scheduler.seen == [e.validation_loss for e in history.epochs]


def test_early_stopping_ends_with_the_best_weights():
    model = Affine()
    seen = []
    run = trainer(model, lr=0.5, early_stopping=2)
    # Labels that contradict each other: what helps in training harms validation sooner or later.
    wrong = TensorDataset(points().tensors[0], (points().tensors[1] + 1) % 3)

    def remember(event):
        if isinstance(event, EpochRecord):
            seen.append((event.validation_loss, model.weight.detach().numpy().copy()))

    run.callbacks = [remember]
    history = run.fit(loader(wrong), epochs=50, validation=DataLoader(points(), batch_size=90))
    assert history.stopped == "early" and len(history.epochs) == 3
    best = min(seen, key=lambda entry: entry[0])
    np.testing.assert_array_equal(model.weight.detach().numpy(), best[1])
    watch = EarlyStopping(2, min_delta=0.05)
    assert [watch.observe(x) for x in (1.0, 0.96, 0.9, 0.9)] == [True, False, True, False]
    assert not watch.is_over


@pytest.mark.parametrize("steps", [1, 5, 6, 8, 11])
def test_it_goes_on_as_if_it_had_never_stopped(tmp_path, steps):
    def new(**options):
        bh.manual_seed(9)
        return trainer(Affine(noise=0.3), scheduler=Halving, early_stopping=9, log=tmp_path / "log.jsonl", **options)

    def validation():
        return DataLoader(points(seed=1), batch_size=50)

    whole = new()
    whole.fit(loader(), epochs=3, validation=validation())

    path = tmp_path / "run.safetensors"
    first = new(checkpoint=path)
    first.callbacks = [lambda event: first.stop() if isinstance(event, StepRecord) and event.step == steps else None]
    assert first.fit(loader(), epochs=3, validation=validation()).stopped == "asked"
    assert len(first.history.steps) == steps

    bh.manual_seed(1234)
    second = trainer(
        Affine(noise=0.3),
        scheduler=Halving,
        early_stopping=9,
        log=tmp_path / "log.jsonl",
        checkpoint=path,
    )
    second.resume()
    second.fit(loader(seed=77), epochs=3, validation=validation())
    assert [s.loss for s in first.history.steps + second.history.steps] == [s.loss for s in whole.history.steps]
    losses = [e.validation_loss for e in first.history.epochs + second.history.epochs]
    assert losses == [e.validation_loss for e in whole.history.epochs]
    assert [e.train_loss for e in second.history.epochs][-1] == whole.history.epochs[-1].train_loss
    for name, x in whole.model.state_dict().items():
        np.testing.assert_array_equal(second.model.state_dict()[name].numpy(), x.numpy())
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["kind"] == "step"] == list(range(1, 19))


def test_checkpoints_are_plain_files(tmp_path):
    path = tmp_path / "run.safetensors"
    written = []
    run = trainer(checkpoint=path, checkpoint_steps=4)
    run.callbacks = [lambda event: written.append(event.path) if isinstance(event, CheckpointWritten) else None]
    run.fit(loader(), epochs=2)
    assert written == [str(path)] * (3 + 2)
    tensors, metadata = bh.load_safetensors(path)
    assert metadata["format"] == "barehand-python-checkpoint"
    np.testing.assert_array_equal(tensors["model.weight"].numpy(), run.model.weight.detach().numpy())
    # Trained to the end: there is nothing left to do.
    again = trainer(checkpoint=path)
    again.resume()
    assert again.fit(loader(), epochs=2).steps == []
    assert len(again.fit(loader(), epochs=3).steps) == 6


def test_checkpoints_of_something_else_are_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    trainer(checkpoint=path).fit(loader(), epochs=1)
    with pytest.raises(ValueError, match="scheduler"):
        trainer(scheduler=Halving).resume(path)

    class Other(Momentum):
        pass

    model = Affine()
    with pytest.raises(ValueError, match="Momentum"):
        Trainer(model, Other(model.parameters(), 0.1), loss).resume(path)
    bh.save({"a": bh.tensor(1)}, path)
    with pytest.raises(ValueError, match="not a checkpoint"):
        trainer().resume(path)
    with pytest.raises(ValueError, match="no path"):
        trainer().resume()


def test_what_cannot_be_trained_is_said():
    with pytest.raises(ValueError, match="no batch"):
        trainer().fit([], epochs=1)
    with pytest.raises(ValueError, match="validation"):
        trainer(early_stopping=1).fit(loader(), epochs=1)
    with pytest.raises(ValueError, match=r"the loss became (nan|inf)"):
        trainer(lr=1e39).fit(loader(), epochs=9)
    with pytest.raises(TypeError, match="objective"):
        trainer().fit([(1, 2, 3)], epochs=1)
    with pytest.raises(ValueError, match="no sample"):
        trainer().evaluate([])
    for options in ({"objective": loss}, {"metrics": ["f1"]}, {"clip_grad_norm": 0}, {"scheduler_every": "day"}):
        with pytest.raises(ValueError):
            trainer(**options)


def test_other_loaders_will_do(tmp_path):
    batches = [(x, y) for x, y in loader()]
    history = trainer().fit(batches, epochs=2)
    assert len(history.steps) == 12
    path = tmp_path / "run.safetensors"
    first = trainer(checkpoint=path)
    first.callbacks = [lambda event: first.stop() if isinstance(event, StepRecord) and event.step == 8 else None]
    first.fit(batches, epochs=2)
    second = trainer(checkpoint=path)
    second.resume()
    second.fit(batches, epochs=2)
    assert [s.loss for s in second.history.steps] == [s.loss for s in history.steps[8:]]


class Slow(Dataset):
    """Takes a while for each sample, and draws from the process-wide generator by itself."""

    def __init__(self, seconds):
        self.points = points()
        self.seconds = seconds

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        time.sleep(self.seconds)
        return self.points[index]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_finishes_the_step_and_leaves_a_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"
    program = f"""
        import sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import test_train as t
        run = t.trainer(checkpoint={str(path)!r}, callbacks=lambda event: print("step", flush=True))
        try:
            run.fit(t.loader(t.Slow(0.002), num_workers=2), epochs=1000)
        except KeyboardInterrupt:
            print("interrupted at", run.history.steps[-1].step, flush=True)
            raise
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for _ in range(8):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode in (1, 130, -signal.SIGINT) and "KeyboardInterrupt" in errors
    step = int(out.split("interrupted at ")[1])
    again = trainer(checkpoint=path)
    again.resume()
    history = again.fit(loader(), epochs=step // 6 + 1)
    assert history.steps[0].step == step + 1
