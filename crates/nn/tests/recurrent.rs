//! Recurrent layers and cells against PyTorch, and by finite differences with a layer before them.

mod golden;

use barehand_nn::layers::recurrent::{Kind, Recurrent, RecurrentBuilder, RecurrentStep};
use barehand_nn::packed_sequence::{PaddingSide, pack_padded_sequence, pad_packed_sequence, pad_sequence};
use barehand_nn::{Float, GRU, GRUCell, Generator, LSTM, LSTMCell, Module, Parameters, RNN, RNNCell, Tensor};
use barehand_tensor::check_gradients;
use golden::{Goldens, name, op, weighted};
use serde_json::Value;

const INPUTS: usize = 3;
const HIDDEN: usize = 2;

fn number(options: &Value, key: &str, default: u64) -> usize {
    options[key].as_u64().unwrap_or(default) as usize
}

fn flag(options: &Value, key: &str, default: bool) -> bool {
    options[key].as_bool().unwrap_or(default)
}

/// The case's values in the parameters, each a leaf.
fn fill<T: Float>(module: &mut impl Parameters<T>, goldens: &Goldens<T>, case: &Value) {
    let mut seen = 0;
    module.visit_parameters_mut(&mut |name, parameter| {
        *parameter = goldens.real(case, name).requires_grad();
        seen += 1;
    });
    let inputs = case["inputs"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    assert_eq!(seen, inputs.filter(|name| name.starts_with("weight") || name.starts_with("bias")).count());
}

/// The initial state of a case, where it has one, as leaves.
fn state<K: Kind, T: Float>(goldens: &Goldens<T>, case: &Value) -> Option<K::State<T>> {
    let leaf = |name: &str| goldens.find(case, name).map(Tensor::requires_grad);
    leaf("h0").map(|h| K::join(h, leaf("c0")))
}

/// Compares outputs, and the gradients of everything that went in.
fn compare<K: Kind, T: Float>(
    goldens: &Goldens<T>,
    case: &Value,
    module: &impl Parameters<T>,
    x: &Tensor<T>,
    start: Option<&K::State<T>>,
    out: Option<&Tensor<T>>,
    end: &K::State<T>,
    tolerance: f64,
) {
    let (h, c) = K::parts(end);
    let mut objective = Tensor::scalar(T::from_real(0.0));
    for (name, value) in [("out", out), ("h", Some(h)), ("c", c)] {
        if let Some(value) = value {
            goldens.assert_close(case, name, value, tolerance);
            let weights = goldens.real(case, &format!("w.{name}"));
            objective = objective.add(&weighted(value, weights)).unwrap();
        }
    }
    let gradients = objective.backward().unwrap();
    let (h0, c0) = start.map(K::parts).unzip();
    let inputs = [("x", Some(x)), ("h0", h0), ("c0", c0.flatten())];
    let inputs = inputs.into_iter().filter_map(|(name, leaf)| Some((name.to_owned(), leaf?)));
    for (name, leaf) in inputs.chain(module.named_parameters()) {
        goldens.assert_close(case, &format!("grad.{name}"), gradients.of(leaf).unwrap(), tolerance);
    }
}

fn layer<K: Kind, T: Float>(
    goldens: &Goldens<T>,
    case: &Value,
    builder: RecurrentBuilder<K>,
    tolerance: f64,
) {
    let options = &case["options"];
    let mut layer: Recurrent<K, T> = builder
        .num_layers(number(options, "num_layers", 1))
        .bias(flag(options, "bias", true))
        .batch_first(flag(options, "batch_first", false))
        .bidirectional(flag(options, "bidirectional", false))
        .build(&mut Generator::new(0))
        .unwrap();
    fill(&mut layer, goldens, case);
    let x = goldens.real(case, "x").requires_grad();
    let start = state::<K, T>(goldens, case);
    let lengths: Option<Vec<usize>> = options["lengths"]
        .as_array()
        .map(|lengths| lengths.iter().map(|length| length.as_u64().unwrap() as usize).collect());
    let (out, end) = layer.forward_with(&x, start.as_ref(), lengths.as_deref()).unwrap();
    compare::<K, T>(goldens, case, &layer, &x, start.as_ref(), Some(&out), &end, tolerance);
}

fn cell<K: Kind, T: Float>(goldens: &Goldens<T>, case: &Value, cell: RecurrentStep<K, T>, tolerance: f64) {
    let mut cell = if flag(&case["options"], "bias", true) { cell } else { cell.without_bias() };
    fill(&mut cell, goldens, case);
    let x = goldens.real(case, "x").requires_grad();
    let start = state::<K, T>(goldens, case);
    let end = cell.step(&x, start.as_ref()).unwrap();
    compare::<K, T>(goldens, case, &cell, &x, start.as_ref(), None, &end, tolerance);
}

fn every_case<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("recurrent");
    let random = &mut Generator::new(0);
    for case in &goldens.cases {
        let kind = case["options"]["cell"].as_str().unwrap();
        if op(case) == "cell" {
            match kind {
                "rnn_tanh" => cell(&goldens, case, RNNCell::new(INPUTS, HIDDEN, random).unwrap(), tolerance),
                "rnn_relu" => {
                    cell(&goldens, case, RNNCell::new(INPUTS, HIDDEN, random).unwrap().relu(), tolerance);
                }
                "lstm" => cell(&goldens, case, LSTMCell::new(INPUTS, HIDDEN, random).unwrap(), tolerance),
                "gru" => cell(&goldens, case, GRUCell::new(INPUTS, HIDDEN, random).unwrap(), tolerance),
                other => panic!("{}: {other}", name(case)),
            }
            continue;
        }
        match kind {
            "rnn_tanh" => layer(&goldens, case, RNN::builder(INPUTS, HIDDEN), tolerance),
            "rnn_relu" => layer(&goldens, case, RNN::builder(INPUTS, HIDDEN).relu(), tolerance),
            "lstm" => {
                let projection = number(&case["options"], "proj_size", 0);
                layer(&goldens, case, LSTM::builder(INPUTS, HIDDEN).proj_size(projection), tolerance);
            }
            "gru" => layer(&goldens, case, GRU::builder(INPUTS, HIDDEN), tolerance),
            other => panic!("{}: {other}", name(case)),
        }
    }
    assert!(goldens.cases.len() >= 50, "{} cases", goldens.cases.len());
}

