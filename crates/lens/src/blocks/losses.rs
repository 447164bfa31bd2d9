//! Losses, and the softmax they start from.

use barehand_textbook::{
    AbsoluteError, Array, BinaryCrossEntropy, Bpr, Competition, Contrastive, Corner, CosineEmbedding,
    CrossEntropy, Focal, FocalAlpha, GaussianNll, Hinge, InfoNce, KlDiv, KlDivergence, LogGuard, Margin,
    MarginRanking, Mse, MultiMargin, NllLoss, PairwiseDistance, PairwiseMargin, PointwiseLoss, PoissonNll,
    Targets, Trace, Triplet, cosine_similarity, cosine_similarity_backward, log_softmax,
    log_softmax_backward, softmax, softmax_backward, softmin,
};

use crate::arguments::Arguments;
use crate::block::{Block, Input, REDUCTION, UPSTREAM, UPSTREAM_OF_FIRST, input};
use crate::error::Error;

const AXIS: Input = input("axis", "the axis, negative from the back", "-1");
const PROBABILITIES: &str = "[[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]";
const TARGET: Input =
    input("target", "class indices (N), or a distribution in the shape of the prediction", "[0, 1, 2]");
const CLASS_WEIGHTS: Input = input("class_weights", "one weight for each class, or null", "null");
const IGNORE_INDEX: Input = input("ignore_index", "rows with this target do not count", "-100");
const LABEL_SMOOTHING: Input = input("label_smoothing", "share spread over all classes, 0 to 1", "0.0");

