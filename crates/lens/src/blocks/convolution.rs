//! Convolution and pooling.

use barehand_textbook::{
    AdaptivePool2d, Conv1d, Conv2d, ConvTranspose2d, Kernel, LpPool2d, Padding, Pool, Pool2d,
};

use crate::block::{Block, Input, UPSTREAM, input};

const IMAGE: Input = input(
    "x",
    "(N, C, H, W) or (C, H, W)",
    "[[[1.0, 2.0, 0.0, 1.0], [0.0, 1.0, 3.0, 2.0], [2.0, 1.0, 0.0, 1.0], [1.0, 0.0, 2.0, 3.0]]]",
);
const KERNEL_SIZE: Input = input("kernel", "window size, one number or two", "2");
const POOL_STRIDE: Input = input("stride", "steps between windows, one number or two", "2");
const PADDING: Input = input("padding", "padding on each side, one number or two", "0");
const DILATION: Input = input("dilation", "steps between elements of a window, one number or two", "1");

const OUTPUT_SIZE: Input = input("output", "height and width of the output, one number or two", "3");
const LIES: Input = input(
    "kernel",
    "cross_correlation (networks) or convolution (turned by 180 degrees)",
    "\"cross_correlation\"",
);
const KERNELS: &[(&str, Kernel)] =
    &[("cross_correlation", Kernel::CrossCorrelation), ("convolution", Kernel::Convolution)];