#[test]
fn double_precision_is_pytorchs() {
    every_case::<f64>(1e-12);
}

#[test]
fn single_precision_is_pytorchs() {
    every_case::<f32>(1e-5);
}

/// Finite differences of outputs and final states, with a linear layer before the block.
fn differences<K: Kind>(builder: RecurrentBuilder<K>, shape: [usize; 3], lengths: Option<&[usize]>) {
    let random = &mut Generator::new(5);
    let layer: Recurrent<K, f64> = builder.build(random).unwrap();
    let x = Tensor::<f64>::randn(shape, random);
    let before = Tensor::<f64>::randn([builder_inputs(&layer), shape[2]], random);
    let parameters: Vec<Tensor<f64>> =
        layer.named_parameters().into_iter().map(|(_, p)| p.detach()).collect();
    let inputs: Vec<Tensor<f64>> = [x, before].into_iter().chain(parameters).collect();
    let run = |inputs: &[Tensor<f64>]| {
        let mut layer: Recurrent<K, f64> = builder.build(&mut Generator::new(5))?;
        let mut given = inputs[2..].iter();
        layer.visit_parameters_mut(&mut |_, parameter| *parameter = given.next().unwrap().clone());
        let z = inputs[0].linear(&inputs[1], None)?;
        let (y, end) = layer.forward_with(&z, None, lengths)?;
        let (h, c) = K::parts(&end);
        let parts = [Some(&y), Some(h), c];
        let flat =
            parts.into_iter().flatten().map(|part| part.flatten(0, -1)).collect::<Result<Vec<_>, _>>()?;
        barehand_tensor::concat(&flat.iter().collect::<Vec<_>>(), 0)
    };
    let check = check_gradients(run, &inputs, 1e-6).unwrap_or_else(|error| panic!("{}: {error}", K::LAYER));
    assert!(check.compared > 0);
}

fn builder_inputs<K: Kind>(layer: &Recurrent<K, f64>) -> usize {
    layer.weights[0].weight_ih.shape()[1]
}

