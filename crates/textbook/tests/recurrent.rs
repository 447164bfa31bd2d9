//! The recurrent cells and their walk through time: known answers, PyTorch's committed answers, and finite differences
//! with a linear layer before them.

mod golden;

use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::{
    Array, Cell, Gru, Lstm, MersenneTwister, RecurrentWeights, Result, Rnn, State, Trace, Walk, WeightLayout,
    linear, linear_backward,
};
use golden::{Case, Family};

fn silent() -> Trace {
    Trace::silent()
}

/// Weights 0.1 k - 0.3 (k counts the elements), each next parameter 0.05 higher: two inputs, one unit.
fn counted(gates: usize) -> RecurrentWeights {
    let values = |shape: &[usize], shift: f64| {
        let mut k = 0.0;
        Array::from_fn(shape, |_| {
            k += 1.0;
            (k - 1.0) * 0.1 - 0.3 + shift
        })
    };
    RecurrentWeights {
        weight_ih: values(&[gates, 2], 0.0),
        weight_hh: values(&[gates, 1], 0.05),
        bias_ih: values(&[gates], 0.1),
        bias_hh: values(&[gates], 0.15),
        weight_hr: None,
    }
}

#[test]
fn known_steps() {
    let x = Array::matrix([[1.0, -0.5]]);
    let (h, c) = (Array::matrix([[0.5]]), Array::matrix([[-1.0]]));
    let state = State { h: h.clone(), c: None };
    let near = |a: &Array, b: f64| assert!((a[0] - b).abs() < 1e-15, "{} is not {b}", a[0]);
    let rnn = Rnn { weights: counted(1), relu: false };
    near(&rnn.step(&x, &state, &mut silent()).unwrap().h, RNN_KNOWN);
    let gru = Gru { weights: counted(3) };
    near(&gru.step(&x, &state, &mut silent()).unwrap().h, GRU_KNOWN);
    let lstm = Lstm { weights: counted(4) };
    let after = lstm.step(&x, &State { h, c: Some(c) }, &mut silent()).unwrap();
    near(&after.h, LSTM_KNOWN[0]);
    near(&after.c.unwrap(), LSTM_KNOWN[1]);
}

/// PyTorch's `RNNCell`, `LSTMCell` and `GRUCell` with these weights.
const RNN_KNOWN: f64 = -0.5882592563981054;
const LSTM_KNOWN: [f64; 2] = [-0.23075038333486714, -0.41102499784734037];
const GRU_KNOWN: f64 = 0.21462528888538704;

#[test]
fn every_gate_is_named() {
    let mut trace = Trace::new();
    let lstm = Lstm { weights: counted(4) };
    let x = Array::from_fn(&[2, 1, 2], |i| i[0] as f64 - i[2] as f64);
    Walk { lengths: vec![2], reverse: false }
        .forward(&lstm, &x, &lstm.zeros(1).unwrap(), &mut trace)
        .unwrap();
    for name in ["a", "u", "i", "f", "g", "o", "c'", "t", "h'"] {
        assert_eq!(trace.steps().iter().filter(|step| step.name == name).count(), 2, "{name}");
    }
}

fn cell(case: &Case, suffix: &str) -> Box<dyn Cell> {
    let array = |name: &str| case.maybe(&format!("{name}{suffix}")).cloned();
    let weight_hh = array("weight_hh").unwrap();
    let bias = |name: &str| array(name).unwrap_or_else(|| Array::zeros(&weight_hh.shape()[..1]));
    let weights = RecurrentWeights {
        weight_ih: array("weight_ih").unwrap(),
        bias_ih: bias("bias_ih"),
        bias_hh: bias("bias_hh"),
        weight_hr: array("weight_hr"),
        weight_hh,
    };
    match case.text("cell") {
        "lstm" => Box::new(Lstm { weights }),
        "gru" => Box::new(Gru { weights }),
        kind => Box::new(Rnn { weights, relu: kind == "rnn_relu" }),
    }
}

fn expect_weights(case: &Case, suffix: &str, weights: &RecurrentWeights) {
    let named = [
        ("weight_ih", Some(&weights.weight_ih)),
        ("weight_hh", Some(&weights.weight_hh)),
        ("bias_ih", Some(&weights.bias_ih)),
        ("bias_hh", Some(&weights.bias_hh)),
        ("weight_hr", weights.weight_hr.as_ref()),
    ];
    for (name, gradient) in named {
        if case.maybe(&format!("{name}{suffix}")).is_some() {
            case.expect(&format!("grad.{name}{suffix}"), gradient.unwrap());
        }
    }
}

