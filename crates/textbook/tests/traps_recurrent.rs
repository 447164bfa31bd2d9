//! Mistakes that hand-written recurrent code makes, each as a named wrong implementation, and the ordinary check, which
//! accepts the textbook and rejects the mistake.

use barehand_textbook::binary_cross_entropy::logistic;
use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::{Array, Cell, Gru, Lstm, MersenneTwister, RecurrentWeights, Rnn, State, Trace, Walk};

fn silent() -> Trace {
    Trace::silent()
}

fn near(a: &Array, b: &Array) -> bool {
    a.shape() == b.shape() && largest_difference(a, b) < 1e-9
}

/// Random weights of `gates` gates of two units over two inputs.
fn weights(gates: usize) -> RecurrentWeights {
    let mut random = MersenneTwister::new(gates as u32);
    RecurrentWeights {
        weight_ih: random.randn(&[2 * gates, 2]),
        weight_hh: random.randn(&[2 * gates, 2]),
        bias_ih: random.randn(&[2 * gates]),
        bias_hh: random.randn(&[2 * gates]),
        weight_hr: None,
    }
}

/// `W x + b` of gate k, for one element of a batch of one.
fn gate(w: &Array, b: &Array, x: &Array, k: usize) -> Vec<f64> {
    let row = |j: usize| b[2 * k + j] + (0..2).map(|i| w.get(&[2 * k + j, i]) * x[i]).sum::<f64>();
    vec![row(0), row(1)]
}

// ---- one step --------------------------------------------------------------------------------------------------------

/// The answers of PyTorch's `LSTMCell` for one unit over two inputs; its weights as in the test of known answers.
fn is_lstm(f: impl Fn(&[f64; 4], f64) -> (f64, f64)) -> bool {
    // The sums of the gates i, f, g, o for x = (1, -0.5), h = 0.5, c = -1, as PyTorch stacks them.
    let (h, c) = f(&[-0.675, -0.325, 0.025, 0.375], -1.0);
    (h + 0.23075038333486714).abs() < 1e-12 && (c + 0.41102499784734037).abs() < 1e-12
}

fn lstm(s: &[f64; 4], c: f64) -> (f64, f64) {
    let c = logistic(s[1]) * c + logistic(s[0]) * s[2].tanh();
    (logistic(s[3]) * c.tanh(), c)
}

fn lstm_with_gates_in_the_order_i_g_f_o(s: &[f64; 4], c: f64) -> (f64, f64) {
    lstm(&[s[0], s[2], s[1], s[3]], c)
}

fn lstm_with_gates_in_the_order_i_o_f_g(s: &[f64; 4], c: f64) -> (f64, f64) {
    lstm(&[s[0], s[2], s[3], s[1]], c)
}

fn lstm_that_shows_its_cell_without_tanh(s: &[f64; 4], c: f64) -> (f64, f64) {
    let (_, c) = lstm(s, c);
    (logistic(s[3]) * c, c)
}

fn lstm_whose_forget_gate_forgets(s: &[f64; 4], c: f64) -> (f64, f64) {
    let c = (1.0 - logistic(s[1])) * c + logistic(s[0]) * s[2].tanh();
    (logistic(s[3]) * c.tanh(), c)
}

#[test]
fn lstm_traps() {
    assert!(is_lstm(lstm));
    assert!(!is_lstm(lstm_with_gates_in_the_order_i_g_f_o));
    assert!(!is_lstm(lstm_with_gates_in_the_order_i_o_f_g));
    assert!(!is_lstm(lstm_that_shows_its_cell_without_tanh));
    assert!(!is_lstm(lstm_whose_forget_gate_forgets));
}

/// A GRU's step, held against the textbook's.
fn is_gru(f: impl Fn(&RecurrentWeights, &Array, &Array) -> Vec<f64>) -> bool {
    let w = weights(3);
    let (x, h) = (Array::vector(&[0.3, -0.7]), Array::vector(&[0.9, 0.4]));
    let state = State { h: h.reshape(&[1, 2]).unwrap(), c: None };
    let gru = Gru { weights: w.clone() };
    let expected = gru.step(&x.reshape(&[1, 2]).unwrap(), &state, &mut silent()).unwrap().h;
    near(&Array::new(&[1, 2], f(&w, &x, &h)).unwrap(), &expected)
}

/// `inner(unit, r)` is what the reset gate makes of the hidden state; `mix(n, z, h)` the new state.
fn gru_by(
    w: &RecurrentWeights,
    x: &Array,
    h: &Array,
    inner: impl Fn(usize, &[f64]) -> f64,
    mix: impl Fn(f64, f64, f64) -> f64,
) -> Vec<f64> {
    let a = |k| gate(&w.weight_ih, &w.bias_ih, x, k);
    let u = |k| gate(&w.weight_hh, &w.bias_hh, h, k);
    let sum = |k| a(k).iter().zip(u(k)).map(|(a, u)| logistic(a + u)).collect::<Vec<f64>>();
    let (r, z) = (sum(0), sum(1));
    (0..2).map(|j| mix((a(2)[j] + inner(j, &r)).tanh(), z[j], h[j])).collect()
}