#[test]
fn gradients_are_those_of_finite_differences() {
    // More than one tile of units and of sequences, and as many steps as make a packed weight.
    for (shape, inputs, hidden) in [([3, 2, 2], 3, 2), ([2, 9, 2], 2, 5), ([5, 1, 1], 1, 1)] {
        differences(RNN::builder(inputs, hidden), shape, None);
        differences(LSTM::builder(inputs, hidden), shape, None);
        differences(GRU::builder(inputs, hidden), shape, None);
    }
    let (shape, lengths) = ([4, 3, 2], Some(&[2, 4, 1][..]));
    differences(RNN::builder(3, 2).num_layers(2).bidirectional(true), shape, lengths);
    differences(GRU::builder(3, 2).num_layers(2).bidirectional(true), shape, lengths);
    differences(LSTM::builder(3, 3).num_layers(2).bidirectional(true).proj_size(2), shape, lengths);
}

#[test]
fn no_sequence_is_as_long_as_nothing() {
    let layer = LSTM::<f32>::new(3, 2, &mut Generator::new(0)).unwrap();
    let (y, (h, c)) = layer.forward_with(&Tensor::zeros([4, 0, 3]), None, None).unwrap();
    assert_eq!((y.shape(), h.shape(), c.shape()), (&[4, 0, 2][..], &[1, 0, 2][..], &[1, 0, 2][..]));
    assert!(layer.forward(&Tensor::zeros([0, 2, 3])).is_err());
}

#[test]
fn wrong_shapes_are_refused() {
    let random = &mut Generator::new(0);
    let layer = GRU::<f32>::new(3, 2, random).unwrap();
    let x = Tensor::zeros([4, 2, 3]);
    assert!(layer.forward(&Tensor::zeros([4, 2, 5])).is_err());
    assert!(layer.forward(&Tensor::zeros([4])).is_err());
    assert!(layer.forward_with(&x, Some(&Tensor::zeros([1, 3, 2])), None).is_err());
    assert!(layer.forward_with(&x, None, Some(&[4])).is_err());
    assert!(layer.forward_with(&x, None, Some(&[4, 0])).is_err());
    assert!(layer.forward_with(&x, None, Some(&[4, 5])).is_err());
    assert!(GRU::<f32>::new(3, 0, random).is_err());
    assert!(GRU::builder(3, 2).num_layers(0).build::<f32>(random).is_err());
    assert!(GRU::builder(3, 2).dropout(1.5).build::<f32>(random).is_err());
    assert!(LSTM::builder(3, 2).proj_size(2).build::<f32>(random).is_err());
    let cell = GRUCell::<f32>::new(3, 2, random).unwrap();
    assert!(cell.step(&Tensor::zeros([2, 3]), Some(&Tensor::zeros([2]))).is_err());
    assert!(cell.step(&Tensor::zeros([2, 2, 3]), None).is_err());
}

#[test]
fn dropout_is_between_layers_and_in_training_only() {
    let build = |layers: usize| {
        let mut layer =
            RNN::builder(3, 8).num_layers(layers).dropout(1.0).build::<f64>(&mut Generator::new(1)).unwrap();
        layer.visit_parameters_mut(&mut |name, p| {
            if name.starts_with("bias") {
                *p = p.zeros_like();
            }
        });
        layer
    };
    let x = Tensor::<f64>::ones([2, 1, 3]);
    let zero = |y: &Tensor<f64>| y.to_vec().iter().all(|&v| v == 0.0);
    assert!(!zero(&build(1).forward(&x).unwrap()), "a single layer drops nothing");
    let mut two = build(2);
    assert!(zero(&two.forward(&x).unwrap()), "everything between the layers is dropped");
    two.eval();
    assert!(!zero(&two.forward(&x).unwrap()));
}

#[test]
fn a_step_of_a_cell_is_a_step_of_the_layer() {
    let layer = LSTM::<f64>::new(3, 4, &mut Generator::new(2)).unwrap();
    let mut cell = LSTMCell::<f64>::new(3, 4, &mut Generator::new(3)).unwrap();
    cell.weights = layer.weights[0].clone();
    let x = Tensor::<f64>::randn([5, 2, 3], &mut Generator::new(4));
    let (y, (h, c)) = layer.forward_with(&x, None, None).unwrap();
    let mut state = None;
    for t in 0..5 {
        let next = cell.step(&x.select(0, t).unwrap(), state.as_ref()).unwrap();
        assert!(next.0.max_abs_diff(&y.select(0, t).unwrap()).unwrap() < 1e-14);
        state = Some(next);
    }
    let state = state.unwrap();
    assert!(state.0.max_abs_diff(&h.squeeze(0).unwrap()).unwrap() < 1e-14);
    assert!(state.1.max_abs_diff(&c.squeeze(0).unwrap()).unwrap() < 1e-14);
}

