"""The training loop, with what a run of an hour needs around it.

Nothing here is needed to train; the plain loop is five lines. What `Trainer` adds: it watches validation data, stops
early and keeps the best weights, tells callbacks of every step, and writes checkpoints from which training goes on as
if it had never stopped.

>>> x = barehand.cat([barehand.zeros(32, 2), barehand.ones(32, 2)])
>>> loader = barehand.data.DataLoader(barehand.data.TensorDataset(x, x[:, 0].long()), batch_size=8, shuffle=True)
>>> model = barehand.nn.Linear(2, 2)
>>> optimizer = barehand.optim.Adam(model.parameters(), lr=0.1)
>>> trainer = Trainer(model, optimizer, clip_grad_norm=1.0, checkpoint="run.safetensors")
>>> history = trainer.fit(loader, epochs=10, validation=loader)
>>> history.epochs[-1].validation_accuracy
1.0
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TextIO

from barehand import _barehand
from barehand._barehand import Generator, Tensor
from barehand.autograd import no_grad
from barehand.nn.functional import cross_entropy
from barehand.nn.utils import clip_grad_norm_
from barehand.progress_bar import ProgressBar
from barehand.serialization import load, load_safetensors, save

__all__ = [
    "CheckpointWritten",
    "EarlyStopping",
    "EpochRecord",
    "Evaluation",
    "History",
    "StepRecord",
    "Trainer",
    "fit",
]

Path = str | os.PathLike[str]
Metric = Callable[[Tensor, Tensor], Any]

_FORMAT = "barehand-python-checkpoint"
_VERSION = "1"


@dataclass
class StepRecord:
    """One training step; the fields are those of a line of `metrics.jsonl`."""

    step: int
    """Steps taken, this one included, over all epochs."""
    epoch: int
    """The epoch, from 1."""
    loss: float
    """The mean loss of the batch."""
    accuracy: float | None
    """The share of the batch that was right, where accuracy is measured."""
    learning_rate: float
    """The learning rate of the step."""


@dataclass
class EpochRecord:
    """One pass over the training data; the fields are those of a line of `metrics.jsonl`."""

    epoch: int
    """From 1."""
    step: int
    """Steps taken by its end, over all epochs."""
    train_loss: float
    """The mean loss of its batches while they were learned from."""
    train_accuracy: float | None
    """The share that was right while it was learned from."""
    validation_loss: float | None
    """The loss on validation data at its end."""
    validation_accuracy: float | None
    """The share of validation data that was right at its end."""
    learning_rate: float
    """The learning rate of its last step."""
    seconds: float
    """How long it took, validation included."""
    samples_per_second: float
    """Training samples a second, validation not counted."""
    timings: dict[str, float]
    """Seconds spent on data, forward, backward, update and validation."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Metrics of the training data, and under `validation_...` of the validation data."""


@dataclass
class CheckpointWritten:
    """A checkpoint was written to `path`."""

    path: str


Event = StepRecord | EpochRecord | CheckpointWritten


@dataclass
class History:
    """A whole run."""

    steps: list[StepRecord] = field(default_factory=list)
    epochs: list[EpochRecord] = field(default_factory=list)
    stopped: Literal["finished", "early", "asked"] | None = None
    """Why training ended."""


@dataclass
class Evaluation:
    """What a model scores on a data set."""

    loss: float
    samples: int
    metrics: dict[str, float]

    @property
    def accuracy(self) -> float | None:
        """The share that was right, where accuracy is measured."""
        return self.metrics.get("accuracy")


@dataclass
class EarlyStopping:
    """Stops when the validation loss has not fallen by more than `min_delta` for `patience` epochs.

    >>> watch = EarlyStopping(2)
    >>> [watch.observe(loss) or watch.is_over for loss in (1.0, 0.8, 0.9, 0.81)]
    [True, True, False, True]
    """

    patience: int
    min_delta: float = 0.0
    best: float | None = None
    waited: int = 0

    def observe(self, loss: float) -> bool:
        """Takes an epoch's validation loss; whether it is the best so far."""
        improved = self.best is None or loss < self.best - self.min_delta
        if improved:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        return improved

    @property
    def is_over(self) -> bool:
        """Whether patience has run out."""
        return self.waited >= self.patience


