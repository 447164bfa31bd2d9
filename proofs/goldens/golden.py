"""The golden file: cases with their inputs, PyTorch's outputs and PyTorch's gradients, in one safetensors file.

A family of cases is written twice, `<family>.f64.safetensors` and `<family>.f32.safetensors`: the same cases, computed
in each precision. The file's metadata holds one key, `golden`, a JSON document:

    {"family": ..., "dtype": "f64", "script": ..., "versions": {...}, "about": ...,
     "cases": [{"name": "matmul.batched", "op": "matmul", "options": {...}, "seed": 1234,
                "inputs": ["a", "b"], "outputs": ["out"], "grads": ["a", "b"]}, ...]}

and its tensors are named `<case>/<input>`, `<case>/<output>`, and, where the case has gradients, `<case>/w.<output>`
and `<case>/grad.<input>`: the gradient of sum over the outputs of sum(output * w.output). Real tensors have the file's
dtype, indices are I64, masks BOOL.

Random inputs come from `numpy.random.RandomState(seed)`, NumPy's legacy MT19937 stream, as the script draws them, and
then one `randn` for every real output, its weights; f32 files hold the same draws rounded to nearest. The seed is the
CRC-32 of the case's name, so that adding a case changes no other. All inputs are stored: no reader has to draw.
"""

import json
import os
import platform
import sys
import zlib
from pathlib import Path

# Two threads that spin while they wait would fight every other process for the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import safetensors
import torch
from safetensors.numpy import save

ROOT = Path(__file__).resolve().parents[2]

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def versions():
    """What computed a golden: to be read before its last bits are argued about."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "safetensors": safetensors.__version__,
        "machine": platform.machine(),
        "simd": torch.backends.cpu.get_cpu_capability(),
    }


def directory(crate):
    """Where the tests of `crate` look for their goldens."""
    path = ROOT / "crates" / crate / "tests" / "goldens"
    path.mkdir(parents=True, exist_ok=True)
    return path


def write(path, data):
    """Replaces `path` by `data` in one step."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)
    print(f"{path.relative_to(ROOT)}: {len(data)} bytes")


def write_json(crate, name, document):
    """Writes a small golden as JSON, numbers in their shortest exact form."""
    document = {"script": script(), "versions": versions(), **document}
    write(directory(crate) / f"{name}.json", (json.dumps(document, indent=1) + "\n").encode())


def write_tensors(crate, name, tensors, document):
    """Writes arrays as safetensors with `document` as JSON under the metadata key `golden`."""
    document = {"script": script(), "versions": versions(), **document}
    arrays = {key: np.array(value, order="C") for key, value in tensors.items()}
    write(directory(crate) / f"{name}.safetensors", save(arrays, metadata={"golden": json.dumps(document)}))


def script():
    """The running script, relative to the repository."""
    return str(Path(sys.argv[0]).resolve().relative_to(ROOT))


def stream(name):
    """The seed and the random stream of the case or tensor called `name`."""
    seed = zlib.crc32(name.encode())
    return seed, np.random.RandomState(seed)


class Family:
    """A family of cases, each computed in both precisions."""

    def __init__(self, crate, name, about):
        self.crate, self.name, self.about = crate, name, about
        self.cases = {"f64": [], "f32": []}
        self.tensors = {"f64": {}, "f32": {}}

    def case(self, name, function, inputs, op=None, grads=None, **options):
        """Adds `function(*inputs, **options)`.

        `inputs` maps names to arrays, or is a function from a random stream to such a map. `grads` names the inputs to
        differentiate with respect to; by default all real ones. `op` is the part of the name before its first dot.
        """
        seed, random = stream(name)
        inputs = inputs(random) if callable(inputs) else inputs
        inputs = {key: np.asarray(value) for key, value in inputs.items()}
        real = [key for key, value in inputs.items() if value.dtype == np.float64]
        grads = real if grads is None else grads
        weights = {}
        for dtype, torch_dtype in (("f64", torch.float64), ("f32", torch.float32)):
            at = {}
            for key, value in inputs.items():
                value = torch.from_numpy(np.array(value))
                at[key] = value.to(torch_dtype) if key in real else value
                at[key].requires_grad_(key in grads)
            outputs = function(*at.values(), **options)
            if isinstance(outputs, torch.Tensor):
                outputs = {"out": outputs}
            tensors, objective = {key: value.detach() for key, value in at.items()}, 0
            for key, value in outputs.items():
                tensors[key] = value.detach()
                if value.requires_grad:
                    if key not in weights:
                        weights[key] = torch.from_numpy(np.array(random.randn(*value.shape)))
                    tensors[f"w.{key}"] = weights[key].to(torch_dtype)
                    objective = objective + (value * tensors[f"w.{key}"]).sum()
            differentiable = isinstance(objective, torch.Tensor)
            if differentiable:
                objective.backward()
                for key in grads:
                    tensors[f"grad.{key}"] = at[key].grad if at[key].grad is not None else torch.zeros_like(at[key])
            self.tensors[dtype].update({f"{name}/{key}": value.numpy() for key, value in tensors.items()})
            assert name not in [case["name"] for case in self.cases[dtype]], f"{name} is there twice"
            self.cases[dtype].append(
                {
                    "name": name,
                    "op": op or name.split(".")[0],
                    "options": options,
                    "seed": seed,
                    "inputs": list(inputs),
                    "outputs": list(outputs),
                    "grads": grads if differentiable else [],
                }
            )

    def write(self):
        """Writes the family's two files."""
        for dtype, cases in self.cases.items():
            document = {"family": self.name, "dtype": dtype, "about": self.about, "cases": cases}
            write_tensors(self.crate, f"{self.name}.{dtype}", self.tensors[dtype], document)
        print(f"  {len(cases)} cases")
