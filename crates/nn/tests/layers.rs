//! Layers against PyTorch: outputs, gradients of inputs and parameters, running statistics.

mod golden;

use barehand_nn::layers::{Pair, Sides};
use barehand_nn::{
    AdaptiveAvgPool2d, AvgPool2d, BatchNorm, Conv2d, Float, Generator, GroupNorm, LayerNorm, Linear,
    MaxPool2d, Module, Parameters, RMSNorm, Tensor,
};
use golden::{Goldens, name, op, weighted};
use serde_json::Value;

/// Two numbers, one number for both, or the default.
fn pair(options: &Value, key: &str, default: impl Into<Pair>) -> Pair {
    match &options[key] {
        Value::Null => default.into(),
        Value::Array(pair) => Sides([pair[0].as_u64().unwrap() as usize, pair[1].as_u64().unwrap() as usize]),
        both => Pair::from(both.as_u64().unwrap() as usize),
    }
}

/// Puts the case's weight and bias, where it has them, into a layer, and returns the input as a leaf.
struct Leaves<T: Float> {
    x: Tensor<T>,
    weight: Option<Tensor<T>>,
    bias: Option<Tensor<T>>,
}

fn leaves<T: Float>(goldens: &Goldens<T>, case: &Value) -> Leaves<T> {
    let leaf = |name: &str| goldens.find(case, name).map(Tensor::requires_grad);
    Leaves { x: leaf("x").unwrap(), weight: leaf("weight"), bias: leaf("bias") }
}

fn check<T: Float>(goldens: &Goldens<T>, case: &Value, leaves: &Leaves<T>, y: &Tensor<T>, tolerance: f64) {
    goldens.assert_close(case, "out", y, tolerance);
    let gradients = weighted(y, goldens.real(case, "w.out")).backward().unwrap();
    let all = [("x", Some(&leaves.x)), ("weight", leaves.weight.as_ref()), ("bias", leaves.bias.as_ref())];
    for (name, leaf) in all {
        if let (Some(leaf), Some(_)) = (leaf, goldens.find(case, &format!("grad.{name}"))) {
            goldens.assert_close(case, &format!("grad.{name}"), gradients.of(leaf).unwrap(), tolerance);
        }
    }
}

fn batch_norm<const D: usize, T: Float>(goldens: &Goldens<T>, case: &Value, tolerance: f64) {
    let options = &case["options"];
    let inputs: Vec<Tensor<T>> =
        (0..3).map(|i| goldens.real(case, &format!("x{i}")).requires_grad()).collect();
    let mut layer = BatchNorm::<D, T>::new(4)
        .momentum(options["momentum"].as_f64())
        .eps(options["eps"].as_f64().unwrap());
    if options["affine"] == false {
        layer = layer.plain();
    }
    if options["track"] == false {
        layer = layer.untracked();
    }
    layer.weight = goldens.find(case, "weight").map(Tensor::requires_grad);
    layer.bias = goldens.find(case, "bias").map(Tensor::requires_grad);
    let mut objective = Tensor::scalar(T::from_real(0.0));
    let mut add = |name: &str, y: &Tensor<T>| {
        goldens.assert_close(case, name, y, tolerance);
        objective = objective.add(&weighted(y, goldens.real(case, &format!("w.{name}")))).unwrap();
    };
    for (step, x) in inputs.iter().enumerate() {
        add(&format!("train{step}"), &layer.forward(x).unwrap());
        for (buffer, value) in layer.state_dict() {
            if buffer.starts_with("running") {
                goldens.assert_close(case, &format!("{buffer}{step}"), &value, tolerance);
            } else if buffer == "num_batches_tracked" {
                assert_eq!(value.item().unwrap().as_f64(), step as f64 + 1.0);
            }
        }
    }
    layer.eval();
    assert!(!layer.is_training());
    add("eval", &layer.forward(&inputs[0]).unwrap());
    let gradients = objective.backward().unwrap();
    for (i, x) in inputs.iter().enumerate() {
        goldens.assert_close(case, &format!("grad.x{i}"), gradients.of(x).unwrap(), tolerance);
    }
    for (name, parameter) in layer.named_parameters() {
        goldens.assert_close(case, &format!("grad.{name}"), gradients.of(parameter).unwrap(), tolerance);
    }
}

