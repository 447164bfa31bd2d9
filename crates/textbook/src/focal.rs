//! Focal loss: binary cross entropy in which what is already known counts little.
//!
//! ```text
//! p_t  the probability given to the right answer: p if y = 1, 1 - p if y = 0
//! l    = -alpha_t (1 - p_t)^gamma log p_t
//! ```
//!
//! Three conventions for alpha: none, one alpha for both answers, and the paper's alpha_t, alpha for positives and
//! 1 - alpha for negatives. From *logits* z with p = sigmoid(z), nothing is clipped:
//!
//! ```text
//! m = y (1 - p) + (1 - y) p             the probability of the wrong answer
//! c = max(z, 0) - z y + log(1 + e^-|z|)  the cross entropy
//! l = alpha_t m^gamma c
//! dl/dz = alpha_t (m^gamma (p - y) + c gamma m^(gamma - 1) p (1 - p) (1 - 2 y))
//! ```
//!
//! Soft targets go through the same formulas, as in torchvision's `sigmoid_focal_loss`. Lin et al. 2017.

use crate::activation::held;
use crate::array::Array;
use crate::binary_cross_entropy::logistic;
use crate::cross_entropy::expect_probabilities;
use crate::error::Result;
use crate::loss_reduction::Reduction;
use crate::pointwise_loss::{Part, PointwiseLoss};
use crate::trace::Trace;

/// How much the two answers count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum FocalAlpha {
    /// Each 1.
    #[default]
    None,
    /// Each this much.
    Uniform(f64),
    /// Positives this much, negatives 1 less this much.
    Balanced(f64),
}

impl FocalAlpha {
    /// `alpha_t` of a target, and its slope.
    fn at(self, y: f64) -> [f64; 2] {
        match self {
            FocalAlpha::None => [1.0, 0.0],
            FocalAlpha::Uniform(alpha) => [alpha, 0.0],
            FocalAlpha::Balanced(alpha) => [alpha * y + (1.0 - alpha) * (1.0 - y), 2.0 * alpha - 1.0],
        }
    }
}

/// Focal loss with its conventions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Focal {
    /// With 0 it is binary cross entropy; the paper's is 2.
    pub gamma: f64,
    /// How much the two answers count.
    pub alpha: FocalAlpha,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl Default for Focal {
    fn default() -> Self {
        Focal { gamma: 2.0, alpha: FocalAlpha::None, reduction: Reduction::Mean }
    }
}

impl PointwiseLoss for Focal {
    fn name(&self) -> &'static str {
        "focal loss"
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn parts(&self, z: f64, y: f64) -> Vec<Part> {
        let (p, q) = (logistic(z), logistic(-z));
        let m = y * q + (1.0 - y) * p;
        let c = z.max(0.0) - z * y + (-z.abs()).exp().ln_1p();
        let [alpha, _] = self.alpha.at(y);
        vec![
            ("p", "1 / (1 + e^-z)", p),
            ("m", "y (1 - p) + (1 - y) p", m),
            ("c", "max(z, 0) - z y + log(1 + e^-|z|)", c),
            ("l", "alpha_t m^gamma c", alpha * m.powf(self.gamma) * c),
        ]
    }

    fn slopes(&self, z: f64, y: f64) -> [f64; 2] {
        let (p, q) = (logistic(z), logistic(-z));
        let m = y * q + (1.0 - y) * p;
        let c = z.max(0.0) - z * y + (-z.abs()).exp().ln_1p();
        let [alpha, rise] = self.alpha.at(y);
        let power = m.powf(self.gamma);
        // Where m is 0 the power falls faster than this ratio rises.
        let over = if m == 0.0 { 0.0 } else { power / m };
        let dz = alpha * (power * (p - y) + c * self.gamma * over * p * q * (1.0 - 2.0 * y));
        let dy = rise * power * c + alpha * (power * -z + c * self.gamma * over * (q - p));
        [dz, dy]
    }

    fn slope_formula(&self) -> &'static str {
        "alpha_t (m^gamma (p - y) + c gamma m^(gamma - 1) p (1 - p) (1 - 2 y)) dl"
    }
}

impl Focal {
    /// The loss of probabilities `p`, first held in `clip..=1 - clip` (the notes have 1e-7 and 1e-12).
    pub fn forward_probabilities(&self, p: &Array, y: &Array, clip: f64, trace: &mut Trace) -> Result<Array> {
        y.expect_shape("focal_loss_probabilities", "y", p.shape())?;
        expect_probabilities("focal_loss_probabilities", p)?;
        trace.section("focal loss from probabilities: forward");
        let p = trace.step("p", "clip p", p.map(|p| held(p, clip, 1.0 - clip)));
        let right = p.zip(y, |p, y| y * p + (1.0 - y) * (1.0 - p))?;
        let right = trace.step("p_t", "y p + (1 - y) (1 - p)", right);
        let l =
            right.zip(y, |right, y| -self.alpha.at(y)[0] * (1.0 - right).powf(self.gamma) * right.ln())?;
        let l = trace.step("l", "-alpha_t (1 - p_t)^gamma log p_t", l);
        Ok(trace.step("L", self.reduction.formula(), self.reduction.apply(&l, l.len() as f64)))
    }

    /// The gradient with respect to the probabilities; a clipped one has none.
    pub fn backward_probabilities(
        &self,
        p: &Array,
        y: &Array,
        clip: f64,
        upstream: &Array,
        trace: &mut Trace,
    ) -> Result<Array> {
        let operation = "focal_loss_probabilities_backward";
        y.expect_shape(operation, "y", p.shape())?;
        expect_probabilities(operation, p)?;
        trace.section("focal loss from probabilities: backward");
        let dl = self.reduction.backward(upstream, p.shape(), p.len() as f64, operation)?;
        let dl = trace.step("dl", "dL/dl", dl);
        let gamma = self.gamma;
        let slope = p.zip(y, |p, y| {
            if p <= clip || p >= 1.0 - clip {
                return 0.0;
            }
            let right = y * p + (1.0 - y) * (1.0 - p);
            let wrong = 1.0 - right;
            let by_right = gamma * wrong.powf(gamma - 1.0) * right.ln() - wrong.powf(gamma) / right;
            self.alpha.at(y)[0] * by_right * (2.0 * y - 1.0)
        })?;
        let formula = "alpha_t (gamma (1 - p_t)^(gamma - 1) log p_t - (1 - p_t)^gamma / p_t) (2 y - 1) dl";
        Ok(trace.step("dp", formula, slope.zip(&dl, |slope, dl| slope * dl)?))
    }
}
