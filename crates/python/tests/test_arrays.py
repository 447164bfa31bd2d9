"""Arrays of NumPy and other libraries: shared where memory allows, copied with the right values elsewhere, alive as long as needed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import barehand as bh
import numpy as np
import pytest

SHARED = ["float32", "float64", "int64", "int32", "uint8"]


def address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def numbered(dtype: str) -> np.ndarray:
    return np.arange(24, dtype=dtype).reshape(4, 6)


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C order": lambda a: a,
    "Fortran order": np.asfortranarray,
    "transposed": lambda a: a.T,
    "strided": lambda a: a[1:, ::2],
    "columns": lambda a: a[:, 3],
    "one element": lambda a: a[2:3, 5:6],
    "broadcast": lambda a: np.broadcast_to(a[0], (3, 6)),
    "no axes": lambda a: a[1, 1, ...],
}


@pytest.mark.parametrize("dtype", SHARED)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_are_looked_at_where_they_lie(layout: str, dtype: str) -> None:
    array = LAYOUTS[layout](numbered(dtype))
    for x in (bh.from_numpy(array), bh.as_tensor(array), bh.Tensor(array)):
        seen = x.numpy()
        assert seen.dtype == array.dtype and seen.shape == array.shape
        assert address(seen) == address(array)
        assert np.shares_memory(seen, array)
        np.testing.assert_array_equal(seen, array)


def test_read_only_arrays_and_files(tmp_path: Path) -> None:
    array = numbered("float64")
    array.flags.writeable = False
    assert address(bh.from_numpy(array).numpy()) == address(array)
    np.save(tmp_path / "x.npy", numbered("float32"))
    for mode in ("r", "c", "r+"):
        mapped = np.load(tmp_path / "x.npy", mmap_mode=mode)  # type: ignore[call-overload]
        x = bh.from_numpy(mapped)
        assert address(x.numpy()) == address(mapped)
        x += 1
        assert x[0, 0].item() == 1 and mapped[0, 0] == 0
    assert np.load(tmp_path / "x.npy")[0, 0] == 0


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.arange(6.0)[::-1], bh.float64),
        (np.arange(6)[::-2], bh.int64),
        (np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1], bh.float32),
        (np.arange(6, dtype=">f8"), bh.float64),
        (np.arange(6, dtype=">i4"), bh.int32),
        (np.arange(6, dtype=">f2"), bh.float32),
        (np.array([0.5, -2.0, np.inf], np.float16), bh.float32),
        (np.array([-128, 127], np.int8), bh.int32),
        (np.array([-32768, 32767], np.int16), bh.int32),
        (np.array([0, 65535], np.uint16), bh.int32),
        (np.array([0, 2**32 - 1], np.uint32), bh.int64),
        (np.array([0, 2**63 - 1], np.uint64), bh.int64),
        (np.array([True, False]), bh.bool),
        (np.array([[True, False], [False, False]]).T, bh.bool),
        (np.frombuffer(b"\0" + np.arange(3.0).tobytes(), np.float64, 3, 1), bh.float64),
        (np.zeros(3, [("a", "f4"), ("b", "i2")])["a"], bh.float32),
        (np.zeros((0, 3)), bh.float64),
        (np.ma.masked_array([1.0, 2.0]), bh.float64),
    ],
)
def test_other_arrays_are_converted(array: np.ndarray, dtype: bh.dtype) -> None:
    x = bh.from_numpy(array)
    assert x.dtype is dtype and x.shape == array.shape
    np.testing.assert_array_equal(x.numpy(), array)


def test_a_byte_of_a_boolean_array_can_be_anything() -> None:
    array = np.array([0, 1, 2, 255], np.uint8).view(bool)
    assert bh.from_numpy(array).tolist() == [False, True, True, True]
    assert bh.from_numpy(array).long().sum().item() == 3


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (np.array([1j]), TypeError),
        (np.array(["a"]), TypeError),
        (np.array([None]), TypeError),
        (np.array(["2026-01-01"], "datetime64[D]"), TypeError),
        (np.zeros(1, [("a", "f4")]), TypeError),
        (np.array([2**63], np.uint64), ValueError),
        ([1.0], TypeError),
    ],
)
def test_arrays_of_no_numbers_are_refused(array: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        bh.from_numpy(array)


def test_a_tensor_never_writes_into_an_array() -> None:
    for write in (
        lambda x: x.add_(1),
        lambda x: x.zero_(),
        lambda x: x.__setitem__(0, 7.0),
        lambda x: x[1].fill_(9),
        lambda x: x.data.mul_(2),
        lambda x: x.uniform_(),
        lambda x: bh.optim.SGD([x.requires_grad_()], lr=1.0),
    ):
        array = np.arange(1.0, 4.0)
        x = bh.from_numpy(array)
        result = write(x)
        if isinstance(result, bh.optim.SGD):
            (x * x).sum().backward()
            result.step()
        np.testing.assert_array_equal(array, [1, 2, 3])
        assert x.tolist() != [1, 2, 3]


def test_changes_of_an_array_show_in_the_tensor() -> None:
    array = np.zeros(2)
    x = bh.from_numpy(array)
    copied = bh.tensor(array)
    array[0] = 5
    assert x.tolist() == [5, 0]
    assert copied.tolist() == [0, 0]


# Out.


@pytest.mark.parametrize("dtype", [*SHARED, "bool"])
def test_tensors_are_looked_at_where_they_lie(dtype: str) -> None:
    x = bh.ones(4, 6, dtype=dtype)
    for view in (x, x.T, x[1:, ::2], x[0], x.view(24), x[2, 3], x[:0]):
        array = view.numpy()
        assert array.dtype == np.dtype(dtype) and array.shape == view.shape
        assert not array.flags.writeable
        assert array.size == 0 or np.shares_memory(array, x.numpy())
    assert address(np.asarray(x)) == address(x.numpy())


def test_arrays_of_tensors_are_read_only() -> None:
    x = bh.zeros(3)
    for array in (x.numpy(), np.asarray(x), x.detach().numpy(), np.from_dlpack(x)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError, match="writeable|WRITEABLE"):
            array.flags.writeable = True
    copied = np.array(x)
    copied[0] = 1
    assert x.tolist() == [0, 0, 0]


def test_an_array_keeps_what_it_saw() -> None:
    x = bh.zeros(3)
    before = x.numpy()
    x += 1
    np.testing.assert_array_equal(before, [0, 0, 0])
    np.testing.assert_array_equal(x.numpy(), [1, 1, 1])


def test_asarray_converts_and_copies_as_it_is_told() -> None:
    x = bh.tensor([1.5, -2.5])
    assert np.asarray(x, dtype=np.float64).tolist() == [1.5, -2.5]
    assert np.asarray(x, dtype=np.int64).tolist() == [1, -2]
    assert np.asarray(x, dtype=np.float16).dtype == np.float16
    assert np.asarray(x, dtype=complex).tolist() == [1.5 + 0j, -2.5 + 0j]
    assert np.asarray(bh.tensor([0, 2]), dtype=bool).tolist() == [False, True]
    assert not np.shares_memory(np.array(x), x.numpy())
    if int(np.__version__.split(".")[0]) >= 2:
        assert address(np.asarray(x, copy=False)) == address(x.numpy())
        with pytest.raises(ValueError, match="without a copy"):
            np.asarray(x, dtype=np.float64, copy=False)
    assert np.stack([x, x]).shape == (2, 2)
    assert np.linalg.norm(x) == pytest.approx(8.5**0.5)


def test_tensors_on_the_tape_are_not_handed_out() -> None:
    w = bh.ones(2, requires_grad=True)
    for hand_out in (w.numpy, lambda: np.asarray(w), lambda: np.from_dlpack(w), lambda: (w * 2).numpy()):
        with pytest.raises((RuntimeError, BufferError), match=r"\.detach\(\)"):
            hand_out()
    assert w.detach().numpy().tolist() == w.numpy(force=True).tolist() == [1, 1]
    assert w.tolist() == [1, 1]


# Lifetimes.


class Owned(np.ndarray):
    """An array that can be watched."""


def owned(n: int) -> np.ndarray:
    return np.arange(float(n)).view(Owned)


def test_a_tensor_keeps_its_array() -> None:
    array = owned(1000)
    watch = weakref.ref(array)
    x = bh.from_numpy(array)
    tail = x[990:]
    del array
    gc.collect()
    assert watch() is not None
    assert x.sum().item() == 499500
    del x
    gc.collect()
    assert tail.tolist() == [float(i) for i in range(990, 1000)]
    del tail
    gc.collect()
    assert watch() is None


def test_writing_lets_go_of_the_array() -> None:
    array = owned(1000)
    watch = weakref.ref(array)
    x = bh.from_numpy(array)
    del array
    x += 1
    assert watch() is None
    assert x[999].item() == 1000


def test_an_array_keeps_its_tensor() -> None:
    x = bh.arange(1000.0)
    array, tail = x.numpy(), x[990:].numpy()
    del x
    gc.collect()
    filler = [bh.zeros(1000) for _ in range(100)]
    assert array.sum() == 499500
    del array
    gc.collect()
    assert tail.tolist() == [float(i) for i in range(990, 1000)]
    assert len(filler) == 100


def test_round_trips_end_where_they_began() -> None:
    array = owned(10)
    watch = weakref.ref(array)
    x = bh.from_numpy(array)
    back = bh.from_numpy(bh.from_dlpack(np.from_dlpack(x)).numpy()).numpy()
    assert address(back) == address(array)
    del x, array
    gc.collect()
    assert back.tolist() == [float(i) for i in range(10)]
    assert watch() is not None
    del back
    gc.collect()
    assert watch() is None


def test_the_graph_keeps_an_array() -> None:
    array = owned(3)
    watch = weakref.ref(array)
    w = bh.ones(3, dtype=bh.float64, requires_grad=True)
    y = (w * bh.from_numpy(array)).sum()
    del array
    gc.collect()
    assert watch() is not None
    y.backward()
    assert w.grad is not None and w.grad.tolist() == [0, 1, 2]
    del y
    gc.collect()
    assert watch() is None


# DLPack.


@pytest.mark.parametrize("dtype", [*SHARED, "bool"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_dlpack_both_ways(layout: str, dtype: str) -> None:
    array = LAYOUTS[layout](numbered("uint8").astype(dtype))
    x = bh.from_dlpack(array)
    np.testing.assert_array_equal(x.numpy(), array)
    assert dtype == "bool" or address(x.numpy()) == address(array)
    back = np.from_dlpack(x)
    assert back.dtype == array.dtype and address(back) == address(x.numpy())
    np.testing.assert_array_equal(back, array)


class Producer:
    """Hands out a tensor's capsules as a library of a certain age does."""

    def __init__(self, x: bh.Tensor, **options: Any) -> None:
        self.x, self.options = x, options

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.x.__dlpack_device__()

    def __dlpack__(self, **given: Any) -> Any:
        return self.x.__dlpack__(**self.options)


