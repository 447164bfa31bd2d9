"""The table: one line for everything that barehand and PyTorch both have, by families."""

from parity.rows import Row
from parity.table import (
    attention,
    convolution,
    creation,
    elementwise,
    in_place,
    layers,
    losses,
    optimizers,
    products,
    recurrent,
    reductions,
    schedulers,
    shapes,
    transformers,
    whole,
)

FAMILIES: dict[str, list[Row]] = {
    "creation": creation.ROWS,
    "elementwise": elementwise.ROWS,
    "whole": whole.ROWS,
    "in place": in_place.ROWS,
    "reductions": reductions.ROWS,
    "shapes": shapes.ROWS,
    "products": products.ROWS,
    "convolution": convolution.ROWS,
    "layers": layers.ROWS,
    "attention": attention.ROWS,
    "losses": losses.ROWS,
    "transformers": transformers.ROWS,
    "recurrent": recurrent.ROWS,
    "optimizers": optimizers.ROWS,
    "schedulers": schedulers.ROWS,
}
ROWS: dict[str, Row] = {row.name: row for family in FAMILIES.values() for row in family}

if len(ROWS) < sum(map(len, FAMILIES.values())):
    raise ValueError("two rows of the table have the same name")
