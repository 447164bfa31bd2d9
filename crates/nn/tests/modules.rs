//! Names, states and modes of modules, however they are put together.

use std::sync::Mutex;

use barehand_nn::{
    Activation, BatchNorm1d, BatchNorm2d, Conv1D, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Dropout,
    ELU, Flatten, Float, GELU, Generator, Hardswish, LayerNorm, LeakyReLU, Linear, LogSoftmax, MaxPool1d,
    MaxPool2d, Mish, Module, PadMode, Padding, Parameters, ReLU, Result, SELU, Sequential, SiLU, Sigmoid,
    Softmax, Softplus, Softsign, Tanh, Tensor, Unfold, init, models, summary,
};
use barehand_tensor::check_gradients;

#[derive(Parameters)]
struct Everything<T: Float> {
    scale: Tensor<T>,
    #[module(buffer)]
    mean: Tensor<T>,
    layers: Vec<Linear<T>>,
    maybe: Option<Linear<T>>,
    nothing: Option<Linear<T>>,
    boxed: Box<dyn Module<T>>,
    array: [LayerNorm<T>; 2],
    pair: Two<T>,
    #[module(training)]
    training: bool,
    #[module(random)]
    generator: Mutex<Generator>,
    #[module(skip)]
    #[expect(dead_code, reason = "only its presence matters")]
    comment: String,
}

#[derive(Parameters)]
struct Two<T: Float>(Tensor<T>, Dropout);

fn everything(seed: u64) -> Everything<f32> {
    let mut generator = Generator::new(seed);
    let mut linear = || Linear::new(2, 2, &mut generator);
    Everything {
        scale: Tensor::ones([1]).requires_grad(),
        mean: Tensor::zeros([2]),
        layers: vec![linear(), linear()],
        maybe: Some(linear()),
        nothing: None,
        boxed: Box::new(Sequential::new().add(linear()).add(ReLU)),
        array: [LayerNorm::new([2]), LayerNorm::new([2]).without_bias()],
        pair: Two(Tensor::ones([3]).requires_grad(), Dropout::new(0.5, &mut Generator::new(seed)).unwrap()),
        training: true,
        generator: Mutex::new(Generator::new(seed)),
        comment: "none".to_owned(),
    }
}

type Case = (Box<dyn Module<f64>>, Result<Tensor<f64>>);
type Pair<'a> = (Box<dyn Module<f64> + 'a>, Box<dyn Module<f64> + 'a>);

#[test]
fn names_are_those_of_the_fields() {
    let model = everything(0);
    let names: Vec<String> = model.state_dict().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "scale",
            "mean",
            "layers.0.weight",
            "layers.0.bias",
            "layers.1.weight",
            "layers.1.bias",
            "maybe.weight",
            "maybe.bias",
            "boxed.0.weight",
            "boxed.0.bias",
            "array.0.weight",
            "array.0.bias",
            "array.1.weight",
            "pair.0"
        ]
    );
    assert_eq!(model.named_parameters().len(), names.len() - 1, "a buffer is no parameter");
    assert_eq!(model.num_parameters(), 1 + 4 * 6 + 6 + 3);
    assert_eq!(model.random_states().keys().collect::<Vec<_>>(), ["generator", "pair.1.generator"]);
}

#[test]
fn a_struct_without_parameters_of_type_takes_the_type_it_names() {
    #[derive(Parameters)]
    #[module(f64)]
    struct Doubles {
        weight: Tensor<f64>,
    }
    #[derive(Parameters)]
    struct Singles {
        weight: Tensor,
        relu: ReLU,
    }
    assert_eq!(Parameters::<f64>::num_parameters(&Doubles { weight: Tensor::zeros([3]) }), 3);
    assert_eq!(Parameters::<f32>::num_parameters(&Singles { weight: Tensor::zeros([3]), relu: ReLU }), 3);
}

#[test]
fn a_state_dict_round_trips() {
    let (source, mut target) = (everything(1), everything(2));
    assert_ne!(source.state_dict(), target.state_dict());
    target.load_state_dict(&source.state_dict()).unwrap();
    assert_eq!(source.state_dict(), target.state_dict());
    assert!(target.named_parameters().iter().all(|(_, parameter)| parameter.is_leaf()));
    // What was loaded is a copy.
    target.layers[0].weight.data_mut()[0] += 1.0;
    assert_ne!(source.layers[0].weight, target.layers[0].weight);
}

