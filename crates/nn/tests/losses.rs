//! Losses against PyTorch: values and gradients for every reduction and option.

mod golden;

use barehand_nn::{
    BceLoss, BceWithLogitsLoss, CrossEntropyLoss, DivergenceReduction, Float, HuberLoss, KlDivLoss, L1Loss,
    MseLoss, NllLoss, Reduction, Result, SmoothL1Loss, Targets, Tensor, mse_loss, nll_loss,
};
use golden::{Goldens, name, op, weighted};

fn every_loss<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("losses");
    let mut checked = 0;
    for case in &goldens.cases {
        let options = &case["options"];
        let reduction = match options["reduction"].as_str().unwrap() {
            "none" => Reduction::None,
            "mean" => Reduction::Mean,
            "sum" => Reduction::Sum,
            _ => continue,
        };
        let x = goldens.real(case, "input").requires_grad();
        let target = goldens.find(case, "target").map(Tensor::requires_grad);
        let weight = goldens.find(case, "weight").cloned();
        let real = || target.as_ref().unwrap();
        let loss: Result<Tensor<T>> = match op(case) {
            "mse_loss" => MseLoss { reduction, half: false }.forward(&x, real()),
            "l1_loss" => L1Loss { reduction }.forward(&x, real()),
            "smooth_l1_loss" => {
                let beta = options["beta"].as_f64().unwrap_or(1.0);
                SmoothL1Loss { reduction, beta }.forward(&x, real())
            }
            "bce" => BceLoss { weight, reduction }.forward(&x, real()),
            "bce_with_logits" => {
                let pos_weight = goldens.find(case, "pos_weight").cloned();
                BceWithLogitsLoss { weight, pos_weight, reduction }.forward(&x, real())
            }
            "cross_entropy" => {
                let loss = CrossEntropyLoss {
                    weight,
                    ignore_index: options["ignore_index"].as_i64().unwrap_or(-100),
                    label_smoothing: options["label_smoothing"].as_f64().unwrap_or(0.0),
                    reduction,
                };
                match goldens.find_integers(case, "target") {
                    Some(classes) => loss.forward(&x, classes),
                    None => loss.forward(&x, Targets::Probabilities(real())),
                }
            }
            "nll_loss" => {
                let ignore_index = options["ignore_index"].as_i64().unwrap_or(-100);
                let loss = NllLoss { weight, ignore_index, reduction };
                let log_p = x.log_softmax(isize::from(x.rank() > 1)).unwrap();
                loss.forward(&log_p, goldens.find_integers(case, "target").unwrap())
            }
            "huber_loss" => {
                HuberLoss { reduction, delta: options["delta"].as_f64().unwrap_or(1.0) }.forward(&x, real())
            }
            "kl_div" => {
                let reduction = match reduction {
                    Reduction::None => DivergenceReduction::None,
                    Reduction::Mean => DivergenceReduction::Mean,
                    Reduction::Sum => DivergenceReduction::Sum,
                };
                KlDivLoss { reduction, log_target: false }.forward(&x, real())
            }
            other => panic!("{other} is not known"),
        };
        let loss = loss.unwrap_or_else(|error| panic!("{}: {error}", name(case)));
        goldens.assert_close(case, "out", &loss, tolerance);
        let gradients = weighted(&loss, goldens.real(case, "w.out")).backward().unwrap();
        goldens.assert_close(case, "grad.input", gradients.of(&x).unwrap(), tolerance);
        // Targets of cross entropy are constants here; those of distances are differentiated.
        if ["l1_loss", "smooth_l1_loss", "huber_loss", "mse_loss"].contains(&op(case)) {
            goldens.assert_close(case, "grad.target", gradients.of(real()).unwrap(), tolerance);
        }
        checked += 1;
    }
    assert!(checked > 115, "{checked}");
}

#[test]
fn every_loss_in_f64() {
    every_loss::<f64>(1e-12);
}

#[test]
fn every_loss_in_f32() {
    every_loss::<f32>(2e-6);
}

#[test]
fn half_the_squared_error_has_the_difference_as_its_gradient() {
    let x = Tensor::from([3.0_f64, -1.0]).requires_grad();
    let loss =
        MseLoss { reduction: Reduction::Sum, half: true }.forward(&x, &Tensor::from([1.0, 1.0])).unwrap();
    assert_eq!(loss.item().unwrap(), 4.0);
    assert_eq!(loss.backward().unwrap().of(&x).unwrap().to_vec(), [2.0, -2.0]);
}

#[test]
fn a_certain_mistake_costs_infinitely_and_an_ignored_one_nothing() {
    let log_p = Tensor::from([[0.0, f32::NEG_INFINITY], [f32::NEG_INFINITY, 0.0]]).requires_grad();
    let sum = NllLoss { reduction: Reduction::Sum, ..NllLoss::default() };
    let loss = sum.forward(&log_p, &Tensor::from([1, 1])).unwrap();
    assert_eq!(loss.item().unwrap(), f32::INFINITY);
    assert_eq!(loss.backward().unwrap().of(&log_p).unwrap().to_vec(), [0.0, -1.0, 0.0, -1.0]);
    let loss = sum.forward(&log_p, &Tensor::from([-100, 1])).unwrap();
    assert_eq!(loss.item().unwrap(), 0.0);
}

#[test]
fn classes_and_weights_that_do_not_fit_are_refused() {
    let log_p = Tensor::<f32>::zeros([2, 3]);
    let says = |loss: NllLoss, target: Tensor<i64>| loss.forward(&log_p, &target).unwrap_err().to_string();
    assert_eq!(
        says(NllLoss::default(), Tensor::from([0, 3])),
        "nll_loss: target 3 of sample 1 is not one of the 3 classes 0 to 2"
    );
    assert_eq!(
        says(NllLoss::default(), Tensor::from([0])),
        "nll_loss: class indices of shape [1] for scores of shape [2, 3]: shape [2] expected"
    );
    let weighted = NllLoss { weight: Some(Tensor::ones([2])), ..NllLoss::default() };
    assert_eq!(
        says(weighted, Tensor::from([0, 1])),
        "nll_loss: the weight has shape [2]; one number for each of 3 classes expected"
    );
    assert!(nll_loss(&Tensor::<f32>::zeros([]), &Tensor::scalar(0)).is_err());
}

#[test]
fn shapes_that_differ_are_refused() {
    let error = mse_loss(&Tensor::<f32>::zeros([3, 1]), &Tensor::zeros([3])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "mse_loss: prediction of shape [3, 1] and target of shape [3] must be equal"
    );
}

#[test]
fn what_is_no_probability_is_refused() {
    for x in [-0.1, 1.1, f64::NAN] {
        assert!(barehand_nn::bce_loss(&Tensor::from([x]), &Tensor::from([1.0])).is_err(), "{x}");
    }
}
