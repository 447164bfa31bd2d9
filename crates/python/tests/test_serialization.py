"""Files of tensors: what goes in comes out, by whoever wrote them, and nothing that could run code is read."""

import io
import json
import os
import pickle
import zipfile

import barehand as bh
import numpy as np
import pytest
from numpy.testing import assert_array_equal


def same(a, b):
    assert a.dtype is b.dtype
    assert tuple(a.shape) == tuple(b.shape)
    assert_array_equal(a.detach().numpy(), b.detach().numpy())


@pytest.fixture
def state():
    rng = np.random.default_rng(0)
    return {
        "fc.weight": bh.tensor(rng.normal(size=(3, 4)), dtype=bh.float32, requires_grad=True),
        "fc.bias": bh.from_numpy(rng.normal(size=3)),
        "steps": bh.tensor(7),
        "mask": bh.tensor([True, False]),
        "bytes": bh.tensor([1, 255], dtype=bh.uint8),
        "small": bh.tensor([[1], [-2]], dtype=bh.int32),
        "empty": bh.zeros(0, 3),
    }


def test_a_state_dict_comes_back(tmp_path, state):
    path = tmp_path / "model.safetensors"
    bh.save(state, path)
    loaded = bh.load(path)
    assert set(loaded) == set(state)
    for name, x in state.items():
        same(loaded[name], x)
    assert not loaded["fc.weight"].requires_grad


def test_files_are_those_of_the_safetensors_package(tmp_path, state):
    numpy_format = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "model.safetensors"
    bh.save(state, path, metadata={"author": "nobody"})
    theirs = numpy_format.load_file(path)
    assert {name: x.shape for name, x in theirs.items()} == {name: tuple(x.shape) for name, x in state.items()}
    for name, x in state.items():
        assert_array_equal(theirs[name], x.detach().numpy())
    assert bh.load_safetensors(path)[1] == {"author": "nobody"}

    arrays = {"a": np.arange(6, dtype=np.int64).reshape(2, 3), "b": np.float32([1.5])}
    other = tmp_path / "theirs.safetensors"
    numpy_format.save_file(arrays, other)
    for name, x in bh.load(other).items():
        assert_array_equal(x.numpy(), arrays[name])


def test_models_of_pytorch_load_by_name(tmp_path):
    torch = pytest.importorskip("torch")
    safetensors_torch = pytest.importorskip("safetensors.torch")
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    path = tmp_path / "torch.safetensors"
    safetensors_torch.save_file(model.state_dict(), path)
    loaded = bh.load(path)
    assert set(loaded) == set(model.state_dict())
    for name, x in model.state_dict().items():
        assert_array_equal(loaded[name].numpy(), x.numpy())


def test_checkpoints_keep_their_structure(tmp_path):
    weight = bh.tensor([1.0, 2.0])
    checkpoint = {
        "model": {"weight": weight, "tied": weight},
        "optimizer": {
            "state": {0: {"step": 3, "exp_avg": bh.tensor([0.5])}, 1: {}},
            "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1], "name": None, "fused": False}],
        },
        "best": float("inf"),
        "seed": 2**63 + 5,
        "array": np.arange(3),
        "number": np.float64(0.25),
    }
    path = tmp_path / "run.safetensors"
    bh.save(checkpoint, path)
    loaded = bh.load(path)
    assert loaded["model"]["weight"] is loaded["model"]["tied"]
    same(loaded["model"]["weight"], weight)
    same(loaded["optimizer"]["state"][0]["exp_avg"], bh.tensor([0.5]))
    assert loaded["optimizer"]["state"][0]["step"] == 3
    assert loaded["optimizer"]["state"][1] == {}
    assert loaded["optimizer"]["param_groups"] == checkpoint["optimizer"]["param_groups"]
    assert loaded["best"] == float("inf")
    assert loaded["seed"] == 2**63 + 5
    assert loaded["number"] == 0.25
    assert_array_equal(loaded["array"].numpy(), np.arange(3))
    # Any reader of the format sees the tensors under the names of their places.
    assert "optimizer.state.0.exp_avg" in bh.load_safetensors(path)[0]


