//! What goes wrong in optimizers, each mistake written down and refused by the block's ordinary checks.

use barehand_textbook::{
    Adadelta, Adagrad, Adam, Adamax, Array, Asgd, Lbfgs, NAdam, RAdam, RMSprop, Rprop, Sgd, Trace,
    WeightAverage, accumulate_gradients, clip_grad_norm,
};

fn silent() -> Trace {
    Trace::silent()
}

fn near(a: &Array, b: &Array, tolerance: f64) -> bool {
    a.shape() == b.shape() && a.data().iter().zip(b.data()).all(|(a, b)| (a - b).abs() <= tolerance)
}

/// p after each of ten steps along these gradients, from p = 1.
fn trajectory(mut step: impl FnMut(f64, f64) -> f64) -> Vec<f64> {
    let mut p = 1.0;
    [0.5, 0.4, -0.2, 0.3, 0.8, -0.1, 0.05, 0.6, -0.7, 0.2]
        .map(|g| {
            p = step(p, g);
            p
        })
        .to_vec()
}

fn follows(known: &[f64], step: impl FnMut(f64, f64) -> f64) -> bool {
    near(&Array::vector(&trajectory(step)), &Array::vector(known), 1e-12)
}

/// The trajectory of a textbook optimizer over one number.
fn textbook(mut step: impl FnMut(&mut [Array], &[Array])) -> Vec<f64> {
    trajectory(|p, g| {
        let mut parameters = [Array::scalar(p)];
        step(&mut parameters, &[Array::scalar(g)]);
        parameters[0][0]
    })
}

#[test]
fn momentum_traps() {
    let mut sgd = Sgd::new(0.1);
    sgd.momentum = 0.9;
    let known = textbook(|p, g| sgd.step(p, g, &mut silent()).unwrap());
    // 1 - 0.1 (0.5), then v = 0.9 0.5 + 0.4 = 0.85, then v = 0.9 0.85 - 0.2 = 0.565.
    assert!(near(&Array::vector(&known[..3]), &Array::vector(&[0.95, 0.865, 0.8085]), 1e-15));
    let mut v = 0.0;
    assert!(follows(&known, |p, g| {
        v = 0.9 * v + g;
        p - 0.1 * v
    }));
    let mut previous = 0.0;
    let momentum_remembers_previous_gradient = |p: f64, g: f64| {
        let v = 0.9 * previous + g;
        previous = g;
        p - 0.1 * v
    };
    assert!(!follows(&known, momentum_remembers_previous_gradient));
    let mut v = 0.0;
    let momentum_as_moving_average = |p: f64, g: f64| {
        v = 0.9 * v + 0.1 * g;
        p - 0.1 * v
    };
    assert!(!follows(&known, momentum_as_moving_average));
}

/// Adam by hand over one number, with its parts open to mistakes: the bias correction of step t, the moments' decay,
/// and the sign of the update.
struct HandAdam {
    correction: fn(f64, i32) -> f64,
    decay: bool,
    sign: f64,
    m: f64,
    v: f64,
    t: i32,
}

impl HandAdam {
    fn right() -> Self {
        HandAdam { correction: |beta, t| 1.0 - beta.powi(t), decay: true, sign: -1.0, m: 0.0, v: 0.0, t: 0 }
    }

    fn step(&mut self, p: f64, g: f64) -> f64 {
        self.t += 1;
        let (keep1, keep2) = if self.decay { (0.9, 0.999) } else { (1.0, 1.0) };
        self.m = keep1 * self.m + 0.1 * g;
        self.v = keep2 * self.v + 0.001 * g * g;
        let mhat = self.m / (self.correction)(0.9, self.t);
        let vhat = self.v / (self.correction)(0.999, self.t);
        p + self.sign * 0.01 * mhat / (vhat.sqrt() + 1e-8)
    }
}

