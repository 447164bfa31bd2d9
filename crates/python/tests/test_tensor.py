"""Tensors: how they are made, which element types meet where, indexing, what writing changes, and how they present themselves."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import barehand as bh
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

DTYPES = {name: getattr(bh, name) for name in ("bool", "uint8", "int32", "int64", "float32", "float64")}


@pytest.fixture
def float64_by_default() -> Iterator[None]:
    """Python floats become float64 meanwhile."""
    bh.set_default_dtype(bh.float64)
    yield
    bh.set_default_dtype(bh.float32)


# Making tensors.


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1, bh.int64, ()),
        (1.5, bh.float32, ()),
        (True, bh.bool, ()),
        ([1, 2], bh.int64, (2,)),
        ([1, 2.0], bh.float32, (2,)),
        ([True, False], bh.bool, (2,)),
        ([True, 2], bh.int64, (2,)),
        ([[1.0], [2.0]], bh.float32, (2, 1)),
        ((1.0, (2.0)), bh.float32, (2,)),
        ([[[]]], bh.float32, (1, 1, 0)),
        ([], bh.float32, (0,)),
        (range(3), bh.int64, (3,)),
        (np.float64(1.5), bh.float32, ()),
        (np.float32(1.5), bh.float32, ()),
        (np.int32(1), bh.int32, ()),
        (np.bool_(True), bh.bool, ()),
        (np.zeros((2, 3)), bh.float64, (2, 3)),
        (np.zeros(2, np.float16), bh.float32, (2,)),
        (np.zeros(2, np.uint16), bh.int32, (2,)),
    ],
)
def test_data_decides_the_element_type(data: Any, dtype: bh.dtype, shape: tuple[int, ...]) -> None:
    x = bh.tensor(data)
    assert (x.dtype, x.shape) == (dtype, shape)


def test_a_list_of_tensors_is_one_tensor() -> None:
    assert bh.tensor([bh.tensor(1.0), bh.tensor(2.0)]).tolist() == [1.0, 2.0]


@pytest.mark.usefixtures("float64_by_default")
def test_the_default_element_type_is_that_of_python_floats_only() -> None:
    assert bh.get_default_dtype() is bh.float64
    assert bh.tensor(1.0).dtype is bh.float64
    assert bh.tensor([1.0]).dtype is bh.float64
    assert bh.zeros(2).dtype is bh.float64
    assert bh.rand(2).dtype is bh.float64
    assert (bh.tensor([1]) / 2).dtype is bh.float64
    assert bh.tensor([1]).dtype is bh.int64
    assert bh.tensor(np.zeros(1, np.float32)).dtype is bh.float32
    assert (bh.ones(1, dtype=bh.float32) + 1.5).dtype is bh.float32


@pytest.mark.parametrize("given", [bh.int32, "int32", np.int32, np.dtype("int32")])
def test_a_dtype_can_be_named_in_many_ways(given: Any) -> None:
    assert bh.zeros(2, dtype=given).dtype is bh.int32


def test_pythons_types_are_dtypes() -> None:
    assert [bh.zeros(1, dtype=kind).dtype for kind in (float, int, bool)] == [bh.float32, bh.int64, bh.bool]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: bh.tensor("abc"), TypeError, "<U3"),
        (lambda: bh.tensor(["a"]), TypeError, "<U1"),
        (lambda: bh.tensor(None), TypeError, "object"),
        (lambda: bh.tensor({}), TypeError, "object"),
        (lambda: bh.tensor(1j), TypeError, "complex128"),
        (lambda: bh.tensor([[1], [1, 2]]), ValueError, "inhomogeneous"),
        (lambda: bh.tensor([1], dtype="float16"), TypeError, "float16 is not one of float32, float64"),
        (lambda: bh.tensor([1], device="cuda"), ValueError, "'cuda' is not there"),
        (lambda: bh.zeros(-1), ValueError, r"\[-1\] has a negative length"),
        (lambda: bh.zeros(2**40, 2**40), ValueError, "more elements than memory can address"),
        (lambda: bh.zeros(1.5), TypeError, "integers expected"),
        (lambda: bh.zeros("a"), TypeError, "integers expected"),
        (lambda: bh.arange(0, 1, 0), ValueError, "step"),
        (lambda: bh.tensor([1], requires_grad=True), RuntimeError, "floating point"),
        (lambda: bh.cat([]), ValueError, "no tensors"),
        (lambda: bh.cat([bh.zeros(1, 2), bh.zeros(1, 3)]), ValueError, r"\[1, 3\]"),
        (lambda: bh.stack([bh.zeros(2), bh.zeros(3)]), ValueError, r"\[3\]"),
        (lambda: bh.set_default_dtype(bh.int64), TypeError, "int64"),
    ],
)
def test_bad_data_is_refused_with_a_reason(make: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    ("ours", "numpys"),
    [
        (lambda: bh.zeros(2, 3), lambda: np.zeros((2, 3), np.float32)),
        (lambda: bh.ones((2, 3)), lambda: np.ones((2, 3), np.float32)),
        (lambda: bh.full((2,), 7), lambda: np.full(2, 7)),
        (lambda: bh.full([2], 0.5), lambda: np.full(2, 0.5, np.float32)),
        (lambda: bh.full((), True), lambda: np.full((), True)),
        (lambda: bh.arange(5), lambda: np.arange(5)),
        (lambda: bh.arange(1, 10, 3), lambda: np.arange(1, 10, 3)),
        (lambda: bh.arange(5, 0, -2), lambda: np.arange(5, 0, -2)),
        (lambda: bh.arange(0.0, 1.0, 0.25), lambda: np.arange(0.0, 1.0, 0.25, np.float32)),
        (lambda: bh.linspace(0, 1, 5), lambda: np.linspace(0, 1, 5, dtype=np.float32)),
        (lambda: bh.eye(2, 3), lambda: np.eye(2, 3, dtype=np.float32)),
        (lambda: bh.zeros_like(bh.ones(2, dtype=bh.int32)), lambda: np.zeros(2, np.int32)),
        (lambda: bh.full_like(bh.ones(2), 3), lambda: np.full(2, 3, np.float32)),
        (lambda: bh.cat([bh.ones(2), bh.arange(2)]), lambda: np.array([1, 1, 0, 1], np.float32)),
        (lambda: bh.stack([bh.arange(2), bh.arange(2)], 1), lambda: np.array([[0, 0], [1, 1]])),
    ],
)
def test_creation_beside_numpy(ours: Callable[[], bh.Tensor], numpys: Callable[[], np.ndarray]) -> None:
    array = ours().numpy()
    assert array.dtype == numpys().dtype
    np.testing.assert_array_equal(array, numpys())


# Which element types meet where: PyTorch's rules (`torch.result_type`), written out.

# Columns as rows: bool, uint8, int32, int64, float32, float64.
BOTH_WITH_AXES = {
    "bool": ["bool", "uint8", "int32", "int64", "float32", "float64"],
    "uint8": ["uint8", "uint8", "int32", "int64", "float32", "float64"],
    "int32": ["int32", "int32", "int32", "int64", "float32", "float64"],
    "int64": ["int64", "int64", "int64", "int64", "float32", "float64"],
    "float32": ["float32", "float32", "float32", "float32", "float32", "float64"],
    "float64": ["float64", "float64", "float64", "float64", "float64", "float64"],
}
# The row has axes, the column has none: a column of the same kind does not widen the row.
RIGHT_WITHOUT_AXES = {
    "bool": ["bool", "uint8", "int32", "int64", "float32", "float64"],
    "uint8": ["uint8", "uint8", "uint8", "uint8", "float32", "float64"],
    "int32": ["int32", "int32", "int32", "int32", "float32", "float64"],
    "int64": ["int64", "int64", "int64", "int64", "float32", "float64"],
    "float32": ["float32", "float32", "float32", "float32", "float32", "float32"],
    "float64": ["float64", "float64", "float64", "float64", "float64", "float64"],
}
# Beside True, 1 and 1.5.
WITH_A_NUMBER = {
    "bool": ["bool", "int64", "float32"],
    "uint8": ["uint8", "uint8", "float32"],
    "int32": ["int32", "int32", "float32"],
    "int64": ["int64", "int64", "float32"],
    "float32": ["float32", "float32", "float32"],
    "float64": ["float64", "float64", "float64"],
}


@pytest.mark.parametrize(("left", "right"), list(itertools.product(DTYPES, DTYPES)))
def test_two_tensors_meet_in_the_type_that_pytorch_says(left: str, right: str) -> None:
    column = list(DTYPES).index(right)
    x, y = bh.ones(2, dtype=DTYPES[left]), bh.ones(2, dtype=DTYPES[right])
    alone = bh.ones((), dtype=DTYPES[right])
    both, one = DTYPES[BOTH_WITH_AXES[left][column]], DTYPES[RIGHT_WITHOUT_AXES[left][column]]
    for operation in (lambda x, y: x + y, lambda x, y: x * y, bh.maximum, lambda x, y: bh.where(x > 0, x, y)):
        assert operation(x, y).dtype is both
        assert operation(x, alone).dtype is one
    assert (alone + x).dtype is one
    real = both if both.is_floating_point else bh.float32
    assert (x / y).dtype is real
    assert (x == y).dtype is bh.bool


@pytest.mark.parametrize("name", DTYPES)
def test_numbers_take_the_type_of_the_tensor_beside_them(name: str) -> None:
    for number, expected in zip((True, 1, 1.5), WITH_A_NUMBER[name]):
        x = bh.ones(2, dtype=DTYPES[name])
        assert (x + number).dtype is DTYPES[expected]
        assert (number + x).dtype is DTYPES[expected]


@pytest.mark.parametrize("scalar", [np.float64(2.5), np.float32(2.5), np.int64(2), np.int8(2), np.bool_(True)])
def test_numpys_scalars_are_numbers(scalar: Any) -> None:
    x = bh.ones(2)
    for result in (x * scalar, scalar * x):
        assert isinstance(result, bh.Tensor)
        assert result.dtype is bh.float32
        assert result.tolist() == [float(scalar)] * 2


def test_arrays_are_operands() -> None:
    for result in (np.ones(2) + bh.ones(2), bh.ones(2) + np.ones(2)):
        assert isinstance(result, bh.Tensor)
        assert result.dtype is bh.float64
    assert isinstance(np.eye(2) @ bh.eye(2, dtype=bh.float64), bh.Tensor)


@pytest.mark.parametrize("other", ["a", None, [1], {}, object()])
def test_other_objects_are_no_operands(other: Any) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        bh.ones(1) + other
    with pytest.raises(TypeError, match="not supported between"):
        bh.ones(1) < other
    with pytest.raises(TypeError, match="add: a tensor or a number expected, not"):
        bh.add(bh.ones(1), other)
    assert (bh.ones(1) == other) is False
    assert (bh.ones(1) != other) is True


class Meeting:
    """An operand that tensors do not know and that knows them."""

    def __radd__(self, other: Any) -> str:
        return "met"


def test_an_unknown_operand_is_asked_next() -> None:
    assert bh.ones(1) + Meeting() == "met"


# Numbers that do not fit.


@pytest.mark.parametrize(
    "use",
    [
        lambda: bh.tensor(2**70),
        lambda: bh.tensor([1]) + 2**70,
        lambda: bh.tensor(300, dtype=bh.uint8),
        lambda: bh.tensor([-1], dtype=bh.uint8),
        lambda: bh.tensor([[2**40]], dtype=bh.int32),
        lambda: bh.full((2,), 256, dtype=bh.uint8),
        lambda: bh.full((2,), math.nan, dtype=bh.int64),
        lambda: bh.full_like(bh.tensor([1]), 2.0**63),
        lambda: bh.tensor([1], dtype=bh.uint8) + 300,
        lambda: 300 - bh.tensor([1], dtype=bh.uint8),
        lambda: bh.tensor([1], dtype=bh.int32).mul_(2**31),
        lambda: bh.tensor([1], dtype=bh.uint8).fill_(-1),
        lambda: bh.tensor([1], dtype=bh.uint8).__setitem__(0, 256),
        lambda: bh.tensor([1], dtype=bh.uint8).masked_fill(bh.tensor([True]), 256),
        lambda: bh.tensor([1, 2], dtype=bh.uint8).scatter(0, bh.tensor([0]), 256),
        lambda: bh.tensor([1], dtype=bh.uint8) & 256,
    ],
)
def test_a_number_that_does_not_fit_is_refused(use: Callable[[], Any]) -> None:
    with pytest.raises(OverflowError, match="does not fit into|is more than 64 bits hold"):
        use()


def test_numbers_that_just_fit() -> None:
    assert bh.tensor([1], dtype=bh.uint8).fill_(255).item() == 255
    assert bh.tensor([1], dtype=bh.uint8).fill_(254.9).item() == 254
    assert bh.tensor(-(2**63)).item() == -(2**63)
    assert bh.tensor([2**63 - 1]).item() == 2**63 - 1
    assert bh.full((), -(2.0**63), dtype=bh.int64).item() == -(2**63)


def test_comparisons_are_right_beyond_the_element_type() -> None:
    x = bh.tensor([0, 255], dtype=bh.uint8)
    assert (x == -1).tolist() == [False, False]
    assert (x > -1).tolist() == [True, True]
    assert (x < 256).tolist() == [True, True]
    assert (300 > x).tolist() == [True, True]


def test_conversions_wrap_as_numpys_do() -> None:
    values = np.array([2**40 + 3, -1, 255, 256, 2**31], np.int64)
    x = bh.from_numpy(values)
    np.testing.assert_array_equal(x.int().numpy(), values.astype(np.int32))
    np.testing.assert_array_equal(x.byte().numpy(), values.astype(np.uint8))
    np.testing.assert_array_equal(x.bool().numpy(), values.astype(bool))
    np.testing.assert_array_equal(bh.tensor([1.9, -1.9]).long().numpy(), [1, -1])


# Indexing beside NumPy.


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))


@st.composite
def slices(draw: st.DrawFn, length: int) -> slice:
    ends = st.none() | st.integers(-length - 2, length + 2)
    return slice(draw(ends), draw(ends), draw(st.none() | st.integers(1, 3)))


@st.composite
def basic_keys(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Integers, slices, None and at most one ellipsis."""
    key: list[Any] = []
    left = draw(st.integers(0, len(shape)))
    for axis in range(left):
        key.append(draw(st.integers(-shape[axis], shape[axis] - 1) | slices(shape[axis])))
    right = draw(st.integers(0, len(shape) - left))
    if right or draw(st.booleans()):
        key.append(...)
        for axis in range(len(shape) - right, len(shape)):
            key.append(draw(st.integers(-shape[axis], shape[axis] - 1) | slices(shape[axis])))
    for _ in range(draw(st.integers(0, 2))):
        key.insert(draw(st.integers(0, len(key))), None)
    return tuple(key)


