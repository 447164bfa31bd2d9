//! Optimizers over many steps, gradient clipping, and learning-rate schedules.

use barehand_nn::schedule::{OneCycle, ReduceOnPlateau};
use barehand_nn::{
    Accumulation, Adadelta, Adagrad, Adam, AdamW, Adamax, Asgd, AveragedModel, Lbfgs, NAdam, Norm, Optimizer,
    RAdam, RMSprop, Rprop, Schedule, Scheduler, Sgd, clip_grad_norm,
};
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

fn adagrad<T: Float>(pair: &mut Pair<T>) {
    let (lr_decay, weight_decay) = (pair.pick(&[0.0, 0.1]), pair.pick(&[0.0, 0.1]));
    let start = pair.pick(&[0.0, 0.5]);
    let builder = Adagrad::builder(0.1).lr_decay(lr_decay).weight_decay(weight_decay);
    let mut engine = builder.initial_accumulator_value(start).build().unwrap();
    let mut twin = textbook::Adagrad::new(0.1);
    (twin.lr_decay, twin.weight_decay, twin.initial_accumulator_value) = (lr_decay, weight_decay, start);
    trajectory(pair, &mut engine, |parameters, gradients| {
        twin.step(parameters, gradients, &mut Trace::silent()).unwrap();
    });
}

fn adamax<T: Float>(pair: &mut Pair<T>) {
    let betas = pair.pick(&[(0.9, 0.999), (0.5, 0.9), (0.0, 0.99)]);
    let weight_decay = pair.pick(&[0.0, 0.1]);
    let builder = Adamax::builder(0.01).betas(betas.0, betas.1).eps(1e-3).weight_decay(weight_decay);
    let mut engine = builder.build().unwrap();
    let mut twin = textbook::Adamax::new(0.01);
    (twin.betas, twin.eps, twin.weight_decay) = (betas, 1e-3, weight_decay);
    trajectory(pair, &mut engine, |parameters, gradients| {
        twin.step(parameters, gradients, &mut Trace::silent()).unwrap();
    });
}

fn asgd<T: Float>(pair: &mut Pair<T>) {
    let (lambd, alpha, t0) = (pair.pick(&[1e-4, 0.1]), pair.pick(&[0.75, 0.5]), pair.pick(&[1e6, 4.0]));
    let weight_decay = pair.pick(&[0.0, 0.1]);
    let builder = Asgd::builder(0.1).lambd(lambd).alpha(alpha).t0(t0).weight_decay(weight_decay);
    let mut engine = builder.build().unwrap();
    let mut twin = textbook::Asgd::new(0.1);
    (twin.lambd, twin.alpha, twin.t0, twin.weight_decay) = (lambd, alpha, t0, weight_decay);
    trajectory(pair, &mut engine, |parameters, gradients| {
        twin.step(parameters, gradients, &mut Trace::silent()).unwrap();
    });
    let state = engine.state();
    for (i, average) in twin.averages().enumerate() {
        pair.same("average", &state.tensors[&format!("{i}.ax")], average);
    }
}

fn nadam<T: Float>(pair: &mut Pair<T>) {
    let decay = pair.pick(&[Decay::Coupled, Decay::Decoupled]);
    let betas = pair.pick(&[(0.9, 0.999), (0.5, 0.9), (0.0, 0.99)]);
    let (momentum_decay, weight_decay) = (pair.pick(&[4e-3, 0.3]), pair.pick(&[0.0, 0.1]));
    let builder = NAdam::builder(0.01).betas(betas.0, betas.1).momentum_decay(momentum_decay);
    let builder = builder.weight_decay(weight_decay).decoupled_weight_decay(decay == Decay::Decoupled);
    let mut engine = builder.eps(1e-3).build().unwrap();
    let mut twin = textbook::NAdam::new(0.01);
    (twin.betas, twin.eps, twin.momentum_decay) = (betas, 1e-3, momentum_decay);
    (twin.weight_decay, twin.decay) = (weight_decay, decay);
    trajectory(pair, &mut engine, |parameters, gradients| {
        twin.step(parameters, gradients, &mut Trace::silent()).unwrap();
    });
}

fn radam<T: Float>(pair: &mut Pair<T>) {
    let decay = pair.pick(&[Decay::Coupled, Decay::Decoupled]);
    let betas = pair.pick(&[(0.9, 0.999), (0.5, 0.9), (0.0, 0.99)]);
    let weight_decay = pair.pick(&[0.0, 0.1]);
    let builder = RAdam::builder(0.01).betas(betas.0, betas.1).eps(1e-3).weight_decay(weight_decay);
    let mut engine = builder.decoupled_weight_decay(decay == Decay::Decoupled).build().unwrap();
    let mut twin = textbook::RAdam::new(0.01);
    (twin.betas, twin.eps, twin.weight_decay, twin.decay) = (betas, 1e-3, weight_decay, decay);
    trajectory(pair, &mut engine, |parameters, gradients| {
        twin.step(parameters, gradients, &mut Trace::silent()).unwrap();
    });
}

fn rmsprop<T: Float>(pair: &mut Pair<T>) {
    let (alpha, momentum) = (pair.pick(&[0.99, 0.5]), pair.pick(&[0.0, 0.9]));
    let (centered, weight_decay) = (pair.flag(), pair.pick(&[0.0, 0.1]));
    let builder = RMSprop::builder(0.01).alpha(alpha).momentum(momentum).centered(centered);
    let mut engine = builder.eps(1e-3).weight_decay(weight_decay).build().unwrap();
    let mut twin = textbook::RMSprop::new(0.01);
    (twin.alpha, twin.momentum, twin.centered) = (alpha, momentum, centered);
    (twin.eps, twin.weight_decay) = (1e-3, weight_decay);
    trajectory(pair, &mut engine, |parameters, gradients| {
        twin.step(parameters, gradients, &mut Trace::silent()).unwrap();
    });
}