pub const BLOCKS: &[Block] = &[
    Block {
        name: "conv2d",
        section: "layers",
        summary: "two-dimensional convolution, by loops or by im2col and a matrix product",
        formula: "y[n,o,i,j] = b[o] + sum_(c,u,v) x[n, c, i s + u d - p, j s + v d - p] w[o,c,u,v]",
        engine: Some("barehand::nn::Conv2d"),
        twin: "barehand::textbook::Conv2d",
        inputs: &[
            IMAGE,
            input("weight", "(O, C / groups, kh, kw)", "[[[[1.0, 0.0], [0.5, -1.0]]]]"),
            input("bias", "(O), or null", "[0.1]"),
            UPSTREAM,
        ],
        options: &[
            input("stride", "steps between windows, one number or two", "1"),
            PADDING,
            DILATION,
            input("groups", "independent groups of channels", "1"),
            LIES,
            input("method", "loops or im2col", "\"loops\""),
        ],
        run: |a, t| {
            let conv = Conv2d {
                stride: a.pair("stride")?,
                padding: a.pair("padding")?,
                dilation: a.pair("dilation")?,
                groups: a.count("groups")?,
                kernel: a.choice("kernel", KERNELS)?,
            };
            let (x, w, b) = (a.array("x")?, a.array("weight")?, a.maybe_array("bias")?);
            if a.choice("method", &[("loops", true), ("im2col", false)])? {
                let y = conv.forward(&x, &w, b.as_ref(), t)?;
                conv.backward(&x, &w, &a.upstream(&y)?, t)?;
            } else {
                let y = conv.forward_im2col(&x, &w, b.as_ref(), t)?;
                conv.backward_im2col(&x, &w, &a.upstream(&y)?, t)?;
            }
            Ok(())
        },
    },
    Block {
        name: "conv1d",
        section: "layers",
        summary: "one-dimensional convolution",
        formula: "y[n,o,i] = b[o] + sum_(c,u) x[n, c, i s + u d - p] w[o,c,u]",
        engine: Some("barehand::nn::Conv1d"),
        twin: "barehand::textbook::Conv1d",
        inputs: &[
            input("x", "(N, C, L) or (C, L)", "[[1.0, 2.0, 0.0, 1.0, 3.0]]"),
            input("weight", "(O, C / groups, k)", "[[[1.0, 0.5, -1.0]]]"),
            input("bias", "(O), or null", "[0.1]"),
            UPSTREAM,
        ],
        options: &[
            input("stride", "steps between windows", "1"),
            input(
                "padding",
                "zeros before and behind, one number or two, or null: as many as keep the length",
                "0",
            ),
            input("dilation", "steps between elements of the kernel", "1"),
            input("groups", "independent groups of channels", "1"),
            LIES,
        ],
        run: |a, t| {
            let (x, w, b) = (a.array("x")?, a.array("weight")?, a.maybe_array("bias")?);
            let conv = Conv1d {
                stride: a.count("stride")?,
                padding: [0, 0],
                dilation: a.count("dilation")?,
                groups: a.count("groups")?,
                kernel: a.choice("kernel", KERNELS)?,
            };
            let conv = match a.maybe_pair("padding")? {
                Some(padding) => Conv1d { padding, ..conv },
                None => conv.same(w.shape().last().copied().unwrap_or(0)),
            };
            let y = conv.forward(&x, &w, b.as_ref(), t)?;
            conv.backward(&x, &w, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "conv_transpose2d",
        section: "layers",
        summary: "two-dimensional transposed convolution: each element is scattered over a window",
        formula: "y[n, o, i s + u d - p, j s + v d - p] += x[n,c,i,j] w[c,o,u,v], and b[o]",
        engine: Some("barehand::nn::ConvTranspose2d"),
        twin: "barehand::textbook::ConvTranspose2d",
        inputs: &[
            input("x", "(N, C, H, W) or (C, H, W)", "[[[1.0, 2.0], [3.0, 4.0]]]"),
            input(
                "weight",
                "(C, O / groups, kh, kw)",
                "[[[[1.0, 0.0, 1.0], [0.5, -1.0, 0.0], [1.0, 1.0, 1.0]]]]",
            ),
            input("bias", "(O), or null", "[0.1]"),
            UPSTREAM,
        ],
        options: &[
            input("stride", "steps between the places of neighbours, one number or two", "2"),
            input("padding", "rows and columns cut off each side, one number or two", "1"),
            input("output_padding", "rows and columns more at the end, one number or two", "1"),
            DILATION,
            input("groups", "independent groups of channels", "1"),
        ],
        run: |a, t| {
            let conv = ConvTranspose2d {
                stride: a.pair("stride")?,
                padding: a.pair("padding")?,
                output_padding: a.pair("output_padding")?,
                dilation: a.pair("dilation")?,
                groups: a.count("groups")?,
            };
            let (x, w, b) = (a.array("x")?, a.array("weight")?, a.maybe_array("bias")?);
            let y = conv.forward(&x, &w, b.as_ref(), t)?;
            conv.backward(&x, &w, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "pad",
        section: "layers",
        summary: "an image surrounded by zeros or by its own values",
        formula: "reflect: 3 2 | 1 2 3 | 2 1; replicate: 1 1 | 1 2 3 | 3 3; circular: 2 3 | 1 2 3 | 1 2",
        engine: Some("barehand::Tensor::pad_with"),
        twin: "barehand::textbook::Padding",
        inputs: &[IMAGE, UPSTREAM],
        options: &[
            input("padding", "how much stands on each side of the last two axes, one number or two", "1"),
            input("mode", "zeros, reflect, replicate or circular", "\"reflect\""),
        ],
        run: |a, t| {
            let modes = [
                ("zeros", Padding::Zeros),
                ("reflect", Padding::Reflect),
                ("replicate", Padding::Replicate),
                ("circular", Padding::Circular),
            ];
            let (x, mode) = (a.array("x")?, a.choice("mode", &modes)?);
            let sides = a.pair("padding")?;
            let mut amounts = vec![(0, 0); x.rank().saturating_sub(2)];
            amounts.extend(sides.map(|side| (side, side)));
            let y = mode.forward(&x, &amounts, t)?;
            mode.backward(&x, &amounts, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "max_pool2d",
        section: "layers",
        summary: "the largest element of each window",
        formula: "y[n,c,i,j] = max over the window of x",
        engine: Some("barehand::nn::MaxPool2d"),
        twin: "barehand::textbook::Pool2d",
        inputs: &[IMAGE, UPSTREAM],
        options: &[KERNEL_SIZE, POOL_STRIDE, PADDING, DILATION],
        run: |a, t| {
            let pool = Pool2d {
                pool: Pool::Max,
                kernel: a.pair("kernel")?,
                stride: a.pair("stride")?,
                padding: a.pair("padding")?,
                dilation: a.pair("dilation")?,
            };
            let x = a.array("x")?;
            let y = pool.forward(&x, t)?;
            pool.backward(&x, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "avg_pool2d",
        section: "layers",
        summary: "the mean of each window",
        formula: "y[n,c,i,j] = sum over the window of x / size",
        engine: Some("barehand::nn::AvgPool2d"),
        twin: "barehand::textbook::Pool2d",
        inputs: &[IMAGE, UPSTREAM],
        options: &[
            KERNEL_SIZE,
            POOL_STRIDE,
            PADDING,
            input("count_padding", "whether padding counts as elements of the window", "true"),
        ],
        run: |a, t| {
            let pool = Pool2d {
                pool: Pool::Average { count_padding: a.flag("count_padding")? },
                kernel: a.pair("kernel")?,
                stride: a.pair("stride")?,
                padding: a.pair("padding")?,
                dilation: [1, 1],
            };
            let x = a.array("x")?;
            let y = pool.forward(&x, t)?;
            pool.backward(&x, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "adaptive_avg_pool2d",
        section: "layers",
        summary: "the means of as many windows as the output has places",
        formula: "window i of n over h: floor(i h / n) to ceil((i + 1) h / n)",
        engine: Some("barehand::nn::AdaptiveAvgPool2d"),
        twin: "barehand::textbook::AdaptivePool2d",
        inputs: &[IMAGE, UPSTREAM],
        options: &[OUTPUT_SIZE],
        run: |a, t| {
            let pool = AdaptivePool2d { max: false, output: a.pair("output")? };
            let x = a.array("x")?;
            let y = pool.forward(&x, t)?;
            pool.backward(&x, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "adaptive_max_pool2d",
        section: "layers",
        summary: "the largest elements of as many windows as the output has places",
        formula: "window i of n over h: floor(i h / n) to ceil((i + 1) h / n)",
        engine: Some("barehand::nn::AdaptiveMaxPool2d"),
        twin: "barehand::textbook::AdaptivePool2d",
        inputs: &[IMAGE, UPSTREAM],
        options: &[OUTPUT_SIZE],
        run: |a, t| {
            let pool = AdaptivePool2d { max: true, output: a.pair("output")? };
            let x = a.array("x")?;
            let y = pool.forward(&x, t)?;
            pool.backward(&x, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "lp_pool2d",
        section: "layers",
        summary: "the p-norm of each window",
        formula: "y[n,c,i,j] = (sum over the window of x^p)^(1/p)",
        engine: Some("barehand::nn::LPPool2d"),
        twin: "barehand::textbook::LpPool2d",
        inputs: &[
            input("x", "(N, C, H, W) or (C, H, W)", "[[[1.0, 2.0, 0.5, 1.0], [3.0, 1.0, 3.0, 2.0]]]"),
            UPSTREAM,
        ],
        options: &[input("p", "the exponent", "2"), KERNEL_SIZE, POOL_STRIDE],
        run: |a, t| {
            let pool = LpPool2d { p: a.number("p")?, kernel: a.pair("kernel")?, stride: a.pair("stride")? };
            let x = a.array("x")?;
            let y = pool.forward(&x, t)?;
            pool.backward(&x, &a.upstream(&y)?, t)?;
            Ok(())
        },
    },
];
