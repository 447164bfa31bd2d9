//! Penalised linear models and their solvers, step by step.

use barehand_textbook::{
    Array, ElasticNet, LogisticNewton, SampleLoss, StepLength, StochasticGradient, leave_one_out_errors,
    ridge,
};

use crate::block::{Block, Input, input};

const X: Input = input("x", "(m, d)", "[[1.0, 0.0], [2.0, 1.0], [3.0, -1.0], [4.0, 2.0], [5.0, 0.5]]");
const VALUES: Input = input("y", "a number for each row", "[1.0, 3.0, 2.5, 6.0, 5.5]");

pub const BLOCKS: &[Block] = &[
    Block {
        name: "ridge",
        section: "regression",
        summary: "least squares with an L2 penalty",
        formula: "w that minimises |y - X w - b|^2 + alpha |w|^2",
        engine: Some("barehand::learn::linear_model::Ridge"),
        twin: "barehand::textbook::ridge",
        inputs: &[X, input("y", "(m, outputs)", "[[1.0], [3.0], [2.5], [6.0], [5.5]]")],
        options: &[input("alpha", "strength of the penalty", "1.0")],
        run: |a, t| {
            ridge(&a.array("x")?, &a.array("y")?, a.number("alpha")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "leave_one_out",
        section: "regression",
        summary: "the errors of ridge regression at samples left out in turn, of one fit",
        formula: "e_i = (yc - H yc)_i / (1 - 1/m - H_ii), H = Xc (Xc^T Xc + alpha I)^-1 Xc^T",
        engine: Some("barehand::learn::linear_model::RidgeCv"),
        twin: "barehand::textbook::leave_one_out_errors",
        inputs: &[X, VALUES],
        options: &[input("alpha", "strength of the penalty", "1.0")],
        run: |a, t| {
            leave_one_out_errors(&a.array("x")?, &Array::vector(&a.vector("y")?), a.number("alpha")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "elastic_net",
        section: "regression",
        summary: "least squares with L1 and L2 penalties, by coordinate descent",
        formula: "w_j = soft(x_j^T r + |x_j|^2 w_j, l1) / (|x_j|^2 + l2)",
        engine: Some("barehand::learn::linear_model::ElasticNet"),
        twin: "barehand::textbook::ElasticNet",
        inputs: &[X, VALUES],
        options: &[
            input("alpha", "strength of the penalty", "0.3"),
            input("l1_ratio", "part of it that is L1; 1 for the lasso", "0.5"),
            input("positive", "whether coefficients may not be negative", "false"),
            input("cycles", "visits to each coefficient", "3"),
        ],
        run: |a, t| {
            let net = ElasticNet {
                alpha: a.number("alpha")?,
                l1_ratio: a.number("l1_ratio")?,
                positive: a.flag("positive")?,
                cycles: a.count("cycles")?,
            };
            net.fit(&a.array("x")?, &Array::vector(&a.vector("y")?), t)?;
            Ok(())
        },
    },
    Block {
        name: "logistic_newton",
        section: "regression",
        summary: "logistic regression by Newton's method",
        formula: "(w, b) = (w, b) - H^-1 g, H = X^T diag(p (1 - p)) X / m + l2 I",
        engine: Some("barehand::learn::linear_model::LogisticRegression"),
        twin: "barehand::textbook::LogisticNewton",
        inputs: &[X, input("y", "(m, 1), 0 or 1", "[[0.0], [1.0], [0.0], [1.0], [1.0]]")],
        options: &[input("steps", "full steps from zeros", "3"), input("l2", "penalty on w", "0.1")],
        run: |a, t| {
            let newton = LogisticNewton { steps: a.count("steps")?, l2: a.number("l2")? };
            newton.fit(&a.array("x")?, &a.array("y")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "stochastic_gradient",
        section: "regression",
        summary: "a linear model by stochastic gradient descent, a step for each sample",
        formula: "w = (1 - eta alpha) w - eta loss'(p, y) x, b = b - eta loss'(p, y)",
        engine: Some("barehand::learn::linear_model::SgdRegressor"),
        twin: "barehand::textbook::StochasticGradient",
        inputs: &[X, VALUES],
        options: &[
            input("loss", "squared, hinge (y of -1 and 1) or log (y of 0 and 1)", "\"squared\""),
            input("alpha", "strength of the L2 penalty", "0.01"),
            input("eta0", "the first length of steps, or null: 1 / (alpha (t0 + t - 1))", "0.01"),
            input("power", "steps shrink with t to this power", "0.25"),
            input("epochs", "passes over the samples", "1"),
        ],
        run: |a, t| {
            let power = a.number("power")?;
            let eta0 = a.maybe_number("eta0")?;
            let descent = StochasticGradient {
                loss: a.choice(
                    "loss",
                    &[
                        ("squared", SampleLoss::Squared),
                        ("hinge", SampleLoss::Hinge),
                        ("log", SampleLoss::Log),
                    ],
                )?,
                alpha: a.number("alpha")?,
                step_length: eta0
                    .map_or(StepLength::Optimal, |eta0| StepLength::InverseScaling { eta0, power }),
                epochs: a.count("epochs")?,
            };
            descent.fit(&a.array("x")?, &Array::vector(&a.vector("y")?), t)?;
            Ok(())
        },
    },
];