#[test]
fn begins_uniform_on_one_over_the_root_of_the_units() {
    let layer = GRU::<f64>::new(300, 100, &mut Generator::new(0)).unwrap();
    for (name, parameter) in layer.named_parameters() {
        let values = parameter.to_vec();
        let most = values.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        assert!(most <= 0.1 && most > 0.099, "{name}: {most}");
    }
    let names: Vec<String> = LSTM::builder(3, 2)
        .num_layers(2)
        .bidirectional(true)
        .proj_size(1)
        .build::<f32>(&mut Generator::new(0))
        .unwrap()
        .named_parameters()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names.len(), 20);
    assert_eq!(
        names[5..11],
        [
            "weight_ih_l0_reverse",
            "weight_hh_l0_reverse",
            "bias_ih_l0_reverse",
            "bias_hh_l0_reverse",
            "weight_hr_l0_reverse",
            "weight_ih_l1"
        ]
    );
}

#[test]
fn sequences_are_packed_and_padded() {
    let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
    let packed = pack_padded_sequence(&x, &[2, 3, 1], true).unwrap();
    assert_eq!(packed.sorted_indices, [1, 0, 2]);
    assert_eq!(packed.batch_sizes, [3, 2, 1]);
    assert_eq!(packed.data.to_vec(), [4.0, 1.0, 7.0, 5.0, 2.0, 6.0]);
    let (padded, lengths) = pad_packed_sequence(&packed, false, -1.0, Some(4)).unwrap();
    let expected = [[1.0, 4.0, 7.0], [2.0, 5.0, -1.0], [-1.0, 6.0, -1.0], [-1.0, -1.0, -1.0]];
    assert_eq!((padded, lengths), (Tensor::from(expected), vec![2, 3, 1]));
    assert!(pad_packed_sequence(&packed, false, 0.0, Some(2)).is_err());

    let (a, b) = (Tensor::from([1.0, 2.0]), Tensor::from([3.0]));
    let right = pad_sequence(&[&a, &b], true, 0.5, PaddingSide::Right).unwrap();
    assert_eq!(right, Tensor::from([[1.0, 2.0], [3.0, 0.5]]));
    let left = pad_sequence(&[&a, &b], false, 0.0, PaddingSide::Left).unwrap();
    assert_eq!(left, Tensor::from([[1.0, 0.0], [2.0, 3.0]]));
    assert!(pad_sequence::<f32>(&[], true, 0.0, PaddingSide::Right).is_err());
}

/// Sequences of nothing, so many or so long that a product of the sizes is no number.
fn endless<K: Kind>() {
    let huge = 1_usize << 40;
    let nobody = Tensor::<f32>::zeros([0, huge, 3]).transpose(0, 1).unwrap();
    let nothing = Tensor::<f32>::zeros([0, huge, huge]).transpose(0, 2).unwrap();
    let mut generator = Generator::new(0);
    let layer = Recurrent::<K>::new(3, HIDDEN, &mut generator).unwrap();
    assert_eq!(layer.forward(&nobody).unwrap().shape(), [huge, 0, HIDDEN]);
    let batch_first = Recurrent::<K>::builder(3, HIDDEN).batch_first(true).build(&mut generator).unwrap();
    assert_eq!(batch_first.forward(&nobody.transpose(0, 1).unwrap()).unwrap().shape(), [0, huge, HIDDEN]);
    let blind = Recurrent::<K>::new(0, HIDDEN, &mut generator).unwrap();
    let refused = blind.forward(&nothing).unwrap_err().to_string();
    assert!(refused.contains("than memory can address"), "{refused}");
    let cell = RecurrentStep::<K>::new(0, HIDDEN, &mut generator).unwrap();
    assert!(cell.step(&Tensor::zeros([1 << 62, 0]), None).is_err());
    let y = blind.forward_with(&Tensor::zeros([2, 2, 0]), None, Some(&[2, 1])).unwrap().0;
    assert_eq!(y.shape(), [2, 2, HIDDEN]);
    assert!(blind.forward_with(&nothing, None, Some(&[2, 1])).is_err());
}

#[test]
fn sequences_of_nothing_without_end_are_refused_or_nothing() {
    endless::<barehand_nn::layers::recurrent::Rnn>();
    endless::<barehand_nn::layers::recurrent::Lstm>();
    endless::<barehand_nn::layers::recurrent::Gru>();
}
