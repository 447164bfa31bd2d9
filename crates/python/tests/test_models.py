"""Whole models: their parts against PyTorch's stored answers, a GPT that learns a text, and files of the program."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import barehand as bh
import numpy as np
import pytest
from barehand import nn
from barehand.data import CharVocabulary, DataLoader, TokenWindows, read_text
from barehand.nn.models import CNN, GPT, MLP, Bert, mean_pooling
from barehand.nn.models.gpt import GPTBlock
from safetensors import safe_open

GOLDENS = Path(__file__).parents[2] / "nn" / "tests" / "goldens"

BOOK = (
    "The quick brown fox jumps over the lazy dog. Pack my box with five dozen liquor jugs. "
    "How vexingly quick daft zebras jump! Sphinx of black quartz, judge my vow. "
) * 12


def stored(case: str) -> dict[str, np.ndarray]:
    """What PyTorch was given and what it answered."""
    with safe_open(GOLDENS / "transformers.f64.safetensors", "numpy") as file:
        names = [name for name in file.keys() if name.startswith(f"{case}/")]  # noqa: SIM118
        return {name.removeprefix(f"{case}/"): file.get_tensor(name) for name in names}


BLOCKS: list[tuple[str, Callable[[], Any]]] = [
    ("gpt_block.causal", lambda: GPTBlock(4, 2, 0.0, True)),
    ("swiglu_feed_forward.plain", lambda: nn.SwiGLUFeedForward(4, 6)),
    ("bert_block.padding", lambda: Bert(9, 4, 1, 2, 6, 8, layer_norm_eps=1e-12, dropout=0.0).encoder),
]


@pytest.mark.skipif(not GOLDENS.exists(), reason="the answers are in the library's sources")
@pytest.mark.parametrize(("case", "make"), BLOCKS)
def test_blocks_are_pytorchs(case: str, make: Callable[[], Any]) -> None:
    given = stored(case)
    model = make().double()
    prefix = "layers.0." if case.startswith("bert") else ""
    model.load_state_dict({prefix + k[2:]: bh.tensor(v) for k, v in given.items() if k.startswith("p.")})
    x = bh.tensor(given["x"], requires_grad=True)
    mask = [bh.tensor(given["key_padding_mask"]) != 0] if "key_padding_mask" in given else []
    y = model(x.tanh(), *mask)
    (y * bh.tensor(given["w.out"])).sum().backward()

    def close(ours: bh.Tensor, theirs: np.ndarray) -> None:
        np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=1e-10, atol=1e-12)

    close(y, given["out"])
    close(x.grad, given["grad.x"])
    for name, parameter in model.named_parameters():
        close(parameter.grad, given[f"grad.p.{name.removeprefix(prefix)}"])


def test_a_gpt_learns_a_text_and_writes_on(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text(BOOK)
    book = read_text(path)
    characters = CharVocabulary(book)
    windows = TokenWindows(characters.encode(book), 16, samples=12 * 60)
    bh.manual_seed(1)
    gpt = GPT(len(characters), block_size=16, n_layer=2, n_head=2, n_embd=32)
    optimizer = bh.optim.AdamW(gpt.parameters(), lr=1e-2)
    losses = []
    for inputs, targets in DataLoader(windows, batch_size=12):
        optimizer.zero_grad()
        loss = gpt.loss(inputs, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(gpt.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    assert abs(losses[0] - np.log(len(characters))) < 0.5, "it begins by guessing"
    assert np.mean(losses[-10:]) < 0.5 * losses[0], losses
    gpt.eval()
    written = characters.decode(gpt.generate(characters.encode("The quick").unsqueeze(0), 20)[0])
    assert written.startswith("The quick") and len(written) == 29
    # Far past the block size, by chance, and the same for the same seed.
    drawn = [
        gpt.generate(characters.encode("How ").unsqueeze(0), 30, 0.8, bh.Generator().manual_seed(7)) for _ in range(2)
    ]
    assert bh.equal(*drawn) and drawn[0].shape == (1, 34)
    # The weights go through a file, both names of the shared one.
    bh.save_safetensors(gpt.state_dict(), tmp_path / "gpt.safetensors")
    again = GPT(len(characters), block_size=16, n_layer=2, n_head=2, n_embd=32).eval()
    again.load_state_dict(bh.load_safetensors(tmp_path / "gpt.safetensors")[0])
    ids = characters.encode("Sphinx").unsqueeze(0)
    assert bh.equal(again(ids), gpt(ids))
    assert again.lm_head.weight is again.transformer.wte.weight


def test_a_cache_gives_the_logits_of_the_whole() -> None:
    bh.manual_seed(0)
    gpt = GPT(11, block_size=8, n_layer=2, n_head=2, n_embd=8).double().eval()
    ids = bh.randint(0, 11, (3, 8))
    whole = gpt(ids).detach()
    caches = gpt.make_cache()
    for start, end in ((0, 3), (3, 4), (4, 7), (7, 8)):
        logits = gpt.forward_cached(ids[:, start:end], caches)
        assert float((logits - whole[:, end - 1]).abs().max()) < 1e-12
    with pytest.raises(ValueError, match="1 caches for 2 blocks"):
        gpt.forward_cached(ids, caches[:1])
    # Greedy, with a cache and past the block size, token by token.
    longer = gpt.generate(ids[:, :6], 5)
    assert bh.equal(longer[:, :6], ids[:, :6])
    for length in range(6, 11):
        seen = longer[:, max(0, length - 8) : length]
        assert bh.equal(gpt(seen)[:, -1].argmax(-1), longer[:, length])


def test_a_gpt_has_nanogpts_names_and_refuses_what_does_not_fit() -> None:
    gpt = GPT(5, block_size=4, n_layer=1, n_head=1, n_embd=2)
    block = ["ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"]
    names = ["wte.weight", "wpe.weight"]
    names += [f"h.0.{part}.{kind}" for part in block for kind in ("weight", "bias")] + ["ln_f.weight", "ln_f.bias"]
    assert sorted(gpt.state_dict()) == sorted([f"transformer.{name}" for name in names] + ["lm_head.weight"])
    assert GPT(5, 4, 1, 1, 2, bias=False).transformer.h[0].attn.c_attn.bias is None
    assert GPT(5, 4, 0, 1, 2, tied=False)(bh.tensor([[1]])).shape == (1, 1, 5)
    with pytest.raises(ValueError, match="the heads must divide the width"):
        GPT(5, n_head=3, n_embd=8)
    with pytest.raises(ValueError, match="up to position 4"):
        gpt(bh.zeros(1, 5, dtype=bh.int64))
    for temperature in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="a positive number expected"):
            gpt.generate(bh.tensor([[1]]), 1, temperature)
    with pytest.raises(ValueError, match="L > 0 expected"):
        gpt.generate(bh.zeros(1, 0, dtype=bh.int64), 1)


def test_dropout_of_models_is_for_training() -> None:
    bh.manual_seed(3)
    gpt = GPT(5, 4, 1, 2, 8, dropout=0.5)
    ids = bh.tensor([[1, 2, 3]])
    assert not bh.equal(gpt(ids), gpt(ids))
    gpt.eval()
    assert bh.equal(gpt(ids), gpt(ids))
    mlp, x = MLP([4, 32, 2], dropout=0.5), bh.ones(3, 4)
    assert not bh.equal(mlp(x), mlp(x))
    mlp.eval()
    assert bh.equal(mlp(x), mlp(x))


def test_a_bert_encodes_sentences_and_their_padding_changes_nothing() -> None:
    bh.manual_seed(4)
    bert = Bert(20, 8, 2, 2, 16, 6).double().eval()
    ids = bh.tensor([[3, 4, 5, 0, 0]])
    real = ids != 0
    padded = bert(ids, real)
    alone = bert(ids[:, :3])
    assert float((padded[:, :3] - alone).abs().max()) < 1e-12
    assert float((bert(ids, real.long()) - padded).abs().max()) == 0.0
    assert float((mean_pooling(padded, real) - alone.mean(1)).abs().max()) < 1e-12
    assert mean_pooling(padded, bh.zeros(1, 5)).abs().max().item() == 0.0
    other = bert(ids, real, bh.ones(1, 5, dtype=bh.int64))
    assert float((other - padded).abs().max()) > 1e-3, "the second segment is another one"
    with pytest.raises(ValueError, match="up to position 6"):
        bert(bh.zeros(1, 7, dtype=bh.int64))
    with pytest.raises(ValueError, match="no size may be 0"):
        Bert(0)


def test_a_checkpoint_of_hugging_face_is_taken_over() -> None:
    bert = Bert(7, 4, 1, 2, 6, 5).eval()
    state = {name: bh.randn(*value.shape) for name, value in bert.state_dict().items()}
    theirs: dict[str, bh.Tensor] = {"pooler.dense.weight": bh.zeros(4, 4)}
    for name, value in state.items():
        name = name.replace("layer_norm", "LayerNorm").replace("encoder.layers", "encoder.layer")
        if "in_proj" in name:
            kind = name.rpartition("_")[2]
            for part, rows in zip(("query", "key", "value"), value.chunk(3), strict=True):
                theirs[f"bert.encoder.layer.0.attention.self.{part}.{kind}"] = rows
            continue
        for ours, there in (
            ("self_attn.out_proj", "attention.output.dense"),
            ("norm1", "attention.output.LayerNorm"),
            ("linear1", "intermediate.dense"),
            ("linear2", "output.dense"),
            ("norm2", "output.LayerNorm"),
        ):
            name = name.replace(ours, there)
        theirs[f"bert.{name}"] = value
    bert.load_hugging_face(theirs)
    assert all(bh.equal(value, state[name]) for name, value in bert.state_dict().items())
    del theirs["bert.encoder.layer.0.output.dense.bias"]
    with pytest.raises(KeyError, match=r"encoder\.layer\.0\.output\.dense\.bias is missing"):
        bert.load_hugging_face(theirs)


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_what_the_program_trained_is_read(kind: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = f"train --model {kind} --hidden 16,8 --channels 4 --epochs 1 --quiet --json --out {run}"
    ran = subprocess.run(
        [sys.executable, "-m", "barehand", *words.split()], check=True, capture_output=True, timeout=300
    )
    tensors, about = bh.load_safetensors(run / "model.safetensors")
    model = MLP([784, 16, 8, 10]) if kind == "mlp" else CNN(1, (28, 28), 10, convolutions=[4], hidden=[16, 8])
    assert sorted(model.state_dict()) == sorted(tensors)
    model.load_state_dict(tensors)
    (mean,), (std,) = (json.loads(about["architecture"])[name] for name in ("mean", "std"))
    test = bh.data.datasets.embedded(train=False)
    guesses = model.eval()((test.images.float() / 255 - mean) / std).argmax(-1)
    accuracy = (guesses == test.targets).float().mean().item()
    assert abs(accuracy - json.loads(ran.stdout)["accuracy"]) <= 1 / len(test.targets)


def test_models_refuse_sizes_that_make_none() -> None:
    with pytest.raises(ValueError, match="the input and the output at least"):
        MLP([3])
    with pytest.raises(ValueError, match="images must have 6 x 6 pixels at least"):
        CNN(1, (5, 8), 3)
    with pytest.raises(ValueError, match="no number may be 0"):
        CNN(1, (8, 8), 3, hidden=[0])