#[test]
fn a_state_dict_that_does_not_fit_is_refused_with_every_reason() {
    let mut model = everything(0);
    let mut state = everything(1).state_dict();
    state.retain(|(name, _)| name != "mean");
    state[0].1 = Tensor::zeros([7]);
    state.push(("stranger".to_owned(), Tensor::zeros([1])));
    state.push(state[1].clone());
    let before = model.state_dict();
    let error = model.load_state_dict(&state).unwrap_err().to_string();
    assert_eq!(
        error,
        "load_state_dict: layers.0.weight is given twice; scale has shape [7], expected [1]; mean is missing; \
         stranger is unexpected"
    );
    assert_eq!(model.state_dict(), before, "nothing was copied");
}

#[test]
fn modes_reach_every_layer() {
    let mut model = everything(0);
    assert!(model.is_training());
    model.eval();
    assert!(!model.is_training() && !model.training && !model.pair.1.training);
    model.train();
    assert!(model.training && model.pair.1.training);
}

#[test]
fn randomness_continues_from_its_state() {
    let mut generator = Generator::new(3);
    let mut model = Sequential::<f32>::new().add(Dropout::new(0.5, &mut generator).unwrap());
    let x = Tensor::ones([100]);
    model.forward(&x).unwrap();
    let states = model.random_states();
    let (first, second) = (model.forward(&x).unwrap(), model.forward(&x).unwrap());
    assert_ne!(first, second);
    model.set_random_states(&states).unwrap();
    assert_eq!(model.forward(&x).unwrap(), first);
    assert!(model.set_random_states(&std::collections::BTreeMap::new()).is_err());
}

#[test]
fn frozen_parameters_stay_in_the_state_but_are_not_trained() {
    let mut model = everything(0);
    model.layers.freeze();
    assert_eq!(model.num_parameters() - model.num_trainable(), 12);
    assert_eq!(model.state_dict().len(), 14);
    model.unfreeze();
    assert_eq!(model.num_parameters(), model.num_trainable());
}

#[test]
fn activations_are_the_operators_of_their_names() {
    let x = Tensor::from([[-3.0_f64, -0.5, 0.25], [0.5, 2.0, 25.0]]);
    let cases: Vec<Case> = vec![
        (Box::new(ReLU), x.relu()),
        (Box::new(LeakyReLU::default()), x.leaky_relu(0.01)),
        (Box::new(ELU::default()), x.elu(1.0)),
        (Box::new(SELU), x.selu()),
        (Box::new(GELU::default()), x.gelu()),
        (Box::new(GELU { tanh: true }), x.gelu_tanh()),
        (Box::new(SiLU), x.silu()),
        (Box::new(Mish), x.mish()),
        (Box::new(Softplus::default()), x.softplus(1.0, 20.0)),
        (Box::new(Softsign), x.softsign()),
        (Box::new(Hardswish), x.hardswish()),
        (Box::new(Sigmoid), x.sigmoid()),
        (Box::new(Tanh), x.tanh()),
        (Box::new(Softmax { axis: 0 }), x.softmax(0)),
        (Box::new(LogSoftmax::default()), x.log_softmax(-1)),
        (Box::new(Activation::Tanh), x.tanh()),
        (Box::new(Activation::LeakyReLU), x.leaky_relu(0.01)),
        (Box::new(Activation::Softplus), x.softplus(1.0, 20.0)),
    ];
    for (i, (module, expected)) in cases.into_iter().enumerate() {
        assert_eq!(module.forward(&x).unwrap(), expected.unwrap(), "case {i}");
    }
    assert_eq!(serde_json::to_string(&Activation::LeakyReLU).unwrap(), "\"leakyrelu\"");
}

/// Checks the gradients of a module's input and parameters with a linear or convolution layer before it.
fn check(first: impl Module<f64>, module: impl Module<f64>, x: Tensor<f64>) {
    let mut inputs = vec![x];
    let models: Mutex<Pair> = Mutex::new((Box::new(first), Box::new(module)));
    {
        let models = models.lock().unwrap();
        let both = models.0.named_parameters().into_iter().chain(models.1.named_parameters());
        inputs.extend(both.map(|(_, parameter)| parameter.detach()));
    }
    let run = |inputs: &[Tensor<f64>]| {
        let mut models = models.lock().unwrap();
        let (first, second) = &mut *models;
        let mut next = inputs[1..].iter();
        first.visit_parameters_mut(&mut |_, parameter| *parameter = next.next().unwrap().clone());
        second.visit_parameters_mut(&mut |_, parameter| *parameter = next.next().unwrap().clone());
        second.forward(&first.forward(&inputs[0])?.tanh()?)
    };
    check_gradients(run, &inputs, 1e-6).unwrap();
}