fn kept(n: f64, z: f64, h: f64) -> f64 {
    (1.0 - z) * n + z * h
}

fn gru(w: &RecurrentWeights, x: &Array, h: &Array) -> Vec<f64> {
    let u = gate(&w.weight_hh, &w.bias_hh, h, 2);
    gru_by(w, x, h, |j, r| r[j] * u[j], kept)
}

fn gru_with_its_hidden_bias_outside_the_reset(w: &RecurrentWeights, x: &Array, h: &Array) -> Vec<f64> {
    let u = gate(&w.weight_hh, &Array::zeros(&[6]), h, 2);
    gru_by(w, x, h, |j, r| r[j] * u[j] + w.bias_hh[4 + j], kept)
}

fn gru_that_resets_before_the_product(w: &RecurrentWeights, x: &Array, h: &Array) -> Vec<f64> {
    let inner = |j: usize, r: &[f64]| {
        let reset = Array::vector(&[r[0] * h[0], r[1] * h[1]]);
        gate(&w.weight_hh, &w.bias_hh, &reset, 2)[j]
    };
    gru_by(w, x, h, inner, kept)
}

fn gru_whose_update_gate_is_turned_around(w: &RecurrentWeights, x: &Array, h: &Array) -> Vec<f64> {
    let u = gate(&w.weight_hh, &w.bias_hh, h, 2);
    gru_by(w, x, h, |j, r| r[j] * u[j], |n, z, h| z * n + (1.0 - z) * h)
}

#[test]
fn gru_traps() {
    assert!(is_gru(gru));
    assert!(!is_gru(gru_with_its_hidden_bias_outside_the_reset));
    assert!(!is_gru(gru_that_resets_before_the_product));
    assert!(!is_gru(gru_whose_update_gate_is_turned_around));
}

// ---- through time ----------------------------------------------------------------------------------------------------

type Walker = fn(&dyn Cell, &Array, &Walk) -> (Array, Array);

/// Outputs and last hidden states of a walk in reverse over a batch in which one sequence is shorter: those of each
/// sequence alone, at the places of its elements, and 0 behind it.
fn is_walk(walker: Walker, reverse: bool) -> bool {
    let cell = Rnn { weights: weights(1), relu: false };
    let x = MersenneTwister::new(9).randn(&[3, 2, 2]);
    let lengths = vec![3, 2];
    let (out, end) = walker(&cell, &x, &Walk { lengths: lengths.clone(), reverse });
    (0..2).all(|n| {
        let mut state = cell.zeros(1).unwrap();
        let order: Vec<usize> =
            if reverse { (0..lengths[n]).rev().collect() } else { (0..lengths[n]).collect() };
        let mut same = true;
        for t in order {
            let element = Array::from_fn(&[1, 2], |i| x.get(&[t, n, i[1]]));
            state = cell.step(&element, &state, &mut silent()).unwrap();
            same &= (0..2).all(|j| (out.get(&[t, n, j]) - state.h[j]).abs() < 1e-12);
        }
        let silent_after = (lengths[n]..3).all(|t| (0..2).all(|j| out.get(&[t, n, j]) == 0.0));
        same && silent_after && (0..2).all(|j| (end.get(&[n, j]) - state.h[j]).abs() < 1e-12)
    })
}

fn walk(cell: &dyn Cell, x: &Array, walk: &Walk) -> (Array, Array) {
    let (out, end) = walk.forward(cell, x, &cell.zeros(x.shape()[1]).unwrap(), &mut silent()).unwrap();
    (out, end.h)
}

fn reverse_outputs_left_in_the_order_of_the_steps(
    cell: &dyn Cell,
    x: &Array,
    given: &Walk,
) -> (Array, Array) {
    let (out, end) = walk(cell, x, given);
    let last = out.shape()[0] - 1;
    (Array::from_fn(out.shape(), |i| out.get(&[last - i[0], i[1], i[2]])), end)
}

fn padding_leaks_into_the_state(cell: &dyn Cell, x: &Array, given: &Walk) -> (Array, Array) {
    let (out, end) = walk(cell, x, &Walk { lengths: vec![3, 3], ..given.clone() });
    let masked = Array::from_fn(out.shape(), |i| if i[0] < given.lengths[i[1]] { out.get(i) } else { 0.0 });
    (masked, end)
}

fn state_of_the_last_step_for_every_sequence(cell: &dyn Cell, x: &Array, given: &Walk) -> (Array, Array) {
    let (out, _) = walk(cell, x, given);
    let last = if given.reverse { 0 } else { out.shape()[0] - 1 };
    let end = Array::from_fn(&out.shape()[1..], |i| out.get(&[last, i[0], i[1]]));
    (out, end)
}

fn outputs_behind_the_end_repeat_the_state(cell: &dyn Cell, x: &Array, given: &Walk) -> (Array, Array) {
    let (out, end) = walk(cell, x, given);
    let held =
        Array::from_fn(
            out.shape(),
            |i| {
                if i[0] < given.lengths[i[1]] { out.get(i) } else { end.get(&i[1..]) }
            },
        );
    (held, end)
}

