//! Normalisation layers against PyTorch, each behind a linear map.

mod golden;

use barehand_nn::{
    Float, GroupNorm, InstanceNorm, InstanceNorm1d, InstanceNorm2d, LayerNorm, Module, Parameters, RMSNorm,
    Tensor,
};
use golden::{Goldens, name, op, weighted};
use serde_json::Value;

/// The layer of a case, with the case's parameters; and the map before it.
fn layer<T: Float>(goldens: &Goldens<T>, case: &Value) -> (Box<dyn Module<T>>, Tensor<T>) {
    let options = &case["options"];
    let leaf = |name: &str| goldens.find(case, name).map(Tensor::requires_grad);
    let (weight, bias) = (leaf("weight"), leaf("bias"));
    let eps = options["eps"].as_f64();
    let shape = || -> Vec<usize> {
        let shape = options["normalized_shape"].as_array().unwrap();
        shape.iter().map(|n| n.as_u64().unwrap() as usize).collect()
    };
    let instance = |dimensions: u64| -> Box<dyn Module<T>> {
        fn of<const D: usize, T: Float>(
            options: &Value,
            weight: Option<Tensor<T>>,
            bias: Option<Tensor<T>>,
        ) -> Box<dyn Module<T>> {
            let number = |name: &str| options[name].as_f64().unwrap();
            let mut layer = InstanceNorm::<D, T>::new(4).eps(number("eps")).momentum(number("momentum"));
            if options["track"] == true {
                layer = layer.tracked();
            }
            (layer.weight, layer.bias) = (weight, bias);
            Box::new(layer)
        }
        match dimensions {
            1 => of::<1, T>(options, weight.clone(), bias.clone()),
            _ => of::<2, T>(options, weight.clone(), bias.clone()),
        }
    };
    let module: Box<dyn Module<T>> = match op(case) {
        "layer_norm" => {
            let mut layer = LayerNorm::new(shape()).eps(eps.unwrap());
            (layer.weight, layer.bias) = (weight.clone(), bias.clone());
            Box::new(layer)
        }
        "rms_norm" => {
            let mut layer = RMSNorm::new(shape()).eps(eps);
            layer.weight.clone_from(&weight);
            Box::new(layer)
        }
        "group_norm" => {
            let channels = goldens.real(case, "x").shape()[1];
            let groups = options["num_groups"].as_u64().unwrap() as usize;
            let mut layer = GroupNorm::new(groups, channels).unwrap().eps(eps.unwrap());
            (layer.weight, layer.bias) = (weight.clone(), bias.clone());
            Box::new(layer)
        }
        "instance_norm" => instance(options["dimensions"].as_u64().unwrap()),
        other => panic!("{other} is not known"),
    };
    (module, leaf("before").unwrap())
}

fn every_norm<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("norms");
    assert_eq!(goldens.cases.len(), 44);
    for case in &goldens.cases {
        let (mut module, before) = layer(&goldens, case);
        let inputs: Vec<(String, Tensor<T>)> = ["x", "x0", "x1"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), goldens.find(case, name)?.requires_grad())))
            .collect();
        let mut objective = Tensor::scalar(T::from_real(0.0));
        let mut add = |name: &str, y: &Tensor<T>| {
            goldens.assert_close(case, name, y, tolerance);
            objective = objective.add(&weighted(y, goldens.real(case, &format!("w.{name}")))).unwrap();
        };
        let map = |x: &Tensor<T>| x.linear(&before, None).unwrap();
        if op(case) == "instance_norm" {
            for (step, (_, x)) in inputs.iter().enumerate() {
                add(&format!("train{step}"), &module.forward(&map(x)).unwrap());
                for (buffer, value) in module.state_dict() {
                    if buffer.starts_with("running") {
                        goldens.assert_close(case, &format!("{buffer}{step}"), &value, tolerance);
                    }
                }
            }
            module.eval();
            add("eval", &module.forward(&map(&inputs[0].1)).unwrap());
        } else {
            add("out", &module.forward(&map(&inputs[0].1)).unwrap());
        }
        let gradients = objective.backward().unwrap();
        for (name, x) in inputs.iter().chain([&("before".to_owned(), before.clone())]) {
            goldens.assert_close(case, &format!("grad.{name}"), gradients.of(x).unwrap(), tolerance);
        }
        for (parameter, value) in module.named_parameters() {
            let gradient = gradients.of(value).unwrap_or_else(|error| panic!("{} {error}", name(case)));
            goldens.assert_close(case, &format!("grad.{parameter}"), gradient, tolerance);
        }
    }
}

#[test]
fn every_norm_in_f64() {
    every_norm::<f64>(1e-11);
}

#[test]
fn every_norm_in_f32() {
    every_norm::<f32>(2e-5);
}

#[test]
fn defaults_are_pytorchs() {
    let names =
        |module: &dyn Module| module.state_dict().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(&RMSNorm::new([3])), ["weight"]);
    assert_eq!(names(&GroupNorm::new(1, 3).unwrap()), ["weight", "bias"]);
    assert!(names(&InstanceNorm1d::new(3)).is_empty());
    let tracked = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
    assert_eq!(names(&InstanceNorm2d::new(3).affine().tracked()), tracked);
    // The smallest root of all: of the gap between 1 and the next number.
    let y = RMSNorm::<f64>::new([1]).forward(&Tensor::from([[0.0], [1e-10]])).unwrap().to_vec();
    assert!(y[0] == 0.0 && (y[1] - 1e-10 / (1e-20 + f64::EPSILON).sqrt()).abs() < 1e-12);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let x = Tensor::<f32>::zeros([2, 4, 3]);
    let error = GroupNorm::<f32>::new(3, 4).err().unwrap().to_string();
    assert_eq!(error, "GroupNorm: num_channels (4) must be divisible by num_groups (3)");
    let error = GroupNorm::new(1, 3).unwrap().forward(&x).unwrap_err().to_string();
    assert_eq!(error, "GroupNorm: input of shape [2, 4, 3] must be (N, C, ...) with C = 3");
    let error = RMSNorm::new([4]).forward(&x).unwrap_err().to_string();
    assert_eq!(error, "RMSNorm: input of shape [2, 4, 3] must end with the normalised shape [4]");
    let error = InstanceNorm2d::new(4).forward(&Tensor::<f32>::zeros([4, 3])).unwrap_err().to_string();
    assert!(error.contains("must be (C, H, W) or (N, C, H, W) with C = 4"), "{error}");
    let error = InstanceNorm1d::new(4).forward(&Tensor::<f32>::zeros([2, 4, 1])).unwrap_err().to_string();
    assert!(error.contains("more than one value"), "{error}");
    let error = x.group_norm(3, None, None, 1e-5).unwrap_err().to_string();
    assert!(error.contains("channels for 3 groups"), "{error}");
    let error = x.layer_norm_over(4, None, None, 1e-5).unwrap_err().to_string();
    assert!(error.contains("the last 4 axes of the input [2, 4, 3]"), "{error}");
    assert!(x.rms_norm(0, None, None).is_err());
}