fn every_layer<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("layers");
    let axes = |options: &Value| -> Vec<usize> {
        let shape = options["normalized_shape"].as_array().unwrap();
        shape.iter().map(|n| n.as_u64().unwrap() as usize).collect()
    };
    let mut generator = Generator::new(0);
    let mut checked = 0;
    for case in &goldens.cases {
        let options = &case["options"];
        checked += 1;
        if op(case) == "batch_norm" {
            if name(case).contains(".2d") {
                batch_norm::<2, T>(&goldens, case, tolerance);
            } else {
                batch_norm::<1, T>(&goldens, case, tolerance);
            }
            continue;
        }
        if op(case) == "conv2d_linear" {
            deep(&goldens, case, tolerance);
            continue;
        }
        let mut leaves = leaves(&goldens, case);
        let shape = leaves.x.shape().to_vec();
        let module: Box<dyn Module<T>> = match op(case) {
            "linear" => {
                let weight = leaves.weight.clone().unwrap();
                let mut layer = Linear::without_bias(weight.shape()[1], weight.shape()[0], &mut generator);
                (layer.weight, layer.bias) = (weight, leaves.bias.clone());
                Box::new(layer)
            }
            "conv2d" => {
                let weight = leaves.weight.clone().unwrap();
                let &[filters, _, height, width] = weight.shape() else { panic!() };
                let mut layer = Conv2d::builder(shape[shape.len() - 3], filters, [height, width])
                    .stride(pair(options, "stride", 1))
                    .padding(pair(options, "padding", 0))
                    .dilation(pair(options, "dilation", 1))
                    .groups(options["groups"].as_u64().unwrap_or(1) as usize)
                    .bias(leaves.bias.is_some())
                    .build(&mut generator)
                    .unwrap();
                assert_eq!(layer.weight.shape(), weight.shape());
                (layer.weight, layer.bias) = (weight, leaves.bias.clone());
                Box::new(layer)
            }
            "max_pool2d" => {
                let kernel = pair(options, "kernel_size", 0);
                Box::new(
                    MaxPool2d::new(kernel)
                        .stride(pair(options, "stride", kernel))
                        .padding(pair(options, "padding", 0))
                        .dilation(pair(options, "dilation", 1))
                        .ceil_mode(options["ceil_mode"] == true),
                )
            }
            "avg_pool2d" => {
                let kernel = pair(options, "kernel_size", 0);
                let layer = AvgPool2d::new(kernel)
                    .stride(pair(options, "stride", kernel))
                    .padding(pair(options, "padding", 0))
                    .ceil_mode(options["ceil_mode"] == true)
                    .count_include_pad(options["count_include_pad"] != false);
                let divisor = options["divisor_override"].as_u64();
                Box::new(divisor.map_or(layer, |divisor| layer.divisor_override(divisor as usize)))
            }
            "adaptive_avg_pool2d" => Box::new(AdaptiveAvgPool2d::new(pair(options, "output_size", 1))),
            "layer_norm" => {
                let mut layer = LayerNorm::new(axes(options)).eps(options["eps"].as_f64().unwrap());
                (layer.weight, layer.bias) = (leaves.weight.clone(), leaves.bias.clone());
                Box::new(layer)
            }
            "batch_norm_eval" => {
                let mut layer = BatchNorm::<2, T>::new(4).eps(options["eps"].as_f64().unwrap());
                let mut state = layer.state_dict();
                for (name, value) in &mut state {
                    let from = match name.as_str() {
                        "running_mean" => "mean",
                        "running_var" => "variance",
                        _ => continue,
                    };
                    *value = goldens.real(case, from).clone();
                }
                layer.load_state_dict(&state).unwrap();
                (layer.weight, layer.bias) = (leaves.weight.clone(), leaves.bias.clone());
                layer.eval();
                Box::new(layer)
            }
            "rms_norm" => {
                let mut layer = RMSNorm::new(axes(options)).eps(options["eps"].as_f64());
                layer.weight.clone_from(&leaves.weight);
                Box::new(layer)
            }
            "group_norm" => {
                let groups = options["num_groups"].as_u64().unwrap() as usize;
                let layer = GroupNorm::new(groups, shape[1]).unwrap();
                let mut layer = layer.eps(options["eps"].as_f64().unwrap());
                (layer.weight, layer.bias) = (leaves.weight.clone(), leaves.bias.clone());
                Box::new(layer)
            }
            other => panic!("{other} is not known"),
        };
        let y = module.forward(&leaves.x).unwrap_or_else(|error| panic!("{}: {error}", name(case)));
        if op(case) == "max_pool2d" {
            leaves.weight = None;
        }
        check(&goldens, case, &leaves, &y, tolerance);
    }
    assert!(checked > 75, "{checked}");
}

/// A convolution before a linear layer: its weight's gradient has passed through the layer behind it.
fn deep<T: Float>(goldens: &Goldens<T>, case: &Value, tolerance: f64) {
    let mut generator = Generator::new(0);
    let leaf = |name: &str| goldens.real(case, name).requires_grad();
    let x = leaf("x");
    let mut conv = Conv2d::builder(2, 3, 3).padding(1).build(&mut generator).unwrap();
    let mut linear = Linear::new(18, 4, &mut generator);
    (conv.weight, conv.bias) = (leaf("weight0"), Some(leaf("bias0")));
    (linear.weight, linear.bias) = (leaf("weight1"), Some(leaf("bias1")));
    let model = barehand_nn::Sequential::new()
        .add(conv)
        .add(barehand_nn::Tanh)
        .add(MaxPool2d::new(2))
        .add(barehand_nn::Flatten::default())
        .add(linear);
    let y = model.forward(&x).unwrap();
    goldens.assert_close(case, "out", &y, tolerance);
    let gradients = weighted(&y, goldens.real(case, "w.out")).backward().unwrap();
    goldens.assert_close(case, "grad.x", gradients.of(&x).unwrap(), tolerance);
    for ((_, parameter), golden) in
        model.named_parameters().into_iter().zip(["weight0", "bias0", "weight1", "bias1"])
    {
        goldens.assert_close(case, &format!("grad.{golden}"), gradients.of(parameter).unwrap(), tolerance);
    }
}

#[test]
fn every_layer_in_f64() {
    every_layer::<f64>(1e-11);
}

#[test]
fn every_layer_in_f32() {
    every_layer::<f32>(1e-5);
}
