//! Losses of distances, margins, rankings, likelihoods and batches of embeddings, against PyTorch or against the same
//! formula in PyTorch's operators: values and gradients for every reduction and option.

mod golden;

use barehand_nn::{
    Alpha, BprLoss, ContrastiveLoss, CosineEmbeddingLoss, CosineSimilarity, Direction, DivergenceReduction,
    Float, FocalLoss, GaussianNllLoss, HingeEmbeddingLoss, HingeLoss, InfoNceLoss, KlDivLoss, KlDivergence,
    MarginRankingLoss, MultiMarginLoss, NtXentLoss, PairwiseDistance, PairwiseMarginLoss, PoissonNllLoss,
    ProbabilityCrossEntropyLoss, Reduction, Result, SoftMarginLoss, Targets, Tensor, TripletMarginLoss,
};
use golden::{Goldens, name, op, weighted};

fn every_loss<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("metric_losses");
    for case in &goldens.cases {
        let options = &case["options"];
        let reduction = match options["reduction"].as_str() {
            Some("none") => Reduction::None,
            Some("sum") => Reduction::Sum,
            _ => Reduction::Mean,
        };
        let number = |key: &str, default: f64| options[key].as_f64().unwrap_or(default);
        let flag = |key: &str| options[key].as_bool().unwrap_or(false);
        let leaf = |key: &str| goldens.find(case, key).map(Tensor::requires_grad);
        let names = ["input", "target", "a", "b", "c", "positive", "negative", "var"];
        let leaves: Vec<(&str, Tensor<T>)> = names.iter().filter_map(|n| Some((*n, leaf(n)?))).collect();
        let of = |key: &str| &leaves.iter().find(|(n, _)| *n == key).unwrap_or_else(|| panic!("no {key}")).1;
        let weight = goldens.find(case, "weight").cloned();
        let margin = number("margin", 1.0);
        let (temperature, normalize) = (number("temperature", 1.0), flag("normalize"));
        let loss: Result<Tensor<T>> = match op(case) {
            "hinge" => HingeLoss { margin, reduction }.forward(of("input"), of("target")),
            "hinge_embedding_loss" => {
                HingeEmbeddingLoss { margin, reduction }.forward(of("input"), of("target"))
            }
            "soft_margin_loss" => SoftMarginLoss { reduction }.forward(of("input"), of("target")),
            "multi_margin_loss" => {
                let p = options["p"].as_u64().unwrap() as u8;
                let target = goldens.find_integers(case, "target").unwrap();
                MultiMarginLoss { p, margin, weight, reduction }.forward(of("input"), target)
            }
            "margin_ranking_loss" => {
                MarginRankingLoss { margin, reduction }.forward(of("a"), of("b"), of("target"))
            }
            "cosine_embedding_loss" => {
                CosineEmbeddingLoss { margin, reduction }.forward(of("a"), of("b"), of("target"))
            }
            "triplet_margin_loss" => {
                let (p, eps) = (number("p", 2.0), number("eps", 1e-6));
                TripletMarginLoss { margin, p, eps, swap: flag("swap"), reduction }.forward(
                    of("a"),
                    of("b"),
                    of("c"),
                )
            }
            "contrastive" => {
                let distance = PairwiseDistance { eps: number("eps", 1e-6), ..PairwiseDistance::default() };
                let together = goldens.real(case, "together");
                ContrastiveLoss { margin, distance, reduction }.forward(of("a"), of("b"), together)
            }
            "pairwise_margin" => {
                PairwiseMarginLoss { margin, reduction }.forward(of("positive"), of("negative"))
            }
            "bpr" => BprLoss { reduction }.forward(of("positive"), of("negative")),
            "poisson_nll_loss" => {
                PoissonNllLoss { log_input: flag("log_input"), full: flag("full"), eps: 1e-8, reduction }
                    .forward(of("input"), of("target"))
            }
            "gaussian_nll_loss" => GaussianNllLoss { full: flag("full"), eps: 1e-6, reduction }.forward(
                of("input"),
                of("target"),
                of("var"),
            ),
            "focal" => {
                let alpha = match options["alpha"].as_f64() {
                    None => Alpha::None,
                    Some(alpha) if flag("balanced") => Alpha::Balanced(alpha),
                    Some(alpha) => Alpha::Uniform(alpha),
                };
                FocalLoss { gamma: number("gamma", 2.0), alpha, reduction }.forward(of("input"), of("target"))
            }
            "focal_probabilities" => {
                let alpha = Alpha::Uniform(number("alpha", 1.0));
                FocalLoss { gamma: number("gamma", 2.0), alpha, reduction }.forward_probabilities(
                    of("input"),
                    of("target"),
                    number("clip", 0.0),
                )
            }
            "kl_divergence" => {
                let swapped = flag("swapped");
                let direction = if swapped { Direction::SecondFromFirst } else { Direction::FirstFromSecond };
                KlDivergence { direction, eps: 1e-12, reduction }.forward(of("a"), of("b"))
            }
            "kl_div" => {
                let reduction = match options["reduction"].as_str().unwrap() {
                    "none" => DivergenceReduction::None,
                    "sum" => DivergenceReduction::Sum,
                    "batchmean" => DivergenceReduction::BatchMean,
                    _ => DivergenceReduction::Mean,
                };
                KlDivLoss { reduction, log_target: flag("log_target") }.forward(of("input"), of("target"))
            }
            "info_nce" => InfoNceLoss { temperature, normalize, symmetric: flag("symmetric"), reduction }
                .forward(of("a"), of("b")),
            "nt_xent" => NtXentLoss { temperature, normalize, reduction }.forward(of("a"), of("b")),
            "probability_cross_entropy" => {
                let (clip, inside) = (number("clip", 0.0), number("inside", 0.0));
                let loss =
                    ProbabilityCrossEntropyLoss { clip, inside, weight, ignore_index: -100, reduction };
                match goldens.find_integers(case, "target") {
                    Some(classes) => loss.forward(of("input"), classes),
                    None => loss.forward(of("input"), Targets::Probabilities(of("target"))),
                }
            }
            "pairwise_distance" => {
                let p = options["p"].as_str().unwrap().parse().unwrap();
                PairwiseDistance { p, eps: number("eps", 1e-6), keepdim: flag("keepdim") }
                    .forward(of("a"), of("b"))
            }
            "cosine_similarity" => {
                let axis = options["dim"].as_i64().unwrap() as isize;
                CosineSimilarity { axis, eps: number("eps", 1e-8) }.forward(of("a"), of("b"))
            }
            other => panic!("{other} is not known"),
        };
        let loss = loss.unwrap_or_else(|error| panic!("{}: {error}", name(case)));
        goldens.assert_close(case, "out", &loss, tolerance);
        let gradients = weighted(&loss, goldens.real(case, "w.out")).backward().unwrap();
        for grad in case["grads"].as_array().unwrap() {
            let grad = grad.as_str().unwrap();
            goldens.assert_close(case, &format!("grad.{grad}"), gradients.of(of(grad)).unwrap(), tolerance);
        }
    }
}

