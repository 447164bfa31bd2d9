//! Recurrent layers in both directions over batches of sequences of different lengths.

use barehand_nn::packed_sequence::{pack_padded_sequence, pad_packed_sequence};
use barehand_tensor::{Float, RecurrentCell, RecurrentWeights as Borrowed, Tensor};
use barehand_textbook::{Array, Cell, Gru, Lstm, RecurrentWeights, Rnn, State, Trace, Walk};

use crate::pair::{Pair, hold};

fn walk<T: Float>(pair: &mut Pair<T>, kind: RecurrentCell) {
    let gates = kind.gates();
    let large = pair.rarely(4);
    let mut length = |small: usize| if large { pair.between(8..=16) } else { pair.between(1..=small) };
    let (batch, inputs, hidden) = (length(7), length(5), length(6));
    let steps = pair.between(1..=6);
    let projected = kind == RecurrentCell::Lstm && hidden > 1 && pair.flag();
    let width = if projected { pair.between(1..=hidden - 1) } else { hidden };
    let lengths: Vec<usize> = (0..batch).map(|_| pair.between(1..=steps)).collect();
    // Small enough that steps do not double what is rounded: the walk is no chaos.
    let scale = 0.5 / (inputs.max(width) as f64).sqrt();
    let mut small = |shape: &[usize]| pair.array(shape).map(|w| crate::pair::exact(w * scale));
    let weights = RecurrentWeights {
        weight_ih: small(&[gates * hidden, inputs]),
        weight_hh: small(&[gates * hidden, width]),
        bias_ih: small(&[gates * hidden]),
        bias_hh: small(&[gates * hidden]),
        weight_hr: projected.then(|| small(&[width, hidden])),
    };
    let twin: Box<dyn Cell> = match kind {
        RecurrentCell::Lstm => Box::new(Lstm { weights: weights.clone() }),
        RecurrentCell::Gru => Box::new(Gru { weights: weights.clone() }),
        rnn => Box::new(Rnn { weights: weights.clone(), relu: rnn == RecurrentCell::RnnRelu }),
    };
    let (x, dout) = (pair.array(&[steps, batch, inputs]), pair.array(&[steps, batch, width]));
    let lstm = kind == RecurrentCell::Lstm;
    let mut state =
        || State { h: pair.array(&[batch, width]), c: lstm.then(|| pair.array(&[batch, hidden])) };
    let (start, dend) = (state(), state());
    let reverse = pair.flag();
    let walk = Walk { lengths: lengths.clone(), reverse };
    let silent = &mut Trace::silent();
    let (out, end) = walk.forward(&*twin, &x, &start, silent).unwrap();
    let d = walk.backward(&*twin, &x, &start, &dout, &dend, silent).unwrap();

    let (leaf, ih, hh) = (pair.leaf(&x), pair.leaf(&weights.weight_ih), pair.leaf(&weights.weight_hh));
    let (b, u) = (pair.leaf(&weights.bias_ih), pair.leaf(&weights.bias_hh));
    let hr = weights.weight_hr.as_ref().map(|hr| pair.leaf(hr));
    let (h, c) = (pair.leaf(&start.h), start.c.as_ref().map(|c| pair.leaf(c)));
    let packed = pack_padded_sequence(&leaf, &lengths, false).unwrap();
    let order = |places: &[usize]| Tensor::from(places.iter().map(|&i| i as i64).collect::<Vec<i64>>());
    let (sorted, unsorted) = (order(&packed.sorted_indices), order(&packed.unsorted_indices()));
    let pick = |x: &Tensor<T>, places: &Tensor<i64>| x.index_select(0, places).unwrap();
    let borrowed = Borrowed { weight_ih: &ih, weight_hh: &hh, bias: Some([&b, &u]), weight_hr: hr.as_ref() };
    let (h_sorted, c_sorted) = (pick(&h, &sorted), c.as_ref().map(|c| pick(c, &sorted)));
    let engine = packed
        .data
        .recurrent(kind, &packed.batch_sizes, reverse, borrowed, Some(&h_sorted), c_sorted.as_ref())
        .unwrap();
    let padded = barehand_nn::PackedSequence { data: engine.out, ..packed.clone() };
    let y = pad_packed_sequence(&padded, false, 0.0, Some(steps)).unwrap().0;
    let last = pick(&engine.h, &unsorted);
    pair.same("out", &y, &out);
    pair.same("h", &last, &end.h);
    // All results in one row, so that one gradient goes back through all of them.
    let mut parts = vec![(y, dout), (last, dend.h)];
    if let (Some(c), Some(expected), Some(dc)) = (engine.c, end.c, dend.c) {
        let c = pick(&c, &unsorted);
        pair.same("c", &c, &expected);
        parts.push((c, dc));
    }
    let flat: Vec<Tensor<T>> = parts.iter().map(|(y, _)| y.flatten(0, -1).unwrap()).collect();
    let all = barehand_tensor::concat(&flat.iter().collect::<Vec<_>>(), 0).unwrap();
    let numbers: Vec<f64> = parts.iter().flat_map(|(_, d)| d.data().to_vec()).collect();
    let dall = Array::new(&[numbers.len()], numbers).unwrap();
    let mut leaves = vec![
        ("dx", &leaf, &d.input),
        ("dh", &h, &d.state.h),
        ("dW_ih", &ih, &d.weights.weight_ih),
        ("dW_hh", &hh, &d.weights.weight_hh),
        ("db_ih", &b, &d.weights.bias_ih),
        ("db_hh", &u, &d.weights.bias_hh),
    ];
    leaves.extend(c.as_ref().zip(d.state.c.as_ref()).map(|(c, dc)| ("dc", c, dc)));
    leaves.extend(hr.as_ref().zip(d.weights.weight_hr.as_ref()).map(|(hr, d)| ("dW_hr", hr, d)));
    pair.same_gradients(&all, &dall, &leaves);
}

fn rnn<T: Float>(pair: &mut Pair<T>) {
    walk(pair, RecurrentCell::RnnTanh);
    walk(pair, RecurrentCell::RnnRelu);
}

fn lstm<T: Float>(pair: &mut Pair<T>) {
    walk(pair, RecurrentCell::Lstm);
}

fn gru<T: Float>(pair: &mut Pair<T>) {
    walk(pair, RecurrentCell::Gru);
}

#[test]
fn rnn_agrees() {
    hold("rnn", 8, [256.0, 256.0], rnn::<f64>, rnn::<f32>);
}

#[test]
fn lstm_agrees() {
    hold("lstm", 12, [256.0, 256.0], lstm::<f64>, lstm::<f32>);
}

#[test]
fn gru_agrees() {
    hold("gru", 12, [256.0, 256.0], gru::<f64>, gru::<f32>);
}
