//! Losses of signs, distances, margins, rankings, likelihoods and batches of embeddings.

use barehand_nn::{
    Alpha, BprLoss, ContrastiveLoss, CosineEmbeddingLoss, CosineSimilarity, Direction, DivergenceReduction,
    FocalLoss, GaussianNllLoss, HingeEmbeddingLoss, HingeLoss, HuberLoss, InfoNceLoss, KlDivLoss,
    KlDivergence, MarginRankingLoss, MultiMarginLoss, NtXentLoss, PairwiseDistance, PairwiseMarginLoss,
    PoissonNllLoss, ProbabilityCrossEntropyLoss, SoftMarginLoss, TripletMarginLoss,
};
use barehand_tensor::{DType, Float, Targets, Tensor};
use pyo3::prelude::*;

use super::loss::{MEAN, Reduced, classes};
use super::{alike, compute, maybe_alike, on_floats};
use crate::error::{Failure, Result};
use crate::tensor::PyTensor;

type Given<'a, 'py> = &'a Bound<'py, PyTensor>;

/// d² / 2 where d = |input - target| is at most delta, delta (d - delta / 2) elsewhere (Huber 1964).
#[pyfunction]
#[pyo3(signature = (input, target, *, reduction=MEAN, delta=1.0),
       text_signature = "(input, target, *, reduction='mean', delta=1.0)")]
fn huber_loss(
    py: Python<'_>,
    input: Given<'_, '_>,
    target: Given<'_, '_>,
    reduction: Reduced,
    delta: f64,
) -> Result<PyTensor> {
    on_floats!("huber_loss", input, x => {
        let target = alike("huber_loss", "the target", target, &x)?;
        compute(py, x.len(), || HuberLoss { reduction: reduction.0, delta }.forward(&x, &target))
    })
}

/// max(0, margin - target · input), of targets -1 and 1.
///
/// >>> F.hinge_loss(bh.tensor([0.5, -2.0]), bh.tensor([1.0, -1.0]))
/// tensor(0.2500)
#[pyfunction]
#[pyo3(signature = (input, target, *, margin=1.0, reduction=MEAN),
       text_signature = "(input, target, *, margin=1.0, reduction='mean')")]
fn hinge_loss(
    py: Python<'_>,
    input: Given<'_, '_>,
    target: Given<'_, '_>,
    margin: f64,
    reduction: Reduced,
) -> Result<PyTensor> {
    on_floats!("hinge_loss", input, x => {
        let target = alike("hinge_loss", "the target", target, &x)?;
        compute(py, x.len(), || HingeLoss { margin, reduction: reduction.0 }.forward(&x, &target))
    })
}

/// The input where the target is 1, max(0, margin - input) where it is -1.
#[pyfunction]
#[pyo3(signature = (input, target, margin=1.0, *, reduction=MEAN),
       text_signature = "(input, target, margin=1.0, *, reduction='mean')")]
fn hinge_embedding_loss(
    py: Python<'_>,
    input: Given<'_, '_>,
    target: Given<'_, '_>,
    margin: f64,
    reduction: Reduced,
) -> Result<PyTensor> {
    on_floats!("hinge_embedding_loss", input, x => {
        let target = alike("hinge_embedding_loss", "the target", target, &x)?;
        compute(py, x.len(), || HingeEmbeddingLoss { margin, reduction: reduction.0 }.forward(&x, &target))
    })
}

/// ln(1 + e^(-target · input)), of targets -1 and 1, without overflow.
#[pyfunction]
#[pyo3(signature = (input, target, *, reduction=MEAN), text_signature = "(input, target, *, reduction='mean')")]
fn soft_margin_loss(
    py: Python<'_>,
    input: Given<'_, '_>,
    target: Given<'_, '_>,
    reduction: Reduced,
) -> Result<PyTensor> {
    on_floats!("soft_margin_loss", input, x => {
        let target = alike("soft_margin_loss", "the target", target, &x)?;
        compute(py, x.len(), || SoftMarginLoss { reduction: reduction.0 }.forward(&x, &target))
    })
}

/// target (ln target - input) of log-probabilities and probabilities, or with `log_target` e^target (target - input):
/// summed, the divergence of the target from the input. "batchmean" divides the sum by the length of the first axis.
#[pyfunction]
#[pyo3(signature = (input, target, *, reduction="mean", log_target=false),
       text_signature = "(input, target, *, reduction='mean', log_target=False)")]
