//! Trajectories of PyTorch's optimizers, step by step.

mod golden;

use barehand_textbook::{
    Adadelta, Adagrad, Adam, Adamax, Array, Asgd, Decay, Lbfgs, NAdam, RAdam, RMSprop, Rprop, Sgd, Trace,
};
use golden::{Case, Family};

fn silent() -> Trace {
    Trace::silent()
}

/// Feeds the recorded gradients and compares the parameters after each of the 20 steps.
fn follow(case: &Case, mut step: impl FnMut(&mut [Array], &[Array])) {
    let slice = |x: &Array, t: usize, shape: &[usize]| {
        let n: usize = shape.iter().product();
        Array::new(shape, x.data()[t * n..(t + 1) * n].to_vec()).unwrap()
    };
    let mut parameters = [case.array("p0.a").clone(), case.array("p0.b").clone()];
    for t in 0..20 {
        let gradients: Vec<Array> = parameters
            .iter()
            .zip(["a", "b"])
            .map(|(p, key)| slice(case.array(&format!("gradient.{key}")), t, p.shape()))
            .collect();
        step(&mut parameters, &gradients);
        for (p, key) in parameters.iter().zip(["a", "b"]) {
            let theirs = slice(case.array(&format!("parameters.{key}")), t, p.shape());
            for (a, b) in p.data().iter().zip(theirs.data()) {
                assert!(
                    (a - b).abs() <= 1e-12 * b.abs().max(1.0),
                    "{} {key}, step {t}: {a:e}, {b:e}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn optimizer_trajectories() {
    let family = Family::read("nn", "optimizers");
    for case in family.of("sgd").into_iter().filter(|case| !case.is("maximize", false)) {
        let mut sgd = Sgd::new(case.number("lr", 0.0));
        sgd.momentum = case.number("momentum", 0.0);
        sgd.dampening = case.number("dampening", 0.0);
        sgd.weight_decay = case.number("weight_decay", 0.0);
        sgd.nesterov = case.is("nesterov", false);
        follow(case, |p, g| sgd.step(p, g, &mut silent()).unwrap());
    }
    for case in family.of("adadelta") {
        let mut adadelta = Adadelta::new(case.number("lr", 1.0));
        adadelta.rho = case.number("rho", adadelta.rho);
        adadelta.weight_decay = case.number("weight_decay", 0.0);
        follow(case, |p, g| adadelta.step(p, g, &mut silent()).unwrap());
    }
    for op in ["adam", "adamw"] {
        let cases = family.of(op).into_iter();
        for case in cases.filter(|case| !case.is("maximize", false) && !case.is("amsgrad", false)) {
            let lr = case.number("lr", 0.0);
            let mut adam = if op == "adam" { Adam::new(lr) } else { Adam::adamw(lr) };
            adam.weight_decay = case.number("weight_decay", adam.weight_decay);
            adam.eps = case.number("eps", adam.eps);
            if let Some(betas) = case.options["betas"].as_array() {
                adam.betas = (betas[0].as_f64().unwrap(), betas[1].as_f64().unwrap());
            }
            follow(case, |p, g| adam.step(p, g, &mut silent()).unwrap());
        }
    }
    for case in family.of("adagrad") {
        let mut adagrad = Adagrad::new(case.number("lr", 0.0));
        adagrad.lr_decay = case.number("lr_decay", 0.0);
        adagrad.weight_decay = case.number("weight_decay", 0.0);
        adagrad.initial_accumulator_value = case.number("initial_accumulator_value", 0.0);
        follow(case, |p, g| adagrad.step(p, g, &mut silent()).unwrap());
    }
    for case in family.of("adamax") {
        let mut adamax = Adamax::new(case.number("lr", 0.0));
        adamax.weight_decay = case.number("weight_decay", 0.0);
        follow(case, |p, g| adamax.step(p, g, &mut silent()).unwrap());
    }
    let decay = |case: &Case| {
        if case.is("decoupled_weight_decay", false) { Decay::Decoupled } else { Decay::Coupled }
    };
    for case in family.of("nadam") {
        let mut nadam = NAdam::new(case.number("lr", 0.0));
        (nadam.weight_decay, nadam.decay) = (case.number("weight_decay", 0.0), decay(case));
        follow(case, |p, g| nadam.step(p, g, &mut silent()).unwrap());
    }
    for case in family.of("radam") {
        let mut radam = RAdam::new(case.number("lr", 0.0));
        (radam.weight_decay, radam.decay) = (case.number("weight_decay", 0.0), decay(case));
        follow(case, |p, g| radam.step(p, g, &mut silent()).unwrap());
    }
    for case in family.of("rmsprop") {
        let mut rmsprop = RMSprop::new(case.number("lr", 0.0));
        rmsprop.alpha = case.number("alpha", rmsprop.alpha);
        rmsprop.momentum = case.number("momentum", 0.0);
        rmsprop.weight_decay = case.number("weight_decay", 0.0);
        rmsprop.centered = case.is("centered", false);
        follow(case, |p, g| rmsprop.step(p, g, &mut silent()).unwrap());
    }
    for case in family.of("rprop") {
        let mut rprop = Rprop::new(case.number("lr", 0.0));
        let pair = |name: &str, default| {
            let given = case.options[name].as_array();
            given.map_or(default, |two| (two[0].as_f64().unwrap(), two[1].as_f64().unwrap()))
        };
        rprop.etas = pair("etas", rprop.etas);
        rprop.step_sizes = pair("step_sizes", rprop.step_sizes);
        follow(case, |p, g| rprop.step(p, g, &mut silent()).unwrap());
    }
    for case in family.of("asgd") {
        let mut asgd = Asgd::new(case.number("lr", 0.0));
        asgd.lambd = case.number("lambd", asgd.lambd);
        asgd.alpha = case.number("alpha", asgd.alpha);
        asgd.t0 = case.number("t0", asgd.t0);
        asgd.weight_decay = case.number("weight_decay", 0.0);
        follow(case, |p, g| asgd.step(p, g, &mut silent()).unwrap());
    }
}

/// The steps without a line search, four iterations each: the gradient is the bowl's at our own parameters.
#[test]
fn lbfgs_trajectory() {
    for case in Family::read("nn", "lbfgs").of("lbfgs").into_iter().filter(|case| case.name == "lbfgs.fixed")
    {
        let mut lbfgs = Lbfgs::new(case.number("lr", 0.0));
        let mut p = [case.array("p0.a").clone(), case.array("p0.b").clone()];
        let gradient = |p: &Array, key: &str| {
            let (s, c) = (case.array(&format!("s.{key}")), case.array(&format!("c.{key}")));
            let valley = p.zip(c, |p, c| (p - c).tanh()).unwrap().zip(s, |t, s| t * s).unwrap();
            valley.zip(p, |v, p| v + p.powi(3) / 10.0).unwrap()
        };
        for t in 0..6 {
            for _ in 0..4 {
                let g = [gradient(&p[0], "a"), gradient(&p[1], "b")];
                lbfgs.step(&mut p, &g, &mut silent()).unwrap();
            }
            for (p, key) in p.iter().zip(["a", "b"]) {
                let theirs = &case.array(&format!("parameters.{key}")).data()[t * p.len()..][..p.len()];
                for (a, b) in p.data().iter().zip(theirs) {
                    assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{key}, step {t}: {a:e}, {b:e}");
                }
            }
        }
    }
}
