//! Optimizers and clipping against PyTorch, and what a step may and may not touch.

mod golden;

use barehand_nn::{
    Adadelta, Adam, AdamW, Error, Float, Generator, Gradients, Linear, Module, Norm, Optimizer, Parameters,
    Result, Sgd, Tensor, clip_grad_norm, clip_grad_value,
};
use golden::{Goldens, name, op};
use serde_json::Value;

#[derive(Parameters)]
struct Pair<T: Float> {
    a: Tensor<T>,
    b: Tensor<T>,
}

impl<T: Float> Pair<T> {
    fn gradients(&self, a: Tensor<T>, b: Tensor<T>) -> Gradients<T> {
        let mut gradients = Gradients::default();
        gradients.set(&self.a, a).unwrap();
        gradients.set(&self.b, b).unwrap();
        gradients
    }
}

fn optimizer<T: Float>(case: &Value) -> Option<Box<dyn Optimizer<T>>> {
    let options = &case["options"];
    let number = |key: &str| options[key].as_f64();
    let flag = |key: &str| options[key] == true;
    let learning_rate = number("lr").unwrap();
    Some(match op(case) {
        "sgd" => Box::new(
            Sgd::builder(learning_rate)
                .momentum(number("momentum").unwrap_or(0.0))
                .dampening(number("dampening").unwrap_or(0.0))
                .weight_decay(number("weight_decay").unwrap_or(0.0))
                .nesterov(flag("nesterov"))
                .maximize(flag("maximize"))
                .build()
                .unwrap(),
        ),
        kind @ ("adam" | "adamw") => {
            let mut builder =
                if kind == "adam" { Adam::builder(learning_rate) } else { AdamW::builder(learning_rate) };
            if let Some(betas) = options["betas"].as_array() {
                builder = builder.betas(betas[0].as_f64().unwrap(), betas[1].as_f64().unwrap());
            }
            if let Some(eps) = number("eps") {
                builder = builder.eps(eps);
            }
            if let Some(weight_decay) = number("weight_decay") {
                builder = builder.weight_decay(weight_decay);
            }
            Box::new(builder.amsgrad(flag("amsgrad")).maximize(flag("maximize")).build().unwrap())
        }
        "adadelta" => Box::new(
            Adadelta::builder(learning_rate)
                .rho(number("rho").unwrap_or(0.9))
                .weight_decay(number("weight_decay").unwrap_or(0.0))
                .build()
                .unwrap(),
        ),
        _ => return None,
    })
}

/// Feeds the recorded gradients. Half way the optimizer is saved, and another one continues.
fn trajectories<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("optimizers");
    let mut checked = 0;
    for case in &goldens.cases {
        let Some(mut rule) = optimizer::<T>(case) else { continue };
        let leaf = |key: &str| goldens.real(case, key).requires_grad();
        let mut model = Pair { a: leaf("p0.a"), b: leaf("p0.b") };
        for step in 0..20 {
            let at =
                |kind: &str, key: &str| goldens.real(case, &format!("{kind}.{key}")).select(0, step).unwrap();
            if step == 10 {
                let state = rule.state();
                rule = optimizer(case).unwrap();
                rule.load_state(state).unwrap();
            }
            // The recorded gradient, or the bowl's at PyTorch's own parameters: both as PyTorch saw them.
            let gradients = model.gradients(at("gradient", "a"), at("gradient", "b"));
            rule.step(&mut model, &gradients).unwrap();
            for (key, value) in [("a", &model.a), ("b", &model.b)] {
                let expected = at("parameters", key);
                for (x, y) in value.to_vec().into_iter().zip(expected.to_vec()) {
                    let (x, y) = (x.as_f64(), y.as_f64());
                    // Climbing the bowl ends in infinity, and then in what is no number, on both sides.
                    let close =
                        x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= tolerance * (1.0 + y.abs());
                    assert!(close, "{} step {step} {key}: {x:e}, PyTorch says {y:e}", name(case));
                }
            }
        }
        checked += 1;
    }
    assert_eq!(checked, 44);
}

