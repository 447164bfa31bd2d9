"""Selecting, scattering, joining and reshaping: values and gradients, with repeated indices."""

import numpy as np
import torch
import torch.nn.functional as F
from golden import Family


def draws(*shape):
    return lambda random: {"x": np.array(random.randn(*shape))}


def gathering(random):
    return {"x": random.randn(4, 5), "index": random.randint(0, 4, (3, 5))}


def scattering(random):
    # No index is repeated within a column: which of two writes wins would be undefined.
    index = np.stack([random.permutation(4)[:3] for _ in range(5)], axis=1)
    return {"x": random.randn(4, 5), "index": index, "source": random.randn(3, 5)}


def adding(random):
    return {"x": random.randn(4, 5), "index": random.randint(0, 4, (6, 5)), "source": random.randn(6, 5)}


def rows(random):
    return {"x": random.randn(4, 5), "index": np.array([2, 0, 2, 3, 2, 1]), "source": random.randn(6, 5)}


def pair(random):
    return {"a": random.randn(2, 3, 4), "b": random.randn(2, 3, 4)}


def uneven(random):
    return {"a": random.randn(2, 3), "b": random.randn(2, 1), "c": random.randn(2, 4)}


def masked(random):
    return {"x": random.randn(4, 5), "mask": random.randint(0, 2, (4, 5)).astype(bool)}


def pieces(tensors):
    return {f"out{i}": tensor for i, tensor in enumerate(tensors)}


def gather(x, index, dim):
    return torch.gather(x, dim, index)


def scatter(x, index, source, dim):
    return torch.scatter(x, dim, index, source)


def scatter_add(x, index, source, dim):
    return torch.scatter_add(x, dim, index, source)


def index_select(x, index, dim):
    return torch.index_select(x, dim, index)


def index_add(x, index, source, dim):
    return torch.index_add(x, dim, index, source)


def cat(*tensors, dim):
    return torch.cat(tensors, dim)


def stack(*tensors, dim):
    return torch.stack(tensors, dim)


def slice_(x, dim, start, end, step):
    # Along one dimension, as x[start:end:step] cuts.
    return x[(slice(None),) * dim + (slice(start, end, step),)]


def transpose_reshape(x, shape):
    # Transposed first, so that the elements must be copied.
    return x.transpose(0, 1).reshape(shape)


def masked_fill(x, mask, value):
    return x.masked_fill(mask, float(value))


def split(x, sizes, dim):
    return pieces(torch.split(x, sizes, dim))


def chunk(x, chunks, dim):
    return pieces(torch.chunk(x, chunks, dim))


def pad(x, pad, mode, value=None):
    return F.pad(x, pad, mode, value)


def method(name):
    """The tensor method called `name`; its options are positional, in the order given."""
    return lambda x, **options: getattr(x, name)(*options.values())


