//! Regression and the hand-made network: whole small trainings.

use barehand_textbook::line_through_origin::{batch_descent, cost_grid, per_sample_descent};
use barehand_textbook::linear_regression::with_intercept;
use barehand_textbook::{
    Array, Cost, GradientDescent, LogisticDescent, MersenneTwister, Objective, Order, Trace, TwoLayerNetwork,
    least_squares_normal_equations, least_squares_qr,
};

use crate::arguments::Arguments;
use crate::block::{Block, Input, input};
use crate::error::Error;

const X: Input = input("x", "(m, d), without a column of ones", "[[1.0], [2.0], [3.0], [4.0]]");
const Y: Input = input("y", "(m, outputs)", "[[3.1], [4.9], [7.2], [8.8]]");
const INTERCEPT: Input = input("intercept", "whether a column of ones is put in front of x", "true");

pub const BLOCKS: &[Block] = &[
    Block {
        name: "linear_regression",
        section: "regression",
        summary: "linear regression by batch, mini-batch or stochastic gradient descent",
        formula: "theta = theta - lr X^T (X theta - y) / m",
        engine: None,
        twin: "barehand::textbook::GradientDescent",
        inputs: &[X, Y, input("theta", "(d + intercept, outputs) at the start, or null: zeros", "null")],
        options: &[
            INTERCEPT,
            input("lr", "step size", "0.1"),
            input("epochs", "passes over the rows", "3"),
            input("batch_size", "rows for each step, or null: all of them", "null"),
            input("seed", "shuffles the rows with this seed each epoch, or null: as they stand", "null"),
            input("cost", "half_mean (sum of squares / 2m) or mean", "\"half_mean\""),
        ],
        run: |a, t| {
            let (x, y) = (a.array("x")?, a.array("y")?);
            let x = design_matrix(&x, a, t)?;
            let last = |array: &Array| array.shape().last().copied().unwrap_or(1);
            let zeros = Array::zeros(&[last(&x), last(&y)]);
            let theta = a.maybe_array("theta")?.unwrap_or(zeros);
            let seed = a.maybe_number("seed")?.map(|_| a.count("seed")).transpose()?;
            let descent = GradientDescent {
                learning_rate: a.number("lr")?,
                epochs: a.count("epochs")?,
                batch_size: a.maybe_number("batch_size")?.map(|_| a.count("batch_size")).transpose()?,
                order: seed.map_or(Order::Sequential, |seed| Order::Shuffled { seed: seed as u32 }),
                cost: a.choice("cost", &[("half_mean", Cost::HalfMean), ("mean", Cost::Mean)])?,
            };
            descent.fit(&x, &y, &theta, t)?;
            Ok(())
        },
    },
    Block {
        name: "least_squares",
        section: "regression",
        summary: "linear regression in closed form",
        formula: "theta that minimises |X theta - y|^2",
        engine: None,
        twin: "barehand::textbook::least_squares_qr",
        inputs: &[X, Y],
        options: &[INTERCEPT, input("method", "qr (Householder) or normal_equations (Cholesky)", "\"qr\"")],
        run: |a, t| {
            let (x, y) = (a.array("x")?, a.array("y")?);
            let x = design_matrix(&x, a, t)?;
            let qr = a.choice("method", &[("qr", true), ("normal_equations", false)])?;
            if qr {
                least_squares_qr(&x, &y, t)?
            } else {
                least_squares_normal_equations(&x, &y, t)?
            };
            Ok(())
        },
    },
    Block {
        name: "line_through_origin",
        section: "regression",
        summary: "y = w x: the cost over a grid, then gradient descent",
        formula: "J = mean (w x - y)^2, w = w - lr mean 2 x (w x - y)",
        engine: None,
        twin: "barehand::textbook::line_through_origin",
        inputs: &[
            input("x", "a list", "[1.0, 2.0, 3.0]"),
            input("y", "a list", "[2.0, 4.0, 6.0]"),
            input("grid", "weights whose cost is shown", "[0.0, 1.0, 2.0, 3.0, 4.0]"),
        ],
        options: &[
            input("w", "where the descent starts", "1.0"),
            input("lr", "step size", "0.01"),
            input("epochs", "passes over the samples", "3"),
            input("per_sample", "whether every sample makes a step of its own", "false"),
        ],
        run: |a, t| {
            let (x, y) = (a.vector("x")?, a.vector("y")?);
            let (w, lr, epochs) = (a.number("w")?, a.number("lr")?, a.count("epochs")?);
            cost_grid(&a.vector("grid")?, &x, &y, t)?;
            let descend = if a.flag("per_sample")? { per_sample_descent } else { batch_descent };
            descend(w, &x, &y, lr, epochs, t)?;
            Ok(())
        },
    },
    Block {
        name: "logistic_regression",
        section: "regression",
        summary: "logistic regression by gradient descent from zeros",
        formula: "p = 1 / (1 + exp(-(X w + b))), dw = X^T (p - y) scale + l2 w",
        engine: None,
        twin: "barehand::textbook::LogisticDescent",
        inputs: &[
            input("x", "(m, d)", "[[1.0], [2.0], [3.0]]"),
            input("y", "(m, 1), 0 or 1", "[[0.0], [0.0], [1.0]]"),
        ],
        options: &[
            input("lr", "step size", "0.01"),
            input("steps", "updates", "3"),
            input("reduction", "sum or mean over the samples", "\"sum\""),
            input("l2", "penalty on w", "0.0"),
        ],
        run: |a, t| {
            let descent = LogisticDescent {
                learning_rate: a.number("lr")?,
                steps: a.count("steps")?,
                reduction: a.reduction()?,
                l2: a.number("l2")?,
            };
            descent.fit(&a.array("x")?, &a.array("y")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "two_layer_network",
        section: "regression",
        summary: "two sigmoid layers with back-propagation by hand",
        formula: "a1 = s(X W1 + b1), a2 = s(a1 W2 + b2); dz2 = (a2 - y)/n, dz1 = (dz2 W2^T) s'(z1)",
        engine: None,
        twin: "barehand::textbook::TwoLayerNetwork",
        inputs: &[
            input("x", "(n, d)", "[[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]"),
            input("y", "(n, k), 0 or 1", "[[0.0], [1.0], [1.0], [0.0]]"),
        ],
        options: &[
            input("hidden", "units of the hidden layer", "2"),
            input("seed", "draws the weights, standard normal, from NumPy's legacy generator", "0"),
            input("objective", "binary_cross_entropy or squared_error", "\"binary_cross_entropy\""),
            input("lr", "step size", "1.0"),
            input("epochs", "updates", "1"),
        ],
        run: |a, t| {
            let (x, y, hidden) = (a.array("x")?, a.array("y")?, a.count("hidden")?);
            let (Some(&inputs), Some(&outputs)) = (x.shape().get(1), y.shape().get(1)) else {
                return Err(a.invalid("x", "x and y must be matrices"));
            };
            let mut random = MersenneTwister::new(a.count("seed")? as u32);
            let mut network = TwoLayerNetwork {
                w1: random.randn(&[inputs, hidden]),
                b1: Array::zeros(&[hidden]),
                w2: random.randn(&[hidden, outputs]),
                b2: Array::zeros(&[outputs]),
                objective: a.choice(
                    "objective",
                    &[
                        ("binary_cross_entropy", Objective::BinaryCrossEntropy),
                        ("squared_error", Objective::SquaredError),
                    ],
                )?,
            };
            network.train(&x, &y, a.number("lr")?, a.count("epochs")?, t)?;
            Ok(())
        },
    },
];

/// x, with a column of ones in front where an intercept is asked for.
fn design_matrix(x: &Array, a: &Arguments, t: &mut Trace) -> Result<Array, Error> {
    if !a.flag("intercept")? {
        return Ok(x.clone());
    }
    t.section("design matrix");
    Ok(t.step("X", "a column of ones, then x", with_intercept(x)?))
}