class OldProducer(Producer):
    """From before versions."""

    def __dlpack__(self) -> Any:  # type: ignore[override]
        return self.x.__dlpack__(**self.options)


def test_dlpack_versions() -> None:
    x = bh.arange(3.0)
    assert '"dltensor_versioned"' in repr(x.__dlpack__(max_version=(1, 0)))
    assert '"dltensor"' in repr(x.__dlpack__(max_version=(0, 8)))
    assert '"dltensor"' in repr(x.__dlpack__())
    # A consumer that cannot be told that memory is read-only gets a copy.
    shared = bh.from_dlpack(Producer(x, max_version=(1, 0)))
    copied = bh.from_dlpack(Producer(x))
    older = bh.from_dlpack(OldProducer(x))
    explicit = bh.from_dlpack(Producer(x, max_version=(1, 0), copy=True))
    assert address(shared.numpy()) == address(x.numpy())
    for other in (copied, older, explicit):
        assert address(other.numpy()) != address(x.numpy())
    for other in (shared, copied, older, explicit):
        assert other.tolist() == [0, 1, 2]


@pytest.mark.skipif(int(np.__version__.split(".")[0]) < 2, reason="NumPy 1 does not know copy=")
def test_dlpack_copies_may_be_written() -> None:
    x = bh.zeros(3)
    copied = np.from_dlpack(x, copy=True)
    copied[0] = 1
    assert x.tolist() == [0, 0, 0]
    assert not np.from_dlpack(x, copy=False).flags.writeable