@dataclass
class _Sums:
    """Sums over samples: the loss and every metric."""

    samples: int = 0
    loss: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)

    def add(self, samples: int, loss: float, metrics: Mapping[str, float]) -> None:
        self.samples += samples
        self.loss += loss * samples
        for name, value in metrics.items():
            self.metrics[name] = self.metrics.get(name, 0.0) + value * samples

    def means(self) -> tuple[float, dict[str, float]]:
        n = max(self.samples, 1)
        return self.loss / n, {name: total / n for name, total in self.metrics.items()}


@dataclass
class _Progress:
    """Where a run stands between two steps."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    running: _Sums = field(default_factory=_Sums)
    timings: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("data", "forward", "backward", "update", "validation"), 0.0)
    )
    learning_rate: float = 0.0


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """The share of rows of `outputs` `(N, classes)` whose largest entry is at `targets` `(N)`."""
    return int((outputs.argmax(1) == targets).sum()) / max(len(targets), 1)


class Trainer:
    """Runs epochs over a loader: outputs, a loss, gradients, a step for each batch, and what long runs need around it.

    A batch is `(inputs, targets)`; the model is called with `inputs` and the loss with the outputs and `targets`. For
    batches of another kind give an `objective`.

    Args:
        model: an `nn.Module`.
        optimizer: of `barehand.optim`, over the model's parameters.
        loss: `loss(outputs, targets)`, a recorded mean; cross entropy unless given.
        objective: `objective(model, batch)` instead of `loss`: a pair of the recorded loss and the number of samples,
            or these two and a dict of metrics.
        metrics: names to functions of outputs and targets, averaged over samples; "accuracy" names the built-in one.
        clip_grad_norm: scales gradients down where their norm together exceeds this.
        scheduler: of `barehand.optim.lr_scheduler`. A plateau scheduler sees the validation loss.
        scheduler_every: whether the scheduler moves on after each "epoch" or "step".
        early_stopping: ends training when the validation loss stops falling, with the best epoch's weights; a number is
            the patience.
        checkpoint: a file that is written after every epoch and when training is interrupted.
        checkpoint_steps: writes it also every so many steps.
        callbacks: called with every `StepRecord`, `EpochRecord` and `CheckpointWritten`; `trainer.stop()` ends
            training.
        log: a file of JSON lines, one for each step and epoch.
        progress: whether to show a bar for every epoch and a line at its end.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        loss: Callable[[Tensor, Tensor], Tensor] | None = None,
        *,
        objective: Callable[[Any, Any], tuple[Any, ...]] | None = None,
        metrics: Sequence[str] | Mapping[str, Metric] = ("accuracy",),
        clip_grad_norm: float | None = None,
        scheduler: Any = None,
        scheduler_every: Literal["epoch", "step"] = "epoch",
        early_stopping: EarlyStopping | int | None = None,
        checkpoint: Path | None = None,
        checkpoint_steps: int = 0,
        callbacks: Callable[[Event], object] | Iterable[Callable[[Event], object]] = (),
        log: Path | None = None,
        progress: bool = True,
    ) -> None:
        if loss is not None and objective is not None:
            raise ValueError("Trainer: give either a loss or an objective")
        if scheduler_every not in ("epoch", "step"):
            raise ValueError(f"Trainer: scheduler_every is 'epoch' or 'step', not {scheduler_every!r}")
        if clip_grad_norm is not None and not clip_grad_norm > 0:
            raise ValueError(f"Trainer: clip_grad_norm must be positive, not {clip_grad_norm}")
        self.model = model
        self.optimizer = optimizer
        self.objective = objective or _Supervised(loss, _named(metrics))
        self.clip_grad_norm = clip_grad_norm
        self.scheduler = scheduler
        self.scheduler_every = scheduler_every
        self.early_stopping = EarlyStopping(early_stopping) if isinstance(early_stopping, int) else early_stopping
        self.checkpoint = None if checkpoint is None else os.fspath(checkpoint)
        self.checkpoint_steps = checkpoint_steps
        self.callbacks = [callbacks] if callable(callbacks) else list(callbacks)
        self.log = None if log is None else os.fspath(log)
        self.progress = progress
        self.history = History()
        self._at = _Progress()
        self._best: dict[str, Tensor] | None = None
        self._stop = False
        self._interrupted = False
        # The states of random generators where the epoch under way began, and, on the way back from a checkpoint, now.
        self._generators: dict[str, _Chance] = {}
        self._epoch_random: dict[str, tuple[int, int]] = {}
        self._resumed_random: dict[str, dict[str, tuple[int, int]]] | None = None

    # Running.

    def fit(self, train: Iterable[Any], epochs: int, validation: Iterable[Any] | None = None) -> History:
        """Trains until `epochs` passes over `train` are done, those before a checkpoint included.

        Ctrl-C finishes the step, writes the checkpoint where one is kept, and raises `KeyboardInterrupt`; a second one
        does so at once.

        Raises:
            ValueError: the loss is not a finite number, the data has no batch, or validation data is needed and
            missing.
        """
        watches = self.early_stopping is not None or self._is_plateau()
        if watches and validation is None:
            raise ValueError("fit: early stopping and plateau schedulers need validation data")
        self._stop = self._interrupted = False
        self.history.stopped = None
        with self._listening(), self._logging() as log:
            while self._at.epoch < epochs and not self._over():
                self._epoch(train, epochs, validation, log)
                if self._interrupted or self._stop:
                    self._write_checkpoint()
                    if self._interrupted:
                        raise KeyboardInterrupt
                    self.history.stopped = "asked"
                    return self.history
        if self._best is not None:
            self.model.load_state_dict(self._best)
        self.history.stopped = "early" if self._over() else "finished"
        return self.history

    def stop(self) -> None:
        """Ends training after the step under way: for callbacks."""
        self._stop = True

    def evaluate(self, loader: Iterable[Any]) -> Evaluation:
        """The mean loss and metrics over a data set, in evaluation mode and with nothing recorded."""
        sums = self._measure(loader, None)
        loss, metrics = sums.means()
        return Evaluation(loss, sums.samples, metrics)

    def _over(self) -> bool:
        return self.early_stopping is not None and self.early_stopping.is_over

    def _is_plateau(self) -> bool:
        return type(self.scheduler).__name__ == "ReduceLROnPlateau"

    def _epoch(self, train: Iterable[Any], epochs: int, validation: Iterable[Any] | None, log: TextIO | None) -> None:
        at = self._at
        self.model.train()
        batches = self._batches(train)
        bar: ProgressBar[Any] = ProgressBar(
            total=_length(train),
            desc=f"epoch {at.epoch + 1}/{epochs}",
            initial=at.batch,
            leave=False,
            disable=not self.progress or not _drawable(),
        )
        with bar:
            while True:
                start = time.perf_counter()
                batch = next(batches, _END)
                if batch is _END:
                    break
                at.timings["data"] += time.perf_counter() - start
                record = self._step(batch)
                self._tell(record, log)
                shown = {"loss": at.running.loss / max(at.running.samples, 1)}
                if "accuracy" in at.running.metrics:
                    shown["accuracy"] = at.running.metrics["accuracy"] / at.running.samples
                bar.set_postfix(**shown)
                bar.update()
                if self._interrupted or self._stop:
                    return
                if self.checkpoint_steps > 0 and at.step % self.checkpoint_steps == 0:
                    self._write_checkpoint()
        if at.batch == 0:
            raise ValueError("fit: the training data has no batch")
        self._end_epoch(epochs, validation, log)

    def _batches(self, train: Iterable[Any]) -> Iterator[Any]:
        """The batches of the epoch under way that are still to come, in the order that it began with."""
        generators = _generators(train)
        resumed, self._resumed_random = self._resumed_random, None
        if resumed is not None:
            _restore(generators, resumed["epoch"])
        self._epoch_random = _states(generators)
        if self._at.batch == 0:
            batches = iter(train)
        elif hasattr(train, "resume"):
            batches = train.resume(self._at.batch)
        else:
            batches = itertools.islice(train, self._at.batch, None)
        if resumed is not None:
            _restore(generators, resumed["now"])
        self._generators = generators
        return batches

    def _step(self, batch: Any) -> StepRecord:
        at = self._at
        begin = time.perf_counter()
        loss, samples, metrics = self._judge(batch)
        value = float(loss.item())
        forward = time.perf_counter()
        if not math.isfinite(value):
            raise ValueError(
                f"fit: the loss became {value} in step {at.step + 1} (epoch {at.epoch + 1}, batch {at.batch + 1}): try "
                "a smaller learning rate or clip the gradients; the weights are those before this step"
            )
        self.optimizer.zero_grad()
        loss.backward()
        backward = time.perf_counter()
        if self.clip_grad_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.clip_grad_norm)
        rate = float(self.optimizer.param_groups[0]["lr"])
        self.optimizer.step()
        if self.scheduler is not None and self.scheduler_every == "step" and not self._is_plateau():
            self.scheduler.step()
        at.timings["forward"] += forward - begin
        at.timings["backward"] += backward - forward
        at.timings["update"] += time.perf_counter() - backward
        at.batch += 1
        at.step += 1
        at.learning_rate = rate
        at.running.add(samples, value, metrics)
        return StepRecord(at.step, at.epoch + 1, value, metrics.get("accuracy"), rate)

    def _judge(self, batch: Any) -> tuple[Tensor, int, Mapping[str, float]]:
        loss, samples, *rest = self.objective(self.model, batch)
        return loss, samples, rest[0] if rest else {}

    def _measure(self, loader: Iterable[Any], interrupted: Callable[[], bool] | None) -> _Sums:
        training = self.model.training
        self.model.eval()
        sums = _Sums()
        try:
            with no_grad():
                for batch in loader:
                    loss, samples, metrics = self._judge(batch)
                    sums.add(samples, float(loss.item()), metrics)
                    if interrupted is not None and interrupted():
                        break
        finally:
            self.model.train(training)
        if sums.samples == 0:
            raise ValueError("evaluate: the data has no sample")
        return sums

    def _end_epoch(self, epochs: int, validation: Iterable[Any] | None, log: TextIO | None) -> None:
        at = self._at
        begin = time.perf_counter()
        seen: Evaluation | None = None
        if validation is not None:
            sums = self._measure(validation, lambda: self._interrupted)
            if self._interrupted:
                return  # Validation is repeated when training goes on.
            seen = Evaluation(sums.means()[0], sums.samples, sums.means()[1])
        at.timings["validation"] += time.perf_counter() - begin
        if seen is not None and self.early_stopping is not None and self.early_stopping.observe(seen.loss):
            self._best = {name: x.detach().clone() for name, x in self.model.state_dict().items()}
        if self.scheduler is not None:
            if self._is_plateau():
                self.scheduler.step(seen.loss if seen is not None else None)
            elif self.scheduler_every == "epoch":
                self.scheduler.step()
        loss, metrics = at.running.means()
        training_seconds = sum(seconds for name, seconds in at.timings.items() if name != "validation")
        record = EpochRecord(
            epoch=at.epoch + 1,
            step=at.step,
            train_loss=loss,
            train_accuracy=metrics.get("accuracy"),
            validation_loss=None if seen is None else seen.loss,
            validation_accuracy=None if seen is None else seen.accuracy,
            learning_rate=at.learning_rate,
            seconds=sum(at.timings.values()),
            samples_per_second=at.running.samples / max(training_seconds, 1e-9),
            timings=at.timings,
            metrics=metrics | ({} if seen is None else {f"validation_{k}": v for k, v in seen.metrics.items()}),
        )
        self._at = _Progress(epoch=at.epoch + 1, step=at.step)
        self._epoch_random = {}
        if self.progress:
            print(_line(record, epochs), file=sys.stderr, flush=True)
        self._tell(record, log)
        if not (self._stop or self._interrupted):
            self._write_checkpoint()

    def _tell(self, event: Event, log: TextIO | None) -> None:
        if isinstance(event, StepRecord):
            self.history.steps.append(event)
        elif isinstance(event, EpochRecord):
            self.history.epochs.append(event)
        if log is not None and not isinstance(event, CheckpointWritten):
            line = dataclasses.asdict(event)
            line.pop("metrics", None)
            log.write(json.dumps({"kind": "step" if isinstance(event, StepRecord) else "epoch"} | line) + "\n")
            log.flush()
        for callback in self.callbacks:
            callback(event)

    # Interruptions.

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Ctrl-C waits for the step under way, so that the weights in the checkpoint belong together."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(_signal: int, _frame: object) -> None:
            if self._interrupted:
                raise KeyboardInterrupt
            self._interrupted = True

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    @contextmanager
    def _logging(self) -> Iterator[TextIO | None]:
        if self.log is None:
            yield None
            return
        if self._at.step == 0 or not os.path.exists(self.log):
            kept: list[str] = []
        else:
            # What the log says of later steps will be said again.
            with open(self.log, encoding="utf-8") as file:
                lines = [line for line in file if line.endswith("\n")]
            kept = [line for line in lines if json.loads(line)["step"] <= self._at.step]
        # Replaced as a whole: whoever is cut off here leaves the log of before.
        temporary = f"{os.fspath(self.log)}.tmp-{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            file.writelines(kept)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.log)
        with open(self.log, "a", encoding="utf-8") as file:
            yield file

    # Checkpoints.

    def _write_checkpoint(self) -> None:
        if self.checkpoint is None:
            return
        now = _states(self._generators)
        # Between two epochs the next one begins with what is now.
        random = {"epoch": self._epoch_random or now, "now": now}
        state = {
            "model": dict(self.model.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "optimizer_name": type(self.optimizer).__name__,
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "early_stopping": None if self.early_stopping is None else dataclasses.asdict(self.early_stopping),
            "best": self._best,
            "progress": dataclasses.asdict(self._at),
            "random": random,
        }
        save(state, self.checkpoint, metadata={"format": _FORMAT, "version": _VERSION})
        self._tell(CheckpointWritten(self.checkpoint), None)

    def resume(self, path: Path | None = None) -> None:
        """Puts everything back as it was when the checkpoint at `path` (by default the trainer's own) was written.

        Weights, optimizer, scheduler, random states and the place in the data: training then goes on as if it had never
        stopped, bit for bit with the same number of threads, where all chance comes from generators of this library.

        Raises:
            ValueError: the file is no checkpoint, or one of another model, optimizer or scheduler.
        """
        path = self.checkpoint if path is None else os.fspath(path)
        if path is None:
            raise ValueError("resume: no path was given, and the trainer keeps no checkpoint")
        metadata = load_safetensors(path)[1]
        if metadata.get("format") != _FORMAT:
            raise ValueError(f"{path}: not a checkpoint of barehand.train")
        if metadata.get("version") != _VERSION:
            raise ValueError(
                f"{path}: version {metadata.get('version')} is not one that this library reads ({_VERSION})"
            )
        state = load(path)
        name = type(self.optimizer).__name__
        if state["optimizer_name"] != name:
            raise ValueError(f"resume: the checkpoint was written with {state['optimizer_name']}, this run uses {name}")
        for what in ("scheduler", "early_stopping"):
            if (state[what] is None) != (getattr(self, what) is None):
                raise ValueError(f"resume: the checkpoint and this run do not both have {what.replace('_', ' ')}")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        if state["early_stopping"] is not None:
            self.early_stopping = EarlyStopping(**state["early_stopping"])
        self._best = state["best"]
        progress = state["progress"]
        self._at = _Progress(**(progress | {"running": _Sums(**progress["running"])}))
        self._resumed_random = state["random"]


def fit(
    model: Any,
    optimizer: Any,
    train: Iterable[Any],
    *,
    epochs: int,
    validation: Iterable[Any] | None = None,
    **options: Any,
) -> History:
    """`Trainer(model, optimizer, **options).fit(train, epochs, validation)`.

    >>> x = barehand.rand(8, 2)
    >>> loader = barehand.data.DataLoader(barehand.data.TensorDataset(x, (x[:, 0] > 0.5).long()), batch_size=4)
    >>> model = barehand.nn.Linear(2, 2)
    >>> history = fit(model, barehand.optim.Adam(model.parameters()), loader, epochs=3)
    >>> len(history.epochs)
    3
    """
    return Trainer(model, optimizer, **options).fit(train, epochs, validation)


class _Supervised:
    """A loss of outputs and targets, with metrics beside it."""

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor] | None, metrics: Mapping[str, Metric]) -> None:
        self.loss = loss
        self.metrics = metrics

    def __call__(self, model: Any, batch: Any) -> tuple[Tensor, int, dict[str, float]]:
        if not isinstance(batch, (list, tuple)) or len(batch) != 2:
            raise TypeError(
                "Trainer: expected batches (inputs, targets); give an objective for batches of another kind"
            )
        inputs, targets = batch
        outputs = model(inputs)
        value = (self.loss or cross_entropy)(outputs, targets)
        with no_grad():
            metrics = {name: float(metric(outputs.detach(), targets)) for name, metric in self.metrics.items()}
        return value, len(targets), metrics


