//! Optimizer steps against the trajectories of `torch.optim`, and against themselves over threads.

use barehand_kernels::optimizer::{
    AdadeltaStep, AdagradStep, AdamStep, AdamaxStep, AsgdStep, AverageStep, NadamStep, OptimizerStep,
    RadamStep, RmspropStep, RpropStep, SgdStep, Step,
};
use barehand_kernels::real::Real;
use barehand_kernels::threads::with_num_threads;
use serde_json::Value;

fn numbers<T: OptimizerStep>(value: &Value) -> Vec<T> {
    value.as_array().unwrap().iter().map(|v| T::from_f64(v.as_f64().unwrap())).collect()
}

/// A golden case's step number `t` from 1, with what its arrays of state begin with. `numbers` are those that ASGD and
/// NAdam keep.
fn step_of(case: &Value, lr: f64, t: u64, numbers: &mut [f64; 2]) -> (Step, Vec<f64>) {
    let options = &case["options"];
    let real = |name: &str, default: f64| options[name].as_f64().unwrap_or(default);
    let flag = |name: &str| options[name].as_bool().unwrap_or(false);
    let pair =
        |name: &str, default: [f64; 2]| [0, 1].map(|i| options[name][i].as_f64().unwrap_or(default[i]));
    let (maximize, weight_decay) = (flag("maximize"), real("weight_decay", 0.0));
    let [beta1, beta2] = pair("betas", [0.9, 0.999]);
    let (eps, momentum) = (real("eps", 1e-8), real("momentum", 0.0));
    let decoupled = flag("decoupled_weight_decay");
    match case["optimizer"].as_str().unwrap() {
        "SGD" => {
            let (dampening, nesterov) = (real("dampening", 0.0), flag("nesterov"));
            let step = SgdStep { lr, momentum, dampening, weight_decay, nesterov, maximize, first: t == 1 };
            // The velocity's first content must not matter.
            (Step::Sgd(step), if momentum == 0.0 { vec![] } else { vec![f64::NAN] })
        }
        "Adadelta" => {
            let (rho, eps) = (real("rho", 0.9), real("eps", 1e-6));
            (Step::Adadelta(AdadeltaStep { lr, rho, eps, weight_decay, maximize }), vec![0.0; 2])
        }
        "Adagrad" => {
            let (lr_decay, eps) = (real("lr_decay", 0.0), real("eps", 1e-10));
            let step = AdagradStep { lr, lr_decay, eps, weight_decay, maximize, step: t };
            (Step::Adagrad(step), vec![real("initial_accumulator_value", 0.0)])
        }
        name @ ("Adam" | "AdamW") => {
            let decoupled = name == "AdamW";
            let weight_decay = real("weight_decay", if decoupled { 1e-2 } else { 0.0 });
            let amsgrad = flag("amsgrad");
            let step =
                AdamStep { lr, beta1, beta2, eps, weight_decay, decoupled, amsgrad, maximize, step: t };
            (Step::Adam(step), vec![0.0; if amsgrad { 3 } else { 2 }])
        }
        "Adamax" => {
            let step = AdamaxStep { lr, beta1, beta2, eps, weight_decay, maximize, step: t };
            (Step::Adamax(step), vec![0.0; 2])
        }
        "ASGD" => {
            let (lambd, alpha, t0) = (real("lambd", 1e-4), real("alpha", 0.75), real("t0", 1e6));
            let [eta, mu] = if t == 1 { [lr, 1.0] } else { *numbers };
            *numbers = [lr / (1.0 + lambd * lr * t as f64).powf(alpha), 1.0 / (t as f64 - t0).max(1.0)];
            (Step::Asgd(AsgdStep { eta, lambd, mu, weight_decay, maximize }), vec![0.0])
        }
        "NAdam" => {
            let momentum_decay = real("momentum_decay", 4e-3);
            let before = if t == 1 { 1.0 } else { numbers[0] };
            let mu_product = before * NadamStep::mu(beta1, momentum_decay, t);
            numbers[0] = mu_product;
            let step = NadamStep {
                lr,
                beta1,
                beta2,
                eps,
                weight_decay,
                momentum_decay,
                decoupled,
                maximize,
                step: t,
                mu_product,
            };
            (Step::Nadam(step), vec![0.0; 2])
        }
        "RAdam" => {
            let step = RadamStep { lr, beta1, beta2, eps, weight_decay, decoupled, maximize, step: t };
            (Step::Radam(step), vec![0.0; 2])
        }
        "RMSprop" => {
            let (alpha, centered) = (real("alpha", 0.99), flag("centered"));
            let arrays = 1 + usize::from(momentum > 0.0) + usize::from(centered);
            let step = RmspropStep { lr, alpha, eps, weight_decay, momentum, centered, maximize };
            (Step::Rmsprop(step), vec![0.0; arrays])
        }
        "Rprop" => {
            let [eta_minus, eta_plus] = pair("etas", [0.5, 1.2]);
            let [smallest, largest] = pair("step_sizes", [1e-6, 50.0]);
            (Step::Rprop(RpropStep { eta_minus, eta_plus, smallest, largest, maximize }), vec![0.0, lr])
        }
        other => panic!("{other} is not known"),
    }
}