#[test]
fn single_steps_are_pytorchs() {
    let family = Family::read("nn", "recurrent");
    for case in family.of("cell") {
        let cell = cell(case, "");
        let x = case.array("x");
        let row = |x: &Array| if x.rank() == 1 { x.reshape(&[1, x.len()]).unwrap() } else { x.clone() };
        let like = |ours: &Array, name: &str| ours.reshape(case.array(name).shape()).unwrap();
        let rows = row(x);
        let zeros = cell.zeros(rows.shape()[0]).unwrap();
        let state = State {
            h: case.maybe("h0").map_or(zeros.h, row),
            c: zeros.c.map(|zeros| case.maybe("c0").map_or(zeros, row)),
        };
        let after = cell.step(&rows, &state, &mut silent()).unwrap();
        case.expect("h", &like(&after.h, "h"));
        let mut arrived = State { h: row(case.array("w.h")), c: None };
        if let Some(c) = &after.c {
            case.expect("c", &like(c, "c"));
            arrived.c = Some(row(case.array("w.c")));
        }
        let d = cell.step_backward(&rows, &state, &arrived, &mut silent()).unwrap();
        case.expect("grad.x", &like(&d.input, "x"));
        if case.maybe("h0").is_some() {
            case.expect("grad.h0", &like(&d.state.h, "h0"));
        }
        if case.maybe("c0").is_some() {
            case.expect("grad.c0", &like(&d.state.c.unwrap(), "c0"));
        }
        expect_weights(case, "", &d.weights);
    }
}

/// The first or the second part of the last axis.
fn half(x: &Array, second: usize, of: usize) -> Array {
    let mut shape = x.shape().to_vec();
    let last = shape.len() - 1;
    shape[last] /= of;
    let width = shape[last];
    Array::from_fn(&shape, |i| {
        let mut i = i.to_vec();
        i[last] += second * width;
        x.get(&i)
    })
}

/// Layer k of stacked states (D L, N, P).
fn layer(x: &Array, k: usize) -> Array {
    Array::from_fn(&x.shape()[1..], |i| x.get(&[k, i[0], i[1]]))
}

#[test]
fn walks_through_time_are_pytorchs() {
    let family = Family::read("nn", "recurrent");
    let mut compared = 0;
    for case in family.of("layer") {
        let x = case.array("x");
        let skip = case.number("num_layers", 1.0) != 1.0 || case.is("batch_first", false) || x.rank() != 3;
        if skip {
            continue;
        }
        compared += 1;
        let directions = if case.is("bidirectional", false) { 2 } else { 1 };
        let all = vec![x.shape()[0]; x.shape()[1]];
        let lengths = case.options["lengths"]
            .as_array()
            .map_or(all, |lengths| lengths.iter().map(|length| length.as_u64().unwrap() as usize).collect());
        let mut dx = Array::zeros(x.shape());
        for direction in 0..directions {
            let suffix = if direction == 0 { "_l0" } else { "_l0_reverse" };
            let cell = cell(case, suffix);
            let zeros = cell.zeros(x.shape()[1]).unwrap();
            let start = State {
                h: case.maybe("h0").map_or(zeros.h, |h| layer(h, direction)),
                c: zeros.c.map(|zeros| case.maybe("c0").map_or(zeros, |c| layer(c, direction))),
            };
            let walk = Walk { lengths: lengths.clone(), reverse: direction == 1 };
            let (out, end) = walk.forward(&*cell, x, &start, &mut silent()).unwrap();
            // PyTorch's output ends with the longest sequence.
            let steps = case.array("out").shape()[0];
            let expected = half(case.array("out"), direction, directions);
            let shown = Array::from_fn(expected.shape(), |i| out.get(i));
            assert!(largest_difference(&shown, &expected) < 1e-12, "{}: out", case.name);
            assert!(
                largest_difference(&end.h, &layer(case.array("h"), direction)) < 1e-12,
                "{}: h",
                case.name
            );
            if let Some(c) = &end.c {
                assert!(
                    largest_difference(c, &layer(case.array("c"), direction)) < 1e-12,
                    "{}: c",
                    case.name
                );
            }
            let w = half(case.array("w.out"), direction, directions);
            let dout = Array::from_fn(out.shape(), |i| if i[0] < steps { w.get(i) } else { 0.0 });
            let dend = State {
                h: layer(case.array("w.h"), direction),
                c: end.c.as_ref().map(|_| layer(case.array("w.c"), direction)),
            };
            let d = walk.backward(&*cell, x, &start, &dout, &dend, &mut silent()).unwrap();
            dx = dx.zip(&d.input, |a, b| a + b).unwrap();
            expect_weights(case, suffix, &d.weights);
            if let Some(expected) = case.maybe("grad.h0") {
                assert!(
                    largest_difference(&d.state.h, &layer(expected, direction)) < 1e-12,
                    "{}: h0",
                    case.name
                );
            }
            if let Some(expected) = case.maybe("grad.c0") {
                let c = d.state.c.unwrap();
                assert!(largest_difference(&c, &layer(expected, direction)) < 1e-12, "{}: c0", case.name);
            }
        }
        case.expect("grad.x", &dx);
    }
    assert!(compared >= 15, "{compared} cases");
}