def _named(metrics: Sequence[str] | Mapping[str, Metric]) -> dict[str, Metric]:
    if isinstance(metrics, Mapping):
        return dict(metrics)
    unknown = [name for name in metrics if name != "accuracy"]
    if unknown:
        raise ValueError(f"Trainer: no metric is called {unknown[0]!r}; give a dict of names to functions")
    return {name: accuracy for name in metrics}


_END = object()


def _length(loader: Iterable[Any]) -> int | None:
    try:
        return len(loader)  # type: ignore[arg-type]
    except TypeError:
        return None


def _drawable() -> bool:
    """Whether bars can be drawn over; in a log the line of every epoch says enough."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


def _line(record: EpochRecord, epochs: int) -> str:
    def score(loss: float, share: float | None) -> str:
        return f"loss {loss:.4f}" + ("" if share is None else f", {share:.2%} right")

    text = f"epoch {record.epoch}/{epochs}: {score(record.train_loss, record.train_accuracy)}"
    if record.validation_loss is not None:
        text += f"; validation {score(record.validation_loss, record.validation_accuracy)}"
    return f"{text}; {record.seconds:.1f} s"


class _Chance(NamedTuple):
    """A random generator whose state can be told and set."""

    get: Callable[[], tuple[int, int]]
    set: Callable[[tuple[int, int]], None]


def _generators(loader: Any) -> dict[str, _Chance]:
    """The generators that training draws from: the process-wide one, and those of the loader and its samplers."""
    found = {"default": _Chance(_barehand.get_rng_state, _barehand.set_rng_state)}
    owners = {"loader": loader} | {name: getattr(loader, name, None) for name in ("sampler", "batch_sampler")}
    for name, owner in owners.items():
        generator = getattr(owner, "generator", None)
        if isinstance(generator, Generator):
            found[name] = _Chance(generator.get_state, generator.set_state)
    return found


def _states(generators: Mapping[str, _Chance]) -> dict[str, tuple[int, int]]:
    return {name: generator.get() for name, generator in generators.items()}


def _restore(generators: Mapping[str, _Chance], states: Mapping[str, tuple[int, int]]) -> None:
    for name, generator in generators.items():
        if name in states:
            generator.set(states[name])
