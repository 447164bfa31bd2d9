//! Scores of rankings, numbers, clusters, texts and boxes.

use barehand_textbook::{
    average_precision, bleu, box_average_precision, clustering_scores, cohen_kappa, confusion_matrix,
    matthews_corrcoef, ndcg, perplexity, regression_scores, roc_auc, silhouette,
};

use crate::arguments::Arguments;
use crate::block::{Block, Input, input};
use crate::blocks::metrics::classes;
use crate::error::Error;

const POSITIVE: Input = input("positive", "which samples are positive (N), 0 or 1", "[0, 0, 1, 1, 1]");
const SCORES: Input = input("scores", "their scores (N)", "[0.1, 0.4, 0.4, 0.8, 0.3]");

fn positive(a: &Arguments) -> Result<Vec<bool>, Error> {
    let one = |n: i64| match n {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(a.invalid("positive", format!("{n} is neither 0 nor 1"))),
    };
    a.integers("positive")?.into_iter().map(one).collect()
}

/// Two labellings, and how many labels they name.
fn labellings(a: &Arguments, names: [&str; 2]) -> Result<(Vec<usize>, Vec<usize>, usize), Error> {
    let (first, second) = (classes(a, names[0])?, classes(a, names[1])?);
    let count = first.iter().chain(&second).max().map_or(0, |most| most + 1);
    Ok((first, second, count))
}

const CONFUSED: &[Input] = &[
    input("truth", "true classes (N), from 0", "[0, 1, 2, 2, 1, 0, 2]"),
    input("predicted", "predicted classes (N), from 0", "[0, 2, 2, 2, 1, 0, 1]"),
];

