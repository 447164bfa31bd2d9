//! Optimizers over many steps, gradient clipping, and learning-rate schedules.

use barehand_nn::schedule::{OneCycle, ReduceOnPlateau};
use barehand_nn::{Adadelta, Adam, AdamW, Norm, Optimizer, Schedule, Scheduler, Sgd, clip_grad_norm};
use barehand_tensor::{Float, Gradients, Tensor};
use barehand_textbook as textbook;
use barehand_textbook::learning_rate;
use barehand_textbook::{Array, Decay, Trace};

use crate::pair::{Pair, exact, hold};

const STEPS: usize = 12;

/// Both optimizers take the same steps from the same parameters along the same gradients.
fn trajectory<T: Float>(
    pair: &mut Pair<T>,
    engine: &mut dyn Optimizer<T>,
    mut textbook: impl FnMut(&mut [Array], &[Array]),
) {
    let shapes = [pair.shape(1..=2), vec![7], vec![]];
    let mut parameters: Vec<Array> = shapes.iter().map(|shape| pair.array(shape)).collect();
    let mut model: Vec<Tensor<T>> = parameters.iter().map(|values| pair.leaf(values)).collect();
    // A parameter may pass through 0.
    pair.terms = 1.0;
    for _ in 0..STEPS {
        let gradients: Vec<Array> = shapes.iter().map(|shape| pair.array(shape)).collect();
        let mut given = Gradients::default();
        for (leaf, gradient) in model.iter().zip(&gradients) {
            given.set(leaf, pair.tensor(gradient)).unwrap();
        }
        engine.step(&mut model, &given).unwrap();
        textbook(&mut parameters, &gradients);
        for (leaf, values) in model.iter().zip(&parameters) {
            pair.same("parameter", leaf, values);
        }
    }
}

fn sgd<T: Float>(pair: &mut Pair<T>) {
    let nesterov = pair.rarely(3);
    let momentum = if nesterov { 0.9 } else { pair.pick(&[0.0, 0.5, 0.9]) };
    let dampening = if nesterov { 0.0 } else { pair.pick(&[0.0, 0.3]) };
    let weight_decay = pair.pick(&[0.0, 0.01]);
    let builder = Sgd::builder(0.1).momentum(momentum).dampening(dampening).weight_decay(weight_decay);
    let mut engine = builder.nesterov(nesterov).build().unwrap();
    let mut twin = textbook::Sgd::new(0.1);
    (twin.momentum, twin.dampening, twin.weight_decay, twin.nesterov) =
        (momentum, dampening, weight_decay, nesterov);
    trajectory(pair, &mut engine, |parameters, gradients| {
        twin.step(parameters, gradients, &mut Trace::silent()).unwrap();
    });
}

fn adam<T: Float>(pair: &mut Pair<T>) {
    let decay = pair.pick(&[Decay::Coupled, Decay::Decoupled]);
    let betas = pair.pick(&[(0.9, 0.999), (0.5, 0.9), (0.0, 0.99)]);
    let eps = pair.pick(&[1e-8, 1e-3]);
    let weight_decay = pair.pick(&[0.0, 0.01, 0.1]);
    let builder = if decay == Decay::Coupled { Adam::builder(0.01) } else { AdamW::builder(0.01) };
    let mut engine = builder.betas(betas.0, betas.1).eps(eps).weight_decay(weight_decay).build().unwrap();
    let mut twin = textbook::Adam::new(0.01);
    (twin.betas, twin.eps, twin.weight_decay, twin.decay) = (betas, eps, weight_decay, decay);
    trajectory(pair, &mut engine, |parameters, gradients| {
        twin.step(parameters, gradients, &mut Trace::silent()).unwrap();
    });
}

fn adadelta<T: Float>(pair: &mut Pair<T>) {
    let rho = pair.pick(&[0.9, 0.5, 0.0]);
    let eps = pair.pick(&[1e-6, 1e-3]);
    let weight_decay = pair.pick(&[0.0, 0.01, 0.1]);
    let builder = Adadelta::builder(1.0).rho(rho).eps(eps).weight_decay(weight_decay);
    let mut engine = builder.build().unwrap();
    let mut twin = textbook::Adadelta::new(1.0);
    (twin.rho, twin.eps, twin.weight_decay) = (rho, eps, weight_decay);
    trajectory(pair, &mut engine, |parameters, gradients| {
        twin.step(parameters, gradients, &mut Trace::silent()).unwrap();
    });
}

