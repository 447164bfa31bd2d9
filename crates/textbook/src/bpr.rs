//! Bayesian personalised ranking: an item that was chosen should score above one that was not.
//!
//! ```text
//! l = -log sigmoid(s+ - s-) = log(1 + e^(s- - s+))      dl/ds+ = -sigmoid(s- - s+) = -dl/ds-
//! ```
//!
//! The logarithm is not taken of a sigmoid: that is 0 from a difference of -745 on. Rendle et al. 2009.

use crate::binary_cross_entropy::logistic;
use crate::hinge::softplus;
use crate::loss_reduction::Reduction;
use crate::pointwise_loss::{Part, PointwiseLoss};

/// The BPR loss of the scores of chosen items, the predictions, and of others, the targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bpr {
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl PointwiseLoss for Bpr {
    fn name(&self) -> &'static str {
        "BPR"
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn parts(&self, x: f64, y: f64) -> Vec<Part> {
        let v = y - x;
        vec![("v", "s- - s+", v), ("l", "max(v, 0) + log(1 + exp(-|v|))", softplus(v))]
    }

    fn slopes(&self, x: f64, y: f64) -> [f64; 2] {
        let s = logistic(y - x);
        [-s, s]
    }

    fn slope_formula(&self) -> &'static str {
        "-1 / (1 + e^-v) dl"
    }
}
