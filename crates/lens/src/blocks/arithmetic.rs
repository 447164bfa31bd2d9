//! Products, broadcasting, reductions.

use barehand_textbook::{Arithmetic, Reduce, Ties, matmul, matmul_backward};

use crate::block::{Block, Input, UPSTREAM, input};

const X: Input = input("x", "any shape", "[[1.0, 2.0, 4.0], [3.0, 3.0, -1.0]]");
const AXES: Input = input("axes", "the axes, negative from the back; [] is all", "[-1]");

pub const BLOCKS: &[Block] = &[
    Block {
        name: "matmul",
        section: "arithmetic",
        summary: "the matrix product, stacks of matrices broadcast",
        formula: "C_ij = sum_k A_ik B_kj",
        engine: Some("barehand::tensor::Tensor::matmul"),
        twin: "barehand::textbook::matmul",
        inputs: &[
            input("a", "(.., m, k)", "[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]"),
            input("b", "(.., k, n)", "[[1.0, 0.5], [-1.0, 2.0]]"),
            UPSTREAM,
        ],
        options: &[],
        run: |a, t| {
            let (x, y) = (a.array("a")?, a.array("b")?);
            t.section("matrix product: forward");
            let product = matmul(&x, &y, t)?;
            matmul_backward(&x, &y, &a.upstream(&product)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "broadcast",
        section: "arithmetic",
        summary: "arithmetic between shapes that differ; what is repeated forward is summed backward",
        formula: "c = a + b, a - b, a b, a / b, a^b, a // b or a % b",
        engine: Some("barehand::tensor::Tensor::add"),
        twin: "barehand::textbook::Arithmetic",
        inputs: &[
            input("a", "any shape", "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]"),
            input("b", "a shape that broadcasts with a's", "[10.0, 20.0, 30.0]"),
            UPSTREAM,
        ],
        options: &[input("operation", "add, sub, mul, div, pow, floor_divide, remainder or fmod", "\"mul\"")],
        run: |a, t| {
            let operation = a.choice(
                "operation",
                &[
                    ("add", Arithmetic::Add),
                    ("sub", Arithmetic::Sub),
                    ("mul", Arithmetic::Mul),
                    ("div", Arithmetic::Div),
                    ("pow", Arithmetic::Pow),
                    ("floor_divide", Arithmetic::FloorDivide),
                    ("remainder", Arithmetic::Remainder),
                    ("fmod", Arithmetic::Fmod),
                ],
            )?;
            let (x, y) = (a.array("a")?, a.array("b")?);
            let c = operation.forward(&x, &y, t)?;
            operation.backward(&x, &y, &a.upstream(&c)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "reduce",
        section: "arithmetic",
        summary: "sum, mean, variance or maximum along axes, which stay with length 1",
        formula: "sum x | sum x / n | sum (x - m)^2 / (n - correction) | max x",
        engine: Some("barehand::tensor::Tensor::sum"),
        twin: "barehand::textbook::Reduce",
        inputs: &[X, UPSTREAM],
        options: &[
            input("operation", "sum, mean, variance or max", "\"variance\""),
            AXES,
            input("correction", "variance: 0 population, 1 sample", "1"),
            input("ties", "max: even shares the gradient, first gives it to the first", "\"even\""),
        ],
        run: |a, t| {
            let ties = a.choice("ties", &[("even", Ties::Even), ("first", Ties::First)])?;
            let reduce = a.choice(
                "operation",
                &[
                    ("sum", Reduce::Sum),
                    ("mean", Reduce::Mean),
                    ("variance", Reduce::Variance { correction: a.count("correction")? }),
                    ("max", Reduce::Max { ties }),
                ],
            )?;
            let axes: Vec<isize> = a.integers("axes")?.into_iter().map(|axis| axis as isize).collect();
            let x = a.array("x")?;
            let y = reduce.forward(&x, &axes, t)?;
            reduce.backward(&x, &axes, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
];