/// Closed loop: the gradient of the bowl at our own parameters.
fn bowls<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("optimizers");
    for case in goldens.cases.iter().filter(|case| case["problem"] == "bowl") {
        let Some(mut rule) = optimizer::<T>(case) else { continue };
        let leaf = |key: &str| goldens.real(case, key).requires_grad();
        let mut model = Pair { a: leaf("p0.a"), b: leaf("p0.b") };
        for step in 0..20 {
            let bowl = |key: &str, p: &Tensor<T>| -> Result<Tensor<T>> {
                let valley = p.sub(goldens.real(case, &format!("c.{key}")))?.cosh()?.ln()?;
                let walls = p.square()?.square()?.mul_scalar(1.0 / 40.0)?;
                valley.mul(goldens.real(case, &format!("s.{key}")))?.add(&walls)?.sum()
            };
            let loss = bowl("a", &model.a).unwrap().add(&bowl("b", &model.b).unwrap()).unwrap();
            rule.step(&mut model, &loss.backward().unwrap()).unwrap();
            for (key, value) in [("a", &model.a), ("b", &model.b)] {
                let expected = goldens.real(case, &format!("parameters.{key}")).select(0, step).unwrap();
                let largest = expected.to_vec().iter().fold(0.0, |most: f64, x| most.max(x.as_f64().abs()));
                // Climbing, the walls throw a rounding error further with every step.
                if case["options"]["maximize"] == true && largest > 10.0 {
                    break;
                }
                let difference = value.max_abs_diff(&expected).unwrap();
                assert!(difference <= tolerance, "{} step {step} {key}: {difference:e} apart", name(case));
            }
        }
    }
}

#[test]
fn trajectories_in_f64() {
    trajectories::<f64>(1e-12);
}

#[test]
fn trajectories_in_f32() {
    trajectories::<f32>(1e-5);
}

#[test]
fn closed_loops_in_f64() {
    bowls::<f64>(1e-9);
}

#[test]
fn closed_loops_in_f32() {
    bowls::<f32>(1e-4);
}

fn clipping<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("clipping");
    for case in &goldens.cases {
        let options = &case["options"];
        let given: Vec<&Tensor<T>> = (0..3).map_while(|i| goldens.find(case, &format!("g{i}"))).collect();
        let model: Vec<Tensor<T>> = given.iter().map(|g| g.zeros_like().requires_grad()).collect();
        let mut gradients = Gradients::default();
        for (leaf, gradient) in model.iter().zip(given) {
            gradients.set(leaf, gradient.clone()).unwrap();
        }
        if op(case) == "clip_grad_norm" {
            let norm = match options["norm_type"].as_str().unwrap() {
                "inf" => Norm::Infinity,
                "2" => Norm::Two,
                p => Norm::P(p.parse().unwrap()),
            };
            let total = clip_grad_norm(&mut gradients, options["max_norm"].as_f64().unwrap(), norm).unwrap();
            goldens.assert_close(case, "total", &Tensor::scalar(T::from_real(total)), tolerance);
        } else {
            clip_grad_value(&model, &mut gradients, options["clip_value"].as_f64().unwrap()).unwrap();
        }
        for (i, leaf) in model.iter().enumerate() {
            goldens.assert_close(case, &format!("clipped{i}"), gradients.of(leaf).unwrap(), tolerance);
        }
    }
    assert_eq!(goldens.cases.len(), 12);
}

#[test]
fn clipping_in_f64() {
    clipping::<f64>(1e-14);
}

#[test]
fn clipping_in_f32() {
    clipping::<f32>(1e-6);
}

#[test]
fn parameters_are_updated_in_place_while_the_loss_lives() {
    let mut generator = Generator::new(0);
    let mut model = barehand_nn::models::mlp::<f32>(&[20, 16, 4], &mut generator).unwrap();
    let mut rule = Adam::builder(1e-2).build().unwrap();
    let addresses = |model: &dyn Module| -> Vec<*const f32> {
        model.named_parameters().iter().map(|(_, p)| p.as_slice().unwrap().as_ptr()).collect()
    };
    let before = addresses(&model);
    for _ in 0..3 {
        let loss = model.forward(&Tensor::ones([8, 20])).unwrap().square().unwrap().mean().unwrap();
        let gradients = loss.backward().unwrap();
        let weight = model.layers[0].weight.to_vec();
        rule.step(&mut model, &gradients).unwrap();
        assert_ne!(model.layers[0].weight.to_vec(), weight);
        assert_eq!(addresses(&model), before);
        assert!(loss.item().unwrap().is_finite());
    }
}