#[test]
fn adam_traps() {
    let mut adam = Adam::new(0.01);
    let known = textbook(|p, g| adam.step(p, g, &mut silent()).unwrap());
    let accepts = |mut hand: HandAdam| follows(&known, |p, g| hand.step(p, g));
    assert!(accepts(HandAdam::right()));
    let adam_bias_correction_without_power =
        HandAdam { correction: |beta, _| 1.0 - beta, ..HandAdam::right() };
    let adam_without_bias_correction = HandAdam { correction: |_, _| 1.0, ..HandAdam::right() };
    let adam_adds_instead_of_subtracting = HandAdam { sign: 1.0, ..HandAdam::right() };
    let adam_without_moment_decay = HandAdam { decay: false, ..HandAdam::right() };
    assert!(!accepts(adam_bias_correction_without_power));
    assert!(!accepts(adam_without_bias_correction));
    assert!(!accepts(adam_adds_instead_of_subtracting));
    assert!(!accepts(adam_without_moment_decay));
    // One step is not enough to see the missing power.
    let mut wrong = HandAdam { correction: |beta, _| 1.0 - beta, ..HandAdam::right() };
    assert!((wrong.step(1.0, 0.5) - known[0]).abs() < 1e-12);
    // A state that is appended to and read from its front never changes after the first step.
    let mut states: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    let mut t = 0;
    let adam_that_appends_to_its_state = |p: f64, g: f64| {
        t += 1;
        let (m, v) = (0.9 * states[0].0 + 0.1 * g, 0.999 * states[0].1 + 0.001 * g * g);
        states.push((m, v));
        p - 0.01 * (m / (1.0 - 0.9f64.powi(t))) / ((v / (1.0 - 0.999f64.powi(t))).sqrt() + 1e-8)
    };
    assert!(!follows(&known, adam_that_appends_to_its_state));
}

/// Adadelta by hand over one number: which mean square of the steps it uses, and where eps stands.
fn hand_adadelta(newest: bool, eps_outside: bool) -> impl FnMut(f64, f64) -> f64 {
    let (mut s, mut u) = (0.0, 0.0);
    move |p: f64, g: f64| {
        let eps: f64 = 1e-6;
        let root = |x: f64| if eps_outside { x.sqrt() + eps } else { (x + eps).sqrt() };
        s = 0.9 * s + 0.1 * g * g;
        let mut d = root(u) / root(s) * g;
        u = 0.9 * u + 0.1 * d * d;
        if newest {
            d = root(u) / root(s) * g;
        }
        p - d
    }
}

#[test]
fn adadelta_traps() {
    let mut adadelta = Adadelta::new(1.0);
    let known = textbook(|p, g| adadelta.step(p, g, &mut silent()).unwrap());
    // sqrt(1e-6) / sqrt(0.1 * 0.25 + 1e-6) * 0.5 is taken from 1.
    assert!((known[0] - (1.0 - 0.5e-3 / 0.025_001f64.sqrt())).abs() < 1e-15);
    assert!(follows(&known, hand_adadelta(false, false)));
    let adadelta_with_the_newest_step = hand_adadelta(true, false);
    assert!(!follows(&known, adadelta_with_the_newest_step));
    let adadelta_with_eps_outside_the_roots = hand_adadelta(false, true);
    assert!(!follows(&known, adadelta_with_eps_outside_the_roots));
}

#[test]
fn weight_decay_traps() {
    let mut adamw = Adam::adamw(0.01);
    adamw.weight_decay = 0.1;
    let known = textbook(|p, g| adamw.step(p, g, &mut silent()).unwrap());
    let mut hand = HandAdam::right();
    assert!(follows(&known, |p, g| hand.step(p * (1.0 - 0.01 * 0.1), g)));
    let mut coupled = Adam::new(0.01);
    coupled.weight_decay = 0.1;
    let adamw_with_coupled_decay = textbook(|p, g| coupled.step(p, g, &mut silent()).unwrap());
    assert!(!near(&Array::vector(&adamw_with_coupled_decay), &Array::vector(&known), 1e-12));
}

/// Bounds the common norm and keeps the direction.
fn is_global_clipping(f: impl Fn(&mut [Array])) -> bool {
    let mut g = [Array::vector(&[3.0, 0.0]), Array::vector(&[0.0, 0.4])];
    f(&mut g);
    let norm = (g[0][0].powi(2) + g[1][1].powi(2)).sqrt();
    (norm - 1.0).abs() < 1e-5 && (g[0][0] / g[1][1] - 7.5).abs() < 1e-12
}