fn dot(a: &Array, b: &Array) -> f64 {
    a.zip(b, |a, b| a * b).unwrap().sum()
}

/// Puts z = x W^T before a walk and a weighted sum of outputs and last states behind it, and compares the gradients of x,
/// W, the first state and the recurrent weight with finite differences.
fn check(
    cell: impl Fn(RecurrentWeights) -> Box<dyn Cell>,
    gates: usize,
    projection: Option<usize>,
    walk: &Walk,
) {
    let (steps, batch, inputs, hidden) = (3, walk.lengths.len(), 2, 3);
    let width = projection.unwrap_or(hidden);
    let mut random = MersenneTwister::new(gates as u32 + 10 * u32::from(walk.reverse));
    let weights = RecurrentWeights {
        weight_ih: random.randn(&[gates * hidden, inputs]),
        weight_hh: random.randn(&[gates * hidden, width]),
        bias_ih: random.randn(&[gates * hidden]),
        bias_hh: random.randn(&[gates * hidden]),
        weight_hr: projection.map(|p| random.randn(&[p, hidden])),
    };
    let (x, w) = (random.randn(&[steps, batch, inputs]), random.randn(&[inputs, inputs]));
    let before = |x: &Array, w: &Array| linear(x, w, None, WeightLayout::OutIn, &mut silent());
    let made = cell(weights.clone());
    let draw = |like: State, random: &mut MersenneTwister| State {
        h: random.randn(like.h.shape()),
        c: like.c.map(|c| random.randn(c.shape())),
    };
    let start = draw(made.zeros(batch).unwrap(), &mut random);
    let dend = draw(made.zeros(batch).unwrap(), &mut random);
    let dout = random.randn(&[steps, batch, width]);
    let objective = |cell: &dyn Cell, x: &Array, w: &Array, start: &State| -> Result<f64> {
        let (out, end) = walk.forward(cell, &before(x, w)?, start, &mut silent())?;
        let cells = end.c.as_ref().map_or(0.0, |c| dot(c, dend.c.as_ref().unwrap()));
        Ok(dot(&out, &dout) + dot(&end.h, &dend.h) + cells)
    };
    let d = walk.backward(&*made, &before(&x, &w).unwrap(), &start, &dout, &dend, &mut silent()).unwrap();
    let first = linear_backward(&x, &w, WeightLayout::OutIn, &d.input, &mut silent()).unwrap();
    let at = |h: &Array| State { h: h.clone(), c: start.c.clone() };
    let with = |hh: &Array| cell(RecurrentWeights { weight_hh: hh.clone(), ..weights.clone() });
    let numeric = [
        ("dx", &first.input, finite_differences(&x, |x| objective(&*made, x, &w, &start))),
        ("dW", &first.weight, finite_differences(&w, |w| objective(&*made, &x, w, &start))),
        ("dh", &d.state.h, finite_differences(&start.h, |h| objective(&*made, &x, &w, &at(h)))),
        (
            "dW_hh",
            &d.weights.weight_hh,
            finite_differences(&weights.weight_hh, |hh| objective(&*with(hh), &x, &w, &start)),
        ),
    ];
    for (what, ours, numeric) in numeric {
        let difference = largest_difference(ours, &numeric.unwrap());
        assert!(difference < 1e-7, "{}, {what}: {difference:e}", made.name());
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for reverse in [false, true] {
        let walk = Walk { lengths: vec![2, 3], reverse };
        check(|weights| Box::new(Rnn { weights, relu: false }), 1, None, &walk);
        check(|weights| Box::new(Lstm { weights }), 4, None, &walk);
        check(|weights| Box::new(Lstm { weights }), 4, Some(2), &walk);
        check(|weights| Box::new(Gru { weights }), 3, None, &walk);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let gru = Gru { weights: counted(3) };
    let walk = |lengths: &[usize]| Walk { lengths: lengths.to_vec(), reverse: false };
    let x = Array::zeros(&[2, 1, 2]);
    assert!(walk(&[3]).forward(&gru, &x, &gru.zeros(1).unwrap(), &mut silent()).is_err());
    assert!(walk(&[1, 1]).forward(&gru, &x, &gru.zeros(1).unwrap(), &mut silent()).is_err());
    assert!(walk(&[1]).forward(&gru, &x, &gru.zeros(2).unwrap(), &mut silent()).is_err());
    assert!(
        walk(&[1]).forward(&gru, &Array::zeros(&[2, 1, 3]), &gru.zeros(1).unwrap(), &mut silent()).is_err()
    );
}
