"""Saving and loading tensors: safetensors files, which cannot hold code.

`save` takes what PyTorch programs save: a state dict, or a checkpoint of nested dicts, lists, numbers and text around
tensors. A plain state dict becomes a plain safetensors file that any reader of the format takes; of anything nested the
structure stands in the file's metadata, and the tensors are named by their place in it.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np

from barehand import _barehand
from barehand._barehand import Tensor

__all__ = ["load", "load_safetensors", "save", "save_safetensors"]

Path = str | os.PathLike[str]

# The key of the metadata under which the structure of anything but a plain state dict stands, as JSON: a tensor is
# {"tensor": name}, a container {"dict": [[key, value], ...]}, {"list": [...]} or {"tuple": [...]}, all else itself.
_STRUCTURE = "barehand.structure"


def save(obj: Any, f: Path | IO[bytes], *, metadata: Mapping[str, str] | None = None) -> None:
    """Writes `obj` as a safetensors file, whole or not at all: under another name first, synced, then renamed.

    `obj` is a state dict (names to tensors), or dicts, lists and tuples of tensors, NumPy arrays, numbers, text,
    booleans and None, however deep. `f` is a path or a file open for writing bytes. `metadata` is text to keep beside.

    >>> model = barehand.nn.Linear(2, 1)
    >>> optimizer = barehand.optim.SGD(model.parameters(), lr=0.1)
    >>> barehand.save(model.state_dict(), "model.safetensors")
    >>> barehand.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, "run.safetensors")
    """
    text = dict(metadata or {})
    if _is_plain(obj):
        tensors = dict(obj)
    else:
        tensors = {}
        text[_STRUCTURE] = json.dumps(_describe(obj, "", tensors, {}))
    if hasattr(f, "write"):
        f.write(_barehand._safetensors_to_bytes(tensors, text))
    else:
        _barehand._write_safetensors(tensors, os.fspath(f), text)


def load(f: Path | IO[bytes], map_location: Any = None, *, weights_only: bool = True) -> Any:
    """What `save` wrote; of another program's safetensors file or NumPy's `.npz` a dict of names to tensors.

    The content decides what a file is, not its name. Pickles (PyTorch's `.pt`) are refused, since reading one can run
    code: save the state dict as safetensors there. `map_location` may say "cpu", where all tensors are.

    >>> barehand.save({"weight": barehand.ones(2)}, "model.safetensors")
    >>> barehand.load("model.safetensors")
    {'weight': tensor([1., 1.])}
    """
    if map_location is not None:
        _barehand.device(map_location)
    if not weights_only:
        raise ValueError("load: weights_only=False would unpickle, which barehand never does")
    if hasattr(f, "read"):
        content = f.read()
        name = str(getattr(f, "name", "the file"))
        _refuse_pickle(name, content[:16], lambda: io.BytesIO(content))
        if content[:2] == b"PK":
            return _barehand._npz_from_bytes(name, content)
        return _rebuilt(name, *_barehand._safetensors_from_bytes(name, content))
    path = os.fspath(f)
    start = b""
    if os.path.isfile(path):
        with open(path, "rb") as file:
            start = file.read(16)
    _refuse_pickle(path, start, lambda: path)
    if start[:2] == b"PK" and start[8:9] != b"{":
        return _barehand._read_npz(path)
    return _rebuilt(path, *_barehand._read_safetensors(path))


def save_safetensors(tensors: Mapping[str, Tensor], path: Path, *, metadata: Mapping[str, str] | None = None) -> None:
    """Writes named tensors, whole or not at all."""
    _barehand._write_safetensors(dict(tensors), os.fspath(path), dict(metadata or {}))


def load_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file by name, and its metadata."""
    tensors, metadata = _barehand._read_safetensors(os.fspath(path))
    return tensors, metadata


def _is_plain(obj: Any) -> bool:
    return (
        isinstance(obj, Mapping)
        and bool(obj)
        and all(isinstance(name, str) and isinstance(x, Tensor) for name, x in obj.items())
    )


def _describe(obj: Any, place: str, tensors: dict[str, Tensor], names: dict[int, str]) -> Any:
    """`obj` as JSON, with its tensors put into `tensors`; the same tensor met again gets the name it has."""
    if isinstance(obj, np.ndarray):
        obj = _barehand.from_numpy(obj)
    if isinstance(obj, Tensor):
        if id(obj) not in names:
            name, stem, count = place or "tensor", place or "tensor", 1
            while name in tensors:
                count += 1
                name = f"{stem}~{count}"
            names[id(obj)] = name
            tensors[name] = obj
        return {"tensor": names[id(obj)]}
    if isinstance(obj, np.generic):
        obj = obj.item()
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj

    def inside(key: object) -> str:
        return f"{place}.{key}" if place else str(key)

    if isinstance(obj, Mapping):
        for key in obj:
            if not (key is None or isinstance(key, (bool, int, float, str))):
                raise TypeError(f"save: {place or 'the dict'} has the key {key!r}, expected text or a number")
        return {"dict": [[key, _describe(value, inside(key), tensors, names)] for key, value in obj.items()]}
    if isinstance(obj, Sequence) and not isinstance(obj, (bytes, bytearray)):
        kind = "tuple" if isinstance(obj, tuple) else "list"
        return {kind: [_describe(value, inside(i), tensors, names) for i, value in enumerate(obj)]}
    hint = "; save its state_dict()" if hasattr(obj, "state_dict") else ""
    at = f" at {place}" if place else ""
    raise TypeError(
        f"save: cannot write {type(obj).__name__}{at}: expected tensors, arrays, numbers, text, or dicts and "
        f"lists of them{hint}"
    )


def _rebuilt(name: str, tensors: dict[str, Tensor], metadata: dict[str, str]) -> Any:
    text = metadata.get(_STRUCTURE)
    if text is None:
        return tensors

    def build(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        ((kind, value),) = node.items()
        if kind == "tensor":
            return tensors[value]
        if kind == "dict":
            return {key: build(inner) for key, inner in value}
        if kind == "list":
            return [build(inner) for inner in value]
        if kind == "tuple":
            return tuple(build(inner) for inner in value)
        raise KeyError(kind)

    try:
        return build(json.loads(text))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{name}: the structure in its metadata is malformed ({error!r})") from error


def _refuse_pickle(name: str, start: bytes, opened: Any) -> None:
    """Refuses pickles, as they are and in PyTorch's zip archives; anything else is for the readers to judge."""
    if start[8:9] == b"{":
        return  # Safetensors: a length of 8 bytes, then JSON.
    pickled = start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05"
    if start[:4] == b"PK\x03\x04":
        import zipfile

        try:
            with zipfile.ZipFile(opened()) as archive:
                pickled = any(member.split("/")[-1] == "data.pkl" for member in archive.namelist())
        except zipfile.BadZipFile:
            return
    if pickled:
        raise ValueError(
            f"{name} holds a pickle, which can run any code when it is read, so barehand does not. Save the weights "
            "with PyTorch as safetensors: safetensors.torch.save_file(torch.load(path, weights_only=True), "
            "'model.safetensors')"
        )
    if start[:6] == b"\x93NUMPY":
        raise ValueError(f"{name} is one NumPy array: use barehand.from_numpy(numpy.load(path))")