fn kl_div(
    py: Python<'_>,
    input: Given<'_, '_>,
    target: Given<'_, '_>,
    reduction: &str,
    log_target: bool,
) -> Result<PyTensor> {
    let reduction = match reduction {
        "none" => DivergenceReduction::None,
        "mean" => DivergenceReduction::Mean,
        "batchmean" => DivergenceReduction::BatchMean,
        "sum" => DivergenceReduction::Sum,
        other => {
            let choices = "'none', 'mean', 'batchmean', 'sum'";
            return Err(Failure::value("kl_div reduction", format!("'{other}' is not one of {choices}")));
        }
    };
    on_floats!("kl_div", input, x => {
        let target = alike("kl_div", "the target", target, &x)?;
        compute(py, x.len(), || KlDivLoss { reduction, log_target }.forward(&x, &target))
    })
}

/// Σ P ln(P / Q) of rows of weights (the last axis), each divided by its sum and raised by eps; `swapped`: Σ Q ln(Q / P).
///
/// >>> F.kl_divergence(bh.tensor([[4.0, 6.0]]), bh.tensor([[1.0, 1.0]]))
/// tensor(0.0201)
#[pyfunction]
#[pyo3(signature = (p, q, *, swapped=false, eps=1e-12, reduction=MEAN),
       text_signature = "(p, q, *, swapped=False, eps=1e-12, reduction='mean')")]
fn kl_divergence(
    py: Python<'_>,
    p: Given<'_, '_>,
    q: Given<'_, '_>,
    swapped: bool,
    eps: f64,
    reduction: Reduced,
) -> Result<PyTensor> {
    let direction = if swapped { Direction::SecondFromFirst } else { Direction::FirstFromSecond };
    on_floats!("kl_divergence", p, x => {
        let q = alike("kl_divergence", "q", q, &x)?;
        compute(py, x.len(), || KlDivergence { direction, eps, reduction: reduction.0 }.forward(&x, &q))
    })
}

/// Σ_(c ≠ y) weight_y max(0, margin - x_y + x_c)^p / C of scores (N, C) and class indices (N), or (C) and one.
#[pyfunction]
#[pyo3(signature = (input, target, p=1, margin=1.0, weight=None, *, reduction=MEAN),
       text_signature = "(input, target, p=1, margin=1.0, weight=None, *, reduction='mean')")]
fn multi_margin_loss(
    py: Python<'_>,
    input: Given<'_, '_>,
    target: Given<'_, '_>,
    p: u8,
    margin: f64,
    weight: Option<Given<'_, '_>>,
    reduction: Reduced,
) -> Result<PyTensor> {
    const NAME: &str = "multi_margin_loss";
    on_floats!(NAME, input, x => {
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        let classes = classes(NAME, target)?;
        let loss = MultiMarginLoss { p, margin, weight, reduction: reduction.0 };
        compute(py, x.len(), || loss.forward(&x, &classes))
    })
}

/// max(0, -target (input1 - input2) + margin): a target of 1 says that the first should be higher, -1 the second.
#[pyfunction]
#[pyo3(signature = (input1, input2, target, margin=0.0, *, reduction=MEAN),
       text_signature = "(input1, input2, target, margin=0.0, *, reduction='mean')")]
fn margin_ranking_loss(
    py: Python<'_>,
    input1: Given<'_, '_>,
    input2: Given<'_, '_>,
    target: Given<'_, '_>,
    margin: f64,
    reduction: Reduced,
) -> Result<PyTensor> {
    const NAME: &str = "margin_ranking_loss";
    on_floats!(NAME, input1, x => {
        let (y, target) = (alike(NAME, "input2", input2, &x)?, alike(NAME, "the target", target, &x)?);
        compute(py, x.len(), || MarginRankingLoss { margin, reduction: reduction.0 }.forward(&x, &y, &target))
    })
}

/// max(0, positive - negative + margin) of distances: the pairwise margin loss of two-tower models.
#[pyfunction]
#[pyo3(signature = (positive, negative, *, margin=1.0, reduction=MEAN),
       text_signature = "(positive, negative, *, margin=1.0, reduction='mean')")]
fn pairwise_margin_loss(
    py: Python<'_>,
    positive: Given<'_, '_>,
    negative: Given<'_, '_>,
    margin: f64,
    reduction: Reduced,
) -> Result<PyTensor> {
    on_floats!("pairwise_margin_loss", positive, x => {
        let y = alike("pairwise_margin_loss", "negative", negative, &x)?;
        compute(py, x.len(), || PairwiseMarginLoss { margin, reduction: reduction.0 }.forward(&x, &y))
    })
}

