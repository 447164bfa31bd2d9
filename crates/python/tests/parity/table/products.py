"""Products of matrices, Einstein sums, and the functions behind the layers."""

from typing import Any

from parity.arguments import constant, one_of, positive, real, size
from parity.rows import Operator, Row

EQUATIONS = ("ij,jk->ik", "ij,jk", "ij,jk->ki", "ij,jk->", "ij,jk->ijk", "ij,jk->j")
# A variance far below eps = 1e-5 is replaced by it: what rounding left in x - mean is divided by sqrt(eps).
ROOT_OF_EPS = 316.0

NORMALIZATION: dict[str, Any] = {"eps": one_of(1e-5, 0.1), "magnifies": ROOT_OF_EPS}

ROWS: list[Row] = [
    Operator("matmul", real("* i j"), real("* j k")),
    Operator("matmul [vector first]", real("j"), real("... j k")),
    Operator("matmul [vector last]", real("... i j"), real("j")),
    Operator("Tensor [x @ y]", real("* i j"), real("* j k"), call=lambda lib, x, y: x @ y),
    Operator("mm", real("i j"), real("j k")),
    Operator("bmm", real("b i j"), real("b j k")),
    Operator("dot", real("i"), real("i")),
    Operator("mv", real("i j"), real("j")),
    Operator("outer", real("i"), real("j")),
    Operator(
        "einsum",
        real("i j"),
        real("j k"),
        call=lambda lib, x, y, equation: lib.einsum(equation, x, y),
        equation=one_of(*EQUATIONS),
    ),
    Operator("einsum [diagonal]", real("i i"), call=lambda lib, x: lib.einsum("ii->i", x)),
    Operator(
        "einsum [three]", real("b i"), real("i j k"), real("b j"), call=lambda lib, *x: lib.einsum("bi,ijk,bj->bk", *x)
    ),
    Operator(
        "einsum [ellipsis]", real("... i j"), real("j k"), call=lambda lib, x, y: lib.einsum("...ij,jk->...ik", x, y)
    ),
    Operator("nn.functional.linear", real("... i"), real("o i"), real("o")),
    Operator("nn.functional.linear [without bias]", real("... i"), real("o i")),
    Operator(
        "nn.functional.normalize", real("n m ..."), p=one_of(2.0, 1.0, 3.0), dim=one_of(0, 1), eps=one_of(1e-12, 2.0)
    ),
    Operator(
        "nn.functional.layer_norm",
        real("... N"),
        real("N"),
        real("N"),
        call=lambda lib, x, w, b, **o: lib.nn.functional.layer_norm(x, tuple(w.shape), w, b, **o),
        **NORMALIZATION,
    ),
    Operator(
        "nn.functional.layer_norm [without weight]",
        real("... N"),
        real("N"),
        call=lambda lib, x, b, **o: lib.nn.functional.layer_norm(x, tuple(b.shape), None, b, **o),
        **NORMALIZATION,
    ),
    Operator(
        "nn.functional.rms_norm",
        real("... N"),
        real("N"),
        call=lambda lib, x, w, **o: lib.nn.functional.rms_norm(x, tuple(w.shape), w, **o),
        **NORMALIZATION,
    ),
    Operator(
        "nn.functional.group_norm",
        real("n GD H"),
        real("GD"),
        real("GD"),
        call=lambda lib, x, w, b, g, **o: lib.nn.functional.group_norm(x, g, w, b, **o),
        g=size("G"),
        **NORMALIZATION,
    ),
    Operator(
        "nn.functional.group_norm [without weight]",
        real("n GD H"),
        real("GD"),
        call=lambda lib, x, b, g, **o: lib.nn.functional.group_norm(x, g, None, b, **o),
        g=size("G"),
        **NORMALIZATION,
    ),
    Operator(
        "nn.functional.instance_norm",
        real("N C H"),
        real("C"),
        real("C"),
        call=lambda lib, x, w, b, **o: lib.nn.functional.instance_norm(x, None, None, w, b, **o),
        **NORMALIZATION,
    ),
    Operator(
        "nn.functional.instance_norm [running]",
        real("n C H"),
        constant(real("C")),
        constant(positive("C")),
        call=lambda lib, x, mean, var, **o: lib.nn.functional.instance_norm(x, mean, var, use_input_stats=False, **o),
        eps=one_of(1e-5, 0.1),
    ),
    Operator(
        "nn.functional.batch_norm",
        real("n C H W"),
        constant(real("C")),
        constant(positive("C")),
        real("C"),
        real("C"),
        eps=one_of(1e-5, 0.1),
    ),
    Operator(
        "nn.functional.batch_norm [training]",
        real("N C H"),
        real("C"),
        real("C"),
        call=lambda lib, x, w, b, **o: lib.nn.functional.batch_norm(x, None, None, w, b, training=True, **o),
        **NORMALIZATION,
    ),
]
