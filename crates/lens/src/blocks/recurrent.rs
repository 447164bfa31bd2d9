//! Recurrent layers.

use barehand_textbook::{Array, Cell, Gru, Lstm, RecurrentWeights, Rnn, State, Trace, Walk};

use crate::arguments::Arguments;
use crate::block::{Block, Input, UPSTREAM, input};
use crate::error::Error;

const SEQUENCES: Input = input("x", "(T, N, in)", "[[[1.0, -0.5]], [[0.5, 2.0]]]");
const H0: Input = input("h0", "(N, P), the first hidden state, or null: zeros", "null");
const BIAS_IH: Input = input("bias_ih", "(gates H), or null: zeros", "null");
const BIAS_HH: Input = input("bias_hh", "(gates H), or null: zeros", "null");
const LENGTHS: Input = input("lengths", "how many steps each sequence has; null: all", "null");
const REVERSE: Input = input("reverse", "from each sequence's end to its beginning", "false");

pub const BLOCKS: &[Block] = &[
    Block {
        name: "rnn",
        section: "layers",
        summary: "the simple recurrent layer, through time",
        formula: "h' = f(W_ih x + b_ih + W_hh h + b_hh)",
        engine: Some("barehand::nn::RNN"),
        twin: "barehand::textbook::Rnn",
        inputs: &[
            SEQUENCES,
            input("weight_ih", "(H, in)", "[[0.5, -0.3]]"),
            input("weight_hh", "(H, H)", "[[0.8]]"),
            BIAS_IH,
            BIAS_HH,
            H0,
            UPSTREAM,
        ],
        options: &[input("nonlinearity", "tanh or relu", "\"tanh\""), LENGTHS, REVERSE],
        run: |a, t| {
            let relu = a.choice("nonlinearity", &[("tanh", false), ("relu", true)])?;
            walk(&Rnn { weights: weights(a)?, relu }, a, None, t)
        },
    },
    Block {
        name: "lstm",
        section: "layers",
        summary: "long short-term memory, through time",
        formula: "i, f, o = sigmoid(a + u), g = tanh(a + u), c' = f c + i g, h' = o tanh(c')",
        engine: Some("barehand::nn::LSTM"),
        twin: "barehand::textbook::Lstm",
        inputs: &[
            SEQUENCES,
            input(
                "weight_ih",
                "(4 H, in), the gates in the order i, f, g, o",
                "[[0.5, -0.3], [0.1, 0.2], [0.9, 0.4], [-0.2, 0.3]]",
            ),
            input("weight_hh", "(4 H, P)", "[[0.8], [-0.4], [0.3], [0.6]]"),
            BIAS_IH,
            BIAS_HH,
            input("weight_hr", "(P, H), a projection of the hidden state, or null: none", "null"),
            H0,
            input("c0", "(N, H), the first cell, or null: zeros", "null"),
            UPSTREAM,
        ],
        options: &[LENGTHS, REVERSE],
        run: |a, t| {
            let weights = RecurrentWeights { weight_hr: a.maybe_array("weight_hr")?, ..weights(a)? };
            walk(&Lstm { weights }, a, a.maybe_array("c0")?, t)
        },
    },
    Block {
        name: "gru",
        section: "layers",
        summary: "the gated recurrent unit, through time",
        formula: "r, z = sigmoid(a + u), n = tanh(a_n + r u_n), h' = (1 - z) n + z h",
        engine: Some("barehand::nn::GRU"),
        twin: "barehand::textbook::Gru",
        inputs: &[
            SEQUENCES,
            input(
                "weight_ih",
                "(3 H, in), the gates in the order r, z, n",
                "[[0.5, -0.3], [0.1, 0.2], [0.9, 0.4]]",
            ),
            input("weight_hh", "(3 H, H)", "[[0.8], [-0.4], [0.3]]"),
            BIAS_IH,
            BIAS_HH,
            H0,
            UPSTREAM,
        ],
        options: &[LENGTHS, REVERSE],
        run: |a, t| walk(&Gru { weights: weights(a)? }, a, None, t),
    },
];

fn weights(a: &Arguments) -> Result<RecurrentWeights, Error> {
    let (weight_ih, weight_hh) = (a.array("weight_ih")?, a.array("weight_hh")?);
    let stacked = weight_hh.shape().first().copied().unwrap_or(0);
    let bias = |name| Ok::<_, Error>(a.maybe_array(name)?.unwrap_or_else(|| Array::zeros(&[stacked])));
    let (bias_ih, bias_hh) = (bias("bias_ih")?, bias("bias_hh")?);
    Ok(RecurrentWeights { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr: None })
}

/// Through time and back; the last state gets no gradient of its own.
fn walk(cell: &dyn Cell, a: &Arguments, c0: Option<Array>, trace: &mut Trace) -> Result<(), Error> {
    let x = a.array("x")?;
    x.expect_rank(cell.name(), "x", 3)?;
    let [steps, batch] = [x.shape()[0], x.shape()[1]];
    let lengths = match a.maybe_array("lengths")? {
        Some(lengths) => lengths.data().iter().map(|&length| length as usize).collect(),
        None => vec![steps; batch],
    };
    let walk = Walk { lengths, reverse: a.flag("reverse")? };
    let zeros = cell.zeros(batch)?;
    let start = State {
        h: a.maybe_array("h0")?.unwrap_or_else(|| zeros.h.clone()),
        c: c0.or_else(|| zeros.c.clone()),
    };
    let (out, _) = walk.forward(cell, &x, &start, trace)?;
    trace.section(&format!("{}: forward", cell.name()));
    let out = trace.step("out", "every h', 0 behind the end of a sequence", out);
    walk.backward(cell, &x, &start, &a.upstream(&out)?, &zeros, trace)?;
    Ok(())
}
