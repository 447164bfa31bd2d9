//! Averages of weights, and steps from several micro-batches.

use barehand_nn::{
    Accumulation, AveragedModel, BatchNorm1d, Generator, Linear, Module, Parameters, Sequential, StateDict,
    Tensor, mse_loss,
};

fn shifted(model: &mut Linear<f64>, by: f64) {
    model.visit_parameters_mut(&mut |_, parameter| parameter.data_mut().iter_mut().for_each(|x| *x += by));
}

fn close(found: &StateDict<f64>, expected: impl Fn(f64) -> f64, start: &StateDict<f64>) {
    for ((name, x), (_, y)) in found.iter().zip(start) {
        for (x, y) in x.to_vec().into_iter().zip(y.to_vec()) {
            assert!((x - expected(y)).abs() < 1e-14, "{name}: {x} for {}", expected(y));
        }
    }
}

#[test]
fn averages_follow_the_weights() {
    let mut model = Linear::<f64>::new(3, 2, &mut Generator::new(0));
    let start: StateDict<f64> = model.state_dict();
    let mut exponential = AveragedModel::exponential(0.75).unwrap();
    let mut mean = AveragedModel::mean();
    for _ in 0..3 {
        exponential.update_parameters(&model).unwrap();
        mean.update_parameters(&model).unwrap();
        shifted(&mut model, 1.0);
    }
    // The weights were w, w + 1 and w + 2.
    exponential.swap(&mut model).unwrap();
    close(&model.state_dict(), |w| w + 0.75 * 0.25 + 0.25 * 2.0, &start);
    exponential.swap(&mut model).unwrap();
    close(&model.state_dict(), |w| w + 3.0, &start);
    mean.swap(&mut model).unwrap();
    close(&model.state_dict(), |w| w + 1.0, &start);
    assert!(model.named_parameters().iter().all(|(_, p)| p.is_leaf()));
    mean.swap(&mut model).unwrap();

    let saved = exponential.state_dict();
    assert_eq!(saved[0].0, "n_averaged");
    assert_eq!(saved[1].0, "module.weight");
    let mut resumed = AveragedModel::exponential(0.75).unwrap();
    resumed.load_state_dict(&saved).unwrap();
    assert_eq!(resumed.n_averaged(), 3);
    for average in [&mut exponential, &mut resumed] {
        average.update_parameters(&model).unwrap();
    }
    assert_eq!(resumed.state_dict(), exponential.state_dict());

    assert!(AveragedModel::<f32>::exponential(1.5).is_err());
    let other = Linear::<f64>::new(2, 2, &mut Generator::new(0));
    assert!(exponential.update_parameters(&other).is_err());
    assert!(exponential.load_state_dict(&[("weight".to_owned(), Tensor::zeros([1]))]).is_err());
}

#[test]
fn buffers_are_copied_or_averaged() {
    let model = BatchNorm1d::<f64>::new(1).momentum(1.0);
    let mut copied = AveragedModel::exponential(0.5).unwrap();
    let mut averaged = AveragedModel::exponential(0.5).unwrap().use_buffers(true);
    for mean in [2.0, 4.0] {
        model.forward(&Tensor::from([[mean - 1.0], [mean + 1.0]])).unwrap();
        copied.update_parameters(&model).unwrap();
        averaged.update_parameters(&model).unwrap();
    }
    let running_mean = |average: &AveragedModel<f64>| {
        let state = average.state_dict();
        state.iter().find(|(name, _)| name == "module.running_mean").unwrap().1.item().unwrap()
    };
    assert_eq!(running_mean(&copied), 4.0);
    assert_eq!(running_mean(&averaged), 3.0);
}

/// The wrong way, which the right one must differ from.
#[test]
fn a_mean_of_means_is_not_the_mean() {
    let mut generator = Generator::new(1);
    let model = Sequential::new().add(Linear::<f64>::new(3, 2, &mut generator));
    let x = Tensor::<f64>::randn([7, 3], &mut generator);
    let y = Tensor::<f64>::randn([7, 2], &mut generator);
    let gradients = |from: usize, len: usize| {
        let rows = |x: &Tensor<f64>| x.narrow(0, from, len).unwrap();
        mse_loss(&model.forward(&rows(&x)).unwrap(), &rows(&y)).unwrap().backward().unwrap()
    };
    let whole = gradients(0, 7);
    let mut right = Accumulation::new();
    let mut mean_of_means = Accumulation::new();
    for (from, len) in [(0, 4), (4, 1), (5, 2)] {
        right.add(gradients(from, len), len as f64).unwrap();
        mean_of_means.add(gradients(from, len), 1.0).unwrap();
    }
    assert_eq!(right.count(), 7.0);
    let (right, wrong) = (right.take().unwrap(), mean_of_means.take().unwrap());
    for (_, parameter) in model.named_parameters() {
        let apart = |gradients: &barehand_nn::Gradients<f64>| {
            gradients.of(parameter).unwrap().max_abs_diff(whole.of(parameter).unwrap()).unwrap()
        };
        assert!(apart(&right) < 1e-14, "{}", apart(&right));
        assert!(apart(&wrong) > 1e-2, "{}", apart(&wrong));
    }

    let mut empty = Accumulation::<f64>::new();
    assert!(empty.take().is_err());
    assert!(empty.add(gradients(0, 1), -1.0).is_err());
    assert!(empty.add(gradients(0, 1), f64::NAN).is_err());
    // A micro-batch of nothing, whose mean is no number, changes nothing.
    empty.add(gradients(0, 0), 0.0).unwrap();
    empty.add(gradients(0, 7), 7.0).unwrap();
    let found = empty.take().unwrap();
    let parameter = model.named_parameters()[0].1;
    assert!(found.of(parameter).unwrap().max_abs_diff(whole.of(parameter).unwrap()).unwrap() < 1e-14);
}

#[test]
fn a_count_from_a_file_may_be_anything() {
    let model = Linear::<f64>::new(1, 1, &mut Generator::new(0));
    let mut average = AveragedModel::mean();
    average.update_parameters(&model).unwrap();
    for (count, after) in [(1e300, u64::MAX), (-5.0, 1), (f64::NAN, 1), (2.0, 3)] {
        let mut state = average.state_dict();
        state[0].1 = Tensor::scalar(count);
        let mut again = AveragedModel::mean();
        again.load_state_dict(&state).unwrap();
        again.update_parameters(&model).unwrap();
        assert_eq!(again.n_averaged(), after);
        close(&again.state_dict()[1..].to_vec(), |x| x, &model.state_dict());
    }
}
