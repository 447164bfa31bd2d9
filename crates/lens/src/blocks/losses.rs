//! Losses, and the softmax they start from.

use barehand_textbook::{
    Array, BinaryCrossEntropy, CrossEntropy, LogGuard, Mse, NllLoss, Targets, Trace, log_softmax,
    log_softmax_backward, softmax, softmax_backward,
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
        engine: None,
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
];

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