@st.composite
def picking_keys(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """A mask over the first axes, or integers of one shape for the first axes, and then slices."""
    axes = draw(st.integers(1, len(shape)))
    if draw(st.booleans()):
        size = math.prod(shape[:axes])
        mask = draw(st.lists(st.booleans(), min_size=size, max_size=size))
        key: list[Any] = [np.array(mask).reshape(shape[:axes])]
    else:
        picked = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)))
        size = math.prod(picked)
        key = []
        for length in shape[:axes]:
            indices = draw(st.lists(st.integers(-length, length - 1), min_size=size, max_size=size))
            key.append(np.array(indices).reshape(picked))
    for axis in range(axes, len(shape)):
        if draw(st.booleans()):
            break
        key.append(draw(slices(shape[axis])))
    return tuple(key)


def as_ours(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(bh.tensor(part) if isinstance(part, np.ndarray) else part for part in key)


def numbered(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(math.prod(shape), dtype=np.float32).reshape(shape)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_indexing_beside_numpy(data: st.DataObject) -> None:
    array = numbered(data.draw(shapes()))
    key = data.draw(basic_keys(array.shape) | picking_keys(array.shape))
    expected = array[key]
    found = bh.tensor(array)[as_ours(key)]
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy(), expected)
    np.testing.assert_array_equal(bh.tensor(array)[key].numpy(), expected)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_assignment_beside_numpy(data: st.DataObject) -> None:
    array = numbered(data.draw(shapes()))
    x = bh.tensor(array)
    key = data.draw(basic_keys(array.shape) | picking_keys(array.shape))
    shape = array[key].shape
    # What broadcasts to the elements: some leading axes are missing, some have length 1.
    missing = data.draw(st.integers(0, len(shape)))
    values = -1 - numbered(tuple(1 if data.draw(st.booleans()) else n for n in shape[missing:]))
    # An element that is written twice keeps one of the values; which one is nobody's promise.
    if any(isinstance(part, np.ndarray) and part.dtype != bool for part in key):
        values = np.full_like(values, -1.0)
    array[key] = values
    x[as_ours(key)] = bh.tensor(values)
    np.testing.assert_array_equal(x.numpy(), array)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_numbers_and_lists_are_assigned_too(data: st.DataObject) -> None:
    array = numbered(data.draw(shapes())).astype(np.int64)
    key = data.draw(basic_keys(array.shape))
    x = bh.tensor(array)
    array[key] = 7
    x[key] = 7
    np.testing.assert_array_equal(x.numpy(), array)
    if array[key].size:
        values = np.full(array[key].shape, 9).tolist()
        array[key] = values
        x[key] = values
    np.testing.assert_array_equal(x.numpy(), array)


def test_an_index_can_be_any_integer() -> None:
    x = bh.arange(5)
    for two in (2, np.int64(2), np.uint8(2), bh.tensor(2), bh.tensor(2, dtype=bh.uint8), np.array(2)):
        assert x[two].item() == 2
    assert x[[0, 2]].tolist() == [0, 2]
    assert x[[]].tolist() == []
    assert x[[True, False, True, False, False]].tolist() == [0, 2]


@pytest.mark.parametrize(
    ("key", "error", "words"),
    [
        (5, IndexError, r"index 5 is outside axis 0 of shape \[2, 3\]"),
        (-3, IndexError, "index -3"),
        ((0, 0, 0), IndexError, "3 axes are indexed"),
        (1.5, TypeError, "not float"),
        ("a", TypeError, "not str"),
        (True, TypeError, "a single boolean is no index"),
        (slice(None, None, -1), ValueError, r"use \.flip\(\)"),
        (slice(None, None, 0), ValueError, "at least 1"),
        (bh.tensor([5]), IndexError, "5"),
        (bh.tensor([1.0]), TypeError, "float32"),
        (bh.tensor([True]), ValueError, "mask"),
        (slice("a", None), TypeError, "slice indices"),
    ],
)
def test_bad_indices_are_refused(key: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        bh.zeros(2, 3)[key]
    with pytest.raises(error, match=words):
        bh.zeros(2, 3)[key] = 0


def test_bad_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[3\] does not broadcast to \[2\]"):
        bh.zeros(2)[:] = bh.zeros(3)
    with pytest.raises(TypeError, match="<U1"):
        bh.zeros(2)[0] = "a"
    with pytest.raises((TypeError, NotImplementedError), match="delet"):
        del bh.zeros(2)[0]


# What writing changes: tensors are values, windows write through, other views refuse.


def test_windows_write_through() -> None:
    x = bh.zeros(3, 2)
    x[0] += 1
    x[1].fill_(2)
    x[1:][1] = 5
    x[:, 1].mul_(10)
    x[2][None, :][0][0] = 7
    assert x.tolist() == [[1, 10], [2, 20], [7, 50]]
    window = x[0]
    window[1] = -1
    window += 1
    assert x[0].tolist() == window.tolist() == [2, 0]
    x[0].data.zero_()
    assert x[0].tolist() == [0, 0]


def test_a_window_of_other_element_types_writes_through() -> None:
    for dtype in DTYPES.values():
        x = bh.zeros(4, dtype=dtype)
        x[1:3].fill_(1)
        assert x.tolist() == [0, 1, 1, 0]


def test_picked_elements_are_a_copy() -> None:
    x = bh.zeros(3)
    picked = x[[0, 1]]
    picked += 1
    assert x.tolist() == [0, 0, 0]
    x[[0, 1]] += 1
    x[x > 0] *= 5
    assert x.tolist() == [5, 5, 0]


def test_a_stale_window_raises() -> None:
    x = bh.zeros(3)
    window = x[0:2]
    x += 1
    with pytest.raises(RuntimeError, match="has changed since; take the view again"):
        window += 1
    with pytest.raises(RuntimeError, match="has changed since"):
        window[0] = 1
    assert window.tolist() == [0, 0]
    assert x.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.view(4),
        lambda x: x.T,
        lambda x: x.reshape(4)[0:2],
        lambda x: x.flatten().data,
        lambda x: x.unsqueeze(0)[0][1],
        lambda x: x.unbind()[0],
        lambda x: x.detach(),
        lambda x: next(iter(x)),
        lambda x: x.select(0, 1),
        lambda x: x.expand(3, 2, 2),
    ],
)
def test_a_view_under_another_shape_refuses_to_be_written(view: Callable[[bh.Tensor], bh.Tensor]) -> None:
    x = bh.zeros(2, 2)
    shown = view(x)
    for write in (lambda: shown.add_(1), lambda: shown.zero_(), lambda: shown.__setitem__(..., 1)):
        with pytest.raises(RuntimeError, match="is a view, and changing it would not change the tensor"):
            write()
    assert not shown.any()
    assert not x.any()


