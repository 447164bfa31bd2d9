//! Optimizer steps against the trajectories of `torch.optim`, and against themselves over threads.

use barehand_kernels::optimizer::{AdadeltaStep, AdamStep, OptimizerStep, SgdStep};
use barehand_kernels::threads::with_num_threads;
use serde_json::Value;

fn numbers<T: OptimizerStep>(value: &Value) -> Vec<T> {
    value.as_array().unwrap().iter().map(|v| T::from_f64(v.as_f64().unwrap())).collect()
}

/// The trajectory of one golden case, with the gradients given divided by `scale` and scaled back inside the step.
fn trajectory<T: OptimizerStep>(golden: &Value, case: &Value, scale: f64) -> Vec<Vec<T>> {
    let options = &case["options"];
    let real = |name: &str, default: f64| options[name].as_f64().unwrap_or(default);
    let flag = |name: &str| options[name].as_bool().unwrap_or(false);
    let name = case["optimizer"].as_str().unwrap();
    let lr = golden["lr"].as_f64().unwrap();
    let mut param: Vec<T> = numbers(&golden["start"]);
    let n = param.len();
    // The velocity's first content must not matter.
    let (mut m, mut v, mut v_max) = (vec![T::ZERO; n], vec![T::ZERO; n], vec![T::ZERO; n]);
    let mut velocity = vec![T::NAN; n];
    let mut steps = Vec::new();
    for (t, grad) in golden["grads"].as_array().unwrap().iter().enumerate() {
        let grad: Vec<T> = numbers::<T>(grad).iter().map(|&g| g / T::from_f64(scale)).collect();
        let scale = T::from_f64(scale);
        if name == "SGD" {
            let step = SgdStep {
                lr,
                momentum: real("momentum", 0.0),
                dampening: real("dampening", 0.0),
                weight_decay: real("weight_decay", 0.0),
                nesterov: flag("nesterov"),
                maximize: flag("maximize"),
                first: t == 0,
            };
            let velocity = (step.momentum != 0.0).then_some(velocity.as_mut_slice());
            T::sgd(&step, &mut param, &grad, velocity, scale);
        } else if name == "Adadelta" {
            let step = AdadeltaStep {
                lr,
                rho: real("rho", 0.9),
                eps: real("eps", 1e-6),
                weight_decay: real("weight_decay", 0.0),
                maximize: flag("maximize"),
            };
            T::adadelta(&step, &mut param, &grad, &mut m, &mut v, scale);
        } else {
            let beta = |i: usize, default: f64| options["betas"][i].as_f64().unwrap_or(default);
            let step = AdamStep {
                lr,
                beta1: beta(0, 0.9),
                beta2: beta(1, 0.999),
                eps: real("eps", 1e-8),
                weight_decay: real("weight_decay", if name == "AdamW" { 1e-2 } else { 0.0 }),
                decoupled: name == "AdamW",
                amsgrad: flag("amsgrad"),
                maximize: flag("maximize"),
                step: t as u64 + 1,
            };
            let v_max = step.amsgrad.then_some(v_max.as_mut_slice());
            T::adam(&step, &mut param, &grad, &mut m, &mut v, v_max, scale);
        }
        steps.push(param.clone());
    }
    steps
}

fn agrees<T: OptimizerStep>(field: &str, scale: f64, tolerance: f64) {
    let golden: Value = serde_json::from_str(include_str!("goldens/optimizer_steps.json")).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let found = trajectory::<T>(&golden, case, scale);
        for (t, (found, expected)) in found.iter().zip(case[field].as_array().unwrap()).enumerate() {
            for (f, e) in found.iter().zip(numbers::<f64>(expected)) {
                let error = (f.to_f64() - e).abs() / e.abs().max(1e-3);
                assert!(
                    error < tolerance,
                    "{} {}: step {t}: {f} for {e}",
                    case["optimizer"],
                    case["options"]
                );
            }
        }
    }
}

#[test]
fn trajectories_are_pytorchs() {
    agrees::<f64>("f64", 1.0, 1e-13);
    agrees::<f32>("f32", 1.0, 2e-6);
}

