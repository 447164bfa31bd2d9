//! Classifiers by Bayes' rule.

use barehand_textbook::{Array, Likelihood, NaiveBayes};

use crate::arguments::Arguments;
use crate::block::{Block, Input, input};
use crate::error::Error;

const X: Input = input("x", "(m, d)", "[[2.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 3.0], [3.0, 0.0, 0.0]]");
const Y: Input = input("y", "classes (m), from 0, all of which occur", "[0, 0, 1, 0]");
const QUERY: Input = input("query", "(n, d), the samples that are told apart", "[[1.0, 0.0, 1.0]]");
const ALPHA: Input = input("alpha", "added to every count", "1.0");

/// Classes are read one by one in a trace: a thousand of them is more than anybody does.
const MOST_CLASSES: i64 = 1000;

fn run(likelihood: Likelihood, a: &Arguments, t: &mut barehand_textbook::Trace) -> Result<(), Error> {
    let x = a.array("x")?;
    let class = |n: i64| {
        let message = || format!("class {n} does not lie in 0..{MOST_CLASSES}");
        if (0..MOST_CLASSES).contains(&n) { Ok(n as usize) } else { Err(a.invalid("y", message())) }
    };
    let y = a.integers("y")?.into_iter().map(class).collect::<Result<Vec<usize>, Error>>()?;
    let classes = y.iter().max().map_or(0, |most| most + 1);
    if let Some(missing) = (0..classes).find(|class| !y.contains(class)) {
        return Err(a.invalid("y", format!("class {missing} does not occur")));
    }
    let weights = Array::filled(&[x.shape().first().copied().unwrap_or(0)], 1.0);
    NaiveBayes::fit(likelihood, &x, &y, classes, &weights, t)?.log_posterior(&a.array("query")?, t)?;
    Ok(())
}

pub const BLOCKS: &[Block] = &[
    Block {
        name: "gaussian_nb",
        section: "naive bayes",
        summary: "naive Bayes with normal features",
        formula: "log P(x_j | c) = -1/2 [log(2 pi v_cj) + (x_j - m_cj)^2 / v_cj]",
        engine: Some("barehand::learn::naive_bayes::GaussianNB"),
        twin: "barehand::textbook::NaiveBayes",
        inputs: &[
            input("x", "(m, d)", "[[-1.0, -1.0], [-2.0, -1.5], [1.0, 1.0], [2.0, 3.0]]"),
            input("y", "classes (m), from 0, all of which occur", "[0, 0, 1, 1]"),
            input("query", "(n, d), the samples that are told apart", "[[-0.8, -1.0]]"),
        ],
        options: &[input("var_smoothing", "part of the largest variance added to all", "1e-9")],
        run: |a, t| run(Likelihood::Gaussian { var_smoothing: a.number("var_smoothing")? }, a, t),
    },
    Block {
        name: "multinomial_nb",
        section: "naive bayes",
        summary: "naive Bayes with features that count",
        formula: "log P(x_j | c) = x_j log[(N_cj + a) / sum_j (N_cj + a)]",
        engine: Some("barehand::learn::naive_bayes::MultinomialNB"),
        twin: "barehand::textbook::NaiveBayes",
        inputs: &[X, Y, QUERY],
        options: &[ALPHA],
        run: |a, t| run(Likelihood::Multinomial { alpha: a.number("alpha")? }, a, t),
    },
    Block {
        name: "bernoulli_nb",
        section: "naive bayes",
        summary: "naive Bayes with features that are there or not",
        formula: "log P(x_j | c) = x_j log p_cj + (1 - x_j) log(1 - p_cj), p_cj = (N_cj + a) / (N_c + 2 a)",
        engine: Some("barehand::learn::naive_bayes::BernoulliNB"),
        twin: "barehand::textbook::NaiveBayes",
        inputs: &[
            input(
                "x",
                "(m, d), 0 or 1",
                "[[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]",
            ),
            Y,
            input("query", "(n, d), 0 or 1", "[[1.0, 0.0, 0.0]]"),
        ],
        options: &[ALPHA],
        run: |a, t| run(Likelihood::Bernoulli { alpha: a.number("alpha")? }, a, t),
    },
    Block {
        name: "complement_nb",
        section: "naive bayes",
        summary: "naive Bayes by what is not in a class",
        formula: "score_c = sum_j x_j w_cj, w_cj = -log[(N_j - N_cj + a) / sum_j (N_j - N_cj + a)]",
        engine: Some("barehand::learn::naive_bayes::ComplementNB"),
        twin: "barehand::textbook::NaiveBayes",
        inputs: &[X, Y, QUERY],
        options: &[ALPHA],
        run: |a, t| run(Likelihood::Complement { alpha: a.number("alpha")? }, a, t),
    },
];