fn clip_each_tensor_by_itself(gradients: &mut [Array]) {
    for g in gradients {
        clip_grad_norm(std::slice::from_mut(g), 1.0, &mut silent()).unwrap();
    }
}

#[test]
fn clipping_traps() {
    assert!(is_global_clipping(|g| {
        clip_grad_norm(g, 1.0, &mut silent()).unwrap();
    }));
    assert!(!is_global_clipping(clip_each_tensor_by_itself));
}

#[test]
fn adagrad_traps() {
    let mut adagrad = Adagrad::new(0.1);
    let known = textbook(|p, g| adagrad.step(p, g, &mut silent()).unwrap());
    // The first step is the rate itself, whatever the gradient.
    assert!((known[0] - 0.9).abs() < 1e-10);
    let hand = |mean: bool, inside: bool| {
        let mut s = 0.0;
        move |p: f64, g: f64| {
            s = if mean { 0.9 * s + 0.1 * g * g } else { s + g * g };
            p - 0.1 * g / if inside { (s + 1e-2f64).sqrt() } else { s.sqrt() + 1e-10 }
        }
    };
    assert!(follows(&known, hand(false, false)));
    let adagrad_that_forgets = hand(true, false);
    assert!(!follows(&known, adagrad_that_forgets));
    let adagrad_with_eps_inside_the_root = hand(false, true);
    assert!(!follows(&known, adagrad_with_eps_inside_the_root));
    // The rate falls from the second step on.
    let mut falling = Adagrad::new(0.1);
    falling.lr_decay = 0.5;
    let falling = textbook(|p, g| falling.step(p, g, &mut silent()).unwrap());
    assert!((falling[0] - known[0]).abs() < 1e-15 && (falling[1] - known[1]).abs() > 1e-3);
    let mut s = 0.0;
    let mut t = 0.0;
    let adagrad_whose_rate_falls_a_step_early = |p: f64, g: f64| {
        t += 1.0;
        s += g * g;
        p - 0.1 / (1.0 + t * 0.5) * g / (s.sqrt() + 1e-10)
    };
    assert!(!follows(&falling, adagrad_whose_rate_falls_a_step_early));
}

#[test]
fn rmsprop_traps() {
    let known_of = |change: fn(&mut RMSprop)| {
        let mut rmsprop = RMSprop::new(0.01);
        rmsprop.alpha = 0.9;
        change(&mut rmsprop);
        textbook(|p, g| rmsprop.step(p, g, &mut silent()).unwrap())
    };
    let known = known_of(|_| {});
    // Without a bias correction the first step is 1 / sqrt(1 - alpha) rates long.
    assert!((known[0] - (1.0 - 0.01 / 0.1f64.sqrt())).abs() < 1e-8);
    let mut s = 0.0;
    assert!(follows(&known, |p, g| {
        s = 0.9 * s + 0.1 * g * g;
        p - 0.01 * g / (s.sqrt() + 1e-8)
    }));
    let (mut s, mut t) = (0.0, 0);
    let rmsprop_with_a_bias_correction = |p: f64, g: f64| {
        t += 1;
        s = 0.9 * s + 0.1 * g * g;
        p - 0.01 * g / ((s / (1.0 - 0.9f64.powi(t))).sqrt() + 1e-8)
    };
    assert!(!follows(&known, rmsprop_with_a_bias_correction));
    let mut s = 0.0;
    let rmsprop_with_the_shares_exchanged = |p: f64, g: f64| {
        s = 0.1 * s + 0.9 * g * g;
        p - 0.01 * g / (s.sqrt() + 1e-8)
    };
    assert!(!follows(&known, rmsprop_with_the_shares_exchanged));

    let known = known_of(|rmsprop| rmsprop.momentum = 0.5);
    let (mut s, mut b) = (0.0, 0.0);
    assert!(follows(&known, |p, g| {
        s = 0.9 * s + 0.1 * g * g;
        b = 0.5 * b + g / (s.sqrt() + 1e-8);
        p - 0.01 * b
    }));
    let (mut s, mut b) = (0.0, 0.0);
    let rmsprop_whose_momentum_sums_gradients = |p: f64, g: f64| {
        s = 0.9 * s + 0.1 * g * g;
        b = 0.5 * b + g;
        p - 0.01 * b / (s.sqrt() + 1e-8)
    };
    assert!(!follows(&known, rmsprop_whose_momentum_sums_gradients));

    let known = known_of(|rmsprop| rmsprop.centered = true);
    let hand = |squared: bool| {
        let (mut s, mut a) = (0.0, 0.0);
        move |p: f64, g: f64| {
            s = 0.9 * s + 0.1 * g * g;
            a = 0.9 * a + 0.1 * g;
            p - 0.01 * g / ((s - if squared { a * a } else { a }).max(0.0).sqrt() + 1e-8)
        }
    };
    assert!(follows(&known, hand(true)));
    let rmsprop_that_subtracts_the_mean_unsquared = hand(false);
    assert!(!follows(&known, rmsprop_that_subtracts_the_mean_unsquared));
}

