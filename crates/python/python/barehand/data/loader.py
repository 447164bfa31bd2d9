"""Batches, epoch after epoch (`torch.utils.data.DataLoader`)."""

from __future__ import annotations

import itertools
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from barehand import _barehand
from barehand._barehand import Generator
from barehand.data import chance
from barehand.data.collate import default_collate, default_convert
from barehand.data.dataset import Dataset, IterableDataset, source_of
from barehand.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader"]

_END = object()


class DataLoader:
    """Iterating gives the batches of one epoch; with `shuffle` every epoch has a random order of its own.

    Random orders, and what transforms draw, depend on `generator` alone (by default the process-wide one, which
    `barehand.manual_seed` sets): the same seed gives the same batches, whatever `num_workers` is.

    Tensors and images with our own transforms are put into batches by the library, a whole batch at once, and prepared
    ahead on a thread of its own where that pays. Any other data set is asked sample by sample.

    Args:
        dataset: anything with `__len__` and `__getitem__`, or an `IterableDataset`.
        batch_size: samples in a batch; `None` gives samples as they are.
        shuffle: whether every epoch has a random order.
        sampler: the indices of an epoch, instead of `shuffle`.
        batch_sampler: the lists of indices of an epoch, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
        num_workers: threads that prepare batches ahead; 0 prepares each when it is asked for (what the library prepares
            by itself it still prepares ahead where that pays). Batches come in order, and an error where it happened.
            An `IterableDataset` is read by one thread, however many there are.
        collate_fn: makes a batch of a list of samples; see `default_collate`.
        pin_memory: PyTorch's; without a GPU it does nothing there nor here, except to warn.
        drop_last: whether a last batch that is smaller is left out.
        timeout: seconds to wait for a batch of a worker; 0 waits as long as it takes.
        worker_init_fn: called with a worker's number when its thread starts.
        generator: where random orders come from.
        prefetch_factor: batches that each worker prepares ahead, 2 unless given.

    >>> loader = DataLoader(barehand.data.TensorDataset(barehand.zeros(10, 3), barehand.arange(10)), batch_size=4)
    >>> [tuple(x.shape) for x, y in loader]
    [(4, 3), (4, 3), (2, 3)]
    """

    def __init__(
        self,
        dataset: Dataset[Any] | Sequence[Any],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[int] | Iterable[int] | None = None,
        batch_sampler: Sampler[list[int]] | Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        *,
        generator: Generator | None = None,
        prefetch_factor: int | None = None,
    ) -> None:
        if num_workers < 0:
            raise ValueError(f"DataLoader: num_workers must not be negative, but is {num_workers}")
        if timeout < 0:
            raise ValueError(f"DataLoader: timeout must not be negative, but is {timeout}")
        if prefetch_factor is not None and (num_workers == 0 or prefetch_factor < 1):
            raise ValueError("DataLoader: prefetch_factor is a positive number and needs num_workers")
        if pin_memory:
            warnings.warn("DataLoader: pin_memory does nothing on a CPU", stacklevel=2)
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: give either a sampler or shuffle")
        streams = isinstance(dataset, IterableDataset)
        if streams and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("DataLoader: an IterableDataset has an order of its own: no shuffle, no sampler")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "DataLoader: batch_sampler stands for batch_size, shuffle, sampler and drop_last: give none of them"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: drop_last needs a batch_size")

        # Orders of our own are drawn by the library, from the epoch's seed.
        self._shuffles = bool(shuffle)
        self._own_order = sampler is None and batch_sampler is None and not streams
        if sampler is None and not streams:
            sized: Any = dataset
            sampler = RandomSampler(sized, generator=generator) if shuffle else SequentialSampler(sized)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(() if sampler is None else sampler, batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.prefetch_factor = 2 if prefetch_factor is None else prefetch_factor

    def __len__(self) -> int:
        """Batches in an epoch."""
        if isinstance(self.dataset, IterableDataset):
            samples = len(self.dataset)  # type: ignore[arg-type]
            if self.batch_size is None:
                return samples
            return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        return self.resume(0)

    def resume(self, batch: int) -> Iterator[Any]:
        """The batches of an epoch from the one numbered `batch` on, without preparing those before it."""
        seed = chance.seed(self.generator)
        batched = self.batch_sampler is not None
        source = source_of(self.dataset) if batched and self.collate_fn is default_collate else None
        if source is not None and self._own_order and self.batch_size is not None:
            prefetch = self.num_workers * self.prefetch_factor if self.num_workers else None
            batches: Iterator[Any] = source.epoch(
                self.batch_size,
                shuffle=self._shuffles,
                drop_last=self.drop_last,
                seed=seed,
                start=batch,
                prefetch=prefetch,
            )
            return batches
        if isinstance(self.dataset, IterableDataset):
            return self._prepared(self._stream(batch))
        return self._prepared(self._tasks(source, seed, batch))

    def _prepared(self, tasks: Iterator[Callable[[], Any]]) -> Iterator[Any]:
        """The batches in order, made here or by workers."""
        if self.num_workers == 0:
            for task in tasks:
                batch = task()
                if batch is _END:
                    return
                yield batch
            return
        workers = 1 if isinstance(self.dataset, IterableDataset) else self.num_workers
        numbers = itertools.count()
        init = self.worker_init_fn
        executor = ThreadPoolExecutor(
            workers, "barehand-batches", None if init is None else lambda: init(next(numbers))
        )
        pending: deque[Future[Any]] = deque()
        try:
            for task in tasks:
                pending.append(executor.submit(task))
                if len(pending) < workers * self.prefetch_factor:
                    continue
                batch = self._wait(pending.popleft())
                if batch is _END:
                    return
                yield batch
            while pending:
                batch = self._wait(pending.popleft())
                if batch is _END:
                    return
                yield batch
        finally:
            # Whoever stopped asking does not wait for what is under way; the threads end with it.
            executor.shutdown(wait=False, cancel_futures=True)

    def _wait(self, batch: Future[Any]) -> Any:
        try:
            return batch.result(self.timeout or None)
        except TimeoutError as error:
            if batch.done():
                raise
            raise RuntimeError(f"DataLoader: no batch within {self.timeout} seconds") from error

    def _tasks(self, source: Any | None, seed: int, start: int) -> Iterator[Callable[[], Any]]:
        """What makes each batch, in order, from the one numbered `start`."""
        order: Iterable[Any]
        if self._own_order:
            n = len(self.dataset)  # type: ignore[arg-type]
            order = _barehand._epoch_order(n, seed) if self._shuffles else range(n)
            if self.batch_size is not None:
                order = BatchSampler(order, self.batch_size, self.drop_last)
        elif self.batch_sampler is not None:
            order = self.batch_sampler
        else:
            order = self.sampler  # type: ignore[assignment]
        numbered = enumerate(order)
        # What is passed over is passed over now: a sampler draws its order where the epoch begins.
        deque(itertools.islice(numbered, start), maxlen=0)
        return (_Task(self, source, indices, seed, number) for number, indices in numbered)

    def _stream(self, start: int) -> Iterator[Callable[[], Any]]:
        samples = iter(self.dataset)

        def batch() -> Any:
            if self.batch_size is None:
                sample: Any = next(samples, _END)
                return sample if sample is _END else self.collate_fn(sample)
            taken = list(itertools.islice(samples, self.batch_size))
            if not taken or (self.drop_last and len(taken) < self.batch_size):
                return _END
            return self.collate_fn(taken)

        for _ in range(start if self.batch_size is None else start * self.batch_size):
            next(samples, _END)
        return itertools.repeat(batch)


class _Task:
    """Makes one batch."""

    def __init__(self, loader: DataLoader, source: Any | None, indices: Any, seed: int, number: int) -> None:
        self.loader = loader
        self.source = source
        self.indices = indices
        self.seed = seed
        self.number = number

    def __call__(self) -> Any:
        loader = self.loader
        dataset = loader.dataset
        if self.source is not None:
            return self.source.batch(list(map(int, self.indices)), (self.seed + self.number) % 2**63)
        with chance.batch(self.seed, self.number):
            if loader.batch_sampler is None:
                return loader.collate_fn(dataset[self.indices])
            if hasattr(dataset, "__getitems__"):
                return loader.collate_fn(dataset.__getitems__(self.indices))
            return loader.collate_fn([dataset[index] for index in self.indices])