fn clipping<T: Float>(pair: &mut Pair<T>) {
    let max_norm = pair.pick(&[0.0, 0.5, 3.0, 1e6]);
    let shapes = [pair.shape(1..=3), vec![5]];
    let mut expected: Vec<Array> = shapes.iter().map(|shape| pair.array(shape)).collect();
    let leaves: Vec<Tensor<T>> = expected.iter().map(|values| pair.leaf(values)).collect();
    let mut gradients = Gradients::default();
    for (leaf, gradient) in leaves.iter().zip(&expected) {
        gradients.set(leaf, pair.tensor(gradient)).unwrap();
    }
    let norm = clip_grad_norm(&mut gradients, max_norm, Norm::Two).unwrap();
    let twin = textbook::clip_grad_norm(&mut expected, max_norm, &mut Trace::silent()).unwrap();
    assert!((norm - twin).abs() <= 1e-6 * twin, "norm {norm}, textbook {twin}");
    for (leaf, gradient) in leaves.iter().zip(&expected) {
        pair.same("clipped gradient", gradients.of(leaf).unwrap(), gradient);
    }
}

#[test]
fn sgd_trajectories_agree() {
    hold("sgd", 20, [16.0, 16.0], sgd::<f64>, sgd::<f32>);
}

#[test]
fn adam_trajectories_agree() {
    hold("adam", 20, [64.0, 64.0], adam::<f64>, adam::<f32>);
}

#[test]
fn adadelta_trajectories_agree() {
    hold("adadelta", 20, [64.0, 64.0], adadelta::<f64>, adadelta::<f32>);
}

#[test]
fn gradient_clipping_agrees() {
    hold("clip_grad_norm", 20, [1024.0, 16.0], clipping::<f64>, clipping::<f32>);
}

/// Rates of both twins, step by step; the bound is that of a few roundings.
fn same_rates(name: &str, steps: usize, engine: impl Fn(u64) -> f64, textbook: impl Fn(usize) -> f64) {
    for step in 0..steps {
        let (rate, expected) = (engine(step as u64), textbook(step));
        assert!(
            (rate - expected).abs() <= 1e-14 * expected.abs() + 1e-17,
            "{name}, step {step}: {rate}, textbook {expected}"
        );
    }
}

#[test]
fn schedules_agree() {
    let base = 0.3;
    let rate = |schedule: Schedule| move |step| schedule.learning_rate(base, step);
    same_rates("step", 50, rate(Schedule::Step { step_size: 7, gamma: 0.5 }), |t| {
        learning_rate::step_decay(base, 7, 0.5, t)
    });
    same_rates("exponential", 50, rate(Schedule::Exponential { gamma: 0.9 }), |t| {
        learning_rate::exponential_decay(base, 0.9, t)
    });
    same_rates("cosine", 50, rate(Schedule::CosineAnnealing { t_max: 20, eta_min: 0.01 }), |t| {
        learning_rate::cosine_annealing(base, 0.01, 20, t)
    });
    same_rates("warm-up", 20, rate(Schedule::warm_up(0.25, 8)), |t| {
        learning_rate::linear_warmup(base, 0.25, 8, t)
    });
    // The warm-up of language models begins at base / 5 instead of at 0 and reaches base in its last step.
    let warm_up = Schedule::Linear { start_factor: 0.2, end_factor: 1.0, total_iters: 4 };
    let cosine = Schedule::CosineAnnealing { t_max: 25, eta_min: 0.01 };
    let both = Schedule::Sequential { schedules: vec![warm_up, cosine], milestones: vec![5] };
    same_rates("warm-up and cosine", 31, rate(both), |t| learning_rate::warmup_cosine(base, 0.01, 5, 30, t));
    for linear in [false, true] {
        let cycle = OneCycle { max_lr: base, total_steps: 40, linear, ..OneCycle::default() };
        let anneal = if linear { learning_rate::Anneal::Linear } else { learning_rate::Anneal::Cosine };
        let twin = learning_rate::OneCycle { anneal, ..learning_rate::OneCycle::new(base, 40) };
        same_rates("one cycle", 40, rate(Schedule::OneCycle(cycle)), |t| twin.at(t).unwrap());
    }
}

#[test]
fn plateau_schedules_agree() {
    fn plateau(pair: &mut Pair<f64>) {
        let (patience, cooldown) = (pair.between(0..=3), pair.between(0..=3));
        let (factor, threshold) = (pair.pick(&[0.1, 0.5]), pair.pick(&[1e-4, 0.1]));
        let options = ReduceOnPlateau {
            factor,
            patience: patience as u64,
            threshold,
            cooldown: cooldown as u64,
            min_lr: 1e-3,
            ..ReduceOnPlateau::default()
        };
        let twin = learning_rate::ReduceOnPlateau {
            factor,
            patience,
            threshold,
            cooldown,
            minimum: 1e-3,
            base: 0.3,
        };
        let mut engine = Scheduler::new(Schedule::ReduceOnPlateau(options), 0.3).unwrap();
        let losses = pair.array(&[60]).map(|x| exact(x.abs() + 0.1));
        for (&loss, expected) in losses.data().iter().zip(twin.rates(losses.data())) {
            assert_eq!(engine.step(Some(loss)).unwrap(), expected);
        }
    }
    hold("reduce on plateau", 40, [0.0, 0.0], plateau, |_| {});
}
