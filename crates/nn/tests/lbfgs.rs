//! L-BFGS against PyTorch, step by step.

mod golden;

use barehand_nn::optim::lbfgs::LbfgsBuilder;
use barehand_nn::{
    Error, Float, Generator, Gradients, Lbfgs, LineSearch, Linear, Module, Optimizer, Parameters, Result,
    Sgd, Tensor, mse_loss,
};
use golden::{Goldens, name};
use serde_json::Value;

#[derive(Parameters)]
struct Pair<T: Float> {
    a: Tensor<T>,
    b: Tensor<T>,
}

fn builder(case: &Value) -> LbfgsBuilder {
    let options = &case["options"];
    let number = |key: &str, default: f64| options[key].as_f64().unwrap_or(default);
    let count = |key: &str| options[key].as_u64().map(|n| n as usize);
    Lbfgs::builder(number("lr", 1.0))
        .max_iter(count("max_iter").unwrap_or(20))
        .max_eval(count("max_eval"))
        .history_size(count("history_size").unwrap_or(100))
        .tolerance_grad(number("tolerance_grad", 1e-7))
        .tolerance_change(number("tolerance_change", 1e-9))
        .line_search(options["line_search_fn"].is_string().then_some(LineSearch::StrongWolfe))
        .maximize(options["maximize"] == true)
}

/// Closed loop: the loss at our own parameters. Half way the optimizer is saved, and another one continues.
fn bowls<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("lbfgs");
    assert_eq!(goldens.cases.len(), 7);
    for case in &goldens.cases {
        let leaf = |key: &str| goldens.real(case, key).requires_grad();
        let mut model = Pair { a: leaf("p0.a"), b: leaf("p0.b") };
        let sign = if case["options"]["maximize"] == true { -1.0 } else { 1.0 };
        let bowl = |key: &str, p: &Tensor<T>| -> Result<Tensor<T>> {
            let valley = p.sub(goldens.real(case, &format!("c.{key}")))?.cosh()?.ln()?;
            let walls = p.square()?.square()?.mul_scalar(1.0 / 40.0)?;
            valley.mul(goldens.real(case, &format!("s.{key}")))?.add(&walls)?.sum()?.mul_scalar(sign)
        };
        let mut optimizer = builder(case).build::<T>().unwrap();
        for step in 0..6 {
            if step == 3 {
                let state = optimizer.state();
                optimizer = builder(case).build().unwrap();
                optimizer.load_state(state).unwrap();
            }
            let mut evaluations = 0;
            let before = optimizer.state().scalars["func_evals"];
            let loss = optimizer
                .step(&mut model, |model| {
                    evaluations += 1;
                    let loss = bowl("a", &model.a)?.add(&bowl("b", &model.b)?)?;
                    Ok((loss.item()?, loss.backward()?))
                })
                .unwrap();
            let at = |key: &str| goldens.real(case, key).select(0, step).unwrap();
            let close = |x: f64, y: f64| (x - y).abs() <= tolerance * (1.0 + y.abs());
            let expected = at("losses").item().unwrap().as_f64();
            assert!(
                close(loss, expected),
                "{} step {step}: loss {loss:e}, PyTorch says {expected:e}",
                name(case)
            );
            for (key, value) in [("a", &model.a), ("b", &model.b)] {
                for (x, y) in value.to_vec().into_iter().zip(at(&format!("parameters.{key}")).to_vec()) {
                    let (x, y) = (x.as_f64(), y.as_f64());
                    assert!(close(x, y), "{} step {step} {key}: {x:e}, PyTorch says {y:e}", name(case));
                }
            }
            let state = optimizer.state();
            assert_eq!(state.scalars["func_evals"] - before, f64::from(evaluations));
            let counts = at("counts").to_vec();
            if T::DTYPE == barehand_tensor::DType::F64 {
                assert_eq!(state.scalars["func_evals"], counts[0].as_f64(), "{} step {step}", name(case));
                assert_eq!(state.scalars["n_iter"], counts[1].as_f64(), "{} step {step}", name(case));
            }
        }
    }
}

#[test]
fn trajectories_in_f64() {
    bowls::<f64>(1e-9);
}

/// The line search looks at differences of nearly equal losses, of which f32 holds three digits.
#[test]
fn trajectories_in_f32() {
    bowls::<f32>(2e-3);
}

#[test]
fn the_valley_of_rosenbrock_is_followed_to_its_end() {
    let mut x = Tensor::<f64>::from([-1.2, 1.0]);
    let builder = Lbfgs::builder(1.0).max_iter(100).tolerance_change(1e-20);
    let mut optimizer = builder.line_search(LineSearch::StrongWolfe).build().unwrap();
    let first = optimizer
        .step_flat(&mut x, |x| {
            let &[a, b] = x.as_slice().unwrap() else { panic!() };
            let (valley, along) = (b - a * a, 1.0 - a);
            let gradient = Tensor::from([-400.0 * a * valley - 2.0 * along, 200.0 * valley]);
            Ok::<_, Error>((100.0 * valley * valley + along * along, gradient))
        })
        .unwrap();
    assert!((first - 24.2).abs() < 1e-12);
    assert!(x.to_vec().iter().all(|x| (x - 1.0).abs() < 1e-6), "{x:?}");
}