/// -ln sigmoid(positive - negative), of the scores of what was chosen and of what was not (Rendle et al. 2009).
///
/// >>> F.bpr_loss(bh.tensor([-500.0]), bh.tensor([500.0]))
/// tensor(1000.)
#[pyfunction]
#[pyo3(signature = (positive, negative, *, reduction=MEAN), text_signature = "(positive, negative, *, reduction='mean')")]
fn bpr_loss(
    py: Python<'_>,
    positive: Given<'_, '_>,
    negative: Given<'_, '_>,
    reduction: Reduced,
) -> Result<PyTensor> {
    on_floats!("bpr_loss", positive, x => {
        let y = alike("bpr_loss", "negative", negative, &x)?;
        compute(py, x.len(), || BprLoss { reduction: reduction.0 }.forward(&x, &y))
    })
}

/// (Σ |x1 - x2 + eps|^p)^(1/p) over the last axis.
///
/// >>> F.pairwise_distance(bh.tensor([[0.0, 3.0]]), bh.tensor([[4.0, 0.0]]), eps=0.0)
/// tensor([5.])
#[pyfunction]
#[pyo3(signature = (x1, x2, p=2.0, eps=1e-6, keepdim=false))]
fn pairwise_distance(
    py: Python<'_>,
    x1: Given<'_, '_>,
    x2: Given<'_, '_>,
    p: f64,
    eps: f64,
    keepdim: bool,
) -> Result<PyTensor> {
    on_floats!("pairwise_distance", x1, x => {
        let y = alike("pairwise_distance", "x2", x2, &x)?;
        compute(py, x.len(), || PairwiseDistance { p, eps, keepdim }.forward(&x, &y))
    })
}

/// x1·x2 / (max(‖x1‖, eps) max(‖x2‖, eps)) along an axis.
#[pyfunction]
#[pyo3(signature = (x1, x2, dim=1, eps=1e-8))]
fn cosine_similarity(
    py: Python<'_>,
    x1: Given<'_, '_>,
    x2: Given<'_, '_>,
    dim: isize,
    eps: f64,
) -> Result<PyTensor> {
    on_floats!("cosine_similarity", x1, x => {
        let y = alike("cosine_similarity", "x2", x2, &x)?;
        compute(py, x.len(), || CosineSimilarity { axis: dim, eps }.forward(&x, &y))
    })
}

/// 1 - cos(input1, input2) where the target is 1, max(0, cos(input1, input2) - margin) where it is -1.
#[pyfunction]
#[pyo3(signature = (input1, input2, target, margin=0.0, *, reduction=MEAN),
       text_signature = "(input1, input2, target, margin=0.0, *, reduction='mean')")]
fn cosine_embedding_loss(
    py: Python<'_>,
    input1: Given<'_, '_>,
    input2: Given<'_, '_>,
    target: Given<'_, '_>,
    margin: f64,
    reduction: Reduced,
) -> Result<PyTensor> {
    const NAME: &str = "cosine_embedding_loss";
    on_floats!(NAME, input1, x => {
        let (y, target) = (alike(NAME, "input2", input2, &x)?, alike(NAME, "the target", target, &x)?);
        compute(py, x.len(), || CosineEmbeddingLoss { margin, reduction: reduction.0 }.forward(&x, &y, &target))
    })
}

/// target d² + (1 - target) max(margin - d, 0)², where d is the distance of a pair and the target 1 if it belongs together,
/// else 0 (Hadsell et al. 2006, without its half).
#[pyfunction]
#[pyo3(signature = (x1, x2, target, *, margin=1.0, p=2.0, eps=1e-6, reduction=MEAN),
       text_signature = "(x1, x2, target, *, margin=1.0, p=2.0, eps=1e-06, reduction='mean')")]
fn contrastive_loss(
    py: Python<'_>,
    x1: Given<'_, '_>,
    x2: Given<'_, '_>,
    target: Given<'_, '_>,
    margin: f64,
    p: f64,
    eps: f64,
    reduction: Reduced,
) -> Result<PyTensor> {
    const NAME: &str = "contrastive_loss";
    let distance = PairwiseDistance { p, eps, keepdim: false };
    on_floats!(NAME, x1, x => {
        let (y, target) = (alike(NAME, "x2", x2, &x)?, alike(NAME, "the target", target, &x)?);
        let loss = ContrastiveLoss { margin, distance, reduction: reduction.0 };
        compute(py, x.len(), || loss.forward(&x, &y, &target))
    })
}