#[test]
fn a_parameter_without_a_gradient_is_named() {
    let mut generator = Generator::new(0);
    let mut model = vec![Linear::<f32>::new(2, 2, &mut generator), Linear::new(2, 2, &mut generator)];
    let gradients = model[0].forward(&Tensor::ones([1, 2])).unwrap().sum().unwrap().backward().unwrap();
    let before = model.state_dict();

    let mut strict = Sgd::builder(0.1).build().unwrap();
    let error = strict.step(&mut model, &gradients).unwrap_err();
    assert!(matches!(error, Error::Gradient { .. }));
    assert!(error.to_string().contains("no gradient for 1.weight, 1.bias"), "{error}");
    assert_eq!(model.state_dict(), before, "a refused step moves nothing");

    let mut lenient = Sgd::builder(0.1).strict(false).build().unwrap();
    lenient.step(&mut model, &gradients).unwrap();
    let after = model.state_dict();
    assert_ne!(after[0], before[0]);
    assert_eq!(after[2..], before[2..]);

    model[1].freeze();
    strict.step(&mut model, &gradients).unwrap();
    assert_eq!(model.state_dict()[2..], before[2..]);
}

#[test]
fn settings_outside_their_domain_are_refused_as_by_pytorch() {
    let message = |result: Result<()>| result.unwrap_err().to_string();
    let sgd = |builder: barehand_nn::optim::sgd::SgdBuilder| message(builder.build::<f32>().map(|_| ()));
    assert_eq!(sgd(Sgd::builder(-1.0)), "sgd: Invalid learning rate: -1");
    assert_eq!(sgd(Sgd::builder(1.0).momentum(-0.5)), "sgd: Invalid momentum value: -0.5");
    let nesterov = "sgd: Nesterov momentum requires a momentum and zero dampening";
    assert_eq!(sgd(Sgd::builder(1.0).nesterov(true)), nesterov);
    assert_eq!(sgd(Sgd::builder(1.0).nesterov(true).momentum(0.9).dampening(0.1)), nesterov);
    let adam = |builder: barehand_nn::optim::adam::AdamBuilder| message(builder.build::<f32>().map(|_| ()));
    assert_eq!(adam(Adam::builder(1.0).betas(1.0, 0.9)), "adam: Invalid beta parameter at index 0: 1");
    assert_eq!(adam(AdamW::builder(1.0).betas(0.9, -0.1)), "adamw: Invalid beta parameter at index 1: -0.1");
    assert_eq!(adam(AdamW::builder(1.0).eps(f64::NAN)), "adamw: Invalid epsilon value: NaN");
    let adadelta =
        |builder: barehand_nn::optim::adadelta::AdadeltaBuilder| message(builder.build::<f32>().map(|_| ()));
    assert_eq!(adadelta(Adadelta::builder(1.0).rho(1.5)), "adadelta: Invalid rho value: 1.5");
    assert_eq!(adadelta(Adadelta::builder(1.0).eps(-1.0)), "adadelta: Invalid epsilon value: -1");
}

#[test]
fn the_state_has_pytorchs_names() {
    let mut model = Linear::<f32>::new(2, 3, &mut Generator::new(0));
    let gradients = model.forward(&Tensor::ones([1, 2])).unwrap().sum().unwrap().backward().unwrap();
    let mut rule = Adadelta::builder(1.0).build().unwrap();
    rule.step(&mut model, &gradients).unwrap();
    let state = rule.state();
    let names: Vec<&str> = state.tensors.keys().map(String::as_str).collect();
    assert_eq!(names, ["bias.acc_delta", "bias.square_avg", "weight.acc_delta", "weight.square_avg"]);
    assert_eq!(state.scalars["weight.step"], 1.0);
    let mut continued = Adadelta::builder(0.5).build().unwrap();
    continued.load_state(state.clone()).unwrap();
    assert_eq!(continued.state(), state);
}

#[test]
fn a_state_of_another_rule_or_shape_is_refused() {
    let mut generator = Generator::new(0);
    let mut model = Linear::<f32>::new(2, 3, &mut generator);
    let gradients =
        |model: &Linear| model.forward(&Tensor::ones([1, 2])).unwrap().sum().unwrap().backward().unwrap();
    let mut sgd = Sgd::builder(0.1).momentum(0.9).build().unwrap();
    let first = gradients(&model);
    sgd.step(&mut model, &first).unwrap();
    let state = sgd.state();
    assert!(Adam::builder(0.1).build().unwrap().load_state(state.clone()).is_err());
    assert!(Adadelta::builder(0.1).build().unwrap().load_state(state.clone()).is_err());

    let mut other = Linear::<f32>::new(5, 3, &mut generator);
    let mut continued = Sgd::builder(0.1).momentum(0.9).build().unwrap();
    continued.load_state(state).unwrap();
    let gradients = other.forward(&Tensor::ones([1, 5])).unwrap().sum().unwrap().backward().unwrap();
    let error = continued.step(&mut other, &gradients).unwrap_err();
    assert_eq!(error.to_string(), "sgd: the state of weight has shape [3, 2], the parameter [3, 5]");
}