def test_a_view_whose_origin_is_gone_is_a_tensor_of_its_own() -> None:
    x = bh.zeros(4).view(2, 2)
    x += 1
    x[0] += 1
    x[0][1] = 5
    assert x.tolist() == [[2, 5], [1, 1]]


def test_writing_changes_no_other_tensor() -> None:
    x = bh.zeros(2, 2)
    others = [x.view(4), x.T, x.detach(), x.clone(), copy.copy(x), copy.deepcopy(x), x + 0, bh.Tensor(x)]
    x += 1
    x[0, 0] = 9
    assert not any(other.any() for other in others)
    y = x
    y += 1
    assert x is y


def test_endless_windows_of_windows() -> None:
    first = x = bh.arange(4)
    for _ in range(200_000):
        x = x[:]
    assert x.tolist() == [0, 1, 2, 3]
    with pytest.raises(RuntimeError, match="is a view"):
        x[0] = 1
    assert first.tolist() == [0, 1, 2, 3]
    y = bh.zeros(4)
    z = y
    for _ in range(20):
        z = z[:]
    z[1] = 5
    assert y.tolist() == [0, 5, 0, 0]


def test_data_is_another_name_for_the_tensor() -> None:
    w = bh.ones(2, requires_grad=True)
    w.data.mul_(3)
    w.data[0] = 5
    assert w.tolist() == [5, 3]
    assert w.requires_grad and not w.data.requires_grad
    w.data = bh.zeros(2)
    assert w.tolist() == [0, 0] and w.requires_grad
    with pytest.raises(ValueError, match=r"\[3\]"):
        w.data = bh.zeros(3)