#[test]
fn walk_traps() {
    for reverse in [false, true] {
        assert!(is_walk(walk, reverse));
        assert!(!is_walk(padding_leaks_into_the_state, reverse));
        assert!(!is_walk(outputs_behind_the_end_repeat_the_state, reverse));
    }
    assert!(!is_walk(reverse_outputs_left_in_the_order_of_the_steps, true));
    assert!(!is_walk(state_of_the_last_step_for_every_sequence, false));
}

type Backward = fn(&dyn Cell, &Array, &Array) -> Array;

/// The gradient of the recurrent weight over `steps` steps, beside finite differences.
fn is_recurrent_gradient(
    backward: Backward,
    steps: usize,
    cell: fn(RecurrentWeights) -> Box<dyn Cell>,
) -> bool {
    let gates = cell(weights(4)).gates();
    let w = weights(gates);
    let mut random = MersenneTwister::new(2);
    let (x, dout) = (random.randn(&[steps, 1, 2]), random.randn(&[steps, 1, 2]));
    let forward = |cell: &dyn Cell| {
        let given = Walk { lengths: vec![steps], reverse: false };
        given.forward(cell, &x, &start(cell), &mut silent()).unwrap().0
    };
    let numeric = finite_differences(&w.weight_hh, |hh| {
        let cell = cell(RecurrentWeights { weight_hh: hh.clone(), ..w.clone() });
        Ok(forward(&*cell).zip(&dout, |y, d| y * d)?.sum())
    });
    largest_difference(&backward(&*cell(w), &x, &dout), &numeric.unwrap()) < 1e-7
}

/// A first state that is not 0, so that a single step has a recurrent gradient.
fn start(cell: &dyn Cell) -> State {
    let ones = |x: Array| x.map(|_| 0.5);
    let zeros = cell.zeros(1).unwrap();
    State { h: ones(zeros.h), c: zeros.c.map(ones) }
}

fn through_time(cell: &dyn Cell, x: &Array, dout: &Array) -> Array {
    let given = Walk { lengths: vec![x.shape()[0]], reverse: false };
    given
        .backward(cell, x, &start(cell), dout, &cell.zeros(1).unwrap(), &mut silent())
        .unwrap()
        .weights
        .weight_hh
}

/// What `carry` makes of the gradient of the state before a step is all that reaches the step before.
fn through_time_carrying(
    cell: &dyn Cell,
    x: &Array,
    dout: &Array,
    carry: impl Fn(State) -> State,
    sum: bool,
) -> Array {
    let at = |x: &Array, t: usize| Array::from_fn(&x.shape()[1..], |i| x.get(&[t, i[0], i[1]]));
    let steps = x.shape()[0];
    let mut states = vec![start(cell)];
    for t in 0..steps {
        states.push(cell.step(&at(x, t), &states[t], &mut silent()).unwrap());
    }
    let mut arriving = cell.zeros(1).unwrap();
    let mut total: Option<Array> = None;
    for t in (0..steps).rev() {
        let h = arriving.h.zip(&at(dout, t), |d, y| d + y).unwrap();
        let after = State { h, c: arriving.c };
        let d = cell.step_backward(&at(x, t), &states[t], &after, &mut silent()).unwrap();
        arriving = carry(d.state);
        total = Some(match total {
            Some(total) if sum => total.zip(&d.weights.weight_hh, |a, b| a + b).unwrap(),
            _ => d.weights.weight_hh,
        });
    }
    total.unwrap()
}

fn through_time_without_the_recurrent_path(cell: &dyn Cell, x: &Array, dout: &Array) -> Array {
    through_time_carrying(cell, x, dout, |state| State { h: state.h.map(|_| 0.0), ..state }, true)
}

fn through_time_without_the_cell(cell: &dyn Cell, x: &Array, dout: &Array) -> Array {
    let carry = |state: State| State { c: state.c.map(|c| c.map(|_| 0.0)), ..state };
    through_time_carrying(cell, x, dout, carry, true)
}

fn through_time_with_the_last_step_only(cell: &dyn Cell, x: &Array, dout: &Array) -> Array {
    through_time_carrying(cell, x, dout, |state| state, false)
}

#[test]
fn a_dropped_recurrent_path_passes_every_test_of_one_step() {
    let rnn: fn(RecurrentWeights) -> Box<dyn Cell> = |weights| Box::new(Rnn { weights, relu: false });
    let lstm: fn(RecurrentWeights) -> Box<dyn Cell> = |weights| Box::new(Lstm { weights });
    for cell in [rnn, lstm] {
        for steps in [1, 3] {
            assert!(is_recurrent_gradient(through_time, steps, cell));
            assert_eq!(
                is_recurrent_gradient(through_time_without_the_recurrent_path, steps, cell),
                steps == 1
            );
            assert_eq!(is_recurrent_gradient(through_time_with_the_last_step_only, steps, cell), steps == 1);
        }
    }
    assert!(is_recurrent_gradient(through_time_without_the_cell, 1, lstm));
    assert!(!is_recurrent_gradient(through_time_without_the_cell, 3, lstm));
}