def main():
    family = Family("tensor", "indexing", __doc__)

    family.case("gather.d0", gather, gathering, dim=0)
    family.case("gather.d1", gather, lambda r: {"x": r.randn(4, 5), "index": r.randint(0, 5, (4, 7))}, dim=1)
    family.case("gather.3d", gather, lambda r: {"x": r.randn(2, 3, 4), "index": r.randint(0, 3, (2, 5, 3))}, dim=1)
    family.case("scatter.d0", scatter, scattering, dim=0)
    family.case("scatter_add.d0", scatter_add, adding, dim=0)
    for dim in [0, 1, -1]:
        draw = lambda r: {"x": r.randn(3, 4, 3), "index": np.array([2, 0, 2, 1])}
        family.case(f"index_select.d{dim}", index_select, draw, dim=dim)
    family.case("index_select.none", index_select, lambda r: {"x": r.randn(3, 4), "index": np.zeros(0, int)}, dim=0)
    family.case("index_add", index_add, rows, dim=0)
    family.case("masked_fill", masked_fill, masked, value="-inf")
    family.case("masked_select", torch.masked_select, masked)
    family.case("embedding", F.embedding, lambda r: {"index": r.randint(0, 6, (2, 5)), "weight": r.randn(6, 3)})
    padding = {"index": np.array([[1, 0, 3], [3, 3, 0]]), "weight": np.arange(12.0).reshape(4, 3)}
    family.case("embedding.padding", F.embedding, padding, padding_idx=0)
    family.case("one_hot", F.one_hot, {"index": np.array([[0, 2], [3, 1]])}, num_classes=4)

    for dim in [0, 1, 2, -1]:
        family.case(f"cat.d{dim}", cat, pair, dim=dim)
        family.case(f"stack.d{dim}", stack, pair, dim=dim)
    family.case("cat.uneven", cat, uneven, dim=1)
    family.case("cat.same", lambda x, dim: torch.cat([x, x], dim), draws(2, 3), op="cat_self", dim=0)
    family.case("split", split, draws(3, 7), sizes=[2, 4, 1], dim=1)
    family.case("chunk", chunk, draws(3, 7), chunks=3, dim=1)

    family.case("narrow", torch.narrow, draws(4, 6), dim=1, start=2, length=3)
    for name, options in {"step": (0, 1, 6, 2), "open": (1, 2, 7, 1), "empty": (1, 3, 3, 1), "negative": (0, -3, -1, 1)}.items():
        family.case(f"slice.{name}", slice_, draws(6, 7), **dict(zip(("dim", "start", "end", "step"), options)))
    family.case("select", torch.select, draws(3, 4, 5), dim=1, index=2)
    family.case("flip", torch.flip, draws(3, 4, 2), dims=[0, 2])
    family.case("roll", torch.roll, draws(3, 4), shifts=[1, -2], dims=[0, 1])
    family.case("permute", torch.permute, draws(2, 3, 4), dims=[2, 0, 1])
    family.case("transpose", torch.transpose, draws(2, 3, 4), dim0=0, dim1=2)
    family.case("reshape", torch.reshape, draws(2, 3, 4), shape=[4, -1])
    family.case("transpose_reshape", transpose_reshape, draws(4, 6), shape=[3, 8])
    family.case("flatten", torch.flatten, draws(2, 3, 4, 5), start_dim=1, end_dim=2)
    family.case("squeeze", torch.squeeze, draws(3, 1, 4), dim=1)
    family.case("unsqueeze", torch.unsqueeze, draws(3, 4), dim=-1)
    family.case("expand", method("expand"), draws(3, 1, 4), size=[2, 3, 5, 4])
    family.case("repeat", method("repeat"), draws(2, 3), repeats=[2, 1, 3])
    family.case("tile", torch.tile, draws(2, 3), dims=[2])
    family.case("repeat_interleave", method("repeat_interleave"), draws(3, 4), repeats=2, dim=1)
    for diagonal in [-1, 0, 2]:
        family.case(f"tril.{diagonal}", torch.tril, draws(2, 4, 5), diagonal=diagonal)
        family.case(f"triu.{diagonal}", torch.triu, draws(2, 4, 5), diagonal=diagonal)
        family.case(f"diagonal.{diagonal}", torch.diagonal, draws(4, 5), offset=diagonal, dim1=0, dim2=1)
    family.case("diag", torch.diag, draws(4), diagonal=0)
    family.case("pad.constant", pad, draws(2, 3, 4), pad=[1, 2, 0, 3], mode="constant", value=0.5)
    family.case("pad.crop", pad, draws(3, 5), pad=[-1, 2], mode="constant", value=0.0)
    family.case("pad.reflect", pad, draws(1, 2, 4, 5), pad=[2, 1, 1, 2], mode="reflect")
    family.case("pad.replicate", pad, draws(1, 2, 3, 4), pad=[2, 1, 1, 2], mode="replicate")
    family.case("unfold", F.unfold, draws(2, 3, 5, 6), kernel_size=[2, 3], dilation=1, padding=[1, 0], stride=[2, 1])
    fold = {"output_size": [4, 5], "kernel_size": [2, 3], "dilation": 1, "padding": 0, "stride": 1}
    family.case("fold", F.fold, draws(2, 12, 9), **fold)
    family.write()


if __name__ == "__main__":
    main()