def test_data_keeps_a_computed_tensor_on_the_tape() -> None:
    w = bh.ones(2, requires_grad=True)
    y = w * 2
    y.data.add_(1)
    with bh.no_grad():
        y += 1
        y[0] = 10
    assert y.tolist() == [10, 4]
    y.sum().backward()
    assert w.grad is not None and w.grad.tolist() == [2, 2]


def test_data_is_never_on_the_tape() -> None:
    x = bh.ones(2)
    with pytest.raises(RuntimeError, match=r"use \.detach\(\)\.requires_grad_\(\)"):
        x.data.requires_grad_()
    assert not x.requires_grad
    w = bh.ones(2, requires_grad=True)
    w.data.requires_grad_(False)
    w.data.detach_()
    assert w.requires_grad and w.is_leaf


def test_leaves_are_not_written_while_recording() -> None:
    w = bh.ones(3, requires_grad=True)
    for write in (
        lambda: w.add_(1),
        lambda: w.__setitem__(0, 1),
        lambda: w[0:2].zero_(),
        lambda: w[0].add_(1),
        lambda: w.__iadd__(1),
    ):
        with pytest.raises(RuntimeError, match="a leaf tensor that requires grad cannot be changed in place"):
            write()
    assert w.tolist() == [1, 1, 1]
    with bh.no_grad():
        w += 1
        w[0] = 7
        w[1:].mul_(2)
    assert w.tolist() == [7, 4, 4]
    assert w.is_leaf and w.requires_grad


