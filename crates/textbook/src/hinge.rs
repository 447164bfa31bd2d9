//! Losses of signs: the target y is -1 or 1.
//!
//! ```text
//! hinge             l = max(0, margin - x y)
//! hinge embedding   l = x if y = 1, max(0, margin - x) if y = -1      (x is a distance)
//! soft margin       l = log(1 + e^(-x y)) = max(-x y, 0) + log(1 + e^(-|x y|))
//! ```
//!
//! Cortes and Vapnik 1995. PyTorch: `torch.nn.HingeEmbeddingLoss`, `torch.nn.SoftMarginLoss` (which overflows where x y is
//! below -709).

use crate::binary_cross_entropy::logistic;
use crate::loss_reduction::Reduction;
use crate::pointwise_loss::{Part, PointwiseLoss, step};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Margin {
    /// A score that must exceed the margin; usually 1.
    Hinge(f64),
    /// A distance that must exceed the margin where the pair does not belong together; PyTorch's default is 1.
    Embedding(f64),
    /// A score, without an end to how good it can be.
    Soft,
}

/// A loss of signs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hinge {
    /// Which of them.
    pub margin: Margin,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl PointwiseLoss for Hinge {
    fn name(&self) -> &'static str {
        match self.margin {
            Margin::Hinge(_) => "hinge",
            Margin::Embedding(_) => "hinge embedding",
            Margin::Soft => "soft margin",
        }
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn parts(&self, x: f64, y: f64) -> Vec<Part> {
        match self.margin {
            Margin::Hinge(margin) => {
                let v = margin - x * y;
                vec![("v", "margin - x y", v), ("l", "max(0, v)", v.max(0.0))]
            }
            Margin::Embedding(margin) => {
                let v = margin - x;
                let near = if y == -1.0 { 0.0 } else { x };
                let far = if y == 1.0 { 0.0 } else { v.max(0.0) };
                vec![("v", "margin - x", v), ("l", "x if y = 1, max(0, v) if y = -1", near + far)]
            }
            Margin::Soft => {
                let v = -x * y;
                vec![("v", "-x y", v), ("l", "max(v, 0) + log(1 + exp(-|v|))", softplus(v))]
            }
        }
    }

    fn slopes(&self, x: f64, y: f64) -> [f64; 2] {
        match self.margin {
            Margin::Hinge(margin) => {
                let on = step(margin - x * y);
                [-y * on, -x * on]
            }
            Margin::Embedding(margin) => {
                let near = if y == -1.0 { 0.0 } else { 1.0 };
                let far = if y == 1.0 { 0.0 } else { step(margin - x) };
                [near - far, 0.0]
            }
            Margin::Soft => {
                let s = logistic(-x * y);
                [-y * s, -x * s]
            }
        }
    }

    fn slope_formula(&self) -> &'static str {
        match self.margin {
            Margin::Hinge(_) => "(-y if v > 0 else 0) dl",
            Margin::Embedding(_) => "(1 if y = 1, -1 if y = -1 and v > 0, else 0) dl",
            Margin::Soft => "-y / (1 + e^(x y)) dl",
        }
    }
}

/// log(1 + e^v) without overflow.
pub(crate) fn softplus(v: f64) -> f64 {
    v.max(0.0) + (-v.abs()).exp().ln_1p()
}