/// max(0, d(anchor, positive) - d(anchor, negative) + margin) (Balntas et al. 2016); with `swap` the positive's distance to
/// the negative counts where it is less.
#[pyfunction]
#[pyo3(signature = (anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=false, *, reduction=MEAN),
       text_signature = "(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-06, swap=False, *, reduction='mean')")]
fn triplet_margin_loss(
    py: Python<'_>,
    anchor: Given<'_, '_>,
    positive: Given<'_, '_>,
    negative: Given<'_, '_>,
    margin: f64,
    p: f64,
    eps: f64,
    swap: bool,
    reduction: Reduced,
) -> Result<PyTensor> {
    const NAME: &str = "triplet_margin_loss";
    on_floats!(NAME, anchor, x => {
        let (near, far) = (alike(NAME, "positive", positive, &x)?, alike(NAME, "negative", negative, &x)?);
        let loss = TripletMarginLoss { margin, p, eps, swap, reduction: reduction.0 };
        compute(py, x.len(), || loss.forward(&x, &near, &far))
    })
}

/// Of counts: e^x - target x, or without `log_input` x - target ln(x + eps); `full` adds Stirling's ln target!.
#[pyfunction]
#[pyo3(signature = (input, target, log_input=true, full=false, *, eps=1e-8, reduction=MEAN),
       text_signature = "(input, target, log_input=True, full=False, *, eps=1e-08, reduction='mean')")]
fn poisson_nll_loss(
    py: Python<'_>,
    input: Given<'_, '_>,
    target: Given<'_, '_>,
    log_input: bool,
    full: bool,
    eps: f64,
    reduction: Reduced,
) -> Result<PyTensor> {
    on_floats!("poisson_nll_loss", input, x => {
        let target = alike("poisson_nll_loss", "the target", target, &x)?;
        let loss = PoissonNllLoss { log_input, full, eps, reduction: reduction.0 };
        compute(py, x.len(), || loss.forward(&x, &target))
    })
}

/// Of measurements: (ln v + (input - target)² / v) / 2 with v = max(var, eps); `full` adds ln(2π) / 2.
#[pyfunction]
#[pyo3(signature = (input, target, var, full=false, eps=1e-6, reduction=MEAN),
       text_signature = "(input, target, var, full=False, eps=1e-06, reduction='mean')")]
fn gaussian_nll_loss(
    py: Python<'_>,
    input: Given<'_, '_>,
    target: Given<'_, '_>,
    var: &Bound<'_, PyAny>,
    full: bool,
    eps: f64,
    reduction: Reduced,
) -> Result<PyTensor> {
    const NAME: &str = "gaussian_nll_loss";
    fn variance<T: Float>(given: &Bound<'_, PyAny>, x: &Tensor<T>) -> Result<Tensor<T>> {
        match given.cast::<PyTensor>() {
            Ok(tensor) => alike(NAME, "var", tensor, x),
            Err(_) => Ok(Tensor::full(x.shape(), T::from_real(given.extract()?))),
        }
    }
    on_floats!(NAME, input, x => {
        let (target, var) = (alike(NAME, "the target", target, &x)?, variance(var, &x)?);
        compute(py, x.len(), || GaussianNllLoss { full, eps, reduction: reduction.0 }.forward(&x, &target, &var))
    })
}

/// -α (1 - p)^gamma ln p from logits, where p is the probability given to the target (Lin et al. 2017): what is known counts
/// little. α is 1, or `alpha` for both answers, or with `balanced` alpha for positives and 1 - alpha for negatives.
///
/// >>> F.focal_loss(bh.tensor([0.0]), bh.tensor([1.0]), gamma=0.0)
/// tensor(0.6931)
#[pyfunction]
#[pyo3(signature = (input, target, *, gamma=2.0, alpha=None, balanced=false, reduction=MEAN),
       text_signature = "(input, target, *, gamma=2.0, alpha=None, balanced=False, reduction='mean')")]
fn focal_loss(
    py: Python<'_>,
    input: Given<'_, '_>,
    target: Given<'_, '_>,
    gamma: f64,
    alpha: Option<f64>,
    balanced: bool,
    reduction: Reduced,
) -> Result<PyTensor> {
    let alpha = match alpha {
        None if balanced => {
            return Err(Failure::value(
                "focal_loss",
                "balanced says what becomes of an alpha, which is missing",
            ));
        }
        None => Alpha::None,
        Some(alpha) if balanced => Alpha::Balanced(alpha),
        Some(alpha) => Alpha::Uniform(alpha),
    };
    on_floats!("focal_loss", input, x => {
        let target = alike("focal_loss", "the target", target, &x)?;
        compute(py, x.len(), || FocalLoss { gamma, alpha, reduction: reduction.0 }.forward(&x, &target))
    })
}

