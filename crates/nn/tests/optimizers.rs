//! Optimizers and clipping against PyTorch, and what a step may and may not touch.

mod golden;

use barehand_nn::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Asgd, Error, Float, Generator, Gradients, Linear, Module, NAdam,
    Norm, Optimizer, Parameters, RAdam, RMSprop, Result, Rprop, Sgd, Tensor, clip_grad_norm,
    clip_grad_norm_of, clip_grad_value, named,
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

fn optimizer<T: Float>(case: &Value) -> Box<dyn Optimizer<T>> {
    let options = &case["options"];
    let number = |key: &str, default: f64| options[key].as_f64().unwrap_or(default);
    let flag = |key: &str| options[key] == true;
    let pair = |key: &str, default: (f64, f64)| {
        options[key].as_array().map_or(default, |two| (two[0].as_f64().unwrap(), two[1].as_f64().unwrap()))
    };
    let (lr, weight_decay, maximize) = (number("lr", 0.0), number("weight_decay", 0.0), flag("maximize"));
    let (beta1, beta2) = pair("betas", (0.9, 0.999));
    let decoupled = flag("decoupled_weight_decay");
    match op(case) {
        "sgd" => Box::new(
            Sgd::builder(lr)
                .momentum(number("momentum", 0.0))
                .dampening(number("dampening", 0.0))
                .weight_decay(weight_decay)
                .nesterov(flag("nesterov"))
                .maximize(maximize)
                .build()
                .unwrap(),
        ),
        kind @ ("adam" | "adamw") => {
            let builder = if kind == "adam" {
                Adam::builder(lr).weight_decay(weight_decay)
            } else {
                AdamW::builder(lr).weight_decay(number("weight_decay", 0.01))
            };
            let builder = builder.betas(beta1, beta2).eps(number("eps", 1e-8));
            Box::new(builder.amsgrad(flag("amsgrad")).maximize(maximize).build().unwrap())
        }
        "adamax" => Box::new(
            Adamax::builder(lr)
                .betas(beta1, beta2)
                .weight_decay(weight_decay)
                .maximize(maximize)
                .build()
                .unwrap(),
        ),
        "nadam" => Box::new(
            NAdam::builder(lr).weight_decay(weight_decay).decoupled_weight_decay(decoupled).build().unwrap(),
        ),
        "radam" => Box::new(
            RAdam::builder(lr).weight_decay(weight_decay).decoupled_weight_decay(decoupled).build().unwrap(),
        ),
        "adadelta" => Box::new(
            Adadelta::builder(lr).rho(number("rho", 0.9)).weight_decay(weight_decay).build().unwrap(),
        ),
        "adagrad" => Box::new(
            Adagrad::builder(lr)
                .lr_decay(number("lr_decay", 0.0))
                .weight_decay(weight_decay)
                .initial_accumulator_value(number("initial_accumulator_value", 0.0))
                .build()
                .unwrap(),
        ),
        "rmsprop" => Box::new(
            RMSprop::builder(lr)
                .alpha(number("alpha", 0.99))
                .momentum(number("momentum", 0.0))
                .centered(flag("centered"))
                .weight_decay(weight_decay)
                .build()
                .unwrap(),
        ),
        "rprop" => {
            let (etas, sizes) = (pair("etas", (0.5, 1.2)), pair("step_sizes", (1e-6, 50.0)));
            Box::new(Rprop::builder(lr).etas(etas.0, etas.1).step_sizes(sizes.0, sizes.1).build().unwrap())
        }
        "asgd" => Box::new(
            Asgd::builder(lr)
                .lambd(number("lambd", 1e-4))
                .alpha(number("alpha", 0.75))
                .t0(number("t0", 1e6))
                .weight_decay(weight_decay)
                .build()
                .unwrap(),
        ),
        other => panic!("{other} is not known"),
    }
}

