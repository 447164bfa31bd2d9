"""Data sets and loaders: PyTorch's semantics, and the same batches whichever way they are made."""

import gc
import struct
import threading
import time
import zlib
from collections import namedtuple

import barehand as bh
import numpy as np
import pytest
from barehand.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    datasets,
    default_collate,
    random_split,
    transforms,
)
from numpy.testing import assert_allclose, assert_array_equal


class Plain(Dataset):
    """Samples that only Python can give."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        return self.dataset[index]


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if not 0 <= index < self.n:
            raise IndexError(index)
        return float(index), index**2


def numbers(n):
    return TensorDataset(bh.arange(n), bh.arange(n) * 10)


def arrays(batches):
    return [[np.asarray(x) for x in batch] for batch in batches]


def equal(a, b):
    a, b = arrays(a), arrays(b)
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        for p, q in zip(x, y, strict=True):
            assert p.dtype == q.dtype
            assert_array_equal(p, q)


def generator(seed):
    return bh.Generator().manual_seed(seed)


# Loaders.


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("plain", [False, True])
def test_batches_in_order(plain, workers):
    dataset = Plain(numbers(10)) if plain else numbers(10)
    batches = arrays(DataLoader(dataset, batch_size=4, num_workers=workers))
    assert [x.tolist() for x, _ in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [y.tolist() for _, y in batches] == [[0, 10, 20, 30], [40, 50, 60, 70], [80, 90]]
    assert len(DataLoader(dataset, batch_size=4)) == 3
    last = DataLoader(dataset, batch_size=4, drop_last=True)
    assert len(last) == len(list(last)) == 2


def test_each_way_of_making_batches_gives_the_same():
    def batches(dataset, workers):
        loader = DataLoader(dataset, batch_size=7, shuffle=True, num_workers=workers, generator=generator(3))
        return [*loader, *loader]

    expected = batches(numbers(100), 0)
    seen = np.concatenate([np.asarray(x) for x, _ in expected[:15]])
    assert sorted(seen) == list(range(100)) and list(seen) != list(range(100))
    assert not np.array_equal(seen, np.concatenate([np.asarray(x) for x, _ in expected[15:]]))
    for dataset, workers in [(numbers(100), 2), (Plain(numbers(100)), 0), (Plain(numbers(100)), 3)]:
        equal(batches(dataset, workers), expected)


def test_the_process_wide_seed_sets_the_order():
    loader = DataLoader(numbers(50), batch_size=50, shuffle=True)

    def order():
        bh.manual_seed(4)
        return [np.asarray(x).tolist() for x, _ in [*loader, *loader]]

    assert order() == order()


def test_an_epoch_can_begin_anywhere():
    for dataset in (numbers(40), Plain(numbers(40))):
        whole = list(DataLoader(dataset, batch_size=6, shuffle=True, generator=generator(1)))
        rest = list(DataLoader(dataset, batch_size=6, shuffle=True, generator=generator(1)).resume(3))
        equal(rest, whole[3:])
    sampler = RandomSampler(numbers(40), generator=generator(1))
    whole = list(DataLoader(numbers(40), batch_size=6, sampler=sampler))
    sampler.generator.manual_seed(1)
    equal(DataLoader(numbers(40), batch_size=6, sampler=sampler).resume(2), whole[2:])


def test_against_pytorch():
    torch_data = pytest.importorskip("torch.utils.data")
    import torch

    x = np.random.default_rng(0).normal(size=(23, 3)).astype(np.float32)
    y = np.arange(23)
    ours = TensorDataset(bh.from_numpy(x), bh.from_numpy(y))
    theirs = torch_data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    for options in [{}, {"batch_size": 5}, {"batch_size": 5, "drop_last": True}, {"batch_size": None}]:
        ours_loader, theirs_loader = DataLoader(ours, **options), torch_data.DataLoader(theirs, **options)
        assert len(ours_loader) == len(theirs_loader)
        equal(list(ours_loader), [[x.numpy() for x in batch] for batch in theirs_loader])
    sampler = [5, 3, 3, 1, 0, 22]
    equal(
        DataLoader(ours, batch_size=4, sampler=sampler),
        [[x.numpy() for x in batch] for batch in torch_data.DataLoader(theirs, batch_size=4, sampler=sampler)],
    )
    for options in [
        {"shuffle": True, "sampler": sampler},
        {"batch_sampler": [[1]], "batch_size": 2},
        {"batch_sampler": [[1]], "drop_last": True},
        {"batch_size": None, "drop_last": True},
        {"batch_size": 0},
        {"num_workers": -1},
        {"prefetch_factor": 2},
        {"timeout": -1},
    ]:
        for loader, dataset in ((DataLoader, ours), (torch_data.DataLoader, theirs)):
            with pytest.raises(ValueError):
                loader(dataset, **options)


@pytest.mark.parametrize("workers", [0, 2])
def test_samplers_of_any_kind(workers):
    for dataset in (numbers(10), Plain(numbers(10))):
        loader = DataLoader(dataset, sampler=[9, 9, 0], batch_size=2, num_workers=workers)
        assert [np.asarray(x).tolist() for x, _ in loader] == [[9, 9], [0]]
        loader = DataLoader(dataset, batch_sampler=[[1], [2, 3, 4], [0]], num_workers=workers)
        assert len(loader) == 3
        assert [np.asarray(x).tolist() for x, _ in loader] == [[1], [2, 3, 4], [0]]
    loader = DataLoader(numbers(4), batch_size=3, collate_fn=lambda samples: [int(x) for x, _ in samples])
    assert list(loader) == [[0, 1, 2], [3]]
    singles = list(DataLoader(Squares(3), batch_size=None, num_workers=workers))
    assert singles == [[0.0, 0], [1.0, 1], [2.0, 4]]


def test_samplers():
    data = range(6)
    assert list(SequentialSampler(data)) == [0, 1, 2, 3, 4, 5]
    assert sorted(RandomSampler(data)) == [0, 1, 2, 3, 4, 5]
    assert len(list(RandomSampler(data, num_samples=14))) == len(RandomSampler(data, num_samples=14)) == 14
    drawn = list(RandomSampler(data, replacement=True, num_samples=1000, generator=generator(0)))
    assert set(drawn) == set(data) and len(drawn) == 1000
    assert sorted(SubsetRandomSampler([3, 5, 8])) == [3, 5, 8]
    assert list(BatchSampler(SequentialSampler(data), 4, True)) == [[0, 1, 2, 3]]

    weighted = WeightedRandomSampler([0.0, 3.0, 1.0], 40_000, generator=generator(0))
    counts = np.bincount(list(weighted), minlength=3) / 40_000
    assert counts[0] == 0 and abs(counts[1] - 0.75) < 0.01
    # Without replacement the first draw follows the weights, and the second those that remain.
    pairs = [tuple(WeightedRandomSampler([1, 2, 3], 2, False, generator(seed))) for seed in range(6000)]
    assert all(a != b for a, b in pairs)
    assert abs(np.mean([a == 2 for a, _ in pairs]) - 1 / 2) < 0.03
    assert abs(np.mean([b == 1 for a, b in pairs if a == 2]) - 2 / 3) < 0.04
    for weights, n, replacement in [([1, -1], 1, True), ([0, 0], 1, True), ([1, 0], 2, False), ([1, np.nan], 1, True)]:
        with pytest.raises(ValueError):
            list(WeightedRandomSampler(weights, n, replacement))


def test_streams():
    class Count(IterableDataset):
        def __iter__(self):
            return iter(range(7))

    for workers in (0, 3):
        loader = DataLoader(Count(), batch_size=3, num_workers=workers)
        assert [x.tolist() for x in loader] == [[0, 1, 2], [3, 4, 5], [6]]
        assert [x.tolist() for x in loader.resume(2)] == [[6]]
        assert [x.tolist() for x in DataLoader(Count(), batch_size=3, drop_last=True, num_workers=workers)][-1] == [
            3,
            4,
            5,
        ]
        assert list(DataLoader(Count(), batch_size=None, num_workers=workers)) == list(range(7))
    with pytest.raises(TypeError):
        len(loader)
    with pytest.raises(ValueError, match="IterableDataset"):
        DataLoader(Count(), shuffle=True)


# Workers.


def workers_alive():
    return [thread for thread in threading.enumerate() if thread.name.startswith("barehand-batches")]


def wait_until(condition):
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    assert condition()


def test_workers_work_at_the_same_time_and_end_with_the_iterator():
    together = threading.Barrier(3, timeout=10)

    class Meet(Squares):
        def __getitem__(self, index):
            if index < 3:
                together.wait()
            return index

    batches = iter(DataLoader(Meet(100), num_workers=3))
    assert next(batches).tolist() == [0]
    assert len(workers_alive()) == 3
    del batches
    gc.collect()
    wait_until(lambda: not workers_alive())


def test_an_error_comes_where_it_happened_with_its_origin():
    class Broken(Squares):
        def __getitem__(self, index):
            if index == 5:
                raise KeyError("sample five")
            return index

    for workers in (0, 2):
        seen = []
        with pytest.raises(KeyError, match="sample five") as caught:
            for batch in DataLoader(Broken(10), batch_size=2, num_workers=workers):
                seen += batch.tolist()
        assert seen == [0, 1, 2, 3]
        assert any(entry.name == "__getitem__" for entry in caught.traceback)
    wait_until(lambda: not workers_alive())


def test_a_worker_that_takes_too_long():
    class Slow(Squares):
        def __getitem__(self, index):
            time.sleep(0.5)
            return index

    with pytest.raises(RuntimeError, match=r"0\.05 seconds"):
        next(iter(DataLoader(Slow(4), num_workers=1, timeout=0.05)))
    wait_until(lambda: not workers_alive())


def test_workers_are_told_their_number():
    told = []
    loader = DataLoader(Plain(numbers(64)), num_workers=2, worker_init_fn=told.append)
    assert len(list(loader)) == 64
    assert sorted(told) == list(range(len(told))) and 1 <= len(told) <= 2
    with pytest.warns(UserWarning, match="pin_memory"):
        DataLoader(numbers(1), pin_memory=True)


# Data sets.


def test_subsets_and_joined_data_sets():
    part = Subset(numbers(10), [7, 1, -1])
    joined = ConcatDataset([part, numbers(4), Subset(numbers(5), [4])])
    expected = [7, 1, 9, 0, 1, 2, 3, 4]
    assert len(joined) == 8 and [int(joined[i][0]) for i in range(8)] == expected
    assert int(joined[-1][0]) == 4
    with pytest.raises(IndexError):
        joined[8]
    for dataset in (joined, Plain(joined)):
        equal(
            DataLoader(dataset, batch_size=3, sampler=[7, 0, 3, 2, 4, 1, 6, 5]),
            [[np.array([expected[i] * k for i in batch]) for k in (1, 10)] for batch in ([7, 0, 3], [2, 4, 1], [6, 5])],
        )
    assert len(numbers(2) + numbers(3)) == 5
    with pytest.raises(IndexError):
        list(DataLoader(joined, batch_size=1, sampler=[8]))
    with pytest.raises(IndexError):
        list(DataLoader(Subset(numbers(3), [3])))


def test_random_split():
    a, b, c = random_split(numbers(10), [0.5, 0.25, 0.25], generator(0))
    assert [len(a), len(b), len(c)] == [6, 2, 2]
    assert sorted(a.indices + b.indices + c.indices) == list(range(10))
    again = random_split(numbers(10), [6, 2, 2], generator(0))
    assert [part.indices for part in again] == [a.indices, b.indices, c.indices]
    for lengths in ([5, 4], [0.5, 0.6], [-1, 11]):
        with pytest.raises(ValueError):
            random_split(numbers(10), lengths)


def test_tensor_data_sets_follow_their_tensors():
    x = bh.zeros(3)
    dataset = TensorDataset(x)
    loader = DataLoader(dataset, batch_size=3)
    assert next(iter(loader))[0].tolist() == [0, 0, 0]
    x += 1
    assert next(iter(loader))[0].tolist() == [1, 1, 1]
    for tensors in ((), (bh.zeros(2), bh.zeros(3)), (bh.tensor(1),)):
        with pytest.raises(ValueError):
            TensorDataset(*tensors)
    recorded = TensorDataset(bh.ones(2, 2, requires_grad=True))
    assert next(iter(DataLoader(recorded, batch_size=2)))[0].requires_grad


# Batches of anything.


def test_default_collate():
    Point = namedtuple("Point", "x y")
    batch = default_collate(
        [
            {"a": 1, "b": 2.5, "c": np.float32([1, 2]), "d": "text", "e": Point(True, (np.int32(3), [4, 5]))},
            {"a": 2, "b": 3.5, "c": np.float32([3, 4]), "d": "more", "e": Point(False, (np.int32(6), [7, 8]))},
        ]
    )
    assert batch["a"].dtype is bh.int64 and batch["a"].tolist() == [1, 2]
    assert batch["b"].dtype is bh.float64 and batch["b"].tolist() == [2.5, 3.5]
    assert batch["c"].dtype is bh.float32 and batch["c"].tolist() == [[1, 2], [3, 4]]
    assert batch["d"] == ["text", "more"]
    assert isinstance(batch["e"], Point) and batch["e"].x.tolist() == [1, 0]
    assert batch["e"].y[0].dtype is bh.int32
    assert [x.tolist() for x in batch["e"].y[1]] == [[4, 7], [5, 8]]
    with pytest.raises(TypeError, match="collate_fn"):
        default_collate([object()])
    with pytest.raises(ValueError, match="parts"):
        default_collate([(1, 2), (1,)])
    with pytest.raises(ValueError):
        default_collate([bh.zeros(2), bh.zeros(3)])


# Images.


@pytest.fixture(scope="module")
def clothes():
    return datasets.embedded(train=False)


def test_images_come_as_bytes_and_leave_as_reals(clothes):
    assert len(clothes) == 1000 and len(clothes.classes) == 10
    image, label = clothes[0]
    assert image.dtype is bh.uint8 and tuple(image.shape) == (1, 28, 28) and isinstance(label, int)
    assert clothes.class_to_idx[clothes.classes[label]] == label
    assert_array_equal(image.numpy(), clothes.images.numpy()[0])
    pixels = clothes.images.numpy().astype(np.float32) / np.float32(255)
    scaled = datasets.embedded(train=False, transform=transforms.ToTensor())
    assert_array_equal(scaled[-1][0].numpy(), pixels[-1])
    with pytest.raises(IndexError):
        clothes[1000]

    normal = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.25,), (0.5,))])
    normalized = datasets.embedded(train=False, transform=normal)
    expected = (pixels - np.float32(0.25)) / np.float32(0.5)
    whole, labels = next(iter(DataLoader(normalized, batch_size=1000)))
    assert_array_equal(whole.numpy(), expected)
    assert_array_equal(labels.numpy(), clothes.targets.numpy())
    assert_array_equal(normalized[3][0].numpy(), expected[3])
    # A transform that only Python knows takes the long way to the same batches.
    slow = transforms.Compose([normal, transforms.Lambda(lambda x: x)])
    for workers in (0, 2):
        by_hand = datasets.embedded(train=False, transform=slow)
        batch = next(iter(DataLoader(by_hand, batch_size=64, num_workers=workers)))
        assert_array_equal(batch[0].numpy(), expected[:64])


def test_labels_can_be_transformed():
    dataset = datasets.embedded(train=False, target_transform=lambda label: label % 2)
    labels = next(iter(DataLoader(dataset, batch_size=1000)))[1].numpy()
    assert_array_equal(labels, dataset.targets.numpy() % 2)


def shifts_and_flips(image, padding):
    """Everything that a crop and a flip can make of an image."""
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    n = image.shape[1]
    for top in range(2 * padding + 1):
        for left in range(2 * padding + 1):
            view = padded[:, top : top + n, left : left + n]
            yield view.tobytes()
            yield view[:, :, ::-1].tobytes()


@pytest.mark.parametrize("extra", [[], [transforms.Lambda(lambda x: x)]], ids=["library", "python"])
def test_augmentation_draws_from_all_crops_and_flips(extra, clothes):
    augment = [transforms.RandomCrop(28, padding=1), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    dataset = datasets.embedded(train=False, transform=transforms.Compose(augment + extra))
    one = Subset(dataset, [17] * 400)
    image = clothes[17][0].numpy().astype(np.float32) / np.float32(255)
    possible = set(shifts_and_flips(image, 1))
    loader = DataLoader(one, batch_size=400, generator=generator(0))
    first, second = next(iter(loader))[0].numpy(), next(iter(loader))[0].numpy()
    assert {x.tobytes() for x in first} == possible
    assert not np.array_equal(first, second)
    again = DataLoader(one, batch_size=400, num_workers=2, generator=generator(0))
    assert_array_equal(next(iter(again))[0].numpy(), first)


def test_transforms_one_by_one(clothes):
    image = clothes[0][0]
    assert_array_equal(transforms.RandomHorizontalFlip(1.0)(image).numpy(), image.numpy()[:, :, ::-1])
    assert transforms.RandomHorizontalFlip(0.0)(image) is image
    assert tuple(transforms.RandomCrop((20, 10))(image).shape) == (1, 20, 10)
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert_allclose(transforms.ToTensor()(picture).numpy(), picture.transpose(2, 0, 1) / 255, rtol=1e-6)
    reals = transforms.ToTensor()(picture)
    normalized = transforms.Normalize((0.1, 0.2, 0.3), (1.0, 2.0, 4.0))(reals).numpy()
    expected = (reals.numpy() - np.float32([0.1, 0.2, 0.3])[:, None, None]) / np.float32([1, 2, 4])[:, None, None]
    assert_array_equal(normalized, expected)
    for wrong in (
        lambda: transforms.Normalize((0.0,), (0.0,)),
        lambda: transforms.RandomCrop(0),
        lambda: transforms.RandomHorizontalFlip(2),
        lambda: transforms.RandomCrop(40)(image),
        lambda: transforms.Normalize((0.0, 0.0), (1.0, 1.0))(reals),
    ):
        with pytest.raises(ValueError):
            wrong()
    with pytest.raises(TypeError, match="ToTensor"):
        transforms.Normalize((0.0,), (1.0,))(image)


def test_missing_files_are_said_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("BAREHAND_DATA", raising=False)
    with pytest.raises(OSError, match="dataset-fashion-mnist"):
        datasets.FashionMNIST(tmp_path)
    for kind in (datasets.MNIST, datasets.CIFAR10):
        with pytest.raises(OSError, match="expected"):
            kind(tmp_path)
        with pytest.raises(OSError, match="downloads nothing"):
            kind(tmp_path, download=True)


def write_idx(path, array):
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def test_idx_files_are_found_where_torchvision_has_them(tmp_path, monkeypatch):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    for part in ("train", "t10k"):
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.arange(5, dtype=np.uint8))
    digits = datasets.MNIST(tmp_path, train=False)
    assert_array_equal(digits.data.numpy(), images)
    assert digits.targets.tolist() == [0, 1, 2, 3, 4]
    monkeypatch.setenv("BAREHAND_DATA", str(tmp_path))
    assert len(datasets.MNIST()) == 5
    assert len(datasets.MNIST(tmp_path / "elsewhere", download=True)) == 5


def write_png(path, rgb):
    height, width, _ = rgb.shape
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def test_folders_of_pictures(tmp_path):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
    for name, picture in zip(["cat/b.png", "cat/a.PNG", "dog/c.png", "dog/d.png"], pictures, strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_png(tmp_path / name, picture)
    (tmp_path / "cat" / "notes.txt").write_text("not a picture")
    folder = datasets.ImageFolder(tmp_path, transform=transforms.ToTensor())
    assert folder.classes == ["cat", "dog"] and folder.targets == [0, 0, 1, 1]
    images, labels = next(iter(DataLoader(folder, batch_size=4, num_workers=2)))
    expected = pictures[[1, 0, 2, 3]].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    assert_array_equal(images.numpy(), expected)
    assert labels.tolist() == [0, 0, 1, 1]
    assert tuple(datasets.ImageFolder(tmp_path, mode="gray", size=(3, 2))[0][0].shape) == (1, 3, 2)
    (tmp_path / "dog" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.png"):
        list(datasets.ImageFolder(tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="empty"):
        datasets.ImageFolder(tmp_path)