pub const BLOCKS: &[Block] = &[
    Block {
        name: "softmax",
        section: "losses",
        summary: "scores to probabilities along an axis",
        formula: "p = exp(x - max x) / sum exp(x - max x)",
        engine: Some("barehand::tensor::Tensor::softmax"),
        twin: "barehand::textbook::softmax",
        inputs: &[input("x", "scores, any shape", "[2.0, 1.0, 0.1]"), UPSTREAM_OF_FIRST],
        options: &[AXIS],
        run: |a, t| {
            let axis = a.integer("axis")? as isize;
            let p = softmax(&a.array("x")?, axis, t)?;
            softmax_backward(&p, &a.upstream_of_first(&p)?, axis, t)?;
            Ok(())
        },
    },
    Block {
        name: "softmin",
        section: "losses",
        summary: "the softmax of -x: the smallest is likeliest",
        formula: "p = softmax(-x)",
        engine: Some("barehand::tensor::Tensor::softmin"),
        twin: "barehand::textbook::softmin",
        inputs: &[input("x", "scores, any shape", "[2.0, 1.0, 0.1]"), UPSTREAM_OF_FIRST],
        options: &[AXIS],
        run: |a, t| {
            let axis = a.integer("axis")? as isize;
            let p = softmin(&a.array("x")?, axis, t)?;
            let d = softmax_backward(&p, &a.upstream_of_first(&p)?, axis, t)?;
            t.step("dx", "-d(-x)", d.map(|d| -d));
            Ok(())
        },
    },
    Block {
        name: "log_softmax",
        section: "losses",
        summary: "the logarithm of softmax, without forming the probabilities",
        formula: "log p = (x - max x) - log sum exp(x - max x)",
        engine: Some("barehand::tensor::Tensor::log_softmax"),
        twin: "barehand::textbook::log_softmax",
        inputs: &[input("x", "scores, any shape", "[2.0, 1.0, 0.1]"), UPSTREAM_OF_FIRST],
        options: &[AXIS],
        run: |a, t| {
            let axis = a.integer("axis")? as isize;
            let log_p = log_softmax(&a.array("x")?, axis, t)?;
            log_softmax_backward(&log_p, &a.upstream_of_first(&log_p)?, axis, t)?;
            Ok(())
        },
    },
    Block {
        name: "mse",
        section: "losses",
        summary: "squared error",
        formula: "l = (p - y)^2, or half of it",
        engine: Some("barehand::nn::MseLoss"),
        twin: "barehand::textbook::Mse",
        inputs: &[
            input("prediction", "any shape", "[2.5, 0.0, 2.0, 8.0]"),
            input("target", "the shape of the prediction", "[3.0, -0.5, 2.0, 7.0]"),
            UPSTREAM,
        ],
        options: &[REDUCTION, input("half", "whether each square is halved", "false")],
        run: |a, t| {
            let mse = Mse { half: a.flag("half")?, reduction: a.reduction()? };
            let (p, y) = (a.array("prediction")?, a.array("target")?);
            let loss = mse.forward(&p, &y, t)?;
            mse.backward(&p, &y, &a.upstream(&loss)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "cross_entropy",
        section: "losses",
        summary: "cross entropy of logits, softmax fused in",
        formula: "l_n = -sum_c q_nc log softmax(x)_nc",
        engine: Some("barehand::nn::CrossEntropyLoss"),
        twin: "barehand::textbook::CrossEntropy",
        inputs: &[
            input(
                "x",
                "logits (N, C), (N, C, ..) or (C)",
                "[[2.0, 1.0, 0.1], [0.5, 2.5, 0.3], [0.2, 0.1, 3.0]]",
            ),
            TARGET,
            UPSTREAM,
        ],
        options: &[REDUCTION, CLASS_WEIGHTS, IGNORE_INDEX, LABEL_SMOOTHING],
        run: |a, t| {
            let (loss, x) = (options(a)?, a.array("x")?);
            with_targets(a, &x, |targets| {
                let value = loss.forward(&x, targets, t)?;
                loss.backward(&x, targets, &a.upstream(&value)?, t)?;
                Ok(())
            })
        },
    },
    Block {
        name: "cross_entropy_probabilities",
        section: "losses",
        summary: "cross entropy of probabilities, as many notes compute it",
        formula: "l_n = -sum_c q_nc log(clip(p_nc) + inside)",
        engine: Some("barehand::nn::ProbabilityCrossEntropyLoss"),
        twin: "barehand::textbook::CrossEntropy::forward_probabilities",
        inputs: &[input("p", "probabilities (N, C), (N, C, ..) or (C)", PROBABILITIES), TARGET, UPSTREAM],
        options: &[
            REDUCTION,
            CLASS_WEIGHTS,
            IGNORE_INDEX,
            LABEL_SMOOTHING,
            input("clip", "probabilities are held in clip..1 - clip", "1e-12"),
            input("inside", "added inside the logarithm", "1e-9"),
        ],
        run: |a, t| {
            let (loss, p) = (options(a)?, a.array("p")?);
            let guard = LogGuard { clip: a.number("clip")?, inside: a.number("inside")? };
            with_targets(a, &p, |targets| {
                let value = loss.forward_probabilities(&p, targets, guard, t)?;
                loss.backward_probabilities(&p, targets, guard, &a.upstream(&value)?, t)?;
                Ok(())
            })
        },
    },
    Block {
        name: "nll_loss",
        section: "losses",
        summary: "negative log likelihood of log-probabilities",
        formula: "l_n = -w_(y_n) x_(n, y_n)",
        engine: Some("barehand::nn::NllLoss"),
        twin: "barehand::textbook::NllLoss",
        inputs: &[
            input(
                "x",
                "log-probabilities (N, C), (N, C, ..) or (C)",
                "[[-0.25, -2.0, -2.5], [-1.5, -0.5, -1.75], [-3.0, -0.75, -0.5]]",
            ),
            input("target", "class indices, the shape of x without its classes", "[0, 1, 2]"),
            UPSTREAM,
        ],
        options: &[REDUCTION, CLASS_WEIGHTS, IGNORE_INDEX],
        run: |a, t| {
            let loss = NllLoss {
                class_weights: class_weights(a)?,
                ignore_index: a.integer("ignore_index")?,
                reduction: a.reduction()?,
            };
            let (x, classes) = (a.array("x")?, classes(a, &a.array("target")?)?);
            let value = loss.forward(&x, &classes, t)?;
            loss.backward(&x, &classes, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "binary_cross_entropy",
        section: "losses",
        summary: "binary cross entropy of logits",
        formula: "l = (1 - y) z + log(1 + exp(-z))",
        engine: Some("barehand::nn::BceWithLogitsLoss"),
        twin: "barehand::textbook::BinaryCrossEntropy",
        inputs: &[
            input("z", "logits, any shape", "[2.0, -1.0, 0.5]"),
            input("y", "targets in 0..=1, the shape of z", "[1.0, 0.0, 0.0]"),
            UPSTREAM,
        ],
        options: &[REDUCTION],
        run: |a, t| binary(a, t, "z", BinaryCrossEntropy::forward, BinaryCrossEntropy::backward),
    },
    Block {
        name: "binary_cross_entropy_probabilities",
        section: "losses",
        summary: "binary cross entropy of probabilities",
        formula: "l = -(y log p + (1 - y) log(1 - p))",
        engine: Some("barehand::nn::BceLoss"),
        twin: "barehand::textbook::BinaryCrossEntropy::forward_probabilities",
        inputs: &[
            input("p", "probabilities, any shape", "[0.9, 0.2, 0.6]"),
            input("y", "targets in 0..=1, the shape of p", "[1.0, 0.0, 0.0]"),
            UPSTREAM,
        ],
        options: &[REDUCTION],
        run: |a, t| {
            binary(
                a,
                t,
                "p",
                BinaryCrossEntropy::forward_probabilities,
                BinaryCrossEntropy::backward_probabilities,
            )
        },
    },
    Block {
        name: "absolute_error",
        section: "losses",
        summary: "absolute error (L1), and its smooth L1 and Huber forms",
        formula: "l = |p - y|, around 0 a parabola where that is asked for",
        engine: Some("barehand::nn::L1Loss"),
        twin: "barehand::textbook::AbsoluteError",
        inputs: PAIR,
        options: &[
            REDUCTION,
            input("corner", "sharp (L1), smooth_l1 or huber", "\"sharp\""),
            input("width", "where the parabola ends: beta or delta", "1.0"),
        ],
        run: |a, t| {
            let width = a.number("width")?;
            let corners = [
                ("sharp", Corner::Sharp),
                ("smooth_l1", Corner::SmoothL1(width)),
                ("huber", Corner::Huber(width)),
            ];
            let loss = AbsoluteError { corner: a.choice("corner", &corners)?, reduction: a.reduction()? };
            pointwise(a, t, &loss)
        },
    },
    Block {
        name: "hinge",
        section: "losses",
        summary: "losses of signs: hinge, hinge embedding and soft margin",
        formula: "l = max(0, margin - x y), and its relatives",
        engine: Some("barehand::nn::HingeLoss"),
        twin: "barehand::textbook::Hinge",
        inputs: &[
            input("prediction", "scores or distances, any shape", "[0.5, -1.0, 2.0]"),
            input("target", "-1 or 1, the shape of the prediction", "[1.0, -1.0, -1.0]"),
            UPSTREAM,
        ],
        options: &[
            REDUCTION,
            input("kind", "hinge, embedding or soft", "\"hinge\""),
            input("margin", "what must be exceeded", "1.0"),
        ],
        run: |a, t| {
            let margin = a.number("margin")?;
            let kinds = [
                ("hinge", Margin::Hinge(margin)),
                ("embedding", Margin::Embedding(margin)),
                ("soft", Margin::Soft),
            ];
            pointwise(a, t, &Hinge { margin: a.choice("kind", &kinds)?, reduction: a.reduction()? })
        },
    },
    Block {
        name: "kl_div",
        section: "losses",
        summary: "PyTorch's divergence of a target from log-probabilities",
        formula: "l = y (log y - x), or e^y (y - x) of logarithms",
        engine: Some("barehand::nn::KlDivLoss"),
        twin: "barehand::textbook::KlDiv",
        inputs: &[
            input("prediction", "log-probabilities, any shape", "[[-0.9162907, -0.5108256]]"),
            input("target", "probabilities, the shape of the prediction", "[[0.5, 0.5]]"),
            UPSTREAM,
        ],
        options: &[REDUCTION, input("log_target", "whether targets are logarithms too", "false")],
        run: |a, t| pointwise(a, t, &KlDiv { log_target: a.flag("log_target")?, reduction: a.reduction()? }),
    },
    Block {
        name: "kl_divergence",
        section: "losses",
        summary: "the divergence of rows of weights, which it normalises first",
        formula: "KL(P || Q) = sum P log(P / Q), P = p / sum p + eps",
        engine: Some("barehand::nn::KlDivergence"),
        twin: "barehand::textbook::KlDivergence",
        inputs: &[
            input("p", "weights, rows along the last axis", "[[0.4, 0.6]]"),
            input("q", "weights, the shape of p", "[[0.5, 0.5]]"),
            UPSTREAM,
        ],
        options: &[
            REDUCTION,
            input("eps", "added to each probability", "1e-12"),
            input("swapped", "whether it is KL(Q || P)", "false"),
        ],
        run: |a, t| {
            let loss = KlDivergence {
                eps: a.number("eps")?,
                swapped: a.flag("swapped")?,
                reduction: a.reduction()?,
            };
            let (p, q) = (a.array("p")?, a.array("q")?);
            let value = loss.forward(&p, &q, t)?;
            loss.backward(&p, &q, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "focal_loss",
        section: "losses",
        summary: "binary cross entropy in which what is known counts little",
        formula: "l = -alpha_t (1 - p_t)^gamma log p_t",
        engine: Some("barehand::nn::FocalLoss"),
        twin: "barehand::textbook::Focal",
        inputs: &[
            input("prediction", "logits, any shape", "[2.0, -1.0, 0.5]"),
            input("target", "0 to 1, the shape of the prediction", "[1.0, 0.0, 0.0]"),
            UPSTREAM,
        ],
        options: &[
            REDUCTION,
            input("gamma", "how much less what is known counts", "2.0"),
            input("alpha", "a weight, or null for none", "null"),
            input("balanced", "whether negatives weigh 1 - alpha", "false"),
        ],
        run: |a, t| {
            let balanced = a.flag("balanced")?;
            let alpha = match a.maybe_number("alpha")? {
                None => FocalAlpha::None,
                Some(alpha) if balanced => FocalAlpha::Balanced(alpha),
                Some(alpha) => FocalAlpha::Uniform(alpha),
            };
            pointwise(a, t, &Focal { gamma: a.number("gamma")?, alpha, reduction: a.reduction()? })
        },
    },
    Block {
        name: "poisson_nll",
        section: "losses",
        summary: "negative log likelihood of counts",
        formula: "l = e^x - y x, or x - y log(x + eps)",
        engine: Some("barehand::nn::PoissonNllLoss"),
        twin: "barehand::textbook::PoissonNll",
        inputs: &[
            input("prediction", "rates or their logarithms, any shape", "[0.5, 1.0, 0.1]"),
            input("target", "counts, the shape of the prediction", "[1.0, 3.0, 0.0]"),
            UPSTREAM,
        ],
        options: &[
            REDUCTION,
            input("log_input", "whether predictions are logarithms", "true"),
            input("full", "whether Stirling's term is added", "false"),
            input("eps", "keeps the logarithm from 0", "1e-8"),
        ],
        run: |a, t| {
            let loss = PoissonNll {
                log_input: a.flag("log_input")?,
                full: a.flag("full")?,
                eps: a.number("eps")?,
                reduction: a.reduction()?,
            };
            pointwise(a, t, &loss)
        },
    },
    Block {
        name: "gaussian_nll",
        section: "losses",
        summary: "negative log likelihood of measurements",
        formula: "l = (log v + (x - y)^2 / v) / 2, v = max(variance, eps)",
        engine: Some("barehand::nn::GaussianNllLoss"),
        twin: "barehand::textbook::GaussianNll",
        inputs: &[
            input("prediction", "means, any shape", "[0.5, 1.0]"),
            input("target", "measurements, the shape of the prediction", "[1.0, 0.0]"),
            input("variance", "variances, the shape of the prediction", "[0.5, 2.0]"),
            UPSTREAM,
        ],
        options: &[
            REDUCTION,
            input("full", "whether log(2 pi) / 2 is added", "false"),
            input("eps", "the least variance", "1e-6"),
        ],
        run: |a, t| {
            let loss =
                GaussianNll { full: a.flag("full")?, eps: a.number("eps")?, reduction: a.reduction()? };
            let (x, y, v) = (a.array("prediction")?, a.array("target")?, a.array("variance")?);
            let value = loss.forward(&x, &y, &v, t)?;
            loss.backward(&x, &y, &v, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "bpr_loss",
        section: "losses",
        summary: "Bayesian personalised ranking of two scores",
        formula: "l = -log sigmoid(s+ - s-)",
        engine: Some("barehand::nn::BprLoss"),
        twin: "barehand::textbook::Bpr",
        inputs: &[
            input("prediction", "scores of what was chosen, any shape", "[2.0, 0.5]"),
            input("target", "scores of what was not, the same shape", "[1.0, 1.0]"),
            UPSTREAM,
        ],
        options: &[REDUCTION],
        run: |a, t| pointwise(a, t, &Bpr { reduction: a.reduction()? }),
    },
    Block {
        name: "pairwise_margin",
        section: "losses",
        summary: "the margin loss of two distances: two-tower models",
        formula: "l = max(d+ - d- + margin, 0)",
        engine: Some("barehand::nn::PairwiseMarginLoss"),
        twin: "barehand::textbook::PairwiseMargin",
        inputs: &[
            input("prediction", "distances of what belongs together, any shape", "[0.5, 1.5]"),
            input("target", "distances of what does not, the same shape", "[1.0, 1.0]"),
            UPSTREAM,
        ],
        options: &[REDUCTION, input("margin", "how much nearer", "1.0")],
        run: |a, t| {
            pointwise(a, t, &PairwiseMargin { margin: a.number("margin")?, reduction: a.reduction()? })
        },
    },
    Block {
        name: "margin_ranking",
        section: "losses",
        summary: "which of two scores should be higher",
        formula: "l = max(0, -y (x1 - x2) + margin)",
        engine: Some("barehand::nn::MarginRankingLoss"),
        twin: "barehand::textbook::MarginRanking",
        inputs: &[
            input("x1", "scores, any shape", "[0.5, 1.5]"),
            input("x2", "scores, the same shape", "[1.0, 1.0]"),
            input("target", "1 or -1, the same shape", "[1.0, 1.0]"),
            UPSTREAM,
        ],
        options: &[REDUCTION, input("margin", "by how much", "0.0")],
        run: |a, t| {
            let loss = MarginRanking { margin: a.number("margin")?, reduction: a.reduction()? };
            let (x1, x2, y) = (a.array("x1")?, a.array("x2")?, a.array("target")?);
            let value = loss.forward(&x1, &x2, &y, t)?;
            loss.backward(&x1, &x2, &y, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "multi_margin",
        section: "losses",
        summary: "the margin by which the right class exceeds the others",
        formula: "l_n = 1/C sum_(c != y) w_y max(0, margin - x_y + x_c)^p",
        engine: Some("barehand::nn::MultiMarginLoss"),
        twin: "barehand::textbook::MultiMargin",
        inputs: &[
            input("x", "scores (N, C)", "[[2.0, 1.5, 0.1], [0.5, 0.2, 0.3]]"),
            input("target", "class indices (N)", "[0, 1]"),
            UPSTREAM,
        ],
        options: &[
            REDUCTION,
            input("p", "1 or 2", "1"),
            input("margin", "by how much", "1.0"),
            CLASS_WEIGHTS,
        ],
        run: |a, t| {
            let loss = MultiMargin {
                p: a.integer("p")? as i32,
                margin: a.number("margin")?,
                class_weights: class_weights(a)?,
                reduction: a.reduction()?,
            };
            let (x, classes) = (a.array("x")?, classes(a, &a.array("target")?)?);
            let value = loss.forward(&x, &classes, t)?;
            loss.backward(&x, &classes, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "pairwise_distance",
        section: "losses",
        summary: "distances of pairs of vectors",
        formula: "d = (sum |x - y + eps|^p)^(1/p)",
        engine: Some("barehand::nn::PairwiseDistance"),
        twin: "barehand::textbook::PairwiseDistance",
        inputs: &[VECTORS_A, VECTORS_B, UPSTREAM],
        options: &[
            input("p", "the norm", "2.0"),
            EPS,
            input("keepdim", "whether the last axis stays, with length 1", "false"),
        ],
        run: |a, t| {
            let d =
                PairwiseDistance { p: a.number("p")?, eps: a.number("eps")?, keepdim: a.flag("keepdim")? };
            let (x, y) = (a.array("x1")?, a.array("x2")?);
            let value = d.forward(&x, &y, t)?;
            d.backward(&x, &y, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "cosine_similarity",
        section: "losses",
        summary: "the cosine of the angle between vectors",
        formula: "c = x.y / (max(|x|, eps) max(|y|, eps))",
        engine: Some("barehand::nn::CosineSimilarity"),
        twin: "barehand::textbook::cosine_similarity",
        inputs: &[VECTORS_A, VECTORS_B, UPSTREAM],
        options: &[input("eps", "the least length", "1e-8")],
        run: |a, t| {
            let (x, y, eps) = (a.array("x1")?, a.array("x2")?, a.number("eps")?);
            let value = cosine_similarity(&x, &y, eps, t)?;
            cosine_similarity_backward(&x, &y, eps, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "cosine_embedding",
        section: "losses",
        summary: "a loss of the angle between vectors",
        formula: "l = 1 - c if y = 1, max(0, c - margin) if y = -1",
        engine: Some("barehand::nn::CosineEmbeddingLoss"),
        twin: "barehand::textbook::CosineEmbedding",
        inputs: &[
            VECTORS_A,
            VECTORS_B,
            input("target", "-1 or 1, one for each pair", "[1.0, -1.0]"),
            UPSTREAM,
        ],
        options: &[REDUCTION, input("margin", "below which a cosine costs nothing", "0.0")],
        run: |a, t| {
            let loss = CosineEmbedding { margin: a.number("margin")?, reduction: a.reduction()? };
            let (x, y, target) = (a.array("x1")?, a.array("x2")?, a.array("target")?);
            let value = loss.forward(&x, &y, &target, t)?;
            loss.backward(&x, &y, &target, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "contrastive_loss",
        section: "losses",
        summary: "near what belongs together, and a margin away from the rest",
        formula: "l = y d^2 + (1 - y) max(margin - d, 0)^2",
        engine: Some("barehand::nn::ContrastiveLoss"),
        twin: "barehand::textbook::Contrastive",
        inputs: &[VECTORS_A, VECTORS_B, input("target", "1 or 0, one for each pair", "[1.0, 0.0]"), UPSTREAM],
        options: &[REDUCTION, input("margin", "how far apart", "1.0"), EPS],
        run: |a, t| {
            let loss = Contrastive {
                margin: a.number("margin")?,
                distance: PairwiseDistance { eps: a.number("eps")?, ..PairwiseDistance::default() },
                reduction: a.reduction()?,
            };
            let (x, y, target) = (a.array("x1")?, a.array("x2")?, a.array("target")?);
            let value = loss.forward(&x, &y, &target, t)?;
            loss.backward(&x, &y, &target, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "triplet_margin",
        section: "losses",
        summary: "an anchor nearer to what belongs to it than to what does not",
        formula: "l = max(d(a, p) - d(a, n) + margin, 0)",
        engine: Some("barehand::nn::TripletMarginLoss"),
        twin: "barehand::textbook::Triplet",
        inputs: &[
            input("anchor", "vectors (.., D)", "[[1.0, 0.0], [0.0, 1.0]]"),
            input("positive", "the same shape", "[[0.5, 0.5], [0.0, 0.8]]"),
            input("negative", "the same shape", "[[0.0, 1.0], [2.0, 0.0]]"),
            UPSTREAM,
        ],
        options: &[
            REDUCTION,
            input("margin", "how much nearer", "1.0"),
            input("p", "the norm", "2.0"),
            EPS,
            input(
                "swap",
                "whether the positive's distance to the negative counts, where it is less",
                "false",
            ),
        ],
        run: |a, t| {
            let loss = Triplet {
                margin: a.number("margin")?,
                distance: PairwiseDistance { p: a.number("p")?, eps: a.number("eps")?, keepdim: false },
                swap: a.flag("swap")?,
                reduction: a.reduction()?,
            };
            let (x, p, n) = (a.array("anchor")?, a.array("positive")?, a.array("negative")?);
            let value = loss.forward(&x, &p, &n, t)?;
            loss.backward(&x, &p, &n, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "info_nce",
        section: "losses",
        summary: "each anchor finds its positive among all: InfoNCE, CLIP, NT-Xent",
        formula: "cross entropy of a p^T / temperature with its diagonal",
        engine: Some("barehand::nn::InfoNceLoss"),
        twin: "barehand::textbook::InfoNce",
        inputs: &[VECTORS_A, VECTORS_B, UPSTREAM],
        options: &[
            REDUCTION,
            input("temperature", "what similarities are divided by", "0.07"),
            input("normalize", "whether embeddings are divided by their length", "true"),
            input("competition", "one_way, symmetric (CLIP) or all_views (NT-Xent)", "\"one_way\""),
        ],
        run: |a, t| {
            let competitions = [
                ("one_way", Competition::OneWay),
                ("symmetric", Competition::Symmetric),
                ("all_views", Competition::AllViews),
            ];
            let loss = InfoNce {
                temperature: a.number("temperature")?,
                normalize: a.flag("normalize")?,
                competition: a.choice("competition", &competitions)?,
                reduction: a.reduction()?,
            };
            let (x, y) = (a.array("x1")?, a.array("x2")?);
            let value = loss.forward(&x, &y, t)?;
            loss.backward(&x, &y, &a.upstream(&value)?, t)?;
            Ok(())
        },
    },
];

const PAIR: &[Input] = &[
    input("prediction", "any shape", "[2.5, 0.0, 2.0, 8.0]"),
    input("target", "the shape of the prediction", "[3.0, -0.5, 2.0, 6.0]"),
    UPSTREAM,
];
const VECTORS_A: Input = input("x1", "vectors (.., D)", "[[1.0, 0.5], [0.0, 1.0]]");
const VECTORS_B: Input = input("x2", "the same shape", "[[0.8, 0.1], [1.0, 0.5]]");
const EPS: Input = input("eps", "added to each difference", "1e-6");

fn pointwise(a: &Arguments, t: &mut Trace, loss: &impl PointwiseLoss) -> Result<(), Error> {
    let (x, y) = (a.array("prediction")?, a.array("target")?);
    let value = loss.forward(&x, &y, t)?;
    loss.backward(&x, &y, &a.upstream(&value)?, t)?;
    Ok(())
}

type BinaryForward = fn(&BinaryCrossEntropy, &Array, &Array, &mut Trace) -> barehand_textbook::Result<Array>;
type BinaryBackward =
    fn(&BinaryCrossEntropy, &Array, &Array, &Array, &mut Trace) -> barehand_textbook::Result<Array>;

fn binary(
    a: &Arguments,
    t: &mut Trace,
    prediction: &str,
    forward: BinaryForward,
    backward: BinaryBackward,
) -> Result<(), Error> {
    let loss = BinaryCrossEntropy { reduction: a.reduction()? };
    let (x, y) = (a.array(prediction)?, a.array("y")?);
    let value = forward(&loss, &x, &y, t)?;
    backward(&loss, &x, &y, &a.upstream(&value)?, t)?;
    Ok(())
}

fn class_weights(a: &Arguments) -> Result<Option<Vec<f64>>, Error> {
    Ok(a.maybe_array("class_weights")?.map(|w| w.data().to_vec()))
}

fn options(a: &Arguments) -> Result<CrossEntropy, Error> {
    Ok(CrossEntropy {
        class_weights: class_weights(a)?,
        ignore_index: a.integer("ignore_index")?,
        label_smoothing: a.number("label_smoothing")?,
        reduction: a.reduction()?,
    })
}

/// A target in the shape of the prediction is a distribution, any other a list of classes.
fn with_targets(
    a: &Arguments,
    prediction: &Array,
    run: impl FnOnce(Targets) -> Result<(), Error>,
) -> Result<(), Error> {
    let target = a.array("target")?;
    if target.shape() == prediction.shape() {
        return run(Targets::Distribution(&target));
    }
    run(Targets::Classes(&classes(a, &target)?))
}

fn classes(a: &Arguments, target: &Array) -> Result<Vec<i64>, Error> {
    if let Some(y) = target.data().iter().find(|y| y.fract() != 0.0) {
        let message = format!(
            "class indices are whole numbers, got {y} (a distribution, where one may stand, has the prediction's shape)"
        );
        return Err(a.invalid("target", message));
    }
    Ok(target.data().iter().map(|&y| y as i64).collect())
}
