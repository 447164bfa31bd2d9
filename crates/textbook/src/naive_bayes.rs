//! Bayes' rule over features taken as independent within a class.
//!
//! ```text
//! log P(c | x) = log P(c) + sum_j log P(x_j | c) - log sum_c' exp(log P(c') + sum_j log P(x_j | c'))
//! gaussian      log P(x_j | c) = -1/2 [ log(2 pi v_cj) + (x_j - m_cj)^2 / v_cj ],  v = variance + smoothing max_j var_j
//! multinomial   log P(x_j | c) = x_j log [ (N_cj + a) / sum_j (N_cj + a) ]
//! bernoulli     log P(x_j | c) = x_j log p_cj + (1 - x_j) log(1 - p_cj),  p_cj = (N_cj + a) / (N_c + 2 a)
//! complement    the score of a class instead, sum_j x_j w_cj, w_cj = -log [ (N_j - N_cj + a) / sum_j (N_j - N_cj + a) ]
//! ```
//!
//! `N_c` is the weight of the samples of class c, `N_cj` the sum of feature j over them, `a` what is added to every count
//! so that nothing is impossible. The prior `P(c)` is `N_c / N`. scikit-learn: `GaussianNB`, `MultinomialNB`,
//! `BernoulliNB`, `ComplementNB`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// What is assumed of a feature within a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Likelihood {
    /// It is normal; the part of the largest variance that is added to every variance.
    Gaussian {
        /// 1e-9 in scikit-learn.
        var_smoothing: f64,
    },
    /// It counts something; what is added to every count.
    Multinomial {
        /// 1 in scikit-learn.
        alpha: f64,
    },
    /// It is 0 or 1; what is added to every count.
    Bernoulli {
        /// 1 in scikit-learn.
        alpha: f64,
    },
    /// It counts something, and classes are told by what is not in them.
    Complement {
        /// 1 in scikit-learn.
        alpha: f64,
    },
}

/// A fitted naive Bayes classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct NaiveBayes {
    likelihood: Likelihood,
    /// `log P(c)`, (classes).
    pub log_prior: Array,
    /// Means (Gaussian), or logarithms of probabilities (weights for the complement), (classes, d).
    pub first: Array,
    /// Variances (Gaussian), or logarithms of 1 less the probability (Bernoulli), (classes, d); zeros elsewhere.
    pub second: Array,
}

impl NaiveBayes {
    /// Learns from features `x` (m, d) and classes `y` below `classes`, each of which occurs, samples weighing `w` (m).
    pub fn fit(
        likelihood: Likelihood,
        x: &Array,
        y: &[usize],
        classes: usize,
        w: &Array,
        trace: &mut Trace,
    ) -> Result<Self> {
        x.expect_rank("naive_bayes", "x", 2)?;
        let (m, d) = (x.shape()[0], x.shape()[1]);
        w.expect_shape("naive_bayes", "w", &[m])?;
        if y.len() != m || y.iter().any(|&class| class >= classes) {
            return Err(Error::new(
                "naive_bayes",
                format!("expected {m} classes below {classes}, found {y:?}"),
            ));
        }
        let of_class = |c: usize| (0..m).filter(move |&i| y[i] == c);
        trace.section("naive Bayes: fit");
        let count = Array::from_fn(&[classes], |c| of_class(c[0]).map(|i| w.data()[i]).sum());
        let count = trace.step("N_c", "sum of w over the class", count);
        let total = count.sum();
        let log_prior = trace.step("log P(c)", "log(N_c / N)", count.map(|n| (n / total).ln()));
        let sums = Array::from_fn(&[classes, d], |at| {
            of_class(at[0]).map(|i| w.data()[i] * x.get(&[i, at[1]])).sum()
        });
        let sums = trace.step("N_cj", "sum of w x over the class", sums);
        let zeros = Array::zeros(&[classes, d]);
        let (first, second) = match likelihood {
            Likelihood::Gaussian { var_smoothing } => {
                let mean = Array::from_fn(&[classes, d], |at| sums.get(at) / count.data()[at[0]]);
                let mean = trace.step("m_cj", "N_cj / N_c", mean);
                let largest = (0..d).map(|j| variance(x, j)).fold(0.0, f64::max);
                let epsilon = trace.number("epsilon", "smoothing * max_j var_j", var_smoothing * largest);
                let var = Array::from_fn(&[classes, d], |at| {
                    let squares =
                        of_class(at[0]).map(|i| w.data()[i] * (x.get(&[i, at[1]]) - mean.get(at)).powi(2));
                    squares.sum::<f64>() / count.data()[at[0]] + epsilon
                });
                (mean, trace.step("v_cj", "sum of w (x - m_cj)^2 / N_c + epsilon", var))
            }
            Likelihood::Multinomial { alpha } => {
                let log = Array::from_fn(&[classes, d], |at| {
                    let all: f64 = (0..d).map(|j| sums.get(&[at[0], j]) + alpha).sum();
                    ((sums.get(at) + alpha) / all).ln()
                });
                (trace.step("log P(j | c)", "log[(N_cj + a) / sum_j (N_cj + a)]", log), zeros)
            }
            Likelihood::Bernoulli { alpha } => {
                let p = Array::from_fn(&[classes, d], |at| {
                    (sums.get(at) + alpha) / (count.data()[at[0]] + 2.0 * alpha)
                });
                let p = trace.step("p_cj", "(N_cj + a) / (N_c + 2 a)", p);
                (p.map(f64::ln), p.map(|p| (1.0 - p).ln()))
            }
            Likelihood::Complement { alpha } => {
                let rest = |c: usize, j: usize| {
                    (0..classes).filter(|&other| other != c).map(|other| sums.get(&[other, j])).sum::<f64>()
                        + alpha
                };
                let weight = Array::from_fn(&[classes, d], |at| {
                    let all: f64 = (0..d).map(|j| rest(at[0], j)).sum();
                    -(rest(at[0], at[1]) / all).ln()
                });
                (trace.step("w_cj", "-log[(N_j - N_cj + a) / sum_j (N_j - N_cj + a)]", weight), zeros)
            }
        };
        Ok(NaiveBayes { likelihood, log_prior, first, second })
    }