fn rprop<T: Float>(pair: &mut Pair<T>) {
    let etas = pair.pick(&[(0.5, 1.2), (0.25, 1.5)]);
    let step_sizes = pair.pick(&[(1e-6, 50.0), (0.05, 0.11)]);
    let builder = Rprop::builder(0.1).etas(etas.0, etas.1).step_sizes(step_sizes.0, step_sizes.1);
    let mut engine = builder.build().unwrap();
    let mut twin = textbook::Rprop::new(0.1);
    (twin.etas, twin.step_sizes) = (etas, step_sizes);
    trajectory(pair, &mut engine, |parameters, gradients| {
        twin.step(parameters, gradients, &mut Trace::silent()).unwrap();
    });
}

/// Both walk down one bowl, each along the gradients at its own parameters.
fn lbfgs<T: Float>(pair: &mut Pair<T>) {
    let rate = pair.pick(&[0.2, 0.05]);
    let history = pair.pick(&[100, 2]);
    let mut parameters = [pair.array(&[7])];
    let widths = pair.positive(&[7]);
    let mut model = vec![pair.tensor(&parameters[0]).contiguous().requires_grad()];
    let mut engine = Lbfgs::builder(rate).max_iter(6).history_size(history).build::<T>().unwrap();
    let mut twin = textbook::Lbfgs::new(rate);
    twin.history_size = history;
    pair.terms = 1.0;
    let scales = pair.tensor(&widths);
    engine
        .step(&mut model, |model| {
            let loss = model[0].square()?.mul(&scales)?.sum()?;
            Ok((loss.item()?, loss.backward()?))
        })
        .unwrap();
    for _ in 0..6 {
        let gradient = parameters[0].zip(&widths, |p, w| 2.0 * p * w).unwrap();
        twin.step(&mut parameters, &[gradient], &mut Trace::silent()).unwrap();
    }
    pair.same("parameter", &model[0], &parameters[0]);
}

fn average<T: Float>(pair: &mut Pair<T>) {
    let decay = pair.pick(&[None, Some(0.9), Some(0.3)]);
    let shape = pair.shape(1..=2);
    let mut engine =
        decay.map_or_else(AveragedModel::mean, |decay| AveragedModel::exponential(decay).unwrap());
    let mut twin = textbook::WeightAverage::new(decay);
    pair.terms = 1.0;
    for _ in 0..5 {
        let weights = pair.array(&shape);
        let model = vec![pair.leaf(&weights)];
        engine.update_parameters(&model).unwrap();
        let expected = twin.update(&weights, &mut Trace::silent()).unwrap();
        pair.same("average", &engine.state_dict()[1].1, &expected);
    }
}

fn accumulation<T: Float>(pair: &mut Pair<T>) {
    let shape = pair.shape(1..=2);
    let leaf = [pair.leaf(&Array::zeros(&shape))];
    let parts: Vec<(Array, f64)> = (0..3).map(|_| (pair.array(&shape), pair.between(1..=9) as f64)).collect();
    let mut engine = Accumulation::new();
    for (gradient, count) in &parts {
        let mut gradients = Gradients::default();
        gradients.set(&leaf[0], pair.tensor(gradient)).unwrap();
        engine.add(gradients, *count).unwrap();
    }
    pair.terms = 1.0;
    let expected = textbook::accumulate_gradients(&parts, &mut Trace::silent()).unwrap();
    pair.same("gradient", engine.take().unwrap().of(&leaf[0]).unwrap(), &expected);
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
fn the_other_trajectories_agree() {
    hold("adagrad", 20, [64.0, 64.0], adagrad::<f64>, adagrad::<f32>);
    hold("adamax", 20, [64.0, 64.0], adamax::<f64>, adamax::<f32>);
    hold("asgd", 20, [64.0, 64.0], asgd::<f64>, asgd::<f32>);
    hold("nadam", 20, [64.0, 64.0], nadam::<f64>, nadam::<f32>);
    hold("radam", 20, [64.0, 64.0], radam::<f64>, radam::<f32>);
    hold("rmsprop", 20, [64.0, 64.0], rmsprop::<f64>, rmsprop::<f32>);
    hold("rprop", 20, [16.0, 16.0], rprop::<f64>, rprop::<f32>);
    // Differences of nearly equal gradients are divided by one another.
    hold("lbfgs", 20, [4096.0, 4096.0], lbfgs::<f64>, lbfgs::<f32>);
}

#[test]
fn averages_agree() {
    hold("weight average", 20, [16.0, 16.0], average::<f64>, average::<f32>);
    hold("accumulation", 20, [16.0, 16.0], accumulation::<f64>, accumulation::<f32>);
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
    for (linear, steps) in [(false, 0), (false, 1), (false, 9), (true, 9)] {
        let anneal = if linear { learning_rate::Anneal::Linear } else { learning_rate::Anneal::Cosine };
        let swa = Schedule::Swa { swa_lr: 0.05, anneal_epochs: steps, linear };
        same_rates("swa", 20, rate(swa), |t| {
            learning_rate::swa_annealing(base, 0.05, steps as usize, anneal, t)
        });
    }
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