/// Feeds the recorded gradients. Half way the optimizer is saved, and another one continues.
fn trajectories<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("optimizers");
    let mut checked = 0;
    for case in &goldens.cases {
        let mut rule = optimizer::<T>(case);
        let leaf = |key: &str| goldens.real(case, key).requires_grad();
        let mut model = Pair { a: leaf("p0.a"), b: leaf("p0.b") };
        for step in 0..20 {
            let at =
                |kind: &str, key: &str| goldens.real(case, &format!("{kind}.{key}")).select(0, step).unwrap();
            if step == 10 {
                let state = rule.state();
                rule = optimizer(case);
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
    assert_eq!(checked, 80);
}

/// Closed loop: the gradient of the bowl at our own parameters.
fn bowls<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("optimizers");
    for case in goldens.cases.iter().filter(|case| case["problem"] == "bowl") {
        let mut rule = optimizer::<T>(case);
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
    let other = |error: Option<Error>| error.unwrap().to_string();
    let found = other(Adagrad::builder(1.0).initial_accumulator_value(-1.0).build::<f32>().err());
    assert_eq!(found, "adagrad: Invalid initial_accumulator_value value: -1");
    let found = other(Adamax::builder(1.0).betas(0.9, 1.0).build::<f32>().err());
    assert_eq!(found, "adamax: Invalid beta parameter at index 1: 1");
    let found = other(Asgd::builder(1.0).lambd(-1.0).build::<f32>().err());
    assert_eq!(found, "asgd: Invalid lambd value: -1");
    let found = other(NAdam::builder(1.0).momentum_decay(-1.0).build::<f32>().err());
    assert_eq!(found, "nadam: Invalid momentum_decay value: -1");
    let found = other(RAdam::builder(1.0).eps(-1.0).build::<f32>().err());
    assert_eq!(found, "radam: Invalid epsilon value: -1");
    let found = other(RMSprop::builder(1.0).alpha(-1.0).build::<f32>().err());
    assert_eq!(found, "rmsprop: Invalid alpha value: -1");
    let found = other(Rprop::builder(1.0).etas(0.5, 1.0).build::<f32>().err());
    assert_eq!(found, "rprop: Invalid eta values: 0.5, 1");
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

#[test]
fn numbers_are_remembered_under_pytorchs_names() {
    let mut model = Linear::<f32>::without_bias(2, 3, &mut Generator::new(0));
    let gradients = model.forward(&Tensor::ones([1, 2])).unwrap().sum().unwrap().backward().unwrap();
    let names = |rule: &mut dyn Optimizer, model: &mut Linear| {
        rule.step(model, &gradients).unwrap();
        let state = rule.state();
        state.scalars.into_keys().chain(state.tensors.into_keys()).collect::<Vec<_>>()
    };
    let found = names(&mut Asgd::builder(0.1).build().unwrap(), &mut model);
    assert_eq!(found, ["learning_rate", "weight.eta", "weight.mu", "weight.step", "weight.ax"]);
    let found = names(&mut NAdam::builder(0.1).build().unwrap(), &mut model);
    let expected =
        ["beta1", "learning_rate", "weight.mu_product", "weight.step", "weight.exp_avg", "weight.exp_avg_sq"];
    assert_eq!(found, expected);
    let found = names(&mut RMSprop::builder(0.1).centered(true).build().unwrap(), &mut model);
    let expected = ["learning_rate", "momentum", "weight.step", "weight.grad_avg", "weight.square_avg"];
    assert_eq!(found, expected);
    let found = names(&mut Sgd::builder(0.1).build().unwrap(), &mut model);
    assert_eq!(found, ["learning_rate", "momentum"]);
}

#[test]
fn groups_have_options_of_their_own() {
    let mut model =
        vec![Linear::<f64>::new(2, 2, &mut Generator::new(0)), Linear::new(2, 2, &mut Generator::new(1))];
    let ones = |model: &Vec<Linear<f64>>| {
        let mut gradients = Gradients::default();
        for (_, parameter) in model.named_parameters() {
            gradients.set(parameter, parameter.ones_like()).unwrap();
        }
        gradients
    };
    let mut rule = Sgd::builder(0.5)
        .weight_decay(1.0)
        .build()
        .unwrap()
        .group(named("0.*"), |options| options.scale_learning_rate(0.5))
        .unwrap()
        .group(|_, parameter: &Tensor<f64>| parameter.rank() < 2, |options| options.weight_decay(0.0))
        .unwrap();
    let before = model.state_dict();
    let gradients = ones(&model);
    rule.step(&mut model, &gradients).unwrap();
    let moved = |before: f64, rate: f64, decay: f64| before - rate * (1.0 + decay * before);
    let check = |model: &Vec<Linear<f64>>, before: &[(String, Tensor<f64>)], rate: f64| {
        for ((name, after), (_, before)) in model.state_dict().iter().zip(before) {
            let (factor, decay) = match name.as_str() {
                "0.weight" | "0.bias" => (0.5, 1.0),
                "1.weight" => (1.0, 1.0),
                _ => (1.0, 0.0),
            };
            for (x, y) in after.to_vec().into_iter().zip(before.to_vec()) {
                assert!((x - moved(y, rate * factor, decay)).abs() < 1e-15, "{name}");
            }
        }
    };
    check(&model, &before, 0.5);
    // They follow a schedule, and a saved state.
    rule.set_learning_rate(0.25);
    let state = rule.state();
    rule.load_state(state).unwrap();
    let before = model.state_dict();
    rule.step(&mut model, &gradients).unwrap();
    check(&model, &before, 0.25);
    let refused = Adam::builder(0.1).build::<f64>().unwrap().group(named("*"), |options| options.eps(-1.0));
    assert_eq!(refused.err().unwrap().to_string(), "adam: Invalid epsilon value: -1");
}

#[test]
fn clipping_of_some_leaves_the_others() {
    let model = Pair { a: Tensor::<f64>::zeros([2]).requires_grad(), b: Tensor::zeros([1]).requires_grad() };
    let mut gradients = model.gradients(Tensor::from([3.0, 4.0]), Tensor::from([7.0]));
    let total = clip_grad_norm_of(&model, &mut gradients, named("a"), 1.0, Norm::Two).unwrap();
    assert_eq!(total, 5.0);
    let clipped = gradients.of(&model.a).unwrap().to_vec();
    assert!((clipped[0] - 0.6).abs() < 1e-6 && (clipped[1] - 0.8).abs() < 1e-6, "{clipped:?}");
    assert_eq!(gradients.of(&model.b).unwrap().to_vec(), [7.0]);
}

/// One weight under two names, as in a language model's embedding and head.
#[test]
fn tied_weights_move_once_and_stay_tied() {
    let weight = Tensor::<f64>::from([1.0, -2.0]).requires_grad();
    let mut tied = Pair { a: weight.clone(), b: weight };
    let mut alone = vec![tied.a.detach().requires_grad()];
    let mut rules = [Adam::builder(0.1).build().unwrap(), Adam::builder(0.1).build().unwrap()];
    for step in 0..4 {
        let loss = |a: &Tensor<f64>, b: &Tensor<f64>| a.mul(b).unwrap().mul(a).unwrap().sum().unwrap();
        let gradients = loss(&tied.a, &tied.b).backward().unwrap();
        rules[0].step(&mut tied, &gradients).unwrap();
        let gradients = loss(&alone[0], &alone[0]).backward().unwrap();
        rules[1].step(&mut alone, &gradients).unwrap();
        assert_eq!(tied.a, alone[0], "step {step}");
        assert!(tied.a.same_memory(&tied.b) && tied.a.is_leaf() && tied.b.is_leaf());
    }
    assert_eq!(rules[0].state().tensors.len(), 2, "one memory for one weight");
}