    /// `log P(c) + log P(x | c)` (for the complement the score) of each row and class, (m, classes).
    pub fn joint(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        let (classes, d) = (self.first.shape()[0], self.first.shape()[1]);
        x.expect_rank("naive_bayes", "x", 2)?;
        x.expect_shape("naive_bayes", "x", &[x.shape()[0], d])?;
        let joint = Array::from_fn(&[x.shape()[0], classes], |at| {
            let (i, c) = (at[0], at[1]);
            let term = |j: usize| {
                let (x, first, second) = (x.get(&[i, j]), self.first.get(&[c, j]), self.second.get(&[c, j]));
                match self.likelihood {
                    Likelihood::Gaussian { .. } => {
                        -0.5 * ((std::f64::consts::TAU * second).ln() + (x - first).powi(2) / second)
                    }
                    Likelihood::Bernoulli { .. } => x * first + (1.0 - x) * second,
                    Likelihood::Multinomial { .. } | Likelihood::Complement { .. } => x * first,
                }
            };
            let prior = match self.likelihood {
                Likelihood::Complement { .. } if classes > 1 => 0.0,
                _ => self.log_prior.data()[c],
            };
            prior + (0..d).map(term).sum::<f64>()
        });
        Ok(trace.step("log P(x, c)", "log P(c) + sum_j log P(x_j | c)", joint))
    }

    /// `log P(c | x)` of each row and class, (m, classes).
    pub fn log_posterior(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("naive Bayes: predict");
        let joint = self.joint(x, trace)?;
        let largest = joint.max_along(1);
        let evidence = Array::from_fn(largest.shape(), |at| {
            let row = (0..joint.shape()[1]).map(|c| (joint.get(&[at[0], c]) - largest.get(at)).exp());
            largest.get(at) + row.sum::<f64>().ln()
        });
        let evidence = trace.step("log P(x)", "log sum_c P(x, c)", evidence);
        let log = Array::from_fn(joint.shape(), |at| joint.get(at) - evidence.data()[at[0]]);
        Ok(trace.step("log P(c | x)", "log P(x, c) - log P(x)", log))
    }
}

/// The variance of column `j`.
fn variance(x: &Array, j: usize) -> f64 {
    let m = x.shape()[0] as f64;
    let column = || (0..x.shape()[0]).map(|i| x.get(&[i, j]));
    let mean = column().sum::<f64>() / m;
    column().map(|x| (x - mean).powi(2)).sum::<f64>() / m
}