#[test]
fn gradients_pass_through_every_layer() {
    let mut g = Generator::new(5);
    let rows = || init::normal::<f64>(&[4, 3], 0.0, 1.0, &mut Generator::new(1));
    let linear = |g: &mut Generator| Linear::new(3, 5, g);
    check(linear(&mut g), Linear::new(5, 2, &mut g), rows());
    check(linear(&mut g), LayerNorm::new([5]), rows());
    check(linear(&mut g), LayerNorm::new([4, 5]).plain(), rows());
    check(linear(&mut g), BatchNorm1d::new(5), rows());
    let mut evaluated = BatchNorm1d::new(5);
    evaluated.eval();
    check(linear(&mut g), evaluated, rows());
    check(linear(&mut g), Softmax::default(), rows());
    for activation in
        [Activation::GELU, Activation::SiLU, Activation::Mish, Activation::Softplus, Activation::SELU]
    {
        check(linear(&mut g), activation, rows());
    }
    let images = || init::normal::<f64>(&[2, 2, 6, 5], 0.0, 1.0, &mut Generator::new(2));
    let conv = |g: &mut Generator| Conv2d::builder(2, 4, 3).padding(1).build(g).unwrap();
    check(conv(&mut g), Conv2d::builder(4, 2, 3).stride(2).groups(2).build(&mut g).unwrap(), images());
    check(conv(&mut g), BatchNorm2d::new(4), images());
    check(conv(&mut g), MaxPool2d::new(2), images());
    check(conv(&mut g), barehand_nn::AvgPool2d::new(3).stride(2).padding(1), images());
    check(conv(&mut g), barehand_nn::AdaptiveAvgPool2d::new([2, 3]), images());
    check(conv(&mut g), Flatten::default(), images());
    let turned = Conv2d::builder(4, 2, 2).kernel(barehand_nn::ConvKernel::Convolution);
    check(
        conv(&mut g),
        turned.padding(Padding::Same).padding_mode(PadMode::Reflect).build(&mut g).unwrap(),
        images(),
    );
    let transposed = ConvTranspose2d::builder(4, 2, 3).stride(2).output_padding(1).groups(2);
    check(conv(&mut g), transposed.build(&mut g).unwrap(), images());
    check(conv(&mut g), barehand_nn::AdaptiveMaxPool2d::new([2, 3]), images());
    check(conv(&mut g), Unfold::new(2).stride(2), images());
    let sequences = || init::normal::<f64>(&[2, 2, 7], 0.0, 1.0, &mut Generator::new(3));
    let conv = |g: &mut Generator| Conv1d::builder(2, 4, 3).padding(Padding::Same).build(g).unwrap();
    check(conv(&mut g), Conv1d::builder(4, 4, 3).stride(2).groups(4).build(&mut g).unwrap(), sequences());
    let transposed = ConvTranspose1d::builder(4, 3, 3).stride(3).padding(1).output_padding(2);
    check(conv(&mut g), transposed.build(&mut g).unwrap(), sequences());
    check(conv(&mut g), MaxPool1d::new(3).stride(2), sequences());
    check(conv(&mut g), barehand_nn::AvgPool1d::new(3).padding(1), sequences());
    check(linear(&mut g), Conv1D::new(5, 3, &mut g), rows());
}