/// The trajectory of one golden case, with the gradients given divided by `scale` and scaled back inside the step.
fn trajectory<T: OptimizerStep>(golden: &Value, case: &Value, scale: f64) -> Vec<Vec<T>> {
    let lr = golden["lr"].as_f64().unwrap();
    let mut param: Vec<T> = numbers(&golden["start"]);
    let mut kept = [0.0; 2];
    let mut arrays: Vec<Vec<T>> = Vec::new();
    let mut steps = Vec::new();
    for (t, grad) in golden["grads"].as_array().unwrap().iter().enumerate() {
        let grad: Vec<T> = numbers::<T>(grad).iter().map(|&g| g / T::from_f64(scale)).collect();
        let (step, beginnings) = step_of(case, lr, t as u64 + 1, &mut kept);
        if t == 0 {
            arrays = beginnings.iter().map(|&start| vec![T::from_f64(start); param.len()]).collect();
        }
        let mut state: Vec<&mut [T]> = arrays.iter_mut().map(Vec::as_mut_slice).collect();
        T::step(&step, &mut param, &grad, &mut state, T::from_f64(scale));
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

/// Parameters and state after one step of every golden case, and of an average.
fn all_steps<T: OptimizerStep>(n: usize) -> Vec<Vec<T>> {
    let golden: Value = serde_json::from_str(include_str!("goldens/optimizer_steps.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    let mut steps: Vec<(Step, usize)> = cases
        .iter()
        .map(|case| {
            let (step, arrays) = step_of(case, 0.1, 2, &mut [0.5, 0.5]);
            (step, arrays.len())
        })
        .collect();
    steps.push((Step::Average(AverageStep { decay: 0.9 }), 0));
    let mut out = Vec::new();
    for (step, arrays) in steps {
        let (mut param, grad) = (noise::<T>(n, 0), noise::<T>(n, 1));
        let mut state: Vec<Vec<T>> =
            (0..arrays).map(|i| noise::<T>(n, 2 + i as u64).into_iter().map(Real::abs).collect()).collect();
        let mut slices: Vec<&mut [T]> = state.iter_mut().map(Vec::as_mut_slice).collect();
        T::step(&step, &mut param, &grad, &mut slices, T::HALF);
        assert!(param.iter().all(|x| x.is_finite()), "{step:?}");
        out.push(param);
        out.append(&mut state);
    }
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

/// Of one number seen often, the deviation from the mean is rounding: not a root of something negative.
#[test]
fn a_centered_step_survives_a_constant_gradient() {
    let step = RmspropStep {
        lr: 0.01,
        alpha: 0.9,
        eps: 1e-8,
        weight_decay: 0.0,
        momentum: 0.0,
        centered: true,
        maximize: false,
    };
    let (mut param, grad) = (vec![0.0f32; 40], noise::<f32>(40, 6));
    let (mut square, mut mean) = (vec![0.0; 40], vec![0.0; 40]);
    for _ in 0..500 {
        f32::step(&Step::Rmsprop(step), &mut param, &grad, &mut [&mut square, &mut mean], 1.0);
    }
    assert!(param.iter().all(|x| x.is_finite()));
}

#[test]
fn averages_are_pytorchs_lerp() {
    let (mut average, value) = ([1.0f64, -2.0, 0.5], [3.0, 4.0, 0.5]);
    f64::step(&Step::Average(AverageStep { decay: 0.75 }), &mut average, &value, &mut [], 1.0);
    assert_eq!(average, [1.5, -0.5, 0.5]);
    f64::step(&Step::Average(AverageStep { decay: 0.0 }), &mut average, &value, &mut [], 1.0);
    assert_eq!(average, value);
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