def test_dlpack_refuses() -> None:
    x = bh.zeros(3)
    with pytest.raises(BufferError, match="streams"):
        x.__dlpack__(stream=1)
    with pytest.raises(BufferError, match="CPU"):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError, match="backward in memory"):
        bh.from_dlpack(np.arange(3)[::-1])
    with pytest.raises(TypeError, match="not supported"):
        bh.from_dlpack(np.zeros(2, np.int16))
    with pytest.raises(AttributeError, match="__dlpack__"):
        bh.from_dlpack([1.0])

    class Elsewhere(Producer):
        def __dlpack_device__(self) -> tuple[int, int]:
            return (2, 0)

    with pytest.raises(BufferError, match="move it to the CPU first"):
        bh.from_dlpack(Elsewhere(x))
    capsule = x.__dlpack__(max_version=(1, 0))

    class Once(Producer):
        def __dlpack__(self, **given: Any) -> Any:
            return capsule

    assert bh.from_dlpack(Once(x)).tolist() == [0, 0, 0]
    with pytest.raises(TypeError, match="was used before"):
        bh.from_dlpack(Once(x))


def test_dlpack_lifetimes() -> None:
    array = owned(5)
    watch = weakref.ref(array)
    x = bh.from_dlpack(array)
    capsule = x.__dlpack__(max_version=(1, 0))
    del x, array
    gc.collect()
    assert watch() is not None
    del capsule
    gc.collect()
    assert watch() is None