/// Rprop by hand: what becomes of the gradient where the sign turned.
fn hand_rprop(repeats: bool, uses_size: bool) -> impl FnMut(f64, f64) -> f64 {
    let (mut before, mut size) = (0.0, 0.1);
    move |p: f64, g: f64| {
        let turn: f64 = before * g;
        size *= if turn > 0.0 {
            1.2
        } else if turn < 0.0 {
            0.5
        } else {
            1.0
        };
        let g = if turn < 0.0 && !repeats { 0.0 } else { g };
        before = g;
        p - size
            * if uses_size {
                g
            } else if g == 0.0 {
                0.0
            } else {
                g.signum()
            }
    }
}

#[test]
fn rprop_traps() {
    let mut rprop = Rprop::new(0.1);
    let known = textbook(|p, g| rprop.step(p, g, &mut silent()).unwrap());
    // 0.1, then 0.12; the third gradient turns: no step, and the fourth goes half of 0.12 the other way.
    assert!(near(&Array::vector(&known[..4]), &Array::vector(&[0.9, 0.78, 0.78, 0.72]), 1e-15));
    assert!(follows(&known, hand_rprop(false, false)));
    let rprop_that_steps_where_the_sign_turned = hand_rprop(true, false);
    assert!(!follows(&known, rprop_that_steps_where_the_sign_turned));
    let rprop_that_multiplies_by_the_gradient = hand_rprop(false, true);
    assert!(!follows(&known, rprop_that_multiplies_by_the_gradient));
}

#[test]
fn adamax_traps() {
    let mut adamax = Adamax::new(0.01);
    let known = textbook(|p, g| adamax.step(p, g, &mut silent()).unwrap());
    assert!((known[0] - 0.99).abs() < 1e-9);
    let hand = |fades: bool, correct_both: bool| {
        let (mut m, mut u, mut t) = (0.0, 0.0f64, 0);
        move |p: f64, g: f64| {
            t += 1;
            m = 0.9 * m + 0.1 * g;
            u = (if fades { 0.999 * u } else { u }).max(g.abs() + 1e-8);
            let u = if correct_both { u / (1.0 - 0.999f64.powi(t)) } else { u };
            p - 0.01 / (1.0 - 0.9f64.powi(t)) * m / u
        }
    };
    assert!(follows(&known, hand(true, false)));
    let adamax_whose_maximum_never_fades = hand(false, false);
    assert!(!follows(&known, adamax_whose_maximum_never_fades));
    let adamax_with_a_corrected_maximum = hand(true, true);
    assert!(!follows(&known, adamax_with_a_corrected_maximum));
}

