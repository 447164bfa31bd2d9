"""Matrix products, batched, broadcast, strided, thin and empty, and Einstein sums: values and gradients."""

import numpy as np
import torch
from golden import Family

MATMUL = {
    "2d": ((3, 4), (4, 5)),
    "odd": ((17, 31), (31, 13)),
    "blocks": ((33, 65), (65, 34)),
    "one": ((1, 1), (1, 1)),
    "row": ((1, 7), (7, 5)),
    "column": ((5, 7), (7, 1)),
    "outer": ((5, 1), (1, 7)),
    "vector_vector": ((6,), (6,)),
    "vector_matrix": ((4,), (4, 5)),
    "matrix_vector": ((3, 4), (4,)),
    "batched": ((2, 3, 4), (2, 4, 5)),
    "batched_4d": ((2, 3, 4, 5), (2, 3, 5, 2)),
    "broadcast": ((2, 1, 3, 4), (5, 4, 2)),
    "broadcast_matrix": ((2, 3, 4), (4, 5)),
    "broadcast_left": ((3, 4), (2, 4, 5)),
    "batched_vector": ((2, 3, 4), (4,)),
    "vector_batched": ((4,), (2, 4, 5)),
    "no_inner": ((3, 0), (0, 4)),
    "no_rows": ((0, 3), (3, 4)),
    "no_batch": ((0, 2, 3), (0, 3, 4)),
}
EINSUM = {
    "ij,jk->ik": ((3, 4), (4, 5)),
    "ij,kj->ik": ((3, 4), (5, 4)),
    "ij,jk": ((3, 4), (4, 5)),
    "bij,bjk->bik": ((2, 3, 4), (2, 4, 5)),
    "bhqd,bhkd->bhqk": ((2, 3, 4, 5), (2, 3, 6, 5)),
    "bhqk,bhkd->bqhd": ((2, 3, 4, 6), (2, 3, 6, 5)),
    "...ij,jk->...ik": ((2, 3, 4), (4, 5)),
    "...ij,...jk->...ik": ((2, 1, 3, 4), (5, 4, 2)),
    "i,j->ij": ((3,), (4,)),
    "i,i->": ((5,), (5,)),
    "i,i->i": ((5,), (5,)),
    "ij,ij->i": ((3, 4), (3, 4)),
    "ij,ij->": ((3, 4), (3, 4)),
    "ij,j->ij": ((3, 4), (4,)),
    "ij->ji": ((3, 4),),
    "ba": ((3, 4),),
    "ii->i": ((4, 4),),
    "ii->": ((4, 4),),
    "ii": ((4, 4),),
    "ijk->ik": ((2, 3, 4),),
    "ijk->": ((2, 3, 4),),
    "iij->j": ((3, 3, 4),),
    "bii->bi": ((2, 3, 3),),
    "ab,bc,cd->ad": ((2, 3), (3, 4), (4, 5)),
    "bn,anm,bm->ba": ((2, 3), (4, 3, 5), (2, 5)),
    "ij,ik,il->jkl": ((3, 2), (3, 3), (3, 4)),
}


def draws(shapes):
    return lambda random: {name: np.array(random.randn(*shape)) for name, shape in zip("abc", shapes)}


def transposed(a, b, transpose_a, transpose_b):
    """The product of strided views: `transpose_x` swaps the last two dimensions of x first."""
    a = a.transpose(-1, -2) if transpose_a else a
    b = b.transpose(-1, -2) if transpose_b else b
    return a @ b


def main():
    family = Family("tensor", "products", __doc__)
    for name, shapes in MATMUL.items():
        family.case(f"matmul.{name}", torch.matmul, draws(shapes))
    for left, right in [(False, True), (True, False), (True, True)]:
        options = {"transpose_a": left, "transpose_b": right}
        name = f"{'t' if left else 'n'}{'t' if right else 'n'}"
        a, b = ((4, 3) if left else (3, 4)), ((5, 4) if right else (4, 5))
        family.case(f"matmul_transposed.{name}", transposed, draws((a, b)), **options)
        family.case(f"matmul_transposed.{name}.batched", transposed, draws(((2, *a), (2, *b))), **options)
    specials = {"a": np.array([[np.inf, 1.0], [0.0, np.nan], [1.0, 2.0]]), "b": np.array([[0.0, 1.0], [1.0, 2.0]])}
    family.case("matmul.special", torch.matmul, specials)
    for equation, shapes in EINSUM.items():

        def einsum(*operands, equation):
            return torch.einsum(equation, *operands)

        family.case(f"einsum.{equation}", einsum, draws(shapes), op="einsum", equation=equation)
    family.case("dot", torch.dot, draws(((7,), (7,))))
    family.case("outer", torch.outer, draws(((3,), (4,))))
    family.write()


if __name__ == "__main__":
    main()