@pytest.mark.parametrize(
    ("write", "error", "words"),
    [
        (lambda: bh.zeros(2).add_(bh.zeros(3, 2)), ValueError, r"\[3, 2\]"),
        (lambda: bh.tensor([1]).add_(1.5), TypeError, "float32, which a tensor of int64 cannot hold"),
        (lambda: bh.tensor([1]).div_(2), TypeError, "cannot hold in place"),
        (lambda: bh.tensor([1]).exp_(), TypeError, "cannot hold in place"),
        (lambda: bh.tensor([1]).clamp_(0.5), TypeError, "cannot hold in place"),
        (lambda: bh.tensor([True]).__iand__(bh.tensor([2])), TypeError, "cannot hold in place"),
        (lambda: bh.tensor([1.0]).__iand__(1), TypeError, "not for floats"),
        (lambda: bh.zeros(2).copy_(bh.zeros(3)), ValueError, "3"),
    ],
)
def test_results_that_do_not_fit_in_place(write: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        write()


def test_in_place_methods_keep_the_element_type() -> None:
    x = bh.ones(2)
    x += bh.ones(2, dtype=bh.float64)
    assert x.dtype is bh.float32
    n = bh.tensor([7], dtype=bh.int32)
    n //= bh.tensor([2])
    assert (n.dtype, n.item()) == (bh.int32, 3)
    assert x.copy_([5, 6]).tolist() == [5, 6]
    assert x.fill_(bh.tensor(3)).tolist() == [3, 3]


# Copies.


def test_detach_and_clone() -> None:
    w = bh.ones(2, requires_grad=True)
    assert not w.detach().requires_grad
    clone = w.clone()
    assert clone.requires_grad and not clone.is_leaf
    (clone * 3).sum().backward()
    assert w.grad is not None and w.grad.tolist() == [3, 3]
    y = w * 2
    assert y.detach_() is y and not y.requires_grad


@pytest.mark.parametrize("name", DTYPES)
def test_copies_and_pickles(name: str) -> None:
    x = bh.tensor([[0, 1], [1, 0]], dtype=DTYPES[name])  # symmetric
    for duplicate in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), pickle.loads(pickle.dumps(x.T))):
        assert duplicate.dtype is x.dtype
        assert duplicate.tolist() == x.tolist()
        duplicate.fill_(1)
    assert x.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_of_leaves_are_leaves(duplicate: Callable[[bh.Tensor], bh.Tensor]) -> None:
    w = bh.ones(2, requires_grad=True)
    copied = duplicate(w)
    assert copied.requires_grad and copied.is_leaf
    (copied * 2).sum().backward()
    assert w.grad is None
    with pytest.raises(RuntimeError, match="only leaves can be"):
        duplicate(w * 2)