#[test]
fn nadam_traps() {
    let mut nadam = NAdam::new(0.01);
    let known = textbook(|p, g| nadam.step(p, g, &mut silent()).unwrap());
    let hand = |grows: bool, next: bool| {
        let (mut m, mut v, mut product, mut t) = (0.0, 0.0f64, 1.0, 0);
        move |p: f64, g: f64| {
            t += 1;
            let mu = |t: i32| if grows { 0.9 * (1.0 - 0.5 * 0.96f64.powf(f64::from(t) * 4e-3)) } else { 0.9 };
            product *= mu(t);
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let later = if next { mu(t + 1) / (1.0 - product * mu(t + 1)) } else { mu(t) / (1.0 - product) };
            let ahead = (1.0 - mu(t)) / (1.0 - product) * g + later * m;
            p - 0.01 * ahead / ((v / (1.0 - 0.999f64.powi(t))).sqrt() + 1e-8)
        }
    };
    assert!(follows(&known, hand(true, true)));
    let nadam_with_a_constant_momentum = hand(false, true);
    assert!(!follows(&known, nadam_with_a_constant_momentum));
    let nadam_with_this_steps_momentum_on_the_mean = hand(true, false);
    assert!(!follows(&known, nadam_with_this_steps_momentum_on_the_mean));
    let mut adam = Adam::new(0.01);
    let nadam_that_is_adam = textbook(|p, g| adam.step(p, g, &mut silent()).unwrap());
    assert!(!near(&Array::vector(&nadam_that_is_adam), &Array::vector(&known), 1e-12));
}

#[test]
fn radam_traps() {
    let mut radam = RAdam::new(0.01);
    let known = textbook(|p, g| radam.step(p, g, &mut silent()).unwrap());
    // The first step is the corrected mean itself: 0.5.
    assert!((known[0] - (1.0 - 0.01 * 0.5)).abs() < 1e-15);
    let hand = |threshold: f64, corrected_first: bool| {
        let (mut m, mut v, mut t) = (0.0, 0.0f64, 0);
        move |p: f64, g: f64| {
            t += 1;
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (kept, inf) = (0.999f64.powi(t), 1999.0);
            let rho = inf - 2.0 * f64::from(t) * kept / (1.0 - kept);
            let r = ((rho - 4.0) * (rho - 2.0) * inf / ((inf - 4.0) * (inf - 2.0) * rho)).sqrt();
            let mhat = m / (1.0 - 0.9f64.powi(t));
            let adapted = if corrected_first {
                r / ((v / (1.0 - kept)).sqrt() + 1e-2)
            } else {
                r * (1.0 - kept).sqrt() / (v.sqrt() + 1e-8)
            };
            p - 0.01 * mhat * if rho > threshold { adapted } else { 1.0 }
        }
    };
    assert!(follows(&known, hand(5.0, false)));
    let radam_that_adapts_from_the_papers_four_on = hand(4.0, false);
    assert!(!follows(&known, radam_that_adapts_from_the_papers_four_on));
    let radam_that_never_adapts = hand(f64::INFINITY, false);
    assert!(!follows(&known, radam_that_never_adapts));
    let radam_with_eps_behind_the_correction = hand(5.0, true);
    assert!(!follows(&known, radam_with_eps_behind_the_correction));
}

#[test]
fn asgd_traps() {
    let mut asgd = Asgd::new(0.1);
    (asgd.lambd, asgd.t0) = (0.5, 3.0);
    let known = textbook(|p, g| asgd.step(p, g, &mut silent()).unwrap());
    let average = asgd.averages().next().unwrap()[0];
    let mut t = 0.0f64;
    let mut eta = 0.1;
    assert!(follows(&known, |p, g| {
        let moved = p * (1.0 - 0.5 * eta) - eta * g;
        t += 1.0;
        eta = 0.1 / (1.0 + 0.5 * 0.1 * t).powf(0.75);
        moved
    }));
    // From the fifth step on, of which t - t0 was 1 when its share was set: the mean of the last six parameters.
    let mean = known[4..].iter().sum::<f64>() / 6.0;
    assert!((average - mean).abs() < 1e-12, "{average} {mean}");
    let asgd_that_averages_from_the_start = known.iter().sum::<f64>() / 10.0;
    assert!((average - asgd_that_averages_from_the_start).abs() > 1e-3);
    let asgd_that_hands_out_the_average = average;
    assert!((known[9] - asgd_that_hands_out_the_average).abs() > 1e-3);
    let asgd_with_a_constant_rate = |p: f64, g: f64| p * (1.0 - 0.5 * 0.1) - 0.1 * g;
    assert!(!follows(&known, asgd_with_a_constant_rate));
}

