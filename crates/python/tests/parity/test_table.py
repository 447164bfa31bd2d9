"""The table is whole: whatever barehand has under a name of PyTorch's is called by some row."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from parity import sample
from parity.closeness import differences
from parity.rows import Operator
from parity.table import ROWS

PATHS = {row.path for row in ROWS.values()}

# Names that compute nothing of their own, or nothing that could be the same; other tests have them.
ELSEWHERE = {
    "": """
        tensor as_tensor asarray from_numpy from_dlpack is_tensor numel equal empty empty_like rand_like randn_like
        bernoulli manual_seed seed initial_seed get_rng_state set_rng_state get_default_dtype set_default_dtype
        get_num_threads set_num_threads get_isa memory_held memory_trim set_printoptions is_grad_enabled set_grad_enabled check_gradients promote_types
        result_type is_floating_point save load save_safetensors load_safetensors read_image progress
    """,
    "nn": """
        Module Parameter ModuleList ModuleDict ParameterList Conv1D Lora RNNBase RNNCellBase
        SwiGLU GEGLU ReGLU ErfSigmoid Gudermannian AlgebraicSigmoid ArctangentSigmoid HingeLoss KLDivergence
        PairwiseMarginLoss BPRLoss ContrastiveLoss FocalLoss InfoNCELoss NTXentLoss ProbabilityCrossEntropyLoss
        Attention SharedHeadAttention KVCache FeedForward SwiGLUFeedForward LearnedPositions SinusoidalPositions
    """,
    "nn.functional": "flatten rope packed_attention sinusoidal_encoding",
    "nn.utils": "vector_to_parameters get_total_norm",
    "nn.utils.rnn": "PackedSequence Tensor tensor",
    "optim": "Optimizer",
    "optim.lr_scheduler": "LRScheduler Optimizer",
}


def public(module: ModuleType, prefix: str) -> set[str]:
    """The names of functions and, below the top, of classes, but for those of Python's own."""

    def counts(value: object) -> bool:
        home = getattr(value, "__module__", None) or ""
        python = home.split(".")[0].lstrip("_") in ("typing", "collections", "bisect")
        return not python and (inspect.isroutine(value) or (bool(prefix) and inspect.isclass(value)))

    return {name for name, value in vars(module).items() if not name.startswith("_") and counts(value)}


@pytest.mark.parametrize("prefix", ELSEWHERE)
def test_every_name_has_a_row(prefix: str, library: ModuleType) -> None:
    """A new function, layer, loss, optimizer or schedule wants its line in the table."""
    module = library
    for part in filter(None, prefix.split(".")):
        module = getattr(module, part)
    rows = {path.removeprefix(f"{prefix}.") for path in PATHS if path.rpartition(".")[0] == prefix}
    rows |= {path.removeprefix("Tensor.") for path in PATHS} if not prefix else set()
    # A second name of what a row calls needs no second row.
    called = [getattr(module, name) for name in rows if hasattr(module, name)]
    names = public(module, prefix) - set(ELSEWHERE[prefix].split())
    missing = {name for name in names if getattr(module, name) not in called}
    assert not missing, f"no row in the table: {', '.join(sorted(missing))}"


def test_methods_are_the_functions(library: ModuleType) -> None:
    """`x.sum()` is `sum(x)`: for every row whose name is a method of tensors as well, on its stored cases."""
    wrong = []
    for answer in sample.read():
        row = ROWS[answer.case.row]
        name = row.path
        if "." in name or not isinstance(row, Operator) or row.custom or not hasattr(library.Tensor, name):
            continue
        if name == "where":  # its condition comes before the tensor in the function, behind it in the method
            continue
        method = Operator(
            row.name, *row.arguments, call=lambda lib, x, *rest, name=name, **o: getattr(x, name)(*rest, **o)
        )
        try:
            lines = differences(method.run(library, answer.case, "float64"), answer.results)
        except TypeError as error:
            lines = [str(error)]
        wrong += [f"{row.name}: {line}" for line in lines]
    assert not wrong, "\n".join(wrong)