def test_tensors_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    for dtype in (torch.float32, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool):
        theirs = torch.arange(6).reshape(2, 3).to(dtype).T
        x = bh.from_dlpack(theirs)
        assert x.tolist() == theirs.tolist()
        assert dtype == torch.bool or address(x.numpy()) == theirs.data_ptr()
        x += 1 if dtype != torch.bool else True
        assert theirs.tolist() == torch.arange(6).reshape(2, 3).to(dtype).T.tolist()
        # PyTorch does not ask whether memory is read-only: whoever wants to write there clones first.
        back = torch.from_dlpack(x)
        assert back.tolist() == x.tolist() and back.dtype == dtype
        assert back.data_ptr() == address(x.numpy())
        torch.from_dlpack(x.__dlpack__(max_version=(1, 0), copy=True)).zero_()
        assert x.any()
    assert bh.tensor(torch.ones(2)).tolist() == [1, 1]
    assert bh.tensor([1.0], device=torch.device("cpu")).item() == 1


# Tables.


def test_columns_of_pandas() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1, 2, 3], "c": [True, False, True]})
    column = np.asarray(frame["a"])
    assert address(bh.from_numpy(column).numpy()) == address(column)
    assert bh.tensor(frame["a"]).dtype is bh.float64
    assert bh.tensor(frame["b"]).tolist() == [1, 2, 3]
    assert bh.tensor(frame["c"]).dtype is bh.bool
    assert bh.tensor(frame[["a", "b"]]).shape == (3, 2)
    with pytest.raises(TypeError, match="object|<U|str"):
        bh.tensor(pd.Series(["x", "y"]))


def test_columns_of_polars() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1, 2, 3]})
    column = np.asarray(frame["a"])
    assert address(bh.from_numpy(column).numpy()) == address(column)
    assert bh.tensor(frame["b"]).tolist() == [1, 2, 3]
    assert bh.tensor(frame).shape == (3, 2)


def test_columns_of_arrow() -> None:
    pa = pytest.importorskip("pyarrow")
    column = pa.array([1.0, 2.0, 3.0])
    assert address(bh.from_numpy(np.asarray(column)).numpy()) == column.buffers()[1].address
    assert bh.tensor(column).tolist() == [1, 2, 3]
    assert bh.tensor(pa.chunked_array([[1, 2], [3]])).tolist() == [1, 2, 3]