#[test]
fn the_clipping_factor_scales_the_gradient() {
    agrees::<f64>("f64", 0.25, 1e-13);
    agrees::<f32>("f32", 0.25, 2e-6);
}

fn noise<T: OptimizerStep>(n: usize, seed: u64) -> Vec<T> {
    let mut rng = barehand_kernels::random::Philox::new(seed);
    let mut values = vec![0.0; n];
    rng.fill_normal(0.0f64, 1.0, &mut values);
    values.into_iter().map(T::from_f64).collect()
}

fn all_steps<T: OptimizerStep>(n: usize) -> Vec<Vec<T>> {
    let mut out = Vec::new();
    for options in 0..4u8 {
        let (a, b) = (options & 1 == 1, options & 2 == 2);
        let (mut param, grad, mut velocity) = (noise::<T>(n, 0), noise::<T>(n, 1), noise::<T>(n, 2));
        let momentum = if a { 0.9 } else { 0.0 };
        let step = SgdStep {
            lr: 0.1,
            momentum,
            dampening: 0.0,
            weight_decay: 0.01,
            nesterov: b,
            maximize: false,
            first: false,
        };
        T::sgd(&step, &mut param, &grad, a.then_some(&mut velocity), T::ONE);
        out.extend([param, velocity]);
        let (mut param, mut m, mut v, mut v_max) =
            (noise::<T>(n, 3), vec![T::ZERO; n], vec![T::ZERO; n], vec![T::ZERO; n]);
        let step = AdamStep {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.01,
            decoupled: a,
            amsgrad: b,
            maximize: false,
            step: 1,
        };
        T::adam(&step, &mut param, &grad, &mut m, &mut v, b.then_some(&mut v_max), T::HALF);
        out.extend([param, m, v, v_max]);
    }
    let (mut param, grad) = (noise::<T>(n, 4), noise::<T>(n, 5));
    let (mut square_avg, mut acc_delta) = (vec![T::ZERO; n], vec![T::ZERO; n]);
    let step = AdadeltaStep { lr: 1.0, rho: 0.9, eps: 1e-6, weight_decay: 0.01, maximize: false };
    T::adadelta(&step, &mut param, &grad, &mut square_avg, &mut acc_delta, T::HALF);
    out.extend([param, square_avg, acc_delta]);
    out
}

/// One call on many elements, on any number of threads, is the same as many calls on few.
#[test]
fn steps_do_not_depend_on_threads() {
    let n = 300_001;
    let expected = with_num_threads(1, || all_steps::<f32>(n));
    assert!(with_num_threads(3, || all_steps::<f32>(n)) == expected);
    let few = all_steps::<f32>(1000);
    assert!(expected.iter().zip(&few).all(|(long, short)| long[..1000] == short[..]));
    let expected = with_num_threads(1, || all_steps::<f64>(n));
    assert!(with_num_threads(3, || all_steps::<f64>(n)) == expected);
}

#[test]
fn sums_of_squares_are_accurate() {
    for n in [0, 1, 31, 33, 16_384, 16_385, 1_000_003] {
        let x = noise::<f32>(n, 9);
        // Exact: an f32 has 24 bits, so every square is a multiple of 2^-300 that fits 48 bits; here, by compensation.
        let (mut sum, mut lost) = (0.0f64, 0.0f64);
        for v in &x {
            let square = f64::from(*v) * f64::from(*v);
            let total = sum + square;
            lost += square - (total - sum);
            sum = total;
        }
        let exact = sum + lost;
        let found = with_num_threads(1, || f32::sum_squares(&x));
        assert!((found - exact).abs() <= 1e-14 * exact, "{n}: {found} for {exact}");
        assert_eq!(with_num_threads(3, || f32::sum_squares(&x)), found);
        let wide: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
        assert!((f64::sum_squares(&wide) - exact).abs() <= 1e-14 * exact);
    }
    // Where squares overflow or vanish in single precision.
    assert_eq!(f32::sum_squares(&[1e30, 1e-30]), f64::from(1e30f32) * f64::from(1e30f32));
}