def test_a_deep_copy_has_memory_of_its_own() -> None:
    array = np.zeros(2)
    copied = copy.deepcopy(bh.from_numpy(array))
    array[0] = 5
    assert copied.tolist() == [0, 0]
    w = bh.ones(2, requires_grad=True)
    (w * 2).sum().backward()
    other = copy.deepcopy({"a": w, "b": [w]})
    assert other["a"] is other["b"][0]
    assert other["a"].grad.tolist() == [2, 2]
    other["a"].grad.zero_()
    assert w.grad is not None and w.grad.tolist() == [2, 2]


def test_dtypes_devices_and_generators_are_copied() -> None:
    for dtype in DTYPES.values():
        assert pickle.loads(pickle.dumps(dtype)) is dtype
        assert copy.deepcopy(dtype) is dtype
    assert pickle.loads(pickle.dumps(bh.zeros(1).device)) == bh.device("cpu")
    generator = bh.Generator().manual_seed(3)
    bh.rand(3, generator=generator)
    other = pickle.loads(pickle.dumps(generator))
    assert bh.rand(3, generator=generator).tolist() == bh.rand(3, generator=other).tolist()


class Named(bh.Tensor):
    """A subclass with an attribute."""

    name = "none"


def test_subclasses() -> None:
    x = Named([1.0, 2.0])
    x.name = "x"
    assert isinstance(copy.deepcopy(x), Named)
    assert isinstance(pickle.loads(pickle.dumps(x)), Named)
    assert type(x + 1) is bh.Tensor
    assert x.name == "x"