def test_names_that_meet_are_kept_apart(tmp_path):
    path = tmp_path / "x.safetensors"
    bh.save({"a.b": bh.tensor(1), "a": {"b": bh.tensor(2)}, "none": None}, path)
    loaded = bh.load(path)
    assert (loaded["a.b"].item(), loaded["a"]["b"].item()) == (1, 2)


@pytest.mark.parametrize("obj", [{}, [], 5, "text", None, bh.tensor([1.0]), [bh.tensor(1), (bh.tensor(2), {})]])
def test_anything_simple_can_be_saved(tmp_path, obj):
    bh.save(obj, tmp_path / "x")
    loaded = bh.load(tmp_path / "x")
    assert repr(loaded) == repr(obj)


def test_open_files_work_too(state):
    file = io.BytesIO()
    bh.save(state, file)
    file.seek(0)
    same(bh.load(file)["fc.bias"], state["fc.bias"])


def test_npz_is_read(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, a=np.eye(2), b=np.arange(3))
    loaded = bh.load(path)
    assert_array_equal(loaded["a"].numpy(), np.eye(2))
    assert_array_equal(loaded["b"].numpy(), np.arange(3))
    with open(path, "rb") as file:
        assert set(bh.load(file)) == {"a", "b"}


def test_pickles_are_refused_unread(tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    old = tmp_path / "old.pt"
    old.write_bytes(pickle.dumps(Trap()))
    new = tmp_path / "new.pt"
    with zipfile.ZipFile(new, "w") as archive:
        archive.writestr("new/data.pkl", pickle.dumps(Trap()))
    for path in (old, new):
        with pytest.raises(ValueError, match=r"pickle.*safetensors"):
            bh.load(path)
        with open(path, "rb") as file, pytest.raises(ValueError, match="pickle"):
            bh.load(file)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(ValueError, match="weights_only"):
        bh.load(old, weights_only=False)


def test_what_pytorch_saves_is_refused_with_advice(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.zeros(2)}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match="save_file"):
        bh.load(tmp_path / "model.pt")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.safetensors"
    bh.save({"a": bh.tensor(1)}, path)
    before = path.read_bytes()
    with pytest.raises(TypeError, match=r"lock.*at lock"):
        bh.save({"a": bh.tensor(1), "lock": __import__("threading").Lock()}, path)
    with pytest.raises(OSError):
        bh.save({"__metadata__": bh.tensor(1)}, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.safetensors"]


def test_errors_name_the_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        bh.load(tmp_path / "missing")
    (tmp_path / "broken").write_bytes(b"nothing that anybody reads")
    with pytest.raises(ValueError, match="broken"):
        bh.load(tmp_path / "broken")
    np.save(tmp_path / "one.npy", np.eye(2))
    with pytest.raises(ValueError, match=r"numpy\.load"):
        bh.load(tmp_path / "one.npy")
    with pytest.raises(TypeError, match="state_dict"):

        class Model:
            def state_dict(self):
                return {}

        bh.save(Model(), tmp_path / "model")


def test_a_malformed_structure_is_an_error(tmp_path):
    path = tmp_path / "x.safetensors"
    for text in ["{", '{"tensor": "missing"}', '{"list": 3}', '{"what": 1}', "{}", '{"dict": [[[], 1]]}']:
        bh.save_safetensors({"a": bh.tensor(1)}, path, metadata={"barehand.structure": text})
        with pytest.raises(ValueError, match="structure"):
            bh.load(path)
    bh.save_safetensors({"a": bh.tensor(1)}, path, metadata={"barehand.structure": json.dumps({"tensor": "a"})})
    assert bh.load(path).item() == 1