/// Iterations of L-BFGS on 2 x^2 + y^2 / 2 + x y / 2 from (1, -3), and how far from 0 they end.
fn reaches_the_minimum(mut iterate: impl FnMut(&mut [Array], &[Array])) -> bool {
    let mut p = [Array::vector(&[1.0]), Array::vector(&[-3.0])];
    for _ in 0..12 {
        let (x, y) = (p[0][0], p[1][0]);
        iterate(&mut p, &[Array::vector(&[4.0 * x + 0.5 * y]), Array::vector(&[y + 0.5 * x])]);
    }
    p[0][0].abs() + p[1][0].abs() < 1e-8
}

#[test]
fn lbfgs_traps() {
    let mut lbfgs = Lbfgs::new(1.0);
    assert!(reaches_the_minimum(|p, g| lbfgs.step(p, g, &mut silent()).unwrap()));
    let mut sgd = Sgd::new(0.1);
    let lbfgs_that_is_gradient_descent =
        |p: &mut [Array], g: &[Array]| sgd.step(p, g, &mut silent()).unwrap();
    assert!(!reaches_the_minimum(lbfgs_that_is_gradient_descent));
    let mut forgetful = Lbfgs::new(1.0);
    forgetful.history_size = 0;
    let lbfgs_without_pairs = |p: &mut [Array], g: &[Array]| forgetful.step(p, g, &mut silent()).unwrap();
    assert!(!reaches_the_minimum(lbfgs_without_pairs));
}

#[test]
fn weight_average_traps() {
    let is_exponential = |mut update: Box<dyn FnMut(f64) -> f64>| {
        let found = [4.0, 8.0, 6.0].map(&mut update);
        found == [4.0, 5.0, 5.25]
    };
    let mut right = WeightAverage::new(Some(0.75));
    assert!(is_exponential(Box::new(move |w| right.update(&Array::scalar(w), &mut silent()).unwrap()[0])));
    let mut a = 0.0;
    let average_that_begins_with_zero = move |w: f64| {
        a = 0.75 * a + 0.25 * w;
        a
    };
    assert!(!is_exponential(Box::new(average_that_begins_with_zero)));
    let mut a = None;
    let average_with_the_shares_exchanged = move |w: f64| {
        a = Some(a.map_or(w, |a: f64| 0.25 * a + 0.75 * w));
        a.unwrap()
    };
    assert!(!is_exponential(Box::new(average_with_the_shares_exchanged)));
    let mut all = WeightAverage::new(None);
    let found = [4.0, 8.0, 6.0].map(|w| all.update(&Array::scalar(w), &mut silent()).unwrap()[0]);
    assert_eq!(found, [4.0, 6.0, 6.0]);
}

/// Two micro-batches of one mean: three tokens with gradients 1, 2, 3, and one with gradient 10.
fn is_accumulation(f: impl Fn(&[(Array, f64)]) -> f64) -> bool {
    (f(&[(Array::scalar(2.0), 3.0), (Array::scalar(10.0), 1.0)]) - 4.0).abs() < 1e-15
}

#[test]
fn accumulation_traps() {
    assert!(is_accumulation(|parts| accumulate_gradients(parts, &mut silent()).unwrap()[0]));
    let accumulation_averages_means_of_unequal_micro_batches =
        |parts: &[(Array, f64)]| parts.iter().map(|(g, _)| g[0]).sum::<f64>() / parts.len() as f64;
    assert!(!is_accumulation(accumulation_averages_means_of_unequal_micro_batches));
    let accumulation_sums_the_means = |parts: &[(Array, f64)]| parts.iter().map(|(g, _)| g[0]).sum::<f64>();
    assert!(!is_accumulation(accumulation_sums_the_means));
    assert!(accumulate_gradients(&[], &mut silent()).is_err());
}
