"""Recurrent layers and cells: outputs, final states, and the gradients of input, initial states and every parameter.

Lengths, where a case has them, are those of a batch that is packed, run through the layer, and padded again; the gradient
is that of the padded batch. Dropout between layers is no golden, its numbers being each library's own.
"""

import numpy as np
import torch
from golden import Family

STEPS, BATCH, INPUTS, HIDDEN = 4, 3, 3, 2
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}

LAYERS = {
    "one": {},
    "no_bias": {"bias": False},
    "stacked": {"num_layers": 3},
    "bidirectional": {"bidirectional": True},
    "both": {"num_layers": 2, "bidirectional": True},
    "batch_first": {"batch_first": True},
    "state": {"num_layers": 2, "state": True},
    "lengths": {"lengths": [2, 4, 1]},
    "lengths.both": {"lengths": [1, 4, 3], "num_layers": 2, "bidirectional": True, "batch_first": True, "state": True},
    # No sequence is as long as the batch: the output is shorter than the input.
    "lengths.short": {"lengths": [2, 3, 3], "bidirectional": True},
    "unbatched": {"unbatched": True, "num_layers": 2, "bidirectional": True, "state": True},
    "one_step": {"steps": 1, "bidirectional": True, "state": True},
}
PROJECTIONS = {
    "projection": {"proj_size": 1},
    "projection.both": {"proj_size": 1, "num_layers": 2, "bidirectional": True, "state": True, "lengths": [3, 4, 2]},
}


def module(cell, cells, options):
    """PyTorch's layer, or its single step."""
    if cell.startswith("rnn"):
        options = {**options, "nonlinearity": cell.removeprefix("rnn_")}
    name = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}[cell.split("_")[0]] + ("Cell" if cells else "")
    return getattr(torch.nn, name)(INPUTS, HIDDEN, dtype=torch.float64, **options)


def fill(layer, parameters):
    """The case's inputs in the place of the parameters, so that their gradients are the case's."""
    names = [name for name, _ in layer.named_parameters()]
    for name, parameter in zip(names, parameters, strict=True):
        delattr(layer, name)
        setattr(layer, name, parameter)


def named(cell, hidden, state):
    """Output and states by name."""
    c = {"c": state[1]} if cell == "lstm" else {}
    return {**hidden, "h": state[0] if cell == "lstm" else state, **c}


def run_layer(x, *rest, cell, state=False, lengths=None, unbatched=False, steps=STEPS, **options):
    layer = module(cell, False, options)
    count = (2 if cell == "lstm" else 1) if state else 0
    start = (tuple(rest[:count]) if cell == "lstm" else rest[0]) if state else None
    fill(layer, rest[count:])
    if lengths is None:
        out, end = layer(x, start)
    else:
        first = options.get("batch_first", False)
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            x, torch.tensor(lengths), batch_first=first, enforce_sorted=False
        )
        out, end = layer(packed, start)
        out, _ = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=first)
    return named(cell, {"out": out}, end)


def run_cell(x, *rest, cell, state=False, **options):
    layer = module(cell, True, options)
    count = (2 if cell == "lstm" else 1) if state else 0
    start = (tuple(rest[:count]) if cell == "lstm" else rest[0]) if state else None
    fill(layer, rest[count:])
    return named(cell, {}, layer(x, start))


def inputs(cell, cells, options):
    """Draws the input, initial states where asked for, and the parameters under PyTorch's names."""
    options = dict(options)
    state, lengths = options.pop("state", False), options.pop("lengths", None)
    unbatched, steps = options.pop("unbatched", False), options.pop("steps", STEPS)
    layer = module(cell, cells, options)
    width = options.get("proj_size", 0) or HIDDEN
    stack = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    assert lengths is None or len(lengths) == BATCH

    def draw(random):
        batch = () if unbatched else (BATCH,)
        if cells:
            drawn, leading = {"x": random.randn(*batch, INPUTS)}, batch
        else:
            shape = (*batch, steps) if options.get("batch_first") else (steps, *batch)
            drawn, leading = {"x": random.randn(*shape, INPUTS)}, (stack, *batch)
        if state:
            drawn["h0"] = random.randn(*leading, width)
            if cell == "lstm":
                drawn["c0"] = random.randn(*leading, HIDDEN)
        for name, parameter in layer.named_parameters():
            drawn[name] = random.randn(*parameter.shape)
        return {name: np.array(value) for name, value in drawn.items()}

    return draw


def main():
    family = Family("nn", "recurrent", __doc__)
    for cell in GATES:
        cases = {**LAYERS, **PROJECTIONS} if cell == "lstm" else LAYERS
        if cell == "rnn_relu":
            cases = {name: LAYERS[name] for name in ["one", "both", "lengths.both"]}
        for name, options in cases.items():
            draw = inputs(cell, False, options)
            family.case(f"{cell}.{name}", run_layer, draw, op="layer", cell=cell, **options)
        for name, options in {
            "cell": {"state": True},
            "cell.zeros": {},
            "cell.no_bias": {"bias": False, "state": True},
            "cell.unbatched": {"unbatched": True, "state": True},
        }.items():
            draw = inputs(cell, True, options)
            options = {key: value for key, value in options.items() if key != "unbatched"}
            family.case(f"{cell}.{name}", run_cell, draw, op="cell", cell=cell, **options)
    family.write()


if __name__ == "__main__":
    main()