# How they present themselves.


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (bh.tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
        (bh.tensor([1.0, 2.0]), "tensor([1., 2.])"),
        (bh.tensor([1, 2]), "tensor([1, 2])"),
        (bh.tensor([1, 2], dtype=bh.int32), "tensor([1, 2], dtype=barehand.int32)"),
        (bh.tensor([1, 2], dtype=bh.uint8), "tensor([1, 2], dtype=barehand.uint8)"),
        (bh.tensor([True, False]), "tensor([ True, False])"),
        (bh.tensor([1.0], dtype=bh.float64), "tensor([1.], dtype=barehand.float64)"),
        (bh.tensor(3), "tensor(3)"),
        (bh.tensor(1.0, requires_grad=True), "tensor(1., requires_grad=True)"),
        (bh.tensor([math.nan, math.inf]), "tensor([nan, inf])"),
        (bh.tensor([]), "tensor([])"),
        (bh.tensor([[1, 2], [3, 4]]), "tensor([[1, 2],\n        [3, 4]])"),
    ],
)
def test_repr(x: bh.Tensor, text: str) -> None:
    assert repr(x) == str(x) == f"{x!r}" == text


def test_formats() -> None:
    assert f"{bh.tensor(1.23456):.2f}" == "1.23"
    assert f"{bh.tensor(7):03d}" == "007"
    assert f"{bh.ones(2)}" == "tensor([1., 1.])"
    with pytest.raises(TypeError, match="without axes takes a format"):
        f"{bh.ones(2):.2f}"


def test_dtypes_and_devices_present_themselves() -> None:
    assert repr(bh.float32) == "barehand.float32"
    assert (bh.float32.itemsize, bh.float32.is_floating_point) == (4, True)
    assert np.dtype(bh.int32) == np.dtype("int32")
    device = bh.zeros(1).device
    assert (str(device), repr(device), device.type, device.index) == ("cpu", "device(type='cpu')", "cpu", None)


def test_python_numbers() -> None:
    assert int(bh.tensor(2.7)) == 2
    assert float(bh.tensor([[3]])) == 3.0
    assert bool(bh.tensor([0.5])) is True
    assert [10, 20, 30][bh.tensor(1)] == 20
    assert list(range(bh.tensor(3))) == [0, 1, 2]
    assert type(bh.tensor(1).item()) is int
    assert type(bh.tensor(1.0).item()) is float
    assert type(bh.tensor(True).item()) is bool
    assert math.sqrt(bh.tensor(4.0)) == 2.0
    for wrong, error in (
        (lambda: bh.ones(2).item(), ValueError),
        (lambda: float(bh.ones(2)), ValueError),
        (lambda: bool(bh.ones(2)), ValueError),
        (lambda: bool(bh.ones(0)), ValueError),
        (lambda: [1, 2][bh.tensor(1.0)], TypeError),
        (lambda: [1, 2][bh.tensor(True)], TypeError),
        (lambda: int(bh.tensor(math.nan)), ValueError),
    ):
        with pytest.raises(error):
            wrong()