/// Cross entropy of the similarities of each anchor (N, D) with every positive (N, D), the right one being its own: logits
/// a pᵀ / temperature, labels on the diagonal (van den Oord et al. 2018). `symmetric` is CLIP's: positives look for their
/// anchors too.
#[pyfunction]
#[pyo3(signature = (anchors, positives, *, temperature=0.07, normalize=true, symmetric=false, reduction=MEAN),
       text_signature = "(anchors, positives, *, temperature=0.07, normalize=True, symmetric=False, reduction='mean')")]
fn info_nce_loss(
    py: Python<'_>,
    anchors: Given<'_, '_>,
    positives: Given<'_, '_>,
    temperature: f64,
    normalize: bool,
    symmetric: bool,
    reduction: Reduced,
) -> Result<PyTensor> {
    on_floats!("info_nce_loss", anchors, x => {
        let y = alike("info_nce_loss", "positives", positives, &x)?;
        let loss = InfoNceLoss { temperature, normalize, symmetric, reduction: reduction.0 };
        compute(py, x.len() * x.shape().first().copied().unwrap_or(1), || loss.forward(&x, &y))
    })
}

/// SimCLR's loss (Chen et al. 2020): of two views (N, D) of N samples, each looks for its other view among all 2N - 1 others.
#[pyfunction]
#[pyo3(signature = (first, second, *, temperature=0.5, normalize=true, reduction=MEAN),
       text_signature = "(first, second, *, temperature=0.5, normalize=True, reduction='mean')")]
fn nt_xent_loss(
    py: Python<'_>,
    first: Given<'_, '_>,
    second: Given<'_, '_>,
    temperature: f64,
    normalize: bool,
    reduction: Reduced,
) -> Result<PyTensor> {
    on_floats!("nt_xent_loss", first, x => {
        let y = alike("nt_xent_loss", "second", second, &x)?;
        let loss = NtXentLoss { temperature, normalize, reduction: reduction.0 };
        compute(py, x.len() * x.shape().first().copied().unwrap_or(1), || loss.forward(&x, &y))
    })
}

/// Cross entropy of probabilities: -Σ q ln(clip(p) + inside) over the classes, where p is held in `clip..1 - clip`; targets
/// are class indices or probabilities. For logits take `cross_entropy`, whose logarithm needs no guard.
#[pyfunction]
#[pyo3(signature = (input, target, weight=None, *, clip=1e-12, inside=0.0, ignore_index=-100, reduction=MEAN),
       text_signature = "(input, target, weight=None, *, clip=1e-12, inside=0.0, ignore_index=-100, reduction='mean')")]
fn probability_cross_entropy(
    py: Python<'_>,
    input: Given<'_, '_>,
    target: Given<'_, '_>,
    weight: Option<Given<'_, '_>>,
    clip: f64,
    inside: f64,
    ignore_index: i64,
    reduction: Reduced,
) -> Result<PyTensor> {
    const NAME: &str = "probability_cross_entropy";
    on_floats!(NAME, input, x => {
        let weight = maybe_alike(NAME, "weight", weight, &x)?;
        let loss = ProbabilityCrossEntropyLoss { clip, inside, weight, ignore_index, reduction: reduction.0 };
        match target.get().dtype() {
            DType::F32 | DType::F64 => {
                let target = alike(NAME, "the target", target, &x)?;
                compute(py, x.len(), || loss.forward(&x, Targets::Probabilities(&target)))
            }
            _ => {
                let classes = classes(NAME, target)?;
                compute(py, x.len(), || loss.forward(&x, &classes))
            }
        }
    })
}

macro_rules! register {
    ($($name:ident)*) => {
        pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_function(wrap_pyfunction!($name, module)?)?;)*
            Ok(())
        }
    };
}

register! {
    bpr_loss contrastive_loss cosine_embedding_loss cosine_similarity focal_loss gaussian_nll_loss hinge_embedding_loss
    hinge_loss huber_loss info_nce_loss kl_div kl_divergence margin_ranking_loss multi_margin_loss nt_xent_loss
    pairwise_distance pairwise_margin_loss poisson_nll_loss probability_cross_entropy soft_margin_loss triplet_margin_loss
}