#[test]
fn initial_weights_fill_pytorchs_bounds() {
    let mut generator = Generator::new(0);
    let linear = Linear::<f32>::new(100, 300, &mut generator);
    let conv = Conv2d::<f32>::builder(8, 300, 5).groups(2).build(&mut generator).unwrap();
    for (parameter, bound) in [
        (&linear.weight, 0.1),
        (linear.bias.as_ref().unwrap(), 0.1),
        (&conv.weight, 0.1),
        (conv.bias.as_ref().unwrap(), 0.1),
    ] {
        let largest = parameter.to_vec().iter().fold(0.0, |most: f32, x| most.max(x.abs()));
        assert!(largest <= bound && largest > 0.98 * bound, "{largest}");
        let mean_square = parameter.square().unwrap().mean().unwrap().item().unwrap();
        assert!((mean_square / (bound * bound / 3.0) - 1.0).abs() < 0.15, "{mean_square}");
    }
    let relu = init::Nonlinearity::ReLU;
    let std = |x: Tensor<f64>| x.std(0.0).unwrap().item().unwrap();
    let near = |x: f64, y: f64| assert!((x / y - 1.0).abs() < 0.03, "{x} {y}");
    let shape = [200, 50];
    near(
        std(init::kaiming_normal(&shape, init::Fan::In, relu, &mut generator).unwrap()),
        (2.0_f64 / 50.0).sqrt(),
    );
    near(
        std(init::kaiming_uniform(&shape, init::Fan::Out, relu, &mut generator).unwrap()),
        (2.0_f64 / 200.0).sqrt(),
    );
    near(std(init::xavier_normal(&shape, 1.0, &mut generator).unwrap()), (2.0_f64 / 250.0).sqrt());
    near(std(init::xavier_uniform(&shape, 2.0, &mut generator).unwrap()), 2.0 * (2.0_f64 / 250.0).sqrt());
    assert!(init::xavier_uniform::<f64>(&[3], 1.0, &mut generator).is_err());
}

#[test]
fn one_seed_makes_one_model_in_either_precision() {
    let single = models::cnn::<f32>(1, [8, 8], 3, &mut Generator::new(7)).unwrap();
    let double = models::cnn::<f64>(1, [8, 8], 3, &mut Generator::new(7)).unwrap();
    for ((name, x), (_, y)) in single.state_dict().into_iter().zip(double.state_dict()) {
        assert_eq!(x, y.cast(), "{name}");
    }
}

#[test]
fn the_summary_of_a_cnn_is_a_table() {
    let model =
        models::Cnn::builder(1, [28, 28], 10).dropout(0.5).build::<f32>(&mut Generator::new(0)).unwrap();
    let table = summary(&model, &[1, 1, 28, 28]).unwrap();
    assert_eq!((table.parameters, table.trainable), (1_199_882, 1_199_882));
    let expected = "\
======================================================
Layer (name)               Output shape     Parameters
======================================================
Cnn                        [1, 10]                  --
  Conv2d (convolutions.0)  [1, 32, 26, 26]         320
  Conv2d (convolutions.1)  [1, 64, 24, 24]      18,496
  MaxPool2d (pool)         [1, 64, 12, 12]          --
  Linear (layers.0)        [1, 128]          1,179,776
  Linear (layers.1)        [1, 10]               1,290
  Dropout (dropouts.0)     [1, 128]                 --
======================================================
Parameters:     1,199,882
Trainable:      1,199,882
Frozen:         0
Input (MB):     0.00
Outputs (MB):   0.12
Weights (MB):   4.80
======================================================";
    assert_eq!(table.to_string(), expected);
    assert!(summary(&model, &[1, 3, 28, 28]).is_err());

    let sequential =
        Sequential::<f32>::new().add(Flatten::default()).add(ReLU).add(Flatten::default()).add(ReLU);
    let shapes: Vec<_> =
        summary(&sequential, &[2, 3, 4]).unwrap().rows.into_iter().map(|row| row.output).collect();
    assert!(shapes.iter().all(|shape| shape.as_deref() == Some(&[2, 12])), "{shapes:?}");
}

#[test]
fn wrong_shapes_are_refused_in_words() {
    let norm = BatchNorm2d::<f32>::new(3);
    let error = norm.forward(&Tensor::zeros([2, 4, 5, 5])).unwrap_err().to_string();
    assert_eq!(error, "BatchNorm2d: input of shape [2, 4, 5, 5] must be (N, C, H, W) with C = 3");
    let error = LayerNorm::<f32>::new([3]).forward(&Tensor::zeros([2, 4])).unwrap_err().to_string();
    assert_eq!(error, "LayerNorm: input of shape [2, 4] must end with the normalised shape [3]");
    assert!(Dropout::new(1.5, &mut Generator::new(0)).is_err());
    assert!(models::mlp::<f32>(&[3], &mut Generator::new(0)).is_err());
    assert!(Conv2d::<f32>::new(1, 1, 0, &mut Generator::new(0)).is_err());
}