def test_iteration_and_membership() -> None:
    assert [row.tolist() for row in bh.tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    assert len(bh.zeros(3, 0)) == 3
    first, second = bh.arange(2)
    assert (first.item(), second.item()) == (0, 1)
    assert 2 in bh.tensor([[1, 2], [3, 4]])
    assert 5 not in bh.tensor([[1, 2], [3, 4]])
    assert "a" not in bh.tensor([1])
    for wrong in (lambda: len(bh.tensor(1)), lambda: list(bh.tensor(1))):
        with pytest.raises(TypeError, match="without axes"):
            wrong()


def test_comparisons_return_tensors_and_identity_hashes() -> None:
    x, y = bh.tensor([1, 2]), bh.tensor([1, 3])
    assert (x == y).tolist() == [True, False]
    assert (x != y).tolist() == [False, True]
    assert (x < y).tolist() == [False, True]
    assert (x >= y).tolist() == [True, False]
    assert hash(x) == hash(x) and hash(x) != hash(y)
    assert {x: 1, y: 2}[y] == 2
    assert len({x, y, x}) == 2


def test_close_and_equal() -> None:
    x = bh.tensor([1.0, math.nan, math.inf])
    assert bh.allclose(x, x, equal_nan=True)
    assert not bh.allclose(x, x)
    assert bh.isclose(bh.tensor([1.0, 1.1]), bh.tensor([1.0 + 1e-7, 1.0])).tolist() == [True, False]
    assert bh.equal(bh.ones(2), bh.ones(2)) is True
    assert bh.equal(bh.ones(2), bh.ones(3)) is False
    assert bh.equal(bh.ones(2), bh.zeros(2)) is False


def test_sizes() -> None:
    x = bh.zeros(2, 3, dtype=bh.float64)
    assert x.shape == x.size() == (2, 3)
    assert (x.size(-1), x.dim(), x.ndim, x.numel(), x.nelement()) == (3, 2, 2, 6, 6)
    assert (x.itemsize, x.element_size(), x.nbytes) == (8, 8, 48)
    assert x.T.stride() == (1, 3) and not x.T.is_contiguous() and x.T.contiguous().is_contiguous()
    assert x.is_contiguous() and x.contiguous() is x
    assert x.to(bh.float64) is x and x.cpu() is x and x.to("cpu") is x
    assert x.to("cpu", bh.int32).dtype is bh.int32
    assert x.to(bh.zeros(1)).dtype is bh.float32
    assert x.to(bh.float64, copy=True) is not x
    with pytest.raises(ValueError, match="'cuda' is not there"):
        x.to("cuda")


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: bh.zeros(2, 3) @ bh.zeros(2, 3), ValueError, r"\[2, 3\] and \[2, 3\] do not fit"),
        (lambda: bh.zeros(2) + bh.zeros(3), ValueError, r"\[2\] and \[3\]"),
        (lambda: bh.zeros(2, 3).view(5), ValueError, r"\[2, 3\]"),
        (lambda: bh.zeros(2).sum(1), IndexError, "axis 1"),
        (lambda: bh.zeros(2).permute(0, 0), ValueError, "permute"),
        (lambda: bh.zeros(0).max(), ValueError, "max"),
        (lambda: bh.tensor([1]).mean(), TypeError, r"convert with \.float\(\)"),
        (lambda: bh.tensor([1]) @ bh.tensor([1]), TypeError, "int64"),
        (lambda: bh.ones(2) @ bh.ones(2, dtype=bh.float64), TypeError, "float32 and float64"),
        (lambda: bh.tensor([1]) // 0, ValueError, "zero|0"),
        (lambda: bh.tensor([True]) - bh.tensor([True]), TypeError, "not defined for booleans"),
        (lambda: ~bh.ones(1), TypeError, "not for floats"),
        (lambda: bh.ones(2).sum("a"), TypeError, "dim must be an axis"),
        (lambda: bh.ones(2).reshape(2, "a"), TypeError, "integers expected"),
        (lambda: bh.einsum("ij,jk", bh.ones(2, 2)), ValueError, "einsum"),
    ],
)
def test_errors_are_of_the_class_that_python_users_expect(
    make: Callable[[], Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make()