pub const BLOCKS: &[Block] = &[
    Block {
        name: "roc_auc",
        section: "metrics",
        summary: "how likely a positive sample scores higher than a negative one",
        formula: "(R+ - n+ (n+ + 1) / 2) / (n+ n-), ties sharing their ranks",
        engine: Some("barehand::metrics::roc_auc"),
        twin: "barehand::textbook::roc_auc",
        inputs: &[POSITIVE, SCORES],
        options: &[],
        run: |a, t| {
            roc_auc(&positive(a)?, &a.vector("scores")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "average_precision",
        section: "metrics",
        summary: "the mean precision over the steps of recall",
        formula: "sum_t (recall_t - recall before) precision_t",
        engine: Some("barehand::metrics::average_precision"),
        twin: "barehand::textbook::average_precision",
        inputs: &[POSITIVE, SCORES],
        options: &[],
        run: |a, t| {
            average_precision(&positive(a)?, &a.vector("scores")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "matthews_corrcoef",
        section: "metrics",
        summary: "the correlation of true and predicted classes",
        formula: "(c s - sum_k t_k p_k) / sqrt((s^2 - sum_k p_k^2) (s^2 - sum_k t_k^2))",
        engine: Some("barehand::metrics::matthews_corrcoef"),
        twin: "barehand::textbook::matthews_corrcoef",
        inputs: CONFUSED,
        options: &[],
        run: |a, t| {
            let (truth, predicted, count) = labellings(a, ["truth", "predicted"])?;
            matthews_corrcoef(&confusion_matrix(&truth, &predicted, count, t)?, t)?;
            Ok(())
        },
    },
    Block {
        name: "cohen_kappa",
        section: "metrics",
        summary: "how much less two raters differ than by chance",
        formula: "1 - sum_ij d_ij C_ij / sum_ij d_ij t_i p_j / s",
        engine: Some("barehand::metrics::cohen_kappa"),
        twin: "barehand::textbook::cohen_kappa",
        inputs: CONFUSED,
        options: &[input("power", "how confusions count: |i - j| to this power", "0")],
        run: |a, t| {
            let power = a.count("power")?.min(100) as i32;
            let (truth, predicted, count) = labellings(a, ["truth", "predicted"])?;
            cohen_kappa(&confusion_matrix(&truth, &predicted, count, t)?, power, t)?;
            Ok(())
        },
    },
    Block {
        name: "regression_scores",
        section: "metrics",
        summary: "errors of predicted numbers, and what they explain",
        formula: "MSE = mean (y - p)^2, MAE = mean |y - p|, R^2 = 1 - MSE / var y",
        engine: Some("barehand::metrics::Regression"),
        twin: "barehand::textbook::regression_scores",
        inputs: &[
            input("target", "targets (N)", "[3.0, -0.5, 2.0, 7.0]"),
            input("predicted", "predictions (N)", "[2.5, 0.0, 2.0, 8.0]"),
        ],
        options: &[],
        run: |a, t| {
            regression_scores(&a.vector("target")?, &a.vector("predicted")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "clustering_scores",
        section: "metrics",
        summary: "how far classes and clusters agree, whatever they are called",
        formula: "Rand index, adjusted for chance; mutual information, homogeneity, completeness, V",
        engine: Some("barehand::metrics::Contingency"),
        twin: "barehand::textbook::clustering_scores",
        inputs: &[
            input("classes", "classes (N), from 0", "[0, 0, 1, 1, 2, 2]"),
            input("clusters", "clusters (N), from 0", "[1, 1, 0, 2, 2, 2]"),
        ],
        options: &[],
        run: |a, t| {
            let (first, second, count) = labellings(a, ["classes", "clusters"])?;
            clustering_scores(&first, &second, count, t)?;
            Ok(())
        },
    },
    Block {
        name: "silhouette",
        section: "metrics",
        summary: "whether samples lie closer to their own cluster than to the next",
        formula: "s = (b - a) / max(a, b)",
        engine: Some("barehand::metrics::silhouette"),
        twin: "barehand::textbook::silhouette",
        inputs: &[
            input("x", "samples (N, D)", "[[0.0, 0.0], [1.0, 0.0], [5.0, 5.0], [6.0, 5.0], [9.0, 0.0]]"),
            input("clusters", "clusters (N), from 0", "[0, 0, 1, 1, 1]"),
        ],
        options: &[],
        run: |a, t| {
            let clusters = classes(a, "clusters")?;
            let count = clusters.iter().max().map_or(0, |most| most + 1);
            silhouette(&a.array("x")?, &clusters, count, t)?;
            Ok(())
        },
    },
    Block {
        name: "ndcg",
        section: "metrics",
        summary: "gain discounted by rank, as a share of the best order's",
        formula: "sum_r gain_r / log2(r + 1), divided by that of the best order",
        engine: Some("barehand::metrics::ndcg"),
        twin: "barehand::textbook::ndcg",
        inputs: &[
            input("gains", "gains of documents (K)", "[10.0, 0.0, 0.0, 1.0, 5.0]"),
            input("scores", "their scores (K)", "[0.1, 0.2, 0.3, 4.0, 4.0]"),
        ],
        options: &[],
        run: |a, t| {
            ndcg(&a.vector("gains")?, &a.vector("scores")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "bleu",
        section: "metrics",
        summary: "how many n-grams of a translation occur in its reference",
        formula: "min(1, exp(1 - r / c)) exp(mean_n ln p_n)",
        engine: Some("barehand::metrics::corpus_bleu"),
        twin: "barehand::textbook::bleu",
        inputs: &[
            input("translation", "tokens, whole numbers from 0", "[1, 2, 3, 4, 1, 5, 6]"),
            input("reference", "tokens, whole numbers from 0", "[1, 2, 3, 4, 7, 5, 6]"),
        ],
        options: &[input("max_order", "the longest n-grams", "4")],
        run: |a, t| {
            let (translation, reference) = (classes(a, "translation")?, classes(a, "reference")?);
            bleu(&[translation], &[reference], a.count("max_order")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "perplexity",
        section: "metrics",
        summary: "among how many equally likely tokens a model seems to choose",
        formula: "exp(-mean ln softmax(z)[token])",
        engine: Some("barehand::metrics::perplexity"),
        twin: "barehand::textbook::perplexity",
        inputs: &[
            input("logits", "(N, C)", "[[2.0, 1.0, 0.1], [0.5, 0.5, 0.5]]"),
            input("tokens", "the tokens that came (N)", "[0, 2]"),
        ],
        options: &[],
        run: |a, t| {
            perplexity(&a.array("logits")?, &classes(a, "tokens")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "box_average_precision",
        section: "metrics",
        summary: "the average precision of detected boxes, as COCO counts it",
        formula: "mean over r = 0, 0.01, ..., 1 of the best precision at recall >= r",
        engine: Some("barehand::metrics::MeanAveragePrecision"),
        twin: "barehand::textbook::box_average_precision",
        inputs: &[
            input("boxes", "x1, y1, x2, y2 (D, 4)", "[[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60]]"),
            input("scores", "(D)", "[0.9, 0.8, 0.7]"),
            input("truth", "true boxes (G, 4)", "[[0, 0, 10, 10], [50, 50, 60, 65]]"),
        ],
        options: &[input("threshold", "from which overlap on a box is found", "0.5")],
        run: |a, t| {
            let (boxes, truth) = (a.array("boxes")?, a.array("truth")?);
            box_average_precision(&boxes, &a.vector("scores")?, &truth, a.number("threshold")?, t)?;
            Ok(())
        },
    },
];