/// Among other optimizers it is given a closure; gradients of one point it refuses, and nothing has moved.
#[test]
fn it_is_one_optimizer_among_others() {
    let (x, y) = (Tensor::from([[0.0_f32], [1.0], [2.0]]), Tensor::from([[1.0_f32], [3.0], [5.0]]));
    let closure = |model: &dyn Module| -> Result<(f32, Gradients)> {
        let loss = mse_loss(&model.forward(&x)?, &y)?;
        Ok((loss.item()?, loss.backward()?))
    };
    let search = || Lbfgs::builder(1.0).line_search(LineSearch::StrongWolfe).build::<f32>().unwrap();
    let optimizers: [(Box<dyn Optimizer>, f32); 2] =
        [(Box::new(search()), 1e-3), (Box::new(Sgd::builder(0.1).build().unwrap()), 2.0)];
    for (mut optimizer, tolerance) in optimizers {
        let mut model = Linear::new(1, 1, &mut Generator::new(0));
        let (before, _) = closure(&model).unwrap();
        let mut looks = 0;
        let loss = optimizer
            .step_with(&mut model, &mut |model| {
                looks += 1;
                closure(model)
            })
            .unwrap();
        assert_eq!(loss, f64::from(before));
        assert_eq!(looks > 1, optimizer.name() == "lbfgs");
        assert!((model.weight.item().unwrap() - 2.0).abs() < tolerance, "{}", optimizer.name());
    }
    let mut model = Linear::new(1, 1, &mut Generator::new(0));
    let (before, gradients) = (model.weight.to_vec(), closure(&model).unwrap().1);
    let error = Optimizer::step(&mut search(), &mut model, &gradients).unwrap_err().to_string();
    assert!(error.contains("step_with takes a closure"), "{error}");
    let (gradient, mut optimizer) = (Tensor::ones([1, 1]), search());
    assert!(optimizer.update("weight", &mut model.weight, &gradient).is_err());
    assert_eq!(model.weight.to_vec(), before);
    // What a closure cannot compute is the step's own failure.
    let failing = &mut |_: &dyn Module| Err(Error::value("closure", "nothing to say"));
    assert!(optimizer.step_with(&mut model, failing).unwrap_err().to_string().contains("nothing to say"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let error = Lbfgs::builder(-1.0).build::<f32>().err().unwrap().to_string();
    assert_eq!(error, "lbfgs: Invalid learning rate: -1");
    let mut optimizer = Lbfgs::builder(1.0).build::<f32>().unwrap();
    let objective = |x: &Tensor| Ok::<_, Error>((x.square()?.sum()?.item()?.into(), x.mul_scalar(2.0)?));
    optimizer.step_flat(&mut Tensor::from([1.0, 2.0]), objective).unwrap();
    let error = optimizer.step_flat(&mut Tensor::from([1.0]), objective).unwrap_err().to_string();
    assert_eq!(error, "lbfgs: 1 numbers to move, and before there were 2");
    let mut state = optimizer.state();
    state.tensors.insert("exp_avg".to_owned(), Tensor::zeros([1]));
    let error = optimizer.load_state(state).unwrap_err().to_string();
    assert_eq!(error, "lbfgs: the saved state holds exp_avg, which is not lbfgs's");
    for (name, tensor) in [("d", Tensor::zeros([3])), ("prev_flat_grad", Tensor::zeros([2, 1]))] {
        let mut state = optimizer.state();
        state.tensors.insert(name.to_owned(), tensor);
        let error = optimizer.load_state(state).unwrap_err().to_string();
        assert!(error.contains("one length expected"), "{error}");
    }
    let mut state = optimizer.state();
    for (name, tensor) in [("old_dirs.0", [2]), ("old_stps.0", [3])] {
        state.tensors.insert(name.to_owned(), Tensor::zeros(tensor));
    }
    state.scalars.insert("ro.0".to_owned(), 1.0);
    let error = optimizer.load_state(state).unwrap_err().to_string();
    assert!(error.contains("[2] and [3]"), "{error}");
    // Counts at their limits.
    let mut state = Lbfgs::builder(1.0).build::<f32>().unwrap().state();
    state.scalars.insert("func_evals".to_owned(), 1e300);
    state.scalars.insert("n_iter".to_owned(), 1e300);
    state.tensors.insert("d".to_owned(), Tensor::from([0.5, 0.5]));
    state.tensors.insert("prev_flat_grad".to_owned(), Tensor::from([0.5, 0.5]));
    let mut counted = Lbfgs::builder(1.0).max_iter(usize::MAX).build().unwrap();
    counted.load_state(state).unwrap();
    counted.step_flat(&mut Tensor::from([1.0, 2.0]), objective).unwrap();
    // A loss of nothing has nothing to move.
    let moved = Lbfgs::builder(1.0).build().unwrap().step_flat(&mut Tensor::<f32>::zeros([0]), objective);
    assert_eq!(moved.unwrap(), 0.0);
}