#[test]
fn every_loss_in_f64() {
    every_loss::<f64>(1e-11);
}

#[test]
fn every_loss_in_f32() {
    // Logits over a temperature of 0.5, and distances whose squares cancel.
    every_loss::<f32>(8e-6);
}

#[test]
fn stacked_embeddings_are_their_halves() {
    let (a, b) = (Tensor::from([[1.0_f64, 2.0], [0.5, -1.0]]), Tensor::from([[0.0, 1.0], [2.0, 2.0]]));
    let stacked = barehand_tensor::concat(&[&a, &b], 0).unwrap();
    let loss = InfoNceLoss::default();
    assert_eq!(loss.forward(&a, &b).unwrap(), loss.forward_stacked(&stacked).unwrap());
    let loss = NtXentLoss::default();
    assert_eq!(loss.forward(&a, &b).unwrap(), loss.forward_stacked(&stacked).unwrap());
    let odd = Tensor::<f64>::zeros([3, 2]);
    let error = InfoNceLoss::default().forward_stacked(&odd).unwrap_err().to_string();
    assert!(error.contains("N anchors and then N positives"), "{error}");
}

#[test]
fn equal_vectors_have_a_slope_of_zero_without_eps() {
    let x = Tensor::from([[1.0_f64, 2.0]]).requires_grad();
    let exact = PairwiseDistance { eps: 0.0, ..PairwiseDistance::default() };
    let loss = ContrastiveLoss { distance: exact, ..ContrastiveLoss::default() };
    let value = loss.forward(&x, &x.detach(), &Tensor::from([0.0])).unwrap();
    assert_eq!(value.item().unwrap(), 1.0);
    assert_eq!(value.backward().unwrap().of(&x).unwrap().to_vec(), [0.0, 0.0]);
}

#[test]
fn scores_far_apart_cost_what_they_should() {
    let (high, low) = (Tensor::from([500.0_f32]), Tensor::from([-500.0_f32]));
    assert_eq!(BprLoss::default().forward(&low, &high).unwrap().item().unwrap(), 1000.0);
    assert_eq!(BprLoss::default().forward(&high, &low).unwrap().item().unwrap(), 0.0);
    let focal = FocalLoss::default().forward(&low, &Tensor::from([1.0])).unwrap();
    assert_eq!(focal.item().unwrap(), 500.0);
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = Tensor::<f64>::zeros([2, 3]);
    let says = |result: Result<Tensor<f64>>, text: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    says(HingeLoss::default().forward(&x, &Tensor::zeros([3])), "hinge_loss: prediction of shape [2, 3]");
    says(MultiMarginLoss { p: 3, ..Default::default() }.forward(&x, &Tensor::from([0, 1])), "must be 1 or 2");
    says(
        MultiMarginLoss::default().forward(&x, &Tensor::from([0, 3])),
        "target 3 is not one of the 3 classes",
    );
    says(FocalLoss { gamma: -1.0, ..Default::default() }.forward(&x, &x), "gamma = -1 must be 0 or more");
    says(InfoNceLoss { temperature: 0.0, ..Default::default() }.forward(&x, &x), "must be positive");
    says(ContrastiveLoss::default().forward(&x, &x, &Tensor::zeros([3])), "contrastive_loss");
    let negative = Tensor::full([2, 3], -1.0);
    says(GaussianNllLoss::default().forward(&x, &x, &negative), "a variance is negative");
    let logits = Tensor::full([2, 3], 2.0);
    says(ProbabilityCrossEntropyLoss::default().forward(&logits, &Tensor::from([0, 1])), "for logits take");
}
